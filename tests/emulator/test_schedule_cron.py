"""`cron(...)`: what each field may say, and when it fires next, worked out by hand. 2026-01-01 is a Thursday."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.schedule import Cron, Month, Wall, month_of, parse_schedule

NEW_YEAR = "2026-01-01T00:00"


def ms(instant: str) -> int:
    """Read an instant in UTC; a time left away is midnight."""
    return round(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp()) * 1_000


def firings(fields: str, count: int, after: str = NEW_YEAR) -> list[str]:
    """List the next firings after an instant, to the minute, and see that they are at second 0."""
    found = []
    for firing_ms in parse_schedule(f"cron({fields})").first(count, ms(after), 0):
        assert firing_ms % 60_000 == 0
        found.append(datetime.fromtimestamp(firing_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M"))
    return found


def days(fields: str, count: int, after: str = NEW_YEAR) -> list[str]:
    """List the next firings of a cron that fires at midnight, without that."""
    found = firings(fields, count, after)
    assert all(firing.endswith("T00:00") for firing in found)
    return [firing.removesuffix("T00:00") for firing in found]


# AWS's own examples.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 10 * * ? *", ["2026-01-01T10:00", "2026-01-02T10:00"]),
        ("15 12 * * ? *", ["2026-01-01T12:15", "2026-01-02T12:15"]),
        ("0 18 ? * MON-FRI *", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("0 8 1 * ? *", ["2026-01-01T08:00", "2026-02-01T08:00"]),
        ("0/15 * * * ? *", ["2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45", "2026-01-01T01:00"]),
        ("0/10 * ? * MON-FRI *", ["2026-01-01T00:10", "2026-01-01T00:20"]),
        ("0/5 8-17 ? * MON-FRI *", ["2026-01-01T08:00", "2026-01-01T08:05"]),
        ("15 10 ? * 6L 2026-2027", ["2026-01-30T10:15", "2026-02-27T10:15", "2026-03-27T10:15"]),
        ("0 20 * * ? *", ["2026-01-01T20:00", "2026-01-02T20:00"]),
    ],
)
def test_the_examples_of_the_user_guide(fields: str, expected: list[str]) -> None:
    assert firings(fields, len(expected)) == expected


def test_every_half_hour_of_the_night_ends_on_friday_and_begins_again_on_monday() -> None:
    expected = ["2026-01-02T23:30", "2026-01-05T00:00", "2026-01-05T00:30", "2026-01-05T01:00", "2026-01-05T01:30"]
    assert firings("0/30 20-2 ? * MON-FRI *", 5, "2026-01-02T23:00") == expected


# Strictly after, at second 0.


@pytest.mark.parametrize(
    ("after_ms", "next_ms"),
    [
        (-60_001, -60_000),
        (-1, 0),
        (0, 60_000),
        (1, 60_000),
        (59_999, 60_000),
        (60_000, 120_000),
        (60_001, 120_000),
    ],
)
def test_the_next_firing_is_at_the_first_full_minute_strictly_later(after_ms: int, next_ms: int) -> None:
    noon_ms = ms("2026-06-15T12:00")
    assert parse_schedule("cron(* * * * ? *)").next_ms(noon_ms + after_ms, 0) == noon_ms + next_ms


@pytest.mark.parametrize("anchor_ms", [0, 1_767_225_612_345, 10**15])
def test_a_cron_does_not_count_from_the_anchor(anchor_ms: int) -> None:
    assert parse_schedule("cron(0 12 * * ? *)").next_ms(ms(NEW_YEAR), anchor_ms) == ms("2026-01-01T12:00")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-01-01T09:29", "2026-01-01T09:30"),
        ("2026-01-01T09:30", "2026-01-01T09:45"),
        ("2026-01-01T09:45", "2026-01-01T17:30"),
        ("2026-01-01T12:40", "2026-01-01T17:30"),
        ("2026-01-01T17:45", "2026-01-15T09:30"),
        ("2026-01-03T09:30", "2026-01-15T09:30"),
        ("2026-01-15T17:45", "2026-07-01T09:30"),
        ("2026-03-15T09:30", "2026-07-01T09:30"),
        ("2026-07-15T17:44", "2026-07-15T17:45"),
        ("2026-07-15T17:45", "2028-01-01T09:30"),
        ("2027-01-01T09:30", "2028-01-01T09:30"),
        ("1969-07-20T20:17", "2026-01-01T09:30"),
    ],
)
def test_each_field_is_carried_into_the_next_greater_one(after: str, expected: str) -> None:
    assert firings("30,45 9,17 1,15 1,7 ? 2026,2028", 1, after) == [expected]


# Numbers, ranges, steps, lists.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("5 * * * ? *", ["00:05", "01:05", "02:05"]),
        ("00 08 * * ? *", ["08:00"]),
        ("59 23 * * ? *", ["23:59"]),
        ("10-12 * * * ? *", ["00:10", "00:11", "00:12", "01:10"]),
        ("10,40 * * * ? *", ["00:10", "00:40", "01:10"]),
        ("40,10,10 * * * ? *", ["00:10", "00:40", "01:10"]),
        ("1-3,2-4,50 6 * * ? *", ["06:01", "06:02", "06:03", "06:04", "06:50"]),
        ("1/10 * * * ? *", ["00:01", "00:11", "00:21", "00:31", "00:41", "00:51", "01:01"]),
        ("45/10 * * * ? *", ["00:45", "00:55", "01:45"]),
        ("*/20 * * * ? *", ["00:20", "00:40", "01:00", "01:20"]),
        ("*/7 22 * * ? *", ["22:00", "22:07", "22:14", "22:21", "22:28", "22:35", "22:42", "22:49", "22:56"]),
        ("0-15/1 9 * * ? *", [f"09:{minute:02}" for minute in range(16)]),
        ("0-15/5 9-10 * * ? *", ["09:00", "09:05", "09:10", "09:15", "10:00"]),
        ("0/60 5-6 * * ? *", ["05:00", "06:00"]),
        ("0 8-8 * * ? *", ["08:00"]),
        ("0 */8 * * ? *", ["08:00", "16:00"]),
        ("0 5/8 * * ? *", ["05:00", "13:00", "21:00"]),
        ("0 *,5 * * ? *", ["01:00", "02:00"]),
        ("0 20-2 * * ? *", ["01:00", "02:00", "20:00", "21:00", "22:00", "23:00"]),
        ("0 20-2/3 * * ? *", ["02:00", "20:00", "23:00"]),
        ("50-10/5 6 * * ? *", ["06:00", "06:05", "06:10", "06:50", "06:55"]),
    ],
)
def test_minutes_and_hours(fields: str, expected: list[str]) -> None:
    assert firings(fields, len(expected)) == [f"2026-01-01T{time}" for time in expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 0 15 3 ? *", ["2026-03-15", "2027-03-15"]),
        ("0 0 15 MAR ? *", ["2026-03-15", "2027-03-15"]),
        ("0 0 15 jan,Jul ? *", ["2026-01-15", "2026-07-15", "2027-01-15"]),
        ("0 0 15 MAY-7 ? *", ["2026-05-15", "2026-06-15", "2026-07-15", "2027-05-15"]),
        ("0 0 15 */5 ? *", ["2026-01-15", "2026-06-15", "2026-11-15", "2027-01-15"]),
        ("0 0 15 FEB/5 ? *", ["2026-02-15", "2026-07-15", "2026-12-15", "2027-02-15"]),
        ("0 0 15 NOV-FEB ? *", ["2026-01-15", "2026-02-15", "2026-11-15", "2026-12-15"]),
        ("0 0 15 11-2/2 ? *", ["2026-01-15", "2026-11-15", "2027-01-15"]),
        ("0 0 1-31/30 * ? *", ["2026-01-31", "2026-02-01", "2026-03-01", "2026-03-31", "2026-04-01"]),
        ("0 0 */10 * ? *", ["2026-01-11", "2026-01-21", "2026-01-31", "2026-02-01"]),
        ("0 0 25-5/3 * ? *", ["2026-01-03", "2026-01-25", "2026-01-28", "2026-01-31", "2026-02-03"]),
        ("0 0 1 1 ? 2030,2028", ["2028-01-01", "2030-01-01"]),
        ("0 0 1 1 ? 2029-2031", ["2029-01-01", "2030-01-01", "2031-01-01"]),
        ("0 0 1 1 ? 2027/80", ["2027-01-01", "2107-01-01", "2187-01-01"]),
        ("0 0 1 1 ? */100", ["2070-01-01", "2170-01-01"]),
        ("0 0 1 1 ? 1970-2100/50", ["2070-01-01"]),
    ],
)
def test_days_months_and_years(fields: str, expected: list[str]) -> None:
    assert days(fields, len(expected)) == expected


@pytest.mark.parametrize(
    ("day_of_week", "expected"),
    [
        ("1", ["04", "11", "18"]),
        ("SUN", ["04", "11", "18"]),
        ("7", ["03", "10", "17"]),
        ("sat", ["03", "10", "17"]),
        ("2,4,6", ["02", "05", "07", "09"]),
        ("MON,Wed,FRI", ["02", "05", "07", "09"]),
        ("MON-FRI", ["02", "05", "06", "07", "08", "09", "12"]),
        ("2-FRI", ["02", "05", "06", "07", "08", "09", "12"]),
        ("1-7", ["02", "03", "04", "05"]),
        ("*", ["02", "03", "04", "05"]),
        ("*/2", ["03", "04", "06", "08", "10"]),
        ("MON/3", ["05", "08", "12", "15"]),
        ("FRI-MON", ["02", "03", "04", "05", "09"]),
        ("7-1", ["03", "04", "10", "11"]),
        ("6-3/2", ["02", "04", "06", "09"]),
        ("L", ["03", "10", "17"]),
    ],
)
def test_days_of_the_week(day_of_week: str, expected: list[str]) -> None:
    assert days(f"0 0 ? * {day_of_week} *", len(expected)) == [f"2026-01-{day}" for day in expected]


# L, W and #


@pytest.mark.parametrize(
    ("day_of_month", "expected"),
    [
        ("L", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("LW", ["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"]),
        ("1W", ["2026-02-02", "2026-03-02", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01", "2026-08-03"]),
        ("2W", ["2026-01-02", "2026-02-02", "2026-03-02", "2026-04-02", "2026-05-01", "2026-06-02"]),
        ("3W", ["2026-01-02", "2026-02-03", "2026-03-03", "2026-04-03", "2026-05-04"]),
        ("15W", ["2026-01-15", "2026-02-16", "2026-03-16", "2026-04-15", "2026-05-15", "2026-06-15"]),
        ("30W", ["2026-01-30", "2026-03-30", "2026-04-30", "2026-05-29"]),
        ("31W", ["2026-01-30", "2026-03-31", "2026-05-29", "2026-07-31", "2026-08-31"]),
        ("1,L", ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"]),
        ("L,31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("3W,2", ["2026-01-02", "2026-02-02", "2026-02-03"]),
        ("l", ["2026-01-31", "2026-02-28"]),
        ("lw", ["2026-01-30", "2026-02-27"]),
        ("3w", ["2026-01-02", "2026-02-03"]),
    ],
)
def test_last_days_and_nearest_weekdays(day_of_month: str, expected: list[str]) -> None:
    assert days(f"0 0 {day_of_month} * ? *", len(expected)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 0 28W 2 ? *", ["2026-02-27", "2027-02-26", "2028-02-28"]),
        ("0 0 29W 2 ? *", ["2028-02-29", "2032-02-27", "2036-02-29"]),
        ("0 0 30W 2 ? *", []),
    ],
)
def test_the_nearest_weekday_stays_in_its_month(fields: str, expected: list[str]) -> None:
    assert days(fields, 3) == expected


@pytest.mark.parametrize(
    ("day_of_week", "expected"),
    [
        ("6L", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("FRIL", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("7L", ["2026-01-31", "2026-02-28", "2026-03-28"]),
        ("1L", ["2026-01-25", "2026-02-22", "2026-03-29"]),
        ("3#2", ["2026-01-13", "2026-02-10", "2026-03-10"]),
        ("tue#2", ["2026-01-13", "2026-02-10", "2026-03-10"]),
        ("5#1", ["2026-02-05", "2026-03-05", "2026-04-02"]),
        ("6#1", ["2026-01-02", "2026-02-06", "2026-03-06"]),
        ("1#4", ["2026-01-25", "2026-02-22", "2026-03-22"]),
        ("1#5", ["2026-03-29", "2026-05-31", "2026-08-30", "2026-11-29"]),
        ("2,6L", ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-01-30"]),
    ],
)
def test_last_and_nth_weekdays(day_of_week: str, expected: list[str]) -> None:
    assert days(f"0 0 ? * {day_of_week} *", len(expected)) == expected


# Leap years, ends, never.


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ("0 0 29 2 ? *", NEW_YEAR, ["2028-02-29", "2032-02-29"]),
        ("0 0 29 2 ? *", "2096-02-29", ["2104-02-29", "2108-02-29"]),
        ("0 0 29 2 ? *", "1999-12-31", ["2000-02-29", "2004-02-29"]),
        ("0 0 L 2 ? *", "2099-12-31", ["2100-02-28", "2101-02-28"]),
        ("0 0 ? 2 1#5 *", NEW_YEAR, ["2032-02-29", "2060-02-29"]),
        ("0 0 31 * ? *", NEW_YEAR, ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"]),
        ("0 0 30 * ? *", NEW_YEAR, ["2026-01-30", "2026-03-30"]),
        ("0 0 * * ? *", "2026-02-27", ["2026-02-28", "2026-03-01"]),
        ("0 0 * * ? *", "2028-02-27", ["2028-02-28", "2028-02-29", "2028-03-01"]),
        ("0 0 * * ? *", "2026-12-30T23:59", ["2026-12-31", "2027-01-01"]),
    ],
)
def test_the_calendar_is_kept(fields: str, after: str, expected: list[str]) -> None:
    assert days(fields, len(expected), after) == expected


def test_the_last_minute_of_2199_is_the_last_of_all() -> None:
    assert firings("* * * * ? *", 10, "2199-12-31T23:57") == ["2199-12-31T23:58", "2199-12-31T23:59"]
    assert firings("* * * * ? *", 10, "2199-12-31T23:59") == []
    assert firings("* * * * ? *", 10, "2200-01-01") == []
    assert firings("* * * * ? *", 10, "9999-12-31") == []
    assert parse_schedule("cron(* * * * ? *)").next_ms(10**20, 0) is None


@pytest.mark.parametrize("after_ms", [-1, -60_000, -(10**20)])
def test_nothing_fires_before_1970(after_ms: int) -> None:
    assert parse_schedule("cron(* * * * ? *)").next_ms(after_ms, 0) == 0


@pytest.mark.parametrize(
    "fields",
    ["0 0 31 2 ? *", "0 0 30 2 ? *", "0 0 31 4,6,9,11 ? *", "0 0 29 2 ? 2027", "0 0 29 2 ? 2100", "0 0 ? 2 1#5 2027"],
)
def test_what_never_comes_is_valid_and_never_fires(fields: str) -> None:
    assert firings(fields, 1, "1970-01-01") == []


def test_what_is_over_does_not_fire_again() -> None:
    assert firings("0 0 1 1 ? 2025", 1) == []
    assert firings("0 0 1 1 ? 2025,2026", 1) == []
    assert firings("0 0 1 1 ? 2026", 1, "2025-12-31T23:59") == [NEW_YEAR]


# Effort: a search looks at months, never at all minutes.


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Note each month that a search looks at."""
    months: list[tuple[int, int]] = []

    def looked_up(year: int, month: int) -> Month:
        months.append((year, month))
        return month_of(year, month)

    monkeypatch.setattr("emulator.schedule.month_of", looked_up)
    return months


def test_a_cron_that_never_fires_looks_once_at_each_of_its_months(looked_at: list[tuple[int, int]]) -> None:
    assert firings("* * 31 2 ? *", 1, "1969-12-31") == []
    assert looked_at == [(year, 2) for year in range(1970, 2200)]


def test_a_cron_that_fires_once_in_2199_looks_at_that_month_only(looked_at: list[tuple[int, int]]) -> None:
    assert firings("59 23 31 12 ? 2199", 1, "1970-01-01") == ["2199-12-31T23:59"]
    assert looked_at == [(2199, 12)]


def test_a_cron_that_is_over_looks_at_nothing(looked_at: list[tuple[int, int]]) -> None:
    assert firings("* * * * ? 1970-2025", 1) == []
    assert looked_at == []


def test_a_cron_that_fires_today_looks_at_this_month_only(looked_at: list[tuple[int, int]]) -> None:
    assert firings("59 23 * * ? *", 1) == ["2026-01-01T23:59"]
    assert looked_at == [(2026, 1)]


# The wall clock that a time zone's owner asks.


def test_the_next_reading_of_a_wall_clock_knows_no_time_zone() -> None:
    cron = parse_schedule("cron(30 2 ? * SUN *)")
    assert isinstance(cron, Cron)
    assert cron.next_wall(Wall(2026, 3, 28, 12, 0)) == Wall(2026, 3, 29, 2, 30)
    assert cron.next_wall(Wall(2026, 3, 29, 2, 29, 59)) == Wall(2026, 3, 29, 2, 30)
    assert cron.next_wall(Wall(2026, 3, 29, 2, 30)) == Wall(2026, 4, 5, 2, 30)
    assert cron.next_wall(Wall(2199, 12, 31, 23, 59)) is None


# What is taken although it looks wrong.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0/5, 9-18, ?, *, MON-FRI, *", "2026-01-01T09:00"),
        ("0, 12, *, *, ?, *", "2026-01-01T12:00"),
        (",30 ,,6 * * ? *", "2026-01-01T06:30"),
        ("0 0 ?, * 3#2, *,", "2026-01-13T00:00"),
        ("0 0 LW, * ? *", "2026-01-30T00:00"),
        ("  0 12   * * ? * ", "2026-01-01T12:00"),
        ("0\t12\t*\t*\t?\t*", "2026-01-01T12:00"),
        ("0 12 * * ?\n*", "2026-01-01T12:00"),
    ],
)
def test_stray_commas_and_spaces_are_taken(fields: str, expected: str) -> None:
    assert firings(fields, 1) == [expected]
