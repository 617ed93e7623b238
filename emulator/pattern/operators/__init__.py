"""The operators, one file each: how its JSON is read and what it means for a value stand side by side.

To add one, write its file (a frozen test class as `kinds.py` describes it, and `parse`), name it in PARSERS and in the dialects that
have it (`dialect.py`), and say the same once more in plain words in `match.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.pattern.operators import (
    anything_but,
    cidr,
    equals_ignore_case,
    exact,
    exists,
    numeric,
    prefix,
    suffix,
    wildcard,
)
from emulator.pattern.tokens import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.pattern.dialect import Dialect
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.tokens import Tokens

PARSERS: Final[Mapping[str, Callable[[Tokens, Dialect], Test]]] = {
    "exactly": exact.parse,
    "prefix": prefix.parse,
    "suffix": suffix.parse,
    "equals-ignore-case": equals_ignore_case.parse,
    "anything-but": anything_but.parse,
    "numeric": numeric.parse,
    "exists": exists.parse,
    "cidr": cidr.parse,
    "wildcard": wildcard.parse,
}
"""What reads the JSON behind an operator's name, up to the end of its object."""


def parse_test(tokens: Tokens, dialect: Dialect) -> Test:
    """Make a test of the current token: a plain value, or the start of an object with one operator."""
    if tokens.kind is not Kind.START_OBJECT:
        return exact.parse_value(tokens)
    if tokens.advance() is not Kind.NAME:
        raise tokens.error("Match expression name not found")
    if tokens.name not in dialect.operators:
        raise tokens.error(f"Unrecognized match type {tokens.name}")
    return PARSERS[tokens.name](tokens, dialect)
