"""DescribeLogDirs (key 35): how many bytes the partitions of a broker hold, and how much room there is.

Versions 1-5. Without a data directory there is one "directory", `memory`, whose size is `--kafka-memory`. Each broker shows the partitions
that it holds a replica of, though all of them are this one process.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.placement import replicas

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.state import Cluster


@api(35, "DescribeLogDirs", versions=(1, 5))
def describe_log_dirs(call: Call, request: Request) -> Answer:
    """Show the one place where this broker keeps records."""
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        return {"ErrorCode": Error.CLUSTER_AUTHORIZATION_FAILED, "Results": []}
    total_bytes, usable_bytes = _room(call.cluster)
    asked = request["Topics"]
    wanted = None if asked is None else {topic["Topic"]: set(topic["Partitions"]) for topic in asked}
    return {
        "ErrorCode": Error.NONE,
        "Results": [
            {
                "ErrorCode": Error.NONE,
                "LogDir": call.cluster.configs.started_with(call.peer.node_id)["log.dirs"],
                "Topics": _topics(call, wanted),
                "TotalBytes": total_bytes,
                "UsableBytes": usable_bytes,
                "IsCordoned": False,
            }
        ],
    }


def _room(cluster: Cluster) -> tuple[int, int]:
    if cluster.settings.data_dir is not None:
        usage = shutil.disk_usage(cluster.settings.data_dir)
        return usage.total, usage.free
    arenas = cluster.logs.arenas
    return arenas.bytes_max, arenas.bytes_max - arenas.bytes_total + arenas.bytes_free


def _topics(call: Call, wanted: dict[str, set[int]] | None) -> list[dict[str, Any]]:
    found = []
    for topic in call.cluster.topics:
        partitions = [
            {
                "PartitionIndex": partition.index,
                "PartitionSize": partition.log.size_bytes,
                "OffsetLag": 0,
                "IsFutureKey": False,
            }
            for partition in topic.partitions
            if (wanted is None or partition.index in wanted.get(topic.name, ()))
            and call.peer.node_id in replicas(call.cluster, topic, partition.index)
        ]
        if partitions:
            found.append({"Name": topic.name, "Partitions": partitions})
    return found
