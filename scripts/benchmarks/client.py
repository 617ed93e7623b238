"""A small HTTP/1.1 client: many requests over a few connections to fill and empty a server, and connections that only wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, cast

import uvloop

from benchmarks.report import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

HOST = "127.0.0.1"
CONNECTIONS = 8
ANSWER_WITHIN_S = 60
CONNECT_AT_ONCE = 256
CONNECT_WITHIN_S = 60


def head_of(port: int, headers: Mapping[str, str]) -> bytes:
    """Write the head of a POST to /, all but the length of its body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\nHost: {HOST}:{port}\r\n{lines}Content-Length: ".encode()


def with_body(head: bytes, body: bytes) -> bytes:
    """Add the body to a head."""
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)


def post(port: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Make one request; raises BenchError unless it is answered with 200."""
    answers: list[bytes] = []
    post_all(port, headers, [body], lambda _, answer: answers.append(answer))
    return answers[0]


def post_all(
    port: int, headers: Mapping[str, str], bodies: Iterable[bytes], take: Callable[[bytes, bytes], None]
) -> None:
    """Make all the requests over a few connections and hand over each body with its answer, in no order."""
    head, rest = head_of(port, headers), iter(bodies)

    async def work() -> None:
        await asyncio.gather(*(_exchange(port, head, rest, take) for _ in range(CONNECTIONS)))

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())
    except (OSError, asyncio.IncompleteReadError) as error:  # a TimeoutError is an OSError
        raise BenchError(f"the server at port {port} does not answer: {error!r}") from None


async def _exchange(port: int, head: bytes, bodies: Iterator[bytes], take: Callable[[bytes, bytes], None]) -> None:
    body = next(bodies, None)
    while body is not None:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            kept = True
            while body is not None and kept:
                writer.write(with_body(head, body))
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    answer, kept = await read_answer(reader)
                take(body, answer)
                body = next(bodies, None)
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """Read an answer; the second value says whether the connection may be used again, which not all peers allow."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    kept = head.startswith(b"http/1.1") and b"\r\nconnection: close" not in head
    if b"\r\ntransfer-encoding: chunked" in head:
        body = await _read_chunks(reader)
    else:
        _, found, after = head.partition(b"\r\ncontent-length:")
        body = await reader.readexactly(int(after.split(b"\r\n", 1)[0])) if found else b""
    if head.split(b" ", 2)[1] != b"200":
        status = head.partition(b"\r\n")[0].decode()
        raise BenchError(f"the server answered {status}: {body[:500].decode(errors='replace')}")
    return body, kept


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";", 1)[0], 16)
        chunk = await reader.readexactly(size + 2)
        if not size:
            return body
        body += chunk[:-2]


class Parked:
    """Connections that have each sent one request and wait for its answer. Outside of the calls of this class the bench
    spends nothing on them: they are sockets with a request on its way.
    """

    def __init__(self, port: int, request: bytes, count: int) -> None:
        self._port, self._request, self._count = port, request, count
        self._waiters: list[_Waiter] = []
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def __enter__(self) -> Self:
        try:
            self._runner.run(self._connect())
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                made = f"{len(self._waiters):,} of {self._count:,} connections"
                raise BenchError(f"only {made} could be made: {error!r}") from None
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _connect(self) -> None:
        loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(CONNECT_AT_ONCE)

        async def connect() -> None:
            async with gate:
                _, waiter = await loop.create_connection(lambda: _Waiter(self._request), HOST, self._port)
                self._waiters.append(waiter)

        async with asyncio.timeout(CONNECT_WITHIN_S):
            await asyncio.gather(*(connect() for _ in range(self._count)))

    def listen(self, seconds: float) -> list[bytes]:
        """Read what has come, for a while, and give all answers so far. Raises BenchError when a connection was lost."""
        self._runner.run(asyncio.sleep(seconds))
        if lost := sum(waiter.lost for waiter in self._waiters):
            raise BenchError(f"the server ended {lost:,} of {self._count:,} connections")
        return [waiter.answer for waiter in self._waiters if waiter.answer]

    def close(self) -> None:
        """End all connections."""
        for waiter in self._waiters:
            waiter.abort()
        self._runner.close()


class _Waiter(asyncio.Protocol):
    """One connection of Parked."""

    __slots__ = ("_request", "_transport", "answer", "lost")

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self.answer = b""
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit it
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost = True

    def abort(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()
