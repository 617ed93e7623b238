"""How an endpoint is asked whether it wants a subscription, and told that one has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.router.delivery import Lane
from emulator.router.router import Envelope
from services.sns import delivery_policy, fanout, http_deliver, limits, protocols, roster, subscription_attributes
from services.sns.message import confirmation

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sns.state import Subscription

_HEX = "0123456789abcdef"


def new_token(emulator: Emulator, subscription: Subscription, now_ms: int) -> None:
    """Draw the token by which the endpoint can confirm."""
    topic = subscription.topic
    subscription.token = emulator.ids.text(limits.TOKEN_CHARS, _HEX)
    subscription.token_until_ms = now_ms + limits.TOKEN_VALID_MS
    topic.tokens[subscription.token] = subscription


def ask(emulator: Emulator, subscription: Subscription, now_ms: int) -> None:
    """Send a SubscriptionConfirmation; asked again, the same token is good for its full time again."""
    topic = subscription.topic
    subscription.token_until_ms = now_ms + limits.TOKEN_VALID_MS
    topic.tokens[subscription.token] = topic.tokens.pop(subscription.token, subscription)
    _send(emulator, subscription, "SubscriptionConfirmation")


def accept(emulator: Emulator, subscription: Subscription) -> None:
    """Confirm a subscription, or restore one."""
    subscription.confirmed = True
    if subscription.arn in subscription.topic.subscriptions:
        subscription.topic.routes.add(subscription)
    else:
        subscription.lane = fanout.new_lane(emulator, subscription)
        subscription_attributes.apply(emulator, subscription)
        roster.enter(emulator, subscription)
    subscription_attributes.start_replay(emulator, subscription)


def tell_of_end(emulator: Emulator, subscription: Subscription, now_ms: int) -> None:
    """Send an UnsubscribeConfirmation to an endpoint whose subscription somebody else has ended; its token restores it."""
    if subscription.protocol in protocols.BY_HAND:
        new_token(emulator, subscription, now_ms)
        _send(emulator, subscription, "UnsubscribeConfirmation")


def _send(emulator: Emulator, subscription: Subscription, kind: str) -> None:
    body, fields = confirmation(emulator, subscription, kind)
    topic = subscription.topic
    if subscription.protocol in ("email", "email-json"):
        text = body if subscription.protocol == "email-json" else f"{fields['Message']}\n{fields['SubscribeURL']}"
        mail = {"MessageId": fields["MessageId"], "Type": kind, "Subject": _SUBJECTS[kind], "Message": text}
        mail |= {"Timestamp": fields["Timestamp"], "SubscribeURL": fields["SubscribeURL"], "Token": fields["Token"]}
        fanout.capture_mail(emulator, subscription, mail)
        return
    if subscription.asking is not None:
        emulator.router.deliveries.close(subscription.asking, "the endpoint was written to again")
    plan = delivery_policy.http_plan(None, None)
    backoff = plan.backoff if subscription.protocol in protocols.HTTP else delivery_policy.AWS_MANAGED
    lane = subscription.asking = Lane(topic.arn, subscription.arn, subscription.endpoint, backoff)
    if subscription.protocol in protocols.HTTP:
        http_deliver.confirm(emulator, subscription, lane, body, fields)
    else:
        emulator.router.deliveries.send(lane, _envelope(subscription, body, fields), fields["MessageId"])


def _envelope(subscription: Subscription, body: str, fields: dict[str, str]) -> Envelope:
    fifo_queue = subscription.protocol == "sqs" and subscription.endpoint.endswith(".fifo")
    group_id = subscription.arn.rpartition(":")[2] if fifo_queue else None
    dedup_id = fields["MessageId"] if fifo_queue else None
    return Envelope(body, subscription.topic.arn, group_id=group_id, dedup_id=dedup_id)


_SUBJECTS = {
    "SubscriptionConfirmation": "AWS Notification - Subscription Confirmation",
    "UnsubscribeConfirmation": "AWS Notification - Unsubscribe Confirmation",
}
