"""Developer look-ups under /_aws/events/: what went to CloudWatch Logs, and when rules fire next."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.harness import DEFAULT_ACCOUNT, Answer, Harness
from tests.support.sqs_wire import signed

PATH = "/_aws/events"
ACCOUNT, REGION = "111122223333", "eu-west-1"
NOWHERE = {"accountId": "222222222222", "region": "sa-east-1"}


def group_arn(name: str = "all", account: str = DEFAULT_ACCOUNT, region: str = "us-east-1") -> str:
    return f"arn:aws:logs:{region}:{account}:log-group:/aws/events/{name}"


def rule_arn(name: str, account: str = DEFAULT_ACCOUNT, region: str = "us-east-1") -> str:
    return f"arn:aws:events:{region}:{account}:rule/{name}"


def look(cloud: Harness, path: str, method: str = "GET", headers: dict[str, str] | None = None, **query: str) -> Answer:
    """Look something up, unsigned as a developer does with curl."""
    return cloud.request(method, f"{PATH}/{path}", query=urlencode(query), headers=headers)


def shown(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


def log_all(events: Any, *arns: str) -> None:
    """Let every event go to log groups."""
    events.put_rule(Name="log", EventPattern='{"source":[{"prefix":""}]}')
    events.put_targets(Rule="log", Targets=[{"Id": str(place), "Arn": arn} for place, arn in enumerate(arns)])


def put(cloud: Harness, events: Any, number: int = 1) -> str:
    """Put an event; its id."""
    entry = {"Source": "shop", "DetailType": "Order", "Detail": json.dumps({"number": number})}
    answer = events.put_events(Entries=[entry])
    cloud.run(lambda _: None)
    event_id: str = answer["Entries"][0]["EventId"]
    return event_id


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events")


# What went to CloudWatch Logs.


def groups(cloud: Harness, **query: str) -> Any:
    return shown(look(cloud, "log-groups", **query))["log_groups"]


def test_nothing_is_shown_where_nothing_was_logged(cloud: Harness) -> None:
    assert shown(look(cloud, "log-groups")) == {"log_groups": {}, "region": "us-east-1"}


def test_an_event_that_was_logged_is_shown_with_its_time_text_and_id(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn())
    cloud.advance(1.5)
    event_id = put(cloud, events)
    answer = shown(look(cloud, "log-groups"))
    (event,) = answer["log_groups"].pop(group_arn())
    assert answer == {"log_groups": {}, "region": "us-east-1"}
    message = json.loads(event.pop("message"))
    assert event == {"timestamp": cloud.now_ms // 1000 * 1000, "eventId": event_id}
    assert (message["id"], message["detail"]) == (event_id, {"number": 1})


def test_logged_events_stand_in_the_order_of_their_coming(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn())
    ids = [put(cloud, events, number) for number in range(5)]
    assert [event["eventId"] for event in groups(cloud)[group_arn()]] == ids


def test_each_log_group_has_its_own_events_and_one_can_be_chosen(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn("a"), group_arn("b"))
    event_id = put(cloud, events)
    assert groups(cloud).keys() == {group_arn("a"), group_arn("b")}
    chosen = groups(cloud, logGroupArn=group_arn("b"))
    assert {arn: [event["eventId"] for event in each] for arn, each in chosen.items()} == {group_arn("b"): [event_id]}


def test_a_chosen_log_group_without_events_has_an_empty_list(cloud: Harness) -> None:
    assert groups(cloud, logGroupArn=group_arn()) == {group_arn(): []}


def test_log_groups_are_shown_by_account_and_region(cloud: Harness) -> None:
    events, arn = cloud.client("events", account=ACCOUNT, region=REGION), group_arn(account=ACCOUNT, region=REGION)
    log_all(events, arn)
    put(cloud, events)
    assert groups(cloud) == {}
    assert groups(cloud, accountId=ACCOUNT) == {}
    assert shown(look(cloud, "log-groups", region=REGION)) == {"log_groups": {}, "region": REGION}
    wanted = shown(look(cloud, "log-groups", accountId=ACCOUNT, region=REGION))
    assert (wanted["region"], list(wanted["log_groups"])) == (REGION, [arn])
    assert shown(look(cloud, "log-groups", headers=signed(ACCOUNT, REGION, "events"))) == wanted
    assert shown(look(cloud, "log-groups", logGroupArn=arn)) == wanted


def test_all_log_groups_can_be_forgotten(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn("a"), group_arn("b"))
    put(cloud, events)
    answer = look(cloud, "log-groups", "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert groups(cloud) == {}


def test_one_log_group_can_be_forgotten(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn("a"), group_arn("b"))
    put(cloud, events)
    assert look(cloud, "log-groups", "DELETE", logGroupArn=group_arn("a")).status == 204
    assert list(groups(cloud)) == [group_arn("b")]


def test_a_forgotten_log_group_takes_events_again(cloud: Harness, events: Any) -> None:
    log_all(events, group_arn())
    put(cloud, events)
    look(cloud, "log-groups", "DELETE")
    event_id = put(cloud, events)
    assert [event["eventId"] for event in groups(cloud)[group_arn()]] == [event_id]


@pytest.mark.parametrize("query", [{}, {"logGroupArn": group_arn()}, NOWHERE])
def test_forgetting_what_is_not_there_is_no_error(cloud: Harness, query: dict[str, str]) -> None:
    assert look(cloud, "log-groups", "DELETE", **query).status == 204


# When rules fire.


def schedules(cloud: Harness, **query: str) -> Any:
    return shown(look(cloud, "schedules", **query))["schedules"]


def test_no_rule_has_no_schedules(cloud: Harness) -> None:
    assert shown(look(cloud, "schedules")) == {"schedules": {}, "region": "us-east-1"}


def test_the_next_10_firings_of_a_rule_are_shown(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="noon", ScheduleExpression="cron(0 12 ? * * *)")
    firings = [f"2026-01-{day:02}T12:00:00.000Z" for day in range(1, 11)]
    assert shown(look(cloud, "schedules")) == {
        "schedules": {rule_arn("noon"): {"expression": "cron(0 12 ? * * *)", "state": "ENABLED", "firings": firings}},
        "region": "us-east-1",
    }


def test_a_rate_counts_from_the_making_of_its_rule(cloud: Harness, events: Any) -> None:
    cloud.advance(90.25)
    events.put_rule(Name="often", ScheduleExpression="rate(5 minutes)")
    firings = schedules(cloud)[rule_arn("often")]["firings"]
    assert firings[:2] == ["2026-01-01T00:06:30.250Z", "2026-01-01T00:11:30.250Z"]


def test_the_firings_that_are_shown_come_true(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="often", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="often", Targets=[{"Id": "log", "Arn": group_arn()}])
    foretold = schedules(cloud)[rule_arn("often")]["firings"]
    cloud.advance(10 * 3600)
    logged = [json.loads(event["message"])["time"] for event in groups(cloud)[group_arn()]]
    assert logged == [firing.replace(".000Z", "Z") for firing in foretold]


def test_what_has_fired_is_not_shown_any_more(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="often", ScheduleExpression="rate(1 hour)")
    before = schedules(cloud)[rule_arn("often")]["firings"]
    cloud.advance(3600)
    after = schedules(cloud)[rule_arn("often")]["firings"]
    assert after[:9] == before[1:]
    assert len(after) == 10


def test_fewer_firings_are_shown_when_no_more_will_come(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="rare", ScheduleExpression="cron(0 0 29 2 ? 2026-2033)")
    assert schedules(cloud)[rule_arn("rare")]["firings"] == ["2028-02-29T00:00:00.000Z", "2032-02-29T00:00:00.000Z"]


def test_a_schedule_that_never_comes_has_no_firings(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="never", ScheduleExpression="cron(0 0 31 2 ? *)")
    assert schedules(cloud)[rule_arn("never")]["firings"] == []


def test_a_disabled_rule_has_no_firings(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="off", ScheduleExpression="rate(1 day)", State="DISABLED")
    assert schedules(cloud) == {rule_arn("off"): {"expression": "rate(1 day)", "state": "DISABLED", "firings": []}}


def test_rules_without_a_schedule_are_not_shown(cloud: Harness, events: Any) -> None:
    events.put_rule(Name="matching", EventPattern='{"source":["shop"]}')
    events.put_rule(Name="both", EventPattern='{"source":["shop"]}', ScheduleExpression="rate(1 day)")
    assert list(schedules(cloud)) == [rule_arn("both")]
    assert schedules(cloud, ruleArn=rule_arn("matching")) == {}


def test_one_rule_can_be_chosen(cloud: Harness, events: Any) -> None:
    for name in ("a", "b"):
        events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    assert list(schedules(cloud, ruleArn=rule_arn("b"))) == [rule_arn("b")]
    assert schedules(cloud, ruleArn=rule_arn("c")) == {}


def test_schedules_are_shown_by_account_and_region(cloud: Harness) -> None:
    client, arn = cloud.client("events", account=ACCOUNT, region=REGION), rule_arn("daily", ACCOUNT, REGION)
    client.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    assert schedules(cloud) == {}
    assert schedules(cloud, accountId=ACCOUNT) == {}
    wanted = shown(look(cloud, "schedules", accountId=ACCOUNT, region=REGION))
    assert (wanted["region"], list(wanted["schedules"])) == (REGION, [arn])
    assert shown(look(cloud, "schedules", headers=signed(ACCOUNT, REGION, "events"))) == wanted
    assert shown(look(cloud, "schedules", ruleArn=arn)) == wanted


# The look-ups themselves.


@pytest.mark.parametrize("path", ["log-groups", "schedules"])
def test_looking_makes_no_account(cloud: Harness, path: str) -> None:
    look(cloud, path, **NOWHERE)
    look(cloud, path, "DELETE", **NOWHERE)
    assert cloud.run(lambda emulator: emulator.find_state("events", NOWHERE["accountId"], NOWHERE["region"])) is None


@pytest.mark.parametrize("path", ["", "log-group", "log-groups/all"])
def test_a_path_that_is_none_is_not_found(cloud: Harness, path: str) -> None:
    answer = look(cloud, path)
    assert (answer.status, json.loads(answer.body)) == (404, {"error": f"Nothing is at {PATH}/{path}"})


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("log-groups", "POST", "GET, DELETE"), ("schedules", "POST", "GET"), ("schedules", "DELETE", "GET")],
)
def test_a_method_that_a_look_up_does_not_have_is_refused(cloud: Harness, path: str, method: str, allowed: str) -> None:
    answer = look(cloud, path, method)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert json.loads(answer.body) == {"error": f"Method {method} is not allowed here"}
