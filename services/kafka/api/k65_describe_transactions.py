"""DescribeTransactions (key 65): where transactional ids stand.

Version 0. It takes DESCRIBE on the transactional id; partitions of topics that the caller may not describe are left out. Kafka shows groups
whose offsets are part of a transaction as partitions of __consumer_offsets; there is no such topic here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.transaction import Transaction


@api(65, "DescribeTransactions", versions=(0, 0))
def describe_transactions(call: Call, request: Request) -> Answer:
    """Show transactional ids."""
    return {"TransactionStates": [_described(call, one) for one in request["TransactionalIds"]]}


def _described(call: Call, transactional_id: str) -> Response:
    try:
        transaction = _found(call, transactional_id)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "TransactionalId": transactional_id}
    return {
        "ErrorCode": Error.NONE,
        "TransactionalId": transactional_id,
        "TransactionState": str(transaction.state),
        "TransactionTimeoutMs": transaction.timeout_ms,
        "TransactionStartTimeMs": transaction.start_ms,
        "ProducerId": transaction.producer_id,
        "ProducerEpoch": transaction.epoch,
        "Topics": _topics(call, transaction.partitions),
    }


def _found(call: Call, transactional_id: str) -> Transaction:
    if not call.allowed(Operation.DESCRIBE, Resource.TRANSACTIONAL_ID, transactional_id):
        raise KafkaError(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not transactional_id:
        raise KafkaError(Error.INVALID_REQUEST)
    transactions = call.cluster.transactions
    transactions.of_node(transactional_id, call.peer.node_id)
    transaction = transactions.get(transactional_id)
    if transaction is None:
        raise KafkaError(Error.TRANSACTIONAL_ID_NOT_FOUND)
    return transaction


def _topics(call: Call, partitions: set[tuple[str, int]]) -> list[Response]:
    topics: dict[str, list[int]] = {}
    for topic, index in sorted(partitions):
        topics.setdefault(topic, []).append(index)
    return [
        {"Topic": topic, "Partitions": indexes}
        for topic, indexes in topics.items()
        if call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic)
    ]
