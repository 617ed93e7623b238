"""From a message to its subscribers.

Each protocol has one function here. Queues and whatever else has an ARN are reached through the router; HTTP is
http_deliver.py's; what would go to a person or a device is captured. No failure reaches the publisher: emulator/router/delivery.py
retries it, dead-letters it and records it.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator.arns import parse_arn
from emulator.errors import AwsError
from emulator.router.delivery import Lane, UndeliverableError
from emulator.router.router import Envelope
from emulator.tasks import breathe
from services.sns import delivery_policy, http_deliver, limits, push_events
from services.sns.endpoints import endpoint_by_arn, find_endpoint
from services.sns.message import unsubscribe_url
from services.sns.state import home

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from emulator.app import Emulator
    from emulator.router.delivery import Delivery, Failure
    from services.sns.message import Notification
    from services.sns.requests import Attributes
    from services.sns.state import Endpoint, SnsState, Subscription

    Door = Callable[[Emulator, Notification, Subscription, str], None]

SLICE = 200
"""Subscribers that are served before other requests get their turn."""


def distribute(emulator: Emulator, notification: Notification) -> asyncio.Task[None] | None:
    """Deliver a message to all subscribers that want it. Where they are many, a task does the rest beside the requests.

    FIFO topics have few subscribers, and an order to keep: theirs are served at once.
    """
    chosen = notification.topic.routes.select(notification)
    first = len(chosen) if notification.topic.fifo else SLICE
    _deliver_to_all(emulator, notification, chosen[:first])
    if len(chosen) <= first:
        return None
    name = f"deliver {notification.message_id} to {len(chosen)} subscribers"
    return emulator.tasks.start(name, _deliver_the_rest(emulator, notification, chosen[first:]))


async def _deliver_the_rest(emulator: Emulator, notification: Notification, chosen: list[Subscription]) -> None:
    for start in range(0, len(chosen), SLICE):
        await breathe()
        _deliver_to_all(emulator, notification, chosen[start : start + SLICE])


def _deliver_to_all(emulator: Emulator, notification: Notification, chosen: list[Subscription]) -> None:
    for subscription in chosen:
        if subscription.arn not in notification.topic.subscriptions:
            continue  # ended since the message was published
        if subscription.replay is None or not subscription.replay.hold(notification):
            deliver_to(emulator, notification, subscription)


def deliver_to(emulator: Emulator, notification: Notification, subscription: Subscription) -> None:
    """Deliver a message to one subscriber."""
    text = _text_for(emulator, notification, subscription)
    protection = notification.topic.protection
    if protection is not None:
        protected = protection.outbound(text, subscription.principal)
        if protected is None:
            refusal = UndeliverableError(
                "AuthorizationError", "The topic's data protection policy denies this delivery"
            )
            envelope = Envelope("", notification.topic.arn, hops=notification.hops + 1)
            deliveries = emulator.router.deliveries
            deliveries.refuse(subscription.lane, envelope, notification.message_id, refusal, dead_letter=False)
            return
        text = protected
    DOORS[subscription.protocol](emulator, notification, subscription, text)


def _text_for(emulator: Emulator, notification: Notification, subscription: Subscription) -> str:
    """Choose the text of a message for one subscriber; a device's platform may have one of its own."""
    if notification.texts is not None and subscription.protocol == "application":
        endpoint = endpoint_by_arn(emulator, subscription.endpoint)
        if endpoint is not None:
            return notification.text(endpoint.application.platform, "application")
    return notification.text(subscription.protocol)


def new_lane(emulator: Emulator, subscription: Subscription) -> Lane:
    """Make the way to a subscriber."""
    lane = Lane(
        source_arn=subscription.topic.arn,
        subscriber=subscription.arn,
        target=subscription.endpoint,
        backoff=delivery_policy.AWS_MANAGED,
        ordered=subscription.topic.fifo,
        wrap=lambda envelope, failure: dead_letter(emulator, subscription, envelope, failure),
    )
    if subscription.protocol == "application":
        lane.on_failure = lambda delivery, failure: _tell_of_failure(emulator, delivery, failure)
    return lane


def _tell_of_failure(emulator: Emulator, delivery: Delivery, failure: Failure) -> None:
    endpoint = endpoint_by_arn(emulator, delivery.lane.target)
    if endpoint is not None:
        hops = delivery.envelope.hops
        push_events.delivery_failed(emulator, endpoint, delivery.message_id, failure.code, failure.message, hops=hops)


def dead_letter(emulator: Emulator, subscription: Subscription, envelope: Envelope, failure: Failure) -> Envelope:
    """Make the dead letter of a message: what would have been delivered, and why it was not."""
    reasons = {"RequestID": emulator.ids.uuid(), "ErrorCode": failure.code, "ErrorMessage": failure.message}
    attributes: dict[str, Any] = {name: {"DataType": "String", "StringValue": value} for name, value in reasons.items()}
    for name, value in envelope.attributes.items():
        if len(attributes) < limits.RAW_ATTRIBUTES_MAX:
            attributes.setdefault(name, value)
    if not (subscription.lane.dead_letter_arn or "").endswith(".fifo"):
        return replace(envelope, attributes=attributes, group_id=None, dedup_id=None)
    # What goes from a FIFO topic to a standard queue has lost its group; a FIFO dead-letter queue needs one.
    group_id = envelope.group_id or subscription.arn.rpartition(":")[2]
    return replace(
        envelope, attributes=attributes, group_id=group_id, dedup_id=envelope.dedup_id or reasons["RequestID"]
    )


def _to_queue(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    topic, fifo_queue = notification.topic, subscription.endpoint.endswith(".fifo")
    group_id = notification.group_id if fifo_queue or not topic.fifo else None
    dedup_id = notification.dedup_id if fifo_queue else None
    attributes: Mapping[str, Any] = {}
    if subscription.raw:
        body, attributes = text, notification.attributes
    else:
        body = notification.envelope(emulator, subscription, text)
    envelope = Envelope(
        body, topic.arn, attributes, group_id, dedup_id, notification.trace_header, hops=notification.hops + 1
    )
    deliveries = emulator.router.deliveries
    if len(attributes) > limits.RAW_ATTRIBUTES_MAX:
        message = "The number of message attributes exceeds the limit of 10 that raw delivery to Amazon SQS has"
        refusal = UndeliverableError("InvalidParameterValue", message)
        deliveries.refuse(subscription.lane, envelope, notification.message_id, refusal)
        return
    deliveries.send(subscription.lane, envelope, notification.message_id)


def _to_kafka(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    """An extension of ours: a record in a Kafka topic, whose key is the message's group."""
    body, attributes = text, notification.attributes
    if not subscription.raw:
        body, attributes = notification.envelope(emulator, subscription, text), {}
    envelope = Envelope(body, notification.topic.arn, attributes, notification.group_id, hops=notification.hops + 1)
    emulator.router.deliveries.send(subscription.lane, envelope, notification.message_id)


def _to_function(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    body = notification.lambda_event(emulator, subscription, text)
    envelope = Envelope(body, notification.topic.arn, trace_header=notification.trace_header)
    emulator.router.deliveries.send(subscription.lane, envelope, notification.message_id)


def _to_stream(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    body = text if subscription.raw else notification.firehose_record(subscription, text)
    envelope = Envelope(body, notification.topic.arn)
    emulator.router.deliveries.send(subscription.lane, envelope, notification.message_id)


# To people and devices: captured.


def _to_mail(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    body = notification.envelope(emulator, subscription, text) if subscription.protocol == "email-json" else text
    capture_mail(
        emulator,
        subscription,
        {
            "MessageId": notification.message_id,
            "Type": "Notification",
            "Subject": notification.subject or "AWS Notification Message",
            "Message": body,
            "Timestamp": notification.timestamp,
            "UnsubscribeURL": unsubscribe_url(subscription, notification.base_url),
        },
    )


def capture_mail(emulator: Emulator, subscription: Subscription, mail: dict[str, Any]) -> None:
    """Keep an e-mail."""
    topic = subscription.topic
    state = home(emulator, topic.account, topic.region)
    state.captures.add_email(
        {
            "Endpoint": subscription.endpoint,
            "Protocol": subscription.protocol,
            "TopicArn": topic.arn,
            "SubscriptionArn": subscription.arn,
            **mail,
        }
    )


def _to_phone(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    topic = notification.topic
    state = home(emulator, topic.account, topic.region)
    number = subscription.endpoint
    if number in state.phones.opted_out:
        refusal = UndeliverableError("OptedOut", f"The phone number {number} has opted out")
        emulator.router.deliveries.refuse(
            subscription.lane, Envelope(text, topic.arn), notification.message_id, refusal
        )
        return
    capture_sms(
        state,
        number,
        notification.message_id,
        text,
        notification.subject,
        notification.attributes,
        structure=None if notification.texts is None else "json",
        subscription=subscription,
    )


def capture_sms(
    state: SnsState,
    number: str,
    message_id: str,
    text: str,
    subject: str | None,
    attributes: Attributes,
    *,
    structure: str | None,
    subscription: Subscription | None = None,
) -> None:
    """Keep a text message, in LocalStack's shape."""
    state.captures.add_sms(
        {
            "PhoneNumber": number,
            "TopicArn": None if subscription is None else subscription.topic.arn,
            "SubscriptionArn": None if subscription is None else subscription.arn,
            "MessageId": message_id,
            "Message": text,
            "MessageAttributes": _plain(attributes),
            "MessageStructure": structure,
            "Subject": subject,
        }
    )


def _to_device(emulator: Emulator, notification: Notification, subscription: Subscription, text: str) -> None:
    topic = notification.topic
    try:
        endpoint = find_endpoint(emulator, subscription.endpoint)
    except AwsError as error:
        refusal = UndeliverableError(error.code, error.message)
        envelope = Envelope(text, topic.arn, hops=notification.hops + 1)
        emulator.router.deliveries.refuse(subscription.lane, envelope, notification.message_id, refusal)
        return
    structure = None if notification.texts is None else "json"
    capture_push(
        emulator,
        endpoint,
        notification.message_id,
        text,
        notification.subject,
        notification.attributes,
        structure=structure,
        topic_arn=topic.arn,
    )


def capture_push(
    emulator: Emulator,
    endpoint: Endpoint,
    message_id: str,
    text: str,
    subject: str | None,
    attributes: Attributes,
    *,
    structure: str | None,
    topic_arn: str | None = None,
) -> None:
    """Keep a push message where its endpoint is, in LocalStack's shape."""
    arn = parse_arn(endpoint.arn)
    if arn is None:
        raise ValueError(endpoint.arn)
    home(emulator, arn.account, arn.region).captures.add_push(
        {
            "TargetArn": endpoint.arn,
            "TopicArn": topic_arn,
            "Message": text,
            "MessageAttributes": _plain(attributes),
            "MessageStructure": structure,
            "Subject": subject,
            "MessageId": message_id,
        }
    )


def _plain(attributes: Attributes) -> dict[str, Any] | None:
    """Write message attributes as JSON can hold them, bytes as base64."""
    if not attributes:
        return None
    return {
        name: {**value, "BinaryValue": base64.b64encode(value["BinaryValue"]).decode()}
        if "BinaryValue" in value
        else dict(value)
        for name, value in attributes.items()
    }


DOORS: Mapping[str, Door] = {
    "sqs": _to_queue,
    "kafka": _to_kafka,
    "http": http_deliver.notify,
    "https": http_deliver.notify,
    "lambda": _to_function,
    "firehose": _to_stream,
    "email": _to_mail,
    "email-json": _to_mail,
    "sms": _to_phone,
    "application": _to_device,
}
