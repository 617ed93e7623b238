"""`scripts/bench fanout`: messages a second that reach queues by way of SNS and of EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import events, queues, rates, servers, topics
from benchmarks.events import Buses
from benchmarks.queues import BATCH, Queues
from benchmarks.rates import Action, Prepared
from benchmarks.sns import Yard
from benchmarks.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load import Load
    from benchmarks.report import Plan
    from benchmarks.servers import Server

QUEUES = 10


def run(plan: Plan) -> list[dict[str, Any]]:
    """Measure, print the table and answer the figures."""
    with servers.echo() as echo, servers.eventyard() as server:
        sqs = Queues(server.port)
        return rates.measure(plan, server, echo, queues.send(sqs.create()), actions(server, sqs, plan.connections))


def actions(server: Server, sqs: Queues, connections: int) -> list[Action]:
    """List what is measured; the messages of an action are those that arrive in queues."""
    yard, spare = Yard(server, Topics(server.port), sqs), 2 * connections
    buses = Buses(server, sqs)

    def publish(name: str, make: Callable[[str], Load], each: int, *, raw: bool) -> Action:
        def prepare(_: int) -> Prepared:
            topic, urls = yard.subscribed(QUEUES, raw=raw)

            def finish(done: int) -> None:
                server.settle()
                yard.clear(topic, urls, done, each, spare)

            return Prepared(make(topic), finish)

        return Action(name, each, prepare)

    def put(_: int) -> Prepared:
        bus, url = buses.create(1)

        def finish(done: int) -> None:
            server.settle()
            buses.check(url, done, spare)

        return Prepared(events.put_events(bus, 1), finish)

    return [
        publish(f"Publish to {QUEUES} queues, raw", topics.publish, QUEUES, raw=True),
        publish(f"Publish to {QUEUES} queues, envelope", topics.publish, QUEUES, raw=False),
        publish(f"PublishBatch of {BATCH} to {QUEUES} queues, raw", topics.publish_batch, BATCH * QUEUES, raw=True),
        Action(f"PutEvents of {BATCH}, 1 rule, to a queue", BATCH, put),
    ]
