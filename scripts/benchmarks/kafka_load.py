"""Loads on a Kafka broker: full throughput with librdkafka, requests of one record over connections of the bench's own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks import kafka_wire as wire
from benchmarks.librdkafka import QUEUE, Consumer, Producer
from benchmarks.report import MIB, BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from struct import Struct

    from benchmarks.servers import Server

ACKS_1 = {"acks": "1"}
IDEMPOTENT = {"enable.idempotence": "true", "acks": "all"}
ONE_RECORD = {"acks": "1", "linger.ms": "0", "batch.num.messages": "1", QUEUE: "10000"}
"""With a short queue: what is in it when the time is up is still sent."""

RUN_BYTES_MAX = 1024 * MIB
"""What one run writes at most; the brokers hold it in memory until its topic is deleted."""
RECORD_OVERHEAD_BYTES = 16
WARM_UP_S = 30
STALLED_S = 30
CONNECT_S = 0.3
"""A consumer gets this long to connect and to wait, as one that follows its topic."""

CONNECTIONS = 8
PIPELINE = 32
"""Requests of a connection that are on their way."""
ONE_RECORD_BYTES = 100
PACE_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What a run gave. The share is the broker's processor time by the run's, as part of one processor."""

    records: int
    seconds: float
    broker_share: float

    @property
    def per_s(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    @property
    def broker_us(self) -> float:
        """Processor time of the broker for each record."""
        return self.broker_share * self.seconds * 1e6 / self.records


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class Broker:
    """A server as the loads see it; gives each run a topic of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = server.kafka_port
        self._made = 0

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.server.name

    @contextmanager
    def topic(self, configs: Mapping[str, str] | None = None, *, partitions: int = 1) -> Iterator[str]:
        """Make a topic and delete it again."""
        self._made += 1
        topic = f"bench-{self._made}"
        wire.create_topic(self.port, topic, partitions, configs or {})
        yield topic
        wire.delete_topic(self.port, topic)
        self.server.settle()

    def warm_up(self) -> None:
        """Write and delete as much as a run does at most, so that the broker has its memory; and see that it has producer ids."""
        wire.await_producer_ids(self.port)
        with self.topic() as topic, Producer(self.port, topic, 1024, ACKS_1) as producer:
            producer.produce_for(WARM_UP_S, records_max(1024))

    def _timed(self, began: float, processor_s: float, records: int) -> Rate:
        seconds = time.perf_counter() - began
        return Rate(records, seconds, (self.server.processor_s() - processor_s) / seconds)

    # Full throughput.

    def produce(self, topic: str, size: int, seconds: float, settings: Mapping[str, str]) -> Rate:
        """Produce at full speed until the broker has answered all; see that all is there."""
        with Producer(self.port, topic, size, settings) as producer:
            began, processor_s = time.perf_counter(), self.server.processor_s()
            made = producer.produce_for(seconds, records_max(size))
            rate = self._timed(began, processor_s, made)
        self._check_end(topic, made)
        return rate

    def consume(self, topic: str, records: int) -> Rate:
        """Read so many records from the beginning."""
        began, processor_s = time.perf_counter(), self.server.processor_s()
        with Consumer(self.port, topic) as consumer:
            _consume(consumer, lambda: records)
            return self._timed(began, processor_s, records)

    def both(self, topic: str, size: int, seconds: float, settings: Mapping[str, str]) -> Rate:
        """Produce and consume at once, until the last record has come out."""
        made = 0
        ended: list[Rate] = []
        failed: list[BenchError] = []

        def follow() -> None:
            try:
                _consume(consumer, lambda: made)
                ended.append(self._timed(began, processor_s, made))
            except BenchError as error:
                failed.append(error)

        with Consumer(self.port, topic) as consumer, Producer(self.port, topic, size, settings) as producer:
            time.sleep(CONNECT_S)
            began, processor_s = time.perf_counter(), self.server.processor_s()
            follower = threading.Thread(target=follow)
            follower.start()
            try:
                made = producer.produce_for(seconds, records_max(size))
            finally:
                made = made or -1
                follower.join()
        if failed:
            raise failed[0]
        self._check_end(topic, made)
        return ended[0]

    def _check_end(self, topic: str, made: int) -> None:
        if (end := wire.end_offset(self.port, topic)) != made:
            raise BenchError(f"{self.name}: {made:,} records were produced, but the topic ends at {end:,}")

    # One record each.

    def requests(self, topic: str, seconds: float) -> Rate:
        """Send Produce requests of one record over a few connections, each with many on their way."""
        body = wire.produce(topic, wire.batch(bytes(ONE_RECORD_BYTES), time.time_ns() // 1_000_000), acks=1)
        ask = b"".join(wire.frame(wire.PRODUCE, body, number) for number in range(PIPELINE))
        shape = wire.produced(topic)
        connections = [wire.Wire(self.port) for _ in range(CONNECTIONS)]
        try:
            began, processor_s = time.perf_counter(), self.server.processor_s()
            for connection in connections:
                connection.socket.sendall(ask)
            sent, answered = CONNECTIONS, 0
            while answered < sent:
                connection = connections[answered % CONNECTIONS]
                _check_produced(shape, connection.receive(PIPELINE * shape.size))
                answered += 1
                if time.perf_counter() - began < seconds:
                    connection.socket.sendall(ask)
                    sent += 1
            rate = self._timed(began, processor_s, answered * PIPELINE)
        finally:
            for connection in connections:
                connection.socket.close()
        self._check_end(topic, rate.records)
        return rate

    def latency(self, topic: str, seconds: float) -> Latency:
        """Send requests of one record at a steady pace and time each answer."""
        body = wire.produce(topic, wire.batch(bytes(ONE_RECORD_BYTES), time.time_ns() // 1_000_000), acks=-1)
        shape, took = wire.produced(topic), list[float]()
        with wire.Wire(self.port) as connection:
            due = time.perf_counter()
            for _ in range(int(seconds * PACE_PER_S)):
                due += 1 / PACE_PER_S
                time.sleep(max(0.0, due - time.perf_counter()))
                began = time.perf_counter()
                connection.socket.sendall(wire.frame(wire.PRODUCE, body, 0))
                answer = connection.receive(shape.size)
                took.append(time.perf_counter() - began)
                _check_produced(shape, answer)
        hundredths = quantiles(took, n=100)
        return Latency(1000 * hundredths[49], 1000 * hundredths[98], 1000 * max(took))


def records_max(size: int) -> int:
    """Say how many records of a size a run may write."""
    return RUN_BYTES_MAX // (size + RECORD_OVERHEAD_BYTES)


@contextmanager
def busy(port: int, topic: str, size: int) -> Iterator[list[int]]:
    """Keep a broker busy with a producer and a consumer at full speed; the list has one number, how many records came out so far."""
    stop, came = threading.Event(), [0]
    failed: list[BenchError] = []

    def produce() -> None:
        try:
            with Producer(port, topic, size, ACKS_1) as producer:
                while not stop.is_set():
                    producer.produce(PIPELINE * 100)
        except BenchError as error:
            failed.append(error)

    def consume() -> None:
        try:
            with Consumer(port, topic) as consumer:
                while not stop.is_set():
                    came[0] += consumer.consume()
        except BenchError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for work in (produce, consume)]
    for thread in threads:
        thread.start()
    try:
        yield came
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


def _consume(consumer: Consumer, wanted: Callable[[], int]) -> None:
    """Read until so many have come as are wanted, which may not be known at first (0); a negative number ends it."""
    got, last = 0, time.monotonic()
    while not wanted() or got < wanted():
        if count := consumer.consume():
            got, last = got + count, time.monotonic()
        elif time.monotonic() - last > STALLED_S:
            raise BenchError(f"the consumer has got {got:,} of {wanted():,} records, and none for {STALLED_S} s")


def _check_produced(shape: Struct, answers: bytes) -> None:
    for answer in shape.iter_unpack(answers):
        if error := answer[wire.PRODUCED_ERROR]:
            raise BenchError(f"Produce: error {error}")
