"""What EventBridge says of texts that are no event patterns: the case file, and what no case has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.pattern import EVENTBRIDGE, SNS_BODY, Dialect, PatternError, parse_pattern
from emulator.pattern.operators import PARSERS
from tests.emulator.pattern.cases import load

CASES = load("events_errors")
IGNORE_CASE = '{"equals-ignore-case":"x"}'


def error_of(text: str, dialect: Dialect = EVENTBRIDGE) -> str:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text, dialect)
    return str(caught.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["pattern"][:60])
def test_the_error_is_told_with_its_place(case: dict[str, Any]) -> None:
    assert error_of(case["pattern"]) == case["error"]


def test_every_operator_can_be_read() -> None:
    assert {name for name in EVENTBRIDGE.operators if "/" not in name} == PARSERS.keys()


@pytest.mark.parametrize(
    ("test", "error"),
    [
        ('{"wildcard":"x"}', "Unrecognized match type wildcard"),
        (f'{{"prefix":{IGNORE_CASE}}}', "prefix match pattern must be a string"),
        (f'{{"suffix":{IGNORE_CASE}}}', "suffix match pattern must be a string"),
        ('{"anything-but":{"suffix":"x"}}', "Unsupported anything-but pattern: suffix"),
        (f'{{"anything-but":{IGNORE_CASE}}}', "Unsupported anything-but pattern: equals-ignore-case"),
        ('{"anything-but":{"wildcard":"x"}}', "Unsupported anything-but pattern: wildcard"),
    ],
)
def test_what_eventbridge_alone_has_is_refused_by_sns(test: str, error: str) -> None:
    parse_pattern(f'{{"f":[{test}]}}', EVENTBRIDGE)
    assert error_of(f'{{"f":[{test}]}}', SNS_BODY).startswith(f"{error}\n at ")


def test_a_range_names_its_lower_bound_first() -> None:
    text = '{"f":[{"numeric":["<",5,">",3]}]}'
    parse_pattern(text, SNS_BODY)
    assert error_of(text).startswith("Too many elements in numeric expression\n at ")


def test_a_dollar_or_that_cannot_be_the_operator_is_no_key() -> None:
    text = '{"$or":["x"]}'
    parse_pattern(text, SNS_BODY)
    assert error_of(text).startswith("Only JSON object is allowed in array of $or relationship.\n at ")


def test_more_than_1000_combinations_are_too_many() -> None:
    def choice(name: str, branches: int) -> str:
        return '{"$or":[' + ",".join(f'{{"{name}":[{number}]}}' for number in range(branches)) + "]}"

    within = f'{{"a":{choice("x", 10)},"b":{choice("x", 10)},"c":{choice("x", 10)}}}'
    beyond = f'{{"a":{choice("x", 10)},"b":{choice("x", 10)},"c":{choice("x", 11)}}}'
    assert len(parse_pattern(within, EVENTBRIDGE).alternatives) == 1000
    assert error_of(beyond) == EVENTBRIDGE.too_complex


def test_the_values_of_an_array_are_no_combinations() -> None:
    text = '{"a":[' + ",".join(map(str, range(1500))) + '],"b":[' + ",".join(map(str, range(1500))) + "]}"
    (alternative,) = parse_pattern(text, EVENTBRIDGE).alternatives
    assert [len(tests) for tests in alternative.values()] == [1500, 1500]


def test_as_many_keys_as_one_likes() -> None:
    assert len(parse_pattern("{" + ",".join(f'"k{n}":[1]' for n in range(400)) + "}", EVENTBRIDGE).paths) == 400


def test_a_text_longer_than_any_pattern_is_not_read() -> None:
    assert error_of('{"a":["' + "é" * 8192 + '"]}') == EVENTBRIDGE.too_complex
    parse_pattern('{"a":["' + "é" * 4000 + '"]}', EVENTBRIDGE)


def test_the_name_of_a_dialect_tells_nothing_else_apart() -> None:
    text = '{"f":[{"wildcard":"*a*"}]}'
    assert parse_pattern(text, replace(EVENTBRIDGE, name="other")) == parse_pattern(text, EVENTBRIDGE)
