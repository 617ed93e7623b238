"""Rules: PutRule, DeleteRule, DescribeRule, EnableRule, DisableRule, ListRules, ListRuleNamesByTarget, TestEventPattern."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.arns import make_arn
from emulator.pattern.compile import compile_pattern
from emulator.pattern.dialect import EVENTBRIDGE
from emulator.pattern.errors import PatternError
from emulator.pattern.fields import Interest, flatten
from emulator.pattern.parse import parse_pattern
from emulator.schedule import Schedule, ScheduleError, parse_schedule
from emulator.service import operation
from services.events import errors, limits, schedules
from services.events.pages import answer
from services.events.state import DEFAULT_BUS, Bus, Rule, find_bus, find_rule
from services.events.tags import check_tags

if TYPE_CHECKING:
    from emulator.pattern.parse import Pattern
    from services.events.state import EventsContext


class RuleRequest(TypedDict, total=False):
    """Any request about one rule."""

    Name: str
    EventBusName: str
    Force: bool


class PutRuleRequest(RuleRequest, total=False):
    """PutRule."""

    EventPattern: str
    ScheduleExpression: str
    State: str
    Description: str
    RoleArn: str
    Tags: list[dict[str, str]]


class ListRulesRequest(TypedDict, total=False):
    """ListRules."""

    NamePrefix: str
    EventBusName: str
    NextToken: str
    Limit: int


class ListRuleNamesRequest(TypedDict, total=False):
    """ListRuleNamesByTarget."""

    TargetArn: str
    EventBusName: str
    NextToken: str
    Limit: int


class TestPatternRequest(TypedDict):
    """TestEventPattern."""

    EventPattern: str
    Event: str


REQUIRED_FIELDS = ("id", "account", "source", "time", "region", "resources", "detail-type")
"""What an event must hold for TestEventPattern."""


@operation("PutRule")
def put_rule(ctx: EventsContext, request: PutRuleRequest) -> dict[str, Any]:
    """Make a rule, or put a new one in its place: what is not named is cleared, targets and tags stay.

    Raises InvalidEventPatternException, LimitExceededException, ManagedRuleException, ResourceNotFoundException, ValidationException.
    """
    name, pattern_text = request["Name"], request.get("EventPattern")
    schedule_text = request.get("ScheduleExpression")
    bus = find_bus(ctx, request.get("EventBusName"))
    if schedule_text is not None and bus.name != DEFAULT_BUS:
        raise errors.validation("ScheduleExpression is supported only on the default event bus.")
    if not pattern_text and not schedule_text:
        raise errors.validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    pattern = parse_event_pattern(pattern_text) if pattern_text else None
    schedule = _parse_schedule(schedule_text) if schedule_text else None
    tags = check_tags(request.get("Tags", []))
    if ctx.emulator.settings.quotas and pattern is not None:
        _check_wildcards(bus, name, pattern)
    rule = bus.rules.get(name)
    if rule is None:
        if len(bus.rules) >= limits.RULES_MAX and ctx.emulator.settings.quotas:
            raise errors.limit_exceeded()
        rule = bus.rules[name] = Rule(name, bus, rule_arn(bus, name), tags=tags)
    elif rule.managed_by is not None:
        raise errors.managed_rule(name)
    rule.pattern_text, rule.pattern = pattern_text or None, pattern
    rule.schedule_text, rule.schedule = schedule_text or None, schedule
    rule.state = request.get("State", "ENABLED")
    rule.description = request.get("Description")
    rule.role_arn = request.get("RoleArn")
    enter(ctx, rule)
    return {"RuleArn": rule.arn}


def rule_arn(bus: Bus, name: str) -> str:
    """Make a rule's ARN; on the default bus it does not name the bus."""
    resource = f"rule/{name}" if bus.name == DEFAULT_BUS else f"rule/{bus.name}/{name}"
    return make_arn("events", bus.region, bus.account, resource)


def parse_event_pattern(text: str) -> Pattern:
    """Compile an event pattern. Raises InvalidEventPatternException."""
    try:
        return parse_pattern(text, EVENTBRIDGE)
    except PatternError as fault:
        raise errors.invalid_pattern(str(fault)) from None


def _check_wildcards(bus: Bus, name: str, pattern: Pattern) -> None:
    """Check that a bus has not too many rules with wildcards when this becomes the pattern of one. Raises LimitExceededException."""
    if not _has_wildcards(pattern):
        return
    others = (rule.pattern for rule in bus.rules.values() if rule.name != name and rule.pattern is not None)
    if sum(map(_has_wildcards, others)) >= limits.WILDCARD_RULES_MAX:
        raise errors.limit_exceeded()


def _has_wildcards(pattern: Pattern) -> bool:
    for alternative in pattern.alternatives:
        for test in chain.from_iterable(alternative.values()):
            shown = test.show()
            inner = shown.get("anything-but", shown) if isinstance(shown, dict) else None
            if isinstance(inner, dict) and "wildcard" in inner:
                return True
    return False


def _parse_schedule(text: str) -> Schedule:
    try:
        return parse_schedule(text)
    except ScheduleError:
        raise errors.not_valid("ScheduleExpression") from None


def enter(ctx: EventsContext, rule: Rule) -> None:
    """Let a rule's pattern and schedule act as they and its state are now."""
    bus = rule.bus
    bus.index.discard(rule)
    if rule.enabled and rule.pattern is not None:
        bus.index.add(rule, rule.pattern)
    rule.anchor_ms, rule.fired_ms = ctx.now_ms, 0
    schedules.arm(ctx.emulator, rule)


@operation("DeleteRule")
def delete_rule(ctx: EventsContext, request: RuleRequest) -> None:
    """Delete a rule without targets; one that is not there is no error.

    Raises ValidationException, ManagedRuleException, ResourceNotFoundException (the bus).
    """
    bus = find_bus(ctx, request.get("EventBusName"))
    rule = bus.rules.get(request["Name"])
    if rule is None:
        return
    check_managed(rule, force=request.get("Force", False))
    if rule.targets:
        raise errors.validation("Rule can't be deleted since it has targets.")
    remove(rule)


def remove(rule: Rule) -> None:
    """Take a rule out of its bus."""
    rule.bus.index.discard(rule)
    rule.state = "DISABLED"
    schedules.disarm(rule)
    rule.bus.rules.pop(rule.name, None)


def check_managed(rule: Rule, *, force: bool) -> None:
    """Check that a rule that AWS manages is touched by force only. Raises ManagedRuleException."""
    if rule.managed_by is not None and not force:
        raise errors.managed_rule(rule.name)


@operation("DescribeRule")
def describe_rule(ctx: EventsContext, request: RuleRequest) -> dict[str, Any]:
    """Show a rule. Raises ResourceNotFoundException."""
    rule = find_rule(ctx, request["Name"], request.get("EventBusName"))
    return show(rule) | {"CreatedBy": rule.bus.account}


def show(rule: Rule) -> dict[str, Any]:
    """Describe a rule in the API's shape."""
    shown = {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern_text,
        "ScheduleExpression": rule.schedule_text,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "ManagedBy": rule.managed_by,
        "EventBusName": rule.bus.name,
    }
    return {key: value for key, value in shown.items() if value is not None}


@operation("EnableRule")
def enable_rule(ctx: EventsContext, request: RuleRequest) -> None:
    """Let a rule match and fire. Raises ResourceNotFoundException, ManagedRuleException."""
    _switch(ctx, request, "ENABLED")


@operation("DisableRule")
def disable_rule(ctx: EventsContext, request: RuleRequest) -> None:
    """Let a rule neither match nor fire. Raises ResourceNotFoundException, ManagedRuleException."""
    _switch(ctx, request, "DISABLED")


def _switch(ctx: EventsContext, request: RuleRequest, state: str) -> None:
    rule = find_rule(ctx, request["Name"], request.get("EventBusName"))
    check_managed(rule, force=False)
    if rule.enabled != (state == "ENABLED"):
        rule.state = state
        enter(ctx, rule)


@operation("ListRules")
def list_rules(ctx: EventsContext, request: ListRulesRequest) -> dict[str, Any]:
    """List the rules of a bus by name. Raises ResourceNotFoundException."""
    bus = find_bus(ctx, request.get("EventBusName"))
    prefix = request.get("NamePrefix", "")
    found = ((rule.name, show(rule)) for rule in bus.rules.values() if rule.name.startswith(prefix))
    return answer("Rules", found, request.get("NextToken"), request.get("Limit"))


@operation("ListRuleNamesByTarget")
def list_rule_names_by_target(ctx: EventsContext, request: ListRuleNamesRequest) -> dict[str, Any]:
    """List the names of a bus's rules that have a target of this ARN. Raises ResourceNotFoundException."""
    bus, arn = find_bus(ctx, request.get("EventBusName")), request["TargetArn"]
    found = (
        (rule.name, rule.name)
        for rule in bus.rules.values()
        if any(target.arn == arn for target in rule.targets.values())
    )
    return answer("RuleNames", found, request.get("NextToken"), request.get("Limit"))


@operation("TestEventPattern")
def test_event_pattern(ctx: EventsContext, request: TestPatternRequest) -> dict[str, Any]:  # noqa: ARG001 - as declared
    """Tell whether an event matches a pattern. Raises InvalidEventPatternException, ValidationException."""
    pattern = parse_event_pattern(request["EventPattern"])
    try:
        event = orjson.loads(request["Event"])
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict) or any(name not in event for name in REQUIRED_FIELDS):
        raise errors.not_valid("Event")
    return {"Result": compile_pattern(pattern).matches(flatten(event, Interest(pattern.paths)))}
