"""Reset: EventBridge alone or everything is forgotten, what waits is dropped, and two emulators share nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.events_flow import ACCOUNT, PLACES, REGION, SHOP, Place, events_of, log_events
from tests.support.harness import Harness
from tests.support.http_target import failed, pending
from tests.support.sqs_wire import signed

EVENTS_ONLY = "/_localstack/state/events/reset"
PATHS = ("/_eventyard/reset", "/_localstack/state/reset", EVENTS_ONLY)
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handle"
everywhere = pytest.mark.parametrize("path", PATHS)


@pytest.fixture
def place(cloud: Harness) -> Place:
    return Place(cloud)


def reset(cloud: Harness, path: str) -> None:
    answer = cloud.request("POST", path)
    assert (answer.status, answer.body) == (200, b"")


def left(cloud: Harness) -> tuple[int, int, int]:
    """Count timers, tasks and deliveries that wait."""
    return cloud.run(lambda emulator: (emulator.clock.timers, len(emulator.tasks), emulator.router.deliveries.count))


# What is forgotten.


@everywhere
def test_buses_and_rules_of_all_accounts_and_regions_are_forgotten(cloud: Harness, path: str) -> None:
    places = [Place(cloud, *place) for place in PLACES]
    for place in places:
        place.bus("orders")
        place.rule(FUNCTION, bus="orders")
        place.rule(FUNCTION)
    reset(cloud, path)
    for place in places:
        assert [bus["Name"] for bus in place.events.list_event_buses()["EventBuses"]] == ["default"]
        assert place.events.list_rules()["Rules"] == []
        assert error_of(place.events.describe_event_bus, Name="orders") == Seen(
            "ResourceNotFoundException", "Event bus orders does not exist.", 400
        )
        assert error_of(place.events.list_targets_by_rule, Rule="rule") == Seen(
            "ResourceNotFoundException", "Rule rule does not exist on EventBus default.", 400
        )


@everywhere
def test_a_rule_of_the_same_name_is_new(cloud: Harness, place: Place, path: str) -> None:
    place.rule(FUNCTION)
    place.events.tag_resource(ResourceARN=place.arn("events", "rule/rule"), Tags=[{"Key": "team", "Value": "a"}])
    reset(cloud, path)
    arn = place.rule()
    assert place.events.list_targets_by_rule(Rule="rule")["Targets"] == []
    assert place.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


@everywhere
def test_a_forgotten_rule_matches_nothing(cloud: Harness, place: Place, path: str) -> None:
    place.rule(place.box("one"))
    reset(cloud, path)
    box = place.box("one")
    place.put()
    assert (box.drain(), failed(cloud)) == ([], [])


@everywhere
def test_a_schedule_fires_no_more(cloud: Harness, place: Place, path: str) -> None:
    place.events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)")
    place.events.put_targets(Rule="tick", Targets=[{"Id": "0", "Arn": place.box("one").arn}])
    assert left(cloud)[0] == 1
    reset(cloud, path)
    assert left(cloud)[0] == 0
    box = place.box("one")
    cloud.advance(3600)
    assert (box.drain(), failed(cloud)) == ([], [])


@everywhere
def test_retries_end_and_nothing_is_dead_lettered(cloud: Harness, place: Place, path: str) -> None:
    target = {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": place.box("dead").arn}}
    place.rule(target, {"Arn": place.arn("sqs", "gone")})
    for n in range(5):
        place.put({"n": n})
    assert (len(pending(cloud)), len(failed(cloud)), left(cloud)[2]) == (5, 5, 5)
    reset(cloud, path)
    assert (pending(cloud), failed(cloud), left(cloud)) == ([], [], (0, 0, 0))
    dead = place.box("dead")
    cloud.advance(2 * 86_400)
    assert (dead.drain(), pending(cloud), failed(cloud)) == ([], [], [])


@everywhere
def test_what_went_to_log_groups_is_forgotten(cloud: Harness, place: Place, path: str) -> None:
    group = place.arn("logs", "log-group:/aws/events/orders")
    place.rule(group)
    place.put()
    assert len(log_events(cloud, group)) == 1
    reset(cloud, path)
    assert log_events(cloud, group) == []


@pytest.mark.one_door("a gate stays open that holds the work of one emulator")
@everywhere
def test_events_that_wait_to_be_matched_go_no_further(
    cloud: Harness, place: Place, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    monkeypatch.setattr("services.events.dispatch.SLICE", 1)
    monkeypatch.setattr("services.events.dispatch.breathe", gate.wait)
    place.rule(FUNCTION)
    place.put({"n": 1})
    place.put({"n": 2})
    assert [json.loads(record["body"])["detail"]["n"] for record in pending(cloud)] == [1]
    reset(cloud, path)
    box = place.box("one")
    place.rule(box)
    cloud.run(lambda _: gate.set())
    place.put({"n": 3})
    assert pending(cloud) == []
    assert [one["detail"]["n"] for one in events_of(box)] == [3]


@everywhere
def test_an_emulator_that_was_never_used_can_be_reset(cloud: Harness, place: Place, path: str) -> None:
    reset(cloud, path)
    reset(cloud, path)
    assert place.events.list_rules()["Rules"] == []


# What stays.


def test_a_reset_of_eventbridge_leaves_queues_topics_and_what_was_delivered(cloud: Harness, place: Place) -> None:
    box = place.box()
    place.rule(box)
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    event_id = place.put()
    reset(cloud, EVENTS_ONLY)
    assert [one["id"] for one in events_of(box)] == [event_id]
    assert [one["TopicArn"] for one in place.sns.list_topics()["Topics"]] == [topic]


def test_a_reset_of_eventbridge_leaves_the_deliveries_of_topics(cloud: Harness, place: Place) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    place.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION)
    place.rule(FUNCTION)
    place.put()
    place.sns.publish(TopicArn=topic, Message="x")
    assert len(pending(cloud)) == 2
    reset(cloud, EVENTS_ONLY)
    assert [record["source"] for record in pending(cloud)] == [topic]


def test_a_reset_of_the_queues_leaves_rules_and_targets(cloud: Harness, place: Place) -> None:
    place.rule(place.box())
    reset(cloud, "/_localstack/state/sqs/reset")
    place.put({"n": 1})
    assert failed(cloud)[0]["last_error"]["code"] == "AWS.SimpleQueueService.NonExistentQueue"
    box = place.box()
    place.put({"n": 2})
    assert [one["detail"]["n"] for one in events_of(box)] == [2]


# Two emulators.


def call(cloud: Harness, operation: str, request: dict[str, Any]) -> Any:
    """Call one emulator, whichever the clients of boto3 talk to."""
    headers = {
        **signed(ACCOUNT, REGION, "events"),
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"AWSEvents.{operation}",
    }
    answer = cloud.request(body=json.dumps(request).encode(), headers=headers)
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def test_two_emulators_share_nothing(cloud_with: Callable[..., Harness]) -> None:
    one, other = cloud_with(), cloud_with()
    for cloud in (one, other):
        call(cloud, "PutRule", {"Name": "rule", "EventPattern": SHOP})
        call(cloud, "PutTargets", {"Rule": "rule", "Targets": [{"Id": "0", "Arn": FUNCTION}]})
    call(one, "CreateEventBus", {"Name": "only-here"})
    call(one, "PutEvents", {"Entries": [{"Source": "shop", "DetailType": "x", "Detail": "{}"}]})
    assert [len(call(cloud, "ListEventBuses", {})["EventBuses"]) for cloud in (one, other)] == [2, 1]
    assert [len(pending(cloud)) for cloud in (one, other)] == [1, 0]
    reset(other, "/_eventyard/reset")
    assert [len(call(cloud, "ListRules", {})["Rules"]) for cloud in (one, other)] == [1, 0]
    assert [len(pending(cloud)) for cloud in (one, other)] == [1, 0]
