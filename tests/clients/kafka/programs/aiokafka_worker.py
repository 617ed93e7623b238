"""Consume, process, produce, exactly once, with aiokafka."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.clients.kafka.programs.death import BATCH, WAIT_S, Death, job, tell


async def main() -> None:
    work = job()
    death = Death(work.plan)
    # The producer first: its start ends what the one before left open, and this client's OffsetFetch is too old to wait for that.
    producer = AIOKafkaProducer(bootstrap_servers=work.bootstrap, transactional_id=work.name)
    await producer.start()
    consumer = AIOKafkaConsumer(
        work.source,
        bootstrap_servers=work.bootstrap,
        group_id=work.name,
        group_instance_id="worker",  # who comes after a dead one takes its place at once
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        heartbeat_interval_ms=100,
    )
    await consumer.start()
    places = [TopicPartition(work.source, partition) for partition in range(work.partitions)]
    done = {place: await consumer.committed(place) or 0 for place in places}
    while sum(done.values()) < work.total:
        found = await consumer.getmany(timeout_ms=WAIT_S * 1000, max_records=BATCH)
        assert found, f"nothing came after {done}"
        death.point("consumed")
        await producer.begin_transaction()
        for place, records in found.items():
            assert records[0].offset == done[place], "the group went back"
            for record in records:
                await producer.send(work.target, record.value, partition=place.partition)
            done[place] = records[-1].offset + 1
        await producer.flush()
        death.point("produced")
        await producer.send_offsets_to_transaction(done, work.name)
        death.point("offsets")
        death.point("commit")
        await producer.commit_transaction()
        death.point("committed")
        tell(sum(done.values()))


if __name__ == "__main__":
    asyncio.run(main())
