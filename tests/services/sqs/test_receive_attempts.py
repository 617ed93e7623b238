"""ReceiveRequestAttemptId: a receive of a FIFO queue whose answer was lost can be repeated for five minutes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, bodies, redrive


@pytest.fixture
def fifo(sqs) -> Box:
    box = Box(sqs, "box.fifo")
    box.send_all("a", "b", group="g")
    return box


def attempt(box: Box, name: str = "try", count: int = 10, **options: Any) -> list[dict[str, Any]]:
    return box.receive(count, ReceiveRequestAttemptId=name, **options)


def not_retryable(name: str = "try") -> tuple[str, str, int]:
    reason = "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
    message = f"Value {name} for parameter ReceiveRequestAttemptId is invalid. Reason: {reason}"
    return "InvalidParameterValue", message, 400


def test_a_repeated_attempt_gets_the_same_messages_and_handles(fifo: Box):
    first = attempt(fifo)
    assert bodies(first) == ["a", "b"]
    again = attempt(fifo)
    assert [one["ReceiptHandle"] for one in again] == [one["ReceiptHandle"] for one in first]
    assert bodies(again) == ["a", "b"]


def test_a_repeated_attempt_is_no_further_receive(fifo: Box):
    attempt(fifo)
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in attempt(fifo)} == {"1"}


def test_a_repeated_attempt_starts_the_visibility_timeout_anew(cloud: Harness, fifo: Box):
    attempt(fifo)
    cloud.advance(20)
    attempt(fifo)
    cloud.advance(29.999)
    assert fifo.receive() == []
    cloud.advance(0.001)
    assert fifo.bodies() == ["a", "b"]


def test_a_repeated_attempt_uses_its_own_visibility_timeout(cloud: Harness, fifo: Box):
    attempt(fifo)
    attempt(fifo, VisibilityTimeout=5)
    cloud.advance(5)
    assert fifo.bodies() == ["a", "b"]


def test_an_attempt_can_be_repeated_often(cloud: Harness, fifo: Box):
    handles = [one["ReceiptHandle"] for one in attempt(fifo)]
    for _ in range(9):
        cloud.advance(29)
        assert [one["ReceiptHandle"] for one in attempt(fifo)] == handles


def test_the_messages_of_a_repeated_attempt_can_be_deleted(fifo: Box):
    attempt(fifo)
    for message in attempt(fifo):
        fifo.delete(message)
    assert fifo.counts == Counts(0, 0, 0)


def test_a_repeated_attempt_brings_no_messages_that_came_since(fifo: Box):
    attempt(fifo)
    fifo.send("c", "other")
    assert bodies(attempt(fifo)) == ["a", "b"]


def test_a_repeated_attempt_brings_the_same_number_whatever_it_asks_for(fifo: Box):
    attempt(fifo, count=1)
    assert bodies(attempt(fifo, count=10)) == ["a"]


def test_another_attempt_gets_other_messages(fifo: Box):
    fifo.send("c", "other")
    assert bodies(attempt(fifo, "one", count=1)) == ["a"]
    assert bodies(attempt(fifo, "two", count=10)) == ["c"]
    assert bodies(attempt(fifo, "one")) == ["a"]


def test_an_attempt_that_found_nothing_can_be_repeated_as_a_new_receive(sqs):
    box = Box(sqs, "box.fifo")
    assert attempt(box) == []
    box.send("a", "g")
    assert bodies(attempt(box)) == ["a"]


def test_an_attempt_is_known_in_its_own_queue_only(sqs, fifo: Box):
    attempt(fifo)
    other = Box(sqs, "other.fifo")
    other.send("c", "g")
    assert bodies(attempt(other)) == ["c"]


def test_an_attempt_whose_message_was_deleted_cannot_be_repeated(fifo: Box):
    fifo.delete(attempt(fifo)[0])
    assert error_of(attempt, box=fifo) == not_retryable()


@pytest.mark.parametrize("seconds", [0, 5, 100])
def test_an_attempt_whose_message_was_changed_cannot_be_repeated(fifo: Box, seconds: int):
    fifo.hide(attempt(fifo)[1], seconds)
    assert error_of(attempt, box=fifo) == not_retryable()


def test_an_attempt_whose_messages_another_received_cannot_be_repeated(cloud: Harness, fifo: Box):
    attempt(fifo)
    cloud.advance(30)
    assert fifo.bodies() == ["a", "b"]
    assert error_of(attempt, box=fifo) == not_retryable()


def test_a_refused_attempt_changes_nothing(cloud: Harness, fifo: Box):
    messages = attempt(fifo)
    fifo.delete(messages[0])
    cloud.advance(10)
    error_of(attempt, box=fifo)
    cloud.advance(19.999)
    assert fifo.receive() == []
    cloud.advance(0.001)
    assert fifo.bodies() == ["b"]


def test_after_the_visibility_timeout_an_attempt_receives_anew(cloud: Harness, fifo: Box):
    first = attempt(fifo)
    cloud.advance(30)
    again = attempt(fifo)
    assert bodies(again) == ["a", "b"]
    assert again[0]["ReceiptHandle"] != first[0]["ReceiptHandle"]
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_attempt_can_be_repeated_until_five_minutes_have_passed(cloud: Harness, fifo: Box):
    first = attempt(fifo, VisibilityTimeout=600)
    cloud.advance(299.999)
    assert attempt(fifo, VisibilityTimeout=600)[0]["ReceiptHandle"] == first[0]["ReceiptHandle"]
    cloud.advance(0.001)
    assert attempt(fifo) == []


def test_after_five_minutes_an_id_can_be_used_for_another_receive(cloud: Harness, fifo: Box):
    fifo.delete(attempt(fifo, count=1)[0])
    cloud.advance(300)
    assert bodies(attempt(fifo)) == ["b"]
    assert bodies(attempt(fifo)) == ["b"]


def test_a_long_poll_can_be_repeated(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo")
    poll = box.poll(cloud, ReceiveRequestAttemptId="try")
    box.send("a", "g")
    assert [one["ReceiptHandle"] for one in attempt(box)] == [one["ReceiptHandle"] for one in poll.messages]


def test_two_long_polls_of_one_attempt_get_the_same(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo")
    polls = [box.poll(cloud, ReceiveRequestAttemptId="try") for _ in range(2)]
    box.send("a", "g")
    assert [poll.bodies for poll in polls] == [["a"], ["a"]]


def test_a_parked_attempt_that_cannot_be_repeated_does_the_sender_no_harm(cloud: Harness, sqs):
    dead = Box(sqs, "dead.fifo")
    box = Box(sqs, "box.fifo", RedrivePolicy=redrive(dead, 1))
    box.send("a", "g")
    attempt(box)
    cloud.advance(30)
    poll = box.poll(cloud, ReceiveRequestAttemptId="try")  # finds "a" dead, and parks
    assert dead.counts == Counts(1, 0, 0)
    box.send("b", "g")
    assert error_of(poll.future.result, timeout=10) == not_retryable()
    assert box.bodies() == ["b"]


def test_a_purged_message_does_not_come_back_with_an_attempt(fifo: Box):
    attempt(fifo)
    fifo.client.purge_queue(QueueUrl=fifo.url)
    assert error_of(attempt, box=fifo) == not_retryable()


def test_a_standard_queue_has_no_attempts(sqs):
    box = Box(sqs)
    box.send("a")
    refused = error_of(attempt, box=box)
    assert refused.code == "InvalidParameterValue"
    assert refused.message.startswith("Value try for parameter ReceiveRequestAttemptId is invalid.")
    assert box.counts == Counts(1, 0, 0)


@pytest.mark.parametrize("name", ["with space", "ä", "x" * 129, ""])
def test_an_attempt_id_of_wrong_characters_or_length_is_refused(fifo: Box, name: str):
    refused = error_of(attempt, box=fifo, name=name)
    assert (refused.code, refused.status) == ("InvalidParameterValue", 400)
    assert "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters" in refused.message


def test_an_attempt_id_may_have_128_characters(fifo: Box):
    assert bodies(attempt(fifo, "x" * 128)) == ["a", "b"]


def test_attempts_are_forgotten_although_nobody_touches_the_queue(cloud: Harness, fifo: Box):
    core = fifo.core(cloud)
    cloud.advance(600)
    before = cloud.run(lambda _: core.entries)
    for n in range(100):
        attempt(fifo, f"try-{n}", VisibilityTimeout=0)
    assert cloud.run(lambda _: core.entries) >= before + 100
    cloud.advance(600)
    assert cloud.run(lambda _: core.entries) <= before + 2
