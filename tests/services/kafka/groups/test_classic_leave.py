"""LeaveGroup: members go at once instead of being missed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, group_state, stable

INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID = 24, 25, 27, 82


def leave(client: Client, *members: tuple[str, str | None], group: str = "billing") -> list[dict[str, Any]]:
    said = [{"MemberId": member_id, "GroupInstanceId": instance_id} for member_id, instance_id in members]
    answer = client.ask("LeaveGroup", {"GroupId": group, "Members": said})
    assert answer["ErrorCode"] == 0
    rows: list[dict[str, Any]] = answer["Members"]
    return rows


def test_the_last_one_to_leave_leaves_an_empty_group(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert member.leave() == 0
    assert group_state(client, "billing") == "Empty"


def test_those_who_stay_rebalance_at_once(kafka: KafkaHarness) -> None:
    leaver, stays = Member(kafka), Member(kafka)
    stable(kafka, leaver, stays)
    assert leaver.leave() == 0
    assert stays.heartbeat() == REBALANCE_IN_PROGRESS
    answer = stays.joined(stays.join())
    assert (answer["GenerationId"], answer["Leader"]) == (2, stays.member_id)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_older_clients_leave_alone(kafka: KafkaHarness, client: Client, version: int) -> None:
    member = Member(kafka)
    stable(kafka, member)
    request = {"GroupId": "billing", "MemberId": member.member_id}
    assert client.ask("LeaveGroup", request, version=version)["ErrorCode"] == 0
    assert client.ask("LeaveGroup", request, version=version)["ErrorCode"] == UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("version", [3, 4, 5])
def test_many_leave_in_one_request_each_with_an_error_of_its_own(
    kafka: KafkaHarness, client: Client, version: int
) -> None:
    dynamic, static = Member(kafka), Member(kafka, instance="one")
    stable(kafka, dynamic, static)
    said = [(dynamic.member_id, None), ("stranger", None), ("wrong", "one"), ("", "one"), ("", "two"), ("", None)]
    members = [{"MemberId": member_id, "GroupInstanceId": instance_id} for member_id, instance_id in said]
    answer = client.ask("LeaveGroup", {"GroupId": "billing", "Members": members}, version=version)
    assert answer["ErrorCode"] == 0
    assert [(row["MemberId"], row["GroupInstanceId"]) for row in answer["Members"]] == said
    errors = [0, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, 0, UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID]
    assert [row["ErrorCode"] for row in answer["Members"]] == errors
    assert group_state(client, "billing") == "Empty"


def test_an_administrator_removes_an_instance_without_knowing_its_member_id(
    kafka: KafkaHarness, client: Client
) -> None:
    static = Member(kafka, instance="one")
    stable(kafka, static)
    [row] = leave(client, ("", "one"))
    assert row["ErrorCode"] == 0
    assert static.heartbeat() == UNKNOWN_MEMBER_ID


def test_a_removed_member_whose_requests_are_parked_is_told(kafka: KafkaHarness, client: Client) -> None:
    leader, static = Member(kafka), Member(kafka, instance="one")
    joins = leader.join(), static.send_join()
    kafka.advance(0)
    static.joined(joins[1])
    waiting = static.sync()
    leave(client, ("", "one"))
    assert waiting.answer["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_one_that_leaves_while_others_wait_for_it_lets_them_go_on(kafka: KafkaHarness) -> None:
    stays, leaver = Member(kafka), Member(kafka)
    stable(kafka, stays, leaver)
    rejoin = stays.join()
    assert rejoin.parked
    assert leaver.leave() == 0
    assert stays.joined(rejoin)["GenerationId"] == 2


def test_one_that_was_only_told_an_id_leaves(kafka: KafkaHarness, client: Client) -> None:
    leader, newcomer = Member(kafka), Member(kafka)
    stable(kafka, leader)
    newcomer.member_id = newcomer.send_join().answer["MemberId"]
    rejoin = leader.join()
    assert rejoin.parked
    assert newcomer.leave() == 0
    assert leader.joined(rejoin)["GenerationId"] == 2


def test_nobody_leaves_a_group_that_does_not_exist(client: Client) -> None:
    [row] = leave(client, ("stranger", None), group="nowhere")
    assert row["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_the_group_has_to_be_named(client: Client) -> None:
    answer = client.ask("LeaveGroup", {"GroupId": "", "Members": [{"MemberId": "stranger"}]})
    assert answer["ErrorCode"] == INVALID_GROUP_ID
