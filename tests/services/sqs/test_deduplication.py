"""Deduplication on FIFO queues: a window of five minutes from the first accepted send, whatever becomes of the message."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, held

WINDOW_S = 300


@pytest.fixture
def fifo(sqs) -> Box:
    """A queue with content-based deduplication."""
    return Box(sqs, "box.fifo")


@pytest.fixture
def explicit(sqs) -> Box:
    """A queue whose senders must name an id."""
    return Box(sqs, "explicit.fifo", ContentBasedDeduplication="false")


def send(box: Box, body: str, dedup_id: str, group: str = "g") -> tuple[str, str]:
    return ids_of(box.send(body, group, MessageDeduplicationId=dedup_id))


def ids_of(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["MessageId"], answer["SequenceNumber"]


# The window.


def test_a_duplicate_is_answered_with_the_first_ones_ids_and_goes_nowhere(explicit: Box):
    assert send(explicit, "first", "x") == send(explicit, "second", "x")
    assert explicit.counts == Counts(1, 0, 0)
    assert explicit.bodies() == ["first"]


def test_a_duplicate_is_answered_with_the_md5_of_its_own_body(explicit: Box):
    send(explicit, "first", "x")
    answer = explicit.send("second", "g", MessageDeduplicationId="x")
    assert answer["MD5OfMessageBody"] == hashlib.md5(b"second").hexdigest()


def test_the_window_is_five_minutes(cloud: Harness, explicit: Box):
    first = send(explicit, "a", "x")
    cloud.advance(WINDOW_S - 0.001)
    assert send(explicit, "b", "x") == first
    cloud.advance(0.001)
    assert send(explicit, "c", "x") != first
    assert explicit.bodies() == ["a", "c"]


def test_a_duplicate_does_not_extend_the_window(cloud: Harness, explicit: Box):
    first = send(explicit, "a", "x")
    cloud.advance(200)
    assert send(explicit, "b", "x") == first
    cloud.advance(100)
    assert send(explicit, "c", "x") != first


def test_a_send_after_the_window_starts_a_new_one(cloud: Harness, explicit: Box):
    send(explicit, "a", "x")
    cloud.advance(WINDOW_S)
    second = send(explicit, "b", "x")
    cloud.advance(WINDOW_S - 0.001)
    assert send(explicit, "c", "x") == second


def test_the_window_outlives_the_receive(explicit: Box):
    first = send(explicit, "a", "x")
    explicit.receive_one()
    assert send(explicit, "a", "x") == first
    assert explicit.counts == Counts(0, 1, 0)


def test_the_window_outlives_the_deletion(explicit: Box):
    first = send(explicit, "a", "x")
    explicit.delete(explicit.receive_one())
    assert send(explicit, "a", "x") == first
    assert explicit.counts == Counts(0, 0, 0)


def test_the_window_outlives_a_purge(explicit: Box):
    first = send(explicit, "a", "x")
    explicit.client.purge_queue(QueueUrl=explicit.url)
    assert send(explicit, "a", "x") == first
    assert explicit.counts == Counts(0, 0, 0)


def test_the_window_outlives_the_retention(cloud: Harness, explicit: Box):
    explicit.set(MessageRetentionPeriod=60)
    first = send(explicit, "a", "x")
    cloud.advance(61)
    assert send(explicit, "a", "x") == first
    assert explicit.counts == Counts(0, 0, 0)


def test_the_window_starts_with_the_send_of_a_delayed_message(cloud: Harness, explicit: Box):
    explicit.set(DelaySeconds=600)
    first = send(explicit, "a", "x")
    cloud.advance(WINDOW_S - 0.001)
    assert send(explicit, "a", "x") == first
    cloud.advance(0.001)
    assert send(explicit, "a", "x") != first


def test_the_window_ends_with_the_queue(cloud: Harness, fifo: Box):
    first = ids_of(fifo.send("a", "g"))
    fifo.client.delete_queue(QueueUrl=fifo.url)
    cloud.advance(60)
    again = Box(fifo.client, "box.fifo")
    assert ids_of(again.send("a", "g")) != first
    assert again.bodies() == ["a"]


def test_a_refused_message_starts_no_window(explicit: Box):
    error_of(explicit.send, body="a", group="g", MessageDeduplicationId="x", DelaySeconds=5)
    send(explicit, "a", "x")
    assert explicit.counts == Counts(1, 0, 0)


def test_a_duplicate_is_checked_like_any_message(explicit: Box):
    send(explicit, "a", "x")
    assert error_of(explicit.send, body="a", MessageDeduplicationId="x").code == "MissingParameter"


# Scope.


def test_an_id_holds_for_the_whole_queue(explicit: Box):
    assert send(explicit, "a", "x", "g") == send(explicit, "b", "x", "other")
    assert explicit.bodies() == ["a"]


def test_an_id_holds_for_one_queue_only(sqs, explicit: Box):
    other = Box(sqs, "other.fifo")
    assert send(explicit, "a", "x") != send(other, "a", "x")
    assert other.bodies() == ["a"]


def test_with_scope_message_group_an_id_holds_for_its_group_only(sqs):
    box = Box(sqs, "box.fifo", DeduplicationScope="messageGroup")
    first = send(box, "a", "x", "g")
    other = send(box, "b", "x", "other")
    assert first != other
    assert send(box, "c", "x", "g") == first
    assert send(box, "d", "x", "other") == other
    assert box.counts == Counts(2, 0, 0)


def test_with_scope_message_group_the_content_holds_for_its_group_only(sqs):
    box = Box(sqs, "box.fifo", DeduplicationScope="messageGroup")
    box.send("same", "g")
    box.send("same", "g")
    box.send("same", "other")
    assert box.counts == Counts(2, 0, 0)


def test_with_scope_message_group_the_window_is_five_minutes_too(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo", DeduplicationScope="messageGroup")
    first = send(box, "a", "x")
    cloud.advance(WINDOW_S - 0.001)
    assert send(box, "a", "x") == first
    cloud.advance(0.001)
    assert send(box, "a", "x") != first


# Content.


def test_content_based_ids_are_the_sha_256_of_the_body(fifo: Box):
    fifo.send("a body", "g")
    shown = fifo.receive_one()["Attributes"]["MessageDeduplicationId"]
    assert shown == hashlib.sha256(b"a body").hexdigest()


def test_content_based_ids_digest_utf_8(fifo: Box):
    fifo.send("Grüße 🎉", "g")
    shown = fifo.receive_one()["Attributes"]["MessageDeduplicationId"]
    assert shown == hashlib.sha256("Grüße 🎉".encode()).hexdigest()


def test_the_same_body_twice_is_a_duplicate(fifo: Box):
    assert ids_of(fifo.send("same", "g")) == ids_of(fifo.send("same", "other"))
    assert fifo.counts == Counts(1, 0, 0)


def test_attributes_do_not_make_the_content_another(fifo: Box):
    fifo.send("same", "g")
    fifo.send("same", "g", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}})
    assert fifo.counts == Counts(1, 0, 0)


def test_an_explicit_id_beats_the_content(fifo: Box):
    send(fifo, "same", "x")
    send(fifo, "same", "y")
    assert fifo.counts == Counts(2, 0, 0)
    assert [one["Attributes"]["MessageDeduplicationId"] for one in fifo.receive()] == ["x", "y"]


def test_an_explicit_id_that_equals_an_earlier_hash_is_a_duplicate(fifo: Box):
    first = ids_of(fifo.send("a body", "g"))
    assert send(fifo, "another body", hashlib.sha256(b"a body").hexdigest()) == first
    assert fifo.counts == Counts(1, 0, 0)


def test_a_body_whose_hash_was_an_explicit_id_is_a_duplicate(fifo: Box):
    first = send(fifo, "another body", hashlib.sha256(b"a body").hexdigest())
    assert ids_of(fifo.send("a body", "g")) == first


def test_without_content_based_deduplication_an_id_must_be_given(explicit: Box):
    message = (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    assert error_of(explicit.send, body="a", group="g") == ("InvalidParameterValue", message, 400)


def test_content_based_deduplication_can_be_switched_on_and_off(explicit: Box):
    explicit.set(ContentBasedDeduplication="true")
    explicit.send("a", "g")
    explicit.send("a", "g")
    assert explicit.counts == Counts(1, 0, 0)
    explicit.set(ContentBasedDeduplication="false")
    assert error_of(explicit.send, body="a", group="g").code == "InvalidParameterValue"


# Ids.


def test_a_given_id_is_told_to_the_receiver(explicit: Box):
    send(explicit, "a", "my-id")
    assert explicit.receive_one()["Attributes"]["MessageDeduplicationId"] == "my-id"


@pytest.mark.parametrize("dedup_id", ["with space", "ä", "x" * 129, ""])
def test_an_id_of_wrong_characters_or_length_is_refused(fifo: Box, dedup_id: str):
    reason = "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    message = f"Value {dedup_id} for parameter MessageDeduplicationId is invalid. Reason: {reason}"
    refused = error_of(fifo.send, body="a", group="g", MessageDeduplicationId=dedup_id)
    assert refused == ("InvalidParameterValue", message, 400)


def test_an_id_may_have_128_characters(explicit: Box):
    send(explicit, "a", "x" * 128)
    assert explicit.bodies() == ["a"]


def test_a_standard_queue_takes_no_id(sqs):
    box = Box(sqs)
    refused = error_of(box.send, body="a", MessageDeduplicationId="x")
    assert refused.code == "InvalidParameterValue"
    assert refused.message.startswith("Value x for parameter MessageDeduplicationId is invalid.")


def test_a_standard_queue_takes_the_same_body_twice(sqs):
    box = Box(sqs)
    box.send_all("a", "a")
    assert box.bodies() == ["a", "a"]


def test_duplicates_within_one_batch_succeed_with_the_same_ids(explicit: Box):
    entries = [{"Id": name, "MessageBody": name, "MessageGroupId": "g", "MessageDeduplicationId": "x"} for name in "ab"]
    answer = explicit.client.send_message_batch(QueueUrl=explicit.url, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["a", "b"]
    assert len({ids_of(one) for one in answer["Successful"]}) == 1
    assert explicit.bodies() == ["a"]


# High throughput.


def test_high_throughput_needs_deduplication_by_group(fifo: Box):
    refused = error_of(fifo.set, FifoThroughputLimit="perMessageGroupId")
    assert refused == ("InvalidAttributeValue", "Invalid value for the parameter FifoThroughputLimit.", 400)
    assert fifo.attribute("FifoThroughputLimit") == "perQueue"


def test_a_queue_can_be_switched_to_high_throughput(fifo: Box):
    fifo.set(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    send(fifo, "a", "x", "g")
    send(fifo, "b", "x", "other")
    assert fifo.counts == Counts(2, 0, 0)


def test_a_queue_can_leave_high_throughput_and_keep_deduplication_by_group(fifo: Box):
    fifo.set(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    fifo.set(FifoThroughputLimit="perQueue")
    assert fifo.attribute("DeduplicationScope") == "messageGroup"
    send(fifo, "a", "x", "g")
    send(fifo, "b", "x", "other")
    assert fifo.counts == Counts(2, 0, 0)


def test_a_queue_can_be_switched_back_to_one_scope_for_all_groups(fifo: Box):
    fifo.set(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    fifo.set(FifoThroughputLimit="perQueue", DeduplicationScope="queue")
    send(fifo, "a", "x", "g")
    send(fifo, "b", "x", "other")
    assert fifo.counts == Counts(1, 0, 0)


def test_a_change_of_the_scope_keeps_what_is_in_the_queue(fifo: Box):
    fifo.send_all("a", "b", group="g")
    fifo.set(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    fifo.send("c", "g")
    assert fifo.bodies() == ["a", "b", "c"]


# Memory.


def test_ids_are_forgotten_although_nobody_touches_the_queue(cloud: Harness, fifo: Box):
    core = fifo.core(cloud)
    before = held(core)
    fifo.send_all(*(str(n) for n in range(200)), group="g")
    for _ in range(20):
        entries = [{"Id": one["Body"], "ReceiptHandle": one["ReceiptHandle"]} for one in fifo.receive()]
        fifo.client.delete_message_batch(QueueUrl=fifo.url, Entries=entries)
    assert cloud.run(lambda _: held(core)) > before + 200
    cloud.advance(WINDOW_S + 60)
    assert cloud.run(lambda _: held(core)) < before + 100


def test_ids_are_forgotten_beside_a_message_that_stays(cloud: Harness, fifo: Box):
    core = fifo.core(cloud)
    fifo.send("stays", "other")
    cloud.advance(WINDOW_S + 60)
    before = cloud.run(lambda _: core.entries)
    fifo.send_all(*(str(n) for n in range(100)), group="g")
    sent = cloud.run(lambda _: core.entries)
    cloud.advance(WINDOW_S + 60)
    assert cloud.run(lambda _: core.entries) == sent - 100
    assert before < sent
