"""What the router brings to a queue: the same checks and the same `enqueue` as SendMessage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.errors import AwsError
from emulator.ids import principal_id
from emulator.queue.message import Message
from emulator.router.delivery import UndeliverableError
from services.sqs import payload
from services.sqs.messages import check_draft, enqueue
from services.sqs.state import queue_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.router.router import Envelope


def deliver(emulator: Emulator, arn: Arn, envelope: Envelope) -> None:
    """Put an event into a queue. Raises UndeliverableError in the words of the error that SendMessage would have answered."""
    queue = queue_by_arn(emulator, str(arn))
    if queue is None:
        raise UndeliverableError(
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist or you do not have access to it.",
        )
    try:
        body, encoded = payload.check_body(envelope.body)
        payload.check_attributes(envelope.attributes or {})
        draft = Message(
            "",
            body,
            payload.md5(encoded),
            emulator.clock.now_ms(),
            principal_id(arn.account),
            envelope.attributes or None,
            envelope.group_id,
            envelope.dedup_id,
            trace_header=envelope.trace_header,
        )
        check_draft(queue, draft, len(encoded))
    except AwsError as error:
        raise UndeliverableError(error.code, error.message) from error
    enqueue(emulator, queue, draft)
