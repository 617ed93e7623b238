"""Every kind of topic before every kind of queue, raw or in envelopes, filtered or not: what arrives, in which order, with what.

A standard topic has no way to a FIFO queue, so three pairs are left.
"""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any, NamedTuple

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import envelopes, failures, form_call, listen
from tests.support.sns_topics import invalid, make_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text

POLICY = json.dumps({"colour": ["blue"]})
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
BLUE = {"colour": text("blue"), "size": text("7", "Number"), "raw": binary(b"\x00\xff")}
RED = {**BLUE, "colour": text("red")}
SHOWN = {
    "colour": {"Type": "String", "Value": "blue"},
    "size": {"Type": "Number", "Value": "7"},
    "raw": {"Type": "Binary", "Value": "AP8="},
}
SEED = 20260501


class Pair(NamedTuple):
    """A topic's name and a queue's name; `.fifo` says which of them are FIFO."""

    topic: str
    queue: str

    @property
    def fifo_topic(self) -> bool:
        return self.topic.endswith(".fifo")

    @property
    def fifo_queue(self) -> bool:
        return self.queue.endswith(".fifo")


PAIRS = [Pair("news", "inbox"), Pair("news.fifo", "inbox"), Pair("news.fifo", "inbox.fifo")]
NAMES = ["standard to standard", "fifo to standard", "fifo to fifo"]
pairs = pytest.mark.parametrize("pair", PAIRS, ids=NAMES)
forms = pytest.mark.parametrize("raw", [True, False], ids=["raw", "envelope"])
filters = pytest.mark.parametrize("filtered", [False, True], ids=["all", "filtered"])


class Road:
    """One topic before one queue."""

    def __init__(self, cloud: Harness, pair: Pair, *, raw: bool = False, filtered: bool = False, **more: str) -> None:
        self.cloud, self.pair, self.raw = cloud, pair, raw
        self.sns = cloud.client("sns")
        self.topic = make_topic(self.sns, pair.topic, **({"FifoTopic": "true"} if pair.fifo_topic else {}), **more)
        self.box = Box(cloud.client("sqs"), pair.queue)
        attributes = {"RawMessageDelivery": str(raw).lower()} | ({"FilterPolicy": POLICY} if filtered else {})
        listen(self.sns, self.topic, self.box, **attributes)

    def ids(self, group: str | None = "g", dedup_id: str | None = "d") -> dict[str, str]:
        """Make the ids that a message must have here."""
        given = {"MessageGroupId": group, "MessageDeduplicationId": dedup_id if self.pair.fifo_topic else None}
        return {name: value for name, value in given.items() if value is not None}

    def publish(self, message: str, colours: dict[str, Any] = BLUE, **ids: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.sns.publish(
            TopicArn=self.topic, Message=message, MessageAttributes=colours, **(ids or self.ids())
        )
        return answer

    def receive(self) -> list[dict[str, Any]]:
        """Receive all there is; what was received is deleted, so that groups go on."""
        found: list[dict[str, Any]] = []
        while messages := self.box.receive(MessageAttributeNames=["All"]):
            found += messages
            for message in messages:
                self.box.delete(message)
        return found

    def text_of(self, message: dict[str, Any]) -> str:
        body: str = message["Body"]
        return body if self.raw else json.loads(body)["Message"]


# What has no way.


@forms
def test_a_standard_topic_has_no_way_to_a_fifo_queue(sns: Any, sqs: Any, raw: bool) -> None:
    topic, box = make_topic(sns), Box(sqs, "inbox.fifo")
    seen = error_of(
        sns.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=box.arn,
        Attributes={"RawMessageDelivery": str(raw).lower()},
    )
    reason = "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    assert seen == invalid(reason)
    sns.publish(TopicArn=topic, Message="hello")
    assert box.bodies() == []


# What arrives.


@pairs
@forms
@filters
def test_a_message_arrives_once_in_its_form(cloud: Harness, pair: Pair, raw: bool, filtered: bool) -> None:
    road = Road(cloud, pair, raw=raw, filtered=filtered)
    answer = road.publish("hello")
    (message,) = road.receive()
    assert road.text_of(message) == "hello"
    if not raw:
        envelope = json.loads(message["Body"])
        assert (envelope["MessageId"], envelope["TopicArn"]) == (answer["MessageId"], road.topic)
        assert envelope.get("SequenceNumber") == answer.get("SequenceNumber")
        assert ("Signature" in envelope) is not pair.fifo_topic
    assert failures(cloud) == []


@pairs
@forms
@filters
def test_attributes_arrive_where_their_form_has_them(cloud: Harness, pair: Pair, raw: bool, filtered: bool) -> None:
    road = Road(cloud, pair, raw=raw, filtered=filtered)
    road.publish("hello")
    (message,) = road.receive()
    if raw:
        assert message["MessageAttributes"] == BLUE
    else:
        assert "MessageAttributes" not in message
        assert json.loads(message["Body"])["MessageAttributes"] == SHOWN


@pairs
@forms
def test_what_the_filter_does_not_want_does_not_arrive(cloud: Harness, pair: Pair, raw: bool) -> None:
    road = Road(cloud, pair, raw=raw, filtered=True)
    road.publish("red", RED, **road.ids(dedup_id="1"))
    road.publish("blue", BLUE, **road.ids(dedup_id="2"))
    road.publish("none", {}, **road.ids(dedup_id="3"))
    assert [road.text_of(message) for message in road.receive()] == ["blue"]
    assert failures(cloud) == []


@pairs
@forms
def test_without_a_filter_everything_arrives(cloud: Harness, pair: Pair, raw: bool) -> None:
    road = Road(cloud, pair, raw=raw)
    for n, colours in enumerate((RED, BLUE, {})):
        road.publish(f"m{n}", colours, **road.ids(dedup_id=str(n)))
    assert [road.text_of(message) for message in road.receive()] == ["m0", "m1", "m2"]


# Order.


@pairs
@forms
@filters
def test_messages_arrive_in_the_order_of_their_publishing(
    cloud: Harness, pair: Pair, raw: bool, filtered: bool
) -> None:
    road = Road(cloud, pair, raw=raw, filtered=filtered)
    for n in range(25):
        road.publish(f"m{n}", RED if n % 3 else BLUE, **road.ids(dedup_id=str(n)))
    expected = [f"m{n}" for n in range(25) if not (filtered and n % 3)]
    assert [road.text_of(message) for message in road.receive()] == expected


@forms
@filters
def test_each_group_keeps_its_own_order_in_a_fifo_queue(cloud: Harness, raw: bool, filtered: bool) -> None:
    road = Road(cloud, Pair("news.fifo", "inbox.fifo"), raw=raw, filtered=filtered)
    dice = random.Random(SEED)
    print(f"seed {SEED}")
    sent: dict[str, list[str]] = {}
    for n in range(60):
        group, colours = dice.choice("abc"), dice.choice([RED, BLUE])
        road.publish(f"m{n}", colours, **road.ids(group, str(n)))
        if colours is BLUE or not filtered:
            sent.setdefault(group, []).append(f"m{n}")
    seen: dict[str, list[str]] = {}
    for message in road.receive():
        seen.setdefault(message["Attributes"]["MessageGroupId"], []).append(road.text_of(message))
    assert seen == sent


def test_all_queues_of_a_fifo_topic_see_one_order_and_the_same_numbers(cloud: Harness) -> None:
    roads = [Road(cloud, Pair("news.fifo", name)) for name in ("one.fifo", "two.fifo", "three")]
    published = [roads[0].publish(f"m{n}", **roads[0].ids(f"g{n % 3}", str(n))) for n in range(20)]
    for road in roads:
        found = sorted(
            (json.loads(message["Body"]) for message in road.receive()), key=lambda one: int(one["SequenceNumber"])
        )
        assert [envelope["SequenceNumber"] for envelope in found] == [one["SequenceNumber"] for one in published]
        assert [envelope["Message"] for envelope in found] == [f"m{n}" for n in range(20)]


# Groups and deduplication ids.


@forms
@filters
def test_from_fifo_to_fifo_group_and_deduplication_id_come_along(cloud: Harness, raw: bool, filtered: bool) -> None:
    road = Road(cloud, Pair("news.fifo", "inbox.fifo"), raw=raw, filtered=filtered)
    road.publish("hello", **road.ids("tenant", "once"))
    (message,) = road.receive()
    shown = message["Attributes"]
    assert (shown["MessageGroupId"], shown["MessageDeduplicationId"]) == ("tenant", "once")
    assert len(shown["SequenceNumber"]) == 20


@forms
@filters
def test_from_fifo_to_standard_neither_comes_along(cloud: Harness, raw: bool, filtered: bool) -> None:
    road = Road(cloud, Pair("news.fifo", "inbox"), raw=raw, filtered=filtered)
    road.publish("hello", **road.ids("tenant", "once"))
    (message,) = road.receive()
    assert not {"MessageGroupId", "MessageDeduplicationId", "SequenceNumber"} & message["Attributes"].keys()


@forms
@filters
@pytest.mark.parametrize("group", ["tenant", None])
def test_from_standard_to_standard_the_group_comes_along_where_there_is_one(
    cloud: Harness, raw: bool, filtered: bool, group: str | None
) -> None:
    road = Road(cloud, Pair("news", "inbox"), raw=raw, filtered=filtered)
    ids = {} if group is None else {"MessageGroupId": group}
    road.sns.publish(TopicArn=road.topic, Message="hello", MessageAttributes=BLUE, **ids)
    (message,) = road.receive()
    assert message["Attributes"].get("MessageGroupId") == group
    assert "MessageDeduplicationId" not in message["Attributes"]


@forms
def test_the_deduplication_id_of_a_content_based_topic_is_the_message_s_digest(cloud: Harness, raw: bool) -> None:
    road = Road(cloud, Pair("news.fifo", "inbox.fifo"), raw=raw, ContentBasedDeduplication="true")
    road.publish("hello", MessageGroupId="g")
    (message,) = road.receive()
    assert message["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"hello").hexdigest()


@pairs
@forms
def test_the_same_message_again_arrives_again_unless_the_topic_is_fifo(cloud: Harness, pair: Pair, raw: bool) -> None:
    road = Road(cloud, pair, raw=raw)
    for _ in range(3):
        road.publish("hello")
    assert len(road.receive()) == (1 if pair.fifo_topic else 3)


@pairs
@forms
def test_a_duplicate_is_delivered_after_five_minutes(cloud: Harness, pair: Pair, raw: bool) -> None:
    road = Road(cloud, pair, raw=raw)
    road.publish("first")
    cloud.advance(300)
    road.publish("second")
    assert [road.text_of(message) for message in road.receive()] == ["first", "second"]


# The trace header.


@pairs
@forms
@filters
def test_the_trace_header_comes_along(cloud: Harness, pair: Pair, raw: bool, filtered: bool) -> None:
    road = Road(cloud, pair, raw=raw, filtered=filtered)
    form = {"TopicArn": road.topic, "Message": "hello", **road.ids()}
    form |= {"MessageAttributes.entry.1.Name": "colour", "MessageAttributes.entry.1.Value.DataType": "String"}
    form |= {"MessageAttributes.entry.1.Value.StringValue": "blue"}
    assert form_call(cloud, "Publish", form, headers={"X-Amzn-Trace-Id": TRACE}).status == 200
    (message,) = road.receive()
    assert message["Attributes"]["AWSTraceHeader"] == TRACE


@pairs
def test_the_trace_header_of_a_batch_is_that_of_all_its_messages(cloud: Harness, pair: Pair) -> None:
    road = Road(cloud, pair)
    form = {"TopicArn": road.topic}
    for n in (1, 2):
        ids = road.ids(dedup_id=str(n))
        form |= {f"PublishBatchRequestEntries.member.{n}.{key}": value for key, value in ids.items()}
        form |= {f"PublishBatchRequestEntries.member.{n}.Id": str(n)}
        form |= {f"PublishBatchRequestEntries.member.{n}.Message": "hello"}
    assert form_call(cloud, "PublishBatch", form, headers={"X-Amzn-Trace-Id": TRACE}).status == 200
    assert [message["Attributes"]["AWSTraceHeader"] for message in road.receive()] == [TRACE, TRACE]


# All at once.


def test_subscribers_of_every_kind_on_one_fifo_topic_get_each_its_form(cloud: Harness) -> None:
    roads = [
        Road(cloud, Pair("news.fifo", f"{kind}-{n}{end}"), raw=raw, filtered=filtered)
        for n, (raw, filtered) in enumerate([(False, False), (True, False), (False, True), (True, True)])
        for kind, end in (("plain", ""), ("ordered", ".fifo"))
    ]
    roads[0].publish("blue", BLUE, **roads[0].ids(dedup_id="1"))
    roads[0].publish("red", RED, **roads[0].ids(dedup_id="2"))
    seen = {road.pair.queue: [road.text_of(message) for message in road.receive()] for road in roads}
    everything, wanted = ["blue", "red"], ["blue"]
    assert seen == {
        name: everything if n < 2 else wanted for n in range(4) for name in (f"plain-{n}", f"ordered-{n}.fifo")
    }


def test_the_envelope_of_each_queue_of_a_fifo_topic_differs_in_its_unsubscribe_url_alone(cloud: Harness) -> None:
    roads = [Road(cloud, Pair("news.fifo", name)) for name in ("one", "two.fifo")]
    roads[0].publish("hello")
    (first,), (second,) = (envelopes(road.box) for road in roads)
    assert first.pop("UnsubscribeURL") != second.pop("UnsubscribeURL")
    assert first == second
