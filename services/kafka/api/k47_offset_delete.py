"""OffsetDelete (key 47): forget what a group has committed for partitions of topics that none of its members reads.

Version 0. Topics that a member reads are GROUP_SUBSCRIBED_TO_TOPIC; a group that is no consumer's must be empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.groups.group import Group


@api(47, "OffsetDelete", versions=(0, 0))
def offset_delete(call: Call, request: Request) -> Answer:
    """Delete committed offsets."""
    group_id = request["GroupId"]
    try:
        call.cluster.groups.check(call, Operation.DELETE, group_id)
        group = call.cluster.groups.find(group_id, Error.GROUP_ID_NOT_FOUND)
        group.check_offset_delete()
    except KafkaError as refused:
        return {"ErrorCode": refused.error}
    topics = [
        {
            "Name": topic["Name"],
            "Partitions": [
                {"PartitionIndex": index, "ErrorCode": _delete(call, group, topic["Name"], index)}
                for index in [said["PartitionIndex"] for said in topic["Partitions"]]
            ],
        }
        for topic in request["Topics"]
    ]
    return {"ErrorCode": Error.NONE, "Topics": topics}


def _delete(call: Call, group: Group, topic: str, partition: int) -> Error:
    if not call.allowed(Operation.READ, Resource.TOPIC, topic):
        return Error.TOPIC_AUTHORIZATION_FAILED
    if call.cluster.partition(topic, partition) is None:
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    if group.is_subscribed_to(topic):
        return Error.GROUP_SUBSCRIBED_TO_TOPIC
    call.cluster.groups.offsets.delete(group.group_id, topic, partition)
    return Error.NONE
