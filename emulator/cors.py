"""Cross-origin requests, as LocalStack treats them: a page from an origin that is not allowed gets 403, so that no web
site can reach into a developer's machine; a page from an allowed one gets the headers that its browser asks for.

Allowed are pages from this machine (localhost, 127.0.0.1, [::1], any port; LocalStack allows its own port only), from
localhost.localstack.cloud and below, from app.localstack.cloud, and from EXTRA_CORS_ALLOWED_ORIGINS.
DISABLE_CORS_CHECKS allows all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.http import Response

if TYPE_CHECKING:
    from emulator.http import Headers, Request
    from emulator.settings import Settings

_LOCAL = re.compile(
    r"(?:https?://(?:[\w-]+\.)*(?:localhost|localhost\.localstack\.cloud|app\.localstack\.cloud)|https?://127\.0\.0\.1|https?://\[::1\])(?::\d+)?"
)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]+", re.IGNORECASE)
_METHODS = b"HEAD,GET,PUT,POST,DELETE,OPTIONS,PATCH"
_ALLOW = (
    b"authorization,cache-control,content-length,content-md5,content-type,etag,location,x-amz-acl,x-amz-content-sha256,x-amz-date,"
    b"x-amz-request-id,x-amz-security-token,x-amz-tagging,x-amz-target,x-amz-user-agent,x-amz-version-id,x-amzn-query-mode,x-amzn-requestid,"
    b"x-localstack-target,amz-sdk-invocation-id,amz-sdk-request"
)
_EXPOSE = b"etag,x-amz-version-id,x-amzn-requestid,x-amzn-query-error"


class Cors:
    """The rules of one Emulator."""

    def __init__(self, settings: Settings) -> None:
        self._check = settings.cors_checks
        self._extra = frozenset(settings.cors_origins)

    def origin(self, request: Request) -> str:
        """Tell the origin of the page behind a request, from Origin, else from Referer; empty when no browser page sent it."""
        if origin := request.header(b"origin"):
            return origin
        found = _ORIGIN.match(request.header(b"referer"))
        return found[0] if found else ""

    def allowed(self, origin: str) -> bool:
        """Tell whether a page of this origin may call us."""
        return not self._check or _LOCAL.fullmatch(origin) is not None or origin in self._extra

    def preflight(self, request: Request, origin: str) -> Response:
        """Answer an OPTIONS request."""
        return Response(204, self.headers(request, origin))

    @staticmethod
    def headers(request: Request, origin: str) -> Headers:
        """Make the headers that let the page of an allowed origin read our answer."""
        asked = request.headers.get(b"access-control-request-headers", b"")
        headers = [
            (b"access-control-allow-origin", origin.encode("latin-1") or b"*"),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _ALLOW + b"," + asked if asked else _ALLOW),
            (b"access-control-expose-headers", _EXPOSE),
            (b"vary", b"Origin"),
        ]
        if origin:
            headers.append((b"access-control-allow-credentials", b"true"))
        if b"access-control-request-private-network" in request.headers:
            headers.append((b"access-control-allow-private-network", b"true"))
        return headers
