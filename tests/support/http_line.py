"""HTTP connections to an emulator in this process, on a loop whose time is moved by hand: `Hall` is the server, `Line` a connection."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import SystemClock
from emulator.fastlane import FastLane
from emulator.ids import Ids
from emulator.protocol import JoinedProtocol
from emulator.server import KEEP_ALIVE_S
from services import ALL
from tests.support.http_wire import SET_UP, Reply, read_reply

TURNS_MAX = 100_000
"""How often the loop may turn until it is at rest: a bound against a hang."""
START_MS = 1_767_225_600_000


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is moved."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._handles: list[asyncio.TimerHandle] = []
        super().__init__()

    def time(self) -> float:
        return self._now_s

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:
        handle = super().call_at(when, *args, **options)
        self._handles.append(handle)
        return handle

    @property
    def timers(self) -> int:
        """How many timers are set."""
        self._handles = [one for one in self._handles if not one.cancelled() and one.when() > self._now_s]
        return len(self._handles)

    async def rest(self) -> None:
        """Turn until nothing is ready any more."""
        for _ in range(TURNS_MAX):
            await asyncio.sleep(0)
            if not self._ready:  # type: ignore[attr-defined]
                return
        raise AssertionError("the loop does not come to rest")

    async def advance(self, duration_s: float) -> None:
        """Move on: each timer on the way runs at its own instant, and what it woke runs before the next one."""
        until_s = self._now_s + duration_s
        await self.rest()
        while self.timers and (next_s := min(one.when() for one in self._handles)) <= until_s:
            self._now_s = next_s
            await self.rest()
        self._now_s = until_s
        await self.rest()


class LoopClock(SystemClock):
    """The emulator's clock, which goes with the loop's."""

    def __init__(self, loop: HandLoop) -> None:
        super().__init__()
        self._loop = loop

    def now_ms(self) -> int:
        return START_MS + round(self._loop.time() * 1000)

    @property
    def is_set(self) -> bool:
        """Whether a timer of the loop is its own."""
        return self._handle is not None


class LineTransport(asyncio.Transport):
    """The server's end of a connection as asyncio has it: nothing is read while reading is paused, also not that the client has ended."""

    def __init__(self, loop: HandLoop) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 4566)})
        self._loop = loop
        self._coming: deque[bytes] = deque()
        self._paused = self._eof_told = False
        self.eof = self.closing = self.lost = self.ended_writing = False
        self.written = bytearray()
        self.writes = self.read_bytes = 0

    def start(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol
        protocol.connection_made(self)

    def deliver(self, *pieces: bytes) -> None:
        """Let pieces come from the client."""
        self._coming.extend(pieces)
        self._read()

    def deliver_eof(self) -> None:
        """Let the client end its side."""
        self.eof = True
        self._read()

    def _read(self) -> None:
        while self._coming and not self._paused and not self.closing:
            piece = self._coming.popleft()
            self.read_bytes += len(piece)
            self.protocol.data_received(piece)
        if self.eof and not (self._coming or self._paused or self.closing or self._eof_told):
            self._eof_told = True
            if not self.protocol.eof_received():
                self.close()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._loop.call_soon(self._read)

    def is_reading(self) -> bool:
        return not self._paused and not self.closing

    def write(self, data: Any) -> None:
        assert not self.ended_writing, "written behind the end"
        if not self.closing:
            self.written += data
            self.writes += 1

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended_writing = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self._loop.call_soon(self._lose)

    abort = close

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)


class Line:
    """One connection to a `Hall`. What it is told happens at once, and it comes back when the server is at rest."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self.transport = LineTransport(hall.loop)
        hall.do(lambda: self.transport.start(hall.protocol(hall.config, hall.state, {})))

    def send(self, *pieces: bytes) -> bytes:
        """Send bytes, each piece on its own; gives what the server has written since it was last asked."""
        return self._do(lambda: self.transport.deliver(*pieces))

    def end_sending(self) -> bytes:
        """Shut the sending side down; gives what the server has written since."""
        return self._do(self.transport.deliver_eof)

    def _do(self, action: Callable[[], None]) -> bytes:
        self._hall.do(action)
        return self.take()

    def vanish(self) -> None:
        """Go away, in a way that the server hears of."""
        self._hall.do(self.transport.abort)

    def take(self) -> bytes:
        """Give what the server has written since."""
        written = bytes(self.transport.written)
        self.transport.written.clear()
        return written

    @property
    def is_open(self) -> bool:
        return not self.transport.closing

    @property
    def is_over(self) -> bool:
        """Whether the client sees the end: the server has closed, or will say no more."""
        return self.transport.closing or self.transport.ended_writing


class Hall:
    """An emulator in this process, the connections to it, and their time."""

    def __init__(
        self, certificate: Certificate, protocol: type[JoinedProtocol] = FastLane, loop: HandLoop | None = None
    ) -> None:
        self.loop = loop or HandLoop()
        self.protocol = protocol
        self._clock = LoopClock(self.loop)
        self.emulator = Emulator(ALL, clock=self._clock, ids=Ids(7), certificate=certificate)
        self.emulator.start()
        self.config = Config(
            self.emulator,
            access_log=False,
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            ws="none",
        )
        self.config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")]

    @property
    def timers(self) -> int:
        """How many timers connections have set: all but the one of the emulator's clock."""
        return self.loop.timers - self._clock.is_set

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the loop."""
        return self.loop.run_until_complete(doing)

    def do(self, action: Callable[[], Any]) -> None:
        """Do something on the loop and let it come to rest."""

        async def doing() -> None:
            action()
            await self.loop.rest()

        self.run(doing())

    def advance(self, duration_s: float) -> None:
        """Let time pass."""
        self.run(self.loop.advance(duration_s))

    def shut_down(self) -> None:
        """Do what `EmulatorServer` does first when it is told to stop."""

        def stop() -> None:
            self.emulator.drain()
            for connection in list(self.state.connections):
                connection.shutdown()

        self.do(stop)

    def close(self) -> None:
        """End it all."""
        self.do(lambda: [connection.transport.abort() for connection in list(self.state.connections)])
        self.run(self.emulator.stop())
        self.loop.close()


def replies(raw: bytes) -> list[Reply]:
    """Cut bytes into answers."""
    stream, found = io.BytesIO(raw), []
    while stream.tell() < len(raw):
        found.append(read_reply(stream))
    return found


@contextmanager
def prepared(certificate: Certificate, protocol: type[JoinedProtocol] = FastLane) -> Iterator[Hall]:
    """Run a server that has what the calls are about."""
    hall = Hall(certificate, protocol)
    line = Line(hall)
    for request in SET_UP:
        assert replies(line.send(request))[0].status == 200
    line.vanish()
    yield hall
    hall.close()
