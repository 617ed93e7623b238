"""Users and what they log in with: passwords from the settings, SCRAM credentials that clients store at run time.

A user from the settings can log in by PLAIN and by SCRAM. As on Kafka the two are apart: AlterUserScramCredentials changes what SCRAM
takes, also for a user from the settings, and leaves PLAIN alone. What was altered is kept in the journal (table "scram") and
outweighs the settings after a restart.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from services.kafka.limits import SCRAM_ITERATIONS_MIN
from services.kafka.scram import Credential, Mechanism, credential

if TYPE_CHECKING:
    from services.kafka.state import Cluster

_TABLE = "scram"
_NONCE_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NONCE_LENGTH = 26
"""Some 130 bits, as ScramFormatter draws them."""
_SALT_BYTES = 16


class Users:
    """The users of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._ids = cluster.ids
        self._journal = cluster.journal
        self._passwords = dict(cluster.settings.kafka_users)
        self._altered: dict[tuple[Mechanism, str], Credential | None] = {}
        """By clients; None was deleted."""
        self._derived: dict[tuple[Mechanism, str], Credential] = {}
        """Of the passwords in the settings, as they are first needed: each takes milliseconds."""
        self._secret = b""
        for key, kept in cluster.journal.load(_TABLE).items():
            number, _, name = key.partition(":")
            self._altered[Mechanism(int(number)), name] = _read(kept)

    # Logins.

    def password_is(self, name: str, password: str) -> bool:
        """Tell whether a user of the settings has this password; also no, after as long, for a user that there is not."""
        kept = self._passwords.get(name)
        same = hmac.compare_digest((kept or "").encode(), password.encode())
        return same and kept is not None

    def credential(self, mechanism: Mechanism, name: str) -> Credential:
        """Find what a SCRAM proof is held against. For a user that there is not, it is one that nothing proves: what the
        client is told does not differ from a wrong password (RFC 5802 section 9).
        """
        key = (mechanism, name)
        found = self._altered[key] if key in self._altered else self._of_settings(mechanism, name)
        if found is not None:
            return found
        nothing = b"\0" * hmac.new(b"", digestmod=mechanism.digest).digest_size
        return Credential(self._salt(mechanism, name), SCRAM_ITERATIONS_MIN, nothing, nothing)

    def nonce(self) -> str:
        """Draw the server's part of a nonce."""
        return self._ids.text(_NONCE_LENGTH, _NONCE_LETTERS)

    def _of_settings(self, mechanism: Mechanism, name: str) -> Credential | None:
        found = self._derived.get((mechanism, name))
        if found is None and (password := self._passwords.get(name)):
            found = credential(mechanism, password, self._salt(mechanism, name), SCRAM_ITERATIONS_MIN)
            self._derived[mechanism, name] = found
        return found

    def _salt(self, mechanism: Mechanism, name: str) -> bytes:
        """Make a name's salt, the same each time, whether there is such a user or not."""
        if not self._secret:
            self._secret = self._ids.text(_NONCE_LENGTH).encode()
        return hmac.digest(self._secret, f"{mechanism.value}:{name}".encode(), "sha256")[:_SALT_BYTES]

    # Credentials as clients describe and alter them.

    def names(self) -> list[str]:
        """Name everybody who has a SCRAM credential, in order."""
        named = {name for _, name in self._altered} | set(self._passwords)
        return sorted(name for name in named if self.iterations(name))

    def iterations(self, name: str) -> dict[Mechanism, int]:
        """Tell a user's SCRAM credentials: how many iterations they were made with. Empty for a user that there is not."""
        told = {}
        for mechanism in Mechanism:
            if (mechanism, name) in self._altered:
                kept = self._altered[mechanism, name]
                if kept is not None:
                    told[mechanism] = kept.iterations
            elif name in self._passwords:
                told[mechanism] = SCRAM_ITERATIONS_MIN
        return told

    def store(self, mechanism: Mechanism, name: str, kept: Credential | None) -> None:
        """Put a checked credential in place of the user's, or take it away (None)."""
        self._altered[mechanism, name] = kept
        key = f"{mechanism.value}:{name}"
        if kept is None and name not in self._passwords:
            del self._altered[mechanism, name]
            self._journal.delete(_TABLE, key)
            return
        self._journal.put(_TABLE, key, _written(kept))


def _written(kept: Credential | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    return {
        "salt": kept.salt.hex(),
        "iterations": kept.iterations,
        "stored_key": kept.stored_key.hex(),
        "server_key": kept.server_key.hex(),
    }


def _read(kept: dict[str, Any] | None) -> Credential | None:
    if kept is None:
        return None
    stored_key, server_key = bytes.fromhex(kept["stored_key"]), bytes.fromhex(kept["server_key"])
    return Credential(bytes.fromhex(kept["salt"]), kept["iterations"], stored_key, server_key)
