"""A stretch of a log: all its data in one room (store.py), and an index of 16 bytes per entry.

Entries are told by their index here, which counts dropped ones too until their memory is given back. A time is searched by
halving when no entry is older than one before it, else in steps of 64 entries, of which the newest time is known.

An entry begins where the one before ends. When compaction leaves a hole, the entry behind it begins with the hole: whoever asks for an
offset in the hole gets what follows. (If he got what precedes he would ask for the same offset for ever.)
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emulator.log.store import Data, Space

INDEX_BYTES = 16
"""What an entry costs beside its data: offset (4), position (4), time (8)."""
SEGMENT_BYTES_LIMIT = (1 << 32) - 1
"""Positions have 32 bits."""
OLDEST_MS, NEWEST_MS = -(1 << 63), (1 << 63) - 1
OFFSETS_MAX = (1 << 32) - 1
"""Offsets within a segment too."""
_BLOCK = 64


@dataclass(slots=True)
class _Span:
    offset: int
    count: int
    time_ms: int

    @property
    def next_offset(self) -> int:
        """The offset after the last record."""
        return self.offset + self.count


@dataclass(slots=True)
class Entry(_Span):
    """What one append put in: `count` records, the first of which has `offset`."""

    data: bytes


@dataclass(slots=True)
class EntryView(_Span):
    """An entry that is not copied. Behind a hole, `offset` is where the hole begins."""

    data: memoryview


class Stretch(NamedTuple):
    """What a segment holds: its first offset, the one after its last entry, how much data, and the newest time of its entries."""

    base_offset: int
    end_offset: int
    size_bytes: int
    max_ms: int


class Segment:
    """Entries one after the other, from the offset `base` up to `end`. It is dropped as a whole, or entry by entry from its start."""

    __slots__ = (
        "_block_max_ms",
        "_in_order",
        "_offsets",
        "_positions",
        "_times",
        "base",
        "before_max_ms",
        "end",
        "first",
        "max_ms",
        "min_ms",
        "space",
        "used",
    )

    def __init__(self, base: int, space: Space, before_max_ms: int = OLDEST_MS) -> None:
        """Start empty; `before_max_ms` is the newest time of all that ever was in the log before this segment."""
        self.base = self.end = base
        self.space = space
        self.used = 0  # bytes, with those of dropped entries: the position of the next entry
        self.before_max_ms = before_max_ms
        self.max_ms, self.min_ms = OLDEST_MS, NEWEST_MS  # of all entries that ever were here
        self.first = 0  # the index of the first entry that is not dropped
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
        return self.used - self._positions[self.first]

    @property
    def first_time_ms(self) -> int:
        """The time of the first entry that is not dropped."""
        return self._times[self.first]

    @property
    def last_time_ms(self) -> int:
        """The time of the last entry."""
        return self._times[-1]

    def append(self, data: Data, time_ms: int, count: int, bytes_max: int) -> bool:
        """Put an entry at the end, or tell that the segment with its index and this entry would not keep within `bytes_max`."""
        used, size = self.used, len(data)
        if (
            used + size + INDEX_BYTES * (len(self._times) + 1) > bytes_max
            or self.end - self.base > OFFSETS_MAX
            or not self.space.put(used, data)
        ):
            return False
        self.note(size, time_ms, count)
        return True

    def note(self, size: int, time_ms: int, count: int) -> None:
        """Take an entry into the index whose data is in the room already, behind that of the others."""
        times = self._times
        times.append(time_ms)
        self._offsets.append(self.end - self.base)
        self._positions.append(self.used)
        self.used += size
        self.end += count
        if time_ms < self.max_ms:
            self._in_order = False
        else:
            self.max_ms = time_ms
        if time_ms < self.min_ms:
            self.min_ms = time_ms
        if len(times) % _BLOCK == 1:
            self._block_max_ms.append(time_ms)
        elif time_ms > self._block_max_ms[-1]:
            self._block_max_ms[-1] = time_ms

    # Where something is.

    def index_of(self, offset: int) -> int:
        """Find the entry that holds `offset`, which must be before the end; the first one for what is before that."""
        return max(bisect_right(self._offsets, offset - self.base, self.first) - 1, self.first)

    def offset_of(self, index: int) -> int:
        """The offset of an entry; of the one after the last, the end."""
        return self.base + self._offsets[index] if index < len(self._offsets) else self.end

    def find_at(self, time_ms: int) -> int:
        """Find the first entry that has `time_ms` or is newer; else answer the index after the last."""
        times, index = self._times, self.first
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

    def newest_ms(self) -> int:
        """The newest time of the entries that are not dropped."""
        return max(self._times[self.first :]) if self.first else self.max_ms

    # Coming out.

    def size_of(self, index: int) -> int:
        """How much data an entry holds."""
        return self._position_of(index + 1) - self._positions[index]

    def _position_of(self, index: int) -> int:
        return self._positions[index] if index < len(self._positions) else self.used

    def span(self, offset: int, bytes_max: int, stop: int) -> tuple[int, int] | None:
        """Find the positions where the entry begins that holds `offset`, and where the last one ends that may come with it.

        They keep within `bytes_max`, but there is one at least; they all end at offset `stop` or before, else None.
        """
        positions, base, first = self._positions, self.base, self.first
        index = bisect_right(self._offsets, offset - base, first) - 1
        if index < first:
            index = first
        begin = positions[index]
        if stop >= self.end:
            after, end = len(positions), self.used
        else:
            after = bisect_right(self._offsets, stop - base) - 1
            if after <= index:
                return None
            end = positions[after]
        if end - begin > bytes_max:
            after = bisect_right(positions, begin + bytes_max, index + 1, after) - 1
            end = self._position_of(max(after, index + 1))
        return begin, end

    def read(self, index: int, entries_max: int, bytes_max: int) -> list[Entry]:
        """Copy entries from `index` on, while they keep within both bounds."""
        entries: list[Entry] = []
        start = begin = self._positions[index]
        with self.space.slice(start, self.used) as view:
            for place in range(index, min(index + entries_max, len(self._times))):
                end = self._position_of(place + 1)
                if end > start + bytes_max:
                    break
                offset = self.offset_of(place)
                data = bytes(view[begin - start : end - start])
                entries.append(Entry(offset, self.offset_of(place + 1) - offset, self._times[place], data))
                begin = end
        return entries

    def view(self, index: int) -> EntryView:
        """Show an entry."""
        offset, position = self.offset_of(index), self._positions[index]
        data = self.space.slice(position, self._position_of(index + 1))
        return EntryView(offset, self.offset_of(index + 1) - offset, self._times[index], data)

    def drop_before(self, index: int) -> None:
        """Drop the entries before `index`, which must be one of an entry. When they are most of what is held, give memory back."""
        self.first = index
        positions, times = self._positions, self._times
        dead = positions[index] - positions[0] + INDEX_BYTES * index
        if 2 * dead > self.used - positions[0] + INDEX_BYTES * len(times):
            self._give_back(index)

    def _give_back(self, first: int) -> None:
        self.space.forget(self._positions[first])
        self._offsets = self._offsets[first:]
        self._positions = self._positions[first:]
        self._times = times = self._times[first:]
        self.first = 0
        self._block_max_ms = array("q", [max(times[at : at + _BLOCK]) for at in range(0, len(times), _BLOCK)])
