"""Consume, process, produce, exactly once, with kafka-python."""

from __future__ import annotations

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from tests.clients.kafka.programs.death import BATCH, WAIT_S, Death, job, tell


def main() -> None:
    work = job()
    death = Death(work.plan)
    producer = KafkaProducer(
        bootstrap_servers=work.bootstrap, transactional_id=work.name, max_block_ms=WAIT_S * 1000, retry_backoff_ms=20
    )
    producer.init_transactions()
    consumer = KafkaConsumer(
        bootstrap_servers=work.bootstrap,
        group_id=work.name,
        group_instance_id="worker",  # who comes after a dead one takes its place at once
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        heartbeat_interval_ms=100,
    )
    places = [TopicPartition(work.source, partition) for partition in range(work.partitions)]
    done = {place: consumer.committed(place, timeout_ms=WAIT_S * 1000) or 0 for place in places}
    consumer.subscribe([work.source])
    while sum(done.values()) < work.total:
        found = consumer.poll(WAIT_S * 1000, max_records=BATCH)
        assert found, f"nothing came after {done}"
        death.point("consumed")
        producer.begin_transaction()
        for place, records in found.items():
            assert records[0].offset == done[place], "the group went back"
            for record in records:
                producer.send(work.target, record.value, partition=place.partition)
            done[place] = records[-1].offset + 1
        producer.flush(WAIT_S)
        death.point("produced")
        offsets = {place: OffsetAndMetadata(offset, "", -1) for place, offset in done.items()}
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        death.point("offsets")
        death.point("commit")
        producer.commit_transaction()
        death.point("committed")
        tell(sum(done.values()))


if __name__ == "__main__":
    main()
