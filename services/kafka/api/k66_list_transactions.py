"""ListTransactions (key 66): the transactional ids that this broker coordinates.

Versions 0-2. By state and producer id; 1+: by how long they have run; 2+: by a regular expression that fits the whole id (KIP-1152).
Ids that the caller may not DESCRIBE are left out. Expressions are read as Python's, which Java's are for all that is usual.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.transaction import State

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.transaction import Transaction


@api(66, "ListTransactions", versions=(0, 2))
def list_transactions(call: Call, request: Request) -> Answer:
    """List transactional ids; O(transactional ids)."""
    known = {str(state) for state in State}
    try:
        pattern = re.compile(request["TransactionalIdPattern"] or ".*", re.DOTALL)
    except re.error:
        return {"ErrorCode": Error.INVALID_REGULAR_EXPRESSION, "UnknownStateFilters": [], "TransactionStates": []}
    return {
        "ErrorCode": Error.NONE,
        "UnknownStateFilters": [name for name in request["StateFilters"] if name not in known],
        "TransactionStates": [
            {
                "TransactionalId": transaction.transactional_id,
                "ProducerId": transaction.producer_id,
                "TransactionState": str(transaction.state),
            }
            for transaction in call.cluster.transactions
            if _is_wanted(call, request, transaction) and pattern.fullmatch(transaction.transactional_id)
        ],
    }


def _is_wanted(call: Call, request: Request, transaction: Transaction) -> bool:
    producer_ids, states, duration_ms = request["ProducerIdFilters"], request["StateFilters"], request["DurationFilter"]
    return (
        (not producer_ids or transaction.producer_id in producer_ids)
        and (not states or str(transaction.state) in states)
        and (duration_ms < 0 or call.now_ms - transaction.start_ms > duration_ms)
        and call.cluster.coordinator(transaction.transactional_id).node_id == call.peer.node_id
        and call.allowed(Operation.DESCRIBE, Resource.TRANSACTIONAL_ID, transaction.transactional_id)
    )
