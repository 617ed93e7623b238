"""What bounds deliveries: lanes that hold nobody else up, room, requests at one time, throttles, and bugs of ours that strand nothing."""

from __future__ import annotations

import logging

import pytest

from emulator.router import delivery
from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Delivery, Failure
from emulator.router.router import Envelope
from tests.support.delivery_rig import DEAD, NEVER, ONCE, OTHER, QUEUE, URL, Rig, S, busy, gone, run

# What fails holds nobody else up.


def test_a_lane_that_fails_does_not_hold_up_another() -> None:
    async def work(rig: Rig) -> None:
        rig.always[QUEUE] = busy
        bad, good = rig.lane(ordered=True), rig.lane(OTHER, ordered=True)
        for number in range(50):
            rig.send(bad, f"{number}")
            rig.send(good, f"{number}")
        assert rig.tried(OTHER) == [(0, f"{number}") for number in range(50)]
        assert rig.counts == (50, 50, 0, 0)

    run(work)


def test_a_lane_that_hangs_does_not_hold_up_another() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), *(f"{number}" for number in range(100)))
        await rig.post(rig.lane("http://localhost/good"), "good")
        assert rig.flown[-1] == "good"
        await rig.flights[-1].land()
        assert (rig.counts, rig.deliveries.in_flight) == ((100, 1, 0, 0), 16)

    run(work)


# Bounds.


def test_in_a_crowd_each_lane_has_one_post_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "IN_FLIGHT_CROWD", 20)

    async def work(rig: Rig) -> None:
        for name in ("one", "two", "three"):
            await rig.post(rig.lane(f"http://localhost/{name}"), *(f"{name} {number}" for number in range(16)))
        assert rig.deliveries.in_flight == 16 + 4 + 1
        await rig.flights[-1].land()
        assert rig.flown[-2:] == ["three 0", "three 1"]

    run(work)


def test_a_lane_has_16_posts_on_their_way_at_most() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL), *(f"{number}" for number in range(20)))
        assert (rig.flown, rig.deliveries.in_flight) == ([f"{number}" for number in range(16)], 16)
        await rig.flights[7].land(gone())
        assert rig.flown[16:] == ["16"]
        await rig.flights[3].land(busy())
        assert rig.flown[17:] == ["17"]
        for flight in rig.flights:  # grows as they land
            if not flight.ended:
                await flight.land()
        assert rig.flown[18:] == ["18", "19"]
        assert (rig.counts, rig.deliveries.in_flight) == ((1, 18, 0, 1), 0)

    run(work)


def test_a_full_lane_dead_letters_what_comes_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LANE_MAX", 3)
    told: list[Failure] = []

    def wrap(envelope: Envelope, failure: Failure) -> Envelope:
        told.append(failure)
        return envelope

    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, dead_letter_arn=DEAD, wrap=wrap), *"abcde")
        message = f"{URL}: 3 deliveries wait for it already"
        assert rig.bodies(DEAD) == ["d", "e"]
        assert [failure[:2] for failure in told] == [("TooManyPendingDeliveries", message)] * 2
        assert [(body, state) for body, state, _ in rig.failed] == [("d", "dead-lettered"), ("e", "dead-lettered")]
        assert rig.counts == (3, 0, 2, 0)

    run(work)


def test_a_full_lane_has_room_again_when_one_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LANE_MAX", 2)

    async def work(rig: Rig) -> None:
        lane = rig.lane(ordered=True)
        rig.outcomes[QUEUE] += [busy()]
        rig.send(lane, *"abc")
        await rig.advance(10 * S)
        rig.send(lane, "d")
        assert (rig.bodies(), rig.failed) == (["a", "a", "b", "d"], [("c", "failed", 0)])

    run(work)


def test_a_lane_full_of_failures_still_delivers_what_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LANE_MAX", 2)

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), busy()]
        rig.send(rig.lane(), *"abc")
        assert (rig.bodies(), rig.counts) == (["a", "b", "c"], (2, 1, 0, 0))

    run(work)


def test_a_failure_on_top_of_a_full_lane_tells_of_its_own_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LANE_MAX", 1)

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), busy(), gone()]
        rig.send(rig.lane(), *"abc")
        assert rig.failed == [("b", "failed", 1), ("c", "failed", 1)]
        assert [one.error and one.error.code for one in rig.deliveries.failed] == ["TooManyPendingDeliveries", "Gone"]

    run(work)


def test_where_all_is_full_a_lane_still_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "WAITING_MAX", 5)
    monkeypatch.setattr(delivery, "LANE_SHARE", 2)

    async def work(rig: Rig) -> None:
        greedy, modest = rig.lane(URL), rig.lane("http://localhost/modest")
        await rig.post(greedy, *"abcdef")
        await rig.post(modest, *"uvw")
        assert rig.failed == [("f", "failed", 0), ("w", "failed", 0)]
        assert rig.counts == (7, 0, 0, 2)

    run(work)


# Throttling.


@pytest.mark.parametrize(
    ("per_second", "instants_ms"),
    [(1, [0, 1_000, 2_000, 3_000]), (2, [0, 500, 1_000, 1_500]), (3, [0, 334, 667, 1_000]), (1_000, [0, 1, 2, 3])],
)
def test_a_throttle_paces_posts(per_second: int, instants_ms: list[int]) -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, per_second_max=per_second), *"abcd")
        await rig.advance(5 * S)
        assert [(flight.body, flight.at_ms) for flight in rig.flights] == list(zip("abcd", instants_ms, strict=True))

    run(work)


@pytest.mark.parametrize("per_second", [7, 300, 600, 900, 1_500, 4_000])
def test_a_throttle_lets_its_number_through_each_second_and_not_one_more(
    monkeypatch: pytest.MonkeyPatch, per_second: int
) -> None:
    monkeypatch.setattr(delivery, "IN_FLIGHT_MAX", 1_000_000)
    monkeypatch.setattr(delivery, "IN_FLIGHT_CROWD", 1_000_000)

    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, per_second_max=per_second), *(f"{number}" for number in range(3 * per_second)))
        await rig.advance(2 * S - 1)
        by_second = [sum(flight.at_ms // S == second for flight in rig.flights) for second in (0, 1)]
        assert all(0.98 * per_second <= number <= per_second for number in by_second), by_second

    run(work)


def test_a_throttle_does_not_save_up_for_a_burst() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, per_second_max=1)
        await rig.post(lane, "a")
        await rig.advance(60_500)
        await rig.post(lane, *"bc")
        await rig.advance(2 * S)
        assert [flight.at_ms for flight in rig.flights] == [0, 60_500, 61_500]

    run(work)


def test_a_retry_takes_a_turn_of_the_throttle_before_what_is_new() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, backoff=PhasedBackoff(min_ms=100, max_ms=100, pre=1), per_second_max=1)
        await rig.post(lane, *"abc")
        await rig.flights[0].land(busy())
        await rig.advance(3 * S)
        expected = [("a", 0), ("a", 1 * S), ("b", 2 * S), ("c", 3 * S)]
        assert [(flight.body, flight.at_ms) for flight in rig.flights] == expected

    run(work)


def test_a_throttle_is_one_lane_s_own() -> None:
    async def work(rig: Rig) -> None:
        for name in "abc":
            await rig.post(rig.lane(f"http://localhost/{name}", per_second_max=1), f"{name}1", f"{name}2")
        assert rig.flown == ["a1", "b1", "c1"]

    run(work)


def test_a_throttle_that_is_lifted_lets_all_go_at_its_next_turn() -> None:
    async def work(rig: Rig) -> None:
        lane = rig.lane(URL, per_second_max=1)
        await rig.post(lane, *"abc")
        lane.per_second_max = None
        await rig.advance(1 * S)
        assert [flight.at_ms for flight in rig.flights] == [0, 1 * S, 1 * S]

    run(work)


def test_a_throttled_lane_has_one_timer_however_much_waits() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, per_second_max=1), *(f"{number}" for number in range(100)))
        assert rig.clock.timers == 1

    run(work)


# Bugs.


def test_an_unexpected_error_of_a_post_is_shown_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, backoff=ONCE, dead_letter_arn=DEAD), "a")
        await rig.flights[0].land(LookupError("on purpose"))
        assert rig.counts == (1, 0, 0, 0)
        await rig.advance(10 * S)
        await rig.flights[1].land(LookupError("again"))
        (one,) = rig.deliveries.failed
        assert (one.state, one.attempts, one.dead_letter_error) == ("dead-lettered", 2, None)
        assert str(one.error) == "InternalError: Eventyard failed to deliver: again"

    with caplog.at_level(logging.ERROR):
        run(work)
    assert [record.getMessage() for record in caplog.records] == [f"a delivery to {URL} failed"] * 2


def test_a_lane_goes_on_behind_an_unexpected_error() -> None:
    async def work(rig: Rig) -> None:
        await rig.post(rig.lane(URL, backoff=NEVER, ordered=True), *"ab")
        await rig.flights[0].land(LookupError("on purpose"))
        assert (rig.flown, rig.failed) == (["a", "b"], [("a", "failed", 1)])

    run(work)


def test_an_unexpected_error_of_the_target_does_not_reach_the_publisher() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [LookupError("on purpose")]
        rig.send(rig.lane(), "a")
        assert rig.counts == (1, 0, 0, 0)
        await rig.advance(10 * S)
        assert rig.counts == (0, 1, 0, 0)

    run(work)


def test_an_unexpected_error_of_the_target_in_a_retry_strands_nothing() -> None:
    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [busy(), LookupError("on purpose")]
        rig.send(rig.lane(ordered=True), *"ab")
        await rig.advance(20 * S)
        assert (rig.bodies(), rig.counts) == (["a", "a", "a", "b"], (0, 2, 0, 0))

    run(work)


def test_an_unexpected_error_of_the_dead_letter_queue_is_recorded() -> None:
    async def work(rig: Rig) -> None:
        rig.always |= {QUEUE: gone, DEAD: lambda: LookupError("on purpose")}
        rig.send(rig.lane(dead_letter_arn=DEAD), "a")
        (one,) = rig.deliveries.failed
        assert (one.state, str(one.error)) == ("failed", "Gone: never")
        assert "on purpose" in (one.dead_letter_error or "")

    run(work)


def test_an_unexpected_error_in_making_a_dead_letter_is_recorded() -> None:
    def wrap(envelope: Envelope, failure: Failure) -> Envelope:
        raise LookupError("on purpose")

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [gone(), busy()]
        lane = rig.lane(backoff=ONCE, ordered=True, dead_letter_arn=DEAD, wrap=wrap)
        rig.send(lane, *"abc")
        rig.outcomes[QUEUE] += [gone()]
        await rig.advance(10 * S)
        assert rig.bodies() == ["a", "b", "b", "c"]
        assert rig.failed == [("a", "failed", 1), ("b", "failed", 2)]
        assert ["on purpose" in (one.dead_letter_error or "") for one in rig.deliveries.failed] == [True, True]

    run(work)


def test_an_unexpected_error_of_who_hears_of_a_failure_reaches_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def hear(delivery: Delivery, failure: Failure) -> None:
        raise LookupError("on purpose")

    async def work(rig: Rig) -> None:
        rig.outcomes[QUEUE] += [gone(), busy(), gone()]
        rig.send(rig.lane(backoff=ONCE, ordered=True, on_failure=hear), *"abc")
        await rig.advance(10 * S)
        assert rig.bodies() == ["a", "b", "b", "c"]
        assert rig.failed == [("a", "failed", 1), ("b", "failed", 2)]

    with caplog.at_level(logging.ERROR):
        run(work)
    assert len(caplog.records) == 2
