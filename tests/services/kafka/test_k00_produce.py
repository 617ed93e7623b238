"""Produce (key 0): what is appended, what is refused and in which words. Clients' batches are made by record_batches.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.records import read_batch
from tests.support.kafka_broker import Client, KafkaHarness, batches

VERSIONS = range(3, 14)
HOUR_MS = 3_600_000


def batch(*values: bytes, now_ms: int = 1_767_225_600_000, key: bytes | None = None, **more: Any) -> bytes:
    return bytes(batch_of([NewRecord(key, value, headers=[]) for value in values], now_ms, **more))


def request(topic: str | bytes, data: bytes | None, *, acks: int = -1, partition: int = 0) -> dict[str, Any]:
    name = {"TopicId": topic} if isinstance(topic, bytes) else {"Name": topic}
    return {
        "Acks": acks,
        "TimeoutMs": 1000,
        "TopicData": [name | {"PartitionData": [{"Index": partition, "Records": data}]}],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_batch_gets_the_next_offset_in_every_version(client: Client, version: int) -> None:
    topic_id = client.create_topic("orders")
    for expected in (0, 2):
        topic = topic_id if version >= 13 else "orders"
        answer = client.ask("Produce", request(topic, batch(b"a", b"b")), version=version)
        [of_topic] = answer["Responses"]
        assert (of_topic["TopicId"] if version >= 13 else of_topic["Name"]) == topic
        [found] = of_topic["PartitionResponses"]
        assert (found["Index"], found["ErrorCode"], found["BaseOffset"], found["LogAppendTimeMs"]) == (
            0,
            0,
            expected,
            -1,
        )
        assert found["LogStartOffset"] == (0 if version >= 5 else -1)
        assert found["RecordErrors"] == []
        assert found["ErrorMessage"] is None
    assert client.values("orders") == [b"a", b"b", b"a", b"b"]


def test_the_stored_batch_is_the_clients_but_for_its_place(client: Client) -> None:
    client.create_topic("orders")
    sent = batch(b"first", compression=1)
    client.produce_batch("orders", batch(b"before"))
    client.produce_batch("orders", sent)
    _, stored = batches(client.fetch("orders")["Records"])
    assert bytes(stored[16:]) == sent[16:]
    assert read_batch(stored).base_offset == 1
    assert read_batch(stored).leader_epoch == 0


def test_acks_0_is_not_answered(client: Client) -> None:
    client.create_topic("orders")
    assert client.send("Produce", request("orders", batch(b"a"), acks=0), version=9).parked
    assert not client.transport.closed
    assert client.connection  # the next request is answered under its own correlation id
    client._waiting.clear()
    assert client.values("orders") == [b"a"]


def test_acks_0_that_fails_closes_the_connection_so_that_the_producer_notices(client: Client) -> None:
    client.send("Produce", request("missing", batch(b"a"), acks=0), version=9)
    assert client.transport.closed


@pytest.mark.parametrize(
    ("topic", "partition", "version", "error"),
    [
        ("missing", 0, 9, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", 1, 9, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", -1, 9, Error.UNKNOWN_TOPIC_OR_PARTITION),
        (b"0123456789abcdef", 0, 13, Error.UNKNOWN_TOPIC_ID),
        ("__consumer_offsets", 0, 9, Error.UNKNOWN_TOPIC_OR_PARTITION),
    ],
)
def test_a_partition_that_is_not_there_is_refused(
    client: Client, topic: str | bytes, partition: int, version: int, error: Error
) -> None:
    client.create_topic("orders")
    answer = client.ask("Produce", request(topic, batch(b"a"), partition=partition), version=version)
    assert answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"] == error


@pytest.mark.parametrize("acks", [2, -2, 100])
def test_other_acks_than_0_1_and_all_are_refused(client: Client, acks: int) -> None:
    client.create_topic("orders")
    answer = client.ask("Produce", request("orders", batch(b"a"), acks=acks), version=9)
    assert answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"] == Error.INVALID_REQUIRED_ACKS
    assert client.values("orders") == []


def test_one_bad_partition_does_not_keep_the_others_from_being_written(client: Client) -> None:
    client.create_topic("orders", partitions=2)
    wanted = request("orders", batch(b"good"))
    wanted["TopicData"][0]["PartitionData"] += [
        {"Index": 7, "Records": batch(b"x")},
        {"Index": 1, "Records": batch(b"too")},
    ]
    answer = client.ask("Produce", wanted, version=9)
    assert [found["ErrorCode"] for found in answer["Responses"][0]["PartitionResponses"]] == [0, 3, 0]
    assert client.values("orders") == [b"good"]
    assert client.values("orders", partition=1) == [b"too"]


def test_a_batch_whose_checksum_is_wrong_is_corrupt(client: Client) -> None:
    client.create_topic("orders")
    data = bytearray(batch(b"hello"))
    data[-1] ^= 1
    assert client.produce_batch("orders", bytes(data))["ErrorCode"] == Error.CORRUPT_MESSAGE
    assert client.fetch("orders")["HighWatermark"] == 0


def test_no_records_at_all_are_refused(client: Client) -> None:
    client.create_topic("orders")
    answer = client.ask("Produce", request("orders", None), version=9)
    assert answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"] == Error.INVALID_RECORD


def test_a_batch_may_be_as_large_as_max_message_bytes_and_no_larger(client: Client) -> None:
    data = batch(b"x" * 1000)
    client.create_topic("fits", max_message_bytes=str(len(data)))
    client.create_topic("tight", max_message_bytes=str(len(data) - 1))
    assert client.produce_batch("fits", data)["ErrorCode"] == 0
    refused = client.produce_batch("tight", data)
    assert refused["ErrorCode"] == Error.MESSAGE_TOO_LARGE
    assert refused["ErrorMessage"] == (
        f"The record batch size in the append to tight-0 is {len(data)} bytes which exceeds the maximum configured value of "
        f"{len(data) - 1}."
    )


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_compressed_records_come_out_as_they_went_in(client: Client, codec: int) -> None:
    client.create_topic("orders")
    values = [b"value %d" % number for number in range(50)]
    assert client.produce_batch("orders", batch(*values, compression=codec))["ErrorCode"] == 0
    assert read_batch(client.fetch("orders")["Records"]).attributes & 7 == codec
    assert client.values("orders") == values


def test_zstd_needs_version_7(client: Client) -> None:
    client.create_topic("orders")
    refused = client.produce_batch("orders", batch(b"a", compression=4), version=6)
    assert refused["ErrorCode"] == Error.UNSUPPORTED_COMPRESSION_TYPE


def test_a_compacted_topic_refuses_records_without_a_key_one_by_one(client: Client) -> None:
    client.create_topic("latest", cleanup_policy="compact")
    made = [NewRecord(key, b"v", headers=[]) for key in (b"k", None, b"k", None)]
    refused = client.produce_batch("latest", bytes(batch_of(made, 1_767_225_600_000)))
    assert refused["ErrorCode"] == Error.INVALID_RECORD
    words = "Compacted topic cannot accept message without key in topic partition latest-0."
    assert [(one["BatchIndex"], one["BatchIndexErrorMessage"]) for one in refused["RecordErrors"]] == [
        (1, words),
        (3, words),
    ]
    assert refused["ErrorMessage"] == f"One or more records have been rejected due to invalid records: {words}"
    assert client.fetch("latest")["HighWatermark"] == 0


def test_log_append_time_replaces_the_producers_timestamps(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("stamped", message_timestamp_type="LogAppendTime")
    kafka.advance(60)
    answered = client.produce_batch("stamped", batch(b"a", now_ms=5))
    assert answered["LogAppendTimeMs"] == kafka.now_ms
    stored = read_batch(client.fetch("stamped")["Records"])
    assert stored.is_log_append_time
    assert stored.max_timestamp_ms == kafka.now_ms


@pytest.mark.parametrize(
    ("config", "offset_ms", "error"),
    [
        ({}, HOUR_MS, 0),
        ({}, HOUR_MS + 1, Error.INVALID_TIMESTAMP),
        ({}, -100 * HOUR_MS, 0),
        ({"message_timestamp_before_max_ms": "1000"}, -1000, 0),
        ({"message_timestamp_before_max_ms": "1000"}, -1001, Error.INVALID_TIMESTAMP),
        ({"message_timestamp_after_max_ms": "1000"}, 1001, Error.INVALID_TIMESTAMP),
    ],
)
def test_timestamps_are_held_against_the_topics_bounds(
    kafka: KafkaHarness, client: Client, config: dict[str, str], offset_ms: int, error: int
) -> None:
    client.create_topic("timed", **config)
    answered = client.produce_batch("timed", batch(b"a", now_ms=kafka.now_ms + offset_ms))
    assert answered["ErrorCode"] == error
    assert [one["BatchIndex"] for one in answered["RecordErrors"]] == ([0] if error else [])


def test_a_broker_that_does_not_lead_the_partition_says_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_brokers=3)
    clients = {node: kafka.connect(node) for node in (1, 2, 3)}
    clients[1].create_topic("orders")
    [topic] = clients[1].ask("Metadata", {"Topics": [{"Name": "orders"}]})["Topics"]
    leader = topic["Partitions"][0]["LeaderId"]
    codes = {node: one.produce_batch("orders", batch(b"a"))["ErrorCode"] for node, one in clients.items()}
    assert codes == {node: 0 if node == leader else Error.NOT_LEADER_OR_FOLLOWER for node in clients}


def test_a_full_memory_refuses_and_says_what_to_do(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_memory=16 << 20).connect()
    client.create_topic("orders", retention_ms="-1", max_message_bytes=str(8 << 20))
    data = batch(bytes(4 << 20))
    answers = [client.produce_batch("orders", data) for _ in range(5)]
    assert answers[0]["ErrorCode"] == 0
    refused = answers[-1]
    assert refused["ErrorCode"] == Error.KAFKA_STORAGE_ERROR
    assert refused["ErrorMessage"].startswith(
        "The memory for records is full (16,777,216 bytes): delete topics or records"
    )
    kept = sum(answer["ErrorCode"] == 0 for answer in answers)
    assert client.fetch("orders")["HighWatermark"] == kept


def test_what_a_deleted_topic_held_is_room_for_others(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_memory=16 << 20).connect()
    for name in ("first", "second", "third"):
        client.create_topic(name, retention_ms="-1", max_message_bytes=str(8 << 20))
        assert client.produce_batch(name, batch(bytes(6 << 20)))["ErrorCode"] == 0
        assert (
            client.ask("DeleteTopics", {"Topics": [{"Name": name}], "TimeoutMs": 1})["Responses"][0]["ErrorCode"] == 0
        )
