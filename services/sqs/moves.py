"""Message move tasks: StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks (the "DLQ redrive" of the console).

A task takes the visible messages of a dead-letter queue one by one and sends each as a new message: to the destination,
or to the queue from which it came. With a rate it keeps to the clock, without one it moves as fast as it can, letting
requests through in between.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

from emulator.arns import parse_arn
from emulator.errors import AwsError, invalid_parameter_value, missing_parameter
from emulator.service import operation
from emulator.tasks import breathe
from services.sqs import errors, limits
from services.sqs.state import MoveTask, Queue, SqsState, queue_by_arn

if TYPE_CHECKING:
    from emulator.queue.message import Message
    from services.sqs.requests import (
        CancelMessageMoveTaskRequest,
        ListMessageMoveTasksRequest,
        StartMessageMoveTaskRequest,
    )
    from services.sqs.state import SqsContext

RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED = "RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"
_SLICE = 100
"""How many messages move before requests get their turn."""
_TICK_MS = 100
"""How often a task with a rate moves what is due by then."""


@operation("StartMessageMoveTask")
def start_message_move_task(ctx: SqsContext, request: StartMessageMoveTaskRequest) -> dict[str, Any]:
    """Start to move the messages of a dead-letter queue.

    Raises MissingParameter, InvalidParameterValue, ResourceNotFoundException, UnsupportedOperation.
    """
    source_arn, destination_arn = request.get("SourceArn"), request.get("DestinationArn")
    rate_per_s = request.get("MaxNumberOfMessagesPerSecond")
    source = _own(ctx, source_arn, "SourceArn", "StartMessageMoveTask")
    if rate_per_s is not None and not 1 <= rate_per_s <= limits.MOVE_RATE_MAX_PER_S:
        reason = f"Must be between 1 and {limits.MOVE_RATE_MAX_PER_S}, if provided."
        raise errors.invalid_value(rate_per_s, "MaxNumberOfMessagesPerSecond", reason)
    if not any(
        queue.redrive is not None and queue.redrive.target_arn == source.arn for queue in ctx.state.queues.values()
    ):
        raise invalid_parameter_value("Source queue must be configured as a Dead Letter Queue.")
    if destination_arn is not None:
        destination = _own(ctx, destination_arn, "DestinationArn", "StartMessageMoveTask")
        if (destination.fifo is None) != (source.fifo is None):
            raise invalid_parameter_value("Source and destination queue must be of the same type.")
    tasks = ctx.state.moves.setdefault(source.arn, [])
    if any(task.status in (RUNNING, CANCELLING) for task in tasks):
        raise invalid_parameter_value(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    active = sum(task.status == RUNNING for started in ctx.state.moves.values() for task in started)
    if active >= limits.MOVE_TASKS_ACTIVE_MAX:
        raise errors.over_limit(
            f"Maximum number of active message move tasks per account is {limits.MOVE_TASKS_ACTIVE_MAX}."
        )
    source.core.settle(ctx.now_ms)
    handle = _write_handle(ctx.emulator.ids.uuid(), source.arn)
    task = MoveTask(
        handle=handle,
        source_arn=source.arn,
        destination_arn=destination_arn,
        rate_per_s=rate_per_s,
        started_ms=ctx.now_ms,
        to_move=source.core.visible,
        last_seq=source.core.last_seq,
    )
    tasks.insert(0, task)
    del tasks[limits.MOVE_TASKS_LISTED_MAX :]
    ctx.emulator.tasks.start(f"sqs move task of {source.name}", _move_all(ctx.state, source, task))
    return {"TaskHandle": handle}


@operation("CancelMessageMoveTask")
def cancel_message_move_task(ctx: SqsContext, request: CancelMessageMoveTaskRequest) -> dict[str, Any]:
    """Stop a running task; what it has moved stays moved. Raises ResourceNotFoundException, UnsupportedOperation."""
    handle = request.get("TaskHandle")
    if not handle:
        raise missing_parameter("TaskHandle")
    source_arn = _read_handle(handle)
    task = next((task for task in ctx.state.moves.get(source_arn, []) if task.handle == handle), None)
    if task is None:
        raise errors.resource_not_found("Task does not exist.")
    if task.status != RUNNING:
        raise errors.task_not_running()
    task.status = CANCELLING
    return {"ApproximateNumberOfMessagesMoved": task.moved}


@operation("ListMessageMoveTasks")
def list_message_move_tasks(ctx: SqsContext, request: ListMessageMoveTasksRequest) -> dict[str, Any]:
    """List the latest tasks of a source queue, newest first."""
    source = _own(ctx, request.get("SourceArn"), "SourceArn", "ListMessageMoveTasks")
    count_max = request.get("MaxResults", 1)
    if not 1 <= count_max <= limits.MOVE_TASKS_LISTED_MAX:
        reason = f"Must be between 1 and {limits.MOVE_TASKS_LISTED_MAX}, if provided."
        raise errors.invalid_value(count_max, "MaxResults", reason)
    tasks = ctx.state.moves.get(source.arn, [])[:count_max]
    return {"Results": [_show(task) for task in tasks]} if tasks else {}


def _show(task: MoveTask) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_ms,
    }
    if task.status == RUNNING:
        shown["TaskHandle"] = task.handle
    if task.destination_arn is not None:
        shown["DestinationArn"] = task.destination_arn
    if task.rate_per_s is not None:
        shown["MaxNumberOfMessagesPerSecond"] = task.rate_per_s
    if task.failure is not None:
        shown["FailureReason"] = task.failure
    return shown


def _own(ctx: SqsContext, arn: str | None, parameter: str, action: str) -> Queue:
    """Find the caller's queue behind an ARN."""
    if not arn:
        raise missing_parameter(parameter)
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sqs":
        raise invalid_parameter_value(
            f"You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        )
    if parsed.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, arn)
    queue = ctx.state.queues.get(parsed.resource) if parsed.region == ctx.region else None
    if queue is None:
        raise errors.resource_not_found(f"The resource that you specified for the {parameter} parameter doesn't exist.")
    return queue


def _write_handle(task_id: str, source_arn: str) -> str:
    return base64.b64encode(orjson.dumps({"taskId": task_id, "sourceArn": source_arn})).decode()


def _read_handle(handle: str) -> str:
    """Find the source ARN in a task handle. Raises InvalidParameterValue."""
    try:
        content = orjson.loads(base64.b64decode(handle, validate=True))
        return str(content["sourceArn"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise invalid_parameter_value("Value for parameter TaskHandle is invalid.") from None


class _NothingLeftError(Exception):
    """A task that moves messages to where they are has moved each of them once."""


async def _move_all(state: SqsState, source: Queue, task: MoveTask) -> None:
    clock = state.emulator.clock
    allowed = 0
    while task.status == RUNNING:
        now_ms = clock.now_ms()
        if now_ms - task.started_ms >= limits.MOVE_TASK_MAX_MS:
            _fail(task, "TaskTimedOut")
            break
        allowed = (
            task.moved + _SLICE if task.rate_per_s is None else (now_ms - task.started_ms) * task.rate_per_s // 1000
        )
        while task.status == RUNNING and task.moved < allowed:
            _move_one(state, source, task, now_ms)
        if task.rate_per_s is None:
            await breathe()
        else:
            await clock.sleep(max(_TICK_MS, 1000 // task.rate_per_s))
    if task.status == CANCELLING:
        task.status = CANCELLED


def _move_one(state: SqsState, source: Queue, task: MoveTask, now_ms: int) -> None:
    """Move the next message, and end the task when there is none or when it cannot go where it should."""
    if state.queues.get(source.name) is not source:
        _fail(task, "AWS.SimpleQueueService.NonExistentQueue")
        return
    destination: Queue | None = None

    def check(message: Message) -> None:
        nonlocal destination
        to_itself = (task.destination_arn or message.source_arn or source.arn) == source.arn
        if to_itself and message.seq > task.last_seq:
            raise _NothingLeftError
        destination = _destination(state, task, message)

    try:
        message = source.core.withdraw(now_ms, check)
    except AwsError as error:
        _fail(task, error.code)
        return
    except _NothingLeftError:
        message = None
    if message is None or destination is None:
        task.status = COMPLETED
        return
    ids = state.emulator.ids
    fresh = message.moved(
        message_id=ids.uuid(),
        sent_ms=now_ms,
        receive_count=0,
        first_received_ms=None,
        source_arn=None,
        sequence_number=ids.sequence_number() if destination.fifo is not None else None,
    )
    message.let_go()
    destination.put(fresh, now_ms, now_ms + destination.delay_ms)
    task.moved += 1
    source.changed()


def _destination(state: SqsState, task: MoveTask, message: Message) -> Queue:
    """Find where a message goes. Raises AwsError whose code is the task's failure reason."""
    arn = task.destination_arn or message.source_arn
    if arn is None:
        raise AwsError("CouldNotDetermineMessageSource", "The message was sent to the dead-letter queue itself.")
    queue = queue_by_arn(state.emulator, arn)
    if queue is None:
        raise errors.queue_does_not_exist()
    return queue


def _fail(task: MoveTask, reason: str) -> None:
    task.status = FAILED
    task.failure = reason
