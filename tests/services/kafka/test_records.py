"""Headers of record batches, as Produce checks and stamps them. Kafka 4.3 has the codes and their order: ProduceRequest.validateRecords,
UnifiedLog.analyzeAndValidateRecords, LogValidator.validateBatch.
"""

from __future__ import annotations

import random
import struct
from typing import Any

import crc32c
import pytest

from services.kafka.compression import Codec
from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of, control_batch
from services.kafka.records import BatchError, check_batch, checksum, place, read_batch, seal, stamp

BORN_MS = 1_790_000_000_000
SEED = 20_261_121
FIELDS = {
    "base_offset": (">q", 0),
    "length": (">i", 8),
    "magic": (">b", 16),
    "attributes": (">h", 21),
    "last_offset_delta": (">i", 23),
    "producer_id": (">q", 43),
    "producer_epoch": (">h", 51),
    "base_sequence": (">i", 53),
    "record_count": (">i", 57),
}
"""Where the fields of the header are."""


def made(count: int = 3, value: bytes = b"value", **producer: Any) -> memoryview:
    """Build a good batch."""
    return memoryview(batch_of([NewRecord(b"key", value)] * count, BORN_MS, **producer))


def changed(data: memoryview, **fields: int) -> memoryview:
    """Write fields over and make the CRC right again."""
    for name, number in fields.items():
        layout, at = FIELDS[name]
        struct.pack_into(layout, data, at, number)
    seal(data)
    return data


def refusal(data: memoryview, *, zstd: bool = True) -> Error:
    """Check a batch that must be refused."""
    with pytest.raises(BatchError) as caught:
        check_batch(data, zstd=zstd)
    return caught.value.error


def test_a_good_batch_passes() -> None:
    batch = check_batch(made(3, producer_id=5, producer_epoch=1, base_sequence=7, transactional=True))
    assert (batch.record_count, batch.last_offset_delta, batch.base_offset, batch.next_offset) == (3, 2, 0, 3)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.last_sequence) == (5, 1, 7, 9)
    assert (batch.codec, batch.is_transactional, batch.is_control, batch.is_log_append_time) == (0, True, False, False)
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms) == (BORN_MS, BORN_MS)


def test_a_batch_knows_its_size() -> None:
    data = made()
    assert read_batch(data).size_bytes == len(data)


def test_a_batch_that_is_no_producers_has_no_sequence() -> None:
    assert check_batch(made()).last_sequence == -1


def test_sequence_numbers_begin_anew_after_the_last() -> None:
    batch = check_batch(made(5, producer_id=1, producer_epoch=0, base_sequence=(1 << 31) - 2))
    assert batch.last_sequence == 2


@pytest.mark.parametrize("size", [0, 1, 100, 131_051, 131_052, 131_072, 131_073, 300_000, 1_000_000])
def test_the_crc_is_right_whatever_the_size(size: int) -> None:
    data = made(1, random.Random(size).randbytes(size))
    assert read_batch(data).crc == checksum(data) == crc32c.crc32c(data[21:])


def test_every_truncation_is_refused() -> None:
    data = made()
    for size in range(len(data)):
        expected = Error.INVALID_RECORD  # no whole batch
        assert refusal(data[:size]) == expected, size


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"length": 48}, Error.INVALID_RECORD),  # a batch and something after it
        ({"length": 13}, Error.CORRUPT_MESSAGE),
        ({"length": 0}, Error.CORRUPT_MESSAGE),
        ({"length": -1}, Error.CORRUPT_MESSAGE),
        ({"length": 1 << 30}, Error.INVALID_RECORD),  # no whole batch
        ({"magic": 0}, Error.INVALID_RECORD),
        ({"magic": 1}, Error.INVALID_RECORD),
        ({"magic": 3}, Error.CORRUPT_MESSAGE),
        ({"magic": -1}, Error.CORRUPT_MESSAGE),
        ({"base_offset": 1}, Error.INVALID_RECORD),
        ({"base_offset": -1}, Error.INVALID_RECORD),
        ({"last_offset_delta": 1}, Error.INVALID_RECORD),
        ({"last_offset_delta": 3}, Error.INVALID_RECORD),
        ({"last_offset_delta": -1, "record_count": 0}, Error.INVALID_RECORD),
        ({"last_offset_delta": -2, "record_count": -1}, Error.INVALID_RECORD),
        ({"last_offset_delta": 0, "record_count": 0}, Error.INVALID_RECORD),
        ({"record_count": 1 << 30}, Error.INVALID_RECORD),
        ({"attributes": 5}, Error.UNKNOWN_SERVER_ERROR),  # no such codec
        ({"attributes": 7}, Error.UNKNOWN_SERVER_ERROR),
        ({"attributes": 0x20}, Error.INVALID_RECORD),  # a control batch
        ({"attributes": 0x08}, Error.INVALID_TIMESTAMP),  # LogAppendTime
        ({"attributes": 0x10}, Error.INVALID_RECORD),  # a transaction of nobody
        ({"producer_id": 5, "producer_epoch": 0}, Error.INVALID_RECORD),  # no sequence
        ({"producer_id": 5, "base_sequence": 0}, Error.INVALID_RECORD),  # no epoch
        ({"producer_id": -2}, Error.INVALID_RECORD),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(fields: dict[str, int], error: Error) -> None:
    assert refusal(changed(made(), **fields)) == error


def test_two_batches_for_a_partition_are_refused() -> None:
    assert refusal(memoryview(bytes(made()) + bytes(made()))) == Error.INVALID_RECORD


def test_a_marker_from_a_client_is_refused() -> None:
    data = changed(memoryview(control_batch(5, 0, True, 0, BORN_MS)), base_sequence=0)
    with pytest.raises(BatchError, match="Clients are not allowed to write control records"):
        check_batch(data)


def test_a_batch_without_room_for_its_header_is_corrupt() -> None:
    assert refusal(changed(made()[:60], length=48)) == Error.CORRUPT_MESSAGE


def test_zstd_is_refused_where_the_request_is_too_old_for_it() -> None:
    data = made(compression=Codec.ZSTD)
    assert refusal(data, zstd=False) == Error.UNSUPPORTED_COMPRESSION_TYPE
    assert check_batch(data).codec == Codec.ZSTD


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4])
def test_other_codecs_pass_in_any_request(codec: Codec) -> None:
    assert check_batch(made(compression=codec), zstd=False).codec == codec


def test_every_flipped_bit_that_the_crc_covers_is_corrupt() -> None:
    data = made()
    for at in range(17, len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            assert refusal(data) == Error.CORRUPT_MESSAGE, (at, bit)
            data[at] ^= 1 << bit


def test_a_wrong_crc_comes_before_what_it_covers() -> None:
    data = made()
    struct.pack_into(">i", data, 57, 0)
    assert refusal(data) == Error.CORRUPT_MESSAGE


def test_flipped_bits_of_the_leader_epoch_change_nothing_else() -> None:
    good, data = check_batch(made()), made()
    for at in range(12, 16):
        data[at] ^= 0xFF
        assert check_batch(data)._replace(leader_epoch=-1) == good


def test_garbage_is_refused_with_a_code_of_kafkas() -> None:
    chance = random.Random(SEED)
    print("seed", SEED)
    for _ in range(2000):
        data = memoryview(bytearray(chance.randbytes(chance.randrange(200))))
        assert refusal(data) in (Error.INVALID_RECORD, Error.CORRUPT_MESSAGE)


def test_a_placed_batch_differs_in_offset_and_leader_epoch_only() -> None:
    data = made()
    before = read_batch(data)
    place(data, 1 << 50, 17)
    assert read_batch(data) == before._replace(base_offset=1 << 50, leader_epoch=17)
    assert checksum(data) == before.crc


@pytest.mark.parametrize("codec", Codec)
def test_a_stamped_batch_differs_in_time_and_crc_only(codec: Codec) -> None:
    data = made(compression=codec)
    before, rest = read_batch(data), bytes(data[61:])
    stamp(data, BORN_MS + 5)
    after = read_batch(data)
    assert after == before._replace(attributes=codec | 0x08, max_timestamp_ms=BORN_MS + 5, crc=after.crc)
    assert after.crc == crc32c.crc32c(data[21:])
    assert bytes(data[61:]) == rest
