"""What targets are given: queues, topics, log groups, services that do not run here; the event itself or what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.events import dispatch
from tests.support.events_flow import (
    ACCOUNT,
    NOW,
    OTHER_ACCOUNT,
    OTHER_REGION,
    PLACES,
    REGION,
    SHOP,
    Place,
    dead_letter,
    event_of,
    events_of,
    log_events,
    new_entry,
)
from tests.support.harness import Harness
from tests.support.http_target import failed, pending
from tests.support.sns_publish_flow import envelope_of, listen, listen_raw, message_of
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import receive_one

ROLE = f"arn:aws:iam::{ACCOUNT}:role/events"
DETAIL = {"id": "i-1", "n": 7, "on": True, "none": None, "tags": ["a", "b"], "owner": {"name": "Ann"}}


@pytest.fixture
def place(cloud: Harness) -> Place:
    return Place(cloud)


@pytest.fixture
def box(place: Place) -> Box:
    return place.box()


# Queues.


@pytest.mark.parametrize(("account", "region"), PLACES)
def test_a_queue_gets_the_event_and_no_attributes(cloud: Harness, account: str, region: str) -> None:
    place = Place(cloud, account, region)
    box = place.box()
    place.rule(box)
    event_id = place.put({"n": 1})
    message = box.receive_one(MessageAttributeNames=["All"])
    assert json.loads(message["Body"])["id"] == event_id
    assert "MessageAttributes" not in message
    assert "MessageGroupId" not in message["Attributes"]


@pytest.mark.parametrize(
    ("account", "region"), [(OTHER_ACCOUNT, REGION), (ACCOUNT, OTHER_REGION)], ids=["account", "region"]
)
def test_a_queue_elsewhere_gets_the_event(cloud: Harness, place: Place, account: str, region: str) -> None:
    theirs = Place(cloud, account, region).box()
    place.rule(theirs)
    place.put()
    event = event_of(theirs)
    assert (event["account"], event["region"]) == (ACCOUNT, REGION)


def test_an_event_wakes_a_parked_long_poll(cloud: Harness, place: Place, box: Box) -> None:
    place.rule(box)
    poll = box.poll(cloud)
    event_id = place.put()
    assert [json.loads(body)["id"] for body in poll.bodies] == [event_id]


def test_the_delay_of_a_queue_holds_for_events(cloud: Harness, place: Place) -> None:
    slow = place.box("slow", DelaySeconds=30)
    place.rule(slow)
    place.put()
    cloud.advance(29.999)
    assert slow.drain() == []
    cloud.advance(0.001)
    assert len(slow.drain()) == 1


def test_a_fifo_queue_gets_the_group_of_its_target(place: Place) -> None:
    fifo = place.box("box.fifo")
    place.rule({"Arn": fifo.arn, "SqsParameters": {"MessageGroupId": "orders"}})
    place.put()
    assert fifo.receive_one()["Attributes"]["MessageGroupId"] == "orders"


def test_a_standard_queue_gets_the_group_too(place: Place, box: Box) -> None:
    place.rule({"Arn": box.arn, "SqsParameters": {"MessageGroupId": "tenant"}})
    place.put()
    assert box.receive_one()["Attributes"]["MessageGroupId"] == "tenant"


def test_a_fifo_queue_needs_deduplication_by_content(cloud: Harness, place: Place) -> None:
    fifo = place.box("box.fifo", ContentBasedDeduplication="false")
    place.rule({"Arn": fifo.arn, "SqsParameters": {"MessageGroupId": "orders"}})
    place.put()
    assert fifo.drain() == []
    [record] = failed(cloud)
    assert (record["state"], record["attempts"]) == ("failed", 1)
    assert "MessageDeduplicationId" in record["last_error"]["message"]


# Topics.


def test_a_topic_publishes_the_event_without_a_subject(place: Place, box: Box) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    listen(place.sns, topic, box)
    place.rule(topic)
    event_id = place.put(DETAIL)
    envelope = envelope_of(box)
    event = json.loads(envelope["Message"])
    assert (event["id"], event["detail"]) == (event_id, DETAIL)
    assert (envelope["TopicArn"], envelope["Type"]) == (topic, "Notification")
    assert not {"Subject", "MessageAttributes"} & set(envelope)


def test_a_filter_policy_on_the_body_sees_the_event(place: Place, box: Box) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    policy = json.dumps({"detail": {"n": [{"numeric": [">", 1]}]}})
    listen_raw(place.sns, topic, box, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    place.rule(topic)
    place.put_all(new_entry({"n": 1}), new_entry({"n": 2}))
    assert [one["detail"]["n"] for one in events_of(box)] == [2]


def test_a_trace_header_goes_on_through_a_topic(place: Place, box: Box) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    listen_raw(place.sns, topic, box)
    place.rule(topic)
    place.put(TraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    attributes = receive_one(place.sqs, box.url, MessageSystemAttributeNames=["AWSTraceHeader"])["Attributes"]
    assert attributes == {"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}


def test_a_topic_takes_256_kib_and_no_more(cloud: Harness, place: Place, box: Box) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    place.rule({"Arn": topic, "DeadLetterConfig": {"Arn": box.arn}})
    place.put({"x": "x" * 262_144})
    _, attributes = dead_letter(box)
    assert attributes["ERROR_CODE"] == "INVALID_PARAMETER"


# Log groups.


def test_a_log_group_keeps_the_event_at_the_event_s_time(cloud: Harness, place: Place) -> None:
    group = place.arn("logs", "log-group:/aws/events/orders")
    place.rule(group)
    event_id = place.put(DETAIL, Time="2020-01-02T03:04:05.678Z")
    [kept] = log_events(cloud, group)
    assert (kept["timestamp"], kept["eventId"]) == (1_577_934_245_000, event_id)
    event = json.loads(kept["message"])
    assert (event["id"], event["time"], event["detail"]) == (event_id, "2020-01-02T03:04:05Z", DETAIL)


def test_a_log_group_s_template_gives_its_time_and_its_message(cloud: Harness, place: Place) -> None:
    group = place.arn("logs", "log-group:/aws/events/orders")
    transformer = {
        "InputPathsMap": {"at": "$.detail.at", "id": "$.detail.id"},
        "InputTemplate": '{"timestamp": <at>, "message": "order <id>"}',
    }
    place.rule({"Arn": group, "InputTransformer": transformer})
    place.put({"at": 1_700_000_000_000, "id": "i-1"})
    [kept] = log_events(cloud, group)
    assert (kept["timestamp"], kept["message"]) == (1_700_000_000_000, "order i-1")


def test_log_events_are_in_the_order_of_their_coming(cloud: Harness, place: Place) -> None:
    group = place.arn("logs", "log-group:/aws/events/orders")
    place.rule(group)
    place.put_all(*[new_entry({"n": n}) for n in range(10)])
    assert [json.loads(one["message"])["detail"]["n"] for one in log_events(cloud, group)] == list(range(10))


# What does not run here.

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handle"
GENERIC: dict[str, dict[str, Any]] = {
    "lambda": {"Arn": FUNCTION},
    "states": {"Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:flow", "RoleArn": ROLE},
    "kinesis": {
        "Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/events",
        "RoleArn": ROLE,
        "KinesisParameters": {"PartitionKeyPath": "$.detail.id"},
    },
    "firehose": {"Arn": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/events", "RoleArn": ROLE},
    "ecs": {
        "Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main",
        "RoleArn": ROLE,
        "EcsParameters": {"TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/job:1"},
    },
    "batch": {
        "Arn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/main",
        "RoleArn": ROLE,
        "BatchParameters": {"JobDefinition": "job", "JobName": "run"},
    },
}


@pytest.mark.parametrize("service", GENERIC)
def test_a_service_that_does_not_run_here_is_recorded_with_its_final_input(
    cloud: Harness, place: Place, service: str
) -> None:
    transformer = {
        "InputPathsMap": {"id": "$.detail.id"},
        "InputTemplate": '{"order": <id>, "rule": <aws.events.rule-name>}',
    }
    rule = place.rule(GENERIC[service] | {"InputTransformer": transformer})
    event_id = place.put(DETAIL)
    [record] = pending(cloud)
    assert json.loads(record["body"]) == {"order": "i-1", "rule": "rule"}
    assert (record["state"], record["attempts"], record["message_id"]) == ("retrying", 1, event_id)
    assert (record["source"], record["subscriber"], record["target"]) == (rule, f"{rule}#0", GENERIC[service]["Arn"])
    message = f"Eventyard does not emulate {service}, so nothing can be delivered to {record['target']}"
    assert record["last_error"] == {"code": "ServiceNotEmulated", "message": message}


def test_without_a_transformer_the_final_input_is_the_event(cloud: Harness, place: Place) -> None:
    place.rule(FUNCTION)
    event_id = place.put(DETAIL)
    event = json.loads(pending(cloud)[0]["body"])
    assert (event["id"], event["detail"], event["time"]) == (event_id, DETAIL, NOW)


@pytest.mark.parametrize("service", ["lambda", "states", "ecs", "batch"])
def test_an_input_that_is_not_json_is_refused_by_what_needs_json(
    cloud: Harness, place: Place, box: Box, service: str
) -> None:
    transformer = {"InputPathsMap": {"name": "$.detail.name"}, "InputTemplate": '{"name": "<name>"}'}
    place.rule(GENERIC[service] | {"InputTransformer": transformer, "DeadLetterConfig": {"Arn": box.arn}})
    place.put({"name": 'the "big" one'})
    assert pending(cloud) == []
    body, attributes = dead_letter(box)
    assert (body["detail"], attributes["ERROR_CODE"]) == ({"name": 'the "big" one'}, "INVALID_JSON")
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


def test_an_input_that_is_not_json_is_text_for_a_queue(place: Place, box: Box) -> None:
    transformer = {"InputPathsMap": {"name": "$.detail.name"}, "InputTemplate": '{"name": "<name>"}'}
    place.rule({"Arn": box.arn, "InputTransformer": transformer})
    place.put({"name": 'the "big" one'})
    assert box.drain() == ['{"name": "the "big" one"}']


# Rules that are off, and what changes while events come.


def test_a_disabled_rule_delivers_nothing_until_it_is_enabled(place: Place, box: Box) -> None:
    place.rule(box)
    place.events.disable_rule(Name="rule")
    place.put({"n": 1})
    place.events.enable_rule(Name="rule")
    place.put({"n": 2})
    assert event_of(box)["detail"] == {"n": 2}


@pytest.mark.parametrize("state", ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
def test_both_states_that_are_on_deliver(place: Place, box: Box, state: str) -> None:
    place.events.put_rule(Name="rule", EventPattern=SHOP, State=state)
    place.events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": box.arn}])
    place.put()
    assert len(box.drain()) == 1


def test_a_rule_s_new_pattern_holds_at_once_and_its_targets_stay(place: Place, box: Box) -> None:
    place.rule(box)
    place.events.put_rule(Name="rule", EventPattern='{"detail": {"n": [2]}}')
    place.put_all(new_entry({"n": 1}), new_entry({"n": 2}))
    assert event_of(box)["detail"] == {"n": 2}


def test_every_rule_that_matches_delivers_to_every_target_of_it(place: Place) -> None:
    boxes = [place.box(f"box-{n}") for n in range(4)]
    place.rule(*boxes[:2], name="one")
    place.rule(*boxes[1:3], name="two", pattern='{"detail-type": ["Order"]}')
    place.rule(boxes[3], name="three", pattern='{"source": ["other"]}')
    place.put()
    assert [len(box.drain()) for box in boxes] == [1, 2, 1, 0]


def test_an_event_that_meets_a_bug_does_not_strand_those_behind_it(
    cloud: Harness, place: Place, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(emulator: Any, bus: Any, event: Any, _match: Any = dispatch.match) -> int:
        if event.document["detail"]["n"] in (1, 2):
            raise RuntimeError("a bug")
        found: int = _match(emulator, bus, event)
        return found

    monkeypatch.setattr("services.events.dispatch.match", breaking)
    place.rule(box)
    place.put_all(*[new_entry({"n": n}) for n in range(5)])
    assert [one["detail"]["n"] for one in events_of(box)] == [0, 3, 4]
    assert cloud.emulator.tasks.failed == 2
    cloud.emulator.tasks.failed = 0


# Input, InputPath, InputTransformer.


def delivered(place: Place, box: Box, detail: Any = None, **target: Any) -> str:
    """Deliver one event to a queue with an input of its own, and give what came."""
    place.rule({"Arn": box.arn, **target})
    place.put(DETAIL if detail is None else detail)
    [body] = box.drain()
    return body


@pytest.mark.parametrize("text", ['{"constant" : true}', '"quoted"', "7", "[1, 2]", "null"])
def test_an_input_is_sent_as_it_was_put(place: Place, box: Box, text: str) -> None:
    assert delivered(place, box, Input=text) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.detail", json.dumps(DETAIL, separators=(",", ":"))),
        ("$.detail.id", '"i-1"'),
        ("$.detail.n", "7"),
        ("$.detail.on", "true"),
        ("$.detail.none", "null"),
        ("$.detail.tags", '["a","b"]'),
        ("$.detail.tags[1]", '"b"'),
        ("$.detail.owner.name", '"Ann"'),
        ("$.detail-type", '"Order"'),
        ("$.source", '"shop"'),
        ("$.detail.nowhere", "null"),
    ],
)
def test_an_input_path_sends_a_part_as_json(place: Place, box: Box, path: str, text: str) -> None:
    assert delivered(place, box, InputPath=path) == text


def test_the_input_path_of_everything_is_the_event(place: Place, box: Box) -> None:
    assert json.loads(delivered(place, box, InputPath="$"))["detail"] == DETAIL


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('"order <id> of <n>"', '"order i-1 of 7"'),
        ('"one <id>"\n"two <n>"', '"one i-1"\n"two 7"'),
        ('{"id": <id>, "n": <n>, "on": <on>}', '{"id": "i-1", "n": 7, "on": true}'),
        ('{"id": "<id>", "n": "<n>"}', '{"id": "i-1", "n": "7"}'),
        ('{"tags": <tags>, "owner": <owner>}', '{"tags": ["a","b"], "owner": {"name":"Ann"}}'),
        ('"owner <owner>"', '"owner {name:Ann}"'),
        ('{"none": <none>}', '{"none": null}'),
        ('{"gone": "<gone>"}', '{"gone": ""}'),
        ('{"rule": <aws.events.rule-name>}', '{"rule": "rule"}'),
        ('"<aws.events.rule-arn>"', f'"arn:aws:events:{REGION}:{ACCOUNT}:rule/rule"'),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at": "2026-01-01T00:00:00.000Z"}'),
    ],
)
def test_a_template_is_filled_in(place: Place, box: Box, template: str, text: str) -> None:
    paths = {name: f"$.detail.{name}" for name in (*DETAIL, "gone")}
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    assert delivered(place, box, InputTransformer=transformer) == text


def test_the_reserved_events_are_with_and_without_the_detail(place: Place, box: Box) -> None:
    template = '{"head": <aws.events.event>, "all": <aws.events.event.json>}'
    filled = json.loads(delivered(place, box, InputTransformer={"InputTemplate": template}))
    assert filled["all"]["detail"] == DETAIL
    assert filled["head"] == {key: value for key, value in filled["all"].items() if key != "detail"}
    assert filled["all"]["time"] == NOW


def test_the_ingestion_time_is_when_the_event_came_and_not_its_own(cloud: Harness, place: Place, box: Box) -> None:
    cloud.advance(1.234)
    template = '{"came": <aws.events.event.ingestion-time>, "time": <time>}'
    transformer = {"InputPathsMap": {"time": "$.time"}, "InputTemplate": template}
    place.rule({"Arn": box.arn, "InputTransformer": transformer})
    place.put(Time="2020-01-01T00:00:00Z")
    assert json.loads(box.drain()[0]) == {"came": "2026-01-01T00:00:01.234Z", "time": "2020-01-01T00:00:00Z"}


def test_each_target_of_a_rule_has_its_own_input(place: Place) -> None:
    boxes = [place.box(f"box-{n}") for n in range(3)]
    place.rule(
        {"Arn": boxes[0].arn, "Input": '"constant"'},
        {"Arn": boxes[1].arn, "InputPath": "$.detail.id"},
        {"Arn": boxes[2].arn},
    )
    place.put(DETAIL)
    assert (boxes[0].drain(), boxes[1].drain()) == (['"constant"'], ['"i-1"'])
    assert event_of(boxes[2])["detail"] == DETAIL


def test_a_topic_s_message_is_the_transformed_text(place: Place, box: Box) -> None:
    topic = place.sns.create_topic(Name="orders")["TopicArn"]
    listen_raw(place.sns, topic, box)
    place.rule(
        {"Arn": topic, "InputTransformer": {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '"order <id>"'}}
    )
    place.put(DETAIL)
    assert message_of(box)["Body"] == '"order i-1"'
