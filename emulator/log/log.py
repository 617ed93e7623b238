"""An append-only log: entries that hold one record or more, each record with an offset that is never used again.

The cost of an append is O(1), that of everything else O(log n) beside what it copies or drops. One thing can be dearer: a search for
a time that is older than something already dropped, in a log whose times went back, looks at every segment (as Kafka does).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from emulator.log.reading import Reading, end_of
from emulator.log.rewrite import Pending, groups, successor
from emulator.log.segment import OLDEST_MS, SEGMENT_BYTES_LIMIT, Segment
from emulator.log.store import SIZES, HeapStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.log.rewrite import Kept
    from emulator.log.store import Data, Store


class Log(Reading):
    """A log: what changes it stands here, what is read from it in reading.py."""

    __slots__ = ("_capacity", "_segment_max_bytes", "_store")

    def __init__(self, segment_max_bytes: int = 1 << 20, store: Store | None = None, start_offset: int = 0) -> None:
        """`segment_max_bytes` bounds a segment with its index; an entry that is larger has a segment to itself.

        `store` is where segments get their room, memory of the heap if it is None.
        """
        super().__init__(start_offset)
        self.segment_max_bytes = segment_max_bytes
        self._store: Store = HeapStore() if store is None else store
        self._capacity = 0  # of the last room

    @property
    def segment_max_bytes(self) -> int:
        """How large a segment may grow with its index. A change holds from the next entry on."""
        return self._segment_max_bytes

    @segment_max_bytes.setter
    def segment_max_bytes(self, bytes_max: int) -> None:
        if not 0 < bytes_max <= SEGMENT_BYTES_LIMIT:
            raise ValueError(f"segment_max_bytes must be from 1 to {SEGMENT_BYTES_LIMIT}")
        self._segment_max_bytes = bytes_max

    # Growing.

    def append(self, data: Data, time_ms: int, count: int = 1) -> int:
        """Put an entry of `count` records at the end and answer its first offset. Its time may be older than that of others.

        The data is copied. Raises LogFullError when the store has no room; nothing has changed then.
        """
        if count < 1:
            raise ValueError("an entry holds at least one record")
        offset = self._end
        active = self._active
        if active is None or not active.append(data, time_ms, count, self._segment_max_bytes):
            self._open(data, time_ms, count)
        self._end = offset + count
        self._size += len(data)
        return offset

    def _open(self, data: Data, time_ms: int, count: int) -> None:
        """Put an entry into a segment of its own, which grows from now on."""
        segments = self._segments
        space = self._store.open(self._end, len(data), self._capacity, self._segment_max_bytes)
        segment = Segment(self._end, space, segments[-1].peak_ms if segments else OLDEST_MS)
        try:
            segment.append(data, time_ms, count, SEGMENT_BYTES_LIMIT)
        except BaseException:
            space.drop()
            self._store.keep_end(self._end)
            raise
        self.roll()
        self._active, self._capacity = segment, space.capacity
        segments.append(segment)

    def roll(self) -> None:
        """Let the next entry begin a new segment."""
        if self._active is not None:
            self._active.space.seal(self._active.used)
            self._active = None

    def close(self) -> None:
        """Leave everything so that it can be opened again. What is kept can still be read."""
        self.roll()

    def adopt(self, segment: Segment) -> None:
        """Take over a segment behind what is here: one that was there before this log."""
        segments = self._segments
        if segments:
            segment.before_max_ms = segments[-1].peak_ms
        segments.append(segment)
        self._end, self._capacity = segment.end, segment.space.capacity
        self._size += segment.size_bytes

    def skip_to(self, offset: int) -> None:
        """Let the offsets go on from `offset`, if that is behind the end: there was more, which is gone."""
        self.roll()
        self._end = max(self._end, offset)

    # Leaving.

    def expire(self, before_ms: int) -> int:
        """Drop entries from the start while they are older than `before_ms`, and answer how many records that were."""
        return self.truncate_before(self.offset_at(before_ms))

    def truncate_before(self, offset: int) -> int:
        """Drop all records before `offset`, at most up to the end, and answer how many that were."""
        offset = min(offset, self._end)
        if offset <= self._start:
            return 0
        dropped, self._start = offset - self._start, offset
        self._drop(self._place_of(offset))
        if self._segments:
            first = self._segments[0]
            self._size -= first.size_bytes
            first.drop_before(first.index_of(offset))
            self._size += first.size_bytes
        return dropped

    def drop_segments_before(self, offset: int) -> int:
        """Drop whole segments that end at `offset` or before, also the one that grows, and answer how many records that were."""
        segments, start = self._segments, self._start
        gone = bisect_right(segments, offset, key=end_of)
        if gone:
            self._start = max(start, segments[gone].base if gone < len(segments) else self._end)
            self._drop(gone)
        return self._start - start

    def _drop(self, gone: int) -> None:
        """Let the first segments go."""
        segments = self._segments
        if gone == len(segments):
            self._active = None
            self._store.keep_end(self._end)
        for segment in segments[:gone]:
            self._size -= segment.size_bytes
            segment.space.drop()
        del segments[:gone]

    def clear(self) -> list[list[Segment]]:
        """Drop everything; offsets go on where they were.

        Freeing a big log takes its time. What it held is handed out so that the caller can do it bit by bit (emulator.tasks.dispose).
        """
        remains = [[segment] for segment in self._segments]
        self._start = self._end
        self._drop(len(remains))
        return remains

    def rewrite(self, base_offset: int, end_offset: int, kept: Iterable[Kept]) -> int:
        """Replace the entries of the segments between two offsets by those that are kept, and answer how many bytes that saved.

        Only segments that lie within the offsets as a whole and are sealed. `kept` are the offset after each entry, its time and its
        data, in order; it may be a generator that reads this log meanwhile. No offset changes: a hole belongs to what follows it.
        Neighbours become one where they fit. What readers look at stays as it was.

        Raises LogFullError, and ValueError for an entry that is out of order or elsewhere: what was done up to there holds, and the rest
        is as before. All is done at once: whoever has much to do should do a few segments at a time and let others run.
        """
        segments = self._segments
        place = 0 if base_offset <= self._start else bisect_left(segments, base_offset, key=_base_of)
        after = bisect_right(segments, min(end_offset, self.active_offset), key=end_of)
        if after == len(segments):
            self._store.keep_end(self._end)
        pending, before = Pending(kept, max(base_offset, self._start)), self._size
        for group in groups(segments[place:after], min(self._segment_max_bytes, SIZES[-1])):
            new = successor(self._store, group, pending.within(group[0].base, group[-1].end))
            self._size -= sum(segment.size_bytes for segment in group)
            segments[place : place + len(group)] = [new] if new else []
            if new:
                self._size += new.size_bytes
                place += 1
        pending.finish()
        return before - self._size


def _base_of(segment: Segment) -> int:
    return segment.base
