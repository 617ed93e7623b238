"""API destinations: HTTP endpoints that rules have as targets. Where and how; `api_call` makes the requests.

Invocation endpoints may begin with http:// besides https://, as `connections` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from emulator.arns import make_arn, parse_arn
from emulator.service import operation
from services.events import errors, limits
from services.events.connections import NameRequest, check_endpoint, connection_by_arn
from services.events.pages import page
from services.events.state import EventsState

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.events.state import EventsContext


@dataclass(slots=True, eq=False)
class ApiDestination:
    """One API destination."""

    name: str
    arn: str
    connection_arn: str
    endpoint: str
    """Its URL; each `*` in the path stands for a path parameter of the target."""

    method: str
    created_ms: int
    modified_ms: int
    per_second_max: int = limits.INVOCATIONS_PER_SECOND
    description: str | None = None


class CreateRequest(NameRequest):
    """CreateApiDestination."""

    ConnectionArn: str
    InvocationEndpoint: str
    HttpMethod: str
    Description: NotRequired[str]
    InvocationRateLimitPerSecond: NotRequired[int]


class UpdateRequest(NameRequest):
    """UpdateApiDestination."""

    ConnectionArn: NotRequired[str]
    InvocationEndpoint: NotRequired[str]
    HttpMethod: NotRequired[str]
    Description: NotRequired[str]
    InvocationRateLimitPerSecond: NotRequired[int]


class ListRequest(TypedDict):
    """ListApiDestinations."""

    NamePrefix: NotRequired[str]
    ConnectionArn: NotRequired[str]
    NextToken: NotRequired[str]
    Limit: NotRequired[int]


@operation("CreateApiDestination")
def create_api_destination(ctx: EventsContext, request: CreateRequest) -> dict[str, Any]:
    """Make an API destination.

    Raises ResourceAlreadyExistsException, ResourceNotFoundException for the connection, ValidationException, LimitExceededException.
    """
    name = request["Name"]
    if name in ctx.state.destinations:
        raise errors.destination_exists(name)
    connection_arn = _check_connection(ctx, request["ConnectionArn"])
    endpoint = check_endpoint(request["InvocationEndpoint"], "InvocationEndpoint")
    if len(ctx.state.destinations) >= limits.DESTINATIONS_MAX:
        raise errors.limit_exceeded()
    arn = make_arn("events", ctx.region, ctx.account, f"api-destination/{name}/{ctx.emulator.ids.uuid()}")
    destination = ApiDestination(
        name,
        arn,
        connection_arn,
        endpoint,
        request["HttpMethod"],
        ctx.now_ms,
        ctx.now_ms,
        request.get("InvocationRateLimitPerSecond", limits.INVOCATIONS_PER_SECOND),
        request.get("Description"),
    )
    ctx.state.destinations[name] = destination
    return _summary(ctx.emulator, destination)


@operation("UpdateApiDestination")
def update_api_destination(ctx: EventsContext, request: UpdateRequest) -> dict[str, Any]:
    """Change an API destination; what is not given stays. Raises ResourceNotFoundException, ValidationException."""
    destination = find_destination(ctx, request["Name"])
    if "ConnectionArn" in request:
        _check_connection(ctx, request["ConnectionArn"])
    if "InvocationEndpoint" in request:
        check_endpoint(request["InvocationEndpoint"], "InvocationEndpoint")
    destination.connection_arn = request.get("ConnectionArn", destination.connection_arn)
    destination.endpoint = request.get("InvocationEndpoint", destination.endpoint)
    destination.method = request.get("HttpMethod", destination.method)
    destination.description = request.get("Description", destination.description)
    destination.per_second_max = request.get("InvocationRateLimitPerSecond", destination.per_second_max)
    destination.modified_ms = ctx.now_ms
    return _summary(ctx.emulator, destination)


@operation("DescribeApiDestination")
def describe_api_destination(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Show an API destination. Raises ResourceNotFoundException."""
    destination = find_destination(ctx, request["Name"])
    shown = _show(ctx.emulator, destination)
    return shown if destination.description is None else {**shown, "Description": destination.description}


@operation("ListApiDestinations")
def list_api_destinations(ctx: EventsContext, request: ListRequest) -> dict[str, Any]:
    """List the caller's API destinations by name, in pages, by prefix and connection where these are given."""
    prefix, connection_arn = request.get("NamePrefix", ""), request.get("ConnectionArn")
    found = (
        (name, destination)
        for name, destination in ctx.state.destinations.items()
        if name.startswith(prefix) and connection_arn in (None, destination.connection_arn)
    )
    destinations, token = page(found, request.get("NextToken"), request.get("Limit"))
    answer: dict[str, Any] = {"ApiDestinations": [_show(ctx.emulator, destination) for destination in destinations]}
    return answer if token is None else {**answer, "NextToken": token}


@operation("DeleteApiDestination")
def delete_api_destination(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Delete an API destination; events for it cannot be delivered any more. Raises ResourceNotFoundException."""
    del ctx.state.destinations[find_destination(ctx, request["Name"]).name]
    return {}


def find_destination(ctx: EventsContext, name: str) -> ApiDestination:
    """Find the caller's API destination. Raises ResourceNotFoundException."""
    destination = ctx.state.destinations.get(name)
    if destination is None:
        raise errors.no_destination(name)
    return destination


def destination_by_arn(emulator: Emulator, text: str) -> ApiDestination | None:
    """Find an API destination by its ARN, wherever it is. One of the same name that was made later has another ARN."""
    arn = parse_arn(text)
    state = None if arn is None else emulator.find_state("events", arn.account, arn.region)
    if arn is None or not isinstance(state, EventsState):
        return None
    destination = state.destinations.get(arn.resource.removeprefix("api-destination/").partition("/")[0])
    return destination if destination is not None and destination.arn == text else None


def _check_connection(ctx: EventsContext, text: str) -> str:
    """Check that a connection is there, and the caller's own."""
    arn = parse_arn(text)
    connection = connection_by_arn(ctx.emulator, text)
    if arn is None or connection is None or (arn.account, arn.region) != (ctx.account, ctx.region):
        name = "" if arn is None else arn.resource.removeprefix("connection/").partition("/")[0]
        raise errors.no_connection(name or text)
    return text


def _show(emulator: Emulator, destination: ApiDestination) -> dict[str, Any]:
    """Show what a list shows. The state follows the connection's."""
    connection = connection_by_arn(emulator, destination.connection_arn)
    return {
        "ApiDestinationArn": destination.arn,
        "Name": destination.name,
        "ApiDestinationState": "ACTIVE" if connection is not None and connection.usable else "INACTIVE",
        "ConnectionArn": destination.connection_arn,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.per_second_max,
        "CreationTime": destination.created_ms,
        "LastModifiedTime": destination.modified_ms,
    }


def _summary(emulator: Emulator, destination: ApiDestination) -> dict[str, Any]:
    """Show what an operation that changed the API destination answers."""
    shown = _show(emulator, destination)
    return {
        name: shown[name] for name in ("ApiDestinationArn", "ApiDestinationState", "CreationTime", "LastModifiedTime")
    }
