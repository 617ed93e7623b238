"""Produce (key 0): take record batches.

Versions 3-13; 0 is advertised as the lowest (see k18_api_versions.py). Each partition is judged on its own. acks 0 is never
answered: if something is wrong, the connection is closed, so that the producer notices. acks 1 and all mean the same here.
From version 12 on a transactional batch adds its partition to the transaction (KIP-890). Version 13 names topics by id.
Records are copied once, from the frame into the log, and not looked at: see records.py for what the header tells.

This and Fetch are read and written by hand, for speed; tests hold them against the codec that is compiled from the descriptions.
"""

from __future__ import annotations

import logging
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.partitions import asked_for
from services.kafka.body import Body, put_count, put_text, put_topic
from services.kafka.errors import Error, KafkaError
from services.kafka.partition import InvalidRecordsError
from services.kafka.records import BatchError, check_batch
from services.kafka.schema import MalformedError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.partition import Partition, RecordError

log = logging.getLogger("eventyard.kafka")

ACKS = (-1, 0, 1)
_RESULT_3 = Struct(">ihqq")  # index, error, base offset, append time
_RESULT_5 = Struct(">ihqqq")  # and the log's start
_ACKS = Struct(">hi")  # and the timeout: nothing is waited for
_FINE_8 = b"\0\0\0\0\xff\xff"  # no record errors, no message
_FINE_9 = b"\x01\x00\x00"  # the same, compact, and no tagged fields

Topic = tuple[str | bytes, list[tuple[int, "memoryview | None"]]]
"""A topic, by name or by id, with the batches of its partitions."""


class Result(NamedTuple):
    """What came of one partition."""

    partition: int
    error: int = 0
    base_offset: int = -1
    append_time_ms: int = -1
    log_start_offset: int = -1
    records: tuple[RecordError, ...] = ()
    message: str | None = None


class Wanted(NamedTuple):
    """What a Produce request says before its topics."""

    transactional_id: str | None
    acks: int
    refusal: Error | None
    """What is wrong with the request as a whole."""


def produce_raw(call: Call, frame: memoryview, position: int) -> list[Any] | None:
    """Read a request, append what it brings, write the answer."""
    wanted, topics = _read(call, frame, position)
    flexible = call.version >= 9
    out = bytearray()
    failed: Result | None = None
    put_count(out, len(topics), flexible=flexible)
    for topic, partitions in topics:
        results = [_produce(call, wanted, topic, index, data) for index, data in partitions]
        failed = failed or next((result for result in results if result.error), None)
        put_topic(out, topic, flexible=flexible)
        _write_results(out, results, call.version)
    if wanted.acks == 0:
        if failed is not None:
            what = f"{Error(failed.error).name} on partition {failed.partition}"
            log.warning("closed a connection from %s: it produced with acks=0 and got %s", call.peer.host, what)
            call.peer.end()
        return None
    out += b"\0\0\0\0"  # throttled for no time
    if flexible:
        out.append(0)
    return [out]


def _read(call: Call, frame: memoryview, position: int) -> tuple[Wanted, list[Topic]]:
    """Read the whole request, so that nothing is appended of one that is malformed."""
    body = Body(frame, position, call.version >= 9)
    transactional_id = body.string()
    acks, _ = body.take(_ACKS)
    topics: list[Topic] = []
    for _ in range(body.count()):
        topic = body.uuid() if call.version >= 13 else body.string() or ""
        partitions = []
        for _ in range(body.count()):
            index = body.int32()
            partitions.append((index, body.records()))
            body.tags()
        body.tags()
        topics.append((topic, partitions))
    body.tags()
    return Wanted(transactional_id, acks, _refusal(call, transactional_id, acks)), topics


def _refusal(call: Call, transactional_id: str | None, acks: int) -> Error | None:
    if acks not in ACKS:
        return Error.INVALID_REQUIRED_ACKS
    if transactional_id is not None and not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    return None


def _produce(call: Call, wanted: Wanted, topic: str | bytes, index: int, data: memoryview | None) -> Result:
    """Append one partition's batch, or say why not."""
    try:
        return _append(call, wanted, _partition(call, wanted, topic, index), data)
    except InvalidRecordsError as error:
        return Result(index, error.error, records=tuple(error.records), message=error.message)
    except (BatchError, KafkaError) as error:
        return Result(index, error.error, message=error.message)


def _partition(call: Call, wanted: Wanted, topic: str | bytes, index: int) -> Partition:
    """Find a partition that the caller may write to. Raises KafkaError."""
    if wanted.refusal is not None:
        raise KafkaError(wanted.refusal)
    partition = asked_for(call, topic, index, Operation.WRITE)
    if partition.topic.internal or call.cluster.is_internal(partition.topic.name):
        raise KafkaError(Error.INVALID_TOPIC_EXCEPTION, f"Cannot append to internal topic {partition.topic.name}")
    return partition


def _append(call: Call, wanted: Wanted, partition: Partition, data: memoryview | None) -> Result:
    if data is None:
        raise KafkaError(Error.INVALID_RECORD, "The request holds no records for this partition")
    batch = check_batch(data, zstd=call.version >= 7)
    if batch.is_transactional:
        if wanted.transactional_id is None:
            raise KafkaError(Error.INVALID_TXN_STATE)
        error = call.cluster.transactions.verify(
            batch.producer_id,
            batch.producer_epoch,
            wanted.transactional_id,
            partition.topic.name,
            partition.index,
            adds=call.version >= 12,
            knows_abortable=call.version >= 11,
        )
        if error:
            raise KafkaError(error)
    appended = partition.append(data, batch, call.now_ms, epoch_bumps=call.version >= 12)
    return Result(partition.index, 0, *appended)


def _write_results(out: bytearray, results: list[Result], version: int) -> None:
    """Write what came of the partitions of a topic."""
    flexible = version >= 9
    put_count(out, len(results), flexible=flexible)
    for result in results:
        out += _RESULT_5.pack(*result[:5]) if version >= 5 else _RESULT_3.pack(*result[:4])
        if version < 8:
            continue
        if not result.error:
            out += _FINE_9 if flexible else _FINE_8
            continue
        put_count(out, len(result.records), flexible=flexible)
        for index, message in result.records:
            out += index.to_bytes(4, "big")
            put_text(out, message, flexible=flexible)
            if flexible:
                out.append(0)
        put_text(out, result.message, flexible=flexible)
        if flexible:
            out.append(0)
    if flexible:
        out.append(0)


@api(0, "Produce", versions=(3, 13), raw=produce_raw)
def produce(call: Call, request: Request) -> Answer:  # noqa: ARG001 - never called: the raw form answers
    """Append record batches; see `produce_raw`."""
    raise MalformedError("Produce is read by hand")
