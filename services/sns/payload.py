"""What is in a message: the checks of Publish that look at nothing but the message itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from services.sns import errors, limits

if TYPE_CHECKING:
    from services.sns.requests import Attributes, AttributeValue

_KIND = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9_.-]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_message(text: str | None) -> str:
    """Check that there is a message. Raises ValidationError, InvalidParameter."""
    if text is None:
        raise errors.missing("message")
    if not text:
        raise errors.invalid_parameter("Empty message")
    return text


def check_subject(subject: str | None) -> None:
    """Check a subject: ASCII, no control characters, at most 100 characters, no space in front. Raises InvalidParameter."""
    if subject is None:
        return
    bad = len(subject) > limits.SUBJECT_MAX_CHARS or not subject.isascii() or _CONTROL.search(subject) is not None
    if bad or not subject or subject[0] == " ":
        raise errors.invalid_parameter("Subject")


def check_encodable(text: str) -> None:
    """Check that text can be written as UTF-8. Raises InvalidParameter."""
    if not encodable(text):
        raise errors.invalid_parameter("Message")


def read_attributes(attributes: Attributes, path: str = "") -> Attributes:
    """Check message attributes; each comes back with the one field that its type uses.

    Raises ParameterValueInvalid, ValidationError, which names the `path` in front of the attributes.
    """
    read: Attributes = {}
    for name, value in attributes.items():
        _check_name(name)
        read[name] = _read_value(name, value, path)
    return read


def _check_name(name: str) -> None:
    if not name or len(name.encode()) > limits.ATTRIBUTE_NAME_MAX_CHARS:
        raise errors.parameter_value_invalid("Length of message attribute name must be less than 256 bytes.")
    found = _NAME_CHARACTER.search(name)
    if found is not None:
        raise errors.attribute_name_character(ord(found[0]))
    if name.startswith("."):
        raise errors.parameter_value_invalid("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise errors.parameter_value_invalid("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise errors.parameter_value_invalid("Message attribute name can not have successive '.' character.")


def _read_value(name: str, value: AttributeValue, path: str) -> AttributeValue:
    kind = value.get("DataType")
    if kind is None:
        raise errors.missing(f"{path}messageAttributes.{name}.member.dataType")
    found = _KIND.fullmatch(kind)
    if found is None:
        raise errors.attribute_type(name)
    base = found[1]
    have = "BinaryValue" if base == "Binary" else "StringValue"
    other = "StringValue" if base == "Binary" else "BinaryValue"
    if not value.get(have):
        if value.get(other):
            raise errors.attribute_field(name, kind, "Binary" if base == "Binary" else "String")
        raise errors.attribute_empty(name, kind)
    if base == "Number" and _NUMBER.fullmatch(value["StringValue"]) is None:
        raise errors.parameter_value_invalid(f"Could not cast message attribute '{name}' value to number.")
    if base != "Binary" and not encodable(value["StringValue"]):
        raise errors.parameter_value_invalid("Invalid attribute value was passed in for message attribute")
    if base == "Binary":
        return {"DataType": kind, "BinaryValue": value["BinaryValue"]}
    return {"DataType": kind, "StringValue": value["StringValue"]}


def encodable(text: str) -> bool:
    """Whether text can be written as UTF-8: it holds no lone surrogate."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def size_bytes(message: str, attributes: Attributes) -> int:
    """Measure a message: its text, and each attribute's name, type and value."""
    size = len(message) if message.isascii() else len(message.encode())
    for name, value in attributes.items():
        size += len(name) + len(value["DataType"])
        size += len(value["StringValue"].encode()) if "StringValue" in value else len(value["BinaryValue"])
    return size


def texts_by_protocol(message: str, structure: str | None) -> dict[str, str] | None:
    """Read a message of MessageStructure `json`: a text for each protocol or platform, and `default`.

    None for a plain message. Values that are no text are passed over. Raises InvalidParameter.
    """
    if not structure:
        return None
    if structure != "json":
        raise errors.invalid_parameter("MessageStructure")
    try:
        document = json.loads(message, object_pairs_hook=_pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise errors.invalid_parameter("Message Structure - JSON message body failed to parse") from None
    if not isinstance(document, _Pairs):
        raise errors.invalid_parameter("Message Structure - JSON message body failed to parse")
    keys = [key for key, _ in document]
    texts = {key: value for key, value in document if isinstance(value, str)}
    if len(set(keys)) != len(keys) or not all(map(encodable, texts.values())):
        raise errors.invalid_parameter("Message Structure - JSON message body failed to parse")
    return texts


class _Pairs(list[tuple[str, Any]]):
    """A JSON object that still has its duplicate keys."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> _Pairs:
    return _Pairs(pairs)


def check_default(texts: dict[str, str] | None, *platforms: str) -> None:
    """Check that a message of several texts has one for everybody: `default`, or that of the only reader's platform."""
    if texts is not None and "default" not in texts and not any(platform in texts for platform in platforms):
        raise errors.invalid_parameter("Message Structure - No default entry in JSON message body")


def check_token(value: str, name: str) -> None:
    """Check a message group id or a deduplication id: 1 to 128 letters, digits and punctuation. Raises InvalidParameter."""
    if _TOKEN.fullmatch(value) is None:
        raise errors.token(name)
