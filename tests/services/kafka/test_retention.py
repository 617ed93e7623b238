"""Retention: old segments go by time and by size, at the checks that Kafka makes every five minutes; an empty partition costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.partition import Partition
from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.records import read_batch
from tests.support.kafka_broker import Client, KafkaHarness

FIRST_CHECK_S, CHECK_S = 30, 300
SEGMENT = "internal.segment.bytes"
"""Kafka's own tests set it: segment.bytes must be 1 MiB at least."""


def partition(kafka: KafkaHarness, name: str = "orders") -> Partition:
    found = kafka.cluster.partition(name, 0)
    assert found is not None
    return found


def create(client: Client, name: str = "orders", **configs: str) -> None:
    """Make a topic with a segment for every batch."""
    client.create_topic(name, **{SEGMENT: "100"} | configs)


def range_of(kafka: KafkaHarness, name: str = "orders") -> tuple[int, int]:
    found = partition(kafka, name)
    return found.log_start_offset, found.high_watermark


def produce_at(client: Client, time_ms: int, topic: str = "orders") -> None:
    made = [NewRecord(b"k", b"v" * 50, headers=[], timestamp_ms=time_ms)]
    assert client.produce_batch(topic, bytes(batch_of(made, time_ms)))["ErrorCode"] == 0


def put(client: Client, kind: int, resource: str, name: str, value: str) -> None:
    change = {"Name": name, "ConfigOperation": 0, "Value": value}
    request = {"Resources": [{"ResourceType": kind, "ResourceName": resource, "Configs": [change]}]}
    [answer] = client.ask("IncrementalAlterConfigs", request)["Responses"]
    assert answer["ErrorCode"] == 0, answer


def test_what_is_over_goes_at_the_next_check(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="1000")
    client.produce("orders", b"x")
    kafka.advance(FIRST_CHECK_S - 1)
    assert range_of(kafka) == (0, 1)
    kafka.advance(1)
    assert range_of(kafka) == (1, 1)
    assert client.fetch("orders", 0)["ErrorCode"] == Error.OFFSET_OUT_OF_RANGE


def test_after_the_first_check_there_is_one_every_five_minutes(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="1000")
    kafka.advance(FIRST_CHECK_S)
    client.produce("orders", b"x")
    kafka.advance(CHECK_S - 1)
    assert range_of(kafka) == (0, 1)
    kafka.advance(1)
    assert range_of(kafka) == (1, 1)


def test_a_record_lives_its_whole_retention(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="330000")
    client.produce("orders", b"x")
    kafka.advance(FIRST_CHECK_S + CHECK_S)  # exactly its age: Kafka keeps it
    assert range_of(kafka) == (0, 1)
    kafka.advance(CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_younger_segments_stay(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="20000")
    for _ in range(3):
        client.produce("orders", b"x" * 50)
        kafka.advance(10)
    assert range_of(kafka) == (1, 3)


def test_a_segment_lives_as_long_as_its_newest_record(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders", retention_ms="20000")
    client.produce("orders", b"old")
    kafka.advance(20)
    client.produce("orders", b"new")
    kafka.advance(10)
    assert range_of(kafka) == (0, 2)


def test_an_old_segment_behind_a_young_one_stays(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="10000")
    produce_at(client, kafka.now_ms + 25_000)
    produce_at(client, kafka.now_ms - 100_000)
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (0, 2)


def test_records_with_old_timestamps_can_be_read_until_the_next_check(kafka: KafkaHarness, client: Client) -> None:
    create(client)
    produce_at(client, 1_000)
    assert client.values("orders") == [b"v" * 50]
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_records_without_timestamps_count_from_when_they_were_written(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="40000")
    produce_at(client, -1)
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (0, 1)
    kafka.advance(CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_offsets_go_on_where_they_were(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="1000")
    client.produce("orders", b"x", b"y")
    kafka.advance(FIRST_CHECK_S)
    assert client.produce("orders", b"z")["BaseOffset"] == 2
    assert client.values("orders", 2) == [b"z"]


def test_minus_one_keeps_for_ever(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="-1")
    produce_at(client, 1_000)
    kafka.advance(1_000_000)
    assert range_of(kafka) == (0, 1)


def test_the_oldest_segments_go_while_the_rest_is_large_enough(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_bytes="250")
    for _ in range(5):
        produce_at(client, kafka.now_ms)
    size_bytes = partition(kafka).log.size_bytes // 5
    assert 2 * size_bytes < 250 < 3 * size_bytes
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (2, 5)  # two would be fewer than 250 bytes


def test_a_compacted_topic_is_not_cut(kafka: KafkaHarness, client: Client) -> None:
    create(client, cleanup_policy="compact", retention_ms="1", retention_bytes="1")
    produce_at(client, 1_000)
    kafka.advance(CHECK_S)
    assert range_of(kafka) == (0, 1)


def test_a_topic_of_both_policies_is_cut(kafka: KafkaHarness, client: Client) -> None:
    create(client, cleanup_policy="compact,delete", retention_ms="1000")
    produce_at(client, kafka.now_ms)
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_a_changed_retention_holds_for_what_is_there(kafka: KafkaHarness, client: Client) -> None:
    create(client)
    client.produce("orders", b"x")
    put(client, 2, "orders", "retention.ms", "1000")
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_the_brokers_retention_holds_for_topics_without_their_own(kafka: KafkaHarness, client: Client) -> None:
    create(client)
    client.produce("orders", b"x")
    put(client, 4, "", "log.retention.ms", "1000")
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_checks_can_be_made_more_often(kafka: KafkaHarness, client: Client) -> None:
    put(client, 4, "", "log.retention.check.interval.ms", "1000")
    create(client, retention_ms="1000")
    kafka.advance(FIRST_CHECK_S)
    client.produce("orders", b"x")
    kafka.advance(2)
    assert range_of(kafka) == (1, 1)


def test_producers_are_told_that_their_transactions_are_gone(kafka: KafkaHarness, client: Client) -> None:
    create(client, retention_ms="1000")
    made = [NewRecord(b"k", b"v")]
    batch = batch_of(made, kafka.now_ms, producer_id=5, producer_epoch=0, base_sequence=0, transactional=True)
    partition(kafka).append(memoryview(batch), read_batch(batch), kafka.now_ms)
    partition(kafka).append_marker(5, 0, False, kafka.now_ms)
    assert partition(kafka).producers.aborted(0, 9) == [(5, 0)]
    kafka.advance(FIRST_CHECK_S)
    assert partition(kafka).producers.aborted(0, 9) == []


def timers(kafka: KafkaHarness) -> int:
    return kafka.clock.timers


def test_an_empty_partition_has_no_timer(kafka: KafkaHarness, client: Client) -> None:
    before = timers(kafka)
    client.create_topic("orders", 100, retention_ms="1000")
    assert timers(kafka) == before
    client.produce("orders", b"x")
    assert timers(kafka) == before + 1
    kafka.advance(FIRST_CHECK_S)
    assert range_of(kafka) == (1, 1)
    assert timers(kafka) == before


def test_a_deleted_topic_has_no_timer(kafka: KafkaHarness, client: Client) -> None:
    before = timers(kafka)
    client.create_topic("orders")
    client.produce("orders", b"x")
    client.ask("DeleteTopics", {"Topics": [{"Name": "orders"}], "TimeoutMs": 1000})
    assert timers(kafka) == before


def test_many_appends_to_a_segment_set_one_timer(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    before = timers(kafka)
    for _ in range(50):
        client.produce("orders", b"x")
    assert timers(kafka) == before + 1


def test_a_segment_is_sealed_when_it_is_old_enough(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders", segment_ms="5000")
    client.produce("orders", b"x")
    kafka.advance(4.999)
    assert partition(kafka).log.active_offset == 0
    kafka.advance(0.001)
    assert partition(kafka).log.active_offset == 1
    client.produce("orders", b"y")
    assert [found.base_offset for found in partition(kafka).log.segments()] == [0, 1]


def test_a_compacted_topics_segment_is_sealed_by_the_longest_lag(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders", cleanup_policy="compact", max_compaction_lag_ms="5000")
    client.produce("orders", b"x", keys=[b"k"])
    kafka.advance(5)
    assert partition(kafka).log.active_offset == 1


def fill(client: Client, topic: str) -> int:
    """Produce until there is no memory left, and answer how many batches that were."""
    for count in range(1000):
        answer = client.produce(topic, b"x" * 1_000_000)
        if answer["ErrorCode"]:
            assert answer["ErrorCode"] == Error.KAFKA_STORAGE_ERROR
            return count
    raise AssertionError("memory without end")


def test_full_memory_takes_what_is_over_before_the_next_check(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_memory=16 << 20)
    client = kafka.connect()
    client.create_topic("orders", retention_ms="2000")
    assert fill(client, "orders") > 3
    kafka.advance(3)
    assert client.produce("orders", b"x" * 1_000_000)["ErrorCode"] == 0
    assert partition(kafka).log_start_offset > 0


def test_full_memory_of_young_records_refuses_more(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_memory=16 << 20)
    client = kafka.connect()
    client.create_topic("orders")
    count = fill(client, "orders")
    kafka.advance(3)
    assert client.produce("orders", b"x" * 1_000_000)["ErrorCode"] == Error.KAFKA_STORAGE_ERROR
    assert range_of(kafka) == (0, count)


def test_retention_goes_on_after_a_restart(kafka_with: Callable[..., KafkaHarness], tmp_path: Path) -> None:
    first = KafkaHarness(data_dir=tmp_path)
    client = first.connect()
    client.create_topic("orders", retention_ms="40000")
    client.produce("orders", b"x")
    first.close()
    kafka = kafka_with(data_dir=tmp_path)
    assert range_of(kafka) == (0, 1)
    kafka.advance(FIRST_CHECK_S + CHECK_S)
    assert range_of(kafka) == (1, 1)


def test_offsets_of_groups_expire(kafka: KafkaHarness, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def expire(now_ms: int) -> Any:
        seen.append(now_ms)

    monkeypatch.setattr(kafka.cluster.groups, "expire", expire)
    begin_ms = kafka.now_ms
    kafka.advance(1200)
    assert seen == [begin_ms + 600_000, begin_ms + 1_200_000]
