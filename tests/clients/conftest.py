"""Fixtures: `server` is one running `eventyard` for all tests of real clients, emptied before each; `start` starts others; `door` is the
server for bytes over HTTP, and `wire` a connection to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.http_wire import SEND, Wire, answered, assert_no_trouble, opened, set_up
from tests.support.server import Server


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    with Server("--port", "0") as one:
        yield one
        assert one.stop() == 0
        assert "Traceback" not in one.output


@pytest.fixture
def server(_server: Server) -> Server:
    """A server without any state."""
    _server.reset()
    return _server


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start a server of one's own: `start("--log-level", "info", variables={"SERVICES": "sqs"})`. Its port is a free one."""
    with ExitStack() as stack:

        def begin(*flags: str, port: str | None = "0", **options: Any) -> Server:
            place = () if port is None else ("--port", port)
            return stack.enter_context(Server(*place, *flags, **options))

        yield begin


@pytest.fixture
def sqs(server: Server) -> Iterator[Any]:
    """A boto3 client that talks to the server over a socket."""
    client = server.client("sqs")
    yield client
    client.close()


@pytest.fixture
def door(server: Server) -> Iterator[Server]:
    """The server with a queue and a topic and nothing else; afterwards it must be as good as before."""
    since = len(server.err)
    set_up(server)
    yield server
    with opened(server) as late:
        answered(late, SEND, [1])
    assert_no_trouble(server, since)


@pytest.fixture
def wire(door: Server) -> Iterator[Wire]:
    with opened(door) as one:
        yield one
