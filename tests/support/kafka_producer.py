"""A transactional producer as clients are: one that knows KIP-890 (each end raises its epoch, Produce adds partitions), or one that does
not.

Each call sends what such a client sends, keeps its sequence numbers, and gives the error code; it never retries by itself.
`read_committed` is the other side: it drops what was aborted, as consumers do.
"""

from __future__ import annotations

from typing import Any

from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of, read_marker, records
from services.kafka.records import read_batch
from tests.support.kafka_broker import Client, batches

NOBODY = (-1, -1)


class Producer:
    """One producer with a transactional id. `new` is one that knows KIP-890."""

    def __init__(
        self, client: Client, transactional_id: str = "payments", *, new: bool, timeout_ms: int = 60_000
    ) -> None:
        self.client = client
        self.transactional_id = transactional_id
        self.new = new
        self.timeout_ms = timeout_ms
        self.producer_id, self.epoch = NOBODY
        self.sequences: dict[tuple[str, int], int] = {}

    def init(self, *, was: tuple[int, int] = NOBODY, version: int = 5) -> Error:
        """Get an id and an epoch; `was` tells what this producer says that it was (KIP-360)."""
        answer = self.client.ask(
            "InitProducerId",
            {
                "TransactionalId": self.transactional_id,
                "TransactionTimeoutMs": self.timeout_ms,
                "ProducerId": was[0],
                "ProducerEpoch": was[1],
            },
            version=version,
        )
        if answer["ErrorCode"] == 0:
            self._become(answer["ProducerId"], answer["ProducerEpoch"])
            self.sequences.clear()
        return Error(answer["ErrorCode"])

    def begun(self, **more: Any) -> Producer:
        """Initialize and answer itself, for tests that begin there."""
        assert self.init(**more) == 0
        return self

    def add(self, topic: str, *partitions: int, version: int = 3) -> dict[int, Error]:
        """AddPartitionsToTxn for partitions of one topic, as clients before KIP-890."""
        answer = self.client.ask(
            "AddPartitionsToTxn",
            {
                "V3AndBelowTransactionalId": self.transactional_id,
                "V3AndBelowProducerId": self.producer_id,
                "V3AndBelowProducerEpoch": self.epoch,
                "V3AndBelowTopics": [{"Name": topic, "Partitions": list(partitions)}],
            },
            version=version,
        )
        [found] = answer["ResultsByTopicV3AndBelow"]
        return {one["PartitionIndex"]: Error(one["PartitionErrorCode"]) for one in found["ResultsByPartition"]}

    def write(self, topic: str, *values: bytes, partition: int = 0) -> Error:
        """Add the partition, if it is for the client to do that, and append one batch."""
        if not self.new and (error := self.add(topic, partition)[partition]):
            return error
        return self.produce(topic, *values, partition=partition)

    def produce(self, topic: str, *values: bytes, partition: int = 0, version: int | None = None) -> Error:
        """Append one batch; the sequence goes on if that is acknowledged."""
        found = self.send(topic, *values, partition=partition, version=version)
        if found["ErrorCode"] == 0:
            self.sequences[topic, partition] = self.sequences.get((topic, partition), 0) + len(values)
        return Error(found["ErrorCode"])

    def send(
        self, topic: str, *values: bytes, partition: int = 0, version: int | None = None, sequence: int | None = None
    ) -> dict[str, Any]:
        """Send one batch and give what came of the partition."""
        data = batch_of(
            [NewRecord(None, value) for value in values],
            1_767_225_600_000,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=self.sequences.get((topic, partition), 0) if sequence is None else sequence,
            transactional=True,
        )
        return self.client.produce_batch(
            topic,
            bytes(data),
            partition=partition,
            transactional_id=self.transactional_id,
            version=(12 if self.new else 11) if version is None else version,
        )

    def add_group(self, group: str, *, version: int = 3) -> Error:
        """AddOffsetsToTxn, as clients before KIP-890."""
        request = self._says() | {"GroupId": group}
        return Error(self.client.ask("AddOffsetsToTxn", request, version=version)["ErrorCode"])

    def commit_offset(self, group: str, topic: str, offset: int, *, partition: int = 0) -> Error:
        """Add the group, if it is for the client to do that, and commit an offset in the transaction."""
        if not self.new and (error := self.add_group(group)):
            return error
        return self.offset(group, topic, offset, partition=partition)

    def offset(self, group: str, topic: str, offset: int, *, partition: int = 0, version: int | None = None) -> Error:
        """TxnOffsetCommit of one partition."""
        wish = {"PartitionIndex": partition, "CommittedOffset": offset}
        request = self._says() | {"GroupId": group, "Topics": [{"Name": topic, "Partitions": [wish]}]}
        answer = self.client.ask("TxnOffsetCommit", request, version=version or (5 if self.new else 3))
        [found] = answer["Topics"][0]["Partitions"]
        return Error(found["ErrorCode"])

    def commit(self, **more: int) -> Error:
        return self.end(commit=True, **more)

    def abort(self, **more: int) -> Error:
        return self.end(commit=False, **more)

    def end(self, *, commit: bool, version: int | None = None) -> Error:
        """EndTxn; one that knows KIP-890 goes on with the id and the epoch that it is given."""
        version = (5 if self.new else 3) if version is None else version
        answer = self.client.ask("EndTxn", self._says() | {"Committed": commit}, version=version)
        if answer["ErrorCode"] == 0 and version >= 5:
            self._become(answer["ProducerId"], answer["ProducerEpoch"])
            self.sequences.clear()
        return Error(answer["ErrorCode"])

    @property
    def who(self) -> tuple[int, int]:
        return self.producer_id, self.epoch

    def _become(self, producer_id: int, epoch: int) -> None:
        self.producer_id, self.epoch = producer_id, epoch

    def _says(self) -> dict[str, Any]:
        return {
            "TransactionalId": self.transactional_id,
            "ProducerId": self.producer_id,
            "ProducerEpoch": self.epoch,
        }


def read_committed(client: Client, topic: str, *, partition: int = 0, offset: int = 0) -> list[bytes]:
    """Read up to the last stable offset and drop aborted batches, by the list and the markers (Java's Fetcher does just this)."""
    values: list[bytes] = []
    while True:
        found = client.fetch(topic, offset, partition=partition, committed=True)
        assert found["ErrorCode"] == 0, found
        waiting = [(one["FirstOffset"], one["ProducerId"]) for one in found["AbortedTransactions"] or []]
        assert waiting == sorted(waiting)
        aborted: set[int] = set()
        cut = batches(bytes(found["Records"] or b""))
        for data in cut:
            batch = read_batch(data)
            while waiting and waiting[0][0] <= batch.last_offset:
                aborted.add(waiting.pop(0)[1])
            if batch.is_control:
                if read_marker(data) is False:
                    aborted.discard(batch.producer_id)
            elif not (batch.is_transactional and batch.producer_id in aborted):
                assert batch.next_offset <= found["LastStableOffset"]
                values += [record.value or b"" for record in records(data)]
            offset = batch.next_offset
        if not cut:
            assert offset == found["LastStableOffset"]
            return values
