"""Clients that are too slow for the door of HTTP: what never becomes a request is closed in time, and nobody who waits for an answer is
cut. In process, on a loop whose time is moved by hand.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterator

import pytest

from emulator.certificate import Certificate
from emulator.protocol import BODY_IDLE_MAX_S, DROPPED_MAX_BYTES, HEAD_MAX_BYTES, HEAD_MAX_S
from emulator.server import KEEP_ALIVE_S
from tests.support.http_line import START_MS, Hall, Line, prepared, replies
from tests.support.http_wire import GET_ATTRIBUTES, LIST, SEND, Call, assert_right, poll

POLL_S = 20
MIB = 1 << 20
both_ways = pytest.mark.parametrize("call", [SEND, GET_ATTRIBUTES], ids=["hot", "ordinary"])


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("eventyard", START_MS)


@pytest.fixture
def hall(certificate: Certificate) -> Iterator[Hall]:
    """A server that has what the calls are about."""
    with prepared(certificate) as one:
        yield one


@pytest.fixture
def line(hall: Hall) -> Line:
    return Line(hall)


@pytest.fixture
def gate(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Future[None]:
    """ListQueues and SendMessage answer when this is done."""
    gate: Future[None] = hall.loop.create_future()

    def held(operation: str) -> Callable[..., object]:
        now = hall.emulator.services["sqs"].operations[operation]

        async def wait(*arguments: object) -> object:
            await gate
            return now(*arguments)

        return wait

    for operation in ("SendMessage", "ListQueues"):
        monkeypatch.setitem(hall.emulator.services["sqs"].operations, operation, held(operation))
    return gate


def assert_closes_after(hall: Hall, line: Line, seconds: float) -> None:
    """It is closed then, and not half a second before."""
    hall.advance(seconds - 0.5)
    assert line.is_open
    hall.advance(1)
    assert not line.is_open


def assert_closes_between_one_and_two_keep_alives(hall: Hall, line: Line) -> None:
    hall.advance(KEEP_ALIVE_S - 1)
    assert line.is_open
    hall.advance(KEEP_ALIVE_S + 2)
    assert not line.is_open


def test_the_limits_are_those_that_are_promised() -> None:
    assert (HEAD_MAX_S, BODY_IDLE_MAX_S, HEAD_MAX_BYTES, KEEP_ALIVE_S) == (30, 60, 64 * 1024, 75)


# Heads.


def test_a_connection_on_which_nothing_comes_is_closed(hall: Hall, line: Line) -> None:
    assert_closes_after(hall, line, HEAD_MAX_S)


HEADS = {
    "an empty line": b"\r\n",
    "a letter": b"P",
    "a request line": b"POST / HTTP/1.1\r\n",
    "all but the last byte": SEND.head(b"Content-Length: 2") + b"\r",
}


@pytest.mark.parametrize("start", HEADS.values(), ids=HEADS)
def test_a_head_that_stops_is_closed(hall: Hall, line: Line, start: bytes) -> None:
    line.send(start)
    assert_closes_after(hall, line, HEAD_MAX_S)


@pytest.mark.parametrize("start", [*HEADS.values()][1:], ids=[*HEADS][1:])
@both_ways
def test_a_head_that_stops_is_closed_also_after_an_answer(hall: Hall, line: Line, call: Call, start: bytes) -> None:
    assert_right(call, 1, *replies(line.send(call.whole(1))))
    hall.advance(50)
    line.send(start)
    assert_closes_after(hall, line, HEAD_MAX_S)


def test_an_empty_line_after_an_answer_keeps_a_connection_no_longer_than_a_request(hall: Hall, line: Line) -> None:
    line.send(LIST.whole(1), b"\r\n")
    assert_closes_between_one_and_two_keep_alives(hall, line)


TRICKLES = {"headers": [b"POST / HTTP/1.1\r\n", *[b"X: v\r\n"] * 40], "letters": [b"P", b"O", b"S", b"T", *[b" "] * 40]}


@pytest.mark.parametrize("trickle", TRICKLES.values(), ids=TRICKLES)
@pytest.mark.parametrize("before", [b"", SEND.whole(1), LIST.whole(1)], ids=["first", "hot", "ordinary"])
def test_a_head_that_trickles_is_closed_although_it_goes_on(
    hall: Hall, line: Line, before: bytes, trickle: list[bytes]
) -> None:
    line.send(before)
    for piece in trickle[: int(HEAD_MAX_S)]:
        assert line.is_open
        line.send(piece)
        hall.advance(1)
    assert not line.is_open


def test_empty_lines_do_not_keep_a_connection_that_brings_no_request(hall: Hall, line: Line) -> None:
    for _ in range(int(HEAD_MAX_S)):
        assert line.is_open
        line.send(b"\r\n")
        hall.advance(1)
    assert not line.is_open


def test_each_head_has_its_own_time(hall: Hall, line: Line) -> None:
    request = SEND.whole(1)
    for _ in range(5):
        line.send(request[:20])
        hall.advance(HEAD_MAX_S - 1)
        assert_right(SEND, 1, *replies(line.send(request[20:])))


@pytest.mark.parametrize("at_once", [True, False], ids=["in one piece", "in two"])
@both_ways
def test_a_head_behind_a_request_has_its_time_as_well(hall: Hall, line: Line, call: Call, at_once: bool) -> None:
    pieces = [call.whole(1), b"POST / HT"]
    assert_right(call, 1, *replies(line.send(b"".join(pieces)) if at_once else line.send(*pieces)))
    assert_closes_after(hall, line, HEAD_MAX_S)


def test_a_connection_that_nobody_used_for_a_while_still_takes_a_whole_request(hall: Hall, line: Line) -> None:
    hall.advance(HEAD_MAX_S - 1)
    assert_right(SEND, 1, *replies(line.send(SEND.whole(1))))
    hall.advance(2)
    assert line.is_open


# Bodies.


BODIES = {
    "a hot head": SEND.head(b"Content-Length: 9") + b"\r\n",
    "a hot body": SEND.whole(1)[:-1],
    "chunks": SEND.chunked(1)[:-2],
    "the head of a chunk": SEND.head(b"Transfer-Encoding: chunked") + b"\r\n1",
    "a trailer": SEND.chunked(1, trailer=b"X: ")[:-4],
    "an ordinary head": GET_ATTRIBUTES.head(b"Content-Length: 9") + b"\r\n",
    "an ordinary body": GET_ATTRIBUTES.whole(1)[:-1],
    "an expectation": SEND.head(b"Content-Length: 9", b"Expect: 100-continue") + b"\r\n",
}
each_body = pytest.mark.parametrize("start", BODIES.values(), ids=BODIES)


@each_body
def test_a_body_that_stops_is_closed(hall: Hall, line: Line, start: bytes) -> None:
    line.send(start)
    assert_closes_after(hall, line, BODY_IDLE_MAX_S)


@each_body
def test_a_body_that_stops_is_closed_also_after_an_answer(hall: Hall, line: Line, start: bytes) -> None:
    line.send(LIST.whole(1))
    hall.advance(50)
    line.send(start)
    assert_closes_after(hall, line, BODY_IDLE_MAX_S)


@both_ways
def test_the_time_of_a_body_counts_from_its_last_byte(hall: Hall, line: Line, call: Call) -> None:
    request = call.whole(1)
    line.send(request[:-10])
    for at in range(-10, -1):
        hall.advance(BODY_IDLE_MAX_S - 1)
        line.send(request[at : at + 1])
    assert_closes_after(hall, line, BODY_IDLE_MAX_S)


@both_ways
@pytest.mark.parametrize("framing", [Call.whole, Call.chunked], ids=["length", "chunks"])
def test_a_body_that_trickles_and_goes_on_is_waited_for(
    hall: Hall, line: Line, call: Call, framing: Callable[..., bytes]
) -> None:
    request = framing(call, 1)
    line.send(request[:-15])
    for at in range(-15, -1):
        hall.advance(BODY_IDLE_MAX_S - 1)
        assert line.send(request[at : at + 1]) == b""
    assert_right(call, 1, *replies(line.send(request[-1:])))


def test_a_large_body_that_is_not_read_on_because_it_waits_for_its_turn_is_not_cut(
    hall: Hall, line: Line, gate: Future[None]
) -> None:
    body = b"x=" + b"y" * MIB + b"&" + GET_ATTRIBUTES.body(2)
    line.send(SEND.whole(1) + GET_ATTRIBUTES.head(b"Content-Length: %d" % len(body)) + b"\r\n" + body[:-9])
    assert not line.transport.is_reading()
    hall.advance(1000)
    hall.do(lambda: gate.set_result(None))
    hall.advance(10)
    first, second = replies(line.take() + line.send(body[-9:]))
    assert_right(SEND, 1, first)
    assert_right(GET_ATTRIBUTES, 2, second)


# Those who wait.


def test_a_long_poll_is_never_cut(hall: Hall, line: Line) -> None:
    for _ in range(10):
        line.send(poll(POLL_S))
        hall.advance(POLL_S - 0.5)
        assert line.take() == b""
        hall.advance(1)
        assert [one.bodies for one in replies(line.take())] == [[]]
    assert line.is_open


@pytest.mark.parametrize("seconds", [1, HEAD_MAX_S, BODY_IDLE_MAX_S, KEEP_ALIVE_S - 1])
def test_a_long_poll_is_not_cut_by_a_limit_that_began_before_it(hall: Hall, line: Line, seconds: float) -> None:
    line.send(LIST.whole(1))
    hall.advance(seconds - 1)
    request = poll(POLL_S)
    line.send(request[:10])
    hall.advance(0.5)
    line.send(request[10:])
    hall.advance(POLL_S - 1)
    assert line.is_open
    Line(hall).send(SEND.whole(7))
    assert [one.bodies for one in replies(line.take())[-1:]] == [["7"]]


@pytest.mark.parametrize(
    "behind", [SEND.whole(1)[:9], SEND.whole(1)[:-1], LIST.whole(1)[:-1]], ids=["head", "hot", "body"]
)
def test_a_long_poll_is_not_cut_for_what_stops_behind_it(hall: Hall, line: Line, behind: bytes) -> None:
    for _ in range(5):  # one after the other, longer than any limit
        line.send(poll(POLL_S))
        hall.advance(POLL_S)
    line.take()
    line.send(poll(POLL_S) + behind)
    hall.advance(POLL_S - 1)
    assert line.is_open
    hall.advance(1.5)
    assert [one.bodies for one in replies(line.take())] == [[]]
    assert line.is_open
    hall.advance(BODY_IDLE_MAX_S)
    assert not line.is_open
    assert line.take() == b""


@pytest.mark.parametrize("call", [SEND, LIST], ids=lambda call: call.name)
@pytest.mark.parametrize("lines", [(), (b"Expect: 100-continue",)], ids=["hot", "ordinary"])
@pytest.mark.parametrize("before", [b"", GET_ATTRIBUTES.whole(1)], ids=["first", "later"])
def test_a_request_that_is_being_answered_is_never_cut(
    hall: Hall, line: Line, gate: Future[None], call: Call, lines: tuple[bytes, ...], before: bytes
) -> None:
    line.send(before)
    line.send(call.whole(1, *lines))
    line.take()
    hall.advance(1000)
    assert line.is_open
    hall.do(lambda: gate.set_result(None))
    assert_right(call, 1, replies(line.take())[-1])
    assert_closes_between_one_and_two_keep_alives(hall, line)


@pytest.mark.parametrize("lines", [(), (b"Expect: 100-continue",)], ids=["hot", "ordinary"])
@pytest.mark.parametrize(
    "behind", [SEND.whole(2)[:9], SEND.whole(2)[:-1], LIST.whole(2)], ids=["head", "body", "whole"]
)
def test_a_request_that_is_being_answered_is_not_cut_for_what_comes_behind_it(
    hall: Hall, line: Line, gate: Future[None], lines: tuple[bytes, ...], behind: bytes
) -> None:
    line.send(SEND.whole(1, *lines), behind)
    hall.advance(1000)
    assert line.is_open
    hall.do(lambda: gate.set_result(None))
    first, *more = [one for one in replies(line.take()) if one.status != 100]
    assert_right(SEND, 1, first)
    assert len(more) == (behind == LIST.whole(2))


def test_an_answer_that_the_client_is_slow_to_read_is_not_cut(hall: Hall, line: Line) -> None:
    protocol = line.transport.protocol
    hall.do(protocol.pause_writing)
    line.send(LIST.whole(1))
    hall.advance(1000)
    assert line.is_open
    hall.do(protocol.resume_writing)
    assert_right(LIST, 1, *replies(line.take()))


# Those who come back.


@both_ways
def test_an_idle_connection_keeps_the_keep_alive_time(hall: Hall, line: Line, call: Call) -> None:
    line.send(call.whole(1))
    assert_closes_between_one_and_two_keep_alives(hall, line)


@both_ways
def test_the_keep_alive_time_counts_from_the_last_answer(hall: Hall, line: Line, call: Call) -> None:
    for number in range(10):
        assert_right(call, number, *replies(line.send(call.whole(number))))
        hall.advance(KEEP_ALIVE_S - 1)
    line.send(call.whole(1))
    assert_closes_between_one_and_two_keep_alives(hall, line)


@both_ways
def test_the_keep_alive_time_counts_from_the_end_of_a_long_poll(hall: Hall, line: Line, call: Call) -> None:
    line.send(call.whole(1))
    hall.advance(KEEP_ALIVE_S - POLL_S - 1)
    line.send(SEND.whole(1) + poll() + poll(POLL_S))
    hall.advance(POLL_S)
    assert_closes_between_one_and_two_keep_alives(hall, line)


# Those who were refused.


def refused_line(hall: Hall, line: Line) -> None:
    """Have a body refused before it is there."""
    [reply] = replies(line.send(LIST.head(b"Content-Length: %d" % (1 << 40)) + b"\r\n"))
    assert reply.status == 413


def test_a_client_that_was_refused_and_sends_nothing_more_is_closed(hall: Hall, line: Line) -> None:
    refused_line(hall, line)
    hall.advance(BODY_IDLE_MAX_S + 0.5)
    assert not line.is_open


def test_a_client_that_was_refused_is_read_from_for_a_while_and_not_for_ever(hall: Hall, line: Line) -> None:
    refused_line(hall, line)
    piece = b"x" * MIB
    for _ in range(DROPPED_MAX_BYTES // MIB):
        line.send(piece)
    assert line.is_open
    line.send(piece)
    assert not line.is_open
    assert line.take() == b""


# What a connection costs.


STARTS = [
    b"",
    *HEADS.values(),
    *BODIES.values(),
    SEND.whole(1),
    LIST.whole(1),
    poll(POLL_S),
    poll(POLL_S) + LIST.whole(1),
]


@pytest.mark.parametrize("start", STARTS)
def test_a_client_that_goes_leaves_nothing_behind(hall: Hall, line: Line, start: bytes) -> None:
    line.vanish()
    before = hall.timers
    line = Line(hall)
    line.send(start)
    line.vanish()
    assert hall.timers == before
    assert not hall.state.connections
    assert not hall.state.tasks


@both_ways
def test_a_connection_has_one_timer_however_many_requests_it_brings(hall: Hall, line: Line, call: Call) -> None:
    line.send(call.whole(1))
    before = hall.timers
    for number in range(100):
        line.send(call.whole(number))
    assert hall.timers == before
