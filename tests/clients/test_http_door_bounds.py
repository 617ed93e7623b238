"""What is too much for the door of HTTP, over real sockets: refusals that reach a client which is still sending, clients that never read,
and crowds. `tests/emulator/test_http_door_limits.py` has the limits themselves.
"""

from __future__ import annotations

import http.client
import json
import resource
import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from emulator.http import BODY_MAX_BYTES, FORM_MAX_BYTES
from emulator.protocol import HEAD_MAX_BYTES
from tests.support.http_wire import (
    CALLS,
    FORM_TYPE,
    GET_ATTRIBUTES,
    JSON_TYPE,
    LIST,
    SEND,
    Call,
    Reply,
    Wire,
    answered,
    assert_right,
    assert_too_large,
    memory_bytes,
    open_files,
    opened,
    poll,
    poll_url,
    set_up,
)
from tests.support.server import Server, read

CROWD = 2000
MIB = 1 << 20
one_of_each = pytest.mark.parametrize("call", [SEND, GET_ATTRIBUTES], ids=["hot", "ordinary"])


def limit_of(call: Call) -> int:
    return FORM_MAX_BYTES if call.target is None else BODY_MAX_BYTES


def send_until_answered(wire: Wire, pieces: list[bytes]) -> Reply:
    """Send as clients do that look for an early answer (curl, Go's, urllib3): until there is one, or nobody takes more."""
    for piece in pieces:
        try:
            wire.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            break
        if select.select([wire.sock], [], [], 0)[0]:
            break
    return wire.read()


# Heads.


@one_of_each
@pytest.mark.parametrize("size", [HEAD_MAX_BYTES, 3 * HEAD_MAX_BYTES])
@pytest.mark.parametrize("piece", [4 * HEAD_MAX_BYTES, 1000], ids=["in one piece", "in many"])
def test_a_head_above_the_limit_is_refused(wire: Wire, call: Call, size: int, piece: int) -> None:
    request = call.whole(1, b"X-Long: " + b"v" * size)
    early = send_until_answered(wire, [request[at : at + piece] for at in range(0, len(request), piece)])
    assert early.status == 431
    assert early.headers["connection"] == "close"


def test_heads_that_never_end_cost_no_more_memory_than_they_bring(door: Server) -> None:
    before = memory_bytes(door)
    with ExitStack() as stack:
        for number in range(100):
            endless = stack.enter_context(opened(door))
            endless.send(b"POST / HTTP/1.1\r\nX-%d: " % number, b"x" * (HEAD_MAX_BYTES - 1000))
        door.turns()
        assert memory_bytes(door) - before < 100 * 4 * HEAD_MAX_BYTES


# Bodies.


@one_of_each
@pytest.mark.parametrize("expect", [(), (b"Expect: 100-continue",)], ids=["", "expect"])
def test_a_client_that_only_declares_too_much_is_told_at_once(
    wire: Wire, call: Call, expect: tuple[bytes, ...]
) -> None:
    wire.send(call.head(b"Content-Length: %d" % (limit_of(call) + 1), *expect) + b"\r\n")
    assert_too_large(call, wire.read())
    if expect:
        assert wire.at_end()


@one_of_each
def test_a_client_that_looks_for_an_early_answer_finds_it_whatever_it_wants_to_send(wire: Wire, call: Call) -> None:
    wire.send(call.head(b"Content-Length: %d" % (1 << 40)) + b"\r\n")
    assert_too_large(call, send_until_answered(wire, [b"x" * 65_536] * 1000))


@one_of_each
def test_chunks_that_never_end_are_answered_while_they_come(wire: Wire, door: Server, call: Call) -> None:
    before = memory_bytes(door)
    wire.send(call.head(b"Transfer-Encoding: chunked") + b"\r\n")
    chunk = b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536)
    assert_too_large(call, send_until_answered(wire, [chunk] * 4000))
    assert memory_bytes(door) - before < 6 * BODY_MAX_BYTES


@pytest.mark.parametrize(
    ("kind", "size"),
    [(JSON_TYPE, BODY_MAX_BYTES + 1), (JSON_TYPE, 3 * BODY_MAX_BYTES), (FORM_TYPE, FORM_MAX_BYTES + 1)],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_client_that_sends_all_before_it_reads_is_told(door: Server, kind: bytes, size: int, chunked: bool) -> None:
    body = b"x" * size
    headers = {"Content-Type": kind.decode()}
    if kind == JSON_TYPE:
        headers["X-Amz-Target"] = "AmazonSQS.SendMessage"
    connection = door.connect()
    try:
        if chunked:
            pieces = (body[at : at + 100_000] for at in range(0, size, 100_000))
            connection.request("POST", "/", pieces, headers, encode_chunked=True)
        else:
            connection.request("POST", "/", body, headers)
        answer = read(connection)
    finally:
        connection.close()
    assert answer.status == 413
    assert b"RequestEntityTooLarge" in answer.body


def test_a_client_that_reuses_its_connection_after_a_refusal_gets_its_next_answer(door: Server) -> None:
    connection: http.client.HTTPConnection = door.connect()
    try:
        for _ in range(3):
            connection.request("POST", "/", b"x" * (BODY_MAX_BYTES + 1), {"X-Amz-Target": "AmazonSQS.SendMessage"})
            assert read(connection).status == 413
            connection.request("POST", "/", LIST.body(1), {"X-Amz-Target": "AmazonSQS.ListQueues"})
            answer = read(connection)
            assert_right(LIST, 1, Reply(*answer))
    finally:
        connection.close()


@pytest.mark.parametrize("call", [SEND, LIST, GET_ATTRIBUTES], ids=lambda call: call.name)
def test_a_body_at_the_limit_is_read_whole(wire: Wire, call: Call) -> None:
    body, size = call.body(3), limit_of(call)
    padding = b" " * (size - len(body)) if call.target else b"&" + b"x" * (size - len(body) - 1)
    wire.send(call.head(b"Content-Length: %d" % size) + b"\r\n", body, padding)
    assert_right(call, 3, wire.read())


def test_bodies_that_never_become_whole_cost_no_more_memory_than_they_bring(door: Server) -> None:
    before = memory_bytes(door)
    with ExitStack() as stack:
        for number in range(200):
            half = stack.enter_context(opened(door))
            half.send(CALLS[number % len(CALLS)].head(b"Content-Length: %d" % (2 * MIB)) + b"\r\n{")
        worker = stack.enter_context(opened(door))
        answered(worker, SEND, [1, 2, 3])
        assert memory_bytes(door) - before < 50 * MIB


# Clients that never read.


@pytest.mark.parametrize(
    "request_of", [lambda: poll(visibility_s=0), lambda: poll_url(visibility_s=0)], ids=["hot", "ordinary"]
)
def test_what_clients_ask_for_and_never_read_is_bounded_for_each_connection(
    door: Server, request_of: Callable[[], bytes]
) -> None:
    clients, requests = 10, 60
    body = json.dumps({"QueueUrl": "/000000000000/door", "MessageBody": "x" * 100_000}).encode()
    with ExitStack() as stack:
        worker = stack.enter_context(opened(door))
        for _ in range(10):
            assert worker.send(SEND.head(b"Content-Length: %d" % len(body)) + b"\r\n" + body).read().status == 200
        before = memory_bytes(door)
        deaf = [stack.enter_context(opened(door, receive_bytes=4096)) for _ in range(clients)]
        for one in deaf:
            one.send(request_of() * requests)
        door.turns(20)
        answered(worker, LIST, [1, 2])
        assert memory_bytes(door) - before < clients * 5 * MIB
        for _ in range(requests):
            assert len(deaf[0].read().body) > 1_000_000


# Crowds.


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process open as many sockets as the crowd has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} files may be open, and the test needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def settle_files(door: Server, expected: int) -> int:
    """Give the server turns until it has noticed who is gone; how many files it has open then."""
    for _ in range(200):
        if (found := open_files(door)) <= expected:
            break
        door.turns(1)
    return found


def crowd(door: Server, behave: Callable[[Wire, int], None]) -> None:
    """Let many connect and do something, and one work among them; then all go."""
    before = open_files(door)
    with ExitStack() as stack:
        wires = [stack.enter_context(opened(door)) for _ in range(CROWD)]
        for number, wire in enumerate(wires):
            behave(wire, number)
        with opened(door) as worker:
            for call in CALLS:
                answered(worker, call, list(range(5)))
        assert open_files(door) >= CROWD
        if behave is idle:
            for number, wire in enumerate(wires[:200]):
                answered(wire, CALLS[number % len(CALLS)], [number])
    assert settle_files(door, before) <= before


def idle(wire: Wire, number: int) -> None:
    """Say nothing."""


def once(wire: Wire, number: int) -> None:
    """Ask once."""
    call = CALLS[number % len(CALLS)]
    assert_right(call, number, wire.send(call.whole(number)).read())


def half(wire: Wire, number: int) -> None:
    """Stop in the middle."""
    wire.send(CALLS[number % len(CALLS)].whole(number)[: -1 - number % 100])


@pytest.mark.parametrize("behave", [idle, once, half], ids=lambda one: one.__name__)
def test_two_thousand_connections_hold_nobody_up_and_leave_nothing_behind(
    door: Server, many_files: None, behave: Callable[[Wire, int], None]
) -> None:
    crowd(door, behave)
    set_up(door)
    once_memory = memory_bytes(door)
    for _ in range(2):
        crowd(door, behave)
        set_up(door)
    assert memory_bytes(door) - once_memory < 8 * MIB


@pytest.mark.parametrize("waiting", [poll(20), poll_url(20)], ids=["hot", "ordinary"])
def test_hundreds_of_parked_clients_that_vanish_leave_nothing_behind(door: Server, waiting: bytes) -> None:
    before = open_files(door)
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(opened(door)).send(waiting)
            door.turns()
        assert settle_files(door, before) <= before
    with opened(door) as one:
        answered(one, SEND, [5])
        assert one.send(poll(20)).read().bodies == ["5"]
