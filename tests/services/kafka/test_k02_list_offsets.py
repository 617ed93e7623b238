"""ListOffsets (key 2): offsets by time, the ends of a log, and the newest record."""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of
from tests.support.kafka_broker import Client, KafkaHarness

BASE_MS = 1_767_225_600_000
NOTHING = (0, -1, -1)


def ask(
    client: Client, time_ms: int, *, version: int = 11, topic: str = "orders", committed: bool = False, **more: Any
) -> Any:
    request = {
        "ReplicaId": -1,
        "IsolationLevel": int(committed),
        "Topics": [{"Name": topic, "Partitions": [{"PartitionIndex": 0, "Timestamp": time_ms, **more}]}],
    }
    [found] = client.ask("ListOffsets", request, version=version)["Topics"][0]["Partitions"]
    return found["ErrorCode"], found["Offset"], found["Timestamp"]


def write(client: Client, *times_ms: int, topic: str = "orders", **more: Any) -> None:
    made = [NewRecord(b"k", b"v", headers=[], timestamp_ms=BASE_MS + time) for time in times_ms]
    assert client.produce_batch(topic, bytes(batch_of(made, BASE_MS, **more)))["ErrorCode"] == 0


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic with records of 10, 20, 30, then 25, 40, 35 ms."""
    client.create_topic("orders")
    write(client, 10, 20, 30, compression=3)
    write(client, 25, 40, 35)
    return client


@pytest.mark.parametrize("version", range(1, 12))
def test_the_ends_are_known_in_every_version(orders: Client, version: int) -> None:
    assert ask(orders, -1, version=version) == (0, 6, -1)
    assert ask(orders, -2, version=version) == (0, 0, -1)


@pytest.mark.parametrize(
    ("time_ms", "offset", "found_ms"),
    [(0, 0, 10), (10, 0, 10), (11, 1, 20), (25, 2, 30), (30, 2, 30), (31, 4, 40), (40, 4, 40)],
)
def test_a_time_finds_the_first_record_at_or_after_it(orders: Client, time_ms: int, offset: int, found_ms: int) -> None:
    assert ask(orders, BASE_MS + time_ms) == (0, offset, BASE_MS + found_ms)


def test_a_time_after_all_records_finds_nothing(orders: Client) -> None:
    assert ask(orders, BASE_MS + 41) == NOTHING


def test_the_newest_record_is_found_by_its_timestamp(orders: Client) -> None:
    assert ask(orders, -3) == (0, 4, BASE_MS + 40)


def test_an_empty_log_has_no_newest_record(client: Client) -> None:
    client.create_topic("orders")
    assert ask(client, -3) == NOTHING
    assert ask(client, -1) == (0, 0, -1)


@pytest.mark.parametrize(("time_ms", "found"), [(-4, (0, 0, -1)), (-5, NOTHING), (-6, NOTHING)])
def test_there_is_no_tiered_storage(orders: Client, time_ms: int, found: tuple[int, int, int]) -> None:
    assert ask(orders, time_ms) == found


@pytest.mark.parametrize(("time_ms", "version"), [(-3, 6), (-4, 7), (-5, 8), (-6, 10), (-7, 11), (-100, 11)])
def test_a_special_time_needs_the_version_that_brought_it(orders: Client, time_ms: int, version: int) -> None:
    assert ask(orders, time_ms, version=version) == (Error.UNSUPPORTED_VERSION, -1, -1)


def test_records_below_the_start_are_not_found(orders: Client) -> None:
    wanted = {"Name": "orders", "Partitions": [{"PartitionIndex": 0, "Offset": 1}]}
    orders.ask("DeleteRecords", {"Topics": [wanted], "TimeoutMs": 1})
    assert ask(orders, -2) == (0, 1, -1)
    assert ask(orders, BASE_MS) == (0, 1, BASE_MS + 20)


def test_a_reader_of_committed_records_is_told_the_last_stable_offset(orders: Client) -> None:
    made = orders.ask("InitProducerId", {"TransactionalId": "tx", "TransactionTimeoutMs": 60_000}, version=4)
    producer = {"TransactionalId": "tx", "ProducerId": made["ProducerId"], "ProducerEpoch": made["ProducerEpoch"]}
    wanted = {f"V3AndBelow{name}": value for name, value in producer.items()}
    orders.ask("AddPartitionsToTxn", {**wanted, "V3AndBelowTopics": [{"Name": "orders", "Partitions": [0]}]}, version=3)
    data = batch_of(
        [NewRecord(b"k", b"v", headers=[], timestamp_ms=BASE_MS + 50)],
        BASE_MS,
        producer_id=made["ProducerId"],
        producer_epoch=made["ProducerEpoch"],
        base_sequence=0,
        transactional=True,
    )
    assert orders.produce_batch("orders", bytes(data), transactional_id="tx")["ErrorCode"] == 0
    assert ask(orders, -1, committed=True) == (0, 6, -1)
    assert ask(orders, -1) == (0, 7, -1)
    assert ask(orders, BASE_MS + 50, committed=True) == NOTHING
    assert ask(orders, BASE_MS + 50) == (0, 6, BASE_MS + 50)
    orders.ask("EndTxn", {**producer, "Committed": True}, version=3)
    assert ask(orders, -1, committed=True) == (0, 8, -1)


@pytest.mark.parametrize(("topic", "epoch", "error"), [("missing", -1, 3), ("orders", 1, 75), ("orders", 0, 0)])
def test_what_is_not_there_is_refused(orders: Client, topic: str, epoch: int, error: int) -> None:
    assert ask(orders, -1, topic=topic, CurrentLeaderEpoch=epoch)[0] == error


def test_log_append_time_counts_where_it_holds(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders", message_timestamp_type="LogAppendTime")
    write(client, 10, 20)
    kafka.advance(1)
    write(client, 30)
    assert ask(client, kafka.now_ms) == (0, 2, kafka.now_ms)
    assert ask(client, kafka.now_ms - 999) == (0, 2, kafka.now_ms)
    assert ask(client, kafka.now_ms - 1000) == (0, 0, kafka.now_ms - 1000)
