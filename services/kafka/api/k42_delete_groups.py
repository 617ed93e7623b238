"""DeleteGroups (key 42): empty groups of any kind, with all that they have committed.

Versions 0-2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(42, "DeleteGroups", versions=(0, 2))
def delete_groups(call: Call, request: Request) -> Answer:
    """Delete groups."""
    # Java's client expects one result a group, however often it was named.
    names = dict.fromkeys(request["GroupsNames"])
    return {"Results": [{"GroupId": group_id, "ErrorCode": _delete(call, group_id)} for group_id in names]}


def _delete(call: Call, group_id: str) -> Error:
    try:
        call.cluster.groups.check(call, Operation.DELETE, group_id, empty_allowed=True)
        call.cluster.groups.delete(group_id)
    except KafkaError as refused:
        return refused.error
    return Error.NONE
