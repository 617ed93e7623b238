"""ShareGroupHeartbeat (key 76, KIP-932): a share consumer joins a group, stays in it, hears which partitions it is to read, and leaves.

Version 1. Member epoch 0 joins, -1 leaves. The member id is made by the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.consumer_members import JOINING, LEAVING
from services.kafka.groups.share import ShareGroup
from services.kafka.groups.share_words import check_member_id

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(76, "ShareGroupHeartbeat", versions=(1, 1))
def share_group_heartbeat(call: Call, request: Request) -> Answer:
    """Take a heartbeat."""
    if not call.allowed(Operation.READ, Resource.GROUP, request["GroupId"]):
        return {"ErrorCode": Error.GROUP_AUTHORIZATION_FAILED}
    try:
        check_member_id(request["MemberId"])
        names = request["SubscribedTopicNames"] or ()
        if not all(call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic) for topic in names):
            return {"ErrorCode": Error.TOPIC_AUTHORIZATION_FAILED}
        _check(request)
        call.cluster.groups.check_coordinator(call, request["GroupId"])
        return _leave(call, request) if request["MemberEpoch"] == LEAVING else _beat(call, request)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}


def _check(request: Request) -> None:
    """Refuse what no group could take (throwIfShareGroupHeartbeatRequestIsInvalid). Raises KafkaError INVALID_REQUEST."""
    for field in ("MemberId", "GroupId", "RackId"):
        if request[field] is not None and not request[field].strip():
            raise KafkaError(Error.INVALID_REQUEST, f"{field} can't be empty.")
    if request["MemberEpoch"] == JOINING:
        if not request["SubscribedTopicNames"]:
            raise KafkaError(Error.INVALID_REQUEST, "SubscribedTopicNames must be set in first request.")
    elif request["MemberEpoch"] < LEAVING:
        raise KafkaError(Error.INVALID_REQUEST, "MemberEpoch is invalid.")


def _beat(call: Call, request: Request) -> Response:
    group_id = request["GroupId"]
    groups = call.cluster.groups
    group = groups.get(group_id)
    if group is None:
        if request["MemberEpoch"] != JOINING:
            raise KafkaError(Error.GROUP_ID_NOT_FOUND, f"Share group {group_id} not found.")
        group = groups.add(ShareGroup(call.cluster, group_id))
    return share_group(group, group_id).beat(request, call.client_id or "", f"/{call.peer.host}", call.now_ms)


def _leave(call: Call, request: Request) -> Response:
    return share_group(call.cluster.groups.get(request["GroupId"]), request["GroupId"]).depart(request)


def share_group(group: object, group_id: str) -> ShareGroup:
    """Tell that a group is a share group. Raises KafkaError GROUP_ID_NOT_FOUND."""
    if isinstance(group, ShareGroup):
        return group
    words = f"Group {group_id} not found." if group is None else f"Group {group_id} is not a share group."
    raise KafkaError(Error.GROUP_ID_NOT_FOUND, words)
