"""AddOffsetsToTxn (key 25): a group's offsets become part of a producer's transaction; TxnOffsetCommit then brings them.

Versions 0-4. Up to 1 a fenced producer hears INVALID_PRODUCER_EPOCH. Clients that know KIP-890 do not call this: TxnOffsetCommit 5 does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.transaction import ProducerEpoch

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

_FENCED_FROM = 2


@api(25, "AddOffsetsToTxn", versions=(0, 4))
def add_offsets_to_txn(call: Call, request: Request) -> Answer:
    """Add a group to a transaction."""
    transactional_id, group_id = request["TransactionalId"], request["GroupId"]
    if not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return {"ErrorCode": Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}
    if not call.allowed(Operation.READ, Resource.GROUP, group_id):
        return {"ErrorCode": Error.GROUP_AUTHORIZATION_FAILED}
    transactions = call.cluster.transactions
    try:
        transactions.of_node(transactional_id, call.peer.node_id)
        producer = ProducerEpoch(request["ProducerId"], request["ProducerEpoch"])
        transactions.add(transactional_id, producer, call.now_ms, groups=(group_id,))
    except KafkaError as refused:
        fenced = refused.error is Error.PRODUCER_FENCED and call.version < _FENCED_FROM
        return {"ErrorCode": Error.INVALID_PRODUCER_EPOCH if fenced else refused.error}
    return {"ErrorCode": Error.NONE}
