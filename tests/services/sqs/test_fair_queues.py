"""Fair queues: on a standard queue, messages of quiet groups go before those of groups that take more than their share."""

from __future__ import annotations

from collections import Counter

import pytest

from emulator.queue.message import Message
from emulator.queue.standard import StandardQueue
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, held, redrive

NOISY_FROM = 30
LONG_MS = 3_600_000


@pytest.fixture
def box(sqs) -> Box:
    return Box(sqs, VisibilityTimeout=3600)


def names(prefix: str, count: int, start: int = 0) -> list[str]:
    return [f"{prefix}{n}" for n in range(start, start + count)]


def make_noisy(box: Box, group: str, *, backlog: int = 10, in_flight: int = 40) -> list[dict]:
    """Send to a group and receive so much that it is noisy; `backlog` messages are left. Needs a queue empty before."""
    box.send_all(*names(group, in_flight + backlog), group=group)
    received = [message for _ in range(in_flight // 10) for message in box.receive()]
    assert len(received) == in_flight
    return received


def noisy_groups(cloud: Harness, box: Box) -> int:
    core = box.core(cloud)
    assert isinstance(core, StandardQueue)
    return cloud.run(lambda _: core.noisy_groups)


# A group on a standard queue is no lock.


def test_messages_of_one_group_are_in_flight_at_once(box: Box):
    box.send_all("a", "b", "c", group="g")
    assert box.bodies(1) == ["a"]
    assert box.bodies(1) == ["b"]
    assert box.bodies() == ["c"]


def test_the_group_is_told_to_the_receiver(box: Box):
    box.send("a", "g")
    shown = box.receive_one()["Attributes"]
    assert shown["MessageGroupId"] == "g"
    assert not {"SequenceNumber", "MessageDeduplicationId"} & set(shown)


def test_a_message_without_group_shows_none(box: Box):
    box.send("a")
    assert "MessageGroupId" not in box.receive_one()["Attributes"]


def test_the_group_holds_the_same_characters_as_on_a_fifo_queue(box: Box):
    reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    message = f"Value a b for parameter MessageGroupId is invalid. Reason: {reason}"
    assert error_of(box.send, body="a", group="a b") == ("InvalidParameterValue", message, 400)


def test_quiet_groups_come_in_the_order_of_sending(box: Box):
    for body, group in (("a1", "a"), ("b1", "b"), ("plain", None), ("a2", "a"), ("c1", "c"), ("b2", "b")):
        box.send(body, group)
    assert box.bodies() == ["a1", "b1", "plain", "a2", "c1", "b2"]


# Noisy groups.


def test_a_quiet_groups_message_overtakes_a_noisy_groups_backlog(box: Box):
    make_noisy(box, "n")
    box.send("quiet", "q")
    assert box.bodies(2) == ["quiet", "n40"]


def test_a_message_without_group_overtakes_a_noisy_groups_backlog(box: Box):
    make_noisy(box, "n")
    box.send("plain")
    assert box.bodies(2) == ["plain", "n40"]


def test_quiet_messages_keep_their_order_among_themselves(box: Box):
    make_noisy(box, "n", backlog=2)
    for body, group in (("q1", "q"), ("plain", None), ("r1", "r"), ("q2", "q")):
        box.send(body, group)
    assert box.bodies() == ["q1", "plain", "r1", "q2", "n40", "n41"]


def test_a_noisy_group_is_served_when_nobody_else_waits(box: Box):
    make_noisy(box, "n", backlog=3)
    assert box.bodies() == ["n40", "n41", "n42"]


def test_a_group_with_fewer_than_30_in_flight_is_quiet(box: Box):
    box.send_all(*names("n", 40), group="n")
    for count in (10, 10, 9):
        assert len(box.receive(count)) == count
    box.send("quiet", "q")
    assert box.bodies(1) == ["n29"]


def test_with_30_in_flight_a_group_is_noisy(box: Box):
    make_noisy(box, "n", in_flight=NOISY_FROM)
    box.send("quiet", "q")
    assert box.bodies(1) == ["quiet"]


def test_a_group_with_no_more_than_a_tenth_of_what_is_in_flight_is_quiet():
    queue = core_with(plain=9 * NOISY_FROM, n=NOISY_FROM)
    add(queue, "n-late", "n")
    add(queue, "quiet", "q")
    assert take(queue, 1) == ["n-late"]


def test_a_group_with_just_more_than_a_tenth_of_what_is_in_flight_is_noisy():
    queue = core_with(plain=9 * NOISY_FROM - 1, n=NOISY_FROM)
    add(queue, "n-late", "n")
    add(queue, "quiet", "q")
    assert take(queue, 1) == ["quiet"]


def test_a_group_becomes_noisy_in_the_middle_of_a_receive(box: Box):
    make_noisy(box, "n", in_flight=20, backlog=20)
    box.send("quiet", "q")
    assert box.bodies(10) == names("n", 10, 20)
    assert box.bodies(2) == ["quiet", "n30"]


def test_among_noisy_groups_the_one_with_the_fewest_in_flight_goes_first():
    queue = core_with(a=50, b=40)
    add(queue, "a-late", "a")
    add(queue, "b-late", "b")
    assert take(queue, 2) == ["b-late", "a-late"]


def test_groups_take_turns_when_all_are_noisy():
    queue = core_with(a=40, b=40)
    for n in range(6):
        add(queue, f"a-late{n}", "a")
    for n in range(6):
        add(queue, f"b-late{n}", "b")
    assert Counter(body[0] for body in take(queue, 6)) == {"a": 3, "b": 3}


def test_noisy_groups_are_counted(cloud: Harness, box: Box):
    make_noisy(box, "n")
    box.send("quiet", "q")
    box.receive(1)
    assert noisy_groups(cloud, box) == 1


# By processing time.


def test_a_group_that_took_more_than_a_tenth_of_the_processing_time_is_noisy(cloud: Harness, box: Box):
    received = make_noisy(box, "n", backlog=0)
    cloud.advance(10)
    for message in received:
        box.delete(message)
    box.send("n-late", "n")
    box.send("quiet", "q")
    assert box.bodies() == ["quiet", "n-late"]


def test_a_group_whose_messages_took_no_time_is_quiet(box: Box):
    for message in make_noisy(box, "n", backlog=0):
        box.delete(message)
    box.send("n-late", "n")
    box.send("quiet", "q")
    assert box.bodies() == ["n-late", "quiet"]


def test_processing_time_of_long_ago_does_not_count(cloud: Harness, box: Box):
    received = make_noisy(box, "n", backlog=0)
    cloud.advance(10)
    for message in received:
        box.delete(message)
    cloud.advance(600)
    box.send("other", "o")
    box.delete(box.receive_one())
    box.send("n-late", "n")
    box.send("quiet", "q")
    assert box.bodies() == ["n-late", "quiet"]


# The end of noise.


def test_a_group_stays_noisy_while_it_has_a_backlog(box: Box):
    received = make_noisy(box, "n")
    box.send("quiet1", "q")
    assert box.bodies(1) == ["quiet1"]
    for message in received:
        box.delete(message)
    box.send("quiet2", "q")
    assert box.bodies(1) == ["quiet2"]


def test_a_group_is_quiet_again_when_its_backlog_is_empty(cloud: Harness, box: Box):
    received = make_noisy(box, "n", backlog=1)
    box.send("quiet1", "q")
    assert box.bodies(1) == ["quiet1"]
    received += box.receive()
    for message in received:
        box.delete(message)
    assert noisy_groups(cloud, box) == 0
    box.send("n-late", "n")
    box.send("quiet2", "q")
    assert box.bodies() == ["n-late", "quiet2"]


def test_a_group_is_quiet_again_five_minutes_after_the_last_send_to_it(cloud: Harness, box: Box):
    make_noisy(box, "n")
    box.send("quiet1", "q")
    assert box.bodies(1) == ["quiet1"]
    cloud.advance(299.999)
    box.send("quiet2", "q")
    assert box.bodies(1) == ["quiet2"]
    box.send("quiet3", "q")
    cloud.advance(0.001)
    assert box.bodies(1) == ["n40"]
    assert noisy_groups(cloud, box) == 0


def test_a_send_keeps_a_noisy_group_noisy(cloud: Harness, box: Box):
    make_noisy(box, "n")
    box.send("quiet1", "q")
    assert box.bodies(1) == ["quiet1"]
    cloud.advance(200)
    box.send("n-late", "n")
    cloud.advance(200)
    box.send("quiet2", "q")
    assert box.bodies(1) == ["quiet2"]


def test_a_purge_ends_all_noise(cloud: Harness, box: Box):
    make_noisy(box, "n")
    box.client.purge_queue(QueueUrl=box.url)
    box.send("n-late", "n")
    box.send("quiet", "q")
    assert box.bodies() == ["n-late", "quiet"]
    assert noisy_groups(cloud, box) == 0


# Nothing is lost.


def test_nothing_is_lost_or_doubled_under_noise(box: Box):
    make_noisy(box, "n")
    box.send_all(*names("q", 15), group="q")
    box.send_all(*names("plain", 5))
    assert sorted(box.drain()) == sorted(names("n", 10, 40) + names("q", 15) + names("plain", 5))


def test_everything_comes_back_after_the_timeouts(cloud: Harness, box: Box):
    make_noisy(box, "n")
    box.send_all(*names("q", 5), group="q")
    box.drain()
    cloud.advance(3600)
    assert sorted(box.drain()) == sorted(names("n", 50) + names("q", 5))


def test_a_message_behind_one_that_expired_in_its_group_is_received(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send("old", "g")
    cloud.advance(30)
    box.send("new", "g")
    cloud.advance(31)
    assert box.bodies() == ["new"]


def test_a_message_behind_one_deleted_after_its_timeout_is_received(cloud: Harness, sqs):
    box = Box(sqs)
    box.send_all("a", "b", group="g")
    late, _ = box.receive()
    assert box.receive() == []
    cloud.advance(30)
    box.delete(late)
    assert box.bodies() == ["b"]


def test_a_message_behind_one_that_was_dead_lettered_is_received(cloud: Harness, sqs):
    dead = Box(sqs, "dead")
    box = Box(sqs, RedrivePolicy=redrive(dead, 1))
    box.send("a", "g")
    box.receive_one()
    box.send_all("b", "c", group="g")
    cloud.advance(30)
    assert sorted(box.bodies()) == ["b", "c"]
    assert dead.receive_one()["Attributes"]["MessageGroupId"] == "g"


def test_delayed_messages_of_groups_arrive(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("late", "g", DelaySeconds=5)
    box.send("now", "g")
    box.delete(box.receive_one())
    cloud.advance(5)
    assert box.bodies() == ["late"]


def test_a_long_delayed_message_counts_for_its_group(cloud: Harness, box: Box):
    box.send("late", "n", DelaySeconds=900)
    box.send("one", "n")
    box.delete(box.receive_one())
    cloud.advance(600)
    assert box.counts == Counts(0, 0, 1)
    cloud.advance(300)
    late = box.receive_one()
    box.send("other", "o")
    box.delete(late)
    box.delete(box.receive_one())
    make_noisy(box, "n", in_flight=NOISY_FROM)
    box.send("quiet", "q")
    assert box.bodies(1) == ["quiet"]


def test_a_quiet_message_that_overtakes_does_not_end_a_move_task(cloud: Harness, sqs, box: Box):
    Box(sqs, "source", RedrivePolicy=redrive(box, 1))
    target = Box(sqs, "target")
    make_noisy(box, "n", backlog=5)
    sqs.start_message_move_task(SourceArn=box.arn, DestinationArn=target.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.advance(1)
    box.send("quiet", "q")
    cloud.advance(10)
    assert set(names("n", 5, 40)) <= set(target.bodies())


def test_counts_hold_with_groups(box: Box):
    make_noisy(box, "n")
    box.send("quiet", "q", DelaySeconds=5)
    assert box.counts == Counts(10, 40, 1)


def test_groups_of_another_account_and_region_make_no_noise_here(cloud: Harness, box: Box):
    make_noisy(Box(cloud.client(account="111122223333", region="eu-west-1")), "n")
    box.send("n-here", "n")
    box.send("quiet", "q")
    assert box.bodies() == ["n-here", "quiet"]


# Memory, and queues too large for boto3.


def core_with(**in_flight: int) -> StandardQueue:
    """Make a queue whose groups have so many messages in flight; `plain` are those without group."""
    queue = StandardQueue(retention_ms=10**9, in_flight_max=120_000)
    for group, count in in_flight.items():
        for n in range(count):
            add(queue, f"{group}{n}", None if group == "plain" else group)
    assert len(take(queue, sum(in_flight.values()))) == sum(in_flight.values())
    return queue


def add(queue: StandardQueue, body: str, group: str | None, now_ms: int = 1000) -> None:
    queue.add(Message(message_id=body, body=body, body_md5="", sent_ms=now_ms, group_id=group), now_ms, now_ms)


def take(queue: StandardQueue, count: int, now_ms: int = 1000) -> list[str]:
    return [message.body for message in queue.take(now_ms, count, LONG_MS).messages]


def pass_through(queue: StandardQueue, body: str, group: str, now_ms: int = 1000) -> None:
    """Send, receive and delete a message."""
    add(queue, body, group, now_ms)
    (message,) = queue.take(now_ms, 1, LONG_MS).messages
    assert message.body == body
    queue.delete(message.seq, message.receives, now_ms + 1)


def test_a_noisy_group_without_backlog_leaves_nothing_behind_with_each_message():
    queue = core_with(n=40)
    for n in range(2000):
        pass_through(queue, f"through{n}", "n")
    assert held(queue) < 1000


def test_many_groups_leave_nothing_behind():
    queue = StandardQueue(retention_ms=10**9, in_flight_max=120_000)
    for n in range(2000):
        pass_through(queue, "a", f"group{n}")
    pass_through(queue, "a", "later", 1000 + 10 * 60_000)
    assert held(queue) < 1000


@pytest.mark.one_door("it reaches into the queue of one emulator")
def test_many_groups_leave_nothing_behind_on_a_queue_that_nobody_touches(cloud: Harness, box: Box):
    core = box.core(cloud)
    assert isinstance(core, StandardQueue)

    def work(_) -> None:
        for n in range(1000):
            pass_through(core, "a", f"group{n}", cloud.clock.now_ms())

    cloud.run(work)
    box.send("a", "g")
    box.delete(box.receive_one())
    cloud.advance(5 * 86_400)
    assert cloud.run(lambda _: held(core)) < 500
