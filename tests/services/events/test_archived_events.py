"""What an archive keeps of the events of its bus and for how long, and the managed rule by which it gets them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from services.events import limits
from tests.support.errors import Seen, error_of
from tests.support.events_replays import (
    ACCOUNT,
    ARCHIVE,
    BUS,
    DAY_S,
    DEFAULT_BUS,
    NOW,
    REGION,
    count_of,
    create_archive,
    describe_archive,
    open_shop,
    put,
)
from tests.support.harness import Harness
from tests.support.sqs_flow import Box

RULE = "Events-Archive-past"
PATTERN = '{"detail-type":["order"]}'
ABSENT = [{"exists": False}]
MANAGED_BY = "prod.vhs.events.aws.internal"
MANAGED = Seen("ManagedRuleException", f"{RULE} is a managed rule. Set 'force' parameter to true to override.", 400)


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a bus orders."""
    return open_shop(cloud)


def pattern_of_rule(events: Any) -> Any:
    return json.loads(events.describe_rule(Name=RULE, EventBusName="orders")["EventPattern"])


# The managed rule.


def test_an_archive_has_a_managed_rule_on_its_bus(events: Any) -> None:
    create_archive(events, EventPattern=PATTERN)
    (rule,) = events.list_rules(EventBusName="orders")["Rules"]
    assert rule == {
        "Name": RULE,
        "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/orders/{RULE}",
        "EventPattern": '{"detail-type":["order"],"replay-name":[{"exists":false}]}',
        "State": "ENABLED",
        "ManagedBy": MANAGED_BY,
        "EventBusName": "orders",
    }
    assert events.list_rules()["Rules"] == []


def test_the_managed_rule_shows_a_target_of_aws(events: Any) -> None:
    create_archive(events)
    (target,) = events.list_targets_by_rule(Rule=RULE, EventBusName="orders")["Targets"]
    transformer = target.pop("InputTransformer")
    assert target == {"Id": RULE, "Arn": f"arn:aws:events:{REGION}:::"}
    assert transformer["InputPathsMap"] == {}
    template = transformer["InputTemplate"].replace("<", '"<').replace(">", '>"')
    parts = json.loads(template)
    archive, _, instance = parts.pop("archive-arn").rpartition(":")
    assert (archive, len(instance)) == (ARCHIVE, 36)
    assert parts == {"event": "<aws.events.event.json>", "ingestion-time": "<aws.events.event.ingestion-time>"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"EventPattern": ""}, {}),
        ({"EventPattern": '{"source":["shop"]}\n'}, {"source": ["shop"]}),
        ({"EventPattern": '{"source":["}"],"a":{"b":["{"]}}'}, {"source": ["}"], "a": {"b": ["{"]}}),
        ({"EventPattern": '{"$or":[{"a":[1]},{"b":{"c":[2]}}]}'}, {"$or": [{"a": [1]}, {"b": {"c": [2]}}]}),
        ({"EventPattern": '{"source":["shop"]} } nobody looks here'}, {"source": ["shop"]}),
    ],
)
def test_the_rules_pattern_is_the_users_without_replays(
    events: Any, given: dict[str, str], expected: dict[str, Any]
) -> None:
    create_archive(events, **given)
    assert pattern_of_rule(events) == expected | {"replay-name": ABSENT}


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        ("put_rule", {"Name": RULE, "EventPattern": PATTERN}),
        ("disable_rule", {"Name": RULE}),
        ("delete_rule", {"Name": RULE}),
        ("put_targets", {"Rule": RULE, "Targets": [{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}]}),
        ("remove_targets", {"Rule": RULE, "Ids": [RULE]}),
    ],
)
def test_nobody_touches_the_managed_rule(events: Any, operation: str, options: dict[str, Any]) -> None:
    create_archive(events)
    assert error_of(getattr(events, operation), EventBusName="orders", **options) == MANAGED
    put(events, "order")
    assert count_of(events) == 1


def test_an_archive_whose_target_was_taken_away_by_force_keeps_nothing_more(events: Any) -> None:
    create_archive(events)
    put(events, "order")
    events.remove_targets(Rule=RULE, EventBusName="orders", Ids=[RULE], Force=True)
    put(events, "order")
    assert count_of(events) == 1


def test_a_rule_that_replaced_the_managed_one_survives_the_archive(events: Any) -> None:
    create_archive(events)
    events.remove_targets(Rule=RULE, EventBusName="orders", Ids=[RULE], Force=True)
    events.delete_rule(Name=RULE, EventBusName="orders", Force=True)
    events.put_rule(Name=RULE, EventBusName="orders", EventPattern=PATTERN)
    events.update_archive(ArchiveName="past", EventPattern='{"source":["x"]}')
    events.delete_archive(ArchiveName="past")
    assert pattern_of_rule(events) == {"detail-type": ["order"]}


def test_a_users_rule_may_have_the_name_already(events: Any) -> None:
    events.put_rule(Name=RULE, EventBusName="orders", EventPattern=PATTERN)
    expected = Seen("ResourceAlreadyExistsException", f"Rule {RULE} already exists.", 400)
    assert error_of(events.create_archive, ArchiveName="past", EventSourceArn=BUS) == expected
    assert events.list_archives()["Archives"] == []


def test_the_managed_rule_counts_to_the_rules_of_the_bus(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RULES_MAX", 2)
    create_archive(events)
    create_archive(events, "more")
    expected = Seen("LimitExceededException", "The requested resource exceeds the maximum number allowed.", 400)
    assert error_of(events.create_archive, ArchiveName="third", EventSourceArn=BUS) == expected
    assert error_of(events.put_rule, Name="r", EventBusName="orders", EventPattern=PATTERN) == expected
    create_archive(events, "third", DEFAULT_BUS)


def test_a_bus_with_an_archive_cannot_be_deleted(events: Any) -> None:
    create_archive(events)
    expected = Seen("ValidationException", "EventBus can't be deleted since it has rules.", 400)
    assert error_of(events.delete_event_bus, Name="orders") == expected
    events.delete_archive(ArchiveName="past")
    events.delete_event_bus(Name="orders")


# Keeping.


def test_an_archive_without_a_pattern_keeps_all_events_of_its_bus_only(events: Any) -> None:
    create_archive(events)
    put(events, "order", "invoice")
    put(events, "order", bus="default")
    assert count_of(events) == 2


def test_an_archive_keeps_the_events_that_match_its_pattern(events: Any) -> None:
    create_archive(events, EventPattern=PATTERN)
    put(events, "order", "invoice", "order", "Order")
    assert count_of(events) == 2


def test_archives_of_one_bus_keep_each_for_themselves(events: Any) -> None:
    create_archive(events, "all")
    create_archive(events, "some", EventPattern=PATTERN)
    put(events, "order", "invoice")
    assert (count_of(events, "all"), count_of(events, "some")) == (2, 1)


def test_what_was_put_before_the_archive_is_not_in_it(events: Any) -> None:
    put(events, "order")
    create_archive(events)
    assert count_of(events) == 0


def test_a_pattern_cannot_ask_for_replayed_events(events: Any) -> None:
    create_archive(events, EventPattern='{"replay-name":["again"]}')
    put(events, "order")
    assert pattern_of_rule(events) == {"replay-name": ABSENT}
    assert count_of(events) == 1


def test_an_event_from_another_bus_is_kept_there_too(events: Any) -> None:
    create_archive(events)
    events.put_rule(Name="on", EventPattern=PATTERN)
    events.put_targets(Rule="on", Targets=[{"Id": "bus", "Arn": BUS, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}])
    put(events, "order", "invoice", bus="default")
    assert count_of(events) == 1


def test_the_size_is_that_of_the_events_as_they_are_delivered(cloud: Harness, events: Any) -> None:
    box = Box(cloud.client(account=ACCOUNT, region=REGION))
    events.put_rule(Name="to-box", EventBusName="orders", EventPattern='{"source":["shop"]}')
    events.put_targets(Rule="to-box", EventBusName="orders", Targets=[{"Id": "box", "Arn": box.arn}])
    create_archive(events)
    put(events, "order", Detail='{"name": "Zoë 🎁"}')
    put(events, "order", Detail='{"n":1.50}', Resources=["a", "b"], Time=NOW - timedelta(days=900))
    bodies = box.bodies()
    assert len(bodies) == 2
    assert describe_archive(events)["SizeBytes"] == sum(len(body.encode()) for body in bodies)


# Retention.


def test_an_event_leaves_when_it_is_older_than_the_retention_period(cloud: Harness, events: Any) -> None:
    create_archive(events, RetentionDays=2)
    put(events, "order")
    cloud.advance(2 * DAY_S)
    assert count_of(events) == 1
    cloud.advance(0.001)
    assert (count_of(events), describe_archive(events)["SizeBytes"]) == (0, 0)


def test_count_and_size_are_those_of_the_events_that_are_left(cloud: Harness, events: Any) -> None:
    create_archive(events, RetentionDays=1)
    put(events, "order", "a longer name")
    cloud.advance(DAY_S / 2)
    put(events, "order")
    both = describe_archive(events)
    cloud.advance(DAY_S / 2 + 1)
    (shown,) = events.list_archives()["Archives"]
    assert (both["EventCount"], shown["EventCount"]) == (3, 1)
    assert both["SizeBytes"] == 3 * shown["SizeBytes"] + len("a longer name") - len("order")


def test_retention_counts_from_when_an_event_came_and_not_from_its_own_time(cloud: Harness, events: Any) -> None:
    create_archive(events, RetentionDays=1)
    put(events, "order", Time=NOW - timedelta(days=365))
    put(events, "order", Time=NOW + timedelta(days=365))
    cloud.advance(DAY_S)
    assert count_of(events) == 2
    cloud.advance(1)
    assert count_of(events) == 0


def test_without_a_retention_period_events_stay_for_ever(cloud: Harness, events: Any) -> None:
    create_archive(events, RetentionDays=0)
    put(events, "order")
    cloud.advance(10_000 * DAY_S)
    assert count_of(events) == 1
