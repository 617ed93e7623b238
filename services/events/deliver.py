"""What the router brings to EventBridge: an event of another bus."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from emulator.router.delivery import UndeliverableError
from services.events import dispatch
from services.events.event import Event
from services.events.state import bus_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.router.router import Envelope


def deliver(emulator: Emulator, arn: Arn, envelope: Envelope) -> None:
    """Put an event, whose JSON is the body, on a bus. Raises UndeliverableError where there is no such bus, or the body is no event."""
    bus = bus_by_arn(emulator, arn)
    if bus is None:
        raise UndeliverableError("NO_RESOURCE", f"Event bus {arn} does not exist.")
    try:
        document: Any = orjson.loads(envelope.body)
        time_ms = round(datetime.fromisoformat(document["time"]).timestamp() * 1000)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise UndeliverableError("INVALID_JSON", "The body is not an event") from None
    now_ms = emulator.clock.now_ms()
    event = Event(document, envelope.body, time_ms, now_ms, envelope.trace_header, envelope.hops)
    dispatch.accept(emulator, bus, event)
