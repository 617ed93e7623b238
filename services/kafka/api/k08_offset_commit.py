"""OffsetCommit (key 8): a group notes how far it has read.

Versions 2-10. From 10 on topics have ids, not names. A member commits with its generation (or member epoch); an administrator, or a
consumer that assigns its partitions itself, with -1, which an empty or new group takes. Either all partitions that exist are committed or,
when the member may not, none. Versions 2-4 may ask for a retention of their own; else offsets.retention.minutes holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.groups.commits import offset_commit as commit
from services.kafka.groups.commits import refused_commit

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(8, "OffsetCommit", versions=(2, 10))
def offset_commit(call: Call, request: Request) -> Answer:
    """Commit offsets."""
    if not call.allowed(Operation.READ, Resource.GROUP, request["GroupId"]):
        return refused_commit(request, Error.GROUP_AUTHORIZATION_FAILED)
    return commit(call, request)
