"""`{"numeric": [">", 0, "<=", 5]}`: a number in a range, with one bound or two; `["=", 5]` is the plain number.

AWS's engine takes two bounds only with the lower one first; a dialect may take them either way (`numeric_upper_first`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from emulator.pattern.fields import Literal, Value
from emulator.pattern.numbers import is_comparable, is_comparable_text, parse_number
from emulator.pattern.operators.exact import Exact
from emulator.pattern.tokens import NUMBERS, Kind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.operators.kinds import Key, Test
    from emulator.pattern.tokens import Tokens

_LOWER = (">", ">=")
_UPPER = ("<", "<=")
_TOO_MANY = "Too many elements in numeric expression"


@dataclass(frozen=True, slots=True)
class Range:
    """The value is a number between two bounds; an open bound is not in the range."""

    low: float = -inf
    high: float = inf
    low_open: bool = False
    high_open: bool = False

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        if isinstance(value, (str, Literal)):
            return False
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high) and is_comparable(value)

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index has no ranges."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        low = [">" if self.low_open else ">=", self.low] if self.low > -inf else []
        high = ["<" if self.high_open else "<=", self.high] if self.high < inf else []
        return {"numeric": low + high}


class _Bound(NamedTuple):
    operator: str
    text: str

    @property
    def number(self) -> float:
        return parse_number(self.text)

    @property
    def is_open(self) -> bool:
        return self.operator in ("<", ">")


def parse(tokens: Tokens, dialect: Dialect) -> Test:
    """Read what follows `"numeric":` up to the end of the object."""
    if tokens.advance() is not Kind.START_ARRAY:
        raise tokens.error("Value of numeric must be an array.")
    test = _parse_array(tokens, dialect)
    tokens.expect_end(_TOO_MANY)
    return test


def _parse_array(tokens: Tokens, dialect: Dialect) -> Test:
    if tokens.advance() is not Kind.STRING:
        raise tokens.error(f"Invalid member in numeric match: {tokens.read()}")
    operator = tokens.read()
    tokens.advance()
    if operator not in ("=", *_LOWER, *_UPPER):
        raise tokens.error(f"Unrecognized numeric range operator: {operator}")
    first = _parse_bound(tokens, operator)
    second = _parse_second(tokens, first, dialect) if tokens.advance() is not Kind.END_ARRAY else None
    # The engine looks at the numbers when it has them all, the lower one first.
    low, high = (second, first) if operator in _UPPER else (first, second)
    for bound in (low, high):
        if bound is not None and not is_comparable_text(bound.text):
            raise tokens.error(f"Cannot compare number : {bound.text}")
    if operator == "=":
        return Exact(first.number)
    if low is None or high is None:
        return _half(first)
    if low.number >= high.number:
        raise tokens.error("Bottom must be less than top")
    return Range(low.number, high.number, low_open=low.is_open, high_open=high.is_open)


def _half(bound: _Bound) -> Range:
    if bound.operator in _UPPER:
        return Range(high=bound.number, high_open=bound.is_open)
    return Range(low=bound.number, low_open=bound.is_open)


def _parse_bound(tokens: Tokens, operator: str) -> _Bound:
    if tokens.kind not in NUMBERS:
        raise tokens.error(f"Value of {'equals' if operator == '=' else operator} must be numeric")
    return _Bound(operator, tokens.read())


def _parse_second(tokens: Tokens, first: _Bound, dialect: Dialect) -> _Bound:
    """Read the other bound of a range, and the end of the array."""
    if first.operator in _LOWER:
        if tokens.kind is not Kind.STRING:
            raise tokens.error(f"Bad value in numeric range: {tokens.read()}")
        if tokens.read() not in _UPPER:
            raise tokens.error(f"Bad numeric range operator: {tokens.read()}")
    else:
        too_many = tokens.error(_TOO_MANY)
        upper_first = first.operator in _UPPER and dialect.numeric_upper_first
        if not upper_first or tokens.kind is not Kind.STRING or tokens.read() not in _LOWER:
            raise too_many
    operator = tokens.read()
    tokens.advance()
    bound = _parse_bound(tokens, operator)
    if tokens.advance() is not Kind.END_ARRAY:
        raise tokens.error("Too many terms in numeric range expression")
    return bound
