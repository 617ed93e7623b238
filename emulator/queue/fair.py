"""Fair queues: in a standard queue, quiet message groups go before noisy ones (AWS: Amazon SQS fair queues, July 2025).

A group is **noisy** while it holds more than a tenth of the queue's messages in flight, and at least 30 of them; or
took more than a tenth of the processing time of the last minutes, over at least 30 messages (the floor is ours: it
leaves small tests in order). It stays noisy until it has no backlog, or nothing was sent to it for 5 minutes. Among
noisy groups the one with the fewest in flight goes first. A message without a group is a quiet tenant of its own.
Nothing is locked, dropped or throttled.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from emulator.queue.lane import Lane

if TYPE_CHECKING:
    from emulator.queue.message import Message

SHARE = 10
"""More than one tenth is too much."""
MESSAGES_MIN = 30
QUIET_AFTER_MS = 5 * 60 * 1000
_GENERATION_MS = QUIET_AFTER_MS // 2
_SLACK = 64


class Tenant:
    """One message group with something visible or in flight."""

    __slots__ = ("backlog", "in_flight", "lane", "name", "noisy", "sent_ms")

    def __init__(self, name: str) -> None:
        self.name = name
        self.lane = Lane()
        self.backlog = 0
        self.in_flight = 0
        self.noisy = False
        self.sent_ms = 0


class Busy:
    """Processing time by group over the last 2.5 to 5 minutes: two generations of sums, the older one dropped in turn."""

    __slots__ = ("_started_ms", "new", "old")

    def __init__(self) -> None:
        self._started_ms = 0
        self.new: dict[str | None, tuple[int, int]] = {}
        self.old: dict[str | None, tuple[int, int]] = {}

    def add(self, name: str | None, duration_ms: int, now_ms: int) -> None:
        """Book the processing of one message; under None also the total."""
        self.forget(now_ms)
        for key in {name, None}:
            count, total_ms = self.new.get(key, (0, 0))
            self.new[key] = count + 1, total_ms + duration_ms

    def forget(self, now_ms: int) -> None:
        """Drop what is older than the last generation but one."""
        if now_ms - self._started_ms >= _GENERATION_MS:
            self.old = self.new if now_ms - self._started_ms < QUIET_AFTER_MS else {}
            self.new = {}
            self._started_ms = now_ms

    @property
    def forget_ms(self) -> int | None:
        """When there will be something to drop; None when there is nothing at all."""
        return self._started_ms + _GENERATION_MS if self.new or self.old else None

    def exceeds(self, name: str) -> bool:
        """Tell whether a group took more than its share."""
        count, group_ms = (a + b for a, b in zip(self.new.get(name, (0, 0)), self.old.get(name, (0, 0)), strict=True))
        total_ms = self.new.get(None, (0, 0))[1] + self.old.get(None, (0, 0))[1]
        return count >= MESSAGES_MIN and group_ms * SHARE > total_ms


class FairShare:
    """The lanes of all groups of one queue, and who is next.

    `_quiet` is a heap of (rank of the head, group), `_noisy` of (in flight, rank of the head, group). An entry that no
    longer says the truth is dropped when it is reached; each change of a head or a count adds one entry, so the cost
    per message is O(log n).
    """

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self._quiet: list[tuple[int, str]] = []
        self._noisy: list[tuple[int, int, str]] = []
        self._calming: list[tuple[int, str]] = []
        self._busy = Busy()
        self.noisy = 0

    def sent(self, group: str, now_ms: int) -> None:
        """Note that a message was sent to a group."""
        self._calm(now_ms)
        self._tenant(group).sent_ms = now_ms

    def push(self, message: Message, *, back: bool = False) -> None:
        """Take up a visible message of a group: at the end, or with `back` at its old place."""
        tenant = self._tenant(message.group_id or "")
        if back:
            tenant.lane.push_back(message)
        else:
            tenant.lane.push(message)
        tenant.backlog += 1
        tenant.sent_ms = max(tenant.sent_ms, message.sent_ms)
        if tenant.lane.head() is message:
            self._list(tenant)

    def received(self, message: Message) -> None:
        """Note that a message went in flight."""
        if message.group_id is not None:
            tenant = self._tenant(message.group_id)
            tenant.in_flight += 1
            if tenant.noisy:
                self._list(tenant)

    def released(self, message: Message, now_ms: int) -> None:
        """Note that a message is no longer in flight: deleted, visible again or expired."""
        self._busy.add(message.group_id, now_ms - message.received_ms, now_ms)
        if message.group_id is not None:
            tenant = self._tenant(message.group_id)
            tenant.in_flight -= 1
            if tenant.noisy:
                self._list(tenant)

    def withdrawn(self, message: Message, *, visible: bool) -> None:
        """Note that a message left the queue, `visible` or not."""
        if message.group_id is not None:
            tenant = self._tenant(message.group_id)
            if visible:
                tenant.backlog -= 1
                tenant.lane.tidy(tenant.backlog)
                self._list(tenant)  # another one may be its head now
            self._retire(tenant)

    def pop(self, plain: Lane, now_ms: int, in_flight: int) -> Message | None:
        """Take the next message of all: the lowest rank among the quiet, `plain` (no group) included; else from the
        least busy noisy group.
        """
        self._calm(now_ms)
        quiet = self._quiet_head(now_ms, in_flight)
        alone = plain.head()
        if quiet is not None and (alone is None or self._head_rank(quiet) < alone.rank):
            return self._take(quiet)
        if alone is not None:
            return plain.pop()
        noisy = self._noisy_head()
        return None if noisy is None else self._take(noisy)

    def forget(self, now_ms: int) -> None:
        """Let time pass over the books."""
        self._busy.forget(now_ms)

    @property
    def forget_ms(self) -> int | None:
        """When `forget` will have something to do, or None."""
        return self._busy.forget_ms

    @property
    def idle(self) -> bool:
        """Whether nothing is known that could matter to anybody."""
        return not self.tenants and self._busy.forget_ms is None

    @property
    def entries(self) -> int:
        """How many entries all structures hold."""
        return (
            len(self._quiet)
            + len(self._noisy)
            + len(self._calming)
            + sum(len(tenant.lane) for tenant in self.tenants.values())
        )

    def _tenant(self, name: str) -> Tenant:
        tenant = self.tenants.get(name)
        if tenant is None:
            tenant = self.tenants[name] = Tenant(name)
        return tenant

    @staticmethod
    def _head_rank(tenant: Tenant) -> int:
        head = tenant.lane.head()
        return -1 if head is None else head.rank

    def _list(self, tenant: Tenant) -> None:
        """Enter a group into the heap where it belongs now."""
        rank = self._head_rank(tenant)
        if rank < 0:
            return
        if tenant.noisy:
            heapq.heappush(self._noisy, (tenant.in_flight, rank, tenant.name))
        else:
            heapq.heappush(self._quiet, (rank, tenant.name))
        if len(self._quiet) + len(self._noisy) > 4 * len(self.tenants) + _SLACK:
            self._relist()

    def _relist(self) -> None:
        self._quiet, self._noisy = [], []
        for tenant in self.tenants.values():
            rank = self._head_rank(tenant)
            if rank >= 0 and tenant.noisy:
                self._noisy.append((tenant.in_flight, rank, tenant.name))
            elif rank >= 0:
                self._quiet.append((rank, tenant.name))
        heapq.heapify(self._quiet)
        heapq.heapify(self._noisy)

    def _quiet_head(self, now_ms: int, in_flight: int) -> Tenant | None:
        while self._quiet:
            rank, name = self._quiet[0]
            tenant = self.tenants.get(name)
            if tenant is not None and not tenant.noisy and self._head_rank(tenant) == rank:
                if not self._is_noisy(tenant, now_ms, in_flight):
                    return tenant
                tenant.noisy = True
                self.noisy += 1
                self._watch(tenant)
                self._list(tenant)
                continue
            heapq.heappop(self._quiet)
        return None

    def _noisy_head(self) -> Tenant | None:
        while self._noisy:
            in_flight, rank, name = self._noisy[0]
            tenant = self.tenants.get(name)
            if (
                tenant is not None
                and tenant.noisy
                and tenant.in_flight == in_flight
                and self._head_rank(tenant) == rank
            ):
                return tenant
            heapq.heappop(self._noisy)
        return None

    def _is_noisy(self, tenant: Tenant, now_ms: int, in_flight: int) -> bool:
        if now_ms - tenant.sent_ms >= QUIET_AFTER_MS:
            return False
        if tenant.in_flight >= MESSAGES_MIN and tenant.in_flight * SHARE > in_flight:
            return True
        return self._busy.exceeds(tenant.name)

    def _take(self, tenant: Tenant) -> Message | None:
        message = tenant.lane.pop()
        tenant.backlog -= 1
        if tenant.backlog == 0:
            self._quieten(tenant)
        self._list(tenant)
        return message

    def _quieten(self, tenant: Tenant) -> None:
        if tenant.noisy:
            tenant.noisy = False
            self.noisy -= 1
            self._list(tenant)

    def _calm(self, now_ms: int) -> None:
        """Make quiet again each noisy group to which nothing was sent for 5 minutes."""
        while self._calming and self._calming[0][0] <= now_ms:
            _, name = heapq.heappop(self._calming)
            tenant = self.tenants.get(name)
            if tenant is None or not tenant.noisy:
                continue
            if now_ms - tenant.sent_ms >= QUIET_AFTER_MS:
                self._quieten(tenant)
            else:
                self._watch(tenant)

    def _watch(self, tenant: Tenant) -> None:
        """Look at a noisy group again when nothing may have been sent to it for 5 minutes."""
        if len(self._calming) > 2 * self.noisy + _SLACK:
            noisy = [tenant for tenant in self.tenants.values() if tenant.noisy]
            self._calming = [(tenant.sent_ms + QUIET_AFTER_MS, tenant.name) for tenant in noisy]
            heapq.heapify(self._calming)
        else:
            heapq.heappush(self._calming, (tenant.sent_ms + QUIET_AFTER_MS, tenant.name))

    def _retire(self, tenant: Tenant) -> None:
        """Forget a group that has nothing visible and nothing in flight."""
        if tenant.backlog == 0:
            self._quieten(tenant)
            if tenant.in_flight == 0:
                self.tenants.pop(tenant.name, None)
