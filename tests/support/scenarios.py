"""Programs in other languages that play scenarios with a client of theirs and print what they saw; a test judges it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import environment

Seen = dict[str, dict[str, Any]]
"""By scenario what it saw, `{"saw": ...}`, or how it broke, `{"failed": "<stack>"}`."""


def saw(seen: Seen, scenario: str) -> Any:
    """Give what a scenario saw; one that broke fails the test with its stack."""
    assert "failed" not in seen[scenario], seen[scenario]["failed"]
    return seen[scenario]["saw"]


def need(client: str, *programs: str) -> None:
    """Skip where the tool chain of a client is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so {client} cannot be tried")


def is_newer(made: Path, *sources: Path) -> bool:
    """Tell whether what was made is there and no older than what it is made of."""
    return made.exists() and all(source.stat().st_mtime <= made.stat().st_mtime for source in sources)


def run(folder: Path, *command: str, timeout_s: float) -> str:
    """Run a program to its end and give what it printed; its failure is the test's, with all that it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
