"""Dead letters: when a message leaves for the dead-letter queue, and what it takes along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, redrive

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def dead(sqs) -> Box:
    return Box(sqs, "dead")


@pytest.fixture
def source(sqs, dead: Box) -> Box:
    """A queue whose messages are dead after two receives."""
    return Box(sqs, "source", RedrivePolicy=redrive(dead, 2))


@pytest.fixture
def fifo_dead(sqs) -> Box:
    return Box(sqs, "dead.fifo")


@pytest.fixture
def fifo_source(sqs, fifo_dead: Box) -> Box:
    return Box(sqs, "source.fifo", RedrivePolicy=redrive(fifo_dead, 1))


def exhaust(box: Box, receives: int) -> None:
    """Receive the box's messages so many times, leaving them visible."""
    for _ in range(receives):
        assert box.receive(VisibilityTimeout=0)


def kill(box: Box, body: str, group: str | None = None, *, receives: int = 1, **options: Any) -> dict[str, Any]:
    """Send a message and dead-letter it."""
    sent = box.send(body, group, **options)
    exhaust(box, receives)
    assert box.receive() == []
    return sent


# When.


def test_a_message_moves_on_the_receive_that_is_one_too_many(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    for _ in range(2):
        assert source.bodies() == ["a"]
        cloud.advance(30)
    assert source.counts == Counts(1, 0, 0)
    assert dead.counts == Counts(0, 0, 0)
    assert source.receive() == []
    assert source.counts == Counts(0, 0, 0)
    assert dead.counts == Counts(1, 0, 0)
    assert dead.bodies() == ["a"]


def test_with_a_maximum_of_one_the_second_receive_is_empty(cloud: Harness, sqs, dead: Box):
    source = Box(sqs, RedrivePolicy=redrive(dead, 1))
    source.send("a")
    assert source.bodies() == ["a"]
    cloud.advance(30)
    assert source.receive() == []
    assert dead.bodies() == ["a"]


def test_nothing_moves_merely_because_time_passes(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    cloud.advance(86_400)
    assert source.counts == Counts(1, 0, 0)
    assert dead.counts == Counts(0, 0, 0)


def test_a_message_in_its_last_flight_can_be_deleted(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    source.delete(source.receive_one())
    cloud.advance(30)
    assert source.receive() == []
    assert dead.counts == Counts(0, 0, 0)


def test_a_standard_message_can_be_deleted_after_its_last_flight(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    last = source.receive_one()
    cloud.advance(30)
    source.delete(last)
    assert source.receive() == []
    assert dead.counts == Counts(0, 0, 0)


def test_a_handle_of_the_source_does_not_delete_in_the_dead_letter_queue(source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    message = source.receive_one(VisibilityTimeout=0)
    assert source.receive() == []
    source.delete(message)
    assert dead.counts == Counts(1, 0, 0)


def test_a_receive_goes_on_behind_a_dead_message(source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    source.send("b")
    assert source.bodies(1) == ["b"]
    assert dead.counts == Counts(1, 0, 0)


def test_several_messages_can_die_on_one_receive(source: Box, dead: Box):
    source.send_all("a", "b", "c")
    exhaust(source, 2)
    assert source.receive(1) == []
    assert sorted(dead.bodies()) == ["a", "b", "c"]


def test_without_a_policy_nothing_ever_dies(sqs):
    box = Box(sqs, VisibilityTimeout=0)
    box.send("a")
    exhaust(box, 20)
    assert box.receive_one()["Attributes"]["ApproximateReceiveCount"] == "21"


def test_a_policy_set_later_counts_earlier_receives(sqs, dead: Box):
    box = Box(sqs, VisibilityTimeout=0)
    box.send("a")
    exhaust(box, 5)
    box.set(RedrivePolicy=redrive(dead, 5))
    assert box.receive() == []
    assert dead.bodies() == ["a"]


def test_a_lower_maximum_holds_at_once(source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    source.set(RedrivePolicy=redrive(dead, 1))
    assert source.receive() == []
    assert dead.bodies() == ["a"]


def test_a_policy_that_was_taken_away_acts_no_more(source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    source.set(RedrivePolicy="")
    assert source.bodies() == ["a"]
    assert dead.counts == Counts(0, 0, 0)


def test_a_deleted_dead_letter_queue_means_that_delivery_goes_on(sqs, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    sqs.delete_queue(QueueUrl=dead.url)
    assert source.receive_one()["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_dead_letter_queue_that_came_back_acts_again(cloud: Harness, sqs, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    sqs.delete_queue(QueueUrl=dead.url)
    exhaust(source, 1)
    cloud.advance(60)
    again = Box(sqs, "dead")
    assert source.receive() == []
    assert again.bodies() == ["a"]


# What stays with it.


def test_a_dead_message_keeps_what_its_sender_gave(cloud: Harness, source: Box, dead: Box):
    attributes = {"kind": {"DataType": "String.label", "StringValue": "x"}}
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
    sent_ms = str(cloud.now_ms)
    sent = source.send("a", "g", MessageAttributes=attributes, MessageSystemAttributes=system)
    cloud.advance(5)
    first_ms = str(cloud.now_ms)
    exhaust(source, 1)
    cloud.advance(5)
    exhaust(source, 1)
    assert source.receive() == []
    (found,) = dead.receive(MessageAttributeNames=["All"])
    assert (found["MessageId"], found["Body"]) == (sent["MessageId"], "a")
    assert (found["MD5OfBody"], found["MessageAttributes"]) == (sent["MD5OfMessageBody"], attributes)
    shown = found["Attributes"]
    assert shown.pop("SenderId").startswith("AIDA")
    assert shown == {
        "SentTimestamp": sent_ms,
        "ApproximateFirstReceiveTimestamp": first_ms,
        "ApproximateReceiveCount": "3",
        "MessageGroupId": "g",
        "AWSTraceHeader": TRACE,
        "DeadLetterQueueSourceArn": source.arn,
    }


def test_a_message_sent_to_the_dead_letter_queue_itself_has_no_source(source: Box, dead: Box):
    dead.send("a")
    assert "DeadLetterQueueSourceArn" not in dead.receive_one()["Attributes"]


def test_messages_of_two_sources_tell_theirs(sqs, source: Box, dead: Box):
    other = Box(sqs, "other", RedrivePolicy=redrive(dead, 1))
    kill(source, "a", receives=2)
    kill(other, "b")
    arns = {one["Body"]: one["Attributes"]["DeadLetterQueueSourceArn"] for one in dead.receive()}
    assert arns == {"a": source.arn, "b": other.arn}


def test_a_dead_message_is_visible_at_once_whatever_the_dead_letter_queues_delay(source: Box, dead: Box):
    dead.set(DelaySeconds=600)
    kill(source, "a", receives=2)
    assert dead.bodies() == ["a"]


def test_the_receive_count_goes_on_in_the_dead_letter_queue(source: Box, dead: Box):
    kill(source, "a", receives=2)
    counts = [dead.receive_one(VisibilityTimeout=0)["Attributes"]["ApproximateReceiveCount"] for _ in range(3)]
    assert counts == ["3", "4", "5"]


def test_a_dead_letter_queue_of_a_dead_letter_queue_counts_its_own_receives(sqs, source: Box, dead: Box):
    grave = Box(sqs, "grave")
    dead.set(RedrivePolicy=redrive(grave, 2))
    kill(source, "a", receives=2)
    exhaust(dead, 2)
    assert grave.counts == Counts(0, 0, 0)
    assert dead.receive() == []
    shown = grave.receive_one()["Attributes"]
    assert shown["ApproximateReceiveCount"] == "5"
    assert shown["DeadLetterQueueSourceArn"] == dead.arn


def test_two_queues_can_be_each_others_dead_letter_queue(sqs, source: Box, dead: Box):
    dead.set(RedrivePolicy=redrive(source, 1))
    kill(source, "a", receives=2)
    exhaust(dead, 1)
    assert dead.receive() == []
    shown = source.receive_one()["Attributes"]
    assert shown["ApproximateReceiveCount"] == "4"
    assert shown["DeadLetterQueueSourceArn"] == dead.arn


# A queue that is its own dead-letter queue.


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_queue_that_is_its_own_dead_letter_queue_ends_each_receive(sqs, name: str):
    box = Box(sqs, name)
    box.set(RedrivePolicy=redrive(box, 1))
    box.send_all("a", "b", group="g")
    exhaust(box, 1)
    assert box.receive() == []
    assert box.counts == Counts(2, 0, 0)
    found = box.receive()
    assert [one["Body"] for one in found] == ["a", "b"]
    assert {one["Attributes"]["DeadLetterQueueSourceArn"] for one in found} == {box.arn}


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_long_poll_gets_at_once_what_its_own_queue_buried(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    box.set(RedrivePolicy=redrive(box, 1))
    box.send("a", "g")
    exhaust(box, 1)
    poll = box.poll(cloud)
    assert cloud.parked == 0
    assert poll.bodies == ["a"]


def test_a_poll_parked_on_its_own_dead_letter_queue_gets_what_dies_meanwhile(cloud: Harness, sqs):
    box = Box(sqs)
    box.set(RedrivePolicy=redrive(box, 1))
    box.send("a")
    box.receive_one(VisibilityTimeout=5)
    poll = box.poll(cloud)
    cloud.advance(5)
    assert poll.bodies == ["a"]


# Retention.


def test_retention_goes_on_from_the_send_on_standard_queues(cloud: Harness, sqs):
    dead = Box(sqs, "dead", MessageRetentionPeriod=100)
    source = Box(sqs, "source", RedrivePolicy=redrive(dead, 1))
    source.send("a")
    cloud.advance(60)
    exhaust(source, 1)
    assert source.receive() == []
    cloud.advance(39.999)
    assert dead.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert dead.counts == Counts(0, 0, 0)


def test_a_standard_message_too_old_for_the_dead_letter_queue_is_gone(cloud: Harness, sqs):
    dead = Box(sqs, "dead", MessageRetentionPeriod=60)
    source = Box(sqs, "source", RedrivePolicy=redrive(dead, 1))
    source.send("a")
    cloud.advance(60)
    exhaust(source, 1)
    assert source.receive() == []
    assert dead.counts == Counts(0, 0, 0)
    assert dead.receive() == []


def test_a_longer_retention_of_the_dead_letter_queue_holds(cloud: Harness, sqs):
    dead = Box(sqs, "dead", MessageRetentionPeriod=200)
    source = Box(sqs, "source", MessageRetentionPeriod=60, RedrivePolicy=redrive(dead, 1))
    kill(source, "a")
    cloud.advance(199.999)
    assert dead.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert dead.counts == Counts(0, 0, 0)


def test_retention_starts_anew_on_fifo_queues(cloud: Harness, fifo_source: Box, fifo_dead: Box):
    fifo_dead.set(MessageRetentionPeriod=100)
    fifo_source.send("a", "g")
    cloud.advance(150)
    exhaust(fifo_source, 1)
    assert fifo_source.receive() == []
    cloud.advance(99.999)
    assert fifo_dead.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert fifo_dead.counts == Counts(0, 0, 0)


# FIFO.


def test_a_dead_fifo_message_keeps_id_group_and_body(fifo_source: Box, fifo_dead: Box):
    sent = kill(fifo_source, "a", "g")
    found = fifo_dead.receive_one()
    assert (found["MessageId"], found["Body"]) == (sent["MessageId"], "a")
    assert found["Attributes"]["MessageGroupId"] == "g"
    assert found["Attributes"]["DeadLetterQueueSourceArn"] == fifo_source.arn
    assert found["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_dead_fifo_messages_deduplication_id_becomes_its_message_id(fifo_source: Box, fifo_dead: Box):
    sent = kill(fifo_source, "a", "g", MessageDeduplicationId="mine")
    assert fifo_dead.receive_one()["Attributes"]["MessageDeduplicationId"] == sent["MessageId"]


def test_a_fifo_dead_letter_queue_drops_nothing_as_a_duplicate(sqs, fifo_source: Box, fifo_dead: Box):
    other = Box(sqs, "other.fifo", RedrivePolicy=redrive(fifo_dead, 1))
    fifo_dead.send("same", "g", MessageDeduplicationId="x")
    kill(fifo_source, "same", "g", MessageDeduplicationId="x")
    kill(other, "same", "g", MessageDeduplicationId="x")
    assert fifo_dead.bodies() == ["same"] * 3


def test_a_dead_letter_does_not_use_up_the_sources_deduplication_id(fifo_source: Box):
    sent = kill(fifo_source, "a", "g", MessageDeduplicationId="x")
    again = fifo_source.send("a", "g", MessageDeduplicationId="x")
    assert again["MessageId"] == sent["MessageId"]
    assert fifo_source.counts == Counts(0, 0, 0)


def test_a_dead_head_frees_its_group(fifo_source: Box, fifo_dead: Box):
    fifo_source.send("a", "g")
    exhaust(fifo_source, 1)
    fifo_source.send("b", "g")
    assert fifo_source.bodies() == ["b"]
    assert fifo_dead.bodies() == ["a"]


def test_dead_messages_of_a_group_keep_their_order(fifo_source: Box, fifo_dead: Box):
    fifo_source.send_all("a", "b", "c", group="g")
    exhaust(fifo_source, 1)
    assert fifo_source.receive() == []
    found = fifo_dead.receive()
    assert [one["Body"] for one in found] == ["a", "b", "c"]
    numbers = [one["Attributes"]["SequenceNumber"] for one in found]
    assert numbers == sorted(set(numbers))


def test_a_message_sent_to_a_group_after_its_head_died_is_received(fifo_source: Box, fifo_dead: Box):
    kill(fifo_source, "a", "g")
    fifo_source.send("b", "g")
    assert fifo_source.bodies() == ["b"]


# Long polls.


def test_a_poll_on_the_source_moves_the_message_and_gets_nothing(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    source.receive_one(VisibilityTimeout=5)
    poll = source.poll(cloud, 10)
    cloud.advance(5)
    assert cloud.parked == 1
    assert dead.counts == Counts(1, 0, 0)
    cloud.advance(5)
    assert poll.answer == {}


def test_a_poll_on_the_dead_letter_queue_wakes_when_a_poll_on_the_source_moves(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 1)
    source.receive_one(VisibilityTimeout=5)
    source.poll(cloud)
    poll = dead.poll(cloud)
    cloud.advance(4.999)
    assert cloud.parked == 2
    cloud.advance(0.001)
    assert poll.bodies == ["a"]
    assert cloud.parked == 1


def test_a_poll_on_the_source_goes_on_behind_a_dead_message(cloud: Harness, source: Box, dead: Box):
    source.send("a")
    exhaust(source, 2)
    poll = source.poll(cloud)
    source.send("b")
    assert poll.bodies == ["b"]
    assert dead.bodies() == ["a"]


# Another account and region.


def test_dead_letters_stay_in_their_account_and_region(cloud: Harness, dead: Box):
    elsewhere = cloud.client(account="111122223333", region="eu-north-1")
    their_dead = Box(elsewhere, "dead")
    source = Box(elsewhere, "source", RedrivePolicy=redrive(their_dead, 1))
    kill(source, "a")
    assert their_dead.receive_one()["Attributes"]["DeadLetterQueueSourceArn"] == source.arn
    assert dead.counts == Counts(0, 0, 0)


def test_the_maximum_may_be_text(sqs, dead: Box):
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": "1"})
    source = Box(sqs, RedrivePolicy=policy)
    kill(source, "a")
    assert dead.bodies() == ["a"]
