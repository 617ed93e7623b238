"""RedrivePolicy of a subscription: which queues may take its dead letters, and the words for those that may not, in Subscribe and in
SetSubscriptionAttributes. What is dead-lettered, and how, is tested with the deliveries.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import (
    FIFO_QUEUE,
    FUNCTION,
    MAIL,
    PHONE,
    QUEUE,
    URL,
    attributes_of,
    queue_arn,
    set_attribute,
    subscribe,
    subscriptions_of,
)
from tests.support.sns_topics import invalid, make_fifo_topic, make_topic
from tests.support.sqs_messages import make_queue, receive

OWNER, OTHER = "111122223333", "444455556666"
DEAD, DEAD_FIFO = queue_arn("dead"), queue_arn("dead.fifo")


def redrive(target: str) -> str:
    """Write a policy."""
    return json.dumps({"deadLetterTargetArn": target})


def refusals(sns: Any, topic: str, queue: str, policy: str) -> list[Seen]:
    """Give a policy in vain: to a new subscription, and to one that is there."""
    new = error_of(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RedrivePolicy": policy})
    assert subscriptions_of(sns, topic) == []
    arn = subscribe(sns, topic, "sqs", queue)
    changed = error_of(
        sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy
    )
    assert "RedrivePolicy" not in attributes_of(sns, arn)
    return [new, changed]


def both(reason: str) -> list[Seen]:
    """Say how Subscribe and how SetSubscriptionAttributes words one refusal."""
    return [invalid(f"Attributes Reason: RedrivePolicy: {reason}"), invalid(f"RedrivePolicy: {reason}")]


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [("sqs", QUEUE), ("http", URL), ("email", MAIL), ("sms", PHONE), ("lambda", FUNCTION)],
)
def test_dead_letters_of_each_protocol_can_go_to_a_queue(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, protocol, endpoint, RedrivePolicy=redrive(DEAD))
    assert attributes_of(sns, arn)["RedrivePolicy"] == redrive(DEAD)


def test_the_policy_is_shown_as_it_was_written(sns: Any) -> None:
    text = f'{{ "deadLetterTargetArn":"{DEAD}" }}'
    arn = subscribe(sns, make_topic(sns))
    set_attribute(sns, arn, "RedrivePolicy", text)
    assert attributes_of(sns, arn)["RedrivePolicy"] == text


def test_the_dead_letter_queue_need_not_exist(sns: Any) -> None:
    arn = subscribe(sns, make_topic(sns), "sqs", QUEUE, RedrivePolicy=redrive(queue_arn("not-there")))
    assert attributes_of(sns, arn)["RedrivePolicy"] == redrive(queue_arn("not-there"))


def test_empty_text_takes_the_policy_away(sns: Any) -> None:
    arn = subscribe(sns, make_topic(sns), "sqs", QUEUE, RedrivePolicy=redrive(DEAD))
    set_attribute(sns, arn, "RedrivePolicy", "")
    assert "RedrivePolicy" not in attributes_of(sns, arn)


def test_a_subscription_begins_without_a_policy(sns: Any) -> None:
    assert "RedrivePolicy" not in attributes_of(sns, subscribe(sns, make_topic(sns), "sqs", QUEUE, RedrivePolicy=""))


@pytest.mark.parametrize("key", ["maxReceiveCount", "redrivePermission", "DeadLetterTargetArn"])
def test_an_attribute_that_redrive_policies_do_not_have_is_named(sns: Any, key: str) -> None:
    policy = json.dumps({"deadLetterTargetArn": DEAD, key: 3})
    reason = f"invalid JSON. Attribute {key} is unknown."
    assert refusals(sns, make_topic(sns), QUEUE, policy) == both(reason)


@pytest.mark.parametrize("policy", ["nonsense", "{", "[]", '"dead"', "null", "3", DEAD])
def test_a_policy_is_a_json_object(sns: Any, policy: str) -> None:
    assert refusals(sns, make_topic(sns), QUEUE, policy) == both("failed to parse JSON.")


@pytest.mark.parametrize(
    "target",
    [
        "dead",
        "http://localhost:4566/000000000000/dead",
        "arn:aws:sns:us-east-1:000000000000:dead",
        "arn:aws:sqs:us-east-1:000000000000",
        "arn:aws:sqs:eu-west-1:000000000000:dead",
        "arn:aws:sqs:us-east-1:111122223333:dead",
        "",
    ],
    ids=["name", "URL", "topic", "no name", "other region", "other account", "empty"],
)
def test_the_target_is_the_arn_of_a_queue_in_the_same_account_and_region(sns: Any, target: str) -> None:
    reason = "deadLetterTargetArn is an invalid arn"
    assert refusals(sns, make_topic(sns), QUEUE, redrive(target)) == both(reason)


@pytest.mark.parametrize("policy", ["{}", '{"deadLetterTargetArn": null}', '{"deadLetterTargetArn": 5}'])
def test_a_policy_needs_a_target(sns: Any, policy: str) -> None:
    assert refusals(sns, make_topic(sns), QUEUE, policy) == both("deadLetterTargetArn is an invalid arn")


def test_a_fifo_subscription_has_a_fifo_queue_for_its_dead_letters(sns: Any) -> None:
    topic = make_fifo_topic(sns)
    reason = "must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
    assert refusals(sns, topic, FIFO_QUEUE, redrive(DEAD)) == both(reason)
    (found,) = subscriptions_of(sns, topic)
    set_attribute(sns, found["SubscriptionArn"], "RedrivePolicy", redrive(DEAD_FIFO))
    assert attributes_of(sns, found["SubscriptionArn"])["RedrivePolicy"] == redrive(DEAD_FIFO)


def test_a_standard_subscription_has_a_standard_queue_for_its_dead_letters(sns: Any) -> None:
    reason = "must use a standard queue as DLQ for a standard Subscription to a standard Topic."
    assert refusals(sns, make_topic(sns), QUEUE, redrive(DEAD_FIFO)) == both(reason)


def test_dead_letters_stay_in_the_subscribers_account(cloud: Harness) -> None:
    topic = make_topic(cloud.client("sns", account=OWNER))
    subscriber = cloud.client("sns", account=OTHER)
    queue = queue_arn("orders", OTHER)
    found = error_of(
        subscriber.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue,
        Attributes={"RedrivePolicy": redrive(queue_arn("dead", OWNER))},
    )
    assert found == both("deadLetterTargetArn is an invalid arn")[0]
    own = redrive(queue_arn("dead", OTHER))
    assert (
        attributes_of(subscriber, subscribe(subscriber, topic, "sqs", queue, RedrivePolicy=own))["RedrivePolicy"] == own
    )


def test_dead_letters_stay_in_the_topics_region_wherever_the_queue_is(cloud: Harness) -> None:
    sns = cloud.client("sns", account=OWNER, region="eu-west-1")
    topic, queue = make_topic(sns), queue_arn("orders", OWNER, "us-east-1")
    far, near = (redrive(queue_arn("dead", OWNER, region)) for region in ("us-east-1", "eu-west-1"))
    assert refusals(sns, topic, queue, far) == both("deadLetterTargetArn is an invalid arn")
    (found,) = subscriptions_of(sns, topic)
    set_attribute(sns, found["SubscriptionArn"], "RedrivePolicy", near)
    assert attributes_of(sns, found["SubscriptionArn"])["RedrivePolicy"] == near


def test_a_policy_acts_from_the_moment_it_is_set(sns: Any, sqs: Any) -> None:
    topic, dead = make_topic(sns), make_queue(sqs, "dead")
    arn = subscribe(sns, topic, "sqs", queue_arn("not-there"))
    sns.publish(TopicArn=topic, Message="before")
    set_attribute(sns, arn, "RedrivePolicy", redrive(DEAD))
    sns.publish(TopicArn=topic, Message="between")
    set_attribute(sns, arn, "RedrivePolicy", "")
    sns.publish(TopicArn=topic, Message="after")
    assert [json.loads(letter["Body"])["Message"] for letter in receive(sqs, dead)] == ["between"]
