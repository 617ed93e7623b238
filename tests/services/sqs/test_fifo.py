"""FIFO queues: the order within a message group, its lock while a message is in flight, sequence numbers."""

from __future__ import annotations

import re

import pytest

from emulator.queue.fifo import FifoQueue
from emulator.queue.message import Message
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, bodies


@pytest.fixture
def fifo(sqs) -> Box:
    return Box(sqs, "box.fifo")


def send_in_turn(box: Box, *sends: str) -> None:
    """Send messages named by their group and a number: "g1" goes to group g."""
    for name in sends:
        box.send(name, name[0])


# Order.


def test_messages_of_a_group_come_in_the_order_of_their_sending(fifo: Box):
    names = [f"g{n}" for n in range(25)]
    send_in_turn(fifo, *names)
    found = []
    while messages := fifo.receive(7):
        found += bodies(messages)
        for message in messages:
            fifo.delete(message)
    assert found == names


def test_a_batch_keeps_its_order(fifo: Box):
    fifo.send_all(*"abcdefghij", group="g")
    assert fifo.bodies() == list("abcdefghij")


def test_one_receive_hands_out_several_messages_of_a_group(fifo: Box):
    send_in_turn(fifo, "g1", "g2", "g3")
    assert fifo.bodies() == ["g1", "g2", "g3"]


def test_one_receive_takes_from_one_group_before_it_turns_to_the_next(fifo: Box):
    send_in_turn(fifo, "a1", "b1", "a2", "b2", "a3")
    assert fifo.bodies(4) == ["a1", "a2", "a3", "b1"]


def test_the_group_of_the_oldest_message_comes_first(fifo: Box):
    send_in_turn(fifo, "b1", "a1", "b2")
    assert fifo.bodies(1) == ["b1"]
    assert fifo.bodies(1) == ["a1"]


def test_groups_are_told_apart_by_case_and_punctuation(fifo: Box):
    for group in ("g", "G", "g.", "g!"):
        fifo.send(f"to {group}", group)
        fifo.send(f"to {group} again", group)
    assert [fifo.bodies(1) for _ in range(5)] == [["to g"], ["to G"], ["to g."], ["to g!"], []]


def test_the_group_is_told_to_the_receiver(fifo: Box):
    fifo.send("a", "some-group")
    assert fifo.receive_one()["Attributes"]["MessageGroupId"] == "some-group"


@pytest.mark.parametrize("operation", ["send_message", "send_message_batch"])
def test_a_message_without_group_is_refused(fifo: Box, operation: str):
    words = "The request must contain the parameter MessageGroupId."
    if operation == "send_message":
        assert error_of(fifo.send, body="a") == ("MissingParameter", words, 400)
    else:
        answer = fifo.client.send_message_batch(QueueUrl=fifo.url, Entries=[{"Id": "one", "MessageBody": "a"}])
        assert answer["Failed"] == [{"Id": "one", "SenderFault": True, "Code": "MissingParameter", "Message": words}]
    assert fifo.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("group", ["", "with space", "ä", "x" * 129, "tab\t"])
def test_a_group_of_wrong_characters_or_length_is_refused(fifo: Box, group: str):
    reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    message = f"Value {group} for parameter MessageGroupId is invalid. Reason: {reason}"
    assert error_of(fifo.send, body="a", group=group) == ("InvalidParameterValue", message, 400)


def test_a_group_may_have_128_characters_of_any_punctuation(fifo: Box):
    group = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + "x" * 96
    fifo.send("a", group)
    assert fifo.receive_one()["Attributes"]["MessageGroupId"] == group


# The lock.


def test_a_group_with_a_message_in_flight_hands_out_no_other(fifo: Box):
    send_in_turn(fifo, "g1", "g2")
    assert fifo.bodies(1) == ["g1"]
    assert fifo.receive() == []
    assert fifo.counts == Counts(1, 1, 0)


def test_a_message_sent_to_a_locked_group_waits(fifo: Box):
    fifo.send("g1", "g")
    message = fifo.receive_one()
    fifo.send("g2", "g")
    assert fifo.receive() == []
    fifo.delete(message)
    assert fifo.bodies() == ["g2"]


def test_other_groups_go_on_while_one_is_locked(fifo: Box):
    send_in_turn(fifo, "a1", "a2", "b1", "b2")
    assert fifo.bodies(1) == ["a1"]
    assert fifo.bodies() == ["b1", "b2"]
    fifo.send("c1", "c")
    assert fifo.bodies() == ["c1"]


def test_deleting_what_is_in_flight_frees_the_group(fifo: Box):
    send_in_turn(fifo, "g1", "g2", "g3")
    for message in fifo.receive(2):
        fifo.delete(message)
    assert fifo.bodies() == ["g3"]


@pytest.mark.parametrize("first", [0, 1], ids=["earlier first", "later first"])
def test_deleting_a_part_of_what_is_in_flight_keeps_the_lock(fifo: Box, first: int):
    send_in_turn(fifo, "g1", "g2", "g3")
    messages = fifo.receive(2)
    fifo.delete(messages[first])
    assert fifo.receive() == []
    fifo.delete(messages[1 - first])
    assert fifo.bodies() == ["g3"]


def test_a_timeout_frees_the_group_and_restores_the_order(cloud: Harness, fifo: Box):
    send_in_turn(fifo, "g1", "g2", "g3")
    assert fifo.bodies(2) == ["g1", "g2"]
    cloud.advance(30)
    assert fifo.bodies() == ["g1", "g2", "g3"]


def test_after_a_timeout_the_earliest_message_that_is_left_comes_first(cloud: Harness, fifo: Box):
    send_in_turn(fifo, "g1", "g2", "g3")
    _, second = fifo.receive(2)
    fifo.delete(second)
    cloud.advance(30)
    assert fifo.bodies() == ["g1", "g3"]


def test_a_message_made_visible_early_waits_for_those_of_its_group_in_flight(cloud: Harness, fifo: Box):
    send_in_turn(fifo, "g1", "g2", "g3")
    first, second = fifo.receive(2)
    fifo.hide(first, 0)
    assert fifo.receive() == []
    fifo.delete(second)
    assert fifo.bodies() == ["g1", "g3"]


def test_the_later_of_two_made_visible_early_does_not_overtake(fifo: Box):
    send_in_turn(fifo, "g1", "g2")
    first, second = fifo.receive(2)
    fifo.hide(second, 0)
    assert fifo.receive() == []
    fifo.hide(first, 0)
    assert fifo.bodies() == ["g1", "g2"]


def test_a_longer_timeout_keeps_the_lock(cloud: Harness, fifo: Box):
    send_in_turn(fifo, "g1", "g2")
    message = fifo.receive_one()
    fifo.hide(message, 100)
    cloud.advance(99.999)
    assert fifo.receive() == []
    cloud.advance(0.001)
    assert fifo.bodies() == ["g1", "g2"]


def test_a_receive_with_timeout_zero_leaves_the_group_free(fifo: Box):
    send_in_turn(fifo, "g1", "g2")
    assert fifo.bodies(1, VisibilityTimeout=0) == ["g1"]
    assert fifo.bodies() == ["g1", "g2"]


def test_a_purge_frees_all_groups(fifo: Box):
    send_in_turn(fifo, "g1", "g2")
    fifo.receive_one()
    fifo.client.purge_queue(QueueUrl=fifo.url)
    fifo.send("g3", "g")
    assert fifo.bodies() == ["g3"]


def test_a_group_comes_back_after_it_was_empty(fifo: Box):
    for n in range(3):
        fifo.send(str(n), "g")
        fifo.delete(fifo.receive_one())
    fifo.send("again", "g")
    assert fifo.bodies() == ["again"]


def test_no_message_comes_twice_within_its_timeout(fifo: Box):
    send_in_turn(fifo, *(f"{group}{n}" for n in range(4) for group in "abcde"))
    found = []
    while messages := fifo.receive(3):
        found += bodies(messages)
    assert len(found) == len(set(found))


def test_each_group_is_in_order_whatever_is_received_deleted_and_timed_out(cloud: Harness, fifo: Box):
    send_in_turn(fifo, *(f"{group}{n}" for n in range(4) for group in "abc"))
    done: list[str] = []
    for turn in range(40):
        for place, message in enumerate(fifo.receive(3)):
            # Every third receive loses what comes after its first message.
            if turn % 3 or place == 0:
                fifo.delete(message)
                done.append(message["Body"])
        cloud.advance(30)
    assert sorted(done) == sorted(f"{group}{n}" for n in range(4) for group in "abc")
    for group in "abc":
        assert [name for name in done if name[0] == group] == [f"{group}{n}" for n in range(4)]


# Delays.


def test_a_delayed_head_blocks_its_group_and_no_other():
    fifo = FifoQueue(retention_ms=10**9, in_flight_max=100)
    fifo.add(make("a1", "a"), 1000, due_ms=6000)
    fifo.add(make("a2", "a"), 1000, due_ms=1000)
    fifo.add(make("b1", "b"), 1000, due_ms=1000)
    assert [one.body for one in fifo.take(1000, 10, 0).messages] == ["b1"]
    assert [one.body for one in fifo.take(6000, 10, 30_000).messages] == ["a1", "a2", "b1"]


def test_a_delayed_message_in_the_middle_ends_the_batch_of_its_group():
    fifo = FifoQueue(retention_ms=10**9, in_flight_max=100)
    for name, due_ms in (("a1", 1000), ("a2", 6000), ("a3", 1000), ("b1", 1000)):
        fifo.add(make(name, name[0]), 1000, due_ms=due_ms)
    assert [one.body for one in fifo.take(1000, 10, 0).messages] == ["a1", "b1"]


def make(body: str, group: str) -> Message:
    return Message(message_id=body, body=body, body_md5="", sent_ms=1000, group_id=group)


def test_the_queues_delay_keeps_the_order(cloud: Harness, sqs):
    fifo = Box(sqs, "box.fifo", DelaySeconds=10)
    fifo.send("g1", "g")
    cloud.advance(5)
    fifo.send("g2", "g")
    cloud.advance(5)
    message = fifo.receive_one()
    assert message["Body"] == "g1"
    fifo.delete(message)
    assert fifo.receive() == []
    cloud.advance(5)
    assert fifo.bodies() == ["g2"]


# Sequence numbers.


def test_sequence_numbers_have_20_digits_and_increase(fifo: Box):
    sent = [fifo.send(f"{group}{n}", group)["SequenceNumber"] for n in range(5) for group in "ab"]
    assert all(re.fullmatch(r"\d{20}", number) for number in sent)
    assert sent == sorted(set(sent))


def test_sequence_numbers_are_not_consecutive(fifo: Box):
    first, second = (int(fifo.send(body, "g")["SequenceNumber"]) for body in "ab")
    assert second - first > 1


def test_the_receiver_sees_the_senders_sequence_number(fifo: Box):
    sent = fifo.send("a", "g")
    received = fifo.receive_one()
    assert received["Attributes"]["SequenceNumber"] == sent["SequenceNumber"]
    assert received["MessageId"] == sent["MessageId"]


def test_a_batch_tells_each_sequence_number(fifo: Box):
    entries = [{"Id": body, "MessageBody": body, "MessageGroupId": "g"} for body in "abc"]
    answer = fifo.client.send_message_batch(QueueUrl=fifo.url, Entries=entries)
    sent = [one["SequenceNumber"] for one in answer["Successful"]]
    assert sent == sorted(set(sent))
    assert [one["Attributes"]["SequenceNumber"] for one in fifo.receive()] == sent


def test_a_standard_queue_has_no_sequence_numbers(sqs):
    box = Box(sqs)
    assert "SequenceNumber" not in box.send("a")
    assert "SequenceNumber" not in box.receive_one()["Attributes"]


def test_a_fifo_queue_of_another_account_and_region_has_its_own_groups(cloud: Harness, fifo: Box):
    other = Box(cloud.client(account="111122223333", region="eu-west-1"), "box.fifo")
    send_in_turn(fifo, "g1")
    send_in_turn(other, "g1")
    assert fifo.bodies() == ["g1"]
    assert other.bodies() == ["g1"]
