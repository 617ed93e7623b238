"""Replays: ReplayPolicy of a subscription brings archived messages again, in their order, beside those that are published now."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator.router.router import Envelope
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import listen, listen_raw
from tests.support.sns_subscriptions import set_attribute
from tests.support.sns_topics import invalid
from tests.support.sqs_flow import Box
from tests.support.sqs_wire import signed

SLICE = 100
"""How many messages a replay brings before others get their turn."""
START = "2026-01-01T00:00:00.000Z"
WEEK = '{"MessageRetentionPeriod":"7"}'
NO_START = "StartingPoint must be a timestamp in ISO 8601"
NO_END = "EndingPoint must be a timestamp in ISO 8601"
NO_TYPE = "PointType must be Timestamp"
TIMESTAMP = '"PointType":"Timestamp"'
Fill = Callable[[int], list[str]]


class Gate:
    """Holds replays where they let others have their turn, until they are let on."""

    def __init__(self, cloud: Harness) -> None:
        self._cloud = cloud
        self._held: list[asyncio.Event] = []

    async def breathe(self) -> None:
        event = asyncio.Event()
        self._held.append(event)
        await event.wait()

    def let_on(self) -> None:
        """Let each replay bring one slice more."""
        self._cloud.run(lambda _: self._let_on())

    def _let_on(self) -> None:
        held, self._held = self._held, []
        for event in held:
            event.set()

    def open(self) -> int:
        """Let all replays come to their end; tell how many turns that took."""
        turns = 0
        while self._held:
            self.let_on()
            turns += 1
        return turns


@pytest.fixture
def gate(cloud: Harness, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate(cloud)
    monkeypatch.setattr("emulator.log.replay.breathe", gate.breathe)
    return gate


@pytest.fixture
def topic(sns: Any) -> str:
    """A topic with an archive."""
    given = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "ArchivePolicy": WEEK}
    return sns.create_topic(Name="orders.fifo", Attributes=given)["TopicArn"]


@pytest.fixture
def box(sqs: Any) -> Box:
    return Box(sqs)


@pytest.fixture
def fill(cloud: Harness, topic: str) -> Fill:
    """Publishes many messages at once, 0 to `number`, and gives them."""

    def send(number: int) -> list[str]:
        texts = [str(n) for n in range(number)]
        messages = [Envelope(text, group_id="g", dedup_id=text) for text in texts]
        cloud.run(lambda emulator: [emulator.router.send(topic, message) for message in messages])
        return texts

    return send


def policy(start: str = START, end: str | None = None) -> str:
    """Write a ReplayPolicy."""
    document = {"PointType": "Timestamp", "StartingPoint": start, "EndingPoint": end}
    return json.dumps({key: value for key, value in document.items() if value is not None})


def refused(sns: Any, topic: str, box: Box, policy: str) -> Seen:
    """Get the error of a Subscribe with a ReplayPolicy."""
    given = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": box.arn, "Attributes": {"ReplayPolicy": policy}}
    return error_of(sns.subscribe, **given)


def publish(sns: Any, topic: str, *messages: str, **more: Any) -> None:
    for message in messages:
        sns.publish(TopicArn=topic, Message=message, MessageGroupId="g", **more)


def take_all(box: Box) -> list[dict[str, Any]]:
    """Receive and delete all messages."""
    found = []
    while more := box.receive():
        found += more
        names = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(more)]
        box.client.delete_message_batch(QueueUrl=box.url, Entries=names)
    return found


def texts(box: Box) -> list[str]:
    return [message["Body"] for message in take_all(box)]


def shown(sns: Any, arn: str) -> tuple[str | None, str | None]:
    """Give ReplayPolicy and ReplayStatus."""
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return attributes.get("ReplayPolicy"), attributes.get("ReplayStatus")


# The policy.


@pytest.mark.parametrize("in_subscribe", [False, True])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "failed to parse JSON."),
        (f'{{"StartingPoint":"{START}"}}', NO_TYPE),
        (f'{{"PointType":"Offset","StartingPoint":"{START}"}}', NO_TYPE),
        (f"{{{TIMESTAMP}}}", NO_START),
        (f'{{{TIMESTAMP},"StartingPoint":1767225600000}}', NO_START),
        (f'{{{TIMESTAMP},"StartingPoint":"yesterday"}}', NO_START),
        (f'{{{TIMESTAMP},"StartingPoint":"2026-02-30T00:00:00.000Z"}}', NO_START),
        (f'{{{TIMESTAMP},"StartingPoint":"{START}","EndingPoint":"never"}}', NO_END),
        (f'{{{TIMESTAMP},"StartingPoint":"{START}","Offset":1}}', "invalid JSON. Attribute Offset is unknown."),
        (policy(START, "2025-12-31T23:59:59.999Z"), "EndingPoint must not be before StartingPoint"),
    ],
)
def test_a_policy_that_is_none_is_refused(
    sns: Any, topic: str, box: Box, text: str, reason: str, in_subscribe: bool
) -> None:
    if in_subscribe:
        assert refused(sns, topic, box, text) == invalid(f"Attributes Reason: ReplayPolicy: {reason}")
        assert sns.list_subscriptions()["Subscriptions"] == []
        return
    publish(sns, topic, "a")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    given = {"SubscriptionArn": arn, "AttributeName": "ReplayPolicy", "AttributeValue": text}
    assert error_of(sns.set_subscription_attributes, **given) == invalid(f"ReplayPolicy: {reason}")
    assert shown(sns, arn) == (policy(), "Completed")
    assert texts(box) == ["a"]


@pytest.mark.parametrize("name", ["plain", "no-archive.fifo"])
def test_only_an_archive_can_be_replayed(sns: Any, box: Box, name: str) -> None:
    fifo = name.endswith(".fifo")
    attributes = {"FifoTopic": "true"} if fifo else {}
    reason = "the topic has no ArchivePolicy" if fifo else "only subscriptions of FIFO topics can have one"
    topic = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    assert refused(sns, topic, box, policy()) == invalid(f"Attributes Reason: ReplayPolicy: {reason}")
    change = {"SubscriptionArn": listen_raw(sns, topic, box), "AttributeName": "ReplayPolicy"}
    assert error_of(sns.set_subscription_attributes, **change, AttributeValue=policy()) == invalid(
        f"ReplayPolicy: {reason}"
    )


def test_a_subscription_without_a_policy_shows_neither_policy_nor_status(sns: Any, topic: str, box: Box) -> None:
    arn = listen_raw(sns, topic, box)
    assert shown(sns, arn) == (None, None)
    set_attribute(sns, arn, "ReplayPolicy", policy() + " ")
    assert shown(sns, arn) == (policy() + " ", "Completed")
    set_attribute(sns, arn, "ReplayPolicy", "")
    assert shown(sns, arn) == (None, None)


def test_subscribing_again_compares_the_policies_and_replays_nothing(sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, "a")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert listen_raw(sns, topic, box, ReplayPolicy=policy()) == arn
    different = invalid("Attributes Reason: Subscription already exists with different attributes")
    assert refused(sns, topic, box, policy("2026-01-02T00:00:00.000Z")) == different
    assert texts(box) == ["a"]


# What is replayed.


def test_a_replayed_message_is_the_one_that_was_published(cloud: Harness, sns: Any, sqs: Any, topic: str) -> None:
    boxes = [Box(sqs, "live.fifo"), Box(sqs, "new.fifo")]
    listen(sns, topic, boxes[0])
    kind = {"kind": {"DataType": "Binary", "BinaryValue": b"\xff\x00"}, "n": {"DataType": "Number", "StringValue": "1"}}
    publish(sns, topic, "gr\u00fc\u00dfe", Subject="greeting", MessageAttributes=kind, MessageDeduplicationId="d")
    cloud.advance(3600)
    publish(sns, topic, '{"default":"for all","sqs":"for queues"}', MessageStructure="json")
    arn = listen(sns, topic, boxes[1], ReplayPolicy=policy())
    live, new = (take_all(box) for box in boxes)
    url = f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}"
    expected = [{**json.loads(message["Body"]), "Replayed": True, "UnsubscribeURL": url} for message in live]
    assert [message["Message"] for message in expected] == ["gr\u00fc\u00dfe", "for queues"]
    assert [json.loads(message["Body"]) for message in new] == expected
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        assert [each["Attributes"][name] for each in new] == [each["Attributes"][name] for each in live]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2020-01-01T00:00:00.000Z", None, "0123"),
        ("2026-01-01T00:00:00.000Z", None, "0123"),
        ("2026-01-01T00:00:00.001Z", None, "123"),
        ("2026-01-01T00:00:00.002Z", "2026-01-01T00:00:00.002Z", "2"),
        ("2026-01-01T01:00:00.001+01:00", "2025-12-31T19:00:00.002-05:00", "12"),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "01"),
        ("2020-01-01T00:00:00Z", "2025-12-31T23:59:59.999Z", ""),
        ("2026-01-01T00:00:00.004Z", None, ""),
    ],
)
def test_both_points_count_to_the_millisecond(
    cloud: Harness, sns: Any, topic: str, box: Box, start: str, end: str | None, found: str
) -> None:
    for text in "0123":
        publish(sns, topic, text)
        cloud.advance(0.001)
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy(start, end))
    assert texts(box) == list(found)
    assert shown(sns, arn)[1] == "Completed"


@pytest.mark.parametrize("wait_s", [0, 300])
def test_a_subscriber_gets_again_what_it_had(cloud: Harness, sns: Any, sqs: Any, topic: str, wait_s: int) -> None:
    boxes = [Box(sqs), Box(sqs, "box.fifo")]
    arns = [listen_raw(sns, topic, box) for box in boxes]
    publish(sns, topic, "a", "b")
    cloud.advance(wait_s)
    for arn in arns:
        set_attribute(sns, arn, "ReplayPolicy", policy())
    standard, fifo = ([message["Body"] for message in take_all(box)] for box in boxes)
    assert standard == ["a", "b", "a", "b"]
    assert fifo == (
        ["a", "b", "a", "b"] if wait_s else ["a", "b"]
    )  # the queue itself knows duplicates for five minutes


def test_a_message_that_nobody_can_take_does_not_end_the_replay(sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "a", "b")
    dead = Box(sqs, "dead.fifo")
    gone = "arn:aws:sqs:us-east-1:000000000000:gone.fifo"
    given = {"ReplayPolicy": policy(), "RawMessageDelivery": "true"}
    given["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": dead.arn})
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, Attributes=given)["SubscriptionArn"]
    assert shown(sns, arn)[1] == "Completed"
    assert texts(dead) == ["a", "b"]


# While it goes on.


def test_thousands_of_messages_are_replayed_beside_the_requests(
    sns: Any, sqs: Any, topic: str, box: Box, gate: Gate, fill: Fill
) -> None:
    published = fill(3000)
    other = Box(sqs, "other")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert box.counts.visible == SLICE
    assert shown(sns, arn) == (policy(), "In progress")
    other.send("answered")
    assert other.bodies() == ["answered"]
    gate.let_on()
    assert box.counts.visible == 2 * SLICE
    assert gate.open() == 3000 // SLICE - 2
    assert shown(sns, arn)[1] == "Completed"
    assert texts(box) == published


def test_what_is_published_meanwhile_comes_after_the_archive_and_once(
    sns: Any, sqs: Any, topic: str, gate: Gate, fill: Fill
) -> None:
    live = Box(sqs, "live.fifo")
    listen_raw(sns, topic, live)
    published = fill(2 * SLICE)
    boxes = [Box(sqs), Box(sqs, "box.fifo")]
    for box in boxes:
        listen_raw(sns, topic, box, ReplayPolicy=policy())
    publish(sns, topic, "during")
    assert texts(live) == [*published, "during"]  # others do not wait
    gate.open()
    publish(sns, topic, "after")
    assert [texts(box) for box in boxes] == [[*published, "during", "after"]] * 2


def test_nothing_is_lost_doubled_or_overtaken_however_publishes_and_replays_mix(
    cloud: Harness, sns: Any, sqs: Any, topic: str, gate: Gate, fill: Fill
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    published = fill(3 * SLICE)
    boxes: list[Box] = []
    for n in range(60):
        cloud.advance(chance.choice([0, 0.001]))
        if n % 10 == 0:
            boxes.append(Box(sqs, f"box{n}{chance.choice(['', '.fifo'])}"))
            listen_raw(sns, topic, boxes[-1], ReplayPolicy=policy())
        new = [f"live {n} {m}" for m in range(chance.randint(0, 3))]
        publish(sns, topic, *new)
        published += new
        if chance.random() < 0.3:
            gate.let_on()
    gate.open()
    assert [texts(box) for box in boxes] == [published] * 6


def test_what_arrives_together_with_the_policy_comes_once(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, "before")
    arn = listen_raw(sns, topic, box)
    change = {"SubscriptionArn": arn, "AttributeName": "ReplayPolicy", "AttributeValue": policy()}
    message = {"TopicArn": topic, "Message": "together", "MessageGroupId": "g"}
    calls = [{"Action": "SetSubscriptionAttributes", **change}, {"Action": "Publish", **message}]
    headers = {"content-type": "application/x-www-form-urlencoded", **signed(service="sns")}
    opened = cloud.run(lambda _: [cloud.open(body=urlencode(call).encode(), headers=headers) for call in calls])
    assert [each.answer.result(timeout=20).status for each in opened] == [200, 200]
    assert texts(box) == ["before", "together"]


def test_what_expires_meanwhile_is_left_out(
    cloud: Harness, sns: Any, topic: str, box: Box, gate: Gate, fill: Fill
) -> None:
    fill(2 * SLICE)
    listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert len(texts(box)) == SLICE
    cloud.advance(7 * 86_400 + 1)
    publish(sns, topic, "new")
    gate.open()
    assert texts(box) == ["new"]


@pytest.mark.parametrize("begun_again", [False, True])
def test_messages_still_come_when_the_archive_ends_during_a_replay(
    sns: Any, topic: str, box: Box, gate: Gate, begun_again: bool, fill: Fill
) -> None:
    fill(2 * SLICE)
    listen_raw(sns, topic, box, ReplayPolicy=policy())
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    if begun_again:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue=WEEK)
    publish(sns, topic, "during")
    gate.open()
    publish(sns, topic, "after")
    assert texts(box)[-2:] == ["during", "after"]


def test_unsubscribing_ends_a_replay(cloud: Harness, sns: Any, topic: str, box: Box, gate: Gate, fill: Fill) -> None:
    fill(2 * SLICE)
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    sns.unsubscribe(SubscriptionArn=arn)
    gate.open()
    assert len(texts(box)) == SLICE
    assert cloud.run(lambda emulator: len(emulator.tasks)) == 0


@pytest.mark.parametrize("path", ["/_eventyard/reset", "/_localstack/state/sns/reset"])
def test_a_reset_ends_a_replay(
    cloud: Harness, sns: Any, topic: str, box: Box, gate: Gate, path: str, fill: Fill
) -> None:
    fill(2 * SLICE)
    listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert len(texts(box)) == SLICE
    cloud.request("POST", path)
    box = Box(box.client)
    gate.open()
    assert texts(box) == []
    assert cloud.run(lambda emulator: len(emulator.tasks)) == 0


# The ending point.


def test_after_its_ending_point_a_subscription_gets_nothing_more(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    publish(sns, topic, "a")
    cloud.advance(60)
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy(START, "2026-01-01T00:00:30.000Z"))
    publish(sns, topic, "b")
    assert texts(box) == ["a"]
    set_attribute(sns, arn, "ReplayPolicy", "")
    publish(sns, topic, "c")
    assert texts(box) == ["c"]


def test_until_an_ending_point_to_come_messages_come_directly(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    publish(sns, topic, "a")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy(START, "2026-01-01T00:00:30.000Z"))
    cloud.advance(30)
    publish(sns, topic, "b")
    cloud.advance(0.001)
    publish(sns, topic, "c")
    assert texts(box) == ["a", "b"]
    assert shown(sns, arn)[1] == "Completed"


# Another policy, or none.


@pytest.mark.parametrize(
    ("start", "found"),
    [("2026-01-01T00:00:01.000Z", ["x", "y", "during", "z"]), ("2026-01-01T00:00:02.000Z", ["during", "z"])],
)
def test_a_new_policy_takes_the_place_of_the_old_one_and_loses_nothing_new(
    cloud: Harness, sns: Any, topic: str, box: Box, gate: Gate, fill: Fill, start: str, found: list[str]
) -> None:
    fill(3 * SLICE)
    cloud.advance(1)
    publish(sns, topic, "x", "y")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    publish(sns, topic, "during")
    assert len(texts(box)) == SLICE
    cloud.advance(1)
    set_attribute(sns, arn, "ReplayPolicy", policy(start))
    gate.open()
    assert shown(sns, arn) == (policy(start), "Completed")
    publish(sns, topic, "z")
    assert texts(box) == found


def test_taking_the_policy_away_ends_the_replay_and_loses_nothing_new(
    cloud: Harness, sns: Any, topic: str, box: Box, gate: Gate, fill: Fill
) -> None:
    fill(2 * SLICE)
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert len(texts(box)) == SLICE
    cloud.advance(1)
    publish(sns, topic, "during")
    set_attribute(sns, arn, "ReplayPolicy", "")
    gate.open()
    publish(sns, topic, "after")
    assert texts(box) == ["during", "after"]


# Subscriptions that wait for confirmation.


def test_a_pending_subscription_replays_once_it_is_confirmed(cloud: Harness, sns: Any, topic: str) -> None:
    box = Box(cloud.client("sqs", account="111122223333"))
    publish(sns, topic, "a")
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    publish(sns, topic, "b")
    (asked,) = take_all(box)
    token = json.loads(asked["Body"])["Token"]
    assert shown(sns, arn)[1] == "Pending"
    for _ in range(2):
        assert sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == arn
    publish(sns, topic, "c")
    assert texts(box) == ["a", "b", "c"]
    assert shown(sns, arn)[1] == "Completed"


# Filters.


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"FilterPolicy": '{"kind":["a"]}'}, ['{"n":1}', '{"n":3}']),
        ({"FilterPolicy": '{"n":[{"numeric":[">",1]}]}', "FilterPolicyScope": "MessageBody"}, ['{"n":2}', '{"n":3}']),
        ({"FilterPolicy": '{"kind":[{"exists":false}]}'}, []),
    ],
)
def test_a_filter_policy_acts_on_replayed_messages(
    sns: Any, topic: str, box: Box, attributes: dict[str, str], found: list[str]
) -> None:
    for n, kind in ((1, "a"), (2, "b"), (3, "a")):
        given = {"kind": {"DataType": "String", "StringValue": kind}}
        document = json.dumps({"default": "{}", "sqs": f'{{"n":{n}}}'})
        publish(sns, topic, document, MessageStructure="json", MessageAttributes=given)
    listen_raw(sns, topic, box, ReplayPolicy=policy(), **attributes)
    assert texts(box) == found


def test_a_filter_policy_that_is_changed_during_a_replay_acts_at_once(
    sns: Any, topic: str, box: Box, gate: Gate, fill: Fill
) -> None:
    fill(2 * SLICE)
    arn = listen_raw(sns, topic, box, ReplayPolicy=policy())
    assert len(texts(box)) == SLICE
    set_attribute(sns, arn, "FilterPolicy", '{"kind":["wanted"]}')
    publish(sns, topic, "no")
    publish(sns, topic, "yes", MessageAttributes={"kind": {"DataType": "String", "StringValue": "wanted"}})
    gate.open()
    assert texts(box) == ["yes"]
