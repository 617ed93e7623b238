"""PutEvents: each entry is checked on its own; what is good is put on its bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from emulator.service import operation
from services.events import dispatch
from services.events.entries import check_members, not_authorized, put_each, read_detail
from services.events.event import make_event, time_text
from services.events.state import seek_bus

if TYPE_CHECKING:
    from services.events.entries import Entry
    from services.events.state import EventsContext


class PutEventsRequest(TypedDict, total=False):
    """PutEvents."""

    Entries: list[Entry]
    EndpointId: str


@operation("PutEvents")
def put_events(ctx: EventsContext, request: PutEventsRequest) -> dict[str, Any]:
    """Put up to 10 events on buses. An entry that is not good fails alone; an event for a bus that does not exist vanishes, as on AWS.

    Raises ValidationException.
    """
    return put_each(request["Entries"], lambda entry: _put(ctx, entry))


def _put(ctx: EventsContext, entry: Entry) -> str:
    """Check an entry and put its event on its bus; the event's id."""
    check_members(entry)
    if entry["Source"].startswith("aws."):
        raise not_authorized()
    detail = read_detail(entry)
    event_id = ctx.emulator.ids.uuid()
    bus = seek_bus(ctx, entry.get("EventBusName"))
    if bus is None or bus.region != ctx.region:
        return event_id
    time_ms = entry.get("Time", ctx.now_ms) // 1000 * 1000
    event = make_event(
        event_id=event_id,
        source=entry["Source"],
        detail_type=entry["DetailType"],
        detail=detail,
        account=ctx.account,
        region=ctx.region,
        time_ms=time_ms,
        time_text=time_text(time_ms),
        resources=entry.get("Resources", []),
        received_ms=ctx.now_ms,
        detail_text=entry["Detail"],
        trace_header=entry.get("TraceHeader"),
    )
    dispatch.accept(ctx.emulator, bus, event)
    return event_id
