"""How many connections an address may have, and that whoever is gone leaves nothing behind: max.connections.per.ip."""

from __future__ import annotations

import gc
import logging
import random
import socket
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from services.kafka.server import Connection
from tests.support.kafka_broker import fetch_request
from tests.support.kafka_port import LOOPS, WAIT_S, Port, open_files


@pytest.fixture(params=LOOPS)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """A server with default settings."""
    with Port(request.param) as one:
        yield one


@pytest.fixture
def port_with() -> Iterator[Callable[..., Port]]:
    """Start a server with settings of one's own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Port(**settings))


def test_more_connections_than_an_address_may_have_are_closed(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    first = port.connect()
    assert first.configure(max_connections_per_ip="2") == 0
    second = port.connect()
    assert second.lives()
    with caplog.at_level(logging.INFO, "eventyard.kafka"):
        assert port.connect().closed()
    assert caplog.messages == ["closed a connection from 127.0.0.1: max.connections.per.ip allows this address 2"]
    assert first.lives()
    assert port.connect(source="127.0.0.2").lives()


def test_a_connection_that_ends_makes_room(port: Port) -> None:
    first, second = port.connect(), port.connect()
    assert first.configure(max_connections_per_ip="2") == 0
    assert second.lives()
    assert port.connect().closed()
    port.until(lambda: len(port.connections) == 2)
    second.hang_up()
    assert port.connect().lives()


def test_connections_that_are_there_stay_when_fewer_are_allowed(port: Port) -> None:
    callers = [port.connect() for _ in range(3)]
    assert all(caller.lives() for caller in callers)
    assert callers[0].configure(max_connections_per_ip="1") == 0
    assert all(caller.lives() for caller in callers)
    assert port.connect().closed()
    assert callers[0].configure(max_connections_per_ip="4") == 0
    port.until(lambda: len(port.connections) == 3)
    assert port.connect().lives()


def test_an_override_holds_for_its_address_only(port: Port) -> None:
    first = port.connect()
    overrides = "nonsense, 127.0.0.2:1 ,::1:5"
    assert first.configure(max_connections_per_ip="9", max_connections_per_ip_overrides=overrides) == 0
    assert port.connect(source="127.0.0.2").lives()
    assert port.connect(source="127.0.0.2").closed()
    assert port.connect().lives()


def test_the_system_holds_a_thousand_connections_while_the_loop_is_busy(port: Port) -> None:
    with ExitStack() as stack:
        for _ in range(1000):  # nobody takes them meanwhile; the next one would wait for ever
            stack.enter_context(socket.create_connection(port.places[0], WAIT_S))
        port.until(lambda: len(port.connections) == 1000)
        assert port.connect().lives()


def test_each_broker_counts_its_own(port_with: Callable[..., Port]) -> None:
    port = port_with(kafka_brokers=2)
    assert port.connect(broker=1).configure(max_connections_per_ip="1") == 0
    assert port.connect(broker=2).lives()
    assert port.connect(broker=1).closed()
    assert port.connect(broker=2).closed()


def test_a_crowd_that_comes_and_goes_leaves_no_file_no_count_and_no_object(port: Port) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    worker = port.connect()
    worker.create_topic("orders")
    gc.collect()  # what other tests have left is not to be freed meanwhile
    files, seen = open_files(), list[weakref.ref[Connection]]()
    for _ in range(60):
        caller = port.connect()
        match chance.randrange(5):
            case 0:
                caller.write(chance.randbytes(chance.randrange(1, 100)))
            case 1:
                caller.write(b"\0\0\0\x40" + chance.randbytes(10))
            case 2:
                caller.park("Fetch", fetch_request("orders", max_wait_ms=1000), version=12)
            case 3:
                assert caller.lives()
        assert worker.lives()
        seen += [weakref.ref(connection) for connection in port.connections if connection is not worker.server_side()]
        caller.socket.close()
    port.advance(1)
    port.until(lambda: len(port.connections) == 1)
    assert worker.lives()
    assert port.listener._hosts == {(1, "127.0.0.1"): 1}
    assert open_files() == files
    del caller
    gc.collect()
    assert [ref() for ref in seen if ref() is not None] == []


def test_a_stop_does_not_wait_for_who_does_not_read(port: Port) -> None:
    worker = port.connect()
    worker.create_topic("orders")
    for _ in range(8):
        worker.produce("orders", b"x" * 1_000_000)
    deaf, fetch = (
        port.connect(receive_bytes=4096),
        fetch_request("orders", max_bytes=8 << 20, partition_max_bytes=8 << 20),
    )
    deaf.write(b"".join(deaf.frame("Fetch", fetch, 12) for _ in range(4)))
    port.until(lambda: (side := deaf.server_side()) is not None and side._muted)
    waiting = port.connect()
    waiting.park("Fetch", fetch_request("orders", 8, max_wait_ms=3_600_000), version=12)
    port.run(port.emulator.stop())
    assert waiting.answer("Fetch", version=12)["ErrorCode"] == 0
    assert waiting.closed()
    port.until(lambda: not port.connections)
    assert port.clock.timers == 0
