"""Produce and Fetch are read and written by hand; here that is held against the codec compiled from Kafka's descriptions."""

from __future__ import annotations

import random
import struct
from typing import Any, cast

import pytest

from services.kafka.api import k00_produce, k01_fetch
from services.kafka.api.base import Call
from services.kafka.partition import RecordError
from services.kafka.schema import Messages
from services.kafka.wire import MalformedError
from tests.support.kafka_messages import random_message

MESSAGES = Messages()
ROUNDS = 40


@pytest.fixture
def chance() -> random.Random:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


class AnyCall:
    """As much of a Call as reading a request needs: everything is allowed."""

    def __init__(self, version: int) -> None:
        self.version = version

    def allowed(self, *_: object) -> bool:
        return True


def encoded(name: str, key: int, version: int, request: dict[str, Any]) -> memoryview:
    out = bytearray()
    MESSAGES.request_writer(key, name, version)(out, request)
    return memoryview(out)


@pytest.mark.parametrize("version", range(3, 14))
def test_a_produce_request_is_read_as_the_description_says(chance: random.Random, version: int) -> None:
    description = MESSAGES.describe("ProduceRequest")
    for _ in range(ROUNDS):
        request = random_message(chance, description, version)
        frame = encoded("Produce", 0, version, request)
        wanted, topics = k00_produce._read(cast("Call", AnyCall(version)), frame, 0)
        assert (wanted.transactional_id, wanted.acks) == (request["TransactionalId"], request["Acks"])
        assert [
            (topic, [(index, data if data is None else bytes(data)) for index, data in found])
            for topic, found in topics
        ] == [
            (
                topic["TopicId"] if version >= 13 else topic["Name"],
                [
                    (one["Index"], one["Records"] if one["Records"] is None else bytes(one["Records"]))
                    for one in topic["PartitionData"]
                ],
            )
            for topic in request["TopicData"]
        ]


@pytest.mark.parametrize("version", range(4, 19))
def test_a_fetch_request_is_read_as_the_description_says(chance: random.Random, version: int) -> None:
    description = MESSAGES.describe("FetchRequest")
    for _ in range(ROUNDS):
        request = random_message(chance, description, version)
        wanted = k01_fetch._read(encoded("Fetch", 1, version, request), 0, version)
        assert (wanted.max_wait_ms, wanted.min_bytes) == (request["MaxWaitMs"], request["MinBytes"])
        assert wanted.committed == (request["IsolationLevel"] == 1)
        assert (wanted.session_id, wanted.session_epoch) == (request["SessionId"], request["SessionEpoch"])
        assert wanted.topics == [
            (
                topic["TopicId"] if version >= 13 else topic["Topic"],
                [
                    (one["Partition"], one["CurrentLeaderEpoch"], one["FetchOffset"], one["PartitionMaxBytes"])
                    for one in topic["Partitions"]
                ],
            )
            for topic in request["Topics"]
        ]


@pytest.mark.parametrize("version", range(3, 14))
def test_a_produce_answer_is_written_as_the_description_says(chance: random.Random, version: int) -> None:
    for _ in range(ROUNDS):
        results = [result(chance, number) for number in range(chance.randrange(4))]
        out = bytearray()
        k00_produce._write_results(out, results, version)
        name = b"orders"
        head = b"\x02" + bytes([len(name) + 1]) if version >= 9 else struct.pack(">ih", 1, len(name))
        tail = b"\0\0\0\0" + (b"\0" if version >= 9 else b"")
        frame = (
            memoryview(bytes(head + name + out + tail))
            if version < 13
            else memoryview(bytes(b"\x02" + b"i" * 16 + out + tail))
        )
        answer, end = MESSAGES.response_reader(0, "Produce", version)(frame, 0)
        assert end == len(frame)
        assert [
            (
                one["Index"],
                one["ErrorCode"],
                one["BaseOffset"],
                one["LogAppendTimeMs"],
                one["LogStartOffset"],
                [(wrong["BatchIndex"], wrong["BatchIndexErrorMessage"]) for wrong in one["RecordErrors"]],
                one["ErrorMessage"],
            )
            for one in answer["Responses"][0]["PartitionResponses"]
        ] == [
            (
                *one[:4],
                one.log_start_offset if version >= 5 else -1,
                [tuple(wrong) for wrong in one.records] if version >= 8 else [],
                one.message if version >= 8 else None,
            )
            for one in results
        ]


def result(chance: random.Random, partition: int) -> k00_produce.Result:
    if chance.random() < 0.5:
        return k00_produce.Result(partition, 0, chance.randrange(1 << 60), -1, chance.randrange(1 << 60))
    records = tuple(RecordError(number, "no key" * chance.randrange(40)) for number in range(chance.randrange(200)))
    return k00_produce.Result(
        partition, chance.randrange(1, 130), records=records, message=chance.choice((None, "", "ä" * 200))
    )


@pytest.mark.parametrize("version", range(4, 19))
def test_a_fetch_answer_is_written_as_the_description_says(chance: random.Random, version: int) -> None:
    for _ in range(ROUNDS):
        topics = [
            (
                b"i" * 16 if version >= 13 else "t" * chance.choice((1, 126, 127, 249)),
                [found(chance, n) for n in range(3)],
            )
            for _ in range(chance.randrange(4))
        ]
        buffers = k01_fetch._write(version, cast("Any", topics))
        frame = memoryview(b"".join(buffers))
        answer, end = MESSAGES.response_reader(1, "Fetch", version)(frame, 0)
        assert end == len(frame)
        for (topic, partitions), read in zip(topics, answer["Responses"], strict=True):
            assert read["TopicId" if version >= 13 else "Topic"] == topic
            for one, seen in zip(partitions, read["Partitions"], strict=True):
                assert (seen["PartitionIndex"], seen["ErrorCode"]) == (one.partition, one.error)
                assert (seen["HighWatermark"], seen["LastStableOffset"]) == (one.high_watermark, one.last_stable_offset)
                assert seen["LogStartOffset"] == (one.log_start_offset if version >= 5 else -1)
                aborted = seen["AbortedTransactions"]
                assert (aborted and [(each["ProducerId"], each["FirstOffset"]) for each in aborted]) == one.aborted
                assert bytes(seen["Records"]) == b"".join(one.views)


def found(chance: random.Random, partition: int) -> k01_fetch.Found:
    views = tuple(
        memoryview(chance.randbytes(chance.choice((0, 1, 126, 127, 20_000)))) for _ in range(chance.randrange(3))
    )
    views = tuple(view for view in views if len(view))
    aborted = chance.choice((None, [], [(chance.randrange(1 << 40), chance.randrange(1 << 40))] * 130))
    numbers = [chance.randrange(-1, 1 << 60) for _ in range(3)]
    return k01_fetch.Found(partition, chance.randrange(130), *numbers, aborted, views, sum(map(len, views)))


@pytest.mark.parametrize("version", [3, 8, 9, 13])
def test_every_cut_of_a_produce_request_is_malformed(chance: random.Random, version: int) -> None:
    whole = random_message(chance, MESSAGES.describe("ProduceRequest"), version)
    whole["TopicData"] = whole["TopicData"][:1] or [random_topic(version)]
    frame = encoded("Produce", 0, version, whole)
    for end in range(len(frame)):
        with pytest.raises(MalformedError):
            k00_produce._read(cast("Call", AnyCall(version)), frame[:end], 0)


def random_topic(version: int) -> dict[str, Any]:
    place = {"TopicId": b"i" * 16} if version >= 13 else {"Name": "orders"}
    return {**place, "PartitionData": [{"Index": 0, "Records": b"x" * 70}]}


@pytest.mark.parametrize("version", [4, 7, 11, 12, 18])
def test_every_cut_of_a_fetch_request_is_malformed(chance: random.Random, version: int) -> None:
    frame = encoded("Fetch", 1, version, random_message(chance, MESSAGES.describe("FetchRequest"), version))
    for end in range(len(frame)):
        with pytest.raises(MalformedError):
            k01_fetch._read(frame[:end], 0, version)
