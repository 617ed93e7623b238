"""DescribeTopicPartitions (key 75): topics with their partitions in pages, for clusters with more than fit into Metadata (KIP-966).

Version 0. Topics come by name; a page ends after ResponsePartitionLimit partitions (at most 2,000), and NextCursor tells where the next one
begins. EligibleLeaderReplicas and LastKnownElr are ALWAYS arrays: the Java client's describeTopics trips over null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import LEADER_EPOCH
from services.kafka.placement import replicas
from services.kafka.topics import check_name
from services.kafka.wire import NULL_UUID

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.topics import Topic

PAGE_MAX = 2_000
"""max.request.partition.size.limit"""


@api(75, "DescribeTopicPartitions", versions=(0, 0))
def describe_topic_partitions(call: Call, request: Request) -> Answer:
    """Describe a page of topics."""
    asked = [topic["Name"] for topic in request["Topics"]]
    cursor = request["Cursor"]
    try:
        names = _names(call, asked, cursor)
    except KafkaError as error:
        return {"Topics": [_missing(name, error.error) for name in asked], "NextCursor": None}
    allowed = [name for name in names if call.allowed(Operation.DESCRIBE, Resource.TOPIC, name)]
    first = (cursor["TopicName"], cursor["PartitionIndex"]) if cursor else ("", 0)
    limit = max(1, min(PAGE_MAX, request["ResponsePartitionLimit"]))
    topics, following = _page(call, allowed, first, limit, all_topics=not asked)
    if asked:
        denied = sorted(set(names) - set(allowed))
        topics += [_missing(name, Error.TOPIC_AUTHORIZATION_FAILED) for name in denied]
    return {"Topics": topics, "NextCursor": following}


def _names(call: Call, asked: list[str], cursor: dict[str, Any] | None) -> list[str]:
    """Name the topics from the cursor on, in order. Raises KafkaError INVALID_REQUEST."""
    first = cursor["TopicName"] if cursor else ""
    all_names = asked or [topic.name for topic in call.cluster.topics]
    names = sorted({name for name in all_names if name >= first})
    if cursor and asked and first not in names:
        raise KafkaError(
            Error.INVALID_REQUEST, f"DescribeTopicPartitionsRequest topic list should contain the cursor topic: {first}"
        )
    if cursor and cursor["PartitionIndex"] < 0:
        raise KafkaError(Error.INVALID_REQUEST, "DescribeTopicPartitionsRequest cursor partition must be valid")
    return names


def _page(
    call: Call, names: list[str], first: tuple[str, int], limit: int, *, all_topics: bool
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Describe topics until the page is full; tells where the next page begins, None where there is none."""
    topics: list[dict[str, Any]] = []
    for name in names:
        if limit == 0:
            return topics, {"TopicName": name, "PartitionIndex": 0}
        topic = call.cluster.topics.get(name)
        if topic is None:
            if not all_topics:
                topics.append(
                    _missing(name, _why_missing(name)) | {"TopicAuthorizedOperations": _operations(call, name)}
                )
            continue
        start = first[1] if name == first[0] else 0
        end = min(len(topic.partitions), start + limit)
        topics.append(_topic(call, topic, range(start, end)))
        if end < len(topic.partitions):
            return topics, {"TopicName": name, "PartitionIndex": end}
        limit -= max(0, end - start)
    return topics, None


def _why_missing(name: str) -> Error:
    try:
        check_name(name)
    except KafkaError as error:
        return error.error
    return Error.UNKNOWN_TOPIC_OR_PARTITION


def _missing(name: str, error: Error) -> dict[str, Any]:
    return {"ErrorCode": error, "Name": name, "TopicId": NULL_UUID, "IsInternal": False, "Partitions": []}


def _topic(call: Call, topic: Topic, indexes: range) -> dict[str, Any]:
    return {
        "ErrorCode": Error.NONE,
        "Name": topic.name,
        "TopicId": topic.topic_id,
        "IsInternal": topic.internal,
        "Partitions": [_partition(call, topic, index) for index in indexes],
        "TopicAuthorizedOperations": _operations(call, topic.name),
    }


def _operations(call: Call, name: str) -> int:
    return call.cluster.acls.authorized_operations(call.peer.principal, call.peer.host, Resource.TOPIC, name)


def _partition(call: Call, topic: Topic, index: int) -> dict[str, Any]:
    brokers = replicas(call.cluster, topic, index)
    return {
        "ErrorCode": Error.NONE,
        "PartitionIndex": index,
        "LeaderId": brokers[0],
        "LeaderEpoch": LEADER_EPOCH,
        "ReplicaNodes": brokers,
        "IsrNodes": brokers,
        "EligibleLeaderReplicas": [],
        "LastKnownElr": [],
        "OfflineReplicas": [],
    }
