"""What the router brings to a topic: the same checks and the same `send` as Publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.errors import AwsError
from emulator.router.delivery import UndeliverableError
from services.sns import publish
from services.sns.state import topic_by_arn

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.router.router import Envelope


def deliver(emulator: Emulator, arn: Arn, envelope: Envelope) -> None:
    """Publish an event that the router brings. Raises UndeliverableError in the words of the error that Publish would have answered."""
    topic = topic_by_arn(emulator, str(arn))
    if topic is None:
        raise UndeliverableError("NotFound", "Topic does not exist")
    entry: Any = {"Message": envelope.body, "MessageAttributes": dict(envelope.attributes)}
    if envelope.subject is not None:
        entry["Subject"] = envelope.subject
    if envelope.group_id is not None:
        entry["MessageGroupId"] = envelope.group_id
    if envelope.dedup_id is not None:
        entry["MessageDeduplicationId"] = envelope.dedup_id
    principal = f"arn:{arn.partition}:iam::{arn.account}:root"
    by = publish.Publisher(
        arn.account, principal, emulator.settings.public_url(), envelope.trace_header, envelope.hops + 1
    )
    try:
        draft = publish.check_entry(topic, entry)
        publish.check_text(draft)
        publish.check_size(topic, draft)
        publish.send(emulator, topic, draft, by, emulator.clock.now_ms())
    except AwsError as error:
        raise UndeliverableError(error.code, error.message) from error
