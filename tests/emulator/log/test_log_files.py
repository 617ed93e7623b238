"""A log in a folder: its files, and what is found in them after the process has ended in any way."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from emulator.log.files import FileSpace, SegmentFiles, open_log
from emulator.log.log import Log
from emulator.log.store import LogFullError
from tests.emulator.log.frames import cut, frame

T = 1_767_225_600_000
ROOM = 1 << 20
PAYLOADS = (b"", b"a", b"bcd", b"0123456789", b"end")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "orders-0"


def grow(log: Log, *payloads: bytes, count: int = 2) -> None:
    for payload in payloads:
        offset = log.end_offset
        log.append(frame(offset, count, T + offset, payload), T + offset, count)


def rolled(folder: Path, *segments: tuple[bytes, ...]) -> Log:
    """A log with these entries in these segments."""
    log = open_log(folder, cut)
    for payloads in segments:
        log.roll()
        grow(log, *payloads)
    return log


def content(log: Log) -> list[tuple[int, int, int, bytes]]:
    return [(each.offset, each.count, each.time_ms, bytes(each.data)) for each in log.entries(0)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def name(*offsets: int, kind: str = "log") -> str:
    return "-".join(f"{offset:020}" for offset in offsets) + f".{kind}"


# Files.


def test_a_log_without_an_entry_is_an_empty_file(folder: Path) -> None:
    assert open_log(folder, cut).end_offset == 0
    assert [(path.name, path.stat().st_size) for path in folder.iterdir()] == [(name(0), 0)]


def test_a_segment_is_a_file_named_by_its_first_offset(folder: Path) -> None:
    rolled(folder, (b"a", b"b"), (b"c",))
    assert names(folder) == ["00000000000000000000.log", "00000000000000000004.log"]


def test_a_file_has_room_ahead_until_the_next_one_begins(folder: Path) -> None:
    log = rolled(folder, (b"a",))
    path = folder / name(0)
    assert path.stat().st_size == 16 << 10
    log.roll()
    assert path.read_bytes() == frame(0, 2, T, b"a")


def test_a_closed_log_has_files_of_their_length(folder: Path) -> None:
    rolled(folder, (b"a",), (b"b",)).close()
    assert [path.stat().st_size for path in sorted(folder.iterdir())] == [29, 29]


def test_files_become_larger_and_are_full_before_the_next_begins(folder: Path) -> None:
    log = open_log(folder, cut)
    while log.size_bytes < 2 << 20:
        grow(log, bytes(1000))
    log.close()
    sizes = [path.stat().st_size for path in sorted(folder.iterdir())]
    assert [size // 1028 for size in sizes[:4]] == [(KIB << 10) // 1028 for KIB in (16, 64, 256, 1024)]
    assert len(sizes) == 5


def test_the_file_of_a_dropped_segment_is_gone_at_once_but_those_who_look_at_it_have_it_still(folder: Path) -> None:
    log = rolled(folder, (b"a",), (b"b",))
    views = log.views(0, 1)
    log.drop_segments_before(2)
    assert names(folder) == [name(2)]
    assert [bytes(view) for view in views] == [frame(0, 2, T, b"a")]


@pytest.mark.parametrize("way", ["clear", "expire", "drop", "truncate"])
def test_a_log_that_has_lost_everything_keeps_its_end(folder: Path, way: str) -> None:
    log = rolled(folder, (b"a",), (b"b",))
    {
        "clear": log.clear,
        "expire": lambda: log.expire(T + 99),
        "drop": lambda: log.drop_segments_before(4),
        "truncate": lambda: log.truncate_before(4),
    }[way]()
    assert names(folder) == [name(4)]
    for _ in range(2):
        log = open_log(folder, cut)
        assert (log.start_offset, log.end_offset, content(log)) == (4, 4, [])
    grow(log, b"c")
    assert content(open_log(folder, cut)) == [(4, 2, T + 4, frame(4, 2, T + 4, b"c"))]


def test_a_full_disk_refuses_an_entry_and_nothing_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = rolled(folder, (b"a",))
    log.clear()

    def full(file: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(LogFullError):
            grow(log, b"b")
    assert (log.end_offset, log.size_bytes, open_log(folder, cut).end_offset) == (2, 0, 2)
    grow(log, b"b")
    assert log.end_offset == 4


def test_a_refused_entry_does_not_take_the_end_of_an_empty_log_with_it(folder: Path) -> None:
    log = rolled(folder, (b"a",))
    log.clear()
    with pytest.raises(OverflowError):
        log.append(b"data", 1 << 63)
    assert open_log(folder, cut).end_offset == 2


def test_a_file_system_that_cannot_reserve_blocks_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(file: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", cannot)
    log = rolled(folder, (b"a",))
    assert content(open_log(folder, cut)) == content(log)


# Opened again.


@pytest.mark.parametrize("closed", [True, False])
def test_an_opened_log_is_as_it_was(folder: Path, closed: bool) -> None:
    log = rolled(folder, PAYLOADS, (b"x", b"y"), (b"z",))
    if closed:
        log.close()
    again = open_log(folder, cut)
    assert content(again) == content(log)
    assert again.segments() == log.segments()
    assert (again.start_offset, again.end_offset, again.size_bytes) == (0, log.end_offset, log.size_bytes)
    assert [again.offset_at(T + ms) for ms in range(20)] == [log.offset_at(T + ms) for ms in range(20)]


def test_an_opened_log_goes_on(folder: Path) -> None:
    rolled(folder, (b"a", b"b"))
    log = open_log(folder, cut)
    grow(log, b"c")
    assert [offset for offset, *_ in content(open_log(folder, cut))] == [0, 2, 4]


@pytest.mark.parametrize(("start", "expected"), [(None, 0), (0, 0), (3, 3), (4, 4), (9, 9)])
def test_a_log_starts_where_its_owner_says(folder: Path, start: int | None, expected: int) -> None:
    rolled(folder, (b"a", b"b"), (b"c",))
    log = open_log(folder, cut, start_offset=start)
    assert (log.start_offset, log.end_offset) == (expected, max(expected, 6))


def test_a_start_that_is_older_than_the_first_file_is_out_of_date(folder: Path) -> None:
    rolled(folder, (b"a", b"b"), (b"c",)).drop_segments_before(4)
    assert open_log(folder, cut, start_offset=3).start_offset == 4


def test_a_new_log_may_start_anywhere(folder: Path) -> None:
    log = open_log(folder, cut, start_offset=50)
    assert (log.start_offset, log.end_offset) == (50, 50)
    assert open_log(folder, cut).end_offset == 50


def test_other_files_of_the_folder_are_left_alone(folder: Path) -> None:
    rolled(folder, (b"a",))
    (folder / "partition.metadata").write_text("mine")
    (folder / "notes.log").write_text("mine too")
    assert open_log(folder, cut).end_offset == 2
    assert names(folder) == [name(0), "notes.log", "partition.metadata"]


# Crashes.


@pytest.mark.parametrize("rest", ["zeros", "garbage", "nothing"])
def test_a_torn_end_is_cut_off_at_every_point(folder: Path, rest: str) -> None:
    log = rolled(folder, (b"sealed",), PAYLOADS)
    whole, entries = content(log), content(log)
    data = b"".join(entry[3] for entry in entries[1:])
    path = folder / name(2)
    ends = [sum(len(entry[3]) for entry in entries[1 : 1 + number]) for number in range(len(PAYLOADS) + 1)]
    for point in range(len(data) + 1):
        torn = {"zeros": bytes(500), "garbage": b"\xa5" * 500, "nothing": b""}[rest]
        path.write_bytes(data[:point] + torn)
        kept = 1 + sum(end <= point for end in ends[1:])
        log = open_log(folder, cut)
        assert content(log) == whole[:kept], point
        assert log.end_offset == 2 * kept
        assert names(folder) == ([name(0)] if kept == 1 else [name(0), name(2)])
    assert kept == len(whole)


def test_a_log_whose_only_entry_is_torn_keeps_its_end(folder: Path) -> None:
    log = rolled(folder, (b"a",))
    log.clear()
    grow(log, b"b")
    (folder / name(2)).write_bytes(b"torn")
    log = open_log(folder, cut)
    assert (log.start_offset, log.end_offset, names(folder)) == (2, 2, [name(2)])
    assert (folder / name(2)).stat().st_size == 0


def test_entries_behind_a_torn_place_are_gone_too(folder: Path) -> None:
    log = rolled(folder, (b"a", b"b"), (b"c",), (b"d",))
    before = content(log)
    log.close()
    path = folder / name(0)
    path.write_bytes(path.read_bytes()[:-1])
    log = open_log(folder, cut)
    assert (content(log), log.end_offset, names(folder)) == (before[:1], 2, [name(0)])


def test_a_file_that_was_not_cut_before_the_next_one_began_is_whole(folder: Path) -> None:
    log = rolled(folder, (b"a", b"b"), (b"c",))
    path = folder / name(0)
    path.write_bytes(path.read_bytes() + bytes(1000))
    assert content(open_log(folder, cut)) == content(log)
    assert path.stat().st_size == 2 * 29


def test_an_entry_whose_offsets_go_back_is_not_taken(folder: Path) -> None:
    rolled(folder, (b"a",)).close()
    with (folder / name(0)).open("ab") as file:
        file.write(frame(1, 2, T, b"again"))
    assert [offset for offset, *_ in content(open_log(folder, cut))] == [0]


# Compaction.


def compacted(folder: Path) -> Log:
    """A log of three segments, of which the first two became one with holes."""
    log = rolled(folder, (b"a", b"b", b"c"), (b"d", b"e"), (b"f",))
    kept = [(each.next_offset, each.time_ms, each.data) for each in log.entries(0, 10) if each.offset in {2, 6}]
    log.rewrite(0, 10, kept)
    return log


def test_a_compacted_log_is_opened_with_its_holes(folder: Path) -> None:
    log = compacted(folder)
    assert names(folder) == [name(0), name(10)]
    again = open_log(folder, cut)
    assert content(again) == content(log)
    assert [each[0] for each in content(again)] == [0, 4, 10]
    assert (again.start_offset, again.end_offset) == (0, 12)
    assert [[bytes(view) for view in again.views(offset, ROOM)] for offset in range(13)] == [
        [bytes(view) for view in log.views(offset, ROOM)] for offset in range(13)
    ]


def test_a_log_of_which_compaction_left_nothing_is_opened_with_its_end(folder: Path) -> None:
    log = rolled(folder, (b"a", b"b"))
    log.roll()
    log.rewrite(0, 4, [])
    assert names(folder) == [name(4)]
    assert open_log(folder, cut).end_offset == 4


def test_the_end_is_kept_when_compaction_took_the_last_entry(folder: Path) -> None:
    log = rolled(folder, (b"a", b"b"))
    log.roll()
    log.rewrite(0, 4, [(each.next_offset, each.time_ms, each.data) for each in log.entries(0, 2)])
    again = open_log(folder, cut)
    assert (again.end_offset, [each[0] for each in content(again)], names(folder)) == (4, [0], [name(0), name(4)])
    grow(again, b"c")
    assert [each[0] for each in content(open_log(folder, cut))] == [0, 4]


@pytest.mark.parametrize(
    ("old", "kind", "new"),
    [
        ([name(0), name(6)], "new", False),
        ([name(0), name(6)], "swap", True),
        ([name(6)], "swap", True),
        ([], "swap", True),
    ],
)
def test_a_crash_within_compaction_leaves_the_old_or_the_new(
    folder: Path, tmp_path: Path, *, old: list[str], kind: str, new: bool
) -> None:
    before = content(rolled(tmp_path / "before", (b"a", b"b", b"c"), (b"d", b"e"), (b"f",)))
    after = content(compacted(folder))
    (folder / name(0)).rename(folder / name(0, 10, kind=kind))
    for each in old:
        shutil.copy(tmp_path / "before" / each, folder / each)
    assert content(open_log(folder, cut)) == (after if new else before)
    assert names(folder) == ([name(0), name(10)] if new else [name(0), name(6), name(10)])


def test_a_compaction_that_fails_leaves_the_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = rolled(folder, (b"a", b"b"), (b"c",))
    before = content(log)

    def fail(space: FileSpace, used: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(FileSpace, "seal", fail)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            log.rewrite(0, 4, [(2, T, frame(0, 2, T, b"A"))])
    assert (content(log), names(folder)) == (before, [name(0), name(4)])
    assert content(open_log(folder, cut)) == before


def test_the_folder_is_made(tmp_path: Path) -> None:
    SegmentFiles(tmp_path / "data" / "orders-0")
    assert (tmp_path / "data" / "orders-0").is_dir()
