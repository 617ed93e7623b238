"""ConsumerGroupHeartbeat (key 68, KIP-848): a consumer joins a group, stays in it, hears what it is to read, and leaves.

Versions 0-1. 1+: subscriptions by regular expression; the consumer makes its member id itself (in 0 the broker does if it is empty). Member
epoch 0 joins, -1 leaves, -2 is a static member that will be back. A classic group that is empty becomes a consumer group, its offsets stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.consumer import Caller, ConsumerGroup
from services.kafka.groups.consumer_members import JOINING, LEAVING, LEAVING_FOR_NOW
from services.kafka.groups.group import Kind
from services.kafka.groups.settings import ASSIGNORS

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.groups.registry import Groups

_MEMBER_ID_REQUIRED_FROM = 1


@api(68, "ConsumerGroupHeartbeat", versions=(0, 1))
def consumer_group_heartbeat(call: Call, request: Request) -> Answer:
    """Take a heartbeat."""
    if not call.allowed(Operation.READ, Resource.GROUP, request["GroupId"]):
        return {"ErrorCode": Error.GROUP_AUTHORIZATION_FAILED}
    if not all(_may_describe(call, topic) for topic in request["SubscribedTopicNames"] or ()):
        return {"ErrorCode": Error.TOPIC_AUTHORIZATION_FAILED}
    try:
        check(request, call.version)
        groups = call.cluster.groups
        groups.check_coordinator(call, request["GroupId"])
        if request["MemberEpoch"] in (LEAVING, LEAVING_FOR_NOW):
            return _leave(groups, request)
        return _beat(call, groups, request)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}


def check(request: Request, version: int) -> None:
    """Refuse what no group could take (throwIfConsumerGroupHeartbeatRequestIsInvalid).

    Raises KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR.
    """
    epoch = request["MemberEpoch"]
    if version >= _MEMBER_ID_REQUIRED_FROM or epoch > 0 or epoch == LEAVING:
        _check_not_blank(request, "MemberId")
    for field in ("GroupId", "InstanceId", "RackId"):
        _check_not_blank(request, field)
    if epoch == JOINING:
        _check_join(request)
    elif epoch == LEAVING_FOR_NOW:
        if request["InstanceId"] is None:
            raise KafkaError(Error.INVALID_REQUEST, "InstanceId can't be null.")
    elif epoch < LEAVING_FOR_NOW:
        raise KafkaError(Error.INVALID_REQUEST, "MemberEpoch is invalid.")
    wanted = request["ServerAssignor"]
    if wanted is not None and wanted not in ASSIGNORS:
        raise KafkaError(
            Error.UNSUPPORTED_ASSIGNOR,
            f"ServerAssignor {wanted} is not supported. Supported assignors: {', '.join(ASSIGNORS)}.",
        )


def _check_join(request: Request) -> None:
    if request["RebalanceTimeoutMs"] == -1:
        raise KafkaError(Error.INVALID_REQUEST, "RebalanceTimeoutMs must be provided in first request.")
    if request["TopicPartitions"] is None or request["TopicPartitions"]:
        raise KafkaError(Error.INVALID_REQUEST, "TopicPartitions must be empty when (re-)joining.")
    if request["SubscribedTopicNames"] is None and request["SubscribedTopicRegex"] is None:
        raise KafkaError(
            Error.INVALID_REQUEST,
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        )


def _check_not_blank(request: Request, field: str) -> None:
    if request[field] is not None and not request[field].strip():
        raise KafkaError(Error.INVALID_REQUEST, f"{field} can't be empty.")


def _may_describe(call: Call, topic: str) -> bool:
    return call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic)


def _leave(groups: Groups, request: Request) -> Response:
    group_id = request["GroupId"]
    group = groups.get(group_id)
    if group is None:
        raise KafkaError(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} not found.")
    if not isinstance(group, ConsumerGroup):
        raise _wrong_kind(group_id)
    return group.depart(request)


def _beat(call: Call, groups: Groups, request: Request) -> Response:
    group_id = request["GroupId"]
    caller = Caller(call.client_id or "", f"/{call.peer.host}", lambda topic: _may_describe(call, topic))
    group = groups.get(group_id)
    if isinstance(group, ConsumerGroup):
        return group.beat(request, caller, call.now_ms)
    if request["MemberEpoch"] != JOINING:
        raise (
            KafkaError(Error.GROUP_ID_NOT_FOUND, f"Consumer group {group_id} not found.")
            if group is None
            else (_wrong_kind(group_id))
        )
    if group is not None and group.kind is not Kind.CLASSIC:
        raise _wrong_kind(group_id)
    if group is not None and not group.is_empty:
        raise KafkaError(
            Error.GROUP_ID_NOT_FOUND,
            f"Cannot upgrade classic group {group_id} to consumer group because online upgrade is disabled.",
        )
    made = ConsumerGroup(call.cluster, group_id)
    answer = made.beat(request, caller, call.now_ms)
    groups.add(made)
    return answer


def _wrong_kind(group_id: str) -> KafkaError:
    return KafkaError(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")
