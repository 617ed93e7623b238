"""`cron(...)`: what each field may not say, and why."""

from __future__ import annotations

import pytest

from emulator.schedule import ScheduleError, parse_schedule

FIELDS = {
    "minutes": "{} 0 1 1 ? 2026",
    "hours": "0 {} 1 1 ? 2026",
    "day-of-month": "0 0 {} 1 ? 2026",
    "month": "0 0 1 {} ? 2026",
    "day-of-week": "0 0 ? 1 {} 2026",
    "year": "0 0 1 1 ? {}",
}
LOWEST = {"minutes": 0, "hours": 0, "day-of-month": 1, "month": 1, "day-of-week": 1, "year": 1970}
HIGHEST = {"minutes": 59, "hours": 23, "day-of-month": 31, "month": 12, "day-of-week": 7, "year": 2199}


def reason_of(fields: str) -> str:
    """Parse what is no cron and tell why."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(f"cron({fields})")
    return caught.value.reason


@pytest.mark.parametrize(
    ("fields", "count"),
    [("", 0), (" ", 0), ("*", 1), ("0 12 * * ?", 5), ("0 0 12 * * ? *", 7), ("0 , 12 * * ? *", 7), ("0,12,*,*,?,*", 1)],
)
def test_a_cron_has_six_fields(fields: str, count: int) -> None:
    assert reason_of(fields) == f"a cron has six fields, not {count}"


@pytest.mark.parametrize(
    "days",
    [
        ("*", "*"),
        ("?", "?"),
        ("1", "2"),
        ("*", "1-7"),
        ("1", "*"),
        ("L", "6L"),
        ("?,5", "*"),
        ("*", "MON,?"),
        ("?,?", "*"),
    ],
)
def test_exactly_one_day_field_is_a_question_mark(days: tuple[str, str]) -> None:
    day_of_month, day_of_week = days
    expected = "exactly one of day-of-month and day-of-week is ?"
    assert reason_of(f"0 0 {day_of_month} * {day_of_week} *") == expected


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_its_lowest_and_highest_value_and_none_beyond(name: str) -> None:
    low, high = LOWEST[name], HIGHEST[name]
    for value in (low, high, f"{low}-{high}"):
        parse_schedule(f"cron({FIELDS[name].format(value)})")
    for value in (low - 1, high + 1):
        told = f"{name} has no value '{value}'" if value >= 0 else f"{name} has no value ''"
        assert reason_of(FIELDS[name].format(value)) == told
    assert reason_of(FIELDS[name].format(f"{low}-{high + 1}")) == f"{name} has no value '{high + 1}'"


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", "X"),
        ("monday", "MONDAY"),
        ("+1", "+1"),
        ("1.0", "1.0"),
        ("{low}-", ""),
        ("-5", ""),
        ("-", ""),
        ("{low}--2", "-2"),
        ("{low}-2-3", "2-3"),
        ("*-5", "*"),
        ("{low}-*", "*"),
        ("**", "**"),
        ("*1", "*1"),
        ("/5", ""),
        ("/", None),
        ("?/2", "?"),
        ("{low},x", "X"),
        ("1;2", "1;2"),
        ("1_0", "1_0"),
    ],
)
def test_a_value_is_a_number_or_a_name_of_its_field(name: str, text: str, value: str | None) -> None:
    told = f"{name} has no step ''" if value is None else f"{name} has no value {value!r}"
    assert reason_of(FIELDS[name].format(text.format(low=LOWEST[name]))) == told


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("step", ["", "0", "00", "x", "-1", "*", "1.5", "2/3", "1-2"])
def test_a_step_is_a_positive_number(name: str, step: str) -> None:
    for span in ("*", LOWEST[name], f"{LOWEST[name]}-{HIGHEST[name]}"):
        assert reason_of(FIELDS[name].format(f"{span}/{step}")) == f"{name} has no step {step.upper()!r}"


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("text", [",", ",,,"])
def test_a_field_of_commas_is_empty(name: str, text: str) -> None:
    assert reason_of(FIELDS[name].format(text)) == f"{name} is empty"


@pytest.mark.parametrize("name", ["minutes", "hours", "month", "year"])
@pytest.mark.parametrize("text", ["?", "L", "W", "LW", "1W", "1L", "1#1", "#"])
def test_question_marks_l_w_and_number_signs_are_for_days(name: str, text: str) -> None:
    assert reason_of(FIELDS[name].format(text)) == f"{name} has no value {text!r}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("W", ""),
        ("0W", "0"),
        ("32W", "32"),
        ("WL", "WL"),
        ("1-5W", "1-5"),
        ("*W", "*"),
        ("15L", "15L"),
        ("L-3", "L"),
        ("3#2", "3#2"),
        ("MON", "MON"),
        ("LWW", "LW"),
    ],
)
def test_a_day_of_the_month_has_no_other_form(text: str, value: str) -> None:
    assert reason_of(FIELDS["day-of-month"].format(text)) == f"day-of-month has no value {value!r}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0L", "0"),
        ("8L", "8"),
        ("2-6L", "2-6"),
        ("LL", "L"),
        ("LW", "LW"),
        ("3W", "3W"),
        ("JAN", "JAN"),
        ("8#1", "8"),
        ("0#1", "0"),
        ("#1", ""),
        ("L#1", "L"),
        ("2-3#1", "2-3"),
    ],
)
def test_a_day_of_the_week_has_no_other_form(text: str, value: str) -> None:
    assert reason_of(FIELDS["day-of-week"].format(text)) == f"day-of-week has no value {value!r}"


@pytest.mark.parametrize("occurrence", ["", "0", "6", "x", "-1", "1#2", "L"])
def test_a_weekday_comes_first_to_fifth_in_a_month(occurrence: str) -> None:
    told = f"a weekday comes 1 to 5 times in a month, not {occurrence.upper()!r}"
    assert reason_of(FIELDS["day-of-week"].format(f"3#{occurrence}")) == told


@pytest.mark.parametrize("text", ["3#1,6#3", "3#1,3#1", "3#1,5", "5,3#1", "6L,3#1"])
def test_nothing_stands_beside_a_number_sign(text: str) -> None:
    assert reason_of(FIELDS["day-of-week"].format(text)) == "day-of-week has nothing beside an expression with #"


def test_years_do_not_begin_again() -> None:
    assert reason_of("0 0 1 1 ? 2030-2026") == "year does not begin again after 2199: 2030-2026"
