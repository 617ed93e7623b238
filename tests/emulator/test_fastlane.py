"""The fast lane beside the ordinary way: the same bytes in, the same bytes out, ids included; and what only the lane does."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator.certificate import Certificate
from emulator.fastlane import LENGTH_MAX_DIGITS
from services.sqs.state import SqsState
from tests.support.doors import Door, lane, ordinary

URL = "http://localhost:4566/000000000000/jobs"
AUTHORIZATION = b"AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("eventyard", 1_767_225_600_000)


def raw(
    body: bytes, *headers: tuple[bytes, bytes], method: bytes = b"POST", path: bytes = b"/", version: bytes = b"1.1"
) -> bytes:
    given = {name.lower() for name, _ in headers}
    length = (
        () if b"transfer-encoding" in given or b"content-length" in given else ((b"Content-Length", b"%d" % len(body)),)
    )
    lines = [b"%s %s HTTP/%s" % (method, path, version), b"Host: localhost:4566"]
    lines += [b"%s: %s" % header for header in (*headers, *length)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def call(target: str, *more: tuple[bytes, bytes], body: bytes | None = None, **request: Any) -> bytes:
    """A call of an SDK: `call("SendMessage", QueueUrl=URL)` is SQS's, `call("AWSEvents.PutEvents", ...)` another's."""
    service = b"events" if "." in target else b"sqs"
    full = target if "." in target else f"AmazonSQS.{target}"
    return raw(
        json.dumps(request).encode() if body is None else body,
        (b"Content-Type", b"application/x-amz-json-1.0"),
        (b"X-Amz-Target", full.encode()),
        (b"Authorization", AUTHORIZATION % service),
        *more,
    )


def publish(**form: str) -> bytes:
    return raw(
        urlencode({"Action": "Publish", "Version": "2010-03-31", **form}).encode(),
        (b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"),
        (b"Authorization", AUTHORIZATION % b"sns"),
    )


def receive(wait_s: int = 0) -> bytes:
    return call("ReceiveMessage", QueueUrl=URL, WaitTimeSeconds=wait_s)


CREATE = call("CreateQueue", QueueName="jobs")
SEND = call("SendMessage", QueueUrl=URL, MessageBody="hello")
BATCH = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(10)]
EVENT = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
CHUNKED = (b"Transfer-Encoding", b"chunked")
REQUESTS: dict[str, bytes] = {
    "SendMessage": SEND,
    "SendMessageBatch": call("SendMessageBatch", QueueUrl=URL, Entries=BATCH),
    "ReceiveMessage": receive(),
    "DeleteMessage": call("DeleteMessage", QueueUrl=URL, ReceiptHandle="AQEB"),
    "DeleteMessageBatch": call("DeleteMessageBatch", QueueUrl=URL, Entries=[{"Id": "1", "ReceiptHandle": "x"}]),
    "ChangeMessageVisibility": call("ChangeMessageVisibility", QueueUrl=URL, ReceiptHandle="x", VisibilityTimeout=1),
    "PutEvents": call("AWSEvents.PutEvents", Entries=[EVENT, {}]),
    "Publish to a topic": publish(TopicArn="arn:aws:sns:eu-west-1:000000000000:news", Message="hello"),
    "Publish to nowhere": publish(TopicArn="arn:aws:sns:eu-west-1:000000000000:none", Message="hello"),
    "Publish nothing": publish(),
    "CreateTopic": publish(Action="CreateTopic", Name="news"),
    "ListQueues": call("ListQueues"),
    "a missing queue": call("SendMessage", QueueUrl=URL + "-none", MessageBody="x"),
    "no JSON": call("SendMessage", body=b"{"),
    "no body": call("SendMessage", body=b""),
    "an unknown operation": call("Nonsense"),
    "an unknown service": call("AmazonSSM.GetParameter"),
    "a form without an action": publish(Action=""),
    "a form of nobody": raw(b"a=b", (b"Content-Type", b"application/x-www-form-urlencoded")),
    "a form on a queue's path": raw(
        b"Action=SendMessage&MessageBody=x",
        (b"Content-Type", b"application/x-www-form-urlencoded"),
        path=b"/000000000000/jobs",
    ),
    "a page of this machine": call("ListQueues", (b"Origin", b"http://localhost:3000")),
    "a page of elsewhere": call("ListQueues", (b"Origin", b"https://evil.test")),
    "a GET": raw(b"", method=b"GET"),
    "health": raw(b"", method=b"GET", path=b"/health"),
    "nothing": raw(b"", method=b"GET", path=b"/nothing/here"),
    "HTTP/1.0": raw(SEND.partition(b"\r\n\r\n")[2], (b"X-Amz-Target", b"AmazonSQS.SendMessage"), version=b"1.0"),
    "Connection: close": call("ListQueues", (b"Connection", b"close")),
    "a header twice": call("ListQueues", (b"X-Extra", b"1"), (b"X-Extra", b"2")),
    "chunks": raw(b"2\r\n{}\r\n0\r\n\r\n", (b"X-Amz-Target", b"AmazonSQS.ListQueues"), CHUNKED),
    "trailers that would be another caller's": raw(
        b"2\r\n{}\r\n0\r\nOrigin: https://evil.test\r\nX-Amz-Target: AmazonSQS.Nonsense\r\n\r\n",
        (b"X-Amz-Target", b"AmazonSQS.ListQueues"),
        CHUNKED,
    ),
    "expectation": call("ListQueues", (b"Expect", b"100-continue")),
    "a large body": call("SendMessage", QueueUrl=URL, MessageBody="x" * 10**LENGTH_MAX_DIGITS),
    "rubbish": b"rubbish\r\n\r\n",
}


def both(
    certificate: Certificate, play: Callable[[Door], Coroutine[Any, Any, Any]], **settings: Any
) -> tuple[Any, Any]:
    """Play the same before both doors and give what came of it."""

    async def of(door: Door) -> Any:
        await door.send(CREATE)
        try:
            return await play(door)
        finally:
            await door.close()

    async def run() -> tuple[Any, Any]:
        return await of(lane(certificate, **settings)), await of(ordinary(certificate, **settings))

    return asyncio.run(run())


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_is_the_same_to_the_byte(certificate: Certificate, name: str) -> None:
    fast, slow = both(certificate, lambda door: door.send(REQUESTS[name]))
    assert fast == slow
    assert fast.startswith(b"HTTP/1.1 ")


def test_trailers_do_not_change_a_request(certificate: Certificate) -> None:
    changed, _ = both(certificate, lambda door: door.send(REQUESTS["trailers that would be another caller's"]))
    plain, _ = both(certificate, lambda door: door.send(REQUESTS["chunks"]))
    assert changed == plain
    assert changed.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "order", [["SendMessage", "ListQueues", "a GET"], ["a GET", "SendMessage", "health", "ReceiveMessage"]]
)
def test_pipelined_requests_are_answered_in_their_order(certificate: Certificate, order: list[str]) -> None:
    fast, slow = both(certificate, lambda door: door.send(b"".join(REQUESTS[name] for name in order)))
    assert fast == slow
    assert fast.count(b"HTTP/1.1 200 OK") == len(order)


def test_requests_in_any_pieces_are_answered_alike(certificate: Certificate) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    names = [name for name in REQUESTS if name not in ("rubbish", "Connection: close", "HTTP/1.0", "a large body")]
    stream = b"".join(REQUESTS[chance.choice(names)] for _ in range(60))
    pieces = []
    while stream:
        size = chance.choice((1, 2, 7, 100, 1000))
        pieces.append(stream[:size])
        stream = stream[size:]

    async def play(door: Door) -> bytes:
        return b"".join([await door.send(piece) for piece in pieces])

    fast, slow = both(certificate, play)
    assert fast == slow


def test_a_parked_poll_is_answered_when_a_message_comes(certificate: Certificate) -> None:
    async def play(door: Door) -> list[bytes]:
        first = await door.send(receive(20))
        parked, connection = door.transport, door.connection
        door.open()
        sent = await door.send(SEND)
        door.transport, door.connection = parked, connection
        return [first, sent, door.take()]

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast[0] == b""
    assert b'"Body":"hello"' in fast[2]


def test_a_parked_poll_ends_empty_at_its_instant(certificate: Certificate) -> None:
    async def play(door: Door) -> list[bytes]:
        return [await door.send(receive(2)), await door.advance(1.999), await door.advance(0.001)]

    fast, slow = both(certificate, play)
    assert fast == slow
    assert (fast[0], fast[1]) == (b"", b"")
    assert fast[2].endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize("behind", [["SendMessage"], ["ListQueues", "SendMessage", "a GET"]])
def test_what_is_pipelined_behind_a_parked_poll_waits_for_its_turn(certificate: Certificate, behind: list[str]) -> None:
    async def play(door: Door) -> list[bytes]:
        held = await door.send(receive(1) + b"".join(REQUESTS[name] for name in behind))
        return [held, await door.advance(1)]

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast[0] == b""
    assert fast[1].count(b"HTTP/1.1 200 OK") == 1 + len(behind)


def test_a_client_that_goes_away_takes_no_message_with_it(certificate: Certificate) -> None:
    async def play(door: Door) -> tuple[int, int, bytes]:
        await door.send(receive(20))
        await door.lose()
        queue = queue_of(door)
        left = len(queue.waiters), door.clock.timers
        door.open()
        await door.send(SEND)
        return (*left, await door.send(receive()))

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast[0] == 0
    assert b'"Body":"hello"' in fast[2]


def queue_of(door: Door) -> Any:
    state = door.emulator.find_state("sqs", "000000000000", "eu-west-1")
    assert isinstance(state, SqsState)
    return state.queues["jobs"]


def test_a_client_that_goes_in_the_turn_of_the_answer_gives_the_message_back(certificate: Certificate) -> None:
    async def play(door: Door) -> bytes:
        await door.send(receive(20))
        parked = door.transport, door.connection
        door.open()
        door.connection.data_received(SEND)
        parked[0].closed = True
        parked[1].connection_lost(None)
        await door.send()
        return await door.send(receive())

    fast, slow = both(certificate, play)
    assert b'"Body":"hello"' in fast
    assert b'"Body":"hello"' in slow


def test_deleting_the_queue_answers_its_polls(certificate: Certificate) -> None:
    async def play(door: Door) -> bytes:
        await door.send(receive(20))
        parked = door.transport
        door.open()
        await door.send(call("DeleteQueue", QueueUrl=URL))
        return bytes(parked.written)

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast.startswith(b"HTTP/1.1 400 ")


def test_a_stop_answers_a_parked_poll_and_then_closes(certificate: Certificate) -> None:
    async def play(door: Door) -> tuple[bytes, bool]:
        await door.send(receive(20))
        door.emulator.drain()
        door.connection.shutdown()
        return await door.send(), door.transport.closed

    written, closed = both(certificate, play)[0]
    assert b"connection: close\r\n\r\n{}" in written
    assert closed


# What only the lane does.


def in_lane(certificate: Certificate, play: Callable[[Door], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        door = lane(certificate)
        await door.send(CREATE)
        try:
            return await play(door)
        finally:
            await door.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "name", ["SendMessage", "SendMessageBatch", "ReceiveMessage", "PutEvents", "Publish to nowhere"]
)
def test_a_hot_call_is_answered_in_the_very_call_that_read_it_in_one_write(certificate: Certificate, name: str) -> None:
    async def play(door: Door) -> tuple[bytes, int]:
        writes = door.transport.writes
        door.connection.data_received(REQUESTS[name])
        return door.take(), door.transport.writes - writes

    answer, writes = in_lane(certificate, play)
    assert answer.startswith(b"HTTP/1.1 ")
    assert writes == 1


def test_a_parked_poll_is_no_task(certificate: Certificate) -> None:
    async def play(door: Door) -> int:
        before = len(asyncio.all_tasks())
        await door.send(receive(20))
        return len(asyncio.all_tasks()) - before

    assert in_lane(certificate, play) == 0


def test_a_connection_that_is_not_read_from_takes_the_ordinary_way_which_waits(certificate: Certificate) -> None:
    async def play(door: Door) -> tuple[bytes, bytes]:
        door.connection.pause_writing()
        held = await door.send(SEND)
        door.connection.resume_writing()
        return held, await door.send()

    held, then = in_lane(certificate, play)
    assert held == b""
    assert then.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(("doing", "closes"), [("nothing", True), ("something", False), ("waiting", False)])
def test_only_a_connection_that_is_idle_is_closed_in_time(certificate: Certificate, doing: str, closes: bool) -> None:
    async def play(door: Door) -> bool:
        await door.send(SEND)
        door.connection.timeout_keep_alive_handler()  # something came since the timer was set: it is set again
        assert not door.transport.closed
        if doing == "something":
            await door.send(SEND)
        elif doing == "waiting":
            await door.send(receive(20))
            door.connection._used = False  # type: ignore[attr-defined]
        door.connection.timeout_keep_alive_handler()
        return door.transport.closed

    async def play_without_message(door: Door) -> bool:
        await door.send(call("ListQueues"))
        door.connection.timeout_keep_alive_handler()
        await door.send(receive(20))
        door.connection._used = False  # type: ignore[attr-defined]
        door.connection.timeout_keep_alive_handler()
        return door.transport.closed

    assert in_lane(certificate, play_without_message if doing == "waiting" else play) is closes


def test_a_bug_of_ours_is_an_internal_failure_and_goes_to_the_log(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    async def play(door: Door) -> bytes:
        monkeypatch.setitem(door.emulator.services["sqs"].operations, "ListQueues", broken)
        try:
            return await door.send(call("ListQueues"))
        finally:
            monkeypatch.undo()

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast.startswith(b"HTTP/1.1 500 ")
    assert caplog.text.count("ZeroDivisionError: a bug") == 2


def test_an_operation_that_takes_a_task_is_answered_when_it_is_done(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(*_: object) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"QueueUrls": []}

    async def play(door: Door) -> bytes:
        monkeypatch.setitem(door.emulator.services["sqs"].operations, "ListQueues", slowly)
        try:
            return await door.send(call("ListQueues") + SEND)
        finally:
            monkeypatch.undo()

    fast, slow = both(certificate, play)
    assert fast == slow
    assert fast.count(b"HTTP/1.1 200 OK") == 2
