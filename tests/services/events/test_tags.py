"""Tags of event buses and rules: TagResource, UntagResource, ListTagsForResource, and tags given to CreateEventBus and PutRule."""

from __future__ import annotations

from typing import Any

import pytest

from services.events.state import home
from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

ACCOUNT, REGION = "111122223333", "eu-central-1"
PATTERN = '{"source":["shop"]}'
PREFIX = f"arn:aws:events:{REGION}:{ACCOUNT}:"
PARTNER_BUS = "aws.partner/example.com/shop/orders"
ARNS = {
    "the default bus": "event-bus/default",
    "a custom bus": "event-bus/orders",
    "a partner's bus": f"event-bus/{PARTNER_BUS}",
    "a rule of the default bus": "rule/all",
    "a rule of a custom bus": "rule/orders/all",
    "a rule of a partner's bus": f"rule/{PARTNER_BUS}/all",
}
BUS, RULE = PREFIX + ARNS["a custom bus"], PREFIX + ARNS["a rule of a custom bus"]


def not_valid(reason: str, parameter: str = "Tags") -> Seen:
    return Seen("ValidationException", f"Parameter {parameter} is not valid. Reason: {reason}", 400)


DUPLICATE = not_valid("Duplicate tag keys are not allowed.")
RESERVED = not_valid("Tag keys must not begin with aws:.")
TOO_MANY = not_valid("A resource has at most 50 tags.")
NO_ARN = not_valid("Provided Arn is not in correct format.", "ResourceARN")


def not_found(message: str) -> Seen:
    return Seen("ResourceNotFoundException", message, 400)


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a rule `all` on the default bus, on the bus orders, and on a partner's bus."""
    client = cloud.client("events", account=ACCOUNT, region=REGION)
    partner = cloud.client("events", account="999988887777", region=REGION)
    partner.create_partner_event_source(Name=PARTNER_BUS, Account=ACCOUNT)
    client.create_event_bus(Name="orders")
    client.create_event_bus(Name=PARTNER_BUS, EventSourceName=PARTNER_BUS)
    for bus in ("default", "orders", PARTNER_BUS):
        client.put_rule(Name="all", EventBusName=bus, EventPattern=PATTERN)
    return client


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag(events: Any, tags: dict[str, str], arn: str = BUS) -> None:
    events.tag_resource(ResourceARN=arn, Tags=as_list(tags))


def tags_of(events: Any, arn: str = BUS) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in events.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def numbered(count: int, start: int = 0) -> dict[str, str]:
    return {f"k{number}": "v" for number in range(start, start + count)}


# What has tags.


@pytest.mark.parametrize("resource", ARNS.values(), ids=ARNS)
def test_each_bus_and_rule_has_tags_of_its_own(events: Any, resource: str) -> None:
    tag(events, {"team": "blue"}, PREFIX + resource)
    shown = {each: tags_of(events, PREFIX + each) for each in ARNS.values()}
    assert shown == {each: {} for each in ARNS.values()} | {resource: {"team": "blue"}}


def test_a_bus_can_be_made_with_tags(events: Any) -> None:
    arn = events.create_event_bus(Name="tagged", Tags=as_list({"team": "blue"}))["EventBusArn"]
    assert tags_of(events, arn) == {"team": "blue"}


def test_a_rule_can_be_made_with_tags(events: Any) -> None:
    arn = events.put_rule(Name="tagged", EventPattern=PATTERN, Tags=as_list({"team": "blue"}))["RuleArn"]
    assert tags_of(events, arn) == {"team": "blue"}


def test_putting_a_rule_again_leaves_its_tags_as_they_are(events: Any) -> None:
    tag(events, {"team": "blue"}, RULE)
    events.put_rule(Name="all", EventBusName="orders", EventPattern=PATTERN, Tags=as_list({"team": "red", "a": "b"}))
    assert tags_of(events, RULE) == {"team": "blue"}


def test_tags_go_with_their_resource(events: Any) -> None:
    tag(events, {"team": "blue"}, RULE)
    events.delete_rule(Name="all", EventBusName="orders")
    events.put_rule(Name="all", EventBusName="orders", EventPattern=PATTERN)
    assert tags_of(events, RULE) == {}


# Adding and taking away.


def test_tags_are_listed_in_the_order_in_which_they_were_added(events: Any) -> None:
    tag(events, {"z": "1", "a": "2"})
    tag(events, {"m": "3"})
    assert list(tags_of(events).items()) == [("z", "1"), ("a", "2"), ("m", "3")]


def test_a_known_key_gets_the_new_value(events: Any) -> None:
    tag(events, {"team": "blue", "cost": "1"})
    tag(events, {"team": "red"})
    assert tags_of(events) == {"team": "red", "cost": "1"}


def test_a_value_may_be_empty(events: Any) -> None:
    tag(events, {"team": ""})
    assert tags_of(events) == {"team": ""}


def test_keys_differ_by_case(events: Any) -> None:
    tag(events, {"team": "blue", "Team": "red"})
    assert tags_of(events) == {"team": "blue", "Team": "red"}


def test_tags_can_be_taken_away_and_unknown_keys_are_passed_over(events: Any) -> None:
    tag(events, {"a": "1", "b": "2", "c": "3"})
    events.untag_resource(ResourceARN=BUS, TagKeys=["a", "c", "unknown"])
    assert tags_of(events) == {"b": "2"}


def test_no_keys_take_nothing_away(events: Any) -> None:
    tag(events, {"a": "1"})
    events.untag_resource(ResourceARN=BUS, TagKeys=[])
    assert tags_of(events) == {"a": "1"}


# What is refused.


def made_by(events: Any, how: str, tags: list[dict[str, str]]) -> Seen:
    if how == "TagResource":
        return error_of(events.tag_resource, ResourceARN=BUS, Tags=tags)
    if how == "CreateEventBus":
        return error_of(events.create_event_bus, Name="new", Tags=tags)
    return error_of(events.put_rule, Name="new", EventPattern=PATTERN, Tags=tags)


WAYS = ("TagResource", "CreateEventBus", "PutRule")
DOUBLED = [{"Key": "team", "Value": "blue"}, {"Key": "team", "Value": "red"}]
CASES = {
    "one key twice": (DOUBLED, DUPLICATE),
    "a key of AWS's": (as_list({"aws:team": "blue"}), RESERVED),
    "a key of AWS's in capitals": (as_list({"AWS:team": "blue"}), RESERVED),
    "51 tags": (as_list(numbered(51)), TOO_MANY),
}


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(("tags", "refusal"), CASES.values(), ids=CASES)
def test_bad_tags_are_refused(events: Any, how: str, tags: list[dict[str, str]], refusal: Seen) -> None:
    assert made_by(events, how, tags) == refusal


@pytest.mark.parametrize("how", WAYS)
def test_refused_tags_change_nothing(events: Any, how: str) -> None:
    made_by(events, how, DOUBLED)
    assert tags_of(events) == {}
    assert "new" not in [each["Name"] for each in events.list_event_buses()["EventBuses"]]
    assert [each["Name"] for each in events.list_rules()["Rules"]] == ["all"]


def test_50_tags_are_allowed_and_no_51st(events: Any) -> None:
    tag(events, numbered(30))
    tag(events, numbered(25, start=25))
    assert error_of(tag, events=events, tags={"one": "more"}) == TOO_MANY
    assert tags_of(events) == numbered(50)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("key", "value", "place", "limit"), [("k" * 129, "v", "key", 128), ("k", "v" * 257, "value", 256)]
)
def test_keys_and_values_have_a_length(events: Any, how: str, key: str, value: str, place: str, limit: int) -> None:
    wrong = key if place == "key" else value
    message = (
        f"1 validation error detected: Value '{wrong}' at 'tags.1.member.{place}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {limit}"
    )
    assert made_by(events, how, [{"Key": key, "Value": value}]) == Seen("ValidationException", message, 400)


MISSING = {
    "event-bus/none": "Event bus none does not exist.",
    "rule/none": "Rule none does not exist on EventBus default.",
    "rule/orders/none": "Rule none does not exist on EventBus orders.",
    "rule/none/all": "Event bus none does not exist.",
    f"rule/{PARTNER_BUS}/none": f"Rule none does not exist on EventBus {PARTNER_BUS}.",
    "archive/all": f"Resource {PREFIX}archive/all does not exist.",
    "rule/": f"Resource {PREFIX}rule/ does not exist.",
}


def refusals(events: Any, arn: str) -> set[Seen]:
    """Ask for one resource in all three ways."""
    return {
        error_of(events.list_tags_for_resource, ResourceARN=arn),
        error_of(events.tag_resource, ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}]),
        error_of(events.untag_resource, ResourceARN=arn, TagKeys=["k"]),
    }


@pytest.mark.parametrize(("resource", "message"), MISSING.items(), ids=MISSING)
def test_what_does_not_exist_has_no_tags(events: Any, resource: str, message: str) -> None:
    assert refusals(events, PREFIX + resource) == {not_found(message)}


@pytest.mark.parametrize("arn", ["orders", "arn:aws:events", f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"])
def test_what_is_no_arn_of_eventbridge_s_is_refused(events: Any, arn: str) -> None:
    assert refusals(events, arn) == {NO_ARN}


def test_the_tags_of_a_managed_rule_are_aws_s(cloud: Harness, events: Any) -> None:
    def manage(emulator: Any) -> None:
        home(emulator, ACCOUNT, REGION).buses["orders"].rules["all"].managed_by = "aws.internal"

    tag(events, {"team": "blue"}, RULE)
    cloud.run(manage)
    message = "all is a managed rule. Set 'force' parameter to true to override."
    refusal = Seen("ManagedRuleException", message, 400)
    assert error_of(events.untag_resource, ResourceARN=RULE, TagKeys=["team"]) == refusal
    assert error_of(events.tag_resource, ResourceARN=RULE, Tags=as_list({"a": "b"})) == refusal
    assert tags_of(events, RULE) == {"team": "blue"}


# Other accounts and regions.


@pytest.mark.parametrize(("account", "region"), [(DEFAULT_ACCOUNT, REGION), (ACCOUNT, "us-east-1")])
def test_resources_of_one_name_have_their_own_tags_in_each_account_and_region(
    cloud: Harness, events: Any, account: str, region: str
) -> None:
    tag(events, {"team": "blue"})
    other = cloud.client("events", account=account, region=region)
    arn = other.create_event_bus(Name="orders")["EventBusArn"]
    assert (tags_of(other, arn), tags_of(events)) == ({}, {"team": "blue"})


def test_another_account_reaches_a_resource_by_its_arn(cloud: Harness, events: Any) -> None:
    tag(cloud.client("events", region=REGION), {"team": "blue"}, RULE)
    assert tags_of(events, RULE) == {"team": "blue"}


def test_a_resource_is_not_found_from_another_region(cloud: Harness, events: Any) -> None:
    elsewhere = cloud.client("events", account=ACCOUNT, region="us-east-1")
    assert refusals(elsewhere, BUS) == {not_found("Event bus orders does not exist.")}
