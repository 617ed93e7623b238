"""The content type of what SNS posts: requestPolicy of the subscription, of its topic, or neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.http_target import HttpTarget, subscribe

TEXT = "text/plain; charset=UTF-8"
JSON_POLICY = {"headerContentType": "application/json"}
XML_POLICY = {"headerContentType": "text/xml; charset=UTF-8"}


@pytest.fixture
def target(cloud: Harness) -> Iterator[HttpTarget]:
    with HttpTarget(lambda: cloud.now_ms) as one:
        yield one


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="orders")["TopicArn"]
    return arn


def set_policy(sns: Any, topic: str, policy: dict[str, Any]) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy))


def content_types(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> dict[str, str | None]:
    """Publish, and give the content type that came to each path."""
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    return {request.path: request.header("Content-Type") for request in target.take_all()}


@pytest.mark.parametrize("raw", ["true", "false"])
def test_without_a_policy_it_is_plain_text(cloud: Harness, sns: Any, topic: str, target: HttpTarget, raw: str) -> None:
    subscribe(cloud, sns, topic, target, RawMessageDelivery=raw)
    assert content_types(cloud, sns, topic, target) == {"/": TEXT}


@pytest.mark.parametrize("raw", ["true", "false"])
def test_the_request_policy_of_a_subscription_sets_it(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, raw: str
) -> None:
    policy = json.dumps({"requestPolicy": JSON_POLICY})
    subscribe(cloud, sns, topic, target, RawMessageDelivery=raw, DeliveryPolicy=policy)
    assert content_types(cloud, sns, topic, target) == {"/": "application/json"}


def test_the_request_policy_of_a_topic_is_for_all_that_have_none(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target, "/own", DeliveryPolicy=json.dumps({"requestPolicy": JSON_POLICY}))
    subscribe(cloud, sns, topic, target, "/none")
    set_policy(sns, topic, {"http": {"defaultRequestPolicy": XML_POLICY}})
    subscribe(cloud, sns, topic, target, "/new")
    types = content_types(cloud, sns, topic, target)
    assert types == {"/own": "application/json", "/none": XML_POLICY["headerContentType"], "/new": types["/none"]}


def test_a_topic_can_forbid_the_policies_of_subscriptions(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target, DeliveryPolicy=json.dumps({"requestPolicy": JSON_POLICY}))
    set_policy(sns, topic, {"http": {"defaultRequestPolicy": XML_POLICY, "disableSubscriptionOverrides": True}})
    assert content_types(cloud, sns, topic, target) == {"/": XML_POLICY["headerContentType"]}
    set_policy(sns, topic, {"http": {"disableSubscriptionOverrides": True}})
    assert content_types(cloud, sns, topic, target) == {"/": TEXT}


def test_policies_that_are_unset_leave_plain_text(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(cloud, sns, topic, target, DeliveryPolicy=json.dumps({"requestPolicy": JSON_POLICY}))
    set_policy(sns, topic, {"http": {"defaultRequestPolicy": XML_POLICY}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue="")
    assert content_types(cloud, sns, topic, target) == {"/": XML_POLICY["headerContentType"]}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue="")
    assert content_types(cloud, sns, topic, target) == {"/": TEXT}


def test_confirmations_are_text_whatever_the_policies_say(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    set_policy(sns, topic, {"http": {"defaultRequestPolicy": XML_POLICY}})
    arn = sns.subscribe(
        TopicArn=topic,
        Protocol="http",
        Endpoint=target.url(),
        ReturnSubscriptionArn=True,
        Attributes={"DeliveryPolicy": json.dumps({"requestPolicy": JSON_POLICY})},
    )["SubscriptionArn"]
    cloud.settle_deliveries()
    sns.confirm_subscription(TopicArn=topic, Token=target.requests[0].json["Token"])
    cloud.client("sns", account="111122223333").unsubscribe(SubscriptionArn=arn)
    cloud.settle_deliveries()
    assert [(request.json["Type"], request.header("Content-Type")) for request in target.requests] == [
        ("SubscriptionConfirmation", TEXT),
        ("UnsubscribeConfirmation", TEXT),
    ]
