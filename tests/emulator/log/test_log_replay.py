"""A replay takes each entry of its window once and in order, whatever happens to the log meanwhile, and lets others run."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emulator.clock import settle
from emulator.log.log import Log
from emulator.log.replay import SLICE_BYTES, Cursor, replay
from emulator.log.segment import Entry
from emulator.tasks import breathe

T = 1_767_225_600_000


class Reader:
    """A log with an entry a millisecond, and somebody who replays it."""

    def __init__(self, count: int = 0, segment_max_bytes: int = 500) -> None:
        self.log = Log(segment_max_bytes)
        self.taken: list[int] = []
        self.grow(count)

    def grow(self, count: int) -> None:
        for _ in range(count):
            offset = self.log.end_offset
            self.log.append(b"%d" % offset, T + offset)

    def take(self, entry: Entry) -> None:
        assert entry.data == b"%d" % entry.offset
        self.taken.append(entry.offset)

    async def replay(self, cursor: Cursor, slice_entries: int = 10) -> None:
        await replay(self.log, cursor, self.take, slice_entries=slice_entries)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_every_entry_is_taken_once_and_in_order() -> None:
    reader, cursor = Reader(1234), Cursor(0)
    run(lambda: reader.replay(cursor))
    assert (reader.taken, cursor.offset) == (list(range(1234)), 1234)


@pytest.mark.parametrize("slice_entries", [1, 7, 100, 5000])
def test_the_length_of_a_slice_changes_nothing(slice_entries: int) -> None:
    reader = Reader(300)
    run(lambda: reader.replay(Cursor(123), slice_entries))
    assert reader.taken == list(range(123, 300))


@pytest.mark.parametrize("offset", [50, 51])
def test_a_log_with_nothing_left_ends_the_replay_at_once(offset: int) -> None:
    reader, cursor = Reader(50), Cursor(offset)
    with pytest.raises(StopIteration):
        reader.replay(cursor).send(None)  # not one await
    assert (reader.taken, cursor.offset) == ([], offset)


def test_an_empty_log_ends_the_replay_at_once() -> None:
    with pytest.raises(StopIteration):
        Reader().replay(Cursor(0, T)).send(None)


def test_an_entry_of_many_records_is_taken_whole_from_any_of_them() -> None:
    log, taken, cursor = Log(), list[tuple[int, int]](), Cursor(3)
    log.append(b"a", T, 5)
    log.append(b"b", T, 2)
    run(lambda: replay(log, cursor, lambda entry: taken.append((entry.offset, entry.count))))
    assert (taken, cursor.offset) == ([(0, 5), (5, 2)], 7)


# The window.


@pytest.mark.parametrize(
    ("until_ms", "last"), [(T, None), (T + 1, 0), (T + 40, 39), (T + 99, 98), (T + 100, 99), (T + 500, 99)]
)
def test_the_end_of_the_window_is_exclusive(until_ms: int, last: int | None) -> None:
    reader, cursor = Reader(100), Cursor(0, until_ms)
    run(lambda: reader.replay(cursor))
    assert reader.taken == list(range(0 if last is None else last + 1))
    assert cursor.offset == 100


@pytest.mark.parametrize("start_ms", [T - 1, T, T + 37, T + 99, T + 100])
def test_the_start_of_the_window_is_inclusive(start_ms: int) -> None:
    reader = Reader(100)
    run(lambda: reader.replay(Cursor(reader.log.offset_at(start_ms), T + 1000)))
    assert reader.taken == [offset for offset in range(100) if T + offset >= start_ms]


def test_entries_of_the_window_are_found_behind_newer_ones() -> None:
    reader = Reader(100)
    reader.log.append(b"100", T + 5)
    run(lambda: reader.replay(Cursor(3, T + 6)))
    assert reader.taken == [3, 4, 5, 100]


def test_what_lies_behind_the_window_is_not_read() -> None:
    async def work() -> None:
        reader, cursor = Reader(10_000), Cursor(0, T + 25)
        replaying = reader.replay(cursor)
        for _ in range(2):
            replaying.send(None)
        with pytest.raises(StopIteration):
            replaying.send(None)
        assert (reader.taken, cursor.offset) == (list(range(25)), 10_000)

    run(work)


# What happens to the log meanwhile.


def test_what_is_appended_during_the_replay_is_taken_too() -> None:
    async def work() -> None:
        reader, cursor = Reader(100), Cursor(0)
        replaying = asyncio.create_task(reader.replay(cursor))
        for _ in range(30):
            await breathe()
            if not replaying.done():
                reader.grow(7)
        await replaying
        assert reader.log.end_offset > 200
        assert reader.taken == list(range(reader.log.end_offset))

    run(work)


@pytest.mark.parametrize("every", range(1, 8))
def test_who_goes_on_live_after_the_replay_loses_nothing_and_gets_nothing_twice(every: int) -> None:
    async def work() -> None:
        reader = Reader(95)
        live = False

        async def publish() -> None:
            for number in range(100):
                await breathe()
                if number % every == 0:
                    reader.grow(3)
                    if live:
                        reader.taken += range(reader.log.end_offset - 3, reader.log.end_offset)

        async def follow() -> None:
            nonlocal live
            await reader.replay(Cursor(0))
            live = True

        await asyncio.gather(publish(), follow())
        assert live
        assert reader.taken == list(range(reader.log.end_offset))

    run(work)


def test_what_is_truncated_during_the_replay_is_left_out() -> None:
    async def work() -> None:
        reader, cursor = Reader(1000), Cursor(0)
        replaying = asyncio.create_task(reader.replay(cursor))
        await breathe()
        taken = list(reader.taken)
        reader.log.truncate_before(555)
        await replaying
        assert 0 < len(taken) < 555
        assert reader.taken == [*taken, *range(555, 1000)]

    run(work)


@pytest.mark.parametrize("grown", [0, 5])
def test_a_log_cleared_during_the_replay_ends_it_with_what_came_after(grown: int) -> None:
    async def work() -> None:
        reader, cursor = Reader(1000), Cursor(0)
        replaying = asyncio.create_task(reader.replay(cursor))
        await breathe()
        taken = list(reader.taken)
        reader.log.clear()
        reader.grow(grown)
        await replaying
        assert len(taken) < 1000
        assert (reader.taken, cursor.offset) == ([*taken, *range(1000, 1000 + grown)], 1000 + grown)

    run(work)


@pytest.mark.parametrize("start", [6, 97, 100])
def test_what_the_taker_itself_drops_is_left_out(start: int) -> None:
    reader, cursor = Reader(100), Cursor(0)

    def take(entry: Entry) -> None:
        reader.take(entry)
        if entry.offset == 4:
            reader.log.truncate_before(start)

    run(lambda: replay(reader.log, cursor, take))
    assert (reader.taken, cursor.offset) == ([0, 1, 2, 3, 4, *range(start, 100)], 100)


# Its end before the end.


@pytest.mark.parametrize("until_ms", [None, T + 900])
def test_a_cancelled_replay_is_taken_up_where_it_was(until_ms: int | None) -> None:
    async def work() -> None:
        reader, cursor = Reader(1000), Cursor(0, until_ms)
        for _ in range(5):
            replaying = asyncio.create_task(reader.replay(cursor))
            await settle()
            replaying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await replaying
            assert reader.taken == list(range(cursor.offset))
        assert 0 < cursor.offset < 900
        await reader.replay(cursor)
        assert reader.taken == list(range(900 if until_ms else 1000))

    run(work)


def test_an_entry_that_cannot_be_taken_ends_the_replay_in_front_of_it() -> None:
    reader, cursor = Reader(100), Cursor(0)

    def refuse(entry: Entry) -> None:
        if entry.offset == 42:
            raise LookupError("on purpose")
        reader.take(entry)

    with pytest.raises(LookupError):
        run(lambda: replay(reader.log, cursor, refuse))
    assert (reader.taken, cursor.offset) == (list(range(42)), 42)
    run(lambda: reader.replay(cursor))
    assert reader.taken == list(range(100))


def test_the_cursor_stands_at_an_entry_while_it_is_taken() -> None:
    reader, cursor, seen = Reader(30), Cursor(0), list[tuple[int, int]]()
    run(lambda: replay(reader.log, cursor, lambda entry: seen.append((entry.offset, cursor.offset))))
    assert seen == [(offset, offset) for offset in range(30)]


# Others.


def test_a_hundred_thousand_entries_let_others_run_after_every_slice() -> None:
    async def work() -> None:
        reader = Reader(100_000, segment_max_bytes=1 << 20)
        seen = [0]

        async def others() -> None:
            while True:
                seen.append(len(reader.taken))
                await breathe()

        beside = asyncio.create_task(others())
        await replay(reader.log, Cursor(0), reader.take)
        beside.cancel()
        assert len(reader.taken) == 100_000
        assert max(after - before for before, after in itertools.pairwise(seen)) == 100
        assert len(seen) >= 1000

    run(work)


def test_a_slice_of_large_entries_is_shorter() -> None:
    log, taken = Log(), list[int]()
    for _ in range(20):
        log.append(bytes(SLICE_BYTES // 4), T)
    replaying = replay(log, Cursor(0), lambda entry: taken.append(entry.offset))
    replaying.send(None)
    assert taken == [0, 1, 2, 3]
    replaying.close()
