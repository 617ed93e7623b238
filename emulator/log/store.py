"""Where the segments of a log get their room: the shape that all stores share, and the one that archives use.

A store is handed to a log. `HeapStore` (here) is the default; `Arenas` (arenas.py) serves all Kafka partitions in memory and
`SegmentFiles` (files.py) one partition on disk. Nobody has to say that a reader has finished: what he looks at stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Data = bytes | bytearray | memoryview
"""What goes in. A memoryview is one of single bytes, one after the other."""

SIZES = tuple(1 << bits for bits in (14, 16, 18, 20, 22, 24))
"""How large the rooms of Kafka's segments are: 16 KiB to 16 MiB. A thousand partitions that are hardly used cost 16 MiB, and the
one that gets a gigabyte a second changes its segment every 16 ms."""


class LogFullError(Exception):
    """There is no room left for a segment. Nothing has changed; dropping old segments may make room."""


class Space(Protocol):
    """The room of one segment. Positions count from its start, and what was given back too."""

    capacity: int
    """How much it holds at most; 0: it grows."""

    def put(self, position: int, data: Data) -> bool:
        """Copy `data` to `position`, behind what is there to stay, or tell that it has no room."""

    def slice(self, begin: int, end: int) -> memoryview:
        """Show what lies between two positions, read-only and without a copy. It never changes, whatever comes later."""

    def forget(self, begin: int) -> None:
        """Nobody will ask for what lies before `begin` any more: it may be given back. Called when that is most of the room."""

    def seal(self, used: int) -> None:
        """Nothing more will be put in behind `used`."""

    def take_over(self, old: Sequence[Space]) -> None:
        """Become the successor of `old`, which are dropped: whoever opens the log later finds either them or this."""

    def drop(self) -> None:
        """The segment has left the log. Its memory goes when nobody looks at it."""


class Store(Protocol):
    """Hands out rooms."""

    def open(self, base: int, size: int, after: int, size_max: int) -> Space:
        """Make a room for the segment from offset `base` on, whose first entry has `size` bytes.

        It is larger than `after`, the capacity of the one before, but not larger than `size_max` or `size` ask for.
        Raises LogFullError.
        """

    def open_successor(self, base: int, end: int, size: int) -> Space:
        """Make a room of `size` bytes that will `take_over` the segments between two offsets. Raises LogFullError."""

    def keep_end(self, end: int) -> None:
        """No entry tells any more where the log ends: remember it, if anybody will open the log later."""


def capacity_for(size: int, after: int, size_max: int) -> int:
    """Choose the next of SIZES after `after` that `size_max` allows, at least the smallest that holds `size`, or `size` itself."""
    grown = next((capacity for capacity in SIZES if capacity > after), SIZES[-1])
    while grown > size_max and grown > SIZES[0]:
        grown >>= 2
    return next((capacity for capacity in SIZES if capacity >= max(size, grown)), size)


class HeapSpace:
    """A buffer that grows with what it holds."""

    __slots__ = ("_cut", "_data", "capacity")

    def __init__(self) -> None:
        self.capacity = 0
        self._data = bytearray()
        self._cut = 0  # bytes given back from the start; positions count them

    def put(self, position: int, data: Data) -> bool:
        """Copy `data` to the end."""
        begin = position - self._cut
        try:
            self._data[begin:] = data
        except BufferError:  # a buffer that is looked at cannot grow: it is left to those who look
            self._data = self._data[:begin] + data
        return True

    def slice(self, begin: int, end: int) -> memoryview:
        """Show a part."""
        return memoryview(self._data)[begin - self._cut : end - self._cut].toreadonly()

    def forget(self, begin: int) -> None:
        """Give memory back by copying the rest."""
        self._data = self._data[begin - self._cut :]
        self._cut = begin

    def seal(self, used: int) -> None:
        """Nothing is held in reserve that would be worth the copy."""

    def take_over(self, old: Sequence[Space]) -> None:
        """Nobody opens it later."""

    def drop(self) -> None:
        """The buffer goes with the segment."""


class HeapStore:
    """Buffers of their own: for logs that are small, or few."""

    __slots__ = ()

    def open(self, base: int, size: int, after: int, size_max: int) -> Space:  # noqa: ARG002 - a buffer grows as needed
        """Make an empty buffer."""
        return HeapSpace()

    def open_successor(self, base: int, end: int, size: int) -> Space:  # noqa: ARG002
        """Make an empty buffer."""
        return HeapSpace()

    def keep_end(self, end: int) -> None:
        """Nobody opens the log later."""
