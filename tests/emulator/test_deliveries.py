"""Deliveries that may fail: attempts and their instants, dead letters, the record of failures, order."""

from __future__ import annotations

import random

import pytest

from emulator.router import delivery
from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Delivery, Failure, UndeliverableError
from emulator.router.router import Envelope
from tests.support.delivery_rig import DEAD, ONCE, OTHER, QUEUE, URL, Outcome, Rig, S, busy, gone, run

# Attempts.


def test_a_delivery_that_succeeds_leaves_nothing_but_a_count() -> None:
    async def work(rig: Rig) -> None:
        rig.send(rig.lane(), "a")
        assert rig.tried() == [(0, "a")]
        assert (rig.counts, rig.failed, rig.clock.timers) == ((0, 1, 0, 0), [], 0)

    run(work)


def test_a_post_that_succeeds_leaves_nothing_but_a_count() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), "a")
        assert (rig.flown, rig.counts, rig.deliveries.in_flight) == (["a"], (1, 0, 0, 0), 1)
        await rig.flights[0].land()
        assert (rig.counts, rig.failed, rig.deliveries.in_flight) == ((0, 1, 0, 0), [], 0)
        assert (rig.clock.timers, len(rig.tasks)) == (0, 0)

    run(work)


def test_a_retry_comes_at_the_very_millisecond() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy()]
        rig.send(rig.lane(backoff=PhasedBackoff(min_ms=1_234, max_ms=1_234, pre=1)), "a")
        await rig.advance(1_233)
        assert (rig.tried(), rig.counts) == ([(0, "a")], (1, 0, 0, 0))
        await rig.advance(1)
        assert (rig.tried(), rig.counts) == ([(0, "a"), (1_234, "a")], (0, 1, 0, 0))

    run(work)


def test_all_phases_are_counted_from_the_attempt_before() -> None:
    backoff = PhasedBackoff(immediate=2, pre=1, backoff=3, post=2, min_ms=1 * S, max_ms=9 * S)

    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        rig.send(rig.lane(backoff=backoff), "a")
        await rig.advance(100 * S)
        assert [at_ms // S for at_ms, _ in rig.tried()] == [0, 0, 0, 1, 2, 7, 16, 25, 34]
        assert rig.failed == [("a", "failed", 9)]

    run(work)


def test_the_wait_for_the_retry_of_a_post_begins_with_the_end_of_the_attempt() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), "a")
        await rig.advance(3 * S)
        await rig.flights[0].land(busy())
        await rig.advance(10 * S - 1)
        assert len(rig.flights) == 1
        await rig.advance(1)
        assert [flight.at_ms for flight in rig.flights] == [0, 13 * S]
        await rig.flights[1].land()
        assert rig.counts == (0, 1, 0, 0)

    run(work)


def test_immediate_retries_take_no_time() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        rig.send(rig.lane(backoff=PhasedBackoff(immediate=3, min_ms=1, max_ms=1)), "a")
        assert rig.tried() == [(0, "a")]
        await rig.advance(0)
        assert (rig.tried(), rig.failed) == ([(0, "a")] * 4, [("a", "failed", 4)])

    run(work)


def test_the_retries_end_with_the_first_success() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), busy()]
        rig.send(rig.lane(), "a")
        await rig.advance(100 * S)
        assert [at_ms for at_ms, _ in rig.tried()] == [0, 10 * S, 20 * S]
        assert (rig.counts, rig.clock.timers) == ((0, 1, 0, 0), 0)

    run(work)


def test_a_permanent_failure_is_not_retried() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = gone
        rig.send(rig.lane(), "a")
        assert (rig.failed, rig.counts, rig.clock.timers) == ([("a", "failed", 1)], (0, 0, 0, 1), 0)

    run(work)


def test_a_permanent_failure_ends_the_retries() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), gone()]
        rig.send(rig.lane(), "a")
        await rig.advance(100 * S)
        assert (len(rig.tried()), rig.failed, rig.clock.timers) == (2, [("a", "failed", 2)], 0)

    run(work)


def test_a_new_policy_holds_from_the_next_failure_on() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        lane = rig.lane()
        rig.send(lane, "a")
        lane.backoff = PhasedBackoff(min_ms=1 * S, max_ms=1 * S, pre=3)
        await rig.advance(100 * S)
        assert [at_ms // S for at_ms, _ in rig.tried()] == [0, 10, 11, 12]

    run(work)


# Dead letters.


def test_a_dead_letter_follows_the_last_retry() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        rig.send(rig.lane(backoff=ONCE, dead_letter_arn=DEAD), "a")
        await rig.advance(10 * S - 1)
        assert rig.tried(DEAD) == []
        await rig.advance(1)
        assert (rig.tried(DEAD), rig.failed, rig.counts) == ([(10 * S, "a")], [("a", "dead-lettered", 2)], (0, 0, 1, 0))

    run(work)


def test_a_dead_letter_follows_a_permanent_failure_at_once() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, dead_letter_arn=DEAD), "a")
        await rig.flights[0].land(gone())
        assert (rig.tried(DEAD), rig.failed) == ([(0, "a")], [("a", "dead-lettered", 1)])

    run(work)


@pytest.mark.parametrize(
    ("outcomes", "failure"),
    [
        ([busy(), busy("still")], Failure("Busy", "still", 2, exhausted=True)),
        ([busy(), gone()], Failure("Gone", "never", 2, exhausted=False)),
        ([gone()], Failure("Gone", "never", 1, exhausted=False)),
    ],
    ids=["retries ran out", "permanent in a retry", "permanent at once"],
)
def test_a_dead_letter_tells_of_the_last_failure(outcomes: list[Outcome], failure: Failure) -> None:
    told: list[tuple[str, Failure]] = []

    def wrap(envelope: Envelope, failure: Failure) -> Envelope:
        told.append((envelope.body, failure))
        return Envelope(f"wrapped {envelope.body}")

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += outcomes
        rig.send(rig.lane(backoff=ONCE, dead_letter_arn=DEAD, wrap=wrap), "a")
        await rig.advance(100 * S)
        assert (told, rig.bodies(DEAD)) == ([("a", failure)], ["wrapped a"])
        assert rig.failed == [("a", "dead-lettered", failure.attempts)]

    run(work)


def test_a_dead_letter_that_is_refused_is_recorded_with_both_reasons() -> None:
    async def work(rig: Rig) -> None:
        rig.always |= {QUEUE: gone, DEAD: lambda: UndeliverableError("NoQueue", "deleted")}
        rig.send(rig.lane(dead_letter_arn=DEAD), "a")
        (one,) = rig.deliveries.failed
        assert (one.state, str(one.error), one.dead_letter_error) == ("failed", "Gone: never", "NoQueue: deleted")
        assert rig.counts == (0, 0, 0, 1)

    run(work)


def test_a_refused_dead_letter_is_not_sent_again() -> None:
    async def work(rig: Rig) -> None:
        rig.always |= {QUEUE: gone, DEAD: busy}
        rig.send(rig.lane(dead_letter_arn=DEAD), "a")
        await rig.advance(100 * S)
        assert (rig.tried(DEAD), rig.clock.timers) == ([(0, "a")], 0)

    run(work)


def test_a_dead_letter_queue_set_meanwhile_gets_what_fails_from_then_on() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        lane = rig.lane(backoff=ONCE)
        rig.send(lane, "a")
        lane.dead_letter_arn = DEAD
        await rig.advance(10 * S)
        assert rig.bodies(DEAD) == ["a"]

    run(work)


def test_who_wants_to_hear_of_a_failure_hears_once_at_its_end() -> None:
    heard: list[tuple[str, str, Failure]] = []

    def hear(delivery: Delivery, failure: Failure) -> None:
        heard.append((delivery.message_id, delivery.state, failure))

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [None, busy(), busy()]
        rig.send(rig.lane(backoff=ONCE, on_failure=hear), "good", "bad")
        assert heard == []
        await rig.advance(10 * S)
        assert heard == [("id of bad", "failed", Failure("Busy", "later", 2, exhausted=True))]

    run(work)


def test_what_cannot_even_be_tried_is_dead_lettered_and_recorded() -> None:
    told: list[Failure] = []

    def wrap(envelope: Envelope, failure: Failure) -> Envelope:
        told.append(failure)
        return envelope

    async def work(rig: Rig) -> None:
        rig.deliveries.refuse(rig.lane(dead_letter_arn=DEAD, wrap=wrap), Envelope("a"), "id of a", gone())
        rig.deliveries.refuse(rig.lane(), Envelope("b"), "id of b", gone())
        assert (rig.bodies(QUEUE), rig.bodies(DEAD)) == ([], ["a"])
        assert told == [Failure("Gone", "never", 1, exhausted=False)]
        assert rig.failed == [("a", "dead-lettered", 1), ("b", "failed", 1)]
        assert rig.counts == (0, 0, 1, 1)

    run(work)


def test_the_newest_failures_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FAILED_MAX", 3)

    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = gone
        rig.send(rig.lane(), *"abcde")
        assert [body for body, _, _ in rig.failed] == ["c", "d", "e"]
        assert rig.counts == (0, 0, 0, 5)

    run(work)


# Order.


def test_nothing_overtakes_what_an_ordered_lane_retries() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(ordered=True)
        rig.outcomes[QUEUE] += [busy(), busy()]
        rig.send(lane, *"ab")
        await rig.advance(15 * S)
        rig.send(lane, "c")
        assert rig.tried() == [(0, "a"), (10 * S, "a")]
        await rig.advance(5 * S)
        assert rig.tried()[2:] == [(20 * S, "a"), (20 * S, "b"), (20 * S, "c")]
        rig.send(lane, "d")
        assert rig.tried()[5:] == [(20 * S, "d")]
        assert rig.counts == (0, 4, 0, 0)

    run(work)


def test_a_lane_without_order_lets_others_overtake() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy()]
        rig.send(rig.lane(), *"abc")
        assert rig.tried() == [(0, "a"), (0, "b"), (0, "c")]
        await rig.advance(10 * S)
        assert rig.tried()[3:] == [(10 * S, "a")]

    run(work)


@pytest.mark.parametrize("end", [busy(), gone()], ids=["retries ran out", "permanent"])
def test_an_ordered_lane_goes_on_behind_a_dead_letter(end: UndeliverableError) -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), end]
        rig.send(rig.lane(backoff=ONCE, ordered=True, dead_letter_arn=DEAD), *"abc")
        await rig.advance(10 * S)
        assert rig.tried() == [(0, "a"), (10 * S, "a"), (10 * S, "b"), (10 * S, "c")]
        assert (rig.bodies(DEAD), rig.counts) == (["a"], (0, 2, 1, 0))

    run(work)


def test_each_in_an_ordered_lane_has_all_its_retries() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        rig.send(rig.lane(backoff=ONCE, ordered=True), *"ab")
        await rig.advance(100 * S)
        assert rig.tried() == [(0, "a"), (10 * S, "a"), (10 * S, "b"), (20 * S, "b")]
        assert rig.failed == [("a", "failed", 2), ("b", "failed", 2)]

    run(work)


def test_an_ordered_lane_has_one_post_on_its_way() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, ordered=True), *"abc")
        assert rig.flown == ["a"]
        await rig.flights[0].land(busy())
        assert rig.flown == ["a"]
        await rig.advance(10 * S)
        await rig.flights[1].land()
        await rig.flights[2].land()
        assert rig.flown == ["a", "a", "b", "c"]
        await rig.flights[3].land()

    run(work)


@pytest.mark.parametrize("seed", range(5))
def test_ordered_lanes_keep_their_order_whatever_fails(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def work(rig: Rig) -> None:
        lanes = {
            arn: rig.lane(arn, backoff=ONCE, ordered=True, dead_letter_arn=DEAD + arn[-5:]) for arn in (QUEUE, OTHER)
        }
        for arn in lanes:
            rig.outcomes[arn] += [chance.choice([None, busy(), busy(), gone()]) for _ in range(300)]
        outcomes = {arn: list(rig.outcomes[arn]) for arn in lanes}
        for number in range(200):
            rig.send(lanes[chance.choice([QUEUE, OTHER])], f"{number:03}")
            await rig.advance(chance.choice([0, 0, 1 * S, 10 * S]))
        await rig.advance(10_000 * S)
        assert rig.counts[0] == 0
        ended = 0
        for arn in lanes:
            bodies, results = rig.bodies(arn), outcomes[arn] + [None] * 400
            assert bodies == sorted(bodies)
            good = [body for body, result in zip(bodies, results, strict=False) if result is None]
            ended += len(good) + len(rig.bodies(DEAD + arn[-5:]))
            assert sorted(good + rig.bodies(DEAD + arn[-5:])) == sorted(set(bodies))
        assert ended == 200

    run(work)
