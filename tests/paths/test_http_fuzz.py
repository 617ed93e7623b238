"""Every operation over each of its protocols, with requests that are nearly right: whatever comes, the answer is AWS's, an error in the
shape that SDKs read, never a 5xx, and never a traceback in the log. Each case is drawn from a seed, which a failure shows.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from emulator.app import Emulator
from emulator.clock import ManualClock
from emulator.http import BODY_MAX_BYTES
from emulator.ids import Ids
from services import ALL
from tests.support.fuzz import Fuzz, places, to_form, to_json
from tests.support.fuzz_requests import (
    BASIC,
    BODIES,
    DEAD_LETTERS,
    DELIVERY,
    ENTRY,
    EVENT,
    FIFO_ARN,
    FIFO_TOPIC,
    FILTER,
    HEADERS,
    METHODS,
    NOWHERE,
    PATHS,
    PATTERN,
    POLICY,
    POOLS,
    PROTECTION,
    QUERIES,
    QUEUE,
    REDRIVE,
    REDRIVE_ALLOW,
    REPLAY,
    SET_UP,
    TARGET,
    TOPIC,
    TOPIC_DELIVERY,
    TOPIC_POLICY,
)
from tests.support.harness import Answer, Clients, Loop
from tests.support.routes import ROUTES, Route

CASES = 40
"""For each operation and protocol."""
HTTP_CASES = 1_500


class World:
    """An Emulator whose requests all run on its own loop, one after the other, by clients that wait for nothing."""

    def __init__(self, loop: Loop, clients: Clients) -> None:
        self._loop = loop
        self.emulator = Emulator(ALL, clock=ManualClock(), ids=Ids(1), certificate=clients.certificate)
        self.emulator.start()

    def close(self) -> None:
        self._loop.run(self.emulator.stop())
        assert self.emulator.tasks.failed == 0

    def set_up(self) -> dict[str, tuple[str]]:
        """Make one of each; the ARNs and receipt handles that came of it, by the name of the member in small letters."""
        found: dict[str, str] = {}
        for name, operation, request in SET_UP:
            [service] = [one for one in ALL if one.name == name]
            request = {key: found[item[1:]] if str(item)[:1] == "$" else item for key, item in request.items()}
            answer = self.call(Route(service, service.protocols[0], operation), request)
            assert answer is not None
            assert answer.status == 200, (operation, answer.text)
            found |= dict(re.findall(r'[<"](\w+Arn|ReceiptHandle)"?[>:]"?([^<"]+)', answer.text))
        return {name.lower(): (value,) for name, value in found.items() if name != "TopicArn"}

    def call(self, route: Route, request: Any) -> Answer | None:
        """Send a request as an SDK would."""
        return self.send(*written(route, request))

    def send(
        self, headers: dict[str, bytes], body: bytes, method: str = "POST", path: str = "/", query: bytes = b""
    ) -> Answer | None:
        """Send anything; None for what would have waited."""
        return self._loop.run(self._serve(headers, body, method, path, query))

    async def _serve(
        self, headers: dict[str, bytes], body: bytes, method: str, path: str, query: bytes
    ) -> Answer | None:
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(b"host", b"localhost:4566"), *((name.encode(), value) for name, value in headers.items())],
            "scheme": "http",
        }
        await self.emulator(scope, receive, send)
        if not sent:
            return None
        head, *parts = sent
        headers_out = [(name, value.decode("latin-1").encode()) for name, value in head["headers"]]
        return Answer(head["status"], headers_out, b"".join(part["body"] for part in parts))


def written(route: Route, request: Any) -> tuple[dict[str, bytes], bytes]:
    """Write a request's headers and body."""
    model = route.service.model
    scope = f"Credential=test/20260101/us-east-1/{route.service.name}/aws4_request".encode()
    if route.protocol == "json":
        target = f"{model.target_prefix}.{route.operation}".encode()
        return {"x-amz-target": target, "content-type": b"application/x-amz-json-1.0", "authorization": scope}, to_json(
            request
        )
    body = to_form(route.operation, model.api_version, request)
    return {"content-type": b"application/x-www-form-urlencoded", "authorization": scope}, body


@pytest.fixture
def world(_loop: Loop, _clients: Clients) -> Iterator[World]:
    one = World(_loop, _clients)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is an error of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    bad = [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert not bad, "\n".join(logging.Formatter().format(record) for record in bad[:3])


def check(answer: Answer, seed: str) -> None:
    """Hold an answer against what SDKs can read."""
    told = f"seed {seed!r}: {answer.status} {answer.body[:300]!r}"
    if answer.status == 501:  # AWS has it and we have not
        assert b"NotImplemented" in answer.body, told
    else:
        assert answer.status in (200, 204) or 400 <= answer.status < 500, told
    assert int(answer.headers.get("content-length", "0")) == len(answer.body), told
    if not answer.body:
        return
    if answer.headers["content-type"] == "text/xml":
        check_xml(answer, told)
    elif answer.headers["content-type"].startswith("application/x-amz-json"):
        check_json(answer, told)
    else:
        assert answer.headers["content-type"] in PLAIN, told


PLAIN = ("text/plain; charset=utf-8", "application/json", "text/html; charset=utf-8", "application/x-pem-file")
"""What is no AWS request is answered so."""


def check_xml(answer: Answer, told: str) -> None:
    root = ET.fromstring(answer.body)
    name = root.tag.rpartition("}")[2]
    if answer.status == 200:
        assert name.endswith("Response"), told
    elif name == "UnknownOperationException":
        assert answer.status == 404, told
    else:
        texts = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
        assert name == "ErrorResponse", told
        assert texts["Type"] == ("Receiver" if answer.status == 501 else "Sender"), told
        assert re.fullmatch(r"[A-Za-z.]+", texts["Code"]), told
        assert texts["RequestId"] == answer.headers["x-amzn-requestid"], told


def check_json(answer: Answer, told: str) -> None:
    read = json.loads(answer.body or b"{}")
    assert isinstance(read, dict), told
    if answer.status != 200:
        assert re.fullmatch(r"[a-z0-9.]+#[A-Za-z.]+", read["__type"]), told
        assert isinstance(read["message"], str), told


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_damaged_request_gets_aws_s_error_or_aws_s_answer(world: World, route: Route) -> None:
    pool = POOLS[route.service.name] | world.set_up()
    for number in range(CASES):
        seed = f"{route!s} {number}"
        fuzz = Fuzz(seed, pool)
        value = fuzz.of(route.shape)
        for _ in range(fuzz.chance.choice((0, 1, 1, 2))):
            value = fuzz.damage(value, raw=route.protocol == "json")
        headers, body = written(route, value)
        if fuzz.chance.random() < 0.15:
            body = fuzz.damage_bytes(body)
        answer = world.send(headers, body[:BODY_MAX_BYTES])
        if answer is None:  # it would have waited
            assert route.operation == "ReceiveMessage", f"seed {seed!r} got no answer"
        else:
            check(answer, seed)


DOCUMENTS: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "queue policy": ("sqs", "SetQueueAttributes", {"QueueUrl": QUEUE}, "Policy", POLICY),
    "queue redrive": ("sqs", "SetQueueAttributes", {"QueueUrl": QUEUE}, "RedrivePolicy", REDRIVE),
    "queue redrive allow": ("sqs", "SetQueueAttributes", {"QueueUrl": QUEUE}, "RedriveAllowPolicy", REDRIVE_ALLOW),
    "topic policy": ("sns", "SetTopicAttributes", {"TopicArn": TOPIC}, "Policy", TOPIC_POLICY),
    "topic delivery": (
        "sns",
        "SetTopicAttributes",
        {"TopicArn": TOPIC},
        "DeliveryPolicy",
        TOPIC_DELIVERY,
    ),
    "topic archive": (
        "sns",
        "SetTopicAttributes",
        {"TopicArn": FIFO_TOPIC},
        "ArchivePolicy",
        '{"MessageRetentionPeriod":"3"}',
    ),
    "filter": ("sns", "SetSubscriptionAttributes", {"SubscriptionArn": "$"}, "FilterPolicy", FILTER),
    "subscription redrive": (
        "sns",
        "SetSubscriptionAttributes",
        {"SubscriptionArn": "$"},
        "RedrivePolicy",
        DEAD_LETTERS,
    ),
    "subscription delivery": (
        "sns",
        "Subscribe",
        {"TopicArn": TOPIC, "Protocol": "http", "Endpoint": NOWHERE},
        "DeliveryPolicy",
        DELIVERY,
    ),
    "replay": (
        "sns",
        "Subscribe",
        {"TopicArn": FIFO_TOPIC, "Protocol": "sqs", "Endpoint": FIFO_ARN},
        "ReplayPolicy",
        REPLAY,
    ),
    "protection": ("sns", "PutDataProtectionPolicy", {"ResourceArn": TOPIC}, "DataProtectionPolicy", PROTECTION),
    "message structure": (
        "sns",
        "Publish",
        {"TopicArn": TOPIC, "MessageStructure": "json"},
        "Message",
        '{"default":"d","sqs":"s"}',
    ),
    "pattern": ("events", "PutRule", {"Name": "fresh", "EventBusName": "orders"}, "EventPattern", PATTERN),
    "event": ("events", "TestEventPattern", {"EventPattern": PATTERN}, "Event", EVENT),
    "bus policy": ("events", "PutPermission", {"EventBusName": "orders"}, "Policy", POOLS["events"]["policy"][0]),
    "detail": ("events", "PutEvents", {}, "Entries", json.dumps([ENTRY])),
    "targets": ("events", "PutTargets", {"Rule": "watch", "EventBusName": "orders"}, "Targets", json.dumps([TARGET])),
    "connection": (
        "events",
        "CreateConnection",
        {"Name": "d", "AuthorizationType": "BASIC"},
        "AuthParameters",
        json.dumps(BASIC),
    ),
}
"""Documents inside requests: service, operation, the rest of the request, the member or attribute that holds it, the document."""
KINDS = (
    None,
    True,
    0,
    -1,
    2**63,
    0.5,
    "",
    "x",
    "\x00",
    [],
    {},
    [[]],
    [{}],
    [None],
    [1],
    {"x": {}},
    {"x": [{}]},
    ["x", "x"],
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_with_a_value_of_any_kind_in_any_place_gets_aws_s_answer(world: World, name: str) -> None:
    service_name, operation, rest, member, document = DOCUMENTS[name]
    made = world.set_up()
    route = next(one for one in ROUTES if (one.service.name, one.operation) == (service_name, operation))
    rest = {key: made["subscriptionarn"][0] if item == "$" else item for key, item in rest.items()}
    good = world.call(route, rest | in_its_place(operation, member, json.loads(document)))
    assert good is not None
    assert good.status == 200, good.text
    for number in range(len(places(json.loads(document)))):
        for kind in KINDS:
            value = json.loads(document)
            holder, key = places(value)[number]
            holder[key] = kind
            answer = world.call(route, rest | in_its_place(operation, member, value))
            assert answer is not None
            check(answer, f"{name} {json.dumps(value)}")


def in_its_place(operation: str, member: str, value: Any) -> dict[str, Any]:
    """Put a document into the request: as the value of an attribute, as a text, or as it is."""
    if operation in ("SetQueueAttributes", "Subscribe"):
        return {"Attributes": {member: json.dumps(value)}}
    if operation.endswith("Attributes"):
        return {"AttributeName": member, "AttributeValue": json.dumps(value)}
    return {member: value if member in ("Entries", "Targets", "AuthParameters") else json.dumps(value)}


@pytest.mark.parametrize(("key", "status"), [(b"%ff", 400), (b"%E4%B8%96", 200), (b"%00", 200), (b"test", 200)])
def test_a_presigned_url_may_have_any_characters_in_its_credential(world: World, key: bytes, status: int) -> None:
    query = b"Action=ListQueues&X-Amz-Credential=%s%%2F20260101%%2Fus-east-1%%2Fsqs%%2Faws4_request" % key
    answer = world.send({}, b"", "GET", "/", query)
    assert answer is not None
    assert answer.status == status
    check(answer, repr(key))


def test_odd_methods_paths_headers_and_bodies_are_answered_in_the_caller_s_protocol(world: World) -> None:
    world.set_up()
    for number in range(HTTP_CASES):
        seed = f"http {number}"
        answer = world.send(*anything(Fuzz(seed)))
        assert answer is not None, f"seed {seed!r} got no answer"
        check(answer, seed)


def anything(fuzz: Fuzz) -> tuple[dict[str, bytes], bytes, str, str, bytes]:
    """Draw headers, a body, a method, a path and a query string."""
    choice = fuzz.chance.choice
    headers = {name: choice(values) for name, values in HEADERS.items() if fuzz.chance.random() < 0.25}
    body, query = choice(BODIES), choice(QUERIES)
    if fuzz.chance.random() < 0.3:
        body, query = fuzz.damage_bytes(body), bytes(byte for byte in fuzz.damage_bytes(query) if 0x20 < byte < 0x7F)
    return headers, body, choice(METHODS), choice(PATHS), query
