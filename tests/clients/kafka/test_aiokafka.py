"""aiokafka over a socket: asyncio, with the oldest versions of most APIs among today's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    ProducerFenced,
    TopicAlreadyExistsError,
)

Fresh = Callable[[str], str]
Record = Any
WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a test of a coroutine function: it runs in an event loop of its own."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(2 * WAIT_S):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


@asynccontextmanager
async def producer(bootstrap: str, **config: Any) -> AsyncIterator[AIOKafkaProducer]:
    one = AIOKafkaProducer(bootstrap_servers=bootstrap, **config)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


@asynccontextmanager
async def consumer(bootstrap: str, group: str | None, *topics: str, **config: Any) -> AsyncIterator[AIOKafkaConsumer]:
    settings = {
        "group_id": group,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "heartbeat_interval_ms": 100,
        **config,
    }
    one = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, **settings)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


@asynccontextmanager
async def administration(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    one = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await one.start()
    try:
        yield one
    finally:
        await one.close()


async def take(one: AIOKafkaConsumer, count: int) -> list[Record]:
    """Consume so many messages."""
    taken: list[Record] = []
    while len(taken) < count:
        found = await one.getmany(timeout_ms=WAIT_S * 1000, max_records=count - len(taken))
        assert found, f"only {len(taken)} of {count} messages came"
        for records in found.values():
            taken += records
    return taken


async def write(bootstrap: str, topic: str, *values: bytes, **config: Any) -> list[int]:
    """Produce and give the offsets."""
    async with producer(bootstrap, **config) as one:
        sent = [await one.send(topic, value, key=b"k") for value in values]
        return [(await future).offset if future is not None else -1 for future in sent]


async def create(bootstrap: str, topic: str, partitions: int = 1, **configs: str) -> int:
    """Create a topic; returns the error code."""
    async with administration(bootstrap) as admin:
        answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
    [(_, code, _)] = answer.topic_errors
    return int(code)


def held(*consumers: AIOKafkaConsumer) -> list[int]:
    return [len(one.assignment()) for one in consumers]


async def until(holds: Callable[[], object], *consumers: AIOKafkaConsumer, tries: int = 600) -> None:
    """Poll until something holds; each try waits in the clients themselves."""
    for _ in range(tries):
        if holds():
            return
        for one in consumers:
            await one.getmany(timeout_ms=50)
    raise AssertionError("it did not come to hold")


# Messages.


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
@in_loop
async def test_what_is_produced_is_consumed_in_order(bootstrap: str, fresh: Fresh, compression: str | None) -> None:
    topic = fresh("orders")
    values = [b"value %d" % number for number in range(1000)]
    assert await write(bootstrap, topic, *values, compression_type=compression, linger_ms=5) == list(range(1000))
    async with consumer(bootstrap, fresh("group"), topic) as one:
        assert [record.value for record in await take(one, 1000)] == values


@pytest.mark.parametrize("acks", [0, 1, "all"])
@in_loop
async def test_every_kind_of_acknowledgement_stores_all(bootstrap: str, fresh: Fresh, acks: Any) -> None:
    topic = fresh("orders")
    values = [b"%d" % number for number in range(100)]
    async with producer(bootstrap, acks=acks) as one:
        for value in values:
            await one.send(topic, value)
        await one.flush()
    async with consumer(bootstrap, fresh("group"), topic) as reader:
        assert [record.value for record in await take(reader, 100)] == values


@in_loop
async def test_headers_keys_and_timestamps_come_through(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    headers = [("trace", b"1"), ("empty", b"")]
    async with producer(bootstrap) as one:
        await one.send(topic, b"v", key=b"k", headers=headers, timestamp_ms=1_767_225_600_123)
        await one.send(topic, None, key=b"tombstone")
    async with consumer(bootstrap, fresh("group"), topic) as reader:
        first, second = await take(reader, 2)
    assert (first.key, first.value, list(first.headers)) == (b"k", b"v", headers)
    assert (first.timestamp, first.timestamp_type) == (1_767_225_600_123, 0)
    assert (second.key, second.value) == (b"tombstone", None)


@in_loop
async def test_an_idempotent_producer_stores_each_message_once(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    values = [b"%d" % number for number in range(3000)]
    assert await write(bootstrap, topic, *values, enable_idempotence=True) == list(range(3000))
    async with consumer(bootstrap, fresh("group"), topic) as one:
        assert [record.value for record in await take(one, 3000)] == values


@in_loop
async def test_a_message_that_is_too_large_is_refused(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("small")
    await create(bootstrap, topic, **{"max.message.bytes": "1000"})
    async with producer(bootstrap) as one:
        with pytest.raises(MessageSizeTooLargeError):
            await one.send_and_wait(topic, b"x" * 2000)


@in_loop
async def test_a_consumer_that_waits_gets_what_comes_at_once(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    await create(bootstrap, topic, 3)
    async with consumer(bootstrap, None, fetch_max_wait_ms=WAIT_S * 1000) as reader, producer(bootstrap) as one:
        reader.assign([TopicPartition(topic, number) for number in range(3)])
        for turn in range(6):
            waiting = asyncio.ensure_future(reader.getone())
            await one.send_and_wait(topic, b"%d" % turn, partition=turn % 3)
            record = await waiting
            assert (record.value, record.partition, record.offset) == (b"%d" % turn, turn % 3, turn // 3)


# Offsets.


@in_loop
async def test_a_group_goes_on_where_it_committed(bootstrap: str, fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    await write(bootstrap, topic, *(b"%d" % number for number in range(10)))
    place = TopicPartition(topic, 0)
    async with consumer(bootstrap, group, topic) as one:
        assert await one.committed(place) is None
        await take(one, 4)
        await one.commit({place: (4, "by hand")})
        assert await one.committed(place) == 4
    async with consumer(bootstrap, group, topic) as one:
        assert [record.value for record in await take(one, 6)] == [b"%d" % number for number in range(4, 10)]


@in_loop
async def test_offsets_are_found_by_time_and_at_both_ends(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    async with producer(bootstrap) as one:
        for number in range(3):
            await one.send(topic, b"x", timestamp_ms=1_767_225_600_000 + number * 1000)
    place = TopicPartition(topic, 0)
    async with consumer(bootstrap, None, topic) as reader:
        found = (await reader.offsets_for_times({place: 1_767_225_600_500}))[place]
        assert (found.offset, found.timestamp) == (1, 1_767_225_601_000)
        assert (await reader.offsets_for_times({place: 1_767_225_602_001}))[place] is None
        assert await reader.beginning_offsets([place]) == {place: 0}
        assert await reader.end_offsets([place]) == {place: 3}


@in_loop
async def test_an_offset_out_of_range_is_reset_as_the_consumer_wants(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    await write(bootstrap, topic, b"a", b"b")
    place = TopicPartition(topic, 0)
    async with consumer(bootstrap, fresh("group")) as one:
        one.assign([place])
        one.seek(place, 50)
        assert (await take(one, 1))[0].value == b"a"


@in_loop
async def test_deleted_records_are_gone_and_readers_begin_behind_them(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    place = TopicPartition(topic, 0)
    async with producer(bootstrap) as one:
        for value in (b"0", b"1", b"2"):
            await one.send_and_wait(topic, value)
    async with administration(bootstrap) as admin:
        assert await admin.delete_records({place: RecordsToDelete(2)}) == {place: 2}
    async with consumer(bootstrap, fresh("group"), topic) as reader:
        assert (await take(reader, 1))[0].value == b"2"


# Groups.


@pytest.mark.parametrize(
    "assignor",
    [RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor],
    ids=lambda assignor: assignor.name,
)
@in_loop
async def test_members_share_the_partitions_and_take_over_from_one_that_leaves(
    bootstrap: str, fresh: Fresh, assignor: Any
) -> None:
    topic, group = fresh("orders"), fresh("group")
    await create(bootstrap, topic, 6)
    config = {"partition_assignment_strategy": (assignor,)}
    async with consumer(bootstrap, group, topic, **config) as first:
        async with consumer(bootstrap, group, topic, **config) as second:
            await until(lambda: held(first, second) == [3, 3], first, second)
            async with producer(bootstrap) as one:
                for partition in range(6):
                    await one.send(topic, b"x", partition=partition)
            found = [record.partition for reader in (first, second) for record in await take(reader, 3)]
            assert sorted(found) == list(range(6))
        await until(lambda: held(first) == [6], first)


class Rebalances(ConsumerRebalanceListener):
    """Counts the assignments."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, *_: Any) -> None:
        """Nothing to give back."""

    def on_partitions_assigned(self, *_: Any) -> None:
        self.count += 1


@in_loop
async def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(
    bootstrap: str, fresh: Fresh
) -> None:
    topic, group = fresh("orders"), fresh("group")
    await create(bootstrap, topic, 4)
    rebalances = Rebalances()
    async with consumer(bootstrap, group, group_instance_id="stays") as stays:
        stays.subscribe([topic], listener=rebalances)
        async with consumer(bootstrap, group, topic, group_instance_id="leaves") as leaves:
            await until(lambda: held(stays, leaves) == [2, 2], stays, leaves)
            before = leaves.assignment()
        count = rebalances.count
        async with consumer(bootstrap, group, topic, group_instance_id="leaves") as again:
            await until(lambda: held(again) == [2], stays, again)
            assert again.assignment() == before
        assert rebalances.count == count


# Transactions.


@in_loop
async def test_a_reader_of_committed_records_sees_neither_open_nor_aborted_transactions(
    bootstrap: str, fresh: Fresh
) -> None:
    topic = fresh("orders")
    async with producer(bootstrap, transactional_id=fresh("tx")) as one:
        for value, commit in ((b"yes 1", True), (b"no", False), (b"yes 2", True)):
            await one.begin_transaction()
            await one.send_and_wait(topic, value)
            await (one.commit_transaction() if commit else one.abort_transaction())
        await one.begin_transaction()
        await one.send_and_wait(topic, b"open")
        async with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
            assert [record.value for record in await take(reader, 2)] == [b"yes 1", b"yes 2"]
            assert await reader.getmany(timeout_ms=300) == {}
            await one.commit_transaction()
            assert (await take(reader, 1))[0].value == b"open"
    async with consumer(bootstrap, fresh("group"), topic) as reader:
        assert [record.value for record in await take(reader, 4)] == [b"yes 1", b"no", b"yes 2", b"open"]


@in_loop
async def test_offsets_are_committed_with_the_transaction_and_not_without(bootstrap: str, fresh: Fresh) -> None:
    source, group = fresh("source"), fresh("group")
    await write(bootstrap, source, b"a", b"b")
    place = TopicPartition(source, 0)
    async with (
        producer(bootstrap, transactional_id=fresh("tx")) as one,
        consumer(bootstrap, group, source) as reader,
    ):
        await take(reader, 2)
        await one.begin_transaction()
        await one.send_offsets_to_transaction({place: 2}, group)
        await one.abort_transaction()
        assert await reader.committed(place) is None
        await one.begin_transaction()
        await one.send_offsets_to_transaction({place: 2}, group)
        await one.commit_transaction()
        assert await reader.committed(place) == 2


@in_loop
async def test_a_second_producer_of_a_transactional_id_fences_the_first(bootstrap: str, fresh: Fresh) -> None:
    topic, name = fresh("orders"), fresh("tx")
    async with producer(bootstrap, transactional_id=name) as first:
        await first.begin_transaction()
        await first.send_and_wait(topic, b"zombie")
        async with producer(bootstrap, transactional_id=name) as second:
            with pytest.raises(ProducerFenced):
                await first.commit_transaction()
            async with second.transaction():
                await second.send(topic, b"good")
    async with consumer(bootstrap, fresh("group"), topic, isolation_level="read_committed") as reader:
        assert (await take(reader, 1))[0].value == b"good"


# Administration.


@in_loop
async def test_topics_are_created_described_grown_and_deleted(bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    assert await create(bootstrap, topic, 2, **{"retention.ms": "60000"}) == 0
    assert await create(bootstrap, topic) == TopicAlreadyExistsError.errno
    async with administration(bootstrap) as admin:
        await admin.create_partitions({topic: NewPartitions(5)})
        [described] = await admin.describe_topics([topic])
        assert [part["partition"] for part in described["partitions"]] == list(range(5))
        assert await retention_ms(admin, topic) == "60000"
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "1000"})])
        assert await retention_ms(admin, topic) == "1000"
        await admin.delete_topics([topic])
        assert topic not in await admin.list_topics()


async def retention_ms(admin: AIOKafkaAdminClient, topic: str) -> str:
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": ""})])
    [(_, _, _, _, [(name, value, *_)])] = answer.resources
    assert name == "retention.ms"
    return str(value)


@pytest.mark.parametrize(
    ("topic", "error"),
    [
        (NewTopic("bad name", 1, 1), InvalidTopicError),
        (NewTopic("too-many-replicas", 1, 3), InvalidReplicationFactorError),
        (NewTopic("bad-config", 1, 1, topic_configs={"retention.ms": "soon"}), InvalidConfigurationError),
        (NewTopic("no-partitions", 0, 1), InvalidPartitionsError),
    ],
    ids=lambda value: value.name if isinstance(value, NewTopic) else "",
)
@in_loop
async def test_a_topic_that_cannot_be_is_refused_with_kafkas_error(bootstrap: str, topic: NewTopic, error: Any) -> None:
    async with administration(bootstrap) as admin:
        [(name, code, _)] = (await admin.create_topics([topic])).topic_errors
    assert (name, code) == (topic.name, error.errno)


@in_loop
async def test_groups_are_listed_and_described_and_their_offsets_read(bootstrap: str, fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    await write(bootstrap, topic, b"a", b"b")
    async with administration(bootstrap) as admin:
        async with consumer(bootstrap, group, topic) as one:
            await take(one, 2)
            await one.commit()
            [answer] = await admin.describe_consumer_groups([group])
            [(code, name, state, kind, protocol, members, *_)] = answer.groups
            assert (code, name, state, kind, protocol, len(members)) == (
                0,
                group,
                "Stable",
                "consumer",
                "roundrobin",
                1,
            )
        assert (group, "consumer") in [found[:2] for found in await admin.list_consumer_groups()]
        offsets = await admin.list_consumer_group_offsets(group)
        assert offsets[TopicPartition(topic, 0)].offset == 2


@in_loop
async def test_the_cluster_is_described(bootstrap: str) -> None:
    async with administration(bootstrap) as admin:
        found = await admin.describe_cluster()
    [broker] = found["brokers"]
    assert f"{broker['host']}:{broker['port']}" == bootstrap
    assert found["controller_id"] == broker["node_id"]
    assert len(found["cluster_id"]) == 22
