"""Targets that say when they want to be tried again: never sooner than that or the backoff, and not at all if they say so."""

from __future__ import annotations

import pytest

from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Failure, UndeliverableError
from tests.support.delivery_rig import DEAD, QUEUE, URL, Rig, S, run


def asking(retry_after_ms: int | None) -> UndeliverableError:
    """Make a failure whose target asks for a pause."""
    return UndeliverableError("Busy", "later", permanent=False, retry_after_ms=retry_after_ms)


@pytest.mark.parametrize(
    ("asked_ms", "next_ms"),
    [(None, 10 * S), (0, 10 * S), (9_999, 10 * S), (10_000, 10 * S), (10_001, 10_001), (3_600 * S, 3_600 * S)],
)
def test_the_next_attempt_comes_after_the_longer_of_the_two_waits(asked_ms: int | None, next_ms: int) -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(asked_ms)]
        rig.send(rig.lane(), "a")
        await rig.advance(next_ms - 1)
        assert rig.tried() == [(0, "a")]
        await rig.advance(1)
        assert rig.tried() == [(0, "a"), (next_ms, "a")]
        assert rig.counts == (0, 1, 0, 0)

    run(work)


def test_the_wait_is_shown() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(42 * S)]
        rig.send(rig.lane(), "a")
        (one,) = rig.deliveries.waiting()
        assert rig.deliveries.show(one)["next_attempt"] == "1970-01-01T00:00:42.000Z"

    run(work)


def test_it_holds_for_posts_too() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), "a")
        await rig.advance(3 * S)
        await rig.flights[0].land(asking(60 * S))
        await rig.advance(60 * S - 1)
        assert len(rig.flights) == 1
        await rig.advance(1)
        assert [flight.at_ms for flight in rig.flights] == [0, 63 * S]
        await rig.flights[1].land()

    run(work)


def test_it_holds_for_one_wait_only() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(60 * S), asking(None)]
        rig.send(rig.lane(), "a")
        await rig.advance(200 * S)
        assert [at_ms // S for at_ms, _ in rig.tried()] == [0, 60, 70]

    run(work)


def test_a_target_that_wants_no_retry_gets_none() -> None:
    failures: list[Failure] = []

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(-1)]
        lane = rig.lane(dead_letter_arn=DEAD, on_failure=lambda _, failure: failures.append(failure))
        rig.send(lane, "a")
        assert (rig.counts, rig.failed) == ((0, 0, 1, 0), [("a", "dead-lettered", 1)])
        assert (rig.bodies(DEAD), rig.clock.timers) == (["a"], 0)

    run(work)
    assert failures == [Failure("Busy", "later", 1, exhausted=False)]


def test_asking_does_not_add_retries() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = lambda: asking(60 * S)
        rig.send(rig.lane(backoff=PhasedBackoff(min_ms=1, max_ms=1, pre=2)), "a")
        await rig.advance(1_000 * S)
        assert [at_ms // S for at_ms, _ in rig.tried()] == [0, 60, 120]
        assert rig.failed == [("a", "failed", 3)]

    run(work)


@pytest.mark.parametrize(("asked_ms", "instants"), [(29 * S, [0, 29, 30]), (30 * S, [0, 30]), (30_001, [0])])
def test_who_asks_for_longer_than_an_event_lives_ends_it(asked_ms: int, instants: list[int]) -> None:
    failures: list[Failure] = []

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(asked_ms)]
        rig.always[QUEUE] = lambda: asking(None)
        rig.send(rig.lane(age_max_ms=30 * S, on_failure=lambda _, failure: failures.append(failure)), "a")
        await rig.advance(1_000 * S)
        assert [at_ms // S for at_ms, _ in rig.tried()] == instants

    run(work)
    assert [(failure.attempts, failure.exhausted, failure.expired) for failure in failures] == [
        (len(instants), True, True)
    ]


def test_in_an_ordered_lane_all_wait_for_the_first() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [asking(60 * S)]
        rig.send(rig.lane(ordered=True), "a", "b")
        await rig.advance(60 * S - 1)
        assert rig.bodies() == ["a"]
        await rig.advance(1)
        assert rig.tried()[1:] == [(60 * S, "a"), (60 * S, "b")]

    run(work)
