"""How long a single answer takes: at 1,000 requests a second, beside a million messages, and from a send to the long poll that it wakes."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks import queues, servers
from benchmarks.client import HOST, head_of, with_body
from benchmarks.pace import Pacer, Timing, lacking
from benchmarks.queues import MESSAGE, MESSAGE_OF_100, Queues
from benchmarks.report import BenchError, Plan, middle, percentile, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.servers import Server

RATE_PER_S = 1_000
PAUSE_MAX_MS = 20
WAKE_UPS_PER_S = 200
"""Of the time that a run may take; each has a rest in which the next poll is parked."""
PARK_S = 0.002
WARM_UP_S = 0.5
PURGE_AFTER_S = 0.5


class Mix:
    """SendMessage, ReceiveMessage and DeleteMessage in turn on one queue; a send where there is nothing to delete yet."""

    def __init__(self, port: int, url: str) -> None:
        def request(operation: str, **parameters: object) -> bytes:
            return with_body(head_of(port, queues.headers(operation)), queues.body(QueueUrl=url, **parameters))

        self._send = request("SendMessage", MessageBody=MESSAGE)
        self._receive = request("ReceiveMessage", MaxNumberOfMessages=1)
        self._request = request
        self._handles: list[str] = []
        self._turn = 0

    def make(self) -> bytes:
        """Give the next request."""
        self._turn += 1
        if self._turn % 3 == 0 and self._handles:
            return self._request("DeleteMessage", ReceiptHandle=self._handles.pop())
        return self._receive if self._turn % 3 == 1 else self._send

    def take(self, answer: bytes) -> None:
        """Keep the handle, if that is what came."""
        if b'"ReceiptHandle"' in answer:
            self._handles.append(orjson.loads(answer)["Messages"][0]["ReceiptHandle"])


def measure(plan: Plan) -> dict[str, Any]:
    """Time answers at 1,000 requests a second: the echo's, ours, ours at a backlog, and ours while that is purged."""
    with servers.echo() as echo, servers.eventyard() as server, servers.eventyard() as loaded:
        deep = Queues(loaded.port)
        purged, own = deep.create(2)
        say(f"latency: storing twice {plan.backlog:,} messages")
        for url in (purged, own):
            deep.fill([url], plan.backlog, "latency", MESSAGE_OF_100)
        send = with_body(
            head_of(echo.port, queues.headers("SendMessage")), queues.body(QueueUrl=own, MessageBody=MESSAGE)
        )
        empty = Queues(server.port).create()[0]
        runs: list[tuple[str, Server, Callable[[], tuple[Callable[[], bytes], Callable[[bytes], None]]]]] = [
            ("the echo", echo, lambda: (lambda: send, lambda _: None)),
            ("no backlog", server, lambda: _calls(Mix(server.port, empty))),
            (f"beside a backlog of {plan.backlog:,}", loaded, lambda: _calls(Mix(loaded.port, deep.create()[0]))),
            (f"at a backlog of {plan.backlog:,}", loaded, lambda: _calls(Mix(loaded.port, own))),
        ]
        found: dict[str, list[Timing]] = {name: [] for name, _, _ in runs}
        for number in range(1, plan.rounds + 1):
            for name, against, calls in runs:
                found[name].append(_paced(against, *calls(), plan.seconds))
            say(f"latency: round {number} of {plan.rounds} done")
        name = f"while {plan.backlog:,} are purged"
        loaded.settle()
        purge = threading.Timer(WARM_UP_S + PURGE_AFTER_S, lambda: deep.call("PurgeQueue", QueueUrl=purged))
        purge.daemon = True  # an interrupt does not wait for it
        purge.start()
        found[name] = [_paced(loaded, *_calls(Mix(loaded.port, own)), plan.seconds)]
        purge.join()
        if any(deep.counts([purged])):
            raise BenchError("the queue was not purged")
    return _print(found)


def _calls(mix: Mix) -> tuple[Callable[[], bytes], Callable[[bytes], None]]:
    return mix.make, mix.take


def _paced(server: Server, make: Callable[[], bytes], take: Callable[[bytes], None], seconds: float) -> Timing:
    server.settle()
    Pacer(server.port, server.pid, make, take).run(RATE_PER_S, WARM_UP_S)
    return Pacer(server.port, server.pid, make, take).run(RATE_PER_S, seconds)


def _print(found: dict[str, list[Timing]]) -> dict[str, Any]:
    rows, figures = [], dict[str, Any]()
    for name, timings in found.items():
        figures[name] = one = {
            "p50_ms": middle(timing.at(0.50) for timing in timings),
            "p99_ms": middle(timing.at(0.99) for timing in timings),
            "longest_ms": max(timing.took_ms[-1] for timing in timings),
            "pause_ms": max(timing.pause_ms() for timing in timings),
            "slow": sum(took > PAUSE_MAX_MS for timing in timings for took in timing.took_ms),
            "answers": sum(len(timing.took_ms) for timing in timings),
            "left_out": sum(len(timing.stalled_ms) for timing in timings),
            "left_out_pause_ms": max(max(timing.stalled_ms, default=0.0) for timing in timings),
        }
        cells = (f"{one[key]:.2f}" for key in ("p50_ms", "p99_ms", "longest_ms", "pause_ms"))
        left_out = f"{one['left_out']:,}", f"{one['left_out_pause_ms']:.2f}"
        rows.append((name, *cells, f"{one['slow']:,}", f"{one['answers']:,}", *left_out))
    title = (
        f"Latency at {RATE_PER_S:,} requests/s of SendMessage, ReceiveMessage, DeleteMessage in turn (ms; target: no pause above "
        f"{PAUSE_MAX_MS} ms. A pause is what the server's processor worked before an answer; left out is what came while the "
        "client did not run, with the longest pause that it may hide)"
    )
    heads = (
        "",
        "p50",
        "p99",
        "longest",
        "longest pause",
        f"> {PAUSE_MAX_MS} ms",
        "answers",
        "left out",
        "hide at most",
    )
    table(title, heads, rows)
    return figures


# Long polls that wake.


def wake(plan: Plan) -> dict[str, Any]:
    """Time from a send until the parked ReceiveMessage has returned, beside a bare exchange with the echo."""
    count = WAKE_UPS_PER_S * plan.seconds * plan.rounds
    with servers.echo() as echo, servers.eventyard() as server:
        url = Queues(server.port).create()[0]
        poll = _request(server.port, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=20)
        send = _request(server.port, "SendMessage", QueueUrl=url, MessageBody=MESSAGE)
        say(f"wake: {count:,} long polls, one after the other")
        bare, woken = list[float](), list[float]()
        with _connect(echo) as plain, _connect(server) as sender, _connect(server) as waiter:
            for _ in range(count):
                waiter.send(poll)
                time.sleep(PARK_S)
                bare.append(_exchange(plain, send, plain))
                woken.append(_exchange(sender, send, waiter))
                _answer(sender)
    figures = {
        name: {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}
        for name, times in (("long poll", sorted(woken)), ("echo", sorted(bare)))
    }
    own, other = figures["long poll"], figures["echo"]
    rows = [
        ("p50", f"{own['p50_ms']:.3f}", f"{other['p50_ms']:.3f}", "< 1"),
        ("p99", f"{own['p99_ms']:.3f}", f"{other['p99_ms']:.3f}", ""),
    ]
    table(
        "From the send until the parked ReceiveMessage has returned (ms)", ("", "eventyard", "an echo", "target"), rows
    )
    return figures


def _request(port: int, operation: str, **parameters: object) -> bytes:
    return with_body(head_of(port, queues.headers(operation)), queues.body(**parameters))


def _connect(server: Server) -> socket.socket:
    sock = socket.create_connection((HOST, server.port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _exchange(sender: socket.socket, request: bytes, waiter: socket.socket) -> float:
    began = time.perf_counter()
    sender.send(request)
    answer = _answer(waiter)
    took = time.perf_counter() - began
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"the server answered {answer[:300].decode(errors='replace')}")
    return 1e3 * took


def _answer(sock: socket.socket) -> bytes:
    """Read a whole answer, which may come in pieces."""
    answer = b""
    while (missing := lacking(answer)) and (piece := sock.recv(65536)):
        answer += piece
    if missing:
        raise BenchError("the server ended a connection")
    return answer
