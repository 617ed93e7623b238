"""Long polls: parked at no cost, woken at the very instant at which there is something, in the order of their coming."""

from __future__ import annotations

import pytest

from emulator.app import Emulator
from emulator.router.router import Envelope
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, redrive


@pytest.fixture
def box(sqs) -> Box:
    return Box(sqs)


@pytest.fixture
def fifo(sqs) -> Box:
    return Box(sqs, "box.fifo")


# What wakes a poll.


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_send_wakes_a_poll_at_once(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    poll = box.poll(cloud)
    box.send("a", "g")
    assert poll.bodies == ["a"]
    assert cloud.parked == 0


def test_a_batch_wakes_a_poll_at_once(cloud: Harness, box: Box):
    poll = box.poll(cloud, count=1)
    box.send_all("a", "b")
    assert poll.bodies == ["a"]
    assert box.bodies() == ["b"]


def test_an_event_from_the_router_wakes_a_poll_at_once(cloud: Harness, box: Box):
    poll = box.poll(cloud)
    cloud.run(lambda emulator: emulator.router.send(box.arn, Envelope("a")))
    assert poll.bodies == ["a"]


def test_a_delay_that_ends_wakes_a_poll_at_the_very_millisecond(cloud: Harness, box: Box):
    box.send("a", DelaySeconds=7)
    poll = box.poll(cloud)
    cloud.advance(6.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


def test_a_delayed_message_sent_while_a_poll_is_parked_wakes_it_when_its_delay_ends(cloud: Harness, box: Box):
    poll = box.poll(cloud)
    box.send("a", DelaySeconds=7)
    cloud.advance(6.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


def test_the_queues_delay_wakes_a_poll_of_a_fifo_queue(cloud: Harness, sqs):
    fifo = Box(sqs, "box.fifo", DelaySeconds=7)
    fifo.send("a", "g")
    poll = fifo.poll(cloud)
    cloud.advance(6.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_visibility_timeout_that_ends_wakes_a_poll_at_the_very_millisecond(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    box.send("a", "g")
    box.receive_one(VisibilityTimeout=11)
    poll = box.poll(cloud)
    cloud.advance(10.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_change_of_visibility_to_zero_wakes_a_poll_at_once(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    box.send("a", "g")
    message = box.receive_one()
    poll = box.poll(cloud)
    box.hide(message, 0)
    assert poll.bodies == ["a"]


def test_a_batch_of_changes_to_zero_wakes_a_poll_at_once(cloud: Harness, box: Box):
    box.send("a")
    entry = {"Id": "one", "ReceiptHandle": box.receive_one()["ReceiptHandle"], "VisibilityTimeout": 0}
    poll = box.poll(cloud)
    box.client.change_message_visibility_batch(QueueUrl=box.url, Entries=[entry])
    assert poll.bodies == ["a"]


def test_a_shorter_visibility_timeout_wakes_a_poll_earlier(cloud: Harness, box: Box):
    box.send("a")
    message = box.receive_one()
    poll = box.poll(cloud)
    box.hide(message, 3)
    cloud.advance(2.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


def test_a_longer_visibility_timeout_wakes_a_poll_later(cloud: Harness, box: Box):
    box.send("a")
    message = box.receive_one(VisibilityTimeout=5)
    poll = box.poll(cloud)
    box.hide(message, 15)
    cloud.advance(14.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert poll.bodies == ["a"]


def test_a_message_dead_lettered_into_the_queue_wakes_a_poll_at_once(cloud: Harness, sqs, box: Box):
    source = Box(sqs, "source", VisibilityTimeout=0, RedrivePolicy=redrive(box, 1))
    source.send("a")
    source.receive_one()
    poll = box.poll(cloud)
    assert source.receive() == []
    assert poll.bodies == ["a"]


def test_a_move_task_into_the_queue_wakes_a_poll_at_once(cloud: Harness, sqs, box: Box):
    dead = Box(sqs, "dead")
    Box(sqs, "source", RedrivePolicy=redrive(dead, 1))
    dead.send("a")
    poll = box.poll(cloud)
    sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=box.arn)
    assert poll.bodies == ["a"]


def test_a_delete_that_frees_a_group_wakes_a_poll_at_once(cloud: Harness, fifo: Box):
    fifo.send_all("a", "b", group="g")
    message = fifo.receive_one()
    poll = fifo.poll(cloud)
    fifo.delete(message)
    assert poll.bodies == ["b"]


def test_a_batch_of_deletes_that_frees_a_group_wakes_a_poll_at_once(cloud: Harness, fifo: Box):
    fifo.send_all("a", "b", "c", group="g")
    entries = [{"Id": one["Body"], "ReceiptHandle": one["ReceiptHandle"]} for one in fifo.receive(2)]
    poll = fifo.poll(cloud)
    fifo.client.delete_message_batch(QueueUrl=fifo.url, Entries=entries)
    assert poll.bodies == ["c"]


def test_a_shorter_delay_of_a_fifo_queue_wakes_a_poll_at_once(cloud: Harness, sqs):
    fifo = Box(sqs, "box.fifo", DelaySeconds=600)
    fifo.send("a", "g")
    poll = fifo.poll(cloud)
    fifo.set(DelaySeconds=0)
    assert poll.bodies == ["a"]


def test_the_expiry_of_a_message_in_flight_that_frees_a_group_wakes_a_poll_at_once(cloud: Harness, sqs):
    fifo = Box(sqs, "box.fifo", MessageRetentionPeriod=60)
    fifo.send("old", "g")
    fifo.receive_one(VisibilityTimeout=3600)
    cloud.advance(50)
    fifo.send("new", "g")
    poll = fifo.poll(cloud)
    cloud.advance(9.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert cloud.parked == 0
    assert poll.bodies == ["new"]


def test_a_shorter_retention_that_frees_a_group_wakes_a_poll_at_once(cloud: Harness, fifo: Box):
    fifo.send("old", "g")
    fifo.receive_one(VisibilityTimeout=3600)
    cloud.advance(100)
    fifo.send("new", "g")
    poll = fifo.poll(cloud)
    fifo.set(MessageRetentionPeriod=60)
    assert poll.bodies == ["new"]


def test_a_message_to_a_locked_group_leaves_a_poll_parked(cloud: Harness, fifo: Box):
    fifo.send("a", "g")
    fifo.receive_one()
    poll = fifo.poll(cloud)
    fifo.send("b", "g")
    assert cloud.parked == 1
    fifo.send("c", "other")
    assert poll.bodies == ["c"]


def test_a_duplicate_leaves_a_poll_parked(cloud: Harness, fifo: Box):
    fifo.send("a", "g")
    fifo.delete(fifo.receive_one())
    fifo.poll(cloud)
    fifo.send("a", "g")
    assert cloud.parked == 1


# How it ends.


def test_a_poll_that_finds_something_is_answered_without_waiting(cloud: Harness, box: Box):
    box.send("a")
    assert box.poll(cloud).bodies == ["a"]
    assert cloud.clock.timers == 1  # the retention of the message, no deadline


def test_a_poll_does_not_wait_until_its_batch_is_full(cloud: Harness, box: Box):
    poll = box.poll(cloud, count=10)
    box.send("a")
    assert poll.bodies == ["a"]


@pytest.mark.parametrize("seconds", [1, 20])
def test_a_poll_ends_with_nothing_exactly_at_its_deadline(cloud: Harness, box: Box, seconds: int):
    poll = box.poll(cloud, seconds)
    cloud.advance(seconds - 0.001)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert cloud.parked == 0
    assert poll.answer == {}


def test_a_poll_whose_deadline_is_the_end_of_a_delay_sees_the_message(cloud: Harness, box: Box):
    box.send("a", DelaySeconds=10)
    poll = box.poll(cloud, 10)
    cloud.advance(10)
    assert poll.bodies == ["a"]


def test_a_poll_parked_before_a_delay_began_sees_the_message_at_its_deadline(cloud: Harness, box: Box):
    poll = box.poll(cloud, 10)
    cloud.advance(4)
    box.send("a", DelaySeconds=6)
    cloud.advance(6)
    assert poll.bodies == ["a"]


@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_poll_whose_deadline_is_the_end_of_a_visibility_timeout_sees_the_message(cloud: Harness, sqs, name: str):
    box = Box(sqs, name)
    box.send("a", "g")
    box.receive_one(VisibilityTimeout=10)
    poll = box.poll(cloud, 10)
    cloud.advance(10)
    assert poll.bodies == ["a"]


def test_a_poll_ends_a_millisecond_before_a_delay_does(cloud: Harness, box: Box):
    box.send("a", DelaySeconds=11)
    cloud.advance(0.999)
    poll = box.poll(cloud, 10)
    cloud.advance(10)
    assert poll.answer == {}
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_a_poll_ends_with_an_error_when_its_queue_is_deleted(cloud: Harness, box: Box):
    polls = [box.poll(cloud) for _ in range(2)]
    box.client.delete_queue(QueueUrl=box.url)
    for poll in polls:
        seen = error_of(poll.future.result, timeout=10)
        assert seen == ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400)
    assert cloud.clock.timers == 0


def test_a_purge_leaves_a_poll_parked(cloud: Harness, box: Box):
    box.send("a", DelaySeconds=5)
    poll = box.poll(cloud)
    box.client.purge_queue(QueueUrl=box.url)
    cloud.advance(5)
    assert cloud.parked == 1
    box.send("b")
    assert poll.bodies == ["b"]


def test_shutdown_answers_parked_polls_with_nothing(cloud: Harness, sqs, box: Box, fifo: Box):
    elsewhere = Box(cloud.client(account="111122223333", region="eu-west-1"))
    polls = [one.poll(cloud) for one in (box, box, fifo, elsewhere)]
    cloud.run(Emulator.drain)
    assert [poll.answer for poll in polls] == [{}] * 4


def test_after_shutdown_began_a_poll_is_answered_at_once(cloud: Harness, box: Box):
    cloud.run(Emulator.drain)
    assert box.receive(WaitTimeSeconds=20) == []
    assert cloud.parked == 0


@pytest.mark.parametrize("path", ["/_eventyard/reset", "/_localstack/state/reset", "/_localstack/state/sqs/reset"])
def test_a_reset_answers_parked_polls_with_nothing(cloud: Harness, box: Box, path: str):
    box.send("a", DelaySeconds=5)
    poll = box.poll(cloud)
    assert cloud.request("POST", path).status == 200
    assert poll.answer == {}
    assert cloud.clock.timers == 0


# How long.


def test_the_queues_waiting_time_holds_for_a_poll_that_names_none(cloud: Harness, sqs):
    box = Box(sqs, ReceiveMessageWaitTimeSeconds=6)
    future = cloud.background(sqs.receive_message, QueueUrl=box.url)
    cloud.advance(5.999)
    assert cloud.parked == 1
    cloud.advance(0.001)
    assert "Messages" not in future.result(timeout=10)


def test_the_polls_waiting_time_beats_the_queues(cloud: Harness, sqs):
    box = Box(sqs, ReceiveMessageWaitTimeSeconds=6)
    poll = box.poll(cloud, 2)
    cloud.advance(2)
    assert poll.answer == {}


def test_a_waiting_time_of_zero_beats_the_queues(cloud: Harness, sqs):
    box = Box(sqs, ReceiveMessageWaitTimeSeconds=6)
    assert box.receive(WaitTimeSeconds=0) == []
    assert cloud.parked == 0


def test_a_receive_without_waiting_time_is_answered_at_once(cloud: Harness, box: Box):
    assert box.receive() == []
    assert cloud.parked == 0


@pytest.mark.parametrize("seconds", [-1, 21])
def test_a_waiting_time_out_of_range_is_refused(cloud: Harness, box: Box, seconds: int):
    message = f"Value {seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
    refused = error_of(box.client.receive_message, **box.ask(WaitTimeSeconds=seconds))
    assert refused == ("InvalidParameterValue", message, 400)
    assert cloud.parked == 0


# Order.


def test_polls_are_served_in_the_order_of_their_coming(cloud: Harness, box: Box):
    polls = [box.poll(cloud, count=1) for _ in range(3)]
    for body in ("a", "b", "c"):
        box.send(body)
    assert [poll.bodies for poll in polls] == [["a"], ["b"], ["c"]]


def test_polls_woken_by_one_batch_are_served_in_the_order_of_their_coming(cloud: Harness, box: Box):
    polls = [box.poll(cloud, count=1) for _ in range(3)]
    box.send_all("a", "b", "c")
    assert [poll.bodies for poll in polls] == [["a"], ["b"], ["c"]]


def test_messages_that_become_visible_at_one_instant_go_to_the_polls_in_order(cloud: Harness, box: Box):
    for body in ("a", "b", "c"):
        box.send(body, DelaySeconds=5)
    polls = [box.poll(cloud, count=count) for count in (1, 2, 1)]
    cloud.advance(5)
    assert [poll.bodies for poll in polls[:2]] == [["a"], ["b", "c"]]
    assert cloud.parked == 1


def test_the_first_poll_comes_first_although_its_deadline_is_later(cloud: Harness, box: Box):
    patient, hasty = box.poll(cloud, 20), box.poll(cloud, 5)
    box.send("a", DelaySeconds=5)
    cloud.advance(5)
    assert patient.bodies == ["a"]
    assert hasty.answer == {}


def test_a_poll_that_ended_is_not_served(cloud: Harness, box: Box):
    early, late = box.poll(cloud, 2), box.poll(cloud, 20)
    cloud.advance(2)
    box.send("a")
    assert early.answer == {}
    assert late.bodies == ["a"]


def test_a_poll_takes_nothing_from_other_queues(cloud: Harness, sqs, box: Box):
    box.poll(cloud)
    Box(sqs, "other").send("a")
    Box(cloud.client(account="111122223333")).send("b")
    assert cloud.parked == 1


# A client that goes away.


def test_a_client_that_went_away_takes_no_message(cloud: Harness, box: Box):
    connection = box.open_poll(cloud)
    connection.hang_up()
    assert cloud.parked == 0
    box.send("a")
    assert box.receive_one()["Attributes"]["ApproximateReceiveCount"] == "1"
    assert connection.answer.result(timeout=10).status == 0


def test_a_client_that_went_away_leaves_its_place_to_the_next(cloud: Harness, box: Box):
    connection, poll = box.open_poll(cloud), box.poll(cloud)
    connection.hang_up()
    box.send("a")
    assert poll.bodies == ["a"]


def test_a_client_that_went_away_leaves_no_timer_behind(cloud: Harness, box: Box):
    box.open_poll(cloud).hang_up()
    assert cloud.clock.timers == 0


def hand_over_and_hang_up(cloud: Harness, box: Box, *bodies: str, first: str, **options) -> None:
    """Let messages arrive and the polling client go away in the same turn of the emulator's loop."""
    connection = box.open_poll(cloud, **options)

    def both(emulator: Emulator) -> None:
        if first == "close":
            connection.go()
        for body in bodies:
            group_id = "g" if box.name.endswith(".fifo") else None
            emulator.router.send(box.arn, Envelope(body, group_id=group_id))
        if first == "send":
            connection.go()

    cloud.run(both)
    assert connection.answer.result(timeout=10).status == 0


@pytest.mark.parametrize("first", ["close", "send"])
@pytest.mark.parametrize("name", ["box", "box.fifo"])
def test_a_message_handed_to_a_client_that_goes_away_in_the_same_turn_is_not_received(
    cloud: Harness, sqs, name: str, first: str
):
    box = Box(sqs, name)
    hand_over_and_hang_up(cloud, box, "a", "b", first=first)
    assert box.counts == Counts(2, 0, 0)
    cloud.advance(3)
    shown = box.receive()
    assert [one["Body"] for one in shown] == ["a", "b"]
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in shown} == {"1"}
    assert {one["Attributes"]["ApproximateFirstReceiveTimestamp"] for one in shown} == {str(cloud.now_ms)}


def test_a_message_handed_to_a_client_that_goes_away_goes_to_the_next_poll(cloud: Harness, box: Box):
    connection, poll = box.open_poll(cloud), box.poll(cloud)

    def both(emulator: Emulator) -> None:
        emulator.router.send(box.arn, Envelope("a"))
        connection.go()

    cloud.run(both)
    assert poll.bodies == ["a"]


def test_a_message_that_went_back_is_not_one_receive_nearer_to_the_dead_letter_queue(cloud: Harness, sqs):
    dead = Box(sqs, "dead")
    box = Box(sqs, RedrivePolicy=redrive(dead, 1))
    hand_over_and_hang_up(cloud, box, "a", first="send")
    assert box.bodies() == ["a"]
    assert dead.counts == Counts(0, 0, 0)


def test_a_message_that_went_back_can_be_received_deleted_and_expire_as_always(cloud: Harness, box: Box):
    hand_over_and_hang_up(cloud, box, "a", first="send", VisibilityTimeout=5)
    message = box.receive_one(VisibilityTimeout=10)
    cloud.advance(9.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.counts == Counts(1, 0, 0)
    box.delete(message)
    assert box.counts == Counts(0, 0, 0)


def test_a_client_that_went_away_can_repeat_its_receive_attempt(cloud: Harness, fifo: Box):
    hand_over_and_hang_up(cloud, fifo, "a", first="send", ReceiveRequestAttemptId="once-more")
    assert fifo.bodies(ReceiveRequestAttemptId="once-more") == ["a"]
