"""ListGroups (key 16): the groups that this broker coordinates, of every kind.

Versions 0-5. 4+: by state; 5+: by kind; filters do not mind case, an empty one lets all through.
A caller that may not describe the cluster sees the groups that it may describe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(16, "ListGroups", versions=(0, 5))
def list_groups(call: Call, request: Request) -> Answer:
    """List groups."""
    cluster = call.cluster
    states = {state.lower() for state in request["StatesFilter"]}
    kinds = {kind.lower() for kind in request["TypesFilter"]}
    sees_all = call.allowed_on_cluster(Operation.DESCRIBE)
    return {
        "ErrorCode": Error.NONE,
        "Groups": [
            {
                "GroupId": group_id,
                "ProtocolType": group.listed_protocol_type,
                "GroupState": group.state,
                "GroupType": group.kind.value,
            }
            for group_id, group in cluster.groups.groups.items()
            if cluster.coordinator(group_id).node_id == call.peer.node_id
            and (not states or group.state.lower() in states)
            and (not kinds or group.kind.value in kinds)
            and (sees_all or call.allowed(Operation.DESCRIBE, Resource.GROUP, group_id))
        ],
    }
