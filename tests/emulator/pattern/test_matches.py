"""Which events match which patterns: the case file, in all the forms that a pattern has."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.pattern import Fields, Index, Interest, compile_pattern, flatten, parse_pattern
from emulator.pattern.match import matches
from tests.emulator.pattern.cases import DIALECTS, fields_of, load

CASES = load("matches")


def name_of(case: dict[str, Any]) -> str:
    return f"{case['dialect']}: {case['name']}"


def fields_for(case: dict[str, Any], interest: Interest) -> Fields:
    return fields_of(case["attributes"]) if "attributes" in case else flatten(case["document"], interest)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_compiled_form_says_so(case: dict[str, Any]) -> None:
    pattern = parse_pattern(case["pattern"], DIALECTS[case["dialect"]])
    assert compile_pattern(pattern).matches(fields_for(case, Interest(pattern.paths))) is case["matches"]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_index_says_so(case: dict[str, Any]) -> None:
    index: Index[str] = Index()
    index.add("it", parse_pattern(case["pattern"], DIALECTS[case["dialect"]]))
    assert index.match(fields_for(case, index.interest)) == (["it"] if case["matches"] else [])


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_oracle_says_so(case: dict[str, Any]) -> None:
    pattern = parse_pattern(case["pattern"], DIALECTS[case["dialect"]])
    event = fields_of(case["attributes"]) if "attributes" in case else case["document"]
    assert matches(pattern, event) is case["matches"]


def test_each_operator_matches_something_and_not_everything() -> None:
    for operator in (
        "prefix",
        "suffix",
        "equals-ignore-case",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "exactly",
        "$or",
    ):
        outcomes = {case["matches"] for case in CASES if f'"{operator}"' in case["pattern"]}
        assert outcomes == {True, False}, operator
