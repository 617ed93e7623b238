"""`{"suffix": "x"}`: text that ends with x. Every text ends with the empty one."""

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
class Suffix:
    """The value is text that ends with this."""

    text: str

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        return isinstance(value, str) and value.endswith(self.text)

    def keys(self) -> tuple[Key, ...]:
        """Give the suffix."""
        return (Key(KeyKind.SUFFIX, self.text),)


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"suffix":` up to the end of the object."""
    test = Suffix(tokens.expect_string("suffix match pattern must be a string"))
    tokens.expect_end("Only one key allowed in match expression")
    return test
