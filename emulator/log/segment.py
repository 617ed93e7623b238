"""A stretch of a log: all its data in one buffer, and an index of 16 bytes per entry.

Entries are told by their index here, which counts dropped ones too until their memory is given back. A time is searched by
halving when no entry is older than one before it, else in steps of 64 entries, of which the newest time is known.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

INDEX_BYTES = 16
"""What an entry costs beside its data: offset (4), position (4), time (8)."""
SEGMENT_BYTES_LIMIT = (1 << 32) - 1
"""Positions have 32 bits."""
OLDEST_MS, NEWEST_MS = -(1 << 63), (1 << 63) - 1
_OFFSETS_MAX = (1 << 32) - 1
_BLOCK = 64


@dataclass(slots=True)
class Entry:
    """What one append put in: `count` records, the first of which has `offset`."""

    offset: int
    count: int
    time_ms: int
    data: bytes

    @property
    def next_offset(self) -> int:
        """The offset after the last record."""
        return self.offset + self.count


class Segment:
    """Entries one after the other, from the offset `base` up to `end`. It is dropped as a whole, or entry by entry from its start."""

    __slots__ = (
        "_block_max_ms",
        "_cut",
        "_data",
        "_first",
        "_in_order",
        "_offsets",
        "_positions",
        "_times",
        "base",
        "before_max_ms",
        "end",
        "max_ms",
        "min_ms",
    )

    def __init__(self, base: int, before_max_ms: int = OLDEST_MS) -> None:
        """Start empty; `before_max_ms` is the newest time of all that ever was in the log before this segment."""
        self.base = self.end = base
        self.before_max_ms = before_max_ms
        self.max_ms, self.min_ms = OLDEST_MS, NEWEST_MS  # of all entries that ever were here
        self._data = bytearray()
        self._cut = 0  # bytes given back from the start of the buffer; positions count them
        self._first = 0  # the index of the first entry that is not dropped
        self._offsets = array("I")  # from `base`
        self._positions = array("I")
        self._times = array("q")
        self._block_max_ms = array("q")
        self._in_order = True

    @property
    def peak_ms(self) -> int:
        """The newest time of all that ever was in the log up to the end of this segment: it never falls from segment to segment."""
        return max(self.before_max_ms, self.max_ms)

    @property
    def size_bytes(self) -> int:
        """How much data the entries hold that are not dropped."""
        return self._cut + len(self._data) - self._positions[self._first]

    @property
    def first_time_ms(self) -> int:
        """The time of the first entry that is not dropped."""
        return self._times[self._first]

    @property
    def last_time_ms(self) -> int:
        """The time of the last entry."""
        return self._times[-1]

    @property
    def first(self) -> int:
        """The index of the first entry that is not dropped."""
        return self._first

    def has_room(self, size: int, bytes_max: int) -> bool:
        """Tell whether an entry of `size` bytes may follow here, so that the segment with its index keeps within `bytes_max`."""
        used = self._cut + len(self._data) + INDEX_BYTES * len(self._times)
        return used + size + INDEX_BYTES <= bytes_max and self.end - self.base <= _OFFSETS_MAX

    def append(self, data: bytes, time_ms: int, count: int) -> None:
        """Put an entry at the end."""
        times, blocks = self._times, self._block_max_ms
        times.append(time_ms)
        self._offsets.append(self.end - self.base)
        self._positions.append(self._cut + len(self._data))
        self._data += data
        self.end += count
        if time_ms < self.max_ms:
            self._in_order = False
        else:
            self.max_ms = time_ms
        if time_ms < self.min_ms:
            self.min_ms = time_ms
        if len(times) % _BLOCK == 1:
            blocks.append(time_ms)
        elif time_ms > blocks[-1]:
            blocks[-1] = time_ms

    # Where something is.

    def index_of(self, offset: int) -> int:
        """Find the entry that holds `offset`, which must be kept here."""
        return bisect_right(self._offsets, offset - self.base, self._first) - 1

    def offset_of(self, index: int) -> int:
        """The offset of an entry; of the one after the last, the end."""
        return self.base + self._offsets[index] if index < len(self._offsets) else self.end

    def find_at(self, time_ms: int) -> int:
        """Find the first entry that has `time_ms` or is newer; else answer the index after the last."""
        times, index = self._times, self._first
        if self._in_order:
            return bisect_left(times, time_ms, index)
        while index < len(times) and times[index] < time_ms:
            skip = index % _BLOCK == 0 and self._block_max_ms[index // _BLOCK] < time_ms
            index += _BLOCK if skip else 1
        return min(index, len(times))

    def find_older(self, index: int, time_ms: int) -> int:
        """Find the first entry from `index` on that is older than `time_ms`; else answer the index after the last."""
        times = self._times
        if self.min_ms >= time_ms or (self._in_order and times[index] >= time_ms):
            return len(times)
        return next((place for place in range(index, len(times)) if times[place] < time_ms), len(times))

    # Coming out.

    def size_of(self, index: int) -> int:
        """How much data an entry holds."""
        return self._end_of(index) - self._positions[index]

    def _end_of(self, index: int) -> int:
        return self._positions[index + 1] if index + 1 < len(self._positions) else self._cut + len(self._data)

    def read(self, index: int, entries_max: int, bytes_max: int) -> list[Entry]:
        """Copy entries from `index` on, while they keep within both bounds."""
        entries: list[Entry] = []
        begin = self._positions[index]
        stop = begin + bytes_max
        with memoryview(self._data) as view:
            for place in range(index, min(index + entries_max, len(self._times))):
                end = self._end_of(place)
                if end > stop:
                    break
                offset = self.offset_of(place)
                data = bytes(view[begin - self._cut : end - self._cut])
                entries.append(Entry(offset, self.offset_of(place + 1) - offset, self._times[place], data))
                begin = end
        return entries

    def drop_before(self, index: int) -> None:
        """Drop the entries before `index`, which must be one of an entry. When they are most of the segment, give their memory back."""
        self._first = index
        dead = self._positions[index] - self._cut + INDEX_BYTES * index
        if 2 * dead > len(self._data) + INDEX_BYTES * len(self._times):
            self._give_back()

    def _give_back(self) -> None:
        first = self._first
        begin = self._positions[first]
        self._data = self._data[begin - self._cut :]
        self._cut = begin
        self._offsets = self._offsets[first:]
        self._positions = self._positions[first:]
        self._times = times = self._times[first:]
        self._first = 0
        self._block_max_ms = array("q", [max(times[at : at + _BLOCK]) for at in range(0, len(times), _BLOCK)])
