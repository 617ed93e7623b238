"""Speaks SNS for the bench: makes topics and subscriptions, and writes what wrk is to publish."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson

from benchmarks import queues
from benchmarks.client import post, post_all
from benchmarks.load import Load
from benchmarks.report import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ARN = re.compile(rb"<(?:Topic|Subscription)Arn>([^<]+)<")
STORE = "store"
"""The message attribute that filter policies of the bench look at."""


def headers() -> dict[str, str]:
    """Write the headers of boto3."""
    found = queues.headers("Publish")
    for name in ("X-Amz-Target", "x-amzn-query-mode"):
        del found[name]
    found["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    found["Authorization"] = found["Authorization"].replace("/sqs/", "/sns/")
    return found


def body(action: str, **parameters: str) -> bytes:
    """Write a request body; a double underscore in a name stands for a dot."""
    fields = {name.replace("__", "."): value for name, value in parameters.items()}
    return urlencode({"Action": action, "Version": "2010-03-31", **fields}).encode()


def publish(topic: str, stores: Sequence[str] = ("",)) -> Load:
    """Publish to a topic, with each of the stores as attribute in turn, or without any."""
    return Load(headers(), [publish_body(topic, store) for store in stores])


def publish_body(topic: str, store: str = "") -> bytes:
    """Write one Publish."""
    attribute = {
        "MessageAttributes__entry__1__Name": STORE,
        "MessageAttributes__entry__1__Value__DataType": "String",
        "MessageAttributes__entry__1__Value__StringValue": store,
    }
    return body("Publish", TopicArn=topic, Message=queues.MESSAGE, **(attribute if store else {}))


def publish_batch(topic: str) -> Load:
    """PublishBatch of ten."""
    fields: dict[str, str] = {}
    for number in range(1, queues.BATCH + 1):
        fields[f"PublishBatchRequestEntries__member__{number}__Id"] = str(number)
        fields[f"PublishBatchRequestEntries__member__{number}__Message"] = queues.MESSAGE
    return Load(headers(), [body("PublishBatch", TopicArn=topic, **fields)])


class Topics:
    """The topics of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0

    def call(self, action: str, **parameters: str) -> bytes:
        """Make one request."""
        return post(self._port, headers(), body(action, **parameters))

    def create(self, name: str = "") -> str:
        """Make a topic, with a new name unless one is given, and give its ARN."""
        self._made += 1
        return _arn(self.call("CreateTopic", Name=name or f"bench-{self._made}"))

    def subscribe(self, topic: str, urls: Iterable[str], *, raw: bool, stores: Sequence[str] = ()) -> None:
        """Subscribe our queues to a topic; with stores, each has a filter policy that wants one of them."""
        arns = (f"arn:aws:sqs:us-east-1:000000000000:{url.rpartition('/')[2]}" for url in urls)
        self.subscribe_arns(topic, arns, raw=raw, stores=stores)

    def subscribe_arns(self, topic: str, arns: Iterable[str], *, raw: bool, stores: Sequence[str] = ()) -> None:
        """Subscribe queues by their ARNs, of which others have another account."""
        requests = []
        for number, arn in enumerate(arns):
            attributes = [("RawMessageDelivery", str(raw).lower())]
            if stores:
                attributes.append(("FilterPolicy", orjson.dumps({STORE: [stores[number % len(stores)]]}).decode()))
            fields: dict[str, str] = {}
            for place, (key, value) in enumerate(attributes, 1):
                fields[f"Attributes__entry__{place}__key"] = key
                fields[f"Attributes__entry__{place}__value"] = value
            requests.append(body("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn, **fields))
        post_all(self._port, headers(), requests, lambda _, answer: _check(answer))

    def drop(self, topic: str) -> None:
        """Delete a topic."""
        self.call("DeleteTopic", TopicArn=topic)


def _arn(answer: bytes) -> str:
    found = _ARN.search(answer)
    if found is None:
        raise BenchError(f"no ARN in {answer[:300].decode(errors='replace')}")
    return found[1].decode()


def _check(answer: bytes) -> None:
    if b"pending" in _arn(answer).encode():
        raise BenchError("a subscription is pending that should be confirmed")
