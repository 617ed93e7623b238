"""One transactional id: its producer, its epochs and the state of its transaction. Pure.

The rules are Apache Kafka 4.3's (TransactionMetadata, TransactionCoordinator). An epoch that is raised fences every producer that holds
an older one. With KIP-890 (EndTxn 5) each transaction ends with a new epoch, so that a late message cannot fall into the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.errors import Error, KafkaError
from services.kafka.producers import EPOCH_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NO_PRODUCER_ID = -1
NO_EPOCH = -1
NO_START_MS = -1


class State(StrEnum):
    """Where a transaction stands, in the words of the admin API."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"
    DEAD = "Dead"
    """Never seen: an id that has expired is gone at once. Clients may ask for it."""
    PREPARE_EPOCH_FENCE = "PrepareEpochFence"
    """Never seen: fencing and aborting are one step here. Clients may ask for it."""


PREPARED = (State.PREPARE_COMMIT, State.PREPARE_ABORT)
COMPLETE = (State.COMPLETE_COMMIT, State.COMPLETE_ABORT)


class ProducerEpoch(NamedTuple):
    """A producer id with an epoch."""

    producer_id: int
    epoch: int


NO_PRODUCER = ProducerEpoch(NO_PRODUCER_ID, NO_EPOCH)


def is_exhausted(epoch: int) -> bool:
    """Tell whether a producer needs a new id: the highest epoch is kept for fencing it."""
    return epoch >= EPOCH_MAX - 1


@dataclass(slots=True, eq=False)
class Transaction:
    """What the coordinator knows of a transactional id."""

    transactional_id: str
    producer_id: int
    timeout_ms: int
    updated_ms: int
    epoch: int = NO_EPOCH
    previous_producer_id: int = NO_PRODUCER_ID
    """The producer id before the last change of anything."""
    last_epoch: int = NO_EPOCH
    """The epoch before, for as long as a retry that names it is answered."""
    next_producer_id: int = NO_PRODUCER_ID
    """What the producer goes on with once the prepared transaction is complete, because its epochs are used up."""
    state: State = State.EMPTY
    start_ms: int = NO_START_MS
    partitions: set[tuple[str, int]] = field(default_factory=set)
    """Topics with the index of a partition; those that still need a marker."""
    groups: set[str] = field(default_factory=set)
    """Whose offsets are committed in it."""

    @property
    def producer(self) -> ProducerEpoch:
        """The id and epoch that the present producer holds."""
        return ProducerEpoch(self.producer_id, self.epoch)

    @property
    def is_exhausted(self) -> bool:
        """Whether the epochs of this producer id are used up."""
        return is_exhausted(self.epoch)

    # Checks. All raise KafkaError.

    def check_producer(self, producer_id: int, epoch: int) -> None:
        """Refuse another producer than the present one, and any of them while a transaction is being ended."""
        if self.producer_id != producer_id:
            raise KafkaError(Error.INVALID_PRODUCER_ID_MAPPING)
        if self.epoch != epoch:
            raise KafkaError(Error.PRODUCER_FENCED)
        if self.state in PREPARED:
            raise KafkaError(Error.CONCURRENT_TRANSACTIONS)

    def check_expected(self, expected: ProducerEpoch | None) -> None:
        """Refuse to initialize a producer that says it is one that this id does not have (KIP-360)."""
        if (
            expected is not None
            and self.epoch != NO_EPOCH
            and expected.producer_id != self.producer_id
            and not (expected.producer_id == self.previous_producer_id and is_exhausted(expected.epoch))
        ):
            raise KafkaError(Error.PRODUCER_FENCED)

    def check_end(self, producer: ProducerEpoch, *, commit: bool) -> bool:
        """Judge EndTxn up to version 4. True: it has been done already."""
        if producer.producer_id != self.producer_id:
            raise KafkaError(Error.INVALID_PRODUCER_ID_MAPPING)
        if producer.epoch != self.epoch:
            raise KafkaError(Error.PRODUCER_FENCED)
        if self.state is State.ONGOING:
            return False
        self._check_ended(commit=commit)
        return True

    def check_end_with_epoch(self, producer: ProducerEpoch, *, commit: bool) -> bool:
        """Judge EndTxn from version 5 on, where every end raises the epoch. True: it has been done already.

        An abort of nothing is fine: the producer may not know whether anything of it has arrived.
        """
        overflowed = (
            self.previous_producer_id == producer.producer_id and producer.epoch == EPOCH_MAX - 1 and self.epoch == 0
        )
        bumped = self.epoch == producer.epoch + 1
        if self.producer_id != producer.producer_id and not overflowed:
            raise KafkaError(Error.INVALID_PRODUCER_ID_MAPPING)
        if self.state in PREPARED:
            fits = bumped
        elif self.state in COMPLETE:
            fits = bumped or overflowed or producer.epoch == self.epoch
        else:
            fits = producer.epoch == self.epoch
        if not fits:
            raise KafkaError(Error.PRODUCER_FENCED)
        if self.state is State.ONGOING:
            return False
        if self.state in PREPARED or (bumped or overflowed):
            self._check_ended(commit=commit)
            return True
        if commit:
            raise KafkaError(Error.INVALID_TXN_STATE)
        return False

    def _check_ended(self, *, commit: bool) -> None:
        """Refuse to end what was ended otherwise, or is still being ended."""
        if self.state is (State.PREPARE_COMMIT if commit else State.PREPARE_ABORT):
            raise KafkaError(Error.CONCURRENT_TRANSACTIONS)
        if self.state is not (State.COMPLETE_COMMIT if commit else State.COMPLETE_ABORT):
            raise KafkaError(Error.INVALID_TXN_STATE)

    # Changes.

    def initialize(self, timeout_ms: int, expected: ProducerEpoch | None, now_ms: int) -> None:
        """Give the producer a new epoch, or the same again when it asks again. Raises KafkaError PRODUCER_FENCED."""
        if expected is None:
            epoch, last_epoch = self.epoch + 1, NO_EPOCH
        elif self.epoch in (NO_EPOCH, expected.epoch):
            epoch, last_epoch = self.epoch + 1, self.epoch
        elif expected.epoch == self.last_epoch:
            epoch, last_epoch = self.epoch, self.last_epoch
        else:
            raise KafkaError(Error.PRODUCER_FENCED)
        self._begin_empty(timeout_ms, ProducerEpoch(self.producer_id, epoch), last_epoch, now_ms)

    def rotate(self, producer_id: int, timeout_ms: int, expected: ProducerEpoch | None, now_ms: int) -> None:
        """Give the producer a new id, for the epochs of the old one are used up."""
        last_epoch = NO_EPOCH if expected is None else self.epoch
        self._begin_empty(timeout_ms, ProducerEpoch(producer_id, 0), last_epoch, now_ms)

    def add(self, partitions: Collection[tuple[str, int]], groups: Collection[str], now_ms: int) -> None:
        """Take partitions and groups into the transaction, and begin one if none is open."""
        if self.state is not State.ONGOING:
            self.start_ms = now_ms
        self._to(State.ONGOING, now_ms)
        self.partitions.update(partitions)
        self.groups.update(groups)

    def has(self, partitions: Collection[tuple[str, int]], groups: Collection[str]) -> bool:
        """Tell whether all of these are in the open transaction."""
        return self.state is State.ONGOING and self.partitions.issuperset(partitions) and self.groups.issuperset(groups)

    def prepare(self, now_ms: int, *, commit: bool, epoch_bumps: bool, next_producer_id: int = NO_PRODUCER_ID) -> None:
        """Decide how the transaction ends; from now on nothing can change that."""
        if self.state is not State.ONGOING:
            self.start_ms = now_ms
        self._to(State.PREPARE_COMMIT if commit else State.PREPARE_ABORT, now_ms)
        if epoch_bumps:
            self.last_epoch = self.epoch
            self.epoch = min(self.epoch + 1, EPOCH_MAX)
        self.next_producer_id = next_producer_id

    def complete(self, now_ms: int) -> None:
        """Note that all markers are written."""
        self._to(State.COMPLETE_COMMIT if self.state is State.PREPARE_COMMIT else State.COMPLETE_ABORT, now_ms)
        self.partitions.clear()
        self.groups.clear()
        if self.next_producer_id != NO_PRODUCER_ID:
            self.producer_id, self.epoch, self.next_producer_id = self.next_producer_id, 0, NO_PRODUCER_ID

    def _begin_empty(self, timeout_ms: int, producer: ProducerEpoch, last_epoch: int, now_ms: int) -> None:
        self._to(State.EMPTY, now_ms)
        self.producer_id, self.epoch = producer
        self.last_epoch = last_epoch
        self.timeout_ms = timeout_ms
        self.start_ms = NO_START_MS

    def _to(self, state: State, now_ms: int) -> None:
        self.previous_producer_id = self.producer_id
        self.state = state
        self.updated_ms = now_ms

    # In the journal.

    def row(self) -> dict[str, Any]:
        """Write it for the journal."""
        return {
            "producer": [self.producer_id, self.epoch],
            "previous_producer_id": self.previous_producer_id,
            "last_epoch": self.last_epoch,
            "next_producer_id": self.next_producer_id,
            "timeout_ms": self.timeout_ms,
            "updated_ms": self.updated_ms,
            "state": str(self.state),
            "start_ms": self.start_ms,
            "partitions": sorted(self.partitions),
            "groups": sorted(self.groups),
        }


def from_row(transactional_id: str, row: Mapping[str, Any]) -> Transaction:
    """Read what `Transaction.row` has written."""
    producer_id, epoch = row["producer"]
    return Transaction(
        transactional_id,
        producer_id,
        row["timeout_ms"],
        row["updated_ms"],
        epoch,
        row["previous_producer_id"],
        row["last_epoch"],
        row["next_producer_id"],
        State(row["state"]),
        row["start_ms"],
        {(topic, index) for topic, index in row["partitions"]},
        set(row["groups"]),
    )
