"""DescribeShareGroupOffsets (key 90, KIP-932): up to where share groups are done with partitions.

Versions 0-1. 1+: the lag, records that are neither done with nor given up. A partition with which the group has not begun has the start
offset -1; that is no error, not even if the topic or the group does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.share import ShareGroup

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.topics import Topic


@api(90, "DescribeShareGroupOffsets", versions=(0, 1))
def describe_share_group_offsets(call: Call, request: Request) -> Answer:
    """Describe offsets."""
    return {"Groups": [_group(call, wanted) for wanted in request["Groups"]]}


def _group(call: Call, wanted: Request) -> Response:
    group_id = wanted["GroupId"]
    try:
        call.cluster.groups.check(call, Operation.DESCRIBE, group_id)
    except KafkaError as refused:
        return {"GroupId": group_id, "ErrorCode": refused.error, "ErrorMessage": refused.message, "Topics": []}
    found = call.cluster.groups.get(group_id)
    group = found if isinstance(found, ShareGroup) else None
    topics = _all(call, group) if wanted["Topics"] is None else [_topic(call, group, it) for it in wanted["Topics"]]
    topics.sort(key=lambda topic: bool(topic["Partitions"] and topic["Partitions"][0].get("ErrorCode")))
    return {"GroupId": group_id, "Topics": topics}


def _all(call: Call, group: ShareGroup | None) -> list[Response]:
    """Tell of all partitions that the group has begun with or is to begin with, of topics that the caller may describe."""
    indexes: dict[bytes, list[int]] = {}
    for topic_id, index in sorted(group.ledger.places() if group is not None else ()):
        indexes.setdefault(topic_id, []).append(index)
    return [
        _described(group, topic, wanted)
        for topic_id, wanted in indexes.items()
        if (topic := call.cluster.topics.by_id(topic_id)) is not None
        and call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic.name)
    ]


def _topic(call: Call, group: ShareGroup | None, wanted: Request) -> Response:
    name, indexes = wanted["TopicName"], wanted["Partitions"]
    if not call.allowed(Operation.DESCRIBE, Resource.TOPIC, name):
        denied = Error.TOPIC_AUTHORIZATION_FAILED
        partitions = [
            {"PartitionIndex": it, "StartOffset": -1, "Lag": -1, "ErrorCode": denied, "ErrorMessage": denied.message}
            for it in indexes
        ]
        return {"TopicName": name, "Partitions": partitions}
    topic = call.cluster.topics.get(name)
    if topic is None:
        return {"TopicName": name, "Partitions": [{"PartitionIndex": it, "StartOffset": -1} for it in indexes]}
    return _described(group, topic, indexes)


def _described(group: ShareGroup | None, topic: Topic, indexes: list[int]) -> Response:
    return {
        "TopicName": topic.name,
        "TopicId": topic.topic_id,
        "Partitions": [_partition(group, topic, index) for index in indexes],
    }


def _partition(group: ShareGroup | None, topic: Topic, index: int) -> Response:
    state = None if group is None else group.ledger.get((topic.topic_id, index))
    if state is None or not 0 <= index < len(topic.partitions):
        return {"PartitionIndex": index, "StartOffset": -1, "Lag": -1}
    partition = topic.partitions[index]
    return {
        "PartitionIndex": index,
        "StartOffset": state.start_offset,
        "LeaderEpoch": partition.leader_epoch,
        "Lag": partition.high_watermark - state.start_offset - state.done,
    }
