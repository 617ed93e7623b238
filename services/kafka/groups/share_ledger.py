"""What a share group knows of its partitions: their state, the end of the locks on their records, who waits for more, and what of it
outlives the process (Kafka's share coordinator keeps that in __share_group_state).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from services.kafka.groups.deadline import Deadline
from services.kafka.groups.settings import LockSettings, lock_settings, share_reset
from services.kafka.groups.share_partition import Limits, Run, SharePartition, State
from services.kafka.record_batches import find_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.kafka.partition import Partition
    from services.kafka.state import Cluster

Place = tuple[bytes, int]
"""Topic id and index of a partition."""


class Waiter(Protocol):
    """A parked share fetch."""

    def look(self) -> None:
        """Hear that something may be there now."""


class _Entry:
    """One partition of a group."""

    __slots__ = ("deadline", "state", "waiters")

    def __init__(self, deadline: Deadline, state: SharePartition | None) -> None:
        self.state = state
        """None: nobody has fetched yet, so it is open where the group begins."""
        self.deadline = deadline
        self.waiters: set[Waiter] = set()


class ShareLedger:
    """The partitions of a share group."""

    def __init__(self, cluster: Cluster, group_id: str) -> None:
        self._cluster = cluster
        self._group_id = group_id
        self._table = f"share_group:{group_id}"
        self._entries: dict[Place, _Entry] = {}
        for key, kept in cluster.journal.load(self._table).items():
            topic_id, _, index = key.partition(":")
            self._enter((bytes.fromhex(topic_id), int(index)), _restored(kept))

    def limits(self, settings: LockSettings | None = None) -> Limits:
        """Tell what holds for the group's records now."""
        found = lock_settings(self._cluster, self._group_id) if settings is None else settings
        return Limits(found.deliveries_max, found.in_flight_max, found.renew_allowed)

    # Partitions

    def __contains__(self, place: Place) -> bool:
        return place in self._entries

    def places(self) -> list[Place]:
        """Tell all partitions that the group has begun with or is to begin with."""
        return list(self._entries)

    def initialize(self, places: Iterable[Place]) -> None:
        """Take note of partitions that the group subscribes to."""
        for place in places:
            if place not in self._entries:
                self._enter(place, None)
                self._keep(place)

    def get(self, place: Place) -> SharePartition | None:
        """Find the state of a partition that somebody has fetched from, or whose start was set."""
        entry = self._entries.get(place)
        return None if entry is None else entry.state

    def open(self, place: Place, partition: Partition, now_ms: int) -> SharePartition:
        """Find the state of a partition that has been initialized; at the first time it begins where the group's config says.

        What the log has dropped since is forgotten.
        """
        entry = self._entries[place]
        if entry.state is None:
            entry.state = SharePartition(self._beginning(partition, now_ms))
            self._keep(place)
        if entry.state.truncate(partition.log_start_offset):
            self._keep(place)
        return entry.state

    def _beginning(self, partition: Partition, now_ms: int) -> int:
        strategy = share_reset(self._cluster, self._group_id)
        if strategy == "earliest":
            return partition.log_start_offset
        if isinstance(strategy, int):
            return _first_since(partition, now_ms - strategy)
        return partition.high_watermark

    def begin_at(self, place: Place, offset: int) -> None:
        """Start again at an offset, -1 for where the group's config says; what was handed out is forgotten."""
        self._drop(place)
        self._enter(place, None if offset < 0 else SharePartition(offset))
        self._keep(place)

    def forget_topic(self, topic_id: bytes) -> bool:
        """Forget a topic. Answers whether there was anything."""
        places = [place for place in self._entries if place[0] == topic_id]
        for place in places:
            self._drop(place)
            self._cluster.journal.delete(self._table, _key(place))
        return bool(places)

    # Records

    def changed(self, place: Place, *, wake: bool = False) -> None:
        """Write a state down, see to the end of its locks, and let those look who wait (`wake`)."""
        entry = self._entries[place]
        self._keep(place)
        self.locked(place)
        if wake:
            for waiter in list(entry.waiters):
                waiter.look()

    def locked(self, place: Place) -> None:
        """See to the end of the locks of a partition."""
        entry = self._entries[place]
        expiry_ms = None if entry.state is None else entry.state.next_expiry_ms
        if expiry_ms is None:
            entry.deadline.cancel()
        else:
            entry.deadline.put(expiry_ms)

    def release(self, member_id: str, places: Iterable[Place]) -> None:
        """Take back all that a member has of these partitions."""
        for place in places:
            state = self.get(place)
            if state is not None and state.release(member_id, self.limits()):
                self.changed(place, wake=True)

    def _expire(self, place: Place) -> None:
        state = self.get(place)
        if state is not None:
            gone = state.expire(self._cluster.clock.now_ms(), self.limits())
            self.changed(place, wake=gone)

    # Waiting

    def wait(self, place: Place, waiter: Waiter) -> None:
        """Let a parked fetch hear of records that come back."""
        entry = self._entries.get(place)
        if entry is not None:
            entry.waiters.add(waiter)

    def leave(self, place: Place, waiter: Waiter) -> None:
        """Let a fetch go."""
        entry = self._entries.get(place)
        if entry is not None:
            entry.waiters.discard(waiter)

    # Life

    def erase(self) -> None:
        """Forget everything; the group is deleted."""
        for place in self.places():
            self._drop(place)
            self._cluster.journal.delete(self._table, _key(place))

    def close(self) -> None:
        """End all timers."""
        for entry in self._entries.values():
            entry.deadline.cancel()

    def _enter(self, place: Place, state: SharePartition | None) -> None:
        self._entries[place] = _Entry(Deadline(self._cluster.clock, partial(self._expire, place)), state)

    def _drop(self, place: Place) -> None:
        entry = self._entries.pop(place, None)
        if entry is not None:
            entry.deadline.cancel()
            for waiter in list(entry.waiters):
                waiter.look()

    def _keep(self, place: Place) -> None:
        if self._cluster.settings.data_dir is not None:
            self._cluster.journal.put(self._table, _key(place), _written(self._entries[place].state))


def _first_since(partition: Partition, time_ms: int) -> int:
    """Find the first record that is not older; if all are, the end."""
    log = partition.log
    for entry in log.entries(log.offset_at(time_ms)):
        if entry.time_ms >= time_ms and (hit := find_time(entry.data, time_ms, log.start_offset)) is not None:
            return hit[0]
    return log.end_offset


def _key(place: Place) -> str:
    return f"{place[0].hex()}:{place[1]}"


def _written(state: SharePartition | None) -> list[Any]:
    """Write a state; locks do not outlive the process, and a delivery that is not over has not happened."""
    if state is None:
        return [-1, []]
    return [state.start_offset, [list(_unlocked(run)) for run in state.runs]]


def _unlocked(run: Run) -> Iterator[int]:
    held = run.state is State.ACQUIRED
    yield from (run.first, run.last, State.AVAILABLE if held else run.state, run.deliveries - held)
    yield from (run.batch, run.batch_size)


def _restored(kept: list[Any]) -> SharePartition | None:
    start_offset, rows = kept
    if start_offset < 0:
        return None
    runs = [
        Run(first, last, State(state), deliveries, "", 0, batch, size)
        for first, last, state, deliveries, batch, size in rows
    ]
    return SharePartition(start_offset, runs)
