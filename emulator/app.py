"""`Emulator`: everything that one server is, and its ASGI callable. Two of them in one process share nothing.

The way of a request: read it, check its origin, answer what is ours (`/_eventyard`, `/health`, `/_aws/...`), else
identify the call, parse its input, run the operation, render its answer or its error.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.certificate import Certificate, local_names
from emulator.clock import Clock, SystemClock
from emulator.context import Context, Parked
from emulator.cors import Cors
from emulator.errors import AwsError, internal_failure, request_too_large, service_unavailable
from emulator.http import (
    ClientGoneError,
    Request,
    Response,
    body_max_bytes,
    call_asgi,
    text_response,
)
from emulator.identify import Call, Directory, Unidentified
from emulator.ids import Ids
from emulator.router.router import Router
from emulator.service import StartError
from emulator.settings import Settings
from emulator.storage.memory import MemoryStorage
from emulator.tasks import Tasks
from emulator.wire import aws_json, query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from socket import socket

    from emulator.service import Listener, Service, ServiceState
    from emulator.storage import Storage

    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    Scoped = dict[str, Any]

log = logging.getLogger("eventyard.request")
bugs = logging.getLogger("eventyard")

ADMIN_PATHS = ("/_eventyard", "/_localstack", "/health")
LOOKUP_PREFIX = "/_aws/"


class Unfinished(NamedTuple):
    """An operation whose answer is not there yet."""

    call: Call
    request_id: str
    context: Context[Any]
    answer: Awaitable[dict[str, Any] | None] | Parked


class Emulator:
    """One emulated cloud: its services, their state, its clock, its chance."""

    def __init__(
        self,
        services: Iterable[Service],
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        storage: Storage | None = None,
        certificate: Certificate | None = None,
        sockets: Mapping[str, list[socket]] | None = None,
    ) -> None:
        """`sockets` are those, bound, on which services listen beside HTTP, by service name; without them they do not."""
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.ids = ids or Ids()
        self.storage = storage or MemoryStorage()
        self.tasks = Tasks()
        self.certificate = certificate or Certificate(
            "eventyard",
            self.clock.now_ms(),
            local_names(self.settings.host, self.settings.kafka_advertised_host, self.settings.public_host),
        )
        self.router = Router(self)
        known = list(services)
        self.services = {service.name: service for service in known if service.runs(self.settings)}
        self.directory = Directory(self.services.values(), known, self.settings)
        self.cors = Cors(self.settings)
        self.stopping = False
        self.started_ms = self.clock.now_ms()
        self.session_id = self.ids.uuid()
        self.sockets = dict(sockets or {})
        self.failure = ""
        """Why it could not start, in one line."""
        self._listeners: list[Listener] = []
        self._admin: Any = None

    # Life.

    def start(self) -> None:
        """Make every service ready to answer."""
        for service in self.services.values():
            service.compile()

    async def listen(self) -> None:
        """Take connections on the ports of services beside HTTP. Raises StartError."""
        for name, sockets in self.sockets.items():
            service = self.services.get(name)
            if service is not None and service.listen is not None and sockets:
                self._listeners.append(await service.listen(self, sockets))

    def drain(self) -> None:
        """Answer everything that waits, and let nothing new wait."""
        self.stopping = True
        for state in self.storage.states():
            state.drain()

    async def stop(self) -> None:
        """End all work."""
        self.drain()
        for listener in self._listeners:
            await listener.close()
        await self.tasks.stop()
        await self.router.close()
        for state in self.storage.states():
            state.stop()
        self.clock.close()
        self.storage.close()

    def reset(self, service: str | None = None) -> None:
        """Forget all state of all accounts, or that of one service; what waits is answered."""
        for state in self.storage.clear(service):
            state.close()

    def find_state(self, service: str, account: str, region: str) -> ServiceState | None:
        """Find the state of a service in an account and region, without making it."""
        return self.storage.get(service, account, region)

    def state(self, service: str, account: str, region: str) -> ServiceState:
        """Get the state of a service in an account and region, made when first asked for."""
        state = self.storage.get(service, account, region)
        if state is None:
            state = self.services[service].new_state(self, account, region)
            self.storage.put(service, account, region, state)
        return state

    # ASGI.

    async def __call__(self, scope: Scoped, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection: a request, or the server's life."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                try:
                    await self.listen()
                except StartError as error:
                    self.failure = str(error)
                    await send({"type": "lifespan.startup.failed"})  # without the text, which the command line tells
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scoped, receive: Receive, send: Send) -> None:
        try:
            request = await _read(scope, receive)
            call = self.directory.identify(request) if request.is_sdk_call else None
            if isinstance(call, Call):
                response = await self._run(call, request, receive)
            else:
                response = await self._respond(request, receive)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            # The server's patience with this request is at its end; uvicorn would show a traceback.
            response = self._refuse_unread(service_unavailable(), dict(scope["headers"]))
        except AwsError as error:
            response = self._refuse_unread(error, dict(scope["headers"]))
        except Exception:  # noqa: BLE001 - a bug of ours, which goes to the log, not to the user
            request_id = self.ids.uuid()
            bugs.exception("%s %s failed, request id %s", scope["method"], scope["path"], request_id)
            failure = internal_failure(request_id)
            response = self._refuse(Unidentified(failure, None, "", json=False, label="unknown"))
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, request: Request, receive: Receive) -> Response:
        """Answer what need not come from an SDK: a browser page, a health check, a hand-written request."""
        origin = self.cors.origin(request)
        if origin and not self.cors.allowed(origin):
            log.info(
                "refused a request from a page of %s; EXTRA_CORS_ALLOWED_ORIGINS=%s would allow it", origin, origin
            )
            return Response(403, [(b"content-length", b"0")])
        if request.method == "OPTIONS":
            return self.cors.preflight(request, origin)
        if request.path.startswith(ADMIN_PATHS):
            response = await self._administer(request)
        elif request.path.startswith(LOOKUP_PREFIX):
            response = self._look_up(request)
        else:
            response = await self._call(request, receive)
        if origin:
            response.headers += self.cors.headers(request, origin)
        return response

    async def _administer(self, request: Request) -> Response:
        if self._admin is None:
            from emulator.admin.routes import build

            self._admin = build(self)
        return await call_asgi(self._admin, request)

    async def _call(self, request: Request, receive: Receive) -> Response:
        call = self.directory.identify(request)
        if isinstance(call, Call):
            return await self._run(call, request, receive)
        if call is None:
            return self._welcome(request)
        return self._refuse(call)

    async def _run(self, call: Call, request: Request, receive: Receive) -> Response:
        begun = self.begin(call, request, receive)
        return begun if isinstance(begun, Response) else await self._complete(begun)

    def begin(self, call: Call, request: Request, receive: Receive | None = None) -> Response | Unfinished:
        """Run an operation: its answer, or what is to be waited for. `receive` tells of a client that goes away meanwhile."""
        service, operation, scope, region, form = call
        request_id = self.ids.uuid()
        context: Context[Any] = Context(self, service.name, scope, region, request, request_id, receive)
        try:
            parsed = (
                service.json.parse(operation, request.body) if form is None else service.query.parse(operation, form)
            )
            if service.constrained:
                service.constraints.check(operation, parsed)
            answer = service.operations[operation](context, parsed)
            if answer is None or isinstance(answer, dict):
                return self.render(call, request_id, answer)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours goes to the log, not to the user
            return self.fail(call, request_id, error)
        return Unfinished(call, request_id, context, answer)

    async def _complete(self, unfinished: Unfinished) -> Response:
        """Wait for an answer, but no longer than the client does."""
        call, request_id, context, answer = unfinished
        try:
            if isinstance(answer, Parked):
                return self.render(call, request_id, answer.finish(await _await(answer, context)))
            return self.render(call, request_id, await answer)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours goes to the log, not to the user
            return self.fail(call, request_id, error)

    def render(self, call: Call, request_id: str, answer: dict[str, Any] | None) -> Response:
        """Write an operation's answer."""
        service, operation = call.service, call.operation
        if call.form is None:
            headers, body = service.json.render(operation, answer, request_id)
        else:
            headers, body = service.query.render(operation, answer, request_id)
        if log.isEnabledFor(logging.INFO):
            self._log(service.name, operation, 200, request_id, None)
        return Response(200, headers, body)

    def fail(self, call: Call, request_id: str, error: Exception) -> Response:
        """Write the error that ended an operation; what is not AWS's is a bug of ours and goes to the log."""
        if not isinstance(error, AwsError):
            bugs.error("%s.%s failed, request id %s", call.service.name, call.operation, request_id, exc_info=error)
            error = internal_failure(request_id)
        return self._error(call.service, call.operation, error, request_id, json=call.form is None)

    def _refuse_unread(self, error: AwsError, headers: dict[bytes, bytes]) -> Response:
        """Refuse a request of which nothing is known but its headers."""
        response = self._refuse(Unidentified(error, None, "", json=b"x-amz-target" in headers, label="unknown"))
        if _is_kept_back(headers):
            response.headers.append((b"connection", b"close"))
        return response

    def _refuse(self, call: Unidentified) -> Response:
        request_id = self.ids.uuid()
        if call.service is not None:
            return self._error(call.service, call.operation, call.error, request_id, json=call.json)
        render_error = aws_json.render_error if call.json else query.render_error
        headers, body = render_error(call.error, request_id)
        self._log(call.label, call.operation, call.error.status, request_id, call.error)
        return Response(call.error.status, headers, body)

    def _error(self, service: Service, operation: str, error: AwsError, request_id: str, *, json: bool) -> Response:
        headers, body = (service.json if json else service.query).render_error(error, request_id)
        self._log(service.name, operation, error.status, request_id, error)
        return Response(error.status, headers, body)

    def _log(self, service: str, operation: str, status: int, request_id: str, error: AwsError | None) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        fields = {"service": service, "operation": operation, "status": status, "request_id": request_id}
        if error is None:
            log.info("AWS %s.%s => %d [%s]", service, operation, status, request_id, extra={"fields": fields})
        else:
            fields["error"] = error.code
            log.info(
                "AWS %s.%s => %d (%s) [%s]",
                service,
                operation,
                status,
                error.code,
                request_id,
                extra={"fields": fields},
            )

    def _look_up(self, request: Request) -> Response:
        """Serve a service's developer look-ups under /_aws/."""
        for service in self.services.values():
            for prefix, route in service.routes.items():
                if request.path == prefix or request.path.startswith(prefix + "/"):
                    scope = self.directory.scope(request)
                    request_id = self.ids.uuid()
                    region = self.directory.region(scope, request)
                    context: Context[Any] = Context(self, service.name, scope, region, request, request_id)
                    try:
                        return route(context, request)
                    except AwsError as error:
                        return self._error(service, prefix, error, request_id, json=b"x-amz-target" in request.headers)
        return text_response(404, f"Nothing is at {request.path}\n")

    def _welcome(self, request: Request) -> Response:
        if request.path == "/" and request.method in ("GET", "HEAD"):
            names = ", ".join(sorted(self.services))
            return text_response(
                200, f"Eventyard emulates {names}. Set AWS_ENDPOINT_URL={request.base_url} and use any AWS SDK.\n"
            )
        return text_response(
            404,
            "This is no AWS request: it has neither an X-Amz-Target header nor an Action parameter nor a signature.\n",
        )


async def _await(parked: Parked, context: Context[Any]) -> Any:
    """Wait for what is parked, but no longer than the client does."""
    try:
        return await context.wait(parked.future)
    except BaseException:
        parked.abandon()
        raise


async def _read(scope: Scoped, receive: Receive) -> Request:
    """Read a request. What comes after the refusal of one that is too large the server reads and throws away, so that a client
    which is still sending hears of it.
    """
    headers = dict(scope["headers"])
    request = Request(scope["method"], scope["path"], scope["query_string"], headers, b"", scope.get("scheme", "http"))
    size_max_bytes = body_max_bytes(headers)
    parts: list[bytes] = []
    size_bytes, more = 0, True
    if _declared_bytes(headers) > size_max_bytes:
        raise request_too_large(size_max_bytes)
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part, more = message.get("body", b""), message.get("more_body", False)
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > size_max_bytes:
            raise request_too_large(size_max_bytes)
    request.body = parts[0] if len(parts) == 1 else b"".join(parts)
    return request


def _is_kept_back(headers: dict[bytes, bytes]) -> bool:
    """Whether a client that waits to be told to go on with its body is not told so: it will not send it on this connection."""
    return b"expect" in headers and _declared_bytes(headers) > body_max_bytes(headers)


def _declared_bytes(headers: dict[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() and len(declared) < 20 else 0
