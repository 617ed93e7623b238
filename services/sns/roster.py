"""The subscriptions of a topic as they come and go: the one place that keeps the topic, the accounts and the routes in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.sns.state import expired, home

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sns.state import Subscription, Topic


def enter(emulator: Emulator, subscription: Subscription) -> None:
    """Put a new subscription, or one that is restored, into all books."""
    topic = subscription.topic
    topic.subscriptions[subscription.arn] = subscription
    topic.by_endpoint[subscription.protocol, subscription.endpoint] = subscription
    state = home(emulator, topic.account, topic.region)
    state.subscriptions[subscription.arn] = subscription
    home(emulator, subscription.owner, topic.region).owned[subscription.arn] = subscription
    if subscription.pattern is not None:
        state.filter_policies += 1
        topic.filter_policies += 1
    if subscription.confirmed:
        topic.routes.add(subscription)


def forget(emulator: Emulator, subscription: Subscription, reason: str) -> None:
    """Take a subscription out of all books; what still waits to be delivered to it is abandoned, for the reason given."""
    topic = subscription.topic
    topic.subscriptions.pop(subscription.arn, None)
    topic.by_endpoint.pop((subscription.protocol, subscription.endpoint), None)
    topic.routes.discard(subscription)
    state = home(emulator, topic.account, topic.region)
    state.subscriptions.pop(subscription.arn, None)
    home(emulator, subscription.owner, topic.region).owned.pop(subscription.arn, None)
    if subscription.pattern is not None:
        state.filter_policies -= 1
        topic.filter_policies -= 1
    if subscription.replay is not None:
        subscription.replay.stop()
    emulator.router.deliveries.close(subscription.lane, reason)
    if subscription.asking is not None:
        emulator.router.deliveries.close(subscription.asking, reason)


def sweep(emulator: Emulator, topic: Topic, now_ms: int) -> None:
    """Forget the tokens that have ended, and with them the subscriptions that nobody confirmed in time."""
    while topic.tokens:
        token, subscription = next(iter(topic.tokens.items()))
        if subscription.token_until_ms > now_ms and subscription.token == token:
            return
        del topic.tokens[token]
        if expired(subscription, now_ms) and subscription.arn in topic.subscriptions:
            forget(emulator, subscription, "the subscription was not confirmed in time")
