"""Messages one at a time: SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility. Batches call the same
functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.context import Parked
from emulator.errors import missing_parameter
from emulator.ids import principal_id, read_receipt_handle, receipt_handle
from emulator.queue.fifo import NotRetryableError, Sent
from emulator.queue.message import Message, Outcome
from emulator.service import operation
from services.sqs import errors, limits, payload, redrive, select
from services.sqs.state import Received, find_queue

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sqs.requests import (
        ChangeMessageVisibilityEntry,
        ChangeMessageVisibilityRequest,
        DeleteMessageEntry,
        DeleteMessageRequest,
        ReceiveMessageRequest,
        SendMessageEntry,
        SendMessageRequest,
    )
    from services.sqs.state import Queue, SqsContext


# Sending.


@operation("SendMessage")
def send_message(ctx: SqsContext, request: SendMessageRequest) -> dict[str, Any]:
    """Put one message into a queue.

    Raises MissingParameter, InvalidParameterValue, InvalidMessageContents, UnsupportedOperation.
    """
    queue = find_queue(ctx, request.get("QueueUrl"))
    answer: dict[str, Any] = {}
    send(ctx, queue, request, answer)
    return answer


def send(ctx: SqsContext, queue: Queue, entry: SendMessageEntry, answer: dict[str, Any]) -> None:
    """Check and send one message; what SendMessage answers is added to `answer`."""
    body, encoded = payload.check_body(entry.get("MessageBody"))
    attributes = entry.get("MessageAttributes")
    if attributes:
        payload.check_attributes(attributes)
    system = entry.get("MessageSystemAttributes")
    message = Message(  # by position, which takes half as long as by name
        "",
        body,
        payload.md5(encoded),
        ctx.now_ms,
        principal_id(ctx.account),
        attributes or None,
        entry.get("MessageGroupId"),
        entry.get("MessageDeduplicationId"),
        None,
        payload.check_system_attributes(system) if system else None,
    )
    delay_s = entry.get("DelaySeconds")
    check_draft(queue, message, len(encoded), delay_s)
    enqueue(ctx.emulator, queue, message, delay_s)
    answer["MD5OfMessageBody"] = message.body_md5
    answer["MessageId"] = message.message_id
    if attributes:
        answer["MD5OfMessageAttributes"] = payload.attributes_md5(attributes)
    if system:
        answer["MD5OfMessageSystemAttributes"] = payload.attributes_md5(system)
    if message.sequence_number is not None:
        answer["SequenceNumber"] = message.sequence_number


def check_draft(queue: Queue, draft: Message, body_bytes: int, delay_s: int | None = None) -> None:
    """Check a message's size, delay, group and deduplication id against the queue."""
    size_bytes = body_bytes + (payload.attributes_size_bytes(draft.attributes) if draft.attributes else 0)
    if size_bytes > queue.message_max_bytes:
        raise errors.message_too_long(queue.message_max_bytes)
    group_id, dedup_id = draft.group_id, draft.dedup_id
    if delay_s is not None and not 0 <= delay_s <= limits.DELAY_MAX_S:
        raise errors.invalid_value(delay_s, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {limits.DELAY_MAX_S}.")
    if group_id is not None:
        payload.check_token(group_id, "MessageGroupId")
    if queue.fifo is None:
        if dedup_id is not None:
            raise errors.not_for_this_queue_type(dedup_id, "MessageDeduplicationId")
        return
    if delay_s:  # some clients send 0, which changes nothing
        raise errors.delay_on_fifo(delay_s)
    if group_id is None:
        raise missing_parameter("MessageGroupId")
    if dedup_id is not None:
        payload.check_token(dedup_id, "MessageDeduplicationId")
    elif not queue.content_based:
        raise errors.no_deduplication_id()


def enqueue(emulator: Emulator, queue: Queue, draft: Message, delay_s: int | None = None) -> None:
    """Give a checked message its ids, put it into a queue and wake who waits for it. The one door for senders and the router.

    A duplicate within the deduplication window gets the first one's ids and goes nowhere.
    """
    ids, fifo, now_ms = emulator.ids, queue.fifo, draft.sent_ms
    if fifo is None:
        draft.message_id = ids.uuid()
        queue.put(draft, now_ms, now_ms + (queue.delay_ms if delay_s is None else delay_s * 1000))
        return
    draft.dedup_id = dedup_id = draft.dedup_id or payload.content_dedup_id(draft.body)
    key = (draft.group_id, dedup_id) if queue.per_group else dedup_id
    sent = fifo.duplicate_of(key, now_ms)
    if sent is not None:
        draft.message_id, draft.sequence_number, _ = sent
        return
    draft.message_id, draft.sequence_number, _ = sent = Sent(ids.uuid(), ids.sequence_number(), now_ms)
    fifo.remember(key, sent)
    queue.put(draft, now_ms, now_ms + queue.delay_ms)


# Receiving.


@operation("ReceiveMessage")
def receive_message(ctx: SqsContext, request: ReceiveMessageRequest) -> dict[str, Any] | Parked:
    """Receive up to 10 messages; with nothing there, wait as long as asked, until something is.

    Raises OverLimit (standard, short poll), InvalidParameterValue, InvalidAttributeName.
    """
    queue = find_queue(ctx, request.get("QueueUrl"))
    attempt = Attempt(ctx, queue, request)
    received = attempt()
    if received is not None:
        if queue.waiters.parked:
            queue.changed()  # a repeated attempt may have brought the end of a visibility timeout forward
        return received.answer
    if attempt.wait_ms and not ctx.emulator.stopping:
        return _park(ctx, queue, attempt)
    if queue.fifo is None and queue.core.in_flight >= queue.core.in_flight_max:
        raise errors.too_many_in_flight()
    return {}


class Attempt:
    """One receive as it was asked for; calling it tries now, as often as need be."""

    __slots__ = ("_count_max", "_emulator", "_queue", "_retry_id", "_select", "_visibility_ms", "wait_ms")

    def __init__(self, ctx: SqsContext, queue: Queue, request: ReceiveMessageRequest) -> None:
        self._emulator = ctx.emulator
        self._queue = queue
        count_max = request.get("MaxNumberOfMessages", 1)
        if not 1 <= count_max <= limits.RECEIVE_MAX:
            raise errors.invalid_value(
                count_max, "MaxNumberOfMessages", f"Must be between 1 and {limits.RECEIVE_MAX}, if provided."
            )
        visibility_s = request.get("VisibilityTimeout")
        if visibility_s is not None and not 0 <= visibility_s <= limits.VISIBILITY_MAX_S:
            raise errors.out_of_range(visibility_s, "VisibilityTimeout", 0, limits.VISIBILITY_MAX_S)
        wait_s = request.get("WaitTimeSeconds")
        if wait_s is not None and not 0 <= wait_s <= limits.WAIT_MAX_S:
            raise errors.out_of_range(wait_s, "WaitTimeSeconds", 0, limits.WAIT_MAX_S)
        retry_id = request.get("ReceiveRequestAttemptId")
        if retry_id is not None:
            if queue.fifo is None:
                raise errors.not_for_this_queue_type(retry_id, "ReceiveRequestAttemptId")
            payload.check_token(retry_id, "ReceiveRequestAttemptId")
        self._retry_id = retry_id
        self._count_max = count_max
        self._visibility_ms = queue.visibility_ms if visibility_s is None else visibility_s * 1000
        self.wait_ms = queue.wait_ms if wait_s is None else wait_s * 1000
        self._select = select.selection(request)

    def __call__(self) -> Received | None:
        """Try to receive; None when there is nothing."""
        now_ms = self._emulator.clock.now_ms()
        queue = self._queue
        messages = None if self._retry_id is None else self._retry(self._retry_id, now_ms)
        if messages is None:
            receives_max = redrive.receives_max(self._emulator, queue)
            taken = queue.core.take(now_ms, self._count_max, self._visibility_ms, receives_max)
            messages = taken.messages
            for message in taken.dead:
                redrive.move(self._emulator, queue, message, now_ms)
        if not messages:
            return None
        if self._retry_id is not None and queue.fifo is not None:
            queue.fifo.note_attempt(self._retry_id, messages, now_ms)
            queue.upkeep.watch()
        shown = [self._show(message) for message in messages]
        return Received({"Messages": shown}, [(message, message.receives) for message in messages])

    def give_back(self, received: Received | None) -> None:
        """Undo a try whose client has gone."""
        if received is None:
            return
        now_ms = self._emulator.clock.now_ms()
        for message, receive in received.messages:
            self._queue.core.give_back(message, receive, now_ms)
        if self._retry_id is not None and self._queue.fifo is not None:
            self._queue.fifo.forget_attempt(self._retry_id)
        self._queue.changed()

    def _retry(self, retry_id: str, now_ms: int) -> list[Message] | None:
        if self._queue.fifo is None:
            return None
        try:
            return self._queue.fifo.retry(retry_id, now_ms, self._visibility_ms)
        except NotRetryableError:
            raise errors.attempt_not_retryable(retry_id) from None

    def _show(self, message: Message) -> dict[str, Any]:
        handle = receipt_handle((self._queue.nonce, message.seq, message.receives, message.received_ms))
        return select.show(message, handle, self._select)


def _park(ctx: SqsContext, queue: Queue, attempt: Attempt) -> Parked:
    """Wait for a message. A client that goes away meanwhile takes none with it."""
    waiter = queue.waiters.park(attempt, ctx.now_ms + attempt.wait_ms)
    queue.changed()  # the first try may have dead-lettered something into this very queue

    def abandon() -> None:
        queue.waiters.leave(waiter)
        if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
            attempt.give_back(waiter.future.result())

    return Parked(waiter.future, _received, abandon)


def _received(received: Received | None) -> dict[str, Any]:
    return {} if received is None else received.answer


# What may follow a receive.


@operation("DeleteMessage")
def delete_message(ctx: SqsContext, request: DeleteMessageRequest) -> None:
    """Delete a received message. Raises ReceiptHandleIsInvalid, InvalidParameterValue (expired)."""
    delete(ctx, find_queue(ctx, request.get("QueueUrl")), request)


def delete(ctx: SqsContext, queue: Queue, entry: DeleteMessageEntry) -> None:
    """Delete one message. Deleting twice succeeds; on a standard queue an outdated receipt succeeds without any effect."""
    handle, (_, message, receive, received_ms) = read_handle(queue, entry.get("ReceiptHandle"))
    if ctx.now_ms - received_ms > limits.RECEIPT_HANDLE_MAX_AGE_MS:
        raise errors.receipt_handle_expired(handle)
    outcome = queue.core.delete(message, receive, ctx.now_ms)
    if queue.fifo is not None and outcome in (Outcome.STALE, Outcome.NOT_IN_FLIGHT):
        raise errors.receipt_handle_expired(handle)
    queue.changed()


@operation("ChangeMessageVisibility")
def change_message_visibility(ctx: SqsContext, request: ChangeMessageVisibilityRequest) -> None:
    """Let the visibility timeout of a message in flight end so many seconds from now.

    Raises ReceiptHandleIsInvalid, MissingParameter, InvalidParameterValue.
    """
    change_visibility(ctx, find_queue(ctx, request.get("QueueUrl")), request)


def change_visibility(ctx: SqsContext, queue: Queue, entry: ChangeMessageVisibilityEntry) -> None:
    """Change one message's visibility timeout."""
    handle, (_, message, receive, _) = read_handle(queue, entry.get("ReceiptHandle"))
    timeout_s = entry.get("VisibilityTimeout")
    if timeout_s is None:
        raise missing_parameter("VisibilityTimeout")
    if not 0 <= timeout_s <= limits.VISIBILITY_MAX_S:
        raise errors.out_of_range(timeout_s, "VisibilityTimeout", 0, limits.VISIBILITY_MAX_S)
    outcome = queue.core.change_visibility(message, receive, timeout_s * 1000, ctx.now_ms)
    if outcome is Outcome.TOO_LONG:
        raise errors.total_visibility_too_long(timeout_s)
    if outcome is not Outcome.DONE:
        raise errors.not_available_for_visibility_change(handle)
    queue.changed()


def read_handle(queue: Queue, handle: str | None) -> tuple[str, tuple[int, int, int, int]]:
    """Read a receipt handle of this queue. Raises MissingParameter, ReceiptHandleIsInvalid."""
    if not handle:
        raise missing_parameter("ReceiptHandle")
    receipt = read_receipt_handle(handle)
    if receipt is None or receipt[0] != queue.nonce:
        raise errors.receipt_handle_is_invalid()
    return handle, receipt
