"""Entries that tell their own offsets, time and checksum, as Kafka's batches do: 28 bytes and a payload."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

HEAD = struct.Struct(">IIqqi")
"""Checksum of what follows it, length of the whole, first offset, time, count."""


def frame(offset: int, count: int, time_ms: int, payload: bytes) -> bytes:
    whole = HEAD.pack(0, HEAD.size + len(payload), offset, time_ms, count) + payload
    return struct.pack(">I", zlib.crc32(whole[4:])) + whole[4:]


def cut(view: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Find the whole frames from the start on (files.Cut)."""
    at = 0
    while at + HEAD.size <= len(view):
        checksum, size, offset, time_ms, count = HEAD.unpack_from(view, at)
        if not HEAD.size <= size <= len(view) - at or zlib.crc32(view[at + 4 : at + size]) != checksum:
            return
        yield size, offset, offset + count, time_ms
        at += size
