"""Queues: CreateQueue, DeleteQueue, PurgeQueue, GetQueueUrl, ListQueues, ListDeadLetterSourceQueues, Get- and
SetQueueAttributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.errors import missing_parameter
from emulator.pages import BadTokenError, cut
from emulator.service import operation
from services.sqs import attributes, errors, limits
from services.sqs.names import queue_url, valid_queue_name
from services.sqs.policies import check_redrive_target
from services.sqs.state import find_own_queue, find_queue, new_queue
from services.sqs.tags import check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.sqs.requests import (
        CreateQueueRequest,
        GetQueueAttributesRequest,
        GetQueueUrlRequest,
        ListDeadLetterSourceQueuesRequest,
        ListQueuesRequest,
        QueueRequest,
        SetQueueAttributesRequest,
    )
    from services.sqs.state import Queue, SqsContext


@operation("CreateQueue")
def create_queue(ctx: SqsContext, request: CreateQueueRequest) -> dict[str, Any]:
    """Create a queue, or find the one that has the given attributes already.

    Raises QueueDeletedRecently, QueueNameExists, InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue.
    """
    name = request.get("QueueName")
    if name is None:
        raise missing_parameter("QueueName")
    given = request.get("Attributes", {})
    existing = ctx.state.queues.get(name)
    if existing is not None and not given:
        return {"QueueUrl": _url(ctx, existing)}  # also for a FIFO queue, which could not be made so
    fifo = _is_fifo(name, given)
    checked = attributes.validate(given, fifo=fifo, create=True)
    tags = check_tags(name, {}, request.get("tags", {}))
    if existing is not None:
        differing = attributes.difference(existing, checked)
        if differing is not None:
            raise errors.queue_name_exists(differing)
        return {"QueueUrl": _url(ctx, existing)}
    if ctx.state.deleted_recently(name, ctx.now_ms):
        raise errors.queue_deleted_recently()
    queue = new_queue(
        name, ctx.account, ctx.region, fifo=fifo, clock=ctx.emulator.clock, nonce=ctx.emulator.ids.number()
    )
    merged = attributes.merge(attributes.defaults(fifo=fifo), checked, fifo=fifo)
    if checked.get("RedrivePolicy"):
        check_redrive_target(ctx.emulator, queue, given["RedrivePolicy"])
    attributes.apply(queue, merged, ctx.now_ms)
    queue.tags = tags
    ctx.state.queues[name] = queue
    return {"QueueUrl": _url(ctx, queue)}


def _is_fifo(name: str, given: Mapping[str, str]) -> bool:
    """Tell the kind of a new queue from its name and FifoQueue, which must agree."""
    said = given.get("FifoQueue")
    fifo = said is not None and said.lower() == "true"
    if fifo:
        if not valid_queue_name(name, fifo=True):
            raise errors.invalid_fifo_queue_name()
        return True
    if not valid_queue_name(name, fifo=False):
        # A name that ends in .fifo is wrong for a standard queue, the dot already is.
        raise errors.invalid_queue_name()
    if said is not None:
        raise errors.unknown_attribute("FifoQueue")
    return False


def _url(ctx: SqsContext, queue: Queue) -> str:
    return queue_url(ctx, queue.account, queue.region, queue.name)


@operation("DeleteQueue")
def delete_queue(ctx: SqsContext, request: QueueRequest) -> None:
    """Delete a queue at once, with all its messages. Its parked long polls end with QueueDoesNotExist; its name is
    blocked for a minute.
    """
    queue = find_own_queue(ctx, request.get("QueueUrl"), "DeleteQueue")
    state = ctx.state_of(queue.account, queue.region)
    del state.queues[queue.name]
    if ctx.emulator.settings.cooldowns:
        state.note_deleted(queue.name, ctx.now_ms)
    queue.end(ctx.emulator.tasks, errors.queue_does_not_exist())


@operation("PurgeQueue")
def purge_queue(ctx: SqsContext, request: QueueRequest) -> None:
    """Drop all messages, delayed ones and ones in flight too. Raises PurgeQueueInProgress within a minute of the last time."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    if (
        ctx.emulator.settings.cooldowns
        and queue.purged_ms is not None
        and ctx.now_ms - queue.purged_ms < limits.PURGE_WAIT_MS
    ):
        raise errors.purge_queue_in_progress(queue.name)
    queue.purged_ms = ctx.now_ms
    queue.purge(ctx.emulator.tasks)


@operation("GetQueueUrl")
def get_queue_url(ctx: SqsContext, request: GetQueueUrlRequest) -> dict[str, Any]:
    """Find a queue's URL by its name, also in another account."""
    name = request.get("QueueName")
    if not name:
        raise missing_parameter("QueueName")
    account = request.get("QueueOwnerAWSAccountId") or ctx.account
    state = ctx.find_state(account, ctx.region)
    queue = None if state is None else state.queues.get(name)
    if queue is None:
        raise errors.queue_does_not_exist(foreign=account != ctx.account)
    return {"QueueUrl": _url(ctx, queue)}


@operation("ListQueues")
def list_queues(ctx: SqsContext, request: ListQueuesRequest) -> dict[str, Any]:
    """List the URLs of the caller's queues by name; a token for the rest only where MaxResults was given."""
    prefix = request.get("QueueNamePrefix", "")
    names = sorted(name for name in ctx.state.queues if name.startswith(prefix))
    page, token = paginate(names, request.get("MaxResults"), request.get("NextToken"))
    return _page([queue_url(ctx, ctx.account, ctx.region, name) for name in page], token, "QueueUrls")


@operation("ListDeadLetterSourceQueues")
def list_dead_letter_source_queues(ctx: SqsContext, request: ListDeadLetterSourceQueuesRequest) -> dict[str, Any]:
    """List the queues whose redrive policy names this one; the key is `queueUrls`, with a small q."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    queues = ctx.state_of(queue.account, queue.region).queues.values()
    names = sorted(
        source.name for source in queues if source.redrive is not None and source.redrive.target_arn == queue.arn
    )
    page, token = paginate(names, request.get("MaxResults"), request.get("NextToken"))
    answer = _page([queue_url(ctx, queue.account, queue.region, name) for name in page], token, "queueUrls")
    answer.setdefault("queueUrls", [])  # the model requires it here
    return answer


def _page(urls: list[str], token: str | None, key: str) -> dict[str, Any]:
    answer: dict[str, Any] = {key: urls} if urls else {}
    if token is not None:
        answer["NextToken"] = token
    return answer


def paginate(names: list[str], count_max: int | None, token: str | None) -> tuple[list[str], str | None]:
    """Cut a page out of sorted names; there is a token for the rest only where a size was asked for.

    Raises InvalidParameterValue for a MaxResults outside 1 to 1000 and for a token that is not ours.
    """
    if count_max is not None and not 1 <= count_max <= limits.LIST_MAX:
        raise errors.invalid_value(
            count_max, "MaxResults", f"MaxResults must be an integer between 1 and {limits.LIST_MAX}."
        )
    try:
        page, more = cut([(name, name) for name in names], token, count_max or limits.LIST_MAX)
    except BadTokenError:
        raise errors.invalid_value(token, "NextToken", "Invalid or expired next token.") from None
    return page, None if count_max is None else more


@operation("GetQueueAttributes")
def get_queue_attributes(ctx: SqsContext, request: GetQueueAttributesRequest) -> dict[str, Any]:
    """Read attributes; without names the answer has none."""
    queue = find_queue(ctx, request.get("QueueUrl"))
    values = attributes.read(queue, request.get("AttributeNames", []), ctx.now_ms)
    return {"Attributes": values} if values else {}


@operation("SetQueueAttributes")
def set_queue_attributes(ctx: SqsContext, request: SetQueueAttributesRequest) -> None:
    """Change attributes, all of them or, when one is bad, none."""
    queue = find_own_queue(ctx, request.get("QueueUrl"), "SetQueueAttributes")
    given = request.get("Attributes")
    if not given:
        raise missing_parameter("Attribute.Name")
    fifo = queue.fifo is not None
    checked = attributes.validate(given, fifo=fifo, create=False)
    merged = attributes.merge(queue.attributes, checked, fifo=fifo)
    if checked.get("RedrivePolicy"):
        check_redrive_target(ctx.emulator, queue, given["RedrivePolicy"])
    attributes.apply(queue, merged, ctx.now_ms)
    queue.modified_ms = ctx.now_ms
    queue.changed()
