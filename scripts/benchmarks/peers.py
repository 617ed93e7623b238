"""`scripts/bench peers`: SQS side by side with other emulators, each alone on the machine while it is measured, in interleaved rounds."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import load, queues, servers
from benchmarks.peers_fetch import PEERS
from benchmarks.queues import BATCH, Queues
from benchmarks.report import MIB, BenchError, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load import Load, Result
    from benchmarks.servers import Server

OWN = "eventyard"
OPERATIONS = {
    "SendMessage": 1,
    "SendMessageBatch of 10": BATCH,
    "ReceiveMessage": 1,
    "ReceiveMessage of 10": BATCH,
    "DeleteMessage": 1,
    "DeleteMessageBatch of 10": BATCH,
}
"""And how many messages each request has."""
PREPARE_S = 10
"""How long handles may be received for a run that deletes: with fewer it ends early, and its rate holds all the same."""
CHUNK = 100
CONNECTIONS = 8
"""Fewer than elsewhere: some peers have a thread for each."""
SPARE = 1.5
WANTED_MIN, WANTED_MAX = 200, 30_000
"""Messages prepared for a run; the same bounds for all."""
WARM_UP_S = 2
WARM_UPS = 3


@dataclass(slots=True)
class Side:
    """A server with what was measured: by operation, the rates of the rounds, and why there is none."""

    name: str
    server: Server
    sqs: Queues
    idle_mb: float
    rates: dict[str, list[Result]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def run(plan: Plan) -> dict[str, Any]:
    """Measure, print the table and answer the figures."""
    left_out: list[str] = []
    with ExitStack() as stack:
        sides = [_side(OWN, stack.enter_context(servers.eventyard()))]
        for peer in PEERS:
            try:
                sides.append(_side(f"{peer.name} {peer.version}", stack.enter_context(peer.server())))
            except BenchError as error:
                left_out.append(f"{peer.name} {peer.version} is left out: {error.format_message()}")
        for side in sides:
            _warm_up(side)
        for number in range(1, plan.rounds + 1):
            for operation in OPERATIONS:
                for side in sides:
                    _round(plan, side, operation)
            say(f"peers: round {number} of {plan.rounds} done")
    _print(plan, sides, left_out)
    return _figures(sides, left_out)


def _side(name: str, server: Server) -> Side:
    server.settle()
    say(f"peers: {name} took {server.started_s:.2f} s to start")
    return Side(name, server, Queues(server.port), server.rss_bytes() / MIB)


def _warm_up(side: Side) -> None:
    """Run each operation a few times: each run tells the next one how many messages it needs; Java compiles meanwhile."""
    for operation in OPERATIONS:
        for _ in range(WARM_UPS):
            _round(Plan(WARM_UP_S, 1, CONNECTIONS, 0, 0, 0, 0), side, operation)
        if operation not in side.notes:
            say(f"peers: {side.name}: {operation}: {side.rates[operation][-1].rate:,.0f}/s, warming up")


def _round(plan: Plan, side: Side, operation: str) -> None:
    """Run an operation once. A server that answers with errors, or whose queues do not show the work, has no figure for it."""
    if operation in side.notes:
        return
    try:
        result = _measure(plan, side, operation)
    except BenchError as error:
        side.notes[operation] = error.format_message()
        say(f"peers: {side.name}: {operation}: no figure: {side.notes[operation]}")
        return
    side.rates.setdefault(operation, []).append(result)


def _measure(plan: Plan, side: Side, operation: str) -> Result:
    each, sqs = OPERATIONS[operation], side.sqs
    urls = sqs.create()
    messages = _wanted(plan, side, operation)
    what: Load
    count: Callable[[], int]
    if operation.startswith("Send"):
        what = queues.send(urls) if each == 1 else queues.send_batch(urls)
        before, count = 0, lambda: sqs.counts(urls)[0]
    elif operation.startswith("Receive"):
        sqs.fill(urls, messages + 2 * CONNECTIONS * each, f"{side.name}: filling")
        what = queues.receive(urls, each, messages // each)
        before, count = 0, lambda: sqs.counts(urls)[1]
    else:
        before = sqs.fill(urls, messages, f"{side.name}: filling")
        handles = _handles(side, urls, messages)
        what = queues.delete(handles) if each == 1 else queues.delete_batch(handles)
        count = lambda: before - sum(sqs.counts(urls))  # noqa: E731
    _settle(side.server)
    result = load.run(side.server, what, seconds=plan.seconds, connections=CONNECTIONS)
    moved = count()
    if not operation.startswith("Receive") and not result.requests * each <= moved:
        raise BenchError(f"wrk counted {result.requests * each:,} messages, but the queue shows {moved:,}")
    if operation.startswith("Receive") and moved < result.requests * each * 0.99:
        raise BenchError(
            f"{result.requests:,} answers should have brought {result.requests * each:,} messages, not {moved:,}"
        )
    sqs.drop(urls)
    return result


def _handles(side: Side, urls: list[str], messages: int) -> list[tuple[str, str]]:
    """Receive what is to be deleted, for a bounded time: some peers get slower with each message that is in flight."""
    handles: list[tuple[str, str]] = []
    until = time.monotonic() + PREPARE_S
    while len(handles) < messages and time.monotonic() < until:
        handles += side.sqs.take(urls, min(CHUNK, messages - len(handles)), f"{side.name}: receiving handles")
    return handles


def _wanted(plan: Plan, side: Side, operation: str) -> int:
    """Guess from the last run how many messages a run moves at most; few before the first, as some peers get slow with many."""
    if operation not in side.rates:
        return WANTED_MIN
    messages = side.rates[operation][-1].rate * OPERATIONS[operation] * plan.seconds * SPARE
    wanted = int(max(WANTED_MIN, min(messages, WANTED_MAX)))
    return -(-wanted // BATCH) * BATCH


def _settle(server: Server) -> None:
    """Let a server come to rest; some peers never do."""
    try:
        server.settle()
    except BenchError:
        time.sleep(WARM_UP_S)


def _print(plan: Plan, sides: list[Side], left_out: list[str]) -> None:
    rows = [(operation, *(_cell(side, operation, sides[0]) for side in sides)) for operation in OPERATIONS]
    rows.append(("start, s", *(f"{side.server.started_s:.2f}" for side in sides)))
    rows.append(("idle memory, MB", *(f"{side.idle_mb:.0f}" for side in sides)))
    title = (
        f"SQS side by side (requests/s, median of {plan.rounds} x {plan.seconds} s, 1 wrk thread, {CONNECTIONS} connections; "
        "in brackets the share of eventyard's rate)"
    )
    table(title, ("", *(side.name for side in sides)), rows)
    notes = [f"{side.name}, {operation}: {why}" for side in sides for operation, why in side.notes.items()]
    if told := left_out + notes:
        table("Without a figure", ("", "reason"), [(line.split(": ", 1)[0], line.split(": ", 1)[1]) for line in told])


def _cell(side: Side, operation: str, own: Side) -> str:
    if operation in side.notes or operation not in side.rates:
        return "none"
    rate = _rate(side, operation)
    share = "" if side is own or operation in own.notes else f" ({rate / _rate(own, operation):.2f})"
    return f"{rate:,.0f}{share}"


def _rate(side: Side, operation: str) -> float:
    """Give the median; the runs that warm up do not count."""
    return middle(result.rate for result in side.rates[operation][WARM_UPS:])


def _figures(sides: list[Side], left_out: list[str]) -> dict[str, Any]:
    return {
        "servers": {
            side.name: {
                "start_s": side.server.started_s,
                "idle_mb": side.idle_mb,
                "requests_per_s": {name: _rate(side, name) for name in side.rates if name not in side.notes},
                "notes": side.notes,
            }
            for side in sides
        },
        "left_out": left_out,
    }
