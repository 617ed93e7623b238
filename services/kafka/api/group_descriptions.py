"""What the descriptions of groups with members on the server's side have in common: consumer groups (key 69), share groups (key 77)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.k15_describe_groups import authorized_operations
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Call, Request, Response

    Describe = Callable[[str], Response]


def described(call: Call, request: Request, describe: Describe) -> Response:
    """Describe groups: those that the caller may not see come first. `describe` raises KafkaError GROUP_ID_NOT_FOUND for a group that does
    not exist or is of another kind; one that reads a topic which the caller may not describe: TOPIC_AUTHORIZATION_FAILED, no members.
    """
    refused: list[Response] = []
    seen: list[Response] = []
    for group_id in request["GroupIds"]:
        if not call.allowed(Operation.DESCRIBE, Resource.GROUP, group_id):
            refused.append({"GroupId": group_id, "ErrorCode": Error.GROUP_AUTHORIZATION_FAILED})
        else:
            seen.append(_one(call, group_id, describe, with_operations=request["IncludeAuthorizedOperations"]))
    return {"Groups": refused + seen}


def _one(call: Call, group_id: str, describe: Describe, *, with_operations: bool) -> Response:
    try:
        call.cluster.groups.check_coordinator(call, group_id)
        shown = describe(group_id)
    except KafkaError as error:
        words = error.message if error.error is Error.GROUP_ID_NOT_FOUND else None
        return {"GroupId": group_id, "ErrorCode": error.error, "ErrorMessage": words}
    if not all(call.allowed(Operation.DESCRIBE, Resource.TOPIC, topic) for topic in _topics(shown)):
        return {
            "GroupId": group_id,
            "ErrorCode": Error.TOPIC_AUTHORIZATION_FAILED,
            "ErrorMessage": "The group has described topic(s) that the client is not authorized to describe.",
        }
    if with_operations:
        shown["AuthorizedOperations"] = authorized_operations(call, group_id)
    return shown


def _topics(shown: Response) -> set[str]:
    """Tell all topics that the answer would show."""
    return {
        topic["TopicName"]
        for member in shown["Members"]
        for kind in ("Assignment", "TargetAssignment")
        for topic in member.get(kind, {}).get("TopicPartitions", ())
    }
