"""Signatures as a receiver checks them: with the certificate that the message names, fetched from us."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.router.router import Envelope
from tests.support.harness import Harness
from tests.support.sns_publish_flow import deliveries, envelope_of, envelopes, listen
from tests.support.sns_publish_signatures import certificate_at, verifies
from tests.support.sns_subscriptions import FUNCTION, MAIL, mails, subscribe, token_of
from tests.support.sns_topics import make_topic, set_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import text

AWS_HOST = re.compile(r"^sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?$")
"""The hosts that AWS's own verifiers accept."""
FILE = re.compile(r"SimpleNotificationService-[0-9a-f]{32}\.pem")
VERSIONS = ["1", "2"]


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


def published(sns: Any, topic: str, box: Box, message: str = "hello", **more: Any) -> dict[str, Any]:
    """Publish and give the envelope that arrives."""
    sns.publish(TopicArn=topic, Message=message, **more)
    return envelope_of(box)


# Notifications.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("more", [{}, {"Subject": "greeting"}], ids=["no subject", "subject"])
def test_a_notification_verifies(
    cloud: Harness, sns: Any, topic: str, box: Box, version: str, more: dict[str, str]
) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    envelope = published(sns, topic, box, **more)
    assert envelope["SignatureVersion"] == version
    assert verifies(cloud, envelope)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_a_notification_that_was_changed_does_not_verify(
    cloud: Harness, sns: Any, topic: str, box: Box, version: str, key: str
) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    envelope = published(sns, topic, box, Subject="greeting")
    assert not verifies(cloud, {**envelope, key: envelope[key] + "x"})


def test_a_subject_that_was_added_or_taken_away_does_not_verify(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    without = published(sns, topic, box)
    assert not verifies(cloud, {**without, "Subject": ""})
    having = published(sns, topic, box, Subject="greeting")
    del having["Subject"]
    assert not verifies(cloud, having)


def test_attributes_and_the_unsubscribe_url_are_not_signed(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    envelope = published(sns, topic, box, MessageAttributes={"a": text("x")})
    assert verifies(cloud, {**envelope, "UnsubscribeURL": "http://elsewhere", "MessageAttributes": {}})


@pytest.mark.parametrize(
    "message", ["a\nb\nMessageId\nc", "Grüße, 世界 🎉", ' "\\\t ', "x" * 262_144], ids=lambda one: ascii(one[:8])
)
def test_any_text_verifies(cloud: Harness, sns: Any, topic: str, box: Box, message: str) -> None:
    assert verifies(cloud, published(sns, topic, box, message))


def test_the_text_for_the_protocol_is_what_is_signed(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    document = json.dumps({"default": "all", "sqs": "queues"})
    envelope = published(sns, topic, box, document, MessageStructure="json")
    assert envelope["Message"] == "queues"
    assert verifies(cloud, envelope)


def test_each_message_of_a_batch_verifies(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    entries = [{"Id": str(n), "Message": f"m{n}", "Subject": f"s{n}"} for n in range(3)]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    found = envelopes(box)
    assert [envelope["Message"] for envelope in found] == ["m0", "m1", "m2"]
    assert [verifies(cloud, envelope) for envelope in found] == [True, True, True]
    assert len({envelope["Signature"] for envelope in found}) == 3


def test_what_the_router_brings_to_a_topic_verifies(cloud: Harness, topic: str, box: Box) -> None:
    cloud.run(lambda emulator: emulator.router.send(topic, Envelope("event")))
    assert verifies(cloud, envelope_of(box))


def test_a_function_s_record_verifies_under_lambda_s_names(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    record = json.loads(deliveries(cloud)["pending"][0]["body"])["Records"][0]["Sns"]
    assert verifies(cloud, record, record["SigningCertUrl"])


def test_a_function_s_null_subject_is_not_signed(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, Message="hello")
    record = json.loads(deliveries(cloud)["pending"][0]["body"])["Records"][0]["Sns"]
    assert record.pop("Subject") is None
    assert verifies(cloud, record, record["SigningCertUrl"])


def test_a_topic_of_another_account_and_region_verifies(cloud: Harness) -> None:
    who = {"account": "111122223333", "region": "eu-west-1"}
    sns, box = cloud.client("sns", **who), Box(cloud.client("sqs", **who))
    topic = make_topic(sns)
    listen(sns, topic, box)
    envelope = published(sns, topic, box)
    assert envelope["TopicArn"] == "arn:aws:sns:eu-west-1:111122223333:orders"
    assert verifies(cloud, envelope)


# The version.


def test_version_1_is_the_default_and_comes_back_when_it_is_unset(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    seen = []
    for value in (None, "2", ""):
        if value is not None:
            set_topic(sns, topic, "SignatureVersion", value)
        envelope = published(sns, topic, box)
        assert verifies(cloud, envelope)
        seen.append(envelope["SignatureVersion"])
    assert seen == ["1", "2", "1"]


def test_the_two_versions_are_two_signatures(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    envelope = published(sns, topic, box)
    assert not verifies(cloud, {**envelope, "SignatureVersion": "2"})


def test_a_topic_can_be_created_with_version_2(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic, box = make_topic(sns, "signed", SignatureVersion="2"), Box(sqs)
    listen(sns, topic, box)
    envelope = published(sns, topic, box)
    assert envelope["SignatureVersion"] == "2"
    assert verifies(cloud, envelope)


# Confirmations.


@pytest.mark.parametrize("version", VERSIONS)
def test_a_subscription_confirmation_verifies(cloud: Harness, sns: Any, topic: str, version: str) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    subscribe(sns, topic, "email-json", MAIL)
    asking = json.loads(mails(cloud)[0]["Message"])
    assert (asking["Type"], asking["SignatureVersion"]) == ("SubscriptionConfirmation", version)
    assert verifies(cloud, asking)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"])
def test_a_confirmation_that_was_changed_does_not_verify(
    cloud: Harness, sns: Any, topic: str, version: str, key: str
) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    subscribe(sns, topic, "email-json", MAIL)
    asking = json.loads(mails(cloud)[0]["Message"])
    assert not verifies(cloud, {**asking, key: asking[key] + "0"})


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unsubscribe_confirmation_verifies(cloud: Harness, sns: Any, topic: str, version: str) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    arn = subscribe(sns, topic, "email-json", MAIL)
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn))
    cloud.request("GET", "/", query=f"Action=Unsubscribe&SubscriptionArn={arn}")
    telling = json.loads(mails(cloud)[-1]["Message"])
    assert (telling["Type"], telling["SignatureVersion"]) == ("UnsubscribeConfirmation", version)
    assert verifies(cloud, telling)


def test_a_confirmation_that_a_foreign_queue_gets_verifies(cloud: Harness, sns: Any, topic: str) -> None:
    box = Box(cloud.client("sqs", account="111122223333"))
    subscribe(sns, topic, "sqs", box.arn)
    asking = envelope_of(box)
    assert asking["Type"] == "SubscriptionConfirmation"
    assert verifies(cloud, asking)


# The certificate.


def test_the_certificate_is_served_as_pem_without_credentials(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    url = urlsplit(published(sns, topic, box)["SigningCertURL"])
    assert (url.scheme, url.netloc, url.query) == ("http", "localhost:4566", "")
    assert FILE.fullmatch(url.path.removeprefix("/_aws/sns/"))
    answer = cloud.request("GET", url.path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-pem-file")
    assert answer.text.startswith("-----BEGIN CERTIFICATE-----\n")
    assert "PRIVATE" not in answer.text


def test_the_certificate_is_valid_now_and_for_years(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    certificate = certificate_at(cloud, published(sns, topic, box)["SigningCertURL"])
    now_s = cloud.now_ms // 1000
    assert certificate.not_valid_before_utc.timestamp() < now_s
    assert certificate.not_valid_after_utc.timestamp() > now_s + 5 * 365 * 24 * 3600
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048


def test_all_topics_name_one_certificate(cloud: Harness, sns: Any, sqs: Any) -> None:
    urls = set()
    for name in ("one", "two"):
        topic, box = make_topic(sns, name), Box(sqs, name)
        listen(sns, topic, box)
        urls.add(published(sns, topic, box)["SigningCertURL"])
    assert len(urls) == 1


@pytest.mark.parametrize("name", ["0" * 32, "g" * 32, "", "0" * 31])
def test_a_certificate_that_is_not_ours_is_not_found(cloud: Harness, name: str) -> None:
    assert cloud.request("GET", f"/_aws/sns/SimpleNotificationService-{name}.pem").status == 404


# A host for verifiers that accept AWS's hosts only.


@pytest.mark.parametrize("host", ["sns.us-east-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"])
def test_the_certificate_s_host_can_be_one_of_aws_s(cloud_with: Callable[..., Harness], host: str) -> None:
    cloud = cloud_with(sns_cert_url_host=host)
    sns, box = cloud.client("sns"), Box(cloud.client("sqs"))
    topic = make_topic(sns)
    listen(sns, topic, box)
    envelope = published(sns, topic, box)
    url = urlsplit(envelope["SigningCertURL"])
    assert (url.scheme, url.netloc) == ("https", host)
    assert AWS_HOST.match(url.netloc)
    assert FILE.fullmatch(url.path.rpartition("/")[2])
    assert verifies(cloud, envelope)
    assert envelope["UnsubscribeURL"].startswith("http://localhost:4566/?")


def test_confirmations_and_functions_name_that_host_too(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(sns_cert_url_host="sns.us-east-1.amazonaws.com")
    sns = cloud.client("sns")
    topic = make_topic(sns)
    subscribe(sns, topic, "email-json", MAIL)
    subscribe(sns, topic, "lambda", FUNCTION)
    sns.publish(TopicArn=topic, Message="hello")
    asking = json.loads(mails(cloud)[0]["Message"])
    record = json.loads(deliveries(cloud)["pending"][0]["body"])["Records"][0]["Sns"]
    start = "https://sns.us-east-1.amazonaws.com/"
    assert asking["SigningCertURL"].startswith(start)
    assert record["SigningCertUrl"] == asking["SigningCertURL"]
    assert asking["SubscribeURL"].startswith("http://localhost:4566/?")
    assert verifies(cloud, asking)
