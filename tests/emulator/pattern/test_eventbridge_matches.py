"""Which events match which event patterns of EventBridge: the case file, in all the forms that a pattern has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.pattern import EVENTBRIDGE, Index, Interest, compile_pattern, flatten, parse_pattern
from emulator.pattern.explain import explain
from emulator.pattern.match import matches
from tests.emulator.pattern.cases import load

CASES = load("events_matches")
EACH_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


@EACH_CASE
def test_the_compiled_form_says_so(case: dict[str, Any]) -> None:
    pattern = parse_pattern(case["pattern"], EVENTBRIDGE)
    assert compile_pattern(pattern).matches(flatten(case["document"], Interest(pattern.paths))) is case["matches"]


@EACH_CASE
def test_the_index_says_so(case: dict[str, Any]) -> None:
    index: Index[str] = Index()
    index.add("it", parse_pattern(case["pattern"], EVENTBRIDGE))
    assert index.match(flatten(case["document"], index.interest)) == (["it"] if case["matches"] else [])


@EACH_CASE
def test_the_oracle_says_so(case: dict[str, Any]) -> None:
    assert matches(parse_pattern(case["pattern"], EVENTBRIDGE), case["document"]) is case["matches"]


@EACH_CASE
def test_the_explanation_says_so(case: dict[str, Any]) -> None:
    assert explain(parse_pattern(case["pattern"], EVENTBRIDGE), case["document"])["matches"] is case["matches"]


@EACH_CASE
def test_what_a_test_shows_of_itself_is_that_test(case: dict[str, Any]) -> None:
    for alternative in parse_pattern(case["pattern"], EVENTBRIDGE).alternatives:
        for tests in alternative.values():
            text = json.dumps({"f": [test.show() for test in tests]})
            assert parse_pattern(text, EVENTBRIDGE).alternatives == ({"f": tests},)


def test_each_operator_matches_something_and_not_everything() -> None:
    for operator in (*EVENTBRIDGE.operators, "$or"):
        outer, _, inner = operator.partition("/")
        start = f'{{"{outer}":{{"{inner}":' if inner else f'"{outer}":'
        outcomes = {case["matches"] for case in CASES if start in case["pattern"].replace(" ", "")}
        assert outcomes == {True, False}, operator
