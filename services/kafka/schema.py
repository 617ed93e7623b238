"""Kafka's messages, compiled from Kafka's own descriptions (services/kafka/messages/*.json) to closures, one message and version at a time.

Interpreting a description per request would cost more than all else that a broker does. Closures for each value, with one `struct`
call for each run of fixed-size fields, take some 40 % longer than generated source code would, and need no `exec`. Reading and
compiling a description takes well under a millisecond and happens when the first client uses that version.

A message is a dict in Kafka's field names. Decoded, it has every field of the description: one that this version lacks, and a
tagged one that was left out, has its default. Encoded, a missing key takes its default and a field that this version lacks is left
out; a key that no version knows is a mistake of ours and a ValueError. A uuid is 16 bytes; records are a slice of the frame.
The format of the descriptions: Apache Kafka, clients/src/main/resources/common/message/README.md.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from services.kafka import wire
from services.kafka.wire import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Message = dict[str, Any]
    Reader = Callable[[memoryview, int], tuple[Message, int]]
    Writer = Callable[[bytearray, Message], None]
    Kind = Literal["request", "response"]

__all__ = ("FLEXIBLE_FROM", "Header", "MalformedError", "Messages", "read_header", "response_header")

FOLDER = Path(__file__).parent / "messages"
_COMMENT = re.compile(rb"^\s*//.*$", re.MULTILINE)
_API_VERSIONS = 18
_HEADER = struct.Struct(">hhih")
_NEVER = 0x7FFF

# fmt: off
FLEXIBLE_FROM: Mapping[int, int] = {
    0: 9, 1: 12, 2: 6, 3: 9, 8: 8, 9: 6, 10: 3, 11: 6, 12: 4, 13: 4, 14: 4, 15: 5, 16: 3, 17: _NEVER, 18: 3, 19: 5, 20: 4, 21: 2,
    22: 2, 23: 4, 24: 3, 25: 3, 26: 3, 27: 1, 28: 3, 29: 2, 30: 2, 31: 2, 32: 4, 33: 2, 34: 2, 35: 2, 36: 2, 37: 2, 38: 2, 39: 2,
    40: 2, 41: 2, 42: 2, 43: 2, 44: 1, 45: 0, 46: 0, 47: _NEVER, 48: 1, 49: 1, 50: 0, 51: 0, 52: 0, 53: 1, 54: 1,
    **dict.fromkeys(range(55, 93), 0),
}
"""The first flexible version of every API of Kafka 4.3 (of those too that Eventyard lacks: their requests are refused by name)."""
# fmt: on


class Versions(NamedTuple):
    """A range of versions, both ends in it; the empty one ("none") has its low end above the high one."""

    low: int
    high: int

    def has(self, version: int) -> bool:
        """Whether the version lies in the range."""
        return self.low <= version <= self.high


NONE = Versions(_NEVER, 0)


def _versions(text: str | None) -> Versions:
    if text is None or text == "none":
        return NONE
    if text.endswith("+"):
        return Versions(int(text[:-1]), _NEVER)
    low, _, high = text.partition("-")
    return Versions(int(low), int(high or low))


@dataclass(slots=True, frozen=True)
class Field:
    """A field of a description."""

    name: str
    type: str
    """The type of the value, or of an array's elements."""
    array: bool
    versions: Versions
    nullable: Versions
    flexible: Versions | None
    """Where a field's own flexible versions differ from the message's: the client id of the request header."""
    tagged: Versions
    tag: int
    default: Any
    """As a decoded message has it; for arrays and structs (whose defaults are made anew each time) None if that is null."""
    null_by_default: bool
    fields: tuple[Field, ...] = ()
    """Those of a struct."""

    def fresh(self) -> Any:
        """Make the default of an array or of a struct."""
        if self.null_by_default:
            return None
        return [] if self.array else {field.name: field.fresh_or_default() for field in self.fields}

    def fresh_or_default(self) -> Any:
        """Make the default of any field."""
        return self.fresh() if self.array or self.fields else self.default


@dataclass(slots=True, frozen=True)
class Description:
    """A message as Kafka describes it."""

    title: str
    key: int | None
    versions: Versions
    flexible: Versions
    fields: tuple[Field, ...]


def _default(raw: dict[str, Any], kind: str) -> Any:
    text = raw.get("default", "")
    if kind == "records" or (text == "null" and "nullableVersions" in raw):
        return None
    if kind == "bool":
        return str(text).lower() == "true"
    if kind == "float64":
        return float(text or 0)
    if kind in wire.FORMATS and kind != "uuid":
        return int(str(text) or "0", 0)
    return {"string": text, "bytes": b"", "uuid": wire.NULL_UUID}.get(kind)


def _field(raw: dict[str, Any], structs: Mapping[str, list[dict[str, Any]]]) -> Field:
    array = raw["type"].startswith("[]")
    kind = raw["type"].removeprefix("[]")
    fields = raw.get("fields") or structs.get(kind) or ()
    own = raw.get("flexibleVersions")
    return Field(
        name=raw["name"],
        type=kind,
        array=array,
        versions=_versions(raw["versions"]),
        nullable=_versions(raw.get("nullableVersions")),
        flexible=None if own is None else _versions(own),
        tagged=_versions(raw.get("taggedVersions")),
        tag=raw.get("tag", -1),
        default=None if array else _default(raw, kind),
        null_by_default=raw.get("default") == "null",
        fields=tuple(_field(field, structs) for field in fields),
    )


def read_description(name: str) -> Description:
    """Read a message's description."""
    raw = orjson.loads(_COMMENT.sub(b"", (FOLDER / f"{name}.json").read_bytes()))
    structs = {common["name"]: common["fields"] for common in raw.get("commonStructs", ())}
    return Description(
        title=name,
        key=raw.get("apiKey"),
        versions=_versions(raw["validVersions"]),
        flexible=_versions(raw["flexibleVersions"]),
        fields=tuple(_field(field, structs) for field in raw["fields"]),
    )


class _Compiler:
    """What the reading and the writing half have in common: one version of one message."""

    def __init__(self, description: Description, version: int) -> None:
        self._version = version
        self._flexible = description.flexible.has(version)

    def _prefix(self, field: Field) -> str:
        """How lengths are written, see wire.length_reader."""
        flexible = self._flexible if field.flexible is None else field.flexible.has(self._version)
        if flexible:
            return ""
        return "h" if field.type == "string" and not field.array else "i"

    def _nullable(self, field: Field) -> bool:
        return field.nullable.has(self._version)

    def _plain(self, fields: Iterable[Field]) -> list[Field]:
        """Those that stand in their place in this version."""
        return [f for f in fields if f.versions.has(self._version) and not f.tagged.has(self._version)]

    def _tagged(self, fields: Iterable[Field]) -> list[Field]:
        """Those at the struct's end, by their tags."""
        tagged = [f for f in fields if f.versions.has(self._version) and f.tagged.has(self._version)]
        return sorted(tagged, key=lambda field: field.tag)

    def _bytes_min(self, field: Field) -> int:
        """The fewest bytes that one value (of an array: one element) can take."""
        if field.fields:
            return sum(self._field_bytes_min(inner) for inner in self._plain(field.fields)) + self._flexible
        if field.type in wire.FORMATS:
            return struct.calcsize(f">{wire.FORMATS[field.type]}")
        return 1 if self._flexible else (2 if field.type == "string" else 4)

    def _field_bytes_min(self, field: Field) -> int:
        if field.array:
            return 1 if self._flexible else 4
        return 1 if field.fields and self._nullable(field) else self._bytes_min(field)


class _Reading(_Compiler):
    """Compiles readers."""

    def struct(self, fields: tuple[Field, ...], where: str) -> wire.Read:
        """Read a struct: runs of fixed-size fields by one call, the others one by one, tagged fields at the end."""
        parts = [self._run(list(run), where, fixed=fixed) for fixed, run in groupby(self._plain(fields), _is_fixed)]
        known = {field.tag: (field.name, self._value(field, where)) for field in self._tagged(fields)}
        flexible, blank = self._flexible, {field.name: field.default for field in fields}
        here = {field.name for field in self._plain(fields)}
        made = [(f.name, f.fresh) for f in fields if f.name not in here and (f.array or f.fields)]

        def read(view: memoryview, position: int) -> tuple[Message, int]:
            value = blank.copy()
            for name, fresh in made:
                value[name] = fresh()
            for unpack, names, size, others in parts:
                if names:
                    try:
                        value.update(zip(names, unpack(view, position)))  # noqa: B905 as long by construction; hot
                    except struct.error:
                        raise wire.too_short(f"{where}.{names[0]}") from None
                    position += size
                for name, inner in others:
                    value[name], position = inner(view, position)
            if flexible:
                if position < len(view) and not view[position]:
                    return value, position + 1
                position = wire.read_tags(view, position, value, known, where)
            return value, position

        return read

    def _run(self, fields: list[Field], where: str, *, fixed: bool) -> tuple[Any, list[str], int, list[Any]]:
        if not fixed or len(fields) == 1:
            return None, [], 0, [(field.name, self._value(field, where)) for field in fields]
        run = struct.Struct(">" + "".join(wire.FORMATS[field.type] for field in fields))
        return run.unpack_from, [field.name for field in fields], run.size, []

    def _value(self, field: Field, where: str) -> wire.Read:
        where, nullable, prefix = f"{where}.{field.name}", self._nullable(field), self._prefix(field)
        if not field.array:
            return self._single(field, where, prefix, nullable=nullable)
        length = wire.length_reader(where, prefix, nullable=nullable, unit=max(1, self._bytes_min(field)))
        if field.type in wire.FORMATS:
            return wire.numbers_reader(field.type, length)
        element_prefix = prefix and ("h" if field.type == "string" else "i")
        return wire.array_reader(length, self._single(field, where, element_prefix, nullable=False))

    def _single(self, field: Field, where: str, prefix: str, *, nullable: bool) -> wire.Read:
        if field.fields:
            inner = self.struct(field.fields, where)
            return wire.optional_reader(where, inner) if nullable else inner
        if field.type in wire.FORMATS:
            return wire.number_reader(where, field.type)
        if field.type == "string":
            return wire.string_reader(where, prefix, nullable=nullable)
        return wire.bytes_reader(where, prefix, nullable=nullable, copied=field.type == "bytes")


class _Writing(_Compiler):
    """Compiles writers."""

    def struct(self, fields: tuple[Field, ...], where: str) -> wire.Write:
        """Write a struct: the mirror of reading one."""
        parts = [
            self._run(list(run), where, fixed=fixed) for fixed, run in groupby(self._plain(fields), _is_packed_together)
        ]
        tagged = [self._tag(field, where) for field in self._tagged(fields)]
        flexible = self._flexible
        defaults = {f.name: f.default if f.null_by_default or not f.fields else {} for f in fields}
        defaults |= {f.name: () for f in fields if f.array and not f.null_by_default}
        known = len(defaults)

        def write(out: bytearray, given: Message) -> None:
            value = {**defaults, **given}
            if len(value) != known:
                raise ValueError(f"{where}: no field is named {', '.join(sorted(value.keys() - defaults.keys()))}")
            for pack, pick, others in parts:
                if pack is not None:
                    try:
                        out += pack(*pick(value))
                    except struct.error as error:
                        _refuse_run(where, fields, value, error)
                for name, inner in others:
                    inner(out, value[name])
            if not tagged:
                if flexible:
                    out.append(0)
                return
            made = [(tag, make(given[name])) for tag, name, make in tagged if name in given]
            wire.write_tags(out, [(tag, encoded) for tag, encoded in made if encoded is not None])

        return write

    def _run(self, fields: list[Field], where: str, *, fixed: bool) -> tuple[Any, Any, list[Any]]:
        if not fixed or len(fields) == 1:
            return None, None, [(field.name, self._value(field, where)) for field in fields]
        run = struct.Struct(">" + "".join(wire.write_format(field.type) for field in fields))
        return run.pack, itemgetter(*(field.name for field in fields)), []

    def _tag(self, field: Field, where: str) -> tuple[int, str, Callable[[Any], bytearray | None]]:
        """Compile a tagged field: it gives its bytes, or None for a value that is the default and is left out."""

        def make(value: Any) -> bytearray | None:
            out = bytearray()
            write(out, value)
            return None if out == default else out

        write = self._value(field, where)
        default = bytearray()
        write(default, field.fresh_or_default())
        return field.tag, field.name, make

    def _value(self, field: Field, where: str) -> wire.Write:
        where, nullable, prefix = f"{where}.{field.name}", self._nullable(field), self._prefix(field)
        if not field.array:
            return self._single(field, where, prefix, nullable=nullable)
        if field.type in wire.FORMATS and field.type != "uuid":
            return wire.numbers_writer(where, field.type, prefix, nullable=nullable)
        element_prefix = prefix and ("h" if field.type == "string" else "i")
        element = self._single(field, where, element_prefix, nullable=False)
        return wire.array_writer(where, prefix, element, nullable=nullable)

    def _single(self, field: Field, where: str, prefix: str, *, nullable: bool) -> wire.Write:
        if field.fields:
            inner = self.struct(field.fields, where)
            return wire.optional_writer(inner) if nullable else inner
        if field.type in wire.FORMATS:
            return wire.number_writer(where, field.type)
        if field.type == "string":
            return wire.string_writer(where, prefix, nullable=nullable)
        return wire.bytes_writer(where, prefix, nullable=nullable)


def _is_fixed(field: Field) -> bool:
    return field.type in wire.FORMATS and not field.array


def _is_packed_together(field: Field) -> bool:
    """Whether a field may stand in a run: not a uuid, whose length `struct` would quietly change to 16."""
    return _is_fixed(field) and field.type != "uuid"


def _refuse_run(where: str, fields: tuple[Field, ...], value: Message, error: struct.error) -> None:
    """Find the field of a run that could not be packed."""
    for field in fields:
        if _is_packed_together(field):
            wire.number_writer(f"{where}.{field.name}", field.type)(bytearray(), value[field.name])
    raise ValueError(f"{where}: {error}")


class Messages:
    """The compiled messages; each is compiled when it is first asked for. Hangs on the broker.

    All methods raise ValueError for a version that the description does not have: the server refuses such requests before.
    """

    def __init__(self) -> None:
        self._descriptions: dict[str, Description] = {}
        self._readers: dict[tuple[str, int], Reader] = {}
        self._writers: dict[tuple[str, int], Writer] = {}
        self._requests: dict[tuple[int, int], Reader] = {}
        self._responses: dict[tuple[int, int], Writer] = {}

    def request(self, key: int, name: str, version: int) -> Reader:
        """Give what decodes the request of an API: `Metadata` is key 3."""
        reader = self._requests.get((key, version))
        if reader is None:
            reader = self._requests[key, version] = self.reader(self._named(key, name, "Request"), version)
        return reader

    def response(self, key: int, name: str, version: int) -> Writer:
        """Give what encodes the response of an API."""
        writer = self._responses.get((key, version))
        if writer is None:
            writer = self._responses[key, version] = self.writer(self._named(key, name, "Response"), version)
        return writer

    def request_writer(self, key: int, name: str, version: int) -> Writer:
        """Give what a client encodes a request with."""
        return self.writer(self._named(key, name, "Request"), version)

    def response_reader(self, key: int, name: str, version: int) -> Reader:
        """Give what a client decodes a response with."""
        return self.reader(self._named(key, name, "Response"), version)

    def flexible(self, name: str, kind: Kind, version: int) -> bool:
        """Whether this version of an API's body has compact lengths and tagged fields."""
        return self.describe(name + kind.capitalize()).flexible.has(version)

    def versions(self, name: str, kind: Kind) -> tuple[int, int]:
        """The lowest and the highest version that Kafka has of an API."""
        low, high = self.describe(name + kind.capitalize()).versions
        return low, high

    def reader(self, title: str, version: int) -> Reader:
        """Give what decodes any message, by its description's name: also data such as `ConsumerProtocolAssignment`."""
        reader = self._readers.get((title, version))
        if reader is None:
            description = self._valid(title, version)
            reader = _Reading(description, version).struct(description.fields, f"{title} v{version}")
            self._readers[title, version] = reader
        return reader

    def writer(self, title: str, version: int) -> Writer:
        """Give what encodes any message. It appends; what it has appended before it raises is the caller's to drop."""
        writer = self._writers.get((title, version))
        if writer is None:
            description = self._valid(title, version)
            writer = _Writing(description, version).struct(description.fields, f"{title} v{version}")
            self._writers[title, version] = writer
        return writer

    def describe(self, title: str) -> Description:
        """Give a message's description, by its file's name."""
        description = self._descriptions.get(title)
        if description is None:
            description = self._descriptions[title] = read_description(title)
        return description

    def _valid(self, title: str, version: int) -> Description:
        description = self.describe(title)
        if not description.versions.has(version):
            raise ValueError(f"{title} has no version {version}")
        return description

    def _named(self, key: int, name: str, suffix: str) -> str:
        title = name + suffix
        if self.describe(title).key != key:
            raise ValueError(f"{title} has the API key {self.describe(title).key}, not {key}")
        return title


class Header(NamedTuple):
    """The header of a request, version 1 or 2. `position` is where the body begins."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    position: int

    @property
    def flexible_answer(self) -> bool:
        """Whether the response's header has tagged fields. That of ApiVersions never has: its client does not know the version yet."""
        return self.api_key != _API_VERSIONS and self.api_version >= FLEXIBLE_FROM[self.api_key]


def read_header(view: memoryview) -> Header:
    """Read a request's header. The client id has an old length in every version; tagged fields are skipped."""
    try:
        key, version, correlation_id, count = _HEADER.unpack_from(view)
    except struct.error:
        raise wire.too_short("RequestHeader") from None
    first_flexible = FLEXIBLE_FROM.get(key)
    if first_flexible is None:
        raise MalformedError(f"RequestHeader.RequestApiKey: no API has the key {key}")
    position, client_id = _HEADER.size, None
    if count >= 0:
        client_id, position = _client_id(view, position - 2)
    elif count != -1:
        raise MalformedError(f"RequestHeader.ClientId: a length of {count}")
    if version >= first_flexible:
        position = wire.read_tags(view, position, {}, {}, "RequestHeader")
    return Header(key, version, correlation_id, client_id, position)


_client_id = wire.string_reader("RequestHeader.ClientId", "h", nullable=True)


def response_header(correlation_id: int, flexible: bool) -> bytes:  # noqa: FBT001 the one thing that it is told
    """Make a response's header, version 1 (with no tagged field) or 0; see Header.flexible_answer."""
    number = struct.pack(">i", correlation_id)
    return number + b"\0" if flexible else number
