"""The topics in a consumer's subscription, which travels opaquely in JoinGroup (ConsumerProtocolSubscription)."""

from __future__ import annotations

import struct
from struct import Struct

_INT16 = Struct(">h")
_HEAD = Struct(">hi")
"""Version, number of topics."""


def subscribed_topics(metadata: bytes) -> list[str] | None:
    """Read the topics; None if this is no subscription. Its version 0 is the front of all versions, so that is what is read."""
    try:
        version, count = _HEAD.unpack_from(metadata)
        if version < 0 or not 0 <= count <= len(metadata):
            return None
        topics = []
        place = _HEAD.size
        for _ in range(count):
            (length,) = _INT16.unpack_from(metadata, place)
            place += 2 + length
            if length < 0 or place > len(metadata):
                return None
            topics.append(bytes(metadata[place - length : place]).decode())
    except (struct.error, UnicodeDecodeError):
        return None
    return topics
