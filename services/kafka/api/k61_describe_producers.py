"""DescribeProducers (key 61): who writes to a partition, with which epoch and sequence, and where open transactions begin.

Version 0. It takes READ on the topic. A broker that does not lead a partition answers NOT_LEADER_OR_FOLLOWER.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.partitions import led
from services.kafka.errors import Error, KafkaError
from services.kafka.topics import check_name

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(61, "DescribeProducers", versions=(0, 0))
def describe_producers(call: Call, request: Request) -> Answer:
    """Show the producers of partitions."""
    return {
        "Topics": [
            {
                "Name": topic["Name"],
                "Partitions": [_described(call, topic["Name"], index) for index in topic["PartitionIndexes"]],
            }
            for topic in request["Topics"]
        ]
    }


def _described(call: Call, name: str, index: int) -> Response:
    try:
        producers = _producers(call, name, index)
    except KafkaError as refused:
        return {
            "PartitionIndex": index,
            "ErrorCode": refused.error,
            "ErrorMessage": refused.message,
            "ActiveProducers": [],
        }
    return {"PartitionIndex": index, "ErrorCode": Error.NONE, "ErrorMessage": None, "ActiveProducers": producers}


def _producers(call: Call, name: str, index: int) -> list[Response]:
    check_name(name)
    if not call.allowed(Operation.READ, Resource.TOPIC, name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    partition = led(call, name, index)
    partition.producers.expire(call.now_ms)
    return partition.producers.describe()
