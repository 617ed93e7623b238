"""Event buses: CreateEventBus, UpdateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.events import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

ACCOUNT, REGION = "111122223333", "eu-north-1"
ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/"
PATTERN = '{"source":["shop"]}'
SETTINGS = {
    "Description": "of the shop",
    "KmsKeyIdentifier": "alias/shop",
    "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
    "LogConfig": {"IncludeDetail": "FULL", "Level": "TRACE"},
}


def refused(message: str) -> Seen:
    return Seen("ValidationException", message, 400)


def no_bus(name: str) -> Seen:
    return Seen("ResourceNotFoundException", f"Event bus {name} does not exist.", 400)


def exists(name: str) -> Seen:
    return Seen("ResourceAlreadyExistsException", f"Event bus {name} already exists.", 400)


TOO_MANY = Seen("LimitExceededException", "The requested resource exceeds the maximum number allowed.", 400)
HAS_RULES = refused("EventBus can't be deleted since it has rules.")
DEFAULT_STAYS = refused("Cannot delete event bus default.")


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    del answer["ResponseMetadata"]
    return answer


def create(events: Any, *names: str) -> None:
    for name in names:
        events.create_event_bus(Name=name)


def described(events: Any, name: str = "orders") -> dict[str, Any]:
    return plain(events.describe_event_bus(Name=name))


def settings_of(events: Any, name: str = "orders") -> dict[str, Any]:
    return {key: value for key, value in described(events, name).items() if key in SETTINGS}


def names(events: Any, **options: Any) -> list[str]:
    return [bus["Name"] for bus in events.list_event_buses(**options)["EventBuses"]]


# The default bus.


@pytest.mark.parametrize("name", [{}, {"Name": "default"}, {"Name": f"{ARN}default"}])
def test_the_default_bus_is_always_there(events: Any, name: dict[str, str]) -> None:
    answer = events.describe_event_bus(**name)
    assert (answer["Name"], answer["Arn"]) == ("default", f"{ARN}default")


def test_the_default_bus_is_listed(events: Any) -> None:
    assert names(events) == ["default"]


def test_the_default_bus_cannot_be_made(events: Any) -> None:
    assert error_of(events.create_event_bus, Name="default") == exists("default")


def test_the_default_bus_cannot_be_deleted(events: Any) -> None:
    assert error_of(events.delete_event_bus, Name="default") == DEFAULT_STAYS
    assert names(events) == ["default"]


def test_the_default_bus_has_settings_too(events: Any) -> None:
    events.update_event_bus(Name="default", **SETTINGS)
    assert settings_of(events, "default") == SETTINGS


def test_an_update_without_a_name_is_about_the_default_bus(events: Any) -> None:
    answer = plain(events.update_event_bus(Description="main"))
    assert answer == {"Arn": f"{ARN}default", "Name": "default", "Description": "main"}


# Making one.


def test_a_new_bus_answers_its_arn(events: Any) -> None:
    assert plain(events.create_event_bus(Name="orders")) == {"EventBusArn": f"{ARN}orders"}


def test_a_new_bus_answers_its_settings(events: Any) -> None:
    answer = plain(events.create_event_bus(Name="orders", **SETTINGS))
    assert answer == {"EventBusArn": f"{ARN}orders", **SETTINGS}


@pytest.mark.parametrize("name", ["orders", f"{ARN}orders"])
def test_a_bus_is_described_by_name_and_by_arn(cloud: Harness, events: Any, name: str) -> None:
    cloud.advance(60)
    events.create_event_bus(Name="orders", **SETTINGS)
    shown = described(events, name)
    created, modified = shown.pop("CreationTime"), shown.pop("LastModifiedTime")
    assert shown == {"Name": "orders", "Arn": f"{ARN}orders", **SETTINGS}
    assert (created.timestamp(), modified) == (cloud.now_ms / 1000, created)


def test_a_bus_in_china_has_china_s_partition(cloud: Harness) -> None:
    china = cloud.client("events", account=ACCOUNT, region="cn-north-1")
    arn = china.create_event_bus(Name="orders")["EventBusArn"]
    assert arn == f"arn:aws-cn:events:cn-north-1:{ACCOUNT}:event-bus/orders"


def test_a_name_is_given_once(events: Any) -> None:
    events.create_event_bus(Name="orders", Description="first")
    assert error_of(events.create_event_bus, Name="orders", Description="second") == exists("orders")
    assert described(events)["Description"] == "first"


def test_names_differ_by_case(events: Any) -> None:
    create(events, "orders", "Orders")
    assert names(events) == ["Orders", "default", "orders"]


@pytest.mark.parametrize("name", ["shop/orders", "/orders", "aws.partner/example.com/orders"])
def test_only_the_name_of_a_partner_s_bus_has_slashes(events: Any, name: str) -> None:
    assert error_of(events.create_event_bus, Name=name) == refused("Event bus name must not contain '/'.")


@pytest.mark.parametrize("name", ["no spaces", "ümlaut", f"{ARN}orders"])
def test_a_name_has_letters_digits_and_a_few_signs(events: Any, name: str) -> None:
    message = (
        f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [/\.\-_A-Za-z0-9]+"
    )
    assert error_of(events.create_event_bus, Name=name) == refused(message)


@pytest.mark.parametrize(("length", "allowed"), [(256, True), (257, False)])
def test_a_name_has_a_length(events: Any, length: int, allowed: bool) -> None:
    name = "b" * length
    if allowed:
        assert events.create_event_bus(Name=name)["EventBusArn"] == ARN + name
        return
    message = (
        f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
        "Member must have length less than or equal to 256"
    )
    assert error_of(events.create_event_bus, Name=name) == refused(message)


LEVELS, DETAILS = "enum value set: [OFF, ERROR, INFO, TRACE]", "enum value set: [NONE, FULL]"
LONG = "d" * 513


@pytest.mark.parametrize(
    ("settings", "value", "member", "constraint"),
    [
        ({"Description": LONG}, LONG, "description", "have length less than or equal to 512"),
        ({"LogConfig": {"Level": "DEBUG"}}, "DEBUG", "logConfig.level", f"satisfy {LEVELS}"),
        ({"LogConfig": {"IncludeDetail": "SOME"}}, "SOME", "logConfig.includeDetail", f"satisfy {DETAILS}"),
    ],
)
@pytest.mark.parametrize("operation", ["create_event_bus", "update_event_bus"])
def test_settings_have_a_form(
    events: Any, operation: str, settings: dict[str, Any], value: str, member: str, constraint: str
) -> None:
    if operation == "update_event_bus":
        create(events, "orders")
    seen = error_of(getattr(events, operation), Name="orders", **settings)
    words = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
    assert seen == refused(f"1 validation error detected: {words}")


def test_an_unknown_event_source_has_no_bus(events: Any) -> None:
    source = "aws.partner/example.com/orders"
    seen = error_of(events.create_event_bus, Name=source, EventSourceName=source)
    assert seen == Seen("ResourceNotFoundException", f"Event source {source} does not exist.", 400)
    assert names(events) == ["default"]


def fill(events: Any) -> None:
    """Make as many buses as there may be; the default bus is one of them."""
    create(events, *(f"b{number:03}" for number in range(limits.BUSES_MAX - 1)))


def test_an_account_has_a_quota_of_buses(events: Any) -> None:
    fill(events)
    assert error_of(events.create_event_bus, Name="more") == TOO_MANY
    events.delete_event_bus(Name="b000")
    create(events, "more")


def test_a_known_name_is_told_before_the_quota(events: Any) -> None:
    fill(events)
    assert error_of(events.create_event_bus, Name="b001") == exists("b001")


def test_the_quota_can_be_switched_off(cloud_with: Callable[..., Harness]) -> None:
    events = cloud_with(quotas=False).client("events", account=ACCOUNT, region=REGION)
    fill(events)
    create(events, "more")
    assert described(events, "more")["Arn"] == f"{ARN}more"


# Changing.


def test_an_update_answers_all_settings_and_leaves_those_that_are_not_named(events: Any) -> None:
    events.create_event_bus(Name="orders", **SETTINGS)
    answer = plain(events.update_event_bus(Name="orders", Description="new"))
    assert answer == {"Arn": f"{ARN}orders", "Name": "orders", **SETTINGS, "Description": "new"}
    assert settings_of(events) == SETTINGS | {"Description": "new"}


@pytest.mark.parametrize(("name", "empty"), [("Description", ""), ("KmsKeyIdentifier", ""), ("DeadLetterConfig", {})])
def test_an_empty_setting_takes_it_away(events: Any, name: str, empty: Any) -> None:
    events.create_event_bus(Name="orders", **SETTINGS)
    events.update_event_bus(Name="orders", **{name: empty})
    assert settings_of(events) == {key: value for key, value in SETTINGS.items() if key != name}


def test_an_update_moves_the_time_of_modification_only(cloud: Harness, events: Any) -> None:
    create(events, "orders")
    before = described(events)
    cloud.advance(60)
    events.update_event_bus(Name="orders", Description="new")
    after = described(events)
    assert after["CreationTime"] == before["CreationTime"]
    assert (after["LastModifiedTime"] - before["LastModifiedTime"]).total_seconds() == 60


def test_a_bus_must_exist_to_be_changed_or_described(events: Any) -> None:
    assert error_of(events.update_event_bus, Name="orders", Description="new") == no_bus("orders")
    assert error_of(events.describe_event_bus, Name="orders") == no_bus("orders")


def test_an_arn_of_no_bus_is_not_found(events: Any) -> None:
    assert error_of(events.describe_event_bus, Name=f"{ARN}orders") == no_bus(f"{ARN}orders")


# Deleting.


def test_a_deleted_bus_is_gone(events: Any) -> None:
    create(events, "orders", "returns")
    events.delete_event_bus(Name="orders")
    assert names(events) == ["default", "returns"]
    assert error_of(events.describe_event_bus, Name="orders") == no_bus("orders")


def test_deleting_what_is_not_there_is_no_error(events: Any) -> None:
    events.delete_event_bus(Name="orders")
    assert names(events) == ["default"]


def test_a_bus_with_rules_cannot_be_deleted(events: Any) -> None:
    create(events, "orders")
    events.put_rule(Name="all", EventBusName="orders", EventPattern=PATTERN)
    assert error_of(events.delete_event_bus, Name="orders") == HAS_RULES
    events.delete_rule(Name="all", EventBusName="orders")
    events.delete_event_bus(Name="orders")
    assert names(events) == ["default"]


def test_a_new_bus_of_an_old_name_has_nothing_of_the_old_one(events: Any) -> None:
    events.create_event_bus(Name="orders", **SETTINGS)
    events.put_permission(EventBusName="orders", Action="events:PutEvents", Principal="*", StatementId="all")
    events.delete_event_bus(Name="orders")
    create(events, "orders")
    assert described(events).keys() == {"Name", "Arn", "CreationTime", "LastModifiedTime"}


def test_deleting_a_partner_s_bus_deletes_no_other_bus(cloud: Harness, events: Any) -> None:
    source = "aws.partner/example.com/event-bus/orders"
    cloud.client("events", region=REGION).create_partner_event_source(Name=source, Account=ACCOUNT)
    events.create_event_bus(Name=source, EventSourceName=source)
    create(events, "orders")
    events.delete_event_bus(Name=source)
    assert names(events) == ["default", "orders"]


# Lists.


def test_a_list_shows_buses_without_settings_other_than_their_description(events: Any) -> None:
    events.create_event_bus(Name="orders", **SETTINGS)
    shown = described(events)
    (listed,) = events.list_event_buses(NamePrefix="orders")["EventBuses"]
    assert listed == {key: shown[key] for key in ("Name", "Arn", "Description", "CreationTime", "LastModifiedTime")}


def test_buses_are_listed_by_name_in_pages(events: Any) -> None:
    create(events, "e", "b", "a", "c")
    first = events.list_event_buses(Limit=2)
    second = events.list_event_buses(Limit=2, NextToken=first["NextToken"])
    third = events.list_event_buses(Limit=2, NextToken=second["NextToken"])
    pages = [[bus["Name"] for bus in answer["EventBuses"]] for answer in (first, second, third)]
    assert (pages, "NextToken" in third) == ([["a", "b"], ["c", "default"], ["e"]], False)


def test_a_last_page_that_is_full_has_no_token(events: Any) -> None:
    create(events, "a")
    assert "NextToken" not in events.list_event_buses(Limit=2)


def test_a_page_goes_on_after_a_bus_that_was_deleted(events: Any) -> None:
    create(events, "a", "b", "c")
    token = events.list_event_buses(Limit=2)["NextToken"]
    events.delete_event_bus(Name="b")
    assert names(events, NextToken=token) == ["c", "default"]


def test_buses_are_listed_by_prefix(events: Any) -> None:
    create(events, "shop.orders", "Shop.orders", "shopping", "stock")
    assert names(events, NamePrefix="shop") == ["shop.orders", "shopping"]
    assert names(events, NamePrefix="none") == []


@pytest.mark.parametrize("token", ["x", "b3JkZXJz", "ümlaut"])
def test_a_token_of_nobody_is_refused(events: Any, token: str) -> None:
    assert error_of(events.list_event_buses, NextToken=token) == refused("Parameter NextToken is not valid.")


def test_a_page_has_100_buses_at_most(events: Any) -> None:
    seen = error_of(events.list_event_buses, Limit=101)
    message = (
        "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 100"
    )
    assert seen == refused(message)


# Other accounts and regions.


@pytest.mark.parametrize(("account", "region"), [(DEFAULT_ACCOUNT, REGION), (ACCOUNT, "us-east-1")])
def test_accounts_and_regions_have_their_own_buses(cloud: Harness, events: Any, account: str, region: str) -> None:
    create(events, "orders")
    other = cloud.client("events", account=account, region=region)
    assert names(other) == ["default"]
    arn = other.create_event_bus(Name="orders")["EventBusArn"]
    assert arn == f"arn:aws:events:{region}:{account}:event-bus/orders"
    other.delete_event_bus(Name="orders")
    assert names(events) == ["default", "orders"]


def test_a_bus_of_another_account_is_described_by_its_arn(cloud: Harness, events: Any) -> None:
    create(events, "orders")
    other = cloud.client("events", region=REGION)
    assert described(other, f"{ARN}orders") == described(events)
    assert error_of(other.describe_event_bus, Name="orders") == no_bus("orders")


def test_the_default_bus_of_an_account_that_was_never_used_is_there_as_well(cloud: Harness) -> None:
    client = cloud.client("events", region=REGION)
    assert described(client, f"{ARN}default")["Arn"] == f"{ARN}default"
