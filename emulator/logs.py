"""Log lines for people (text) or for machines (one JSON object a line), on stderr."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson


class TextFormatter(logging.Formatter):
    """`2026-01-01T00:00:00.000Z  INFO eventyard.request : AWS sqs.SendMessage => 200 [request id]`."""

    def __init__(self) -> None:
        super().__init__("%(iso)s %(levelname)7s %(name)s : %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        record.iso = _iso(record)
        return super().format(record)


class JsonFormatter(logging.Formatter):
    """The same as JSON, with the fields of a request beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line = {
            "time": _iso(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def _iso(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def set_up(level: str, form: str) -> None:
    """Send the log to stderr. uvicorn's own lines come as warnings and above only: its requests are ours to log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
