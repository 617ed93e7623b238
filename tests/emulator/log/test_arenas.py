"""Recycled memory: bounded, given out again when nobody looks at it any more, and not before."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from emulator.log.arenas import Arenas
from emulator.log.log import Log
from emulator.log.store import SIZES, LogFullError

KIB, MIB = 1 << 10, 1 << 20
LARGE = SIZES[-1]
SEGMENT = 1 << 30


def filled(arenas: Arenas, size: int, byte: bytes = b"x") -> Log:
    """A log with entries of 4 KiB, `size` bytes in all."""
    log = Log(SEGMENT, arenas)
    for number in range(size // (4 * KIB)):
        log.append(byte * (4 * KIB), number)
    return log


def test_logs_without_an_entry_take_no_memory() -> None:
    arenas = Arenas(MIB)
    assert len([Log(SEGMENT, arenas) for _ in range(1000)]) == 1000
    assert (arenas.bytes_total, arenas.bytes_free) == (0, 0)


def test_a_log_begins_with_a_small_arena_and_goes_on_with_larger_ones() -> None:
    arenas = Arenas(256 * MIB)
    log, totals = Log(SEGMENT, arenas), list[int]()
    while len(log.segments()) < 8:
        log.append(bytes(8 * KIB), 0)
        if arenas.bytes_total not in totals:
            totals.append(arenas.bytes_total)
    grown = [KIB << shift for shift in (4, 6, 8, 10, 12, 14, 14, 14)]
    assert totals == [sum(grown[: length + 1]) for length in range(8)]


@pytest.mark.parametrize(("segment_max_bytes", "largest"), [(MIB, MIB), (MIB - 1, 256 * KIB), (14, 16 * KIB)])
def test_an_arena_is_not_larger_than_a_segment_may_be(segment_max_bytes: int, largest: int) -> None:
    arenas = Arenas(256 * MIB)
    log = Log(segment_max_bytes, arenas)
    before = 0
    for _ in range(300):
        before = arenas.bytes_total
        log.append(bytes(10 * KIB), 0)
        assert arenas.bytes_total - before in {0, *(size for size in SIZES if size <= largest)}
    assert before >= 300 * 10 * KIB - largest


def test_one_log_takes_no_more_than_an_eighth_at_once() -> None:
    arenas = Arenas(2 * MIB)
    filled(arenas, MIB)
    assert arenas.bytes_free % (256 * KIB) == (16 + 64) * KIB


def test_what_is_dropped_is_the_room_of_others() -> None:
    arenas = Arenas(256 * MIB)
    filled(arenas, 8 * MIB).clear()
    total = arenas.bytes_total
    assert arenas.bytes_free == total
    for byte in (b"a", b"b", b"c"):
        log = filled(arenas, 8 * MIB, byte)
        assert b"".join(log.views(0, 8 * MIB)) == byte * 8 * MIB
        assert (arenas.bytes_total, arenas.bytes_free) == (total, 0)
        log.clear()


@pytest.mark.parametrize(
    "leave", [Log.clear, lambda log: log.truncate_before(10), lambda log: log.drop_segments_before(10)]
)
def test_every_way_out_gives_memory_back(leave: Callable[[Log], object]) -> None:
    arenas = Arenas(MIB)
    log = Log(SEGMENT, arenas)
    for _ in range(10):
        log.append(b"x", 0)
    leave(log)
    assert (arenas.bytes_total, arenas.bytes_free) == (16 * KIB, 16 * KIB)


def test_compaction_gives_memory_back() -> None:
    arenas = Arenas(256 * MIB)
    log = filled(arenas, 4 * MIB)
    log.roll()
    log.rewrite(0, log.end_offset, [(5, 0, b"kept")])
    assert arenas.bytes_total - arenas.bytes_free == 16 * KIB


def test_memory_that_is_looked_at_is_given_to_nobody() -> None:
    arenas = Arenas(MIB)
    log = Log(SEGMENT, arenas)
    log.append(b"first", 0)
    (view,) = log.views(0, MIB)
    part = view[1:3]
    log.clear()
    log.append(b"second", 0)
    assert (bytes(view), bytes(part), arenas.bytes_total, arenas.bytes_free) == (b"first", b"ir", 80 * KIB, 0)
    del view
    assert arenas.bytes_free == 0
    del part
    assert (arenas.bytes_total, arenas.bytes_free) == (80 * KIB, 16 * KIB)


def test_memory_comes_back_though_the_last_view_goes_in_another_thread() -> None:
    arenas = Arenas(MIB)
    log = Log(SEGMENT, arenas)
    log.append(b"first", 0)
    views = log.views(0, MIB)
    log.clear()
    thread = threading.Thread(target=views.clear)
    thread.start()
    thread.join()
    assert arenas.bytes_free == 16 * KIB


def test_views_outlive_the_arenas() -> None:
    log = Log(SEGMENT, Arenas(MIB))
    log.append(b"first", 0)
    views = log.views(0, MIB)
    del log
    assert [bytes(view) for view in views] == [b"first"]


# Memory is bounded.


def fill(log: Log) -> None:
    for number in range(1000):
        log.append(b"%4d" % number * KIB, number)


def test_a_full_store_refuses_an_entry_and_nothing_has_changed() -> None:
    arenas = Arenas(MIB)
    log = Log(SEGMENT, arenas)
    with pytest.raises(LogFullError):
        fill(log)
    state = (log.segments(), log.end_offset, log.size_bytes, log.active_offset, log.last_time_ms, arenas.bytes_total)
    with pytest.raises(LogFullError):
        log.append(bytes(100 * KIB), 0)
    assert state == (
        log.segments(),
        log.end_offset,
        log.size_bytes,
        log.active_offset,
        log.last_time_ms,
        arenas.bytes_total,
    )
    assert log.end_offset * 4 * KIB >= 7 * MIB // 8
    assert b"".join(log.views(0, MIB)) == b"".join(b"%4d" % number * KIB for number in range(log.end_offset))


def test_an_entry_that_still_fits_is_taken_after_one_that_did_not() -> None:
    arenas = Arenas(16 * KIB)
    log = Log(SEGMENT, arenas)
    log.append(b"a", 0)
    with pytest.raises(LogFullError):
        log.append(bytes(16 * KIB), 0)
    assert (log.append(b"b", 0), len(log.segments())) == (1, 1)


def test_dropping_the_oldest_segments_makes_room() -> None:
    arenas = Arenas(MIB)
    log = Log(SEGMENT, arenas)
    for number in range(2000):
        try:
            log.append(bytes(4 * KIB), number)
        except LogFullError:
            log.drop_segments_before(log.segments()[0].end_offset)
            log.append(bytes(4 * KIB), number)
        assert arenas.bytes_total <= MIB
    assert log.end_offset == 2000
    assert log.size_bytes >= MIB // 2


def test_a_smaller_arena_is_taken_when_memory_is_short() -> None:
    arenas = Arenas(8 * MIB)
    others = [filled(arenas, 4 * KIB) for _ in range(500)]
    log = filled(arenas, 84 * KIB)  # 16 KiB and 64 KiB are full, and 256 KiB are too much
    assert (len(others), len(log.segments())) == (500, 3)
    assert arenas.bytes_total == (500 + 1 + 4 + 4) * 16 * KIB


def test_arenas_that_are_kept_go_when_another_size_is_needed() -> None:
    arenas = Arenas(MIB)
    logs = [filled(arenas, 4 * KIB) for _ in range(64)]
    assert arenas.bytes_total == MIB
    for log in logs:
        log.clear()
    log = Log(SEGMENT, arenas)
    log.append(bytes(700 * KIB), 0)
    assert arenas.bytes_total <= MIB
    assert arenas.bytes_total - arenas.bytes_free == MIB


def test_no_more_arenas_go_than_must() -> None:
    arenas = Arenas(MIB)
    for log in [filled(arenas, 4 * KIB) for _ in range(64)]:
        log.clear()
    Log(SEGMENT, arenas).append(bytes(20 * KIB), 0)
    assert arenas.bytes_total == MIB


def test_memory_that_is_looked_at_counts() -> None:
    arenas = Arenas(16 * KIB)
    log = Log(SEGMENT, arenas)
    log.append(b"first", 0)
    views = log.views(0, MIB)
    log.clear()
    with pytest.raises(LogFullError):
        log.append(b"second", 0)
    views.clear()
    assert log.append(b"second", 0) == 1


def test_an_entry_larger_than_the_largest_arena_has_one_of_its_own_that_is_not_kept() -> None:
    arenas = Arenas(64 * MIB)
    log, large = Log(SEGMENT, arenas), b"l" * (LARGE + 1)
    for data in (b"a", large, b"b"):
        log.append(data, 0)
    assert b"".join(log.views(1, 1)) == large
    assert (len(log.segments()), arenas.bytes_total) == (3, 16 * KIB + LARGE + 1 + 4 * MIB)
    log.clear()
    assert arenas.bytes_total == arenas.bytes_free == 16 * KIB + 4 * MIB


# Made ahead.


def test_a_large_arena_is_made_ahead_by_somebody_else() -> None:
    work: list[Callable[[], None]] = []
    arenas = Arenas(512 * MIB, work.append)
    log = Log(SEGMENT, arenas)
    log.append(bytes(2 * MIB), 0)
    assert (len(work), arenas.bytes_total, arenas.bytes_free) == (1, 4 * MIB + LARGE, 0)
    thread = threading.Thread(target=work.pop())
    thread.start()
    thread.join()
    assert arenas.bytes_free == LARGE
    log.append(bytes(4 * MIB), 0)  # takes the one that is ready, and the next one is ordered
    assert (len(work), arenas.bytes_total, arenas.bytes_free) == (1, 4 * MIB + 2 * LARGE, 0)


@pytest.mark.parametrize(("bytes_max", "size"), [(512 * MIB, KIB), (4 * LARGE - 1, 2 * MIB)])
def test_no_arena_is_made_ahead_for_small_logs_or_when_memory_is_short(bytes_max: int, size: int) -> None:
    work: list[Callable[[], None]] = []
    Log(SEGMENT, Arenas(bytes_max, work.append)).append(bytes(size), 0)
    assert work == []


def test_one_arena_at_most_is_made_ahead() -> None:
    work: list[Callable[[], None]] = []
    arenas = Arenas(512 * MIB, work.append)
    for _ in range(5):
        Log(SEGMENT, arenas).append(bytes(2 * MIB), 0)
    assert len(work) == 1


# All together.


@pytest.mark.parametrize("seed", range(10))
def test_many_logs_and_readers_share_bounded_memory(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    arenas = Arenas(2 * MIB)
    logs = [Log(SEGMENT, arenas) for _ in range(6)]
    readers: list[tuple[list[memoryview], bytes]] = []
    for _ in range(1500):
        log = chance.choice(logs)
        try:
            log.append(chance.randbytes(16) * chance.choice((1, 100, 3000)), 0)
        except LogFullError:
            chance.choice(logs).clear()
            readers = readers[len(readers) // 2 :]
        if chance.random() < 0.2:
            views = log.views(log.start_offset, 100 * KIB)
            readers.append((views, b"".join(views)))
        if chance.random() < 0.1 and readers:
            readers.pop(chance.randrange(len(readers)))
        if chance.random() < 0.05:
            log.drop_segments_before(log.end_offset - 5)
        assert 0 <= arenas.bytes_free <= arenas.bytes_total <= 2 * MIB
        assert all(b"".join(views) == data for views, data in readers[-5:])
    assert all(b"".join(views) == data for views, data in readers)
    del views
    readers.clear()
    for log in logs:
        log.clear()
    assert arenas.bytes_free == arenas.bytes_total
