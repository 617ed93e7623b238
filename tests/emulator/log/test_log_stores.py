"""What a Kafka partition asks of its log, in each of the three stores: views, whole segments, compaction with holes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from emulator.log.log import Log
from emulator.log.segment import Stretch
from emulator.log.store import Data, Store

T = 1_767_225_600_000
ROOM = 1 << 20


def log_of(store: Store, *segments: str, count: int = 1) -> Log:
    """A log with a segment for each word and an entry of `count` records for each letter, a millisecond apart."""
    log = Log(ROOM, store)
    for word in segments:
        log.roll()
        for letter in word:
            log.append(letter.encode(), T + log.end_offset, count)
    return log


def shown(views: Iterable[memoryview]) -> list[bytes]:
    return [bytes(view) for view in views]


def keep(log: Log, letters: str) -> list[tuple[int, int, Data]]:
    """The entries that are kept when only those of some letters are."""
    return [
        (entry.next_offset, entry.time_ms, entry.data)
        for entry in log.entries(log.start_offset)
        if bytes(entry.data).decode() in letters
    ]


# Appending.


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_data_is_copied_when_it_is_appended(store: Store, kind: type) -> None:
    buffer = bytearray(b"before")
    log = Log(ROOM, store)
    log.append(buffer if kind is bytearray else kind(buffer), T)
    buffer[:] = b"after!"
    assert shown(log.views(0, ROOM)) == [b"before"]


def test_a_log_may_begin_at_any_offset(store: Store) -> None:
    log = Log(ROOM, store, 1000)
    assert (log.start_offset, log.end_offset) == (1000, 1000)
    assert (log.append(b"a", T, 5), log.end_offset) == (1000, 1005)


def test_an_entry_of_some_megabytes_comes_out_as_it_went_in(store: Store) -> None:
    log, large = Log(1 << 30, store), bytes(range(256)) * (80 << 10)
    for data in (b"a", large, b"b"):
        log.append(data, T)
    assert b"".join(log.views(0, 1 << 30)) == b"a" + large + b"b"


def test_the_size_of_segments_can_change(store: Store) -> None:
    log = Log(ROOM, store)
    log.append(b"a", T)
    log.segment_max_bytes = 1
    log.append(b"b", T)
    log.segment_max_bytes = ROOM
    log.append(b"c", T)
    assert [(each.base_offset, each.end_offset) for each in log.segments()] == [(0, 1), (1, 3)]


@pytest.mark.parametrize("size", [0, 1 << 32])
def test_a_segment_cannot_become_larger_than_its_index_can_hold(store: Store, size: int) -> None:
    log = Log(ROOM, store)
    with pytest.raises(ValueError, match="segment_max_bytes must be from 1 to 4294967295"):
        log.segment_max_bytes = size
    assert log.segment_max_bytes == ROOM


def test_a_refused_first_entry_leaves_nothing(store: Store) -> None:
    log = Log(ROOM, store)
    with pytest.raises(OverflowError):
        log.append(b"a", 1 << 63)
    assert (log.end_offset, log.segments(), log.active_offset) == (0, [], 0)
    assert log.append(b"b", T) == 0


# Views.


def test_entries_of_a_segment_are_one_slice(store: Store) -> None:
    assert shown(log_of(store, "abc", "de", "f").views(0, ROOM)) == [b"abc", b"de", b"f"]


def test_views_can_be_read_only(store: Store) -> None:
    log = log_of(store, "ab", "c")
    assert all(view.readonly for offset in (0, 2) for view in log.views(offset, ROOM))


@pytest.mark.parametrize(
    ("offset", "expected"), [(-5, b"abcd"), (0, b"abcd"), (1, b"abcd"), (3, b"bcd"), (8, b"cd"), (11, b"d"), (12, b"")]
)
def test_views_begin_with_the_entry_that_holds_the_offset(store: Store, offset: int, expected: bytes) -> None:
    log = log_of(store, "ab", "cd", count=3)
    assert b"".join(log.views(offset, ROOM)) == expected


@pytest.mark.parametrize(
    ("bytes_max", "expected"), [(0, b"a"), (1, b"a"), (2, b"ab"), (3, b"abc"), (4, b"abcd"), (9, b"abcdef")]
)
def test_views_keep_within_their_bytes_but_show_one_entry(store: Store, bytes_max: int, expected: bytes) -> None:
    assert b"".join(log_of(store, "abc", "de", "f").views(0, bytes_max)) == expected


def test_views_end_in_front_of_an_entry_that_does_not_fit_though_a_smaller_one_follows(store: Store) -> None:
    log = Log(ROOM, store)
    for data in (b"a", b"long", b"b"):
        log.append(data, T)
        log.roll()
    assert shown(log.views(0, 3)) == [b"a"]
    assert shown(log.views(1, 3)) == [b"long"]


@pytest.mark.parametrize(
    ("before", "expected"), [(-1, b""), (0, b""), (1, b"a"), (3, b"abc"), (4, b"abcd"), (6, b"abcdef"), (99, b"abcdef")]
)
def test_views_end_before_an_offset(store: Store, before: int, expected: bytes) -> None:
    assert b"".join(log_of(store, "abc", "de", "f").views(0, ROOM, before)) == expected


def test_views_leave_out_the_entry_that_holds_the_offset_before_which_they_end(store: Store) -> None:
    log = log_of(store, "ab", "c", count=3)
    assert [b"".join(log.views(0, ROOM, before)) for before in (2, 3, 5, 6, 8, 9)] == [
        b"",
        b"a",
        b"a",
        b"ab",
        b"ab",
        b"abc",
    ]


def test_views_of_what_lies_behind_the_limit_are_none(store: Store) -> None:
    log = log_of(store, "abc", "de")
    assert (log.views(2, 0, 2), log.views(4, 0, 1), log.views(1, 0, 2)) == ([], [], [memoryview(b"b")])


def test_views_are_no_copies_and_stay_as_they_were(store: Store) -> None:
    log = log_of(store, "ab")
    views = log.views(0, ROOM)
    for number in range(20_000):
        log.append(b"x" * 100, T + number)
    log.clear()
    log.append(b"y" * 1000, T)
    assert shown(views) == [b"ab"]


def test_a_log_that_has_lost_everything_shows_nothing(store: Store) -> None:
    log = log_of(store, "ab")
    log.clear()
    assert [log.views(offset, ROOM) for offset in (0, 1, 2, 3)] == [[], [], [], []]


# Entries.


def test_entries_come_one_after_the_other(store: Store) -> None:
    log = log_of(store, "ab", "c", count=2)
    assert [(entry.offset, entry.count, entry.time_ms, bytes(entry.data)) for entry in log.entries(3)] == [
        (2, 2, T + 2, b"b"),
        (4, 2, T + 4, b"c"),
    ]


def test_entries_end_before_an_offset(store: Store) -> None:
    log = log_of(store, "ab", "cd")
    assert [bytes(entry.data) for entry in log.entries(0, 3)] == [b"a", b"b", b"c"]


def test_entries_that_come_and_go_meanwhile_come_and_go(store: Store) -> None:
    log = log_of(store, "ab", "cd", "ef")
    seen = []
    for entry in log.entries(0):
        seen.append(bytes(entry.data))
        if entry.data == b"b":
            log.truncate_before(4)
            log.append(b"g", T)
    assert seen == [b"a", b"b", b"e", b"f", b"g"]


def test_the_last_entry_is_known(store: Store) -> None:
    log = log_of(store, "ab", "c", count=2)
    last = log.last_entry
    assert last is not None
    assert (last.offset, last.next_offset, last.time_ms, bytes(last.data)) == (4, 6, T + 4, b"c")
    log.clear()
    assert log.last_entry is None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], None),
        ([5], (5, 0)),
        ([5, 9, 7], (9, 1)),
        ([5, 9, 9], (9, 1)),
        ([9, 1, 2], (9, 0)),
    ],
)
def test_the_newest_entry_is_the_first_with_the_highest_time(
    store: Store, times: list[int], expected: tuple[int, int] | None
) -> None:
    log = Log(ROOM, store)
    for time_ms in times:
        log.append(b"x", time_ms)
    assert log.newest() == expected


def test_the_newest_entry_is_not_one_that_is_dropped(store: Store) -> None:
    log = Log(ROOM, store)
    for time_ms in (9, 5, 7, 6):
        log.append(b"x", time_ms)
    log.truncate_before(1)
    assert log.newest() == (7, 2)


# Whole segments.


def test_segments_tell_what_they_hold(store: Store) -> None:
    log = log_of(store, "abc", "d", count=2)
    assert log.segments() == [Stretch(0, 6, 3, T + 4), Stretch(6, 8, 1, T + 6)]


def test_the_segment_that_grows_begins_where_the_log_was_rolled(store: Store) -> None:
    log = log_of(store, "abc", "d")
    assert log.active_offset == 3
    log.roll()
    assert log.active_offset == 4
    log.roll()
    log.append(b"e", T)
    assert (log.active_offset, len(log.segments())) == (4, 3)


@pytest.mark.parametrize(
    ("offset", "dropped", "start"), [(0, 0, 0), (2, 0, 0), (3, 3, 3), (4, 3, 3), (5, 5, 5), (9, 6, 6)]
)
def test_whole_segments_are_dropped(store: Store, offset: int, dropped: int, start: int) -> None:
    log = log_of(store, "abc", "de", "f")
    assert (log.drop_segments_before(offset), log.start_offset, log.end_offset) == (dropped, start, 6)
    assert log.size_bytes == 6 - start
    assert b"".join(log.views(0, ROOM)) == b"abcdef"[start:]
    assert log.append(b"g", T) == 6


def test_dropping_segments_never_moves_the_start_back(store: Store) -> None:
    log = log_of(store, "abc", "de")
    log.truncate_before(4)
    assert (log.drop_segments_before(3), log.start_offset) == (0, 4)


def test_a_closed_log_can_still_be_read(store: Store) -> None:
    log = log_of(store, "abc")
    log.close()
    assert shown(log.views(1, ROOM)) == [b"bc"]


# Compaction.


def test_what_is_kept_keeps_its_offsets(store: Store) -> None:
    log = log_of(store, "abcd", "efg", "h")
    assert log.rewrite(0, 7, keep(log, "bdg")) == 4
    assert b"".join(log.views(0, ROOM)) == b"bdgh"
    assert (log.start_offset, log.end_offset, log.size_bytes) == (0, 8, 4)
    assert [(entry.next_offset, entry.time_ms) for entry in log.entries(0)] == [
        (2, T + 1),
        (4, T + 3),
        (7, T + 6),
        (8, T + 7),
    ]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(0, b"bdgh"), (1, b"bdgh"), (2, b"dgh"), (3, b"dgh"), (4, b"gh"), (5, b"gh"), (6, b"gh"), (7, b"h"), (8, b"")],
)
def test_an_offset_in_a_hole_shows_what_follows_and_never_what_precedes(
    store: Store, offset: int, expected: bytes
) -> None:
    log = log_of(store, "abcd", "efg", "h")
    log.rewrite(0, 7, keep(log, "bdg"))
    assert b"".join(log.views(offset, ROOM)) == expected
    assert b"".join(entry.data for entry in log.read(offset)) == expected
    assert b"".join(entry.data for entry in log.entries(offset)) == expected


@pytest.mark.parametrize("offset", range(7))
def test_a_hole_at_the_end_of_segments_belongs_to_the_next_one(store: Store, offset: int) -> None:
    log = log_of(store, "abcd", "efg", "h")
    log.rewrite(0, 7, keep(log, "a"))
    assert b"".join(log.views(offset, ROOM)) == (b"ah" if offset == 0 else b"h")


def test_what_follows_a_hole_is_not_shown_before_its_own_offset(store: Store) -> None:
    log = log_of(store, "abcd", "efg", "h")
    log.rewrite(0, 7, keep(log, "a"))
    assert [b"".join(log.views(3, ROOM, before)) for before in (4, 7, 8)] == [b"", b"", b"h"]


def test_nothing_may_be_kept(store: Store) -> None:
    log = log_of(store, "abcd", "efg", "h")
    assert log.rewrite(0, 7, []) == 7
    assert [b"".join(log.views(offset, ROOM)) for offset in (0, 6, 7, 8)] == [b"h", b"h", b"h", b""]
    assert (log.start_offset, len(log.segments()), log.truncate_before(5)) == (0, 1, 5)


def test_a_log_of_which_nothing_is_kept_goes_on_with_its_offsets(store: Store) -> None:
    log = log_of(store, "abcd")
    log.roll()
    assert log.rewrite(0, 4, []) == 4
    assert (log.segments(), log.views(0, ROOM), log.newest(), log.first_time_ms) == ([], [], None, None)
    assert (log.offset_at(T), log.next_older(0, T + 99), log.end_offset) == (4, 4, 4)
    assert log.append(b"e", T) == 4
    assert shown(log.views(2, ROOM)) == [b"e"]


def test_neighbours_that_fit_become_one_segment(store: Store) -> None:
    log = log_of(store, "ab", "cd", "ef", "g")
    log.rewrite(0, 6, log_entries(log, 6))
    assert [(each.base_offset, each.end_offset) for each in log.segments()] == [(0, 6), (6, 7)]


def test_neighbours_that_do_not_fit_stay_apart(store: Store) -> None:
    log = log_of(store, "abcd", "ef", "gh", "i")
    log.segment_max_bytes = 4
    log.rewrite(0, 8, log_entries(log, 8))
    assert [(each.base_offset, each.end_offset) for each in log.segments()] == [(0, 4), (4, 8), (8, 9)]


def log_entries(log: Log, end: int) -> Iterable[tuple[int, int, Data]]:
    return ((entry.next_offset, entry.time_ms, entry.data) for entry in log.entries(0, end))


def test_the_rewritten_part_may_be_in_the_middle(store: Store) -> None:
    log = log_of(store, "ab", "cd", "ef", "g")
    log.rewrite(2, 4, [(4, T, b"D")])
    assert [bytes(entry.data) for entry in log.entries(0)] == [b"a", b"b", b"D", b"e", b"f", b"g"]
    assert b"".join(log.views(2, ROOM)) == b"Defg"


def test_the_segment_that_grows_is_not_rewritten(store: Store) -> None:
    log = log_of(store, "ab", "cd")
    assert log.rewrite(0, 4, [(2, T, b"b")]) == 1
    assert b"".join(log.views(0, ROOM)) == b"bcd"


@pytest.mark.parametrize(
    "kept", [[(4, T, b"d")], [(2, T, b"b"), (2, T, b"b")], [(0, T, b"x")], [(2, T, b"b"), (1, T, b"a")]]
)
def test_what_is_out_of_order_or_elsewhere_is_refused(store: Store, kept: list[tuple[int, int, Data]]) -> None:
    log = log_of(store, "ab", "cd")
    with pytest.raises(ValueError, match=r"no entry behind offset|only entries of sealed segments"):
        log.rewrite(0, 2, kept)


def test_an_entry_in_a_hole_between_segments_is_refused(store: Store) -> None:
    log = log_of(store, "abcd", "efgh", "i")
    log.rewrite(0, 4, keep(log, "a"))
    log.segment_max_bytes = 4  # they do not become one
    with pytest.raises(ValueError, match="no entry behind offset 4 can end at 3"):
        log.rewrite(0, 8, [(1, T, b"a"), (3, T, b"c")])


def test_readers_still_see_what_was_rewritten(store: Store) -> None:
    log = log_of(store, "abcd", "e")
    views = log.views(0, ROOM)
    log.rewrite(0, 4, keep(log, "c"))
    log.append(b"f" * 1000, T)
    assert shown(views) == [b"abcd", b"e"]


def test_a_start_within_a_rewritten_segment_stays(store: Store) -> None:
    log = log_of(store, "abcd", "e")
    log.truncate_before(2)
    assert log.rewrite(2, 4, keep(log, "d")) == 1
    assert (log.start_offset, log.size_bytes, b"".join(log.views(0, ROOM))) == (2, 2, b"de")


def test_times_are_found_behind_holes(store: Store) -> None:
    log = log_of(store, "abcd", "efg", "h")
    log.rewrite(0, 7, keep(log, "bg"))
    found = [log.offset_at(T + ms) for ms in range(9)]
    assert [b"".join(log.views(offset, 1)) for offset in found] == [b"b"] * 2 + [b"g"] * 5 + [b"h", b""]
    assert log.newest() == (T + 7, 7)
