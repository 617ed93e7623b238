"""Fetch (key 1): hand out record batches.

Versions 4-18. Whole batches only, from the one that holds the offset on; at least one, even if it is larger than the limits,
or a consumer would be stuck. A fetch for which less than min_bytes are there is parked until they are or max_wait_ms have passed.
Isolation level read_committed reads up to the last stable offset, and hears of aborted transactions.
Fetch sessions (KIP-227) are declined with session id 0: every client then asks for all its partitions each time.
Version 13 names topics by id. Version 12 on: the divergence of leader epochs cannot arise, there is but one.

Answers hold slices of the stored bytes, not copies. Read and written by hand, for speed, as k00_produce.py.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.api.partitions import asked_for
from services.kafka.body import Body, put_count, put_topic
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import FETCH_BYTES_MAX
from services.kafka.records import read_batch
from services.kafka.schema import MalformedError
from services.kafka.wire import write_varint

if TYPE_CHECKING:
    from emulator.clock import Timer
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.partition import Partition

_LIMITS = Struct(">iiib")  # max_wait_ms, min_bytes, max_bytes, isolation
_SESSION = Struct(">ii")
_WANT_4 = Struct(">iqi")  # index, offset, max bytes
_WANT_5 = Struct(">iqqi")  # index, offset, log start, max bytes
_WANT_9 = Struct(">iiqqi")  # index, leader epoch, offset, log start, max bytes
_WANT_12 = Struct(">iiqiqi")  # index, leader epoch, offset, last fetched epoch, log start, max bytes
_FOUND_4 = Struct(">ihqq")  # index, error, high watermark, last stable offset
_FOUND_5 = Struct(">ihqqq")  # and the log's start
_ABORTED = Struct(">qq")
_INT32 = Struct(">i")
READ_COMMITTED = 1


class Want(NamedTuple):
    """What is wanted of one partition."""

    partition: int
    leader_epoch: int
    offset: int
    bytes_max: int


class Found(NamedTuple):
    """What is there of one partition."""

    partition: int
    error: int = 0
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    aborted: list[tuple[int, int]] | None = None
    views: tuple[memoryview, ...] = ()
    size_bytes: int = 0


class Wanted(NamedTuple):
    """A Fetch request."""

    max_wait_ms: int
    min_bytes: int
    bytes_max: int
    committed: bool
    session_id: int
    session_epoch: int
    topics: list[tuple[str | bytes, list[Want]]]


def fetch_raw(call: Call, frame: memoryview, position: int) -> list[Any] | Future[list[Any]]:
    """Answer now, or park."""
    wanted = _read(frame, position, call.version)
    if wanted.session_id != 0 and wanted.session_epoch > 0:
        return _write(call.version, [], Error.FETCH_SESSION_ID_NOT_FOUND)
    found, size_bytes, failed = _look(call, wanted)
    if size_bytes >= wanted.min_bytes or failed or wanted.max_wait_ms <= 0 or not found or call.cluster.stopping:
        return _write(call.version, found)
    return ParkedFetch(call, wanted, wanted.min_bytes - size_bytes).future


class ParkedFetch:
    """A fetch that waits for more."""

    __slots__ = ("_call", "_missing_bytes", "_offsets", "_timer", "_wanted", "future")

    def __init__(self, call: Call, wanted: Wanted, missing_bytes: int) -> None:
        self._call = call
        self._wanted = wanted
        self._missing_bytes = missing_bytes
        self.future: Future[list[Any]] = get_running_loop().create_future()
        self.future.add_done_callback(lambda _: self._leave())  # also when the client goes away
        self._offsets: dict[Partition, int] = {}
        for topic, wants in wanted.topics:
            for want in wants:
                partition = _partition(call, topic, want)
                self._offsets[partition] = want.offset
                partition.waiters.add(self)
        self._timer: Timer | None = call.cluster.clock.call_at(call.now_ms + wanted.max_wait_ms, self.finish)

    def arrived(self, partition: Partition, size_bytes: int) -> None:
        """Answer when enough is there. What is not committed yet does not count for those who do not read it."""
        if self._wanted.committed and partition.last_stable_offset <= self._offsets[partition]:
            return
        self._missing_bytes -= size_bytes
        if self._missing_bytes <= 0:
            self.finish()

    def finish(self) -> None:
        """Answer with what there is."""
        if not self.future.done():
            self._leave()
            self.future.set_result(_write(self._call.version, _look(self._call, self._wanted)[0]))

    def _leave(self) -> None:
        for partition in self._offsets:
            partition.waiters.discard(self)
        self._offsets.clear()
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


def _read(frame: memoryview, position: int, version: int) -> Wanted:
    body = Body(frame, position, version >= 12)
    if version < 15:
        body.int32()  # whose replica asks; we have none
    max_wait_ms, min_bytes, bytes_max, isolation = body.take(_LIMITS)
    session_id, session_epoch = body.take(_SESSION) if version >= 7 else (0, -1)
    topics: list[tuple[str | bytes, list[Want]]] = []
    for _ in range(body.count()):
        topic = body.uuid() if version >= 13 else body.string() or ""
        wants = []
        for _ in range(body.count()):
            wants.append(_read_want(body, version))
            body.tags()
        body.tags()
        topics.append((topic, wants))
    if version >= 7:
        for _ in range(body.count()):  # partitions to forget: of sessions, which we decline
            _ = body.uuid() if version >= 13 else body.string()
            for _ in range(body.count()):
                body.int32()
            body.tags()
    if version >= 11:
        body.string()  # the rack
    body.tags()
    bytes_max = min(bytes_max, FETCH_BYTES_MAX)
    return Wanted(max_wait_ms, min_bytes, bytes_max, isolation == READ_COMMITTED, session_id, session_epoch, topics)


def _read_want(body: Body, version: int) -> Want:
    if version >= 12:
        index, leader_epoch, offset, _, _, bytes_max = body.take(_WANT_12)
    elif version >= 9:
        index, leader_epoch, offset, _, bytes_max = body.take(_WANT_9)
    elif version >= 5:
        index, offset, _, bytes_max = body.take(_WANT_5)
        leader_epoch = -1
    else:
        index, offset, bytes_max = body.take(_WANT_4)
        leader_epoch = -1
    return Want(index, leader_epoch, offset, bytes_max)


def _look(call: Call, wanted: Wanted) -> tuple[list[tuple[str | bytes, list[Found]]], int, bool]:
    """Find what is there now: by topic, its size, and whether something is wrong, which the client should hear of at once."""
    left = wanted.bytes_max
    total, failed = 0, False
    answer: list[tuple[str | bytes, list[Found]]] = []
    for topic, wants in wanted.topics:
        of_topic = []
        for want in wants:
            try:
                found = _slices(_partition(call, topic, want), want, left, first=total == 0, committed=wanted.committed)
            except KafkaError as error:
                found = Found(want.partition, error.error)
                failed = True
            of_topic.append(found)
            total += found.size_bytes
            left -= found.size_bytes
        answer.append((topic, of_topic))
    return answer, total, failed


def _partition(call: Call, topic: str | bytes, want: Want) -> Partition:
    """Find a partition that the caller may read, at this leader epoch. Raises KafkaError."""
    partition = asked_for(call, topic, want.partition, Operation.READ)
    partition.check_epoch(want.leader_epoch)
    return partition


def _slices(partition: Partition, want: Want, left: int, *, first: bool, committed: bool) -> Found:
    """Cut what is wanted out of a partition. Raises KafkaError OFFSET_OUT_OF_RANGE."""
    log = partition.log
    start, end = log.start_offset, log.end_offset
    stable = partition.last_stable_offset
    if not start <= want.offset <= end:
        raise KafkaError(Error.OFFSET_OUT_OF_RANGE)
    bytes_max = min(want.bytes_max, left)
    views: list[memoryview] = []
    if want.offset < (stable if committed else end) and (first or bytes_max > 0):
        views = log.views(want.offset, bytes_max, stable if committed else None)
    size_bytes = sum(map(len, views))
    if size_bytes > bytes_max and not first:
        views, size_bytes = [], 0
    aborted = None
    if committed:
        aborted = partition.producers.aborted(want.offset, stable)
        if aborted and views:
            before = _end_of(views[-1])
            aborted = [one for one in aborted if one[1] < before]
    return Found(want.partition, 0, end, stable, start, aborted, tuple(views), size_bytes)


def _end_of(view: memoryview) -> int:
    """Tell the offset behind the last batch."""
    position = 0
    while True:
        batch = read_batch(view[position:])
        position += batch.size_bytes
        if position >= len(view):
            return batch.next_offset


def _write(version: int, topics: list[tuple[str | bytes, list[Found]]], error: int = 0) -> list[Any]:
    """Write the answer as buffers: what is ours, then the log's own bytes, and so on."""
    flexible = version >= 12
    buffers: list[Any] = []
    out = bytearray(b"\0\0\0\0")  # throttled for no time
    if version >= 7:
        out += error.to_bytes(2, "big") + b"\0\0\0\0"  # no session
    put_count(out, len(topics), flexible=flexible)
    for topic, partitions in topics:
        put_topic(out, topic, flexible=flexible)
        put_count(out, len(partitions), flexible=flexible)
        for found in partitions:
            _write_head(out, found, version)
            if found.views:
                buffers += (out, *found.views)
                out = bytearray()
            if flexible:
                out.append(0)
        if flexible:
            out.append(0)
    if flexible:
        out.append(0)
    buffers.append(out)
    return buffers


def _write_head(out: bytearray, found: Found, version: int) -> None:
    """Write what stands before a partition's records, their size included."""
    flexible = version >= 12
    out += _FOUND_5.pack(*found[:5]) if version >= 5 else _FOUND_4.pack(*found[:4])
    if found.aborted is None:
        out += b"\0" if flexible else b"\xff\xff\xff\xff"
    else:
        put_count(out, len(found.aborted), flexible=flexible)
        for producer_id, first_offset in found.aborted:
            out += _ABORTED.pack(producer_id, first_offset)
            if flexible:
                out.append(0)
    if version >= 11:
        out += b"\xff\xff\xff\xff"  # no other replica is preferred
    if flexible:
        write_varint(out, found.size_bytes + 1)
    else:
        out += _INT32.pack(found.size_bytes)


@api(1, "Fetch", versions=(4, 18), raw=fetch_raw)
def fetch(call: Call, request: Request) -> Answer:  # noqa: ARG001 - never called: the raw form answers
    """Hand out record batches; see `fetch_raw`."""
    raise MalformedError("Fetch is read by hand")
