"""Deliveries over HTTP that fail: which answers are retried, at which instants, by whose policy, and that nobody else suffers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest

from tests.support.harness import Harness, until
from tests.support.http_target import CLOSE, HANG, Command, HttpTarget, Raw, elapse, failed, pending, subscribe
from tests.support.sqs_queues import arn_of

ACCOUNT = "111122223333"
REGION = "ap-south-1"
FUNCTIONS = {
    "linear": [5, 20, 35, 50, 65],
    "arithmetic": [5, 11, 23, 41, 65],
    "geometric": [5, 9.494, 18.028, 34.232, 65],
    "exponential": [5, 9, 17, 33, 65],
}
"""What a backoff of five retries from 5 to 65 seconds waits."""


@pytest.fixture
def sns(cloud: Harness) -> Any:
    return cloud.client("sns", account=ACCOUNT, region=REGION)


@pytest.fixture
def sqs(cloud: Harness) -> Any:
    return cloud.client("sqs", account=ACCOUNT, region=REGION)


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="orders")["TopicArn"]
    return arn


@pytest.fixture
def target(cloud: Harness) -> Iterator[HttpTarget]:
    with HttpTarget(lambda: cloud.now_ms) as one:
        yield one


@pytest.fixture
def other(cloud: Harness) -> Iterator[HttpTarget]:
    with HttpTarget(lambda: cloud.now_ms) as one:
        yield one


def policy(**retry: Any) -> str:
    """Make a subscription's DeliveryPolicy."""
    return json.dumps({"healthyRetryPolicy": retry})


def set_topic_policy(sns: Any, topic: str, **parts: Any) -> None:
    text = json.dumps({"http": parts}) if parts else ""
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=text)


def queue(sqs: Any, name: str) -> tuple[str, str]:
    """Create a queue; its URL and its ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, arn_of(sqs, url)


def bodies(sqs: Any, url: str) -> list[str]:
    """Receive all that is in a queue."""
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return found


def instants_s(cloud: Harness, target: HttpTarget, start_ms: int) -> list[float]:
    """When requests came, in seconds after an instant."""
    return [(request.at_ms - start_ms) / 1000 for request in target.requests]


# The instants.


def test_by_default_there_are_three_retries_20_seconds_apart(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    target.always = 500
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 3_600)
    assert instants_s(cloud, target, start_ms) == [0, 20, 40, 60]
    (one,) = failed(cloud)
    assert (one["state"], one["attempts"], one["ended"]) == ("failed", 4, "2026-01-01T00:01:00.000Z")
    assert one["last_error"] == {"code": "500", "message": f"{target.url()} answered with status 500"}


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_all_phases_come_one_after_the_other(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, function: str
) -> None:
    text = policy(
        minDelayTarget=5,
        maxDelayTarget=65,
        numRetries=10,
        numNoDelayRetries=2,
        numMinDelayRetries=1,
        numMaxDelayRetries=2,
        backoffFunction=function,
    )
    subscribe(cloud, sns, topic, target, DeliveryPolicy=text)
    target.always = 503
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 3_600)
    delays = [0, 0, 0, 5, *FUNCTIONS[function], 65, 65]
    assert instants_s(cloud, target, start_ms) == [round(instant, 3) for instant in accumulate(delays)]


@pytest.mark.parametrize(
    ("retry", "instants"),
    [
        ({"numRetries": 0}, [0]),
        ({"numRetries": 1}, [0, 20]),
        ({"numRetries": 2, "numNoDelayRetries": 2}, [0, 0, 0]),
        ({"numRetries": 2, "numMinDelayRetries": 2, "minDelayTarget": 7}, [0, 7, 14]),
        ({"numRetries": 2, "numMaxDelayRetries": 2, "maxDelayTarget": 90}, [0, 90, 180]),
        ({"minDelayTarget": 1, "maxDelayTarget": 1}, [0, 1, 2, 3]),
        ({"numRetries": 2, "minDelayTarget": 10, "maxDelayTarget": 3_590}, [0, 10, 3_600]),
    ],
)
def test_a_policy_may_have_some_of_the_phases(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, retry: dict[str, Any], instants: list[int]
) -> None:
    subscribe(cloud, sns, topic, target, DeliveryPolicy=policy(**retry))
    target.always = 500
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 4_000)
    assert instants_s(cloud, target, start_ms) == instants


def test_a_retry_is_the_same_message(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    target.answer(500, 503)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    elapse(cloud, 100)
    first, second, third = target.requests
    assert first.header("x-amz-sns-message-id") == message_id
    assert (first.body, first.headers) == (second.body, second.headers) == (third.body, third.headers)
    assert (pending(cloud), failed(cloud)) == ([], [])


def test_while_it_waits_a_delivery_shows_when_it_will_be_tried_again(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    target.answer(500, 502)
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 25)
    (one,) = pending(cloud)
    assert (one["state"], one["attempts"]) == ("retrying", 2)
    assert (one["last_error"]["code"], one["next_attempt"]) == ("502", "2026-01-01T00:00:40.000Z")


# The answers.


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_answer_is_success(cloud: Harness, sns: Any, topic: str, target: HttpTarget, status: int) -> None:
    subscribe(cloud, sns, topic, target)
    target.answer(status)
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 100)
    assert (len(target.requests), failed(cloud)) == (1, [])


@pytest.mark.parametrize("status", [301, 304, 400, 401, 403, 404, 408, 410, 413, 499])
def test_a_client_error_goes_to_the_dead_letter_queue_at_once(
    cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget, status: int
) -> None:
    url, arn = queue(sqs, "dead")
    subscribe(cloud, sns, topic, target, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn}))
    target.answer(status)
    sns.publish(TopicArn=topic, Message="hello")
    cloud.settle_deliveries()
    assert bodies(sqs, url) == [target.requests[0].text]
    (one,) = failed(cloud)
    assert (one["state"], one["attempts"], one["last_error"]["code"]) == ("dead-lettered", 1, str(status))
    elapse(cloud, 100)
    assert len(target.requests) == 1


@pytest.mark.parametrize("answer", [429, 500, 501, 502, 503, 504, 599, CLOSE, Raw(b"garbage\r\n\r\n")], ids=str)
def test_a_server_s_error_is_retried(
    cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget, answer: Command
) -> None:
    url, arn = queue(sqs, "dead")
    subscribe(cloud, sns, topic, target, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn}))
    target.answer(answer)
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 20]
    assert (bodies(sqs, url), failed(cloud)) == ([], [])


def test_silence_of_15_seconds_is_a_failure_and_is_retried(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    target.answer(HANG)
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    target.wait()
    cloud.advance(14.999)
    assert [(one["state"], one["attempts"]) for one in pending(cloud)] == [("pending", 0)]
    cloud.advance(0.001)
    cloud.settle_deliveries()
    (one,) = pending(cloud)
    message = f"{target.url()} did not answer within 15 seconds"
    assert (one["state"], one["last_error"]) == ("retrying", {"code": "Timeout", "message": message})
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 35]


def test_the_last_retry_is_followed_by_a_dead_letter_that_says_why(
    cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget
) -> None:
    url, arn = queue(sqs, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn})
    subscribe(cloud, sns, topic, target, RedrivePolicy=redrive, DeliveryPolicy=policy(numRetries=1))
    target.answer(500, 503)
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 19.999)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    elapse(cloud, 0.001)
    (letter,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert letter["Body"] == target.requests[0].text
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert set(attributes) == {"RequestID", "ErrorCode", "ErrorMessage"}
    assert attributes["ErrorCode"] == "503"
    assert attributes["ErrorMessage"] == f"{target.url()} answered with status 503"


# Throttling.


def test_a_throttle_paces_what_was_published_at_once(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    text = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}})
    subscribe(cloud, sns, topic, target, DeliveryPolicy=text)
    start_ms = cloud.now_ms
    for number in range(6):
        sns.publish(TopicArn=topic, Message=f"{number}")
    elapse(cloud, 10)
    assert instants_s(cloud, target, start_ms) == [0, 0.5, 1, 1.5, 2, 2.5]
    assert [request.json["Message"] for request in target.requests] == [f"{number}" for number in range(6)]


def test_retries_are_paced_too(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    text = json.dumps(
        {
            "throttlePolicy": {"maxReceivesPerSecond": 1},
            "healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2},
        }
    )
    subscribe(cloud, sns, topic, target, DeliveryPolicy=text)
    target.answer(500, 500, 200)
    start_ms = cloud.now_ms
    for number in range(2):
        sns.publish(TopicArn=topic, Message=f"{number}")
    elapse(cloud, 10)
    assert [request.json["Message"] for request in target.requests] == ["0", "0", "0", "1"]
    assert instants_s(cloud, target, start_ms) == [0, 1, 2, 3]


def test_the_topic_s_throttle_is_each_subscription_s_own(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, other: HttpTarget
) -> None:
    for each in (target, other):
        subscribe(cloud, sns, topic, each)
    set_topic_policy(sns, topic, defaultThrottlePolicy={"maxReceivesPerSecond": 1})
    start_ms = cloud.now_ms
    for number in range(3):
        sns.publish(TopicArn=topic, Message=f"{number}")
    elapse(cloud, 10)
    assert instants_s(cloud, target, start_ms) == instants_s(cloud, other, start_ms) == [0, 1, 2]


# Whose policy.


def test_a_policy_of_the_topic_acts_on_the_subscriptions_that_it_has(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    set_topic_policy(sns, topic, defaultHealthyRetryPolicy={"numRetries": 1, "minDelayTarget": 3, "maxDelayTarget": 3})
    target.always = 500
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 3]


def test_a_policy_that_is_unset_leaves_the_default(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    set_topic_policy(sns, topic, defaultHealthyRetryPolicy={"numRetries": 0})
    subscribe(cloud, sns, topic, target)
    set_topic_policy(sns, topic)
    target.always = 500
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 20, 40, 60]


def test_a_subscription_s_own_policy_goes_first_unless_the_topic_forbids_it(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target, DeliveryPolicy=policy(numRetries=1, minDelayTarget=5))
    target.always = 500
    for forbidden, instants in ((False, [0, 5]), (True, [0, 2, 4])):
        retry = {"numRetries": 2, "minDelayTarget": 2, "maxDelayTarget": 2}
        set_topic_policy(sns, topic, defaultHealthyRetryPolicy=retry, disableSubscriptionOverrides=forbidden)
        target.take_all()
        start_ms = cloud.now_ms
        sns.publish(TopicArn=topic, Message="hello")
        elapse(cloud, 100)
        assert instants_s(cloud, target, start_ms) == instants


@pytest.mark.parametrize("owner", ["topic", "subscription"])
def test_a_change_of_policy_acts_on_what_waits_from_its_next_failure_on(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget, owner: str
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    target.always = 500
    start_ms = cloud.now_ms
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 1)
    retry = {"numRetries": 4, "minDelayTarget": 3, "maxDelayTarget": 3}
    if owner == "topic":
        set_topic_policy(sns, topic, defaultHealthyRetryPolicy=retry)
    else:
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=policy(**retry)
        )
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 20, 23, 26, 29]


def test_a_throttle_set_meanwhile_holds_for_what_comes(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    text = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=text)
    start_ms = cloud.now_ms
    for number in range(2):
        sns.publish(TopicArn=topic, Message=f"{number}")
    elapse(cloud, 10)
    assert instants_s(cloud, target, start_ms) == [0, 1]


# Confirmations.


def test_a_request_to_confirm_is_retried(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    target.answer(500, 429, CLOSE)
    start_ms = cloud.now_ms
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=target.url())
    elapse(cloud, 100)
    assert instants_s(cloud, target, start_ms) == [0, 20, 40, 60]
    assert len({request.body for request in target.requests}) == 1
    sns.confirm_subscription(TopicArn=topic, Token=target.requests[-1].json["Token"])


def test_a_request_to_confirm_that_fails_for_good_is_recorded(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    target.answer(404)
    arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=target.url(), ReturnSubscriptionArn=True)
    cloud.settle_deliveries()
    (one,) = failed(cloud)
    assert (one["subscriber"], one["state"], one["attempts"]) == (arn["SubscriptionArn"], "failed", 1)
    assert json.loads(one["body"])["Type"] == "SubscriptionConfirmation"


def test_confirmations_are_no_dead_letters(cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget) -> None:
    url, queue_arn = queue(sqs, "dead")
    arn = subscribe(cloud, sns, topic, target, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn}))
    target.answer(400)
    cloud.client("sns", account="444455556666", region=REGION).unsubscribe(SubscriptionArn=arn)
    cloud.settle_deliveries()
    assert target.requests[0].json["Type"] == "UnsubscribeConfirmation"
    assert (bodies(sqs, url), [one["state"] for one in failed(cloud)]) == ([], ["failed"])


# The end of a subscription.


@pytest.mark.parametrize("end", ["unsubscribe", "delete_topic"])
def test_what_waits_for_a_retry_is_abandoned_with_the_subscription(
    cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget, end: str
) -> None:
    url, queue_arn = queue(sqs, "dead")
    arn = subscribe(cloud, sns, topic, target, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn}))
    target.always = 500
    sns.publish(TopicArn=topic, Message="hello")
    elapse(cloud, 30)
    if end == "unsubscribe":
        sns.unsubscribe(SubscriptionArn=arn)
    else:
        sns.delete_topic(TopicArn=topic)
    elapse(cloud, 100)
    assert [(one["state"], one["attempts"]) for one in failed(cloud)] == [("abandoned", 2)]
    assert (len(target.requests), bodies(sqs, url), pending(cloud)) == (2, [], [])


def test_an_answer_that_comes_after_the_end_of_the_subscription_changes_nothing(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(cloud, sns, topic, target)
    target.answer(HANG)
    sns.publish(TopicArn=topic, Message="hello")
    target.wait()
    sns.unsubscribe(SubscriptionArn=arn)
    target.release()
    elapse(cloud, 100)
    (one,) = failed(cloud)
    message = "the subscription was deleted"
    assert (one["state"], one["last_error"]) == ("abandoned", {"code": "Abandoned", "message": message})
    assert (len(target.requests), pending(cloud)) == (1, [])


# Nobody else suffers.


@pytest.mark.parametrize("trouble", [500, CLOSE, HANG], ids=["fails", "closes", "hangs"])
def test_a_subscriber_in_trouble_slows_neither_the_healthy_nor_the_publisher(
    cloud: Harness, sns: Any, sqs: Any, topic: str, target: HttpTarget, other: HttpTarget, trouble: Command
) -> None:
    url, queue_arn = queue(sqs, "healthy")
    subscribe(cloud, sns, topic, target)
    subscribe(cloud, sns, topic, other)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    target.always = trouble
    start_ms = cloud.now_ms
    for number in range(40):
        sns.publish(TopicArn=topic, Message=f"{number}")
    until(lambda: len(other.requests) == 40)
    assert set(instants_s(cloud, other, start_ms)) == {0}
    assert sorted(int(request.json["Message"]) for request in other.requests) == list(range(40))
    assert sorted(int(json.loads(body)["Message"]) for body in bodies(sqs, url)) == list(range(40))
    assert len(pending(cloud, target=target.url())) == 40
    until(lambda: len(target.requests) == (16 if trouble == HANG else 40))
    cloud.settle_deliveries(hanging=16 if trouble == HANG else 0)
    assert pending(cloud, target=other.url()) == []
    target.always = 200
    target.release()
    elapse(cloud, 60)
    assert len({request.json["Message"] for request in target.requests}) == 40
    assert pending(cloud) == []


def test_a_subscriber_that_hangs_has_16_requests_at_most(
    cloud: Harness, sns: Any, topic: str, target: HttpTarget
) -> None:
    subscribe(cloud, sns, topic, target)
    target.always = HANG
    for number in range(20):
        sns.publish(TopicArn=topic, Message=f"{number}")
    target.wait(16)
    target.always = 200
    target.release()
    cloud.settle_deliveries()
    assert sorted(int(request.json["Message"]) for request in target.requests[16:]) == [16, 17, 18, 19]
    elapse(cloud, 20)
    assert sorted(int(request.json["Message"]) for request in target.requests[20:]) == list(range(16))


def test_the_publisher_hears_nothing_of_failures(cloud: Harness, sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(cloud, sns, topic, target)
    target.answer(CLOSE, 404)
    entries = [{"Id": name, "Message": name} for name in "ab"]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "b"]
    assert answer.get("Failed", []) == []
    cloud.settle_deliveries()
    assert len(pending(cloud)) + len(failed(cloud)) == 2
