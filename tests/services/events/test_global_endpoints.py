"""Global endpoints: CreateEndpoint, UpdateEndpoint, DeleteEndpoint, DescribeEndpoint, ListEndpoints. They are kept and shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from services.events import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

ACCOUNT, REGION, SECOND = "111122223333", "eu-west-1", "eu-central-1"
ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:endpoint/shop"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replication"


def bus(region: str, name: str = "orders", account: str = ACCOUNT) -> dict[str, str]:
    return {"EventBusArn": f"arn:aws:events:{region}:{account}:event-bus/{name}"}


def routing(region: str) -> dict[str, Any]:
    check = {"HealthCheck": "arn:aws:route53:::healthcheck/12ab"}
    return {"FailoverConfig": {"Primary": check, "Secondary": {"Route": region}}}


SETTINGS = {
    "RoutingConfig": routing(SECOND),
    "ReplicationConfig": {"State": "ENABLED"},
    "EventBuses": [bus(REGION), bus(SECOND)],
    "RoleArn": ROLE,
}
NO_ENDPOINT = Seen("ResourceNotFoundException", "Endpoint shop does not exist.", 400)


def not_valid(parameter: str, reason: str) -> Seen:
    return Seen("ValidationException", f"Parameter {parameter} is not valid. Reason: {reason}", 400)


NO_ROLE = not_valid("RoleArn", "RoleArn is required when event replication is enabled.")
ONE_REGION = not_valid("RoutingConfig", "The secondary Region must not be the primary Region.")
TWO_NAMES = not_valid("EventBuses", "The names of the event buses must be identical in each Region.")
STRANGE = not_valid("EventBuses", "The event buses must be of your account.")
WRONG_REGIONS = not_valid("EventBuses", "One event bus must be in the primary and one in the secondary Region.")


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


def create(events: Any, **changes: Any) -> dict[str, Any]:
    given = {"Name": "shop", **SETTINGS, **changes}
    return plain(events.create_endpoint(**{key: value for key, value in given.items() if value is not None}))


def create_error(events: Any, **changes: Any) -> Seen:
    return error_of(create, events=events, **changes)


def described(events: Any, **options: Any) -> dict[str, Any]:
    return plain(events.describe_endpoint(**{"Name": "shop", **options}))


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    del answer["ResponseMetadata"]
    return answer


def names(events: Any, **options: Any) -> list[str]:
    return [endpoint["Name"] for endpoint in events.list_endpoints(**options)["Endpoints"]]


# Making one.


def test_a_new_endpoint_is_shown_as_it_was_given_and_in_creation(events: Any) -> None:
    answer = create(events, Description="of the shop")
    assert answer == {"Name": "shop", "Arn": ARN, **SETTINGS, "State": "CREATING"}


def test_a_description_shows_the_whole_endpoint(cloud: Harness, events: Any) -> None:
    create(events, Description="of the shop")
    shown = described(events)
    endpoint_id, url = shown.pop("EndpointId"), shown.pop("EndpointUrl")
    created, modified = shown.pop("CreationTime"), shown.pop("LastModifiedTime")
    assert shown == {"Name": "shop", "Arn": ARN, "Description": "of the shop", **SETTINGS, "State": "ACTIVE"}
    assert re.fullmatch(r"[a-z0-9]{10}\.veo", endpoint_id)
    assert url == f"https://{endpoint_id}.endpoint.events.amazonaws.com"
    assert created == modified
    assert created.timestamp() == cloud.now_ms / 1000


def test_a_list_shows_what_a_description_shows(events: Any) -> None:
    create(events)
    assert events.list_endpoints()["Endpoints"] == [described(events)]


def test_each_endpoint_has_an_id_of_its_own(events: Any) -> None:
    create(events)
    create(events, Name="other")
    assert described(events)["EndpointId"] != described(events, Name="other")["EndpointId"]


def test_an_endpoint_without_description_shows_none(events: Any) -> None:
    create(events)
    assert "Description" not in described(events)


@pytest.mark.parametrize("replication", [None, {}])
def test_replication_is_on_unless_it_is_turned_off(events: Any, replication: Any) -> None:
    assert create(events, ReplicationConfig=replication)["ReplicationConfig"] == {"State": "ENABLED"}


@pytest.mark.parametrize("replication", [None, {}, {"State": "ENABLED"}])
def test_replication_needs_a_role(events: Any, replication: Any) -> None:
    assert create_error(events, ReplicationConfig=replication, RoleArn=None) == NO_ROLE


def test_without_replication_no_role_is_needed(events: Any) -> None:
    create(events, ReplicationConfig={"State": "DISABLED"}, RoleArn=None)
    shown = described(events)
    assert (shown["ReplicationConfig"], "RoleArn" in shown) == ({"State": "DISABLED"}, False)


def test_the_buses_may_stand_in_any_order_and_need_not_exist(events: Any) -> None:
    buses = [bus(SECOND, "none"), bus(REGION, "none")]
    assert create(events, EventBuses=buses)["EventBuses"] == buses


BAD = {
    "the primary region as route": ({"RoutingConfig": routing(REGION)}, ONE_REGION),
    "buses of two names": ({"EventBuses": [bus(REGION), bus(SECOND, "returns")]}, TWO_NAMES),
    "a bus of another account": ({"EventBuses": [bus(REGION), bus(SECOND, account=DEFAULT_ACCOUNT)]}, STRANGE),
    "both buses in one region": ({"EventBuses": [bus(REGION), bus(REGION)]}, WRONG_REGIONS),
    "no bus in the route's region": ({"EventBuses": [bus(REGION), bus("us-east-1")]}, WRONG_REGIONS),
    "no bus in the primary region": ({"EventBuses": [bus(SECOND), bus("us-east-1")]}, WRONG_REGIONS),
}


@pytest.mark.parametrize(("changes", "refusal"), BAD.values(), ids=BAD)
def test_what_does_not_fit_together_is_refused(events: Any, changes: dict[str, Any], refusal: Seen) -> None:
    assert create_error(events, **changes) == refusal
    assert names(events) == []


def test_an_endpoint_has_no_more_than_two_buses(events: Any) -> None:
    seen = create_error(events, EventBuses=[bus(REGION), bus(SECOND), bus("us-east-1")])
    assert seen.code == "ValidationException"
    assert seen.message.endswith(
        "at 'eventBuses' failed to satisfy constraint: Member must have length less than or equal to 2"
    )


def test_a_name_is_given_once(events: Any) -> None:
    create(events)
    seen = create_error(events, Description="another")
    assert seen == Seen("ResourceAlreadyExistsException", "Endpoint shop already exists.", 400)
    assert "Description" not in described(events)


def fill(events: Any, count: int) -> None:
    for number in range(count):
        create(events, Name=f"e{number}")


def test_an_account_has_a_quota_of_endpoints(events: Any) -> None:
    fill(events, limits.ENDPOINTS_MAX)
    message = "The requested resource exceeds the maximum number allowed."
    assert create_error(events) == Seen("LimitExceededException", message, 400)


def test_the_quota_can_be_switched_off(cloud_with: Callable[..., Harness]) -> None:
    events = cloud_with(quotas=False).client("events", account=ACCOUNT, region=REGION)
    fill(events, limits.ENDPOINTS_MAX + 1)
    assert described(events, Name="e100")["State"] == "ACTIVE"


# Changing and deleting.


def test_what_is_not_named_stays_as_it_is(cloud: Harness, events: Any) -> None:
    create(events, Description="old")
    before = described(events)
    cloud.advance(60)
    answer = plain(events.update_endpoint(Name="shop", Description="new"))
    address = {key: before[key] for key in ("EndpointId", "EndpointUrl")}
    assert answer == {"Name": "shop", "Arn": ARN, **SETTINGS, **address, "State": "UPDATING"}
    after = described(events)
    assert (after["LastModifiedTime"] - before["LastModifiedTime"]).total_seconds() == 60
    assert after == before | {"Description": "new", "LastModifiedTime": after["LastModifiedTime"]}


def test_every_setting_can_be_changed(events: Any) -> None:
    create(events)
    changes = {
        "Description": "moved",
        "RoutingConfig": routing("us-west-2"),
        "ReplicationConfig": {"State": "DISABLED"},
        "EventBuses": [bus(REGION, "returns"), bus("us-west-2", "returns")],
        "RoleArn": f"{ROLE}2",
    }
    events.update_endpoint(Name="shop", **changes)
    shown = described(events)
    assert {key: shown[key] for key in changes} == changes


@pytest.mark.parametrize(("changes", "refusal"), BAD.values(), ids=BAD)
def test_a_change_that_does_not_fit_is_refused_and_changes_nothing(
    events: Any, changes: dict[str, Any], refusal: Seen
) -> None:
    create(events)
    before = described(events)
    assert error_of(events.update_endpoint, Name="shop", Description="new", **changes) == refusal
    assert described(events) == before


def test_replication_cannot_be_turned_on_without_a_role(events: Any) -> None:
    create(events, ReplicationConfig={"State": "DISABLED"}, RoleArn=None)
    change = {"Name": "shop", "ReplicationConfig": {"State": "ENABLED"}}
    assert error_of(events.update_endpoint, **change) == NO_ROLE
    events.update_endpoint(**change, RoleArn=ROLE)
    assert described(events)["ReplicationConfig"] == {"State": "ENABLED"}


def test_a_deleted_endpoint_is_gone(events: Any) -> None:
    create(events)
    create(events, Name="other")
    events.delete_endpoint(Name="shop")
    assert names(events) == ["other"]
    assert error_of(events.describe_endpoint, Name="shop") == NO_ENDPOINT


@pytest.mark.parametrize("operation", ["describe_endpoint", "update_endpoint", "delete_endpoint"])
def test_an_endpoint_must_exist(events: Any, operation: str) -> None:
    assert error_of(getattr(events, operation), Name="shop") == NO_ENDPOINT


# Lists, accounts, regions.


def test_endpoints_are_listed_by_name_in_pages(events: Any) -> None:
    for name in ("c", "a", "b"):
        create(events, Name=name)
    first = events.list_endpoints(MaxResults=2)
    second = events.list_endpoints(MaxResults=2, NextToken=first["NextToken"])
    pages = [[endpoint["Name"] for endpoint in answer["Endpoints"]] for answer in (first, second)]
    assert (pages, "NextToken" in second) == ([["a", "b"], ["c"]], False)


def test_endpoints_are_listed_by_prefix(events: Any) -> None:
    for name in ("shop-1", "Shop-2", "other"):
        create(events, Name=name)
    assert names(events, NamePrefix="shop") == ["shop-1"]


def test_an_endpoint_is_found_from_another_region_by_its_home_region(cloud: Harness, events: Any) -> None:
    create(events)
    elsewhere = cloud.client("events", account=ACCOUNT, region="us-east-1")
    assert (names(elsewhere), names(elsewhere, HomeRegion=REGION)) == ([], ["shop"])
    assert described(elsewhere, HomeRegion=REGION)["Arn"] == ARN
    assert error_of(elsewhere.describe_endpoint, Name="shop") == NO_ENDPOINT


def test_an_unknown_home_region_has_no_endpoints(events: Any) -> None:
    assert names(events, HomeRegion="sa-east-1") == []
    assert error_of(events.describe_endpoint, Name="shop", HomeRegion="sa-east-1") == NO_ENDPOINT


def test_accounts_have_their_own_endpoints(cloud: Harness, events: Any) -> None:
    create(events)
    assert names(cloud.client("events", region=REGION)) == []
