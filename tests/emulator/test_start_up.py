"""What a start imports, and what it leaves to the first who needs it. Nothing here is timed: `scripts/bench startup` does that."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.server import tune_garbage_collector
from tests.support.server import EVENTYARD, RUN_MAX_S, Server, environment

PROFILED = {"PYTHONPROFILEIMPORTTIME": "1"}
"""Makes Python write a line about each import to stderr."""
HEAVY = ("botocore", "boto3", "cramjam", "cryptography", "httpx", "kio", "starlette", "xmltodict")
"""Packages that some requests need, or tests."""


def imported(lines: list[str]) -> set[str]:
    """Name the modules that a profiled process imported, each package of theirs too."""
    names = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return {".".join(name.split(".")[:parts]) for name in names for parts in range(1, name.count(".") + 2)}


@pytest.fixture(scope="module")
def without_kafka() -> set[str]:
    with Server("--port", "0", "--kafka-port", "0", variables=PROFILED) as server:
        server.close()
        return imported(server.err)


@pytest.fixture(scope="module")
def with_kafka() -> set[str]:
    with Server("--port", "0", "--kafka-port", "free", variables=PROFILED) as server:
        server.close()
        return imported(server.err)


def test_the_imports_of_a_start_are_seen(with_kafka: set[str]) -> None:
    assert {"uvicorn", "services.sqs.messages", "services.kafka.server"} <= with_kafka


@pytest.mark.parametrize("package", HEAVY)
def test_a_start_does_not_wait_for_what_only_some_requests_need(
    package: str, with_kafka: set[str], without_kafka: set[str]
) -> None:
    assert package not in with_kafka
    assert package not in without_kafka


@pytest.mark.parametrize("module", ["server", "state", "api", "groups", "schema", "deliver", "status"])
def test_a_start_without_kafka_does_not_import_the_broker(module: str, without_kafka: set[str]) -> None:
    assert "services.kafka" in without_kafka
    assert f"services.kafka.{module}" not in without_kafka


@pytest.mark.parametrize("argument", ["--help", "--version", "--port=x"])
def test_help_and_mistakes_wait_for_neither_server_nor_services(argument: str) -> None:
    done = subprocess.run(
        [EVENTYARD, argument],
        env=environment(**PROFILED),
        capture_output=True,
        text=True,
        timeout=RUN_MAX_S,
        check=False,
    )
    names = imported(done.stderr.splitlines())
    assert "emulator.settings" in names
    assert (
        not {"asyncio", "uvicorn", "uvloop", "emulator.app", "emulator.server", "services.sqs", "services.kafka"}
        & names
    )


# The cycle collector.


@pytest.fixture
def passes() -> Iterator[list[int]]:
    """The generations of the collector's passes during the test; how it was set is put back afterwards."""
    seen: list[int] = []

    def note(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    before, enabled = gc.get_threshold(), gc.isenabled()
    gc.disable()
    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    gc.unfreeze()
    gc.set_threshold(*before)
    if enabled:
        gc.enable()


def test_a_collector_that_rested_until_the_start_is_switched_on_without_a_pass(passes: list[int]) -> None:
    tune_garbage_collector()
    assert gc.isenabled()
    assert passes == []


def test_where_the_collector_ran_its_garbage_goes_before_the_rest_is_frozen(passes: list[int]) -> None:
    gc.enable()
    tune_garbage_collector()
    assert gc.isenabled()
    assert 2 in passes


def test_what_a_start_made_is_left_alone_by_later_passes(passes: list[int]) -> None:
    tune_garbage_collector()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == (1_000, 2, 1_000_000)
    assert passes == []


def test_the_command_rests_the_collector_before_it_imports_anything_of_ours() -> None:
    program = (
        "import gc, eventyard\n"
        "def bind(name, folder):\n"
        "    print(name, gc.isenabled())\n"
        "    raise SystemExit\n"
        "eventyard.bind = bind\n"
        "eventyard.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=RUN_MAX_S
    )
    assert done.stdout == "emulator False\n"
