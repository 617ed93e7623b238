"""How hard the wildcards of a pattern may be to match. The scores are those of AWS's engine, event-ruler 2.0.1, which was run on them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from emulator.pattern import EVENTBRIDGE, PatternError, parse_pattern
from emulator.pattern.complexity import is_too_complex, score
from emulator.pattern.match import matches

TOO_COMPLEX = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"
UNBOUNDED = replace(EVENTBRIDGE, wildcard_score_max=None)


def wildcards(*texts: str) -> list[dict[str, str]]:
    return [{"wildcard": text} for text in texts]


def score_of(*tests: dict[str, Any]) -> int:
    (alternative,) = parse_pattern(json.dumps({"f": tests}), UNBOUNDED).alternatives
    return score(set(alternative["f"]), 1000)


def refusal_of(pattern: dict[str, Any]) -> str | None:
    try:
        parse_pattern(json.dumps(pattern), EVENTBRIDGE)
    except PatternError as error:
        return str(error)
    return None


def test_the_refusal_has_no_place() -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(json.dumps({"f": wildcards("*aaaa*aaaa*")}), EVENTBRIDGE)
    assert (caught.value.reason, caught.value.location) == (TOO_COMPLEX, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a", 1),
        ("*", 2),
        ("a*", 2),
        ("*a", 2),
        ("*a*", 3),
        ("*a*b*", 4),
        ("*a*b*c*", 5),
        ("*a*a*a*", 7),
        ("*aaa*aaa*", 9),
        ("*xxxxxxxx*xxxxxxxx*", 19),
        ("*ab*ab*", 5),
        ("abc*abc", 2),
        ("é*", 2),
        ("*é*è*", 5),
        (r"*\**\**", 5),
    ],
)
def test_a_wildcard_scores_as_on_aws(text: str, expected: int) -> None:
    assert score_of(*wildcards(text)) == expected


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        (wildcards("a*", "b*"), 2),
        (wildcards(*(f"{letter}*" for letter in "abcdefghijkl")), 12),
        (wildcards("*a*", "*b*"), 6),
        (wildcards("a*", "a*"), 2),
        (wildcards("*:stack/ONE/*", "*:stack/TWO/*", "*:stack/SIX/*"), 9),
        (wildcards("*:stack/ONE/*", "*:stack/TWO/*", "*:stack/SIX/*", "*:stack/TEN/*"), 12),
        ([{"anything-but": {"wildcard": ["a*", "b*", "c*"]}}], 2),
        ([{"anything-but": {"wildcard": ["*a*", "*b*", "*c*"]}}], 5),
        ([{"wildcard": "*a*"}, {"anything-but": {"wildcard": "*a*"}}], 6),
        (["x", {"prefix": "a"}, {"anything-but": {"suffix": "a"}}, {"anything-but": "y"}], 0),
    ],
)
def test_the_wildcards_of_one_field_count_together(tests: list[Any], expected: int) -> None:
    assert score_of(*tests) == expected


def test_the_greatest_score_is_10() -> None:
    within, beyond = wildcards("*aaaa*aaa*"), wildcards("*aaaa*aaaa*")
    assert (score_of(*within), score_of(*beyond)) == (10, 11)
    assert refusal_of({"f": within}) is None
    assert refusal_of({"f": beyond}) == TOO_COMPLEX


def test_two_fields_do_not_count_together() -> None:
    hard = wildcards("*aaa*aaa*")
    assert refusal_of({"a": hard, "b": hard, "c": {"d": hard}}) is None


@pytest.mark.parametrize(
    ("branches", "refused"),
    [
        (({"b": "*aaa*aaa*"}, {"b": "*b*"}), True),
        (({"a": "1", "b": "*aaa*aaa*"}, {"a": "1", "b": "*b*"}), True),
        (({"a": "1", "b": "*aaa*aaa*"}, {"a": "2", "b": "*b*"}), False),
        (({"b": "*aaa*aaa*"}, {"c": "*b*"}), False),
        (({"b": "*aaa*aaa*", "c": "1"}, {"b": "*b*", "c": "2"}), True),
        (({"a": "1", "b": "*aaa*aaa*"}, {"b": "*b*"}), False),
    ],
)
def test_branches_count_together_until_an_earlier_field_tells_them_apart(
    branches: tuple[dict[str, str], ...], refused: bool
) -> None:
    pattern = {"$or": [{path: wildcards(text) for path, text in branch.items()} for branch in branches]}
    assert refusal_of(pattern) == (TOO_COMPLEX if refused else None)


@pytest.mark.parametrize(
    "tests",
    [
        wildcards("*" + "a*" * 2000),
        wildcards("*" + "a" * 4000),
        wildcards("a" * 2000 + "*", "*" + "a" * 2000),
        wildcards("*".join(f"{number:x}" for number in range(1000))),
        [{"anything-but": {"wildcard": [f"{number:x}*{number:x}*" for number in range(600)]}}],
        wildcards(*(f"{'b' * number}*{'abcdefghijklmnop' * 15}" for number in range(10))),
    ],
    ids=["many", "long", "crossing", "different", "list", "nested"],
)
def test_the_worst_patterns_are_judged_step_by_step_and_not_value_by_value(tests: list[Any]) -> None:
    """Each way of going past some of the `*` and not others would be more than could ever be tried."""
    pattern = parse_pattern(json.dumps({"f": tests}), replace(UNBOUNDED, bytes_max=1 << 20))
    assert isinstance(is_too_complex(pattern.alternatives, 10), bool)


@pytest.mark.parametrize(
    ("text", "value"),
    [("*a*a*a*a*b", "a" * 200_000), ("a*" + "b*" * 500 + "c", "a" + "b" * 100_000), ("*ab*ab*ab*abc", "ab" * 100_000)],
    ids=["a", "b", "ab"],
)
def test_a_wildcard_that_fails_late_fails_all_the_same(text: str, value: str) -> None:
    (alternative,) = parse_pattern(json.dumps({"f": wildcards(text)}), UNBOUNDED).alternatives
    (test,) = alternative["f"]
    assert test.matches(value) is False


def test_the_oracle_goes_the_same_way() -> None:
    pattern = parse_pattern(json.dumps({"f": wildcards("*a*a*b")}), EVENTBRIDGE)
    assert matches(pattern, {"f": "aab"})
    assert not matches(pattern, {"f": "ab"})
