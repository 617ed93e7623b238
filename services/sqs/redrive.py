"""Dead letters: when a message leaves its queue for another, and what stays with it.

Source: AWS, "Using dead-letter queues in Amazon SQS". A message moves on the receive that would be one too many, not
when its visibility timeout ends. Its id, body, attributes, SentTimestamp and receive count stay. Retention goes on
counting from the first send on standard queues, and starts anew on FIFO queues, where the deduplication id becomes the
message id, so that a dead-letter queue drops none as a duplicate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.sqs.state import queue_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.queue.message import Message
    from services.sqs.state import Queue


def receives_max(emulator: Emulator, queue: Queue) -> int | None:
    """After how many receives a message of this queue is dead; None without a policy, and while the dead-letter queue
    does not exist.
    """
    if queue.redrive is None or queue_by_arn(emulator, queue.redrive.target_arn) is None:
        return None
    return queue.redrive.receives_max


def move(emulator: Emulator, source: Queue, message: Message, now_ms: int) -> None:
    """Put a dead message, already taken out of its queue, into the dead-letter queue; visible there at once."""
    target = queue_by_arn(emulator, source.redrive.target_arn) if source.redrive is not None else None
    if target is None:
        raise LookupError(f"{source.arn} has no dead-letter queue to move {message.message_id} to")
    moved = message.moved(source_arn=source.arn, enqueued_ms=message.enqueued_ms)
    message.let_go()
    if target.fifo is not None:
        moved.enqueued_ms = now_ms
        moved.dedup_id = message.message_id
        moved.sequence_number = emulator.ids.sequence_number()
    target.put(moved, now_ms, now_ms)
