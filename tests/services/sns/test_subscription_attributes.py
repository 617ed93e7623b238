"""Attributes of subscriptions: what is shown and in which order, every value that may be set, what is refused and in which words,
who may, and quotas of filter policies. Dead-letter queues have a file of their own (test_redrive_policy_rules.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.sns import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import (
    DAY_S,
    FUNCTION,
    MAIL,
    NO_SUBSCRIPTION,
    PHONE,
    QUEUE,
    ROLE,
    STREAM,
    URL,
    attributes_of,
    queue_arn,
    set_attribute,
    subscribe,
)
from tests.support.sns_topics import ACCOUNT, invalid, make_fifo_topic, make_topic, set_topic

OWNER, OTHER = "111122223333", "444455556666"
POLICY, NESTED = '{ "kind":["a"] }', '{"kind": {"of": ["a"]}}'
UUID_TEXT = "6f2b1c3d-0000-4000-8000-0123456789ab"
LINEAR = (
    '{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,'
    '"numMinDelayRetries":0,"backoffFunction":"linear"}'
)


def delivery_policy(retry: str = "null", throttle: str = "null", content: str = "null") -> str:
    """Write a subscription's DeliveryPolicy as AWS keeps it."""
    return (
        f'{{"healthyRetryPolicy":{retry},"sicklyRetryPolicy":null,"throttlePolicy":{throttle},'
        f'"requestPolicy":{content},"guaranteed":false}}'
    )


PLAIN = '{"headerContentType":"text/plain; charset=UTF-8"}'
THROTTLE = '{"maxReceivesPerSecond":5}'


@pytest.fixture
def topic(sns: Any) -> str:
    """The ARN of a standard topic."""
    return make_topic(sns)


def refusal(sns: Any, arn: str, name: str, value: str) -> Seen:
    """Set an attribute in vain."""
    return error_of(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def refusal_of_new(sns: Any, topic: str, protocol: str, endpoint: str, /, **attributes: str) -> Seen:
    """Subscribe in vain."""
    return error_of(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)


# What GetSubscriptionAttributes shows.


def test_a_queues_subscription_shows_its_attributes_in_aws_order(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic)
    assert list(attributes_of(sns, arn).items()) == [
        ("SubscriptionPrincipal", f"arn:aws:iam::{ACCOUNT}:root"),
        ("Owner", ACCOUNT),
        ("RawMessageDelivery", "false"),
        ("TopicArn", topic),
        ("Endpoint", QUEUE),
        ("Protocol", "sqs"),
        ("PendingConfirmation", "false"),
        ("ConfirmationWasAuthenticated", "true"),
        ("SubscriptionArn", arn),
    ]


def test_an_http_subscription_shows_how_it_is_delivered_to(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "http", URL)
    assert list(attributes_of(sns, arn).items()) == [
        ("SubscriptionPrincipal", f"arn:aws:iam::{ACCOUNT}:root"),
        ("Owner", ACCOUNT),
        ("RawMessageDelivery", "false"),
        ("TopicArn", topic),
        ("Endpoint", URL),
        ("EffectiveDeliveryPolicy", delivery_policy(LINEAR, content=PLAIN)),
        ("Protocol", "http"),
        ("PendingConfirmation", "true"),
        ("ConfirmationWasAuthenticated", "false"),
        ("SubscriptionArn", arn),
    ]


def test_attributes_that_were_set_stand_at_their_places(sns: Any, topic: str) -> None:
    redrive = json.dumps({"deadLetterTargetArn": queue_arn("dead")})
    given = {"FilterPolicy": POLICY, "RedrivePolicy": redrive, "DeliveryPolicy": delivery_policy(throttle=THROTTLE)}
    assert list(attributes_of(sns, subscribe(sns, topic, "https", "https://127.0.0.1:1/", **given))) == [
        "SubscriptionPrincipal",
        "Owner",
        "RawMessageDelivery",
        "FilterPolicy",
        "TopicArn",
        "Endpoint",
        "EffectiveDeliveryPolicy",
        "DeliveryPolicy",
        "FilterPolicyScope",
        "Protocol",
        "PendingConfirmation",
        "ConfirmationWasAuthenticated",
        "SubscriptionArn",
        "RedrivePolicy",
    ]


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("sqs", QUEUE), ("email", MAIL), ("sms", PHONE), ("lambda", FUNCTION)]
)
def test_only_http_has_delivery_policies(sns: Any, topic: str, protocol: str, endpoint: str) -> None:
    shown = attributes_of(sns, subscribe(sns, topic, protocol, endpoint))
    assert not {"DeliveryPolicy", "EffectiveDeliveryPolicy"} & shown.keys()


def test_a_topics_delivery_policy_shows_in_the_effective_one_of_its_subscriptions(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "http", URL)
    set_topic(sns, topic, "DeliveryPolicy", f'{{"http":{{"defaultThrottlePolicy":{THROTTLE}}}}}')
    shown = attributes_of(sns, arn)
    assert shown["EffectiveDeliveryPolicy"] == delivery_policy(LINEAR, THROTTLE, PLAIN)
    assert "DeliveryPolicy" not in shown


# Filter policies.


def test_a_filter_policy_is_shown_as_it_was_written_with_its_scope(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic)
    set_attribute(sns, arn, "FilterPolicy", POLICY)
    shown = attributes_of(sns, arn)
    assert (shown["FilterPolicy"], shown["FilterPolicyScope"]) == (POLICY, "MessageAttributes")


def test_the_scope_is_not_shown_without_a_policy(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic)
    set_attribute(sns, arn, "FilterPolicyScope", "MessageBody")
    assert "FilterPolicyScope" not in attributes_of(sns, arn)
    set_attribute(sns, arn, "FilterPolicy", POLICY)
    assert attributes_of(sns, arn)["FilterPolicyScope"] == "MessageBody"


@pytest.mark.parametrize("nothing", ["{}", "", " {} ", "{ }"])
def test_an_empty_policy_takes_the_policy_away(sns: Any, topic: str, nothing: str) -> None:
    arn = subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY)
    set_attribute(sns, arn, "FilterPolicy", nothing)
    assert not {"FilterPolicy", "FilterPolicyScope"} & attributes_of(sns, arn).keys()


@pytest.mark.parametrize("nothing", ["{}", ""])
def test_an_empty_policy_at_the_beginning_is_none(sns: Any, topic: str, nothing: str) -> None:
    assert "FilterPolicy" not in attributes_of(sns, subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=nothing))


@pytest.mark.parametrize("scope", ["MessageAttributes", "MessageBody"])
def test_a_scope_is_one_of_two(sns: Any, topic: str, scope: str) -> None:
    arn = subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY)
    set_attribute(sns, arn, "FilterPolicyScope", scope)
    assert attributes_of(sns, arn)["FilterPolicyScope"] == scope


@pytest.mark.parametrize("scope", ["Body", "messagebody", "MESSAGEBODY", "true"])
def test_any_other_scope_is_refused(sns: Any, topic: str, scope: str) -> None:
    arn = subscribe(sns, topic)
    reason = f"FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes"
    assert refusal(sns, arn, "FilterPolicyScope", scope) == invalid(reason)
    new = refusal_of_new(sns, topic, "email", MAIL, FilterPolicyScope=scope)
    assert new == invalid(f"Attributes Reason: {reason}")


NO_NESTING = "Filter policy scope MessageAttributes does not support nested filter policy"


def test_a_policy_is_read_in_the_scope_that_is_given_with_it(sns: Any, topic: str) -> None:
    body = {"FilterPolicy": NESTED, "FilterPolicyScope": "MessageBody"}
    assert attributes_of(sns, subscribe(sns, topic, "sqs", QUEUE, **body))["FilterPolicy"] == NESTED
    code, message, _ = refusal_of_new(sns, topic, "email", MAIL, FilterPolicy=NESTED)
    assert (code, NO_NESTING in message) == ("InvalidParameter", True)


def test_a_policy_of_bodies_does_not_let_its_scope_change_to_attributes(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=NESTED, FilterPolicyScope="MessageBody")
    for value in ("MessageAttributes", ""):
        code, message, _ = refusal(sns, arn, "FilterPolicyScope", value)
        assert (code, NO_NESTING in message) == ("InvalidParameter", True)
    assert attributes_of(sns, arn)["FilterPolicyScope"] == "MessageBody"


@pytest.mark.parametrize("text", ["{", "[]", "nonsense"])
def test_a_policy_that_is_no_json_object_is_refused_by_the_attributes_name(sns: Any, topic: str, text: str) -> None:
    code, message, status = refusal(sns, subscribe(sns, topic), "FilterPolicy", text)
    assert (code, status) == ("InvalidParameter", 400)
    assert message.startswith("Invalid parameter: FilterPolicy: ")
    _, message, _ = refusal_of_new(sns, topic, "email", MAIL, FilterPolicy=text)
    assert message.startswith("Invalid parameter: Attributes Reason: FilterPolicy: ")


# Raw delivery.


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("sqs", QUEUE), ("http", URL), ("https", "https://127.0.0.1:1/"), ("firehose", STREAM)]
)
@pytest.mark.parametrize(("value", "kept"), [("true", "true"), ("True", "true"), ("FALSE", "false"), ("", "false")])
def test_raw_delivery_is_switched_for_queues_http_and_streams(
    sns: Any, topic: str, protocol: str, endpoint: str, value: str, kept: str
) -> None:
    role = {"SubscriptionRoleArn": ROLE} if protocol == "firehose" else {}
    arn = subscribe(sns, topic, protocol, endpoint, RawMessageDelivery="true", **role)
    set_attribute(sns, arn, "RawMessageDelivery", value)
    assert attributes_of(sns, arn)["RawMessageDelivery"] == kept


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("lambda", FUNCTION), ("email", MAIL), ("email-json", MAIL), ("sms", PHONE)]
)
def test_the_others_have_no_raw_delivery(sns: Any, topic: str, protocol: str, endpoint: str) -> None:
    found = invalid(f"Delivery protocol [{protocol}] does not support raw message delivery.")
    assert refusal_of_new(sns, topic, protocol, endpoint, RawMessageDelivery="true") == found
    arn = subscribe(sns, topic, protocol, endpoint)
    assert refusal(sns, arn, "RawMessageDelivery", "true") == found
    assert attributes_of(sns, arn)["RawMessageDelivery"] == "false"


@pytest.mark.parametrize("value", ["yes", "1", "true "])
def test_raw_delivery_is_true_or_false(sns: Any, topic: str, value: str) -> None:
    reason = f"RawMessageDelivery: Invalid value [{value}]. Must be true or false."
    assert refusal(sns, subscribe(sns, topic), "RawMessageDelivery", value) == invalid(reason)
    new = refusal_of_new(sns, topic, "http", URL, RawMessageDelivery=value)
    assert new == invalid(f"Attributes Reason: {reason}")


# Delivery policies, roles, replays.


def test_a_delivery_policy_is_kept_in_aws_order_of_keys(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "http", URL)
    set_attribute(sns, arn, "DeliveryPolicy", '{"guaranteed": false, "throttlePolicy": {"maxReceivesPerSecond": 5}}')
    shown = attributes_of(sns, arn)
    assert shown["DeliveryPolicy"] == delivery_policy(throttle=THROTTLE)
    assert shown["EffectiveDeliveryPolicy"] == delivery_policy(LINEAR, THROTTLE, PLAIN)
    set_attribute(sns, arn, "DeliveryPolicy", "")
    assert "DeliveryPolicy" not in attributes_of(sns, arn)


@pytest.mark.parametrize(("protocol", "endpoint"), [("sqs", QUEUE), ("email", MAIL), ("lambda", FUNCTION)])
def test_a_delivery_policy_is_for_http_only(sns: Any, topic: str, protocol: str, endpoint: str) -> None:
    policy = delivery_policy(throttle=THROTTLE)
    code, message, status = refusal(sns, subscribe(sns, topic, protocol, endpoint), "DeliveryPolicy", policy)
    assert (code, status) == ("InvalidParameter", 400)
    assert message.startswith("Invalid parameter: ")


def test_a_stream_can_get_another_role(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    set_attribute(sns, arn, "SubscriptionRoleArn", ROLE + "-2")
    assert attributes_of(sns, arn)["SubscriptionRoleArn"] == ROLE + "-2"


def test_a_stream_cannot_lose_its_role(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    assert refusal(sns, arn, "SubscriptionRoleArn", "") == invalid("SubscriptionRoleArn")
    assert attributes_of(sns, arn)["SubscriptionRoleArn"] == ROLE


@pytest.mark.parametrize("value", ["writer", QUEUE, "arn:aws:iam::000000000000:user/writer"])
def test_a_role_is_a_role(sns: Any, topic: str, value: str) -> None:
    arn = subscribe(sns, topic, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    assert refusal(sns, arn, "SubscriptionRoleArn", value) == invalid("SubscriptionRoleArn")
    new = refusal_of_new(sns, topic, "firehose", STREAM + "-2", SubscriptionRoleArn=value)
    assert new == invalid("Attributes Reason: SubscriptionRoleArn")


def test_a_queue_has_no_role(sns: Any, topic: str) -> None:
    found = refusal(sns, subscribe(sns, topic), "SubscriptionRoleArn", ROLE)
    assert found == invalid("SubscriptionRoleArn")


def test_a_standard_topic_has_nothing_to_replay(sns: Any, topic: str) -> None:
    policy = '{"PointType":"Timestamp","StartingPoint":"2026-01-01T00:00:00.000Z"}'
    code, message, status = refusal(sns, subscribe(sns, topic), "ReplayPolicy", policy)
    assert (code, status) == ("InvalidParameter", 400)
    assert "ReplayPolicy" in message


# What cannot be set, and where.


@pytest.mark.parametrize(
    "name",
    ["Endpoint", "Owner", "PendingConfirmation", "EffectiveDeliveryPolicy", "ReplayStatus", "rawMessageDelivery", ""],
)
@pytest.mark.parametrize("value", ["true", ""])
def test_what_is_unknown_or_fixed_cannot_be_set(sns: Any, topic: str, name: str, value: str) -> None:
    assert refusal(sns, subscribe(sns, topic), name, value) == invalid("AttributeName")


def test_no_value_at_all_unsets_an_attribute(sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY)
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy")
    assert "FilterPolicy" not in attributes_of(sns, arn)


@pytest.mark.parametrize(("protocol", "endpoint"), [("email", MAIL), ("http", URL)])
def test_a_pending_subscription_has_attributes_that_can_be_set(
    sns: Any, topic: str, protocol: str, endpoint: str
) -> None:
    arn = subscribe(sns, topic, protocol, endpoint)
    set_attribute(sns, arn, "FilterPolicy", POLICY)
    assert attributes_of(sns, arn)["FilterPolicy"] == POLICY


BOTH = [
    ("get_subscription_attributes", {}),
    ("set_subscription_attributes", {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}),
]


@pytest.mark.parametrize(("operation", "arguments"), BOTH)
@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (f"arn:aws:sns:us-east-1:000000000000:orders:{UUID_TEXT}", NO_SUBSCRIPTION),
        (f"arn:aws:sns:us-east-1:{OTHER}:orders:{UUID_TEXT}", NO_SUBSCRIPTION),
        ("PendingConfirmation", invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")),
        ("pending confirmation", invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")),
        ("arn:aws:sns:us-east-1:1", invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 5")),
        (f"arn:aws:sqs:us-east-1:000000000000:orders:{UUID_TEXT}", invalid("SubscriptionArn")),
        (f"arn:aws:sns:eu-west-1:000000000000:orders:{UUID_TEXT}", invalid("SubscriptionArn")),
        ("arn:aws:sns:us-east-1:000000000000:orders:nonsense", invalid("SubscriptionId")),
    ],
)
def test_an_arn_of_no_subscription_is_refused(
    sns: Any, topic: str, arn: str, found: Seen, operation: str, arguments: dict[str, str]
) -> None:
    assert error_of(getattr(sns, operation), SubscriptionArn=arn, **arguments) == found


@pytest.mark.parametrize(("operation", "arguments"), BOTH)
def test_a_subscription_that_nobody_confirmed_in_two_days_has_no_attributes(
    cloud: Harness, sns: Any, topic: str, operation: str, arguments: dict[str, str]
) -> None:
    arn = subscribe(sns, topic, "http", URL)
    cloud.advance(2 * DAY_S - 0.001)
    getattr(sns, operation)(SubscriptionArn=arn, **arguments)
    cloud.advance(0.001)
    assert error_of(getattr(sns, operation), SubscriptionArn=arn, **arguments) == NO_SUBSCRIPTION


# Accounts.


def test_the_subscriber_sets_attributes_of_his_subscription_to_anothers_topic(cloud: Harness) -> None:
    topic = make_topic(cloud.client("sns", account=OWNER, region="eu-west-1"))
    subscriber = cloud.client("sns", account=OTHER, region="eu-west-1")
    arn = subscribe(subscriber, topic, "sqs", queue_arn("orders", OTHER, "eu-west-1"))
    set_attribute(subscriber, arn, "FilterPolicy", POLICY)
    shown = attributes_of(subscriber, arn)
    assert (shown["Owner"], shown["FilterPolicy"]) == (OTHER, POLICY)


def test_a_stranger_cannot_set_attributes_of_a_subscription(cloud: Harness) -> None:
    owner = cloud.client("sns", account=OWNER)
    arn = subscribe(owner, make_topic(owner), "sqs", queue_arn("orders", OWNER))
    code, _, status = refusal(cloud.client("sns", account=OTHER), arn, "RawMessageDelivery", "true")
    assert (code, status) == ("AuthorizationError", 403)
    assert attributes_of(owner, arn)["RawMessageDelivery"] == "false"


# Quotas of filter policies.


def test_a_topic_has_200_filter_policies(sns: Any, topic: str) -> None:
    arns = [subscribe(sns, topic, "sqs", queue_arn(f"q{number}"), FilterPolicy=POLICY) for number in range(200)]
    more = subscribe(sns, topic, "sqs", queue_arn("more"))
    code, _, status = refusal(sns, more, "FilterPolicy", POLICY)
    assert (code, status) == ("FilterPolicyLimitExceeded", 403)
    code, _, status = refusal_of_new(sns, topic, "email", MAIL, FilterPolicy=POLICY)
    assert (code, status) == ("FilterPolicyLimitExceeded", 403)
    set_attribute(sns, arns[0], "FilterPolicy", '{"kind": ["other"]}')  # takes the place of one that is there
    set_attribute(sns, arns[0], "FilterPolicy", "{}")
    set_attribute(sns, more, "FilterPolicy", POLICY)


@pytest.mark.parametrize("end", ["unsubscribed", "topic deleted", "never confirmed"])
def test_a_filter_policy_that_is_gone_makes_room_for_another(
    cloud: Harness, sns: Any, topic: str, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(limits, "FILTER_POLICIES_PER_ACCOUNT_MAX", 1)
    more = subscribe(sns, topic)
    other = make_topic(sns, "other") if end == "topic deleted" else topic
    first = subscribe(
        sns, other, "email" if end == "never confirmed" else "sms", MAIL if end == "never confirmed" else PHONE
    )
    set_attribute(sns, first, "FilterPolicy", POLICY)
    assert refusal(sns, more, "FilterPolicy", POLICY)[0] == "FilterPolicyLimitExceeded"
    if end == "unsubscribed":
        sns.unsubscribe(SubscriptionArn=first)
    elif end == "topic deleted":
        sns.delete_topic(TopicArn=other)
    else:
        cloud.advance(2 * DAY_S)
    set_attribute(sns, more, "FilterPolicy", POLICY)
    assert attributes_of(sns, more)["FilterPolicy"] == POLICY


def test_the_quota_of_the_account_counts_all_its_topics(sns: Any, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILTER_POLICIES_PER_ACCOUNT_MAX", 1)
    subscribe(sns, topic, "sqs", QUEUE, FilterPolicy=POLICY)
    found = refusal_of_new(sns, make_topic(sns, "other"), "sqs", QUEUE, FilterPolicy=POLICY)
    assert (found.code, found.status) == ("FilterPolicyLimitExceeded", 403)


def test_quotas_can_be_lifted(cloud_with: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILTER_POLICIES_PER_TOPIC_MAX", 1)
    sns = cloud_with(quotas=False).client("sns")
    topic = make_topic(sns)
    arns = [subscribe(sns, topic, "sqs", queue_arn(name), FilterPolicy=POLICY) for name in ("one", "two")]
    assert [attributes_of(sns, arn)["FilterPolicy"] for arn in arns] == [POLICY, POLICY]


def test_a_fifo_topics_subscription_shows_the_same_attributes(sns: Any) -> None:
    topic = make_fifo_topic(sns)
    arn = subscribe(sns, topic, "sqs", queue_arn("orders.fifo"))
    names = ["SubscriptionPrincipal", "Owner", "RawMessageDelivery", "TopicArn", "Endpoint", "Protocol"]
    names += ["PendingConfirmation", "ConfirmationWasAuthenticated", "SubscriptionArn"]
    assert list(attributes_of(sns, arn)) == names
