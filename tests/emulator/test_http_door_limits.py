"""How much a client may send before it is refused: heads, trailers and bodies, at both doors. In process; `tests/clients` has the same over
sockets, where a client that is still sending has to hear of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from emulator.certificate import Certificate
from emulator.fastlane import FastLane
from emulator.http import BODY_MAX_BYTES, FORM_MAX_BYTES
from emulator.protocol import HEAD_MAX_BYTES, JoinedProtocol
from tests.support.http_line import START_MS, Hall, Line, prepared, replies
from tests.support.http_wire import GET_ATTRIBUTES, LIST, SEND, Call, assert_right, assert_too_large, poll

MIB = 1 << 20
ABOVE_BYTES = 100
"""What is counted are names, values and the URL; the rest of the first line may come on top."""
FAR_ABOVE_BYTES = 3 * HEAD_MAX_BYTES
"""The same header again and again takes no memory and is counted by the piece."""
REFUSED = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
one_of_each = pytest.mark.parametrize("call", [SEND, GET_ATTRIBUTES], ids=["hot", "ordinary"])


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("eventyard", START_MS)


@pytest.fixture(params=[FastLane, JoinedProtocol], ids=["lane", "plain"])
def hall(certificate: Certificate, request: pytest.FixtureRequest) -> Iterator[Hall]:
    """A server that has what the calls are about."""
    with prepared(certificate, request.param) as one:
        yield one


@pytest.fixture
def line(hall: Hall) -> Line:
    return Line(hall)


# Heads.


def fill_value(size: int) -> bytes:
    return b"X-Long: " + b"v" * (size - 8)


def fill_name(size: int) -> bytes:
    return b"n" * (size - 3) + b": v"


def fill_many(size: int) -> bytes:
    lines = [b"X-%06d: v" % number for number in range(size // 13 - 1)]
    return b"\r\n".join([*lines, b"Y: " + b"v" * (size - 13 * len(lines) - 3)])


def fill_alike(size: int) -> bytes:
    lines = [b"X: v"] * (size // 6 - 1)
    return b"\r\n".join([*lines, b"Y: " + b"v" * (size - 6 * len(lines) - 3)])


each_filler = pytest.mark.parametrize(
    "filler", [fill_value, fill_name, fill_many, fill_alike], ids=["a value", "a name", "many", "the same"]
)


def sized(call: Call, number: int, size: int, filler: Callable[[int], bytes]) -> bytes:
    """Write a request whose head has this size, from its first letter to the empty line."""
    bare = len(call.whole(number)) - len(call.body(number))
    request = call.whole(number, filler(size - bare - 2))
    assert len(request) - len(call.body(number)) == size
    return request


def cut(request: bytes, size: int) -> list[bytes]:
    return [request[at : at + size] for at in range(0, len(request), size)]


def assert_refused(line: Line, answer: bytes) -> None:
    assert answer.startswith(REFUSED)
    [reply] = replies(answer)
    assert reply.headers["connection"] == "close"
    assert line.is_over


@one_of_each
@each_filler
@pytest.mark.parametrize("piece", [HEAD_MAX_BYTES * 2, 16_384, 999], ids=["in one piece", "in a few", "in many"])
def test_a_head_at_the_limit_is_served(line: Line, call: Call, filler: Callable[[int], bytes], piece: int) -> None:
    for number in (1, 2):
        answer = line.send(*cut(sized(call, number, HEAD_MAX_BYTES, filler), piece))
        assert_right(call, number, *replies(answer))


@one_of_each
@each_filler
@pytest.mark.parametrize("piece", [HEAD_MAX_BYTES * 5, 16_384, 999], ids=["in one piece", "in a few", "in many"])
def test_a_head_above_the_limit_is_refused(line: Line, call: Call, filler: Callable[[int], bytes], piece: int) -> None:
    above = FAR_ABOVE_BYTES if filler is fill_alike else ABOVE_BYTES
    assert_refused(line, line.send(*cut(sized(call, 1, HEAD_MAX_BYTES + above, filler), piece)))


@one_of_each
@pytest.mark.parametrize("filler", [fill_value, fill_name, fill_many], ids=["a value", "a name", "many"])
@pytest.mark.parametrize("before", [HEAD_MAX_BYTES // 2, HEAD_MAX_BYTES - 1])
def test_a_head_whose_last_part_is_too_much_is_refused(
    line: Line, call: Call, filler: Callable[[int], bytes], before: int
) -> None:
    request = sized(call, 1, HEAD_MAX_BYTES + ABOVE_BYTES, filler)
    assert line.send(request[:before]) == b""
    assert_refused(line, line.send(request[before:]))


def test_a_head_that_trickles_is_refused_at_the_limit(line: Line) -> None:
    request = sized(SEND, 1, 2 * HEAD_MAX_BYTES, fill_many)
    assert line.send(*cut(request[:HEAD_MAX_BYTES], 1)) == b""
    assert_refused(line, line.send(request[HEAD_MAX_BYTES : HEAD_MAX_BYTES + ABOVE_BYTES]))


@pytest.mark.parametrize("piece", [HEAD_MAX_BYTES * 2, 999], ids=["in one piece", "in many"])
def test_a_url_counts(line: Line, piece: int) -> None:
    short, long = (b"GET /?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * size) for size in (60_000, HEAD_MAX_BYTES))
    assert [one.status for one in replies(line.send(*cut(short, piece)))] == [200]
    assert_refused(line, line.send(*cut(long, piece)))


@pytest.mark.parametrize("start", [b"POST / HTTP/1.1\r\nX-Endless: ", b"POST /", b"P"], ids=["value", "url", "method"])
def test_a_head_that_never_ends_is_refused(line: Line, start: bytes) -> None:
    answer = line.send(start, *cut(b"x" * MIB, 10_000))
    assert [one.status for one in replies(answer)] == [400 if start == b"P" else 431]
    assert line.is_over
    assert line.transport.read_bytes <= HEAD_MAX_BYTES + 10_000


@one_of_each
def test_the_body_does_not_count(line: Line, call: Call) -> None:
    body = call.body(1)
    padding = b" " * MIB if call.target else b"&" + b"x" * MIB
    head = call.head(b"Content-Length: %d" % (len(body) + len(padding)), fill_value(HEAD_MAX_BYTES - 1000)) + b"\r\n"
    assert_right(call, 1, *replies(line.send(head + body + padding)))
    assert_right(call, 1, *replies(line.send(*cut(head + body + padding, 50_000))))


@one_of_each
def test_requests_that_come_together_are_counted_one_by_one(line: Line, call: Call) -> None:
    heads = [sized(call, number, 40_000, fill_many) for number in range(5)]
    got = replies(line.send(b"".join(heads) + heads[0][:30_000], heads[0][30_000:]))
    for number, reply in zip([0, 1, 2, 3, 4, 0], got, strict=True):
        assert_right(call, number, reply)


@one_of_each
@pytest.mark.parametrize("place", ["in the head", "behind the head", "in the body"])
def test_many_small_requests_and_the_beginning_of_the_next_are_no_large_head(
    line: Line, call: Call, place: str
) -> None:
    requests = [call.whole(number) for number in range(1000)]
    head = requests[-1].index(b"\r\n\r\n") + 4
    cut_at = {"in the head": head - 1, "behind the head": head, "in the body": head + 1}[place] - len(requests[-1])
    stream = b"".join(requests)
    got = replies(line.send(stream[:cut_at]) + line.send(stream[cut_at:]))
    for number, reply in zip(range(1000), got, strict=True):
        assert_right(call, number, reply)


@pytest.mark.parametrize("piece", [HEAD_MAX_BYTES * 2, 999], ids=["in one piece", "in many"])
def test_what_is_owed_for_requests_before_a_large_head_goes_out_first(hall: Hall, line: Line, piece: int) -> None:
    large = sized(LIST, 1, HEAD_MAX_BYTES + ABOVE_BYTES, fill_many)
    assert line.send(poll(20) + LIST.whole(1), *cut(large, piece)) == b""
    Line(hall).send(SEND.whole(7))
    first, second, third = replies(line.send())
    assert first.bodies == ["7"]
    assert_right(LIST, 1, second)
    assert third.status == 431
    assert line.is_over


@one_of_each
@pytest.mark.parametrize("filler", [fill_value, fill_many, fill_alike], ids=["a value", "many", "the same"])
def test_trailers_are_no_way_around_the_limit(line: Line, call: Call, filler: Callable[[int], bytes]) -> None:
    request = call.chunked(1, trailer=filler(4 * MIB) + b"\r\n")
    line.send(*cut(request, 10_000))
    assert line.is_over
    assert line.transport.read_bytes < 3 * HEAD_MAX_BYTES


# Bodies.


def limit_of(call: Call) -> int:
    return BODY_MAX_BYTES if call.target else FORM_MAX_BYTES


@one_of_each
@pytest.mark.parametrize("expect", [(), (b"Expect: 100-continue",)], ids=["", "expect"])
@pytest.mark.parametrize("beyond", [1, 1 << 40])
def test_a_body_that_is_declared_too_large_is_refused_before_it_comes(
    line: Line, call: Call, expect: tuple[bytes, ...], beyond: int
) -> None:
    [reply] = replies(line.send(call.head(b"Content-Length: %d" % (limit_of(call) + beyond), *expect) + b"\r\n"))
    assert_too_large(call, reply)
    if expect:  # its client waits, and will not send the body on this connection
        assert reply.headers["connection"] == "close"
        assert line.is_over


@one_of_each
@pytest.mark.parametrize("piece", [1000, MIB])
def test_chunks_that_never_end_are_refused_as_soon_as_they_are_too_much(line: Line, call: Call, piece: int) -> None:
    line.send(call.head(b"Transfer-Encoding: chunked") + b"\r\n")
    chunk = b"%x\r\n%s\r\n" % (piece, b"x" * piece)
    assert line.send(*[chunk] * (limit_of(call) // piece)) == b""
    [reply] = replies(line.send(chunk))
    assert_too_large(call, reply)


@pytest.mark.parametrize("call", [SEND, LIST, GET_ATTRIBUTES], ids=lambda call: call.name)
def test_a_body_at_the_limit_is_read_whole(line: Line, call: Call) -> None:
    body, size = call.body(3), limit_of(call)
    padding = b" " * (size - len(body)) if call.target else b"&" + b"x" * (size - len(body) - 1)
    line.send(call.head(b"Content-Length: %d" % size) + b"\r\n", body)
    assert_right(call, 3, *replies(line.send(*cut(padding, MIB))))


@one_of_each
def test_what_comes_of_a_refused_body_is_thrown_away_and_no_request(line: Line, call: Call) -> None:
    size = limit_of(call) + 1
    [reply] = replies(line.send(call.head(b"Content-Length: %d" % size) + b"\r\n" + SEND.whole(1)))
    assert_too_large(call, reply)
    rest = size - len(SEND.whole(1))
    assert line.send(*cut(b"x" * rest, MIB)) == b""
    if not line.is_over:
        assert_right(call, 2, *replies(line.send(call.whole(2))))


def test_a_body_that_is_refused_behind_a_long_poll_waits_for_its_turn(hall: Hall, line: Line) -> None:
    assert line.send(poll(20) + LIST.head(b"Content-Length: %d" % (BODY_MAX_BYTES + 1)) + b"\r\n") == b""
    Line(hall).send(SEND.whole(7))
    first, second = replies(line.send())
    assert first.bodies == ["7"]
    assert_too_large(LIST, second)


def test_a_body_that_waits_for_its_turn_is_not_read_on_for_ever(hall: Hall, line: Line) -> None:
    line.send(poll(20) + LIST.head(b"Content-Length: %d" % BODY_MAX_BYTES) + b"\r\n")
    line.send(*[b" " * 10_000] * 500)
    assert line.transport.read_bytes < MIB


def test_requests_that_wait_for_their_turn_are_not_read_on_for_ever(hall: Hall, line: Line) -> None:
    line.send(poll(20), *[LIST.whole(number) for number in range(1000)])
    assert line.transport.read_bytes < MIB // 10
    Line(hall).send(SEND.whole(7))
    first, *got = replies(line.send())
    assert first.bodies == ["7"]
    for number, reply in zip(range(1000), got, strict=True):
        assert_right(LIST, number, reply)


def test_a_client_that_does_not_read_gets_no_more_answers_until_it_does(line: Line, hall: Hall) -> None:
    hall.do(line.transport.protocol.pause_writing)
    got = line.send(*[SEND.whole(number) for number in range(100)])
    assert len(got) < 1000
    hall.do(line.transport.protocol.resume_writing)
    for number, reply in zip(range(100), replies(got + line.send()), strict=True):
        assert_right(SEND, number, reply)
