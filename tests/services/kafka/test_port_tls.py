"""Kafka's port with TLS: who sends noise, or nothing, is let go when asyncio's time for handshakes is over, and leaves nothing behind.

The event loop's time is put forward by hand, so this is asyncio's own loop; tests/clients/kafka has the same on uvloop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from services.kafka.server import TLS_HANDSHAKE_MAX_S
from tests.support.kafka_port import SOFTWARE, Asker, Port, open_files


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    """A server with TLS."""
    with Port(kafka_security="ssl") as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_is_left(port: Port) -> Iterator[None]:
    """Look for open files, connections and tasks after each test."""
    before = open_files()
    yield
    port.until(lambda: not port.connections and open_files() <= before)
    assert asyncio.all_tasks(port.loop) == set()
    assert port.complaints == []


def hello() -> bytes:
    """Write what a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("part", [0, 1, 5, 100], ids=["nothing", "a byte", "a record's head", "half a hello"])
def test_a_handshake_that_does_not_get_on_is_given_up_after_a_minute(port: Port, part: int) -> None:
    caller = port.connect()
    caller.write(hello()[:part])
    assert answered(port)  # so the server has taken what came before
    port.put_loop_forward(TLS_HANDSHAKE_MAX_S - 1)
    assert answered(port)
    port.put_loop_forward(2)
    assert caller.closed()
    caller.socket.close()


def test_a_handshake_that_stops_after_the_servers_half_is_given_up_after_a_minute(port: Port) -> None:
    caller = port.connect()
    caller.write(hello())
    assert port.run(port.loop.sock_recv(caller.socket, 1)) == b"\x16"
    port.put_loop_forward(TLS_HANDSHAKE_MAX_S + 1)
    assert answered(port)
    caller.socket.close()


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
def test_what_is_no_tls_is_closed_at_once(port: Port, data: bytes) -> None:
    caller = port.connect()
    caller.write(data)
    read = bytearray()
    while more := receive(port, caller.socket):
        read += more
    assert len(read) < 100  # an alert at most
    caller.socket.close()
    assert answered(port)


def receive(port: Port, sock: Any) -> bytes:
    try:
        return port.run(port.loop.sock_recv(sock, 1 << 16))
    except ConnectionResetError:
        return b""


def answered(port: Port) -> bool:
    """Whether a client of good will is served."""
    asker = Asker()
    reader, writer = port.tls()

    async def ask() -> bytes:
        writer.write(asker.frame("ApiVersions", SOFTWARE))
        answer = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        writer.close()
        await writer.wait_closed()
        return answer

    return asker.understand("ApiVersions", None, port.run(ask()))["ErrorCode"] == 0


def test_who_is_gone_in_the_middle_of_a_handshake_leaves_nothing(port: Port) -> None:
    for part in (0, 1, 5, 100, 1000):
        caller = port.connect()
        caller.write(hello()[:part])
        caller.socket.close()
    assert answered(port)


def test_a_client_that_ends_while_its_fetch_waits_is_let_go(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    asker = Asker()
    reader, writer = port.tls()
    port.until(lambda: len(port.connections) == 1)
    [connection] = port.connections
    writer.write(
        asker.frame(
            "JoinGroup",
            {
                "GroupId": "group",
                "ProtocolType": "consumer",
                "SessionTimeoutMs": 6000,
                "Protocols": [{"Name": "range", "Metadata": b""}],
                "RebalanceTimeoutMs": 6000,
            },
            3,
        )
    )
    port.until(lambda: connection._parked is not None)
    writer.close()
    port.until(lambda: not port.connections)
    port.advance(60)
    assert port.run(reader.read()) == b""
    assert not caplog.records
