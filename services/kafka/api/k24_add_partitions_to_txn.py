"""AddPartitionsToTxn (key 24): partitions become part of a producer's transaction.

Versions 0-5. One partition that is unknown or not allowed fails, the others are OPERATION_NOT_ATTEMPTED. Up to 1 a fenced producer hears
INVALID_PRODUCER_EPOCH. 4+ is what brokers send each other: many transactions at once, or a question whether the partitions are in them
(VerifyOnly); it takes CLUSTER_ACTION. Clients that know KIP-890 do not call this: Produce 12 adds partitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.transaction import ProducerEpoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.kafka.api.base import Answer, Call, Request, Response

_FENCED_FROM = 2
_BATCHED_FROM = 4
Place = tuple[str, int]


@api(24, "AddPartitionsToTxn", versions=(0, 5))
def add_partitions_to_txn(call: Call, request: Request) -> Answer:
    """Add partitions to one transaction, or to several."""
    if call.version >= _BATCHED_FROM:
        if not call.allowed_on_cluster(Operation.CLUSTER_ACTION):
            return {"ErrorCode": Error.CLUSTER_AUTHORIZATION_FAILED, "ResultsByTransaction": []}
        results = [
            {"TransactionalId": one["TransactionalId"], "TopicResults": _result(call, one, clients=False)}
            for one in request["Transactions"]
        ]
        return {"ErrorCode": Error.NONE, "ResultsByTransaction": results}
    one = {
        "TransactionalId": request["V3AndBelowTransactionalId"],
        "ProducerId": request["V3AndBelowProducerId"],
        "ProducerEpoch": request["V3AndBelowProducerEpoch"],
        "Topics": request["V3AndBelowTopics"],
        "VerifyOnly": False,
    }
    return {"ResultsByTopicV3AndBelow": _result(call, one, clients=True)}


def _result(call: Call, one: Request, *, clients: bool) -> list[Response]:
    """Add to one transaction; brokers have checked the rights of their clients themselves."""
    transactional_id = one["TransactionalId"]
    places = list(dict.fromkeys((topic["Name"], index) for topic in one["Topics"] for index in topic["Partitions"]))
    if clients and not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return _by_topic(dict.fromkeys(places, Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
    wrong = _wrong(call, places, clients=clients)
    if wrong:
        return _by_topic({place: wrong.get(place, Error.OPERATION_NOT_ATTEMPTED) for place in places})
    try:
        transactions = call.cluster.transactions
        transactions.of_node(transactional_id, call.peer.node_id)
        producer = ProducerEpoch(one["ProducerId"], one["ProducerEpoch"])
        if one["VerifyOnly"]:
            return _by_topic(transactions.check_added(transactional_id, producer, partitions=places))
        transactions.add(transactional_id, producer, call.now_ms, partitions=places)
    except KafkaError as refused:
        fenced = refused.error is Error.PRODUCER_FENCED and call.version < _FENCED_FROM
        return _by_topic(dict.fromkeys(places, Error.INVALID_PRODUCER_EPOCH if fenced else refused.error))
    return _by_topic(dict.fromkeys(places, Error.NONE))


def _wrong(call: Call, places: list[Place], *, clients: bool) -> dict[Place, Error]:
    """Find the partitions that cannot be added."""
    wrong: dict[Place, Error] = {}
    for topic, index in places:
        may_write = not call.cluster.is_internal(topic) and call.allowed(Operation.WRITE, Resource.TOPIC, topic)
        if clients and not may_write:
            wrong[topic, index] = Error.TOPIC_AUTHORIZATION_FAILED
        elif call.cluster.partition(topic, index) is None:
            wrong[topic, index] = Error.UNKNOWN_TOPIC_OR_PARTITION
    return wrong


def _by_topic(errors: Mapping[Place, Error]) -> list[Response]:
    topics: dict[str, list[dict[str, Any]]] = {}
    for (topic, index), error in errors.items():
        topics.setdefault(topic, []).append({"PartitionIndex": index, "PartitionErrorCode": error})
    return [{"Name": topic, "ResultsByPartition": partitions} for topic, partitions in topics.items()]
