"""Compaction: of records with one key the last one stays, tombstones and markers for a while, and offsets as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.kafka.errors import Error
from services.kafka.records import read_batch
from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_compaction import BACKOFF_S, DELETE_RETENTION_S, TOPIC, Compacted


@pytest.fixture
def keyed(kafka: KafkaHarness) -> Compacted:
    """A compacted topic whose batches have a segment each."""
    return Compacted(kafka)


def test_the_last_record_of_each_key_stays_at_its_offset(keyed: Compacted) -> None:
    keyed.write(("a", "1"), ("b", "1"))
    keyed.write(("a", "2"))
    keyed.write(("c", "1"))
    keyed.compact()
    assert keyed.pairs() == [("b", "1"), ("a", "2"), ("c", "1")]
    assert keyed.offsets() == [1, 2, 3]


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 4])
def test_compressed_batches_stay_compressed(keyed: Compacted, compression: int) -> None:
    keyed.write(("a", "1"), ("b", "1"), compression=compression)
    keyed.write(("a", "2"), compression=compression)
    keyed.compact()
    assert keyed.pairs() == [("b", "1"), ("a", "2")]
    assert {read_batch(entry.data).codec for entry in keyed.partition.log.entries(0)} == {compression}


def test_a_consumer_reads_over_holes(keyed: Compacted) -> None:
    for number in range(5):
        keyed.write(("a", str(number)))
    keyed.compact()
    assert keyed.client.values(TOPIC, 0) == [b"4"]
    assert keyed.client.values(TOPIC, 2) == [b"4"]
    assert keyed.partition.log_start_offset == 0


def test_new_records_go_on_behind(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.compact()
    assert keyed.write(("a", "3")) == 2
    keyed.compact()
    assert keyed.pairs() == [("a", "3")]


def test_the_growing_segment_is_left_alone(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, segment_bytes=1 << 20)
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    kafka.advance(1000)
    kafka.settle()
    assert keyed.pairs() == [("a", "1"), ("a", "2")]


def test_a_segment_that_is_sealed_by_an_append_is_compacted_after_the_backoff(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka)
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.write(("b", "1"))
    kafka.advance(BACKOFF_S - 1)
    kafka.settle()
    assert len(keyed.pairs()) == 3
    kafka.advance(1)
    kafka.settle()
    assert keyed.pairs() == [("a", "2"), ("b", "1")]


def test_a_tombstone_takes_what_it_deletes_at_once_and_goes_later(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write(("a", None))
    keyed.write(("b", "1"))
    keyed.compact()
    assert keyed.pairs() == [("a", None), ("b", "1")]
    keyed.kafka.advance(DELETE_RETENTION_S - BACKOFF_S)
    keyed.write(("b", "2"))
    keyed.compact(BACKOFF_S)
    assert keyed.pairs() == [("b", "2")]


def test_a_tombstone_stays_until_its_horizon(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write(("a", None))
    keyed.compact()
    keyed.write(("b", "1"))
    keyed.compact(DELETE_RETENTION_S - 2 * BACKOFF_S)
    assert keyed.pairs() == [("a", None), ("b", "1")]


def test_a_key_that_comes_again_after_its_tombstone_stays(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write(("a", None))
    keyed.write(("a", "2"))
    keyed.compact()
    assert keyed.pairs() == [("a", "2")]


def test_the_dirty_part_must_be_large_enough(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, min_cleanable_dirty_ratio="0.5")
    for key in "abcd":
        keyed.write((key, "1"))
    keyed.compact()
    keyed.write(("a", "2"))
    keyed.write(("b", "2"))
    keyed.compact()
    assert len(keyed.pairs()) == 6  # two of six segments are dirty
    for key in "cde":
        keyed.write((key, "2"))
    keyed.compact()
    assert keyed.pairs() == [("a", "2"), ("b", "2"), ("c", "2"), ("d", "2"), ("e", "2")]


def test_young_records_are_left_alone(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, min_compaction_lag_ms="100000")
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.compact(90)
    assert len(keyed.pairs()) == 2
    kafka.advance(10 + BACKOFF_S + 1)
    kafka.settle()
    assert keyed.pairs() == [("a", "2")]


def test_old_records_are_compacted_however_few(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, min_cleanable_dirty_ratio="1", max_compaction_lag_ms="100000")
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.compact(90)
    assert len(keyed.pairs()) == 2
    kafka.advance(10 + BACKOFF_S + 1)
    kafka.settle()
    assert keyed.pairs() == [("a", "2")]


def test_a_topic_that_is_not_compacted_is_left_alone(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, cleanup_policy="delete")
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.compact()
    assert len(keyed.pairs()) == 2


def test_small_segments_become_one(keyed: Compacted) -> None:
    for number in range(20):
        keyed.write((f"k{number % 3}", "v"))
    keyed.client.ask(
        "IncrementalAlterConfigs",
        {
            "Resources": [
                {
                    "ResourceType": 2,
                    "ResourceName": TOPIC,
                    "Configs": [{"Name": "internal.segment.bytes", "ConfigOperation": 1, "Value": None}],
                }
            ]
        },
    )
    keyed.compact()
    assert keyed.offsets() == [17, 18, 19]
    assert len(keyed.partition.log.segments()) == 1


def test_it_gives_memory_back(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, segment_bytes=1 << 20)
    for number in range(100):
        keyed.write(("a", "x" * 10_000 + str(number)))
    before = keyed.partition.log.size_bytes
    keyed.compact()
    assert keyed.partition.log.size_bytes < before / 50


def test_aborted_records_go_and_committed_ones_stay(keyed: Compacted) -> None:
    keyed.write_as(1, ("a", "aborted"))
    keyed.end(1, commit=False)
    keyed.write_as(1, ("b", "committed"))
    keyed.end(1, commit=True)
    keyed.write(("c", "plain"))
    keyed.compact()
    assert keyed.pairs() == [("b", "committed"), ("c", "plain")]


def test_an_aborted_record_does_not_take_an_older_one_away(keyed: Compacted) -> None:
    keyed.write(("a", "old"))
    keyed.write_as(1, ("a", "aborted"))
    keyed.end(1, commit=False)
    keyed.write(("z", "z"))
    keyed.compact()
    assert keyed.pairs() == [("a", "old"), ("z", "z")]


def test_an_open_transaction_holds_it_up(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.write_as(1, ("b", "1"))
    keyed.write(("a", "3"))
    keyed.compact()
    assert keyed.pairs() == [("a", "2"), ("b", "1"), ("a", "3")]
    keyed.end(1, commit=True)
    keyed.kafka.advance(2 * BACKOFF_S)
    keyed.kafka.settle()
    assert keyed.pairs() == [("b", "1"), ("a", "3")]


def test_a_marker_stays_while_records_of_its_transaction_do(keyed: Compacted) -> None:
    keyed.write_as(1, ("a", "1"))
    keyed.end(1, commit=True)
    keyed.write(("b", "1"))
    for number in range(3):
        keyed.compact(2 * DELETE_RETENTION_S)
        keyed.write(("b", str(number)))
    assert keyed.markers() == 1
    assert keyed.pairs()[0] == ("a", "1")


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
def test_a_marker_goes_after_its_horizon_when_nothing_of_its_transaction_is_left(
    keyed: Compacted,
    commit: bool,
) -> None:
    keyed.write_as(1, ("a", "1"))
    keyed.end(1, commit=commit)
    keyed.write_as(1, ("c", "1"), transactional=False)  # so that the empty batch is not the producer's last
    keyed.write(("a", "2"))
    keyed.compact()
    keyed.write(("b", "1"))
    keyed.compact()
    assert keyed.markers() == 1  # its horizon is set now
    keyed.write(("b", "2"))
    keyed.compact(DELETE_RETENTION_S + BACKOFF_S)
    keyed.write(("b", "3"))
    keyed.compact()
    assert keyed.markers() == 0
    assert keyed.partition.producers.aborted(0, 100) == []
    assert keyed.pairs() == [("c", "1"), ("a", "2"), ("b", "3")]


def test_the_last_batch_of_a_producer_stays_empty(keyed: Compacted) -> None:
    keyed.write_as(7, ("a", "1"), transactional=False)
    keyed.write(("a", "2"))
    keyed.compact()
    first = next(iter(keyed.partition.log.entries(0)))
    batch = read_batch(first.data)
    assert (batch.producer_id, batch.base_offset, batch.base_sequence, batch.record_count) == (7, 0, 0, 0)


def test_sequences_are_known_after_compaction_and_a_restart(
    kafka_with: Callable[..., KafkaHarness], tmp_path: Path
) -> None:
    first = KafkaHarness(data_dir=tmp_path)
    keyed = Compacted(first)
    keyed.write_as(7, ("a", "1"), transactional=False)
    keyed.write(("a", "2"))
    keyed.compact()
    first.close()
    partition = kafka_with(data_dir=tmp_path).cluster.partition(TOPIC, 0)
    assert partition is not None
    [producer] = partition.producers.describe()
    assert (producer["ProducerId"], producer["LastSequence"]) == (7, 0)


def test_it_goes_on_where_it_was_after_a_restart(kafka_with: Callable[..., KafkaHarness], tmp_path: Path) -> None:
    first = KafkaHarness(data_dir=tmp_path)
    keyed = Compacted(first)
    keyed.write(("a", "1"))
    keyed.write(("a", "2"))
    keyed.compact()
    first.close()
    again = kafka_with(data_dir=tmp_path)
    topic = again.cluster.topics.get(TOPIC)
    assert topic is not None
    key = f"{topic.topic_id.hex()}-0"
    assert again.cluster.journal.load("compactions") == {key: 2}
    again.connect().ask("DeleteTopics", {"Topics": [{"Name": TOPIC}], "TimeoutMs": 1000})
    assert again.cluster.journal.load("compactions") == {}


def test_a_consumer_gets_to_the_end_when_the_last_record_goes(keyed: Compacted) -> None:
    keyed.write(("a", "1"))
    keyed.write_as(1, ("b", "aborted"))
    keyed.end(1, commit=False)
    for _ in range(4):
        keyed.compact(2 * DELETE_RETENTION_S)
        assert keyed.read_committed()[1] == keyed.partition.high_watermark == 3


def test_deleting_the_topic_meanwhile_ends_it(kafka: KafkaHarness, keyed: Compacted) -> None:
    for number in range(3000):
        keyed.write((f"k{number % 7}", "v"))

    async def delete_under_way() -> None:
        keyed.partition.log.roll()
        kafka.cluster.upkeep.partition_changed(keyed.partition)
        topic = kafka.cluster.topics.get(TOPIC)
        assert topic is not None
        before = len(kafka.emulator.tasks)
        await kafka.clock.advance(BACKOFF_S * 1000)
        assert len(kafka.emulator.tasks) >= before
        kafka.cluster.topics.delete(topic)

    kafka.run(delete_under_way())
    kafka.settle()
    assert kafka.emulator.tasks.failed == 0
    assert len(kafka.emulator.tasks) == 0


def test_records_may_be_deleted_meanwhile(kafka: KafkaHarness) -> None:
    keyed = Compacted(kafka, cleanup_policy="compact,delete")
    for number in range(3000):
        keyed.write((f"k{number % 7}", str(number)))

    async def delete_records_under_way() -> None:
        keyed.partition.log.roll()
        kafka.cluster.upkeep.partition_changed(keyed.partition)
        await kafka.clock.advance(BACKOFF_S * 1000)
        keyed.partition.delete_records_before(2997)

    kafka.run(delete_records_under_way())
    kafka.settle()
    kafka.advance(BACKOFF_S)
    kafka.settle()
    assert kafka.emulator.tasks.failed == 0
    assert keyed.pairs() == [("k1", "2997"), ("k2", "2998"), ("k3", "2999")]


def test_others_get_their_turn_while_it_runs(kafka: KafkaHarness, keyed: Compacted) -> None:
    for number in range(100):
        keyed.write(*((f"k{number}-{place}", "v") for place in range(100)))

    async def produce_under_way() -> int:
        keyed.partition.log.roll()
        kafka.cluster.upkeep.partition_changed(keyed.partition)
        await kafka.clock.advance(BACKOFF_S * 1000)
        return len(kafka.emulator.tasks)

    assert kafka.run(produce_under_way()) == 1
    assert keyed.client.produce(TOPIC, b"v", keys=[b"k"])["ErrorCode"] == 0
    kafka.settle()
    assert len(kafka.emulator.tasks) == 0


def test_a_record_without_a_key_is_refused(keyed: Compacted) -> None:
    assert keyed.client.produce(TOPIC, b"x")["ErrorCode"] == Error.INVALID_RECORD
