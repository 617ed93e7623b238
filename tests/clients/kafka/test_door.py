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

import pytest

from tests.support.kafka_broker import LATEST, fetch_request
from tests.support.kafka_port import SOFTWARE, WAIT_S, Wire, join_request
from tests.support.server import Server

SOON_S = 8
"""Far below the minute that the parked requests ask for, far above what a busy machine needs."""
CROWD = 2000
MIB = 1 << 20

Fresh = Callable[[str], str]


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
        crowd = [stack.enter_context(Wire(door.kafka)) for _ in range(CROWD)]
        worker = stack.enter_context(Wire(door.kafka))
        worker.create_topic(topic)
        assert [worker.produce(topic, b"x") for _ in range(200)] == list(range(200))
        assert all(one.lives() for one in crowd)
    with Wire(door.kafka) as late:
        assert late.produce(topic, b"x") == 200


def test_frames_that_never_become_whole_cost_no_more_memory_than_they_bring(door: Server) -> None:
    before = memory_bytes(door)
    with ExitStack() as stack:
        for _ in range(50):
            half = stack.enter_context(Wire(door.kafka))
            half.socket.sendall(struct.pack(">i", 100 * MIB) + b"\0\3\0\0")
        with Wire(door.kafka) as other:
            assert other.lives()
        assert memory_bytes(door) - before < 100 * MIB


def test_connections_that_close_in_the_middle_of_a_frame_leave_nothing_behind(door: Server) -> None:
    chance = Random(5)
    with Wire(door.kafka) as one:
        frame = one.frame("Metadata", {"Topics": [{"Name": "x" * 200}] * 500}, 12)
        for _ in range(200):
            with Wire(door.kafka) as short:
                short.socket.sendall(frame[: chance.randrange(1, len(frame))])
        one.socket.sendall(frame)
        assert len(one.answer("Metadata", version=12)["Topics"]) == 500


def test_a_frame_that_comes_in_drops_is_answered_when_it_is_whole(door: Server) -> None:
    with Wire(door.kafka) as slow, Wire(door.kafka) as other:
        for byte in slow.frame("ApiVersions", SOFTWARE, LATEST["ApiVersions"]):
            slow.socket.sendall(bytes([byte]))
            assert other.lives()
        assert slow.answer("ApiVersions")["ErrorCode"] == 0


@pytest.mark.parametrize("name", ["Fetch", "Metadata"])
def test_what_clients_ask_for_and_never_read_is_bounded_per_connection(door: Server, fresh: Fresh, name: str) -> None:
    topic, clients, requests = fresh("unread"), 10, 800
    with ExitStack() as stack:
        worker = stack.enter_context(Wire(door.kafka))
        worker.create_topic(topic)
        for _ in range(8):
            worker.produce(topic, b"x" * 1_000_000)
        for _ in range(20):
            worker.create_topic(fresh("wide"), partitions=100)
        fetch = fetch_request(topic, 0, partition_max_bytes=8 * MIB, max_bytes=8 * MIB)
        before = memory_bytes(door)
        for _ in range(clients):
            deaf = stack.enter_context(Wire(door.kafka, receive_bytes=4096))
            frames = [deaf.frame(name, fetch if name == "Fetch" else {"Topics": None}, 12) for _ in range(requests)]
            deaf.socket.sendall(b"".join(frames))
        door.turns(20)
        assert worker.lives()
        assert memory_bytes(door) - before < clients * 20 * MIB
    with Wire(door.kafka) as late:
        assert late.produce(topic, b"x") == 8


def logged(server: Server, said: str) -> bool:
    """Whether the log says this, which is on its way through a pipe."""
    begun = time.monotonic()
    while not any(said in line for line in server.err):
        server.turns()
        if time.monotonic() - begun > WAIT_S:
            return False
    return True


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
    with Wire(door.kafka) as one:
        one.socket.sendall(data)
        assert one.closed()
    assert logged(door, said)


def test_tls_on_the_plain_port_fails_at_once_and_the_log_says_why(door: Server) -> None:
    context = ssl.create_default_context()
    with Wire(door.kafka) as one, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(one.socket, server_hostname="localhost")
    assert logged(door, "it speaks TLS, which is off here")


def test_kafka_on_the_http_port_is_refused_and_http_goes_on(door: Server) -> None:
    with Wire(door.kafka) as one:
        frame = one.frame("ApiVersions", SOFTWARE, LATEST["ApiVersions"])
    with socket.create_connection((door.host, door.port), WAIT_S) as other:
        other.sendall(frame)
        other.shutdown(socket.SHUT_WR)
        answer = other.recv(1 << 16)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert door.request("GET", "/health").status == 200


def test_noise_of_many_clients_leaves_the_others_alone(door: Server) -> None:
    chance = Random(7)
    with Wire(door.kafka) as one:
        for _ in range(200):
            with Wire(door.kafka) as noisy:
                noisy.socket.sendall(chance.randbytes(chance.randrange(1, 2000)))
            assert one.lives()


def test_sigterm_ends_the_server_at_once_although_fetches_joins_and_half_frames_wait(fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    with ExitStack() as stack:
        server = stack.enter_context(Server("--port", "0", "--kafka-port", "free"))
        first, second, half, *fetchers = (stack.enter_context(Wire(server.kafka)) for _ in range(8))
        first.create_topic(topic)
        first.send("JoinGroup", join_request(group), version=3)
        assert first.answer("JoinGroup", version=3)["ErrorCode"] == 0
        second.send("JoinGroup", join_request(group), version=3)
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
