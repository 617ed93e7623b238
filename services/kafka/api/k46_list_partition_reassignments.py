"""ListPartitionReassignments (key 46): never any, for a reassignment is done when it is answered (key 45).

Version 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(46, "ListPartitionReassignments", versions=(0, 0))
def list_partition_reassignments(call: Call, request: Request) -> Answer:  # noqa: ARG001 - every API's shape
    """List no reassignment."""
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        denied = Error.CLUSTER_AUTHORIZATION_FAILED
        return {"ErrorCode": denied, "ErrorMessage": denied.message, "Topics": []}
    return {"ErrorCode": Error.NONE, "ErrorMessage": None, "Topics": []}
