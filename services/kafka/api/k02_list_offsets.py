"""ListOffsets (key 2): the offset at a time, at the start, at the end.

Versions 1-11. -1 latest (for read_committed the last stable offset), -2 earliest, -3 the record with the newest timestamp (KIP-734),
-4 the earliest that is local, the same as -2 (KIP-405), -5 and -6: of tiered storage, which there is not (KIP-1005, KIP-1023).
Any other: the first record whose timestamp is at or after that time, -1 when there is none. A batch is opened only where it has to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.partitions import led
from services.kafka.errors import Error, KafkaError
from services.kafka.record_batches import find_time, newest

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.partition import Partition

LATEST, EARLIEST, NEWEST, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING = -1, -2, -3, -4, -5, -6
FIRST_VERSION_OF = {NEWEST: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9, EARLIEST_PENDING: 11}
READ_COMMITTED = 1
NOTHING = (-1, -1)


@api(2, "ListOffsets", versions=(1, 11))
def list_offsets(call: Call, request: Request) -> Answer:
    """Find offsets."""
    committed = request["IsolationLevel"] == READ_COMMITTED
    return {
        "Topics": [
            {
                "Name": topic["Name"],
                "Partitions": [
                    _find(call, topic["Name"], wanted, committed=committed) for wanted in topic["Partitions"]
                ],
            }
            for topic in request["Topics"]
        ]
    }


def _find(call: Call, name: str, wanted: dict[str, Any], *, committed: bool) -> dict[str, Any]:
    index = wanted["PartitionIndex"]
    try:
        partition = _partition(call, name, wanted)
        offset, timestamp_ms = _offset(partition, wanted["Timestamp"], committed=committed)
    except KafkaError as error:
        return {"PartitionIndex": index, "ErrorCode": error.error, "Timestamp": -1, "Offset": -1, "LeaderEpoch": -1}
    return {
        "PartitionIndex": index,
        "Timestamp": timestamp_ms,
        "Offset": offset,
        "LeaderEpoch": partition.leader_epoch if offset >= 0 else -1,
    }


def _partition(call: Call, name: str, wanted: dict[str, Any]) -> Partition:
    """Find a partition that the caller may ask about, in a version that knows such a time. Raises KafkaError."""
    index, time_ms = wanted["PartitionIndex"], wanted["Timestamp"]
    if not call.allowed(Operation.DESCRIBE, Resource.TOPIC, name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    partition = led(call, name, index)
    partition.check_epoch(wanted["CurrentLeaderEpoch"])
    if time_ms < 0 and call.version < FIRST_VERSION_OF.get(time_ms, 0 if time_ms >= EARLIEST else 1 << 15):
        raise KafkaError(Error.UNSUPPORTED_VERSION)
    return partition


def _offset(partition: Partition, time_ms: int, *, committed: bool) -> tuple[int, int]:
    """Find an offset and its timestamp, -1 where it has none."""
    log = partition.log
    end = partition.last_stable_offset if committed else log.end_offset
    if time_ms == LATEST:
        return end, -1
    if time_ms in (EARLIEST, EARLIEST_LOCAL):
        return log.start_offset, -1
    if time_ms in (LATEST_TIERED, EARLIEST_PENDING):
        return NOTHING
    if time_ms == NEWEST:
        found = log.newest()
        if found is None:
            return NOTHING
        entry = next(iter(log.entries(found[1])))
        return newest(entry.data) or NOTHING
    # Newest first by batch; the header of a batch whose newest record is late enough may still hold only records below the start.
    for entry in log.entries(log.offset_at(time_ms)):
        if entry.offset >= end:
            break
        if entry.time_ms >= time_ms and (hit := find_time(entry.data, time_ms, log.start_offset)) is not None:
            return hit if hit[0] < end else NOTHING
    return NOTHING
