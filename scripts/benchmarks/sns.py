"""`scripts/bench sns`: what is measured of Amazon SNS."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import load, queues, rates, servers, topics
from benchmarks.client import post
from benchmarks.queues import BATCH, Queues
from benchmarks.rates import Action, Prepared
from benchmarks.report import BenchError, Plan, middle, say, table
from benchmarks.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from benchmarks.load import Load
    from benchmarks.servers import Server

PARTS = ("rates", "fanout", "filters", "beside")
FANOUT = (1, 10, 100, 1_000)
FILTERED = 1_000
CALLS = 200
BUSY_SUBSCRIBERS = 5
BUSY_PUBLISHES_PER_S = 100
FANOUT_CONNECTIONS = 4
"""A publish to 1,000 subscribers takes long; more connections would only wait."""


def run(plan: Plan, parts: Collection[str]) -> dict[str, Any]:
    """Measure the parts asked for, print their tables and answer the figures."""
    measures: dict[str, Callable[[Plan], object]] = {
        "rates": _rates,
        "fanout": _fanout,
        "filters": _filters,
        "beside": _beside,
    }
    return {part: measures[part](plan) for part in PARTS if part in parts}


@dataclass(slots=True)
class Yard:
    """One server with a topic's subscribers."""

    server: Server
    topics: Topics
    sqs: Queues

    @classmethod
    def of(cls, server: Server) -> Yard:
        """Speak to a server."""
        return cls(server, Topics(server.port), Queues(server.port))

    def subscribed(self, count: int, *, raw: bool, stores: Sequence[str] = ()) -> tuple[str, list[str]]:
        """Make a topic with so many queues."""
        topic, urls = self.topics.create(), self.sqs.create(count)
        self.topics.subscribe(topic, urls, raw=raw, stores=stores)
        return topic, urls

    def clear(self, topic: str, urls: list[str], published: int, each: int, spare: int) -> None:
        """Check that the queues hold what was published, `each` of a publish, and drop all."""
        have = self.sqs.counts(urls)[0]
        if not published * each <= have <= (published + spare) * each:
            raise BenchError(f"wrk counted {published * each:,} messages to deliver, but the queues hold {have:,}")
        self.topics.drop(topic)
        self.sqs.drop(urls)


# Requests a second.


def _rates(plan: Plan) -> list[dict[str, Any]]:
    with servers.echo() as echo, servers.eventyard() as server:
        yard = Yard.of(server)
        yardstick = queues.send(yard.sqs.create())
        spare = 2 * plan.connections

        def action(name: str, count: int, make: Callable[[str], Load], each: int, *, raw: bool = True) -> Action:
            def prepare(_: int) -> Prepared:
                topic, urls = yard.subscribed(count, raw=raw)
                each_of_all = each * max(1, count)
                finish = (lambda done: yard.clear(topic, urls, done, each_of_all, spare)) if count else (lambda _: None)
                return Prepared(make(topic), finish)

            return Action(name, each, prepare)

        actions = [
            action("Publish, nobody subscribed", 0, topics.publish, 1),
            action("Publish to 1 queue, raw", 1, topics.publish, 1),
            action("Publish to 1 queue, envelope", 1, topics.publish, 1, raw=False),
            action("Publish to 10 queues, raw", 10, topics.publish, 1),
            action("PublishBatch of 10 to 1 queue, raw", 1, topics.publish_batch, BATCH),
        ]
        return rates.measure(plan, server, echo, yardstick, actions)


# Cost of a delivered message.


NO_QUOTAS = ("--quotas", "0")
"""AWS allows 200 filter policies on a topic unless asked for more."""


def _fanout(plan: Plan) -> list[dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {
        "raw": {"raw": True},
        "raw, filtered": {"raw": True, "stores": ("paris",)},
        "envelope": {"raw": False},
        "envelope, filtered": {"raw": False, "stores": ("paris",)},
    }
    found: dict[tuple[str, int], list[float]] = {}
    with servers.eventyard(*NO_QUOTAS) as server:
        yard = Yard.of(server)
        for number in range(1, plan.rounds + 1):
            for kind, options in kinds.items():
                for count in FANOUT:
                    topic, urls = yard.subscribed(count, **options)
                    server.settle()
                    what = topics.publish(topic, options.get("stores", ("",)))
                    done = load.run(server, what, seconds=plan.seconds, connections=FANOUT_CONNECTIONS)
                    yard.clear(topic, urls, done.requests, count, FANOUT_CONNECTIONS)
                    found.setdefault((kind, count), []).append(1e6 / (done.rate * count))
                    say(f"fanout: round {number} of {plan.rounds}: {kind}, {count:,}: {done.rate:,.0f} publishes/s")
    rows, figures = [], []
    for kind in kinds:
        costs = {count: middle(found[kind, count]) for count in FANOUT}
        rows.append((kind, *(f"{costs[count]:,.1f}" for count in FANOUT)))
        figures.append({"kind": kind, "us_per_delivered_message": costs})
    heads = ("", *(f"{count:,} queues" for count in FANOUT))
    table("Microseconds for each delivered message, its share of the publish included (target: flat)", heads, rows)
    return figures


# One of many.


def _filters(plan: Plan) -> list[dict[str, Any]]:
    stores = [f"store-{number}" for number in range(FILTERED)]
    rows, figures = [], []
    with servers.eventyard(*NO_QUOTAS) as server:
        yard = Yard.of(server)
        for kind, raw in (("raw", True), ("envelope", False)):
            few, many = list[float](), list[float]()
            for number in range(1, plan.rounds + 1):
                for count, rates_of in ((1, few), (FILTERED, many)):
                    topic, urls = yard.subscribed(count, raw=raw, stores=stores[:count])
                    server.settle()
                    what = topics.publish(topic, stores[:count])
                    done = load.run(server, what, seconds=plan.seconds, connections=plan.connections)
                    yard.clear(topic, urls, done.requests, 1, 2 * plan.connections)
                    rates_of.append(done.rate)
                say(
                    f"filters: round {number} of {plan.rounds}: {kind}: {few[-1]:,.0f}/s with one subscription, "
                    f"{many[-1]:,.0f}/s with {FILTERED:,}"
                )
            cost = middle(single / of_many for single, of_many in zip(few, many, strict=True))
            rows.append((kind, f"{middle(few):,.0f}", f"{middle(many):,.0f}", f"{cost:.2f}", "<= 10"))
            figures.append({"kind": kind, "one_per_s": few, "many_per_s": many, "cost": cost})
    heads = ("", "1 subscription", f"1 of {FILTERED:,}", "cost of a publish", "target")
    table("Publish that one filtered subscription wants (publishes/s)", heads, rows)
    return figures


# Beside others.


def _beside(plan: Plan) -> dict[str, Any]:
    """Time 200 calls of SendMessage, one after the other, alone and beside five subscribers that are kept busy by a publisher."""
    alone, beside = list[float](), list[float]()
    with servers.eventyard() as server:
        yard = Yard.of(server)
        own = yard.sqs.create()[0]
        _calls(server, own)
        for number in range(1, plan.rounds + 1):
            alone.append(_calls(server, own))
            topic, urls = yard.subscribed(BUSY_SUBSCRIBERS, raw=False)
            command = [
                sys.executable,
                "-m",
                "benchmarks.busy",
                str(server.port),
                topic,
                str(BUSY_PUBLISHES_PER_S),
                *urls,
            ]
            busy = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=servers.ROOT / "scripts")
            try:
                _await_busy(busy)
                beside.append(_calls(server, own))
                if busy.poll() is not None:
                    raise BenchError("the busy subscribers ended too early")
            finally:
                busy.terminate()
                busy.wait()
            yard.topics.drop(topic)
            yard.sqs.drop(urls)
            say(f"beside: round {number} of {plan.rounds}: {alone[-1]:.3f} s alone, {beside[-1]:.3f} s beside")
    ratio = middle(busy_s / alone_s for busy_s, alone_s in zip(beside, alone, strict=True))
    rows = [(f"{CALLS} calls", f"{middle(alone):.3f}", f"{middle(beside):.3f}", f"{ratio:.2f}", "<= 2")]
    title = (
        f"SendMessage, one after the other, beside {BUSY_SUBSCRIBERS} subscribers that receive and delete while "
        f"{BUSY_PUBLISHES_PER_S} messages/s are published to each (seconds)"
    )
    table(title, ("", "alone", "beside", "ratio", "target"), rows)
    return {"alone_s": alone, "beside_s": beside, "ratio": ratio}


def _calls(server: Server, url: str) -> float:
    request, heads = queues.body(QueueUrl=url, MessageBody=queues.MESSAGE), queues.headers("SendMessage")
    began = time.perf_counter()
    for _ in range(CALLS):
        post(server.port, heads, request)
    return time.perf_counter() - began


def _await_busy(busy: subprocess.Popen[bytes]) -> None:
    if busy.stdout is None or busy.stdout.readline() != b"busy\n":
        raise BenchError("the busy subscribers did not start")
