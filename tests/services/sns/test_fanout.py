"""One message and very many subscribers: all of them get it, and nobody else has to wait for that."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from emulator.router.router import Envelope
from emulator.tasks import breathe
from services.sns.fanout import SLICE
from tests.support.errors import error_of
from tests.support.harness import Harness

MANY = 2 * SLICE + 50


@pytest.fixture
def topic(sns: Any) -> str:
    """A topic with many subscribed phones."""
    arn: str = sns.create_topic(Name="crowd")["TopicArn"]
    for number in range(MANY):
        sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint=f"+1555{number:07}")
    return arn


def captured(cloud: Harness) -> dict[str, int]:
    """Count the messages by phone."""
    found = json.loads(cloud.request("GET", "/_aws/sns/sms-messages").body)["sms_messages"]
    return {number: len(messages) for number, messages in found.items()}


def test_all_of_many_subscribers_have_the_message_when_publish_answers(cloud: Harness, sns: Any, topic: str) -> None:
    sns.publish(TopicArn=topic, Message="hello")
    assert captured(cloud) == {f"+1555{number:07}": 1 for number in range(MANY)}


def test_all_of_many_subscribers_have_all_messages_of_a_batch(cloud: Harness, sns: Any, topic: str) -> None:
    entries = [{"Id": str(number), "Message": "hello"} for number in range(3)]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == 3
    assert set(captured(cloud).values()) == {3}
    assert len(captured(cloud)) == MANY


def test_a_publisher_that_hangs_up_keeps_no_message_from_the_others(cloud: Harness, topic: str) -> None:
    body = f"Action=Publish&Version=2010-03-31&TopicArn={topic}&Message=hello".encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    cloud.open(body=body, headers=form).hang_up()
    cloud.advance(0)
    assert len(captured(cloud)) == MANY


def test_other_work_gets_its_turn_between_the_slices(cloud: Harness, topic: str) -> None:
    seen = []

    async def look_on() -> None:
        while (count := len(captured_inside())) < MANY:
            seen.append(count)
            await breathe()

    def captured_inside() -> Any:
        return cloud.emulator.state("sns", "000000000000", "us-east-1").captures.sms.find(None)

    async def both() -> None:
        cloud.emulator.router.send(topic, Envelope("hello"))
        await look_on()

    cloud._loop.run(both())
    assert seen[0] == SLICE
    assert all(after - before <= SLICE for before, after in pairwise(seen))


def test_the_201st_filter_policy_of_a_topic_is_refused(sns: Any) -> None:
    topic = sns.create_topic(Name="filters")["TopicArn"]
    policy = {"FilterPolicy": '{"store": ["x"]}'}
    for number in range(200):
        sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=f"+1555{number:07}", Attributes=policy)
    seen = error_of(sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="+15559999999", Attributes=policy)
    assert (seen.code, seen.status) == ("FilterPolicyLimitExceeded", 403)


def test_without_quotas_a_topic_can_have_more_than_200_filter_policies(cloud_with: Callable[..., Harness]) -> None:
    sns = cloud_with(quotas=False).client("sns")
    topic = sns.create_topic(Name="filters")["TopicArn"]
    policy = {"FilterPolicy": '{"store": ["x"]}'}
    for number in range(201):
        sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=f"+1555{number:07}", Attributes=policy)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "201"
