"""wrk, the load generator: what it sends, a run of it, and the result, which is an error when any answer was one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks.report import BenchError, NotHereError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.servers import Server

REPLAY = Path(__file__).parent / "wrk" / "replay.lua"
TURNS = Path(__file__).parent / "wrk" / "turns.lua"
TIMEOUT_S = 10
"""An answer that takes longer counts as an error."""
SLACK_S = 60
"""How much longer than asked a run of wrk may take: it reads its bodies first."""


@dataclass(frozen=True, slots=True)
class Load:
    """Bodies sent in turn with the same headers. With a limit the run ends after that many requests. Another script reads the
    bodies in a way of its own.
    """

    headers: Mapping[str, str]
    bodies: Sequence[bytes]
    limit: int = 0
    script: Path = REPLAY


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave. `dry`: the limit ended it before its time; the rate holds all the same."""

    requests: int
    seconds: float
    dry: bool
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def require_wrk() -> str:
    """Find wrk, or say how to get it."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NotHereError("wrk is missing: apt-get install wrk (Debian, Ubuntu)")
    return wrk


def run(server: Server, load: Load, *, seconds: int, connections: int) -> Result:
    """Load a server from one thread. Raises BenchError when an answer was not 2xx, or a connection failed."""
    with tempfile.NamedTemporaryFile(prefix="eventyard-bench-") as bodies:
        bodies.write(b"\n".join(load.bodies))
        bodies.flush()
        command = [
            require_wrk(),
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            f"{TIMEOUT_S}s",
            "-s",
            str(load.script),
        ]
        for name, value in load.headers.items():
            command += ["-H", f"{name}: {value}"]
        command += [f"http://127.0.0.1:{server.port}/", "--", bodies.name, str(load.limit)]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SLACK_S, check=False)
        except subprocess.TimeoutExpired:
            raise BenchError(f"wrk did not end {SLACK_S} s after its time") from None
    line = next((line for line in ended.stdout.splitlines() if line.startswith("result ")), None)
    if ended.returncode or line is None:
        raise BenchError(f"wrk failed ({ended.returncode}): {(ended.stderr or ended.stdout).strip()[-500:]}")
    return _checked(server, orjson.loads(line.removeprefix("result ")))


def _checked(server: Server, figures: dict[str, object]) -> Result:
    errors = figures.pop("errors")
    assert isinstance(errors, dict)
    failed = {kind: count for kind, count in errors.items() if count}
    result = Result(**figures)  # type: ignore[arg-type]
    if status := failed.pop("status", 0):
        raise BenchError(
            f"{server.name} gave {status:,} answers that are not 2xx, of {result.requests:,}: {server.complaint()}"
        )
    if failed:
        told = ", ".join(f"{count:,} {kind}" for kind, count in failed.items())
        raise BenchError(f"{server.name}: failed: {told}; {result.requests:,} answers")
    if not result.requests or result.seconds <= 0:
        raise BenchError(f"{server.name} answered nothing")
    return result
