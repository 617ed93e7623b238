"""The records inside of batches: read, looked for, and built. Every function here costs O(records), so none is on the way of a record.

A record (org.apache.kafka.common.record.DefaultRecord) is a varint length and then: attributes i8 (unused), timestamp delta varlong, offset
delta varint, key and value each with a varint length (-1 is null), a varint count of headers, and these: a key, a nullable value. Varints
are zigzag, 7 bits a byte, the lowest first. With compression the records of a batch are one compressed stream.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from services.kafka.compression import INFLATED_BYTES_MAX, Codec, InflateError, deflate, inflate
from services.kafka.errors import Error
from services.kafka.limits import BATCH_OVERHEAD_BYTES
from services.kafka.records import (
    CODEC_BITS,
    CONTROL,
    DELETE_HORIZON,
    HEADER,
    LENGTH_STARTS,
    LOG_APPEND_TIME,
    MAGIC,
    NO_EPOCH,
    NO_PRODUCER,
    NO_SEQUENCE,
    NO_TIMESTAMP_MS,
    TRANSACTIONAL,
    Batch,
    BatchError,
    checksum,
    read_batch,
    seal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Buffer = memoryview | bytes | bytearray

_INT_BYTES_MAX, _LONG_BYTES_MAX = 5, 10
_MARKER_KEY = Struct(">hh")
_MARKER_VALUE = Struct(">hi")
_ABORT, _COMMIT = 0, 1


class Record(NamedTuple):
    """A record as it stands in a partition."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    """None is a tombstone: compaction then drops the key."""
    headers: list[tuple[str, bytes | None]]


class NewRecord(NamedTuple):
    """A record that is to be written. Without a timestamp it takes the moment at which its batch is built."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp_ms: int | None = None


# Reading.


def records(data: Buffer, bytes_max: int = INFLATED_BYTES_MAX) -> Iterator[Record]:
    """Read the records of a batch, one after the other.

    Raises BatchError, at the record that is wrong: CORRUPT_MESSAGE where the compressed stream is broken or holds more than `bytes_max`,
    INVALID_RECORD where a record is.
    """
    batch, payload = _open(data, bytes_max)
    base_offset, base_ms = batch.base_offset, batch.base_timestamp_ms
    fixed_ms = batch.max_timestamp_ms if batch.is_log_append_time else None
    at = 0
    for _ in range(batch.record_count):
        at, end, delta_ms, delta = _read_start(payload, at)
        key, at = _read_bytes(payload, at, end)
        value, at = _read_bytes(payload, at, end)
        headers, at = _read_headers(payload, at, end)
        if at != end:
            raise _invalid(f"Invalid record size: {end - at} bytes in record payload are left over")
        timestamp_ms = _wrapped(base_ms + delta_ms) if fixed_ms is None else fixed_ms
        yield Record(base_offset + delta, timestamp_ms, key, value, headers)
    _check_end(payload, at)


class _Start(NamedTuple):
    """What stands before the key of a record."""

    offset: int
    timestamp_ms: int
    has_key: bool


def _starts(data: Buffer) -> Iterator[_Start]:
    """Read the records of a batch without their keys, values and headers."""
    batch, payload = _open(data)
    fixed_ms = batch.max_timestamp_ms if batch.is_log_append_time else None
    end = 0
    for _ in range(batch.record_count):
        at, end, delta_ms, delta = _read_start(payload, end)
        key_bytes, at = _read_int(payload, at)
        if at > end:
            raise _invalid("Found invalid record structure: a record ends before its key")
        timestamp_ms = _wrapped(batch.base_timestamp_ms + delta_ms) if fixed_ms is None else fixed_ms
        yield _Start(batch.base_offset + delta, timestamp_ms, key_bytes >= 0)
    _check_end(payload, end)


def _open(data: Buffer, bytes_max: int = INFLATED_BYTES_MAX) -> tuple[Batch, bytes]:
    if len(data) < BATCH_OVERHEAD_BYTES:
        raise BatchError(Error.CORRUPT_MESSAGE, f"Record batch is corrupt (the size {len(data)} is too small)")
    batch = read_batch(data)
    if batch.magic != MAGIC or batch.size_bytes != len(data):
        raise BatchError(Error.CORRUPT_MESSAGE, "Record batch is corrupt (its length or its magic byte is wrong)")
    body = memoryview(data)[BATCH_OVERHEAD_BYTES:]
    if not batch.record_count and not body:  # all that compaction has left of it
        return batch, b""
    try:
        return batch, inflate(batch.codec, body, bytes_max)
    except InflateError as error:
        raise BatchError(Error.CORRUPT_MESSAGE, f"Failed to decompress record stream: {error}") from error


def _check_end(payload: bytes, at: int) -> None:
    if at != len(payload):
        raise _invalid("Incorrect declared batch size, records still remaining in file")


def _invalid(message: str) -> BatchError:
    return BatchError(Error.INVALID_RECORD, message)


def _wrapped(number: int) -> int:
    """Keep a number within 64 bits, as Java does; only garbage leaves them."""
    return number if -(1 << 63) <= number < 1 << 63 else (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _read_varint(data: bytes, at: int, bytes_max: int) -> tuple[int, int]:
    """Read a zigzag number; answers it and the place after it."""
    found = shift = 0
    for place in range(at, min(at + bytes_max, len(data))):
        byte = data[place]
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            found &= (1 << 32) - 1 if bytes_max == _INT_BYTES_MAX else (1 << 64) - 1
            return (found >> 1) ^ -(found & 1), place + 1
        shift += 7
    raise _invalid("Found invalid record structure: a varint is too long or cut off")


def _read_int(data: bytes, at: int, bytes_max: int = _INT_BYTES_MAX) -> tuple[int, int]:
    if at < len(data) and (byte := data[at]) < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    return _read_varint(data, at, bytes_max)


def _read_start(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Read a record up to its key; answers the place there, that of its end, the deltas of timestamp and offset."""
    size, at = _read_int(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise _invalid(
            f"Invalid record size: expected {size} bytes in record payload, but instead the buffer has only "
            f"{len(data) - at} remaining bytes."
        )
    delta_ms, at = _read_int(data, at + 1, _LONG_BYTES_MAX)  # the attributes before it are unused
    delta, at = _read_int(data, at)
    if at > end:
        raise _invalid(f"Invalid record size: expected {size} bytes in record payload, but it holds more")
    return at, end, delta_ms, delta


def _read_bytes(data: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    size, at = _read_int(data, at)
    if size < 0:
        return None, at
    stop = at + size
    if stop > end:
        raise _invalid(f"Found invalid record structure: {size} bytes expected, {end - at} left")
    return data[at:stop], stop


def _read_headers(data: bytes, at: int, end: int) -> tuple[list[tuple[str, bytes | None]], int]:
    count, at = _read_int(data, at)
    if count < 0:
        raise _invalid(f"Found invalid number of record headers {count}")
    if count > end - at:
        raise _invalid(
            f"Found invalid number of record headers. {count} is larger than the remaining size of the buffer"
        )
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _read_bytes(data, at, end)
        if name is None:
            raise _invalid("Invalid negative header key size")
        value, at = _read_bytes(data, at, end)
        headers.append((name.decode("utf-8", "replace"), value))  # as Java reads it
    return headers, at


# Looking for something.


def timestamps(data: Buffer) -> list[int]:
    """List the timestamps of a batch's records, in ms. Raises BatchError."""
    return [start.timestamp_ms for start in _starts(data)]


def null_keys(data: Buffer) -> list[int]:
    """List the indexes of a batch's records without a key, which a compacted topic refuses. Raises BatchError."""
    return [index for index, start in enumerate(_starts(data)) if not start.has_key]


def find_time(data: Buffer, time_ms: int, offset_min: int = 0) -> tuple[int, int] | None:
    """Find the first record, from `offset_min` on, that is of `time_ms` or later; answers its offset and its timestamp."""
    if read_batch(data).max_timestamp_ms < time_ms:
        return None
    return next(
        ((found.offset, found.timestamp_ms) for found in _starts(data) if _reaches(found, time_ms, offset_min)), None
    )


def _reaches(start: _Start, time_ms: int, offset_min: int) -> bool:
    return start.timestamp_ms >= time_ms and start.offset >= offset_min


def newest(data: Buffer) -> tuple[int, int] | None:
    """Find the first record with the latest timestamp of a batch; answers its offset and timestamp, None where compaction left none."""
    best: tuple[int, int] | None = None
    latest_ms = read_batch(data).max_timestamp_ms
    for start in _starts(data):
        if start.timestamp_ms == latest_ms:
            return start.offset, latest_ms
        if best is None or start.timestamp_ms > best[1]:
            best = start.offset, start.timestamp_ms
    return best


def read_marker(data: Buffer) -> bool | None:
    """Read a control batch: True commits a transaction, False aborts it, None is something else or what compaction has left of it."""
    for record in records(data):
        if record.key is not None and len(record.key) >= _MARKER_KEY.size:
            _, kind = _MARKER_KEY.unpack_from(record.key)
            return {_COMMIT: True, _ABORT: False}.get(kind)
    return None


def cut(view: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Go through the batches in a segment's bytes; each gives its size, base offset, next offset and latest timestamp in ms.

    Stops without a word before the first that is torn, overwritten, empty space or older than the one before it: there the log ends after
    a crash.
    """
    at = expected = 0
    while len(view) - at >= BATCH_OVERHEAD_BYTES:
        batch = Batch._make(HEADER.unpack_from(view, at))
        size = batch.size_bytes
        if not BATCH_OVERHEAD_BYTES <= size <= len(view) - at or batch.magic != MAGIC:
            return
        if batch.base_offset < expected or batch.last_offset_delta < 0 or batch.crc != checksum(view[at : at + size]):
            return
        expected = batch.next_offset
        yield size, batch.base_offset, expected, batch.max_timestamp_ms
        at += size


# Building.


def batch_of(
    written: Sequence[NewRecord],
    now_ms: int,
    *,
    compression: int = Codec.NONE,
    producer_id: int = NO_PRODUCER,
    producer_epoch: int = NO_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    transactional: bool = False,
) -> bytearray:
    """Build a batch as a producer does: at offset 0, with the records' own timestamps. Raises ValueError when there is no record."""
    if not written:
        raise ValueError("No batch is without records")
    times_ms = [now_ms if record.timestamp_ms is None else record.timestamp_ms for record in written]
    payload = bytearray()
    for delta, (record, time_ms) in enumerate(zip(written, times_ms, strict=True)):
        _put_record(payload, time_ms - times_ms[0], delta, record.key, record.value, record.headers)
    header = Batch(
        base_offset=0,
        length=0,
        leader_epoch=NO_EPOCH,
        magic=MAGIC,
        crc=0,
        attributes=compression | (TRANSACTIONAL if transactional else 0),
        last_offset_delta=len(written) - 1,
        base_timestamp_ms=times_ms[0],
        max_timestamp_ms=max(times_ms),
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        record_count=len(written),
    )
    return _build(header, payload)


def control_batch(
    producer_id: int,
    producer_epoch: int,
    commit: bool,  # noqa: FBT001 - it is the marker's content
    coordinator_epoch: int,
    now_ms: int,
) -> bytearray:
    """Build the marker that ends a transaction, as MemoryRecords.withEndTransactionMarker does."""
    marker = NewRecord(
        key=_MARKER_KEY.pack(0, _COMMIT if commit else _ABORT), value=_MARKER_VALUE.pack(0, coordinator_epoch)
    )
    plain = read_batch(
        batch := batch_of([marker], now_ms, producer_id=producer_id, producer_epoch=producer_epoch, transactional=True)
    )
    return _build(plain._replace(attributes=TRANSACTIONAL | CONTROL), batch[BATCH_OVERHEAD_BYTES:])


def keep(data: Buffer, wanted: Callable[[Record], bool], *, delete_horizon_ms: int | None = None) -> bytes | None:
    """Build a batch of the records that are wanted, or answer None when none is (MemoryRecords.filterTo).

    Offsets, timestamps, the producer's numbers and the codec stay; the base timestamp becomes that of the first record left and the latest
    that of the latest. `delete_horizon_ms` is written into the batch, once, when a tombstone is left in it, or when it is a marker: it says
    when compaction may drop these. Raises BatchError.
    """
    batch = read_batch(data)
    left = [record for record in records(data) if wanted(record)]
    if not left:
        return None
    horizon_ms = batch.delete_horizon_ms
    if horizon_ms is None and (batch.is_control or any(record.value is None for record in left)):
        horizon_ms = delete_horizon_ms
    if len(left) == batch.record_count and horizon_ms == batch.delete_horizon_ms:
        return bytes(data)
    base_ms = left[0].timestamp_ms if horizon_ms is None else horizon_ms
    payload = bytearray()
    for record in left:
        offset_delta = record.offset - batch.base_offset
        _put_record(payload, record.timestamp_ms - base_ms, offset_delta, record.key, record.value, record.headers)
    header = batch._replace(
        attributes=batch.attributes if horizon_ms is None else batch.attributes | DELETE_HORIZON,
        base_timestamp_ms=base_ms,
        max_timestamp_ms=max(record.timestamp_ms for record in left),
        record_count=len(left),
    )
    return bytes(_build(header, payload))


def empty_like(data: Buffer) -> bytes:
    """Build what stays of a batch without records: its header (DefaultRecordBatch.writeEmptyHeader).

    Compaction keeps it where it is the last that a producer has written, so that its sequence numbers are not forgotten.
    """
    batch = read_batch(data)
    kept = batch.attributes & (LOG_APPEND_TIME | TRANSACTIONAL | CONTROL)
    return bytes(_build(batch._replace(attributes=kept, base_timestamp_ms=NO_TIMESTAMP_MS, record_count=0), b""))


def _build(header: Batch, payload: bytes | bytearray) -> bytearray:
    """Put a batch together: compress the records as its attributes say, and set its length and CRC."""
    body = deflate(header.attributes & CODEC_BITS, payload)
    length = BATCH_OVERHEAD_BYTES - LENGTH_STARTS + len(body)
    batch = bytearray(HEADER.pack(*header._replace(length=length)))
    batch += body
    with memoryview(batch) as view:
        seal(view)
    return batch


def _put_record(
    out: bytearray,
    delta_ms: int,
    offset_delta: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> None:
    body = bytearray(1)  # the attributes: unused
    _put_varint(body, _wrapped(delta_ms))
    _put_varint(body, offset_delta)
    _put_bytes(body, key)
    _put_bytes(body, value)
    _put_varint(body, len(headers))
    for name, content in headers:
        _put_bytes(body, name.encode())
        _put_bytes(body, content)
    _put_varint(out, len(body))
    out += body


def _put_bytes(out: bytearray, data: bytes | None) -> None:
    if data is None:
        out.append(1)  # -1
    else:
        _put_varint(out, len(data))
        out += data


def _put_varint(out: bytearray, number: int) -> None:
    rest = (number << 1) ^ (number >> 63)
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
