"""Requests to API destinations, as a real server gets them: method, path, query, headers, body, and who wins where two set the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.events import api_call
from tests.support.api_target import ACCOUNT, API_KEY, BASIC, REGION, ApiTarget, Caller, fields
from tests.support.harness import Harness
from tests.support.http_target import Received, elapse, failed, pending

DETAIL = {"id": "o/1 ü", "number": 7, "big": 1.5, "paid": True, "none": None, "tags": ["a", "b"], "to": {"zip": "8001"}}


@pytest.fixture
def caller(cloud: Harness) -> Iterator[Caller]:
    with ApiTarget(cloud) as target:
        yield Caller(cloud, target)


def call(caller: Caller, detail: Any = None) -> Received:
    """Put one event, a while after the one before for the sake of the throttle; the one request that comes of it."""
    caller.cloud.advance(1)
    caller.put(detail)
    caller.cloud.settle_deliveries()
    (request,) = caller.target.take_all()
    return request


# As it is.


def test_a_request_has_the_event_and_the_default_headers(caller: Caller) -> None:
    caller.ready()
    request = call(caller, DETAIL)
    assert (request.method, request.path) == ("POST", "/in")
    assert list(request.json) == [
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    ]
    assert (request.json["account"], request.json["region"], request.json["detail"]) == (ACCOUNT, REGION, DETAIL)
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{caller.target.port}",
        "User-Agent": "Amazon/EventBridge/ApiDestinations",
        "Content-Type": "application/json; charset=utf-8",
        "Range": "bytes=0-1048575",
        "Accept-Encoding": "gzip,deflate",
        "Connection": "close",
        "X-Api-Key": "k3y",
        "Content-Length": str(len(request.body)),
    }
    assert (pending(caller.cloud), failed(caller.cloud)) == ([], [])


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_all_methods_go_out(caller: Caller, method: str) -> None:
    caller.ready(method=method)
    request = call(caller, {"x": 1})
    assert (request.method, request.json["detail"]) == (method, {"x": 1})
    assert failed(caller.cloud) == []


@pytest.mark.parametrize(
    ("spec", "body"),
    [
        ({"Input": '{"fixed": true}'}, '{"fixed": true}'),
        ({"InputPath": "$.detail.to"}, '{"zip":"8001"}'),
        (
            {"InputTransformer": {"InputPathsMap": {"n": "$.detail.number"}, "InputTemplate": '{"order": <n>}'}},
            '{"order": 7}',
        ),
        ({"InputPath": "$.detail.number"}, "7"),
    ],
)
def test_the_body_is_what_the_rule_makes_of_the_event(caller: Caller, spec: dict[str, Any], body: str) -> None:
    caller.ready(**spec)
    assert call(caller, DETAIL).text == body


def test_each_connection_has_a_request_of_its_own(caller: Caller) -> None:
    caller.ready()
    assert call(caller).connection != call(caller).connection


def test_a_destination_of_another_region_is_called_too(caller: Caller) -> None:
    home = caller.events
    caller.events = caller.cloud.client("events", account=ACCOUNT, region="eu-west-1")
    arn = caller.aim(caller.connect())
    caller.events = home
    caller.rule(arn)
    assert call(caller).json["region"] == REGION


# Credentials.


def test_basic_authorization_is_sent(caller: Caller) -> None:
    caller.rule(caller.aim(caller.connect("BASIC")))
    assert call(caller).header("Authorization") == "Basic " + base64.b64encode(b"ann:s3cret").decode()


def test_a_password_may_have_any_letters(caller: Caller) -> None:
    auth = {"BasicAuthParameters": {"Username": "änn", "Password": "pass wörd"}}
    caller.rule(caller.aim(caller.connect("BASIC", auth)))
    assert call(caller).header("Authorization") == "Basic " + base64.b64encode("änn:pass wörd".encode()).decode()


def test_an_api_key_may_have_any_letters_and_spaces_around_it(caller: Caller) -> None:
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "Authorization", "ApiKeyValue": " Token kéy "}}
    caller.rule(caller.aim(caller.connect("API_KEY", auth)))
    value = call(caller).header("Authorization")
    assert value is not None
    assert value.encode("latin-1").decode() == "Token kéy"


def test_new_credentials_are_used_at_once(caller: Caller) -> None:
    caller.ready()
    changed = {"ApiKeyAuthParameters": {"ApiKeyValue": "n3w"}}
    caller.events.update_connection(Name="partner", AuthParameters=changed)
    assert call(caller).header("X-Api-Key") == "n3w"
    caller.events.update_connection(Name="partner", AuthorizationType="BASIC", AuthParameters=BASIC)
    request = call(caller)
    assert (request.header("X-Api-Key"), (request.header("Authorization") or "")[:6]) == (None, "Basic ")


def test_credentials_win_over_parameters(caller: Caller) -> None:
    own = {"HeaderParameters": fields(Authorization="mine")}
    caller.rule(
        caller.aim(caller.connect("BASIC", None, **own)), HttpParameters={"HeaderParameters": {"authorization": "x"}}
    )
    assert (call(caller).header("Authorization") or "").startswith("Basic ")


# The path.


@pytest.mark.parametrize(
    ("path", "values", "sent"),
    [
        ("/a/*/b/*", ["1", "2"], "/a/1/b/2"),
        ("/a/*/b/*", ["1"], "/a/1/b/*"),
        ("/a/*", ["1", "2"], "/a/1"),
        ("/a", ["1"], "/a"),
        ("/*-*", ["*", "x"], "/%2A-x"),
        ("/*", ["a b/c?d=ü&e#f%"], "/a%20b%2Fc%3Fd%3D%C3%BC%26e%23f%25"),
        ("/*?q=*", ["1", "2"], "/1?q=*"),
        ("/*", ["$.detail.id"], "/o%2F1%20%C3%BC"),
        ("/*/*/*", ["$.detail.number", "$.detail.paid", "$.detail.big"], "/7/true/1.5"),
        ("/*/*", ["$.detail.tags[1]", "$.detail.to.zip"], "/b/8001"),
        ("/*/*", ["$.source", "$.detail-type"], "/shop/order"),
        ("/*", ["$.detail['number']"], "/7"),
        ("/*", ["$"], "/$"),
        ("/*", ["order $.detail.number"], "/order%20$.detail.number"),
    ],
)
def test_path_parameters_take_the_place_of_stars(caller: Caller, path: str, values: list[str], sent: str) -> None:
    caller.ready(path, HttpParameters={"PathParameterValues": values})
    request = call(caller, DETAIL)
    assert request.path.replace("%24", "$") == sent


def test_path_parameters_come_from_the_original_event(caller: Caller) -> None:
    caller.ready("/*", Input='{"detail": {"number": 8}}', HttpParameters={"PathParameterValues": ["$.detail.number"]})
    assert call(caller, DETAIL).path == "/7"


def test_a_path_parameter_that_leads_nowhere_is_a_dead_letter(caller: Caller) -> None:
    dead = caller.dead_letters()
    caller.ready("/*", HttpParameters={"PathParameterValues": ["$.detail.no"]}, DeadLetterConfig={"Arn": dead})
    caller.put(DETAIL)
    caller.cloud.settle_deliveries()
    assert caller.target.requests == []
    letter = caller.letter()
    message = f"The event has no $.detail.no, a path parameter of {caller.target.url('/*')}"
    assert (letter["ERROR_CODE"], letter["ERROR_MESSAGE"]) == ("INVALID_PARAMETER", message)
    assert (letter["RETRY_ATTEMPTS"], "EXHAUSTED_RETRY_CONDITION" in letter) == ("0", False)


# The query.


@pytest.mark.parametrize(
    ("path", "target", "connection", "sent"),
    [
        ("/in", {"a": "1"}, {}, "/in?a=1"),
        ("/in", {}, {"b": "2"}, "/in?b=2"),
        ("/in?z=0", {"a": "1"}, {"b": "2"}, "/in?z=0&a=1&b=2"),
        ("/in", {"a": "target", "c": "3"}, {"a": "connection"}, "/in?a=connection&c=3"),
        ("/in?a=0&z=1&a=2", {"a": "target"}, {}, "/in?z=1&a=target"),
        ("/in?a%20b=0", {"a b": "1"}, {}, "/in?a%20b=1"),
        ("/in", {"q": "a b&c=d/ü+"}, {}, "/in?q=a%20b%26c%3Dd%2F%C3%BC%2B"),
        (
            "/in",
            {"n": "$.detail.number", "t": "$.detail.tags", "x": "$.detail.no"},
            {},
            "/in?n=7&t=%5B%22a%22%2C%22b%22%5D",
        ),
        ("/in", {"n": "$.detail.number"}, {"c": "$.detail.number"}, "/in?n=7&c=%24.detail.number"),
    ],
)
def test_query_parameters_come_from_both_and_the_connection_wins(
    caller: Caller, path: str, target: dict[str, str], connection: dict[str, str], sent: str
) -> None:
    arn = caller.aim(caller.connect(QueryStringParameters=fields(**connection)), path)
    caller.rule(arn, HttpParameters={"QueryStringParameters": target})
    assert call(caller, DETAIL).path == sent


# Headers.


def test_header_parameters_come_from_both_and_the_connection_wins(caller: Caller) -> None:
    arn = caller.aim(caller.connect(HeaderParameters=fields(x_both="connection", X_Own="2")))
    target = {"X-Both": "target", "X-Target": "1", "X-Id": "$.detail.number", "X-None": "$.detail.no"}
    caller.rule(arn, HttpParameters={"HeaderParameters": target})
    request = call(caller, DETAIL)
    found = {name: request.header(name) for name in ("X-Both", "X-Own", "X-Target", "X-Id", "X-None")}
    assert found == {"X-Both": "connection", "X-Own": "2", "X-Target": "1", "X-Id": "7", "X-None": None}


def test_the_content_type_can_be_another(caller: Caller) -> None:
    caller.ready(HttpParameters={"HeaderParameters": {"content-type": "application/cloudevents+json"}})
    assert call(caller).header("Content-Type") == "application/cloudevents+json"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "User-Agent",
        "Range",
        "accept-encoding",
        "Upgrade",
        "TE",
    ],
)
def test_headers_that_are_eventbridge_s_own_cannot_be_set(caller: Caller, name: str) -> None:
    arn = caller.aim(caller.connect())
    caller.rule(arn)
    before = call(caller).header(name)
    own = {"HeaderParameters": [{"Key": name, "Value": "5"}]}
    caller.events.update_connection(Name="partner", AuthParameters={"InvocationHttpParameters": own})
    caller.rule(arn, HttpParameters={"HeaderParameters": {name: "6"}})
    assert call(caller).header(name) == before


def test_a_header_value_cannot_break_out_of_its_line(caller: Caller) -> None:
    caller.ready(HttpParameters={"HeaderParameters": {"X-Id": "$.detail.id"}})
    caller.put({"id": "1\r\nX-Evil: 1"})
    caller.cloud.settle_deliveries()
    assert caller.target.requests == []
    (one,) = failed(caller.cloud)
    message = "The value of header X-Id has control characters"
    assert one["last_error"] == {"code": "INVALID_PARAMETER", "message": message}


# The body.


def test_body_parameters_are_put_into_the_object(caller: Caller) -> None:
    arn = caller.aim(caller.connect(BodyParameters=fields(token="t0ken", order="connection")))
    caller.rule(arn, Input='{"order": "target", "n": 1}')
    assert call(caller).json == {"order": "connection", "n": 1, "token": "t0ken"}


@pytest.mark.parametrize("body", ["[1]", '"text"', "7"])
def test_body_parameters_need_an_object(caller: Caller, body: str) -> None:
    dead = caller.dead_letters()
    arn = caller.aim(caller.connect(BodyParameters=fields(token="t0ken")))
    caller.rule(arn, Input=body, DeadLetterConfig={"Arn": dead})
    caller.put()
    caller.cloud.settle_deliveries()
    assert (caller.target.requests, caller.letter()["ERROR_CODE"]) == ([], "INVALID_JSON")


def test_a_body_that_is_broken_json_is_a_dead_letter(caller: Caller) -> None:
    transformer = {"InputPathsMap": {"x": "$.detail.text"}, "InputTemplate": '{"text": "<x>"}'}
    caller.ready(InputTransformer=transformer, DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.put({"text": 'say "hello"'})
    caller.cloud.settle_deliveries()
    letter = caller.letter()
    assert (caller.target.requests, letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ([], "INVALID_JSON", "0")


def test_a_body_that_is_not_called_json_need_not_be(caller: Caller) -> None:
    transformer = {"InputPathsMap": {"x": "$.detail.text"}, "InputTemplate": '{"text": "<x>"}'}
    headers = {"HeaderParameters": {"Content-Type": "text/plain"}}
    caller.ready(InputTransformer=transformer, HttpParameters=headers)
    assert call(caller, {"text": 'say "hello"'}).text == '{"text": "say "hello""}'


# The rate.


def test_no_more_requests_go_out_a_second_than_the_destination_takes(caller: Caller) -> None:
    caller.rule(caller.aim(caller.connect(), InvocationRateLimitPerSecond=2))
    start_ms = caller.cloud.now_ms
    for number in range(5):
        caller.put({"n": number})
    elapse(caller.cloud, 10)
    assert [request.at_ms - start_ms for request in caller.target.requests] == [0, 500, 1_000, 1_500, 2_000]
    assert [request.json["detail"]["n"] for request in caller.target.requests] == [0, 1, 2, 3, 4]


def test_the_rate_is_read_from_the_destination(caller: Caller) -> None:
    arn = caller.aim(caller.connect(), InvocationRateLimitPerSecond=2)
    assert caller.cloud.run(lambda emulator: api_call.rate_limit(emulator, arn)) == 2
    caller.events.update_api_destination(Name="orders", InvocationRateLimitPerSecond=9)
    assert caller.cloud.run(lambda emulator: api_call.rate_limit(emulator, arn)) == 9
    caller.events.delete_api_destination(Name="orders")
    assert caller.cloud.run(lambda emulator: api_call.rate_limit(emulator, arn)) == 300


# What is not said.


def test_errors_do_not_tell_secrets(caller: Caller) -> None:
    auth = dict(API_KEY)
    arn = caller.aim(
        caller.connect("API_KEY", auth, QueryStringParameters=fields(secret=True, token="t0ken")), "/in?a=1"
    )
    caller.rule(arn)
    caller.target.answer(404)
    caller.put()
    caller.cloud.settle_deliveries()
    assert caller.target.requests[0].path == "/in?a=1&token=t0ken"
    (one,) = failed(caller.cloud)
    assert one["last_error"]["message"] == f"{caller.target.url('/in')} answered with status 404"
    assert "t0ken" not in json.dumps(one)
