"""OffsetForLeaderEpoch (key 23): where a leader's epoch ended, by which consumers find out that a log was cut behind their back.

Versions 2-4. Leaders never change here, so there is one epoch, and it ends where the log ends. An older one was never there: its end is
undefined (-1), as that of a newer one. The Java client and librdkafka ask after every seek to an offset that was committed with an epoch,
and stop consuming until they are answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.partitions import led
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

UNDEFINED = -1


@api(23, "OffsetForLeaderEpoch", versions=(2, 4))
def offset_for_leader_epoch(call: Call, request: Request) -> Answer:
    """Tell where epochs end."""
    return {
        "Topics": [
            {
                "Topic": topic["Topic"],
                "Partitions": [_end(call, topic["Topic"], asked) for asked in topic["Partitions"]],
            }
            for topic in request["Topics"]
        ]
    }


def _end(call: Call, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    index = asked["Partition"]
    try:
        epoch, offset = _epoch_and_offset(call, name, asked)
    except KafkaError as error:
        return {"Partition": index, "ErrorCode": error.error, "LeaderEpoch": UNDEFINED, "EndOffset": UNDEFINED}
    return {"Partition": index, "ErrorCode": Error.NONE, "LeaderEpoch": epoch, "EndOffset": offset}


def _epoch_and_offset(call: Call, name: str, asked: dict[str, Any]) -> tuple[int, int]:
    if not (
        call.allowed_on_cluster(Operation.CLUSTER_ACTION) or call.allowed(Operation.DESCRIBE, Resource.TOPIC, name)
    ):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    partition = led(call, name, asked["Partition"])
    partition.check_epoch(asked["CurrentLeaderEpoch"])
    if asked["LeaderEpoch"] != partition.leader_epoch:
        return UNDEFINED, UNDEFINED
    return partition.leader_epoch, partition.high_watermark
