"""TxnOffsetCommit (key 28): a transaction notes how far a group has read; it counts when the transaction is committed.

Versions 0-5. 3+: the member and its generation, so that one that was replaced is fenced. Up to 4 the group has been added by
AddOffsetsToTxn; 5 adds it (KIP-890).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.groups.commits import refused_commit

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(28, "TxnOffsetCommit", versions=(0, 5))
def txn_offset_commit(call: Call, request: Request) -> Answer:
    """Commit offsets in a transaction."""
    if not call.allowed(Operation.WRITE, Resource.TRANSACTIONAL_ID, request["TransactionalId"]):
        return refused_commit(request, Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not call.allowed(Operation.READ, Resource.GROUP, request["GroupId"]):
        return refused_commit(request, Error.GROUP_AUTHORIZATION_FAILED)
    return call.cluster.groups.txn_offset_commit(call, request)
