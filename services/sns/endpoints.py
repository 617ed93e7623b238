"""Platform endpoints: an app on a device, known to its push service by a token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulator.arns import make_arn, parse_arn
from emulator.context import Context
from emulator.service import operation
from services.sns import errors, limits, push_events
from services.sns.applications import APPLE, check_enabled, check_resource_arn, find_application
from services.sns.pages import page
from services.sns.state import Endpoint, SnsState

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sns.push_requests import (
        CreateEndpointRequest,
        EndpointRequest,
        ListEndpointsRequest,
        SetEndpointAttributesRequest,
    )
    from services.sns.state import Application, SnsContext

ATTRIBUTES = {"CustomUserData", "Enabled", "Token"}
BAIDU_ATTRIBUTES = {"ChannelId", "UserId"}
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")


@operation("CreatePlatformEndpoint")
def create_platform_endpoint(ctx: SnsContext, request: CreateEndpointRequest) -> dict[str, Any]:
    """Make an endpoint for a token, or find the one that has the token and all the given attributes.

    Raises ValidationError, InvalidParameter, NotFound.
    """
    application = find_application(ctx, request.get("PlatformApplicationArn"), "CreatePlatformEndpoint")
    token = _check_token(application, request.get("Token"))
    given = dict(request.get("Attributes", {}))
    if user_data := request.get("CustomUserData"):
        given.setdefault("CustomUserData", user_data)
    given = {**_check_attributes(application, given), "Token": token}
    existing = application.by_token.get(token)
    if existing is not None:
        if any(existing.attributes.get(name, "") != value for name, value in given.items()):
            raise errors.token_taken(existing.arn)
        return {"EndpointArn": existing.arn}
    number = ctx.emulator.ids.uuid()
    resource = f"endpoint/{application.platform}/{application.name}/{number}"
    endpoint = Endpoint(make_arn("sns", ctx.region, ctx.account, resource), application, {"Enabled": "true"})
    _set(endpoint, given)
    application.endpoints[endpoint.arn] = endpoint
    push_events.endpoint_created(ctx.emulator, endpoint)
    return {"EndpointArn": endpoint.arn}


@operation("DeleteEndpoint")
def delete_endpoint(ctx: SnsContext, request: EndpointRequest) -> None:
    """Delete an endpoint. One that does not exist is deleted already; its subscriptions stay, as on AWS."""
    endpoint = _seek(ctx, request.get("EndpointArn"), "EndpointArn", "DeleteEndpoint")
    if endpoint is None:
        return
    application = endpoint.application
    del application.endpoints[endpoint.arn]
    del application.by_token[endpoint.attributes["Token"]]
    push_events.endpoint_deleted(ctx.emulator, endpoint)


@operation("GetEndpointAttributes")
def get_endpoint_attributes(ctx: SnsContext, request: EndpointRequest) -> dict[str, Any]:
    """Show the attributes. Raises ValidationError, InvalidParameter, NotFound."""
    return {"Attributes": _find(ctx, request, "GetEndpointAttributes").attributes}


@operation("SetEndpointAttributes")
def set_endpoint_attributes(ctx: SnsContext, request: SetEndpointAttributesRequest) -> None:
    """Set some attributes; an empty CustomUserData takes it away. Raises ValidationError, InvalidParameter, NotFound."""
    endpoint = _find(ctx, request, "SetEndpointAttributes")
    given = request.get("Attributes")
    if not given:
        raise errors.missing("attributes")
    given = _check_attributes(endpoint.application, given)
    if "Token" in given:
        given["Token"] = _check_token(endpoint.application, given["Token"])
        holder = endpoint.application.by_token.get(given["Token"], endpoint)
        if holder is not endpoint:
            raise errors.token_taken(holder.arn)
    _set(endpoint, given)
    push_events.endpoint_updated(ctx.emulator, endpoint)


@operation("ListEndpointsByPlatformApplication")
def list_endpoints_by_platform_application(ctx: SnsContext, request: ListEndpointsRequest) -> dict[str, Any]:
    """List an application's endpoints by ARN, in pages. Raises ValidationError, InvalidParameter, NotFound."""
    arn = request.get("PlatformApplicationArn")
    application = find_application(ctx, arn, "ListEndpointsByPlatformApplication")
    endpoints, token = page(sorted(application.endpoints.items()), request.get("NextToken"), limits.PAGE_MAX)
    shown = [{"EndpointArn": each.arn, "Attributes": each.attributes} for each in endpoints]
    return {"Endpoints": shown, "NextToken": token}


def find_endpoint(where: SnsContext | Emulator, text: str) -> Endpoint:
    """Find an endpoint that can be published to. A call (a context) reaches its own account's endpoints, a delivery (an emulator) all.

    Raises InvalidParameter, AuthorizationError, EndpointDisabled, PlatformApplicationDisabled.
    """
    endpoint = _seek(where, text) if isinstance(where, Context) else endpoint_by_arn(where, text)
    if endpoint is None:
        raise errors.no_endpoint()
    if not endpoint.application.enabled:
        raise errors.platform_application_disabled()
    if not endpoint.enabled:
        raise errors.endpoint_disabled()
    return endpoint


def endpoint_by_arn(emulator: Emulator, text: str) -> Endpoint | None:
    """Find an endpoint by its ARN, wherever it is and whether or not it is enabled."""
    arn = parse_arn(text)
    if arn is None or arn.service != "sns":
        return None
    state = emulator.find_state("sns", arn.account, arn.region)
    if not isinstance(state, SnsState):
        return None
    resource = arn.resource.removeprefix("endpoint/").rpartition("/")[0]
    application = state.applications.get(str(arn._replace(resource=f"app/{resource}")))
    return None if application is None else application.endpoints.get(text)


def _seek(ctx: SnsContext, text: str | None, parameter: str = "TargetArn", action: str = "Publish") -> Endpoint | None:
    """Find the caller's endpoint of an ARN, or None where the ARN is good and no endpoint has it."""
    arn = check_resource_arn(ctx, text, parameter, "endpoint", 4)
    if arn.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, str(arn))
    return endpoint_by_arn(ctx.emulator, str(arn))


def _find(ctx: SnsContext, request: EndpointRequest, action: str) -> Endpoint:
    endpoint = _seek(ctx, request.get("EndpointArn"), "EndpointArn", action)
    if endpoint is None:
        raise errors.not_found("Endpoint")
    return endpoint


def _check_token(application: Application, token: str | None) -> str:
    """Check a token. Device tokens of Apple's are hexadecimal and shown in small letters."""
    if token is None:
        raise errors.missing("token")
    if not token:
        raise errors.invalid_parameter("Token Reason: cannot be empty")
    if application.platform in APPLE and _HEXADECIMAL.fullmatch(token):
        return token.lower()
    return token


def _check_attributes(application: Application, given: dict[str, str]) -> dict[str, str]:
    """Check attributes by their names and values; `Enabled` comes back in small letters."""
    allowed = ATTRIBUTES | BAIDU_ATTRIBUTES if application.platform == "BAIDU" else ATTRIBUTES
    for name in given:
        if name not in allowed:
            raise errors.invalid_attribute_name(name)
    if len(given.get("CustomUserData", "").encode()) > limits.CUSTOM_USER_DATA_MAX_BYTES:
        reason = f"must be at most {limits.CUSTOM_USER_DATA_MAX_BYTES} bytes long in UTF-8 encoding"
        raise errors.invalid_attribute_value("CustomUserData", reason)
    if "Enabled" in given:
        return {**given, "Enabled": check_enabled(given["Enabled"])}
    return dict(given)


def _set(endpoint: Endpoint, given: dict[str, str]) -> None:
    """Take over checked attributes, and keep the application's index of tokens right."""
    by_token = endpoint.application.by_token
    if "Token" in given:
        by_token.pop(endpoint.attributes.get("Token", ""), None)
        by_token[given["Token"]] = endpoint
    for name, value in given.items():
        if value:
            endpoint.attributes[name] = value
        else:
            endpoint.attributes.pop(name, None)
