"""ConsumerGroupDescribe (key 69, KIP-848): consumer groups with their members, what these have and what they are to have.

Versions 0-1. 1+: whether a member speaks the classic protocol (none does here). See group_descriptions.py for what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.api.group_descriptions import described
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.consumer import ConsumerGroup

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response


@api(69, "ConsumerGroupDescribe", versions=(0, 1))
def consumer_group_describe(call: Call, request: Request) -> Answer:
    """Describe consumer groups."""

    def describe(group_id: str) -> Response:
        group = call.cluster.groups.get(group_id)
        if not isinstance(group, ConsumerGroup):
            words = f"Group {group_id} not found." if group is None else f"Group {group_id} is not a consumer group."
            raise KafkaError(Error.GROUP_ID_NOT_FOUND, words)
        return group.describe()

    return described(call, request, describe)
