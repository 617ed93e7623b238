"""Both sides of the wire are held against botocore: it writes and we read the same values, we write and it reads the same.

For every operation of every service that is served, over each protocol, with random values from the operation's shapes. botocore's
description of SQS has lost the query protocol, so that of its last release that had it is used (tests/cases/botocore).
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from botocore.awsrequest import AWSRequest
from botocore.errorfactory import ClientExceptionsFactory
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

import emulator.errors
import services.events.errors
import services.sns.errors
import services.sqs.errors
import services.sts.errors
from emulator.errors import AwsError
from emulator.service import Service
from emulator.wire.aws_json import AwsJson
from emulator.wire.model import Model
from emulator.wire.query import parse_form
from services import ALL
from tests.support.random_values import RandomValues, plain, without_empty

CASES = Path(__file__).resolve().parent.parent / "cases" / "botocore"
QUERY_CASES = {"sqs": "sqs-query"}
"""Services whose query protocol only an old description has."""
ROUNDS = 25
REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"


@functools.cache
def botocore_model(service: str, protocol: str) -> ServiceModel:
    """Load the description that botocore's side of a round trip works by."""
    loader = Loader(extra_search_paths=[str(CASES)])
    name = QUERY_CASES.get(service, service) if protocol == "query" else service
    return ServiceModel(loader.load_service_model(name, "service-2"), service)


class Route(NamedTuple):
    """One operation over one protocol."""

    service: Service
    protocol: str
    operation: str

    @property
    def model(self) -> OperationModel:
        return botocore_model(self.service.name, self.protocol).operation_model(self.operation)

    def seeds(self) -> Iterator[str]:
        for number in range(ROUNDS):
            yield f"{self.service.name} {self.protocol} {self.operation} {number}"


ROUTES = [
    Route(service, protocol, operation)
    for service in ALL
    for protocol in service.protocols
    for operation in sorted(service.model.operations)
]


def route_id(route: Route) -> str:
    return "-".join((route.service.name, route.protocol, route.operation))


@pytest.mark.parametrize("route", ROUTES, ids=route_id)
def test_we_read_the_request_that_botocore_writes(route: Route) -> None:
    for seed in route.seeds():
        values = with_datetimes(RandomValues(seed, xml=False).of(route.model.input_shape), route.model.input_shape)
        request = plain(values)
        serialized = create_serializer(route.protocol, include_validation=False).serialize_to_request(
            values, route.model
        )
        body = AWSRequest("POST", "http://localhost/", data=serialized["body"]).prepare().body
        body = body.encode() if isinstance(body, str) else body
        if route.protocol == "json":
            assert route.service.json.parse(route.operation, body) == request, f"seed {seed!r}"
        else:
            read = route.service.query.parse(route.operation, parse_form(body))
            assert without_empty(read) == without_empty(request), f"seed {seed!r}"


@pytest.mark.parametrize("route", ROUTES, ids=route_id)
def test_botocore_reads_the_answer_that_we_write(route: Route) -> None:
    for seed in route.seeds():
        shape = route.model.output_shape
        answer = RandomValues(seed, xml=route.protocol == "query").of(shape)
        result = answer if shape is not None else None
        if route.protocol == "json":
            headers, body = route.service.json.render(route.operation, result, REQUEST_ID)
        else:
            headers, body = route.service.query.render(route.operation, result, REQUEST_ID)
        read = parse_answer(route.protocol, 200, headers, body, shape)
        metadata = read.pop("ResponseMetadata")
        assert metadata["RequestId"] == REQUEST_ID
        if route.protocol == "json":
            assert plain(read) == answer, f"seed {seed!r}"
        else:
            assert without_empty(plain(read)) == without_empty(answer), f"seed {seed!r}"


@pytest.mark.parametrize("name", ["PutEvents", "PutPartnerEvents", "StartReplay"])
def test_we_read_the_instants_that_botocore_writes(name: str) -> None:
    """The operations of Amazon EventBridge that take instants."""
    model = botocore_model("events", "json").operation_model(name)
    protocol = AwsJson(Model("events"), "com.amazonaws.events")
    for number in range(ROUNDS):
        seed = f"events json {name} {number}"
        values = with_datetimes(RandomValues(seed, xml=False).of(model.input_shape), model.input_shape)
        written = create_serializer("json", include_validation=False).serialize_to_request(values, model)
        assert protocol.parse(name, written["body"]) == plain(values), f"seed {seed!r}"


def with_datetimes(value: Any, shape: Any) -> Any:
    """Make of milliseconds the datetimes that botocore takes, of whole seconds: it writes no others in JSON."""
    if shape is None:
        return value
    if shape.type_name == "structure":
        return {name: with_datetimes(item, shape.members[name]) for name, item in value.items()}
    if shape.type_name == "list":
        return [with_datetimes(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: with_datetimes(item, shape.value) for key, item in value.items()}
    return datetime.fromtimestamp(value // 1000, UTC) if shape.type_name == "timestamp" else value


def parse_answer(
    protocol: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes, shape: Any = None
) -> dict[str, Any]:
    """Let botocore read an answer."""
    named = {name.decode(): value.decode() for name, value in headers}
    assert named["content-length"] == str(len(body))
    return create_parser(protocol).parse({"status_code": status, "headers": named, "body": body}, shape)


def test_the_query_description_of_sqs_and_the_model_of_today_have_the_same_operations() -> None:
    sqs = next(service for service in ALL if service.name == "sqs")
    assert set(botocore_model("sqs", "query").operation_names) == set(sqs.model.operations)


def test_an_operation_without_a_result_answers_an_empty_body_over_json() -> None:
    sqs = next(service for service in ALL if service.name == "sqs")
    headers, body = sqs.json.render("DeleteQueue", None, REQUEST_ID)
    assert body == b""
    assert dict(headers)[b"content-length"] == b"0"


# Errors.

WORDS = '<Ünknown> & "it\'s" \r\n\t🦊'
SAMPLES: dict[str, tuple[Any, ...]] = {
    "str": ("jobs", WORDS),
    "str | None": (None, WORDS),
    "object": (None, 7, WORDS),
    "int": (0, 1_048_576),
    "bool": (False, True),
}
"""Arguments for the functions that make errors, by annotation."""


class Made(NamedTuple):
    """One error, and the function that made it."""

    maker: str
    error: AwsError


def errors_of(module: ModuleType) -> list[Made]:
    """Call every public function of a module that makes an AwsError, with each kind of argument."""
    made = []
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ != module.__name__ or name.startswith("_"):
            continue
        parameters = inspect.signature(function).parameters.values()
        samples = {parameter.name: SAMPLES[parameter.annotation] for parameter in parameters}
        for round_number in range(max((len(values) for values in samples.values()), default=1)):
            arguments = {key: values[round_number % len(values)] for key, values in samples.items()}
            made.append(Made(name, call(function, arguments)))
    return made


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> AwsError:
    positional = [
        arguments.pop(name)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    error = function(*positional, **arguments)
    assert isinstance(error, AwsError), function.__name__
    return error


SERVICE_ERRORS = {
    "events": errors_of(services.events.errors) + errors_of(emulator.errors),
    "sqs": errors_of(services.sqs.errors) + errors_of(emulator.errors),
    "sns": errors_of(services.sns.errors) + errors_of(emulator.errors),
    "sts": errors_of(services.sts.errors) + errors_of(emulator.errors),
}
ERROR_ROUTES = [
    (service, protocol, made)
    for service in ALL
    for protocol in service.protocols
    for made in SERVICE_ERRORS[service.name]
    if protocol == "json" or made.error.message  # without one it is no error document: test_query.py
]
error_routes = pytest.mark.parametrize(
    ("service", "protocol", "made"),
    ERROR_ROUTES,
    ids=[f"{service.name}-{protocol}-{made.maker}" for service, protocol, made in ERROR_ROUTES],
)


def render_error(service: Service, protocol: str, error: AwsError) -> dict[str, Any]:
    """Write an error and let botocore read it."""
    headers, body = (service.json if protocol == "json" else service.query).render_error(error, REQUEST_ID)
    read = parse_answer(protocol, error.status, headers, body)
    assert read["ResponseMetadata"]["RequestId"] == REQUEST_ID
    assert read["ResponseMetadata"]["HTTPStatusCode"] == error.status
    seen: dict[str, Any] = read["Error"]
    return seen


def test_every_service_has_its_errors_in_this_file() -> None:
    assert set(SERVICE_ERRORS) == {service.name for service in ALL if service.protocols}


@error_routes
def test_botocore_reads_code_message_and_fault_of_an_error(service: Service, protocol: str, made: Made) -> None:
    seen = render_error(service, protocol, made.error)
    assert seen["Message"] == made.error.message
    if protocol == "query" or "awsQueryCompatible" in service.model.metadata:
        assert seen["Code"] == made.error.code
        assert seen["Type"] == ("Sender" if made.error.status < 500 else "Receiver")
    else:  # a service that has always spoken JSON has one name for an error, and says nothing of the fault
        assert seen["Code"] == made.error.type


@error_routes
def test_botocore_raises_the_exception_class_that_aws_gives_an_error(
    service: Service, protocol: str, made: Made
) -> None:
    seen = render_error(service, protocol, made.error)
    model = botocore_model(service.name, protocol)
    known = {shape.name for shape in model.error_shapes}
    found = (
        ClientExceptionsFactory().create_client_exceptions(model).from_code(seen.get("QueryErrorCode", seen["Code"]))
    )
    if not made.error.modelled:
        # SNS lists a ValidationException of its own, which by its code is that of AWS's front end.
        assert found.__name__ == (seen["Code"] if seen["Code"] in known else "ClientError")
    elif protocol == "json" or made.error.type in known:
        assert found.__name__ == made.error.type


@pytest.mark.parametrize(
    ("service", "made"), [(service, made) for service, protocol, made in ERROR_ROUTES if protocol == "json"]
)
def test_an_error_over_json_names_its_type_in_the_right_namespace(service: Service, made: Made) -> None:
    _, body = service.json.render_error(made.error, REQUEST_ID)
    namespace = service.namespace if made.error.modelled else "com.amazon.coral.service"
    assert json.loads(body) == {"__type": f"{namespace}#{made.error.type}", "message": made.error.message}


def test_what_the_models_list_of_an_sqs_error_is_what_we_say_of_it() -> None:
    """The old description has the codes and the statuses, the one of today the names."""
    old = {shape.name: shape.metadata.get("error", {}) for shape in botocore_model("sqs", "query").error_shapes}
    new = {shape.name for shape in botocore_model("sqs", "json").error_shapes}
    for made in errors_of(services.sqs.errors):
        error = made.error
        assert error.modelled == (error.type in new), made.maker
        listed = old.get(error.type)
        if error.modelled and listed:
            assert (error.code, error.status) == (listed["code"], listed["httpStatusCode"]), made.maker


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_an_error_that_quotes_a_character_that_xml_lacks_is_still_xml(character: str) -> None:
    error = emulator.errors.invalid_parameter_value(f"Value {character} for parameter MessageGroupId is invalid.")
    for service in ALL:
        seen = render_error(service, "query", error)
        assert seen["Code"] == "InvalidParameterValue"
        assert seen["Message"].startswith("Value ")
        assert seen["Message"].endswith(" for parameter MessageGroupId is invalid.")
