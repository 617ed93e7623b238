"""A deadline that is put off again and again in O(1): a heartbeat sets no timer, the one that is set looks again when it fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.clock import Clock, Timer


class Deadline:
    """Calls back at an instant, unless it is put off or cancelled before."""

    __slots__ = ("_callback", "_clock", "_timer", "when_ms")

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._timer: Timer | None = None
        self.when_ms: int | None = None
        """None: not set."""

    def put(self, when_ms: int) -> None:
        """Set it, or move it."""
        self.when_ms = when_ms
        if self._timer is not None:
            if self._timer.when_ms <= when_ms:
                return  # that timer looks again when it fires
            self._timer.cancel()
        self._timer = self._clock.call_at(when_ms, self._reached)

    def cancel(self) -> None:
        """Forget it."""
        self.when_ms = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reached(self) -> None:
        self._timer = None
        if self.when_ms is None:
            return
        if self._clock.now_ms() < self.when_ms:
            self._timer = self._clock.call_at(self.when_ms, self._reached)
            return
        self.when_ms = None
        self._callback()
