"""ListConfigResources (key 74): what has configs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


def put(client: Client, kind: int, resource: str, name: str, value: str) -> None:
    change = {"Name": name, "ConfigOperation": 0, "Value": value}
    request = {"Resources": [{"ResourceType": kind, "ResourceName": resource, "Configs": [change]}]}
    [answer] = client.ask("IncrementalAlterConfigs", request)["Responses"]
    assert answer["ErrorCode"] == 0, answer


def listed(client: Client, *kinds: int, version: int = 1) -> list[tuple[int, str]]:
    answer = client.ask("ListConfigResources", {"ResourceTypes": list(kinds)}, version=version)
    assert answer["ErrorCode"] == 0
    return [(found.get("ResourceType"), found["ResourceName"]) for found in answer["ConfigResources"]]


@pytest.fixture
def filled(client: Client) -> Client:
    """One of each."""
    client.create_topic("orders")
    put(client, GROUP, "g", "consumer.session.timeout.ms", "50000")
    put(client, CLIENT_METRICS, "m", "interval.ms", "5000")
    return client


def test_all_are_listed(filled: Client) -> None:
    assert listed(filled) == [
        (GROUP, "g"),
        (CLIENT_METRICS, "m"),
        (BROKER_LOGGER, "1"),
        (BROKER, "1"),
        (TOPIC, "orders"),
    ]


@pytest.mark.parametrize(("kind", "name"), [(TOPIC, "orders"), (GROUP, "g"), (CLIENT_METRICS, "m"), (BROKER, "1")])
def test_some_kinds_are_listed(filled: Client, kind: int, name: str) -> None:
    assert listed(filled, kind) == [(kind, name)]


def test_version_0_lists_client_metrics(filled: Client) -> None:
    answer = filled.ask("ListConfigResources", {}, version=0)
    assert [found["ResourceName"] for found in answer["ConfigResources"]] == ["m"]


def test_an_unknown_kind_is_refused(client: Client) -> None:
    assert client.ask("ListConfigResources", {"ResourceTypes": [99]})["ErrorCode"] == Error.UNSUPPORTED_VERSION


def test_who_may_not_describe_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    answer = kafka_with(kafka_authorizer=True).connect().ask("ListConfigResources", {})
    assert answer["ErrorCode"] == Error.CLUSTER_AUTHORIZATION_FAILED
