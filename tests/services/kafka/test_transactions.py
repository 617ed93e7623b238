"""Transactions as producers see them: begun, committed, aborted, fenced, timed out, retried. See also test_transaction_apis.py (single
requests, rights, brokers, expiry) and test_transaction_crashes.py.

`new` producers know KIP-890: Produce adds partitions and each end gives a new epoch. Others add them by request.
"""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.transaction import Transaction
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_producer import Producer, read_committed

LAST_EPOCH = 32_766
"""The highest that a producer is given; one more is kept for fencing it."""
both = pytest.mark.parametrize("new", [False, True], ids=["before KIP-890", "KIP-890"])


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


def transaction(kafka: KafkaHarness, transactional_id: str = "payments") -> Transaction:
    found = kafka.cluster.transactions.get(transactional_id)
    assert found is not None
    return found


def state(client: Client, transactional_id: str = "payments") -> dict[str, Any]:
    [found] = client.ask("DescribeTransactions", {"TransactionalIds": [transactional_id]})["TransactionStates"]
    return dict(found)


def committed_offset(client: Client, group: str, topic: str, partition: int = 0) -> int:
    request = {"Groups": [{"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [partition]}]}]}
    [found] = client.ask("OffsetFetch", request, version=8)["Groups"]
    return int(found["Topics"][0]["Partitions"][0]["CommittedOffset"])


# Committing and aborting.


@both
def test_nothing_is_read_before_the_commit(client: Client, orders: str, new: bool) -> None:
    producer = Producer(client, new=new).begun()
    assert producer.write(orders, b"a", b"b") == 0
    assert read_committed(client, orders) == []
    assert client.values(orders) == [b"a", b"b"]
    assert producer.commit() == 0
    assert read_committed(client, orders) == [b"a", b"b"]


@both
def test_what_is_aborted_is_never_read(client: Client, orders: str, new: bool) -> None:
    producer = Producer(client, new=new).begun()
    for value, commit in ((b"a", True), (b"b", False), (b"c", True)):
        assert producer.write(orders, value) == 0
        assert producer.end(commit=commit) == 0
    assert read_committed(client, orders) == [b"a", b"c"]
    assert client.values(orders) == [b"a", b"b", b"c"]


@both
def test_a_transaction_ends_in_all_its_partitions(client: Client, orders: str, new: bool) -> None:
    producer = Producer(client, new=new).begun()
    for partition in range(3):
        assert producer.write(orders, b"x", partition=partition) == 0
    assert producer.commit() == 0
    for partition in range(3):
        assert read_committed(client, orders, partition=partition) == [b"x"]
        assert client.fetch(orders, partition=partition)["HighWatermark"] == 2  # the record and the marker


@both
@pytest.mark.parametrize(("commit", "offset"), [(True, 5), (False, -1)], ids=["committed", "aborted"])
def test_offsets_count_when_the_transaction_is_committed(
    client: Client, orders: str, new: bool, commit: bool, offset: int
) -> None:
    producer = Producer(client, new=new).begun()
    assert producer.commit_offset("billing", orders, 5) == 0
    assert committed_offset(client, "billing", orders) == -1
    assert producer.end(commit=commit) == 0
    assert committed_offset(client, "billing", orders) == offset


@both
def test_an_open_transaction_holds_back_what_others_have_committed(client: Client, orders: str, new: bool) -> None:
    slow, quick = (Producer(client, name, new=new).begun() for name in ("slow", "quick"))
    assert slow.write(orders, b"slow") == 0
    assert quick.write(orders, b"quick") == 0
    assert quick.commit() == 0
    assert client.fetch(orders, committed=True)["LastStableOffset"] == 0
    assert slow.abort() == 0
    assert read_committed(client, orders) == [b"quick"]


def test_only_a_new_producer_gets_a_new_epoch_from_each_end(client: Client, orders: str) -> None:
    for name, new, epochs in (("old", False, [0, 0]), ("new", True, [1, 2])):
        producer = Producer(client, name, new=new).begun()
        seen = []
        for _ in range(2):
            assert producer.write(orders, b"x") == 0
            assert producer.commit() == 0
            seen.append(producer.epoch)
        assert seen == epochs


# Ending again.


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@both
def test_ending_in_the_same_way_again_is_answered_as_before(
    client: Client, orders: str, new: bool, commit: bool
) -> None:
    producer = Producer(client, new=new).begun()
    before = producer.who
    assert producer.write(orders, b"x") == 0
    assert producer.end(commit=commit) == 0
    after, end_offset = producer.who, client.fetch(orders)["HighWatermark"]
    producer.producer_id, producer.epoch = before
    assert producer.end(commit=commit) == 0
    assert producer.who == after
    assert client.fetch(orders)["HighWatermark"] == end_offset


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@both
def test_ending_in_the_other_way_is_an_invalid_state(client: Client, orders: str, new: bool, commit: bool) -> None:
    producer = Producer(client, new=new).begun()
    before = producer.who
    assert producer.write(orders, b"x") == 0
    assert producer.end(commit=commit) == 0
    producer.producer_id, producer.epoch = before
    assert producer.end(commit=not commit) is Error.INVALID_TXN_STATE


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
def test_an_old_producer_cannot_end_what_it_has_not_begun(old: Producer, commit: bool) -> None:
    assert old.end(commit=commit) is Error.INVALID_TXN_STATE


def test_a_new_producer_may_abort_what_it_has_not_begun(new: Producer) -> None:
    assert new.commit() is Error.INVALID_TXN_STATE
    assert new.abort() == 0
    assert new.epoch == 1
    assert new.abort() == 0
    assert new.epoch == 2


def test_a_new_producer_may_abort_nothing_after_a_commit(new: Producer, orders: str) -> None:
    assert new.write(orders, b"x") == 0
    assert new.commit() == 0
    assert new.commit() is Error.INVALID_TXN_STATE
    assert new.abort() == 0
    assert new.epoch == 2


@pytest.mark.parametrize("epoch", [-1, 1, 5])
@pytest.mark.parametrize(
    ("version", "error"), [(1, Error.INVALID_PRODUCER_EPOCH), (2, Error.PRODUCER_FENCED), (5, Error.PRODUCER_FENCED)]
)
def test_ending_with_another_epoch_is_fenced(
    old: Producer, orders: str, version: int, error: Error, epoch: int
) -> None:
    assert old.write(orders, b"x") == 0
    old.epoch = epoch
    assert old.end(commit=True, version=version) is error


def test_ending_with_another_producer_id_is_refused(old: Producer, orders: str) -> None:
    assert old.write(orders, b"x") == 0
    old.producer_id += 1
    assert old.commit() is Error.INVALID_PRODUCER_ID_MAPPING


# InitProducerId.


def test_a_producer_without_transactions_gets_a_new_id_each_time(client: Client) -> None:
    request = {"TransactionalId": None, "TransactionTimeoutMs": 2**31 - 1, "ProducerId": -1, "ProducerEpoch": -1}
    answers = [client.ask("InitProducerId", request) for _ in range(3)]
    assert [(one["ErrorCode"], one["ProducerId"], one["ProducerEpoch"]) for one in answers] == [
        (0, 0, 0),
        (0, 1, 0),
        (0, 2, 0),
    ]


def test_a_transactional_id_keeps_its_producer_id_and_gets_the_next_epoch(client: Client) -> None:
    assert [Producer(client, new=False).begun().who for _ in range(3)] == [(0, 0), (0, 1), (0, 2)]


@pytest.mark.parametrize("timeout_ms", [0, -1, 900_001])
def test_a_timeout_out_of_bounds_is_refused(client: Client, timeout_ms: int) -> None:
    assert Producer(client, new=True, timeout_ms=timeout_ms).init() is Error.INVALID_TRANSACTION_TIMEOUT


@pytest.mark.parametrize("timeout_ms", [1, 900_000])
def test_a_timeout_within_bounds_is_taken(client: Client, timeout_ms: int) -> None:
    assert Producer(client, new=True, timeout_ms=timeout_ms).init() == 0


def test_an_empty_transactional_id_is_an_invalid_request(client: Client) -> None:
    assert Producer(client, "", new=True).init() is Error.INVALID_REQUEST


@pytest.mark.parametrize("was", [(-1, 0), (0, -1)])
def test_half_of_an_earlier_producer_is_an_invalid_request(client: Client, was: tuple[int, int]) -> None:
    assert Producer(client, new=True).init(was=was) is Error.INVALID_REQUEST


@both
def test_a_new_instance_aborts_the_open_transaction_and_fences_the_old_one(
    client: Client, orders: str, new: bool
) -> None:
    zombie = Producer(client, new=new).begun()
    assert zombie.write(orders, b"lost") == 0
    assert zombie.commit_offset("billing", orders, 5) == 0
    Producer(client, new=new).begun()
    assert zombie.produce(orders, b"late") is Error.INVALID_PRODUCER_EPOCH
    assert zombie.commit() is Error.PRODUCER_FENCED
    assert zombie.offset("billing", orders, 6) is Error.INVALID_PRODUCER_EPOCH
    assert read_committed(client, orders) == []
    assert committed_offset(client, "billing", orders) == -1


def test_a_fenced_producer_hears_it_in_the_words_of_its_time(client: Client, old: Producer, orders: str) -> None:
    Producer(client, new=False).begun()
    assert old.add(orders, 0, version=1) == {0: Error.INVALID_PRODUCER_EPOCH}
    assert old.add(orders, 0, version=2) == {0: Error.PRODUCER_FENCED}
    assert old.add_group("billing", version=1) is Error.INVALID_PRODUCER_EPOCH
    assert old.add_group("billing", version=2) is Error.PRODUCER_FENCED
    assert old.init(was=(0, 5), version=3) is Error.INVALID_PRODUCER_EPOCH
    assert old.init(was=(0, 5), version=4) is Error.PRODUCER_FENCED


def test_a_producer_goes_on_after_an_error_with_the_next_epoch(client: Client, old: Producer, orders: str) -> None:
    assert old.write(orders, b"x") == 0
    assert old.abort() == 0
    assert old.init(was=old.who) == 0
    assert old.who == (0, 1)


def test_going_on_twice_from_the_same_epoch_is_answered_alike(old: Producer) -> None:
    was = old.who
    assert old.init(was=was) == 0
    assert old.init(was=was) == 0
    assert old.who == (0, 1)


def test_a_producer_that_was_replaced_cannot_go_on(client: Client, old: Producer) -> None:
    was = old.who
    Producer(client, new=False).begun()
    assert old.init(was=was) is Error.PRODUCER_FENCED


def test_a_producer_cannot_go_on_as_one_that_never_was(old: Producer) -> None:
    assert old.init(was=(77, 0)) is Error.PRODUCER_FENCED


def test_going_on_while_the_transaction_is_open_aborts_it(client: Client, new: Producer, orders: str) -> None:
    assert new.write(orders, b"lost") == 0
    assert new.init(was=new.who) == 0
    assert new.who == (0, 1)
    assert read_committed(client, orders) == []
    assert new.write(orders, b"kept") == 0
    assert new.commit() == 0
    assert read_committed(client, orders) == [b"kept"]


# Epochs that are used up.


def used_up(kafka: KafkaHarness, producer: Producer) -> Producer:
    """Give a producer the last epoch that there is for its id."""
    transaction(kafka, producer.transactional_id).epoch = producer.epoch = LAST_EPOCH
    return producer


def test_a_producer_whose_epochs_are_used_up_is_initialized_with_a_new_id(kafka: KafkaHarness, old: Producer) -> None:
    was = used_up(kafka, old).who
    assert old.init(was=was) == 0
    assert old.who == (1, 0)
    assert old.init(was=was) == 0
    assert old.who == (1, 0)


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
def test_ending_with_the_last_epoch_gives_a_new_producer_id(
    kafka: KafkaHarness, client: Client, new: Producer, orders: str, commit: bool
) -> None:
    was = used_up(kafka, new).who
    assert new.write(orders, b"x") == 0
    assert new.end(commit=commit) == 0
    assert new.who == (1, 0)
    new.producer_id, new.epoch = was
    assert new.end(commit=commit) == 0
    assert new.who == (1, 0)
    assert new.write(orders, b"y") == 0
    assert new.commit() == 0
    assert read_committed(client, orders) == ([b"x", b"y"] if commit else [b"y"])


def test_a_transaction_of_the_last_epoch_can_be_fenced(
    kafka: KafkaHarness, client: Client, new: Producer, orders: str
) -> None:
    used_up(kafka, new)
    assert new.write(orders, b"x") == 0
    kafka.advance(60)
    assert new.produce(orders, b"late") is Error.INVALID_PRODUCER_EPOCH
    assert read_committed(client, orders) == []
    assert Producer(client, new=True).begun().who == (1, 1)


# Timeouts.


@both
def test_a_transaction_that_takes_too_long_is_aborted(
    kafka: KafkaHarness, client: Client, orders: str, new: bool
) -> None:
    producer = Producer(client, new=new, timeout_ms=10_000).begun()
    assert producer.write(orders, b"slow") == 0
    kafka.advance(9.999)
    assert state(client)["TransactionState"] == "Ongoing"
    kafka.advance(0.001)
    assert state(client)["TransactionState"] == "CompleteAbort"
    assert state(client)["ProducerEpoch"] == 1
    assert producer.produce(orders, b"late") is Error.INVALID_PRODUCER_EPOCH
    assert producer.commit() is (Error.INVALID_TXN_STATE if new else Error.PRODUCER_FENCED)
    assert client.fetch(orders, committed=True)["LastStableOffset"] == 2
    assert read_committed(client, orders) == []


def test_the_timeout_counts_from_the_first_partition_of_each_transaction(
    kafka: KafkaHarness, client: Client, orders: str
) -> None:
    producer = Producer(client, new=False, timeout_ms=10_000).begun()
    kafka.advance(60)
    assert producer.write(orders, b"a") == 0
    kafka.advance(9)
    assert producer.write(orders, b"b", partition=1) == 0
    assert producer.commit() == 0
    assert producer.write(orders, b"c") == 0
    kafka.advance(9)
    assert producer.commit() == 0
    assert read_committed(client, orders) == [b"a", b"c"]


def test_a_producer_whose_transaction_has_timed_out_can_go_on(
    kafka: KafkaHarness, client: Client, new: Producer, orders: str
) -> None:
    assert new.write(orders, b"slow") == 0
    kafka.advance(60)
    assert new.init(was=new.who) == 0
    assert new.who == (0, 1)
    assert new.write(orders, b"kept") == 0
    assert new.commit() == 0
    assert read_committed(client, orders) == [b"kept"]


def test_an_abort_after_the_timeout_is_a_retry_of_it(kafka: KafkaHarness, new: Producer, orders: str) -> None:
    assert new.write(orders, b"slow") == 0
    kafka.advance(60)
    assert new.abort() == 0
    assert new.who == (0, 1)


def test_only_open_transactions_have_timers(kafka: KafkaHarness, client: Client, orders: str) -> None:
    client.produce(orders, b"first", partition=0)
    client.produce(orders, b"first", partition=1)
    before = kafka.clock.timers  # upkeep has one a partition
    producers = [Producer(client, f"p{number}", new=True).begun() for number in range(5)]
    assert kafka.clock.timers == before
    for producer in producers:
        assert producer.write(orders, b"x") == 0
        assert producer.write(orders, b"x", partition=1) == 0
    assert kafka.clock.timers == before + 5
    for producer in producers:
        assert producer.commit() == 0
    assert kafka.clock.timers == before


# Writing without leave.


def test_a_partition_that_was_not_added_is_refused(old: Producer, orders: str) -> None:
    assert old.add(orders, 0) == {0: Error.NONE}
    assert old.produce(orders, b"x", partition=1, version=10) is Error.INVALID_TXN_STATE
    assert old.produce(orders, b"x", partition=0) == 0


def test_a_transactional_batch_needs_a_known_transactional_id(client: Client, orders: str) -> None:
    for new in (False, True):
        stranger = Producer(client, "stranger", new=new)
        stranger.producer_id, stranger.epoch = 5, 0
        assert stranger.produce(orders, b"x") is Error.INVALID_PRODUCER_ID_MAPPING


def test_a_batch_after_the_end_belongs_to_no_transaction(old: Producer, orders: str) -> None:
    assert old.write(orders, b"x") == 0
    assert old.commit() == 0
    assert old.produce(orders, b"y", version=10) is Error.INVALID_TXN_STATE


def test_a_late_batch_of_a_new_producer_cannot_fall_into_its_next_transaction(new: Producer, orders: str) -> None:
    epoch = new.epoch
    assert new.write(orders, b"x") == 0
    assert new.commit() == 0
    new.epoch = epoch
    assert new.produce(orders, b"late") is Error.INVALID_PRODUCER_EPOCH


def test_a_duplicate_in_a_transaction_is_answered_with_its_first_offset(
    client: Client, new: Producer, orders: str
) -> None:
    assert new.write(orders, b"a") == 0
    assert new.write(orders, b"b") == 0
    again = new.send(orders, b"b", sequence=1)
    assert (again["ErrorCode"], again["BaseOffset"]) == (0, 1)
    assert client.values(orders) == [b"a", b"b"]


def test_an_epoch_that_was_never_given_is_refused_although_a_transaction_is_open(new: Producer, orders: str) -> None:
    assert new.write(orders, b"x") == 0
    new.epoch += 5
    assert new.send(orders, b"forged", sequence=0)["ErrorCode"] == Error.INVALID_PRODUCER_EPOCH


def test_a_group_of_the_last_transaction_is_not_in_the_next(old: Producer, orders: str) -> None:
    assert old.commit_offset("billing", orders, 1) == 0
    assert old.commit() == 0
    assert old.add(orders, 0) == {0: Error.NONE}
    assert old.offset("billing", orders, 2) is Error.INVALID_TXN_STATE


def test_offsets_of_a_group_that_was_not_added_are_refused(old: Producer, orders: str) -> None:
    assert old.add_group("billing") == 0
    assert old.offset("billing", orders, 1) == 0
    assert old.offset("shipping", orders, 1, version=3) is Error.INVALID_TXN_STATE
    assert old.offset("shipping", orders, 1, version=4) is Error.TRANSACTION_ABORTABLE
