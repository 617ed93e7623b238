"""What EventBridge remembers in one account and one region: buses with their rules and targets, archives, replays, connections, API
destinations, partner event sources, global endpoints.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from emulator.arns import make_arn, parse_arn
from emulator.pattern.index import Index
from emulator.service import ServiceState
from services.events import errors

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.clock import Timer
    from emulator.context import Context
    from emulator.pattern.parse import Pattern
    from emulator.router.delivery import Lane
    from emulator.router.transform import Transform
    from emulator.schedule import Schedule
    from services.events.archives import Archive
    from services.events.connections import Connection
    from services.events.destinations import ApiDestination
    from services.events.endpoints import GlobalEndpoint
    from services.events.event import Event
    from services.events.partners import PartnerSource
    from services.events.replays import Replay

    EventsContext = Context["EventsState"]

DEFAULT_BUS = "default"


@dataclass(slots=True, eq=False)
class Bus:
    """One event bus."""

    name: str
    account: str
    region: str
    arn: str
    created_ms: int
    modified_ms: int
    settings: dict[str, Any] = field(default_factory=dict)
    """Description, KmsKeyIdentifier, DeadLetterConfig, LogConfig: kept and shown as they were given."""

    event_source: str | None = None
    """The partner event source that it takes events of."""

    policy: dict[str, Any] | None = None
    """The policy's document."""

    tags: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    index: Index[Rule] = field(default_factory=Index)
    """The enabled rules that have a pattern."""


@dataclass(slots=True, eq=False)
class Rule:
    """One rule. `pattern_text` and `schedule_text` are as they were given."""

    name: str
    bus: Bus
    arn: str
    state: str = "ENABLED"
    pattern_text: str | None = None
    pattern: Pattern | None = None
    schedule_text: str | None = None
    schedule: Schedule | None = None
    description: str | None = None
    role_arn: str | None = None
    managed_by: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    """By id, in the order in which they were put."""

    archive: Archive | None = None
    """What the managed rule of an archive feeds."""

    anchor_ms: int = 0
    """From when a rate counts."""

    fired_ms: int = 0
    """When it last fired."""

    timer: Timer | None = None
    """Of the next firing of its schedule."""

    @property
    def enabled(self) -> bool:
        """Whether it matches events and fires."""
        return self.state != "DISABLED"


@dataclass(slots=True, eq=False)
class Target:
    """One target of a rule."""

    id: str
    arn: str
    spec: dict[str, Any]
    """The target as it was put, in the API's shape."""

    lane: Lane
    transform: Transform | None = None


class EventsState(ServiceState):
    """All of one account and region. The default bus is always there."""

    def __init__(self, emulator: Emulator, account: str, region: str) -> None:
        self.emulator = emulator
        self.account = account
        self.region = region
        self.buses: dict[str, Bus] = {}
        self.archives: dict[str, Archive] = {}
        self.replays: dict[str, Replay] = {}
        self.connections: dict[str, Connection] = {}
        self.destinations: dict[str, ApiDestination] = {}
        self.partner_sources: dict[str, PartnerSource] = {}
        """Made by this account as a partner, by name."""

        self.event_sources: dict[str, PartnerSource] = {}
        """Offered to this account by partners, by name."""

        self.endpoints: dict[str, GlobalEndpoint] = {}
        self.log_groups: dict[str, deque[dict[str, Any]]] = {}
        """What went to CloudWatch Logs, by log group ARN."""

        self.inbox: deque[tuple[Bus, Event]] = deque()
        """Events that have been accepted and wait to be matched."""

        self.dispatching = False
        self.add_bus(DEFAULT_BUS)

    def add_bus(self, name: str) -> Bus:
        """Make an empty bus."""
        now_ms = self.emulator.clock.now_ms()
        arn = make_arn("events", self.region, self.account, f"event-bus/{name}")
        bus = self.buses[name] = Bus(name, self.account, self.region, arn, now_ms, now_ms)
        return bus

    def close(self) -> None:
        """End timers, replays and deliveries that wait; the state is being thrown away."""
        self.inbox.clear()
        for bus in self.buses.values():
            for rule in bus.rules.values():
                if rule.timer is not None:
                    rule.timer.cancel()
                    rule.timer = None
                rule.targets.clear()
        for replay in self.replays.values():
            replay.stop()
        self.emulator.router.deliveries.forget("events", self.account, self.region)


def find_bus(ctx: EventsContext, text: str | None) -> Bus:
    """Find a bus by name or ARN, in whatever account it is; without either the default bus. Raises ResourceNotFoundException."""
    bus = seek_bus(ctx, text)
    if bus is None:
        raise errors.no_bus(text or DEFAULT_BUS)
    return bus


def seek_bus(ctx: EventsContext, text: str | None) -> Bus | None:
    """Find a bus by name or ARN, or None."""
    if not text:
        text = DEFAULT_BUS
    arn = parse_arn(text)
    if arn is None:
        return ctx.state.buses.get(text)
    return bus_by_arn(ctx.emulator, arn)


def bus_by_arn(emulator: Emulator, arn: Arn) -> Bus | None:
    """Find a bus by its ARN, wherever it is. The default bus of an account that was never used is there as well."""
    name = arn.resource.removeprefix("event-bus/")
    if arn.service != "events" or name == arn.resource:
        return None
    if name == DEFAULT_BUS and len(arn.account) == 12 and arn.account.isdigit():
        return home(emulator, arn.account, arn.region).buses[name]
    state = emulator.find_state("events", arn.account, arn.region)
    return state.buses.get(name) if isinstance(state, EventsState) else None


def find_rule(ctx: EventsContext, name: str, bus_name: str | None) -> Rule:
    """Find a rule of a bus. Raises ResourceNotFoundException for either."""
    bus = find_bus(ctx, bus_name)
    rule = bus.rules.get(name)
    if rule is None:
        raise errors.no_rule(name, bus.name)
    return rule


def home(emulator: Emulator, account: str, region: str) -> EventsState:
    """Reach the state of an account and region, made when it is not there."""
    return cast("EventsState", emulator.state("events", account, region))
