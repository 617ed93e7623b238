"""OffsetFetch: where a group goes on, and what it is told of partitions that it has never read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, make_topic

UNKNOWN_TOPIC_ID = 100


@pytest.fixture(autouse=True)
def _orders(kafka: KafkaHarness) -> None:
    make_topic(kafka)


def offsets(topics: list[dict[str, Any]]) -> dict[tuple[str, int], int]:
    return {
        (topic["Name"], row["PartitionIndex"]): row["CommittedOffset"]
        for topic in topics
        for row in topic["Partitions"]
    }


@pytest.mark.parametrize("version", range(1, 8))
def test_one_group_is_asked_by_older_clients(kafka: KafkaHarness, client: Client, version: int) -> None:
    Member(kafka).commit(5, partition=1)
    request = {"GroupId": "billing", "Topics": [{"Name": "orders", "PartitionIndexes": [0, 1]}]}
    answer = client.ask("OffsetFetch", request, version=version)
    assert answer["ErrorCode"] == 0
    assert offsets(answer["Topics"]) == {("orders", 0): -1, ("orders", 1): 5}


@pytest.mark.parametrize("version", [8, 9])
def test_many_groups_are_asked_at_once(kafka: KafkaHarness, client: Client, version: int) -> None:
    Member(kafka, "one").commit(1)
    Member(kafka, "two").commit(2)
    topics = [{"Name": "orders", "PartitionIndexes": [0]}]
    request = {"Groups": [{"GroupId": group, "Topics": topics} for group in ("one", "two", "three")]}
    answer = client.ask("OffsetFetch", request, version=version)["Groups"]
    found = {group["GroupId"]: group["Topics"][0]["Partitions"][0] for group in answer}
    assert {group: row["CommittedOffset"] for group, row in found.items()} == {"one": 1, "two": 2, "three": -1}
    assert {row["ErrorCode"] for row in found.values()} == {0}


def test_version_10_asks_by_id(kafka: KafkaHarness, client: Client) -> None:
    bills = make_topic(kafka, "bills")
    Member(kafka).commit(4, "bills")
    wanted = [{"TopicId": topic_id, "PartitionIndexes": [0]} for topic_id in (bills, bytes(range(16)))]
    [group] = client.ask("OffsetFetch", {"Groups": [{"GroupId": "billing", "Topics": wanted}]}, version=10)["Groups"]
    rows = [(topic["TopicId"], topic["Partitions"][0]) for topic in group["Topics"]]
    assert [(topic_id, row["CommittedOffset"], row["ErrorCode"]) for topic_id, row in rows] == [
        (bills, 4, 0),
        (bytes(range(16)), -1, UNKNOWN_TOPIC_ID),
    ]


def test_what_was_never_committed_has_no_error(client: Client) -> None:
    row = committed(client, "nowhere")
    assert row == {
        "PartitionIndex": 0,
        "CommittedOffset": -1,
        "CommittedLeaderEpoch": -1,
        "Metadata": "",
        "ErrorCode": 0,
    }


@pytest.mark.parametrize("version", range(2, 8))
def test_no_topics_mean_all_that_were_committed(kafka: KafkaHarness, client: Client, version: int) -> None:
    make_topic(kafka, "bills")
    for topic, partition in (("orders", 0), ("orders", 3), ("bills", 1)):
        Member(kafka).commit(partition + 1, topic, partition)
    answer = client.ask("OffsetFetch", {"GroupId": "billing", "Topics": None}, version=version)
    assert offsets(answer["Topics"]) == {("orders", 0): 1, ("orders", 3): 4, ("bills", 1): 2}


@pytest.mark.parametrize("version", [8, 9, 10])
def test_no_topics_mean_all_of_each_group(kafka: KafkaHarness, client: Client, version: int) -> None:
    topic_id = make_topic(kafka, "bills")
    Member(kafka, "one").commit(7, "bills", 1)
    request = {"Groups": [{"GroupId": "one", "Topics": None}, {"GroupId": "two", "Topics": None}]}
    one, two = client.ask("OffsetFetch", request, version=version)["Groups"]
    assert (two["Topics"], two["ErrorCode"]) == ([], 0)
    [topic] = one["Topics"]
    assert (topic["TopicId"] if version == 10 else topic["Name"]) == (topic_id if version == 10 else "bills")
    assert [row["CommittedOffset"] for row in topic["Partitions"]] == [7]


def test_a_deleted_topic_takes_its_offsets_along(kafka: KafkaHarness, client: Client) -> None:
    Member(kafka).commit(5)
    topics = kafka.cluster.topics
    orders = topics.get("orders")
    assert orders is not None
    topics.delete(orders)
    make_topic(kafka)
    assert committed(client, "billing")["CommittedOffset"] == -1
    [group] = client.ask("OffsetFetch", {"Groups": [{"GroupId": "billing", "Topics": None}]}, version=9)["Groups"]
    assert group["Topics"] == []


def test_classic_groups_do_not_look_at_members(kafka: KafkaHarness, client: Client) -> None:
    Member(kafka).commit(5)
    assert committed(client, "billing", MemberId="stranger", MemberEpoch=7)["CommittedOffset"] == 5
