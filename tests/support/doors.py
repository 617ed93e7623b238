"""An emulator behind one HTTP connection without a socket: behind the fast lane, or on uvicorn's ordinary way, with the same seed.

What goes in are raw bytes, and so is what comes out: two doors that are one implementation answer alike to the byte, ids included.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import ManualClock, settle
from emulator.fastlane import FastLane
from emulator.ids import Ids
from emulator.protocol import JoinedProtocol
from emulator.settings import Settings
from services import ALL

DATE = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
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


class Door:
    """One connection to an emulator of its own."""

    def __init__(self, protocol: type[JoinedProtocol], certificate: Certificate, **settings: Any) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(ALL, Settings(**settings), clock=self.clock, ids=Ids(7), certificate=certificate)
        self.emulator.start()
        self._protocol = protocol
        self._config = Config(
            self.emulator,
            access_log=False,
            log_config=None,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            ws="none",
        )
        self._config.load()
        self.state = ServerState()
        self.state.default_headers = [DATE]
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
