"""`{"exists": true}` and `{"exists": false}`: whether there is a value at a path. An object there is none, nor is an empty array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.pattern.tokens import Kind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Key, Test
    from emulator.pattern.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Present:
    """There is a value, whatever it is."""

    def matches(self, value: Value) -> bool:  # noqa: ARG002 (all values pass)
        """Tell whether a value passes."""
        return True

    def keys(self) -> tuple[Key, ...]:
        """Give none: every value passes."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {"exists": True}


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no value. No value passes; those who look at whole events know this test."""

    def matches(self, value: Value) -> bool:  # noqa: ARG002 (no value passes)
        """Tell whether a value passes."""
        return False

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index finds values."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return {"exists": False}


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"exists":` up to the end of the object."""
    if tokens.advance() not in (Kind.TRUE, Kind.FALSE):
        raise tokens.error("exists match pattern must be either true or false.")
    test = Present() if tokens.kind is Kind.TRUE else Absent()
    tokens.expect_end("Only one key allowed in match expression")
    return test
