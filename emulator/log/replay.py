"""A log read to its end beside the requests: what is archived goes out again without holding anybody up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.tasks import breathe

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.log.log import Log
    from emulator.log.segment import Entry

SLICE_BYTES = 1 << 20
"""How much to copy before others get their turn."""


@dataclass(slots=True)
class Cursor:
    """Where a reader of a log is, and where it stops."""

    offset: int
    """What it takes next. `log.offset_at(start_ms)` begins at the start of a window."""
    until_ms: int | None = None
    """The end of the window, exclusive: an entry of this instant or newer is not taken. None: there is no end."""


async def replay(log: Log, cursor: Cursor, take: Callable[[Entry], None], *, slice_entries: int = 100) -> None:
    """Call `take` with each entry from the cursor on, in order, until nothing is left that is inside the window.

    Others get a turn after every `slice_entries`. The log may grow meanwhile (that is taken too), and be truncated or cleared
    (what is gone is left out). There is no await between the look at the end of the log and the return: who awaits this
    directly, not as a task, and then takes what is appended from `cursor.offset` on, gets everything once.

    The cursor always stands behind what was taken or left out, so a cancelled replay can be taken up again with it. An exception
    of `take` ends the replay in front of its entry. In a log whose times go back, an entry older than the start of the window may
    follow the offset where it began: `take` sees the time and is to judge.
    """
    while _take_slice(log, cursor, take, slice_entries):
        await breathe()


def _take_slice(log: Log, cursor: Cursor, take: Callable[[Entry], None], entries_max: int) -> bool:
    """Take some entries and tell whether there are more."""
    _skip(log, cursor)
    for entry in log.read(cursor.offset, entries_max, SLICE_BYTES):
        if entry.next_offset <= log.start_offset:
            break  # `take` itself had it dropped
        if cursor.until_ms is None or entry.time_ms < cursor.until_ms:
            take(entry)
        cursor.offset = entry.next_offset
    _skip(log, cursor)
    return cursor.offset < log.end_offset


def _skip(log: Log, cursor: Cursor) -> None:
    """Go past what is gone and what is outside the window."""
    cursor.offset = max(cursor.offset, log.start_offset)
    if cursor.until_ms is not None:
        cursor.offset = max(cursor.offset, log.next_older(cursor.offset, cursor.until_ms))
