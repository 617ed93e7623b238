"""Rules that fire by the clock. Each has one timer, for its next firing; a rule that waits costs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.events import delivery
from services.events.event import Event, make_event, time_text

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.events.state import Rule


def arm(emulator: Emulator, rule: Rule) -> None:
    """Set the timer for a rule's next firing, in place of the one that is set."""
    disarm(rule)
    if rule.schedule is None or not rule.enabled:
        return
    # Never twice for one instant, even if the machine's clock is put back.
    next_ms = rule.schedule.next_ms(max(emulator.clock.now_ms(), rule.fired_ms), rule.anchor_ms)
    if next_ms is not None:
        rule.timer = emulator.clock.call_at(next_ms, lambda: _fire(emulator, rule, next_ms))


def disarm(rule: Rule) -> None:
    """Take the timer away."""
    if rule.timer is not None:
        rule.timer.cancel()
        rule.timer = None


def _fire(emulator: Emulator, rule: Rule, due_ms: int) -> None:
    rule.timer, rule.fired_ms = None, due_ms
    event = scheduled_event(emulator, rule, due_ms)
    arm(emulator, rule)
    delivery.invoke(emulator, rule, event)


def scheduled_event(emulator: Emulator, rule: Rule, due_ms: int) -> Event:
    """Make the event of a firing. It goes to the rule's targets and is not put on the bus."""
    return make_event(
        event_id=emulator.ids.uuid(),
        source="aws.events",
        detail_type="Scheduled Event",
        detail={},
        account=rule.bus.account,
        region=rule.bus.region,
        time_ms=due_ms,
        time_text=time_text(due_ms),
        resources=[rule.arn],
        received_ms=due_ms,
    )
