"""ElectLeaders (key 43): there is nothing to elect, for every partition is led by its preferred broker.

Versions 0-2. Partitions that are named are answered ELECTION_NOT_NEEDED (84), as by Kafka when leaders are as they should be; when none is
named, they are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

PREFERRED, UNCLEAN = 0, 1


@api(43, "ElectLeaders", versions=(0, 2))
def elect_leaders(call: Call, request: Request) -> Answer:
    """Say that no election is needed."""
    error = Error.NONE
    if not call.allowed_on_cluster(Operation.ALTER):
        error = Error.CLUSTER_AUTHORIZATION_FAILED
    elif request["ElectionType"] not in (PREFERRED, UNCLEAN):
        error = Error.INVALID_REQUEST
    asked = request["TopicPartitions"]
    if asked is None:
        topics = [] if error else [topic.name for topic in call.cluster.topics]
        return {
            "ErrorCode": error,
            "ReplicaElectionResults": [{"Topic": name, "PartitionResult": []} for name in topics],
        }
    return {
        "ErrorCode": error,
        "ReplicaElectionResults": [
            {
                "Topic": topic["Topic"],
                "PartitionResult": [
                    _result(call, topic["Topic"], index, error, request["ElectionType"])
                    for index in topic["Partitions"]
                ],
            }
            for topic in asked
        ],
    }


def _result(call: Call, name: str, index: int, error: Error, kind: int) -> dict[str, Any]:
    message: str | None = error.message
    if error == Error.INVALID_REQUEST:
        message = f"Unknown election type {kind}"
    if not error:
        if call.cluster.topics.get(name) is None:
            error, message = Error.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name}"
        elif call.cluster.partition(name, index) is None:
            error, message = Error.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {name}-{index}"
        else:
            error, message = Error.ELECTION_NOT_NEEDED, Error.ELECTION_NOT_NEEDED.message
    return {"PartitionId": index, "ErrorCode": error, "ErrorMessage": message}
