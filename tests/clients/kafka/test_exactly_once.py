"""Consume, process, produce, exactly once: the workers (programs/) are killed again and again, and once the server is.

A worker that is killed leaves an open transaction, offsets that are not committed and a member of the group; the next one has its
transactional id and its place in the group. At the end every message is in the target once.
"""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.server import Server, environment

Fresh = Callable[[str], str]
CLIENTS = ["confluent", "kafka_python", "aiokafka"]
POINTS = ["consumed", "produced", "offsets", "commit", "committed"]
ROOT = Path(__file__).parents[3]
PARTITIONS = 3
TOTAL = 300
WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""


class Job:
    """A source with TOTAL messages, an empty target, and workers one after the other."""

    def __init__(self, bootstrap: str, client: str, name: str) -> None:
        self.bootstrap = bootstrap
        self.client = client
        self.name = name
        self.source, self.target = f"{name}-source", f"{name}-target"
        self.values = [b"%d" % number for number in range(TOTAL)]
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for made in admin.create_topics(
            [NewTopic(topic, PARTITIONS, 1) for topic in (self.source, self.target)]
        ).values():
            made.result(WAIT_S)
        producer = Producer({"bootstrap.servers": bootstrap})
        for number, value in enumerate(self.values):
            producer.produce(self.source, value, partition=number % PARTITIONS)
        assert producer.flush(WAIT_S) == 0

    @contextmanager
    def worker(self, plan: str = "") -> Iterator[subprocess.Popen[str]]:
        """Start a worker; its output are the numbers of messages done, one line a transaction."""
        names = (self.source, self.target, self.name)
        module = f"tests.clients.kafka.programs.{self.client}_worker"
        command = [sys.executable, "-m", module, self.bootstrap, *names, str(PARTITIONS), str(TOTAL), plan]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def end(self) -> None:
        """Let workers work, one after the other where one gives up, until all is done."""
        errors = ""
        for _ in range(5):
            with self.worker() as process:
                _, errors = process.communicate(timeout=2 * WAIT_S)
            if process.returncode == 0:
                return
        raise AssertionError(errors)

    def check(self) -> None:
        """Each message is in the target once, and in its partition; the group is at the end."""
        assert sorted(self.output(), key=int) == self.values
        assert self.committed() == [TOTAL // PARTITIONS] * PARTITIONS

    def output(self) -> list[bytes]:
        """All that a reader of committed records sees in the target."""
        with self.reader() as one:
            one.assign([TopicPartition(self.target, partition, 0) for partition in range(PARTITIONS)])
            values: list[bytes] = []
            at_end = 0
            while at_end < PARTITIONS:
                message = one.poll(WAIT_S)
                assert message is not None
                if (error := message.error()) is None:
                    values.append(message.value() or b"")
                else:
                    assert error.name() == "_PARTITION_EOF", error
                    at_end += 1
        return values

    def committed(self) -> list[int]:
        with self.reader() as one:
            places = [TopicPartition(self.source, partition) for partition in range(PARTITIONS)]
            return [place.offset for place in one.committed(places, WAIT_S)]

    @contextmanager
    def reader(self) -> Iterator[Consumer]:
        settings = {
            "bootstrap.servers": self.bootstrap,
            "group.id": self.name,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
        one = Consumer(settings)
        try:
            yield one
        finally:
            one.close()


@pytest.fixture
def seed() -> int:
    number = random.SystemRandom().randrange(1 << 32)
    print(f"seed {number}")
    return number


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_lost_or_doubled_by_workers_that_are_killed_at_each_step(
    bootstrap: str, fresh: Fresh, client: str, seed: int
) -> None:
    choose = random.Random(seed)
    work = Job(bootstrap, client, fresh("work"))
    for point in choose.sample(POINTS, len(POINTS)):
        with work.worker(f"{point}:{choose.randint(1, 4)}") as process:
            _, errors = process.communicate(timeout=2 * WAIT_S)
            assert process.returncode == -signal.SIGKILL, errors
    work.end()
    work.check()


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_lost_or_doubled_by_workers_that_are_killed_while_they_commit(
    bootstrap: str, fresh: Fresh, client: str, seed: int
) -> None:
    choose = random.Random(seed)
    work = Job(bootstrap, client, fresh("work"))
    for _ in range(3):
        with work.worker(f"commit:{choose.randint(1, 3)}:{choose.uniform(0.01, 3):.2f}") as process:
            _, errors = process.communicate(timeout=2 * WAIT_S)
            assert process.returncode == -signal.SIGKILL, errors
    work.end()
    work.check()


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_lost_or_doubled_when_the_server_is_killed(
    fresh: Fresh, client: str, seed: int, tmp_path: Path
) -> None:
    choose = random.Random(seed)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    flags = ("--port", "0", "--kafka-port", str(port), "--data-dir", str(tmp_path))
    with Server(*flags) as server:
        work = Job(server.kafka, client, fresh("work"))
        with work.worker() as process:
            for _ in range(choose.randint(2, 8)):
                assert process.stdout is not None
                assert process.stdout.readline()
            server.stop(signal.SIGKILL)
            with Server(*flags):
                _, errors = process.communicate(timeout=2 * WAIT_S)
                assert process.returncode in (0, 1), errors
                work.end()
                work.check()
