"""The codecs of record batches: gzip, snappy, lz4 and zstd, with a bound on what comes out.

Batches pass through as they came; only compaction, look-ups inside of a batch and bridges to the AWS side open one. cramjam is imported
when the first compressed batch is opened.

Snappy has two framings. Java's library (xerial) writes a header of 16 bytes and blocks of 32 KiB with their lengths; librdkafka and others
write one raw block. Both are read; what is written here has the first, which every client reads. LZ4 frames have independent blocks, since
Java's reader refuses others.
"""

from __future__ import annotations

import mmap
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

INFLATED_BYTES_MAX = 256 * 1024 * 1024
"""The most that one batch may hold when it is opened. Kafka has no such bound, but here one bomb would take the process with it."""

_GZIP_LEVEL, _LZ4_LEVEL, _ZSTD_LEVEL = 6, 9, 3
"""compression.*.level: Kafka's defaults."""
_FIRST_GUESS_BYTES = 64 * 1024
_XERIAL = b"\x82SNAPPY\0"
_XERIAL_HEADER = _XERIAL + b"\0\0\0\1\0\0\0\1"  # version and oldest version that can read it
_XERIAL_BLOCK_BYTES = 32 * 1024


class Codec(IntEnum):
    """Bits 0-2 of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class InflateError(ValueError):
    """Compressed data is broken, or holds more than it may."""


def deflate(codec: int, data: bytes | bytearray) -> bytes:
    """Compress `data` as Kafka's producers do."""
    if codec == Codec.NONE:
        return bytes(data)
    import cramjam

    if codec == Codec.GZIP:
        return bytes(cramjam.gzip.compress(data, level=_GZIP_LEVEL))
    if codec == Codec.SNAPPY:
        return _xerial(data)
    if codec == Codec.LZ4:
        frame = cramjam.lz4.Compressor(level=_LZ4_LEVEL, content_checksum=False, block_linked=False)
        frame.compress(bytes(data))
        return bytes(frame.finish())
    if codec == Codec.ZSTD:
        return bytes(cramjam.zstd.compress(data, level=_ZSTD_LEVEL))
    raise ValueError(f"Unknown compression type id: {codec}")


def inflate(codec: int, data: memoryview, bytes_max: int = INFLATED_BYTES_MAX) -> bytes:
    """Decompress `data`. Raises InflateError: broken, more than `bytes_max`, or no such codec."""
    if codec == Codec.NONE:
        return bytes(data)
    import cramjam

    try:
        if codec == Codec.SNAPPY:
            return _snappy(data, bytes_max)
        if codec == Codec.GZIP:
            return _bounded(cramjam.gzip, data, bytes_max)
        if codec == Codec.LZ4:
            return _bounded(cramjam.lz4, data, bytes_max)
        if codec == Codec.ZSTD:
            return _bounded(cramjam.zstd, data, bytes_max)
    except cramjam.DecompressionError as error:
        raise InflateError(str(error)) from error
    raise InflateError(f"Unknown compression type id: {codec}")


def _bounded(module: ModuleType, data: memoryview, bytes_max: int) -> bytes:
    """Decompress into a buffer that ends where the bound is, so that a bomb bursts there.

    Most batches fit into the first guess. The other buffer is as large as the bound, but takes no memory where nothing is written.
    """
    import cramjam

    guess = bytearray(min(bytes_max, 8 * len(data) + _FIRST_GUESS_BYTES))
    try:
        size: int = module.decompress_into(data, guess)
    except cramjam.DecompressionError:
        if len(guess) == bytes_max:
            raise
    else:
        return bytes(memoryview(guess)[:size])
    with mmap.mmap(-1, bytes_max) as pages, memoryview(pages) as view:
        size = module.decompress_into(data, view)
        return bytes(view[:size])


def _xerial(data: bytes | bytearray) -> bytes:
    import cramjam

    out = bytearray(_XERIAL_HEADER)
    with memoryview(data) as view:
        for at in range(0, len(view), _XERIAL_BLOCK_BYTES):
            block = bytes(cramjam.snappy.compress_raw(view[at : at + _XERIAL_BLOCK_BYTES]))
            out += len(block).to_bytes(4, "big")
            out += block
    return bytes(out)


def _snappy(data: memoryview, bytes_max: int) -> bytes:
    if data[: len(_XERIAL)] != _XERIAL:
        return _snappy_block(data, bytes_max)
    parts: list[bytes] = []
    at, room = len(_XERIAL_HEADER), bytes_max
    while at < len(data):
        if data[at : at + len(_XERIAL)] == _XERIAL:  # streams may follow one another
            at += len(_XERIAL_HEADER)
            continue
        begin = at + 4
        at = begin + int.from_bytes(data[at:begin], "big")
        if not begin < at <= len(data):
            raise InflateError("snappy: a block exceeds the data")
        parts.append(_snappy_block(data[begin:at], room))
        room -= len(parts[-1])
    return b"".join(parts)


def _snappy_block(data: memoryview, bytes_max: int) -> bytes:
    import cramjam

    size = cramjam.snappy.decompress_raw_len(data)
    if size > bytes_max:
        raise InflateError(f"snappy: the data holds {size} bytes, more than {bytes_max}")
    return bytes(cramjam.snappy.decompress_raw(data))
