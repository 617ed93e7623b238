"""The fast forms of EventBridge's dialect against the oracle, on random patterns with all operators. A failing test prints its seed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from emulator.pattern import (
    EVENTBRIDGE,
    Fields,
    Index,
    Interest,
    Matcher,
    Pattern,
    compile_pattern,
    flatten,
    parse_pattern,
    scalar,
)
from emulator.pattern.explain import explain
from emulator.pattern.filing import keys_of, number_of
from emulator.pattern.match import matches, passes
from emulator.pattern.operators.kinds import Key, KeyKind
from tests.emulator.pattern.eventbridge_patterns import NUMBERS, TEXTS, EventBridgePatterns

SEEDS = pytest.mark.parametrize("seed", range(8))
PAIRS = 400
CHOICES_MAX = 20_000
"""The oracle tries everything; what would take it too long is left out."""

DIALECT = replace(EVENTBRIDGE, wildcard_score_max=None)
VALUES = [scalar(value) for value in (*TEXTS, *NUMBERS, True, False, None, [])]


def bearable(pattern: Pattern, fields: Fields) -> bool:
    for alternative in pattern.alternatives:
        choices = 1
        for path in alternative:
            choices *= 1 + len(fields.leaves.get(path, ()))
        if choices > CHOICES_MAX:
            return False
    return True


@SEEDS
def test_the_compiled_form_the_index_and_the_explanation_agree_with_the_oracle(seed: int) -> None:
    print(f"seed {seed}")
    draw, outcomes = EventBridgePatterns(seed), set()
    for _ in range(PAIRS):
        pattern = parse_pattern(draw.pattern(), DIALECT)
        index: Index[str] = Index()
        index.add("it", pattern)
        for document in (draw.document(), draw.document(3)):
            fields = flatten(document, Interest(pattern.paths))
            if bearable(pattern, fields):
                expected = matches(pattern, document)
                assert compile_pattern(pattern).matches(fields) is expected, (pattern.text, document)
                assert bool(index.match(fields)) is expected, (pattern.text, document)
                assert explain(pattern, document)["matches"] is expected, (pattern.text, document)
                outcomes.add(expected)
    assert outcomes == {True, False}


@SEEDS
def test_an_index_of_many_agrees_with_asking_each_pattern(seed: int) -> None:
    print(f"seed {seed}")
    draw = EventBridgePatterns(seed)
    index: Index[int] = Index()
    known: dict[int, Matcher] = {}
    matched = 0
    for _ in range(150):
        for _ in range(3):
            key = draw.number(60)
            if draw.number(3):
                pattern = parse_pattern(draw.pattern(1), DIALECT)
                known[key] = compile_pattern(pattern)
                index.add(key, pattern)
            else:
                known.pop(key, None)
                index.discard(key)
        document = draw.document()
        fields = flatten(document, index.interest)
        found = index.match(fields)
        assert found == [key for key in known if known[key].matches(fields)], document
        matched += len(found)
    assert matched
    for key in known:
        index.discard(key)
    assert (len(index), index.interest.paths()) == (0, [])


def test_each_test_agrees_with_the_oracle_on_each_value() -> None:
    draw = EventBridgePatterns(0)
    for _ in range(600):
        for alternative in parse_pattern(draw.pattern(0), DIALECT).alternatives:
            for tests in alternative.values():
                for test in tests:
                    for value in VALUES:
                        assert test.matches(value) is passes(test, value), (test, value)


def test_what_a_test_shows_is_read_as_that_test() -> None:
    draw = EventBridgePatterns(1)
    for _ in range(600):
        for alternative in parse_pattern(draw.pattern(0), DIALECT).alternatives:
            for tests in alternative.values():
                shown = json.dumps({"f": [test.show() for test in tests]})
                assert parse_pattern(shown, DIALECT).alternatives == ({"f": tests},), shown


def test_a_value_that_passes_is_found_under_one_of_the_keys() -> None:
    """The index finds nothing that is not so."""

    def has(value: object, key: Key) -> bool:
        match key.kind:
            case KeyKind.SPAN:
                level, span = key.of  # type: ignore[misc]
                return not isinstance(value, str) and number_of(float(value)) >> level == span  # type: ignore[arg-type]
            case KeyKind.FOLDED:
                return isinstance(value, str) and value.casefold() == key.of
            case KeyKind.PREFIX:
                return isinstance(value, str) and value.startswith(str(key.of))
            case KeyKind.SUFFIX:
                return isinstance(value, str) and value.endswith(str(key.of))
            case KeyKind.VALUE:
                return value == key.of
        return True

    draw, kinds = EventBridgePatterns(2), set()
    for _ in range(600):
        for alternative in parse_pattern(draw.pattern(0), DIALECT).alternatives:
            for test in (test for tests in alternative.values() for test in tests):
                keys = keys_of([test])
                kinds |= {key.kind for key in keys}
                for value in VALUES:
                    if test.matches(value) and not isinstance(value, bool):
                        assert any(has(value, key) for key in keys), (test, value)
    assert kinds == set(KeyKind)
