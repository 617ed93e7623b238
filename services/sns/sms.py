"""Text messages: the account's settings, who does not want any, and what a message to a phone must be like.

AWS has no operation by which a number opts out (its owner answers STOP): lookups.py has one for tests.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.service import operation
from services.sns import errors, limits
from services.sns.applications import is_percentage
from services.sns.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.sns.requests import Attributes
    from services.sns.state import Phones, SnsContext

TYPES = ("Promotional", "Transactional")
DEFAULTS = {"MonthlySpendLimit": "1"}
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SENDER_ID = re.compile(rf"(?=.*[A-Za-z])[A-Za-z0-9]{{1,{limits.SENDER_ID_MAX_CHARS}}}")
_ORIGINATION_NUMBER = re.compile(r"\+?[0-9]{5,14}")
_REGISTERED_ID = re.compile(r".{1,50}", re.DOTALL)


class GetSmsAttributesRequest(TypedDict, total=False):
    """GetSMSAttributes."""

    attributes: list[str]


class SetSmsAttributesRequest(TypedDict, total=False):
    """SetSMSAttributes."""

    attributes: dict[str, str]


class PhoneRequest(TypedDict, total=False):
    """Any request about one phone number, in the older operations' spelling."""

    phoneNumber: str


class ListOptedOutRequest(TypedDict, total=False):
    """ListPhoneNumbersOptedOut."""

    nextToken: str


class ListNumbersRequest(TypedDict, total=False):
    """ListOriginationNumbers, ListSMSSandboxPhoneNumbers."""

    NextToken: str
    MaxResults: int


def _is_amount(value: str) -> bool:
    """Whether a text is an amount of money, in US dollars."""
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0


CHECKS: Mapping[str, Callable[[str], object]] = {
    "MonthlySpendLimit": _is_amount,
    "DeliveryStatusIAMRole": lambda value: value.startswith("arn:"),
    "DeliveryStatusSuccessSamplingRate": is_percentage,
    "DefaultSenderID": _SENDER_ID.fullmatch,
    "DefaultSMSType": TYPES.__contains__,
    "UsageReportS3Bucket": lambda _: True,
}
"""The attributes that an account has, and what their values must be."""

_REASONS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "AWS.SNS.SMS.SenderID": (_SENDER_ID.fullmatch, "must be 1 to 11 letters and digits with at least one letter"),
    "AWS.SNS.SMS.MaxPrice": (_is_amount, "must be an amount in USD"),
    "AWS.SNS.SMS.SMSType": (TYPES.__contains__, "must be Promotional or Transactional"),
    "AWS.MM.SMS.OriginationNumber": (_ORIGINATION_NUMBER.fullmatch, "must be 5 to 14 digits, with or without a plus"),
    "AWS.MM.SMS.EntityId": (_REGISTERED_ID.fullmatch, "must be 1 to 50 characters long"),
    "AWS.MM.SMS.TemplateId": (_REGISTERED_ID.fullmatch, "must be 1 to 50 characters long"),
}
"""The message attributes that mean something to a text message, what their values must be, and how to say so."""


@operation("GetSMSAttributes")
def get_sms_attributes(ctx: SnsContext, request: GetSmsAttributesRequest) -> dict[str, Any]:
    """Show the settings that were asked for, or all; those that were never set are left out."""
    known = {**DEFAULTS, **ctx.state.phones.attributes}
    names = request.get("attributes")
    return {"attributes": {name: value for name, value in known.items() if not names or name in names}}


@operation("SetSMSAttributes")
def set_sms_attributes(ctx: SnsContext, request: SetSmsAttributesRequest) -> dict[str, Any]:
    """Set some settings; an empty value brings the default back. Raises ValidationError, InvalidParameter."""
    given = request.get("attributes")
    if not given:
        raise errors.missing("attributes")
    for name, value in given.items():
        if name not in CHECKS:
            raise errors.unknown_sms_attribute(name)
        if value and not CHECKS[name](value):
            raise errors.invalid_sms_attribute(name)
    merged = {**ctx.state.phones.attributes, **given}
    ctx.state.phones.attributes = {name: value for name, value in merged.items() if value}
    return {}


@operation("CheckIfPhoneNumberIsOptedOut")
def check_if_phone_number_is_opted_out(ctx: SnsContext, request: PhoneRequest) -> dict[str, Any]:
    """Tell whether a number does not want messages. Raises ValidationError, InvalidParameter."""
    return {"isOptedOut": _check_form(request.get("phoneNumber")) in ctx.state.phones.opted_out}


@operation("ListPhoneNumbersOptedOut")
def list_phone_numbers_opted_out(ctx: SnsContext, request: ListOptedOutRequest) -> dict[str, Any]:
    """List the numbers that do not want messages, in pages. Raises InvalidParameter."""
    numbers = [(number, number) for number in sorted(ctx.state.phones.opted_out)]
    shown, token = page(numbers, request.get("nextToken"), limits.PAGE_MAX, "nextToken")
    return {"phoneNumbers": shown, "nextToken": token}


@operation("OptInPhoneNumber")
def opt_in_phone_number(ctx: SnsContext, request: PhoneRequest) -> dict[str, Any]:
    """Send messages to a number again; once in 30 days. A number that is not out stays in.

    Raises ValidationError, InvalidParameter.
    """
    number = _check_form(request.get("phoneNumber"))
    phones = ctx.state.phones
    if number in phones.opted_out:
        last_ms = phones.opted_in_ms.get(number)
        if last_ms is not None and ctx.now_ms - last_ms < limits.OPT_IN_WAIT_MS:
            raise errors.invalid_parameter("PhoneNumber Reason: a phone number can be opted in only once every 30 days")
        del phones.opted_out[number]
        phones.opted_in_ms[number] = ctx.now_ms
    return {}


@operation("ListOriginationNumbers")
def list_origination_numbers(_: SnsContext, request: ListNumbersRequest) -> dict[str, Any]:
    """List the account's own numbers: none, since AWS has no operation that buys one. Raises ValidationError, InvalidParameter."""
    check_page_size(request.get("MaxResults"), limits.ORIGINATION_NUMBERS_PAGE_MAX)
    none: list[tuple[str, dict[str, Any]]] = []
    shown, token = page(none, request.get("NextToken"), limits.ORIGINATION_NUMBERS_PAGE_MAX)
    return {"PhoneNumbers": shown, "NextToken": token}


def opt_out(phones: Phones, number: str, now_ms: int) -> None:
    """Let a number's owner say STOP."""
    phones.opted_out[number] = now_ms


def is_phone_number(text: str) -> bool:
    """Whether a text is a phone number in the form of E.164."""
    return _E164.fullmatch(text) is not None


def check_phone_number(text: str) -> str:
    """Check a number that is published to. Raises InvalidParameter."""
    if not is_phone_number(text):
        raise errors.cannot_publish_to(text)
    return text


def check_opted_in(phones: Phones, number: str) -> None:
    """Check that the number's owner wants messages. Raises OptedOut."""
    if number in phones.opted_out:
        raise errors.opted_out()


def check_text(text: str) -> str:
    """Check the length of a text message. Raises InvalidParameter."""
    if len(text) > limits.SMS_MAX_CHARS:
        raise errors.invalid_parameter("Message too long")
    return text


def check_message_attributes(attributes: Attributes) -> None:
    """Check the message attributes that mean something to a text message; others may be what they like. Raises InvalidParameter."""
    for name, (good, reason) in _REASONS.items():
        value = attributes.get(name)
        if value is not None and not good(value.get("StringValue", "")):
            raise errors.invalid_parameter(f"{name} Reason: {reason}")


def check_page_size(size: int | None, size_max: int) -> int:
    """Check a MaxResults, which is `size_max` where it is missing. Raises ValidationError."""
    if size is None:
        return size_max
    if size < 1:
        raise errors.validation_error(size, "maxResults", "Member must have value greater than or equal to 1")
    if size > size_max:
        raise errors.validation_error(size, "maxResults", f"Member must have value less than or equal to {size_max}")
    return size


def _check_form(number: str | None) -> str:
    if number is None:
        raise errors.missing("phoneNumber")
    if not is_phone_number(number):
        raise errors.bad_phone_number()
    return number
