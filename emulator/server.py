"""uvicorn around an Emulator: sockets bound before anything starts, a stop that answers parked long polls, an exit code of 0."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import threading
from typing import TYPE_CHECKING, Literal

from uvicorn.config import Config
from uvicorn.server import Server

from emulator.settings import AddressError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Sequence

    from emulator.app import Emulator
    from emulator.settings import Address

KEEP_ALIVE_S = 75
"""Longer than SDKs keep a connection in their pools: a server that closes first makes them retry a request that was
never read."""
BACKLOG = 4096
FILES_MAX = 65_536
GRACE_S = 2
"""How long a stop waits for requests that are being answered, or that never become whole; parked polls are answered before."""


def bind(addresses: Sequence[Address], flag: str = "--port") -> list[socket.socket]:
    """Take the addresses; a host name may stand for several. Raises AddressError, which names the flag that chooses another."""
    sockets: list[socket.socket] = []
    for address in addresses:
        # As bytes: a text goes through the codec for international names, and importing that takes longer than all else here.
        host = address.host.encode() if address.host.isascii() else address.host
        try:
            found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise AddressError(f"cannot listen on {address.host}: no such host or address") from None
        port = address.port
        for family, kind, protocol, _, place in dict.fromkeys(found):
            sock = _listen(socket.socket(family, kind, protocol), (place[0], port, *place[2:]), address, flag)
            port = sock.getsockname()[1]  # port 0 means one free port, not one for each of a name's addresses
            sockets.append(sock)
    return sockets


def _listen(sock: socket.socket, place: tuple[object, ...], address: Address, flag: str) -> socket.socket:
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        # Until somebody listens, a second process can bind the same address.
        sock.listen(BACKLOG)
    except PermissionError:
        sock.close()
        raise AddressError(f"no permission to listen on {address}: choose a port above 1023 with {flag}") from None
    except OSError as error:
        sock.close()
        if "in use" in str(error):
            raise AddressError(
                f"port {address.port} on {address.host} is already in use: end what uses it, or choose another with {flag}"
            ) from None
        raise AddressError(f"cannot listen on {address}: {error.strerror or error}") from None
    return sock


def tune_garbage_collector() -> None:
    """Keep Python's cycle collector from walking over stored messages.

    Messages are not in cycles, and reference counting frees them; but the collector's full passes look at each of them again
    and again while a queue fills, in pauses that grow with the backlog. Without them about a tenth more SendMessage a second
    were served (measured, paired runs of wrk). Young cycles (failed requests, ended tasks) are still collected, a thousand objects at
    a time: ten thousand made pauses of 10 ms, and the p99 of SendMessageBatch 13 ms where it is 5 now.

    Our own command line runs with the collector off until here, and leaves a thousand small objects in cycles, which are not worth
    a walk over all others. In a process that ran with it on, there may be more.
    """
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 2, 1_000_000)
    gc.enable()


def raise_file_limit() -> None:
    """Allow as many connections and files as the system does: its soft limit is often 1,024, and each partition kept in files has one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _http_protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """Choose how HTTP is spoken: our way where httptools is there, else as uvicorn can."""
    try:
        from emulator.fastlane import FastLane
    except ImportError:
        return "auto"
    return FastLane


class EmulatorServer(Server):
    """uvicorn's server, with the Emulator's own start and stop."""

    def __init__(self, emulator: Emulator, *, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__(
            Config(
                emulator,
                access_log=False,
                backlog=BACKLOG,
                http=_http_protocol(),
                lifespan="on",
                log_config=None,
                loop="auto",
                proxy_headers=False,  # http.py reads the one that matters, where it matters
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=KEEP_ALIVE_S,
                ws="none",
            )
        )
        self._emulator = emulator
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        raise_file_limit()
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's way out where the application could not start, with an exit code of its own
            if not self._emulator.failure:
                raise
            self.should_exit = True
            return
        tune_garbage_collector()
        if self.started and self._on_ready is not None:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what waits before waiting for connections to end: a parked long poll would else hold the stop up for
        20 seconds.
        """
        self._emulator.drain()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as a request to stop. Unlike uvicorn, do not raise them again afterwards: a wanted
        stop exits with 0.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
