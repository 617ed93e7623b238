"""A cluster that shows three brokers: partitions, groups and transactions are spread over them, and clients find each where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPlace
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPythonPlace

from tests.clients.kafka.programs.clients import CLIENTS, WAIT_S, round_trip
from tests.support.server import Server

Fresh = Callable[[str], str]
BROKERS = [1, 2, 3]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--port", "0", "--kafka-port", "free", "--kafka-brokers", "3") as one:
        yield one


@pytest.fixture
def admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap})


@pytest.fixture
def topic(admin: AdminClient, fresh: Fresh) -> str:
    """A topic with a partition on each broker and a replica everywhere."""
    name = fresh("orders")
    admin.create_topics([NewTopic(name, 3, 3)])[name].result(WAIT_S)
    return name


def test_each_partition_has_a_leader_of_its_own_and_replicas_on_all(admin: AdminClient, topic: str) -> None:
    found = admin.list_topics(topic, WAIT_S)
    partitions = found.topics[topic].partitions.values()
    assert sorted(found.brokers) == BROKERS
    assert len({broker.port for broker in found.brokers.values()}) == 3
    assert sorted(partition.leader for partition in partitions) == BROKERS
    assert [sorted(partition.replicas) for partition in partitions] == [BROKERS] * 3
    assert [sorted(partition.isrs) for partition in partitions] == [BROKERS] * 3


def test_there_are_no_more_replicas_than_brokers(admin: AdminClient, fresh: Fresh) -> None:
    name = fresh("orders")
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic(name, 1, 4)])[name].result(WAIT_S)
    assert refused.value.args[0].code() == KafkaError.INVALID_REPLICATION_FACTOR


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_gets_to_all_partitions_from_any_broker(
    bootstrap: str, topic: str, fresh: Fresh, client: str, broker: int
) -> None:
    entrance = bootstrap.split(",")[broker - 1]
    values = [b"on the first", b"on the second", b"on the third"]
    assert round_trip(client, entrance, topic, fresh("group"), values) == values


@pytest.mark.parametrize("client", CLIENTS)
def test_groups_are_coordinated_by_different_brokers(
    bootstrap: str, admin: AdminClient, topic: str, client: str
) -> None:
    groups = [f"{topic}-{number}" for number in range(3)]
    for group in groups:
        values = [f"{group} {number}".encode() for number in range(3)]
        assert set(round_trip(client, bootstrap, topic, group, values)) <= {
            f"{before} {number}".encode() for before, number in product(groups, range(3))
        }
    described = [admin.describe_consumer_groups([group])[group].result(WAIT_S) for group in groups]
    assert sorted(one.coordinator.id for one in described) == BROKERS
    assert {group.group_id for group in admin.list_consumer_groups().result(WAIT_S).valid} >= set(groups)


def with_confluent(bootstrap: str, topic: str, transactional_id: str, group: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id})
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        producer.init_transactions(WAIT_S)
        producer.begin_transaction()
        for partition in range(3):
            producer.produce(topic, transactional_id.encode(), partition=partition)
        offsets = [TopicPartition(topic, partition, 7) for partition in range(3)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), WAIT_S)
        producer.commit_transaction(WAIT_S)
    finally:
        consumer.close()


def with_kafka_python(bootstrap: str, topic: str, transactional_id: str, group: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group)
    try:
        producer.init_transactions()
        producer.begin_transaction()
        for partition in range(3):
            producer.send(topic, transactional_id.encode(), partition=partition)
        offsets = {KafkaPythonPlace(topic, partition): OffsetAndMetadata(7, "", -1) for partition in range(3)}
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()
    finally:
        consumer.close()
        producer.close(WAIT_S)


def with_aiokafka(bootstrap: str, topic: str, transactional_id: str, group: str) -> None:
    async def run() -> None:
        async with (
            AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id) as producer,
            producer.transaction(),
        ):
            for partition in range(3):
                await producer.send(topic, transactional_id.encode(), partition=partition)
            offsets = {AioPlace(topic, partition): 7 for partition in range(3)}
            await producer.send_offsets_to_transaction(offsets, group)

    asyncio.run(run())


@pytest.mark.parametrize("transact", [with_confluent, with_kafka_python, with_aiokafka])
def test_a_transaction_spans_brokers_and_is_coordinated_by_any(
    bootstrap: str, topic: str, fresh: Fresh, transact: Callable[[str, str, str, str], None]
) -> None:
    ids = [f"{topic}-tx-{number}" for number in range(3)]
    groups = [f"{topic}-group-{number}" for number in range(3)]
    for transactional_id, group in zip(ids, groups, strict=True):
        transact(bootstrap, topic, transactional_id, group)
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        spread = {broker: listed(admin, broker) & set(ids) for broker in BROKERS}
        offsets = [admin.list_group_offsets(group)[group] for group in groups]
    assert [len(found) for found in spread.values()] == [1, 1, 1]
    assert [{place.partition: kept.offset for place, kept in found.items()} for found in offsets] == [
        {0: 7, 1: 7, 2: 7}
    ] * 3
    settings = {"bootstrap.servers": bootstrap, "group.id": fresh("reader"), "isolation.level": "read_committed"}
    consumer = Consumer({**settings, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found = [(message.partition(), message.value()) for message in consumer.consume(9, WAIT_S)]
    consumer.close()
    assert sorted(found) == sorted((partition, one.encode()) for partition in range(3) for one in ids)


def listed(admin: KafkaAdminClient, broker: int) -> set[str]:
    """The transactional ids that a broker coordinates."""
    return {str(found.transactional_id) for found in admin.list_transactions(broker_ids=[broker])[broker]}


def test_aiokafka_and_librdkafka_share_a_group_over_brokers(bootstrap: str, topic: str, fresh: Fresh) -> None:
    settings = {"group.id": fresh("group"), "heartbeat.interval.ms": 100, "partition.assignment.strategy": "roundrobin"}
    other = Consumer({"bootstrap.servers": bootstrap, **settings})
    other.subscribe([topic])

    async def run() -> list[int]:
        # librdkafka takes part in a rebalance while it is polled only, and the start of the other one is a rebalance.
        polling = asyncio.create_task(poll())
        one = AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap, group_id=settings["group.id"], heartbeat_interval_ms=100
        )
        try:
            async with asyncio.timeout(WAIT_S):
                await one.start()
                while sorted(held := [len(one.assignment()), len(other.assignment())]) != [1, 2]:
                    await one.getmany(timeout_ms=10)
            await one.stop()
        finally:
            polling.cancel()
        return held

    async def poll() -> None:
        while True:
            await asyncio.to_thread(other.poll, 0.02)

    try:
        assert sum(asyncio.run(run())) == 3
    finally:
        other.close()
