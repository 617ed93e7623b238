"""ShareGroupDescribe (key 77, KIP-932): share groups with their members and what these read.

Version 1. See group_descriptions.py for what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.api.group_descriptions import described
from services.kafka.api.k76_share_group_heartbeat import share_group

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(77, "ShareGroupDescribe", versions=(1, 1))
def share_group_describe(call: Call, request: Request) -> Answer:
    """Describe share groups."""
    groups = call.cluster.groups
    return described(call, request, lambda group_id: share_group(groups.get(group_id), group_id).describe())
