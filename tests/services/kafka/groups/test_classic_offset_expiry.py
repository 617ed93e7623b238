"""Committed offsets that nobody comes back for (KIP-211), on the clock: offsets.retention.minutes, a week by default."""

from __future__ import annotations

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, configure, group_state, make_topic, stable, subscription

HOUR = 3600
CHECK_INTERVAL = 600
"""offsets.retention.check.interval.ms"""


@pytest.fixture(autouse=True)
def _an_hour(kafka: KafkaHarness) -> None:
    configure(kafka, offsets_retention_minutes="60")
    make_topic(kafka)


def offset(client: Client, topic: str = "orders") -> int:
    return int(committed(client, "billing", topic)["CommittedOffset"])


def live(kafka: KafkaHarness, member: Member, length_s: int) -> None:
    """Let time pass in which a member sends heartbeats."""
    for _ in range(length_s // 5):
        kafka.advance(5)
        assert member.heartbeat() == 0


def test_offsets_of_a_group_that_only_commits_expire_an_hour_after_the_commit(
    kafka: KafkaHarness, client: Client
) -> None:
    Member(kafka).commit(5)
    kafka.advance(HOUR - 1)
    assert offset(client) == 5
    kafka.advance(CHECK_INTERVAL)
    assert offset(client) == -1
    assert group_state(client, "billing") == "Dead"


def test_each_commit_begins_the_hour_anew(kafka: KafkaHarness, client: Client) -> None:
    for _ in range(3):
        Member(kafka).commit(5)
        kafka.advance(HOUR - 1)
    assert offset(client) == 5


def test_offsets_of_consumers_expire_an_hour_after_the_last_one_has_gone(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    stable(kafka, member)
    member.commit(5)
    live(kafka, member, HOUR + CHECK_INTERVAL)
    member.leave()
    kafka.advance(HOUR - 1)
    assert offset(client) == 5
    kafka.advance(CHECK_INTERVAL)
    assert offset(client) == -1
    assert client.ask("ListGroups")["Groups"] == []


def test_offsets_of_topics_that_are_read_no_more_expire_while_the_group_lives(
    kafka: KafkaHarness, client: Client
) -> None:
    make_topic(kafka, "bills")
    member = Member(kafka, protocols={"range": subscription("orders")})
    stable(kafka, member)
    member.commit(5, "orders")
    member.commit(6, "bills")
    live(kafka, member, HOUR + CHECK_INTERVAL)
    assert (offset(client, "orders"), offset(client, "bills")) == (5, -1)


def test_while_a_subscription_cannot_be_read_nothing_expires(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka, protocols={"range": b"what?"})
    stable(kafka, member)
    member.commit(5)
    live(kafka, member, HOUR + CHECK_INTERVAL)
    assert offset(client) == 5


def test_older_clients_say_themselves_how_long_offsets_stay(kafka: KafkaHarness, client: Client) -> None:
    said = [{"PartitionIndex": 0, "CommittedOffset": 5}]
    request = {
        "GroupId": "billing",
        "RetentionTimeMs": 2 * HOUR * 1000,
        "Topics": [{"Name": "orders", "Partitions": said}],
    }
    client.ask("OffsetCommit", request, version=4)
    kafka.advance(2 * HOUR - 1)
    assert offset(client) == 5
    kafka.advance(CHECK_INTERVAL)
    assert offset(client) == -1


def test_an_empty_group_without_offsets_is_forgotten(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    stable(kafka, member)
    member.leave()
    kafka.advance(2 * CHECK_INTERVAL)
    assert client.ask("ListGroups")["Groups"] == []
