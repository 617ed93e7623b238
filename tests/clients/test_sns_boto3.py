"""An unmodified boto3, client and resource, publishes over a socket, and reads what has come from the subscribed queues."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.server import Server, environment
from tests.support.sns_publish_flow import envelope_of, listen, listen_raw, message_of, texts_of
from tests.support.sns_topics import NO_TOPIC, invalid, make_fifo_topic, make_topic, topic_arn
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text

KIBIBYTE = 1024


@pytest.fixture
def sns(server: Server) -> Iterator[Any]:
    """A boto3 client that talks to the server over a socket."""
    client = server.client("sns")
    yield client
    client.close()


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sqs: Any) -> Box:
    """A queue, not subscribed to anything."""
    return Box(sqs, "box")


# From a topic to its queues.


def test_an_envelope_has_the_keys_of_aws_in_their_order_and_the_values_of_the_publish(
    server: Server, sns: Any, topic: str, box: Box
) -> None:
    arn = listen(sns, topic, box)
    attributes = {"kind": text("mail"), "n": text("7", "Number"), "raw": binary(b"\0\xff")}
    sent = sns.publish(TopicArn=topic, Message="grüße 🎉\n", Subject="hello", MessageAttributes=attributes)
    envelope = envelope_of(box)
    assert list(envelope) == [
        "Type",
        "MessageId",
        "TopicArn",
        "Subject",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
        "UnsubscribeURL",
        "MessageAttributes",
    ]
    assert (envelope["Type"], envelope["MessageId"], envelope["TopicArn"]) == ("Notification", sent["MessageId"], topic)
    assert (envelope["Subject"], envelope["Message"]) == ("hello", "grüße 🎉\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["Timestamp"])
    assert envelope["UnsubscribeURL"] == f"{server.url}/?Action=Unsubscribe&SubscriptionArn={arn}"
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "mail"},
        "n": {"Type": "Number", "Value": "7"},
        "raw": {"Type": "Binary", "Value": "AP8="},
    }


def test_raw_delivery_hands_on_text_and_attributes_as_they_were_published(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    attributes = {"tags": text('["a","b"]', "String.Array"), "n": text("7", "Number"), "raw": binary(b"\0\xff")}
    sns.publish(TopicArn=topic, Message="grüße 🎉", MessageAttributes=attributes)
    message = message_of(box)
    assert (message["Body"], message["MessageAttributes"]) == ("grüße 🎉", attributes)


def test_a_filter_policy_on_attributes_chooses_who_gets_a_message(sns: Any, sqs: Any, topic: str) -> None:
    everything, mails, dear = (Box(sqs, name) for name in ("everything", "mails", "dear"))
    listen(sns, topic, everything)
    listen(sns, topic, mails, FilterPolicy='{"kind": ["mail"]}')
    listen(sns, topic, dear, FilterPolicy='{"price": [{"numeric": [">=", 100]}], "kind": [{"anything-but": "test"}]}')
    for message, kind, price in [("a", "mail", "5"), ("b", "order", "100.5"), ("c", "test", "1000")]:
        attributes = {"kind": text(kind), "price": text(price, "Number")}
        sns.publish(TopicArn=topic, Message=message, MessageAttributes=attributes)
    assert [sorted(texts_of(box)) for box in (everything, mails, dear)] == [["a", "b", "c"], ["a"], ["b"]]


def test_a_filter_policy_on_the_body_can_be_set_changed_and_taken_away(sns: Any, topic: str, box: Box) -> None:
    arn = listen(sns, topic, box, FilterPolicy='{"order": {"state": ["paid"]}}', FilterPolicyScope="MessageBody")

    def published(state: str) -> list[str]:
        sns.publish(TopicArn=topic, Message=json.dumps({"order": {"state": state}}))
        return [json.loads(message)["order"]["state"] for message in texts_of(box)]

    def choose(policy: str) -> None:
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=policy)

    assert (published("paid"), published("sent")) == (["paid"], [])
    choose('{"order": {"state": [{"prefix": "se"}]}}')
    assert (published("paid"), published("sent")) == ([], ["sent"])
    choose("{}")
    assert published("lost") == ["lost"]


def test_each_protocol_gets_its_own_text_of_a_message_that_has_several(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    sns.publish(TopicArn=topic, MessageStructure="json", Message='{"default": "for all", "sqs": "for queues"}')
    assert message_of(box)["Body"] == "for queues"


def test_a_publish_ends_the_long_poll_of_a_subscribed_queue(server: Server, sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    other, begun = server.client("sqs"), threading.Event()
    other.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: begun.set())
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(other.receive_message, QueueUrl=box.url, WaitTimeSeconds=20)
        assert begun.wait(10)
        server.turns()
        sns.publish(TopicArn=topic, Message="wake")
        [message] = poll.result(timeout=10)["Messages"]
    assert message["Body"] == "wake"


def test_a_message_crosses_accounts_and_regions(server: Server) -> None:
    theirs = server.client("sns", account="111122223333", region="eu-west-1")
    ours = Box(server.client("sqs", account="444455556666", region="ap-southeast-2"))
    topic = make_topic(theirs)
    assert topic == topic_arn("orders", "111122223333", "eu-west-1")
    # Whoever owns the queue may say yes without being asked.
    listen_raw(server.client("sns", account="444455556666", region="eu-west-1"), topic, ours)
    theirs.publish(TopicArn=topic, Message="far")
    assert message_of(ours)["Body"] == "far"
    assert ours.arn == "arn:aws:sqs:ap-southeast-2:444455556666:box"


def test_what_cannot_be_delivered_goes_to_the_subscription_s_dead_letter_queue(
    sns: Any, sqs: Any, topic: str, box: Box
) -> None:
    dead = Box(sqs, "dead")
    listen_raw(sns, topic, box, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    sqs.delete_queue(QueueUrl=box.url)
    sns.publish(TopicArn=topic, Message="lost", MessageAttributes={"kind": text("mail")})
    message = message_of(dead)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (message["Body"], attributes["kind"]) == ("lost", "mail")
    assert attributes["ErrorCode"] == "AWS.SimpleQueueService.NonExistentQueue"


# FIFO topics.


def test_a_fifo_topic_has_the_same_order_in_every_queue_and_drops_duplicates(sns: Any, sqs: Any) -> None:
    topic = make_fifo_topic(sns, ContentBasedDeduplication="true")
    boxes = [Box(sqs, "one.fifo"), Box(sqs, "two.fifo")]
    for box in boxes:
        listen_raw(sns, topic, box)
    words = ["a", "b", "b", "c", "d"]
    numbers = [sns.publish(TopicArn=topic, Message=word, MessageGroupId="g")["SequenceNumber"] for word in words]
    assert {len(number) for number in numbers} == {20}
    assert sorted(set(numbers)) == [numbers[0], numbers[1], numbers[3], numbers[4]]
    assert [box.bodies() for box in boxes] == [["a", "b", "c", "d"]] * 2


def test_the_envelope_of_a_fifo_topic_has_a_sequence_number_and_no_signature(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen(sns, topic, box)
    sent = sns.publish(TopicArn=topic, Message="x", MessageGroupId="g", MessageDeduplicationId="1")
    [message] = box.receive(MessageSystemAttributeNames=["All"])
    envelope = json.loads(message["Body"])
    assert list(envelope) == [
        "Type",
        "MessageId",
        "SequenceNumber",
        "TopicArn",
        "Message",
        "Timestamp",
        "UnsubscribeURL",
    ]
    assert envelope["SequenceNumber"] == sent["SequenceNumber"]
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["MessageDeduplicationId"] == "1"


# Batches.


def test_a_batch_answers_for_each_entry(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    entries = [
        {"Id": "a", "Message": "one", "MessageAttributes": {"n": text("1", "Number")}},
        {"Id": "b", "Message": ""},
        {"Id": "c", "Message": "three", "Subject": "third"},
    ]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    [failed] = answer["Failed"]
    assert failed == {
        "Id": "b",
        "Code": "InvalidParameter",
        "Message": "Invalid parameter: Empty message",
        "SenderFault": True,
    }
    assert sorted(box.bodies()) == ["one", "three"]


def test_a_batch_to_a_fifo_topic_keeps_its_order(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen_raw(sns, topic, box)
    entries = [
        {"Id": str(n), "Message": f"m{n}", "MessageGroupId": "g", "MessageDeduplicationId": str(n)} for n in range(10)
    ]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    numbers = [entry["SequenceNumber"] for entry in answer["Successful"]]
    assert numbers == sorted(set(numbers))
    assert box.bodies() == [f"m{n}" for n in range(10)]


# The resource.


def test_the_resource_makes_topics_subscribes_publishes_and_ends_subscriptions(server: Server, box: Box) -> None:
    sns = server.resource("sns")
    topic = sns.create_topic(Name="orders", Attributes={"DisplayName": "Orders"})
    assert topic.attributes["DisplayName"] == "Orders"
    subscription = topic.subscribe(Protocol="sqs", Endpoint=box.arn, Attributes={"RawMessageDelivery": "true"})
    assert subscription.attributes["Endpoint"] == box.arn
    assert [one.arn for one in topic.subscriptions.all()] == [one.arn for one in sns.subscriptions.all()]
    topic.publish(Message="one")
    assert box.bodies() == ["one"]
    subscription.delete()
    topic.publish(Message="two")
    assert (box.bodies(), list(topic.subscriptions.all())) == ([], [])
    topic.delete()
    assert list(sns.topics.all()) == []


def test_the_resource_pushes_to_an_endpoint_of_a_platform_application(server: Server) -> None:
    sns = server.resource("sns")
    app = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "secret"})
    phone = app.create_platform_endpoint(Token="token")
    assert (phone.attributes["Token"], phone.attributes["Enabled"]) == ("token", "true")
    sent = phone.publish(Message="ding")
    shown = server.request("GET", "/_aws/sns/platform-endpoint-messages")
    [message] = json.loads(shown.body)["platform_endpoint_messages"][phone.arn]
    assert (message["Message"], message["MessageId"]) == ("ding", sent["MessageId"])


# Large, many, and on one connection.


def test_a_mebibyte_goes_through_a_topic_that_allows_it(sns: Any, box: Box) -> None:
    topic = make_topic(sns, MaximumMessageSize=str(1024 * KIBIBYTE))
    listen_raw(sns, topic, box)
    message = "ä" * (512 * KIBIBYTE)
    sns.publish(TopicArn=topic, Message=message)
    assert box.bodies() == [message]


def test_a_byte_more_than_256_kibibytes_is_too_much_by_default(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    message = "x" * (256 * KIBIBYTE)
    assert error_of(sns.publish, TopicArn=topic, Message=message + "x") == invalid("Message too long")
    sns.publish(TopicArn=topic, Message=message)
    assert box.bodies() == [message]


def test_lists_are_paged_by_hundreds(sns: Any) -> None:
    made = {make_topic(sns, f"t{n}") for n in range(101)}
    pages = [page["Topics"] for page in sns.get_paginator("list_topics").paginate()]
    assert [len(page) for page in pages] == [100, 1]
    assert {topic["TopicArn"] for page in pages for topic in page} == made


def test_with_20_threads_every_queue_gets_every_message_once(server: Server, sqs: Any) -> None:
    client = server.client("sns", connections=20)
    topic = make_topic(client)
    boxes = [Box(sqs, f"box-{n}") for n in range(3)]
    for box in boxes:
        listen_raw(client, topic, box)

    def publish(thread: int) -> None:
        for n in range(10):
            client.publish(TopicArn=topic, Message=f"{thread}/{n}")

    with ThreadPoolExecutor(20) as pool:
        for work in [pool.submit(publish, thread) for thread in range(20)]:
            work.result(timeout=60)
    for box in boxes:
        assert Counter(box.drain()) == {f"{thread}/{n}": 1 for thread in range(20) for n in range(10)}


def test_one_connection_carries_all_calls_of_a_client_errors_and_empty_answers_included(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.client("sns")
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        topic = make_topic(client)
        for _ in range(3):
            client.publish(TopicArn=topic, Message="x")
            error_of(client.get_topic_attributes, TopicArn=topic_arn("none"))
        client.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="x")
        client.delete_topic(TopicArn=topic)
    opened = [line for line in caplog.messages if "connection" in line and ("Starting" in line or "Resetting" in line)]
    assert len(opened) == 1, opened


# Errors.


def test_errors_have_the_codes_and_the_exception_classes_of_the_model(sns: Any, topic: str) -> None:
    assert error_of(sns.publish, TopicArn=topic_arn("none"), Message="x") == NO_TOPIC
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn=topic_arn("none"), Message="x")
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.create_topic(Name="no spaces")
    with pytest.raises(sns.exceptions.ResourceNotFoundException):
        sns.list_tags_for_resource(ResourceArn=topic_arn("none"))
    with pytest.raises(sns.exceptions.InvalidParameterValueException):
        sns.publish(TopicArn=topic, Message="x", MessageAttributes={"a": text("x", "Odd")})
    with pytest.raises(sns.exceptions.BatchEntryIdsNotDistinctException):
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "x"}] * 2)


def test_accounts_and_regions_are_worlds_of_their_own(server: Server, sns: Any, topic: str) -> None:
    other = server.client("sns", account="111122223333", region="eu-central-1")
    assert other.list_topics()["Topics"] == []
    assert make_topic(other) == "arn:aws:sns:eu-central-1:111122223333:orders"
    assert [one["TopicArn"] for one in sns.list_topics()["Topics"]] == [topic]


# The words in the documentation.


def test_the_line_of_the_banner_is_all_that_a_boto3_program_needs(server: Server) -> None:
    [line] = [line for line in server.out if "export" in line]
    variables = dict(re.findall(r"(\w+)=(\S+)", line))
    files = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    done = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.client('sns').create_topic(Name='orders')['TopicArn'])"],
        env=environment(**files, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == f"{topic_arn('orders')}\n", done.stderr
