"""SyncGroup (key 14): the leader of a classic group tells who reads what; the others' requests are parked until it has.

Versions 0-5. 3+: static members. 5+: the client says what protocol it believes in, and must (KIP-559).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

_PROTOCOL_FROM = 5


@api(14, "SyncGroup", versions=(0, 5))
def sync_group(call: Call, request: Request) -> Answer:
    """Exchange assignments."""
    group_id = request["GroupId"]
    if call.version >= _PROTOCOL_FROM and None in (request["ProtocolType"], request["ProtocolName"]):
        return {"ErrorCode": Error.INCONSISTENT_GROUP_PROTOCOL}
    try:
        call.cluster.groups.check(call, Operation.READ, group_id)
        return call.cluster.groups.find(group_id, Error.UNKNOWN_MEMBER_ID).sync(call, request)
    except KafkaError as refused:
        return {"ErrorCode": refused.error}
