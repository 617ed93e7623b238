"""Lists of rules: ListRules with prefixes and pages, ListRuleNamesByTarget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness

ACCOUNT, REGION = "111122223333", "eu-central-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a second bus, orders."""
    client = cloud.client("events", account=ACCOUNT, region=REGION)
    client.create_event_bus(Name="orders")
    return client


def put(events: Any, name: str = "r", **options: Any) -> None:
    events.put_rule(Name=name, EventPattern='{"source":["shop"]}', **options)


def put_target(events: Any, rule: str, arn: str = QUEUE, target_id: str = "t", **options: Any) -> None:
    events.put_targets(Rule=rule, Targets=[{"Id": target_id, "Arn": arn}], **options)


def names(events: Any, **options: Any) -> list[str]:
    return [rule["Name"] for rule in events.list_rules(**options)["Rules"]]


def pages(call: Callable[..., dict[str, Any]], member: str, **arguments: Any) -> list[list[Any]]:
    """Follow the tokens to the end."""
    found = []
    while True:
        answer = call(**arguments)
        found.append(answer[member])
        if "NextToken" not in answer:
            return found
        arguments["NextToken"] = answer["NextToken"]


# Rules.


def test_rules_are_listed_by_name_as_they_are_described(events: Any) -> None:
    for name in ("b", "a.1", "B", "a-1", "c"):
        put(events, name, Description=name)
    rules = events.list_rules()["Rules"]
    assert [rule["Name"] for rule in rules] == ["B", "a-1", "a.1", "b", "c"]
    shown = events.describe_rule(Name="b")
    assert shown == {**rules[3], "CreatedBy": ACCOUNT, "ResponseMetadata": shown["ResponseMetadata"]}


@pytest.mark.parametrize(
    ("prefix", "found"), [("a", ["a", "ab"]), ("A", ["A"]), ("ab", ["ab"]), ("x", []), ("b.", ["b.c"])]
)
def test_a_prefix_chooses_rules_by_the_beginning_of_their_name(events: Any, prefix: str, found: list[str]) -> None:
    for name in ("a", "A", "ab", "ba", "b.c"):
        put(events, name)
    assert names(events, NamePrefix=prefix) == found


def test_rules_come_in_pages(events: Any) -> None:
    for number in range(7):
        put(events, f"r{number}")
    put(events, "other")
    found = pages(events.list_rules, "Rules", NamePrefix="r", Limit=3)
    assert [[rule["Name"] for rule in page] for page in found] == [["r0", "r1", "r2"], ["r3", "r4", "r5"], ["r6"]]


def test_a_last_page_that_is_full_has_no_token(events: Any) -> None:
    for number in range(4):
        put(events, f"r{number}")
    assert [len(page) for page in pages(events.list_rules, "Rules", Limit=2)] == [2, 2]


def test_a_page_has_100_rules_unless_fewer_are_asked_for(events: Any) -> None:
    for number in range(101):
        put(events, f"r{number:03}")
    assert [len(page) for page in pages(events.list_rules, "Rules")] == [100, 1]


def test_a_rule_deleted_between_two_pages_costs_no_other_its_place(events: Any) -> None:
    for name in "abcd":
        put(events, name)
    token = events.list_rules(Limit=2)["NextToken"]
    events.delete_rule(Name="b")
    assert names(events, NextToken=token) == ["c", "d"]


@pytest.mark.parametrize("token", ["x", "!!", "AAAA"])
def test_a_token_that_is_none_is_refused(events: Any, token: str) -> None:
    refusal = Seen("ValidationException", "Parameter NextToken is not valid.", 400)
    assert error_of(events.list_rules, NextToken=token) == refusal
    assert error_of(events.list_rule_names_by_target, TargetArn=QUEUE, NextToken=token) == refusal


# By target.


def test_rules_are_found_by_their_target(events: Any) -> None:
    for name in ("c", "a", "b", "none"):
        put(events, name)
    put_target(events, "a")
    put_target(events, "c", target_id="other")
    put_target(events, "b", arn=QUEUE + "2")
    assert events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"] == ["a", "c"]


def test_a_rule_with_two_targets_of_the_same_arn_is_named_once(events: Any) -> None:
    put(events)
    put_target(events, "r", target_id="one")
    put_target(events, "r", target_id="two")
    assert events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"] == ["r"]


def test_a_target_is_sought_on_one_bus_only(events: Any) -> None:
    put(events, "here")
    put(events, "there", EventBusName="orders")
    put_target(events, "here")
    put_target(events, "there", EventBusName="orders")
    assert events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"] == ["here"]
    assert events.list_rule_names_by_target(TargetArn=QUEUE, EventBusName="orders")["RuleNames"] == ["there"]


@pytest.mark.parametrize("arn", [QUEUE[:-1], QUEUE.upper(), QUEUE.replace("orders", "*"), "nonsense"])
def test_a_target_s_arn_is_compared_to_the_letter(events: Any, arn: str) -> None:
    put(events)
    put_target(events, "r")
    assert events.list_rule_names_by_target(TargetArn=arn)["RuleNames"] == []


def test_a_removed_target_finds_its_rule_no_more(events: Any) -> None:
    put(events)
    put_target(events, "r")
    events.remove_targets(Rule="r", Ids=["t"])
    assert events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"] == []


def test_names_by_target_come_in_pages(events: Any) -> None:
    for number in range(5):
        put(events, f"r{number}")
        put_target(events, f"r{number}")
    found = pages(events.list_rule_names_by_target, "RuleNames", TargetArn=QUEUE, Limit=2)
    assert found == [["r0", "r1"], ["r2", "r3"], ["r4"]]
