"""OAuth client credentials: how a token is asked for, how long it is used, when a new one is fetched, what happens when none comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from tests.support.api_target import ApiTarget, Caller, fields, oauth
from tests.support.harness import Harness, until
from tests.support.http_target import CLOSE, HANG, Answer, Command, Received, elapse, failed, pending

OAUTH = "OAUTH_CLIENT_CREDENTIALS"
GRANT = fields(grant_type="client_credentials")
GRANT[0]["Key"] = "grant_type"


class Issuer(ApiTarget):
    """A server that issues tokens, t1, t2 and so on, that are good for `lifetime_s`; and says what it is asked."""

    lifetime_s: Any = 3_600
    issued = 0

    def take(self, handler: Any, body: bytes) -> Command:
        command = super().take(handler, body)
        if command != 200:
            return command
        self.issued += 1
        token = {"access_token": f"t{self.issued}", "token_type": "Bearer", "expires_in": self.lifetime_s}
        return Answer(200, orjson.dumps({name: value for name, value in token.items() if value is not None}))


@pytest.fixture
def issuer(cloud: Harness) -> Iterator[Issuer]:
    with Issuer(cloud) as one:
        yield one


@pytest.fixture
def caller(cloud: Harness) -> Iterator[Caller]:
    with ApiTarget(cloud) as target:
        yield Caller(cloud, target)


def ready(caller: Caller, issuer: Issuer, **spec: Any) -> str:
    """Create all of it, with room for an event each millisecond, and wait for the first token; the connection's state."""
    arn = caller.connect(OAUTH, oauth(issuer.url("/token"), BodyParameters=GRANT))
    state = caller.settled()
    caller.rule(caller.aim(arn, InvocationRateLimitPerSecond=1_000), **spec)
    return state


def put(caller: Caller) -> str | None:
    """Put one event and let its attempt end; the credentials of the request that came of it, if any."""
    caller.put()
    caller.cloud.settle_deliveries()
    requests = caller.target.take_all()
    assert len(requests) < 2
    return requests[0].header("Authorization") if requests else None


def asked(caller: Caller, issuer: Issuer, method: str, path: str = "/token", **http: Any) -> Received:
    """Create a connection; what its issuer was asked."""
    caller.connect(OAUTH, oauth(issuer.url(path), method, **http))
    assert caller.settled() == "AUTHORIZED"
    (request,) = issuer.requests
    return request


# Asking.


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_token_is_asked_for_with_a_form(caller: Caller, issuer: Issuer, method: str) -> None:
    request = asked(caller, issuer, method, "/token?tenant=a", BodyParameters=GRANT)
    assert (request.method, request.path) == (method, "/token?tenant=a")
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"
    assert parse_qs(request.text, strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": ["s3cret"],
    }
    assert request.header("Authorization") is None


def test_a_token_is_asked_for_with_json_where_that_is_what_the_server_wants(caller: Caller, issuer: Issuer) -> None:
    headers = [{"Key": "content-type", "Value": "application/json", "IsValueSecret": False}]
    request = asked(caller, issuer, "POST", BodyParameters=GRANT, HeaderParameters=headers)
    assert request.header("Content-Type") == "application/json"
    assert request.json == {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": "s3cret",
    }


def test_with_get_all_is_in_the_query(caller: Caller, issuer: Issuer) -> None:
    request = asked(caller, issuer, "GET", "/token?tenant=a", BodyParameters=GRANT, QueryStringParameters=fields(x="1"))
    url = urlsplit(request.path)
    assert (request.method, url.path, request.body, request.header("Content-Type")) == ("GET", "/token", b"", None)
    assert parse_qs(url.query, strict_parsing=True) == {
        "tenant": ["a"],
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": ["s3cret"],
        "x": ["1"],
    }


def test_the_connection_s_oauth_parameters_go_with_it(caller: Caller, issuer: Issuer) -> None:
    more = {"HeaderParameters": fields(X_Tenant="a", Host="evil"), "QueryStringParameters": fields(v="2")}
    request = asked(caller, issuer, "POST", **more)
    assert (request.path, request.header("X-Tenant")) == ("/token?v=2", "a")
    assert request.header("Host") == f"127.0.0.1:{issuer.port}"


# Using.


def test_a_token_is_sent_to_the_destination(caller: Caller, issuer: Issuer) -> None:
    assert ready(caller, issuer) == "AUTHORIZED"
    assert caller.state() == ("AUTHORIZED", "ACTIVE")
    assert put(caller) == "Bearer t1"


def test_a_token_is_used_again(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    for _ in range(3):
        assert put(caller) == "Bearer t1"
        caller.cloud.advance(1)
    assert len(issuer.requests) == 1


@pytest.mark.parametrize("lifetime_s", [3_600, "3600", 3_600.0])
def test_a_token_is_replaced_a_minute_before_its_end_and_not_sooner(
    cloud: Harness, caller: Caller, issuer: Issuer, lifetime_s: Any
) -> None:
    issuer.lifetime_s = lifetime_s
    ready(caller, issuer)
    cloud.advance(3_539.999)
    assert put(caller) == "Bearer t1"
    cloud.advance(0.001)
    assert put(caller) == "Bearer t2"


def test_a_token_is_replaced_only_when_an_event_needs_it(cloud: Harness, caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    cloud.advance(100_000)
    assert len(issuer.requests) == 1
    assert put(caller) == "Bearer t2"


@pytest.mark.parametrize("lifetime_s", [None, "soon", [], "1e999"])
def test_a_token_that_does_not_say_its_end_is_used_until_it_is_refused(
    cloud: Harness, caller: Caller, issuer: Issuer, lifetime_s: Any
) -> None:
    issuer.lifetime_s = lifetime_s
    ready(caller, issuer)
    cloud.advance(10_000_000)
    assert put(caller) == "Bearer t1"


@pytest.mark.parametrize("status", [401, 407])
def test_a_token_that_is_refused_is_replaced_for_the_retry(caller: Caller, issuer: Issuer, status: int) -> None:
    ready(caller, issuer)
    caller.target.answer(status)
    assert put(caller) == "Bearer t1"
    assert caller.state() == ("AUTHORIZED", "ACTIVE")
    elapse(caller.cloud, 1)
    assert [request.header("Authorization") for request in caller.target.requests] == ["Bearer t2"]
    assert (pending(caller.cloud), failed(caller.cloud)) == ([], [])


def test_without_retries_a_refused_token_costs_the_event(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer, RetryPolicy={"MaximumRetryAttempts": 0})
    caller.target.answer(401)
    put(caller)
    assert len(failed(caller.cloud)) == 1
    caller.cloud.advance(1)
    assert put(caller) == "Bearer t2"


def test_many_events_wait_for_one_token(cloud: Harness, caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    cloud.advance(3_600)
    issuer.answer(HANG, 200)
    for _ in range(10):
        caller.put()
    cloud.advance(0.01)
    until(lambda: len(issuer.requests) == 2)
    assert cloud.run(lambda emulator: emulator.router.deliveries.in_flight) == 10
    issuer.release()
    cloud.settle_deliveries()
    assert len(issuer.requests) == 2
    elapse(cloud, 2)
    assert len(issuer.requests) == 3
    assert [request.header("Authorization") for request in caller.target.requests] == ["Bearer t2"] * 10


class Slow(ApiTarget):
    """A server that refuses the first token, in the first request only when it is told to go on."""

    def __init__(self, cloud: Harness) -> None:
        super().__init__(cloud)
        self.go_on = threading.Event()

    def take(self, handler: Any, body: bytes) -> Command:
        first = not self.requests
        super().take(handler, body)
        if first:
            assert self.go_on.wait(20)
        return 401 if handler.headers["Authorization"] == "Bearer t1" else 200


def test_a_late_refusal_of_an_old_token_costs_nobody_the_new_one(cloud: Harness, issuer: Issuer) -> None:
    with Slow(cloud) as slow:
        caller = Caller(cloud, slow)
        ready(caller, issuer)
        caller.put()
        slow.wait()
        cloud.advance(0.001)
        caller.put()
        elapse(cloud, 1, hanging=1)
        slow.go_on.set()
        elapse(cloud, 1)
        tokens = [request.header("Authorization") for request in slow.requests]
    assert (tokens, len(issuer.requests)) == (["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"], 2)


def test_while_new_parameters_are_tried_the_old_token_is_not_used(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    issuer.answer(HANG)
    caller.events.update_connection(
        Name="partner", AuthParameters={"OAuthParameters": {"ClientParameters": {"ClientID": "client-2"}}}
    )
    until(lambda: len(issuer.requests) == 2)
    caller.put()
    issuer.release()
    caller.cloud.settle_deliveries()
    assert caller.target.requests == []
    elapse(caller.cloud, 2)
    assert [request.header("Authorization") for request in caller.target.requests] == ["Bearer t2"]


def test_other_parameters_need_another_token(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    changed = {"OAuthParameters": {"ClientParameters": {"ClientID": "client-2"}}}
    answer = caller.events.update_connection(Name="partner", AuthParameters=changed)
    assert (answer["ConnectionState"], caller.settled()) == ("AUTHORIZING", "AUTHORIZED")
    assert "client_id=client-2&client_secret=s3cret" in issuer.requests[1].text
    assert put(caller) == "Bearer t2"


def test_a_connection_that_becomes_another_type_forgets_its_token(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    changed = {"BasicAuthParameters": {"Username": "ann", "Password": "s3cret"}}
    caller.events.update_connection(Name="partner", AuthorizationType="BASIC", AuthParameters=changed)
    assert (put(caller) or "").startswith("Basic ")


# No token.


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (503, "ERROR_FROM_TARGET"),
        (400, "ERROR_FROM_TARGET"),
        (Answer(200, b"{}"), "ERROR_FROM_TARGET"),
        (CLOSE, "CONNECTION_FAILURE"),
    ],
    ids=str,
)
def test_an_event_waits_for_a_token_that_does_not_come(
    cloud: Harness, caller: Caller, issuer: Issuer, answer: Command, code: str
) -> None:
    ready(caller, issuer)
    cloud.advance(3_600)
    issuer.answer(answer)
    assert put(caller) is None
    (one,) = pending(cloud)
    assert (one["state"], one["last_error"]["code"]) == ("retrying", code)
    assert one["last_error"]["message"].startswith(issuer.url("/token"))
    assert caller.state() == ("DEAUTHORIZED", "INACTIVE")
    elapse(cloud, 1)
    assert [request.header("Authorization") for request in caller.target.requests] == ["Bearer t2"]
    assert caller.state() == ("AUTHORIZED", "ACTIVE")


def test_an_issuer_that_hangs_is_given_up_after_5_seconds(cloud: Harness, caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    cloud.advance(3_600)
    issuer.answer(HANG)
    caller.put()
    until(lambda: len(issuer.requests) == 2)
    cloud.advance(5)
    cloud.settle_deliveries()
    (one,) = pending(cloud)
    message = f"{issuer.url('/token')} did not answer within 5 seconds"
    assert one["last_error"] == {"code": "TIMEOUT", "message": message}


def test_a_connection_whose_first_token_did_not_come_asks_again_with_the_next_event(
    caller: Caller, issuer: Issuer
) -> None:
    issuer.answer(500)
    assert ready(caller, issuer) == "DEAUTHORIZED"
    assert put(caller) == "Bearer t1"
    assert caller.state() == ("AUTHORIZED", "ACTIVE")


def test_a_connection_that_was_deauthorized_by_hand_asks_for_none(caller: Caller, issuer: Issuer) -> None:
    ready(caller, issuer)
    caller.events.deauthorize_connection(Name="partner")
    assert put(caller) is None
    assert len(issuer.requests) == 1
    (one,) = pending(caller.cloud)
    assert one["last_error"]["code"] == "NO_PERMISSIONS"


def test_errors_of_an_issuer_do_not_tell_secrets(caller: Caller, issuer: Issuer) -> None:
    issuer.always = 500
    secret = fields(secret=True, token="t0ken")
    arn = caller.connect(OAUTH, oauth(issuer.url("/token"), "GET", QueryStringParameters=secret))
    caller.settled()
    caller.rule(caller.aim(arn))
    put(caller)
    (one,) = pending(caller.cloud)
    for text in (caller.describe()["StateReason"], one["last_error"]["message"]):
        assert text.endswith(f"{issuer.url('/token')} answered with status 500")
