"""Connections: what is taken and refused, what is shown and never shown, the states, updates, lists."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.events import limits
from tests.support.api_target import ACCOUNT, API_KEY, BASIC, REGION, TYPES, fields, oauth
from tests.support.errors import error_of
from tests.support.harness import Harness

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
START = datetime(2026, 1, 1, tzinfo=UTC)
RESOURCE = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourceconfiguration/rcfg-0123456789abcdefg"
PRIVATE = {"ResourceParameters": {"ResourceConfigurationArn": RESOURCE}}
PUBLIC = {"ResourceParameters": {"ResourceConfigurationArn": ""}}


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


def create(events: Any, name: str = "partner", kind: str = "BASIC", **more: Any) -> dict[str, Any]:
    auth = more.pop("AuthParameters", TYPES.get(kind))
    answer: dict[str, Any] = events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=auth, **more)
    return without_metadata(answer)


def describe(events: Any, name: str = "partner") -> dict[str, Any]:
    return without_metadata(events.describe_connection(Name=name))


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    del answer["ResponseMetadata"]
    return answer


def names(answer: dict[str, Any]) -> list[str]:
    return [connection["Name"] for connection in answer["Connections"]]


def refusal(reason: str) -> tuple[str, str, int]:
    return "ValidationException", f"Parameter AuthParameters is not valid. Reason: {reason}", 400


# Creating and showing.


@pytest.mark.parametrize("kind", ["BASIC", "API_KEY"])
def test_a_connection_with_a_password_or_a_key_is_authorized_at_once(events: Any, kind: str) -> None:
    answer = create(events, kind=kind)
    assert re.fullmatch(f"arn:aws:events:{REGION}:{ACCOUNT}:connection/partner/{UUID}", answer.pop("ConnectionArn"))
    assert answer == {"ConnectionState": "AUTHORIZED", "CreationTime": START, "LastModifiedTime": START}
    shown = describe(events)
    assert (shown["ConnectionState"], shown["LastAuthorizedTime"], shown["AuthorizationType"]) == (
        "AUTHORIZED",
        START,
        kind,
    )


def test_a_connection_shows_what_it_was_given(events: Any) -> None:
    arn = create(events, Description="our partner", KmsKeyIdentifier="alias/ours")["ConnectionArn"]
    shown = describe(events)
    secret_arn = shown.pop("SecretArn")
    assert shown == {
        "ConnectionArn": arn,
        "Name": "partner",
        "Description": "our partner",
        "ConnectionState": "AUTHORIZED",
        "AuthorizationType": "BASIC",
        "KmsKeyIdentifier": "alias/ours",
        "AuthParameters": {"BasicAuthParameters": {"Username": "ann"}},
        "CreationTime": START,
        "LastModifiedTime": START,
        "LastAuthorizedTime": START,
    }
    secret = rf"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/partner/{UUID}-[0-9a-z]{{6}}"
    assert re.fullmatch(secret, secret_arn)


@pytest.mark.parametrize(
    ("kind", "auth", "shown"),
    [
        ("BASIC", BASIC, {"BasicAuthParameters": {"Username": "ann"}}),
        ("API_KEY", API_KEY, {"ApiKeyAuthParameters": {"ApiKeyName": "X-Api-Key"}}),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            oauth("http://127.0.0.1:1/token", "PUT", BodyParameters=fields(scope="all")),
            {
                "OAuthParameters": {
                    "ClientParameters": {"ClientID": "client-1"},
                    "AuthorizationEndpoint": "http://127.0.0.1:1/token",
                    "HttpMethod": "PUT",
                    "OAuthHttpParameters": {
                        "BodyParameters": [{"Key": "scope", "Value": "all", "IsValueSecret": False}]
                    },
                }
            },
        ),
    ],
)
def test_passwords_keys_and_client_secrets_are_never_shown(
    events: Any, kind: str, auth: dict[str, Any], shown: dict[str, Any]
) -> None:
    create(events, kind=kind, AuthParameters=auth)
    assert describe(events)["AuthParameters"] == shown


@pytest.mark.parametrize("where", ["HeaderParameters", "QueryStringParameters", "BodyParameters"])
def test_a_parameter_that_is_secret_is_shown_without_its_value(events: Any, where: str) -> None:
    given = [*fields(secret=True, token="t0ken"), *fields(colour="red"), {"Key": "size", "Value": "9"}]
    create(events, AuthParameters={**BASIC, "InvocationHttpParameters": {where: given}})
    assert describe(events)["AuthParameters"]["InvocationHttpParameters"] == {
        where: [
            {"Key": "token", "IsValueSecret": True},
            {"Key": "colour", "Value": "red", "IsValueSecret": False},
            {"Key": "size", "Value": "9", "IsValueSecret": False},
        ]
    }


def test_no_answer_has_a_secret(cloud: Harness, events: Any) -> None:
    auth = {**BASIC, "InvocationHttpParameters": {"HeaderParameters": fields(secret=True, token="t0ken")}}
    create(events, AuthParameters=auth)
    for operation, body in (
        ("DescribeConnection", {"Name": "partner"}),
        ("ListConnections", {}),
        ("UpdateConnection", {"Name": "partner", "AuthParameters": auth}),
        ("DeauthorizeConnection", {"Name": "partner"}),
    ):
        headers = {
            "X-Amz-Target": f"AWSEvents.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/events/aws4_request, Signature=x",
        }
        answer = cloud.request(body=json.dumps(body).encode(), headers=headers)
        assert (answer.status, "partner" in answer.text) == (200, True)
        assert "s3cret" not in answer.text
        assert "t0ken" not in answer.text


# What is refused.


def test_a_name_is_taken_once(events: Any) -> None:
    create(events)
    seen = error_of(events.create_connection, Name="partner", AuthorizationType="BASIC", AuthParameters=BASIC)
    assert seen == ("ResourceAlreadyExistsException", "Connection partner already exists.", 400)


@pytest.mark.parametrize(
    "operation", ["describe_connection", "update_connection", "delete_connection", "deauthorize_connection"]
)
def test_a_connection_that_does_not_exist_is_not_found(events: Any, operation: str) -> None:
    seen = error_of(getattr(events, operation), Name="nobody")
    assert seen == ("ResourceNotFoundException", "Connection 'nobody' does not exist.", 400)


@pytest.mark.parametrize(
    ("kind", "auth", "reason"),
    [
        ("BASIC", {}, "BasicAuthParameters must be given for authorization type BASIC."),
        ("API_KEY", {}, "ApiKeyAuthParameters must be given for authorization type API_KEY."),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            {},
            "OAuthParameters must be given for authorization type OAUTH_CLIENT_CREDENTIALS.",
        ),
        ("BASIC", API_KEY, "ApiKeyAuthParameters must not be given for authorization type BASIC."),
        ("API_KEY", BASIC | API_KEY, "BasicAuthParameters must not be given for authorization type API_KEY."),
        (
            "BASIC",
            BASIC | {"InvocationHttpParameters": {"HeaderParameters": [{"Value": "red"}]}},
            "HeaderParameters must have a Key each.",
        ),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            oauth("https://example.com", BodyParameters=[{"Value": "red"}]),
            "BodyParameters must have a Key each.",
        ),
    ],
)
def test_parameters_that_do_not_fit_the_type_are_refused(
    events: Any, kind: str, auth: dict[str, Any], reason: str
) -> None:
    seen = error_of(events.create_connection, Name="partner", AuthorizationType=kind, AuthParameters=auth)
    assert seen == refusal(reason)
    assert names(events.list_connections()) == []


@pytest.mark.parametrize("endpoint", ["example.com/token", "ftp://example.com/token", "https://", "https://host:x/"])
def test_an_authorization_endpoint_is_a_url(events: Any, endpoint: str) -> None:
    seen = error_of(
        events.create_connection,
        Name="partner",
        AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters=oauth(endpoint),
    )
    reason = "It must be a URL that begins with https:// or http://."
    assert seen == ("ValidationException", f"Parameter AuthorizationEndpoint is not valid. Reason: {reason}", 400)


def test_there_are_no_more_connections_than_the_quota_says(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTIONS_MAX", 2)
    create(events, "one")
    create(events, "two")
    seen = error_of(events.create_connection, Name="three", AuthorizationType="BASIC", AuthParameters=BASIC)
    message = "The requested resource exceeds the maximum number allowed."
    assert seen == ("LimitExceededException", message, 400)


# Updating.


def test_an_update_changes_what_it_names_only(cloud: Harness, events: Any) -> None:
    create(events, Description="old", KmsKeyIdentifier="alias/ours")
    before = describe(events)
    cloud.advance(60)
    answer = without_metadata(events.update_connection(Name="partner", Description="new"))
    later = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert answer == {
        "ConnectionArn": before["ConnectionArn"],
        "ConnectionState": "AUTHORIZED",
        "CreationTime": START,
        "LastModifiedTime": later,
        "LastAuthorizedTime": START,
    }
    assert describe(events) == {**before, "Description": "new", "LastModifiedTime": later}


def test_new_credentials_authorize_anew(cloud: Harness, events: Any) -> None:
    create(events)
    cloud.advance(60)
    given = {"BasicAuthParameters": {"Username": "bob"}}
    answer = events.update_connection(Name="partner", AuthParameters=given)
    assert answer["LastAuthorizedTime"] == answer["LastModifiedTime"] == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert describe(events)["AuthParameters"] == given


def test_parameters_that_an_update_does_not_name_stay(events: Any) -> None:
    kept = {"HeaderParameters": fields(colour="red")}
    create(events, AuthParameters={**BASIC, "InvocationHttpParameters": kept})
    events.update_connection(Name="partner", AuthParameters={"BasicAuthParameters": {"Password": "other"}})
    assert describe(events)["AuthParameters"] == {
        "BasicAuthParameters": {"Username": "ann"},
        "InvocationHttpParameters": kept,
    }
    given = {"QueryStringParameters": fields(size="9")}
    events.update_connection(Name="partner", AuthParameters={"InvocationHttpParameters": given})
    assert describe(events)["AuthParameters"]["InvocationHttpParameters"] == given


def test_a_client_id_alone_can_be_changed(events: Any) -> None:
    create(events, kind="OAUTH_CLIENT_CREDENTIALS", AuthParameters=oauth("http://127.0.0.1:1/token"))
    given = {"OAuthParameters": {"ClientParameters": {"ClientID": "client-2"}}}
    events.update_connection(Name="partner", AuthParameters=given)
    assert describe(events)["AuthParameters"]["OAuthParameters"] == {
        "ClientParameters": {"ClientID": "client-2"},
        "AuthorizationEndpoint": "http://127.0.0.1:1/token",
        "HttpMethod": "POST",
    }


def test_another_type_takes_the_place_of_the_first(events: Any) -> None:
    create(events)
    events.update_connection(Name="partner", AuthorizationType="API_KEY", AuthParameters=API_KEY)
    shown = describe(events)
    assert shown["AuthorizationType"] == "API_KEY"
    assert shown["AuthParameters"] == {"ApiKeyAuthParameters": {"ApiKeyName": "X-Api-Key"}}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"AuthorizationType": "API_KEY"},
            "ApiKeyAuthParameters must be given for authorization type API_KEY.",
        ),
        (
            {"AuthorizationType": "API_KEY", "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k"}}},
            "ApiKeyAuthParameters must have ApiKeyValue.",
        ),
        ({"AuthParameters": API_KEY}, "ApiKeyAuthParameters must not be given for authorization type BASIC."),
        (
            {
                "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS",
                "AuthParameters": {"OAuthParameters": {"AuthorizationEndpoint": "https://example.com"}},
            },
            "OAuthParameters must have ClientParameters.",
        ),
        (
            {
                "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS",
                "AuthParameters": {
                    "OAuthParameters": {
                        "AuthorizationEndpoint": "https://example.com",
                        "HttpMethod": "GET",
                        "ClientParameters": {"ClientID": "me"},
                    }
                },
            },
            "ClientParameters must have ClientSecret.",
        ),
    ],
)
def test_an_update_that_would_leave_a_connection_incomplete_is_refused(
    events: Any, given: dict[str, Any], reason: str
) -> None:
    create(events)
    before = describe(events)
    assert error_of(events.update_connection, Name="partner", Description="new", **given) == refusal(reason)
    assert describe(events) == before


# Ending.


def test_deauthorizing_takes_the_credentials_away(cloud: Harness, events: Any) -> None:
    arn = create(events)["ConnectionArn"]
    cloud.advance(60)
    later = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    answer = without_metadata(events.deauthorize_connection(Name="partner"))
    times = {"CreationTime": START, "LastModifiedTime": later, "LastAuthorizedTime": START}
    assert answer == {"ConnectionArn": arn, "ConnectionState": "DEAUTHORIZING", **times}
    assert describe(events) == {
        "ConnectionArn": arn,
        "Name": "partner",
        "ConnectionState": "DEAUTHORIZED",
        "StateReason": "The authorization parameters were removed by DeauthorizeConnection.",
        "AuthorizationType": "BASIC",
        **times,
    }


def test_an_update_authorizes_again_with_all_parameters(events: Any) -> None:
    create(events)
    secret_arn = describe(events)["SecretArn"]
    events.deauthorize_connection(Name="partner")
    part = {"BasicAuthParameters": {"Password": "other"}}
    seen = error_of(events.update_connection, Name="partner", AuthParameters=part)
    assert seen == refusal("BasicAuthParameters must have Username.")
    assert events.update_connection(Name="partner", Description="new")["ConnectionState"] == "DEAUTHORIZED"
    assert events.update_connection(Name="partner", AuthParameters=BASIC)["ConnectionState"] == "AUTHORIZED"
    shown = describe(events)
    assert "StateReason" not in shown
    assert shown["SecretArn"] != secret_arn


def test_a_deleted_connection_is_gone(events: Any) -> None:
    arn = create(events)["ConnectionArn"]
    answer = without_metadata(events.delete_connection(Name="partner"))
    times = {"CreationTime": START, "LastModifiedTime": START, "LastAuthorizedTime": START}
    assert answer == {"ConnectionArn": arn, "ConnectionState": "DELETING", **times}
    assert error_of(events.describe_connection, Name="partner").code == "ResourceNotFoundException"
    assert create(events)["ConnectionArn"] != arn


# Lists.


def test_a_list_shows_connections_by_name(events: Any) -> None:
    arns = {name: create(events, name)["ConnectionArn"] for name in ("b", "a")}
    assert events.list_connections()["Connections"] == [
        {
            "ConnectionArn": arns[name],
            "Name": name,
            "ConnectionState": "AUTHORIZED",
            "AuthorizationType": "BASIC",
            "CreationTime": START,
            "LastModifiedTime": START,
            "LastAuthorizedTime": START,
        }
        for name in ("a", "b")
    ]


def test_a_list_is_cut_by_prefix_and_state(events: Any) -> None:
    for name in ("shop-a", "shop-b", "other"):
        create(events, name)
    events.deauthorize_connection(Name="shop-b")
    assert names(events.list_connections(NamePrefix="shop-")) == ["shop-a", "shop-b"]
    assert names(events.list_connections(ConnectionState="AUTHORIZED")) == ["other", "shop-a"]
    assert names(events.list_connections(NamePrefix="shop-", ConnectionState="DEAUTHORIZED")) == ["shop-b"]


def test_a_list_comes_in_pages(events: Any) -> None:
    for number in range(5):
        create(events, f"c{number}")
    seen, token = [], {}
    while True:
        answer = events.list_connections(Limit=2, **token)
        seen.append(names(answer))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert error_of(events.list_connections, NextToken="nonsense").code == "ValidationException"


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, "eu-west-1"), ("444455556666", REGION)])
def test_others_do_not_see_a_connection(cloud: Harness, events: Any, account: str, region: str) -> None:
    create(events)
    other = cloud.client("events", account=account, region=region)
    assert names(other.list_connections()) == []
    assert error_of(other.describe_connection, Name="partner").code == "ResourceNotFoundException"
    arn = create(other)["ConnectionArn"]
    assert arn.startswith(f"arn:aws:events:{region}:{account}:connection/partner/")


# Private APIs.


def test_a_connection_for_a_private_api_is_active(events: Any) -> None:
    assert create(events, InvocationConnectivityParameters=PRIVATE)["ConnectionState"] == "ACTIVE"
    shown = describe(events)["InvocationConnectivityParameters"]["ResourceParameters"]
    assert shown.pop("ResourceConfigurationArn") == RESOURCE
    association = rf"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:servicenetworkresourceassociation/snra-[0-9a-z]{{17}}"
    assert re.fullmatch(association, shown.pop("ResourceAssociationArn"))
    assert shown == {}


def test_a_connection_can_become_private_and_public_again(events: Any) -> None:
    create(events)
    answer = events.update_connection(Name="partner", InvocationConnectivityParameters=PRIVATE)
    assert answer["ConnectionState"] == "ACTIVE"
    answer = events.update_connection(Name="partner", InvocationConnectivityParameters=PUBLIC)
    assert answer["ConnectionState"] == "AUTHORIZED"
    assert "InvocationConnectivityParameters" not in describe(events)


def test_a_private_authorization_endpoint_is_shown_with_its_association(events: Any) -> None:
    auth = {**oauth("http://127.0.0.1:1/token"), "ConnectivityParameters": PRIVATE}
    create(events, kind="OAUTH_CLIENT_CREDENTIALS", AuthParameters=auth)
    shown = describe(events)["AuthParameters"]["ConnectivityParameters"]
    assert shown["ResourceParameters"]["ResourceConfigurationArn"] == RESOURCE
    events.update_connection(
        Name="partner", AuthParameters={"OAuthParameters": {"ClientParameters": {"ClientID": "you"}}}
    )
    assert describe(events)["AuthParameters"]["ConnectivityParameters"] == shown
