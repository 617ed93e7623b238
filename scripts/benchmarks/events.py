"""`scripts/bench events`: what is measured of Amazon EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from benchmarks import queues, rates, servers
from benchmarks.client import post, post_all
from benchmarks.load import Load
from benchmarks.queues import BATCH, Queues
from benchmarks.rates import Action, Prepared
from benchmarks.report import BenchError, table

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchmarks.report import Plan
    from benchmarks.servers import Server

PARTS = ("rates",)
MANY = 1_000
NO_QUOTAS = ("--quotas", "0")
"""AWS allows 300 rules on a bus unless asked for more."""


def run(plan: Plan, parts: Collection[str]) -> dict[str, Any]:
    """Measure the parts asked for, print their tables and answer the figures."""
    return {part: _rates(plan) for part in PARTS if part in parts}


def headers(operation: str) -> dict[str, str]:
    """Write the headers of boto3."""
    found = queues.headers(operation)
    del found["x-amzn-query-mode"]
    found["X-Amz-Target"] = f"AWSEvents.{operation}"
    found["Content-Type"] = "application/x-amz-json-1.1"
    found["Authorization"] = found["Authorization"].replace("/sqs/", "/events/")
    return found


def call(server: Server, operation: str, **parameters: object) -> dict[str, Any]:
    """Make one request."""
    answer: dict[str, Any] = orjson.loads(post(server.port, headers(operation), queues.body(**parameters)) or b"{}")
    return answer


def put_events(bus: str, kinds: int) -> Load:
    """PutEvents of ten, with each of the detail types in turn."""
    bodies = []
    for first in range(0, max(kinds, BATCH), BATCH):
        entries = [
            {
                "Source": "shop",
                "DetailType": f"kind-{(first + number) % kinds}",
                "Detail": queues.MESSAGE,
                "EventBusName": bus,
            }
            for number in range(BATCH)
        ]
        bodies.append(queues.body(Entries=entries))
    return Load(headers("PutEvents"), bodies)


class Buses:
    """Buses whose rules send to one queue each."""

    def __init__(self, server: Server, sqs: Queues) -> None:
        self._server = server
        self._sqs = sqs
        self._made = 0

    def create(self, rules: int) -> tuple[str, str]:
        """Make a bus with rules that each want a detail type of their own, all with one queue as their target."""
        self._made += 1
        bus = f"bench-{self._made}"
        call(self._server, "CreateEventBus", Name=bus)
        url = self._sqs.create()[0]
        arn = f"arn:aws:sqs:us-east-1:000000000000:{url.rpartition('/')[2]}"
        names = [f"rule-{number}" for number in range(rules)]
        patterns = [
            orjson.dumps({"source": ["shop"], "detail-type": [f"kind-{number}"]}).decode() for number in range(rules)
        ]
        puts = (
            queues.body(Name=name, EventBusName=bus, EventPattern=pattern)
            for name, pattern in zip(names, patterns, strict=True)
        )
        post_all(self._server.port, headers("PutRule"), puts, lambda *_: None)
        targets = (queues.body(Rule=name, EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}]) for name in names)
        post_all(self._server.port, headers("PutTargets"), targets, lambda *_: None)
        return bus, url

    def check(self, url: str, requests: int, spare: int) -> None:
        """See that the queue holds what was put, and drop it."""
        have = self._sqs.counts([url])[0]
        if not requests * BATCH <= have <= (requests + spare) * BATCH:
            raise BenchError(f"wrk counted {requests * BATCH:,} events, but the queue holds {have:,}")
        self._sqs.drop([url])


def _rates(plan: Plan) -> list[dict[str, Any]]:
    with servers.echo() as echo, servers.eventyard(*NO_QUOTAS) as server:
        sqs = Queues(server.port)
        buses = Buses(server, sqs)
        yardstick = queues.send(sqs.create())
        spare = 2 * plan.connections

        def batches(_: int) -> Prepared:
            urls = sqs.create()
            return Prepared(queues.send_batch(urls), lambda _: sqs.drop(urls))

        def events(rules: int) -> Action:
            def prepare(_: int) -> Prepared:
                bus, url = buses.create(rules)

                def finish(done: int) -> None:
                    server.settle()
                    buses.check(url, done, spare)

                return Prepared(put_events(bus, rules), finish)

            return Action(f"PutEvents of 10, {rules:,} rules, one matches each", BATCH, prepare)

        actions = [Action("SendMessageBatch of 10", BATCH, batches), events(1), events(MANY)]
        figures = rates.measure(plan, server, echo, yardstick, actions)
    batch = figures[0]["requests_per_s"]
    rows = [(one["name"], f"{one['requests_per_s'] / batch:.2f}") for one in figures[1:]]
    table("As ratio to SendMessageBatch of 10", ("", "ratio"), rows)
    return figures
