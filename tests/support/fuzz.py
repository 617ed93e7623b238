"""Requests that are nearly right: what the shapes of a botocore model allow, with odd things put where they hurt.

Everything is drawn from a seed, so that a failing case can be had again. Values are JSON's, and `Raw` ones: tokens that no Python
value stands for (NaN, numbers of 400 digits, half a surrogate pair, an object with the same key twice).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any
from urllib.parse import quote_plus

from botocore.model import Shape

DEPTH_MAX = 5
DEEP = 5_000
LONG = 70_000
HALF_PAIR = "\ud800"

RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e400",
    "1" + "0" * 400,
    "1" * 5_000,
    "-0",
    "01",
    "1.",
    ".5",
    "0x10",
    "1e-9999",
    "'single'",
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"\t"',
    '"open',
    '{"a":1,"a":2}',
    '{"Name":"a","Name":null,"QueueName":{},"QueueName":[]}',
    '{"\\ud800":1}',
    "[" * DEEP,
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    "{}{}",
    "// no",
    "",
    ",",
)
"""What stands for a value in JSON text, and what does not."""
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    -(2**31) - 1,
    2**53 + 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**18,
    0.5,
    -0.0,
    1e18,
    1e308,
    5e-324,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x7f",
    "\ufffe\uffff",
    "\u2028",
    "\U0010ffff",
    "é" * 100,
    "٣",  # a digit to str.isdigit, and to int
    "²",  # a digit to str.isdigit, but not to int
    "-1",
    "1e5",
    "NaN",
    "inf",
    "true",
    "null",
    "1_000",
    " 7 ",
    "9" * 400,
    "x" * LONG,
    "<&>\"']]>",
    "a=b&c=%zz",
    "%00%ff",
    "../../etc/passwd",
    "arn:",
    "arn:aws:sqs:::",
    "arn:aws:sns:us-east-1:000000000000:" + "x" * 300,
    "arn:aws:sqs:us-east-1:000000000000:a:b:c",
    "http://",
    "http://[::1",
    "http://localhost:99999/x/y",
    "http://\x00/",
    "//localhost",
    "{}",
    "[]",
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    '{"a":NaN}',
    '{"a":1' + "0" * 400 + "}",
    '{"a":1e999}',
    '{"a":"\\ud800"}',
    '{"a":[{"numeric":[">",1e400]}]}',
    '{"a":[{"wildcard":"' + "*a" * 60 + '"}]}',
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": {}},
    {"\x00": None},
    {"a": {"a": {"a": {}}}},
    ["x"] * 300,
    {"DataType": "Number", "StringValue": "1e99999"},
    {"DataType": "Number.\x00", "StringValue": "٣"},
    {"DataType": "Binary", "BinaryValue": "===="},
)
"""Values that are right JSON and seldom what is wanted."""


class Raw(str):
    """JSON text that is to stand as it is."""

    __slots__ = ()


def to_json(value: Any) -> bytes:
    """Write a value, Raw ones as they are and half a surrogate pair as an escape."""
    return _text(value).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value)


def to_form(action: str, version: str, value: Any) -> bytes:
    """Write a value as a form; lists both flattened and not, since operations differ."""
    fields = [("Action", action), ("Version", version)]
    _flatten("", value, fields)
    return "&".join(f"{_quote(name)}={_quote(text)}" for name, text in fields).encode()


def _quote(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"))


def _flatten(path: str, value: Any, fields: list[tuple[str, str]]) -> None:
    dot = f"{path}." if path else ""
    if isinstance(value, Mapping):
        for number, (key, item) in enumerate(value.items(), 1):
            _flatten(f"{dot}{key}", item, fields)
            if path:
                for between in (f"{dot}{number}", f"{dot}entry.{number}"):
                    fields.extend([(f"{between}.key", str(key)), (f"{between}.Name", str(key))])
                    _flatten(f"{between}.value", item, fields)
                    _flatten(f"{between}.Value", item, fields)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            _flatten(f"{dot}{number}", item, fields)
            _flatten(f"{dot}member.{number}", item, fields)
    elif value is not None:
        fields.append((path, str(value).lower() if isinstance(value, bool) else str(value)))


class Fuzz:
    """Draws values and damages them. `pool` has good values by the name of the member, in small letters, that they are for."""

    def __init__(self, seed: str, pool: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.chance = Random(seed)
        self._pool = pool or {}

    def of(self, shape: Shape | None, name: str = "", depth: int = 0) -> Any:
        """Draw a value of a shape that may well be right: out of the pool where that has the name."""
        if shape is None:
            return {}
        known = self._pool.get(name.lower())
        if known:
            return deepcopy(self.chance.choice(known))
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, depth)
        if kind == "list":
            return [self.of(shape.member, name, depth + 1) for _ in range(self._count(depth))]
        if kind == "map":
            return {
                str(self.of(shape.key, f"{name} key")): self.of(shape.value, f"{name} value", depth + 1)
                for _ in range(self._count(depth))
            }
        return self._scalar(shape)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        return {
            name: self.of(member, name, depth + 1)
            for name, member in shape.members.items()
            if name in shape.required_members or self.chance.random() < (0.6 if name.lower() in self._pool else 0.1)
        }

    def _count(self, depth: int) -> int:
        return self.chance.choice((0, 1, 1, 2, 11)) if depth < DEPTH_MAX else 0

    def _scalar(self, shape: Any) -> Any:
        kind, choice = shape.type_name, self.chance.choice
        if kind == "string":
            return choice(shape.enum) if shape.enum else choice(("a", "orders", "1", "abc-1.fifo", "true", ""))
        if kind == "boolean":
            return choice((True, False))
        if kind == "blob":
            return choice(("", "AA==", "YWJj"))
        return choice((0, 1, 10, 300, 1_767_225_600))

    def damage(self, value: Any, *, raw: bool = True) -> Any:
        """Put something odd in one place of a value, or take that place away."""
        found = places(value)
        if not found or self.chance.random() < 0.02:
            return self._odd(raw=raw)
        holder, key = self.chance.choice(found)
        act = self.chance.random()
        if act < 0.1:
            del holder[key]
        elif act < 0.2 and isinstance(holder, dict):
            holder[str(self._odd(raw=False))[:LONG]] = holder.pop(key)
        elif act < 0.5 and isinstance(holder[key], str) and not isinstance(holder[key], Raw):
            holder[key] = self._damage_text(holder[key])
        else:
            holder[key] = self._odd(raw=raw)
        return value

    def _odd(self, *, raw: bool) -> Any:
        if raw and self.chance.random() < 0.3:
            return Raw(self.chance.choice(RAW))
        return deepcopy(self.chance.choice(ODD))

    def _damage_text(self, text: str) -> str:
        """Damage a text; one that is JSON itself mostly inside."""
        if text[:1] in ("{", "[") and self.chance.random() < 0.7:
            try:
                return to_json(self.damage(json.loads(text))).decode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                return text[: len(text) // 2]
        at = self.chance.randrange(len(text) + 1)
        piece = self.chance.choice(
            (HALF_PAIR, "\x00", "*", "\\", "(", "[", '"', "{", ".", "$", "<", "é", "x" * 300, "")
        )
        return text[:at] + piece + text[at + self.chance.choice((0, 0, 1, 3)) :]

    def damage_bytes(self, data: bytes) -> bytes:
        """Flip, cut, double or put in bytes."""
        found = bytearray(data)
        for _ in range(self.chance.choice((1, 1, 2, 8))):
            at = self.chance.randrange(len(found) + 1)
            act = self.chance.randrange(5)
            if act == 0:
                found[at:at] = self.chance.randbytes(self.chance.randrange(1, 9))
            elif act == 1:
                del found[at : at + self.chance.randrange(1, 9)]
            elif act == 2:
                del found[at:]
            elif act == 3:
                found[at:at] = found[max(0, at - 20) : at]
            elif at < len(found):
                found[at] ^= 1 << self.chance.randrange(8)
        return bytes(found)


def places(value: Any) -> list[tuple[Any, Any]]:
    """List every place in a value that can be put something into: its holder and the key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict):
            found += [(holder, key) for key in holder]
            waiting += holder.values()
        elif isinstance(holder, list):
            found += [(holder, key) for key in range(len(holder))]
            waiting += holder
    return found
