"""An emulator behind one HTTP connection without a socket: behind the fast lane, or on uvicorn's ordinary way, with the same seed.

What goes in are raw bytes, and so is what comes out: two doors that are one implementation answer alike to the byte, ids included.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import ManualClock, settle
from emulator.fastlane import FastLane
from emulator.ids import Ids
from emulator.protocol import JoinedProtocol
from emulator.server import KEEP_ALIVE_S
from emulator.settings import Settings
from services import ALL

DATE = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
PIECE_BYTES = 65_536
"""As much of a request as one read brings."""
TURNS = 60
"""How many turns of the loop a request may take on the ordinary way."""


class Transport(asyncio.Transport):
    """Collects what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 4566)})
        self.written = bytearray()
        self.writes = 0
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data
        self.writes += 1

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Exchange:
    """A request, and what is written until the next one on its connection; where that is an answer, it is read as clients do."""

    def __init__(self, raw: bytes, method: str = "POST", place: int = 0) -> None:
        self.raw, self.method, self.place = raw, method, place
        self.written = bytearray()
        self.status, self.headers, self.body = 0, [], b""
        self.is_last = False
        """Whether the connection ended with it."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)

    def read(self, data: bytes) -> None:
        """Read what the server writes."""
        self.written += data
        if not self.ended.done():
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError:
                self.end()  # as a client gives up

    def end(self) -> None:
        """It is answered, or never will be."""
        if not self.ended.done():
            self.ended.set_result(None)

    # For the parser.

    def on_message_begin(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.method == "HEAD":
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:  # 100 Continue comes before the answer
            self.status = status
            self.end()


class Wire(asyncio.Transport):
    """A client's connection: is not read from while it is paused, and tells its protocol of its end a turn after it is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 4566)})
        self._protocol: asyncio.Protocol
        self._exchange: Exchange | None = None
        self._inbox: deque[bytes] = deque()
        self._paused = self._closing = self._busy = False

    # The client's side.

    def connect(self, protocol: asyncio.Protocol) -> None:
        """Open it."""
        self._protocol = protocol
        protocol.connection_made(self)

    def send(self, exchange: Exchange) -> None:
        """Send a request."""
        self._exchange = exchange
        self._busy = True
        exchange.is_last = self._closing
        exchange.ended.add_done_callback(self._set_free)
        for start in range(0, len(exchange.raw), PIECE_BYTES):
            self._inbox.append(exchange.raw[start : start + PIECE_BYTES])
        self._read()

    @property
    def is_idle(self) -> bool:
        """Whether the next request can be sent: the answer to the last one came in an earlier turn of the loop."""
        return not self._closing and not self._busy and not self._inbox

    def _set_free(self, _: object) -> None:
        self._busy = False

    def _read(self) -> None:
        while self._inbox and not self._paused and not self._closing:
            self._protocol.data_received(self._inbox.popleft())

    # The server's side.

    def write(self, data: Any) -> None:
        if not self._closing and self._exchange is not None:
            self._exchange.read(bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if self._exchange is not None:
                self._exchange.is_last = True
            asyncio.get_running_loop().call_soon(self._lose)

    abort = close

    def _lose(self) -> None:
        self._protocol.connection_lost(None)
        if self._exchange is not None:
            self._exchange.end()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            asyncio.get_running_loop().call_soon(self._read)


def write_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a request as HTTP/1.1."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    given = {name.lower() for name in headers}
    if "content-length" not in given and "transfer-encoding" not in given and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def configure(emulator: Emulator, protocol: type[JoinedProtocol]) -> Config:
    """Make uvicorn's configuration as the server has it."""
    config = Config(
        emulator,
        access_log=False,
        http=protocol,
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws="none",
    )
    config.load()
    return config


def server_state() -> ServerState:
    """Make what uvicorn's connections share, with a date that stands still."""
    state = ServerState()
    state.default_headers = [DATE]
    return state


async def rest(turns: int) -> None:
    """Let what is ready run until nothing is, for so many turns of the loop at most."""
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    for _ in range(turns):
        await asyncio.sleep(0)
        if ready is not None and not ready:
            return


class Door:
    """One connection to an emulator of its own."""

    def __init__(self, protocol: type[JoinedProtocol], certificate: Certificate, **settings: Any) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(ALL, Settings(**settings), clock=self.clock, ids=Ids(7), certificate=certificate)
        self.emulator.start()
        self._protocol = protocol
        self._config = configure(self.emulator, protocol)
        self.state = server_state()
        self.open()

    def open(self) -> None:
        """Open a new connection."""
        self.transport = Transport()
        self.connection = self._protocol(self._config, self.state, {})
        self.connection.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> bytes:
        """Let it read these pieces, and give what it has written until it is at rest."""
        for piece in pieces:
            self.connection.data_received(piece)
        await settle(TURNS)
        return self.take()

    def take(self) -> bytes:
        """Give what it has written since."""
        written = bytes(self.transport.written)
        self.transport.written.clear()
        return written

    async def lose(self) -> None:
        """Let the client go away."""
        self.transport.closed = True
        self.connection.connection_lost(None)
        await settle(TURNS)

    async def advance(self, seconds: float) -> bytes:
        """Let time pass, and give what was written meanwhile."""
        await self.clock.advance(round(seconds * 1000))
        await settle(TURNS)
        return self.take()

    async def close(self) -> None:
        """End it all."""
        if not self.transport.closed:
            await self.lose()
        await self.emulator.stop()


def lane(certificate: Certificate, **settings: Any) -> Door:
    """A connection in the fast lane."""
    return Door(FastLane, certificate, **settings)


def ordinary(certificate: Certificate, **settings: Any) -> Door:
    """A connection on the ordinary way."""
    return Door(JoinedProtocol, certificate, **settings)
