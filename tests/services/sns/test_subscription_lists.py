"""ListSubscriptions and ListSubscriptionsByTopic: what is shown of each, whose are listed, pages of 100; and that all books agree
after random comings and goings.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import (
    DAY_S,
    MAIL,
    PHONE,
    QUEUE,
    URL,
    attributes_of,
    mails,
    queue_arn,
    subscribe,
    subscriptions_of,
    token_of,
)
from tests.support.sns_topics import NO_TOPIC, counts, invalid, make_topic, pages_of, topic_arn

OWNER, SUBSCRIBER, THIRD = "111122223333", "444455556666", "777788889999"


def subscribe_many(sns: Any, topic: str, count: int) -> list[str]:
    """Subscribe queues that need not exist; their ARNs, sorted."""
    return sorted(subscribe(sns, topic, "sqs", queue_arn(f"q{number}")) for number in range(count))


def arns(listed: list[dict[str, str]]) -> list[str]:
    """Take the ARNs out of a list."""
    return [found["SubscriptionArn"] for found in listed]


def test_a_list_shows_five_things_of_a_subscription(sns: Any) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic)
    shown = {
        "SubscriptionArn": arn,
        "Owner": "000000000000",
        "Protocol": "sqs",
        "Endpoint": QUEUE,
        "TopicArn": topic,
    }
    assert subscriptions_of(sns) == subscriptions_of(sns, topic) == [shown]


@pytest.mark.parametrize(("protocol", "endpoint"), [("http", URL), ("email", MAIL)])
def test_a_pending_subscription_is_listed_without_its_arn(
    cloud: Harness, sns: Any, protocol: str, endpoint: str
) -> None:
    topic = make_topic(sns)
    arn = subscribe(sns, topic, protocol, endpoint)
    assert arns(subscriptions_of(sns)) == arns(subscriptions_of(sns, topic)) == ["PendingConfirmation"]
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn))
    assert arns(subscriptions_of(sns)) == arns(subscriptions_of(sns, topic)) == [arn]


def test_without_subscriptions_both_lists_are_empty(sns: Any) -> None:
    topic = make_topic(sns)
    for answer in (sns.list_subscriptions(), sns.list_subscriptions_by_topic(TopicArn=topic)):
        assert answer["Subscriptions"] == []
        assert "NextToken" not in answer


def test_a_topics_list_has_its_own_subscriptions_the_other_those_of_all_topics(sns: Any) -> None:
    first, second = make_topic(sns, "first"), make_topic(sns, "second")
    one, two = subscribe(sns, first), subscribe(sns, second, "sms", PHONE)
    assert arns(subscriptions_of(sns, first)) == [one]
    assert arns(subscriptions_of(sns, second)) == [two]
    assert sorted(arns(subscriptions_of(sns))) == sorted([one, two])


def test_a_subscription_belongs_to_the_subscriber_and_is_listed_with_the_topic(cloud: Harness) -> None:
    owner, subscriber, third = (cloud.client("sns", account=account) for account in (OWNER, SUBSCRIBER, THIRD))
    topic = make_topic(owner)
    subscribe(subscriber, topic, "sqs", queue_arn("orders", THIRD))
    (found,) = subscriptions_of(subscriber)
    assert (found["Owner"], found["TopicArn"]) == (SUBSCRIBER, topic)
    assert subscriptions_of(owner) == subscriptions_of(third) == []
    assert subscriptions_of(owner, topic) == subscriptions_of(subscriber, topic) == [found]


def test_subscriptions_are_listed_in_the_topics_region(cloud: Harness) -> None:
    west, east = (cloud.client("sns", account=OWNER, region=region) for region in ("eu-west-1", "us-east-1"))
    arn = subscribe(west, make_topic(west), "sqs", queue_arn("orders", OWNER, "us-east-1"))
    assert arns(subscriptions_of(west)) == [arn]
    assert subscriptions_of(east) == []


@pytest.mark.parametrize("by", ["unsubscribe", "topic's owner", "delete_topic"])
def test_what_has_ended_is_not_listed_with_anybody(cloud: Harness, by: str) -> None:
    owner, subscriber = cloud.client("sns", account=OWNER), cloud.client("sns", account=SUBSCRIBER)
    topic = make_topic(owner)
    arn = subscribe(subscriber, topic, "sqs", queue_arn("orders", SUBSCRIBER))
    if by == "delete_topic":
        owner.delete_topic(TopicArn=topic)
    else:
        (subscriber if by == "unsubscribe" else owner).unsubscribe(SubscriptionArn=arn)
    assert subscriptions_of(subscriber) == subscriptions_of(owner) == []


def test_what_nobody_confirmed_in_two_days_is_not_listed_with_anybody(cloud: Harness) -> None:
    owner, subscriber = cloud.client("sns", account=OWNER), cloud.client("sns", account=SUBSCRIBER)
    topic = make_topic(owner)
    subscribe(subscriber, topic, "sqs", queue_arn("orders", THIRD))
    cloud.advance(2 * DAY_S - 0.001)
    assert arns(subscriptions_of(subscriber)) == arns(subscriptions_of(owner, topic)) == ["PendingConfirmation"]
    cloud.advance(0.001)
    assert subscriptions_of(subscriber) == subscriptions_of(owner, topic) == []


@pytest.mark.parametrize("topic", [topic_arn("nothing"), topic_arn(account=OWNER)])
def test_a_topic_that_is_not_there_has_no_list(sns: Any, topic: str) -> None:
    assert error_of(sns.list_subscriptions_by_topic, TopicArn=topic) == NO_TOPIC


# Pages.


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1]), (203, [100, 100, 3])])
def test_a_page_has_100_subscriptions(sns: Any, count: int, sizes: list[int]) -> None:
    topic = make_topic(sns)
    expected = subscribe_many(sns, topic, count)
    for pages in (
        pages_of(sns, "list_subscriptions", "Subscriptions"),
        pages_of(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic),
    ):
        assert [len(page) for page in pages] == sizes
        assert sorted(arns([found for page in pages for found in page])) == expected


def test_pages_hold_each_subscription_of_many_topics_once(sns: Any) -> None:
    expected = [arn for name in "abc" for arn in subscribe_many(sns, make_topic(sns, name), 50)]
    pages = pages_of(sns, "list_subscriptions", "Subscriptions")
    assert sorted(arns([found for page in pages for found in page])) == sorted(expected)


def test_a_page_goes_on_where_the_last_one_ended_whatever_ends_meanwhile(sns: Any) -> None:
    topic = make_topic(sns)
    subscribe_many(sns, topic, 103)
    first = sns.list_subscriptions_by_topic(TopicArn=topic)
    shown = arns(first["Subscriptions"])
    for arn in (shown[0], shown[50], shown[99]):
        sns.unsubscribe(SubscriptionArn=arn)
    rest = sns.list_subscriptions_by_topic(TopicArn=topic, NextToken=first["NextToken"])
    assert len(rest["Subscriptions"]) == 3
    assert not set(arns(rest["Subscriptions"])) & set(shown)


def test_pending_subscriptions_stand_on_pages_too(sns: Any) -> None:
    topic = make_topic(sns)
    for number in range(101):
        subscribe(sns, topic, "email", f"{number}@example.com")
    pages = pages_of(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    assert [len(page) for page in pages] == [100, 1]
    assert len({found["Endpoint"] for page in pages for found in page}) == 101


@pytest.mark.parametrize("token", ["x", "AAAA", "not base64!"])
def test_a_token_that_sns_never_gave_is_refused(sns: Any, token: str) -> None:
    topic = make_topic(sns)
    assert error_of(sns.list_subscriptions, NextToken=token) == invalid("NextToken")
    assert error_of(sns.list_subscriptions_by_topic, TopicArn=topic, NextToken=token) == invalid("NextToken")


# Comings and goings.

STEPS = 120
ENDPOINTS = [("sqs", queue_arn("orders", OWNER)), ("sqs", queue_arn("orders", THIRD)), ("email", MAIL), ("sms", PHONE)]


class Crowd:
    """Accounts that do at random what they may with two topics. `tokens` are all that were ever sent."""

    def __init__(self, cloud: Harness, seed: int) -> None:
        self._cloud, self._random = cloud, random.Random(seed)
        self.owner = cloud.client("sns", account=OWNER)
        self.clients = [self.owner, cloud.client("sns", account=SUBSCRIBER)]
        self._topics = [make_topic(self.owner, name) for name in ("orders", "sales")]
        self._arns: list[str] = []
        self._tokens: list[tuple[str, str]] = []

    def step(self) -> None:
        """Do one thing."""
        deeds = [self._subscribe, self._subscribe, self._confirm, self._confirm, self._end, self._filter, self._rest]
        self._random.choice(deeds if self._random.random() < 0.98 else [self._renew])()

    def _renew(self) -> None:
        self.owner.delete_topic(TopicArn=topic_arn("sales", OWNER))
        make_topic(self.owner, "sales")

    def _subscribe(self) -> None:
        topic, (protocol, endpoint) = self._random.choice(self._topics), self._random.choice(ENDPOINTS)
        arn = subscribe(self._random.choice(self.clients), topic, protocol, endpoint)
        self._arns.append(arn)
        self._tokens.append((topic, token_of(self._cloud, arn)))

    def _confirm(self) -> None:
        for mail in mails(self._cloud, account=OWNER)[-1:]:
            self._tokens.append((mail["TopicArn"], mail["Token"]))
        if self._tokens:
            topic, token = self._random.choice(self._tokens[-12:])
            self._dare("confirm_subscription", TopicArn=topic, Token=token)

    def _end(self) -> None:
        if self._arns:
            self._dare("unsubscribe", SubscriptionArn=self._random.choice(self._arns[-6:]))

    def _filter(self) -> None:
        if self._arns:
            value = self._random.choice(["", '{"kind": ["a"]}'])
            arn = self._random.choice(self._arns[-6:])
            self._dare(
                "set_subscription_attributes", SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=value
            )

    def _rest(self) -> None:
        self._cloud.advance(self._random.choice([1, 3600, DAY_S]))

    def _dare(self, operation: str, **arguments: str) -> None:
        """Make a call that AWS may refuse."""
        try:
            getattr(self._random.choice(self.clients), operation)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("InvalidParameter", "NotFound", "AuthorizationError"):
                raise

    def check(self) -> None:
        """Compare all that is shown."""
        shown = [found for topic in self._topics for found in self._list(topic)]
        own = [found for client in self.clients for found in subscriptions_of(client)]
        assert sorted(own, key=str) == sorted(shown, key=str)
        filtered = [found for found in shown if "FilterPolicy" in self._attributes(found)]
        assert self._cloud.run(lambda emulator: emulator.state("sns", OWNER, "us-east-1").filter_policies) == len(
            filtered
        )

    def _list(self, topic: str) -> list[dict[str, str]]:
        listed = subscriptions_of(self.owner, topic)
        waiting = arns(listed).count("PendingConfirmation")
        assert counts(self.owner, topic)[:2] == (len(listed) - waiting, waiting)
        assert len({(found["Protocol"], found["Endpoint"]) for found in listed}) == len(listed)
        return listed

    def _attributes(self, found: dict[str, str]) -> dict[str, str]:
        """Read the attributes; asked again, a pending subscription answers its ARN."""
        arn = subscribe(self.owner, found["TopicArn"], found["Protocol"], found["Endpoint"])
        return attributes_of(self.owner, arn)


@pytest.mark.parametrize("seed", range(8))
def test_all_books_agree_whoever_comes_and_goes(cloud: Harness, seed: int) -> None:
    print(f"seed {seed}")
    crowd = Crowd(cloud, seed)
    for number in range(STEPS):
        crowd.step()
        if number % 10 == 0:
            crowd.check()
    crowd.check()
