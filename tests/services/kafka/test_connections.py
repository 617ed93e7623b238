"""Connections: frames in any pieces, answers in order, and what is no Kafka at all."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest

from services.kafka.limits import REQUEST_BYTES_MAX
from tests.support.kafka_broker import Client, KafkaHarness

SOFTWARE = {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1"}


def test_a_frame_may_come_byte_by_byte(client: Client) -> None:
    frame = client.frame("ApiVersions", 3, SOFTWARE)
    for byte in frame[:-1]:
        client.feed(bytes([byte]))
        assert not client.transport.written
    client.feed(frame[-1:])
    assert client.transport.written


def test_many_frames_may_come_at_once(client: Client) -> None:
    client.feed(b"".join(client.frame("ApiVersions", 3, SOFTWARE, number) for number in range(100)))
    written, ids = bytes(client.transport.written), []
    while written:
        size, correlation_id = struct.unpack_from(">ii", written)
        ids.append(correlation_id)
        written = written[4 + size :]
    assert ids == list(range(100))


def test_frames_cut_at_random_places_are_put_together_again(client: Client) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    client.create_topic("orders", max_message_bytes="10000000")
    sizes = [chance.choice((1, 100, 70_000, 300_000, 3_000_000)) for _ in range(12)]
    stream = bytearray()
    for number, size in enumerate(sizes):
        stream += client.frame("Metadata", 4, {"Topics": [{"Name": "orders"}] * min(size // 10, 30_000)}, number)
    while stream:
        count = chance.choice((1, 3, 4, 5, 1000, 100_000, 500_000))
        client.feed(bytes(stream[:count]))
        del stream[:count]
    written, ids = bytes(client.transport.written), []
    while written:
        size, correlation_id = struct.unpack_from(">ii", written)
        ids.append(correlation_id)
        written = written[4 + size :]
    assert ids == list(range(len(sizes)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "speaks HTTP; the AWS services are on the other port"),
        (b"POST / HTTP/1.1\r\n\r\n", "speaks HTTP; the AWS services are on the other port"),
        (
            b"\x16\x03\x01\x02\x00\x01\x00",
            "speaks TLS, which is off here (--kafka-security ssl or sasl_ssl switches it on)",
        ),
        (struct.pack(">i", REQUEST_BYTES_MAX + 1), "sent a frame of 104,857,601 bytes; at most 104,857,600 are taken"),
        (struct.pack(">i", -1), "sent a frame of -1 bytes; at most 104,857,600 are taken"),
        (struct.pack(">i", 0), "sent a frame of 0 bytes; at most 104,857,600 are taken"),
        (struct.pack(">ihhih", 10, 999, 0, 1, -1), "asked for API key 999 version 0, which is not spoken here"),
        (struct.pack(">ihhih", 10, 3, 99, 1, -1), "asked for API key 3 version 99, which is not spoken here"),
        (struct.pack(">ihhih", 10, 0, 2, 1, -1), "asked for API key 0 version 2, which is not spoken here"),
        (struct.pack(">ih", 2, 3), "sent what is no request of Kafka's: unpack_from requires"),
        (struct.pack(">ihhih", 10, 3, 1, 1, 500), "sent what is no request of Kafka's: RequestHeader.ClientId"),
        (struct.pack(">ihhihi", 14, 3, 1, 1, -1, 1 << 30), "sent what is no request of Kafka's: MetadataRequest v1"),
    ],
)
def test_what_is_no_request_closes_the_connection_with_a_line_in_the_log(
    client: Client, data: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.feed(data)
    assert client.transport.closed
    assert not client.transport.written
    [record] = caplog.records
    assert record.getMessage().startswith(f"closed a connection from 127.0.0.1: it {said}")


@pytest.mark.parametrize("version", [1, 13])
def test_bytes_behind_a_request_are_left_alone_as_librdkafka_sends_some(client: Client, version: int) -> None:
    frame = bytearray(client.frame("Metadata", version, {"Topics": []}) + b"\1\0\0")
    struct.pack_into(">i", frame, 0, len(frame) - 4)
    client.feed(bytes(frame))
    assert client.transport.written
    assert not client.transport.closed


def test_who_has_yet_to_log_in_may_send_small_frames_only(
    kafka_with: Callable[..., KafkaHarness], caplog: pytest.LogCaptureFixture
) -> None:
    client = kafka_with(kafka_security="sasl_plaintext", kafka_users=(("alice", "secret"),)).connect()
    client.feed(struct.pack(">i", 524_289))
    assert client.transport.closed
    assert "sent a frame of 524,289 bytes; at most 524,288 are taken" in caplog.text
    client = client._harness.connect()
    client.ask("SaslHandshake", {"Mechanism": "PLAIN"})
    assert client.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"})["ErrorCode"] == 0
    assert client.ask("Metadata", {"Topics": [{"Name": "x" * 200}] * 10_000})["Topics"]


def test_garbage_of_one_client_leaves_the_others_alone(kafka: KafkaHarness, client: Client) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    client.create_topic("orders")
    for _ in range(300):
        other = kafka.connect()
        frame = bytearray(other.frame("Produce", chance.choice((3, 9, 13)), PRODUCE))
        for _ in range(chance.randint(1, 8)):
            frame[chance.randrange(4, len(frame))] = chance.randrange(256)
        other.feed(bytes(frame))
        other.close()
    assert client.ask("Metadata", {"Topics": [{"Name": "orders"}]})["Topics"][0]["ErrorCode"] == 0


PRODUCE = {
    "Acks": 1,
    "TimeoutMs": 1,
    "TopicData": [{"Name": "orders", "PartitionData": [{"Index": 0, "Records": b"x" * 80}]}],
}


def test_a_client_that_does_not_read_its_answers_is_not_served_further(client: Client) -> None:
    client.connection.pause_writing()
    pending = client.send("ApiVersions", SOFTWARE)
    assert pending.parked
    assert not client.transport.reading
    client._harness.run(resume(client))
    assert not pending.parked
    assert client.transport.reading


async def resume(client: Client) -> None:
    client.connection.resume_writing()


def test_a_client_that_pipelines_behind_a_parked_request_is_not_read_without_end(client: Client) -> None:
    client.create_topic("orders")
    want = {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1}
    client.send(
        "Fetch", {"MaxWaitMs": 1000, "MinBytes": 1, "Topics": [{"Topic": "orders", "Partitions": [want]}]}, version=12
    )
    pending = client.send("Metadata", {"Topics": [{"Name": "x" * 200}] * 10_000, "AllowAutoTopicCreation": False})
    assert not client.transport.reading
    client._harness.advance(1)
    assert not pending.parked
    assert client.transport.reading


def test_a_stop_answers_parked_requests(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    want = {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1}
    parked = client.send(
        "Fetch",
        {"MaxWaitMs": 100_000, "MinBytes": 1, "Topics": [{"Topic": "orders", "Partitions": [want]}]},
        version=12,
    )
    kafka.emulator.drain()
    kafka.settle()
    assert parked.answer["Responses"][0]["Partitions"][0]["ErrorCode"] == 0


def test_after_a_reset_connections_go_on_with_an_empty_cluster(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    kafka.run(reset(kafka))
    assert client.ask("Metadata", {"Topics": None})["Topics"] == []


async def reset(kafka: KafkaHarness) -> None:
    kafka.emulator.reset()
