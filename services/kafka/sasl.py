"""One connection's login: SASL PLAIN (RFC 4616) and SCRAM, as Apache Kafka's SaslServerAuthenticator goes about it.

A client first names a mechanism in SaslHandshake. After version 1 of it, its tokens come in SaslAuthenticate requests; after
version 0 they come bare, each behind its length alone, as clients before Kafka 1.0 sent them: then `raw` holds until the login is done.
There is no re-authentication, so a session lasts as long as its connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import SASL_TOKEN_BYTES_MAX
from services.kafka.scram import Exchange, Mechanism, ScramError

if TYPE_CHECKING:
    from services.kafka.scram import Credential

PLAIN = "PLAIN"
MECHANISMS = (PLAIN, *(mechanism.label for mechanism in Mechanism))
"""Those that are switched on."""

_SCRAM = {mechanism.label: mechanism for mechanism in Mechanism}


class Credentials(Protocol):
    """Where passwords are looked up: `users.Users`."""

    def password_is(self, name: str, password: str) -> bool:
        """Tell whether a user has this password; also no for a user that there is not."""

    def credential(self, mechanism: Mechanism, name: str) -> Credential:
        """Find what a user's proof is held against; for a user that there is not, one that nothing proves."""

    def nonce(self) -> str:
        """Draw the server's part of a nonce."""


class Login:
    """How far a client is with its login."""

    __slots__ = ("_exchange", "_failed", "_mechanism", "_raw", "_users", "done", "principal")

    def __init__(self, users: Credentials) -> None:
        self._users = users
        self._mechanism = ""
        self._exchange: Exchange | None = None
        self._raw = False
        self._failed = False
        self.done = False
        self.principal = "User:ANONYMOUS"
        """Who is logged in, once it is `done`."""

    @property
    def begun(self) -> bool:
        """Whether a mechanism is agreed on, so that tokens may come."""
        return bool(self._mechanism)

    @property
    def raw(self) -> bool:
        """Whether the next frame is a bare token, not a request."""
        return self._raw and not self.done

    def handshake(self, mechanism: str, version: int) -> Error:
        """Take the client's choice. NONE, ILLEGAL_SASL_STATE or UNSUPPORTED_SASL_MECHANISM."""
        if self.begun or self.done or self._failed:
            self._failed = not self.done
            return Error.ILLEGAL_SASL_STATE
        if mechanism not in MECHANISMS:
            self._failed = True
            return Error.UNSUPPORTED_SASL_MECHANISM
        self._mechanism = mechanism
        self._raw = version == 0
        if mechanism in _SCRAM:
            kind = _SCRAM[mechanism]
            self._exchange = Exchange(kind, lambda name: self._users.credential(kind, name), self._users.nonce())
        return Error.NONE

    def token(self, token: bytes) -> tuple[bytes | None, KafkaError | None]:
        """Take the client's next token: answer ours, or why the login failed; then the connection is to be closed."""
        if not self.begun or self.done or self._failed:
            return None, KafkaError(Error.ILLEGAL_SASL_STATE)
        if len(token) > SASL_TOKEN_BYTES_MAX:
            return self._fail("Failing SASL authentication due to invalid receive size")
        return self._plain(token) if self._exchange is None else self._scram(self._exchange, token)

    def _plain(self, token: bytes) -> tuple[bytes | None, KafkaError | None]:
        parts = token.decode("utf-8", "replace").split("\0", 3)
        if len(parts) != 3:
            return self._fail(f"Invalid SASL/PLAIN response: expected 3 tokens, got {len(parts)}")
        wanted, name, password = parts
        if not name:
            return self._fail("Authentication failed: username not specified")
        if not password:
            return self._fail("Authentication failed: password not specified")
        if not self._users.password_is(name, password):
            return self._fail("Authentication failed: Invalid username or password")
        if wanted not in ("", name):
            return self._fail(
                "Authentication failed: Client requested an authorization id that is different from username"
            )
        return self._succeed(name, b"")

    def _scram(self, exchange: Exchange, token: bytes) -> tuple[bytes | None, KafkaError | None]:
        try:
            reply = exchange.answer(token)
        except ScramError as error:
            # The reason stays with us: it would tell which users there are.
            return self._fail(
                error.words
                or f"Authentication failed during authentication due to invalid credentials with SASL mechanism {self._mechanism}"
            )
        return self._succeed(exchange.user, reply) if exchange.done else (reply, None)

    def _succeed(self, name: str, reply: bytes) -> tuple[bytes | None, KafkaError | None]:
        self.done = True
        self.principal = f"User:{name}"
        return reply, None

    def _fail(self, words: str) -> tuple[bytes | None, KafkaError | None]:
        self._failed = True
        return None, KafkaError(Error.SASL_AUTHENTICATION_FAILED, words)
