"""Requests at a steady rate, each timed: an open loop that never waits for an answer before it sends the next request.

It spins on one processor, so that neither a timer nor a wake-up is part of what is timed, and it leaves out answers that came while this
process itself was not running: those times are the machine's, not the server's.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.client import ANSWER_WITHIN_S, HOST
from benchmarks.report import BenchError, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 64
"""More than are ever needed at once, unless a server stands still for a while."""
STALLED_MS = 1.0
"""Between two turns of the loop; a turn takes about ten microseconds."""
CLOCK_OF_PROCESS = 2
"""CPUCLOCK_SCHED of the kernel's clock ids of processes."""
HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Timing:
    """What a paced run gave, in milliseconds, sorted. `busy_ms` is, for each, how long the server's processor worked meanwhile."""

    took_ms: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)
    stalled_ms: list[float] = field(default_factory=list)
    """For each of the answers left out: how long the server's processor worked meanwhile, at what else it may be."""

    def at(self, share: float) -> float:
        """Give a percentile."""
        return percentile(self.took_ms, share)

    def pause_ms(self) -> float:
        """The longest that the server itself worked between a request and its answer; what takes longer was waiting for the machine."""
        return max((min(took, busy) for took, busy in zip(self.took_ms, self.busy_ms, strict=True)), default=0.0)


@dataclass(slots=True)
class _Line:
    """A connection; `since` is 0 while nothing is asked on it."""

    sock: socket.socket
    since: float = 0.0
    busy: float = 0.0
    answer: bytes = b""


class Pacer:
    """A run against one server. Requests come from `make`, whole bodies of answers go to `take`."""

    def __init__(self, port: int, pid: int, make: Callable[[], bytes], take: Callable[[bytes], None]) -> None:
        self._port, self._make, self._take = port, make, take
        self._clock = (~pid << 3) | CLOCK_OF_PROCESS
        self._timing = Timing()
        self._free: list[_Line] = []
        self._lines: dict[int, _Line] = {}

    def run(self, rate: int, seconds: float) -> Timing:
        """Send so many requests a second, wait for the last answers, and give the times."""
        with ExitStack() as stack, without_collector():
            poll = stack.enter_context(select.epoll())
            for _ in range(CONNECTIONS):
                sock = stack.enter_context(socket.create_connection((HOST, self._port)))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = self._lines[sock.fileno()] = _Line(sock)
                self._free.append(line)
                poll.register(sock, select.EPOLLIN)
            self._spin(poll, rate, int(rate * seconds))
        pairs = sorted(zip(self._timing.took_ms, self._timing.busy_ms, strict=True))
        self._timing.took_ms, self._timing.busy_ms = [took for took, _ in pairs], [busy for _, busy in pairs]
        return self._timing

    def _spin(self, poll: select.epoll, rate: int, total: int) -> None:
        now = time.perf_counter
        began = turn = now()
        sent = 0
        while sent < total or len(self._free) < CONNECTIONS:
            last, turn = turn, now()
            if sent < total and turn >= began + sent / rate and self._free:
                self._send(self._free.pop())
                sent += 1
            for descriptor, _ in poll.poll(0):
                self._read(self._lines[descriptor], stalled=1e3 * (now() - last) > STALLED_MS)
            if turn > began + total / rate + ANSWER_WITHIN_S:
                raise BenchError(f"{CONNECTIONS - len(self._free)} answers have not come after {ANSWER_WITHIN_S} s")

    def _send(self, line: _Line) -> None:
        request = self._make()
        line.answer, line.busy, line.since = b"", time.clock_gettime(self._clock), time.perf_counter()
        line.sock.send(request)

    def _read(self, line: _Line, *, stalled: bool) -> None:
        line.answer += line.sock.recv(65536)
        if not line.answer:
            raise BenchError("the server ended a connection")
        if lacking(line.answer):
            return
        head, _, body = line.answer.partition(HEAD_END)
        took, busy = time.perf_counter() - line.since, time.clock_gettime(self._clock) - line.busy
        if stalled:
            self._timing.stalled_ms.append(1e3 * min(took, busy))
        else:
            self._timing.took_ms.append(1e3 * took)
            self._timing.busy_ms.append(1e3 * busy)
        if not head.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"the server answered {line.answer[:300].decode(errors='replace')}")
        self._take(body)
        self._free.append(line)


def lacking(answer: bytes) -> bool:
    """Whether an answer of which so much has come is not whole yet."""
    head, found, body = answer.partition(HEAD_END)
    length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0]
    return not found or len(body) < int(length or 0)


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep this process's own garbage collector out of what is timed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
