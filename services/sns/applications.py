"""Platform applications: an app at a push service such as APNS or GCM (Firebase Cloud Messaging).

Credentials are checked for being there, never against the push service, and not kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulator.arns import Arn, make_arn, parse_arn
from emulator.service import operation
from services.sns import errors, limits
from services.sns.pages import page
from services.sns.push_events import TOPIC_ATTRIBUTES
from services.sns.state import Application, check_arn, topic_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.errors import AwsError
    from services.sns.push_requests import (
        ApplicationRequest,
        CreateApplicationRequest,
        SetApplicationAttributesRequest,
    )
    from services.sns.requests import PageRequest
    from services.sns.state import SnsContext

PLATFORMS = (
    "ADM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "MACOS",
    "MACOS_SANDBOX",
    "GCM",
    "BAIDU",
    "MPNS",
    "WNS",
)
APPLE = ("APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX")
WITHOUT_PRINCIPAL = ("GCM",)
"""Push services whose credential stands alone."""

CREDENTIALS = ("PlatformPrincipal", "PlatformCredential")
ATTRIBUTES = {
    *CREDENTIALS,
    *TOPIC_ATTRIBUTES,
    "ApplePlatformBundleID",
    "ApplePlatformTeamID",
    "Enabled",
    "FailureFeedbackRoleArn",
    "SuccessFeedbackRoleArn",
    "SuccessFeedbackSampleRate",
}
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@operation("CreatePlatformApplication")
def create_platform_application(ctx: SnsContext, request: CreateApplicationRequest) -> dict[str, Any]:
    """Make a platform application; one of the same platform and name gets the new attributes.

    Raises ValidationError, InvalidParameter.
    """
    name = _check_name(request.get("Name"))
    platform = _check_platform(request.get("Platform"))
    given = _check_attributes(ctx.emulator, request.get("Attributes"))
    _check_credentials(platform, given)
    arn = make_arn("sns", ctx.region, ctx.account, f"app/{platform}/{name}")
    application = ctx.state.applications.get(arn)
    if application is None:
        application = ctx.state.applications[arn] = Application(arn, platform, name, {"Enabled": "true"})
    _set(application, given)
    return {"PlatformApplicationArn": arn}


@operation("DeletePlatformApplication")
def delete_platform_application(ctx: SnsContext, request: ApplicationRequest) -> None:
    """Delete a platform application with its endpoints. One that does not exist is deleted already."""
    arn = _check_application_arn(ctx, request.get("PlatformApplicationArn"), "DeletePlatformApplication")
    ctx.state.applications.pop(arn, None)


@operation("GetPlatformApplicationAttributes")
def get_platform_application_attributes(ctx: SnsContext, request: ApplicationRequest) -> dict[str, Any]:
    """Show the attributes without the credentials. Raises ValidationError, InvalidParameter, NotFound."""
    arn = request.get("PlatformApplicationArn")
    return {"Attributes": find_application(ctx, arn, "GetPlatformApplicationAttributes").attributes}


@operation("SetPlatformApplicationAttributes")
def set_platform_application_attributes(ctx: SnsContext, request: SetApplicationAttributesRequest) -> None:
    """Set some attributes; an empty value takes one away. Raises ValidationError, InvalidParameter, NotFound."""
    arn = request.get("PlatformApplicationArn")
    application = find_application(ctx, arn, "SetPlatformApplicationAttributes")
    _set(application, _check_attributes(ctx.emulator, request.get("Attributes")))


@operation("ListPlatformApplications")
def list_platform_applications(ctx: SnsContext, request: PageRequest) -> dict[str, Any]:
    """List the caller's platform applications by ARN, in pages. Raises InvalidParameter."""
    applications, token = page(sorted(ctx.state.applications.items()), request.get("NextToken"), limits.PAGE_MAX)
    shown = [{"PlatformApplicationArn": each.arn, "Attributes": each.attributes} for each in applications]
    return {"PlatformApplications": shown, "NextToken": token}


def find_application(ctx: SnsContext, text: str | None, action: str) -> Application:
    """Find the caller's application of an ARN. Raises ValidationError, InvalidParameter, AuthorizationError, NotFound."""
    application = ctx.state.applications.get(_check_application_arn(ctx, text, action))
    if application is None:
        raise errors.not_found("PlatformApplication")
    return application


def _check_application_arn(ctx: SnsContext, text: str | None, action: str) -> str:
    parameter = "PlatformApplicationArn"
    arn = check_resource_arn(ctx, text, parameter, "app", 3)
    if arn.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, str(arn))
    return str(arn)


def check_resource_arn(ctx: SnsContext, text: str | None, parameter: str, kind: str, parts: int) -> Arn:
    """Check the form of an ARN whose resource has so many parts, the first of them `kind`. Raises ValidationError, InvalidParameter."""
    arn = parse_arn(check_arn(text, parameter, parameter[0].lower() + parameter[1:]))
    if arn is None or arn.service != "sns" or arn.region != ctx.region:
        raise errors.invalid_parameter(parameter)
    relative = arn.resource.split("/")
    if len(relative) != parts:
        raise errors.wrong_slashes(parameter)
    if relative[0] != kind:
        raise errors.invalid_parameter(parameter)
    return arn


def _check_name(name: str | None) -> str:
    if name is None:
        raise errors.missing("name")
    if not name:
        raise errors.invalid_parameter(f"{name} Reason: cannot be empty")
    if len(name) > limits.APPLICATION_NAME_MAX_CHARS:
        raise errors.invalid_parameter(
            f"{name} Reason: must be at most {limits.APPLICATION_NAME_MAX_CHARS} characters long"
        )
    if _NAME.fullmatch(name) is None:
        raise errors.invalid_parameter(
            f"{name} Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
        )
    return name


def _check_platform(platform: str | None) -> str:
    if platform is None:
        raise errors.missing("platform")
    if platform not in PLATFORMS:
        raise errors.invalid_parameter(f"Platform Reason: {platform} is not supported")
    return platform


def _check_credentials(platform: str, given: dict[str, str]) -> None:
    """Check that a new application has what its push service asks for."""
    principal, credential = (given.get(name) for name in CREDENTIALS)
    if principal and not credential:
        raise _one_without_the_other("PlatformPrincipal", "PlatformCredential")
    if not credential:
        raise errors.invalid_attribute_value("PlatformCredential", "cannot be empty")
    if not principal and platform not in WITHOUT_PRINCIPAL:
        raise _one_without_the_other("PlatformCredential", "PlatformPrincipal")


def _one_without_the_other(one: str, other: str) -> AwsError:
    return errors.invalid_parameter(f"Attributes Reason: {one} attribute provided without {other}")


def _check_attributes(emulator: Emulator, given: dict[str, str] | None) -> dict[str, str]:
    """Check attributes by their names and values; `Enabled` comes back in small letters. Empty values unset."""
    if not given:
        raise errors.missing("attributes")
    checked = dict(given)
    for name, value in given.items():
        if name not in ATTRIBUTES:
            raise errors.invalid_attribute_name(name)
        if name == "Enabled":
            checked[name] = check_enabled(value)
        elif value and name in TOPIC_ATTRIBUTES:
            _check_event_topic(emulator, name, value)
        elif value and name == "SuccessFeedbackSampleRate" and not is_percentage(value):
            raise errors.invalid_attribute_value(name, "must be an integer between 0 and 100")
    return checked


def check_enabled(value: str) -> str:
    """Read the attribute Enabled, of an application or of an endpoint. Raises InvalidParameter."""
    if value.lower() not in ("true", "false"):
        raise errors.invalid_attribute_value("Enabled", "must be true or false")
    return value.lower()


def is_percentage(value: str) -> bool:
    """Whether a text is an integer from 0 to 100."""
    return len(value) <= 3 and value.isascii() and value.isdigit() and int(value) <= 100


def _check_event_topic(emulator: Emulator, name: str, value: str) -> None:
    arn = parse_arn(value)
    if arn is None or arn.service != "sns":
        raise errors.invalid_attribute_value(name, f"{value} is not a valid topic ARN")
    if topic_by_arn(emulator, value) is None:
        raise errors.invalid_attribute_value(name, "Topic does not exist")


def _set(application: Application, given: dict[str, str]) -> None:
    """Take over checked attributes. Of the credentials only their kind is kept."""
    attributes = application.attributes
    for name, value in given.items():
        if name in CREDENTIALS:
            continue
        if value:
            attributes[name] = value
        else:
            attributes.pop(name, None)
    method = _authentication_method(application.platform, {**attributes, **given})
    if method is not None:
        attributes["AuthenticationMethod"] = method


def _authentication_method(platform: str, known: dict[str, str]) -> str | None:
    """Tell with what kind of credential an application signs in, as far as AWS tells it and the attributes allow."""
    if platform in APPLE:
        return "token" if known.get("ApplePlatformTeamID") else "certificate"
    credential = known.get("PlatformCredential")
    if platform == "GCM" and credential:
        return "token" if credential.lstrip().startswith(("{", '"')) else "key"
    return None
