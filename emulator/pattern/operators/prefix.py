"""`{"prefix": "x"}`: text that starts with x. Every text starts with the empty one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.pattern.operators.kinds import Key, KeyKind

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.tokens import Tokens


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


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"prefix":` up to the end of the object."""
    test = Prefix(tokens.expect_string("prefix match pattern must be a string"))
    tokens.expect_end("Only one key allowed in match expression")
    return test
