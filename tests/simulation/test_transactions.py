"""Transactions under random histories: producers that crash at any step, zombies that go on, timeouts, a coordinator that dies in between.

A reader of committed records must see just the batches of committed transactions, in order, once; no open transaction is passed. A model
says who may write: the last that was initialized, until its transaction has timed out. A failure names its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from services.kafka.errors import Error
from services.kafka.partition import Partition
from services.kafka.producers import Producers
from services.kafka.record_batches import read_marker
from services.kafka.records import NO_PRODUCER, read_batch
from services.kafka.transaction import ProducerEpoch, State
from services.kafka.transactions import Transactions
from tests.support.kafka_broker import KafkaHarness, batches
from tests.support.kafka_journal import CrashError, MemoryJournal
from tests.support.kafka_producer import Producer, read_committed

TOPIC, GROUP = "orders", "billing"
PARTITIONS = 3
TIMEOUT_MS = 60_000
ZOMBIES_MAX = 4


@dataclass(eq=False)
class Attempt:
    """One transaction."""

    deadline_ms: int
    state: str = "open"
    offset: int | None = None


@dataclass(eq=False)
class Worker:
    """A process with a producer, and what it would ask again if it had not heard the answer."""

    producer: Producer
    last: tuple[tuple[int, int], bool] | None = None
    """Who it was when it last ended a transaction, and whether it committed; None once something else has happened."""


@dataclass(eq=False)
class Identity:
    """A transactional id: its rightful worker, those it replaced, and its open transaction."""

    name: str
    new: bool
    group_partition: int
    owner: Worker | None = None
    zombies: list[Worker] = field(default_factory=list)
    timed_out: bool = False
    """The owner has been fenced by a timeout and does not know it."""
    open: Attempt | None = None
    committed_offset: int = -1

    def may_write(self, worker: Worker) -> bool:
        return worker is self.owner and not self.timed_out

    def close(self, state: str) -> None:
        """The open transaction, if there is one, ends so."""
        if self.open is not None:
            self.open.state = state
            if state == "committed" and self.open.offset is not None:
                self.committed_offset = self.open.offset
            self.open = None


class World:
    """The broker, everybody who writes to it, and what must have come of it."""

    def __init__(self, kafka: KafkaHarness, seed: int) -> None:
        self.kafka = kafka
        self.random = Random(seed)
        self.client = kafka.connect()
        self.journal = kafka.cluster.journal = MemoryJournal()
        kafka.cluster.topics.create(TOPIC, PARTITIONS, 1, {})
        self.restart()
        self.ids = [Identity(f"id{number}", number % 2 == 0, number) for number in range(PARTITIONS)]
        self.written: list[list[tuple[Attempt, bytes]]] = [[] for _ in range(PARTITIONS)]
        self.values = 0

    # What may happen.

    def step(self) -> None:
        identity = self.random.choice(self.ids)
        workers = [worker for worker in (identity.owner, *identity.zombies) if worker is not None]
        if not workers or self.random.random() < 0.06:
            self.replace(identity)
            return
        worker = workers[0] if self.random.random() < 0.8 else self.random.choice(workers)
        steps: list[tuple[int, Callable[[Identity, Worker], None]]] = [
            (40, self.write),
            (10, self.commit_offset),
            (22, self.end),
            (8, self.end_again),
            (6, self.go_on),
            (6, self.crash_while_ending),
            (3, self.crash_while_initializing),
            (3, lambda *_: self.pass_time()),
            (2, lambda *_: self.restart()),
        ]
        weights, acts = zip(*steps, strict=True)
        self.random.choices(acts, weights)[0](identity, worker)

    def replace(self, identity: Identity) -> None:
        """Another process starts with this transactional id; the one before lives on as a zombie, or has died."""
        worker = Worker(Producer(self.client, identity.name, new=identity.new, timeout_ms=TIMEOUT_MS))
        assert worker.producer.init() == 0
        identity.close("aborted")
        if identity.owner is not None and self.random.random() < 0.7:
            identity.zombies = [identity.owner, *identity.zombies][:ZOMBIES_MAX]
        identity.owner, identity.timed_out = worker, False

    def write(self, identity: Identity, worker: Worker) -> None:
        partition = self.random.randrange(PARTITIONS)
        self.values += 1
        value = b"%d" % self.values
        error = worker.producer.write(TOPIC, value, partition=partition)
        assert (error == 0) == identity.may_write(worker), error
        if error == 0:
            self.written[partition].append((self.attempt(identity, worker), value))

    def commit_offset(self, identity: Identity, worker: Worker) -> None:
        self.values += 1
        error = worker.producer.commit_offset(GROUP, TOPIC, self.values, partition=identity.group_partition)
        assert (error == 0) == identity.may_write(worker), error
        if error == 0:
            self.attempt(identity, worker).offset = self.values

    def end(self, identity: Identity, worker: Worker) -> None:
        """End the open transaction. Who has none, or is fenced, is refused, but that KIP-890 lets the owner abort at any time."""
        commit = self.random.random() < 0.6
        if identity.owner is worker and identity.open is None and not identity.timed_out and not identity.new:
            return  # an end without a beginning may be a retry to the broker: `end_again` does those
        before = worker.producer.who
        error = worker.producer.end(commit=commit)
        if identity.may_write(worker) and identity.open is not None:
            assert error == 0
            identity.close("committed" if commit else "aborted")
            worker.last = before, commit
        elif identity.owner is worker and identity.new and not commit:
            assert error == 0
            identity.timed_out, worker.last = False, None
        else:
            assert error in (Error.PRODUCER_FENCED, Error.INVALID_TXN_STATE)

    def end_again(self, identity: Identity, worker: Worker) -> None:
        """The answer to the last end was lost."""
        if worker.last is None:
            return
        (producer_id, epoch), commit = worker.last
        producer, after = worker.producer, worker.producer.who
        producer.producer_id, producer.epoch = producer_id, epoch
        error = producer.end(commit=commit)
        assert (error == 0) == identity.may_write(worker), error
        if error == 0:
            assert producer.who == after
        producer.producer_id, producer.epoch = after

    def go_on(self, identity: Identity, worker: Worker) -> None:
        """Initialize again as the one that it was (KIP-360). As in Kafka, whatever is open is aborted before that is judged."""
        error = worker.producer.init(was=worker.producer.who)
        worker.last = None
        was_open = identity.open is not None
        identity.close("aborted")
        if worker is identity.owner:
            assert error == 0
            identity.timed_out = False
        else:
            assert error is Error.PRODUCER_FENCED
            identity.timed_out = identity.timed_out or was_open

    def pass_time(self) -> None:
        self.kafka.advance(self.random.choice((1, 10, 30, 61)))
        for identity in self.ids:
            if identity.open is not None and identity.open.deadline_ms <= self.kafka.now_ms:
                identity.close("aborted")
                identity.timed_out = True

    def crash_while_ending(self, identity: Identity, worker: Worker) -> None:
        """The broker dies while it ends a transaction, anywhere; the producer asks again, or has died with it."""
        if not identity.may_write(worker) or identity.open is None:
            return
        commit, producer = self.random.random() < 0.7, worker.producer
        self.dying(
            lambda: self.kafka.cluster.transactions.end(
                identity.name, ProducerEpoch(*producer.who), self.kafka.now_ms, commit=commit, epoch_bumps=identity.new
            )
        )
        if self.random.random() < 0.5:
            assert producer.end(commit=commit) == 0
            identity.close("committed" if commit else "aborted")
            worker.last = None
            return
        found = self.kafka.cluster.transactions.get(identity.name)
        assert found is not None
        if found.state is not State.ONGOING:
            assert found.state is (State.COMPLETE_COMMIT if commit else State.COMPLETE_ABORT)
            identity.close("committed" if commit else "aborted")
        self.check()  # it is over everywhere or nowhere
        self.replace(identity)

    def crash_while_initializing(self, identity: Identity, _worker: Worker) -> None:
        """The broker dies while a new process starts, which then tries again."""
        self.dying(
            lambda: self.kafka.cluster.transactions.init_producer_id(identity.name, TIMEOUT_MS, None, self.kafka.now_ms)
        )
        self.replace(identity)

    def dying(self, act: Callable[[], object]) -> None:
        """Do something with a broker that dies before one of the next writes to its journal, or to a partition."""
        markers = self.random.choice((0, 1, 2, 9))
        self.journal.puts_left = self.random.choice((0, 1, 2, 9))
        append = Partition.append_marker

        def append_or_die(partition: Partition, *args: int) -> int:
            nonlocal markers
            markers -= 1
            if markers < 0:
                raise CrashError
            return append(partition, *args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Partition, "append_marker", append_or_die)
            with suppress(CrashError):
                act()
        self.journal.puts_left = None
        self.restart()

    def restart(self) -> None:
        """A new coordinator takes up the journal, and new producers are made of the logs."""
        cluster = self.kafka.cluster
        cluster.transactions.close()
        topic = cluster.topics.get(TOPIC)
        assert topic is not None
        for partition in topic.partitions:
            partition.producers = self.replayed(partition)
        cluster.transactions = Transactions(cluster)

    def replayed(self, partition: Partition) -> Producers:
        producers = Producers()
        stored = self.client.fetch(TOPIC, partition=partition.index)["Records"]
        for data in batches(bytes(stored or b"")):
            batch = read_batch(data)
            if batch.is_control:
                commit = read_marker(data) is True
                producers.marker(batch.producer_id, batch.producer_epoch, commit, batch.base_offset, self.kafka.now_ms)
            elif batch.producer_id != NO_PRODUCER:
                producers.appended(batch, batch.base_offset, self.kafka.now_ms)
        return producers

    def attempt(self, identity: Identity, worker: Worker) -> Attempt:
        """The open transaction, which begins with the first thing in it."""
        worker.last = None
        if identity.open is None:
            identity.open = Attempt(self.kafka.now_ms + TIMEOUT_MS)
        return identity.open

    # What must hold.

    def check(self) -> None:
        for partition, written in enumerate(self.written):
            stable = next((place for place, (one, _) in enumerate(written) if one.state == "open"), len(written))
            expected = [value for one, value in written[:stable] if one.state == "committed"]
            assert read_committed(self.client, TOPIC, partition=partition) == expected
            found = self.client.fetch(TOPIC, partition=partition, committed=True)
            assert (found["LastStableOffset"] == found["HighWatermark"]) == (stable == len(written))
        for identity in self.ids:
            kept = self.kafka.cluster.groups.offsets.get(GROUP, TOPIC, identity.group_partition)
            assert (-1 if kept is None else kept.offset) == identity.committed_offset


@pytest.mark.parametrize("seed", range(24))
def test_readers_see_just_what_was_committed(seed: int) -> None:
    print(f"seed {seed}")
    with KafkaHarness() as kafka:
        world = World(kafka, seed)
        for _ in range(150):
            world.step()
            world.check()
        kafka.advance(TIMEOUT_MS / 1000)
        for identity in world.ids:
            identity.close("aborted")
        world.check()
