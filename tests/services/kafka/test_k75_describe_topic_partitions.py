"""DescribeTopicPartitions (key 75): topics in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.state import Node
from tests.support.kafka_broker import Client, KafkaHarness

Page = tuple[list[tuple[str, list[int]]], tuple[str, int] | None]


def ask(client: Client, *names: str, limit: int = 2000, cursor: tuple[str, int] | None = None) -> Any:
    request = {
        "Topics": [{"Name": name} for name in names],
        "ResponsePartitionLimit": limit,
        "Cursor": None if cursor is None else {"TopicName": cursor[0], "PartitionIndex": cursor[1]},
    }
    return client.ask("DescribeTopicPartitions", request)


def page(client: Client, *names: str, limit: int = 2000, cursor: tuple[str, int] | None = None) -> Page:
    """Answer the partitions by topic, and where the next page begins."""
    answer = ask(client, *names, limit=limit, cursor=cursor)
    following = answer["NextCursor"]
    topics = [(topic["Name"], [found["PartitionIndex"] for found in topic["Partitions"]]) for topic in answer["Topics"]]
    return topics, following and (following["TopicName"], following["PartitionIndex"])


@pytest.fixture
def topics(client: Client) -> Client:
    """Topics a and b of two and three partitions."""
    client.create_topic("b", 3)
    client.create_topic("a", 2)
    return client


def test_a_partition_is_described(client: Client) -> None:
    topic_id = client.create_topic("orders")
    [topic] = ask(client, "orders")["Topics"]
    assert (topic["ErrorCode"], topic["TopicId"], topic["IsInternal"]) == (0, topic_id, False)
    assert topic["Partitions"] == [
        {
            "ErrorCode": 0,
            "PartitionIndex": 0,
            "LeaderId": 1,
            "LeaderEpoch": 0,
            "ReplicaNodes": [1],
            "IsrNodes": [1],
            "EligibleLeaderReplicas": [],
            "LastKnownElr": [],
            "OfflineReplicas": [],
        }
    ]


def test_leaders_go_round_the_brokers(kafka: KafkaHarness, client: Client) -> None:
    kafka.cluster.nodes += [Node(2, 9093), Node(3, 9094)]
    client.create_topic("orders", 3, 2)
    [topic] = ask(client, "orders")["Topics"]
    assert [found["ReplicaNodes"] for found in topic["Partitions"]] == [[1, 2], [2, 3], [3, 1]]


def test_all_topics_come_by_name(topics: Client) -> None:
    assert page(topics) == ([("a", [0, 1]), ("b", [0, 1, 2])], None)


def test_pages_are_cut_inside_of_topics(topics: Client) -> None:
    assert page(topics, limit=3) == ([("a", [0, 1]), ("b", [0])], ("b", 1))
    assert page(topics, limit=3, cursor=("b", 1)) == ([("b", [1, 2])], None)


def test_a_page_may_end_with_a_topic(topics: Client) -> None:
    assert page(topics, limit=2) == ([("a", [0, 1])], ("b", 0))


def test_a_page_has_a_partition_at_least(topics: Client) -> None:
    assert page(topics, limit=0) == ([("a", [0])], ("a", 1))


def test_going_from_page_to_page_shows_every_partition_once(topics: Client) -> None:
    seen, cursor = [], None
    while True:
        found, cursor = page(topics, limit=1, cursor=cursor)
        seen += [(name, index) for name, indexes in found for index in indexes]
        if cursor is None:
            break
    assert seen == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2)]


def test_a_cursor_behind_the_last_partition_goes_on_with_the_next_topic(topics: Client) -> None:
    assert page(topics, cursor=("a", 9)) == ([("a", []), ("b", [0, 1, 2])], None)


def test_a_topic_that_was_deleted_meanwhile_is_passed_over(topics: Client) -> None:
    assert page(topics, cursor=("aa", 1)) == ([("b", [0, 1, 2])], None)


def test_missing_topics_are_told(topics: Client) -> None:
    found = [(topic["Name"], topic["ErrorCode"]) for topic in ask(topics, "a", "nobody", "a b")["Topics"]]
    assert found == [("a", 0), ("a b", Error.INVALID_TOPIC_EXCEPTION), ("nobody", Error.UNKNOWN_TOPIC_OR_PARTITION)]


@pytest.mark.parametrize(("names", "cursor"), [(["a"], ("b", 0)), (["a"], ("a", -1))])
def test_a_bad_cursor_is_refused(topics: Client, names: list[str], cursor: tuple[str, int]) -> None:
    [topic] = ask(topics, *names, cursor=cursor)["Topics"]
    assert topic["ErrorCode"] == Error.INVALID_REQUEST


def test_who_may_not_describe_sees_nothing(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_authorizer=True)
    kafka.cluster.topics.create("secret", 1, 1, {})
    client = kafka.connect()
    assert page(client) == ([], None)
    [topic] = ask(client, "secret")["Topics"]
    assert (topic["ErrorCode"], topic["TopicId"]) == (Error.TOPIC_AUTHORIZATION_FAILED, bytes(16))
