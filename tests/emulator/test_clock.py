"""Time: timers in the order of their instants, a clock moved by hand, and the machine's own on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emulator.clock import ManualClock, SystemClock, Timer

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def run(work: Callable[[ManualClock], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine with a clock of its own."""
    return asyncio.run(work(ManualClock()))


# The clock that is moved by hand.


def test_a_manual_clock_stands_still_at_the_start_of_2026() -> None:
    clock = ManualClock()
    assert clock.now_ms() == clock.now_ms() == START_MS
    assert clock.iso() == "2026-01-01T00:00:00.000Z"


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert ManualClock(1_767_225_600_007).iso() == "2026-01-01T00:00:00.007Z"
    assert ManualClock(0).iso() == "1970-01-01T00:00:00.000Z"


def test_timers_run_in_the_order_of_their_instants_then_of_their_making() -> None:
    async def work(clock: ManualClock) -> None:
        order: list[str] = []
        for name, after in (("b", 20), ("c", 20), ("d", 30), ("a", 10), ("past", -5)):
            clock.call_at(START_MS + after, lambda name=name: order.append(name))
        await clock.advance(30)
        assert order == ["past", "a", "b", "c", "d"]

    run(work)


def test_a_timer_sees_its_own_instant_and_the_clock_ends_where_it_was_moved_to() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []
        for after in (10, 25):
            clock.call_at(START_MS + after, lambda: seen.append(clock.now_ms() - START_MS))
        await clock.advance(40)
        assert seen == [10, 25]
        assert clock.now_ms() == START_MS + 40

    run(work)


@pytest.mark.parametrize(("duration", "rings"), [(9, 0), (10, 1)])
def test_a_timer_runs_at_its_millisecond_and_not_before(duration: int, rings: int) -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []
        clock.call_at(START_MS + 10, lambda: seen.append(1))
        await clock.advance(duration)
        assert len(seen) == rings
        assert clock.timers == 1 - rings

    run(work)


@pytest.mark.parametrize("after", [5, 0, -100])
def test_a_timer_set_by_a_timer_runs_in_the_same_move_if_it_is_due(after: int) -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []

        def first() -> None:
            clock.call_at(clock.now_ms() + after, lambda: seen.append(clock.now_ms() - START_MS))

        clock.call_at(START_MS + 10, first)
        await clock.advance(20)
        assert seen == [10 + max(after, 0)]

    run(work)


def test_a_move_by_nothing_runs_what_is_due_now() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []
        clock.call_at(START_MS, lambda: seen.append(1))
        await clock.advance(0)
        assert seen == [1]

    run(work)


def test_what_a_timer_wakes_runs_before_the_next_instant() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[tuple[str, int]] = []

        async def sleeper(name: str, naps: list[int]) -> None:
            for nap in naps:
                await clock.sleep(nap)
                seen.append((name, clock.now_ms() - START_MS))

        tasks = [asyncio.create_task(sleeper("a", [10, 10, 10])), asyncio.create_task(sleeper("b", [15]))]
        await clock.advance(100)
        assert seen == [("a", 10), ("b", 15), ("a", 20), ("a", 30)]
        assert all(task.done() for task in tasks)

    run(work)


def test_a_task_started_just_before_a_move_is_on_its_way_when_time_passes() -> None:
    async def work(clock: ManualClock) -> None:
        task = asyncio.create_task(clock.sleep(10))
        await clock.advance(10)
        assert task.done()

    run(work)


def test_a_clock_cannot_go_back() -> None:
    async def work(clock: ManualClock) -> None:
        with pytest.raises(ValueError, match=r"cannot go back: advance\(-1\)"):
            await clock.advance(-1)
        assert clock.now_ms() == START_MS

    run(work)


# Cancelling.


def test_a_cancelled_timer_does_not_run_however_often_it_is_cancelled() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []
        timer = clock.call_at(START_MS + 10, lambda: seen.append(1))
        clock.call_at(START_MS + 10, lambda: seen.append(2))
        timer.cancel()
        timer.cancel()
        assert clock.timers == 1
        await clock.advance(10)
        assert seen == [2]
        assert clock.timers == 0

    run(work)


def test_a_timer_that_has_run_can_be_cancelled_without_effect() -> None:
    async def work(clock: ManualClock) -> None:
        timer = clock.call_at(START_MS, lambda: None)
        other = clock.call_at(START_MS + 1, lambda: None)
        await clock.advance(0)
        timer.cancel()
        assert clock.timers == 1
        assert other.callback is not None

    run(work)


def test_a_timer_can_cancel_another_of_its_instant_and_itself() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[str] = []
        timers: list[Timer] = []

        def first() -> None:
            seen.append("first")
            for timer in timers:
                timer.cancel()

        timers += [clock.call_at(START_MS + 5, first), clock.call_at(START_MS + 5, lambda: seen.append("second"))]
        await clock.advance(10)
        assert seen == ["first"]
        assert clock.timers == 0

    run(work)


def test_a_cancelled_timer_lets_its_callback_go_at_once() -> None:
    clock = ManualClock()
    timer = clock.call_at(START_MS + 10, lambda: None)
    timer.cancel()
    assert timer.callback is None
    assert clock.next_timer_ms() is None


def test_cancelled_timers_do_not_pile_up() -> None:
    clock = ManualClock()
    kept = [clock.call_at(START_MS + number, lambda: None) for number in range(100)]
    for number in range(10_000):
        clock.call_at(START_MS + 1000 + number, lambda: None).cancel()
    assert clock.timers == len(kept)
    assert len(clock._timers) <= 2 * len(kept) + 130


def test_the_order_survives_a_sweep_of_cancelled_timers() -> None:
    async def work(clock: ManualClock) -> None:
        seen: list[int] = []
        timers = [clock.call_at(START_MS + at, lambda at=at: seen.append(at)) for at in reversed(range(300))]
        for timer in timers:
            if timer.when_ms % 3:
                timer.cancel()
        await clock.advance(300)
        assert seen == [at for at in range(300) if (START_MS + at) % 3 == 0]

    run(work)


def test_a_cancelled_sleep_leaves_no_timer() -> None:
    async def work(clock: ManualClock) -> None:
        task = asyncio.create_task(clock.sleep(1000))
        await clock.advance(1)
        assert clock.timers == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert clock.timers == 0

    run(work)


def test_a_closed_clock_has_no_timers_and_its_timers_can_still_be_cancelled() -> None:
    clock = ManualClock()
    timer = clock.call_at(START_MS + 10, lambda: None)
    clock.close()
    timer.cancel()
    assert clock.timers == 0
    assert clock.next_timer_ms() is None


def test_the_next_timer_is_the_earliest_that_was_not_cancelled() -> None:
    clock = ManualClock()
    assert clock.next_timer_ms() is None
    clock.call_at(START_MS + 20, lambda: None)
    first = clock.call_at(START_MS + 10, lambda: None)
    assert clock.next_timer_ms() == START_MS + 10
    first.cancel()
    assert clock.next_timer_ms() == START_MS + 20


# The machine's clock.


class Wall(SystemClock):
    """A system clock whose wall clock is set by hand, on an event loop that only notes when it was asked to call."""

    def __init__(self) -> None:
        super().__init__()
        self.wall_ms = START_MS
        self.armed: list[Armed] = []

    def now_ms(self) -> int:
        return self.wall_ms

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Armed:
        """Stand in for the event loop's."""
        self.armed.append(Armed(delay_s, callback))
        return self.armed[-1]

    @property
    def delays_s(self) -> list[float]:
        return [armed.delay_s for armed in self.armed if not armed.cancelled]

    def ring(self) -> None:
        """Let the event loop make the one call that it was asked for."""
        (armed,) = [armed for armed in self.armed if not armed.cancelled]
        self.armed.clear()
        armed.callback()


class Armed:
    """A call that the event loop was asked for."""

    def __init__(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.delay_s, self.callback = delay_s, callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    clock = Wall()
    monkeypatch.setattr("emulator.clock.asyncio.get_running_loop", lambda: clock)
    return clock


def test_the_event_loop_is_asked_for_the_earliest_timer_only(wall: Wall) -> None:
    wall.call_at(START_MS + 2000, lambda: None)
    assert wall.delays_s == [2.0]
    wall.call_at(START_MS + 3000, lambda: None)
    assert wall.delays_s == [2.0]
    wall.call_at(START_MS + 500, lambda: None)
    assert wall.delays_s == [0.5]


def test_after_a_ring_the_event_loop_is_asked_for_the_next_timer(wall: Wall) -> None:
    seen: list[int] = []
    for after in (1000, 1000, 4000):
        wall.call_at(START_MS + after, lambda after=after: seen.append(after))
    wall.wall_ms += 1000
    wall.ring()
    assert seen == [1000, 1000]
    assert wall.delays_s == [3.0]
    wall.wall_ms += 3000
    wall.ring()
    assert seen == [1000, 1000, 4000]
    assert wall.delays_s == []


def test_a_ring_that_comes_early_runs_nothing_and_asks_again(wall: Wall) -> None:
    seen: list[int] = []
    wall.call_at(START_MS + 10, lambda: seen.append(1))
    wall.wall_ms += 9
    wall.ring()
    assert seen == []
    assert wall.delays_s == [0.001]


def test_a_timer_in_the_past_is_asked_for_at_once(wall: Wall) -> None:
    wall.call_at(START_MS - 5000, lambda: None)
    assert wall.delays_s == [0]


def test_a_callback_that_fails_does_not_stop_the_clock(wall: Wall) -> None:
    seen: list[int] = []

    def fail() -> None:
        raise LookupError("on purpose")

    wall.call_at(START_MS + 10, fail)
    wall.call_at(START_MS + 10, lambda: seen.append(1))
    wall.wall_ms += 10
    with pytest.raises(LookupError):
        wall.ring()
    assert wall.delays_s == [0]
    wall.ring()
    assert seen == [1]


def test_a_timer_set_while_timers_run_is_asked_for(wall: Wall) -> None:
    wall.call_at(START_MS + 10, lambda: wall.call_at(START_MS + 30, lambda: None) and None)
    wall.wall_ms += 10
    wall.ring()
    assert wall.delays_s == [0.02]


def test_a_closed_system_clock_asks_the_event_loop_for_nothing(wall: Wall) -> None:
    wall.call_at(START_MS + 10, lambda: None)
    wall.close()
    assert wall.delays_s == []
    assert wall.timers == 0


def test_the_system_clock_rings_on_a_real_event_loop_again_and_again() -> None:
    async def work() -> None:
        clock = SystemClock()
        started_ms = clock.now_ms()
        for _ in range(3):
            rang = asyncio.Event()
            clock.call_at(clock.now_ms() + 1, rang.set)
            await asyncio.wait_for(rang.wait(), timeout=20)
        assert clock.now_ms() >= started_ms + 3
        await asyncio.wait_for(clock.sleep(1), timeout=20)
        assert clock.timers == 0
        clock.close()

    asyncio.run(work())
