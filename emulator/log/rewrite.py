"""Compaction of a log: sealed segments give way to fewer and smaller ones, without the entries that nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.log.segment import OFFSETS_MAX, SEGMENT_BYTES_LIMIT, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emulator.log.store import Data, Store

    Kept = tuple[int, int, Data]
    """The offset after an entry, its time, its data."""


class Pending:
    """The entries that are kept, taken in order as the segments come that held them."""

    def __init__(self, kept: Iterable[Kept], start: int) -> None:
        """Nothing is kept that ends at `start` or before."""
        self._kept = iter(kept)
        self._next: Kept | None = None
        self._last = start

    def within(self, base: int, end: int) -> list[Kept]:
        """Take those that lie between two offsets. Raises ValueError for one that is out of order or lies between segments."""
        taken: list[Kept] = []
        self._last = max(self._last, base)
        while (entry := self._next or next(self._kept, None)) is not None:
            self._next = entry
            if entry[0] > end:
                break
            if entry[0] <= self._last:
                raise ValueError(f"no entry behind offset {self._last} can end at {entry[0]}")
            self._last, self._next = entry[0], None
            taken.append(entry)
        return taken

    def finish(self) -> None:
        """Raise ValueError if there is more than was asked for."""
        if self._next is not None or next(self._kept, None) is not None:
            raise ValueError("only entries of sealed segments that lie within the offsets can be rewritten")


def groups(segments: Sequence[Segment], bytes_max: int) -> Iterator[list[Segment]]:
    """Put neighbours together whose data keeps within `bytes_max`, so that a log that shrinks has few segments too."""
    group: list[Segment] = []
    size = 0
    for segment in segments:
        if group and (size + segment.used > bytes_max or segment.end - group[0].base > OFFSETS_MAX):
            yield group
            group, size = [], 0
        group.append(segment)
        size += segment.used
    if group:
        yield group


def successor(store: Store, group: Sequence[Segment], kept: Sequence[Kept]) -> Segment | None:
    """Make the segment that takes over from a group, None if nothing of it is kept. Raises LogFullError; nothing has changed then."""
    old = [segment.space for segment in group]
    if not kept:
        for space in old:
            space.drop()
        return None
    base, end = group[0].base, group[-1].end
    space = store.open_successor(base, end, sum(len(data) for *_, data in kept))
    segment = Segment(base, space, group[0].before_max_ms)
    try:
        for next_offset, time_ms, data in kept:
            segment.append(data, time_ms, next_offset - segment.end, SEGMENT_BYTES_LIMIT)
        space.seal(segment.used)
    except BaseException:
        space.drop()
        raise
    space.take_over(old)
    return segment
