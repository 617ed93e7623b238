"""AlterShareGroupOffsets (key 91, KIP-932): say where a share group without members goes on. Version 0.

A group that does not exist is made. What was handed out and not yet done with is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.k76_share_group_heartbeat import share_group
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.share import ShareGroup

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(91, "AlterShareGroupOffsets", versions=(0, 0))
def alter_share_group_offsets(call: Call, request: Request) -> Answer:
    """Set start offsets."""
    group_id, groups = request["GroupId"], call.cluster.groups
    try:
        groups.check(call, Operation.READ, group_id)
        found = groups.get(group_id)
        group = ShareGroup(call.cluster, group_id) if found is None else share_group(found, group_id)
        group.check_delete()
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}
    if found is None:
        groups.add(group)
    return {"Responses": [_topic(call, group, topic) for topic in request["Topics"]]}


def _topic(call: Call, group: ShareGroup, wanted: Request) -> Response:
    name = wanted["TopicName"]
    topic = call.cluster.topics.get(name)
    refusal = Error.NONE
    if not call.allowed(Operation.READ, Resource.TOPIC, name):
        refusal = Error.TOPIC_AUTHORIZATION_FAILED
    elif topic is None:
        refusal = Error.UNKNOWN_TOPIC_OR_PARTITION
    partitions = []
    for one in wanted["Partitions"]:
        index, error = one["PartitionIndex"], refusal
        if topic is not None and error is Error.NONE:
            if 0 <= index < len(topic.partitions):
                group.ledger.begin_at((topic.topic_id, index), one["StartOffset"])
            else:
                error = Error.UNKNOWN_TOPIC_OR_PARTITION
        partitions.append({"PartitionIndex": index, "ErrorCode": error, "ErrorMessage": error.message or None})
    made: Response = {"TopicName": name, "Partitions": partitions}
    return made if topic is None else {**made, "TopicId": topic.topic_id}
