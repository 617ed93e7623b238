"""What the tests of the log share: the three stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.log.arenas import Arenas
from emulator.log.files import SegmentFiles
from emulator.log.store import HeapStore, Store

STORES = ("heap", "arenas", "files")


def store_of(kind: str, folder: Path) -> Store:
    """A store of each kind, with room enough."""
    if kind == "heap":
        return HeapStore()
    return Arenas(1 << 30) if kind == "arenas" else SegmentFiles(folder)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_of(request.param, tmp_path / "log")
