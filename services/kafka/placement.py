"""Which brokers hold a partition. All brokers are this one process, so it is only told, but checked as Kafka checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

PARTITIONS_MAX = 10_000
"""How many partitions one request may make (ReplicationControlManager.MAX_PARTITIONS_PER_BATCH)."""


def replicas(cluster: Cluster, topic: Topic, index: int) -> list[int]:
    """Name the brokers of a partition, its leader first; no more than there are, whatever the replication factor says."""
    count = len(cluster.nodes)
    first = (topic.first_node + index) % count
    return [cluster.nodes[(first + n) % count].node_id for n in range(min(topic.replication_factor, count))]


def check_replication_factor(cluster: Cluster, factor: int) -> None:
    """Refuse a replication factor that there are not enough brokers for. Raises KafkaError INVALID_REPLICATION_FACTOR."""
    count = len(cluster.nodes)
    if factor > count and not cluster.settings.kafka_any_replication:
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be reached because "
            f"only {count} broker(s) are registered. Start with --kafka-brokers {factor}, or with --kafka-any-replication 1 to have any "
            "factor accepted.",
        )


def check_assignment(cluster: Cluster, broker_ids: Sequence[int], replication_factor: int | None) -> None:
    """Check a partition's brokers as a client has chosen them. Raises KafkaError INVALID_REPLICA_ASSIGNMENT."""
    if not broker_ids:
        raise _wrong("The manual partition assignment includes an empty replica list.")
    known = {node.node_id for node in cluster.nodes}
    before = None
    for broker_id in sorted(broker_ids):
        if broker_id not in known and not cluster.settings.kafka_any_replication:
            raise _wrong(
                f"The manual partition assignment includes broker {broker_id}, but no such broker is registered."
            )
        if broker_id == before:
            raise _wrong(f"The manual partition assignment includes the broker {broker_id} more than once.")
        before = broker_id
    if replication_factor is not None and len(broker_ids) != replication_factor:
        raise _wrong(
            f"The manual partition assignment includes a partition with {len(broker_ids)} replica(s), but this is not consistent with "
            f"previous partitions, which have {replication_factor} replica(s)."
        )


def _wrong(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_REPLICA_ASSIGNMENT, message)
