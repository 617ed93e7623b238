"""Why filter policies let a message through or do not: SNS's part of `/_eventyard/explain`."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from emulator.arns import parse_arn
from emulator.pattern.explain import explain
from emulator.pattern.fields import Interest
from services.sns import errors, filters
from services.sns.payload import read_attributes
from services.sns.state import SnsState, expired, topic_by_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator
    from services.sns.requests import Attributes
    from services.sns.state import Subscription


def explain_subscriptions(emulator: Emulator, question: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Hold a message against the filter policy of a `subscription`, or of all subscriptions to a `topic`, both ARNs; the `event` is
    `{"message": text, "attributes": {name: {"DataType", "StringValue" or "BinaryValue" in base64}}}`. None if neither is named.

    Raises NotFound, and what Publish raises for bad attributes.
    """
    if "subscription" in question:
        subscriptions = [_find(emulator, question["subscription"])]
    elif "topic" in question:
        topic = topic_by_arn(emulator, question["topic"])
        if topic is None:
            raise errors.not_found("Topic")
        subscriptions = list(topic.subscriptions.values())
    else:
        return None
    now_ms = emulator.clock.now_ms()
    message, attributes = _read(question["event"])
    return [_explain(each, message, attributes) for each in subscriptions if not expired(each, now_ms)]


def _find(emulator: Emulator, text: str) -> Subscription:
    arn = parse_arn(text)
    state = emulator.find_state("sns", arn.account, arn.region) if arn is not None and arn.service == "sns" else None
    found = state.subscriptions.get(text) if isinstance(state, SnsState) else None
    if found is None or expired(found, emulator.clock.now_ms()):
        raise errors.not_found("Subscription")
    return found


def _read(event: Mapping[str, Any]) -> tuple[str, Attributes]:
    """Take a message and its attributes out of a question. Raises InvalidParameter, ParameterValueInvalid, ValidationError."""
    message, attributes = event.get("message", ""), event.get("attributes", {})
    if not isinstance(message, str):
        raise errors.invalid_parameter("message")
    if not isinstance(attributes, dict) or not all(isinstance(value, dict) for value in attributes.values()):
        raise errors.invalid_parameter("attributes")
    read: Attributes = {}
    for name, value in attributes.items():
        if not all(isinstance(each, str) for each in value.values()):
            raise errors.invalid_parameter("attributes")
        read[name] = dict(value)  # type: ignore[assignment]
        if "BinaryValue" in value:
            try:
                read[name]["BinaryValue"] = base64.b64decode(value["BinaryValue"], validate=True)
            except binascii.Error:
                raise errors.invalid_parameter("attributes") from None
    return message, read_attributes(read)


def _explain(subscription: Subscription, message: str, attributes: Attributes) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "subscription": subscription.arn,
        "protocol": subscription.protocol,
        "endpoint": subscription.endpoint,
        "confirmed": subscription.confirmed,
    }
    pattern = subscription.pattern
    if pattern is None:
        return shown | {"matches": True, "reason": "The subscription has no filter policy."}
    shown["scope"] = subscription.scope
    if subscription.scope == "MessageBody":
        fields = filters.body_fields(message, Interest(pattern.paths))
        if fields is None:
            return shown | {"matches": False, "reason": "The message is not a JSON object."}
        return shown | explain(pattern, fields)
    seen = filters.attribute_fields(attributes)
    broken = sorted(seen.broken & pattern.paths)
    if broken:
        return shown | {"matches": False, "reason": f"Not a JSON array, though a String.Array: {', '.join(broken)}."}
    return shown | explain(pattern, seen.fields)
