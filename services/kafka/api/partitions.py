"""How the APIs that speak about records find a partition, and in which order they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Call
    from services.kafka.partition import Partition


def led(call: Call, name: str, index: int) -> Partition:
    """Find a partition that the broker leads which the client dialled. Raises KafkaError UNKNOWN_TOPIC_OR_PARTITION,
    NOT_LEADER_OR_FOLLOWER.
    """
    partition = call.cluster.partition(name, index)
    if partition is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
    if call.cluster.leader(partition.topic, index).node_id != call.peer.node_id:
        raise KafkaError(Error.NOT_LEADER_OR_FOLLOWER)
    return partition


def asked_for(call: Call, topic: str | bytes, index: int, operation: Operation) -> Partition:
    """Find a partition whose topic is given by name or, in newer versions, by id. Who may not do `operation` hears so where it gave
    the name, and no more than that the id is unknown where it gave that. Raises KafkaError; see `led`.
    """
    if isinstance(topic, str):
        if not call.allowed(operation, Resource.TOPIC, topic):
            raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
        return led(call, topic, index)
    found = call.cluster.topics.by_id(topic)
    if found is None or not call.allowed(operation, Resource.TOPIC, found.name):
        raise KafkaError(Error.UNKNOWN_TOPIC_ID)
    return led(call, found.name, index)
