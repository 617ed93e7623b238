"""How partitions move in a consumer group: a target, members that give up, members that get, and what starts it all."""

from __future__ import annotations

import pytest

from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import configure, make_topic
from tests.support.kafka_consumer import (
    UNKNOWN_MEMBER_ID,
    Consumer,
    at_once,
    group_of,
    places_of,
    settle,
    written,
)


@pytest.fixture(autouse=True)
def orders(kafka: KafkaHarness) -> bytes:
    at_once(kafka)
    return make_topic(kafka)


def test_a_second_member_gets_nothing_until_the_first_has_given_up(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    answer = second.join()
    assert (answer["MemberEpoch"], second.owned) == (2, set())
    asked_to_revoke = first.ask(1)
    assert (asked_to_revoke["MemberEpoch"], len(places_of(asked_to_revoke["Assignment"]))) == (1, 2)
    second.beat()
    assert second.owned == set()
    first.owned = places_of(asked_to_revoke["Assignment"])
    assert first.beat()["MemberEpoch"] == 2
    second.beat()
    assert sorted(first.indexes + second.indexes) == [0, 1, 2, 3]


def test_a_member_that_does_not_tell_what_it_owns_has_given_up_nothing(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    first.ask(1)
    answer = first.ask(1)
    assert (answer["MemberEpoch"], answer["Assignment"]) == (1, None)
    assert second.beat()["Assignment"] is None


def test_a_member_that_has_given_up_half_of_it_is_still_waited_for(kafka: KafkaHarness, orders: bytes) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    kept = places_of(first.ask(1)["Assignment"])
    half = kept | {next(iter({(orders, index) for index in range(4)} - kept))}
    assert first.ask(1, TopicPartitions=written(half))["MemberEpoch"] == 1
    assert second.beat()["Assignment"] is None


def test_a_member_that_does_not_give_up_in_time_is_fenced(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a", RebalanceTimeoutMs=20_000), Consumer(kafka, "b")
    first.join()
    second.join()
    first.ask(1)
    for _ in range(4):
        kafka.advance(4.9)
        assert first.ask(1)["ErrorCode"] == 0
        second.beat()
    kafka.advance(0.5)
    assert first.ask(1)["ErrorCode"] == UNKNOWN_MEMBER_ID
    second.beat()
    assert second.indexes == [0, 1, 2, 3]


def test_a_member_that_gives_up_in_time_is_not_fenced_later(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a", RebalanceTimeoutMs=20_000), Consumer(kafka, "b")
    first.join()
    second.join()
    settle(first, second)
    kafka.advance(21)
    assert first.beat()["ErrorCode"] == 0


def test_states_tell_how_far_the_group_is(kafka: KafkaHarness) -> None:
    configure(kafka, group_consumer_assignment_interval_ms="1000")
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    assert group_of(kafka).state == "Stable"
    second.join()
    assert group_of(kafka).state == "Assigning"
    kafka.advance(1)
    second.beat()
    assert group_of(kafka).state == "Reconciling"
    settle(first, second)
    assert group_of(kafka).state == "Stable"


def test_the_assignor_runs_once_an_interval_at_most(kafka: KafkaHarness) -> None:
    configure(kafka, group_consumer_assignment_interval_ms="1000")
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    assert second.epoch == 1
    kafka.advance(0.999)
    assert second.beat()["MemberEpoch"] == 1
    kafka.advance(0.001)
    assert second.beat()["MemberEpoch"] == 2


def test_a_topic_that_comes_into_being_is_assigned(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a", "payments")
    member.join()
    assert member.owned == set()
    topic_id = make_topic(kafka, "payments", 1)
    answer = member.beat()
    assert (answer["MemberEpoch"], member.owned) == (2, {(topic_id, 0)})


def test_partitions_that_are_added_are_assigned(kafka: KafkaHarness, orders: bytes) -> None:
    member = Consumer(kafka, "a")
    member.join()
    topic = kafka.cluster.topics.by_id(orders)
    assert topic is not None
    kafka.cluster.topics.add_partitions(topic, 6)
    member.beat()
    assert member.indexes == [0, 1, 2, 3, 4, 5]


def test_a_topic_that_is_deleted_and_made_again_is_another_one(kafka: KafkaHarness, orders: bytes) -> None:
    member = Consumer(kafka, "a")
    member.join()
    topic = kafka.cluster.topics.by_id(orders)
    assert topic is not None
    kafka.cluster.topics.delete(topic)
    again = make_topic(kafka, "orders", 1)
    settle(member)
    assert member.owned == {(again, 0)}


def test_topics_of_others_change_nothing(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    make_topic(kafka, "elsewhere")
    assert member.beat()["MemberEpoch"] == 1


def test_what_a_member_no_longer_subscribes_to_is_taken_away_at_once(kafka: KafkaHarness, orders: bytes) -> None:
    configure(kafka, group_consumer_assignment_interval_ms="1000")
    make_topic(kafka, "payments", 1)
    member = Consumer(kafka, "a", "orders", "payments")
    member.join()
    answer = member.beat(SubscribedTopicNames=["orders"])
    assert (answer["MemberEpoch"], {topic for topic, _ in member.owned}) == (1, {orders})


def test_an_unchanged_subscription_changes_no_epoch(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    assert member.beat(SubscribedTopicNames=["orders"])["MemberEpoch"] == 1


def test_members_with_different_topics_share_what_both_read(kafka: KafkaHarness, orders: bytes) -> None:
    payments = make_topic(kafka, "payments", 4)
    first, second = Consumer(kafka, "a", "orders", "payments"), Consumer(kafka, "b", "orders")
    first.join()
    second.join()
    settle(first, second)
    assert second.owned == {(orders, index) for index in range(4)}
    assert first.owned == {(payments, index) for index in range(4)}


def test_most_members_choose_the_assignor(kafka: KafkaHarness) -> None:
    make_topic(kafka, "payments", 4)
    members = [Consumer(kafka, name, "orders", "payments", ServerAssignor="range") for name in "ab"]
    members.append(Consumer(kafka, "c", "orders", "payments", ServerAssignor="uniform"))
    for member in members:
        member.join()
    settle(*members)
    assert [member.indexes for member in members] == [[0, 0, 1, 1], [2, 2], [3, 3]]


def test_a_hundred_members_share_a_thousand_partitions_evenly(kafka: KafkaHarness) -> None:
    make_topic(kafka, "wide", 1000)
    client = kafka.connect()
    members = [Consumer(kafka, f"m{number}", "wide", client=client) for number in range(100)]
    for member in members:
        member.join()
    settle(*members, rounds=3)
    assert [len(member.owned) for member in members] == [10] * 100
    assert len(set().union(*(member.owned for member in members))) == 1000
