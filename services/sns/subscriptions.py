"""Subscriptions: Subscribe, ConfirmSubscription, Unsubscribe, ListSubscriptions, ListSubscriptionsByTopic,
GetSubscriptionAttributes, SetSubscriptionAttributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.arns import partition
from emulator.service import operation
from services.sns import confirmations, errors, fanout, limits, protocols, roster, subscription_attributes
from services.sns.pages import page
from services.sns.state import (
    Subscription,
    expired,
    find_subscription,
    find_topic,
    seek_subscription,
)
from services.sns.subscription_attributes import CHECKS, DEFAULTS, IN_SUBSCRIBE, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.sns.requests import (
        ConfirmSubscriptionRequest,
        PageRequest,
        SetSubscriptionAttributesRequest,
        SubscribeRequest,
        SubscriptionRequest,
        TopicPageRequest,
    )
    from services.sns.state import SnsContext, Topic

UNSIGNED = frozenset({"http", "https", "email", "email-json"})
"""Protocols whose subscribers end a subscription by a link, without a signature."""


@operation("Subscribe")
def subscribe(ctx: SnsContext, request: SubscribeRequest) -> dict[str, Any]:
    """Subscribe an endpoint to a topic. An endpoint of one's own account is confirmed at once; HTTP, e-mail and endpoints of
    other accounts are asked first. Again for the same endpoint: the same subscription, asked again while it is pending.

    Raises InvalidParameter, NotFound, SubscriptionLimitExceeded, FilterPolicyLimitExceeded.
    """
    topic = find_topic(ctx, request.get("TopicArn"))
    protocol = request.get("Protocol")
    if protocol is None:
        raise errors.missing("protocol")
    protocols.check_protocol(topic, protocol)
    endpoint = protocols.check_endpoint(ctx, topic, protocol, request.get("Endpoint"))
    attributes = _check_attributes(ctx, topic, (protocol, endpoint), request.get("Attributes", {}))
    roster.sweep(ctx.emulator, topic, ctx.now_ms)
    subscription = topic.by_endpoint.get((protocol, endpoint))
    if subscription is None:
        subscription = _new(ctx, topic, protocol, endpoint, attributes)
    else:
        _compare(subscription, attributes)
    if not subscription.confirmed and protocols.confirmed_at_once(protocol, endpoint, ctx.account):
        # Somebody else had subscribed it, and its owner has just agreed.
        confirmations.accept(ctx.emulator, subscription)
        subscription.authenticated = True
    if not subscription.confirmed:
        confirmations.ask(ctx.emulator, subscription, ctx.now_ms)
    shown = subscription.confirmed or request.get("ReturnSubscriptionArn", False)
    return {"SubscriptionArn": subscription.arn if shown else "pending confirmation"}


def _check_attributes(ctx: SnsContext, topic: Topic, place: tuple[str, str], given: dict[str, str]) -> dict[str, str]:
    for name in given:
        if name not in CHECKS:
            raise errors.invalid_parameter(f"{IN_SUBSCRIBE}Unknown attribute: {name}")
    scope = given.get("FilterPolicyScope") or DEFAULTS["FilterPolicyScope"]
    subject = Subject(topic, *place, ctx.account, scope, IN_SUBSCRIBE)
    # The scope before the policy that is read in it: CHECKS has them in that order.
    return {name: subscription_attributes.check(subject, name, given[name]) for name in CHECKS if name in given}


def _compare(subscription: Subscription, given: dict[str, str]) -> None:
    for name, value in given.items():
        if subscription.attributes.get(name, DEFAULTS.get(name, "")) != (value or DEFAULTS.get(name, "")):
            raise errors.invalid_parameter(f"{IN_SUBSCRIBE}Subscription already exists with different attributes")


def _new(ctx: SnsContext, topic: Topic, protocol: str, endpoint: str, attributes: dict[str, str]) -> Subscription:
    _check_limits(topic, protocol, quotas=ctx.emulator.settings.quotas)
    if attributes.get("FilterPolicy"):
        subscription_attributes.check_filter_policies(ctx.emulator, topic)
    if protocol == "firehose" and not attributes.get("SubscriptionRoleArn"):
        raise errors.invalid_parameter(f"{IN_SUBSCRIBE}SubscriptionRoleArn: required for protocol firehose")
    subscription = Subscription(
        arn=f"{topic.arn}:{ctx.emulator.ids.uuid()}",
        topic=topic,
        protocol=protocol,
        endpoint=endpoint,
        owner=ctx.account,
        principal=f"arn:{partition(ctx.region)}:iam::{ctx.account}:root",
        base_url=ctx.emulator.settings.public_url(ctx.base_url),
        attributes={name: value for name, value in attributes.items() if value},
    )
    subscription.confirmed = subscription.authenticated = protocols.confirmed_at_once(protocol, endpoint, ctx.account)
    confirmations.new_token(ctx.emulator, subscription, ctx.now_ms)
    subscription.lane = fanout.new_lane(ctx.emulator, subscription)
    subscription_attributes.apply(ctx.emulator, subscription)
    roster.enter(ctx.emulator, subscription)
    subscription_attributes.start_replay(ctx.emulator, subscription)
    return subscription


def _check_limits(topic: Topic, protocol: str, *, quotas: bool) -> None:
    count = len(topic.subscriptions)
    if quotas and count >= (limits.FIFO_SUBSCRIPTIONS_MAX if topic.fifo else limits.SUBSCRIPTIONS_MAX):
        raise errors.subscription_limit_exceeded()
    if topic.message_max_bytes > limits.MESSAGE_MAX_BYTES:
        if count >= limits.LARGE_MESSAGE_SUBSCRIPTIONS_MAX:
            raise errors.too_many_for_large_messages()
        if protocol not in limits.LARGE_MESSAGE_PROTOCOLS:
            raise errors.no_large_messages(protocol)


@operation("ConfirmSubscription")
def confirm_subscription(ctx: SnsContext, request: ConfirmSubscriptionRequest) -> dict[str, Any]:
    """Confirm a subscription with the token that its endpoint was sent, or restore one that a stranger ended; a browser that
    visits the SubscribeURL does the same. Again: the same ARN. Raises InvalidParameter, NotFound, AuthorizationError.
    """
    topic = find_topic(ctx, request.get("TopicArn"))
    token = request.get("Token")
    if token is None:
        raise errors.missing("token")
    roster.sweep(ctx.emulator, topic, ctx.now_ms)
    subscription = topic.tokens.get(token)
    if subscription is None or subscription.token_until_ms <= ctx.now_ms:
        raise errors.invalid_parameter("Token")
    sealed = request.get("AuthenticateOnUnsubscribe", "").lower() == "true"
    if sealed and not ctx.access_key:
        raise errors.authorization_error("AuthenticateOnUnsubscribe needs a signed request")
    ended = subscription.arn not in topic.subscriptions
    if ended:
        _check_return(ctx, subscription)
    if ended or not subscription.confirmed:
        confirmations.accept(ctx.emulator, subscription)
        subscription.authenticated = bool(ctx.access_key)
        subscription.sealed = sealed
    return {"SubscriptionArn": subscription.arn}


def _check_return(ctx: SnsContext, subscription: Subscription) -> None:
    """Check that an ended subscription can be restored: its endpoint has no newer one, and the topic has room for it."""
    topic = subscription.topic
    if (subscription.protocol, subscription.endpoint) in topic.by_endpoint:
        raise errors.invalid_parameter("Token")
    _check_limits(topic, subscription.protocol, quotas=ctx.emulator.settings.quotas)
    if subscription.pattern is not None:
        subscription_attributes.check_filter_policies(ctx.emulator, topic)


@operation("Unsubscribe")
def unsubscribe(ctx: SnsContext, request: SubscriptionRequest) -> None:
    """End a subscription; one that is not there is no error. Whoever is not its owner may do so for HTTP and e-mail, and the
    endpoint is told how to restore it. Raises InvalidParameter, AuthorizationError.
    """
    subscription = seek_subscription(ctx, request.get("SubscriptionArn"))
    if subscription is None or expired(subscription, ctx.now_ms):
        return
    if not subscription.confirmed:
        raise errors.invalid_parameter("SubscriptionArn Reason: The subscription is pending confirmation")
    owners = (subscription.owner, subscription.topic.account)
    signed = bool(ctx.access_key)
    if not signed and (subscription.sealed or subscription.protocol not in UNSIGNED):
        raise errors.authorization_error("The request to unsubscribe must be signed")
    if signed and ctx.account not in owners and (subscription.sealed or subscription.protocol not in UNSIGNED):
        raise errors.authorization_error("Only the owner of the subscription or of the topic can unsubscribe it")
    roster.forget(ctx.emulator, subscription, "the subscription was deleted")
    subscription.topic.tokens.pop(subscription.token, None)
    subscription.topic.subscriptions_deleted += 1
    if not signed or ctx.account != subscription.owner:
        confirmations.tell_of_end(ctx.emulator, subscription, ctx.now_ms)


@operation("ListSubscriptions")
def list_subscriptions(ctx: SnsContext, request: PageRequest) -> dict[str, Any]:
    """List the caller's subscriptions in the region, 100 at a time."""
    return _list(ctx, ctx.state.owned.values(), request.get("NextToken"))


@operation("ListSubscriptionsByTopic")
def list_subscriptions_by_topic(ctx: SnsContext, request: TopicPageRequest) -> dict[str, Any]:
    """List the subscriptions of a topic, 100 at a time. Raises NotFound, InvalidParameter."""
    topic = find_topic(ctx, request.get("TopicArn"))
    return _list(ctx, topic.subscriptions.values(), request.get("NextToken"))


def _list(ctx: SnsContext, subscriptions: Iterable[Subscription], token: str | None) -> dict[str, Any]:
    items = sorted((each.arn, each) for each in subscriptions if not expired(each, ctx.now_ms))
    shown, token = page(items, token, limits.PAGE_MAX)
    return {
        "Subscriptions": [
            {
                "SubscriptionArn": each.arn if each.confirmed else "PendingConfirmation",
                "Owner": each.owner,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "TopicArn": each.topic.arn,
            }
            for each in shown
        ],
        "NextToken": token,
    }


@operation("GetSubscriptionAttributes")
def get_subscription_attributes(ctx: SnsContext, request: SubscriptionRequest) -> dict[str, Any]:
    """Show all attributes of a subscription. Raises NotFound, InvalidParameter."""
    return {"Attributes": subscription_attributes.show(find_subscription(ctx, request.get("SubscriptionArn")))}


@operation("SetSubscriptionAttributes")
def set_subscription_attributes(ctx: SnsContext, request: SetSubscriptionAttributesRequest) -> None:
    """Set one attribute, or unset it with empty text or none. Raises NotFound, InvalidParameter, FilterPolicyLimitExceeded."""
    subscription = find_subscription(ctx, request.get("SubscriptionArn"))
    if ctx.account not in (subscription.owner, subscription.topic.account):
        raise errors.not_the_owner("SetSubscriptionAttributes", ctx.account, subscription.arn)
    name = request.get("AttributeName")
    if name is None:
        raise errors.missing("attributeName")
    if name not in CHECKS:
        raise errors.invalid_parameter("AttributeName")
    given, attributes = request.get("AttributeValue", ""), subscription.attributes
    scope = (given or DEFAULTS["FilterPolicyScope"]) if name == "FilterPolicyScope" else subscription.scope
    place = (subscription.protocol, subscription.endpoint)
    subject = Subject(subscription.topic, *place, subscription.owner, scope, "")
    value = subscription_attributes.check(subject, name, given)
    if name == "FilterPolicyScope" and "FilterPolicy" in attributes:
        subscription_attributes.check(subject, "FilterPolicy", attributes["FilterPolicy"])
    if name == "FilterPolicy" and value and subscription.pattern is None:
        subscription_attributes.check_filter_policies(ctx.emulator, subscription.topic)
    if value:
        attributes[name] = value
    else:
        attributes.pop(name, None)
    subscription_attributes.apply(ctx.emulator, subscription)
    if name == "ReplayPolicy":
        subscription_attributes.start_replay(ctx.emulator, subscription)
