"""Offsets that a transaction commits (TxnOffsetCommit): they count when it is committed, and until then nobody may go on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, committed, make_topic, stable

UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE, ILLEGAL_GENERATION, INVALID_GROUP_ID = 3, 12, 22, 24
UNKNOWN_MEMBER_ID, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, UNSTABLE_OFFSET_COMMIT, TRANSACTION_ABORTABLE = (
    25,
    47,
    48,
    88,
    120,
)


@pytest.fixture(autouse=True)
def _orders(kafka: KafkaHarness) -> None:
    make_topic(kafka)


class Producer:
    """A producer with a transactional id."""

    def __init__(self, client: Client, transactional_id: str = "payments") -> None:
        self.client = client
        self.transactional_id = transactional_id
        answer = client.ask("InitProducerId", {"TransactionalId": transactional_id, "TransactionTimeoutMs": 60_000})
        assert answer["ErrorCode"] == 0, answer
        self.producer_id, self.epoch = answer["ProducerId"], answer["ProducerEpoch"]

    def said(self) -> dict[str, Any]:
        return {
            "TransactionalId": self.transactional_id,
            "ProducerId": self.producer_id,
            "ProducerEpoch": self.epoch,
        }

    def commit_offset(self, offset: int, *, group: str = "billing", version: int = 5, **more: Any) -> int:
        """Commit an offset of partition 0 in the transaction and give the error code."""
        row = {"PartitionIndex": 0, "CommittedOffset": offset, "CommittedMetadata": ""}
        request = {**self.said(), "GroupId": group, "Topics": [{"Name": "orders", "Partitions": [row]}]} | more
        [topic] = self.client.ask("TxnOffsetCommit", request, version=version)["Topics"]
        return int(topic["Partitions"][0]["ErrorCode"])

    def add_group(self, group: str = "billing") -> int:
        return int(self.client.ask("AddOffsetsToTxn", {**self.said(), "GroupId": group})["ErrorCode"])

    def end(self, *, commit: bool) -> None:
        answer = self.client.ask("EndTxn", {**self.said(), "Committed": commit}, version=5)
        assert answer["ErrorCode"] == 0, answer
        self.producer_id, self.epoch = answer["ProducerId"], answer["ProducerEpoch"]


def offset(client: Client) -> int:
    return int(committed(client, "billing")["CommittedOffset"])


@pytest.mark.parametrize(("commit", "left"), [(True, 5), (False, -1)])
def test_offsets_count_when_the_transaction_is_committed(client: Client, commit: bool, left: int) -> None:
    producer = Producer(client)
    assert producer.commit_offset(5) == 0
    assert offset(client) == -1
    producer.end(commit=commit)
    assert offset(client) == left


@pytest.mark.parametrize("version", range(5))
def test_older_clients_add_the_group_to_the_transaction_first(client: Client, version: int) -> None:
    producer = Producer(client)
    assert producer.add_group() == 0
    assert producer.commit_offset(5, version=version) == 0
    producer.end(commit=True)
    assert offset(client) == 5


@pytest.mark.parametrize(("version", "error"), [(3, INVALID_TXN_STATE), (4, TRANSACTION_ABORTABLE)])
def test_a_group_that_was_not_added_is_refused(client: Client, version: int, error: int) -> None:
    producer = Producer(client)
    assert producer.commit_offset(5, version=version) == error


def test_a_fenced_producer_commits_nothing(client: Client) -> None:
    fenced, _ = Producer(client), Producer(client)
    assert fenced.commit_offset(5) == INVALID_PRODUCER_EPOCH
    assert not client.ask("ListGroups")["Groups"]


def test_who_wants_stable_offsets_has_to_wait_for_the_end_of_the_transaction(client: Client) -> None:
    producer = Producer(client)
    producer.commit_offset(5)
    row = committed(client, "billing", stable=True)
    assert (row["ErrorCode"], row["CommittedOffset"]) == (UNSTABLE_OFFSET_COMMIT, -1)
    assert committed(client, "billing", partition=1, stable=True)["ErrorCode"] == 0
    producer.end(commit=True)
    row = committed(client, "billing", stable=True)
    assert (row["ErrorCode"], row["CommittedOffset"]) == (0, 5)


def test_all_offsets_are_unstable_one_by_one_too(kafka: KafkaHarness, client: Client) -> None:
    for partition in (0, 1):
        Member(kafka).commit(2, partition=partition)
    Producer(client).commit_offset(5)
    answer = client.ask("OffsetFetch", {"GroupId": "billing", "Topics": None, "RequireStable": True}, version=7)
    rows = {row["PartitionIndex"]: row["ErrorCode"] for row in answer["Topics"][0]["Partitions"]}
    assert rows == {0: UNSTABLE_OFFSET_COMMIT, 1: 0}


def test_what_was_committed_after_it_is_not_undone_by_a_transaction(kafka: KafkaHarness, client: Client) -> None:
    producer = Producer(client)
    producer.commit_offset(5)
    Member(kafka).commit(9)
    producer.end(commit=True)
    assert offset(client) == 9


def test_two_transactions_end_independently(client: Client) -> None:
    one, two = Producer(client, "one"), Producer(client, "two")
    one.commit_offset(5)
    two.commit_offset(6)
    one.end(commit=True)
    assert offset(client) == 5
    assert committed(client, "billing", stable=True)["ErrorCode"] == UNSTABLE_OFFSET_COMMIT
    two.end(commit=False)
    assert committed(client, "billing", stable=True)["CommittedOffset"] == 5


def test_a_transaction_that_times_out_forgets_its_offsets(kafka: KafkaHarness, client: Client) -> None:
    Producer(client).commit_offset(5)
    kafka.advance(61)
    row = committed(client, "billing", stable=True)
    assert (row["ErrorCode"], row["CommittedOffset"]) == (0, -1)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"GenerationId": 1}, 0),
        ({"GenerationId": 0}, ILLEGAL_GENERATION),
        ({"GenerationId": 2}, ILLEGAL_GENERATION),
        ({"GenerationId": 1, "MemberId": "stranger"}, UNKNOWN_MEMBER_ID),
        ({"GenerationId": 1, "GroupInstanceId": "one"}, UNKNOWN_MEMBER_ID),
        ({"GenerationId": -1, "MemberId": ""}, 0),
    ],
)
def test_a_member_that_was_replaced_is_fenced(
    kafka: KafkaHarness, client: Client, said: dict[str, Any], error: int
) -> None:
    member = Member(kafka)
    stable(kafka, member)
    assert Producer(client).commit_offset(5, **({"MemberId": member.member_id} | said)) == error


def test_members_commit_in_transactions_even_between_join_and_sync(kafka: KafkaHarness, client: Client) -> None:
    member = Member(kafka)
    join = member.join()
    kafka.advance(0)
    member.joined(join)
    said = {"GenerationId": 1, "MemberId": member.member_id}
    assert Producer(client).commit_offset(5, **said) == 0


def test_a_generation_of_no_group_is_illegal(client: Client) -> None:
    assert Producer(client).commit_offset(5, GenerationId=1, MemberId="stranger") == ILLEGAL_GENERATION


def test_the_group_has_to_be_named(client: Client) -> None:
    assert Producer(client).commit_offset(5, group="") == INVALID_GROUP_ID


def test_partitions_that_do_not_exist_and_long_metadata_are_refused_alone(client: Client) -> None:
    rows = [
        {"PartitionIndex": index, "CommittedOffset": 1, "CommittedMetadata": metadata}
        for index, metadata in ((0, None), (1, "x" * 4097), (4, ""))
    ]
    request = {**Producer(client).said(), "GroupId": "billing", "Topics": [{"Name": "orders", "Partitions": rows}]}
    [topic] = client.ask("TxnOffsetCommit", request)["Topics"]
    errors = [row["ErrorCode"] for row in topic["Partitions"]]
    assert errors == [0, OFFSET_METADATA_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION]


def test_a_deleted_group_gets_nothing_from_an_open_transaction(client: Client) -> None:
    producer = Producer(client)
    producer.commit_offset(5)
    assert client.ask("DeleteGroups", {"GroupsNames": ["billing"]})["Results"][0]["ErrorCode"] == 0
    assert committed(client, "billing", stable=True)["ErrorCode"] == 0
    producer.end(commit=True)
    assert offset(client) == -1


def test_a_deleted_topic_gets_nothing_from_an_open_transaction(kafka: KafkaHarness, client: Client) -> None:
    producer = Producer(client)
    producer.commit_offset(5)
    orders = kafka.cluster.topics.get("orders")
    assert orders is not None
    kafka.cluster.topics.delete(orders)
    make_topic(kafka)
    producer.end(commit=True)
    assert offset(client) == -1


def test_a_group_with_an_open_transaction_is_not_forgotten(kafka: KafkaHarness, client: Client) -> None:
    producer = Producer(client)
    producer.commit_offset(5)
    kafka.cluster.groups.expire(kafka.now_ms + 30 * 86_400_000)
    producer.end(commit=True)
    assert offset(client) == 5


def test_an_open_transaction_survives_a_restart(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        producer = Producer(kafka.connect())
        assert producer.commit_offset(5) == 0
    with KafkaHarness(data_dir=tmp_path) as kafka:
        producer.client = kafka.connect()
        assert committed(producer.client, "billing", stable=True)["ErrorCode"] == UNSTABLE_OFFSET_COMMIT
        producer.end(commit=True)
        assert committed(producer.client, "billing", stable=True)["CommittedOffset"] == 5
