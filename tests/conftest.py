"""Fixtures: `cloud` is an emulator in this process with a clock moved by hand, `sqs` a boto3 client of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.harness import Clients, Harness, Loop, harness


@pytest.fixture(scope="session")
def _loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def _clients(_loop: Loop) -> Clients:
    return Clients(_loop)


@pytest.fixture
def cloud(_loop: Loop, _clients: Clients) -> Iterator[Harness]:
    """An emulator with default settings."""
    with harness(_loop, _clients) as one:
        yield one


@pytest.fixture
def cloud_with(_loop: Loop, _clients: Clients) -> Iterator[Callable[..., Harness]]:
    """Make an emulator with settings of one's own: `cloud_with(region="eu-west-1")`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(harness(_loop, _clients, **settings))


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


@pytest.fixture
def sqs(cloud: Harness) -> Any:
    """A boto3 client of SQS."""
    return cloud.client("sqs")
