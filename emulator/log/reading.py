"""What can be asked of a log: entries by offset, offsets by time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from emulator.log.segment import Entry, EntryView, Segment, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reading:
    """Segments in order. Only the last one grows, only the first one has dropped entries, none is without an entry.

    Between two segments, and behind the last, there may be offsets whose records compaction took away.
    """

    __slots__ = ("_active", "_end", "_segments", "_size", "_start")

    def __init__(self, start_offset: int) -> None:
        """Start empty."""
        self._segments: list[Segment] = []
        self._active: Segment | None = None  # the last segment, while it grows
        self._start = self._end = start_offset
        self._size = 0

    @property
    def start_offset(self) -> int:
        """The first offset that is kept. It may lie inside an entry, which is then kept whole."""
        return self._start

    @property
    def end_offset(self) -> int:
        """The offset that the next record will have."""
        return self._end

    @property
    def active_offset(self) -> int:
        """Where the segment begins that grows, the end offset if there is none. What lies before can be rewritten."""
        return self._end if self._active is None else self._active.base

    @property
    def size_bytes(self) -> int:
        """How much data is kept."""
        return self._size

    @property
    def count(self) -> int:
        """How many records are kept, as the offsets tell."""
        return self._end - self._start

    @property
    def first_time_ms(self) -> int | None:
        """The time of the first entry, which need not be the oldest; None if there is none."""
        return self._segments[0].first_time_ms if self._segments else None

    @property
    def last_time_ms(self) -> int | None:
        """The time of the last entry, which need not be the newest; None if there is none."""
        return self._segments[-1].last_time_ms if self._segments else None

    @property
    def last_entry(self) -> EntryView | None:
        """The last entry, None if there is none."""
        if not self._segments:
            return None
        last = self._segments[-1]
        return last.view(last.index_of(last.end - 1))

    def segments(self) -> list[Stretch]:
        """List what each segment holds, the oldest first."""
        return [Stretch(each.base, each.end, each.size_bytes, each.max_ms) for each in self._segments]

    # Entries.

    def read(self, offset: int, entries_max: int = 100, bytes_max: int = 1 << 20) -> list[Entry]:
        """Copy entries, from the one that holds `offset` on: at most so many, with at most so much data, but at least one if there is one.

        An offset before the start reads from the start; one at the end or beyond reads nothing.
        """
        offset = max(offset, self._start)
        place = self._place_of(offset)
        if place == len(self._segments):
            return []
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

    def views(self, offset: int, bytes_max: int, before_offset: int | None = None) -> list[memoryview]:
        """Show entries as they are stored, from the one that holds `offset` on, a slice for each segment.

        At most so many bytes, but at least one entry if there is one; only entries that end at `before_offset` or before, as Kafka
        cuts at the high watermark and the last stable offset. What is shown never changes, and nobody needs to be told when it is
        no longer looked at. An offset before the start shows from the start.
        """
        stop = self._end if before_offset is None else before_offset
        segments = self._segments
        if segments and offset >= segments[-1].base:  # where most readers are
            segment = segments[-1]
            if offset >= segment.end or (span := segment.span(offset, bytes_max, stop)) is None:
                return []
            return [segment.space.slice(*span)]
        return self._views(self._place_of(offset), offset, bytes_max, stop)

    def _views(self, place: int, offset: int, bytes_max: int, stop: int) -> list[memoryview]:
        views: list[memoryview] = []
        for segment in self._segments[place:]:
            if views and segment.size_of(segment.first) > bytes_max:
                break
            span = segment.span(offset, bytes_max, stop)
            if span is None:
                break
            views.append(segment.space.slice(*span))
            bytes_max -= len(views[-1])
            if span[1] < segment.used:
                break
        return views

    def entries(self, offset: int, before_offset: int | None = None) -> Iterator[EntryView]:
        """Show one entry after the other, from the one that holds `offset` on, while they end at `before_offset` or before.

        The log may change meanwhile: what is appended comes too, and what goes is left out, but for the rest of a segment.
        """
        while True:
            place = self._place_of(offset)
            if place == len(self._segments):
                return
            segment = self._segments[place]
            while offset < segment.end:
                entry = segment.view(segment.index_of(offset))
                offset = entry.next_offset
                if before_offset is not None and offset > before_offset:
                    return
                yield entry

    # Times.

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

    def newest(self) -> tuple[int, int] | None:
        """Find the first entry with the highest time, and answer time and offset (not before the start); None if there is no entry."""
        if not self._segments:
            return None
        time_ms = max(segment.newest_ms() for segment in self._segments)
        return time_ms, self.offset_at(time_ms)

    def next_older(self, offset: int, time_ms: int) -> int:
        """Find the first entry, from the one that holds `offset` on, that is older than `time_ms`.

        Answer its offset (not before the one given, nor before the start), else the end offset.
        """
        offset = max(offset, self._start)
        segments, place = self._segments, self._place_of(offset)
        while place < len(segments):
            segment = segments[place]
            older = segment.offset_of(segment.find_older(segment.index_of(offset), time_ms))
            if older < segment.end:
                return max(older, offset)
            place += 1
        return self._end

    def _place_of(self, offset: int) -> int:
        """Find the segment with the entry that holds an offset or, if that is in a hole, follows it; if none does, how many there are."""
        segments = self._segments
        if segments and segments[-1].base <= offset < segments[-1].end:  # where most readers are
            return len(segments) - 1
        return bisect_right(segments, offset, key=end_of)


def end_of(segment: Segment) -> int:
    """The offset after the last entry, to search by."""
    return segment.end


def _peak_of(segment: Segment) -> int:
    return segment.peak_ms
