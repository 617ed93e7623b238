"""JSON values to Python values and back, by shape. Each shape becomes a closure once; nothing looks at the description
per request.

| shape                | in JSON                                   | in Python      |
|----------------------|-------------------------------------------|----------------|
| string               | string                                    | str            |
| integer, long        | number without a fraction                 | int            |
| float, double        | number, or "NaN", "Infinity", "-Infinity" | float          |
| boolean              | true, false                               | bool           |
| blob                 | base64 text                               | bytes          |
| timestamp            | number of seconds since the epoch         | int (ms)       |
| list, map, structure | array, object, object                     | list, dict     |

null counts as absent, None in an answer's structure too. An unknown member of a structure is passed over, as AWS does. A
value of a wrong kind is AWS's SerializationException; its words are those of AWS's Java front end, which some test suites
compare.

Most answers are in Python what they are in JSON, so that only those with an instant or a member of another name on the wire
are written through closures; base64 is the business of the JSON encoder (aws_json.py).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from emulator.errors import malformed_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Parse = Callable[[Any], Any]
    Write = Callable[[Any], Any]

_PLAIN = {"string": str, "character": str, "integer": int, "long": int, "boolean": bool}
"""Kinds whose values are in Python what they are in JSON."""

TIMESTAMP_MAX_S = 253_402_300_799
"""The end of the year 9999."""
_KINDS = {str: "STRING_VALUE", bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


def _mismatch(value: object, wanted: str) -> Exception:
    if isinstance(value, list):
        return malformed_input("Start of list found where not expected")
    if isinstance(value, dict):
        return malformed_input("Start of structure or map found where not expected.")
    kind = "FALSE_VALUE" if value is False else _KINDS.get(type(value), "VALUE")
    return malformed_input(f"{kind} can not be converted to {wanted}")


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _mismatch(value, "a String")


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise _mismatch(value, "an Integer")


def _float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _mismatch(value, "a Float")


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _mismatch(value, "a Boolean")


def _blob(value: Any) -> bytes:
    if type(value) is not str:
        raise _mismatch(value, "a Blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise malformed_input("The blob is not valid base64.") from None


def _timestamp(value: Any) -> int:
    if (type(value) is int or type(value) is float) and abs(value) <= TIMESTAMP_MAX_S:
        return round(value * 1000)
    raise _mismatch(value, "a Timestamp")


def _seconds(instant_ms: int) -> float:
    return instant_ms / 1000


_SCALARS: Mapping[str, Parse] = {
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}


class JsonShapes:
    """The parsers and writers of one model's shapes, made when first asked for and then kept; a shape may hold itself."""

    def __init__(self, shapes: Mapping[str, dict[str, Any]]) -> None:
        self._shapes = shapes
        self._parsers: dict[str, Parse] = {}
        self._writers: dict[str, Write | None] = {}

    def parser(self, name: str) -> Parse:
        """Get the parser of a shape."""
        parse = self._parsers.get(name)
        if parse is None:
            # A shape that holds itself finds this door while its own parser is being made.
            self._parsers[name] = lambda value: self._parsers[name](value)
            parse = self._parsers[name] = self._compile(self._shapes[name])
        return parse

    def writer(self, name: str) -> Write | None:
        """Get the writer of a shape; None for one whose values are in Python what they are in JSON."""
        return self._writer(name) if self._converts(name, set()) else None

    def _converts(self, name: str, seen: set[str]) -> bool:
        """Whether a shape holds, at any depth, an instant or a member that goes by another name on the wire."""
        if name in seen:
            return False
        seen.add(name)
        shape = self._shapes[name]
        members = _members(shape)
        renamed = any(member.get("locationName", key) != key for key, member in shape.get("members", {}).items())
        return renamed or shape["type"] == "timestamp" or any(self._converts(member, seen) for member in members)

    def _writer(self, name: str) -> Write | None:
        if name not in self._writers:
            # As in `parser`; the door may find that there is nothing to do.
            self._writers[name] = lambda value: write(value) if (write := self._writers[name]) else value
            self._writers[name] = self._compile_writer(self._shapes[name])
        return self._writers[name]

    def _compile_writer(self, shape: dict[str, Any]) -> Write | None:
        kind = shape["type"]
        if kind == "structure":
            return self._structure_writer(shape)
        if kind == "timestamp":
            return _seconds
        if kind not in ("list", "map") or (write := self._writer(_members(shape)[0])) is None:
            return None
        if kind == "list":
            return lambda value: [write(item) for item in value]
        return lambda value: {key: write(item) for key, item in value.items()}

    def _structure_writer(self, shape: dict[str, Any]) -> Write:
        members = {
            name: (member.get("locationName", name), self._writer(member["shape"]))
            for name, member in shape["members"].items()
        }

        def write(value: Any) -> dict[str, Any]:
            written = {}
            for name, item in value.items():
                if item is not None:
                    wire_name, convert = members[name]
                    written[wire_name] = item if convert is None else convert(item)
            return written

        return write

    def _compile(self, shape: dict[str, Any]) -> Parse:
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return _SCALARS[kind]

    def _structure(self, shape: dict[str, Any]) -> Parse:
        members = {
            member.get("locationName", name): (name, self.parser(member["shape"]))
            for name, member in shape["members"].items()
        }
        find = members.get
        plain = {name: self._plain(member) for name, member in shape["members"].items()}.get

        def parse(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise _expected(value, "structure")
            for key, item in value.items():
                if type(item) is not plain(key):
                    break
            else:
                return value  # as nearly all are that hold no other structure: nothing to convert, to rename or to leave out
            parsed = {}
            for key, item in value.items():
                if item is not None and (member := find(key)) is not None:
                    parsed[member[0]] = member[1](item)
            return parsed

        return parse

    def _plain(self, member: dict[str, Any]) -> type | None:
        """Tell the type of a member's values in JSON, if they and its name are what the operation sees."""
        return None if "locationName" in member else _PLAIN.get(self._shapes[member["shape"]]["type"])

    def _list(self, shape: dict[str, Any]) -> Parse:
        member = self.parser(shape["member"]["shape"])

        def parse(value: Any) -> list[Any]:
            if type(value) is not list:
                raise _expected(value, "list")
            return [member(item) for item in value if item is not None]

        return parse

    def _map(self, shape: dict[str, Any]) -> Parse:
        member = self.parser(shape["value"]["shape"])

        def parse(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise _expected(value, "map")
            return {key: member(item) for key, item in value.items() if item is not None}

        return parse


def _members(shape: dict[str, Any]) -> list[str]:
    """Name the shapes that stand in a shape's values; those of map keys, which are texts, aside."""
    if shape["type"] == "structure":
        return [member["shape"] for member in shape["members"].values()]
    if shape["type"] in ("list", "map"):
        return [shape["member" if shape["type"] == "list" else "value"]["shape"]]
    return []


def _expected(value: object, wanted: str) -> Exception:
    if isinstance(value, list | dict):
        return _mismatch(value, wanted)
    return malformed_input(
        "Expected list or null"
        if wanted == "list"
        else "Expected structure or null"
        if wanted == "structure"
        else "Expected map or null"
    )
