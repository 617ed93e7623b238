"""Outgoing HTTP: one request with a time limit on the engine's clock. httpx is imported at the first one, in a thread."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from emulator.router.delivery import UndeliverableError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx

    from emulator.clock import Clock

ANSWER_MAX_BYTES = 65_536
"""What is read of an answer, so that its connection can be used again; a longer answer is cut there and costs the connection."""
POOLS_MAX = 64
"""Subscribers whose connections are kept open for the next request; those that are idle for longest are closed first."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer. Header names are in lower case; the body is as it came, not decoded, and has at most ANSWER_MAX_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpSender:
    """The HTTP client of one Emulator. Certificates are not verified, since those of test servers are self-signed;
    redirects are not followed; proxies of the environment are not used.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._opening: asyncio.Task[ssl.SSLContext] | None = None
        self._pools: OrderedDict[str, _Pool] = OrderedDict()
        """By subscriber, the one that was used last at the end."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_ms: int, *, subscriber: str = ""
    ) -> int:
        """Send a POST and give the status of its answer. Raises what `request` raises."""
        return (await self.request("POST", url, headers, body, timeout_ms, subscriber=subscriber)).status

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_ms: int,
        *,
        subscriber: str = "",
    ) -> HttpAnswer:
        """Send a request and give its answer, whatever its status. Values of headers go out in UTF-8.

        Each `subscriber` has connections of its own: one pool for all is slow when many hang (httpcore looks through all of its requests
        for each of them), and has no room for the others when it is full.

        Raises UndeliverableError, not permanent, where there is no answer within `timeout_ms` of the engine's clock (`Timeout`), or no
        connection (`ConnectionFailure`).
        """
        request = asyncio.ensure_future(self._request(method, url, headers, body, subscriber))
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            request.cancel()

        timer = self._clock.call_at(self._clock.now_ms() + timeout_ms, give_up)
        try:
            return await request
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not late or (task is not None and task.cancelling()):
                request.cancel()
                raise
            message = f"{url} did not answer within {timeout_ms / 1000:g} seconds"
            raise UndeliverableError("Timeout", message, permanent=False) from None
        finally:
            timer.cancel()

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, subscriber: str
    ) -> HttpAnswer:
        pool = await self._take_pool(subscriber)
        import httpx

        try:
            encoded = [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
            request = httpx.Request(method, url, headers=encoded, content=body)
            if request.url.userinfo:
                credentials = base64.b64encode(unquote_to_bytes(request.url.userinfo)).decode()
                request.headers.setdefault("Authorization", f"Basic {credentials}")
            answer = await pool.transport.handle_async_request(request)
            try:
                content = bytearray()
                async for part in answer.aiter_raw():
                    content += part
                    if len(content) > ANSWER_MAX_BYTES:
                        break
            finally:
                await answer.aclose()
            return HttpAnswer(answer.status_code, dict(answer.headers), bytes(content[:ANSWER_MAX_BYTES]))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            raise UndeliverableError("ConnectionFailure", f"{url}: {reason}", permanent=False) from error
        finally:
            pool.users -= 1

    async def _take_pool(self, subscriber: str) -> _Pool:
        """Find a subscriber's connections, or make place for them."""
        if self._context is None:
            if self._opening is None:
                self._opening = asyncio.ensure_future(asyncio.to_thread(_context))
            self._context = await asyncio.shield(self._opening)
        pool = self._pools.get(subscriber)
        if pool is None:
            pool = self._pools[subscriber] = _Pool(_transport(self._context))
        self._pools.move_to_end(subscriber)
        pool.users += 1
        if len(self._pools) > POOLS_MAX:
            idle = [name for name, each in self._pools.items() if not each.users]
            for name in idle[: len(self._pools) - POOLS_MAX]:
                await self._pools.pop(name).transport.aclose()
        return pool

    async def close(self) -> None:
        """Close all connections."""
        if self._opening is not None:
            await asyncio.wait((self._opening,))
        for pool in self._pools.values():
            await pool.transport.aclose()
        self._pools.clear()


@dataclass(slots=True, eq=False)
class _Pool:
    """The connections of one subscriber."""

    transport: httpx.AsyncHTTPTransport
    users: int = 0
    """Requests that use it."""


def _context() -> ssl.SSLContext:
    """Import what takes long to import, and make what all TLS connections share."""
    import ssl

    import httpx  # noqa: F401 - imported here for the thread's sake

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _transport(context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """Make a pool. A client around it would follow cookies and look at redirects, which neither SNS nor EventBridge does."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=16)
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
