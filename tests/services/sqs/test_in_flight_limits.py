"""The limit of messages in flight: 120,000 on AWS, lowered here where every message is received through boto3."""

from __future__ import annotations

import pytest

from emulator.queue.fifo import FifoQueue
from emulator.queue.message import Message, Outcome
from emulator.queue.standard import StandardQueue
from services.sqs import limits
from services.sqs.state import SqsState
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, redrive

LIMIT = 12
OVER_LIMIT = ("OverLimit", "Too many messages are currently in flight for this queue. Delete some to continue", 403)


def lower(cloud: Harness, box: Box) -> Box:
    """Lower a queue's limit."""

    def work(emulator) -> None:
        for state in emulator.storage.states("sqs"):
            assert isinstance(state, SqsState)
            for queue in state.queues.values():
                if queue.arn == box.arn:
                    queue.core.in_flight_max = LIMIT

    cloud.run(work)
    return box


@pytest.fixture
def box(cloud: Harness, sqs) -> Box:
    """A standard queue with 15 messages and a limit of 12."""
    box = lower(cloud, Box(sqs))
    box.send_all(*(str(n) for n in range(15)))
    return box


@pytest.fixture
def fifo(cloud: Harness, sqs) -> Box:
    """A FIFO queue with 15 messages in two groups and a limit of 12."""
    box = lower(cloud, Box(sqs, "box.fifo"))
    box.send_all(*(str(n) for n in range(13)), group="g")
    box.send_all("x", "y", group="h")
    return box


def fill(box: Box) -> list[dict]:
    """Receive until the limit is reached."""
    received = box.receive() + box.receive()
    assert len(received) == LIMIT
    return received


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_queue_has_a_limit_of_120_000(cloud: Harness, sqs, name: str):
    assert Box(sqs, name).core(cloud).in_flight_max == limits.IN_FLIGHT_MAX == 120_000


def test_a_receive_takes_no_more_than_the_limit_leaves(box: Box):
    assert len(box.receive()) == 10
    assert len(box.receive()) == 2
    assert box.counts == Counts(3, LIMIT, 0)


def test_at_the_limit_a_short_poll_of_a_standard_queue_is_refused(box: Box):
    fill(box)
    assert error_of(box.receive) == OVER_LIMIT
    assert box.counts == Counts(3, LIMIT, 0)


def test_below_the_limit_an_empty_short_poll_is_not_refused(cloud: Harness, sqs):
    box = lower(cloud, Box(sqs))
    box.send_all(*(str(n) for n in range(11)))
    assert len(box.receive() + box.receive()) == 11
    assert box.receive() == []


def test_at_the_limit_a_long_poll_of_a_standard_queue_waits_and_ends_with_nothing(cloud: Harness, box: Box):
    fill(box)
    poll = box.poll(cloud, 5)
    assert cloud.parked == 1
    cloud.advance(5)
    assert poll.answer == {}


def test_at_the_limit_a_fifo_queue_hands_out_nothing_without_an_error(fifo: Box):
    assert len(fifo.receive()) == 10
    assert fifo.bodies() == ["x", "y"]
    fifo.send("z", "free")
    assert fifo.receive() == []
    assert fifo.counts == Counts(4, LIMIT, 0)


def test_a_delete_below_the_limit_lets_the_next_receive_succeed(box: Box):
    received = fill(box)
    box.delete(received[0])
    assert box.bodies() == ["12"]
    assert error_of(box.receive) == OVER_LIMIT


def test_a_change_to_zero_below_the_limit_lets_the_next_receive_succeed(box: Box):
    received = fill(box)
    box.hide(received[3], 0)
    assert box.bodies() == ["3"]


def test_timeouts_below_the_limit_let_the_next_receive_succeed(cloud: Harness, box: Box):
    fill(box)
    cloud.advance(30)
    assert len(fill(box)) == LIMIT


def test_a_purge_lets_the_next_receive_succeed(box: Box):
    fill(box)
    box.client.purge_queue(QueueUrl=box.url)
    assert box.receive() == []
    box.send("a")
    assert box.bodies() == ["a"]


@pytest.mark.parametrize("kind", ["box", "fifo"])
def test_a_delete_below_the_limit_wakes_a_long_poll(cloud: Harness, request: pytest.FixtureRequest, kind: str):
    box: Box = request.getfixturevalue(kind)
    received = fill(box)
    box.send("z", "free")
    poll = box.poll(cloud)
    assert cloud.parked == 1
    box.delete(received[-1])
    assert len(poll.messages) == 1
    assert box.counts.in_flight == LIMIT


def test_a_timeout_below_the_limit_wakes_a_long_poll(cloud: Harness, box: Box):
    box.receive(10)
    box.receive(2, VisibilityTimeout=5)
    poll = box.poll(cloud)
    cloud.advance(4.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert len(poll.messages) == 2


def test_the_expiry_of_messages_in_flight_wakes_a_long_poll_at_the_limit(cloud: Harness, sqs):
    box = lower(cloud, Box(sqs, MessageRetentionPeriod=60, VisibilityTimeout=3600))
    box.send_all(*(str(n) for n in range(LIMIT)))
    fill(box)
    cloud.advance(50)
    box.send("new")
    poll = box.poll(cloud)
    cloud.advance(9.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert cloud.parked == 0
    assert poll.bodies == ["new"]


def test_at_the_limit_nothing_is_dead_lettered(cloud: Harness, sqs, box: Box):
    dead = Box(sqs, "dead")
    box.set(RedrivePolicy=redrive(dead, 1))
    received = fill(box)
    box.hide(received[0], 0)
    assert box.bodies(1) == ["12"]
    assert dead.counts == Counts(1, 0, 0)
    error_of(box.receive)
    assert dead.counts == Counts(1, 0, 0)


def test_the_limit_is_each_queues_own(cloud: Harness, sqs, box: Box):
    fill(box)
    other = lower(cloud, Box(cloud.client(account="111122223333", region="eu-west-1")))
    other.send("a")
    assert other.bodies() == ["a"]


# The real limit, on the cores.


def message(n: int, group: str | None = None) -> Message:
    return Message(message_id=str(n), body=str(n), body_md5="", sent_ms=1000, group_id=group)


@pytest.mark.parametrize("kind", [StandardQueue, FifoQueue])
def test_a_core_has_120_000_messages_in_flight_and_no_more(kind: type[StandardQueue | FifoQueue]):
    core = kind(retention_ms=10**9, in_flight_max=limits.IN_FLIGHT_MAX)
    for n in range(120_005):
        # Few groups for speed; what is left over must not wait for a lock.
        group = f"late{n}" if n >= 120_000 else str(n // 1000)
        core.add(message(n, group if kind is FifoQueue else None), 1000, 1000)
    received = core.take(1000, 120_005, 30_000).messages
    assert len(received) == 120_000
    assert (core.visible, core.in_flight) == (5, 120_000)
    assert core.take(1000, 10, 30_000).messages == []
    assert core.delete(received[7].seq, 1, 1000) is Outcome.DONE
    assert [one.body for one in core.take(1000, 10, 30_000).messages] == ["120000"]
    assert (core.visible, core.in_flight) == (4, 120_000)
