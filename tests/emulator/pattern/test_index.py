"""Many patterns in one structure. That it finds what each pattern alone would is in test_agreement.py; here is how it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.pattern import SNS_ATTRIBUTES, SNS_BODY, Fields, Index, flatten, parse_pattern, scalar
from emulator.pattern.compile import compile_alternative


def fields(**values: object) -> Fields:
    made = Fields()
    for path, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            made.add(path, scalar(each))
    return made


def index_of(**patterns: dict[str, Any]) -> Index[str]:
    index: Index[str] = Index()
    for key, pattern in patterns.items():
        index.add(key, parse_pattern(json.dumps(pattern), SNS_BODY))
    return index


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count the alternatives that an index looks at."""
    seen: list[object] = []

    def compile_and_count(alternative: Any) -> Any:
        check = compile_alternative(alternative)

        def counted(event: Fields) -> bool:
            seen.append(alternative)
            return check(event)

        return counted

    monkeypatch.setattr("emulator.pattern.index.compile_alternative", compile_and_count)
    return seen


def test_keys_come_in_the_order_in_which_they_were_added() -> None:
    index = index_of(c={"a": ["x"]}, a={"b": [{"prefix": "y"}]}, b={"c": [{"exists": False}]}, d={"a": ["z"]})
    assert index.match(fields(a="x", b="yes")) == ["c", "a", "b"]


def test_a_key_comes_once_however_many_alternatives_match() -> None:
    index = index_of(k={"$or": [{"a": ["x", "y"]}, {"b": [{"exists": True}]}]})
    assert index.match(fields(a=["x", "y"], b=1)) == ["k"]


def test_a_key_that_is_added_again_has_the_new_pattern_and_its_old_place() -> None:
    index = index_of(first={"a": ["x"]}, second={"a": ["x", "y"]})
    index.add("first", parse_pattern('{"a":["y"]}', SNS_ATTRIBUTES))
    assert index.match(fields(a="x")) == ["second"]
    assert index.match(fields(a="y")) == ["first", "second"]
    assert len(index) == 2


def test_a_key_that_was_discarded_is_at_the_end_when_it_comes_back() -> None:
    index = index_of(first={"a": ["x"]}, second={"a": ["x"]})
    index.discard("first")
    assert index.match(fields(a="x")) == ["second"]
    index.add("first", parse_pattern('{"a":["x"]}', SNS_ATTRIBUTES))
    assert index.match(fields(a="x")) == ["second", "first"]


def test_discarding_what_is_not_there_does_nothing() -> None:
    index = index_of(k={"a": ["x"]})
    index.discard("other")
    assert index.match(fields(a="x")) == ["k"]


def test_an_empty_index_is_false_and_matches_nothing() -> None:
    index: Index[str] = Index()
    assert not index
    assert index.match(fields(a="x")) == []
    index.add("k", parse_pattern('{"a":["x"]}', SNS_ATTRIBUTES))
    assert index
    assert "k" in index


def test_interest_is_what_the_patterns_name() -> None:
    index = index_of(k={"a": {"b": ["x"]}}, l={"a": {"b": ["y"]}, "$or": [{"c": ["z"]}, {"d": ["z"]}]})
    assert index.interest.paths() == ["a.b", "c", "d"]
    index.discard("l")
    assert index.interest.paths() == ["a.b"]
    assert index.match(flatten({"a": {"b": "x"}, "c": "z"}, index.interest)) == ["k"]


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("v{}", "v7"),
        (7, 7.0),
        ({"prefix": "p{}-"}, "p7-x"),
        ({"suffix": "-{}s"}, "x-7s"),
        ("10.0.0.{}", "010.0.0.7"),
        ({"exactly": "v{}"}, "v7"),
    ],
    ids=str,
)
def test_only_candidates_are_looked_at(test: object, value: object, verified: list[object]) -> None:
    index: Index[int] = Index()
    for number in range(200):
        text = json.dumps([number if test == 7 else test]).replace("{}", str(number))
        index.add(number, parse_pattern(f'{{"a":{text},"b":["x"]}}', SNS_ATTRIBUTES))
    assert index.match(fields(a=value, b="x")) == [7]
    assert len(verified) <= 2  # one more may lie under what all have in common, from when it was the only one


def test_what_all_have_in_common_is_avoided_wherever_it_stands(verified: list[object]) -> None:
    index: Index[int] = Index()
    for number in range(200):
        index.add(
            number, parse_pattern(f'{{"a":["x"],"b":[{{"exists":true}}],"c":["v{number}"],"d":["x"]}}', SNS_ATTRIBUTES)
        )
    assert index.match(fields(a="x", b="x", c="v199", d="x")) == [199]
    assert len(verified) <= 4


def test_tests_without_keys_are_looked_at_if_there_is_a_value(verified: list[object]) -> None:
    index = index_of(k={"a": [{"numeric": [">", 5]}]}, l={"a": [{"anything-but": ["x"]}], "b": [{"exists": False}]})
    assert index.match(fields(b="x")) == []
    assert not verified
    assert index.match(fields(a=6)) == ["k", "l"]


def test_an_address_is_found_however_it_is_written() -> None:
    index = index_of(k={"a": ["::1"]}, l={"a": ["10.0.0.1"]})
    assert index.match(fields(a="0:0::1")) == ["k"]
    assert index.match(fields(a="010.0.0.001")) == ["l"]


def test_values_of_different_types_are_different() -> None:
    index = index_of(
        text={"a": ["1"]}, number={"a": [1]}, literal={"a": [True]}, word={"a": ["true"]}, null={"a": [None]}
    )
    assert index.match(fields(a="1")) == ["text"]
    assert index.match(fields(a=1.0)) == ["number"]
    assert index.match(fields(a=True)) == ["literal"]
    assert index.match(fields(a="true")) == ["word"]
    assert index.match(fields(a=None)) == ["null"]


def test_nothing_of_a_pattern_stays_behind_among_others() -> None:
    several = [{"prefix": "p"}, {"suffix": "s"}, "y", "10.0.0.1"]
    index = index_of(stays={"a": ["x"]}, goes={"a": several}, too={"a": [{"numeric": ["=", 1]}]})
    index.add("goes too", parse_pattern('{"a":[{"anything-but":"x"}]}', SNS_BODY))
    for key in ("goes", "too", "goes too"):
        index.discard(key)
    cabinet = index._cabinets["a"]
    assert len(cabinet._drawers) == 1
    assert not cabinet._lengths
    assert not cabinet._addresses
    assert not cabinet._present


def test_nothing_stays_behind_when_all_have_left() -> None:
    index = index_of(
        a={"a": ["x", 5, None, "10.0.0.1", {"prefix": "p"}, {"suffix": "s"}]},
        b={"a": [{"prefix": "pp"}], "b": [{"numeric": ["<", 1]}]},
        c={"$or": [{"a": [{"exists": False}]}, {"c": [{"anything-but": 1}]}]},
    )
    for key in "cab":
        index.discard(key)
    assert not index
    assert not index._cabinets
    assert not index._always
    assert not index.interest.paths()
