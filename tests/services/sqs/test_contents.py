"""Which characters a message may hold, and how long the messages of a batch may be together, in whatever protocol and script."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import BAD_CHARACTERS, MEBIBYTE, make_queue, md5_of, receive_one
from tests.support.sqs_wire import query_call

GOOD_CONTROLS = "\t\n\r"
TOO_LONG = "AWS.SimpleQueueService.BatchRequestTooLong"


@pytest.mark.parametrize("code", range(128))
@pytest.mark.parametrize("around", ["", "é"], ids=["ascii", "beyond-ascii"])
def test_of_ascii_all_but_most_control_characters_may_stand_in_a_body(sqs: Any, code: int, around: str) -> None:
    url, body = make_queue(sqs), f"{around}a{chr(code)}b"
    if code >= 32 or chr(code) in GOOD_CONTROLS:
        assert sqs.send_message(QueueUrl=url, MessageBody=body)["MD5OfMessageBody"] == md5_of(body)
        assert receive_one(sqs, url)["Body"] == body
    else:
        assert error_of(sqs.send_message, QueueUrl=url, MessageBody=body) == (
            "InvalidMessageContents",
            BAD_CHARACTERS,
            400,
        )


def entries_of(body: str, count: int) -> list[dict[str, Any]]:
    return [{"Id": str(number), "MessageBody": body} for number in range(count)]


@pytest.mark.parametrize("letter", ["x", "é", "世", "😀"])
def test_a_batch_is_measured_in_bytes_of_utf_8(sqs: Any, letter: str) -> None:
    url, body = make_queue(sqs), letter * (MEBIBYTE // 8 // len(letter.encode()))
    size = 8 * len(body.encode())
    fits = {"Id": "fits", "MessageBody": body + "x" * (MEBIBYTE - size)}
    too_long = {"Id": "too-long", "MessageBody": body + "x" * (MEBIBYTE - size + 1)}
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=[*entries_of(body, 7), fits])["Successful"]) == 8
    seen = error_of(sqs.send_message_batch, QueueUrl=url, Entries=[*entries_of(body, 7), too_long])
    assert seen[0] == TOO_LONG
    assert seen[1].endswith(f"You have sent {MEBIBYTE + 1} bytes.")


def test_a_batch_in_a_form_is_measured_by_what_it_means(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    form: dict[str, str] = {"QueueUrl": url}
    for number, body in enumerate(["é" * (MEBIBYTE // 4), "é" * (MEBIBYTE // 4), "x"], 1):
        form[f"SendMessageBatchRequestEntry.{number}.Id"] = str(number)
        form[f"SendMessageBatchRequestEntry.{number}.MessageBody"] = body
    answer = query_call(cloud, "SendMessageBatch", form)
    assert answer.status == 400
    assert f"<Code>{TOO_LONG}</Code>" in answer.text
    assert f"You have sent {MEBIBYTE + 1} bytes." in answer.text
