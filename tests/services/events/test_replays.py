"""Replays: StartReplay, DescribeReplay, ListReplays, CancelReplay, and the states of a replay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.events import replays
from services.events.state import home
from tests.support.errors import Seen, error_of
from tests.support.events_replays import (
    ACCOUNT,
    ARCHIVE,
    BUS,
    DAY_S,
    HOUR,
    LIMIT,
    NOW,
    PREFIX,
    REGION,
    Gate,
    connect,
    create_archive,
    describe_replay,
    fill,
    not_found,
    not_valid,
    open_shop,
    put,
    start_replay,
    state_of,
    types,
    window,
)
from tests.support.harness import Harness
from tests.support.sqs_flow import Box

ORDER_OF_TIMES = not_valid("EventEndTime", "EventStartTime must be before EventEndTime.")


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client of an account with a bus orders and its archive past."""
    client = open_shop(cloud)
    create_archive(client)
    return client


@pytest.fixture
def gate(cloud: Harness, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate(cloud)
    monkeypatch.setattr(replays, "breathe", gate.breathe)
    return gate


@pytest.fixture
def box(cloud: Harness) -> Box:
    return Box(cloud.client(account=ACCOUNT, region=REGION))


def names(events: Any, **options: Any) -> list[str]:
    return [replay["ReplayName"] for replay in events.list_replays(**options)["Replays"]]


# States.


def test_a_replay_without_events_completes_and_has_replayed_none(events: Any) -> None:
    start_replay(events)
    shown = describe_replay(events)
    assert shown["State"] == "COMPLETED"
    assert "EventLastReplayedTime" not in shown


def test_a_replay_is_starting_running_and_completed(cloud: Harness, events: Any, gate: Gate) -> None:
    fill(cloud, 150)
    cloud.advance(60)
    answer = start_replay(events, Description="once more")
    del answer["ResponseMetadata"]
    started = NOW + timedelta(seconds=60)
    assert answer == {"ReplayArn": f"{PREFIX}replay/again", "State": "STARTING", "ReplayStartTime": started}
    running = {
        "ReplayName": "again",
        "ReplayArn": f"{PREFIX}replay/again",
        "Description": "once more",
        "State": "RUNNING",
        "EventSourceArn": ARCHIVE,
        "Destination": {"Arn": BUS},
        "EventStartTime": NOW - HOUR,
        "EventEndTime": NOW + HOUR,
        "EventLastReplayedTime": NOW,
        "ReplayStartTime": started,
    }
    assert describe_replay(events) == running
    cloud.advance(5)
    gate.open()
    ended = {"State": "COMPLETED", "ReplayEndTime": NOW + timedelta(seconds=65)}
    assert describe_replay(events) == running | ended


def test_the_last_replayed_time_is_that_of_the_event_which_came_last(events: Any) -> None:
    for minute in (7, 3, 30, 90):
        put(events, "order", Time=NOW + timedelta(minutes=minute))
    start_replay(events)
    assert describe_replay(events)["EventLastReplayedTime"] == NOW + timedelta(minutes=30)


def test_a_replay_that_waits_for_its_turn_is_starting(cloud: Harness, events: Any, gate: Gate) -> None:
    cloud.run(lambda emulator: home(emulator, ACCOUNT, REGION).inbox.append(None))
    start_replay(events)
    assert state_of(events) == "STARTING"
    assert events.cancel_replay(ReplayName="again")["State"] == "CANCELLING"
    cloud.run(lambda emulator: home(emulator, ACCOUNT, REGION).inbox.clear())
    gate.open()
    assert state_of(events) == "CANCELLED"


def test_a_cancelled_replay_brings_nothing_more(cloud: Harness, events: Any, box: Box, gate: Gate) -> None:
    fill(cloud, 1000)
    connect(events, box)
    start_replay(events)
    gate.let_on()
    answer = events.cancel_replay(ReplayName="again")
    del answer["ResponseMetadata"]
    assert answer == {"ReplayArn": f"{PREFIX}replay/again", "State": "CANCELLING"}
    assert state_of(events) == "CANCELLING"
    cloud.advance(1)
    gate.open()
    shown = describe_replay(events)
    assert (shown["State"], shown["ReplayEndTime"]) == ("CANCELLED", NOW + timedelta(seconds=1))
    assert len(types(box)) == 100


def test_only_a_replay_that_runs_can_be_cancelled(cloud: Harness, events: Any, gate: Gate) -> None:
    fill(cloud, 150)
    message = "Replay again is not in a valid state for this operation."
    start_replay(events)
    events.cancel_replay(ReplayName="again")
    for expected in ("CANCELLING", "CANCELLED"):
        assert state_of(events) == expected
        assert error_of(events.cancel_replay, ReplayName="again") == Seen("IllegalStatusException", message, 400)
        gate.open()
    start_replay(events, "whole")
    gate.open()
    refused = error_of(events.cancel_replay, ReplayName="whole")
    assert refused == Seen("IllegalStatusException", message.replace("again", "whole"), 400)


def test_a_replay_fails_when_its_archive_is_deleted(cloud: Harness, events: Any, box: Box, gate: Gate) -> None:
    fill(cloud, 1000)
    connect(events, box)
    start_replay(events)
    events.delete_archive(ArchiveName="past")
    gate.open()
    shown = describe_replay(events)
    assert (shown["State"], shown["StateReason"]) == ("FAILED", "Archive past does not exist.")
    assert shown["EventSourceArn"] == ARCHIVE
    assert len(types(box)) == 50


def test_a_replay_fails_when_its_bus_is_gone(cloud: Harness, events: Any, gate: Gate) -> None:
    fill(cloud, 150)
    start_replay(events)
    rule = {"EventBusName": "orders", "Force": True}
    events.remove_targets(Rule="Events-Archive-past", Ids=["Events-Archive-past"], **rule)
    events.delete_rule(Name="Events-Archive-past", **rule)
    events.delete_event_bus(Name="orders")
    gate.open()
    shown = describe_replay(events)
    assert (shown["State"], shown["StateReason"]) == ("FAILED", "Event bus orders does not exist.")
    refused = error_of(events.start_replay, **window("more"))
    assert refused == not_found("Event bus orders does not exist.")


# What is refused.


@pytest.mark.parametrize("end", [NOW, NOW - timedelta(seconds=1)])
def test_the_start_must_be_before_the_end(events: Any, end: datetime) -> None:
    assert error_of(events.start_replay, **window(start=NOW, end=end)) == ORDER_OF_TIMES
    assert names(events) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"bus": f"{PREFIX}rule/orders"}, not_valid("Destination.Arn", "Must contain an event bus ARN.")),
        ({"bus": "orders"}, not_valid("Destination.Arn", "Must contain an event bus ARN.")),
        ({"bus": f"{PREFIX}event-bus/none"}, not_found("Event bus none does not exist.")),
        (
            {"bus": f"{PREFIX}event-bus/default"},
            not_valid("Destination.Arn", "Cross event bus replay is not permitted."),
        ),
        ({"archive": f"{PREFIX}archive/none"}, not_valid("EventSourceArn", "Archive none does not exist.")),
        (
            {"archive": ARCHIVE.replace(REGION, "us-east-1")},
            not_valid("EventSourceArn", "Archive past does not exist."),
        ),
        ({"archive": BUS}, not_valid("EventSourceArn", "Must contain an archive ARN.")),
    ],
)
def test_a_replay_goes_from_an_archive_to_its_own_bus(events: Any, changed: dict[str, str], expected: Seen) -> None:
    assert error_of(events.start_replay, **window(**changed)) == expected
    assert names(events) == []


def test_the_name_of_a_replay_is_taken_even_when_it_has_ended(cloud: Harness, events: Any) -> None:
    other = f"{PREFIX}event-bus/default"
    second = events.create_archive(ArchiveName="second", EventSourceArn=other)["ArchiveArn"]
    start_replay(events)
    expected = Seen("ResourceAlreadyExistsException", "Replay again already exists.", 400)
    assert error_of(events.start_replay, **window()) == expected
    assert error_of(events.start_replay, **window(archive=second, bus=other)) == expected


def test_ten_replays_may_be_active_in_one_account_and_region(cloud: Harness, events: Any, gate: Gate) -> None:
    fill(cloud, 150)
    for number in range(9):
        start_replay(events, f"r{number}")
    start_replay(events, "tenth")
    events.cancel_replay(ReplayName="tenth")
    assert error_of(events.start_replay, **window("eleventh")) == LIMIT
    other = cloud.client("events", account=ACCOUNT, region="us-east-1")
    bus = other.describe_event_bus()["Arn"]
    archive = other.create_archive(ArchiveName="past", EventSourceArn=bus)["ArchiveArn"]
    start_replay(other, "eleventh", archive=archive, bus=bus)
    gate.open()
    start_replay(events, "eleventh")


@pytest.mark.parametrize("operation", ["describe_replay", "cancel_replay"])
def test_a_replay_that_is_not_there_is_not_found(events: Any, operation: str) -> None:
    assert error_of(getattr(events, operation), ReplayName="again") == not_found("Replay again does not exist.")


# Listing.


def test_a_list_shows_the_replays_by_name_without_arn_description_and_destination(events: Any) -> None:
    put(events, "order")
    start_replay(events, "b", Description="d")
    start_replay(events, "a", start=NOW + timedelta(seconds=1))
    alike = {
        "EventSourceArn": ARCHIVE,
        "State": "COMPLETED",
        "EventEndTime": NOW + HOUR,
        "ReplayStartTime": NOW,
        "ReplayEndTime": NOW,
    }
    assert events.list_replays()["Replays"] == [
        {"ReplayName": "a", "EventStartTime": NOW + timedelta(seconds=1)} | alike,
        {"ReplayName": "b", "EventStartTime": NOW - HOUR, "EventLastReplayedTime": NOW} | alike,
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["Again", "again", "again-2", "other"]),
        ({"NamePrefix": "again"}, ["again", "again-2"]),
        ({"EventSourceArn": f"{PREFIX}archive/second"}, ["other"]),
        ({"EventSourceArn": f"{PREFIX}archive/none"}, []),
        ({"State": "RUNNING"}, ["again", "again-2"]),
        ({"State": "CANCELLING"}, ["Again"]),
        ({"State": "COMPLETED"}, ["other"]),
    ],
)
def test_a_list_may_be_filtered(
    cloud: Harness, events: Any, gate: Gate, given: dict[str, str], expected: list[str]
) -> None:
    fill(cloud, 150)
    bus = f"{PREFIX}event-bus/default"
    second = events.create_archive(ArchiveName="second", EventSourceArn=bus)["ArchiveArn"]
    start_replay(events, "other", archive=second, bus=bus)
    for name in ("again-2", "again", "Again"):
        start_replay(events, name)
    events.cancel_replay(ReplayName="Again")
    assert names(events, **given) == expected


@pytest.mark.parametrize(
    "given", [{"NamePrefix": "a", "State": "RUNNING"}, {"State": "RUNNING", "EventSourceArn": ARCHIVE}]
)
def test_a_list_takes_one_filter_only(events: Any, given: dict[str, str]) -> None:
    message = "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."
    assert error_of(events.list_replays, **given) == Seen("ValidationException", message, 400)


def test_a_long_list_comes_in_pages(events: Any) -> None:
    for name in "cab":
        start_replay(events, name)
    first = events.list_replays(Limit=2)
    second = events.list_replays(Limit=2, NextToken=first["NextToken"])
    pages = [[replay["ReplayName"] for replay in page["Replays"]] for page in (first, second)]
    assert pages == [["a", "b"], ["c"]]
    assert "NextToken" not in second


def test_a_replay_is_listed_for_ninety_days_after_its_end(cloud: Harness, events: Any) -> None:
    start_replay(events)
    cloud.advance(90 * DAY_S)
    assert names(events) == ["again"]
    cloud.advance(0.001)
    assert names(events) == []
    assert error_of(events.describe_replay, ReplayName="again") == not_found("Replay again does not exist.")
    start_replay(events)


def test_a_reset_ends_the_replays(cloud: Harness, events: Any, gate: Gate) -> None:
    fill(cloud, 150)
    start_replay(events)
    assert cloud.request("POST", "/_eventyard/reset").status == 200
    assert cloud.run(lambda emulator: len(emulator.tasks)) == 0
    assert names(events) == []
