"""Consume, process, produce, exactly once, with confluent-kafka (librdkafka)."""

from __future__ import annotations

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.clients.kafka.programs.death import BATCH, WAIT_S, Death, job, tell


def main() -> None:
    work = job()
    death = Death(work.plan)
    producer = Producer(
        {
            "bootstrap.servers": work.bootstrap,
            "transactional.id": work.name,
            # When no broker is there librdkafka 2.16 throws its handles of them away, but keeps that of the group's coordinator in a
            # cache: from then on send_offsets_to_transaction waits for a broker that never connects, and the process does not end.
            "metadata.recovery.strategy": "none",
        }
    )
    producer.init_transactions(WAIT_S)
    consumer = Consumer(
        {
            "bootstrap.servers": work.bootstrap,
            "group.id": work.name,
            "group.instance.id": "worker",  # who comes after a dead one takes its place at once
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "heartbeat.interval.ms": 100,
        }
    )
    places = [TopicPartition(work.source, partition) for partition in range(work.partitions)]
    done = {place.partition: max(place.offset, 0) for place in consumer.committed(places, WAIT_S)}
    consumer.subscribe([work.source])
    while sum(done.values()) < work.total:
        messages = consumer.consume(min(BATCH, work.total - sum(done.values())), WAIT_S)
        assert messages, f"nothing came after {done}"
        death.point("consumed")
        producer.begin_transaction()
        for message in messages:
            assert message.error() is None, message.error()
            assert message.offset() == done[message.partition()], "the group went back"
            producer.produce(work.target, message.value(), partition=message.partition())
            done[message.partition()] = message.offset() + 1
        producer.flush(WAIT_S)
        death.point("produced")
        offsets = [TopicPartition(work.source, partition, offset) for partition, offset in done.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), WAIT_S)
        death.point("offsets")
        death.point("commit")
        producer.commit_transaction(WAIT_S)
        death.point("committed")
        tell(sum(done.values()))


if __name__ == "__main__":
    main()
