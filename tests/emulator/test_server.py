"""The server around an Emulator: what it asks of the system."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from emulator.server import FILES_MAX, raise_file_limit


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, put back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_of_open_files_is_raised(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, FILES_MAX), hard)


def test_a_higher_limit_is_left_alone(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
