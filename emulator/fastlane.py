"""The fast lane: SDK calls are answered straight from the parsed bytes, without an ASGI scope and without a task.

A request takes it when it is what nearly all are: a POST over HTTP/1.1 on a connection that is kept alive and has nothing else under
way, of a known length, with an X-Amz-Target (or a form, for SNS), from no browser page. Everything else, and whatever turns out not to
be an operation that we have, takes the ordinary way through ASGI, on the same connection and in the same order. Both ways end in
`Emulator.begin`: there is one implementation with two doors, and tests send the same bytes through both.

A long poll parks its future, not a task; it is answered in the callback of that future. Only an operation that is a coroutine gets a task.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from emulator.context import Parked
from emulator.http import Request, Response
from emulator.identify import Call
from emulator.protocol import JoinedProtocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from emulator.app import Emulator, Unfinished

BODY_MAX_BYTES = 2 << 20
"""Larger requests take the ordinary way, which refuses those that are too large before they are read whole."""
_FORM = b"application/x-www-form-urlencoded"


class FastLane(JoinedProtocol):
    """One HTTP connection."""

    _headers: dict[bytes, bytes] | None = None
    """Those of the request that is being read, while it is in the lane."""
    _parts: list[bytes]
    _parked: asyncio.Future[Any] | None = None
    """What the connection's present request waits for."""
    _unfinished: Unfinished | None = None
    _used: bool = False
    """Whether something came since the keep-alive timer was set."""
    _last: bool = False
    """Whether the server is stopping, so that the connection ends with the present answer."""

    # Reading.

    def on_message_begin(self) -> None:
        """Begin a request. Its ASGI scope is made when it is known to need one."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Choose the way."""
        headers = dict(self.headers)
        if self._may_take_the_lane(headers):
            self._headers, self._parts = headers, []
        else:
            self._go_the_ordinary_way()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._headers is not None:
            self._parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer, if the request is in the lane."""
        if self._headers is None:
            super().on_message_complete()
            return
        headers, self._headers = self._headers, None
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        request = Request("POST", "/", b"", headers, body, self.scheme or "http")
        emulator = cast("Emulator", self.config.app)
        try:
            call = emulator.directory.identify(request)
        except Exception:  # noqa: BLE001 - the ordinary way meets it again, answers it and, where it is a bug of ours, logs it
            call = None
        if not isinstance(call, Call) or emulator.stopping:
            self._go_the_ordinary_way()
            super().on_body(body)
            super().on_message_complete()
            return
        begun = emulator.begin(call, request)
        if isinstance(begun, Response):
            self._answer(begun)
        else:
            self._park(begun)

    def _may_take_the_lane(self, headers: dict[bytes, bytes]) -> bool:
        if (
            self.url != b"/"
            or self._parked is not None
            or self.pipeline
            or self.parser.get_method() != b"POST"
            or self.flow.write_paused
            or not self._is_idle
            or len(headers) != len(self.headers)
            or b"origin" in headers
            or b"referer" in headers
            or b"expect" in headers
            or b"upgrade" in headers
        ):
            return False
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or len(length) > 8 or int(length) > BODY_MAX_BYTES:
            return False
        if b"x-amz-target" not in headers and not headers.get(b"content-type", b"").startswith(_FORM):
            return False
        return self.parser.get_http_version() == "1.1" and bool(self.parser.should_keep_alive())

    @property
    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _go_the_ordinary_way(self) -> None:
        """Give the request, as far as it is read, to uvicorn."""
        url, expects, headers = self.url, self.expect_100_continue, self.headers
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start what takes the ordinary way, after what is parked before it."""
        if self._parked is None:
            super()._start_asgi_task(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    # The connection between requests. One timer runs as long as it lives, where uvicorn sets and cancels one for each request.

    def _unset_keepalive_if_required(self) -> None:
        """Note that the client is there."""
        self._used = True

    def on_response_complete(self) -> None:
        """End an answer, and begin with the next request where one waits."""
        self.transport.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self.timeout_keep_alive_task is None:
            self._keep_alive()
        else:
            self._used = True  # the time counts from the end of the answer

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing came for the keep-alive time, or for up to twice as long."""
        self.timeout_keep_alive_task = None
        if self._used or self._parked is not None or not self._is_idle:
            self._keep_alive()
        else:
            super().timeout_keep_alive_handler()

    def _keep_alive(self) -> None:
        self._used = False
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    # Answering.

    def _answer(self, response: Response) -> None:
        """Write an answer in one piece, exactly as uvicorn would."""
        content = [STATUS_LINE[response.status]]
        for name, value in self.server_state.default_headers:
            content += (name, b": ", value, b"\r\n")
        for name, value in response.headers:
            content += (name, b": ", value, b"\r\n")
        if self._last:
            content.append(b"connection: close\r\n")
        content += (b"\r\n", response.body)
        self.transport.write_all(b"".join(content))
        if self._last:
            self.transport.close()
        self.on_response_complete()

    def _park(self, unfinished: Unfinished) -> None:
        """Let the connection wait for its answer. It is read from meanwhile, or nobody would notice that the client has gone."""
        answer = unfinished.answer
        self._parked = answer.future if isinstance(answer, Parked) else asyncio.ensure_future(answer)
        self._unfinished = unfinished
        self._parked.add_done_callback(partial(self._unpark, unfinished))

    def _unpark(self, unfinished: Unfinished, parked: asyncio.Future[Any]) -> None:
        """Answer what was parked, unless its client is gone."""
        here = parked is self._parked
        if here:
            self._parked = self._unfinished = None
        if here and not self.transport.is_closing():
            self._answer(self._response(unfinished, parked))
        elif not isinstance(unfinished.answer, Parked):
            self._response(unfinished, parked)  # a failure is to be told nevertheless
        elif here:
            unfinished.answer.abandon()

    def _response(self, unfinished: Unfinished, parked: asyncio.Future[Any]) -> Response:
        call, request_id, _, answer = unfinished
        emulator = cast("Emulator", self.config.app)
        try:
            result = parked.result()
            return emulator.render(call, request_id, answer.finish(result) if isinstance(answer, Parked) else result)
        except Exception as error:  # noqa: BLE001 - a bug of ours goes to the log, not to the user
            return emulator.fail(call, request_id, error)

    # The end.

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what the client waited for."""
        unfinished, self._unfinished, self._parked = self._unfinished, None, None
        if unfinished is not None and isinstance(unfinished.answer, Parked):
            unfinished.answer.abandon()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End with the present answer, or at once where nothing is under way."""
        if self._parked is None:
            super().shutdown()
        else:
            self._last = True
