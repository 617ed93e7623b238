"""`scripts/bench peers`: SQS side by side with other emulators, each alone on the machine while it is measured, in interleaved rounds.

Some peers get slower with each message that they hold, so what is prepared for a run is bounded in number and in time, the same for all.
A run that uses it up ends early, and its rate holds.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import load, queues, servers, topics
from benchmarks.peers_fetch import PEERS
from benchmarks.peers_wake import wake
from benchmarks.queues import BATCH, Queues
from benchmarks.report import MIB, BenchError, Plan, middle, say, table
from benchmarks.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load import Load, Result
    from benchmarks.servers import Server

OWN = "eventyard"
SUBSCRIBERS = 10
PUBLISH = f"Publish to {SUBSCRIBERS} queues, raw"
WAKE = "long poll wake-up"
STARTED = "start, s (the second one; eventyard until `Ready.`, others until they answer)"
OPERATIONS = {
    "SendMessage": 1,
    "SendMessageBatch of 10": BATCH,
    "ReceiveMessage": 1,
    "DeleteMessage": 1,
    PUBLISH: SUBSCRIBERS,
}
"""And how many messages each request moves."""
PREPARE_S = 2
"""How long messages are sent, and then handles received, for a run that needs them."""
CHUNK = 100
CONNECTIONS = 8
"""Fewer than elsewhere: some peers have a thread for each."""
SPARE = 1.5
WANTED_MIN, WANTED_MAX = 200, 30_000
"""Messages prepared for a run."""
WARM_UP_S = 1
WAKE_UPS = 20
"""Of each round."""
ARRIVE_WITHIN_S = 10


@dataclass(slots=True)
class Side:
    """A server with what was measured: by operation, the rates of the rounds, and why there is none."""

    name: str
    server: Server
    sqs: Queues
    idle_mb: float
    warm_ups: int = 2
    rates: dict[str, list[Result]] = field(default_factory=dict)
    wakes_ms: list[float] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def run(plan: Plan) -> dict[str, Any]:
    """Measure, print the table and answer the figures."""
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        sides = [_side(OWN, servers.eventyard, stack)]
        for peer in PEERS:
            name = f"{peer.name} {peer.version}"
            try:
                side = _side(name, peer.server, stack)
            except BenchError as error:
                left_out[name] = error.format_message()
                say(f"peers: {name} is left out: {left_out[name]}")
                continue
            side.warm_ups = peer.warm_ups
            sides.append(side)
            if not peer.sns:
                side.notes[PUBLISH] = "it has no SNS"
        for side in sides:
            _warm_up(side)
        for number in range(1, plan.rounds + 1):
            for operation in OPERATIONS:
                for side in sides:
                    _round(plan, side, operation)
            for side in sides:
                _wake(side)
            say(f"peers: round {number} of {plan.rounds} done")
    _print(plan, sides, left_out)
    return _figures(sides, left_out)


def _side(name: str, make: Callable[[], Server], stack: ExitStack) -> Side:
    """Start a server twice, as the first start brings its files into the disk's cache."""
    with make():
        pass
    server = stack.enter_context(make())
    _settle(server)
    say(f"peers: {name} took {server.started_s:.2f} s to start")
    return Side(name, server, Queues(server.port), server.rss_bytes() / MIB)


def _warm_up(side: Side) -> None:
    """Run each operation a few times: each run tells the next one how many messages it needs."""
    for operation in OPERATIONS:
        for _ in range(side.warm_ups):
            _round(Plan(WARM_UP_S, 1, CONNECTIONS, 0, 0, 0, 0), side, operation)
        if operation not in side.notes:
            say(f"peers: {side.name}: {operation}: {side.rates[operation][-1].rate:,.0f}/s, warming up")


def _round(plan: Plan, side: Side, operation: str) -> None:
    """Run an operation once. A server that answers with errors, or whose queues do not show the work, has no figure for it."""
    if operation in side.notes:
        return
    try:
        result = _publish(plan, side) if operation == PUBLISH else _measure(plan, side, operation)
    except BenchError as error:
        _note(side, operation, error)
        return
    side.rates.setdefault(operation, []).append(result)


def _note(side: Side, operation: str, error: BenchError) -> None:
    side.notes[operation] = error.format_message()
    say(f"peers: {side.name}: {operation}: no figure: {side.notes[operation]}")


def _measure(plan: Plan, side: Side, operation: str) -> Result:
    each, sqs = OPERATIONS[operation], side.sqs
    urls = sqs.create()
    what: Load
    count: Callable[[], int]
    if operation.startswith("Send"):
        what = queues.send(urls) if each == 1 else queues.send_batch(urls)
        count = lambda: sqs.counts(urls)[0]  # noqa: E731
    else:
        filled = _fill(side, urls, _wanted(plan, side, operation))
        if operation.startswith("Receive"):
            what = queues.receive(urls, 1, filled - 2 * CONNECTIONS)
            count = lambda: sqs.counts(urls)[1]  # noqa: E731
        else:
            what = queues.delete(_handles(side, urls, filled))
            count = lambda: filled - sum(sqs.counts(urls))  # noqa: E731
    _settle(side.server)
    result = load.run(side.server, what, seconds=plan.seconds, connections=CONNECTIONS)
    moved = count()
    # A peer that counts once a while, or gives a message twice when two ask at once, is still measured.
    if moved < result.requests * each * (0.99 if operation.startswith("Receive") else 1):
        raise BenchError(f"wrk counted {result.requests * each:,} messages, but the queue shows {moved:,}")
    sqs.drop(urls)
    return result


def _publish(plan: Plan, side: Side) -> Result:
    """Publish to ten queues, and see that all arrives."""
    known, urls = Topics(side.server.port), side.sqs.create(SUBSCRIBERS)
    topic = known.create(f"bench-{time.monotonic_ns()}")
    known.subscribe_arns(topic, side.sqs.arns(urls), raw=True)
    _settle(side.server)
    result = load.run(side.server, topics.publish(topic), seconds=plan.seconds, connections=CONNECTIONS)
    until = time.monotonic() + ARRIVE_WITHIN_S
    while (have := side.sqs.counts(urls)[0]) < result.requests * SUBSCRIBERS and time.monotonic() < until:
        time.sleep(0.1)
    if have < result.requests * SUBSCRIBERS:
        raise BenchError(f"{result.requests * SUBSCRIBERS:,} messages should have arrived, but {have:,} have")
    known.drop(topic)
    side.sqs.drop(urls)
    return result


def _wake(side: Side) -> None:
    if WAKE in side.notes:
        return
    try:
        urls = side.sqs.create()
        side.wakes_ms += wake(side.server.port, urls[0], WAKE_UPS)
        side.sqs.drop(urls)
    except BenchError as error:
        _note(side, WAKE, error)


def _fill(side: Side, urls: list[str], messages: int) -> int:
    """Send so many messages, or as many as the time allows."""
    filled, until = 0, time.monotonic() + PREPARE_S
    chunk = CHUNK
    while filled < messages and (time.monotonic() < until or filled < WANTED_MIN):
        filled += side.sqs.fill(urls, min(chunk, messages - filled), f"{side.name}: filling")
        chunk = 2 * chunk if time.monotonic() < until - PREPARE_S / 2 else chunk
    return filled


def _handles(side: Side, urls: list[str], messages: int) -> list[tuple[str, str]]:
    """Receive what is to be deleted, as many as the time allows."""
    handles: list[tuple[str, str]] = []
    until = time.monotonic() + PREPARE_S
    while len(handles) < messages and time.monotonic() < until:
        handles += side.sqs.take(urls, min(CHUNK, messages - len(handles)), f"{side.name}: receiving handles")
    if not handles:
        raise BenchError("nothing could be received")
    return handles


def _wanted(plan: Plan, side: Side, operation: str) -> int:
    """Guess from the last run how many messages a run moves at most; few before the first."""
    if operation not in side.rates:
        return WANTED_MIN
    messages = side.rates[operation][-1].rate * plan.seconds * SPARE
    return -(-int(max(WANTED_MIN, min(messages, WANTED_MAX))) // BATCH) * BATCH


def _settle(server: Server) -> None:
    """Let a server come to rest; some peers never do."""
    try:
        server.settle(within_s=WARM_UP_S)
    except BenchError:
        say(f"peers: {server.name} is not at rest")


def _print(plan: Plan, sides: list[Side], left_out: dict[str, str]) -> None:
    rows = [(_label(operation), *(_cell(side, operation, sides[0]) for side in sides)) for operation in OPERATIONS]
    rows.append((f"{WAKE} p50, ms", *(_wake_cell(side) for side in sides)))
    rows.append(
        (
            STARTED,
            *(f"{side.server.started_s:.2f}" for side in sides),
        )
    )
    rows.append(("idle memory, MB", *(f"{side.idle_mb:.0f}" for side in sides)))
    title = (
        f"Side by side (requests/s, median of {plan.rounds} x {plan.seconds} s, 1 wrk thread, {CONNECTIONS} connections; in brackets the "
        "share of eventyard's rate: above 1 eventyard loses)"
    )
    table(title, ("", *(side.name for side in sides)), rows)
    notes = [(side.name, operation, why) for side in sides for operation, why in side.notes.items()]
    if told := [(name, "all", why) for name, why in left_out.items()] + notes:
        table("Without a figure", ("", "what", "why"), told)


def _label(operation: str) -> str:
    return f"{operation} (times {SUBSCRIBERS} arrive)" if operation == PUBLISH else operation


def _cell(side: Side, operation: str, own: Side) -> str:
    if operation in side.notes:
        return "none"
    rate = _rate(side, operation)
    share = "" if side is own or operation in own.notes else f" ({rate / _rate(own, operation):.3f})"
    return f"{rate:,.0f}{share}"


def _wake_cell(side: Side) -> str:
    return f"{middle(side.wakes_ms):.2f}" if WAKE not in side.notes else "none"


def _rate(side: Side, operation: str) -> float:
    """Give the median; the runs that warm up do not count."""
    return middle(result.rate for result in side.rates[operation][side.warm_ups :])


def _figures(sides: list[Side], left_out: dict[str, str]) -> dict[str, Any]:
    return {
        "servers": {
            side.name: {
                "start_s": side.server.started_s,
                "idle_mb": side.idle_mb,
                "requests_per_s": {name: _rate(side, name) for name in side.rates if name not in side.notes},
                "wakes_ms": side.wakes_ms,
                "notes": side.notes,
            }
            for side in sides
        },
        "left_out": left_out,
    }
