"""Random values of the shapes of a botocore model, and the two ways to compare what came back."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from botocore.model import Shape

STRINGS = (
    "",
    "a",
    " ",
    " leading and trailing ",
    "\n",
    "\r",
    "line\r\nline\rline\nline\ttab",
    "<a href=\"b\">&amp; 'c'</a> ]]> <![CDATA[",
    "a=b&c=d+e%20f;g",
    "null",
    "\x7f\x85\xa0\u2028\u2029",
    "Grüße, 世界, 🦊, \ud7ff\ue000\ufffd\U0010ffff",
    "\u0301 combining",
    '"quoted" \\ and \\u0000',
    "x" * 3000,
)
"""All characters are such as XML 1.0 has."""
CONTROLS = ("\x00", "\x01\x08\x0b\x0c\x0e\x1f", "\ufffe\uffff")
"""XML 1.0 has none of these; JSON and forms can carry them."""
BLOBS = (b"", b"\x00", b"\xff\xfe", bytes(range(256)), b"a", b"ab", b"abc")
INTEGERS = (0, 1, -1, 10, 2**31 - 1, -(2**31))
LONGS = (*INTEGERS, 2**53 + 1, 2**63 - 1, -(2**63))
INSTANTS_MS = (0, 1, 999, 1_767_225_600_000, 1_767_225_600_123, 4_102_444_799_999)
DEPTH_MAX = 6


class RandomValues:
    """Values for shapes. `xml` leaves out the characters that XML lacks."""

    def __init__(self, seed: str, *, xml: bool) -> None:
        self._random = random.Random(seed)
        self._strings = STRINGS if xml else STRINGS + CONTROLS

    def of(self, shape: Shape | None, depth: int = 0) -> Any:
        """Draw a value; optional members come and go, lists and maps may be empty. Timestamps are milliseconds."""
        if shape is None:
            return {}
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, depth)
        if kind == "list":
            return [self.of(shape.member, depth + 1) for _ in range(self._count(depth))]
        if kind == "map":
            return {self.of(shape.key): self.of(shape.value, depth + 1) for _ in range(self._count(depth))}
        return self._scalar(shape)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        share = self._random.choice((0, 0.5, 1)) if depth < DEPTH_MAX else 0
        chosen = [name for name in shape.members if name in shape.required_members or self._random.random() < share]
        return {name: self.of(shape.members[name], depth + 1) for name in chosen}

    def _count(self, depth: int) -> int:
        # Eleven entries: their numbers sort differently as text.
        return self._random.choice((0, 1, 2, 3, 11)) if depth < DEPTH_MAX else 0

    def _scalar(self, shape: Any) -> Any:
        choice = self._random.choice
        kind = shape.type_name
        if kind == "string":
            return choice(shape.enum) if shape.enum and self._random.random() < 0.5 else self._string()
        if kind == "boolean":
            return choice((True, False))
        if kind in ("integer", "long"):
            return choice(INTEGERS if kind == "integer" else LONGS)
        if kind in ("float", "double"):
            return choice((0.0, -1.5, 1e300, 0.1))
        if kind == "blob":
            return choice(BLOBS)
        assert kind == "timestamp", kind
        return choice(INSTANTS_MS)

    def _string(self) -> str:
        if self._random.random() < 0.7:
            return self._random.choice(self._strings)
        return "".join(self._random.choice(self._strings) for _ in range(3))


def plain(value: Any) -> Any:
    """Write botocore's datetimes as milliseconds, as the product has instants."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


def without_empty(value: Any) -> Any:
    """Leave out empty lists, maps and structures: forms and flattened XML cannot tell them from absent ones."""
    if isinstance(value, dict):
        return {name: item for name, raw in value.items() if (item := without_empty(raw)) not in ({}, [])}
    if isinstance(value, list):
        return [item for raw in value if (item := without_empty(raw)) not in ({}, [])]
    return value
