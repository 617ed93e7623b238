"""Global endpoints: CreateEndpoint, UpdateEndpoint, DeleteEndpoint, DescribeEndpoint, ListEndpoints. They are kept and shown; no health
check is run here, no event fails over and none is replicated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import make_arn, parse_arn
from emulator.service import operation
from services.events import errors, limits
from services.events.pages import page

if TYPE_CHECKING:
    from services.events.state import EventsContext, EventsState

SETTINGS = ("Description", "RoutingConfig", "ReplicationConfig", "EventBuses", "RoleArn")
"""What is kept of an endpoint and shown as it was given."""

_ID_LETTERS, _ID_SUFFIX = 10, "veo"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_DOMAIN = "endpoint.events.amazonaws.com"


@dataclass(slots=True, eq=False)
class GlobalEndpoint:
    """One global endpoint. It is ready as soon as it has been made or changed."""

    name: str
    arn: str
    id: str
    """The part of its host name that is its own: `<letters>.veo`."""

    created_ms: int
    modified_ms: int
    settings: dict[str, Any]
    """SETTINGS, in the API's shape."""


class NameRequest(TypedDict, total=False):
    """DeleteEndpoint, and DescribeEndpoint, whose HomeRegion is the region in which the endpoint was made."""

    Name: str
    HomeRegion: str


class EndpointRequest(TypedDict, total=False):
    """CreateEndpoint, UpdateEndpoint."""

    Name: str
    Description: str
    RoutingConfig: dict[str, Any]
    ReplicationConfig: dict[str, str]
    EventBuses: list[dict[str, str]]
    RoleArn: str


class ListEndpointsRequest(TypedDict, total=False):
    """ListEndpoints."""

    NamePrefix: str
    HomeRegion: str
    NextToken: str
    MaxResults: int


@operation("CreateEndpoint")
def create_endpoint(ctx: EventsContext, request: EndpointRequest) -> dict[str, Any]:
    """Make an endpoint of two buses of one name: one in this region, one in the region of the route.

    Raises ResourceAlreadyExistsException, LimitExceededException, ValidationException.
    """
    name, endpoints = request["Name"], ctx.state.endpoints
    settings = {"ReplicationConfig": {"State": "ENABLED"}, **_settings(request)}
    _check(ctx, settings)
    if name in endpoints:
        raise errors.endpoint_exists(name)
    if len(endpoints) >= limits.ENDPOINTS_MAX and ctx.emulator.settings.quotas:
        raise errors.limit_exceeded()
    endpoint = endpoints[name] = GlobalEndpoint(
        name=name,
        arn=make_arn("events", ctx.region, ctx.account, f"endpoint/{name}"),
        id=f"{ctx.emulator.ids.text(_ID_LETTERS, _LETTERS)}.{_ID_SUFFIX}",
        created_ms=ctx.now_ms,
        modified_ms=ctx.now_ms,
        settings=settings,
    )
    return {**_head(endpoint), "State": "CREATING"}


def _settings(request: EndpointRequest) -> dict[str, Any]:
    """Take what is to be kept out of a request; a replication without a state is on."""
    settings = {key: value for key, value in request.items() if key in SETTINGS}
    if "ReplicationConfig" in settings:
        settings["ReplicationConfig"] = {"State": request["ReplicationConfig"].get("State", "ENABLED")}
    return settings


def _check(ctx: EventsContext, settings: dict[str, Any]) -> None:
    """Check that the parts of an endpoint fit together. Raises ValidationException."""
    route = settings["RoutingConfig"]["FailoverConfig"]["Secondary"]["Route"]
    if route == ctx.region:
        raise errors.not_valid("RoutingConfig", "The secondary Region must not be the primary Region.")
    arns = [parse_arn(bus["EventBusArn"]) for bus in settings["EventBuses"]]
    buses = [arn for arn in arns if arn is not None]
    if len({bus.resource for bus in buses}) != 1:
        raise errors.not_valid("EventBuses", "The names of the event buses must be identical in each Region.")
    if any(bus.account != ctx.account for bus in buses):
        raise errors.not_valid("EventBuses", "The event buses must be of your account.")
    if {bus.region for bus in buses} != {ctx.region, route}:
        raise errors.not_valid("EventBuses", "One event bus must be in the primary and one in the secondary Region.")
    if settings["ReplicationConfig"]["State"] == "ENABLED" and "RoleArn" not in settings:
        raise errors.not_valid("RoleArn", "RoleArn is required when event replication is enabled.")


def _head(endpoint: GlobalEndpoint) -> dict[str, Any]:
    """Describe an endpoint as CreateEndpoint does."""
    kept = {key: value for key, value in endpoint.settings.items() if key != "Description"}
    return {"Name": endpoint.name, "Arn": endpoint.arn, **kept}


def _address(endpoint: GlobalEndpoint) -> dict[str, str]:
    return {"EndpointId": endpoint.id, "EndpointUrl": f"https://{endpoint.id}.{_DOMAIN}"}


@operation("UpdateEndpoint")
def update_endpoint(ctx: EventsContext, request: EndpointRequest) -> dict[str, Any]:
    """Change the settings that are named; the others stay. Raises ResourceNotFoundException, ValidationException."""
    endpoint = _find(ctx.state, request["Name"])
    settings = {**endpoint.settings, **_settings(request)}
    _check(ctx, settings)
    endpoint.settings, endpoint.modified_ms = settings, ctx.now_ms
    return {**_head(endpoint), **_address(endpoint), "State": "UPDATING"}


@operation("DeleteEndpoint")
def delete_endpoint(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Delete an endpoint. Raises ResourceNotFoundException."""
    del ctx.state.endpoints[_find(ctx.state, request["Name"]).name]
    return {}


@operation("DescribeEndpoint")
def describe_endpoint(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Show an endpoint. Raises ResourceNotFoundException."""
    return _show(_find(_home_state(ctx, request.get("HomeRegion")), request["Name"]))


@operation("ListEndpoints")
def list_endpoints(ctx: EventsContext, request: ListEndpointsRequest) -> dict[str, Any]:
    """List the caller's endpoints by name: those of this region, or of another."""
    state = _home_state(ctx, request.get("HomeRegion"))
    prefix = request.get("NamePrefix", "")
    endpoints = () if state is None else state.endpoints.values()
    found = ((endpoint.name, _show(endpoint)) for endpoint in endpoints if endpoint.name.startswith(prefix))
    shown, token = page(found, request.get("NextToken"), request.get("MaxResults"))
    return {"Endpoints": shown, "NextToken": token}


def _home_state(ctx: EventsContext, region: str | None) -> EventsState | None:
    """Find the state of the caller's account in the region in which an endpoint was made."""
    return ctx.state if region is None else ctx.find_state(ctx.account, region)


def _find(state: EventsState | None, name: str) -> GlobalEndpoint:
    endpoint = None if state is None else state.endpoints.get(name)
    if endpoint is None:
        raise errors.no_endpoint(name)
    return endpoint


def _show(endpoint: GlobalEndpoint) -> dict[str, Any]:
    """Describe an endpoint in full."""
    return {
        "Name": endpoint.name,
        "Arn": endpoint.arn,
        **endpoint.settings,
        **_address(endpoint),
        "State": "ACTIVE",
        "CreationTime": endpoint.created_ms,
        "LastModifiedTime": endpoint.modified_ms,
    }
