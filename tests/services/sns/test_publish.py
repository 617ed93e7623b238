"""Publish: who can be published to, texts, subjects, sizes, groups; what a publisher is answered, and what it is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import (
    KIBIBYTE,
    LARGEST_BYTES,
    MESSAGE_MAX_BYTES,
    envelope_of,
    envelopes,
    failures,
    form_call,
    listen,
    listen_raw,
    texts_of,
)
from tests.support.sns_subscriptions import queue_arn, subscribe
from tests.support.sns_topics import NO_TOPIC, invalid, make_fifo_topic, make_topic, null, set_topic, topic_arn
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text
from tests.support.sqs_wire import UUID, query_error, signed

NO_TARGET = invalid("TopicArn or TargetArn Reason: no value for required parameter")
TOO_LONG = invalid("Message too long")
NOT_FOR_STANDARD = invalid(
    "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"
)
BAD_SUBJECT = invalid("Subject")


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


# What a publisher is answered.


def test_a_publisher_is_answered_with_the_message_id_and_nothing_else(sns: Any, topic: str) -> None:
    answer = sns.publish(TopicArn=topic, Message="hello")
    del answer["ResponseMetadata"]
    assert re.fullmatch(UUID, answer.pop("MessageId"))
    assert answer == {}


def test_every_message_has_an_id_of_its_own_that_its_receivers_see(sns: Any, topic: str, box: Box) -> None:
    ids = [sns.publish(TopicArn=topic, Message="hello")["MessageId"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert [envelope["MessageId"] for envelope in envelopes(box)] == ids


def test_a_message_to_a_fifo_topic_is_answered_with_a_sequence_number_of_20_digits(sns: Any) -> None:
    topic = make_fifo_topic(sns)
    numbers = [
        sns.publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId=str(n))["SequenceNumber"]
        for n in range(3)
    ]
    assert {len(number) for number in numbers} == {20}
    assert numbers == sorted(set(numbers), key=int)


def test_a_topic_without_subscribers_takes_messages(cloud: Harness, sns: Any, topic: str) -> None:
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert failures(cloud) == []


def test_a_subscriber_gets_nothing_of_what_was_published_before(sns: Any, sqs: Any, topic: str) -> None:
    sns.publish(TopicArn=topic, Message="early")
    box = Box(sqs)
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message="late")
    assert texts_of(box) == ["late"]


def test_all_subscribers_get_a_message(sns: Any, sqs: Any, topic: str) -> None:
    boxes = [Box(sqs, f"box{n}") for n in range(5)]
    for box in boxes:
        listen(sns, topic, box)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert [envelope_of(box)["MessageId"] for box in boxes] == [message_id] * 5


@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_hundreds_of_subscribers_have_a_message_once_the_publisher_is_answered(
    cloud: Harness, sns: Any, topic: str, batch: bool
) -> None:
    numbers = [f"+1555{n:07}" for n in range(401)]
    for number in numbers:
        subscribe(sns, topic, "sms", number)
    if batch:
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "hello"}])
    else:
        sns.publish(TopicArn=topic, Message="hello")
    found = json.loads(cloud.request("GET", "/_aws/sns/sms-messages").body)["sms_messages"]
    assert sorted(found) == numbers
    assert {message["Message"] for messages in found.values() for message in messages} == {"hello"}
    assert {len(messages) for messages in found.values()} == {1}


def test_a_message_wakes_the_long_poll_that_waits_for_it(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    poll = box.poll(cloud)
    sns.publish(TopicArn=topic, Message="hello")
    assert len(poll.messages) == 1


def test_a_queue_s_delay_holds_for_what_a_topic_brings(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, DelaySeconds=30)
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message="hello")
    assert box.counts.delayed == 1
    cloud.advance(29.999)
    assert box.bodies() == []
    cloud.advance(0.001)
    assert texts_of(box) == ["hello"]


def test_a_subscriber_that_fails_is_no_matter_of_the_publisher_s(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    subscribe(sns, topic, "sqs", queue_arn("missing"))
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert texts_of(box) == ["hello"]
    ((target, code, _),) = failures(cloud)
    assert (target, code) == (queue_arn("missing"), "AWS.SimpleQueueService.NonExistentQueue")


# Who can be published to.


def test_a_target_can_be_a_topic(sns: Any, topic: str, box: Box) -> None:
    sns.publish(TargetArn=topic, Message="hello")
    assert texts_of(box) == ["hello"]


def test_a_message_needs_somebody_to_go_to(sns: Any) -> None:
    assert error_of(sns.publish, Message="hello") == NO_TARGET


@pytest.mark.parametrize("name", ["TopicArn", "TargetArn"])
def test_an_empty_arn_names_nobody(sns: Any, name: str) -> None:
    assert error_of(sns.publish, Message="hello", **{name: ""}) == NO_TARGET


@pytest.mark.parametrize(
    "names", [("TopicArn", "TargetArn"), ("TopicArn", "PhoneNumber"), ("TargetArn", "PhoneNumber")]
)
def test_a_message_goes_to_one_only(sns: Any, topic: str, box: Box, names: tuple[str, str]) -> None:
    targets = {"TopicArn": topic, "TargetArn": topic, "PhoneNumber": "+15550100"}
    seen = error_of(sns.publish, Message="hello", **{name: targets[name] for name in names})
    assert seen == invalid("TopicArn, TargetArn or PhoneNumber Reason: only one of them can be given")
    assert box.bodies() == []


def test_a_topic_that_is_not_there_is_not_found(sns: Any) -> None:
    assert error_of(sns.publish, TopicArn=topic_arn("none"), Message="hello") == NO_TOPIC
    assert error_of(sns.publish, TargetArn=topic_arn("none"), Message="hello") == NO_TOPIC


def test_a_deleted_topic_is_not_found(sns: Any, topic: str) -> None:
    sns.delete_topic(TopicArn=topic)
    assert error_of(sns.publish, TopicArn=topic, Message="hello") == NO_TOPIC


@pytest.mark.parametrize("name", ["TopicArn", "TargetArn"])
@pytest.mark.parametrize(("arn", "parts"), [("orders", 1), ("orders:1", 2), ("arn:aws:sns:us-east-1:orders", 5)])
def test_an_arn_has_at_least_6_parts(sns: Any, name: str, arn: str, parts: int) -> None:
    reason = f"{name} Reason: An ARN must have at least 6 elements, not {parts}"
    assert error_of(sns.publish, Message="hello", **{name: arn}) == invalid(reason)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:us-east-1:000000000000:orders",
        "arn:aws:sns:eu-west-1:000000000000:orders",
        "arn:aws:sns:us-east-1:me:orders",
        "a:b:c:d:e:f",
        "arn:aws:sns:us-east-1:000000000000:app/GCM/shop",
        "arn:aws:sns:us-east-1:000000000000:orders:6f2b1c3d-0000-4000-8000-0123456789ab",
    ],
    ids=["queue", "other region", "no account", "no arn", "application", "subscription"],
)
def test_only_a_topic_of_the_caller_s_region_can_be_published_to(sns: Any, topic: str, arn: str) -> None:
    assert error_of(sns.publish, TopicArn=arn, Message="hello") == invalid("TopicArn")


@pytest.mark.parametrize("resource", ["endpoint/GCM/shop/6f2b1c3d-0000-4000-8000-0123456789ab", "endpoint/APNS/shop/1"])
def test_an_endpoint_that_is_not_there_is_a_bad_parameter(sns: Any, resource: str) -> None:
    seen = error_of(sns.publish, TargetArn=topic_arn(resource), Message="hello")
    assert seen == invalid("TargetArn Reason: No endpoint found for the target arn specified")


def test_an_endpoint_is_no_topic(sns: Any) -> None:
    arn = topic_arn("endpoint/GCM/shop/6f2b1c3d-0000-4000-8000-0123456789ab")
    assert error_of(sns.publish, TopicArn=arn, Message="hello") == invalid("TopicArn")


# Texts.


@pytest.mark.parametrize(
    "message", [" ", "\n", "a\nb\tc\rd", '"quoted" \\ /', "Grüße, 世界 🎉", "<a>&amp;</a>", "0", "null"]
)
def test_a_text_arrives_as_it_was_published(sns: Any, topic: str, box: Box, message: str) -> None:
    sns.publish(TopicArn=topic, Message=message)
    assert texts_of(box) == [message]


def test_an_empty_message_is_refused(sns: Any, topic: str, box: Box) -> None:
    assert error_of(sns.publish, TopicArn=topic, Message="") == invalid("Empty message")
    assert box.bodies() == []


@pytest.mark.parametrize("target", [{"TopicArn": topic_arn()}, {"PhoneNumber": "+15550100"}, {}])
def test_a_message_must_be_there(cloud: Harness, topic: str, target: dict[str, str]) -> None:
    assert query_error(form_call(cloud, "Publish", target)) == null("message")


# Subjects.


@pytest.mark.parametrize("subject", ["a", "Order 7", "7 orders", "(new)", "!", "a" * 99, "a" * 100])
def test_a_subject_arrives_as_it_was_published(sns: Any, topic: str, box: Box, subject: str) -> None:
    sns.publish(TopicArn=topic, Message="hello", Subject=subject)
    assert envelope_of(box)["Subject"] == subject


@pytest.mark.parametrize(
    "subject",
    ["", "a" * 101, " a", "a\nb", "a\r\nb", "a\tb", "a\x7f", "Bestellung für 7", "🎉"],
    ids=["empty", "long", "space in front", "newline", "line break", "tab", "delete", "umlaut", "emoji"],
)
def test_a_subject_is_up_to_100_printable_ascii_characters(sns: Any, topic: str, box: Box, subject: str) -> None:
    assert error_of(sns.publish, TopicArn=topic, Message="hello", Subject=subject) == BAD_SUBJECT
    assert box.bodies() == []


# Sizes.


@pytest.mark.parametrize(
    ("attributes", "bytes_of_attributes"),
    [
        ({}, 0),
        ({"name": text("values")}, 4 + 6 + 6),
        ({"n": text("12345", "Number.int")}, 1 + 10 + 5),
        ({"ab": binary(b"1234")}, 2 + 6 + 4),
        ({"a": text("éé")}, 1 + 6 + 4),
        ({"a": text("x"), "b": text("y")}, 2 * (1 + 6 + 1)),
    ],
    ids=["none", "string", "label", "bytes", "two bytes a letter", "two attributes"],
)
def test_a_message_has_up_to_256_kib_names_types_and_values_of_attributes_included(
    sns: Any, topic: str, attributes: dict[str, Any], bytes_of_attributes: int
) -> None:
    largest = "x" * (MESSAGE_MAX_BYTES - bytes_of_attributes)
    assert sns.publish(TopicArn=topic, Message=largest, MessageAttributes=attributes)["MessageId"]
    assert error_of(sns.publish, TopicArn=topic, Message=largest + "x", MessageAttributes=attributes) == TOO_LONG


def test_a_size_is_counted_in_bytes_of_utf_8(sns: Any, topic: str) -> None:
    largest = "é" * (MESSAGE_MAX_BYTES // 2)
    assert sns.publish(TopicArn=topic, Message=largest)["MessageId"]
    assert error_of(sns.publish, TopicArn=topic, Message=largest + "x") == TOO_LONG


def test_a_subject_does_not_count(sns: Any, topic: str) -> None:
    assert sns.publish(TopicArn=topic, Message="x" * MESSAGE_MAX_BYTES, Subject="a" * 100)["MessageId"]


def test_the_largest_message_arrives_in_its_envelope(sns: Any, topic: str, box: Box) -> None:
    sns.publish(TopicArn=topic, Message="x" * MESSAGE_MAX_BYTES)
    assert texts_of(box) == ["x" * MESSAGE_MAX_BYTES]


@pytest.mark.parametrize("size", [KIBIBYTE, MESSAGE_MAX_BYTES - 1, MESSAGE_MAX_BYTES + 1, LARGEST_BYTES])
def test_a_topic_says_how_large_its_messages_can_be(sns: Any, size: int) -> None:
    topic = make_topic(sns, MaximumMessageSize=str(size))
    assert sns.publish(TopicArn=topic, Message="x" * size)["MessageId"]
    assert error_of(sns.publish, TopicArn=topic, Message="x" * (size + 1)) == TOO_LONG


def test_attributes_count_to_the_size_that_a_topic_says(sns: Any) -> None:
    topic = make_topic(sns, MaximumMessageSize="1024")
    attributes = {"name": text("values")}
    assert sns.publish(TopicArn=topic, Message="x" * 1008, MessageAttributes=attributes)["MessageId"]
    assert error_of(sns.publish, TopicArn=topic, Message="x" * 1009, MessageAttributes=attributes) == TOO_LONG


def test_a_changed_size_holds_for_the_next_message(sns: Any, topic: str) -> None:
    set_topic(sns, topic, "MaximumMessageSize", "1024")
    assert error_of(sns.publish, TopicArn=topic, Message="x" * 1025) == TOO_LONG
    set_topic(sns, topic, "MaximumMessageSize", "")
    assert sns.publish(TopicArn=topic, Message="x" * MESSAGE_MAX_BYTES)["MessageId"]


def test_a_message_of_one_mebibyte_arrives_raw(sns: Any, sqs: Any) -> None:
    topic, box = make_topic(sns, MaximumMessageSize=str(LARGEST_BYTES)), Box(sqs)
    listen_raw(sns, topic, box)
    sns.publish(TopicArn=topic, Message="é" * (LARGEST_BYTES // 2))
    assert box.bodies() == ["é" * (LARGEST_BYTES // 2)]


def test_a_message_that_does_not_fit_into_its_queue_fails_there(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, MaximumMessageSize=1024)
    listen_raw(sns, topic, box)
    sns.publish(TopicArn=topic, Message="x" * 1025)
    message = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    assert failures(cloud) == [(box.arn, "InvalidParameterValue", message)]


# Groups and deduplication ids.


def test_a_standard_topic_takes_a_group(sns: Any, topic: str) -> None:
    assert sns.publish(TopicArn=topic, Message="hello", MessageGroupId="tenant")["MessageId"]


def test_a_standard_topic_knows_no_duplicates(sns: Any, topic: str, box: Box) -> None:
    assert error_of(sns.publish, TopicArn=topic, Message="hello", MessageDeduplicationId="d") == NOT_FOR_STANDARD
    assert box.bodies() == []


@pytest.mark.parametrize("name", ["MessageGroupId", "MessageDeduplicationId"])
@pytest.mark.parametrize("value", ["a b", "é", "a" * 129, "a\n"], ids=["space", "umlaut", "long", "newline"])
def test_a_group_and_a_deduplication_id_have_up_to_128_letters_digits_and_punctuation(
    sns: Any, name: str, value: str
) -> None:
    topic = make_fifo_topic(sns)
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d", name: value}
    reason = f"{name} Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert error_of(sns.publish, TopicArn=topic, Message="hello", **ids) == invalid(reason)


def test_a_bad_group_is_refused_by_a_standard_topic_too(sns: Any, topic: str) -> None:
    reason = "MessageGroupId Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert error_of(sns.publish, TopicArn=topic, Message="hello", MessageGroupId="a b") == invalid(reason)


def test_a_fifo_topic_needs_a_group(sns: Any) -> None:
    topic = make_fifo_topic(sns, ContentBasedDeduplication="true")
    seen = error_of(sns.publish, TopicArn=topic, Message="hello")
    assert seen == invalid("The MessageGroupId parameter is required for FIFO topics")


def test_a_fifo_topic_needs_to_know_what_a_duplicate_is(sns: Any) -> None:
    topic = make_fifo_topic(sns)
    seen = error_of(sns.publish, TopicArn=topic, Message="hello", MessageGroupId="g")
    assert seen == invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


def test_a_refused_message_is_not_remembered_as_a_duplicate(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs)
    listen(sns, topic, box)
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    error_of(sns.publish, TopicArn=topic, Message="", **ids)
    sns.publish(TopicArn=topic, Message="hello", **ids)
    assert texts_of(box) == ["hello"]


# On the wire.


def test_a_message_can_be_published_with_a_get(cloud: Harness, topic: str, box: Box) -> None:
    query = f"Action=Publish&Version=2010-03-31&TopicArn={topic}&Message=hello+world"
    assert cloud.request("GET", "/", query=query, headers=signed(service="sns")).status == 200
    assert texts_of(box) == ["hello world"]


def test_a_message_that_is_not_utf_8_is_refused(cloud: Harness, topic: str, box: Box) -> None:
    body = f"Action=Publish&Version=2010-03-31&TopicArn={topic}&Message=%ff".encode()
    headers = {"content-type": "application/x-www-form-urlencoded", **signed(service="sns")}
    answer = cloud.request("POST", "/", body=body, headers=headers)
    assert query_error(answer)[0::2] == ("MalformedInput", 400)
    assert box.bodies() == []
