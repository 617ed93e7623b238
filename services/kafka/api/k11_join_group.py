"""JoinGroup (key 11): a member of the classic protocol asks to be in the next generation of its group; parked until all have.

Versions 0-9. 1+ has a rebalance timeout of its own. 4+: a member without an id is told one (MEMBER_ID_REQUIRED) and comes again with it.
5+: static members (group.instance.id). 7+: the protocol type in the answer. 9+: a static leader may be told to skip the assignment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(11, "JoinGroup", versions=(0, 9))
def join_group(call: Call, request: Request) -> Answer:
    """Join a group."""
    group_id, member_id = request["GroupId"], request["MemberId"]
    if call.version == 0:
        request["RebalanceTimeoutMs"] = request["SessionTimeoutMs"]
    try:
        call.cluster.groups.check(call, Operation.READ, group_id)
        _check_session(call, request["SessionTimeoutMs"])
        group = call.cluster.groups.classic_for_join(group_id, create=not member_id)
        return group.join(call, request)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "MemberId": member_id}


def _check_session(call: Call, timeout_ms: int) -> None:
    configs = call.cluster.configs
    if not configs.group_min_session_timeout_ms <= timeout_ms <= configs.group_max_session_timeout_ms:
        raise KafkaError(Error.INVALID_SESSION_TIMEOUT)
