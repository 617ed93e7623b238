"""JSON values in, Python values out: what is absent, what is passed over, and AWS's words for values of a wrong kind."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from emulator.errors import AwsError
from emulator.service import Service
from emulator.wire.aws_json import AwsJson
from emulator.wire.model import Model
from emulator.wire.shapes import JsonShapes
from services import ALL

SHAPES: dict[str, dict[str, Any]] = {
    "String": {"type": "string"},
    "Character": {"type": "character"},
    "Integer": {"type": "integer"},
    "Long": {"type": "long"},
    "Float": {"type": "float"},
    "Double": {"type": "double"},
    "Boolean": {"type": "boolean"},
    "Blob": {"type": "blob"},
    "Timestamp": {"type": "timestamp"},
    "Strings": {"type": "list", "member": {"shape": "String"}},
    "Counts": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Integer"}},
    "Tree": {
        "type": "structure",
        "members": {
            "Name": {"shape": "String", "locationName": "n"},
            "Leaves": {"shape": "Counts"},
            "Below": {"shape": "Trees"},
            "Left": {"shape": "Tree"},
        },
    },
    "Trees": {"type": "list", "member": {"shape": "Tree"}},
}
WORDS = {
    "list": "Start of list found where not expected",
    "structure": "Start of structure or map found where not expected.",
}


def parse(shape: str, value: Any) -> Any:
    return JsonShapes(SHAPES).parser(shape)(value)


def refusal(shape: str, value: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        parse(shape, value)
    error = caught.value
    assert (error.code, error.type, error.status, error.modelled) == (
        "MalformedInput",
        "SerializationException",
        400,
        False,
    )
    return error


@pytest.mark.parametrize(
    ("shape", "value", "read"),
    [
        ("String", "", ""),
        ("String", "世界\x00", "世界\x00"),
        ("Character", "x", "x"),
        ("Integer", 0, 0),
        ("Integer", -(2**31), -(2**31)),
        ("Integer", 30.0, 30),
        ("Long", 2**63 - 1, 2**63 - 1),
        ("Float", 1, 1.0),
        ("Float", "Infinity", float("inf")),
        ("Double", "-Infinity", float("-inf")),
        ("Boolean", True, True),
        ("Boolean", False, False),
        ("Blob", "", b""),
        ("Blob", "/w==", b"\xff"),
        ("Timestamp", 1_767_225_600, 1_767_225_600_000),
        ("Timestamp", 1_767_225_600.123, 1_767_225_600_123),
        ("Timestamp", 0, 0),
        ("Strings", [], []),
        ("Counts", {"": 1, "a.b": 2}, {"": 1, "a.b": 2}),
        ("Tree", {}, {}),
    ],
)
def test_a_value_of_the_right_kind_is_read(shape: str, value: Any, read: Any) -> None:
    found = parse(shape, value)
    assert found == read
    assert type(found) is type(read)


def test_not_a_number_is_read() -> None:
    assert str(parse("Double", "NaN")) == "nan"


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ("String", 5, "NUMBER_VALUE can not be converted to a String"),
        ("String", 5.5, "NUMBER_VALUE can not be converted to a String"),
        ("String", True, "TRUE_VALUE can not be converted to a String"),
        ("String", False, "FALSE_VALUE can not be converted to a String"),
        ("String", [], WORDS["list"]),
        ("String", {}, WORDS["structure"]),
        ("Integer", "5", "STRING_VALUE can not be converted to an Integer"),
        ("Integer", 5.5, "NUMBER_VALUE can not be converted to an Integer"),
        ("Integer", True, "TRUE_VALUE can not be converted to an Integer"),
        ("Integer", [1], WORDS["list"]),
        ("Long", float("inf"), "NUMBER_VALUE can not be converted to an Integer"),
        ("Float", "1.5", "STRING_VALUE can not be converted to a Float"),
        ("Float", False, "FALSE_VALUE can not be converted to a Float"),
        ("Double", {}, WORDS["structure"]),
        ("Boolean", "true", "STRING_VALUE can not be converted to a Boolean"),
        ("Boolean", 1, "NUMBER_VALUE can not be converted to a Boolean"),
        ("Blob", 1, "NUMBER_VALUE can not be converted to a Blob"),
        ("Blob", "a", "The blob is not valid base64."),
        ("Blob", "é===", "The blob is not valid base64."),
        ("Timestamp", "2026-01-01T00:00:00Z", "STRING_VALUE can not be converted to a Timestamp"),
        ("Timestamp", True, "TRUE_VALUE can not be converted to a Timestamp"),
        ("Strings", "a", "Expected list or null"),
        ("Strings", {}, WORDS["structure"]),
        ("Strings", ["a", 1], "NUMBER_VALUE can not be converted to a String"),
        ("Counts", 1, "Expected map or null"),
        ("Counts", [], WORDS["list"]),
        ("Counts", {"a": "1"}, "STRING_VALUE can not be converted to an Integer"),
        ("Tree", "a", "Expected structure or null"),
        ("Tree", [], WORDS["list"]),
        ("Tree", {"Below": [{"n": 1}]}, "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_in_awss_words(shape: str, value: Any, message: str) -> None:
    assert refusal(shape, value).message == message


@pytest.mark.parametrize("value", [1e308, float("inf")])
def test_an_instant_beyond_all_time_is_refused(value: float) -> None:
    refusal("Timestamp", value)


def test_null_is_as_good_as_absent() -> None:
    assert parse("Tree", {"n": None, "Leaves": {"a": None, "b": 1}, "Below": [None, {"n": "x"}, None]}) == {
        "Leaves": {"b": 1},
        "Below": [{"Name": "x"}],
    }


def test_an_unknown_member_is_passed_over_whatever_it_holds() -> None:
    assert parse("Tree", {"n": "x", "Other": {"deep": [1, None]}, "name": 5}) == {"Name": "x"}


def test_a_member_goes_by_its_name_on_the_wire_only() -> None:
    assert parse("Tree", {"n": "x", "Name": "y"}) == {"Name": "x"}


def test_a_shape_that_holds_itself_is_read_to_any_depth() -> None:
    value: dict[str, Any] = {"n": "leaf"}
    read: dict[str, Any] = {"Name": "leaf"}
    for _ in range(100):
        value, read = {"Left": value, "Below": [value]}, {"Left": read, "Below": [read]}
        value["Below"], read["Below"] = [{"n": "side"}], [{"Name": "side"}]
    assert parse("Tree", value) == read


def test_what_is_read_is_not_what_was_given() -> None:
    """Requests are kept (a queue's tags); they must not hang on to a body's other members."""
    given = {"a": 1}
    read = parse("Counts", given)
    given["b"] = 2
    assert read == {"a": 1}


# Whole requests.


@pytest.fixture(scope="module")
def sqs() -> Service:
    return next(service for service in ALL if service.name == "sqs")


def body_refusal(protocol: AwsJson, body: bytes) -> AwsError:
    with pytest.raises(AwsError) as caught:
        protocol.parse("SendMessage", body)
    assert (caught.value.code, caught.value.type) == ("MalformedInput", "SerializationException")
    return caught.value


def test_an_empty_body_is_an_empty_request(sqs: Service) -> None:
    assert sqs.json.parse("ListQueues", b"") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b'{"QueueUrl": "\xff"}',
        b"{'QueueUrl': 1}",
        b"[" * 100_000,
        b"NaN",
    ],
    ids=["cut", "text", "bad-utf8", "python", "deep", "nan"],
)
def test_a_body_that_is_not_json_is_refused(sqs: Service, body: bytes) -> None:
    assert body_refusal(sqs.json, body).message == "The request body is not valid JSON."


def test_half_a_surrogate_pair_is_read_as_a_character_that_no_text_may_hold(sqs: Service) -> None:
    assert sqs.json.parse("SendMessage", b'{"MessageBody": "a\\ud800b", "QueueUrl": "\\ud83e\\udd8a"}') == {
        "MessageBody": "a\uffffb",
        "QueueUrl": "🦊",
    }


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true"])
def test_a_body_that_is_no_object_is_refused(sqs: Service, body: bytes) -> None:
    assert body_refusal(sqs.json, body).message == "The request body must be a JSON object."


def test_a_wrong_kind_deep_in_a_request_is_refused(sqs: Service) -> None:
    request = {"QueueUrl": "u", "MessageAttributes": {"a": {"DataType": "String", "StringValue": 5}}}
    assert body_refusal(sqs.json, orjson.dumps(request)).message == "NUMBER_VALUE can not be converted to a String"


def test_the_recursive_values_of_dynamodb_are_read() -> None:
    """No service of ours has a shape that holds itself yet; the engine must not stumble over the first that has."""
    protocol = AwsJson(Model("dynamodb"), "com.amazonaws.dynamodb.v20120810")
    item = {"a": {"L": [{"M": {"b": {"B": "/w=="}, "c": {"L": []}}}, {"NULL": True}, {"NS": ["1"]}]}}
    read = protocol.parse("PutItem", orjson.dumps({"TableName": "t", "Item": item}))
    assert read == {
        "TableName": "t",
        "Item": {"a": {"L": [{"M": {"b": {"B": b"\xff"}, "c": {"L": []}}}, {"NULL": True}, {"NS": ["1"]}]}},
    }


def test_bytes_of_an_answer_are_written_as_base64(sqs: Service) -> None:
    answer = {"Messages": [{"MessageAttributes": {"a": {"BinaryValue": b"\xff\x00"}}}]}
    _, body = sqs.json.render("ReceiveMessage", answer, "id")
    assert orjson.loads(body) == {"Messages": [{"MessageAttributes": {"a": {"BinaryValue": "/wA="}}}]}
