"""OffsetForLeaderEpoch (key 23): there is one epoch, and it ends where the log ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def ask(
    client: Client, epoch: int, *, current: int = -1, topic: str = "orders", index: int = 0, version: int = 4
) -> tuple[int, int, int]:
    """Answer the error, the epoch and its end."""
    asked = {"Partition": index, "CurrentLeaderEpoch": current, "LeaderEpoch": epoch}
    request = {"ReplicaId": -1, "Topics": [{"Topic": topic, "Partitions": [asked]}]}
    [found] = client.ask("OffsetForLeaderEpoch", request, version=version)["Topics"][0]["Partitions"]
    return found["ErrorCode"], found["LeaderEpoch"], found["EndOffset"]


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic with three records."""
    client.create_topic("orders")
    client.produce("orders", b"1", b"2", b"3")
    return client


@pytest.mark.parametrize("version", [2, 3, 4])
def test_the_epoch_ends_where_the_log_ends(orders: Client, version: int) -> None:
    assert ask(orders, 0, version=version) == (0, 0, 3)


@pytest.mark.parametrize("epoch", [-1, 1, 7])
def test_another_epoch_has_no_end(orders: Client, epoch: int) -> None:
    assert ask(orders, epoch) == (0, -1, -1)


def test_the_epoch_that_a_client_knows_must_be_ours(orders: Client) -> None:
    assert ask(orders, 0, current=0) == (0, 0, 3)
    assert ask(orders, 0, current=1) == (Error.UNKNOWN_LEADER_EPOCH, -1, -1)


@pytest.mark.parametrize(("topic", "index"), [("nobody", 0), ("orders", 1)])
def test_a_partition_must_be_there(orders: Client, topic: str, index: int) -> None:
    assert ask(orders, 0, topic=topic, index=index) == (Error.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)


def test_who_may_not_describe_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_authorizer=True)
    kafka.cluster.topics.create("orders", 1, 1, {})
    assert ask(kafka.connect(), 0) == (Error.TOPIC_AUTHORIZATION_FAILED, -1, -1)
