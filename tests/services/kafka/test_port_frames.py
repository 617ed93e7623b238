"""What a frame may cost: sizes that cannot be are refused on their four bytes, one that is announced takes as much as comes of it.

A plain model of cutting stands beside the fast one.
"""

from __future__ import annotations

import random
import resource
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kafka.frames import KEPT_BYTES_MAX, SHARED_BYTES, FrameError, FrameReader, Frames
from services.kafka.limits import REQUEST_BYTES_MAX, SASL_TOKEN_BYTES_MAX
from services.kafka.server import PENDING_BYTES_MAX, PENDING_OVERHEAD_BYTES
from tests.support.kafka_broker import fetch_request
from tests.support.kafka_port import LOOPS, Port

MIB = 1 << 20


@pytest.fixture(params=LOOPS)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """A server with default settings."""
    with Port(request.param) as one:
        yield one


def feed(reader: FrameReader, data: bytes) -> Iterator[bytes]:
    """Let it read so much at once, and give the frames that were whole."""
    room = reader.room()
    assert len(room) >= len(data)
    room[: len(data)] = data
    for frame in reader.cut(len(data)):
        yield bytes(frame)


@pytest.mark.parametrize("size", [REQUEST_BYTES_MAX + 1, (1 << 31) - 1, 0, -1, -(1 << 31)])
def test_a_size_that_cannot_be_is_refused_on_its_four_bytes(port: Port, size: int) -> None:
    caller, other = port.connect(), port.connect()
    caller.write(struct.pack(">i", size))
    assert caller.closed()
    assert other.lives()


@pytest.mark.parametrize("size", [REQUEST_BYTES_MAX + 1, 0, -1])
def test_nothing_is_taken_in_of_a_frame_that_is_refused(size: int) -> None:
    frames = Frames()
    reader = frames.reader()
    assert list(feed(reader, struct.pack(">i", size)[:3])) == []
    with pytest.raises(FrameError):
        list(feed(reader, struct.pack(">i", size)[3:]))
    assert len(reader.room()) == SHARED_BYTES


@pytest.mark.parametrize("size", [1, REQUEST_BYTES_MAX])
def test_the_smallest_and_the_largest_frame_are_taken(size: int) -> None:
    reader = Frames().reader()
    assert list(feed(reader, struct.pack(">i", size))) == []
    assert 0 < len(reader.room()) <= size


@pytest.mark.parametrize("size", [60_000, 500_000, KEPT_BYTES_MAX, KEPT_BYTES_MAX + 1, REQUEST_BYTES_MAX])
def test_a_frame_that_is_announced_and_does_not_come_takes_no_memory(size: int) -> None:
    count = 2000
    frames = Frames()
    before = resident_bytes()
    readers = [frames.reader() for _ in range(count)]
    for reader in readers:
        list(feed(reader, struct.pack(">i", size) + b"x"))
    assert resident_bytes() - before < count * 16 * 1024
    for reader in readers:
        reader.close()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_frames_of_one_byte_behind_a_parked_request_are_not_taken_without_end(port: Port) -> None:
    caller, worker = port.connect(), port.connect()
    worker.create_topic("orders")
    caller.park("Fetch", fetch_request("orders", max_wait_ms=1000), version=12)
    sent = 0
    try:
        while sent < 64 * MIB:
            sent += caller.socket.send((b"\0\0\0\1" + b"x") * 50_000)
            for _ in range(20):
                worker.lives()
    except BlockingIOError:
        pass  # it does not read us further
    connection = caller.server_side()
    assert connection is not None
    assert not connection._transport.is_reading()  # type: ignore[union-attr]
    assert len(connection._pending) <= (PENDING_BYTES_MAX + SHARED_BYTES * 13) // PENDING_OVERHEAD_BYTES
    port.advance(1)
    assert caller.answer("Fetch", version=12)["ErrorCode"] == 0
    port.until(lambda: len(port.connections) == 1)  # what stood behind it was no request


def test_many_requests_behind_a_parked_one_are_all_answered_in_order(port: Port) -> None:
    caller, worker, count = port.connect(), port.connect(), 5_000
    worker.create_topic("orders")
    caller.park("Fetch", fetch_request("orders", max_wait_ms=1000), version=12)
    frames = b"".join(caller.frame("ApiVersions", version=0) for _ in range(count))
    writing = port.loop.create_task(port.loop.sock_sendall(caller.socket, frames))
    for _ in range(50):
        assert worker.lives()
    port.advance(1)
    assert caller.answer("Fetch", version=12, behind=count)["ErrorCode"] == 0
    for number in reversed(range(count)):
        assert caller.answer("ApiVersions", version=0, behind=number)["ErrorCode"] == 0
    assert writing.done()


@pytest.mark.parametrize("bytes_max", [SASL_TOKEN_BYTES_MAX, REQUEST_BYTES_MAX])
def test_frames_in_any_pieces_are_cut_as_a_plain_model_cuts_them(bytes_max: int) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    frames = Frames()
    for _ in range(30):
        stream = stream_of(chance, bytes_max)
        reader, cut, refused, position = frames.reader(), [], False, 0
        reader.bytes_max = bytes_max
        other = frames.reader()  # whose reads come between and use the same buffer
        while position < len(stream) and not refused:
            piece = stream[position : position + chance.choice((1, 2, 3, 4, 5, 100, 5000, 200_000))]
            piece = piece[: len(reader.room())]
            position += len(piece)
            try:
                cut.extend(feed(reader, piece))
            except FrameError:
                refused = True
            list(feed(other, b"" if other._rest else b"\xff" * 3))
        assert (cut, refused) == cut_plainly(stream, bytes_max)


def stream_of(chance: random.Random, bytes_max: int) -> bytes:
    """Write some frames of any length, now and then one that cannot be, and leave the last one half at times."""
    out = bytearray()
    for _ in range(chance.randint(1, 12)):
        size = chance.choice((1, 2, 3, 7, 300, 70_000, 300_000, KEPT_BYTES_MAX + 5))
        if chance.random() < 0.05:
            size = chance.choice((0, -1, bytes_max + 1))
        out += struct.pack(">i", size) + chance.randbytes(8) * (max(size, 0) // 8) + b"." * (max(size, 0) % 8)
    return bytes(out[: chance.randint(1, len(out))] if chance.random() < 0.3 else out)


def cut_plainly(stream: bytes, bytes_max: int) -> tuple[list[bytes], bool]:
    """Cut a stream that is there as a whole: the frames, and whether it came to one that is refused."""
    found = []
    while len(stream) >= 4:
        size = int.from_bytes(stream[:4], "big", signed=True)
        if size <= 0 or size > bytes_max:
            return found, True
        if len(stream) < 4 + size:
            break
        found.append(stream[4 : 4 + size])
        stream = stream[4 + size :]
    return found, False
