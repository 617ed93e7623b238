"""Why the rules of a bus match an event or do not: EventBridge's part of `/_eventyard/explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.arns import Arn, parse_arn, partition
from emulator.pattern.explain import explain
from services.events import errors
from services.events.state import bus_by_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator
    from services.events.state import Bus, Rule


def explain_rules(emulator: Emulator, question: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Hold an event against every rule of a bus, by name: `{"event": the whole event, "bus": name or ARN}`, a name with `account` and
    `region` where they are not the default. None if no bus is named. Raises ResourceNotFoundException.
    """
    name = question.get("bus")
    if name is None:
        return None
    bus = _find_bus(emulator, name, question)
    return [_explain(bus.rules[rule], question["event"]) for rule in sorted(bus.rules)]


def _find_bus(emulator: Emulator, name: str, question: Mapping[str, Any]) -> Bus:
    settings = emulator.settings
    account, region = question.get("account", settings.account_id), question.get("region", settings.region)
    arn = parse_arn(name) or Arn(partition(region), "events", region, account, f"event-bus/{name}")
    bus = bus_by_arn(emulator, arn)
    if bus is None:
        raise errors.no_bus(name)
    return bus


def _explain(rule: Rule, event: Mapping[str, object]) -> dict[str, Any]:
    shown = {"rule": rule.name, "arn": rule.arn, "enabled": rule.enabled}
    if rule.pattern is None:
        return shown | {"matches": False, "reason": "The rule has no event pattern."}
    return shown | explain(rule.pattern, event)
