"""What a subscription's endpoint must look like, by its protocol. Source: the API page of Subscribe; the texts are recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emulator.arns import parse_arn
from services.sns import errors
from services.sns.endpoints import endpoint_by_arn
from services.sns.sms import is_phone_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.sns.state import SnsContext, Topic

    Check = Callable[[SnsContext, Topic, str], None]

_KAFKA_TOPIC = re.compile(r"topic/[^/]+/[^/]+/[^/]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
RAW = frozenset({"sqs", "http", "https", "firehose", "kafka"})
"""Protocols that can do without the envelope."""
HTTP = frozenset({"http", "https"})
BY_HAND = frozenset({"http", "https", "email", "email-json"})
"""Protocols whose endpoints always have to confirm."""


def check_protocol(topic: Topic, protocol: str) -> None:
    """Check that there is such a protocol, and that the topic can use it. Raises InvalidParameter."""
    if protocol not in CHECKS:
        raise errors.invalid_parameter(f"Amazon SNS does not support this protocol string: {protocol}")
    if topic.fifo and protocol != "sqs":
        raise errors.invalid_parameter(f"Invalid protocol type: {protocol}")


def check_endpoint(ctx: SnsContext, topic: Topic, protocol: str, endpoint: str | None) -> str:
    """Check an endpoint. Queues and functions need not exist; endpoints of applications must. Raises InvalidParameter."""
    CHECKS[protocol](ctx, topic, endpoint or "")
    return endpoint or ""


def _check_http(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    _check_url(endpoint, "http")


def _check_https(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    _check_url(endpoint, "https")


def _check_url(endpoint: str, scheme: str) -> None:
    if not endpoint.lower().startswith(f"{scheme}://"):
        raise errors.invalid_parameter("Endpoint must match the specified protocol")
    try:
        url = urlsplit(endpoint)
        good = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        good = False
    if not good or not endpoint.isprintable() or " " in endpoint:
        raise errors.invalid_parameter("Endpoint")


def _check_queue(_ctx: SnsContext, topic: Topic, endpoint: str) -> None:
    arn = parse_arn(endpoint)
    if arn is None or arn.service != "sqs" or not arn.region or not arn.account or ":" in arn.resource:
        raise errors.invalid_parameter("SQS endpoint ARN")
    if not topic.fifo and arn.resource.endswith(".fifo"):
        raise errors.invalid_parameter(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )


def _check_function(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    arn = parse_arn(endpoint)
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise errors.invalid_parameter("Lambda endpoint ARN")


def _check_stream(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    arn = parse_arn(endpoint)
    if arn is None or arn.service != "firehose" or not arn.resource.startswith("deliverystream/"):
        raise errors.invalid_parameter("Firehose endpoint ARN")


def _check_kafka(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    # An extension of ours: AWS has no such protocol.
    arn = parse_arn(endpoint)
    if arn is None or arn.service != "kafka" or not _KAFKA_TOPIC.fullmatch(arn.resource):
        raise errors.invalid_parameter(
            "Kafka topic ARN, such as arn:aws:kafka:us-east-1:000000000000:topic/eventyard/uuid/orders"
        )


def _check_application(ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    arn = parse_arn(endpoint)
    if arn is None or arn.service != "sns" or not arn.resource.startswith("endpoint/"):
        raise errors.invalid_parameter("ApplicationEndpoint ARN")
    if endpoint_by_arn(ctx.emulator, endpoint) is None:
        raise errors.invalid_parameter("Endpoint Reason: Endpoint does not exist for endpoint " + endpoint)


def _check_phone(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    if not is_phone_number(endpoint):
        raise errors.invalid_parameter(f"Invalid SMS endpoint: {endpoint}")


def _check_mail(_ctx: SnsContext, _topic: Topic, endpoint: str) -> None:
    if _EMAIL.fullmatch(endpoint) is None or len(endpoint) > 320:
        raise errors.invalid_parameter("Email address")


CHECKS: Mapping[str, Check] = {
    "http": _check_http,
    "https": _check_https,
    "email": _check_mail,
    "email-json": _check_mail,
    "sms": _check_phone,
    "sqs": _check_queue,
    "application": _check_application,
    "lambda": _check_function,
    "firehose": _check_stream,
    "kafka": _check_kafka,
}


def confirmed_at_once(protocol: str, endpoint: str, subscriber: str) -> bool:
    """Whether a new subscription needs no confirmation: its endpoint belongs to the account that subscribes."""
    if protocol in BY_HAND:
        return False
    arn = parse_arn(endpoint) if protocol != "sms" else None
    return arn is None or arn.account == subscriber
