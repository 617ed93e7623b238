"""DeleteRecords (key 21): moves the start of partitions forward, so that what lies before is gone.

Versions 0-2. Offset -1 is the high watermark; beyond it is OFFSET_OUT_OF_RANGE (1), before the start is fine and changes nothing. What is
compacted only cannot be deleted (POLICY_VIOLATION, 44), nor what is in internal topics. The answer is where the log begins then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.partitions import led
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

HIGH_WATERMARK = -1
NO_OFFSET = -1


@api(21, "DeleteRecords", versions=(0, 2))
def delete_records(call: Call, request: Request) -> Answer:
    """Delete records from the start of partitions."""
    return {
        "Topics": [
            {
                "Name": topic["Name"],
                "Partitions": [
                    _delete(call, topic["Name"], wanted["PartitionIndex"], wanted["Offset"])
                    for wanted in topic["Partitions"]
                ],
            }
            for topic in request["Topics"]
        ]
    }


def _delete(call: Call, name: str, index: int, offset: int) -> dict[str, Any]:
    try:
        start, error = _start(call, name, index, offset), Error.NONE
    except KafkaError as refused:
        start, error = NO_OFFSET, refused.error
    return {"PartitionIndex": index, "LowWatermark": start, "ErrorCode": error}


def _start(call: Call, name: str, index: int, offset: int) -> int:
    """Delete, and tell where the log begins then. Raises KafkaError."""
    if not call.allowed(Operation.DELETE, Resource.TOPIC, name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    partition = led(call, name, index)
    if call.cluster.is_internal(name):
        raise KafkaError(Error.INVALID_TOPIC_EXCEPTION)
    settings = partition.topic.settings
    if settings.compact and not settings.delete:
        raise KafkaError(Error.POLICY_VIOLATION)
    before = partition.high_watermark if offset == HIGH_WATERMARK else offset
    if not 0 <= before <= partition.high_watermark:
        raise KafkaError(Error.OFFSET_OUT_OF_RANGE)
    return partition.delete_records_before(before)
