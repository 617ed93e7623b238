"""AlterConfigs (key 33): sets the configs of topics, brokers, groups and client metrics; what is not named goes back to its default.

Versions 0-2. Kafka has deprecated it for IncrementalAlterConfigs (key 44).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.api.base import api
from services.kafka.config_alter import alter

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(33, "AlterConfigs", versions=(0, 2))
def alter_configs(call: Call, request: Request) -> Answer:
    """Replace configs."""
    return alter(call, request, _replaced)


def _replaced(resource: dict[str, Any], before: dict[str, str]) -> dict[str, str]:  # noqa: ARG001 - the shape `alter` calls
    return {config["Name"]: config["Value"] for config in resource["Configs"]}
