"""DeleteTopics (key 20): by name and, from version 6 on, by id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


def delete(client: Client, *wanted: str | bytes | dict[str, Any], version: int = 6) -> list[tuple[str | None, int]]:
    topics = [
        {"Name": one} if isinstance(one, str) else {"Name": None, "TopicId": one} if isinstance(one, bytes) else one
        for one in wanted
    ]
    request = {"Topics": topics} if version >= 6 else {"TopicNames": list(wanted)}
    answers = client.ask("DeleteTopics", request | {"TimeoutMs": 1000}, version=version)["Responses"]
    return [(answer["Name"], answer["ErrorCode"]) for answer in answers]


@pytest.mark.parametrize("version", range(1, 7))
def test_a_topic_is_gone_when_the_answer_is_there(kafka: KafkaHarness, client: Client, version: int) -> None:
    client.create_topic("orders")
    assert delete(client, "orders", version=version) == [("orders", 0)]
    assert kafka.cluster.topics.get("orders") is None


def test_a_topic_is_deleted_by_its_id(kafka: KafkaHarness, client: Client) -> None:
    topic_id = client.create_topic("orders")
    assert delete(client, topic_id) == [("orders", 0)]
    assert kafka.cluster.topics.by_id(topic_id) is None


def test_a_topic_that_is_made_again_has_another_id_and_no_records(client: Client) -> None:
    first = client.create_topic("orders")
    client.produce("orders", b"old")
    delete(client, "orders")
    assert client.create_topic("orders") != first
    assert client.values("orders") == []


def test_unknown_names_and_ids_are_told_apart(client: Client) -> None:
    assert delete(client, "nobody", b"\1" * 16) == [
        ("nobody", Error.UNKNOWN_TOPIC_OR_PARTITION),
        (None, Error.UNKNOWN_TOPIC_ID),
    ]


def test_what_is_named_twice_is_not_deleted(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    assert delete(client, "orders", "orders") == [("orders", Error.INVALID_REQUEST)]
    assert kafka.cluster.topics.get("orders") is not None


def test_a_topic_by_name_and_by_id_is_not_deleted(kafka: KafkaHarness, client: Client) -> None:
    topic_id = client.create_topic("orders")
    assert delete(client, "orders", topic_id) == [("orders", Error.INVALID_REQUEST)]
    assert kafka.cluster.topics.get("orders") is not None


@pytest.mark.parametrize("wanted", [{"Name": None}, {"Name": "orders", "TopicId": b"\1" * 16}])
def test_a_topic_has_either_a_name_or_an_id(client: Client, wanted: dict[str, Any]) -> None:
    [(_, code)] = delete(client, wanted)
    assert code == Error.INVALID_REQUEST


@pytest.mark.parametrize(("version", "code"), [(2, Error.INVALID_REQUEST), (5, Error.TOPIC_DELETION_DISABLED)])
def test_deletion_can_be_switched_off(kafka: KafkaHarness, client: Client, version: int, code: int) -> None:
    client.create_topic("orders")
    change = {"Name": "delete.topic.enable", "ConfigOperation": 0, "Value": "false"}
    client.ask("IncrementalAlterConfigs", {"Resources": [{"ResourceType": 4, "ResourceName": "", "Configs": [change]}]})
    assert delete(client, "orders", version=version) == [("orders", code)]
    assert kafka.cluster.topics.get("orders") is not None


def test_who_may_not_delete_learns_nothing(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_authorizer=True)
    topic = kafka.cluster.topics.create("secret", 1, 1, {})
    denied = Error.TOPIC_AUTHORIZATION_FAILED
    client = kafka.connect()
    assert delete(client, "secret", "nobody") == [("secret", denied), ("nobody", denied)]
    assert delete(client, topic.topic_id) == [(None, denied)]
