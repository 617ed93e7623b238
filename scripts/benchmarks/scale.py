"""What must not depend on size: the rates at a deep backlog, with many queues and many groups, and while many long polls are parked."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks import queues, servers
from benchmarks.client import Parked, head_of, with_body
from benchmarks.flat import Side, compare
from benchmarks.lanes import Lane
from benchmarks.queues import Queues
from benchmarks.report import BenchError, Plan, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.servers import Server

FIRST_MESSAGES = 10_000
"""Stored before the weighing begins: what grows once is not the messages'."""
TARGET_BYTES = "<= 700"

FEW_GROUPS = 10
MANY_GROUPS = 100_000

FIRST_POLLS = 100
PARKED_SECONDS_MAX = 2
"""Runs while long polls are parked must end before they do, 20 s after they began."""
POLL_S = 20
FILES_SPARE = 500
WOKEN = 10
LISTEN_S = 0.5


def weigh(server: Server, fill: Callable[[int], int], messages: int) -> float:
    """Store messages and give the memory of each; the first are not weighed."""
    first = fill(min(FIRST_MESSAGES, messages // 2))
    server.settle()
    before = server.rss_bytes()
    stored = fill(messages - first)
    server.settle()
    return (server.rss_bytes() - before) / stored


def print_weights(title: str, weights: dict[str, float]) -> None:
    """Print what messages weigh."""
    rows = [(label, f"{weight:,.0f}", TARGET_BYTES) for label, weight in weights.items()]
    table(f"{title}: memory of a stored message of 100 bytes (RSS)", ("", "bytes", "target"), rows)


def backlog(plan: Plan) -> dict[str, Any]:
    """Compare standard queues: a new one with those that have a backlog; and weigh a stored message."""
    depths = 0, plan.backlog // 10, plan.backlog
    return _deep(plan, "Standard queues", [(f"a backlog of {depth:,}", 0, depth) for depth in depths])


def fifo(plan: Plan) -> dict[str, Any]:
    """Compare FIFO queues: a new one with ten groups, and those that have a backlog in ten and in many groups."""
    found = [
        (f"{groups:,} groups, a backlog of {depth:,}", groups, depth)
        for groups in (FEW_GROUPS, MANY_GROUPS)
        for depth in (0, plan.backlog // 10, plan.backlog)
    ]
    return _deep(plan, "FIFO queues", found)


def _deep(plan: Plan, title: str, kinds: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Compare lanes with a label, a number of groups and a depth each, all of them to the first."""
    lanes, weights = list[Lane](), dict[str, float]()
    with ExitStack() as stack:
        for label, groups, depth in kinds:
            server = stack.enter_context(servers.eventyard())
            lane = Lane(Side(label, server, Queues(server.port)), groups=groups)
            lanes.append(lane)
            if depth:
                say(f"{title}: storing {label}")
                lane.make()
                weights[label] = weigh(server, lane.fill, depth)
        print_weights(title, weights)
        for number in range(1, plan.rounds + 1):
            say(f"{title}: round {number} of {plan.rounds}")
            for lane in lanes:
                lane.cycle(plan.seconds, plan.connections)
        figures = compare(_title(plan, title), lanes[0].side, [lane.side for lane in lanes[1:]])
    return {"rates": figures, "bytes_per_message": weights}


def _title(plan: Plan, what: str) -> str:
    return f"{what} (requests/s, median of {plan.rounds} x {plan.seconds} s in turn; ratios within a round, to the first line)"


def many_queues(plan: Plan) -> dict[str, Any]:
    """Compare a server with one queue with one that has many; the requests go to all in turn."""
    with servers.eventyard() as base, servers.eventyard() as loaded:
        say(f"queues: creating {plan.queues:,}")
        sides = [Side("1 queue", base, Queues(base.port)), Side(f"{plan.queues:,} queues", loaded, Queues(loaded.port))]
        lanes = [
            Lane(side, side.sqs.create(count), bodies=plan.queues)
            for side, count in zip(sides, (1, plan.queues), strict=True)
        ]
        for number in range(1, plan.rounds + 1):
            say(f"queues: round {number} of {plan.rounds}")
            for lane in lanes:
                lane.cycle(plan.seconds, plan.connections)
        return compare(_title(plan, "Many queues"), sides[0], sides[1:])


# Long polls.


def parked(plan: Plan) -> dict[str, Any]:
    """Weigh long polls that wait on one queue, and compare loads on another before and while they do."""
    count = min(plan.parked, servers.allow_open_files(plan.parked + FILES_SPARE) - FILES_SPARE)
    if count < plan.parked:
        say(f"parked: the limit of open files leaves {count:,} long polls instead of {plan.parked:,} (ulimit -n)")
    weights, seconds = list[float](), min(plan.seconds, PARKED_SECONDS_MAX)
    with servers.eventyard() as server:
        sqs = Queues(server.port)
        alone, beside = Side("none parked", server, sqs), Side(f"{count:,} parked", server, sqs)
        waited = sqs.create()[0]
        with _park(server, waited, FIRST_POLLS):
            server.settle()
        for number in range(1, plan.rounds + 1):
            say(f"parked: round {number} of {plan.rounds}")
            Lane(alone).cycle(seconds, plan.connections)
            server.settle()
            light = server.rss_bytes()
            with _park(server, waited, count) as polls:
                server.settle()
                weights.append((server.rss_bytes() - light) / count)
                Lane(beside).cycle(seconds, plan.connections)
                _check_parked(sqs, polls, waited)
        figures = compare(_title(plan, "Parked long polls, and another queue"), alone, [beside])
    # The memory of the first round; later ones find it already taken from the system.
    table("Memory of a parked long poll", ("", "bytes"), [("RSS, its connection included", f"{weights[0]:,.0f}")])
    return {"parked": count, "bytes_per_poll": weights[0], "rates": figures}


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
