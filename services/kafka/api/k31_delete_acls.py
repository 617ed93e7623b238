"""DeleteAcls (key 31): access rules taken away by filters.

Versions 1-3. Needs ALTER on the cluster. SECURITY_DISABLED without an authorizer. All filters look at the rules as they are before
the request, so a rule that two of them mean is told twice. More than 10,000 rules in a request are INVALID_REQUEST, and none goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, check_filter, read_filter
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import ACL_CHANGES_MAX

if TYPE_CHECKING:
    from services.kafka.acls import Acl, AclFilter, Acls
    from services.kafka.api.base import Answer, Call, Request


@api(31, "DeleteAcls", versions=(1, 3))
def delete_acls(call: Call, request: Request) -> Answer:
    """Take rules away."""
    filters = [read_filter(fields) for fields in request["Filters"]]
    acls = call.cluster.acls
    if not call.allowed_on_cluster(Operation.ALTER):
        return _all(filters, KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED))
    if not acls.enabled:
        return _all(filters, KafkaError(Error.SECURITY_DISABLED, "No Authorizer is configured."))
    found = [_find(acls, wanted) for wanted in filters]
    gone = {acl for matching in found if not isinstance(matching, KafkaError) for acl in matching}
    if len(gone) > ACL_CHANGES_MAX:
        words = f"Cannot remove more than {ACL_CHANGES_MAX} acls in a single delete operation."
        return _all(filters, KafkaError(Error.INVALID_REQUEST, words))
    acls.remove(gone)
    return {"FilterResults": [_result(matching) for matching in found]}


def _find(acls: Acls, wanted: AclFilter) -> list[Acl] | KafkaError:
    try:
        check_filter(wanted)
    except KafkaError as error:
        return error
    return acls.find(wanted)


def _all(filters: list[AclFilter], error: KafkaError) -> Answer:
    return {"FilterResults": [_result(error)] * len(filters)}


def _result(found: list[Acl] | KafkaError) -> dict[str, Any]:
    if isinstance(found, KafkaError):
        return {"ErrorCode": found.error, "ErrorMessage": found.message}
    return {"ErrorMessage": None, "MatchingAcls": [_told(acl) for acl in found]}


def _told(acl: Acl) -> dict[str, Any]:
    return {
        "ErrorMessage": None,
        "ResourceType": acl.resource,
        "ResourceName": acl.name,
        "PatternType": acl.pattern,
        "Principal": acl.principal,
        "Host": acl.host,
        "Operation": acl.operation,
        "PermissionType": acl.permission,
    }
