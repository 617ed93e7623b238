"""Node.js programs that play scenarios: tests/clients/javascript holds them and what they need; a test judges what they saw."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.scenarios import Seen, is_newer, need, run, saw

__all__ = ("FOLDER", "Seen", "install", "play", "saw")

FOLDER = Path(__file__).resolve().parents[1] / "clients" / "javascript"


def install() -> None:
    """Install what the lock file names, unless that is done. Skips where Node.js or npm is missing."""
    need("a client in JavaScript", "node", "npm")
    if not is_newer(FOLDER / "node_modules" / ".package-lock.json", FOLDER / "package-lock.json"):
        run(FOLDER, "npm", "ci", "--no-audit", "--no-fund", timeout_s=600)


def play(program: str, url: str) -> Seen:
    """Run a program of the folder, once all is installed, against the server at `url`."""
    seen: Seen = json.loads(run(FOLDER, "node", program, url, timeout_s=120))
    return seen
