"""uvicorn's HTTP protocol with one write for each answer.

uvicorn writes the head of an answer when the application starts it and the body when that comes: two system calls, two packets, two
wake-ups of the client. Here the head waits for the body, which makes about a tenth more SendMessage a second (measured, paired runs
of wrk). The application behind it (`Emulator`) sends both at once, so nobody waits longer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
        """Send a whole answer as it is."""
        self._transport.write(data)

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

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


class JoinedProtocol(HttpToolsProtocol):
    """One HTTP connection."""

    transport: JoinedTransport

    def on_headers_complete(self) -> None:
        """Begin with the request. Headers that come now are trailers of its body: they are not to change what has begun."""
        super().on_headers_complete()
        self.headers = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(JoinedTransport(transport))

    def on_response_complete(self) -> None:
        """End an answer, which may have been a head only (HEAD, 204)."""
        self.transport.flush()
        super().on_response_complete()
