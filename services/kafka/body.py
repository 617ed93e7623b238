"""A cursor over a request's body and the small writers beside it, for the two APIs that are read and written by hand: Produce and Fetch."""

from __future__ import annotations

import struct
from struct import Struct

from services.kafka.wire import MalformedError, read_tags, read_varint, write_varint

_INT8, _INT16, _INT32, _INT64 = Struct(">b"), Struct(">h"), Struct(">i"), Struct(">q")


class Body:
    """Reads one value after the other. `flexible` versions have compact lengths and tagged fields (KIP-482). Raises MalformedError."""

    __slots__ = ("flexible", "frame", "position")

    def __init__(self, frame: memoryview, position: int, flexible: bool) -> None:  # noqa: FBT001 - hot
        self.frame = frame
        self.position = position
        self.flexible = flexible

    def take(self, form: Struct) -> tuple[int, ...]:
        """Read some numbers that stand side by side."""
        position = self.position
        try:
            found = form.unpack_from(self.frame, position)
        except struct.error:
            raise MalformedError("the frame ends too early") from None
        self.position = position + form.size
        return found

    def int8(self) -> int:
        """Read a number of one byte."""
        return self.take(_INT8)[0]

    def int16(self) -> int:
        """Read a number of two bytes."""
        return self.take(_INT16)[0]

    def int32(self) -> int:
        """Read a number of four bytes."""
        return self.take(_INT32)[0]

    def int64(self) -> int:
        """Read a number of eight bytes."""
        return self.take(_INT64)[0]

    def _length(self, form: Struct) -> int:
        """Read a length, -1 being null; so many bytes are there."""
        if not self.flexible:
            length = self.take(form)[0]
        elif self.position < len(self.frame) and (length := self.frame[self.position] - 1) < 0x7F:
            self.position += 1
        else:
            length, self.position = read_varint(self.frame, self.position, "a length")
            length -= 1
        if not -1 <= length <= len(self.frame) - self.position:
            raise MalformedError(f"a length of {length}, beyond the end of the frame")
        return length

    def string(self) -> str | None:
        """Read a string or null."""
        length = self._length(_INT16)
        if length < 0:
            return None
        start = self.position
        self.position = start + length
        try:
            return str(self.frame[start : start + length], "utf-8")
        except UnicodeDecodeError:
            raise MalformedError("a string that is no UTF-8") from None

    def uuid(self) -> bytes:
        """Read 16 bytes."""
        start = self.position
        if len(self.frame) - start < 16:
            raise MalformedError("the frame ends too early")
        self.position = start + 16
        return bytes(self.frame[start : start + 16])

    def records(self) -> memoryview | None:
        """Read records, not copied, or null."""
        length = self._length(_INT32)
        if length < 0:
            return None
        start = self.position
        self.position = start + length
        return self.frame[start : start + length]

    def count(self) -> int:
        """Read how many elements an array has; null counts as none."""
        return max(0, self._length(_INT32))

    def tags(self) -> None:
        """Skip tagged fields: none that a client sends matters here."""
        if not self.flexible:
            return
        if self.position < len(self.frame) and self.frame[self.position] == 0:
            self.position += 1
        else:
            self.position = read_tags(self.frame, self.position, {}, {}, "tagged fields")


def put_count(out: bytearray, count: int, *, flexible: bool) -> None:
    """Write how many elements follow."""
    if not flexible:
        out += _INT32.pack(count)
    elif count < 0x7F:
        out.append(count + 1)
    else:
        write_varint(out, count + 1)


def put_text(out: bytearray, text: str | None, *, flexible: bool) -> None:
    """Write a string or null."""
    if text is None:
        out += b"\0" if flexible else b"\xff\xff"
        return
    encoded = text.encode()
    if flexible:
        write_varint(out, len(encoded) + 1)
    else:
        out += _INT16.pack(len(encoded))
    out += encoded


def put_topic(out: bytearray, topic: str | bytes, *, flexible: bool) -> None:
    """Write a topic as it was asked for: by name or by id."""
    if isinstance(topic, bytes):
        out += topic
    else:
        put_text(out, topic, flexible=flexible)
