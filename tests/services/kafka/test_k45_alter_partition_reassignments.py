"""AlterPartitionReassignments (key 45): checked, and done at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def reassign(
    client: Client, brokers: list[int] | None, *, topic: str = "orders", index: int = 0, version: int = 1, **more: bool
) -> tuple[int, str | None]:
    partition = {"PartitionIndex": index, "Replicas": brokers}
    answer = client.ask(
        "AlterPartitionReassignments", {"Topics": [{"Name": topic, "Partitions": [partition]}]} | more, version=version
    )
    assert answer["ErrorCode"] == 0
    [found] = answer["Responses"][0]["Partitions"]
    return found["ErrorCode"], found["ErrorMessage"]


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic of one partition."""
    client.create_topic("orders")
    return client


@pytest.mark.parametrize("version", [0, 1])
def test_a_good_assignment_is_taken(orders: Client, version: int) -> None:
    assert reassign(orders, [1], version=version) == (0, None)


def test_there_is_never_anything_to_cancel(orders: Client) -> None:
    assert reassign(orders, None)[0] == Error.NO_REASSIGNMENT_IN_PROGRESS


@pytest.mark.parametrize(
    ("brokers", "words"),
    [
        ([], "The manual partition assignment includes an empty replica list."),
        ([8], "The manual partition assignment includes broker 8, but no such broker is registered."),
        ([1, 1], "The manual partition assignment includes the broker 1 more than once."),
    ],
)
def test_a_bad_assignment_is_refused(orders: Client, brokers: list[int], words: str) -> None:
    assert reassign(orders, brokers) == (Error.INVALID_REPLICA_ASSIGNMENT, words)


@pytest.mark.parametrize(("topic", "index"), [("nobody", 0), ("orders", 5)])
def test_a_partition_must_be_there(orders: Client, topic: str, index: int) -> None:
    assert reassign(orders, [1], topic=topic, index=index)[0] == Error.UNKNOWN_TOPIC_OR_PARTITION


def test_the_replication_factor_may_be_held_fast(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_any_replication=True).connect()
    client.create_topic("orders")
    words = "The replication factor is changed from 1 to 2"
    found = reassign(client, [1, 2], AllowReplicationFactorChange=False)
    assert found == (Error.INVALID_REPLICATION_FACTOR, words)


def test_who_may_not_alter_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = kafka_with(kafka_authorizer=True).connect().ask("AlterPartitionReassignments", {"Topics": []})
    assert answer["ErrorCode"] == Error.CLUSTER_AUTHORIZATION_FAILED
