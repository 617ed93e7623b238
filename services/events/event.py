"""One event: its envelope as AWS writes it, and the text that is delivered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

_SPACE = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+')
"""A string, which stays as it is, or white space."""


@dataclass(slots=True, eq=False)
class Event:
    """One event on its way. `document` is the envelope with keys in AWS's order: version, id, detail-type, source, account, time, region,
    (replay-name,) resources, detail.
    """

    document: dict[str, Any]
    text: str
    """The document as JSON."""

    time_ms: int
    """The event's own time, to the second."""

    received_ms: int
    trace_header: str | None = None
    hops: int = 0
    """How many buses and other services it has come through."""


def make_event(
    *,
    event_id: str,
    source: str,
    detail_type: str,
    detail: Any,
    account: str,
    region: str,
    time_ms: int,
    time_text: str,
    resources: list[str],
    received_ms: int,
    detail_text: str | None = None,
    trace_header: str | None = None,
    hops: int = 0,
) -> Event:
    """Make an event. `time_text` is `time_ms` in ISO 8601, whole seconds; `detail_text` is JSON that `detail` was read from, if it was."""
    document = {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": time_text,
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    try:
        text = orjson.dumps(document)
    except orjson.JSONEncodeError:
        if detail_text is None:
            raise
        # orjson reads 1024 levels and writes 254; AWS has 1000. What is so deep is delivered as it was written, without the white space.
        text = orjson.dumps(document | {"detail": orjson.Fragment(_SPACE.sub(r"\1", detail_text))})
    return Event(document, text.decode(), time_ms, received_ms, trace_header, hops)


def replayed(text: str, replay_name: str) -> str:
    """Write an archived event as a replay brings it: with `replay-name` between region and resources.

    No value in front of it can look like the key: quotes in strings are escaped.
    """
    return text.replace('"resources":', f'"replay-name":{orjson.dumps(replay_name).decode()},"resources":', 1)


def time_text(instant_ms: int) -> str:
    """Write an instant as events have it: ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(instant_ms // 1000, UTC).replace(tzinfo=None).isoformat() + "Z"
