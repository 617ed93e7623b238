"""What must not depend on size: the rates at a deep backlog, with many queues, and while many long polls are parked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import load, queues, servers
from benchmarks.client import Parked, head_of, with_body
from benchmarks.queues import IN_FLIGHT_MAX, Queues
from benchmarks.report import BenchError, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load import Result
    from benchmarks.servers import Server

FEW_QUEUES = 10
FIRST_MESSAGES = 10_000
"""Stored before the weighing begins: what grows once is not the messages'."""
SHARE_PER_S = 10_000
"""Receives and deletes of a round, for each second that a run may take."""
FIRST_POLLS = 100
PARKED_SECONDS_MAX = 10
"""A run while long polls are parked must end before they do, 20 s after they began."""
POLL_S = 20
FILES_SPARE = 500
WOKEN = 10
LISTEN_S = 0.5


@dataclass(frozen=True, slots=True)
class Cycle:
    """The rates of a message's three stations on one server."""

    send: Result
    receive: Result
    delete: Result

    @property
    def whole(self) -> float:
        """Messages a second through all three, one after the other."""
        return 1 / (1 / self.send.rate + 1 / self.receive.rate + 1 / self.delete.rate)


@dataclass(slots=True)
class Side:
    """One of the two servers of a comparison, with its queues; without any, each round makes one and drops it."""

    label: str
    server: Server
    sqs: Queues
    urls: Sequence[str] = ()
    cycles: list[Cycle] = field(default_factory=list)


def backlog(plan: Plan) -> dict[str, Any]:
    """Compare a server with empty queues with one that has a deep one, and weigh a stored message."""
    with servers.eventyard() as base, servers.eventyard() as loaded:
        deep = Queues(loaded.port)
        urls = deep.create()
        say(f"backlog: storing {plan.backlog:,} messages")
        deep.fill(urls, FIRST_MESSAGES, "backlog")
        loaded.settle()
        before = loaded.rss_bytes()
        stored = deep.fill(urls, plan.backlog - FIRST_MESSAGES, "backlog")
        loaded.settle()
        weight = (loaded.rss_bytes() - before) / stored
        few = Side("a backlog of 0", base, Queues(base.port))
        many = Side(f"a backlog of {plan.backlog:,}", loaded, deep, urls)
        figures = _compare(plan, few, many)
    size = len(queues.MESSAGE.encode())
    table(
        "Memory of a stored message", ("", "bytes"), [(f"RSS for each, with a body of {size} bytes", f"{weight:,.0f}")]
    )
    return figures | {"bytes_per_message": weight, "message_body_bytes": size}


def many_queues(plan: Plan) -> dict[str, Any]:
    """Compare a server with ten queues with one that has many; the requests go to all in turn."""
    with servers.eventyard() as base, servers.eventyard() as loaded:
        say(f"queues: creating {plan.queues:,}")
        few, many = Queues(base.port), Queues(loaded.port)
        return _compare(
            plan,
            Side(f"{FEW_QUEUES:,} queues", base, few, few.create(FEW_QUEUES)),
            Side(f"{plan.queues:,} queues", loaded, many, many.create(plan.queues)),
        )


def _compare(plan: Plan, few: Side, many: Side) -> dict[str, Any]:
    for number in range(1, plan.rounds + 1):
        for side in (few, many):
            cycle = _cycle(plan, side)
            side.cycles.append(cycle)
            say(
                f"round {number} of {plan.rounds}: {side.label}: {cycle.whole:,.0f} messages/s sent, received and deleted"
            )
    figures: dict[str, Any] = {"base": few.label, "loaded": many.label}
    rows: list[tuple[str, ...]] = []
    rates: list[tuple[str, Callable[[Cycle], float]]] = [
        ("SendMessage", lambda cycle: cycle.send.rate),
        ("ReceiveMessage", lambda cycle: cycle.receive.rate),
        ("DeleteMessage", lambda cycle: cycle.delete.rate),
        ("all three in turn", lambda cycle: cycle.whole),
    ]
    for name, rate in rates:
        small, large = [rate(cycle) for cycle in few.cycles], [rate(cycle) for cycle in many.cycles]
        ratio = middle(own / base for own, base in zip(large, small, strict=True))
        figures[name] = {"base_per_s": middle(small), "loaded_per_s": middle(large), "ratio": ratio}
        rows.append((name, f"{middle(small):,.0f}", f"{middle(large):,.0f}", f"{ratio:.2f}"))
    figures["rounds"] = {side.label: [asdict(cycle) for cycle in side.cycles] for side in (few, many)}
    table("Flatness (requests/s)", ("", few.label, many.label, "ratio"), rows)
    return figures


def _cycle(plan: Plan, side: Side) -> Cycle:
    """Send for the plan's time, then receive and delete a fixed number. All rounds together stay below the limit of messages
    in flight: wrk keeps no handles of what it receives.
    """
    sqs, urls = side.sqs, side.urls or side.sqs.create()
    share = min(IN_FLIGHT_MAX // (plan.rounds + 1), plan.seconds * SHARE_PER_S)

    def run(what: load.Load, count: Callable[[], int]) -> Result:
        side.server.settle()
        before = count()
        result = load.run(side.server, what, seconds=plan.seconds, connections=plan.connections)
        if abs(count() - before) < result.requests:
            raise BenchError(
                f"{side.label}: {result.requests:,} answers, but the queues do not show as many messages moved"
            )
        return result

    sent = run(queues.send(urls), lambda: sqs.counts(urls)[0])
    sqs.fill(urls, 2 * share, f"{side.label}: filling")
    received = run(queues.receive(urls, 1, share), lambda: sqs.counts(urls)[1])
    handles = sqs.take(urls, share, f"{side.label}: receiving handles")
    deleted = run(queues.delete(handles), lambda: sum(sqs.counts(urls)))
    if not side.urls:
        sqs.drop(urls)
    return Cycle(sent, received, deleted)


def parked(plan: Plan) -> dict[str, Any]:
    """Weigh long polls that wait on one queue, and compare SendMessage to another before and while they do."""
    seconds = min(plan.seconds, PARKED_SECONDS_MAX)
    count = min(plan.parked, servers.allow_open_files(plan.parked + FILES_SPARE) - FILES_SPARE)
    if count < plan.parked:
        say(f"parked: the limit of open files leaves {count:,} long polls instead of {plan.parked:,} (ulimit -n)")
    before, during, weights = list[float](), list[float](), list[float]()
    with servers.eventyard() as server:
        sqs = Queues(server.port)
        busy, waited = sqs.create(), sqs.create()
        with _park(server, waited[0], FIRST_POLLS):
            server.settle()
        for number in range(1, plan.rounds + 1):
            before.append(load.run(server, queues.send(busy), seconds=seconds, connections=plan.connections).rate)
            server.settle()
            light = server.rss_bytes()
            with _park(server, waited[0], count) as polls:
                server.settle()
                weights.append((server.rss_bytes() - light) / count)
                during.append(load.run(server, queues.send(busy), seconds=seconds, connections=plan.connections).rate)
                _check_parked(sqs, polls, waited[0])
            say(
                f"parked: round {number} of {plan.rounds}: {count:,} long polls of {weights[0]:,.0f} bytes each; "
                f"SendMessage {before[-1]:,.0f}/s before, {during[-1]:,.0f}/s meanwhile"
            )
    ratio = middle(own / base for own, base in zip(during, before, strict=True))
    rows = [("SendMessage to another queue", f"{middle(before):,.0f}", f"{middle(during):,.0f}", f"{ratio:.2f}")]
    table("Parked long polls (requests/s)", ("", "none parked", f"{count:,} parked", "ratio"), rows)
    # The memory of the first round; later ones find it already taken from the system.
    table(
        "Memory of a parked long poll", ("", "bytes"), [("RSS for each, its connection included", f"{weights[0]:,.0f}")]
    )
    return {
        "parked": count,
        "bytes_per_poll": weights[0],
        "before_per_s": before,
        "during_per_s": during,
        "ratio": ratio,
    }


def _park(server: Server, url: str, count: int) -> Parked:
    request = queues.body(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=POLL_S)
    return Parked(server.port, with_body(head_of(server.port, queues.headers("ReceiveMessage")), request), count)


def _check_parked(sqs: Queues, polls: Parked, url: str) -> None:
    """See that all still wait, and that so many wake as messages come."""
    if early := len(polls.listen(LISTEN_S)):
        raise BenchError(f"{early:,} long polls were answered during the run; ask for fewer --seconds")
    for _ in range(WOKEN):
        sqs.call("SendMessage", QueueUrl=url, MessageBody=queues.MESSAGE)
    answers = polls.listen(LISTEN_S)
    if len(answers) != WOKEN or not all(b'"Messages"' in answer for answer in answers):
        raise BenchError(f"{WOKEN} messages woke {len(answers):,} long polls")
