"""One message in one queue."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DELAYED, READY, TAKEN, IN_FLIGHT, GONE = range(5)
"""The states of a message; TAKEN lasts only while a receive decides what becomes of it. Plain ints: they are compared
several times for each message that passes."""
WAITING = frozenset({DELAYED, IN_FLIGHT})
"""The states that end by themselves."""


class Outcome(enum.Enum):
    """What became of a request about one received message."""

    DONE = enum.auto()
    UNKNOWN = enum.auto()  # deleted, expired or purged before
    STALE = enum.auto()  # received again since: the receipt is not the latest one
    NOT_IN_FLIGHT = enum.auto()  # its visibility timeout has ended
    TOO_LONG = enum.auto()  # the sum of its visibility timeouts would pass the limit


@dataclass(slots=True, eq=False)
class Message:
    """A message: what the sender gave, then what the queue keeps about it. Instants are milliseconds since the epoch."""

    message_id: str
    body: str
    body_md5: str
    sent_ms: int
    sender_id: str = ""
    attributes: Mapping[str, Any] | None = None
    group_id: str | None = None
    dedup_id: str | None = None
    sequence_number: str | None = None
    trace_header: str | None = None
    source_arn: str | None = None
    """The queue from which a redrive brought it here."""

    receive_count: int = 0
    """Receives in its whole life, over all queues."""
    first_received_ms: int | None = None

    # The queue's own notes; a move to another queue starts them anew.
    seq: int = 0
    """Its number within the queue, in order of arrival."""
    enqueued_ms: int = 0
    """From where retention counts."""
    rank: int = 0
    """Its place among the visible ones; a lower rank goes first."""
    state: int = GONE
    receives: int = 0
    """Receives in this queue: what maxReceiveCount is held against, and the number in its receipts."""
    received_ms: int = 0
    """The instant of its latest receive."""
    visible_ms: int = 0
    """When its delay or visibility timeout ends, while DELAYED or IN_FLIGHT."""

    def let_go(self) -> None:
        """Free what takes space: a dead heap entry must not keep a mebibyte alive."""
        self.body = ""
        self.attributes = None

    def moved(self, **changes: Any) -> Message:
        """Copy it for another queue: what the sender gave and its life so far stay, the notes of this queue go."""
        fresh = {"seq": 0, "enqueued_ms": 0, "rank": 0, "state": GONE, "receives": 0, "received_ms": 0, "visible_ms": 0}
        return replace(self, **(fresh | changes))
