"""Patterns from end to end: a rule on a bus, PutEvents, and what its queue gets; and TestEventPattern, which must say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box

ACCOUNT, REGION = "111122223333", "eu-central-1"
YES, NO = True, False


class Bus:
    """A bus with one queue, to which all its rules send."""

    def __init__(self, cloud: Harness) -> None:
        self.events = cloud.client("events", account=ACCOUNT, region=REGION)
        self.events.create_event_bus(Name="orders")
        self.box = Box(cloud.client("sqs", account=ACCOUNT, region=REGION))

    def add(self, pattern: str, name: str = "r", **options: Any) -> None:
        """Put a rule that sends its own name and the event's detail type."""
        self.events.put_rule(Name=name, EventBusName="orders", EventPattern=pattern, **options)
        transformer = {"InputPathsMap": {"type": "$.detail-type"}, "InputTemplate": f'"{name}: <type>"'}
        target = {"Id": "t", "Arn": self.box.arn, "InputTransformer": transformer}
        self.events.put_targets(Rule=name, EventBusName="orders", Targets=[target])

    def put(self, detail: str = "{}", **entry: Any) -> None:
        """Put one event."""
        entry = {"Source": "shop", "DetailType": "order", "Detail": detail, "EventBusName": "orders", **entry}
        answer = self.events.put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer

    def told(self) -> list[str]:
        """Tell which rules have sent something, by name, and what."""
        return sorted(json.loads(body) for body in self.box.drain())

    def arrives(self, pattern: str, detail: str = "{}", **entry: Any) -> bool:
        """Tell whether an event comes through a rule of this pattern, and that it comes once."""
        self.add(pattern)
        self.put(detail, **entry)
        told = self.told()
        assert told in ([], ["r: order"])
        return bool(told)

    def tested(self, pattern: str, detail: str) -> bool:
        """Tell what TestEventPattern says of the same event."""
        event = f'{{"id":"i","detail-type":"order","source":"shop","account":"{ACCOUNT}","time":"2026-01-01T00:00:00Z",'
        event += f'"region":"{REGION}","resources":[],"detail":{detail}}}'
        return self.events.test_event_pattern(EventPattern=pattern, Event=event)["Result"]


@pytest.fixture
def bus(cloud: Harness) -> Bus:
    return Bus(cloud)


# The envelope.


@pytest.mark.parametrize(
    ("pattern", "comes"),
    [
        ('{"source":["shop"]}', YES),
        ('{"source":["Shop"]}', NO),
        ('{"source":["bank","shop"]}', YES),
        ('{"source":["shop"],"detail-type":["order"]}', YES),
        ('{"source":["shop"],"detail-type":["refund"]}', NO),
        (f'{{"account":["{ACCOUNT}"]}}', YES),
        ('{"account":["999988887777"]}', NO),
        (f'{{"region":["{REGION}"]}}', YES),
        ('{"region":["us-east-1"]}', NO),
        ('{"version":["0"]}', YES),
        ('{"version":[0]}', NO),
        ('{"resources":["arn:b"]}', YES),
        ('{"resources":["arn:c"]}', NO),
        ('{"resources":[{"prefix":"arn:"}]}', YES),
        ('{"time":["2026-01-01T00:00:00Z"]}', YES),
        ('{"time":[{"prefix":"2026-01-02"}]}', NO),
        ('{"id":[{"exists":true}]}', YES),
        ('{"replay-name":[{"exists":false}]}', YES),
        ('{"replay-name":[{"exists":true}]}', NO),
        ('{"Source":["shop"]}', NO),
        ('{"DetailType":["order"]}', NO),
        ('{"detail":{"a":[1]},"source":["shop"]}', YES),
        ('{"detail":[{"exists":true}]}', NO),
        ('{"detail":[{"exists":false}]}', YES),
    ],
)
def test_the_envelope_is_matched(bus: Bus, pattern: str, comes: bool) -> None:
    assert bus.arrives(pattern, '{"a":1}', Resources=["arn:a", "arn:b"]) is comes


def test_an_event_without_resources_has_none(bus: Bus) -> None:
    assert bus.arrives('{"resources":[{"exists":false}]}') is YES


# The detail. In the table stands what is in `detail`, of the pattern and of the event.


def detail_cases(*cases: tuple[str, str, bool]) -> Any:
    return pytest.mark.parametrize(("pattern", "detail", "comes"), cases, ids=lambda value: str(value))


def check(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    whole = f'{{"detail":{pattern}}}'
    assert (bus.arrives(whole, detail), bus.tested(whole, detail)) == (comes, comes)


@detail_cases(
    ('{"a":["x"]}', '{"a":"x"}', YES),
    ('{"a":["x"]}', '{"a":"X"}', NO),
    ('{"a":["x"]}', '{"a":"x","b":"y"}', YES),
    ('{"a":["x"],"b":["y"]}', '{"a":"x"}', NO),
    ('{"a":["x","y"]}', '{"a":"y"}', YES),
    ('{"a":[""]}', '{"a":""}', YES),
    ('{"a":[""]}', '{"a":null}', NO),
    ('{"a":["\\u00e9"]}', '{"a":"é"}', YES),
    ('{"a":["é"]}', '{"a":"e\\u0301"}', NO),
    ('{"a":[300]}', '{"a":300}', YES),
    ('{"a":[300]}', '{"a":300.0}', YES),
    ('{"a":[300]}', '{"a":3e2}', YES),
    ('{"a":[300]}', '{"a":"300"}', NO),
    ('{"a":["300"]}', '{"a":300}', NO),
    ('{"a":[true]}', '{"a":true}', YES),
    ('{"a":[true]}', '{"a":"true"}', NO),
    ('{"a":[false]}', '{"a":true}', NO),
    ('{"a":[null]}', '{"a":null}', YES),
    ('{"a":[null]}', "{}", NO),
    ('{"a":[null]}', '{"a":"null"}', NO),
    ('{"a":[{"exactly":"x"}]}', '{"a":"x"}', YES),
)
def test_values_are_compared_to_the_letter_and_by_kind(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":{"b":[1]}}', '{"a":{"b":1}}', YES),
    ('{"a":{"b":[1]}}', '{"a":{"c":1}}', NO),
    ('{"a":{"b":[1]}}', '{"a.b":1}', YES),
    ('{"a.b":[1]}', '{"a":{"b":1}}', YES),
    ('{"a":[1],"a":[2]}', '{"a":2}', YES),
    ('{"a":[1],"a":[2]}', '{"a":1}', NO),
    ('{"a":{"x":[1]},"a":{"y":[2]}}', '{"a":{"x":1,"y":2}}', YES),
    ('{"a":{"x":[1]},"a":{"y":[2]}}', '{"a":{"y":2}}', NO),
)
def test_objects_nest_and_dots_are_the_same(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":[2]}', '{"a":[1,2]}', YES),
    ('{"a":[3]}', '{"a":[1,2]}', NO),
    ('{"l":{"a":[1]}}', '{"l":[[{"a":1}]]}', YES),
    ('{"l":{"a":[1],"b":[2]}}', '{"l":[{"a":1},{"b":2}]}', NO),
    ('{"l":{"a":[1],"b":[2]}}', '{"l":[{"a":9},{"a":1,"b":2}]}', YES),
    ('{"l":{"a":[1]},"m":{"b":[2]}}', '{"l":[{"a":1}],"m":[{"b":2}]}', YES),
    ('{"l":{"m":{"a":[1],"b":[2]}}}', '{"l":[{"m":[{"a":1},{"b":2}]}]}', NO),
    ('{"l":{"m":{"a":[1],"b":[2]}}}', '{"l":[{"m":[{"a":1,"b":2}]}]}', YES),
    ('{"l":{"a":[1],"b":[{"exists":false}]}}', '{"l":[{"a":1},{"a":2,"b":1}]}', YES),
    ('{"l":{"c":[1],"b":[{"exists":false}]}}', '{"l":[{"c":1},{"c":2,"b":1}]}', NO),
)
def test_two_fields_are_not_met_by_two_elements_of_an_array(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":[{"exists":true}]}', '{"a":null}', YES),
    ('{"a":[{"exists":true}]}', '{"a":{"b":1}}', NO),
    ('{"a":[{"exists":true}]}', '{"a":[]}', NO),
    ('{"a":[{"exists":true}]}', '{"a":[1]}', YES),
    ('{"a":[{"exists":false}]}', "{}", YES),
    ('{"a":[{"exists":false}]}', '{"a":{}}', YES),
    ('{"a":[{"exists":false}]}', '{"a":[]}', YES),
    ('{"a":[{"exists":false}]}', '{"a":{"b":1}}', YES),
    ('{"a":[{"exists":false}]}', '{"a":null}', NO),
    ('{"a":[{"exists":false},"x"]}', '{"a":"x"}', YES),
    ('{"a":[{"exists":false},"x"]}', '{"b":"x"}', YES),
    ('{"a":[{"exists":false},"x"]}', '{"a":"y"}', NO),
)
def test_existence(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":[{"prefix":"x"}]}', '{"a":"xyz"}', YES),
    ('{"a":[{"prefix":"x"}]}', '{"a":"Xyz"}', NO),
    ('{"a":[{"prefix":""}]}', '{"a":"any"}', YES),
    ('{"a":[{"prefix":""}]}', '{"a":1}', NO),
    ('{"a":[{"prefix":{"equals-ignore-case":"x"}}]}', '{"a":"Xyz"}', YES),
    ('{"a":[{"prefix":{"equals-ignore-case":"x"}}]}', '{"a":"yx"}', NO),
    ('{"a":[{"suffix":".png"}]}', '{"a":"b.png"}', YES),
    ('{"a":[{"suffix":".png"}]}', '{"a":"b.PNG"}', NO),
    ('{"a":[{"suffix":{"equals-ignore-case":".png"}}]}', '{"a":"b.PNG"}', YES),
    ('{"a":[{"equals-ignore-case":"Alice"}]}', '{"a":"aLICE"}', YES),
    ('{"a":[{"equals-ignore-case":"Alice"}]}', '{"a":"alic"}', NO),
    ('{"a":[{"equals-ignore-case":"É"}]}', '{"a":"é"}', YES),
    ('{"a":[{"equals-ignore-case":"STRASSE"}]}', '{"a":"straße"}', NO),
)
def test_prefixes_suffixes_and_case(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":[{"anything-but":"x"}]}', '{"a":"y"}', YES),
    ('{"a":[{"anything-but":"x"}]}', '{"a":"x"}', NO),
    ('{"a":[{"anything-but":"x"}]}', "{}", NO),
    ('{"a":[{"anything-but":"x"}]}', '{"a":[]}', NO),
    ('{"a":[{"anything-but":"x"}]}', '{"a":{"b":1}}', NO),
    ('{"a":[{"anything-but":"x"}]}', '{"a":null}', YES),
    ('{"a":[{"anything-but":"x"}]}', '{"a":5}', YES),
    ('{"a":[{"anything-but":"x"}]}', '{"a":["x","y"]}', YES),
    ('{"a":[{"anything-but":"x"}]}', '{"a":["x"]}', NO),
    ('{"a":[{"anything-but":["x","y"]}]}', '{"a":"y"}', NO),
    ('{"a":[{"anything-but":["x","y"]}]}', '{"a":"z"}', YES),
    ('{"a":[{"anything-but":5}]}', '{"a":5.0}', NO),
    ('{"a":[{"anything-but":5}]}', '{"a":"5"}', YES),
    ('{"a":[{"anything-but":[5,6]}]}', '{"a":6}', NO),
    ('{"a":[{"anything-but":{"prefix":"x"}}]}', '{"a":"xy"}', NO),
    ('{"a":[{"anything-but":{"prefix":"x"}}]}', '{"a":7}', YES),
    ('{"a":[{"anything-but":{"prefix":["x","y"]}}]}', '{"a":"yz"}', NO),
    ('{"a":[{"anything-but":{"suffix":"x"}}]}', '{"a":"yx"}', NO),
    ('{"a":[{"anything-but":{"suffix":["x","y"]}}]}', '{"a":"z"}', YES),
    ('{"a":[{"anything-but":{"equals-ignore-case":"x"}}]}', '{"a":"X"}', NO),
    ('{"a":[{"anything-but":{"equals-ignore-case":["x","y"]}}]}', '{"a":"Z"}', YES),
    ('{"a":[{"anything-but":{"wildcard":"x*z"}}]}', '{"a":"xyz"}', NO),
    ('{"a":[{"anything-but":{"wildcard":["x*","*z"]}}]}', '{"a":"y"}', YES),
)
def test_anything_but(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"a":[{"numeric":["=",5]}]}', '{"a":5.0}', YES),
    ('{"a":[{"numeric":["=",5]}]}', '{"a":"5"}', NO),
    ('{"a":[{"numeric":[">",0,"<=",10]}]}', '{"a":10}', YES),
    ('{"a":[{"numeric":[">",0,"<=",10]}]}', '{"a":0}', NO),
    ('{"a":[{"numeric":["<",0]}]}', '{"a":-0.001}', YES),
    ('{"a":[{"numeric":[">=",1e3]}]}', '{"a":[1,1000]}', YES),
    ('{"a":[{"cidr":"10.0.0.0/24"}]}', '{"a":"10.0.0.255"}', YES),
    ('{"a":[{"cidr":"10.0.0.5/8"}]}', '{"a":"11.0.0.1"}', NO),
    ('{"a":[{"cidr":"2001:db8::/32"}]}', '{"a":"2001:0db8:0:0::1"}', YES),
    ('{"a":[{"wildcard":"a*c"}]}', '{"a":"abbbc"}', YES),
    ('{"a":[{"wildcard":"a*c"}]}', '{"a":"abd"}', NO),
    ('{"a":[{"wildcard":"*"}]}', '{"a":""}', YES),
    ('{"a":[{"wildcard":"a*b*c"}]}', '{"a":"a\\nb\\nc"}', YES),
    ('{"a":[{"wildcard":"a\\\\*b"}]}', '{"a":"a*b"}', YES),
    ('{"a":[{"wildcard":"a\\\\*b"}]}', '{"a":"axb"}', NO),
    ('{"a":[{"wildcard":"a"}]}', '{"a":"A"}', NO),
)
def test_numbers_addresses_and_wildcards(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


@detail_cases(
    ('{"$or":[{"a":[1]},{"b":[2]}]}', '{"b":2}', YES),
    ('{"$or":[{"a":[1]},{"b":[2]}]}', '{"a":2,"b":1}', NO),
    ('{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}', '{"a":1}', NO),
    ('{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}', '{"a":1,"c":3}', YES),
    ('{"$or":[{"a":[1],"b":[2]},{"c":[3]}]}', '{"a":1}', NO),
    ('{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}]}]}', '{"c":3}', YES),
    ('{"o":{"$or":[{"a":[1]},{"b":[2]}]}}', '{"o":{"b":2}}', YES),
)
def test_alternatives(bus: Bus, pattern: str, detail: str, comes: bool) -> None:
    check(bus, pattern, detail, comes)


def test_alternatives_may_be_of_the_envelope(bus: Bus) -> None:
    bus.add('{"$or":[{"source":["bank"]},{"detail":{"a":[1]}}]}')
    bus.put('{"a":1}')
    bus.put(Source="bank")
    bus.put('{"a":2}')
    assert bus.told() == ["r: order", "r: order"]


# Several rules.


def test_an_event_goes_to_all_rules_that_match_it_and_to_no_other(bus: Bus) -> None:
    bus.add('{"source":["shop"]}', "by-source")
    bus.add('{"detail":{"price":[{"numeric":[">",100]}]}}', "dear")
    bus.add('{"detail":{"price":[{"numeric":["<=",100]}]}}', "cheap")
    bus.add('{"detail":{"item":[{"prefix":"b"}]}}', "with-b")
    bus.put('{"price":101,"item":"book"}', DetailType="one")
    bus.put('{"price":100,"item":"pen"}', DetailType="two", Source="bank")
    assert bus.told() == ["by-source: one", "cheap: two", "dear: one", "with-b: one"]


def test_an_event_that_matches_two_alternatives_of_a_rule_comes_once(bus: Bus) -> None:
    assert bus.arrives('{"detail":{"$or":[{"a":[1]},{"b":[2]}]}}', '{"a":1,"b":2}') is YES


@pytest.mark.parametrize(
    ("state", "comes"), [("ENABLED", YES), ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", YES), ("DISABLED", NO)]
)
def test_a_disabled_rule_matches_nothing(bus: Bus, state: str, comes: bool) -> None:
    bus.add('{"source":["shop"]}', State=state)
    bus.put()
    assert bool(bus.told()) is comes


def test_a_rule_matches_from_the_moment_it_is_enabled_until_it_is_disabled(bus: Bus) -> None:
    bus.add('{"source":["shop"]}', State="DISABLED")
    bus.put(DetailType="one")
    bus.events.enable_rule(Name="r", EventBusName="orders")
    bus.put(DetailType="two")
    bus.events.disable_rule(Name="r", EventBusName="orders")
    bus.put(DetailType="three")
    assert bus.told() == ["r: two"]


def test_a_pattern_put_in_place_of_another_matches_alone(bus: Bus) -> None:
    bus.add('{"source":["shop"]}')
    bus.events.put_rule(Name="r", EventBusName="orders", EventPattern='{"source":["bank"]}')
    bus.put(DetailType="one")
    bus.put(DetailType="two", Source="bank")
    assert bus.told() == ["r: two"]


def test_a_refused_pattern_leaves_the_old_one_matching(bus: Bus) -> None:
    bus.add('{"source":["shop"]}')
    error_of(bus.events.put_rule, Name="r", EventBusName="orders", EventPattern='{"source":"bank"}')
    bus.put()
    assert bus.told() == ["r: order"]


def test_a_deleted_rule_matches_no_more(bus: Bus) -> None:
    bus.add('{"source":["shop"]}')
    bus.events.remove_targets(Rule="r", EventBusName="orders", Ids=["t"])
    bus.events.delete_rule(Name="r", EventBusName="orders")
    bus.put()
    bus.add('{"source":["bank"]}')
    assert bus.told() == []


def test_the_rules_of_another_bus_do_not_see_an_event(bus: Bus) -> None:
    bus.add('{"source":["shop"]}')
    bus.put(EventBusName="default")
    assert bus.told() == []


# TestEventPattern alone.

PATTERN = '{"source":["shop"]}'
EVENT = {
    "id": "1",
    "account": ACCOUNT,
    "source": "shop",
    "time": "2026-01-01T00:00:00Z",
    "region": REGION,
    "resources": [],
    "detail-type": "order",
}
BAD_EVENT = Seen("ValidationException", "Parameter Event is not valid.", 400)


@pytest.mark.parametrize("source", ["shop", "bank"])
def test_a_pattern_is_tested_against_an_event_that_needs_no_detail(cloud: Harness, source: str) -> None:
    answer = cloud.client("events", region=REGION).test_event_pattern(
        EventPattern=PATTERN, Event=json.dumps({**EVENT, "source": source})
    )
    assert answer["Result"] is (source == "shop")


@pytest.mark.parametrize("missing", EVENT)
def test_an_event_to_test_has_all_fields_of_an_envelope(cloud: Harness, missing: str) -> None:
    event = json.dumps({name: value for name, value in EVENT.items() if name != missing})
    assert error_of(cloud.client("events").test_event_pattern, EventPattern=PATTERN, Event=event) == BAD_EVENT


@pytest.mark.parametrize("event", ["", "{", "[]", '"x"', "null", "{}"])
def test_an_event_to_test_is_an_object(cloud: Harness, event: str) -> None:
    assert error_of(cloud.client("events").test_event_pattern, EventPattern=PATTERN, Event=event) == BAD_EVENT


def test_a_bad_pattern_is_told_before_a_bad_event(cloud: Harness) -> None:
    seen = error_of(cloud.client("events").test_event_pattern, EventPattern='{"a":[]}', Event="{")
    reason = 'Empty arrays are not allowed\n at [Source: (String)"{"a":[]}"; line: 1, column: 8]'
    assert seen == Seen("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}", 400)
