"""JSON answers: instants as seconds, members by their names on the wire, and operations that need nothing of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import orjson
import pytest
from botocore.model import OperationModel, Shape
from botocore.parsers import create_parser

from emulator.wire.aws_json import AwsJson
from emulator.wire.model import Model
from emulator.wire.shapes import JsonShapes
from tests.support.random_values import RandomValues, plain

INSTANT_MS = 1_767_225_600_123
ROUNDS = 25
EVENTS = AwsJson(Model("events"), "com.amazonaws.events")
SHAPES: dict[str, dict[str, Any]] = {
    "String": {"type": "string"},
    "Blob": {"type": "blob"},
    "Timestamp": {"type": "timestamp"},
    "Timestamps": {"type": "list", "member": {"shape": "Timestamp"}},
    "ByName": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Timestamp"}},
    "Plain": {"type": "structure", "members": {"Text": {"shape": "String"}, "Bytes": {"shape": "Blob"}}},
    "Renamed": {"type": "structure", "members": {"Text": {"shape": "String", "locationName": "t"}}},
    "Deep": {
        "type": "structure",
        "members": {
            "At": {"shape": "Timestamp"},
            "Times": {"shape": "Timestamps"},
            "ByName": {"shape": "ByName"},
            "Plain": {"shape": "Plain"},
            "Renamed": {"shape": "Renamed"},
        },
    },
    "Tree": {"type": "structure", "members": {"At": {"shape": "Timestamp"}, "Below": {"shape": "Trees"}}},
    "Trees": {"type": "list", "member": {"shape": "Tree"}},
    "Chain": {"type": "structure", "members": {"Next": {"shape": "Chain"}, "Text": {"shape": "String"}}},
    "Sideways": {"type": "structure", "members": {"Chain": {"shape": "Chain"}, "At": {"shape": "Timestamp"}}},
}


def write(shape: str, value: Any) -> Any:
    writer = JsonShapes(SHAPES).writer(shape)
    assert writer is not None
    return writer(value)


@pytest.mark.parametrize("shape", ["String", "Blob", "Plain", "Chain"])
def test_a_shape_without_an_instant_needs_no_writer(shape: str) -> None:
    assert JsonShapes(SHAPES).writer(shape) is None


@pytest.mark.parametrize(
    ("shape", "value", "written"),
    [
        ("Timestamp", 0, 0),
        ("Timestamp", 1_767_225_600_000, 1_767_225_600),
        ("Timestamp", INSTANT_MS, 1_767_225_600.123),
        ("Timestamps", [], []),
        ("Timestamps", [1, 2000], [0.001, 2]),
        ("ByName", {"a": 1500}, {"a": 1.5}),
        ("Renamed", {"Text": "x"}, {"t": "x"}),
        ("Deep", {}, {}),
        (
            "Deep",
            {"At": 0, "Times": [1000], "ByName": {"a": 1}, "Plain": {"Bytes": b"x"}, "Renamed": {"Text": ""}},
            {"At": 0, "Times": [1], "ByName": {"a": 0.001}, "Plain": {"Bytes": b"x"}, "Renamed": {"t": ""}},
        ),
        (
            "Tree",
            {"Below": [{"At": 1000, "Below": [{"At": 2000}]}, {}]},
            {"Below": [{"At": 1, "Below": [{"At": 2}]}, {}]},
        ),
        ("Sideways", {"At": 1000, "Chain": {"Next": {"Text": "x"}}}, {"At": 1, "Chain": {"Next": {"Text": "x"}}}),
    ],
)
def test_a_value_is_written(shape: str, value: Any, written: Any) -> None:
    assert write(shape, value) == written


def test_what_is_none_is_left_out_of_structures_at_every_depth() -> None:
    value = {"At": None, "Plain": {"Text": None, "Bytes": b""}, "Renamed": {"Text": None}}
    assert write("Deep", value) == {"Plain": {"Bytes": b""}, "Renamed": {}}


def test_what_an_operation_answered_stays_as_it_was() -> None:
    answer = {"At": INSTANT_MS, "Times": [INSTANT_MS], "Renamed": {"Text": None}}
    write("Deep", answer)
    assert answer == {"At": INSTANT_MS, "Times": [INSTANT_MS], "Renamed": {"Text": None}}


def test_every_millisecond_of_a_second_is_written_exactly() -> None:
    for instant_ms in range(INSTANT_MS, INSTANT_MS + 1000):
        _, body = EVENTS.render("CreateArchive", {"CreationTime": instant_ms}, "r")
        seconds, fraction = body.decode().removeprefix('{"CreationTime":').removesuffix("}").split(".")
        assert int(seconds) * 1000 + int(fraction.ljust(3, "0")) == instant_ms
        assert len(fraction) <= 3


def test_an_answer_with_an_instant_has_seconds() -> None:
    headers, body = EVENTS.render("CreateArchive", {"ArchiveArn": "a", "CreationTime": INSTANT_MS, "State": None}, "r")
    assert body == b'{"ArchiveArn":"a","CreationTime":1767225600.123}'
    assert dict(headers) == {
        b"content-type": b"application/x-amz-json-1.1",
        b"content-length": str(len(body)).encode(),
        b"x-amzn-requestid": b"r",
    }


def test_an_answer_of_nothing_is_empty_even_where_instants_could_be() -> None:
    assert EVENTS.render("CreateArchive", None, "r")[1] == b""


def test_instants_and_bytes_stand_in_one_answer() -> None:
    """None of our services has both; Amazon Kinesis does."""
    kinesis = AwsJson(Model("kinesis"), "com.amazonaws.kinesis.v20131202")
    answer = {"Records": [{"Data": b"\xff\x00", "ApproximateArrivalTimestamp": 1500}]}
    assert orjson.loads(kinesis.render("GetRecords", answer, "r")[1]) == {
        "Records": [{"Data": "/wA=", "ApproximateArrivalTimestamp": 1.5}]
    }


# Against botocore.


def botocore_operation(service: str, name: str) -> OperationModel:
    return botocore.session.Session().get_service_model(service).operation_model(name)


def holds_instant(shape: Shape | None, above: tuple[str, ...] = ()) -> bool:
    """Whether botocore's shape has a timestamp at any depth."""
    if shape is None or shape.name in above:
        return False
    above = (*above, shape.name)
    if shape.type_name == "structure":
        return any(holds_instant(member, above) for member in shape.members.values())
    if shape.type_name == "list":
        return holds_instant(shape.member, above)
    return holds_instant(shape.value, above) if shape.type_name == "map" else shape.type_name == "timestamp"


SERVICES = {
    "events": "com.amazonaws.events",
    "sqs": "com.amazonaws.sqs",
}
MODELS = {name: botocore.session.Session().get_service_model(name) for name in SERVICES}
WITH_INSTANTS = [
    (service, name)
    for service, model in MODELS.items()
    for name in model.operation_names
    if holds_instant(model.operation_model(name).output_shape)
]


def test_many_answers_of_eventbridge_have_instants_and_none_of_sqs() -> None:
    assert len(WITH_INSTANTS) == 24
    assert {service for service, _ in WITH_INSTANTS} == {"events"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_operations_whose_answers_have_instants_are_those_with_writers(service: str) -> None:
    model = Model(service)
    shapes = JsonShapes(model.shapes)
    found = {
        name
        for name, operation in model.operations.items()
        if operation.output_shape and shapes.writer(operation.output_shape) is not None
    }
    assert found == {name for of, name in WITH_INSTANTS if of == service}


@pytest.mark.parametrize(("service", "name"), WITH_INSTANTS)
def test_botocore_reads_the_instants_that_we_write(service: str, name: str) -> None:
    protocol = AwsJson(Model(service), SERVICES[service])
    shape = botocore_operation(service, name).output_shape
    for number in range(ROUNDS):
        seed = f"{service} {name} {number}"
        answer = RandomValues(seed, xml=False).of(shape)
        headers, body = protocol.render(name, answer, "r")
        named = {key.decode(): value.decode() for key, value in headers}
        read = create_parser("json").parse({"status_code": 200, "headers": named, "body": body}, shape)
        read.pop("ResponseMetadata")
        assert plain(read) == answer, f"seed {seed!r}"


def test_botocore_reads_an_instant_as_the_moment_it_is() -> None:
    _, body = EVENTS.render("DescribeArchive", {"CreationTime": INSTANT_MS}, "r")
    shape = botocore_operation("events", "DescribeArchive").output_shape
    read = create_parser("json").parse({"status_code": 200, "headers": {}, "body": body}, shape)
    assert read["CreationTime"] == datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC)
