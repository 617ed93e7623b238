"""Metadata (key 3): which brokers there are, and which topics with their partitions and leaders.

Versions 0-13. Brokers are named by the address that this client dialled (`--kafka-advertised-host` says otherwise). A topic that is not
there is made at once when both the client and `--kafka-auto-create-topics` allow it: clients would else wait and ask again.
Version 10 on shows topic ids, version 12 on finds topics by id; 10 and 11, which have the field, refuse the whole request for one
(KafkaApis.handleTopicMetadataRequest, MetadataRequest.getErrorResponse).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import LEADER_EPOCH
from services.kafka.placement import replicas
from services.kafka.topics import check_name
from services.kafka.wire import NULL_UUID

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.topics import Topic

NOT_ASKED = -(1 << 31)
"""What authorized operations are when the client did not ask for them."""
FIND_BY_ID = 12
"""The first version that finds topics by id."""


@api(3, "Metadata", versions=(0, 13))
def metadata(call: Call, request: Request) -> Answer:
    """Describe the cluster and some topics, or all."""
    cluster = call.cluster
    asked = request["Topics"]
    with_operations = request["IncludeTopicAuthorizedOperations"]
    if asked is None or (not asked and call.version == 0):
        topics = [
            _describe(call, topic, with_operations=with_operations)
            for topic in cluster.topics
            if call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic.name)
        ]
    elif call.version < FIND_BY_ID and any(one["Name"] is None or one["TopicId"] != NULL_UUID for one in asked):
        return {"Topics": [_refusal(wanted) for wanted in asked]}
    else:
        topics = [_find(call, request, wanted, with_operations=with_operations) for wanted in asked]
    operations = NOT_ASKED
    if request["IncludeClusterAuthorizedOperations"]:
        operations = cluster.acls.authorized_operations(
            call.peer.principal, call.peer.host, Resource.CLUSTER, "kafka-cluster"
        )
    return {
        "Brokers": [_broker(call, node.node_id) for node in cluster.nodes],
        "ClusterId": cluster.cluster_id,
        "ControllerId": cluster.nodes[0].node_id,
        "Topics": topics,
        "ClusterAuthorizedOperations": operations,
    }


def _broker(call: Call, node_id: int) -> dict[str, Any]:
    host, port = call.peer.advertised(node_id)
    return {"NodeId": node_id, "Host": host, "Port": port}


def _refusal(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"Name": wanted["Name"] or "", "TopicId": wanted["TopicId"], "ErrorCode": Error.INVALID_REQUEST}


def _find(call: Call, request: Request, wanted: dict[str, Any], *, with_operations: bool) -> dict[str, Any]:
    """Describe one topic that was asked for, by name or by id, or say why not."""
    name, topic_id = wanted["Name"], wanted["TopicId"]
    topics = call.cluster.topics
    if topic_id != NULL_UUID:
        topic = topics.by_id(topic_id)
        if topic is None or not call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic.name):
            return {"Name": None, "TopicId": topic_id, "ErrorCode": Error.UNKNOWN_TOPIC_ID}
        return _describe(call, topic, with_operations=with_operations)
    if name is None:
        return {"Name": "", "ErrorCode": Error.INVALID_TOPIC_EXCEPTION}
    try:
        topic = _get_or_create(call, name, allowed=request["AllowAutoTopicCreation"])
    except KafkaError as error:
        return {"Name": name, "ErrorCode": error.error, "IsInternal": call.cluster.is_internal(name)}
    return _describe(call, topic, with_operations=with_operations)


def _get_or_create(call: Call, name: str, *, allowed: bool) -> Topic:
    """Find a topic, or make it because somebody asked for it. Raises KafkaError."""
    cluster = call.cluster
    if not call.allowed(Operation.DESCRIBE, Resource.TOPIC, name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    if (topic := cluster.topics.get(name)) is not None:
        return topic
    check_name(name)
    if not allowed or not cluster.configs.auto_create_topics or cluster.is_internal(name):
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
    if not (call.allowed_on_cluster(Operation.CREATE) or call.allowed(Operation.CREATE, Resource.TOPIC, name)):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    cluster.topics.check_new(name)
    return cluster.topics.create(
        name, cluster.configs.num_partitions, cluster.configs.default_replication_factor, overrides={}
    )


def _describe(call: Call, topic: Topic, *, with_operations: bool) -> dict[str, Any]:
    cluster = call.cluster
    partitions = []
    for partition in topic.partitions:
        nodes = replicas(cluster, topic, partition.index)
        partitions.append(
            {
                "PartitionIndex": partition.index,
                "LeaderId": nodes[0],
                "LeaderEpoch": LEADER_EPOCH,
                "ReplicaNodes": nodes,
                "IsrNodes": nodes,
            }
        )
    operations = NOT_ASKED
    if with_operations:
        operations = cluster.acls.authorized_operations(call.peer.principal, call.peer.host, Resource.TOPIC, topic.name)
    return {
        "Name": topic.name,
        "TopicId": topic.topic_id,
        "IsInternal": topic.internal,
        "Partitions": partitions,
        "TopicAuthorizedOperations": operations,
    }
