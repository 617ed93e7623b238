"""What subscribers get around a message: the envelope to the blank, that of FIFO topics, Lambda's event, Firehose's record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.sns_publish_flow import (
    deliveries,
    envelope_of,
    form_call,
    listen,
    message_of,
    waiting_body,
)
from tests.support.sns_subscriptions import FUNCTION, MAIL, ROLE, STREAM, mails, subscribe, token_of
from tests.support.sns_topics import make_fifo_topic, make_topic, set_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text

HERE = "http://localhost:4566"
KEYS = ["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
        "UnsubscribeURL", "MessageAttributes"]  # fmt: skip
FIFO_KEYS = ["Type", "MessageId", "SequenceNumber", "TopicArn", "Subject", "Message", "Timestamp", "UnsubscribeURL",
             "MessageAttributes"]  # fmt: skip
LAMBDA_KEYS = ["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertUrl",
               "UnsubscribeUrl", "MessageAttributes"]  # fmt: skip
FIREHOSE_KEYS = [
    "Type",
    "MessageId",
    "TopicArn",
    "Subject",
    "Message",
    "UnsubscribeURL",
    "Timestamp",
    "MessageAttributes",
]
CONFIRMATION_KEYS = ["Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp", "SignatureVersion", "Signature",
                     "SigningCertURL"]  # fmt: skip
ATTRIBUTES = {
    "colour": text("blue"),
    "size": text("7", "Number"),
    "raw": binary(b"\x00\xff"),
    "list": text('["a"]', "String.Array"),
}
SHOWN = {
    "colour": {"Type": "String", "Value": "blue"},
    "size": {"Type": "Number", "Value": "7"},
    "raw": {"Type": "Binary", "Value": "AP8="},
    "list": {"Type": "String.Array", "Value": '["a"]'},
}
EVERYTHING: dict[str, Any] = {"Message": "hello", "Subject": "greeting", "MessageAttributes": ATTRIBUTES}
IDS = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def fifo(sns: Any) -> str:
    """A FIFO topic."""
    return make_fifo_topic(sns)


@pytest.fixture
def box(sqs: Any) -> Box:
    """A queue that nobody sends to yet."""
    return Box(sqs)


def unsubscribe_url(arn: str, base_url: str = HERE) -> str:
    return f"{base_url}/?Action=Unsubscribe&SubscriptionArn={arn}"


# The envelope.


def test_the_smallest_envelope_to_the_blank(sns: Any, topic: str, box: Box) -> None:
    subscription = listen(sns, topic, box)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    body = message_of(box)["Body"]
    seen = json.loads(body)
    assert body == (
        "{\n"
        '  "Type" : "Notification",\n'
        f'  "MessageId" : "{message_id}",\n'
        f'  "TopicArn" : "{topic}",\n'
        '  "Message" : "hello",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.000Z",\n'
        '  "SignatureVersion" : "1",\n'
        f'  "Signature" : "{seen["Signature"]}",\n'
        f'  "SigningCertURL" : "{seen["SigningCertURL"]}",\n'
        f'  "UnsubscribeURL" : "{unsubscribe_url(subscription)}"\n'
        "}"
    )


def test_an_envelope_with_everything_to_the_blank(sns: Any, topic: str, box: Box) -> None:
    subscription = listen(sns, topic, box)
    message_id = sns.publish(TopicArn=topic, **EVERYTHING)["MessageId"]
    body = message_of(box)["Body"]
    seen = json.loads(body)
    assert body == (
        "{\n"
        '  "Type" : "Notification",\n'
        f'  "MessageId" : "{message_id}",\n'
        f'  "TopicArn" : "{topic}",\n'
        '  "Subject" : "greeting",\n'
        '  "Message" : "hello",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.000Z",\n'
        '  "SignatureVersion" : "1",\n'
        f'  "Signature" : "{seen["Signature"]}",\n'
        f'  "SigningCertURL" : "{seen["SigningCertURL"]}",\n'
        f'  "UnsubscribeURL" : "{unsubscribe_url(subscription)}",\n'
        '  "MessageAttributes" : {\n'
        '    "colour" : {"Type":"String","Value":"blue"},\n'
        '    "size" : {"Type":"Number","Value":"7"},\n'
        '    "raw" : {"Type":"Binary","Value":"AP8="},\n'
        '    "list" : {"Type":"String.Array","Value":"[\\"a\\"]"}\n'
        "  }\n"
        "}"
    )


def test_text_in_an_envelope_is_escaped_as_json_asks_and_no_further(sns: Any, topic: str, box: Box) -> None:
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message='a"b\\c/d\n\t\x01ü世🎉<&>\u2028', Subject='"\\')
    lines = message_of(box)["Body"].split("\n")
    assert '  "Subject" : "\\"\\\\",' in lines
    assert '  "Message" : "a\\"b\\\\c/d\\n\\t\\u0001ü世🎉<&>\u2028",' in lines


def test_a_subject_that_is_not_there_is_no_member_and_not_null(sns: Any, topic: str, box: Box) -> None:
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message="hello")
    assert list(envelope_of(box)) == [key for key in KEYS if key not in ("Subject", "MessageAttributes")]


def test_an_envelope_brings_no_message_attributes_into_the_queue(sns: Any, topic: str, box: Box) -> None:
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, **EVERYTHING)
    message = message_of(box)
    assert "MessageAttributes" not in message
    assert json.loads(message["Body"])["MessageAttributes"] == SHOWN


def test_a_timestamp_is_that_of_the_publish_to_the_millisecond(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, DelaySeconds=10)
    listen(sns, topic, box)
    cloud.advance(3661.007)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.advance(10)
    assert envelope_of(box)["Timestamp"] == "2026-01-01T01:01:01.007Z"


def test_each_subscriber_gets_its_own_unsubscribe_url_and_all_else_alike(sns: Any, sqs: Any, topic: str) -> None:
    boxes = [Box(sqs, name) for name in ("one", "two")]
    arns = [listen(sns, topic, box) for box in boxes]
    sns.publish(TopicArn=topic, **EVERYTHING)
    seen = [envelope_of(box) for box in boxes]
    assert [envelope.pop("UnsubscribeURL") for envelope in seen] == [unsubscribe_url(arn) for arn in arns]
    assert seen[0] == seen[1]


def test_the_unsubscribe_url_of_a_queue_needs_a_signature(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message="hello")
    query = envelope_of(box)["UnsubscribeURL"].partition("?")[2]
    assert cloud.request("GET", "/", query=query).status == 403
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


# Where the URLs lead.


def test_urls_start_with_the_address_by_which_the_publisher_reached_us(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    arn = listen(sns, topic, box)
    form_call(cloud, "Publish", {"TopicArn": topic, "Message": "hello"}, headers={"host": "eventyard:4570"})
    envelope = envelope_of(box)
    assert envelope["UnsubscribeURL"] == unsubscribe_url(arn, "http://eventyard:4570")
    assert envelope["SigningCertURL"].startswith("http://eventyard:4570/_aws/sns/SimpleNotificationService-")


def test_urls_are_https_behind_a_proxy_that_speaks_it(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    arn = listen(sns, topic, box)
    headers = {"host": "aws.example.com", "x-forwarded-proto": "https"}
    form_call(cloud, "Publish", {"TopicArn": topic, "Message": "hello"}, headers=headers)
    envelope = envelope_of(box)
    assert envelope["UnsubscribeURL"] == unsubscribe_url(arn, "https://aws.example.com")
    assert envelope["SigningCertURL"].startswith("https://aws.example.com/_aws/sns/")


def test_urls_name_the_public_host_where_one_is_set(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(public_host="events.local:80")
    sns, box = cloud.client("sns"), Box(cloud.client("sqs"))
    topic = make_topic(sns)
    arn = listen(sns, topic, box)
    sns.publish(TopicArn=topic, Message="hello")
    envelope = envelope_of(box)
    assert envelope["UnsubscribeURL"] == unsubscribe_url(arn, "http://events.local:80")
    assert envelope["SigningCertURL"].startswith("http://events.local:80/_aws/sns/")


@pytest.mark.parametrize("topic", ["orders", "orders.fifo"])
def test_an_envelope_is_json_whatever_host_the_publisher_names(cloud: Harness, sns: Any, box: Box, topic: str) -> None:
    arn = make_fifo_topic(sns) if topic.endswith(".fifo") else make_topic(sns)
    listen(sns, arn, box)
    fields = {"TopicArn": arn, "Message": "hello", **(IDS if topic.endswith(".fifo") else {})}
    form_call(cloud, "Publish", fields, headers={"host": 'a"b\\c'})
    assert envelope_of(box)["UnsubscribeURL"].startswith('http://a"b\\c/?Action=Unsubscribe&')


# FIFO topics.


def test_the_smallest_fifo_envelope_to_the_blank(sns: Any, fifo: str, box: Box) -> None:
    subscription = listen(sns, fifo, box)
    answer = sns.publish(TopicArn=fifo, Message="hello", **IDS)
    assert message_of(box)["Body"] == (
        "{\n"
        '  "Type" : "Notification",\n'
        f'  "MessageId" : "{answer["MessageId"]}",\n'
        f'  "SequenceNumber" : "{answer["SequenceNumber"]}",\n'
        f'  "TopicArn" : "{fifo}",\n'
        '  "Message" : "hello",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.000Z",\n'
        f'  "UnsubscribeURL" : "{unsubscribe_url(subscription)}"\n'
        "}"
    )


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_fifo_envelope_has_no_signature_and_no_ids_of_group_and_deduplication(
    sns: Any, sqs: Any, fifo: str, name: str
) -> None:
    box = Box(sqs, name)
    listen(sns, fifo, box)
    sns.publish(TopicArn=fifo, **EVERYTHING, **IDS)
    envelope = envelope_of(box)
    assert list(envelope) == FIFO_KEYS
    assert envelope["MessageAttributes"] == SHOWN


def test_a_fifo_topic_s_signature_version_changes_nothing(sns: Any, fifo: str, box: Box) -> None:
    set_topic(sns, fifo, "SignatureVersion", "2")
    listen(sns, fifo, box)
    sns.publish(TopicArn=fifo, **EVERYTHING, **IDS)
    assert list(envelope_of(box)) == FIFO_KEYS


# Lambda.


def test_a_function_gets_an_event_with_one_record(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, **EVERYTHING)
    event = json.loads(waiting_body(cloud))
    assert list(event) == ["Records"]
    (record,) = event["Records"]
    assert list(record) == ["EventSource", "EventVersion", "EventSubscriptionArn", "Sns"]
    assert (record["EventSource"], record["EventVersion"], record["EventSubscriptionArn"]) == ("aws:sns", "1.0", arn)


def test_the_record_of_a_function_has_the_envelope_s_values_under_lambda_s_names(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    listen(sns, topic, box)
    arn = subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, **EVERYTHING)
    envelope, record = envelope_of(box), json.loads(waiting_body(cloud))["Records"][0]["Sns"]
    assert list(record) == LAMBDA_KEYS
    assert record["SigningCertUrl"] == envelope["SigningCertURL"]
    assert record["UnsubscribeUrl"] == unsubscribe_url(arn)
    same = ["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature"]
    assert {key: record[key] for key in same} == {key: envelope[key] for key in same}


def test_a_function_sees_a_missing_subject_as_null_and_missing_attributes_as_none(
    cloud: Harness, sns: Any, topic: str
) -> None:
    subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, Message="hello")
    record = json.loads(waiting_body(cloud))["Records"][0]["Sns"]
    assert list(record) == LAMBDA_KEYS
    assert record["Subject"] is None
    assert record["MessageAttributes"] == {}


@pytest.mark.parametrize(
    ("attribute", "shown"),
    [
        (text("blue"), {"Type": "String", "Value": "blue"}),
        (text("7", "Number"), {"Type": "String", "Value": "7"}),
        (text("7", "Number.int"), {"Type": "String", "Value": "7"}),
        (text('["a", 1]', "String.Array"), {"Type": "String", "Value": '["a", 1]'}),
        (text("x", "String.label"), {"Type": "String", "Value": "x"}),
        (binary(b"\x00\xff"), {"Type": "Binary", "Value": "AP8="}),
        (binary(b"\x00\xff", "Binary.png"), {"Type": "Binary", "Value": "AP8="}),
    ],
    ids=lambda one: one.get("DataType", ""),
)
def test_a_function_knows_strings_and_bytes_only(
    cloud: Harness, sns: Any, topic: str, attribute: dict[str, Any], shown: dict[str, str]
) -> None:
    subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes={"a": attribute})
    assert json.loads(waiting_body(cloud))["Records"][0]["Sns"]["MessageAttributes"] == {"a": shown}


def test_a_function_that_cannot_be_reached_is_tried_again_and_the_reason_is_shown(
    cloud: Harness, sns: Any, topic: str
) -> None:
    arn = subscribe(sns, topic, "lambda", FUNCTION)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    (delivery,) = deliveries(cloud)["pending"]
    assert (delivery["subscriber"], delivery["message_id"], delivery["state"]) == (arn, message_id, "retrying")
    error = {"code": "ServiceNotEmulated"}
    error["message"] = f"Eventyard does not emulate lambda, so nothing can be delivered to {FUNCTION}"
    assert delivery["last_error"] == error


# Firehose.


def test_a_stream_gets_the_envelope_without_its_signature_on_one_line(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    message_id = sns.publish(TopicArn=topic, **EVERYTHING)["MessageId"]
    body = waiting_body(cloud)
    assert body.endswith("}\n")
    assert body.count("\n") == 1
    record = json.loads(body)
    assert list(record) == FIREHOSE_KEYS
    assert record == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": "greeting",
        "Message": "hello",
        "UnsubscribeURL": unsubscribe_url(arn),
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "MessageAttributes": SHOWN,
    }


def test_a_stream_s_record_has_no_members_for_what_is_not_there(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    sns.publish(TopicArn=topic, Message="hello\nworld")
    body = waiting_body(cloud)
    assert body.count("\n") == 1
    assert list(json.loads(body)) == [key for key in FIREHOSE_KEYS if key not in ("Subject", "MessageAttributes")]


# E-mail.


def confirmed_mail(cloud: Harness, sns: Any, topic: str, protocol: str) -> str:
    """Subscribe an address, confirm it, and forget the letter that asked."""
    arn = subscribe(sns, topic, protocol, MAIL)
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn))
    cloud.request("DELETE", "/_aws/sns/email-messages")
    return arn


def test_an_e_mail_holds_the_text_alone(cloud: Harness, sns: Any, topic: str) -> None:
    arn = confirmed_mail(cloud, sns, topic, "email")
    message_id = sns.publish(TopicArn=topic, **EVERYTHING)["MessageId"]
    (mail,) = mails(cloud)
    assert (mail["Subject"], mail["Message"], mail["MessageId"]) == ("greeting", "hello", message_id)
    assert (mail["Type"], mail["Timestamp"]) == ("Notification", "2026-01-01T00:00:00.000Z")
    assert mail["UnsubscribeURL"] == unsubscribe_url(arn)


def test_an_e_mail_without_a_subject_has_that_of_aws(cloud: Harness, sns: Any, topic: str) -> None:
    confirmed_mail(cloud, sns, topic, "email")
    sns.publish(TopicArn=topic, Message="hello")
    assert mails(cloud)[0]["Subject"] == "AWS Notification Message"


def test_an_e_mail_in_json_holds_the_envelope(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    listen(sns, topic, box)
    arn = confirmed_mail(cloud, sns, topic, "email-json")
    sns.publish(TopicArn=topic, **EVERYTHING)
    (mail,) = mails(cloud)
    inside = json.loads(mail["Message"])
    assert list(inside) == KEYS
    assert inside == {**envelope_of(box), "UnsubscribeURL": unsubscribe_url(arn)}
    assert mail["Subject"] == "greeting"


def test_the_letter_that_asks_in_json_to_the_blank(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email-json", MAIL)
    (mail,) = mails(cloud)
    body, token = mail["Message"], token_of(cloud, arn)
    seen = json.loads(body)
    assert list(seen) == CONFIRMATION_KEYS
    assert body == (
        "{\n"
        '  "Type" : "SubscriptionConfirmation",\n'
        f'  "MessageId" : "{mail["MessageId"]}",\n'
        f'  "Token" : "{token}",\n'
        f'  "TopicArn" : "{topic}",\n'
        f'  "Message" : "You have chosen to subscribe to the topic {topic}.\\n'
        'To confirm the subscription, visit the SubscribeURL included in this message.",\n'
        f'  "SubscribeURL" : "{HERE}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.000Z",\n'
        '  "SignatureVersion" : "1",\n'
        f'  "Signature" : "{seen["Signature"]}",\n'
        f'  "SigningCertURL" : "{seen["SigningCertURL"]}"\n'
        "}"
    )


def test_the_letter_that_tells_of_the_end_has_the_same_members(cloud: Harness, sns: Any, topic: str) -> None:
    arn = confirmed_mail(cloud, sns, topic, "email-json")
    sns.publish(TopicArn=topic, Message="hello")
    query = json.loads(mails(cloud)[0]["Message"])["UnsubscribeURL"].partition("?")[2]
    assert cloud.request("GET", "/", query=query).status == 200
    seen = json.loads(mails(cloud)[-1]["Message"])
    assert list(seen) == CONFIRMATION_KEYS
    assert seen["Type"] == "UnsubscribeConfirmation"
    assert seen["Message"] == (
        f"You have chosen to deactivate subscription {arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
    assert seen["SubscribeURL"] == f"{HERE}/?Action=ConfirmSubscription&TopicArn={topic}&Token={seen['Token']}"
    assert len(seen["Token"]) == 288
    assert set(seen["Token"]) <= set("0123456789abcdef")
