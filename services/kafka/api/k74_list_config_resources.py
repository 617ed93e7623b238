"""ListConfigResources (key 74): names what has configs. It was ListClientMetricsResources before it could do more (KIP-1142).

Versions 0-1; version 0 lists client metrics only. Groups and client metrics are listed once something is set on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.configs import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

SUPPORTED = (GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC)
"""In the order in which Kafka lists them."""


@api(74, "ListConfigResources", versions=(0, 1))
def list_config_resources(call: Call, request: Request) -> Answer:
    """Name resources that have configs."""
    if not call.allowed_on_cluster(Operation.DESCRIBE_CONFIGS):
        return {"ErrorCode": Error.CLUSTER_AUTHORIZATION_FAILED, "ConfigResources": []}
    supported = (CLIENT_METRICS,) if call.version == 0 else SUPPORTED
    asked = request["ResourceTypes"] or supported
    if any(kind not in supported for kind in asked):
        return {"ErrorCode": Error.UNSUPPORTED_VERSION, "ConfigResources": []}
    return {
        "ErrorCode": Error.NONE,
        "ConfigResources": [
            {"ResourceName": name, "ResourceType": kind}
            for kind in SUPPORTED
            if kind in asked
            for name in _names(call, kind)
        ],
    }


def _names(call: Call, kind: int) -> list[str]:
    if kind == TOPIC:
        return sorted(topic.name for topic in call.cluster.topics)
    if kind in (BROKER, BROKER_LOGGER):
        return [str(node.node_id) for node in call.cluster.nodes]
    return call.cluster.configs.names_of(kind)
