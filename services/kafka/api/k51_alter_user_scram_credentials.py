"""AlterUserScramCredentials (key 51): SCRAM credentials stored and deleted.

Version 0. Needs ALTER on the cluster. Per user all or nothing: a user who is named twice is DUPLICATE_RESOURCE and keeps what he has,
also where the two are about different mechanisms (ScramControlManager.alterCredentials).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import SCRAM_ITERATIONS_MAX, SCRAM_ITERATIONS_MIN
from services.kafka.scram import Mechanism, credential_of_salted

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.users import Users

Change = dict[str, Any]


@api(51, "AlterUserScramCredentials", versions=(0, 0))
def alter_user_scram_credentials(call: Call, request: Request) -> Answer:
    """Store and delete credentials."""
    users, deletions, upsertions = call.cluster.users, request["Deletions"], request["Upsertions"]
    if not call.allowed_on_cluster(Operation.ALTER):
        error = KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED)
        names = {change["Name"] for change in (*deletions, *upsertions)}
        return {"Results": [_result(name, error) for name in sorted(names)]}
    sound: dict[str, tuple[Callable[[Users, Change], None], Change]] = {}
    errors: dict[str, KafkaError] = {}
    for change in deletions:
        _judge(change, _delete, _check_deletion(users, change), sound, errors)
    for change in upsertions:
        _judge(change, _store, _check_upsertion(change), sound, errors)
    for apply, change in sound.values():
        apply(users, change)
    return {
        "Results": [
            *(_result(name, None) for name in sound),
            *(_result(name, error) for name, error in errors.items()),
        ]
    }


def _judge(
    change: Change,
    apply: Callable[[Users, Change], None],
    error: KafkaError | None,
    sound: dict[str, tuple[Callable[[Users, Change], None], Change]],
    errors: dict[str, KafkaError],
) -> None:
    """Put a change with those that will be made, or its user with those that nothing is done to."""
    name = change["Name"]
    if name in errors:
        return
    if sound.pop(name, None) is not None:
        error = KafkaError(Error.DUPLICATE_RESOURCE, "A user credential cannot be altered twice in the same request")
    if error is not None:
        errors[name] = error
    else:
        sound[name] = (apply, change)


def _check_deletion(users: Users, change: Change) -> KafkaError | None:
    error = _check_name(change)
    if error is None and change["Mechanism"] not in users.iterations(change["Name"]):
        error = KafkaError(Error.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist")
    return error


def _check_upsertion(change: Change) -> KafkaError | None:
    error = _check_name(change)
    if error is not None:
        return error
    if change["Iterations"] < SCRAM_ITERATIONS_MIN:
        return KafkaError(Error.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
    if change["Iterations"] > SCRAM_ITERATIONS_MAX:
        return KafkaError(Error.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
    if not change["SaltedPassword"]:  # Java makes no key of nothing
        return KafkaError(Error.UNKNOWN_SERVER_ERROR)
    return None


def _check_name(change: Change) -> KafkaError | None:
    if not change["Name"]:
        return KafkaError(Error.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if change["Mechanism"] not in list(Mechanism):
        return KafkaError(Error.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
    return None


def _delete(users: Users, change: Change) -> None:
    users.store(Mechanism(change["Mechanism"]), change["Name"], None)


def _store(users: Users, change: Change) -> None:
    mechanism = Mechanism(change["Mechanism"])
    salted, salt = bytes(change["SaltedPassword"]), bytes(change["Salt"])
    users.store(mechanism, change["Name"], credential_of_salted(mechanism, salted, salt, change["Iterations"]))


def _result(name: str, error: KafkaError | None) -> dict[str, Any]:
    if error is None:
        return {"User": name, "ErrorMessage": None}
    if error.error is Error.UNKNOWN_SERVER_ERROR:  # Kafka says nothing of what went wrong inside
        return {"User": name, "ErrorCode": error.error, "ErrorMessage": None}
    return {"User": name, "ErrorCode": error.error, "ErrorMessage": error.message}
