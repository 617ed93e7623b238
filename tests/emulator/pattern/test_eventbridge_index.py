"""How an index files ranges, texts in any case and wildcards: an event does not look at the rules that it cannot match."""

from __future__ import annotations

import json
from itertools import combinations
from math import inf, nextafter
from typing import Any

import pytest

from emulator.pattern import EVENTBRIDGE, Fields, Index, flatten, parse_pattern
from emulator.pattern.compile import compile_alternative
from emulator.pattern.filing import PRESENT, SPANS_MAX, keys_of, number_of
from emulator.pattern.operators.equals_ignore_case import EqualsIgnoreCase
from emulator.pattern.operators.kinds import Key, KeyKind
from emulator.pattern.operators.numeric import Range
from emulator.pattern.operators.wildcard import Wildcard

RULES = 500
ORDERED = (-inf, -1e300, -5.0, -4.999, -5e-324, 0.0, 5e-324, 0.1, 1.0, nextafter(1.0, 2), 2.0**53, 1e300, inf)


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


def index_of(*tests: object) -> Index[int]:
    index: Index[int] = Index()
    for number, test in enumerate(tests):
        index.add(number, parse_pattern(json.dumps({"f": [test]}), EVENTBRIDGE))
    return index


def found(index: Index[int], value: object) -> list[int]:
    return index.match(flatten({"f": value}, index.interest))


def test_a_number_looks_at_the_ranges_around_it(verified: list[object]) -> None:
    index = index_of(*({"numeric": [">=", 10 * number, "<", 10 * number + 10]} for number in range(RULES)))
    for value in (0, 5, 9.99, 1234, 4990.5):
        del verified[:]
        assert found(index, value) == [int(value // 10)]
        assert len(verified) <= 4


def test_a_text_looks_at_no_range(verified: list[object]) -> None:
    index = index_of(*({"numeric": [">", number]} for number in range(RULES)))
    assert found(index, "5") == []
    assert not verified


def test_a_number_that_cannot_be_compared_looks_at_no_range(verified: list[object]) -> None:
    index = index_of({"numeric": [">", 0]}, 2**53 + 1)
    assert found(index, 2**53 + 1) == [1]
    assert len(verified) == 1


def test_a_text_looks_at_what_it_is_in_some_case(verified: list[object]) -> None:
    index = index_of(*({"equals-ignore-case": f"Order-{number}"} for number in range(RULES)))
    assert found(index, "oRDER-77") == [77]
    assert len(verified) == 1


@pytest.mark.parametrize(
    ("text", "value"), [("straße", "STRASSE"), ("É", "é"), ("İx", "i̇X"), ("\u0131", "I"), ("ǅ", "ǆ")]
)
def test_letters_of_all_kinds_are_found_in_any_case(text: str, value: str) -> None:
    assert found(index_of({"equals-ignore-case": text}, "other"), value) == [0]


def test_a_text_looks_at_the_wildcards_that_start_or_else_end_as_it_does(verified: list[object]) -> None:
    index = index_of(*({"wildcard": f"user-{number}-*" if number % 2 else f"*-{number}"} for number in range(RULES)))
    assert found(index, "user-77-44") == [44, 77]
    assert len(verified) == 2


def test_what_was_discarded_is_no_longer_looked_at(verified: list[object]) -> None:
    index = index_of({"numeric": [">", 3]}, {"equals-ignore-case": "X"}, {"wildcard": "*x"}, {"wildcard": "*"})
    for key in range(4):
        index.discard(key)
    assert [found(index, value) for value in (5, "x")] == [[], []]
    assert not verified


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ab*c*d", Key(KeyKind.PREFIX, "ab")),
        (r"\*\\*x", Key(KeyKind.PREFIX, "*\\")),
        ("*c*d", Key(KeyKind.SUFFIX, "d")),
        (r"a\*b", Key(KeyKind.VALUE, "a*b")),
        ("*", PRESENT),
        ("*x*", PRESENT),
    ],
)
def test_a_wildcard_is_filed_by_what_it_starts_with_else_ends_with(text: str, key: Key) -> None:
    assert keys_of([Wildcard(text)]) == (key,)


def test_tests_are_filed_by_presence_if_one_of_them_has_to_be() -> None:
    assert keys_of([EqualsIgnoreCase("x"), Range(low=5)]) != (PRESENT,)
    assert keys_of([EqualsIgnoreCase("x"), Range(low=5), Wildcard("*")]) == (PRESENT,)


def test_doubles_are_numbered_in_their_order() -> None:
    numbers = [number_of(value) for value in ORDERED]
    assert numbers == sorted(set(numbers))
    assert number_of(-0.0) == number_of(0) == number_of(0.0)
    assert number_of(nextafter(1.0, 2)) == number_of(1.0) + 1
    assert all(0 <= number < 1 << 64 for number in numbers)


@pytest.mark.parametrize(("low", "high"), list(combinations(ORDERED, 2)))
def test_a_range_has_few_spans_and_all_its_numbers_are_in_them(low: float, high: float) -> None:
    spans = [key.of for key in keys_of([Range(low, high)])]
    assert 1 <= len(spans) <= SPANS_MAX
    for value in ORDERED:
        inside = any(number_of(value) >> level == span for level, span in spans)  # type: ignore[misc]
        assert inside or not low <= value <= high
