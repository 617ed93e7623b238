"""What SNS remembers in one account and one region: topics with their subscriptions, platform applications, phones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from emulator.arns import parse_arn
from emulator.service import ServiceState
from services.sns import errors
from services.sns.captures import Captures
from services.sns.routes import Routes

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.context import Context
    from emulator.pattern.parse import Pattern
    from emulator.router.delivery import Lane
    from services.sns.archives import Archive, Replay
    from services.sns.deduplication import Deduplication
    from services.sns.delivery_policy import HttpPlan
    from services.sns.protection import Protection

    SnsContext = Context["SnsState"]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(slots=True, eq=False)
class Topic:
    """One topic. `attributes` holds what was set, in AWS's strings; the fields below it are what the hot path needs of them."""

    name: str
    account: str
    region: str
    arn: str
    fifo: bool
    created_ms: int
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By ARN: confirmed ones and those that wait for it."""

    by_endpoint: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    """By protocol and endpoint; a topic has at most one for each."""

    tokens: dict[str, Subscription] = field(default_factory=dict)
    """By token, in the order in which the tokens end: subscriptions that can be confirmed, again or for the first time, and
    ended ones that can be restored."""

    filter_policies: int = 0
    """On its subscriptions."""

    subscriptions_deleted: int = 0
    routes: Routes = field(default_factory=Routes)
    """Who gets a message: confirmed subscriptions by what their filter policies ask for."""

    protection: Protection | None = None
    """The data protection policy, compiled."""

    message_max_bytes: int = 0
    signature_version: str = "1"
    content_based: bool = False
    """ContentBasedDeduplication."""

    per_group: bool = False
    """FifoThroughputScope is MessageGroup: deduplication looks at one group at a time."""

    deduplication: Deduplication | None = None
    """FIFO topics only."""

    archive: Archive | None = None
    """FIFO topics with an ArchivePolicy."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription. `attributes` holds what was set, in AWS's strings."""

    arn: str
    topic: Topic
    protocol: str
    endpoint: str
    owner: str
    """The account that subscribed."""

    principal: str
    """The ARN of the caller that subscribed."""

    base_url: str
    """Where the subscriber finds us: the start of the URLs that it is sent."""

    attributes: dict[str, str] = field(default_factory=dict)
    token: str = ""
    """What confirms it; also what restores it after an Unsubscribe by a stranger."""

    token_until_ms: int = 0
    confirmed: bool = False
    authenticated: bool = False
    """ConfirmationWasAuthenticated."""

    sealed: bool = False
    """AuthenticateOnUnsubscribe: only a signed call may end it."""

    raw: bool = False
    pattern: Pattern | None = None
    """The filter policy, compiled by `routes`."""

    http: HttpPlan | None = None
    """How to deliver over HTTP."""

    lane: Lane = field(init=False)
    """The way to it through the router (deliver.py makes it)."""

    asking: Lane | None = None
    """The way by which it was last asked to confirm, or told of its end."""

    replay: Replay | None = None

    @property
    def scope(self) -> str:
        """FilterPolicyScope: MessageAttributes or MessageBody."""
        return self.attributes.get("FilterPolicyScope", "MessageAttributes")


@dataclass(slots=True, eq=False)
class Application:
    """One platform application: an app at a push service."""

    arn: str
    platform: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    """Without PlatformCredential and PlatformPrincipal: AWS never shows them, so they are not kept."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """By ARN."""

    by_token: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Whether messages may be sent to its endpoints."""
        return self.attributes.get("Enabled", "true") == "true"


@dataclass(slots=True, eq=False)
class Endpoint:
    """One platform endpoint: an app on a device."""

    arn: str
    application: Application
    attributes: dict[str, str] = field(default_factory=dict)
    """Token, Enabled, CustomUserData."""

    @property
    def enabled(self) -> bool:
        """Whether messages may be sent to it."""
        return self.attributes.get("Enabled", "true") == "true"


@dataclass(slots=True, eq=False)
class Phones:
    """What an account has of text messages."""

    attributes: dict[str, str] = field(default_factory=dict)
    """SetSMSAttributes."""

    opted_out: dict[str, int] = field(default_factory=dict)
    """Numbers that do not want messages, and when they said so."""

    opted_in_ms: dict[str, int] = field(default_factory=dict)
    """When OptInPhoneNumber last brought a number back."""

    sandbox: dict[str, SandboxNumber] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class SandboxNumber:
    """A destination number of the SMS sandbox."""

    number: str
    code: str
    """The one-time password that was "sent" to it."""

    code_ms: int
    """When it was sent."""

    verified: bool = False
    attempts: int = 0
    """Wrong passwords since the last one was sent."""


class SnsState(ServiceState):
    """Topics by name, subscriptions by ARN, applications by ARN, phones, and what was captured instead of being sent."""

    def __init__(self, emulator: Emulator, account: str, region: str) -> None:
        self.emulator = emulator
        self.account = account
        self.region = region
        self.topics: dict[str, Topic] = {}
        self.fifo_topics = 0
        self.subscriptions: dict[str, Subscription] = {}
        """Of this account's topics."""

        self.owned: dict[str, Subscription] = {}
        """Made by this account, to whosever topics."""

        self.filter_policies = 0
        """On subscriptions to this account's topics."""

        self.applications: dict[str, Application] = {}
        self.phones = Phones()
        self.captures = Captures()

    def close(self) -> None:
        """End replays and deliveries that wait; the state is being thrown away."""
        for topic in self.topics.values():
            for subscription in topic.subscriptions.values():
                if subscription.replay is not None:
                    subscription.replay.stop()
            topic.subscriptions.clear()  # what is still on its way to many goes no further
        self.emulator.router.deliveries.forget("sns", self.account, self.region)


def check_arn(text: str | None, parameter: str, member: str) -> str:
    """Check that an ARN is there and has all its parts. Raises ValidationError, InvalidParameter."""
    if text is None:
        raise errors.missing(member)
    parts = text.count(":") + 1
    if parts < 6:
        raise errors.invalid_parameter(f"{parameter} Reason: An ARN must have at least 6 elements, not {parts}")
    return text


def find_topic(ctx: SnsContext, text: str | None, parameter: str = "TopicArn") -> Topic:
    """Find the topic of an ARN, in whatever account it is. Raises ValidationError, InvalidParameter, NotFound."""
    topic = seek_topic(ctx, text, parameter)
    if topic is None:
        raise errors.not_found("Topic")
    return topic


def seek_topic(ctx: SnsContext, text: str | None, parameter: str = "TopicArn") -> Topic | None:
    """Find the topic of an ARN, or None where the ARN is good and no topic has it."""
    member = parameter[0].lower() + parameter[1:]
    arn = parse_arn(check_arn(text, parameter, member))
    if arn is None or arn.service != "sns" or _elsewhere(ctx, arn) or not _account(arn.account):
        raise errors.invalid_parameter(parameter)
    if ":" in arn.resource or "/" in arn.resource:
        raise errors.invalid_parameter(parameter)
    state = ctx.find_state(arn.account, arn.region)
    return None if state is None else state.topics.get(arn.resource)


def _elsewhere(ctx: SnsContext, arn: Arn) -> bool:
    """Whether an ARN is of another region than the caller's. A link in a message, such as SubscribeURL, carries no signature
    and so no region but its ARN's.
    """
    return bool(ctx.access_key) and arn.region != ctx.region


def _account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def topic_by_arn(emulator: Emulator, arn: str) -> Topic | None:
    """Find a topic by its ARN, wherever it is."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sns":
        return None
    state = emulator.find_state("sns", parsed.account, parsed.region)
    return state.topics.get(parsed.resource) if isinstance(state, SnsState) else None


def seek_subscription(ctx: SnsContext, text: str | None) -> Subscription | None:
    """Find the subscription of an ARN, or None where the ARN is good and no subscription has it."""
    arn = parse_arn(check_arn(text, "SubscriptionArn", "subscriptionArn"))
    if arn is None or arn.service != "sns" or not _account(arn.account):
        raise errors.invalid_parameter("SubscriptionArn")
    name, _, number = arn.resource.partition(":")
    if not name or UUID.fullmatch(number) is None:
        raise errors.invalid_parameter("SubscriptionId")
    if _elsewhere(ctx, arn):
        raise errors.invalid_parameter("SubscriptionArn")
    state = ctx.find_state(arn.account, arn.region)
    return None if state is None else state.subscriptions.get(str(arn))


def find_subscription(ctx: SnsContext, text: str | None) -> Subscription:
    """Find the subscription of an ARN. Raises ValidationError, InvalidParameter, NotFound."""
    subscription = seek_subscription(ctx, text)
    if subscription is None or expired(subscription, ctx.now_ms):
        raise errors.not_found("Subscription")
    return subscription


def expired(subscription: Subscription, now_ms: int) -> bool:
    """Whether a subscription was not confirmed in time: it is gone, though nobody has swept it away yet."""
    return not subscription.confirmed and subscription.token_until_ms <= now_ms


def home(emulator: Emulator, account: str, region: str) -> SnsState:
    """Reach the state of an account and region, made when it is not there."""
    return cast("SnsState", emulator.state("sns", account, region))
