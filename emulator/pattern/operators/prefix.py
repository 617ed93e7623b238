"""`{"prefix": "x"}`: text that starts with x; around `{"equals-ignore-case": "x"}` in any case. Every text starts with the empty one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.pattern.operators import equals_ignore_case
from emulator.pattern.operators.equals_ignore_case import case_forms, follow
from emulator.pattern.operators.kinds import Key, KeyKind
from emulator.pattern.tokens import Kind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.tokens import Tokens

NAME = "prefix"
INNER = "prefix/equals-ignore-case"
"""The name under which a dialect has the operator with another one inside."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The value is text that starts with this."""

    text: str

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return isinstance(value, str) and value.startswith(self.text)

    def keys(self) -> tuple[Key, ...]:
        """Give the prefix."""
        return (Key(KeyKind.PREFIX, self.text),)

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: self.text}


@dataclass(frozen=True, slots=True)
class PrefixIgnoreCase:
    """The value is text that starts with this, in any case."""

    text: str
    _lower: str | None = field(init=False, repr=False, compare=False)
    """The text in lower case, if it is plain ASCII."""
    _forms: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    """What each character may be, otherwise."""

    def __post_init__(self) -> None:
        plain = self.text.isascii()
        object.__setattr__(self, "_lower", self.text.lower() if plain else None)
        object.__setattr__(self, "_forms", () if plain else tuple(map(case_forms, self.text)))

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        if not isinstance(value, str):
            return False
        if self._lower is not None:
            head = value[: len(self._lower)]
            return head.isascii() and head.lower() == self._lower
        return follow(self._forms, value) is not None

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index does not fold case."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: {equals_ignore_case.NAME: self.text}}


def parse(tokens: Tokens, dialect: Dialect) -> Test:
    """Read what follows `"prefix":` up to the end of the object."""
    test: Test
    kind = tokens.advance()
    if kind is Kind.START_OBJECT and INNER in dialect.operators:
        test = PrefixIgnoreCase(equals_ignore_case.parse_inner(tokens, NAME))
    elif kind is Kind.STRING:
        test = Prefix(tokens.read())
    else:
        raise tokens.error("prefix match pattern must be a string")
    tokens.expect_end("Only one key allowed in match expression")
    return test
