"""DescribeQuorum (key 55): the controllers, which are the first broker as the one voter and all others as observers.

Versions 0-2. There is no metadata log: its high watermark is how often topics have changed, and everybody has caught up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.limits import LEADER_EPOCH
from services.kafka.wire import NULL_UUID

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

METADATA_TOPIC = "__cluster_metadata"


@api(55, "DescribeQuorum", versions=(0, 2))
def describe_quorum(call: Call, request: Request) -> Answer:
    """Describe the quorum of the metadata partition."""
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        return {"ErrorCode": Error.CLUSTER_AUTHORIZATION_FAILED, "ErrorMessage": "", "Topics": [], "Nodes": []}
    asked = [
        (topic["TopicName"], partition["PartitionIndex"])
        for topic in request["Topics"]
        for partition in topic["Partitions"]
    ]
    if asked != [(METADATA_TOPIC, 0)]:
        unknown = Error.UNKNOWN_TOPIC_OR_PARTITION
        topics = [
            {
                "TopicName": name,
                "Partitions": [{"PartitionIndex": index, "ErrorCode": unknown, "ErrorMessage": unknown.message}],
            }
            for name, index in asked
        ]
        return {"ErrorCode": Error.NONE, "ErrorMessage": "", "Topics": topics, "Nodes": []}
    nodes = []
    for node in call.cluster.nodes:
        host, port = call.peer.advertised(node.node_id)
        nodes.append({"NodeId": node.node_id, "Listeners": [{"Name": call.peer.listener, "Host": host, "Port": port}]})
    topics = [{"TopicName": METADATA_TOPIC, "Partitions": [_partition(call)]}]
    return {"ErrorCode": Error.NONE, "ErrorMessage": "", "Topics": topics, "Nodes": nodes}


def _partition(call: Call) -> dict[str, Any]:
    cluster = call.cluster
    states = [
        {
            "ReplicaId": node.node_id,
            "ReplicaDirectoryId": NULL_UUID,
            "LogEndOffset": cluster.topics.version,
            "LastFetchTimestamp": call.now_ms,
            "LastCaughtUpTimestamp": call.now_ms,
        }
        for node in cluster.nodes
    ]
    return {
        "PartitionIndex": 0,
        "ErrorCode": Error.NONE,
        "ErrorMessage": "",
        "LeaderId": cluster.nodes[0].node_id,
        "LeaderEpoch": LEADER_EPOCH,
        "HighWatermark": cluster.topics.version,
        "CurrentVoters": states[:1],
        "Observers": states[1:],
    }
