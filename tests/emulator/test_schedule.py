"""Schedules apart from cron: what is one, `rate(...)` counted from an anchor, `at(...)` once, and lists of firings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.schedule import ScheduleError, Wall, parse_schedule, utc_ms, utc_wall

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
ANCHOR_MS = 1_767_225_600_123
"""2026-01-01T00:00:00.123Z: rates are not aligned to the clock, to the millisecond."""


def ms(instant: str) -> int:
    """Read an instant in UTC."""
    return round(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp()) * 1_000


def reason_of(text: str, **allowed: bool) -> str:
    """Parse what is no schedule and tell why."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text, **allowed)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


# What is a schedule at all.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5 minutes",
        "0 12 * * ? *",
        "rate",
        "rate 5 minutes",
        "rate5 minutes",
        "rate[5 minutes]",
        "rate(5 minutes",
        "rate 5 minutes)",
        "rate (5 minutes)",
        "cron (0 12 * * ? *)",
        " rate(5 minutes)",
        "rate(5 minutes) ",
        "rate(5 minutes)\n",
        "rate(5 minutes);",
        "rate((5 minutes))",
        "rate(5 minutes)rate(5 minutes)",
        "Rate(5 minutes)",
        "RATE(5 minutes)",
        "Cron(0 12 * * ? *)",
        "CRON(0 12 * * ? *)",
        "every(5 minutes)",
        "rate(5\u00a0minutes)",
        "rate(\u0665 minutes)",
        "cron(0 12 * * \uff1f *)",
    ],
)
def test_what_is_neither_rate_nor_cron_is_refused(text: str) -> None:
    assert reason_of(text) == "an expression is rate(...) or cron(...)"


@pytest.mark.parametrize("text", ["", "AT(2026-01-01T00:00:00)", "2026-01-01T00:00:00"])
def test_where_at_is_allowed_a_refusal_names_it(text: str) -> None:
    assert reason_of(text, at_allowed=True) == "an expression is rate(...) or cron(...) or at(...)"


def test_an_expression_of_256_characters_is_read_and_a_longer_one_is_refused() -> None:
    longest = f"rate({'5 minutes':0>250})"
    assert len(longest) == 256
    assert parse_schedule(longest).next_ms(ANCHOR_MS, ANCHOR_MS) == ANCHOR_MS + 5 * MINUTE_MS
    assert reason_of(f"rate({'5 minutes':0>251})") == "an expression has at most 256 characters"
    assert reason_of(f"rate({'9' * 100_000} days)") == "an expression has at most 256 characters"


# rate(N unit)


@pytest.mark.parametrize(
    ("text", "period_ms"),
    [
        ("rate(1 minute)", MINUTE_MS),
        ("rate(2 minutes)", 2 * MINUTE_MS),
        ("rate(90 minutes)", 90 * MINUTE_MS),
        ("rate(1 hour)", HOUR_MS),
        ("rate(12 hours)", 12 * HOUR_MS),
        ("rate(1 day)", DAY_MS),
        ("rate(400 days)", 400 * DAY_MS),
        ("rate(05 minutes)", 5 * MINUTE_MS),
        ("rate(5   minutes)", 5 * MINUTE_MS),
        ("rate(5\tminutes)", 5 * MINUTE_MS),
    ],
)
def test_a_rate_fires_each_period_after_its_anchor(text: str, period_ms: int) -> None:
    firings = parse_schedule(text).first(3, ANCHOR_MS, ANCHOR_MS)
    assert firings == [ANCHOR_MS + period_ms, ANCHOR_MS + 2 * period_ms, ANCHOR_MS + 3 * period_ms]


@pytest.mark.parametrize(
    ("passed_ms", "next_ms"),
    [
        (-DAY_MS, 300_000),
        (-1, 300_000),
        (0, 300_000),
        (1, 300_000),
        (299_999, 300_000),
        (300_000, 600_000),
        (300_001, 600_000),
        (1_000_000_000 * 300_000 - 1, 1_000_000_000 * 300_000),
        (1_000_000_000 * 300_000, 1_000_000_001 * 300_000),
    ],
)
def test_the_next_firing_of_a_rate_is_strictly_later_and_never_the_anchor(passed_ms: int, next_ms: int) -> None:
    anchor_ms = -1_000_000_000 * 300_000  # far enough back that a billion periods end in our days
    assert parse_schedule("rate(5 minutes)").next_ms(anchor_ms + passed_ms, anchor_ms) == anchor_ms + next_ms


def test_two_rates_with_different_anchors_fire_at_different_instants() -> None:
    rate = parse_schedule("rate(1 hour)")
    assert rate.next_ms(ANCHOR_MS, ANCHOR_MS - 20 * MINUTE_MS) == ANCHOR_MS + 40 * MINUTE_MS
    assert rate.next_ms(ANCHOR_MS, ANCHOR_MS - 59 * MINUTE_MS) == ANCHOR_MS + MINUTE_MS


def test_a_rate_does_not_fire_after_the_year_2199() -> None:
    last_ms = ms("2199-12-31T00:00")
    rate = parse_schedule("rate(2 days)")
    assert rate.next_ms(last_ms - 1, last_ms) is None
    assert parse_schedule("rate(1 day)").next_ms(last_ms, last_ms) is None
    assert rate.first(10, last_ms - 3 * DAY_MS, last_ms - 4 * DAY_MS) == [last_ms - 2 * DAY_MS, last_ms]
    assert parse_schedule(f"rate({'9' * 240} days)").next_ms(ANCHOR_MS, ANCHOR_MS) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "5",
        "minutes",
        "5minutes",
        " 5 minutes",
        "5 minutes ",
        "minutes 5",
        "-5 minutes",
        "+5 minutes",
        "5.0 minutes",
        "1.5 hours",
        "1e3 minutes",
        "0x10 minutes",
        "1_000 minutes",
        "five minutes",
        "a minute",
        "30 seconds",
        "1 second",
        "2 weeks",
        "1 month",
        "1 year",
        "5 Minutes",
        "5 MINUTES",
        "5 min",
        "5 m",
        "5, minutes",
        "5 minutes,",
        "1 hour 5 minutes",
        "5 minutess",
    ],
)
def test_a_rate_is_an_integer_and_a_unit_and_nothing_else(body: str) -> None:
    assert reason_of(f"rate({body})") == "a rate is a positive integer, a space and minute(s), hour(s) or day(s)"


@pytest.mark.parametrize("body", ["0 minutes", "0 minute", "0 hours", "0 days", "000 days"])
def test_a_rate_of_nothing_is_refused(body: str) -> None:
    assert reason_of(f"rate({body})") == "a rate is positive"


@pytest.mark.parametrize(
    "body", ["1 minutes", "1 hours", "1 days", "01 days", "3 minute", "2 hour", "7 day", "10 minute"]
)
def test_a_unit_is_singular_after_1_and_plural_after_more(body: str) -> None:
    assert reason_of(f"rate({body})").startswith("a unit is singular after 1 and plural after more: ")


@pytest.mark.parametrize(
    ("body", "period_ms"),
    [("1 minutes", MINUTE_MS), ("3 minute", 3 * MINUTE_MS), ("1 hours", HOUR_MS), ("7 day", 7 * DAY_MS)],
)
def test_singular_and_plural_may_be_set_free(body: str, period_ms: int) -> None:
    rate = parse_schedule(f"rate({body})", any_plural=True)
    assert rate.next_ms(ANCHOR_MS, ANCHOR_MS) == ANCHOR_MS + period_ms


def test_a_free_plural_frees_nothing_else() -> None:
    assert reason_of("rate(0 minutes)", any_plural=True) == "a rate is positive"
    assert reason_of("rate(5 weeks)", any_plural=True).startswith("a rate is a positive integer")


# at(yyyy-mm-ddThh:mm:ss)


@pytest.mark.parametrize("instant", ["2026-03-01T12:34:56", "2028-02-29T00:00:00", "1970-01-01T00:00:01"])
def test_at_fires_once_to_the_second_whatever_the_anchor(instant: str) -> None:
    at = parse_schedule(f"at({instant})", at_allowed=True)
    assert at.next_ms(ms(instant) - 1, 0) == ms(instant)
    assert at.next_ms(ms(instant), 0) is None
    assert at.first(10, 0, ANCHOR_MS) == [ms(instant)]


def test_at_is_refused_where_it_is_not_allowed() -> None:
    assert reason_of("at(2026-03-01T12:00:00)") == "at(...) is not allowed here"


def test_rate_and_cron_are_read_where_at_is_allowed() -> None:
    assert parse_schedule("rate(1 hour)", at_allowed=True).next_ms(ANCHOR_MS, ANCHOR_MS) == ANCHOR_MS + HOUR_MS
    cron = parse_schedule("cron(0 1 * * ? *)", at_allowed=True)
    assert cron.next_ms(ANCHOR_MS, ANCHOR_MS) == ms("2026-01-01T01:00")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "2026-03-01",
        "12:00:00",
        "2026-03-01 12:00:00",
        "2026-03-01t12:00:00",
        "2026-03-01T12:00",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00+01:00",
        "2026-03-01T12:00:00.000",
        "2026-3-1T12:00:00",
        "26-03-01T12:00:00",
        " 2026-03-01T12:00:00",
        "2026-03-01T12:00:00 ",
        "20260301T120000",
        "-2026-03-01T12:00:00",
    ],
)
def test_a_time_has_one_form_only(body: str) -> None:
    assert reason_of(f"at({body})", at_allowed=True) == "a time is written yyyy-mm-ddThh:mm:ss"


@pytest.mark.parametrize("day", ["2026-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00", "0000-01-01"])
def test_a_day_that_is_not_in_the_calendar_is_refused(day: str) -> None:
    assert reason_of(f"at({day}T12:00:00)", at_allowed=True) == f"there is no such day: {day}T12:00:00"


@pytest.mark.parametrize("time", ["24:00:00", "12:60:00", "23:59:60", "99:99:99"])
def test_a_time_that_no_clock_shows_is_refused(time: str) -> None:
    assert reason_of(f"at(2026-03-01T{time})", at_allowed=True) == f"there is no such time of day: 2026-03-01T{time}"


# Lists of firings.


def test_the_next_ten_firings_follow_one_another() -> None:
    firings = parse_schedule("rate(10 minutes)").first(10, ANCHOR_MS + 25 * MINUTE_MS, ANCHOR_MS)
    assert firings == [ANCHOR_MS + minutes * MINUTE_MS for minutes in range(30, 121, 10)]
    firings = parse_schedule("cron(30 6 ? * SUN *)").first(10, ANCHOR_MS, ANCHOR_MS)
    assert firings == [ms("2026-01-04T06:30") + week * 7 * DAY_MS for week in range(10)]


def test_a_list_of_firings_ends_where_they_end() -> None:
    assert parse_schedule("cron(0 0 1 1 ? 2027,2030)").first(10, ANCHOR_MS, ANCHOR_MS) == [
        ms("2027-01-01T00:00"),
        ms("2030-01-01T00:00"),
    ]
    assert parse_schedule("cron(0 0 31 2 ? *)").first(10, ANCHOR_MS, ANCHOR_MS) == []
    assert parse_schedule("rate(1 minute)").first(0, ANCHOR_MS, ANCHOR_MS) == []


# Instants and the clock on the wall.


@pytest.mark.parametrize(
    ("instant", "wall"),
    [
        ("1969-12-31T23:59:59", Wall(1969, 12, 31, 23, 59, 59)),
        ("1970-01-01T00:00:00", Wall(1970, 1, 1, 0, 0, 0)),
        ("2000-02-29T12:00:01", Wall(2000, 2, 29, 12, 0, 1)),
        ("2100-02-28T23:59:59", Wall(2100, 2, 28, 23, 59, 59)),
        ("2100-03-01T00:00:00", Wall(2100, 3, 1, 0, 0, 0)),
        ("2199-12-31T23:59:59", Wall(2199, 12, 31, 23, 59, 59)),
    ],
)
def test_a_clock_in_utc_shows_each_second_for_a_thousand_milliseconds(instant: str, wall: Wall) -> None:
    assert utc_wall(ms(instant)) == utc_wall(ms(instant) + 999) == wall
    assert utc_wall(ms(instant) - 1) < wall < utc_wall(ms(instant) + 1_000)
    assert utc_ms(wall) == ms(instant)
