"""Subscribe: protocols and their endpoints, what is confirmed at once, what is answered, attributes, Subscribe said twice, quotas."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from services.sns import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import (
    APP_ENDPOINT,
    FIFO_QUEUE,
    FUNCTION,
    MAIL,
    PHONE,
    QUEUE,
    ROLE,
    STREAM,
    URL,
    answer_to_subscribe,
    attributes_of,
    make_app_endpoint,
    pending,
    queue_arn,
    set_attribute,
    subscribe,
    subscriptions_of,
)
from tests.support.sns_topics import NO_TOPIC, counts, invalid, make_fifo_topic, make_topic, topic_arn
from tests.support.sqs_wire import UUID

OWNER, OTHER, THIRD = "111122223333", "444455556666", "777788889999"
OTHER_ATTRIBUTES = invalid("Attributes Reason: Subscription already exists with different attributes")
POLICY, OTHER_POLICY = '{"kind": ["a"]}', '{"kind": ["b"]}'


def refusal(sns: Any, topic: str, protocol: str, endpoint: str | None, /, **attributes: str) -> Seen:
    """Subscribe in vain."""
    where = {} if endpoint is None else {"Endpoint": endpoint}
    return error_of(sns.subscribe, TopicArn=topic, Protocol=protocol, Attributes=attributes, **where)


# Protocols and endpoints.

GOOD = [
    ("sqs", QUEUE),
    ("sqs", "arn:aws:sqs:eu-west-1:000000000000:far-away"),
    ("http", "http://127.0.0.1:1/"),
    ("http", "http://user:secret@example.com:8080/path?a=b"),
    ("https", "https://127.0.0.1:1/hook"),
    ("email", MAIL),
    ("email", "Ann.O'Neill+orders@mail.example.co.uk"),
    ("email-json", MAIL),
    ("sms", PHONE),
    ("lambda", FUNCTION),
    ("lambda", FUNCTION + ":live"),
]


@pytest.mark.parametrize(("protocol", "endpoint"), GOOD)
def test_each_protocol_takes_endpoints_of_its_kind(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    subscribe(sns, topic, protocol, endpoint)
    (found,) = subscriptions_of(sns, topic)
    assert (found["Protocol"], found["Endpoint"]) == (protocol, endpoint)


BAD = [
    ("http", "https://example.com/", "Endpoint must match the specified protocol"),
    ("https", "http://example.com/", "Endpoint must match the specified protocol"),
    ("http", "example.com", "Endpoint must match the specified protocol"),
    ("http", "", "Endpoint must match the specified protocol"),
    ("sqs", "orders", "SQS endpoint ARN"),
    ("sqs", "http://localhost:4566/000000000000/orders", "SQS endpoint ARN"),
    ("sqs", FUNCTION, "SQS endpoint ARN"),
    ("sqs", "arn:aws:sqs:us-east-1:000000000000", "SQS endpoint ARN"),
    ("lambda", QUEUE, "Lambda endpoint ARN"),
    ("lambda", "handle", "Lambda endpoint ARN"),
    ("lambda", "arn:aws:lambda:us-east-1:000000000000:layer:x", "Lambda endpoint ARN"),
    ("application", QUEUE, "ApplicationEndpoint ARN"),
    ("application", "arn:aws:sns:us-east-1:000000000000:app/GCM/shop", "ApplicationEndpoint ARN"),
    ("firehose", "arn:aws:firehose:us-east-1:000000000000:events", "Firehose endpoint ARN"),
    ("firehose", "events", "Firehose endpoint ARN"),
    ("sms", "15550100", "Invalid SMS endpoint: 15550100"),
    ("sms", "+1 (555) x", "Invalid SMS endpoint: +1 (555) x"),
    ("email", "nobody", "Email address"),
    ("email", "a@b@c", "Email address"),
    ("email-json", "", "Email address"),
]


@pytest.mark.parametrize(("protocol", "endpoint", "reason"), BAD)
def test_an_endpoint_of_another_kind_is_refused(sns: Any, protocol: str, endpoint: str, reason: str) -> None:
    topic = make_topic(sns)
    assert refusal(sns, topic, protocol, endpoint) == invalid(reason)
    assert subscriptions_of(sns, topic) == []


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [("sqs", "SQS endpoint ARN"), ("email", "Email address"), ("http", "Endpoint must match the specified protocol")],
)
def test_no_endpoint_is_a_bad_one(sns: Any, protocol: str, reason: str) -> None:
    assert refusal(sns, make_topic(sns), protocol, None) == invalid(reason)


@pytest.mark.parametrize("protocol", ["kinesis", "SQS", "smtp", "", "sqs "])
def test_a_protocol_that_there_is_not_is_named(sns: Any, protocol: str) -> None:
    reason = f"Amazon SNS does not support this protocol string: {protocol}"
    assert refusal(sns, make_topic(sns), protocol, QUEUE) == invalid(reason)


def test_the_endpoint_of_an_application_has_to_exist(sns: Any) -> None:
    code, message, status = refusal(sns, make_topic(sns), "application", APP_ENDPOINT)
    assert (code, status) == ("InvalidParameter", 400)
    assert message == f"Invalid parameter: Endpoint Reason: Endpoint does not exist for endpoint {APP_ENDPOINT}"


def test_an_applications_endpoint_is_subscribed(sns: Any) -> None:
    topic, endpoint = make_topic(sns), make_app_endpoint(sns)
    arn = answer_to_subscribe(sns, topic, "application", endpoint)
    assert attributes_of(sns, arn)["Endpoint"] == endpoint


def test_a_stream_needs_the_role_to_write_to_it(sns: Any) -> None:
    topic = make_topic(sns)
    code, message, status = refusal(sns, topic, "firehose", STREAM)
    assert (code, status) == ("InvalidParameter", 400)
    assert message.startswith("Invalid parameter: Attributes Reason: SubscriptionRoleArn")
    arn = answer_to_subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    assert attributes_of(sns, arn)["SubscriptionRoleArn"] == ROLE


# FIFO.


@pytest.mark.parametrize("queue", [FIFO_QUEUE, QUEUE], ids=["FIFO", "standard"])
def test_a_fifo_topic_takes_queues_of_both_kinds(sns: Any, queue: str) -> None:
    topic = make_fifo_topic(sns)
    assert answer_to_subscribe(sns, topic, "sqs", queue).startswith(topic + ":")


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("lambda", FUNCTION),
        ("http", "http://127.0.0.1:1/"),
        ("https", "https://127.0.0.1:1/"),
        ("email", MAIL),
        ("email-json", MAIL),
        ("sms", PHONE),
        ("firehose", STREAM),
        ("application", APP_ENDPOINT),
    ],
)
def test_a_fifo_topic_takes_nothing_but_queues(sns: Any, protocol: str, endpoint: str) -> None:
    assert refusal(sns, make_fifo_topic(sns), protocol, endpoint) == invalid(f"Invalid protocol type: {protocol}")


def test_a_standard_topic_takes_no_fifo_queue(sns: Any) -> None:
    reason = "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    assert refusal(sns, make_topic(sns), "sqs", FIFO_QUEUE) == invalid(reason)


# What is confirmed at once, and what is answered.

AT_ONCE = [("sqs", QUEUE), ("lambda", FUNCTION), ("sms", PHONE)]
BY_HAND = [("http", URL), ("https", "https://127.0.0.1:1/"), ("email", MAIL), ("email-json", MAIL)]


@pytest.mark.parametrize(("protocol", "endpoint"), AT_ONCE)
def test_an_endpoint_of_ones_own_is_confirmed_at_once(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    arn = answer_to_subscribe(sns, topic, protocol, endpoint)
    shown = attributes_of(sns, arn)
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("false", "true")


@pytest.mark.parametrize(("protocol", "endpoint"), [("firehose", STREAM), ("application", None)])
def test_a_stream_and_an_app_of_ones_own_are_confirmed_at_once(sns: Any, protocol: str, endpoint: str | None) -> None:
    more = {"SubscriptionRoleArn": ROLE} if protocol == "firehose" else {}
    arn = answer_to_subscribe(sns, make_topic(sns), protocol, endpoint or make_app_endpoint(sns), **more)
    assert not pending(sns, arn)


@pytest.mark.parametrize(("protocol", "endpoint"), BY_HAND)
def test_http_and_mail_always_have_to_confirm(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    assert answer_to_subscribe(sns, topic, protocol, endpoint) == "pending confirmation"
    shown = attributes_of(sns, subscribe(sns, topic, protocol, endpoint))
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("true", "false")


@pytest.mark.parametrize(("protocol", "endpoint"), [*AT_ONCE, *BY_HAND])
def test_a_subscriptions_arn_is_the_topics_and_a_uuid(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    assert re.fullmatch(f"{topic}:{UUID}", subscribe(sns, topic, protocol, endpoint))


@pytest.mark.parametrize("protocol", ["sqs", "lambda", "firehose"])
def test_an_endpoint_of_another_account_has_to_confirm(cloud: Harness, protocol: str) -> None:
    sns = cloud.client("sns", account=OWNER)
    endpoint = {"sqs": QUEUE, "lambda": FUNCTION, "firehose": STREAM}[protocol].replace("000000000000", OTHER)
    more = {"SubscriptionRoleArn": ROLE} if protocol == "firehose" else {}
    topic = make_topic(sns)
    assert answer_to_subscribe(sns, topic, protocol, endpoint, **more) == "pending confirmation"
    assert pending(sns, subscribe(sns, topic, protocol, endpoint, **more))


def test_whoever_has_the_queue_can_subscribe_it_to_anybodys_topic_at_once(cloud: Harness) -> None:
    topic = make_topic(cloud.client("sns", account=OWNER))
    other = cloud.client("sns", account=OTHER)
    arn = answer_to_subscribe(other, topic, "sqs", queue_arn("orders", OTHER))
    assert arn.startswith(topic + ":")
    assert not pending(other, arn)


def test_a_queues_owner_who_subscribes_it_himself_needs_no_confirmation_though_another_asked_before(
    cloud: Harness,
) -> None:
    owner, other = cloud.client("sns", account=OWNER), cloud.client("sns", account=OTHER)
    topic, queue = make_topic(owner), queue_arn("orders", OTHER)
    assert answer_to_subscribe(owner, topic, "sqs", queue) == "pending confirmation"
    assert answer_to_subscribe(other, topic, "sqs", queue).startswith(topic + ":")
    assert counts(owner, topic)[:2] == (1, 0)


def test_topic_subscriber_and_queue_can_be_of_three_accounts(cloud: Harness) -> None:
    topic = make_topic(cloud.client("sns", account=OWNER))
    subscriber = cloud.client("sns", account=OTHER)
    arn = subscribe(subscriber, topic, "sqs", queue_arn("orders", THIRD))
    shown = attributes_of(subscriber, arn)
    assert shown["Owner"] == OTHER
    assert shown["SubscriptionPrincipal"] == f"arn:aws:iam::{OTHER}:root"
    assert shown["PendingConfirmation"] == "true"
    assert counts(subscriber, topic)[:2] == (0, 1)


def test_a_queue_in_another_region_is_confirmed_at_once_too(cloud: Harness) -> None:
    sns = cloud.client("sns", account=OWNER, region="eu-west-1")
    topic = make_topic(sns)
    arn = answer_to_subscribe(sns, topic, "sqs", queue_arn("orders", OWNER, "us-east-1"))
    assert arn.startswith(topic_arn(account=OWNER, region="eu-west-1") + ":")


# Topics.


@pytest.mark.parametrize("topic", [topic_arn("nothing"), topic_arn(account=OWNER)])
def test_there_is_no_subscribing_to_a_topic_that_is_not_there(sns: Any, topic: str) -> None:
    assert refusal(sns, topic, "sqs", QUEUE) == NO_TOPIC


def test_there_is_no_subscribing_to_a_topic_of_another_region(cloud: Harness, sns: Any) -> None:
    topic = make_topic(cloud.client("sns", region="eu-west-1"))
    assert refusal(sns, topic, "sqs", QUEUE) == invalid("TopicArn")


# Attributes.


def test_attributes_can_be_given_at_once(sns: Any) -> None:
    given = {"FilterPolicy": POLICY, "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true"}
    shown = attributes_of(sns, subscribe(sns, make_topic(sns), "sqs", QUEUE, **given))
    assert {name: shown[name] for name in given} == given


@pytest.mark.parametrize("name", ["Filterpolicy", "Owner", "PendingConfirmation", "DisplayName", "ReplayStatus"])
def test_subscribe_names_the_attribute_that_there_is_not(sns: Any, name: str) -> None:
    topic = make_topic(sns)
    found = refusal(sns, topic, "sqs", QUEUE, **{name: "x"})
    assert found == invalid(f"Attributes Reason: Unknown attribute: {name}")
    assert subscriptions_of(sns, topic) == []


def test_a_refused_attribute_leaves_no_subscription(sns: Any) -> None:
    topic = make_topic(sns)
    found = refusal(sns, topic, "sqs", QUEUE, RawMessageDelivery="yes", FilterPolicy=POLICY)
    reason = "Attributes Reason: RawMessageDelivery: Invalid value [yes]. Must be true or false."
    assert found == invalid(reason)
    assert subscriptions_of(sns, topic) == []


# Subscribe said twice.


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"RawMessageDelivery": "true"},
        {"RawMessageDelivery": "TRUE"},
        {"FilterPolicy": POLICY},
        {"FilterPolicyScope": "MessageAttributes"},
        {"RawMessageDelivery": "true", "FilterPolicy": POLICY},
    ],
)
def test_the_same_subscription_again_is_found_by_all_or_some_of_its_attributes(sns: Any, again: dict[str, str]) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "sqs", QUEUE, RawMessageDelivery="true", FilterPolicy=POLICY)
    assert answer_to_subscribe(sns, topic, "sqs", QUEUE, **again) == arn
    assert len(subscriptions_of(sns, topic)) == 1


@pytest.mark.parametrize(
    "again",
    [
        {"RawMessageDelivery": "false"},
        {"FilterPolicy": OTHER_POLICY},
        {"FilterPolicy": "{}"},
        {"FilterPolicyScope": "MessageBody"},
        {"RedrivePolicy": f'{{"deadLetterTargetArn": "{queue_arn("dead")}"}}'},
    ],
)
def test_the_same_subscription_with_another_attribute_is_refused(sns: Any, again: dict[str, str]) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "sqs", QUEUE, RawMessageDelivery="true", FilterPolicy=POLICY)
    before = attributes_of(sns, arn)
    assert refusal(sns, topic, "sqs", QUEUE, **again) == OTHER_ATTRIBUTES
    assert attributes_of(sns, arn) == before


@pytest.mark.parametrize(
    "again", [{"RawMessageDelivery": "false"}, {"FilterPolicyScope": "MessageAttributes"}, {"FilterPolicy": "{}"}]
)
def test_a_default_that_is_said_again_is_no_difference(sns: Any, again: dict[str, str]) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic)
    assert answer_to_subscribe(sns, topic, "sqs", QUEUE, **again) == arn


def test_what_was_set_later_counts_when_an_endpoint_subscribes_again(sns: Any) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY)
    set_attribute(sns, arn, "FilterPolicy", OTHER_POLICY)
    assert refusal(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY) == OTHER_ATTRIBUTES
    assert answer_to_subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=OTHER_POLICY) == arn


def test_a_pending_subscription_again_keeps_its_arn_and_goes_on_waiting(sns: Any) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "email", MAIL)
    assert answer_to_subscribe(sns, topic, "email", MAIL) == "pending confirmation"
    assert subscribe(sns, topic, "email", MAIL) == arn
    assert pending(sns, arn)


def test_one_endpoint_by_two_protocols_or_at_two_topics_is_more_than_one_subscription(sns: Any) -> None:
    first, second = make_topic(sns, "first"), make_topic(sns, "second")
    arns = {
        subscribe(sns, first, "email", MAIL),
        subscribe(sns, first, "email-json", MAIL),
        subscribe(sns, second, "email", MAIL),
    }
    assert len(arns) == 3
    assert len(subscriptions_of(sns)) == 3


def test_a_subscription_that_was_ended_begins_anew_with_another_arn(sns: Any) -> None:
    topic = make_topic(sns)
    old = subscribe(sns, topic, "sqs", QUEUE, RawMessageDelivery="true")
    sns.unsubscribe(SubscriptionArn=old)
    new = subscribe(sns, topic)
    assert new != old
    assert attributes_of(sns, new)["RawMessageDelivery"] == "false"


# Quotas.


def test_the_quotas_are_those_of_aws() -> None:
    assert (limits.SUBSCRIPTIONS_MAX, limits.FIFO_SUBSCRIPTIONS_MAX) == (12_500_000, 100)
    assert (limits.FILTER_POLICIES_PER_TOPIC_MAX, limits.FILTER_POLICIES_PER_ACCOUNT_MAX) == (200, 10_000)


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "FIFO"])
def test_a_subscription_beyond_the_quota_is_refused_until_one_is_ended(
    sns: Any, monkeypatch: pytest.MonkeyPatch, *, fifo: bool
) -> None:
    monkeypatch.setattr(limits, "FIFO_SUBSCRIPTIONS_MAX" if fifo else "SUBSCRIPTIONS_MAX", 2)
    topic = make_fifo_topic(sns) if fifo else make_topic(sns)
    first, second = (subscribe(sns, topic, "sqs", queue_arn(name)) for name in ("one", "two"))
    code, _, status = refusal(sns, topic, "sqs", queue_arn("three"))
    assert (code, status) == ("SubscriptionLimitExceeded", 403)
    assert subscribe(sns, topic, "sqs", queue_arn("one")) == first  # it is there already
    sns.unsubscribe(SubscriptionArn=second)
    assert subscribe(sns, topic, "sqs", queue_arn("three")).startswith(topic + ":")


def test_a_fifo_topic_has_100_subscriptions(sns: Any) -> None:
    topic = make_fifo_topic(sns)
    for number in range(100):
        subscribe(sns, topic, "sqs", queue_arn(f"q{number}.fifo"))
    code, _, status = refusal(sns, topic, "sqs", queue_arn("more.fifo"))
    assert (code, status) == ("SubscriptionLimitExceeded", 403)


def test_quotas_can_be_lifted(cloud_with: Callable[..., Harness]) -> None:
    sns = cloud_with(quotas=False).client("sns")
    topic = make_fifo_topic(sns)
    for number in range(101):
        subscribe(sns, topic, "sqs", queue_arn(f"q{number}.fifo"))
    assert counts(sns, topic) == (101, 0, 0)
