"""What must not depend on size: the rates at a deep backlog, with many queues and many groups, and while many long polls are parked."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import queues, servers
from benchmarks.client import Parked, head_of, with_body
from benchmarks.flat import Side, compare
from benchmarks.queues import BATCH, IN_FLIGHT_MAX, MESSAGE_OF_100, Queues
from benchmarks.report import BenchError, Plan, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load import Load
    from benchmarks.servers import Server

FIRST_MESSAGES = 10_000
"""Stored before the weighing begins: what grows once is not the messages'."""
SHARE_PER_S = 10_000
"""Receives and deletes of a round, for each second that a run may take."""
SEND, RECEIVE, DELETE, IN_TURN = (
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ReceiveMessage, DeleteMessage in turn",
)
TARGET_BYTES = "<= 700"

FEW_GROUPS = 10
MANY_GROUPS = 100_000
FIFO_CONNECTIONS = 8
"""Fewer than the groups: a group gives nothing while one of its messages is in flight."""
FIFO_SENDS_PER_S = 40_000
"""More than are sent: each body has a deduplication id of its own, and none is to be used twice."""

FIRST_POLLS = 100
PARKED_SECONDS_MAX = 5
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


def print_weights(weights: dict[str, float]) -> None:
    """Print what messages weigh."""
    rows = [(label, f"{weight:,.0f}", TARGET_BYTES) for label, weight in weights.items()]
    table("Memory of a stored message of 100 bytes (RSS)", ("", "bytes", "target"), rows)


def backlog(plan: Plan) -> dict[str, Any]:
    """Compare a server with empty queues with those that have a deep one, and weigh a stored message."""
    sides, deep, weights = list[Side](), list[list[str]](), dict[str, float]()
    with ExitStack() as stack:
        for depth in (0, plan.backlog // 10, plan.backlog):
            server = stack.enter_context(servers.eventyard())
            side = Side(f"a backlog of {depth:,}", server, Queues(server.port))
            sides.append(side)
            deep.append(side.sqs.create() if depth else [])
            if depth:
                say(f"backlog: storing {depth:,} messages")
                weights[side.label] = weigh(server, _filler(side, deep[-1]), depth)
        print_weights(weights)
        for number in range(1, plan.rounds + 1):
            say(f"backlog: round {number} of {plan.rounds}")
            for side, urls in zip(sides, deep, strict=True):
                _cycle(plan, side, urls)
        figures = compare("Backlogs", sides[0], sides[1:])
    return {"rates": figures, "bytes_per_message": weights}


def _filler(side: Side, urls: Sequence[str]) -> Callable[[int], int]:
    return lambda messages: side.sqs.fill(urls, messages, side.label, MESSAGE_OF_100)


def many_queues(plan: Plan) -> dict[str, Any]:
    """Compare a server with one queue with one that has many; the requests go to all in turn."""
    with servers.eventyard() as base, servers.eventyard() as loaded:
        say(f"queues: creating {plan.queues:,}")
        sides = [Side("1 queue", base, Queues(base.port)), Side(f"{plan.queues:,} queues", loaded, Queues(loaded.port))]
        urls = [sides[0].sqs.create(), sides[1].sqs.create(plan.queues)]
        for number in range(1, plan.rounds + 1):
            say(f"queues: round {number} of {plan.rounds}")
            for side, own in zip(sides, urls, strict=True):
                _cycle(plan, side, own, bodies=plan.queues)
        return compare("Many queues", sides[0], sides[1:])


def _cycle(plan: Plan, side: Side, urls: Sequence[str], bodies: int = 1) -> None:
    """Send for the plan's time, then receive and delete a fixed number. All rounds together stay below the limit of messages
    in flight: wrk keeps no handles of what it receives. Without any queues, make one and drop it. wrk is given
    at least so many bodies: with one only it has less to do.
    """
    sqs, given = side.sqs, urls
    urls = urls or sqs.create()
    turns = list(urls) * -(-bodies // len(urls))
    share = min(IN_FLIGHT_MAX // (plan.rounds + 1), plan.seconds * SHARE_PER_S)

    def run(name: str, what: Load, count: Callable[[], int]) -> None:
        side.counted(name, what, count, seconds=plan.seconds, connections=plan.connections)

    run(SEND, queues.send(turns), lambda: sqs.counts(urls)[0])
    sqs.fill(urls, 2 * share, f"{side.label}: filling")
    run(RECEIVE, queues.receive(turns, 1, share), lambda: sqs.counts(urls)[1])
    handles = sqs.take(urls, share, f"{side.label}: receiving handles")
    run(DELETE, queues.delete(handles), lambda: sum(sqs.counts(urls)))
    if not given:
        sqs.drop(urls)


# FIFO queues.


@dataclass(slots=True)
class Groups:
    """A FIFO queue and its groups. Deduplication ids are numbers, counted on."""

    side: Side
    url: str
    groups: int
    sent: int = 0

    def take(self, messages: int) -> range:
        """Give so many numbers, a whole number of batches."""
        first, self.sent = self.sent, self.sent + -(-messages // BATCH) * BATCH
        return range(first, self.sent)

    def fill(self, messages: int, message: str = MESSAGE_OF_100) -> int:
        """Send so many messages."""
        return self.side.sqs.fill_groups(self.url, self.groups, self.take(messages), self.side.label, message)

    def total(self) -> int:
        """Count all messages."""
        return sum(self.side.sqs.counts([self.url]))


def fifo(plan: Plan) -> dict[str, Any]:
    """Compare FIFO queues: ten groups without a backlog with the same and with many groups at a deep one."""
    lanes, weights = list[Groups](), dict[str, float]()
    with ExitStack() as stack:
        for groups, depth in ((FEW_GROUPS, 0), (FEW_GROUPS, plan.backlog), (MANY_GROUPS, plan.backlog)):
            server = stack.enter_context(servers.eventyard())
            side = Side(f"{groups:,} groups, a backlog of {depth:,}", server, Queues(server.port))
            lane = Groups(side, side.sqs.create(fifo=True)[0], groups)
            lanes.append(lane)
            if depth:
                say(f"fifo: storing {depth:,} messages in {groups:,} groups")
                weights[f"FIFO, {groups:,} groups"] = weigh(server, lane.fill, depth)
        print_weights(weights)
        for number in range(1, plan.rounds + 1):
            say(f"fifo: round {number} of {plan.rounds}")
            for lane in lanes:
                _lane_cycle(plan, lane)
        figures = compare("FIFO queues", lanes[0].side, [lane.side for lane in lanes[1:]])
    return {"rates": figures, "bytes_per_message": weights}


def _lane_cycle(plan: Plan, lane: Groups) -> None:
    side, limits = lane.side, {"seconds": plan.seconds, "connections": FIFO_CONNECTIONS}
    sends = queues.send_to_groups(lane.url, lane.groups, lane.take(plan.seconds * FIFO_SENDS_PER_S))
    side.counted(SEND, sends, lane.total, **limits)
    # The sends have left enough: an empty answer would be an error.
    before = lane.total()
    requests = side.run(IN_TURN, queues.receive_and_delete(lane.url), **limits)
    side.check(requests // 2 - FIFO_CONNECTIONS, before - lane.total(), 2 * FIFO_CONNECTIONS)


# Long polls.


def parked(plan: Plan) -> dict[str, Any]:
    """Weigh long polls that wait on one queue, and compare loads on another before and while they do."""
    count = min(plan.parked, servers.allow_open_files(plan.parked + FILES_SPARE) - FILES_SPARE)
    if count < plan.parked:
        say(f"parked: the limit of open files leaves {count:,} long polls instead of {plan.parked:,} (ulimit -n)")
    weights = list[float]()
    limits = {"seconds": min(plan.seconds, PARKED_SECONDS_MAX), "connections": plan.connections}
    with servers.eventyard() as server:
        sqs = Queues(server.port)
        alone, beside = Side("none parked", server, sqs), Side(f"{count:,} parked", server, sqs)
        own, waited = sqs.create(), sqs.create()
        with _park(server, waited[0], FIRST_POLLS):
            server.settle()
        loads = {SEND: queues.send(own), IN_TURN: queues.receive_and_delete(own[0])}
        for number in range(1, plan.rounds + 1):
            say(f"parked: round {number} of {plan.rounds}")
            for name, what in loads.items():
                alone.run(name, what, **limits)
            for name, what in loads.items():
                sqs.fill(own, 100_000 if name == IN_TURN else BATCH, "parked: filling")
                light = server.rss_bytes()
                with _park(server, waited[0], count) as polls:
                    server.settle()
                    weights.append((server.rss_bytes() - light) / count)
                    beside.run(name, what, **limits)
                    _check_parked(sqs, polls, waited[0])
        figures = compare("Parked long polls, and another queue", alone, [beside])
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
