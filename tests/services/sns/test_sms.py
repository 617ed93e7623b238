"""Text messages: the account's settings, numbers that opted out, and what a message to a phone must be like."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_wire import query_call, query_error, signed

NUMBER = "+15550100"
DAY_S = 86_400
MISSING = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
BAD_FORM = ("InvalidParameter", "Invalid parameter: PhoneNumber Reason: input incorrectly formatted", 400)
BAD_NUMBERS = [
    "",
    "15550100",
    "+",
    "+1",
    "+0555010",
    "+1555010a",
    "+1 555 0100",
    "+1234567890123456",
    "+٣555010",
    "a@b.c",
]
ROLE = "arn:aws:iam::000000000000:role/sms"


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


def opt_out(cloud: Harness, *numbers: str, account: str = "", region: str = "") -> None:
    """Let numbers say STOP."""
    for number in numbers:
        query = f"phoneNumber={quote(number, safe='')}&accountId={account}&region={region}"
        assert cloud.request("POST", "/_aws/sns/opted-out-numbers", query=query).status == 201


def is_out(sns: Any, number: str = NUMBER) -> bool:
    return sns.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"]


def opted_out(sns: Any) -> list[str]:
    return sns.list_phone_numbers_opted_out()["phoneNumbers"]


def settings(sns: Any, *names: str) -> dict[str, str]:
    return sns.get_sms_attributes(**({"attributes": list(names)} if names else {})).get("attributes", {})


def raw_error(cloud: Harness, action: str, **parameters: str) -> tuple[str, str, int]:
    """Get the error of a call that boto3 would not make."""
    form = {"Version": "2010-03-31", **parameters}
    return query_error(query_call(cloud, action, form, headers=signed(service="sns")))


def invalid(reason: str) -> tuple[str, str, int]:
    return "InvalidParameter", f"Invalid parameter: {reason}", 400


# Settings.


def test_an_account_may_spend_one_dollar_and_has_no_other_setting(sns: Any) -> None:
    assert settings(sns) == {"MonthlySpendLimit": "1"}


def test_settings_are_kept(sns: Any) -> None:
    given = {
        "MonthlySpendLimit": "12.50",
        "DeliveryStatusIAMRole": ROLE,
        "DeliveryStatusSuccessSamplingRate": "100",
        "DefaultSenderID": "Shop24",
        "DefaultSMSType": "Transactional",
        "UsageReportS3Bucket": "reports",
    }
    sns.set_sms_attributes(attributes=given)
    assert settings(sns) == given


def test_setting_one_leaves_the_others(sns: Any) -> None:
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional"})
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop"})
    assert settings(sns) == {"MonthlySpendLimit": "1", "DefaultSMSType": "Promotional", "DefaultSenderID": "Shop"}


def test_an_empty_value_brings_the_default_back(sns: Any) -> None:
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional", "MonthlySpendLimit": "5"})
    sns.set_sms_attributes(attributes={"DefaultSMSType": "", "MonthlySpendLimit": ""})
    assert settings(sns) == {"MonthlySpendLimit": "1"}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["DefaultSenderID"], {"DefaultSenderID": "Shop"}),
        (["MonthlySpendLimit", "DefaultSenderID"], {"MonthlySpendLimit": "1", "DefaultSenderID": "Shop"}),
        (["DefaultSMSType"], {}),
    ],
)
def test_only_the_settings_that_were_asked_for_are_shown(sns: Any, names: list[str], shown: dict[str, str]) -> None:
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop"})
    assert settings(sns, *names) == shown


@pytest.mark.parametrize("name", ["Colour", "DefaultSendID", "monthlySpendLimit"])
def test_an_unknown_setting_is_refused(sns: Any, name: str) -> None:
    seen = error_of(sns.set_sms_attributes, attributes={name: "1"})
    assert seen == ("InvalidParameter", f"{name} is not a valid attribute", 400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MonthlySpendLimit", "much"),
        ("MonthlySpendLimit", "-1"),
        ("MonthlySpendLimit", "NaN"),
        ("MonthlySpendLimit", "Infinity"),
        ("DeliveryStatusIAMRole", "role"),
        ("DeliveryStatusSuccessSamplingRate", "101"),
        ("DeliveryStatusSuccessSamplingRate", "5%"),
        ("DefaultSenderID", "123"),
        ("DefaultSenderID", "twelve-chars"),
        ("DefaultSenderID", "ABCDEFGHIJKL"),
        ("DefaultSenderID", "My Shop"),
        ("DefaultSMSType", "transactional"),
        ("DefaultSMSType", "Urgent"),
    ],
)
def test_a_bad_setting_is_refused_and_nothing_is_set(sns: Any, name: str, value: str) -> None:
    seen = error_of(sns.set_sms_attributes, attributes={"UsageReportS3Bucket": "b", name: value})
    assert seen == ("InvalidParameter", f"{name} is invalid", 400)
    assert settings(sns) == {"MonthlySpendLimit": "1"}


def test_setting_nothing_is_refused(cloud: Harness) -> None:
    assert raw_error(cloud, "SetSMSAttributes") == ("ValidationError", MISSING.format("attributes"), 400)


def test_each_account_and_region_has_its_own_settings(cloud: Harness, sns: Any) -> None:
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop"})
    for account, region in (("test", "eu-west-1"), ("111111111111", "us-east-1")):
        assert settings(cloud.client("sns", account=account, region=region)) == {"MonthlySpendLimit": "1"}


# Numbers that opted out.


@pytest.mark.parametrize("number", [NUMBER, "+15550199", "+4915112345678"])
def test_no_number_has_opted_out_by_itself(sns: Any, number: str) -> None:
    assert is_out(sns, number) is False
    assert opted_out(sns) == []


def test_a_number_that_opted_out_is_told_and_listed(cloud: Harness, sns: Any) -> None:
    opt_out(cloud, "+15550102", "+15550101")
    assert is_out(sns, "+15550101") is True
    assert is_out(sns, "+15550103") is False
    assert opted_out(sns) == ["+15550101", "+15550102"]


def test_each_account_and_region_has_its_own_opted_out_numbers(cloud: Harness, sns: Any) -> None:
    opt_out(cloud, NUMBER, account="111111111111", region="eu-west-1")
    assert is_out(cloud.client("sns", account="111111111111", region="eu-west-1")) is True
    assert is_out(cloud.client("sns", account="111111111111")) is False
    assert is_out(sns) is False


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize("call", ["check_if_phone_number_is_opted_out", "opt_in_phone_number"])
def test_what_is_no_phone_number_is_refused(sns: Any, call: str, number: str) -> None:
    assert error_of(getattr(sns, call), phoneNumber=number) == BAD_FORM


@pytest.mark.parametrize("action", ["CheckIfPhoneNumberIsOptedOut", "OptInPhoneNumber"])
def test_a_number_must_be_given(cloud: Harness, action: str) -> None:
    assert raw_error(cloud, action) == ("ValidationError", MISSING.format("phoneNumber"), 400)


def test_opted_out_numbers_come_in_pages_of_a_hundred(cloud: Harness, sns: Any) -> None:
    numbers = [f"+1555{number:04}" for number in range(101)]
    opt_out(cloud, *numbers)
    first = sns.list_phone_numbers_opted_out()
    assert first["phoneNumbers"] == numbers[:100]
    second = sns.list_phone_numbers_opted_out(nextToken=first["nextToken"])
    assert second["phoneNumbers"] == numbers[100:]
    assert "nextToken" not in second


def test_a_bad_token_of_the_opted_out_numbers_is_refused_in_their_spelling(sns: Any) -> None:
    assert error_of(sns.list_phone_numbers_opted_out, nextToken="x") == invalid("nextToken")


def test_a_number_can_be_opted_in_again(cloud: Harness, sns: Any) -> None:
    opt_out(cloud, NUMBER)
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    assert is_out(sns) is False
    assert opted_out(sns) == []


def test_opting_in_a_number_that_never_was_out_succeeds(cloud: Harness, sns: Any) -> None:
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    opt_out(cloud, NUMBER)
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    assert is_out(sns) is False


def test_a_number_can_be_opted_in_once_in_30_days(cloud: Harness, sns: Any) -> None:
    opt_out(cloud, NUMBER)
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    opt_out(cloud, NUMBER)
    cloud.advance(30 * DAY_S - 0.001)
    seen = error_of(sns.opt_in_phone_number, phoneNumber=NUMBER)
    assert seen == invalid("PhoneNumber Reason: a phone number can be opted in only once every 30 days")
    assert is_out(sns) is True
    cloud.advance(0.001)
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    assert is_out(sns) is False


# Numbers to send from.


def test_an_account_has_no_origination_numbers(sns: Any) -> None:
    answer = sns.list_origination_numbers(MaxResults=30)
    assert answer["PhoneNumbers"] == []
    assert "NextToken" not in answer


@pytest.mark.parametrize(("size", "bound"), [(0, "greater than or equal to 1"), (31, "less than or equal to 30")])
def test_a_page_of_origination_numbers_holds_1_to_30(cloud: Harness, size: int, bound: str) -> None:
    message = f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value {bound}"
    assert raw_error(cloud, "ListOriginationNumbers", MaxResults=str(size)) == ("ValidationError", message, 400)


def test_a_bad_token_of_the_origination_numbers_is_refused(sns: Any) -> None:
    assert error_of(sns.list_origination_numbers, NextToken="x") == invalid("NextToken")


# Publishing to a phone.


def attribute(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


@pytest.mark.parametrize("number", [NUMBER, "+123456789012345", "+4915112345678"])
def test_a_phone_number_can_be_published_to(sns: Any, number: str) -> None:
    assert sns.publish(PhoneNumber=number, Message="hello")["MessageId"]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_what_is_no_phone_number_cannot_be_published_to(sns: Any, number: str) -> None:
    expected = invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    assert error_of(sns.publish, PhoneNumber=number, Message="hello") == expected


def test_a_number_that_opted_out_cannot_be_published_to_until_it_is_in_again(cloud: Harness, sns: Any) -> None:
    opt_out(cloud, NUMBER)
    seen = error_of(sns.publish, PhoneNumber=NUMBER, Message="hello")
    assert seen == ("OptedOut", "Phone number is opted out", 400)
    sns.opt_in_phone_number(phoneNumber=NUMBER)
    assert sns.publish(PhoneNumber=NUMBER, Message="hello")["MessageId"]


def test_a_text_message_may_have_1600_characters(sns: Any) -> None:
    assert sns.publish(PhoneNumber=NUMBER, Message="é" * 1600)["MessageId"]


def test_a_text_message_beyond_1600_characters_is_refused(sns: Any) -> None:
    assert error_of(sns.publish, PhoneNumber=NUMBER, Message="x" * 1601) == invalid("Message too long")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS.SNS.SMS.SenderID", attribute("Shop24")),
        ("AWS.SNS.SMS.SenderID", attribute("ABCDEFGHIJK")),
        ("AWS.SNS.SMS.MaxPrice", attribute("0.50", "Number")),
        ("AWS.SNS.SMS.SMSType", attribute("Promotional")),
        ("AWS.SNS.SMS.SMSType", attribute("Transactional")),
        ("AWS.MM.SMS.OriginationNumber", attribute("+15550123")),
        ("AWS.MM.SMS.OriginationNumber", attribute("12345")),
        ("AWS.MM.SMS.EntityId", attribute("x" * 50)),
        ("AWS.MM.SMS.TemplateId", attribute("1")),
        ("AWS.SNS.MOBILE.GCM.TTL", attribute("60")),
        ("colour", attribute("blue")),
    ],
)
def test_a_good_message_attribute_is_taken(sns: Any, name: str, value: dict[str, str]) -> None:
    assert sns.publish(PhoneNumber=NUMBER, Message="hello", MessageAttributes={name: value})["MessageId"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        *(
            (
                "AWS.SNS.SMS.SenderID",
                attribute(text),
                "must be 1 to 11 letters and digits with at least one letter",
            )
            for text in ("ABCDEFGHIJKL", "12345", "My Shop")
        ),
        ("AWS.SNS.SMS.MaxPrice", attribute("cheap"), "must be an amount in USD"),
        ("AWS.SNS.SMS.MaxPrice", attribute("-1", "Number"), "must be an amount in USD"),
        ("AWS.SNS.SMS.SMSType", attribute("Urgent"), "must be Promotional or Transactional"),
        ("AWS.MM.SMS.OriginationNumber", attribute("1234"), "must be 5 to 14 digits, with or without a plus"),
        ("AWS.MM.SMS.EntityId", attribute("x" * 51), "must be 1 to 50 characters long"),
        ("AWS.MM.SMS.TemplateId", attribute("x" * 51), "must be 1 to 50 characters long"),
    ],
)
def test_a_bad_message_attribute_is_refused(sns: Any, name: str, value: dict[str, str], reason: str) -> None:
    seen = error_of(sns.publish, PhoneNumber=NUMBER, Message="hello", MessageAttributes={name: value})
    assert seen == invalid(f"{name} Reason: {reason}")
