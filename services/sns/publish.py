"""Publish and PublishBatch: check a message, number it, archive it, hand it to fanout.py."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.arns import parse_arn, partition
from emulator.errors import AwsError
from emulator.service import operation
from services.sns import errors, fanout, limits, payload, sms
from services.sns.deduplication import Published
from services.sns.endpoints import find_endpoint
from services.sns.message import Notification
from services.sns.protection import Arrival
from services.sns.state import check_arn, find_topic

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from emulator.app import Emulator
    from services.sns.requests import Attributes, PublishBatchEntry, PublishBatchRequest, PublishEntry, PublishRequest
    from services.sns.state import SnsContext, Topic

_BATCH_ID = re.compile(r"[A-Za-z0-9_-]+")


class Publisher(NamedTuple):
    """Who publishes, and how."""

    account: str
    principal: str
    """The caller's ARN."""

    base_url: str
    trace_header: str | None
    hops: int = 0
    """How many services the message has come through."""


class Draft(NamedTuple):
    """A message that has been checked against its topic."""

    message: str
    texts: dict[str, str] | None
    subject: str | None
    attributes: Attributes
    group_id: str | None
    dedup_id: str | None
    size_bytes: int


# One message.


@operation("Publish")
def publish(ctx: SnsContext, request: PublishRequest) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Publish one message to a topic, a platform endpoint or a phone number.

    Raises InvalidParameter, ParameterValueInvalid, ValidationError, NotFound, EndpointDisabled, PlatformApplicationDisabled,
    AuthorizationError, OptedOut.
    """
    targets = [name for name in ("TopicArn", "TargetArn") if request.get(name)]
    targets += ["PhoneNumber"] if "PhoneNumber" in request else []
    if request.get("Message") is None:
        raise errors.missing("message")
    if not targets:
        raise errors.no_target()
    if len(targets) > 1:
        raise errors.too_many_targets()
    name = targets[0]
    if name == "PhoneNumber":
        return _publish_to_phone(ctx, request)
    if name == "TargetArn" and _is_endpoint(check_arn(request["TargetArn"], "TargetArn", "targetArn")):
        return _publish_to_endpoint(ctx, request)
    topic = find_topic(ctx, request["TargetArn"] if name == "TargetArn" else request["TopicArn"], name)
    draft = check_entry(topic, request)
    check_text(draft)
    check_size(topic, draft)
    answer, rest = send(ctx.emulator, topic, draft, publisher(ctx), ctx.now_ms)
    return answer if rest is None else _after([rest], answer)


async def _after(rest: list[asyncio.Task[None]], answer: dict[str, Any]) -> dict[str, Any]:
    """Answer when all subscribers have been served; they are served whether or not the publisher waits for it."""
    await asyncio.wait(rest)
    return answer


def publisher(ctx: SnsContext) -> Publisher:
    """Tell who calls."""
    principal = f"arn:{partition(ctx.region)}:iam::{ctx.account}:root"
    trace_header = ctx.request.header(b"x-amzn-trace-id") or None
    return Publisher(ctx.account, principal, ctx.emulator.settings.public_url(ctx.base_url), trace_header)


def check_entry(topic: Topic, entry: PublishEntry, path: str = "") -> Draft:
    """Check all of a message that is for its topic to accept: structure, attributes, group and deduplication id."""
    message = entry.get("Message")
    if message is None:
        raise errors.missing(f"{path}message")
    payload.check_encodable(message)
    attributes = payload.read_attributes(entry.get("MessageAttributes", {}), path)
    group_id, dedup_id = entry.get("MessageGroupId"), entry.get("MessageDeduplicationId")
    _check_ids(topic, group_id, dedup_id)
    # An empty message is refused as such, whatever its structure.
    texts = payload.texts_by_protocol(message, entry.get("MessageStructure")) if message else None
    payload.check_default(texts)
    size = payload.size_bytes(message, attributes)
    return Draft(message, texts, entry.get("Subject"), attributes, group_id, dedup_id, size)


def _check_ids(topic: Topic, group_id: str | None, dedup_id: str | None) -> None:
    if topic.fifo and not group_id:
        raise errors.no_group_id()
    if group_id is not None:
        payload.check_token(group_id, "MessageGroupId")
    if not topic.fifo:
        if dedup_id is not None:
            raise errors.deduplication_on_standard()
        return
    if dedup_id is not None:
        payload.check_token(dedup_id, "MessageDeduplicationId")
    elif not topic.content_based:
        raise errors.no_deduplication_id()


def check_text(draft: Draft) -> None:
    """Check what fails one entry of a batch and not the others: the text and the subject."""
    payload.check_message(draft.message)
    payload.check_subject(draft.subject)


def check_size(topic: Topic, draft: Draft) -> None:
    """Check a message's size against its topic's MaximumMessageSize."""
    if draft.size_bytes > topic.message_max_bytes:
        raise errors.invalid_parameter("Message too long")


def send(
    emulator: Emulator, topic: Topic, draft: Draft, by: Publisher, now_ms: int
) -> tuple[dict[str, Any], asyncio.Task[None] | None]:
    """Give a checked message to the topic; the answer of Publish, and the task that still delivers where subscribers are many.

    Raises AuthorizationError (data protection).
    """
    message_id = emulator.ids.uuid()
    message, texts, timestamp = draft.message, draft.texts, emulator.clock.iso(now_ms)
    if topic.protection is not None:
        message = topic.protection.inbound(message, Arrival(topic.arn, message_id, by.principal, timestamp))
        if texts is not None:
            texts = {name: topic.protection.mask(text, by.principal) for name, text in texts.items()}
    sequence_number, dedup_id = None, draft.dedup_id
    if topic.deduplication is not None:
        dedup_id = dedup_id or hashlib.sha256(draft.message.encode()).hexdigest()
        key = (draft.group_id, dedup_id) if topic.per_group else dedup_id
        first = topic.deduplication.find(key, now_ms)
        if first is not None:
            return {"MessageId": first.message_id, "SequenceNumber": first.sequence_number}, None
        sequence_number = emulator.ids.sequence_number()
        topic.deduplication.remember(key, Published(message_id, sequence_number), now_ms)
    notification = Notification(
        topic,
        message_id,
        message,
        timestamp,
        by.base_url,
        texts=texts,
        subject=draft.subject,
        attributes=draft.attributes,
        group_id=draft.group_id,
        dedup_id=dedup_id,
        sequence_number=sequence_number,
        trace_header=by.trace_header,
        hops=by.hops,
    )
    if topic.archive is not None:
        topic.archive.keep(notification, now_ms)
    rest = fanout.distribute(emulator, notification)
    if sequence_number is None:
        return {"MessageId": message_id}, rest
    return {"MessageId": message_id, "SequenceNumber": sequence_number}, rest


# A phone, an app on a device.


def _is_endpoint(text: str) -> bool:
    arn = parse_arn(text)
    return arn is not None and arn.service == "sns" and arn.resource.startswith("endpoint/")


def _check_direct(request: PublishRequest, *platforms: str) -> tuple[str, dict[str, str] | None, Attributes]:
    """Check a message that goes to no topic; the text that is sent, all texts, the attributes."""
    message = payload.check_message(request.get("Message"))
    payload.check_subject(request.get("Subject"))
    payload.check_encodable(message)
    attributes = payload.read_attributes(request.get("MessageAttributes", {}))
    if request.get("MessageDeduplicationId") is not None:
        raise errors.deduplication_on_standard()
    texts = payload.texts_by_protocol(message, request.get("MessageStructure"))
    payload.check_default(texts, *platforms)
    if payload.size_bytes(message, attributes) > limits.MESSAGE_MAX_BYTES:
        raise errors.invalid_parameter("Message too long")
    return message, texts, attributes


def _publish_to_phone(ctx: SnsContext, request: PublishRequest) -> dict[str, Any]:
    number = request["PhoneNumber"]
    message, texts, attributes = _check_direct(request, "sms")
    text = message if texts is None else texts.get("sms", texts.get("default", ""))
    sms.check_phone_number(number)
    sms.check_opted_in(ctx.state.phones, number)
    sms.check_text(text)
    sms.check_message_attributes(attributes)
    message_id = ctx.emulator.ids.uuid()
    structure = request.get("MessageStructure")
    fanout.capture_sms(ctx.state, number, message_id, text, request.get("Subject"), attributes, structure=structure)
    return {"MessageId": message_id}


def _publish_to_endpoint(ctx: SnsContext, request: PublishRequest) -> dict[str, Any]:
    endpoint = find_endpoint(ctx, request["TargetArn"])
    platform = endpoint.application.platform
    message, texts, attributes = _check_direct(request, platform)
    text = message if texts is None else texts.get(platform, texts.get("default", ""))
    message_id = ctx.emulator.ids.uuid()
    structure = request.get("MessageStructure")
    fanout.capture_push(
        ctx.emulator, endpoint, message_id, text, request.get("Subject"), attributes, structure=structure
    )
    return {"MessageId": message_id}


# A batch.


@operation("PublishBatch")
def publish_batch(ctx: SnsContext, request: PublishBatchRequest) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Publish up to 10 messages to a topic. A bad structure, attribute or id fails the whole call; an empty message, a bad
    subject or a refusal by the data protection policy its own entry only.

    Raises TooManyEntriesInBatchRequest, BatchEntryIdsNotDistinct, InvalidBatchEntryId, BatchRequestTooLong, and what Publish raises.
    """
    entries = request.get("PublishBatchRequestEntries")
    topic = find_topic(ctx, request.get("TopicArn"))
    if not entries:
        raise errors.missing("publishBatchRequestEntries")
    _check_batch(entries)
    drafts = [
        (entry, check_entry(topic, entry, f"publishBatchRequestEntries.{number}.member."))
        for number, entry in enumerate(entries, 1)
    ]
    if sum(draft.size_bytes for _, draft in drafts) > topic.message_max_bytes:
        raise errors.batch_too_long()
    by = publisher(ctx)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    tasks: list[asyncio.Task[None]] = []
    for entry, draft in drafts:
        try:
            check_text(draft)
            published, rest = send(ctx.emulator, topic, draft, by, ctx.now_ms)
            successful.append({"Id": entry["Id"], **published})
            tasks += [] if rest is None else [rest]
        except AwsError as error:
            fault = {"Code": error.code, "Message": error.message, "SenderFault": error.sender_fault}
            failed.append({"Id": entry["Id"], **fault})
    answer: dict[str, Any] = {"Successful": successful, "Failed": failed}
    return _after(tasks, answer) if tasks else answer


def _check_batch(entries: list[PublishBatchEntry]) -> None:
    if len(entries) > limits.BATCH_MAX:
        raise errors.too_many_entries()
    for number, entry in enumerate(entries, 1):
        entry_id = entry.get("Id")
        if entry_id is None:
            raise errors.missing(f"publishBatchRequestEntries.{number}.member.id")
        if len(entry_id) > limits.BATCH_ID_MAX_CHARS:
            raise errors.batch_id_too_long(entry_id)
        if _BATCH_ID.fullmatch(entry_id) is None:
            raise errors.batch_id_character(entry_id)
    if len({entry["Id"] for entry in entries}) != len(entries):
        raise errors.ids_not_distinct()
