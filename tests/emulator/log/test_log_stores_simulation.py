"""The log in each store and a plain list of entries go through the same random histories: growth, compaction, retention, crashes.

Every entry has content of its own, so what is read tells which entries were read. A failure names the store, the seed and the step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.log.files import open_log
from emulator.log.log import Log
from tests.emulator.log.conftest import STORES, store_of
from tests.emulator.log.frames import cut, frame

START_MS = 1_767_225_600_000
STEPS = 250
ALL = 1 << 30


@dataclass
class Kept:
    """An entry of the list. What it holds begins behind the entry before, so a hole is its own."""

    next_offset: int
    time_ms: int
    data: bytes


class History:
    """One random history of a log and of a list."""

    def __init__(self, seed: int, kind: str, folder: Path) -> None:
        self.random = random.Random(seed)
        self.kind, self.folder = kind, folder
        self.segment_max_bytes = self.random.choice((40, 500, 5000, 1 << 20))
        self.log = Log(self.segment_max_bytes, store_of(kind, folder))
        self.entries: list[Kept] = []
        self.start = self.end = 0
        self.now_ms = START_MS
        self.disorder_ms = self.random.choice((0, 0, 50))
        self.readers: list[tuple[list[memoryview], bytes]] = []

    # What may happen. Each method does one thing to both sides.

    def append(self) -> None:
        for _ in range(self.random.choice((1, 1, 5, 60))):
            self.now_ms += self.random.choice((0, 1, 7))
            time_ms = self.now_ms - self.random.randint(0, self.disorder_ms)
            count = self.random.choice((1, 1, 3, 100))
            payload = self.random.randbytes(self.random.choice((0, 10, 100, 2000)))
            data = frame(self.end, count, time_ms, payload)
            assert self.log.append(memoryview(bytearray(data)), time_ms, count) == self.end
            self.end += count
            self.entries.append(Kept(self.end, time_ms, data))

    def roll(self) -> None:
        self.log.roll()
        assert self.log.active_offset == self.end

    def change_the_size_of_segments(self) -> None:
        self.segment_max_bytes = self.log.segment_max_bytes = self.random.choice((40, 500, 5000, 1 << 20))

    def truncate(self) -> None:
        offset = self.random.choice((self.an_offset(), self.start + 1, self.start + 20))
        self.log.truncate_before(offset)
        self.move_start(min(offset, self.end))

    def expire(self) -> None:
        before_ms = self.a_time()
        self.log.expire(before_ms)
        kept = next((place for place, entry in enumerate(self.entries) if entry.time_ms >= before_ms), None)
        if kept is None:
            self.move_start(self.end)
        elif kept:
            assert self.entries[kept - 1].next_offset <= self.log.start_offset < self.entries[kept].next_offset
            self.move_start(self.log.start_offset)

    def drop_segments(self) -> None:
        segments = self.log.segments()
        offset = self.random.choice((self.start, *(each.end_offset for each in segments[:3])))
        self.log.drop_segments_before(offset)
        left = [each.base_offset for each in segments if each.end_offset > offset]
        if len(left) < len(segments):
            self.move_start(left[0] if left else self.end)

    def clear(self) -> None:
        self.log.clear()
        self.move_start(self.end)

    def move_start(self, offset: int) -> None:
        self.start = max(self.start, offset)
        self.entries = [entry for entry in self.entries if entry.next_offset > self.start]

    def compact(self) -> None:
        """Leave out some entries of some sealed segments, and some records of those that stay."""
        sealed = [each for each in self.log.segments() if each.end_offset <= self.log.active_offset]
        if not sealed:
            return
        first = self.random.randrange(len(sealed))
        last = self.random.randrange(first, len(sealed))
        base, end = sealed[first].base_offset, sealed[last].end_offset
        share = self.random.choice((0, 0.2, 0.7, 1))
        stay = {entry.next_offset for entry in self.entries if self.random.random() < share}
        shorter = self.random.random() < 0.5
        before, size = self.log.size_bytes, sum(len(entry.data) for entry in self.entries)
        after: list[Kept] = []
        for entry in self.entries:
            inside = base < entry.next_offset <= end
            if not inside or entry.next_offset in stay:
                data = self.with_less(entry) if inside and shorter else entry.data
                after.append(Kept(entry.next_offset, entry.time_ms, data))
        kept = {entry.next_offset: entry for entry in after}
        reading = self.log.entries(base, end)
        saved = self.log.rewrite(
            base,
            end,
            (
                (each.next_offset, each.time_ms, kept[each.next_offset].data)
                for each in reading
                if each.next_offset in kept
            ),
        )
        self.entries = after
        assert saved == before - self.log.size_bytes == size - sum(len(entry.data) for entry in after)

    def with_less(self, entry: Kept) -> bytes:
        ((_, base, next_offset, time_ms),) = cut(memoryview(entry.data))
        return frame(base, next_offset - base, time_ms, b"less")

    def look(self) -> None:
        """Hold some views for a while, as a slow consumer does."""
        views = self.log.views(self.an_offset(), 10_000)
        self.readers.append((views, b"".join(views)))
        if len(self.readers) > 5:
            self.readers.pop(self.random.randrange(5))

    # Only in files.

    def open_again(self) -> None:
        if self.kind != "files":
            return
        if self.random.random() < 0.5:
            self.log.close()
        elif self.random.random() < 0.5:
            self.tear()
        self.log = open_log(self.folder, cut, start_offset=self.start, segment_max_bytes=self.segment_max_bytes)
        first = min(int(path.stem) for path in self.folder.iterdir())
        self.move_start(first)

    def tear(self) -> None:
        """Lose what was written last, as if the power had failed: zeros, or anything."""
        path = max(self.folder.iterdir(), default=None)
        if path is None or path.stat().st_size == 0:
            return
        base, size = int(path.stem), path.stat().st_size
        inside = [entry for entry in self.entries if entry.next_offset > base]
        point = self.random.randint(0, sum(len(entry.data) for entry in inside))
        kept, at = 0, 0
        for entry in inside:
            at += len(entry.data)
            kept += at <= point
        if base <= self.start or point >= at:
            return  # what is dropped has bytes here that the list does not know
        self.readers.clear()  # they look at the pages that are torn here
        with path.open("r+b") as file:
            file.seek(point)
            file.write(self.random.choice((bytes(size - point), self.random.randbytes(size - point))))
        self.entries = [entry for entry in self.entries if entry.next_offset <= base] + inside[:kept]
        self.end = max(base, self.entries[-1].next_offset if inside[:kept] else base)

    # What must hold after each step.

    def compare(self) -> None:
        log, entries = self.log, self.entries
        assert (log.start_offset, log.end_offset) == (self.start, self.end)
        assert log.size_bytes == sum(len(entry.data) for entry in entries)
        assert [(each.next_offset, each.time_ms) for each in log.entries(0)] == [
            (entry.next_offset, entry.time_ms) for entry in entries
        ]
        segments = log.segments()
        assert sum(each.size_bytes for each in segments) == log.size_bytes
        assert all(b"".join(views) == data for views, data in self.readers)
        last = log.last_entry
        assert (last and bytes(last.data)) == (entries[-1].data if entries else None)

    def compare_views(self) -> None:
        offset, bytes_max = self.an_offset(), self.random.choice((0, 100, 3000, ALL))
        before = self.random.choice((None, self.an_offset(), self.end))
        expected = b""
        for entry in self.entries:
            if entry.next_offset > offset:
                fits = not expected or len(expected) + len(entry.data) <= bytes_max
                if not fits or (before is not None and entry.next_offset > before):
                    break
                expected += entry.data
        views = self.log.views(offset, bytes_max, before)
        assert b"".join(views) == expected
        assert len(views) <= len(self.log.segments())
        assert all(view.readonly and len(view) for view in views)
        assert b"".join(each.data for each in self.log.entries(offset, before)).startswith(expected)

    def compare_times(self) -> None:
        time_ms = self.a_time()
        found = self.log.offset_at(time_ms)
        assert self.entry_at(found) is next((entry for entry in self.entries if entry.time_ms >= time_ms), None)
        newest = self.log.newest()
        highest = max(self.entries, key=lambda entry: entry.time_ms, default=None)
        assert (newest and newest[0]) == (highest and highest.time_ms)
        assert newest is None or self.entry_at(newest[1]) is highest

    def entry_at(self, offset: int) -> Kept | None:
        return next((entry for entry in self.entries if entry.next_offset > offset), None)

    def an_offset(self) -> int:
        return self.random.randint(self.start - 3, self.end + 2)

    def a_time(self) -> int:
        times = [entry.time_ms for entry in self.entries[:40]] or [self.now_ms]
        return self.random.choice(times) + self.random.choice((-1, 0, 0, 1))

    def step(self) -> None:
        steps: list[tuple[Callable[[], None], int]] = [
            (self.append, 40),
            (self.compare_views, 40),
            (self.compare_times, 20),
            (self.look, 10),
            (self.roll, 5),
            (self.compact, 8),
            (self.change_the_size_of_segments, 2),
            (self.truncate, 3),
            (self.expire, 1),
            (self.drop_segments, 4),
            (self.clear, 1),
            (self.open_again, 5),
        ]
        (step,) = self.random.choices([step for step, _ in steps], [weight for _, weight in steps])
        self.last = step.__name__
        step()
        self.compare()


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("seed", range(20))
def test_the_log_behaves_like_a_list_in_every_store(kind: str, seed: int, tmp_path: Path) -> None:
    history = History(seed, kind, tmp_path / "log")
    for step in range(STEPS):
        try:
            history.step()
        except BaseException:
            print(f"{kind}, seed {seed}, step {step}: {history.last}")
            raise
