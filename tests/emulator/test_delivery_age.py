"""How old a delivery may become: its last attempt is made at that age at the latest."""

from __future__ import annotations

from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Failure
from emulator.router.router import Envelope
from tests.support.delivery_rig import DEAD, QUEUE, URL, Rig, S, busy, run

SLOW = PhasedBackoff(min_ms=40 * S, max_ms=40 * S, pre=100)


def test_the_last_attempt_is_made_at_the_greatest_age() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        rig.send(rig.lane(backoff=SLOW, age_max_ms=100 * S, dead_letter_arn=DEAD), "a")
        await rig.advance(200 * S)
        assert [at_ms for at_ms, target, _ in rig.attempts if target == QUEUE] == [0, 40 * S, 80 * S, 100 * S]
        assert rig.failed == [("a", "dead-lettered", 4)]

    run(work)


def test_a_failure_says_whether_the_age_or_the_retries_ran_out() -> None:
    told: list[Failure] = []

    def wrap(envelope: Envelope, failure: Failure) -> Envelope:
        told.append(failure)
        return envelope

    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        once = PhasedBackoff(min_ms=1 * S, max_ms=1 * S, pre=1)
        rig.send(rig.lane(backoff=SLOW, age_max_ms=100 * S, dead_letter_arn=DEAD, wrap=wrap), "a")
        await rig.advance(200 * S)
        rig.send(rig.lane(backoff=once, age_max_ms=100 * S, dead_letter_arn=DEAD, wrap=wrap), "b")
        await rig.advance(200 * S)
        assert [(failure.exhausted, failure.expired) for failure in told] == [(True, True), (True, False)]

    run(work)


def test_a_delivery_that_succeeds_at_its_greatest_age_is_delivered() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), busy(), busy()]
        rig.send(rig.lane(backoff=SLOW, age_max_ms=100 * S), "a")
        await rig.advance(200 * S)
        assert (rig.bodies(), rig.failed) == (["a", "a", "a", "a"], [])

    run(work)


def test_what_the_throttle_holds_back_for_too_long_is_not_sent_any_more() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, per_second_max=1, age_max_ms=2 * S, dead_letter_arn=DEAD)
        await rig.post(lane, *"abcd")
        await rig.advance(10 * S)
        assert (rig.flown, rig.failed) == (["a", "b", "c"], [("d", "dead-lettered", 0)])
        for flight in rig.flights:
            await flight.land()

    run(work)
