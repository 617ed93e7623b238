"""OffsetCommit and TxnOffsetCommit: which partitions may be committed, by whom, and what is kept (OffsetMetadataManager, KafkaApis)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.classic import ClassicGroup
from services.kafka.groups.offsets import Committed

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Call, Request, Response

_BY_ID_FROM = 10
"""OffsetCommit versions that name topics by id."""
_EXACT_ERRORS_FROM = 9
"""OffsetCommit versions whose clients know GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH."""

_ABORTABLE_FROM = 4
"""TxnOffsetCommit versions whose clients know TRANSACTION_ABORTABLE."""
_ADDS_GROUP_FROM = 5
"""TxnOffsetCommit versions that add the group to the transaction (KIP-890)."""


@dataclass(slots=True)
class _Wish:
    """One partition that somebody wants to commit, with its place in the answer."""

    topic: str
    topic_id: bytes
    said: dict[str, Any]
    """As in the request: PartitionIndex, CommittedOffset, ..."""
    row: Response


def offset_commit(call: Call, request: Request) -> Response:
    """Do OffsetCommit for a caller who may read the group."""
    answer, wishes = _sorted_out(call, request, by_id=call.version >= _BY_ID_FROM)
    retention_ms = request["RetentionTimeMs"]
    expire_ms = None if retention_ms < 0 else call.now_ms + retention_ms
    offsets = call.cluster.groups.offsets

    def put(wish: _Wish, committed: Committed) -> None:
        committed.expire_ms = expire_ms
        offsets.commit(request["GroupId"], wish.topic, wish.said["PartitionIndex"], committed)

    if wishes:
        _run(call, wishes, lambda: _check(call, request), put)
    return answer


def txn_offset_commit(call: Call, request: Request) -> Response:
    """Do TxnOffsetCommit for a caller who may, once the transaction is known to have the group."""
    answer, wishes = _sorted_out(call, request, by_id=False)
    offsets = call.cluster.groups.offsets

    def put(wish: _Wish, committed: Committed) -> None:
        partition = wish.said["PartitionIndex"]
        offsets.pend(request["ProducerId"], request["GroupId"], wish.topic, partition, committed)

    if wishes:
        _run(call, wishes, lambda: _check_transactional(call, request), put)
    return answer


def refused_commit(request: Request, error: Error) -> Response:
    """Answer OffsetCommit or TxnOffsetCommit with one error everywhere."""
    return {
        "Topics": [
            _topic_row(
                said, [{"PartitionIndex": one["PartitionIndex"], "ErrorCode": error} for one in said["Partitions"]]
            )
            for said in request["Topics"]
        ]
    }


def _topic_row(said: dict[str, Any], rows: list[Response]) -> Response:
    # TxnOffsetCommit knows no ids.
    return {name: said[name] for name in ("Name", "TopicId") if name in said} | {"Partitions": rows}


def _sorted_out(call: Call, request: Request, *, by_id: bool) -> tuple[Response, list[_Wish]]:
    """Lay out the answer, with the errors of topics and partitions that do not exist or may not be read; the rest are wishes."""
    wishes: list[_Wish] = []
    topics = []
    for said in request["Topics"]:
        name = said["Name"]
        topic = call.cluster.topics.by_id(said["TopicId"]) if by_id else call.cluster.topics.get(name)
        error = Error.UNKNOWN_TOPIC_OR_PARTITION
        if by_id and topic is None:
            error = Error.UNKNOWN_TOPIC_ID
        elif not call.allowed(Operation.READ, Resource.TOPIC, name if topic is None else topic.name):
            topic, error = None, Error.TOPIC_AUTHORIZATION_FAILED
        rows = [{"PartitionIndex": one["PartitionIndex"], "ErrorCode": error} for one in said["Partitions"]]
        topics.append(_topic_row(said, rows))
        if topic is not None:
            wishes += [
                _Wish(topic.name, topic.topic_id, one, row)
                for one, row in zip(said["Partitions"], rows, strict=True)
                if 0 <= one["PartitionIndex"] < len(topic.partitions)
            ]
    return {"Topics": topics}, wishes


def _run(
    call: Call,
    wishes: list[_Wish],
    check: Callable[[], Callable[[str, int], Error] | None],
    put: Callable[[_Wish, Committed], None],
) -> None:
    """Commit all wishes or, if the member may not, none."""
    metadata_max = call.cluster.configs.offset_metadata_max_bytes
    fitting = [wish for wish in wishes if len(wish.said["CommittedMetadata"] or "") <= metadata_max]
    try:
        check_partition = check()
    except KafkaError as refused:
        error = refused.error
    else:
        told = (check_partition(wish.topic, wish.said["PartitionIndex"]) for wish in fitting) if check_partition else ()
        error = next((one for one in told if one is not Error.NONE), Error.NONE)
    if error is not Error.NONE:
        for wish in wishes:
            wish.row["ErrorCode"] = error
        return
    for wish in wishes:
        wish.row["ErrorCode"] = Error.OFFSET_METADATA_TOO_LARGE
    for wish in fitting:
        wish.row["ErrorCode"] = Error.NONE
        said = wish.said
        metadata = said["CommittedMetadata"] or ""
        epoch = said["CommittedLeaderEpoch"]
        put(wish, Committed(said["CommittedOffset"], epoch, metadata, call.now_ms, None, wish.topic_id))


def _check(call: Call, request: Request) -> Callable[[str, int], Error] | None:
    groups = call.cluster.groups
    group_id, epoch = request["GroupId"], request["GenerationIdOrMemberEpoch"]
    groups.check_coordinator(call, group_id, empty_allowed=True)
    group = groups.get(group_id)
    if group is None:
        if epoch >= 0:
            exact = call.version >= _EXACT_ERRORS_FROM
            raise KafkaError(Error.GROUP_ID_NOT_FOUND if exact else Error.ILLEGAL_GENERATION)
        # An administrator, or a consumer that assigns its partitions itself.
        group = groups.add(ClassicGroup(call.cluster, group_id))
    member_id, instance_id = request["MemberId"], request["GroupInstanceId"]
    check = group.check_commit(member_id, instance_id, epoch, transactional=False, version=call.version)
    group.committed(member_id, call.now_ms)
    return check


def _check_transactional(call: Call, request: Request) -> Callable[[str, int], Error] | None:
    groups = call.cluster.groups
    group_id, epoch = request["GroupId"], request["GenerationId"]
    groups.check_coordinator(call, group_id)
    _check_transaction(call, request)
    group = groups.get(group_id)
    if group is None:
        if epoch >= 0:
            raise KafkaError(Error.ILLEGAL_GENERATION)
        group = groups.add(ClassicGroup(call.cluster, group_id))
    member_id, instance_id = request["MemberId"], request["GroupInstanceId"]
    try:
        check = group.check_commit(member_id, instance_id, epoch, transactional=True, version=call.version)
    except KafkaError as refused:
        raise KafkaError(_known_to_producers(refused.error)) from refused
    return None if check is None else lambda topic, partition: _known_to_producers(check(topic, partition))


def _check_transaction(call: Call, request: Request) -> None:
    """Refuse producers that were fenced and groups that the transaction does not have; from 5 on it takes them in. Raises KafkaError."""
    transactions = call.cluster.transactions
    producer_id, epoch = request["ProducerId"], request["ProducerEpoch"]
    transactional_id, group_id = request["TransactionalId"], request["GroupId"]
    if call.version >= _ADDS_GROUP_FROM:
        error = transactions.add_offsets_implicitly(producer_id, epoch, transactional_id, group_id)
    else:
        abortable = call.version >= _ABORTABLE_FROM
        error = transactions.check_producer(transactional_id, producer_id, epoch, group_id, knows_abortable=abortable)
    if error is not Error.NONE:
        raise KafkaError(error)


def _known_to_producers(error: Error) -> Error:
    return Error.ILLEGAL_GENERATION if error is Error.STALE_MEMBER_EPOCH else error
