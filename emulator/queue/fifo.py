"""A FIFO queue: order and a lock per message group, deduplication, receive attempts.

Source: AWS, "Amazon SQS FIFO queues" (delivery logic, exactly-once processing) and the API pages of SendMessage and
ReceiveMessage.

- Messages of a group come in the order of their sending. While one of a group is in flight, no other of it is handed
  out, except in the same receive, which takes as many as it can from one group before it turns to the next.
- A delayed head blocks its group. The delay is the queue's, and a change of it acts on what is already there.
- A deduplication id is remembered for 5 minutes from the first accepted send, whatever became of the message.
- A receive that names an attempt id can be repeated for 5 minutes: same messages, same receipts, visibility timeout
  from now.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from emulator.queue.core import NEVER_MS, QueueCore, Taken
from emulator.queue.message import DELAYED, GONE, IN_FLIGHT, READY, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from emulator.queue.core import Container

DEDUPLICATION_MS = 5 * 60 * 1000
ATTEMPT_MS = 5 * 60 * 1000
_SLACK = 64
_CUT = 32
"""So many places at the front of a group are let stand empty before they are cut off."""
_SHARES = 16
"""Among how many dicts the remembered ids are divided: one of a million takes 50 ms to grow."""


class Sent(NamedTuple):
    """The answer to the first send of a deduplication id; duplicates get it again."""

    message_id: str
    sequence_number: str | None
    sent_ms: int


class NotRetryableError(Exception):
    """A receive attempt cannot be repeated: one of its messages was deleted, changed or received by another."""


class Group:
    """One message group that has messages: those that came and were never taken in the order of their coming, and a heap of those that
    came back. A list and a place in it, as a deque takes 600 bytes for a single message.
    """

    __slots__ = ("_first", "_fresh", "_returned", "in_flight", "listed", "live", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.live = 0
        self.in_flight = 0
        self.listed = 0  # the head's seq under which it stands in the queue's list of available groups
        self._fresh: list[Message | None] = []
        self._first = 0  # what stands before it is None
        self._returned: list[tuple[int, Message]] = []

    def __len__(self) -> int:
        return len(self._fresh) - self._first + len(self._returned)

    def push(self, message: Message) -> None:
        """Put a new message last."""
        self._fresh.append(message)
        if len(self) > 2 * self.live + _SLACK:
            self._fresh = [one for one in self._fresh if one is not None and one.state != GONE]
            self._first = 0
            self._returned = [entry for entry in self._returned if entry[1].state != GONE]
            heapq.heapify(self._returned)

    def push_back(self, message: Message) -> None:
        """Put a message that was taken before all that came after it."""
        heapq.heappush(self._returned, (message.seq, message))

    def head(self) -> Message | None:
        """Look at the earliest message that is not in flight, be it delayed or visible."""
        while (fresh := self._front()) is not None and fresh.state == GONE:
            self._drop()
        returned = self._returned
        while returned and returned[0][1].state == GONE:
            heapq.heappop(returned)
        return returned[0][1] if returned and (fresh is None or returned[0][0] < fresh.seq) else fresh

    def pop(self) -> Message | None:
        """Take the head."""
        head = self.head()
        if head is not None and head is self._front():
            self._drop()
        elif head is not None:
            heapq.heappop(self._returned)
        return head

    def _front(self) -> Message | None:
        return self._fresh[self._first] if self._first < len(self._fresh) else None

    def _drop(self) -> None:
        self._fresh[self._first] = None
        self._first += 1
        if self._first >= _CUT and 2 * self._first >= len(self._fresh):
            del self._fresh[: self._first]
            self._first = 0


class Attempt:
    """What a receive with an attempt id handed out."""

    __slots__ = ("forget_ms", "receipts", "visible_ms")

    def __init__(self, receipts: list[tuple[int, int]], visible_ms: int, forget_ms: int) -> None:
        self.receipts = receipts
        self.visible_ms = visible_ms
        self.forget_ms = forget_ms


class FifoQueue(QueueCore):
    """Groups, and a heap of those that can hand out their head."""

    deletes_visible = False

    def __init__(self, *, retention_ms: int, in_flight_max: int) -> None:
        super().__init__(retention_ms=retention_ms, in_flight_max=in_flight_max)
        self._groups: dict[str, Group] = {}
        self._available: list[tuple[int, str]] = []  # (seq of the head, group)
        self._draining: Group | None = None
        self._sent: tuple[dict[Hashable, Sent], ...] = tuple({} for _ in range(_SHARES))
        self._sent_order: deque[Hashable] = deque()
        self._forget_ms = NEVER_MS
        """Before this instant there is nothing to forget."""
        self._attempts: dict[str, Attempt] = {}
        self._attempt_order: deque[tuple[int, str]] = deque()

    # Deduplication.

    def duplicate_of(self, key: Hashable, now_ms: int) -> Sent | None:
        """Find the first send under this key within the last 5 minutes."""
        self._forget(now_ms)
        return self._sent[hash(key) % _SHARES].get(key)

    def remember(self, key: Hashable, sent: Sent) -> None:
        """Start the deduplication window of a key, at the instant of the sending."""
        self._sent[hash(key) % _SHARES][key] = sent
        self._sent_order.append(key)
        self._forget_ms = min(self._forget_ms, sent.sent_ms + DEDUPLICATION_MS)

    def _forget(self, now_ms: int) -> None:
        if now_ms < self._forget_ms:
            return
        self._forget_ms = NEVER_MS
        while self._sent_order:
            key = self._sent_order[0]
            share = self._sent[hash(key) % _SHARES]
            if share[key].sent_ms + DEDUPLICATION_MS > now_ms:
                self._forget_ms = share[key].sent_ms + DEDUPLICATION_MS
                break
            del share[self._sent_order.popleft()]
        while self._attempt_order and self._attempt_order[0][0] <= now_ms:
            forget_ms, attempt_id = self._attempt_order.popleft()
            attempt = self._attempts.get(attempt_id)
            if attempt is not None and attempt.forget_ms == forget_ms:
                del self._attempts[attempt_id]
        if self._attempt_order:
            self._forget_ms = min(self._forget_ms, self._attempt_order[0][0])

    # Receive attempts.

    def retry(self, attempt_id: str, now_ms: int, visibility_ms: int) -> list[Message] | None:
        """Repeat an attempt: its messages with a new visibility timeout, or None when there is nothing to repeat.

        Raises NotRetryableError when its messages are no longer as that receive left them.
        """
        self.settle(now_ms)
        attempt = self._attempts.get(attempt_id)
        if attempt is None:
            return None
        messages = []
        for seq, receive in attempt.receipts:
            message = self._messages.get(seq)
            if message is None or message.receives != receive or message.visible_ms != attempt.visible_ms:
                raise NotRetryableError
            messages.append(message)
        if any(message.state != IN_FLIGHT for message in messages):
            # Their visibility timeout ended and nobody received them since: a new receive finds them.
            return None
        attempt.visible_ms = now_ms + visibility_ms
        for message in messages:
            self._wait(message, attempt.visible_ms)
        self._tidy()
        return messages

    def note_attempt(self, attempt_id: str, messages: list[Message], now_ms: int) -> None:
        """Remember what a receive handed out; a repeated attempt keeps its first instant."""
        if not messages:
            return
        known = self._attempts.get(attempt_id)
        forget_ms = now_ms + ATTEMPT_MS if known is None else known.forget_ms
        receipts = [(message.seq, message.receives) for message in messages]
        self._attempts[attempt_id] = Attempt(receipts, messages[0].visible_ms, forget_ms)
        if known is None:
            self._attempt_order.append((forget_ms, attempt_id))
            self._forget_ms = min(self._forget_ms, forget_ms)

    def forget_attempt(self, attempt_id: str) -> None:
        """Forget an attempt whose messages were given back: repeating it is a new receive."""
        self._attempts.pop(attempt_id, None)

    # Order.

    def take(self, now_ms: int, count_max: int, visibility_ms: int, receives_max: int | None = None) -> Taken:
        """Receive as QueueCore does; within one receive a group may give several messages."""
        taken = super().take(now_ms, count_max, visibility_ms, receives_max)
        self._end_draining()
        return taken

    def withdraw(self, now_ms: int, check: Callable[[Message], None]) -> Message | None:
        """Withdraw as QueueCore does."""
        message = super().withdraw(now_ms, check)
        self._end_draining()
        return message

    def _end_draining(self) -> None:
        """Offer the group from which this receive took last to the next one, if nothing of it is in flight."""
        group, self._draining = self._draining, None
        if group is not None:
            self._list(group)

    def _arrived(self, message: Message) -> None:
        name = message.group_id or ""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name)
        if message.group_id is not None:
            message.group_id = group.name  # the same text for all of a group, which saves 64 bytes for each
        group.live += 1
        group.push(message)

    def _became_ready(self, message: Message, *, returned: bool) -> None:
        group = self._groups[message.group_id or ""]
        if returned:
            group.push_back(message)
        self._list(group)

    def _released(self, message: Message) -> None:
        self._groups[message.group_id or ""].in_flight -= 1

    def _list(self, group: Group) -> None:
        """Enter a group whose head can be handed out."""
        if group.in_flight:
            return
        head = group.head()
        if head is not None and head.state == READY and group.listed != head.seq:
            group.listed = head.seq
            heapq.heappush(self._available, (head.seq, group.name))
            if len(self._available) > 2 * len(self._groups) + _SLACK:
                self._available = [(one.listed, one.name) for one in self._groups.values() if one.listed]
                heapq.heapify(self._available)

    def _next(self, now_ms: int) -> Message | None:  # noqa: ARG002 - order does not depend on the instant
        group = self._draining
        if group is not None:
            head = group.head()
            if head is not None and head.state == READY:
                return group.pop()
            self._draining = None
        while self._available:
            seq, name = heapq.heappop(self._available)
            group = self._groups.get(name)
            if group is None or group.listed != seq:
                continue
            group.listed = 0
            head = group.head()
            if head is not None and head.seq == seq and head.state == READY and not group.in_flight:
                self._draining = group
                return group.pop()
            self._list(group)
        return None

    def _restored(self, message: Message) -> None:
        group = self._groups[message.group_id or ""]
        group.push_back(message)
        self._draining = None
        self._list(group)

    def _received(self, message: Message) -> None:
        self._groups[message.group_id or ""].in_flight += 1

    def _left(self, message: Message, state: int) -> None:  # noqa: ARG002 - order does not depend on it
        group = self._groups[message.group_id or ""]
        group.live -= 1
        if group.live == 0:
            del self._groups[group.name]
        elif group is not self._draining:
            self._list(group)

    def set_delay(self, delay_ms: int, now_ms: int) -> None:
        """Give all messages that were never received a new delay, counted from their sending: O(n), for SetQueueAttributes only."""
        self.settle(now_ms)
        for message in list(self._messages):
            due_ms = message.sent_ms + delay_ms
            if message.receive_count or message.state not in (DELAYED, READY):
                continue
            if message.state == READY and due_ms > now_ms:
                message.state = DELAYED
                self.visible -= 1
                self.delayed += 1
            if message.state == DELAYED:
                self._wait(message, due_ms)
        self._tidy()
        self.settle(now_ms)

    def settle(self, now_ms: int) -> None:
        """Let time pass; also forget what deduplication and attempts need no longer."""
        if now_ms >= self._quiet_until_ms:
            super().settle(now_ms)
        self._forget(now_ms)

    def next_upkeep_ms(self) -> int | None:
        """Tell from when on `settle` can free a message or a remembered id."""
        upkeep_ms = super().next_upkeep_ms()
        if self._forget_ms < NEVER_MS and (upkeep_ms is None or self._forget_ms < upkeep_ms):
            return self._forget_ms
        return upkeep_ms

    def purge(self) -> list[Container]:
        """Drop all messages; the deduplication window stays, as on AWS."""
        remains: list[Container] = [self._available, self._groups]
        self._available, self._groups = [], {}
        return [*remains, *super().purge()]

    @property
    def groups_in_flight(self) -> int:
        """How many groups are locked (ApproximateNumberOfGroupsWithInflightMessages)."""
        return sum(1 for group in self._groups.values() if group.in_flight)

    @property
    def entries(self) -> int:
        """Count the groups' entries, the remembered ids and the attempts too."""
        remembered = sum(map(len, self._sent)) + len(self._attempts)
        return (
            super().entries + len(self._available) + remembered + sum(len(group) + 1 for group in self._groups.values())
        )
