"""The HTTP edge, over raw sockets: what well-behaved, odd and hostile clients send. Whatever it is, the server goes on to
answer and its output holds no traceback.
"""

from __future__ import annotations

import io
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from emulator.http import BODY_MAX_BYTES, FORM_MAX_BYTES
from tests.support.server import Server

TARGET = b"X-Amz-Target: AmazonSQS.%s\r\nContent-Type: application/x-amz-json-1.0\r\n"
LIST = b"POST / HTTP/1.1\r\nHost: localhost\r\n" + TARGET % b"ListQueues"


class Wire:
    """A raw connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._answers = sock.makefile("rb")

    def send(self, *parts: bytes) -> Wire:
        for part in parts:
            self.sock.sendall(part)
        return self

    def read(self, *, body: bool = True) -> Reply:
        """Read one answer."""
        head = io.BytesIO()
        while (line := self._answers.readline()) not in (b"\r\n", b""):
            head.write(line)
        first, *lines = head.getvalue().decode("latin-1").splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0")) if body else 0
        return Reply(int(first.split()[1]), headers, self._answers.read(length))

    def at_end(self) -> bool:
        """Tell whether the server has closed the connection."""
        return self._answers.read(1) == b""

    def close(self) -> None:
        self._answers.close()
        self.sock.close()


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def opened(server: Server) -> Iterator[Wire]:
    with socket.create_connection((server.host, server.port), timeout=20) as sock:
        one = Wire(sock)
        try:
            yield one
        finally:
            one.close()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A connection; afterwards the server must be as good as before."""
    with opened(server) as one:
        yield one
    assert server.request("GET", "/health").status == 200
    assert "Traceback" not in server.output


def call(operation: bytes, **request: Any) -> bytes:
    body = json.dumps(request).encode()
    return b"POST / HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s" % (
        TARGET % operation,
        len(body),
        body,
    )


# What is good HTTP.


def test_pipelined_requests_are_answered_in_their_order(wire: Wire) -> None:
    wire.send(call(b"CreateQueue", QueueName="jobs") + call(b"GetQueueUrl", QueueName="none") + call(b"ListQueues"))
    first, second, third = wire.read(), wire.read(), wire.read()
    assert (first.status, second.status, third.status) == (200, 400, 200)
    assert json.loads(third.body)["QueueUrls"] == [json.loads(first.body)["QueueUrl"]]


def test_what_is_pipelined_behind_a_long_poll_waits_for_its_turn(wire: Wire, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    wire.send(call(b"ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20) + call(b"ListQueues"))
    sqs.send_message(QueueUrl=url, MessageBody="wake")
    assert json.loads(wire.read().body)["Messages"][0]["Body"] == "wake"
    assert "QueueUrls" in json.loads(wire.read().body)


def test_a_request_may_come_byte_by_byte(wire: Wire) -> None:
    request = call(b"CreateQueue", QueueName="jobs")
    wire.send(*(request[n : n + 1] for n in range(len(request))))
    assert wire.read().status == 200


def test_expect_100_continue_is_answered_before_the_body(wire: Wire) -> None:
    wire.send(LIST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert wire.read().status == 100
    assert wire.send(b"{}").read().status == 200


def test_a_chunked_body_is_read(wire: Wire) -> None:
    wire.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + TARGET % b"CreateQueue" + b"\r\n"
    )
    wire.send(b'c\r\n{"QueueName"\r\n', b'8;ext=1\r\n:"jobs"}\r\n', b"0\r\n\r\n")
    assert json.loads(wire.read().body)["QueueUrl"].endswith("/jobs")


def test_http_1_0_is_answered_and_closed(wire: Wire) -> None:
    wire.send(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n" + TARGET % b"ListQueues" + b"\r\n{}")
    answer = wire.read()
    assert (answer.status, answer.headers["connection"], answer.body) == (200, "close", b"{}")
    assert wire.at_end()


def test_head_of_the_root_has_no_body_and_keeps_the_connection(wire: Wire) -> None:
    answer = wire.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").read(body=False)
    assert (answer.status, int(answer.headers["content-length"]) > 0) == (200, True)
    assert wire.send(call(b"ListQueues")).read().status == 200


def test_a_connection_is_kept_after_answers_and_errors(wire: Wire) -> None:
    for request, status in [
        (call(b"ListQueues"), 200),
        (call(b"GetQueueUrl", QueueName="none"), 400),
        (call(b"Nonsense"), 400),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", 204),
        (LIST + b"Origin: http://example.com\r\nContent-Length: 2\r\n\r\n{}", 403),
        (call(b"ListQueues"), 200),
    ]:
        assert wire.send(request).read().status == status


def test_connection_close_is_heeded(wire: Wire) -> None:
    answer = wire.send(LIST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}").read()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert wire.at_end()


def test_an_absolute_url_in_the_request_line_is_taken(wire: Wire) -> None:
    assert wire.send(b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n").read().status == 200


def test_the_host_header_stands_in_queue_urls(wire: Wire) -> None:
    body = b'{"QueueName":"jobs"}'
    wire.send(b"POST / HTTP/1.1\r\nHost: sqs.eu-west-1.localhost:99\r\nContent-Length: %d\r\n" % len(body))
    wire.send(TARGET % b"CreateQueue", b"\r\n", body)
    assert json.loads(wire.read().body)["QueueUrl"] == "http://sqs.eu-west-1.localhost:99/000000000000/jobs"


def test_a_client_that_offers_http_2_is_answered_over_http_1_1_without_a_word_in_the_log(
    start: Callable[..., Server],
) -> None:
    server = start()
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    with opened(server) as wire:
        assert wire.send(LIST + upgrade + b"Content-Length: 2\r\n\r\n{}").read().status == 200
        assert wire.send(call(b"ListQueues")).read().status == 200
    assert server.stop() == 0
    assert server.err == []


# What is too much.


def too_large(answer: Reply) -> None:
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert json.loads(answer.body) == {
        "__type": "com.amazon.coral.service#RequestEntityTooLargeException",
        "message": f"Request must be smaller than {BODY_MAX_BYTES} bytes.",
    }


def test_a_body_over_16_mib_is_refused_in_the_caller_s_protocol(wire: Wire) -> None:
    wire.send(LIST + b"Content-Length: %d\r\n\r\n" % (BODY_MAX_BYTES + 1), b" " * (BODY_MAX_BYTES + 1))
    too_large(wire.read())
    assert wire.send(call(b"ListQueues")).read().status == 200


def test_a_chunked_body_over_16_mib_is_refused_before_it_ends(wire: Wire) -> None:
    wire.send(LIST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (BODY_MAX_BYTES + 1), b" " * (BODY_MAX_BYTES + 1))
    too_large(wire.read())


def test_a_form_over_4_mib_is_refused_in_xml(wire: Wire) -> None:
    wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n")
    wire.send(b"Content-Length: %d\r\n\r\n" % (FORM_MAX_BYTES + 1), b"Action=SendMessage&MessageBody=")
    wire.send(b"x" * (FORM_MAX_BYTES + 1 - len("Action=SendMessage&MessageBody=")))
    answer = wire.read()
    assert (answer.status, answer.headers["content-type"]) == (413, "text/xml")
    assert b"<Code>RequestEntityTooLarge</Code>" in answer.body


def test_a_body_of_exactly_16_mib_is_read(wire: Wire) -> None:
    wire.send(LIST + b"Content-Length: %d\r\n\r\n{}" % BODY_MAX_BYTES, b" " * (BODY_MAX_BYTES - 2))
    assert wire.read().status == 200


# What is no HTTP, or no request of ours.


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n",
        b"garbage\r\n\r\n",
        b"get / http/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?Action=\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        LIST + b"Content-Length: -2\r\n\r\n{}",
        LIST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        LIST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        LIST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ],
)
def test_what_is_no_http_gets_400_and_is_closed(wire: Wire, junk: bytes) -> None:
    assert wire.send(junk).read().status == 400
    assert wire.at_end()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /000000000000/%ff?Action=GetQueueUrl HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?Action=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?Action=ListQueues&%ff=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: \xff\xfe\r\n\r\n", 403),
        (b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.\xff\r\nContent-Length: 2\r\n\r\n{}", 400),
        (LIST + b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc", 400),
        (
            LIST
            + b"Authorization: AWS4-HMAC-SHA256 Credential=\xff/\xff/\xff/sqs/aws4_request\r\nContent-Length: 0\r\n\r\n",
            200,
        ),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\n\r\n", 200),
    ],
)
def test_bytes_that_are_no_text_and_odd_methods_are_answered_on_an_open_connection(
    wire: Wire, head: bytes, status: int
) -> None:
    assert wire.send(head).read().status == status
    assert wire.send(call(b"ListQueues")).read().status == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(wire: Wire) -> None:
    wire.send(LIST + b"Content-Length: 100\r\n\r\n{")


# Clients that go away.


def reset(wire: Wire) -> None:
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


@pytest.mark.parametrize("leave", [Wire.close, reset], ids=["close", "reset"])
@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_a_client_that_goes_away_while_parked_takes_no_message_with_it(
    server: Server, sqs: Any, leave: Any, name: str
) -> None:
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
    url = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    with opened(server) as wire:
        wire.send(call(b"ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10))
        server.turns()
        leave(wire)
    server.turns()
    sqs.send_message(QueueUrl=url, MessageBody="kept", **({"MessageGroupId": "g"} if fifo else {}))
    [message] = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("kept", "1")
    assert "Traceback" not in server.output


def test_a_send_right_behind_the_client_s_going_away_loses_no_message(server: Server, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for n in range(20):
        with opened(server) as wire:
            wire.send(call(b"ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20))
            server.turns()
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == str(n)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_the_next_in_line_gets_the_message_when_the_first_has_gone(server: Server, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    poll = call(b"ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
    with opened(server) as first, opened(server) as second:
        first.send(poll)
        server.turns()
        second.send(poll)
        server.turns()
        first.close()
        server.turns()
        sqs.send_message(QueueUrl=url, MessageBody="kept")
        assert json.loads(second.read().body)["Messages"][0]["Body"] == "kept"


def test_200_parked_long_polls_are_woken_by_200_messages(server: Server, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    poll = call(b"ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
    sockets = [socket.create_connection((server.host, server.port), timeout=20) for _ in range(200)]
    wires = [Wire(sock).send(poll) for sock in sockets]
    server.turns()
    for first in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": str(first + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    got = [json.loads(wire.read().body)["Messages"][0]["Body"] for wire in wires]
    assert sorted(map(int, got)) == list(range(200))
    for wire in wires:
        wire.close()


# What every answer has.


def test_every_answer_of_aws_has_a_request_id_and_a_date_and_none_names_the_server_software(wire: Wire) -> None:
    answer = wire.send(call(b"ListQueues")).read()
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-amzn-requestid"])
    assert "date" in answer.headers
    assert "server" not in answer.headers
