"""Which message of a queue is the oldest, for retention.

Messages arrive in the order of their enqueueing, so the first of the roster is the oldest; only what a redrive brings with an older
instant goes to a heap as well. A message that left the queue stays there as a dead entry until it is reached or swept.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from emulator.queue.message import GONE, Message

if TYPE_CHECKING:
    from emulator.queue.core import Container
    from emulator.queue.roster import Roster

_SLACK = 64


class Expiry:
    """All messages of a queue, by `enqueued_ms`."""

    __slots__ = ("_late", "_newest_ms", "_roster")

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._newest_ms = 0
        self._late: list[tuple[int, int, Message]] = []

    def __len__(self) -> int:
        return len(self._late)

    def push(self, message: Message) -> None:
        """Take up a message that arrives."""
        if message.enqueued_ms >= self._newest_ms:
            self._newest_ms = message.enqueued_ms
        else:
            heapq.heappush(self._late, (message.enqueued_ms, message.seq, message))

    def oldest(self) -> Message | None:
        """Look at the message that was enqueued first."""
        first, late = self._roster.first(), self._late
        while late and late[0][2].state == GONE:
            heapq.heappop(late)
        if late and (first is None or late[0][0] < first.enqueued_ms):
            return late[0][2]
        return first

    def tidy(self, live: int) -> None:
        """Drop the dead entries when most are dead."""
        if len(self._late) > 2 * live + _SLACK:
            self._late = [entry for entry in self._late if entry[2].state != GONE]
            heapq.heapify(self._late)

    def clear(self) -> list[Container]:
        """Drop all entries and hand them out."""
        late, self._late = self._late, []
        self._newest_ms = 0
        return [late]
