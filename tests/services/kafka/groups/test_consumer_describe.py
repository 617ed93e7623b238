"""ConsumerGroupDescribe, and what ListGroups and the status page say of consumer groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_acls import DESCRIBE, GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, make_topic, stable
from tests.support.kafka_consumer import GROUP_ID_NOT_FOUND, Consumer, at_once, settle

GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, INVALID_GROUP_ID = 30, 29, 24
NOT_ASKED = -(1 << 31)
ALL_OPERATIONS = sum(1 << code for code in (3, 6, 8, 10, 11))


def describe(client: Client, *groups: str, **more: Any) -> list[dict[str, Any]]:
    answer = client.ask("ConsumerGroupDescribe", {"GroupIds": list(groups or ("billing",)), **more})
    found: list[dict[str, Any]] = answer["Groups"]
    return found


def test_a_group_is_described_with_what_members_have_and_are_to_have(kafka: KafkaHarness, client: Client) -> None:
    at_once(kafka)
    orders = make_topic(kafka, partitions=2)
    Consumer(kafka, "a", instance="one", RackId="r1").join()
    Consumer(kafka, "b").join()

    def held(*indexes: int) -> dict[str, Any]:
        topic = {"TopicId": orders, "TopicName": "orders", "Partitions": list(indexes)}
        return {"TopicPartitions": [topic] if indexes else []}

    common = {
        "ClientId": "test",
        "ClientHost": "/127.0.0.1",
        "SubscribedTopicNames": ["orders"],
        "SubscribedTopicRegex": "",
        "MemberType": 1,
    }
    first = {"MemberId": "a", "InstanceId": "one", "RackId": "r1", "MemberEpoch": 1}
    second = {"MemberId": "b", "InstanceId": None, "RackId": None, "MemberEpoch": 2}
    assert describe(client) == [
        {
            "ErrorCode": 0,
            "ErrorMessage": None,
            "GroupId": "billing",
            "GroupState": "Reconciling",
            "GroupEpoch": 2,
            "AssignmentEpoch": 2,
            "AssignorName": "uniform",
            "Members": [
                {**first, **common, "Assignment": held(0, 1), "TargetAssignment": held(0)},
                {**second, **common, "Assignment": held(), "TargetAssignment": held(1)},
            ],
            "AuthorizedOperations": NOT_ASKED,
        }
    ]


def test_an_empty_group_is_described_without_members(kafka: KafkaHarness, client: Client) -> None:
    member = Consumer(kafka, "a")
    member.join()
    member.leave()
    [group] = describe(client)
    assert (group["GroupState"], group["Members"]) == ("Empty", [])


def test_who_asks_hears_what_he_may_do(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    [group] = describe(client, IncludeAuthorizedOperations=True)
    assert group["AuthorizedOperations"] == ALL_OPERATIONS


def test_a_group_of_another_kind_or_none_is_not_found(kafka: KafkaHarness, client: Client) -> None:
    stable(kafka, Member(kafka, "classic"))
    found = [(group["ErrorCode"], group["ErrorMessage"]) for group in describe(client, "classic", "none", "")]
    assert found == [
        (GROUP_ID_NOT_FOUND, "Group classic is not a consumer group."),
        (GROUP_ID_NOT_FOUND, "Group none not found."),
        (INVALID_GROUP_ID, None),
    ]


def test_groups_that_the_caller_may_not_see_come_first() -> None:
    with guarded() as kafka:
        create(kafka.connect(), creation("billing", ResourceType=GROUP, Operation=DESCRIBE))
        Consumer(kafka, "a").join()
        found = [(group["GroupId"], group["ErrorCode"]) for group in describe(somebody(kafka), "billing", "other")]
        assert found == [("other", GROUP_AUTHORIZATION_FAILED), ("billing", 0)]


def test_a_group_with_a_topic_that_the_caller_may_not_see_is_described_without_members() -> None:
    with guarded() as kafka:
        make_topic(kafka)
        create(kafka.connect(), creation("billing", ResourceType=GROUP, Operation=DESCRIBE))
        Consumer(kafka, "a").join()
        [group] = describe(somebody(kafka))
        assert (group["ErrorCode"], group["Members"], group["ErrorMessage"]) == (
            TOPIC_AUTHORIZATION_FAILED,
            [],
            "The group has described topic(s) that the client is not authorized to describe.",
        )


def test_groups_are_listed_with_their_kind_and_state(kafka: KafkaHarness, client: Client) -> None:
    Consumer(kafka, "a").join()
    assert client.ask("ListGroups", {})["Groups"] == [
        {"GroupId": "billing", "ProtocolType": "consumer", "GroupState": "Stable", "GroupType": "consumer"}
    ]


def test_the_status_page_shows_members_with_their_partitions(kafka: KafkaHarness) -> None:
    at_once(kafka)
    make_topic(kafka, partitions=2)
    first, second = Consumer(kafka, "a"), Consumer(kafka, "b")
    first.join()
    second.join()
    settle(first, second)
    [group] = kafka.cluster.groups.describe_all()
    assert (group["kind"], group["state"], group["generation"]) == ("consumer", "Stable", 2)
    assert [(row["member_id"], row["epoch"], row["partitions"]) for row in group["members"]] == [
        ("a", 2, ["orders-0"]),
        ("b", 2, ["orders-1"]),
    ]


@pytest.mark.parametrize("version", [0, 1])
def test_the_type_of_members_is_told_from_version_1_on(kafka: KafkaHarness, client: Client, version: int) -> None:
    Consumer(kafka, "a").join()
    answer = client.ask("ConsumerGroupDescribe", {"GroupIds": ["billing"]}, version=version)
    assert answer["Groups"][0]["Members"][0]["MemberType"] == (1 if version else -1)
