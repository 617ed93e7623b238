"""`{"suffix": "x"}`: text that ends with x; around `{"equals-ignore-case": "x"}` in any case. Every text ends with the empty one."""

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

NAME = "suffix"
INNER = "suffix/equals-ignore-case"
"""The name under which a dialect has the operator with another one inside."""


@dataclass(frozen=True, slots=True)
class Suffix:
    """The value is text that ends with this."""

    text: str

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return isinstance(value, str) and value.endswith(self.text)

    def keys(self) -> tuple[Key, ...]:
        """Give the suffix."""
        return (Key(KeyKind.SUFFIX, self.text),)

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: self.text}


@dataclass(frozen=True, slots=True)
class SuffixIgnoreCase:
    """The value is text that ends with this, in any case."""

    text: str
    _lower: str | None = field(init=False, repr=False, compare=False)
    """The text in lower case, if it is plain ASCII."""
    _forms: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    """What each character may be, otherwise; all from the end to the start."""

    def __post_init__(self) -> None:
        plain = self.text.isascii()
        object.__setattr__(self, "_lower", self.text.lower() if plain else None)
        object.__setattr__(
            self, "_forms", () if plain else tuple(_reversed_forms(char) for char in reversed(self.text))
        )

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        if not isinstance(value, str):
            return False
        if self._lower is not None:
            tail = value[max(0, len(value) - len(self._lower)) :]
            return tail.isascii() and tail.lower() == self._lower
        return follow(self._forms, value[::-1]) is not None

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index does not fold case."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: {equals_ignore_case.NAME: self.text}}


def _reversed_forms(char: str) -> tuple[str, ...]:
    return tuple(form[::-1] for form in case_forms(char))


def parse(tokens: Tokens, dialect: Dialect) -> Test:
    """Read what follows `"suffix":` up to the end of the object."""
    test: Test
    kind = tokens.advance()
    if kind is Kind.START_OBJECT and INNER in dialect.operators:
        test = SuffixIgnoreCase(equals_ignore_case.parse_inner(tokens, NAME))
    elif kind is Kind.STRING:
        test = Suffix(tokens.read())
    else:
        raise tokens.error("suffix match pattern must be a string")
    tokens.expect_end("Only one key allowed in match expression")
    return test
