"""What the router brings to a topic comes in through the door of Publish: same checks, same envelopes, same filters."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from emulator.router.delivery import UndeliverableError
from emulator.router.router import Envelope
from tests.support.harness import Harness
from tests.support.sns_publish_flow import (
    MESSAGE_MAX_BYTES,
    envelope_of,
    envelopes,
    failures,
    listen,
    listen_raw,
    message_of,
    texts_of,
)
from tests.support.sns_subscriptions import queue_arn, subscribe
from tests.support.sns_topics import make_fifo_topic, make_topic, topic_arn
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text
from tests.support.sqs_wire import UUID

ALICE = "111122223333"
RULE = "arn:aws:events:us-east-1:000000000000:rule/orders"
IDS = {"group_id": "g", "dedup_id": "d"}
NOT_FOR_STANDARD = (
    "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
    "that is not valid for this topic type"
)
NO_TOPIC = ("NotFound", "Topic does not exist")


def deliver(cloud: Harness, arn: str, body: str = "hello", **more: Any) -> None:
    cloud.run(lambda emulator: emulator.router.send(arn, Envelope(body, source_arn=RULE, **more)))


def refusal(cloud: Harness, arn: str, body: str = "hello", **more: Any) -> tuple[str, str]:
    """Deliver what must be refused for good, and see why."""
    with pytest.raises(UndeliverableError) as caught:
        deliver(cloud, arn, body, **more)
    assert caught.value.permanent
    return caught.value.code, caught.value.message


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sns: Any, sqs: Any, topic: str) -> Box:
    """A queue that gets the topic's messages in envelopes."""
    box = Box(sqs)
    listen(sns, topic, box)
    return box


# Delivery.


def test_an_event_is_published(cloud: Harness, topic: str, box: Box) -> None:
    cloud.advance(1.5)
    deliver(cloud, topic, '{"order": 7}')
    envelope = envelope_of(box)
    assert re.fullmatch(UUID, envelope["MessageId"])
    assert (envelope["Type"], envelope["TopicArn"], envelope["Message"]) == ("Notification", topic, '{"order": 7}')
    assert envelope["Timestamp"] == "2026-01-01T00:00:01.500Z"
    assert envelope["UnsubscribeURL"].startswith("http://localhost:4566/?Action=Unsubscribe&SubscriptionArn=")
    assert not {"Subject", "MessageAttributes", "SequenceNumber"} & envelope.keys()


def test_subject_and_attributes_come_along(cloud: Harness, topic: str, box: Box) -> None:
    deliver(cloud, topic, subject="greeting", attributes={"a": text("x"), "b": binary(b"\x00")})
    envelope = envelope_of(box)
    assert envelope["Subject"] == "greeting"
    assert envelope["MessageAttributes"] == {
        "a": {"Type": "String", "Value": "x"},
        "b": {"Type": "Binary", "Value": "AA=="},
    }


def test_trace_header_and_group_come_along_to_a_raw_subscriber(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen_raw(sns, topic, box)
    deliver(cloud, topic, group_id="tenant", trace_header="Root=1", attributes={"a": text("x")})
    message = message_of(box)
    assert (message["Body"], message["MessageAttributes"]) == ("hello", {"a": text("x")})
    shown = message["Attributes"]
    assert (shown["MessageGroupId"], shown["AWSTraceHeader"]) == ("tenant", "Root=1")


def test_events_are_filtered_by_attributes_and_by_body(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    by_attributes, by_body = Box(sqs, "attributes"), Box(sqs, "body")
    policy = json.dumps({"colour": ["blue"]})
    listen(sns, topic, by_attributes, FilterPolicy=policy)
    listen(sns, topic, by_body, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    deliver(cloud, topic, "1", attributes={"colour": text("blue")})
    deliver(cloud, topic, '{"colour": "blue"}')
    assert texts_of(by_attributes) == ["1"]
    assert texts_of(by_body) == ['{"colour": "blue"}']


def test_a_document_is_text_and_never_a_text_for_each_protocol(cloud: Harness, topic: str, box: Box) -> None:
    document = json.dumps({"default": "all", "sqs": "queues"})
    deliver(cloud, topic, document)
    assert texts_of(box) == [document]


def test_an_event_goes_to_the_account_and_the_region_of_the_arn(cloud: Harness, topic: str, box: Box) -> None:
    where = {"account": ALICE, "region": "eu-west-1"}
    sns, there = cloud.client("sns", **where), Box(cloud.client("sqs", **where))
    arn = make_topic(sns)
    listen(sns, arn, there)
    deliver(cloud, arn, "there")
    assert texts_of(there) == ["there"]
    assert box.bodies() == []


def test_a_subscriber_that_fails_is_no_matter_of_the_sender_s(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    subscribe(sns, topic, "sqs", queue_arn("missing"))
    deliver(cloud, topic)
    assert texts_of(box) == ["hello"]
    assert [target for target, _, _ in failures(cloud)] == [queue_arn("missing")]


def test_an_event_to_a_topic_without_subscribers_is_taken(cloud: Harness, topic: str) -> None:
    deliver(cloud, topic)
    assert failures(cloud) == []


# FIFO topics.


def test_events_keep_their_order_and_get_sequence_numbers(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen(sns, topic, box)
    for n in range(3):
        deliver(cloud, topic, str(n), group_id="g", dedup_id=f"d{n}")
    found = envelopes(box)
    assert [envelope["Message"] for envelope in found] == ["0", "1", "2"]
    numbers = [envelope["SequenceNumber"] for envelope in found]
    assert numbers == sorted(set(numbers), key=int)


def test_a_duplicate_event_is_taken_and_goes_nowhere(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs)
    listen(sns, topic, box)
    deliver(cloud, topic, "first", **IDS)
    deliver(cloud, topic, "again", **IDS)
    sns.publish(TopicArn=topic, Message="published", MessageGroupId="g", MessageDeduplicationId="d")
    assert texts_of(box) == ["first"]


def test_a_content_based_topic_needs_no_deduplication_id(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns, ContentBasedDeduplication="true"), Box(sqs)
    listen(sns, topic, box)
    for body in ("a", "a", "b"):
        deliver(cloud, topic, body, group_id="g")
    assert texts_of(box) == ["a", "b"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({}, "The MessageGroupId parameter is required for FIFO topics"),
        ({"dedup_id": "d"}, "The MessageGroupId parameter is required for FIFO topics"),
        (
            {"group_id": "g"},
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        (
            {"group_id": "a b", "dedup_id": "d"},
            "MessageGroupId Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        ),
    ],
    ids=["neither", "no group", "no deduplication id", "bad group"],
)
def test_a_fifo_topic_refuses_an_event_as_it_refuses_a_message(
    cloud: Harness, sns: Any, ids: dict[str, str], message: str
) -> None:
    assert refusal(cloud, make_fifo_topic(sns), **ids) == ("InvalidParameter", f"Invalid parameter: {message}")


# Refusals.


@pytest.mark.parametrize(
    "arn",
    [
        topic_arn("none"),
        topic_arn("Orders"),
        topic_arn(region="eu-west-1"),
        topic_arn(account=ALICE),
        topic_arn() + ":6f2b1c3d-0000-4000-8000-0123456789ab",
        "arn:aws:sns:::orders",
    ],
    ids=["name", "letters' case", "region", "account", "subscription", "nowhere"],
)
def test_a_missing_topic_cannot_be_delivered_to(cloud: Harness, topic: str, box: Box, arn: str) -> None:
    assert refusal(cloud, arn) == NO_TOPIC
    assert box.bodies() == []


def test_a_deleted_topic_cannot_be_delivered_to(cloud: Harness, sns: Any, topic: str) -> None:
    sns.delete_topic(TopicArn=topic)
    assert refusal(cloud, topic) == NO_TOPIC


def test_delivering_to_topics_that_do_not_exist_leaves_nothing_behind(cloud: Harness, topic: str) -> None:
    before = cloud.run(lambda emulator: len(list(emulator.storage.states("sns"))))
    for number in range(100000000000, 100000000005):
        refusal(cloud, topic_arn(account=str(number)))
    assert cloud.run(lambda emulator: len(list(emulator.storage.states("sns")))) == before


@pytest.mark.parametrize(
    ("body", "more", "code", "message"),
    [
        ("", {}, "InvalidParameter", "Invalid parameter: Empty message"),
        ("m", {"subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        ("m", {"subject": "a" * 101}, "InvalidParameter", "Invalid parameter: Subject"),
        (
            "m",
            {"attributes": {"n": text("x", "Number")}},
            "ParameterValueInvalid",
            "Could not cast message attribute 'n' value to number.",
        ),
        (
            "m",
            {"attributes": {"s": text("\ud800")}},
            "ParameterValueInvalid",
            "Invalid attribute value was passed in for message attribute",
        ),
        (
            "m",
            {"dedup_id": "d"},
            "InvalidParameter",
            NOT_FOR_STANDARD,
        ),
        ("x" * (MESSAGE_MAX_BYTES + 1), {}, "InvalidParameter", "Invalid parameter: Message too long"),
    ],
    ids=["empty", "subject", "long subject", "number", "half a pair in an attribute", "deduplication id", "too long"],
)  # fmt: skip
def test_an_event_is_refused_as_a_message_is(
    cloud: Harness, topic: str, box: Box, body: str, more: dict[str, Any], code: str, message: str
) -> None:
    assert refusal(cloud, topic, body, **more) == (code, message)
    assert box.bodies() == []


def test_half_a_pair_in_the_body_is_refused(cloud: Harness, topic: str, box: Box) -> None:
    assert refusal(cloud, topic, "half \ud800")[0] == "InvalidParameter"
    assert box.bodies() == []


def test_the_topic_s_own_size_holds_attributes_included(cloud: Harness, sns: Any) -> None:
    topic = make_topic(sns, MaximumMessageSize="1024")
    attributes = {"name": text("values")}
    deliver(cloud, topic, "x" * 1008, attributes=attributes)
    seen = refusal(cloud, topic, "x" * 1009, attributes=attributes)
    assert seen == ("InvalidParameter", "Invalid parameter: Message too long")


def test_a_denied_event_is_refused(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    statement = {
        "DataDirection": "Inbound",
        "Principal": ["*"],
        "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
        "Operation": {"Deny": {}},
    }
    policy = {"Name": "pii", "Version": "2021-06-01", "Statement": [statement]}
    sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=json.dumps(policy))
    assert refusal(cloud, topic, "write to a@example.com")[0] == "AuthorizationError"
    assert box.bodies() == []


def test_a_refused_event_wakes_nobody(cloud: Harness, topic: str, box: Box) -> None:
    poll = box.poll(cloud, seconds=1)
    refusal(cloud, topic, "")
    assert cloud.parked == 1
    cloud.advance(1)
    assert poll.messages == []
