"""The first token of an OAuth connection: asked for when the connection is made, and what the connection's state is for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.api_target import ACCOUNT, REGION, ApiTarget, Caller, oauth
from tests.support.harness import Harness
from tests.support.http_target import HANG, Answer, Command

RESOURCE = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourceconfiguration/rcfg-0123456789abcdefg"
PRIVATE = {"ResourceParameters": {"ResourceConfigurationArn": RESOURCE}}


@pytest.fixture
def caller(cloud: Harness) -> Iterator[Caller]:
    with ApiTarget(cloud) as target:
        yield Caller(cloud, target)


def connect_oauth(caller: Caller) -> str:
    caller.connect("OAUTH_CLIENT_CREDENTIALS", oauth(caller.target.url("/token")))
    return caller.settled()


def test_an_oauth_connection_is_authorizing_until_its_token_has_come(cloud: Harness, caller: Caller) -> None:
    caller.target.answer(HANG)
    caller.connect("OAUTH_CLIENT_CREDENTIALS", oauth(caller.target.url("/token")))
    caller.target.wait()
    shown = caller.describe()
    assert (shown["ConnectionState"], "LastAuthorizedTime" in shown) == ("AUTHORIZING", False)
    cloud.advance(1)
    caller.target.answer(Answer(200, b'{"access_token": "t0ken"}'))
    caller.events.update_connection(Name="partner", AuthParameters=oauth(caller.target.url("/token")))
    assert caller.settled() == "AUTHORIZED"
    assert caller.describe()["LastAuthorizedTime"] == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    caller.target.release()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (401, "answered with status 401"),
        (500, "answered with status 500"),
        (302, "answered with status 302"),
        (Answer(200, b"not JSON"), "answered without an access_token"),
        (Answer(200, b"[]"), "answered without an access_token"),
        (Answer(200, b'{"token": "t0ken"}'), "answered without an access_token"),
        (Answer(200, b'{"access_token": ""}'), "answered without an access_token"),
        (Answer(200, b'{"access_token": 7}'), "answered without an access_token"),
    ],
)
def test_an_oauth_connection_that_gets_no_token_is_deauthorized(caller: Caller, answer: Command, reason: str) -> None:
    caller.target.answer(answer)
    assert connect_oauth(caller) == "DEAUTHORIZED"
    url = caller.target.url("/token")
    assert caller.describe()["StateReason"] == f"The OAuth token could not be obtained: {url} {reason}"
    assert "LastAuthorizedTime" not in caller.describe()


def test_an_authorization_endpoint_that_is_silent_for_5_seconds_deauthorizes(cloud: Harness, caller: Caller) -> None:
    caller.target.answer(HANG)
    caller.connect("OAUTH_CLIENT_CREDENTIALS", oauth(caller.target.url("/token")))
    caller.target.wait()
    cloud.advance(4.999)
    assert caller.describe()["ConnectionState"] == "AUTHORIZING"
    cloud.advance(0.001)
    assert caller.settled() == "DEAUTHORIZED"
    reason = caller.describe()["StateReason"]
    assert reason.endswith(f"{caller.target.url('/token')} did not answer within 5 seconds")


def test_a_connection_that_is_deauthorized_meanwhile_stays_so(cloud: Harness, caller: Caller) -> None:
    caller.target.answer(HANG)
    caller.connect("OAUTH_CLIENT_CREDENTIALS", oauth(caller.target.url("/token")))
    caller.target.wait()
    caller.events.deauthorize_connection(Name="partner")
    cloud.advance(5)
    shown = caller.describe()
    assert shown["ConnectionState"] == "DEAUTHORIZED"
    assert shown["StateReason"] == "The authorization parameters were removed by DeauthorizeConnection."


def test_a_private_oauth_connection_is_active_when_its_token_has_come(caller: Caller) -> None:
    caller.target.answer(Answer(200, b'{"access_token": "t0ken"}'))
    answer = caller.events.create_connection(
        Name="partner",
        AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters=oauth(caller.target.url("/token")),
        InvocationConnectivityParameters=PRIVATE,
    )
    assert (answer["ConnectionState"], caller.settled()) == ("AUTHORIZING", "ACTIVE")
