r"""`{"wildcard": "a*b"}`: text in which each `*` is any number of any characters. `\*` and `\\` are the characters themselves.

How many of them a pattern may have is complexity.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.pattern.operators.kinds import Key, KeyKind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.tokens import Tokens

_PART = re.compile(r"\\[*\\]|\*|\\|[^*\\]+")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The value is text like this."""

    text: str
    """As it was written, with `*` and escapes."""
    pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The texts around the `*`, without escapes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pieces", _split(self.text))

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        if not isinstance(value, str):
            return False
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return value == first
        end = len(value) - len(last)
        at = len(first)
        if at > end or not value.startswith(first) or not value.endswith(last):
            return False
        for piece in self.pieces[1:-1]:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    def keys(self) -> tuple[Key, ...]:
        """Give what it starts with, else what it ends with; none if it may start and end with anything."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return (Key(KeyKind.VALUE, first),)
        if first:
            return (Key(KeyKind.PREFIX, first),)
        return (Key(KeyKind.SUFFIX, last),) if last else ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {"wildcard": self.text}


def _split(text: str) -> tuple[str, ...]:
    pieces = [""]
    for part in _PART.findall(text):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[1:] if part[0] == "\\" else part
    return tuple(pieces)


def find_fault(text: str) -> str | None:
    """Tell what is wrong with a text. Places count bytes of UTF-8, from the opening quote."""
    at = 1
    before = ""
    for part in _PART.findall(text):
        if part == "*" == before:
            return f"Consecutive wildcard characters at pos {at - 1}"
        if part == "\\":
            return f"Invalid escape character at pos {at}"
        at += len(part.encode("utf-8", "replace"))
        before = part
    return None


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"wildcard":` up to the end of the object."""
    text = tokens.expect_string("wildcard match pattern must be a string")
    fault = find_fault(text)
    if fault is not None:
        raise tokens.error(fault)
    tokens.expect_end("Only one key allowed in match expression")
    return Wildcard(text)
