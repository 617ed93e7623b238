"""WriteTxnMarkers (key 27): ends a producer's transaction in single partitions. Coordinators send it to brokers; here only
administrators do, to end a transaction that hangs (`kafka-transactions.sh abort`).

Versions 1-2. It takes ALTER or CLUSTER_ACTION. A marker of an old epoch is INVALID_PRODUCER_EPOCH; 2+: with TransactionVersion 2 so is
one of the epoch of the transaction itself (KIP-1228).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response

_EPOCH_BUMPS = 2


@api(27, "WriteTxnMarkers", versions=(1, 2))
def write_txn_markers(call: Call, request: Request) -> Answer:
    """Write markers, each partition on its own."""
    may = call.allowed_on_cluster(Operation.ALTER) or call.allowed_on_cluster(Operation.CLUSTER_ACTION)
    results = []
    for marker in request["Markers"]:
        topics = [
            {
                "Name": topic["Name"],
                "Partitions": [
                    _written(call, marker, topic["Name"], index) if may else _denied(index)
                    for index in topic["PartitionIndexes"]
                ],
            }
            for topic in marker["Topics"]
        ]
        results.append({"ProducerId": marker["ProducerId"], "Topics": topics})
    return {"Markers": results}


def _written(call: Call, marker: Request, topic: str, index: int) -> Response:
    producer_id, epoch = marker["ProducerId"], marker["ProducerEpoch"]
    partition = call.cluster.partition(topic, index)
    if partition is None:
        return {"PartitionIndex": index, "ErrorCode": Error.UNKNOWN_TOPIC_OR_PARTITION}
    if call.cluster.leader(partition.topic, index).node_id != call.peer.node_id:
        return {"PartitionIndex": index, "ErrorCode": Error.NOT_LEADER_OR_FOLLOWER}
    try:
        partition.producers.check_marker(producer_id, epoch, epoch_bumps=marker["TransactionVersion"] >= _EPOCH_BUMPS)
        partition.append_marker(producer_id, epoch, marker["TransactionResult"], call.now_ms)
    except KafkaError as refused:
        return {"PartitionIndex": index, "ErrorCode": refused.error}
    return {"PartitionIndex": index, "ErrorCode": Error.NONE}


def _denied(index: int) -> Response:
    return {"PartitionIndex": index, "ErrorCode": Error.CLUSTER_AUTHORIZATION_FAILED}
