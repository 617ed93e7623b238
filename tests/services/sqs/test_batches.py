"""SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch: faults of the batch fail the call, faults of an
entry only the entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import (
    BAD_CHARACTERS,
    MEBIBYTE,
    NO_QUEUE,
    binary,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    receive,
    receive_one,
    text,
)
from tests.support.sqs_wire import UUID, json_call

PREFIX = "AWS.SimpleQueueService."
BAD_ID = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
NO_HANDLE = "The input receipt handle is invalid."

Entry = dict[str, Any]
OPERATIONS: dict[str, Callable[[str], Entry]] = {
    "SendMessageBatch": lambda entry_id: {"Id": entry_id, "MessageBody": "x"},
    "DeleteMessageBatch": lambda entry_id: {"Id": entry_id, "ReceiptHandle": "h"},
    "ChangeMessageVisibilityBatch": lambda entry_id: {"Id": entry_id, "ReceiptHandle": "h", "VisibilityTimeout": 5},
}
"""Each batch operation, and how to make an entry of it."""


def method(sqs: Any, operation: str) -> Any:
    return getattr(sqs, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())


def refusal(sqs: Any, operation: str, ids: list[str]) -> Seen:
    """Call a batch whose entries have these ids, which must be refused as a whole."""
    url = make_queue(sqs)
    entries = [OPERATIONS[operation](entry_id) for entry_id in ids]
    seen = error_of(method(sqs, operation), QueueUrl=url, Entries=entries)
    assert counts(sqs, url) == (0, 0, 0)
    return seen


def fault(code: str, message: str) -> dict[str, Any]:
    return {"SenderFault": True, "Code": code, "Message": message}


def failures(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what failed by entry id."""
    failed = {entry["Id"]: {key: entry[key] for key in entry if key != "Id"} for entry in answer.get("Failed", [])}
    assert len(failed) == len(answer.get("Failed", []))
    return failed


def succeeded(answer: dict[str, Any]) -> list[str]:
    return [entry["Id"] for entry in answer.get("Successful", [])]


def received_of(sqs: Any, url: str, *bodies: str, **options: Any) -> list[str]:
    """Send messages, receive them and give their handles."""
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return [message["ReceiptHandle"] for message in receive(sqs, url, **options)]


# Faults of the batch.


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_batch_needs_an_entry(sqs: Any, operation: str) -> None:
    message = f"There should be at least one {operation}RequestEntry in the request."
    assert refusal(sqs, operation, []) == (PREFIX + "EmptyBatchRequest", message, 400)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_batch_without_a_list_of_entries_is_an_empty_one(cloud: Harness, sqs: Any, operation: str) -> None:
    answer = json_call(cloud, operation, {"QueueUrl": make_queue(sqs)})
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "__type": "com.amazonaws.sqs#EmptyBatchRequest",
        "message": f"There should be at least one {operation}RequestEntry in the request.",
    }


@pytest.mark.parametrize("count", [11, 25])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_batch_has_at_most_10_entries(sqs: Any, operation: str, count: int) -> None:
    message = f"Maximum number of entries per request are 10. You have sent {count}."
    seen = refusal(sqs, operation, [str(n) for n in range(count)])
    assert seen == (PREFIX + "TooManyEntriesInBatchRequest", message, 400)


@pytest.mark.parametrize("entry_id", ["", "a b", "a.b", "ä", "a\n", "x" * 81, "a/b"], ids=ascii)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_entry_s_id_has_80_letters_digits_hyphens_and_underscores(sqs: Any, operation: str, entry_id: str) -> None:
    assert refusal(sqs, operation, ["good", entry_id]) == (PREFIX + "InvalidBatchEntryId", BAD_ID, 400)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_entry_without_an_id_is_a_bad_one(cloud: Harness, sqs: Any, operation: str) -> None:
    entry = OPERATIONS[operation]("gone")
    del entry["Id"]
    answer = json_call(cloud, operation, {"QueueUrl": make_queue(sqs), "Entries": [entry]})
    assert (json.loads(answer.body)["__type"], answer.status) == ("com.amazonaws.sqs#InvalidBatchEntryId", 400)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_id_can_stand_once_only_and_the_first_repeated_one_is_named(sqs: Any, operation: str) -> None:
    seen = refusal(sqs, operation, ["a", "b", "c", "b", "a"])
    assert seen == (PREFIX + "BatchEntryIdsNotDistinct", "Id b repeated.", 400)


def test_ids_are_case_sensitive_and_can_be_80_characters_long(sqs: Any) -> None:
    ids = ["a", "A", "-", "_", "0", "x" * 80]
    answer = sqs.send_message_batch(
        QueueUrl=make_queue(sqs), Entries=[OPERATIONS["SendMessageBatch"](entry_id) for entry_id in ids]
    )
    assert succeeded(answer) == ids


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_faults_of_a_batch_are_told_in_aws_s_order(sqs: Any, operation: str) -> None:
    too_many_bad_and_repeated = ["a b"] * 11
    assert refusal(sqs, operation, too_many_bad_and_repeated).code == PREFIX + "TooManyEntriesInBatchRequest"
    repeated_before_bad = ["a", "a", "a b"]
    assert refusal(sqs, operation, repeated_before_bad).code == PREFIX + "InvalidBatchEntryId"


def test_repeated_ids_are_told_before_the_total_size(sqs: Any) -> None:
    entries = [{"Id": "a", "MessageBody": "x" * MEBIBYTE} for _ in range(2)]
    seen = error_of(sqs.send_message_batch, QueueUrl=make_queue(sqs), Entries=entries)
    assert seen.code == PREFIX + "BatchEntryIdsNotDistinct"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_missing_queue_is_refused(sqs: Any, operation: str) -> None:
    url = "http://localhost:4566/000000000000/none"
    seen = error_of(method(sqs, operation), QueueUrl=url, Entries=[OPERATIONS[operation]("a")])
    assert seen == (NO_QUEUE, "The specified queue does not exist.", 400)


# The total size of a batch.


def test_all_bodies_of_a_batch_together_have_one_mebibyte(sqs: Any) -> None:
    url = make_queue(sqs)
    entries = [{"Id": "1", "MessageBody": "x" * 1_000_000}, {"Id": "2", "MessageBody": "y" * 48_576}]
    assert succeeded(sqs.send_message_batch(QueueUrl=url, Entries=entries)) == ["1", "2"]
    entries[1]["MessageBody"] += "y"
    seen = error_of(sqs.send_message_batch, QueueUrl=url, Entries=entries)
    message = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    assert seen == (PREFIX + "BatchRequestTooLong", message, 400)
    assert counts(sqs, url) == (2, 0, 0)


def test_the_total_counts_bytes_and_the_attributes_but_not_the_trace_header(sqs: Any) -> None:
    url = make_queue(sqs)
    attributes = {"abc": text("é"), "raw": binary(b"\x00" * 10, "Binary.x")}  # 3 + 6 + 2, 3 + 8 + 10
    entries = [
        {
            "Id": "1",
            "MessageBody": "é" * 100_000,
            "MessageAttributes": attributes,
            "MessageSystemAttributes": {"AWSTraceHeader": text("Root=1")},
        },
        {"Id": "2", "MessageBody": "y" * (MEBIBYTE - 200_000 - 32)},
    ]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2
    entries[1]["MessageBody"] += "é"
    seen = error_of(sqs.send_message_batch, QueueUrl=url, Entries=entries)
    assert seen.message == "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes."


# SendMessageBatch.


def test_each_message_of_a_batch_is_answered_in_order_with_its_id_and_md5(sqs: Any) -> None:
    url = make_queue(sqs)
    entries = [{"Id": f"entry-{n}", "MessageBody": f"body {n}"} for n in range(10)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert "Failed" not in answer
    for n, entry in enumerate(answer["Successful"]):
        assert re.fullmatch(UUID, entry.pop("MessageId"))
        assert entry == {"Id": f"entry-{n}", "MD5OfMessageBody": md5_of(f"body {n}")}
    assert [message["Body"] for message in receive(sqs, url)] == [f"body {n}" for n in range(10)]


def test_an_entry_can_have_all_that_a_message_can_have(cloud: Harness) -> None:
    sqs = cloud.client("sqs", account="111122223333", region="eu-west-1")
    url = make_queue(sqs)
    entry = {
        "Id": "1",
        "MessageBody": "x",
        "DelaySeconds": 5,
        "MessageAttributes": {"colour": text("blue")},
        "MessageSystemAttributes": {"AWSTraceHeader": text("Root=1")},
        "MessageGroupId": "tenant",
    }
    sqs.send_message_batch(QueueUrl=url, Entries=[entry])
    assert counts(sqs, url) == (0, 0, 1)
    cloud.advance(5)
    names = ["AWSTraceHeader", "MessageGroupId"]
    message = receive_one(sqs, url, MessageAttributeNames=["All"], MessageSystemAttributeNames=names)
    assert message["MessageAttributes"] == {"colour": text("blue")}
    assert message["Attributes"] == {"AWSTraceHeader": "Root=1", "MessageGroupId": "tenant"}


def test_bad_entries_fail_with_their_own_words_and_the_good_ones_are_sent(sqs: Any) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    long_list = {"DataType": "String", "StringValue": "x", "StringListValues": ["a"]}
    eleven = {f"a{n}": text("x") for n in range(11)}
    entries = [
        {"Id": "good", "MessageBody": "x"},
        {"Id": "empty", "MessageBody": ""},
        {"Id": "characters", "MessageBody": "\x00"},
        {"Id": "long", "MessageBody": "x" * 1025},
        {"Id": "delay", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "dedup", "MessageBody": "x", "MessageDeduplicationId": "d"},
        {"Id": "list", "MessageBody": "x", "MessageAttributes": {"a": long_list}},
        {"Id": "eleven", "MessageBody": "x", "MessageAttributes": eleven},
        {"Id": "group", "MessageBody": "x", "MessageGroupId": "a b"},
        {"Id": "last", "MessageBody": "y"},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert succeeded(answer) == ["good", "last"]
    invalid = "InvalidParameterValue"
    not_valid = "The request includes a parameter that is not valid for this queue type."
    group = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert failures(answer) == {
        "empty": fault("MissingParameter", "The request must contain the parameter MessageBody."),
        "characters": fault("InvalidMessageContents", BAD_CHARACTERS),
        "long": fault(invalid, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."),
        "delay": fault(
            invalid, "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        ),
        "dedup": fault(invalid, f"Value d for parameter MessageDeduplicationId is invalid. Reason: {not_valid}"),
        "list": fault(
            PREFIX + "UnsupportedOperation",
            "Message attribute list values in SendMessage operation are not supported.",
        ),
        "eleven": fault(invalid, "Number of message attributes [11] exceeds the allowed maximum [10]."),
        "group": fault(invalid, f"Value a b for parameter MessageGroupId is invalid. Reason: {group}"),
    }
    assert [message["Body"] for message in receive(sqs, url)] == ["x", "y"]


def test_successful_is_left_out_when_every_entry_failed(sqs: Any) -> None:
    url = make_queue(sqs)
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": ""}])
    assert set(answer) - {"ResponseMetadata"} == {"Failed"}
    assert counts(sqs, url) == (0, 0, 0)


def test_half_a_surrogate_pair_fails_its_entry_only(sqs: Any) -> None:
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\ud800"}]
    answer = sqs.send_message_batch(QueueUrl=make_queue(sqs), Entries=entries)
    assert succeeded(answer) == ["good"]
    assert failures(answer) == {"bad": fault("InvalidMessageContents", BAD_CHARACTERS)}


def test_entries_of_a_fifo_batch_keep_their_order_and_have_numbers(sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    entries = [{"Id": str(n), "MessageBody": f"{n}", "MessageGroupId": "g"} for n in range(10)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    numbers = [int(entry["SequenceNumber"]) for entry in sent]
    assert numbers == sorted(set(numbers))
    assert [message["Body"] for message in receive(sqs, url)] == [str(n) for n in range(10)]


def test_entries_of_a_fifo_batch_without_group_or_deduplication_id_fail_each_on_its_own(sqs: Any) -> None:
    url = make_fifo(sqs)
    entries: list[Entry] = [
        {"Id": "no-group", "MessageBody": "x", "MessageDeduplicationId": "1"},
        {"Id": "no-dedup", "MessageBody": "x", "MessageGroupId": "g"},
        {"Id": "delay", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "2", "DelaySeconds": 1},
        {"Id": "good", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "3"},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert succeeded(answer) == ["good"]
    delay = "The request include parameter that is not valid for this queue type."
    assert failures(answer) == {
        "no-group": fault("MissingParameter", "The request must contain the parameter MessageGroupId."),
        "no-dedup": fault(
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        "delay": fault("InvalidParameterValue", f"Value 1 for parameter DelaySeconds is invalid. Reason: {delay}"),
    }


def test_a_duplicate_within_one_batch_succeeds_with_the_first_one_s_id(sqs: Any) -> None:
    url = make_fifo(sqs)
    same = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    entries = [{"Id": "1", "MessageBody": "first", **same}, {"Id": "2", "MessageBody": "second", **same}]
    first, second = sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    assert (first["MessageId"], first["SequenceNumber"]) == (second["MessageId"], second["SequenceNumber"])
    assert receive_one(sqs, url)["Body"] == "first"


def test_one_batch_serves_several_parked_long_polls(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    polls = [cloud.background(receive, sqs=sqs, url=url, WaitTimeSeconds=20, MaxNumberOfMessages=1) for _ in range(2)]
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(3)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [poll.result(timeout=20)[0]["Body"] for poll in polls] == ["0", "1"]
    assert counts(sqs, url) == (1, 2, 0)


# DeleteMessageBatch.


def test_a_delete_batch_deletes_and_names_each_entry(sqs: Any) -> None:
    url = make_queue(sqs)
    handles = received_of(sqs, url, *"abc")
    entries = [{"Id": f"id{n}", "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert answer["Successful"] == [{"Id": "id0"}, {"Id": "id1"}, {"Id": "id2"}]
    assert "Failed" not in answer
    assert counts(sqs, url) == (0, 0, 0)


def test_bad_handles_of_a_delete_batch_fail_and_the_others_are_deleted(sqs: Any) -> None:
    url = make_queue(sqs)
    foreign = received_of(sqs, make_queue(sqs, "other"), "x")[0]
    handles = received_of(sqs, url, "a", "b")
    given = {"ok": handles[0], "garbage": "nonsense", "foreign": foreign, "empty": "", "again": handles[0]}
    answer = sqs.delete_message_batch(
        QueueUrl=url, Entries=[{"Id": entry_id, "ReceiptHandle": handle} for entry_id, handle in given.items()]
    )
    assert succeeded(answer) == ["ok", "again"]
    assert failures(answer) == {
        "garbage": fault("ReceiptHandleIsInvalid", NO_HANDLE),
        "foreign": fault("ReceiptHandleIsInvalid", NO_HANDLE),
        "empty": fault("MissingParameter", "The request must contain the parameter ReceiptHandle."),
    }
    assert counts(sqs, url) == (0, 1, 0)


def test_an_expired_handle_in_a_fifo_delete_batch_has_words_of_its_own(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    handle = receive_one(sqs, url, VisibilityTimeout=5)["ReceiptHandle"]
    cloud.advance(5)
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": handle}])
    assert "Successful" not in answer
    assert failures(answer) == {"1": fault("ReceiptHandleIsInvalid", "The receipt handle has expired")}


# ChangeMessageVisibilityBatch.


def test_a_visibility_batch_changes_each_entry_by_its_own_time(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    handles = received_of(sqs, url, *"abc")
    entries = [
        {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": n * 100} for n, handle in enumerate(handles)
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert answer["Successful"] == [{"Id": "0"}, {"Id": "1"}, {"Id": "2"}]
    assert "Failed" not in answer
    assert counts(sqs, url) == (1, 2, 0)
    cloud.advance(100)
    assert counts(sqs, url) == (2, 1, 0)
    cloud.advance(100)
    assert counts(sqs, url) == (3, 0, 0)


def test_bad_entries_of_a_visibility_batch_fail_and_the_others_are_changed(sqs: Any) -> None:
    url = make_queue(sqs)
    ok, low, high, beyond, gone, unsaid = received_of(sqs, url, *"abcdef")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=gone)
    given: list[tuple[str, str, int | None]] = [
        ("ok", ok, 0),
        ("low", low, -1),
        ("high", high, 43_201),
        ("beyond", beyond, 43_200),
        ("gone", gone, 10),
        ("unsaid", unsaid, None),
        ("garbage", "nonsense", 10),
    ]
    entries = [
        {"Id": entry_id, "ReceiptHandle": handle, **({} if time_s is None else {"VisibilityTimeout": time_s})}
        for entry_id, handle, time_s in given
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert succeeded(answer) == ["ok"]
    value = "Value {} for parameter VisibilityTimeout is invalid. Reason: {}"
    total = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    not_available = "Message does not exist or is not available for visibility timeout change."
    bounds = "Must be >= 0 and <= 43200, if provided."
    invalid = "InvalidParameterValue"
    assert failures(answer) == {
        "low": fault(invalid, value.format(-1, bounds)),
        "high": fault(invalid, value.format(43_201, bounds)),
        "beyond": fault(invalid, value.format(43_200, total)),
        "gone": fault(invalid, f"Value {gone} for parameter ReceiptHandle is invalid. Reason: {not_available}"),
        "unsaid": fault("MissingParameter", "The request must contain the parameter VisibilityTimeout."),
        "garbage": fault("ReceiptHandleIsInvalid", NO_HANDLE),
    }
    assert counts(sqs, url) == (1, 4, 0)


def test_a_visibility_batch_wakes_a_parked_long_poll(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    handles = received_of(sqs, url, "a")
    poll = cloud.background(receive, sqs=sqs, url=url, WaitTimeSeconds=20)
    assert not poll.done()
    entry = {"Id": "1", "ReceiptHandle": handles[0], "VisibilityTimeout": 0}
    sqs.change_message_visibility_batch(QueueUrl=url, Entries=[entry])
    assert [message["Body"] for message in poll.result(timeout=20)] == ["a"]
