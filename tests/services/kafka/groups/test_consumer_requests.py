"""ConsumerGroupHeartbeat requests that no group could take, and callers who may not send them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_acls import GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, make_topic, stable
from tests.support.kafka_consumer import (
    GROUP_ID_NOT_FOUND,
    INVALID_REQUEST,
    UNKNOWN_MEMBER_ID,
    UNSUPPORTED_ASSIGNOR,
    Consumer,
)

GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED = 30, 29
JOIN = {
    "GroupId": "billing",
    "MemberId": "m",
    "MemberEpoch": 0,
    "RebalanceTimeoutMs": 1000,
    "SubscribedTopicNames": ["orders"],
    "TopicPartitions": [],
}


def beat(client: Client, version: int = 1, **fields: Any) -> tuple[int, str | None]:
    answer = client.ask("ConsumerGroupHeartbeat", {**JOIN, **fields}, version=version)
    return answer["ErrorCode"], answer["ErrorMessage"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"MemberId": ""}, "MemberId can't be empty."),
        ({"MemberId": " "}, "MemberId can't be empty."),
        ({"GroupId": ""}, "GroupId can't be empty."),
        ({"InstanceId": ""}, "InstanceId can't be empty."),
        ({"RackId": " "}, "RackId can't be empty."),
        ({"RebalanceTimeoutMs": -1}, "RebalanceTimeoutMs must be provided in first request."),
        ({"TopicPartitions": None}, "TopicPartitions must be empty when (re-)joining."),
        (
            {"TopicPartitions": [{"TopicId": bytes(16), "Partitions": [0]}]},
            "TopicPartitions must be empty when (re-)joining.",
        ),
        (
            {"SubscribedTopicNames": None},
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
        ({"MemberEpoch": -2}, "InstanceId can't be null."),
        ({"MemberEpoch": -3}, "MemberEpoch is invalid."),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_kafkas_words(
    client: Client, fields: dict[str, Any], words: str
) -> None:
    assert beat(client, **fields) == (INVALID_REQUEST, words)


@pytest.mark.parametrize("epoch", [1, -1])
def test_in_version_0_who_is_in_the_group_needs_a_member_id(client: Client, epoch: int) -> None:
    assert beat(client, 0, MemberId="", MemberEpoch=epoch) == (INVALID_REQUEST, "MemberId can't be empty.")


def test_in_version_0_the_broker_makes_the_member_id(client: Client) -> None:
    answer = client.ask("ConsumerGroupHeartbeat", {**JOIN, "MemberId": ""}, version=0)
    assert (answer["ErrorCode"], len(answer["MemberId"])) == (0, 22)


def test_an_assignor_that_the_broker_does_not_have_is_refused(client: Client) -> None:
    assert beat(client, ServerAssignor="sticky") == (
        UNSUPPORTED_ASSIGNOR,
        "ServerAssignor sticky is not supported. Supported assignors: uniform, range.",
    )


def test_a_refused_request_makes_no_group(kafka: KafkaHarness, client: Client) -> None:
    beat(client, SubscribedTopicNames=None, SubscribedTopicRegex="(")
    assert kafka.cluster.groups.get("billing") is None


@pytest.mark.parametrize(
    ("epoch", "words"), [(3, "Consumer group billing not found."), (-1, "Group billing not found.")]
)
def test_a_group_that_is_not_there_is_not_found(client: Client, epoch: int, words: str) -> None:
    assert beat(client, MemberEpoch=epoch) == (GROUP_ID_NOT_FOUND, words)


@pytest.mark.parametrize("epoch", [3, -1])
def test_a_classic_group_is_no_consumer_group(kafka: KafkaHarness, client: Client, epoch: int) -> None:
    stable(kafka, Member(kafka))
    assert beat(client, MemberEpoch=epoch) == (GROUP_ID_NOT_FOUND, "Group billing is not a consumer group.")


def test_a_classic_group_with_members_is_not_upgraded(kafka: KafkaHarness, client: Client) -> None:
    stable(kafka, Member(kafka))
    assert beat(client) == (
        GROUP_ID_NOT_FOUND,
        "Cannot upgrade classic group billing to consumer group because online upgrade is disabled.",
    )


def test_another_broker_than_the_coordinator_does_not_answer_for_the_group(kafka_with: Any) -> None:
    kafka = kafka_with(kafka_brokers=3)
    right = kafka.cluster.coordinator("billing").node_id
    answers = [Consumer(kafka, "m", client=kafka.connect(node)).join()["ErrorCode"] for node in (1, 2, 3)]
    assert answers == [0 if node == right else 16 for node in (1, 2, 3)]


def test_a_member_that_was_never_there_is_unknown(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert beat(client, MemberId="b", MemberEpoch=1) == (
        UNKNOWN_MEMBER_ID,
        "Member b is not a member of group billing.",
    )


def test_who_may_not_read_the_group_is_refused() -> None:
    with guarded() as kafka:
        assert beat(somebody(kafka)) == (GROUP_AUTHORIZATION_FAILED, None)


def test_who_may_not_see_a_topic_is_refused() -> None:
    with guarded() as kafka:
        create(kafka.connect(), creation("billing", ResourceType=GROUP))
        assert beat(somebody(kafka)) == (TOPIC_AUTHORIZATION_FAILED, None)


def test_who_may_read_both_joins() -> None:
    with guarded() as kafka:
        make_topic(kafka)
        create(kafka.connect(), creation("billing", ResourceType=GROUP), creation("orders"))
        assert beat(somebody(kafka)) == (0, None)
