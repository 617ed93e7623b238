"""HTTP as bytes over a socket to a server (`http_line.py` has the same in process), and the calls whose answers can be told apart: hot
ones, which have a lane of their own, and ordinary ones.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.support.server import Server

WAIT_S = 20
"""A bound against a hang; nothing waits for it to pass."""
JSON_TYPE, FORM_TYPE = b"application/x-amz-json-1.0", b"application/x-www-form-urlencoded"
QUEUE_PATH = "/000000000000/door"
TOPIC = "arn:aws:sns:us-east-1:000000000000:door"


class Reply(NamedTuple):
    """An answer. Header names and values are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def bodies(self) -> list[str]:
        """The messages of a ReceiveMessage."""
        return [message["Body"] for message in json.loads(self.body).get("Messages", [])]


def read_reply(stream: BufferedIOBase) -> Reply:
    """Read one answer."""
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line.decode("latin-1").rstrip("\r\n"))
    first, *rest = lines or [""]
    assert first.startswith("HTTP/1.1 "), f"the connection ended, or what came is no answer: {first!r}"
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return Reply(int(first.split()[1]), headers, stream.read(int(headers.get("content-length", "0"))))


class Wire:
    """A raw connection."""

    def __init__(self, server: Server, *, receive_bytes: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_bytes is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.settimeout(WAIT_S)
        self.sock.connect((server.host, server.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self.sock.makefile("rb")

    def send(self, *parts: bytes) -> Wire:
        """Send bytes, each part on its own."""
        for part in parts:
            self.sock.sendall(part)
        return self

    def read(self) -> Reply:
        """Read one answer."""
        return read_reply(self._answers)

    def at_end(self) -> bool:
        """Tell whether the server has closed the connection and said nothing more."""
        return self._answers.read(1) == b""

    def end_sending(self) -> None:
        """Shut the sending side down; the other stays open."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Go away without a good-bye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Go away."""
        self._answers.close()
        self.sock.close()


@contextmanager
def opened(server: Server, **options: Any) -> Iterator[Wire]:
    """Open a connection for a while."""
    one = Wire(server, **options)
    try:
        yield one
    finally:
        one.close()


def memory_bytes(server: Server) -> int:
    """How much memory the server's process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def open_files(server: Server) -> int:
    """How many files and sockets the server's process has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def assert_no_trouble(server: Server, since: int = 0) -> None:
    """Nothing was raised, and nothing went wrong in its own eyes, `since` so many lines of its log."""
    lines = server.err[since:]
    found = [number for number, line in enumerate(lines) if "Traceback" in line or "ERROR" in line]
    assert not found, "\n".join(lines[found[0] : found[0] + 60])


# Calls.


@dataclass(frozen=True)
class Call:
    """A call that can be numbered: how the request with a number looks, and whether an answer is the one to that number."""

    name: str
    hot: bool
    target: bytes | None
    body: Callable[[int], bytes]
    right: Callable[[int, Reply], bool]
    path: bytes = b"/"

    def head(self, *lines: bytes, version: bytes = b"1.1") -> bytes:
        """Write the request line and the headers, without the empty line."""
        kind = FORM_TYPE if self.target is None else JSON_TYPE
        own = [b"POST %s HTTP/%s" % (self.path, version), b"Host: localhost", b"Content-Type: " + kind]
        if self.target is not None:
            own.append(b"X-Amz-Target: " + self.target)
        return b"".join(line + b"\r\n" for line in (*own, *lines))

    def whole(self, number: int, *lines: bytes, version: bytes = b"1.1") -> bytes:
        """Write the request with a length."""
        body = self.body(number)
        return self.head(b"Content-Length: %d" % len(body), *lines, version=version) + b"\r\n" + body

    def chunked(self, number: int, size: int = 7, trailer: bytes = b"", extension: bytes = b"") -> bytes:
        """Write the request in chunks."""
        body = self.body(number)
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
        return self.head(b"Transfer-Encoding: chunked") + b"\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


def _json(**request: Any) -> bytes:
    return json.dumps(request).encode()


def _form(**fields: str) -> bytes:
    return urlencode({"Version": "2010-03-31", **fields}).encode()


def _said(status: int, words: str) -> Callable[[int, Reply], bool]:
    return lambda n, reply: reply.status == status and words.format(n=n) in reply.text


def _either(odd: str, even: str) -> Callable[[int, Reply], bool]:
    return lambda n, reply: 400 <= reply.status < 500 and (odd if n % 2 else even) in reply.text


def _md5(n: int, reply: Reply) -> bool:
    return reply.status == 200 and json.loads(reply.body)["MD5OfMessageBody"] == hashlib.md5(b"%d" % n).hexdigest()


def _as_many(n: int, reply: Reply) -> bool:
    return reply.status == 200 and len(json.loads(reply.body)["Entries"]) == n % 10 + 1


def _published(n: int, reply: Reply) -> bool:
    if n % 2:
        return bool(re.search(r"<MessageId>[0-9a-f-]{36}</MessageId>", reply.text))
    return reply.status == 400 and b"<Error>" in reply.body


_URL = f"http://localhost{QUEUE_PATH}"
_EVENT = {"Source": "door", "DetailType": "t", "Detail": "{}"}
SEND = Call("SendMessage", True, b"AmazonSQS.SendMessage", lambda n: _json(QueueUrl=_URL, MessageBody=str(n)), _md5)
LIST = Call(
    "ListQueues",
    False,
    b"AmazonSQS.ListQueues",
    lambda n: _json(MaxResults=2000 + n),
    lambda n, reply: reply.status == 400 and str(2000 + n) in reply.text,
)
GET_ATTRIBUTES = Call(
    "GetQueueAttributes on the queue's path",
    False,
    None,
    lambda n: _form(Action="GetQueueAttributes", Version="2012-11-05", **{"AttributeName.1": f"No{n}"}),
    lambda n, reply: reply.status == 400 and f"No{n}" in reply.text,
    path=QUEUE_PATH.encode(),
)
PUBLISH = Call(
    "Publish",
    True,
    None,
    lambda n: _form(Action="Publish", TopicArn=TOPIC, Message="m" if n % 2 else ""),
    _published,
)
CALLS = (
    SEND,
    Call(
        "SendMessageBatch",
        True,
        b"AmazonSQS.SendMessageBatch",
        lambda n: _json(QueueUrl=_URL, Entries=[{"Id": f"no-{n}", "MessageBody": "m"}]),
        _said(200, '"no-{n}"'),
    ),
    Call(
        "ReceiveMessage",
        True,
        b"AmazonSQS.ReceiveMessage",
        lambda n: _json(QueueUrl=_URL, MaxNumberOfMessages=100 + n),
        lambda n, reply: reply.status == 400 and str(100 + n) in reply.text,
    ),
    Call(
        "DeleteMessage",
        True,
        b"AmazonSQS.DeleteMessage",
        lambda n: _json(QueueUrl=_URL if n % 2 else "/none", ReceiptHandle="h"),
        _either("ReceiptHandleIsInvalid", "InvalidAddress"),
    ),
    PUBLISH,
    Call("PutEvents", True, b"AWSEvents.PutEvents", lambda n: _json(Entries=[_EVENT] * (n % 10 + 1)), _as_many),
    LIST,
    Call("CreateTopic", False, None, lambda n: _form(Action="CreateTopic", Name=f"door-{n}"), _said(200, ":door-{n}<")),
    GET_ATTRIBUTES,
    Call("nonsense", False, b"AmazonSQS.Nonsense", lambda n: _json(Number=n), _said(400, "Nonsense")),
)


def request(target: bytes, **fields: Any) -> bytes:
    """Write a JSON call."""
    body = _json(**fields)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (target, len(body)) + body


def poll(wait_s: int = 0, count: int = 10, visibility_s: int = 30) -> bytes:
    """Write a ReceiveMessage that takes what is there."""
    asked = {"WaitTimeSeconds": wait_s, "MaxNumberOfMessages": count, "VisibilityTimeout": visibility_s}
    return request(b"AmazonSQS.ReceiveMessage", QueueUrl=QUEUE_PATH, **asked)


def poll_url(wait_s: int = 0, visibility_s: int = 30) -> bytes:
    """Write nearly the same so that it takes the ordinary way."""
    asked = {"WaitTimeSeconds": wait_s, "MaxNumberOfMessages": 10, "VisibilityTimeout": visibility_s}
    query = urlencode({"Action": "ReceiveMessage", **asked})
    return f"GET {QUEUE_PATH}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


SET_UP = (
    request(b"AmazonSQS.CreateQueue", QueueName="door"),
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 47\r\n\r\n" % FORM_TYPE
    + b"Action=CreateTopic&Version=2010-03-31&Name=door",
)
"""Makes the queue and the topic that the calls are about."""


def assert_right(call: Call, number: int, reply: Reply) -> None:
    """Hold an answer against its request."""
    assert call.right(number, reply), f"{call.name} {number}: {reply.status} {reply.body[:200]!r}"
    assert reply.headers["x-amzn-requestid"]


def assert_too_large(call: Call, reply: Reply) -> None:
    """It is refused for its size, in the caller's protocol."""
    assert reply.status == 413
    assert reply.headers["content-type"] == ("text/xml" if call.target is None else JSON_TYPE.decode())
    assert "RequestEntityTooLarge" in reply.text
    assert reply.headers["x-amzn-requestid"]


def answered(wire: Wire, call: Call, numbers: list[int]) -> None:
    """Send requests one after the other and hold each answer against its request."""
    for number in numbers:
        assert_right(call, number, wire.send(call.whole(number)).read())


def ask(wire: Wire, target: bytes, **fields: Any) -> Any:
    """Make a call that must succeed."""
    reply = wire.send(request(target, **fields)).read()
    assert reply.status == 200, reply
    return json.loads(reply.body or b"{}")


def set_up(server: Server) -> None:
    """Empty a server but for what the calls are about."""
    server.reset()
    with opened(server) as one:
        for piece in SET_UP:
            assert one.send(piece).read().status == 200


def messages(server: Server) -> int:
    """Tell how many messages the queue holds."""
    with opened(server) as one:
        found = ask(one, b"AmazonSQS.GetQueueAttributes", QueueUrl=QUEUE_PATH, AttributeNames=["All"])["Attributes"]
    return sum(int(value) for name, value in found.items() if name.startswith("ApproximateNumberOfMessages"))
