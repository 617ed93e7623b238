"""Parked polls of one queue: who is served first, how a poll ends, and what it costs to be parked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emulator.clock import ManualClock
from emulator.queue.message import Message
from emulator.queue.standard import StandardQueue
from emulator.queue.waiters import Waiter, Waiters

S = 1000
START_MS = 1_767_225_600_000


class Shop:
    """A queue of names and its parked polls. `due` is when time alone brings something."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.goods: list[str] = []
        self.due: int | None = None
        self.tries = 0
        self.waiters: Waiters[str] = Waiters(clock, lambda: self.due)

    def attempt(self) -> str | None:
        self.tries += 1
        if self.due is not None and self.due <= self.clock.now_ms():
            self.due = None
            self.goods.append("due")
        return self.goods.pop(0) if self.goods else None

    def park(self, wait_s: int = 20) -> Waiter[str]:
        return self.waiters.park(self.attempt, self.clock.now_ms() + wait_s * S)

    def bring(self, *goods: str) -> None:
        self.goods += goods
        self.waiters.serve()


def run(work: Callable[[Shop], Coroutine[Any, Any, None]]) -> None:
    async def in_shop() -> None:
        await work(Shop(ManualClock()))

    asyncio.run(in_shop())


def test_polls_are_served_in_the_order_of_their_coming() -> None:
    async def work(shop: Shop) -> None:
        first, second, third = shop.park(), shop.park(), shop.park()
        shop.bring("a")
        assert first.future.result() == "a"
        assert not second.future.done()
        shop.bring("b", "c")
        assert (second.future.result(), third.future.result()) == ("b", "c")
        assert len(shop.waiters) == 0

    run(work)


def test_what_nobody_takes_stays() -> None:
    async def work(shop: Shop) -> None:
        poll = shop.park()
        shop.bring("a", "b")
        assert poll.future.result() == "a"
        assert shop.goods == ["b"]

    run(work)


def test_serving_stops_at_the_first_poll_that_finds_nothing() -> None:
    async def work(shop: Shop) -> None:
        for _ in range(100):
            shop.park()
        shop.bring()
        assert shop.tries == 1
        shop.bring("a")
        assert shop.tries == 3

    run(work)


def test_serving_nobody_costs_nothing() -> None:
    async def work(shop: Shop) -> None:
        shop.bring("a")
        assert (shop.tries, shop.goods, shop.clock.timers) == (0, ["a"], 0)

    run(work)


def test_a_poll_that_leaves_takes_nothing_with_it() -> None:
    async def work(shop: Shop) -> None:
        first, second = shop.park(), shop.park()
        shop.waiters.leave(first)
        shop.waiters.leave(first)
        shop.bring("a")
        assert second.future.result() == "a"
        assert not first.future.done()
        assert shop.clock.timers == 0

    run(work)


@pytest.mark.parametrize(("after_s", "over"), [(19, False), (20, True)])
def test_a_poll_ends_with_nothing_at_its_deadline(after_s: int, over: bool) -> None:
    async def work(shop: Shop) -> None:
        poll = shop.park(20)
        await shop.clock.advance(after_s * S)
        assert poll.future.done() == over
        if over:
            assert poll.future.result() is None
        assert shop.clock.timers == len(shop.waiters) == 1 - over

    run(work)


def test_a_poll_wakes_when_time_alone_brings_something() -> None:
    async def work(shop: Shop) -> None:
        shop.due = START_MS + 5 * S
        poll = shop.park()
        await shop.clock.advance(5 * S - 1)
        assert not poll.future.done()
        await shop.clock.advance(1)
        assert poll.future.result() == "due"
        assert shop.clock.timers == 0

    run(work)


@pytest.mark.parametrize("parked_first", [True, False])
def test_what_comes_at_the_very_instant_of_the_deadline_still_counts(parked_first: bool) -> None:
    """Whichever of the two timers was made first."""

    async def work(shop: Shop) -> None:
        if parked_first:
            poll = shop.park(5)
            shop.due = START_MS + 5 * S
            shop.waiters.serve()
        else:
            shop.due = START_MS + 5 * S
            poll = shop.park(5)
        await shop.clock.advance(5 * S)
        assert poll.future.result() == "due"

    run(work)


def test_the_timer_follows_what_is_due_sooner_or_later_or_not_at_all() -> None:
    async def work(shop: Shop) -> None:
        shop.due = START_MS + 10 * S
        poll = shop.park()
        for due in (5 * S, 15 * S):
            shop.due = START_MS + due
            shop.waiters.serve()
            assert shop.clock.timers == 2
        shop.due = None
        shop.waiters.serve()
        assert shop.clock.timers == 1
        shop.due = START_MS + 7 * S
        shop.waiters.serve()
        await shop.clock.advance(7 * S)
        assert poll.future.result() == "due"

    run(work)


def test_ending_answers_all_with_nothing_and_sets_no_timer() -> None:
    async def work(shop: Shop) -> None:
        shop.due = START_MS + 60 * S
        polls = [shop.park() for _ in range(3)]
        shop.waiters.end()
        assert [poll.future.result() for poll in polls] == [None, None, None]
        assert (len(shop.waiters), shop.clock.timers) == (0, 0)

    run(work)


def test_ending_with_an_error_gives_it_to_all() -> None:
    async def work(shop: Shop) -> None:
        polls = [shop.park() for _ in range(3)]
        shop.waiters.end(LookupError("the queue was deleted"))
        for poll in polls:
            with pytest.raises(LookupError, match="the queue was deleted"):
                poll.future.result()
        assert (len(shop.waiters), shop.clock.timers) == (0, 0)

    run(work)


def test_a_poll_whose_future_was_cancelled_does_no_harm() -> None:
    async def work(shop: Shop) -> None:
        first, second = shop.park(), shop.park()
        first.future.cancel()
        shop.waiters.end()
        assert second.future.result() is None

    run(work)


def test_an_attempt_that_fails_ends_its_own_poll_only() -> None:
    async def work(shop: Shop) -> None:
        def fail() -> str | None:
            raise LookupError("this poll's own")

        bad = shop.waiters.park(fail, START_MS + 20 * S)
        good = shop.park()
        shop.bring("a")
        with pytest.raises(LookupError, match="this poll's own"):
            bad.future.result()
        assert good.future.result() == "a"
        assert shop.clock.timers == 0

    run(work)


def test_an_attempt_that_changes_its_own_queue_lets_the_others_try_once_more() -> None:
    """As a receive that dead-letters into its own queue does."""

    async def work(shop: Shop) -> None:
        again = [True]

        def dead_letter() -> str | None:
            if again and shop.goods:
                again.clear()
                shop.bring("moved")
                return None
            return shop.attempt()

        poll = shop.waiters.park(dead_letter, START_MS + 20 * S)
        shop.bring("a")
        assert poll.future.result() == "a"
        assert shop.goods == ["moved"]

    run(work)


def test_ten_thousand_polls_need_a_timer_each_and_one_for_the_queue_and_queues_without_polls_need_none() -> None:
    async def work() -> None:
        clock = ManualClock()
        cores = [StandardQueue(retention_ms=4 * 24 * 3600 * S, in_flight_max=120_000) for _ in range(100)]
        places: list[Waiters[list[Message]]] = [Waiters(clock, core.next_due_ms) for core in cores]
        for core in cores:
            core.add(Message("m", "b", "d", START_MS), START_MS, START_MS + 900 * S)
        for place in places:
            place.serve()
        assert clock.timers == 0
        core, place = cores[0], places[0]
        polls = [
            place.park(lambda: core.take(clock.now_ms(), 1, 30 * S).messages or None, START_MS + 20 * S)
            for _ in range(10_000)
        ]
        assert clock.timers == 10_001
        for number in range(1000):
            core.add(Message(f"m{number}", "b", "d", clock.now_ms()), clock.now_ms(), START_MS + 2 * S + number)
            place.serve()
            assert clock.timers == 10_001
        await clock.advance(3 * S)
        assert [poll.future.result()[0].message_id for poll in polls[:1000]] == [f"m{n}" for n in range(1000)]
        assert clock.timers == 9_001
        await clock.advance(17 * S)
        assert all(poll.future.result() is None for poll in polls[1000:])
        assert clock.timers == 0

    asyncio.run(work())
