"""What all requests to the outside have in common: parameters on the way into a URL or into headers, and what AWS calls their failures.

Secrets may be part of a URL's query, so errors name the endpoint as it was configured.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

from emulator.router.delivery import UndeliverableError
from services.events import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.app import Emulator
    from emulator.router.http import HttpAnswer

_CODES = {"Timeout": "TIMEOUT", "ConnectionFailure": "CONNECTION_FAILURE"}
"""The engine's words for failures without an answer, and AWS's."""

NOT_CUSTOM = frozenset(
    [
        *("a-im", "accept-charset", "accept-datetime", "accept-encoding", "cache-control", "connection"),
        *("content-encoding", "content-length", "content-md5", "date", "expect", "forwarded", "from", "host"),
        *("http2-settings", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
        *("keep-alive", "max-forwards", "origin", "pragma", "proxy-authorization", "proxy-connection", "range"),
        *("referer", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "warning"),
    ]
)
"""Headers that nobody may set: EventBridge leaves them out."""


class Headers:
    """Headers of a request; the name of one that is set again keeps its place and may be written otherwise."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): (name, value) for name, value in fields.items()}

    def set(self, name: str, value: str) -> None:
        """Set a header whatever its name. White space around the value, which AWS lets users write, means nothing in HTTP."""
        self._fields[name.lower()] = (name, value.strip(" \t"))

    def customize(self, fields: Iterable[tuple[str, str]]) -> None:
        """Set what users ask for, as far as they may."""
        for name, value in fields:
            if name.lower() not in NOT_CUSTOM:
                self.set(name, value)

    def get(self, name: str) -> str:
        """Read a header; without one, the empty string."""
        return self._fields.get(name.lower(), ("", ""))[1]

    def as_dict(self) -> dict[str, str]:
        """Give what is sent."""
        return dict(self._fields.values())


def pairs(parameters: Mapping[str, Any] | None, kind: str) -> list[tuple[str, str]]:
    """Read one list of a connection's parameters: `[{Key, Value}]` under HeaderParameters, QueryStringParameters or BodyParameters."""
    found = (parameters or {}).get(kind) or ()
    return [(parameter["Key"], parameter.get("Value", "")) for parameter in found]


def with_query(url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Add parameters to a URL; each takes the place of those of its name."""
    chosen = dict(parameters)
    if not chosen:
        return url
    address, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in chosen]
    added = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in chosen.items()]
    return f"{address}?{'&'.join(kept + added)}"


async def send(
    emulator: Emulator, method: str, url: str, headers: Headers, body: bytes, *, endpoint: str, subscriber: str
) -> HttpAnswer:
    """Send a request over connections of `subscriber`. Raises UndeliverableError, in AWS's words and of `endpoint`, when there is no
    answer within 5 seconds.
    """
    http, timeout_ms = emulator.router.http, limits.CALL_TIMEOUT_MS
    try:
        return await http.request(method, url, headers.as_dict(), body, timeout_ms, subscriber=subscriber)
    except UndeliverableError as error:
        code = _CODES.get(error.code, error.code)
        message = f"{endpoint}{error.message.removeprefix(url)}"
        raise UndeliverableError(code, message, permanent=False) from None


def retry_after_ms(answer: HttpAnswer, now_ms: int) -> int | None:
    """Read an answer's Retry-After, in seconds or as a date, no longer than an event lives; None when there is none that can be read."""
    text = answer.headers.get("retry-after", "").strip()
    if text.removeprefix("-").isdecimal():
        return min(int(text[:20]), limits.AGE_MAX_S) * 1000
    try:
        wait_ms = round(parsedate_to_datetime(text).timestamp() * 1000) - now_ms
    except (ValueError, OverflowError):
        return None
    return max(0, min(wait_ms, limits.AGE_MAX_S * 1000))
