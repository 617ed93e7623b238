"""Tags of queues: TagQueue, UntagQueue, ListQueueTags. Source: AWS, "Amazon SQS cost allocation tags"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulator.errors import AwsError, invalid_parameter_value, missing_parameter
from emulator.service import operation
from services.sqs import limits
from services.sqs.state import find_own_queue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.sqs.requests import QueueRequest, TagQueueRequest, UntagQueueRequest
    from services.sqs.state import SqsContext

_TEXT = re.compile(r"(?:[\w.:/=+@-]|[^\S\t\n\v\f\r\x1c-\x1f\x85])*")
"""Letters, digits, signs and Unicode's separators, which are Python's white space without the control characters."""


def check_tags(queue_name: str, current: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Add tags to a queue's; a known key gets a new value. Raises InvalidParameterValue."""
    for key, value in new.items():
        if not 1 <= len(key) <= limits.TAG_KEY_MAX_CHARS or not _TEXT.fullmatch(key):
            raise _bad_text("keys", 1, limits.TAG_KEY_MAX_CHARS)
        if key.lower().startswith("aws:"):
            raise invalid_parameter_value("Tag keys starting with 'aws:' are reserved for system use.")
        if len(value) > limits.TAG_VALUE_MAX_CHARS or not _TEXT.fullmatch(value):
            raise _bad_text("values", 0, limits.TAG_VALUE_MAX_CHARS)
    merged = {**current, **new}
    if len(merged) > limits.TAGS_MAX:
        raise invalid_parameter_value(f"Too many tags added for queue {queue_name}.")
    return merged


def _bad_text(what: str, low: int, high: int) -> AwsError:
    characters = "of letters, digits, spaces and _.:/=+-@"
    return invalid_parameter_value(f"Tag {what} must be between {low} and {high} characters in length, {characters}.")


@operation("TagQueue")
def tag_queue(ctx: SqsContext, request: TagQueueRequest) -> None:
    """Add tags."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "TagQueue")
    tags = request.get("Tags")
    if not tags:
        raise missing_parameter("Tags")
    queue.tags = check_tags(queue.name, queue.tags, tags)


@operation("UntagQueue")
def untag_queue(ctx: SqsContext, request: UntagQueueRequest) -> None:
    """Take tags away; unknown keys are passed over."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "UntagQueue")
    keys = request.get("TagKeys")
    if not keys:
        raise missing_parameter("TagKeys")
    queue.tags = {key: value for key, value in queue.tags.items() if key not in keys}


@operation("ListQueueTags")
def list_queue_tags(ctx: SqsContext, request: QueueRequest) -> dict[str, Any]:
    """List the tags."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "ListQueueTags")
    return {"Tags": queue.tags} if queue.tags else {}
