"""FIFO topics: how they are made, groups, deduplication, sequence numbers, and the same order in every subscribed queue."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest

from services.sns import limits
from services.sns.state import topic_by_arn
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import listen
from tests.support.sns_topics import invalid, make_fifo_topic, set_topic, topic_attributes
from tests.support.sqs_flow import Box

PUNCTUATION = r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"""
NO_GROUP = "The MessageGroupId parameter is required for FIFO topics"
NO_ID = "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
DIFFERENT = "Attributes Reason: Topic already exists with different attributes"
WINDOW_S = 300
Ids = tuple[str, str]
"""MessageId and SequenceNumber."""


@pytest.fixture
def topic(sns: Any) -> str:
    """A topic with content-based deduplication."""
    return make_fifo_topic(sns, ContentBasedDeduplication="true")


@pytest.fixture
def explicit(sns: Any) -> str:
    """A topic whose publishers must name an id."""
    return make_fifo_topic(sns, "explicit.fifo")


def publish(sns: Any, topic: str, message: str, group: str = "g", dedup_id: str | None = None, **more: Any) -> Ids:
    if dedup_id is not None:
        more["MessageDeduplicationId"] = dedup_id
    answer = sns.publish(TopicArn=topic, Message=message, MessageGroupId=group, **more)
    return answer["MessageId"], answer["SequenceNumber"]


def batch(sns: Any, topic: str, *entries: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Publish pairs of message and group in a batch whose ids are 0, 1, 2..."""
    members = [
        {"Id": str(number), "Message": message, "MessageGroupId": group, **more}
        for number, (message, group) in enumerate(entries)
    ]
    return sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=members)


def take_all(box: Box) -> list[dict[str, Any]]:
    """Receive and delete all messages, and give them in the order of the queue's own sequence numbers, if it has such."""
    found = []
    while more := box.receive():
        found += more
        for message in more:
            box.delete(message)
    return sorted(found, key=lambda message: message["Attributes"].get("SequenceNumber", ""))


def notifications(box: Box) -> list[dict[str, Any]]:
    return [json.loads(message["Body"]) for message in take_all(box)]


def texts(box: Box) -> list[str]:
    return [notification["Message"] for notification in notifications(box)]


def refusal(sns: Any, topic: str, name: str, value: str) -> Seen:
    """Get the error of a change of an attribute."""
    return error_of(sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# Making one.


def test_a_fifo_topic_says_that_it_is_one_and_deduplicates_by_explicit_ids(sns: Any) -> None:
    shown = topic_attributes(sns, make_fifo_topic(sns))
    assert (shown["FifoTopic"], shown["ContentBasedDeduplication"]) == ("true", "false")
    assert not shown.keys() & {"FifoThroughputScope", "ArchivePolicy", "BeginningArchiveTime"}


@pytest.mark.parametrize("attributes", [{}, {"FifoTopic": "false"}])
def test_a_standard_topic_has_no_name_of_a_fifo_topic(sns: Any, attributes: dict[str, str]) -> None:
    assert error_of(sns.create_topic, Name="orders.fifo", Attributes=attributes) == invalid("Topic Name")


@pytest.mark.parametrize("name", ["orders", "orders.FIFO", "or.ders.fifo", ".fifo", "a" * 252 + ".fifo"])
def test_a_fifo_topic_s_name_ends_in_fifo_and_has_256_characters_at_most(sns: Any, name: str) -> None:
    make_fifo_topic(sns, "a" * 251 + ".fifo")
    assert error_of(sns.create_topic, Name=name, Attributes={"FifoTopic": "true"}) == invalid("Topic Name")


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_topic_stays_what_it_is(sns: Any, topic: str, value: str) -> None:
    standard = sns.create_topic(Name="plain")["TopicArn"]
    for arn in (topic, standard):
        assert refusal(sns, arn, "FifoTopic", value) == invalid("AttributeName")


def test_making_the_same_topic_again_finds_it(sns: Any, topic: str) -> None:
    assert make_fifo_topic(sns, ContentBasedDeduplication="true") == topic
    assert make_fifo_topic(sns) == topic


@pytest.mark.parametrize(
    "attributes",
    [{"ContentBasedDeduplication": "false"}, {"FifoThroughputScope": "Topic"}, {"FifoThroughputScope": "MessageGroup"}],
)
def test_making_it_again_with_other_attributes_is_refused(sns: Any, topic: str, attributes: dict[str, str]) -> None:
    given = {"FifoTopic": "true", **attributes}
    assert error_of(sns.create_topic, Name="orders.fifo", Attributes=given) == invalid(DIFFERENT)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ContentBasedDeduplication", "true", "Content-based deduplication can only be set for FIFO topics"),
        ("FifoThroughputScope", "Topic", "FifoThroughputScope can only be set for FIFO topics"),
        ("ArchivePolicy", '{"MessageRetentionPeriod":"1"}', "ArchivePolicy can only be set for FIFO topics"),
    ],
)
def test_a_standard_topic_has_no_attributes_of_fifo_topics(sns: Any, name: str, value: str, reason: str) -> None:
    refused = error_of(sns.create_topic, Name="plain", Attributes={name: value})
    assert refused == invalid(f"Attributes Reason: {reason}")
    arn = sns.create_topic(Name="plain")["TopicArn"]
    assert refusal(sns, arn, name, value) == invalid(reason)


def test_an_account_has_so_many_fifo_topics_and_more_standard_ones(sns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.FIFO_TOPICS_MAX == 1000
    monkeypatch.setattr(limits, "FIFO_TOPICS_MAX", 2)
    first = make_fifo_topic(sns, "a.fifo")
    make_fifo_topic(sns, "b.fifo")
    full = Seen("TopicLimitExceeded", "Topic limit exceeded", 403)
    assert error_of(sns.create_topic, Name="c.fifo", Attributes={"FifoTopic": "true"}) == full
    sns.create_topic(Name="plain")
    sns.delete_topic(TopicArn=first)
    make_fifo_topic(sns, "c.fifo")


# Group and deduplication ids.


def test_a_message_needs_a_group(sns: Any, topic: str) -> None:
    assert error_of(sns.publish, TopicArn=topic, Message="x") == invalid(NO_GROUP)
    assert error_of(sns.publish, TopicArn=topic, Message="x", MessageDeduplicationId="d") == invalid(NO_GROUP)


def test_a_message_needs_an_id_where_its_content_is_none(sns: Any, explicit: str) -> None:
    assert error_of(sns.publish, TopicArn=explicit, Message="x", MessageGroupId="g") == invalid(NO_ID)


def test_content_based_deduplication_can_be_switched_off_and_on(sns: Any, topic: str) -> None:
    set_topic(sns, topic, "ContentBasedDeduplication", "false")
    assert error_of(sns.publish, TopicArn=topic, Message="x", MessageGroupId="g") == invalid(NO_ID)
    set_topic(sns, topic, "ContentBasedDeduplication", "true")
    publish(sns, topic, "x")


@pytest.mark.parametrize("name", ["MessageGroupId", "MessageDeduplicationId"])
@pytest.mark.parametrize("value", ["a b", "\u00e4", "a\n", "x" * 129])
def test_an_id_has_up_to_128_letters_digits_and_punctuation(sns: Any, topic: str, name: str, value: str) -> None:
    given = {"MessageGroupId": "g", "MessageDeduplicationId": "d", name: value}
    text = f"{name} Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert error_of(sns.publish, TopicArn=topic, Message="x", **given) == invalid(text)


@pytest.mark.parametrize("value", ["a", "x" * 128, PUNCTUATION])
def test_ids_reach_a_fifo_queue_as_they_are(sns: Any, sqs: Any, explicit: str, value: str) -> None:
    box = Box(sqs, "box.fifo")
    listen(sns, explicit, box)
    publish(sns, explicit, "x", group=value, dedup_id=value)
    attributes = box.receive_one()["Attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == (value, value)


# Sequence numbers.


def test_sequence_numbers_have_20_digits_and_increase(sns: Any, topic: str) -> None:
    numbers = [publish(sns, topic, str(n), group=f"g{n % 2}")[1] for n in range(6)]
    entries = [("a", "g0"), ("b", "g1"), ("c", "g0")]
    numbers += [entry["SequenceNumber"] for entry in batch(sns, topic, *entries)["Successful"]]
    assert all(len(number) == 20 and number.isdigit() for number in numbers)
    assert numbers == sorted(set(numbers))


# Duplicates.


def test_a_duplicate_is_answered_as_the_first_one_and_not_delivered(sns: Any, sqs: Any, explicit: str) -> None:
    box = Box(sqs)
    listen(sns, explicit, box)
    first = publish(sns, explicit, "first", dedup_id="d")
    assert publish(sns, explicit, "second", dedup_id="d", Subject="another") == first
    assert texts(box) == ["first"]


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_after_five_minutes_a_message_is_new_again(
    cloud: Harness, sns: Any, sqs: Any, explicit: str, name: str
) -> None:
    box = Box(sqs, name)
    listen(sns, explicit, box)
    first = publish(sns, explicit, "a", dedup_id="d")
    cloud.advance(WINDOW_S - 0.001)
    assert publish(sns, explicit, "b", dedup_id="d") == first
    cloud.advance(0.001)
    assert publish(sns, explicit, "c", dedup_id="d") != first
    assert texts(box) == ["a", "c"]


def test_a_duplicate_does_not_extend_the_five_minutes(cloud: Harness, sns: Any, explicit: str) -> None:
    first = publish(sns, explicit, "a", dedup_id="d")
    cloud.advance(200)
    assert publish(sns, explicit, "a", dedup_id="d") == first
    cloud.advance(100)
    assert publish(sns, explicit, "a", dedup_id="d") != first


def test_the_content_is_the_sha_256_of_the_body(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, "box.fifo")
    listen(sns, topic, box)
    publish(sns, topic, "gr\u00fc\u00dfe")
    assert box.receive_one()["Attributes"]["MessageDeduplicationId"] == sha256("gr\u00fc\u00dfe")


def test_the_hash_is_what_counts_and_neither_attributes_nor_subject_are_in_it(sns: Any, topic: str) -> None:
    kind = {"kind": {"DataType": "String", "StringValue": "a"}}
    first = publish(sns, topic, "x", Subject="one", MessageAttributes=kind)
    assert publish(sns, topic, "x", Subject="two") == first
    assert publish(sns, topic, "y", Subject="one", MessageAttributes=kind) != first
    assert publish(sns, topic, "z", dedup_id=sha256("x")) == first


def test_an_explicit_id_goes_before_the_content(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, "box.fifo")
    listen(sns, topic, box)
    first = publish(sns, topic, "x", dedup_id="one")
    assert publish(sns, topic, "x", dedup_id="two") != first
    assert publish(sns, topic, "other", dedup_id="one") == first
    ids = [message["Attributes"]["MessageDeduplicationId"] for message in take_all(box)]
    assert ids == ["one", "two"]


def test_a_duplicate_is_one_though_nobody_had_subscribed_to_the_first(sns: Any, sqs: Any, topic: str) -> None:
    publish(sns, topic, "x")
    box = Box(sqs)
    listen(sns, topic, box)
    publish(sns, topic, "x")
    assert texts(box) == []


def test_what_was_refused_is_not_remembered(sns: Any, sqs: Any, explicit: str) -> None:
    box = Box(sqs)
    listen(sns, explicit, box)
    refused = error_of(
        sns.publish, TopicArn=explicit, Message="x" * 262_145, MessageGroupId="g", MessageDeduplicationId="d"
    )
    assert refused == invalid("Message too long")
    publish(sns, explicit, "good", dedup_id="d")
    assert texts(box) == ["good"]


def test_a_topic_that_is_made_anew_remembers_nothing(sns: Any, topic: str) -> None:
    first = publish(sns, topic, "x")
    sns.delete_topic(TopicArn=topic)
    make_fifo_topic(sns, ContentBasedDeduplication="true")
    assert publish(sns, topic, "x") != first


def test_what_is_older_than_five_minutes_is_forgotten(cloud: Harness, sns: Any, topic: str) -> None:
    for n in range(20):
        publish(sns, topic, str(n))
    cloud.advance(WINDOW_S)
    publish(sns, topic, "new")
    assert cloud.run(lambda emulator: len(topic_by_arn(emulator, topic).deduplication)) == 1


# The scope of deduplication.


@pytest.mark.parametrize(("scope", "arrived"), [("Topic", ["a", "c"]), ("MessageGroup", ["a", "b", "c"])])
def test_the_scope_says_whether_groups_share_their_ids(sns: Any, sqs: Any, scope: str, arrived: list[str]) -> None:
    topic = make_fifo_topic(sns, FifoThroughputScope=scope)
    box = Box(sqs)
    listen(sns, topic, box)
    for message, group, dedup_id in [("a", "one", "x"), ("b", "two", "x"), ("c", "two", "y"), ("d", "two", "y")]:
        publish(sns, topic, message, group, dedup_id)
    assert topic_attributes(sns, topic)["FifoThroughputScope"] == scope
    assert sorted(texts(box)) == arrived


def test_a_queue_that_deduplicates_by_group_gets_what_its_topic_lets_through(sns: Any, sqs: Any) -> None:
    topic = make_fifo_topic(sns, FifoThroughputScope="MessageGroup")
    box = Box(sqs, "box.fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    listen(sns, topic, box)
    publish(sns, topic, "a", "one", "x")
    publish(sns, topic, "b", "two", "x")
    assert texts(box) == ["a", "b"]


def test_the_scope_can_be_narrowed_later_and_not_widened_again(sns: Any, explicit: str) -> None:
    set_topic(sns, explicit, "FifoThroughputScope", "Topic")
    set_topic(sns, explicit, "FifoThroughputScope", "MessageGroup")
    set_topic(sns, explicit, "FifoThroughputScope", "MessageGroup")
    assert publish(sns, explicit, "a", "one", "x") != publish(sns, explicit, "b", "two", "x")
    back = invalid("FifoThroughputScope: MessageGroup cannot be changed back to Topic")
    assert refusal(sns, explicit, "FifoThroughputScope", "Topic") == back
    assert topic_attributes(sns, explicit)["FifoThroughputScope"] == "MessageGroup"


@pytest.mark.parametrize("value", ["messageGroup", "Queue", ""])
def test_there_are_two_scopes(sns: Any, explicit: str, value: str) -> None:
    reason = f"FifoThroughputScope: Invalid value [{value}]. Must be Topic or MessageGroup."
    assert refusal(sns, explicit, "FifoThroughputScope", value) == invalid(reason)
    given = {"FifoTopic": "true", "FifoThroughputScope": value}
    refused = error_of(sns.create_topic, Name="new.fifo", Attributes=given)
    assert refused == invalid(f"Attributes Reason: {reason}")


# Subscribers.


OTHERS = {
    "http": "http://localhost/x",
    "https": "https://localhost/x",
    "email": "a@b.example",
    "email-json": "a@b.example",
    "sms": "+15550100",
    "lambda": "arn:aws:lambda:us-east-1:000000000000:function:f",
    "firehose": "arn:aws:firehose:us-east-1:000000000000:deliverystream/s",
    "application": "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/6f2b1c3d-0000-4000-8000-0123456789ab",
}


@pytest.mark.parametrize("protocol", OTHERS)
def test_only_queues_can_subscribe(sns: Any, topic: str, protocol: str) -> None:
    refused = error_of(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=OTHERS[protocol])
    assert refused == invalid(f"Invalid protocol type: {protocol}")


def test_a_fifo_queue_cannot_subscribe_to_a_standard_topic(sns: Any, sqs: Any) -> None:
    arn = sns.create_topic(Name="plain")["TopicArn"]
    refused = error_of(sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint=Box(sqs, "box.fifo").arn)
    reason = "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    assert refused == invalid(f"Invalid parameter: {reason}")


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_the_envelope_has_a_sequence_number_and_no_signature(sns: Any, sqs: Any, topic: str, name: str) -> None:
    box = Box(sqs, name)
    arn = listen(sns, topic, box)
    kind = {"kind": {"DataType": "Number", "StringValue": "1"}}
    ids = publish(sns, topic, "hello", Subject="greeting", MessageAttributes=kind)
    (found,) = notifications(box)
    fields = {"Type": "Notification", "MessageId": ids[0], "SequenceNumber": ids[1], "TopicArn": topic}
    fields |= {"Subject": "greeting", "Message": "hello", "Timestamp": "2026-01-01T00:00:00.000Z"}
    fields["UnsubscribeURL"] = f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}"
    fields["MessageAttributes"] = {"kind": {"Type": "Number", "Value": "1"}}
    assert list(found.items()) == list(fields.items())


def test_a_standard_queue_is_told_neither_group_nor_id(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box)
    publish(sns, topic, "x")
    assert not box.receive_one()["Attributes"].keys() & {"MessageGroupId", "MessageDeduplicationId", "SequenceNumber"}


def test_a_queue_of_another_region_can_subscribe(cloud: Harness) -> None:
    sns = cloud.client("sns", account="111122223333", region="eu-west-1")
    box = Box(cloud.client("sqs", account="111122223333", region="us-west-2"), "box.fifo")
    topic = make_fifo_topic(sns, ContentBasedDeduplication="true")
    assert topic == "arn:aws:sns:eu-west-1:111122223333:orders.fifo"
    listen(sns, topic, box)
    publish(sns, topic, "x")
    assert texts(box) == ["x"]


def test_a_topic_has_a_hundred_subscriptions(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    first = listen(sns, topic, box)
    arns = [f"arn:aws:sqs:us-east-1:000000000000:q{n}.fifo" for n in range(100)]
    for arn in arns[:99]:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    full = Seen("SubscriptionLimitExceeded", "Subscription limit exceeded", 403)
    assert error_of(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=arns[99]) == full
    assert listen(sns, topic, box) == first
    sns.unsubscribe(SubscriptionArn=first)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns[99])


# Order.


def test_every_queue_has_the_messages_in_the_order_in_which_they_were_published(sns: Any, sqs: Any, topic: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    boxes = [Box(sqs, f"box{n}.fifo") for n in range(3)]
    for box in boxes:
        listen(sns, topic, box, RawMessageDelivery="true")
    published = [(str(n), f"g{chance.randrange(4)}") for n in range(80)]
    done = 0
    while done < len(published):
        size = chance.randint(0, 10)
        if size:
            batch(sns, topic, *published[done : done + size])
        else:
            publish(sns, topic, *published[done])
        done += max(size, 1)
    for box in boxes:
        found = [(message["Body"], message["Attributes"]["MessageGroupId"]) for message in take_all(box)]
        assert found == published


# Batches.


def test_a_batch_is_delivered_in_the_order_of_its_entries(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, "box.fifo")
    listen(sns, topic, box)
    answer = batch(sns, topic, *((str(n), "g") for n in range(9, -1, -1)))
    found = notifications(box)
    assert [each["Message"] for each in found] == [str(n) for n in range(9, -1, -1)]
    assert [(each["MessageId"], each["SequenceNumber"]) for each in found] == [
        (each["MessageId"], each["SequenceNumber"]) for each in answer["Successful"]
    ]


def test_a_duplicate_within_a_batch_succeeds_and_is_not_delivered(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box)
    first, second, third = batch(sns, topic, ("x", "g"), ("y", "g"), ("x", "g"))["Successful"]
    assert {**third, "Id": "0"} == first
    assert second["SequenceNumber"] > first["SequenceNumber"]
    assert texts(box) == ["x", "y"]


def test_a_batch_does_not_repeat_what_was_published_before(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box)
    ids = publish(sns, topic, "x")
    answer = batch(sns, topic, ("x", "g"), ("y", "g"))["Successful"]
    assert (answer[0]["MessageId"], answer[0]["SequenceNumber"]) == ids
    assert texts(box) == ["x", "y"]


def test_an_entry_without_a_group_or_an_id_fails_the_whole_batch(sns: Any, sqs: Any, explicit: str) -> None:
    box = Box(sqs)
    listen(sns, explicit, box)
    good = {"Id": "a", "Message": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    for name, reason in (("MessageGroupId", NO_GROUP), ("MessageDeduplicationId", NO_ID)):
        bad = {key: value for key, value in {**good, "Id": "b"}.items() if key != name}
        refused = error_of(sns.publish_batch, TopicArn=explicit, PublishBatchRequestEntries=[good, bad])
        assert refused == invalid(reason)
    assert texts(box) == []


def test_an_empty_message_fails_alone_and_the_others_keep_their_order(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs, "box.fifo")
    listen(sns, topic, box)
    answer = batch(sns, topic, ("a", "g"), ("", "g"), ("b", "g"))
    fault = {"Code": "InvalidParameter", "Message": "Invalid parameter: Empty message", "SenderFault": True}
    assert answer["Failed"] == [{"Id": "1", **fault}]
    assert [each["Id"] for each in answer["Successful"]] == ["0", "2"]
    assert texts(box) == ["a", "b"]
