"""A real HTTP server on a free loopback port, in threads of its own, that fails on command; and how it becomes a subscriber.

It keeps what it gets, headers in their order, with the instant of the emulator's clock and the number of the connection. It answers
200, or what it was told to:

    target.answer(500, HANG, CLOSE, Answer(200, b"hello"), Raw(b"not HTTP at all"))

is for the next five requests, `target.always = 503` for all that were told nothing else.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from itertools import count
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple, Self

from tests.support.harness import Harness, until


class Answer(NamedTuple):
    """A good HTTP answer, whatever its status says."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Raw(NamedTuple):
    """Any bytes; then the connection is closed, or held open until it is released."""

    data: bytes
    hang: bool = False


HANG = Raw(b"", hang=True)
CLOSE = Raw(b"")
Command = int | Answer | Raw


class Received(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at_ms: int
    connection: int

    def header(self, name: str) -> str | None:
        """The value of a header; there must not be two of them."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingTCPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, target: HttpTarget, tls: ssl.SSLContext | None) -> None:
        self.target, self.tls = target, tls
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: Any) -> None:
        """Keep what is wrong here; that clients break off is what many tests are about."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.target.bugs.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.number = self.server.target.opened(self.request)
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.request.close()
            self.server.target.closed(self.number)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        command = self.server.target.take(self, body)
        if isinstance(command, Raw):
            self.wfile.write(command.data)
            if command.hang:
                self.server.target.hold(self.connection, self.number)
            self.close_connection = True
            return
        answer = Answer(command) if isinstance(command, int) else command
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class HttpTarget:
    """The server. Leaving the `with` block ends it and everything that hangs."""

    def __init__(self, now_ms: Callable[[], int] = lambda: 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.always: Command = 200
        self.bugs: list[BaseException | None] = []
        self._now_ms = now_ms
        self._commands: deque[Command] = deque()
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._open: dict[int, socket.socket] = {}
        self._held: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._server = _Server(self, tls)
        self._scheme = "http" if tls is None else "https"
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="HTTP target")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()
        self.release()
        self.hang_up()
        self._server.server_close()
        assert not self.bugs, self.bugs

    # For tests.

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Make a URL; `host` may have a user and a password in front."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def answer(self, *commands: Command) -> None:
        """Say what the next requests are answered."""
        self._commands.extend(commands)

    def wait(self, number: int = 1) -> list[Received]:
        """Wait until so many requests have come."""
        until(lambda: len(self.requests) >= number)
        assert len(self.requests) == number
        return self.requests

    def take_all(self) -> list[Received]:
        """Take the requests that have come."""
        taken, self.requests = self.requests, []
        return taken

    def release(self) -> None:
        """Close, without an answer, what hangs."""
        with self._lock:
            for _, end in self._held.values():
                end.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Close all connections, idle ones too."""
        with self._lock:
            connections = list(self._open.values())
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    # For the handlers.

    def opened(self, connection: socket.socket) -> int:
        with self._lock:
            number = next(self._numbers)
            self._open[number] = connection.dup()
        return number

    def closed(self, number: int) -> None:
        with self._lock:
            for each in (self._open.pop(number), *self._held.pop(number, ())):
                each.close()

    def take(self, handler: _Handler, body: bytes) -> Command:
        """Keep a request; from then on `release` knows of it where it is to hang."""
        headers = handler.headers.items()
        with self._lock:
            command = self._commands.popleft() if self._commands else self.always
            if isinstance(command, Raw) and command.hang:
                self._held[handler.number] = socket.socketpair()
            self.requests.append(Received(handler.command, handler.path, headers, body, self._now_ms(), handler.number))
        return command

    def hold(self, connection: socket.socket, number: int) -> None:
        """Wait until the test releases the request, or the client goes."""
        released, _ = self._held[number]
        select.select([released, connection], [], [])


def elapse(cloud: Harness, seconds: float, hanging: int = 0) -> None:
    """Let time pass, from one timer to the next, and wait at each for the answers to the requests that it made. Of these `hanging`
    get none, for which the time must not run out meanwhile.
    """
    end_ms = cloud.now_ms + round(seconds * 1000)
    while True:
        cloud.settle_deliveries(hanging)
        next_ms = cloud.run(lambda emulator: emulator.clock.next_timer_ms())
        if next_ms is None or next_ms > end_ms:
            break
        cloud.advance(max(0, next_ms - cloud.now_ms) / 1000)
    cloud.advance((end_ms - cloud.now_ms) / 1000)


def subscribe(cloud: Harness, sns: Any, topic_arn: str, target: HttpTarget, path: str = "/", **attributes: str) -> str:
    """Subscribe a server and confirm it, give the subscription's ARN, and forget what the server got on the way."""
    before = len(target.requests)
    answer = sns.subscribe(
        TopicArn=topic_arn,
        Protocol=target.url().partition(":")[0],
        Endpoint=target.url(path),
        ReturnSubscriptionArn=True,
        Attributes=attributes,
    )
    until(lambda: len(target.requests) > before)
    token = target.requests.pop().json["Token"]
    cloud.settle_deliveries()
    sns.confirm_subscription(TopicArn=topic_arn, Token=token)
    arn: str = answer["SubscriptionArn"]
    return arn


def pending(cloud: Harness, **choice: str) -> list[dict[str, Any]]:
    """List the deliveries that wait, the newest first, as the admin API shows them."""
    return _deliveries(cloud, "pending", choice)


def failed(cloud: Harness, **choice: str) -> list[dict[str, Any]]:
    """List the deliveries that failed for good, the newest first, as the admin API shows them."""
    return _deliveries(cloud, "failed", choice)


def _deliveries(cloud: Harness, kind: str, choice: dict[str, str]) -> list[dict[str, Any]]:
    query = "&".join(f"{key}={value}" for key, value in choice.items())
    shown: list[dict[str, Any]] = json.loads(cloud.request("GET", "/_eventyard/deliveries", query=query).body)[kind]
    return shown
