"""A partition: a log of record batches, what is known of their producers, and the fetches that wait for more.

The records stay the client's bytes. Only the two fields before the part that the CRC covers are written: the base offset and the
leader epoch (and, with LogAppendTime, the timestamps).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

from emulator.log.store import LogFullError
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import LEADER_EPOCH
from services.kafka.producers import Producers
from services.kafka.record_batches import control_batch, null_keys, read_marker, timestamps
from services.kafka.records import NO_PRODUCER, Batch, place, read_batch, stamp

if TYPE_CHECKING:
    from emulator.log.log import Log
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

log = logging.getLogger("eventyard.kafka")

NO_TIMESTAMP = -1


class Waiter(Protocol):
    """A parked fetch."""

    def arrived(self, partition: Partition, size_bytes: int) -> None:
        """Hear that so many bytes more can be read."""

    def finish(self) -> None:
        """Answer now, with what there is."""


class Appended(NamedTuple):
    """What a producer hears of its batch."""

    base_offset: int
    append_time_ms: int
    """-1 where the producer's own timestamps hold."""
    log_start_offset: int


class RecordError(NamedTuple):
    """One record that is refused; with it goes its whole batch."""

    batch_index: int
    message: str


class InvalidRecordsError(KafkaError):
    """Some records of a batch are refused, and with them the batch."""

    def __init__(self, message: str, records: list[RecordError], error: Error = Error.INVALID_RECORD) -> None:
        super().__init__(error, message)
        self.records = records


class Partition:
    """One partition of a topic."""

    __slots__ = ("_active_offset", "_cluster", "index", "leader_epoch", "log", "name", "producers", "topic", "waiters")

    def __init__(self, cluster: Cluster, topic: Topic, index: int) -> None:
        self._cluster = cluster
        self.topic = topic
        self.index = index
        self.name = f"{topic.name}-{index}"
        self.leader_epoch = LEADER_EPOCH
        self.log: Log = cluster.logs.open(topic, index)
        self.producers = Producers()
        self.waiters: set[Waiter] = set()
        self._active_offset = -1
        self.configured()
        self._recover()

    # What it holds.

    @property
    def high_watermark(self) -> int:
        """The end: with one copy of everything, what is written is committed."""
        return self.log.end_offset

    @property
    def log_start_offset(self) -> int:
        """The first offset that is still there."""
        return self.log.start_offset

    @property
    def last_stable_offset(self) -> int:
        """How far a reader of committed records may read: up to the first open transaction."""
        first_open = self.producers.first_open_offset
        return self.log.end_offset if first_open is None else first_open

    def check_epoch(self, leader_epoch: int) -> None:
        """Hold the leader epoch that a client knows against ours; -1 is not checked.

        Raises KafkaError FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.
        """
        if leader_epoch >= 0 and leader_epoch != self.leader_epoch:
            newer = leader_epoch > self.leader_epoch
            raise KafkaError(Error.UNKNOWN_LEADER_EPOCH if newer else Error.FENCED_LEADER_EPOCH)

    # Writing.

    def append(self, data: memoryview, batch: Batch, now_ms: int, *, epoch_bumps: bool = False) -> Appended:
        """Take a batch that `check_batch` has found good. `data` is written into. `epoch_bumps`: see Producers.check.

        Raises KafkaError: too large, a timestamp out of bounds, a record without a key on a compacted topic, a sequence number out of
        order, no memory left.
        """
        settings = self.topic.settings
        if len(data) > settings.max_message_bytes:
            raise KafkaError(
                Error.MESSAGE_TOO_LARGE,
                f"The record batch size in the append to {self.name} is {len(data)} bytes which exceeds the maximum configured value "
                f"of {settings.max_message_bytes}.",
            )
        if batch.producer_id != NO_PRODUCER:
            duplicate = self.producers.check(batch, now_ms, epoch_bumps=epoch_bumps and batch.is_transactional)
            if duplicate is not None:
                return Appended(duplicate, NO_TIMESTAMP, self.log.start_offset)
        if settings.compact and (keyless := null_keys(data)):
            words = "Compacted topic cannot accept message without key in topic partition"
            raise InvalidRecordsError(
                f"One or more records have been rejected due to invalid records: {words} {self.name}.",
                [RecordError(index, f"{words} {self.name}.") for index in keyless],
            )
        if settings.log_append_time:
            stamp(data, now_ms)
            batch = read_batch(data)
        else:
            self._check_timestamps(data, batch, now_ms)
        base_offset = self._write(data, batch, now_ms)
        return Appended(base_offset, now_ms if settings.log_append_time else NO_TIMESTAMP, self.log.start_offset)

    def append_marker(self, producer_id: int, producer_epoch: int, commit: bool, now_ms: int) -> int:  # noqa: FBT001
        """End a producer's transaction here, and answer the marker's offset."""
        data = memoryview(control_batch(producer_id, producer_epoch, commit, 0, now_ms))
        return self._write(data, read_batch(data), now_ms, commit=commit)

    def _write(self, data: memoryview, batch: Batch, now_ms: int, *, commit: bool | None = None) -> int:
        end = self.log.end_offset
        place(data, end, self.leader_epoch)
        count = batch.last_offset_delta + 1
        try:
            base_offset = self.log.append(data, batch.max_timestamp_ms, count)
        except LogFullError as error:
            if not self._cluster.upkeep.make_room(len(data)):
                raise self._full(error) from None
            try:
                base_offset = self.log.append(data, batch.max_timestamp_ms, count)
            except LogFullError as again:
                raise self._full(again) from None
        if commit is not None:
            self.producers.marker(batch.producer_id, batch.producer_epoch, commit, base_offset, now_ms)
        elif batch.producer_id != NO_PRODUCER:
            self.producers.appended(batch, base_offset, now_ms)
        if self.log.active_offset != self._active_offset:  # the first one, or a segment has been rolled
            self._active_offset = self.log.active_offset
            self._cluster.upkeep.partition_changed(self)
        if self.waiters:
            for waiter in list(self.waiters):
                waiter.arrived(self, len(data))
        return base_offset

    def _full(self, error: LogFullError) -> KafkaError:
        settings = self._cluster.settings
        words = f"{error}: make room there, delete topics or records, or set retention.ms or retention.bytes on topics"
        if settings.data_dir is None:
            words = (
                f"The memory for records is full ({settings.kafka_memory:,} bytes): delete topics or records, set retention.ms or "
                f"retention.bytes on topics, or start with more, such as --kafka-memory {max(2, settings.kafka_memory >> 29)}G"
            )
        log.error("%s: %s", self.name, words)
        return KafkaError(Error.KAFKA_STORAGE_ERROR, words)

    def _check_timestamps(self, data: memoryview, batch: Batch, now_ms: int) -> None:
        """Hold the producer's timestamps against message.timestamp.before.max.ms and after.max.ms.

        Only the newest is in the header; the others are looked at when something may be wrong.
        """
        settings = self.topic.settings
        newest_ms = now_ms + settings.timestamp_after_max_ms
        oldest_ms = now_ms - settings.timestamp_before_max_ms
        if batch.max_timestamp_ms <= newest_ms and oldest_ms <= 0:
            return
        wrong = [
            RecordError(
                index,
                f"Timestamp {found} of message with offset {index} is out of range. The timestamp should be within "
                f"[{oldest_ms}, {newest_ms}]",
            )
            for index, found in enumerate(timestamps(data))
            if found != NO_TIMESTAMP and not oldest_ms <= found <= newest_ms
        ]
        if wrong:
            raise InvalidRecordsError(
                "One or more records have been rejected due to invalid timestamp", wrong, Error.INVALID_TIMESTAMP
            )

    # Truncating.

    def delete_records_before(self, offset: int) -> int:
        """Move the start of the log, at most to the high watermark; answers where it is then."""
        self.log.truncate_before(offset)
        self.start_moved()
        return self.log.start_offset

    def start_moved(self) -> None:
        """Take note that the log begins later than before."""
        self.producers.truncated(self.log.start_offset)
        self._cluster.logs.keep_start(self)

    # Readers.

    def wake(self) -> None:
        """Answer every parked fetch with what there is."""
        for waiter in list(self.waiters):
            waiter.finish()

    # Life.

    def configured(self) -> None:
        """Take up changed configs."""
        self.log.segment_max_bytes = self.topic.settings.segment_bytes
        if self._active_offset >= 0:
            self._cluster.upkeep.partition_changed(self)

    def close(self) -> None:
        """Let go of the log, but keep its files."""
        self.wake()
        self.log.close()

    def delete(self) -> None:
        """Throw the records away."""
        self.wake()
        self._cluster.upkeep.partition_deleted(self)
        self._cluster.logs.remove(self)

    def _recover(self) -> None:
        """Learn from a log that was found in files who its producers are and which transactions are open."""
        if self.log.end_offset == self.log.start_offset:
            return
        now_ms = (
            self._cluster.clock.now_ms()
        )  # what was just found is not long unseen, whatever its records' timestamps
        for entry in self.log.entries(self.log.start_offset):
            batch = read_batch(entry.data)
            if batch.is_control:
                marker = read_marker(entry.data)
                if marker is not None:
                    self.producers.marker(batch.producer_id, batch.producer_epoch, marker, batch.base_offset, now_ms)
            elif batch.producer_id != NO_PRODUCER:
                self.producers.appended(batch, batch.base_offset, now_ms)
        self._active_offset = self.log.active_offset
        self._cluster.upkeep.partition_changed(self)
