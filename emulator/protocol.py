"""uvicorn's HTTP protocol with one write for each answer, with limits for what comes in, and with an answer for all that came whole.

uvicorn writes the head of an answer when the application starts it and the body when that comes: two system calls, two packets, two
wake-ups of the client. Here the head waits for the body, which makes about a tenth more SendMessage a second (measured, paired runs
of wrk). The application behind it (`Emulator`) sends both at once, so nobody waits longer.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_MAX_S = 30.0
"""From the beginning of a connection, or from the first byte of a later request, to the end of its headers."""
BODY_IDLE_MAX_S = 60.0
"""Between two parts of a body."""
HEAD_MAX_BYTES = 64 * 1024
"""Request line and headers; nginx allows 32 KiB, Node 16."""
DROPPED_MAX_BYTES = 256 * 1024 * 1024
"""How much of a body whose request has been refused is read on, so that a client which is still sending hears of it."""

NOTHING, HEAD, BODY = range(3)
_FIELD_BYTES = len(b": \r\n")

_HEAD = b"HTTP/1.1 "
_INTERIM = b"HTTP/1.1 1"
"""100 Continue is no head of an answer: the client waits for it before it sends the body."""


class JoinedTransport(asyncio.Transport):
    """A transport that keeps the head of an answer back until the next write, or until it is flushed or closed."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data, a head that is kept back before it. What comes for a client that is gone goes nowhere; uvloop would raise."""
        if self._transport.is_closing():
            self._head = b""
            return
        if self._head:
            data, self._head = self._head + bytes(data), b""
        elif isinstance(data, bytes) and data.startswith(_HEAD) and not data.startswith(_INTERIM):
            self._head = data
            return
        self._transport.write(data)

    def write_all(self, data: bytes) -> None:
        """Send a whole answer as it is, to a client that is there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            head, self._head = self._head, b""
            self.write_all(head)

    def close(self) -> None:
        """Send what is kept back, then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether the connection is closed or about to be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the connection for its addresses and the like."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()


class HeadTooLargeError(Exception):
    """A request line and headers of more than HEAD_MAX_BYTES."""


class JoinedProtocol(HttpToolsProtocol):
    """One HTTP connection.

    What uvicorn lacks: limits of time and size for what comes in; the answers that are owed go out before what comes after them is
    refused, also to a client that has ended its own side; one timer for a connection instead of two timer calls for a request.
    """

    transport: JoinedTransport
    _fields: dict[bytes, bytes]
    """The headers that are being read; of one that comes twice the last. No operation of AWS knows lists of headers."""
    _reading: int = NOTHING
    """What of a request is being read."""
    _fed_bytes: int = 0
    """Of the piece that is being read."""
    _head_bytes: int = 0
    """Of a head whose end has not come, as far as it was read; in a body, of what came since its last part: trailers, extensions."""
    _body_moved: bool = False
    """Whether the piece that is being read has a part of the body that is being read."""
    _patience: asyncio.TimerHandle | None = None
    """Ends the connection if what is being read goes on for too long."""
    _used: bool = False
    """Whether a request came since the keep-alive timer was set."""
    _running: RequestResponseCycle | None = None
    """The request that is being answered."""
    _waits: bool = False
    """Whether that one has been read and waits, for a message or for the end of the client: a long poll."""
    _dropped_bytes: int = 0
    """Of a body whose request has been answered."""
    _refusal: tuple[int, str] | None = None
    """Status and text for bytes that are no request; what is owed for those before them goes first."""
    _ended: bool = False
    """Whether the client has ended its side, and hears the answers that are owed to it before we end ours."""
    _last: bool = False
    """Whether the server is stopping, so that the connection ends with what is being read or answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(JoinedTransport(transport))
        self._have_patience(HEAD_MAX_S)

    # Reading.

    def data_received(self, data: bytes) -> None:
        """Read what has come. A large piece is cut, so that a head which stands in it is counted."""
        if self._refusal is not None:
            return
        size_bytes = len(data)
        if size_bytes > HEAD_MAX_BYTES:
            for at in range(0, size_bytes, HEAD_MAX_BYTES):
                if not self.transport.is_closing():
                    self.data_received(data[at : at + HEAD_MAX_BYTES])
            return
        self._fed_bytes, self._body_moved = size_bytes, False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, HeadTooLargeError):
                self._refuse(431, "Request head too large.")
            else:
                self._refuse(400, "Invalid HTTP request received.")
        else:
            if self._reading:
                self._mind()

    def on_message_begin(self) -> None:
        """Begin a request. Its ASGI scope is made when its head is there."""
        self._reading = HEAD
        self._used, self._body_moved, self._head_bytes = True, False, 0
        self.url = b""
        self._fields = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer, which nobody looks at."""
        self._fields[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Begin with the request. Headers that come now are trailers of its body: they are not to change what has begun."""
        if (self._head_bytes or self._fed_bytes >= HEAD_MAX_BYTES) and self._fields_bytes() > HEAD_MAX_BYTES:
            raise HeadTooLargeError
        self._reading = BODY
        self._head_bytes, self._body_moved = 0, True
        if self._patience is not None:
            self._lose_patience()
        headers, self._fields = self._fields, {}
        self._begin(headers)

    def _begin(self, headers: dict[bytes, bytes]) -> None:
        """Give a request to uvicorn."""
        url = self.url
        super().on_message_begin()
        self.url = url
        self.expect_100_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        self.headers.extend(headers.items())
        super().on_headers_complete()
        if self._last:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of a body. What comes after its refusal is thrown away, so that a client which is still sending hears of it."""
        self._body_moved = True
        if not self.cycle.response_complete:
            super().on_body(body)
            return
        self._dropped_bytes += len(body)
        if self._dropped_bytes > DROPPED_MAX_BYTES:
            self.transport.close()

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._reading = NOTHING
        self._dropped_bytes = 0
        if self._patience is not None:
            self._lose_patience()
        super().on_message_complete()

    def _fields_bytes(self) -> int:
        """Count what has been read of a head."""
        return len(self.url) + sum(len(name) + len(value) + _FIELD_BYTES for name, value in self._fields.items())

    # Limits.

    def _mind(self) -> None:
        """Hold what has not come whole against its limits."""
        if self._body_moved:
            self._head_bytes = 0
        elif self._head_bytes or self._reading == BODY:
            self._head_bytes += self._fed_bytes
        else:
            self._head_bytes = 1 + self._fields_bytes()
        if self._head_bytes > HEAD_MAX_BYTES:
            self._refuse(431, "Request head too large.")
        elif self._reading == BODY:
            self._lose_patience()
            self._have_patience(BODY_IDLE_MAX_S)
        elif self._patience is None:
            self._have_patience(HEAD_MAX_S)

    def _have_patience(self, seconds: float) -> None:
        self._patience = self.loop.call_later(seconds, self._out_of_patience, seconds)

    def _lose_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _out_of_patience(self, seconds: float) -> None:
        """Close a connection that is too slow, unless it is we who do not read on, or who owe it an answer."""
        self._patience = None
        if self._owes or self.flow.read_paused:
            self._have_patience(seconds)
        else:
            self.transport.close()

    def _refuse(self, status: int, text: str) -> None:
        """Answer what is no request, after what is owed for those before it, and close."""
        self._lose_patience()
        self._refusal = (status, text)
        self._drop_unfinished()
        if self._owes or self.pipeline:
            self.flow.pause_reading()
        else:
            self._say_refusal(status, text)

    def _drop_unfinished(self) -> None:
        """Forget the request that will never be whole, if its turn has not come."""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()

    def _say_refusal(self, status: int, text: str) -> None:
        self.logger.warning(text)
        content = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            content += (name, b": ", value, b"\r\n")
        content.append(b"content-type: text/plain; charset=utf-8\r\n")
        content.append(b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(text), text.encode()))
        self.transport.write_all(b"".join(content))
        self.transport.close()

    @property
    def _owes(self) -> bool:
        """Whether a request that has come whole waits for its answer."""
        cycle = self._running
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    # Answering.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the application."""
        self._running, self._waits = cycle, False
        super()._start_asgi_task(cycle, partial(self._run, cycle, app))

    async def _run(self, cycle: RequestResponseCycle, app: Any, scope: Any, _receive: Any, send: Any) -> None:
        await app(scope, partial(self._receive, cycle), send)

    async def _receive(self, cycle: RequestResponseCycle) -> Any:
        """Give the application the next part of the body; after all of it, the end of the client."""
        if not cycle.more_body and not cycle.message_event.is_set():
            self._waits = True
            if self._ended:
                self.transport.close()  # nobody can tell a client that ended only its side from one that is gone
        return await cycle.receive()

    def on_response_complete(self) -> None:
        """End an answer, which may have been a head only (HEAD, 204)."""
        self.transport.flush()
        if not self.transport.is_closing():
            self._go_on()

    def _go_on(self) -> None:
        """Begin with the request that waits, or end what is to end with this answer."""
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._refusal is not None:
            self._say_refusal(*self._refusal)
        elif self._ended:
            self.transport.close()
        else:
            self._used = True  # the keep-alive time counts from the end of the answer
            if self.timeout_keep_alive_task is None:
                self._keep_alive()

    # The connection between requests. One timer runs as long as it lives, where uvicorn sets and cancels one for each request.

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no request came for the keep-alive time, or for up to twice as long."""
        self.timeout_keep_alive_task = None
        if self._used or self._reading or self._owes:
            self._keep_alive()
        else:
            super().timeout_keep_alive_handler()

    def _keep_alive(self) -> None:
        self._used = False
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    @property
    def _is_idle(self) -> bool:
        """Whether all requests that have begun are answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    # The end.

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Give a client that has ended its side the answers that are owed to it. One that waits for a message is taken for gone."""
        if self._owes and not self._waits:
            self._ended = True
            self._drop_unfinished()
        return self._ended

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        running, self._running = self._running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        self._lose_patience()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End with what is being read or answered, or at once where nothing is under way."""
        self._last = True
        if self._is_idle and self._reading:
            return
        super().shutdown()
