"""Filter policies: SNS's edge of the engine's pattern language. What a policy may be and when it matches is emulator/pattern's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import orjson

from emulator.pattern.compile import compile_pattern
from emulator.pattern.dialect import SNS_ATTRIBUTES, SNS_BODY
from emulator.pattern.errors import PatternError
from emulator.pattern.fields import OPAQUE, Fields, Interest, flatten, scalar
from emulator.pattern.parse import parse_pattern
from services.sns import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.pattern.fields import Value
    from emulator.pattern.parse import Pattern
    from services.sns.requests import Attributes, AttributeValue

SCOPES = ("MessageAttributes", "MessageBody")


def parse_filter(text: str, scope: str, prefix: str = "") -> Pattern:
    """Compile a filter policy. Raises InvalidParameter in AWS's words for each of its faults."""
    try:
        return parse_pattern(text, SNS_BODY if scope == "MessageBody" else SNS_ATTRIBUTES)
    except PatternError as fault:
        raise errors.invalid_parameter(f"{prefix}FilterPolicy: {fault}") from None


def attribute_fields(attributes: Attributes) -> Fields:
    """See message attributes as a pattern does: a Number is a number, a String.Array its elements, Binary is merely there."""
    fields = Fields()
    for name, attribute in attributes.items():
        for value in _values(attribute):
            fields.add(name, value)
    return fields


def _values(attribute: AttributeValue) -> list[Value]:
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
            return [OPAQUE]
        if not isinstance(elements, list) or not elements:
            return [OPAQUE]
        return [scalar(element) for element in elements]
    return [text]


def matcher(pattern: Pattern | None, scope: str) -> Callable[[Attributes, str], bool]:
    """Make the test of one subscription's filter policy: attributes and text in, whether it wants them out."""
    if pattern is None:
        return lambda _attributes, _text: True
    compiled, interest = compile_pattern(pattern), Interest(pattern.paths)
    if scope == "MessageAttributes":
        return lambda attributes, _text: compiled.matches(attribute_fields(attributes))

    def matches_body(_attributes: Attributes, text: str) -> bool:
        fields = body_fields(text, interest)
        return fields is not None and compiled.matches(fields)

    return matches_body


def body_fields(text: str, interest: Interest) -> Fields | None:
    """See a message's text as a pattern does; None for one that is no JSON object, which matches no policy."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return flatten(document, interest) if isinstance(document, dict) else None
