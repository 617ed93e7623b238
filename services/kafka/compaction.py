"""Compaction: of records with one key the last one stays (cleanup.policy=compact), as Apache Kafka 4.3's Cleaner does it.

Two passes over the sealed segments of a partition, in slices beside the requests. The first learns the last offset of every key from what
has been written since the last time (the dirty part); the second rewrites all segments up to there. What stays:

- the last record of every key; a tombstone, too, until its batch's delete horizon (set by the first compaction that meets it,
  delete.retention.ms ahead) is over at a later compaction;
- no record of an aborted transaction; a marker as long as anything of its transaction is there, and then until its delete horizon,
  that of an aborted transaction also as long as consumers are told of that transaction;
- the header of a batch without records, where it is the last that a producer wrote (its sequence numbers are not forgotten) or the last
  of what was compacted (consumers get past it).

Offsets stay, so there are holes. It never goes past the first offset of an open transaction, nor into the growing segment.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.log.store import LogFullError
from emulator.tasks import breathe
from services.kafka.record_batches import Record, empty_like, keep, read_marker, records
from services.kafka.records import NO_PRODUCER, Batch, BatchError, read_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.log.segment import EntryView, Stretch
    from emulator.storage.journal import Journal
    from services.kafka.partition import Partition

log = logging.getLogger("eventyard.kafka")

NEVER_MS = 1 << 62
SLICE_RECORDS = 1_000
"""How many records to look at before others get their turn: some 3 ms."""
KEYS_MAX = 1_000_000
"""How many keys one compaction remembers; where there are more the rest waits for the next one (Kafka: log.cleaner.dedupe.buffer.size)."""
GROUP_BYTES = 16 << 20
"""How much is held beside the log while it is rewritten."""
_TABLE = "compactions"

Kept = tuple[int, int, "memoryview | bytes"]
"""What stays of an entry: the offset after it, its time, its data."""


@dataclass(slots=True, eq=False)
class Progress:
    """How far a partition is compacted."""

    clean_offset: int = 0
    """What lies before has been compacted; what follows is dirty."""
    compacted_ms: int = 0
    """When that was last tried."""

    def ripe_ms(self, partition: Partition, stretches: list[Stretch], now_ms: int) -> int:
        """Tell when compaction is due (LogCleanerManager): not before, but it may turn out to be later. NEVER_MS: when more is written."""
        dirty = [stretch for stretch in stretches if stretch.end_offset > self.clean_offset]
        sealed = [stretch for stretch in dirty if stretch.end_offset <= partition.log.active_offset]
        if not sealed:
            return NEVER_MS
        settings = partition.topic.settings
        before, stable = self.compact_before(partition, stretches, now_ms)
        first = next(partition.log.entries(sealed[0].base_offset), None)
        over_ms = NEVER_MS
        if first is not None and settings.max_compaction_lag_ms < NEVER_MS:
            over_ms = (first.time_ms if first.time_ms >= 0 else now_ms) + settings.max_compaction_lag_ms + 1
        cleanable = sum(stretch.size_bytes for stretch in sealed if stretch.end_offset <= before)
        clean = sum(stretch.size_bytes for stretch in stretches) - sum(stretch.size_bytes for stretch in dirty)
        if cleanable and (over_ms <= now_ms or cleanable > settings.min_cleanable_dirty_ratio * (clean + cleanable)):
            return now_ms
        if not stable and before < sealed[-1].end_offset:
            return now_ms + 1  # a transaction is open, and nobody tells when it ends
        waits = [
            stretch.max_ms + settings.min_compaction_lag_ms + 1 for stretch in sealed if stretch.end_offset > before
        ]
        return max(min([*waits[:1], over_ms]), now_ms + 1)

    def compact_before(self, partition: Partition, stretches: list[Stretch], now_ms: int) -> tuple[int, bool]:
        """Tell up to which offset may be compacted now, and that no open transaction stands in the way."""
        records_of, settings = partition.log, partition.topic.settings
        before = records_of.active_offset
        stable = partition.last_stable_offset >= before
        before = min(before, partition.last_stable_offset)
        if settings.min_compaction_lag_ms > 0:
            young_ms = now_ms - settings.min_compaction_lag_ms
            for stretch in stretches:
                if stretch.end_offset > self.clean_offset and stretch.max_ms > young_ms:
                    before = min(before, stretch.base_offset)
                    break
        whole = [stretch.end_offset for stretch in stretches if stretch.end_offset <= before]
        return (whole[-1] if whole else records_of.start_offset), stable


class Progresses:
    """How far the partitions of a cluster are compacted; outlives the process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept = journal.load(_TABLE)
        self._progresses: dict[Partition, Progress] = {}

    def of(self, partition: Partition) -> Progress:
        """Tell of one partition."""
        progress = self._progresses.get(partition)
        if progress is None:
            progress = self._progresses[partition] = Progress(int(self._kept.pop(_key(partition), 0)))
        return progress

    def keep(self, partition: Partition) -> None:
        """Remember how far one is."""
        self._journal.put(_TABLE, _key(partition), self.of(partition).clean_offset)

    def forget(self, partition: Partition) -> None:
        """Forget one that is gone."""
        if self._progresses.pop(partition, None) is not None or self._kept.pop(_key(partition), None) is not None:
            self._journal.delete(_TABLE, _key(partition))


def _key(partition: Partition) -> str:
    return f"{partition.topic.topic_id.hex()}-{partition.index}"


async def compact(partition: Partition, progress: Progress, now_ms: int) -> None:
    """Compact what may be compacted now. Without memory for it, it stops where it is and says so in the log."""
    progress.compacted_ms = now_ms
    before, _ = progress.compact_before(partition, partition.log.segments(), now_ms)
    first = max(progress.clean_offset, partition.log.start_offset)
    if before <= first:
        return
    work = Work(partition, now_ms, first, before)
    await work.learn()
    size_bytes = partition.log.size_bytes
    try:
        await work.rewrite()
    except LogFullError:
        log.warning("%s: there is no room to compact it", partition.name)
        return
    progress.clean_offset = work.before
    saved = size_bytes - partition.log.size_bytes
    log.info("%s: compacted up to offset %d, about %d bytes saved", partition.name, work.before, saved)


@dataclass(slots=True, eq=False)
class Transactions:
    """Which transactions a pass from some offset on is in (CleanedTransactionMetadata)."""

    aborted: deque[tuple[int, int]]
    """Producer id and first offset of those that are still to come, in order."""
    discarded: dict[int, bool] = field(default_factory=dict)
    """Producers in an aborted transaction, and whether a batch of it was there."""
    committed: set[int] = field(default_factory=set)
    """Producers in a transaction of which a batch was there, and which was not aborted."""

    def is_discarded(self, batch: Batch) -> bool:
        """Meet a batch of records; tells whether it was aborted."""
        self._reach(batch.last_offset)
        if not batch.is_transactional:
            return False
        if batch.producer_id in self.discarded:
            self.discarded[batch.producer_id] = True
            return True
        self.committed.add(batch.producer_id)
        return False

    def is_empty(self, batch: Batch, commit: bool | None) -> bool:  # noqa: FBT001 - it is the marker's content
        """Meet a marker; tells whether nothing of its transaction was there."""
        self._reach(batch.last_offset)
        if commit is None:
            return True
        if commit:
            was_there = batch.producer_id in self.committed
            self.committed.discard(batch.producer_id)
            return not was_there
        return not self.discarded.pop(batch.producer_id, False)

    def _reach(self, offset: int) -> None:
        while self.aborted and self.aborted[0][1] <= offset:
            self.discarded[self.aborted.popleft()[0]] = False


class Work:
    """One compaction of one partition."""

    def __init__(self, partition: Partition, now_ms: int, first: int, before: int) -> None:
        """`first` is where the dirty part begins, `before` where it ends."""
        self._partition = partition
        self._log = partition.log
        self._now_ms = now_ms
        self._horizon_ms = now_ms + partition.topic.settings.delete_retention_ms
        self._first = first
        self.before = before
        self._latest: dict[bytes, int] = {}
        """By key the offset of its last record in the dirty part."""
        self._last_batches: dict[int, int] = {}
        """By producer id where its last batch of records begins."""
        self._seen = 0

    def _transactions(self, offset: int) -> Transactions:
        return Transactions(deque(self._partition.producers.aborted(offset, self.before)))

    # The first pass.

    async def learn(self) -> None:
        """Learn the last offset of every key, and the last batch of every producer."""
        transactions = self._transactions(self._first)
        for entry in self._log.entries(self._log.start_offset):
            batch = read_batch(entry.data)
            if batch.producer_id != NO_PRODUCER and not batch.is_control:
                self._last_batches[batch.producer_id] = entry.offset
            if self._first < entry.next_offset <= self.before:
                if len(self._latest) >= KEYS_MAX:
                    self.before = entry.offset
                else:
                    self._learn_keys(entry, batch, transactions)
            await self._breathe(batch)
        alive = {producer["ProducerId"] for producer in self._partition.producers.describe()}
        self._last_batches = {of: offset for of, offset in self._last_batches.items() if of in alive}

    def _learn_keys(self, entry: EntryView, batch: Batch, transactions: Transactions) -> None:
        if batch.is_control:
            transactions.is_empty(batch, read_marker(entry.data))
            return
        if transactions.is_discarded(batch):
            return
        latest = self._latest
        for record in self._records(entry):
            if record.key is not None:
                latest[record.key] = record.offset

    def _records(self, entry: EntryView) -> Iterator[Record]:
        """Read the records of a batch; of one that its producer has garbled, those before the wrong one."""
        try:
            yield from records(entry.data)
        except BatchError as error:
            log.warning("%s: the batch at offset %d is left alone: %s", self._partition.name, entry.offset, error)

    # The second pass.

    async def rewrite(self) -> None:
        """Rewrite the segments, several at a time. Raises LogFullError."""
        transactions = self._transactions(self._log.start_offset)
        sealed_before = self._log.active_offset
        whole = [found for found in self._log.segments() if found.end_offset <= sealed_before]
        for group in _groups([found for found in whole if found.base_offset < self.before]):
            await self._rewrite(group[0].base_offset, group[-1].end_offset, transactions)

    async def _rewrite(self, base_offset: int, end_offset: int, transactions: Transactions) -> None:
        kept: list[Kept] = []
        changed = False
        for entry in self._log.entries(base_offset, end_offset):
            batch = read_batch(entry.data)
            data = self._keep(entry, batch, transactions) if entry.next_offset <= self.before else entry.data
            if data is not None:
                kept.append((entry.next_offset, read_batch(data).max_timestamp_ms, data))
            changed = changed or data is None or data is not entry.data
            await self._breathe(batch)
        if changed:
            start = self._log.start_offset  # it may have moved meanwhile
            self._log.rewrite(base_offset, end_offset, [entry for entry in kept if entry[0] > start])

    def _keep(self, entry: EntryView, batch: Batch, transactions: Transactions) -> memoryview | bytes | None:
        """Tell what stays of a batch; the very same data where nothing changes."""
        if batch.is_control:
            data = self._keep_marker(entry, batch, transactions)
        elif transactions.is_discarded(batch):
            data = None
        else:
            data = self._keep_records(entry, batch)
        if data is not None:
            return data
        is_last_of_producer = self._last_batches.get(batch.producer_id) == entry.offset
        if not is_last_of_producer and entry.next_offset != self.before:
            return None
        return empty_like(entry.data) if batch.record_count else entry.data

    def _keep_marker(self, entry: EntryView, batch: Batch, transactions: Transactions) -> memoryview | bytes | None:
        commit = read_marker(entry.data)
        if not transactions.is_empty(batch, commit):
            return entry.data
        if commit is None:
            return None
        if batch.delete_horizon_ms is None:
            return keep(entry.data, _all, delete_horizon_ms=self._horizon_ms)
        if batch.delete_horizon_ms > self._now_ms:
            return entry.data
        if not commit:  # a consumer that hears of an aborted transaction waits for its marker
            self._partition.producers.forget_aborted(batch.base_offset)
        return None

    def _keep_records(self, entry: EntryView, batch: Batch) -> memoryview | bytes | None:
        latest, horizon_ms = self._latest, batch.delete_horizon_ms
        keeps_tombstones = horizon_ms is None or self._now_ms < horizon_ms

        def is_kept(record: Record) -> bool:
            if record.key is None or record.offset < latest.get(record.key, -1):
                return False
            return record.value is not None or keeps_tombstones

        try:
            data = keep(entry.data, is_kept, delete_horizon_ms=self._horizon_ms)
        except BatchError:  # `learn` has said so
            return entry.data
        same = data is not None and len(data) == len(entry.data) and memoryview(data) == entry.data
        return entry.data if same else data

    async def _breathe(self, batch: Batch) -> None:
        self._seen += 1 + batch.record_count
        if self._seen >= SLICE_RECORDS:
            self._seen = 0
            await breathe()


def _all(_: Record) -> bool:
    return True


def _groups(stretches: list[Stretch]) -> list[list[Stretch]]:
    """Put neighbours together while they are small, so that they become one segment."""
    groups: list[list[Stretch]] = []
    size = GROUP_BYTES
    for stretch in stretches:
        size += stretch.size_bytes
        if size > GROUP_BYTES:
            groups.append([])
            size = stretch.size_bytes
        groups[-1].append(stretch)
    return groups
