"""The end of the server: soon, clean, with exit code 0, and with an answer for whoever is parked in a long poll."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.server import Server, read

Start = Callable[..., Server]
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
SOON_S = 8
"""Far below the 20 s of a long poll, far above what a busy machine needs; and `docker stop` kills after 10 s."""


def stop(server: Server, number: signal.Signals = signal.SIGTERM) -> None:
    """Stop a server as it should: soon, with exit code 0, without a word of complaint."""
    begun = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - begun < SOON_S
    assert server.err == []


def poll(server: Server, url: str) -> http.client.HTTPConnection:
    """Send a long poll of 20 s; it is parked when this returns."""
    connection = server.connect()
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
    connection.request("POST", "/", json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}), headers)
    server.turns()
    return connection


@SIGNALS
def test_a_signal_ends_an_idle_server(start: Start, number: signal.Signals) -> None:
    stop(start(), number)


@SIGNALS
def test_a_parked_long_poll_gets_a_normal_empty_answer_first(start: Start, number: signal.Signals) -> None:
    server = start()
    url = server.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    connection = poll(server, url)
    stop(server, number)
    answer = read(connection)
    assert (answer.status, json.loads(answer.body)) == (200, {})
    connection.close()


def test_all_parked_long_polls_are_answered(start: Start) -> None:
    server = start()
    sqs = server.client("sqs")
    urls = [
        sqs.create_queue(QueueName="jobs")["QueueUrl"],
        sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"],
        server.client("sqs", account="111122223333").create_queue(QueueName="jobs")["QueueUrl"],
    ]
    connections = [poll(server, url) for url in urls for _ in range(5)]
    stop(server)
    for connection in connections:
        assert read(connection).status == 200
        connection.close()


def test_an_idle_connection_that_is_kept_open_does_not_hold_the_stop_up(start: Start) -> None:
    server = start()
    connection = server.connect()
    connection.request("GET", "/health")
    assert read(connection).status == 200
    stop(server)
    connection.close()


def test_a_request_that_never_becomes_whole_does_not_hold_the_stop_up(start: Start) -> None:
    server = start()
    with socket.create_connection((server.host, server.port)) as half:
        half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        server.turns()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < SOON_S
        assert "Traceback" not in server.output


def test_delayed_messages_and_running_move_tasks_are_dropped_without_a_word(start: Start) -> None:
    server = start()
    sqs = server.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for n in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
        sqs.receive_message(QueueUrl=url)
    assert sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    connection = poll(server, url)
    stop(server)
    assert read(connection).status == 200
    connection.close()


def test_the_port_is_free_again_at_once(start: Start) -> None:
    first = start()
    sqs: Any = first.client("sqs")
    sqs.create_queue(QueueName="jobs")
    stop(first)
    second = start(port=str(first.port))
    assert "QueueUrls" not in second.client("sqs").list_queues()
