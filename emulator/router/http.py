"""Outgoing HTTP: one POST with a time limit on the engine's clock. httpx is imported at the first one, in a thread."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from emulator.router.delivery import UndeliverableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from emulator.clock import Clock

ANSWER_MAX_BYTES = 65_536
"""What is read of an answer, so that its connection can be used again; a longer answer costs the connection."""
CONNECTIONS_MAX = 1_000


class HttpSender:
    """The HTTP client of one Emulator. Certificates are not verified, since those of test servers are self-signed;
    redirects are not followed; proxies of the environment are not used.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._opening: asyncio.Task[httpx.AsyncHTTPTransport] | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_ms: int) -> int:
        """Send a POST and give the status of its answer.

        Raises UndeliverableError, not permanent, where there is no answer within `timeout_ms` of the engine's clock, or no connection.
        """
        request = asyncio.ensure_future(self._post(url, headers, body))
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

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        transport = await self._open()
        import httpx

        try:
            request = httpx.Request("POST", url, headers=dict(headers), content=body)
            if request.url.userinfo:
                credentials = base64.b64encode(unquote_to_bytes(request.url.userinfo)).decode()
                request.headers.setdefault("Authorization", f"Basic {credentials}")
            answer = await transport.handle_async_request(request)
            try:
                size_bytes = 0
                async for part in answer.aiter_raw():
                    size_bytes += len(part)
                    if size_bytes > ANSWER_MAX_BYTES:
                        break
            finally:
                await answer.aclose()
            return int(answer.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            raise UndeliverableError("ConnectionFailure", f"{url}: {reason}", permanent=False) from error

    async def _open(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            if self._opening is None:
                self._opening = asyncio.ensure_future(asyncio.to_thread(_transport))
            self._transport = await asyncio.shield(self._opening)
        return self._transport

    async def close(self) -> None:
        """Close all connections."""
        if self._opening is not None:
            await asyncio.wait((self._opening,))
        if self._transport is not None:
            await self._transport.aclose()


def _transport() -> httpx.AsyncHTTPTransport:
    """Make the connections. A client around them would follow cookies and look at redirects, which SNS does not."""
    import httpx

    limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=100)
    return httpx.AsyncHTTPTransport(verify=False, trust_env=False, limits=limits)
