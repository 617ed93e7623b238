"""Time: the only reader of it, the only sleeper, the only timer wheel.

All instants are **integer milliseconds since the epoch** (`now_ms`), so that two of them can be compared exactly: a
poll that ends at the very instant at which a delay ends must see the message.

`SystemClock` follows the machine. `ManualClock` stands still until somebody calls `advance`, then runs the timers on
the way, each at its own instant. Nothing else in the engine or the services may ask for the time or sleep
(tests/test_layout.py holds that).
"""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPACT_FROM = 64
"""A wheel with fewer dead timers than this is not worth sweeping."""


class Timer:
    """One appointment. `cancel` is idempotent and costs O(1); a cancelled timer leaves the wheel when it is swept or reached."""

    __slots__ = ("_wheel", "callback", "sequence", "when_ms")

    def __init__(self, wheel: Clock, when_ms: int, sequence: int, callback: Callable[[], None]) -> None:
        self._wheel = wheel
        self.when_ms = when_ms
        self.sequence = sequence
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: Timer) -> bool:
        return (self.when_ms, self.sequence) < (other.when_ms, other.sequence)

    def cancel(self) -> None:
        """Forget the appointment; its callback is let go at once."""
        if self.callback is not None:
            self.callback = None
            self._wheel.forget()


class Clock:
    """The timer wheel that both clocks share: a heap of timers, run in the order of their instants, then of their making."""

    def __init__(self) -> None:
        self._timers: list[Timer] = []
        self._made = 0
        self._dead = 0

    def now_ms(self) -> int:
        """Tell the present instant in milliseconds since the epoch."""
        raise NotImplementedError

    def iso(self, instant_ms: int | None = None) -> str:
        """Write an instant, by default the present one, as ISO 8601 in UTC with milliseconds: AWS's way."""
        instant_s = (self.now_ms() if instant_ms is None else instant_ms) / 1000
        return datetime.fromtimestamp(instant_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Run `callback` on the event loop at `when_ms`, or as soon as possible when that has passed."""
        self._made += 1
        timer = Timer(self, when_ms, self._made, callback)
        heapq.heappush(self._timers, timer)
        self._changed()
        return timer

    def forget(self) -> None:
        """Count a cancelled timer; sweep the wheel when most of it is dead, so that cancelled timers cannot pile up."""
        self._dead += 1
        if self._dead > _COMPACT_FROM and self._dead * 2 > len(self._timers):
            self._timers = [timer for timer in self._timers if timer.callback is not None]
            heapq.heapify(self._timers)
            self._dead = 0

    async def sleep(self, duration_ms: int) -> None:
        """Wait for `duration_ms` of this clock's time."""
        done = asyncio.Event()
        timer = self.call_at(self.now_ms() + duration_ms, done.set)
        try:
            await done.wait()
        finally:
            timer.cancel()

    def next_timer_ms(self) -> int | None:
        """Tell when the next timer is due, or None."""
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
            self._dead -= 1
        return self._timers[0].when_ms if self._timers else None

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return len(self._timers) - self._dead

    def _run_due(self, now_ms: int) -> None:
        """Run each timer that is due at `now_ms`, and those that such a timer sets for `now_ms` or before."""
        while (when_ms := self.next_timer_ms()) is not None and when_ms <= now_ms:
            timer = heapq.heappop(self._timers)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()

    def _changed(self) -> None:
        """Note that the wheel has a new timer."""

    def close(self) -> None:
        """Drop all timers."""
        for timer in self._timers:
            timer.callback = None
        self._timers.clear()
        self._dead = 0


class Ticker(Protocol):
    """What SystemClock needs of an event loop's timer handle."""

    def cancel(self) -> None:
        """Forget the call."""


class SystemClock(Clock):
    """The machine's wall clock, with one event loop timer for the earliest appointment only."""

    def __init__(self) -> None:
        super().__init__()
        self._armed_ms: int | None = None
        self._handle: Ticker | None = None

    def now_ms(self) -> int:
        """Read the wall clock."""
        return time.time_ns() // 1_000_000

    def _changed(self) -> None:
        next_ms = self.next_timer_ms()
        if next_ms is None or (self._armed_ms is not None and self._armed_ms <= next_ms):
            return
        if self._handle is not None:
            self._handle.cancel()
        self._armed_ms = next_ms
        delay_s = max(0, next_ms - self.now_ms()) / 1000
        self._handle = asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        # The loop's clock and the wall clock differ by a little, so a call may come a moment early; then nothing is due and we arm again.
        self._handle = self._armed_ms = None
        try:
            self._run_due(self.now_ms())
        finally:
            self._changed()

    def close(self) -> None:
        """Drop all timers and the event loop's."""
        super().close()
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._armed_ms = None


class ManualClock(Clock):
    """A clock that stands still until it is moved by hand. It cannot go back."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        """Start at `now_ms`; by default at 2026-01-01T00:00:00Z."""
        super().__init__()
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Tell the instant at which the clock was put."""
        return self._now_ms

    async def advance(self, duration_ms: int) -> None:
        """Move on by `duration_ms`: each timer on the way runs at its own instant, and what it woke runs before the next one."""
        if duration_ms < 0:
            raise ValueError(f"a clock cannot go back: advance({duration_ms})")
        until_ms = self._now_ms + duration_ms
        await settle()
        while (when_ms := self.next_timer_ms()) is not None and when_ms <= until_ms:
            self._now_ms = max(self._now_ms, when_ms)
            self._run_due(self._now_ms)
            await settle()
        self._now_ms = until_ms
        self._run_due(until_ms)
        await settle()


async def settle(turns: int = 8) -> None:
    """Let what is ready on the event loop run: a woken task needs a turn, its awaiter one more, and so on."""
    for _ in range(turns):
        await asyncio.sleep(0)
