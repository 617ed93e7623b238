"""The SMS sandbox: numbers that an account in it may send to, each verified with a one-time password.

Our accounts are not in the sandbox, so that no message is refused because of it; the numbers can be managed all the same.
The password is captured as a text message: `/_aws/sns/sms-messages` (lookups.py) shows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.service import operation
from services.sns import errors, limits
from services.sns.pages import page
from services.sns.sms import check_opted_in, check_page_size, is_phone_number
from services.sns.state import SandboxNumber

if TYPE_CHECKING:
    from services.sns.sms import ListNumbersRequest
    from services.sns.state import SnsContext

LANGUAGES = (
    "en-US",
    "en-GB",
    "es-419",
    "es-ES",
    "de-DE",
    "fr-CA",
    "fr-FR",
    "it-IT",
    "ja-JP",
    "pt-BR",
    "kr-KR",
    "zh-CN",
    "zh-TW",
)
_NUMBER_MAX_CHARS = 20
_NUMBER = r"^(\+[0-9]{8,}|[0-9]{0,9})$"
"""AWS's pattern; what it lets through has to be a phone number as well."""

_CODE = r"^[0-9]+$"
_CODE_CHARS = range(5, 9)


class SandboxRequest(TypedDict, total=False):
    """Any request about one number of the sandbox."""

    PhoneNumber: str


class CreateSandboxNumberRequest(SandboxRequest, total=False):
    """CreateSMSSandboxPhoneNumber."""

    LanguageCode: str


class VerifySandboxNumberRequest(SandboxRequest, total=False):
    """VerifySMSSandboxPhoneNumber."""

    OneTimePassword: str


@operation("CreateSMSSandboxPhoneNumber")
def create_sms_sandbox_phone_number(ctx: SnsContext, request: CreateSandboxNumberRequest) -> dict[str, Any]:
    """Add a number and send it a password; a number that waits for one gets a new one, a verified number stays verified.

    Raises ValidationError, InvalidParameter, OptedOut, UserError.
    """
    number = _check_number(request)
    language = request.get("LanguageCode", LANGUAGES[0])
    if language not in LANGUAGES:
        constraint = f"Member must satisfy enum value set: [{', '.join(LANGUAGES)}]"
        raise errors.validation_error(language, "languageCode", constraint)
    phones = ctx.state.phones
    check_opted_in(phones, number)
    known = phones.sandbox.get(number)
    if known is None and len(phones.sandbox) >= limits.SANDBOX_NUMBERS_MAX:
        raise errors.user_error(f"The SMS sandbox holds up to {limits.SANDBOX_NUMBERS_MAX} phone numbers.")
    if known is None or not known.verified:
        code = ctx.emulator.ids.text(limits.SANDBOX_CODE_DIGITS, "0123456789")
        phones.sandbox[number] = SandboxNumber(number, code, ctx.now_ms)
        _send(ctx, number, code)
    return {}


@operation("VerifySMSSandboxPhoneNumber")
def verify_sms_sandbox_phone_number(ctx: SnsContext, request: VerifySandboxNumberRequest) -> dict[str, Any]:
    """Verify a number with the password that it was sent.

    Raises ValidationError, InvalidParameter, ResourceNotFound, VerificationException.
    """
    number, code = _check_number(request), _check_code(request.get("OneTimePassword"))
    known = _find(ctx, number)
    if known.verified:
        return {}
    if known.attempts >= limits.SANDBOX_ATTEMPTS_MAX:
        raise errors.verification_failed("Too many wrong one-time passwords. Ask for a new one.")
    if ctx.now_ms - known.code_ms >= limits.SANDBOX_CODE_VALID_MS:
        raise errors.verification_failed("The one-time password has expired. Ask for a new one.")
    if code != known.code:
        known.attempts += 1
        raise errors.verification_failed("The one-time password is invalid.")
    known.verified = True
    return {}


@operation("DeleteSMSSandboxPhoneNumber")
def delete_sms_sandbox_phone_number(ctx: SnsContext, request: SandboxRequest) -> dict[str, Any]:
    """Take a number out, verified or not. Raises ValidationError, InvalidParameter, ResourceNotFound."""
    known = _find(ctx, _check_number(request))
    del ctx.state.phones.sandbox[known.number]
    return {}


@operation("ListSMSSandboxPhoneNumbers")
def list_sms_sandbox_phone_numbers(ctx: SnsContext, request: ListNumbersRequest) -> dict[str, Any]:
    """List the numbers with their statuses, in pages. Raises ValidationError, InvalidParameter."""
    size = check_page_size(request.get("MaxResults"), limits.PAGE_MAX)
    numbers, token = page(sorted(ctx.state.phones.sandbox.items()), request.get("NextToken"), size)
    shown = [{"PhoneNumber": known.number, "Status": "Verified" if known.verified else "Pending"} for known in numbers]
    return {"PhoneNumbers": shown, "NextToken": token}


@operation("GetSMSSandboxAccountStatus")
def get_sms_sandbox_account_status(_: SnsContext, __: dict[str, Any]) -> dict[str, Any]:
    """Tell that the account is not in the sandbox."""
    return {"IsInSandbox": False}


def _check_number(request: SandboxRequest) -> str:
    number = request.get("PhoneNumber")
    if number is None:
        raise errors.missing("phoneNumber")
    if len(number) > _NUMBER_MAX_CHARS:
        constraint = f"Member must have length less than or equal to {_NUMBER_MAX_CHARS}"
        raise errors.hidden_validation_error("phoneNumber", constraint)
    if re.fullmatch(_NUMBER, number) is None:
        constraint = f"Member must satisfy regular expression pattern: {_NUMBER}"
        raise errors.hidden_validation_error("phoneNumber", constraint)
    if not is_phone_number(number):
        raise errors.bad_phone_number()
    return number


def _check_code(code: str | None) -> str:
    if code is None:
        raise errors.missing("oneTimePassword")
    if len(code) not in _CODE_CHARS:
        bound = f"greater than or equal to {_CODE_CHARS[0]}"
        if len(code) > _CODE_CHARS[-1]:
            bound = f"less than or equal to {_CODE_CHARS[-1]}"
        raise errors.validation_error(code, "oneTimePassword", f"Member must have length {bound}")
    if re.fullmatch(_CODE, code) is None:
        constraint = f"Member must satisfy regular expression pattern: {_CODE}"
        raise errors.validation_error(code, "oneTimePassword", constraint)
    return code


def _find(ctx: SnsContext, number: str) -> SandboxNumber:
    known = ctx.state.phones.sandbox.get(number)
    if known is None:
        raise errors.resource_not_found()
    return known


def _send(ctx: SnsContext, number: str, code: str) -> None:
    text = f"{code} is your Amazon SNS sandbox verification code."
    ctx.state.captures.add_sms(
        {"PhoneNumber": number, "MessageId": ctx.emulator.ids.uuid(), "Message": text, "MessageAttributes": {}}
    )
