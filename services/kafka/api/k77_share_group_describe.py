"""ShareGroupDescribe (key 77, KIP-932): share groups with their members and what these read.

Version 1. Groups that do not exist or are of another kind: GROUP_ID_NOT_FOUND. A group that reads a topic which the caller may not
describe: TOPIC_AUTHORIZATION_FAILED, without members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.k15_describe_groups import authorized_operations
from services.kafka.api.k76_share_group_heartbeat import share_group
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(77, "ShareGroupDescribe", versions=(1, 1))
def share_group_describe(call: Call, request: Request) -> Answer:
    """Describe groups: those that the caller may not see come first."""
    refused: list[Response] = []
    seen: list[Response] = []
    for group_id in request["GroupIds"]:
        if not call.allowed(Operation.DESCRIBE, Resource.GROUP, group_id):
            refused.append({"GroupId": group_id, "ErrorCode": Error.GROUP_AUTHORIZATION_FAILED})
        else:
            seen.append(_describe(call, group_id, with_operations=request["IncludeAuthorizedOperations"]))
    return {"Groups": refused + seen}


def _describe(call: Call, group_id: str, *, with_operations: bool) -> Response:
    groups = call.cluster.groups
    try:
        groups.check_coordinator(call, group_id)
        described = share_group(groups.get(group_id), group_id).describe()
    except KafkaError as error:
        words = error.message if error.error is Error.GROUP_ID_NOT_FOUND else None
        return {"GroupId": group_id, "ErrorCode": error.error, "ErrorMessage": words}
    topics = {
        topic["TopicName"] for member in described["Members"] for topic in member["Assignment"]["TopicPartitions"]
    }
    if not all(call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic) for topic in topics):
        return {
            "GroupId": group_id,
            "ErrorCode": Error.TOPIC_AUTHORIZATION_FAILED,
            "ErrorMessage": "The group has described topic(s) that the client is not authorized to describe.",
        }
    if with_operations:
        described["AuthorizedOperations"] = authorized_operations(call, group_id)
    return described
