"""Platform endpoints: tokens, attributes, idempotency, lists, and who can be published to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.app import Emulator
from emulator.errors import AwsError
from services.sns.endpoints import find_endpoint
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_wire import UUID, query_call, query_error, signed

APPLICATION = "arn:aws:sns:us-east-1:000000000000:app/GCM/shop"
ENDPOINT = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/shop/6f2b1c3d-0000-4000-8000-0123456789ab"
MISSING = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
NO_ENDPOINT = ("NotFound", "Endpoint does not exist", 404)
NO_TARGET = "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


@pytest.fixture
def app(sns: Any) -> str:
    """The ARN of a platform application."""
    return make_app(sns)


def make_app(sns: Any, name: str = "shop", platform: str = "GCM", **attributes: str) -> str:
    credentials = {"PlatformPrincipal": "who", "PlatformCredential": "secret"}
    answer = sns.create_platform_application(Name=name, Platform=platform, Attributes=credentials | attributes)
    return answer["PlatformApplicationArn"]


def make(sns: Any, app: str, token: str = "token", **more: Any) -> str:
    """Make an endpoint and give its ARN."""
    return sns.create_platform_endpoint(PlatformApplicationArn=app, Token=token, **more)["EndpointArn"]


def refusal(sns: Any, app: str, token: str = "token", **more: Any) -> tuple[str, str, int]:
    return error_of(sns.create_platform_endpoint, PlatformApplicationArn=app, Token=token, **more)


def attributes_of(sns: Any, arn: str) -> dict[str, str]:
    return sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"]


def set_attributes(sns: Any, arn: str, **attributes: str) -> None:
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes=attributes)


def endpoints_of(sns: Any, app: str) -> list[str]:
    listed = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"]
    return [found["EndpointArn"] for found in listed]


def invalid(reason: str) -> tuple[str, str, int]:
    return "InvalidParameter", f"Invalid parameter: {reason}", 400


def taken(arn: str) -> tuple[str, str, int]:
    return invalid(f"Token Reason: Endpoint {arn} already exists with the same Token, but different attributes.")


def raw_error(cloud: Harness, action: str, **parameters: str) -> tuple[str, str, int]:
    """Get the error of a call that boto3 would not make."""
    form = {"Version": "2010-03-31", **parameters}
    return query_error(query_call(cloud, action, form, headers=signed(service="sns")))


# Making.


def test_an_arn_names_platform_application_and_a_number(sns: Any, app: str) -> None:
    assert re.fullmatch(rf"arn:aws:sns:us-east-1:000000000000:endpoint/GCM/shop/{UUID}", make(sns, app))


def test_a_new_endpoint_is_enabled(sns: Any, app: str) -> None:
    assert attributes_of(sns, make(sns, app)) == {"Enabled": "true", "Token": "token"}


def test_attributes_and_user_data_can_be_given_at_once(sns: Any, app: str) -> None:
    arn = make(sns, app, CustomUserData="mine", Attributes={"Enabled": "false"})
    assert attributes_of(sns, arn) == {"Enabled": "false", "Token": "token", "CustomUserData": "mine"}


def test_user_data_among_the_attributes_comes_first(sns: Any, app: str) -> None:
    arn = make(sns, app, CustomUserData="parameter", Attributes={"CustomUserData": "attribute"})
    assert attributes_of(sns, arn)["CustomUserData"] == "attribute"


@pytest.mark.parametrize("token", ["", None])
def test_a_token_must_be_given(cloud: Harness, app: str, token: str | None) -> None:
    parameters = {"PlatformApplicationArn": app, **({} if token is None else {"Token": token})}
    expected = invalid("Token Reason: cannot be empty")
    if token is None:
        expected = ("ValidationError", MISSING.format("token"), 400)
    assert raw_error(cloud, "CreatePlatformEndpoint", **parameters) == expected


@pytest.mark.parametrize(
    ("platform", "token", "shown"),
    [
        ("APNS", "ABCDEF0123456789", "abcdef0123456789"),
        ("APNS_SANDBOX", "AbCd", "abcd"),
        ("APNS", "Not-A-Device-Token", "Not-A-Device-Token"),
        ("GCM", "ABCDEF", "ABCDEF"),
    ],
)
def test_device_tokens_of_apple_are_shown_in_small_letters(sns: Any, platform: str, token: str, shown: str) -> None:
    app = make_app(sns, platform=platform)
    arn = make(sns, app, token)
    assert attributes_of(sns, arn)["Token"] == shown
    assert make(sns, app, shown) == arn


@pytest.mark.parametrize("text", ["x" * 2048, "é" * 1024])
def test_user_data_may_have_2048_bytes(sns: Any, app: str, text: str) -> None:
    assert attributes_of(sns, make(sns, app, CustomUserData=text))["CustomUserData"] == text


@pytest.mark.parametrize("text", ["x" * 2049, "é" * 1025])
def test_user_data_beyond_2048_bytes_is_refused(sns: Any, app: str, text: str) -> None:
    reason = "Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 encoding"
    assert refusal(sns, app, CustomUserData=text) == invalid(f"Attributes Reason: {reason}")
    assert endpoints_of(sns, app) == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Colour": "blue"}, "Invalid attribute name: Colour"),
        ({"ChannelId": "1"}, "Invalid attribute name: ChannelId"),
        ({"Enabled": "maybe"}, "Invalid value for attribute: Enabled: must be true or false"),
    ],
)
def test_a_bad_attribute_is_refused(sns: Any, app: str, attributes: dict[str, str], reason: str) -> None:
    expected = invalid(f"Attributes Reason: {reason}")
    assert refusal(sns, app, Attributes=attributes) == expected
    arn = make(sns, app)
    assert error_of(sns.set_endpoint_attributes, EndpointArn=arn, Attributes=attributes) == expected
    assert attributes_of(sns, arn) == {"Enabled": "true", "Token": "token"}


def test_baidu_has_two_attributes_of_its_own(sns: Any) -> None:
    app = make_app(sns, platform="BAIDU")
    arn = make(sns, app, Attributes={"ChannelId": "1", "UserId": "2"})
    assert attributes_of(sns, arn) == {"Enabled": "true", "Token": "token", "ChannelId": "1", "UserId": "2"}


# The same token again.


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"CustomUserData": "mine"},
        {"Attributes": {"Enabled": "true"}},
        {"Attributes": {"Enabled": "True", "CustomUserData": "mine"}},
    ],
)
def test_the_same_token_with_the_same_attributes_or_none_is_the_same_endpoint(
    sns: Any, app: str, again: dict[str, Any]
) -> None:
    arn = make(sns, app, CustomUserData="mine")
    assert make(sns, app, **again) == arn
    assert endpoints_of(sns, app) == [arn]


@pytest.mark.parametrize(
    "again", [{"CustomUserData": "other"}, {"Attributes": {"Enabled": "false"}}, {"Attributes": {"CustomUserData": ""}}]
)
def test_the_same_token_with_other_attributes_is_refused_with_the_arn(
    sns: Any, app: str, again: dict[str, Any]
) -> None:
    arn = make(sns, app, CustomUserData="mine")
    assert refusal(sns, app, **again) == taken(arn)
    assert attributes_of(sns, arn) == {"Enabled": "true", "Token": "token", "CustomUserData": "mine"}


def test_user_data_that_an_endpoint_does_not_have_is_another_attribute(sns: Any, app: str) -> None:
    arn = make(sns, app)
    assert refusal(sns, app, CustomUserData="new") == taken(arn)


def test_a_disabled_endpoint_is_found_by_its_token_alone(sns: Any, app: str) -> None:
    arn = make(sns, app)
    set_attributes(sns, arn, Enabled="false")
    assert make(sns, app) == arn
    assert attributes_of(sns, arn)["Enabled"] == "false"


def test_the_same_token_in_another_application_is_another_endpoint(sns: Any, app: str) -> None:
    assert make(sns, app) != make(sns, make_app(sns, "other"))


# Attributes.


def test_attributes_can_be_set(sns: Any, app: str) -> None:
    arn = make(sns, app)
    set_attributes(sns, arn, Token="new", Enabled="FALSE", CustomUserData="mine")
    assert attributes_of(sns, arn) == {"Token": "new", "Enabled": "false", "CustomUserData": "mine"}


def test_an_empty_value_takes_user_data_away(sns: Any, app: str) -> None:
    arn = make(sns, app, CustomUserData="mine")
    set_attributes(sns, arn, CustomUserData="")
    assert attributes_of(sns, arn) == {"Enabled": "true", "Token": "token"}


def test_an_endpoint_is_found_by_its_new_token_and_not_by_the_old(sns: Any, app: str) -> None:
    arn = make(sns, app, "old")
    set_attributes(sns, arn, Token="new")
    assert make(sns, app, "new") == arn
    assert make(sns, app, "old") != arn


def test_a_token_of_another_endpoint_cannot_be_set(sns: Any, app: str) -> None:
    first, second = make(sns, app, "1"), make(sns, app, "2")
    seen = error_of(sns.set_endpoint_attributes, EndpointArn=second, Attributes={"Token": "1", "Enabled": "false"})
    assert seen == taken(first)
    assert attributes_of(sns, second) == {"Enabled": "true", "Token": "2"}


def test_an_endpoint_may_be_given_its_own_token(sns: Any, app: str) -> None:
    arn = make(sns, app)
    set_attributes(sns, arn, Token="token", CustomUserData="x")
    assert make(sns, app) == arn


def test_a_token_cannot_be_taken_away(sns: Any, app: str) -> None:
    arn = make(sns, app)
    seen = error_of(sns.set_endpoint_attributes, EndpointArn=arn, Attributes={"Token": ""})
    assert seen == invalid("Token Reason: cannot be empty")


def test_setting_nothing_is_refused(cloud: Harness, sns: Any, app: str) -> None:
    seen = raw_error(cloud, "SetEndpointAttributes", EndpointArn=make(sns, app))
    assert seen == ("ValidationError", MISSING.format("attributes"), 400)


# Deleting and finding.


def test_a_deleted_endpoint_is_gone_and_its_token_is_free(sns: Any, app: str) -> None:
    arn = make(sns, app)
    sns.delete_endpoint(EndpointArn=arn)
    assert error_of(sns.get_endpoint_attributes, EndpointArn=arn) == NO_ENDPOINT
    assert endpoints_of(sns, app) == []
    assert make(sns, app) != arn


def test_deleting_what_does_not_exist_succeeds(sns: Any, app: str) -> None:
    arn = make(sns, app)
    for gone in (arn, arn, ENDPOINT):
        assert sns.delete_endpoint(EndpointArn=gone)["ResponseMetadata"]["HTTPStatusCode"] == 200


def calls(sns: Any) -> dict[str, Any]:
    """Give the calls about one endpoint."""
    return {
        "get": lambda arn: error_of(sns.get_endpoint_attributes, EndpointArn=arn),
        "set": lambda arn: error_of(sns.set_endpoint_attributes, EndpointArn=arn, Attributes={"Enabled": "true"}),
        "delete": lambda arn: error_of(sns.delete_endpoint, EndpointArn=arn),
    }


@pytest.mark.parametrize("call", ["get", "set"])
def test_an_endpoint_that_does_not_exist_is_not_found(sns: Any, call: str) -> None:
    assert calls(sns)[call](ENDPOINT) == NO_ENDPOINT


@pytest.mark.parametrize("call", ["get", "set"])
def test_an_endpoint_is_not_found_under_another_application(sns: Any, app: str, call: str) -> None:
    make_app(sns, "other")
    assert calls(sns)[call](make(sns, app).replace("/shop/", "/other/")) == NO_ENDPOINT


@pytest.mark.parametrize("call", ["get", "set", "delete"])
@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("phone", " Reason: An ARN must have at least 6 elements, not 1"),
        (APPLICATION, " Reason: Wrong number of slashes in relative portion of the ARN."),
        (f"{ENDPOINT}/x", " Reason: Wrong number of slashes in relative portion of the ARN."),
        (ENDPOINT.replace("endpoint/", "app/"), ""),
        (ENDPOINT.replace(":sns:", ":sqs:"), ""),
        (ENDPOINT.replace("us-east-1", "eu-west-1"), ""),
    ],
)
def test_a_malformed_arn_is_refused(sns: Any, call: str, arn: str, reason: str) -> None:
    assert calls(sns)[call](arn) == invalid(f"EndpointArn{reason}")


@pytest.mark.parametrize("call", ["get", "set", "delete"])
def test_an_endpoint_is_closed_to_other_accounts(cloud: Harness, sns: Any, app: str, call: str) -> None:
    arn = make(sns, app)
    code, message, status = calls(cloud.client("sns", account="111111111111"))[call](arn)
    assert (code, status) == ("AuthorizationError", 403)
    assert f"on resource: {arn}" in message
    assert attributes_of(sns, arn)["Enabled"] == "true"


def test_each_account_and_region_has_its_own_endpoints(cloud: Harness) -> None:
    for account, region in (("111111111111", "us-east-1"), ("222222222222", "ap-southeast-2")):
        sns = cloud.client("sns", account=account, region=region)
        arn = make(sns, make_app(sns))
        assert arn.startswith(f"arn:aws:sns:{region}:{account}:endpoint/GCM/shop/")
        assert attributes_of(sns, arn)["Token"] == "token"


# Lists.


def test_endpoints_are_listed_with_their_attributes(sns: Any, app: str) -> None:
    arns = sorted(make(sns, app, token, CustomUserData=token) for token in "abc")
    listed = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"]
    assert [found["EndpointArn"] for found in listed] == arns
    assert [found["Attributes"] for found in listed] == [attributes_of(sns, arn) for arn in arns]


def test_endpoints_come_in_pages_of_a_hundred_and_a_deletion_in_between_loses_none(sns: Any, app: str) -> None:
    arns = sorted(make(sns, app, f"token-{number}") for number in range(205))
    first = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)
    assert [found["EndpointArn"] for found in first["Endpoints"]] == arns[:100]
    for arn in (arns[0], arns[99]):
        sns.delete_endpoint(EndpointArn=arn)
    second = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app, NextToken=first["NextToken"])
    assert [found["EndpointArn"] for found in second["Endpoints"]] == arns[100:200]
    third = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app, NextToken=second["NextToken"])
    assert [found["EndpointArn"] for found in third["Endpoints"]] == arns[200:]
    assert "NextToken" not in third


def test_a_bad_token_of_a_list_is_refused(sns: Any, app: str) -> None:
    seen = error_of(sns.list_endpoints_by_platform_application, PlatformApplicationArn=app, NextToken="x")
    assert seen == invalid("NextToken")


# Publishing to an endpoint.


def publish(sns: Any, arn: str) -> Any:
    return sns.publish(TargetArn=arn, Message="hello")


def test_an_endpoint_can_be_published_to(sns: Any, app: str) -> None:
    assert publish(sns, make(sns, app))["MessageId"]


def test_a_disabled_endpoint_cannot_be_published_to_until_it_is_enabled(sns: Any, app: str) -> None:
    arn = make(sns, app)
    set_attributes(sns, arn, Enabled="false")
    seen = error_of(sns.publish, TargetArn=arn, Message="hello")
    assert seen == ("EndpointDisabled", "Endpoint is disabled", 400)
    set_attributes(sns, arn, Enabled="true")
    assert publish(sns, arn)["MessageId"]


def test_an_endpoint_of_a_disabled_application_cannot_be_published_to(sns: Any, app: str) -> None:
    arn = make(sns, app)
    sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes={"Enabled": "false"})
    code, _, status = error_of(sns.publish, TargetArn=arn, Message="hello")
    assert (code, status) == ("PlatformApplicationDisabled", 400)


def test_an_endpoint_that_does_not_exist_cannot_be_published_to(sns: Any) -> None:
    assert error_of(sns.publish, TargetArn=ENDPOINT, Message="hello") == ("InvalidParameter", NO_TARGET, 400)


def test_an_endpoint_of_another_account_cannot_be_published_to(cloud: Harness, sns: Any, app: str) -> None:
    stranger = cloud.client("sns", account="111111111111")
    code, message, status = error_of(stranger.publish, TargetArn=make(sns, app), Message="hello")
    assert (code, status) == ("AuthorizationError", 403)
    assert "SNS:Publish" in message


def test_a_delivery_finds_an_endpoint_in_any_account_and_region(cloud: Harness) -> None:
    sns = cloud.client("sns", account="111111111111", region="eu-central-1")
    arn = make(sns, make_app(sns))
    assert cloud.run(lambda emulator: find_endpoint(emulator, arn).arn) == arn


@pytest.mark.parametrize("arn", ["phone", APPLICATION, ENDPOINT, "arn:aws:sqs:us-east-1:000000000000:queue"])
def test_a_delivery_finds_nobody_where_nobody_is(cloud: Harness, app: str, arn: str) -> None:
    def find(emulator: Emulator) -> str:
        with pytest.raises(AwsError) as caught:
            find_endpoint(emulator, arn)
        return caught.value.message

    assert cloud.run(find) == NO_TARGET
