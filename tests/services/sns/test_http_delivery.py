"""What SNS posts to subscribers over HTTP: confirmations, notifications, raw messages; their headers and bodies, and what the links do."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.support.harness import Answer, Harness
from tests.support.http_target import HttpTarget, Received, subscribe

ACCOUNT = "111122223333"
REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
HOST = "http://localhost:4566"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TEXT = "text/plain; charset=UTF-8"
CONFIRMATION_KEYS = [
    "Type",
    "MessageId",
    "Token",
    "TopicArn",
    "Message",
    "SubscribeURL",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
]


@pytest.fixture
def sns(cloud: Harness) -> Any:
    return cloud.client("sns", account=ACCOUNT, region=REGION)


@pytest.fixture
def target(cloud: Harness) -> Iterator[HttpTarget]:
    with HttpTarget(lambda: cloud.now_ms) as one:
        yield one


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="orders")["TopicArn"]
    assert arn == TOPIC
    return arn


def headers_of(request: Received) -> dict[str, str]:
    """All headers but Accept, which httpx adds."""
    assert len({name.lower() for name, _ in request.headers}) == len(request.headers)
    return {name.lower(): value for name, value in request.headers if name.lower() != "accept"}


def expected_headers(target: HttpTarget, request: Received, kind: str, **more: str) -> dict[str, str]:
    """The headers of every message; underscores in the names of others stand for hyphens."""
    return {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-topic-arn": TOPIC,
        "content-type": TEXT,
        "content-length": str(len(request.body)),
        "host": f"127.0.0.1:{target.port}",
        "user-agent": "Amazon Simple Notification Service Agent",
        "connection": "Keep-Alive",
        "accept-encoding": "gzip,deflate",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def begin(cloud: Harness, sns: Any, target: HttpTarget, **options: Any) -> Received:
    """Subscribe and give the request for a confirmation."""
    answer = sns.subscribe(TopicArn=TOPIC, Protocol="http", Endpoint=target.url(), **options)
    assert answer["SubscriptionArn"] == "pending confirmation"
    cloud.settle_deliveries()
    (request,) = target.take_all()
    return request


def publish(cloud: Harness, sns: Any, target: HttpTarget, message: str = "hello", **options: Any) -> Received:
    """Publish and give the one request that follows."""
    sns.publish(TopicArn=TOPIC, Message=message, **options)
    cloud.settle_deliveries()
    (request,) = target.take_all()
    return request


def visit(cloud: Harness, url: str) -> Answer:
    """Open a link of a message as a browser does: without a signature."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == HOST
    return cloud.request("GET", parts.path, query=parts.query)


def listed(sns: Any) -> list[str]:
    """The ARNs in the topic's list."""
    return [one["SubscriptionArn"] for one in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]]


# SubscriptionConfirmation.


@pytest.mark.usefixtures("topic")
def test_a_new_subscriber_is_asked_to_confirm(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    cloud.advance(1.234)
    request = begin(cloud, sns, target)
    body = request.json
    token = body["Token"]
    assert list(body) == CONFIRMATION_KEYS
    assert (body["Type"], body["TopicArn"], body["SignatureVersion"]) == ("SubscriptionConfirmation", TOPIC, "1")
    assert body["Message"] == (
        f"You have chosen to subscribe to the topic {TOPIC}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    assert body["SubscribeURL"] == f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
    assert body["Timestamp"] == "2026-01-01T00:00:01.234Z"
    assert re.fullmatch(UUID, body["MessageId"])
    assert re.fullmatch(r"[0-9a-f]{288}", token)
    assert len(base64.b64decode(body["Signature"], validate=True)) == 256
    assert re.fullmatch(rf"{HOST}/\S*/SimpleNotificationService-[0-9a-f]{{32}}\.pem", body["SigningCertURL"])


@pytest.mark.usefixtures("topic")
def test_the_request_to_confirm_has_all_headers_but_the_subscription_s(
    cloud: Harness, sns: Any, target: HttpTarget
) -> None:
    request = begin(cloud, sns, target)
    message_id = request.json["MessageId"]
    assert (request.method, request.path) == ("POST", "/")
    assert headers_of(request) == expected_headers(
        target, request, "SubscriptionConfirmation", x_amz_sns_message_id=message_id
    )


@pytest.mark.usefixtures("topic")
def test_a_confirmation_is_laid_out_as_aws_does(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    request = begin(cloud, sns, target)
    lines = ",\n".join(f'  "{key}" : {json.dumps(value)}' for key, value in request.json.items())
    assert request.text == "{\n" + lines + "\n}"


@pytest.mark.usefixtures("topic")
def test_the_token_confirms(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    token = begin(cloud, sns, target).json["Token"]
    assert listed(sns) == ["PendingConfirmation"]
    arn = sns.confirm_subscription(TopicArn=TOPIC, Token=token)["SubscriptionArn"]
    assert re.fullmatch(rf"{TOPIC}:{UUID}", arn)
    assert listed(sns) == [arn]
    assert publish(cloud, sns, target).json["Message"] == "hello"


@pytest.mark.usefixtures("topic")
def test_the_subscribe_url_confirms(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    answer = visit(cloud, begin(cloud, sns, target).json["SubscribeURL"])
    assert answer.status == 200
    namespace = "{http://sns.amazonaws.com/doc/2010-03-31/}"
    root = ET.fromstring(answer.text)
    assert root.tag == f"{namespace}ConfirmSubscriptionResponse"
    arn = root.findtext(f"{namespace}ConfirmSubscriptionResult/{namespace}SubscriptionArn")
    assert listed(sns) == [arn]
    assert publish(cloud, sns, target).json["Message"] == "hello"


@pytest.mark.usefixtures("topic")
def test_the_subscribe_url_can_be_visited_twice(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    url = begin(cloud, sns, target).json["SubscribeURL"]
    assert [visit(cloud, url).status, visit(cloud, url).status] == [200, 200]
    assert len(listed(sns)) == 1
    assert publish(cloud, sns, target).json["Message"] == "hello"


@pytest.mark.usefixtures("topic")
def test_to_subscribe_again_while_pending_asks_again_with_the_same_token(
    cloud: Harness, sns: Any, target: HttpTarget
) -> None:
    first, second = begin(cloud, sns, target).json, begin(cloud, sns, target).json
    assert first["Token"] == second["Token"]
    assert first["MessageId"] != second["MessageId"]
    assert listed(sns) == ["PendingConfirmation"]


def test_to_subscribe_again_when_confirmed_asks_nothing(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=target.url())["SubscriptionArn"] == arn
    cloud.settle_deliveries()
    assert target.requests == []


@pytest.mark.usefixtures("topic")
def test_nothing_is_sent_while_a_subscription_is_pending(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    token = begin(cloud, sns, target).json["Token"]
    sns.publish(TopicArn=TOPIC, Message="too early")
    cloud.advance(60)
    cloud.settle_deliveries()
    assert target.requests == []
    sns.confirm_subscription(TopicArn=TOPIC, Token=token)
    assert publish(cloud, sns, target, "in time").json["Message"] == "in time"


@pytest.mark.usefixtures("topic")
def test_the_signature_version_of_the_topic_is_said(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue="2")
    confirmation = begin(cloud, sns, target).json
    sns.confirm_subscription(TopicArn=TOPIC, Token=confirmation["Token"])
    assert confirmation["SignatureVersion"] == publish(cloud, sns, target).json["SignatureVersion"] == "2"


# Notification.


def test_a_notification_has_all_headers(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target)
    request = publish(cloud, sns, target)
    assert (request.method, request.path) == ("POST", "/")
    assert headers_of(request) == expected_headers(
        target,
        request,
        "Notification",
        x_amz_sns_message_id=request.json["MessageId"],
        x_amz_sns_subscription_arn=arn,
    )


def test_a_notification_is_laid_out_as_aws_does(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target)
    cloud.advance(1.234)
    request = publish(cloud, sns, target, 'Grüße, "Welt"\n', Subject="My subject")
    body = request.json
    assert (
        request.text
        == f"""{{
  "Type" : "Notification",
  "MessageId" : "{body["MessageId"]}",
  "TopicArn" : "{topic}",
  "Subject" : "My subject",
  "Message" : "Grüße, \\"Welt\\"\\n",
  "Timestamp" : "2026-01-01T00:00:01.234Z",
  "SignatureVersion" : "1",
  "Signature" : "{body["Signature"]}",
  "SigningCertURL" : "{body["SigningCertURL"]}",
  "UnsubscribeURL" : "{HOST}/?Action=Unsubscribe&SubscriptionArn={arn}"
}}"""
    )


def test_a_notification_has_the_id_that_publish_answered(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    cloud.settle_deliveries()
    (request,) = target.requests
    assert request.json["MessageId"] == request.header("x-amz-sns-message-id") == message_id


def test_what_was_not_given_is_not_there(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    body = publish(cloud, sns, target).json
    assert {"Subject", "MessageAttributes"} & set(body) == set()


def test_message_attributes_come_last(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    attributes = {
        "colour": {"DataType": "String", "StringValue": "red"},
        "count": {"DataType": "Number", "StringValue": "15.0"},
        "sizes": {"DataType": "String.Array", "StringValue": '["S", "M"]'},
        "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    body = publish(cloud, sns, target, MessageAttributes=attributes).json
    assert list(body)[-2:] == ["UnsubscribeURL", "MessageAttributes"]
    assert body["MessageAttributes"] == {
        "colour": {"Type": "String", "Value": "red"},
        "count": {"Type": "Number", "Value": "15.0"},
        "sizes": {"Type": "String.Array", "Value": '["S", "M"]'},
        "seal": {"Type": "Binary", "Value": "AP8="},
    }


@pytest.mark.parametrize(("texts", "text"), [({"http": "for http"}, "for http"), ({"https": "for https"}, "for all")])
def test_a_subscriber_gets_the_text_for_its_protocol(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, texts: dict[str, str], text: str
) -> None:
    subscribe(cloud, sns, topic, target)
    document = json.dumps({"default": "for all", **texts})
    assert publish(cloud, sns, target, document, MessageStructure="json").json["Message"] == text


def test_path_and_query_of_the_endpoint_are_kept(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target, path="/a%20b/in;v=1?key=a%2Bb&key=c")
    assert publish(cloud, sns, target).path == "/a%20b/in;v=1?key=a%2Bb&key=c"


def test_each_subscriber_has_its_own_arn_and_link(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arns = {path: subscribe(cloud, sns, topic, target, path=path) for path in ("/a", "/b", "/c")}
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    assert {request.path: request.header("x-amz-sns-subscription-arn") for request in target.requests} == arns
    links = {request.path: request.json["UnsubscribeURL"] for request in target.requests}
    assert links == {path: f"{HOST}/?Action=Unsubscribe&SubscriptionArn={arn}" for path, arn in arns.items()}
    assert len({request.json["Signature"] for request in target.requests}) == 1


def test_a_trace_id_travels_with_the_message(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    trace = "Root=1-5e1b4151-5ac6c58f1b1b1b1b1b1b1b1b;Sampled=1"
    answer = cloud.request(
        "POST",
        body=f"Action=Publish&TopicArn={topic}&Message=hello".encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/sns/aws4_request, Signature=x",
            "X-Amzn-Trace-Id": trace,
        },
    )
    assert answer.status == 200
    cloud.settle_deliveries()
    assert target.requests[0].header("x-amzn-trace-id") == trace


def test_a_message_that_the_filter_policy_does_not_want_is_not_posted(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target, FilterPolicy='{"colour": ["red"]}')
    for colour in ("blue", "red"):
        attributes = {"colour": {"DataType": "String", "StringValue": colour}}
        sns.publish(TopicArn=topic, Message=colour, MessageAttributes=attributes)
    cloud.settle_deliveries()
    assert [request.json["Message"] for request in target.requests] == ["red"]


def test_https_is_spoken_to_a_server_with_a_certificate_of_its_own_making(
    cloud: Harness, sns: Any, topic: str, tmp_path: Path
) -> None:
    pem = tmp_path / "server.pem"
    certificate = cloud.emulator.certificate
    pem.write_bytes(certificate.private_pem + certificate.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with HttpTarget(tls=context) as target:
        subscribe(cloud, sns, topic, target)
        assert publish(cloud, sns, target).json["Message"] == "hello"


def test_a_user_and_password_in_the_endpoint_become_basic_auth(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    endpoint = target.url("/in", host="user:pass%20word@127.0.0.1")
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    cloud.settle_deliveries()
    sns.confirm_subscription(TopicArn=topic, Token=target.requests[0].json["Token"])
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    expected = "Basic " + base64.b64encode(b"user:pass word").decode()
    assert [request.header("Authorization") for request in target.requests] == [expected, expected]
    assert {(request.path, request.header("Host")) for request in target.requests} == {
        ("/in", f"127.0.0.1:{target.port}")
    }


# Raw.


def test_raw_delivery_is_the_text_alone(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target, RawMessageDelivery="true")
    attributes = {"colour": {"DataType": "String", "StringValue": "red"}}
    message_id = sns.publish(TopicArn=topic, Message="Grüße\n", Subject="unseen", MessageAttributes=attributes)
    cloud.settle_deliveries()
    (request,) = target.requests
    assert request.body == "Grüße\n".encode()
    assert headers_of(request) == expected_headers(
        target,
        request,
        "Notification",
        x_amz_sns_message_id=message_id["MessageId"],
        x_amz_sns_subscription_arn=arn,
        x_amz_sns_rawdelivery="true",
    )


def test_raw_delivery_can_be_switched_on_and_off(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target)
    for value, raw in (("true", "true"), ("false", None)):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue=value)
        assert publish(cloud, sns, target).header("x-amz-sns-rawdelivery") == raw


@pytest.mark.usefixtures("topic")
def test_a_raw_subscriber_is_asked_to_confirm_in_full(cloud: Harness, sns: Any, target: HttpTarget) -> None:
    request = begin(cloud, sns, target, Attributes={"RawMessageDelivery": "true"})
    assert request.header("x-amz-sns-rawdelivery") is None
    assert list(request.json) == CONFIRMATION_KEYS


# UnsubscribeConfirmation.


def unsubscribe_by_link(cloud: Harness, sns: Any, target: HttpTarget) -> Received:
    """Visit the link of a notification; give the request that follows."""
    assert visit(cloud, publish(cloud, sns, target).json["UnsubscribeURL"]).status == 200
    cloud.settle_deliveries()
    (request,) = target.take_all()
    return request


def test_who_is_unsubscribed_by_a_link_is_told_how_to_come_back(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    cloud.advance(1.234)
    request = unsubscribe_by_link(cloud, sns, target)
    body = request.json
    assert list(body) == CONFIRMATION_KEYS
    assert (body["Type"], body["TopicArn"]) == ("UnsubscribeConfirmation", topic)
    assert body["Timestamp"] == "2026-01-01T00:00:01.234Z"
    assert body["Message"] == (
        f"You have chosen to deactivate subscription {arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
    assert body["SubscribeURL"] == f"{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token={body['Token']}"
    assert headers_of(request) == expected_headers(
        target,
        request,
        "UnsubscribeConfirmation",
        x_amz_sns_message_id=body["MessageId"],
        x_amz_sns_subscription_arn=arn,
    )


def test_who_is_unsubscribed_gets_nothing_more(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    unsubscribe_by_link(cloud, sns, target)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    assert (target.requests, listed(sns)) == ([], [])


@pytest.mark.parametrize("way", ["token", "link"])
def test_the_token_brings_the_same_subscription_back(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, way: str
) -> None:
    arn = subscribe(cloud, sns, topic, target, RawMessageDelivery="true")
    assert visit(cloud, f"{HOST}/?Action=Unsubscribe&SubscriptionArn={arn}").status == 200
    cloud.settle_deliveries()
    body = target.take_all()[0].json
    if way == "token":
        sns.confirm_subscription(TopicArn=topic, Token=body["Token"])
    else:
        assert visit(cloud, body["SubscribeURL"]).status == 200
    assert listed(sns) == [arn]
    assert publish(cloud, sns, target, "welcome back").text == "welcome back"


def test_another_account_that_unsubscribes_tells_the_endpoint(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    cloud.client("sns", account="444455556666", region=REGION).unsubscribe(SubscriptionArn=arn)
    cloud.settle_deliveries()
    assert [request.json["Type"] for request in target.requests] == ["UnsubscribeConfirmation"]


def test_the_owner_unsubscribes_without_a_word(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target)
    sns.unsubscribe(SubscriptionArn=arn)
    cloud.settle_deliveries()
    assert (target.requests, listed(sns)) == ([], [])


def test_the_end_of_a_topic_is_not_told(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    sns.delete_topic(TopicArn=topic)
    cloud.settle_deliveries()
    assert target.requests == []
