"""SyncGroup: the leader's decision reaches the others; and Heartbeat, which tells that it holds no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness, Pending
from tests.support.kafka_classic import Member, group_state, stable

ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID = 22, 23, 24, 25
REBALANCE_IN_PROGRESS = 27


def joined(kafka: KafkaHarness, count: int = 2) -> list[Member]:
    """Members of generation 1, the leader first, that have not synced."""
    members = [Member(kafka) for _ in range(count)]
    joins = [member.join() for member in members]
    kafka.advance(0)
    for member, join in zip(members, joins, strict=True):
        member.joined(join)
    return members


def assignment(pending: Pending) -> bytes:
    answer = pending.answer
    assert answer["ErrorCode"] == 0, answer
    return bytes(answer["Assignment"])


def test_followers_wait_for_the_leader(kafka: KafkaHarness, client: Client) -> None:
    leader, follower = joined(kafka)
    waiting = follower.sync()
    assert waiting.parked
    assert group_state(client, "billing") == "CompletingRebalance"
    told = leader.sync({leader.member_id: b"mine", follower.member_id: b"yours"})
    assert (assignment(told), assignment(waiting)) == (b"mine", b"yours")
    assert group_state(client, "billing") == "Stable"


def test_a_follower_that_comes_later_is_told_at_once(kafka: KafkaHarness) -> None:
    leader, follower = joined(kafka)
    leader.sync({follower.member_id: b"yours"})
    assert assignment(follower.sync()) == b"yours"


def test_whom_the_leader_forgets_is_assigned_nothing(kafka: KafkaHarness) -> None:
    leader, follower = joined(kafka)
    waiting = follower.sync()
    leader.sync({leader.member_id: b"all"})
    assert assignment(waiting) == b""


def test_the_answer_names_the_protocol(kafka: KafkaHarness) -> None:
    [leader] = joined(kafka, 1)
    answer = leader.sync({}).answer
    assert (answer["ProtocolType"], answer["ProtocolName"]) == ("consumer", "range")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"GenerationId": 0}, ILLEGAL_GENERATION),
        ({"GenerationId": 2}, ILLEGAL_GENERATION),
        ({"MemberId": "stranger"}, UNKNOWN_MEMBER_ID),
        ({"GroupId": "nowhere"}, UNKNOWN_MEMBER_ID),
        ({"GroupId": ""}, INVALID_GROUP_ID),
        ({"ProtocolType": "connect"}, INCONSISTENT_GROUP_PROTOCOL),
        ({"ProtocolName": "sticky"}, INCONSISTENT_GROUP_PROTOCOL),
        ({"ProtocolType": None}, INCONSISTENT_GROUP_PROTOCOL),
        ({"ProtocolName": None}, INCONSISTENT_GROUP_PROTOCOL),
        ({"GroupInstanceId": "one"}, UNKNOWN_MEMBER_ID),
    ],
)
def test_a_sync_of_somebody_else_is_refused(kafka: KafkaHarness, said: dict[str, Any], error: int) -> None:
    [leader] = joined(kafka, 1)
    assert leader.sync(**said).answer["ErrorCode"] == error


@pytest.mark.parametrize("version", range(5))
def test_older_clients_need_not_name_the_protocol(kafka: KafkaHarness, version: int) -> None:
    [leader] = joined(kafka, 1)
    request = {"GroupId": "billing", "GenerationId": 1, "MemberId": leader.member_id}
    assert leader.client.ask("SyncGroup", request, version=version)["ErrorCode"] == 0


def test_a_sync_while_members_join_is_told_to_join(kafka: KafkaHarness) -> None:
    leader, newcomer = Member(kafka), Member(kafka)
    stable(kafka, leader)
    newcomer.join()
    assert leader.sync({}).answer["ErrorCode"] == REBALANCE_IN_PROGRESS


def test_parked_syncs_are_told_to_join_when_somebody_comes(kafka: KafkaHarness) -> None:
    leader, follower = joined(kafka)
    waiting = follower.sync()
    newcomer = Member(kafka)
    join = newcomer.join()
    assert waiting.answer["ErrorCode"] == REBALANCE_IN_PROGRESS
    rejoins = leader.join(), follower.join()
    assert [pending.answer["GenerationId"] for pending in (join, *rejoins)] == [2, 2, 2]


def test_a_sync_that_is_sent_again_takes_the_place_of_the_parked_one(kafka: KafkaHarness) -> None:
    leader, follower = joined(kafka)
    given_up = follower.sync()
    follower.client = kafka.connect()
    again = follower.sync()
    assert given_up.answer["ErrorCode"] == REBALANCE_IN_PROGRESS
    leader.sync({follower.member_id: b"yours"})
    assert assignment(again) == b"yours"


def test_who_never_syncs_is_removed_after_the_rebalance_timeout(kafka: KafkaHarness, client: Client) -> None:
    leader, silent = [Member(kafka, session_s=300, rebalance_s=60) for _ in range(2)]
    joins = leader.join(), silent.join()
    kafka.advance(0)
    leader.joined(joins[0])
    leader.sync({})
    kafka.advance(59.999)
    assert leader.heartbeat() == 0
    kafka.advance(0.001)
    assert leader.heartbeat() == REBALANCE_IN_PROGRESS
    assert [row["MemberId"] for row in leader.joined(leader.join())["Members"]] == [leader.member_id]


def test_a_leader_that_never_syncs_is_removed_and_its_followers_go_on(kafka: KafkaHarness) -> None:
    leader, follower = [Member(kafka, session_s=300, rebalance_s=60) for _ in range(2)]
    joins = leader.join(), follower.join()
    kafka.advance(0)
    follower.joined(joins[1])
    waiting = follower.sync()
    kafka.advance(60)
    assert waiting.answer["ErrorCode"] == REBALANCE_IN_PROGRESS
    answer = follower.joined(follower.join())
    assert (answer["Leader"], answer["GenerationId"]) == (follower.member_id, 2)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({}, 0),
        ({"GenerationId": 0}, ILLEGAL_GENERATION),
        ({"GenerationId": 2}, ILLEGAL_GENERATION),
        ({"MemberId": "stranger"}, UNKNOWN_MEMBER_ID),
        ({"GroupId": "nowhere"}, UNKNOWN_MEMBER_ID),
        ({"GroupId": ""}, INVALID_GROUP_ID),
        ({"GroupInstanceId": "one"}, UNKNOWN_MEMBER_ID),
    ],
)
def test_a_heartbeat_tells_whether_the_generation_holds(kafka: KafkaHarness, said: dict[str, Any], error: int) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert member.heartbeat(**said) == error


def test_heartbeats_are_fine_between_join_and_sync(kafka: KafkaHarness) -> None:
    [leader] = joined(kafka, 1)
    assert leader.heartbeat() == 0


@pytest.mark.parametrize("version", range(5))
def test_every_version_of_a_heartbeat_is_answered(kafka: KafkaHarness, version: int) -> None:
    member = Member(kafka)
    stable(kafka, member)
    request = {"GroupId": "billing", "GenerationId": 1, "MemberId": member.member_id}
    assert member.client.ask("Heartbeat", request, version=version)["ErrorCode"] == 0
