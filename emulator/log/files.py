"""A log in a folder: each segment is a file that is mapped into memory, named by its first offset (00000000000000000042.log).

The file of the segment that grows has its full length from the start, with zeros behind what is there; it is cut when the next segment
begins. What the process has put in survives its death at any instruction, since the pages are the kernel's; nothing waits for the disk,
so after a power failure the log is recovered up to the first entry that is not whole.

  <base>.log          a segment. An empty one tells where a log ends of which no entry is left there.
  <base>-<end>.new    the successor of the segments between two offsets while it is written; of no worth after a crash
  <base>-<end>.swap   the same when it is whole: it replaces them, and opening the log finishes that
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from typing import TYPE_CHECKING

from emulator.log.log import Log
from emulator.log.segment import Segment
from emulator.log.store import LogFullError, capacity_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from emulator.log.store import Data, Space

    Cut = Callable[[memoryview], Iterator[tuple[int, int, int, int]]]
    """Yields size, first offset, offset after the last record, and time of whole entries; stops at what is none."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SegmentFiles:
    """The files of one log."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if there is none."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def open(self, base: int, size: int, after: int, size_max: int) -> Space:
        """Make a file, larger than the one before."""
        return FileSpace(_path_of(self._folder, base), capacity_for(size, after, size_max))

    def open_successor(self, base: int, end: int, size: int) -> Space:
        """Make a file that will take over from those between two offsets."""
        return FileSpace(self._folder / f"{base:020}-{end:020}.new", max(size, 1))

    def keep_end(self, end: int) -> None:
        """Leave an empty file, which the next segment makes its own."""
        _path_of(self._folder, end).touch()


class FileSpace:
    """A mapped file as the room of a segment."""

    __slots__ = ("_path", "_shown", "_view", "capacity")

    def __init__(self, path: Path, size: int | None = None) -> None:
        """Map a file that is there, or an empty one of `size` bytes whose blocks are there already.

        A write into the map must not meet a full disk: that would end the process. Raises LogFullError.
        """
        self._path = path
        with path.open("r+b" if size is None else "w+b") as file:
            self.capacity = path.stat().st_size if size is None else size
            if size is not None:
                try:
                    _allocate(file.fileno(), size)
                except OSError as error:
                    file.truncate(0)  # it may have been empty and told where the log ends
                    if error.errno in _NO_ROOM:
                        raise LogFullError(f"no room for {size} bytes in {path.parent}") from error
                    raise
            self._view = _map(file.fileno(), self.capacity)
        self._shown = self._view.toreadonly()

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
        """A file goes as a whole."""

    def seal(self, used: int) -> None:
        """Cut the file to its length. The map stays, and nobody looks behind the end."""
        os.truncate(self._path, used)

    def take_over(self, old: Sequence[Space]) -> None:
        """Swap in steps of which each leaves something that can be opened."""
        self._path = self._path.rename(self._path.with_suffix(".swap"))
        for space in old:
            space.drop()
        self._path = _finish(self._path)

    def drop(self) -> None:
        """Remove the file. Those who look at it have it still."""
        self._path.unlink(missing_ok=True)


def open_log(folder: Path, cut: Cut, *, start_offset: int | None = None, segment_max_bytes: int = 1 << 30) -> Log:
    """Open the log of a folder, also after a crash: what is not whole at its end is cut off, and offsets go on behind what is.

    It starts where its first file does, or at `start_offset` if that is later. When a file has lost its end and entries are missing
    before the next one, all that follow are removed, as Kafka does: a log without its end is one that once was, one with a gap is not.
    """
    store = SegmentFiles(folder)
    for path in folder.glob("*.new"):
        path.unlink()
    for path in sorted(folder.glob("*.swap")):
        base, end = _offsets_of(path)
        for old in _segments_in(folder):
            if base <= _offsets_of(old)[0] < end:
                old.unlink()
        _finish(path)
    paths = _segments_in(folder)
    log = Log(segment_max_bytes, store, _offsets_of(paths[0])[0] if paths else start_offset or 0)
    gone = _load(log, paths, cut)
    if start_offset is not None:
        log.skip_to(start_offset)
        log.truncate_before(start_offset)
    segments = log.segments()
    told = bool(segments) and segments[-1].end_offset == log.end_offset
    if not told:
        store.keep_end(log.end_offset)
    for path in gone:
        if told or path != _path_of(folder, log.end_offset):
            path.unlink(missing_ok=True)
    return log


def _load(log: Log, paths: Sequence[Path], cut: Cut) -> list[Path]:
    """Put what is whole into the log, and answer the files of which nothing is kept."""
    gone: list[Path] = []
    torn = False
    for path in paths:
        (base,) = _offsets_of(path)
        if base < log.end_offset or (torn and base > log.end_offset):
            return [*gone, *paths[paths.index(path) :]]
        size = path.stat().st_size
        segment = _recover(path, base, cut) if size else None
        if segment is not None and segment.used:
            log.adopt(segment)
            torn = segment.used < size
        else:
            log.skip_to(base)
            gone.append(path)
            torn = size > 0
    return gone


def _recover(path: Path, base: int, cut: Cut) -> Segment:
    """Index the whole entries of a file and cut off the rest."""
    space = FileSpace(path)
    segment = Segment(base, space)
    for size, base_offset, next_offset, time_ms in cut(space.slice(0, space.capacity)):
        if segment.used + size > space.capacity or not segment.end <= base_offset < next_offset:
            break
        segment.note(size, time_ms, next_offset - segment.end)
    if segment.used < space.capacity:
        space.seal(segment.used)
    return segment


# Names.


def _path_of(folder: Path, base: int) -> Path:
    return folder / f"{base:020}.log"


def _offsets_of(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.split("-"))


def _segments_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.log") if path.stem.isdecimal())


def _finish(path: Path) -> Path:
    """Give the successor of a group of segments its final name, when they are gone."""
    return path.rename(_path_of(path.parent, _offsets_of(path)[0]))


# The system.


def _allocate(file: int, size: int) -> None:
    """Give a file its length, and its blocks where the file system can."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
        else:
            return
    os.ftruncate(file, size)


def _map(file: int, size: int) -> memoryview:
    """Map a file; newer Pythons need no file descriptor for as long as the map lives."""
    if sys.version_info >= (3, 13):
        return memoryview(mmap.mmap(file, size, trackfd=False))
    return memoryview(mmap.mmap(file, size))
