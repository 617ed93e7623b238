"""The MD5s in the answers of SendMessage and ReceiveMessage, against a computation of the tests' own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.sqs_messages import binary, make_fifo, make_queue, md5_of, md5_of_attributes, receive_one, text

TRACE = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793")}
MANY = {
    "b": text("2", "Number.int"),
    "a": text("é😀"),
    "B": binary(b"\x00\xff"),
    "_": text("x", "String.label with ä"),
    "a.b": binary(b"raw", "Binary.png"),
    "a-b": text("-0.5", "Number"),
}
"""Sorted by bytes: B, _, a, a-b, a.b, b."""


def send(sqs: Any, url: str, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    sent: dict[str, Any] = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes, **more)
    return sent


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        ("hello world", "5eb63bbbe01eeed093cb22bb8f5acdc3"),
        ("test", "098f6bcd4621d373cade4e832627b4f6"),
        ("é\r\n", md5_of("é\r\n")),
    ],
)
def test_the_md5_of_a_body_is_that_of_its_utf8_bytes(sqs: Any, body: str, digest: str) -> None:
    url = make_queue(sqs)
    assert sqs.send_message(QueueUrl=url, MessageBody=body)["MD5OfMessageBody"] == digest
    assert receive_one(sqs, url)["MD5OfBody"] == digest


@pytest.mark.parametrize(
    ("data_type", "digest"),
    [("Number", "235c5c510d26fb653d073faed50ae77c"), ("Number.java.lang.Long", "2e2e4876d8e0bd6b8c2c8f556831c349")],
)
def test_the_md5_of_an_attribute_is_the_one_that_was_recorded_from_aws(sqs: Any, data_type: str, digest: str) -> None:
    sent = send(sqs, make_queue(sqs), {"timestamp": text("1493147359900", data_type)})
    assert sent["MD5OfMessageAttributes"] == digest


@pytest.mark.parametrize(
    "attributes",
    [{"a": text("x")}, {"a": binary(b"x")}, {"a": text("x", "String.label")}, {"a": text("1", "Number")}, MANY],
    ids=["string", "binary", "label", "number", "many"],
)
def test_the_md5_of_attributes_covers_names_types_with_labels_kinds_and_values(
    sqs: Any, attributes: dict[str, Any]
) -> None:
    url = make_queue(sqs)
    digest = md5_of_attributes(attributes)
    assert send(sqs, url, attributes)["MD5OfMessageAttributes"] == digest
    assert receive_one(sqs, url, MessageAttributeNames=["All"])["MD5OfMessageAttributes"] == digest


def test_string_and_binary_of_the_same_bytes_have_different_md5s(sqs: Any) -> None:
    url = make_queue(sqs)
    digests = {
        send(sqs, url, {"a": attribute})["MD5OfMessageAttributes"]
        for attribute in (text("x"), binary(b"x"), text("x", "String.Binary"), binary(b"x", "Binary.String"))
    }
    assert len(digests) == 4


def test_the_order_in_which_attributes_are_given_does_not_matter(sqs: Any) -> None:
    url = make_queue(sqs)
    turned = dict(reversed(MANY.items()))
    assert send(sqs, url, turned)["MD5OfMessageAttributes"] == md5_of_attributes(MANY)


def test_without_attributes_there_is_no_md5_of_attributes(sqs: Any) -> None:
    url = make_queue(sqs)
    assert "MD5OfMessageAttributes" not in sqs.send_message(QueueUrl=url, MessageBody="x")
    assert "MD5OfMessageAttributes" not in receive_one(sqs, url, MessageAttributeNames=["All"])


@pytest.mark.parametrize(
    ("names", "returned"),
    [
        (["a"], {"a"}),
        (["a.*"], {"a", "a-b", "a.b"}),
        (["b", "B"], {"b", "B"}),
        (["b", "missing"], {"b"}),
        (["All"], set(MANY)),
    ],
    ids=str,
)
def test_on_receive_the_md5_covers_the_returned_attributes_only(sqs: Any, names: list[str], returned: set[str]) -> None:
    url = make_queue(sqs)
    send(sqs, url, MANY)
    message = receive_one(sqs, url, MessageAttributeNames=names)
    subset = {name: MANY[name] for name in returned}
    assert message["MessageAttributes"] == subset
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(subset)


@pytest.mark.parametrize("names", [[], ["missing"], ["other.*"]], ids=str)
def test_on_receive_there_is_no_md5_when_no_attribute_is_returned(sqs: Any, names: list[str]) -> None:
    url = make_queue(sqs)
    send(sqs, url, MANY)
    message = receive_one(sqs, url, MessageAttributeNames=names)
    assert "MD5OfMessageAttributes" not in message
    assert "MessageAttributes" not in message


def test_the_trace_header_has_an_md5_of_its_own_in_the_answer_of_the_send(sqs: Any) -> None:
    sent = send(sqs, make_queue(sqs), {"a": text("x")}, MessageSystemAttributes=TRACE)
    assert sent["MD5OfMessageSystemAttributes"] == md5_of_attributes(TRACE)
    assert sent["MD5OfMessageAttributes"] == md5_of_attributes({"a": text("x")})


def test_without_a_trace_header_there_is_no_md5_of_system_attributes(sqs: Any) -> None:
    assert "MD5OfMessageSystemAttributes" not in send(sqs, make_queue(sqs), {"a": text("x")})


def test_system_attributes_alone_make_no_md5_of_message_attributes(sqs: Any) -> None:
    sent = sqs.send_message(QueueUrl=make_queue(sqs), MessageBody="x", MessageSystemAttributes=TRACE)
    assert "MD5OfMessageAttributes" not in sent
    assert sent["MD5OfMessageSystemAttributes"] == md5_of_attributes(TRACE)


def test_a_fifo_queue_and_its_duplicates_have_the_md5s_of_what_was_sent(cloud: Harness) -> None:
    sqs = cloud.client("sqs", account="111122223333", region="eu-central-1")
    url = make_fifo(sqs)
    same = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    assert send(sqs, url, MANY, **same)["MD5OfMessageAttributes"] == md5_of_attributes(MANY)
    other = {"a": text("another")}
    assert send(sqs, url, other, **same)["MD5OfMessageAttributes"] == md5_of_attributes(other)


def test_each_entry_of_a_batch_has_the_md5s_of_its_own(sqs: Any) -> None:
    entries = [
        {"Id": "1", "MessageBody": "one", "MessageAttributes": MANY, "MessageSystemAttributes": TRACE},
        {"Id": "2", "MessageBody": "two", "MessageAttributes": {"a": text("x")}},
        {"Id": "3", "MessageBody": "three"},
    ]
    sent = sqs.send_message_batch(QueueUrl=make_queue(sqs), Entries=entries)["Successful"]
    assert [
        (
            entry["Id"],
            entry["MD5OfMessageBody"],
            entry.get("MD5OfMessageAttributes"),
            entry.get("MD5OfMessageSystemAttributes"),
        )
        for entry in sent
    ] == [
        ("1", md5_of("one"), md5_of_attributes(MANY), md5_of_attributes(TRACE)),
        ("2", md5_of("two"), md5_of_attributes({"a": text("x")}), None),
        ("3", md5_of("three"), None, None),
    ]
