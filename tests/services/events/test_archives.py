"""Archives: CreateArchive, UpdateArchive, DescribeArchive, ListArchives, DeleteArchive."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

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
    not_found,
    open_shop,
    put,
)
from tests.support.harness import DEFAULT_ACCOUNT, Harness

RULE = "Events-Archive-past"
PATTERN = '{"detail-type":["order"]}'
ABSENT = [{"exists": False}]
NO_ARCHIVE = not_found("Archive past does not exist.")


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a bus orders."""
    return open_shop(cloud)


def names(events: Any, **options: Any) -> list[str]:
    return [archive["ArchiveName"] for archive in events.list_archives(**options)["Archives"]]


def rule_names(events: Any) -> list[str]:
    return [rule["Name"] for rule in events.list_rules(EventBusName="orders")["Rules"]]


def pattern_of_rule(events: Any) -> Any:
    return json.loads(events.describe_rule(Name=RULE, EventBusName="orders")["EventPattern"])


# Creating.


@pytest.mark.parametrize(
    ("account", "region"), [(DEFAULT_ACCOUNT, "us-east-1"), (ACCOUNT, REGION), ("999988887777", "ap-south-1")]
)
def test_creating_answers_arn_state_and_time(cloud: Harness, account: str, region: str) -> None:
    events = cloud.client("events", account=account, region=region)
    bus = events.describe_event_bus()["Arn"]
    answer = create_archive(events, bus=bus)
    assert answer["ArchiveArn"] == f"arn:aws:events:{region}:{account}:archive/past"
    assert (answer["State"], answer["CreationTime"]) == ("ENABLED", NOW)


def test_an_archive_in_china_has_its_partition(cloud: Harness) -> None:
    events = cloud.client("events", account=ACCOUNT, region="cn-north-1")
    answer = create_archive(events, bus=events.describe_event_bus()["Arn"])
    assert answer["ArchiveArn"] == f"arn:aws-cn:events:cn-north-1:{ACCOUNT}:archive/past"
    (target,) = events.list_targets_by_rule(Rule=RULE)["Targets"]
    assert target["Arn"] == "arn:aws-cn:events:cn-north-1:::"


def test_what_was_not_given_is_not_described(events: Any) -> None:
    create_archive(events)
    assert describe_archive(events) == {
        "ArchiveName": "past",
        "ArchiveArn": ARCHIVE,
        "EventSourceArn": BUS,
        "State": "ENABLED",
        "RetentionDays": 0,
        "SizeBytes": 0,
        "EventCount": 0,
        "CreationTime": NOW,
    }


def test_what_was_given_is_described_as_it_was_given(events: Any) -> None:
    given = {
        "Description": "all orders",
        "EventPattern": ' { "detail-type": ["order"] } ',
        "RetentionDays": 7,
        "KmsKeyIdentifier": "alias/mine",
    }
    create_archive(events, **given)
    assert given.items() <= describe_archive(events).items()


def test_a_name_is_taken_whatever_the_bus(events: Any) -> None:
    create_archive(events)
    expected = Seen("ResourceAlreadyExistsException", "Archive past already exists.", 400)
    assert error_of(events.create_archive, ArchiveName="past", EventSourceArn=DEFAULT_BUS) == expected


def test_another_region_and_another_account_may_use_the_same_name(cloud: Harness, events: Any) -> None:
    create_archive(events)
    for account, region in [(ACCOUNT, "us-east-1"), ("999988887777", REGION)]:
        other = cloud.client("events", account=account, region=region)
        assert names(other) == []
        create_archive(other, bus=other.describe_event_bus()["Arn"])
        assert names(other) == ["past"]


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/none", "none"),
        (f"arn:aws:events:{REGION}:999988887777:event-bus/orders", "orders"),
        (f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/orders", "orders"),
    ],
)
def test_a_bus_must_be_the_callers_own(cloud: Harness, events: Any, arn: str, name: str) -> None:
    for account, region in [("999988887777", REGION), (ACCOUNT, "us-east-1")]:
        cloud.client("events", account=account, region=region).create_event_bus(Name="orders")
    expected = Seen("ResourceNotFoundException", f"Event bus {name} does not exist.", 400)
    assert error_of(events.create_archive, ArchiveName="past", EventSourceArn=arn) == expected
    assert error_of(events.list_archives, EventSourceArn=arn) == expected


def test_only_a_bus_can_be_archived(events: Any) -> None:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/orders"
    expected = Seen(
        "ValidationException", "Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.", 400
    )
    assert error_of(events.create_archive, ArchiveName="past", EventSourceArn=arn) == expected


@pytest.mark.parametrize("operation", ["create_archive", "update_archive"])
@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{}", 'Empty objects are not allowed\n at [Source: (String)"{}"; line: 1, column: 3]'),
        ("[1]", 'Filter is not an object\n at [Source: (String)"[1]"; line: 1, column: 2]'),
        ('{"a":1}', '"a" must be an object or an array\n at [Source: (String)"{"a":1}"; line: 1, column: 7]'),
    ],
)
def test_a_bad_pattern_is_refused_in_the_words_of_put_rule(
    events: Any, operation: str, pattern: str, reason: str
) -> None:
    given = {"ArchiveName": "past", "EventPattern": pattern}
    if operation == "create_archive":
        given["EventSourceArn"] = BUS
    else:
        create_archive(events, EventPattern=PATTERN)
    expected = Seen("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}", 400)
    assert error_of(getattr(events, operation), **given) == expected
    assert error_of(events.put_rule, Name="r", EventPattern=pattern) == expected
    if operation == "update_archive":
        assert describe_archive(events)["EventPattern"] == PATTERN
        assert pattern_of_rule(events) == {"detail-type": ["order"], "replay-name": ABSENT}
    else:
        assert (names(events), rule_names(events)) == ([], [])


# Updating.


def test_updating_answers_like_creating_with_the_time_of_the_update(cloud: Harness, events: Any) -> None:
    create_archive(events)
    cloud.advance(60)
    answer = events.update_archive(ArchiveName="past", Description="new")
    del answer["ResponseMetadata"]
    assert answer == {"ArchiveArn": ARCHIVE, "State": "ENABLED", "CreationTime": NOW + timedelta(seconds=60)}
    assert describe_archive(events)["CreationTime"] == NOW


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"Description": "new"}, {"Description": "new"}),
        ({"Description": ""}, {"Description": None}),
        ({"EventPattern": '{"source":["x"]}'}, {"EventPattern": '{"source":["x"]}'}),
        ({"EventPattern": ""}, {"EventPattern": None}),
        ({"RetentionDays": 3}, {"RetentionDays": 3}),
        ({"RetentionDays": 0}, {"RetentionDays": 0}),
        ({"KmsKeyIdentifier": "alias/b"}, {"KmsKeyIdentifier": "alias/b"}),
    ],
)
def test_an_update_changes_what_it_names(events: Any, change: dict[str, Any], expected: dict[str, Any]) -> None:
    create_archive(events, Description="old", EventPattern=PATTERN, RetentionDays=7, KmsKeyIdentifier="alias/a")
    before = describe_archive(events)
    events.update_archive(ArchiveName="past", **change)
    assert describe_archive(events) == {key: value for key, value in (before | expected).items() if value is not None}


def test_a_new_pattern_holds_for_the_next_event(events: Any) -> None:
    create_archive(events, EventPattern=PATTERN)
    put(events, "order", "invoice")
    events.update_archive(ArchiveName="past", EventPattern='{"detail-type":["invoice"]}')
    assert pattern_of_rule(events) == {"detail-type": ["invoice"], "replay-name": ABSENT}
    assert count_of(events) == 1
    put(events, "order", "invoice", "invoice")
    assert count_of(events) == 3


def test_without_its_pattern_an_archive_keeps_everything(events: Any) -> None:
    create_archive(events, EventPattern=PATTERN)
    events.update_archive(ArchiveName="past", EventPattern="")
    put(events, "order", "invoice")
    assert (count_of(events), pattern_of_rule(events)) == (2, {"replay-name": ABSENT})


def test_a_shorter_retention_acts_at_once_and_a_longer_one_brings_nothing_back(cloud: Harness, events: Any) -> None:
    create_archive(events)
    put(events, "order")
    cloud.advance(5 * DAY_S)
    put(events, "order")
    events.update_archive(ArchiveName="past", RetentionDays=4)
    events.update_archive(ArchiveName="past", RetentionDays=100)
    assert count_of(events) == 1
    cloud.advance(100 * DAY_S)
    assert count_of(events) == 1


def test_what_was_due_to_leave_has_left_before_the_retention_is_lengthened(cloud: Harness, events: Any) -> None:
    create_archive(events, RetentionDays=1)
    put(events, "order")
    cloud.advance(DAY_S + 1)
    events.update_archive(ArchiveName="past", RetentionDays=0)
    assert count_of(events) == 0


@pytest.mark.parametrize("operation", ["describe_archive", "update_archive", "delete_archive"])
def test_an_archive_that_is_not_there_is_not_found(cloud: Harness, events: Any, operation: str) -> None:
    other = cloud.client("events", account=ACCOUNT, region="us-east-1")
    create_archive(other, bus=other.describe_event_bus()["Arn"])
    assert error_of(getattr(events, operation), ArchiveName="past") == NO_ARCHIVE


# Deleting.


def test_a_deleted_archive_is_gone_with_its_rule(events: Any) -> None:
    create_archive(events)
    put(events, "order")
    events.delete_archive(ArchiveName="past")
    assert (names(events), rule_names(events)) == ([], [])
    assert error_of(events.describe_archive, ArchiveName="past") == NO_ARCHIVE


def test_a_new_archive_of_the_old_name_is_empty(events: Any) -> None:
    create_archive(events)
    put(events, "order")
    events.delete_archive(ArchiveName="past")
    put(events, "order")
    create_archive(events)
    assert count_of(events) == 0
    put(events, "order")
    assert count_of(events) == 1


# Listing.


def test_a_list_shows_the_archives_by_name_without_arn_pattern_and_description(events: Any) -> None:
    create_archive(events, "b", Description="d", EventPattern=PATTERN, RetentionDays=3)
    create_archive(events, "a", DEFAULT_BUS)
    put(events, "order")
    shown = events.list_archives()["Archives"]
    size = describe_archive(events, "b")["SizeBytes"]
    alike = {"State": "ENABLED", "CreationTime": NOW}
    assert size > 0
    assert shown == [
        {"ArchiveName": "a", "EventSourceArn": DEFAULT_BUS, "RetentionDays": 0, "SizeBytes": 0, "EventCount": 0}
        | alike,
        {"ArchiveName": "b", "EventSourceArn": BUS, "RetentionDays": 3, "SizeBytes": size, "EventCount": 1} | alike,
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["Past", "other", "past", "past-2"]),
        ({"NamePrefix": "past"}, ["past", "past-2"]),
        ({"NamePrefix": "none"}, []),
        ({"EventSourceArn": DEFAULT_BUS}, ["other"]),
        ({"State": "ENABLED"}, ["Past", "other", "past", "past-2"]),
        ({"State": "DISABLED"}, []),
    ],
)
def test_a_list_may_be_filtered(events: Any, given: dict[str, str], expected: list[str]) -> None:
    create_archive(events, "other", DEFAULT_BUS)
    for name in ("past-2", "past", "Past"):
        create_archive(events, name)
    assert names(events, **given) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"NamePrefix": "p", "State": "ENABLED"},
        {"NamePrefix": "p", "EventSourceArn": BUS},
        {"NamePrefix": "p", "EventSourceArn": BUS, "State": "ENABLED"},
    ],
)
def test_a_list_takes_one_filter_only(events: Any, given: dict[str, str]) -> None:
    message = "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."
    assert error_of(events.list_archives, **given) == Seen("ValidationException", message, 400)


def test_a_long_list_comes_in_pages(events: Any) -> None:
    for name in "dbeac":
        create_archive(events, name)
    first = events.list_archives(Limit=2)
    second = events.list_archives(Limit=2, NextToken=first["NextToken"])
    third = events.list_archives(Limit=2, NextToken=second["NextToken"])
    pages = [[archive["ArchiveName"] for archive in page["Archives"]] for page in (first, second, third)]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert "NextToken" not in third
