"""An HTTP request and an HTTP answer, as plain values: what app.py reads once and everything behind it looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.wire.query import parse_form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Headers = list[tuple[bytes, bytes]]

BODY_MAX_BYTES = 16 * 1024 * 1024
"""No AWS operation that we serve takes more: the largest is a batch of 1 MiB, whose escapes in JSON or in a form can
take sixfold."""
FORM_MAX_BYTES = 4 * 1024 * 1024
"""A form takes threefold at most, and long to read."""


class ClientGoneError(Exception):
    """The client closed its connection before it had an answer."""


@dataclass(slots=True)
class Request:
    """One request. Header names are lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    scheme: str = "http"

    @property
    def is_sdk_call(self) -> bool:
        """Whether this is what nearly all requests are: a JSON call of an SDK, not of a browser page."""
        headers = self.headers
        return (
            self.path == "/" and b"x-amz-target" in headers and b"origin" not in headers and b"referer" not in headers
        )

    def header(self, name: bytes) -> str:
        """Read a header as text; empty where it is missing."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def base_url(self) -> str:
        """The URL that the caller used, up to the path: what queue URLs start with. A proxy in front may speak TLS for us."""
        forwarded = self.header(b"x-forwarded-proto").lower()
        scheme = forwarded if forwarded in ("http", "https") else self.scheme
        return f"{scheme}://{self.header(b'host') or 'localhost'}"

    def form(self) -> dict[str, str]:
        """Read the parameters of a query request: the body's before the URL's."""
        form = parse_form(self.query) if self.query else {}
        if self.body and has_form(self.headers):
            form |= parse_form(self.body)
        return form


@dataclass(slots=True)
class Response:
    """One answer."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def has_form(headers: dict[bytes, bytes]) -> bool:
    """Whether a body is a form."""
    return headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")


def body_max_bytes(headers: dict[bytes, bytes]) -> int:
    """How long a body may be."""
    return FORM_MAX_BYTES if has_form(headers) else BODY_MAX_BYTES


def text_response(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Response:
    """Answer with text."""
    body = text.encode()
    return Response(status, [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))], body)


async def call_asgi(app: Callable[..., Awaitable[None]], request: Request) -> Response:
    """Let another ASGI application answer a request."""
    response = Response()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            response.status, response.headers = message["status"], list(message["headers"])
        else:
            response.body += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "query_string": request.query,
        "headers": list(request.headers.items()),
    }
    await app(scope, receive, send)
    return response
