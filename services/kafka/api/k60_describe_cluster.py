"""DescribeCluster (key 60): the cluster's id, its brokers by the address that this client dialled, and the controller.

Versions 0-2. Only the brokers' endpoint is here (1); who takes it for a controller's is told so (114). No broker is ever fenced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

BROKERS, CONTROLLERS = 1, 2
NOT_ASKED = -(1 << 31)


@api(60, "DescribeCluster", versions=(0, 2))
def describe_cluster(call: Call, request: Request) -> Answer:
    """Describe the cluster."""
    cluster, endpoint = call.cluster, request["EndpointType"]
    if endpoint == CONTROLLERS:
        return {
            "ErrorCode": Error.MISMATCHED_ENDPOINT_TYPE,
            "ErrorMessage": "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
        }
    if endpoint != BROKERS:
        return {
            "ErrorCode": Error.UNSUPPORTED_ENDPOINT_TYPE,
            "ErrorMessage": f"Unsupported endpoint type {endpoint}",
        }
    return {
        "ErrorCode": Error.NONE,
        "ErrorMessage": None,
        "EndpointType": BROKERS,
        "ClusterId": cluster.cluster_id,
        "ControllerId": cluster.nodes[0].node_id,
        "Brokers": [_broker(call, node.node_id) for node in cluster.nodes],
        "ClusterAuthorizedOperations": _operations(call, asked=request["IncludeClusterAuthorizedOperations"]),
    }


def _broker(call: Call, node_id: int) -> dict[str, Any]:
    host, port = call.peer.advertised(node_id)
    return {"BrokerId": node_id, "Host": host, "Port": port, "Rack": None, "IsFenced": False}


def _operations(call: Call, *, asked: bool) -> int:
    """Tell what the caller may do to the cluster, as bits; nothing where it may not even see it."""
    if not asked:
        return NOT_ASKED
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        return 0
    peer = call.peer
    return call.cluster.acls.authorized_operations(peer.principal, peer.host, Resource.CLUSTER, "kafka-cluster")
