"""The three JSON documents among a queue's attributes: redrive policy, redrive allow policy, access policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.arns import parse_arn
from services.sqs import errors, limits
from services.sqs.state import Redrive, queue_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sqs.state import Queue

PERMISSIONS = ("allowAll", "denyAll", "byQueue")


class RedrivePolicy(NamedTuple):
    """A redrive policy, and the text that AWS shows of it: unknown keys dropped, the count a number."""

    redrive: Redrive
    text: str


class RedriveAllowPolicy(NamedTuple):
    """A redrive allow policy: who may use a queue as dead-letter queue."""

    permission: str
    source_arns: tuple[str, ...]
    text: str

    def allows(self, source_arn: str) -> bool:
        """Tell whether a source queue may use the queue."""
        return self.permission == "allowAll" or (self.permission == "byQueue" and source_arn in self.source_arns)


def parse_redrive_policy(text: str) -> RedrivePolicy:
    """Read a RedrivePolicy. Raises InvalidParameterValue in AWS's words for each of its faults."""
    document = _object(text)
    if document is None:
        raise _bad_redrive(text, "Redrive policy is not a valid JSON map.")
    for key in ("deadLetterTargetArn", "maxReceiveCount"):
        if document.get(key) in (None, ""):
            raise _bad_redrive(text, f"Redrive policy does not contain mandatory attribute: {key}.")
    target, count = document["deadLetterTargetArn"], document["maxReceiveCount"]
    number = int(count) if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) < 10 else count
    shown = count if isinstance(count, str) else orjson.dumps(count).decode()
    if type(number) is not int or not 1 <= number <= limits.RECEIVE_COUNT_MAX:
        raise _bad_redrive(
            text, f"Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."
        )
    parsed = parse_arn(target) if isinstance(target, str) else None
    if parsed is None or parsed.service != "sqs":
        raise _bad_redrive(text, "Invalid value for deadLetterTargetArn.")
    canonical = orjson.dumps({"deadLetterTargetArn": target, "maxReceiveCount": number}).decode()
    return RedrivePolicy(Redrive(target, number), canonical)


def check_redrive_target(emulator: Emulator, source: Queue, text: str) -> None:
    """Check that a redrive policy's target exists, fits and allows this source. Raises InvalidParameterValue."""
    redrive = parse_redrive_policy(text).redrive
    arn = parse_arn(redrive.target_arn)
    if arn is not None and arn.account != source.account:
        raise _bad_redrive(text, "Dead-letter target owner should be same as the source.")
    if arn is not None and arn.region != source.region:
        raise _bad_redrive(text, "Dead-letter target must be in same region as the source.")
    target = queue_by_arn(emulator, redrive.target_arn)
    if redrive.target_arn == source.arn:
        target = source  # CreateQueue: not entered yet
    if target is None:
        raise _bad_redrive(text, "Dead letter target does not exist.")
    if (target.fifo is None) != (source.fifo is None):
        raise _bad_redrive(text, "Dead letter queue type must match the type of the source queue.")
    allow = target.attributes.get("RedriveAllowPolicy")
    if allow and not parse_redrive_allow_policy(allow).allows(source.arn):
        raise _bad_redrive(
            text, "Queue does not have permission to use the dead-letter target, as its redrive allow policy says."
        )


def _bad_redrive(text: str, reason: str) -> Exception:
    return errors.invalid_value(text, "RedrivePolicy", reason)


def parse_redrive_allow_policy(text: str) -> RedriveAllowPolicy:
    """Read a RedriveAllowPolicy. Raises InvalidParameterValue."""
    document = _object(text)
    if document is None:
        raise _bad_allow(text, "Redrive allow policy is not a valid JSON map.")
    permission = document.get("redrivePermission")
    arns = document.get("sourceQueueArns")
    if permission is None:
        raise _bad_allow(text, "Redrive allow policy does not contain mandatory attribute: redrivePermission.")
    if permission not in PERMISSIONS:
        raise _bad_allow(
            text, f"Invalid value for redrivePermission: {permission}, valid values are allowAll, denyAll and byQueue."
        )
    if permission != "byQueue":
        if arns is not None:
            raise _bad_allow(text, "sourceQueueArns can be given only when redrivePermission is byQueue.")
        return RedriveAllowPolicy(permission, (), orjson.dumps({"redrivePermission": permission}).decode())
    if not isinstance(arns, list) or not 1 <= len(arns) <= limits.SOURCE_QUEUES_MAX:
        raise _bad_allow(text, f"byQueue needs sourceQueueArns, from 1 to {limits.SOURCE_QUEUES_MAX} of them.")
    for arn in arns:
        if not isinstance(arn, str) or (parsed := parse_arn(arn)) is None or parsed.service != "sqs":
            raise _bad_allow(text, f"{arn} is not the ARN of a queue.")
    shown = orjson.dumps({"redrivePermission": permission, "sourceQueueArns": arns}).decode()
    return RedriveAllowPolicy(permission, tuple(arns), shown)


def _bad_allow(text: str, reason: str) -> Exception:
    return errors.invalid_value(text, "RedriveAllowPolicy", reason)


def parse_access_policy(text: str) -> str:
    """Check an access policy's form and quotas; the text is kept as it is. Raises InvalidAttributeValue."""
    document = _object(text)
    if document is None or len(text.encode()) > limits.POLICY_MAX_BYTES:
        raise errors.invalid_attribute_value("Policy")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not 1 <= len(statements) <= limits.POLICY_STATEMENTS_MAX:
        raise errors.invalid_attribute_value("Policy")
    if not all(isinstance(statement, dict) and _valid_statement(statement) for statement in statements):
        raise errors.invalid_attribute_value("Policy")
    return text


def _valid_statement(statement: dict[str, Any]) -> bool:
    actions = statement.get("Action", statement.get("NotAction"))
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    conditions = statement.get("Condition", {})
    return (
        statement.get("Effect") in ("Allow", "Deny")
        and 1 <= _count(actions) <= limits.POLICY_ACTIONS_MAX
        and _principals(principal) <= limits.POLICY_PRINCIPALS_MAX
        and principal is not None
        and isinstance(conditions, dict)
        and sum(_count(keys) if not isinstance(keys, dict) else len(keys) for keys in conditions.values())
        <= limits.POLICY_CONDITIONS_MAX
    )


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else int(isinstance(value, str))


def _principals(principal: object) -> int:
    return sum(_count(value) for value in principal.values()) if isinstance(principal, dict) else _count(principal)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
