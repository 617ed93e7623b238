"""The door of Kafka over real sockets: crowds, clients that stop half-way, clients that never read, other protocols, and the end."""

from __future__ import annotations

import resource
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest

from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.schema import response_header
from tests.support.kafka_broker import API_VERSIONS, KEYS, LATEST, MESSAGES, fetch_request
from tests.support.server import Server

WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""
SOON_S = 8
"""Far below the minute that the parked requests ask for, far above what a busy machine needs."""
CROWD = 2000
SOFTWARE = {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1"}
MIB = 1 << 20

Fresh = Callable[[str], str]


class Wire:
    """One connection, with requests in Kafka's own field names."""

    def __init__(self, server: Server, receive_bytes: int | None = None) -> None:
        host, _, port = server.kafka.rpartition(":")
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(WAIT_S)
        self.socket.connect((host, int(port)))
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def frame(self, name: str, request: dict[str, Any], version: int) -> bytes:
        """Write a request with its header and its length."""
        self._number += 1
        out = bytearray(struct.pack(">hhih4s", KEYS[name], version, self._number, 4, b"test"))
        if MESSAGES.flexible(name, "request", version):
            out.append(0)
        MESSAGES.request_writer(KEYS[name], name, version)(out, request)
        return struct.pack(">i", len(out)) + out

    def send(self, name: str, request: dict[str, Any], *, version: int | None = None) -> None:
        """Send a request."""
        self.socket.sendall(self.frame(name, request, LATEST[name] if version is None else version))

    def answer(self, name: str, *, version: int | None = None) -> dict[str, Any]:
        """Read the answer to the request that was sent last."""
        version = LATEST[name] if version is None else version
        frame = self._read(struct.unpack(">i", self._read(4))[0])
        assert struct.unpack_from(">i", frame)[0] == self._number
        flexible = KEYS[name] != API_VERSIONS and MESSAGES.flexible(name, "response", version)
        found, end = MESSAGES.response_reader(KEYS[name], name, version)(
            memoryview(frame), len(response_header(0, flexible))
        )
        assert end == len(frame)
        return found

    def ask(self, name: str, request: dict[str, Any] | None = None, *, version: int | None = None) -> dict[str, Any]:
        """Send a request and read its answer."""
        self.send(name, request or {}, version=version)
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

    def _read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            read = self.socket.recv(count - len(found))
            assert read, "the connection was closed"
            found += read
        return bytes(found)

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""
        topic = {"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1}
        [made] = self.ask("CreateTopics", {"Topics": [topic], "timeoutMs": 1000})["Topics"]
        assert made["ErrorCode"] == 0, made

    def produce(self, topic: str, value: bytes) -> int:
        """Append one record and give its offset."""
        batch = bytes(batch_of([NewRecord(None, value, [], 1_767_225_600_000)], 1_767_225_600_000))
        data = [{"Name": topic, "PartitionData": [{"Index": 0, "Records": batch}]}]
        [answered] = self.ask("Produce", {"Acks": -1, "TimeoutMs": 1000, "TopicData": data}, version=11)["Responses"]
        assert answered["PartitionResponses"][0]["ErrorCode"] == 0
        return int(answered["PartitionResponses"][0]["BaseOffset"])


@pytest.fixture(scope="module")
def door() -> Iterator[Server]:
    """A server of this file's own. It must end well, and without having raised anything."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} files may be open, and the tests need {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with Server("--port", "0", "--kafka-port", "free") as one:
        yield one
        assert one.stop() == 0
        assert "Traceback" not in one.output
        assert "ERROR" not in one.output
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory_bytes(server: Server) -> int:
    """How much memory the server's process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def test_a_working_connection_is_served_among_two_thousand_idle_ones(door: Server, fresh: Fresh) -> None:
    topic = fresh("crowd")
    with ExitStack() as stack:
        crowd = [stack.enter_context(Wire(door)) for _ in range(CROWD)]
        worker = stack.enter_context(Wire(door))
        worker.create_topic(topic)
        assert [worker.produce(topic, b"x") for _ in range(200)] == list(range(200))
        assert all(one.lives() for one in crowd)
    with Wire(door) as late:
        assert late.produce(topic, b"x") == 200


def test_frames_that_never_become_whole_cost_no_more_memory_than_they_bring(door: Server) -> None:
    before = memory_bytes(door)
    with ExitStack() as stack:
        for _ in range(50):
            half = stack.enter_context(Wire(door))
            half.socket.sendall(struct.pack(">i", 100 * MIB) + b"\0\3\0\0")
        with Wire(door) as other:
            assert other.lives()
        assert memory_bytes(door) - before < 100 * MIB


def test_connections_that_close_in_the_middle_of_a_frame_leave_nothing_behind(door: Server) -> None:
    chance = Random(5)
    with Wire(door) as one:
        frame = one.frame("Metadata", {"Topics": [{"Name": "x" * 200}] * 500}, 12)
        for _ in range(200):
            with Wire(door) as short:
                short.socket.sendall(frame[: chance.randrange(1, len(frame))])
        one.socket.sendall(frame)
        assert len(one.answer("Metadata", version=12)["Topics"]) == 500


def test_a_frame_that_comes_in_drops_is_answered_when_it_is_whole(door: Server) -> None:
    with Wire(door) as slow, Wire(door) as other:
        for byte in slow.frame("ApiVersions", SOFTWARE, LATEST["ApiVersions"]):
            slow.socket.sendall(bytes([byte]))
            assert other.lives()
        assert slow.answer("ApiVersions")["ErrorCode"] == 0


@pytest.mark.parametrize("name", ["Fetch", "Metadata"])
def test_what_clients_ask_for_and_never_read_is_bounded_per_connection(door: Server, fresh: Fresh, name: str) -> None:
    topic, clients, requests = fresh("unread"), 10, 800
    with ExitStack() as stack:
        worker = stack.enter_context(Wire(door))
        worker.create_topic(topic)
        for _ in range(8):
            worker.produce(topic, b"x" * 1_000_000)
        for _ in range(20):
            worker.create_topic(fresh("wide"), partitions=100)
        fetch = fetch_request(topic, 0, partition_max_bytes=8 * MIB, max_bytes=8 * MIB)
        before = memory_bytes(door)
        for _ in range(clients):
            deaf = stack.enter_context(Wire(door, receive_bytes=4096))
            frames = [deaf.frame(name, fetch if name == "Fetch" else {"Topics": None}, 12) for _ in range(requests)]
            deaf.socket.sendall(b"".join(frames))
        door.turns(20)
        assert worker.lives()
        assert memory_bytes(door) - before < clients * 20 * MIB
    with Wire(door) as late:
        assert late.produce(topic, b"x") == 8


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "it speaks HTTP; the AWS services are on the other port"),
        (b"\0\0\0\x0a\x03\xe7\0\0\0\0\0\1\xff\xff", "it asked for API key 999 version 0"),
        (b"\xff" * 64, "it sent a frame of -1 bytes"),
    ],
    ids=["HTTP", "unknown", "noise"],
)
def test_what_is_no_kafka_is_closed_with_a_line_in_the_log(door: Server, data: bytes, said: str) -> None:
    with Wire(door) as one:
        one.socket.sendall(data)
        assert one.closed()
    door.turns()
    assert any(said in line for line in door.err)


def test_tls_on_the_plain_port_fails_at_once_and_the_log_says_why(door: Server) -> None:
    context = ssl.create_default_context()
    with Wire(door) as one, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(one.socket, server_hostname="localhost")
    door.turns()
    assert any("it speaks TLS, which is off here" in line for line in door.err)


def test_kafka_on_the_http_port_is_refused_and_http_goes_on(door: Server) -> None:
    with Wire(door) as one:
        frame = one.frame("ApiVersions", SOFTWARE, LATEST["ApiVersions"])
    with socket.create_connection((door.host, door.port), WAIT_S) as other:
        other.sendall(frame)
        other.shutdown(socket.SHUT_WR)
        answer = other.recv(1 << 16)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert door.request("GET", "/health").status == 200


def test_noise_of_many_clients_leaves_the_others_alone(door: Server) -> None:
    chance = Random(7)
    with Wire(door) as one:
        for _ in range(200):
            with Wire(door) as noisy:
                noisy.socket.sendall(chance.randbytes(chance.randrange(1, 2000)))
            assert one.lives()


def join(wire: Wire, group: str, member_id: str = "") -> None:
    """Send a JoinGroup of version 3, which needs no second one for an id."""
    protocols = [{"Name": "range", "Metadata": b""}]
    waiting = {"SessionTimeoutMs": 60_000, "RebalanceTimeoutMs": 60_000}
    request = {"GroupId": group, "MemberId": member_id, "ProtocolType": "consumer", "Protocols": protocols}
    wire.send("JoinGroup", request | waiting, version=3)


def test_sigterm_ends_the_server_at_once_although_fetches_joins_and_half_frames_wait(fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    with ExitStack() as stack:
        server = stack.enter_context(Server("--port", "0", "--kafka-port", "free"))
        first, second, half, *fetchers = (stack.enter_context(Wire(server)) for _ in range(8))
        first.create_topic(topic)
        join(first, group)
        assert first.answer("JoinGroup", version=3)["ErrorCode"] == 0
        join(second, group)
        for fetcher in fetchers:
            fetcher.send("Fetch", fetch_request(topic, 0, max_wait_ms=60_000), version=12)
        half.socket.sendall(b"\0\0\0\x40\0\3")
        server.turns()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < SOON_S
        for fetcher in fetchers:
            [found] = fetcher.answer("Fetch", version=12)["Responses"][0]["Partitions"]
            assert found["ErrorCode"] == 0
        assert half.closed()
        assert "Traceback" not in server.output
