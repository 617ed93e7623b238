"""Who may put events on a bus: PutPermission, RemovePermission. They make the bus's policy, statement by statement or as a whole; nobody is
refused by it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.arns import partition
from emulator.service import operation
from services.events import errors, limits
from services.events.state import find_bus

if TYPE_CHECKING:
    from services.events.state import Bus, EventsContext

_VERSION = "2012-10-17"
_ACTION = "events:PutEvents"
_CONDITION_TYPE, _CONDITION_KEY = "StringEquals", "aws:PrincipalOrgID"
_PARTS = (("Action", "NotAction"), ("Principal", "NotPrincipal"), ("Resource", "NotResource"))
"""What a statement must have, under the one name or the other."""


class Condition(TypedDict):
    """What else must hold of who puts events: that it is of an organization."""

    Type: str
    Key: str
    Value: str


class PutPermissionRequest(TypedDict, total=False):
    """PutPermission."""

    EventBusName: str
    Action: str
    Principal: str
    StatementId: str
    Condition: Condition
    Policy: str


class RemovePermissionRequest(TypedDict, total=False):
    """RemovePermission."""

    EventBusName: str
    StatementId: str
    RemoveAllPermissions: bool


@operation("PutPermission")
def put_permission(ctx: EventsContext, request: PutPermissionRequest) -> None:
    """Put a statement into the bus's policy, in the place of the one with the same id, or put a whole policy in the place of the old.

    With a Policy nothing else is looked at. Raises ResourceNotFoundException, PolicyLengthExceededException, ValidationException.
    """
    bus = find_bus(ctx, request.get("EventBusName"))
    text = request.get("Policy")
    if text is not None:
        policy = _parse(text)
    else:
        statement = _statement(bus, request)
        others = [other for other in _statements(bus) if other.get("Sid") != statement["Sid"]]
        policy = {"Version": _VERSION, **(bus.policy or {}), "Statement": [*others, statement]}
        text = orjson.dumps(policy).decode()
    if len(text) > limits.POLICY_MAX_CHARS:
        raise errors.policy_too_long()
    bus.policy, bus.modified_ms = policy, ctx.now_ms


def _parse(text: str) -> dict[str, Any]:
    """Read a whole policy. Raises ValidationException for what is none."""
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.not_valid("Policy", "The policy is not a JSON text.") from None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements or not all(map(_is_statement, statements)):
        raise errors.not_valid("Policy", "The policy is not a policy document with statements.")
    document: dict[str, Any] = policy
    return document


def _is_statement(statement: object) -> bool:
    """Whether it says what is allowed or denied, to whom, on what."""
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in ("Allow", "Deny")
        and all((name in statement) != (opposite in statement) for name, opposite in _PARTS)
    )


def _statement(bus: Bus, request: PutPermissionRequest) -> dict[str, Any]:
    """Write the statement that a request without a Policy is about. Raises ValidationException."""
    missing = [name for name in ("Action", "Principal", "StatementId") if not request.get(name)]
    if missing:
        raise errors.parameters_missing(", ".join(missing))
    if request["Action"] != _ACTION:
        raise errors.action_not_supported()
    principal = request["Principal"]
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:{partition(bus.region)}:iam::{principal}:root"},
        "Action": request["Action"],
        "Resource": bus.arn,
    }
    condition = request.get("Condition")
    if condition is not None:
        if (condition["Type"], condition["Key"]) != (_CONDITION_TYPE, _CONDITION_KEY):
            raise errors.not_valid("Condition", f"Only {_CONDITION_TYPE} of {_CONDITION_KEY} is supported.")
        statement["Condition"] = {_CONDITION_TYPE: {_CONDITION_KEY: condition["Value"]}}
    return statement


def _statements(bus: Bus) -> list[dict[str, Any]]:
    """List the statements of a bus's policy; a document may have one without a list."""
    statements: dict[str, Any] | list[dict[str, Any]] = (bus.policy or {}).get("Statement", [])
    return [statements] if isinstance(statements, dict) else statements


@operation("RemovePermission")
def remove_permission(ctx: EventsContext, request: RemovePermissionRequest) -> None:
    """Take one statement or all of them out of the bus's policy; there is none any more when the last one goes.

    Taking all from a bus without a policy is no error. Raises ResourceNotFoundException, ValidationException.
    """
    bus = find_bus(ctx, request.get("EventBusName"))
    statement_id = request.get("StatementId")
    if not request.get("RemoveAllPermissions"):
        if statement_id is None:
            raise errors.parameters_missing("StatementId or RemoveAllPermissions")
        _remove(bus, statement_id)
    else:
        bus.policy = None
    bus.modified_ms = ctx.now_ms


def _remove(bus: Bus, statement_id: str) -> None:
    if bus.policy is None:
        raise errors.no_policy()
    statements = _statements(bus)
    left = [statement for statement in statements if statement.get("Sid") != statement_id]
    if len(left) == len(statements):
        raise errors.no_statement()
    bus.policy = {**bus.policy, "Statement": left} if left else None
