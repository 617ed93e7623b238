"""Kafka's port with real sockets: of a server in a process of its own (`Wire`), and of one in this process (`Port`, `Caller`), where the
clock, and for TLS handshakes also the event loop's time, are moved by hand.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import uvloop

from emulator.app import Emulator
from emulator.clock import ManualClock
from emulator.ids import Ids
from emulator.settings import Settings
from services import ALL
from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.schema import response_header
from services.kafka.server import Connection, Listener
from tests.support.kafka_broker import API_VERSIONS, KEYS, LATEST, MESSAGES

T = TypeVar("T")
WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""
SOFTWARE = {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1"}
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": lambda: HandLoop(),
    "uvloop": uvloop.new_event_loop,
}
"""What the server may run on."""


class Asker:
    """Writes requests and reads answers in Kafka's own field names."""

    def __init__(self) -> None:
        self._number = 0

    def frame(self, name: str, request: dict[str, Any] | None = None, version: int | None = None) -> bytes:
        """Write a request, by default of the newest version, with its header and its length."""
        version = LATEST[name] if version is None else version
        self._number += 1
        out = bytearray(struct.pack(">hhih4s", KEYS[name], version, self._number, 4, b"test"))
        if MESSAGES.flexible(name, "request", version):
            out.append(0)
        MESSAGES.request_writer(KEYS[name], name, version)(out, request or {})
        return struct.pack(">i", len(out)) + out

    def understand(self, name: str, version: int | None, frame: bytes, behind: int = 0) -> dict[str, Any]:
        """Read the answer to the request that was written last, or to the one so many before it."""
        version = LATEST[name] if version is None else version
        assert struct.unpack_from(">i", frame)[0] == self._number - behind
        flexible = KEYS[name] != API_VERSIONS and MESSAGES.flexible(name, "response", version)
        read = MESSAGES.response_reader(KEYS[name], name, version)
        found, end = read(memoryview(frame), len(response_header(0, flexible)))
        assert end == len(frame)
        return found


def open_files() -> int:
    """Count the files and sockets of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def topic_request(name: str, partitions: int = 1) -> dict[str, Any]:
    """Write a CreateTopics request for one topic."""
    return {"Topics": [{"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1}], "timeoutMs": 1000}


def produce_request(topic: str, value: bytes) -> dict[str, Any]:
    """Write a Produce request (version 11) for one record."""
    batch = bytes(batch_of([NewRecord(None, value, [], 1_767_225_600_000)], 1_767_225_600_000))
    data = [{"Name": topic, "PartitionData": [{"Index": 0, "Records": batch}]}]
    return {"Acks": -1, "TimeoutMs": 1000, "TopicData": data}


def join_request(group: str, member_id: str = "", *, wait_ms: int = 60_000, metadata: bytes = b"") -> dict[str, Any]:
    """Write a JoinGroup of version 3, which needs no second one for an id."""
    protocols = [{"Name": "range", "Metadata": metadata}]
    waiting = {"SessionTimeoutMs": wait_ms, "RebalanceTimeoutMs": wait_ms}
    return {"GroupId": group, "MemberId": member_id, "ProtocolType": "consumer", "Protocols": protocols} | waiting


class Wire(Asker):
    """A connection to a server in a process of its own; `place` is its host and port."""

    def __init__(self, place: str, receive_bytes: int | None = None) -> None:
        super().__init__()
        host, _, port = place.rpartition(":")
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(WAIT_S)
        self.socket.connect((host, int(port)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> None:
        """Send a request."""
        self.socket.sendall(self.frame(name, request, version))

    def answer(self, name: str, *, version: int | None = None, behind: int = 0) -> dict[str, Any]:
        """Read the answer to the request that was sent last, or to the one so many before it."""
        return self.understand(name, version, self._read(struct.unpack(">i", self._read(4))[0]), behind)

    def ask(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> dict[str, Any]:
        """Send a request and read its answer."""
        self.send(name, request, version=version)
        return self.answer(name, version=version)

    def lives(self) -> bool:
        """Whether it is answered."""
        return self.ask("ApiVersions", SOFTWARE)["ErrorCode"] == 0

    def closed(self) -> bool:
        """Whether the other side hangs up, without another word."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def half_close(self) -> None:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def _read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            read = self.socket.recv(count - len(found))
            assert read, "the connection was closed"
            found += read
        return bytes(found)

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""
        [made] = self.ask("CreateTopics", topic_request(name, partitions))["Topics"]
        assert made["ErrorCode"] == 0, made

    def produce(self, topic: str, value: bytes) -> int:
        """Append one record and give its offset."""
        [answered] = self.ask("Produce", produce_request(topic, value), version=11)["Responses"]
        assert answered["PartitionResponses"][0]["ErrorCode"] == 0
        return int(answered["PartitionResponses"][0]["BaseOffset"])


class HandLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, whose time can be put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Port:
    """A server in this process that listens on real sockets. Leaving the `with` block ends it."""

    def __init__(self, loop: str = "asyncio", **settings: Any) -> None:
        self.loop = LOOPS[loop]()
        self.clock = ManualClock()
        self._callers: list[Caller] = []
        self.complaints: list[dict[str, Any]] = []
        """What the event loop says that nobody has caught."""
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        brokers = settings.get("kafka_brokers", 1)
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(brokers)]
        self.places = [sock.getsockname() for sock in sockets]
        self.emulator = Emulator(
            ALL, Settings(**settings), clock=self.clock, ids=Ids(1), sockets={"kafka": cast("Any", sockets)}
        )
        self.emulator.start()
        self.run(self.emulator.listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, then its clients; nothing may be left of either."""
        if self.loop.is_closed():
            return
        self.run(self.emulator.stop())
        for caller in self._callers:
            caller.socket.close()
        self.until(lambda: not self.connections)
        left = asyncio.all_tasks(self.loop)
        self.loop.close()
        assert not left
        assert self.complaints == []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the event loop."""
        return self.loop.run_until_complete(asyncio.wait_for(work, WAIT_S))

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the event loop turn until this holds."""

        async def turn() -> None:
            while not condition():  # noqa: ASYNC110 - what it waits for is the kernel
                await asyncio.sleep(0)

        self.run(turn())

    def advance(self, seconds: float) -> None:
        """Let the clock's time pass: each timer on the way runs at its own instant."""
        self.run(self.clock.advance(round(seconds * 1000)))

    def put_loop_forward(self, seconds: float) -> None:
        """Let the event loop's time pass, which counts for TLS handshakes."""
        assert isinstance(self.loop, HandLoop)
        self.loop.ahead_s += seconds

    @property
    def listener(self) -> Listener:
        return cast("Listener", self.emulator._listeners[0])

    @property
    def connections(self) -> set[Connection]:
        """Those that the server has, TLS handshakes aside."""
        return self.listener.connections

    def connect(self, *, broker: int = 1, source: str = "127.0.0.1", receive_bytes: int | None = None) -> Caller:
        """Open a connection to a broker. It is there when the server has taken it."""
        caller = Caller(self, self.places[broker - 1], source, receive_bytes)
        self._callers.append(caller)
        return caller

    def tls(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection with TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return self.run(asyncio.open_connection(*self.places[0], ssl=context))


class Caller(Asker):
    """A client of a server in this process. It reads only when it is told to."""

    def __init__(self, port: Port, place: tuple[str, int], source: str, receive_bytes: int | None) -> None:
        super().__init__()
        self._port = port
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.bind((source, 0))
        port.run(port.loop.sock_connect(self.socket, place))

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._port.run(self._port.loop.sock_sendall(self.socket, data))

    def send(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> None:
        """Send a request."""
        self.write(self.frame(name, request, version))

    def park(self, name: str, request: dict[str, Any], *, version: int | None = None) -> None:
        """Send a request whose answer has to wait, and let the server take it."""
        self.send(name, request, version=version)
        self._port.until(lambda: (found := self.server_side()) is not None and found._parked is not None)

    def answer(self, name: str, *, version: int | None = None, behind: int = 0) -> dict[str, Any]:
        """Read the answer to the request that was sent last, or to the one so many before it."""
        return self.understand(name, version, self._read(struct.unpack(">i", self._read(4))[0]), behind)

    def ask(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> dict[str, Any]:
        """Send a request and read its answer."""
        self.send(name, request, version=version)
        return self.answer(name, version=version)

    def lives(self) -> bool:
        """Whether it is answered."""
        return self.ask("ApiVersions", SOFTWARE)["ErrorCode"] == 0

    def closed(self) -> bool:
        """Whether the server hangs up, without another word."""
        try:
            return self._port.run(self._port.loop.sock_recv(self.socket, 1)) == b""
        except ConnectionResetError:
            return True

    def half_close(self) -> None:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Close, and let the server see it."""
        before = len(self._port.connections)
        self.socket.close()
        self._port.until(lambda: len(self._port.connections) < before)

    def server_side(self) -> Connection | None:
        """Find the server's side of this connection, once it has taken it."""
        name = self.socket.getsockname()
        for connection in self._port.connections:
            transport = connection._transport
            if transport is not None and transport.get_extra_info("peername") == name:
                return connection
        return None

    def _read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            read = self._port.run(self._port.loop.sock_recv(self.socket, count - len(found)))
            assert read, "the connection was closed"
            found += read
        return bytes(found)

    def create_topic(self, name: str, partitions: int = 1) -> bytes:
        """Make a topic and give its id."""
        [made] = self.ask("CreateTopics", topic_request(name, partitions))["Topics"]
        assert made["ErrorCode"] == 0, made
        return cast("bytes", made["TopicId"])

    def produce(self, topic: str, value: bytes) -> None:
        """Append one record."""
        [answered] = self.ask("Produce", produce_request(topic, value), version=11)["Responses"]
        assert answered["PartitionResponses"][0]["ErrorCode"] == 0

    def configure(self, **configs: str) -> int:
        """Set configs on all brokers (`max_connections="5"` is max.connections) and give the error code."""
        changed = [
            {"Name": name.replace("_", "."), "ConfigOperation": 0, "Value": value} for name, value in configs.items()
        ]
        request = {"Resources": [{"ResourceType": 4, "ResourceName": "", "Configs": changed}]}
        [answered] = self.ask("IncrementalAlterConfigs", request)["Responses"]
        return int(answered["ErrorCode"])
