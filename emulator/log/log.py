"""An append-only log: entries that hold one record or more, each record with an offset that is never used again.

The cost of an append is O(1), that of everything else O(log n) beside what it copies or drops. One thing can be dearer: a search for
a time that is older than something already dropped, in a log whose times went back, looks at every segment (as Kafka does).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from emulator.log.segment import OLDEST_MS, SEGMENT_BYTES_LIMIT, Entry, Segment


class Log:
    """Segments in order. Only the last one grows, only the first one has dropped entries."""

    __slots__ = ("_end", "_segment_max_bytes", "_segments", "_size", "_start")

    def __init__(self, segment_max_bytes: int = 1 << 20) -> None:
        """`segment_max_bytes` bounds a segment with its index; an entry that is larger has a segment to itself."""
        if not 0 < segment_max_bytes <= SEGMENT_BYTES_LIMIT:
            raise ValueError(f"segment_max_bytes must be from 1 to {SEGMENT_BYTES_LIMIT}")
        self._segment_max_bytes = segment_max_bytes
        self._segments: list[Segment] = []
        self._start = self._end = self._size = 0

    @property
    def start_offset(self) -> int:
        """The first offset that is kept. It may lie inside an entry, which is then kept whole."""
        return self._start

    @property
    def end_offset(self) -> int:
        """The offset that the next record will have."""
        return self._end

    @property
    def size_bytes(self) -> int:
        """How much data is kept."""
        return self._size

    @property
    def count(self) -> int:
        """How many records are kept."""
        return self._end - self._start

    @property
    def first_time_ms(self) -> int | None:
        """The time of the first entry, which need not be the oldest; None if there is none."""
        return self._segments[0].first_time_ms if self._segments else None

    @property
    def last_time_ms(self) -> int | None:
        """The time of the last entry, which need not be the newest; None if there is none."""
        return self._segments[-1].last_time_ms if self._segments else None

    def append(self, data: bytes, time_ms: int, count: int = 1) -> int:
        """Put an entry of `count` records at the end and answer its first offset. Its time may be older than that of others."""
        if count < 1:
            raise ValueError("an entry holds at least one record")
        segments = self._segments
        offset = self._end
        if segments and segments[-1].has_room(len(data), self._segment_max_bytes):
            segments[-1].append(data, time_ms, count)
        else:
            segment = Segment(offset, segments[-1].peak_ms if segments else OLDEST_MS)
            segment.append(data, time_ms, count)
            segments.append(segment)
        self._end += count
        self._size += len(data)
        return offset

    def read(self, offset: int, entries_max: int = 100, bytes_max: int = 1 << 20) -> list[Entry]:
        """Copy entries, from the one that holds `offset` on: at most so many, with at most so much data, but at least one if there is one.

        An offset before the start reads from the start; one at the end or beyond reads nothing.
        """
        offset = max(offset, self._start)
        if offset >= self._end:
            return []
        place = self._place_of(offset)
        segment = self._segments[place]
        index = segment.index_of(offset)
        size = segment.size_of(index)
        if size > bytes_max or entries_max < 1:
            entries_max, bytes_max = 1, size
        entries: list[Entry] = []
        while more := segment.read(index, entries_max - len(entries), bytes_max):
            entries += more
            bytes_max -= sum(len(entry.data) for entry in more)
            place += 1
            if more[-1].next_offset < segment.end or place == len(self._segments):
                break
            segment = self._segments[place]
            index = segment.first
        return entries

    def offset_at(self, time_ms: int) -> int:
        """Find the first entry whose time is `time_ms` or newer and answer its offset (not before the start), else the end offset."""
        segments = self._segments
        # Peaks never fall, so they can be searched by halving. They count what is dropped, which must not be what is found.
        place = bisect_left(segments, time_ms, key=_peak_of) if segments and segments[0].peak_ms < time_ms else 0
        while place < len(segments):
            segment = segments[place]
            if segment.max_ms >= time_ms and (offset := segment.offset_of(segment.find_at(time_ms))) < segment.end:
                return max(offset, self._start)
            place += 1
        return self._end

    def next_older(self, offset: int, time_ms: int) -> int:
        """Find the first entry, from the one that holds `offset` on, that is older than `time_ms`.

        Answer its offset (not before the one given, nor before the start), else the end offset.
        """
        offset = max(offset, self._start)
        if offset >= self._end:
            return self._end
        segments, place = self._segments, self._place_of(offset)
        found = segments[place].find_older(segments[place].index_of(offset), time_ms)
        while (older := segments[place].offset_of(found)) == segments[place].end:
            place += 1
            if place == len(segments):
                return self._end
            found = segments[place].find_older(segments[place].first, time_ms)
        return max(older, offset)

    def expire(self, before_ms: int) -> int:
        """Drop entries from the start while they are older than `before_ms`, and answer how many records that were."""
        return self.truncate_before(self.offset_at(before_ms))

    def truncate_before(self, offset: int) -> int:
        """Drop all records before `offset`, at most up to the end, and answer how many that were."""
        offset = min(offset, self._end)
        if offset <= self._start:
            return 0
        dropped, self._start = offset - self._start, offset
        segments = self._segments
        gone = len(segments) if offset == self._end else self._place_of(offset)
        self._size -= sum(segment.size_bytes for segment in segments[:gone])
        del segments[:gone]
        if segments:
            first = segments[0]
            self._size -= first.size_bytes
            first.drop_before(first.index_of(offset))
            self._size += first.size_bytes
        return dropped

    def clear(self) -> list[list[Segment]]:
        """Drop everything; offsets go on where they were.

        Freeing a big log takes its time. What it held is handed out so that the caller can do it bit by bit (emulator.tasks.dispose).
        """
        remains = [[segment] for segment in self._segments]
        self._segments = []
        self._start, self._size = self._end, 0
        return remains

    def _place_of(self, offset: int) -> int:
        """Find the segment that holds an offset that is kept."""
        segments = self._segments
        if offset >= segments[-1].base:  # where most readers are
            return len(segments) - 1
        return bisect_right(segments, offset, key=_base_of) - 1


def _base_of(segment: Segment) -> int:
    return segment.base


def _peak_of(segment: Segment) -> int:
    return segment.peak_ms
