"""DescribeCluster (key 60): id, brokers and controller."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


@pytest.mark.parametrize("version", range(3))
def test_brokers_have_the_address_that_was_dialled(kafka: KafkaHarness, client: Client, version: int) -> None:
    answer = client.ask("DescribeCluster", {}, version=version)
    assert (answer["ErrorCode"], answer["ClusterId"], answer["ControllerId"]) == (0, kafka.cluster.cluster_id, 1)
    [broker] = answer["Brokers"]
    assert (broker["BrokerId"], broker["Host"], broker["Port"], broker["Rack"]) == (1, "127.0.0.1", 9092, None)


def test_operations_are_told_to_those_who_ask(client: Client) -> None:
    assert client.ask("DescribeCluster", {})["ClusterAuthorizedOperations"] == -(1 << 31)
    asked = client.ask("DescribeCluster", {"IncludeClusterAuthorizedOperations": True})
    # CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS and IDEMPOTENT_WRITE, as a running Apache Kafka says.
    assert asked["ClusterAuthorizedOperations"] == 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12


def test_who_may_not_describe_sees_no_operation(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_authorizer=True).connect()
    answer = client.ask("DescribeCluster", {"IncludeClusterAuthorizedOperations": True})
    assert (answer["ErrorCode"], answer["ClusterAuthorizedOperations"]) == (0, 0)


@pytest.mark.parametrize(
    ("endpoint", "code", "words"),
    [
        (
            2,
            Error.MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
        ),
        (9, Error.UNSUPPORTED_ENDPOINT_TYPE, "Unsupported endpoint type 9"),
    ],
)
def test_only_brokers_are_here(client: Client, endpoint: int, code: int, words: str) -> None:
    answer = client.ask("DescribeCluster", {"EndpointType": endpoint})
    assert (answer["ErrorCode"], answer["ErrorMessage"], answer["Brokers"]) == (code, words, [])
