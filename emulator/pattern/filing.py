"""Under which keys an index files the tests of a path: those that the tests give, and for ranges and texts in any case its own.

A range is filed by spans of numbers that hold it, at most SPANS_MAX of them. A span is all doubles that begin with the same bits, where
doubles are numbered in their order, so that the spans of a value are found by shifting its number. What lies in a drawer is verified
anyhow, so the spans may hold more than the range.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from emulator.pattern.operators.equals_ignore_case import EqualsIgnoreCase
from emulator.pattern.operators.kinds import Key, KeyKind
from emulator.pattern.operators.numeric import Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.pattern.operators.kinds import Test

PRESENT: Final = Key(KeyKind.PRESENT, None)
SPANS_MAX = 8
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_UNEVEN = "\u0131"
"""The i without a dot, the one character whose forms in other case do not fold to the same."""


def keys_of(tests: Iterable[Test]) -> tuple[Key, ...]:
    """Give keys of which every value that passes any of the tests has one."""
    keys: dict[Key, None] = {}
    for test in tests:
        found = _keys(test)
        if not found:
            return (PRESENT,)
        keys.update(dict.fromkeys(found))
    return tuple(keys)


def _keys(test: Test) -> tuple[Key, ...]:
    if isinstance(test, Range):
        return _spans(number_of(test.low), number_of(test.high))
    if isinstance(test, EqualsIgnoreCase) and _UNEVEN not in test.text:
        return (Key(KeyKind.FOLDED, test.text.casefold()),)
    return test.keys()


def number_of(value: float) -> int:
    """Number the doubles in their order; -0.0 and 0.0 are one."""
    bits: int = memoryview(array("d", [value + 0.0])).cast("B").cast("Q")[0]
    return bits ^ _ALL if bits & _SIGN else bits | _SIGN


def _spans(low: int, high: int) -> tuple[Key, ...]:
    """Cover the numbers from low to high with few spans: as exactly as can be, then as roughly as must be."""
    level = 0
    spans = _exact_spans(low, high, level)
    while len(spans) > SPANS_MAX:
        level += 1
        spans = _exact_spans(low >> level, high >> level, level)
    return tuple(Key(KeyKind.SPAN, span) for span in spans)


def _exact_spans(low: int, high: int, level: int) -> list[tuple[int, int]]:
    spans = []
    while low <= high:
        if low & 1:
            spans.append((level, low))
            low += 1
        if not high & 1:
            spans.append((level, high))
            high -= 1
        low, high, level = low >> 1, high >> 1, level + 1
    return list(dict.fromkeys(spans))
