"""Node.js programs that play scenarios: tests/clients/javascript holds them and what they need; a test judges what they saw."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import environment

FOLDER = Path(__file__).resolve().parents[1] / "clients" / "javascript"
Seen = dict[str, dict[str, Any]]
"""By scenario what it saw, `{"saw": ...}`, or how it broke, `{"failed": "<stack>"}`."""


def install() -> None:
    """Install what the lock file names, unless that is done. Skips where Node.js or npm is missing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so the AWS SDK for JavaScript cannot be tried")
    lock, done = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        _run("npm", "ci", "--no-audit", "--no-fund", timeout_s=600)


def play(program: str, url: str) -> Seen:
    """Run a program of the folder, once all is installed, against the server at `url`."""
    seen: Seen = json.loads(_run("node", program, url, timeout_s=120))
    return seen


def saw(seen: Seen, scenario: str) -> Any:
    """Give what a scenario saw; one that broke fails the test with its stack."""
    assert "failed" not in seen[scenario], seen[scenario]["failed"]
    return seen[scenario]["saw"]


def _run(*command: str, timeout_s: float) -> str:
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
