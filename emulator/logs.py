"""Log lines for people (text) or for machines (one JSON object a line), on stderr."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


class TextFormatter(logging.Formatter):
    """`2026-01-01T00:00:00.000Z  INFO eventyard.request : AWS sqs.SendMessage => 200 [request id]`."""

    def __init__(self) -> None:
        super().__init__("%(iso)s %(levelname)7s %(name)s : %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Write one record on one line, whatever a caller put into it; a traceback comes below."""
        record.iso = _iso(record)
        return super().formatMessage(record).translate(_CONTROLS)


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
    """Send the log to stderr.

    Of uvicorn's own lines only errors come: requests are ours to log, and its warnings are about clients (a malformed
    request, an offer of HTTP/2), who get an answer.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    # Why the application could not start, the command line tells in one line of its own.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.msg != "Application startup failed. Exiting.")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
