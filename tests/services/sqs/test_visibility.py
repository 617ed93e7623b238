"""Visibility timeouts: how long a received message stays away, and what its receipt handles are good for meanwhile and after."""

from __future__ import annotations

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_flow import Box, Counts, bodies

CAP_S = 43_200
INVALID_HANDLE = ("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", 404)


def expired(handle: str) -> tuple[str, str, int]:
    message = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    return "InvalidParameterValue", message, 400


def not_available(handle: str) -> tuple[str, str, int]:
    reason = "Message does not exist or is not available for visibility timeout change."
    return "InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}", 400


def too_long(seconds: int) -> tuple[str, str, int]:
    reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    return "InvalidParameterValue", f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: {reason}", 400


@pytest.fixture(params=["box", "box.fifo"], ids=["standard", "fifo"])
def either(request: pytest.FixtureRequest, sqs) -> Box:
    """A queue of each kind with one message in it."""
    box = Box(sqs, request.param)
    box.send("a", "g")
    return box


@pytest.fixture
def standard(sqs) -> Box:
    box = Box(sqs)
    box.send("a")
    return box


@pytest.fixture
def fifo(sqs) -> Box:
    box = Box(sqs, "box.fifo")
    box.send("a", "g")
    return box


# How long.


def test_a_received_message_stays_away_for_the_queues_timeout_of_30_seconds(cloud: Harness, either: Box):
    either.receive_one()
    cloud.advance(29.999)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


def test_the_queues_own_timeout_holds(cloud: Harness, sqs):
    box = Box(sqs, VisibilityTimeout=7)
    box.send("a")
    box.receive_one()
    cloud.advance(6.999)
    assert box.receive() == []
    cloud.advance(0.001)
    assert box.bodies() == ["a"]


def test_the_timeout_of_a_receive_beats_the_queues(cloud: Harness, either: Box):
    either.receive_one(VisibilityTimeout=5)
    cloud.advance(4.999)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


def test_the_timeout_of_a_receive_is_for_this_receive_only(cloud: Harness, standard: Box):
    standard.receive_one(VisibilityTimeout=5)
    cloud.advance(5)
    standard.receive_one()
    cloud.advance(29.999)
    assert standard.receive() == []


def test_a_new_timeout_of_the_queue_does_not_touch_what_is_in_flight(cloud: Harness, standard: Box):
    standard.receive_one()
    standard.set(VisibilityTimeout=1)
    cloud.advance(29.999)
    assert standard.receive() == []
    cloud.advance(0.001)
    standard.receive_one()
    cloud.advance(1)
    assert standard.bodies() == ["a"]


def test_a_receive_with_timeout_zero_leaves_the_message_visible(either: Box):
    assert either.bodies(VisibilityTimeout=0) == ["a"]
    assert either.counts == Counts(1, 0, 0)
    assert either.bodies() == ["a"]


def test_a_receive_with_timeout_zero_hands_out_a_message_only_once(either: Box):
    assert either.bodies(10, VisibilityTimeout=0) == ["a"]


def test_a_message_may_be_received_for_the_full_12_hours(cloud: Harness, either: Box):
    either.receive_one(VisibilityTimeout=CAP_S)
    cloud.advance(CAP_S - 0.001)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


@pytest.mark.parametrize("seconds", [-1, CAP_S + 1])
def test_a_receive_with_a_timeout_out_of_range_is_refused(standard: Box, seconds: int):
    message = (
        f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."
    )
    refused = error_of(standard.client.receive_message, **standard.ask(VisibilityTimeout=seconds))
    assert refused == ("InvalidParameterValue", message, 400)
    assert standard.counts == Counts(1, 0, 0)


def test_each_message_of_one_receive_has_its_own_timeout(cloud: Harness, sqs):
    box = Box(sqs)
    box.send_all("a", "b")
    first, _ = box.receive()
    box.hide(first, 5)
    cloud.advance(5)
    assert box.bodies() == ["a"]
    cloud.advance(25)
    assert box.bodies() == ["b"]


def test_messages_come_back_to_their_old_place(cloud: Harness, sqs):
    box = Box(sqs)
    box.send_all("a", "b")
    box.receive_one(VisibilityTimeout=5)
    cloud.advance(5)
    assert box.bodies() == ["a", "b"]


def test_a_standard_queue_puts_a_message_received_three_times_at_the_back(sqs):
    box = Box(sqs)
    box.send_all("a", "b")
    assert [box.bodies(1, VisibilityTimeout=0) for _ in range(4)] == [["a"], ["a"], ["a"], ["b"]]


# What a receive writes down.


def test_receives_are_counted_and_the_first_one_is_dated(cloud: Harness, either: Box):
    first_ms = str(cloud.now_ms)
    seen = []
    for _ in range(3):
        shown = either.receive_one()["Attributes"]
        seen.append((shown["ApproximateReceiveCount"], shown["ApproximateFirstReceiveTimestamp"]))
        cloud.advance(30)
    assert seen == [("1", first_ms), ("2", first_ms), ("3", first_ms)]


def test_each_receive_makes_a_new_handle(cloud: Harness, either: Box):
    first = either.receive_one()["ReceiptHandle"]
    cloud.advance(30)
    assert either.receive_one()["ReceiptHandle"] != first


# ChangeMessageVisibility.


def test_a_change_counts_from_the_call_and_is_not_added(cloud: Harness, either: Box):
    message = either.receive_one()
    cloud.advance(20)
    either.hide(message, 30)
    cloud.advance(29.999)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


def test_a_change_can_shorten_the_timeout(cloud: Harness, either: Box):
    message = either.receive_one()
    either.hide(message, 2)
    cloud.advance(1.999)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


def test_a_change_to_zero_makes_the_message_visible_at_once(either: Box):
    message = either.receive_one()
    either.hide(message, 0)
    assert either.counts == Counts(1, 0, 0)
    assert either.bodies() == ["a"]


def test_a_change_holds_for_this_receive_only(cloud: Harness, either: Box):
    either.hide(either.receive_one(), 100)
    cloud.advance(100)
    either.receive_one()
    cloud.advance(30)
    assert either.bodies() == ["a"]


def test_a_message_can_be_changed_again_and_again(cloud: Harness, either: Box):
    message = either.receive_one()
    for _ in range(20):
        cloud.advance(29)
        either.hide(message, 30)
    assert either.receive() == []
    either.delete(message)
    assert either.counts == Counts(0, 0, 0)


def test_a_change_does_not_count_as_a_receive(either: Box):
    message = either.receive_one()
    either.hide(message, 0)
    assert either.receive_one()["Attributes"]["ApproximateReceiveCount"] == "2"


def test_right_after_a_receive_12_hours_are_too_long(either: Box):
    message = either.receive_one()
    assert error_of(either.hide, message=message, seconds=CAP_S) == too_long(CAP_S)


def test_just_below_12_hours_is_allowed(cloud: Harness, either: Box):
    message = either.receive_one()
    either.hide(message, 43_195)
    cloud.advance(43_194.999)
    assert either.receive() == []
    cloud.advance(0.001)
    assert either.bodies() == ["a"]


def test_the_12_hours_count_from_the_receive_and_not_from_the_last_change(cloud: Harness, either: Box):
    message = either.receive_one()
    either.hide(message, 40_000)
    cloud.advance(30_000)
    assert error_of(either.hide, message=message, seconds=13_201) == too_long(13_201)
    either.hide(message, 13_199)
    cloud.advance(13_198.999)
    assert either.receive() == []


def test_a_refused_change_leaves_the_timeout_as_it_was(cloud: Harness, either: Box):
    message = either.receive_one()
    error_of(either.hide, message=message, seconds=CAP_S)
    cloud.advance(30)
    assert either.bodies() == ["a"]


def test_the_12_hours_start_anew_with_each_receive(cloud: Harness, either: Box):
    either.receive_one(VisibilityTimeout=40_000)
    cloud.advance(40_000)
    message = either.receive_one()
    either.hide(message, 43_000)
    cloud.advance(42_999.999)
    assert either.receive() == []


@pytest.mark.parametrize("seconds", [-1, CAP_S + 1])
def test_a_change_out_of_range_is_refused(standard: Box, seconds: int):
    message = (
        f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."
    )
    refused = error_of(standard.hide, message=standard.receive_one(), seconds=seconds)
    assert refused == ("InvalidParameterValue", message, 400)


def test_a_message_that_is_visible_again_cannot_be_changed(cloud: Harness, either: Box):
    message = either.receive_one()
    cloud.advance(30)
    assert error_of(either.hide, message=message, seconds=5) == not_available(message["ReceiptHandle"])


def test_a_message_received_with_timeout_zero_cannot_be_changed(either: Box):
    message = either.receive_one(VisibilityTimeout=0)
    assert error_of(either.hide, message=message, seconds=5) == not_available(message["ReceiptHandle"])


def test_a_deleted_message_cannot_be_changed(either: Box):
    message = either.receive_one()
    either.delete(message)
    assert error_of(either.hide, message=message, seconds=5) == not_available(message["ReceiptHandle"])


def test_a_purged_message_cannot_be_changed(either: Box):
    message = either.receive_one()
    either.client.purge_queue(QueueUrl=either.url)
    assert error_of(either.hide, message=message, seconds=5) == not_available(message["ReceiptHandle"])


def test_a_stale_handle_does_not_change_a_later_receive(cloud: Harness, either: Box):
    stale = either.receive_one()
    cloud.advance(30)
    either.receive_one()
    assert error_of(either.hide, message=stale, seconds=0) == not_available(stale["ReceiptHandle"])
    assert either.counts == Counts(0, 1, 0)


def test_a_batch_of_changes_tells_each_entry_on_its_own(cloud: Harness, sqs):
    box = Box(sqs)
    box.send_all("a", "b", "c")
    handles = [message["ReceiptHandle"] for message in box.receive()]
    timeouts = [0, 5, CAP_S]
    entries = [
        {"Id": f"e{n}", "ReceiptHandle": handle, "VisibilityTimeout": timeout}
        for n, (handle, timeout) in enumerate(zip(handles, timeouts, strict=True))
    ]
    entries.append({"Id": "e3", "ReceiptHandle": "garbage", "VisibilityTimeout": 1})
    answer = sqs.change_message_visibility_batch(QueueUrl=box.url, Entries=entries)
    assert answer["Successful"] == [{"Id": "e0"}, {"Id": "e1"}]
    assert answer["Failed"] == [
        {"Id": "e2", "SenderFault": True, "Code": "InvalidParameterValue", "Message": too_long(CAP_S)[1]},
        {"Id": "e3", "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": INVALID_HANDLE[1]},
    ]
    assert box.bodies() == ["a"]
    cloud.advance(5)
    assert box.bodies() == ["b"]


# Receipt handles.


def test_a_delete_works_while_the_message_is_in_flight(cloud: Harness, either: Box):
    either.delete(either.receive_one())
    cloud.advance(60)
    assert either.receive() == []
    assert either.counts == Counts(0, 0, 0)


def test_deleting_twice_succeeds(either: Box):
    message = either.receive_one()
    either.delete(message)
    either.delete(message)
    assert either.counts == Counts(0, 0, 0)


def test_deleting_what_was_purged_succeeds(either: Box):
    message = either.receive_one()
    either.client.purge_queue(QueueUrl=either.url)
    either.delete(message)


def test_a_standard_queue_deletes_after_the_timeout_when_nobody_received_again(cloud: Harness, standard: Box):
    message = standard.receive_one()
    cloud.advance(30)
    standard.delete(message)
    assert standard.receive() == []


def test_a_standard_queue_deletes_what_was_received_with_timeout_zero(standard: Box):
    standard.delete(standard.receive_one(VisibilityTimeout=0))
    assert standard.receive() == []


def test_a_stale_handle_of_a_standard_queue_succeeds_without_any_effect(cloud: Harness, standard: Box):
    stale = standard.receive_one()
    cloud.advance(30)
    fresh = standard.receive_one()
    standard.delete(stale)
    assert standard.counts == Counts(0, 1, 0)
    standard.delete(fresh)
    assert standard.counts == Counts(0, 0, 0)


def test_a_fifo_queue_refuses_a_delete_after_the_timeout(cloud: Harness, fifo: Box):
    message = fifo.receive_one()
    cloud.advance(30)
    assert error_of(fifo.delete, message=message) == expired(message["ReceiptHandle"])
    assert fifo.bodies() == ["a"]


def test_a_fifo_queue_deletes_in_the_last_millisecond(cloud: Harness, fifo: Box):
    message = fifo.receive_one()
    cloud.advance(29.999)
    fifo.delete(message)
    assert fifo.counts == Counts(0, 0, 0)


def test_a_fifo_queue_refuses_a_stale_handle(cloud: Harness, fifo: Box):
    stale = fifo.receive_one()
    cloud.advance(30)
    fresh = fifo.receive_one()
    assert error_of(fifo.delete, message=stale) == expired(stale["ReceiptHandle"])
    fifo.delete(fresh)
    assert fifo.counts == Counts(0, 0, 0)


def test_a_fifo_queue_cannot_delete_what_was_received_with_timeout_zero(fifo: Box):
    message = fifo.receive_one(VisibilityTimeout=0)
    assert error_of(fifo.delete, message=message) == expired(message["ReceiptHandle"])


def test_a_batch_of_deletes_has_other_words_for_an_expired_handle_of_a_fifo_queue(cloud: Harness, fifo: Box):
    message = fifo.receive_one()
    cloud.advance(30)
    entry = {"Id": "one", "ReceiptHandle": message["ReceiptHandle"]}
    answer = fifo.client.delete_message_batch(QueueUrl=fifo.url, Entries=[entry])
    assert "Successful" not in answer
    assert answer["Failed"] == [
        {
            "Id": "one",
            "SenderFault": True,
            "Code": "ReceiptHandleIsInvalid",
            "Message": "The receipt handle has expired",
        }
    ]


def test_a_batch_of_deletes_goes_on_after_a_bad_entry(standard: Box):
    handle = standard.receive_one()["ReceiptHandle"]
    entries = [{"Id": "bad", "ReceiptHandle": "garbage"}, {"Id": "good", "ReceiptHandle": handle}]
    answer = standard.client.delete_message_batch(QueueUrl=standard.url, Entries=entries)
    assert answer["Successful"] == [{"Id": "good"}]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["Message"]) == ("bad", INVALID_HANDLE[0], INVALID_HANDLE[1])
    assert standard.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("handle", ["garbage", "AQEB", "AQEBnot base64", "AQEBAAAA", "AQEB" + "A" * 1000, "ÄÖÜ"])
def test_a_garbage_handle_is_invalid(either: Box, handle: str):
    assert error_of(either.delete, message={"ReceiptHandle": handle}) == INVALID_HANDLE
    assert error_of(either.hide, message={"ReceiptHandle": handle}, seconds=1) == INVALID_HANDLE


def test_a_handle_of_another_queue_is_invalid(sqs, either: Box):
    other = Box(sqs, "other")
    other.send("b")
    message = other.receive_one()
    assert error_of(either.delete, message=message) == INVALID_HANDLE
    assert error_of(either.hide, message=message, seconds=0) == INVALID_HANDLE
    assert other.counts == Counts(0, 1, 0)


def test_a_handle_of_the_same_queue_name_elsewhere_is_invalid(cloud: Harness, standard: Box):
    elsewhere = Box(cloud.client(account="111122223333", region="eu-west-1"))
    elsewhere.send("b")
    assert error_of(standard.delete, message=elsewhere.receive_one()) == INVALID_HANDLE


def test_a_handle_of_an_earlier_queue_of_the_same_name_is_invalid(cloud: Harness, standard: Box):
    message = standard.receive_one()
    standard.client.delete_queue(QueueUrl=standard.url)
    cloud.advance(60)
    again = Box(standard.client)
    again.send("b")
    assert error_of(again.delete, message=message) == INVALID_HANDLE


def test_an_altered_handle_is_invalid(either: Box):
    handle = either.receive_one()["ReceiptHandle"]
    assert error_of(either.delete, message={"ReceiptHandle": handle[:-1]}) == INVALID_HANDLE
    assert error_of(either.delete, message={"ReceiptHandle": handle + "="}) == INVALID_HANDLE
    assert either.counts == Counts(0, 1, 0)


def test_a_handle_of_a_standard_queue_is_good_for_12_hours(cloud: Harness, standard: Box):
    message = standard.receive_one()
    cloud.advance(CAP_S - 1)
    standard.delete(message)
    assert standard.counts == Counts(0, 0, 0)


def test_a_handle_older_than_12_hours_has_expired(cloud: Harness, either: Box):
    message = either.receive_one()
    cloud.advance(CAP_S + 1)
    assert error_of(either.delete, message=message) == expired(message["ReceiptHandle"])
    assert either.bodies() == ["a"]


@pytest.mark.parametrize("operation", ["delete_message", "change_message_visibility"])
def test_a_handle_must_be_given(standard: Box, operation: str):
    extra = {"VisibilityTimeout": 0} if operation == "change_message_visibility" else {}
    refused = error_of(getattr(standard.client, operation), QueueUrl=standard.url, ReceiptHandle="", **extra)
    assert refused == ("MissingParameter", "The request must contain the parameter ReceiptHandle.", 400)


def test_visibility_works_for_another_account_and_region(cloud: Harness):
    box = Box(cloud.client(account="111122223333", region="ap-southeast-2"))
    box.send_all("a", "b")
    first, second = box.receive()
    box.delete(first)
    box.hide(second, 0)
    assert bodies(box.receive()) == ["b"]


def test_a_batch_of_ten_deletes_at_once(either: Box):
    either.send_all(*(f"m{n}" for n in range(9)), group="g")
    messages = either.receive()
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    answer = either.client.delete_message_batch(QueueUrl=either.url, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == [str(n) for n in range(10)]
    assert either.counts == Counts(0, 0, 0)
