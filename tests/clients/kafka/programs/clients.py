"""The three Python clients behind one face, for tests that ask of each whether it gets through: `round_trip("aiokafka", bootstrap, ...)`.

A round trip writes each value to a partition of its own and reads all back as a group.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer, KafkaProducer

WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""
CLIENTS = ("confluent", "kafka_python", "aiokafka")


class Security(NamedTuple):
    """How a client connects."""

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: str = ""
    ca: str = ""
    """The file of the certificate that the client trusts. The server's host name is always verified."""

    def confluent(self) -> dict[str, Any]:
        settings = {"security.protocol": self.protocol}
        if self.mechanism:
            settings |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user, "sasl.password": self.password}
        if self.ca:
            settings |= {"ssl.ca.location": self.ca, "ssl.endpoint.identification.algorithm": "https"}
        return settings

    def kafka_python(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"security_protocol": self.protocol}
        if self.ca:
            settings |= {"ssl_cafile": self.ca, "ssl_check_hostname": True}
        return settings | self._login()

    def aiokafka(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"security_protocol": self.protocol}
        if self.ca:
            settings["ssl_context"] = ssl.create_default_context(cafile=self.ca)
        return settings | self._login()

    def _login(self) -> dict[str, Any]:
        if not self.mechanism:
            return {}
        names = {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return {"sasl_mechanism": self.mechanism, **names}


PLAINTEXT = Security()


def round_trip(
    client: str, bootstrap: str, topic: str, group: str, values: list[bytes], security: Security = PLAINTEXT
) -> list[bytes]:
    """Write the values and give what a group reads, in order of their partitions. Raises what the client raises."""
    if client == "confluent":
        return _confluent(bootstrap, topic, group, values, security)
    if client == "kafka_python":
        return _kafka_python(bootstrap, topic, group, values, security)
    return asyncio.run(_aiokafka(bootstrap, topic, group, values, security))


def _confluent(bootstrap: str, topic: str, group: str, values: list[bytes], security: Security) -> list[bytes]:
    settings = {"bootstrap.servers": bootstrap, **security.confluent()}
    producer = Producer(settings)
    for partition, value in enumerate(values):
        producer.produce(topic, value, partition=partition)
    assert producer.flush(WAIT_S) == 0
    consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        found = consumer.consume(len(values), WAIT_S)
    finally:
        consumer.close()
    return [message.value() or b"" for message in sorted(found, key=lambda message: message.partition() or 0)]


def _kafka_python(bootstrap: str, topic: str, group: str, values: list[bytes], security: Security) -> list[bytes]:
    settings = {"bootstrap_servers": bootstrap, **security.kafka_python()}
    producer = KafkaProducer(**settings)
    try:
        sent = [producer.send(topic, value, partition=partition) for partition, value in enumerate(values)]
        for future in sent:
            future.get(WAIT_S)
    finally:
        producer.close(WAIT_S)
    consumer = KafkaConsumer(topic, **settings, group_id=group, auto_offset_reset="earliest")
    found: list[Any] = []
    try:
        while len(found) < len(values):
            records = consumer.poll(WAIT_S * 1000)
            assert records, f"only {len(found)} of {len(values)} messages came"
            found += [record for place in records.values() for record in place]
    finally:
        consumer.close()
    return [record.value for record in sorted(found, key=lambda record: record.partition)]


async def _aiokafka(bootstrap: str, topic: str, group: str, values: list[bytes], security: Security) -> list[bytes]:
    settings = {"bootstrap_servers": bootstrap, **security.aiokafka()}
    async with AIOKafkaProducer(**settings) as producer:
        for partition, value in enumerate(values):
            await producer.send_and_wait(topic, value, partition=partition)
    found: list[Any] = []
    async with AIOKafkaConsumer(topic, **settings, group_id=group, auto_offset_reset="earliest") as consumer:
        while len(found) < len(values):
            found.append(await asyncio.wait_for(consumer.getone(), WAIT_S))
    return [record.value for record in sorted(found, key=lambda record: record.partition)]
