"""Archives of FIFO topics: ArchivePolicy, how long messages are kept, what ends an archive. What is in one is seen by replaying it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.sns.state import topic_by_arn
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_topics import invalid, set_topic
from tests.support.sqs_flow import Box

HOUR_S = 3600
DAY_S = 86_400
LONG_AGO = '{"PointType":"Timestamp","StartingPoint":"2020-01-01T00:00:00.000Z"}'
BAD_DAYS = "ArchivePolicy: MessageRetentionPeriod must be a number of days from 1 to 365"
NOT_JSON = "ArchivePolicy: failed to parse JSON."
DIFFERENT = "Attributes Reason: Topic already exists with different attributes"


def days(number: int) -> str:
    """Write an ArchivePolicy, as GetTopicAttributes shows it."""
    return f'{{"MessageRetentionPeriod":"{number}"}}'


@pytest.fixture
def topic(sns: Any) -> str:
    """A topic that keeps messages for two days."""
    return make_topic(sns, ArchivePolicy=days(2))


def make_topic(sns: Any, name: str = "orders.fifo", **attributes: str) -> str:
    given = {"FifoTopic": "true", "ContentBasedDeduplication": "true", **attributes}
    return sns.create_topic(Name=name, Attributes=given)["TopicArn"]


def set_policy(sns: Any, topic: str, policy: str) -> None:
    set_topic(sns, topic, "ArchivePolicy", policy)


def refusal(sns: Any, topic: str, policy: str) -> Seen:
    return error_of(sns.set_topic_attributes, TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue=policy)


def publish(sns: Any, topic: str, *messages: str) -> None:
    for message in messages:
        sns.publish(TopicArn=topic, Message=message, MessageGroupId="g")


def shown(sns: Any, topic: str) -> tuple[str | None, str | None]:
    """Give ArchivePolicy and BeginningArchiveTime."""
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return attributes.get("ArchivePolicy"), attributes.get("BeginningArchiveTime")


def archived(sns: Any, sqs: Any, topic: str) -> list[str]:
    """Replay a whole archive to a new queue, and give the texts."""
    box = Box(sqs, f"replay-{len(sqs.list_queues().get('QueueUrls', []))}")
    given = {"ReplayPolicy": LONG_AGO, "RawMessageDelivery": "true"}
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=box.arn, Attributes=given)["SubscriptionArn"]
    texts = box.drain()
    sns.unsubscribe(SubscriptionArn=arn)
    return texts


# The policy.


def test_an_archive_begins_when_its_policy_is_set(cloud: Harness, sns: Any) -> None:
    topic = make_topic(sns)
    assert shown(sns, topic) == (None, None)
    cloud.advance(90)
    set_policy(sns, topic, days(7))
    cloud.advance(90)
    assert shown(sns, topic) == (days(7), "2026-01-01T00:01:30.000Z")


def test_a_topic_can_be_made_with_an_archive(sns: Any) -> None:
    assert shown(sns, make_topic(sns, ArchivePolicy=days(7))) == (days(7), "2026-01-01T00:00:00.000Z")


@pytest.mark.parametrize("given", ['{"MessageRetentionPeriod":"365"}', '{ "MessageRetentionPeriod" : 365 }'])
def test_the_retention_is_a_number_of_days_in_quotes_or_without(sns: Any, given: str) -> None:
    topic = make_topic(sns)
    set_policy(sns, topic, given)
    assert shown(sns, topic)[0] == days(365)
    set_policy(sns, topic, given.replace("365", "1"))
    assert shown(sns, topic)[0] == days(1)


@pytest.mark.parametrize("name", ["SetTopicAttributes", "CreateTopic"])
@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ('{"MessageRetentionPeriod":"0"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":0}', BAD_DAYS),
        ('{"MessageRetentionPeriod":"366"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":"-1"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":"1.5"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":1.5}', BAD_DAYS),
        ('{"MessageRetentionPeriod":"a week"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":""}', BAD_DAYS),
        ('{"MessageRetentionPeriod":"\u0661"}', BAD_DAYS),
        ('{"MessageRetentionPeriod":null}', BAD_DAYS),
        ('{"MessageRetentionPeriod":true}', BAD_DAYS),
        ('{"MessageRetentionPeriod":["1"]}', BAD_DAYS),
        ('{"Retention":"1"}', "ArchivePolicy: invalid JSON. Attribute Retention is unknown."),
        ('{"MessageRetentionPeriod":"1","x":1}', "ArchivePolicy: invalid JSON. Attribute x is unknown."),
        ("7", NOT_JSON),
        ("[]", NOT_JSON),
        ("{", NOT_JSON),
        ('"', NOT_JSON),
    ],
)
def test_a_policy_that_is_none_is_refused(sns: Any, name: str, policy: str, reason: str) -> None:
    if name == "CreateTopic":
        given = {"FifoTopic": "true", "ArchivePolicy": policy}
        assert error_of(sns.create_topic, Name="a.fifo", Attributes=given) == invalid(f"Attributes Reason: {reason}")
        assert sns.list_topics()["Topics"] == []
    else:
        assert refusal(sns, make_topic(sns), policy) == invalid(reason)


def test_a_refused_policy_leaves_the_archive_as_it_is(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a")
    cloud.advance(1)
    assert refusal(sns, topic, '{"MessageRetentionPeriod":"0"}') == invalid(BAD_DAYS)
    assert shown(sns, topic) == (days(2), "2026-01-01T00:00:00.000Z")
    assert archived(sns, sqs, topic) == ["a"]


def test_making_the_topic_again_compares_the_policies(sns: Any, topic: str) -> None:
    assert make_topic(sns, ArchivePolicy='{ "MessageRetentionPeriod": 2 }') == topic
    for other in (days(3), "{}"):
        given = {"FifoTopic": "true", "ArchivePolicy": other}
        assert error_of(sns.create_topic, Name="orders.fifo", Attributes=given) == invalid(DIFFERENT)


@pytest.mark.parametrize("nothing", ["{}", " { } ", ""])
def test_an_empty_policy_ends_the_archive(sns: Any, topic: str, nothing: str) -> None:
    set_policy(sns, topic, nothing)
    assert shown(sns, topic) == (None, None)


def test_an_empty_policy_is_none(sns: Any) -> None:
    topic = make_topic(sns, ArchivePolicy="{}")
    set_policy(sns, topic, "{}")
    assert shown(sns, topic) == (None, None)


# DeleteTopic.


def test_a_topic_with_an_archive_cannot_be_deleted(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=box.arn)["SubscriptionArn"]
    message = (
        f"Invalid state: the topic {topic} has an active archive policy; the archive policy must be deactivated first"
    )
    assert error_of(sns.delete_topic, TopicArn=topic) == Seen("InvalidState", message, 400)
    publish(sns, topic, "still here")
    assert json.loads(box.bodies()[0])["Message"] == "still here"
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == arn


def test_it_can_be_deleted_when_its_archive_has_ended(sns: Any, topic: str) -> None:
    set_policy(sns, topic, "{}")
    sns.delete_topic(TopicArn=topic)
    assert sns.list_topics()["Topics"] == []


# What is kept.


def test_every_message_is_archived_whether_anybody_subscribes_or_not(sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a", "b")
    entries = [{"Id": text, "Message": text, "MessageGroupId": "g"} for text in "cd"]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert archived(sns, sqs, topic) == ["a", "b", "c", "d"]


def test_a_duplicate_is_not_archived(sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a", "a", "b", "a")
    assert archived(sns, sqs, topic) == ["a", "b"]


def test_what_was_published_before_there_was_an_archive_is_not_in_it(sns: Any, sqs: Any) -> None:
    topic = make_topic(sns)
    publish(sns, topic, "before")
    set_policy(sns, topic, days(1))
    publish(sns, topic, "after")
    assert archived(sns, sqs, topic) == ["after"]


def test_archives_are_apart(cloud: Harness) -> None:
    places = [("000000000000", "us-east-1"), ("000000000000", "eu-west-1"), ("111122223333", "us-east-1")]
    clients = [
        [cloud.client(name, account=account, region=region) for name in ("sns", "sqs")] for account, region in places
    ]
    topics = [make_topic(sns, ArchivePolicy=days(1)) for sns, _ in clients]
    for (sns, _), topic in zip(clients, topics, strict=True):
        publish(sns, topic, topic)
    assert [archived(sns, sqs, topic) for (sns, sqs), topic in zip(clients, topics, strict=True)] == [
        [arn] for arn in topics
    ]


# For how long.


def test_a_message_is_kept_to_the_end_of_its_retention(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a")
    cloud.advance(DAY_S)
    publish(sns, topic, "b")
    cloud.advance(DAY_S)
    assert archived(sns, sqs, topic) == ["a", "b"]
    cloud.advance(0.001)
    assert archived(sns, sqs, topic) == ["b"]
    cloud.advance(DAY_S)
    assert archived(sns, sqs, topic) == []


def test_messages_of_a_year_are_kept_if_the_policy_says_so(cloud: Harness, sns: Any, sqs: Any) -> None:
    topic = make_topic(sns, ArchivePolicy=days(365))
    publish(sns, topic, "old")
    cloud.advance(365 * DAY_S)
    assert archived(sns, sqs, topic) == ["old"]


def test_the_beginning_moves_with_the_retention(cloud: Harness, sns: Any) -> None:
    topic = make_topic(sns, ArchivePolicy=days(1))
    cloud.advance(DAY_S)
    assert shown(sns, topic)[1] == "2026-01-01T00:00:00.000Z"
    cloud.advance(12.5)
    assert shown(sns, topic)[1] == "2026-01-01T00:00:12.500Z"


def test_a_shorter_retention_drops_what_is_older_for_good(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a")
    cloud.advance(DAY_S + HOUR_S)
    publish(sns, topic, "b")
    set_policy(sns, topic, days(1))
    assert shown(sns, topic) == (days(1), "2026-01-01T01:00:00.000Z")
    assert archived(sns, sqs, topic) == ["b"]
    set_policy(sns, topic, days(2))
    assert archived(sns, sqs, topic) == ["b"]


@pytest.mark.parametrize(
    ("age_s", "policies", "beginning"),
    [(25 * HOUR_S, (1, 10), "2026-01-01T01:00:00.000Z"), (3 * DAY_S, (10,), "2026-01-02T00:00:00.000Z")],
)
def test_the_beginning_does_not_go_back_when_the_retention_grows(
    cloud: Harness, sns: Any, topic: str, age_s: int, policies: tuple[int, ...], beginning: str
) -> None:
    cloud.advance(age_s)
    for number in policies:
        set_policy(sns, topic, days(number))
    cloud.advance(HOUR_S)
    assert shown(sns, topic) == (days(10), beginning)


def test_a_longer_retention_holds_for_messages_that_are_there(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a")
    cloud.advance(DAY_S)
    set_policy(sns, topic, days(4))
    cloud.advance(3 * DAY_S)
    assert archived(sns, sqs, topic) == ["a"]
    cloud.advance(0.001)
    assert archived(sns, sqs, topic) == []


def test_the_same_policy_again_changes_nothing(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a")
    cloud.advance(HOUR_S)
    set_policy(sns, topic, days(2))
    assert shown(sns, topic) == (days(2), "2026-01-01T00:00:00.000Z")
    assert archived(sns, sqs, topic) == ["a"]


def test_an_archive_that_is_begun_again_is_a_new_one(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "old")
    set_policy(sns, topic, "{}")
    publish(sns, topic, "between")
    cloud.advance(HOUR_S)
    set_policy(sns, topic, days(2))
    publish(sns, topic, "new")
    assert shown(sns, topic) == (days(2), "2026-01-01T01:00:00.000Z")
    assert archived(sns, sqs, topic) == ["new"]


def test_memory_of_what_is_too_old_is_given_back_by_the_next_publish(cloud: Harness, sns: Any, topic: str) -> None:
    publish(sns, topic, *(str(n) for n in range(20)))
    cloud.advance(2 * DAY_S + 1)
    publish(sns, topic, "new")
    assert cloud.run(lambda emulator: topic_by_arn(emulator, topic).archive.log.count) == 1
