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

null counts as absent. An unknown member of a structure is passed over, as AWS does. A value of a wrong kind is AWS's
SerializationException; its words are those of AWS's Java front end, which some test suites compare.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from emulator.errors import malformed_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Parse = Callable[[Any], Any]

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
    """The parsers of one model's shapes, made when first asked for and then kept; a shape may hold itself."""

    def __init__(self, shapes: Mapping[str, dict[str, Any]]) -> None:
        self._shapes = shapes
        self._parsers: dict[str, Parse] = {}

    def parser(self, name: str) -> Parse:
        """Get the parser of a shape."""
        parse = self._parsers.get(name)
        if parse is None:
            # A shape that holds itself finds this door while its own parser is being made.
            self._parsers[name] = lambda value: self._parsers[name](value)
            parse = self._parsers[name] = self._compile(self._shapes[name])
        return parse

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

        def parse(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise _expected(value, "structure")
            parsed = {}
            for key, item in value.items():
                if item is not None and (member := find(key)) is not None:
                    parsed[member[0]] = member[1](item)
            return parsed

        return parse

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
