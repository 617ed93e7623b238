"""Queues and messages for the tests of SQS, and MD5s worked out apart from the product's own code."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

MEBIBYTE = 1_048_576
BAD_CHARACTERS = (
    "Invalid characters found. Valid unicode characters are "
    "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
)
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


def make_queue(sqs: Any, name: str = "orders", **attributes: str) -> str:
    """Create a standard queue and give its URL."""
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def make_fifo(sqs: Any, name: str = "orders.fifo", **attributes: str) -> str:
    """Create a FIFO queue and give its URL."""
    return make_queue(sqs, name, FifoQueue="true", **attributes)


def text(value: str, data_type: str = "String") -> dict[str, str]:
    """Make an attribute that is sent as text: a String, or a Number."""
    return {"DataType": data_type, "StringValue": value}


def binary(value: bytes, data_type: str = "Binary") -> dict[str, Any]:
    """Make an attribute that is sent as bytes."""
    return {"DataType": data_type, "BinaryValue": value}


def receive(sqs: Any, url: str, **options: Any) -> list[dict[str, Any]]:
    """Receive up to 10 messages."""
    messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, **{"MaxNumberOfMessages": 10, **options}).get(
        "Messages", []
    )
    return messages


def receive_one(sqs: Any, url: str, **options: Any) -> dict[str, Any]:
    """Receive the only message that there is."""
    (message,) = receive(sqs, url, **options)
    return message


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    """Tell how many messages are visible, in flight and delayed."""
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    values = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    visible, in_flight, delayed = (int(values[name]) for name in names)
    return visible, in_flight, delayed


def md5_of(body: str) -> str:
    """Digest a body."""
    return hashlib.md5(body.encode("utf-8")).hexdigest()


def md5_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """Digest attributes as AWS's page "Calculating the MD5 message digest for message attributes" says."""
    buffer = bytearray()
    for name, attribute in sorted(attributes.items(), key=lambda pair: pair[0].encode()):
        kind = attribute["DataType"].split(".")[0]
        value = attribute["BinaryValue"] if kind == "Binary" else attribute["StringValue"].encode()
        buffer += struct.pack(">I", len(name.encode())) + name.encode()
        buffer += struct.pack(">I", len(attribute["DataType"].encode())) + attribute["DataType"].encode()
        buffer += b"\x02" if kind == "Binary" else b"\x01"
        buffer += struct.pack(">I", len(value)) + value
    return hashlib.md5(bytes(buffer)).hexdigest()
