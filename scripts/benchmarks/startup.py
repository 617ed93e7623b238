"""How long a server takes until `Ready.`, and its resident memory right then and after its first request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import servers
from benchmarks.client import post
from benchmarks.report import MIB, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.servers import Server

TARGET_START_S = 0.6
TARGET_IDLE_MB = 70


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one server."""

    server: str
    seconds: float
    ready_mb: float
    first_mb: float


def measure(plan: Plan, headers: Mapping[str, str], body: bytes) -> dict[str, dict[str, float]]:
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
    figures = {}
    for name in ("eventyard", "the echo"):
        own = [start for start in starts if start.server == name]
        figures[name] = {
            "start_s": middle(start.seconds for start in own),
            "start_max_s": max(start.seconds for start in own),
            "idle_mb": middle(start.ready_mb for start in own),
            "after_first_request_mb": middle(start.first_mb for start in own),
        }
    _print(plan, figures["eventyard"], figures["the echo"])
    return figures


def _start(make: Callable[[], Server], headers: Mapping[str, str], body: bytes) -> Start:
    with make() as server:
        ready = server.rss_bytes()
        post(server.port, headers, body)
        return Start(server.name, server.started_s, ready / MIB, server.rss_bytes() / MIB)


def _print(plan: Plan, own: Mapping[str, float], echo: Mapping[str, float]) -> None:
    rows = [
        _row("spawn until `Ready.`, s", "start_s", own, echo, 3, f"< {TARGET_START_S}"),
        _row("  the slowest, s", "start_max_s", own, echo, 3, ""),
        _row("idle memory (RSS), MB", "idle_mb", own, echo, 1, f"< {TARGET_IDLE_MB}"),
        _row("  after one request, MB", "after_first_request_mb", own, echo, 1, ""),
    ]
    table(
        f"Start-up and idle memory (median of {plan.starts} starts)", ("", "eventyard", "echo", "ratio", "target"), rows
    )


def _row(
    label: str, key: str, own: Mapping[str, float], echo: Mapping[str, float], digits: int, target: str
) -> tuple[str, ...]:
    return (label, f"{own[key]:.{digits}f}", f"{echo[key]:.{digits}f}", f"{own[key] / echo[key]:.2f}", target)
