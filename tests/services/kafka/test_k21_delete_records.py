"""DeleteRecords (key 21): the start of a partition is moved."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def delete(client: Client, offset: int, *, topic: str = "orders", index: int = 0, version: int = 2) -> tuple[int, int]:
    """Answer the error and where the log begins."""
    partition = {"PartitionIndex": index, "Offset": offset}
    request = {"Topics": [{"Name": topic, "Partitions": [partition]}], "TimeoutMs": 1000}
    [answer] = client.ask("DeleteRecords", request, version=version)["Topics"][0]["Partitions"]
    return answer["ErrorCode"], answer["LowWatermark"]


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic with three batches of two records."""
    client.create_topic("orders")
    for number in range(3):
        client.produce("orders", b"a%d" % number, b"b%d" % number)
    return client


@pytest.mark.parametrize("version", [0, 1, 2])
def test_what_lies_before_is_gone(orders: Client, version: int) -> None:
    assert delete(orders, 4, version=version) == (0, 4)
    assert orders.fetch("orders", 3)["ErrorCode"] == Error.OFFSET_OUT_OF_RANGE
    assert orders.values("orders", 4) == [b"a2", b"b2"]


def test_the_start_may_lie_inside_of_a_batch(orders: Client) -> None:
    assert delete(orders, 3) == (0, 3)
    assert orders.fetch("orders", 3)["LogStartOffset"] == 3


def test_minus_one_deletes_all(orders: Client) -> None:
    assert delete(orders, -1) == (0, 6)
    assert orders.values("orders", 6) == []
    assert orders.produce("orders", b"new")["BaseOffset"] == 6


def test_the_start_never_goes_back(orders: Client) -> None:
    delete(orders, 4)
    assert delete(orders, 1) == (0, 4)


@pytest.mark.parametrize("offset", [7, -2])
def test_an_offset_beyond_the_end_is_out_of_range(orders: Client, offset: int) -> None:
    assert delete(orders, offset) == (Error.OFFSET_OUT_OF_RANGE, -1)


@pytest.mark.parametrize(("topic", "index"), [("nobody", 0), ("orders", 1), ("orders", -1)])
def test_a_partition_must_be_there(orders: Client, topic: str, index: int) -> None:
    assert delete(orders, 0, topic=topic, index=index) == (Error.UNKNOWN_TOPIC_OR_PARTITION, -1)


@pytest.mark.parametrize(("policy", "code"), [("compact", Error.POLICY_VIOLATION), ("compact,delete", 0)])
def test_what_is_compacted_only_cannot_be_deleted(client: Client, policy: str, code: int) -> None:
    client.create_topic("keyed", cleanup_policy=policy)
    assert delete(client, 0, topic="keyed")[0] == code


def test_the_leader_must_be_asked(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_brokers=1)
    kafka.connect().create_topic("orders")
    client = kafka.connect()
    client.connection.node_id = 2
    assert delete(client, 0) == (Error.NOT_LEADER_OR_FOLLOWER, -1)


def test_who_may_not_delete_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_authorizer=True)
    kafka.cluster.topics.create("orders", 1, 1, {})
    assert delete(kafka.connect(), 0) == (Error.TOPIC_AUTHORIZATION_FAILED, -1)
