"""JoinGroup: who is let in, when a generation begins, what its members are told."""

from __future__ import annotations

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, configure, group_state, stable, subscription

INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, INVALID_SESSION_TIMEOUT = 23, 24, 25, 26
REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED, GROUP_MAX_SIZE_REACHED = 27, 79, 81


def test_a_first_join_is_told_an_id_to_come_again_with(kafka: KafkaHarness) -> None:
    answer = Member(kafka).send_join().answer
    assert answer["ErrorCode"] == MEMBER_ID_REQUIRED
    assert answer["MemberId"].startswith("test-")


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_old_clients_join_at_once(kafka: KafkaHarness, version: int) -> None:
    member = Member(kafka, version=version)
    join = member.send_join()
    kafka.advance(0)
    assert member.joined(join)["GenerationId"] == 1


@pytest.mark.parametrize("version", range(10))
def test_every_version_joins_and_leads_alone(kafka: KafkaHarness, version: int) -> None:
    member = Member(kafka, version=version)
    join = member.join()
    kafka.advance(0)
    answer = member.joined(join)
    assert answer["Leader"] == answer["MemberId"] == member.member_id
    assert (answer["ProtocolName"], answer["GenerationId"]) == ("range", 1)
    assert [row["MemberId"] for row in answer["Members"]] == [member.member_id]


def test_the_protocol_type_is_told_from_version_7_on(kafka: KafkaHarness) -> None:
    older, newer = Member(kafka, "older", version=6), Member(kafka, "newer", version=7)
    joins = older.join(), newer.join()
    kafka.advance(0)
    assert [join.answer["ProtocolType"] for join in joins] == [None, "consumer"]


def test_members_that_come_together_are_one_generation(kafka: KafkaHarness) -> None:
    members = [Member(kafka) for _ in range(3)]
    joins = [member.join() for member in members]
    assert all(join.parked for join in joins)
    kafka.advance(0)
    answers = [member.joined(join) for member, join in zip(members, joins, strict=True)]
    assert {answer["GenerationId"] for answer in answers} == {1}
    assert {answer["Leader"] for answer in answers} == {members[0].member_id}


def test_only_the_leader_is_told_who_is_in_the_group(kafka: KafkaHarness) -> None:
    leader, other = Member(kafka), Member(kafka, protocols={"range": subscription("bills")})
    joins = leader.join(), other.join()
    kafka.advance(0)
    told, untold = (join.answer["Members"] for join in joins)
    assert {row["MemberId"]: row["Metadata"] for row in told} == {
        leader.member_id: subscription("orders"),
        other.member_id: subscription("bills"),
    }
    assert untold == []


def test_a_newcomer_makes_the_others_join_again(kafka: KafkaHarness, client: Client) -> None:
    first, second = Member(kafka), Member(kafka)
    stable(kafka, first)
    newcomer = second.join()
    assert newcomer.parked
    assert group_state(client, "billing") == "PreparingRebalance"
    assert first.heartbeat() == REBALANCE_IN_PROGRESS
    again = first.join()
    assert second.joined(newcomer)["GenerationId"] == first.joined(again)["GenerationId"] == 2


def test_the_join_phase_waits_for_an_id_that_was_handed_out(kafka: KafkaHarness) -> None:
    first, second = Member(kafka), Member(kafka)
    stable(kafka, first)
    second.member_id = second.send_join().answer["MemberId"]
    rejoin = first.send_join()  # a leader that joins again wants a rebalance
    assert rejoin.parked
    newcomer = second.send_join()
    assert (first.joined(rejoin)["GenerationId"], second.joined(newcomer)["GenerationId"]) == (2, 2)


def test_the_join_phase_does_not_wait_longer_than_a_session_for_an_id(kafka: KafkaHarness) -> None:
    first, second = Member(kafka, session_s=30), Member(kafka, session_s=10)
    stable(kafka, first)
    second.send_join()
    rejoin = first.send_join()
    kafka.advance(9.999)
    assert rejoin.parked
    kafka.advance(0.001)
    assert first.joined(rejoin)["GenerationId"] == 2


def test_an_id_that_nobody_handed_out_is_unknown(kafka: KafkaHarness) -> None:
    stable(kafka, Member(kafka))
    stranger = Member(kafka)
    stranger.member_id = "stranger"
    assert stranger.send_join().answer["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_an_id_in_a_group_that_does_not_exist_is_unknown_and_makes_no_group(
    kafka: KafkaHarness, client: Client
) -> None:
    stranger = Member(kafka)
    stranger.member_id = "stranger"
    assert stranger.send_join().answer["ErrorCode"] == UNKNOWN_MEMBER_ID
    assert client.ask("ListGroups")["Groups"] == []


@pytest.mark.parametrize(("session_s", "error"), [(5.999, 26), (6, 79), (1800, 79), (1800.001, 26)])
def test_session_timeouts_are_bounded(kafka: KafkaHarness, session_s: float, error: int) -> None:
    answer = Member(kafka).send_join(SessionTimeoutMs=round(session_s * 1000)).answer
    assert answer["ErrorCode"] == error


def test_a_group_needs_a_name(kafka: KafkaHarness) -> None:
    assert Member(kafka, "").send_join().answer["ErrorCode"] == INVALID_GROUP_ID


def test_a_member_of_another_protocol_type_is_refused(kafka: KafkaHarness) -> None:
    stable(kafka, Member(kafka))
    assert Member(kafka, protocol_type="connect").send_join().answer["ErrorCode"] == INCONSISTENT_GROUP_PROTOCOL


def test_a_member_that_shares_no_protocol_with_all_others_is_refused(kafka: KafkaHarness) -> None:
    both = {"range": b"", "sticky": b""}
    stable(kafka, Member(kafka, protocols=both), Member(kafka, protocols={"range": b""}))
    assert Member(kafka, protocols={"sticky": b""}).send_join().answer["ErrorCode"] == INCONSISTENT_GROUP_PROTOCOL
    assert Member(kafka, protocols=both).send_join().answer["ErrorCode"] == MEMBER_ID_REQUIRED


@pytest.mark.parametrize("said", [{"ProtocolType": ""}, {"Protocols": []}])
def test_a_first_member_must_speak_some_protocol(kafka: KafkaHarness, said: dict[str, object]) -> None:
    assert Member(kafka).send_join(**said).answer["ErrorCode"] == INCONSISTENT_GROUP_PROTOCOL


def test_the_protocol_that_most_members_like_best_is_chosen_among_those_that_all_speak(kafka: KafkaHarness) -> None:
    wishes = [("sticky", "range", "fancy"), ("range", "sticky"), ("sticky", "range")]
    members = [Member(kafka, protocols=dict.fromkeys(names, b"")) for names in wishes]
    joins = [member.join() for member in members]
    kafka.advance(0)
    assert [join.answer["ProtocolName"] for join in joins] == ["sticky"] * 3


def test_a_leader_that_joins_a_stable_group_again_gets_a_rebalance(kafka: KafkaHarness) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert member.joined(member.join())["GenerationId"] == 2


def test_a_follower_that_joins_a_stable_group_again_is_told_its_generation(kafka: KafkaHarness, client: Client) -> None:
    leader, other = Member(kafka), Member(kafka)
    stable(kafka, leader, other)
    answer = other.join().answer
    assert (answer["ErrorCode"], answer["GenerationId"], answer["Leader"]) == (0, 1, leader.member_id)
    assert group_state(client, "billing") == "Stable"


def test_a_follower_that_wants_other_topics_makes_a_rebalance(kafka: KafkaHarness) -> None:
    leader, other = Member(kafka), Member(kafka)
    stable(kafka, leader, other)
    other.protocols = {"range": subscription("bills")}
    rejoin = other.join()
    assert rejoin.parked
    answer = leader.joined(leader.join())
    assert answer["GenerationId"] == 2
    assert {row["Metadata"] for row in answer["Members"]} == {subscription("orders"), subscription("bills")}


def test_a_member_that_missed_the_answer_is_given_it_again_before_the_sync(kafka: KafkaHarness) -> None:
    members = [Member(kafka), Member(kafka)]
    joins = [member.join() for member in members]
    kafka.advance(0)
    first = [join.answer for join in joins]
    assert [member.join().answer for member in members] == first


def test_a_join_that_is_sent_again_takes_the_place_of_the_parked_one(kafka: KafkaHarness) -> None:
    first, second = Member(kafka), Member(kafka)
    stable(kafka, first)
    given_up = second.join()
    second.client = kafka.connect()
    again = second.join()
    assert given_up.answer["ErrorCode"] == REBALANCE_IN_PROGRESS
    first.join()
    assert second.joined(again)["GenerationId"] == 2


def test_the_initial_rebalance_waits_for_more_members_and_longer_for_each_newcomer(kafka: KafkaHarness) -> None:
    configure(kafka, group_initial_rebalance_delay_ms="3000")
    members = [Member(kafka), Member(kafka)]
    joins = [members[0].join()]
    kafka.advance(2)
    joins.append(members[1].join())
    kafka.advance(3.999)
    assert all(join.parked for join in joins)
    kafka.advance(0.001)
    assert [join.answer["GenerationId"] for join in joins] == [1, 1]


def test_a_full_group_lets_nobody_else_in(kafka: KafkaHarness) -> None:
    configure(kafka, group_max_size="2")
    stable(kafka, Member(kafka), Member(kafka))
    assert Member(kafka).send_join().answer["ErrorCode"] == GROUP_MAX_SIZE_REACHED


def test_the_last_one_to_join_again_has_to_go_when_the_bound_was_lowered(kafka: KafkaHarness) -> None:
    first, second = Member(kafka), Member(kafka)
    stable(kafka, first, second)
    configure(kafka, group_max_size="1")
    rejoin = first.join()
    assert second.join().answer["ErrorCode"] == GROUP_MAX_SIZE_REACHED
    assert [row["MemberId"] for row in first.joined(rejoin)["Members"]] == [first.member_id]


def test_a_hundred_members_that_come_together_settle_in_one_generation(kafka: KafkaHarness, client: Client) -> None:
    members = [Member(kafka) for _ in range(100)]
    stable(kafka, *members)
    assert {member.generation for member in members} == {1}
    assert group_state(client, "billing") == "Stable"
    assert [member.heartbeat() for member in members] == [0] * 100
