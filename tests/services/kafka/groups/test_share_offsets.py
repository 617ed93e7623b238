"""Start offsets of share groups: described, altered, deleted; and what a restart leaves of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka_acls import DESCRIBE, GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import make_topic
from tests.support.kafka_consumer import GROUP_ID_NOT_FOUND, Consumer, Place, at_once
from tests.support.kafka_share import ACCEPT, RELEASE, Sharer, acquired, from_the_start, share_group

NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED = 68, 3, 30, 29


@pytest.fixture
def place(kafka: KafkaHarness) -> Place:
    at_once(kafka)
    from_the_start(kafka)
    return make_topic(kafka, partitions=1), 0


@pytest.fixture
def member(kafka: KafkaHarness, client: Client, place: Place) -> Sharer:
    """A member that has got the records 0 to 4."""
    one = Sharer(kafka, "a")
    one.join()
    client.produce("orders", *[b"x"] * 5)
    one.fetch()
    return one


def described(
    client: Client, topics: dict[str, list[int]] | None = None, *, group: str = "sharers"
) -> list[tuple[Any, ...]]:
    named = None if topics is None else [{"TopicName": it, "Partitions": indexes} for it, indexes in topics.items()]
    [found] = client.ask("DescribeShareGroupOffsets", {"Groups": [{"GroupId": group, "Topics": named}]})["Groups"]
    assert found["ErrorCode"] == 0, found
    return [
        (topic["TopicName"], row["PartitionIndex"], row["StartOffset"], row["Lag"], row["ErrorCode"])
        for topic in found["Topics"]
        for row in topic["Partitions"]
    ]


def alter(client: Client, offset: int, *, topic: str = "orders", index: int = 0) -> dict[str, Any]:
    row = {"PartitionIndex": index, "StartOffset": offset}
    return client.ask(
        "AlterShareGroupOffsets", {"GroupId": "sharers", "Topics": [{"TopicName": topic, "Partitions": [row]}]}
    )


def delete(client: Client, topic: str = "orders") -> dict[str, Any]:
    return client.ask("DeleteShareGroupOffsets", {"GroupId": "sharers", "Topics": [{"TopicName": topic}]})


def test_offsets_are_described_with_the_lag(client: Client, member: Sharer, place: Place) -> None:
    member.acknowledge({place: [(0, 1, ACCEPT), (3, 3, ACCEPT)]})
    assert described(client) == [("orders", 0, 2, 2, 0)]
    assert described(client, {"orders": [0]}) == [("orders", 0, 2, 2, 0)]


def test_what_a_group_does_not_read_has_no_offset(kafka: KafkaHarness, client: Client, member: Sharer) -> None:
    make_topic(kafka, "payments")
    assert described(client, {"payments": [0], "none": [0], "orders": [9]}) == [
        ("payments", 0, -1, -1, 0),
        ("none", 0, -1, -1, 0),
        ("orders", 9, -1, -1, 0),
    ]
    assert described(client, {"orders": [0]}, group="nobody") == [("orders", 0, -1, -1, 0)]


def test_a_partition_from_which_nobody_has_fetched_is_not_begun(
    kafka: KafkaHarness, client: Client, place: Place
) -> None:
    Sharer(kafka, "a").join()
    assert described(client) == [("orders", 0, -1, -1, 0)]


def test_who_may_not_see_the_group_or_the_topic_is_refused() -> None:
    with guarded() as kafka:
        make_topic(kafka)
        stranger = somebody(kafka)
        asked = {"Groups": [{"GroupId": "sharers", "Topics": [{"TopicName": "orders", "Partitions": [0]}]}]}
        [group] = stranger.ask("DescribeShareGroupOffsets", asked)["Groups"]
        assert group["ErrorCode"] == GROUP_AUTHORIZATION_FAILED
        create(kafka.connect(), creation("sharers", ResourceType=GROUP, Operation=DESCRIBE))
        assert described(stranger, {"orders": [0]}) == [("orders", 0, -1, -1, TOPIC_AUTHORIZATION_FAILED)]
        assert described(stranger) == []


def test_an_empty_group_is_set_to_another_offset(client: Client, member: Sharer) -> None:
    member.leave()
    [topic] = alter(client, 3)["Responses"]
    assert [row["ErrorCode"] for row in topic["Partitions"]] == [0]
    assert described(client) == [("orders", 0, 3, 2, 0)]
    member.join()
    assert acquired(member.fetch(session_epoch=0)) == [(3, 4, 1)]


def test_a_group_with_members_is_not_set(client: Client, member: Sharer) -> None:
    assert (alter(client, 3)["ErrorCode"], delete(client)["ErrorCode"]) == (NON_EMPTY_GROUP, NON_EMPTY_GROUP)


def test_a_group_that_is_not_there_is_made_to_be_set(kafka: KafkaHarness, client: Client, place: Place) -> None:
    assert alter(client, 3)["ErrorCode"] == 0
    assert (share_group(kafka).state, described(client)) == ("Empty", [("orders", 0, 3, -3, 0)])


@pytest.mark.parametrize(("topic", "index"), [("none", 0), ("orders", 1)])
def test_partitions_that_are_not_there_cannot_be_set(client: Client, place: Place, topic: str, index: int) -> None:
    [answered] = alter(client, 3, topic=topic, index=index)["Responses"]
    assert [row["ErrorCode"] for row in answered["Partitions"]] == [UNKNOWN_TOPIC_OR_PARTITION]


def test_a_consumer_groups_offsets_are_not_set_here(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "c", group="sharers").join()
    assert alter(client, 3)["ErrorCode"] == GROUP_ID_NOT_FOUND


def test_a_deleted_topic_of_a_group_begins_anew(client: Client, member: Sharer, place: Place) -> None:
    member.acknowledge({place: [(0, 1, ACCEPT)]})
    member.leave()
    assert delete(client)["Responses"] == [
        {"TopicName": "orders", "TopicId": place[0], "ErrorCode": 0, "ErrorMessage": None}
    ]
    assert described(client) == []


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("payments", "There is no offset information to delete."),
        ("none", "This server does not host this topic-partition."),
    ],
)
def test_what_a_group_does_not_read_cannot_be_deleted(
    kafka: KafkaHarness, client: Client, member: Sharer, topic: str, words: str
) -> None:
    make_topic(kafka, "payments")
    member.leave()
    [row] = delete(client, topic)["Responses"]
    assert (row["ErrorCode"], row["ErrorMessage"]) == (UNKNOWN_TOPIC_OR_PARTITION, words)


def test_a_group_that_is_not_there_has_nothing_to_delete(client: Client) -> None:
    assert delete(client)["ErrorCode"] == GROUP_ID_NOT_FOUND


def test_a_restart_keeps_what_was_said_and_ends_all_locks(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        from_the_start(kafka)
        place = (make_topic(kafka, partitions=1), 0)
        member = Sharer(kafka, "a")
        member.join()
        kafka.connect().produce("orders", *[b"x"] * 6)
        member.fetch()
        member.acknowledge({place: [(0, 0, ACCEPT), (2, 2, ACCEPT), (4, 4, RELEASE)]})
    with KafkaHarness(data_dir=tmp_path) as kafka:
        assert described(kafka.connect()) == [("orders", 0, 1, 4, 0)]
        member = Sharer(kafka, "a")
        assert member.join()["MemberEpoch"] == 2
        assert acquired(member.fetch()) == [(1, 1, 1), (3, 3, 1), (4, 4, 2), (5, 5, 1)]


def test_a_deleted_group_leaves_nothing_behind(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka, partitions=1)
        member = Sharer(kafka, "a")
        member.join()
        member.fetch()
        member.leave()
        kafka.cluster.groups.delete("sharers")
    with KafkaHarness(data_dir=tmp_path) as kafka:
        assert kafka.cluster.groups.get("sharers") is None
        assert described(kafka.connect()) == []


def test_the_status_page_shows_offsets_and_members(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    member.acknowledge({place: [(0, 0, ACCEPT)]})
    [group] = kafka.cluster.groups.describe_all()
    assert (group["kind"], group["state"]) == ("share", "Stable")
    assert group["shared"] == [{"topic": "orders", "partition": 0, "start_offset": 1, "in_flight": 4, "lag": 4}]
    assert group["members"] == [{"member_id": "a", "client_id": "test", "epoch": 1, "partitions": ["orders-0"]}]
