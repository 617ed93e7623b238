"""What the bench says: progress on stderr, tables on stdout, figures as JSON; and how it fails."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIB = 1024 * 1024
PROGRESS_EVERY_S = 2.0


class BenchError(click.ClickException):
    """The measurement is not valid, or cannot be made. Printed as one line."""


class NotHereError(BenchError):
    """Something that the bench needs is missing on this machine."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. All parts of the bench are bounded by this."""

    seconds: int
    rounds: int
    connections: int
    starts: int
    """Starts of each server for the start-up time."""
    backlog: int
    """Messages in the loaded queue."""
    queues: int
    """Queues in the server that has many."""
    parked: int
    """Long polls that wait at the same time."""


class Progress:
    """Says on stderr how far long work has come, every two seconds."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._said = time.monotonic()

    def add(self, done: int) -> None:
        """Count `done` more."""
        self._done += done
        if time.monotonic() - self._said >= PROGRESS_EVERY_S:
            self._said = time.monotonic()
            say(f"  {self._label}: {self._done:,} of {self._total:,}")


def say(text: str) -> None:
    """Write a line of progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Table:
    """What was printed: the heads are the first line."""

    title: str
    lines: list[list[str]]


PRINTED: list[Table] = []
"""The tables of this run, for those who write them down."""


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, and remember it; the first column is text, the others are figures."""
    lines = [list(heads), *(list(row) for row in rows)]
    PRINTED.append(Table(title, lines))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    print(f"\n{title}")
    for line in lines:
        cells = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        print("  ".join(["  " + line[0].ljust(widths[0]), *cells]).rstrip())
    sys.stdout.flush()


def middle(figures: Iterable[float]) -> float:
    """Give the median."""
    return float(median(figures))


def busy() -> str:
    """Say how busy the machine is, without what the bench starts if it is asked before."""
    return f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors in the last minute"


def percentile(figures: Sequence[float], share: float) -> float:
    """Give the figure below which that share of them lies; they are sorted."""
    return figures[min(len(figures) - 1, int(len(figures) * share))]


def machine() -> dict[str, str | int | None]:
    """Describe where the figures come from."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
