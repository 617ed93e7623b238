"""Replayed events: what comes again, in which order, to which rules, and how many of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from services.events import dispatch, limits, replays
from services.events.state import home
from tests.support.events_replays import (
    ACCOUNT,
    BUS,
    DAY_S,
    EVERYTHING,
    NOW,
    PREFIX,
    REGION,
    Gate,
    connect,
    count_of,
    create_archive,
    describe_replay,
    fill,
    open_shop,
    put,
    start_replay,
    state_of,
    types,
)
from tests.support.harness import DEFAULT_ACCOUNT, Harness
from tests.support.sqs_flow import Box

ANYTHING = '[{"prefix":""}]'
MANY = 100_000


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


# What comes again.


def test_a_replayed_event_is_the_original_with_the_replays_name(cloud: Harness, events: Any, box: Box) -> None:
    connect(events, box)
    put(events, "order", Detail='{"total": 1.5, "name": "Zoë"}', Resources=["a", "b"], Time=NOW - timedelta(days=9))
    (first,) = box.drain()
    cloud.advance(5 * DAY_S)
    start_replay(events, start=NOW - timedelta(days=10))
    (second,) = box.drain()
    original = json.loads(first)
    again = json.loads(second)
    assert list(again) == [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "replay-name",
        "resources",
        "detail",
    ]
    assert again == original | {"replay-name": "again"}


@pytest.mark.parametrize(
    ("account", "region", "bus"),
    [
        (DEFAULT_ACCOUNT, "us-east-1", "default"),
        (ACCOUNT, REGION, "default"),
        ("999988887777", "ap-south-1", "mine"),
        (ACCOUNT, "cn-north-1", "mine"),
    ],
)
def test_a_replay_works_in_every_account_and_region(cloud: Harness, account: str, region: str, bus: str) -> None:
    events = cloud.client("events", account=account, region=region)
    box = Box(cloud.client(account=account, region=region))
    if bus != "default":
        events.create_event_bus(Name=bus)
    arn = events.describe_event_bus(Name=bus)["Arn"]
    archive = events.create_archive(ArchiveName="past", EventSourceArn=arn)["ArchiveArn"]
    connect(events, box, bus=bus)
    put(events, "order", bus=bus)
    answer = start_replay(events, archive=archive, bus=arn)
    assert answer["ReplayArn"] == archive.replace("archive/past", "replay/again")
    assert types(box) == ["order", "order"]


def test_an_event_is_in_the_window_from_its_start_to_before_its_end_by_its_own_time(
    cloud: Harness, events: Any, box: Box
) -> None:
    for second, name in enumerate(["before", "start", "inside", "end", "after"]):
        put(events, name, Time=NOW + timedelta(seconds=second))
    connect(events, box)
    cloud.advance(7 * DAY_S)
    start_replay(events, start=NOW + timedelta(seconds=1), end=NOW + timedelta(seconds=3))
    assert types(box) == ["start", "inside"]


def test_a_window_may_begin_and_end_between_two_seconds(events: Any, box: Box) -> None:
    put(events, "order", Time=NOW)
    connect(events, box)
    millisecond = timedelta(milliseconds=1)
    start_replay(events, "late", start=NOW + millisecond)
    assert types(box) == []
    start_replay(events, "in-time", start=NOW, end=NOW + millisecond)
    assert types(box) == ["order"]


def test_events_come_in_the_order_of_their_own_times(events: Any, box: Box) -> None:
    for minute in (3, 1, 4, 1, 5, 9, 2, 6):
        put(events, str(minute), Time=NOW + timedelta(minutes=minute))
    connect(events, box)
    start_replay(events)
    assert types(box) == ["1", "1", "2", "3", "4", "5", "6", "9"]


def test_events_of_the_same_time_come_in_the_order_in_which_they_were_put(events: Any, box: Box) -> None:
    put(events, *"hgfedcba")
    connect(events, box)
    start_replay(events)
    assert types(box) == list("hgfedcba")


def test_only_what_was_archived_comes_again(events: Any, box: Box) -> None:
    events.update_archive(ArchiveName="past", EventPattern='{"detail-type":["order"]}')
    put(events, "order", "invoice")
    connect(events, box)
    start_replay(events)
    assert types(box) == ["order"]


def test_what_has_left_the_archive_does_not_come_again(cloud: Harness, events: Any, box: Box) -> None:
    events.update_archive(ArchiveName="past", RetentionDays=1)
    put(events, "old")
    cloud.advance(DAY_S / 2)
    put(events, "new", Time=NOW)
    cloud.advance(DAY_S / 2 + 1)
    connect(events, box)
    start_replay(events)
    assert types(box) == ["new"]


def test_what_leaves_the_archive_while_a_replay_runs_does_not_come(
    cloud: Harness, events: Any, box: Box, gate: Gate
) -> None:
    events.update_archive(ArchiveName="past", RetentionDays=1)
    fill(cloud, 1000)
    connect(events, box)
    start_replay(events)
    cloud.advance(DAY_S + 1)
    put(events, "meanwhile")
    gate.open()
    assert types(box) == ["order"] * 50 + ["meanwhile"]
    assert state_of(events) == "COMPLETED"


def test_replayed_events_are_not_archived(events: Any, box: Box) -> None:
    events.create_archive(ArchiveName="narrow", EventSourceArn=BUS, EventPattern='{"replay-name":["again"]}')
    events.create_archive(ArchiveName="wide", EventSourceArn=BUS, EventPattern=f'{{"detail-type":{ANYTHING}}}')
    put(events, "order")
    connect(events, box)
    start_replay(events)
    assert types(box) == ["order"]
    counts = {archive["ArchiveName"]: archive["EventCount"] for archive in events.list_archives()["Archives"]}
    assert counts == {"past": 1, "narrow": 1, "wide": 1}


def test_a_rule_can_ask_for_replays_by_name_or_have_none(events: Any, box: Box) -> None:
    put(events, "order")
    connect(events, box, "one", '{"replay-name":["two"]}')
    connect(events, box, "none", '{"replay-name":[{"exists":false}]}')
    start_replay(events, "one")
    start_replay(events, "two")
    (body,) = box.drain()
    assert json.loads(body)["replay-name"] == "two"


@pytest.mark.parametrize("turns", [0, 1, 20])
def test_what_is_put_while_a_replay_looks_or_runs_is_left_out_of_it(
    cloud: Harness, events: Any, box: Box, gate: Gate, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setattr("emulator.log.replay.breathe", gate.breathe)
    connect(events, box)
    fill(cloud, 1500)
    start_replay(events)
    for _ in range(turns):
        gate.let_on()
    put(events, "meanwhile")
    assert state_of(events) == "RUNNING"
    gate.open()
    assert (state_of(events), types(box).count("meanwhile")) == ("COMPLETED", 1)
    start_replay(events, "both")
    gate.open()
    assert types(box).count("meanwhile") == 1


def test_events_that_were_accepted_before_a_replay_are_in_it_even_when_they_were_not_matched_yet(
    cloud: Harness, events: Any, box: Box, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "breathe", gate.breathe)
    connect(events, box)
    fill(cloud, 1000, dispatch.accept)
    start_replay(events)
    assert box.counts.visible == 50
    gate.open()
    assert (state_of(events), box.counts.visible) == ("COMPLETED", 2000)


def test_an_event_that_came_from_another_bus_goes_no_further_when_it_comes_again(events: Any, box: Box) -> None:
    events.create_event_bus(Name="third")
    connect(events, box, bus="third")
    for source, target in [("default", "orders"), ("orders", "third")]:
        events.put_rule(Name="on", EventBusName=source, EventPattern=EVERYTHING)
        bus = {"Id": "bus", "Arn": f"{PREFIX}event-bus/{target}", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
        events.put_targets(Rule="on", EventBusName=source, Targets=[bus])
    put(events, "from afar", bus="default")
    put(events, "from here")
    assert (types(box), count_of(events)) == (["from here"], 2)
    start_replay(events)
    assert types(box) == ["from here"]


# Where to.


def test_filters_name_the_rules_that_get_the_events(cloud: Harness, events: Any) -> None:
    client = cloud.client(account=ACCOUNT, region=REGION)
    boxes = {name: Box(client, name) for name in "abc"}
    put(events, "order")
    arns = {name: connect(events, box, name) for name, box in boxes.items()}
    start_replay(events, filters=[arns["a"], arns["c"]])
    assert {name: types(box) for name, box in boxes.items()} == {"a": ["order"], "b": [], "c": ["order"]}
    assert describe_replay(events)["Destination"] == {"Arn": BUS, "FilterArns": [arns["a"], arns["c"]]}


def test_a_filter_does_not_make_a_rule_match(events: Any, box: Box) -> None:
    put(events, "order", "invoice")
    arn = connect(events, box, pattern='{"detail-type":["invoice"]}')
    start_replay(events, filters=[arn])
    assert types(box) == ["invoice"]


@pytest.mark.parametrize(("filters", "expected"), [([], ["order"]), ([f"{PREFIX}rule/orders/none"], [])])
def test_no_filters_mean_all_rules_and_a_rule_that_is_not_there_gets_nothing(
    events: Any, box: Box, filters: list[str], expected: list[str]
) -> None:
    put(events, "order")
    connect(events, box)
    start_replay(events, filters=filters)
    assert (types(box), state_of(events)) == (expected, "COMPLETED")


def test_a_disabled_rule_gets_nothing_of_a_replay(events: Any, box: Box) -> None:
    put(events, "order")
    arn = connect(events, box)
    events.disable_rule(Name="to-box", EventBusName="orders")
    start_replay(events, filters=[arn])
    assert types(box) == []


def test_transformers_and_dead_letters_are_those_of_every_event(cloud: Harness, events: Any, box: Box) -> None:
    dead = Box(cloud.client(account=ACCOUNT, region=REGION), "dead")
    put(events, "order")
    template = {"InputPathsMap": {"name": "$.replay-name"}, "InputTemplate": '"by <name>"'}
    connect(events, box, InputTransformer=template, DeadLetterConfig={"Arn": dead.arn})
    start_replay(events)
    assert box.drain() == ['"by again"']
    box.client.delete_queue(QueueUrl=box.url)
    start_replay(events, "lost")
    assert json.loads(dead.receive_one()["Body"])["replay-name"] == "lost"


# Many events.


def test_other_requests_have_their_turn_after_every_hundred_deliveries(
    cloud: Harness, events: Any, box: Box, gate: Gate
) -> None:
    fill(cloud, 1000)
    connect(events, box)
    start_replay(events)
    assert box.counts.visible == 50
    gate.let_on()
    assert box.counts.visible == 100
    put(events, "meanwhile")
    assert box.counts.visible == 101
    assert gate.open() == 18
    assert box.counts.visible == 1001


def test_a_hundred_thousand_events_come_again_beside_other_requests(
    cloud: Harness, events: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.log.replay.breathe", gate.breathe)
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/orders"
    fill(cloud, MANY)
    events.put_rule(Name="to-log", EventBusName="orders", EventPattern='{"replay-name":["again"]}')
    events.put_targets(Rule="to-log", EventBusName="orders", Targets=[{"Id": "log", "Arn": log_group}])
    assert count_of(events) == MANY
    before = cloud.run(lambda emulator: emulator.router.deliveries.delivered)
    start_replay(events)
    turns_of_others = 0
    while state_of(events) == "RUNNING":
        for _ in range(100):
            gate.let_on()
            turns_of_others += 1
    assert state_of(events) == "COMPLETED"
    assert turns_of_others >= 2 * MANY // dispatch.SLICE
    assert cloud.run(lambda emulator: emulator.router.deliveries.delivered) - before == MANY
    assert count_of(events) == MANY


def set_queue(cloud: Harness, rule: str, length: int) -> None:
    """Let a number of deliveries wait for their turn, as they do before a slow API destination."""

    def change(emulator: Any) -> None:
        queue = home(emulator, ACCOUNT, REGION).buses["orders"].rules[rule].targets["box"].lane.queue
        queue.clear()
        queue.extend([None] * length)

    cloud.run(change)


def test_a_replay_waits_for_a_target_with_a_long_queue(cloud: Harness, events: Any, box: Box) -> None:
    fill(cloud, 200)
    connect(events, box)
    set_queue(cloud, "to-box", limits.REPLAY_BACKLOG_MAX)
    start_replay(events)
    cloud.advance(60)
    assert (state_of(events), box.counts.visible) == ("RUNNING", 50)
    set_queue(cloud, "to-box", limits.REPLAY_BACKLOG_MAX - 1)
    cloud.advance(0.1)
    assert (state_of(events), box.counts.visible) == ("COMPLETED", 200)
    set_queue(cloud, "to-box", 0)


def test_a_replay_does_not_wait_for_targets_to_which_it_sends_nothing(cloud: Harness, events: Any, box: Box) -> None:
    fill(cloud, 200)
    arn = connect(events, box)
    connect(events, box, "slow")
    set_queue(cloud, "slow", limits.REPLAY_BACKLOG_MAX)
    start_replay(events, filters=[arn])
    cloud.advance(0)
    assert (state_of(events), box.counts.visible) == ("COMPLETED", 200)


def test_a_replay_that_waits_can_be_cancelled(cloud: Harness, events: Any, box: Box) -> None:
    fill(cloud, 200)
    connect(events, box)
    set_queue(cloud, "to-box", limits.REPLAY_BACKLOG_MAX)
    start_replay(events)
    events.cancel_replay(ReplayName="again")
    cloud.advance(0.1)
    assert (state_of(events), box.counts.visible) == ("CANCELLED", 50)


def test_an_event_that_is_nested_deep_comes_again_as_it_was(events: Any, box: Box) -> None:
    connect(events, box)
    detail = '{"a":' * 900 + "1" + "}" * 900
    put(events, "deep", Detail=detail)
    (first,) = box.bodies()
    start_replay(events)
    (again,) = box.bodies()
    assert again == first.replace('"resources":', '"replay-name":"again","resources":')
    assert again.endswith(f'"detail":{detail}}}')
