"""What administrators ask of groups: DescribeGroups, ListGroups, DeleteGroups, OffsetDelete, and the status page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, group_state, make_topic, stable, subscription

UNKNOWN_TOPIC_OR_PARTITION, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID = 3, 24, 25
NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, GROUP_SUBSCRIBED_TO_TOPIC = 68, 69, 86
ALL_OPERATIONS = sum(1 << code for code in (3, 6, 8, 10, 11))
"""READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS"""


def described(client: Client, group: str = "billing", **more: Any) -> dict[str, Any]:
    [found] = client.ask("DescribeGroups", {"Groups": [group], **more})["Groups"]
    one: dict[str, Any] = found
    return one


def delete(client: Client, *groups: str) -> dict[str, int]:
    answer = client.ask("DeleteGroups", {"GroupsNames": list(groups)})
    return {row["GroupId"]: row["ErrorCode"] for row in answer["Results"]}


def delete_offsets(client: Client, topic: str = "orders", *partitions: int, group: str = "billing") -> dict[str, Any]:
    rows = [{"PartitionIndex": index} for index in partitions or (0,)]
    return client.ask("OffsetDelete", {"GroupId": group, "Topics": [{"Name": topic, "Partitions": rows}]})


def test_a_stable_group_is_described_with_what_its_members_say(kafka: KafkaHarness, client: Client) -> None:
    first, second = Member(kafka), Member(kafka, instance="one")
    stable(kafka, first, second)
    group = described(client)
    assert (group["ErrorCode"], group["GroupState"], group["ProtocolType"], group["ProtocolData"]) == (
        0,
        "Stable",
        "consumer",
        "range",
    )
    assert group["Members"] == [
        {
            "MemberId": member.member_id,
            "GroupInstanceId": member.instance,
            "ClientId": "test",
            "ClientHost": "/127.0.0.1",
            "MemberMetadata": subscription("orders"),
            "MemberAssignment": assigned,
        }
        for member, assigned in ((first, b"0"), (second, b"1"))
    ]


def test_a_group_that_rebalances_is_described_without(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    stable(kafka, member)
    Member(kafka).join()
    group = described(client)
    assert (group["GroupState"], group["ProtocolData"]) == ("PreparingRebalance", "")
    assert [row["MemberMetadata"] for row in group["Members"]] == [b"", b""]


@pytest.mark.parametrize("version", range(7))
def test_a_group_that_does_not_exist_is_dead_and_since_version_6_an_error(client: Client, version: int) -> None:
    [group] = client.ask("DescribeGroups", {"Groups": ["nowhere"]}, version=version)["Groups"]
    assert group["GroupState"] == "Dead"
    assert group["ErrorCode"] == (GROUP_ID_NOT_FOUND if version == 6 else 0)
    assert group["ErrorMessage"] == ("Group nowhere not found." if version == 6 else None)


@pytest.mark.parametrize(("asked", "told"), [(True, ALL_OPERATIONS), (False, -(1 << 31))])
def test_what_the_caller_may_do_is_told_on_request(kafka: KafkaHarness, client: Client, asked: bool, told: int) -> None:
    stable(kafka, Member(kafka))
    assert described(client, IncludeAuthorizedOperations=asked)["AuthorizedOperations"] == told


@pytest.fixture
def _three(kafka: KafkaHarness) -> None:
    """A stable, an empty and a rebalancing group."""
    make_topic(kafka)
    stable(kafka, Member(kafka, "stable"))
    Member(kafka, "empty").commit(1)
    Member(kafka, "joining", protocol_type="connect").join()


@pytest.mark.usefixtures("_three")
@pytest.mark.parametrize(
    ("filters", "groups"),
    [
        ({}, {"stable", "empty", "joining"}),
        ({"StatesFilter": ["Stable"]}, {"stable"}),
        ({"StatesFilter": ["STABLE", "empty"]}, {"stable", "empty"}),
        ({"StatesFilter": ["Dead"]}, set()),
        ({"TypesFilter": ["Classic"]}, {"stable", "empty", "joining"}),
        ({"TypesFilter": ["consumer"]}, set()),
        ({"StatesFilter": ["PreparingRebalance"], "TypesFilter": ["classic"]}, {"joining"}),
    ],
)
def test_groups_are_listed_by_state_and_kind(client: Client, filters: dict[str, Any], groups: set[str]) -> None:
    assert {group["GroupId"] for group in client.ask("ListGroups", filters)["Groups"]} == groups


@pytest.mark.usefixtures("_three")
def test_a_listed_group_tells_what_it_is(client: Client) -> None:
    listed = {group["GroupId"]: group for group in client.ask("ListGroups")["Groups"]}
    assert listed["joining"] == {
        "GroupId": "joining",
        "ProtocolType": "connect",
        "GroupState": "PreparingRebalance",
        "GroupType": "classic",
    }


@pytest.mark.usefixtures("_three")
@pytest.mark.parametrize("version", range(6))
def test_every_version_lists_groups(client: Client, version: int) -> None:
    groups = client.ask("ListGroups", version=version)["Groups"]
    assert {group["GroupId"]: group["ProtocolType"] for group in groups} == {
        "stable": "consumer",
        "empty": "",
        "joining": "connect",
    }


@pytest.mark.usefixtures("_three")
def test_only_empty_groups_are_deleted(client: Client) -> None:
    errors = {"stable": NON_EMPTY_GROUP, "joining": NON_EMPTY_GROUP, "empty": 0, "nowhere": GROUP_ID_NOT_FOUND}
    assert delete(client, *errors) == errors
    assert group_state(client, "empty") == "Dead"


def test_a_deleted_group_has_committed_nothing(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    member = Member(kafka)
    stable(kafka, member)
    member.commit(5)
    member.leave()
    assert delete(client, "billing") == {"billing": 0}
    assert committed(client, "billing")["CommittedOffset"] == -1
    assert member.heartbeat() == UNKNOWN_MEMBER_ID


def test_a_group_that_is_named_twice_is_deleted_once(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    Member(kafka).commit(5)
    answer = client.ask("DeleteGroups", {"GroupsNames": ["billing", "billing"]})
    assert answer["Results"] == [{"GroupId": "billing", "ErrorCode": 0}]


def test_offsets_of_an_empty_group_are_deleted_one_by_one(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    for partition in (0, 1):
        Member(kafka).commit(5, partition=partition)
    [topic] = delete_offsets(client, "orders", 0, 3, 4)["Topics"]
    assert [row["ErrorCode"] for row in topic["Partitions"]] == [0, 0, UNKNOWN_TOPIC_OR_PARTITION]
    assert committed(client, "billing", partition=0)["CommittedOffset"] == -1
    assert committed(client, "billing", partition=1)["CommittedOffset"] == 5


def test_offsets_of_a_topic_that_a_member_reads_stay(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka, "orders")
    make_topic(kafka, "bills")
    member = Member(kafka, protocols={"range": subscription("orders")})
    stable(kafka, member)
    for topic, error, left in (("orders", GROUP_SUBSCRIBED_TO_TOPIC, 5), ("bills", 0, -1)):
        member.commit(5, topic)
        assert delete_offsets(client, topic)["Topics"][0]["Partitions"][0]["ErrorCode"] == error
        assert committed(client, "billing", topic)["CommittedOffset"] == left


def test_members_that_are_no_consumers_may_read_any_topic(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    stable(kafka, Member(kafka, protocol_type="connect"))
    assert delete_offsets(client)["ErrorCode"] == NON_EMPTY_GROUP


@pytest.mark.parametrize(("group", "error"), [("nowhere", GROUP_ID_NOT_FOUND), ("", INVALID_GROUP_ID)])
def test_offsets_of_no_group_are_not_deleted(kafka: KafkaHarness, client: Client, group: str, error: int) -> None:
    make_topic(kafka)
    assert delete_offsets(client, group=group)["ErrorCode"] == error


def test_the_status_tells_members_and_lag(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    member = Member(kafka)
    stable(kafka, member)
    client.produce("orders", b"a", b"b", b"c")
    member.commit(1)
    [group] = kafka.cluster.groups.describe_all()
    assert (group["group"], group["kind"], group["state"], group["generation"]) == ("billing", "classic", "Stable", 1)
    assert [one["member_id"] for one in group["members"]] == [member.member_id]
    assert group["offsets"] == [
        {"topic": "orders", "partition": 0, "committed_offset": 1, "end_offset": 3, "lag": 2},
    ]
