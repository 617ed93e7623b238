"""The SMS sandbox: numbers, one-time passwords that can be read in the captured text messages, statuses, pages."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_wire import query_call, query_error, signed

NUMBER = "+15550100"
MINUTE_S = 60
PATTERN = r"^(\+[0-9]{8,}|[0-9]{0,9})$"
MISSING = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
UNKNOWN = ("ResourceNotFound", "Resource does not exist", 404)
WRONG = ("VerificationException", "The one-time password is invalid.", 400)


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


def codes(cloud: Harness, number: str = NUMBER, account: str = "", region: str = "") -> list[str]:
    """Read the passwords that a number was sent."""
    query = f"phoneNumber={quote(number)}&accountId={account}&region={region}"
    shown = json.loads(cloud.request("GET", "/_aws/sns/sms-messages", query=query).body)["sms_messages"][number]
    return [re.findall(r"\b[0-9]{6}\b", message["Message"])[0] for message in shown]


def other_than(code: str) -> str:
    return "111111" if code != "111111" else "222222"


def add(sns: Any, number: str = NUMBER, **more: str) -> None:
    sns.create_sms_sandbox_phone_number(PhoneNumber=number, **more)


def verify(sns: Any, code: str, number: str = NUMBER) -> None:
    sns.verify_sms_sandbox_phone_number(PhoneNumber=number, OneTimePassword=code)


def refused(sns: Any, code: str) -> tuple[str, str, int]:
    return error_of(sns.verify_sms_sandbox_phone_number, PhoneNumber=NUMBER, OneTimePassword=code)


def statuses(sns: Any) -> dict[str, str]:
    return {found["PhoneNumber"]: found["Status"] for found in sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"]}


def raw_error(cloud: Harness, action: str, **parameters: str) -> tuple[str, str, int]:
    """Get the error of a call that boto3 would not make."""
    form = {"Version": "2010-03-31", **parameters}
    return query_error(query_call(cloud, action, form, headers=signed(service="sns")))


def test_an_account_is_not_in_the_sandbox(sns: Any) -> None:
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is False


# Adding.


def test_a_new_number_is_pending_and_gets_a_password(cloud: Harness, sns: Any) -> None:
    add(sns)
    assert statuses(sns) == {NUMBER: "Pending"}
    (code,) = codes(cloud)
    assert len(code) == 6


def test_a_password_is_a_text_message_of_no_topic(cloud: Harness, sns: Any) -> None:
    add(sns)
    answer = cloud.request("GET", "/_aws/sns/sms-messages")
    (message,) = json.loads(answer.body)["sms_messages"][NUMBER]
    assert message.pop("MessageId")
    assert message == {
        "PhoneNumber": NUMBER,
        "TopicArn": None,
        "SubscriptionArn": None,
        "Message": f"{codes(cloud)[0]} is your Amazon SNS sandbox verification code.",
        "MessageAttributes": {},
        "MessageStructure": None,
        "Subject": None,
    }


def test_a_pending_number_that_is_added_again_gets_a_new_password_and_the_old_one_is_void(
    cloud: Harness, sns: Any
) -> None:
    add(sns)
    add(sns)
    old, new = codes(cloud)
    assert old != new
    assert refused(sns, old) == WRONG
    verify(sns, new)


def test_a_verified_number_that_is_added_again_stays_verified_and_gets_no_password(cloud: Harness, sns: Any) -> None:
    add(sns)
    verify(sns, codes(cloud)[0])
    add(sns)
    assert statuses(sns) == {NUMBER: "Verified"}
    assert len(codes(cloud)) == 1


def test_ten_numbers_fit_in(sns: Any) -> None:
    numbers = [f"+1555010{digit}" for digit in range(10)]
    for number in numbers:
        add(sns, number)
    seen = error_of(sns.create_sms_sandbox_phone_number, PhoneNumber="+15550200")
    assert seen == ("UserError", "The SMS sandbox holds up to 10 phone numbers.", 400)
    add(sns, numbers[0])
    sns.delete_sms_sandbox_phone_number(PhoneNumber=numbers[3])
    add(sns, "+15550200")
    assert len(statuses(sns)) == 10


def test_a_number_that_opted_out_is_refused(cloud: Harness, sns: Any) -> None:
    cloud.request("POST", "/_aws/sns/opted-out-numbers", query=f"phoneNumber={quote(NUMBER)}")
    seen = error_of(sns.create_sms_sandbox_phone_number, PhoneNumber=NUMBER)
    assert seen == ("OptedOut", "Phone number is opted out", 400)
    assert statuses(sns) == {}


@pytest.mark.parametrize("language", ["en-US", "de-DE", "zh-TW"])
def test_a_known_language_is_taken(sns: Any, language: str) -> None:
    add(sns, LanguageCode=language)
    assert statuses(sns) == {NUMBER: "Pending"}


def test_an_unknown_language_is_refused(sns: Any) -> None:
    code, message, status = error_of(sns.create_sms_sandbox_phone_number, PhoneNumber=NUMBER, LanguageCode="tlh")
    assert (code, status) == ("ValidationError", 400)
    assert message.startswith(
        "1 validation error detected: Value 'tlh' at 'languageCode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [en-US, en-GB, es-419, "
    )


# Numbers that are none.

OPERATIONS = ["CreateSMSSandboxPhoneNumber", "VerifySMSSandboxPhoneNumber", "DeleteSMSSandboxPhoneNumber"]


@pytest.mark.parametrize("action", OPERATIONS)
@pytest.mark.parametrize("number", ["+1555", "number", "+1 555 0100", "1234567890"])
def test_a_number_that_misses_the_pattern_is_refused_without_being_quoted(
    cloud: Harness, action: str, number: str
) -> None:
    constraint = f"Member must satisfy regular expression pattern: {PATTERN}"
    message = f"1 validation error detected: Value at 'phoneNumber' failed to satisfy constraint: {constraint}"
    seen = raw_error(cloud, action, PhoneNumber=number, OneTimePassword="123456")
    assert seen == ("ValidationError", message, 400)


@pytest.mark.parametrize("action", OPERATIONS)
def test_a_number_beyond_20_characters_is_refused(cloud: Harness, action: str) -> None:
    constraint = "Member must have length less than or equal to 20"
    message = f"1 validation error detected: Value at 'phoneNumber' failed to satisfy constraint: {constraint}"
    seen = raw_error(cloud, action, PhoneNumber="+" + "1" * 20, OneTimePassword="123456")
    assert seen == ("ValidationError", message, 400)


@pytest.mark.parametrize("action", OPERATIONS)
@pytest.mark.parametrize("number", ["", "5550100", "+01234567", "+1234567890123456"])
def test_a_number_that_fits_the_pattern_must_be_one_of_e164(cloud: Harness, action: str, number: str) -> None:
    message = "Invalid parameter: PhoneNumber Reason: input incorrectly formatted"
    seen = raw_error(cloud, action, PhoneNumber=number, OneTimePassword="123456")
    assert seen == ("InvalidParameter", message, 400)


@pytest.mark.parametrize("action", OPERATIONS)
def test_a_number_must_be_given(cloud: Harness, action: str) -> None:
    assert raw_error(cloud, action) == ("ValidationError", MISSING.format("phoneNumber"), 400)


# Verifying.


def test_the_password_verifies_a_number(cloud: Harness, sns: Any) -> None:
    add(sns)
    verify(sns, codes(cloud)[0])
    assert statuses(sns) == {NUMBER: "Verified"}


def test_a_verified_number_can_be_verified_again(cloud: Harness, sns: Any) -> None:
    add(sns)
    code = codes(cloud)[0]
    verify(sns, code)
    cloud.advance(60 * MINUTE_S)
    verify(sns, code)
    assert statuses(sns) == {NUMBER: "Verified"}


def test_a_wrong_password_is_refused_and_the_right_one_still_works(cloud: Harness, sns: Any) -> None:
    add(sns)
    code = codes(cloud)[0]
    assert refused(sns, other_than(code)) == WRONG
    assert statuses(sns) == {NUMBER: "Pending"}
    verify(sns, code)


def test_a_refusal_has_the_class_that_sdks_know(sns: Any) -> None:
    add(sns)
    with pytest.raises(sns.exceptions.VerificationException):
        verify(sns, "00000000")


def test_a_password_of_another_number_is_refused(cloud: Harness, sns: Any) -> None:
    add(sns)
    add(sns, "+15550101")
    assert refused(sns, codes(cloud, "+15550101")[0]) == WRONG


def test_after_five_wrong_passwords_even_the_right_one_is_refused_until_there_is_a_new_one(
    cloud: Harness, sns: Any
) -> None:
    add(sns)
    code = codes(cloud)[0]
    for _ in range(5):
        assert refused(sns, other_than(code)) == WRONG
    too_many = ("VerificationException", "Too many wrong one-time passwords. Ask for a new one.", 400)
    assert refused(sns, code) == too_many
    add(sns)
    verify(sns, codes(cloud)[1])


def test_a_password_expires_after_15_minutes(cloud: Harness, sns: Any) -> None:
    add(sns)
    code = codes(cloud)[0]
    cloud.advance(15 * MINUTE_S)
    expired = ("VerificationException", "The one-time password has expired. Ask for a new one.", 400)
    assert refused(sns, code) == expired
    assert statuses(sns) == {NUMBER: "Pending"}


def test_a_password_is_good_until_the_last_millisecond(cloud: Harness, sns: Any) -> None:
    add(sns)
    cloud.advance(15 * MINUTE_S - 0.001)
    verify(sns, codes(cloud)[0])
    assert statuses(sns) == {NUMBER: "Verified"}


def test_a_number_that_is_not_there_cannot_be_verified(sns: Any) -> None:
    assert refused(sns, "123456") == UNKNOWN


@pytest.mark.parametrize(
    ("code", "constraint"),
    [
        ("1234", "Member must have length greater than or equal to 5"),
        ("123456789", "Member must have length less than or equal to 8"),
        ("12345a", "Member must satisfy regular expression pattern: ^[0-9]+$"),
        ("١٢٣٤٥", "Member must satisfy regular expression pattern: ^[0-9]+$"),
    ],
)
def test_a_password_has_5_to_8_digits(cloud: Harness, code: str, constraint: str) -> None:
    message = (
        f"1 validation error detected: Value '{code}' at 'oneTimePassword' failed to satisfy constraint: {constraint}"
    )
    seen = raw_error(cloud, "VerifySMSSandboxPhoneNumber", PhoneNumber=NUMBER, OneTimePassword=code)
    assert seen == ("ValidationError", message, 400)


def test_a_password_must_be_given(cloud: Harness) -> None:
    seen = raw_error(cloud, "VerifySMSSandboxPhoneNumber", PhoneNumber=NUMBER)
    assert seen == ("ValidationError", MISSING.format("oneTimePassword"), 400)


# Deleting.


@pytest.mark.parametrize("verified", [False, True])
def test_a_number_can_be_deleted_whether_it_is_verified_or_not(cloud: Harness, sns: Any, verified: bool) -> None:
    add(sns)
    if verified:
        verify(sns, codes(cloud)[0])
    sns.delete_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    assert statuses(sns) == {}
    assert error_of(sns.delete_sms_sandbox_phone_number, PhoneNumber=NUMBER) == UNKNOWN


def test_a_number_that_was_deleted_has_to_be_verified_again(cloud: Harness, sns: Any) -> None:
    add(sns)
    verify(sns, codes(cloud)[0])
    sns.delete_sms_sandbox_phone_number(PhoneNumber=NUMBER)
    add(sns)
    assert statuses(sns) == {NUMBER: "Pending"}


# Lists.


def test_no_numbers_are_an_empty_list(sns: Any) -> None:
    answer = sns.list_sms_sandbox_phone_numbers()
    assert answer["PhoneNumbers"] == []
    assert "NextToken" not in answer


def test_numbers_come_in_pages_of_a_size_that_the_caller_chooses(sns: Any) -> None:
    numbers = [f"+1555010{digit}" for digit in range(5)]
    for number in reversed(numbers):
        add(sns, number)
    pages = sns.get_paginator("list_sms_sandbox_phone_numbers").paginate(PaginationConfig={"PageSize": 2})
    assert [[found["PhoneNumber"] for found in page["PhoneNumbers"]] for page in pages] == [
        numbers[:2],
        numbers[2:4],
        numbers[4:],
    ]


@pytest.mark.parametrize(("size", "bound"), [(0, "greater than or equal to 1"), (101, "less than or equal to 100")])
def test_a_page_holds_1_to_100_numbers(cloud: Harness, size: int, bound: str) -> None:
    message = f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value {bound}"
    assert raw_error(cloud, "ListSMSSandboxPhoneNumbers", MaxResults=str(size)) == ("ValidationError", message, 400)


def test_a_bad_token_is_refused(sns: Any) -> None:
    seen = error_of(sns.list_sms_sandbox_phone_numbers, NextToken="x")
    assert seen == ("InvalidParameter", "Invalid parameter: NextToken", 400)


def test_each_account_and_region_has_its_own_numbers(cloud: Harness, sns: Any) -> None:
    other = cloud.client("sns", account="111111111111", region="eu-west-1")
    add(other)
    assert statuses(sns) == {}
    verify(other, codes(cloud, account="111111111111", region="eu-west-1")[0])
    assert statuses(other) == {NUMBER: "Verified"}
