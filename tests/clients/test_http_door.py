"""The door of HTTP over real sockets: requests in any pieces, framing and order, and what is no HTTP. Each holds for the hot calls, which
have a lane of their own, and for ordinary ones. `test_http.py` has what single requests look like.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable
from random import Random

import pytest

from tests.support.http_wire import (
    CALLS,
    GET_ATTRIBUTES,
    LIST,
    SEND,
    Call,
    Wire,
    answered,
    assert_right,
    messages,
    opened,
    poll,
)
from tests.support.server import Server

each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
one_of_each = pytest.mark.parametrize("call", [SEND, GET_ATTRIBUTES], ids=["hot", "ordinary"])
each_framing = pytest.mark.parametrize("framing", [Call.whole, Call.chunked], ids=["length", "chunks"])


def assert_refused(wire: Wire) -> None:
    """It is told that this is no HTTP, and the connection ends."""
    reply = wire.read()
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert wire.at_end()


# Pieces and pipelines.


@each_call
@each_framing
def test_a_request_may_come_byte_by_byte(wire: Wire, call: Call, framing: Callable[..., bytes]) -> None:
    request = framing(call, 7)
    wire.send(*(request[n : n + 1] for n in range(len(request))))
    assert_right(call, 7, wire.read())


@each_call
@each_framing
def test_pipelined_requests_are_answered_in_their_order(wire: Wire, call: Call, framing: Callable[..., bytes]) -> None:
    wire.send(b"".join(framing(call, number) for number in range(50)))
    seen = set()
    for number in range(50):
        reply = wire.read()
        assert_right(call, number, reply)
        seen.add(reply.headers["x-amzn-requestid"])
    assert len(seen) == 50


@pytest.mark.parametrize("seed", range(6))
def test_all_kinds_of_requests_in_any_order_framing_and_pieces_get_their_own_answers(wire: Wire, seed: int) -> None:
    chance = Random(seed)
    sent = [(chance.choice(CALLS), number) for number in range(200)]
    parts = [
        call.chunked(number, size=chance.choice((1, 3, 1000))) if chance.random() < 0.3 else call.whole(number)
        for call, number in sent
    ]
    stream = b"".join(parts)
    cuts = sorted(chance.sample(range(1, len(stream)), 60))
    wire.send(*(stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)))
    for call, number in sent:
        assert_right(call, number, wire.read())


@each_call
def test_what_is_pipelined_behind_a_long_poll_waits_for_its_turn(wire: Wire, door: Server, call: Call) -> None:
    wire.send(poll(20) + call.whole(1) + call.chunked(2) + call.whole(3))
    door.turns()
    with opened(door) as other:
        answered(other, SEND, [8])
    assert wire.read().bodies == ["8"]
    for number in (1, 2, 3):
        assert_right(call, number, wire.read())


@each_call
def test_empty_lines_before_a_request_are_passed_over(wire: Wire, call: Call) -> None:
    wire.send(b"\r\n\r\n" + call.whole(1))
    assert_right(call, 1, wire.read())


# Framing.


@each_call
@pytest.mark.parametrize("size", [1, 4096])
def test_chunks_of_any_size_with_extensions_and_trailers_make_one_body(wire: Wire, call: Call, size: int) -> None:
    extension, trailer = b';name="a;b"', b"X-Checksum: 1\r\n"
    wire.send(call.chunked(5, size=size, extension=extension, trailer=trailer) + call.chunked(6, trailer=trailer))
    assert_right(call, 5, wire.read())
    assert_right(call, 6, wire.read())


@each_call
def test_a_trailer_is_no_header(wire: Wire, call: Call) -> None:
    trailer = b"X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Type: text/plain\r\nOrigin: http://evil.example\r\n"
    wire.send(call.chunked(5, trailer=trailer) + call.whole(6))
    assert_right(call, 5, wire.read())
    assert_right(call, 6, wire.read())


@one_of_each
@pytest.mark.parametrize(
    "size", [b"f" * 40, b"-1", b"0x5", b"1_0", b"", b"g", b"5 5", b"\xff", b"+5", b";", b"7fffffffffffffff0"]
)
def test_a_chunk_size_that_is_none_is_refused(wire: Wire, door: Server, call: Call, size: bytes) -> None:
    wire.send(call.head(b"Transfer-Encoding: chunked") + b"\r\n%s\r\n" % size + b"x" * 100 + b"\r\n0\r\n\r\n")
    assert_refused(wire)
    assert messages(door) == 0


@each_call
def test_expect_100_continue_is_answered_before_the_body_comes(wire: Wire, call: Call) -> None:
    body = call.body(4)
    wire.send(call.head(b"Content-Length: %d" % len(body), b"Expect: 100-continue"), b"\r\n")
    assert wire.read().status == 100
    assert_right(call, 4, wire.send(body).read())


@each_call
def test_a_client_that_expects_and_does_not_wait_gets_its_answer(wire: Wire, call: Call) -> None:
    reply = wire.send(call.whole(4, b"Expect: 100-continue")).read()
    assert_right(call, 4, wire.read() if reply.status == 100 else reply)


LENGTHS = (
    *(b"-2", b"+2", b"2 2", b"2,3", b"0x2", b"2;", b"1e1", b"\xb2", b"9" * 40),
    *(b"2\r\nContent-Length: 3", b"2\r\nTransfer-Encoding: chunked", b"2\r\nTransfer-Encoding: x"),
)


@one_of_each
@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_none_or_that_stands_twice_is_refused(
    wire: Wire, door: Server, call: Call, length: bytes
) -> None:
    wire.send(call.head(b"Content-Length: " + length) + b"\r\n{}")
    assert_refused(wire)
    assert messages(door) == 0


@one_of_each
@pytest.mark.parametrize("coding", [b"gzip", b"xchunked", b"chunked, gzip", b"chunked, identity"])
def test_a_transfer_encoding_that_does_not_end_in_chunks_is_refused(wire: Wire, call: Call, coding: bytes) -> None:
    wire.send(call.head(b"Transfer-Encoding: " + coding) + b"\r\n2\r\n{}\r\n0\r\n\r\n")
    assert_refused(wire)


@pytest.mark.parametrize(("call", "status"), [(SEND, 400), (GET_ATTRIBUTES, 404)], ids=["hot", "ordinary"])
def test_a_request_without_a_body_is_an_empty_one(wire: Wire, call: Call, status: int) -> None:
    wire.send(call.head() + b"\r\n" + call.whole(1))
    assert wire.read().status == status
    assert_right(call, 1, wire.read())


# The end of a connection that the client asks for.


@each_call
def test_a_connection_is_kept_until_the_client_says_close(wire: Wire, call: Call) -> None:
    answered(wire, call, [1, 2, 3])
    reply = wire.send(call.whole(4, b"Connection: close")).read()
    assert_right(call, 4, reply)
    assert reply.headers["connection"] == "close"
    assert wire.at_end()


@each_call
def test_what_comes_behind_a_close_is_not_answered(wire: Wire, call: Call) -> None:
    wire.send(call.whole(1, b"Connection: close") + call.whole(2))
    assert_right(call, 1, wire.read())
    assert wire.at_end()


@each_call
def test_http_1_0_is_answered_and_closed(wire: Wire, call: Call) -> None:
    assert_right(call, 1, wire.send(call.whole(1, version=b"1.0")).read())
    assert wire.at_end()


# What is no HTTP.


JUNK: dict[str, bytes] = {
    "bare line feeds": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "carriage returns alone": b"GET / HTTP/1.1\rHost: localhost\r\r",
    "HTTP/2 on port 80": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
    "a zero byte in a value": b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
    "a line feed in a value": b"GET / HTTP/1.1\r\nX: a\nb: c\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "Kafka": struct.pack(">ihhih4s", 14, 18, 4, 1, 4, b"test"),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_what_is_no_http_is_refused_and_closed(wire: Wire, junk: bytes) -> None:
    wire.send(junk)
    assert_refused(wire)


def test_a_tls_client_fails_at_once(wire: Wire) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        ssl.create_default_context().wrap_socket(wire.sock, server_hostname="localhost")


@each_call
@each_framing
@pytest.mark.parametrize("pieces", [1, 2], ids=["in one piece", "in two"])
def test_requests_and_the_rubbish_behind_them_are_answered_in_their_order(
    wire: Wire, call: Call, framing: Callable[..., bytes], pieces: int
) -> None:
    good = framing(call, 3) + framing(call, 4)
    wire.send(good + b"rubbish\r\n\r\n" if pieces == 1 else good, b"" if pieces == 1 else b"rubbish\r\n\r\n")
    assert_right(call, 3, wire.read())
    assert_right(call, 4, wire.read())
    assert_refused(wire)


RUBBISH = {
    "rubbish": b"rubbish\r\n\r\n",
    "a request and rubbish": LIST.whole(1) + b"rubbish\r\n\r\n",
    "a body that breaks off": LIST.head(b"Transfer-Encoding: chunked") + b"\r\nzz\r\n",
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_a_long_poll_with_rubbish_behind_it_is_answered_first(wire: Wire, door: Server, rubbish: bytes) -> None:
    wire.send(poll(20), rubbish)
    door.turns()
    with opened(door) as other:
        answered(other, SEND, [8])
    assert wire.read().bodies == ["8"]
    if rubbish == RUBBISH["a request and rubbish"]:
        assert_right(LIST, 1, wire.read())
    assert_refused(wire)


@pytest.mark.parametrize("seed", range(3))
def test_noise_of_many_clients_leaves_the_others_alone(door: Server, seed: int) -> None:
    chance = Random(seed)
    with opened(door) as one:
        for number in range(100):
            with opened(door) as noisy:
                call = chance.choice(CALLS)
                request = bytearray(call.chunked(1) if chance.random() < 0.5 else call.whole(1))
                for _ in range(chance.choice((0, 1, 3))):
                    request[chance.randrange(len(request))] = chance.randrange(256)
                noisy.send(bytes(request) + chance.randbytes(chance.randrange(1, 2000)))
            answered(one, CALLS[number % len(CALLS)], [number])
