"""How long a server takes until `Ready.`, in time and in processor time, its resident memory right then and after its first request,
and what its imports take.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import servers
from benchmarks.client import post
from benchmarks.report import MIB, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.servers import Server

TARGET_START = 2.5
TARGET_IDLE_MB = 60
PACKAGES_SHOWN = 12
NEVER = ("botocore", "cryptography", "kio", "httpx")
"""What only some requests need, and start-up must not wait for."""
OWN = ("emulator", "services")
STANDARD = "the standard library"
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one server."""

    server: str
    seconds: float
    processor_s: float
    """What it had used of processors by then; on a machine that does other things as well, the steadier figure."""
    ready_mb: float
    first_mb: float


def measure(plan: Plan, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Start the product and the echo in turn, print the medians and answer them. The first start of each warms the disk's
    cache and does not count.
    """
    say(f"start-up: {plan.starts} starts of each server")
    starts: list[Start] = []
    for number in range(plan.starts + 1):
        for make in (servers.echo, servers.eventyard):
            start = _start(make, headers, body)
            if number:
                starts.append(start)
    figures = dict[str, Any]()
    for name in ("eventyard", "the echo"):
        own = [start for start in starts if start.server == name]
        figures[name] = {
            "start_s": middle(start.seconds for start in own),
            "start_max_s": max(start.seconds for start in own),
            "processor_s": middle(start.processor_s for start in own),
            "idle_mb": middle(start.ready_mb for start in own),
            "after_first_request_mb": middle(start.first_mb for start in own),
        }
    figures["ratio"] = figures["eventyard"]["start_s"] / figures["the echo"]["start_s"]
    _print(plan, figures["eventyard"], figures["the echo"])
    return figures


def profile() -> dict[str, Any]:
    """Print what the imports until `Ready.` take by package, each module without what it imports itself; answer milliseconds."""
    with servers.profiled() as server:
        told = server.said()
    took, modules = defaultdict[str, float](float), defaultdict[str, int](int)
    for own_us, _, name in _IMPORT.findall(told):
        package = _package(name)
        took[package] += int(own_us) / 1000
        modules[package] += 1
    dearest = sorted(took, key=lambda package: -took[package])
    rows = [(package, f"{modules[package]:,}", f"{took[package]:.1f}") for package in dearest[:PACKAGES_SHOWN]]
    rest = dearest[PACKAGES_SHOWN:]
    rows.append(
        (f"{len(rest)} others", f"{sum(modules[one] for one in rest):,}", f"{sum(took[one] for one in rest):.1f}")
    )
    rows.append(("all", f"{sum(modules.values()):,}", f"{sum(took.values()):.1f}"))
    table(
        "Imports at start-up (python -X importtime, which itself slows them down)", ("package", "modules", "ms"), rows
    )
    early = [name for name in NEVER if name in modules]
    table("Not imported at start-up", ("", "found", "target"), [(", ".join(NEVER), ", ".join(early) or "none", "none")])
    return {"import_ms": dict(took), "never": early}


def _package(name: str) -> str:
    """Give the package of a module: of our own the first two parts, of the standard library its name for all."""
    parts = name.split(".")
    if parts[0] in OWN:
        return ".".join(parts[:2])
    return STANDARD if parts[0] in sys.stdlib_module_names else parts[0]


def _start(make: Callable[[], Server], headers: Mapping[str, str], body: bytes) -> Start:
    with make() as server:
        used, ready = _processor_s(server.pid), server.rss_bytes()
        post(server.port, headers, body)
        return Start(server.name, server.started_s, used, ready / MIB, server.rss_bytes() / MIB)


def _processor_s(pid: int) -> float:
    """Add up what the threads of a process have used of processors, to the nanosecond; `/proc/<pid>/stat` counts hundredths of a second."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _print(plan: Plan, own: Mapping[str, float], echo: Mapping[str, float]) -> None:
    rows = [
        _row("spawn until `Ready.`, s", "start_s", own, echo, 3, f"<= {TARGET_START} x the echo"),
        _row("  the slowest, s", "start_max_s", own, echo, 3, ""),
        _row("  processor time, s", "processor_s", own, echo, 3, ""),
        _row("idle memory (RSS), MB", "idle_mb", own, echo, 1, f"<= {TARGET_IDLE_MB}"),
        _row("  after one request, MB", "after_first_request_mb", own, echo, 1, ""),
    ]
    table(
        f"Start-up and idle memory (median of {plan.starts} starts)", ("", "eventyard", "echo", "ratio", "target"), rows
    )


def _row(
    label: str, key: str, own: Mapping[str, float], echo: Mapping[str, float], digits: int, target: str
) -> tuple[str, ...]:
    return (label, f"{own[key]:.{digits}f}", f"{echo[key]:.{digits}f}", f"{own[key] / echo[key]:.2f}", target)
