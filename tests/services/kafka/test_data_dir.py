"""`--data-dir`: what a cluster keeps over a clean stop, over a crash, and what is cut off because it was torn."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.record_batches import NewRecord, batch_of
from tests.support.kafka_broker import Client, KafkaHarness


def start(folder: Path, **settings: Any) -> KafkaHarness:
    return KafkaHarness(data_dir=folder, **settings)


@pytest.fixture(params=["stopped", "crashed"])
def end(request: pytest.FixtureRequest) -> Callable[[KafkaHarness], None]:
    return KafkaHarness.crash if request.param == "crashed" else KafkaHarness.close


def test_topics_records_ids_and_configs_are_there_again(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    topic_id = client.create_topic("orders", partitions=2, retention_ms="5000000")
    client.produce("orders", b"a", b"b")
    client.produce("orders", b"c", partition=1)
    cluster_id = first.cluster.cluster_id
    end(first)
    with start(tmp_path) as second:
        client = second.connect()
        [topic] = client.ask("Metadata", {"Topics": [{"Name": "orders"}]})["Topics"]
        assert (topic["TopicId"], len(topic["Partitions"])) == (topic_id, 2)
        assert second.cluster.cluster_id == cluster_id
        assert client.values("orders") == [b"a", b"b"]
        assert client.values("orders", partition=1) == [b"c"]
        assert second.cluster.topics.get("orders").overrides == {"retention.ms": "5000000"}  # type: ignore[union-attr]


def test_offsets_go_on(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    client.produce("orders", b"a", b"b")
    end(first)
    with start(tmp_path) as second:
        assert second.connect().produce("orders", b"c")["BaseOffset"] == 2
        assert second.connect().values("orders") == [b"a", b"b", b"c"]


def test_deleted_records_stay_deleted(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    for value in (b"a", b"b", b"c"):
        client.produce("orders", value)
    wanted = {"Name": "orders", "Partitions": [{"PartitionIndex": 0, "Offset": 2}]}
    client.ask("DeleteRecords", {"Topics": [wanted], "TimeoutMs": 1})
    end(first)
    with start(tmp_path) as second:
        client = second.connect()
        assert client.fetch("orders", 1)["ErrorCode"] == Error.OFFSET_OUT_OF_RANGE
        assert client.values("orders", 2) == [b"c"]


def test_a_log_whose_records_are_all_gone_keeps_its_end(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    client.produce("orders", b"a", b"b")
    wanted = {"Name": "orders", "Partitions": [{"PartitionIndex": 0, "Offset": -1}]}
    client.ask("DeleteRecords", {"Topics": [wanted], "TimeoutMs": 1})
    end(first)
    with start(tmp_path) as second:
        found = second.connect().fetch("orders", 2)
        assert (found["ErrorCode"], found["HighWatermark"], found["LogStartOffset"]) == (0, 2, 2)


def test_a_deleted_topic_stays_deleted_and_its_files_go(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    client.produce("orders", b"a")
    client.ask("DeleteTopics", {"Topics": [{"Name": "orders"}], "TimeoutMs": 1})
    assert list((tmp_path / "kafka" / "topics").iterdir()) == []
    end(first)
    with start(tmp_path) as second:
        assert second.connect().ask("Metadata", {"Topics": None})["Topics"] == []


def test_committed_offsets_are_there_again(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    partition = {"PartitionIndex": 0, "CommittedOffset": 7, "CommittedMetadata": "note"}
    request = {
        "GroupId": "billing",
        "GenerationIdOrMemberEpoch": -1,
        "Topics": [{"Name": "orders", "Partitions": [partition]}],
    }
    answer = client.ask("OffsetCommit", request, version=9)
    assert answer["Topics"][0]["Partitions"][0]["ErrorCode"] == 0
    end(first)
    with start(tmp_path) as second:
        wanted = {"GroupId": "billing", "Topics": [{"Name": "orders", "PartitionIndexes": [0]}]}
        answer = second.connect().ask("OffsetFetch", {"Groups": [wanted]}, version=9)
        [found] = answer["Groups"][0]["Topics"][0]["Partitions"]
        assert (found["CommittedOffset"], found["Metadata"]) == (7, "note")


def new_producer(client: Client) -> int:
    answer = client.ask("InitProducerId", {"TransactionalId": None, "TransactionTimeoutMs": 60_000}, version=4)
    assert answer["ErrorCode"] == 0
    return int(answer["ProducerId"])


def batch(producer_id: int, sequence: int) -> bytes:
    made = [NewRecord(b"k", b"%d" % sequence, headers=[])]
    return bytes(batch_of(made, 1_767_225_600_000, producer_id=producer_id, producer_epoch=0, base_sequence=sequence))


def test_a_retry_after_a_crash_is_not_written_twice(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    producer_id = new_producer(client)
    for sequence in range(3):
        assert client.produce_batch("orders", batch(producer_id, sequence))["BaseOffset"] == sequence
    end(first)
    with start(tmp_path) as second:
        client = second.connect()
        again = client.produce_batch("orders", batch(producer_id, 2))
        assert (again["ErrorCode"], again["BaseOffset"]) == (0, 2)
        assert client.produce_batch("orders", batch(producer_id, 4))["ErrorCode"] == Error.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert client.produce_batch("orders", batch(producer_id, 3))["BaseOffset"] == 3
        other = new_producer(client)
        assert other != producer_id


@pytest.mark.parametrize("torn", [1, 40, 60, 61, 80])
def test_a_batch_that_was_torn_by_the_crash_is_cut_off(tmp_path: Path, torn: int) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders")
    client.produce("orders", b"whole")
    size = len(client.fetch("orders")["Records"])
    client.produce("orders", b"torn", b"too")
    first.crash()
    [segment] = (tmp_path / "kafka" / "topics").rglob("*.log")
    data = bytearray(segment.read_bytes())
    data[size + torn :] = bytes(len(data) - size - torn)
    segment.write_bytes(data)
    with start(tmp_path) as second:
        client = second.connect()
        assert client.values("orders") == [b"whole"]
        assert client.produce("orders", b"next")["BaseOffset"] == 1
        assert client.values("orders") == [b"whole", b"next"]


def test_a_reset_leaves_nothing_of_the_data(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        first.connect().create_topic("orders")
        first.run(reset(first))
        assert first.connect().ask("Metadata", {"Topics": None})["Topics"] == []
    with start(tmp_path) as second:
        assert second.connect().ask("Metadata", {"Topics": None})["Topics"] == []


async def reset(kafka: KafkaHarness) -> None:
    kafka.emulator.reset()


def test_many_segments_are_read_back_in_order(tmp_path: Path, end: Callable[[KafkaHarness], None]) -> None:
    first = start(tmp_path)
    client = first.connect()
    client.create_topic("orders", segment_bytes="1048576", max_message_bytes="2000000")
    values = [bytes([number]) * 400_000 for number in range(9)]
    for value in values:
        client.produce("orders", value)
    assert len(list((tmp_path / "kafka" / "topics").rglob("*.log"))) > 3
    end(first)
    with start(tmp_path) as second:
        client = second.connect()
        assert read_all(client, "orders") == values


def test_a_full_disk_refuses_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with start(tmp_path) as kafka:
        client = kafka.connect()
        client.create_topic("orders")
        monkeypatch.setattr("emulator.log.files._allocate", full)
        refused = client.produce("orders", b"a")
        assert refused["ErrorCode"] == Error.KAFKA_STORAGE_ERROR
        assert f"in {tmp_path}" in refused["ErrorMessage"]
        assert "make room there" in refused["ErrorMessage"]
        monkeypatch.undo()
        assert client.produce("orders", b"a")["BaseOffset"] == 0


def read_all(client: Client, topic: str) -> list[bytes | None]:
    found: list[bytes | None] = []
    while more := client.values(topic, len(found)):
        found += more
    return found
