"""Which message of a queue is the oldest, for retention.

Messages arrive in the order of their enqueueing, so a deque holds them, without an entry of their own; only what a redrive brings
with an older instant goes to a heap. A message that left the queue stays as a dead entry until it is reached or swept.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from emulator.queue.message import GONE, Message

if TYPE_CHECKING:
    from emulator.queue.core import Container

_SLACK = 64


class Expiry:
    """All messages of a queue, by `enqueued_ms`."""

    __slots__ = ("_in_order", "_late")

    def __init__(self) -> None:
        self._in_order: deque[Message] = deque()
        self._late: list[tuple[int, int, Message]] = []

    def __len__(self) -> int:
        return len(self._in_order) + len(self._late)

    def push(self, message: Message) -> None:
        """Take up a message that arrives."""
        in_order = self._in_order
        if in_order and message.enqueued_ms < in_order[-1].enqueued_ms:
            heapq.heappush(self._late, (message.enqueued_ms, message.seq, message))
        else:
            in_order.append(message)

    def oldest(self) -> Message | None:
        """Look at the message that was enqueued first."""
        in_order, late = self._in_order, self._late
        while in_order and in_order[0].state == GONE:
            in_order.popleft()
        while late and late[0][2].state == GONE:
            heapq.heappop(late)
        if late and (not in_order or late[0][0] < in_order[0].enqueued_ms):
            return late[0][2]
        return in_order[0] if in_order else None

    def tidy(self, live: int) -> None:
        """Drop the dead entries at the front, and all of them when most are dead."""
        in_order = self._in_order
        while in_order and in_order[0].state == GONE:
            in_order.popleft()
        if len(in_order) + len(self._late) > 2 * live + _SLACK:
            self._in_order = deque(message for message in in_order if message.state != GONE)
            self._late = [entry for entry in self._late if entry[2].state != GONE]
            heapq.heapify(self._late)

    def clear(self) -> list[Container]:
        """Drop all entries and hand them out."""
        entries: list[Container] = [self._in_order, self._late]
        self._in_order, self._late = deque(), []
        return entries
