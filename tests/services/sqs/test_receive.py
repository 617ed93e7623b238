"""ReceiveMessage: the ranges of its parameters, what it answers, and which attributes it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import (
    NO_QUEUE,
    binary,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    receive,
    receive_one,
    text,
)
from tests.support.sqs_wire import json_call

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
SYSTEM_NAME_PARAMETERS = ["AttributeNames", "MessageSystemAttributeNames"]


def invalid(value: object, parameter: str, reason: str) -> tuple[str, str, int]:
    return "InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {reason}", 400


def send(sqs: Any, url: str, *bodies: str, **more: Any) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, **more)


# Ranges.


@pytest.mark.parametrize("count", [-1, 0, 11, 2**31])
def test_the_number_of_messages_lies_between_1_and_10(sqs: Any, count: int) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_queue(sqs), MaxNumberOfMessages=count)
    assert seen == invalid(count, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")


@pytest.mark.parametrize("wait_s", [-1, 21])
def test_the_wait_lies_between_0_and_20_seconds(sqs: Any, wait_s: int) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_queue(sqs), WaitTimeSeconds=wait_s)
    assert seen == invalid(wait_s, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")


@pytest.mark.parametrize("timeout_s", [-1, 43_201])
def test_the_visibility_timeout_lies_between_0_and_43200_seconds(sqs: Any, timeout_s: int) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_queue(sqs), VisibilityTimeout=timeout_s)
    assert seen == invalid(timeout_s, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")


@pytest.mark.parametrize(
    "options",
    [
        {"MaxNumberOfMessages": 1},
        {"MaxNumberOfMessages": 10},
        {"WaitTimeSeconds": 0},
        {"WaitTimeSeconds": 20},
        {"VisibilityTimeout": 0},
        {"VisibilityTimeout": 43_200},
    ],
    ids=str,
)
def test_the_ends_of_each_range_belong_to_it(sqs: Any, options: dict[str, int]) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    assert receive_one(sqs, url, **options)["Body"] == "x"


def test_a_refused_receive_takes_no_message(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    error_of(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    error_of(sqs.receive_message, QueueUrl=url, MessageSystemAttributeNames=["Nonsense"])
    assert counts(sqs, url) == (1, 0, 0)


def test_a_missing_queue_is_refused(sqs: Any) -> None:
    seen = error_of(sqs.receive_message, QueueUrl="http://localhost:4566/000000000000/none")
    assert seen == (NO_QUEUE, "The specified queue does not exist.", 400)


def test_a_missing_queue_is_told_at_once_and_not_after_the_wait(sqs: Any) -> None:
    seen = error_of(sqs.receive_message, QueueUrl="http://localhost:4566/000000000000/none", WaitTimeSeconds=20)
    assert seen.code == NO_QUEUE


def test_an_attempt_id_is_for_fifo_queues(sqs: Any) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_queue(sqs), ReceiveRequestAttemptId="a")
    reason = "The request includes a parameter that is not valid for this queue type."
    assert seen == invalid("a", "ReceiveRequestAttemptId", reason)


@pytest.mark.parametrize("attempt", ["a b", "x" * 129])
def test_an_attempt_id_has_128_alphanumeric_and_punctuation_characters(sqs: Any, attempt: str) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_fifo(sqs), ReceiveRequestAttemptId=attempt)
    reason = "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert seen == invalid(attempt, "ReceiveRequestAttemptId", reason)


# Answers.


def test_an_empty_receive_has_no_key_messages(cloud: Harness, sqs: Any) -> None:
    answer = json_call(cloud, "ReceiveMessage", {"QueueUrl": make_queue(sqs)})
    assert (answer.status, json.loads(answer.body)) == (200, {})


def test_a_message_has_just_its_four_keys_when_nothing_more_was_asked_for(sqs: Any) -> None:
    url = make_queue(sqs)
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes={"colour": text("blue")})
    message = receive_one(sqs, url)
    assert 0 < len(message.pop("ReceiptHandle")) <= 1024
    assert message == {"MessageId": sent["MessageId"], "MD5OfBody": md5_of("hello"), "Body": "hello"}


def test_one_message_is_the_default(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "1", "2")
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url)["Messages"]] == ["1"]


def test_at_most_as_many_as_asked_for_come_at_once_and_the_oldest_first(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, *"abcdefghijkl")
    assert [message["Body"] for message in receive(sqs, url, MaxNumberOfMessages=4)] == list("abcd")
    assert [message["Body"] for message in receive(sqs, url)] == list("efghijkl")


def test_all_messages_of_one_receive_have_handles_of_their_own(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, *"abcdefghij")
    assert len({message["ReceiptHandle"] for message in receive(sqs, url)}) == 10


def test_each_receive_of_a_message_has_a_new_handle(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    handles = {receive_one(sqs, url, VisibilityTimeout=0)["ReceiptHandle"] for _ in range(3)}
    assert len(handles) == 3


def test_a_visibility_timeout_of_0_leaves_the_message_visible(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    receive_one(sqs, url, VisibilityTimeout=0)
    assert counts(sqs, url) == (1, 0, 0)


def test_without_a_visibility_timeout_of_its_own_a_receive_has_the_queue_s(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="7")
    send(sqs, url, "x")
    receive_one(sqs, url)
    cloud.advance(6.999)
    assert receive(sqs, url) == []
    cloud.advance(0.001)
    receive_one(sqs, url, VisibilityTimeout=100)
    cloud.advance(99.999)
    assert receive(sqs, url) == []


def test_a_receive_without_a_wait_of_its_own_waits_as_long_as_the_queue_says(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, ReceiveMessageWaitTimeSeconds="5")
    poll = cloud.background(receive, sqs=sqs, url=url)
    assert not poll.done()
    cloud.advance(4.999)
    assert not poll.done()
    cloud.advance(0.001)
    assert poll.result(timeout=20) == []


def test_a_wait_of_0_beats_the_queue_s(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, ReceiveMessageWaitTimeSeconds="5")
    assert receive(sqs, url, WaitTimeSeconds=0) == []
    assert cloud.parked == 0


# System attributes.


@pytest.mark.parametrize("parameter", SYSTEM_NAME_PARAMETERS)
def test_all_means_every_system_attribute_that_a_standard_message_has(cloud: Harness, sqs: Any, parameter: str) -> None:
    url = make_queue(sqs)
    sent_ms = cloud.now_ms
    send(sqs, url, "x")
    cloud.advance(1.5)
    shown = receive_one(sqs, url, **{parameter: ["All"]})["Attributes"]
    assert shown.pop("SenderId").startswith("AIDA")
    assert shown == {
        "SentTimestamp": str(sent_ms),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(sent_ms + 1500),
    }


def test_all_means_those_of_a_fifo_message_too(cloud: Harness) -> None:
    sqs = cloud.client("sqs", account="111122223333", region="eu-west-1")
    url = make_fifo(sqs)
    trace = {"AWSTraceHeader": text(TRACE)}
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="x",
        MessageGroupId="g",
        MessageDeduplicationId="d",
        MessageSystemAttributes=trace,
    )
    shown = receive_one(sqs, url, MessageSystemAttributeNames=["All"])["Attributes"]
    assert shown.pop("SenderId").startswith("AIDA")
    assert shown == {
        "SentTimestamp": str(cloud.now_ms),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(cloud.now_ms),
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
        "SequenceNumber": sent["SequenceNumber"],
        "AWSTraceHeader": TRACE,
    }


@pytest.mark.parametrize(
    "name", ["SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]
)
@pytest.mark.parametrize("parameter", SYSTEM_NAME_PARAMETERS)
def test_one_system_attribute_can_be_asked_for_by_name(sqs: Any, parameter: str, name: str) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    assert list(receive_one(sqs, url, **{parameter: [name]})["Attributes"]) == [name]


def test_the_older_and_the_newer_parameter_add_up(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    old, new = ["SenderId", "SentTimestamp"], ["SentTimestamp", "ApproximateReceiveCount"]
    shown = receive_one(sqs, url, AttributeNames=old, MessageSystemAttributeNames=new)["Attributes"]
    assert set(shown) == {"SenderId", "SentTimestamp", "ApproximateReceiveCount"}


def test_all_beside_a_name_is_still_all(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    assert len(receive_one(sqs, url, AttributeNames=["SenderId", "All"])["Attributes"]) == 4


@pytest.mark.parametrize(
    "name", ["MessageGroupId", "MessageDeduplicationId", "SequenceNumber", "AWSTraceHeader", "DeadLetterQueueSourceArn"]
)
def test_there_is_no_key_attributes_when_the_message_has_none_of_those_asked_for(sqs: Any, name: str) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    assert "Attributes" not in receive_one(sqs, url, MessageSystemAttributeNames=[name])


@pytest.mark.parametrize("name", ["Nonsense", "all", "senderid", "QueueArn", "SenderId ", ""])
@pytest.mark.parametrize("parameter", SYSTEM_NAME_PARAMETERS)
def test_an_unknown_system_attribute_is_refused(sqs: Any, parameter: str, name: str) -> None:
    seen = error_of(sqs.receive_message, QueueUrl=make_queue(sqs), **{parameter: ["SenderId", name]})
    assert seen == ("InvalidAttributeName", f"Unknown Attribute {name}.", 400)


def test_receive_count_and_first_receive_go_on_over_the_receives(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    names = ["ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]
    first_ms = cloud.now_ms
    seen = []
    for _ in range(3):
        shown = receive_one(sqs, url, MessageSystemAttributeNames=names)["Attributes"]
        seen.append((shown["ApproximateReceiveCount"], shown["ApproximateFirstReceiveTimestamp"]))
        cloud.advance(30)
    assert seen == [("1", str(first_ms)), ("2", str(first_ms)), ("3", str(first_ms))]


def test_the_sender_is_the_sending_account_and_not_the_queue_s_owner(cloud: Harness) -> None:
    owner, other = (cloud.client("sqs", account=account) for account in ("111122223333", "444455556666"))
    url = make_queue(owner)
    for client in (owner, other, owner):
        send(client, url, "x")
    senders = [
        message["Attributes"]["SenderId"] for message in receive(owner, url, MessageSystemAttributeNames=["SenderId"])
    ]
    assert senders[0] == senders[2] != senders[1]


# Message attributes.

COLOURED = {
    "color": text("blue"),
    "col.a": text("1", "Number"),
    "col.b": binary(b"\x00"),
    "shape": text("round"),
    "Color": text("red"),
}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["All"], set(COLOURED)),
        ([".*"], set(COLOURED)),
        (["color"], {"color"}),
        (["color", "shape"], {"color", "shape"}),
        (["col.*"], {"color", "col.a", "col.b"}),
        (["col..*"], {"col.a", "col.b"}),
        (["color.*"], {"color"}),
        (["s.*", "Color"], {"shape", "Color"}),
        (["col.*", "color"], {"color", "col.a", "col.b"}),
        (["color", "missing"], {"color"}),
        (["missing", "All"], set(COLOURED)),
        (["color", "color"], {"color"}),
    ],
    ids=str,
)
def test_message_attributes_are_chosen_by_name_and_by_prefix(sqs: Any, names: list[str], shown: set[str]) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x", MessageAttributes=COLOURED)
    message = receive_one(sqs, url, MessageAttributeNames=names)
    assert message["MessageAttributes"] == {name: COLOURED[name] for name in shown}


@pytest.mark.parametrize("names", [[], ["missing"], ["missing.*"], ["COLOR"], ["all"], ["*"], ["olor"]], ids=str)
def test_there_is_no_key_for_message_attributes_when_none_matches(sqs: Any, names: list[str]) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x", MessageAttributes=COLOURED)
    message = receive_one(sqs, url, MessageAttributeNames=names)
    assert not {"MessageAttributes", "MD5OfMessageAttributes", "Attributes"} & set(message)


def test_a_message_without_attributes_has_no_key_for_them_whatever_was_asked_for(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    assert not {"MessageAttributes", "MD5OfMessageAttributes"} & set(
        receive_one(sqs, url, MessageAttributeNames=["All"])
    )


def test_each_message_of_one_receive_shows_its_own_attributes(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "1", MessageAttributes={"color": text("blue")})
    send(sqs, url, "2", MessageAttributes={"shape": text("round")})
    send(sqs, url, "3")
    shown = [message.get("MessageAttributes") for message in receive(sqs, url, MessageAttributeNames=["color"])]
    assert shown == [{"color": text("blue")}, None, None]


def test_system_and_message_attributes_are_chosen_apart_from_each_other(sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x", MessageAttributes={"SenderId": text("mine"), "color": text("blue")})
    message = receive_one(sqs, url, MessageAttributeNames=["SenderId"], MessageSystemAttributeNames=["SentTimestamp"])
    assert list(message["Attributes"]) == ["SentTimestamp"]
    assert message["MessageAttributes"] == {"SenderId": text("mine")}
