"""What a sender gives: body, message attributes, system attributes. Their rules, their size, their MD5.

Source: AWS, "Amazon SQS message metadata", "Calculating the MD5 message digest for message attributes".
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from emulator.errors import AwsError, invalid_parameter_value, missing_parameter
from services.sqs import errors, limits

try:
    # CPython's own, which takes half as long as OpenSSL's for a short text; where it was left out, the other does the same.
    from _md5 import md5 as _md5  # type: ignore[import-not-found]
except ImportError:
    from hashlib import md5 as _md5

if TYPE_CHECKING:
    from collections.abc import Mapping

    Attribute = Mapping[str, Any]

TRACE_HEADER = "AWSTraceHeader"
_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What AWS does not take: all but #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF. Written as the few that
it is, because `re` takes 3 ms to compile the complement."""
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
"""All of ASCII that is invalid."""
_GROUP_ID = re.compile(r"[!-~]{1,128}")
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!(?i:aws|amazon)\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_STRING, _BINARY = b"\x01", b"\x02"


def check_text(text: str) -> bytes:
    """Refuse characters that XML 1.0 has not, and give the text's bytes. Raises InvalidMessageContents."""
    # A search costs several times as much as what tells of nearly every text that there is nothing to be found.
    if text.isascii():
        encoded = text.encode()
        if len(encoded.translate(None, _CONTROLS)) < len(encoded):
            raise errors.invalid_message_contents()
        return encoded
    if not text.isprintable() and _INVALID.search(text) is not None:
        raise errors.invalid_message_contents()
    return text.encode()


def check_body(body: str | None) -> tuple[str, bytes]:
    """Refuse an empty body and invalid characters, and give the body and its bytes."""
    if not body:
        raise missing_parameter("MessageBody")
    return body, check_text(body)


def check_token(value: str, parameter: str) -> str:
    """Check a message group id, a deduplication id or an attempt id. Raises InvalidParameterValue."""
    if _GROUP_ID.fullmatch(value) is None:
        reason = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise errors.invalid_value(value, parameter, reason)
    return value


def md5(data: bytes) -> str:
    """Digest as SQS does, in lower-case hex."""
    digest: str = _md5(data, usedforsecurity=False).hexdigest()
    return digest


def content_dedup_id(body: str) -> str:
    """Make the deduplication id of ContentBasedDeduplication: SHA-256 of the body, attributes left out."""
    return hashlib.sha256(body.encode()).hexdigest()


def attributes_md5(attributes: Mapping[str, Attribute]) -> str:
    """Digest attributes: sorted by name; name, type and value each behind its length; one byte for the kind of the value."""
    digested: list[bytes] = []
    for name in sorted(attributes):
        attribute = attributes[name]
        data_type: str = attribute["DataType"]
        binary = data_type.startswith("Binary")
        kind, value = (_BINARY, attribute["BinaryValue"]) if binary else (_STRING, attribute["StringValue"].encode())
        digested += (_with_length(name.encode()), _with_length(data_type.encode()), kind, _with_length(value))
    return md5(b"".join(digested))


def _with_length(part: bytes) -> bytes:
    return len(part).to_bytes(4) + part


def text_size_bytes(text: str) -> int:
    """Count a text's bytes."""
    return len(text) if text.isascii() else len(text.encode())


def attributes_size_bytes(attributes: Mapping[str, Attribute]) -> int:
    """Count what attributes add to a message's size: names, types, values."""
    size_bytes = 0
    for name, attribute in attributes.items():
        size_bytes += text_size_bytes(name) + text_size_bytes(attribute.get("DataType") or "")
        size_bytes += len(attribute.get("BinaryValue") or b"") + text_size_bytes(attribute.get("StringValue") or "")
    return size_bytes


def check_attributes(attributes: Mapping[str, Attribute]) -> None:
    """Check message attributes. Raises InvalidParameterValue, InvalidMessageContents, UnsupportedOperation."""
    if len(attributes) > limits.MESSAGE_ATTRIBUTES_MAX:
        raise invalid_parameter_value(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{limits.MESSAGE_ATTRIBUTES_MAX}]."
        )
    for name, attribute in attributes.items():
        _check_name(name)
        _check_value(f"The message attribute '{name}'", name, attribute)


def check_system_attributes(attributes: Mapping[str, Attribute]) -> str | None:
    """Check message system attributes and give the trace header, the only one there is. Raises InvalidParameterValue."""
    for name, attribute in attributes.items():
        if name != TRACE_HEADER:
            raise invalid_parameter_value(
                f"Message system attribute name '{name}' is invalid. The following message system attributes are valid: {TRACE_HEADER}."
            )
        _check_value(f"The message system attribute '{name}'", name, attribute)
        if attribute["DataType"] != "String":
            raise invalid_parameter_value(f"The message system attribute '{name}' must use type 'String'.")
    header = attributes.get(TRACE_HEADER)
    return None if header is None else header["StringValue"]


def _check_name(name: str) -> None:
    if not name:
        raise invalid_parameter_value("Message (user) attribute name can not be empty.")
    if len(name) > limits.ATTRIBUTE_NAME_MAX_CHARS:
        raise invalid_parameter_value("Message (user) attribute name can not be longer than 256 characters.")
    if _ATTRIBUTE_NAME.fullmatch(name) is None or ".." in name:
        raise invalid_parameter_value(f"Message (user) attribute name '{name}' is invalid.")


def _check_value(subject: str, name: str, attribute: Attribute) -> None:
    data_type: str = attribute.get("DataType") or ""
    if not data_type:
        raise invalid_parameter_value(f"{subject} must contain non-empty message attribute type.")
    kind = _TYPE.fullmatch(data_type)
    if kind is None or len(data_type) > limits.ATTRIBUTE_TYPE_MAX_CHARS:
        raise invalid_parameter_value(
            f"{subject} has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        )
    if attribute.get("StringListValues") or attribute.get("BinaryListValues"):
        raise errors.list_values_unsupported()
    text, data = attribute.get("StringValue"), attribute.get("BinaryValue")
    if kind[1] == "Binary":
        if text and not data:
            raise _wrong_field(subject, data_type, "Binary")
        if not data:
            raise _empty_value(subject, data_type)
        return
    if data and not text:
        raise _wrong_field(subject, data_type, "String")
    if not text:
        raise _empty_value(subject, data_type)
    check_text(text)
    if kind[1] == "Number":
        _check_number(name, text)


def _empty_value(subject: str, data_type: str) -> AwsError:
    return invalid_parameter_value(
        f"{subject} must contain non-empty message attribute value for message attribute type '{data_type}'."
    )


def _wrong_field(subject: str, data_type: str, field: str) -> AwsError:
    return invalid_parameter_value(f"{subject} with type '{data_type}' must use field '{field}'.")


def _check_number(name: str, text: str) -> None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    # Decimal also reads "1_000", " 5", other scripts' digits and Infinity.
    good = number.is_finite() and text.isascii() and "_" not in text and text == text.strip()
    if good and number:
        digits = "".join(map(str, number.as_tuple().digits)).strip("0")
        in_range = limits.NUMBER_EXPONENT_MIN <= number.adjusted() <= limits.NUMBER_EXPONENT_MAX
        good = in_range and len(digits) <= limits.NUMBER_DIGITS_MAX
    if not good:
        raise invalid_parameter_value(f"Can't cast the value of message (user) attribute '{name}' to a number.")
