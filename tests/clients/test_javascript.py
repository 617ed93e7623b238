"""The AWS SDK for JavaScript v3 under Node.js. It checks all MD5s itself. javascript/sqs.mjs plays, this file judges."""

from __future__ import annotations

import pytest

from tests.support.javascript import FOLDER, Seen, install, play, saw
from tests.support.server import Server

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What each scenario saw."""
    install()
    with Server("--port", "0") as server:
        scenarios = play("sqs.mjs", server.url)
        assert server.stop() == 0
        assert "Traceback" not in server.output
    return scenarios


def test_a_message_with_attributes_is_sent_received_and_deleted(seen: Seen) -> None:
    life = saw(seen, "life")
    message = life["message"]
    assert life["count"] == 1
    assert (message["Body"], message["MessageId"]) == ("hällo 🎉", life["sent"]["MessageId"])
    assert message["MD5OfMessageAttributes"] == life["sent"]["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["kind"] == {"DataType": "String", "StringValue": "grüße"}
    assert message["MessageAttributes"]["count"] == {"DataType": "Number.int", "StringValue": "7"}
    assert life["raw"] == [0, 255]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert life["deleted"] == 200
    assert life["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_account_and_region_are_the_caller_s(seen: Seen) -> None:
    life = saw(seen, "life")
    assert life["QueueUrl"].endswith(f"/{ACCOUNT}/life")
    assert life["Attributes"]["QueueArn"] == f"arn:aws:sqs:eu-west-1:{ACCOUNT}:life"


def test_md5_of_the_selected_attributes_satisfies_the_sdk(seen: Seen) -> None:
    assert saw(seen, "selectedAttributes") == ["app.one", "app.two"]


def test_an_empty_receive_has_no_messages(seen: Seen) -> None:
    assert saw(seen, "emptyReceive") == {"hasMessages": False}


def test_a_batch_answers_for_each_entry(seen: Seen) -> None:
    batch = saw(seen, "batch")
    assert batch["successful"] == ["a", "b"]
    [failed] = batch["failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("c", "InvalidMessageContents", True)
    assert batch["bodies"] == ["one", "two"]
    assert batch["deleted"] == ["m0", "m1"]


def test_a_fifo_queue_keeps_order_and_drops_duplicates(seen: Seen) -> None:
    fifo = saw(seen, "fifo")
    first, second, duplicate, third = map(int, fifo["numbers"])
    assert first < second == duplicate < third
    assert fifo["bodies"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("scenario", "name", "code", "status", "message"),
    [
        (
            "noQueue",
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            400,
            "The specified queue does not exist.",
        ),
        (
            "emptyBatch",
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            400,
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ),
        (
            "badReceiptHandle",
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            404,
            "The input receipt handle is invalid.",
        ),
    ],
)
def test_an_error_of_the_model_is_an_exception_class_with_the_code_of_old(
    seen: Seen, scenario: str, name: str, code: str, status: int, message: str
) -> None:
    error = saw(seen, scenario)
    assert (error["name"], error["isClass"], error["fault"]) == (name, True, "client")
    assert (error["code"], error["status"], error["message"]) == (code, status, message)
    assert len(error["requestId"]) == 36


def test_an_error_that_no_model_lists_has_its_name(seen: Seen) -> None:
    error = saw(seen, "badValue")
    assert (error["name"], error["code"], error["status"]) == ("InvalidParameterValue", "InvalidParameterValue", 400)
    assert error["message"] == (
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
    )


def test_a_long_poll_is_woken_by_a_send(seen: Seen) -> None:
    assert saw(seen, "longPoll") == ["wake"]


def test_an_aborted_long_poll_takes_no_message_with_it(seen: Seen) -> None:
    assert saw(seen, "abortedPoll") == {"left": "AbortError", "bodies": ["kept"]}


def test_queues_are_listed_in_pages(seen: Seen) -> None:
    assert saw(seen, "pages") == [2, 2, 1]


def test_sts_tells_who_calls_and_lends_a_role_s_keys(seen: Seen) -> None:
    identity = saw(seen, "identity")
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert identity["role"] == "arn:aws:sts::444455556666:assumed-role/deploy/ci"
    assert identity["QueueUrl"].endswith("/444455556666/theirs")
    assert identity["expires"] is True


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()
