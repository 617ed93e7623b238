"""The same requests in other pieces get the same answers: cut at every boundary, in any framing and order, at both doors, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random

import pytest

from emulator.certificate import Certificate
from emulator.fastlane import FastLane
from emulator.protocol import JoinedProtocol
from tests.support.http_line import START_MS, Hall, Line, replies
from tests.support.http_wire import CALLS, GET_ATTRIBUTES, LIST, PUBLISH, SEND, SET_UP, Call, assert_right, poll

DOORS = (FastLane, JoinedProtocol)
both_doors = pytest.mark.parametrize("protocol", DOORS, ids=["lane", "plain"])


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("eventyard", START_MS)


@contextmanager
def hall(certificate: Certificate, protocol: type[JoinedProtocol]) -> Iterator[Hall]:
    one = Hall(certificate, protocol)
    try:
        line = Line(one)
        for piece in SET_UP:
            assert replies(line.send(piece))[0].status == 200
        line.vanish()
        yield one
    finally:
        one.close()


HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAMS: dict[str, list[tuple[Call, bytes]]] = {
    "hot and ordinary": [
        (call, call.whole(number)) for number, call in enumerate([SEND, LIST, PUBLISH, GET_ATTRIBUTES])
    ],
    "ordinary and hot": [(call, call.whole(number)) for number, call in enumerate([GET_ATTRIBUTES, SEND, SEND, LIST])],
    "chunks": [
        (call, call.chunked(number, trailer=b"X: y\r\n", extension=b";a=b"))
        for number, call in enumerate([SEND, LIST, PUBLISH])
    ],
    "expectations": [(call, call.whole(number, b"Expect: 100-continue")) for number, call in enumerate([SEND, LIST])],
    "empty lines": [(call, b"\r\n\r\n" + call.whole(number)) for number, call in enumerate([SEND, LIST, SEND])],
}


@both_doors
@pytest.mark.parametrize("name", STREAMS)
def test_requests_cut_at_every_boundary_get_their_own_answers(
    certificate: Certificate, protocol: type[JoinedProtocol], name: str
) -> None:
    stream = b"".join(request for _, request in STREAMS[name])
    with hall(certificate, protocol) as one:
        for cut in range(1, len(stream)):
            line = Line(one)
            got = [reply for reply in replies(line.send(stream[:cut], stream[cut:])) if reply.status != 100]
            assert len(got) == len(STREAMS[name]), f"cut at {cut}"
            for number, (call, _) in enumerate(STREAMS[name]):
                assert_right(call, number, got[number])
            line.vanish()


@pytest.mark.parametrize("name", STREAMS)
def test_both_doors_answer_alike_wherever_the_cut_is(certificate: Certificate, name: str) -> None:
    stream = b"".join(request for _, request in STREAMS[name])
    with hall(certificate, FastLane) as fast, hall(certificate, JoinedProtocol) as slow:
        for cut in range(1, len(stream), 3):
            got = [
                Line(one).send(stream[:cut]) + Line(one).send(HEALTH) + Line(one).send(stream) for one in (fast, slow)
            ]
            assert got[0] == got[1], f"cut at {cut}"


@pytest.mark.parametrize("seed", range(30))
def test_both_doors_answer_alike_whatever_the_pieces(certificate: Certificate, seed: int) -> None:
    chance = Random(seed)
    sent = [(chance.choice(CALLS), number) for number in range(chance.choice((1, 5, 40)))]
    parts = [
        call.chunked(n, size=chance.choice((1, 9, 500))) if chance.random() < 0.4 else call.whole(n) for call, n in sent
    ]
    if chance.random() < 0.5:
        parts.append(
            chance.choice((b"rubbish\r\n\r\n", SEND.whole(1)[:30], LIST.chunked(1)[:-9], b"GET / HTTP/9\r\n\r\n"))
        )
    stream = b"".join(parts)
    pieces = []
    while stream:
        size = chance.choice((1, 2, 7, 100, 1000, 10_000))
        pieces.append(stream[:size])
        stream = stream[size:]
    ends = chance.random() < 0.5
    got = []
    with ExitStack() as stack:
        for protocol in DOORS:
            line = Line(stack.enter_context(hall(certificate, protocol)))
            answer = b"".join(line.send(piece) for piece in pieces)
            got.append((answer + (line.end_sending() if ends else b""), line.is_open))
    assert got[0] == got[1]
    for (call, number), reply in zip(sent, replies(got[0][0]), strict=False):
        assert_right(call, number, reply)
    assert len(replies(got[0][0])) >= len(sent)


@both_doors
def test_what_is_behind_a_long_poll_may_be_cut_at_every_boundary(
    certificate: Certificate, protocol: type[JoinedProtocol]
) -> None:
    stream = poll(20) + SEND.whole(1) + GET_ATTRIBUTES.chunked(2) + LIST.whole(3)
    with hall(certificate, protocol) as one:
        for cut in range(1, len(stream), 2):
            line = Line(one)
            assert line.send(stream[:cut], stream[cut:]) == b"", f"cut at {cut}"
            one.advance(20)
            empty, *got = replies(line.send())
            assert empty.bodies == []
            for number, (call, reply) in enumerate(zip([SEND, GET_ATTRIBUTES, LIST], got, strict=True), start=1):
                assert_right(call, number, reply)
            assert replies(line.send(poll(20, visibility_s=43_200)))[0].bodies == ["1"]
            line.vanish()


@both_doors
@pytest.mark.parametrize("name", ["hot and ordinary", "chunks"])
def test_a_client_may_end_at_every_boundary(
    certificate: Certificate, protocol: type[JoinedProtocol], name: str
) -> None:
    ends, length = [], 0
    for _, request in STREAMS[name]:
        length += len(request)
        ends.append(length)
    stream = b"".join(request for _, request in STREAMS[name])
    with hall(certificate, protocol) as one:
        for end in range(len(stream) + 1):
            line = Line(one)
            line.transport.eof = True  # comes right behind the bytes
            got = replies(line.send(stream[:end]))
            assert len(got) == sum(whole <= end for whole in ends), f"ended at {end}"
            for number, reply in enumerate(got):
                assert_right(STREAMS[name][number][0], number, reply)
            assert not line.is_open, f"ended at {end}"
        assert not one.state.connections
