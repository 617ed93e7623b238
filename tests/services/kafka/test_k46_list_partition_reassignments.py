"""ListPartitionReassignments (key 46): there is never one under way."""

from __future__ import annotations

from collections.abc import Callable

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def test_none_is_under_way(client: Client) -> None:
    client.create_topic("orders")
    answer = client.ask("ListPartitionReassignments", {"Topics": None})
    assert (answer["ErrorCode"], answer["ErrorMessage"], answer["Topics"]) == (0, None, [])


def test_who_may_not_describe_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = kafka_with(kafka_authorizer=True).connect().ask("ListPartitionReassignments", {"Topics": None})
    assert answer["ErrorCode"] == Error.CLUSTER_AUTHORIZATION_FAILED
