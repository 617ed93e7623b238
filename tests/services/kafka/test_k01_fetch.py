"""Fetch (key 1): whole batches from an offset on, limits, long polls, isolation levels, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness, batches, fetch_request

VERSIONS = range(4, 19)


def by_id(request: dict[str, Any], topic_id: bytes) -> dict[str, Any]:
    [topic] = request["Topics"]
    return {**request, "Topics": [{"TopicId": topic_id, "Partitions": topic["Partitions"]}]}


@pytest.fixture
def orders(client: Client) -> bytes:
    """A topic with three batches of two records."""
    topic_id = client.create_topic("orders")
    for first in (0, 2, 4):
        client.produce("orders", b"%d" % first, b"%d" % (first + 1))
    return topic_id


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_hands_out_the_same_batches(client: Client, orders: bytes, version: int) -> None:
    request = fetch_request("orders", 2)
    answer = client.ask("Fetch", by_id(request, orders) if version >= 13 else request, version=version)
    [topic] = answer["Responses"]
    assert (topic["TopicId"] if version >= 13 else topic["Topic"]) == (orders if version >= 13 else "orders")
    [found] = topic["Partitions"]
    assert (found["PartitionIndex"], found["ErrorCode"], found["HighWatermark"], found["LastStableOffset"]) == (
        0,
        0,
        6,
        6,
    )
    assert found["LogStartOffset"] == (0 if version >= 5 else -1)
    assert found["AbortedTransactions"] is None
    assert found["PreferredReadReplica"] == -1
    assert len(batches(found["Records"])) == 2
    assert (answer["ErrorCode"], answer["SessionId"]) == (0, 0)


def test_an_offset_inside_a_batch_gives_the_whole_batch(client: Client, orders: bytes) -> None:
    assert client.values("orders", 3) == [b"2", b"3", b"4", b"5"]


def test_the_end_gives_nothing_and_no_error(client: Client, orders: bytes) -> None:
    found = client.fetch("orders", 6)
    assert (found["ErrorCode"], found["Records"]) == (0, b"")


@pytest.mark.parametrize("offset", [7, -1, 1 << 40])
def test_an_offset_that_is_not_there_is_out_of_range_at_once(client: Client, orders: bytes, offset: int) -> None:
    found = client.fetch("orders", offset, max_wait_ms=5000)
    assert (found["ErrorCode"], found["HighWatermark"], found["LogStartOffset"]) == (Error.OFFSET_OUT_OF_RANGE, -1, -1)


def test_a_batch_comes_whole_even_if_it_is_larger_than_all_limits(client: Client, orders: bytes) -> None:
    assert client.values("orders", partition_max_bytes=1) == [b"0", b"1"]
    assert client.values("orders", max_bytes=1) == [b"0", b"1"]


def test_no_batch_is_cut_at_the_limit(client: Client, orders: bytes) -> None:
    size = len(batches(client.fetch("orders")["Records"])[0])
    assert client.values("orders", partition_max_bytes=2 * size) == [b"0", b"1", b"2", b"3"]
    assert client.values("orders", partition_max_bytes=2 * size - 1) == [b"0", b"1"]


def test_only_the_first_partition_may_go_over_the_limit(client: Client) -> None:
    client.create_topic("wide", partitions=2)
    for partition in (0, 1):
        client.produce("wide", b"x" * 1000, partition=partition)
    request = fetch_request("wide", max_bytes=10)
    request["Topics"][0]["Partitions"].append({"Partition": 1, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20})
    first, second = client.ask("Fetch", request, version=12)["Responses"][0]["Partitions"]
    assert len(first["Records"]) > 1000
    assert second["Records"] == b""


def test_a_missing_topic_and_a_missing_partition_are_named(client: Client, orders: bytes) -> None:
    assert client.fetch("missing")["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION
    assert client.fetch("orders", partition=1)["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION
    answer = client.ask("Fetch", by_id(fetch_request("orders"), b"0123456789abcdef"))
    assert answer["Responses"][0]["Partitions"][0]["ErrorCode"] == Error.UNKNOWN_TOPIC_ID


def test_the_id_of_a_deleted_topic_is_not_that_of_its_successor(client: Client, orders: bytes) -> None:
    client.ask("DeleteTopics", {"Topics": [{"Name": "orders"}], "TimeoutMs": 1})
    assert client.create_topic("orders") != orders
    answer = client.ask("Fetch", by_id(fetch_request("orders"), orders))
    assert answer["Responses"][0]["Partitions"][0]["ErrorCode"] == Error.UNKNOWN_TOPIC_ID


@pytest.mark.parametrize(
    ("epoch", "error"), [(-1, 0), (0, 0), (1, Error.UNKNOWN_LEADER_EPOCH), (5, Error.UNKNOWN_LEADER_EPOCH)]
)
def test_a_leader_epoch_that_is_not_ours_is_refused(client: Client, orders: bytes, epoch: int, error: int) -> None:
    request = fetch_request("orders")
    request["Topics"][0]["Partitions"][0]["CurrentLeaderEpoch"] = epoch
    assert client.ask("Fetch", request, version=12)["Responses"][0]["Partitions"][0]["ErrorCode"] == error


# Long polls.


def test_a_poll_is_parked_until_something_comes_and_answers_at_once(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500), version=12)
    assert parked.parked
    kafka.connect().produce("orders", b"news")
    [found] = parked.answer["Responses"][0]["Partitions"]
    assert (found["HighWatermark"], len(batches(found["Records"]))) == (1, 1)


def test_a_poll_ends_empty_at_the_very_millisecond_of_its_wait(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500), version=12)
    kafka.advance(0.499)
    assert parked.parked
    kafka.advance(0.001)
    assert parked.answer["Responses"][0]["Partitions"][0]["Records"] == b""


def test_a_poll_waits_for_min_bytes(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500, min_bytes=1000), version=12)
    producer = kafka.connect()
    producer.produce("orders", b"x" * 400)
    assert parked.parked
    producer.produce("orders", b"x" * 600)
    assert len(batches(parked.answer["Responses"][0]["Partitions"][0]["Records"])) == 2


def test_what_is_there_counts_towards_min_bytes(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    producer = kafka.connect()
    producer.produce("orders", b"x" * 600)
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500, min_bytes=1000), version=12)
    assert parked.parked
    producer.produce("orders", b"x" * 400)
    assert not parked.parked


def test_an_error_is_told_at_once_and_does_not_wait(client: Client, orders: bytes) -> None:
    request = fetch_request("orders", 6, max_wait_ms=500)
    request["Topics"].append(
        {"Topic": "missing", "Partitions": [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1}]}
    )
    assert not client.send("Fetch", request, version=12).parked


def test_a_parked_poll_leaves_nothing_behind_when_its_client_goes(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    client.send("Fetch", fetch_request("orders", max_wait_ms=500_000), version=12)
    partition = kafka.cluster.partition("orders", 0)
    assert partition is not None
    assert len(partition.waiters) == 1
    timers = kafka.clock.timers
    client.close()
    assert len(partition.waiters) == 0
    assert kafka.clock.timers == timers - 1


def test_requests_behind_a_parked_poll_are_answered_after_it_in_order(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500), version=12)
    behind = [client.send("Metadata", {"Topics": []}), client.send("ApiVersions", SOFTWARE)]
    assert all(pending.parked for pending in behind)
    kafka.advance(0.5)
    assert not parked.parked
    assert not any(pending.parked for pending in behind)


SOFTWARE = {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1.0"}


def test_deleting_a_topic_answers_its_parked_polls(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    parked = client.send("Fetch", fetch_request("orders", max_wait_ms=500_000), version=12)
    kafka.connect().ask("DeleteTopics", {"Topics": [{"Name": "orders"}], "TimeoutMs": 1})
    assert parked.answer["Responses"][0]["Partitions"][0]["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION


def test_an_unknown_session_is_told_so_and_a_new_one_is_declined(client: Client, orders: bytes) -> None:
    request = fetch_request("orders")
    assert client.ask("Fetch", {**request, "SessionId": 0, "SessionEpoch": 0}, version=12)["SessionId"] == 0
    answer = client.ask("Fetch", {**request, "SessionId": 5, "SessionEpoch": 1}, version=12)
    assert (answer["ErrorCode"], answer["Responses"]) == (Error.FETCH_SESSION_ID_NOT_FOUND, [])


def test_records_that_were_deleted_are_out_of_range(client: Client, orders: bytes) -> None:
    client.ask(
        "DeleteRecords",
        {"Topics": [{"Name": "orders", "Partitions": [{"PartitionIndex": 0, "Offset": 3}]}], "TimeoutMs": 1},
    )
    assert client.fetch("orders", 2)["ErrorCode"] == Error.OFFSET_OUT_OF_RANGE
    found = client.fetch("orders", 3)
    assert (found["LogStartOffset"], len(batches(found["Records"]))) == (3, 2)


def test_views_of_a_slow_reader_keep_their_bytes_when_the_topic_is_deleted_and_its_memory_is_used_again(
    kafka_with: Callable[..., KafkaHarness],
) -> None:
    kafka = kafka_with(kafka_memory=16 << 20)
    client = kafka.connect()
    client.create_topic("first", max_message_bytes=str(8 << 20))
    client.produce("first", b"a" * (3 << 20))
    partition = kafka.cluster.partition("first", 0)
    assert partition is not None
    [held] = partition.log.views(0, 8 << 20)
    before = bytes(held)
    client.ask("DeleteTopics", {"Topics": [{"Name": "first"}], "TimeoutMs": 1})
    client.create_topic("second", max_message_bytes=str(8 << 20))
    for _ in range(3):
        client.produce("second", b"b" * (3 << 20))
    assert bytes(held) == before
