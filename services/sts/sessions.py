"""GetSessionToken and AssumeRole: temporary keys. Source: their API pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import parse_arn
from emulator.identify import SESSION_KEY_PREFIX
from emulator.ids import access_key
from emulator.service import operation
from services.sts import errors, limits
from services.sts.identity import root
from services.sts.state import Caller, home

if TYPE_CHECKING:
    from services.sts.state import StsContext

_SESSION_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_ROLE_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class GetSessionTokenRequest(TypedDict, total=False):
    """GetSessionToken."""

    DurationSeconds: int


class AssumeRoleRequest(TypedDict, total=False):
    """AssumeRole; what only matters for permissions is taken and passed over."""

    RoleArn: str
    RoleSessionName: str
    DurationSeconds: int
    SourceIdentity: str


@operation("GetSessionToken")
def get_session_token(ctx: StsContext, request: GetSessionTokenRequest) -> dict[str, Any]:
    """Hand out temporary keys of the caller's own account."""
    duration_s = request.get("DurationSeconds", limits.TOKEN_DURATION_DEFAULT_S)
    _check_duration(duration_s, limits.TOKEN_DURATION_MAX_S)
    caller = home(ctx, ctx.account).caller(ctx.access_key) or root(ctx)
    return {"Credentials": _credentials(ctx, ctx.account, caller, duration_s)}


@operation("AssumeRole")
def assume_role(ctx: StsContext, request: AssumeRoleRequest) -> dict[str, Any]:
    """Hand out temporary keys of the role's account; any role can be assumed by anybody."""
    role_arn, name = request.get("RoleArn"), request.get("RoleSessionName")
    duration_s = request.get("DurationSeconds", limits.ROLE_DURATION_DEFAULT_S)
    _check_length(role_arn, "roleArn", limits.ROLE_ARN_MIN_CHARS, limits.ROLE_ARN_MAX_CHARS)
    _check_length(name, "roleSessionName", limits.SESSION_NAME_MIN_CHARS, limits.SESSION_NAME_MAX_CHARS)
    if _SESSION_NAME.fullmatch(name or "") is None:
        raise errors.validation_error(
            name, "roleSessionName", r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
        )
    _check_duration(duration_s, limits.ROLE_DURATION_MAX_S)
    arn = parse_arn(role_arn or "")
    role_name = arn.resource.rpartition("/")[2] if arn is not None and arn.resource.startswith("role/") else ""
    if arn is None or arn.service != "iam" or not role_name or not re.fullmatch(r"[0-9]{12}", arn.account):
        raise errors.invalid_role_arn(role_arn or "")
    user_id = f"AROA{ctx.emulator.ids.text(17, _ROLE_ID)}:{name}"
    caller = Caller(user_id, f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{role_name}/{name}")
    answer: dict[str, Any] = {
        "Credentials": _credentials(ctx, arn.account, caller, duration_s),
        "AssumedRoleUser": {"AssumedRoleId": caller.user_id, "Arn": caller.arn},
    }
    if "SourceIdentity" in request:
        answer["SourceIdentity"] = request["SourceIdentity"]
    return answer


def _credentials(ctx: StsContext, account: str, caller: Caller, duration_s: int) -> dict[str, Any]:
    ids = ctx.emulator.ids
    key = access_key(SESSION_KEY_PREFIX, account, ids)
    home(ctx, account).remember(key, caller)
    return {
        "AccessKeyId": key,
        "SecretAccessKey": ids.text(40),
        "SessionToken": ids.text(356),
        "Expiration": ctx.now_ms + duration_s * 1000,
    }


def _check_length(value: str | None, parameter: str, low: int, high: int) -> None:
    if value is None:
        raise errors.validation_error(None, parameter, "Member must not be null")
    if len(value) < low:
        raise errors.validation_error(value, parameter, f"Member must have length greater than or equal to {low}")
    if len(value) > high:
        raise errors.validation_error(value, parameter, f"Member must have length less than or equal to {high}")


def _check_duration(duration_s: int, high_s: int) -> None:
    if duration_s < limits.DURATION_MIN_S:
        bound = f"Member must have value greater than or equal to {limits.DURATION_MIN_S}"
        raise errors.validation_error(duration_s, "durationSeconds", bound)
    if duration_s > high_s:
        raise errors.validation_error(
            duration_s, "durationSeconds", f"Member must have value less than or equal to {high_s}"
        )
