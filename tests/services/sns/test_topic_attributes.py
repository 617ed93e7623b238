"""Attributes of topics: defaults, AWS's order, every value that may be set and what is refused, and how subscriptions are counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.sns import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import (
    DAY_S,
    FUNCTION,
    MAIL,
    PHONE,
    QUEUE,
    ROLE,
    STREAM,
    queue_arn,
    subscribe,
    token_of,
)
from tests.support.sns_topics import (
    ACCOUNT,
    REGION,
    counts,
    invalid,
    make_fifo_topic,
    make_topic,
    set_topic,
    topic_attributes,
    topics_of,
)

EFFECTIVE = (
    '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,'
    '"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,'
    '"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}'
)
THROTTLE = '{"http":{"disableSubscriptionOverrides":false,"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}}'
KEY = "alias/aws/sns"
FEEDBACK = ("HTTP", "Firehose", "Lambda", "Application", "SQS")
KIB = 1024


def default_policy(account: str = ACCOUNT, region: str = REGION, name: str = "orders") -> str:
    """Write the policy that AWS gives to a new topic."""
    return (
        '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",'
        '"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",'
        '"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],'
        f'"Resource":"arn:aws:sns:{region}:{account}:{name}",'
        f'"Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}'
    )


def own_policy(arn: str) -> str:
    """Write a policy that somebody may set."""
    statement = {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": arn}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refusal(sns: Any, arn: str, name: str, value: str) -> Seen:
    """Set an attribute in vain."""
    return error_of(sns.set_topic_attributes, TopicArn=arn, AttributeName=name, AttributeValue=value)


def refusal_of_new(sns: Any, name: str, value: str, *, fifo: bool = False) -> Seen:
    """Create a topic in vain."""
    kind = {"FifoTopic": "true"} if fifo else {}
    return error_of(sns.create_topic, Name="refused.fifo" if fifo else "refused", Attributes={**kind, name: value})


# What GetTopicAttributes shows.


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, REGION), ("111122223333", "eu-west-1")])
def test_a_new_topic_has_aws_defaults_in_aws_order(cloud: Harness, account: str, region: str) -> None:
    sns = cloud.client("sns", account=account, region=region)
    arn = make_topic(sns)
    assert list(topic_attributes(sns, arn).items()) == [
        ("Policy", default_policy(account, region)),
        ("Owner", account),
        ("SubscriptionsPending", "0"),
        ("TopicArn", arn),
        ("EffectiveDeliveryPolicy", EFFECTIVE),
        ("SubscriptionsConfirmed", "0"),
        ("DisplayName", ""),
        ("SubscriptionsDeleted", "0"),
    ]


def test_a_new_fifo_topic_says_so_at_the_end(sns: Any) -> None:
    arn = make_fifo_topic(sns)
    assert list(topic_attributes(sns, arn).items()) == [
        ("Policy", default_policy(name="orders.fifo")),
        ("Owner", ACCOUNT),
        ("SubscriptionsPending", "0"),
        ("TopicArn", arn),
        ("EffectiveDeliveryPolicy", EFFECTIVE),
        ("SubscriptionsConfirmed", "0"),
        ("DisplayName", ""),
        ("SubscriptionsDeleted", "0"),
        ("FifoTopic", "true"),
        ("ContentBasedDeduplication", "false"),
    ]


def test_attributes_that_were_set_stand_at_their_places(sns: Any) -> None:
    arn = make_topic(
        sns,
        DeliveryPolicy=THROTTLE,
        DisplayName="Orders",
        TracingConfig="PassThrough",
        KmsMasterKeyId=KEY,
        SignatureVersion="1",
    )
    assert list(topic_attributes(sns, arn)) == [
        "Policy",
        "SignatureVersion",
        "Owner",
        "SubscriptionsPending",
        "KmsMasterKeyId",
        "TopicArn",
        "TracingConfig",
        "EffectiveDeliveryPolicy",
        "SubscriptionsConfirmed",
        "DisplayName",
        "DeliveryPolicy",
        "SubscriptionsDeleted",
    ]


def test_attributes_of_fifo_topics_stand_at_the_end(sns: Any) -> None:
    arn = make_fifo_topic(
        sns,
        ArchivePolicy='{"MessageRetentionPeriod":"30"}',
        FifoThroughputScope="MessageGroup",
        ContentBasedDeduplication="true",
    )
    assert list(topic_attributes(sns, arn))[-5:] == [
        "FifoTopic",
        "ContentBasedDeduplication",
        "FifoThroughputScope",
        "ArchivePolicy",
        "BeginningArchiveTime",
    ]


# What may be set.

GOOD = [
    ("DisplayName", "Orders & more, größer", None),
    ("DisplayName", "x" * 100, None),
    ("KmsMasterKeyId", KEY, None),
    ("SignatureVersion", "1", None),
    ("SignatureVersion", "2", None),
    ("TracingConfig", "PassThrough", None),
    ("TracingConfig", "Active", None),
    ("MaximumMessageSize", "1024", None),
    ("MaximumMessageSize", "262144", None),
    ("MaximumMessageSize", "1048576", None),
    ("DeliveryPolicy", THROTTLE, None),
    *((f"{protocol}SuccessFeedbackRoleArn", ROLE, None) for protocol in FEEDBACK),
    *((f"{protocol}FailureFeedbackRoleArn", ROLE, None) for protocol in FEEDBACK),
    *((f"{protocol}SuccessFeedbackSampleRate", "100", None) for protocol in FEEDBACK),
    ("SQSSuccessFeedbackSampleRate", "0", None),
]
GOOD_FOR_FIFO = [
    ("ContentBasedDeduplication", "true", None),
    ("ContentBasedDeduplication", "false", None),
    ("ContentBasedDeduplication", "TRUE", "true"),
    ("FifoThroughputScope", "Topic", None),
    ("FifoThroughputScope", "MessageGroup", None),
    ("TracingConfig", "PassThrough", None),
    ("DisplayName", "Orders", None),
]


@pytest.mark.parametrize(("name", "value", "kept"), GOOD)
def test_an_attribute_can_be_set_at_creation_or_later(sns: Any, name: str, value: str, kept: str | None) -> None:
    made, changed = make_topic(sns, "made", **{name: value}), make_topic(sns, "changed")
    set_topic(sns, changed, name, value)
    assert [topic_attributes(sns, arn)[name] for arn in (made, changed)] == [kept or value] * 2


@pytest.mark.parametrize(("name", "value", "kept"), GOOD_FOR_FIFO)
def test_an_attribute_of_a_fifo_topic_can_be_set_at_creation_or_later(
    sns: Any, name: str, value: str, kept: str | None
) -> None:
    made, changed = make_fifo_topic(sns, "made.fifo", **{name: value}), make_fifo_topic(sns, "changed.fifo")
    set_topic(sns, changed, name, value)
    assert [topic_attributes(sns, arn)[name] for arn in (made, changed)] == [kept or value] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DisplayName", "Orders"),
        ("KmsMasterKeyId", KEY),
        ("SignatureVersion", "2"),
        ("TracingConfig", "Active"),
        ("MaximumMessageSize", "2048"),
        ("DeliveryPolicy", THROTTLE),
        ("SQSFailureFeedbackRoleArn", ROLE),
        ("SQSSuccessFeedbackSampleRate", "10"),
    ],
)
def test_empty_text_unsets_an_attribute(sns: Any, name: str, value: str) -> None:
    arn = make_topic(sns)
    before = topic_attributes(sns, arn)
    set_topic(sns, arn, name, value)
    assert topic_attributes(sns, arn) != before
    set_topic(sns, arn, name, "")
    assert topic_attributes(sns, arn) == before


def test_no_value_at_all_unsets_an_attribute(sns: Any) -> None:
    arn = make_topic(sns, DisplayName="Orders")
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName")
    assert topic_attributes(sns, arn)["DisplayName"] == ""


def test_a_policy_is_kept_as_it_was_written_and_empty_text_brings_the_default_back(sns: Any) -> None:
    arn = make_topic(sns)
    set_topic(sns, arn, "Policy", own_policy(arn))
    assert topic_attributes(sns, arn)["Policy"] == own_policy(arn)
    set_topic(sns, arn, "Policy", "")
    assert topic_attributes(sns, arn)["Policy"] == default_policy()


def test_a_delivery_policy_shows_in_the_effective_one(sns: Any) -> None:
    arn = make_topic(sns, DeliveryPolicy=THROTTLE)
    effective = json.loads(topic_attributes(sns, arn)["EffectiveDeliveryPolicy"])
    assert effective == {"http": json.loads(EFFECTIVE)["http"] | json.loads(THROTTLE)["http"]}


def test_saying_that_a_standard_topic_does_not_look_at_contents_says_nothing(sns: Any) -> None:
    arn = make_topic(sns, ContentBasedDeduplication="false")
    assert "ContentBasedDeduplication" not in topic_attributes(sns, arn)


# What is refused.

BAD = [
    ("DisplayName", "x" * 101, "DisplayName"),
    ("DisplayName", "two\nlines", "DisplayName"),
    ("SignatureVersion", "3", "SignatureVersion: Invalid value [3]. Must be 1 or 2."),
    ("TracingConfig", "active", "TracingConfig: Invalid value [active]. Must be PassThrough or Active."),
    ("MaximumMessageSize", "1023", "MaximumMessageSize: Invalid value [1023]. Must be a number from 1024 to 1048576."),
    (
        "MaximumMessageSize",
        "1048577",
        "MaximumMessageSize: Invalid value [1048577]. Must be a number from 1024 to 1048576.",
    ),
    (
        "MaximumMessageSize",
        "1 MiB",
        "MaximumMessageSize: Invalid value [1 MiB]. Must be a number from 1024 to 1048576.",
    ),
    (
        "SQSSuccessFeedbackSampleRate",
        "101",
        "SQSSuccessFeedbackSampleRate: Invalid value [101]. Must be a number from 0 to 100.",
    ),
    (
        "HTTPSuccessFeedbackSampleRate",
        "-1",
        "HTTPSuccessFeedbackSampleRate: Invalid value [-1]. Must be a number from 0 to 100.",
    ),
    ("LambdaFailureFeedbackRoleArn", "writer", "LambdaFailureFeedbackRoleArn: writer is not the ARN of a role"),
    ("ContentBasedDeduplication", "true", "Content-based deduplication can only be set for FIFO topics"),
    ("FifoThroughputScope", "Topic", "FifoThroughputScope can only be set for FIFO topics"),
    ("ArchivePolicy", '{"MessageRetentionPeriod":"30"}', "ArchivePolicy can only be set for FIFO topics"),
    ("Policy", "{}", "Policy Error: null"),
    ("DeliveryPolicy", "{", "DeliveryPolicy: Invalid JSON"),
]
BAD_FOR_FIFO = [
    (
        "ContentBasedDeduplication",
        "yes",
        "ContentBasedDeduplication: Invalid value [yes]. Must be true or false.",
    ),
    ("FifoThroughputScope", "Queue", "FifoThroughputScope: Invalid value [Queue]. Must be Topic or MessageGroup."),
    ("FifoThroughputScope", "", "FifoThroughputScope: Invalid value []. Must be Topic or MessageGroup."),
    ("TracingConfig", "Active", "TracingConfig is not supported for FIFO topics"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_a_bad_value_is_refused_at_creation_and_later(sns: Any, name: str, value: str, reason: str) -> None:
    arn = make_topic(sns)
    before = topic_attributes(sns, arn)
    assert refusal(sns, arn, name, value) == invalid(reason)
    assert refusal_of_new(sns, name, value) == invalid(f"Attributes Reason: {reason}")
    assert topic_attributes(sns, arn) == before
    assert topics_of(sns) == [arn]


@pytest.mark.parametrize(("name", "value", "reason"), BAD_FOR_FIFO)
def test_a_bad_value_for_a_fifo_topic_is_refused_at_creation_and_later(
    sns: Any, name: str, value: str, reason: str
) -> None:
    arn = make_fifo_topic(sns)
    assert refusal(sns, arn, name, value) == invalid(reason)
    assert refusal_of_new(sns, name, value, fifo=True) == invalid(f"Attributes Reason: {reason}")


@pytest.mark.parametrize(
    "name",
    [
        "Owner",
        "TopicArn",
        "SubscriptionsPending",
        "SubscriptionsConfirmed",
        "SubscriptionsDeleted",
        "EffectiveDeliveryPolicy",
        "BeginningArchiveTime",
        "FifoTopic",
        "displayName",
        "RawMessageDelivery",
        "",
    ],
)
@pytest.mark.parametrize("value", ["true", ""])
def test_what_is_unknown_or_fixed_cannot_be_set(sns: Any, name: str, value: str) -> None:
    arn = make_fifo_topic(sns)
    assert refusal(sns, arn, name, value) == invalid("AttributeName")
    assert topic_attributes(sns, arn)["FifoTopic"] == "true"


def test_deduplication_by_group_cannot_be_taken_back(sns: Any) -> None:
    arn = make_fifo_topic(sns, FifoThroughputScope="Topic")
    set_topic(sns, arn, "FifoThroughputScope", "MessageGroup")
    reason = "FifoThroughputScope: MessageGroup cannot be changed back to Topic"
    assert refusal(sns, arn, "FifoThroughputScope", "Topic") == invalid(reason)
    set_topic(sns, arn, "FifoThroughputScope", "MessageGroup")
    assert topic_attributes(sns, arn)["FifoThroughputScope"] == "MessageGroup"


# Large messages.

LARGE = str(256 * KIB + 1)
TOO_MANY = "MaximumMessageSize: a topic with messages above 256 KiB can have at most 100 subscriptions"
SMALL_ONLY = "MaximumMessageSize: subscriptions of protocol {} cannot take messages above 256 KiB"


def test_the_size_limits_are_those_of_aws() -> None:
    sizes = (limits.MESSAGE_SIZE_LOWEST_BYTES, limits.MESSAGE_MAX_BYTES, limits.MESSAGE_SIZE_HIGHEST_BYTES)
    assert sizes == (KIB, 256 * KIB, 1024 * KIB)


@pytest.mark.parametrize(("protocol", "endpoint"), [("email", MAIL), ("sms", PHONE), ("http", "http://127.0.0.1:1/")])
def test_a_topic_with_other_subscribers_cannot_have_large_messages(sns: Any, protocol: str, endpoint: str) -> None:
    arn = make_topic(sns)
    subscribe(sns, arn, protocol, endpoint)
    assert refusal(sns, arn, "MaximumMessageSize", LARGE) == invalid(SMALL_ONLY.format(protocol))
    set_topic(sns, arn, "MaximumMessageSize", str(256 * KIB))


def test_a_topic_of_queues_functions_and_streams_can_have_large_messages(sns: Any) -> None:
    arn = make_topic(sns)
    subscribe(sns, arn, "sqs", QUEUE)
    subscribe(sns, arn, "lambda", FUNCTION)
    subscribe(sns, arn, "firehose", STREAM, SubscriptionRoleArn=ROLE)
    set_topic(sns, arn, "MaximumMessageSize", LARGE)
    assert topic_attributes(sns, arn)["MaximumMessageSize"] == LARGE


@pytest.mark.parametrize(("protocol", "endpoint"), [("email", MAIL), ("sms", PHONE), ("https", "https://127.0.0.1:1/")])
def test_other_subscribers_cannot_come_to_a_topic_with_large_messages(sns: Any, protocol: str, endpoint: str) -> None:
    arn = make_topic(sns, MaximumMessageSize=LARGE)
    found = error_of(sns.subscribe, TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    assert found == invalid(SMALL_ONLY.format(protocol))


def test_a_topic_with_large_messages_has_100_subscriptions(sns: Any) -> None:
    arn = make_topic(sns)
    for number in range(100):
        subscribe(sns, arn, "sqs", queue_arn(f"q{number}"))
    set_topic(sns, arn, "MaximumMessageSize", LARGE)
    one_more = {"TopicArn": arn, "Protocol": "sqs", "Endpoint": QUEUE}
    assert error_of(sns.subscribe, **one_more) == invalid(TOO_MANY)
    set_topic(sns, arn, "MaximumMessageSize", "")
    sns.subscribe(**one_more)
    assert refusal(sns, arn, "MaximumMessageSize", LARGE) == invalid(TOO_MANY)


def test_a_subscriber_that_never_confirmed_does_not_stand_in_the_way_of_large_messages(
    cloud: Harness, sns: Any
) -> None:
    arn = make_topic(sns)
    subscribe(sns, arn, "email", MAIL)
    cloud.advance(2 * DAY_S)
    set_topic(sns, arn, "MaximumMessageSize", LARGE)
    assert topic_attributes(sns, arn)["MaximumMessageSize"] == LARGE


# Counts.


def test_subscriptions_are_counted_by_what_has_become_of_them(cloud: Harness, sns: Any) -> None:
    arn = make_topic(sns)
    assert counts(sns, arn) == (0, 0, 0)
    queue = subscribe(sns, arn, "sqs", QUEUE)
    mail = subscribe(sns, arn, "email", MAIL)
    assert counts(sns, arn) == (1, 1, 0)
    sns.confirm_subscription(TopicArn=arn, Token=token_of(cloud, mail))
    assert counts(sns, arn) == (2, 0, 0)
    sns.unsubscribe(SubscriptionArn=queue)
    assert counts(sns, arn) == (1, 0, 1)
    sns.unsubscribe(SubscriptionArn=queue)
    assert counts(sns, arn) == (1, 0, 1)


def test_a_subscription_that_is_not_confirmed_is_counted_for_two_days(cloud: Harness, sns: Any) -> None:
    arn = make_topic(sns)
    subscribe(sns, arn, "email", MAIL)
    cloud.advance(2 * DAY_S - 0.001)
    assert counts(sns, arn)[:2] == (0, 1)
    cloud.advance(0.001)
    assert counts(sns, arn)[:2] == (0, 0)
