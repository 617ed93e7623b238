"""RawMessageDelivery: the bare text, with message attributes as the queue's own; more than a queue can take fails for good."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.sns_publish_flow import deliveries, envelope_of, failures, form_call, listen, listen_raw, message_of
from tests.support.sns_subscriptions import ROLE, STREAM, set_attribute, subscribe
from tests.support.sns_topics import make_fifo_topic, make_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, md5_of, md5_of_attributes, text

TOO_MANY = "The number of message attributes exceeds the limit of 10 that raw delivery to Amazon SQS has"
IDS = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sns: Any, sqs: Any, topic: str) -> Box:
    """A queue that gets the topic's messages raw."""
    box = Box(sqs)
    listen_raw(sns, topic, box)
    return box


def publish(sns: Any, topic: str, message: str = "hello", **more: Any) -> str:
    message_id: str = sns.publish(TopicArn=topic, Message=message, **more)["MessageId"]
    return message_id


def attributes(count: int) -> dict[str, Any]:
    return {f"a{n}": text(str(n)) for n in range(count)}


# What arrives.


@pytest.mark.parametrize(
    "message", ["hello", "{}", " \n", '"quoted"', "Grüße 🎉", "x" * 262_144], ids=lambda one: ascii(one[:8])
)
def test_the_body_is_the_message_and_nothing_else(sns: Any, topic: str, box: Box, message: str) -> None:
    publish(sns, topic, message)
    received = message_of(box)
    assert (received["Body"], received["MD5OfBody"]) == (message, md5_of(message))


def test_the_queue_gives_the_message_an_id_of_its_own(sns: Any, topic: str, box: Box) -> None:
    message_id = publish(sns, topic)
    assert message_of(box)["MessageId"] != message_id


def test_a_subject_is_lost(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, Subject="greeting")
    message = message_of(box)
    assert message["Body"] == "hello"
    assert "MessageAttributes" not in message


def test_attributes_become_the_queue_s_with_type_label_and_value(sns: Any, topic: str, box: Box) -> None:
    given = {
        "s": text("x"),
        "l": text("7", "Number.int"),
        "b": binary(bytes(range(256)), "Binary.png"),
        "a": text('["x", 1, null]', "String.Array"),
    }
    publish(sns, topic, MessageAttributes=given)
    message = message_of(box)
    assert message["MessageAttributes"] == given
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(given)


def test_the_trace_header_becomes_a_system_attribute(cloud: Harness, topic: str, box: Box) -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    fields = {"TopicArn": topic, "Message": "hello"}
    assert form_call(cloud, "Publish", fields, headers={"X-Amzn-Trace-Id": header}).status == 200
    assert message_of(box)["Attributes"]["AWSTraceHeader"] == header


def test_without_a_trace_header_there_is_no_system_attribute(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic)
    assert "AWSTraceHeader" not in message_of(box)["Attributes"]


def test_a_group_on_a_standard_topic_comes_along(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, MessageGroupId="tenant")
    assert message_of(box)["Attributes"]["MessageGroupId"] == "tenant"


def test_a_fifo_topic_s_raw_message_has_the_queue_s_sequence_number(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen_raw(sns, topic, box)
    topic_number = sns.publish(TopicArn=topic, Message="hello", **IDS)["SequenceNumber"]
    message = message_of(box)
    assert message["Body"] == "hello"
    assert message["Attributes"]["SequenceNumber"] != topic_number
    assert (message["Attributes"]["MessageGroupId"], message["Attributes"]["MessageDeduplicationId"]) == ("g", "d")


# Switching it on and off.


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_it_is_switched_on_in_any_letters(sns: Any, sqs: Any, topic: str, value: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box, RawMessageDelivery=value)
    publish(sns, topic)
    assert box.bodies() == ["hello"]


@pytest.mark.parametrize("given", [{}, {"RawMessageDelivery": "false"}, {"RawMessageDelivery": "False"}], ids=str)
def test_it_is_off_unless_it_is_asked_for(sns: Any, sqs: Any, topic: str, given: dict[str, str]) -> None:
    box = Box(sqs)
    listen(sns, topic, box, **given)
    publish(sns, topic)
    assert envelope_of(box)["Message"] == "hello"


def test_a_change_holds_for_the_next_message(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, "box")
    arn = listen(sns, topic, box)
    set_attribute(sns, arn, "RawMessageDelivery", "true")
    publish(sns, topic)
    assert box.bodies() == ["hello"]
    set_attribute(sns, arn, "RawMessageDelivery", "false")
    publish(sns, topic, "again")
    assert envelope_of(box)["Message"] == "again"


def test_raw_and_enveloped_subscribers_of_one_topic_get_each_its_form(sns: Any, sqs: Any, topic: str, box: Box) -> None:
    other = Box(sqs, "other")
    listen(sns, topic, other)
    message_id = publish(sns, topic, MessageAttributes={"a": text("x")})
    raw, envelope = message_of(box), envelope_of(other)
    assert (raw["Body"], raw["MessageAttributes"]) == ("hello", {"a": text("x")})
    assert (envelope["MessageId"], envelope["MessageAttributes"]) == (
        message_id,
        {"a": {"Type": "String", "Value": "x"}},
    )


def test_a_stream_gets_the_bare_text(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE, RawMessageDelivery="true")
    publish(sns, topic, MessageAttributes=attributes(20))
    (delivery,) = deliveries(cloud)["pending"]
    assert delivery["body"] == "hello"


# More than a queue can take.


def test_ten_attributes_arrive(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, MessageAttributes=attributes(10))
    assert message_of(box)["MessageAttributes"] == attributes(10)


def test_more_than_ten_attributes_are_never_delivered(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, MessageAttributes=attributes(11))
    assert failures(cloud) == [(box.arn, "InvalidParameterValue", TOO_MANY)]
    cloud.advance(3600)
    assert box.counts == (0, 0, 0)


def test_more_than_ten_attributes_are_a_matter_of_the_raw_subscriber_alone(
    sns: Any, sqs: Any, topic: str, box: Box
) -> None:
    other = Box(sqs, "other")
    listen(sns, topic, other)
    publish(sns, topic, MessageAttributes=attributes(11))
    assert len(envelope_of(other)["MessageAttributes"]) == 11
    assert box.bodies() == []


def test_the_next_message_with_fewer_attributes_arrives(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, "too many", MessageAttributes=attributes(11))
    publish(sns, topic, "good", MessageAttributes=attributes(1))
    assert box.bodies() == ["good"]


def test_more_than_ten_attributes_go_to_the_dead_letter_queue_at_once(sns: Any, sqs: Any, topic: str) -> None:
    box, dead = Box(sqs), Box(sqs, "dead")
    listen_raw(sns, topic, box, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    publish(sns, topic, MessageAttributes=attributes(11))
    letter = message_of(dead)
    assert letter["Body"] == "hello"
    shown = letter["MessageAttributes"]
    assert len(shown) == 10
    assert shown["ErrorCode"] == text("InvalidParameterValue")
    assert shown["ErrorMessage"] == text(TOO_MANY)


def test_more_than_ten_attributes_do_not_hold_up_a_fifo_subscriber(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns, ContentBasedDeduplication="true"), Box(sqs, "box.fifo")
    listen_raw(sns, topic, box)
    publish(sns, topic, "too many", MessageGroupId="g", MessageAttributes=attributes(11))
    publish(sns, topic, "good", MessageGroupId="g")
    assert box.bodies() == ["good"]
    assert [code for _, code, _ in failures(cloud)] == ["InvalidParameterValue"]


@pytest.mark.parametrize("message", ["a\x00b", "\x1b[1m", "\ufffe"], ids=ascii)
def test_characters_that_no_queue_takes_fail_raw(cloud: Harness, sns: Any, topic: str, box: Box, message: str) -> None:
    publish(sns, topic, message)
    ((target, code, _),) = failures(cloud)
    assert (target, code) == (box.arn, "InvalidMessageContents")
    assert box.bodies() == []


@pytest.mark.parametrize("message", ["a\x00b", "\x1b[1m"], ids=ascii)
def test_control_characters_arrive_in_an_envelope(sns: Any, sqs: Any, topic: str, message: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box)
    publish(sns, topic, message)
    assert envelope_of(box)["Message"] == message
