"""Many clients at once that do whatever they like, on real sockets: nothing is raised, nobody who behaves is held up, nothing is left.

Each run prints its seed.
"""

from __future__ import annotations

import gc
import logging
import random
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.kafka.server import TURN_REQUESTS_MAX
from tests.support.kafka_broker import fetch_request
from tests.support.kafka_port import LOOPS, SOFTWARE, Caller, Port, join_request, open_files, produce_request

STEPS = 1500
CLIENTS_MAX = 40


@pytest.fixture(params=LOOPS)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """A server with default settings."""
    with Port(request.param) as one:
        yield one


class Storm:
    """Clients that do something at random."""

    def __init__(self, port: Port, seed: int) -> None:
        self.port = port
        self.chance = random.Random(seed)
        self.clients: list[Caller] = []
        self._acts: list[Callable[[Caller], None]] = [
            self.ask,
            self.ask,
            self.ask,
            self.break_one,
            self.noise,
            self.a_part,
            self.read,
            self.read,
            self.half_close,
            self.close,
            self.reset,
        ]

    def step(self) -> None:
        """Let one client do one thing, and now and then let time pass."""
        act = self.chance.random()
        if act < 0.02:
            self.port.advance(self.chance.choice((0.1, 1, 30, 300)))
        elif len(self.clients) < 3 or (act < 0.1 and len(self.clients) < CLIENTS_MAX):
            self.clients.append(self.port.connect(receive_bytes=self.chance.choice((None, 4096))))
        else:
            self.chance.choice(self._acts)(self.chance.choice(self.clients))

    def write(self, caller: Caller, data: bytes) -> None:
        """Send what the kernel takes."""
        try:
            caller.socket.send(data)
        except (BlockingIOError, ConnectionResetError, BrokenPipeError):
            self.close(caller)

    def frame(self, caller: Caller) -> bytes:
        """Write a request."""
        wait_ms = self.chance.choice((0, 100, 60_000, (1 << 31) - 1))
        requests: list[tuple[str, dict[str, Any], int]] = [
            ("ApiVersions", SOFTWARE, 3),
            ("Metadata", {"Topics": None}, 12),
            ("Fetch", fetch_request("orders", self.chance.choice((0, 1 << 40)), max_wait_ms=wait_ms), 12),
            ("Fetch", fetch_request("orders", 0, partition_max_bytes=8 << 20), 12),
            ("Produce", produce_request("orders", b"x" * self.chance.choice((1, 300_000))), 11),
            ("JoinGroup", join_request("group"), 3),
        ]
        return caller.frame(*self.chance.choice(requests))

    def ask(self, caller: Caller) -> None:
        """Send a few requests."""
        self.write(caller, b"".join(self.frame(caller) for _ in range(self.chance.choice((1, 1, 1, 3, 300)))))

    def break_one(self, caller: Caller) -> None:
        """Send a request that is not quite right."""
        frame = bytearray(self.frame(caller))
        for _ in range(self.chance.randint(1, 5)):
            frame[self.chance.randrange(len(frame))] ^= 1 << self.chance.randrange(8)
        self.write(caller, bytes(frame))

    def noise(self, caller: Caller) -> None:
        """Send anything."""
        self.write(caller, self.chance.randbytes(self.chance.randrange(1, 3000)))

    def a_part(self, caller: Caller) -> None:
        """Send the beginning of a request."""
        frame = self.frame(caller)
        self.write(caller, frame[: self.chance.randrange(len(frame))])

    def read(self, caller: Caller) -> None:
        """Take some of what has been answered."""
        try:
            caller.socket.recv(self.chance.choice((1, 1000, 1 << 20)))
        except (BlockingIOError, ConnectionResetError):
            return

    def half_close(self, caller: Caller) -> None:
        """Send no more."""
        try:
            caller.half_close()
        except OSError:  # it is closed already
            self.close(caller)

    def close(self, caller: Caller) -> None:
        """Go away."""
        caller.socket.close()
        if caller in self.clients:
            self.clients.remove(caller)

    def reset(self, caller: Caller) -> None:
        """Go away with a bang."""
        caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(caller)


def test_whatever_clients_do_nothing_is_raised_and_nothing_is_left(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    worker = port.connect()
    worker.create_topic("orders")
    gc.collect()  # what other tests have left is not to be freed meanwhile
    files = open_files()
    storm = Storm(port, seed)
    for number in range(STEPS):
        storm.step()
        if number % 20 == 0:
            if not port.connections or worker.server_side() is None:  # it was idle for too long
                worker.socket.close()
                worker = port.connect()
            assert worker.lives()
        assert port.complaints == []
    for caller in list(storm.clients):
        storm.close(caller)
    port.advance(1300)  # whose request waits for longer is let go as idle
    port.until(lambda: not port.connections)
    worker.socket.close()
    gc.collect()
    assert open_files() == files - 2  # both sides of the first worker
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert port.connect().lives()


def test_a_flood_of_requests_does_not_hold_up_others(port: Port) -> None:
    flood, other, count = port.connect(), port.connect(), 5000
    assert flood.lives()
    assert other.lives()
    frames = b"".join(flood.frame("ApiVersions", version=0) for _ in range(count))
    assert flood.socket.send(frames) == len(frames)
    assert other.socket.send(other.frame("ApiVersions", SOFTWARE)) > 0
    assert other.answer("ApiVersions")["ErrorCode"] == 0
    connection = flood.server_side()
    assert connection is not None
    assert connection._pending
    for number in reversed(range(count)):
        assert flood.answer("ApiVersions", version=0, behind=number)["ErrorCode"] == 0
    assert not connection._pending


@pytest.mark.parametrize(
    "count", [TURN_REQUESTS_MAX - 1, TURN_REQUESTS_MAX, TURN_REQUESTS_MAX + 1, 3 * TURN_REQUESTS_MAX]
)
def test_requests_about_as_many_as_a_turn_are_all_answered_in_order_also_at_the_end_of_a_connection(
    port: Port, count: int
) -> None:
    caller = port.connect()
    caller.write(b"".join(caller.frame("ApiVersions", version=0) for _ in range(count)))
    caller.half_close()
    for number in reversed(range(count)):
        assert caller.answer("ApiVersions", version=0, behind=number)["ErrorCode"] == 0
    assert caller.closed()


def test_a_client_that_goes_while_its_requests_wait_for_their_turn_leaves_nothing(port: Port) -> None:
    caller = port.connect()
    assert caller.lives()
    caller.write(b"".join(caller.frame("ApiVersions", version=0) for _ in range(2000)))
    storm = Storm(port, 0)
    storm.reset(caller)
    port.until(lambda: not port.connections)
    assert port.connect().lives()
