"""Arrays of objects at sizes at which trying everything would take forever, and what decides then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.pattern import Interest, compile_pattern, flatten, parse_pattern
from emulator.pattern.together import CHOICES_MAX, _Options
from tests.emulator.pattern.cases import ENGINE

MANY = 2000


def matches(pattern: dict[str, Any], document: dict[str, Any]) -> bool:
    parsed = parse_pattern(json.dumps(pattern), ENGINE)
    return compile_pattern(parsed).matches(flatten(document, Interest(parsed.paths)))


def test_of_many_elements_one_that_has_it_all_is_found() -> None:
    pattern = {"l": {"a": [1], "b": [1], "c": [1], "d": [1]}}
    almost = [{"a": 1, "b": 1, "c": 1}, {"b": 1, "c": 1, "d": 1}, {"a": 1, "c": 1, "d": 1}] * MANY
    assert not matches(pattern, {"l": almost})
    assert matches(pattern, {"l": [*almost, {"a": 1, "b": 1, "c": 1, "d": 1}]})


def test_arrays_beside_each_other_do_not_multiply() -> None:
    pattern = {"l": {"a": [1], "z": [2]}, "m": {"b": [1]}, "n": {"c": [1]}}
    document = {"l": [{"a": 1, "z": 1}] * MANY + [{"z": 2}], "m": [{"b": 1}] * MANY, "n": [{"c": 1}] * MANY}
    assert not matches(pattern, document)
    document["l"].append({"a": 1, "z": 2})
    assert matches(pattern, document)


def test_arrays_in_arrays_do_not_multiply() -> None:
    pattern = {"l": {"k": [1], "m": {"a": [1], "b": [1]}, "z": [1]}}
    elements = [{"k": 1, "m": [{"a": 1}, {"b": 1}, {"a": 1, "b": 1}] * 20} for _ in range(100)]
    assert not matches(pattern, {"l": [*elements, {"z": 1}]})
    elements[70]["z"] = 1
    assert matches(pattern, {"l": elements})


def test_absence_in_many_elements() -> None:
    pattern = {"l": {"a": [1], "b": [{"exists": False}]}}
    document = {"l": [{"a": 1, "b": 1}] * MANY}
    assert not matches(pattern, document)
    assert matches(pattern, {"l": [*document["l"], {"a": 1}]})


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count the states that are tried."""
    seen: list[object] = []

    def after_and_count(options: Any, chosen: dict[int, int]) -> Any:
        seen.append(chosen)
        return after(options, chosen)

    after = _Options.after
    monkeypatch.setattr(_Options, "after", after_and_count)
    return seen


def test_a_state_is_tried_once_and_forgets_what_no_longer_matters(tried: list[object]) -> None:
    pattern = {"l": {"a": [1], "b": [1]}, "m": {"c": [1], "d": [1]}}
    document = {"l": [{"a": 1, "b": 1}] * 50, "m": [{"c": 1}] * 50 + [{"d": 1}]}
    assert not matches(pattern, document)
    assert len(tried) == 1 + 50 + 1 + 50  # the start, each element of l, that l is done with, each element of m


def test_many_paths_are_no_matter() -> None:
    names = [f"k{number:03}" for number in range(300)]
    pattern = {"l": {name: [1] for name in names}}
    whole = dict.fromkeys(names, 1)
    assert matches(pattern, {"l": [{}, {**whole, "k299": 2}, whole]})
    assert not matches(pattern, {"l": [{**whole, "k000": 2}, {**whole, "k299": 2}]})


@pytest.mark.parametrize("wanted", [1, 2])
def test_arrays_made_to_multiply_are_given_up(wanted: int) -> None:
    """Keys with dots put three arrays in each other's way; a million choices are tried, not a thousand millions."""
    elements = 1000
    pattern = {"l": {"a": [1], "m": {"b": [1], "n": {"c": [1], "d": [wanted]}, "y": [wanted]}, "z": [wanted]}}
    document = {
        "l": [{"a": 1, "z": 1}] * elements + [{"z": 2}],
        "l.m": [{"b": 1, "y": 1}] * elements + [{"y": 2}],
        "l.m.n": [{"c": 1, "d": 1}] * elements + [{"d": 2}],
    }
    assert elements**3 > CHOICES_MAX
    assert matches(pattern, document) is (wanted == 1)
