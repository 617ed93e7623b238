"""DeleteShareGroupOffsets (key 92, KIP-932): forget what a share group without members knows of topics. Version 0.

It begins with them anew then, where its config share.auto.offset.reset says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.api.k76_share_group_heartbeat import share_group
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.groups.share import ShareGroup


@api(92, "DeleteShareGroupOffsets", versions=(0, 0))
def delete_share_group_offsets(call: Call, request: Request) -> Answer:
    """Forget topics."""
    group_id, groups = request["GroupId"], call.cluster.groups
    try:
        groups.check(call, Operation.DELETE, group_id)
        group = share_group(groups.get(group_id), group_id)
        group.check_delete()
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}
    answers = [_topic(call, group, topic["TopicName"]) for topic in request["Topics"]]
    return {"Responses": answers}


def _topic(call: Call, group: ShareGroup, name: str) -> Response:
    topic = call.cluster.topics.get(name)
    if not call.allowed(Operation.READ, Resource.TOPIC, name):
        error, words = Error.TOPIC_AUTHORIZATION_FAILED, Error.TOPIC_AUTHORIZATION_FAILED.message
    elif topic is None:
        error, words = Error.UNKNOWN_TOPIC_OR_PARTITION, Error.UNKNOWN_TOPIC_OR_PARTITION.message
    elif not group.ledger.forget_topic(topic.topic_id):
        error, words = Error.UNKNOWN_TOPIC_OR_PARTITION, "There is no offset information to delete."
    else:
        return {"TopicName": name, "TopicId": topic.topic_id, "ErrorCode": Error.NONE}
    return {"TopicName": name, "ErrorCode": error, "ErrorMessage": words}
