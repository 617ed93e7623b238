"""API destinations: what is taken and refused, what is shown, their states, updates, lists."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.events import limits
from tests.support.api_target import ACCOUNT, BASIC, REGION
from tests.support.errors import error_of
from tests.support.harness import Harness

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
ENDPOINT = "https://example.com/orders/*"
METHODS = ["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


@pytest.fixture
def connection(events: Any) -> str:
    return connect(events)


def connect(events: Any, name: str = "partner") -> str:
    answer = events.create_connection(Name=name, AuthorizationType="BASIC", AuthParameters=BASIC)
    arn: str = answer["ConnectionArn"]
    return arn


def create(events: Any, connection: str, name: str = "orders", **more: Any) -> dict[str, Any]:
    request = {"InvocationEndpoint": ENDPOINT, "HttpMethod": "POST", **more}
    return without_metadata(events.create_api_destination(Name=name, ConnectionArn=connection, **request))


def describe(events: Any, name: str = "orders") -> dict[str, Any]:
    return without_metadata(events.describe_api_destination(Name=name))


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    del answer["ResponseMetadata"]
    return answer


def names(answer: dict[str, Any]) -> list[str]:
    return [destination["Name"] for destination in answer["ApiDestinations"]]


# Creating and showing.


def test_a_destination_shows_what_it_was_given(events: Any, connection: str) -> None:
    answer = create(events, connection, Description="their orders", InvocationRateLimitPerSecond=7)
    arn = answer.pop("ApiDestinationArn")
    assert re.fullmatch(f"arn:aws:events:{REGION}:{ACCOUNT}:api-destination/orders/{UUID}", arn)
    assert answer == {"ApiDestinationState": "ACTIVE", "CreationTime": START, "LastModifiedTime": START}
    assert describe(events) == {
        "ApiDestinationArn": arn,
        "Name": "orders",
        "Description": "their orders",
        "ApiDestinationState": "ACTIVE",
        "ConnectionArn": connection,
        "InvocationEndpoint": ENDPOINT,
        "HttpMethod": "POST",
        "InvocationRateLimitPerSecond": 7,
        "CreationTime": START,
        "LastModifiedTime": START,
    }


def test_by_default_a_destination_takes_300_requests_a_second_and_has_no_description(
    events: Any, connection: str
) -> None:
    create(events, connection)
    shown = describe(events)
    assert (shown["InvocationRateLimitPerSecond"], "Description" in shown) == (300, False)


@pytest.mark.parametrize("method", METHODS)
def test_seven_methods_are_taken(events: Any, connection: str, method: str) -> None:
    create(events, connection, HttpMethod=method)
    assert describe(events)["HttpMethod"] == method


@pytest.mark.parametrize("endpoint", ["http://localhost:8080/in", "http://webhook/", "HTTPS://example.com/?a=b"])
def test_endpoints_of_a_developer_s_machine_are_taken(events: Any, connection: str, endpoint: str) -> None:
    create(events, connection, InvocationEndpoint=endpoint)
    assert describe(events)["InvocationEndpoint"] == endpoint


# What is refused.


@pytest.mark.parametrize("endpoint", ["example.com/in", "ftp://example.com/in", "https://", "https://host:x/", "/in"])
def test_an_endpoint_is_a_url(events: Any, connection: str, endpoint: str) -> None:
    reason = "It must be a URL that begins with https:// or http://."
    refusal = ("ValidationException", f"Parameter InvocationEndpoint is not valid. Reason: {reason}", 400)
    request = {"Name": "orders", "ConnectionArn": connection, "HttpMethod": "POST"}
    assert error_of(events.create_api_destination, **request, InvocationEndpoint=endpoint) == refusal
    create(events, connection)
    before = describe(events)
    seen = error_of(events.update_api_destination, Name="orders", InvocationEndpoint=endpoint, HttpMethod="PUT")
    assert (seen, describe(events)) == (refusal, before)


def test_a_name_is_taken_once(events: Any, connection: str) -> None:
    create(events, connection)
    seen = error_of(create, events=events, connection=connection)
    assert seen == ("ResourceAlreadyExistsException", "An api-destination 'orders' already exists.", 400)


@pytest.mark.parametrize("operation", ["describe_api_destination", "update_api_destination", "delete_api_destination"])
def test_a_destination_that_does_not_exist_is_not_found(events: Any, operation: str) -> None:
    seen = error_of(getattr(events, operation), Name="nobody")
    assert seen == ("ResourceNotFoundException", "An api-destination 'nobody' does not exist.", 400)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (f"arn:aws:events:{REGION}:{ACCOUNT}:connection/gone/1-2-3", "gone"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:connection/partner/1-2-3", "partner"),
        (f"arn:aws:events:eu-west-1:{ACCOUNT}:connection/partner/1-2-3", "partner"),
    ],
    ids=["no such name", "another id", "another region"],
)
def test_the_connection_must_exist(events: Any, connection: str, arn: str, name: str) -> None:
    refusal = ("ResourceNotFoundException", f"Connection '{name}' does not exist.", 400)
    assert error_of(create, events=events, connection=arn) == refusal
    create(events, connection)
    assert error_of(events.update_api_destination, Name="orders", ConnectionArn=arn) == refusal


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, "eu-west-1"), ("444455556666", REGION)])
def test_the_connection_must_be_one_s_own(
    cloud: Harness, events: Any, connection: str, account: str, region: str
) -> None:
    other = cloud.client("events", account=account, region=region)
    seen = error_of(create, events=other, connection=connection)
    assert seen == ("ResourceNotFoundException", "Connection 'partner' does not exist.", 400)


def test_there_are_no_more_destinations_than_the_quota_says(
    events: Any, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DESTINATIONS_MAX", 1)
    create(events, connection, "one")
    seen = error_of(create, events=events, connection=connection, name="two")
    message = "The requested resource exceeds the maximum number allowed."
    assert seen == ("LimitExceededException", message, 400)


# Changing and ending.


@pytest.mark.parametrize(
    "change",
    [
        {"Description": "new"},
        {"InvocationEndpoint": "https://example.com/new"},
        {"HttpMethod": "PUT"},
        {"InvocationRateLimitPerSecond": 1},
        {"Description": "new", "HttpMethod": "PATCH"},
    ],
)
def test_an_update_changes_what_it_names_only(
    cloud: Harness, events: Any, connection: str, change: dict[str, Any]
) -> None:
    arn = create(events, connection, Description="old")["ApiDestinationArn"]
    before = describe(events)
    cloud.advance(60)
    answer = without_metadata(events.update_api_destination(Name="orders", **change))
    assert answer == {
        "ApiDestinationArn": arn,
        "ApiDestinationState": "ACTIVE",
        "CreationTime": START,
        "LastModifiedTime": LATER,
    }
    assert describe(events) == {**before, **change, "LastModifiedTime": LATER}


def test_an_update_may_bring_another_connection(events: Any, connection: str) -> None:
    create(events, connection)
    other = connect(events, "other")
    events.update_api_destination(Name="orders", ConnectionArn=other)
    assert describe(events)["ConnectionArn"] == other


def test_a_deleted_destination_is_gone(events: Any, connection: str) -> None:
    arn = create(events, connection)["ApiDestinationArn"]
    assert without_metadata(events.delete_api_destination(Name="orders")) == {}
    assert error_of(events.describe_api_destination, Name="orders").code == "ResourceNotFoundException"
    assert create(events, connection)["ApiDestinationArn"] != arn


# States.


def test_a_destination_is_inactive_while_its_connection_is_deauthorized(events: Any, connection: str) -> None:
    create(events, connection)
    events.deauthorize_connection(Name="partner")
    assert describe(events)["ApiDestinationState"] == "INACTIVE"
    assert events.list_api_destinations()["ApiDestinations"][0]["ApiDestinationState"] == "INACTIVE"
    assert create(events, connection, "second")["ApiDestinationState"] == "INACTIVE"
    events.update_connection(Name="partner", AuthParameters=BASIC)
    assert describe(events)["ApiDestinationState"] == "ACTIVE"


def test_a_destination_is_inactive_without_its_connection_and_a_new_one_must_be_named(
    events: Any, connection: str
) -> None:
    create(events, connection)
    events.delete_connection(Name="partner")
    shown = describe(events)
    assert (shown["ApiDestinationState"], shown["ConnectionArn"]) == ("INACTIVE", connection)
    again = connect(events)
    assert describe(events)["ApiDestinationState"] == "INACTIVE"
    answer = events.update_api_destination(Name="orders", ConnectionArn=again)
    assert answer["ApiDestinationState"] == "ACTIVE"


# Lists.


def test_a_list_shows_destinations_by_name(events: Any, connection: str) -> None:
    create(events, connection, "b", Description="second")
    create(events, connection, "a")
    shown = events.list_api_destinations()["ApiDestinations"]
    described = [describe(events, name) for name in ("a", "b")]
    del described[1]["Description"]
    assert shown == described


def test_a_list_is_cut_by_prefix_and_connection(events: Any, connection: str) -> None:
    other = connect(events, "other")
    for name, arn in (("shop-a", connection), ("shop-b", other), ("z", connection)):
        create(events, arn, name)
    assert names(events.list_api_destinations(NamePrefix="shop-")) == ["shop-a", "shop-b"]
    assert names(events.list_api_destinations(ConnectionArn=connection)) == ["shop-a", "z"]
    assert names(events.list_api_destinations(NamePrefix="shop-", ConnectionArn=connection)) == ["shop-a"]


def test_a_list_comes_in_pages(events: Any, connection: str) -> None:
    for number in range(5):
        create(events, connection, f"d{number}")
    seen, token = [], {}
    while True:
        answer = events.list_api_destinations(Limit=2, **token)
        seen.append(names(answer))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [["d0", "d1"], ["d2", "d3"], ["d4"]]


def test_others_do_not_see_a_destination(cloud: Harness, events: Any, connection: str) -> None:
    create(events, connection)
    other = cloud.client("events", account=ACCOUNT, region="eu-west-1")
    assert names(other.list_api_destinations()) == []
    assert error_of(other.delete_api_destination, Name="orders").code == "ResourceNotFoundException"
    assert names(events.list_api_destinations()) == ["orders"]
