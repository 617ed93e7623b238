"""Fixtures for Kafka's real clients: one `eventyard` process for all of them, and a topic of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.support.server import Server

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with one broker and default settings."""
    with Server("--port", "0", "--kafka-port", "free") as one:
        yield one


@pytest.fixture
def bootstrap(server: Server) -> str:
    """What clients take as bootstrap.servers."""
    return server.kafka


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Make a name that no other test uses: of a topic, a group, a transactional id."""
    return lambda prefix: f"{prefix}-{next(_NUMBERS)}"
