"""PutEvents: what is refused and in which words, the envelope of an event, and which bus it comes to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.events_flow import (
    ACCOUNT,
    NOW,
    OTHER_ACCOUNT,
    OTHER_REGION,
    PLACES,
    REGION,
    Place,
    event_of,
    events_of,
    new_entry,
)
from tests.support.harness import Harness
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import receive_one

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
REQUEST_MAX_BYTES = 1_048_576
TOO_LARGE = Seen("ValidationException", "Total size of the entries in the request is over the limit.", 400)
MALFORMED = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
NOT_AUTHORIZED = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}


@pytest.fixture
def place(cloud: Harness) -> Place:
    return Place(cloud)


@pytest.fixture
def box(place: Place) -> Box:
    """A queue that gets all events of the default bus whose source is shop."""
    box = place.box()
    place.rule(box)
    return box


# The envelope.


@pytest.mark.parametrize(("account", "region"), PLACES)
def test_an_event_is_delivered_in_aws_s_envelope(cloud: Harness, account: str, region: str) -> None:
    place = Place(cloud, account, region)
    box = place.box()
    place.rule(box)
    event_id = place.put({"total": 7}, Resources=["arn:aws:s3:::bucket", "anything"])
    body = box.receive_one()["Body"]
    assert re.fullmatch(UUID, event_id)
    assert body == (
        f'{{"version":"0","id":"{event_id}","detail-type":"Order","source":"shop","account":"{account}","time":"{NOW}",'
        f'"region":"{region}","resources":["arn:aws:s3:::bucket","anything"],"detail":{{"total":7}}}}'
    )


def test_without_resources_the_list_is_empty(place: Place, box: Box) -> None:
    place.put()
    assert event_of(box)["resources"] == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (datetime(2020, 2, 29, 23, 59, 59, 999_000, UTC), "2020-02-29T23:59:59Z"),
        (datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-06-30T23:30:00Z"),
        (datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC), "1969-12-31T23:59:58Z"),
        (datetime(9999, 12, 31, tzinfo=UTC), "9999-12-31T00:00:00Z"),
        (datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00Z"),
    ],
    ids=["fraction", "zone", "before 1970", "far future", "three digits"],
)
def test_a_time_is_in_whole_seconds_of_utc(place: Place, box: Box, given: datetime, shown: str) -> None:
    place.put(Time=given)
    assert event_of(box)["time"] == shown


def test_without_a_time_it_is_that_of_the_call(cloud: Harness, place: Place, box: Box) -> None:
    cloud.advance(61.9)
    place.put()
    assert event_of(box)["time"] == "2026-01-01T00:01:01Z"


def test_a_detail_of_any_language_and_any_json_is_kept(place: Place, box: Box) -> None:
    detail = {
        "s": 'grüße \U0001f389\n"\\',
        "n": [1, -2.5, 9_223_372_036_854_775_807],
        "t": True,
        "z": None,
        "o": {"": []},
    }
    place.put(json.dumps(detail, indent=3))
    assert event_of(box)["detail"] == detail


@pytest.mark.parametrize("levels", [253, 254, 500, 1000])
def test_a_detail_may_be_a_thousand_levels_deep(place: Place, box: Box, levels: int) -> None:
    text = '{ "a b" : ' * levels + '"\\" x  y"' + " }\n" * levels
    place.put(text)
    [body] = box.drain()
    assert body.endswith('"detail":' + '{"a b":' * levels + '"\\" x  y"' + "}" * levels + "}")


# Entries that fail alone.


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize("name", ["Source", "DetailType", "Detail"])
def test_an_entry_needs_three_members(place: Place, box: Box, name: str, value: str | None) -> None:
    entry = new_entry()
    del entry[name]
    if value is not None:
        entry[name] = value
    answer = place.events.put_events(Entries=[entry])
    message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"] == [{"ErrorCode": "InvalidArgument", "ErrorMessage": message}]
    assert box.drain() == []


@pytest.mark.parametrize(
    "detail", ["{", "[]", '[{"a": 1}]', '"text"', "1", "null", "true", "{'a': 1}", '{"a": NaN}', "{} {}"]
)
def test_a_detail_must_be_a_json_object(place: Place, box: Box, detail: str) -> None:
    assert place.put_all(new_entry(detail)) == [MALFORMED]
    assert box.drain() == []


@pytest.mark.parametrize("source", ["aws.ec2", "aws.", "aws.events"])
def test_aws_s_sources_are_aws_s_own(place: Place, source: str) -> None:
    box = place.box()
    place.rule(box, pattern='{"source": [{"prefix": "aws"}]}')
    assert place.put_all(new_entry(Source=source)) == [NOT_AUTHORIZED]
    assert box.drain() == []


@pytest.mark.parametrize("source", ["AWS.ec2", "aws", "awsome", "my.aws.ec2", "Aws.x"])
def test_a_source_that_only_looks_like_aws_s_is_free(place: Place, source: str) -> None:
    box = place.box()
    place.rule(box, pattern=json.dumps({"source": [source]}))
    place.put(Source=source)
    assert event_of(box)["source"] == source


def test_a_detail_type_has_128_characters_at_most(place: Place, box: Box) -> None:
    good, bad = place.put_all(new_entry(DetailType="ü" * 128), new_entry(DetailType="x" * 129))
    assert (list(good), bad["ErrorCode"]) == (["EventId"], "InvalidArgument")
    assert bad["ErrorMessage"].startswith("Parameter DetailType is not valid. Reason: ")
    assert event_of(box)["detail-type"] == "ü" * 128


def test_answers_are_in_the_order_of_the_entries(place: Place, box: Box) -> None:
    entries = [
        new_entry({"n": 0}),
        new_entry("[]"),
        new_entry({"n": 2}),
        new_entry(Source="aws.s3"),
        new_entry({"n": 4}),
    ]
    answer = place.events.put_events(Entries=entries)
    assert (answer["FailedEntryCount"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (2, 200)
    shown = answer["Entries"]
    assert (shown[1], shown[3]) == (MALFORMED, NOT_AUTHORIZED)
    assert [(one["id"], one["detail"]["n"]) for one in events_of(box)] == [(shown[n]["EventId"], n) for n in (0, 2, 4)]


def test_a_good_call_fails_in_nothing(place: Place) -> None:
    answer = place.events.put_events(Entries=[new_entry()])
    assert (answer["FailedEntryCount"], [list(one) for one in answer["Entries"]]) == (0, [["EventId"]])


# Requests that fail as a whole.


def test_ten_entries_are_taken_and_eleven_are_not(place: Place, box: Box) -> None:
    place.put_all(*[new_entry({"n": n}) for n in range(10)])
    assert [one["detail"]["n"] for one in events_of(box)] == list(range(10))
    code, message, status = error_of(place.events.put_events, Entries=[new_entry()] * 11)
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("1 validation error detected: Value '[")
    assert message.endswith(
        "' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )
    assert box.drain() == []


def test_a_bus_name_of_other_characters_fails_the_request(place: Place, box: Box) -> None:
    code, message, status = error_of(place.events.put_events, Entries=[new_entry(), new_entry(EventBusName="a b")])
    assert (code, status) == ("ValidationException", 400)
    assert "'entries.2.member.eventBusName' failed to satisfy constraint" in message
    assert box.drain() == []


def sized(size_bytes: int, **entry: Any) -> dict[str, Any]:
    """Make an entry of a size by AWS's formula."""
    shown = {"Source": "shop", "DetailType": "Order", **entry}
    texts = [shown["Source"], shown["DetailType"], *shown.get("Resources", [])]
    other = sum(len(text.encode()) for text in texts) + (14 if "Time" in shown else 0)
    frame = '{"x":""}'
    return shown | {"Detail": '{"x":"' + "x" * (size_bytes - other - len(frame)) + '"}'}


SIZED: dict[str, dict[str, Any]] = {
    "plain": {},
    "time": {"Time": datetime(2026, 1, 1, tzinfo=UTC)},
    "resources": {"Resources": ["arn:aws:s3:::bücket", "b"]},
    "utf-8": {"DetailType": "Grüße"},
    "trace": {"TraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"},
    "bus": {"EventBusName": "default"},
}


@pytest.mark.parametrize("entry", SIZED.values(), ids=SIZED.keys())
def test_a_request_has_a_mebibyte_at_most(place: Place, entry: dict[str, Any]) -> None:
    assert "EventId" in place.put_all(sized(REQUEST_MAX_BYTES, **entry))[0]
    assert error_of(place.events.put_events, Entries=[sized(REQUEST_MAX_BYTES + 1, **entry)]) == TOO_LARGE


def test_the_size_is_that_of_all_entries_together(place: Place, box: Box) -> None:
    half = REQUEST_MAX_BYTES // 2
    assert error_of(place.events.put_events, Entries=[sized(half), sized(half + 1)]) == TOO_LARGE
    assert box.drain() == []
    assert len(place.put_all(sized(half), sized(half))) == 2
    assert len(events_of(box)) == 2


def test_entries_that_fail_count_too(place: Place, box: Box) -> None:
    entries = [new_entry(), new_entry("x" * REQUEST_MAX_BYTES)]
    assert error_of(place.events.put_events, Entries=entries) == TOO_LARGE
    assert box.drain() == []


# Traces.


def test_a_trace_header_comes_to_a_queue_beside_the_event(place: Place, box: Box) -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    place.put(TraceHeader=header)
    message = receive_one(place.sqs, box.url, MessageSystemAttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": header}
    assert header not in message["Body"]


def test_an_event_without_a_trace_header_has_none(place: Place, box: Box) -> None:
    place.put()
    assert "AWSTraceHeader" not in box.receive_one()["Attributes"]


# Buses.


@pytest.mark.parametrize("name", [None, "default", "arn"])
def test_the_default_bus_by_no_name_by_name_and_by_arn(place: Place, box: Box, name: str | None) -> None:
    names = (
        {} if name is None else {"EventBusName": place.arn("events", "event-bus/default") if name == "arn" else name}
    )
    event_id = place.put(**names)
    assert event_of(box)["id"] == event_id


@pytest.mark.parametrize("by", ["name", "arn"])
def test_a_bus_of_one_s_own_and_nobody_else_gets_the_event(place: Place, box: Box, by: str) -> None:
    arn = place.bus("orders")
    orders = place.box("orders")
    place.rule(orders, bus="orders")
    event_id = place.put(EventBusName=arn if by == "arn" else "orders")
    assert event_of(orders)["id"] == event_id
    assert box.drain() == []


def test_each_entry_names_its_own_bus(place: Place, box: Box) -> None:
    place.bus("orders")
    orders = place.box("orders")
    place.rule(orders, bus="orders")
    place.put_all(
        new_entry({"n": 1}, EventBusName="orders"), new_entry({"n": 2}), new_entry({"n": 3}, EventBusName="orders")
    )
    assert [one["detail"]["n"] for one in events_of(orders)] == [1, 3]
    assert event_of(box)["detail"] == {"n": 2}


@pytest.mark.parametrize("name", ["default", "orders"])
def test_a_bus_of_another_account_by_arn_gets_the_event_with_the_caller_s_account(
    cloud: Harness, place: Place, box: Box, name: str
) -> None:
    other = Place(cloud, OTHER_ACCOUNT, REGION)
    if name == "orders":
        other.bus(name)
    theirs = other.box()
    other.rule(theirs, bus=name)
    place.put(EventBusName=other.arn("events", f"event-bus/{name}"))
    event = event_of(theirs)
    assert (event["account"], event["region"]) == (ACCOUNT, REGION)
    assert box.drain() == []


def test_a_bus_of_another_account_is_not_found_by_name(cloud: Harness, place: Place) -> None:
    other = Place(cloud, OTHER_ACCOUNT, REGION)
    other.bus("orders")
    theirs = other.box()
    other.rule(theirs, bus="orders")
    place.put(EventBusName="orders")
    assert theirs.drain() == []


def no_bus(_place: Place) -> str:
    return "nowhere"


def no_bus_by_arn(place: Place) -> str:
    return place.arn("events", "event-bus/nowhere")


def no_bus_of_another_account(_place: Place) -> str:
    return f"arn:aws:events:{REGION}:{OTHER_ACCOUNT}:event-bus/nowhere"


def a_bus_of_another_region(_place: Place) -> str:
    return f"arn:aws:events:{OTHER_REGION}:{ACCOUNT}:event-bus/default"


@pytest.mark.parametrize("name_of", [no_bus, no_bus_by_arn, no_bus_of_another_account, a_bus_of_another_region])
def test_an_event_for_a_bus_that_is_not_there_is_taken_and_vanishes(
    cloud: Harness, place: Place, box: Box, name_of: Callable[[Place], str]
) -> None:
    elsewhere = Place(cloud, ACCOUNT, OTHER_REGION)
    there = elsewhere.box()
    elsewhere.rule(there)
    answer = place.events.put_events(Entries=[new_entry(EventBusName=name_of(place)), new_entry({"n": 2})])
    assert answer["FailedEntryCount"] == 0
    assert re.fullmatch(UUID, answer["Entries"][0]["EventId"])
    assert event_of(box)["detail"] == {"n": 2}
    assert there.drain() == []


# Order and number.


def test_the_order_of_a_rule_s_events_is_kept(place: Place) -> None:
    box = place.box("box.fifo")
    place.rule({"Arn": box.arn, "SqsParameters": {"MessageGroupId": "g"}})
    for start in range(0, 60, 6):
        place.put_all(*[new_entry({"n": n}) for n in range(start, start + 6)])
    numbers = []
    while messages := box.receive():
        for message in messages:
            numbers.append(json.loads(message["Body"])["detail"]["n"])
            box.delete(message)
    assert numbers == list(range(60))


def test_of_thousands_of_events_for_several_rules_nothing_is_lost(place: Place) -> None:
    boxes = [place.box(f"box-{n}") for n in range(3)]
    for n, box in enumerate(boxes):
        place.rule(box, name=f"rule-{n}", pattern=json.dumps({"detail": {"rest": [n]}}))
    everything = place.box("everything")
    place.rule(everything, everything, name="everything")
    for start in range(0, 3000, 10):
        place.put_all(*[new_entry({"n": n, "rest": n % 3}) for n in range(start, start + 10)])
    assert [box.counts.visible for box in (*boxes, everything)] == [1000, 1000, 1000, 6000]
    found = {one["detail"]["n"] for one in events_of(boxes[1])}
    assert found == set(range(1, 3000, 3))


def test_an_event_that_no_rule_matches_leaves_nothing(cloud: Harness, place: Place, box: Box) -> None:
    place.put(Source="other")
    assert box.drain() == []
    assert cloud.run(lambda emulator: (emulator.router.deliveries.count, emulator.router.deliveries.delivered)) == (
        0,
        0,
    )
