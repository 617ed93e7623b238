"""Buses as targets: an event goes on to one more bus, as it is, and no further."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.events_flow import (
    ACCOUNT,
    NOW,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    Place,
    dead_letter,
    dead_letters,
    event_of,
    events_of,
    log_events,
    new_entry,
)
from tests.support.harness import Harness
from tests.support.http_target import failed, pending
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import receive_one

THIRD_ACCOUNT, THIRD_REGION = "777788889999", "us-west-2"
ELSEWHERE = {
    "same place": (ACCOUNT, REGION),
    "other account": (OTHER_ACCOUNT, REGION),
    "other region": (ACCOUNT, OTHER_REGION),
    "both": (OTHER_ACCOUNT, OTHER_REGION),
}
everywhere = pytest.mark.parametrize(("account", "region"), ELSEWHERE.values(), ids=ELSEWHERE.keys())


@pytest.fixture
def place(cloud: Harness) -> Place:
    return Place(cloud)


def forward(place: Place, there: Place, bus: str = "far", **target: Any) -> Box:
    """Send events of the default bus on to a new bus; the queue that the far bus's rule fills."""
    arn = there.bus(bus)
    box = there.box(f"box-{bus}")
    there.rule(box, bus=bus, name="far-rule")
    place.rule({"Arn": arn, **target}, name="near-rule")
    return box


# One hop.


@everywhere
def test_an_event_comes_to_another_bus_as_it_was(cloud: Harness, place: Place, account: str, region: str) -> None:
    near, far = place.box("near"), forward(place, Place(cloud, account, region))
    place.rule(near, name="beside")
    event_id = place.put({"n": 1.5, "s": "grüße"}, Time="2020-01-02T03:04:05Z", Resources=["r"])
    body = far.receive_one()["Body"]
    assert body == near.receive_one()["Body"]
    assert body == (
        f'{{"version":"0","id":"{event_id}","detail-type":"Order","source":"shop","account":"{ACCOUNT}",'
        f'"time":"2020-01-02T03:04:05Z","region":"{REGION}","resources":["r"],"detail":{{"n":1.5,"s":"grüße"}}}}'
    )


@everywhere
def test_the_default_bus_of_a_place_that_was_never_used_can_be_a_target(
    cloud: Harness, place: Place, account: str, region: str
) -> None:
    there = Place(cloud, account, region)
    bus = "default"
    if (account, region) == (ACCOUNT, REGION):
        place.bus("orders")
        bus = "orders"
    place.rule(there.arn("events", "event-bus/default"), bus=bus)
    place.put({"n": 1}, EventBusName=bus)
    box = there.box()
    there.rule(box, name="late")
    place.put({"n": 2}, EventBusName=bus)
    assert event_of(box)["detail"] == {"n": 2}


def test_the_time_stays_however_late_the_event_is_put(cloud: Harness, place: Place) -> None:
    far = forward(place, Place(cloud, OTHER_ACCOUNT, OTHER_REGION))
    place.put()
    cloud.advance(3600)
    assert event_of(far)["time"] == NOW


def test_rules_of_both_buses_match_by_their_own_patterns(cloud: Harness, place: Place) -> None:
    there = Place(cloud, OTHER_ACCOUNT, REGION)
    arn = there.bus("far")
    box = there.box()
    there.rule(box, bus="far", pattern=f'{{"account": ["{ACCOUNT}"], "detail": {{"n": [{{"numeric": [">", 1]}}]}}}}')
    place.rule(arn, pattern='{"detail": {"n": [{"numeric": ["<", 4]}]}}')
    place.put_all(*[new_entry({"n": n}) for n in range(6)])
    assert [one["detail"]["n"] for one in events_of(box)] == [2, 3]


def test_order_and_number_are_kept_over_a_hop(cloud: Harness, place: Place) -> None:
    far = forward(place, Place(cloud, OTHER_ACCOUNT, OTHER_REGION))
    for start in range(0, 300, 10):
        place.put_all(*[new_entry({"n": n}) for n in range(start, start + 10)])
    assert [one["detail"]["n"] for one in events_of(far)] == list(range(300))


def test_a_trace_header_goes_along(cloud: Harness, place: Place) -> None:
    there = Place(cloud, OTHER_ACCOUNT, REGION)
    far = forward(place, there)
    place.put(TraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793")
    message = receive_one(there.sqs, far.url, MessageSystemAttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"}


def test_a_detail_of_a_thousand_levels_goes_along(cloud: Harness, place: Place) -> None:
    far = forward(place, Place(cloud, OTHER_ACCOUNT, REGION))
    text = '{"x":' * 1000 + "1" + "}" * 1000
    place.put(text)
    [body] = far.drain()
    assert body.endswith(f'"detail":{text}}}')


def test_a_target_s_input_on_the_far_bus_reads_the_event(cloud: Harness, place: Place) -> None:
    there = Place(cloud, OTHER_ACCOUNT, REGION)
    far = forward(place, there)
    there.events.put_targets(
        Rule="far-rule", EventBusName="far", Targets=[{"Id": "0", "Arn": far.arn, "InputPath": "$.account"}]
    )
    place.put()
    assert far.drain() == [f'"{ACCOUNT}"']


def test_all_other_targets_of_a_forwarded_event_are_served(cloud: Harness, place: Place) -> None:
    there = Place(cloud, OTHER_ACCOUNT, REGION)
    arn = there.bus("far")
    box, group = there.box(), there.arn("logs", "log-group:/aws/events/far")
    function = there.arn("lambda", "function:handle")
    there.rule(box, group, function, bus="far")
    place.rule(arn)
    place.put()
    assert (len(box.drain()), len(log_events(cloud, group)), len(pending(cloud))) == (1, 1, 1)


# A bus that is not there.


@everywhere
def test_a_bus_that_is_not_there_dead_letters_the_event(
    cloud: Harness, place: Place, account: str, region: str
) -> None:
    dead = place.box("dead")
    arn = Place(cloud, account, region).arn("events", "event-bus/gone")
    place.rule({"Arn": arn, "DeadLetterConfig": {"Arn": dead.arn}})
    event_id = place.put()
    body, attributes = dead_letter(dead)
    assert (body["id"], attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == (event_id, "NO_RESOURCE", "0")
    assert attributes["ERROR_MESSAGE"] == f"Event bus {arn} does not exist."


def test_a_bus_that_was_deleted_is_not_there(cloud: Harness, place: Place) -> None:
    there = Place(cloud, OTHER_ACCOUNT, REGION)
    place.rule(there.bus("far"))
    there.events.delete_event_bus(Name="far")
    place.put()
    assert failed(cloud)[0]["last_error"]["code"] == "NO_RESOURCE"
    there.bus("far")
    box = there.box()
    there.rule(box, bus="far")
    place.put()
    assert len(box.drain()) == 1


# No third bus.


@pytest.mark.parametrize(
    ("account", "region", "code"),
    [
        (ACCOUNT, REGION, "THIRD_ACCOUNT_HOP_DETECTED"),
        (THIRD_ACCOUNT, REGION, "THIRD_ACCOUNT_HOP_DETECTED"),
        (ACCOUNT, THIRD_REGION, "THIRD_REGION_HOP_DETECTED"),
        (THIRD_ACCOUNT, THIRD_REGION, "THIRD_REGION_HOP_DETECTED"),
    ],
    ids=["back to the first account", "account", "region", "both"],
)
def test_a_third_bus_is_refused_for_good(cloud: Harness, place: Place, account: str, region: str, code: str) -> None:
    second, third = Place(cloud, OTHER_ACCOUNT, REGION), Place(cloud, account, region)
    box, dead = third.box("third"), second.box("dead")
    target = {"Arn": third.bus("third"), "DeadLetterConfig": {"Arn": dead.arn}}
    third.rule(box, bus="third", name="third-rule")
    forward(place, second)
    rule = second.rule(target, bus="far", name="on")
    event_id = place.put({"n": 1})
    body, attributes = dead_letter(dead)
    assert (body["id"], body["account"], body["detail"]) == (event_id, ACCOUNT, {"n": 1})
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {"RULE_ARN": rule, "TARGET_ARN": target["Arn"], "ERROR_CODE": code, "RETRY_ATTEMPTS": "0"}
    assert (box.drain(), pending(cloud)) == ([], [])


def test_a_third_bus_in_the_same_account_and_region_is_refused_too(cloud: Harness, place: Place) -> None:
    dead, third = place.box("dead"), place.box("third")
    second = forward(place, place)
    place.rule(third, bus=place.bus("third").rpartition("/")[2], name="third-rule")
    target = {"Arn": place.arn("events", "event-bus/third"), "DeadLetterConfig": {"Arn": dead.arn}}
    place.rule(target, bus="far", name="on")
    place.put()
    assert (len(second.drain()), third.drain()) == (1, [])
    assert dead_letter(dead)[1]["ERROR_CODE"] == "THIRD_ACCOUNT_HOP_DETECTED"


def test_without_a_dead_letter_queue_the_third_hop_is_recorded(cloud: Harness, place: Place) -> None:
    second = Place(cloud, OTHER_ACCOUNT, REGION)
    forward(place, second)
    second.rule(place.arn("events", "event-bus/default"), bus="far", name="back")
    place.put()
    [record] = failed(cloud)
    assert (record["state"], record["attempts"]) == ("failed", 1)
    assert record["last_error"]["code"] == "THIRD_ACCOUNT_HOP_DETECTED"


def test_a_second_event_of_the_second_bus_itself_may_go_on(cloud: Harness, place: Place) -> None:
    second, third = Place(cloud, OTHER_ACCOUNT, REGION), Place(cloud, THIRD_ACCOUNT, REGION)
    forward(place, second)
    box = third.box()
    third.rule(box, bus=third.bus("third").rpartition("/")[2])
    second.rule(third.arn("events", "event-bus/third"), bus="far", name="on")
    event_id = second.put(EventBusName="far")
    assert event_of(box)["id"] == event_id


# Loops.


def test_two_buses_that_point_at_each_other_end(cloud: Harness, place: Place) -> None:
    second = Place(cloud, OTHER_ACCOUNT, OTHER_REGION)
    near, dead = place.box("near"), second.box("dead")
    far = forward(place, second)
    place.rule(near, name="beside")
    back = {"Arn": place.arn("events", "event-bus/default"), "DeadLetterConfig": {"Arn": dead.arn}}
    second.rule(back, bus="far", name="back")
    place.put()
    assert (len(near.drain()), len(far.drain()), len(dead_letters(dead))) == (1, 1, 1)
    assert pending(cloud) == []


def test_a_bus_that_points_at_itself_ends(cloud: Harness, place: Place) -> None:
    box, dead = place.box(), place.box("dead")
    itself = {"Arn": place.arn("events", "event-bus/default"), "DeadLetterConfig": {"Arn": dead.arn}}
    place.rule(itself, name="loop")
    place.rule(box, name="beside")
    event_id = place.put()
    assert [one["id"] for one in events_of(box)] == [event_id] * 2
    assert len(dead_letters(dead)) == 1
    assert pending(cloud) == []
