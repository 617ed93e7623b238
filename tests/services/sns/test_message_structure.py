"""MessageStructure `json`: one message with a text for each protocol or platform; who gets which, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import MESSAGE_MAX_BYTES, deliveries, envelope_of, listen, listen_raw, texts_of
from tests.support.sns_subscriptions import FUNCTION, PHONE, ROLE, STREAM, subscribe
from tests.support.sns_topics import invalid, make_fifo_topic, make_topic
from tests.support.sqs_flow import Box

NOT_JSON = invalid("Message Structure - JSON message body failed to parse")
NO_DEFAULT = invalid("Message Structure - No default entry in JSON message body")
PLATFORMS = ["APNS", "APNS_SANDBOX", "GCM", "ADM"]
CREDENTIALS = {
    "GCM": {"PlatformCredential": "c"},
    "ADM": {"PlatformPrincipal": "p", "PlatformCredential": "c"},
    "APNS": {"PlatformPrincipal": "p", "PlatformCredential": "c"},
    "APNS_SANDBOX": {"PlatformPrincipal": "p", "PlatformCredential": "c"},
}


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


def publish(sns: Any, topic: str, document: Any, **more: Any) -> dict[str, Any]:
    """Publish a document, or text as it is."""
    message = document if isinstance(document, str) else json.dumps(document)
    answer: dict[str, Any] = sns.publish(TopicArn=topic, Message=message, MessageStructure="json", **more)
    return answer


def refusal(sns: Any, topic: str, document: Any, **more: Any) -> Any:
    return error_of(publish, sns=sns, topic=topic, document=document, **more)


def make_endpoint(sns: Any, platform: str) -> str:
    app = sns.create_platform_application(Name="shop", Platform=platform, Attributes=CREDENTIALS[platform])
    arn: str = sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="cafe")[
        "EndpointArn"
    ]
    return arn


def pushed(cloud: Harness, endpoint: str) -> list[str]:
    """List the texts of the push messages to an endpoint."""
    answer = json.loads(cloud.request("GET", "/_aws/sns/platform-endpoint-messages").body)
    return [message["Message"] for message in answer["platform_endpoint_messages"].get(endpoint, [])]


def sent_to_phone(cloud: Harness) -> list[str]:
    """List the text messages to a phone."""
    answer = json.loads(cloud.request("GET", "/_aws/sns/sms-messages").body)
    return [message["Message"] for message in answer["sms_messages"].get(PHONE, [])]


# Who gets which text.


def test_without_a_structure_a_document_is_a_text_like_any_other(sns: Any, topic: str, box: Box) -> None:
    document = json.dumps({"default": "all", "sqs": "queues"})
    sns.publish(TopicArn=topic, Message=document)
    assert texts_of(box) == [document]


def test_a_queue_gets_the_text_for_queues(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, {"default": "all", "sqs": "queues", "http": "others"})
    assert texts_of(box) == ["queues"]


def test_without_a_text_of_its_own_a_protocol_gets_the_default(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, {"default": "all", "http": "others"})
    assert texts_of(box) == ["all"]


def test_raw_delivery_brings_the_bare_text_for_queues(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen_raw(sns, topic, box)
    publish(sns, topic, {"default": "all", "sqs": "queues"})
    assert box.bodies() == ["queues"]


def test_subscribers_of_several_protocols_get_each_its_own(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    subscribe(sns, topic, "sms", PHONE)
    subscribe(sns, topic, "lambda", FUNCTION)
    subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    publish(sns, topic, {"default": "all", "sqs": "queues", "sms": "phones", "lambda": "code", "firehose": "streams"})
    bodies = {one["target"]: json.loads(one["body"]) for one in deliveries(cloud)["pending"]}
    assert bodies[FUNCTION]["Records"][0]["Sns"]["Message"] == "code"
    assert bodies[STREAM]["Message"] == "streams"
    assert sent_to_phone(cloud) == ["phones"]
    assert texts_of(box) == ["queues"]


def test_a_text_can_be_a_document_itself(sns: Any, topic: str, box: Box) -> None:
    inner = json.dumps({"order": 7, "note": 'say "hi"\n'})
    publish(sns, topic, {"default": "all", "sqs": inner})
    assert texts_of(box) == [inner]


def test_escapes_in_the_document_are_read(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, r'{"default": "Gr\u00fc\u00dfe \ud83c\udf89\n"}')
    assert texts_of(box) == ["Grüße 🎉\n"]


def test_an_empty_text_for_a_protocol_is_a_text(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "sms", PHONE)
    publish(sns, topic, {"default": "all", "sms": ""})
    assert sent_to_phone(cloud) == [""]


def test_keys_that_are_no_protocol_are_passed_over(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, {"default": "all", "pigeon": "coo", "SQS": "wrong case", "": "nobody"})
    assert texts_of(box) == ["all"]


@pytest.mark.parametrize("value", [1, True, None, ["queues"], {"a": "b"}], ids=str)
def test_what_is_no_text_is_passed_over(sns: Any, topic: str, box: Box, value: Any) -> None:
    publish(sns, topic, {"default": "all", "sqs": value})
    assert texts_of(box) == ["all"]


def test_blanks_around_the_document_are_no_matter(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, ' \n\t{ "default" : "all" } \n')
    assert texts_of(box) == ["all"]


def test_subject_and_attributes_go_with_every_text(sns: Any, topic: str, box: Box) -> None:
    attributes = {"colour": {"DataType": "String", "StringValue": "blue"}}
    publish(sns, topic, {"default": "all", "sqs": "queues"}, Subject="news", MessageAttributes=attributes)
    envelope = envelope_of(box)
    assert (envelope["Message"], envelope["Subject"]) == ("queues", "news")
    assert envelope["MessageAttributes"] == {"colour": {"Type": "String", "Value": "blue"}}


def test_a_body_filter_looks_at_the_text_of_the_subscriber_s_protocol(sns: Any, sqs: Any, topic: str) -> None:
    wanting, other = Box(sqs, "wanting"), Box(sqs, "other")
    for box, kind in ((wanting, "queues"), (other, "all")):
        policy = json.dumps({"kind": [kind]})
        listen(sns, topic, box, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    texts = {"default": json.dumps({"kind": "all"}), "sqs": json.dumps({"kind": "queues"})}
    publish(sns, topic, texts)
    assert texts_of(wanting) == [texts["sqs"]]
    assert other.bodies() == []


def test_a_body_filter_looks_at_the_default_where_the_protocol_has_no_text(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box, FilterPolicy='{"kind": ["all"]}', FilterPolicyScope="MessageBody")
    publish(sns, topic, {"default": '{"kind": "all"}', "kind": "none"})
    assert texts_of(box) == ['{"kind": "all"}']


def test_each_entry_of_a_batch_has_its_own_structure(sns: Any, topic: str, box: Box) -> None:
    document = json.dumps({"default": "all", "sqs": "queues"})
    entries = [
        {"Id": "1", "Message": document},
        {"Id": "2", "Message": document, "MessageStructure": "json"},
    ]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert texts_of(box) == [document, "queues"]


def test_a_fifo_topic_s_duplicates_are_told_by_the_whole_document(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns, ContentBasedDeduplication="true"), Box(sqs)
    listen(sns, topic, box)
    for other in ("a", "a", "b"):
        publish(sns, topic, {"default": other, "sqs": "same"}, MessageGroupId="g")
    assert texts_of(box) == ["same", "same"]


# Platforms.


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_device_gets_the_text_for_its_platform(cloud: Harness, sns: Any, topic: str, platform: str) -> None:
    endpoint = make_endpoint(sns, platform)
    subscribe(sns, topic, "application", endpoint)
    publish(sns, topic, {"default": "all", **{name: f"for {name}" for name in PLATFORMS}})
    assert pushed(cloud, endpoint) == [f"for {platform}"]


def test_a_device_gets_the_text_for_applications_where_its_platform_has_none(
    cloud: Harness, sns: Any, topic: str
) -> None:
    endpoint = make_endpoint(sns, "GCM")
    subscribe(sns, topic, "application", endpoint)
    publish(sns, topic, {"default": "all", "application": "devices", "APNS": "others"})
    assert pushed(cloud, endpoint) == ["devices"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"default": "all", "GCM": "android"}, "android"),
        ({"GCM": "android"}, "android"),
        ({"default": "all"}, "all"),
        ({"default": "all", "APNS": "apple"}, "all"),
    ],
    ids=["both", "platform only", "default only", "another platform's"],
)
def test_a_message_to_one_device_needs_a_default_or_a_text_for_its_platform(
    cloud: Harness, sns: Any, document: dict[str, str], expected: str
) -> None:
    endpoint = make_endpoint(sns, "GCM")
    sns.publish(TargetArn=endpoint, Message=json.dumps(document), MessageStructure="json")
    assert pushed(cloud, endpoint) == [expected]


@pytest.mark.parametrize("document", [{"APNS": "apple"}, {}, {"GCM": {"notification": {}}}], ids=str)
def test_a_message_to_one_device_without_any_text_for_it_is_refused(
    cloud: Harness, sns: Any, document: dict[str, Any]
) -> None:
    endpoint = make_endpoint(sns, "GCM")
    seen = error_of(sns.publish, TargetArn=endpoint, Message=json.dumps(document), MessageStructure="json")
    assert seen == NO_DEFAULT
    assert pushed(cloud, endpoint) == []


def test_a_phone_gets_the_text_for_phones(cloud: Harness, sns: Any) -> None:
    sns.publish(PhoneNumber=PHONE, Message='{"default": "all", "sms": "phones"}', MessageStructure="json")
    sns.publish(PhoneNumber=PHONE, Message='{"default": "all", "sqs": "queues"}', MessageStructure="json")
    assert sent_to_phone(cloud) == ["phones", "all"]


# Refusals.


@pytest.mark.parametrize(
    "document",
    ["x", "{", '{"default": "all"', '{"default": all}', "{'default': 'all'}", '{"default": "all"} x', '{"default": "all",}',
     '["default"]', '"default"', "1", "null", "true", '{"default": "a\nb"}', '{"default": "all", "n": NaN}',
     '{"default": "all", "n": -Infinity}', "[" * 100_000],
    ids=lambda text: ascii(text[:30]),
)  # fmt: skip
def test_a_message_that_is_no_json_object_is_refused(sns: Any, topic: str, box: Box, document: str) -> None:
    assert refusal(sns, topic, document) == NOT_JSON
    assert box.bodies() == []


def test_an_empty_message_is_refused_as_empty_whatever_its_structure(sns: Any, topic: str) -> None:
    assert refusal(sns, topic, "") == invalid("Empty message")


@pytest.mark.parametrize(
    "document", ['{"default": "a", "default": "b"}', '{"default": "a", "sqs": "b", "sqs": "b"}', '{"default": "a", "x": 1, "x": 2}']
)  # fmt: skip
def test_a_key_that_comes_twice_is_refused(sns: Any, topic: str, box: Box, document: str) -> None:
    assert refusal(sns, topic, document) == NOT_JSON
    assert box.bodies() == []


def test_a_key_that_comes_twice_deeper_inside_is_no_matter(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, '{"default": "all", "x": {"a": 1, "a": 2}}')
    assert texts_of(box) == ["all"]


@pytest.mark.parametrize(
    "document",
    [{}, {"sqs": "queues"}, {"Default": "all"}, {"default": 1}, {"default": None}, {"default": {"a": "b"}}, {"default": ["all"]}],
    ids=str,
)  # fmt: skip
def test_a_message_to_a_topic_needs_a_default_text(sns: Any, topic: str, box: Box, document: dict[str, Any]) -> None:
    assert refusal(sns, topic, document) == NO_DEFAULT
    assert box.bodies() == []


@pytest.mark.parametrize("structure", ["JSON", "xml", "json ", " "])
def test_there_is_no_other_structure(sns: Any, topic: str, box: Box, structure: str) -> None:
    seen = error_of(sns.publish, TopicArn=topic, Message='{"default": "all"}', MessageStructure=structure)
    assert seen == invalid("MessageStructure")
    assert box.bodies() == []


@pytest.mark.parametrize("document", [r'{"default": "\ud800"}', r'{"default": "all", "sqs": "a\udc00b"}'])
def test_half_a_pair_is_no_text(sns: Any, topic: str, box: Box, document: str) -> None:
    assert refusal(sns, topic, document) == NOT_JSON
    assert box.bodies() == []


def test_the_whole_document_counts_to_the_size(sns: Any, topic: str) -> None:
    document = '{"default": "' + "x" * (MESSAGE_MAX_BYTES - 15) + '"}'
    assert len(document) == MESSAGE_MAX_BYTES
    assert publish(sns, topic, document)["MessageId"]
    assert refusal(sns, topic, document + " ") == invalid("Message too long")
