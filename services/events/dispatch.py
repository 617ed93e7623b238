"""From an accepted event to the rules that match it. Events are matched in the order in which they were accepted, in a task beside the
requests: PutEvents answers before anything is delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.pattern.fields import flatten
from emulator.tasks import breathe
from services.events import delivery
from services.events.state import EventsState, home

if TYPE_CHECKING:
    from collections.abc import Container

    from emulator.app import Emulator
    from services.events.event import Event
    from services.events.state import Bus

SLICE = 100
"""Deliveries after which other requests get their turn."""


def accept(emulator: Emulator, bus: Bus, event: Event) -> None:
    """Take an event for a bus."""
    state = home(emulator, bus.account, bus.region)
    state.inbox.append((bus, event))
    if not state.dispatching:
        _begin(emulator, state)


def _begin(emulator: Emulator, state: EventsState) -> None:
    state.dispatching = True
    emulator.tasks.start(f"dispatch events of {state.account} in {state.region}", _drain(emulator, state))


async def _drain(emulator: Emulator, state: EventsState) -> None:
    done = 0
    try:
        while state.inbox:
            bus, event = state.inbox.popleft()
            done += 1 + match(emulator, bus, event)
            if done >= SLICE:
                done = 0
                await breathe()
    except Exception:
        # A bug of ours, which the end of this task shows. It must not strand the events behind the one that met it.
        state.dispatching = False
        if state.inbox:
            _begin(emulator, state)
        raise
    state.dispatching = False


def match(emulator: Emulator, bus: Bus, event: Event, only: Container[str] | None = None) -> int:
    """Give an event to the rules that match it, or to those of them that `only` names by ARN; how many deliveries that made.

    A rule that an archive has made keeps the event; it is not `only`'s business.
    """
    if not len(bus.index):
        return 0
    deliveries = 0
    for rule in bus.index.match(flatten(event.document, bus.index.interest)):
        if rule.archive is not None:
            rule.archive.keep(event)
        elif only is None or rule.arn in only:
            delivery.invoke(emulator, rule, event)
            deliveries += len(rule.targets)
    return deliveries
