"""What is said of a text that is no pattern: AWS's sentence and, where its engine gives one, the place.

AWS's engine (event-ruler) reads with Jackson, and a place is Jackson's: one-based, in UTF-16 units, with the text itself in it, cut after
500 units: ` at [Source: (String)"{"a":1}"; line: 1, column: 7]`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ECHO_UNITS_MAX = 500
STRING_UNITS_MAX = 0x8000
"""Jackson reads a longer text through a reader, which it cannot show."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Location(NamedTuple):
    """A place in the text of a pattern."""

    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"[Source: {_source(self.text)}; line: {self.line}, column: {self.column}]"


class PatternError(Exception):
    """A text is no pattern. `reason` is AWS's sentence, `location` is None where AWS gives none; `str()` has both."""

    def __init__(self, reason: str, location: Location | None = None) -> None:
        self.reason = _sendable(reason)
        self.location = location
        super().__init__(self.reason, location)

    def __str__(self) -> str:
        return self.reason if self.location is None else f"{self.reason}\n at {self.location}"


def locate(text: str, at: int) -> Location:
    """Tell line and column of the character `at` (from 0) of a text."""
    lines = [match.end() for match in _LINE_END.finditer(text, 0, at)]
    start = lines[-1] if lines else 0
    return Location(text, len(lines) + 1, _units(text[start:at]) + 1)


def _units(text: str) -> int:
    """Count UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _sendable(text: str) -> str:
    """Replace halves of surrogate pairs, which cannot be sent, as Java does."""
    return text.encode("utf-8", "replace").decode()


def _source(text: str) -> str:
    units = _units(text)
    if units > STRING_UNITS_MAX:
        return "(StringReader)"
    cut = ""
    if units > ECHO_UNITS_MAX:
        cut = f"[truncated {units - ECHO_UNITS_MAX} chars]"
        text = text.encode("utf-16-le", "surrogatepass")[: 2 * ECHO_UNITS_MAX].decode("utf-16-le", "surrogatepass")
    shown = _CONTROL.sub(lambda match: rf"\u{ord(match[0]):04X}", _sendable(text))
    return f'(String)"{shown}"{cut}'
