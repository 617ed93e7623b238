"""A Kafka cluster in this process on a clock that stands still, and clients whose bytes go to its connections without a socket.

`Client.ask` sends a request in Kafka's own field names and gives the answer; `Client.send` may leave it parked. What travels is real
frames: only the socket is left out. `KafkaHarness.advance` moves the time.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine
from typing import Any, Self, TypeVar, cast

from emulator.app import Emulator
from emulator.clock import ManualClock, settle
from emulator.ids import Ids
from emulator.settings import Settings
from services import ALL
from services.kafka.api import ALL as APIS
from services.kafka.api.base import api_of
from services.kafka.record_batches import NewRecord, batch_of, records
from services.kafka.schema import Messages, response_header
from services.kafka.server import Connection, Listener
from services.kafka.state import Cluster

T = TypeVar("T")
KEYS = {found.name: found.key for found in map(api_of, APIS)}
LATEST = {found.name: found.versions[1] for found in map(api_of, APIS)}
"""By name the newest version that the broker speaks."""
MESSAGES = Messages()
API_VERSIONS = 18


class Transport(asyncio.Transport):
    """Collects what the broker writes."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__({"peername": (host, 50000), "sockname": ("127.0.0.1", port)})
        self.written = bytearray()
        self.reading = True
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class Pending:
    """An answer that may still be on its way."""

    def __init__(self, client: Client, name: str, version: int) -> None:
        self._client = client
        self._name = name
        self._version = version
        self._answer: dict[str, Any] | None = None

    @property
    def parked(self) -> bool:
        """Whether nothing has been answered yet."""
        self._client.read()
        return self._answer is None

    @property
    def answer(self) -> dict[str, Any]:
        """The answer, which must be there."""
        assert not self.parked, f"{self._name} is not answered"
        return cast("dict[str, Any]", self._answer)

    def take(self, frame: memoryview) -> None:
        """Decode the answer."""
        key = KEYS[self._name]
        flexible = key != API_VERSIONS and MESSAGES.flexible(self._name, "response", self._version)
        start = len(response_header(0, flexible))
        read = MESSAGES.response_reader(key, self._name, self._version)
        self._answer, end = read(frame, start)
        assert end == len(frame), f"{len(frame) - end} bytes too many"


class Client:
    """One connection."""

    def __init__(self, harness: KafkaHarness, node_id: int, host: str) -> None:
        self._harness = harness
        self.connection = Connection(harness.listener, node_id)
        self.transport = Transport(host, harness.cluster.nodes[node_id - 1].port)
        self._waiting: dict[int, Pending] = {}
        self._correlation_id = 0
        self._harness.run(self._open())

    async def _open(self) -> None:
        self.connection.connection_made(self.transport)

    def ask(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> dict[str, Any]:
        """Send a request (fields that are missing take their defaults), by default in the newest version, and give the answer."""
        return self.send(name, request, version=version).answer

    def send(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> Pending:
        """Send a request; its answer may come later."""
        version = LATEST[name] if version is None else version
        self._correlation_id += 1
        pending = Pending(self, name, version)
        self._waiting[self._correlation_id] = pending
        self.feed(self.frame(name, version, request or {}, self._correlation_id))
        return pending

    def frame(self, name: str, version: int, request: dict[str, Any], correlation_id: int = 1) -> bytes:
        """Write a request with its header and its length."""
        key = KEYS[name]
        out = bytearray(struct.pack(">hhih4s", key, version, correlation_id, 4, b"test"))
        if MESSAGES.flexible(name, "request", version):
            out.append(0)
        MESSAGES.request_writer(key, name, version)(out, request)
        return struct.pack(">i", len(out)) + out

    def feed(self, data: bytes) -> None:
        """Let the broker read these bytes."""
        self._harness.run(self._feed(data))

    async def _feed(self, data: bytes) -> None:
        while data and not self.transport.closed:
            room = self.connection.get_buffer(-1)
            count = min(len(room), len(data))
            room[:count] = data[:count]
            data = data[count:]
            self.connection.buffer_updated(count)
        await settle()

    def read(self) -> None:
        """Take up what the broker has written."""
        written = self.transport.written
        while len(written) >= 4 and len(written) >= 4 + (size := struct.unpack_from(">i", written)[0]):
            frame = bytes(written[4 : 4 + size])
            del written[: 4 + size]
            correlation_id = struct.unpack_from(">i", frame)[0]
            assert correlation_id == next(iter(self._waiting)), "answers come in the order of the requests"
            self._waiting.pop(correlation_id).take(memoryview(frame))

    def close(self) -> None:
        """Hang up."""
        self._harness.run(self._lose())

    async def _lose(self) -> None:
        self.transport.closed = True
        self.connection.connection_lost(None)
        await settle()

    # What most tests need.

    def create_topic(self, name: str, partitions: int = 1, replicas: int = 1, **configs: str) -> bytes:
        """Make a topic and give its id; `retention_ms="5"` is the config retention.ms."""
        settings = [{"Name": key.replace("_", "."), "Value": value} for key, value in configs.items()]
        topic = {"Name": name, "NumPartitions": partitions, "ReplicationFactor": replicas, "Configs": settings}
        [made] = self.ask("CreateTopics", {"Topics": [topic], "timeoutMs": 1000})["Topics"]
        assert made["ErrorCode"] == 0, made
        return cast("bytes", made["TopicId"])

    def produce(
        self,
        topic: str,
        *values: bytes | None,
        partition: int = 0,
        keys: list[bytes | None] | None = None,
        **batch: Any,
    ) -> dict[str, Any]:
        """Append one batch of these values (version 11, by name) and give what came of the partition."""
        made = [
            NewRecord(keys[place] if keys else None, value, headers=[], timestamp_ms=self._harness.now_ms)
            for place, value in enumerate(values)
        ]
        return self.produce_batch(topic, bytes(batch_of(made, self._harness.now_ms, **batch)), partition=partition)

    def produce_batch(
        self, topic: str, data: bytes, *, partition: int = 0, transactional_id: str | None = None, version: int = 11
    ) -> dict[str, Any]:
        """Append a batch as it is and give what came of the partition."""
        request = {
            "TransactionalId": transactional_id,
            "Acks": -1,
            "TimeoutMs": 1000,
            "TopicData": [{"Name": topic, "PartitionData": [{"Index": partition, "Records": data}]}],
        }
        [answered] = self.ask("Produce", request, version=version)["Responses"]
        [came_of_it] = answered["PartitionResponses"]
        return cast("dict[str, Any]", came_of_it)

    def fetch(self, topic: str, offset: int = 0, *, partition: int = 0, **more: Any) -> dict[str, Any]:
        """Fetch one partition (version 12, by name) without waiting, and give what is there of it; see `fetch_request`."""
        answer = self.ask("Fetch", fetch_request(topic, offset, partition=partition, **more), version=12)
        [found] = answer["Responses"][0]["Partitions"]
        return cast("dict[str, Any]", found)

    def values(self, topic: str, offset: int = 0, *, partition: int = 0, **more: Any) -> list[bytes | None]:
        """Fetch one partition and give the values of its records, control records left out."""
        found = self.fetch(topic, offset, partition=partition, **more)
        assert found["ErrorCode"] == 0, found
        return [record.value for record in read_records(found["Records"])]


def fetch_request(
    topic: str,
    offset: int = 0,
    *,
    partition: int = 0,
    max_wait_ms: int = 0,
    min_bytes: int = 1,
    max_bytes: int = 1 << 24,
    partition_max_bytes: int = 1 << 20,
    committed: bool = False,
) -> dict[str, Any]:
    """Write a Fetch request for one partition, by name."""
    want = {"Partition": partition, "FetchOffset": offset, "PartitionMaxBytes": partition_max_bytes}
    return {
        "MaxWaitMs": max_wait_ms,
        "MinBytes": min_bytes,
        "MaxBytes": max_bytes,
        "IsolationLevel": int(committed),
        "Topics": [{"Topic": topic, "Partitions": [want]}],
    }


def batches(data: bytes) -> list[memoryview]:
    """Cut what a Fetch answered into its batches."""
    found, position, view = [], 0, memoryview(data)
    while position < len(view):
        size = 12 + struct.unpack_from(">i", view, position + 8)[0]
        found.append(view[position : position + size])
        position += size
    return found


def read_records(data: bytes | memoryview | None) -> list[Any]:
    """Read the records of what a Fetch answered, those of control batches left out."""
    return [
        record
        for batch in batches(bytes(data or b""))
        if not struct.unpack_from(">h", batch, 21)[0] & 0x20
        for record in records(batch)
    ]


class KafkaHarness:
    """A cluster. Leaving the `with` block ends it."""

    def __init__(self, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.emulator = Emulator(ALL, Settings(**settings), clock=self.clock, ids=Ids(1))
        self.run(self._start())

    async def _start(self) -> None:
        self.emulator.start()
        self.listener = Listener(self.emulator)
        _ = self.cluster

    @property
    def cluster(self) -> Cluster:
        """The cluster's state."""
        return self.listener.cluster

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def connect(self, node_id: int = 1, host: str = "127.0.0.1") -> Client:
        """Open a connection to a broker."""
        return Client(self, node_id, host)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the event loop."""
        return self._loop.run_until_complete(work)

    def advance(self, seconds: float) -> None:
        """Let time pass: each timer on the way runs at its own instant."""
        self.run(self.clock.advance(round(seconds * 1000)))

    def settle(self) -> None:
        """Let background work run that waits for nothing."""
        self.run(settle(50))

    def close(self) -> None:
        """End the cluster; a data directory keeps what is in it."""
        self.run(self._close())
        self._loop.close()

    def crash(self) -> None:
        """End as a killed process does: no log is closed, nothing more is written; only the lock on the data directory goes."""
        self.cluster.journal.close()
        self.clock.close()
        self._loop.close()

    async def _close(self) -> None:
        await self.listener.close()
        await self.emulator.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
