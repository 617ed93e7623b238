"""DescribeQuorum (key 55): the first broker is the one voter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def describe(client: Client, topic: str = "__cluster_metadata", *, version: int = 2) -> Any:
    request = {"Topics": [{"TopicName": topic, "Partitions": [{"PartitionIndex": 0}]}]}
    return client.ask("DescribeQuorum", request, version=version)


@pytest.mark.parametrize("version", range(3))
def test_the_first_broker_leads(client: Client, version: int) -> None:
    answer = describe(client, version=version)
    [found] = answer["Topics"][0]["Partitions"]
    assert (answer["ErrorCode"], found["ErrorCode"], found["LeaderId"]) == (0, 0, 1)
    [voter] = found["CurrentVoters"]
    assert (voter["ReplicaId"], voter["LogEndOffset"]) == (1, found["HighWatermark"])
    assert found["Observers"] == []


def test_version_2_tells_the_addresses(client: Client) -> None:
    [node] = describe(client)["Nodes"]
    [listener] = node["Listeners"]
    assert (node["NodeId"], listener["Host"], listener["Port"]) == (1, "127.0.0.1", 9092)


def test_only_the_metadata_topic_has_a_quorum(client: Client) -> None:
    [found] = describe(client, "orders")["Topics"][0]["Partitions"]
    assert found["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION


def test_who_may_not_describe_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = describe(kafka_with(kafka_authorizer=True).connect())
    assert (answer["ErrorCode"], answer["Topics"]) == (Error.CLUSTER_AUTHORIZATION_FAILED, [])
