"""Frees what only time makes obsolete: expired messages and remembered ids on queues that nobody touches any more.

One timer for each queue that holds something or held it a moment ago, none for one that has long been empty. Correctness does
not depend on it: each operation settles the queue first. It only gives memory back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.clock import Clock, Timer
    from emulator.queue.core import QueueCore

PATIENCE_MS = 60_000
"""Wait at least this long between two rounds, so that a busy queue's upkeep costs nothing."""


class Upkeep:
    """The timer of one queue."""

    __slots__ = ("_clock", "_core", "_ended", "timer")

    def __init__(self, clock: Clock, core: QueueCore) -> None:
        self._clock = clock
        self._core = core
        self.timer: Timer | None = None
        """Of the round that will come, if one will."""
        self._ended = False

    def watch(self) -> None:
        """Make sure that a round will come in time; call it after something was put into the queue."""
        due_ms = self._core.next_upkeep_ms()
        if due_ms is None or self._ended:
            return
        if self.timer is not None:
            if self.timer.when_ms <= due_ms + PATIENCE_MS:
                return
            self.timer.cancel()
        self.timer = self._clock.call_at(max(due_ms, self._clock.now_ms() + PATIENCE_MS), self._round)

    def stop(self) -> None:
        """Set no more timers, for good: the queue is deleted."""
        self._ended = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _round(self) -> None:
        self.timer = None
        self._core.settle(self._clock.now_ms())
        self.watch()
