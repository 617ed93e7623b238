"""franz-go plays scenarios: tests/clients/kafka/go holds them and what they need; a test judges what they saw."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.scenarios import Seen, is_newer, need, run

FOLDER = Path(__file__).resolve().parents[1] / "clients" / "kafka" / "go"
PROGRAM = FOLDER / "build" / "play"
"""Not under version control."""


def install() -> None:
    """Fetch what go.sum names and compile, unless that is done. Skips where Go is missing."""
    need("franz-go", "go")
    if not is_newer(PROGRAM, FOLDER / "go.mod", FOLDER / "go.sum", *FOLDER.glob("*.go")):
        run(FOLDER, "go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(PROGRAM), ".", timeout_s=600)


def play(bootstrap: str) -> Seen:
    """Play all scenarios, once all is installed, against the brokers there."""
    seen: Seen = json.loads(run(FOLDER, str(PROGRAM), bootstrap, timeout_s=180))
    return seen
