"""The watch over idle connections, held against a plain model: who is closed when, and how often anybody is looked at."""

from __future__ import annotations

import asyncio
import random

import pytest

from emulator.clock import ManualClock
from services.kafka.idle import SEAT_MS, IdleWatch, Watched

IDLE_MS = 600_000


class Fake:
    """A connection that says when it was active."""

    def __init__(self, now_ms: int) -> None:
        self.seat: set[Watched] | None = None
        self.active_ms: int | None = now_ms
        self.looks = 0
        self.closed_ms: int | None = None
        self.clock: ManualClock | None = None

    def idle_since_ms(self) -> int | None:
        self.looks += 1
        return self.active_ms

    def expire(self) -> None:
        assert self.closed_ms is None
        self.closed_ms = -1 if self.clock is None else self.clock.now_ms()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def joined(watch: IdleWatch, clock: ManualClock) -> Fake:
    fake = Fake(clock.now_ms())
    fake.clock = clock
    watch.add(fake)
    return fake


def advance(clock: ManualClock, duration_ms: int) -> None:
    asyncio.run(clock.advance(duration_ms))


def test_two_thousand_connections_have_one_timer_and_one_look_in_ten_minutes(clock: ManualClock) -> None:
    watch = IdleWatch(clock, lambda: IDLE_MS)
    fakes = []
    for _ in range(2000):
        fakes.append(joined(watch, clock))
        advance(clock, 10)
    for fake in fakes:
        fake.active_ms = clock.now_ms()
    assert clock.timers == 1
    advance(clock, IDLE_MS - 1000)
    assert {fake.looks for fake in fakes} == {0, 1}
    assert {fake.closed_ms for fake in fakes} == {None}
    advance(clock, 1000)
    assert {fake.looks for fake in fakes} == {1, 2}
    assert {fake.closed_ms for fake in fakes} == {clock.now_ms()}


def test_what_leaves_is_looked_at_no_more_and_the_timer_goes_with_the_last(clock: ManualClock) -> None:
    watch = IdleWatch(clock, lambda: IDLE_MS)
    fakes = [joined(watch, clock) for _ in range(10)]
    for fake in fakes:
        watch.remove(fake)
        watch.remove(fake)
    advance(clock, 2 * IDLE_MS)
    assert [fake.looks for fake in fakes] == [0] * 10
    assert clock.timers == 0


def test_who_is_at_work_is_looked_at_again_ten_minutes_later(clock: ManualClock) -> None:
    watch = IdleWatch(clock, lambda: IDLE_MS)
    fake = joined(watch, clock)
    fake.active_ms = None
    advance(clock, 10 * IDLE_MS)
    assert (fake.looks, fake.closed_ms) == (10, None)
    fake.active_ms = clock.now_ms() - IDLE_MS
    advance(clock, IDLE_MS)
    assert fake.closed_ms == clock.now_ms()


def test_a_negative_bound_keeps_idle_connections(clock: ManualClock) -> None:
    bound_ms = -1
    watch = IdleWatch(clock, lambda: bound_ms)
    fake = joined(watch, clock)
    advance(clock, 100 * IDLE_MS)
    assert fake.closed_ms is None
    bound_ms = 1000
    advance(clock, IDLE_MS)
    assert fake.closed_ms is not None


@pytest.mark.parametrize("bound_ms", [0, 1, 999, 1000])
def test_a_short_bound_is_a_second(clock: ManualClock, bound_ms: int) -> None:
    watch = IdleWatch(clock, lambda: bound_ms)
    fake, begun_ms = joined(watch, clock), clock.now_ms()
    at_work = joined(watch, clock)
    at_work.active_ms = None
    advance(clock, 10_000)
    assert fake.closed_ms == begun_ms + 1000
    assert at_work.closed_ms is None
    assert at_work.looks <= 10


def test_the_end_closes_what_is_left_and_leaves_no_timer(clock: ManualClock) -> None:
    watch = IdleWatch(clock, lambda: IDLE_MS)
    fakes = [joined(watch, clock) for _ in range(3)]
    watch.remove(fakes[1])
    watch.close()
    assert [fake.closed_ms is not None for fake in fakes] == [True, False, True]
    assert clock.timers == 0


def test_everybody_is_closed_at_the_end_of_the_second_in_which_the_time_is_over(clock: ManualClock) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    bound_ms = chance.choice((5_000, 60_000, 600_000))
    watch, fakes, left = IdleWatch(clock, lambda: bound_ms), list[Fake](), set[Fake]()
    for _ in range(2000):
        act = chance.random()
        open_ones = [fake for fake in fakes if fake.closed_ms is None and fake not in left]
        if act < 0.4 or not open_ones:
            fakes.append(joined(watch, clock))
        elif act < 0.8:
            chance.choice(open_ones).active_ms = clock.now_ms()
        elif act < 0.85:
            gone = chance.choice(open_ones)
            watch.remove(gone)
            left.add(gone)
        advance(clock, chance.choice((0, 1, 10, 500, 1000, 7777)))
    advance(clock, 2 * bound_ms)
    for fake in fakes:
        assert fake.active_ms is not None
        due_ms = -(-(fake.active_ms + bound_ms) // SEAT_MS) * SEAT_MS
        assert fake.closed_ms == (None if fake in left else due_ms)
    assert clock.timers == 0
