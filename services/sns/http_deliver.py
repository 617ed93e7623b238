"""Delivery over HTTP: headers, what an answer's status means, the time limit. Retries are the router's, after the delivery policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.router.delivery import UndeliverableError
from emulator.router.router import Envelope
from services.sns import limits
from services.sns.delivery_policy import DEFAULT_CONTENT_TYPE

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.router.delivery import Lane
    from services.sns.message import Notification
    from services.sns.state import Subscription


def notify(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    """POST a Notification, or the bare text where the subscription wants it raw."""
    content_type = DEFAULT_CONTENT_TYPE if subscription.http is None else subscription.http.content_type
    body = text if subscription.raw else notification.envelope(emulator, subscription, text)
    headers = _headers("Notification", notification.message_id, notification.topic.arn, content_type)
    headers["x-amz-sns-subscription-arn"] = subscription.arn
    if subscription.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    if notification.trace_header is not None:
        headers["x-amzn-trace-id"] = notification.trace_header
    envelope = Envelope(body, notification.topic.arn)
    _post(emulator, subscription.lane, envelope, notification.message_id, headers)


def confirm(emulator: Emulator, subscription: Subscription, lane: Lane, body: str, fields: dict[str, str]) -> None:
    """POST a SubscriptionConfirmation or an UnsubscribeConfirmation."""
    headers = _headers(fields["Type"], fields["MessageId"], subscription.topic.arn, DEFAULT_CONTENT_TYPE)
    if fields["Type"] == "UnsubscribeConfirmation":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    _post(emulator, lane, Envelope(body, subscription.topic.arn), fields["MessageId"], headers)


def _headers(kind: str, message_id: str, topic_arn: str, content_type: str) -> dict[str, str]:
    return {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic_arn,
        "Content-Type": content_type,
        "User-Agent": "Amazon Simple Notification Service Agent",
        "Connection": "Keep-Alive",
        "Accept-Encoding": "gzip,deflate",
    }


def _post(emulator: Emulator, lane: Lane, envelope: Envelope, message_id: str, headers: dict[str, str]) -> None:
    url = lane.target

    async def post(letter: Envelope) -> None:
        body = letter.body.encode()
        status = await emulator.router.http.post(url, headers, body, limits.HTTP_TIMEOUT_MS, subscriber=lane.subscriber)
        if not 200 <= status < 300:
            permanent = status < 500 and status != 429
            raise UndeliverableError(str(status), f"{url} answered with status {status}", permanent=permanent)

    emulator.router.deliveries.post(lane, envelope, message_id, post)
