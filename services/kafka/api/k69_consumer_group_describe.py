"""ConsumerGroupDescribe (key 69, KIP-848): consumer groups with their members, what these have and what they are to have.

Versions 0-1. 1+: whether a member speaks the classic protocol (none does here). Groups that do not exist or are of another kind:
GROUP_ID_NOT_FOUND. A group that reads a topic which the caller may not describe: TOPIC_AUTHORIZATION_FAILED, without members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.k15_describe_groups import authorized_operations
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.consumer import ConsumerGroup

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(69, "ConsumerGroupDescribe", versions=(0, 1))
def consumer_group_describe(call: Call, request: Request) -> Answer:
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
    try:
        call.cluster.groups.check_coordinator(call, group_id)
    except KafkaError as error:
        return {"GroupId": group_id, "ErrorCode": error.error}
    group = call.cluster.groups.get(group_id)
    if not isinstance(group, ConsumerGroup):
        words = f"Group {group_id} not found." if group is None else f"Group {group_id} is not a consumer group."
        return {"GroupId": group_id, "ErrorCode": Error.GROUP_ID_NOT_FOUND, "ErrorMessage": words}
    described = group.describe()
    if not all(call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic) for topic in _topics(described)):
        return {
            "GroupId": group_id,
            "ErrorCode": Error.TOPIC_AUTHORIZATION_FAILED,
            "ErrorMessage": "The group has described topic(s) that the client is not authorized to describe.",
        }
    if with_operations:
        described["AuthorizedOperations"] = authorized_operations(call, group_id)
    return described


def _topics(described: Response) -> set[str]:
    """Tell all topics that the answer would show."""
    return {
        topic["TopicName"]
        for member in described["Members"]
        for kind in ("Assignment", "TargetAssignment")
        for topic in member.get(kind, {}).get("TopicPartitions", ())
    }
