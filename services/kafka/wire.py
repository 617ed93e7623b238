"""The primitive types of Kafka's protocol: integers, varints, strings, bytes, records, arrays, tagged fields.

Each function here makes a closure that reads or writes ONE value: a reader takes the frame and a position and gives the value and the
position behind it; a writer appends to a bytearray. "Flexible" versions of a message (KIP-482) write lengths as unsigned varints of
length + 1, null as 0; older ones as int16 (strings) or int32 (all else), null as -1. `where` names the message and the field in errors.

What a client sends is never trusted: no reader allocates by a count before that many bytes are known to be there.
Source: kafka.apache.org/protocol, "Protocol Primitive Types"; org.apache.kafka.common.protocol.ByteBufferAccessor.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Read = Callable[[memoryview, int], tuple[Any, int]]
    Write = Callable[[bytearray, Any], None]
    ReadLength = Callable[[memoryview, int], tuple[int, int]]

STRING_BYTES_MAX = 0x7FFF
"""Kafka allows no longer string, also where the varint could count further."""
NULL_UUID = b"\0" * 16
FORMATS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
"""The types of a fixed size, as `struct` spells them."""
SMALL_ARRAY = 8
"""Arrays of fewer numbers (replicas, in-sync replicas) have their `struct` ready."""
_NULL = -1
_VARINT_BITS = 32


class MalformedError(Exception):
    """These bytes are not the message that they claim to be; the text says which message, which field and what is wrong."""


def too_short(where: str) -> MalformedError:
    """The frame ends before the value does."""
    return MalformedError(f"{where}: the frame ends too early")


def read_varint(view: memoryview, position: int, where: str) -> tuple[int, int]:
    """Read an unsigned varint of at most 32 bits."""
    value = shift = 0
    while shift < _VARINT_BITS:
        if position >= len(view):
            raise too_short(where)
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> _VARINT_BITS:
                break
            return value, position
        shift += 7
    raise MalformedError(f"{where}: a varint of more than {_VARINT_BITS} bits")


def write_varint(out: bytearray, value: int) -> None:
    """Append an unsigned varint."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def length_reader(where: str, prefix: str, *, nullable: bool, unit: int = 1) -> ReadLength:
    """Read a length, -1 being null; what follows it, `unit` bytes or more for each, is known to be in the frame.

    `prefix` is how the length is written: "h" or "i" for int16 and int32, "" for a varint.
    """

    def refuse(count: int) -> MalformedError:
        if count == _NULL:
            return MalformedError(f"{where}: null is not allowed")
        return MalformedError(f"{where}: a length of {count}{', beyond the end of the frame' if count > 0 else ''}")

    def compact(view: memoryview, position: int) -> tuple[int, int]:
        # The first branch is read_varint of one byte, which nearly all lengths take.
        if position < len(view) and (count := view[position]) < 0x80:
            position += 1
        else:
            count, position = read_varint(view, position, where)
        count -= 1
        if count * unit > len(view) - position or count < lowest:
            raise refuse(count)
        return count, position

    def plain(view: memoryview, position: int) -> tuple[int, int]:
        try:
            count: int = unpack(view, position)[0]
        except struct.error:
            raise too_short(where) from None
        position += size
        if count * unit > len(view) - position or count < lowest:
            raise refuse(count)
        return count, position

    lowest = _NULL if nullable else 0
    if not prefix:
        return compact
    number = struct.Struct(f">{prefix}")
    unpack, size = number.unpack_from, number.size
    return plain


def length_writer(where: str, prefix: str, *, nullable: bool) -> Callable[[bytearray, int], None]:
    """Append a length, -1 being null."""

    def compact(out: bytearray, count: int) -> None:
        if count < lowest:
            raise null_given(where)
        if count < 0x7F:
            out.append(count + 1)
        else:
            write_varint(out, count + 1)

    def plain(out: bytearray, count: int) -> None:
        if count < lowest:
            raise null_given(where)
        out += pack(count)

    lowest = _NULL if nullable else 0
    pack = struct.Struct(f">{prefix or 'i'}").pack
    return plain if prefix else compact


def null_given(where: str) -> ValueError:
    """Our own answer is wrong: None stands where the protocol has no null."""
    return ValueError(f"{where}: None is not allowed")


def number_reader(where: str, kind: str) -> Read:
    """Read one value of a fixed size."""
    number = struct.Struct(f">{FORMATS[kind]}")
    unpack, size = number.unpack_from, number.size

    def read(view: memoryview, position: int) -> tuple[Any, int]:
        try:
            return unpack(view, position)[0], position + size
        except struct.error:
            raise too_short(where) from None

    return read


def write_format(kind: str) -> str:
    """Say how `struct` writes a type. A bool is written as a number, for "?" takes everything, None included."""
    return "b" if kind == "bool" else FORMATS[kind]


def number_writer(where: str, kind: str) -> Write:
    """Append one value of a fixed size."""
    pack = struct.Struct(f">{write_format(kind)}").pack

    def write(out: bytearray, value: Any) -> None:
        try:
            out += pack(value)
        except struct.error as error:
            refuse_number(where, kind, value, error)

    def write_uuid(out: bytearray, value: Any) -> None:
        if type(value) is not bytes or len(value) != len(NULL_UUID):
            raise null_given(where) if value is None else ValueError(f"{where}: {value!r} is not a uuid of 16 bytes")
        out += value

    return write_uuid if kind == "uuid" else write


def refuse_number(where: str, kind: str, value: object, error: struct.error) -> NoReturn:
    """Raise for a value that does not fit its type."""
    if value is None:
        raise null_given(where) from None
    raise ValueError(f"{where}: {value!r} is not {kind}: {error}") from None


def numbers_reader(kind: str, length: ReadLength) -> Read:
    """Read an array of values of a fixed size; `length` has the size as its unit."""
    code = FORMATS[kind]
    size = struct.calcsize(f">{code}")

    def read(view: memoryview, position: int) -> tuple[list[Any] | None, int]:
        count, position = length(view, position)
        if count < 0:
            return None, position
        return list(struct.unpack_from(f">{count}{code}", view, position)), position + count * size

    return read


def numbers_writer(where: str, kind: str, prefix: str, *, nullable: bool) -> Write:
    """Append an array of values of a fixed size."""
    put_length = length_writer(where, prefix, nullable=nullable)
    code = write_format(kind)
    small = [struct.Struct(f">{count}{code}").pack for count in range(SMALL_ARRAY)]

    def write(out: bytearray, items: Any) -> None:
        count = _NULL if items is None else len(items)
        put_length(out, count)
        if count > 0:
            try:
                out += small[count](*items) if count < SMALL_ARRAY else struct.pack(f">{count}{code}", *items)
            except struct.error as error:
                refuse_number(where, f"[]{kind}", items, error)

    return write


def string_reader(where: str, prefix: str, *, nullable: bool) -> Read:
    """Read a string of UTF-8."""
    length = length_reader(where, prefix, nullable=nullable)

    def read(view: memoryview, position: int) -> tuple[str | None, int]:
        count, position = length(view, position)
        if count < 0:
            return None, position
        if count > STRING_BYTES_MAX:
            raise MalformedError(f"{where}: a string of {count} bytes, more than {STRING_BYTES_MAX}")
        end = position + count
        try:
            return view[position:end].tobytes().decode(), end
        except UnicodeDecodeError:
            raise MalformedError(f"{where}: a string that is not UTF-8") from None

    return read


def string_writer(where: str, prefix: str, *, nullable: bool) -> Write:
    """Append a string as UTF-8."""
    put_length = length_writer(where, prefix, nullable=nullable)

    def write(out: bytearray, value: Any) -> None:
        if value is None:
            put_length(out, _NULL)
            return
        encoded = value.encode()
        count = len(encoded)
        if count > STRING_BYTES_MAX:
            raise ValueError(f"{where}: a string of {count} bytes, more than {STRING_BYTES_MAX}")
        put_length(out, count)
        out += encoded

    return write


def bytes_reader(where: str, prefix: str, *, nullable: bool, copied: bool) -> Read:
    """Read bytes; not `copied` they are a slice of the frame (records)."""
    length = length_reader(where, prefix, nullable=nullable)

    def read(view: memoryview, position: int) -> tuple[bytes | memoryview | None, int]:
        count, position = length(view, position)
        if count < 0:
            return None, position
        end = position + count
        part = view[position:end]
        return (part.tobytes() if copied else part), end

    return read


def bytes_writer(where: str, prefix: str, *, nullable: bool) -> Write:
    """Append bytes: anything with a buffer, or a list of such that are written one after another."""
    put_length = length_writer(where, prefix, nullable=nullable)

    def write(out: bytearray, value: Any) -> None:
        if value is None:
            put_length(out, _NULL)
        elif type(value) is list:
            put_length(out, sum(map(len, value)))
            for part in value:
                out += part
        else:
            put_length(out, len(value))
            out += value

    return write


def array_reader(length: ReadLength, element: Read) -> Read:
    """Read an array."""

    def read(view: memoryview, position: int) -> tuple[list[Any] | None, int]:
        count, position = length(view, position)
        if count < 0:
            return None, position
        items = []
        for _ in range(count):
            item, position = element(view, position)
            items.append(item)
        return items, position

    return read


def array_writer(where: str, prefix: str, element: Write, *, nullable: bool) -> Write:
    """Append an array."""
    put_length = length_writer(where, prefix, nullable=nullable)

    def write(out: bytearray, items: Any) -> None:
        if items is None:
            put_length(out, _NULL)
            return
        put_length(out, len(items))
        for item in items:
            element(out, item)

    return write


def optional_reader(where: str, inner: Read) -> Read:
    """Read a struct that may be null: a byte below zero says so (Kafka writes -1, and 1 before a struct)."""

    def read(view: memoryview, position: int) -> tuple[Any, int]:
        if position >= len(view):
            raise too_short(where)
        if view[position] >= 0x80:
            return None, position + 1
        return inner(view, position + 1)

    return read


def optional_writer(inner: Write) -> Write:
    """Append a struct that may be null."""

    def write(out: bytearray, value: Any) -> None:
        if value is None:
            out.append(0xFF)
        else:
            out.append(1)
            inner(out, value)

    return write


def read_tags(
    view: memoryview, position: int, into: dict[str, Any], known: Mapping[int, tuple[str, Read]], where: str
) -> int:
    """Read the tagged fields at the end of a struct into its dict, give the position behind them. Unknown tags are skipped."""
    count, position = read_varint(view, position, where)
    for _ in range(count):
        tag, position = read_varint(view, position, where)
        size, position = read_varint(view, position, where)
        end = position + size
        if end > len(view):
            raise MalformedError(f"{where}: tag {tag} of {size} bytes, beyond the end of the frame")
        if tag in known:
            name, read = known[tag]
            into[name], position = read(view[:end], position)
            if position != end:
                raise MalformedError(f"{where}.{name}: bytes left over in a tagged field of {size} bytes")
        position = end
    return position


def write_tags(out: bytearray, tags: list[tuple[int, bytearray]]) -> None:
    """Append tagged fields, which are sorted by their tag."""
    write_varint(out, len(tags))
    for tag, encoded in tags:
        write_varint(out, tag)
        write_varint(out, len(encoded))
        out += encoded
