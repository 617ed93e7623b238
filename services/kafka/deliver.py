"""What the router brings to a topic: one record, appended through the same door as a producer's batch.

The body is the record's value, message attributes are its headers, the message group id is its key. A record with a key goes to the
partition that Java's default partitioner would choose (murmur2), one without goes to the partitions in turn.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from emulator.router.delivery import UndeliverableError
from services.kafka.errors import Error, KafkaError
from services.kafka.names import topic_of
from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.records import read_batch
from services.kafka.state import cluster_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.router.router import Envelope


def deliver(emulator: Emulator, arn: Arn, envelope: Envelope) -> None:
    """Append an event to a topic. Raises UndeliverableError in the words that a producer would have heard."""
    name = topic_of(arn)
    topic = cluster_of(emulator).topics.get(name or "")
    if topic is None or topic.internal:
        raise UndeliverableError("NO_RESOURCE", f"Kafka topic {name or arn} does not exist.")
    key = None if envelope.group_id is None else envelope.group_id.encode()
    record = NewRecord(key, envelope.body.encode(), headers=_headers(envelope.attributes))
    if key is None:
        index = topic.next_partition = (topic.next_partition + 1) % len(topic.partitions)
    else:
        index = (murmur2(key) & 0x7FFF_FFFF) % len(topic.partitions)
    now_ms = emulator.clock.now_ms()
    data = memoryview(batch_of([record], now_ms))
    try:
        topic.partitions[index].append(data, read_batch(data), now_ms)
    except KafkaError as error:
        permanent = error.error != Error.KAFKA_STORAGE_ERROR  # which room that retention makes can heal
        raise UndeliverableError(error.error.name, error.message, permanent=permanent) from error


def _headers(attributes: Mapping[str, Any]) -> list[tuple[str, bytes | None]]:
    """Make headers of message attributes; a binary value that came as text is base64."""
    headers: list[tuple[str, bytes | None]] = []
    for name, attribute in attributes.items():
        value = attribute.get("BinaryValue")
        if value is None:
            value = str(attribute.get("StringValue", "")).encode()
        headers.append((name, base64.b64decode(value) if isinstance(value, str) else bytes(value)))
    return headers


def murmur2(data: bytes) -> int:
    """Hash a key as Kafka's clients do (org.apache.kafka.common.utils.Utils.murmur2); 32 bits without a sign."""
    mix, mask, length = 0x5BD1E995, 0xFFFF_FFFF, len(data)
    value = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for place in range(0, whole, 4):
        part = int.from_bytes(data[place : place + 4], "little") * mix & mask
        part = (part ^ part >> 24) * mix & mask
        value = (value * mix & mask) ^ part
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * mix & mask
    value = (value ^ value >> 13) * mix & mask
    return value ^ value >> 15
