"""EndTxn (key 26): a producer commits or aborts its transaction. When it is answered, all markers are written.

Versions 0-5. Up to 1 a fenced producer hears INVALID_PRODUCER_EPOCH. 5 (KIP-890): every end raises the producer's epoch, or gives it a new
id when its epochs are used up; a retry with the old epoch hears the same again, and an abort of nothing is fine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.transaction import NO_EPOCH, NO_PRODUCER_ID, ProducerEpoch

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response

_FENCED_FROM = 2
_EPOCH_BUMPS_FROM = 5


@api(26, "EndTxn", versions=(0, 5))
def end_txn(call: Call, request: Request) -> Answer:
    """End a transaction."""
    transactional_id = request["TransactionalId"]
    transactions = call.cluster.transactions
    if not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return _refused(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    try:
        transactions.of_node(transactional_id, call.peer.node_id)
        producer = transactions.end(
            transactional_id,
            ProducerEpoch(request["ProducerId"], request["ProducerEpoch"]),
            call.now_ms,
            commit=request["Committed"],
            epoch_bumps=call.version >= _EPOCH_BUMPS_FROM,
        )
    except KafkaError as refused:
        fenced = refused.error is Error.PRODUCER_FENCED and call.version < _FENCED_FROM
        return _refused(Error.INVALID_PRODUCER_EPOCH if fenced else refused.error)
    return {"ErrorCode": Error.NONE, "ProducerId": producer.producer_id, "ProducerEpoch": producer.epoch}


def _refused(error: Error) -> Response:
    return {"ErrorCode": error, "ProducerId": NO_PRODUCER_ID, "ProducerEpoch": NO_EPOCH}
