"""How connections end, over real sockets: a client that has ended its own side, one that vanishes, and a server that is told to stop.

TCP does not tell a client that ended only its side from one that is gone. Nearly all who end it are gone, and a message that is handed to
nobody is missed until its visibility timeout; so for a long poll that waits, the end of the client's side is the end of the client. Whoever
only waits for answers that are on their way gets them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.http_wire import (
    CALLS,
    GET_ATTRIBUTES,
    LIST,
    PUBLISH,
    SEND,
    Call,
    Reply,
    Wire,
    answered,
    assert_right,
    messages,
    opened,
    poll,
    poll_url,
    set_up,
)
from tests.support.server import Server

Start = Callable[..., Server]
each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
one_of_each = pytest.mark.parametrize("call", [SEND, GET_ATTRIBUTES], ids=["hot", "ordinary"])
each_poll = pytest.mark.parametrize("waiting", [poll(20), poll_url(20)], ids=["hot poll", "ordinary poll"])
each_way_to_leave = pytest.mark.parametrize(
    "leave", [Wire.close, Wire.reset, Wire.end_sending], ids=lambda way: way.__name__
)


# A client that has ended its side.


@each_call
@pytest.mark.parametrize("count", [1, 20])
def test_a_client_that_has_ended_its_side_still_gets_its_answers(wire: Wire, call: Call, count: int) -> None:
    wire.send(b"".join(call.whole(number) for number in range(count)))
    wire.end_sending()
    for number in range(count):
        assert_right(call, number, wire.read())
    assert wire.at_end()


MIXED = (SEND, LIST, PUBLISH, GET_ATTRIBUTES, LIST, SEND, SEND, GET_ATTRIBUTES, PUBLISH)


@pytest.mark.parametrize("shift", range(len(MIXED)))
def test_it_gets_them_whatever_kinds_they_are(wire: Wire, shift: int) -> None:
    sent = [*MIXED[shift:], *MIXED[:shift]]
    wire.send(b"".join(call.whole(number) for number, call in enumerate(sent)))
    wire.end_sending()
    for number, call in enumerate(sent):
        assert_right(call, number, wire.read())
    assert wire.at_end()


@each_poll
@pytest.mark.parametrize("before", [SEND, LIST], ids=["hot", "ordinary"])
def test_it_gets_the_message_of_a_long_poll_that_need_not_wait(wire: Wire, waiting: bytes, before: Call) -> None:
    answered(wire, SEND, [7])
    wire.send(before.whole(1) + waiting + LIST.whole(2) + SEND.whole(3))
    wire.end_sending()
    assert_right(before, 1, wire.read())
    assert "7" in wire.read().text
    assert_right(LIST, 2, wire.read())
    assert_right(SEND, 3, wire.read())
    assert wire.at_end()


@each_poll
@pytest.mark.parametrize("before", [SEND, LIST], ids=["hot", "ordinary"])
def test_its_long_poll_that_would_have_to_wait_is_the_end(wire: Wire, waiting: bytes, before: Call) -> None:
    wire.send(before.whole(1) + poll(count=1) + waiting)
    wire.end_sending()
    assert_right(before, 1, wire.read())
    assert wire.read().bodies == (["1"] if before is SEND else [])
    assert wire.at_end()


@one_of_each
@pytest.mark.parametrize("framing", [Call.whole, Call.chunked], ids=["length", "chunks"])
@pytest.mark.parametrize("missing", [1, 5], ids=["the last byte", "the last bytes"])
def test_a_client_that_ends_its_side_in_the_middle_of_a_body_is_let_go_without_an_answer(
    wire: Wire, door: Server, call: Call, framing: Callable[..., bytes], missing: int
) -> None:
    wire.send(framing(call, 1)[:-missing])
    wire.end_sending()
    assert wire.at_end()
    assert messages(door) == 0


@one_of_each
@pytest.mark.parametrize(
    "behind", [SEND.whole(9)[:9], SEND.whole(9)[:-1], LIST.whole(9)[:-1]], ids=["head", "hot", "body"]
)
def test_half_a_request_behind_whole_ones_is_forgotten(wire: Wire, door: Server, call: Call, behind: bytes) -> None:
    wire.send(call.whole(1) + LIST.whole(2) + behind)
    wire.end_sending()
    assert_right(call, 1, wire.read())
    assert_right(LIST, 2, wire.read())
    assert wire.at_end()
    assert messages(door) == (call is SEND)


def test_a_client_that_says_nothing_and_ends_its_side_is_let_go(wire: Wire) -> None:
    wire.end_sending()
    assert wire.at_end()


# A client that is gone.


@each_way_to_leave
@each_poll
@pytest.mark.parametrize(
    "behind",
    [b"", LIST.whole(1), SEND.whole(1), SEND.whole(1)[:-1], LIST.whole(1)[:-1], LIST.whole(1) * 5],
    ids=["nothing", "a request", "a hot request", "half a hot request", "half a request", "requests"],
)
def test_a_client_that_leaves_a_long_poll_takes_no_message_with_it(
    door: Server, leave: Callable[[Wire], None], waiting: bytes, behind: bytes
) -> None:
    with opened(door) as gone, opened(door) as next_one:
        gone.send(waiting + behind)
        door.turns()
        next_one.send(poll(10))
        door.turns()
        leave(gone)
        door.turns()
        with opened(door) as sender:
            answered(sender, SEND, [5])
        assert next_one.read().bodies == ["5"]
        assert messages(door) == 1


@each_way_to_leave
@each_poll
def test_a_message_right_behind_the_going_away_of_its_client_stays(
    door: Server, leave: Callable[[Wire], None], waiting: bytes
) -> None:
    with opened(door) as sender, opened(door) as receiver:
        for number in range(10):
            with opened(door) as gone:
                gone.send(waiting)
                door.turns()
                leave(gone)
                answered(sender, SEND, [number])
                assert receiver.send(poll(20)).read().bodies == [str(number)]


@one_of_each
@pytest.mark.parametrize("leave", [Wire.close, Wire.reset], ids=lambda way: way.__name__)
def test_clients_that_vanish_while_they_are_answered_leave_nothing_behind(
    door: Server, call: Call, leave: Callable[[Wire], None]
) -> None:
    body = json.dumps({"QueueUrl": "/000000000000/door", "MessageBody": "x" * 100_000}).encode()
    with opened(door) as other:
        for _ in range(10):
            assert other.send(SEND.head(b"Content-Length: %d" % len(body)) + b"\r\n" + body).read().status == 200
        for _ in range(30):
            one = Wire(door, receive_bytes=4096)
            one.send((poll(visibility_s=0) if call.hot else poll_url(visibility_s=0)) * 4)
            leave(one)
        answered(other, call, [1, 2, 3])


@one_of_each
@pytest.mark.parametrize("leave", [Wire.close, Wire.reset], ids=lambda way: way.__name__)
def test_clients_that_vanish_in_the_middle_of_a_body_send_nothing(
    door: Server, call: Call, leave: Callable[[Wire], None]
) -> None:
    for _ in range(20):
        leave(Wire(door).send(call.whole(1)[:-1]))
    door.turns()
    assert messages(door) == 0


# A server that is told to stop.


class Stopping:
    """A server of one's own and what it is told last; `begun` comes back when it has begun to stop."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.server = server
        self._stack = stack
        set_up(server)
        self._idle = self.open()
        answered(self._idle, LIST, [1])

    def open(self) -> Wire:
        return self._stack.enter_context(opened(self.server))

    def begin(self) -> None:
        self.server.process.terminate()
        assert self._idle.at_end()  # an idle connection is the first to be closed

    def end(self) -> None:
        assert self.server.wait() == 0
        assert self.server.err == []


@pytest.fixture
def stopping(start: Start) -> Iterator[Stopping]:
    with ExitStack() as stack:
        yield Stopping(start(), stack)


def assert_last(wire: Wire, reply: Reply) -> None:
    """It says that it is the last one, and it is."""
    assert reply.headers.get("connection") == "close"
    assert wire.at_end()


@pytest.mark.parametrize("call", [SEND, PUBLISH, GET_ATTRIBUTES, LIST], ids=lambda call: call.name)
@pytest.mark.parametrize("framing", [Call.whole, Call.chunked], ids=["length", "chunks"])
def test_a_body_that_is_half_read_may_be_finished(
    stopping: Stopping, call: Call, framing: Callable[..., bytes]
) -> None:
    wire, request = stopping.open(), framing(call, 1)
    wire.send(request[:-7])
    stopping.server.turns()
    stopping.begin()
    reply = wire.send(request[-7:]).read()
    assert_right(call, 1, reply)
    assert_last(wire, reply)
    stopping.end()


@one_of_each
def test_a_body_that_is_half_read_may_be_finished_also_after_answers(stopping: Stopping, call: Call) -> None:
    wire, request = stopping.open(), call.whole(4)
    answered(wire, call, [1, 2, 3])
    wire.send(request[:-7])
    stopping.server.turns()
    stopping.begin()
    reply = wire.send(request[-7:]).read()
    assert_right(call, 4, reply)
    assert_last(wire, reply)
    stopping.end()


@each_poll
@pytest.mark.parametrize(
    "behind", [[], [SEND], [LIST], [SEND, LIST, PUBLISH, GET_ATTRIBUTES]], ids=["nothing", "hot", "ordinary", "several"]
)
def test_a_long_poll_and_what_is_pipelined_behind_it_are_answered(
    stopping: Stopping, waiting: bytes, behind: list[Call]
) -> None:
    wire = stopping.open()
    wire.send(waiting + b"".join(call.whole(number) for number, call in enumerate(behind)))
    stopping.server.turns()
    stopping.begin()
    got = [wire.read() for _ in range(1 + len(behind))]
    assert got[0].status == 200
    for number, call in enumerate(behind):
        assert_right(call, number, got[1 + number])
    assert ["connection" in one.headers for one in got[:-1]] == [False] * len(behind)
    assert_last(wire, got[-1])
    stopping.end()


@each_poll
def test_a_body_that_is_half_read_behind_a_long_poll_may_be_finished(stopping: Stopping, waiting: bytes) -> None:
    wire, request = stopping.open(), LIST.whole(1)
    wire.send(waiting + request[:-1])
    stopping.server.turns()
    stopping.begin()
    assert wire.read().status == 200
    reply = wire.send(request[-1:]).read()
    assert_right(LIST, 1, reply)
    assert_last(wire, reply)
    stopping.end()


def test_several_connections_end_with_their_own_last_answer(stopping: Stopping) -> None:
    polls = [stopping.open().send(poll(20)) for _ in range(5)]
    halves = [stopping.open().send(call.whole(1)[:-1]) for call in CALLS]
    stopping.server.turns()
    stopping.begin()
    for wire in polls:
        reply = wire.read()
        assert reply.bodies == []
        assert_last(wire, reply)
    for call, wire in zip(CALLS, halves, strict=True):
        reply = wire.send(call.whole(1)[-1:]).read()
        assert_right(call, 1, reply)
        assert_last(wire, reply)
    stopping.end()
