"""Metadata (key 3): brokers as this client reaches them, topics, and topics that are made because somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

NOT_ASKED = -(1 << 31)


def ask(client: Client, *names: str, **more: Any) -> list[Any]:
    version = more.pop("version", None)
    request = {"Topics": [{"Name": name} for name in names], "AllowAutoTopicCreation": False, **more}
    topics: list[Any] = client.ask("Metadata", request, version=version)["Topics"]
    return topics


@pytest.mark.parametrize("version", range(14))
def test_a_topic_is_described_in_every_version(client: Client, version: int) -> None:
    topic_id = client.create_topic("orders", partitions=2)
    [topic] = ask(client, "orders", version=version)
    assert (topic["Name"], topic["ErrorCode"], topic["IsInternal"]) == ("orders", 0, False)
    assert topic["TopicId"] == (topic_id if version >= 10 else bytes(16))
    assert [
        (one["PartitionIndex"], one["LeaderId"], one["ReplicaNodes"], one["IsrNodes"]) for one in topic["Partitions"]
    ] == [
        (0, 1, [1], [1]),
        (1, 1, [1], [1]),
    ]
    assert {one["LeaderEpoch"] for one in topic["Partitions"]} == ({0} if version >= 7 else {-1})
    assert topic["TopicAuthorizedOperations"] == NOT_ASKED


def test_the_broker_is_where_the_client_dialled(kafka: KafkaHarness, client: Client) -> None:
    answer = client.ask("Metadata", {"Topics": []})
    assert answer["Brokers"] == [{"NodeId": 1, "Host": "127.0.0.1", "Port": kafka.cluster.nodes[0].port, "Rack": None}]
    assert (answer["ControllerId"], answer["ClusterId"]) == (1, kafka.cluster.cluster_id)
    assert len(kafka.cluster.cluster_id) == 22


@pytest.mark.parametrize(
    ("setting", "host", "port"),
    [
        ("broker.test", "broker.test", 9092),
        ("broker.test:19092", "broker.test", 19092),
        ("[::1]", "::1", 9092),
        ("[::1]:5", "::1", 5),
    ],
)
def test_a_setting_says_where_clients_are_sent(
    kafka_with: Callable[..., KafkaHarness], setting: str, host: str, port: int
) -> None:
    kafka = kafka_with(kafka_advertised_host=setting)
    [broker] = kafka.connect().ask("Metadata", {"Topics": []})["Brokers"]
    assert (broker["Host"], broker["Port"]) == (host, port)


def test_several_brokers_share_the_partitions_and_every_one_tells_of_all(
    kafka_with: Callable[..., KafkaHarness],
) -> None:
    kafka = kafka_with(kafka_brokers=3)
    client = kafka.connect(2)
    client.create_topic("orders", partitions=6, replicas=3)
    answer = client.ask("Metadata", {"Topics": [{"Name": "orders"}]})
    assert [(one["NodeId"], one["Port"]) for one in answer["Brokers"]] == [(1, 9092), (2, 9093), (3, 9094)]
    partitions = answer["Topics"][0]["Partitions"]
    assert sorted(one["LeaderId"] for one in partitions) == [1, 1, 2, 2, 3, 3]
    assert all(
        sorted(one["ReplicaNodes"]) == [1, 2, 3] and one["ReplicaNodes"][0] == one["LeaderId"] for one in partitions
    )


def test_null_asks_for_all_topics_and_an_empty_list_for_none(client: Client) -> None:
    for name in ("b", "a"):
        client.create_topic(name)
    assert {topic["Name"] for topic in client.ask("Metadata", {"Topics": None})["Topics"]} == {"a", "b"}
    assert client.ask("Metadata", {"Topics": []})["Topics"] == []
    assert len(client.ask("Metadata", {"Topics": []}, version=0)["Topics"]) == 2


def test_a_missing_topic_is_made_at_once_where_the_client_allows_it(client: Client) -> None:
    [topic] = ask(client, "new", AllowAutoTopicCreation=True)
    assert (topic["ErrorCode"], len(topic["Partitions"])) == (0, 1)
    assert ask(client, "new")[0]["TopicId"] == topic["TopicId"]


def test_old_versions_always_allow_it(client: Client) -> None:
    assert ask(client, "new", AllowAutoTopicCreation=True, version=3)[0]["ErrorCode"] == 0


def test_a_missing_topic_is_not_made_where_the_client_forbids_it(client: Client) -> None:
    assert ask(client, "new")[0]["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION
    assert client.ask("Metadata", {"Topics": None})["Topics"] == []


def test_a_missing_topic_is_not_made_where_the_server_forbids_it(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_auto_create_topics=False).connect()
    assert ask(client, "new", AllowAutoTopicCreation=True)[0]["ErrorCode"] == Error.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "ä", "x" * 250, "a/b"])
def test_a_name_that_cannot_be_is_refused(client: Client, name: str) -> None:
    assert ask(client, name, AllowAutoTopicCreation=True)[0]["ErrorCode"] == Error.INVALID_TOPIC_EXCEPTION


def test_the_longest_name_is_fine(client: Client) -> None:
    assert ask(client, "x" * 249, AllowAutoTopicCreation=True)[0]["ErrorCode"] == 0


def test_names_that_metrics_cannot_tell_apart_collide(client: Client) -> None:
    client.create_topic("a.b")
    assert ask(client, "a_b", AllowAutoTopicCreation=True)[0]["ErrorCode"] == Error.INVALID_TOPIC_EXCEPTION


def test_internal_topics_are_not_made_by_asking(client: Client) -> None:
    [topic] = ask(client, "__consumer_offsets", AllowAutoTopicCreation=True)
    assert (topic["ErrorCode"], topic["IsInternal"]) == (Error.UNKNOWN_TOPIC_OR_PARTITION, True)


def test_a_topic_is_found_by_its_id(client: Client) -> None:
    topic_id = client.create_topic("orders")
    found, missing = client.ask(
        "Metadata", {"Topics": [{"TopicId": topic_id, "Name": None}, {"TopicId": b"?" * 16, "Name": None}]}
    )["Topics"]
    assert (found["Name"], found["ErrorCode"]) == ("orders", 0)
    assert (missing["Name"], missing["ErrorCode"], missing["TopicId"]) == (None, Error.UNKNOWN_TOPIC_ID, b"?" * 16)


def test_who_asks_for_authorized_operations_gets_them_all_without_an_authorizer(client: Client) -> None:
    client.create_topic("orders")
    [topic] = ask(client, "orders", IncludeTopicAuthorizedOperations=True)
    assert topic["TopicAuthorizedOperations"] == sum(1 << operation for operation in (3, 4, 5, 6, 7, 8, 10, 11))
