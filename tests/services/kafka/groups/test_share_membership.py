"""Who is in a share group (KIP-932) and who reads which partitions."""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.groups.assignors import Subscriber
from services.kafka.groups.share_assignor import assign_shared
from tests.support.kafka_acls import DESCRIBE, GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import configure, make_topic
from tests.support.kafka_consumer import (
    FENCED_MEMBER_EPOCH,
    GROUP_ID_NOT_FOUND,
    INVALID_REQUEST,
    UNKNOWN_MEMBER_ID,
    Consumer,
    at_once,
)
from tests.support.kafka_share import Sharer, share_group

GROUP_MAX_SIZE_REACHED, NON_EMPTY_GROUP, INVALID_GROUP_ID = 81, 68, 24
GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED = 30, 29
A, B = b"a" * 16, b"b" * 16


@pytest.fixture
def orders(kafka: KafkaHarness) -> bytes:
    at_once(kafka)
    return make_topic(kafka, partitions=2)


def test_the_first_member_gets_everything_at_epoch_1(kafka: KafkaHarness, orders: bytes) -> None:
    assert Sharer(kafka, "a").join() == {
        "ThrottleTimeMs": 0,
        "ErrorCode": 0,
        "ErrorMessage": None,
        "MemberId": "a",
        "MemberEpoch": 1,
        "HeartbeatIntervalMs": 5000,
        "Assignment": {"TopicPartitions": [{"TopicId": orders, "Partitions": [0, 1]}]},
    }


def test_more_members_than_partitions_read_them_together(kafka: KafkaHarness, orders: bytes) -> None:
    members = [Sharer(kafka, name) for name in "abcd"]
    for member in members:
        member.join()
    for member in members:
        member.beat()
    assert sorted(index for member in members for _, index in member.assigned) == [0, 0, 1, 1]


def test_a_heartbeat_tells_the_assignment_only_when_it_has_changed(kafka: KafkaHarness, orders: bytes) -> None:
    first = Sharer(kafka, "a")
    first.join()
    assert first.beat()["Assignment"] is None
    Sharer(kafka, "b").join()
    assert len(first.beat()["Assignment"]["TopicPartitions"][0]["Partitions"]) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"MemberId": ""}, "Invalid member id in the request."),
        ({"MemberId": "x" * 37}, "Invalid member id in the request."),
        ({"MemberId": " "}, "MemberId can't be empty."),
        ({"GroupId": ""}, "GroupId can't be empty."),
        ({"RackId": ""}, "RackId can't be empty."),
        ({"SubscribedTopicNames": None}, "SubscribedTopicNames must be set in first request."),
        ({"SubscribedTopicNames": []}, "SubscribedTopicNames must be set in first request."),
        ({"MemberEpoch": -2}, "MemberEpoch is invalid."),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_kafkas_words(
    client: Client, fields: dict[str, Any], words: str
) -> None:
    request = {"GroupId": "sharers", "MemberId": "a", "MemberEpoch": 0, "SubscribedTopicNames": ["orders"], **fields}
    answer = client.ask("ShareGroupHeartbeat", request)
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (INVALID_REQUEST, words)


def test_epochs_are_checked(kafka: KafkaHarness, orders: bytes) -> None:
    member = Sharer(kafka, "a")
    member.join()
    member.beat(SubscribedTopicNames=["orders", "payments"])
    assert member.epoch == 2
    assert member.ask(1)["ErrorCode"] == 0
    assert member.ask(3)["ErrorCode"] == FENCED_MEMBER_EPOCH


def test_an_epoch_before_the_last_is_fenced(kafka: KafkaHarness, orders: bytes) -> None:
    member = Sharer(kafka, "a")
    member.join()
    member.beat(SubscribedTopicNames=["orders", "payments"])
    member.beat(SubscribedTopicNames=["orders"])
    answer = member.ask(1)
    assert answer["ErrorCode"] == FENCED_MEMBER_EPOCH
    assert answer["ErrorMessage"] == (
        "The share group member has a smaller member epoch (1) than the one known by the group coordinator (3), and it does not match "
        "the previous member epoch (2). The member must abandon all its partitions and rejoin."
    )


def test_who_never_joined_is_not_found(kafka: KafkaHarness, orders: bytes) -> None:
    answer = Sharer(kafka, "a").ask(1)
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (GROUP_ID_NOT_FOUND, "Share group sharers not found.")
    Sharer(kafka, "b").join()
    assert Sharer(kafka, "a").ask(1)["ErrorCode"] == UNKNOWN_MEMBER_ID
    assert Sharer(kafka, "a").leave()["ErrorCode"] == UNKNOWN_MEMBER_ID


def test_a_member_that_leaves_makes_room(kafka: KafkaHarness, orders: bytes) -> None:
    first, second = Sharer(kafka, "a"), Sharer(kafka, "b")
    first.join()
    second.join()
    assert second.leave()["MemberEpoch"] == -1
    first.beat()
    assert len(first.assigned) == 2


def test_a_member_that_is_not_heard_of_for_45_seconds_is_fenced(kafka: KafkaHarness, orders: bytes) -> None:
    member = Sharer(kafka, "a")
    member.join()
    kafka.advance(44.999)
    member.beat()
    kafka.advance(45)
    assert (share_group(kafka).state, member.beat()["ErrorCode"]) == ("Empty", UNKNOWN_MEMBER_ID)


def test_a_group_that_is_full_takes_nobody_else(kafka: KafkaHarness, orders: bytes) -> None:
    configure(kafka, group_share_max_size="1")
    first = Sharer(kafka, "a")
    first.join()
    answer = Sharer(kafka, "b").join()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        GROUP_MAX_SIZE_REACHED,
        "The share group has reached its maximum capacity of 1 members.",
    )
    assert first.join()["ErrorCode"] == 0


def test_a_topic_that_comes_into_being_is_assigned(kafka: KafkaHarness, orders: bytes) -> None:
    member = Sharer(kafka, "a", "payments")
    member.join()
    assert member.assigned == set()
    payments = make_topic(kafka, "payments", 1)
    assert member.beat()["MemberEpoch"] == 2
    assert member.assigned == {(payments, 0)}


def test_a_topic_that_is_deleted_is_taken_away_with_its_state(kafka: KafkaHarness, orders: bytes) -> None:
    member = Sharer(kafka, "a")
    member.join()
    topic = kafka.cluster.topics.by_id(orders)
    assert topic is not None
    kafka.cluster.topics.delete(topic)
    member.beat()
    assert (member.assigned, share_group(kafka).ledger.places()) == (set(), [])


def test_a_group_of_another_kind_is_no_share_group(kafka: KafkaHarness, orders: bytes) -> None:
    Consumer(kafka, "c", group="sharers").join()
    answer = Sharer(kafka, "a").join()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (GROUP_ID_NOT_FOUND, "Group sharers is not a share group.")


def test_a_share_group_is_no_consumer_group(kafka: KafkaHarness, orders: bytes) -> None:
    Sharer(kafka, "a").join()
    answer = Consumer(kafka, "c", group="sharers").join()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        GROUP_ID_NOT_FOUND,
        "Group sharers is not a consumer group.",
    )


def test_a_group_is_deleted_when_it_is_empty(kafka: KafkaHarness, client: Client, orders: bytes) -> None:
    member = Sharer(kafka, "a")
    member.join()
    for expected in (NON_EMPTY_GROUP, 0, GROUP_ID_NOT_FOUND):
        [row] = client.ask("DeleteGroups", {"GroupsNames": ["sharers"]})["Results"]
        assert row["ErrorCode"] == expected
        member.leave()


def test_a_group_is_described_and_listed(kafka: KafkaHarness, client: Client, orders: bytes) -> None:
    Sharer(kafka, "a").join()
    assert client.ask("ShareGroupDescribe", {"GroupIds": ["sharers"]})["Groups"] == [
        {
            "ErrorCode": 0,
            "ErrorMessage": None,
            "GroupId": "sharers",
            "GroupState": "Stable",
            "GroupEpoch": 1,
            "AssignmentEpoch": 1,
            "AssignorName": "simple",
            "Members": [
                {
                    "MemberId": "a",
                    "RackId": None,
                    "MemberEpoch": 1,
                    "ClientId": "test",
                    "ClientHost": "/127.0.0.1",
                    "SubscribedTopicNames": ["orders"],
                    "Assignment": {
                        "TopicPartitions": [{"TopicId": orders, "TopicName": "orders", "Partitions": [0, 1]}]
                    },
                }
            ],
            "AuthorizedOperations": -(1 << 31),
        }
    ]
    assert client.ask("ListGroups", {})["Groups"] == [
        {"GroupId": "sharers", "ProtocolType": "share", "GroupState": "Stable", "GroupType": "share"}
    ]


def test_groups_that_are_not_there_are_not_described(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "c").join()
    found = client.ask("ShareGroupDescribe", {"GroupIds": ["billing", "none", ""]})["Groups"]
    assert [(group["ErrorCode"], group["ErrorMessage"]) for group in found] == [
        (GROUP_ID_NOT_FOUND, "Group billing is not a share group."),
        (GROUP_ID_NOT_FOUND, "Group none not found."),
        (INVALID_GROUP_ID, None),
    ]


def test_who_may_not_is_refused() -> None:
    with guarded() as kafka:
        make_topic(kafka)
        stranger = somebody(kafka)
        assert Sharer(kafka, "a", client=stranger).join()["ErrorCode"] == GROUP_AUTHORIZATION_FAILED
        create(kafka.connect(), creation("sharers", ResourceType=GROUP))
        assert Sharer(kafka, "a", client=stranger).join()["ErrorCode"] == TOPIC_AUTHORIZATION_FAILED
        create(kafka.connect(), creation("orders", Operation=DESCRIBE))
        assert Sharer(kafka, "a", client=stranger).join()["ErrorCode"] == 0


def subscriber(name: str, *topics: bytes, **target: set[int]) -> Subscriber:
    return Subscriber(name, None, frozenset(topics), {key.encode() * 16: indexes for key, indexes in target.items()})


def test_the_assignor_leaves_members_what_they_have() -> None:
    members = [subscriber("x", A, a={1}), subscriber("y", A, a={0})]
    assert assign_shared(members, {A: 2}) == {"x": {A: {1}}, "y": {A: {0}}}


def test_the_assignor_lets_no_partition_be_read_by_more_than_need_be() -> None:
    members = [subscriber("x", A, a={0}), subscriber("y", A, a={0}), subscriber("z", A), subscriber("w", A)]
    assert assign_shared(members, {A: 2}) == {"x": {A: {0}}, "y": {A: {0}}, "z": {A: {1}}, "w": {A: {1}}}


def test_the_assignor_gives_members_only_what_they_subscribe_to() -> None:
    members = [subscriber("x", A), subscriber("y", A, B)]
    assert assign_shared(members, {A: 2, B: 1}) == {"x": {A: {0}}, "y": {A: {1}, B: {0}}}
