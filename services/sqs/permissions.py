"""Permissions by label: AddPermission, RemovePermission. They are kept in the queue's Policy, as AWS does; nobody is
refused by them here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from emulator.arns import partition
from emulator.errors import missing_parameter
from emulator.service import operation
from services.sqs import errors, limits
from services.sqs.state import find_own_queue

if TYPE_CHECKING:
    from services.sqs.requests import AddPermissionRequest, RemovePermissionRequest
    from services.sqs.state import Queue, SqsContext

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"[0-9]{12}")
SHARED_ACTIONS = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)
"""What may be allowed to others."""

OWNER_ACTIONS = frozenset(
    {
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    }
)


@operation("AddPermission")
def add_permission(ctx: SqsContext, request: AddPermissionRequest) -> None:
    """Add a statement to the queue's policy. Raises InvalidParameterValue, OverLimit."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "AddPermission")
    label = _label(request.get("Label"))
    accounts, actions = request.get("AWSAccountIds", []), request.get("Actions", [])
    _check_actions(actions)
    if not accounts or not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise errors.invalid_value(f"[{', '.join(accounts)}]", "PrincipalId", "Unable to verify.")
    policy = _policy(queue)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise errors.invalid_value(label, "Label", "Already exists.")
    if len(policy["Statement"]) >= limits.POLICY_STATEMENTS_MAX:
        count = limits.POLICY_STATEMENTS_MAX
        raise errors.over_limit(f"{count + 1} statements were found, maximum allowed is {count}.")
    principals = [f"arn:{partition(queue.region)}:iam::{account}:root" for account in accounts]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_many(principals)},
            "Action": _one_or_many([f"SQS:{action}" for action in actions]),
            "Resource": queue.arn,
        }
    )
    queue.attributes["Policy"] = orjson.dumps(policy).decode()
    queue.modified_ms = ctx.now_ms


@operation("RemovePermission")
def remove_permission(ctx: SqsContext, request: RemovePermissionRequest) -> None:
    """Take the statement of a label out of the queue's policy. Raises InvalidParameterValue."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "RemovePermission")
    label = _label(request.get("Label"))
    policy = _policy(queue)
    left = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(left) == len(policy["Statement"]):
        raise errors.invalid_value(label, "Label", "can't find label.")
    policy["Statement"] = left
    if left:
        queue.attributes["Policy"] = orjson.dumps(policy).decode()
    else:
        del queue.attributes["Policy"]
    queue.modified_ms = ctx.now_ms


def _label(label: str | None) -> str:
    if not label:
        raise missing_parameter("Label")
    if _LABEL.fullmatch(label) is None:
        reason = f"Label can only include alphanumeric characters, hyphens, or underscores. 1 to {limits.LABEL_MAX_CHARS} in length."
        raise errors.invalid_value(label, "Label", reason)
    return label


def _check_actions(actions: list[str]) -> None:
    if not actions:
        raise missing_parameter("Actions")
    if len(actions) > limits.POLICY_ACTIONS_MAX:
        raise errors.over_limit(f"{len(actions)} Actions were found, maximum allowed is {limits.POLICY_ACTIONS_MAX}.")
    for action in actions:
        if action in OWNER_ACTIONS:
            raise errors.invalid_value(
                f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action."
            )
        if action not in SHARED_ACTIONS:
            raise errors.invalid_value(
                f"SQS:{action}", "ActionName", "Please refer to the appropriate WSDL for a list of valid actions. "
            )


def _policy(queue: Queue) -> dict[str, Any]:
    text = queue.attributes.get("Policy")
    if text is None:
        return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
    policy: dict[str, Any] = orjson.loads(text)
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
