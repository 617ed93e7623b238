"""Rules as a control plane: PutRule, DescribeRule, EnableRule, DisableRule, DeleteRule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.events.state import home
from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

ACCOUNT, REGION = "111122223333", "eu-central-1"
PREFIX = f"arn:aws:events:{REGION}:{ACCOUNT}:"
PATTERN = '{"source":["shop"]}'
OTHER_PATTERN = '{ "source" : [ "bank" ] }'
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"
NO_PATTERN = Seen("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.", 400)
NO_SCHEDULE_HERE = Seen("ValidationException", "ScheduleExpression is supported only on the default event bus.", 400)
BAD_SCHEDULE = Seen("ValidationException", "Parameter ScheduleExpression is not valid.", 400)
TOO_MANY = Seen("LimitExceededException", "The requested resource exceeds the maximum number allowed.", 400)
HAS_TARGETS = Seen("ValidationException", "Rule can't be deleted since it has targets.", 400)
MANAGED = Seen("ManagedRuleException", "r is a managed rule. Set 'force' parameter to true to override.", 400)
STATES = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")


def no_rule(name: str, bus: str = "default") -> Seen:
    return Seen("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.", 400)


def no_bus(name: str) -> Seen:
    return Seen("ResourceNotFoundException", f"Event bus {name} does not exist.", 400)


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a second bus, orders."""
    client = cloud.client("events", account=ACCOUNT, region=REGION)
    client.create_event_bus(Name="orders")
    return client


def put(events: Any, name: str = "r", **options: Any) -> str:
    if "ScheduleExpression" not in options:
        options.setdefault("EventPattern", PATTERN)
    return events.put_rule(Name=name, **options)["RuleArn"]


def put_target(events: Any, rule: str, arn: str = QUEUE, target_id: str = "t", **options: Any) -> None:
    events.put_targets(Rule=rule, Targets=[{"Id": target_id, "Arn": arn}], **options)


def describe(events: Any, name: str = "r", **options: Any) -> dict[str, Any]:
    answer = events.describe_rule(Name=name, **options)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def names(events: Any, **options: Any) -> list[str]:
    return [rule["Name"] for rule in events.list_rules(**options)["Rules"]]


def manage(cloud: Harness, name: str = "r") -> None:
    """Let a rule of the default bus be AWS's own."""

    def work(emulator: Any) -> None:
        home(emulator, ACCOUNT, REGION).buses["default"].rules[name].managed_by = "schemas.amazonaws.com"

    cloud.run(work)


# Making and showing.


@pytest.mark.parametrize("bus", ["orders", PREFIX + "event-bus/orders"])
def test_a_rule_s_arn_names_its_bus(events: Any, bus: str) -> None:
    assert put(events, EventBusName=bus) == PREFIX + "rule/orders/r"


@pytest.mark.parametrize("options", [{}, {"EventBusName": "default"}, {"EventBusName": PREFIX + "event-bus/default"}])
def test_the_arn_of_a_rule_on_the_default_bus_does_not_name_the_bus(events: Any, options: dict[str, str]) -> None:
    assert put(events, **options) == PREFIX + "rule/r"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_a_rule_s_arn_has_the_region_s_partition(cloud: Harness, region: str, partition: str) -> None:
    arn = put(cloud.client("events", region=region))
    assert arn == f"arn:{partition}:events:{region}:{DEFAULT_ACCOUNT}:rule/r"


def test_a_rule_is_shown_with_all_that_was_said_of_it(events: Any) -> None:
    put(events, EventPattern=OTHER_PATTERN, ScheduleExpression="rate(5 minutes)", Description="d", RoleArn=ROLE)
    assert describe(events) == {
        "Name": "r",
        "Arn": PREFIX + "rule/r",
        "EventPattern": OTHER_PATTERN,
        "ScheduleExpression": "rate(5 minutes)",
        "State": "ENABLED",
        "Description": "d",
        "RoleArn": ROLE,
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }


def test_a_rule_of_which_little_was_said_shows_little(events: Any) -> None:
    put(events, EventBusName="orders")
    assert describe(events, EventBusName="orders") == {
        "Name": "r",
        "Arn": PREFIX + "rule/orders/r",
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "EventBusName": "orders",
        "CreatedBy": ACCOUNT,
    }


def test_a_rule_found_by_its_bus_s_arn_shows_the_bus_s_name(events: Any) -> None:
    put(events, EventBusName="orders")
    assert describe(events, EventBusName=PREFIX + "event-bus/orders")["EventBusName"] == "orders"


def test_a_pattern_is_kept_to_the_letter(events: Any) -> None:
    text = '{\n  "source": ["\\u00e9", 1.0],\t"detail": {"a.b": [null]} }\n'
    put(events, EventPattern=text)
    assert describe(events)["EventPattern"] == text
    assert events.list_rules()["Rules"][0]["EventPattern"] == text


def test_rules_of_two_buses_may_have_the_same_name(events: Any) -> None:
    put(events, Description="one")
    put(events, EventBusName="orders", Description="two")
    assert describe(events)["Description"] == "one"
    assert describe(events, EventBusName="orders")["Description"] == "two"


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, "eu-west-1"), ("999988887777", REGION)])
def test_another_account_or_region_has_rules_of_its_own(cloud: Harness, events: Any, account: str, region: str) -> None:
    put(events)
    there = cloud.client("events", account=account, region=region)
    assert names(there) == []
    assert error_of(there.describe_rule, Name="r") == no_rule("r")


def test_a_bus_s_arn_reaches_into_another_account_and_region(cloud: Harness, events: Any) -> None:
    other = cloud.client("events", account="999988887777", region="us-west-2")
    bus = PREFIX + "event-bus/orders"
    assert put(other, EventBusName=bus) == PREFIX + "rule/orders/r"
    assert describe(events, EventBusName="orders")["CreatedBy"] == ACCOUNT
    assert names(other, EventBusName=bus) == names(events, EventBusName="orders") == ["r"]
    assert names(other) == []
    other.delete_rule(Name="r", EventBusName=bus)
    assert names(events, EventBusName="orders") == []


# Replacing.


def test_to_put_a_rule_again_clears_what_is_not_said_again(events: Any) -> None:
    arn = put(
        events,
        EventPattern=PATTERN,
        ScheduleExpression="rate(1 day)",
        Description="d",
        RoleArn=ROLE,
        State="DISABLED",
    )
    assert put(events, EventPattern=OTHER_PATTERN) == arn
    assert describe(events) == {
        "Name": "r",
        "Arn": arn,
        "EventPattern": OTHER_PATTERN,
        "State": "ENABLED",
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }


def test_a_pattern_may_give_way_to_a_schedule(events: Any) -> None:
    put(events)
    put(events, ScheduleExpression="cron(0 12 * * ? *)")
    shown = describe(events)
    assert "EventPattern" not in shown
    assert shown["ScheduleExpression"] == "cron(0 12 * * ? *)"


def test_to_put_a_rule_again_keeps_its_targets(events: Any) -> None:
    put(events)
    put_target(events, "r")
    put(events, EventPattern=OTHER_PATTERN)
    assert events.list_targets_by_rule(Rule="r")["Targets"] == [{"Id": "t", "Arn": QUEUE}]


def test_tags_of_a_rule_that_is_there_are_ignored(events: Any) -> None:
    arn = put(events, Tags=[{"Key": "a", "Value": "1"}])
    put(events, Tags=[{"Key": "b", "Value": "2"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_a_rule_that_is_refused_leaves_the_old_one_as_it_was(events: Any) -> None:
    put(events, Description="old", State="DISABLED")
    before = describe(events)
    for options in ({"EventPattern": "{}"}, {"ScheduleExpression": "rate(1 minutes)"}, {}):
        error_of(events.put_rule, Name="r", **options)
    assert describe(events) == before


# States.


@pytest.mark.parametrize("state", STATES)
def test_a_rule_is_made_in_the_state_that_is_asked_for(events: Any, state: str) -> None:
    put(events, State=state)
    assert describe(events)["State"] == state
    assert events.list_rules()["Rules"][0]["State"] == state


def test_a_rule_is_disabled_and_enabled(events: Any) -> None:
    put(events, EventBusName="orders")
    for change, state in ((events.disable_rule, "DISABLED"), (events.enable_rule, "ENABLED")):
        for _ in range(2):
            change(Name="r", EventBusName="orders")
            assert describe(events, EventBusName="orders")["State"] == state


def test_to_disable_a_rule_leaves_one_of_the_same_name_on_another_bus_alone(events: Any) -> None:
    put(events)
    put(events, EventBusName="orders")
    events.disable_rule(Name="r")
    assert describe(events, EventBusName="orders")["State"] == "ENABLED"


# What PutRule refuses.


@pytest.mark.parametrize(
    "options",
    [{}, {"EventPattern": ""}, {"ScheduleExpression": ""}, {"EventPattern": "", "ScheduleExpression": ""}],
    ids=str,
)
def test_a_rule_has_a_pattern_or_a_schedule(events: Any, options: dict[str, str]) -> None:
    assert error_of(events.put_rule, Name="r", **options) == NO_PATTERN
    assert names(events) == []


@pytest.mark.parametrize("schedule", ["rate(5 minutes)", "nonsense", ""])
@pytest.mark.parametrize("bus", ["orders", PREFIX + "event-bus/orders"])
@pytest.mark.parametrize("pattern", [{}, {"EventPattern": PATTERN}], ids=["alone", "with a pattern"])
def test_only_the_default_bus_has_schedules(events: Any, schedule: str, bus: str, pattern: dict[str, str]) -> None:
    call = {"Name": "r", "ScheduleExpression": schedule, "EventBusName": bus, **pattern}
    assert error_of(events.put_rule, **call) == NO_SCHEDULE_HERE


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 minutes)",
        "rate(3 minute)",
        "rate(0 minutes)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(30 seconds)",
        "rate(1 week)",
        "rate (5 minutes)",
        "Rate(5 minutes)",
        "rate(5minutes)",
        "rate()",
        "cron(0 12 * * *)",
        "cron(0 12 * * ? * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(7 20 * * 1-7 *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 32 * ? *)",
        "cron(0 12 * 13 ? *)",
        "cron(0 12 ? * 8 *)",
        "cron(0 12 ? * 0 *)",
        "cron(0 12 * * ? 1969)",
        "cron(0 12 * * ? 2200)",
        "cron(0 12 ? * 2#6 *)",
        "cron(? 12 * * ? *)",
        "at(2030-01-01T00:00:00)",
        "5 minutes",
        " rate(5 minutes)",
    ],
)
def test_a_schedule_that_is_none_is_refused(events: Any, schedule: str) -> None:
    assert error_of(events.put_rule, Name="r", ScheduleExpression=schedule) == BAD_SCHEDULE


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 minute)",
        "rate(1 hour)",
        "rate(7 days)",
        "cron(0/15 * * * ? *)",
        "cron(*/10 8-17 ? * MON-FRI *)",
        "cron(0 20-2 * * ? *)",
        "cron(0 8-8 1-31/30 * ? *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 3W * ? *)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 0 ? * 3#2 *)",
        "cron(0 0 ? * 2,4,6 2026-2030)",
        "cron(0 0 ? jan,Feb,MAR sun *)",
        "cron(0/5, 9-18, ?, *, MON-FRI, *)",
        "cron(0 0 31 2 ? *)",
    ],
)
def test_a_schedule_is_kept_to_the_letter(events: Any, schedule: str) -> None:
    put(events, ScheduleExpression=schedule)
    assert describe(events)["ScheduleExpression"] == schedule


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{}", 'Empty objects are not allowed\n at [Source: (String)"{}"; line: 1, column: 3]'),
        (
            '{"source":"shop"}',
            '"source" must be an object or an array\n at [Source: (String)"{"source":"shop"}"; line: 1, column: 12]',
        ),
        ('{"source":[]}', 'Empty arrays are not allowed\n at [Source: (String)"{"source":[]}"; line: 1, column: 13]'),
        (
            '{"a":[["b"]]}',
            'Match value must be String, number, true, false, or null\n at [Source: (String)"{"a":[["b"]]}"; line: 1, column: 8]',
        ),
        ("[]", 'Filter is not an object\n at [Source: (String)"[]"; line: 1, column: 2]'),
        (
            '{"a":[{"foo":1}]}',
            'Unrecognized match type foo\n at [Source: (String)"{"a":[{"foo":1}]}"; line: 1, column: 15]',
        ),
    ],
)
def test_a_pattern_that_is_none_is_refused_with_the_engine_s_reason(events: Any, pattern: str, reason: str) -> None:
    seen = error_of(events.put_rule, Name="r", EventPattern=pattern)
    assert seen == Seen("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}", 400)


@pytest.mark.parametrize(
    "bus", ["none", PREFIX + "event-bus/none", "arn:aws:events:us-west-2:999988887777:event-bus/b"]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda events, bus: error_of(events.put_rule, Name="r", EventPattern=PATTERN, EventBusName=bus),
        lambda events, bus: error_of(events.describe_rule, Name="r", EventBusName=bus),
        lambda events, bus: error_of(events.enable_rule, Name="r", EventBusName=bus),
        lambda events, bus: error_of(events.disable_rule, Name="r", EventBusName=bus),
        lambda events, bus: error_of(events.delete_rule, Name="r", EventBusName=bus),
        lambda events, bus: error_of(events.list_rules, EventBusName=bus),
        lambda events, bus: error_of(events.list_rule_names_by_target, TargetArn=QUEUE, EventBusName=bus),
        lambda events, bus: error_of(events.list_targets_by_rule, Rule="r", EventBusName=bus),
        lambda events, bus: error_of(events.remove_targets, Rule="r", Ids=["t"], EventBusName=bus),
    ],
    ids=["put", "describe", "enable", "disable", "delete", "list", "by target", "targets", "remove targets"],
)
def test_a_bus_that_is_not_there_is_an_error(events: Any, bus: str, call: Callable[[Any, str], Seen]) -> None:
    assert call(events, bus) == no_bus(bus)


@pytest.mark.parametrize("options", [{}, {"EventBusName": "orders"}])
@pytest.mark.parametrize("call", ["describe_rule", "enable_rule", "disable_rule"])
def test_a_rule_that_is_not_there_is_an_error(events: Any, call: str, options: dict[str, str]) -> None:
    bus = options.get("EventBusName", "default")
    assert error_of(getattr(events, call), Name="none", **options) == no_rule("none", bus)


# How many.


@pytest.mark.parametrize("bus", ["default", "orders"])
def test_a_bus_has_at_most_300_rules(events: Any, bus: str) -> None:
    for number in range(300):
        put(events, f"r{number}", EventBusName=bus)
    assert error_of(events.put_rule, Name="more", EventPattern=PATTERN, EventBusName=bus) == TOO_MANY
    put(events, "r7", EventBusName=bus, Description="replaced")
    put(events, "more", EventBusName="orders" if bus == "default" else "default")
    events.delete_rule(Name="r8", EventBusName=bus)
    put(events, "more", EventBusName=bus)


def test_without_quotas_a_bus_has_as_many_rules_as_you_like(cloud_with: Callable[..., Harness]) -> None:
    events = cloud_with(quotas=False).client("events", region=REGION)
    for number in range(301):
        put(events, f"r{number}")
    assert describe(events, "r300")["State"] == "ENABLED"


@pytest.mark.parametrize("test", ['{"wildcard":"a*z"}', '{"anything-but":{"wildcard":["a*z"]}}'])
def test_a_bus_has_at_most_30_rules_with_wildcards(events: Any, test: str) -> None:
    pattern = f'{{"source":["shop",{test}]}}'
    for number in range(30):
        put(events, f"r{number}", EventPattern=pattern)
    assert error_of(events.put_rule, Name="more", EventPattern=pattern) == TOO_MANY
    put(events, "r7", EventPattern=pattern, Description="replaced")
    put(events, "more", EventPattern='{"source":["wildcard",{"prefix":"wildcard"}]}')
    put(events, "there", EventPattern=pattern, EventBusName="orders")
    put(events, "r8", EventPattern=PATTERN)
    put(events, "more", EventPattern=pattern)


# Deleting.


def test_a_deleted_rule_is_gone(events: Any) -> None:
    put(events, EventBusName="orders")
    events.delete_rule(Name="r", EventBusName="orders")
    assert error_of(events.describe_rule, Name="r", EventBusName="orders") == no_rule("r", "orders")
    assert names(events, EventBusName="orders") == []


@pytest.mark.parametrize("options", [{}, {"EventBusName": "orders"}, {"Force": True}])
def test_to_delete_a_rule_that_is_not_there_is_no_error(events: Any, options: dict[str, Any]) -> None:
    events.delete_rule(Name="none", **options)


def test_a_rule_of_another_bus_is_not_deleted(events: Any) -> None:
    put(events, EventBusName="orders")
    events.delete_rule(Name="r")
    assert names(events, EventBusName="orders") == ["r"]


@pytest.mark.parametrize("options", [{}, {"Force": True}])
def test_a_rule_with_targets_is_not_deleted_by_force_either(events: Any, options: dict[str, bool]) -> None:
    put(events)
    put_target(events, "r")
    assert error_of(events.delete_rule, Name="r", **options) == HAS_TARGETS
    events.remove_targets(Rule="r", Ids=["t"])
    events.delete_rule(Name="r", **options)
    assert names(events) == []


def test_a_rule_that_is_made_again_has_nothing_of_the_old_one(events: Any) -> None:
    arn = put(events, Tags=[{"Key": "a", "Value": "1"}], State="DISABLED", Description="old")
    events.delete_rule(Name="r")
    assert put(events) == arn
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    assert "Description" not in describe(events)
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []


# Managed rules.


def test_a_managed_rule_shows_whose_it_is(cloud: Harness, events: Any) -> None:
    put(events)
    manage(cloud)
    assert describe(events)["ManagedBy"] == "schemas.amazonaws.com"
    assert events.list_rules()["Rules"][0]["ManagedBy"] == "schemas.amazonaws.com"


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("put_rule", {"Name": "r", "EventPattern": PATTERN}),
        ("enable_rule", {"Name": "r"}),
        ("disable_rule", {"Name": "r"}),
        ("delete_rule", {"Name": "r"}),
        ("delete_rule", {"Name": "r", "Force": False}),
        ("put_targets", {"Rule": "r", "Targets": [{"Id": "u", "Arn": QUEUE}]}),
        ("remove_targets", {"Rule": "r", "Ids": ["t"]}),
    ],
    ids=str,
)
def test_a_managed_rule_is_not_touched_without_force(
    cloud: Harness, events: Any, call: str, arguments: dict[str, Any]
) -> None:
    put(events)
    put_target(events, "r")
    manage(cloud)
    assert error_of(getattr(events, call), **arguments) == MANAGED
    assert describe(events)["State"] == "ENABLED"
    assert [target["Id"] for target in events.list_targets_by_rule(Rule="r")["Targets"]] == ["t"]


def test_a_managed_rule_is_taken_apart_by_force(cloud: Harness, events: Any) -> None:
    put(events)
    put_target(events, "r")
    manage(cloud)
    events.remove_targets(Rule="r", Ids=["t"], Force=True)
    events.delete_rule(Name="r", Force=True)
    assert names(events) == []
