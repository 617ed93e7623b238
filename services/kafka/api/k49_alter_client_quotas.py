"""AlterClientQuotas (key 49): sets quotas of users, client ids and IP addresses. They are kept, NOT ENFORCED: nobody is throttled.

Versions 0-1. Every entity is judged on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(49, "AlterClientQuotas", versions=(0, 1))
def alter_client_quotas(call: Call, request: Request) -> Answer:
    """Set quotas."""
    return {"Entries": [_alter(call, entry, validate_only=request["ValidateOnly"]) for entry in request["Entries"]]}


def _alter(call: Call, entry: dict[str, Any], *, validate_only: bool) -> dict[str, Any]:
    answer = {"ErrorCode": Error.NONE, "ErrorMessage": None, "Entity": entry["Entity"]}
    if not call.allowed_on_cluster(Operation.ALTER_CONFIGS):
        denied = Error.CLUSTER_AUTHORIZATION_FAILED
        return answer | {"ErrorCode": denied, "ErrorMessage": denied.message}
    try:
        entity, changes = _read(entry)
        call.cluster.configs.quotas.alter(entity, changes, validate_only=validate_only)
    except KafkaError as error:
        return answer | {"ErrorCode": error.error, "ErrorMessage": error.message}
    return answer


def _read(entry: dict[str, Any]) -> tuple[dict[str, str | None], dict[str, float | None]]:
    entity = {part["EntityType"]: part["EntityName"] for part in entry["Entity"]}
    if len(entity) < len(entry["Entity"]):
        raise KafkaError(Error.INVALID_REQUEST, "Invalid client quota entity, duplicate entity entry")
    changes = {change["Key"]: None if change["Remove"] else change["Value"] for change in entry["Ops"]}
    if len(changes) < len(entry["Ops"]):
        shown = ", ".join(f"{of}={name}" for of, name in entity.items())
        raise KafkaError(Error.INVALID_REQUEST, f"Ignoring duplicate entity ClientQuotaEntity(entries={{{shown}}})")
    return entity, changes
