"""Plain values, `"x"`, `5`, `true`, `null`, and the operator `{"exactly": "x"}`.

Numbers are compared as numbers, so 5 is 5.0. A plain text that is an IP address means that address however it is written; `exactly` means
the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.pattern.addresses import Address, parse_address
from emulator.pattern.fields import FALSE, NULL, TRUE, Value, show_value
from emulator.pattern.numbers import parse_number
from emulator.pattern.operators.kinds import Key, KeyKind
from emulator.pattern.tokens import NUMBERS, Kind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.tokens import Tokens

_LITERALS = {Kind.TRUE: TRUE, Kind.FALSE: FALSE, Kind.NULL: NULL}


@dataclass(frozen=True, slots=True)
class Exact:
    """The value is this one."""

    value: Value

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return value == self.value

    def keys(self) -> tuple[Key, ...]:
        """Give the value itself."""
        return (Key(KeyKind.VALUE, self.value),)

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        if isinstance(self.value, str) and parse_address(self.value) is not None:
            return {"exactly": self.value}
        return show_value(self.value)


@dataclass(frozen=True, slots=True)
class ExactAddress:
    """The value is a text that is read as this address."""

    text: str
    address: Address

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return isinstance(value, str) and (value == self.text or parse_address(value) == self.address)

    def keys(self) -> tuple[Key, ...]:
        """Give the address."""
        return (Key(KeyKind.ADDRESS, self.address),)

    def show(self) -> object:
        """Write it as it stands in a pattern."""
        return self.text


def parse_value(tokens: Tokens) -> Test:
    """Make a test of the plain value that is the current token."""
    if tokens.kind is Kind.STRING:
        text = tokens.read()
        address = parse_address(text)
        return Exact(text) if address is None else ExactAddress(text, address)
    if tokens.kind in NUMBERS:
        return Exact(parse_number(tokens.read()))
    literal = _LITERALS.get(tokens.kind)
    if literal is None:
        raise tokens.error("Match value must be String, number, true, false, or null")
    return Exact(literal)


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"exactly":` up to the end of the object."""
    test = Exact(tokens.expect_string("exact match pattern must be a string"))
    tokens.expect_end("Only one key allowed in match expression")
    return test
