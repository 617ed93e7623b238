"""Upkeep: what happens to records and offsets with time. Old segments are dropped and compacted, forgotten groups' offsets expire.

There is one timer per partition that holds something, set to the next instant at which something may have to be done; a partition that
holds nothing has none. As in Kafka, retention is looked at every log.retention.check.interval.ms only (five minutes, first after 30 s), so
that records with old timestamps can be read for a while; compaction every log.cleaner.backoff.ms (15 s) while there is enough to compact.
Other than in Kafka, where only the next append does it, a segment that is older than segment.ms is sealed at that instant, so that what an
idle partition holds is compacted as well; and segments are smaller here (16 MiB), so retention.bytes is met more closely.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from services.kafka.compaction import Progress, Progresses, compact

if TYPE_CHECKING:
    import asyncio

    from emulator.clock import Timer
    from emulator.log.segment import Stretch
    from services.kafka.partition import Partition
    from services.kafka.state import Cluster

log = logging.getLogger("eventyard.kafka")

FIRST_CHECK_MS = 30_000
"""log.initial.task.delay.ms"""
FOREVER_MS = 1 << 62
ROOM_CHECK_MS = 1_000
"""How long to wait before looking for room again where there was none: it means a look at every partition."""


@dataclass(slots=True, eq=False)
class Care:
    """What is known of a partition that holds something."""

    timer: Timer | None = None
    check_ms: int = 1 << 62
    """At which check something may be over."""
    active: tuple[int, int] = (-1, 0)
    """Where the growing segment begins, and when that was first seen: at its first record."""
    sealed_ms: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By base offset of segments whose records have no timestamps: where they ended when last looked at, and since when."""
    task: asyncio.Task[None] | None = None
    """Its compaction, while it runs."""


class Upkeep:
    """Takes care of all partitions and groups of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._clock = cluster.clock
        self._first_check_ms = cluster.clock.now_ms() + FIRST_CHECK_MS
        self._cares: dict[Partition, Care] = {}
        self._progresses = Progresses(cluster.journal)
        self._no_room_until_ms = 0
        self._offsets_timer: Timer | None = None
        self._watch_offsets()

    # What the partitions tell.

    def partition_changed(self, partition: Partition) -> None:
        """Hear that a partition has got its first record, a new segment, or other configs."""
        care = self._cares.get(partition)
        if care is not None and care.timer is not None and care.active[0] != partition.log.active_offset:
            self._rolled(partition, care)
            return
        if care is None:
            care = self._cares[partition] = Care()
        self._arm(partition, care)

    def partition_deleted(self, partition: Partition) -> None:
        """Hear that a partition is gone."""
        care = self._cares.pop(partition, None)
        self._progresses.forget(partition)
        if care is not None:
            _end(care)

    def clean_offset(self, partition: Partition) -> int:
        """Tell up to which offset a partition is compacted."""
        return self._progresses.of(partition).clean_offset

    def make_room(self, bytes_needed: int) -> bool:
        """Drop what retention allows to drop, everywhere and at once; tells whether that freed anything near as much."""
        now_ms = self._clock.now_ms()
        if now_ms < self._no_room_until_ms:
            return False
        freed = 0
        for partition, care in list(self._cares.items()):
            freed += self._drop_expired(partition, care, now_ms)
            if freed >= bytes_needed:
                return True
        if not freed:
            self._no_room_until_ms = now_ms + ROOM_CHECK_MS
        return freed > 0

    def close(self) -> None:
        """End all timers and compactions."""
        for care in self._cares.values():
            _end(care)
        self._cares.clear()
        if self._offsets_timer is not None:
            self._offsets_timer.cancel()

    # Offsets.

    def _watch_offsets(self) -> None:
        """Let groups forget offsets every offsets.retention.check.interval.ms."""
        interval_ms = cast("int", self._cluster.configs.broker("offsets.retention.check.interval.ms"))
        self._offsets_timer = self._clock.call_at(self._clock.now_ms() + interval_ms, self._expire_offsets)

    def _expire_offsets(self) -> None:
        self._cluster.groups.expire(self._clock.now_ms())
        self._watch_offsets()

    # The next thing to do.

    def _rolled(self, partition: Partition, care: Care) -> None:
        """Take note of a new segment without a look at all the others: what was due stays due."""
        settings, now_ms = partition.topic.settings, self._clock.now_ms()
        due_ms = self._roll_ms(partition, care, now_ms)
        if settings.delete and 0 <= settings.retention_bytes < partition.log.size_bytes:
            care.check_ms = min(care.check_ms, self._next_check_ms(0, now_ms))
            due_ms = min(due_ms, care.check_ms)
        if settings.compact and care.task is None:
            due_ms = min(due_ms, now_ms + self._backoff_ms)
        if care.timer is not None and due_ms < care.timer.when_ms:
            self._set(partition, care, due_ms)

    def _arm(self, partition: Partition, care: Care) -> None:
        self._set(partition, care, self._due_ms(partition, care))

    def _set(self, partition: Partition, care: Care, due_ms: int) -> None:
        if care.timer is not None:
            care.timer.cancel()
            care.timer = None
        if due_ms < FOREVER_MS:
            care.timer = self._clock.call_at(due_ms, lambda: self._run(partition, care))

    def _due_ms(self, partition: Partition, care: Care) -> int:
        """Tell when something may have to be done for a partition: never too late, but it may be too early."""
        stretches = partition.log.segments()
        if not stretches:
            return FOREVER_MS
        settings, now_ms = partition.topic.settings, self._clock.now_ms()
        due_ms = FOREVER_MS
        care.check_ms = FOREVER_MS
        if settings.delete:
            due_ms = care.check_ms = self._next_check_ms(self._expiry_ms(partition, care, stretches), now_ms)
        due_ms = min(due_ms, self._roll_ms(partition, care, now_ms))
        if settings.compact and care.task is None:
            progress = self._progress(partition)
            ripe_ms = progress.ripe_ms(partition, stretches, now_ms)
            due_ms = min(due_ms, max(ripe_ms, progress.compacted_ms, now_ms) + self._backoff_ms)
        return due_ms

    @property
    def _backoff_ms(self) -> int:
        return cast("int", self._cluster.configs.broker("log.cleaner.backoff.ms"))

    def _next_check_ms(self, expiry_ms: int, now_ms: int) -> int:
        """Tell at which check something is found that is over at an instant."""
        if expiry_ms >= FOREVER_MS:
            return FOREVER_MS
        interval_ms = cast("int", self._cluster.configs.broker("log.retention.check.interval.ms"))
        behind_ms = max(expiry_ms, now_ms + 1) - self._first_check_ms
        return self._first_check_ms + max(0, -(-behind_ms // interval_ms)) * interval_ms

    def _expiry_ms(self, partition: Partition, care: Care, stretches: list[Stretch]) -> int:
        """Tell when the oldest segment is over."""
        settings = partition.topic.settings
        oldest = stretches[0]
        if 0 <= settings.retention_bytes <= partition.log.size_bytes - oldest.size_bytes:
            return 0
        if settings.retention_ms < 0:
            return FOREVER_MS
        return self._newest_ms(care, oldest) + settings.retention_ms + 1

    def _newest_ms(self, care: Care, stretch: Stretch) -> int:
        """Tell the newest timestamp in a segment; where its records have none, the time at which it was last seen to change."""
        if stretch.max_ms >= 0:
            return stretch.max_ms
        seen = care.sealed_ms.get(stretch.base_offset)
        if seen is None or seen[0] != stretch.end_offset:
            seen = care.sealed_ms[stretch.base_offset] = stretch.end_offset, self._clock.now_ms()
        return seen[1]

    def _roll_ms(self, partition: Partition, care: Care, now_ms: int) -> int:
        """Tell when the growing segment is to be sealed because of its age."""
        active_offset = partition.log.active_offset
        if active_offset >= partition.log.end_offset:
            return FOREVER_MS
        if care.active[0] != active_offset:
            care.active = active_offset, now_ms
        settings = partition.topic.settings
        age_ms = min(settings.segment_ms, settings.max_compaction_lag_ms) if settings.compact else settings.segment_ms
        return care.active[1] + age_ms

    # Doing it.

    def _run(self, partition: Partition, care: Care) -> None:
        care.timer = None
        now_ms = self._clock.now_ms()
        if now_ms >= care.check_ms:
            self._drop_expired(partition, care, now_ms)
        if self._roll_ms(partition, care, now_ms) <= now_ms:
            partition.log.roll()
        stretches = partition.log.segments()
        if not stretches:
            self._cares.pop(partition, None)  # the next record tells of itself
            return
        if partition.topic.settings.compact and care.task is None:
            progress = self._progress(partition)
            if progress.ripe_ms(partition, stretches, now_ms) <= now_ms:
                care.task = self._cluster.tasks.start(
                    f"compaction of {partition.name}", self._compact(partition, care, progress, now_ms)
                )
        self._arm(partition, care)

    def _drop_expired(self, partition: Partition, care: Care, now_ms: int) -> int:
        """Drop the segments that retention does not keep, the growing one too when all of it is over; tells how many bytes that freed."""
        settings, records = partition.topic.settings, partition.log
        if not settings.delete:
            return 0
        before, size, drop_before = records.size_bytes, records.size_bytes, records.start_offset
        for stretch in records.segments():
            is_over = 0 <= settings.retention_ms < now_ms - self._newest_ms(care, stretch)
            if not is_over and not 0 <= settings.retention_bytes <= size - stretch.size_bytes:
                break
            size -= stretch.size_bytes
            drop_before = stretch.end_offset
            care.sealed_ms.pop(stretch.base_offset, None)
        if drop_before == records.start_offset:
            return 0
        records.drop_segments_before(drop_before)
        partition.start_moved()
        log.info("%s: retention moved the log's start to offset %d", partition.name, records.start_offset)
        return before - records.size_bytes

    def _progress(self, partition: Partition) -> Progress:
        return self._progresses.of(partition)

    async def _compact(self, partition: Partition, care: Care, progress: Progress, now_ms: int) -> None:
        try:
            await compact(partition, progress, now_ms)
            self._progresses.keep(partition)
        finally:
            care.task = None
        if self._cares.get(partition) is care:
            self._arm(partition, care)


def _end(care: Care) -> None:
    if care.timer is not None:
        care.timer.cancel()
        care.timer = None
    if care.task is not None:
        care.task.cancel()
