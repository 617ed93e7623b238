"""Fixtures: `cloud` is an emulator in this process with a clock moved by hand, `sqs` a boto3 client of it.

When a test has passed, all that it did with its emulators is done again behind the other door of HTTP, and the answers are compared
(twin.py). A test that cannot be done twice says why: `@pytest.mark.one_door("why")`. `--one-door` leaves it out for all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.harness import Clients, Harness, Loop, harness

CLIENTS = pytest.StashKey[Clients]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--one-door", action="store_true", help="do not do what tests did again behind the other door of HTTP"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "one_door(why): what this test does cannot be done again behind the other door")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Compare the doors when a test has passed, before its fixtures end: its patches still hold."""
    result = yield
    clients: Clients | None = pyfuncitem.funcargs.get("_clients")
    if clients is not None and not pyfuncitem.config.getoption("--one-door"):
        for mark in pyfuncitem.iter_markers("one_door"):
            for one in clients.running:
                one.untwinned(mark.args[0])
        clients.compare_doors()
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what was compared."""
    clients = config.stash.get(CLIENTS, None)
    if clients is not None and clients.compared:
        terminalreporter.write_line(
            f"{clients.compared} answers of {clients.twinned} emulators are the same at both doors."
        )
        for why in sorted(set(clients.untwinned)):
            terminalreporter.write_line(f"At one door only, {clients.untwinned.count(why)}: {why}.")


@pytest.fixture(scope="session")
def _loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def _clients(_loop: Loop, request: pytest.FixtureRequest) -> Clients:
    clients = request.config.stash[CLIENTS] = Clients(_loop)
    return clients


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
