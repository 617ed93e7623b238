"""OffsetCommit: who may commit what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, group_state, make_topic, stable

UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID = 3, 12, 22, 25
REBALANCE_IN_PROGRESS, GROUP_ID_NOT_FOUND, UNKNOWN_TOPIC_ID = 27, 69, 100


@pytest.fixture(autouse=True)
def _orders(kafka: KafkaHarness) -> None:
    make_topic(kafka)


def admin(kafka: KafkaHarness) -> Member:
    """Somebody who commits without being a member."""
    return Member(kafka)


def test_a_member_commits_and_reads_it_back(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert member.commit(42, partition=1) == 0
    row = committed(client, "billing", partition=1)
    assert (row["CommittedOffset"], row["ErrorCode"]) == (42, 0)


def test_offset_epoch_and_metadata_are_kept(client: Client) -> None:
    said = {"PartitionIndex": 0, "CommittedOffset": 7, "CommittedLeaderEpoch": 3, "CommittedMetadata": "by hand"}
    client.ask("OffsetCommit", {"GroupId": "billing", "Topics": [{"Name": "orders", "Partitions": [said]}]}, version=9)
    row = committed(client, "billing")
    assert (row["CommittedOffset"], row["CommittedLeaderEpoch"], row["Metadata"]) == (7, 3, "by hand")


@pytest.mark.parametrize("version", range(2, 10))
def test_every_version_by_name_commits(client: Client, version: int) -> None:
    said = {"PartitionIndex": 0, "CommittedOffset": version, "CommittedMetadata": None}
    request = {"GroupId": "billing", "Topics": [{"Name": "orders", "Partitions": [said]}]}
    [topic] = client.ask("OffsetCommit", request, version=version)["Topics"]
    assert (topic["Name"], topic["Partitions"]) == ("orders", [{"PartitionIndex": 0, "ErrorCode": 0}])
    row = committed(client, "billing")
    assert (row["CommittedOffset"], row["Metadata"]) == (version, "")


def test_version_10_commits_by_id(kafka: KafkaHarness, client: Client) -> None:
    ids = [make_topic(kafka, "bills"), bytes(range(16))]
    said = [{"PartitionIndex": 0, "CommittedOffset": 9}]
    topics = [{"TopicId": topic_id, "Partitions": said} for topic_id in ids]
    answer = client.ask("OffsetCommit", {"GroupId": "billing", "Topics": topics}, version=10)["Topics"]
    assert [(topic["TopicId"], topic["Partitions"][0]["ErrorCode"]) for topic in answer] == [
        (ids[0], 0),
        (ids[1], UNKNOWN_TOPIC_ID),
    ]
    assert committed(client, "billing", "bills")["CommittedOffset"] == 9


def test_topics_and_partitions_that_do_not_exist_are_refused_alone(client: Client) -> None:
    rows = [{"PartitionIndex": index, "CommittedOffset": 1} for index in (0, 4, -1)]
    topics = [{"Name": name, "Partitions": rows} for name in ("orders", "nothing")]
    answer = client.ask("OffsetCommit", {"GroupId": "billing", "Topics": topics}, version=9)["Topics"]
    errors = [[row["ErrorCode"] for row in topic["Partitions"]] for topic in answer]
    assert errors == [[0, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION], [UNKNOWN_TOPIC_OR_PARTITION] * 3]


@pytest.mark.parametrize(("length", "error"), [(4096, 0), (4097, OFFSET_METADATA_TOO_LARGE)])
def test_metadata_is_bounded(client: Client, length: int, error: int) -> None:
    said = {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": "x" * length}
    request = {"GroupId": "billing", "Topics": [{"Name": "orders", "Partitions": [said]}]}
    assert client.ask("OffsetCommit", request, version=9)["Topics"][0]["Partitions"][0]["ErrorCode"] == error
    assert committed(client, "billing")["CommittedOffset"] == (1 if error == 0 else -1)


def test_who_assigns_its_partitions_itself_commits_to_a_group_without_members(
    kafka: KafkaHarness, client: Client
) -> None:
    assert admin(kafka).commit(5) == 0
    assert group_state(client, "billing") == "Empty"
    [listed] = client.ask("ListGroups")["Groups"]
    assert (listed["GroupId"], listed["ProtocolType"]) == ("billing", "")


def test_a_group_without_a_name_may_commit_as_of_old(kafka: KafkaHarness, client: Client) -> None:
    assert Member(kafka, "").commit(5) == 0
    assert committed(client, "")["CommittedOffset"] == 5


def test_nobody_commits_from_outside_while_there_are_members(kafka: KafkaHarness) -> None:
    stable(kafka, Member(kafka))
    assert admin(kafka).commit(5) == UNKNOWN_MEMBER_ID


@pytest.mark.parametrize(("version", "error"), [(8, ILLEGAL_GENERATION), (9, GROUP_ID_NOT_FOUND)])
def test_a_generation_of_a_group_that_does_not_exist_is_refused(client: Client, version: int, error: int) -> None:
    said = [{"PartitionIndex": 0, "CommittedOffset": 1}]
    request = {
        "GroupId": "billing",
        "GenerationIdOrMemberEpoch": 3,
        "MemberId": "stranger",
        "Topics": [{"Name": "orders", "Partitions": said}],
    }
    answer = client.ask("OffsetCommit", request, version=version)
    assert answer["Topics"][0]["Partitions"][0]["ErrorCode"] == error


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"GenerationIdOrMemberEpoch": 0}, ILLEGAL_GENERATION),
        ({"GenerationIdOrMemberEpoch": 2}, ILLEGAL_GENERATION),
        ({"MemberId": "stranger"}, UNKNOWN_MEMBER_ID),
        ({"GroupInstanceId": "one"}, UNKNOWN_MEMBER_ID),
    ],
)
def test_only_members_of_this_generation_commit(
    kafka: KafkaHarness, client: Client, said: dict[str, Any], error: int
) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert member.commit(5, **said) == error
    assert committed(client, "billing")["CommittedOffset"] == -1


def test_a_member_of_a_group_that_has_emptied_is_unknown(kafka: KafkaHarness) -> None:
    member = Member(kafka, session_s=10)
    stable(kafka, member)
    kafka.advance(10)
    assert member.commit(5) == UNKNOWN_MEMBER_ID


def test_members_commit_what_they_have_read_before_they_join_again(kafka: KafkaHarness) -> None:
    member = Member(kafka)
    stable(kafka, member)
    Member(kafka).join()
    assert member.heartbeat() == REBALANCE_IN_PROGRESS
    assert member.commit(5) == 0


def test_nobody_commits_between_join_and_sync(kafka: KafkaHarness) -> None:
    member = Member(kafka)
    join = member.join()
    kafka.advance(0)
    member.joined(join)
    assert member.commit(5) == REBALANCE_IN_PROGRESS


def test_offsets_may_go_back(kafka: KafkaHarness, client: Client) -> None:
    for offset in (10, 3):
        assert admin(kafka).commit(offset) == 0
    assert committed(client, "billing")["CommittedOffset"] == 3
