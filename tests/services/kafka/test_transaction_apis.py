"""The requests around transactions one by one: batched by brokers, markers by hand, what is shown, who may, which broker, expiry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.acls import Acl, Operation, Pattern, Permission, Resource
from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_producer import Producer, read_committed

DAY_S = 86_400
RIGHTS = {
    "transactional id": (Operation.WRITE, Resource.TRANSACTIONAL_ID),
    "topic": (Operation.WRITE, Resource.TOPIC),
    "group": (Operation.READ, Resource.GROUP),
    "describe id": (Operation.DESCRIBE, Resource.TRANSACTIONAL_ID),
    "describe topic": (Operation.DESCRIBE, Resource.TOPIC),
    "read topic": (Operation.READ, Resource.TOPIC),
    "cluster": (Operation.CLUSTER_ACTION, Resource.CLUSTER),
    "alter": (Operation.ALTER, Resource.CLUSTER),
    "idempotent": (Operation.IDEMPOTENT_WRITE, Resource.CLUSTER),
}


@pytest.fixture
def orders(client: Client) -> str:
    client.create_topic("orders", 3)
    return "orders"


@pytest.fixture
def old(client: Client) -> Producer:
    """A producer from before KIP-890, initialized."""
    return Producer(client, new=False).begun()


@pytest.fixture
def new(client: Client) -> Producer:
    """A producer that knows KIP-890, initialized."""
    return Producer(client, new=True).begun()


def state(client: Client, transactional_id: str = "payments") -> dict[str, Any]:
    [found] = client.ask("DescribeTransactions", {"TransactionalIds": [transactional_id]})["TransactionStates"]
    return dict(found)


# AddPartitionsToTxn.


def test_one_wrong_partition_fails_all(client: Client, old: Producer, orders: str) -> None:
    assert old.add(orders, 0, 7, 1) == {
        0: Error.OPERATION_NOT_ATTEMPTED,
        7: Error.UNKNOWN_TOPIC_OR_PARTITION,
        1: Error.OPERATION_NOT_ATTEMPTED,
    }
    assert state(client)["TransactionState"] == "Empty"


def test_an_internal_topic_cannot_be_added(old: Producer, orders: str) -> None:
    assert old.add("__consumer_offsets", 0) == {0: Error.TOPIC_AUTHORIZATION_FAILED}


@pytest.mark.parametrize("version", range(4))
def test_partitions_are_added_once_in_every_version(client: Client, old: Producer, orders: str, version: int) -> None:
    assert old.add(orders, 1, 0, 1, version=version) == {0: Error.NONE, 1: Error.NONE}
    assert old.add(orders, 0, 2, version=version) == {0: Error.NONE, 2: Error.NONE}
    assert state(client)["Topics"] == [{"Topic": orders, "Partitions": [0, 1, 2]}]


def batched(client: Client, *transactions: dict[str, Any]) -> dict[str, dict[int, int]]:
    """Ask as a broker does; by transactional id and partition the errors."""
    answer = client.ask("AddPartitionsToTxn", {"Transactions": list(transactions)})
    assert answer["ErrorCode"] == 0
    return {
        one["TransactionalId"]: {
            found["PartitionIndex"]: found["PartitionErrorCode"]
            for topic in one["TopicResults"]
            for found in topic["ResultsByPartition"]
        }
        for one in answer["ResultsByTransaction"]
    }


def of(producer: Producer, *partitions: int, verify: bool = False) -> dict[str, Any]:
    return {
        "TransactionalId": producer.transactional_id,
        "ProducerId": producer.producer_id,
        "ProducerEpoch": producer.epoch,
        "VerifyOnly": verify,
        "Topics": [{"Name": "orders", "Partitions": list(partitions)}],
    }


def test_brokers_add_to_many_transactions_at_once(client: Client, orders: str) -> None:
    one, two = (Producer(client, name, new=True).begun() for name in ("one", "two"))
    two.epoch += 1
    assert batched(client, of(one, 0, 1), of(two, 0)) == {"one": {0: 0, 1: 0}, "two": {0: Error.PRODUCER_FENCED}}
    assert state(client, "one")["TransactionState"] == "Ongoing"


def test_verifying_adds_nothing(client: Client, new: Producer, orders: str) -> None:
    abortable = Error.TRANSACTION_ABORTABLE
    assert batched(client, of(new, 0, verify=True)) == {"payments": {0: abortable}}
    assert batched(client, of(new, 0)) == {"payments": {0: 0}}
    assert batched(client, of(new, 0, 1, verify=True)) == {"payments": {0: 0, 1: abortable}}


def test_verifying_an_unknown_transactional_id_is_refused(client: Client, orders: str) -> None:
    assert batched(client, of(Producer(client, new=True), 0, verify=True)) == {
        "payments": {0: Error.INVALID_PRODUCER_ID_MAPPING}
    }


# WriteTxnMarkers.


def mark(client: Client, producer: Producer, *, commit: bool, partition: int = 0, **more: Any) -> int:
    marker = {
        "ProducerId": producer.producer_id,
        "ProducerEpoch": producer.epoch,
        "TransactionResult": commit,
        "Topics": [{"Name": "orders", "PartitionIndexes": [partition]}],
        "CoordinatorEpoch": 0,
    }
    [answer] = client.ask("WriteTxnMarkers", {"Markers": [marker | more]})["Markers"]
    assert answer["ProducerId"] == producer.producer_id
    return int(answer["Topics"][0]["Partitions"][0]["ErrorCode"])


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
def test_a_marker_ends_a_transaction_in_one_partition(client: Client, new: Producer, orders: str, commit: bool) -> None:
    for partition in (0, 1):
        assert new.write(orders, b"x", partition=partition) == 0
    assert mark(client, new, commit=commit) == 0
    assert read_committed(client, orders) == ([b"x"] if commit else [])
    assert client.fetch(orders, partition=1, committed=True)["LastStableOffset"] == 0


def test_a_marker_of_an_old_epoch_is_refused(client: Client, new: Producer, orders: str) -> None:
    new.epoch = 1
    assert mark(client, new, commit=False) == 0
    new.epoch = 0
    assert mark(client, new, commit=False) == Error.INVALID_PRODUCER_EPOCH


def test_a_marker_of_a_new_producer_has_to_raise_the_epoch(client: Client, new: Producer, orders: str) -> None:
    assert new.write(orders, b"x") == 0
    assert mark(client, new, commit=True, TransactionVersion=2) == Error.INVALID_PRODUCER_EPOCH
    new.epoch += 1
    assert mark(client, new, commit=True, TransactionVersion=2) == 0


def test_a_marker_for_an_unknown_partition_is_refused(client: Client, new: Producer, orders: str) -> None:
    assert mark(client, new, commit=True, partition=9) == Error.UNKNOWN_TOPIC_OR_PARTITION


# DescribeProducers, DescribeTransactions, ListTransactions.


def producers(client: Client, topic: str = "orders", partition: int = 0) -> dict[str, Any]:
    request = {"Topics": [{"Name": topic, "PartitionIndexes": [partition]}]}
    return dict(client.ask("DescribeProducers", request)["Topics"][0]["Partitions"][0])


def test_a_partition_shows_its_producers(client: Client, new: Producer, orders: str) -> None:
    client.produce(orders, b"first")
    assert new.write(orders, b"a", b"b") == 0
    [found] = producers(client)["ActiveProducers"]
    assert (found["ProducerId"], found["ProducerEpoch"], found["LastSequence"]) == (0, 0, 1)
    assert (found["CoordinatorEpoch"], found["CurrentTxnStartOffset"]) == (-1, 1)
    assert new.commit() == 0
    [found] = producers(client)["ActiveProducers"]
    assert (found["ProducerEpoch"], found["LastSequence"]) == (1, -1)
    assert (found["CoordinatorEpoch"], found["CurrentTxnStartOffset"]) == (0, -1)


@pytest.mark.parametrize(
    ("topic", "partition", "error"),
    [
        ("orders", 3, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("nothing", 0, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("not a topic", 0, Error.INVALID_TOPIC_EXCEPTION),
    ],
)
def test_producers_of_what_is_not_there_are_an_error(
    client: Client, orders: str, topic: str, partition: int, error: Error
) -> None:
    assert producers(client, topic, partition)["ErrorCode"] == error


def test_a_transaction_is_described(kafka: KafkaHarness, client: Client, new: Producer, orders: str) -> None:
    kafka.advance(5)
    begun_ms = kafka.now_ms
    assert new.write(orders, b"x", partition=2) == 0
    kafka.advance(5)
    assert new.write(orders, b"x", partition=0) == 0
    assert state(client) == {
        "ErrorCode": 0,
        "TransactionalId": "payments",
        "TransactionState": "Ongoing",
        "TransactionTimeoutMs": 60_000,
        "TransactionStartTimeMs": begun_ms,
        "ProducerId": 0,
        "ProducerEpoch": 0,
        "Topics": [{"Topic": "orders", "Partitions": [0, 2]}],
    }


@pytest.mark.parametrize(("name", "error"), [("", Error.INVALID_REQUEST), ("x", Error.TRANSACTIONAL_ID_NOT_FOUND)])
def test_an_unknown_transaction_is_an_error(client: Client, name: str, error: Error) -> None:
    assert state(client, name)["ErrorCode"] == error


@pytest.fixture
def three(kafka: KafkaHarness, client: Client, orders: str) -> Client:
    """Transactional ids `idle` (producer 0), `done` (1) and `open` (2), which has run for 10 s."""
    Producer(client, "idle", new=True).begun()
    for name in ("done", "open"):
        assert Producer(client, name, new=True).begun().write(orders, b"x") == 0
    done = Producer(client, "done", new=True)
    done.producer_id, done.epoch = 1, 0
    assert done.commit() == 0
    kafka.advance(10)
    return client


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "done idle open"),
        ({"StateFilters": ["Ongoing"]}, "open"),
        ({"StateFilters": ["Ongoing", "CompleteCommit"]}, "done open"),
        ({"StateFilters": ["Dead"]}, ""),
        ({"ProducerIdFilters": [0, 2, 77]}, "idle open"),
        ({"ProducerIdFilters": [0], "StateFilters": ["Ongoing"]}, ""),
        ({"DurationFilter": 9_999}, "done idle open"),
        ({"DurationFilter": 10_000}, "idle"),
        ({"TransactionalIdPattern": "[de].*|o[p]en"}, "done open"),
        ({"TransactionalIdPattern": ".*e"}, "done idle"),
        ({"TransactionalIdPattern": "o"}, ""),
        ({"TransactionalIdPattern": ""}, "done idle open"),
    ],
    ids=str,
)
def test_transactions_are_listed_by_what_is_wanted(three: Client, wanted: dict[str, Any], found: str) -> None:
    answer = three.ask("ListTransactions", wanted)
    assert " ".join(sorted(one["TransactionalId"] for one in answer["TransactionStates"])) == found
    assert answer["UnknownStateFilters"] == []


def test_a_listed_transaction_has_its_state(three: Client) -> None:
    [found] = three.ask("ListTransactions", {"ProducerIdFilters": [1]})["TransactionStates"]
    assert found == {"TransactionalId": "done", "ProducerId": 1, "TransactionState": "CompleteCommit"}


def test_states_that_are_not_known_are_named(three: Client) -> None:
    answer = three.ask("ListTransactions", {"StateFilters": ["Ongoing", "Sleeping"]})
    assert answer["UnknownStateFilters"] == ["Sleeping"]
    assert [one["TransactionalId"] for one in answer["TransactionStates"]] == ["open"]


def test_a_pattern_that_is_none_is_refused(three: Client) -> None:
    answer = three.ask("ListTransactions", {"TransactionalIdPattern": "(a"})
    assert answer["ErrorCode"] == Error.INVALID_REGULAR_EXPRESSION


# Rights.


@pytest.fixture
def guarded(kafka_with: Callable[..., KafkaHarness]) -> KafkaHarness:
    """A cluster that refuses all that is not allowed, with a topic."""
    kafka = kafka_with(kafka_authorizer=True)
    kafka.cluster.topics.create("orders", 1, 1, {})
    return kafka


def allow(kafka: KafkaHarness, *rights: str) -> None:
    for right in rights:
        operation, resource = RIGHTS[right]
        name = "kafka-cluster" if resource is Resource.CLUSTER else "*"
        kafka.cluster.acls.add(Acl(resource, name, Pattern.LITERAL, "User:ANONYMOUS", "*", operation, Permission.ALLOW))


@pytest.mark.parametrize(
    ("rights", "error"),
    [([], Error.CLUSTER_AUTHORIZATION_FAILED), (["idempotent"], Error.NONE), (["topic"], Error.NONE)],
)
def test_an_idempotent_producer_needs_to_write_somewhere(
    guarded: KafkaHarness, rights: list[str], error: Error
) -> None:
    allow(guarded, *rights)
    request = {"TransactionalId": None, "ProducerId": -1, "ProducerEpoch": -1}
    assert guarded.connect().ask("InitProducerId", request)["ErrorCode"] == error


def test_a_transactional_producer_needs_its_transactional_id(guarded: KafkaHarness) -> None:
    denied = Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    allow(guarded, "topic", "group")
    producer = Producer(guarded.connect(), new=False)
    assert producer.init() is denied
    assert producer.add("orders", 0) == {0: denied}
    assert producer.add_group("billing") is denied
    assert producer.commit() is denied
    allow(guarded, "transactional id")
    assert producer.init() == 0
    assert producer.write("orders", b"x") == 0
    assert producer.add_group("billing") == 0
    assert producer.commit() == 0


def test_a_transaction_needs_its_topics_and_groups(guarded: KafkaHarness) -> None:
    allow(guarded, "transactional id")
    producer = Producer(guarded.connect(), new=False).begun()
    assert producer.add("orders", 0) == {0: Error.TOPIC_AUTHORIZATION_FAILED}
    assert producer.add_group("billing") is Error.GROUP_AUTHORIZATION_FAILED


def test_what_brokers_ask_needs_cluster_action(guarded: KafkaHarness) -> None:
    client = guarded.connect()
    assert client.ask("AddPartitionsToTxn", {"Transactions": []})["ErrorCode"] == Error.CLUSTER_AUTHORIZATION_FAILED
    allow(guarded, "cluster")
    assert client.ask("AddPartitionsToTxn", {"Transactions": []})["ErrorCode"] == 0


@pytest.mark.parametrize(
    ("rights", "error"), [([], Error.CLUSTER_AUTHORIZATION_FAILED), (["cluster"], 0), (["alter"], 0)]
)
def test_markers_need_cluster_action_or_alter(guarded: KafkaHarness, rights: list[str], error: int) -> None:
    allow(guarded, *rights)
    client = guarded.connect()
    producer = Producer(client, new=True)
    producer.producer_id, producer.epoch = 5, 0
    assert mark(client, producer, commit=False) == error


def test_what_may_not_be_described_is_not_shown(guarded: KafkaHarness) -> None:
    client, transactions = guarded.connect(), guarded.cluster.transactions
    producer = transactions.init_producer_id("payments", 60_000, None, guarded.now_ms)
    transactions.add("payments", producer, guarded.now_ms, partitions=[("orders", 0)])
    assert state(client)["ErrorCode"] == Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    assert client.ask("ListTransactions", {})["TransactionStates"] == []
    assert producers(client)["ErrorCode"] == Error.TOPIC_AUTHORIZATION_FAILED
    allow(guarded, "describe id")
    assert (state(client)["ErrorCode"], state(client)["Topics"]) == (0, [])
    assert len(client.ask("ListTransactions", {})["TransactionStates"]) == 1
    allow(guarded, "describe topic")
    assert state(client)["Topics"] == [{"Topic": "orders", "Partitions": [0]}]
    allow(guarded, "read topic")
    assert producers(client)["ErrorCode"] == 0


# Expiry, deleted topics, several brokers.


@pytest.mark.parametrize(("idle_s", "who"), [(7 * DAY_S - 1, (0, 1)), (7 * DAY_S, (1, 0))])
def test_a_transactional_id_is_forgotten_after_a_week(
    kafka: KafkaHarness, client: Client, old: Producer, idle_s: int, who: tuple[int, int]
) -> None:
    kafka.advance(idle_s)
    assert Producer(client, new=False).begun().who == who


def test_a_forgotten_transactional_id_is_unknown(
    kafka: KafkaHarness, client: Client, old: Producer, orders: str
) -> None:
    kafka.advance(7 * DAY_S)
    assert old.add(orders, 0) == {0: Error.INVALID_PRODUCER_ID_MAPPING}
    assert state(client)["ErrorCode"] == Error.TRANSACTIONAL_ID_NOT_FOUND
    assert list(kafka.cluster.transactions) == []


def test_a_transaction_ends_although_a_topic_of_it_is_gone(
    kafka: KafkaHarness, client: Client, new: Producer, orders: str
) -> None:
    client.create_topic("gone")
    assert new.write("gone", b"x") == 0
    assert new.write(orders, b"y") == 0
    topic = kafka.cluster.topics.get("gone")
    assert topic is not None
    kafka.cluster.topics.delete(topic)
    client.create_topic("gone")
    assert new.commit() == 0
    assert read_committed(client, orders) == [b"y"]
    assert client.fetch("gone")["HighWatermark"] == 0


def test_only_the_coordinator_of_a_transactional_id_answers(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_brokers=3)
    right = kafka.cluster.coordinator("payments").node_id
    wrong = right % 3 + 1
    here, there = (Producer(kafka.connect(node), new=False) for node in (right, wrong))
    here.client.create_topic("orders")
    assert there.init() is Error.NOT_COORDINATOR
    assert here.init() == 0
    there.producer_id, there.epoch = here.who
    assert there.add("orders", 0) == {0: Error.NOT_COORDINATOR}
    assert there.add_group("billing") is Error.NOT_COORDINATOR
    assert there.commit() is Error.NOT_COORDINATOR
    assert state(there.client)["ErrorCode"] == Error.NOT_COORDINATOR
    assert here.add("orders", 0) == {0: Error.NONE}
    assert there.client.ask("ListTransactions", {})["TransactionStates"] == []
    assert len(here.client.ask("ListTransactions", {})["TransactionStates"]) == 1
