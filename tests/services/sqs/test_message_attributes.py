"""Message attributes: names, types, values, number and size, as SendMessage checks them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import (
    BAD_CHARACTERS,
    binary,
    counts,
    make_queue,
    md5_of_attributes,
    receive_one,
    text,
)
from tests.support.sqs_wire import json_call


def refusal(sqs: Any, attributes: dict[str, Any], **queue_attributes: str) -> Seen:
    """Send a message with attributes that must be refused, and see why."""
    url = make_queue(sqs, "refusing", **queue_attributes)
    seen = error_of(sqs.send_message, QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    assert counts(sqs, url) == (0, 0, 0)
    return seen


def carried(sqs: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Send a message with attributes and give those that the receiver sees."""
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    shown: dict[str, Any] = receive_one(sqs, url, MessageAttributeNames=["All"])["MessageAttributes"]
    return shown


def invalid(message: str) -> tuple[str, str, int]:
    return "InvalidParameterValue", message, 400


# Kinds.


@pytest.mark.parametrize(
    "attribute",
    [
        text("blue"),
        text("é\t\n\r😀"),
        text("9"),
        text("true", "String.Boolean"),
        text("12.5", "Number"),
        text("7", "Number.java.lang.Long"),
        text("[1,2]", "String.Array"),
        text("x", "String.a label, freely chosen: ä"),
        binary(b"\x00\xff\x0b"),
        binary(b"GIF89a", "Binary.gif"),
        text("x", "String." + "l" * 249),
    ],
    ids=lambda attribute: ascii(attribute["DataType"][:40]),
)
def test_an_attribute_comes_back_with_its_type_label_and_value(sqs: Any, attribute: dict[str, Any]) -> None:
    assert carried(sqs, {"thing": attribute}) == {"thing": attribute}


def test_an_attribute_of_another_account_s_queue_in_another_region_is_carried_too(cloud: Harness) -> None:
    owner = cloud.client("sqs", account="111122223333", region="eu-west-1")
    attributes = {"colour": text("blue"), "raw": binary(b"\x00")}
    assert carried(owner, attributes) == attributes


def test_ten_attributes_are_the_most(sqs: Any) -> None:
    ten = {f"a{n}": text("x") for n in range(10)}
    assert carried(sqs, ten) == ten
    seen = refusal(sqs, {**ten, "a10": text("x")})
    assert seen == invalid("Number of message attributes [11] exceeds the allowed maximum [10].")


def test_no_attributes_at_all_may_be_said_as_an_empty_map(sqs: Any) -> None:
    url = make_queue(sqs)
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={})
    assert "MD5OfMessageAttributes" not in sent
    assert "MessageAttributes" not in receive_one(sqs, url, MessageAttributeNames=["All"])


# Names.


@pytest.mark.parametrize(
    "name", ["a", "0", "_", "-", "a.b-c_D.9", "n" * 256, "AWSome", "Amazonas", "My.AWS.x", "a.Amazon.b"]
)
def test_a_good_name_is_taken(sqs: Any, name: str) -> None:
    assert carried(sqs, {name: text("x")}) == {name: text("x")}


def test_names_are_case_sensitive(sqs: Any) -> None:
    attributes = {"Colour": text("blue"), "colour": text("red")}
    assert carried(sqs, attributes) == attributes


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".a",
        "a.",
        "a..b",
        "a b",
        "a/b",
        "a$",
        "ä",
        "a\n",
        "n" * 257,
        "AWS.x",
        "aws.x",
        "aWs.x",
        "Amazon.x",
        "amazon.x",
        "AMAZON.x",
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_a_bad_name_is_refused(sqs: Any, name: str) -> None:
    seen = refusal(sqs, {name: text("x")})
    assert (seen.code, seen.status) == ("InvalidParameterValue", 400)
    assert "attribute name" in seen.message


def test_one_bad_attribute_among_good_ones_refuses_the_message(sqs: Any) -> None:
    seen = refusal(sqs, {"good": text("x"), "bad": text("x", "Text")})
    assert "'bad'" in seen.message


# Types.


NO_TYPE = "The message attribute 'thing' must contain non-empty message attribute type."


def test_an_attribute_with_an_empty_type_is_refused(sqs: Any) -> None:
    assert refusal(sqs, {"thing": text("x", "")}) == invalid(NO_TYPE)


def test_an_attribute_without_a_type_is_refused(cloud: Harness, sqs: Any) -> None:
    attributes = {"thing": {"StringValue": "x"}}
    request = {"QueueUrl": make_queue(sqs), "MessageBody": "x", "MessageAttributes": attributes}
    answer = json_call(cloud, "SendMessage", request)
    assert (json.loads(answer.body)["message"], answer.status) == (NO_TYPE, 400)


@pytest.mark.parametrize(
    "data_type",
    ["Text", "string", "STRING", "StringX", "Str", "Num", "Boolean", " String", "String ", ".String", "String,x"],
)
def test_a_type_with_another_prefix_is_refused(sqs: Any, data_type: str) -> None:
    seen = refusal(sqs, {"thing": text("x", data_type)})
    assert seen == invalid(
        "The message attribute 'thing' has an invalid message attribute type, "
        "the set of supported type prefixes is Binary, Number, and String."
    )


def test_a_type_longer_than_256_characters_is_refused(sqs: Any) -> None:
    seen = refusal(sqs, {"thing": text("x", "String." + "l" * 250)})
    assert (seen.code, seen.status) == ("InvalidParameterValue", 400)


# Values.


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "String"},
        text(""),
        {"DataType": "Number"},
        text("", "Number"),
        text("", "String.label"),
        {"DataType": "Binary"},
        binary(b""),
    ],
    ids=str,
)
def test_an_attribute_without_a_value_is_refused(sqs: Any, attribute: dict[str, Any]) -> None:
    seen = refusal(sqs, {"thing": attribute})
    assert seen == invalid(
        "The message attribute 'thing' must contain non-empty message attribute value "
        f"for message attribute type '{attribute['DataType']}'."
    )


def test_a_binary_attribute_must_use_the_binary_field(sqs: Any) -> None:
    seen = refusal(sqs, {"thing": text("x", "Binary")})
    assert seen == invalid("The message attribute 'thing' with type 'Binary' must use field 'Binary'.")


@pytest.mark.parametrize("data_type", ["String", "Number"])
def test_an_attribute_of_text_must_use_the_string_field(sqs: Any, data_type: str) -> None:
    seen = refusal(sqs, {"thing": binary(b"1", data_type)})
    assert seen == invalid(f"The message attribute 'thing' with type '{data_type}' must use field 'String'.")


@pytest.mark.parametrize("value", ["a\x00b", "\x0b", "\ufffe", "\uffff"], ids=ascii)
def test_a_string_value_has_the_characters_of_a_body(sqs: Any, value: str) -> None:
    assert refusal(sqs, {"thing": text(value)}) == ("InvalidMessageContents", BAD_CHARACTERS, 400)


@pytest.mark.parametrize(
    "values", [{"StringListValues": ["a", "b"]}, {"BinaryListValues": [b"a"]}], ids=["strings", "binaries"]
)
def test_list_values_are_not_supported_by_aws_either(sqs: Any, values: dict[str, Any]) -> None:
    seen = refusal(sqs, {"thing": {"DataType": "String", "StringValue": "x", **values}})
    message = "Message attribute list values in SendMessage operation are not supported."
    assert seen == ("AWS.SimpleQueueService.UnsupportedOperation", message, 400)


def test_empty_list_values_beside_a_value_do_no_harm_and_are_not_shown(sqs: Any) -> None:
    empty = {"StringListValues": [], "BinaryListValues": []}
    assert carried(sqs, {"thing": {**text("x"), **empty}}) == {"thing": text("x")}


# Numbers.


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-5",
        "+5",
        "3.14",
        "007.500",
        "1e3",
        "-1.5E-10",
        "9" * 38,
        "1" + "0" * 126,
        "1e126",
        "1e-128",
        "0." + "0" * 127 + "1",
    ],
)
def test_a_number_is_returned_as_it_was_sent_so_that_its_md5_holds(sqs: Any, number: str) -> None:
    url = make_queue(sqs)
    attributes = {"n": text(number, "Number")}
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    message = receive_one(sqs, url, MessageAttributeNames=["n"])
    assert message["MessageAttributes"] == attributes
    assert sent["MD5OfMessageAttributes"] == message["MD5OfMessageAttributes"] == md5_of_attributes(attributes)


@pytest.mark.parametrize(
    "number",
    [
        "abc",
        "12a",
        "1,5",
        "0x10",
        "1_000",
        " 1",
        "1 ",
        "--1",
        "e5",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "9" * 39,
        "1." + "0" * 37 + "11",
        "1e127",
        "-1e127",
        "1e-129",
        "1e9999999",
        "1e-9999999",
        "1e99999999999999999999",
    ],
)
@pytest.mark.parametrize("data_type", ["Number", "Number.float"])
def test_a_number_that_is_none_or_beyond_38_digits_or_the_range_is_refused(
    sqs: Any, data_type: str, number: str
) -> None:
    seen = refusal(sqs, {"n": text(number, data_type)})
    assert seen == invalid("Can't cast the value of message (user) attribute 'n' to a number.")


# Size.


@pytest.mark.parametrize(
    ("attributes", "size_bytes"),
    [
        ({"abc": text("12345")}, 3 + 6 + 5),
        ({"abc": text("é")}, 3 + 6 + 2),
        ({"n": text("1234", "Number.java.lang.Long")}, 1 + 21 + 4),
        ({"n": text("x", "String.ä")}, 1 + 9 + 1),
        ({"raw": binary(b"\x00" * 100)}, 3 + 6 + 100),
        ({"a": text("1"), "b": binary(b"22", "Binary.gif")}, 1 + 6 + 1 + 1 + 10 + 2),
    ],
    ids=["string", "utf8", "label", "utf8-label", "binary", "two"],
)
def test_name_type_and_value_of_each_attribute_count_for_the_size(
    sqs: Any, attributes: dict[str, Any], size_bytes: int
) -> None:
    url = make_queue(sqs, MaximumMessageSize="1024")
    fits = "x" * (1024 - size_bytes)
    sqs.send_message(QueueUrl=url, MessageBody=fits, MessageAttributes=attributes)
    seen = error_of(sqs.send_message, QueueUrl=url, MessageBody=fits + "x", MessageAttributes=attributes)
    assert seen == invalid("One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.")


def test_attributes_alone_can_be_too_long(sqs: Any) -> None:
    seen = refusal(sqs, {"abc": text("x" * 1024)}, MaximumMessageSize="1024")
    assert seen == invalid("One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.")
