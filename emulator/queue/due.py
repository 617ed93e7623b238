"""Which message becomes visible next: the ends of delays and visibility timeouts.

Nearly all are set in the order in which they end, as most receives of a queue have one timeout: those stand in a deque, and what
is dead at its front goes soon. The others go to a heap. An entry is dead when its message is no longer waiting, or
waits for another instant.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from emulator.queue.message import WAITING, Message

if TYPE_CHECKING:
    from emulator.queue.core import Container

Entry = tuple[int, int, Message]
"""The instant, the message's number to break ties, the message."""

_SLACK = 64


class Due:
    """The messages of a queue that wait, by `visible_ms`."""

    __slots__ = ("_in_order", "_others")

    def __init__(self) -> None:
        self._in_order: deque[Entry] = deque()
        self._others: list[Entry] = []

    def __len__(self) -> int:
        return len(self._in_order) + len(self._others)

    def push(self, message: Message, when_ms: int) -> None:
        """Let a message wait until `when_ms`; an earlier entry of it dies."""
        message.visible_ms = when_ms
        entry = (when_ms, message.seq, message)
        if self._in_order and entry < self._in_order[-1]:
            heapq.heappush(self._others, entry)
        else:
            self._in_order.append(entry)

    def head(self) -> Entry | None:
        """Look at the entry that is due first."""
        in_order, others = self._in_order, self._others
        while in_order and not _lives(in_order[0]):
            in_order.popleft()
        while others and not _lives(others[0]):
            heapq.heappop(others)
        if others and (not in_order or others[0] < in_order[0]):
            return others[0]
        return in_order[0] if in_order else None

    def pop(self) -> None:
        """Drop the entry that `head` has just shown."""
        in_order, others = self._in_order, self._others
        if others and (not in_order or others[0] < in_order[0]):
            heapq.heappop(others)
        else:
            in_order.popleft()

    def tidy(self, live: int) -> None:
        """Drop the dead entries at the front, and all of them when most are dead."""
        in_order = self._in_order
        while in_order and not _lives(in_order[0]):
            in_order.popleft()
        if len(in_order) + len(self._others) > 2 * live + _SLACK:
            # Sets, as a timeout may have been set to one and the same instant several times.
            self._in_order = deque(dict.fromkeys(entry for entry in in_order if _lives(entry)))
            self._others = list({entry for entry in self._others if _lives(entry)})
            heapq.heapify(self._others)

    def clear(self) -> list[Container]:
        """Drop all entries and hand them out."""
        entries: list[Container] = [self._in_order, self._others]
        self._in_order, self._others = deque(), []
        return entries


def _lives(entry: Entry) -> bool:
    message = entry[2]
    return message.visible_ms == entry[0] and message.state in WAITING
