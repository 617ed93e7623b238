"""DescribeLogDirs (key 35): bytes by partition, and how much room there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def describe(client: Client, topics: Any = None, *, version: int = 5) -> dict[str, Any]:
    answer = client.ask("DescribeLogDirs", {"Topics": topics}, version=version)
    assert answer["ErrorCode"] == 0
    [found] = answer["Results"]
    assert found["ErrorCode"] == 0
    return found  # type: ignore[no-any-return]


def sizes(found: dict[str, Any]) -> dict[str, list[int]]:
    return {topic["Name"]: [part["PartitionSize"] for part in topic["Partitions"]] for topic in found["Topics"]}


@pytest.mark.parametrize("version", range(1, 6))
def test_a_partition_has_the_bytes_of_its_batches(client: Client, version: int) -> None:
    client.create_topic("orders", 2)
    client.produce("orders", b"x" * 100, partition=1)
    fetched = client.fetch("orders", partition=1)["Records"]
    assert sizes(describe(client, version=version)) == {"orders": [0, len(fetched)]}


def test_only_what_is_asked_for_is_told(client: Client) -> None:
    client.create_topic("orders", 2)
    client.create_topic("other")
    found = describe(client, [{"Topic": "orders", "Partitions": [1, 7]}, {"Topic": "nobody", "Partitions": [0]}])
    assert [(topic["Name"], len(topic["Partitions"])) for topic in found["Topics"]] == [("orders", 1)]
    assert describe(client, [])["Topics"] == []


def test_without_a_data_directory_the_room_is_the_memory(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_memory=64 << 20).connect()
    found = describe(client)
    assert (found["LogDir"], found["TotalBytes"], found["UsableBytes"]) == ("memory", 64 << 20, 64 << 20)
    client.create_topic("orders")
    client.produce("orders", b"x")
    assert describe(client)["UsableBytes"] < 64 << 20


def test_with_a_data_directory_it_is_told(kafka_with: Callable[..., KafkaHarness], tmp_path: Path) -> None:
    found = describe(kafka_with(data_dir=tmp_path).connect())
    assert found["LogDir"] == str(tmp_path / "kafka" / "topics")
    assert 0 < found["UsableBytes"] <= found["TotalBytes"]


def test_who_may_not_describe_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = kafka_with(kafka_authorizer=True).connect().ask("DescribeLogDirs", {"Topics": None})
    assert (answer["ErrorCode"], answer["Results"]) == (Error.CLUSTER_AUTHORIZATION_FAILED, [])
