"""DescribeAcls (key 29): the access rules that a filter means, by the resources that they are about.

Versions 1-3. Needs DESCRIBE on the cluster. SECURITY_DISABLED without an authorizer. A filter with UNKNOWN in it closes the
connection, one with codes from after our time means no rule; both as on Kafka.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, read_filter
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.kafka.acls import Acl
    from services.kafka.api.base import Answer, Call, Request


@api(29, "DescribeAcls", versions=(1, 3))
def describe_acls(call: Call, request: Request) -> Answer:
    """List rules."""
    wanted = read_filter(request)
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        error = Error.CLUSTER_AUTHORIZATION_FAILED
        return {"ErrorCode": error, "ErrorMessage": error.message}
    acls = call.cluster.acls
    if not acls.enabled:
        return {"ErrorCode": Error.SECURITY_DISABLED, "ErrorMessage": "No Authorizer is configured on the broker"}
    return {"ErrorMessage": None, "Resources": _by_resource(acls.find(wanted))}


def _by_resource(acls: Iterable[Acl]) -> list[dict[str, Any]]:
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for acl in acls:
        told = found.setdefault(
            (acl.resource, acl.name, acl.pattern),
            {"ResourceType": acl.resource, "ResourceName": acl.name, "PatternType": acl.pattern, "Acls": []},
        )
        told["Acls"].append(
            {
                "Principal": acl.principal,
                "Host": acl.host,
                "Operation": acl.operation,
                "PermissionType": acl.permission,
            }
        )
    return list(found.values())
