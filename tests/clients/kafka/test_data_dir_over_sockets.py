"""--data-dir from outside: what was acknowledged is there after the server was killed, and what cannot be used is said in one line."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from tests.support.server import Server, run

WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""
PARTITIONS = 3


@pytest.fixture
def port() -> int:
    """A port that is free: clients find the server there again."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        number: int = taken.getsockname()[1]
    return number


@pytest.fixture
def start(tmp_path: Path, port: int) -> Callable[[], Server]:
    """Start a server on the folder and the port."""
    return lambda: Server("--port", "0", "--kafka-port", str(port), "--data-dir", str(tmp_path))


@contextmanager
def consumer(bootstrap: str, group: str) -> Iterator[Consumer]:
    one = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        yield one
    finally:
        one.close()


def create(bootstrap: str, topic: str, partitions: int, **configs: str) -> None:
    settings = {name.replace("_", "."): value for name, value in configs.items()}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(WAIT_S)


def read_all(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> list[Message]:
    """Read all partitions to their ends."""
    messages: list[Message] = []
    at_end = 0
    with consumer(bootstrap, "reader") as one:
        one.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        while at_end < partitions:
            message = one.poll(WAIT_S)
            assert message is not None
            if (error := message.error()) is None:
                messages.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                at_end += 1
    return messages


@pytest.mark.parametrize("idempotence", [False, True], ids=["plain", "idempotent"])
def test_what_was_acknowledged_before_the_server_was_killed_is_there_after_it(
    start: Callable[[], Server], *, idempotence: bool
) -> None:
    acknowledged: dict[bytes, tuple[int, int]] = {}

    def note(error: KafkaError | None, message: Message) -> None:
        if error is None:
            acknowledged[message.value() or b""] = (message.partition() or 0, message.offset() or 0)

    with start() as server:
        create(server.kafka, "orders", PARTITIONS)
        settings = {
            "bootstrap.servers": server.kafka,
            "acks": "all",
            "enable.idempotence": idempotence,
            "linger.ms": 1,
            "batch.num.messages": 50,  # many requests, so that the end meets some of them
        }
        producer = Producer(settings)
        number = 0
        while len(acknowledged) < 5000:
            producer.produce("orders", b"%d" % number, partition=number % PARTITIONS, on_delivery=note)
            number += 1
            producer.poll(WAIT_S if number - len(acknowledged) > 2000 else 0)
        server.stop(signal.SIGKILL)
        before = dict(acknowledged)
        with start() as again:
            assert producer.flush(WAIT_S) == 0
            found = [
                (message.value(), (message.partition(), message.offset()))
                for message in read_all(again.kafka, "orders")
            ]
    places = dict(found)
    assert {value: places.get(value) for value in before} == before
    assert len(acknowledged) == number
    assert set(places) == set(acknowledged)
    if idempotence:  # what was sent twice over the restart is there once
        assert len(found) == number
        assert places == acknowledged


def test_topics_configs_and_offsets_outlive_the_server(start: Callable[[], Server]) -> None:
    place = TopicPartition("orders", 1, 42, "by hand")
    with start() as server:
        create(server.kafka, "orders", PARTITIONS, retention_ms="600000")
        with consumer(server.kafka, "group") as one:
            one.commit(offsets=[place], asynchronous=False)
        server.stop(signal.SIGKILL)
    with start() as server:
        admin = AdminClient({"bootstrap.servers": server.kafka})
        assert len(admin.list_topics("orders", WAIT_S).topics["orders"].partitions) == PARTITIONS
        [described] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, "orders")]).values()
        assert described.result(WAIT_S)["retention.ms"].value == "600000"
        with consumer(server.kafka, "group") as one:
            [kept] = one.committed([TopicPartition("orders", 1)], WAIT_S)
        assert (kept.offset, kept.metadata) == (42, "by hand")


def test_a_torn_end_of_a_segment_is_cut_off_and_what_comes_next_follows(
    start: Callable[[], Server], tmp_path: Path
) -> None:
    with start() as server:
        create(server.kafka, "orders", 1)
        write(server.kafka, "orders", b"a", b"b")
        assert server.stop() == 0
    [segment] = [path for path in tmp_path.rglob("*.log") if path.stat().st_size]
    segment.write_bytes(segment.read_bytes()[:-1])
    with start() as server:
        assert write(server.kafka, "orders", b"c") == [1]
        assert [message.value() for message in read_all(server.kafka, "orders", 1)] == [b"a", b"c"]


def write(bootstrap: str, topic: str, *values: bytes) -> list[int]:
    """Produce each message in a batch of its own, and give the offsets."""
    offsets: list[int] = []
    producer = Producer({"bootstrap.servers": bootstrap})
    for value in values:
        producer.produce(topic, value, on_delivery=lambda _, message: offsets.append(message.offset()))
        assert producer.flush(WAIT_S) == 0
    return offsets


# Mistakes.


def mistake(*flags: str) -> str:
    """Run a command that must fail, and read its one line."""
    done = run("--port", "0", *flags)
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("eventyard: ")
    return line.removeprefix("eventyard: ")


def test_a_second_server_on_the_folder_says_so_and_leaves_the_first_alone(
    start: Callable[[], Server], tmp_path: Path
) -> None:
    with start() as server:
        create(server.kafka, "orders", PARTITIONS)
        assert mistake("--kafka-port", "free", "--data-dir", str(tmp_path)) == (
            f"--data-dir={tmp_path}: another eventyard keeps its state there: end it, or choose another folder"
        )
        assert read_all(server.kafka, "orders") == []


@pytest.mark.parametrize("inside", ["", "kafka"])
def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path, inside: str) -> None:
    path = tmp_path / "file"
    path.write_text("not a folder")
    line = mistake("--kafka-port", "free", "--data-dir", str(path / inside))
    assert line.startswith(f"--data-dir={path / inside}: ")
    assert line.endswith(": choose a folder that can be written")


def test_a_folder_of_something_else_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "cluster.db").write_text(
        "this is no database, but a text that is long enough to be one" * 100
    )
    line = mistake("--kafka-port", "free", "--data-dir", str(tmp_path))
    assert line == f"--data-dir={tmp_path}: file is not a database: choose a folder that can be written"


def test_a_kafka_port_that_is_taken_is_one_clear_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert mistake("--kafka-port", str(port)) == (
            f"port {port} on 127.0.0.1 is already in use: end what uses it, or choose another with --kafka-port"
        )


def test_the_port_of_the_second_broker_that_is_taken_is_one_clear_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert mistake("--kafka-port", str(port - 1), "--kafka-brokers", "2") == (
            f"port {port} on 127.0.0.1 is already in use: end what uses it, or choose another with --kafka-port"
        )
