"""Offsets of consumer groups: commits and fetches carry member epochs. And groups of both kinds take each other's place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, make_topic, stable
from tests.support.kafka_consumer import (
    GROUP_ID_NOT_FOUND,
    STALE_MEMBER_EPOCH,
    UNKNOWN_MEMBER_ID,
    Consumer,
    at_once,
    group_of,
    places_of,
    settle,
)

UNSUPPORTED_VERSION, INCONSISTENT_GROUP_PROTOCOL, NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC = 35, 23, 68, 86


@pytest.fixture(autouse=True)
def orders(kafka: KafkaHarness) -> bytes:
    at_once(kafka)
    return make_topic(kafka)


def commit(client: Client, member_id: str, epoch: int, *indexes: int, version: int = 9, offset: int = 7) -> list[int]:
    rows = [{"PartitionIndex": index, "CommittedOffset": offset, "CommittedMetadata": ""} for index in indexes or (0,)]
    request = {
        "GroupId": "billing",
        "MemberId": member_id,
        "GenerationIdOrMemberEpoch": epoch,
        "Topics": [{"Name": "orders", "Partitions": rows}],
    }
    [topic] = client.ask("OffsetCommit", request, version=version)["Topics"]
    return [row["ErrorCode"] for row in topic["Partitions"]]


def fetch(client: Client, member_id: str | None = None, epoch: int = -1) -> tuple[int, list[int]]:
    wanted = {
        "GroupId": "billing",
        "MemberId": member_id,
        "MemberEpoch": epoch,
        "Topics": [{"Name": "orders", "PartitionIndexes": [0]}],
    }
    [group] = client.ask("OffsetFetch", {"Groups": [wanted]}, version=9)["Groups"]
    return group["ErrorCode"], [row["CommittedOffset"] for topic in group["Topics"] for row in topic["Partitions"]]


def test_a_member_commits_at_its_epoch_and_fetches_what_it_has_committed(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert commit(client, "a", 1) == [0]
    assert fetch(client, "a", 1) == (0, [7])


def test_an_epoch_that_is_to_come_commits_nothing(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert commit(client, "a", 2) == [STALE_MEMBER_EPOCH]


def test_a_member_that_has_gone_commits_nothing(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert commit(client, "b", 1) == [UNKNOWN_MEMBER_ID]


def test_who_is_not_a_member_commits_only_while_there_is_none(kafka: KafkaHarness, client: Client) -> None:
    member = Consumer(kafka, "a")
    member.join()
    assert commit(client, "", -1) == [UNKNOWN_MEMBER_ID]
    member.leave()
    assert commit(client, "", -1) == [0]


def test_a_member_may_be_behind_for_partitions_that_it_has_had_since(kafka: KafkaHarness, client: Client) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    settle(first, second)
    assert first.epoch == 2
    kept, lost = first.indexes, second.indexes
    assert commit(client, "a", 1, *kept) == [0, 0]
    assert commit(client, "a", 1, *lost) == [STALE_MEMBER_EPOCH] * 2


def test_a_member_commits_what_it_is_giving_up(kafka: KafkaHarness, client: Client) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    kept = {index for _, index in places_of(first.ask(1)["Assignment"])}
    assert commit(client, "a", 1, *({0, 1, 2, 3} - kept)) == [0, 0]


def test_commits_without_a_topic_of_the_group_are_stale_behind_the_epoch(kafka: KafkaHarness, client: Client) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    settle(first, second)
    rows = [{"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}]
    make_topic(kafka, "payments")
    request = {
        "GroupId": "billing",
        "MemberId": "a",
        "GenerationIdOrMemberEpoch": 1,
        "Topics": [{"Name": "payments", "Partitions": rows}],
    }
    [topic] = client.ask("OffsetCommit", request, version=9)["Topics"]
    assert topic["Partitions"][0]["ErrorCode"] == STALE_MEMBER_EPOCH


def test_an_older_offset_commit_cannot_tell_a_member_epoch(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert commit(client, "a", 1, version=8) == [UNSUPPORTED_VERSION]


@pytest.mark.parametrize(
    ("member_id", "epoch", "error"), [("b", 1, UNKNOWN_MEMBER_ID), ("a", 2, STALE_MEMBER_EPOCH), (None, -1, 0)]
)
def test_fetching_checks_the_member(
    kafka: KafkaHarness, client: Client, member_id: str | None, epoch: int, error: int
) -> None:
    Consumer(kafka, "a").join()
    assert fetch(client, member_id, epoch)[0] == error


def test_offsets_of_topics_that_are_read_are_not_deleted(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    commit(client, "a", 1)
    wanted = {"GroupId": "billing", "Topics": [{"Name": "orders", "Partitions": [{"PartitionIndex": 0}]}]}
    answer = client.ask("OffsetDelete", wanted)
    assert answer["Topics"][0]["Partitions"][0]["ErrorCode"] == GROUP_SUBSCRIBED_TO_TOPIC


def test_a_group_is_deleted_when_it_is_empty(kafka: KafkaHarness, client: Client) -> None:
    member = Consumer(kafka, "a")
    member.join()

    def delete() -> int:
        [row] = client.ask("DeleteGroups", {"GroupsNames": ["billing"]})["Results"]
        return int(row["ErrorCode"])

    assert delete() == NON_EMPTY_GROUP
    member.leave()
    assert (delete(), delete()) == (0, GROUP_ID_NOT_FOUND)


def test_an_empty_classic_group_becomes_a_consumer_group_and_keeps_its_offsets(
    kafka: KafkaHarness, client: Client
) -> None:
    former = Member(kafka)
    stable(kafka, former)
    former.client.ask("LeaveGroup", {"GroupId": "billing", "Members": [{"MemberId": former.member_id}]})
    assert commit(client, "", -1, offset=11) == [0]
    assert Consumer(kafka, "a").join()["ErrorCode"] == 0
    assert (group_of(kafka).kind, fetch(client, "a", 1)) == ("consumer", (0, [11]))


def test_an_empty_consumer_group_becomes_a_classic_one_and_keeps_its_offsets(
    kafka: KafkaHarness, client: Client
) -> None:
    member = Consumer(kafka, "a")
    member.join()
    commit(client, "a", 1)
    member.leave()
    stable(kafka, Member(kafka))
    assert (group_of(kafka).kind, fetch(client)) == ("classic", (0, [7]))


def test_a_classic_member_is_not_taken_into_a_consumer_group(kafka: KafkaHarness) -> None:
    Consumer(kafka, "a").join()
    request: dict[str, Any] = {
        "GroupId": "billing",
        "SessionTimeoutMs": 10_000,
        "RebalanceTimeoutMs": 10_000,
        "ProtocolType": "consumer",
        "Protocols": [{"Name": "range", "Metadata": b""}],
    }
    answer = kafka.connect().ask("JoinGroup", request, version=3)
    assert answer["ErrorCode"] == INCONSISTENT_GROUP_PROTOCOL
