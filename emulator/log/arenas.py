"""Recycled memory for the segments of many logs: what one has dropped is the room of another, and its pages are touched already.

Pages that a process touches for the first time were nine tenths of the CPU time of a broker without this. Why no reader has to say that
he has finished: the views of an arena look at a lease, an object that lives as long as they do. When the last one has gone (a segment
is dropped, a slow consumer's socket has sent its slices) the lease goes, and the arena comes back. Until then nobody gets it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.log.store import SIZES, LogFullError, capacity_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.log.store import Data, Space

_LARGE = SIZES[-1]
_SHARE = 8
"""An arena takes at most this part of the memory, so that a few logs do not have it all, unless an entry needs more."""


class Arenas:
    """The memory of all partitions of a broker, at most `bytes_max`: in use, looked at, and kept for reuse.

    Arenas have the SIZES of store.py. An entry that is larger has one of its own, which is not kept.
    `beside` runs a function in another thread: with it, one large arena is always made and touched ahead of its use.
    """

    def __init__(self, bytes_max: int, beside: Callable[[Callable[[], None]], object] | None = None) -> None:
        self.bytes_max = bytes_max
        self._beside = beside if os.name == "posix" else None  # only there is a /dev/zero
        self._bytes_total = 0
        self._free: dict[int, list[mmap.mmap]] = {size: [] for size in SIZES}
        self._leases: dict[int, weakref.ref[ctypes.Array[ctypes.c_char]]] = {}
        self._back: deque[mmap.mmap] = (
            deque()
        )  # whoever drops the last view may be anywhere, so he does no more than this
        self._preparing: list[mmap.mmap] = []

    @property
    def bytes_total(self) -> int:
        """How much memory is taken, kept arenas included."""
        self._collect()
        return self._bytes_total

    @property
    def bytes_free(self) -> int:
        """How much of that nobody uses or looks at."""
        self._collect()
        return sum(size * len(kept) for size, kept in self._free.items())

    # What a log asks for (store.Store).

    def open(self, base: int, size: int, after: int, size_max: int) -> Space:  # noqa: ARG002 - memory has no name
        """Give an arena; a smaller one than the log should have when there is no room for that."""
        capacity = capacity_for(size, after, min(size_max, self.bytes_max // _SHARE))
        while (memory := self._take(capacity)) is None:
            capacity = max((smaller for smaller in SIZES if size <= smaller < capacity), default=0)
            if not capacity:
                raise LogFullError(
                    f"no room for {size} bytes: {self._bytes_total} of {self.bytes_max} bytes are in use"
                )
        if 4 * capacity >= _LARGE:
            self._prepare()
        return ArenaSpace(self._lease(memory), capacity)

    def open_successor(self, base: int, end: int, size: int) -> Space:  # noqa: ARG002
        """Give the smallest arena that holds `size` bytes."""
        return self.open(0, size, 0, 0)

    def keep_end(self, end: int) -> None:
        """Nobody opens the log later."""

    # Memory.

    def _take(self, capacity: int) -> mmap.mmap | None:
        """Take an arena that is kept, or make one if there is room or what is kept can go for it."""
        self._collect()
        kept = self._free.get(capacity)
        if kept:
            return kept.pop()
        missing = self._bytes_total + capacity - self.bytes_max
        if missing > self.bytes_free:
            return None
        for size, others in self._free.items():
            while missing > 0 and others:
                others.pop()
                self._bytes_total -= size
                missing -= size
        self._bytes_total += capacity
        return _memory(capacity)

    def _lease(self, memory: mmap.mmap) -> memoryview:
        """Let an arena be used until the last view is gone."""
        back = self._back  # and not self: leases shall not keep the memory of a broker that is gone
        array = (ctypes.c_char * len(memory)).from_buffer(memory)
        self._leases[id(memory)] = weakref.ref(array, lambda _: back.append(memory))
        return memoryview(array).cast("B")

    def _collect(self) -> None:
        """Keep the arenas that came back."""
        while self._back:
            memory = self._back.popleft()
            self._leases.pop(id(memory), None)
            if len(memory) in self._free:
                self._free[len(memory)].append(memory)
            else:
                self._bytes_total -= len(memory)

    def _prepare(self) -> None:
        """Make a large arena ahead and have it touched, unless there is one or memory is short."""
        plenty = self._bytes_total + 4 * _LARGE <= self.bytes_max
        if self._beside is None or self._preparing or self._free[_LARGE] or not plenty:
            return
        self._bytes_total += _LARGE
        self._preparing.append(memory := _memory(_LARGE))
        self._beside(lambda: self._touch(memory))

    def _touch(self, memory: mmap.mmap) -> None:
        """Let the kernel write zeros, in another thread: reading a file lets the others run, a loop would not."""
        try:
            with Path("/dev/zero").open("rb", buffering=0) as zeros:
                zeros.readinto(memory)
        finally:
            self._preparing.remove(memory)
            self._back.append(memory)


def _memory(size: int) -> mmap.mmap:
    """Map memory, in pages of the usual size.

    Huge ones (MADV_HUGEPAGE) take 5 ms each, with everybody waiting, where a virtual machine gives free memory back to its host, as
    Docker Desktop's and those of many CI systems do: 0.4 GB/s measured, against 2.7 GB/s in small pages. Elsewhere they would win little,
    since arenas are touched once and recycled.
    """
    return (
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) if os.name == "posix" else mmap.mmap(-1, size)
    )


class ArenaSpace:
    """An arena as the room of a segment."""

    __slots__ = ("_shown", "_view", "capacity")

    def __init__(self, view: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self._view = view
        self._shown = view.toreadonly()

    def put(self, position: int, data: Data) -> bool:
        """Copy `data` to `position`."""
        end = position + len(data)
        if end > self.capacity:
            return False
        self._view[position:end] = data
        return True

    def slice(self, begin: int, end: int) -> memoryview:
        """Show a part."""
        return self._shown[begin:end]

    def forget(self, begin: int) -> None:
        """An arena comes back as a whole."""

    def seal(self, used: int) -> None:
        """What is not used stays so."""

    def take_over(self, old: Sequence[Space]) -> None:
        """The old ones come back when nobody looks at them."""

    def drop(self) -> None:
        """It comes back when nobody looks at it."""
