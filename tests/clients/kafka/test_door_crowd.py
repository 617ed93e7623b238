"""Crowds at the door of Kafka, over real sockets: thousands that are idle, half-way or deaf, and what is left when they are gone."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from tests.support.kafka_broker import fetch_request
from tests.support.kafka_port import SOFTWARE, WAIT_S, Wire
from tests.support.server import Server

CROWD = 2000
SOON_S = 8
"""Far below what a client could ask a stop to wait for, far above what a busy machine needs."""
MIB = 1 << 20

Fresh = Callable[[str], str]


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Let this process open as many sockets as the crowd has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} files may be open, and the tests need {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def door() -> Iterator[Server]:
    """A server of this file's own. It must end well, and without having raised anything."""
    with Server("--port", "0", "--kafka-port", "free") as one:
        yield one
        assert one.stop() == 0
        assert "Traceback" not in one.output
        assert "ERROR" not in one.output


@pytest.fixture(scope="module")
def tls() -> Iterator[Server]:
    """The same with TLS."""
    with Server("--port", "0", "--kafka-port", "free", "--kafka-security", "ssl") as one:
        yield one
        assert one.stop() == 0
        assert "Traceback" not in one.output
        assert "ERROR" not in one.output


def open_files(server: Server) -> int:
    """How many files and sockets the server has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def until_open(server: Server, count: int) -> None:
    """Let the server's loop turn until so many files and sockets are open, this question's own one aside."""
    begun = time.monotonic()
    while open_files(server) > count + 1:
        server.turns(1)
        assert time.monotonic() - begun < WAIT_S, open_files(server)


def memory_bytes(server: Server) -> int:
    """How much memory the server's process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def threads(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def test_two_thousand_idle_connections_cost_little_and_leave_nothing(door: Server) -> None:
    with Wire(door.kafka) as worker:
        assert worker.lives()
        before, memory, running = open_files(door), memory_bytes(door), threads(door)
        with ExitStack() as stack:
            for _ in range(CROWD):
                stack.enter_context(Wire(door.kafka))
            assert worker.lives()
            door.turns()
            assert open_files(door) >= before + CROWD
            assert memory_bytes(door) - memory < CROWD * 16 * 1024
            assert threads(door) == running
        until_open(door, before)
        assert worker.lives()


def test_two_thousand_frames_that_never_become_whole_take_no_more_than_what_came(door: Server) -> None:
    with Wire(door.kafka) as worker:
        assert worker.lives()
        before, memory = open_files(door), memory_bytes(door)
        with ExitStack() as stack:
            for number in range(CROWD):
                half = stack.enter_context(Wire(door.kafka))
                half.socket.sendall(struct.pack(">i", (60_000, 2 * MIB)[number % 2]) + b"\0\3\0\0")
            assert worker.lives()
            door.turns()
            assert memory_bytes(door) - memory < CROWD * 32 * 1024
        until_open(door, before)
        assert worker.lives()


def test_connections_that_come_and_go_in_any_state_leave_no_file_behind(door: Server, fresh: Fresh) -> None:
    chance, topic = Random(11), fresh("orders")
    with Wire(door.kafka) as worker:
        worker.create_topic(topic)
        before = open_files(door)
        for _ in range(600):
            with Wire(door.kafka) as one:
                match chance.randrange(6):
                    case 0:
                        one.socket.sendall(chance.randbytes(chance.randrange(1, 300)))
                    case 1:
                        one.socket.sendall(b"\0\0\0\x40\0\3")
                    case 2:
                        one.send("Fetch", fetch_request(topic, 0, max_wait_ms=100), version=12)
                    case 3:
                        assert one.lives()
                    case 4:  # gone with a reset
                        one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until_open(door, before)
        assert worker.produce(topic, b"x") == 0


def test_a_client_that_sends_no_more_still_gets_the_answers_that_it_waits_for(door: Server, fresh: Fresh) -> None:
    topic = fresh("orders")
    with Wire(door.kafka) as worker, Wire(door.kafka) as half:
        worker.create_topic(topic)
        half.send("Fetch", fetch_request(topic, 0, max_wait_ms=60_000), version=12)
        half.send("ApiVersions", SOFTWARE)
        half.half_close()
        door.turns()
        worker.produce(topic, b"x")
        [found] = half.answer("Fetch", version=12, behind=1)["Responses"][0]["Partitions"]
        assert found["HighWatermark"] == 1
        assert half.answer("ApiVersions")["ErrorCode"] == 0
        assert half.closed()


def test_an_address_has_no_more_connections_than_it_may(fresh: Fresh) -> None:
    with Server("--port", "0", "--kafka-port", "free") as server, Wire(server.kafka) as one, Wire(server.kafka) as two:
        limit = [{"Name": "max.connections.per.ip", "ConfigOperation": 0, "Value": "2"}]
        one.ask("IncrementalAlterConfigs", {"Resources": [{"ResourceType": 4, "ResourceName": "", "Configs": limit}]})
        assert two.lives()
        with Wire(server.kafka) as three:
            assert three.closed()
        assert two.lives()
        one.create_topic(fresh("orders"))


def test_sigterm_ends_the_server_although_a_client_does_not_read(fresh: Fresh) -> None:
    topic = fresh("orders")
    with Server("--port", "0", "--kafka-port", "free") as server, Wire(server.kafka, receive_bytes=4096) as deaf:
        with Wire(server.kafka) as worker:
            worker.create_topic(topic)
            for _ in range(8):
                worker.produce(topic, b"x" * 1_000_000)
        fetch = fetch_request(topic, 0, partition_max_bytes=8 * MIB, max_bytes=8 * MIB)
        deaf.socket.sendall(b"".join(deaf.frame("Fetch", fetch, 12) for _ in range(20)))
        server.turns()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < SOON_S
        assert "Traceback" not in server.output


# TLS.


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x0a\0\x12\0\0\0\0\0\1\xff\xff",
        b"\xff" * 64,
        b"\x16\x03\x01\xff\xff" + b"\0" * 70_000,
    ],
    ids=["HTTP", "plain Kafka", "noise", "a record too long"],
)
def test_what_is_no_tls_is_closed_and_leaves_no_file_behind(tls: Server, data: bytes) -> None:
    tls.turns()
    before = open_files(tls)
    for _ in range(50):
        with Wire(tls.kafka) as one:
            one.socket.sendall(data)
            read = bytearray()
            while more := receive(one.socket):
                read += more
            assert len(read) < 100  # an alert at most
    until_open(tls, before)


def receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except ConnectionResetError:
        return b""


def test_handshakes_that_are_broken_off_leave_no_file_behind(tls: Server) -> None:
    tls.turns()
    before = open_files(tls)
    for count in (0, 1, 5, 6) * 25:
        with Wire(tls.kafka) as one:
            one.socket.sendall(b"\x16\x03\x01\x02\x00\x01"[:count])
    until_open(tls, before)


def test_sigterm_ends_the_server_although_handshakes_are_under_way() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(Server("--port", "0", "--kafka-port", "free", "--kafka-security", "ssl"))
        for count in (0, 1, 5):
            stack.enter_context(Wire(server.kafka)).socket.sendall(b"\x16\x03\x01\x02\x00"[:count])
        server.turns()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < SOON_S
        assert "Traceback" not in server.output
