"""librdkafka itself, the library that confluent-kafka carries: records go in and out in blocks, without a Python step for each.

A million records a second would keep a Python loop busy with the client alone. So its C functions are called (ctypes lets go of the
interpreter's lock meanwhile): `rd_kafka_produce_batch` takes thousands of records at a time, `rd_kafka_consume_callback` hands them over
to a C function. A producer and a consumer run at once in two threads; their work is done by the library's own threads.
"""

from __future__ import annotations

import ctypes
import time
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.client import HOST
from benchmarks.report import BenchError, NotHereError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCER, CONSUMER = 0, 1
BEGINNING = -2
BLOCK_RECORDS = 5_000
ERROR_BYTES = 512
FLUSH_WITHIN_MS = 60_000
CONSUME_STEP_MS = 100

QUEUE = "queue.buffering.max.messages"
FULL_STEP_S = 0.001
PRODUCER_SETTINGS = {QUEUE: "500000", "message.timeout.ms": "30000"}
"""A queue as librdkafka's own rdkafka_performance has it, and an end to waiting. The defaults hold for the rest: linger.ms 5, batches of
1,000,000 bytes.
"""


class _Message(Structure):
    """rd_kafka_message_t."""

    _fields_ = (
        ("err", c_int),
        ("rkt", c_void_p),
        ("partition", c_int32),
        ("payload", c_void_p),
        ("len", c_size_t),
        ("key", c_void_p),
        ("key_len", c_size_t),
        ("offset", c_int64),
        ("private", c_void_p),
    )


@cache
def _library() -> ctypes.CDLL:
    """Load the library."""
    try:
        import confluent_kafka
    except ImportError:
        raise NotHereError("confluent-kafka is missing: scripts/venv test") from None
    site = Path(confluent_kafka.__file__).parent
    places = (site.parent / "confluent_kafka.libs", site / ".dylibs")
    found = next(
        (path for place in places for path in sorted(place.glob("librdkafka*")) if "++" not in path.name), None
    )
    if found is None:
        raise NotHereError(f"confluent-kafka in {site.parent} brings no librdkafka of its own: install its wheel")
    library = ctypes.CDLL(str(found))
    shapes: dict[str, tuple[object, tuple[object, ...]]] = {
        "rd_kafka_version_str": (c_char_p, ()),
        "rd_kafka_err2str": (c_char_p, (c_int,)),
        "rd_kafka_conf_new": (c_void_p, ()),
        "rd_kafka_conf_set": (c_int, (c_void_p, c_char_p, c_char_p, c_char_p, c_size_t)),
        "rd_kafka_conf_set_log_cb": (None, (c_void_p, c_void_p)),
        "rd_kafka_new": (c_void_p, (c_int, c_void_p, c_char_p, c_size_t)),
        "rd_kafka_destroy": (None, (c_void_p,)),
        "rd_kafka_topic_new": (c_void_p, (c_void_p, c_char_p, c_void_p)),
        "rd_kafka_topic_destroy": (None, (c_void_p,)),
        "rd_kafka_produce_batch": (c_int, (c_void_p, c_int32, c_int, POINTER(_Message), c_int)),
        "rd_kafka_outq_len": (c_int, (c_void_p,)),
        "rd_kafka_flush": (c_int, (c_void_p, c_int)),
        "rd_kafka_consume_start": (c_int, (c_void_p, c_int32, c_int64)),
        "rd_kafka_consume_stop": (c_int, (c_void_p, c_int32)),
        "rd_kafka_consume_callback": (c_int, (c_void_p, c_int32, c_int, c_void_p, c_void_p)),
        "rd_kafka_last_error": (c_int, ()),
    }
    for name, (result, arguments) in shapes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def version() -> str:
    """Give the library's version."""
    return bytes(_library().rd_kafka_version_str()).decode()


class _Client:
    """A client with one topic, alive inside its `with` block."""

    def __init__(self, kind: int, port: int, topic: str, settings: Mapping[str, str]) -> None:
        self._library = _library()
        self._kind, self._topic_name = kind, topic
        self._settings = {"bootstrap.servers": f"{HOST}:{port}", **settings}
        self._client = self._topic = 0

    def __enter__(self) -> Self:
        library, why = self._library, ctypes.create_string_buffer(ERROR_BYTES)
        conf = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set_log_cb(conf, None)
        for name, value in self._settings.items():
            if library.rd_kafka_conf_set(conf, name.encode(), value.encode(), why, ERROR_BYTES):
                raise BenchError(f"librdkafka: {why.value.decode()}")
        self._client = library.rd_kafka_new(self._kind, conf, why, ERROR_BYTES)
        if not self._client:
            raise BenchError(f"librdkafka: {why.value.decode()}")
        self._topic = library.rd_kafka_topic_new(self._client, self._topic_name.encode(), None)
        return self

    def __exit__(self, *_: object) -> None:
        self._library.rd_kafka_topic_destroy(self._topic)
        self._library.rd_kafka_destroy(self._client)

    def _last_error(self) -> str:
        return bytes(self._library.rd_kafka_err2str(self._library.rd_kafka_last_error())).decode()


class Producer(_Client):
    """Sends records of one size to partition 0."""

    def __init__(self, port: int, topic: str, size: int, settings: Mapping[str, str]) -> None:
        settings = {**PRODUCER_SETTINGS, **settings}
        super().__init__(PRODUCER, port, topic, settings)
        self._full = int(settings[QUEUE]) - BLOCK_RECORDS
        self._payload = ctypes.create_string_buffer(bytes(number % 251 for number in range(size)), size)
        self._block = (_Message * BLOCK_RECORDS)()
        for message in self._block:
            message.payload, message.len = ctypes.addressof(self._payload), size

    def produce(self, records: int) -> None:
        """Put records into the library's queue, all with the same payload, of which it makes no copy; waits while that is full."""
        while records > 0:
            # Not left to RD_KAFKA_MSG_F_BLOCK: it waits inside of a lock that the library's other threads may need to go on.
            while self._library.rd_kafka_outq_len(self._client) > self._full:
                time.sleep(FULL_STEP_S)
            count = min(records, BLOCK_RECORDS)
            taken = self._library.rd_kafka_produce_batch(self._topic, 0, 0, self._block, count)
            if taken != count:
                raise BenchError(f"librdkafka took {taken:,} of {count:,} records")
            records -= count

    def produce_for(self, seconds: float, records_max: int) -> int:
        """Produce for a while, then wait until all is answered; answer how many records that made."""
        until, made = time.perf_counter() + seconds, 0
        while made < records_max and time.perf_counter() < until:
            count = min(BLOCK_RECORDS, records_max - made)
            self.produce(count)
            made += count
        self.flush()
        return made

    def flush(self) -> None:
        """Wait until the broker has answered everything."""
        if self._library.rd_kafka_flush(self._client, FLUSH_WITHIN_MS):
            raise BenchError(
                f"the broker has not answered all of librdkafka's records within {FLUSH_WITHIN_MS / 1000:.0f} s"
            )


class Consumer(_Client):
    """Reads partition 0 from its beginning, and counts."""

    def __init__(self, port: int, topic: str) -> None:
        super().__init__(CONSUMER, port, topic, {})
        # A function of the library's own that only reads a field takes each record; a Python one would be the bottleneck.
        self._take = ctypes.cast(self._library.rd_kafka_message_leader_epoch, c_void_p)

    def __enter__(self) -> Self:
        super().__enter__()
        if self._library.rd_kafka_consume_start(self._topic, 0, BEGINNING):
            raise BenchError(f"librdkafka: {self._last_error()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._library.rd_kafka_consume_stop(self._topic, 0)
        super().__exit__()

    def consume(self) -> int:
        """Read what is there, or wait a little for it; answer how many records it was."""
        count: int = self._library.rd_kafka_consume_callback(self._topic, 0, CONSUME_STEP_MS, self._take, None)
        if count < 0:
            raise BenchError(f"librdkafka: {self._last_error()}")
        return count
