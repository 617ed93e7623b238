"""What is owed goes out first: answers before the refusal of what comes behind them, before the end of a client that has ended its own
side, and before the server's own end. In process, where an operation takes as long as the test wants.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterator

import pytest

from emulator.certificate import Certificate
from emulator.fastlane import FastLane
from emulator.protocol import JoinedProtocol
from tests.support.http_line import START_MS, Hall, Line, prepared, replies
from tests.support.http_wire import GET_ATTRIBUTES, LIST, SEND, Call, Reply, assert_right, poll, poll_url

RUBBISH = b"rubbish\r\n\r\n"
each_poll = pytest.mark.parametrize("waiting", [poll(20), poll_url(20)], ids=["hot poll", "ordinary poll"])
slow_calls = pytest.mark.parametrize(
    "slow", [SEND.whole(1), SEND.whole(1, b"Expect: 100-continue"), SEND.chunked(1)], ids=["hot", "expecting", "chunks"]
)


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


@pytest.fixture
def release(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """SendMessage answers when this is called."""
    gate: Future[None] = hall.loop.create_future()
    now = hall.emulator.services["sqs"].operations["SendMessage"]

    async def wait(*arguments: object) -> object:
        await gate
        return now(*arguments)  # type: ignore[arg-type]

    monkeypatch.setitem(hall.emulator.services["sqs"].operations, "SendMessage", wait)
    return lambda: hall.do(lambda: gate.set_result(None))


def told(line: Line) -> list[Reply]:
    """What the client has been answered since."""
    return [reply for reply in replies(line.send()) if reply.status != 100]


def assert_ends(line: Line, reply: Reply) -> None:
    """It says that it is the last one, and it is."""
    assert reply.headers["connection"] == "close"
    assert not line.is_open


# Rubbish.


@slow_calls
@pytest.mark.parametrize("pieces", [1, 2])
def test_rubbish_behind_a_request_that_is_being_answered(
    line: Line, release: Callable[[], None], slow: bytes, pieces: int
) -> None:
    stream = slow + LIST.whole(2) + GET_ATTRIBUTES.whole(3)
    line.send(*([stream + RUBBISH] if pieces == 1 else [stream, RUBBISH]))
    assert told(line) == []
    release()
    first, second, third, last = told(line)
    assert_right(SEND, 1, first)
    assert_right(LIST, 2, second)
    assert_right(GET_ATTRIBUTES, 3, third)
    assert last.status == 400
    assert_ends(line, last)


@each_poll
def test_rubbish_behind_a_long_poll(hall: Hall, line: Line, waiting: bytes) -> None:
    assert line.send(waiting, LIST.whole(2), RUBBISH) == b""
    hall.advance(20)
    first, second, last = told(line)
    assert first.status == 200
    assert_right(LIST, 2, second)
    assert last.status == 400
    assert_ends(line, last)


def test_what_comes_behind_rubbish_is_not_answered(line: Line, release: Callable[[], None]) -> None:
    line.send(SEND.whole(1) + RUBBISH, LIST.whole(2), LIST.whole(3))
    release()
    assert [reply.status for reply in told(line)] == [200, 400]
    assert not line.is_open


def test_a_client_that_vanishes_behind_its_rubbish_is_forgotten(
    hall: Hall, line: Line, release: Callable[[], None]
) -> None:
    line.send(SEND.whole(1) + LIST.whole(2) + RUBBISH)
    line.vanish()
    release()
    assert told(line) == []
    assert not hall.state.connections
    assert not hall.state.tasks


def test_a_body_that_breaks_off_into_rubbish_was_no_request(line: Line) -> None:
    [reply] = replies(line.send(LIST.whole(1)[:0] + SEND.head(b"Transfer-Encoding: chunked") + b"\r\nzz\r\n"))
    assert reply.status == 400
    assert_ends(line, reply)
    assert line.take() == b""


# A client that has ended its side.


@slow_calls
def test_it_gets_the_answers_that_are_on_their_way(line: Line, release: Callable[[], None], slow: bytes) -> None:
    line.send(slow + LIST.whole(2) + GET_ATTRIBUTES.whole(3))
    line.end_sending()
    release()
    first, second, third = told(line)
    assert_right(SEND, 1, first)
    assert_right(LIST, 2, second)
    assert_right(GET_ATTRIBUTES, 3, third)
    assert not line.is_open


@slow_calls
def test_it_gets_them_before_the_refusal_of_its_rubbish(line: Line, release: Callable[[], None], slow: bytes) -> None:
    line.send(slow + RUBBISH)
    line.end_sending()
    release()
    assert [reply.status for reply in told(line)] == [200, 400]
    assert not line.is_open


@slow_calls
@pytest.mark.parametrize(
    "half", [LIST.whole(2)[:9], LIST.whole(2)[:-1], SEND.chunked(2)[:-2]], ids=["head", "body", "chunks"]
)
def test_its_half_request_is_forgotten(line: Line, release: Callable[[], None], slow: bytes, half: bytes) -> None:
    line.send(slow + half)
    line.end_sending()
    release()
    [reply] = told(line)
    assert_right(SEND, 1, reply)
    assert not line.is_open


@each_poll
def test_its_long_poll_is_over_at_once(hall: Hall, line: Line, waiting: bytes) -> None:
    before = hall.timers
    assert line.send(waiting) == b""
    assert line.end_sending() == b""
    assert not line.is_open
    assert hall.timers <= before
    other = Line(hall)
    other.send(SEND.whole(7))
    assert told(line) == []
    assert replies(other.send(poll()))[0].bodies == ["7"]


@each_poll
def test_its_long_poll_behind_a_slow_request_is_over_when_its_turn_comes(
    hall: Hall, line: Line, release: Callable[[], None], waiting: bytes
) -> None:
    line.send(SEND.whole(1) + poll(count=1) + waiting + LIST.whole(2))
    line.end_sending()
    release()
    first, second = told(line)
    assert_right(SEND, 1, first)
    assert second.bodies == ["1"]
    assert not line.is_open


# The server's end.


@slow_calls
def test_a_stop_waits_for_what_is_being_answered_and_what_is_behind_it(
    hall: Hall, line: Line, release: Callable[[], None], slow: bytes
) -> None:
    line.send(slow + LIST.whole(2) + GET_ATTRIBUTES.whole(3))
    hall.shut_down()
    assert told(line) == []
    release()
    first, second, third = told(line)
    assert_right(SEND, 1, first)
    assert_right(LIST, 2, second)
    assert_right(GET_ATTRIBUTES, 3, third)
    assert "connection" not in first.headers
    assert "connection" not in second.headers
    assert_ends(line, third)


@each_poll
@pytest.mark.parametrize("behind", [[], [LIST], [SEND], [SEND, LIST, GET_ATTRIBUTES]], ids=len)
def test_a_stop_ends_a_long_poll_and_answers_what_is_behind_it(
    hall: Hall, line: Line, waiting: bytes, behind: list[Call]
) -> None:
    line.send(waiting + b"".join(call.whole(number) for number, call in enumerate(behind)))
    hall.shut_down()
    first, *more = told(line)
    assert first.status == 200
    for number, (call, reply) in enumerate(zip(behind, more, strict=True)):
        assert_right(call, number, reply)
    assert ["connection" in reply.headers for reply in [first, *more][:-1]] == [False] * len(behind)
    assert_ends(line, [first, *more][-1])


@pytest.mark.parametrize("call", [SEND, LIST, GET_ATTRIBUTES], ids=lambda call: call.name)
@pytest.mark.parametrize("framing", [Call.whole, Call.chunked], ids=["length", "chunks"])
@pytest.mark.parametrize(
    "before", [b"", LIST.whole(1), SEND.whole(1)], ids=["first", "after an ordinary", "after a hot"]
)
def test_a_stop_lets_a_body_be_finished(
    hall: Hall, line: Line, call: Call, framing: Callable[..., bytes], before: bytes
) -> None:
    request = framing(call, 4)
    line.send(before + request[:-5])
    hall.shut_down()
    assert line.is_open
    [reply] = replies(line.send(request[-5:]))
    assert_right(call, 4, reply)
    assert_ends(line, reply)


def test_a_stop_closes_idle_connections_at_once(hall: Hall) -> None:
    lines = [Line(hall) for _ in range(4)]
    lines[1].send(LIST.whole(1))
    lines[2].send(SEND.whole(1))
    lines[3].send(SEND.whole(1) + poll())
    hall.shut_down()
    assert [line.is_open for line in lines] == [False] * 4
    assert not hall.state.connections
