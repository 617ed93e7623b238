"""Reset: SNS alone or everything is forgotten, what waits is dropped, and two emulators share nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import deliveries, form_call, listen_raw
from tests.support.sns_subscriptions import (
    FUNCTION,
    MAIL,
    NO_SUBSCRIPTION,
    PHONE,
    mails,
    make_app_endpoint,
    subscribe,
    subscriptions_of,
    token_of,
)
from tests.support.sns_topics import NO_TOPIC, make_fifo_topic, make_topic, topic_attributes, topics_of
from tests.support.sqs_flow import Box
from tests.support.sqs_wire import document, signed

SNS_ONLY = "/_localstack/state/sns/reset"
PATHS = ("/_eventyard/reset", "/_localstack/state/reset", SNS_ONLY)
PLACES = (("000000000000", "us-east-1"), ("111122223333", "us-east-1"), ("111122223333", "eu-west-1"))
WEEK = '{"MessageRetentionPeriod":"7"}'
everywhere = pytest.mark.parametrize("path", PATHS)


def reset(cloud: Harness, path: str) -> None:
    answer = cloud.request("POST", path)
    assert (answer.status, answer.body) == (200, b"")


def captured(cloud: Harness, kind: str) -> Any:
    """Look up what was captured of a kind, whoever it was for."""
    answer = json.loads(cloud.request("GET", f"/_aws/sns/{kind}").body)
    return answer[kind.replace("-", "_")]


# What is forgotten.


@everywhere
def test_topics_and_subscriptions_of_all_accounts_and_regions_are_forgotten(cloud: Harness, path: str) -> None:
    clients = [cloud.client("sns", account=account, region=region) for account, region in PLACES]
    topics = [make_topic(sns) for sns in clients]
    arns = [subscribe(sns, topic, "email", MAIL) for sns, topic in zip(clients, topics, strict=True)]
    reset(cloud, path)
    for sns, topic, arn in zip(clients, topics, arns, strict=True):
        assert (topics_of(sns), subscriptions_of(sns)) == ([], [])
        assert error_of(sns.publish, TopicArn=topic, Message="x") == NO_TOPIC
        assert error_of(sns.get_subscription_attributes, SubscriptionArn=arn) == NO_SUBSCRIPTION


@everywhere
def test_a_topic_of_the_same_name_is_new(cloud: Harness, sns: Any, path: str) -> None:
    topic = sns.create_topic(Name="orders", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    fresh = topic_attributes(sns, topic)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="Orders")
    box = Box(cloud.client("sqs"))
    listen_raw(sns, topic, box)
    reset(cloud, path)
    box = Box(box.client)
    assert make_topic(sns) == topic
    sns.publish(TopicArn=topic, Message="x")
    assert box.drain() == []
    assert topic_attributes(sns, topic) == fresh
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == []


@everywhere
def test_a_fifo_topic_of_the_same_name_knows_no_duplicates_and_has_no_archive(
    cloud: Harness, sns: Any, path: str
) -> None:
    attributes = {"ContentBasedDeduplication": "true", "ArchivePolicy": WEEK}
    topic = make_fifo_topic(sns, **attributes)
    first = sns.publish(TopicArn=topic, Message="x", MessageGroupId="g")
    reset(cloud, path)
    make_fifo_topic(sns, **attributes)
    again = sns.publish(TopicArn=topic, Message="x", MessageGroupId="g")
    assert again["MessageId"] != first["MessageId"]
    box = Box(cloud.client("sqs"))
    start = '{"PointType":"Timestamp","StartingPoint":"2020-01-01T00:00:00.000Z"}'
    listen_raw(sns, topic, box, ReplayPolicy=start)
    assert box.drain() == ["x"]


@everywhere
def test_what_was_captured_is_forgotten(cloud: Harness, sns: Any, path: str) -> None:
    sns.publish(PhoneNumber=PHONE, Message="to a phone")
    sns.publish(TargetArn=make_app_endpoint(sns), Message="to a device")
    subscribe(sns, make_topic(sns), "email", MAIL)
    assert captured(cloud, "sms-messages")
    assert captured(cloud, "platform-endpoint-messages")
    assert len(mails(cloud)) == 1
    reset(cloud, path)
    assert [captured(cloud, kind) for kind in ("sms-messages", "platform-endpoint-messages", "email-messages")] == [
        {}
    ] * 3


@everywhere
def test_applications_and_phones_are_forgotten(cloud: Harness, sns: Any, path: str) -> None:
    endpoint = make_app_endpoint(sns)
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop"})
    sns.create_sms_sandbox_phone_number(PhoneNumber=PHONE)
    cloud.request("POST", "/_aws/sns/opted-out-numbers", query="phoneNumber=%2B15550101")
    reset(cloud, path)
    assert sns.list_platform_applications()["PlatformApplications"] == []
    assert error_of(sns.get_endpoint_attributes, EndpointArn=endpoint).code == "NotFound"
    assert "DefaultSenderID" not in sns.get_sms_attributes()["attributes"]
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []


@everywhere
def test_a_token_from_before_confirms_nothing(cloud: Harness, sns: Any, path: str) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "email", MAIL)
    token = token_of(cloud, arn)
    reset(cloud, path)
    assert cloud.request("GET", f"/_aws/sns/subscription-tokens/{arn}").status == 404
    make_topic(sns)
    refused = error_of(sns.confirm_subscription, TopicArn=topic, Token=token)
    assert refused == Seen("InvalidParameter", "Invalid parameter: Token", 400)


@everywhere
def test_quotas_are_free_again(cloud: Harness, sns: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sns.limits.FIFO_TOPICS_MAX", 1)
    monkeypatch.setattr("services.sns.limits.FILTER_POLICIES_PER_ACCOUNT_MAX", 1)
    for _ in range(2):
        arn = subscribe(sns, make_fifo_topic(sns), FilterPolicy='{"kind":["a"]}')
        assert error_of(make_fifo_topic, sns=sns, name="more.fifo").code == "TopicLimitExceeded"
        reset(cloud, path)
        assert error_of(sns.get_subscription_attributes, SubscriptionArn=arn) == NO_SUBSCRIPTION


# What waits.


@everywhere
def test_deliveries_that_wait_or_have_failed_are_dropped(cloud: Harness, sns: Any, path: str) -> None:
    for account, region in PLACES:
        client = cloud.client("sns", account=account, region=region)
        topic = make_topic(client)
        subscribe(client, topic, "lambda", FUNCTION.replace("000000000000", account))
        subscribe(client, topic, "sqs", f"arn:aws:sqs:{region}:{account}:gone")
        client.publish(TopicArn=topic, Message="x")
    shown = deliveries(cloud)
    assert (len(shown["pending"]), len(shown["failed"])) == (3, 3)
    reset(cloud, path)
    shown = deliveries(cloud)
    assert (shown["pending"], shown["failed"]) == ([], [])
    cloud.advance(3600)
    assert deliveries(cloud) == shown


@everywhere
def test_no_timer_and_no_task_is_left(cloud: Harness, sns: Any, path: str) -> None:
    topic = make_topic(sns)
    subscribe(sns, topic, "lambda", FUNCTION)
    for n in range(5):
        sns.publish(TopicArn=topic, Message=str(n))
    assert cloud.run(lambda emulator: emulator.clock.timers) == 5
    reset(cloud, path)
    cloud.advance(0)
    assert cloud.run(lambda emulator: (emulator.clock.timers, len(emulator.tasks))) == (0, 0)


@everywhere
def test_a_message_that_is_on_its_way_to_many_subscribers_goes_no_further(
    cloud: Harness, sns: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    monkeypatch.setattr("services.sns.fanout.SLICE", 1)
    monkeypatch.setattr("services.sns.fanout.breathe", gate.wait)
    topic = make_topic(sns)
    subscribe(sns, topic, "lambda", FUNCTION)
    subscribe(sns, topic, "sms", PHONE)
    body = urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": "x"}).encode()
    content = {"content-type": "application/x-www-form-urlencoded"}
    publish = cloud.open(body=body, headers={**content, **signed(service="sns")})
    cloud.advance(0)
    assert len(deliveries(cloud)["pending"]) == 1
    reset(cloud, path)
    cloud.run(lambda _: gate.set())
    assert publish.answer.result(timeout=20).status == 200
    assert (deliveries(cloud)["pending"], captured(cloud, "sms-messages")) == ([], {})


@everywhere
def test_an_emulator_that_was_never_used_can_be_reset(cloud: Harness, sns: Any, path: str) -> None:
    reset(cloud, path)
    reset(cloud, path)
    assert topics_of(sns) == []


# What stays.


def test_a_reset_of_sns_leaves_queues_and_what_was_delivered_to_them(cloud: Harness, sns: Any, sqs: Any) -> None:
    box, topic = Box(sqs), make_topic(sns)
    listen_raw(sns, topic, box)
    sns.publish(TopicArn=topic, Message="delivered")
    reset(cloud, SNS_ONLY)
    assert box.drain() == ["delivered"]


def test_a_reset_of_the_queues_leaves_topics_and_subscriptions(cloud: Harness, sns: Any, sqs: Any) -> None:
    box, topic = Box(sqs), make_topic(sns)
    arn = listen_raw(sns, topic, box)
    reset(cloud, "/_localstack/state/sqs/reset")
    sns.publish(TopicArn=topic, Message="lost")
    (failure,) = deliveries(cloud)["failed"]
    assert (failure["subscriber"], failure["last_error"]["code"]) == (arn, "AWS.SimpleQueueService.NonExistentQueue")
    box = Box(sqs)
    sns.publish(TopicArn=topic, Message="delivered")
    assert box.drain() == ["delivered"]


# Two emulators.


def topics_at(cloud: Harness) -> list[str | None]:
    """List the topics of one emulator, whichever the clients of boto3 talk to."""
    return [each.text for each in document(form_call(cloud, "ListTopics", {})).iter("TopicArn")]


def test_two_emulators_share_nothing(cloud_with: Callable[..., Harness]) -> None:
    one, other = cloud_with(), cloud_with()
    arn = "arn:aws:sns:us-east-1:000000000000:orders"
    for cloud in (one, other):
        form_call(cloud, "CreateTopic", {"Name": "orders"})
    form_call(one, "CreateTopic", {"Name": "only-here"})
    lambdas = {"TopicArn": arn, "Protocol": "lambda", "Endpoint": FUNCTION}
    assert form_call(one, "Subscribe", lambdas).status == 200
    assert form_call(one, "Publish", {"TopicArn": arn, "Message": "x"}).status == 200
    assert form_call(one, "Publish", {"PhoneNumber": PHONE, "Message": "x"}).status == 200
    assert (topics_at(one), topics_at(other)) == ([f"{arn[:-6]}only-here", arn], [arn])
    assert [len(deliveries(cloud)["pending"]) for cloud in (one, other)] == [1, 0]
    assert [len(captured(cloud, "sms-messages")) for cloud in (one, other)] == [1, 0]
    reset(other, "/_eventyard/reset")
    assert (len(topics_at(one)), topics_at(other)) == (2, [])
    assert [len(deliveries(cloud)["pending"]) for cloud in (one, other)] == [1, 0]
