"""Speaks Kafka's protocol by hand, as far as the bench needs it: requests that do not vary, in versions without tagged fields.

A client library would be what is measured; this costs next to nothing for each request.
"""

from __future__ import annotations

import socket
import time
from struct import Struct
from typing import TYPE_CHECKING, Self

from google_crc32c import value as crc32c

from benchmarks.client import HOST
from benchmarks.report import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PRODUCE, LIST_OFFSETS, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 0, 2, 10, 11, 12, 13, 14
API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID = 18, 19, 20, 22
VERSIONS = {
    PRODUCE: 7,
    LIST_OFFSETS: 1,
    FIND_COORDINATOR: 1,
    JOIN_GROUP: 5,
    HEARTBEAT: 3,
    LEAVE_GROUP: 1,
    SYNC_GROUP: 3,
    API_VERSIONS: 0,
    CREATE_TOPICS: 2,
    DELETE_TOPICS: 1,
    INIT_PRODUCER_ID: 0,
}
LATEST = -1
CLIENT_ID = "bench"
ANSWER_WITHIN_S = 60
TOPIC_WITHIN_S = 30
STEP_S = 0.02

_HEAD = Struct(">hhi")
_SIZE = Struct(">i")
_BATCH = Struct(">qiibI")
_BATCH_CHECKED = Struct(">hiqqqhii")


def text(value: str) -> bytes:
    """Write a string."""
    return len(value).to_bytes(2, "big") + value.encode()


def data(value: bytes) -> bytes:
    """Write bytes."""
    return len(value).to_bytes(4, "big") + value


def int16(value: int) -> bytes:
    """Write an int16."""
    return value.to_bytes(2, "big", signed=True)


def int32(value: int) -> bytes:
    """Write an int32."""
    return value.to_bytes(4, "big", signed=True)


def int64(value: int) -> bytes:
    """Write an int64."""
    return value.to_bytes(8, "big", signed=True)


def array(values: Iterable[bytes]) -> bytes:
    """Write an array."""
    items = list(values)
    return len(items).to_bytes(4, "big") + b"".join(items)


NULL_TEXT = int16(-1)


class Reader:
    """Reads an answer from its start."""

    __slots__ = ("_at", "_data")

    def __init__(self, answer: bytes) -> None:
        self._data, self._at = answer, 0

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """Read a signed number of 2, 4 or 8 bytes."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def text(self) -> str:
        """Read a string; null is empty."""
        return self.take(max(0, self.number(2))).decode()

    def data(self) -> bytes:
        """Read bytes; null is empty."""
        return self.take(max(0, self.number(4)))


def frame(key: int, body: bytes, correlation_id: int) -> bytes:
    """Write a request with its size."""
    request = _HEAD.pack(key, VERSIONS[key], correlation_id) + text(CLIENT_ID) + body
    return _SIZE.pack(len(request)) + request


def batch(value: bytes, now_ms: int) -> bytes:
    """Write a batch of one record, without a key."""
    body = b"\0" + _varint(0) + _varint(0) + _varint(-1) + _varint(len(value)) + value + _varint(0)
    record = _varint(len(body)) + body
    checked = _BATCH_CHECKED.pack(0, 0, now_ms, now_ms, -1, -1, -1, 1) + record
    return _BATCH.pack(0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def produce(topic: str, records: bytes, *, acks: int) -> bytes:
    """Write the body of a Produce to partition 0."""
    partition = int32(0) + data(records)
    return NULL_TEXT + int16(acks) + int32(30_000) + array([text(topic) + array([partition])])


def produced(topic: str) -> Struct:
    """Give the shape of its answer: size, correlation id, 1, length, name, 1, partition, error, base offset, time, log start, throttle."""
    return Struct(f">iiih{len(topic)}siihqqqi")


PRODUCED_CORRELATION_ID, PRODUCED_ERROR = 1, 7


def _varint(value: int) -> bytes:
    number, out = (value << 1) ^ (value >> 63), bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Wire:
    """A connection that has one request on its way at a time, unless its caller writes to the socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), ANSWER_WITHIN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def call(self, key: int, body: bytes = b"") -> Reader:
        """Make a request."""
        self._asked += 1
        self.socket.sendall(frame(key, body, self._asked))
        answer = Reader(self.receive(_SIZE.unpack(self.receive(4))[0]))
        if (found := answer.number(4)) != self._asked:
            raise BenchError(f"the answer to request {self._asked} of a connection says {found}")
        return answer

    def receive(self, size: int) -> bytes:
        """Read so many bytes."""
        chunks = []
        while size:
            chunk = self.socket.recv(min(size, 1 << 20))
            if not chunk:
                raise BenchError("the broker has closed a connection")
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)


def create_topic(port: int, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
    """Make a topic and wait until it can be used."""
    with Wire(port) as wire:
        pairs = array(text(name) + text(value) for name, value in configs.items())
        body = array([text(topic) + int32(partitions) + int16(1) + array([]) + pairs]) + int32(30_000) + b"\0"
        answer = wire.call(CREATE_TOPICS, body)
        answer.take(8)
        answer.text()
        if error := answer.number(2):
            raise BenchError(f"CreateTopics of {topic}: error {error}: {answer.text()}")
        _await(lambda: _end(wire, topic, partitions - 1) >= 0, f"{topic} has no leader")


def delete_topic(port: int, topic: str) -> None:
    """Delete a topic and wait until it is gone."""
    with Wire(port) as wire:
        answer = wire.call(DELETE_TOPICS, array([text(topic)]) + int32(30_000))
        answer.take(8)
        answer.text()
        if error := answer.number(2):
            raise BenchError(f"DeleteTopics of {topic}: error {error}")
        _await(lambda: _end(wire, topic, 0) < 0, f"{topic} is still there")


def await_producer_ids(port: int) -> None:
    """Wait until idempotent producers get an id: Apache Kafka fetches its first ones when somebody asks."""

    def given() -> bool:
        answer = wire.call(INIT_PRODUCER_ID, NULL_TEXT + int32(60_000))
        answer.take(4)
        return answer.number(2) == 0

    with Wire(port) as wire:
        _await(given, "there are no producer ids")


def end_offset(port: int, topic: str) -> int:
    """Find where partition 0 ends."""
    with Wire(port) as wire:
        return _end(wire, topic, 0)


def _end(wire: Wire, topic: str, partition: int) -> int:
    """Find where a partition ends; -1 when nobody knows."""
    answer = wire.call(LIST_OFFSETS, int32(-1) + array([text(topic) + array([int32(partition) + int64(LATEST)])]))
    answer.take(4)
    answer.text()
    answer.take(8)
    error, _, offset = answer.number(2), answer.number(8), answer.number(8)
    return -1 if error else offset


def _await(holds: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + TOPIC_WITHIN_S
    while not holds():
        if time.monotonic() > until:
            raise BenchError(f"after {TOPIC_WITHIN_S} s {complaint}")
        time.sleep(STEP_S)
