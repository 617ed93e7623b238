"""Servers compared that differ in size only: the same loads on each in turn, as ratio to the first, by rate and by processor time."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import load
from benchmarks.report import BenchError, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load import Load
    from benchmarks.queues import Queues
    from benchmarks.servers import Server

TARGET = ">= 0.90"


@dataclass(frozen=True, slots=True)
class Sample:
    """A run: requests a second, and what each cost the server's processor. The second notices less of what else the machine does."""

    rate: float
    cpu_us: float


@dataclass(slots=True)
class Side:
    """One of the servers that are compared. The samples are by the name of what was run."""

    label: str
    server: Server
    sqs: Queues
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def run(self, name: str, what: Load, *, seconds: int, connections: int) -> int:
        """Run a load when the server is at rest, keep what it gave and answer the number of requests."""
        self.server.settle()
        before = self.server.processor_s()
        result = load.run(self.server, what, seconds=seconds, connections=connections)
        cpu_s = self.server.processor_s() - before
        self.samples.setdefault(name, []).append(Sample(result.rate, 1e6 * cpu_s / result.requests))
        say(f"  {self.label}: {name}: {result.rate:,.0f}/s, {1e6 * cpu_s / result.requests:.1f} us of processor each")
        return result.requests

    def check(self, requests: int, moved: int, spare: int) -> None:
        """See that as many messages moved as wrk counted requests, but for those that it had no time to read."""
        if not requests <= moved <= requests + spare:
            raise BenchError(f"{self.label}: {requests:,} answers, but {moved:,} messages moved")


def compare(title: str, base: Side, others: Sequence[Side]) -> dict[str, Any]:
    """Print and answer the medians, each as ratio to the base of the same round."""
    rows, figures = [], dict[str, Any]()
    for name, small in base.samples.items():
        figures[name] = {base.label: _figures(small, small)}
        rows.append((name, base.label, f"{figures[name][base.label]['per_s']:,.0f}", "", "", ""))
        for side in others:
            found = figures[name][side.label] = _figures(small, side.samples[name])
            ratios = f"{found['ratio']:.2f}", f"{found['cpu_ratio']:.2f}"
            rows.append(("", side.label, f"{found['per_s']:,.0f}", *ratios, TARGET))
    table(title, ("", "with", "requests/s", "ratio", "by processor time", "target"), rows)
    return figures


def _figures(base: Sequence[Sample], own: Sequence[Sample]) -> dict[str, Any]:
    pairs = list(zip(base, own, strict=True))
    return {
        "per_s": middle(sample.rate for sample in own),
        "cpu_us": middle(sample.cpu_us for sample in own),
        "ratio": middle(mine.rate / other.rate for other, mine in pairs),
        "cpu_ratio": middle(other.cpu_us / mine.cpu_us for other, mine in pairs),
        "rounds": [asdict(sample) for sample in own],
    }
