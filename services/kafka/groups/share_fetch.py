"""Handing out records to the members of share groups: at once, or when there are some or some come back.

Records go out as whole batches, slices of the log's own bytes, with a list of the offsets in them that the member has got.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from typing import TYPE_CHECKING, NamedTuple

from services.kafka.acls import Operation, Resource
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.settings import LockSettings, lock_settings
from services.kafka.groups.share_partition import Acquired, Limits, SharePartition, Wish
from services.kafka.limits import FETCH_BYTES_MAX
from services.kafka.record_batches import read_marker
from services.kafka.records import NO_PRODUCER, Batch, read_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.clock import Timer
    from services.kafka.api.base import Call, Request, Response
    from services.kafka.groups.share import ShareGroup
    from services.kafka.groups.share_ledger import Place
    from services.kafka.partition import Partition

EXACTLY = 1
"""ShareAcquireMode: no more records than asked for; 0 keeps batches whole."""


class Found(NamedTuple):
    """What is there of one partition."""

    error: Error = Error.NONE
    message: str | None = None
    records: tuple[memoryview, ...] = ()
    acquired: tuple[Acquired, ...] = ()


class _Read(NamedTuple):
    """One batch as it was read."""

    header: Batch
    data: memoryview


class ShareFetch:
    """What a member wants, of which partitions."""

    def __init__(self, call: Call, group: ShareGroup, request: Request, places: Sequence[Place]) -> None:
        self._call = call
        self._group = group
        self._request = request
        self.found: dict[Place, Found] = {}
        self.places: dict[Place, Partition] = {}
        for place in _rotated(places, request["ShareSessionEpoch"]):
            try:
                self.places[place] = self._partition(place)
            except KafkaError as refused:
                self.found[place] = Found(refused.error, refused.message)
        self.wants = bool(self.places) and request["MaxRecords"] > 0 and request["MaxBytes"] > 0
        self._bytes_max = max(1, min(request["MaxBytes"], FETCH_BYTES_MAX) // max(1, len(self.places)))

    def _partition(self, place: Place) -> Partition:
        """Find a partition that the caller may read and the group has begun with. Raises KafkaError."""
        call = self._call
        topic = call.cluster.topics.by_id(place[0])
        if topic is None:
            raise KafkaError(Error.UNKNOWN_TOPIC_ID)
        if not call.allowed(Operation.READ, Resource.TOPIC, topic.name):
            raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
        if not 0 <= place[1] < len(topic.partitions):
            raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
        if call.cluster.leader(topic, place[1]).node_id != call.peer.node_id:
            raise KafkaError(Error.NOT_LEADER_OR_FOLLOWER)
        if place not in self._group.ledger:
            raise KafkaError(Error.UNKNOWN_SERVER_ERROR, "Read operation on uninitialized share partition not allowed.")
        return topic.partitions[place[1]]

    def look(self, now_ms: int, *, bytes_min: int) -> bool:
        """Hand out what there is, if that is `bytes_min` at least. Answers whether it was done."""
        settings = lock_settings(self._call.cluster, self._group.group_id)
        limits = self._group.ledger.limits(settings)
        readable: list[tuple[Place, SharePartition, list[memoryview]]] = []
        for place, partition in list(self.places.items()):
            if place not in self._group.ledger:  # deleted meanwhile
                continue
            state = self._group.ledger.open(place, partition, now_ms)
            if state.can_acquire(limits):
                readable.append((place, state, self._views(partition, state, settings)))
        if sum(len(view) for _, _, views in readable for view in views) < max(1, bytes_min):
            return False
        room = self._request["MaxRecords"]
        for place, state, views in readable:
            if views and room > 0:
                room -= self._acquire(place, state, views, room, now_ms, settings, limits)
        return any(found.acquired for found in self.found.values())

    def _views(self, partition: Partition, state: SharePartition, settings: LockSettings) -> list[memoryview]:
        log = partition.log
        end = partition.last_stable_offset if settings.read_committed else log.end_offset
        if not log.start_offset <= state.fetch_offset < end:
            return []
        return log.views(state.fetch_offset, self._bytes_max, end)

    def _acquire(
        self,
        place: Place,
        state: SharePartition,
        views: Sequence[memoryview],
        room: int,
        now_ms: int,
        settings: LockSettings,
        limits: Limits,
    ) -> int:
        """Hand out records of one partition, and tell how many."""
        request, ledger = self._request, self._group.ledger
        from_offset = state.fetch_offset
        batches = _batches(views, state.next_offset + room)
        wish = Wish(
            request["MemberId"],
            room,
            request["BatchSize"],
            request["ShareAcquireMode"] == EXACTLY,
            now_ms + settings.lock_ms,
        )
        got = state.acquire(wish, [(it.header.base_offset, it.header.last_offset) for it in batches], limits)
        if got and settings.read_committed:
            aborted = self.places[place].producers.aborted(from_offset, batches[-1].header.next_offset)
            got = state.drop([(it.base_offset, it.last_offset) for it in _aborted(batches, aborted)], got)
            ledger.changed(place)
            if not got:  # all of it was aborted
                more = self._views(self.places[place], state, settings)
                return self._acquire(place, state, more, room, now_ms, settings, limits) if more else 0
        ledger.locked(place)
        if got:
            self.found[place] = Found(
                records=tuple(
                    it.data
                    for it in batches
                    if it.header.last_offset >= got[0].first and it.header.base_offset <= got[-1].last
                ),
                acquired=tuple(got),
            )
        return sum(one.last - one.first + 1 for one in got)


class ParkedShareFetch:
    """A share fetch that waits for records: new ones, or such that are given back."""

    __slots__ = ("_bytes_min", "_call", "_fetch", "_group", "_timer", "_write", "future")

    def __init__(
        self, call: Call, group: ShareGroup, fetch: ShareFetch, request: Request, write: Callable[[], Response]
    ) -> None:
        self._call = call
        self._group = group
        self._fetch = fetch
        self._write = write
        self._bytes_min = request["MinBytes"]
        self.future: Future[Response] = get_running_loop().create_future()
        for place, partition in fetch.places.items():
            partition.waiters.add(self)
            group.ledger.wait(place, self)
        clock = call.cluster.clock
        self._timer: Timer | None = clock.call_at(call.now_ms + request["MaxWaitMs"], self.finish)

    def arrived(self, partition: Partition, size_bytes: int) -> None:  # noqa: ARG002 - a Waiter of partitions
        """Hear that a partition has got more."""
        self.look()

    def look(self) -> None:
        """Answer if there is enough now."""
        if not self.future.done() and self._fetch.look(self._call.cluster.clock.now_ms(), bytes_min=self._bytes_min):
            self._answer()

    def finish(self) -> None:
        """Answer now, with what there is."""
        if not self.future.done():
            self._fetch.look(self._call.cluster.clock.now_ms(), bytes_min=0)
            self._answer()

    def _answer(self) -> None:
        self.leave()
        self.future.set_result(self._write())

    def leave(self) -> None:
        """Wait no more."""
        for place, partition in self._fetch.places.items():
            partition.waiters.discard(self)
            self._group.ledger.leave(place, self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _rotated(places: Sequence[Place], epoch: int) -> list[Place]:
    """Begin with another partition each time, so that none has to wait for others that always have something."""
    turn = epoch % len(places) if places and epoch > 0 else 0
    return [*places[turn:], *places[:turn]]


def _batches(views: Sequence[memoryview], before_offset: int) -> list[_Read]:
    """Cut what was read into batches, as far as they may be handed out."""
    found: list[_Read] = []
    for view in views:
        position = 0
        while position < len(view):
            header = read_batch(view[position:])
            if header.base_offset >= before_offset and found:
                return found
            found.append(_Read(header, view[position : position + header.size_bytes]))
            position += header.size_bytes
    return found


def _aborted(batches: Sequence[_Read], aborted: Sequence[tuple[int, int]]) -> list[Batch]:
    """Find the batches of aborted transactions, which are (producer id, first offset) in the order of the latter."""
    begun: set[int] = set()
    rest = list(aborted)
    found = []
    for batch in batches:
        header = batch.header
        if header.producer_id == NO_PRODUCER:
            continue
        while rest and rest[0][1] <= header.last_offset:
            begun.add(rest.pop(0)[0])
        if header.is_control:
            if read_marker(batch.data) is False:
                begun.discard(header.producer_id)
        elif header.is_transactional and header.producer_id in begun:
            found.append(header)
    return found
