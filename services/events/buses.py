"""Event buses: CreateEventBus, UpdateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.service import operation
from services.events import errors, limits
from services.events.pages import answer
from services.events.state import DEFAULT_BUS, Bus, find_bus
from services.events.tags import check_tags

if TYPE_CHECKING:
    from services.events.state import EventsContext

SETTINGS = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")
"""What is kept of a bus and shown as it was given."""

PARTNER_PREFIX = "aws.partner/"


class BusRequest(TypedDict, total=False):
    """Any request about one bus."""

    Name: str


class CreateBusRequest(BusRequest, total=False):
    """CreateEventBus."""

    EventSourceName: str
    Description: str
    KmsKeyIdentifier: str
    DeadLetterConfig: dict[str, Any]
    LogConfig: dict[str, Any]
    Tags: list[dict[str, str]]


class ListBusesRequest(TypedDict, total=False):
    """ListEventBuses."""

    NamePrefix: str
    NextToken: str
    Limit: int


@operation("CreateEventBus")
def create_event_bus(ctx: EventsContext, request: CreateBusRequest) -> dict[str, Any]:
    """Make a bus. One for partner events has the name of its event source, which it makes active.

    Raises ResourceAlreadyExistsException, ResourceNotFoundException, LimitExceededException, InvalidStateException, ValidationException.
    """
    name, source_name = request["Name"], request.get("EventSourceName")
    state = ctx.state
    if name in state.buses:
        raise errors.already_exists(f"Event bus {name} already exists.")
    if source_name is None and "/" in name:
        raise errors.validation("Event bus name must not contain '/'.")
    if source_name is not None and source_name != name:
        raise errors.validation("Event bus name must match the name of its event source.")
    if len(state.buses) >= limits.BUSES_MAX and ctx.emulator.settings.quotas:
        raise errors.limit_exceeded()
    tags = check_tags(request.get("Tags", []))
    if source_name is not None:
        source = state.event_sources.get(source_name)
        if source is None:
            raise errors.not_found(f"Event source {source_name} does not exist.")
        source.accept()
    bus = state.add_bus(name)
    bus.event_source, bus.tags = source_name, tags
    bus.settings = {key: value for key, value in request.items() if key in SETTINGS}
    return {"EventBusArn": bus.arn, **bus.settings}


@operation("UpdateEventBus")
def update_event_bus(ctx: EventsContext, request: CreateBusRequest) -> dict[str, Any]:
    """Change the settings that are named; empty text takes one away. Raises ResourceNotFoundException."""
    bus = find_bus(ctx, request.get("Name"))
    for key, value in request.items():
        if key in SETTINGS and value:
            bus.settings[key] = value
        elif key in SETTINGS:
            bus.settings.pop(key, None)
    bus.modified_ms = ctx.now_ms
    return {"Arn": bus.arn, "Name": bus.name, **bus.settings}


@operation("DeleteEventBus")
def delete_event_bus(ctx: EventsContext, request: BusRequest) -> None:
    """Delete a bus without rules; one that is not there is no error. Raises ValidationException."""
    name = request["Name"]
    if name == DEFAULT_BUS:
        raise errors.validation("Cannot delete event bus default.")
    bus = ctx.state.buses.get(name)
    if bus is None:
        return
    if bus.rules:
        raise errors.validation("EventBus can't be deleted since it has rules.")
    del ctx.state.buses[name]
    source = ctx.state.event_sources.get(name)
    if source is not None:
        source.release()


@operation("DescribeEventBus")
def describe_event_bus(ctx: EventsContext, request: BusRequest) -> dict[str, Any]:
    """Show a bus; without a name the default bus. Raises ResourceNotFoundException."""
    bus = find_bus(ctx, request.get("Name"))
    return show(bus) | bus.settings


def show(bus: Bus) -> dict[str, Any]:
    """Describe a bus as lists do."""
    shown: dict[str, Any] = {"Name": bus.name, "Arn": bus.arn}
    if "Description" in bus.settings:
        shown["Description"] = bus.settings["Description"]
    if bus.policy is not None:
        shown["Policy"] = orjson.dumps(bus.policy).decode()
    return shown | {"CreationTime": bus.created_ms, "LastModifiedTime": bus.modified_ms}


@operation("ListEventBuses")
def list_event_buses(ctx: EventsContext, request: ListBusesRequest) -> dict[str, Any]:
    """List the caller's buses by name."""
    prefix = request.get("NamePrefix", "")
    found = ((bus.name, show(bus)) for bus in ctx.state.buses.values() if bus.name.startswith(prefix))
    return answer("EventBuses", found, request.get("NextToken"), request.get("Limit"))
