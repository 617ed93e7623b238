"""Targets that fail: how long and how often an event is tried again, and what its dead letter says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.support.events_flow import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    Place,
    dead_letter,
    dead_letters,
    events_of,
    new_entry,
)
from tests.support.harness import Harness
from tests.support.http_target import failed, pending
from tests.support.sqs_flow import Box

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handle"
"""What does not run here: each attempt fails, and a retry may help."""
GONE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
NO_QUEUE = "The specified queue does not exist or you do not have access to it."
NOT_EMULATED = f"Eventyard does not emulate lambda, so nothing can be delivered to {FUNCTION}"
DAY_S = 86_400
MINUTE_MS = 60_000


@pytest.fixture
def place(cloud: Harness) -> Place:
    return Place(cloud)


@pytest.fixture
def dead(place: Place) -> Box:
    return place.box("dead", VisibilityTimeout=43_200)


def failing(dead: Box | None = None, arn: str = FUNCTION, **retry: int) -> dict[str, Any]:
    """Make a target that always fails, with a RetryPolicy of these members."""
    target: dict[str, Any] = {"Arn": arn}
    if retry:
        target["RetryPolicy"] = retry
    return target | ({"DeadLetterConfig": {"Arn": dead.arn}} if dead else {})


def instant_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def next_attempt(cloud: Harness) -> int:
    """Move to the instant of the next attempt, which is made, and give how long that took, in ms."""
    [record] = pending(cloud)
    delay_ms = instant_ms(record["next_attempt"]) - cloud.now_ms
    cloud.advance(delay_ms / 1000)
    return delay_ms


# Retries.


def test_delays_double_up_to_ten_minutes_and_each_is_shortened_by_chance(cloud: Harness, place: Place) -> None:
    place.rule(failing())
    place.put()
    delays_ms = [next_attempt(cloud) for _ in range(40)]
    longest_ms = [min(1000 * 2**n, 600_000) for n in range(40)]
    assert all(longest / 2 <= delay <= longest for delay, longest in zip(delays_ms, longest_ms, strict=True)), delays_ms
    assert len(set(delays_ms[10:])) > 20, delays_ms
    assert pending(cloud)[0]["attempts"] == 41


def test_two_events_do_not_wait_in_step(cloud: Harness, place: Place) -> None:
    place.rule(failing())
    place.put_all(*[new_entry({"n": n}) for n in range(10)])
    assert len({record["next_attempt"] for record in pending(cloud)}) > 5


@pytest.mark.parametrize("retries", [0, 1, 4, 185])
def test_so_many_retries_are_made_as_the_policy_says(cloud: Harness, place: Place, dead: Box, retries: int) -> None:
    rule = place.rule(failing(dead, MaximumRetryAttempts=retries))
    event_id = place.put({"n": 1})
    for _ in range(retries):
        assert dead.counts.visible == 0
        next_attempt(cloud)
    body, attributes = dead_letter(dead)
    assert (body["id"], body["detail"]) == (event_id, {"n": 1})
    assert attributes == {
        "RULE_ARN": rule,
        "TARGET_ARN": FUNCTION,
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": NOT_EMULATED,
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": str(retries),
    }
    assert pending(cloud) == []


def test_without_a_policy_there_are_185_retries_within_a_day(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead))
    place.put()
    cloud.advance(12 * 3600)
    assert len(pending(cloud)) == 1
    cloud.advance(12 * 3600)
    _, attributes = dead_letter(dead)
    assert (attributes["RETRY_ATTEMPTS"], attributes["EXHAUSTED_RETRY_CONDITION"]) == ("185", "MaximumRetryAttempts")


@pytest.mark.parametrize("age_s", [60, 61, 3600])
def test_an_event_is_tried_to_the_end_of_its_age(cloud: Harness, place: Place, dead: Box, age_s: int) -> None:
    place.rule(failing(dead, MaximumEventAgeInSeconds=age_s))
    place.put()
    attempts = 1
    cloud.advance(age_s - 0.001)
    attempts = pending(cloud)[0]["attempts"]
    assert dead.counts.visible == 0
    cloud.advance(0.001)
    assert pending(cloud) == []
    _, attributes = dead_letter(dead)
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert attributes["RETRY_ATTEMPTS"] == str(attempts)


@pytest.mark.parametrize(
    ("retries", "age_s", "condition"),
    [(2, 3600, "MaximumRetryAttempts"), (185, 60, "MaximumEventAgeInSeconds")],
    ids=["attempts", "age"],
)
def test_what_ends_first_ends_it(
    cloud: Harness, place: Place, dead: Box, retries: int, age_s: int, condition: str
) -> None:
    place.rule(failing(dead, MaximumRetryAttempts=retries, MaximumEventAgeInSeconds=age_s))
    place.put()
    cloud.advance(60)
    assert dead_letter(dead)[1]["EXHAUSTED_RETRY_CONDITION"] == condition


def test_the_age_counts_from_the_coming_and_not_from_the_event_s_own_time(
    cloud: Harness, place: Place, dead: Box
) -> None:
    place.rule(failing(dead, MaximumEventAgeInSeconds=60))
    place.put(Time="2020-01-01T00:00:00Z")
    cloud.advance(59.9)
    assert dead.counts.visible == 0
    cloud.advance(0.1)
    assert dead.counts.visible == 1


def test_each_target_is_retried_on_its_own_terms(cloud: Harness, place: Place, dead: Box) -> None:
    other = place.box("other-dead")
    place.rule(failing(dead, MaximumRetryAttempts=1), failing(other, MaximumRetryAttempts=3))
    place.put()
    cloud.advance(1)
    assert (dead_letter(dead)[1]["RETRY_ATTEMPTS"], other.counts.visible) == ("1", 0)
    cloud.advance(2 + 4)
    assert dead_letter(other)[1]["RETRY_ATTEMPTS"] == "3"


def test_a_new_policy_holds_for_the_events_that_come_after_it(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead, MaximumRetryAttempts=5))
    place.events.put_targets(Rule="rule", Targets=[{"Id": "0"} | failing(dead, MaximumRetryAttempts=0)])
    place.put()
    assert dead_letter(dead)[1]["RETRY_ATTEMPTS"] == "0"


# Errors that no retry can heal.


def gone_queue(_place: Place) -> dict[str, Any]:
    return {"Arn": GONE}


def gone_topic(place: Place) -> dict[str, Any]:
    return {"Arn": place.arn("sns", "gone")}


def gone_bus(place: Place) -> dict[str, Any]:
    return {"Arn": place.arn("events", "event-bus/gone")}


def gone_foreign_bus(_place: Place) -> dict[str, Any]:
    return {"Arn": f"arn:aws:events:{OTHER_REGION}:{OTHER_ACCOUNT}:event-bus/gone"}


def fifo_without_ids(place: Place) -> dict[str, Any]:
    fifo = place.box("box.fifo", ContentBasedDeduplication="false")
    return {"Arn": fifo.arn, "SqsParameters": {"MessageGroupId": "g"}}


def small_queue(place: Place) -> dict[str, Any]:
    return {"Arn": place.box("small", MaximumMessageSize=1024).arn}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (gone_queue, "NO_RESOURCE"),
        (gone_topic, "NO_RESOURCE"),
        (gone_bus, "NO_RESOURCE"),
        (gone_foreign_bus, "NO_RESOURCE"),
        (fifo_without_ids, "INVALID_PARAMETER"),
        (small_queue, "INVALID_PARAMETER"),
    ],
)
def test_a_permanent_error_dead_letters_at_once(cloud: Harness, place: Place, dead: Box, make: Any, code: str) -> None:
    target = make(place)
    rule = place.rule(target | {"DeadLetterConfig": {"Arn": dead.arn}})
    event_id = place.put({"x": "x" * 1024})
    body, attributes = dead_letter(dead)
    assert body["id"] == event_id
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {"RULE_ARN": rule, "TARGET_ARN": target["Arn"], "ERROR_CODE": code, "RETRY_ATTEMPTS": "0"}
    assert pending(cloud) == []


def test_a_queue_that_goes_during_the_retries_of_others_is_a_permanent_error(place: Place, dead: Box) -> None:
    box = place.box()
    place.rule({"Arn": box.arn, "DeadLetterConfig": {"Arn": dead.arn}})
    place.put({"n": 1})
    assert len(box.drain()) == 1
    place.sqs.delete_queue(QueueUrl=box.url)
    place.put({"n": 2})
    body, attributes = dead_letter(dead)
    assert body["detail"] == {"n": 2}
    assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == ("NO_RESOURCE", NO_QUEUE)


# Dead letters.


@pytest.mark.parametrize(
    "transform",
    [
        {"Input": '"constant"'},
        {"InputPath": "$.detail"},
        {"InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '"n is <n>"'}},
    ],
    ids=lambda transform: next(iter(transform)),
)
def test_a_dead_letter_is_the_event_and_not_what_was_made_of_it(
    cloud: Harness, place: Place, dead: Box, transform: dict[str, Any]
) -> None:
    box = place.box()
    place.rule({"Arn": GONE, "DeadLetterConfig": {"Arn": dead.arn}} | transform, box)
    place.put({"n": 7})
    assert dead.drain() == box.drain()
    assert failed(cloud)[0]["state"] == "dead-lettered"


def test_a_dead_letter_has_neither_the_group_of_the_target_nor_an_id(place: Place, dead: Box) -> None:
    target = failing(dead, arn=f"{GONE}.fifo") | {"SqsParameters": {"MessageGroupId": "g"}}
    place.rule(target)
    place.put()
    assert not {"MessageGroupId", "MessageDeduplicationId"} & set(dead.receive_one()["Attributes"])


@pytest.mark.parametrize("account", [ACCOUNT, OTHER_ACCOUNT])
def test_a_dead_letter_queue_may_be_in_another_account(cloud: Harness, place: Place, account: str) -> None:
    dead = Place(cloud, account, REGION).box("dead")
    place.rule(failing(dead, arn=GONE))
    event_id = place.put()
    assert dead_letter(dead)[0]["id"] == event_id


def test_the_rule_of_a_dead_letter_is_on_its_own_bus(place: Place, dead: Box) -> None:
    place.bus("orders")
    place.rule(failing(dead, arn=GONE), bus="orders", name="mine")
    place.put(EventBusName="orders")
    assert dead_letter(dead)[1]["RULE_ARN"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/orders/mine"


def test_without_a_dead_letter_queue_the_failure_is_recorded(cloud: Harness, place: Place) -> None:
    rule = place.rule(GONE)
    event_id = place.put()
    [record] = failed(cloud)
    assert (record["state"], record["attempts"], record["message_id"]) == ("failed", 1, event_id)
    assert (record["source"], record["subscriber"], record["dead_letter_arn"]) == (rule, f"{rule}#0", None)
    assert record["last_error"] == {"code": "AWS.SimpleQueueService.NonExistentQueue", "message": NO_QUEUE}


def test_a_dead_letter_queue_that_is_not_there_is_recorded(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead, arn=GONE))
    place.sqs.delete_queue(QueueUrl=dead.url)
    place.put()
    [record] = failed(cloud)
    assert (record["state"], record["dead_letter_arn"]) == ("failed", dead.arn)
    assert record["dead_letter_error"] == f"AWS.SimpleQueueService.NonExistentQueue: {NO_QUEUE}"


def test_dead_letters_of_many_events_are_all_there_in_their_order(place: Place, dead: Box) -> None:
    place.rule(failing(dead, arn=GONE))
    for start in range(0, 200, 10):
        place.put_all(*[new_entry({"n": n}) for n in range(start, start + 10)])
    assert [one["detail"]["n"] for one in events_of(dead)] == list(range(200))


# Others.


def test_a_healthy_target_does_not_notice(cloud: Harness, place: Place, dead: Box) -> None:
    box = place.box()
    place.rule(failing(dead), box, failing(dead, arn=GONE), name="one")
    place.rule(box, name="two")
    place.put_all(*[new_entry({"n": n}) for n in range(5)])
    assert sorted(one["detail"]["n"] for one in events_of(box)) == sorted([*range(5)] * 2)
    assert (len(pending(cloud)), len(dead_letters(dead))) == (5, 5)


def test_events_that_wait_are_tried_each_for_itself(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead, MaximumEventAgeInSeconds=60))
    place.put({"n": 1})
    cloud.advance(30)
    place.put({"n": 2})
    cloud.advance(30)
    assert [body["detail"]["n"] for body, _ in dead_letters(dead)] == [1]
    cloud.advance(30)
    assert [body["detail"]["n"] for body, _ in dead_letters(dead)] == [2]


# Targets that go.


def test_what_waits_for_a_removed_target_is_abandoned(cloud: Harness, place: Place, dead: Box) -> None:
    rule = place.rule(failing(dead), failing(dead))
    place.put()
    place.events.remove_targets(Rule="rule", Ids=["0"])
    assert [record["subscriber"] for record in pending(cloud)] == [f"{rule}#1"]
    [record] = failed(cloud)
    assert (record["subscriber"], record["state"], record["dead_letter_arn"]) == (f"{rule}#0", "abandoned", dead.arn)
    cloud.advance(DAY_S)
    assert len(dead_letters(dead)) == 1


def test_what_waits_for_a_target_that_another_one_takes_the_place_of_is_abandoned(
    cloud: Harness, place: Place, dead: Box
) -> None:
    place.rule(failing(dead))
    place.put({"n": 1})
    box = place.box()
    place.events.put_targets(Rule="rule", Targets=[{"Id": "0", "Arn": box.arn}])
    place.put({"n": 2})
    assert (pending(cloud), [record["state"] for record in failed(cloud)]) == ([], ["abandoned"])
    assert [one["detail"]["n"] for one in events_of(box)] == [2]


def test_a_disabled_rule_s_deliveries_go_on(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead, MaximumRetryAttempts=1))
    event_id = place.put()
    place.events.disable_rule(Name="rule")
    cloud.advance(1)
    assert dead_letter(dead)[0]["id"] == event_id


def test_no_timer_is_left_when_all_is_done(cloud: Harness, place: Place) -> None:
    place.rule(failing(MaximumRetryAttempts=3))
    place.put_all(*[new_entry({"n": n}) for n in range(10)])
    assert cloud.run(lambda emulator: emulator.clock.timers) == 10
    cloud.advance(7)
    assert cloud.run(lambda emulator: (emulator.clock.timers, emulator.router.deliveries.count)) == (0, 0)


def test_the_counts_of_deliveries_add_up(cloud: Harness, place: Place, dead: Box) -> None:
    place.rule(failing(dead), failing(dead, arn=GONE), place.box(), GONE)
    place.put()
    counts = json.loads(cloud.request("GET", "/_eventyard/deliveries").body)["counts"]
    assert counts == {"pending": 1, "in_flight": 0, "delivered": 1, "dead_lettered": 1, "lost": 1}
