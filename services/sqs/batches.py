"""Batches of up to 10: SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch.

A fault of the batch fails the call; a fault of an entry goes to `Failed`, and the others go on. `Successful` or
`Failed` is left out when empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from emulator.errors import AwsError
from emulator.service import operation
from services.sqs import errors, limits, payload
from services.sqs.messages import change_visibility, delete, send
from services.sqs.state import find_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.sqs.requests import BatchRequest, ChangeMessageVisibilityEntry, DeleteMessageEntry, SendMessageEntry
    from services.sqs.state import SqsContext

    Entry = dict[str, Any]

_has_letters_of_ids = re.compile(r"[A-Za-z0-9_-]+").fullmatch


@operation("SendMessageBatch")
def send_message_batch(ctx: SqsContext, request: BatchRequest) -> dict[str, Any]:
    """Send up to 10 messages, together no longer than one may be."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    entries = check_entries(request, "SendMessageBatchRequestEntry")
    wire_bytes = len(ctx.request.body) + len(ctx.request.query)
    # No byte of a request stands for more than one character, nor a character for more than 4 bytes: small ones need not be counted.
    if 4 * wire_bytes > limits.MESSAGE_MAX_BYTES:
        size_bytes = sum(map(_size_bytes, entries))
        if size_bytes > limits.MESSAGE_MAX_BYTES:
            raise errors.batch_request_too_long(size_bytes, limits.MESSAGE_MAX_BYTES)
    return _each(entries, lambda entry, answer: send(ctx, queue, cast("SendMessageEntry", entry), answer))


@operation("DeleteMessageBatch")
def delete_message_batch(ctx: SqsContext, request: BatchRequest) -> dict[str, Any]:
    """Delete up to 10 messages."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    entries = check_entries(request, "DeleteMessageBatchRequestEntry")

    def one(entry: Entry, _: Entry) -> None:
        try:
            delete(ctx, queue, cast("DeleteMessageEntry", entry))
        except AwsError as error:
            if error.message.endswith("The receipt handle has expired."):
                raise errors.receipt_handle_expired_in_batch() from None
            raise

    return _each(entries, one)


@operation("ChangeMessageVisibilityBatch")
def change_message_visibility_batch(ctx: SqsContext, request: BatchRequest) -> dict[str, Any]:
    """Change up to 10 visibility timeouts."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    entries = check_entries(request, "ChangeMessageVisibilityBatchRequestEntry")
    return _each(entries, lambda entry, _: change_visibility(ctx, queue, cast("ChangeMessageVisibilityEntry", entry)))


def check_entries(request: BatchRequest, shape: str) -> list[Entry]:
    """Check the number of entries and their ids, in AWS's order: none, too many, bad id, repeated id."""
    entries = request.get("Entries")
    if not entries:
        raise errors.empty_batch(shape)
    if len(entries) > limits.BATCH_ENTRIES_MAX:
        raise errors.too_many_entries(len(entries))
    ids = [entry.get("Id", "") for entry in entries]
    if not all(ids) or max(map(len, ids)) > limits.BATCH_ID_MAX_CHARS or not _has_letters_of_ids("".join(ids)):
        raise errors.invalid_batch_entry_id()
    if len(set(ids)) < len(ids):
        raise errors.batch_entry_ids_not_distinct(next(one for n, one in enumerate(ids) if one in ids[:n]))
    return entries


def _size_bytes(entry: Entry) -> int:
    return len(entry.get("MessageBody", "").encode()) + payload.attributes_size_bytes(
        entry.get("MessageAttributes", {})
    )


def _each(entries: list[Entry], act: Callable[[Entry, Entry], None]) -> dict[str, Any]:
    """Act on each entry, and collect what `act` adds to its answer."""
    successful, failed = [], []
    for entry in entries:
        shown = {"Id": entry["Id"]}
        try:
            act(entry, shown)
            successful.append(shown)
        except AwsError as error:
            failed.append(
                {"Id": entry["Id"], "SenderFault": error.sender_fault, "Code": error.code, "Message": error.message}
            )
    answer = {}
    if successful:
        answer["Successful"] = successful
    if failed:
        answer["Failed"] = failed
    return answer
