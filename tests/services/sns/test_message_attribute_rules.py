"""Message attributes: names, types, values, and how the different receivers are shown them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from emulator.errors import AwsError
from services.sns import payload
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import envelope_of, form_call, listen, listen_raw, message_of
from tests.support.sns_subscriptions import PHONE
from tests.support.sns_topics import make_fifo_topic, make_topic, null
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, md5_of_attributes, text
from tests.support.sqs_wire import query_error

LONG_NAME = "Length of message attribute name must be less than 256 bytes."
LEADING_DOT = "Invalid message attribute name starting with character '.' was found."
TRAILING_DOT = "Invalid message attribute name ending with character '.' was found."
TWO_DOTS = "Message attribute name can not have successive '.' character."
HALF_A_PAIR = "Invalid attribute value was passed in for message attribute"


def invalid(message: str) -> Seen:
    return Seen("ParameterValueInvalid", message, 400)


def bad_character(code: str) -> str:
    return (
        f"Invalid non-alphanumeric character '{code}' was found in the message attribute name. "
        "Can only include alphanumeric characters, hyphens, underscores, or dots."
    )


def bad_type(name: str) -> str:
    return (
        f"The message attribute '{name}' has an invalid message attribute type, "
        "the set of supported type prefixes is Binary, Number, and String."
    )


def empty(name: str, kind: str) -> str:
    return f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."


def wrong_field(name: str, kind: str, field: str) -> str:
    return f"The message attribute '{name}' with type '{kind}' must use field '{field}'."


def no_number(name: str) -> str:
    return f"Could not cast message attribute '{name}' value to number."


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sns: Any, sqs: Any, topic: str) -> Box:
    """A queue that gets the topic's messages in envelopes."""
    box = Box(sqs)
    listen(sns, topic, box)
    return box


def publish(sns: Any, topic: str, **attributes: Any) -> None:
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)


def refusal(sns: Any, topic: str, attributes: dict[str, Any]) -> Seen:
    return error_of(sns.publish, TopicArn=topic, Message="hello", MessageAttributes=attributes)


def shown(sns: Any, topic: str, box: Box, attributes: dict[str, Any]) -> dict[str, Any]:
    """Publish attributes and see how an envelope shows them."""
    publish(sns, topic, **attributes)
    found: dict[str, Any] = envelope_of(box)["MessageAttributes"]
    return found


# Names.


@pytest.mark.parametrize(
    "name", ["a", "A-b_c.9", "0", "_", "-", "a.b.c", "AWS.SNS.SMS.SenderID", "Amazon.x", "x" * 255, "x" * 256]
)
def test_a_name_has_up_to_256_letters_digits_hyphens_underscores_and_dots(
    sns: Any, topic: str, box: Box, name: str
) -> None:
    assert list(shown(sns, topic, box, {name: text("sender")})) == [name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 257, LONG_NAME),
        (".a", LEADING_DOT),
        (".", LEADING_DOT),
        ("a.", TRAILING_DOT),
        ("a..b", TWO_DOTS),
        ("a b", bad_character("#x20")),
        ("a:b", bad_character("#x3A")),
        ("a/", bad_character("#x2F")),
        ("é", bad_character("#xE9")),
        ("a世", bad_character("#x4E16")),
        ("a\n", bad_character("#xA")),
        ("a!b?", bad_character("#x21")),
    ],
    ids=lambda value: ascii(value[:12]),
)
def test_a_bad_name_is_refused_with_its_fault(sns: Any, topic: str, box: Box, name: str, message: str) -> None:
    assert refusal(sns, topic, {name: text("x")}) == invalid(message)
    assert box.bodies() == []


def test_one_bad_attribute_among_good_ones_is_enough(sns: Any, topic: str, box: Box) -> None:
    assert refusal(sns, topic, {"a": text("x"), "b.": text("x"), "c": text("x")}) == invalid(TRAILING_DOT)
    assert box.bodies() == []


# Types.


@pytest.mark.parametrize("kind", ["String", "String.Array", "String.ISO date", "String.a.b", "Number", "Number.int"])
def test_text_has_the_type_string_or_number_with_or_without_a_label(sns: Any, topic: str, box: Box, kind: str) -> None:
    assert shown(sns, topic, box, {"a": text("7", kind)}) == {"a": {"Type": kind, "Value": "7"}}


@pytest.mark.parametrize("kind", ["Binary", "Binary.png"])
def test_bytes_have_the_type_binary_and_are_shown_in_base64(sns: Any, topic: str, box: Box, kind: str) -> None:
    value = bytes(range(256))
    expected = {"a": {"Type": kind, "Value": base64.b64encode(value).decode()}}
    assert shown(sns, topic, box, {"a": binary(value, kind)}) == expected


@pytest.mark.parametrize(
    "kind", ["", "string", "Text", "Array", "Strings", "String.", "Stringy.a", " String", "Boolean"]
)
def test_there_are_no_other_types(sns: Any, topic: str, box: Box, kind: str) -> None:
    assert refusal(sns, topic, {"a": text("x", kind)}) == invalid(bad_type("a"))
    assert box.bodies() == []


def test_a_type_must_be_there(cloud: Harness, topic: str) -> None:
    fields = {
        "TopicArn": topic,
        "Message": "hello",
        "MessageAttributes.entry.1.Name": "colour",
        "MessageAttributes.entry.1.Value.StringValue": "blue",
    }
    assert query_error(form_call(cloud, "Publish", fields)) == null("messageAttributes.colour.member.dataType")


# Values.


@pytest.mark.parametrize("kind", ["String", "Number", "String.Array", "Binary", "Binary.png"])
def test_a_value_must_be_there(sns: Any, topic: str, kind: str) -> None:
    assert refusal(sns, topic, {"a": {"DataType": kind}}) == invalid(empty("a", kind))


@pytest.mark.parametrize(
    "attribute", [text(""), text("", "Number"), text("", "String.Array"), binary(b"")], ids=lambda one: one["DataType"]
)
def test_a_value_must_not_be_empty(sns: Any, topic: str, attribute: dict[str, Any]) -> None:
    assert refusal(sns, topic, {"a": attribute}) == invalid(empty("a", attribute["DataType"]))


@pytest.mark.parametrize("kind", ["Binary", "Binary.png"])
def test_bytes_must_use_the_field_for_bytes(sns: Any, topic: str, kind: str) -> None:
    assert refusal(sns, topic, {"a": text("x", kind)}) == invalid(wrong_field("a", kind, "Binary"))


@pytest.mark.parametrize("kind", ["String", "Number", "String.Array", "Number.int"])
def test_text_must_use_the_field_for_text(sns: Any, topic: str, kind: str) -> None:
    assert refusal(sns, topic, {"a": binary(b"1", kind)}) == invalid(wrong_field("a", kind, "String"))


@pytest.mark.parametrize("other", ["", "ignored"])
def test_bytes_are_shown_from_the_field_for_bytes_whatever_is_in_the_other(
    sns: Any, topic: str, box: Box, other: str
) -> None:
    both = {"DataType": "Binary", "BinaryValue": b"\x00", "StringValue": other}
    assert shown(sns, topic, box, {"a": both}) == {"a": {"Type": "Binary", "Value": "AA=="}}


@pytest.mark.parametrize("other", [b"", b"ignored"])
def test_text_is_shown_from_the_field_for_text_whatever_is_in_the_other(
    sns: Any, topic: str, box: Box, other: bytes
) -> None:
    both = {"DataType": "String", "StringValue": "x", "BinaryValue": other}
    assert shown(sns, topic, box, {"a": both}) == {"a": {"Type": "String", "Value": "x"}}


@pytest.mark.parametrize(
    "both",
    [
        {"DataType": "Binary", "BinaryValue": b"\x00", "StringValue": "ignored"},
        {"DataType": "String", "StringValue": "x", "BinaryValue": b"ignored"},
    ],
    ids=lambda one: one["DataType"],
)
def test_raw_delivery_passes_on_the_field_of_the_type_only(
    sns: Any, sqs: Any, topic: str, both: dict[str, Any]
) -> None:
    box = Box(sqs)
    listen_raw(sns, topic, box)
    publish(sns, topic, a=both)
    expected = {name: value for name, value in both.items() if value not in ("ignored", b"ignored")}
    assert message_of(box)["MessageAttributes"] == {"a": expected}


@pytest.mark.parametrize(
    "value", ["a\nb", '"\\', "Grüße 🎉", " ", "</a>", "x" * 10_000], ids=lambda one: ascii(one[:8])
)
def test_a_text_is_shown_as_it_was_published(sns: Any, topic: str, box: Box, value: str) -> None:
    assert shown(sns, topic, box, {"a": text(value)}) == {"a": {"Type": "String", "Value": value}}


def test_half_a_pair_is_no_text() -> None:
    with pytest.raises(AwsError) as caught:
        payload.read_attributes({"a": {"DataType": "String", "StringValue": "x\ud800"}})
    assert (caught.value.code, caught.value.message) == ("ParameterValueInvalid", HALF_A_PAIR)


# Numbers.


@pytest.mark.parametrize(
    "value", ["0", "7", "-7", "+7", "007", "1.5", "-0.00001", "1000000000", "-1000000000", "1e3", "1E-5", ".5", "5."]
)
def test_a_number_is_shown_as_it_was_written(sns: Any, topic: str, box: Box, value: str) -> None:
    assert shown(sns, topic, box, {"n": text(value, "Number")}) == {"n": {"Type": "Number", "Value": value}}


@pytest.mark.parametrize(
    "value",
    ["x", "1x", "1,5", "1.2.3", "--1", "1e", "e5", "0x10", "1_000", "NaN", "Infinity", "-", ".", "٣", "true", "1 2"],
    ids=ascii,
)
@pytest.mark.parametrize("kind", ["Number", "Number.int"])
def test_what_is_no_number_is_refused(sns: Any, topic: str, kind: str, value: str) -> None:
    assert refusal(sns, topic, {"n": text(value, kind)}) == invalid(no_number("n"))


def test_an_enormous_exponent_costs_nothing(sns: Any, topic: str, box: Box) -> None:
    value = "1e999999999"
    assert shown(sns, topic, box, {"n": text(value, "Number")}) == {"n": {"Type": "Number", "Value": value}}


# Arrays.


@pytest.mark.parametrize("value", ['["a", 1, true, null]', "[]", '[["deep"]]', '["a"', "no array", '{"a": 1}'])
def test_an_array_is_text_that_nobody_checks(sns: Any, topic: str, box: Box, value: str) -> None:
    assert shown(sns, topic, box, {"a": text(value, "String.Array")}) == {"a": {"Type": "String.Array", "Value": value}}


# How many, and in which order.


def test_attributes_are_shown_in_the_order_in_which_they_were_published(sns: Any, topic: str, box: Box) -> None:
    attributes = {name: text(name) for name in ("zeta", "alpha", "mid")}
    assert list(shown(sns, topic, box, attributes)) == ["zeta", "alpha", "mid"]


def test_an_envelope_has_room_for_more_than_ten(sns: Any, topic: str, box: Box) -> None:
    attributes = {f"a{n}": text(str(n)) for n in range(50)}
    assert shown(sns, topic, box, attributes) == {f"a{n}": {"Type": "String", "Value": str(n)} for n in range(50)}


def test_no_attributes_are_no_member_of_the_envelope(sns: Any, topic: str, box: Box) -> None:
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes={})
    assert "MessageAttributes" not in envelope_of(box)


# Who checks them.


def test_a_message_to_a_phone_is_held_to_the_same_rules(cloud: Harness, sns: Any) -> None:
    seen = error_of(sns.publish, PhoneNumber=PHONE, Message="hello", MessageAttributes={"a.": text("x")})
    assert seen == invalid(TRAILING_DOT)
    assert json.loads(cloud.request("GET", "/_aws/sns/sms-messages").body)["sms_messages"] == {}


def test_a_message_to_a_device_is_held_to_the_same_rules(sns: Any) -> None:
    app = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "key"})
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="t")
    target = endpoint["EndpointArn"]
    seen = error_of(sns.publish, TargetArn=target, Message="hello", MessageAttributes={"a": text("x", "Text")})
    assert seen == invalid(bad_type("a"))


def test_a_fifo_topic_holds_messages_to_the_same_rules(sns: Any) -> None:
    topic = make_fifo_topic(sns, ContentBasedDeduplication="true")
    attributes = {"n": text("x", "Number")}
    seen = error_of(sns.publish, TopicArn=topic, Message="m", MessageGroupId="g", MessageAttributes=attributes)
    assert seen == invalid(no_number("n"))


def test_a_queue_that_wants_no_envelope_gets_the_attributes_as_its_own(sns: Any, sqs: Any, topic: str) -> None:
    box = Box(sqs)
    listen_raw(sns, topic, box)
    attributes = {
        "s": text("x"),
        "n": text("1.50", "Number.price"),
        "b": binary(b"\x00\xff"),
        "l": text("[1]", "String.Array"),
    }
    publish(sns, topic, **attributes)
    message = message_of(box)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
