"""Fixtures: `kafka` is a cluster in this process with a clock moved by hand, `client` a connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.kafka_broker import Client, KafkaHarness


@pytest.fixture
def kafka() -> Iterator[KafkaHarness]:
    """A cluster with default settings."""
    with KafkaHarness() as one:
        yield one


@pytest.fixture
def kafka_with() -> Iterator[Callable[..., KafkaHarness]]:
    """Make a cluster with settings of one's own: `kafka_with(kafka_brokers=3)`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(KafkaHarness(**settings))


@pytest.fixture
def client(kafka: KafkaHarness) -> Client:
    """A connection to the cluster's first broker."""
    return kafka.connect()
