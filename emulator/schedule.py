"""Schedules: whether `rate(5 minutes)`, `cron(0 12 ? * MON-FRI *)` or `at(2026-03-01T12:00:00)` is valid, and when it fires next.

Pure: the present instant is an argument. Instants are integer milliseconds since the epoch. A cron is computed field by field (year, month,
day, hour, minute), so a schedule that fires once in a century, or never, answers after a look at the months of 1970 to 2199 at most.

Only `Cron.next_ms` and `At.next_ms` know of UTC. `Cron.next_wall` and `At.wall` speak of a wall clock of no zone in particular: a service
with time zones reads its own clock, asks them, and decides about the hour that comes twice and the one that never comes.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    DayRule = Callable[["Month"], Iterable[int]]
    """One element of a day field: the days that it means in a month, from 1, in any order."""

TEXT_CHARS_MAX = 256
"""AWS's models allow no longer expression."""

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_UNITS_MS = {"minute": _MINUTE_MS, "hour": _HOUR_MS, "day": _DAY_MS}

_SUNDAY, _SATURDAY = 1, 7
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_OCCURRENCES_MAX = 5
"""No weekday comes more often in a month."""

_FORM = re.compile(r"(rate|cron|at)\(([^()]*)\)")
_RATE = re.compile(r"([0-9]+)\s+(minute|hour|day)(s?)")
_AT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})")


class ScheduleError(Exception):
    """A text is no schedule. `reason` says why in our words; AWS says only that it is not valid."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Schedule:
    """When something fires: a `Rate`, a `Cron` or an `At`."""

    __slots__ = ()

    def next_ms(self, after_ms: int, anchor_ms: int) -> int | None:
        """Tell the first firing strictly after `after_ms`, or None when there is none any more.

        `anchor_ms` is the instant from which a rate counts, such as its rule's creation; the other kinds do not look at it.
        """
        raise NotImplementedError

    def first(self, count: int, after_ms: int, anchor_ms: int) -> list[int]:
        """List the next firings strictly after `after_ms`: `count` of them, or fewer when there are no more."""
        firings: list[int] = []
        while len(firings) < count and (next_ms := self.next_ms(after_ms, anchor_ms)) is not None:
            firings.append(next_ms)
            after_ms = next_ms
        return firings


def parse_schedule(text: str, *, at_allowed: bool = False, any_plural: bool = False) -> Schedule:
    """Read an expression. Raises ScheduleError.

    `at_allowed` lets in `at(...)`, which rules do not have. `any_plural` lets a rate say `1 minutes` and `5 minute`.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise ScheduleError(f"an expression has at most {TEXT_CHARS_MAX} characters")
    match = _FORM.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ScheduleError("an expression is rate(...) or cron(...)" + (" or at(...)" if at_allowed else ""))
    kind, body = match.groups()
    if kind == "rate":
        return _parse_rate(body, any_plural=any_plural)
    if kind == "cron":
        return _parse_cron(body)
    if not at_allowed:
        raise ScheduleError("at(...) is not allowed here")
    return _parse_at(body)


# The calendar.


class Wall(NamedTuple):
    """What a calendar and a clock on the wall show, in no time zone in particular. Two of them compare as their instants do."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int = 0


class Month(NamedTuple):
    """The days of one month. A weekday is 1 to 7 from Sunday, as in a cron."""

    first_weekday: int
    """That of the 1st."""
    length: int
    """How many days it has, which is also its last day."""

    def weekday(self, day: int) -> int:
        """Tell the weekday of a day."""
        return (self.first_weekday + day - 2) % 7 + 1

    def nearest_working_day(self, day: int) -> int:
        """Tell the day itself, or the Friday before a Saturday, or the Monday after a Sunday; in this month, whatever it takes."""
        weekday = self.weekday(day)
        if weekday == _SATURDAY:
            return day - 1 if day > 1 else day + 2
        if weekday == _SUNDAY:
            return day + 1 if day < self.length else day - 2
        return day

    def last(self, weekday: int) -> int:
        """Tell the last day that is such a weekday."""
        return self.length - (self.weekday(self.length) - weekday) % 7

    def nth(self, weekday: int, occurrence: int) -> int | None:
        """Tell the day that is the first, second ... fifth such weekday."""
        day = 1 + (weekday - self.first_weekday) % 7 + 7 * (occurrence - 1)
        return day if day <= self.length else None


def month_of(year: int, month: int) -> Month:
    """Look a month up in the calendar."""
    from_monday, length = calendar.monthrange(year, month)
    return Month((from_monday + 1) % 7 + 1, length)


def utc_wall(instant_ms: int) -> Wall:
    """Tell what a clock in UTC shows at an instant, the running second; for the years 1 to 9999."""
    days, rest_ms = divmod(instant_ms, _DAY_MS)
    day = date.fromordinal(_EPOCH_ORDINAL + days)
    minutes, second = divmod(rest_ms // _SECOND_MS, 60)
    return Wall(day.year, day.month, day.day, *divmod(minutes, 60), second)


def utc_ms(wall: Wall) -> int:
    """Tell the instant at which a clock in UTC begins to show this. Raises ValueError if there is no such date."""
    days = date(wall.year, wall.month, wall.day).toordinal() - _EPOCH_ORDINAL
    return days * _DAY_MS + wall.hour * _HOUR_MS + wall.minute * _MINUTE_MS + wall.second * _SECOND_MS


_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_END_MS = utc_ms(Wall(2200, 1, 1, 0, 0))
"""What recurs does so until here: the end of a cron's years, and of the rates for the same reason, that every search has a bound."""


# rate(5 minutes)


@dataclass(frozen=True, slots=True)
class Rate(Schedule):
    """Every `period_ms`, counted from the anchor, the first time one period after it."""

    period_ms: int

    def next_ms(self, after_ms: int, anchor_ms: int) -> int | None:
        """Tell the first whole number of periods after the anchor that is after `after_ms`; O(1)."""
        periods = max(1, (after_ms - anchor_ms) // self.period_ms + 1)
        next_ms = anchor_ms + periods * self.period_ms
        return next_ms if next_ms < _END_MS else None


def _parse_rate(body: str, *, any_plural: bool) -> Rate:
    match = _RATE.fullmatch(body)
    if match is None:
        raise ScheduleError("a rate is a positive integer, a space and minute(s), hour(s) or day(s)")
    count, unit, plural = int(match[1]), match[2], match[3]
    if count == 0:
        raise ScheduleError("a rate is positive")
    if bool(plural) != (count != 1) and not any_plural:
        raise ScheduleError(f"a unit is singular after 1 and plural after more: {count} {unit}{plural}")
    return Rate(count * _UNITS_MS[unit])


# at(2026-03-01T12:00:00)


@dataclass(frozen=True, slots=True)
class At(Schedule):
    """Once, to the second."""

    wall: Wall

    def next_ms(self, after_ms: int, anchor_ms: int) -> int | None:  # noqa: ARG002 - nothing is counted
        """Tell the instant in UTC, unless it has come."""
        at_ms = utc_ms(self.wall)
        return at_ms if at_ms > after_ms else None


def _parse_at(body: str) -> At:
    match = _AT.fullmatch(body)
    if match is None:
        raise ScheduleError("a time is written yyyy-mm-ddThh:mm:ss")
    wall = Wall(*map(int, match.groups()))
    try:
        date(wall.year, wall.month, wall.day)
    except ValueError as error:
        raise ScheduleError(f"there is no such day: {body}") from error
    if wall.hour > 23 or wall.minute > 59 or wall.second > 59:
        raise ScheduleError(f"there is no such time of day: {body}")
    return At(wall)


# cron(0 12 ? * MON-FRI *)


@dataclass(frozen=True, slots=True)
class Cron(Schedule):
    """At second 0 of each minute that all fields allow. The numbers are sorted and none of these is empty."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[DayRule, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_ms(self, after_ms: int, anchor_ms: int) -> int | None:  # noqa: ARG002 - a calendar has no anchor
        """Tell the next firing in UTC; see `next_wall`."""
        if after_ms >= _END_MS:
            return None
        wall = self.next_wall(utc_wall(max(after_ms, -1)))
        return None if wall is None else utc_ms(wall)

    def next_wall(self, after: Wall) -> Wall | None:
        """Tell the first minute that fires after the running one. Looks at each month of the field at most once, so at 12 x 230 of them."""
        for year in _since(self.years, after.year):
            for month in _since(self.months, after.month if year == after.year else 1):
                if (found := self._in_month(year, month, after)) is not None:
                    return found
        return None

    def _in_month(self, year: int, month: int, after: Wall) -> Wall | None:
        """Tell the first firing in a month that is not before that of `after`."""
        today = after.day if (year, month) == (after.year, after.month) else 0
        for day in _days_of(self.days, month_of(year, month)):
            if day > today:
                return Wall(year, month, day, self.hours[0], self.minutes[0])
            if day == today and (time := self._later_that_day(after.hour, after.minute)) is not None:
                return Wall(year, month, day, *time)
        return None

    def _later_that_day(self, hour: int, minute: int) -> tuple[int, int] | None:
        """Tell the first hour and minute after the given ones."""
        if hour in self.hours and (minutes := _since(self.minutes, minute + 1)):
            return hour, minutes[0]
        hours = _since(self.hours, hour + 1)
        return (hours[0], self.minutes[0]) if hours else None


def _since(values: Sequence[int], low: int) -> Sequence[int]:
    """Give those of the sorted values that are not below `low`."""
    return values[bisect_left(values, low) :]


def _days_of(rules: Sequence[DayRule], month: Month) -> list[int]:
    """Give the days of a month that any of the rules means, sorted."""
    return sorted({day for rule in rules for day in rule(month)})


class _Field(NamedTuple):
    """The values that a field may have. Its names, if it has any, are those of the values from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    wraps: bool = True
    """Whether its last value is followed by its first one, so that 20-2 is a range of hours."""

    def value(self, text: str) -> int:
        """Read a number or a name."""
        if text in self.names:
            return self.low + self.names.index(text)
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            raise ScheduleError(f"{self.name} has no value {text!r}")
        return int(text)


_MINUTE = _Field("minutes", 0, 59)
_HOUR = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day-of-week", 1, 7, _WEEKDAYS)
_YEAR = _Field("year", 1970, 2199, wraps=False)


def _parse_cron(body: str) -> Cron:
    fields = body.upper().split()
    if len(fields) != 6:
        raise ScheduleError(f"a cron has six fields, not {len(fields)}")
    minute, hour, day_of_month, month, day_of_week, year = fields
    return Cron(
        minutes=_parse_field(minute, _MINUTE),
        hours=_parse_field(hour, _HOUR),
        days=_parse_days(day_of_month, day_of_week),
        months=_parse_field(month, _MONTH),
        years=_parse_field(year, _YEAR),
    )


def _parts(text: str, field: _Field) -> list[str]:
    """Cut a field at its commas. AWS takes stray ones, as in `0/5, 9-18, ?, *, MON-FRI, *`."""
    parts = [part for part in text.split(",") if part]
    if not parts:
        raise ScheduleError(f"{field.name} is empty")
    return parts


def _parse_field(text: str, field: _Field) -> tuple[int, ...]:
    """Read a field that has numbers only."""
    return tuple(sorted({value for part in _parts(text, field) for value in _parse_values(part, field)}))


def _parse_values(part: str, field: _Field) -> frozenset[int]:
    """Read `*`, `5`, `5-9`, and the same with a step: `*/2`, `5/2` (from 5 to the end), `5-9/2`."""
    span, slash, step_text = part.partition("/")
    if slash and (not step_text.isdigit() or int(step_text) == 0):
        raise ScheduleError(f"{field.name} has no step {step_text!r}")
    if span == "*":
        first, last = field.low, field.high
    elif "-" in span:
        first_text, _, last_text = span.partition("-")
        first, last = field.value(first_text), field.value(last_text)
    else:
        first = field.value(span)
        last = field.high if slash else first
    size = field.high - field.low + 1
    if last < first:
        if not field.wraps:
            raise ScheduleError(f"{field.name} does not begin again after {field.high}: {span}")
        last += size
    steps = range(first, last + 1, int(step_text) if slash else 1)
    return frozenset(field.low + (value - field.low) % size for value in steps)


def _parse_days(day_of_month: str, day_of_week: str) -> tuple[DayRule, ...]:
    """Read both day fields, of which exactly one is `?`."""
    by_date, by_weekday = _parts(day_of_month, _DAY_OF_MONTH), _parts(day_of_week, _DAY_OF_WEEK)
    if (by_date == ["?"]) == (by_weekday == ["?"]):
        raise ScheduleError("exactly one of day-of-month and day-of-week is ?")
    if by_weekday == ["?"]:
        return tuple(_parse_day_of_month(part) for part in by_date)
    if len(by_weekday) > 1 and "#" in day_of_week:
        raise ScheduleError("day-of-week has nothing beside an expression with #")
    return tuple(_parse_day_of_week(part) for part in by_weekday)


def _parse_day_of_month(part: str) -> DayRule:
    """Read `L`, `LW`, `15W`, or numbers."""
    if part == "L":
        return lambda month: (month.length,)
    if part == "LW":
        return lambda month: (month.nearest_working_day(month.length),)
    if part.endswith("W"):
        near = _DAY_OF_MONTH.value(part[:-1])
        return lambda month: (month.nearest_working_day(near),) if near <= month.length else ()
    days = _parse_values(part, _DAY_OF_MONTH)
    return lambda month: (day for day in days if day <= month.length)


def _parse_day_of_week(part: str) -> DayRule:
    """Read `6L`, `3#2`, or numbers; a mere `L` is the last day of the week."""
    if "#" in part:
        return _parse_nth_weekday(part)
    if part.endswith("L") and part != "L":
        last = _DAY_OF_WEEK.value(part[:-1])
        return lambda month: (month.last(last),)
    weekdays = frozenset({_SATURDAY}) if part == "L" else _parse_values(part, _DAY_OF_WEEK)
    return lambda month: (day for day in range(1, month.length + 1) if month.weekday(day) in weekdays)


def _parse_nth_weekday(part: str) -> DayRule:
    """Read `3#2`, the second Tuesday."""
    weekday_text, _, occurrence_text = part.partition("#")
    weekday = _DAY_OF_WEEK.value(weekday_text)
    if not occurrence_text.isdigit() or not 1 <= int(occurrence_text) <= _OCCURRENCES_MAX:
        raise ScheduleError(f"a weekday comes 1 to {_OCCURRENCES_MAX} times in a month, not {occurrence_text!r}")
    occurrence = int(occurrence_text)

    def days(month: Month) -> tuple[int, ...]:
        day = month.nth(weekday, occurrence)
        return () if day is None else (day,)

    return days
