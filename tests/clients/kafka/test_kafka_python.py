"""kafka-python 3 over a socket: idempotent by default, with fetch sessions, KIP-447 fencing of groups and a wide admin client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import (
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    OffsetSpec,
    TopicPartition,
    codec,
)
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import (
    GroupIdNotFoundError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    TopicAlreadyExistsError,
)

Fresh = Callable[[str], str]
Record = Any
WAIT_MS = 30_000
"""A bound against a hang; nothing waits for it to pass."""


@pytest.fixture
def admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as one:
        yield one


@contextmanager
def producer(bootstrap: str, **config: Any) -> Iterator[KafkaProducer]:
    one = KafkaProducer(bootstrap_servers=bootstrap, max_block_ms=WAIT_MS, **config)
    try:
        yield one
    finally:
        one.close(WAIT_MS / 1000)


@contextmanager
def consumer(bootstrap: str, group: str | None, *topics: str, **config: Any) -> Iterator[KafkaConsumer]:
    settings = {
        "group_id": group,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "heartbeat_interval_ms": 100,
        **config,
    }
    one = KafkaConsumer(bootstrap_servers=bootstrap, **settings)
    if topics:
        one.subscribe(list(topics))
    try:
        yield one
    finally:
        one.close(timeout_ms=WAIT_MS)


def take(one: KafkaConsumer, count: int) -> list[Record]:
    """Consume so many messages."""
    taken: list[Record] = []
    while len(taken) < count:
        found = one.poll(WAIT_MS, max_records=count - len(taken))
        assert found, f"only {len(taken)} of {count} messages came"
        for records in found.values():
            taken += records
    return taken


def write(bootstrap: str, topic: str, *values: bytes, **config: Any) -> list[int]:
    """Produce and give the offsets."""
    with producer(bootstrap, **config) as one:
        sent = [one.send(topic, value, key=b"k") for value in values]
        one.flush(WAIT_MS / 1000)
        return [future.get(WAIT_MS / 1000).offset for future in sent]


def create(admin: KafkaAdminClient, topic: str, partitions: int = 1, **configs: str) -> None:
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}})


def held(*consumers: KafkaConsumer) -> list[int]:
    return [len(one.assignment()) for one in consumers]


def until(holds: Callable[[], object], tries: int = 600) -> None:
    """Poll until something holds; each try waits in the client itself."""
    for _ in range(tries):
        if holds():
            return
    raise AssertionError("it did not come to hold")


# Messages.


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_in_order(bootstrap: str, fresh: Fresh, compression: str | None) -> None:
    if compression and not getattr(codec, f"has_{compression}")():
        pytest.skip(f"kafka-python's library for {compression} is not installed")
    topic = fresh("orders")
    values = [b"value %d" % number for number in range(1000)]
    assert write(bootstrap, topic, *values, compression_type=compression, linger_ms=5) == list(range(1000))
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert [record.value for record in take(one, 1000)] == values


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_kind_of_acknowledgement_stores_all(bootstrap: str, fresh: Fresh, acks: Any) -> None:
    topic = fresh("orders")
    values = [b"%d" % number for number in range(100)]
    write(bootstrap, topic, *values, acks=acks, enable_idempotence=False)
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert [record.value for record in take(one, 100)] == values


def test_headers_keys_and_timestamps_come_through(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    with producer(bootstrap) as one:
        one.send(topic, b"v", key=b"k", headers=[("trace", b"1"), ("empty", b"")], timestamp_ms=1_767_225_600_123)
        one.send(topic, None, key=b"tombstone")
    with consumer(bootstrap, fresh("group"), topic) as reader:
        first, second = take(reader, 2)
    assert (first.key, first.value, list(first.headers)) == (b"k", b"v", [("trace", b"1"), ("empty", b"")])
    assert (first.timestamp, first.timestamp_type) == (1_767_225_600_123, 0)
    assert (second.key, second.value) == (b"tombstone", None)


def test_an_idempotent_producer_stores_each_message_once(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    values = [b"%d" % number for number in range(3000)]
    assert write(bootstrap, topic, *values, enable_idempotence=True, linger_ms=1) == list(range(3000))
    with consumer(bootstrap, fresh("group"), topic) as one:
        assert [record.value for record in take(one, 3000)] == values


def test_a_message_that_is_too_large_is_refused(bootstrap: str, fresh: Fresh, admin: KafkaAdminClient) -> None:
    topic = fresh("small")
    create(admin, topic, **{"max.message.bytes": "1000"})
    with producer(bootstrap, retries=0, enable_idempotence=False) as one, pytest.raises(MessageSizeTooLargeError):
        one.send(topic, b"x" * 2000).get(WAIT_MS / 1000)


def test_a_fetch_session_gives_what_comes_later_too(bootstrap: str, fresh: Fresh, admin: KafkaAdminClient) -> None:
    topic = fresh("orders")
    create(admin, topic, 3)
    with consumer(bootstrap, None) as reader, producer(bootstrap) as one:
        reader.assign([TopicPartition(topic, number) for number in range(3)])
        for turn in range(6):
            one.send(topic, b"%d" % turn, partition=turn % 3)
            [record] = take(reader, 1)
            assert (record.value, record.partition, record.offset) == (b"%d" % turn, turn % 3, turn // 3)


# Offsets.


def test_a_group_goes_on_where_it_committed(bootstrap: str, fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    write(bootstrap, topic, *(b"%d" % number for number in range(10)))
    place = TopicPartition(topic, 0)
    with consumer(bootstrap, group, topic) as one:
        take(one, 4)
        one.commit({place: OffsetAndMetadata(4, "by hand", -1)}, timeout_ms=WAIT_MS)
        assert one.committed(place, metadata=True, timeout_ms=WAIT_MS) == OffsetAndMetadata(4, "by hand", -1)
    with consumer(bootstrap, group, topic) as one:
        assert [record.value for record in take(one, 6)] == [b"%d" % number for number in range(4, 10)]


def test_offsets_are_found_by_time_and_at_both_ends(bootstrap: str, fresh: Fresh, admin: KafkaAdminClient) -> None:
    topic = fresh("orders")
    with producer(bootstrap) as one:
        for number in range(3):
            one.send(topic, b"x", timestamp_ms=1_767_225_600_000 + number * 1000)
    place = TopicPartition(topic, 0)
    with consumer(bootstrap, None) as reader:
        found = reader.offsets_for_times({place: 1_767_225_600_500}, timeout_ms=WAIT_MS)[place]
        assert (found.offset, found.timestamp) == (1, 1_767_225_601_000)
        assert reader.offsets_for_times({place: 1_767_225_602_001}, timeout_ms=WAIT_MS)[place] is None
        assert reader.beginning_offsets([place], timeout_ms=WAIT_MS) == {place: 0}
        assert reader.end_offsets([place], timeout_ms=WAIT_MS) == {place: 3}
    assert admin.list_partition_offsets({place: OffsetSpec.MAX_TIMESTAMP})[place].offset == 2


def test_an_offset_out_of_range_is_reset_as_the_consumer_wants(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    write(bootstrap, topic, b"a", b"b")
    with consumer(bootstrap, fresh("group")) as one:
        place = TopicPartition(topic, 0)
        one.assign([place])
        one.seek(place, 50)
        assert take(one, 1)[0].value == b"a"


def test_deleted_records_are_gone_and_readers_begin_behind_them(
    bootstrap: str, fresh: Fresh, admin: KafkaAdminClient
) -> None:
    topic = fresh("orders")
    place = TopicPartition(topic, 0)
    with producer(bootstrap, linger_ms=0) as one:
        for value in (b"0", b"1", b"2"):
            one.send(topic, value).get(WAIT_MS / 1000)
    assert admin.delete_records({place: 2})[place]["low_watermark"] == 2
    with consumer(bootstrap, fresh("group"), topic) as reader:
        assert take(reader, 1)[0].value == b"2"


# Groups.


@pytest.mark.parametrize(
    "assignor",
    [
        RangePartitionAssignor,
        RoundRobinPartitionAssignor,
        StickyPartitionAssignor,
        CooperativeStickyAssignor,
    ],
    ids=lambda assignor: assignor.name,
)
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(
    bootstrap: str, fresh: Fresh, admin: KafkaAdminClient, assignor: Any
) -> None:
    topic, group = fresh("orders"), fresh("group")
    create(admin, topic, 6)
    config = {"partition_assignment_strategy": (assignor,)}
    with consumer(bootstrap, group, topic, **config) as first:
        with consumer(bootstrap, group, topic, **config) as second:
            until(lambda: (first.poll(50), second.poll(50)) and held(first, second) == [3, 3])
            with producer(bootstrap) as one:
                for partition in range(6):
                    one.send(topic, b"x", partition=partition)
            found = [record.partition for reader in (first, second) for record in take(reader, 3)]
            assert sorted(found) == list(range(6))
        until(lambda: (first.poll(50),) and held(first) == [6])


class Rebalances(ConsumerRebalanceListener):
    """Counts the assignments."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, *_: Any) -> None:
        """Nothing to give back."""

    def on_partitions_assigned(self, *_: Any) -> None:
        self.count += 1


def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(
    bootstrap: str, fresh: Fresh, admin: KafkaAdminClient
) -> None:
    topic, group = fresh("orders"), fresh("group")
    create(admin, topic, 4)
    rebalances = Rebalances()
    with consumer(bootstrap, group, group_instance_id="stays") as stays:
        stays.subscribe([topic], listener=rebalances)
        with consumer(bootstrap, group, topic, group_instance_id="leaves") as leaves:
            until(lambda: (stays.poll(50), leaves.poll(50)) and held(stays, leaves) == [2, 2])
            before = leaves.assignment()
        count = rebalances.count
        with consumer(bootstrap, group, topic, group_instance_id="leaves") as again:
            until(lambda: (stays.poll(50), again.poll(50)) and held(again) == [2])
            assert again.assignment() == before
        assert rebalances.count == count


# Transactions.


def test_a_reader_of_committed_records_sees_neither_open_nor_aborted_transactions(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    with producer(bootstrap, transactional_id=fresh("tx")) as one:
        one.init_transactions()
        for value, commit in ((b"yes 1", True), (b"no", False), (b"yes 2", True)):
            one.begin_transaction()
            one.send(topic, value).get(WAIT_MS / 1000)
            if commit:
                one.commit_transaction()
            else:
                one.abort_transaction()
        one.begin_transaction()
        one.send(topic, b"open").get(WAIT_MS / 1000)
        with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
            assert [record.value for record in take(reader, 2)] == [b"yes 1", b"yes 2"]
            assert reader.poll(300) == {}
            one.commit_transaction()
            assert take(reader, 1)[0].value == b"open"
    with consumer(bootstrap, fresh("group"), topic) as reader:
        assert [record.value for record in take(reader, 4)] == [b"yes 1", b"no", b"yes 2", b"open"]


def test_offsets_are_committed_with_the_transaction_and_not_without(bootstrap: str, fresh: Fresh) -> None:
    source, group = fresh("source"), fresh("group")
    write(bootstrap, source, b"a", b"b")
    place = TopicPartition(source, 0)
    offsets = {place: OffsetAndMetadata(2, "", -1)}
    with (
        producer(bootstrap, transactional_id=fresh("tx")) as one,
        consumer(bootstrap, group, source) as reader,
        consumer(bootstrap, group) as other,
    ):
        one.init_transactions()
        take(reader, 2)
        one.begin_transaction()
        one.send_offsets_to_transaction(offsets, reader.group_metadata())
        one.abort_transaction()
        assert other.committed(place, timeout_ms=WAIT_MS) is None
        one.begin_transaction()
        one.send_offsets_to_transaction(offsets, reader.group_metadata())
        one.commit_transaction()
        assert other.committed(place, timeout_ms=WAIT_MS) == 2


def test_a_second_producer_of_a_transactional_id_fences_the_first(bootstrap: str, fresh: Fresh) -> None:
    topic, name = fresh("orders"), fresh("tx")
    with producer(bootstrap, transactional_id=name) as first, producer(bootstrap, transactional_id=name) as second:
        first.init_transactions()
        first.begin_transaction()
        first.send(topic, b"zombie").get(WAIT_MS / 1000)
        second.init_transactions()
        with pytest.raises(ProducerFencedError):
            first.commit_transaction()
        second.begin_transaction()
        second.send(topic, b"good")
        second.commit_transaction()
    with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
        assert take(reader, 1)[0].value == b"good"


# Administration.


def test_topics_are_created_described_grown_and_deleted(admin: KafkaAdminClient, fresh: Fresh) -> None:
    topic = fresh("orders")
    create(admin, topic, 2, **{"retention.ms": "60000"})
    admin.create_partitions({topic: 5})
    [described] = admin.describe_topics([topic])
    assert [part["partition_index"] for part in described["partitions"]] == list(range(5))
    assert configs(admin, topic) == {"retention.ms": "60000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "1000"})])
    assert configs(admin, topic) == {"retention.ms": "1000"}
    admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})])
    assert configs(admin, topic) == {}
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()


def configs(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """What is set on the topic itself."""
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {name: entry["value"] for name, entry in found["topic"][topic].items()}


@pytest.mark.parametrize(
    ("topic", "settings", "error"),
    [
        ("bad name", {}, InvalidTopicError),
        ("too-many-replicas", {"replication_factor": 3}, InvalidReplicationFactorError),
        ("bad-config", {"configs": {"retention.ms": "soon"}}, InvalidConfigurationError),
        ("no-partitions", {"num_partitions": 0}, InvalidPartitionsError),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_topic_that_cannot_be_is_refused_with_kafkas_error(
    admin: KafkaAdminClient, topic: str, settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, **settings}})


def test_a_topic_is_not_created_twice(admin: KafkaAdminClient, fresh: Fresh) -> None:
    topic = fresh("orders")
    create(admin, topic)
    with pytest.raises(TopicAlreadyExistsError):
        create(admin, topic)


def test_groups_are_listed_described_and_deleted(bootstrap: str, fresh: Fresh, admin: KafkaAdminClient) -> None:
    topic, group = fresh("orders"), fresh("group")
    write(bootstrap, topic, b"a", b"b")
    place = TopicPartition(topic, 0)
    with consumer(bootstrap, group, topic) as one:
        take(one, 2)
        one.commit(timeout_ms=WAIT_MS)
        described = admin.describe_groups([group])[group]
        [member] = described["members"]
        assert (described["group_state"], described["protocol_type"]) == ("Stable", "consumer")
        assert [part["partitions"] for part in member["member_assignment"]["assigned_partitions"]] == [[0]]
    assert group in {found["group_id"] for found in admin.list_groups()}
    assert admin.list_group_offsets(group)[group][place].offset == 2
    admin.alter_group_offsets(group, {place: OffsetAndMetadata(1, "", -1)})
    assert admin.list_group_offsets(group)[group][place].offset == 1
    assert admin.delete_groups([group]) == {group: "OK"}
    assert group not in {found["group_id"] for found in admin.list_groups()}
    assert admin.delete_groups([group]) == {group: GroupIdNotFoundError.__name__}


def test_the_cluster_is_described(bootstrap: str, admin: KafkaAdminClient) -> None:
    found = admin.describe_cluster()
    [broker] = found["brokers"]
    assert f"{broker['host']}:{broker['port']}" == bootstrap
    assert found["controller_id"] == broker["broker_id"]
    assert len(found["cluster_id"]) == 22
