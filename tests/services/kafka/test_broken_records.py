"""Records that are broken, compressed streams that are, bombs, and the framings of snappy."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cramjam
import pytest

from services.kafka.compression import Codec
from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, Record, batch_of, keep, null_keys, records, timestamps
from services.kafka.records import BatchError, seal

BORN_MS = 1_790_000_000_000
SEED = 20_261_121
WRITTEN = [
    NewRecord(b"order-1", b"placed", [("trace", b"\x00\xff"), ("none", None)], BORN_MS),
    NewRecord(None, b"no key", (), BORN_MS + 86_400_000),
    NewRecord(b"order-1", None, (), BORN_MS - 5),
    NewRecord(b"", b"", [("", b"")], BORN_MS + 1),
    NewRecord(b"k" * 300, b"0123456789" * 9, (), 0),
]
every_codec = pytest.mark.parametrize("codec", Codec, ids=lambda codec: codec.name.lower())


def raw_batch(payload: bytes, count: int, codec: int = Codec.NONE) -> bytearray:
    """Put a payload as it is into a batch with a good header."""
    batch = batch_of([NewRecord(None, None)] * max(1, count), BORN_MS)
    del batch[61:]
    batch += payload
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">h", batch, 21, codec)
    seal(memoryview(batch))
    return batch


def is_refused(data: bytes | bytearray, error: Error, **arguments: Any) -> bool:
    """Read all records, which must fail."""
    with pytest.raises(BatchError) as caught:
        list(records(data, **arguments))
    return caught.value.error == error


@every_codec
def test_a_payload_that_ends_early_is_refused(codec: Codec) -> None:
    whole = batch_of(WRITTEN, BORN_MS, compression=codec)
    for size in range(61, len(whole)):
        with pytest.raises(BatchError):
            list(records(raw_batch(bytes(whole[61:size]), 5, codec)))


def test_every_truncation_of_a_batch_is_corrupt() -> None:
    whole = batch_of(WRITTEN[:2], BORN_MS)
    assert all(is_refused(whole[:size], Error.CORRUPT_MESSAGE) for size in range(len(whole)))


@every_codec
def test_flipped_bits_in_the_records_raise_nothing_but_batch_errors(codec: Codec) -> None:
    chance = random.Random(SEED)
    print("seed", SEED)
    whole = batch_of(WRITTEN, BORN_MS, compression=codec)
    for _ in range(600):
        data = bytearray(whole)
        data[chance.randrange(61, len(data))] ^= 1 << chance.randrange(8)
        for look in (records, timestamps, null_keys):
            read_or_refuse(look, data)
        read_or_refuse(lambda data: keep(data, lambda record: record.key is None), data)


def read_or_refuse(look: Callable[[bytearray], Any], data: bytearray) -> None:
    with suppress(BatchError):
        list(look(data) or ())


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        ("", 1),  # no record
        ("0c000000010100" * 2, 1),  # one more than the header says
        ("0c000000010100", 2),  # one less
        ("01000000010100", 1),  # a negative length
        ("0e000000010100", 1),  # longer than the data
        ("0a000000010100", 1),  # shorter than its fields
        ("0e00000001010000", 1),  # longer than its fields
        ("00", 1),  # nothing in it
        ("0c000000100100", 1),  # a key longer than the record
        ("0c000000010101", 1),  # -1 headers
        ("0c00000001017e", 1),  # more headers than there is room for
        ("100000000101020100", 1),  # a header without a name
        ("8080808080800c000000010100", 1),  # a length of more than 5 bytes
        ("2000ffffffffffffffffffff7f00010100", 1),  # a timestamp of more than 10 bytes
    ],
)
def test_a_broken_record_is_invalid(payload: str, count: int) -> None:
    assert is_refused(raw_batch(bytes.fromhex(payload), count), Error.INVALID_RECORD)


def test_the_smallest_record_is_read() -> None:
    assert list(records(raw_batch(bytes.fromhex("0c000000010100"), 1))) == [Record(0, BORN_MS, None, None, [])]


def test_a_record_that_ends_before_its_key_has_no_key_to_look_at() -> None:
    with pytest.raises(BatchError, match="ends before its key"):
        null_keys(raw_batch(bytes.fromhex("06000000" + "0c000000010100"), 2))


def test_a_timestamp_beyond_64_bits_wraps_as_in_java() -> None:
    data = raw_batch(bytes.fromhex("1e00feffffffffffffffff0100010100"), 1)
    assert timestamps(data) == [BORN_MS + (1 << 63) - 1 - (1 << 64)]
    assert keep(data, lambda _: True, delete_horizon_ms=BORN_MS) is not None


@pytest.mark.parametrize("codec", list(Codec)[1:], ids=lambda codec: codec.name.lower())
def test_garbage_is_no_compressed_stream(codec: Codec) -> None:
    assert is_refused(raw_batch(b"this is not compressed", 1, codec), Error.CORRUPT_MESSAGE)


def test_an_unknown_codec_is_corrupt() -> None:
    assert is_refused(raw_batch(b"data", 1, 5), Error.CORRUPT_MESSAGE)


@pytest.mark.parametrize("codec", list(Codec)[1:], ids=lambda codec: codec.name.lower())
def test_a_batch_that_swells_beyond_the_bound_is_corrupt(codec: Codec) -> None:
    data = batch_of([NewRecord(None, bytes(3_000_000))], BORN_MS, compression=codec)
    assert len(data) < 200_000
    assert is_refused(data, Error.CORRUPT_MESSAGE, bytes_max=2_900_000)
    assert len(list(records(data, bytes_max=3_000_100))) == 1


def test_a_length_that_snappy_only_claims_takes_no_memory() -> None:
    assert is_refused(raw_batch(b"\xff\xff\xff\xff\x0fabc", 1, Codec.SNAPPY), Error.CORRUPT_MESSAGE)


# Framings of snappy.


def payload_of(written: list[NewRecord]) -> bytes:
    return bytes(batch_of(written, BORN_MS)[61:])


def xerial(*blocks: bytes) -> bytes:
    compressed = [bytes(cramjam.snappy.compress_raw(block)) for block in blocks]
    framed = b"".join(struct.pack(">i", len(block)) + block for block in compressed)
    return b"\x82SNAPPY\0\0\0\0\1\0\0\0\1" + framed


def test_snappy_without_framing_is_read() -> None:  # librdkafka
    payload = bytes(cramjam.snappy.compress_raw(payload_of(WRITTEN)))
    data = raw_batch(payload, len(WRITTEN), Codec.SNAPPY)
    assert [record.value for record in records(data)] == [record.value for record in WRITTEN]


def test_snappy_blocks_of_any_size_are_read() -> None:
    payload = payload_of(WRITTEN)
    data = raw_batch(xerial(payload[:7], payload[7:100], payload[100:]), len(WRITTEN), Codec.SNAPPY)
    assert [record.value for record in records(data)] == [record.value for record in WRITTEN]


def test_snappy_streams_that_follow_one_another_are_read() -> None:  # Java's reader allows it
    payload = payload_of(WRITTEN)
    data = raw_batch(xerial(payload[:100]) + xerial(payload[100:]), len(WRITTEN), Codec.SNAPPY)
    assert [record.value for record in records(data)] == [record.value for record in WRITTEN]


def test_a_snappy_block_beyond_the_data_is_corrupt() -> None:
    assert is_refused(raw_batch(xerial(payload_of(WRITTEN))[:-1], len(WRITTEN), Codec.SNAPPY), Error.CORRUPT_MESSAGE)
