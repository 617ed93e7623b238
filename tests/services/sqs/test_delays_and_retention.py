"""Delays, per message and per queue, and retention: when a message becomes visible and when it is gone."""

from __future__ import annotations

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, held

RETENTION_DEFAULT_S = 345_600

# Delay per message.


def test_a_delayed_message_becomes_visible_at_the_very_millisecond(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("a", DelaySeconds=10)
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(9.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.counts == Counts(1, 0, 0)
    assert box.bodies() == ["a"]


def test_a_message_may_be_delayed_for_the_full_15_minutes(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("a", DelaySeconds=900)
    cloud.advance(899.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_the_messages_delay_beats_the_queues(cloud: Harness, sqs):
    box = Box(sqs, DelaySeconds=100)
    box.send("a", DelaySeconds=5)
    cloud.advance(4.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_messages_delay_of_zero_beats_the_queues(sqs):
    box = Box(sqs, DelaySeconds=100)
    box.send("a", DelaySeconds=0)
    assert box.bodies() == ["a"]


def test_each_entry_of_a_batch_has_its_own_delay(cloud: Harness, sqs):
    box = Box(sqs, DelaySeconds=3)
    entries = [
        {"Id": "queue", "MessageBody": "queue"},
        {"Id": "none", "MessageBody": "none", "DelaySeconds": 0},
        {"Id": "long", "MessageBody": "long", "DelaySeconds": 5},
    ]
    sqs.send_message_batch(QueueUrl=box.url, Entries=entries)
    assert box.bodies() == ["none"]
    cloud.advance(3)
    assert box.bodies() == ["queue"]
    cloud.advance(2)
    assert box.bodies() == ["long"]


@pytest.mark.parametrize("seconds", [-1, 901])
@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_delay_out_of_range_is_refused(sqs, name: str, seconds: int):
    box = Box(sqs, name)
    message = f"Value {seconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
    refused = error_of(box.send, body="a", group="g", DelaySeconds=seconds)
    assert refused == ("InvalidParameterValue", message, 400)
    assert box.counts == Counts(0, 0, 0)


def test_a_bad_delay_in_a_batch_fails_its_entry_only(sqs):
    box = Box(sqs)
    entries = [{"Id": "bad", "MessageBody": "bad", "DelaySeconds": 901}, {"Id": "good", "MessageBody": "good"}]
    answer = sqs.send_message_batch(QueueUrl=box.url, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["good"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidParameterValue", True)
    assert box.bodies() == ["good"]


def test_a_message_whose_delay_has_ended_goes_before_one_sent_after_that(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("delayed", DelaySeconds=1)
    cloud.advance(2)
    box.send("later")
    assert box.bodies() == ["delayed", "later"]


def test_a_delay_that_has_not_ended_holds_back_its_own_message_only(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("delayed", DelaySeconds=5)
    box.send("now")
    assert box.bodies() == ["now"]
    cloud.advance(5)
    assert box.bodies() == ["delayed"]


def test_a_delay_does_not_change_the_sent_timestamp(cloud: Harness, sqs):
    box = Box(sqs)
    sent_ms = str(cloud.now_ms)
    box.send("a", DelaySeconds=10)
    cloud.advance(10)
    assert box.receive_one()["Attributes"]["SentTimestamp"] == sent_ms


# Delay per queue.


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_the_queues_delay_holds_for_what_has_none_of_its_own(cloud: Harness, sqs, name: str):
    box = Box(sqs, name, DelaySeconds=10)
    box.send("a", "g")
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(9.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_longer_delay_of_a_standard_queue_does_not_touch_what_is_there(sqs):
    box = Box(sqs)
    box.send("a")
    box.set(DelaySeconds=60)
    assert box.bodies() == ["a"]


def test_a_shorter_delay_of_a_standard_queue_does_not_touch_what_is_there(cloud: Harness, sqs):
    box = Box(sqs, DelaySeconds=60)
    box.send("a")
    box.set(DelaySeconds=0)
    cloud.advance(59.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_new_delay_of_a_standard_queue_holds_for_the_next_message(sqs):
    box = Box(sqs)
    box.set(DelaySeconds=60)
    box.send("a")
    assert box.counts == Counts(0, 0, 1)


def test_a_shorter_delay_of_a_fifo_queue_frees_what_is_there(sqs):
    box = Box(sqs, "box.fifo", DelaySeconds=60)
    box.send_all("a", "b", group="g")
    box.set(DelaySeconds=0)
    assert box.counts == Counts(2, 0, 0)
    assert box.bodies() == ["a", "b"]


def test_a_longer_delay_of_a_fifo_queue_holds_back_what_is_there(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo")
    box.send("a", "g")
    box.set(DelaySeconds=60)
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(59.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_new_delay_of_a_fifo_queue_counts_from_the_send(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo", DelaySeconds=100)
    box.send("a", "g")
    cloud.advance(20)
    box.set(DelaySeconds=30)
    cloud.advance(9.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_longer_delay_of_a_fifo_queue_leaves_messages_in_flight_alone(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo")
    box.send("a", "g")
    box.receive_one(VisibilityTimeout=5)
    box.set(DelaySeconds=60)
    assert box.counts == Counts(0, 1, 0)
    cloud.advance(5)
    assert box.bodies() == ["a"]


def test_another_attribute_of_a_fifo_queue_does_not_start_its_delay_again(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo", DelaySeconds=10)
    box.send("a", "g")
    cloud.advance(5)
    box.set(VisibilityTimeout=7)
    cloud.advance(5)
    assert box.bodies() == ["a"]


def test_a_fifo_queue_has_no_delay_per_message(sqs):
    box = Box(sqs, "box.fifo")
    reason = "The request include parameter that is not valid for this queue type."
    refused = error_of(box.send, body="a", group="g", DelaySeconds=5)
    assert refused == (
        "InvalidParameterValue",
        f"Value 5 for parameter DelaySeconds is invalid. Reason: {reason}",
        400,
    )


def test_a_fifo_queue_tolerates_a_delay_of_zero(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo", DelaySeconds=5)
    box.send("a", "g", DelaySeconds=0)
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(5)
    assert box.bodies() == ["a"]


# Retention.


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_message_is_gone_at_the_end_of_its_retention(cloud: Harness, sqs, name: str):
    box = Box(sqs, name, MessageRetentionPeriod=60)
    box.send("a", "g")
    cloud.advance(59.999)
    assert box.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert box.counts == Counts(0, 0, 0)
    assert box.receive() == []


def test_retention_is_4_days_by_default(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("a")
    cloud.advance(RETENTION_DEFAULT_S - 0.001)
    assert box.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert box.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_message_in_flight_expires_too(cloud: Harness, sqs, name: str):
    box = Box(sqs, name, MessageRetentionPeriod=60)
    box.send("a", "g")
    message = box.receive_one(VisibilityTimeout=3600)
    cloud.advance(59.999)
    assert box.counts == Counts(0, 1, 0)
    cloud.advance(0.001)
    assert box.counts == Counts(0, 0, 0)
    assert error_of(box.hide, message=message, seconds=5).code == "InvalidParameterValue"
    box.delete(message)


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_delayed_message_expires_too(cloud: Harness, sqs, name: str):
    box = Box(sqs, name, MessageRetentionPeriod=60, DelaySeconds=900)
    box.send("a", "g")
    cloud.advance(59.999)
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(0.001)
    assert box.counts == Counts(0, 0, 0)
    cloud.advance(840)
    assert box.receive() == []


def test_retention_counts_from_the_send_and_not_from_the_end_of_the_delay(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("a", DelaySeconds=50)
    cloud.advance(50)
    assert box.counts == Counts(1, 0, 0)
    cloud.advance(10)
    assert box.counts == Counts(0, 0, 0)


def test_receives_do_not_prolong_retention(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60, VisibilityTimeout=10)
    box.send("a")
    for _ in range(6):
        assert box.bodies() == ["a"]
        cloud.advance(10)
    assert box.receive() == []
    assert box.counts == Counts(0, 0, 0)


def test_each_message_expires_at_its_own_instant(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("a")
    cloud.advance(20)
    box.send("b")
    cloud.advance(40)
    assert box.bodies(VisibilityTimeout=0) == ["b"]
    cloud.advance(20)
    assert box.receive() == []


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_shorter_retention_drops_what_is_too_old_for_it(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    box.send("old", "g")
    cloud.advance(100)
    box.send("new", "g")
    cloud.advance(30)
    box.set(MessageRetentionPeriod=60)
    assert box.counts == Counts(1, 0, 0)
    assert box.bodies(VisibilityTimeout=0) == ["new"]
    cloud.advance(30)
    assert box.counts == Counts(0, 0, 0)


def test_a_longer_retention_holds_for_what_is_there(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("a")
    cloud.advance(59)
    box.set(MessageRetentionPeriod=120)
    cloud.advance(60.999)
    assert box.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert box.counts == Counts(0, 0, 0)


def test_a_longer_retention_does_not_bring_back_what_has_expired(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("a")
    cloud.advance(30)
    box.send("b")
    cloud.advance(65)
    box.set(MessageRetentionPeriod=3600)
    assert box.receive() == []


@pytest.mark.parametrize("group", [None, "g"])
def test_the_next_message_comes_after_the_one_before_it_expired(cloud: Harness, sqs, group: str | None):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("old", group)
    cloud.advance(30)
    box.send("new", group)
    cloud.advance(30)
    assert box.bodies() == ["new"]


def test_an_expired_message_in_flight_frees_its_group(cloud: Harness, sqs):
    box = Box(sqs, "box.fifo", MessageRetentionPeriod=60)
    box.send("old", "g")
    box.receive_one(VisibilityTimeout=3600)
    cloud.advance(30)
    box.send("new", "g")
    assert box.receive() == []
    cloud.advance(30)
    assert box.bodies() == ["new"]


@pytest.mark.parametrize("changes", [{}, {"MessageRetentionPeriod": 3600}], ids=["as it was", "shortened"])
def test_expired_messages_leave_memory_although_nobody_touches_the_queue(cloud: Harness, sqs, changes: dict[str, int]):
    box = Box(sqs, MessageRetentionPeriod=86_400)
    core = box.core(cloud)
    box.send_all(*(str(n) for n in range(200)))
    before = cloud.run(lambda _: held(core))
    if changes:
        box.set(**changes)
    cloud.advance((3600 if changes else 86_400) + 120)
    assert cloud.run(lambda _: held(core)) < before / 2
    assert cloud.clock.timers == 0


def test_retention_works_for_another_account_and_region(cloud: Harness):
    box = Box(cloud.client(account="111122223333", region="eu-central-1"), MessageRetentionPeriod=60)
    box.send("a", DelaySeconds=30)
    cloud.advance(60)
    assert box.counts == Counts(0, 0, 0)
