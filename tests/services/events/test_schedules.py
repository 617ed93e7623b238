"""Rules with schedules: they fire on the clock at the very instant, to their own targets, and a rule that waits is one timer.

The harness's clock starts at 2026-01-01T00:00:00Z, a Thursday.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.harness import DEFAULT_ACCOUNT, Harness
from tests.support.sqs_flow import Box
from tests.support.sqs_wire import UUID, json_call, signed

ACCOUNT, REGION = "111122223333", "eu-central-1"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


@pytest.fixture
def box(cloud: Harness) -> Box:
    return Box(cloud.client("sqs", account=ACCOUNT, region=REGION), MessageRetentionPeriod=14 * DAY)


def put(events: Any, box: Box | None, schedule: str, name: str = "r", **options: Any) -> None:
    """Put a rule with a schedule and, where there is a box, a target."""
    events.put_rule(Name=name, ScheduleExpression=schedule, **options)
    if box is not None:
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": box.arn}])


def move_to(cloud: Harness, text: str) -> None:
    """Move the clock to a time of day such as 2026-01-01T12:00:00, in UTC."""
    goal = datetime.fromisoformat(text).replace(tzinfo=UTC)
    cloud.advance(goal.timestamp() - cloud.now_ms / 1000)


def take(box: Box) -> list[str]:
    """Take all that has come."""
    found = []
    while messages := box.receive():
        for message in messages:
            found.append(message["Body"])
            box.delete(message)
    return found


def times(box: Box) -> list[str]:
    """Take what has come and tell the events' times."""
    return [json.loads(body)["time"] for body in take(box)]


# The event.


def test_a_firing_is_an_event_of_aws_events_about_the_rule(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(5 minutes)")
    cloud.advance(5 * MINUTE)
    (body,) = take(box)
    event = json.loads(body)
    assert re.fullmatch(UUID, event.pop("id"))
    assert list(json.loads(body)) == [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    ]
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "2026-01-01T00:05:00Z",
        "region": REGION,
        "resources": [RULE],
        "detail": {},
    }


def test_each_firing_is_an_event_of_its_own(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    cloud.advance(5 * MINUTE)
    assert len({json.loads(body)["id"] for body in take(box)}) == 5


def test_a_firing_passes_the_target_s_transformer(cloud: Harness, events: Any, box: Box) -> None:
    put(events, None, "rate(1 hour)")
    template = '{"at": <at>, "rule": "<aws.events.rule-name>"}'
    transformer = {"InputPathsMap": {"at": "$.time"}, "InputTemplate": template}
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": box.arn, "InputTransformer": transformer}])
    cloud.advance(HOUR)
    assert take(box) == ['{"at": "2026-01-01T01:00:00Z", "rule": "r"}']


def test_all_targets_of_a_rule_get_the_same_event(cloud: Harness, events: Any, box: Box) -> None:
    other = Box(box.client, "other")
    put(events, box, "rate(1 hour)")
    events.put_targets(Rule="r", Targets=[{"Id": "u", "Arn": other.arn}])
    cloud.advance(HOUR)
    assert take(box) == take(other) != []


def test_a_firing_is_not_seen_by_the_patterns_of_other_rules(cloud: Harness, events: Any, box: Box) -> None:
    put(events, None, "rate(1 minute)", name="ticks")
    events.put_rule(Name="sees-all", EventPattern='{"source":["aws.events"]}')
    events.put_targets(Rule="sees-all", Targets=[{"Id": "t", "Arn": box.arn}])
    cloud.advance(3 * MINUTE)
    assert take(box) == []


def test_a_firing_does_not_pass_the_rule_s_own_pattern(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)", EventPattern='{"source":["shop"]}')
    cloud.advance(MINUTE)
    assert times(box) == ["2026-01-01T00:01:00Z"]


def test_a_rule_with_both_fires_by_its_pattern_too(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)", EventPattern='{"source":["shop"]}')
    events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    assert [json.loads(body)["source"] for body in take(box)] == ["shop"]
    cloud.advance(MINUTE)
    assert [json.loads(body)["source"] for body in take(box)] == ["aws.events"]


def test_a_rule_without_targets_fires_into_nothing(cloud: Harness, events: Any, box: Box) -> None:
    put(events, None, "rate(1 minute)")
    cloud.advance(MINUTE)
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": box.arn}])
    assert take(box) == []
    cloud.advance(MINUTE)
    assert times(box) == ["2026-01-01T00:02:00Z"]


# When.


@pytest.mark.parametrize(
    ("schedule", "period_s"),
    [
        ("rate(1 minute)", MINUTE),
        ("rate(2 minutes)", 2 * MINUTE),
        ("rate(90 minutes)", 90 * MINUTE),
        ("rate(1 hour)", HOUR),
        ("rate(36 hours)", 36 * HOUR),
        ("rate(1 day)", DAY),
        ("rate(30 days)", 30 * DAY),
    ],
)
def test_a_rate_fires_each_period_from_its_making_to_the_millisecond(
    cloud: Harness, events: Any, box: Box, schedule: str, period_s: int
) -> None:
    cloud.advance(17.345)
    put(events, box, schedule)
    cloud.advance(period_s - 0.001)
    assert take(box) == []
    cloud.advance(0.001)
    assert len(take(box)) == 1
    cloud.advance(period_s - 0.001)
    assert take(box) == []
    cloud.advance(0.001)
    assert len(take(box)) == 1


def test_the_time_of_a_firing_has_whole_seconds(cloud: Harness, events: Any, box: Box) -> None:
    cloud.advance(17.345)
    put(events, box, "rate(1 minute)")
    cloud.advance(2 * MINUTE)
    assert times(box) == ["2026-01-01T00:01:17Z", "2026-01-01T00:02:17Z"]


def test_a_clock_that_leaps_leaves_no_firing_out(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 hour)")
    cloud.advance(DAY)
    assert sorted(times(box)) == [f"2026-01-01T{hour:02}:00:00Z" for hour in range(1, 24)] + ["2026-01-02T00:00:00Z"]


@pytest.mark.parametrize(
    ("schedule", "firings"),
    [
        ("cron(0 12 * * ? *)", ["2026-01-01T12:00:00", "2026-01-02T12:00:00"]),
        ("cron(0/15 8-9 * * ? *)", ["2026-01-01T08:00:00", "2026-01-01T08:15:00", "2026-01-01T08:30:00"]),
        ("cron(0 8 ? * MON-FRI *)", ["2026-01-01T08:00:00", "2026-01-02T08:00:00", "2026-01-05T08:00:00"]),
        ("cron(0 8 ? * 1 *)", ["2026-01-04T08:00:00", "2026-01-11T08:00:00"]),
        ("cron(30 22-1 * * ? *)", ["2026-01-01T00:30:00", "2026-01-01T01:30:00", "2026-01-01T22:30:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31T00:00:00", "2026-02-28T00:00:00"]),
        ("cron(0 0 3W * ? *)", ["2026-01-02T00:00:00", "2026-02-03T00:00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-01-30T00:00:00", "2026-02-27T00:00:00"]),
        ("cron(0 0 ? * 3#2 *)", ["2026-01-13T00:00:00", "2026-02-10T00:00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00:00"]),
        ("cron(59 23 31 12 ? 2027)", ["2027-12-31T23:59:00"]),
        ("cron(* * * * ? *)", ["2026-01-01T00:01:00", "2026-01-01T00:02:00"]),
    ],
)
def test_a_cron_fires_at_second_0_of_its_minutes_in_utc(
    cloud: Harness, events: Any, box: Box, schedule: str, firings: list[str]
) -> None:
    put(events, box, schedule)
    for firing in firings:
        cloud.advance((datetime.fromisoformat(firing).replace(tzinfo=UTC).timestamp() * 1000 - cloud.now_ms - 1) / 1000)
        assert take(box) == []
        cloud.advance(0.001)
        assert times(box) == [firing + "Z"]


def test_a_cron_made_at_its_own_instant_waits_for_the_next(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "cron(0 0 * * ? *)")
    assert take(box) == []
    cloud.advance(DAY)
    assert times(box) == ["2026-01-02T00:00:00Z"]


def test_a_cron_of_past_years_never_fires(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "cron(0 0 1 1 ? 2025)")
    assert cloud.emulator.clock.timers == 0
    cloud.advance(400 * DAY)
    assert take(box) == []


def test_a_cron_of_a_day_that_no_month_has_never_fires(cloud: Harness, events: Any) -> None:
    put(events, None, "cron(0 0 31 2 ? *)")
    assert cloud.emulator.clock.timers == 0


def test_a_cron_that_has_fired_for_the_last_time_is_no_timer_any_more(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "cron(0 6,18 1 1 ? 2026)")
    move_to(cloud, "2026-01-01T18:00:00")
    assert len(take(box)) == 2
    assert cloud.run(firings_of) == []


def firings_of(emulator: Any) -> list[int]:
    """List when the timers of rules are due."""
    states = emulator.storage.states("events")
    rules = [rule for state in states for bus in state.buses.values() for rule in bus.rules.values()]
    return sorted(rule.timer.when_ms for rule in rules if rule.timer is not None)


# Changing.


def test_a_disabled_rule_does_not_fire(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    events.disable_rule(Name="r")
    assert cloud.emulator.clock.timers == 0
    cloud.advance(5 * MINUTE)
    assert take(box) == []


def test_a_rule_made_disabled_does_not_fire(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)", State="DISABLED")
    cloud.advance(5 * MINUTE)
    assert take(box) == []


@pytest.mark.parametrize("state", ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
def test_a_rule_fires_in_both_enabled_states(cloud: Harness, events: Any, box: Box, state: str) -> None:
    put(events, box, "rate(1 minute)", State=state)
    cloud.advance(MINUTE)
    assert len(take(box)) == 1


def test_a_rate_enabled_again_counts_anew(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(10 minutes)")
    cloud.advance(9 * MINUTE)
    events.disable_rule(Name="r")
    cloud.advance(5 * MINUTE)
    events.enable_rule(Name="r")
    cloud.advance(20 * MINUTE)
    assert times(box) == ["2026-01-01T00:24:00Z", "2026-01-01T00:34:00Z"]


def test_to_enable_a_rule_that_is_enabled_does_not_hold_it_back(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(10 minutes)")
    cloud.advance(9 * MINUTE)
    events.enable_rule(Name="r")
    cloud.advance(MINUTE)
    assert times(box) == ["2026-01-01T00:10:00Z"]


@pytest.mark.parametrize(
    ("schedule", "firing"),
    [("rate(10 minutes)", "00:19"), ("rate(1 minute)", "00:10"), ("cron(30 * * * ? *)", "00:30")],
)
def test_a_rule_put_again_begins_anew(cloud: Harness, events: Any, box: Box, schedule: str, firing: str) -> None:
    put(events, box, "rate(10 minutes)")
    cloud.advance(9 * MINUTE)
    events.put_rule(Name="r", ScheduleExpression=schedule)
    assert cloud.emulator.clock.timers == 1
    move_to(cloud, f"2026-01-01T{firing}:00")
    assert times(box) == [f"2026-01-01T{firing}:00Z"]


def test_a_rule_put_again_without_its_schedule_fires_no_more(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    events.put_rule(Name="r", EventPattern='{"source":["shop"]}')
    assert cloud.emulator.clock.timers == 0
    cloud.advance(HOUR)
    assert take(box) == []


def test_a_refused_change_leaves_the_schedule_running(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(10 minutes)")
    cloud.advance(5 * MINUTE)
    with pytest.raises(events.exceptions.ClientError):
        events.put_rule(Name="r", ScheduleExpression="rate(1 minutes)")
    cloud.advance(5 * MINUTE)
    assert times(box) == ["2026-01-01T00:10:00Z"]


def test_a_deleted_rule_fires_no_more(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    cloud.advance(MINUTE)
    events.remove_targets(Rule="r", Ids=["t"])
    events.delete_rule(Name="r")
    assert cloud.run(firings_of) == []
    cloud.advance(HOUR)
    assert times(box) == ["2026-01-01T00:01:00Z"]


def test_a_removed_target_gets_no_more_firings(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    cloud.advance(MINUTE)
    events.remove_targets(Rule="r", Ids=["t"])
    cloud.advance(MINUTE)
    assert len(take(box)) == 1


# Many.


def test_two_rules_of_the_same_rate_fire_each_for_itself(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)", name="one")
    cloud.advance(10)
    put(events, box, "rate(1 minute)", name="two")
    cloud.advance(MINUTE)
    found = [(event["resources"][0].rpartition("/")[2], event["time"]) for event in map(json.loads, take(box))]
    assert found == [("one", "2026-01-01T00:01:00Z"), ("two", "2026-01-01T00:01:10Z")]


def test_accounts_and_regions_have_schedules_of_their_own(cloud: Harness) -> None:
    places = [(ACCOUNT, REGION), (ACCOUNT, "us-west-2"), ("999988887777", REGION)]
    boxes = [Box(cloud.client("sqs", account=account, region=region)) for account, region in places]
    for minutes, (box, (account, region)) in enumerate(zip(boxes, places, strict=True), 2):
        put(cloud.client("events", account=account, region=region), box, f"rate({minutes} minutes)")
    cloud.advance(12 * MINUTE)
    seen = [[json.loads(body) for body in take(box)] for box in boxes]
    assert [len(found) for found in seen] == [6, 4, 3]
    assert [{(event["account"], event["region"]) for event in found} for found in seen] == [{place} for place in places]


def test_a_thousand_rules_that_wait_are_a_timer_each_and_nothing_else(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(quotas=False)
    headers = signed(ACCOUNT, REGION, "events")
    for number in range(2000):
        request = {"Name": f"r{number}", "ScheduleExpression": "rate(30 days)"}
        answer = json_call(cloud, "PutRule", request, target="AWSEvents", headers=headers)
        assert answer.status == 200
    before = cloud.run(firings_of)
    assert len(before) == cloud.emulator.clock.timers == 2000
    assert len(cloud.emulator.tasks) == 0
    cloud.advance(29 * DAY)
    assert cloud.run(firings_of) == before
    assert len(cloud.emulator.tasks) == 0


def test_a_thousand_rules_put_over_and_over_leave_no_dead_timers_behind(cloud: Harness, events: Any) -> None:
    headers = signed(ACCOUNT, REGION, "events")
    for number in range(1000):
        request = {"Name": f"r{number % 10}", "ScheduleExpression": "rate(30 days)"}
        json_call(cloud, "PutRule", request, target="AWSEvents", headers=headers)
    assert cloud.emulator.clock.timers == 10
    assert len(cloud.run(firings_of)) == 10


def test_a_reset_ends_all_schedules(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "rate(1 minute)")
    assert cloud.request("POST", "/_eventyard/reset").status < 300
    assert cloud.emulator.clock.timers == 0
    cloud.advance(HOUR)
    assert events.list_rules()["Rules"] == []


# The look-up.


def look(cloud: Harness, **query: str) -> Any:
    """Ask when rules fire next."""
    headers = signed(ACCOUNT, REGION, "events")
    answer = cloud.request("GET", "/_aws/events/schedules", query=urlencode(query), headers=headers)
    assert answer.status == 200
    return json.loads(answer.body)


def test_the_next_ten_firings_of_a_rule_can_be_read(cloud: Harness, events: Any) -> None:
    put(events, None, "rate(12 hours)")
    firings = [f"2026-01-{day:02}T{hour}:00:00.000Z" for day in range(1, 7) for hour in ("00", "12")][1:11]
    shown = {"expression": "rate(12 hours)", "state": "ENABLED", "firings": firings}
    assert look(cloud) == {"schedules": {RULE: shown}, "region": REGION}


def test_the_firings_that_are_shown_are_those_that_come(cloud: Harness, events: Any, box: Box) -> None:
    put(events, box, "cron(0 9 ? * MON-FRI *)")
    shown = look(cloud)["schedules"][RULE]["firings"]
    move_to(cloud, shown[-1].removesuffix("Z"))
    assert times(box) == [firing.replace(".000Z", "Z") for firing in shown]
    assert len(shown) == 10


def test_a_rule_shows_fewer_firings_when_no_more_will_come(cloud: Harness, events: Any) -> None:
    put(events, None, "cron(0 9 1 * ? 2026)")
    move_to(cloud, "2026-10-15T00:00:00")
    assert look(cloud)["schedules"][RULE]["firings"] == ["2026-11-01T09:00:00.000Z", "2026-12-01T09:00:00.000Z"]


def test_a_disabled_rule_shows_no_firings(cloud: Harness, events: Any) -> None:
    put(events, None, "rate(1 minute)", State="DISABLED")
    assert look(cloud)["schedules"][RULE] == {"expression": "rate(1 minute)", "state": "DISABLED", "firings": []}


def test_the_look_up_shows_one_rule_by_its_arn_and_those_of_the_caller_only(cloud: Harness, events: Any) -> None:
    put(events, None, "rate(1 minute)")
    put(events, None, "rate(1 minute)", name="other")
    put(cloud.client("events"), None, "rate(1 minute)", name="theirs")
    events.put_rule(Name="no-schedule", EventPattern='{"source":["shop"]}')
    assert set(look(cloud)["schedules"]) == {RULE, RULE.removesuffix("r") + "other"}
    assert set(look(cloud, ruleArn=RULE)["schedules"]) == {RULE}
    theirs = look(cloud, accountId=DEFAULT_ACCOUNT, region="us-east-1")
    assert set(theirs["schedules"]) == {f"arn:aws:events:us-east-1:{DEFAULT_ACCOUNT}:rule/theirs"}
