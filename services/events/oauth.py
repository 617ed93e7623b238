"""OAuth client credentials: a token for a connection, asked for when it is needed, kept until shortly before its end.

A request for a token has the client's id and secret and the connection's OAuthHttpParameters: with GET all of it in the query, else in a
form, or in a JSON object where the connection sets a JSON Content-Type. As with AWS, `grant_type` is the user's own body parameter. The
answer is 2xx and a JSON object with `access_token` and perhaps `expires_in`, in seconds.

A connection whose token cannot be had is DEAUTHORIZED. Unlike on AWS the next event asks again, and a token makes it AUTHORIZED again:
in development, servers are started in any order.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import orjson

from emulator.router.delivery import UndeliverableError
from services.events import limits, outgoing

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.router.http import HttpAnswer
    from services.events.connections import Connection

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `end_ms` is unknown where the server does not tell."""

    text: str
    end_ms: int | None


class Refusal(NamedTuple):
    """Why there is no token."""

    code: str
    message: str


def authorize(emulator: Emulator, connection: Connection) -> asyncio.Future[Token | Refusal]:
    """Ask for a token, beside the requests. The connection's state follows the outcome."""
    future: asyncio.Future[Token | Refusal] = asyncio.get_running_loop().create_future()
    connection.fetching = future
    parameters: dict[str, Any] = (connection.auth or {})["OAuthParameters"]
    work = _authorize(emulator, connection, parameters, future)
    emulator.tasks.start(f"authorize connection {connection.name}", work)
    return future


async def take_token(emulator: Emulator, connection: Connection) -> Token:
    """Give a token that is good for a while; all who need a new one wait for the same request. Raises UndeliverableError."""
    token = connection.token
    if token is not None and (token.end_ms is None or token.end_ms - emulator.clock.now_ms() > limits.TOKEN_REST_MS):
        return token
    future = connection.fetching or authorize(emulator, connection)
    outcome = await asyncio.shield(future)
    if isinstance(outcome, Refusal):
        raise UndeliverableError(outcome.code, outcome.message, permanent=False)
    return outcome


async def _authorize(
    emulator: Emulator, connection: Connection, parameters: dict[str, Any], future: asyncio.Future[Token | Refusal]
) -> None:
    outcome: Token | Refusal = Refusal("INTERNAL_ERROR", "the request was not made")
    try:
        outcome = await _fetch(emulator, parameters, connection.arn)
    except UndeliverableError as error:
        outcome = Refusal(error.code, error.message)
    finally:
        _settle(connection, future, outcome, emulator.clock.now_ms())


def _settle(
    connection: Connection, future: asyncio.Future[Token | Refusal], outcome: Token | Refusal, now_ms: int
) -> None:
    """Tell the outcome to those who wait, and to the connection unless it has got other parameters meanwhile."""
    future.set_result(outcome)
    if connection.fetching is not future:
        return
    connection.fetching = None
    if isinstance(outcome, Token):
        connection.token = outcome
        connection.authorize(now_ms)
    else:
        connection.deauthorize(f"The OAuth token could not be obtained: {outcome.message}")


async def _fetch(emulator: Emulator, oauth: dict[str, Any], connection_arn: str) -> Token:
    endpoint, method = oauth["AuthorizationEndpoint"], oauth["HttpMethod"]
    extra = oauth.get("OAuthHttpParameters")
    fields = {
        **dict(outgoing.pairs(extra, "BodyParameters")),
        "client_id": oauth["ClientParameters"]["ClientID"],
        "client_secret": oauth["ClientParameters"]["ClientSecret"],
    }
    query = outgoing.pairs(extra, "QueryStringParameters")
    headers = outgoing.Headers({"User-Agent": "Amazon/EventBridge/ApiDestinations", "Accept": "application/json"})
    body = b""
    if method == "GET":
        query = [*fields.items(), *query]
    else:
        headers.set("Content-Type", _FORM)
    headers.customize(outgoing.pairs(extra, "HeaderParameters"))
    if method != "GET":
        json = "json" in headers.get("Content-Type").lower()
        body = orjson.dumps(fields) if json else urlencode(fields).encode()
    url = outgoing.with_query(endpoint, query)
    answer = await outgoing.send(emulator, method, url, headers, body, endpoint=endpoint, subscriber=connection_arn)
    return _read(endpoint, answer, emulator.clock.now_ms())


def _read(endpoint: str, answer: HttpAnswer, now_ms: int) -> Token:
    if not 200 <= answer.status < 300:
        raise UndeliverableError("ERROR_FROM_TARGET", f"{endpoint} answered with status {answer.status}")
    try:
        fields = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        fields = None
    text = fields.get("access_token") if isinstance(fields, dict) else None
    if not isinstance(text, str) or not text:
        raise UndeliverableError("ERROR_FROM_TARGET", f"{endpoint} answered without an access_token")
    return Token(text, _end_ms(fields.get("expires_in"), now_ms))


def _end_ms(lifetime: object, now_ms: int) -> int | None:
    """Tell when a token ends. Some servers write the number as text."""
    try:
        return now_ms + int(float(lifetime) * 1000) if isinstance(lifetime, int | float | str) else None
    except (ValueError, OverflowError):
        return None
