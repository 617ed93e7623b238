"""How deliveries end before their time: a subscriber that is deleted, state that is thrown away, a server that stops; and how they show."""

from __future__ import annotations

import pytest

from emulator.router import delivery
from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import UndeliverableError
from emulator.router.router import Envelope
from tests.support.delivery_rig import DEAD, ONCE, OTHER, QUEUE, TOPIC, URL, Rig, S, busy, gone, run

# A lane that is closed.


def test_what_waits_for_a_retry_is_abandoned_with_its_lane() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        lane = rig.lane(dead_letter_arn=DEAD)
        rig.send(lane, *"ab")
        rig.deliveries.close(lane, "the subscription was deleted")
        assert rig.failed == [("a", "abandoned", 1), ("b", "abandoned", 1)]
        assert (rig.counts, rig.clock.timers) == ((0, 0, 0, 2), 0)
        await rig.advance(100 * S)
        assert (len(rig.tried()), rig.bodies(DEAD)) == (2, [])

    run(work)


def test_what_was_never_tried_says_why_it_was_abandoned() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        lane = rig.lane(ordered=True)
        rig.send(lane, *"ab")
        rig.deliveries.close(lane, "the subscription was deleted")
        errors = [str(one.error) for one in rig.deliveries.failed]
        assert errors == ["Busy: later", "Abandoned: the subscription was deleted"]
        assert rig.failed == [("a", "abandoned", 1), ("b", "abandoned", 0)]

    run(work)


@pytest.mark.parametrize("outcome", [None, busy(), gone()], ids=["good", "retry", "permanent"])
def test_the_answer_to_a_post_of_a_closed_lane_changes_nothing(outcome: UndeliverableError | None) -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, dead_letter_arn=DEAD)
        await rig.post(lane, *(f"{number}" for number in range(20)))
        rig.deliveries.close(lane, "gone")
        before = rig.failed, rig.counts
        assert (len(rig.failed), rig.deliveries.in_flight) == (20, 16)
        for flight in rig.flights:
            await flight.land(outcome)
        await rig.advance(100 * S)
        assert ((rig.failed, rig.counts), rig.deliveries.in_flight) == (before, 0)
        assert (len(rig.flights), rig.bodies(DEAD), rig.clock.timers) == (16, [], 0)

    run(work)


def test_closing_a_throttled_lane_takes_its_timer() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, per_second_max=1)
        await rig.post(lane, *"ab")
        rig.deliveries.close(lane, "gone")
        assert rig.clock.timers == 0
        await rig.advance(100 * S)
        assert rig.flown == ["a"]

    run(work)


def test_closing_a_lane_is_nothing_to_another() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy()]
        rig.outcomes[OTHER] += [busy()]
        doomed = rig.lane()
        rig.send(doomed, "a")
        rig.send(rig.lane(OTHER), "b")
        rig.deliveries.close(doomed, "gone")
        await rig.advance(10 * S)
        assert (rig.bodies(QUEUE), rig.bodies(OTHER), rig.counts) == (["a"], ["b", "b"], (0, 1, 0, 1))

    run(work)


def test_what_comes_after_a_lane_was_closed_is_abandoned_too() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(QUEUE, dead_letter_arn=DEAD)
        rig.deliveries.close(lane, "gone")
        rig.send(lane, "a")
        await rig.post(lane, "b")
        assert (rig.attempts, rig.flown) == ([], [])
        assert rig.failed == [("a", "abandoned", 0), ("b", "abandoned", 0)]

    run(work)


def test_closing_a_lane_twice_records_nothing_twice() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        lane = rig.lane()
        rig.send(lane, "a")
        rig.deliveries.close(lane, "gone")
        rig.deliveries.close(lane, "gone")
        assert rig.failed == [("a", "abandoned", 1)]

    run(work)


# State that is thrown away.


def test_what_comes_from_forgotten_state_leaves_no_trace() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [gone(), busy()]
        rig.send(rig.lane(dead_letter_arn=DEAD), "failed", "waiting")
        await rig.post(rig.lane(URL, per_second_max=1), "in flight", "in the queue")
        rig.deliveries.forget("sns", "111122223333", "eu-west-1")
        assert (rig.counts[0], rig.failed, rig.clock.timers) == (0, [], 0)
        await rig.flights[0].land(busy())
        await rig.advance(100 * S)
        assert (rig.flown, rig.bodies(QUEUE)) == (["in flight"], ["failed", "waiting"])
        assert (rig.bodies(DEAD), rig.failed, rig.counts[0]) == (["failed"], [], 0)

    run(work)


@pytest.mark.parametrize(
    "place",
    [
        ("sqs", "111122223333", "eu-west-1"),
        ("sns", "111122224444", "eu-west-1"),
        ("sns", "111122223333", "eu-west-2"),
        ("sns", "111122223333", "eu-west-"),
    ],
)
def test_what_comes_from_elsewhere_is_not_forgotten(place: tuple[str, str, str]) -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [gone(), busy()]
        rig.send(rig.lane(), *"ab")
        rig.deliveries.forget(*place)
        assert (rig.failed, rig.counts) == ([("a", "failed", 1)], (1, 0, 0, 1))
        await rig.advance(10 * S)
        assert rig.counts == (0, 1, 0, 1)

    run(work)


# A server that stops.


def test_a_stop_ends_what_is_on_its_way_and_starts_nothing_more() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, dead_letter_arn=DEAD), *(f"{number}" for number in range(20)))
        await rig.tasks.stop()
        assert all(flight.ended for flight in rig.flights)
        assert (len(rig.flights), rig.deliveries.in_flight, len(rig.tasks)) == (16, 0, 0)
        assert (rig.failed, rig.bodies(DEAD), rig.counts) == ([], [], (20, 0, 0, 0))

    run(work)


# What shows.


def test_a_delivery_shows_what_happened_to_it_and_what_will() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        await rig.advance(1_500)
        rig.send(rig.lane(dead_letter_arn=DEAD), "a")
        await rig.advance(10 * S)
        (one,) = rig.deliveries.waiting()
        assert rig.deliveries.show(one) == {
            "id": 1,
            "state": "retrying",
            "source": TOPIC,
            "subscriber": f"{TOPIC}:{QUEUE}",
            "target": QUEUE,
            "message_id": "id of a",
            "attempts": 2,
            "created": "1970-01-01T00:00:01.500Z",
            "next_attempt": "1970-01-01T00:00:21.500Z",
            "ended": None,
            "last_error": {"code": "Busy", "message": "later"},
            "dead_letter_arn": DEAD,
            "dead_letter_error": None,
            "body": "a",
        }

    run(work)


def test_a_delivery_that_failed_shows_when_and_why() -> None:
    async def work(rig: Rig) -> None:
        rig.always |= {QUEUE: busy, DEAD: gone}
        rig.send(rig.lane(backoff=ONCE, dead_letter_arn=DEAD), "a")
        await rig.advance(100 * S)
        shown = rig.deliveries.show(rig.deliveries.failed[0])
        assert (shown["state"], shown["attempts"], shown["next_attempt"]) == ("failed", 2, None)
        assert (shown["created"], shown["ended"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:10.000Z")
        assert (shown["last_error"], shown["dead_letter_error"]) == (
            {"code": "Busy", "message": "later"},
            "Gone: never",
        )

    run(work)


def test_a_post_that_was_not_answered_yet_shows_as_pending() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), "a")
        (shown,) = map(rig.deliveries.show, rig.deliveries.waiting())
        assert (shown["state"], shown["attempts"], shown["next_attempt"]) == ("pending", 0, None)
        assert (shown["last_error"], shown["body"]) == (None, "a")

    run(work)


def test_a_retry_that_is_on_its_way_shows_no_next_attempt() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), "a")
        await rig.flights[0].land(busy())
        await rig.advance(10 * S)
        (shown,) = map(rig.deliveries.show, rig.deliveries.waiting())
        assert (shown["attempts"], shown["next_attempt"], rig.deliveries.in_flight) == (1, None, 1)

    run(work)


def test_what_waits_is_listed_the_oldest_first_and_numbered() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), None, busy()]
        rig.send(rig.lane(), *"abc")
        await rig.post(rig.lane(URL), "d")
        assert [(one.envelope.body, one.number) for one in rig.deliveries.waiting()] == [("a", 1), ("c", 2), ("d", 3)]

    run(work)


# What is kept.


def test_a_failure_that_is_kept_holds_on_to_nothing_of_the_call_that_failed() -> None:
    """An exception's traceback holds the frames of all callers: the request, the message in all its forms, httpx's connection."""

    async def work(rig: Rig) -> None:
        try:
            raise LookupError("the reason behind")
        except LookupError as reason:
            failure = busy()
            failure.__cause__ = failure.__context__ = reason
        rig.outcomes[QUEUE] += [failure, gone()]
        rig.send(rig.lane(), *"ab")
        await rig.post(rig.lane(URL), "c")
        await rig.flights[0].land(gone())
        kept = [*rig.deliveries.waiting(), *rig.deliveries.failed]
        assert [one.envelope.body for one in kept] == ["a", "b", "c"]
        for one in kept:
            assert one.error is not None
            assert (one.error.__traceback__, one.error.__cause__, one.error.__context__) == (None, None, None)

    run(work)


def test_closing_a_lane_looks_at_nothing_of_other_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Watched(delivery.Delivery):
        def __getattribute__(self, name: str) -> object:
            nonlocal looks
            looks += 1
            return super().__getattribute__(name)

    monkeypatch.setattr(delivery, "Delivery", Watched)

    async def work(rig: Rig) -> None:
        nonlocal looks
        rig.always |= {QUEUE: busy, OTHER: busy}
        rig.send(rig.lane(OTHER), *(f"{number}" for number in range(500)))
        lane = rig.lane(backoff=PhasedBackoff(min_ms=1, max_ms=1, pre=9))
        rig.send(lane, "a")
        looks = 0
        rig.deliveries.close(lane, "gone")
        assert (rig.failed, rig.counts[0]) == ([("a", "abandoned", 1)], 500)
        assert looks < 100

    run(work)


def test_a_body_is_kept_as_it_was_to_be_delivered() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = gone
        lane = rig.lane(dead_letter_arn=DEAD, wrap=lambda envelope, _: Envelope(f"wrapped {envelope.body}"))
        rig.send(lane, "a")
        assert (rig.deliveries.show(rig.deliveries.failed[0])["body"], rig.bodies(DEAD)) == ("a", ["wrapped a"])

    run(work)
