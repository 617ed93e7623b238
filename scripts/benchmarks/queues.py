"""Speaks SQS for the bench: makes queues, fills and empties them, reads their counts, and writes what wrk is to send."""

from __future__ import annotations

from itertools import cycle, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.client import post, post_all
from benchmarks.load import Load
from benchmarks.report import BenchError, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BATCH = 10
VISIBILITY_S = 43_200
IN_FLIGHT_MAX = 100_000
"""Below the 120,000 at which a queue answers OverLimit."""

MESSAGE = orjson.dumps(
    {
        "id": "3f0e7c1a-5d0b-4f7e-9a55-1f0d6c1f2b7e",
        "type": "order.placed",
        "customer": "c-10422",
        "items": [{"sku": "A-17", "quantity": 2}, {"sku": "B-4", "quantity": 1}],
        "total": "49.90",
        "currency": "EUR",
    }
).decode()
"""What is sent: the kind of JSON that programs put into a queue."""


MESSAGE_OF_100 = (
    "An order that was placed by customer 10422: two of A-17, one of B-4, to be sent today, in total 49.90.".ljust(100)[
        :100
    ]
)
"""The message by which memory is weighed."""


def headers(operation: str) -> dict[str, str]:
    """Write the headers of boto3; the signature is one of no key."""
    return {
        "Accept-Encoding": "identity",
        "X-Amz-Target": f"AmazonSQS.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "x-amzn-query-mode": "true",
        "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.1 cfg/retry-mode#standard",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": (
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
            f"SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode, Signature={'0' * 64}"
        ),
        "amz-sdk-invocation-id": "bdd7b16c-33e8-420e-b3ce-63071f48efc8",
        "amz-sdk-request": "attempt=1; max=3",
    }


def body(**parameters: object) -> bytes:
    """Write a request body."""
    return orjson.dumps(parameters)


def send(urls: Sequence[str]) -> Load:
    """SendMessage to the queues in turn."""
    return Load(headers("SendMessage"), [body(QueueUrl=url, MessageBody=MESSAGE) for url in urls])


def send_batch_body(url: str, message: str = MESSAGE) -> bytes:
    """SendMessageBatch of ten."""
    return body(QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": message} for number in range(BATCH)])


def send_to_groups(url: str, groups: int, numbers: range) -> Load:
    """SendMessage to a FIFO queue, to its groups in turn; the numbers are deduplication ids, each to be used once."""
    bodies = [body(QueueUrl=url, MessageBody=MESSAGE, **_in_group(number, groups)) for number in numbers]
    return Load(headers("SendMessage"), bodies, len(bodies))


def _send_batch_to_groups(url: str, groups: int, first: int, message: str) -> bytes:
    entries = [
        {"Id": str(number), "MessageBody": message, **_in_group(first + number, groups)} for number in range(BATCH)
    ]
    return body(QueueUrl=url, Entries=entries)


def _in_group(number: int, groups: int) -> dict[str, str]:
    return {"MessageGroupId": f"group-{number % groups}", "MessageDeduplicationId": str(number)}


def send_batch(urls: Sequence[str]) -> Load:
    """SendMessageBatch of ten to the queues in turn."""
    return Load(headers("SendMessageBatch"), [send_batch_body(url) for url in urls])


def receive(urls: Sequence[str], messages: int, limit: int) -> Load:
    """ReceiveMessage from the queues in turn, without waiting."""
    parameters = {"MaxNumberOfMessages": messages, "WaitTimeSeconds": 0}
    return Load(headers("ReceiveMessage"), [body(QueueUrl=url, **parameters) for url in urls], limit)


def delete(handles: Sequence[tuple[str, str]]) -> Load:
    """DeleteMessage, every handle once. A handle is a pair of queue URL and receipt handle."""
    bodies = [body(QueueUrl=url, ReceiptHandle=handle) for url, handle in handles]
    return Load(headers("DeleteMessage"), bodies, len(bodies))


def delete_batch(handles: Sequence[tuple[str, str]]) -> Load:
    """DeleteMessageBatch of ten, every handle once."""
    bodies = []
    for url, pairs in groupby(sorted(handles), itemgetter(0)):
        own = [handle for _, handle in pairs]
        for start in range(0, len(own), BATCH):
            ten = enumerate(own[start : start + BATCH])
            bodies.append(
                body(QueueUrl=url, Entries=[{"Id": str(number), "ReceiptHandle": handle} for number, handle in ten])
            )
    return Load(headers("DeleteMessageBatch"), bodies, len(bodies))


class Queues:
    """The queues of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0

    def _all(self, operation: str, bodies: Iterable[bytes], take: Callable[[bytes, dict[str, Any]], None]) -> None:
        def read(body: bytes, answer: bytes) -> None:
            found: dict[str, Any] = orjson.loads(answer) if answer else {}
            if found.get("Failed"):
                raise BenchError(f"{operation}: {found['Failed'][0]}")
            take(body, found)

        post_all(self._port, headers(operation), bodies, read)

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Make one request."""
        answer: dict[str, Any] = orjson.loads(post(self._port, headers(operation), body(**parameters)) or b"{}")
        return answer

    def create(self, count: int = 1, *, visibility_s: int = VISIBILITY_S, fifo: bool = False) -> list[str]:
        """Make queues with new names, where what was received stays so."""
        ending = ".fifo" if fifo else ""
        names = [f"bench-{number}{ending}" for number in range(self._made, self._made + count)]
        self._made += count
        urls: list[str] = []
        attributes = {"VisibilityTimeout": str(visibility_s)} | ({"FifoQueue": "true"} if fifo else {})
        bodies = (body(QueueName=name, Attributes=attributes) for name in names)
        self._all("CreateQueue", bodies, lambda _, answer: urls.append(answer["QueueUrl"]))
        return urls

    def drop(self, urls: Sequence[str]) -> None:
        """Delete queues."""
        self._all("DeleteQueue", (body(QueueUrl=url) for url in urls), lambda *_: None)

    def fill(self, urls: Sequence[str], messages: int, label: str, message: str = MESSAGE) -> int:
        """Send batches of ten to the queues in turn, the same number to each; answer how many messages that made."""
        batches = -(-messages // (BATCH * len(urls))) * len(urls)
        progress = Progress(label, batches * BATCH)
        bodies = islice(cycle([send_batch_body(url, message) for url in urls]), batches)
        self._all("SendMessageBatch", bodies, lambda *_: progress.add(BATCH))
        return batches * BATCH

    def fill_groups(self, url: str, groups: int, numbers: range, label: str, message: str = MESSAGE) -> int:
        """Send batches of ten to the groups of a FIFO queue in turn; the numbers are deduplication ids, a multiple of ten of them."""
        progress = Progress(label, len(numbers))
        bodies = (_send_batch_to_groups(url, groups, first, message) for first in numbers[::BATCH])
        self._all("SendMessageBatch", bodies, lambda *_: progress.add(BATCH))
        return len(numbers)

    def take(self, urls: Sequence[str], messages: int, label: str) -> list[tuple[str, str]]:
        """Receive up to so many messages, the same number from each queue, and answer their handles. A queue that
        runs empty gives fewer.
        """
        handles: list[tuple[str, str]] = []
        progress = Progress(label, messages)
        each = min(BATCH, -(-messages // len(urls)))
        wanted: dict[bytes, str] = {body(QueueUrl=url, MaxNumberOfMessages=each): url for url in urls}

        def add(asked: bytes, answer: dict[str, Any]) -> None:
            found = [(wanted[asked], message["ReceiptHandle"]) for message in answer.get("Messages", ())]
            handles.extend(found)
            progress.add(len(found))

        receives = -(-messages // (each * len(urls))) * len(urls)
        self._all("ReceiveMessage", islice(cycle(wanted), receives), add)
        return handles[:messages]

    def arns(self, urls: Sequence[str]) -> list[str]:
        """Give the queues' ARNs, in no order."""
        found: list[str] = []
        bodies = (body(QueueUrl=url, AttributeNames=["QueueArn"]) for url in urls)
        self._all("GetQueueAttributes", bodies, lambda _, answer: found.append(answer["Attributes"]["QueueArn"]))
        return found

    def counts(self, urls: Sequence[str]) -> tuple[int, int]:
        """Count the messages of all the queues: visible and in flight."""
        visible, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        sums = [0, 0]

        def add(_: bytes, answer: dict[str, Any]) -> None:
            sums[0] += int(answer["Attributes"][visible])
            sums[1] += int(answer["Attributes"][in_flight])

        bodies = (body(QueueUrl=url, AttributeNames=[visible, in_flight]) for url in urls)
        self._all("GetQueueAttributes", bodies, add)
        return sums[0], sums[1]
