"""CreatePartitions (key 37): adds empty partitions to topics; there can never be fewer than there are.

Versions 0-3. Brokers that a client assigns by hand are checked, but who leads is decided here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.placement import PARTITIONS_MAX, check_assignment

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(37, "CreatePartitions", versions=(0, 3))
def create_partitions(call: Call, request: Request) -> Answer:
    """Add partitions to topics."""
    counts = Counter(wanted["Name"] for wanted in request["Topics"])
    repeated = {name for name, count in counts.items() if count > 1}
    results = [_result(name, KafkaError(Error.INVALID_REQUEST, "Duplicate topic name.")) for name in sorted(repeated)]
    for wanted in request["Topics"]:
        name = wanted["Name"]
        if name in repeated:
            continue
        try:
            _add(call, wanted, validate_only=request["ValidateOnly"])
            results.append(_result(name, None))
        except KafkaError as error:
            results.append(_result(name, error))
    return {"Results": results}


def _result(name: str, error: KafkaError | None) -> dict[str, Any]:
    if error is None:
        return {"Name": name, "ErrorCode": Error.NONE, "ErrorMessage": None}
    return {"Name": name, "ErrorCode": error.error, "ErrorMessage": error.message}


def _add(call: Call, wanted: dict[str, Any], *, validate_only: bool) -> None:
    """Add partitions to one topic. Raises KafkaError."""
    name, count = wanted["Name"], wanted["Count"]
    if not call.allowed(Operation.ALTER, Resource.TOPIC, name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    topic = call.cluster.topics.get(name)
    if topic is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
    now = len(topic.partitions)
    if count == now:
        raise KafkaError(Error.INVALID_PARTITIONS, f"Topic already has {now} partition(s).")
    if count < now:
        raise KafkaError(
            Error.INVALID_PARTITIONS,
            f"The topic {name} currently has {now} partition(s); {count} would not be an increase.",
        )
    assignments = wanted["Assignments"]
    if assignments is not None and len(assignments) != count - now:
        raise KafkaError(
            Error.INVALID_REPLICA_ASSIGNMENT,
            f"Attempted to add {count - now} additional partition(s), but only {len(assignments)} assignment(s) were specified.",
        )
    if count - now > PARTITIONS_MAX:
        raise KafkaError(Error.POLICY_VIOLATION, "Excessively large number of partitions per request.")
    for assignment in assignments or ():
        check_assignment(call.cluster, assignment["BrokerIds"], topic.replication_factor)
    if not validate_only:
        call.cluster.topics.add_partitions(topic, count)
