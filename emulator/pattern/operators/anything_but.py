"""`{"anything-but": ...}`: a value is there and is not one of these. What has another type is not one of these.

It takes a text, a number, a list of texts or of numbers, or another operator's texts: `{"prefix": "x"}`, `{"prefix": ["x", "y"]}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from emulator.pattern.errors import PatternError
from emulator.pattern.fields import OPAQUE, Value, show_value
from emulator.pattern.numbers import is_comparable_text, parse_number
from emulator.pattern.operators.equals_ignore_case import EqualsIgnoreCase
from emulator.pattern.operators.suffix import Suffix
from emulator.pattern.operators.wildcard import Wildcard, find_fault
from emulator.pattern.tokens import NUMBERS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.pattern.dialect import Dialect
    from emulator.pattern.operators.kinds import Key, Test
    from emulator.pattern.tokens import Tokens

NAME = "anything-but"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """The value is none of these."""

    excluded: frozenset[Value]

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return value not in self.excluded and value is not OPAQUE

    def keys(self) -> tuple[Key, ...]:
        """Give none: nearly every value passes."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: sorted(map(show_value, self.excluded), key=lambda value: (str(type(value)), value))}


@dataclass(frozen=True, slots=True)
class AnythingButPrefix:
    """The value is no text that starts with one of these."""

    prefixes: tuple[str, ...]

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return not value.startswith(self.prefixes) if isinstance(value, str) else value is not OPAQUE

    def keys(self) -> tuple[Key, ...]:
        """Give none: nearly every value passes."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: {"prefix": list(self.prefixes)}}


@dataclass(frozen=True, slots=True)
class AnythingButAlike:
    """The value is none of the texts that some tests of one operator look for."""

    operator: str
    tests: tuple[Suffix | EqualsIgnoreCase | Wildcard, ...]

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        if not isinstance(value, str):
            return value is not OPAQUE
        return not any(test.matches(value) for test in self.tests)

    def keys(self) -> tuple[Key, ...]:
        """Give none: nearly every value passes."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: {self.operator: [test.text for test in self.tests]}}


def _parse_prefixes(tokens: Tokens) -> Test:
    return AnythingButPrefix(_each(tokens, _parse_affix))


def _parse_suffixes(tokens: Tokens) -> Test:
    return AnythingButAlike("suffix", tuple(map(Suffix, _each(tokens, _parse_affix))))


def _parse_ignoring_case(tokens: Tokens) -> Test:
    return AnythingButAlike("equals-ignore-case", tuple(map(EqualsIgnoreCase, _each(tokens, _parse_folded))))


def _parse_wildcards(tokens: Tokens) -> Test:
    texts = _each(tokens, _parse_wildcard)
    for text in texts:  # AWS's engine looks at them when it has them all, so the place is behind the list
        fault = find_fault(text)
        if fault is not None:
            raise tokens.error(fault)
    return AnythingButAlike("wildcard", tuple(map(Wildcard, texts)))


_INNER: dict[str, Callable[[Tokens], Test]] = {
    "prefix": _parse_prefixes,
    "suffix": _parse_suffixes,
    "equals-ignore-case": _parse_ignoring_case,
    "wildcard": _parse_wildcards,
}


def parse(tokens: Tokens, dialect: Dialect) -> Test:
    """Read what follows `"anything-but":` up to the end of the object."""
    inner = None
    if tokens.advance() is Kind.START_OBJECT:
        inner = _parse_inner_name(tokens, dialect)
        tokens.advance()
    if tokens.kind not in (Kind.START_ARRAY, Kind.STRING, Kind.INTEGER, Kind.DECIMAL):
        raise tokens.error("Value of anything-but must be an array or single string/number value.")
    if inner is not None:
        test = _INNER[inner](tokens)
        tokens.expect_end("Too many elements in numeric expression")
    else:
        test = _parse_values(tokens)
    tokens.expect_end("Too many elements in numeric expression")
    return test


def _parse_inner_name(tokens: Tokens, dialect: Dialect) -> str:
    if tokens.advance() is not Kind.NAME:
        raise tokens.error("Anything-But expression name not found")
    if f"{NAME}/{tokens.name}" not in dialect.operators:
        raise tokens.error(f"Unsupported anything-but pattern: {tokens.name}")
    return tokens.name


def _parse_values(tokens: Tokens) -> Test:
    listed = tokens.kind is Kind.START_ARRAY
    values = _each(tokens, _parse_value)
    if listed and len({isinstance(value, str) for value in values}) != 1:
        raise tokens.error(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    return AnythingBut(frozenset(values))


def _parse_value(tokens: Tokens) -> Value:
    if tokens.kind is Kind.STRING:
        return tokens.read()
    if tokens.kind not in NUMBERS:
        raise tokens.error("Inside anything but list, start|null|boolean is not supported.")
    text = tokens.read()
    if not is_comparable_text(text):
        raise PatternError(f"Cannot compare number : {text}")
    return parse_number(text)


def _parse_affix(tokens: Tokens) -> str:
    if tokens.kind is not Kind.STRING:
        raise tokens.error("prefix/suffix match pattern must be a string")
    text = tokens.read()
    if not text:
        raise tokens.error("Null prefix/suffix not allowed")
    return text


def _parse_folded(tokens: Tokens) -> str:
    if tokens.kind is not Kind.STRING:
        raise tokens.error("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
    return tokens.read()


def _parse_wildcard(tokens: Tokens) -> str:
    if tokens.kind is not Kind.STRING:
        raise tokens.error("wildcard match pattern must be a string")
    return tokens.read()


def _each(tokens: Tokens, parse_one: Callable[[Tokens], T]) -> tuple[T, ...]:
    """Read one value, or each of a list."""
    if tokens.kind is not Kind.START_ARRAY:
        return (parse_one(tokens),)
    found = []
    try:
        while tokens.advance() is not Kind.END_ARRAY:
            found.append(parse_one(tokens))
    except PatternError as error:
        raise tokens.error(str(error)) from None  # AWS's engine adds the place once more inside a list
    return tuple(found)
