"""librdkafka's clients (confluent-kafka) over a socket: what most Python programs use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

Fresh = Callable[[str], str]
WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""


@pytest.fixture
def admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap})


def producer(bootstrap: str, **config: Any) -> Producer:
    return Producer(
        {"bootstrap.servers": bootstrap, **{name.replace("_", "."): value for name, value in config.items()}}
    )


@contextmanager
def consumer(bootstrap: str, group: str, *topics: str, **config: Any) -> Iterator[Consumer]:
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **({} if config.get("group_protocol") == "consumer" else {"heartbeat.interval.ms": 100}),
        **{name.replace("_", "."): value for name, value in config.items()},
    }
    one = Consumer(settings)
    if topics:
        one.subscribe(list(topics))
    try:
        yield one
    finally:
        one.close()


def take(one: Consumer, count: int) -> list[Message]:
    """Consume so many messages."""
    taken: list[Message] = []
    while len(taken) < count:
        found = one.consume(count - len(taken), WAIT_S)
        assert found, f"only {len(taken)} of {count} messages came"
        for message in found:
            assert message.error() is None, message.error()
        taken += found
    return taken


def write(bootstrap: str, topic: str, *values: bytes, **config: Any) -> list[Message]:
    """Produce and give the delivery reports."""
    reports: list[Message] = []
    one = producer(bootstrap, **config)
    for value in values:
        one.produce(topic, value, key=b"k", on_delivery=lambda _, message: reports.append(message))
    assert one.flush(WAIT_S) == 0
    assert all(report.error() is None for report in reports), [str(report.error()) for report in reports]
    return reports


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_in_order(bootstrap: str, fresh: Fresh, codec: str) -> None:
    topic = fresh("orders")
    values = [b"value %d" % number for number in range(1000)]
    reports = write(bootstrap, topic, *values, compression_type=codec)
    assert [report.offset() for report in reports] == list(range(1000))
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert [message.value() for message in take(one, 1000)] == values


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_kind_of_acknowledgement_stores_all(bootstrap: str, fresh: Fresh, acks: str) -> None:
    topic = fresh("orders")
    write(bootstrap, topic, *(b"%d" % number for number in range(100)), acks=acks)
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert len(take(one, 100)) == 100


def test_headers_keys_and_timestamps_come_through(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    one = producer(bootstrap)
    one.produce(topic, b"v", key=b"k", headers=[("trace", b"1"), ("none", None)], timestamp=1_767_225_600_123)
    one.produce(topic, None, key=b"tombstone")
    one.flush(WAIT_S)
    with consumer(bootstrap, fresh("group"), topic) as reader:
        first, second = take(reader, 2)
    assert (first.key(), first.value(), first.headers()) == (b"k", b"v", [("trace", b"1"), ("none", None)])
    assert first.timestamp()[1] == 1_767_225_600_123
    assert (second.key(), second.value()) == (b"tombstone", None)


def test_a_group_goes_on_where_it_committed(bootstrap: str, fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    write(bootstrap, topic, *(b"%d" % number for number in range(10)))
    with consumer(bootstrap, group, topic) as one:
        last = take(one, 4)[-1]
        one.commit(message=last, asynchronous=False)
    with consumer(bootstrap, group, topic) as one:
        assert [message.value() for message in take(one, 6)] == [b"%d" % number for number in range(4, 10)]


@pytest.mark.parametrize(
    "config",
    [
        {"partition_assignment_strategy": "range"},
        {"partition_assignment_strategy": "roundrobin"},
        {"partition_assignment_strategy": "cooperative-sticky"},
        {"group_protocol": "consumer"},
    ],
    ids=["range", "roundrobin", "cooperative-sticky", "consumer"],
)
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(
    bootstrap: str, fresh: Fresh, admin: AdminClient, config: dict[str, str]
) -> None:
    topic, group = fresh("orders"), fresh("group")
    admin.create_topics([NewTopic(topic, 6, 1)])[topic].result(WAIT_S)
    with consumer(bootstrap, group, topic, **config) as first:
        with consumer(bootstrap, group, topic, **config) as second:
            until(lambda: (first.poll(0.05), second.poll(0.05)) and held(first, second) == [3, 3])
            write_each(bootstrap, topic, 6)
            found = [message.partition() for one in (first, second) for message in take(one, 3)]
            assert sorted(found) == list(range(6))
        until(lambda: (first.poll(0.05),) and held(first) == [6])


def held(*consumers: Consumer) -> list[int]:
    return [len(one.assignment()) for one in consumers]


def write_each(bootstrap: str, topic: str, partitions: int) -> None:
    one = producer(bootstrap)
    for partition in range(partitions):
        one.produce(topic, b"x", partition=partition)
    assert one.flush(WAIT_S) == 0


def until(holds: Callable[[], object], tries: int = 600) -> None:
    """Poll until something holds; each try waits in the client itself."""
    for _ in range(tries):
        if holds():
            return
    raise AssertionError("it did not come to hold")


def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(
    bootstrap: str, fresh: Fresh, admin: AdminClient
) -> None:
    topic, group = fresh("orders"), fresh("group")
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(WAIT_S)
    rebalances: list[str] = []
    with consumer(bootstrap, group, group_instance_id="stays") as stays:
        stays.subscribe([topic], on_assign=lambda *_: rebalances.append("stays"))
        with consumer(bootstrap, group, topic, group_instance_id="leaves") as leaves:
            until(lambda: (stays.poll(0.05), leaves.poll(0.05)) and held(stays, leaves) == [2, 2])
            before = {one.partition for one in leaves.assignment()}
        count = len(rebalances)
        with consumer(bootstrap, group, topic, group_instance_id="leaves") as again:
            until(lambda: (stays.poll(0.05), again.poll(0.05)) and held(again) == [2])
            assert {one.partition for one in again.assignment()} == before
        assert len(rebalances) == count


def test_an_idempotent_producer_stores_each_message_once(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    values = [b"%d" % number for number in range(5000)]
    write(bootstrap, topic, *values, enable_idempotence=True, linger_ms=1)
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert [message.value() for message in take(one, 5000)] == values


def test_a_reader_of_committed_records_sees_neither_open_nor_aborted_transactions(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    one = producer(bootstrap, transactional_id=fresh("tx"))
    one.init_transactions(WAIT_S)
    for value, commit in ((b"yes 1", True), (b"no", False), (b"yes 2", True)):
        one.begin_transaction()
        one.produce(topic, value)
        one.flush(WAIT_S)
        if commit:
            one.commit_transaction(WAIT_S)
        else:
            one.abort_transaction(WAIT_S)
    one.begin_transaction()
    one.produce(topic, b"open")
    one.flush(WAIT_S)
    with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
        assert [message.value() for message in take(reader, 2)] == [b"yes 1", b"yes 2"]
        assert reader.poll(0.5) is None
        one.commit_transaction(WAIT_S)
        assert take(reader, 1)[0].value() == b"open"
    with consumer(bootstrap, fresh("group"), topic, isolation_level="read_uncommitted") as reader:
        assert [message.value() for message in take(reader, 4)] == [b"yes 1", b"no", b"yes 2", b"open"]


def test_offsets_are_committed_with_the_transaction_and_not_without(bootstrap: str, fresh: Fresh) -> None:
    source, group = fresh("source"), fresh("group")
    write(bootstrap, source, b"a", b"b")
    one = producer(bootstrap, transactional_id=fresh("tx"))
    one.init_transactions(WAIT_S)
    with consumer(bootstrap, group, source) as reader:
        take(reader, 2)
        place = [TopicPartition(source, 0, 2)]
        one.begin_transaction()
        one.send_offsets_to_transaction(place, reader.consumer_group_metadata(), WAIT_S)
        one.abort_transaction(WAIT_S)
        assert reader.committed([TopicPartition(source, 0)], WAIT_S)[0].offset == -1001
        one.begin_transaction()
        one.send_offsets_to_transaction(place, reader.consumer_group_metadata(), WAIT_S)
        one.commit_transaction(WAIT_S)
        assert reader.committed([TopicPartition(source, 0)], WAIT_S)[0].offset == 2


def test_a_second_producer_of_a_transactional_id_fences_the_first(bootstrap: str, fresh: Fresh) -> None:
    topic, name = fresh("orders"), fresh("tx")
    first, second = (producer(bootstrap, transactional_id=name) for _ in range(2))
    first.init_transactions(WAIT_S)
    first.begin_transaction()
    first.produce(topic, b"zombie")
    first.flush(WAIT_S)
    second.init_transactions(WAIT_S)
    with pytest.raises(KafkaException) as refused:
        first.commit_transaction(WAIT_S)
    assert refused.value.args[0].fatal()
    second.begin_transaction()
    second.produce(topic, b"good")
    second.commit_transaction(WAIT_S)
    with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
        assert take(reader, 1)[0].value() == b"good"


def test_topics_are_created_described_grown_and_deleted(admin: AdminClient, fresh: Fresh) -> None:
    topic = fresh("orders")
    admin.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "60000"})])[topic].result(WAIT_S)
    admin.create_partitions([NewPartitions(topic, 5)])[topic].result(WAIT_S)
    assert len(admin.list_topics(topic, WAIT_S).topics[topic].partitions) == 5
    resource = ConfigResource(ResourceType.TOPIC, topic)
    [described] = admin.describe_configs([resource]).values()
    assert described.result(WAIT_S)["retention.ms"].value == "60000"
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    [altered] = admin.incremental_alter_configs(
        [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])]
    ).values()
    altered.result(WAIT_S)
    [described] = admin.describe_configs([resource]).values()
    assert described.result(WAIT_S)["retention.ms"].value == "1000"
    admin.delete_topics([topic])[topic].result(WAIT_S)
    assert topic not in admin.list_topics(timeout=WAIT_S).topics


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        (NewTopic("bad name", 1, 1), KafkaError.TOPIC_EXCEPTION),
        (NewTopic("too-many-replicas", 1, 3), KafkaError.INVALID_REPLICATION_FACTOR),
        (NewTopic("bad-config", 1, 1, config={"retention.ms": "soon"}), KafkaError.INVALID_CONFIG),
        (NewTopic("no-partitions", 0, 1), KafkaError.INVALID_PARTITIONS),
    ],
    ids=lambda value: value.topic if isinstance(value, NewTopic) else "",
)
def test_a_topic_that_cannot_be_is_refused_with_kafkas_error(admin: AdminClient, topic: NewTopic, code: int) -> None:
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([topic])[topic.topic].result(WAIT_S)
    assert refused.value.args[0].code() == code


def test_groups_are_listed_described_and_deleted_and_their_offsets_read(
    bootstrap: str, admin: AdminClient, fresh: Fresh
) -> None:
    topic, group = fresh("orders"), fresh("group")
    write(bootstrap, topic, b"a", b"b")
    with consumer(bootstrap, group, topic) as one:
        one.commit(message=take(one, 2)[-1], asynchronous=False)
        described = admin.describe_consumer_groups([group])[group].result(WAIT_S)
        assert (described.state.name, len(described.members)) == ("STABLE", 1)
    listed = admin.list_consumer_groups().result(WAIT_S)
    assert group in {found.group_id for found in listed.valid}
    admin.delete_consumer_groups([group])[group].result(WAIT_S)
    listed = admin.list_consumer_groups().result(WAIT_S)
    assert group not in {found.group_id for found in listed.valid}


def test_offsets_are_found_by_time_and_at_both_ends(bootstrap: str, admin: AdminClient, fresh: Fresh) -> None:
    topic = fresh("orders")
    one = producer(bootstrap)
    for number in range(3):
        one.produce(topic, b"x", timestamp=1_767_225_600_000 + number * 1000)
    one.flush(WAIT_S)
    place = TopicPartition(topic, 0)

    def offset(spec: OffsetSpec) -> int:
        return int(admin.list_offsets({place: spec})[place].result(WAIT_S).offset)

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 3
    assert offset(OffsetSpec.max_timestamp()) == 2
    assert offset(OffsetSpec.for_timestamp(1_767_225_600_500)) == 1


def test_deleted_records_are_gone_and_readers_begin_behind_them(
    bootstrap: str, admin: AdminClient, fresh: Fresh
) -> None:
    topic = fresh("orders")
    write(bootstrap, topic, b"0", b"1", b"2", linger_ms=0, batch_num_messages=1)
    place = TopicPartition(topic, 0, 2)
    assert admin.delete_records([place])[place].result(WAIT_S).low_watermark == 2
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert one.get_watermark_offsets(TopicPartition(topic, 0), WAIT_S) == (2, 3)
        assert take(one, 1)[0].value() == b"2"


def test_a_message_that_is_too_large_is_refused(bootstrap: str, fresh: Fresh, admin: AdminClient) -> None:
    topic = fresh("small")
    admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "1000"})])[topic].result(WAIT_S)
    reports: list[Any] = []
    one = producer(bootstrap)
    one.produce(topic, b"x" * 2000, on_delivery=lambda error, _: reports.append(error))
    one.flush(WAIT_S)
    assert [error.code() for error in reports] == [KafkaError.MSG_SIZE_TOO_LARGE]


def test_a_consumer_of_a_missing_topic_hears_so(bootstrap: str, fresh: Fresh) -> None:
    with consumer(bootstrap, fresh("group"), fresh("missing"), allow_auto_create_topics=False) as one:
        message = one.poll(WAIT_S)
        assert message is not None
        error = message.error()
        assert error is not None
        assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_an_offset_out_of_range_is_reset_as_the_consumer_wants(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    write(bootstrap, topic, b"a", b"b")
    with consumer(bootstrap, fresh("group")) as one:
        one.assign([TopicPartition(topic, 0, 50)])
        assert take(one, 1)[0].value() == b"a"
