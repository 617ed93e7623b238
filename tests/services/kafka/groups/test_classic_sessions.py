"""Members that fall silent, on the clock: session timeouts and rebalance timeouts."""

from __future__ import annotations

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, group_state, make_topic, stable

UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS = 25, 27


def test_a_silent_member_is_removed_at_the_end_of_its_session(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka, session_s=10)
    stable(kafka, member)
    kafka.advance(9.999)
    assert group_state(client, "billing") == "Stable"
    kafka.advance(0.001)
    assert group_state(client, "billing") == "Empty"
    assert member.heartbeat() == UNKNOWN_MEMBER_ID


def test_each_heartbeat_begins_the_session_anew(kafka: KafkaHarness) -> None:
    member = Member(kafka, session_s=10)
    stable(kafka, member)
    for _ in range(5):
        kafka.advance(9.999)
        assert member.heartbeat() == 0
    kafka.advance(10)
    assert member.heartbeat() == UNKNOWN_MEMBER_ID


def test_a_commit_is_as_good_as_a_heartbeat(kafka: KafkaHarness) -> None:
    make_topic(kafka)
    member = Member(kafka, session_s=10)
    stable(kafka, member)
    kafka.advance(9)
    assert member.commit(1) == 0
    kafka.advance(9)
    assert member.heartbeat() == 0


def test_heartbeats_set_no_timers(kafka: KafkaHarness) -> None:
    member = Member(kafka)
    stable(kafka, member)
    timers = kafka.clock.timers
    for _ in range(100):
        member.heartbeat()
    assert kafka.clock.timers == timers


def test_the_others_rebalance_when_one_is_lost(kafka: KafkaHarness) -> None:
    living, lost = Member(kafka, session_s=20), Member(kafka, session_s=10)
    stable(kafka, living, lost)
    kafka.advance(10)
    assert living.heartbeat() == REBALANCE_IN_PROGRESS
    answer = living.joined(living.join())
    assert (answer["GenerationId"], len(answer["Members"])) == (2, 1)


def test_a_follower_leads_when_the_leader_is_lost(kafka: KafkaHarness) -> None:
    lost, living = Member(kafka, session_s=10), Member(kafka, session_s=20)
    assert stable(kafka, lost, living) is lost
    kafka.advance(10)
    assert living.joined(living.join())["Leader"] == living.member_id


def test_members_that_do_not_join_again_are_removed_after_the_longest_rebalance_timeout(kafka: KafkaHarness) -> None:
    slow, slower, newcomer = [Member(kafka, session_s=300, rebalance_s=length_s) for length_s in (30, 50, 20)]
    stable(kafka, slow, slower)
    join = newcomer.join()
    kafka.advance(49.999)
    assert join.parked
    kafka.advance(0.001)
    answer = newcomer.joined(join)
    assert (answer["GenerationId"], answer["Leader"]) == (2, newcomer.member_id)
    assert slow.heartbeat() == UNKNOWN_MEMBER_ID


def test_one_who_heartbeats_but_does_not_join_is_removed_too(kafka: KafkaHarness) -> None:
    busy, newcomer = Member(kafka, rebalance_s=30), Member(kafka, rebalance_s=30)
    stable(kafka, busy)
    join = newcomer.join()
    for _ in range(6):
        assert busy.heartbeat() == REBALANCE_IN_PROGRESS
        kafka.advance(5)
    assert newcomer.joined(join)["Members"][0]["MemberId"] == newcomer.member_id
    assert busy.heartbeat() == UNKNOWN_MEMBER_ID


def test_a_parked_member_is_not_expected_to_send_heartbeats(kafka: KafkaHarness) -> None:
    patient, busy = Member(kafka, session_s=10, rebalance_s=120), Member(kafka, session_s=100, rebalance_s=120)
    stable(kafka, patient, busy)
    rejoin = patient.send_join()
    kafka.advance(60)
    assert rejoin.parked
    assert busy.heartbeat() == REBALANCE_IN_PROGRESS
    busy.join()
    assert patient.joined(rejoin)["GenerationId"] == 2
    kafka.advance(9.999)
    assert patient.heartbeat() == 0


def test_a_first_join_is_parked_for_five_minutes_at_most(kafka: KafkaHarness) -> None:
    busy, newcomer = Member(kafka, rebalance_s=1000), Member(kafka, session_s=10)
    stable(kafka, busy)
    join = newcomer.join()
    for _ in range(59):
        kafka.advance(5)
        busy.heartbeat()
    assert join.parked
    kafka.advance(5)
    assert join.answer["ErrorCode"] == UNKNOWN_MEMBER_ID
    assert busy.joined(busy.join())["GenerationId"] == 2


def test_a_member_whose_connection_is_lost_stays_until_its_session_ends(kafka: KafkaHarness, client: Client) -> None:
    lost, living = Member(kafka, session_s=10), Member(kafka, session_s=60)
    stable(kafka, lost, living)
    rejoin = lost.send_join()
    assert rejoin.parked
    lost.client.close()
    assert living.heartbeat() == REBALANCE_IN_PROGRESS
    assert living.joined(living.join())["Leader"] == lost.member_id  # for all that anybody knows, it was answered
    kafka.advance(10)
    assert living.heartbeat() == REBALANCE_IN_PROGRESS
    assert [row["MemberId"] for row in living.joined(living.join())["Members"]] == [living.member_id]


def test_a_member_of_which_everything_was_lost_leaves_no_timers_behind(kafka: KafkaHarness) -> None:
    before = kafka.clock.timers
    member = Member(kafka)
    stable(kafka, member)
    member.client.close()
    kafka.advance(3600)
    assert kafka.clock.timers == before


def test_an_id_that_nobody_comes_back_with_leaves_no_timer_behind(kafka: KafkaHarness) -> None:
    before = kafka.clock.timers
    Member(kafka).send_join()
    kafka.advance(3600)
    assert kafka.clock.timers == before
