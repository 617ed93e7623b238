"""PublishBatch: up to 10 messages in one call; what fails the whole call, and what fails an entry alone."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Answer, Harness
from tests.support.sns_publish_flow import (
    LARGEST_BYTES,
    MESSAGE_MAX_BYTES,
    envelopes,
    failures,
    form_call,
    listen,
    listen_raw,
    texts_of,
)
from tests.support.sns_subscriptions import queue_arn, subscribe
from tests.support.sns_topics import NO_TOPIC, invalid, make_fifo_topic, make_topic, null, topic_arn
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text
from tests.support.sqs_wire import UUID, document, query_error

TOO_MANY = Seen("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.", 400)
NOT_DISTINCT = Seen("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.", 400)
TOO_LONG = Seen("BatchRequestTooLong", "The length of all the messages put together is more than the limit.", 400)
EMPTY = {"Code": "InvalidParameter", "Message": "Invalid parameter: Empty message", "SenderFault": True}
SUBJECT = {"Code": "InvalidParameter", "Message": "Invalid parameter: Subject", "SenderFault": True}
NO_GROUP = invalid("The MessageGroupId parameter is required for FIFO topics")
NO_DEDUPLICATION = invalid(
    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
)
NOT_FOR_STANDARD = invalid(
    "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"
)
BAD_TYPE = (
    "The message attribute 'a' has an invalid message attribute type, "
    "the set of supported type prefixes is Binary, Number, and String."
)
GOOD = {"Id": "good", "Message": "good"}


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sns: Any, sqs: Any, topic: str) -> Box:
    """A queue that gets the topic's messages in envelopes."""
    box = Box(sqs)
    listen(sns, topic, box)
    return box


def entry(entry_id: str, message: str = "hello", **more: Any) -> dict[str, Any]:
    return {"Id": entry_id, "Message": message, **more}


def batch(sns: Any, topic: str, *entries: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Publish entries; what succeeded, and what failed."""
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=list(entries))
    return answer["Successful"], answer["Failed"]


def refusal(sns: Any, topic: str, *entries: dict[str, Any]) -> Seen:
    return error_of(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=list(entries))


def fields(topic: str, *entries: dict[str, str]) -> dict[str, str]:
    """Write a batch as it goes over the wire."""
    form = {"TopicArn": topic}
    for number, each in enumerate(entries, 1):
        form |= {f"PublishBatchRequestEntries.member.{number}.{name}": value for name, value in each.items()}
    return form


def result(answer: Answer) -> ET.Element:
    assert answer.status == 200, answer.text
    found = document(answer).find("PublishBatchResult")
    assert found is not None
    return found


# What succeeds.


def test_each_entry_is_answered_with_its_id_and_a_message_id(sns: Any, topic: str) -> None:
    successful, failed = batch(sns, topic, *(entry(str(n)) for n in range(10)))
    assert failed == []
    assert [one["Id"] for one in successful] == [str(n) for n in range(10)]
    assert all(set(one) == {"Id", "MessageId"} and re.fullmatch(UUID, one["MessageId"]) for one in successful)
    assert len({one["MessageId"] for one in successful}) == 10


def test_the_messages_arrive_in_the_order_of_the_entries(sns: Any, topic: str, box: Box) -> None:
    successful, _ = batch(sns, topic, *(entry(str(n), f"m{n}") for n in range(10)))
    found = envelopes(box)
    assert [envelope["Message"] for envelope in found] == [f"m{n}" for n in range(10)]
    assert [envelope["MessageId"] for envelope in found] == [one["MessageId"] for one in successful]


def test_each_message_has_its_own_subject_attributes_and_group(sns: Any, sqs: Any, topic: str, box: Box) -> None:
    raw = Box(sqs, "raw")
    listen_raw(sns, topic, raw)
    batch(
        sns,
        topic,
        entry("1", Subject="s", MessageAttributes={"a": text("x"), "b": binary(b"\x00")}),
        entry("2", MessageGroupId="tenant"),
    )
    first, second = envelopes(box)
    assert (first["Subject"], list(first["MessageAttributes"])) == ("s", ["a", "b"])
    assert "Subject" not in second
    assert "MessageAttributes" not in second
    one, two = raw.receive(MessageAttributeNames=["All"])
    assert one["MessageAttributes"] == {"a": text("x"), "b": binary(b"\x00")}
    assert two["Attributes"]["MessageGroupId"] == "tenant"


def test_each_message_is_filtered_by_itself(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen(sns, topic, box, FilterPolicy=json.dumps({"colour": ["blue"]}))
    colours = ["blue", "red", "blue"]
    batch(sns, topic, *(entry(str(n), f"m{n}", MessageAttributes={"colour": text(c)}) for n, c in enumerate(colours)))
    assert texts_of(box) == ["m0", "m2"]


def test_entries_of_a_fifo_topic_have_rising_sequence_numbers(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen(sns, topic, box)
    entries = [entry(str(n), f"m{n}", MessageGroupId="g", MessageDeduplicationId=f"d{n}") for n in range(10)]
    successful, failed = batch(sns, topic, *entries)
    numbers = [one["SequenceNumber"] for one in successful]
    assert failed == []
    assert {len(number) for number in numbers} == {20}
    assert numbers == sorted(set(numbers), key=int)
    found = envelopes(box)
    assert [envelope["Message"] for envelope in found] == [f"m{n}" for n in range(10)]
    assert [envelope["SequenceNumber"] for envelope in found] == numbers


def test_a_subscriber_that_fails_is_no_matter_of_the_publisher_s(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "sqs", queue_arn("missing"))
    successful, failed = batch(sns, topic, entry("1"), entry("2"))
    assert (len(successful), failed) == (2, [])
    assert len(failures(cloud)) == 2


@pytest.mark.parametrize("entry_id", ["a", "A-b_9", "-", "_", "0", "x" * 80])
def test_an_id_has_up_to_80_letters_digits_hyphens_and_underscores(sns: Any, topic: str, entry_id: str) -> None:
    successful, _ = batch(sns, topic, entry(entry_id))
    assert [one["Id"] for one in successful] == [entry_id]


def test_ids_that_differ_in_their_letters_case_are_distinct(sns: Any, topic: str) -> None:
    successful, _ = batch(sns, topic, entry("a"), entry("A"))
    assert [one["Id"] for one in successful] == ["a", "A"]


# What fails an entry alone.


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"Message": ""}, EMPTY),
        ({"Message": "", "MessageStructure": "json"}, EMPTY),
        ({"Message": "m", "Subject": ""}, SUBJECT),
        ({"Message": "m", "Subject": "a\nb"}, SUBJECT),
        ({"Message": "m", "Subject": "a" * 101}, SUBJECT),
    ],
    ids=["empty message", "empty document", "empty subject", "newline in the subject", "long subject"],
)
def test_a_bad_text_or_subject_fails_alone(
    sns: Any, topic: str, box: Box, bad: dict[str, str], fault: dict[str, Any]
) -> None:
    successful, failed = batch(sns, topic, entry("1", "first"), {"Id": "bad", **bad}, entry("3", "third"))
    assert [one["Id"] for one in successful] == ["1", "3"]
    assert failed == [{"Id": "bad", **fault}]
    assert texts_of(box) == ["first", "third"]


def test_all_entries_can_fail(sns: Any, topic: str, box: Box) -> None:
    successful, failed = batch(sns, topic, entry("1", ""), entry("2", ""))
    assert successful == []
    assert failed == [{"Id": "1", **EMPTY}, {"Id": "2", **EMPTY}]
    assert box.bodies() == []


def test_a_failed_entry_of_a_fifo_topic_is_not_remembered_as_a_duplicate(sns: Any, sqs: Any) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs)
    listen(sns, topic, box)
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    batch(sns, topic, entry("1", "", **ids), entry("2", "second", **ids))
    assert texts_of(box) == ["second"]


# What fails the whole call.


def test_a_batch_has_ten_entries_at_most(sns: Any, topic: str, box: Box) -> None:
    assert refusal(sns, topic, *(entry(str(n)) for n in range(11))) == TOO_MANY
    assert box.bodies() == []


def test_a_batch_has_one_entry_at_least(cloud: Harness, sns: Any, topic: str) -> None:
    assert refusal(sns, topic) == null("publishBatchRequestEntries")
    assert query_error(form_call(cloud, "PublishBatch", {"TopicArn": topic})) == null("publishBatchRequestEntries")


def test_ids_are_distinct(sns: Any, topic: str, box: Box) -> None:
    assert refusal(sns, topic, entry("a", "1"), entry("b", "2"), entry("a", "3")) == NOT_DISTINCT
    assert box.bodies() == []


def test_an_id_is_not_too_long(sns: Any, topic: str, box: Box) -> None:
    message = f"The Id of a batch entry in the batch request is too long: {'x' * 81}"
    assert refusal(sns, topic, GOOD, entry("x" * 81)) == Seen("InvalidBatchEntryId", message, 400)
    assert box.bodies() == []


@pytest.mark.parametrize("entry_id", ["", "a b", "a.b", "é", "a\n", "a/b"], ids=ascii)
def test_an_id_has_no_other_characters(sns: Any, topic: str, box: Box, entry_id: str) -> None:
    message = f"The Id of a batch entry in the batch request contains an impermissible character: {entry_id}"
    assert refusal(sns, topic, GOOD, entry(entry_id)) == Seen("InvalidBatchEntryId", message, 400)
    assert box.bodies() == []


@pytest.mark.parametrize(
    ("second", "member"), [({"Message": "m"}, "id"), ({"Id": "2"}, "message")], ids=["no id", "no message"]
)
def test_an_entry_lacks_neither_id_nor_message(
    cloud: Harness, topic: str, box: Box, second: dict[str, str], member: str
) -> None:
    answer = form_call(cloud, "PublishBatch", fields(topic, {"Id": "1", "Message": "m"}, second))
    assert query_error(answer) == null(f"publishBatchRequestEntries.2.member.{member}")
    assert box.bodies() == []


def test_an_attribute_lacks_no_type(cloud: Harness, topic: str, box: Box) -> None:
    second = {"Id": "2", "Message": "m", "MessageAttributes.entry.1.Name": "colour"}
    second["MessageAttributes.entry.1.Value.StringValue"] = "blue"
    answer = form_call(cloud, "PublishBatch", fields(topic, {"Id": "1", "Message": "m"}, second))
    assert query_error(answer) == null("publishBatchRequestEntries.2.member.messageAttributes.colour.member.dataType")
    assert box.bodies() == []


def test_the_topic_must_be_there(cloud: Harness, sns: Any, topic: str) -> None:
    assert refusal(sns, topic_arn("none"), GOOD) == NO_TOPIC
    assert refusal(sns, "orders", GOOD) == invalid("TopicArn Reason: An ARN must have at least 6 elements, not 1")
    assert refusal(sns, topic_arn(region="eu-west-1"), GOOD) == invalid("TopicArn")
    form = {name: value for name, value in fields("", {"Id": "1", "Message": "m"}).items() if name != "TopicArn"}
    assert query_error(form_call(cloud, "PublishBatch", form)) == null("topicArn")


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (
            text("x", "Text"),
            BAD_TYPE,
        ),
        (text("x", "Number"), "Could not cast message attribute 'a' value to number."),
        (
            text(""),
            "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.",
        ),
        (binary(b"x", "String"), "The message attribute 'a' with type 'String' must use field 'String'."),
    ],
    ids=["type", "number", "empty", "field"],
)
def test_a_bad_attribute_fails_the_whole_call(
    sns: Any, topic: str, box: Box, attribute: dict[str, Any], message: str
) -> None:
    seen = refusal(sns, topic, GOOD, entry("bad", MessageAttributes={"a": attribute}))
    assert seen == Seen("ParameterValueInvalid", message, 400)
    assert box.bodies() == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"Message": "{"}, invalid("Message Structure - JSON message body failed to parse")),
        ({"Message": '{"sqs": "x"}'}, invalid("Message Structure - No default entry in JSON message body")),
        ({"Message": '{"default": "x"}', "MessageStructure": "xml"}, invalid("MessageStructure")),
    ],
    ids=["no json", "no default", "no such structure"],
)
def test_a_bad_structure_fails_the_whole_call(
    sns: Any, topic: str, box: Box, bad: dict[str, str], expected: Seen
) -> None:
    assert refusal(sns, topic, GOOD, {"Id": "bad", "MessageStructure": "json", **bad}) == expected
    assert box.bodies() == []


def test_a_deduplication_id_on_a_standard_topic_fails_the_whole_call(sns: Any, topic: str, box: Box) -> None:
    assert refusal(sns, topic, GOOD, entry("bad", MessageDeduplicationId="d")) == NOT_FOR_STANDARD
    assert box.bodies() == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({}, NO_GROUP),
        ({"MessageDeduplicationId": "d2"}, NO_GROUP),
        ({"MessageGroupId": "g"}, NO_DEDUPLICATION),
    ],
    ids=["neither", "no group", "no deduplication id"],
)
def test_a_missing_id_on_a_fifo_topic_fails_the_whole_call(
    sns: Any, sqs: Any, bad: dict[str, str], expected: Seen
) -> None:
    topic, box = make_fifo_topic(sns), Box(sqs, "box.fifo")
    listen(sns, topic, box)
    good = entry("good", MessageGroupId="g", MessageDeduplicationId="d1")
    assert refusal(sns, topic, good, entry("bad", **bad)) == expected
    assert box.bodies() == []
    assert batch(sns, topic, good)[1] == []
    assert texts_of(box) == ["hello"]


# Sizes.


def test_all_messages_together_have_up_to_256_kib(sns: Any, topic: str, box: Box) -> None:
    half = "x" * (MESSAGE_MAX_BYTES // 2)
    assert len(batch(sns, topic, entry("1", half), entry("2", half))[0]) == 2
    assert len(box.bodies()) == 2
    assert refusal(sns, topic, entry("1", half), entry("2", half + "x")) == TOO_LONG
    assert box.bodies() == []


def test_one_message_alone_can_be_too_long_for_a_batch(sns: Any, topic: str) -> None:
    assert len(batch(sns, topic, entry("1", "x" * MESSAGE_MAX_BYTES))[0]) == 1
    assert refusal(sns, topic, entry("1", "x" * (MESSAGE_MAX_BYTES + 1))) == TOO_LONG


def test_attributes_count_and_subjects_and_ids_do_not(sns: Any, topic: str) -> None:
    more = {"MessageAttributes": {"name": text("values")}, "Subject": "a" * 100}
    largest = "x" * (MESSAGE_MAX_BYTES // 2 - 16)
    first, second = entry("a" * 80, largest, **more), entry("b" * 80, largest, **more)
    assert len(batch(sns, topic, first, second)[0]) == 2
    assert refusal(sns, topic, first, {**second, "Message": largest + "x"}) == TOO_LONG


@pytest.mark.parametrize("size", [1024, LARGEST_BYTES])
def test_the_topic_s_own_size_holds_for_all_messages_together(sns: Any, size: int) -> None:
    topic = make_topic(sns, MaximumMessageSize=str(size))
    half = "x" * (size // 2)
    assert len(batch(sns, topic, entry("1", half), entry("2", half))[0]) == 2
    assert refusal(sns, topic, entry("1", half), entry("2", half + "x")) == TOO_LONG


# On the wire.


@pytest.mark.parametrize(
    ("messages", "successful", "failed"), [(["a", "b"], 2, 0), (["", ""], 0, 2), (["a", ""], 1, 1)], ids=str
)
def test_both_lists_are_in_the_answer_even_when_empty(
    cloud: Harness, topic: str, messages: list[str], successful: int, failed: int
) -> None:
    entries = [{"Id": str(n), "Message": message} for n, message in enumerate(messages)]
    shown = result(form_call(cloud, "PublishBatch", fields(topic, *entries)))
    assert {child.tag: len(child.findall("member")) for child in shown} == {"Successful": successful, "Failed": failed}


def test_the_failed_come_before_the_successful(cloud: Harness, topic: str) -> None:
    shown = result(form_call(cloud, "PublishBatch", fields(topic, {"Id": "1", "Message": "m"})))
    assert [child.tag for child in shown] == ["Failed", "Successful"]


def test_a_failed_entry_shows_whose_fault_it_is(cloud: Harness, topic: str) -> None:
    shown = result(form_call(cloud, "PublishBatch", fields(topic, {"Id": "1", "Message": ""})))
    (failed,) = shown.findall("Failed/member")
    assert {child.tag: child.text for child in failed} == {
        "Id": "1",
        "Code": "InvalidParameter",
        "Message": "Invalid parameter: Empty message",
        "SenderFault": "true",
    }


def test_entries_come_in_the_order_of_their_numbers(cloud: Harness, topic: str, box: Box) -> None:
    form = fields(topic, *({"Id": str(n), "Message": f"m{n}"} for n in range(1, 11)))
    answer = form_call(cloud, "PublishBatch", dict(reversed(form.items())))
    assert [member.findtext("Id") for member in result(answer).iter("member")] == [str(n) for n in range(1, 11)]
    assert texts_of(box) == [f"m{n}" for n in range(1, 11)]
