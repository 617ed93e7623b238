"""CreateAcls (key 30): new access rules.

Versions 1-3. Needs ALTER on the cluster. SECURITY_DISABLED without an authorizer. Each rule is judged by itself; one that is there
already is made again without an error. More than 10,000 new ones in a request are POLICY_VIOLATION, and none is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, check_new, read_acl
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import ACL_CHANGES_MAX

if TYPE_CHECKING:
    from services.kafka.acls import Acl
    from services.kafka.api.base import Answer, Call, Request


@api(30, "CreateAcls", versions=(1, 3))
def create_acls(call: Call, request: Request) -> Answer:
    """Make rules."""
    asked = [read_acl(creation) for creation in request["Creations"]]
    acls = call.cluster.acls
    if not call.allowed_on_cluster(Operation.ALTER):
        return {"Results": [_result(KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED))] * len(asked)}
    if not acls.enabled:
        return {"Results": [_result(_disabled())] * len(asked)}
    errors = [_check(acl) for acl in asked]
    new = {acl for acl, error in zip(asked, errors, strict=True) if error is None and acl not in acls}
    if len(new) > ACL_CHANGES_MAX:
        errors = [error or _too_many() for error in errors]
    for acl, error in zip(asked, errors, strict=True):
        if error is None:
            acls.add(acl)
    return {"Results": [_result(error) for error in errors]}


def _check(acl: Acl) -> KafkaError | None:
    try:
        check_new(acl)
    except KafkaError as error:
        return error
    return None


def _disabled() -> KafkaError:
    return KafkaError(Error.SECURITY_DISABLED, "No Authorizer is configured.")


def _too_many() -> KafkaError:
    return KafkaError(Error.POLICY_VIOLATION, "Unable to perform excessively large batch operation.")


def _result(error: KafkaError | None) -> dict[str, Any]:
    if error is None:
        return {"ErrorMessage": None}
    return {"ErrorCode": error.error, "ErrorMessage": error.message}
