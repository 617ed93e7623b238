"""A compacted partition and what tests ask of it: records, transactions, and a reader as clients are built."""

from __future__ import annotations

from typing import NamedTuple

from services.kafka.partition import Partition
from services.kafka.record_batches import NewRecord, batch_of, records
from services.kafka.records import read_batch
from tests.support.kafka_broker import Client, KafkaHarness, batches

TOPIC = "keyed"
BACKOFF_S = 15
DELETE_RETENTION_S = 60


class Seen(NamedTuple):
    """A record as a reader sees it."""

    offset: int
    key: bytes | None
    value: bytes | None


class Compacted:
    """A topic of one partition, of which every batch has a segment to itself unless `segment_bytes` says otherwise."""

    def __init__(self, kafka: KafkaHarness, *, segment_bytes: int = 100, **configs: str) -> None:
        self.kafka = kafka
        self.client: Client = kafka.connect()
        defaults = {
            "cleanup.policy": "compact",
            "internal.segment.bytes": str(segment_bytes),
            "min.cleanable.dirty.ratio": "0",
            "delete.retention.ms": str(DELETE_RETENTION_S * 1000),
        }
        self.client.create_topic(TOPIC, **defaults | {key.replace("_", "."): value for key, value in configs.items()})
        self._sequences: dict[int, int] = {}

    @property
    def partition(self) -> Partition:
        """The partition."""
        found = self.kafka.cluster.partition(TOPIC, 0)
        assert found is not None
        return found

    def write(self, *pairs: tuple[str, str | None], compression: int = 0) -> int:
        """Append a batch; answer its base offset."""
        return self._append(batch_of(self._records(pairs), self.kafka.now_ms, compression=compression))

    def write_as(self, producer_id: int, *pairs: tuple[str, str | None], transactional: bool = True) -> int:
        """Append a batch of an idempotent producer, by default in its transaction."""
        sequence = self._sequences.get(producer_id, 0)
        self._sequences[producer_id] = sequence + len(pairs)
        return self._append(
            batch_of(
                self._records(pairs),
                self.kafka.now_ms,
                producer_id=producer_id,
                producer_epoch=0,
                base_sequence=sequence,
                transactional=transactional,
            )
        )

    def end(self, producer_id: int, *, commit: bool) -> int:
        """End a producer's transaction; answer the marker's offset."""
        return self.partition.append_marker(producer_id, 0, commit, self.kafka.now_ms)

    def _records(self, pairs: tuple[tuple[str, str | None], ...]) -> list[NewRecord]:
        return [NewRecord(key.encode(), None if value is None else value.encode()) for key, value in pairs]

    def _append(self, batch: bytearray) -> int:
        async def append() -> int:
            return self.partition.append(memoryview(batch), read_batch(batch), self.kafka.now_ms).base_offset

        return self.kafka.run(append())

    def compact(self, seconds: float = BACKOFF_S) -> None:
        """Seal what there is and let time pass until it has been compacted."""

        async def seal() -> None:
            self.partition.log.roll()
            self.kafka.cluster.upkeep.partition_changed(self.partition)

        self.kafka.run(seal())
        self.kafka.advance(seconds)
        self.kafka.settle()

    # Reading.

    def all(self) -> list[Seen]:
        """Every record that is there, markers left out."""
        return [
            Seen(record.offset, record.key, record.value)
            for entry in self.partition.log.entries(0)
            if not read_batch(entry.data).is_control
            for record in records(entry.data)
        ]

    def pairs(self) -> list[tuple[str, str | None]]:
        """Keys and values of all records that are there."""
        return [
            ((seen.key or b"").decode(), None if seen.value is None else seen.value.decode()) for seen in self.all()
        ]

    def offsets(self) -> list[int]:
        """Offsets of all records that are there."""
        return [seen.offset for seen in self.all()]

    def markers(self) -> int:
        """How many markers are there."""
        found = [read_batch(entry.data) for entry in self.partition.log.entries(0)]
        return sum(batch.is_control and batch.record_count > 0 for batch in found)

    def read_committed(self) -> tuple[list[Seen], int]:
        """Read as a consumer of committed records does; answer them and the position that it ends at."""
        found = self.client.fetch(TOPIC, self.partition.log_start_offset, committed=True)
        assert found["ErrorCode"] == 0
        waiting = sorted((one["FirstOffset"], one["ProducerId"]) for one in found["AbortedTransactions"] or [])
        aborted: set[int] = set()
        seen: list[Seen] = []
        position = self.partition.log_start_offset
        for data in batches(bytes(found["Records"] or b"")):
            batch = read_batch(data)
            position = batch.next_offset
            while waiting and waiting[0][0] <= batch.last_offset:
                aborted.add(waiting.pop(0)[1])
            if batch.is_control:
                if batch.record_count and next(records(data)).key == b"\0\0\0\0":
                    aborted.discard(batch.producer_id)
            elif not (batch.is_transactional and batch.producer_id in aborted):
                seen += [Seen(record.offset, record.key, record.value) for record in records(data)]
        return seen, position
