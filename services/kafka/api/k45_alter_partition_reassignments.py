"""AlterPartitionReassignments (key 45): an assignment is checked as Kafka checks it, and is then done at once, with nothing moved.

Versions 0-1. All brokers are this one process, so every one of them "holds" every partition; who leads stays as it is. So there is never
anything to cancel (NO_REASSIGNMENT_IN_PROGRESS, 85).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.placement import check_assignment, replicas

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(45, "AlterPartitionReassignments", versions=(0, 1))
def alter_partition_reassignments(call: Call, request: Request) -> Answer:
    """Check assignments."""
    may_change = request["AllowReplicationFactorChange"]
    if not call.allowed_on_cluster(Operation.ALTER):
        denied = KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED)
        return {"ErrorCode": denied.error, "ErrorMessage": denied.message, "Responses": []}
    return {
        "AllowReplicationFactorChange": may_change,
        "ErrorCode": Error.NONE,
        "ErrorMessage": None,
        "Responses": [
            {
                "Name": topic["Name"],
                "Partitions": [
                    _result(call, topic["Name"], wanted, may_change=may_change) for wanted in topic["Partitions"]
                ],
            }
            for topic in request["Topics"]
        ],
    }


def _result(call: Call, name: str, wanted: dict[str, Any], *, may_change: bool) -> dict[str, Any]:
    index = wanted["PartitionIndex"]
    try:
        _check(call, name, wanted, may_change=may_change)
    except KafkaError as error:
        return {"PartitionIndex": index, "ErrorCode": error.error, "ErrorMessage": error.message}
    return {"PartitionIndex": index, "ErrorCode": Error.NONE, "ErrorMessage": None}


def _check(call: Call, name: str, wanted: dict[str, Any], *, may_change: bool) -> None:
    """Check one partition's new brokers. Raises KafkaError."""
    cluster, index, brokers = call.cluster, wanted["PartitionIndex"], wanted["Replicas"]
    topic = cluster.topics.get(name)
    if topic is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {name}.")
    if cluster.partition(name, index) is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find partition {name}:{index}.")
    if brokers is None:
        raise KafkaError(Error.NO_REASSIGNMENT_IN_PROGRESS)
    check_assignment(cluster, brokers, None)
    now = len(replicas(cluster, topic, index))
    if not may_change and len(brokers) != now:
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR, f"The replication factor is changed from {now} to {len(brokers)}"
        )
