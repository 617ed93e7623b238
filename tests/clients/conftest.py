"""Fixtures: `server` is one running `eventyard` for all tests of real clients, emptied before each; `start` starts others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

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
