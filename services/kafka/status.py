"""What `GET /_eventyard/kafka` shows: brokers, topics with their partitions, groups with their lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.names import topic_arn
from services.kafka.state import cluster_of

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic


def status(emulator: Emulator) -> dict[str, Any]:
    """Tell about the cluster, as JSON."""
    cluster = cluster_of(emulator)
    return {
        "cluster_id": cluster.cluster_id,
        "brokers": [{"id": node.node_id, "port": node.port} for node in cluster.nodes],
        "topics": [_topic(cluster, topic) for topic in sorted(cluster.topics, key=lambda topic: topic.name)],
        "groups": cluster.groups.describe_all(),
        "memory": {"bytes": cluster.logs.arenas.bytes_total, "bytes_max": cluster.logs.arenas.bytes_max},
    }


def _topic(cluster: Cluster, topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "arn": topic_arn(cluster, topic.name),
        "configs": topic.overrides,
        "partitions": [
            {
                "partition": partition.index,
                "leader": cluster.leader(topic, partition.index).node_id,
                "start_offset": partition.log_start_offset,
                "end_offset": partition.high_watermark,
                "last_stable_offset": partition.last_stable_offset,
                "bytes": partition.log.size_bytes,
            }
            for partition in topic.partitions
        ],
    }
