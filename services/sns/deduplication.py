"""What a FIFO topic remembers of the last five minutes, so that a message that is published again is not delivered again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from services.sns import limits

if TYPE_CHECKING:
    from collections.abc import Hashable


class Published(NamedTuple):
    """What the publisher of a message was answered."""

    message_id: str
    sequence_number: str


class Deduplication:
    """Keys (a deduplication id, or a group with one) and the answers to them, the oldest first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Hashable, tuple[int, Published]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def find(self, key: Hashable, now_ms: int) -> Published | None:
        """Find the answer to the same message in the last five minutes; forgets what is older."""
        while self._seen and next(iter(self._seen.values()))[0] + limits.DEDUPLICATION_WINDOW_MS <= now_ms:
            self._seen.popitem(last=False)
        found = self._seen.get(key)
        return None if found is None else found[1]

    def remember(self, key: Hashable, published: Published, now_ms: int) -> None:
        """Note an answer."""
        self._seen[key] = (now_ms, published)
