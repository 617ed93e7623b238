"""The attributes of a topic: which there are, what each may hold, what GetTopicAttributes shows and in which order.

Source: the API pages of CreateTopic, SetTopicAttributes, GetTopicAttributes; the order of the answer is as recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.sns import archives, delivery_policy, errors, limits, policies
from services.sns.deduplication import Deduplication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.app import Emulator
    from services.sns.state import Topic

    Check = Callable[[Topic, str, str, str], str]
    """(topic, name, value, prefix of a refusal) -> the value as AWS keeps it."""

_FEEDBACK_PROTOCOLS = ("HTTP", "Firehose", "Lambda", "Application", "SQS")


def check(topic: Topic, name: str, value: str, prefix: str = "") -> str:
    """Check one attribute's value and give it as AWS keeps it; empty text unsets it. Raises InvalidParameter."""
    if value == "" and name not in ("FifoTopic", "FifoThroughputScope"):
        return ""
    return CHECKS[name](topic, name, value, prefix)


def _refuse(name: str, value: str, reason: str, prefix: str) -> Exception:
    return errors.invalid_parameter(f"{prefix}{name}: Invalid value [{value}]. {reason}")


def _boolean(_topic: Topic, name: str, value: str, prefix: str) -> str:
    if value.lower() not in ("true", "false"):
        raise _refuse(name, value, "Must be true or false.", prefix)
    return value.lower()


def _content_based(topic: Topic, name: str, value: str, prefix: str) -> str:
    value = _boolean(topic, name, value, prefix)
    if topic.fifo:
        return value
    if value == "true":
        raise errors.invalid_parameter(f"{prefix}Content-based deduplication can only be set for FIFO topics")
    return ""  # said of a standard topic it says nothing


def _fifo_topic(topic: Topic, name: str, value: str, prefix: str) -> str:
    return "true" if _boolean(topic, name, value, prefix) == "true" else ""


def _throughput_scope(topic: Topic, name: str, value: str, prefix: str) -> str:
    if not topic.fifo:
        raise errors.invalid_parameter(f"{prefix}{name} can only be set for FIFO topics")
    if value not in ("Topic", "MessageGroup"):
        raise _refuse(name, value, "Must be Topic or MessageGroup.", prefix)
    if value == "Topic" and topic.per_group:
        raise errors.invalid_parameter(f"{prefix}{name}: MessageGroup cannot be changed back to Topic")
    return value


def _display_name(_topic: Topic, name: str, value: str, prefix: str) -> str:
    if len(value) > limits.DISPLAY_NAME_MAX_CHARS or not value.isprintable():
        raise errors.invalid_parameter(f"{prefix}{name}")
    return value


def _policy(topic: Topic, _name: str, value: str, prefix: str) -> str:
    return policies.check_policy(value, topic.arn, prefix)


def _delivery_policy(_topic: Topic, _name: str, value: str, prefix: str) -> str:
    return delivery_policy.parse_topic_policy(value, prefix)


def _signature_version(_topic: Topic, name: str, value: str, prefix: str) -> str:
    if value not in ("1", "2"):
        raise _refuse(name, value, "Must be 1 or 2.", prefix)
    return value


def _tracing(topic: Topic, name: str, value: str, prefix: str) -> str:
    if value not in ("PassThrough", "Active"):
        raise _refuse(name, value, "Must be PassThrough or Active.", prefix)
    if topic.fifo and value == "Active":
        raise errors.invalid_parameter(f"{prefix}{name} is not supported for FIFO topics")
    return value


def _as_it_is(_topic: Topic, _name: str, value: str, _prefix: str) -> str:
    return value


def _role(_topic: Topic, name: str, value: str, prefix: str) -> str:
    if not value.startswith("arn:") or ":iam:" not in value:
        raise errors.invalid_parameter(f"{prefix}{name}: {value} is not the ARN of a role")
    return value


def _sample_rate(_topic: Topic, name: str, value: str, prefix: str) -> str:
    return str(_whole_number(name, value, 0, 100, prefix))


def _message_size(topic: Topic, name: str, value: str, prefix: str) -> str:
    size = _whole_number(name, value, limits.MESSAGE_SIZE_LOWEST_BYTES, limits.MESSAGE_SIZE_HIGHEST_BYTES, prefix)
    if size > limits.MESSAGE_MAX_BYTES:
        protocols = {subscription.protocol for subscription in topic.subscriptions.values()}
        if len(topic.subscriptions) > limits.LARGE_MESSAGE_SUBSCRIPTIONS_MAX:
            raise errors.too_many_for_large_messages(prefix)
        if protocols - limits.LARGE_MESSAGE_PROTOCOLS:
            raise errors.no_large_messages(min(protocols - limits.LARGE_MESSAGE_PROTOCOLS), prefix)
    return str(size)


def _whole_number(name: str, value: str, low: int, high: int, prefix: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high):
        raise _refuse(name, value, f"Must be a number from {low} to {high}.", prefix)
    return int(value)


def _archive_policy(topic: Topic, name: str, value: str, prefix: str) -> str:
    if not topic.fifo:
        raise errors.invalid_parameter(f"{prefix}{name} can only be set for FIFO topics")
    return archives.check_archive_policy(value, prefix)


CHECKS: Mapping[str, Check] = {
    "Policy": _policy,
    "DisplayName": _display_name,
    "DeliveryPolicy": _delivery_policy,
    "KmsMasterKeyId": _as_it_is,
    "SignatureVersion": _signature_version,
    "TracingConfig": _tracing,
    "MaximumMessageSize": _message_size,
    "FifoTopic": _fifo_topic,
    "ContentBasedDeduplication": _content_based,
    "FifoThroughputScope": _throughput_scope,
    "ArchivePolicy": _archive_policy,
    **{
        f"{protocol}{kind}FeedbackRoleArn": _role for protocol in _FEEDBACK_PROTOCOLS for kind in ("Success", "Failure")
    },
    **{f"{protocol}SuccessFeedbackSampleRate": _sample_rate for protocol in _FEEDBACK_PROTOCOLS},
}
FIXED = frozenset({"FifoTopic"})
"""What CreateTopic may set and nothing may change."""


def store(emulator: Emulator, topic: Topic, name: str, value: str) -> None:
    """Keep a checked value, and let it act."""
    if name in FIXED:
        return
    if value:
        topic.attributes[name] = value
    else:
        topic.attributes.pop(name, None)
    if name == "ArchivePolicy":
        archives.apply_policy(emulator, topic)
    apply(topic)


def apply(topic: Topic) -> None:
    """Take out of the attributes what the hot path needs of them."""
    attributes = topic.attributes
    topic.message_max_bytes = int(attributes.get("MaximumMessageSize", limits.MESSAGE_MAX_BYTES))
    topic.signature_version = attributes.get("SignatureVersion", "1")
    topic.content_based = attributes.get("ContentBasedDeduplication") == "true"
    topic.per_group = attributes.get("FifoThroughputScope") == "MessageGroup"
    if topic.fifo and topic.deduplication is None:
        topic.deduplication = Deduplication()
    for subscription in topic.subscriptions.values():
        if subscription.http is not None:
            own = subscription.attributes.get("DeliveryPolicy")
            plan = subscription.http = delivery_policy.http_plan(attributes.get("DeliveryPolicy"), own)
            subscription.lane.backoff, subscription.lane.per_second_max = plan.backoff, plan.receives_per_s_max


def show(topic: Topic, now_ms: int) -> dict[str, str]:
    """Write all attributes, in AWS's order."""
    have = topic.attributes
    confirmed = sum(subscription.confirmed for subscription in topic.subscriptions.values())
    shown = {
        "Policy": have.get("Policy") or policies.default_policy(topic.arn, topic.account),
        "SignatureVersion": have.get("SignatureVersion"),
        "Owner": topic.account,
        "SubscriptionsPending": str(len(topic.subscriptions) - confirmed),
        "KmsMasterKeyId": have.get("KmsMasterKeyId"),
        "TopicArn": topic.arn,
        "TracingConfig": have.get("TracingConfig"),
        "EffectiveDeliveryPolicy": delivery_policy.effective_topic_policy(have.get("DeliveryPolicy")),
        "SubscriptionsConfirmed": str(confirmed),
        "DisplayName": have.get("DisplayName", ""),
        "DeliveryPolicy": have.get("DeliveryPolicy"),
        "SubscriptionsDeleted": str(topic.subscriptions_deleted),
    }
    if topic.fifo:
        shown["FifoTopic"] = "true"
        shown["ContentBasedDeduplication"] = have.get("ContentBasedDeduplication", "false")
        shown["FifoThroughputScope"] = have.get("FifoThroughputScope")
        shown["ArchivePolicy"] = have.get("ArchivePolicy")
        if topic.archive is not None:
            shown["BeginningArchiveTime"] = topic.archive.beginning_text(now_ms)
    answer = {name: value for name, value in shown.items() if value is not None}
    return answer | {name: value for name, value in have.items() if name not in answer}
