"""`{"equals-ignore-case": "x"}`: text that differs from x in case at most.

AWS's engine compares character by character: each one may be as in the pattern, its lower or its upper case form. So É equals é, the
pattern `straße` accepts `STRASSE`, and the pattern `STRASSE` does not accept `straße`. Characters beyond U+FFFF have no case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.pattern.tokens import Kind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Key, Test
    from emulator.pattern.tokens import Tokens

NAME = "equals-ignore-case"


@dataclass(frozen=True, slots=True)
class EqualsIgnoreCase:
    """The value is this text, in any case."""

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
            return value.isascii() and value.lower() == self._lower
        return follow(self._forms, value) == len(value)

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index does not fold case."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {NAME: self.text}


def case_forms(char: str) -> tuple[str, ...]:
    """List what a character of a pattern may be in a value."""
    if char > "\uffff":
        return (char,)
    return tuple(dict.fromkeys((char, char.lower(), char.upper())))


def follow(forms: tuple[tuple[str, ...], ...], value: str) -> int | None:
    """Go along a value with what each of its characters may be, and tell how far that gets; None if one does not fit."""
    at = 0
    for each in forms:
        # No form starts or ends as another of the same character does, so the first that fits is the only one.
        for form in each:
            if value.startswith(form, at):
                at += len(form)
                break
        else:
            return None
    return at


def parse_inner(tokens: Tokens, outer: str) -> str:
    """Read `"equals-ignore-case": "x"}` inside another operator, whose name is `outer`, and give the x."""
    if tokens.advance() is not Kind.NAME:
        raise tokens.error(f"{outer.capitalize()} expression name not found")
    if tokens.name != NAME:
        raise tokens.error(f"Unsupported {outer} pattern: {tokens.name}")
    text = tokens.expect_string("equals-ignore-case match pattern must be a string")
    tokens.expect_end("Only one key allowed in match expression")
    return text


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"equals-ignore-case":` up to the end of the object."""
    test = EqualsIgnoreCase(tokens.expect_string("equals-ignore-case match pattern must be a string"))
    tokens.expect_end("Only one key allowed in match expression")
    return test
