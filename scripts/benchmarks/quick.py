"""`scripts/bench quick`: about a minute, the most telling ratios of all parts in one table: what is run before and after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import boto, fanout, flat, latency, queues, rates, scale, servers, sqs, startup
from benchmarks.flat import Side
from benchmarks.lanes import SEND, TURN, Lane
from benchmarks.queues import BATCH, Queues
from benchmarks.report import Plan, middle, table

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 100_000
ACTIONS = ("SendMessage", "ReceiveMessage", "DeleteMessage", "SendMessageBatch of 10")
FANOUT = ("Publish to 10 queues, raw", "PutEvents of 10, 1 rule, to a queue")
BATCH_TARGET = 5


def run(plan: Plan) -> dict[str, Any]:
    """Measure, print a table of each part as it ends and one of all in the end, and answer the figures."""
    figures = {
        "startup": startup.measure(plan, queues.headers("CreateQueue"), queues.body(QueueName="first")),
        "rates": _rates(plan),
        "boto3": boto.run(plan),
        "backlog": _backlog(plan),
        "wake": latency.wake(plan),
    }
    table("In short", ("", "figure", "target"), _rows(figures))
    return figures


def _rates(plan: Plan) -> dict[str, dict[str, Any]]:
    with servers.echo() as echo, servers.eventyard() as server:
        known = Queues(server.port)
        found = [action for action in sqs.Actions(known, plan.connections).all() if action.name in ACTIONS]
        found += [action for action in fanout.actions(server, known, plan.connections) if action.name in FANOUT]
        yardstick = queues.send(known.create())
        return {one["name"]: one for one in rates.measure(plan, server, echo, yardstick, found)}


def _backlog(plan: Plan) -> dict[str, Any]:
    """Compare the loads of a lane at a backlog and at none, and weigh its messages."""
    with servers.eventyard() as base, servers.eventyard() as loaded:
        sides = [Side("no backlog", base, Queues(base.port)), Side(f"{BACKLOG:,}", loaded, Queues(loaded.port))]
        lanes = [Lane(side) for side in sides]
        lanes[1].make()
        weight = scale.weigh(loaded, lanes[1].fill, BACKLOG)
        for _ in range(plan.rounds):
            for lane in lanes:
                lane.cycle(plan.seconds, plan.connections, drain=False)
        figures = flat.compare(f"At a backlog of {BACKLOG:,}", sides[0], sides[1:])
    return {name: one[sides[1].label] for name, one in figures.items()} | {"bytes": weight}


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    start, found = figures["startup"], figures["rates"]
    yield "start-up, as ratio to a bare uvicorn", f"{start['ratio']:.2f}", f"<= {startup.TARGET_START}"
    yield "idle memory, MB", f"{start['eventyard']['idle_mb']:.1f}", f"<= {startup.TARGET_IDLE_MB}"
    for name in ACTIONS[:3]:
        yield f"{name}, as ratio to the echo", f"{found[name]['ratio']:.2f}", ">= 1.0"
    pairs = zip(found[ACTIONS[3]]["rounds"], found[ACTIONS[0]]["rounds"], strict=True)
    batch = BATCH * middle(_rate(many) / _rate(single) for many, single in pairs)
    yield "messages/s of SendMessageBatch, as ratio to SendMessage", f"{batch:.1f}", f">= {BATCH_TARGET}"
    for operation, one in figures["boto3"].items():
        yield f"boto3's {operation}, as ratio to canned answers", f"{one['ratio']:.2f}", boto.TARGET
    for name in (SEND, TURN):
        one = figures["backlog"][name]
        told = f"{one['ratio']:.2f} ({one['cpu_ratio']:.2f})"
        yield f"{name} at a backlog, as ratio to none (by processor time)", told, flat.TARGET
    yield "memory of a message of 100 bytes, bytes", f"{figures['backlog']['bytes']:,.0f}", scale.TARGET_BYTES
    yield "long poll wake-up p50, ms", f"{figures['wake']['long poll']['p50_ms']:.2f}", "< 1"
    for name in FANOUT:
        yield f"{name}, messages/s", f"{found[name]['messages_per_s']:,.0f}", ""


def _rate(one: dict[str, Any]) -> float:
    return float(one["own"]["requests"] / one["own"]["seconds"])
