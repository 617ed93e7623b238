"""ElectLeaders (key 43): leaders are always as they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def elect(client: Client, topics: Any, *, kind: int = 0, version: int = 2) -> Any:
    request = {"ElectionType": kind, "TopicPartitions": topics, "TimeoutMs": 1000}
    return client.ask("ElectLeaders", request, version=version)


def results(answer: Any) -> list[tuple[str, int, int]]:
    return [
        (topic["Topic"], found["PartitionId"], found["ErrorCode"])
        for topic in answer["ReplicaElectionResults"]
        for found in topic["PartitionResult"]
    ]


@pytest.mark.parametrize(("version", "kind"), [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)])
def test_no_election_is_needed(client: Client, version: int, kind: int) -> None:
    client.create_topic("orders")
    answer = elect(client, [{"Topic": "orders", "Partitions": [0]}], kind=kind, version=version)
    assert results(answer) == [("orders", 0, Error.ELECTION_NOT_NEEDED)]


def test_a_partition_must_be_there(client: Client) -> None:
    client.create_topic("orders")
    answer = elect(client, [{"Topic": "orders", "Partitions": [7]}, {"Topic": "nobody", "Partitions": [0]}])
    assert results(answer) == [("orders", 7, 3), ("nobody", 0, 3)]


def test_for_all_partitions_nothing_is_told(client: Client) -> None:
    client.create_topic("orders")
    answer = elect(client, None)
    assert (answer["ErrorCode"], answer["ReplicaElectionResults"]) == (0, [{"Topic": "orders", "PartitionResult": []}])


def test_an_unknown_kind_of_election_is_refused(client: Client) -> None:
    client.create_topic("orders")
    answer = elect(client, [{"Topic": "orders", "Partitions": [0]}], kind=5)
    [found] = answer["ReplicaElectionResults"][0]["PartitionResult"]
    assert (answer["ErrorCode"], found["ErrorCode"], found["ErrorMessage"]) == (42, 42, "Unknown election type 5")


def test_who_may_not_alter_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = elect(kafka_with(kafka_authorizer=True).connect(), [{"Topic": "orders", "Partitions": [0]}])
    assert answer["ErrorCode"] == Error.CLUSTER_AUTHORIZATION_FAILED
    assert results(answer) == [("orders", 0, Error.CLUSTER_AUTHORIZATION_FAILED)]
