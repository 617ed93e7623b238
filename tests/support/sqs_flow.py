"""A queue as the tests of message flow see it: one boto3 client and one queue URL, and short words for what is done with them."""

from __future__ import annotations

import dataclasses
from collections import deque
from concurrent.futures import Future
from typing import Any, NamedTuple

import orjson

from emulator.queue.core import QueueCore
from services.sqs.state import Queue, queue_by_arn
from tests.support.harness import Connection, Harness, until


class Counts(NamedTuple):
    """The three approximate counts, which are exact here."""

    visible: int
    in_flight: int
    delayed: int


class Box:
    """One queue, made when the object is made. A name that ends in .fifo makes a FIFO queue with content-based deduplication."""

    def __init__(self, client: Any, name: str = "box", **attributes: Any) -> None:
        self.client = client
        self.name = name
        given = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
        given |= {key: str(value) for key, value in attributes.items()}
        self.url: str = client.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
        self.arn: str = self.attribute("QueueArn")

    def attribute(self, name: str) -> str:
        return self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"][name]

    def set(self, **attributes: Any) -> None:
        given = {key: str(value) for key, value in attributes.items()}
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes=given)

    @property
    def counts(self) -> Counts:
        names = ["", "NotVisible", "Delayed"]
        values = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return Counts(*(int(values[f"ApproximateNumberOfMessages{name}"]) for name in names))

    # Sending.

    def send(self, body: str, group: str | None = None, **options: Any) -> dict[str, Any]:
        if group is not None:
            options["MessageGroupId"] = group
        return self.client.send_message(QueueUrl=self.url, MessageBody=body, **options)

    def send_all(self, *bodies: str, group: str | None = None) -> None:
        """Send in batches of 10."""
        extra = {} if group is None else {"MessageGroupId": group}
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(n), "MessageBody": body, **extra} for n, body in enumerate(bodies[start : start + 10])
            ]
            assert "Failed" not in self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    # Receiving and what follows.

    def receive(self, count: int = 10, **options: Any) -> list[dict[str, Any]]:
        return self.client.receive_message(**self.ask(count, **options)).get("Messages", [])

    def receive_one(self, **options: Any) -> dict[str, Any]:
        (message,) = self.receive(1, **options)
        return message

    def bodies(self, count: int = 10, **options: Any) -> list[str]:
        return bodies(self.receive(count, **options))

    def drain(self, **options: Any) -> list[str]:
        """Receive until nothing comes any more."""
        found: list[str] = []
        while more := self.bodies(**options):
            found += more
        return found

    def ask(self, count: int = 10, **options: Any) -> dict[str, Any]:
        """Make the arguments of a ReceiveMessage."""
        return {
            "QueueUrl": self.url,
            "MaxNumberOfMessages": count,
            "MessageSystemAttributeNames": ["All"],
            **options,
        }

    def delete(self, message: dict[str, Any]) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def hide(self, message: dict[str, Any], seconds: int) -> None:
        """Call ChangeMessageVisibility."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    # Long polls.

    def poll(self, cloud: Harness, seconds: int = 20, count: int = 10, **options: Any) -> Poll:
        """Park a long poll."""
        request = self.ask(count, WaitTimeSeconds=seconds, **options)
        return Poll(cloud, cloud.background(self.client.receive_message, **request))

    def open_poll(self, cloud: Harness, **options: Any) -> Connection:
        """Park a long poll whose connection can be closed."""
        before = cloud.parked
        account, region = self.arn.split(":")[4], self.arn.split(":")[3]
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": "AmazonSQS.ReceiveMessage",
            "authorization": (
                f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/sqs/aws4_request, "
                "SignedHeaders=host;x-amz-date, Signature=00"
            ),
        }
        body = orjson.dumps(self.ask(WaitTimeSeconds=20, **options))
        connection = cloud.open("POST", "/", body=body, headers=headers)
        until(lambda: cloud.parked == before + 1)
        return connection

    # Inside.

    def queue(self, cloud: Harness) -> Queue:
        found = cloud.run(lambda emulator: queue_by_arn(emulator, self.arn))
        assert found is not None
        return found

    def core(self, cloud: Harness) -> QueueCore:
        return self.queue(cloud).core


class Poll:
    """A long poll in the background."""

    def __init__(self, cloud: Harness, future: Future[dict[str, Any]]) -> None:
        self._cloud = cloud
        self.future = future

    @property
    def answer(self) -> dict[str, Any]:
        """What the poll was answered by now, without the clock being moved."""
        answer = self.future.result(timeout=10)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.answer.get("Messages", [])

    @property
    def bodies(self) -> list[str]:
        return bodies(self.messages)


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def redrive(target: Box, receives: int) -> str:
    """Write a RedrivePolicy."""
    return orjson.dumps({"deadLetterTargetArn": target.arn, "maxReceiveCount": receives}).decode()


def held(thing: object) -> int:
    """Count the entries of all containers within an object, its private parts included: what it keeps in memory."""
    seen: set[int] = set()
    total = 0
    stack = [thing]
    while stack:
        one = stack.pop()
        if id(one) in seen or one is None or isinstance(one, str | bytes | int | float | type):
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            total += len(one)
            stack += [*one.keys(), *one.values()]
        elif isinstance(one, list | set | frozenset | deque):
            total += sum(entry is not None for entry in one)  # an empty place of a page keeps nothing in memory
            stack += one
        elif isinstance(one, tuple):
            stack += one
        elif dataclasses.is_dataclass(one):
            stack += [getattr(one, field.name) for field in dataclasses.fields(one)]
        else:
            stack += vars(one).values() if hasattr(one, "__dict__") else ()
            slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            stack += [getattr(one, name) for name in slots if hasattr(one, name)]
    return total
