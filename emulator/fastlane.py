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
from emulator.errors import service_unavailable
from emulator.http import Request, Response, has_form
from emulator.identify import Call
from emulator.protocol import BODY, NOTHING, JoinedProtocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from emulator.app import Emulator, Unfinished

LENGTH_MAX_DIGITS = 7
"""Of the Content-Length of a call in JSON; those of 10 MB and more take the ordinary way, which refuses what is too large."""
FORM_LENGTH_MAX_DIGITS = 6
PIPELINED_MAX = 16
"""How many requests are read behind a long poll that waits."""


class FastLane(JoinedProtocol):
    """One HTTP connection."""

    _headers: dict[bytes, bytes] | None = None
    """Those of the request that is being read, while it is in the lane."""
    _parts: list[bytes]
    _parked: asyncio.Future[Any] | None = None
    """What the connection's present request waits for."""
    _unfinished: Unfinished | None = None
    _common: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")
    """uvicorn's own headers, which change each second, and how they are written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._wire = transport
        self._emulator = cast("Emulator", self.config.app)

    # Reading.

    def _begin(self, headers: dict[bytes, bytes]) -> None:
        """Choose the way."""
        if self._may_take_the_lane(headers):
            self._headers, self._parts = headers, []
        else:
            super()._begin(headers)
            if self._parked is not None and self._waits and len(self.pipeline) <= PIPELINED_MAX:
                self.flow.resume_reading()  # or nobody would notice that the client has gone

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._headers is not None:
            self._body_moved = True
            self._parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer, if the request is in the lane."""
        headers = self._headers
        if headers is None:
            super().on_message_complete()
            return
        self._headers, self._reading = None, NOTHING
        if self._patience is not None:
            self._lose_patience()
        parts, emulator = self._parts, self._emulator
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        request = Request("POST", "/", b"", headers, body, self.scheme or "http")
        try:
            call = emulator.directory.identify(request)
        except Exception:  # noqa: BLE001 - the ordinary way meets it again, answers it and, where it is a bug of ours, logs it
            call = None
        if not isinstance(call, Call) or emulator.stopping:
            self._reading = BODY
            super()._begin(headers)
            super().on_body(body)
            super().on_message_complete()
            return
        begun = emulator.begin(call, request)
        if isinstance(begun, Response):
            self._answer(begun)
        else:
            self._park(begun)

    def _may_take_the_lane(self, headers: dict[bytes, bytes]) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        if (
            self.url != b"/"
            or self._parked is not None
            or self.pipeline
            or self.parser.get_method() != b"POST"
            or self.flow.write_paused
            or (cycle is not None and not cycle.response_complete)
            or b"origin" in headers
            or b"referer" in headers
            or b"expect" in headers
            or b"upgrade" in headers
        ):
            return False
        digits = len(headers.get(b"content-length", b""))
        if b"x-amz-target" in headers:
            known = 0 < digits <= LENGTH_MAX_DIGITS
        else:
            known = 0 < digits <= FORM_LENGTH_MAX_DIGITS and has_form(headers)
        # Without a word about the connection only HTTP/1.1 is kept alive; the version is dear to ask for.
        return (
            known
            and self.parser.should_keep_alive()
            and (b"connection" not in headers or self.parser.get_http_version() == "1.1")
        )

    # Answering.

    @property
    def _owes(self) -> bool:
        return self._parked is not None or super()._owes

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start what takes the ordinary way, after what is parked before it."""
        if self._parked is None:
            super()._start_asgi_task(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _answer(self, response: Response) -> None:
        """Write an answer in one piece, exactly as uvicorn would, unless the connection has been closed after one before it."""
        if self._wire.is_closing():
            return
        common = self.server_state.default_headers
        if common is not self._common[0]:
            self._common = (common, b"".join([b"%b: %b\r\n" % header for header in common]))
        content = [STATUS_LINE[response.status], self._common[1]]
        content += [b"%b: %b\r\n" % header for header in response.headers]
        last = self._last and not self.pipeline
        content.append(b"connection: close\r\n\r\n" if last else b"\r\n")
        content.append(response.body)
        self._wire.write(b"".join(content))
        if last:
            self._wire.close()
        else:
            self._go_on()

    def _park(self, unfinished: Unfinished) -> None:
        """Let the connection wait for its answer. It is read from meanwhile, or nobody would notice that the client has gone."""
        answer = unfinished.answer
        self._waits = isinstance(answer, Parked)
        if isinstance(answer, Parked):
            self._parked = answer.future
        else:
            self._parked = task = asyncio.ensure_future(answer)
            self.tasks.add(cast("Any", task))  # for which the server's stop waits
            task.add_done_callback(self.tasks.discard)
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
        emulator = self._emulator
        try:
            result = parked.result()
            return emulator.render(call, request_id, answer.finish(result) if isinstance(answer, Parked) else result)
        except asyncio.CancelledError:  # the server's patience with it is at its end
            return emulator.fail(call, request_id, service_unavailable())
        except Exception as error:  # noqa: BLE001 - a bug of ours goes to the log, not to the user
            return emulator.fail(call, request_id, error)

    # The end.

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what the client waited for."""
        unfinished, self._unfinished, self._parked = self._unfinished, None, None
        if unfinished is not None and isinstance(unfinished.answer, Parked):
            unfinished.answer.abandon()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End with the present answer, or at once where nothing is under way."""
        if self._parked is None or self.pipeline:
            super().shutdown()
        else:
            self._last = True
