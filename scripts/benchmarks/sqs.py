"""`scripts/bench sqs`: what is measured of Amazon SQS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from benchmarks import latency, queues, rates, scale, servers, startup
from benchmarks.queues import BATCH, IN_FLIGHT_MAX, Queues
from benchmarks.rates import Action, Prepared
from benchmarks.report import BenchError, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from benchmarks.load import Load

PARTS = ("startup", "rates", "backlog", "fifo", "queues", "parked", "latency", "wake")


def run(plan: Plan, parts: Collection[str]) -> dict[str, Any]:
    """Measure the parts asked for, print their tables and answer the figures."""
    measures: dict[str, Callable[[], object]] = {
        "startup": lambda: start_up(plan),
        "rates": lambda: _rates(plan),
        "backlog": lambda: scale.backlog(plan),
        "fifo": lambda: scale.fifo(plan),
        "queues": lambda: scale.many_queues(plan),
        "parked": lambda: scale.parked(plan),
        "latency": lambda: latency.measure(plan),
        "wake": lambda: latency.wake(plan),
    }
    return {part: measures[part]() for part in PARTS if part in parts}


def start_up(plan: Plan) -> dict[str, Any]:
    """Measure the start, and show what its imports take."""
    figures = startup.measure(plan, queues.headers("CreateQueue"), queues.body(QueueName="first"))
    return figures | {"profile": startup.profile()}


def _rates(plan: Plan) -> list[dict[str, Any]]:
    with servers.echo() as echo, servers.eventyard() as server:
        sqs = Queues(server.port)
        yardstick = queues.send(sqs.create())
        actions = Actions(sqs, plan.connections)
        return rates.measure(plan, server, echo, yardstick, actions.all())


class Actions:
    """The actions whose rates are measured, each on queues of its own. After a run the counts of the queues must show what
    wrk counted: that the answers were not empty, and that no handle was used twice.
    """

    def __init__(self, sqs: Queues, connections: int) -> None:
        self._sqs = sqs
        self._unread = 2 * connections
        """Requests that the server may have done although wrk had stopped reading."""

    def all(self) -> list[Action]:
        """List the actions in the order of the table."""
        return [
            Action("SendMessage", 1, lambda _: self._send(queues.send, 1), target=">= 1.0"),
            Action("ReceiveMessage", 1, lambda wanted: self._receive(wanted, 1), target=">= 1.0"),
            Action("DeleteMessage", 1, lambda wanted: self._delete(wanted, queues.delete, 1), target=">= 1.0"),
            Action("SendMessageBatch of 10", BATCH, lambda _: self._send(queues.send_batch, BATCH)),
            Action("ReceiveMessage of 10", BATCH, lambda wanted: self._receive(wanted, BATCH)),
            Action("DeleteMessageBatch of 10", BATCH, lambda wanted: self._delete(wanted, queues.delete_batch, BATCH)),
            Action("ReceiveMessage, empty", 0, lambda _: self._receive_nothing()),
        ]

    def _send(self, make: Callable[[list[str]], Load], each: int) -> Prepared:
        urls = self._sqs.create()
        return Prepared(
            make(urls), lambda done: self._finish(urls, done * each, lambda: self._sqs.counts(urls)[0], each)
        )

    def _receive(self, wanted: int, each: int) -> Prepared:
        urls = self._sqs.create(math.ceil(wanted * each / IN_FLIGHT_MAX))
        self._sqs.fill(urls, wanted * each, "filling the queues to receive from")
        load = queues.receive(urls, each, wanted)
        return Prepared(load, lambda done: self._finish(urls, done * each, lambda: self._sqs.counts(urls)[1], each))

    def _delete(self, wanted: int, make: Callable[[list[tuple[str, str]]], Load], each: int) -> Prepared:
        urls = self._sqs.create(math.ceil(wanted * each / IN_FLIGHT_MAX))
        filled = self._sqs.fill(urls, wanted * each, "filling the queues to delete from")
        handles = self._sqs.take(urls, wanted * each, "receiving handles to delete")
        load = make(handles)
        return Prepared(
            load, lambda done: self._finish(urls, done * each, lambda: filled - sum(self._sqs.counts(urls)), each)
        )

    def _receive_nothing(self) -> Prepared:
        urls = self._sqs.create()
        return Prepared(
            queues.receive(urls, 1, 0), lambda _: self._finish(urls, 0, lambda: sum(self._sqs.counts(urls)), 0)
        )

    def _finish(self, urls: list[str], counted: int, moved: Callable[[], int], each: int) -> None:
        shown = moved()
        if not counted <= shown <= counted + self._unread * each:
            raise BenchError(f"wrk counted {counted:,} messages, but the queues show {shown:,}")
        self._sqs.drop(urls)
