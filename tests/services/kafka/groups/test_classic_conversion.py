"""One id, two kinds of groups: an empty group of one kind becomes one of the other, with its offsets; one with members does not."""

from __future__ import annotations

from typing import Any

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, make_topic, stable

INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER_ID, GROUP_ID_NOT_FOUND = 23, 25, 69


def beat(client: Client, member_id: str = "modern", epoch: int = 0) -> dict[str, Any]:
    """Join (epoch 0) or leave (-1) with the consumer protocol."""
    joins = {"RebalanceTimeoutMs": 60_000, "SubscribedTopicNames": ["orders"], "TopicPartitions": []}
    said = {"GroupId": "billing", "MemberId": member_id, "MemberEpoch": epoch}
    return client.ask("ConsumerGroupHeartbeat", said | (joins if epoch == 0 else {}))


def kind(client: Client) -> str:
    [listed] = client.ask("ListGroups")["Groups"]
    return str(listed["GroupType"])


def test_an_empty_classic_group_becomes_a_consumer_group_with_its_offsets(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    member = Member(kafka)
    stable(kafka, member)
    member.commit(5)
    member.leave()
    assert beat(client)["ErrorCode"] == 0
    assert kind(client) == "consumer"
    assert committed(client, "billing")["CommittedOffset"] == 5


def test_an_empty_consumer_group_becomes_a_classic_group_with_its_offsets(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    joined = beat(client)
    said = {"MemberId": joined["MemberId"], "GenerationIdOrMemberEpoch": joined["MemberEpoch"]}
    assert Member(kafka).commit(5, **said) == 0
    assert beat(client, joined["MemberId"], -1)["ErrorCode"] == 0
    stable(kafka, Member(kafka))
    assert kind(client) == "classic"
    assert committed(client, "billing")["CommittedOffset"] == 5


def test_a_classic_group_with_members_does_not_become_a_consumer_group(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    stable(kafka, Member(kafka))
    assert beat(client)["ErrorCode"] == GROUP_ID_NOT_FOUND
    assert kind(client) == "classic"


def test_classic_members_are_strangers_in_a_consumer_group(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    beat(client)
    member = Member(kafka)
    assert member.send_join().answer["ErrorCode"] == INCONSISTENT_GROUP_PROTOCOL
    member.generation, member.member_id = 1, "modern"
    assert member.heartbeat() == UNKNOWN_MEMBER_ID
    assert member.sync(ProtocolName="range").answer["ErrorCode"] == UNKNOWN_MEMBER_ID
    assert member.leave() == UNKNOWN_MEMBER_ID


def test_a_consumer_group_is_not_described_as_a_classic_one(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka)
    beat(client)
    [group] = client.ask("DescribeGroups", {"Groups": ["billing"]})["Groups"]
    assert (group["ErrorCode"], group["GroupState"]) == (GROUP_ID_NOT_FOUND, "Dead")
    assert group["ErrorMessage"] == "Group billing is not a classic group."
