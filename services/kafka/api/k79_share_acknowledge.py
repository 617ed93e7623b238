"""ShareAcknowledge (key 79, KIP-932): a member of a share group says what has come of records: accepted, released, rejected, a gap.

Versions 1-2. 2+: the lock on records is renewed. It goes on with a share session that ShareFetch has opened; epoch -1 closes it. What is
said of a partition counts as a whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.api.k76_share_group_heartbeat import share_group
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.settings import lock_settings
from services.kafka.groups.share_sessions import FINAL
from services.kafka.groups.share_words import check_member, endpoints, leader_of, listen

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(79, "ShareAcknowledge", versions=(1, 2))
def share_acknowledge(call: Call, request: Request) -> Answer:
    """Take a member's word."""
    group_id, member_id, epoch = request["GroupId"], request["MemberId"], request["ShareSessionEpoch"]
    key = (member_id, call.peer.node_id)
    try:
        check_member(call, request)
        group = share_group(call.cluster.groups.get(group_id), group_id)
        group.sessions.acknowledge(key, epoch)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}
    topics: dict[bytes, list[Response]] = {}
    leaders = []
    for place, verdict in listen(call, group, request, silent=False).items():
        made: Response = {"PartitionIndex": place[1], "ErrorCode": verdict.error, "ErrorMessage": verdict.message}
        if verdict.error is Error.NOT_LEADER_OR_FOLLOWER:
            made["CurrentLeader"] = leader_of(call, place)
            leaders.append(made["CurrentLeader"])
        topics.setdefault(place[0], []).append(made)
    if epoch == FINAL:
        group.ledger.release(member_id, group.sessions.remove(key))
    return {
        "AcquisitionLockTimeoutMs": lock_settings(call.cluster, group_id).lock_ms,
        "Responses": [{"TopicId": topic_id, "Partitions": partitions} for topic_id, partitions in topics.items()],
        "NodeEndpoints": endpoints(call, leaders),
    }
