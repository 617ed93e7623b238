"""DescribeClientQuotas (key 48): the quotas of users, client ids and IP addresses. They are kept, NOT ENFORCED: nobody is throttled.

Versions 0-1. A component asks for one name (0), for the default (1) or for any name (2) of a type; `Strict` leaves out entities that have
other types as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.quotas import CLIENT_ID, IP, USER

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.quotas import Entity

EXACT, DEFAULT, ANY = 0, 1, 2


@api(48, "DescribeClientQuotas", versions=(0, 1))
def describe_client_quotas(call: Call, request: Request) -> Answer:
    """Show quotas."""
    if not call.allowed_on_cluster(Operation.DESCRIBE_CONFIGS):
        denied = Error.CLUSTER_AUTHORIZATION_FAILED
        return {"ErrorCode": denied, "ErrorMessage": denied.message, "Entries": None}
    try:
        exact, any_name = _components(request["Components"])
    except KafkaError as error:
        return {"ErrorCode": error.error, "ErrorMessage": error.message, "Entries": None}
    entries = [
        _entry(entity, values)
        for entity, values in sorted(call.cluster.configs.quotas.by_entity.items(), key=lambda item: _order(item[0]))
        if _matches(entity, exact, any_name, strict=request["Strict"])
    ]
    return {"ErrorCode": Error.NONE, "ErrorMessage": "", "Entries": entries}


def _components(components: list[dict[str, Any]]) -> tuple[dict[str, str | None], set[str]]:
    """Read what is asked for: names by type, and types of which any name will do. Raises KafkaError."""
    exact: dict[str, str | None] = {}
    any_name: set[str] = set()
    for component in components:
        of, how, name = component["EntityType"], component["MatchType"], component["Match"]
        if not of:
            raise _invalid("Invalid empty entity type.")
        if of in exact or of in any_name:
            raise _invalid(f"Entity type {of} cannot appear more than once in the filter.")
        if of not in (USER, CLIENT_ID, IP):
            raise KafkaError(Error.UNSUPPORTED_VERSION, f"Unsupported entity type {of}")
        if how == EXACT and name is None:
            raise _invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.")
        if how in (DEFAULT, ANY) and name is not None:
            word = "DEFAULT" if how == DEFAULT else "SPECIFIED"
            raise _invalid(f"Request specified MATCH_TYPE_{word}, but also specified a match string.")
        if how not in (EXACT, DEFAULT, ANY):
            raise _invalid(f"Unknown match type {how}")
        if how == ANY:
            any_name.add(of)
        else:
            exact[of] = name
    types = exact.keys() | any_name
    if IP in types and len(types) > 1:
        raise _invalid(
            "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component."
        )
    return exact, any_name


def _invalid(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_REQUEST, message)


def _matches(entity: Entity, exact: dict[str, str | None], any_name: set[str], *, strict: bool) -> bool:
    names = dict(entity)
    if any(of not in names or names[of] != name for of, name in exact.items()):
        return False
    if any(of not in names for of in any_name):
        return False
    return not strict or len(names) == len(exact) + len(any_name)


def _order(entity: Entity) -> list[tuple[str, str]]:
    return sorted((of, name or "") for of, name in entity)


def _entry(entity: Entity, values: dict[str, float]) -> dict[str, Any]:
    return {
        "Entity": [{"EntityType": of, "EntityName": name} for of, name in sorted(entity, key=lambda pair: pair[0])],
        "Values": [{"Key": key, "Value": value} for key, value in sorted(values.items())],
    }
