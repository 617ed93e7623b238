"""The header of a record batch: read, checked and stamped without a look at its records. This is Produce's and Fetch's hot path.

Format 2, the only one since Kafka 4 (org.apache.kafka.common.record.DefaultRecordBatch), big-endian:

     0 baseOffset i64             21 attributes i16         43 producerId i64
     8 batchLength i32            23 lastOffsetDelta i32    51 producerEpoch i16
    12 partitionLeaderEpoch i32   27 baseTimestamp i64      53 baseSequence i32
    16 magic i8                   35 maxTimestamp i64       57 recordCount i32
    17 crc u32                                              61 records, compressed together

The length counts from byte 12; the CRC-32C covers what follows it, so the broker can write the first two fields without computing it anew.
Attributes: bits 0-2 the codec, 3 LogAppendTime, 4 transactional, 5 control, 6 baseTimestamp is the delete horizon (compacted topics).

Records are read and built by record_batches.py.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from google_crc32c import extend, value

from services.kafka.compression import Codec
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import BATCH_OVERHEAD_BYTES

HEADER: Final = Struct(">qiibIhiqqqhii")
MAGIC: Final = 2
LENGTH_STARTS: Final = 12
"""The length field counts the bytes from here."""
CRC_STARTS: Final = 21
"""The CRC covers the bytes from here."""

NO_PRODUCER: Final = -1
NO_EPOCH: Final = -1
NO_SEQUENCE: Final = -1
NO_TIMESTAMP_MS: Final = -1

CODEC_BITS: Final = 0x07
LOG_APPEND_TIME: Final = 0x08
TRANSACTIONAL: Final = 0x10
CONTROL: Final = 0x20
DELETE_HORIZON: Final = 0x40
_BROKERS_BITS = CONTROL | LOG_APPEND_TIME | CODEC_BITS
"""What a client may set of these bits is a codec: their value is then at most the last codec's."""

_OFFSET = Struct(">q")
_EPOCH = Struct(">i")
_CRC = Struct(">I")
_ATTRIBUTES = Struct(">h")
_CHUNK_BYTES = 128 * 1024
"""google_crc32c takes `bytes` only, so the data is copied; copies of this size stay in the cache (64 us a MB, as without one)."""


class BatchError(KafkaError):
    """A batch is refused; `error` is the code that Kafka 4.3 answers in such a case."""


class Batch(NamedTuple):
    """The header of a batch."""

    base_offset: int
    length: int
    """Bytes from the field after it on."""
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    """Offset of the last record, from the base offset; compaction leaves it as it was."""
    base_timestamp_ms: int
    """What the records' timestamps count from."""
    max_timestamp_ms: int
    """Of all records. With LogAppendTime it is the time of each; -1 where there is none."""
    producer_id: int
    """-1 where the producer is not idempotent."""
    producer_epoch: int
    base_sequence: int
    """Sequence number of the record at the base offset; -1 where there is none."""
    record_count: int
    """How many records are in it; compaction leaves fewer than offsets."""

    @property
    def size_bytes(self) -> int:
        """The whole batch with its header."""
        return self.length + LENGTH_STARTS

    @property
    def last_offset(self) -> int:
        """The offset of the last record, or where it was before compaction."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """The offset after the batch."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence number of the last record: after 2^31-1 comes 0. -1 where there are none."""
        if self.base_sequence < 0:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def codec(self) -> int:
        """How the records are compressed; see Codec."""
        return self.attributes & CODEC_BITS

    @property
    def is_log_append_time(self) -> bool:
        """The broker's time is in it, not the producer's."""
        return self.attributes & LOG_APPEND_TIME != 0

    @property
    def is_transactional(self) -> bool:
        """It belongs to a transaction."""
        return self.attributes & TRANSACTIONAL != 0

    @property
    def is_control(self) -> bool:
        """It holds a marker that ends a transaction, for clients, not for people."""
        return self.attributes & CONTROL != 0

    @property
    def delete_horizon_ms(self) -> int | None:
        """When compaction may drop its tombstones and markers; None where that is not yet decided."""
        return self.base_timestamp_ms if self.attributes & DELETE_HORIZON else None


def read_batch(data: memoryview | bytes | bytearray) -> Batch:
    """Read the header of a batch that is known to be good. Raises struct.error when there are fewer than 61 bytes."""
    return Batch._make(HEADER.unpack_from(data))


def checksum(data: memoryview) -> int:
    """Compute the CRC-32C of a batch."""
    size = len(data)
    if size <= _CHUNK_BYTES:
        whole: int = value(bytes(data[CRC_STARTS:]))
        return whole
    crc = 0
    for at in range(CRC_STARTS, size, _CHUNK_BYTES):
        crc = extend(crc, bytes(data[at : at + _CHUNK_BYTES]))
    return crc


def check_batch(data: memoryview, *, zstd: bool = True) -> Batch:
    """Check what a producer sends for one partition: one whole batch of format 2 whose header makes sense. Not the records in it.

    `zstd` says whether that codec may be used, which it may from Produce v7 on. The checks, their order and their codes are those of
    ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords and LogValidator.validateBatch of Kafka 4.3. Raises BatchError:
    CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE, UNKNOWN_SERVER_ERROR.
    """
    size = len(data)
    if size < BATCH_OVERHEAD_BYTES:
        raise _not_one_batch(data)
    batch = Batch._make(HEADER.unpack_from(data))
    base_offset, length, _, magic, crc, attributes, last_delta, _, _, producer_id, epoch, sequence, count = batch
    if length + LENGTH_STARTS != size or magic != MAGIC:
        raise _not_one_batch(data)
    if not zstd and attributes & CODEC_BITS == Codec.ZSTD:
        raise BatchError(
            Error.UNSUPPORTED_COMPRESSION_TYPE,
            "Produce requests with version 6 and older are not allowed to use ZStandard compression",
        )
    if base_offset:
        raise _invalid(f"The baseOffset of the record batch should be 0, but it is {base_offset}")
    if crc != checksum(data):
        raise _corrupt(f"Record is corrupt (stored crc = {crc})")
    if count != last_delta + 1 or count <= 0 or attributes & _BROKERS_BITS > Codec.ZSTD:
        raise _refused(batch)
    if producer_id >= 0:
        if sequence < 0 or epoch < 0:
            raise _refused(batch)
    elif producer_id != NO_PRODUCER or attributes & TRANSACTIONAL:
        raise _refused(batch)
    return batch


def _not_one_batch(data: memoryview) -> BatchError:
    """Say what is wrong with data that is not exactly one batch of format 2 (ByteBufferLogInputStream.nextBatch, validateRecords)."""
    size = len(data)
    none = _invalid("Produce requests must have at least one record batch per partition")
    if size < LENGTH_STARTS:
        return none
    length = int.from_bytes(data[8:12], "big", signed=True)
    if length < 14:
        return _corrupt(f"Record size {length} is less than the minimum record overhead (14)")
    if size <= 16:
        return none
    magic = int.from_bytes(data[16:17], "big", signed=True)
    if not 0 <= magic <= MAGIC:
        return _corrupt(f"Invalid magic found in record: {magic}")
    if length + LENGTH_STARTS > size:
        return none
    if magic != MAGIC:
        return _invalid("Produce requests are only allowed to contain record batches with magic version 2")
    if length + LENGTH_STARTS < size:
        return _invalid("Produce requests are only allowed to contain exactly one record batch per partition")
    return _corrupt(
        f"Record batch is corrupt (the size {size} is smaller than the minimum allowed overhead {BATCH_OVERHEAD_BYTES})"
    )


def _refused(batch: Batch) -> BatchError:
    """Say what is wrong with a header that is as its producer wrote it."""
    if batch.codec > Codec.ZSTD:
        # Kafka's own broker has no better word for it: an IllegalArgumentException that nobody expects.
        return BatchError(Error.UNKNOWN_SERVER_ERROR, f"Unknown compression type id: {batch.codec}")
    if batch.last_offset_delta < 0:
        return _invalid(f"Batch has an invalid offset range: [0, {batch.last_offset_delta}]")
    if batch.record_count <= 0:
        return _invalid(f"Invalid reported count for record batch: {batch.record_count}")
    if batch.record_count != batch.last_offset_delta + 1:
        return _invalid(
            f"Inconsistent batch offset range [0, {batch.last_offset_delta}] and count of records {batch.record_count}"
        )
    if batch.is_control:
        return _invalid("Clients are not allowed to write control records")
    if batch.producer_id >= 0 and batch.base_sequence < 0:
        return _invalid(
            f"Invalid sequence number {batch.base_sequence} in record batch with producerId {batch.producer_id}"
        )
    if batch.is_log_append_time:
        return BatchError(Error.INVALID_TIMESTAMP, "Producer should not set timestamp type to LogAppendTime.")
    return _invalid(
        f"Invalid producerId {batch.producer_id} and epoch {batch.producer_epoch} in record batch"
        f"{' of a transaction' if batch.is_transactional else ''}"
    )


def _invalid(message: str) -> BatchError:
    return BatchError(Error.INVALID_RECORD, message)


def _corrupt(message: str) -> BatchError:
    return BatchError(Error.CORRUPT_MESSAGE, message)


def place(data: memoryview | bytearray, base_offset: int, leader_epoch: int) -> None:
    """Write into a batch where it stands in its partition. The CRC does not cover these fields."""
    _OFFSET.pack_into(data, 0, base_offset)
    _EPOCH.pack_into(data, 12, leader_epoch)


def stamp(data: memoryview, now_ms: int) -> None:
    """Write LogAppendTime into a batch: `now_ms` is then the time of all its records. Computes the CRC anew."""
    (attributes,) = _ATTRIBUTES.unpack_from(data, CRC_STARTS)
    _ATTRIBUTES.pack_into(data, CRC_STARTS, attributes | LOG_APPEND_TIME)
    _OFFSET.pack_into(data, 35, now_ms)
    seal(data)


def seal(data: memoryview) -> None:
    """Write the CRC of a batch into it."""
    _CRC.pack_into(data, 17, checksum(data))
