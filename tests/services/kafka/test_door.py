"""Seeded fuzzing of the door: requests of every API in every version, valid ones at random and broken ones.

A valid request is answered, whatever its values say. A broken one (bits flipped, cut short, with a wrong length, with bytes put in) is
answered, waits for more bytes, or costs its sender the connection and the log a line. Never does a request end in an ERROR of the log,
which is where bugs of ours go, and the cluster goes on. The values are such that requests get far: names, ids, members, epochs and
offsets of what exists here, which are learned from answers, beside those that cannot be.
"""

from __future__ import annotations

import logging
import random
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.kafka.api import ALL
from services.kafka.api.base import Api, api_of
from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.schema import Field
from services.kafka.wire import NULL_UUID
from tests.support.kafka_broker import MESSAGES, Client, KafkaHarness
from tests.support.kafka_messages import BITS, Message, RandomMessages

APIS = sorted(map(api_of, ALL), key=lambda api: api.key)
EVERY = [(api, version) for api in APIS for version in range(api.versions[0], api.versions[1] + 1)]
ROUNDS = 12
"""How often each version of each API is asked, valid and broken."""
TOPICS = ("orders", "compacted", "small", "made-up", "bad name", "", "__consumer_offsets")
GROUPS = ("group", "other", "848", "share", "")
GROUPS_OF = (("Share", "share"), ("ConsumerGroup", "848"))
"""By what APIs' names begin with the group that they are about."""
KNOWN_MAX = 30

STRINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Topic|TopicName|TopicNames|SubscribedTopicNames", TOPICS),
    ("GroupId|GroupIds|Groups|GroupsNames|Key|CoordinatorKeys", (*GROUPS, "tx", "group:AAAAAAAAAAAAAAAAAAAAAA:0")),
    (".*TransactionalIds?", ("tx", "tx", "tx 2", "")),
    ("GroupInstanceId|InstanceId", ("static 1", "static 2", "")),
    ("MemberId", ("", "AAAAAAAAAAAAAAAAAAAAAA", "nobody")),
    ("ProtocolType", ("consumer", "consumer", "connect", "")),
    ("ProtocolName|ServerAssignor", ("range", "range", "uniform", "none")),
    ("SubscribedTopicRegex", ("orders", "o.*", "(", "[[:alpha:]]+", "")),
    ("TransactionalIdPattern", ("tx.*", "(", "")),
    ("Match|EntityName", ("alice", "client", "127.0.0.1", "")),
    ("EntityType", ("user", "client-id", "ip", "group")),
    ("Mechanism", ("PLAIN", "SCRAM-SHA-256", "NONE")),
    ("Principal|PrincipalFilter", ("User:alice", "User:*", "alice", "")),
    ("Host|HostFilter", ("*", "127.0.0.1", "nowhere", "")),
    ("ResourceName|ResourceNameFilter", (*TOPICS, *GROUPS, "1", "kafka-cluster", "*")),
    ("StateFilters|StatesFilter|TypesFilter", ("Stable", "Empty", "Ongoing", "consumer", "nonsense")),
    ("Value", ("1000", "-1", "compact", "delete", "LogAppendTime", "true", "soon", "")),
    (
        "Name|ConfigurationKeys",
        (
            *TOPICS,
            *("range", "alice", "nonsense", "producer_byte_rate", "consumer.session.timeout.ms", "log.retention.ms"),
            *("retention.ms", "cleanup.policy", "max.message.bytes", "segment.bytes", "message.timestamp.type"),
        ),
    ),
)
"""By a pattern of fields' names what may stand in them. Other strings are anything."""
NUMBERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("Acks", (-1, -1, 1, 1, 0, 7)),
    ("SessionTimeoutMs", (6000, 30_000, 30_000, 1)),
    ("ReplicaId", (-1, -1, -1, 0, 1)),
    ("(Partition)?MaxBytes", (0, 1, 100, 1 << 20, (1 << 31) - 1)),
    ("MinBytes", (0, 1, 1000)),
    ("ShareSessionEpoch", (0, 0, 1, 2, -1)),
    ("MaxRecords|BatchSize", (0, 1, 10, 500)),
    ("NumPartitions|Count", (-1, 0, 1, 2, 4)),
    ("ReplicationFactor", (-1, 1, 1, 3)),
    ("Iterations", (4096, 4096, 1)),
    (".*[mM]s", (0, 1, 100, 1000, 10_000, 60_000, -1)),
)
"""The same of numbers; others are mostly small."""
PATTERNS = tuple((re.compile(pattern), values) for pattern, values in (*STRINGS, *NUMBERS))
SMALL = (0, 0, 0, 0, 1, 1, 1, 2, 3, 5, -1, -1, -2, 100)
PLAUSIBLE = 0.6
"""How often a value is taken that an answer has told, where there is one."""


class Requests(RandomMessages):
    """Makes requests of one version of an API whose values mean something to the cluster."""

    def __init__(self, random: Random, api: Api, version: int, known: dict[str, list[Any]]) -> None:
        super().__init__(random, version)
        self._known = known
        self._group = next((group for word, group in GROUPS_OF if api.name.startswith(word)), None)

    def _single(self, field: Field) -> Any:
        if field.fields:
            return self.message(field.fields)
        told = (self._group,) if field.name == "GroupId" and self._group else self._known.get(field.name)
        if told and self._random.random() < PLAUSIBLE:
            return self._random.choice(told)
        if field.type == "records":
            return self._records()
        if field.type in ("string", *BITS):
            values = next((values for pattern, values in PATTERNS if pattern.fullmatch(field.name)), None)
            if values is not None and isinstance(values[0], str) == (field.type == "string"):
                return self._random.choice(values)
        return super()._single(field)

    def _number(self, field: Field) -> int:
        half = 1 << (BITS[field.type] - 1)
        if half == 128:
            return self._random.choice((*range(-2, 8), 127, -128))
        return self._random.choice((*SMALL, *SMALL, half - 1, -half, self._random.randrange(-half, half)))

    def _records(self) -> bytes:
        chance = self._random
        records = [
            NewRecord(chance.choice((None, b"k")), chance.choice((None, b"v" * 40)), [], 1_767_225_600_000 + number)
            for number in range(chance.choice((1, 1, 3)))
        ]
        made = bytearray(batch_of(records, 1_767_225_600_000))
        if chance.random() < 0.3:
            made[chance.randrange(len(made))] = chance.randrange(256)
        return bytes(made) * chance.choice((1, 1, 1, 2, 0))


class Door:
    """A cluster with something in it, and whoever knocks."""

    def __init__(self, kafka: KafkaHarness, seed: int) -> None:
        self.kafka = kafka
        self.chance = Random(seed)
        self.known: dict[str, list[Any]] = {}
        self.client = kafka.connect()

    def furnish(self) -> None:
        """Make sure that there are topics with records, groups with members and offsets, and a producer with a transaction."""
        ask = self.connected().ask
        topics = [
            {"Name": "orders", "NumPartitions": 3, "ReplicationFactor": 1},
            {"Name": "compacted", "NumPartitions": 1, "ReplicationFactor": 1, "Configs": COMPACT},
            {"Name": "small", "NumPartitions": 2, "ReplicationFactor": 1, "Configs": SMALL_BATCHES},
        ]
        ask("CreateTopics", {"Topics": topics, "timeoutMs": 1000})
        self.lead("orders").produce("orders", b"a", b"b", b"c")
        offsets = [{"Name": "orders", "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 1}]}]
        ask("OffsetCommit", {"GroupId": "group", "Topics": offsets}, version=9)
        for name in ("848", "share"):
            api = "ShareGroupHeartbeat" if name == "share" else "ConsumerGroupHeartbeat"
            joining = {"GroupId": name, "MemberId": "AAAAAAAAAAAAAAAAAAAAAA", "SubscribedTopicNames": ["orders"]}
            assigned = {"TopicPartitions": [], "RebalanceTimeoutMs": 60_000} if name == "848" else {}
            self.learn(ask(api, joining | assigned))
        self.learn(ask("InitProducerId", {"TransactionalId": "tx", "TransactionTimeoutMs": 60_000}))
        self.learn(ask("Metadata", {"Topics": None}))

    def connected(self) -> Client:
        """Give a connection that is open."""
        if self.client.transport.closed:
            self.client.close()
            self.client = self.kafka.connect(self.chance.randint(1, len(self.kafka.cluster.nodes)))
        return self.client

    def lead(self, topic: str) -> Client:
        """Connect to the broker that leads a topic's first partition."""
        found = self.kafka.cluster.topics.get(topic)
        assert found is not None
        return self.kafka.connect(self.kafka.cluster.leader(found, 0).node_id)

    def request(self, api: Api, version: int) -> Message:
        """Make a request at random."""
        fields = MESSAGES.describe(api.name + "Request").fields
        return Requests(self.chance, api, version, self.known).message(fields)

    def answer(self, api: Api, version: int, request: Message) -> Message | None:
        """Ask and wait for the answer, on the clock moved by hand; None for a Produce that wants none."""
        pending = self.connected().send(api.name, request, version=version)
        if api.name == "Produce" and request["Acks"] == 0:
            self.client.close()
            self.client = self.kafka.connect()
            return None
        for seconds in WAITS_S:
            if pending.parked:
                self.kafka.advance(seconds)
        if pending.parked and self.client.transport.closed and api.name.endswith("Acls"):
            return None  # an UNKNOWN in it, for which Kafka closes the connection too
        assert not pending.parked, f"{api.name} v{version} was never answered: {request}"
        return pending.answer

    def learn(self, answer: Any) -> None:
        """Keep what an answer tells of ids, members and epochs."""
        if isinstance(answer, list):
            for item in answer:
                self.learn(item)
        elif isinstance(answer, dict):
            for name, value in answer.items():
                self.learn(value)
                for learned in LEARNED.get(name, ()):
                    if value is not None:
                        self.known[learned] = [*self.known.get(learned, []), value][-KNOWN_MAX:]

    def lives(self) -> bool:
        """Whether a new topic can be written and read."""
        name = f"alive-{self.chance.randrange(1 << 32)}"
        self.connected().create_topic(name)
        client = self.lead(name)
        client.produce(name, b"a", b"b")
        return client.values(name) == [b"a", b"b"]


COMPACT = [{"Name": "cleanup.policy", "Value": "compact"}]
SMALL_BATCHES = [{"Name": "max.message.bytes", "Value": "100"}]
WAITS_S = (1, 10, 60, 600, 3000)
LEARNED = {
    "MemberId": ("MemberId",),
    "TopicId": ("TopicId",),
    "ProducerId": ("ProducerId", "V3AndBelowProducerId", "ProducerIdFilters"),
    "ProducerEpoch": ("ProducerEpoch", "V3AndBelowProducerEpoch"),
    "GenerationId": ("GenerationId", "GenerationIdOrMemberEpoch"),
    "MemberEpoch": ("MemberEpoch", "GenerationIdOrMemberEpoch"),
    "SessionId": ("SessionId",),
}
"""What is learned: by an answer's field the requests' fields that it is good for."""


def breakage(chance: Random, frame: bytes) -> bytes:
    """Break a frame in one of the ways in which things break; its length fits again, mostly."""
    body = bytearray(frame[4:])
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        place = chance.randrange(len(body)) if body else 0
        count = chance.choice((1, 2, 4, 8))
        match chance.choice(("flip", "flip", "flip", "cut", "put", "drop", "extreme", "extreme", "again")):
            case "flip" if body:
                body[place] ^= 1 << chance.randrange(8)
            case "cut":
                del body[place:]
            case "put":
                body[place:place] = chance.randbytes(count)
            case "drop":
                del body[place : place + count]
            case "extreme":
                body[place : place + count] = chance.choice((b"\x7f", b"\xff", b"\x80", b"\0")) + chance.choice(
                    (b"\xff", b"\0")
                ) * (count - 1)
            case "again":
                body[place:place] = body[place : place + 40]
    size = len(body)
    if chance.random() < 0.1:
        size += chance.choice((-1, 1, -4, 100, 1 << 20, -(1 << 20), 1 << 31))
    return struct.pack(">I", size & 0xFFFFFFFF) + body


def everything(chance: Random, rounds: int = ROUNDS) -> Iterator[tuple[Api, int]]:
    """Name every API and version so many times, in any order."""
    for _ in range(rounds):
        yield from chance.sample(EVERY, len(EVERY))


@pytest.fixture
def seed() -> int:
    found = random.randrange(1 << 32)
    print(f"seed {found}")
    return found


@pytest.fixture(params=["plain", "guarded", "kept"])
def door(
    request: pytest.FixtureRequest, kafka_with: Callable[..., KafkaHarness], tmp_path: Path, seed: int
) -> Iterator[Door]:
    """The door of a cluster. When all is done it must still work, and nothing that it wrote to its log may be an ERROR."""
    settings: dict[str, dict[str, Any]] = {
        "plain": {},
        "guarded": {"kafka_brokers": 3, "kafka_authorizer": True, "kafka_super_users": ("User:ANONYMOUS",)},
        "kept": {"data_dir": tmp_path},
    }
    one = Door(kafka_with(**settings[request.param]), seed)
    one.furnish()
    yield one
    assert one.lives()
    assert one.kafka.emulator.tasks.failed == 0


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of bugs of ours, with what was raised."""
    return [
        f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}"
        for record in caplog.records
        if record.levelno >= logging.ERROR
    ]


def test_a_valid_request_of_any_api_and_version_is_answered(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    for number, (api, version) in enumerate(everything(door.chance)):
        if number % len(EVERY) == 0:
            door.furnish()
        caplog.clear()
        request = door.request(api, version)
        answer = door.answer(api, version, request)
        assert errors(caplog) == [], f"{api.name} v{version}: {request}"
        door.learn(answer)


def test_a_broken_request_is_answered_or_costs_the_connection_and_a_line_in_the_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for number, (api, version) in enumerate(everything(door.chance)):
        if number % len(EVERY) == 0:
            door.furnish()
        caplog.clear()
        client = door.kafka.connect()
        frame = breakage(door.chance, client.frame(api.name, version, door.request(api, version)))
        client.feed(frame)
        assert errors(caplog) == [], f"{api.name} v{version}: {frame.hex()}"
        if client.transport.closed and not client.transport.written:
            assert caplog.records, f"{api.name} v{version} was refused without a word: {frame.hex()}"
        client.close()


def test_who_has_not_logged_in_gets_no_further_than_the_login(
    kafka_with: Callable[..., KafkaHarness], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(kafka_with(kafka_security="sasl_plaintext", kafka_users=(("alice", "secret"),)), seed)
    for api, version in everything(door.chance, rounds=4):
        caplog.clear()
        client = door.kafka.connect()
        client.feed(client.frame(api.name, version, door.request(api, version)))
        assert errors(caplog) == [], f"{api.name} v{version}"
        if not api.before_login:
            assert client.transport.closed
            assert not client.transport.written
            assert f"it sent {api.name} before it had logged in" in caplog.text
        client.close()


def test_broken_tokens_and_frames_of_a_login_cost_the_connection_at_most(
    kafka_with: Callable[..., KafkaHarness], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(kafka_with(kafka_security="sasl_plaintext", kafka_users=(("alice", "secret"),)), seed)
    chance = door.chance
    for _ in range(500):
        client = door.kafka.connect()
        version, mechanism = chance.choice((0, 1)), chance.choice(("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
        client.ask("SaslHandshake", {"Mechanism": mechanism}, version=version)
        for token in (b"\0alice\0secret", b"n,,n=alice,r=abc", b"c=biws,r=abc,p=AAAA"):
            framed = client.frame("SaslAuthenticate", 2, {"AuthBytes": token})
            client.feed(breakage(chance, framed if version else struct.pack(">i", len(token)) + token))
        assert errors(caplog) == []
        client.close()
    alice = door.kafka.connect()
    alice.ask("SaslHandshake", {"Mechanism": "PLAIN"})
    assert alice.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"})["ErrorCode"] == Error.NONE


def test_what_random_requests_have_left_is_read_back_from_the_data_directory(
    kafka_with: Callable[..., KafkaHarness], tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        door = Door(kafka, seed)
        door.furnish()
        for api, version in everything(door.chance, rounds=6):
            door.learn(door.answer(api, version, door.request(api, version)))
        before = topics(door.connected())
    again = Door(kafka_with(data_dir=tmp_path), seed)
    assert topics(again.client) == before
    assert again.lives()
    assert errors(caplog) == []


def topics(client: Client) -> dict[str, tuple[bytes, int]]:
    """Tell all topics: ids and numbers of partitions."""
    found = client.ask("Metadata", {"Topics": None})["Topics"]
    return {one["Name"]: (one["TopicId"], len(one["Partitions"])) for one in found}


# What has been found here.


def test_a_protocol_that_a_member_names_twice_counts_once(client: Client) -> None:
    twice = [{"Name": "range", "Metadata": b"first"}, {"Name": "range", "Metadata": b"second"}]
    request = {"GroupId": "group", "ProtocolType": "consumer", "Protocols": twice, "SessionTimeoutMs": 6000}
    pending = client.send("JoinGroup", {**request, "RebalanceTimeoutMs": 1000}, version=3)
    client._harness.advance(1)
    joined = pending.answer
    assert (joined["ErrorCode"], joined["ProtocolName"]) == (Error.NONE, "range")
    assert [one["Metadata"] for one in joined["Members"]] == [b"first"]


@pytest.mark.parametrize("version", [10, 11])
@pytest.mark.parametrize(("name", "topic_id"), [(None, NULL_UUID), ("orders", b"x" * 16)], ids=["null", "id"])
def test_metadata_of_a_version_that_only_shows_ids_refuses_them(
    client: Client, version: int, name: str | None, topic_id: bytes
) -> None:
    client.create_topic("orders")
    wanted = [{"Name": "orders"}, {"Name": name, "TopicId": topic_id}]
    found = client.ask("Metadata", {"Topics": wanted}, version=version)["Topics"]
    assert [(one["Name"], one["TopicId"], one["ErrorCode"]) for one in found] == [
        ("orders", NULL_UUID, Error.INVALID_REQUEST),
        (name or "", topic_id, Error.INVALID_REQUEST),
    ]


def test_a_produce_without_acks_that_fails_closes_with_a_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    data = [{"Name": "missing", "PartitionData": [{"Index": 4, "Records": b"x" * 80}]}]
    client.feed(client.frame("Produce", 9, {"Acks": 0, "TimeoutMs": 1, "TopicData": data}))
    assert client.transport.closed
    assert not client.transport.written
    assert "it produced with acks=0 and got UNKNOWN_TOPIC_OR_PARTITION on partition 4" in caplog.text
