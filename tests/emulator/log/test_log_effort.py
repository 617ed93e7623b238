"""What a log costs: few bytes beside its data, and the same effort however much it holds; what is dropped is given back.

Nothing here is timed. Effort is counted in byte code instructions.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.log.log import Log
from emulator.tasks import dispose

T = 1_767_225_600_000
MIB = 1 << 20
FEW, MANY = 200, 100_000
SAME = 2
"""A logarithm may make the many this much dearer than the few; anything linear would make them hundreds of times dearer."""
OVERHEAD_BYTES = 24
"""Index and what the buffers hold in reserve."""


def filled(count: int, size: int, *, jitter_ms: int = 0, segment_max_bytes: int = MIB) -> Log:
    log = Log(segment_max_bytes)
    data = bytes(size)
    for number in range(count):
        log.append(data, T + number - (number * 7) % (jitter_ms + 1))
    return log


# Memory.


@pytest.fixture
def held() -> Iterator[Callable[[], int]]:
    """Tells how many bytes were allocated since the start of the test and are still held."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    yield lambda: tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 20, 300])
def test_an_entry_costs_few_bytes_beside_its_data(size: int, held: Callable[[], int]) -> None:
    log = filled(50_000, size)
    assert held() / log.count <= 1.15 * size + OVERHEAD_BYTES


def test_an_empty_log_costs_next_to_nothing(held: Callable[[], int]) -> None:
    logs = [Log() for _ in range(1000)]
    assert held() / len(logs) <= 300


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_memory_of_dropped_segments_is_given_back(share: float, held: Callable[[], int]) -> None:
    log = filled(40_000, 100, segment_max_bytes=MIB // 16)
    full = held()
    log.expire(T + int(share * 40_000))
    assert held() <= (1 - share) * full + MIB // 8


@pytest.mark.parametrize("size", [0, 100])
def test_most_of_a_segment_is_given_back_though_some_of_it_is_kept(size: int, held: Callable[[], int]) -> None:
    log = filled(9000, size, segment_max_bytes=2 * MIB)
    assert held() >= 9000 * (size + 16)
    log.truncate_before(8990)
    assert held() <= 20_000
    assert len(log.read(0)) == 10


def test_a_log_that_loses_as_much_as_it_gets_stays_small(held: Callable[[], int]) -> None:
    log = Log(MIB // 16)
    for number in range(50_000):
        log.append(bytes(100), T + number)
        log.expire(T + number - 10)
        assert log.count <= 11
        if number % 1000 == 0:
            assert held() <= MIB // 8
    assert held() <= MIB // 8


def test_entries_without_data_fill_segments_too(held: Callable[[], int]) -> None:
    log = filled(50_000, 0, segment_max_bytes=MIB // 16)
    log.truncate_before(49_000)
    assert held() <= MIB // 8


def test_a_cleared_log_hands_out_what_it_held_to_be_freed_bit_by_bit(held: Callable[[], int]) -> None:
    log = filled(40_000, 100, segment_max_bytes=MIB // 16)
    full = held()
    remains = log.clear()
    assert held() >= 0.9 * full
    asyncio.run(dispose(remains))
    assert held() <= MIB // 8


def test_a_read_copies_what_it_returns_and_no_more(held: Callable[[], int]) -> None:
    log = filled(MANY, 100)
    before = held()
    tracemalloc.reset_peak()
    log.read(MANY // 2, 10)
    assert tracemalloc.get_traced_memory()[1] - before <= 20_000


# Effort.


def effort(work: Callable[[], object]) -> int:
    """Count the byte code instructions that run for `work`."""
    count = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@functools.cache
def shared(count: int, jitter_ms: int) -> Log:
    """A log of about 30 entries a segment. `MANY` are thousands of segments."""
    return filled(count, 20, jitter_ms=jitter_ms, segment_max_bytes=1080)


def append(log: Log) -> None:
    log.append(bytes(20), T + log.end_offset)


def read(log: Log) -> None:
    log.read(log.end_offset // 2, 5)


def read_the_end(log: Log) -> None:
    log.read(log.end_offset - 1)


def find_a_time(log: Log) -> None:
    for part in (1, 2, 3):
        log.offset_at(T + log.end_offset * part // 4)


def find_no_time(log: Log) -> None:
    log.offset_at(T + 10 * MANY)


def find_an_older_one(log: Log) -> None:
    log.next_older(log.end_offset // 2, T + MANY)


def look(log: Log) -> None:
    _ = (log.start_offset, log.end_offset, log.count, log.size_bytes, log.first_time_ms, log.last_time_ms)


def expire_nothing(log: Log) -> None:
    log.expire(T - 1000)


@pytest.mark.parametrize("jitter_ms", [0, 9])
@pytest.mark.parametrize(
    "work", [append, read, read_the_end, find_a_time, find_no_time, find_an_older_one, look, expire_nothing]
)
def test_an_operation_costs_the_same_in_a_full_log(work: Callable[[Log], None], jitter_ms: int) -> None:
    def cost_in(log: Log) -> int:
        return effort(lambda: [work(log) for _ in range(20)])

    few, many = cost_in(shared(FEW, jitter_ms)), cost_in(shared(MANY, jitter_ms))
    assert many <= SAME * few


def test_a_full_log_is_cleared_as_fast_as_its_segments_are_counted() -> None:
    log = filled(MANY, 20)
    assert effort(log.clear) <= 200


def test_expiry_costs_what_it_drops_and_not_what_stays() -> None:
    def cost_in(log: Log) -> int:
        return effort(lambda: [log.expire(T + number) for number in range(100)])

    few, many = cost_in(filled(FEW, 20)), cost_in(filled(MANY, 20))
    assert many <= SAME * few


def test_dropping_a_segment_entry_by_entry_costs_the_same_for_each_however_many_there_are() -> None:
    def cost_of_each(count: int) -> float:
        log = filled(count, 20, segment_max_bytes=2 * MIB)
        return effort(lambda: [log.truncate_before(number + 1) for number in range(count)]) / count

    assert cost_of_each(20_000) <= SAME * cost_of_each(100)


@pytest.mark.parametrize("jitter_ms", [0, 9])
def test_a_segment_behind_the_window_is_not_searched_for_older_entries(jitter_ms: int) -> None:
    log = filled(MANY // 2, 0, jitter_ms=jitter_ms)
    cursor = 0 if jitter_ms else 100
    assert effort(lambda: log.next_older(cursor, T + cursor - jitter_ms)) <= 200


def test_a_time_within_a_disordered_segment_is_found_in_steps_of_many_entries() -> None:
    log = filled(MANY // 2, 0, jitter_ms=9)
    assert effort(lambda: log.offset_at(T + MANY // 2 - 20)) <= 50_000
