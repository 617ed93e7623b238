"""InitProducerId (key 22): a producer gets its id and epoch.

Versions 0-5. Without a transactional id: a new id, for idempotence. With one: the next epoch; older producers are fenced and their open
transaction is aborted, at once (Kafka answers CONCURRENT_TRANSACTIONS while that lasts). 3+: a producer may say what it was, to go on after
an error (KIP-360). Up to 3 a fenced one hears INVALID_PRODUCER_EPOCH. 6, two-phase commit, is not stable in Kafka 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.transaction import NO_EPOCH, NO_PRODUCER_ID, ProducerEpoch

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

_FENCED_FROM = 4


@api(22, "InitProducerId", versions=(0, 5))
def init_producer_id(call: Call, request: Request) -> Answer:
    """Initialize a producer."""
    try:
        _authorize(call, request["TransactionalId"])
        expected = _expected(request)
        transactions = call.cluster.transactions
        transactional_id = transactions.of_node(request["TransactionalId"], call.peer.node_id)
        producer = transactions.init_producer_id(
            transactional_id, request["TransactionTimeoutMs"], expected, call.now_ms
        )
    except KafkaError as refused:
        fenced = refused.error is Error.PRODUCER_FENCED and call.version < _FENCED_FROM
        error = Error.INVALID_PRODUCER_EPOCH if fenced else refused.error
        return {"ErrorCode": error, "ProducerId": NO_PRODUCER_ID, "ProducerEpoch": NO_EPOCH}
    return {"ErrorCode": Error.NONE, "ProducerId": producer.producer_id, "ProducerEpoch": producer.epoch}


def _expected(request: Request) -> ProducerEpoch | None:
    """Read what the producer says that it was. Raises KafkaError INVALID_REQUEST."""
    expected = ProducerEpoch(request["ProducerId"], request["ProducerEpoch"])
    unknown = [expected.producer_id == NO_PRODUCER_ID, expected.epoch == NO_EPOCH]
    if any(unknown) and not all(unknown):
        raise KafkaError(Error.INVALID_REQUEST)
    return None if all(unknown) else expected


def _authorize(call: Call, transactional_id: str | None) -> None:
    """Refuse who may write neither to the transactional id nor, without one, to any topic. Raises KafkaError."""
    if transactional_id is not None:
        if not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
            raise KafkaError(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    elif not call.allowed_on_cluster(Operation.IDEMPOTENT_WRITE) and not call.allowed_on_any(
        Operation.WRITE, Resource.TOPIC
    ):
        raise KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED)
