"""DescribeUserScramCredentials (key 50): who can log in by SCRAM, with how many iterations; never what with.

Version 0. Needs DESCRIBE on the cluster. No names mean everybody. Users from the settings are told too: they can log in by SCRAM.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.users import Users


@api(50, "DescribeUserScramCredentials", versions=(0, 0))
def describe_user_scram_credentials(call: Call, request: Request) -> Answer:
    """Describe credentials."""
    if not call.allowed_on_cluster(Operation.DESCRIBE):
        error = Error.CLUSTER_AUTHORIZATION_FAILED
        return {"ErrorCode": error, "ErrorMessage": error.message}
    users = call.cluster.users
    asked = Counter(user["Name"] for user in request["Users"] or ())
    if not asked:
        asked.update(users.names())
    return {"ErrorMessage": None, "Results": [_result(users, name, times) for name, times in asked.items()]}


def _result(users: Users, name: str, times: int) -> dict[str, Any]:
    if times > 1:
        words = f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
        return {"User": name, "ErrorCode": Error.DUPLICATE_RESOURCE, "ErrorMessage": words}
    found = users.iterations(name)
    if not found:
        words = f"Attempt to describe a user credential that does not exist: {name}"
        return {"User": name, "ErrorCode": Error.RESOURCE_NOT_FOUND, "ErrorMessage": words}
    infos = [{"Mechanism": mechanism, "Iterations": iterations} for mechanism, iterations in found.items()]
    return {"User": name, "ErrorMessage": None, "CredentialInfos": infos}
