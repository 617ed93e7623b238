"""The transaction coordinator: producer ids, transactional ids, and how their transactions end.

What transaction.py decides is journalled here before it is done: first the decision to commit or abort, then the markers in every
partition and the groups' offsets, then that it is complete. So a process that dies in between goes on where it was, and no producer id is
given twice. In one process the markers are written before the answer; a transaction stays prepared, and answers
CONCURRENT_TRANSACTIONS, only while a marker cannot be written for want of memory.

An open transaction has one timer. An idle transactional id costs nothing; it is forgotten after transactional.id.expiration.ms, when
somebody comes along.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import MARKER_RETRY_MS, PRODUCER_ID_BLOCK
from services.kafka.transaction import (
    NO_PRODUCER,
    NO_PRODUCER_ID,
    PREPARED,
    ProducerEpoch,
    State,
    Transaction,
    from_row,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from emulator.clock import Timer
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

log = logging.getLogger("eventyard.kafka")

_TRANSACTIONS = "transactions"
_PRODUCER_IDS = "producer_ids"
_BLOCK = "next_block"
_TO_PRODUCERS = {Error.PRODUCER_FENCED: Error.INVALID_PRODUCER_EPOCH}
"""What Produce and TxnOffsetCommit say instead: they had their words before there was a coordinator to ask (AddPartitionsToTxnManager)."""
_TO_OLD_PRODUCERS = {
    **_TO_PRODUCERS,
    Error.TRANSACTION_ABORTABLE: Error.INVALID_TXN_STATE,
    Error.CONCURRENT_TRANSACTIONS: Error.NOT_ENOUGH_REPLICAS,
}
"""The same for clients that do not know KIP-890: the last is what they retry."""


class ProducerIds:
    """Hands out producer ids, never one twice: blocks of them are reserved in the journal."""

    __slots__ = ("_cluster", "_end", "_next")

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next = self._end = int(cluster.journal.load(_PRODUCER_IDS).get(_BLOCK, 0))

    def draw(self) -> int:
        """Draw the next one."""
        if self._next == self._end:
            self._end += PRODUCER_ID_BLOCK
            self._cluster.journal.put(_PRODUCER_IDS, _BLOCK, self._end)
        self._next += 1
        return self._next - 1


class Transactions:
    """The transactional ids of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Take up what the journal has: prepared transactions are completed now, open ones have their timeout."""
        self._cluster = cluster
        self._producer_ids = ProducerIds(cluster)
        self._transactions: OrderedDict[str, Transaction] = OrderedDict()
        """By id, the one that has not changed for longest first."""
        self._timers: dict[str, Timer] = {}
        """Timeouts of open transactions, and the next try to complete a prepared one."""
        rows = cluster.journal.load(_TRANSACTIONS)
        for transactional_id, row in sorted(rows.items(), key=lambda item: item[1]["updated_ms"]):
            transaction = from_row(transactional_id, row)
            self._transactions[transactional_id] = transaction
            self._is_settled(transaction)
            if transaction.state is State.ONGOING:
                self._await_timeout(transaction)

    # Looking.

    def __iter__(self) -> Iterator[Transaction]:
        self._expire(self._cluster.clock.now_ms())
        return iter(list(self._transactions.values()))

    def get(self, transactional_id: str) -> Transaction | None:
        """Find a transactional id."""
        transaction = self._transactions.get(transactional_id)
        if transaction is not None and self._is_expired(transaction, self._cluster.clock.now_ms()):
            self._forget(transaction)
            return None
        return transaction

    def of_node(self, transactional_id: str | None, node_id: int) -> str | None:
        """Answer the transactional id, if this broker coordinates it; any does for none. Raises KafkaError NOT_COORDINATOR."""
        if transactional_id and self._cluster.coordinator(transactional_id).node_id != node_id:
            raise KafkaError(Error.NOT_COORDINATOR)
        return transactional_id

    # What producers ask for. All raise KafkaError.

    def init_producer_id(
        self, transactional_id: str | None, timeout_ms: int, expected: ProducerEpoch | None, now_ms: int
    ) -> ProducerEpoch:
        """Give a producer its id and a new epoch; whoever had the transactional id is fenced and its open transaction aborted.

        `expected` is what a producer says that it was before, to go on after an error (KIP-360). Kafka aborts, answers
        CONCURRENT_TRANSACTIONS and waits for the next try; here the first try gets what that would.
        """
        if transactional_id is None:
            return ProducerEpoch(self._producer_ids.draw(), 0)
        if not transactional_id:
            raise KafkaError(Error.INVALID_REQUEST)
        if not 0 < timeout_ms <= self._cluster.configs.transaction_max_timeout_ms:
            raise KafkaError(Error.INVALID_TRANSACTION_TIMEOUT)
        transaction = self.get(transactional_id)
        if transaction is None:
            self._expire(now_ms)
            transaction = Transaction(transactional_id, self._producer_ids.draw(), timeout_ms, now_ms)
            self._transactions[transactional_id] = transaction
        self._settle(transaction)
        transaction.check_expected(expected)
        if transaction.state is State.ONGOING:
            self._fence(transaction, now_ms)
            self._settle(transaction)
            transaction.check_expected(expected)
        if transaction.is_exhausted and (expected is None or expected.epoch == transaction.epoch):
            transaction.rotate(self._producer_ids.draw(), timeout_ms, expected, now_ms)
        else:
            transaction.initialize(timeout_ms, expected, now_ms)
        self._keep(transaction)
        return transaction.producer

    def add(
        self,
        transactional_id: str,
        producer: ProducerEpoch,
        now_ms: int,
        *,
        partitions: Collection[tuple[str, int]] = (),
        groups: Collection[str] = (),
    ) -> None:
        """Take partitions and groups into the producer's transaction, which begins with the first."""
        transaction = self._of(transactional_id)
        transaction.check_producer(*producer)
        if transaction.has(partitions, groups):
            return
        begins = transaction.state is not State.ONGOING
        transaction.add(partitions, groups, now_ms)
        self._keep(transaction)
        if begins:
            self._await_timeout(transaction)

    def check_added(
        self,
        transactional_id: str,
        producer: ProducerEpoch,
        *,
        partitions: Collection[tuple[str, int]] = (),
        groups: Collection[str] = (),
    ) -> dict[tuple[str, int], Error]:
        """Tell of each partition whether it is in the producer's transaction: NONE or TRANSACTION_ABORTABLE.

        Raises TRANSACTION_ABORTABLE for groups that are not.
        """
        transaction = self._of(transactional_id)
        transaction.check_producer(*producer)
        if not transaction.groups.issuperset(groups):
            raise KafkaError(Error.TRANSACTION_ABORTABLE)
        return {
            place: Error.NONE if place in transaction.partitions else Error.TRANSACTION_ABORTABLE
            for place in partitions
        }

    def end(
        self, transactional_id: str, producer: ProducerEpoch, now_ms: int, *, commit: bool, epoch_bumps: bool
    ) -> ProducerEpoch:
        """Commit or abort; answers what the producer goes on with (EndTxn 5: `epoch_bumps`), else nothing that means anything.

        What was ended already is answered as at the first time.
        """
        transaction = self._of(transactional_id)
        check = transaction.check_end_with_epoch if epoch_bumps else transaction.check_end
        if not check(producer, commit=commit):
            self._end(transaction, now_ms, commit=commit, epoch_bumps=epoch_bumps)
            if epoch_bumps and transaction.next_producer_id != NO_PRODUCER_ID:  # its markers are still to be written
                return ProducerEpoch(transaction.next_producer_id, 0)
        return transaction.producer if epoch_bumps else NO_PRODUCER

    # What partitions and groups ask.

    def verify(
        self,
        producer_id: int,
        producer_epoch: int,
        transactional_id: str,
        topic: str,
        partition: int,
        *,
        adds: bool,
        knows_abortable: bool = False,
    ) -> Error:
        """Tell whether a producer may write a transactional batch to a partition.

        `adds` (Produce 12) takes the partition into the transaction, for others it must be there: INVALID_TXN_STATE, or
        TRANSACTION_ABORTABLE for those that know it (`knows_abortable`, Produce 11). Once a transaction is open in the partition, only the
        partition is asked.
        """
        now_ms = self._cluster.clock.now_ms()
        found = self._cluster.partition(topic, partition)
        if found is not None:
            epoch = found.producers.epoch_of(producer_id, now_ms)
            if epoch is not None and producer_epoch < epoch:
                return Error.INVALID_PRODUCER_EPOCH
            if found.producers.is_open(producer_id, producer_epoch):
                return Error.NONE
        producer, places = ProducerEpoch(producer_id, producer_epoch), ((topic, partition),)
        try:
            if adds:
                self.add(transactional_id, producer, now_ms, partitions=places)
                return Error.NONE
            error = self.check_added(transactional_id, producer, partitions=places)[topic, partition]
        except KafkaError as refused:
            error = refused.error
        return _told(error, adds=adds, knows_abortable=knows_abortable)

    def check_producer(
        self,
        transactional_id: str,
        producer_id: int,
        producer_epoch: int,
        group_id: str,
        *,
        knows_abortable: bool = False,
    ) -> Error:
        """Tell whether a producer may commit a group's offsets in its transaction: AddOffsetsToTxn must have named the group.

        Asked by TxnOffsetCommit up to 4, which is the version that knows TRANSACTION_ABORTABLE.
        """
        try:
            self.check_added(transactional_id, ProducerEpoch(producer_id, producer_epoch), groups=(group_id,))
        except KafkaError as refused:
            return _told(refused.error, adds=False, knows_abortable=knows_abortable)
        return Error.NONE

    def add_offsets_implicitly(
        self, producer_id: int, producer_epoch: int, transactional_id: str, group_id: str
    ) -> Error:
        """Take a group into the producer's transaction (TxnOffsetCommit 5, KIP-890)."""
        producer = ProducerEpoch(producer_id, producer_epoch)
        try:
            self.add(transactional_id, producer, self._cluster.clock.now_ms(), groups=(group_id,))
        except KafkaError as refused:
            return _told(refused.error, adds=True, knows_abortable=True)
        return Error.NONE

    # Life.

    def topic_deleted(self, topic: Topic) -> None:
        """Forget the partitions of a topic in open transactions: a new topic of that name has no part in them."""
        for transactional_id in list(self._timers):
            transaction = self._transactions[transactional_id]
            kept = {place for place in transaction.partitions if place[0] != topic.name}
            if len(kept) < len(transaction.partitions):
                transaction.partitions = kept
                self._keep(transaction)

    def close(self) -> None:
        """Let go of all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    # Inside.

    def _of(self, transactional_id: str) -> Transaction:
        """Find a transactional id whose last transaction is settled, if it can be. Raises KafkaError."""
        if not transactional_id:
            raise KafkaError(Error.INVALID_REQUEST)
        transaction = self.get(transactional_id)
        if transaction is None:
            raise KafkaError(Error.INVALID_PRODUCER_ID_MAPPING)
        self._is_settled(transaction)
        return transaction

    def _fence(self, transaction: Transaction, now_ms: int) -> None:
        """Abort an open transaction over the head of its producer, which gets to hold an old epoch by that."""
        self._end(transaction, now_ms, commit=False, epoch_bumps=True)

    def _end(self, transaction: Transaction, now_ms: int, *, commit: bool, epoch_bumps: bool) -> None:
        """Decide, then do it: what is decided is done even if the process dies here."""
        next_producer_id = self._producer_ids.draw() if epoch_bumps and transaction.is_exhausted else NO_PRODUCER_ID
        transaction.prepare(now_ms, commit=commit, epoch_bumps=epoch_bumps, next_producer_id=next_producer_id)
        self._cancel_timer(transaction)
        self._keep(transaction)
        self._is_settled(transaction)

    def _settle(self, transaction: Transaction) -> None:
        """Complete a prepared transaction. Raises KafkaError CONCURRENT_TRANSACTIONS when that is not possible now."""
        if not self._is_settled(transaction):
            raise KafkaError(Error.CONCURRENT_TRANSACTIONS)

    def _is_settled(self, transaction: Transaction) -> bool:
        """Complete a transaction if it is prepared, and tell whether no markers are left to be written."""
        if transaction.state not in PREPARED:
            return True
        self._cancel_timer(transaction)
        now_ms = self._cluster.clock.now_ms()
        try:
            self._write_markers(transaction, now_ms)
        except KafkaError as error:
            log.warning("transaction %s is %s and waits: %s", transaction.transactional_id, transaction.state, error)
            self._keep(transaction)
            self._timers[transaction.transactional_id] = self._cluster.clock.call_at(
                now_ms + MARKER_RETRY_MS, lambda: self._retry(transaction)
            )
            return False
        transaction.complete(now_ms)
        self._keep(transaction)
        return True

    def _retry(self, transaction: Transaction) -> None:
        del self._timers[transaction.transactional_id]
        self._is_settled(transaction)

    def _write_markers(self, transaction: Transaction, now_ms: int) -> None:
        """End the transaction in its partitions and groups; what has a marker is struck off. Raises KafkaError when memory is full."""
        commit = transaction.state is State.PREPARE_COMMIT
        for topic, index in sorted(transaction.partitions):
            partition = self._cluster.partition(topic, index)
            if partition is not None:
                partition.append_marker(transaction.producer_id, transaction.epoch, commit, now_ms)
            transaction.partitions.discard((topic, index))
        if transaction.groups:
            self._cluster.groups.end_transaction(transaction.producer_id, sorted(transaction.groups), commit, now_ms)

    def _await_timeout(self, transaction: Transaction) -> None:
        self._timers[transaction.transactional_id] = self._cluster.clock.call_at(
            transaction.start_ms + transaction.timeout_ms, lambda: self._time_out(transaction)
        )

    def _time_out(self, transaction: Transaction) -> None:
        del self._timers[transaction.transactional_id]
        log.info("transaction %s is aborted after %d ms", transaction.transactional_id, transaction.timeout_ms)
        self._fence(transaction, self._cluster.clock.now_ms())

    def _cancel_timer(self, transaction: Transaction) -> None:
        timer = self._timers.pop(transaction.transactional_id, None)
        if timer is not None:
            timer.cancel()

    def _keep(self, transaction: Transaction) -> None:
        self._transactions.move_to_end(transaction.transactional_id)
        self._cluster.journal.put(_TRANSACTIONS, transaction.transactional_id, transaction.row())

    def _is_expired(self, transaction: Transaction, now_ms: int) -> bool:
        return (
            transaction.transactional_id not in self._timers
            and now_ms - transaction.updated_ms >= self._cluster.configs.transactional_id_expiration_ms
        )

    def _expire(self, now_ms: int) -> None:
        """Forget transactional ids that have not been used for a week; O(forgotten + open)."""
        for transaction in list(self._oldest(now_ms)):
            self._forget(transaction)

    def _oldest(self, now_ms: int) -> Iterator[Transaction]:
        for transaction in self._transactions.values():
            if transaction.transactional_id in self._timers:
                continue
            if not self._is_expired(transaction, now_ms):
                return
            yield transaction

    def _forget(self, transaction: Transaction) -> None:
        del self._transactions[transaction.transactional_id]
        self._cluster.journal.delete(_TRANSACTIONS, transaction.transactional_id)


def _told(error: Error, *, adds: bool, knows_abortable: bool) -> Error:
    """Put the coordinator's answer into words that the client knows."""
    if adds:
        return _TO_PRODUCERS.get(error, error)
    if knows_abortable and error is Error.TRANSACTION_ABORTABLE:
        return error
    return _TO_OLD_PRODUCERS.get(error, error)
