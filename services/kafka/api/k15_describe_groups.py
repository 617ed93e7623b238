"""DescribeGroups (key 15): classic groups with their members.

Versions 0-6. 3+: what the caller may do. 4+: group.instance.id. A group that does not exist, or is of another kind, is Dead, without an
error before 6, with GROUP_ID_NOT_FOUND since (KIP-1043).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.classic import ClassicGroup

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response

GROUP_OPERATIONS = (
    Operation.READ,
    Operation.DESCRIBE,
    Operation.DELETE,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
)
"""What can be done to a group (AclEntry.supportedOperations)."""
_NOT_FOUND_FROM = 6


@api(15, "DescribeGroups", versions=(0, 6))
def describe_groups(call: Call, request: Request) -> Answer:
    """Describe groups."""
    groups = [_describe(call, group_id) for group_id in request["Groups"]]
    if request["IncludeAuthorizedOperations"]:
        for group in groups:
            if group["ErrorCode"] is Error.NONE:
                group["AuthorizedOperations"] = authorized_operations(call, group["GroupId"])
    return {"Groups": groups}


def authorized_operations(call: Call, group_id: str) -> int:
    """Tell what the caller may do to a group: a bit for each operation, by its code."""
    return sum(1 << it for it in GROUP_OPERATIONS if call.allowed(it, Resource.GROUP, group_id))


def _describe(call: Call, group_id: str) -> Response:
    try:
        call.cluster.groups.check(call, Operation.DESCRIBE, group_id, empty_allowed=True)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "GroupId": group_id}
    group = call.cluster.groups.get(group_id)
    if isinstance(group, ClassicGroup):
        return {"ErrorCode": Error.NONE, **group.describe()}
    if call.version < _NOT_FOUND_FROM:
        return {"ErrorCode": Error.NONE, "GroupId": group_id, "GroupState": "Dead"}
    words = f"Group {group_id} not found." if group is None else f"Group {group_id} is not a classic group."
    return {"ErrorCode": Error.GROUP_ID_NOT_FOUND, "ErrorMessage": words, "GroupId": group_id, "GroupState": "Dead"}
