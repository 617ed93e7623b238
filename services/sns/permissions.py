"""Permissions by label: AddPermission, RemovePermission. They are statements of the topic's policy, as on AWS; nobody is refused by
them here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.arns import partition
from emulator.service import operation
from services.sns import errors
from services.sns.policies import ALLOWED_ACTIONS, check_policy, default_policy
from services.sns.state import find_topic

if TYPE_CHECKING:
    from services.sns.state import SnsContext, Topic

_ACCOUNT = re.compile(r"[0-9]{12}")


class RemovePermissionRequest(TypedDict, total=False):
    """RemovePermission."""

    TopicArn: str
    Label: str


class AddPermissionRequest(RemovePermissionRequest, total=False):
    """AddPermission."""

    AWSAccountId: list[str]
    ActionName: list[str]


@operation("AddPermission")
def add_permission(ctx: SnsContext, request: AddPermissionRequest) -> None:
    """Add a statement to the topic's policy. Raises ValidationError, InvalidParameter, NotFound.

    Action names have no prefix; `*` allows all of them.
    """
    topic = find_topic(ctx, request.get("TopicArn"))
    label = _label(request.get("Label"))
    accounts, actions = request.get("AWSAccountId"), request.get("ActionName")
    if not accounts:
        raise errors.missing("aWSAccountId")
    if not actions:
        raise errors.missing("actionName")
    policy = _policy(topic)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise errors.statement_exists()
    if not all(action == "*" or action in ALLOWED_ACTIONS for action in actions):
        raise errors.policy_action()
    if not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise errors.principal_not_found()
    principals = [f"arn:{partition(topic.region)}:iam::{account}:root" for account in accounts]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_many(principals)},
            "Action": _one_or_many([f"SNS:{action}" for action in actions]),
            "Resource": topic.arn,
        }
    )
    topic.attributes["Policy"] = check_policy(orjson.dumps(policy).decode(), topic.arn)


@operation("RemovePermission")
def remove_permission(ctx: SnsContext, request: RemovePermissionRequest) -> None:
    """Take the statement of a label out of the topic's policy; an unknown label is no error.

    Raises ValidationError, InvalidParameter, NotFound.
    """
    topic = find_topic(ctx, request.get("TopicArn"))
    label = _label(request.get("Label"))
    policy = _policy(topic)
    left = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(left) < len(policy["Statement"]):
        policy["Statement"] = left
        topic.attributes["Policy"] = orjson.dumps(policy).decode()


def _label(label: str | None) -> str:
    if label is None:
        raise errors.missing("label")
    if not label:
        raise errors.invalid_parameter("Label")
    return label


def _policy(topic: Topic) -> dict[str, Any]:
    """Read the topic's policy, its statements as a list."""
    policy: dict[str, Any] = orjson.loads(topic.attributes.get("Policy") or default_policy(topic.arn, topic.account))
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
