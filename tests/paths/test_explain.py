"""POST `/_eventyard/explain`: why an event matches a pattern, the rules of a bus, the filter policies of subscriptions, or why not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.harness import Answer, Harness

PATH = "/_eventyard/explain"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
EVENT = {"source": "shop", "detail-type": "Order", "detail": {"state": "paid", "total": 12}}
SENT = {"path": "detail.state", "expected": ["sent"], "found": ["paid"]}
NOT_SENT = {"matches": False, "alternatives": [{"failed": [SENT]}]}
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
NO_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:none"


def ask(cloud: Harness, body: object, **options: Any) -> Answer:
    return cloud.request("POST", PATH, body=body if isinstance(body, bytes) else json.dumps(body).encode(), **options)


def results(cloud: Harness, **question: Any) -> list[dict[str, Any]]:
    answer = ask(cloud, question)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer.text
    shown = json.loads(answer.body)
    assert set(shown) == {"results"}
    return list(shown["results"])


def refusal(cloud: Harness, body: object) -> tuple[int, str, str]:
    answer = ask(cloud, body)
    shown = json.loads(answer.body)
    return answer.status, shown["code"], shown["message"]


# A pattern.


def test_a_pattern_that_matches(cloud: Harness) -> None:
    assert results(cloud, event=EVENT, pattern={"source": ["shop"]}) == [{"matches": True}]


@pytest.mark.parametrize("written", [dict, json.dumps], ids=["JSON", "text"])
def test_a_pattern_that_does_not_match_is_explained(cloud: Harness, written: Any) -> None:
    pattern = written({"source": ["shop"], "detail": {"state": ["sent"]}})
    assert results(cloud, event=EVENT, pattern=pattern) == [NOT_SENT]


def test_a_pattern_that_is_none_is_refused_in_eventbridges_words(cloud: Harness) -> None:
    reason = '"source" must be an object or an array'
    place = '[Source: (String)"{"source": "shop"}"; line: 1, column: 13]'
    assert refusal(cloud, {"event": EVENT, "pattern": {"source": "shop"}}) == (
        400,
        "InvalidEventPatternException",
        f"Event pattern is not valid. Reason: {reason}\n at {place}",
    )


def test_a_pattern_of_half_characters_is_explained(cloud: Harness) -> None:
    pattern = '{"\\ud83d":["x"]}'
    (explained,) = results(cloud, event={}, pattern=pattern)
    assert explained["alternatives"][0]["failed"] == [{"path": "\ud83d", "expected": ["x"], "found": "absent"}]


# A bus.


@pytest.fixture
def events(cloud: Harness) -> Any:
    return cloud.client("events", account=ACCOUNT, region=REGION)


def put_rules(events: Any, bus: str) -> None:
    for name, pattern in (("paid", {"source": ["shop"]}), ("sent", {"detail": {"state": ["sent"]}})):
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))


def test_every_rule_of_a_bus_is_explained_by_name(cloud: Harness, events: Any) -> None:
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    put_rules(events, "orders")
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/orders"
    explained = [
        {"rule": "paid", "arn": f"{arn}/paid", "enabled": True, "matches": True},
        {"rule": "sent", "arn": f"{arn}/sent", "enabled": True, **NOT_SENT},
    ]
    assert results(cloud, event=EVENT, bus=bus) == explained
    assert results(cloud, event=EVENT, bus="orders", account=ACCOUNT, region=REGION) == explained


def test_a_name_without_account_and_region_is_of_the_default_ones(cloud: Harness, events: Any) -> None:
    put_rules(events, "default")
    put_rules(cloud.client("events"), "default")
    for rule in results(cloud, event=EVENT, bus="default"):
        assert rule["arn"].startswith("arn:aws:events:us-east-1:000000000000:rule/")
    (here, _) = results(cloud, event=EVENT, bus=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    assert here["arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/paid"


def test_a_disabled_rule_says_so_and_what_it_would_do(cloud: Harness, events: Any) -> None:
    put_rules(events, "default")
    events.disable_rule(Name="paid")
    (paid, sent) = results(cloud, event=EVENT, bus="default", account=ACCOUNT, region=REGION)
    assert (paid["enabled"], paid["matches"], sent["enabled"]) == (False, True, True)


def test_a_rule_with_a_schedule_only_has_no_pattern(cloud: Harness, events: Any) -> None:
    arn = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")["RuleArn"]
    assert results(cloud, event=EVENT, bus="default", account=ACCOUNT, region=REGION) == [
        {"rule": "hourly", "arn": arn, "enabled": True, "matches": False, "reason": "The rule has no event pattern."}
    ]


def test_a_bus_that_has_no_rules_has_nothing_to_explain(cloud: Harness) -> None:
    assert results(cloud, event=EVENT, bus="default") == []


@pytest.mark.parametrize("bus", ["none", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/none", QUEUE])
def test_a_bus_that_is_not_there(cloud: Harness, events: Any, bus: str) -> None:
    events.create_event_bus(Name="some")
    assert refusal(cloud, {"event": EVENT, "bus": bus, "account": ACCOUNT, "region": REGION}) == (
        400,
        "ResourceNotFoundException",
        f"Event bus {bus} does not exist.",
    )


def test_nothing_is_delivered(cloud: Harness, events: Any) -> None:
    url = cloud.client("sqs", account=ACCOUNT, region=REGION).create_queue(QueueName="orders")["QueueUrl"]
    put_rules(events, "default")
    events.put_targets(Rule="paid", Targets=[{"Id": "q", "Arn": QUEUE}])
    results(cloud, event=EVENT, bus="default", account=ACCOUNT, region=REGION)
    cloud.advance(1)
    assert "Messages" not in cloud.client("sqs", account=ACCOUNT, region=REGION).receive_message(QueueUrl=url)


# Subscriptions.


@pytest.fixture
def sns(cloud: Harness) -> Any:
    return cloud.client("sns", account=ACCOUNT, region=REGION)


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="orders")["TopicArn"])


def subscribe(sns: Any, topic: str, queue: str = QUEUE, **attributes: Any) -> str:
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()}
    return str(
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=written, ReturnSubscriptionArn=True)[
            "SubscriptionArn"
        ]
    )


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def test_a_filter_policy_on_attributes_is_explained(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, FilterPolicy={"state": ["sent"], "size": [{"numeric": [">", 2]}]})
    attributes = {"state": text("paid"), "size": {"DataType": "Number", "StringValue": "3"}}
    assert results(cloud, event={"message": "hello", "attributes": attributes}, subscription=arn) == [
        {
            "subscription": arn,
            "protocol": "sqs",
            "endpoint": QUEUE,
            "confirmed": True,
            "scope": "MessageAttributes",
            "matches": False,
            "alternatives": [{"failed": [{"path": "state", "expected": ["sent"], "found": ["paid"]}]}],
        }
    ]
    (explained,) = results(cloud, event={"attributes": {**attributes, "state": text("sent")}}, subscription=arn)
    assert explained["matches"] is True


def test_a_filter_policy_on_the_body_is_explained(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, FilterPolicyScope="MessageBody", FilterPolicy={"detail": {"state": ["sent"]}})
    (explained,) = results(cloud, event={"message": json.dumps(EVENT)}, subscription=arn)
    assert explained["scope"] == "MessageBody"
    assert {name: explained[name] for name in NOT_SENT} == NOT_SENT


@pytest.mark.parametrize("message", ["hello", "[1]", ""])
def test_a_message_that_is_no_json_object_matches_no_policy_on_the_body(
    cloud: Harness, sns: Any, topic: str, message: str
) -> None:
    arn = subscribe(sns, topic, FilterPolicyScope="MessageBody", FilterPolicy={"a": [{"exists": False}]})
    (explained,) = results(cloud, event={"message": message}, subscription=arn)
    assert (explained["matches"], explained["reason"]) == (False, "The message is not a JSON object.")


def test_an_array_attribute_that_is_none_is_told(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, FilterPolicy={"tags": [{"anything-but": ["x"]}]})
    attributes = {"tags": {"DataType": "String.Array", "StringValue": "x, y"}}
    (explained,) = results(cloud, event={"attributes": attributes}, subscription=arn)
    assert (explained["matches"], explained["reason"]) == (False, "Not a JSON array, though a String.Array: tags.")


def test_binary_attributes_come_in_base64(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, FilterPolicy={"image": [{"exists": True}]})
    attributes = {"image": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\xff\x00").decode()}}
    (explained,) = results(cloud, event={"attributes": attributes}, subscription=arn)
    assert explained["matches"] is True


def test_all_subscriptions_of_a_topic_are_explained(cloud: Harness, sns: Any, topic: str) -> None:
    arns = [
        subscribe(sns, topic, f"{QUEUE}-1", FilterPolicy={"state": ["paid"]}),
        subscribe(sns, topic, f"{QUEUE}-2", FilterPolicyScope="MessageBody", FilterPolicy={"state": ["paid"]}),
        subscribe(sns, topic, f"{QUEUE}-3"),
    ]
    subscribe(sns, sns.create_topic(Name="other")["TopicArn"])
    explained = results(
        cloud, event={"message": '{"state":"sent"}', "attributes": {"state": text("paid")}}, topic=topic
    )
    assert [(one["subscription"], one["matches"]) for one in explained] == list(
        zip(arns, (True, False, True), strict=True)
    )
    assert explained[2]["reason"] == "The subscription has no filter policy."


def test_a_subscription_that_waits_for_confirmation_says_so_until_it_is_gone(
    cloud: Harness, sns: Any, topic: str
) -> None:
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com", ReturnSubscriptionArn=True)[
        "SubscriptionArn"
    ]
    (explained,) = results(cloud, event={}, topic=topic)
    assert (explained["subscription"], explained["confirmed"]) == (arn, False)
    cloud.advance(3 * 24 * 3600)
    assert results(cloud, event={}, topic=topic) == []
    assert refusal(cloud, {"event": {}, "subscription": arn}) == (404, "NotFound", "Subscription does not exist")


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ({"topic": NO_TOPIC}, "Topic"),
        ({"topic": "orders"}, "Topic"),
        ({"topic": QUEUE}, "Topic"),
        ({"subscription": f"{NO_TOPIC}:6a7e8feb-b491-4cf7-a9f1-bf3703467718"}, "Subscription"),
        ({"subscription": "orders"}, "Subscription"),
    ],
)
def test_what_is_not_there_is_not_found(cloud: Harness, topic: str, question: dict[str, str], what: str) -> None:
    assert refusal(cloud, {"event": {}, **question}) == (404, "NotFound", f"{what} does not exist")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"message": {"a": 1}}, "InvalidParameter"),
        ({"attributes": ["x"]}, "InvalidParameter"),
        ({"attributes": {"a": "x"}}, "InvalidParameter"),
        ({"attributes": {"a": {"DataType": "Number", "StringValue": 5}}}, "InvalidParameter"),
        ({"attributes": {"a": {"DataType": "Binary", "BinaryValue": "?"}}}, "InvalidParameter"),
        ({"attributes": {"a": {"DataType": "Number", "StringValue": "five"}}}, "ParameterValueInvalid"),
    ],
    ids=json.dumps,
)
def test_a_message_that_could_not_be_published_is_refused(
    cloud: Harness, topic: str, event: dict[str, Any], code: str
) -> None:
    assert refusal(cloud, {"event": event, "topic": topic})[:2] == (400, code)


# The question.


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"event":1,"bus":"x"}', b'{"event":"{}","bus":"x"}', b"\xff"]
)
def test_a_body_without_an_event_is_refused(cloud: Harness, body: bytes) -> None:
    assert refusal(cloud, body) == (
        400,
        "ValidationException",
        'The body must be a JSON object with an "event" that is a JSON object.',
    )


@pytest.mark.parametrize("subjects", [{}, {"bus": "default", "pattern": {}}, {"topic": "x", "subscription": "y"}])
def test_an_event_is_held_against_one_thing(cloud: Harness, subjects: dict[str, Any]) -> None:
    assert refusal(cloud, {"event": {}, **subjects}) == (
        400,
        "ValidationException",
        "The body must have exactly one of pattern, bus, subscription, topic.",
    )


@pytest.mark.parametrize("name", ["bus", "subscription", "topic", "account", "region"])
def test_names_are_text(cloud: Harness, name: str) -> None:
    question = {"event": {}, name: 5} | ({"bus": "default"} if name in ("account", "region") else {})
    assert refusal(cloud, question) == (400, "ValidationException", f'"{name}" must be text.')


def test_a_service_that_does_not_run_explains_nothing(cloud_with: Any) -> None:
    cloud = cloud_with(services=frozenset({"sqs"}))
    assert refusal(cloud, {"event": {}, "bus": "default"}) == (
        404,
        "NotFound",
        "No service that runs here knows a bus.",
    )


def test_a_pattern_too_deep_to_be_written_is_refused(cloud: Harness) -> None:
    body = b'{"event":{},"pattern":' + b'{"a":' * 1015 + b"[1]" + b"}" * 1015 + b"}"
    status, code, _ = refusal(cloud, body)
    assert status == 400
    assert code in {"ValidationException", "InvalidEventPatternException"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(cloud: Harness, method: str) -> None:
    assert cloud.request(method, PATH).status == 405
