"""A share partition (KIP-932): which records of a partition a share group has handed out, to whom, how often, and what came of them.

Records between the start offset (all before it are done with) and the next one (nothing from there on was handed out yet) are kept as
runs of like state, so that all costs grow with the number of batches and of exceptions, not of records. A run is never changed, only
replaced: a request that is refused half-way leaves the list that was there before.

Pure: instants are arguments, locks end when `expire` is called.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from enum import IntEnum
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_NOBODY = ""
_THROTTLE_FROM_MIN = 2
"""A record that failed this often at least may be handed out with fewer others."""


class State(IntEnum):
    """What has become of records; numbers as Kafka persists them."""

    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4


_DONE = (State.ACKNOWLEDGED, State.ARCHIVED)


class Ack(IntEnum):
    """What a member says of records (AcknowledgeType)."""

    GAP = 0
    ACCEPT = 1
    RELEASE = 2
    REJECT = 3
    RENEW = 4


class Run(NamedTuple):
    """Records in a row with the same state."""

    first: int
    last: int
    """Inclusive."""
    state: State
    deliveries: int
    """How often they were handed out, the present time included."""
    member_id: str
    """Who has them; empty if nobody has."""
    until_ms: int
    """When they are taken back; 0 if nobody has them."""
    batch: int
    """The first offset of the records that were handed out together for the first time."""
    batch_size: int
    """How many these were."""


class Limits(NamedTuple):
    """What holds for a share partition; see groups/settings.py."""

    deliveries_max: int = 5
    in_flight_max: int = 2000
    renew_allowed: bool = True


class Wish(NamedTuple):
    """What a member asks for."""

    member_id: str
    records_max: int
    batch_size: int
    """Best size of what is handed out together."""
    exactly: bool
    """Do not exceed `records_max` for the sake of whole batches."""
    until_ms: int
    """How long it may keep them."""


class Acquired(NamedTuple):
    """What a member gets."""

    first: int
    last: int
    deliveries: int


class Spoken(NamedTuple):
    """A member's word on records: one type for all of them, or one for each."""

    first: int
    last: int
    types: Sequence[int]


Span = tuple[int, int]
"""First and last offset of a batch in the log."""


class SharePartition:
    """The state of one partition in one share group."""

    __slots__ = ("_runs", "next_offset", "start_offset")

    def __init__(self, start_offset: int, runs: Sequence[Run] = ()) -> None:
        """Begin at an offset, or go on with `runs`, which follow it without a gap."""
        self.start_offset = start_offset
        self.next_offset = runs[-1].last + 1 if runs else start_offset
        self._runs: list[Run] = list(runs)

    @property
    def runs(self) -> Sequence[Run]:
        """All records between start and next offset."""
        return self._runs

    @property
    def in_flight(self) -> int:
        """How many records count against the limit."""
        return self.next_offset - self.start_offset

    @property
    def done(self) -> int:
        """How many records after the start offset are done with."""
        return sum(run.last - run.first + 1 for run in self._runs if run.state in _DONE)

    @property
    def fetch_offset(self) -> int:
        """The first record that can be handed out."""
        return next((run.first for run in self._runs if run.state is State.AVAILABLE), self.next_offset)

    @property
    def next_expiry_ms(self) -> int | None:
        """When the first lock ends."""
        return min((run.until_ms for run in self._runs if run.state is State.ACQUIRED), default=None)

    def can_acquire(self, limits: Limits) -> bool:
        """Tell whether anything could be handed out, if the log has it."""
        return self.fetch_offset < self.next_offset or self.in_flight < limits.in_flight_max

    # Handing out

    def acquire(self, wish: Wish, batches: Sequence[Span], limits: Limits) -> list[Acquired]:
        """Hand out what the log has from `fetch_offset` on: `batches` as they were read from there."""
        if not batches or batches[-1][1] < self.start_offset or wish.records_max <= 0:
            return []
        offset, last = self.fetch_offset, batches[-1][1]
        room = min(wish.records_max, limits.in_flight_max - self.in_flight)
        if room <= 0:
            if offset >= self.next_offset:
                return []
            last = min(last, self.next_offset - 1)
            room = min(wish.records_max, self.next_offset - offset)
        self._archive_missing(offset, batches[0][0])
        got, stopped = self._acquire_again(wish, batches[0][0], last, room, limits)
        room -= sum(one.last - one.first + 1 for one in got)
        if room > 0 and not stopped and last >= self.next_offset:
            got += self._acquire_new(wish, batches, last, room)
        return got

    def _archive_missing(self, offset: int, base: int) -> None:
        """Give up what the log does not have any more: compaction and retention leave gaps."""
        if offset < base and self._runs:
            self._replace(offset, base - 1, lambda run: _done(run) if run.state is State.AVAILABLE else run)

    def _acquire_again(
        self, wish: Wish, base: int, last: int, room: int, limits: Limits
    ) -> tuple[list[Acquired], bool]:
        """Hand out what was given back. Answers it and whether that is all for this time.

        Records that failed often are handed out with fewer and fewer others, for the last time alone: so a poison one harms no others.
        """
        throttle_from = max(_THROTTLE_FROM_MIN, math.ceil(limits.deliveries_max / 2))
        got: list[Acquired] = []
        for run in [it for it in self._overlapping(base, last) if it.state is State.AVAILABLE]:
            if room <= 0:
                break
            first, end = max(run.first, base), min(run.last, last)
            throttled = run.deliveries >= throttle_from
            if throttled:
                if got:
                    return got, True
                alone = run.deliveries + 1 >= limits.deliveries_max > _THROTTLE_FROM_MIN
                share = 1 if alone else max(1, run.batch_size >> (run.deliveries - throttle_from + 1))
                end = min(end, first + share - 1)
            if wish.exactly:
                end = min(end, first + room - 1)
            self._replace(first, end, lambda it: _given(it, wish))
            got.append(Acquired(first, end, run.deliveries + 1))
            room -= end - first + 1
            if throttled:
                return got, True
        return got, False

    def _acquire_new(self, wish: Wish, batches: Sequence[Span], last: int, room: int) -> list[Acquired]:
        """Hand out records for the first time: whole batches of the log, in pieces of about the wished size."""
        first = max(self.next_offset, batches[0][0])
        if last < first:
            return []
        if not self._runs:
            self.start_offset = first
        elif first > self.next_offset:
            self._runs.append(
                Run(
                    self.next_offset,
                    first - 1,
                    State.ARCHIVED,
                    0,
                    _NOBODY,
                    0,
                    self.next_offset,
                    first - self.next_offset,
                )
            )
        if room < last - first + 1:
            last = next(end for _, end in batches if end >= first + room - 1)
        got: list[Acquired] = []
        for begin, end in [(first, last)] if wish.exactly else _pieces(batches, first, last, wish.batch_size):
            size = end - begin + 1
            given = min(end, begin + room - 1) if wish.exactly else end
            self._runs.append(Run(begin, given, State.ACQUIRED, 1, wish.member_id, wish.until_ms, begin, size))
            if given < end:
                self._runs.append(Run(given + 1, end, State.AVAILABLE, 0, _NOBODY, 0, begin, size))
            got.append(Acquired(begin, given, 1))
        self.next_offset = last + 1
        return got

    def drop(self, spans: Sequence[Span], got: Sequence[Acquired]) -> list[Acquired]:
        """Take batches of aborted transactions out of what was just handed out."""
        for first, last in spans:
            self._replace(first, last, lambda run: _done(run) if run.state is State.ACQUIRED else run)
        left = list(got)
        for first, last in spans:
            left = [
                Acquired(begin, end, one.deliveries)
                for one in left
                for begin, end in _without(one.first, one.last, first, last)
            ]
        self._move_start()
        return left

    # Coming back

    def acknowledge(self, member_id: str, words: Sequence[Spoken], until_ms: int, limits: Limits) -> bool:
        """Take a member's word, all of it or nothing. Answers whether others can be given more now.

        Raises KafkaError INVALID_RECORD_STATE, INVALID_REQUEST.
        """
        before, available = self._runs, self.fetch_offset
        start = self.start_offset
        self._runs = list(before)
        try:
            for word in words:
                if word.last >= self.start_offset:
                    self._check_known(word)
                    for first, last, kind in _spans(word, self.start_offset):
                        told = partial(_told, member_id=member_id, kind=kind, until_ms=until_ms, limits=limits)
                        self._replace(first, last, told)
        except KafkaError:
            self._runs = before
            raise
        self._move_start()
        return self.start_offset > start or self.fetch_offset < available

    def _check_known(self, word: Spoken) -> None:
        if not self._runs or word.last < self._runs[0].first:
            raise KafkaError(
                Error.INVALID_RECORD_STATE,
                "Batch record not found. The request batch offsets are not found in the cache.",
            )
        for name, offset in (("first", word.first), ("last", word.last)):
            if offset >= self.next_offset:
                raise KafkaError(
                    Error.INVALID_REQUEST,
                    f"Batch record not found. The {name} offset in request is past acquired records.",
                )

    def release(self, member_id: str, limits: Limits) -> bool:
        """Take back all that a member has; it is gone. Answers whether there was anything."""
        return self._take_back(lambda run: run.member_id == member_id, limits)

    def expire(self, now_ms: int, limits: Limits) -> bool:
        """Take back what was kept too long. Answers whether there was anything."""
        return self._take_back(lambda run: run.until_ms <= now_ms, limits)

    def _take_back(self, wanted: Callable[[Run], bool], limits: Limits) -> bool:
        held = [run for run in self._runs if run.state is State.ACQUIRED and wanted(run)]
        for run in held:
            self._replace(run.first, run.last, lambda it: _released(it, limits))
        if held:
            self._move_start()
        return bool(held)

    def truncate(self, log_start_offset: int) -> bool:
        """Forget what the log has dropped. Answers whether anything has moved."""
        if log_start_offset <= self.start_offset:
            return False
        if self._runs:
            self._replace(self.start_offset, log_start_offset - 1, _done)
            self._runs = [run for run in self._runs if run.first >= log_start_offset]
        self.start_offset = log_start_offset
        self.next_offset = max(self.next_offset, log_start_offset)
        self._move_start()
        return True

    # Inside

    def _overlapping(self, first: int, last: int) -> list[Run]:
        runs = self._runs
        place = max(0, bisect_right(runs, first, key=_first_of) - 1)
        found = []
        while place < len(runs) and runs[place].first <= last:
            if runs[place].last >= first:
                found.append(runs[place])
            place += 1
        return found

    def _replace(self, first: int, last: int, change: Callable[[Run], Run]) -> None:
        """Change the records from first to last, splitting runs at both ends, and join neighbours that became alike."""
        runs = self._runs
        low = max(0, bisect_right(runs, first, key=_first_of) - 1)
        high = bisect_right(runs, last, key=_first_of)
        made: list[Run] = []
        for run in runs[low:high]:
            if run.last < first:
                made.append(run)
                continue
            if run.first < first:
                made.append(run._replace(last=first - 1))
            made.append(change(run._replace(first=max(run.first, first), last=min(run.last, last))))
            if run.last > last:
                made.append(run._replace(first=last + 1))
        before = runs[low - 1 : low] if low else []
        low -= len(before)
        runs[low : high + 1] = _joined([*before, *made, *runs[high : high + 1]])

    def _move_start(self) -> None:
        """Let the start offset pass what is done with."""
        done = 0
        while done < len(self._runs) and self._runs[done].state in _DONE:
            self.start_offset = self._runs[done].last + 1
            done += 1
        del self._runs[:done]


def _first_of(run: Run) -> int:
    return run.first


def _joined(runs: Sequence[Run]) -> Iterator[Run]:
    """Join neighbours that differ in nothing but their place."""
    for _, group in groupby(runs, key=lambda run: run[2:]):
        alike = list(group)
        yield alike[0]._replace(last=alike[-1].last)


def _without(begin: int, end: int, first: int, last: int) -> list[Span]:
    """Tell what is left of begin..end without first..last."""
    if last < begin or first > end:
        return [(begin, end)]
    return [(low, high) for low, high in ((begin, first - 1), (last + 1, end)) if low <= high]


def _pieces(batches: Sequence[Span], first: int, last: int, size: int) -> Iterator[Span]:
    """Cut at the beginnings of batches into pieces that have `size` records at least."""
    if last - first + 1 > size:
        for base, _ in batches:
            if base > last:
                break
            if base - first >= size:
                yield first, base - 1
                first = base
    yield first, last


def _spans(word: Spoken, start_offset: int) -> Iterator[tuple[int, int, int]]:
    """Go through what a member says, records of the same type in a row together, without those before the start."""
    if len(word.types) == 1:
        yield max(word.first, start_offset), word.last, word.types[0]
        return
    offset = word.first
    for kind, group in groupby(word.types):
        last = offset + sum(1 for _ in group) - 1
        if last >= start_offset:
            yield max(offset, start_offset), last, kind
        offset = last + 1


def _done(run: Run, state: State = State.ARCHIVED) -> Run:
    return run if run.state in _DONE else run._replace(state=state, member_id=_NOBODY, until_ms=0)


def _given(run: Run, wish: Wish) -> Run:
    return run._replace(
        state=State.ACQUIRED, deliveries=run.deliveries + 1, member_id=wish.member_id, until_ms=wish.until_ms
    )


def _released(run: Run, limits: Limits) -> Run:
    """Make records available again, unless they were handed out too often."""
    if run.deliveries >= limits.deliveries_max:
        return _done(run)
    return run._replace(state=State.AVAILABLE, member_id=_NOBODY, until_ms=0)


def _told(run: Run, member_id: str, kind: int, until_ms: int, limits: Limits) -> Run:
    """Take a member's word on a run. Raises KafkaError INVALID_RECORD_STATE."""
    if run.state is not State.ACQUIRED:
        raise KafkaError(
            Error.INVALID_RECORD_STATE, "The batch cannot be acknowledged. The batch is not in the acquired state."
        )
    if run.member_id != member_id:
        raise KafkaError(Error.INVALID_RECORD_STATE, "Member is not the owner of batch record")
    if kind == Ack.RENEW:
        if not limits.renew_allowed:
            raise KafkaError(Error.INVALID_RECORD_STATE, "Renewing acquisition locks is not enabled for the group.")
        return run._replace(until_ms=until_ms)
    if kind == Ack.RELEASE:
        return _released(run, limits)
    return _done(run, State.ACKNOWLEDGED if kind == Ack.ACCEPT else State.ARCHIVED)
