"""`$or`: when it is the operator and when a key, and what alternatives come of it."""

from __future__ import annotations

import pytest

from emulator.pattern import SNS_ATTRIBUTES, SNS_BODY, parse_pattern
from emulator.pattern.match import matches
from emulator.pattern.operators.exact import Exact
from tests.emulator.pattern.cases import ENGINE


def alternatives(text: str) -> list[dict[str, list[object]]]:
    """Write the alternatives of a pattern that has plain values only."""
    return [
        {path: [test.value for test in tests if isinstance(test, Exact)] for path, tests in alternative.items()}
        for alternative in parse_pattern(text, ENGINE).alternatives
    ]


def test_a_pattern_without_it_is_one_alternative() -> None:
    assert alternatives('{"a":["x"],"b":{"c":["y"]}}') == [{"a": ["x"], "b.c": ["y"]}]


def test_each_branch_is_an_alternative() -> None:
    assert alternatives('{"$or":[{"a":["x"]},{"b":["y"],"c":["z"]}]}') == [{"a": ["x"]}, {"b": ["y"], "c": ["z"]}]


def test_siblings_go_with_each_branch() -> None:
    assert alternatives('{"p":["1"],"$or":[{"a":["x"]},{"b":["y"]}],"q":["2"]}') == [
        {"p": ["1"], "a": ["x"], "q": ["2"]},
        {"p": ["1"], "b": ["y"], "q": ["2"]},
    ]


def test_two_of_them_multiply() -> None:
    text = '{"$or":[{"a":[1]},{"b":[1]}],"n":{"$or":[{"c":[1]},{"d":[1]}]}}'
    assert [sorted(each) for each in alternatives(text)] == [["a", "n.c"], ["b", "n.c"], ["a", "n.d"], ["b", "n.d"]]


def test_one_in_the_other_adds_up() -> None:
    text = '{"$or":[{"a":[1]},{"n":{"$or":[{"b":[1]},{"c":[1]}],"d":[1]}}]}'
    assert [sorted(each) for each in alternatives(text)] == [["a"], ["n.b", "n.d"], ["n.c", "n.d"]]


def test_the_path_is_that_of_the_object_around_it() -> None:
    assert alternatives('{"a":{"$or":[{"b":[1]},{"c":{"d":[2]}}]}}') == [{"a.b": [1]}, {"a.c.d": [2]}]


def test_what_comes_later_takes_the_place() -> None:
    assert alternatives('{"a":["1"],"$or":[{"a":["2"]},{"b":["y"]}]}') == [{"a": ["2"]}, {"a": ["1"], "b": ["y"]}]
    assert alternatives('{"$or":[{"a":["2"]},{"b":["y"]}],"a":["1"]}') == [{"a": ["1"]}, {"b": ["y"], "a": ["1"]}]
    assert alternatives('{"$or":[{"a":["1"]},{"b":["y"]}],"$or":[{"a":["2"]},{"c":["z"]}]}') == [
        {"a": ["2"]},
        {"b": ["y"], "a": ["2"]},
        {"a": ["1"], "c": ["z"]},
        {"b": ["y"], "c": ["z"]},
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"$or":["x","y"]}',
        '{"$or":[{"prefix":"x"},{"suffix":"x"}]}',
        '{"$or":[{"exists":true}]}',
        '{"$or":["x",{"anything-but":["y"]}]}',
        '{"$or":[{"anything-but":{"prefix":"z"}},{"numeric":[">",0]}]}',
    ],
)
@pytest.mark.parametrize("dialect", [SNS_ATTRIBUTES, SNS_BODY], ids=lambda dialect: dialect.name)
def test_for_sns_it_is_a_key_where_it_cannot_be_the_operator(text: str, dialect: object) -> None:
    pattern = parse_pattern(text, dialect)  # type: ignore[arg-type]
    assert pattern.paths == {"$or"}
    assert matches(pattern, {"$or": "x"})
    assert not matches(pattern, {"a": "x"})


def test_each_one_is_judged_on_its_own() -> None:
    text = '{"$or":[{"$or":["x","y"]},{"a":{"$or":[{"b":["1"]},{"c":["2"]}]}}],"d":{"$or":["z"]}}'
    assert [sorted(each) for each in parse_pattern(text, SNS_BODY).alternatives] == [
        ["$or", "d.$or"],
        ["a.b", "d.$or"],
        ["a.c", "d.$or"],
    ]


def test_an_escaped_name_is_the_operator_too() -> None:
    assert parse_pattern('{"\\u0024or":[{"a":["x"]},{"b":["y"]}]}', SNS_BODY).paths == {"a", "b"}


def test_names_of_operators_are_keys_outside_of_it() -> None:
    pattern = parse_pattern('{"prefix":["x"],"numeric":{"exists":["y"]}}', SNS_BODY)
    assert matches(pattern, {"prefix": "x", "numeric": {"exists": "y"}})


def test_names_of_operators_are_no_matter_in_the_tests_of_a_branch() -> None:
    pattern = parse_pattern('{"$or":[{"a":[{"prefix":"x"}]},{"b":[{"numeric":["=",1]}]}]}', SNS_BODY)
    assert matches(pattern, {"b": 1})
