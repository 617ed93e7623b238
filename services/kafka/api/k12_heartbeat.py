"""Heartbeat (key 12): a member of the classic protocol lives, and learns that it has to join again (REBALANCE_IN_PROGRESS).

Versions 0-4. 3+: static members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(12, "Heartbeat", versions=(0, 4))
def heartbeat(call: Call, request: Request) -> Answer:
    """Note a sign of life."""
    group_id = request["GroupId"]
    try:
        call.cluster.groups.check(call, Operation.READ, group_id)
        group = call.cluster.groups.find(group_id, Error.UNKNOWN_MEMBER_ID)
        group.heartbeat(request["MemberId"], request["GroupInstanceId"], request["GenerationId"], call.now_ms)
    except KafkaError as refused:
        return {"ErrorCode": refused.error}
    return {"ErrorCode": Error.NONE}
