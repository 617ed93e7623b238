"""CreatePartitions (key 37): topics grow, and never shrink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def grow(
    client: Client,
    count: int,
    *,
    name: str = "orders",
    brokers: list[list[int]] | None = None,
    validate_only: bool = False,
    version: int = 3,
) -> tuple[int, str | None]:
    assignments = None if brokers is None else [{"BrokerIds": ids} for ids in brokers]
    request = {
        "Topics": [{"Name": name, "Count": count, "Assignments": assignments}],
        "TimeoutMs": 1000,
        "ValidateOnly": validate_only,
    }
    [answer] = client.ask("CreatePartitions", request, version=version)["Results"]
    return answer["ErrorCode"], answer["ErrorMessage"]


def partitions(kafka: KafkaHarness) -> int:
    topic = kafka.cluster.topics.get("orders")
    assert topic is not None
    return len(topic.partitions)


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic of two partitions."""
    client.create_topic("orders", 2)
    return client


@pytest.mark.parametrize("version", range(4))
def test_new_partitions_can_be_written_to_at_once(kafka: KafkaHarness, orders: Client, version: int) -> None:
    assert grow(orders, 5, version=version) == (0, None)
    assert partitions(kafka) == 5
    assert orders.produce("orders", b"x", partition=4)["ErrorCode"] == 0


def test_records_stay_where_they_are(orders: Client) -> None:
    orders.produce("orders", b"x", partition=1)
    grow(orders, 3)
    assert orders.values("orders", partition=1) == [b"x"]


def test_validate_only_adds_nothing(kafka: KafkaHarness, orders: Client) -> None:
    assert grow(orders, 3, validate_only=True) == (0, None)
    assert partitions(kafka) == 2


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (2, "Topic already has 2 partition(s)."),
        (1, "The topic orders currently has 2 partition(s); 1 would not be an increase."),
        (-1, "The topic orders currently has 2 partition(s); -1 would not be an increase."),
    ],
)
def test_a_topic_cannot_shrink(orders: Client, count: int, words: str) -> None:
    assert grow(orders, count) == (Error.INVALID_PARTITIONS, words)


@pytest.mark.parametrize(
    ("brokers", "words"),
    [
        ([[1]], "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."),
        ([[1], [5]], "The manual partition assignment includes broker 5, but no such broker is registered."),
        ([[1], [1, 1]], "The manual partition assignment includes the broker 1 more than once."),
        ([[1], []], "The manual partition assignment includes an empty replica list."),
    ],
)
def test_a_bad_assignment_is_refused(kafka: KafkaHarness, orders: Client, brokers: list[list[int]], words: str) -> None:
    assert grow(orders, 4, brokers=brokers) == (Error.INVALID_REPLICA_ASSIGNMENT, words)
    assert partitions(kafka) == 2


def test_a_good_assignment_is_taken(kafka: KafkaHarness, orders: Client) -> None:
    assert grow(orders, 4, brokers=[[1], [1]]) == (0, None)
    assert partitions(kafka) == 4


def test_too_many_at_once_are_refused(orders: Client) -> None:
    assert grow(orders, 10_003)[0] == Error.POLICY_VIOLATION


def test_a_topic_must_be_there(client: Client) -> None:
    assert grow(client, 3, name="nobody")[0] == Error.UNKNOWN_TOPIC_OR_PARTITION


def test_a_topic_that_is_named_twice_stays_as_it_is(kafka: KafkaHarness, orders: Client) -> None:
    wanted: list[dict[str, Any]] = [{"Name": "orders", "Count": count, "Assignments": None} for count in (3, 4)]
    [answer] = orders.ask("CreatePartitions", {"Topics": wanted, "TimeoutMs": 1000})["Results"]
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (Error.INVALID_REQUEST, "Duplicate topic name.")
    assert partitions(kafka) == 2


def test_who_may_not_alter_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_authorizer=True)
    kafka.cluster.topics.create("orders", 1, 1, {})
    assert grow(kafka.connect(), 2)[0] == Error.TOPIC_AUTHORIZATION_FAILED
