"""The attributes of a subscription: which there are, what each may hold, how a change acts, what GetSubscriptionAttributes shows.

Source: the API pages of Subscribe, SetSubscriptionAttributes, GetSubscriptionAttributes; texts and order are as recorded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from emulator.arns import parse_arn
from services.sns import archives, delivery_policy, errors, fanout, filters, limits, protocols, roster
from services.sns.state import home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.app import Emulator
    from services.sns.message import Notification
    from services.sns.state import Subscription, Topic

_EMPTY = re.compile(r"\s*\{\s*\}\s*")
IN_SUBSCRIBE = "Attributes Reason: "
"""Stands in a refusal by Subscribe in front of the attribute's name."""


class Subject(NamedTuple):
    """What an attribute's value is checked against."""

    topic: Topic
    protocol: str
    endpoint: str
    owner: str
    scope: str
    """FilterPolicyScope, as it will be."""

    prefix: str


def check(subject: Subject, name: str, value: str) -> str:
    """Check one attribute's value and give it as AWS keeps it; empty text unsets it. Raises InvalidParameter."""
    if not value and name == "SubscriptionRoleArn" and subject.protocol == "firehose":
        raise errors.invalid_parameter(f"{subject.prefix}SubscriptionRoleArn")
    return CHECKS[name](subject, value) if value else ""


def _delivery_policy(subject: Subject, value: str) -> str:
    if subject.protocol not in protocols.HTTP:
        raise errors.invalid_parameter(f"Delivery protocol [{subject.protocol}] does not support delivery policy.")
    return delivery_policy.parse_subscription_policy(value, subject.prefix)


def _filter_policy(subject: Subject, value: str) -> str:
    if _EMPTY.fullmatch(value):
        return ""
    filters.parse_filter(value, subject.scope, subject.prefix)
    return value


def _scope(subject: Subject, value: str) -> str:
    if value not in filters.SCOPES:
        raise errors.invalid_parameter(
            f"{subject.prefix}FilterPolicyScope: Invalid value [{value}]. "
            "Please use either MessageBody or MessageAttributes"
        )
    return value


def _raw(subject: Subject, value: str) -> str:
    if subject.protocol not in protocols.RAW:
        raise errors.invalid_parameter(f"Delivery protocol [{subject.protocol}] does not support raw message delivery.")
    if value.lower() not in ("true", "false"):
        raise errors.invalid_parameter(
            f"{subject.prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false."
        )
    return value.lower()


def _redrive_policy(subject: Subject, value: str) -> str:
    place = f"{subject.prefix}RedrivePolicy"
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise errors.invalid_parameter(f"{place}: failed to parse JSON.")
    for key in document:
        if key != "deadLetterTargetArn":
            raise errors.invalid_parameter(f"{place}: invalid JSON. Attribute {key} is unknown.")
    target = document.get("deadLetterTargetArn")
    arn = parse_arn(target) if isinstance(target, str) else None
    topic = subject.topic
    if arn is None or arn.service != "sqs" or (arn.region, arn.account) != (topic.region, subject.owner):
        raise errors.invalid_parameter(f"{place}: deadLetterTargetArn is an invalid arn")
    fifo_letters, fifo_queue = arn.resource.endswith(".fifo"), subject.endpoint.endswith(".fifo")
    if fifo_letters != topic.fifo and (fifo_letters or fifo_queue):
        kind = "FIFO" if topic.fifo else "standard"
        raise errors.invalid_parameter(
            f"{place}: must use a {kind} queue as DLQ for a {kind} Subscription to a {kind} Topic."
        )
    return value


def _role(subject: Subject, value: str) -> str:
    arn = parse_arn(value)
    if subject.protocol != "firehose" or arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
        raise errors.invalid_parameter(f"{subject.prefix}SubscriptionRoleArn")
    return value


def _replay_policy(subject: Subject, value: str) -> str:
    if _EMPTY.fullmatch(value):
        return ""
    return archives.check_replay_policy(subject.topic, value, subject.prefix)


CHECKS: Mapping[str, Callable[[Subject, str], str]] = {
    "FilterPolicyScope": _scope,
    "FilterPolicy": _filter_policy,
    "RawMessageDelivery": _raw,
    "RedrivePolicy": _redrive_policy,
    "DeliveryPolicy": _delivery_policy,
    "SubscriptionRoleArn": _role,
    "ReplayPolicy": _replay_policy,
}
DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}


def apply(emulator: Emulator, subscription: Subscription) -> None:
    """Take out of the attributes what deliveries need of them, and let the routes know."""
    topic, attributes, lane = subscription.topic, subscription.attributes, subscription.lane
    subscription.raw = attributes.get("RawMessageDelivery") == "true"
    redrive = attributes.get("RedrivePolicy")
    lane.dead_letter_arn = orjson.loads(redrive)["deadLetterTargetArn"] if redrive else None
    if subscription.protocol in protocols.HTTP:
        plan = delivery_policy.http_plan(topic.attributes.get("DeliveryPolicy"), attributes.get("DeliveryPolicy"))
        subscription.http = plan
        lane.backoff, lane.per_second_max = plan.backoff, plan.receives_per_s_max
    had, policy = subscription.pattern, attributes.get("FilterPolicy")
    subscription.pattern = filters.parse_filter(policy, subscription.scope) if policy else None
    if subscription.arn in topic.subscriptions:
        more = (subscription.pattern is not None) - (had is not None)
        topic.filter_policies += more
        home(emulator, topic.account, topic.region).filter_policies += more
        if subscription.confirmed:
            topic.routes.add(subscription)


def check_filter_policies(emulator: Emulator, topic: Topic) -> None:
    """Check that there may be one more filter policy. Raises FilterPolicyLimitExceeded."""
    if not emulator.settings.quotas:
        return
    roster.sweep(emulator, topic, emulator.clock.now_ms())
    on_topic = topic.filter_policies
    in_account = home(emulator, topic.account, topic.region).filter_policies
    if on_topic >= limits.FILTER_POLICIES_PER_TOPIC_MAX or in_account >= limits.FILTER_POLICIES_PER_ACCOUNT_MAX:
        raise errors.filter_policy_limit_exceeded()


def start_replay(emulator: Emulator, subscription: Subscription) -> None:
    """Begin the replay that the subscription's ReplayPolicy asks for, in place of one that runs; none where it asks for none."""
    held = [] if subscription.replay is None else subscription.replay.stop()
    policy = subscription.attributes.get("ReplayPolicy")
    replay = None if policy is None else archives.Replay(emulator, subscription, policy)
    subscription.replay = replay

    def deliver(notification: Notification) -> None:
        fanout.deliver_to(emulator, notification, subscription)

    def take(notification: Notification) -> None:
        if filters.wanted(subscription, notification):
            deliver(notification)

    for published_ms, notification in held:
        if replay is None or not replay.brings(published_ms):
            deliver(notification)
    if replay is not None and subscription.confirmed:
        replay.start(take, deliver)


def show(subscription: Subscription) -> dict[str, str]:
    """Write all attributes, in AWS's order."""
    topic, have = subscription.topic, subscription.attributes
    shown = {
        "SubscriptionPrincipal": subscription.principal,
        "Owner": subscription.owner,
        "RawMessageDelivery": have.get("RawMessageDelivery", "false"),
        "FilterPolicy": have.get("FilterPolicy"),
        "TopicArn": topic.arn,
        "Endpoint": subscription.endpoint,
    }
    if subscription.protocol in protocols.HTTP:
        own = have.get("DeliveryPolicy")
        topics = topic.attributes.get("DeliveryPolicy")
        shown["EffectiveDeliveryPolicy"] = delivery_policy.effective_subscription_policy(topics, own)
        shown["DeliveryPolicy"] = own
    shown |= {
        "FilterPolicyScope": subscription.scope if "FilterPolicy" in have else None,
        "Protocol": subscription.protocol,
        "PendingConfirmation": str(not subscription.confirmed).lower(),
        "ConfirmationWasAuthenticated": str(subscription.authenticated).lower(),
        "SubscriptionArn": subscription.arn,
        "RedrivePolicy": have.get("RedrivePolicy"),
        "SubscriptionRoleArn": have.get("SubscriptionRoleArn"),
        "ReplayPolicy": have.get("ReplayPolicy"),
        "ReplayStatus": None if subscription.replay is None else subscription.replay.status,
    }
    return {name: value for name, value in shown.items() if value is not None}
