"""The wire parsers and renderers alone, with any bytes and any values: a parser gives values of its shapes or AWS's error and nothing else,
a renderer gives what can be read again, and no input costs more steps than its size allows. All is drawn from seeds, which a failure shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.model import Shape

from emulator.errors import AwsError
from emulator.wire.query import FIELDS_MAX, escape, nest, parse_form
from services import ALL
from tests.support.fuzz import ODD, RAW, Fuzz, to_form, to_json
from tests.support.routes import ROUTES, Route

CASES = 30
"""For each operation and protocol."""
BYTES_CASES = 3_000
REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"
ROOT = Path(__file__).resolve().parent.parent.parent
HANG_S = 10
"""A bound against a search that takes hours; right ones take a thousandth of it."""
STEPS_PER_FIELD = 60
STEPS_PER_BYTE = 1
STEPS_PER_ITEM = 60
"""How many calls of functions, Python's and C's, a parser may need: well above what they do need, far below anything that is quadratic."""
KINDS: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "blob": bytes,
    "integer": int,
    "long": int,
    "timestamp": int,
    "float": float,
    "double": float,
}


def check_kinds(value: Any, shape: Shape | None, told: str) -> None:
    """Hold a parsed value against its shape; texts must be such as can be stored and sent on."""
    if shape is None:
        assert value == {}, told
        return
    assert isinstance(value, KINDS[shape.type_name]), f"{told}: {value!r:.100} is no {shape.type_name}"
    if shape.type_name == "structure":
        for name, item in value.items():
            check_kinds(item, shape.members[name], told)
    elif shape.type_name == "map":
        for key, item in value.items():
            assert isinstance(key, str), told
            key.encode()
            check_kinds(item, shape.value, told)
    elif shape.type_name == "list":
        for item in value:
            check_kinds(item, shape.member, told)
    elif shape.type_name == "string":
        value.encode()


def parse(route: Route, body: bytes) -> dict[str, Any] | AwsError:
    """Read a body as the server does, the description's constraints included; AWS's refusal is as good an outcome."""
    try:
        if route.protocol == "json":
            request = route.service.json.parse(route.operation, body)
        else:
            request = route.service.query.parse(route.operation, parse_form(body))
        if route.service.constrained:
            route.service.constraints.check(route.operation, request)
    except AwsError as error:
        refusal = error
    else:
        return request
    assert refusal.status == 400
    assert refusal.message
    for render in (route.service.json.render_error, route.service.query.render_error):
        render(refusal, REQUEST_ID)
    return refusal


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_parser_gives_values_of_its_shape_or_aws_s_error(route: Route) -> None:
    for number in range(CASES):
        seed = f"{route!s} {number}"
        fuzz = Fuzz(seed)
        value = fuzz.of(route.shape)
        for _ in range(fuzz.chance.choice((0, 1, 1, 3))):
            value = fuzz.damage(value, raw=route.protocol == "json")
        body = to_json(value) if route.protocol == "json" else to_form(route.operation, "2012-11-05", value)
        body = fuzz.damage_bytes(body) if fuzz.chance.random() < 0.3 else body
        found = parse(route, body)
        if not isinstance(found, AwsError):
            check_kinds(found, route.shape, f"seed {seed!r}")


@pytest.mark.parametrize("name", ["SendMessage", "CreateQueue", "ReceiveMessage"])
@pytest.mark.parametrize("protocol", ["json", "query"])
def test_any_bytes_are_read_or_refused(name: str, protocol: str) -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    route = Route(sqs, protocol, name)
    for number in range(BYTES_CASES):
        seed = f"{name} {protocol} {number}"
        chance = Fuzz(seed).chance
        alphabet = chance.choice(
            (bytes(range(256)), b'{}[]",:0123456789.eE+-ntrufalse\\ \xed\xa0\x80', b"a.1=&%+;\x00\xff-")
        )
        body = bytes(chance.choices(alphabet, k=chance.randrange(60)))
        found = parse(route, body)
        if not isinstance(found, AwsError):
            check_kinds(found, route.shape, f"seed {seed!r}: {body!r}")


@pytest.mark.parametrize("number", range(len(RAW)))
def test_whatever_stands_in_place_of_a_value_is_read_or_refused(number: int) -> None:
    [events] = [service for service in ALL if service.name == "events"]
    value = RAW[number]
    for text in (value, f'{{"Name":{value}}}', f'{{"Entries":[{{"Time":{value},"Detail":{value}}}]}}'):
        for operation in ("PutEvents", "CreateEventBus", "CreateApiDestination", "UpdateArchive"):
            parse(Route(events, "json", operation), text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999", "1" + "0" * 400])
def test_a_number_beyond_all_numbers_is_no_integer_and_no_instant(text: str) -> None:
    [events] = [service for service in ALL if service.name == "events"]
    for body in ('{"RetentionDays":%s}', '{"Entries":[{"Time":%s}]}'):
        found = parse(Route(events, "json", "CreateArchive" if "Days" in body else "PutEvents"), (body % text).encode())
        assert isinstance(found, AwsError)
        assert found.code in ("MalformedInput", "SerializationException", "ValidationException")


def test_of_two_members_with_one_name_the_last_counts_in_json_and_the_first_in_a_form() -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    assert sqs.json.parse("CreateQueue", b'{"QueueName":"a","QueueName":"b"}') == {"QueueName": "b"}
    assert sqs.query.parse("CreateQueue", parse_form(b"QueueName=a&QueueName=b")) == {"QueueName": "a"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"MessageBody":"\\ud800"}',
        b'{"MessageBody":"\\udc00\\ud800"}',
        b'{"MessageBody":"a","\\ud800":1}',
        b'{"\\udfff":{"\\ud800":[]}}',
    ],
)
def test_half_a_surrogate_pair_does_not_get_past_the_json_parser(body: bytes) -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    json.dumps(sqs.json.parse("SendMessage", body), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "body", [b"MessageBody=%ED%A0%80", b"MessageBody=\xed\xa0\x80", b"%ED%BF%BF=1", b"a=%ff", b"\xff=a"]
)
def test_a_form_that_is_no_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError, match="MalformedInput"):
        parse_form(body)


# Renderers.


TEXTS = [one for one in ODD if isinstance(one, str)] + [
    "".join(map(chr, range(0x20))),
    "\ufffe",
    "]]>",
    "&amp;",
    "\x85\u2028",
    "\r\n\t",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_an_error_about_any_text_can_be_read(text: str) -> None:
    error = AwsError("InvalidParameterValue", f"Value {text} is bad.")
    for service in ALL:
        if "query" in service.protocols:
            _, body = service.query.render_error(error, REQUEST_ID)
            assert "InvalidParameterValue" in [element.text for element in ET.fromstring(body).iter()]
        if "json" in service.protocols:
            _, body = service.json.render_error(error, REQUEST_ID)
            assert json.loads(body)["message"] == error.message


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_an_answer_with_any_text_can_be_read(text: str) -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    attribute = {"DataType": text, "StringValue": text, "BinaryValue": text.encode()}
    answer = {"Messages": [{"Body": text, "MessageAttributes": {text: attribute}, "Attributes": {text: text}}]}
    _, body = sqs.json.render("ReceiveMessage", answer, REQUEST_ID)
    assert json.loads(body)["Messages"][0]["Body"] == text
    _, body = sqs.query.render("ReceiveMessage", answer, REQUEST_ID)
    read = [element.text or "" for element in ET.fromstring(body).iter() if element.tag.endswith("}Body")]
    if text.isprintable():
        assert read == [text]


def test_what_xml_cannot_hold_is_written_as_the_replacement_character() -> None:
    for code in (*range(0x20), 0x7F, 0x85, 0xFFFE, 0xFFFF, 0x10FFFF):
        read = ET.fromstring(f"<a>{escape(chr(code))}</a>").text
        assert read == (chr(code) if chr(code) in "\t\n\r" or 0x20 <= code < 0xFFFE or code > 0xFFFF else "\ufffd")


# Effort.


def steps(work: Callable[[], Any]) -> int:
    """Count the calls of functions, Python's and C's, that some work makes."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    except AwsError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "name",
    [
        "Entries.{n}.Id",
        "Entries.{n}.MessageAttribute.{n}.Name",
        "Attribute.{n}.Name",
        "x{n}",
        "1.{n}",
        "Entries.1.MessageAttribute.{n}.Name",
    ],
)
@pytest.mark.parametrize("operation", ["SendMessageBatch", "CreateQueue"])
def test_the_steps_of_reading_a_form_grow_with_its_fields(operation: str, name: str) -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    form = "&".join(f"{name.format(n=n)}={n}" for n in range(FIELDS_MAX - 1)).encode()
    taken = steps(lambda: sqs.query.parse(operation, parse_form(form)))
    assert taken < STEPS_PER_FIELD * FIELDS_MAX


def test_a_form_of_too_many_fields_is_refused_before_it_is_read() -> None:
    assert steps(lambda: parse_form(b"a=1&" * 1_000_000)) < 100


@pytest.mark.parametrize("name", ["a." * 1_000_000, "." * 1_000_000, "Entries.1." + "a." * 1_000_000, "1." * 1_000_000])
def test_a_name_of_a_million_dots_costs_nothing(name: str) -> None:
    """Each dot would be a dict of 200 bytes: a form of 16 MiB took 5 seconds and 1.7 GB."""

    def read() -> None:
        nest({name: "x", "Action": "SendMessage"})

    assert steps(read) < 1_000


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("SendMessageBatch", '{"Entries":[' + ",".join(["{}"] * 20_000) + "]}"),
        ("SendMessageBatch", '{"Entries":[' + ",".join(["null"] * 20_000) + "]}"),
        (
            "SendMessage",
            '{"MessageAttributes":{' + ",".join(f'"a{n}":{{"DataType":"String"}}' for n in range(20_000)) + "}}",
        ),
        ("SendMessage", "{" + ",".join(f'"a{n}":{{}}' for n in range(20_000)) + "}"),
        ("SendMessage", '{"MessageBody":"\\ud800"' + ',"x":[]' * 20_000 + "}"),
    ],
    ids=["structures", "nulls", "map", "unknown", "half a pair"],
)
def test_the_steps_of_reading_json_grow_with_its_values(operation: str, body: str) -> None:
    [sqs] = [service for service in ALL if service.name == "sqs"]
    assert steps(lambda: sqs.json.parse(operation, body.encode())) < STEPS_PER_ITEM * 20_000


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("PutEvents", {"Entries": [{}] * 20_000}),
        ("PutTargets", {"Rule": "?" * 100, "Targets": [{"Id": "?" * 100, "Arn": ""}] * 20_000}),
        ("TagResource", {"ResourceARN": "", "Tags": [{"Key": "k" * 200, "Value": "v" * 300}] * 20_000}),
        (
            "PutTargets",
            {
                "Rule": "r",
                "Targets": [
                    {
                        "Id": "1",
                        "Arn": "a",
                        "InputTransformer": {
                            "InputTemplate": "x",
                            "InputPathsMap": {str(n): "$" for n in range(20_000)},
                        },
                    }
                ],
            },
        ),
    ],
    ids=["entries", "targets", "tags", "paths"],
)
def test_the_steps_of_the_constraints_grow_with_the_values(operation: str, body: dict[str, Any]) -> None:
    [events] = [service for service in ALL if service.name == "events"]
    assert (
        steps(lambda: parse(Route(events, "json", operation), json.dumps(body).encode())) < 2 * STEPS_PER_ITEM * 20_000
    )


SEARCHES = {
    "the credential of a signature": "scope({b'authorization': b'Credential=' * 60_000}, b'')",
    "the credential of a presigned URL": "scope({}, b'X-Amz-Credential=' * 60_000)",
    "an e-mail address": "emails('a@' + 'a.' * 130_000)",
    "many e-mail addresses": "emails('a@a.a.' * 40_000)",
    "a region in a host name": "host_region('aa' + '-a' * 500_000)",
    "an origin": "origin(b'http://' + b'a-' * 30_000 + b'!')",
}
SCRIPT = """
from emulator.cors import Cors
from emulator.http import Request
from emulator.identify import Directory, host_region
from emulator.settings import Settings
from services.sns.data_identifiers import find
def scope(headers, query):
    Directory((), (), Settings()).scope(Request("POST", "/", query, headers, b""))
def emails(text):
    find("EmailAddress", text)
def origin(text):
    cors = Cors(Settings())
    cors.allowed(cors.origin(Request("POST", "/", b"", {b"origin": text, b"referer": text}, b"")))
"""


@pytest.mark.parametrize("call", SEARCHES.values(), ids=SEARCHES)
def test_a_search_does_not_begin_again_at_every_character(call: str) -> None:
    """A process of its own, since nothing ends a search of `re`."""
    try:
        subprocess.run([sys.executable, "-c", SCRIPT + call], cwd=ROOT, timeout=HANG_S, check=True)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{call} did not end within {HANG_S} s")
