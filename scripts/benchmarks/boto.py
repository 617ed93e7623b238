"""`scripts/bench boto3`: calls a second of boto3 against us and against a server that answers the same bytes without looking."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import queues, servers
from benchmarks.client import HOST, head_of, with_body
from benchmarks.pace import without_collector
from benchmarks.queues import MESSAGE, Queues
from benchmarks.report import BenchError, Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_sqs import SQSClient

OPERATIONS = ("SendMessage", "ReceiveMessage", "DeleteMessage")
SLICE_CALLS = 100
"""Calls before the other server's turn comes: what disturbs the machine hits both alike."""
SLICES_PER_S = 6
"""Of each operation on each server, for each second that a run may take."""
WARM_UP_SLICES = 2
TARGET = ">= 0.95"


def run(plan: Plan) -> dict[str, Any]:
    """Measure, print the table and answer the figures."""
    with servers.eventyard() as server, tempfile.TemporaryDirectory(prefix="eventyard-bench-") as folder:
        sqs = Queues(server.port)
        url = sqs.create()[0]
        path = Path(folder, "answers.json")
        path.write_text(json.dumps(_record(server.port, url)))
        with servers.canned(path) as canned:
            own, other = _client(server.port), _client(canned.port)
            found = {operation: _compare(plan, operation, sqs, url, own, other) for operation in OPERATIONS}
    figures: dict[str, Any] = {}
    rows = []
    for operation, pairs in found.items():
        figures[operation] = one = {
            "own_per_s": SLICE_CALLS / middle(mine for mine, _ in pairs),
            "canned_per_s": SLICE_CALLS / middle(canned_s for _, canned_s in pairs),
            "ratio": middle(canned_s / mine for mine, canned_s in pairs),
        }
        rows.append(
            (operation, f"{one['own_per_s']:,.0f}", f"{one['canned_per_s']:,.0f}", f"{one['ratio']:.3f}", TARGET)
        )
    title = f"boto3, one client, one call after the other (calls/s; medians of pairs of {SLICE_CALLS} calls)"
    table(title, ("", "eventyard", "canned answers", "ratio", "target"), rows)
    return figures


def _record(port: int, url: str) -> dict[str, str]:
    """Write down our answers to the three operations."""
    answers: dict[str, str] = {}

    def ask(operation: str, **parameters: object) -> bytes:
        request = with_body(head_of(port, queues.headers(operation)), queues.body(QueueUrl=url, **parameters))
        with socket.create_connection((HOST, port), timeout=30) as sock:
            sock.sendall(request)
            answer = sock.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"{operation}: {answer[:300].decode(errors='replace')}")
        answers[f"AmazonSQS.{operation}"] = answer.decode("latin-1")
        return answer.partition(b"\r\n\r\n")[2]

    ask("SendMessage", MessageBody=MESSAGE)
    handle = json.loads(ask("ReceiveMessage", MaxNumberOfMessages=1))["Messages"][0]["ReceiptHandle"]
    ask("DeleteMessage", ReceiptHandle=handle)
    return answers


def _client(port: int) -> SQSClient:
    import boto3  # takes a while, and only this part needs it

    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client("sqs", endpoint_url=f"http://{HOST}:{port}")


def _compare(
    plan: Plan, operation: str, sqs: Queues, url: str, own: SQSClient, other: SQSClient
) -> list[tuple[float, float]]:
    """Time slices of calls in turn, on ours and on the canned server; answer the pairs of seconds. Which is first changes with each."""
    slices = WARM_UP_SLICES + SLICES_PER_S * plan.seconds * plan.rounds
    say(f"boto3: {operation}: {slices} times {SLICE_CALLS} calls on each")
    calls = SLICE_CALLS * slices
    handles: Sequence[str] = ["canned"]
    if operation != "SendMessage":
        sqs.fill([url], calls, "boto3: filling")
    if operation == "DeleteMessage":
        handles = [handle for _, handle in sqs.take([url], calls, "boto3: receiving handles")]
    mine, theirs = _call(operation, own, url, handles), _call(operation, other, url, ["canned"])
    pairs = list[tuple[float, float]]()
    with without_collector():
        for number in range(slices):
            if number % 2:
                canned_s, own_s = _time(theirs), _time(mine)
            else:
                own_s, canned_s = _time(mine), _time(theirs)
            pairs.append((own_s, canned_s))
    return pairs[WARM_UP_SLICES:]


def _call(operation: str, client: SQSClient, url: str, handles: Sequence[str]) -> Callable[[], object]:
    if operation == "SendMessage":
        return lambda: client.send_message(QueueUrl=url, MessageBody=MESSAGE)
    if operation == "ReceiveMessage":
        return lambda: client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    rest = cycle(handles)
    return lambda: client.delete_message(QueueUrl=url, ReceiptHandle=next(rest))


def _time(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(SLICE_CALLS):
        call()
    return time.perf_counter() - began
