"""The request that brings an event to an API destination.

All of it is made anew for each attempt, so a retry sees the destination and the connection as they are by then. The event as the rule
shaped it is the body; parameters come from the target (HttpParameters) and from the connection, which wins.

Answers: 2xx is success; 401, 407, 409, 429 and 5xx are retried, not before the time that Retry-After says, and not at all when that is
negative; all others, redirects too, are final. 401 and 407 cost an OAuth connection its token, and deauthorize one of type BASIC or
API_KEY. An INACTIVE destination gets no requests; events for it are retried for as long as they live, since UpdateConnection may help.

What the documentation leaves open: the body goes out with every method; a path parameter that leads nowhere is an INVALID_PARAMETER, a
header or query parameter that does is left out.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from emulator.router.delivery import UndeliverableError
from emulator.router.json_path import MISSING, PathError, parse_path
from services.events import limits, oauth, outgoing
from services.events.connections import DEAUTHORIZED, OAUTH, connection_by_arn
from services.events.destinations import destination_by_arn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from emulator.app import Emulator
    from emulator.router.http import HttpAnswer
    from emulator.router.router import Envelope
    from services.events.connections import Connection
    from services.events.destinations import ApiDestination
    from services.events.event import Event

    Post = Callable[[Envelope], Awaitable[None]]

_DEFAULT_HEADERS = {
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
    "Content-Type": "application/json; charset=utf-8",
    "Range": "bytes=0-1048575",
    "Accept-Encoding": "gzip,deflate",
    "Connection": "close",
}
_UNAUTHORIZED = (401, 407)
_RETRIED = (*_UNAUTHORIZED, 409, 429)
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def new_post(emulator: Emulator, destination_arn: str, spec: dict[str, Any], event: Event, body: str) -> Post:
    """Make the function that brings an event to an API destination; `spec` is the target, `body` the event as it is to arrive.

    It raises UndeliverableError: NO_RESOURCE, INVALID_JSON and INVALID_PARAMETER for good; NO_PERMISSIONS, CONNECTION_FAILURE, TIMEOUT
    and THROTTLING not so; ERROR_FROM_TARGET as the status says.
    """
    parameters = spec.get("HttpParameters") or {}

    async def post(_: Envelope) -> None:
        destination, connection = _find(emulator, destination_arn)
        own = (connection.auth or {}).get("InvocationHttpParameters")
        endpoint = _fill_in(destination.endpoint, parameters.get("PathParameterValues") or (), event)
        query = [
            *_values(parameters.get("QueryStringParameters"), event),
            *outgoing.pairs(own, "QueryStringParameters"),
        ]
        headers = outgoing.Headers(_DEFAULT_HEADERS)
        headers.customize(_values(parameters.get("HeaderParameters"), event))
        headers.customize(outgoing.pairs(own, "HeaderParameters"))
        content = _with_fields(body, dict(outgoing.pairs(own, "BodyParameters")), headers.get("Content-Type"))
        auth = connection.auth
        token = await _sign(emulator, connection, headers)
        _check_headers(headers)
        url = outgoing.with_query(endpoint, query)
        shown = endpoint.partition("?")[0]
        answer = await outgoing.send(
            emulator, destination.method, url, headers, content, endpoint=shown, subscriber=destination.arn
        )
        if answer.status in _UNAUTHORIZED and connection.auth is auth:
            _distrust(connection, token, f"{shown} answered with status {answer.status}")
        _judge(answer, shown, emulator.clock.now_ms())

    return post


def rate_limit(emulator: Emulator, destination_arn: str) -> int:
    """Tell how many requests a second an API destination takes."""
    destination = destination_by_arn(emulator, destination_arn)
    return limits.INVOCATIONS_PER_SECOND if destination is None else destination.per_second_max


# Who is called.


def _find(emulator: Emulator, destination_arn: str) -> tuple[ApiDestination, Connection]:
    """Find a destination and its connection, which must be good for a request."""
    destination = destination_by_arn(emulator, destination_arn)
    if destination is None:
        raise UndeliverableError("NO_RESOURCE", f"{destination_arn} does not exist")
    connection = connection_by_arn(emulator, destination.connection_arn)
    if connection is None:
        raise UndeliverableError("NO_RESOURCE", f"{destination.connection_arn} does not exist")
    # A token may be had the next time, so an OAuth connection is asked again: see oauth.
    if connection.auth is None or (connection.state == DEAUTHORIZED and connection.authorization_type != OAUTH):
        message = f"{destination_arn} is INACTIVE: its connection is DEAUTHORIZED. {connection.state_reason or ''}"
        raise UndeliverableError("NO_PERMISSIONS", message.rstrip(), permanent=False)
    return destination, connection


async def _sign(emulator: Emulator, connection: Connection, headers: outgoing.Headers) -> oauth.Token | None:
    """Add the connection's credentials; the token, if there is one."""
    auth = connection.auth or {}
    if connection.authorization_type == OAUTH:
        token = await oauth.take_token(emulator, connection)
        headers.set("Authorization", f"Bearer {token.text}")
        return token
    if connection.authorization_type == "BASIC":
        basic = auth["BasicAuthParameters"]
        credentials = base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()
        headers.set("Authorization", f"Basic {credentials}")
    else:
        key = auth["ApiKeyAuthParameters"]
        headers.set(key["ApiKeyName"], key["ApiKeyValue"])
    return None


def _distrust(connection: Connection, token: oauth.Token | None, reason: str) -> None:
    """Note that credentials were refused. Another event may have brought a new token meanwhile, which stays."""
    if token is None:
        connection.deauthorize(reason)
    elif connection.token is token:
        connection.token = None


# What is sent.


def _fill_in(endpoint: str, values: Any, event: Event) -> str:
    """Put the path parameters, from left to right, in the place of the `*` of the path; a value stays within its segment."""
    address, mark, query = endpoint.partition("?")
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    for text in values:
        value = _value(text, event)
        if value is None:
            raise UndeliverableError("INVALID_PARAMETER", f"The event has no {text}, a path parameter of {endpoint}")
        path = path.replace("*", quote(value, safe=""), 1)
    return f"{scheme}://{host}{slash}{path}{mark}{query}"


def _values(parameters: Mapping[str, str] | None, event: Event) -> Iterator[tuple[str, str]]:
    for name, text in (parameters or {}).items():
        value = _value(text, event)
        if value is not None:
            yield name, value


def _value(text: str, event: Event) -> str | None:
    """Read a parameter of a target: a path into the original event, which may lead nowhere, or else the text itself."""
    if not text.startswith(("$.", "$[")):
        return text
    try:
        path = parse_path(text, bracket_names=True)
    except PathError:
        return text
    value = path.find(event.document)
    if value is MISSING:
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _with_fields(body: str, fields: dict[str, str], content_type: str) -> bytes:
    """Put the connection's body parameters into the body, which must be JSON where that is what it is called."""
    if not fields and "json" not in content_type.lower():
        return body.encode()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UndeliverableError("INVALID_JSON", f"The input is not valid JSON: {error}") from None
    if not fields:
        return body.encode()
    if not isinstance(document, dict):
        message = "The input is not a JSON object, so the connection's body parameters cannot be put into it"
        raise UndeliverableError("INVALID_JSON", message)
    return orjson.dumps({**document, **fields})


def _check_headers(headers: outgoing.Headers) -> None:
    for name, value in headers.as_dict().items():
        if _NOT_IN_A_HEADER.search(value):
            raise UndeliverableError("INVALID_PARAMETER", f"The value of header {name} has control characters")


# What came back.


def _judge(answer: HttpAnswer, endpoint: str, now_ms: int) -> None:
    """Raise UndeliverableError unless the answer says that the event has arrived."""
    status = answer.status
    if 200 <= status < 300:
        return
    code = "THROTTLING" if status == 429 else "ERROR_FROM_TARGET"
    message = f"{endpoint} answered with status {status}"
    if status < 500 and status not in _RETRIED:
        raise UndeliverableError(code, message)
    asked_ms = outgoing.retry_after_ms(answer, now_ms)
    raise UndeliverableError(code, message, permanent=False, retry_after_ms=asked_ms)
