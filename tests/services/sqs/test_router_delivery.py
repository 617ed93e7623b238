"""What the router brings to a queue comes in through the door of SendMessage: same checks, same delays, same wake-ups."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.router.router import Envelope, UndeliverableError
from tests.support.harness import Harness
from tests.support.sqs_messages import (
    BAD_CHARACTERS,
    MEBIBYTE,
    NO_QUEUE,
    binary,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    md5_of_attributes,
    receive,
    receive_one,
    text,
)

ORDERS = "arn:aws:sqs:us-east-1:000000000000:orders"
FIFO = ORDERS + ".fifo"
NO_DEDUPLICATION_ID = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
)
BAD_GROUP = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."


def deliver(cloud: Harness, arn: str, body: str = "x", **more: Any) -> None:
    cloud.run(lambda emulator: emulator.router.send(arn, Envelope(body, **more)))


def refusal(cloud: Harness, arn: str, body: str = "x", **more: Any) -> tuple[str, str]:
    """Deliver what must be refused, and see why."""
    with pytest.raises(UndeliverableError) as caught:
        deliver(cloud, arn, body, **more)
    assert caught.value.permanent
    return caught.value.code, caught.value.message


# Delivery.


def test_an_event_becomes_a_message(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    deliver(cloud, ORDERS, "hello", source_arn="arn:aws:sns:us-east-1:000000000000:topic")
    message = receive_one(sqs, url, MessageSystemAttributeNames=["All"])
    assert (message["Body"], message["MD5OfBody"]) == ("hello", md5_of("hello"))
    shown = message["Attributes"]
    assert re.fullmatch(r"A[A-Z0-9]{20}(:.+)?", shown.pop("SenderId"))
    assert shown == {
        "SentTimestamp": str(cloud.now_ms),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(cloud.now_ms),
    }


def test_attributes_trace_header_and_group_come_along(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    attributes = {"colour": text("blue"), "raw": binary(b"\x00")}
    deliver(cloud, ORDERS, attributes=attributes, trace_header="Root=1", group_id="tenant")
    names = ["AWSTraceHeader", "MessageGroupId"]
    message = receive_one(sqs, url, MessageAttributeNames=["All"], MessageSystemAttributeNames=names)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    assert message["Attributes"] == {"AWSTraceHeader": "Root=1", "MessageGroupId": "tenant"}


def test_an_event_goes_to_the_account_and_the_region_of_the_arn(cloud: Harness, sqs: Any) -> None:
    here = make_queue(sqs)
    there_client = cloud.client("sqs", account="111122223333", region="eu-west-1")
    there = make_queue(there_client)
    deliver(cloud, "arn:aws:sqs:eu-west-1:111122223333:orders", "there")
    assert counts(sqs, here) == (0, 0, 0)
    assert receive_one(there_client, there)["Body"] == "there"


def test_an_event_wakes_a_parked_long_poll_at_once(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    poll = cloud.background(receive, sqs=sqs, url=url, WaitTimeSeconds=20)
    assert not poll.done()
    deliver(cloud, ORDERS, "wake up")
    assert [message["Body"] for message in poll.result(timeout=20)] == ["wake up"]


def test_an_event_waits_for_the_delay_of_the_queue_and_then_wakes_a_long_poll(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, DelaySeconds="10")
    deliver(cloud, ORDERS, "later")
    assert counts(sqs, url) == (0, 0, 1)
    poll = cloud.background(receive, sqs=sqs, url=url, WaitTimeSeconds=20)
    cloud.advance(9.999)
    assert not poll.done()
    cloud.advance(0.001)
    assert [message["Body"] for message in poll.result(timeout=20)] == ["later"]


def test_events_expire_as_messages_do(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, MessageRetentionPeriod="60")
    deliver(cloud, ORDERS)
    cloud.advance(60)
    assert receive(sqs, url) == []


def test_the_largest_message_is_delivered(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    deliver(cloud, ORDERS, "x" * MEBIBYTE)
    assert counts(sqs, url) == (1, 0, 0)


# FIFO queues.


def test_events_of_a_group_keep_their_order_and_have_numbers(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    for n in range(3):
        deliver(cloud, FIFO, str(n), group_id="g", dedup_id=f"d{n}")
    messages = receive(sqs, url, MessageSystemAttributeNames=["All"])
    assert [message["Body"] for message in messages] == ["0", "1", "2"]
    assert [message["Attributes"]["MessageDeduplicationId"] for message in messages] == ["d0", "d1", "d2"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}
    numbers = [message["Attributes"]["SequenceNumber"] for message in messages]
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {20}


def test_a_duplicate_event_is_taken_and_goes_nowhere_for_five_minutes(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    deliver(cloud, FIFO, "first", group_id="g", dedup_id="d")
    cloud.advance(299.999)
    deliver(cloud, FIFO, "again", group_id="g", dedup_id="d")
    assert counts(sqs, url) == (1, 0, 0)
    cloud.advance(0.001)
    deliver(cloud, FIFO, "later", group_id="g", dedup_id="d")
    assert [message["Body"] for message in receive(sqs, url)] == ["first", "later"]


def test_events_and_messages_share_the_deduplication_window(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    sent = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    sqs.send_message(QueueUrl=url, MessageBody="sent", **sent)
    deliver(cloud, FIFO, "delivered", group_id="g", dedup_id="d")
    deliver(cloud, FIFO, "delivered", group_id="g", dedup_id="e")
    sqs.send_message(QueueUrl=url, MessageBody="sent", **{**sent, "MessageDeduplicationId": "e"})
    assert [message["Body"] for message in receive(sqs, url)] == ["sent", "delivered"]


def test_a_content_based_queue_tells_duplicates_by_their_body(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    for body, attributes in (("a", {}), ("a", {"colour": text("blue")}), ("b", {})):
        deliver(cloud, FIFO, body, group_id="g", attributes=attributes)
    assert [message["Body"] for message in receive(sqs, url)] == ["a", "b"]


def test_an_event_joins_a_locked_group_without_unlocking_it(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    deliver(cloud, FIFO, "1", group_id="g", dedup_id="1")
    handle = receive_one(sqs, url)["ReceiptHandle"]
    deliver(cloud, FIFO, "2", group_id="g", dedup_id="2")
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert receive_one(sqs, url)["Body"] == "2"


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"dedup_id": "d"}, "MissingParameter", "The request must contain the parameter MessageGroupId."),
        (
            {"group_id": "g"},
            "InvalidParameterValue",
            NO_DEDUPLICATION_ID,
        ),
        (
            {"group_id": "a b", "dedup_id": "d"},
            "InvalidParameterValue",
            f"Value a b for parameter MessageGroupId is invalid. Reason: {BAD_GROUP}",
        ),
    ],
    ids=["no group", "no deduplication id", "bad group"],
)
def test_a_fifo_queue_refuses_an_event_as_it_refuses_a_message(
    cloud: Harness, sqs: Any, more: dict[str, str], code: str, message: str
) -> None:
    url = make_fifo(sqs)
    assert refusal(cloud, FIFO, **more) == (code, message)
    assert counts(sqs, url) == (0, 0, 0)


# Refusals.


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:us-east-1:000000000000:none",
        "arn:aws:sqs:us-east-1:000000000000:Orders",
        "arn:aws:sqs:eu-west-1:000000000000:orders",
        "arn:aws:sqs:us-east-1:111122223333:orders",
        "arn:aws:sqs:::orders",
    ],
)
def test_a_missing_queue_cannot_be_delivered_to(cloud: Harness, sqs: Any, arn: str) -> None:
    url = make_queue(sqs)
    assert refusal(cloud, arn) == (NO_QUEUE, "The specified queue does not exist or you do not have access to it.")
    assert counts(sqs, url) == (0, 0, 0)


def test_a_deleted_queue_cannot_be_delivered_to(cloud: Harness, sqs: Any) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    assert refusal(cloud, ORDERS)[0] == NO_QUEUE


def test_delivering_to_queues_that_do_not_exist_leaves_nothing_behind(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    states = cloud.run(lambda emulator: len(list(emulator.storage.states("sqs"))))
    for number in range(100000000000, 100000000005):
        refusal(cloud, f"arn:aws:sqs:us-east-1:{number}:none")
    assert cloud.run(lambda emulator: len(list(emulator.storage.states("sqs")))) == states


@pytest.mark.parametrize(
    "arn",
    ["", "orders", "arn", "arn:aws:sqs", "arn:aws:sqs:us-east-1:000000000000", "arn:aws:sqs:us-east-1:000000000000:",
     "http://localhost:4566/000000000000/orders", "urn:aws:sqs:us-east-1:000000000000:orders", ":" * 10],
)  # fmt: skip
def test_what_is_no_arn_is_refused_as_such(cloud: Harness, sqs: Any, arn: str) -> None:
    make_queue(sqs)
    assert refusal(cloud, arn)[0] == "InvalidArn"


@pytest.mark.parametrize(
    ("service", "expected", "permanent"),
    [
        ("lambda", "ServiceNotEmulated", False),
        ("nonsense", "ServiceNotEmulated", False),
        ("sts", "UnsupportedTarget", True),
    ],
)
def test_a_service_that_takes_no_events_is_refused_by_name(
    cloud: Harness, service: str, expected: str, *, permanent: bool
) -> None:
    with pytest.raises(UndeliverableError) as caught:
        deliver(cloud, f"arn:aws:{service}:us-east-1:000000000000:x", "x")
    assert (caught.value.code, caught.value.permanent) == (expected, permanent)
    assert service in caught.value.message


@pytest.mark.parametrize(
    ("body", "attributes"), [("x" * 1025, {}), ("é" * 513, {}), ("x" * 1000, {"abc": text("x" * 16)})]
)
def test_what_is_too_large_for_the_queue_is_refused(
    cloud: Harness, sqs: Any, body: str, attributes: dict[str, Any]
) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    message = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    assert refusal(cloud, ORDERS, body, attributes=attributes) == ("InvalidParameterValue", message)
    assert counts(sqs, url) == (0, 0, 0)


def test_an_empty_body_is_refused(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    message = "The request must contain the parameter MessageBody."
    assert refusal(cloud, ORDERS, "") == ("MissingParameter", message)


@pytest.mark.parametrize("body", ["a\x00", "\ufffe", "half a pair: \ud800"], ids=ascii)
def test_characters_that_no_message_may_have_are_refused(cloud: Harness, sqs: Any, body: str) -> None:
    make_queue(sqs)
    assert refusal(cloud, ORDERS, body) == ("InvalidMessageContents", BAD_CHARACTERS)


def test_more_than_ten_attributes_are_refused(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    attributes = {f"a{n}": text("x") for n in range(11)}
    message = "Number of message attributes [11] exceeds the allowed maximum [10]."
    assert refusal(cloud, ORDERS, attributes=attributes) == ("InvalidParameterValue", message)


def test_a_bad_attribute_is_refused(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    assert refusal(cloud, ORDERS, attributes={"a": text("x", "Text")})[0] == "InvalidParameterValue"


def test_half_a_pair_in_an_attribute_is_refused(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    seen = refusal(cloud, ORDERS, attributes={"a": text("\ud800")})
    assert seen == ("InvalidMessageContents", BAD_CHARACTERS)


def test_a_refused_event_wakes_nobody(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    poll = cloud.background(receive, sqs=sqs, url=url, WaitTimeSeconds=1)
    refusal(cloud, ORDERS, "")
    assert cloud.parked == 1
    cloud.advance(1)
    assert poll.result(timeout=20) == []
