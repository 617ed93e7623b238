"""Platform applications: made, found, set, listed and deleted; their credentials are taken and never shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_wire import query_call, query_error, signed

PLATFORMS = [
    "ADM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "MACOS",
    "MACOS_SANDBOX",
    "GCM",
    "BAIDU",
    "MPNS",
    "WNS",
]
CREDENTIALS = {"PlatformPrincipal": "who", "PlatformCredential": "secret"}
EVENTS = ["EventEndpointCreated", "EventEndpointUpdated", "EventEndpointDeleted", "EventDeliveryFailure"]
APPLICATION = "arn:aws:sns:us-east-1:000000000000:app/WNS/shop"
MISSING = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


def make(sns: Any, name: str = "shop", platform: str = "WNS", **attributes: str) -> str:
    """Make a platform application and give its ARN."""
    answer = sns.create_platform_application(
        Name=name,
        Platform=platform,
        Attributes=attributes if "PlatformCredential" in attributes else CREDENTIALS | attributes,
    )
    return answer["PlatformApplicationArn"]


def attributes_of(sns: Any, arn: str) -> dict[str, str]:
    return sns.get_platform_application_attributes(PlatformApplicationArn=arn)["Attributes"]


def set_attributes(sns: Any, arn: str, **attributes: str) -> None:
    sns.set_platform_application_attributes(PlatformApplicationArn=arn, Attributes=attributes)


def refusal(sns: Any, attributes: dict[str, str], *, name: str = "shop", platform: str = "WNS") -> tuple[str, str, int]:
    """Get the error of an application that cannot be made."""
    return error_of(sns.create_platform_application, Name=name, Platform=platform, Attributes=attributes)


def invalid(reason: str) -> tuple[str, str, int]:
    return "InvalidParameter", f"Invalid parameter: {reason}", 400


def raw_error(cloud: Harness, action: str, **parameters: str) -> tuple[str, str, int]:
    """Get the error of a call that boto3 would not make."""
    form = {"Version": "2010-03-31", **parameters}
    return query_error(query_call(cloud, action, form, headers=signed(service="sns")))


# Making.


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_application_can_be_made_for_each_platform(sns: Any, platform: str) -> None:
    assert make(sns, platform=platform) == f"arn:aws:sns:us-east-1:000000000000:app/{platform}/shop"


def test_an_arn_has_the_account_and_the_region_of_its_maker(cloud: Harness) -> None:
    sns = cloud.client("sns", account="123456789012", region="eu-west-1")
    assert make(sns) == "arn:aws:sns:eu-west-1:123456789012:app/WNS/shop"


@pytest.mark.parametrize("platform", ["gcm", "FCM", "", "APNS_VOIP_SANDBOXES", "sms"])
def test_an_unknown_platform_is_refused(sns: Any, platform: str) -> None:
    assert refusal(sns, CREDENTIALS, platform=platform) == invalid(f"Platform Reason: {platform} is not supported")


@pytest.mark.parametrize("name", ["a", "x" * 256, "A-Z_a.z-09"])
def test_a_good_name_is_taken(sns: Any, name: str) -> None:
    assert make(sns, name).endswith(f":app/WNS/{name}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "cannot be empty"),
        ("x" * 257, "must be at most 256 characters long"),
        ("a b", "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
        ("a/b", "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
        ("a\n", "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
        ("grün", "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
    ],
)
def test_a_bad_name_is_refused(sns: Any, name: str, reason: str) -> None:
    assert refusal(sns, CREDENTIALS, name=name) == invalid(f"{name} Reason: {reason}")


@pytest.mark.parametrize(
    ("given", "missing"),
    [("PlatformCredential", "PlatformPrincipal"), ("PlatformPrincipal", "PlatformCredential")],
)
def test_half_of_the_credentials_is_refused(sns: Any, given: str, missing: str) -> None:
    expected = invalid(f"Attributes Reason: {given} attribute provided without {missing}")
    assert refusal(sns, {given: "x"}, platform="APNS") == expected


def test_an_application_without_credentials_is_refused(sns: Any) -> None:
    reason = "Attributes Reason: Invalid value for attribute: PlatformCredential: cannot be empty"
    assert refusal(sns, {"Enabled": "true"}) == invalid(reason)


def test_firebase_has_no_principal(sns: Any) -> None:
    arn = make(sns, platform="GCM", PlatformCredential="server key")
    assert attributes_of(sns, arn)["Enabled"] == "true"


@pytest.mark.parametrize(
    ("parameters", "member"),
    [
        ({}, "name"),
        ({"Name": "a"}, "platform"),
        ({"Name": "a", "Platform": "WNS"}, "attributes"),
        ({"Name": "a", "Platform": "WNS", "Attributes": ""}, "attributes"),
    ],
)
def test_what_is_required_must_be_there(cloud: Harness, parameters: dict[str, str], member: str) -> None:
    expected = ("ValidationError", MISSING.format(member), 400)
    assert raw_error(cloud, "CreatePlatformApplication", **parameters) == expected


def test_the_same_name_on_another_platform_is_another_application(sns: Any) -> None:
    assert make(sns, platform="ADM") != make(sns, platform="WNS")
    assert len(sns.list_platform_applications()["PlatformApplications"]) == 2


def test_making_an_application_again_sets_its_attributes(sns: Any) -> None:
    arn = make(sns, SuccessFeedbackSampleRate="10", Enabled="false")
    assert make(sns, SuccessFeedbackSampleRate="20") == arn
    assert attributes_of(sns, arn) == {"Enabled": "false", "SuccessFeedbackSampleRate": "20"}


def test_making_an_application_again_keeps_its_endpoints(sns: Any) -> None:
    arn = make(sns)
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="t")["EndpointArn"]
    make(sns)
    listed = sns.list_endpoints_by_platform_application(PlatformApplicationArn=arn)["Endpoints"]
    assert [found["EndpointArn"] for found in listed] == [endpoint]


# Attributes.


def test_a_new_application_is_enabled_and_shows_no_credentials(sns: Any) -> None:
    assert attributes_of(sns, make(sns)) == {"Enabled": "true"}


def test_credentials_that_are_set_are_not_shown(sns: Any) -> None:
    arn = make(sns)
    set_attributes(sns, arn, PlatformCredential="new", PlatformPrincipal="other")
    assert attributes_of(sns, arn) == {"Enabled": "true"}


def test_attributes_are_shown_as_they_were_set(sns: Any) -> None:
    arn = make(sns)
    role = "arn:aws:iam::000000000000:role/feedback"
    given = {"SuccessFeedbackRoleArn": role, "FailureFeedbackRoleArn": role, "SuccessFeedbackSampleRate": "100"}
    set_attributes(sns, arn, **given)
    assert attributes_of(sns, arn) == {"Enabled": "true", **given}


def test_setting_one_attribute_leaves_the_others(sns: Any) -> None:
    arn = make(sns, SuccessFeedbackSampleRate="5")
    set_attributes(sns, arn, Enabled="false")
    assert attributes_of(sns, arn) == {"Enabled": "false", "SuccessFeedbackSampleRate": "5"}


def test_an_empty_value_takes_an_attribute_away(sns: Any) -> None:
    arn = make(sns, SuccessFeedbackSampleRate="5")
    set_attributes(sns, arn, SuccessFeedbackSampleRate="")
    assert attributes_of(sns, arn) == {"Enabled": "true"}


@pytest.mark.parametrize(("given", "shown"), [("false", "false"), ("False", "false"), ("TRUE", "true")])
def test_enabled_is_read_without_regard_to_case(sns: Any, given: str, shown: str) -> None:
    arn = make(sns)
    set_attributes(sns, arn, Enabled=given)
    assert attributes_of(sns, arn)["Enabled"] == shown


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Colour": "blue"}, "Invalid attribute name: Colour"),
        ({"AuthenticationMethod": "key"}, "Invalid attribute name: AuthenticationMethod"),
        ({"Enabled": "yes"}, "Invalid value for attribute: Enabled: must be true or false"),
        *(
            (
                {"SuccessFeedbackSampleRate": rate},
                "Invalid value for attribute: SuccessFeedbackSampleRate: must be an integer between 0 and 100",
            )
            for rate in ("101", "-1", "1.5", "many", "٣")
        ),
    ],
)
def test_a_bad_attribute_is_refused_and_nothing_is_set(sns: Any, attributes: dict[str, str], reason: str) -> None:
    arn = make(sns)
    seen = error_of(
        sns.set_platform_application_attributes,
        PlatformApplicationArn=arn,
        Attributes={"Enabled": "false", **attributes},
    )
    assert seen == invalid(f"Attributes Reason: {reason}")
    assert attributes_of(sns, arn) == {"Enabled": "true"}


def test_a_bad_attribute_is_refused_at_the_making_too(sns: Any) -> None:
    expected = invalid("Attributes Reason: Invalid attribute name: Colour")
    assert refusal(sns, CREDENTIALS | {"Colour": "blue"}) == expected
    assert sns.list_platform_applications()["PlatformApplications"] == []


def test_setting_nothing_is_refused(cloud: Harness, sns: Any) -> None:
    seen = raw_error(cloud, "SetPlatformApplicationAttributes", PlatformApplicationArn=make(sns))
    assert seen == ("ValidationError", MISSING.format("attributes"), 400)


@pytest.mark.parametrize(
    ("platform", "attributes", "method"),
    [
        ("GCM", {"PlatformCredential": "AIzaSy"}, "key"),
        ("GCM", {"PlatformCredential": json.dumps({"type": "service_account"})}, "token"),
        ("APNS", CREDENTIALS, "certificate"),
        ("APNS_SANDBOX", CREDENTIALS | {"ApplePlatformTeamID": "T", "ApplePlatformBundleID": "B"}, "token"),
        ("WNS", CREDENTIALS, None),
        ("ADM", CREDENTIALS, None),
    ],
)
def test_the_kind_of_the_credentials_is_told_where_aws_tells_it(
    sns: Any, platform: str, attributes: dict[str, str], method: str | None
) -> None:
    assert attributes_of(sns, make(sns, platform=platform, **attributes)).get("AuthenticationMethod") == method


def test_the_kind_of_the_credentials_changes_with_them(sns: Any) -> None:
    arn = make(sns, platform="GCM", PlatformCredential="key")
    set_attributes(sns, arn, Enabled="true")
    assert attributes_of(sns, arn)["AuthenticationMethod"] == "key"
    set_attributes(sns, arn, PlatformCredential="{}")
    assert attributes_of(sns, arn)["AuthenticationMethod"] == "token"


# Event topics, as attributes.


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_topic_is_kept(sns: Any, name: str) -> None:
    topic = sns.create_topic(Name="events")["TopicArn"]
    arn = make(sns, **{name: topic})
    assert attributes_of(sns, arn)[name] == topic


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_topic_must_exist(sns: Any, name: str) -> None:
    gone = "arn:aws:sns:us-east-1:000000000000:gone"
    expected = invalid(f"Attributes Reason: Invalid value for attribute: {name}: Topic does not exist")
    assert refusal(sns, CREDENTIALS | {name: gone}) == expected


@pytest.mark.parametrize("value", ["events", "arn:aws:sqs:us-east-1:000000000000:events", "arn:aws:sns"])
def test_an_event_topic_must_be_the_arn_of_a_topic(sns: Any, value: str) -> None:
    reason = f"Attributes Reason: Invalid value for attribute: EventDeliveryFailure: {value} is not a valid topic ARN"
    arn = make(sns)
    seen = error_of(
        sns.set_platform_application_attributes, PlatformApplicationArn=arn, Attributes={"EventDeliveryFailure": value}
    )
    assert seen == invalid(reason)


def test_an_event_topic_is_taken_away_by_an_empty_value(sns: Any) -> None:
    arn = make(sns, EventEndpointCreated=sns.create_topic(Name="events")["TopicArn"])
    set_attributes(sns, arn, EventEndpointCreated="")
    assert attributes_of(sns, arn) == {"Enabled": "true"}


# Finding.


def operations(sns: Any) -> dict[str, Any]:
    """Give the calls about one application, by the parameters that they need besides its ARN."""
    return {
        "get": lambda arn: error_of(sns.get_platform_application_attributes, PlatformApplicationArn=arn),
        "set": lambda arn: error_of(
            sns.set_platform_application_attributes, PlatformApplicationArn=arn, Attributes={"Enabled": "true"}
        ),
        "delete": lambda arn: error_of(sns.delete_platform_application, PlatformApplicationArn=arn),
        "endpoint": lambda arn: error_of(sns.create_platform_endpoint, PlatformApplicationArn=arn, Token="t"),
        "list": lambda arn: error_of(sns.list_endpoints_by_platform_application, PlatformApplicationArn=arn),
    }


@pytest.mark.parametrize("call", ["get", "set", "endpoint", "list"])
def test_an_application_that_does_not_exist_is_not_found(sns: Any, call: str) -> None:
    assert operations(sns)[call](APPLICATION) == ("NotFound", "PlatformApplication does not exist", 404)


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("shop", " Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:000000000000", " Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:000000000000:shop", " Reason: Wrong number of slashes in relative portion of the ARN."),
        (f"{APPLICATION}/x", " Reason: Wrong number of slashes in relative portion of the ARN."),
        ("arn:aws:sqs:us-east-1:000000000000:app/WNS/shop", ""),
        ("arn:aws:sns:eu-west-1:000000000000:app/WNS/shop", ""),
        ("arn:aws:sns:us-east-1:000000000000:endpoint/WNS/shop", ""),
        ("a:b:c:d:e:f", ""),
    ],
)
@pytest.mark.parametrize("call", ["get", "set", "delete", "endpoint", "list"])
def test_a_malformed_arn_is_refused(sns: Any, call: str, arn: str, reason: str) -> None:
    assert operations(sns)[call](arn) == invalid(f"PlatformApplicationArn{reason}")


@pytest.mark.parametrize("call", ["get", "set", "delete", "endpoint", "list"])
def test_an_application_is_closed_to_other_accounts(cloud: Harness, sns: Any, call: str) -> None:
    arn = make(sns)
    code, message, status = operations(cloud.client("sns", account="111111111111"))[call](arn)
    assert (code, status) == ("AuthorizationError", 403)
    assert message.startswith("User: arn:aws:iam::111111111111:root is not authorized to perform: SNS:")
    assert f"on resource: {arn}" in message


@pytest.mark.parametrize("action", ["GetPlatformApplicationAttributes", "DeletePlatformApplication"])
def test_an_arn_must_be_given(cloud: Harness, action: str) -> None:
    assert raw_error(cloud, action) == ("ValidationError", MISSING.format("platformApplicationArn"), 400)


# Deleting.


def test_a_deleted_application_is_gone_with_its_endpoints(sns: Any) -> None:
    arn = make(sns)
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="t")["EndpointArn"]
    sns.delete_platform_application(PlatformApplicationArn=arn)
    assert operations(sns)["get"](arn).code == "NotFound"
    assert error_of(sns.get_endpoint_attributes, EndpointArn=endpoint) == ("NotFound", "Endpoint does not exist", 404)


def test_an_application_of_a_deleted_name_starts_anew(sns: Any) -> None:
    arn = make(sns, SuccessFeedbackSampleRate="7")
    sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="t")
    sns.delete_platform_application(PlatformApplicationArn=arn)
    assert make(sns) == arn
    assert attributes_of(sns, arn) == {"Enabled": "true"}
    assert sns.list_endpoints_by_platform_application(PlatformApplicationArn=arn)["Endpoints"] == []


def test_deleting_what_does_not_exist_succeeds(sns: Any) -> None:
    for _ in range(2):
        answer = sns.delete_platform_application(PlatformApplicationArn=APPLICATION)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


# Lists.


def test_applications_are_listed_with_their_attributes(sns: Any) -> None:
    first, second = make(sns, "b", "WNS"), make(sns, "a", "ADM", Enabled="false")
    assert sns.list_platform_applications()["PlatformApplications"] == [
        {"PlatformApplicationArn": second, "Attributes": {"Enabled": "false"}},
        {"PlatformApplicationArn": first, "Attributes": {"Enabled": "true"}},
    ]


def test_no_applications_are_an_empty_list(sns: Any) -> None:
    answer = sns.list_platform_applications()
    assert answer["PlatformApplications"] == []
    assert "NextToken" not in answer


def test_each_account_and_region_has_its_own_applications(cloud: Harness, sns: Any) -> None:
    make(sns, "mine")
    for account, region in (("test", "eu-west-1"), ("111111111111", "us-east-1")):
        assert (
            cloud.client("sns", account=account, region=region).list_platform_applications()["PlatformApplications"]
            == []
        )


def test_applications_come_in_pages_of_a_hundred(sns: Any) -> None:
    arns = {make(sns, f"app-{number}") for number in range(101)}
    first = sns.list_platform_applications()
    assert len(first["PlatformApplications"]) == 100
    second = sns.list_platform_applications(NextToken=first["NextToken"])
    assert len(second["PlatformApplications"]) == 1
    assert "NextToken" not in second
    listed = first["PlatformApplications"] + second["PlatformApplications"]
    assert {found["PlatformApplicationArn"] for found in listed} == arns


def test_a_bad_token_is_refused(sns: Any) -> None:
    assert error_of(sns.list_platform_applications, NextToken="x") == invalid("NextToken")
