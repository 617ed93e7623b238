"""What standard and FIFO queues share: time passing, receipts, visibility, retention, exact counts.

Every cost is O(1) or O(log n), whatever the backlog. An entry of an inner structure may outlive what it stood for; it is told by
its message's state, and what is mostly dead is rebuilt, which costs O(1) per entry that died.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.queue.due import Due
from emulator.queue.expiry import Expiry
from emulator.queue.message import DELAYED, GONE, IN_FLIGHT, READY, TAKEN, WAITING, Message, Outcome
from emulator.queue.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VISIBILITY_TOTAL_MAX_MS = 12 * 3600 * 1000
"""A message may stay in flight for 12 hours from its receive (AWS: Amazon SQS visibility timeout)."""
NEVER_MS = 1 << 62
Container = dict[Any, Any] | list[Any] | deque[Any]
"""What `purge` hands out to be freed."""


@dataclass(slots=True, eq=False)
class Taken:
    """The yield of one receive."""

    messages: list[Message]
    dead: list[Message]
    """Taken out of the queue, because they had been received as often as the redrive policy allows."""


class QueueCore:
    """The part of a queue that knows time but not order. Subclasses say which message is next."""

    deletes_visible = True
    """Whether a receipt still deletes after its visibility timeout has ended (standard: yes, FIFO: no)."""

    def __init__(self, *, retention_ms: int, in_flight_max: int) -> None:
        self._retention_ms = retention_ms
        self._quiet_until_ms = NEVER_MS
        """Before this instant nothing becomes visible and nothing expires. It may be too early, never too late."""
        self.in_flight_max = in_flight_max
        self.visible = self.in_flight = self.delayed = 0
        self._messages = Roster()
        self._due = Due()
        self._expiry = Expiry(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def retention_ms(self) -> int:
        """How long a message stays."""
        return self._retention_ms

    @retention_ms.setter
    def retention_ms(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms
        self._quiet_until_ms = 0

    @property
    def last_seq(self) -> int:
        """The number of the message that came last."""
        return self._messages.last_seq

    # What the order of a kind needs to know; each but the first is called after the state and the counts were set.

    def _comes_to(self, group: str, now_ms: int) -> None:
        """Note that a message of a group is about to be put in."""

    def _arrived(self, message: Message) -> None:
        """Note a new message, delayed or not."""

    def _became_ready(self, message: Message, *, returned: bool) -> None:
        """Take up a message that may be received now; `returned` after a receive."""
        raise NotImplementedError

    def _released(self, message: Message) -> None:
        """Note that a message is no longer in flight, whatever becomes of it."""

    def _left(self, message: Message, state: int) -> None:
        """Note that a message left the queue out of `state`."""

    def _next(self, now_ms: int) -> Message | None:
        """Take the message that is next out of the order, or answer None."""
        raise NotImplementedError

    def _restored(self, message: Message) -> None:
        """Take a message up again at the place from which `_next` took it."""
        raise NotImplementedError

    def _received(self, message: Message) -> None:
        """Note that a message went in flight."""

    # Arrival and the passing of time.

    def add(self, message: Message, now_ms: int, due_ms: int) -> None:
        """Put a message in, to be visible from `due_ms` on. `enqueued_ms` may lie in the past (redrive keeps it)."""
        if message.group_id is not None:
            self._comes_to(message.group_id, now_ms)
        if now_ms >= self._quiet_until_ms:
            self.settle(now_ms)  # what became visible before goes before
        if not message.enqueued_ms:
            message.enqueued_ms = now_ms
        self._messages.add(message)
        self._expiry.push(message)
        expiry_ms = message.enqueued_ms + self._retention_ms
        if expiry_ms < self._quiet_until_ms:
            self._quiet_until_ms = expiry_ms
        if due_ms > now_ms:
            message.state = DELAYED
            self.delayed += 1
            self._wait(message, due_ms)
            self._arrived(message)
        else:
            message.state = READY
            self.visible += 1
            self._arrived(message)
            self._became_ready(message, returned=False)

    def settle(self, now_ms: int) -> None:
        """Let time pass up to `now_ms`: end delays and visibility timeouts, drop what is beyond its retention."""
        if now_ms < self._quiet_until_ms:
            return
        due = self._due
        while (head := due.head()) is not None and head[0] <= now_ms:
            due.pop()
            self._make_ready(head[2])
        expired_ms = now_ms - self._retention_ms
        while (oldest := self._expiry.oldest()) is not None and oldest.enqueued_ms <= expired_ms:
            self._drop(oldest)
        head = due.head()
        due_ms = NEVER_MS if head is None else head[0]
        self._quiet_until_ms = due_ms if oldest is None else min(due_ms, oldest.enqueued_ms + self._retention_ms)

    def _wait(self, message: Message, until_ms: int) -> None:
        """Let a message be invisible until an instant."""
        self._due.push(message, until_ms)
        if until_ms < self._quiet_until_ms:
            self._quiet_until_ms = until_ms

    def next_due_ms(self) -> int | None:
        """Tell when something may be received that cannot be now, or None.

        That is when a delay or a visibility timeout ends, and when a message in flight expires, which frees its group and
        its place under the limit of messages in flight.
        """
        head = self._due.head()
        due_ms = None if head is None else head[0]
        expiry_ms = self._expiry_ms()
        if self.in_flight and expiry_ms is not None:
            return expiry_ms if due_ms is None else min(due_ms, expiry_ms)
        return due_ms

    def next_upkeep_ms(self) -> int | None:
        """Tell from when on `settle` can free something that nobody may ever ask for again, or None."""
        return self._expiry_ms()

    def _expiry_ms(self) -> int | None:
        oldest = self._expiry.oldest()
        return None if oldest is None else oldest.enqueued_ms + self._retention_ms

    def _make_ready(self, message: Message) -> None:
        returned = message.state == IN_FLIGHT
        if returned:
            self.in_flight -= 1
            self._released(message)
        else:
            self.delayed -= 1
        message.state = READY
        self.visible += 1
        self._became_ready(message, returned=returned)

    # Receives and what may follow them.

    def take(self, now_ms: int, count_max: int, visibility_ms: int, receives_max: int | None = None) -> Taken:
        """Receive up to `count_max` messages, each invisible for `visibility_ms`.

        A message that was received `receives_max` times already leaves the queue for the caller to dead-letter.
        """
        self.settle(now_ms)
        messages: list[Message] = []
        dead: list[Message] = []
        while len(messages) < count_max and self.in_flight < self.in_flight_max:
            message = self._next(now_ms)
            if message is None:
                break
            self.visible -= 1
            if receives_max is not None and message.receives >= receives_max:
                message.state = TAKEN
                self._remove(message)
                dead.append(message)
                continue
            self._receive(message, now_ms, visibility_ms)
            messages.append(message)
        if visibility_ms == 0:
            self.settle(now_ms)
        return Taken(messages, dead)

    def withdraw(self, now_ms: int, check: Callable[[Message], None]) -> Message | None:
        """Take the next visible message out for good, without counting a receive. What `check` raises leaves it where it was."""
        self.settle(now_ms)
        message = self._next(now_ms)
        if message is None:
            return None
        message.state = TAKEN
        self.visible -= 1
        try:
            check(message)
        except BaseException:
            message.state = READY
            self.visible += 1
            self._restored(message)
            raise
        self._remove(message)
        return message

    def _receive(self, message: Message, now_ms: int, visibility_ms: int) -> None:
        message.state = IN_FLIGHT
        self.in_flight += 1
        message.receives += 1
        message.receive_count += 1
        message.received_ms = now_ms
        if message.first_received_ms is None:
            message.first_received_ms = now_ms
        self._wait(message, now_ms + visibility_ms)
        self._received(message)

    def delete(self, seq: int, receive: int, now_ms: int) -> Outcome:
        """Delete the message behind a receipt, unless it was received again since."""
        self.settle(now_ms)
        message = self._messages.get(seq)
        if message is None:
            return Outcome.UNKNOWN
        if message.receives != receive:
            return Outcome.STALE
        if message.state != IN_FLIGHT and not self.deletes_visible:
            return Outcome.NOT_IN_FLIGHT
        self._drop(message)
        return Outcome.DONE

    def change_visibility(self, seq: int, receive: int, timeout_ms: int, now_ms: int) -> Outcome:
        """Let the visibility timeout of a message in flight end `timeout_ms` from now; 0 makes it visible at once."""
        self.settle(now_ms)
        message = self._messages.get(seq)
        if message is None:
            return Outcome.UNKNOWN
        if message.receives != receive:
            return Outcome.STALE
        if message.state != IN_FLIGHT:
            return Outcome.NOT_IN_FLIGHT
        if now_ms - message.received_ms + timeout_ms >= VISIBILITY_TOTAL_MAX_MS:
            return Outcome.TOO_LONG
        self._wait(message, now_ms + timeout_ms)
        self.settle(now_ms)
        self._tidy()
        return Outcome.DONE

    def give_back(self, message: Message, receive: int, now_ms: int) -> None:
        """Undo a receive whose answer could not be delivered: the message is as it was before it, and where it was."""
        self.settle(now_ms)
        known = self._messages.get(message.seq) is message
        if not known or message.state != IN_FLIGHT or message.receives != receive:
            return
        message.receives -= 1
        message.receive_count -= 1
        if message.receive_count == 0:
            message.first_received_ms = None
        self.in_flight -= 1
        self._released(message)
        message.state = READY
        self.visible += 1
        self._restored(message)
        self._tidy()

    def purge(self) -> list[Container]:
        """Drop all messages, in flight and delayed ones too, in O(1).

        Freeing a million messages takes a second; the containers that held them are handed out so that the caller can
        do it bit by bit (emulator.tasks.dispose).
        """
        remains: list[Container] = [*self._due.clear(), *self._expiry.clear(), self._messages.clear()]
        self.visible = self.in_flight = self.delayed = 0
        return remains

    def peek(self) -> Iterator[Message]:
        """Look at all messages in order of arrival, without any effect."""
        return iter(self._messages)

    # Leaving.

    def _remove(self, message: Message) -> None:
        state = message.state
        if state == READY:
            self.visible -= 1
        elif state == IN_FLIGHT:
            self.in_flight -= 1
            self._released(message)
        elif state == DELAYED:
            self.delayed -= 1
        message.state = GONE
        self._messages.remove(message)
        self._expiry.tidy(len(self._messages))
        if state in WAITING:
            self._due.tidy(self.delayed + self.in_flight)
        self._left(message, state)

    def _drop(self, message: Message) -> None:
        self._remove(message)
        message.let_go()

    def _tidy(self) -> None:
        """Let go of what waits no longer."""
        self._due.tidy(self.delayed + self.in_flight)

    @property
    def entries(self) -> int:
        """How many entries all inner structures hold, dead ones too: bounded by the messages (tests hold that)."""
        return len(self._messages) + len(self._due) + len(self._expiry)
