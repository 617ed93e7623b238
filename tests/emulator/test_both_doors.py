"""The comparison of the two doors, which runs after each test, can fail: a door that loses, adds or changes anything is caught."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from emulator.fastlane import FastLane
from emulator.protocol import JoinedProtocol
from tests.support import harness as harness_module
from tests.support.harness import Harness
from tests.support.http_target import HttpTarget, elapse, subscribe
from tests.support.sns_topics import make_topic
from tests.support.sqs_flow import Box, redrive
from tests.support.twin import DoorsDifferError

DOORS = {"FastLane": FastLane, "JoinedProtocol": JoinedProtocol}


class Changed(asyncio.Transport):
    """A connection on which what is written is changed."""

    def __init__(self, transport: asyncio.Transport, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._transport, self._change = transport, change

    def write(self, data: Any) -> None:
        self._transport.write(self._change(bytes(data)))

    def __getattribute__(self, name: str) -> Any:
        if name in ("write", "_transport", "_change"):
            return super().__getattribute__(name)
        return getattr(self._transport, name)


Breaks = Callable[[str, Callable[[bytes], bytes]], None]


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Breaks:
    """Change what one of the doors writes."""

    def change_door(name: str, change: Callable[[bytes], bytes]) -> None:
        class Broken(DOORS[name]):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(Changed(transport, change))

        monkeypatch.setattr(harness_module, name, Broken)

    return change_door


def differ(cloud: Harness) -> str:
    """Compare, which is to fail; what it says."""
    with pytest.raises(DoorsDifferError) as caught:
        cloud.compare_doors()
    cloud.is_twinned = False  # it is known to differ
    return str(caught.value)


def test_all_requests_of_a_test_are_compared(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="box")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.receive_message(QueueUrl=url)
    cloud.request("GET", "/health")
    assert cloud.compare_doors() == 4


def test_a_test_without_a_request_compares_nothing(cloud: Harness) -> None:
    cloud.advance(1)
    assert cloud.compare_doors() == 0


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a header more": lambda data: data.replace(b"\r\n\r\n", b"\r\nx-more: 1\r\n\r\n", 1),
    "a header less": lambda data: data.replace(b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", b""),
    "a header in capitals": lambda data: data.replace(b"content-type", b"Content-Type"),
    "headers the other way round": lambda data: data.replace(
        b"content-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n",
        b"content-length: 2\r\ncontent-type: application/x-amz-json-1.0\r\n",
    ),
    "another status": lambda data: data.replace(b" 200 OK", b" 201 Created"),
    "another reason": lambda data: data.replace(b" 200 OK", b" 200 Fine"),
    "a byte of the body": lambda data: data[:-1] + b" " if data.endswith(b"{}") else data,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_door_is_found(
    cloud_with: Callable[..., Harness], breaks: Breaks, door: str, change: str
) -> None:
    breaks(door, CHANGES[change])
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    said = differ(cloud)
    assert "the doors differ at request 1 of 1" in said
    assert "X-Amz-Target: AmazonSQS.ListQueues" in said
    assert "--- fast lane:\nHTTP/1.1 20" in said
    assert "--- ordinary way:\nHTTP/1.1 20" in said


def test_the_same_change_of_both_doors_is_no_difference(cloud_with: Callable[..., Harness], breaks: Breaks) -> None:
    for door in DOORS:
        breaks(door, CHANGES["a header more"])
    cloud = cloud_with()
    assert cloud.request("GET", "/health").headers["x-more"] == "1"
    assert cloud.compare_doors() == 1


def test_a_lost_byte_is_an_answer_that_never_comes(
    cloud_with: Callable[..., Harness], breaks: Breaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.twin.PATIENCE_S", 0.01)
    breaks("JoinedProtocol", lambda data: data[:-1])
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    assert differ(cloud).endswith("\n\n{")


def test_an_answer_that_is_lost_is_shown_as_nothing(
    cloud_with: Callable[..., Harness], breaks: Breaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.twin.PATIENCE_S", 0.01)
    breaks("JoinedProtocol", lambda _: b"")
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    assert differ(cloud).endswith("--- ordinary way:\n(nothing)")


def test_what_is_no_answer_is_shown(cloud_with: Callable[..., Harness], breaks: Breaks) -> None:
    breaks("JoinedProtocol", lambda data: b"HTTP" + data)
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    assert "--- ordinary way:\nHTTPHTTP/1.1 200 OK" in differ(cloud)


def test_bytes_after_an_answer_are_a_difference(cloud_with: Callable[..., Harness], breaks: Breaks) -> None:
    breaks("JoinedProtocol", lambda data: data + b"\r\n")
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    assert "the doors differ at request 1 of 1" in differ(cloud)


def test_a_connection_that_one_door_closes_is_a_difference(
    cloud_with: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closing(JoinedProtocol):
        def on_response_complete(self) -> None:
            super().on_response_complete()
            self.transport.close()

    monkeypatch.setattr(harness_module, "JoinedProtocol", Closing)
    cloud = cloud_with()
    cloud.client("sqs").list_queues()
    assert "--- ordinary way, connection closed:\nHTTP/1.1 200 OK" in differ(cloud)


def test_what_is_done_past_the_journal_is_found_by_the_next_request(cloud: Harness, sqs: Any) -> None:
    cloud.emulator.ids.uuid()
    sqs.list_queues()
    assert "the doors differ at request 1 of 1" in differ(cloud)


def test_what_is_run_on_the_emulator_is_run_on_the_twin_too(cloud: Harness, sqs: Any) -> None:
    cloud.run(lambda emulator: emulator.ids.uuid())
    sqs.list_queues()
    assert cloud.compare_doors() == 1


def test_a_function_that_failed_fails_again(cloud: Harness, sqs: Any) -> None:
    with pytest.raises(KeyError):
        cloud.run(lambda emulator: emulator.services["nothing"])
    sqs.list_queues()
    assert cloud.compare_doors() == 1


@pytest.mark.parametrize("first_fails", [True, False])
def test_a_function_that_fails_with_one_emulator_only_is_a_difference(
    cloud: Harness, sqs: Any, *, first_fails: bool
) -> None:
    runs = []

    def work(_: object) -> None:
        runs.append(1)
        if (len(runs) == 1) is first_fails:
            raise KeyError("not this one")

    try:
        cloud.run(work)
    except KeyError:
        assert first_fails
    sqs.list_queues()
    assert "could not be done with its twin" in differ(cloud)


def test_the_first_difference_is_told(cloud_with: Callable[..., Harness], breaks: Breaks) -> None:
    breaks("JoinedProtocol", lambda data: data.replace(b"QueueUrls", b"QueueURLs"))
    cloud = cloud_with()
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="box")
    sqs.list_queues()
    sqs.list_queues()
    assert "the doors differ at request 2 of 3" in differ(cloud)


def test_long_polls_that_park_resume_and_lose_their_clients_are_compared(cloud: Harness, sqs: Any) -> None:
    box = Box(sqs)
    polls = [box.poll(cloud), box.poll(cloud, seconds=2), box.poll(cloud)]
    box.open_poll(cloud).hang_up()
    box.send("a")
    assert polls[0].bodies == ["a"]
    cloud.advance(2)
    assert polls[1].bodies == []
    sqs.delete_queue(QueueUrl=box.url)
    with pytest.raises(Exception, match="NonExistentQueue"):
        polls[2].future.result(timeout=10)
    assert cloud.compare_doors() == 8


def test_a_server_that_the_emulator_calls_is_called_once(cloud: Harness, sns: Any) -> None:
    with HttpTarget(lambda: cloud.now_ms) as target:
        topic = make_topic(sns)
        target.answer(200, 500)
        subscribe(cloud, sns, topic, target)
        sns.publish(TopicArn=topic, Message="hello")
        target.wait(1)
        elapse(cloud, 20)
        assert [request.json["Message"] for request in target.wait(2)] == ["hello"] * 2
        assert cloud.compare_doors() > 3
        assert len(target.requests) == 2


def test_a_call_that_only_one_emulator_makes_is_a_difference(cloud: Harness, sns: Any) -> None:
    with HttpTarget(lambda: cloud.now_ms) as target:
        make_topic(sns)
        request = cloud.emulator.router.http.post(target.url("/past"), {}, b"past the journal", 1000)
        cloud._loop.run(request)
        assert "did not call a server: POST" in differ(cloud)


@pytest.mark.one_door("the two are told to differ")
def test_a_test_of_one_door_may_do_what_cannot_be_done_twice(cloud: Harness, sqs: Any) -> None:
    cloud.emulator.ids.uuid()
    sqs.list_queues()


@pytest.mark.xfail(raises=DoorsDifferError, strict=True)
def test_a_test_whose_doors_differ_fails(cloud: Harness, sqs: Any) -> None:
    cloud.emulator.ids.uuid()
    sqs.list_queues()


def test_what_a_test_patches_is_patched_for_the_twin(cloud: Harness, sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sqs.limits.MOVE_TASKS_ACTIVE_MAX", 0)
    dead = Box(sqs, "dead")
    Box(sqs, "box", RedrivePolicy=redrive(dead, 1))
    with pytest.raises(sqs.exceptions.ClientError):
        sqs.start_message_move_task(SourceArn=dead.arn)
