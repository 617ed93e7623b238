"""Producers of one partition: their sequence numbers, their open transactions, and the transactions that were aborted.

Pure: no I/O, no clock. What is remembered of a producer is what its last batches said, so it is made again by reading a log from its
start: `appended` for every batch of a producer, `marker` for every marker, in order. The rules are Apache Kafka 4.3's
(org.apache.kafka.storage.internals.log.ProducerAppendInfo, ProducerStateEntry, TransactionIndex).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import PRODUCER_BATCHES, PRODUCER_ID_EXPIRATION_MS

if TYPE_CHECKING:
    from services.kafka.records import Batch

SEQUENCES = 2**31
"""Sequence numbers go from 0 to 2^31 - 1, then begin again at 0."""
NO_SEQUENCE = -1
NO_OFFSET = -1
EPOCH_MAX = 32_767


class Remembered(NamedTuple):
    """One of the last batches of a producer."""

    first_sequence: int
    last_sequence: int
    base_offset: int


class Aborted(NamedTuple):
    """A transaction that was aborted here, kept in the order of the markers."""

    last_offset: int
    """Where its marker is."""
    first_offset: int
    producer_id: int
    stable_offset: int
    """Where the oldest transaction began that was open just after the marker: those that ended later began there or behind it."""


@dataclass(slots=True, eq=False)
class Producer:
    """What is known of one producer."""

    producer_id: int
    epoch: int
    seen_ms: int
    """When it last wrote, by the broker's clock; its own timestamps may be of any time."""
    next_sequence: int = 0
    """What the next batch has to begin with."""
    wrapped: bool = False
    """Whether sequence 0 has come after the highest one in this epoch."""
    batches: list[Remembered] = field(default_factory=list)
    """The last ones of this epoch, at most PRODUCER_BATCHES, oldest first."""
    open_offset: int | None = None
    """Where its open transaction begins."""
    last_timestamp_ms: int = -1
    coordinator_epoch: int = -1
    """Of the last marker: 0, for the coordinator never moves; -1 before the first."""

    def of_epoch(self, epoch: int) -> None:
        """Begin anew when the epoch has changed."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.next_sequence = 0
            self.wrapped = False
            self.batches.clear()

    def describe(self) -> dict[str, Any]:
        """Answer it as DescribeProducers shows it."""
        return {
            "ProducerId": self.producer_id,
            "ProducerEpoch": self.epoch,
            "LastSequence": self.batches[-1].last_sequence if self.batches else NO_SEQUENCE,
            "LastTimestamp": self.last_timestamp_ms,
            "CoordinatorEpoch": self.coordinator_epoch,
            "CurrentTxnStartOffset": NO_OFFSET if self.open_offset is None else self.open_offset,
        }


class Producers:
    """The producers of one partition. Every call is O(1), or as said."""

    __slots__ = ("_aborted", "_open", "_producers", "_start_offset", "first_open_offset")

    def __init__(self) -> None:
        self._producers: OrderedDict[int, Producer] = OrderedDict()
        """By id, the one that has not written for longest first."""
        self._open: OrderedDict[int, int] = OrderedDict()
        """First offsets of open transactions by producer id; they began in this order."""
        self._aborted: list[Aborted] = []
        self._start_offset = 0
        self.first_open_offset: int | None = None
        """Where the oldest open transaction begins; the log's start where that has moved past it."""

    def __len__(self) -> int:
        return len(self._producers)

    # Writing.

    def check(self, batch: Batch, now_ms: int, *, epoch_bumps: bool = False) -> int | None:
        """Judge a batch before it is appended. None: append it. A number: it is there already, at this base offset.

        `epoch_bumps` says that the producer gets a new epoch with every transaction (Produce 12, KIP-890): then a first batch must have
        sequence 0, while of others an unknown producer may go on at any (what it wrote before may have been deleted).
        Raises KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, DUPLICATE_SEQUENCE_NUMBER, INVALID_TXN_STATE,
        INVALID_RECORD.
        """
        producer = self._find(batch.producer_id, now_ms)
        if batch.base_sequence < 0:
            raise KafkaError(
                Error.INVALID_RECORD,
                f"Invalid sequence number {batch.base_sequence} in record batch with producerId {batch.producer_id}",
            )
        if producer is None:
            if batch.base_sequence != 0 and epoch_bumps and batch.is_transactional:
                raise _out_of_order(
                    batch, "Expected sequence 0 for transactions v2 idempotent producer with no existing state."
                )
            return None
        if batch.producer_epoch != producer.epoch:
            _check_new_epoch(batch, producer)
        elif batch.base_sequence != producer.next_sequence:
            return _duplicate(batch, producer)
        if producer.open_offset is not None and not batch.is_transactional:
            raise KafkaError(Error.INVALID_TXN_STATE, f"Expected transactional write from producer {batch.producer_id}")
        return None

    def check_marker(self, producer_id: int, producer_epoch: int, *, epoch_bumps: bool) -> None:
        """Judge a marker that came over the wire: of an old epoch it may end a newer transaction. Raises INVALID_PRODUCER_EPOCH."""
        producer = self._producers.get(producer_id)
        if producer is None or producer_epoch > producer.epoch:
            return
        if producer_epoch == producer.epoch and (
            not epoch_bumps or producer.open_offset is None or producer_epoch == EPOCH_MAX
        ):
            return
        raise KafkaError(
            Error.INVALID_PRODUCER_EPOCH,
            f"Epoch of producer {producer_id} is {producer_epoch}, the last seen epoch is {producer.epoch}",
        )

    def appended(self, batch: Batch, base_offset: int, now_ms: int) -> None:
        """Remember a batch that was appended at `base_offset`."""
        producer = self._touch(batch.producer_id, batch.producer_epoch, now_ms)
        producer.of_epoch(batch.producer_epoch)
        last_sequence = batch.last_sequence
        producer.next_sequence = (last_sequence + 1) % SEQUENCES
        if producer.next_sequence <= batch.base_sequence:
            producer.wrapped = True
        producer.last_timestamp_ms = batch.max_timestamp_ms
        batches = producer.batches
        batches.append(Remembered(batch.base_sequence, last_sequence, base_offset))
        if len(batches) > PRODUCER_BATCHES:
            del batches[0]
        if batch.is_transactional and producer.open_offset is None:
            producer.open_offset = base_offset
            self._open[batch.producer_id] = base_offset
            if self.first_open_offset is None:
                self.first_open_offset = base_offset

    def marker(self, producer_id: int, producer_epoch: int, commit: bool, offset: int, now_ms: int) -> None:  # noqa: FBT001
        """Note that a marker was appended at `offset`: it ends the producer's transaction, if one is open."""
        producer = self._touch(producer_id, producer_epoch, now_ms)
        producer.of_epoch(producer_epoch)
        producer.last_timestamp_ms = now_ms
        producer.coordinator_epoch = 0
        first_offset = self._open.pop(producer_id, None)
        if first_offset is None:
            return
        producer.open_offset = None
        self._open_changed()
        if not commit:
            stable_offset = next(iter(self._open.values()), offset + 1)
            self._aborted.append(Aborted(offset, first_offset, producer_id, stable_offset))

    # Reading.

    def is_open(self, producer_id: int, producer_epoch: int | None = None) -> bool:
        """Tell whether a producer has a transaction open here; with an epoch: whether it is of that epoch."""
        if producer_id not in self._open:
            return False
        return producer_epoch is None or self._producers[producer_id].epoch == producer_epoch

    def epoch_of(self, producer_id: int, now_ms: int) -> int | None:
        """Tell the last epoch that a producer wrote with, None when it is unknown or forgotten."""
        producer = self._find(producer_id, now_ms)
        return None if producer is None else producer.epoch

    def aborted(self, from_offset: int, before_offset: int) -> list[tuple[int, int]]:
        """List (producer id, first offset) of the aborted transactions that have offsets in between, by first offset.

        O(log n) to find the first, then it looks at those that ended behind `from_offset`, until what follows began behind
        `before_offset`.
        """
        found: list[tuple[int, int]] = []
        for place in range(bisect_left(self._aborted, (from_offset,)), len(self._aborted)):
            aborted = self._aborted[place]
            if aborted.first_offset < before_offset:
                found.append((aborted.first_offset, aborted.producer_id))
            if aborted.stable_offset >= before_offset:
                break
        found.sort()
        return [(producer_id, first_offset) for first_offset, producer_id in found]

    def describe(self) -> list[dict[str, Any]]:
        """List the producers as DescribeProducers shows them; O(producers)."""
        return [producer.describe() for producer in self._producers.values()]

    # Forgetting.

    def truncated(self, log_start_offset: int) -> None:
        """Note that the log begins later than before.

        Producers are not forgotten with their batches, or a retry would be taken twice (so Kafka since 2.5).
        """
        self._start_offset = log_start_offset
        del self._aborted[: bisect_left(self._aborted, (log_start_offset,))]
        self._open_changed()

    def forget_aborted(self, marker_offset: int) -> None:
        """Note that nothing is left of a transaction that a marker at this offset aborted: compaction drops the marker too."""
        place = bisect_left(self._aborted, (marker_offset,))
        if place < len(self._aborted) and self._aborted[place].last_offset == marker_offset:
            del self._aborted[place]

    def expire(self, now_ms: int) -> None:
        """Forget producers that have not written for producer.id.expiration.ms; O(forgotten)."""
        while self._producers:
            producer = next(iter(self._producers.values()))
            if now_ms - producer.seen_ms < PRODUCER_ID_EXPIRATION_MS:
                return
            if producer.open_offset is None:
                del self._producers[producer.producer_id]
            else:
                producer.seen_ms = now_ms
                self._producers.move_to_end(producer.producer_id)

    def _find(self, producer_id: int, now_ms: int) -> Producer | None:
        producer = self._producers.get(producer_id)
        if (
            producer is not None
            and now_ms - producer.seen_ms >= PRODUCER_ID_EXPIRATION_MS
            and producer.open_offset is None
        ):
            del self._producers[producer_id]
            return None
        return producer

    def _touch(self, producer_id: int, epoch: int, now_ms: int) -> Producer:
        producer = self._find(producer_id, now_ms)
        if producer is None:
            self.expire(now_ms)
            producer = self._producers[producer_id] = Producer(producer_id, epoch, now_ms)
        else:
            producer.seen_ms = now_ms
            self._producers.move_to_end(producer_id)
        return producer

    def _open_changed(self) -> None:
        self.first_open_offset = max(next(iter(self._open.values())), self._start_offset) if self._open else None


def _check_new_epoch(batch: Batch, producer: Producer) -> None:
    if batch.producer_epoch < producer.epoch:
        raise KafkaError(
            Error.INVALID_PRODUCER_EPOCH,
            f"Epoch of producer {batch.producer_id} is {batch.producer_epoch}, which is smaller than the last seen epoch "
            f"{producer.epoch}",
        )
    if batch.base_sequence != 0:
        raise _out_of_order(batch, f"a new epoch must begin at 0 (current producer epoch: {producer.epoch})")


def _duplicate(batch: Batch, producer: Producer) -> int:
    """Find a batch that is not the next one among the last ones, and answer its base offset. Raises KafkaError."""
    for remembered in producer.batches:
        if remembered.first_sequence == batch.base_sequence and remembered.last_sequence == batch.last_sequence:
            return remembered.base_offset
    if producer.batches and _is_older(batch, producer):
        raise KafkaError(
            Error.DUPLICATE_SEQUENCE_NUMBER,
            f"Sequence {batch.base_sequence} of producer {batch.producer_id} is older than the last {PRODUCER_BATCHES} batches",
        )
    raise _out_of_order(batch, f"{(producer.next_sequence - 1) % SEQUENCES} (current end sequence number)")


def _is_older(batch: Batch, producer: Producer) -> bool:
    """Tell whether a whole batch lies before what is remembered: then it was appended, or the next ones would not have been.

    Apache Kafka 4 says OUT_OF_ORDER_SEQUENCE_NUMBER here; its clients take DUPLICATE_SEQUENCE_NUMBER for a success, which it is.
    """
    oldest = producer.batches[0].first_sequence
    behind = (oldest - batch.base_sequence) % SEQUENCES
    return (batch.base_sequence < oldest or producer.wrapped) and batch.last_offset_delta < behind <= SEQUENCES // 2


def _out_of_order(batch: Batch, expected: str) -> KafkaError:
    return KafkaError(
        Error.OUT_OF_ORDER_SEQUENCE_NUMBER,
        f"Out of order sequence number for producer {batch.producer_id}, epoch {batch.producer_epoch}: {batch.base_sequence} "
        f"(incoming seq. number), {expected}",
    )
