"""The approximate counts of a queue are exact at every instant, and what has gone leaves nothing behind in memory."""

from __future__ import annotations

import pytest

from emulator.queue.core import QueueCore
from emulator.queue.fifo import FifoQueue
from emulator.queue.message import Message
from emulator.queue.standard import StandardQueue
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, held, redrive

BOUND = 400
"""What a core that has worked through thousands of messages may still hold: the dead entries that are not worth a sweep."""


@pytest.fixture(params=["box", "box.fifo"], ids=["standard", "fifo"])
def box(request: pytest.FixtureRequest, sqs) -> Box:
    return Box(sqs, request.param)


def test_an_empty_queue_counts_nothing(box: Box):
    assert box.counts == Counts(0, 0, 0)


def test_counts_follow_a_message_through_its_life(cloud: Harness, sqs, box: Box):
    seen = []
    box.set(DelaySeconds=5)
    box.send("a", "g")
    seen.append(box.counts)
    cloud.advance(5)
    seen.append(box.counts)
    box.receive_one(VisibilityTimeout=10)
    seen.append(box.counts)
    cloud.advance(10)
    seen.append(box.counts)
    message = box.receive_one()
    seen.append(box.counts)
    box.delete(message)
    seen.append(box.counts)
    assert seen == [(0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 0)]


def test_sends_are_counted(box: Box):
    box.send("a", "g")
    box.send_all("b", "c", group="h")
    assert box.counts == Counts(3, 0, 0)


def test_delayed_messages_are_counted_apart(cloud: Harness, sqs):
    box = Box(sqs)
    for seconds in (0, 5, 10):
        box.send("a", DelaySeconds=seconds)
    assert box.counts == Counts(1, 0, 2)
    cloud.advance(5)
    assert box.counts == Counts(2, 0, 1)
    cloud.advance(4.999)
    assert box.counts == Counts(2, 0, 1)
    cloud.advance(0.001)
    assert box.counts == Counts(3, 0, 0)


def test_receives_are_counted(box: Box):
    box.send_all(*"abcde", group="g")
    box.receive(3)
    assert box.counts == Counts(2, 3, 0)


def test_an_empty_receive_changes_no_count(box: Box):
    box.send("a", "g")
    box.receive_one()
    assert box.receive() == []
    assert box.counts == Counts(0, 1, 0)


def test_changes_of_visibility_are_counted(box: Box):
    box.send_all("a", "b", group="g")
    first, _ = box.receive()
    box.hide(first, 100)
    assert box.counts == Counts(0, 2, 0)
    box.hide(first, 0)
    assert box.counts == Counts(1, 1, 0)


def test_a_second_delete_is_not_counted(box: Box):
    box.send_all("a", "b", group="g")
    message = box.receive_one()
    box.delete(message)
    box.delete(message)
    assert box.counts == Counts(1, 0, 0)


def test_a_delete_after_the_timeout_is_counted(cloud: Harness, sqs):
    box = Box(sqs)
    box.send("a")
    message = box.receive_one()
    cloud.advance(30)
    box.delete(message)
    assert box.counts == Counts(0, 0, 0)


def test_a_purge_empties_all_counts(cloud: Harness, box: Box):
    box.send_all("a", "b", group="g")
    box.receive_one()
    box.set(DelaySeconds=900)
    box.send("c", "h")
    assert sum(box.counts) == 3
    box.client.purge_queue(QueueUrl=box.url)
    assert box.counts == Counts(0, 0, 0)
    cloud.advance(900)
    assert box.counts == Counts(0, 0, 0)


def test_counts_begin_anew_after_a_purge(cloud: Harness, box: Box):
    box.send_all("a", "b", group="g")
    stale = box.receive_one()
    box.client.purge_queue(QueueUrl=box.url)
    box.send("c", "g")
    box.delete(stale)
    cloud.advance(30)
    assert box.counts == Counts(1, 0, 0)


def test_expiry_in_each_state_is_counted(cloud: Harness, sqs):
    box = Box(sqs, MessageRetentionPeriod=60)
    box.send_all("a", "b")
    box.send("c", DelaySeconds=900)
    box.receive_one(VisibilityTimeout=600)
    assert box.counts == Counts(1, 1, 1)
    cloud.advance(60)
    assert box.counts == Counts(0, 0, 0)
    cloud.advance(900)
    assert box.counts == Counts(0, 0, 0)


def test_dead_letters_are_counted_where_they_are(sqs):
    dead = Box(sqs, "dead")
    box = Box(sqs, RedrivePolicy=redrive(dead, 1))
    box.send_all("a", "b")
    box.receive(VisibilityTimeout=0)
    box.receive(1)
    assert (box.counts, dead.counts) == (Counts(0, 0, 0), Counts(2, 0, 0))


def test_a_duplicate_is_not_counted(sqs):
    box = Box(sqs, "box.fifo")
    box.send("a", "g")
    box.send("a", "g")
    assert box.counts == Counts(1, 0, 0)


def test_each_count_can_be_asked_for_alone(box: Box):
    box.send_all("a", "b", "c", group="g")
    box.receive(2)
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    assert [box.attribute(name) for name in names] == ["1", "2", "0"]


def test_counts_are_each_accounts_and_regions_own(cloud: Harness, box: Box):
    other = Box(cloud.client(account="111122223333", region="eu-west-1"), box.name)
    other.send("a", "g")
    assert box.counts == Counts(0, 0, 0)
    assert other.counts == Counts(1, 0, 0)


# What stays in memory.


def test_an_empty_receive_leaves_nothing_behind(cloud: Harness, box: Box):
    core = box.core(cloud)
    before = cloud.run(lambda _: (core.entries, held(core)))
    for _ in range(50):
        assert box.receive() == []
    assert cloud.run(lambda _: (core.entries, held(core))) == before
    assert cloud.clock.timers == 0


def test_a_long_poll_that_found_nothing_leaves_nothing_behind(cloud: Harness, box: Box):
    core = box.core(cloud)
    before = cloud.run(lambda _: (core.entries, held(core)))
    poll = box.poll(cloud)
    cloud.advance(20)
    assert poll.answer == {}
    assert cloud.run(lambda _: (core.entries, held(core))) == before
    assert cloud.clock.timers == 0


def test_a_deleted_queue_leaves_no_timer_behind(cloud: Harness, box: Box):
    box.send("a", "g")
    box.receive_one()
    poll = box.poll(cloud)
    assert cloud.clock.timers > 0
    box.client.delete_queue(QueueUrl=box.url)
    assert poll.future.exception(timeout=10) is not None
    assert cloud.clock.timers == 0


def test_many_parked_polls_have_one_timer_for_what_becomes_visible(cloud: Harness, sqs):
    box = Box(sqs)
    for n in range(5):
        box.send(str(n), DelaySeconds=100 + n)
    before = cloud.clock.timers
    for _ in range(4):
        box.poll(cloud)
    assert cloud.clock.timers == before + 4 + 1  # four deadlines, one wake


def test_a_purge_leaves_no_message_in_memory(cloud: Harness, box: Box):
    core = box.core(cloud)
    box.send_all(*(str(n) for n in range(30)), group="g")
    box.receive()
    box.client.purge_queue(QueueUrl=box.url)
    remembered = 30 if box.name.endswith(".fifo") else 0  # the deduplication window stays
    assert cloud.run(lambda _: core.entries) == remembered


def core_of(kind: type[QueueCore]) -> QueueCore:
    return kind(retention_ms=10**9, in_flight_max=120_000)


def put(core: QueueCore, n: int, group: str | None, due_ms: int = 1000) -> None:
    core.add(Message(message_id=str(n), body="x" * 100, body_md5="", sent_ms=1000, group_id=group), 1000, due_ms)


kinds = pytest.mark.parametrize(
    ("kind", "group"),
    [(StandardQueue, None), (StandardQueue, "g"), (FifoQueue, "g")],
    ids=["standard", "fair", "fifo"],
)


@kinds
def test_many_messages_sent_and_deleted_leave_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    for n in range(3000):
        put(core, n, group)
        (message,) = core.take(1000, 1, 30_000).messages
        core.delete(message.seq, message.receives, 1000)
    assert len(core) == 0
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_a_large_backlog_that_is_deleted_leaves_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    for n in range(3000):
        put(core, n, group)
    for message in core.take(1000, 3000, 30_000).messages:
        core.delete(message.seq, message.receives, 1000)
    assert (len(core), core.visible, core.in_flight, core.delayed) == (0, 0, 0, 0)
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_a_large_backlog_that_expires_leaves_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    for n in range(3000):
        put(core, n, group, due_ms=1000 + (n % 2) * 500_000)
    core.take(1000, 500, 10**8)
    core.settle(1000 + 10**9)
    assert (len(core), core.visible, core.in_flight, core.delayed) == (0, 0, 0, 0)
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_many_changes_of_one_visibility_timeout_leave_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    put(core, 1, group)
    (message,) = core.take(1000, 1, 30_000).messages
    for n in range(3000):
        core.change_visibility(message.seq, message.receives, 1000 + n, 1000)
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_many_receives_of_one_message_leave_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    put(core, 1, group)
    for n in range(3000):
        assert len(core.take(1000 + n, 1, 0).messages) == 1
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_many_receives_that_were_given_back_leave_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    put(core, 1, group)
    for n in range(3000):
        (message,) = core.take(1000 + n, 1, 30_000).messages
        core.give_back(message, message.receives, 1000 + n)
    assert (core.visible, core.in_flight) == (1, 0)
    assert core.entries < BOUND
    assert held(core) < BOUND


@kinds
def test_empty_receives_of_a_core_leave_nothing_behind(kind: type[QueueCore], group: str | None):
    core = core_of(kind)
    put(core, 1, group)
    core.take(1000, 1, 30_000)
    before = held(core)
    for _ in range(1000):
        assert core.take(1000, 10, 30_000).messages == []
    assert held(core) <= before


def test_groups_that_are_empty_leave_nothing_behind():
    core = core_of(FifoQueue)
    for n in range(3000):
        put(core, n, f"group{n}")
        (message,) = core.take(1000, 1, 30_000).messages
        core.delete(message.seq, message.receives, 1000)
    assert core.entries < BOUND
    assert held(core) < BOUND
