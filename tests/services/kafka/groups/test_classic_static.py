"""Static members (group.instance.id): one that comes back takes its own place, without a rebalance where that can be."""

from __future__ import annotations

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, group_state, make_topic, stable, subscription

UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID = 25, 27, 82


def reborn(member: Member) -> Member:
    """The same instance in a new process: it does not know its member id."""
    new = Member(
        member.kafka, member.group, instance=member.instance, protocols=member.protocols, version=member.version
    )
    new.session_s, new.rebalance_s = member.session_s, member.rebalance_s
    return new


def pair(kafka: KafkaHarness) -> tuple[Member, Member]:
    """A dynamic leader and a static follower in a stable generation."""
    leader, static = Member(kafka, session_s=300), Member(kafka, instance="one", session_s=30)
    assert stable(kafka, leader, static) is leader
    return leader, static


def test_a_static_member_is_told_its_id_with_its_first_generation(kafka: KafkaHarness) -> None:
    member = Member(kafka, instance="one")
    join = member.send_join()
    kafka.advance(0)
    assert member.joined(join)["MemberId"].startswith("one-")
    assert join.answer["Members"][0]["GroupInstanceId"] == "one"


def test_a_static_member_comes_back_without_a_rebalance(kafka: KafkaHarness, client: Client) -> None:
    leader, static = pair(kafka)
    back = reborn(static)
    answer = back.joined(back.send_join())
    assert answer["GenerationId"] == 1
    assert answer["MemberId"] != static.member_id
    assert (answer["Leader"], answer["SkipAssignment"], answer["Members"]) == (leader.member_id, False, [])
    assert back.sync().answer["Assignment"] == b"1"
    assert group_state(client, "billing") == "Stable"
    assert (leader.heartbeat(), back.heartbeat()) == (0, 0)


def test_its_former_self_is_fenced_everywhere(kafka: KafkaHarness) -> None:
    make_topic(kafka)
    _, former = pair(kafka)
    reborn(former).send_join()
    assert former.heartbeat() == FENCED_INSTANCE_ID
    assert former.commit(5) == FENCED_INSTANCE_ID
    assert former.sync().answer["ErrorCode"] == FENCED_INSTANCE_ID
    assert former.send_join().answer["ErrorCode"] == FENCED_INSTANCE_ID
    assert former.leave() == FENCED_INSTANCE_ID


def test_a_parked_sync_of_its_former_self_is_fenced(kafka: KafkaHarness) -> None:
    leader, former = Member(kafka), Member(kafka, instance="one")
    joins = leader.join(), former.send_join()
    kafka.advance(0)
    former.joined(joins[1])
    waiting = former.sync()
    reborn(former).send_join()
    assert waiting.answer["ErrorCode"] == FENCED_INSTANCE_ID


def test_a_parked_join_of_its_former_self_is_fenced(kafka: KafkaHarness) -> None:
    leader, former, awaited = Member(kafka), Member(kafka, instance="one"), Member(kafka)
    stable(kafka, leader, former, awaited)
    leader.join()
    waiting = former.send_join()
    back = reborn(former)
    again = back.send_join()
    assert waiting.answer["ErrorCode"] == FENCED_INSTANCE_ID
    awaited.join()
    assert back.joined(again)["GenerationId"] == 2


def test_one_that_comes_back_before_the_assignment_makes_the_others_join_again(kafka: KafkaHarness) -> None:
    leader, static = Member(kafka), Member(kafka, instance="one")
    joins = leader.join(), static.send_join()
    kafka.advance(0)
    leader.joined(joins[0])
    back = reborn(static)
    join = back.send_join()
    assert leader.heartbeat() == REBALANCE_IN_PROGRESS
    told = leader.joined(leader.join())
    assert back.joined(join)["MemberId"] in [row["MemberId"] for row in told["Members"]]


def test_one_that_comes_back_with_another_subscription_still_makes_no_rebalance(kafka: KafkaHarness) -> None:
    # As Apache Kafka: it looks at the chosen protocol only.
    _, static = pair(kafka)
    back = reborn(static)
    back.protocols = {"range": subscription("bills")}
    assert back.joined(back.send_join())["GenerationId"] == 1


def test_one_that_changes_the_vote_makes_a_rebalance(kafka: KafkaHarness, client: Client) -> None:
    both = {"range": b"", "sticky": b""}
    static = Member(kafka, instance="one", protocols=both)
    stable(kafka, static)
    back = reborn(static)
    back.protocols = {"sticky": b"", "range": b""}
    assert back.joined(back.send_join())["GenerationId"] == 2
    assert group_state(client, "billing") == "CompletingRebalance"


def test_a_static_leader_that_comes_back_is_told_to_skip_the_assignment(kafka: KafkaHarness) -> None:
    leader, other = Member(kafka, instance="one"), Member(kafka)
    stable(kafka, leader, other)
    back = reborn(leader)
    answer = back.joined(back.send_join())
    assert (answer["Leader"], answer["SkipAssignment"]) == (back.member_id, True)
    assert {row["MemberId"] for row in answer["Members"]} == {back.member_id, other.member_id}
    assert back.sync().answer["Assignment"] == b"0"


@pytest.mark.parametrize("version", [5, 8])
def test_an_older_static_leader_is_not_told_that_it_leads(kafka: KafkaHarness, version: int) -> None:
    leader = Member(kafka, instance="one", version=version)
    stable(kafka, leader)
    answer = reborn(leader).send_join().answer
    assert (answer["Leader"], answer["Members"]) == (leader.member_id, [])


def test_a_static_member_that_is_away_keeps_its_partitions_until_its_session_ends(kafka: KafkaHarness) -> None:
    leader, static = pair(kafka)
    static.client.close()
    kafka.advance(29.999)
    assert leader.heartbeat() == 0
    kafka.advance(0.001)
    assert leader.heartbeat() == REBALANCE_IN_PROGRESS


def test_a_static_member_that_does_not_join_again_stays_in_the_next_generation(kafka: KafkaHarness) -> None:
    leader, static = Member(kafka, session_s=300), Member(kafka, instance="one", session_s=300)
    stable(kafka, leader, static)
    rejoin = leader.join()
    kafka.advance(60)
    answer = leader.joined(rejoin)
    assert {row["MemberId"] for row in answer["Members"]} == {leader.member_id, static.member_id}


def test_two_processes_with_one_instance_id_fence_each_other(kafka: KafkaHarness) -> None:
    first = Member(kafka, instance="one")
    stable(kafka, first)
    second = reborn(first)
    second.joined(second.send_join())
    assert (first.heartbeat(), second.heartbeat()) == (FENCED_INSTANCE_ID, 0)


def test_an_unknown_instance_with_an_id_is_an_unknown_member(kafka: KafkaHarness) -> None:
    _, static = pair(kafka)
    assert static.heartbeat(GroupInstanceId="two") == UNKNOWN_MEMBER_ID


def test_a_static_member_that_has_left_comes_back_as_a_new_one(kafka: KafkaHarness) -> None:
    leader, static = pair(kafka)
    assert static.leave() == 0
    back = reborn(static)
    join = back.send_join()
    leader.join()
    assert back.joined(join)["GenerationId"] == 2
