"""SCRAM-SHA-256 and SCRAM-SHA-512, the server's side (RFC 5802, RFC 7677), without I/O and without chance of its own.

What Apache Kafka's ScramSaslServer refuses is refused here: any channel binding (only the header "n" is taken), names that are not
ASCII. Its delegation tokens do not exist here, so a login with one (`tokenauth=true`) fails.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = r"(?:[\x01-\x2b\x2d-\x3c\x3e-\x7f]|=2C|=3D)+"
_NONCE = r"[\x21-\x2b\x2d-\x7e]+"
_BASE64 = r"(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?"
_EXTENSIONS = r"(?:,[A-Za-z]+=[\x01-\x2b\x2d-\x7f]+)*"
_FIRST = re.compile(
    rf"n,(?:a=(?P<authzid>{_NAME}))?,(?P<bare>n=(?P<name>{_NAME}),r=(?P<nonce>{_NONCE})(?P<extensions>{_EXTENSIONS}))"
)
_FINAL = re.compile(
    rf"(?P<unproven>c=(?P<binding>{_BASE64}),r=(?P<nonce>{_NONCE}){_EXTENSIONS}),p=(?P<proof>{_BASE64})"
)


class Mechanism(IntEnum):
    """The SCRAM mechanisms, by the numbers that credentials are described and altered with."""

    SCRAM_SHA_256 = 1
    SCRAM_SHA_512 = 2

    @property
    def label(self) -> str:
        """Its SASL name, such as SCRAM-SHA-256."""
        return self.name.replace("_", "-")

    @property
    def digest(self) -> str:
        """The hash function, by hashlib's name."""
        return "sha256" if self is Mechanism.SCRAM_SHA_256 else "sha512"


@dataclass(frozen=True, slots=True)
class Credential:
    """What the server keeps of a password; it cannot be turned back into one."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class ScramError(Exception):
    """The login failed. The text is for logs only; `words`, where there are any, are for the client."""

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(reason)
        self.words = words


def credential(mechanism: Mechanism, password: str, salt: bytes, iterations: int) -> Credential:
    """Make a credential of a password. Takes some milliseconds: that is what iterations are for."""
    salted = hashlib.pbkdf2_hmac(mechanism.digest, password.encode(), salt, iterations)
    return credential_of_salted(mechanism, salted, salt, iterations)


def credential_of_salted(mechanism: Mechanism, salted_password: bytes, salt: bytes, iterations: int) -> Credential:
    """Make a credential of a password that has been salted and hashed already."""
    client_key = hmac.digest(salted_password, b"Client Key", mechanism.digest)
    stored_key = hashlib.new(mechanism.digest, client_key).digest()
    return Credential(salt, iterations, stored_key, hmac.digest(salted_password, b"Server Key", mechanism.digest))


class Exchange:
    """One login: the client's first message, our answer to it, the client's proof, ours."""

    __slots__ = ("_credential", "_find", "_first_messages", "_mechanism", "_nonce", "done", "user")

    def __init__(self, mechanism: Mechanism, find: Callable[[str], Credential], nonce: str) -> None:
        """`find` gives a user's credential, for unknown names one that nothing proves; `nonce` is the server's part, by chance."""
        self._mechanism = mechanism
        self._find = find
        self._nonce = nonce
        self._credential: Credential | None = None
        self._first_messages = ""
        self.user = ""
        """Who wants to log in."""
        self.done = False
        """Whether the client has proved that it knows the password."""

    def answer(self, message: bytes) -> bytes:
        """Take the client's next message. Raises ScramError; then the exchange is over."""
        try:
            text = message.decode("ascii")
        except UnicodeDecodeError:
            raise ScramError("a message is not ASCII") from None
        return (self._first(text) if self._credential is None else self._final(text)).encode()

    def _first(self, text: str) -> str:
        found = _FIRST.fullmatch(text)
        if found is None:
            raise ScramError("the first message has another form")
        if ",tokenauth=true," in f"{found['extensions'].lower()},":
            raise ScramError("there are no delegation tokens here")
        self.user = _plain(found["name"])
        if found["authzid"] is not None and _plain(found["authzid"]) != self.user:
            raise ScramError("it wants to be another user", _OTHER_USER)
        self._credential = kept = self._find(self.user)
        self._nonce = found["nonce"] + self._nonce
        reply = f"r={self._nonce},s={b64encode(kept.salt).decode()},i={kept.iterations}"
        self._first_messages = f"{found['bare']},{reply}"
        return reply

    def _final(self, text: str) -> str:
        kept = self._credential
        found = _FINAL.fullmatch(text)
        if found is None or kept is None or self.done:
            raise ScramError("the final message has another form")
        if found["nonce"] != self._nonce:
            raise ScramError("the final message has another nonce")
        digest = self._mechanism.digest
        said = f"{self._first_messages},{found['unproven']}".encode()
        signature = hmac.digest(kept.stored_key, said, digest)
        proof = b64decode(found["proof"])
        if len(proof) != len(signature):
            raise ScramError("the proof has another length")
        client_key = bytes(a ^ b for a, b in zip(signature, proof, strict=True))
        if not hmac.compare_digest(hashlib.new(digest, client_key).digest(), kept.stored_key):
            raise ScramError("the proof is wrong")
        self.done = True
        return f"v={b64encode(hmac.digest(kept.server_key, said, digest)).decode()}"


_OTHER_USER = "Authentication failed: Client requested an authorization id that is different from username"


def _plain(name: str) -> str:
    """Read a name whose commas and equals signs are escaped."""
    return name.replace("=2C", ",").replace("=3D", "=")
