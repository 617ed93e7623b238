"""LeaveGroup (key 13): members of the classic protocol leave, so that nobody waits for the end of their sessions.

Versions 0-5. 3+: several members, each with an error of its own; an administrator names a static one by group.instance.id alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

_MANY_FROM = 3


@api(13, "LeaveGroup", versions=(0, 5))
def leave_group(call: Call, request: Request) -> Answer:
    """Let members go."""
    group_id = request["GroupId"]
    many = call.version >= _MANY_FROM
    members = (
        [(one["MemberId"], one["GroupInstanceId"]) for one in request["Members"]]
        if many
        else [(request["MemberId"], None)]
    )
    try:
        call.cluster.groups.check(call, Operation.READ, group_id)
    except KafkaError as refused:
        return {"ErrorCode": refused.error}
    group = call.cluster.groups.get(group_id)
    errors = [Error.UNKNOWN_MEMBER_ID for _ in members] if group is None else group.leave(members, call.now_ms)
    if not many:
        return {"ErrorCode": errors[0]}
    return {
        "ErrorCode": Error.NONE,
        "Members": [
            {"MemberId": member_id, "GroupInstanceId": instance_id, "ErrorCode": error}
            for (member_id, instance_id), error in zip(members, errors, strict=True)
        ],
    }
