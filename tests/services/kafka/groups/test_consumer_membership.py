"""Who is in a consumer group (KIP-848): joining, epochs, fencing, leaving, static members, sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import configure, make_topic
from tests.support.kafka_consumer import (
    FENCED_MEMBER_EPOCH,
    UNKNOWN_MEMBER_ID,
    UNRELEASED_INSTANCE_ID,
    Consumer,
    at_once,
    group_of,
    places_of,
    settle,
    written,
)

GROUP_MAX_SIZE_REACHED, FENCED_INSTANCE_ID = 81, 82


@pytest.fixture(autouse=True)
def orders(kafka: KafkaHarness) -> bytes:
    at_once(kafka)
    return make_topic(kafka)


def test_the_first_member_gets_everything_at_epoch_1(kafka: KafkaHarness, orders: bytes) -> None:
    answer = Consumer(kafka, "a").join()
    assert answer == {
        "ThrottleTimeMs": 0,
        "ErrorCode": 0,
        "ErrorMessage": None,
        "MemberId": "a",
        "MemberEpoch": 1,
        "HeartbeatIntervalMs": 5000,
        "Assignment": {"TopicPartitions": [{"TopicId": orders, "Partitions": [0, 1, 2, 3]}]},
    }


def test_a_heartbeat_tells_the_assignment_only_when_it_has_changed(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    assert member.beat()["Assignment"] is None


def test_a_heartbeat_that_tells_everything_hears_everything(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    answer = member.ask(1, TopicPartitions=written(member.owned), **member.fields)
    assert places_of(answer["Assignment"]) == member.owned


def test_a_member_that_joins_again_keeps_its_epoch_and_its_partitions(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    answer = member.join()
    assert (answer["MemberEpoch"], len(member.owned)) == (1, 4)


def test_an_epoch_that_is_to_come_is_fenced(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    answer = member.ask(2)
    assert answer["ErrorCode"] == FENCED_MEMBER_EPOCH
    assert answer["ErrorMessage"] == (
        "The consumer group member has a greater member epoch (2) than the one known by the group coordinator (1). "
        "The member must abandon all its partitions and rejoin."
    )


def test_the_epoch_before_is_good_if_the_answer_was_lost(kafka: KafkaHarness) -> None:
    first = Consumer(kafka, "a", "orders", "payments")
    first.join()
    first.beat(SubscribedTopicNames=["orders"])
    assert first.epoch == 2
    assert first.ask(1, TopicPartitions=written(first.owned))["ErrorCode"] == 0


@pytest.mark.parametrize("owned", [None, [{"TopicId": bytes(16), "Partitions": [0]}]])
def test_the_epoch_before_is_fenced_if_the_member_may_own_other_partitions(
    kafka: KafkaHarness, owned: list[dict[str, object]] | None
) -> None:
    first = Consumer(kafka, "a", "orders", "payments")
    first.join()
    first.beat(SubscribedTopicNames=["orders"])
    answer = first.ask(1, TopicPartitions=owned)
    assert answer["ErrorCode"] == FENCED_MEMBER_EPOCH
    assert answer["ErrorMessage"].startswith("The consumer group member has a smaller member epoch (1)")


def test_a_member_that_leaves_is_unknown_then(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    answer = member.leave()
    assert (answer["ErrorCode"], answer["MemberId"], answer["MemberEpoch"]) == (0, "a", -1)
    assert member.ask(1)["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_what_a_leaving_member_had_goes_to_others(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    settle(first, second)
    second.leave()
    first.beat()
    assert first.indexes == [0, 1, 2, 3]


def test_an_empty_group_stays_and_its_epoch_goes_on(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    member.leave()
    assert (group_of(kafka).state, group_of(kafka).epoch) == ("Empty", 2)
    assert member.join()["MemberEpoch"] == 3


def test_a_member_that_is_not_heard_of_for_45_seconds_is_fenced(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    kafka.advance(44.999)
    assert member.beat()["ErrorCode"] == 0
    kafka.advance(44.999)
    assert group_of(kafka).member_count == 1
    kafka.advance(0.001)
    assert member.beat()["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_the_groups_own_session_timeout_and_heartbeat_interval_hold(kafka: KafkaHarness) -> None:
    kafka.cluster.configs.replace(
        32, "billing", {"consumer.session.timeout.ms": "50000", "consumer.heartbeat.interval.ms": "7000"}
    )
    answer = Consumer(kafka, "a").join()
    assert answer["HeartbeatIntervalMs"] == 7000
    kafka.advance(49.999)
    assert group_of(kafka).member_count == 1
    kafka.advance(0.001)
    assert group_of(kafka).member_count == 0


def test_heartbeats_set_no_timers(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a")
    member.join()
    before = kafka.clock.timers
    for _ in range(20):
        kafka.advance(1)
        member.beat()
    assert kafka.clock.timers == before


def test_a_group_that_is_full_takes_nobody_but_its_members(kafka: KafkaHarness) -> None:
    configure(kafka, group_consumer_max_size="1")
    first = Consumer(kafka, "a")
    first.join()
    answer = Consumer(kafka, "b").join()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        GROUP_MAX_SIZE_REACHED,
        "The consumer group has reached its maximum capacity of 1 members.",
    )
    assert first.join()["ErrorCode"] == 0


def test_a_static_member_that_is_there_is_not_replaced(kafka: KafkaHarness) -> None:
    Consumer(kafka, "a", instance="one").join()
    answer = Consumer(kafka, "b", instance="one").join()
    assert answer["ErrorCode"] == UNRELEASED_INSTANCE_ID
    assert answer["ErrorMessage"] == (
        "Static member b with instance id one cannot join the group because the instance id is owned by a member."
    )


def test_a_static_member_that_left_for_now_comes_back_to_its_partitions(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a", instance="one"), Consumer(kafka, "b", instance="two")
    first.join()
    second.join()
    settle(first, second)
    epoch, owned = group_of(kafka).epoch, set(first.owned)
    assert first.leave(-2)["MemberEpoch"] == -2
    second.beat()
    assert len(second.owned) == 2
    back = Consumer(kafka, "c", instance="one")
    answer = back.join()
    assert (answer["MemberEpoch"], back.owned, group_of(kafka).epoch) == (epoch, owned, epoch)


def test_a_static_member_that_left_for_now_and_does_not_come_back_is_fenced(kafka: KafkaHarness) -> None:
    first, second = Consumer(kafka, "a", instance="one"), Consumer(kafka, "b", instance="two")
    first.join()
    second.join()
    settle(first, second)
    first.leave(-2)
    for _ in range(9):
        kafka.advance(5)
        second.beat()
    assert second.indexes == [0, 1, 2, 3]


def test_the_former_bearer_of_an_instance_id_is_fenced(kafka: KafkaHarness) -> None:
    first = Consumer(kafka, "a", instance="one")
    first.join()
    first.leave(-2)
    Consumer(kafka, "b", instance="one").join()
    answer = first.beat()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        FENCED_INSTANCE_ID,
        "Static member a with instance id one was fenced by member b.",
    )


def test_an_instance_id_that_nobody_has_is_unknown(kafka: KafkaHarness) -> None:
    Consumer(kafka, "a").join()
    answer = Consumer(kafka, "b", instance="one").ask(4, InstanceId="one")
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (UNKNOWN_MEMBER_ID, "Instance id one is unknown.")


def test_a_static_member_may_leave_for_good(kafka: KafkaHarness) -> None:
    first = Consumer(kafka, "a", instance="one")
    first.join()
    first.leave(-1)
    assert Consumer(kafka, "b", instance="one").join()["ErrorCode"] == 0


def test_a_member_that_subscribes_to_nothing_is_never_at_epoch_0(kafka: KafkaHarness) -> None:
    answer = Consumer(kafka, "a", SubscribedTopicNames=[]).join()
    assert (answer["MemberEpoch"], answer["Assignment"]) == (1, {"TopicPartitions": []})


def test_after_a_restart_members_have_to_join_again_and_epochs_go_on(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        member = Consumer(kafka, "a")
        member.join()
        assert member.epoch == 1
    with KafkaHarness(data_dir=tmp_path) as kafka:
        member = Consumer(kafka, "a")
        member.epoch = 1
        assert member.beat()["ErrorCode"] == UNKNOWN_MEMBER_ID
        assert member.join()["MemberEpoch"] == 2
