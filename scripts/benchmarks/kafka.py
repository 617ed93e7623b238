"""`scripts/bench kafka`: what is measured of Kafka, beside Apache Kafka where Java and Maven are at hand."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks import apache_kafka, kafka_group, kafka_load, librdkafka, load, queues, servers
from benchmarks import kafka_wire as wire
from benchmarks.apache_kafka import ApacheKafka
from benchmarks.kafka_load import ACKS_1, IDEMPOTENT, Broker, Latency, Rate
from benchmarks.queues import Queues
from benchmarks.report import MIB, BenchError, NotHereError, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.servers import Server

PARTS = ("throughput", "requests", "groups", "startup", "beside")
OWN = ("--kafka-memory", "3G")
"""More than the default of 1 GiB, so that a run's records stay; Apache Kafka has all of the file system."""

SIZES = (100, 1024)
AT_ONCE, IDEMPOTENT_AT_ONCE = "{:,} B, at once", "{:,} B, at once, idempotent, acks=all"
TARGETS = {AT_ONCE.format(100): ">= 1,000,000, CPU < 0.25", AT_ONCE.format(1024): ">= 400,000"}
Figure = TypeVar("Figure")
Columns = dict[str, list[Figure]]
"""What the rounds gave, by the broker's name; ours is the first."""

MEMBERS, PARTITIONS = 100, 1_000
IDLE_S = 2.0
UNDER_LOAD_S = 1.0
"""How long a load runs before something is measured beside it."""
RETENTION = {"retention.bytes": str(512 * MIB)}


def run(plan: Plan, parts: Collection[str], *, alone: bool) -> dict[str, Any]:
    """Measure the parts asked for, print their tables and answer the figures."""
    bench = Bench(plan, alone=alone)
    measures: dict[str, Callable[[], object]] = {
        "throughput": bench.throughput,
        "requests": bench.requests,
        "groups": bench.groups,
        "startup": bench.startup,
        "beside": bench.beside,
    }
    return {"machine": bench.machine} | {part: measures[part]() for part in PARTS if part in parts}


class Bench:
    """The measures, with both brokers or with ours alone."""

    def __init__(self, plan: Plan, *, alone: bool) -> None:
        self._plan = plan
        self._jars: Path | None = None
        against = "without Apache Kafka"
        if not alone:
            try:
                self._jars = apache_kafka.fetch()
                against = f"Apache Kafka {apache_kafka.VERSION}"
            except NotHereError as error:
                against = f"Apache Kafka is left out: {error.format_message()}"
        busy = os.getloadavg()[0]
        self.machine = (
            f"{os.cpu_count()} processors, load {busy:.1f} before; librdkafka {librdkafka.version()}; {against}"
        )
        print(self.machine, flush=True)

    @contextmanager
    def _brokers(self) -> Iterator[list[Broker]]:
        """Start the brokers: ours first."""
        with ExitStack() as stack:
            brokers = [Broker(stack.enter_context(make())) for make in self._makers()]
            try:
                yield brokers
            except BenchError as error:
                told = "; ".join(f"{broker.name}: {broker.server.complaint()}" for broker in brokers)
                raise BenchError(f"{error.format_message()} ({told})") from None

    def _makers(self) -> list[Callable[[], Server]]:
        makers: list[Callable[[], Server]] = [lambda: servers.eventyard_with_kafka(*OWN)]
        if (jars := self._jars) is not None:
            makers.append(lambda: ApacheKafka(jars, _answers))
        return makers

    def _rounds(self) -> range:
        return range(1, self._plan.rounds + 1)

    # The parts.

    def throughput(self) -> dict[str, Any]:
        """Measure full throughput, one producer and one consumer, both ways and at once, plain and idempotent."""
        seconds = self._plan.seconds
        found: dict[str, Columns[Rate]] = {}

        def note(what: str, broker: Broker, rate: Rate) -> None:
            found.setdefault(what, {}).setdefault(broker.name, []).append(rate)
            say(f"throughput: {broker.name}: {what}: {rate.per_s:,.0f} records/s, broker {rate.broker_share:.2f}")

        with self._brokers() as brokers:
            for broker in brokers:
                with broker.topic() as topic:
                    note("cold: 100 B, at once", broker, broker.both(topic, 100, seconds, ACKS_1))
                broker.warm_up()
            for _ in self._rounds():
                for size in SIZES:
                    for broker in brokers:
                        with broker.topic() as topic:
                            produced = broker.produce(topic, size, seconds, ACKS_1)
                            note(f"{size:,} B, produce", broker, produced)
                            note(f"{size:,} B, consume", broker, broker.consume(topic, produced.records))
                    for broker in brokers:
                        for settings, label in ((ACKS_1, AT_ONCE), (IDEMPOTENT, IDEMPOTENT_AT_ONCE)):
                            with broker.topic() as topic:
                                note(label.format(size), broker, broker.both(topic, size, seconds, settings))
            memory = {broker.name: broker.server.rss_bytes() / MIB for broker in brokers}
        _print_throughput(self._plan, found)
        return {"rates": _plain(found), "rss_after_mb": memory}

    def requests(self) -> dict[str, Any]:
        """Measure requests of one record: how many a second, and how long each takes at a steady pace."""
        seconds = self._plan.seconds
        rates: dict[str, Columns[Rate]] = {}
        latencies: Columns[Latency] = {}
        kinds: tuple[tuple[str, Callable[[Broker, str], Rate]], ...] = (
            (
                f"{kafka_load.CONNECTIONS} connections, {kafka_load.PIPELINE} requests on their way in each",
                lambda broker, topic: broker.requests(topic, seconds),
            ),
            (
                "librdkafka with batch.num.messages=1",
                lambda broker, topic: broker.produce(
                    topic, kafka_load.ONE_RECORD_BYTES, seconds, kafka_load.ONE_RECORD
                ),
            ),
        )
        with self._brokers() as brokers:
            for broker in brokers:
                with broker.topic() as topic:
                    broker.requests(topic, seconds)
            for _ in self._rounds():
                for label, measure in kinds:
                    for broker in brokers:
                        with broker.topic() as topic:
                            rate = measure(broker, topic)
                        rates.setdefault(label, {}).setdefault(broker.name, []).append(rate)
                        say(
                            f"requests: {broker.name}: {label}: {rate.per_s:,.0f}/s, {rate.broker_us:.1f} us of the broker"
                        )
                for broker in brokers:
                    with broker.topic() as topic:
                        latency = broker.latency(topic, seconds)
                    latencies.setdefault(broker.name, []).append(latency)
                    say(f"requests: {broker.name}: p50 {latency.p50_ms:.3f} ms, p99 {latency.p99_ms:.3f} ms")
        _print_requests(self._plan, rates, latencies)
        return {"rates": _plain(rates), "latencies": _plain({"paced": latencies})["paced"]}

    def groups(self) -> Columns[float]:
        """Time until a large group has settled."""
        took: Columns[float] = {}
        with self._brokers() as brokers, ExitStack() as stack:
            topics = [stack.enter_context(broker.topic(partitions=PARTITIONS)) for broker in brokers]
            for number in (0, *self._rounds()):
                for broker, topic in zip(brokers, topics, strict=True):
                    settled_s = kafka_group.settle(broker.port, f"group-{number}", topic, PARTITIONS, MEMBERS)
                    if number:  # the first one warms up: Apache Kafka makes its topic for the offsets
                        took.setdefault(broker.name, []).append(settled_s)
                    say(f"groups: {broker.name}: settled after {settled_s:.3f} s")
        title = (
            f"A group of {MEMBERS} members over {PARTITIONS:,} partitions, from the first JoinGroup until all have theirs "
            f"(seconds, median of {self._plan.rounds}; heartbeats every {kafka_group.BEAT_EVERY_S} s)"
        )
        _table(title, [_row("all members join at once", took, 3, "< 2")], took)
        return took

    def startup(self) -> dict[str, Columns[float]]:
        """Time until each broker answers, and its memory when it then idles. The first start of each does not count."""
        started: Columns[float] = {}
        idle: Columns[float] = {}
        for number in range(self._plan.starts + 1):
            for make in self._makers():
                with make() as server:
                    if not _answers(server.kafka_port):
                        raise BenchError(f"{server.name} does not answer")
                    time.sleep(IDLE_S)
                    if number:
                        started.setdefault(server.name, []).append(server.started_s)
                        idle.setdefault(server.name, []).append(server.rss_bytes() / MIB)
            say(f"startup: start {number} of {self._plan.starts}")
        rows = [
            _row("spawn until Ready. (Apache Kafka: until ApiVersions is answered), s", started, 3, "< 0.6"),
            _row("idle memory (RSS), MB", idle, 1, ""),
        ]
        _table(f"Start-up and idle memory (median of {self._plan.starts} starts)", rows, started)
        return {"started_s": started, "idle_mb": idle}

    def beside(self) -> dict[str, Any]:
        """Time SendMessage, one after the other, with Kafka idle and at full load in the same process."""
        results: dict[str, list[load.Result]] = {"Kafka idle": [], "Kafka at full load": []}
        carried = list[float]()
        with servers.eventyard_with_kafka(*OWN) as server:
            broker, sqs = Broker(server), Queues(server.port)
            broker.warm_up()
            what = queues.send(sqs.create())
            load.run(server, what, seconds=1, connections=1)
            for _ in self._rounds():
                results["Kafka idle"].append(load.run(server, what, seconds=self._plan.seconds, connections=1))
                with broker.topic(RETENTION) as topic, kafka_load.busy(broker.port, topic, 100) as came:
                    time.sleep(UNDER_LOAD_S)
                    began, before = time.perf_counter(), came[0]
                    results["Kafka at full load"].append(
                        load.run(server, what, seconds=self._plan.seconds, connections=1)
                    )
                    carried.append((came[0] - before) / (time.perf_counter() - began))
                say(f"beside: p99 {', '.join(f'{name}: {own[-1].p99_ms:.2f} ms' for name, own in results.items())}")
        rows = [
            (
                name,
                f"{middle(one.p50_ms for one in own):.2f}",
                f"{middle(one.p99_ms for one in own):.2f}",
                f"{middle(one.max_ms for one in own):.2f}",
                f"{middle(one.rate for one in own):,.0f}",
            )
            for name, own in results.items()
        ]
        title = (
            f"SendMessage over one connection, one after the other, beside {middle(carried):,.0f} Kafka records/s in and out of the same "
            f"process, whose clients need both processors (median of {self._plan.rounds} x {self._plan.seconds} s)"
        )
        table(title, ("", "p50 ms", "p99 ms", "max ms", "requests/s"), rows)
        return {name: [asdict(one) for one in own] for name, own in results.items()} | {"records_per_s": carried}


def _answers(port: int) -> bool:
    """Whether a broker answers ApiVersions."""
    try:
        with wire.Wire(port) as connection:
            return connection.call(wire.API_VERSIONS).number(2) == 0
    except OSError:
        return False


# Tables.


def _print_throughput(plan: Plan, found: Mapping[str, Columns[Rate]]) -> None:
    rows = []
    for what, columns in found.items():
        rates = {name: [rate.per_s for rate in own] for name, own in columns.items()}
        shares = [f"{middle(rate.broker_share for rate in own):.2f}" for own in columns.values()]
        label, *figures, ratio, target = _row(what, rates, 0, TARGETS.get(what, ""))
        rows.append((label, *(cell for pair in zip(figures, shares, strict=True) for cell in pair), ratio, target))
    heads = ("", *(head for name in next(iter(found.values())) for head in (name, "broker's CPU")), "ratio", "target")
    title = (
        f"Records/s through one partition, and how much of one processor the broker took (median of {plan.rounds} x {plan.seconds} s or "
        "1 GiB; after 1 GiB was written and deleted, but for the first line)"
    )
    table(title, heads, rows)
    rows = []
    for size in SIZES:
        plain, idempotent = found[AT_ONCE.format(size)], found[IDEMPOTENT_AT_ONCE.format(size)]
        ratios = {
            name: [own.per_s / base.per_s for own, base in zip(idempotent[name], plain[name], strict=True)]
            for name in plain
        }
        rows.append((f"{size:,} B, at once", *(f"{middle(own):.2f}" for own in ratios.values()), ">= 0.9"))
    table("Idempotent with acks=all as ratio to acks=1", ("", *found[AT_ONCE.format(SIZES[0])], "target"), rows)


def _print_requests(plan: Plan, found: Mapping[str, Columns[Rate]], latencies: Columns[Latency]) -> None:
    rows = [
        _row(what, {name: [rate.per_s for rate in own] for name, own in columns.items()}, 0, target)
        for (what, columns), target in zip(found.items(), (">= 30,000", ""), strict=True)
    ]
    rows += [
        _row(
            "  the broker's processor time for each, us",
            {name: [rate.broker_us for rate in own] for name, own in columns.items()},
            1,
        )
        for columns in list(found.values())[:1]
    ]
    _table(f"Produce requests of one record a second (median of {plan.rounds} x {plan.seconds} s)", rows, latencies)
    rows = [
        _row("p50", {name: [one.p50_ms for one in own] for name, own in latencies.items()}, 3),
        _row("p99", {name: [one.p99_ms for one in own] for name, own in latencies.items()}, 3, "< 1"),
        _row("max", {name: [one.max_ms for one in own] for name, own in latencies.items()}, 3),
    ]
    _table(f"Latency of such a request, acks=all, at {kafka_load.PACE_PER_S:,}/s (ms)", rows, latencies)


def _table(title: str, rows: Iterable[Sequence[str]], columns: Mapping[str, object]) -> None:
    table(title, ("", *columns, "ratio", "target"), rows)


def _row(label: str, columns: Columns[float], digits: int, target: str = "") -> tuple[str, ...]:
    """Write the medians of the brokers and the median of the rounds' ratios."""
    own, *others = columns.values()
    ratio = [f"{middle(mine / its for mine, its in zip(own, other, strict=True)):.2f}" for other in others]
    return (label, *(f"{middle(figures):,.{digits}f}" for figures in columns.values()), *(ratio or [""]), target)


def _plain(found: Mapping[str, Columns[Rate]] | Mapping[str, Columns[Latency]]) -> dict[str, Any]:
    return {
        what: {name: [asdict(one) for one in own] for name, own in columns.items()} for what, columns in found.items()
    }
