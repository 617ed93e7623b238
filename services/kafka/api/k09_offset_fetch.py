"""OffsetFetch (key 9): where groups go on reading.

Versions 1-10. From 8 on several groups at once, from 10 on topics have ids. Topics null (2+): all that a group has committed.
What was never committed is offset -1 without an error, for unknown groups too: clients then follow auto.offset.reset.
RequireStable (7+): a partition that an open transaction has committed to is UNSTABLE_OFFSET_COMMIT, which clients retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.offsets import NO_TOPIC_ID

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.groups.offsets import Committed

_MANY_GROUPS_FROM = 8
_BY_ID_FROM = 10
_GROUP_ERRORS_FROM = 2


@api(9, "OffsetFetch", versions=(1, 10))
def offset_fetch(call: Call, request: Request) -> Answer:
    """Fetch committed offsets."""
    stable = request["RequireStable"]
    if call.version >= _MANY_GROUPS_FROM:
        wanted = request["Groups"]
        return {"Groups": [{"GroupId": one["GroupId"], **_group(call, one, stable=stable)} for one in wanted]}
    answer = _group(call, {**request, "MemberId": None, "MemberEpoch": -1}, stable=stable)
    for topic in answer["Topics"]:
        del topic["TopicId"]  # of the lists of groups only
    return answer


def _group(call: Call, wanted: Request, *, stable: bool) -> Response:
    group_id, topics = wanted["GroupId"], wanted["Topics"]
    known = True
    try:
        call.cluster.groups.check(call, Operation.DESCRIBE, group_id, empty_allowed=True)
        group = call.cluster.groups.get(group_id)
        if group is not None:
            group.check_fetch(wanted["MemberId"], wanted["MemberEpoch"])
    except KafkaError as refused:
        if refused.error is not Error.GROUP_ID_NOT_FOUND:
            return _refused(call, wanted, refused.error)
        known = False
    if topics is None:
        return {"Topics": _everything(call, group_id, stable=stable) if known else []}
    return {
        "Topics": [_topic(call, group_id, topic, stable=stable, known=known) for topic in topics],
    }


def _refused(call: Call, wanted: Request, error: Error) -> Response:
    if call.version >= _GROUP_ERRORS_FROM:
        return {"ErrorCode": error, "Topics": []}
    return {
        "Topics": [_failed(topic["Name"], NO_TOPIC_ID, topic["PartitionIndexes"], error) for topic in wanted["Topics"]]
    }


def _topic(call: Call, group_id: str, wanted: Request, *, stable: bool, known: bool) -> Response:
    name, topic_id, indexes = wanted["Name"], wanted.get("TopicId", NO_TOPIC_ID), wanted["PartitionIndexes"]
    topics = call.cluster.topics
    by_id = call.version >= _BY_ID_FROM
    topic = topics.by_id(topic_id) if by_id else topics.get(name)
    if by_id and topic is None:
        return _failed(name, topic_id, indexes, Error.UNKNOWN_TOPIC_ID)
    if topic is not None:
        name = topic.name
    if not call.allowed(Operation.DESCRIBE, Resource.TOPIC, name):
        return _failed(name, topic_id, indexes, Error.TOPIC_AUTHORIZATION_FAILED)
    offsets = call.cluster.groups.offsets
    rows = []
    for index in indexes:
        committed = offsets.get(group_id, name, index) if known else None
        if topic is not None and committed is not None and committed.topic_id != topic.topic_id:
            committed = None  # of a topic of the same name that is gone
        unstable = stable and offsets.is_pending(group_id, name, index)
        rows.append(_row(index, committed, Error.UNSTABLE_OFFSET_COMMIT if unstable else Error.NONE))
    return {"Name": name, "TopicId": topic_id, "Partitions": rows}


def _everything(call: Call, group_id: str, *, stable: bool) -> list[Response]:
    offsets = call.cluster.groups.offsets
    answer = []
    for name, partitions in offsets.of(group_id).items():
        topic = call.cluster.topics.get(name)
        hidden = topic is None and call.version >= _BY_ID_FROM  # there is no id to name it by
        if hidden or not call.allowed(Operation.DESCRIBE, Resource.TOPIC, name):
            continue
        rows = []
        for index, committed in partitions.items():
            unstable = stable and offsets.is_pending(group_id, name, index)
            rows.append(_row(index, committed, Error.UNSTABLE_OFFSET_COMMIT if unstable else Error.NONE))
        answer.append({"Name": name, "TopicId": NO_TOPIC_ID if topic is None else topic.topic_id, "Partitions": rows})
    return answer


def _failed(name: str, topic_id: bytes, indexes: list[int], error: Error) -> Response:
    return {"Name": name, "TopicId": topic_id, "Partitions": [_row(index, None, error) for index in indexes]}


def _row(index: int, committed: Committed | None, error: Error) -> Response:
    if committed is None or error is not Error.NONE:
        return {
            "PartitionIndex": index,
            "CommittedOffset": -1,
            "CommittedLeaderEpoch": -1,
            "Metadata": "",
            "ErrorCode": error,
        }
    return {
        "PartitionIndex": index,
        "CommittedOffset": committed.offset,
        "CommittedLeaderEpoch": committed.leader_epoch,
        "Metadata": committed.metadata,
        "ErrorCode": Error.NONE,
    }
