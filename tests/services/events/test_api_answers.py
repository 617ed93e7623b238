"""What the answers of API destinations mean: success, retries and their instants, dead letters, connections that are deauthorized."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from tests.support.api_target import API_KEY, TYPES, ApiTarget, Caller
from tests.support.harness import Harness
from tests.support.http_target import CLOSE, HANG, Answer, Command, elapse, failed, pending

BACKOFF_MAX_MS = 1_000
"""The longest wait before a first retry."""


@pytest.fixture
def caller(cloud: Harness) -> Iterator[Caller]:
    with ApiTarget(cloud) as target:
        yield Caller(cloud, target)


def put(caller: Caller) -> dict[str, Any] | None:
    """Put one event and let its first attempt end; what waits for a retry."""
    caller.put()
    caller.cloud.settle_deliveries()
    waiting = pending(caller.cloud)
    assert len(waiting) < 2
    return waiting[0] if waiting else None


def last_error(one: dict[str, Any] | None) -> tuple[str, str]:
    assert one is not None
    return one["last_error"]["code"], one["last_error"]["message"]


def retry_after(value: object, status: int = 503) -> Answer:
    return Answer(status, headers=(("Retry-After", str(value)),))


# Statuses.


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_2xx_is_success(caller: Caller, status: int) -> None:
    caller.ready()
    caller.target.answer(status)
    assert put(caller) is None
    assert (len(caller.target.requests), failed(caller.cloud)) == (1, [])


@pytest.mark.parametrize("status", [409, 429, 500, 501, 502, 503, 504, 599])
def test_conflicts_throttling_and_errors_of_servers_are_retried(caller: Caller, status: int) -> None:
    caller.ready()
    caller.target.answer(status)
    code = "THROTTLING" if status == 429 else "ERROR_FROM_TARGET"
    assert last_error(put(caller)) == (code, f"{caller.target.url('/in')} answered with status {status}")
    elapse(caller.cloud, 1)
    first, second = caller.target.requests
    assert (first.body, first.headers) == (second.body, second.headers)
    assert 500 <= second.at_ms - first.at_ms <= BACKOFF_MAX_MS
    assert (pending(caller.cloud), failed(caller.cloud)) == ([], [])


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 402, 403, 404, 405, 408, 410, 413, 418, 422, 499])
def test_all_other_statuses_are_dead_letters_at_once(caller: Caller, status: int) -> None:
    caller.ready(DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.target.answer(Answer(status, headers=(("Location", "/elsewhere"), ("Retry-After", "5"))))
    assert put(caller) is None
    letter = caller.letter()
    message = f"{caller.target.url('/in')} answered with status {status}"
    assert (letter["ERROR_CODE"], letter["ERROR_MESSAGE"], letter["RETRY_ATTEMPTS"]) == (
        "ERROR_FROM_TARGET",
        message,
        "0",
    )
    elapse(caller.cloud, 100)
    assert len(caller.target.requests) == 1


def test_the_retries_end_with_a_dead_letter(caller: Caller) -> None:
    caller.ready(DeadLetterConfig={"Arn": caller.dead_letters()}, RetryPolicy={"MaximumRetryAttempts": 2})
    caller.target.always = 429
    put(caller)
    elapse(caller.cloud, 10)
    letter = caller.letter()
    assert (len(caller.target.requests), letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == (3, "THROTTLING", "2")
    assert letter["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


# No answer.


def test_a_connection_that_closes_is_a_failure_that_is_retried(caller: Caller) -> None:
    caller.ready()
    caller.target.answer(CLOSE)
    code, message = last_error(put(caller))
    assert (code, message.startswith(f"{caller.target.url('/in')}: ")) == ("CONNECTION_FAILURE", True)
    elapse(caller.cloud, 1)
    assert (len(caller.target.requests), failed(caller.cloud)) == (2, [])


def test_a_port_at_which_nobody_listens_is_a_failure_that_is_retried(caller: Caller) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    caller.ready()
    endpoint = f"http://127.0.0.1:{port}/in"
    caller.events.update_api_destination(Name="orders", InvocationEndpoint=endpoint)
    assert last_error(put(caller))[0] == "CONNECTION_FAILURE"
    caller.events.update_api_destination(Name="orders", InvocationEndpoint=caller.target.url("/new"))
    elapse(caller.cloud, 1)
    assert [request.path for request in caller.target.requests] == ["/new"]


def test_silence_of_5_seconds_is_a_failure_that_is_retried(caller: Caller) -> None:
    caller.ready()
    caller.target.answer(HANG)
    caller.put()
    caller.target.wait()
    caller.cloud.advance(4.999)
    assert [one["state"] for one in pending(caller.cloud)] == ["pending"]
    caller.cloud.advance(0.001)
    caller.cloud.settle_deliveries()
    (one,) = pending(caller.cloud)
    assert last_error(one) == ("TIMEOUT", f"{caller.target.url('/in')} did not answer within 5 seconds")
    elapse(caller.cloud, 1)
    assert (len(caller.target.requests), failed(caller.cloud)) == (2, [])


# Retry-After.


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_retry_does_not_come_before_the_server_wants_it(caller: Caller, status: int) -> None:
    caller.ready()
    caller.target.answer(retry_after(120, status))
    put(caller)
    elapse(caller.cloud, 119.999)
    assert len(caller.target.requests) == 1
    elapse(caller.cloud, 0.001)
    assert (len(caller.target.requests), pending(caller.cloud)) == (2, [])


def test_retry_after_may_be_a_date(caller: Caller) -> None:
    caller.ready()
    caller.target.answer(retry_after(formatdate(caller.cloud.now_ms / 1000 + 90, usegmt=True)))
    put(caller)
    elapse(caller.cloud, 100)
    first, second = caller.target.requests
    assert second.at_ms - first.at_ms == 90_000


@pytest.mark.parametrize(
    "value", ["0", "soon", "", "1.5", "0x10", "Thu, 01 Jan 2015 00:00:00 GMT", "Thu, 99 Jan 2027 00:00:00 GMT"]
)
def test_a_retry_after_that_is_past_or_cannot_be_read_changes_nothing(caller: Caller, value: str) -> None:
    caller.ready()
    caller.target.answer(retry_after(value))
    put(caller)
    elapse(caller.cloud, 1)
    first, second = caller.target.requests
    assert 500 <= second.at_ms - first.at_ms <= BACKOFF_MAX_MS


def test_a_negative_retry_after_ends_the_retries(caller: Caller) -> None:
    caller.ready(DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.target.answer(retry_after(-1))
    assert put(caller) is None
    letter = caller.letter()
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("ERROR_FROM_TARGET", "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in letter


@pytest.mark.parametrize("value", [86_401, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_a_day_means_a_day(caller: Caller, value: object) -> None:
    caller.ready()
    caller.target.answer(retry_after(value))
    one = put(caller)
    assert one is not None
    assert one["next_attempt"] == "2026-01-02T00:00:00.000Z"


def test_a_retry_after_beyond_the_event_s_age_ends_it(caller: Caller) -> None:
    dead = {"Arn": caller.dead_letters()}
    caller.ready(DeadLetterConfig=dead, RetryPolicy={"MaximumEventAgeInSeconds": 60})
    caller.target.answer(retry_after(61))
    assert put(caller) is None
    assert caller.letter()["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


# Authorization that is refused.


@pytest.mark.parametrize("kind", ["BASIC", "API_KEY"])
@pytest.mark.parametrize("status", [401, 407])
def test_credentials_that_are_refused_deauthorize_the_connection(caller: Caller, kind: str, status: int) -> None:
    caller.rule(caller.aim(caller.connect(kind)))
    caller.target.answer(status)
    message = f"{caller.target.url('/in')} answered with status {status}"
    assert last_error(put(caller)) == ("ERROR_FROM_TARGET", message)
    assert caller.state() == ("DEAUTHORIZED", "INACTIVE")
    assert caller.describe()["StateReason"] == message


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_no_other_status_deauthorizes_a_connection(caller: Caller, status: int) -> None:
    caller.ready()
    caller.target.answer(status)
    put(caller)
    assert caller.state() == ("AUTHORIZED", "ACTIVE")


@pytest.mark.parametrize("kind", ["BASIC", "API_KEY"])
def test_an_inactive_destination_gets_no_requests_until_the_connection_is_updated(caller: Caller, kind: str) -> None:
    caller.rule(caller.aim(caller.connect(kind)))
    caller.target.answer(401)
    put(caller)
    caller.put()
    elapse(caller.cloud, 60)
    assert len(caller.target.requests) == 1
    waiting = pending(caller.cloud)
    assert {one["last_error"]["code"] for one in waiting} == {"NO_PERMISSIONS"}
    assert len(waiting) == 2
    caller.events.update_connection(Name="partner", AuthParameters=TYPES[kind])
    assert caller.state() == ("AUTHORIZED", "ACTIVE")
    elapse(caller.cloud, 600)
    assert (len(caller.target.requests), pending(caller.cloud), failed(caller.cloud)) == (3, [], [])


def test_a_connection_that_was_deauthorized_by_hand_is_used_no_more(caller: Caller) -> None:
    caller.ready(RetryPolicy={"MaximumRetryAttempts": 1}, DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.events.deauthorize_connection(Name="partner")
    put(caller)
    elapse(caller.cloud, 1)
    letter = caller.letter()
    assert (caller.target.requests, letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ([], "NO_PERMISSIONS", "1")
    assert letter["ERROR_MESSAGE"].endswith(
        "its connection is DEAUTHORIZED. The authorization parameters were removed by DeauthorizeConnection."
    )


class Slow(ApiTarget):
    """A server that refuses all credentials, when it is told to go on."""

    def __init__(self, cloud: Harness) -> None:
        super().__init__(cloud)
        self.go_on = threading.Event()

    def take(self, handler: Any, body: bytes) -> Command:
        super().take(handler, body)
        assert self.go_on.wait(20)
        return 401


def test_a_refusal_of_old_credentials_says_nothing_of_the_new_ones(cloud: Harness) -> None:
    with Slow(cloud) as slow:
        caller = Caller(cloud, slow)
        caller.ready()
        caller.put()
        slow.wait()
        changed = {"ApiKeyAuthParameters": {"ApiKeyValue": "n3w"}}
        caller.events.update_connection(Name="partner", AuthParameters=changed)
        slow.go_on.set()
        cloud.settle_deliveries()
        assert last_error(pending(cloud)[0])[0] == "ERROR_FROM_TARGET"
        assert caller.state() == ("AUTHORIZED", "ACTIVE")


# What is not there.


def no_resource(caller: Caller, arn: str) -> None:
    assert put(caller) is None
    letter = caller.letter()
    assert (letter["ERROR_CODE"], letter["ERROR_MESSAGE"]) == ("NO_RESOURCE", f"{arn} does not exist")
    assert (letter["RETRY_ATTEMPTS"], caller.target.requests) == ("0", [])


def test_a_destination_that_was_deleted_is_a_dead_letter_at_once(caller: Caller) -> None:
    connection = caller.connect()
    arn = caller.aim(connection)
    caller.rule(arn, DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.events.delete_api_destination(Name="orders")
    caller.aim(connection)
    no_resource(caller, arn)


def test_a_connection_that_was_deleted_is_a_dead_letter_at_once(caller: Caller) -> None:
    connection = caller.connect()
    caller.rule(caller.aim(connection), DeadLetterConfig={"Arn": caller.dead_letters()})
    caller.events.delete_connection(Name="partner")
    caller.events.create_connection(Name="partner", AuthorizationType="API_KEY", AuthParameters=API_KEY)
    no_resource(caller, connection)


# Nobody else suffers.


@pytest.mark.parametrize("trouble", [500, CLOSE, HANG], ids=["fails", "closes", "hangs"])
def test_a_destination_in_trouble_does_not_slow_the_other_targets(caller: Caller, trouble: Command) -> None:
    caller.ready()
    queue_arn = caller.dead_letters()
    caller.events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": queue_arn}])
    caller.target.always = trouble
    for _ in range(20):
        caller.put()
    number = caller.sqs.get_queue_attributes(QueueUrl=caller.queue_url, AttributeNames=["All"])["Attributes"]
    assert number["ApproximateNumberOfMessages"] == "20"
    caller.cloud.settle_deliveries(hanging=16 if trouble == HANG else 0)
    assert len(pending(caller.cloud)) == 20
