"""The access policy of a topic, `{"Version", "Id", "Statement": [...]}`: the one it has by default, and the check of one that is set.

A policy is kept as text and enforced on nobody. Sources: developer guide, "Amazon SNS access policies"; quotas: 30 KB, 100 statements,
1 to 200 principals, exactly one resource, which is the topic itself (a pattern that matches it will do).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import orjson

from services.sns import errors, limits

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
"""What the default policy lets the owner do, in AWS's order."""

ALLOWED_ACTIONS = frozenset({*ACTIONS, "Receive"})
"""What a policy may speak of. Older topics had Receive in their default policy."""

_ALLOWED_LOWER = tuple(sorted(action.lower() for action in ALLOWED_ACTIONS))
_PRINCIPAL = re.compile(r"\*|[0-9]{12}|arn:[^:]+:(?:iam|sts):.*|A[A-Z]{3}[A-Z0-9]{12,}", re.DOTALL)
"""Everybody, an account, a user or a role, or the unique id that AWS shows once that user is gone."""

_PRINCIPAL_KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_CANNOT_READ = "null"
"""What AWS says of a document that it cannot make sense of, whatever the reason."""


def default_policy(topic_arn: str, account: str) -> str:
    """Write the policy of a topic that was given none: its owner may do everything."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in ACTIONS],
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return orjson.dumps(document).decode()


def check_policy(text: str, topic_arn: str, prefix: str = "") -> str:
    """Check a policy's form and quotas and give the text back as it is.

    `prefix` stands before the reason of a refusal. Raises InvalidParameter.
    """
    if len(text.encode()) > limits.POLICY_MAX_BYTES:
        raise errors.policy_error(f"The policy is longer than {limits.POLICY_MAX_BYTES} bytes", prefix)
    document = _object(text)
    statements = _many(None if document is None else document.get("Statement"))
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise errors.policy_error(_CANNOT_READ, prefix)
    if len(statements) > limits.POLICY_STATEMENTS_MAX:
        raise errors.policy_error(f"The policy has more than {limits.POLICY_STATEMENTS_MAX} statements", prefix)
    for statement in statements:
        _check_statement(statement, topic_arn, prefix)
    return text


def _check_statement(statement: Mapping[str, Any], topic_arn: str, prefix: str) -> None:
    if statement.get("Effect") not in ("Allow", "Deny") or not isinstance(statement.get("Condition", {}), dict):
        raise errors.policy_error(_CANNOT_READ, prefix)
    if not isinstance(statement.get("Sid", ""), str):
        raise errors.policy_error(_CANNOT_READ, prefix)
    _check_actions(_one_of(statement, "Action", "NotAction", prefix), prefix)
    _check_principals(_one_of(statement, "Principal", "NotPrincipal", prefix), prefix)
    resources = _many(statement.get("Resource"))
    if len(resources) != 1:
        raise errors.policy_resource(prefix)
    if not isinstance(resources[0], str) or not _matches(resources[0], topic_arn):
        raise errors.policy_error(_CANNOT_READ, prefix)


def _one_of(statement: Mapping[str, Any], name: str, opposite: str, prefix: str) -> object:
    """Take what a statement says under one of two names, of which it must have exactly one."""
    if (name in statement) == (opposite in statement):
        raise errors.policy_error(_CANNOT_READ, prefix)
    return statement.get(name, statement.get(opposite))


def _check_actions(value: object, prefix: str) -> None:
    actions = _many(value)
    if not actions or not all(isinstance(action, str) for action in actions):
        raise errors.policy_error(_CANNOT_READ, prefix)
    if not all(_in_scope(action) for action in actions):
        raise errors.policy_action(prefix)


def _in_scope(action: str) -> bool:
    """Whether `SNS:<name>` is, or as a pattern matches, something that a policy may speak of. Case does not matter."""
    service, colon, name = action.lower().partition(":")
    if not colon:
        return action == "*"
    return service == "sns" and any(_matches(name, allowed) for allowed in _ALLOWED_LOWER)


def _check_principals(value: object, prefix: str) -> None:
    kinds = value if isinstance(value, dict) else {"AWS": value}
    if not kinds.keys() <= _PRINCIPAL_KINDS:
        raise errors.policy_error(_CANNOT_READ, prefix)
    count = 0
    for kind, named in kinds.items():
        principals = _many(named)
        count += len(principals)
        if not all(isinstance(principal, str) and principal for principal in principals):
            raise errors.policy_error(_CANNOT_READ, prefix)
        if kind == "AWS" and not all(_PRINCIPAL.fullmatch(principal) for principal in principals):
            raise errors.principal_not_found(prefix)
    if count < 1:
        raise errors.policy_error(_CANNOT_READ, prefix)
    if count > limits.POLICY_PRINCIPALS_MAX:
        raise errors.policy_error(f"A statement has more than {limits.POLICY_PRINCIPALS_MAX} principals", prefix)


def _matches(pattern: str, text: str) -> bool:
    """Match IAM's `*` and `?`; a bracket, which means something to fnmatch, stands for itself."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _many(value: object) -> list[Any]:
    """Read what may be one value or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
