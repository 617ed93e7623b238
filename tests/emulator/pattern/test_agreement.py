"""The fast forms against the oracle, on random patterns and events. The seed is printed when a test fails."""

from __future__ import annotations

import json

import pytest

from emulator.pattern import Fields, Index, Interest, Matcher, Pattern, compile_pattern, flatten, parse_pattern, scalar
from emulator.pattern.addresses import parse_address
from emulator.pattern.match import matches, passes
from emulator.pattern.operators.kinds import KeyKind
from tests.emulator.pattern.cases import ENGINE
from tests.emulator.pattern.random_patterns import KEYS, SCALARS, RandomPatterns

SEEDS = pytest.mark.parametrize("seed", range(8))
PAIRS = 400
LEAVES = ([1], [1, 2], [{"exists": False}], [{"exists": False}, 1])
CHOICES_MAX = 20_000
"""The oracle tries everything; what would take it too long is left out."""


def bearable(pattern: Pattern, fields: Fields) -> bool:
    for alternative in pattern.alternatives:
        choices = 1
        for path in alternative:
            choices *= 1 + len(fields.leaves.get(path, ()))
        if choices > CHOICES_MAX:
            return False
    return True


@SEEDS
def test_the_compiled_form_agrees_with_the_oracle(seed: int) -> None:
    print(f"seed {seed}")
    draw, outcomes = RandomPatterns(seed), set()
    for _ in range(PAIRS):
        pattern = parse_pattern(draw.pattern(), ENGINE)
        matcher, interest = compile_pattern(pattern), Interest(pattern.paths)
        for document in (draw.document(), draw.document(3)):
            fields = flatten(document, interest)
            if bearable(pattern, fields):
                expected = matches(pattern, document)
                assert matcher.matches(fields) is expected, (pattern.text, document)
                assert matches(pattern, fields) is expected, (pattern.text, document)
                outcomes.add(expected)
    assert outcomes == {True, False}


@SEEDS
def test_it_agrees_on_arrays_of_objects_whose_keys_are_seldom_together(seed: int) -> None:
    print(f"seed {seed}")
    draw, outcomes = RandomPatterns(seed), []
    for _ in range(PAIRS):
        keys = ["a", "b", "c", "l"][: 2 + draw.number(3)]
        wanted = {key: LEAVES[draw.number(len(LEAVES))] for key in keys}
        pattern = parse_pattern(json.dumps({"l": wanted}), ENGINE)

        def element(depth: int, keys: list[str] = keys) -> object:
            if depth and draw.number(4) == 0:
                return [element(depth - 1) for _ in range(draw.number(3))]
            return {key: [1, 2, [1, 3], [], {"a": 1}][draw.number(5)] for key in keys if draw.number(3)}

        document = {"l": [element(2) for _ in range(draw.number(4))]}
        fields = flatten(document, Interest(pattern.paths))
        expected = matches(pattern, document)
        assert compile_pattern(pattern).matches(fields) is expected, (pattern.text, document)
        outcomes.append(expected)
    assert 0.1 < sum(outcomes) / len(outcomes) < 0.9


@SEEDS
def test_the_index_agrees_with_asking_each_pattern(seed: int) -> None:
    print(f"seed {seed}")
    draw = RandomPatterns(seed)
    index: Index[int] = Index()
    known: dict[int, Matcher] = {}
    matched = 0
    for _ in range(150):
        for _ in range(3):
            key = draw.number(60)
            if draw.number(3):
                pattern = parse_pattern(draw.pattern(), ENGINE)
                known[key] = compile_pattern(pattern)
                index.add(key, pattern)
            else:
                known.pop(key, None)
                index.discard(key)
        document = draw.document()
        fields = flatten(document, index.interest)
        found = index.match(fields)
        assert found == [key for key in known if known[key].matches(fields)], document
        assert len(index) == len(known)
        matched += len(found)
    assert matched
    for key in known:
        index.discard(key)
    assert not index.interest.paths()


@SEEDS
def test_attributes_agree_too(seed: int) -> None:
    print(f"seed {seed}")
    draw = RandomPatterns(seed)
    for _ in range(PAIRS):
        pattern = parse_pattern(draw.pattern(0), ENGINE)
        fields = Fields()
        for _ in range(draw.number(6)):
            fields.add(KEYS[draw.number(len(KEYS))], scalar(draw.value()))
        assert compile_pattern(pattern).matches(fields) is matches(pattern, fields), (pattern.text, fields.leaves)


def test_each_test_agrees_with_the_oracle_on_each_value() -> None:
    draw = RandomPatterns(0)
    for _ in range(300):
        for alternative in parse_pattern(draw.pattern(0), ENGINE).alternatives:
            for tests in alternative.values():
                for test in tests:
                    for value in map(scalar, (*SCALARS, [])):
                        assert test.matches(value) is passes(test, value), (test, value)


def test_a_value_that_passes_a_test_has_one_of_its_keys() -> None:
    """The index finds nothing that is not so."""
    related = {
        KeyKind.VALUE: lambda value, key: value == key,
        KeyKind.PREFIX: lambda value, key: isinstance(value, str) and value.startswith(key),
        KeyKind.SUFFIX: lambda value, key: isinstance(value, str) and value.endswith(key),
        KeyKind.ADDRESS: lambda value, key: isinstance(value, str) and parse_address(value) == key,
    }
    draw, kinds = RandomPatterns(1), set()
    for _ in range(300):
        for alternative in parse_pattern(draw.pattern(0), ENGINE).alternatives:
            for test in (test for tests in alternative.values() for test in tests):
                keys = test.keys()
                kinds |= {key.kind for key in keys}
                for value in map(scalar, (*SCALARS, [])):
                    if keys and test.matches(value):
                        assert any(related[key.kind](value, key.of) for key in keys), (test, value)
    assert kinds == related.keys()
