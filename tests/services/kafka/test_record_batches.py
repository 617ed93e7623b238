"""Records inside of batches: read, built, filtered, found. The judges are the record classes of kafka-python and aiokafka, which are
independent of ours and of each other, and bytes that Apache Kafka 4.3.0's Java classes wrote.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from aiokafka.record import default_records as aiokafka_records
from aiokafka.record.memory_records import MemoryRecords as AiokafkaMemoryRecords

from services.kafka.compression import Codec
from services.kafka.record_batches import (
    NewRecord,
    Record,
    batch_of,
    control_batch,
    cut,
    empty_like,
    find_time,
    keep,
    newest,
    null_keys,
    read_marker,
    records,
    timestamps,
)
from services.kafka.records import check_batch, checksum, place, read_batch, stamp

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the way in which kafka-python reads its own files
    from kafka.record import MemoryRecords as KafkaPythonMemoryRecords
    from kafka.record import default_records as kafka_python_records

BORN_MS = 1_790_000_000_000
SEED = 20_261_121


@dataclass(frozen=True)
class Judge:
    """Another implementation of record batches."""

    name: str
    memory: Any
    builder: Any

    def build(self, written: list[NewRecord], codec: int, **producer: Any) -> bytearray:
        """Let it build a batch."""
        fields = {"is_transactional": 0, "producer_id": -1, "producer_epoch": -1, "base_sequence": -1} | producer
        builder = self.builder(magic=2, compression_type=codec, batch_size=1 << 30, **fields)
        for offset, record in enumerate(written):
            assert builder.append(offset, record.timestamp_ms, record.key, record.value, list(record.headers))
        return bytearray(builder.build())

    def read(self, data: bytes | bytearray) -> list[Record]:
        """Let it read exactly one batch, its CRC first."""
        batches = self.memory(bytes(data))
        batch = batches.next_batch()
        assert batch.validate_crc()
        assert not batches.has_next()
        return [Record(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in batch]


KAFKA_PYTHON = Judge("kafka-python", KafkaPythonMemoryRecords, kafka_python_records.DefaultRecordBatchBuilder)
AIOKAFKA = Judge("aiokafka", AiokafkaMemoryRecords, aiokafka_records.DefaultRecordBatchBuilder)
# Without further libraries kafka-python has gzip only; aiokafka has cramjam for the others.
PAIRS = [(AIOKAFKA, codec) for codec in Codec] + [(KAFKA_PYTHON, codec) for codec in (Codec.NONE, Codec.GZIP)]
judged = pytest.mark.parametrize(
    ("judge", "codec"), PAIRS, ids=[f"{judge.name}-{codec.name.lower()}" for judge, codec in PAIRS]
)
every_codec = pytest.mark.parametrize("codec", Codec, ids=lambda codec: codec.name.lower())

WRITTEN = [
    NewRecord(b"order-1", b"placed", [("trace", b"\x00\xff"), ("naïve", "é".encode()), ("none", None)], BORN_MS),
    NewRecord(None, b"no key", (), BORN_MS + 86_400_000),
    NewRecord(b"order-1", None, (), BORN_MS - 5),
    NewRecord(b"", b"", [("", b"")], BORN_MS + 1),
    NewRecord(None, None, [("same", b"1"), ("same", b"2")], BORN_MS + 86_400_000),
    NewRecord(b"k" * 300, b"0123456789" * 20_000, (), 0),
]


def as_read(written: list[NewRecord], base_offset: int = 0) -> list[Record]:
    """Say what must be read of what was written."""
    return [
        Record(base_offset + at, record.timestamp_ms or 0, record.key, record.value, list(record.headers))
        for at, record in enumerate(written)
    ]


WRITTEN_BY_JAVA = {
    Codec.NONE: (
        "0000000000000064000000fa0000000502adc3eae40000000000030000018bcfe568000000018bcfe5874000000000000000"
        "4d0003000000090000000476000000046b305076616c756576616c756576616c756576616c756576616c756576616c756576"
        "616c756576616c7565040868c3a9300102780401022800c03e02046b3101040868c3a9310102780401027400807d04015076"
        "616c756576616c756576616c756576616c756576616c756576616c756576616c756576616c7565040868c3a9320102780401"
        "027800d00f06046b335076616c756576616c756576616c756576616c756576616c756576616c756576616c756576616c7565"
        "040868c3a933010278040102"
    ),
    Codec.GZIP: (
        "0000000000000064000000870000000502940d5aba0001000000030000018bcfe568000000018bcfe5874000000000000000"
        "4d000300000009000000041f8b08000000000000ff2b63606060c93608284bcc294d258260e1c838bcd28091a98285914983"
        "e1801d134bb6212358d0102258c2d050cbc2489a794610ad150c17f8d958b28d49d36c0cd10c00dd403696c9000000"
    ),
    Codec.SNAPPY: (
        "00000000000000640000009700000005022f3c04400002000000030000018bcfe568000000018bcfe5874000000000000000"
        "4d0003000000090000000482534e4150505900000000010000000100000052c9013076000000046b305076616c75658a0500"
        "50040868c3a9300102780401022800c03e02046b310105150431010515147400807d0401b650000032093b1c7800d00f0604"
        "6b33b63d001833010278040102"
    ),
    Codec.LZ4: (
        "00000000000000640000009000000005029d50b7810003000000030000018bcfe568000000018bcfe5874000000000000000"
        "4d0003000000090000000404224d1860408250000000df76000000046b305076616c7565050010f106040868c3a930010278"
        "0401022800c03e02046b31011500123115006f7400807d040150001b12323b008f7800d00f06046b333d001b703301027804"
        "010200000000"
    ),
    Codec.ZSTD: (
        "0000000000000064000000890000000502516bed780004000000030000018bcfe568000000018bcfe5874000000000000000"
        "4d0003000000090000000428b52ffd0058640200940376000000046b305076616c7565040868c3a9300102780401022800c0"
        "3e02046b3101317400807d0401327800d00f06046b3333010278040102060003c13060ec29180850c4d93240962f010000"
    ),
}
FILTERED_BY_JAVA = (
    "00000000000000640000008500000005028b7bb3ef0040000000030000018bcfe665e80000018bcfe577a000000000000000"
    "4d000300000009000000022a008fb90702046b3101040868c3a9310102780401027a00ffe70706046b335076616c75657661"
    "6c756576616c756576616c756576616c756576616c756576616c756576616c7565040868c3a933010278040102"
)
MARKERS_BY_JAVA = {
    False: (
        "0000000000000032000000420000000402e362a20c0030000000000000018bcfe5687b0000018bcfe5687b00000000000000"
        "4d0003ffffffff000000012000000008000000000c00000000000600"
    ),
    True: (
        "0000000000000032000000420000000402175c74440030000000000000018bcfe5687b0000018bcfe5687b00000000000000"
        "4d0003ffffffff000000012000000008000000010c00000000000600"
    ),
}


# Against other implementations.


@judged
def test_what_others_build_is_read(judge: Judge, codec: Codec) -> None:
    data = judge.build(WRITTEN, codec)
    assert read_batch(data).codec == codec
    assert list(records(data)) == as_read(WRITTEN)


@judged
def test_others_read_what_is_built_here(judge: Judge, codec: Codec) -> None:
    data = batch_of(WRITTEN, BORN_MS, compression=codec)
    assert read_batch(data).codec == codec
    assert judge.read(data) == as_read(WRITTEN)


@judged
def test_the_headers_built_here_are_those_that_others_build(judge: Judge, codec: Codec) -> None:
    producer = {"producer_id": 7_000_000_000, "producer_epoch": 12, "base_sequence": 99}
    theirs = read_batch(judge.build(WRITTEN, codec, is_transactional=1, **producer))
    ours = read_batch(batch_of(WRITTEN, BORN_MS, compression=codec, transactional=True, **producer))
    differs = {"length", "crc", "leader_epoch"}  # compressed differently; kafka-python writes 0 where Java writes -1
    assert {k: v for k, v in ours._asdict().items() if k not in differs} == {
        k: v for k, v in theirs._asdict().items() if k not in differs
    }


@judged
def test_others_read_a_batch_that_was_placed(judge: Judge, codec: Codec) -> None:
    data = judge.build(WRITTEN, codec)
    place(data, 1 << 40, 3)
    assert judge.read(data) == as_read(WRITTEN, 1 << 40)
    assert read_batch(data).leader_epoch == 3


@judged
def test_others_read_the_brokers_time_in_a_batch_that_was_stamped(judge: Judge, codec: Codec) -> None:
    data = judge.build(WRITTEN, codec)
    stamp(memoryview(data), BORN_MS + 77)
    stamped = [record._replace(timestamp_ms=BORN_MS + 77) for record in as_read(WRITTEN)]
    assert judge.read(data) == stamped
    assert list(records(data)) == stamped


@judged
def test_others_read_a_batch_that_was_filtered(judge: Judge, codec: Codec) -> None:
    data = judge.build(WRITTEN, codec)
    place(data, 500, 0)
    kept = keep(data, lambda record: record.key is not None)
    assert kept is not None
    assert judge.read(kept) == [record for record in as_read(WRITTEN, 500) if record.key is not None]


@judged
def test_others_read_an_empty_batch(judge: Judge, codec: Codec) -> None:
    assert judge.read(empty_like(judge.build(WRITTEN, codec))) == []


@every_codec
def test_random_records_come_back_through_another_implementation(codec: Codec) -> None:
    chance = random.Random(SEED + codec)
    print("seed", SEED + codec)
    for _ in range(20):
        written = list(random_records(chance))
        assert AIOKAFKA.read(batch_of(written, BORN_MS, compression=codec)) == as_read(written)
        assert list(records(AIOKAFKA.build(written, codec))) == as_read(written)


def random_records(chance: random.Random) -> Iterator[NewRecord]:
    for _ in range(chance.choice((1, 2, 70, 200))):
        headers = [
            (f"h{chance.randrange(9)}" * chance.randrange(30), random_bytes(chance)) for _ in range(chance.randrange(3))
        ]
        time_ms = BORN_MS + chance.randrange(-(1 << 40), 1 << 40)
        yield NewRecord(random_bytes(chance), random_bytes(chance), headers, time_ms)


def random_bytes(chance: random.Random) -> bytes | None:
    size = chance.choice((None, 0, 1, 63, 64, 127, 128, 8191, 8192))
    return None if size is None else chance.randbytes(size)


@every_codec
def test_what_java_wrote_is_read(codec: Codec) -> None:
    assert list(records(bytes.fromhex(WRITTEN_BY_JAVA[codec]))) == [
        Record(100, 1_700_000_000_000, b"k0", b"value" * 8, [("hé0", None), ("x", b"\1\2")]),
        Record(101, 1_700_000_004_000, b"k1", None, [("hé1", None), ("x", b"\1\2")]),
        Record(102, 1_700_000_008_000, None, b"value" * 8, [("hé2", None), ("x", b"\1\2")]),
        Record(103, 1_700_000_001_000, b"k3", b"value" * 8, [("hé3", None), ("x", b"\1\2")]),
    ]


def test_the_bytes_built_here_are_javas() -> None:
    java = bytes.fromhex(WRITTEN_BY_JAVA[Codec.NONE])
    written = [NewRecord(r.key, r.value, r.headers, r.timestamp_ms) for r in records(java)]
    ours = batch_of(written, BORN_MS, producer_id=77, producer_epoch=3, base_sequence=9)
    place(ours, 100, 5)
    assert bytes(ours) == java


@every_codec
def test_filtering_does_what_java_does(codec: Codec) -> None:
    kept = keep(bytes.fromhex(WRITTEN_BY_JAVA[codec]), is_odd, delete_horizon_ms=1_700_000_065_000)
    java = bytes.fromhex(FILTERED_BY_JAVA)
    assert kept is not None
    assert list(records(kept)) == list(records(java))
    same = {"length": 0, "crc": 0}
    expected = read_batch(java)._replace(**same, attributes=0x40 | codec)
    assert read_batch(kept)._replace(**same) == expected
    assert codec != Codec.NONE or kept == java


def is_odd(record: Record) -> bool:
    return record.offset % 2 == 1


# Markers.


@pytest.mark.parametrize("commit", [False, True], ids=["abort", "commit"])
def test_the_markers_of_transactions_are_javas(commit: bool) -> None:
    marker = control_batch(77, 3, commit, 6, 1_700_000_000_123)
    place(marker, 50, 4)
    assert bytes(marker) == bytes.fromhex(MARKERS_BY_JAVA[commit])


@pytest.mark.parametrize("commit", [False, True])
def test_a_marker_is_read(commit: bool) -> None:
    marker = control_batch(1, 0, commit, 0, BORN_MS)
    assert read_batch(marker).is_control
    assert read_batch(marker).is_transactional
    assert read_marker(marker) is commit


def test_another_kind_of_control_record_is_no_marker() -> None:
    assert read_marker(batch_of([NewRecord(b"\0\0\0\2", b"\0\0")], BORN_MS)) is None


def test_what_compaction_leaves_of_a_marker_is_none() -> None:
    assert read_marker(empty_like(control_batch(1, 0, True, 0, BORN_MS))) is None


# Building.


def test_records_without_a_timestamp_take_the_present() -> None:
    data = batch_of([NewRecord(None, b"a"), NewRecord(None, b"b", (), 5)], BORN_MS)
    assert timestamps(data) == [BORN_MS, 5]


@every_codec
def test_what_is_built_passes_the_producers_check(codec: Codec) -> None:
    data = memoryview(batch_of(WRITTEN, BORN_MS, compression=codec, producer_id=1, producer_epoch=0, base_sequence=0))
    assert check_batch(data).record_count == len(WRITTEN)


def test_no_records_make_no_batch() -> None:
    with pytest.raises(ValueError, match="without records"):
        batch_of([], BORN_MS)


# Looking for something.


@every_codec
def test_keyless_records_are_told_by_their_index(codec: Codec) -> None:
    assert null_keys(batch_of(WRITTEN, BORN_MS, compression=codec)) == [1, 4]


@pytest.mark.parametrize(
    ("time_ms", "found"),
    [
        (0, (10, BORN_MS)),
        (BORN_MS, (10, BORN_MS)),
        (BORN_MS + 1, (11, BORN_MS + 86_400_000)),
        (BORN_MS + 86_400_000, (11, BORN_MS + 86_400_000)),
        (BORN_MS + 86_400_001, None),
    ],
)
def test_the_first_record_of_a_time_is_found(time_ms: int, found: tuple[int, int] | None) -> None:
    data = batch_of(WRITTEN, BORN_MS)
    place(data, 10, 0)
    assert find_time(data, time_ms) == found


def test_records_before_the_start_of_the_log_are_not_found() -> None:
    assert find_time(batch_of(WRITTEN, BORN_MS), BORN_MS + 1, offset_min=2) == (3, BORN_MS + 1)


def test_with_the_brokers_time_the_first_record_is_found() -> None:
    data = batch_of(WRITTEN, BORN_MS)
    stamp(memoryview(data), BORN_MS + 5)
    assert find_time(data, BORN_MS + 5) == (0, BORN_MS + 5)


def test_the_newest_record_is_the_first_of_that_time() -> None:
    assert newest(batch_of(WRITTEN, BORN_MS)) == (1, BORN_MS + 86_400_000)


def test_an_empty_batch_has_no_newest_record() -> None:
    assert newest(empty_like(batch_of(WRITTEN, BORN_MS))) is None


# Compaction.


def test_the_offsets_and_the_producer_outlive_compaction() -> None:
    data = batch_of(WRITTEN, BORN_MS, producer_id=9, producer_epoch=2, base_sequence=40, transactional=True)
    place(data, 1000, 0)
    kept = keep(data, lambda record: record.offset == 1003)
    assert kept is not None
    batch = read_batch(kept)
    assert (batch.base_offset, batch.next_offset, batch.record_count) == (1000, 1006, 1)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.last_sequence) == (9, 2, 40, 45)
    assert batch.is_transactional
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms) == (BORN_MS + 1, BORN_MS + 1)


def test_a_batch_that_keeps_all_stays_byte_for_byte() -> None:
    data = AIOKAFKA.build(WRITTEN, Codec.LZ4)
    assert keep(data, lambda _: True) == bytes(data)


def test_a_batch_that_keeps_nothing_is_none() -> None:
    assert keep(batch_of(WRITTEN, BORN_MS), lambda _: False) is None


def test_the_brokers_time_outlives_compaction() -> None:
    data = batch_of(WRITTEN, BORN_MS)
    stamp(memoryview(data), BORN_MS + 9)
    kept = keep(data, lambda record: record.offset != 0)
    assert kept is not None
    assert timestamps(kept) == [BORN_MS + 9] * 5
    assert read_batch(kept).is_log_append_time


def test_a_tombstone_left_gets_a_delete_horizon_once() -> None:
    data = batch_of(WRITTEN[:4], BORN_MS)
    first = keep(data, lambda _: True, delete_horizon_ms=BORN_MS + 500)
    assert first is not None
    assert read_batch(first).delete_horizon_ms == BORN_MS + 500
    assert list(records(first)) == as_read(WRITTEN[:4])
    assert keep(first, lambda _: True, delete_horizon_ms=BORN_MS + 900) == first


def test_without_a_tombstone_there_is_no_delete_horizon() -> None:
    data = batch_of(WRITTEN[:2], BORN_MS)
    assert keep(data, lambda _: True, delete_horizon_ms=BORN_MS + 500) == bytes(data)
    assert read_batch(data).delete_horizon_ms is None


def test_a_marker_gets_a_delete_horizon() -> None:
    kept = keep(control_batch(1, 0, True, 0, BORN_MS), lambda _: True, delete_horizon_ms=BORN_MS + 500)
    assert kept is not None
    assert read_batch(kept).delete_horizon_ms == BORN_MS + 500
    assert read_marker(kept) is True


def test_an_empty_batch_keeps_the_producers_numbers() -> None:
    data = batch_of(WRITTEN, BORN_MS, compression=Codec.ZSTD, producer_id=9, producer_epoch=2, base_sequence=40)
    place(data, 1000, 1)
    before, after = read_batch(data), read_batch(empty_like(data))
    assert after == before._replace(length=49, crc=after.crc, attributes=0, base_timestamp_ms=-1, record_count=0)
    assert after.crc == checksum(memoryview(empty_like(data)))


# Recovery.


def segment() -> tuple[bytearray, list[tuple[int, int, int, int]]]:
    """Lay out a segment of three batches, one of them compacted; answers what must be found in it."""
    log, expected, offset = bytearray(), [], 40
    for count in (1, 4, 2):
        data = batch_of(WRITTEN[:count], BORN_MS)
        place(data, offset, 0)
        if count == 4:
            data = bytearray(keep(data, is_odd) or b"")
        expected.append((len(data), offset, offset + count, read_batch(data).max_timestamp_ms))
        offset += count
        log += data
    return log, expected


def test_the_batches_of_a_segment_are_found() -> None:
    log, expected = segment()
    assert list(cut(memoryview(log))) == expected


@pytest.mark.parametrize("rest", [b"", bytes(10), bytes(4096), b"\xff" * 4096], ids=["none", "few", "zero", "ones"])
def test_what_follows_the_last_batch_is_left(rest: bytes) -> None:
    log, expected = segment()
    assert list(cut(memoryview(log + rest))) == expected


def test_a_torn_batch_ends_the_log_wherever_it_is_torn() -> None:
    log, expected = segment()
    ends = [sum(size for size, *_ in expected[:count]) for count in range(4)]
    for size in range(len(log)):
        whole = sum(1 for begin, end in pairwise(ends) if end <= size)
        assert list(cut(memoryview(log)[:size])) == expected[:whole]


def test_a_flipped_bit_ends_the_log_before_its_batch() -> None:
    log, expected = segment()
    begin = expected[0][0]
    for place_of in range(begin + 16, begin + expected[1][0]):  # the CRC does not cover the offset and the leader epoch
        log[place_of] ^= 0x10
        assert list(cut(memoryview(log))) == expected[:1]
        log[place_of] ^= 0x10


def test_batches_of_an_older_life_of_the_file_are_not_taken_up() -> None:
    log, expected = segment()
    assert list(cut(memoryview(log + log))) == expected
