"""Share sessions (KIP-932): which partitions a member fetches from a broker, so that a ShareFetch need only tell what has changed.

A session belongs to a member and a broker. Its epoch rises with each request; 0 opens one, -1 ends it and gives back all records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.kafka.groups.share_ledger import Place

INITIAL, FINAL = 0, -1
_EPOCH_MAX = 2**31 - 1

SessionKey = tuple[str, int]
"""Member id and node id."""


@dataclass(slots=True)
class ShareSession:
    """One session."""

    epoch: int = 1
    """What the next request has to say."""
    places: dict[Place, None] = field(default_factory=dict)
    """In the order in which they came."""


class ShareSessions:
    """The sessions of a group."""

    def __init__(self) -> None:
        self._sessions: dict[SessionKey, ShareSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def on(self, node_id: int) -> int:
        """Count those of a broker."""
        return sum(1 for _, node in self._sessions if node == node_id)

    def open(self, key: SessionKey, places: Iterable[Place]) -> ShareSession:
        """Open a session, instead of one that is there."""
        session = self._sessions[key] = ShareSession(places=dict.fromkeys(places))
        return session

    def get(self, key: SessionKey) -> ShareSession:
        """Find a session. Raises KafkaError SHARE_SESSION_NOT_FOUND."""
        session = self._sessions.get(key)
        if session is None:
            raise KafkaError(Error.SHARE_SESSION_NOT_FOUND)
        return session

    def next(self, key: SessionKey, epoch: int) -> ShareSession:
        """Take the next request of a session. Raises KafkaError SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH."""
        session = self.get(key)
        if session.epoch != epoch:
            raise KafkaError(Error.INVALID_SHARE_SESSION_EPOCH)
        session.epoch = 1 if epoch == _EPOCH_MAX else epoch + 1
        return session

    def acknowledge(self, key: SessionKey, epoch: int) -> None:
        """Take a ShareAcknowledge, which opens no session. Raises KafkaError."""
        if epoch == INITIAL:
            raise KafkaError(Error.INVALID_SHARE_SESSION_EPOCH)
        if epoch == FINAL:
            self.get(key)
        else:
            self.next(key, epoch)

    def remove(self, key: SessionKey) -> list[Place]:
        """End a session if there is one, and tell its partitions."""
        session = self._sessions.pop(key, None)
        return [] if session is None else list(session.places)
