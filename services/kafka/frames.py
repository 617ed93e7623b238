"""Frames: a length of four bytes, then so many bytes. Cut out of what was read, without copying where that can be.

All connections read into one buffer, because what a read brought is taken up before the next read. Only the beginning of
a frame that is not whole yet is moved: into a buffer just for this frame, into which its rest is then read directly.
"""

from __future__ import annotations

import mmap
import os
from struct import Struct
from typing import TYPE_CHECKING

from services.kafka.limits import REQUEST_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED_BYTES = 256 * 1024
KEPT_BYTES_MAX = 2 << 20
"""A connection keeps its buffer for large frames up to this size; its pages need not be touched anew for each."""

_SIZE = Struct(">i")


class FrameError(Exception):
    """What came is no frame of Kafka's. The text says what it looks like."""


class Frames:
    """The buffer that all connections of a listener read into."""

    def __init__(self) -> None:
        self.shared = memoryview(bytearray(SHARED_BYTES))

    def reader(self) -> FrameReader:
        """Begin with a new connection."""
        return FrameReader(self)


class FrameReader:
    """Cuts one connection's bytes into frames. `room`, then a read, then `cut` with the number of bytes read."""

    __slots__ = ("_big", "_big_size", "_filled", "_frames", "_kept", "_rest", "bytes_max")

    def __init__(self, frames: Frames) -> None:
        self.bytes_max = REQUEST_BYTES_MAX
        """The largest frame that is taken; less from who has yet to log in."""
        self._frames = frames
        self._rest = b""  # less than the four bytes of a length
        self._kept: memoryview | None = None
        self._big: memoryview | None = None
        self._big_size = self._filled = 0

    def room(self) -> memoryview:
        """Say where to read to; there is always room for a byte at least."""
        if self._big is not None:
            return self._big[self._filled : self._big_size]
        if self._rest:
            self._frames.shared[: len(self._rest)] = self._rest
        return self._frames.shared[len(self._rest) :]

    def cut(self, count: int) -> Iterator[memoryview]:
        """Yield the frames that are whole now, without their lengths. Each is good until the next one is asked for.

        Raises FrameError for a length that cannot be.
        """
        if self._big is not None:
            self._filled += count
            if self._filled == self._big_size:
                frame, self._big = self._big[: self._big_size], None
                yield frame
            return
        shared, end, position = self._frames.shared, len(self._rest) + count, 0
        self._rest = b""
        while end - position >= 4:
            size = _SIZE.unpack_from(shared, position)[0]
            if not 0 < size <= self.bytes_max:
                raise FrameError(_looks_like(bytes(shared[position : min(end, position + 16)]), self.bytes_max))
            if position + 4 + size > end:
                self._begin_big(size, shared[position + 4 : end])
                return
            yield shared[position + 4 : position + 4 + size]
            position += 4 + size
        self._rest = bytes(shared[position:end])

    def close(self) -> None:
        """Give the buffers back."""
        self._big = self._kept = None

    def _begin_big(self, size: int, begun: memoryview) -> None:
        if size > KEPT_BYTES_MAX:
            self._big = _pages(size)
        else:
            if self._kept is None or len(self._kept) < size:
                self._kept = _pages(max(size, 1 << 16))
            self._big = self._kept
        self._big_size, self._filled = size, len(begun)
        self._big[: len(begun)] = begun


def _pages(size: int) -> memoryview:
    """Take memory that costs nothing until it is written to: who announces 100 MB and sends four bytes gets a page."""
    if os.name != "posix":
        return memoryview(mmap.mmap(-1, size))
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def _looks_like(head: bytes, bytes_max: int) -> str:
    """Say what a client speaks that is not Kafka's protocol."""
    if head[:4] in (b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PATC"):
        return "speaks HTTP; the AWS services are on the other port"
    if head[:1] == b"\x16" and head[1:2] == b"\x03":
        return "speaks TLS, which is off here (--kafka-security ssl or sasl_ssl switches it on)"
    return f"sent a frame of {_SIZE.unpack_from(head)[0]:,} bytes; at most {bytes_max:,} are taken"
