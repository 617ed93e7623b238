"""`Cron` against an obvious slow twin, on random expressions over random windows.

The twin asks of every minute, one after the other, whether each field allows it; over years, the same of every day.
A failure names the seed, the expression and the window.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from emulator.schedule import Schedule, parse_schedule

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
RANGES = {"minute": (0, 59), "hour": (0, 23), "dom": (1, 31), "month": (1, 12), "dow": (1, 7), "year": (1970, 2199)}
NAMES = {"month": MONTHS, "dow": WEEKDAYS}
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


# The twin.


def number(name: str, text: str) -> int:
    """Read a number, or a name's."""
    return NAMES[name].index(text) + RANGES[name][0] if text in NAMES.get(name, []) else int(text)


def walk(name: str, part: str) -> Iterator[int]:
    """Go through the values of `*`, `5`, `5-9` and their steps, from the first to the last, around the end if need be."""
    low, high = RANGES[name]
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    value = low if span == "*" else number(name, first)
    end = number(name, last) if last else high if span == "*" or step else value
    for passed in itertools.count():
        if passed % int(step or 1) == 0:
            yield value
        if value == end:
            return
        value = low if value == high else value + 1


@functools.cache
def allows(name: str, field: str, value: int) -> bool:
    """Tell whether a field of numbers allows a value."""
    return any(value in walk(name, part) for part in field.split(",") if part)


def last_of_month(day: date) -> date:
    """Go on to the last day of the month."""
    while (day + DAY).month == day.month:
        day += DAY
    return day


def nearest_weekday(day: date) -> date:
    """Look ever farther around a day, within its month, for one from Monday to Friday."""
    around = [day, day - DAY, day + DAY, day - 2 * DAY, day + 2 * DAY]
    return next(near for near in around if near.month == day.month and near.isoweekday() <= 5)


def is_day_of_month(part: str, day: date) -> bool:
    if part == "L":
        return day == last_of_month(day)
    if part == "LW":
        return day == nearest_weekday(last_of_month(day))
    if part.endswith("W"):
        wanted = int(part[:-1])
        return wanted <= last_of_month(day).day and day == nearest_weekday(day.replace(day=wanted))
    return allows("dom", part, day.day)


def is_day_of_week(part: str, day: date) -> bool:
    weekday = day.isoweekday() % 7 + 1
    if "#" in part:
        wanted, _, occurrence = part.partition("#")
        return weekday == number("dow", wanted) and (day.day - 1) // 7 + 1 == int(occurrence)
    if part == "L":
        return weekday == 7
    if part.endswith("L"):
        return weekday == number("dow", part[:-1]) and (day + 7 * DAY).month != day.month
    return allows("dow", part, weekday)


@functools.cache
def is_day(fields: str, day: date) -> bool:
    """Tell whether a cron allows a day."""
    _, _, dom, month, dow, year = fields.upper().split()
    if not allows("month", month, day.month) or not allows("year", year, day.year):
        return False
    if dow.strip(",") == "?":
        return any(is_day_of_month(part, day) for part in dom.split(",") if part)
    return any(is_day_of_week(part, day) for part in dow.split(",") if part)


def is_firing(fields: str, at: datetime) -> bool:
    """Tell whether a cron allows a minute."""
    minute, hour, *_ = fields.split()
    return is_day(fields, at.date()) and allows("hour", hour, at.hour) and allows("minute", minute, at.minute)


def minute_by_minute(fields: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """List the firings after `start` and before `end`."""
    at = start.replace(second=0, microsecond=0)
    while (at := at + MINUTE) < end:
        if is_firing(fields, at):
            yield at


def day_by_day(fields: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """List the same, looking at the minutes only of those days that the cron allows."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in itertools.count():
        if (at := midnight + day * DAY) >= end:
            return
        if is_day(fields, at.date()):
            yield from minute_by_minute(fields, max(start, at - MINUTE), min(end, at + DAY))


# Random expressions and windows.


def any_number(chance: random.Random, name: str) -> str:
    """Write a value, as a name or a number."""
    low, high = RANGES[name]
    value = chance.randint(low, high)
    if name in NAMES and chance.random() < 0.4:
        written = NAMES[name][value - low]
        return chance.choice([written, written.lower(), written.title()])
    return f"{value:02}" if chance.random() < 0.1 else str(value)


def any_part(chance: random.Random, name: str) -> str:
    """Write one element that means numbers."""
    low, high = RANGES[name]
    step = chance.randint(1, max(2, (high - low) // 2))
    first, second = any_number(chance, name), any_number(chance, name)
    if name == "year":
        first, second = sorted([first, second])
    forms = ["*", first, first, f"{first}-{second}", f"{first}/{step}", f"*/{step}", f"{first}-{second}/{step}"]
    return chance.choice(forms)


def any_list(chance: random.Random, parts: list[str]) -> str:
    """Join parts; now and then with a comma too many."""
    return ",".join(parts) + ("," if chance.random() < 0.05 else "")


def any_field(chance: random.Random, name: str) -> str:
    return any_list(chance, [any_part(chance, name) for _ in range(chance.choice([1, 1, 1, 2, 3]))])


def any_days(chance: random.Random, *, dense: bool) -> tuple[str, str]:
    """Write both day fields."""
    kind = chance.random()
    if kind < 0.1:
        return "?", f"{any_number(chance, 'dow')}#{chance.randint(1, 5)}"
    count = 3 if dense else chance.choice([1, 1, 1, 2])
    if kind < 0.5:
        forms = ["L", f"{any_number(chance, 'dow')}L", any_part(chance, "dow"), any_part(chance, "dow")]
        return "?", any_list(chance, chance.sample(forms, count))
    forms = ["L", "LW", f"{any_number(chance, 'dom')}W", "lw", any_part(chance, "dom"), any_part(chance, "dom"), "*"]
    return any_list(chance, chance.sample(forms, count)), "?"


def any_cron(chance: random.Random, year: int, *, dense: bool) -> str:
    """Write six fields; dense ones fire on many days, from a year on."""
    minute, hour = any_field(chance, "minute"), any_field(chance, "hour")
    day_of_month, day_of_week = any_days(chance, dense=dense)
    month = "*" if dense and chance.random() < 0.8 else any_field(chance, "month")
    near = ["*", "*", "*", f"{year}/{chance.randint(1, 3)}", f"{year}-{year + 2}", f"{year + 1},{year + 3}"]
    years = chance.choice(near) if dense or chance.random() < 0.8 else any_field(chance, "year")
    return f"{minute} {hour} {day_of_month} {month} {day_of_week} {years}"


def any_start(chance: random.Random) -> datetime:
    """Choose an instant, of any millisecond, often shortly before the end of a month or a year, or before a leap day."""
    year = chance.choice([chance.randint(1970, 2190), chance.choice([1999, 2000, 2026, 2028, 2096, 2100])])
    month = chance.choice([chance.randint(1, 12), 2, 12])
    start = datetime(year, month, chance.randint(1, 28), tzinfo=UTC)
    if chance.random() < 0.5:
        start = start.replace(day=28)
    return start + timedelta(milliseconds=chance.choice([0, 60_000, chance.randrange(86_400_000)]))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def assert_agrees(schedule: Schedule, start: datetime, end: datetime, expected: list[datetime], count: int) -> None:
    """See that the next firings are the expected ones and that, if these are fewer than `count`, the next is not before `end`."""
    found = schedule.first(len(expected) + 1, ms(start), 0)
    assert found[: len(expected)] == [ms(at) for at in expected]
    if len(expected) < count and len(found) > len(expected):
        assert found[-1] >= ms(end)


@pytest.mark.parametrize("seed", range(100))
def test_a_cron_fires_at_the_minutes_that_its_fields_allow(seed: int) -> None:
    chance = random.Random(seed)
    start = any_start(chance)
    end = start + 3 * DAY
    fields = any_cron(chance, start.year, dense=True)
    print(f"seed {seed}: cron({fields}) from {start} to {end}")
    expected = list(minute_by_minute(fields, start, end))
    assert_agrees(parse_schedule(f"cron({fields})"), start, end, expected, len(expected) + 1)


@pytest.mark.parametrize("seed", range(200))
def test_a_cron_fires_on_the_days_that_its_fields_allow(seed: int) -> None:
    chance = random.Random(seed + 1_000_000)
    start = any_start(chance)
    end = start + 5 * 365 * DAY
    fields = any_cron(chance, start.year, dense=False)
    print(f"seed {seed}: cron({fields}) from {start} to {end}")
    expected = list(itertools.islice(day_by_day(fields, start, end), 100))
    assert_agrees(parse_schedule(f"cron({fields})"), start, end, expected, 100)


def test_the_random_crons_fire_often_enough_to_tell_anything() -> None:
    fired = 0
    for seed in range(100):
        chance = random.Random(seed)
        start = any_start(chance)
        fields = any_cron(chance, start.year, dense=True)
        fired += any(minute_by_minute(fields, start, start + 3 * DAY))
    assert fired > 50
