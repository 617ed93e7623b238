"""Message move tasks: what a dead-letter queue holds goes back to where it came from, or elsewhere."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from services.sqs import limits
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, redrive

FORMAT = "You must use this format to specify the {}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
MISSING = "The resource that you specified for the {} parameter doesn't exist."
NON_EXISTENT = "AWS.SimpleQueueService.NonExistentQueue"
ELSEWHERE = {"account": "111122223333", "region": "eu-west-1"}


@pytest.fixture
def dead(sqs) -> Box:
    return Box(sqs, "dead")


@pytest.fixture
def source(sqs, dead: Box) -> Box:
    return Box(sqs, "source", RedrivePolicy=redrive(dead, 1))


@pytest.fixture
def other(sqs) -> Box:
    return Box(sqs, "other")


def bury(source: Box, *bodies: str) -> None:
    """Send messages and dead-letter them."""
    source.send_all(*bodies, **({"group": "g"} if source.name.endswith(".fifo") else {}))
    while source.receive(VisibilityTimeout=0):
        pass


def start(dead: Box, **options: Any) -> str:
    return dead.client.start_message_move_task(SourceArn=dead.arn, **options)["TaskHandle"]


def listed(dead: Box, count: int = 10) -> list[dict[str, Any]]:
    answer = dead.client.list_message_move_tasks(SourceArn=dead.arn, MaxResults=count)
    return answer.get("Results", [])


def latest(dead: Box) -> dict[str, Any]:
    return listed(dead, 1)[0]


def moved(dead: Box) -> int:
    return latest(dead)["ApproximateNumberOfMessagesMoved"]


def names(count: int) -> list[str]:
    return [f"m{n}" for n in range(count)]


# Where messages go.


def test_without_a_destination_messages_go_back_to_their_source(source: Box, dead: Box):
    bury(source, "a", "b")
    assert dead.counts == Counts(2, 0, 0)
    start(dead)
    assert dead.counts == Counts(0, 0, 0)
    assert source.bodies() == ["a", "b"]


def test_without_a_destination_each_message_goes_to_its_own_source(sqs, source: Box, dead: Box):
    second = Box(sqs, "second", RedrivePolicy=redrive(dead, 1))
    bury(source, "a")
    bury(second, "b")
    start(dead)
    assert source.bodies() == ["a"]
    assert second.bodies() == ["b"]


def test_with_a_destination_all_messages_go_there(source: Box, dead: Box, other: Box):
    bury(source, "a")
    dead.send("sent to the dead-letter queue itself")
    start(dead, DestinationArn=other.arn)
    assert sorted(other.bodies()) == ["a", "sent to the dead-letter queue itself"]
    assert source.counts == Counts(0, 0, 0)


def test_more_messages_than_one_slice_all_go(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send_all(*names(250))
    start(dead, DestinationArn=other.arn)
    cloud.advance(0)
    assert other.counts == Counts(250, 0, 0)
    assert (latest(dead)["Status"], moved(dead)) == ("COMPLETED", 250)


def test_messages_in_flight_and_delayed_ones_stay(cloud: Harness, source: Box, dead: Box, other: Box):
    dead.send_all("a", "b")
    dead.receive_one()
    dead.send("c", DelaySeconds=60)
    start(dead, DestinationArn=other.arn)
    cloud.advance(0)
    assert other.bodies() == ["b"]
    assert dead.counts == Counts(0, 1, 1)
    assert latest(dead)["Status"] == "COMPLETED"


def test_fifo_messages_go_back_in_order(sqs):
    dead = Box(sqs, "dead.fifo")
    source = Box(sqs, "source.fifo", RedrivePolicy=redrive(dead, 1))
    bury(source, "a", "b", "c")
    start(dead)
    found = source.receive()
    assert [one["Body"] for one in found] == ["a", "b", "c"]
    assert {one["Attributes"]["MessageGroupId"] for one in found} == {"g"}
    numbers = [one["Attributes"]["SequenceNumber"] for one in found]
    assert numbers == sorted(set(numbers))


def test_a_task_moves_in_another_account_and_region(cloud: Harness):
    client = cloud.client(**ELSEWHERE)
    dead = Box(client, "dead")
    source = Box(client, "source", RedrivePolicy=redrive(dead, 1))
    bury(source, "a")
    start(dead)
    assert source.bodies() == ["a"]
    assert latest(dead)["SourceArn"] == "arn:aws:sqs:eu-west-1:111122223333:dead"


# What becomes of them.


def test_a_moved_message_is_a_new_message(cloud: Harness, source: Box, dead: Box):
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}}
    sent = source.send("a", "g", MessageAttributes=attributes)
    source.receive(VisibilityTimeout=0)
    assert source.receive() == []
    cloud.advance(100)
    start(dead)
    moved_ms = str(cloud.now_ms)
    cloud.advance(5)
    (found,) = source.receive(MessageAttributeNames=["All"])
    assert found["MessageId"] != sent["MessageId"]
    assert (found["Body"], found["MessageAttributes"]) == ("a", attributes)
    assert found["Attributes"]["MessageGroupId"] == "g"
    assert found["Attributes"]["SentTimestamp"] == moved_ms
    assert found["Attributes"]["ApproximateReceiveCount"] == "1"
    assert found["Attributes"]["ApproximateFirstReceiveTimestamp"] == str(cloud.now_ms)
    assert "DeadLetterQueueSourceArn" not in found["Attributes"]


def test_the_retention_of_a_moved_message_starts_anew(cloud: Harness, sqs, dead: Box):
    source = Box(sqs, "source", MessageRetentionPeriod=100, RedrivePolicy=redrive(dead, 1))
    bury(source, "a")
    cloud.advance(1000)
    start(dead)
    cloud.advance(99.999)
    assert source.counts == Counts(1, 0, 0)
    cloud.advance(0.001)
    assert source.counts == Counts(0, 0, 0)


def test_a_moved_message_can_die_again(source: Box, dead: Box):
    bury(source, "a")
    start(dead)
    assert source.bodies(VisibilityTimeout=0) == ["a"]
    assert source.receive() == []
    assert dead.receive_one()["Attributes"]["ApproximateReceiveCount"] == "2"


# Listing.


def test_a_finished_task_is_listed(cloud: Harness, source: Box, dead: Box):
    bury(source, "a", "b")
    started_ms = cloud.now_ms
    start(dead)
    cloud.advance(1)
    assert listed(dead) == [
        {
            "Status": "COMPLETED",
            "SourceArn": dead.arn,
            "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 2,
            "StartedTimestamp": started_ms,
        }
    ]


def test_a_running_task_is_listed_with_its_handle(cloud: Harness, source: Box, dead: Box, other: Box):
    bury(source, *names(3))
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.advance(1)
    assert listed(dead) == [
        {
            "TaskHandle": handle,
            "Status": "RUNNING",
            "SourceArn": dead.arn,
            "DestinationArn": other.arn,
            "MaxNumberOfMessagesPerSecond": 1,
            "ApproximateNumberOfMessagesMoved": 1,
            "ApproximateNumberOfMessagesToMove": 3,
            "StartedTimestamp": cloud.now_ms - 1000,
        }
    ]


def test_a_queue_without_tasks_lists_nothing(source: Box, dead: Box):
    assert "Results" not in dead.client.list_message_move_tasks(SourceArn=dead.arn)


def test_tasks_are_listed_newest_first(cloud: Harness, source: Box, dead: Box):
    started = []
    for _ in range(3):
        started.insert(0, cloud.now_ms)
        start(dead)
        cloud.advance(1)
    assert [one["StartedTimestamp"] for one in listed(dead)] == started
    (only,) = dead.client.list_message_move_tasks(SourceArn=dead.arn)["Results"]  # one by default
    assert only["StartedTimestamp"] == started[0]


def test_ten_tasks_are_listed_at_most(cloud: Harness, source: Box, dead: Box):
    for _ in range(12):
        start(dead)
        cloud.advance(1)
    assert len(listed(dead, 10)) == 10
    assert len(listed(dead, 4)) == 4
    assert latest(dead)["StartedTimestamp"] == cloud.now_ms - 1000


@pytest.mark.parametrize("count", [0, 11, -1])
def test_a_number_of_results_out_of_range_is_refused(source: Box, dead: Box, count: int):
    refused = error_of(dead.client.list_message_move_tasks, SourceArn=dead.arn, MaxResults=count)
    assert (refused.code, refused.status) == ("InvalidParameterValue", 400)
    assert refused.message.startswith(f"Value {count} for parameter MaxResults is invalid.")


# The rate.


def test_a_rate_holds_each_second(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send_all(*names(25))
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=10)
    assert moved(dead) == 0
    cloud.advance(0.5)
    assert moved(dead) == 5  # spread over the second
    cloud.advance(0.5)
    progress = [(moved(dead), other.counts.visible, dead.counts.visible)]
    for _ in range(2):
        cloud.advance(1)
        progress.append((moved(dead), other.counts.visible, dead.counts.visible))
    assert progress == [(10, 10, 15), (20, 20, 5), (25, 25, 0)]
    assert latest(dead)["Status"] == "COMPLETED"


@pytest.mark.parametrize("rate", [0, -1, 501])
def test_a_rate_out_of_range_is_refused(source: Box, dead: Box, rate: int):
    refused = error_of(start, dead=dead, MaxNumberOfMessagesPerSecond=rate)
    assert (refused.code, refused.status) == ("InvalidParameterValue", 400)
    assert refused.message.startswith(f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid.")
    assert listed(dead) == []


def test_a_task_with_a_rate_leaves_no_timer_behind(cloud: Harness, dead: Box, source: Box, other: Box):
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=10)
    cloud.advance(5)
    assert cloud.clock.timers == 0


# Cancelling.


def test_a_cancelled_task_stops_and_says_what_it_moved(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send_all(*names(10))
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.advance(3)
    answer = dead.client.cancel_message_move_task(TaskHandle=handle)
    assert answer["ApproximateNumberOfMessagesMoved"] == 3
    assert latest(dead)["Status"] == "CANCELLING"
    assert "TaskHandle" not in latest(dead)
    cloud.advance(10)
    assert latest(dead)["Status"] == "CANCELLED"
    assert "TaskHandle" not in latest(dead)
    assert (dead.counts.visible, other.counts.visible) == (7, 3)


def test_after_a_cancelled_task_another_can_start(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send_all(*names(10))
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    dead.client.cancel_message_move_task(TaskHandle=handle)
    cloud.advance(1)
    start(dead, DestinationArn=other.arn)
    assert [one["Status"] for one in listed(dead)] == ["COMPLETED", "CANCELLED"]
    assert other.counts.visible == 10


@pytest.mark.parametrize("again", [False, True], ids=["completed", "cancelling"])
def test_only_a_running_task_can_be_cancelled(cloud: Harness, dead: Box, source: Box, other: Box, again: bool):
    dead.send_all(*names(2))
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    if again:
        dead.client.cancel_message_move_task(TaskHandle=handle)
    else:
        cloud.advance(5)
        assert latest(dead)["Status"] == "COMPLETED"
    refused = error_of(dead.client.cancel_message_move_task, TaskHandle=handle)
    assert (refused.code, refused.status) == ("AWS.SimpleQueueService.UnsupportedOperation", 400)


@pytest.mark.parametrize(
    "handle",
    [
        "garbage",
        "ÄÖÜ",
        base64.b64encode(b"not json").decode(),
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b'{"taskId": "1"}').decode(),
    ],
)
def test_a_garbage_task_handle_is_refused(source: Box, handle: str):
    refused = error_of(source.client.cancel_message_move_task, TaskHandle=handle)
    assert refused == ("InvalidParameterValue", "Value for parameter TaskHandle is invalid.", 400)


def test_an_unknown_task_does_not_exist(source: Box, dead: Box):
    content = orjson.dumps({"taskId": "db442f5a-8484-470e-9aa3-e70e8fcb9163", "sourceArn": dead.arn})
    refused = error_of(source.client.cancel_message_move_task, TaskHandle=base64.b64encode(content).decode())
    assert refused == ("ResourceNotFoundException", "Task does not exist.", 404)


def test_a_task_of_another_account_does_not_exist(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send("a")
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    refused = error_of(cloud.client(**ELSEWHERE).cancel_message_move_task, TaskHandle=handle)
    assert refused == ("ResourceNotFoundException", "Task does not exist.", 404)
    assert latest(dead)["Status"] == "RUNNING"


# What StartMessageMoveTask refuses.


def test_the_source_must_be_a_dead_letter_queue(other: Box):
    refused = error_of(start, dead=other)
    assert refused == ("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.", 400)


def test_a_queue_that_is_no_longer_a_dead_letter_queue_is_refused(source: Box, dead: Box):
    source.set(RedrivePolicy="")
    assert error_of(start, dead=dead).message == "Source queue must be configured as a Dead Letter Queue."


@pytest.mark.parametrize("operation", ["start_message_move_task", "list_message_move_tasks"])
def test_a_missing_source_is_not_found(sqs, operation: str):
    refused = error_of(getattr(sqs, operation), SourceArn="arn:aws:sqs:us-east-1:000000000000:missing")
    assert refused == ("ResourceNotFoundException", MISSING.format("SourceArn"), 404)


@pytest.mark.parametrize("operation", ["start_message_move_task", "list_message_move_tasks"])
def test_a_source_in_another_region_is_not_found(cloud: Harness, source: Box, dead: Box, operation: str):
    client = cloud.client(region="eu-west-1")
    refused = error_of(getattr(client, operation), SourceArn=dead.arn)
    assert refused == ("ResourceNotFoundException", MISSING.format("SourceArn"), 404)


def test_a_missing_destination_is_not_found(source: Box, dead: Box):
    refused = error_of(start, dead=dead, DestinationArn="arn:aws:sqs:us-east-1:000000000000:missing")
    assert refused == ("ResourceNotFoundException", MISSING.format("DestinationArn"), 404)
    assert listed(dead) == []


@pytest.mark.parametrize("arn", ["garbage", "arn:aws:sqs:us-east-1", "arn:aws:sns:us-east-1:000000000000:topic"])
@pytest.mark.parametrize("operation", ["start_message_move_task", "list_message_move_tasks"])
def test_a_bad_source_arn_is_refused(sqs, operation: str, arn: str):
    refused = error_of(getattr(sqs, operation), SourceArn=arn)
    assert refused == ("InvalidParameterValue", FORMAT.format("SourceArn"), 400)


def test_a_bad_destination_arn_is_refused(source: Box, dead: Box):
    refused = error_of(start, dead=dead, DestinationArn="garbage")
    assert refused == ("InvalidParameterValue", FORMAT.format("DestinationArn"), 400)


@pytest.mark.parametrize("operation", ["start_message_move_task", "list_message_move_tasks"])
def test_another_accounts_queue_is_denied(cloud: Harness, source: Box, dead: Box, operation: str):
    client = cloud.client(account="111122223333")
    refused = error_of(getattr(client, operation), SourceArn=dead.arn)
    assert (refused.code, refused.status) == ("AccessDenied", 403)


def test_a_second_task_of_a_running_source_is_refused(cloud: Harness, dead: Box, source: Box, other: Box):
    dead.send_all(*names(5))
    handle = start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    message = "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    assert error_of(start, dead=dead) == ("InvalidParameterValue", message, 400)
    assert len(listed(dead)) == 1
    dead.client.cancel_message_move_task(TaskHandle=handle)
    assert error_of(start, dead=dead) == ("InvalidParameterValue", message, 400)


def test_an_account_has_100_active_tasks_at_most(monkeypatch, sqs, dead: Box, source: Box, other: Box):
    assert limits.MOVE_TASKS_ACTIVE_MAX == 100
    monkeypatch.setattr(limits, "MOVE_TASKS_ACTIVE_MAX", 1)
    second = Box(sqs, "second-dead")
    Box(sqs, "second", RedrivePolicy=redrive(second, 1))
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    refused = error_of(start, dead=second)
    assert (refused.code, refused.status) == ("OverLimit", 403)
    assert listed(second) == []


# Failure.


def failed(dead: Box) -> tuple[str, str, int]:
    task = latest(dead)
    assert "TaskHandle" not in task
    return task["Status"], task["FailureReason"], task["ApproximateNumberOfMessagesMoved"]


def test_a_message_without_a_source_fails_a_task_without_a_destination(source: Box, dead: Box):
    bury(source, "a")
    dead.send("sent to the dead-letter queue itself")
    start(dead)
    assert failed(dead) == ("FAILED", "CouldNotDetermineMessageSource", 1)
    assert source.bodies() == ["a"]
    assert dead.bodies() == ["sent to the dead-letter queue itself"]


def test_a_source_deleted_meanwhile_fails_the_task_and_loses_nothing(cloud: Harness, sqs, source: Box, dead: Box):
    second = Box(sqs, "second", RedrivePolicy=redrive(dead, 1))
    bury(second, "a", "b")
    sqs.delete_queue(QueueUrl=second.url)
    start(dead)
    assert failed(dead) == ("FAILED", NON_EXISTENT, 0)
    found = dead.receive()
    assert [one["Body"] for one in found] == ["a", "b"]
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in found} == {"2"}


def test_a_destination_deleted_meanwhile_fails_the_task_and_loses_nothing(
    cloud: Harness, sqs, source: Box, dead: Box, other: Box
):
    dead.send_all(*names(5))
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.advance(2)
    sqs.delete_queue(QueueUrl=other.url)
    cloud.advance(1)
    assert failed(dead) == ("FAILED", NON_EXISTENT, 2)
    assert dead.bodies() == ["m2", "m3", "m4"]


def test_a_fifo_task_that_fails_leaves_the_order_as_it_was(cloud: Harness, sqs):
    dead = Box(sqs, "dead.fifo")
    Box(sqs, "source.fifo", RedrivePolicy=redrive(dead, 1))
    dead.send_all("a", "b", "c", group="g")
    start(dead)
    assert failed(dead) == ("FAILED", "CouldNotDetermineMessageSource", 0)
    assert dead.bodies() == ["a", "b", "c"]


def test_a_dead_letter_queue_deleted_meanwhile_ends_the_task(cloud: Harness, sqs, source: Box, dead: Box, other: Box):
    dead.send_all(*names(5))
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.advance(2)
    sqs.delete_queue(QueueUrl=dead.url)
    cloud.advance(10)
    assert other.counts.visible == 2
    assert cloud.run(lambda emulator: len(emulator.tasks)) == 0


def test_a_reset_ends_all_tasks(cloud: Harness, source: Box, dead: Box, other: Box):
    dead.send_all(*names(5))
    start(dead, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1)
    cloud.request("POST", "/_eventyard/reset")
    cloud.advance(10)
    assert cloud.run(lambda emulator: len(emulator.tasks)) == 0
    assert cloud.clock.timers == 0


@pytest.mark.parametrize("named", [False, True], ids=["by default", "named"])
def test_a_task_whose_destination_is_its_own_source_ends(cloud: Harness, sqs, named: bool):
    box = Box(sqs)
    box.set(RedrivePolicy=redrive(box, 1))
    bury(box, "a", "b")
    start(box, **({"DestinationArn": box.arn} if named else {}))
    cloud.advance(5)
    assert (latest(box)["Status"], moved(box)) == ("COMPLETED", 2)
    assert sorted(box.bodies()) == ["a", "b"]
