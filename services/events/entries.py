"""What PutEvents and PutPartnerEvents check of an entry. A bad one fails alone; its error is part of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from services.events import errors, limits

if TYPE_CHECKING:
    from collections.abc import Callable


class Entry(TypedDict, total=False):
    """One entry; those of partners name no bus."""

    Time: int
    Source: str
    Resources: list[str]
    DetailType: str
    Detail: str
    EventBusName: str
    TraceHeader: str


class EntryError(Exception):
    """An entry is not good."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def not_authorized() -> EntryError:
    """The source is not the caller's."""
    return EntryError("NotAuthorizedForSourceException", "Not authorized for the source.")


def put_each(entries: list[Entry], put: Callable[[Entry], str]) -> dict[str, Any]:
    """Put each entry by `put`, which gives the event's id or raises EntryError; the answer of PutEvents.

    Raises ValidationException where all of them are too large together.
    """
    if sum(size_bytes(entry) for entry in entries) > limits.REQUEST_MAX_BYTES:
        raise errors.validation("Total size of the entries in the request is over the limit.")
    answers: list[dict[str, Any]] = []
    failed = 0
    for entry in entries:
        try:
            answers.append({"EventId": put(entry)})
        except EntryError as error:
            failed += 1
            answers.append({"ErrorCode": error.code, "ErrorMessage": error.message})
    return {"FailedEntryCount": failed, "Entries": answers}


def size_bytes(entry: Entry) -> int:
    """Measure an entry as AWS counts it."""
    texts = [entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", ""), *entry.get("Resources", [])]
    return (limits.TIME_BYTES if "Time" in entry else 0) + sum(len(text.encode()) for text in texts)


def check_members(entry: Entry) -> None:
    """Check that the three members that each event needs are there. Raises EntryError."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            raise EntryError("InvalidArgument", reason)
    if len(entry["DetailType"]) > limits.DETAIL_TYPE_MAX_CHARS:
        reason = f"DetailType must be at most {limits.DETAIL_TYPE_MAX_CHARS} characters long."
        raise EntryError("InvalidArgument", f"Parameter DetailType is not valid. Reason: {reason}")


def read_detail(entry: Entry) -> dict[str, Any]:
    """Read the detail, which is a JSON object. Raises EntryError."""
    try:
        detail = orjson.loads(entry["Detail"])
    except orjson.JSONDecodeError:
        detail = None
    if not isinstance(detail, dict):
        raise EntryError("MalformedDetail", "Detail is malformed.")
    return detail
