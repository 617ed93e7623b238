"""Visible messages in order of rank."""

from __future__ import annotations

import heapq
from collections import deque

from emulator.queue.message import READY, Message

_SLACK = 64


class Lane:
    """A deque of new messages, whose ranks only grow, and a heap of those that came back to an old place.

    A message that leaves the queue while it waits here stays as a dead entry (its state is not READY) until it is
    reached or swept.
    """

    __slots__ = ("_fresh", "_returned")

    def __init__(self) -> None:
        self._fresh: deque[Message] = deque()
        self._returned: list[tuple[int, Message]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._returned)

    def push(self, message: Message) -> None:
        """Take a message up at the end."""
        self._fresh.append(message)

    def push_back(self, message: Message) -> None:
        """Take a message up at the place that its rank says."""
        heapq.heappush(self._returned, (message.rank, message))

    def head(self) -> Message | None:
        """Look at the message of the lowest rank."""
        fresh, returned = self._fresh, self._returned
        while fresh and fresh[0].state != READY:
            fresh.popleft()
        while returned and returned[0][1].state != READY:
            heapq.heappop(returned)
        if returned and (not fresh or returned[0][0] < fresh[0].rank):
            return returned[0][1]
        return fresh[0] if fresh else None

    def pop(self) -> Message | None:
        """Take the message of the lowest rank."""
        if not self._returned:  # what is nearly always so
            fresh = self._fresh
            while fresh:
                message = fresh.popleft()
                if message.state == READY:
                    return message
            return None
        head = self.head()
        if head is not None:
            if self._returned and self._returned[0][1] is head:
                heapq.heappop(self._returned)
            else:
                self._fresh.popleft()
        return head

    def clear(self) -> tuple[deque[Message], list[tuple[int, Message]]]:
        """Drop all entries and hand them out."""
        entries = self._fresh, self._returned
        self._fresh, self._returned = deque(), []
        return entries

    def tidy(self, live: int) -> None:
        """Drop the dead entries when most of them are dead."""
        if len(self) > 2 * live + _SLACK:
            self._fresh = deque(message for message in self._fresh if message.state == READY)
            self._returned = [entry for entry in self._returned if entry[1].state == READY]
            heapq.heapify(self._returned)
