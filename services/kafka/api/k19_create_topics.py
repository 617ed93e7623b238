"""CreateTopics (key 19): makes topics, all brokers at once.

Versions 2-7. Each topic is judged on its own. Version 5 on answers the counts and all configs that hold: ALWAYS an array, for the Java
client's admin trips over null, which Kafka's description would allow. Brokers that a client assigns by hand are checked, but who leads is
decided here. A replication factor above the number of brokers is refused (38) unless `--kafka-any-replication` is on. There is no policy,
and the timeout does not matter: the topic is there when the answer is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.config_describe import NONE_ASKED, describe_topic
from services.kafka.errors import Error, KafkaError
from services.kafka.placement import PARTITIONS_MAX, check_assignment, check_replication_factor

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

Wanted = dict[str, Any]
DEFAULT = -1
SHOWN = ("Name", "Value", "ReadOnly", "ConfigSource", "IsSensitive")
"""What this API shows of a config."""
METADATA_TOPIC = "__cluster_metadata"


_SHOWN = frozenset({"Name", "Value", "ReadOnly", "ConfigSource", "IsSensitive"})
"""What this answer has of a config; DescribeConfigs has more."""


@api(19, "CreateTopics", versions=(2, 7))
def create_topics(call: Call, request: Request) -> Answer:
    """Make topics."""
    wanted = request["Topics"]
    counts = Counter(topic["Name"] for topic in wanted)
    repeated = {name for name, count in counts.items() if count > 1}
    try:
        _check_size(call, [topic for topic in wanted if topic["Name"] not in repeated])
    except KafkaError as error:
        return {"Topics": [_refused(topic, error) for topic in wanted]}
    answers = [
        _answer(call, topic, validate_only=request["validateOnly"]) for topic in wanted if topic["Name"] not in repeated
    ]
    twice = KafkaError(Error.INVALID_REQUEST, "Duplicate topic name.")
    return {"Topics": answers + [_refused({"Name": name}, twice) for name in sorted(repeated)]}


def _check_size(call: Call, wanted: list[Wanted]) -> None:
    total = 0
    for topic in wanted:
        count = topic["NumPartitions"]
        total += len(topic["Assignments"]) or (
            call.cluster.configs.num_partitions if count == DEFAULT else max(0, count)
        )
    if total > PARTITIONS_MAX:
        raise KafkaError(Error.POLICY_VIOLATION, "Excessively large number of partitions per request.")


def _refused(topic: Wanted, error: KafkaError) -> dict[str, Any]:
    return {"Name": topic["Name"], "ErrorCode": error.error, "ErrorMessage": error.message, "Configs": []}


def _answer(call: Call, topic: Wanted, *, validate_only: bool) -> dict[str, Any]:
    try:
        _check_allowed(call, topic["Name"])
        return _create(call, topic, validate_only=validate_only)
    except KafkaError as error:
        return _refused(topic, error)


def _check_allowed(call: Call, name: str) -> None:
    if name == METADATA_TOPIC:
        raise KafkaError(Error.INVALID_REQUEST, f"Creation of internal topic {METADATA_TOPIC} is prohibited.")
    if not (call.allowed_on_cluster(Operation.CREATE) or call.allowed(Operation.CREATE, Resource.TOPIC, name)):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")


def _create(call: Call, topic: Wanted, *, validate_only: bool) -> dict[str, Any]:
    cluster, name = call.cluster, topic["Name"]
    cluster.topics.check_new(name)
    overrides = _overrides(topic)
    cluster.configs.check_topic(overrides)
    partitions, factor = _counts(call, topic)
    if validate_only:
        topic_id = cluster.new_uuid()
    else:
        internal = cluster.is_internal(name)
        topic_id = cluster.topics.create(name, partitions, factor, overrides, internal=internal).topic_id
    answer: dict[str, Any] = {"Name": name, "TopicId": topic_id, "ErrorCode": Error.NONE, "ErrorMessage": None}
    if not call.allowed(Operation.DESCRIBE_CONFIGS, Resource.TOPIC, name):
        return answer | {"TopicConfigErrorCode": Error.TOPIC_AUTHORIZATION_FAILED, "Configs": []}
    configs = describe_topic(cluster.configs, overrides, call.peer.node_id, NONE_ASKED)
    shown = [{name: value for name, value in config.items() if name in _SHOWN} for config in configs]
    return answer | {"NumPartitions": partitions, "ReplicationFactor": factor, "Configs": shown}


def _overrides(topic: Wanted) -> dict[str, str]:
    nulls = [config["Name"] for config in topic["Configs"] if config["Value"] is None]
    if nulls:
        raise KafkaError(Error.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(nulls)}")
    return {config["Name"]: config["Value"] for config in topic["Configs"]}


def _counts(call: Call, topic: Wanted) -> tuple[int, int]:
    """Tell how many partitions and replicas a topic is to have. Raises KafkaError."""
    partitions, factor = topic["NumPartitions"], topic["ReplicationFactor"]
    if topic["Assignments"]:
        return _assigned(call, topic)
    if factor == 0 or factor < DEFAULT:
        raise KafkaError(
            Error.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if partitions == 0 or partitions < DEFAULT:
        raise KafkaError(Error.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.")
    configs = call.cluster.configs
    partitions = configs.num_partitions if partitions == DEFAULT else partitions
    factor = configs.default_replication_factor if factor == DEFAULT else factor
    check_replication_factor(call.cluster, factor)
    return partitions, factor


def _assigned(call: Call, topic: Wanted) -> tuple[int, int]:
    """Tell the counts of a topic whose brokers the client has chosen. Raises KafkaError."""
    if topic["ReplicationFactor"] != DEFAULT:
        raise KafkaError(
            Error.INVALID_REQUEST,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        )
    if topic["NumPartitions"] != DEFAULT:
        raise KafkaError(
            Error.INVALID_REQUEST, "A manual partition assignment was specified, but numPartitions was not set to -1."
        )
    factor: int | None = None
    seen: set[int] = set()
    for assignment in topic["Assignments"]:
        index = assignment["PartitionIndex"]
        if index in seen:
            raise KafkaError(
                Error.INVALID_REPLICA_ASSIGNMENT,
                f"Found multiple manual partition assignments for partition {index}",
            )
        check_assignment(call.cluster, assignment["BrokerIds"], factor)
        factor = len(assignment["BrokerIds"])
        seen.add(index)
    if seen != set(range(len(seen))):
        raise KafkaError(
            Error.INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence"
        )
    return len(seen), factor or 1
