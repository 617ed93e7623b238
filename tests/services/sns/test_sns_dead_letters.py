"""Messages that SNS cannot deliver to queues, functions and streams: dead letters, retries on AWS's schedule, the record."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.http_target import failed, pending
from tests.support.sqs_flow import Box

ACCOUNT = "111122223333"
REGION = "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handler"
STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/events"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
NO_QUEUE_MESSAGE = "The specified queue does not exist or you do not have access to it."
REASONS = {"RequestID", "ErrorCode", "ErrorMessage"}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FIRST_DELAYS_MS = [
    0,
    0,
    0,
    1_000,
    1_000,
    1_000,
    1_037,
    1_112,
    1_260,
    1_558,
    2_153,
    3_342,
    5_722,
    10_481,
    20_000,
    20_000,
]
"""Three retries at once, two after a second, ten from 1 to 20 seconds by an exponential function, then every 20 seconds."""
ALL_DELAYS_S = 2_000_049.665
"""Of 100,015 retries: 23 days."""


@pytest.fixture
def sns(cloud: Harness) -> Any:
    return cloud.client("sns", account=ACCOUNT, region=REGION)


@pytest.fixture
def sqs(cloud: Harness) -> Any:
    return cloud.client("sqs", account=ACCOUNT, region=REGION)


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="orders")["TopicArn"]
    return arn


@pytest.fixture
def fifo(sns: Any) -> str:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    arn: str = sns.create_topic(Name="orders.fifo", Attributes=attributes)["TopicArn"]
    return arn


@pytest.fixture
def dead(sqs: Any) -> Box:
    return Box(sqs, "dead")


@pytest.fixture
def dead_fifo(sqs: Any) -> Box:
    return Box(sqs, "dead.fifo")


def redrive_to(box: Box) -> str:
    return json.dumps({"deadLetterTargetArn": box.arn})


def to_nowhere(sns: Any, topic: str, name: str = "gone", **attributes: str) -> str:
    """Subscribe a queue that is not there, as one that was deleted."""
    endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    answer = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    arn: str = answer["SubscriptionArn"]
    return arn


def to_box(sns: Any, topic: str, box: Box, **attributes: str) -> str:
    arn: str = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=box.arn, Attributes=attributes)["SubscriptionArn"]
    return arn


def letters(box: Box) -> list[dict[str, Any]]:
    """Receive all dead letters, with all that they have."""
    return box.receive(MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])


def letter(box: Box) -> dict[str, Any]:
    """Receive the only dead letter that there is."""
    (one,) = letters(box)
    return one


def reasons(message: dict[str, Any]) -> tuple[str, str]:
    """ErrorCode and ErrorMessage of a dead letter; the RequestID is checked."""
    attributes = message["MessageAttributes"]
    assert {attributes[name]["DataType"] for name in REASONS} == {"String"}
    assert re.fullmatch(UUID, attributes["RequestID"]["StringValue"])
    return attributes["ErrorCode"]["StringValue"], attributes["ErrorMessage"]["StringValue"]


def strings(count: int, prefix: str = "a") -> dict[str, Any]:
    return {f"{prefix}{number:02}": {"DataType": "String", "StringValue": f"{number}"} for number in range(count)}


# A queue that is not there.


def test_a_deleted_queue_is_a_client_error_and_dead_letters_at_once(
    cloud: Harness, sns: Any, sqs: Any, topic: str, dead: Box
) -> None:
    box = Box(sqs)
    arn = to_box(sns, topic, box, RedrivePolicy=redrive_to(dead))
    sqs.delete_queue(QueueUrl=box.url)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    one = letter(dead)
    assert set(one["MessageAttributes"]) == REASONS
    assert reasons(one) == (NO_QUEUE, NO_QUEUE_MESSAGE)
    body = json.loads(one["Body"])
    assert (body["Type"], body["MessageId"], body["Message"]) == ("Notification", message_id, "hello")
    assert body["UnsubscribeURL"].endswith(f"SubscriptionArn={arn}")
    (record,) = failed(cloud)
    assert (record["state"], record["attempts"], record["dead_letter_arn"]) == ("dead-lettered", 1, dead.arn)
    assert (record["message_id"], record["subscriber"]) == (message_id, arn)
    assert pending(cloud) == []


def test_a_dead_letter_is_what_would_have_been_delivered(sns: Any, sqs: Any, topic: str, dead: Box) -> None:
    box = Box(sqs)
    good = to_box(sns, topic, box)
    bad = to_nowhere(sns, topic, RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=strings(12))
    assert letter(dead)["Body"] == box.receive_one()["Body"].replace(good, bad)


def test_attributes_of_an_envelope_are_in_the_envelope_alone(sns: Any, topic: str, dead: Box) -> None:
    to_nowhere(sns, topic, RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=strings(1))
    one = letter(dead)
    assert set(one["MessageAttributes"]) == REASONS
    assert json.loads(one["Body"])["MessageAttributes"] == {"a00": {"Type": "String", "Value": "0"}}


def test_each_dead_letter_has_a_request_id_of_its_own(sns: Any, topic: str, dead: Box) -> None:
    for name in ("gone", "lost"):
        to_nowhere(sns, topic, name, RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello")
    assert len({one["MessageAttributes"]["RequestID"]["StringValue"] for one in letters(dead)}) == 2


def test_a_dead_letter_wakes_a_parked_long_poll(cloud: Harness, sns: Any, topic: str, dead: Box) -> None:
    to_nowhere(sns, topic, RedrivePolicy=redrive_to(dead))
    poll = cloud.background(dead.receive, WaitTimeSeconds=20)
    sns.publish(TopicArn=topic, Message="hello")
    assert len(poll.result(timeout=20)) == 1


def test_a_queue_that_is_too_small_for_the_message_dead_letters_it(sns: Any, sqs: Any, topic: str, dead: Box) -> None:
    to_box(sns, topic, Box(sqs, MaximumMessageSize=1_024), RawMessageDelivery="true", RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="x" * 1_025)
    one = letter(dead)
    code, message = reasons(one)
    assert (one["Body"], code) == ("x" * 1_025, "InvalidParameterValue")
    assert "1024 bytes" in message


def test_the_healthy_and_the_publisher_do_not_notice(sns: Any, sqs: Any, topic: str, dead: Box) -> None:
    box = Box(sqs)
    to_nowhere(sns, topic, "gone", RedrivePolicy=redrive_to(dead))
    to_box(sns, topic, box)
    to_nowhere(sns, topic, "lost")
    entries = [{"Id": name, "Message": name} for name in "abc"]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (len(answer["Successful"]), answer.get("Failed", [])) == (3, [])
    assert sorted(json.loads(body)["Message"] for body in box.bodies()) == ["a", "b", "c"]
    assert len(letters(dead)) == 3


# Without a place for dead letters.


def test_without_a_redrive_policy_a_failure_is_recorded(cloud: Harness, sns: Any, topic: str) -> None:
    to_nowhere(sns, topic)
    sns.publish(TopicArn=topic, Message="hello")
    (record,) = failed(cloud)
    assert (record["state"], record["attempts"]) == ("failed", 1)
    assert (record["dead_letter_arn"], record["dead_letter_error"]) == (None, None)
    assert record["last_error"] == {"code": NO_QUEUE, "message": NO_QUEUE_MESSAGE}
    assert json.loads(record["body"])["Message"] == "hello"


def test_a_dead_letter_queue_that_is_not_there_is_recorded(
    cloud: Harness, sns: Any, sqs: Any, topic: str, dead: Box
) -> None:
    to_nowhere(sns, topic, RedrivePolicy=redrive_to(dead))
    sqs.delete_queue(QueueUrl=dead.url)
    sns.publish(TopicArn=topic, Message="hello")
    (record,) = failed(cloud)
    assert (record["state"], record["dead_letter_arn"]) == ("failed", dead.arn)
    assert record["last_error"]["code"] == NO_QUEUE
    assert record["dead_letter_error"] == f"{NO_QUEUE}: {NO_QUEUE_MESSAGE}"


def test_a_redrive_policy_holds_while_it_is_set(cloud: Harness, sns: Any, topic: str, dead: Box) -> None:
    arn = to_nowhere(sns, topic)
    for number, policy in enumerate(["", redrive_to(dead), ""]):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy)
        sns.publish(TopicArn=topic, Message=f"{number}")
    assert json.loads(letter(dead)["Body"])["Message"] == "1"
    assert [record["state"] for record in failed(cloud)] == ["failed", "dead-lettered", "failed"]


# Raw.


def test_a_raw_dead_letter_has_the_message_s_attributes_too(sns: Any, topic: str, dead: Box) -> None:
    to_nowhere(sns, topic, RawMessageDelivery="true", RedrivePolicy=redrive_to(dead))
    attributes = {
        "colour": {"DataType": "String", "StringValue": "red"},
        "count": {"DataType": "Number", "StringValue": "15.0"},
        "sizes": {"DataType": "String.Array", "StringValue": '["S", "M"]'},
        "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)
    one = letter(dead)
    assert (one["Body"], reasons(one)) == ("hello", (NO_QUEUE, NO_QUEUE_MESSAGE))
    own = {name: value for name, value in one["MessageAttributes"].items() if name not in REASONS}
    assert own == attributes


@pytest.mark.parametrize(("given", "kept"), [(7, 7), (8, 7), (10, 7)])
def test_a_dead_letter_has_ten_attributes_at_most_the_reasons_first(
    sns: Any, topic: str, dead: Box, given: int, kept: int
) -> None:
    to_nowhere(sns, topic, RawMessageDelivery="true", RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=strings(given))
    one = letter(dead)
    assert set(one["MessageAttributes"]) == REASONS | set(strings(kept))


def test_the_reasons_go_before_attributes_of_their_names(sns: Any, topic: str, dead: Box) -> None:
    to_nowhere(sns, topic, RawMessageDelivery="true", RedrivePolicy=redrive_to(dead))
    mine = {"ErrorCode": {"DataType": "Number", "StringValue": "1"}}
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=mine)
    assert reasons(letter(dead)) == (NO_QUEUE, NO_QUEUE_MESSAGE)


def test_eleven_attributes_cannot_be_delivered_raw(cloud: Harness, sns: Any, sqs: Any, topic: str, dead: Box) -> None:
    box = Box(sqs)
    to_box(sns, topic, box, RawMessageDelivery="true", RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=strings(11))
    assert box.receive() == []
    one = letter(dead)
    code, message = reasons(one)
    assert (one["Body"], code) == ("hello", "InvalidParameterValue")
    assert "message attributes exceeds" in message
    assert set(one["MessageAttributes"]) == REASONS | set(strings(7))
    assert [(record["state"], record["attempts"]) for record in failed(cloud)] == [("dead-lettered", 1)]


# FIFO.


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_fifo_dead_letter_keeps_its_group_and_its_deduplication_id(
    sns: Any, fifo: str, dead_fifo: Box, raw: str
) -> None:
    to_nowhere(sns, fifo, "gone.fifo", RawMessageDelivery=raw, RedrivePolicy=redrive_to(dead_fifo))
    sns.publish(TopicArn=fifo, Message="hello", MessageGroupId="g", MessageDeduplicationId="d")
    one = letter(dead_fifo)
    assert (one["Attributes"]["MessageGroupId"], one["Attributes"]["MessageDeduplicationId"]) == ("g", "d")
    assert reasons(one) == (NO_QUEUE, NO_QUEUE_MESSAGE)


def test_a_fifo_dead_letter_of_a_message_without_an_id_has_that_of_its_content(
    sns: Any, fifo: str, dead_fifo: Box
) -> None:
    to_nowhere(sns, fifo, "gone.fifo", RedrivePolicy=redrive_to(dead_fifo))
    sns.publish(TopicArn=fifo, Message="hello", MessageGroupId="g")
    sha_256_of_hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert letter(dead_fifo)["Attributes"]["MessageDeduplicationId"] == sha_256_of_hello


def test_fifo_dead_letters_keep_their_order(sns: Any, fifo: str, dead_fifo: Box) -> None:
    to_nowhere(sns, fifo, "gone.fifo", RawMessageDelivery="true", RedrivePolicy=redrive_to(dead_fifo))
    for number in range(8):
        sns.publish(TopicArn=fifo, Message=f"{number}", MessageGroupId="g")
    assert dead_fifo.drain() == [f"{number}" for number in range(8)]


def test_a_standard_queue_of_a_fifo_topic_dead_letters_under_its_subscription_s_id(
    sns: Any, fifo: str, dead_fifo: Box
) -> None:
    arn = to_nowhere(sns, fifo, "gone", RawMessageDelivery="true", RedrivePolicy=redrive_to(dead_fifo))
    for number in range(3):
        sns.publish(TopicArn=fifo, Message=f"{number}", MessageGroupId=f"g{number}")
    found = letters(dead_fifo)
    assert [one["Body"] for one in found] == ["0", "1", "2"]
    assert {one["Attributes"]["MessageGroupId"] for one in found} == {arn.rpartition(":")[2]}


def test_a_group_of_a_standard_topic_is_not_in_the_dead_letter(sns: Any, topic: str, dead: Box) -> None:
    to_nowhere(sns, topic, RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello", MessageGroupId="g")
    assert "MessageGroupId" not in letter(dead)["Attributes"]


# What nobody can reach yet.


def subscribe_unreachable(sns: Any, topic: str, protocol: str, **attributes: str) -> str:
    """Subscribe a function or a stream."""
    if protocol == "firehose":
        attributes["SubscriptionRoleArn"] = ROLE
    endpoint = {"lambda": FUNCTION, "firehose": STREAM}[protocol]
    answer = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)
    arn: str = answer["SubscriptionArn"]
    return arn


def no_service(protocol: str) -> str:
    endpoint = {"lambda": FUNCTION, "firehose": STREAM}[protocol]
    return f"Eventyard does not emulate {protocol}, so nothing can be delivered to {endpoint}"


@pytest.mark.parametrize("protocol", ["lambda", "firehose"])
def test_what_cannot_be_reached_yet_is_recorded_with_the_reason(
    cloud: Harness, sns: Any, topic: str, protocol: str
) -> None:
    arn = subscribe_unreachable(sns, topic, protocol)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    (record,) = pending(cloud)
    assert (record["state"], record["attempts"]) == ("retrying", 1)
    assert (record["subscriber"], record["message_id"]) == (arn, message_id)
    assert record["last_error"] == {"code": "ServiceNotEmulated", "message": no_service(protocol)}


@pytest.mark.parametrize("protocol", ["lambda", "firehose"])
def test_retries_follow_aws_s_schedule(cloud: Harness, sns: Any, topic: str, protocol: str) -> None:
    subscribe_unreachable(sns, topic, protocol)
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    instants_ms = []
    while len(instants_ms) < len(FIRST_DELAYS_MS):
        attempts = pending(cloud)[0]["attempts"]
        next_ms = cloud.run(lambda emulator: emulator.clock.next_timer_ms())
        cloud.advance((next_ms - cloud.now_ms) / 1000)
        made = pending(cloud)[0]["attempts"] - attempts
        instants_ms += [cloud.now_ms - start_ms] * made
    assert instants_ms == list(accumulate(FIRST_DELAYS_MS))


def test_after_23_days_of_retries_there_is_a_dead_letter(cloud: Harness, sns: Any, topic: str, dead: Box) -> None:
    for protocol in ("lambda", "firehose"):
        subscribe_unreachable(sns, topic, protocol, RedrivePolicy=redrive_to(dead))
    sns.publish(TopicArn=topic, Message="hello")
    cloud.advance(ALL_DELAYS_S - 0.001)
    assert ([record["attempts"] for record in pending(cloud)], dead.receive()) == ([100_015] * 2, [])
    cloud.advance(0.001)
    bodies = {}
    for one in letters(dead):
        code, message = reasons(one)
        assert code == "ServiceNotEmulated"
        bodies[message] = json.loads(one["Body"])
    event, record = bodies[no_service("lambda")], bodies[no_service("firehose")]
    assert (event["Records"][0]["Sns"]["Message"], record["Message"]) == ("hello", "hello")
    states = [(record["state"], record["attempts"], record["ended"]) for record in failed(cloud)]
    assert states == [("dead-lettered", 100_016, "2026-01-24T03:34:09.665Z")] * 2
    assert pending(cloud) == []
