"""SendMessage: what it answers, and what it refuses in which words. Attributes have files of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import (
    BAD_CHARACTERS,
    MEBIBYTE,
    NO_QUEUE,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    receive,
    receive_one,
    text,
)
from tests.support.sqs_wire import UUID

FIFO = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def too_long(size_max_bytes: int) -> tuple[str, str, int]:
    reason = f"Message must be shorter than {size_max_bytes} bytes."
    return "InvalidParameterValue", f"One or more parameters are invalid. Reason: {reason}", 400


def invalid(value: object, parameter: str, reason: str) -> tuple[str, str, int]:
    return "InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {reason}", 400


# Answers.


def test_the_answer_of_a_standard_queue_has_the_id_and_the_md5_of_the_body_and_nothing_else(sqs: Any) -> None:
    sent = sqs.send_message(QueueUrl=make_queue(sqs), MessageBody="hello")
    del sent["ResponseMetadata"]
    assert re.fullmatch(UUID, sent.pop("MessageId"))
    assert sent == {"MD5OfMessageBody": md5_of("hello")}


def test_the_answer_of_a_fifo_queue_has_a_sequence_number_of_20_digits(sqs: Any) -> None:
    sent = sqs.send_message(QueueUrl=make_fifo(sqs), MessageBody="hello", **FIFO)
    del sent["ResponseMetadata"]
    assert re.fullmatch(UUID, sent.pop("MessageId"))
    assert re.fullmatch(r"[1-9]\d{19}", sent.pop("SequenceNumber"))
    assert sent == {"MD5OfMessageBody": md5_of("hello")}


def test_sequence_numbers_of_a_fifo_queue_increase(sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    numbers = [
        int(sqs.send_message(QueueUrl=url, MessageBody=str(n), MessageGroupId="g")["SequenceNumber"]) for n in range(5)
    ]
    assert numbers == sorted(set(numbers))


def test_two_messages_with_one_body_have_two_ids(sqs: Any) -> None:
    url = make_queue(sqs)
    first = sqs.send_message(QueueUrl=url, MessageBody="same")["MessageId"]
    second = sqs.send_message(QueueUrl=url, MessageBody="same")["MessageId"]
    assert first != second
    assert {message["MessageId"] for message in receive(sqs, url)} == {first, second}


def test_a_message_goes_to_the_queue_of_its_url_whoever_s_and_wherever_it_is(cloud: Harness) -> None:
    owner = cloud.client("sqs", account="111122223333", region="eu-west-1")
    url = make_queue(owner)
    same_name = make_queue(cloud.client("sqs", region="eu-west-1"))
    cloud.client("sqs", account="444455556666", region="eu-west-1").send_message(QueueUrl=url, MessageBody="from afar")
    assert receive_one(owner, url)["Body"] == "from afar"
    assert receive(owner, same_name) == []


# The queue.


def test_a_missing_queue_is_refused(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl="http://localhost:4566/000000000000/none", MessageBody="x")
    assert seen == (NO_QUEUE, "The specified queue does not exist.", 400)


def test_a_missing_queue_of_another_account_is_refused_without_saying_whether_it_exists(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl="http://localhost:4566/111122223333/none", MessageBody="x")
    assert seen == (NO_QUEUE, "The specified queue does not exist or you do not have access to it.", 400)


def test_a_queue_of_another_region_is_missing_here(cloud: Harness, sqs: Any) -> None:
    url = make_queue(cloud.client("sqs", region="ap-southeast-2"))
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x").code == NO_QUEUE


def test_an_empty_queue_url_is_a_missing_queue(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl="", MessageBody="x")
    assert seen == (NO_QUEUE, "The specified queue does not exist.", 400)


def test_a_missing_queue_is_told_before_an_empty_body(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl="http://localhost:4566/000000000000/none", MessageBody="")
    assert seen.code == NO_QUEUE


# The body.


def test_an_empty_body_is_refused(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="")
    assert seen == ("MissingParameter", "The request must contain the parameter MessageBody.", 400)


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "\t\n\r",
        "\x20\x7e\x7f\x85",
        "\ud7ff\ue000\ufffd",
        "\U00010000\U0001f600\U0010ffff",
        '<a b="c">&amp;</a> \\u0041 %41',
        "0",
    ],
    ids=ascii,
)
def test_a_body_comes_back_as_it_was_sent(sqs: Any, body: str) -> None:
    url = make_queue(sqs)
    assert sqs.send_message(QueueUrl=url, MessageBody=body)["MD5OfMessageBody"] == md5_of(body)
    message = receive_one(sqs, url)
    assert (message["Body"], message["MD5OfBody"]) == (body, md5_of(body))


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ufffe", "\uffff"], ids=ascii)
def test_a_character_that_xml_does_not_have_is_refused(sqs: Any, character: str) -> None:
    url = make_queue(sqs)
    seen = error_of(sqs.send_message, QueueUrl=url, MessageBody=f"ab{character}c")
    assert seen == ("InvalidMessageContents", BAD_CHARACTERS, 400)
    assert counts(sqs, url) == (0, 0, 0)


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC00, 0xDFFF], ids=hex)
def test_half_a_surrogate_pair_is_refused_as_an_invalid_character(sqs: Any, code: int) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody=f"ab{chr(code)}c")
    assert seen == ("InvalidMessageContents", BAD_CHARACTERS, 400)


# Size.


def test_a_body_of_one_mebibyte_is_the_longest(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x" * MEBIBYTE)
    assert len(receive_one(sqs, url)["Body"]) == MEBIBYTE
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * (MEBIBYTE + 1)) == too_long(MEBIBYTE)


def test_a_queue_s_own_maximum_is_kept(sqs: Any) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025) == too_long(1024)


def test_a_changed_maximum_holds_from_the_next_message_on(sqs: Any) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "2048"})
    sqs.send_message(QueueUrl=url, MessageBody="x" * 2048)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 2049) == too_long(2048)


def test_size_counts_bytes_and_not_characters(sqs: Any) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=url, MessageBody="é" * 512)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="é" * 512 + "x") == too_long(1024)
    sqs.send_message(QueueUrl=url, MessageBody="😀" * 256)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="😀" * 256 + "x") == too_long(1024)


def test_the_trace_header_does_not_count_for_the_size(sqs: Any) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024, MessageSystemAttributes={"AWSTraceHeader": text(TRACE)})
    assert counts(sqs, url) == (1, 0, 0)


# Delay.


@pytest.mark.parametrize("delay_s", [-1, 901, 2**31])
def test_a_delay_outside_0_to_900_is_refused(sqs: Any, delay_s: int) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="x", DelaySeconds=delay_s)
    assert seen == invalid(delay_s, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")


def test_a_message_with_a_delay_is_not_received_before_it_ends(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=900)
    cloud.advance(899.999)
    assert receive(sqs, url) == []
    cloud.advance(0.001)
    assert receive_one(sqs, url)["Body"] == "x"


def test_without_a_delay_of_its_own_a_message_has_its_queue_s(sqs: Any) -> None:
    url = make_queue(sqs, DelaySeconds="60")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert counts(sqs, url) == (0, 0, 1)


def test_a_message_s_delay_beats_its_queue_s_even_when_it_is_0(sqs: Any) -> None:
    url = make_queue(sqs, DelaySeconds="60")
    sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
    assert receive_one(sqs, url)["Body"] == "now"


def test_a_delay_per_message_is_refused_on_a_fifo_queue_in_aws_s_own_grammar(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_fifo(sqs), MessageBody="x", DelaySeconds=5, **FIFO)
    reason = "The request include parameter that is not valid for this queue type."
    assert seen == invalid(5, "DelaySeconds", reason)


def test_a_delay_of_0_is_let_pass_on_a_fifo_queue_and_leaves_the_queue_s_delay(sqs: Any) -> None:
    url = make_fifo(sqs, DelaySeconds="60")
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0, **FIFO)
    assert counts(sqs, url) == (0, 0, 1)


# Message group id and deduplication id.


def test_a_standard_queue_takes_a_group_id_and_gives_it_back(sqs: Any) -> None:
    url = make_queue(sqs)
    assert "SequenceNumber" not in sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="tenant-1")
    message = receive_one(sqs, url, MessageSystemAttributeNames=["MessageGroupId"])
    assert message["Attributes"] == {"MessageGroupId": "tenant-1"}


def test_a_standard_queue_refuses_a_deduplication_id(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="x", MessageDeduplicationId="d")
    reason = "The request includes a parameter that is not valid for this queue type."
    assert seen == invalid("d", "MessageDeduplicationId", reason)


def test_a_fifo_queue_wants_a_group_id(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_fifo(sqs), MessageBody="x", MessageDeduplicationId="d")
    assert seen == ("MissingParameter", "The request must contain the parameter MessageGroupId.", 400)


def test_a_fifo_queue_wants_a_deduplication_id_unless_it_is_content_based(sqs: Any) -> None:
    seen = error_of(sqs.send_message, QueueUrl=make_fifo(sqs), MessageBody="x", MessageGroupId="g")
    message = (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    assert seen == ("InvalidParameterValue", message, 400)
    content_based = make_fifo(sqs, "other.fifo", ContentBasedDeduplication="true")
    sqs.send_message(QueueUrl=content_based, MessageBody="x", MessageGroupId="g")
    assert counts(sqs, content_based) == (1, 0, 0)


PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
BAD_TOKENS = ["a b", "a\tb", "ä", "a\n", "x" * 129, "\x7f"]


@pytest.mark.parametrize("token", BAD_TOKENS, ids=ascii)
@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_a_bad_group_id_is_refused_on_every_kind_of_queue(sqs: Any, kind: str, token: str) -> None:
    if kind == "standard":
        seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="x", MessageGroupId=token)
    else:
        seen = error_of(sqs.send_message, QueueUrl=make_fifo(sqs), MessageBody="x", **{**FIFO, "MessageGroupId": token})
    reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert seen == invalid(token, "MessageGroupId", reason)


@pytest.mark.parametrize("token", BAD_TOKENS, ids=ascii)
def test_a_bad_deduplication_id_is_refused(sqs: Any, token: str) -> None:
    arguments = {**FIFO, "MessageDeduplicationId": token}
    seen = error_of(sqs.send_message, QueueUrl=make_fifo(sqs), MessageBody="x", **arguments)
    reason = "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert seen == invalid(token, "MessageDeduplicationId", reason)


@pytest.mark.parametrize("token", [PUNCTUATION, "aZ09", "x" * 128])
def test_group_and_deduplication_ids_take_all_punctuation_and_128_characters(sqs: Any, token: str) -> None:
    url = make_fifo(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId=token, MessageDeduplicationId=token)
    names = ["MessageGroupId", "MessageDeduplicationId"]
    shown = receive_one(sqs, url, MessageSystemAttributeNames=names)["Attributes"]
    assert shown == {"MessageGroupId": token, "MessageDeduplicationId": token}


def test_a_duplicate_is_answered_with_the_first_one_s_id_and_number_and_goes_nowhere(sqs: Any) -> None:
    url = make_fifo(sqs)
    first = sqs.send_message(QueueUrl=url, MessageBody="first", **FIFO)
    again = sqs.send_message(QueueUrl=url, MessageBody="again", **FIFO)
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert again["MD5OfMessageBody"] == md5_of("again")
    assert receive_one(sqs, url)["Body"] == "first"


def test_a_refused_message_does_not_use_up_its_deduplication_id(sqs: Any) -> None:
    url = make_fifo(sqs, MaximumMessageSize="1024")
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025, **FIFO) == too_long(1024)
    sqs.send_message(QueueUrl=url, MessageBody="short", **FIFO)
    assert receive_one(sqs, url)["Body"] == "short"


# System attributes.


def test_the_trace_header_is_carried_to_the_receiver(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes={"AWSTraceHeader": text(TRACE)})
    shown = receive_one(sqs, url, MessageSystemAttributeNames=["AWSTraceHeader"])["Attributes"]
    assert shown == {"AWSTraceHeader": TRACE}


@pytest.mark.parametrize("name", ["SenderId", "awstraceheader", "Nonsense"])
def test_no_other_system_attribute_can_be_sent(sqs: Any, name: str) -> None:
    system = {name: text("x")}
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="x", MessageSystemAttributes=system)
    assert (seen.code, seen.status) == ("InvalidParameterValue", 400)
    assert seen.message.startswith(f"Message system attribute name '{name}' is invalid.")


@pytest.mark.parametrize(
    "attribute",
    [text("1", "Number"), {"DataType": "Binary", "BinaryValue": b"x"}, text(""), {"DataType": "String"}],
    ids=["number", "binary", "empty", "nothing"],
)
def test_the_trace_header_is_a_string_that_says_something(sqs: Any, attribute: dict[str, Any]) -> None:
    system = {"AWSTraceHeader": attribute}
    seen = error_of(sqs.send_message, QueueUrl=make_queue(sqs), MessageBody="x", MessageSystemAttributes=system)
    assert (seen.code, seen.status) == ("InvalidParameterValue", 400)
