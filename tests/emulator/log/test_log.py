"""What a log promises: offsets that are never used again, entries as they were put in, times, bounds."""

from __future__ import annotations

import pytest

from emulator.log.log import Log
from emulator.log.segment import Entry

T = 1_767_225_600_000
TINY = 64
"""A segment that holds two or three small entries."""


def log_of(*times_ms: int, segment_max_bytes: int = 1 << 20) -> Log:
    """A log with an entry of one record for each time; its data is its offset."""
    log = Log(segment_max_bytes)
    for offset, time_ms in enumerate(times_ms):
        log.append(b"%d" % offset, time_ms)
    return log


def offsets(entries: list[Entry]) -> list[int]:
    return [entry.offset for entry in entries]


def test_a_new_log_is_empty() -> None:
    log = Log()
    assert (log.start_offset, log.end_offset, log.count, log.size_bytes) == (0, 0, 0, 0)
    assert (log.first_time_ms, log.last_time_ms) == (None, None)
    assert (log.read(0), log.offset_at(T), log.next_older(0, T)) == ([], 0, 0)
    assert (log.expire(T), log.truncate_before(5), log.clear()) == (0, 0, [])


def test_an_entry_comes_out_as_it_went_in() -> None:
    log = Log()
    log.append(b"first", T)
    assert log.append(b"\x00\xff", T + 1, 3) == 1
    assert log.read(0) == [Entry(0, 1, T, b"first"), Entry(1, 3, T + 1, b"\x00\xff")]
    assert type(log.read(0)[0].data) is bytes


def test_offsets_advance_by_the_records_of_an_entry() -> None:
    log = Log()
    assert [log.append(b"", T, count) for count in (1, 5, 2)] == [0, 1, 6]
    assert (log.end_offset, log.count) == (8, 8)
    assert log.read(6)[0].next_offset == 8


@pytest.mark.parametrize("count", [0, -1])
def test_an_entry_without_a_record_is_refused_and_leaves_nothing(count: int) -> None:
    log = Log()
    with pytest.raises(ValueError, match="at least one record"):
        log.append(b"data", T, count)
    assert (log.end_offset, log.size_bytes, log.read(0)) == (0, 0, [])


@pytest.mark.parametrize("count", [0, 1])
def test_a_time_that_64_bits_cannot_hold_is_refused_and_leaves_nothing(count: int) -> None:
    log = log_of(*[T] * count)
    with pytest.raises(OverflowError):
        log.append(b"data", 1 << 63)
    assert (log.end_offset, log.last_time_ms, len(log.read(0))) == (count, T if count else None, count)
    assert log.append(b"next", T) == count


@pytest.mark.parametrize("size", [0, -1, 1 << 32])
def test_a_segment_has_a_size_that_its_index_can_hold(size: int) -> None:
    with pytest.raises(ValueError, match="segment_max_bytes must be from 1 to 4294967295"):
        Log(size)


def test_a_read_in_the_middle_of_an_entry_gets_the_whole_entry() -> None:
    log = Log()
    log.append(b"abc", T, 3)
    log.append(b"de", T, 2)
    assert [offsets(log.read(offset)) for offset in range(6)] == [[0, 3], [0, 3], [0, 3], [3], [3], []]


def test_a_read_goes_on_over_the_ends_of_segments() -> None:
    log = log_of(*[T] * 50, segment_max_bytes=TINY)
    assert offsets(log.read(0)) == list(range(50))
    assert offsets(log.read(7, 10)) == list(range(7, 17))


@pytest.mark.parametrize(
    ("bytes_max", "expected"), [(0, [0]), (9, [0]), (10, [0]), (19, [0]), (20, [0, 1]), (30, [0, 1, 2])]
)
@pytest.mark.parametrize("segment_max_bytes", [1, 1 << 20])
def test_a_read_keeps_within_its_bytes_but_gets_one_entry(
    bytes_max: int, expected: list[int], segment_max_bytes: int
) -> None:
    log = Log(segment_max_bytes)
    for _ in range(3):
        log.append(b"0123456789", T)
    assert offsets(log.read(0, bytes_max=bytes_max)) == expected


def test_what_was_read_does_not_change_with_the_log() -> None:
    log = log_of(T, T)
    before = log.read(0)
    log.append(b"more", T)
    log.clear()
    assert before == [Entry(0, 1, T, b"0"), Entry(1, 1, T, b"1")]


def test_an_entry_that_is_larger_than_a_segment_is_kept() -> None:
    log = Log(TINY)
    for data in (b"a", b"b" * 1000, b"c"):
        log.append(data, T)
    assert [entry.data for entry in log.read(0)] == [b"a", b"b" * 1000, b"c"]


def test_offsets_may_grow_beyond_32_bits_within_a_segment() -> None:
    log = Log()
    count = (1 << 31) - 1
    for number in range(10):
        log.append(b"%d" % number, T + number, count)
    assert [log.read(number * count + 5, 1)[0].data for number in range(10)] == [b"%d" % number for number in range(10)]
    assert log.offset_at(T + 7) == 7 * count
    assert len(log.clear()) == 4  # three entries begin within 32 bits of their segment's base


@pytest.mark.parametrize(("size", "segments"), [(0, 3), (16, 5), (17, 10), (48, 10), (49, 10)])
def test_a_segment_with_its_index_keeps_within_its_size(size: int, segments: int) -> None:
    log = Log(TINY)
    for _ in range(10):
        log.append(bytes(size), T)
    assert len(log.clear()) == segments


# Times.


def test_a_time_finds_the_first_entry_that_is_not_older() -> None:
    log = log_of(T, T + 10, T + 10, T + 20)
    assert [log.offset_at(T + ms) for ms in (-1, 0, 1, 10, 11, 20, 21)] == [0, 0, 1, 1, 3, 3, 4]


@pytest.mark.parametrize("segment_max_bytes", [1, TINY, 1 << 20])
def test_a_time_finds_the_first_entry_that_is_not_older_though_older_ones_follow(segment_max_bytes: int) -> None:
    log = log_of(T + 5, T + 1, T + 9, T + 3, T + 12, T, segment_max_bytes=segment_max_bytes)
    assert [log.offset_at(T + ms) for ms in (0, 1, 5, 6, 9, 10, 12, 13)] == [0, 0, 0, 2, 2, 4, 4, 6]


@pytest.mark.parametrize("segment_max_bytes", [1, TINY, 1 << 20])
def test_a_time_does_not_find_what_is_dropped(segment_max_bytes: int) -> None:
    log = log_of(T + 50, T + 1, T + 9, T + 3, T + 12, segment_max_bytes=segment_max_bytes)
    log.truncate_before(1)
    assert [log.offset_at(T + ms) for ms in (0, 1, 2, 10, 12, 13, 50)] == [1, 1, 2, 4, 4, 5, 5]


def test_the_time_of_an_entry_whose_start_is_dropped_finds_the_start_of_the_log() -> None:
    log = Log()
    log.append(b"abc", T, 3)
    log.truncate_before(2)
    assert log.offset_at(T) == 2


def test_times_may_be_as_far_apart_as_kafka_allows() -> None:
    log = log_of(-1, (1 << 63) - 1, 0)
    assert [log.offset_at(time_ms) for time_ms in (-(1 << 63), -1, 0, (1 << 63) - 1)] == [0, 0, 1, 1]


def test_the_next_older_entry_is_found_behind_newer_ones() -> None:
    log = log_of(T, T + 5, T + 6, T + 2, T + 9, segment_max_bytes=TINY)
    assert [log.next_older(offset, T + 5) for offset in range(6)] == [0, 3, 3, 3, 5, 5]


# Leaving.


def test_expiry_drops_what_is_older_and_says_how_many_records_that_were() -> None:
    log = Log()
    for number, count in enumerate((2, 3, 4)):
        log.append(b"xx", T + number, count)
    assert log.expire(T) == 0
    assert log.expire(T + 2) == 5
    assert (log.start_offset, log.end_offset, log.count, log.size_bytes) == (5, 9, 4, 2)
    assert (log.first_time_ms, log.last_time_ms) == (T + 2, T + 2)


def test_expiry_stops_at_the_first_entry_that_is_not_old() -> None:
    log = log_of(T, T + 9, T + 1)
    assert (log.expire(T + 5), log.start_offset) == (1, 1)
    assert offsets(log.read(0)) == [1, 2]


def test_expiry_of_all_leaves_an_empty_log_that_goes_on_with_its_offsets() -> None:
    log = log_of(T, T, T)
    assert log.expire(T + 1) == 3
    assert (log.first_time_ms, log.last_time_ms, log.size_bytes) == (None, None, 0)
    assert log.append(b"next", T) == 3


def test_truncation_within_an_entry_keeps_the_entry_but_not_the_records_before() -> None:
    log = Log()
    log.append(b"abcde", T, 5)
    assert (log.truncate_before(3), log.start_offset, log.count) == (3, 3, 2)
    assert (log.read(0), log.size_bytes) == ([Entry(0, 5, T, b"abcde")], 5)
    assert log.truncate_before(5) == 2
    assert (log.read(0), log.size_bytes) == ([], 0)


@pytest.mark.parametrize(("offset", "dropped", "start"), [(-1, 0, 4), (4, 0, 4), (5, 1, 5), (10, 6, 10), (99, 6, 10)])
def test_truncation_only_goes_forward_and_not_beyond_the_end(offset: int, dropped: int, start: int) -> None:
    log = log_of(*[T] * 10, segment_max_bytes=TINY)
    log.truncate_before(4)
    assert (log.truncate_before(offset), log.start_offset, log.end_offset) == (dropped, start, 10)


def test_a_cleared_log_is_empty_and_goes_on_with_its_offsets() -> None:
    log = log_of(T, T, T)
    log.clear()
    assert (log.start_offset, log.end_offset, log.count, log.size_bytes, log.first_time_ms) == (3, 3, 0, 0, None)
    assert (log.append(b"next", T), offsets(log.read(0))) == (3, [3])


def test_two_logs_share_nothing() -> None:
    one, other = log_of(T), Log()
    assert (one.count, other.count) == (1, 0)
