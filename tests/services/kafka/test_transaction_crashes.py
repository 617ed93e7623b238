"""The coordinator dies and comes back from its journal: nothing that was decided is lost, nothing is decided twice.

It dies in the middle of a step: when it writes to its journal, or between two markers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.kafka.configs import Configs
from services.kafka.errors import Error, KafkaError
from services.kafka.partition import Partition
from services.kafka.transaction import ProducerEpoch, State
from services.kafka.transactions import Transactions
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_journal import CrashError, MemoryJournal
from tests.support.kafka_producer import Producer, read_committed

ONE = ProducerEpoch(0, 0)
BOTH = [("orders", 0), ("orders", 1)]


@pytest.fixture
def journal(kafka: KafkaHarness) -> MemoryJournal:
    """A cluster that keeps its facts here, with a topic of two partitions."""
    journal = MemoryJournal()
    kafka.cluster.journal = journal
    kafka.cluster.topics.create("orders", 2, 1, {})
    restart(kafka)
    return journal


def restart(kafka: KafkaHarness) -> Transactions:
    """Let the coordinator die and another one take up its journal."""
    kafka.cluster.transactions.close()
    kafka.cluster.transactions = Transactions(kafka.cluster)
    return kafka.cluster.transactions


def begin(kafka: KafkaHarness) -> Producer:
    """Open a transaction in both partitions, of a producer that knows KIP-890."""
    producer = Producer(kafka.connect(), new=True).begun()
    for partition in (0, 1):
        assert producer.write("orders", b"x", partition=partition) == 0
    return producer


def seen(kafka: KafkaHarness) -> list[list[bytes]]:
    client = kafka.connect()
    return [read_committed(client, "orders", partition=partition) for partition in (0, 1)]


def test_an_open_transaction_goes_on_after_a_crash(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    producer = begin(kafka)
    restart(kafka)
    assert producer.write("orders", b"y") == 0
    assert producer.commit() == 0
    assert seen(kafka) == [[b"x", b"y"], [b"x"]]


def test_an_open_transaction_times_out_after_a_crash_when_it_would_have_without(
    kafka: KafkaHarness, journal: MemoryJournal
) -> None:
    producer = begin(kafka)
    kafka.advance(59)
    restart(kafka)
    assert producer.write("orders", b"y") == 0
    kafka.advance(1)
    assert producer.write("orders", b"z") is Error.INVALID_PRODUCER_EPOCH
    assert seen(kafka) == [[], []]


def test_a_transaction_whose_time_was_up_while_nobody_was_there_is_aborted(
    kafka: KafkaHarness, journal: MemoryJournal
) -> None:
    begin(kafka)
    kafka.cluster.transactions.close()
    kafka.advance(3600)
    kafka.cluster.transactions = Transactions(kafka.cluster)
    kafka.advance(0)
    assert seen(kafka) == [[], []]
    assert kafka.connect().fetch("orders", committed=True)["LastStableOffset"] == 2


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@pytest.mark.parametrize("markers", [0, 1])
def test_a_decision_is_carried_out_after_a_crash(
    kafka: KafkaHarness, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch, commit: bool, markers: int
) -> None:
    begin(kafka)
    append = Partition.append_marker
    left = [markers]

    def dying(self: Partition, *args: Any) -> int:
        if not left[0]:
            raise CrashError
        left[0] -= 1
        return append(self, *args)

    monkeypatch.setattr(Partition, "append_marker", dying)
    with pytest.raises(CrashError):
        kafka.cluster.transactions.end("payments", ONE, kafka.now_ms, commit=commit, epoch_bumps=True)
    monkeypatch.undo()
    found = restart(kafka).get("payments")
    assert found is not None
    assert found.state is (State.COMPLETE_COMMIT if commit else State.COMPLETE_ABORT)
    assert found.producer == (0, 1)
    assert seen(kafka) == ([[b"x"], [b"x"]] if commit else [[], []])


def test_an_end_that_was_not_journalled_has_not_been(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    producer = begin(kafka)
    journal.puts_left = 0
    with pytest.raises(CrashError):
        kafka.cluster.transactions.end("payments", ONE, kafka.now_ms, commit=True, epoch_bumps=True)
    restart(kafka)
    assert seen(kafka) == [[], []]
    assert producer.abort() == 0
    assert seen(kafka) == [[], []]


def test_a_client_that_did_not_hear_of_its_commit_asks_again(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    producer = begin(kafka)
    journal.puts_left = 1
    with pytest.raises(CrashError):
        kafka.cluster.transactions.end("payments", ONE, kafka.now_ms, commit=True, epoch_bumps=True)
    restart(kafka)
    assert producer.commit() == 0
    assert producer.who == (0, 1)
    assert seen(kafka) == [[b"x"], [b"x"]]


def test_offsets_of_a_prepared_transaction_are_committed_after_a_crash(
    kafka: KafkaHarness, journal: MemoryJournal
) -> None:
    producer = begin(kafka)
    assert producer.commit_offset("billing", "orders", 1) == 0
    journal.puts_left = 1
    with pytest.raises(CrashError):
        kafka.cluster.transactions.end("payments", ONE, kafka.now_ms, commit=True, epoch_bumps=True)
    restart(kafka)
    kept = kafka.cluster.groups.offsets.get("billing", "orders", 0)
    assert kept is not None
    assert kept.offset == 1


def test_producer_ids_are_never_given_twice(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    given = []
    for _ in range(3):
        transactions = restart(kafka)
        given += [transactions.init_producer_id(None, 0, None, kafka.now_ms).producer_id for _ in range(1500)]
    assert len(set(given)) == len(given)
    assert given == sorted(given)


def test_a_producer_id_that_follows_a_used_up_one_survives_a_crash(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    producer = begin(kafka)
    found = kafka.cluster.transactions.get("payments")
    assert found is not None
    found.epoch = producer.epoch = 32_766
    journal.puts_left = 1
    with pytest.raises(CrashError):
        kafka.cluster.transactions.end(
            "payments", ProducerEpoch(0, 32_766), kafka.now_ms, commit=True, epoch_bumps=True
        )
    restart(kafka)
    assert producer.commit() == 0
    assert producer.who == (1, 0)


def test_what_the_journal_kept_is_what_was_there(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    begin(kafka).commit_offset("billing", "orders", 1)
    Producer(kafka.connect(), "idle", new=False, timeout_ms=5).begun()
    before = {one.transactional_id: one.row() for one in kafka.cluster.transactions}
    assert {one.transactional_id: one.row() for one in restart(kafka)} == before
    assert set(before) == {"payments", "idle"}


def test_forgotten_transactional_ids_leave_the_journal(kafka: KafkaHarness, journal: MemoryJournal) -> None:
    Producer(kafka.connect(), new=True).begun()
    assert set(journal.load("transactions")) == {"payments"}
    kafka.advance(7 * 86_400)
    assert list(kafka.cluster.transactions) == []
    assert journal.load("transactions") == {}


# No room for markers.


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Partition 1 has no memory left for a marker; `undo` finds some."""
    append = Partition.append_marker

    def append_or_not(self: Partition, *args: Any) -> int:
        if self.index == 1:
            raise KafkaError(Error.KAFKA_STORAGE_ERROR)
        return append(self, *args)

    monkeypatch.setattr(Partition, "append_marker", append_or_not)
    return monkeypatch


def test_a_transaction_waits_for_room_for_its_markers(
    kafka: KafkaHarness, journal: MemoryJournal, full: pytest.MonkeyPatch
) -> None:
    producer = begin(kafka)
    assert producer.commit() == 0
    found = kafka.cluster.transactions.get("payments")
    assert found is not None
    assert (found.state, found.partitions) == (State.PREPARE_COMMIT, {("orders", 1)})
    assert seen(kafka) == [[b"x"], []]
    kafka.advance(10)
    assert seen(kafka) == [[b"x"], []]
    full.undo()
    kafka.advance(1)
    assert seen(kafka) == [[b"x"], [b"x"]]
    assert kafka.connect().fetch("orders")["HighWatermark"] == 2


def test_meanwhile_the_producer_is_asked_for_patience(
    kafka: KafkaHarness, journal: MemoryJournal, full: pytest.MonkeyPatch
) -> None:
    producer = begin(kafka)
    assert producer.commit() == 0
    assert producer.write("orders", b"y") is Error.CONCURRENT_TRANSACTIONS
    assert producer.init(was=producer.who) is Error.CONCURRENT_TRANSACTIONS
    assert Producer(kafka.connect(), new=False).init() is Error.CONCURRENT_TRANSACTIONS
    full.undo()
    assert producer.write("orders", b"y") == 0
    assert producer.commit() == 0
    assert seen(kafka) == [[b"x", b"y"], [b"x"]]


def test_a_transactional_id_is_not_forgotten_before_its_markers_are_written(
    kafka: KafkaHarness, journal: MemoryJournal, full: pytest.MonkeyPatch
) -> None:
    full.setattr(Configs, "transactional_id_expiration_ms", 5_000)
    assert begin(kafka).commit() == 0
    kafka.advance(10)
    found = kafka.cluster.transactions.get("payments")
    assert found is not None
    assert [one.state for one in kafka.cluster.transactions] == [State.PREPARE_COMMIT]


# With files.


def test_a_transaction_goes_on_in_the_next_process(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        kafka.cluster.topics.create("orders", 2, 1, {})
        producer = begin(kafka)
    with KafkaHarness(data_dir=tmp_path) as kafka:
        client: Client = kafka.connect()
        assert client.fetch("orders", committed=True)["LastStableOffset"] == 0
        producer.client = client
        assert producer.write("orders", b"y") == 0
        assert producer.commit() == 0
        assert seen(kafka) == [[b"x", b"y"], [b"x"]]
        assert (
            client.ask("InitProducerId", {"ProducerId": -1, "ProducerEpoch": -1, "TransactionalId": None})["ProducerId"]
            == 1000
        )
