"""`/_eventyard/deliveries`: what waits and what failed, chosen and bounded by the query; DELETE forgets failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Deliveries, Delivery, Lane
from emulator.router.router import Envelope
from tests.support.harness import Answer, Harness
from tests.support.http_target import HANG, HttpTarget, subscribe

PATH = "/_eventyard/deliveries"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handler"
NO_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:none"
EMPTY = {"pending": 0, "in_flight": 0, "delivered": 0, "dead_lettered": 0, "lost": 0}


@pytest.fixture
def sns(cloud: Harness) -> Any:
    return cloud.client("sns", account=ACCOUNT, region=REGION)


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="orders")["TopicArn"]
    assert arn == TOPIC
    return arn


@pytest.fixture
def target(cloud: Harness) -> Iterator[HttpTarget]:
    with HttpTarget(lambda: cloud.now_ms) as one:
        yield one


def ask(cloud: Harness, method: str = "GET", **query: Any) -> Answer:
    return cloud.request(method, PATH, query=urlencode(query))


def look(cloud: Harness, **query: Any) -> Any:
    answer = ask(cloud, **query)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


def to_function(sns: Any, topic_arn: str = TOPIC) -> str:
    """Subscribe a function: it cannot be reached, and is tried again and again."""
    arn: str = sns.subscribe(TopicArn=topic_arn, Protocol="lambda", Endpoint=FUNCTION)["SubscriptionArn"]
    return arn


def to_nowhere(sns: Any, topic_arn: str = TOPIC) -> str:
    """Subscribe a queue that is not there: a delivery fails for good."""
    arn: str = sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=NO_QUEUE)["SubscriptionArn"]
    return arn


def fail_many(cloud: Harness, count: int) -> None:
    """Let so many deliveries fail, and as many wait, with the bodies 0, 1, 2..."""

    def fill(deliveries: Deliveries) -> None:
        again = PhasedBackoff(min_ms=1_000, max_ms=1_000, pre=1)
        for number in range(count):
            deliveries.send(Lane(TOPIC, "a", NO_QUEUE, again), Envelope(f"{number}"), "id")
            deliveries.send(Lane(TOPIC, "b", FUNCTION, again), Envelope(f"{number}"), "id")

    cloud.run(lambda emulator: fill(emulator.router.deliveries))


# GET.


def test_where_nothing_was_delivered_there_is_nothing_to_see(cloud: Harness) -> None:
    assert look(cloud) == {"pending": [], "failed": [], "counts": EMPTY}


def test_what_succeeds_is_only_counted(cloud: Harness, sns: Any, topic: str) -> None:
    url = cloud.client("sqs", account=ACCOUNT, region=REGION).create_queue(QueueName="none")["QueueUrl"]
    assert url.endswith("/none")
    to_nowhere(sns)
    sns.publish(TopicArn=topic, Message="hello")
    assert look(cloud) == {"pending": [], "failed": [], "counts": {**EMPTY, "delivered": 1}}


def test_a_delivery_that_waits_shows_its_attempts_its_last_error_and_its_next_attempt(
    cloud: Harness, sns: Any, topic: str
) -> None:
    subscription = to_function(sns)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    cloud.advance(1)
    shown = look(cloud)
    (one,) = shown["pending"]
    body = json.loads(one.pop("body"))
    assert body["Records"][0]["Sns"]["Message"] == "hello"
    message = f"Eventyard does not emulate lambda, so nothing can be delivered to {FUNCTION}"
    assert one == {
        "id": 1,
        "state": "retrying",
        "source": topic,
        "subscriber": subscription,
        "target": FUNCTION,
        "message_id": message_id,
        "attempts": 5,
        "created": "2026-01-01T00:00:00.000Z",
        "next_attempt": "2026-01-01T00:00:02.000Z",
        "ended": None,
        "last_error": {"code": "ServiceNotEmulated", "message": message},
        "dead_letter_arn": None,
        "dead_letter_error": None,
    }
    assert (shown["failed"], shown["counts"]) == ([], {**EMPTY, "pending": 1})


def test_a_delivery_that_failed_shows_when_and_why(cloud: Harness, sns: Any, topic: str) -> None:
    to_nowhere(sns)
    cloud.advance(1.5)
    sns.publish(TopicArn=topic, Message="hello")
    shown = look(cloud)
    (one,) = shown["failed"]
    assert (one["state"], one["attempts"], one["ended"]) == ("failed", 1, "2026-01-01T00:00:01.500Z")
    assert one["last_error"]["code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert (shown["pending"], shown["counts"]) == ([], {**EMPTY, "lost": 1})


def test_a_request_that_is_on_its_way_is_counted(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscription = subscribe(cloud, sns, topic, target)
    target.answer(HANG)
    sns.publish(TopicArn=topic, Message="hello")
    target.wait()
    shown = look(cloud)
    assert shown["counts"] == {**EMPTY, "pending": 1, "in_flight": 1, "delivered": 1}
    (one,) = shown["pending"]
    assert (one["state"], one["subscriber"], one["target"]) == ("pending", subscription, target.url())
    assert (one["attempts"], one["next_attempt"], one["last_error"]) == (0, None, None)


def test_both_lists_show_the_newest_first(cloud: Harness) -> None:
    fail_many(cloud, 5)
    shown = look(cloud)
    for kind in ("pending", "failed"):
        assert [one["body"] for one in shown[kind]] == ["4", "3", "2", "1", "0"]


def test_each_list_shows_100_by_default_and_the_counts_are_whole(cloud: Harness) -> None:
    fail_many(cloud, 130)
    shown = look(cloud)
    for kind in ("pending", "failed"):
        assert [one["body"] for one in shown[kind]] == [f"{number}" for number in range(129, 29, -1)]
    assert (shown["counts"]["pending"], shown["counts"]["lost"]) == (130, 130)


@pytest.mark.parametrize(("limit", "number"), [("0", 0), ("1", 1), ("007", 7), ("30", 30), ("9999999", 30)])
def test_the_limit_holds_for_each_list(cloud: Harness, limit: str, number: int) -> None:
    fail_many(cloud, 30)
    shown = look(cloud, limit=limit)
    assert (len(shown["pending"]), len(shown["failed"])) == (number, number)


@pytest.mark.parametrize("limit", ["", "many", "-1", "+1", "1.5", " 1", "1e3", "\u0663", "12345678"])
def test_a_limit_that_is_no_number_is_refused(cloud: Harness, limit: str) -> None:
    answer = ask(cloud, limit=limit)
    assert answer.status == 400
    assert json.loads(answer.body) == {"message": f"limit={limit}: must be a number"}


def test_the_limit_counts_what_was_chosen(cloud: Harness) -> None:
    fail_many(cloud, 30)
    shown = look(cloud, limit=3, subscriber="b")
    assert [one["body"] for one in shown["pending"]] == ["29", "28", "27"]
    assert shown["failed"] == []


def test_what_is_not_asked_for_is_not_written(cloud: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    show = Deliveries.show

    def count(deliveries: Deliveries, delivery: Delivery) -> dict[str, Any]:
        nonlocal written
        written += 1
        return show(deliveries, delivery)

    monkeypatch.setattr(Deliveries, "show", count)
    fail_many(cloud, 300)
    look(cloud, limit=3)
    look(cloud, limit=3, subscriber="b")
    assert written == 3 + 3 + 3


def test_source_subscriber_and_target_choose(cloud: Harness, sns: Any, topic: str) -> None:
    other = sns.create_topic(Name="other")["TopicArn"]
    subscriptions = [to_function(sns), to_nowhere(sns), to_function(sns, other), to_nowhere(sns, other)]
    for arn in (topic, other):
        sns.publish(TopicArn=arn, Message="hello")
    for choice, waits, fails in (
        ({"source": topic}, subscriptions[:1], subscriptions[1:2]),
        ({"source": other}, subscriptions[2:3], subscriptions[3:]),
        ({"subscriber": subscriptions[0]}, subscriptions[:1], []),
        ({"subscriber": subscriptions[3]}, [], subscriptions[3:]),
        ({"target": FUNCTION}, [subscriptions[2], subscriptions[0]], []),
        ({"target": NO_QUEUE, "source": topic}, [], subscriptions[1:2]),
        ({"target": FUNCTION, "subscriber": subscriptions[1]}, [], []),
    ):
        shown = look(cloud, **choice)
        assert [one["subscriber"] for one in shown["pending"]] == waits
        assert [one["subscriber"] for one in shown["failed"]] == fails


@pytest.mark.parametrize("choice", [{"source": TOPIC[:-1]}, {"source": ""}, {"target": "*"}, {"subscriber": "A"}])
def test_a_choice_is_the_exact_text(cloud: Harness, choice: dict[str, str]) -> None:
    fail_many(cloud, 1)
    shown = look(cloud, **choice)
    assert (shown["pending"], shown["failed"]) == ([], [])


def test_a_choice_can_be_a_url(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target, path="/in?a=b&c=d")
    target.answer(400)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    answer = cloud.request("GET", PATH, query="target=" + quote(target.url("/in?a=b&c=d"), safe=""))
    assert len(json.loads(answer.body)["failed"]) == 1


# DELETE and what else there is.


def test_delete_forgets_the_failed_ones_and_nothing_else(cloud: Harness) -> None:
    fail_many(cloud, 3)
    answer = ask(cloud, "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    shown = look(cloud)
    assert (len(shown["pending"]), shown["failed"]) == (3, [])
    assert shown["counts"] == {**EMPTY, "pending": 3, "lost": 3}


def test_what_fails_after_delete_shows_again(cloud: Harness) -> None:
    fail_many(cloud, 2)
    ask(cloud, "DELETE")
    cloud.advance(1)
    assert [one["body"] for one in look(cloud)["failed"]] == ["1", "0"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_there_is_no_other_method(cloud: Harness, method: str) -> None:
    answer = ask(cloud, method)
    assert answer.status == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "DELETE"}


@pytest.mark.parametrize("path", ["/_eventyard/reset", "/_localstack/state/sns/reset"])
def test_a_reset_forgets_what_waits_and_what_failed(cloud: Harness, sns: Any, topic: str, path: str) -> None:
    to_function(sns)
    to_nowhere(sns)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.request("POST", path)
    shown = look(cloud)
    assert (shown["pending"], shown["failed"], shown["counts"]["pending"]) == ([], [], 0)
    cloud.advance(100)
    assert look(cloud) == shown


def test_the_reset_of_another_service_forgets_no_delivery(cloud: Harness, sns: Any, topic: str) -> None:
    to_function(sns)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.request("POST", "/_localstack/state/sqs/reset")
    assert look(cloud)["counts"]["pending"] == 1
