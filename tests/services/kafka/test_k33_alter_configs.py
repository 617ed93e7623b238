"""AlterConfigs (key 33): what is not named goes back to its default. Checks are those of key 44, whose tests have more of them."""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

TOPIC, BROKER, BROKER_LOGGER = 2, 4, 8


def alter(
    client: Client,
    kind: int,
    name: str,
    configs: dict[str, str | None],
    *,
    validate_only: bool = False,
    version: int = 2,
) -> tuple[int, str | None]:
    entries: list[dict[str, Any]] = [{"Name": key, "Value": value} for key, value in configs.items()]
    request = {
        "Resources": [{"ResourceType": kind, "ResourceName": name, "Configs": entries}],
        "ValidateOnly": validate_only,
    }
    [answer] = client.ask("AlterConfigs", request, version=version)["Responses"]
    return answer["ErrorCode"], answer["ErrorMessage"]


def overrides(kafka: KafkaHarness) -> dict[str, str]:
    topic = kafka.cluster.topics.get("orders")
    assert topic is not None
    return topic.overrides


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic that keeps records for 5 s."""
    client.create_topic("orders", retention_ms="5000")
    return client


@pytest.mark.parametrize("version", range(3))
def test_what_is_not_named_goes_back_to_its_default(kafka: KafkaHarness, orders: Client, version: int) -> None:
    assert alter(orders, TOPIC, "orders", {"segment.ms": "7"}, version=version) == (0, None)
    assert overrides(kafka) == {"segment.ms": "7"}


def test_naming_nothing_resets_all(kafka: KafkaHarness, orders: Client) -> None:
    assert alter(orders, TOPIC, "orders", {}) == (0, None)
    assert overrides(kafka) == {}


def test_validate_only_changes_nothing(kafka: KafkaHarness, orders: Client) -> None:
    assert alter(orders, TOPIC, "orders", {}, validate_only=True) == (0, None)
    assert overrides(kafka) == {"retention.ms": "5000"}


def test_brokers_are_reset_as_well(kafka: KafkaHarness, client: Client) -> None:
    alter(client, BROKER, "", {"log.retention.ms": "9", "num.partitions": "3"})
    alter(client, BROKER, "", {"num.partitions": "4"})
    assert kafka.cluster.configs.set_on(BROKER, "") == {"num.partitions": "4"}


@pytest.mark.parametrize(
    ("kind", "name", "configs", "code", "words"),
    [
        (TOPIC, "orders", {"foo": "1"}, 40, "Unknown topic config name: foo"),
        (TOPIC, "orders", {"retention.ms": None}, 42, "Null value not supported for : retention.ms"),
        (TOPIC, "nobody", {}, 3, "The topic 'nobody' does not exist."),
        (BROKER, "1", {"node.id": "3"}, 42, "Cannot update these configs dynamically: [node.id]"),
        (BROKER_LOGGER, "1", {"root": "INFO"}, 42, "Unknown resource type 8"),
    ],
)
def test_what_cannot_be_set_is_refused(
    kafka: KafkaHarness, orders: Client, kind: int, name: str, configs: dict[str, str | None], code: int, words: str
) -> None:
    assert alter(orders, kind, name, configs) == (code, words)
    assert overrides(kafka) == {"retention.ms": "5000"}


def test_the_code_of_a_missing_topic_is_kafkas(client: Client) -> None:
    assert alter(client, TOPIC, "nobody", {})[0] == Error.UNKNOWN_TOPIC_OR_PARTITION
