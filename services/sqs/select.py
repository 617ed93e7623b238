"""What a receiver sees of a message: system attributes and message attributes, as far as it asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from services.sqs import errors, payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.queue.message import Message
    from services.sqs.requests import ReceiveMessageRequest

SYSTEM: Mapping[str, Callable[[Message], str | None]] = {
    "SenderId": lambda message: message.sender_id,
    "SentTimestamp": lambda message: str(message.sent_ms),
    "ApproximateReceiveCount": lambda message: str(message.receive_count),
    "ApproximateFirstReceiveTimestamp": lambda message: (
        None if message.first_received_ms is None else str(message.first_received_ms)
    ),
    "SequenceNumber": lambda message: message.sequence_number,
    "MessageDeduplicationId": lambda message: message.dedup_id,
    "MessageGroupId": lambda message: message.group_id,
    "AWSTraceHeader": lambda message: message.trace_header,
    "DeadLetterQueueSourceArn": lambda message: message.source_arn,
}
"""Each system attribute, and where its text comes from; None where the message has none."""


class Selection(NamedTuple):
    """What was asked for: names of system attributes; exact names and prefixes of message attributes."""

    system: tuple[str, ...]
    names: frozenset[str]
    prefixes: tuple[str, ...]


NOTHING = Selection((), frozenset(), ())
EVERYTHING = Selection(tuple(SYSTEM), frozenset(), ("",))


def selection(request: ReceiveMessageRequest) -> Selection:
    """Read what a ReceiveMessage asks for; AttributeNames and MessageSystemAttributeNames add up. Raises InvalidAttributeName."""
    system = [*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())]
    custom = request.get("MessageAttributeNames", ())
    if not system and not custom:
        return NOTHING
    for name in system:
        if name != "All" and name not in SYSTEM:
            raise errors.unknown_attribute(name)
    # The text before ".*" is a prefix, so "col.*" selects "color" too, and ".*" everything.
    prefixes = ["" if name == "All" else name[:-2] for name in custom if name == "All" or name.endswith(".*")]
    return Selection(
        tuple(SYSTEM) if "All" in system else tuple(dict.fromkeys(system)),
        frozenset(custom),
        tuple(prefixes),
    )


def show(message: Message, handle: str, wanted: Selection) -> dict[str, Any]:
    """Write a message as ReceiveMessage shows it. The MD5 of attributes covers those that are shown."""
    shown: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if wanted.system:
        system = {name: text for name in wanted.system if (text := SYSTEM[name](message)) is not None}
        if system:
            shown["Attributes"] = system
    if message.attributes and (wanted.prefixes or wanted.names):
        custom = {
            name: _clean(value)
            for name, value in message.attributes.items()
            if name in wanted.names or name.startswith(wanted.prefixes)
        }
        if custom:
            shown["MD5OfMessageAttributes"] = payload.attributes_md5(custom)
            shown["MessageAttributes"] = custom
    return shown


def _clean(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a field that was given but empty, as AWS does."""
    return {field: value for field, value in attribute.items() if value}
