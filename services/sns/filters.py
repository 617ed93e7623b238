"""Filter policies: SNS's edge of the engine's pattern language. What a policy may be and when it matches is emulator/pattern's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import orjson

from emulator.pattern.compile import compile_pattern
from emulator.pattern.dialect import SNS_ATTRIBUTES, SNS_BODY
from emulator.pattern.errors import PatternError
from emulator.pattern.fields import OPAQUE, Fields, Interest, flatten, scalar
from emulator.pattern.parse import parse_pattern
from services.sns import errors

if TYPE_CHECKING:
    from emulator.pattern.fields import Value
    from emulator.pattern.parse import Pattern
    from services.sns.message import Notification
    from services.sns.requests import Attributes, AttributeValue
    from services.sns.state import Subscription

SCOPES = ("MessageAttributes", "MessageBody")


def parse_filter(text: str, scope: str, prefix: str = "") -> Pattern:
    """Compile a filter policy. Raises InvalidParameter in AWS's words for each of its faults."""
    try:
        return parse_pattern(text, SNS_BODY if scope == "MessageBody" else SNS_ATTRIBUTES)
    except PatternError as fault:
        # Recorded so: this one alone does not name the attribute.
        name = "" if fault.reason == SNS_ATTRIBUTES.not_nested else "FilterPolicy: "
        raise errors.invalid_parameter(f"{prefix}{name}{fault}") from None


class AttributeFields(NamedTuple):
    """Message attributes as a pattern sees them, and the names of those that are said to be arrays and are none: a policy that
    looks at one of them does not match, whatever it wants.
    """

    fields: Fields
    broken: frozenset[str]


def attribute_fields(attributes: Attributes) -> AttributeFields:
    """See message attributes as a pattern does: a Number is a number, a String.Array its elements, Binary is merely there."""
    fields, broken = Fields(), set()
    for name, attribute in attributes.items():
        values = _values(attribute)
        if values is None:
            broken.add(name)
        for value in values or ():
            fields.add(name, value)
    return AttributeFields(fields, frozenset(broken))


def _values(attribute: AttributeValue) -> list[Value] | None:
    kind, text = attribute["DataType"], attribute.get("StringValue")
    if text is None:
        return [OPAQUE]
    if kind == "Number" or kind.startswith("Number."):
        number = float(text)
        return [number if math.isfinite(number) else OPAQUE]
    if kind == "String.Array":
        try:
            elements = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(elements, list):
            return None
        return [scalar(element) for element in elements]  # an empty one is as good as absent
    return [text]


def wanted(subscription: Subscription, notification: Notification) -> bool:
    """Whether one subscription's filter policy lets a message through: for replays, which ask one at a time."""
    pattern = subscription.pattern
    if pattern is None:
        return True
    if subscription.scope == "MessageBody":
        fields = body_fields(notification.text(subscription.protocol), Interest(pattern.paths))
        return fields is not None and compile_pattern(pattern).matches(fields)
    seen = attribute_fields(notification.attributes)
    return not seen.broken & pattern.paths and compile_pattern(pattern).matches(seen.fields)


def body_fields(text: str, interest: Interest) -> Fields | None:
    """See a message's text as a pattern does; None for one that is no JSON object, which matches no policy."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return flatten(document, interest) if isinstance(document, dict) else None
