"""A standard queue: best-effort order, at-least-once, deletion also after the visibility timeout.

Order (AWS: Amazon SQS standard queues, Fair queues): the oldest first; what comes back after its visibility timeout
takes its old place; what was received three times without being deleted goes to the back; quiet groups go before noisy
ones (fair.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.queue.core import QueueCore
from emulator.queue.fair import FairShare
from emulator.queue.lane import Lane
from emulator.queue.message import READY, Message

if TYPE_CHECKING:
    from emulator.queue.core import Container

RECEIVES_TO_THE_BACK = 3


class StandardQueue(QueueCore):
    """One lane in order of rank, and beside it the lanes of the message groups once a message names one."""

    def __init__(self, *, retention_ms: int, in_flight_max: int) -> None:
        super().__init__(retention_ms=retention_ms, in_flight_max=in_flight_max)
        self._rank = 0
        self._lane = Lane()
        self._fair: FairShare | None = None
        self._now_ms = 0

    def settle(self, now_ms: int) -> None:
        """Let time pass; remembers the instant for the books of the groups."""
        self._now_ms = now_ms
        if now_ms >= self._quiet_until_ms:
            super().settle(now_ms)
        if self._fair is not None:
            self._fair.forget(now_ms)
            if self._fair.idle:
                self._fair = None

    def next_upkeep_ms(self) -> int | None:
        """Tell from when on `settle` can free a message or the books of a group."""
        expiry_ms = super().next_upkeep_ms()
        forget_ms = None if self._fair is None else self._fair.forget_ms
        if expiry_ms is None or forget_ms is None:
            return forget_ms if expiry_ms is None else expiry_ms
        return min(expiry_ms, forget_ms)

    def _comes_to(self, group: str, now_ms: int) -> None:
        self._shares().sent(group, now_ms)  # its activity counts from here

    def _became_ready(self, message: Message, *, returned: bool) -> None:
        if returned and message.receives < RECEIVES_TO_THE_BACK:
            self._push_back(message)
            return
        # For a message that was never delayed its number will do, which is one object less to keep.
        message.rank = self._rank = message.seq if message.seq > self._rank else self._rank + 1
        if message.group_id is not None:
            self._shares().push(message)
        else:
            self._lane.push(message)

    def _shares(self) -> FairShare:
        """Reach the books of the groups, opened when a message names one."""
        if self._fair is None:
            self._fair = FairShare()
        return self._fair

    def _restored(self, message: Message) -> None:
        self._push_back(message)

    def _push_back(self, message: Message) -> None:
        if message.group_id is not None:
            self._shares().push(message, back=True)
        else:
            self._lane.push_back(message)

    def _next(self, now_ms: int) -> Message | None:
        if self._fair is None:
            return self._lane.pop()
        return self._fair.pop(self._lane, now_ms, self.in_flight)

    def _received(self, message: Message) -> None:
        if self._fair is not None:
            self._fair.received(message)

    def _released(self, message: Message) -> None:
        if self._fair is not None:
            self._fair.released(message, self._now_ms)

    def _left(self, message: Message, state: int) -> None:
        if state == READY:
            self._lane.tidy(self.visible)
        if self._fair is not None:
            self._fair.withdrawn(message, visible=state == READY)

    def purge(self) -> list[Container]:
        """Drop all messages and what is known of the groups."""
        groups = [] if self._fair is None else [self._fair.tenants]
        self._fair = None
        return [*self._lane.clear(), *groups, *super().purge()]

    @property
    def noisy_groups(self) -> int:
        """How many message groups take more than their share (ApproximateNumberOfNoisyGroups)."""
        return 0 if self._fair is None else self._fair.noisy

    @property
    def entries(self) -> int:
        """Count the lanes' entries too."""
        return super().entries + len(self._lane) + (0 if self._fair is None else self._fair.entries)
