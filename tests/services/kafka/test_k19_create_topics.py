"""CreateTopics (key 19): names, counts, assignments and configs are judged as Apache Kafka 4.3 judges them, each topic on its own.

The words were taken from a running Apache Kafka 4.3.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from services.kafka.state import Node
from tests.support.kafka_broker import Client, KafkaHarness


def topic(
    name: str,
    partitions: int = 1,
    replicas: int = 1,
    configs: dict[str, str | None] | None = None,
    assignments: list[tuple[int, list[int]]] | None = None,
) -> dict[str, Any]:
    return {
        "Name": name,
        "NumPartitions": partitions,
        "ReplicationFactor": replicas,
        "Configs": [{"Name": key, "Value": value} for key, value in (configs or {}).items()],
        "Assignments": [{"PartitionIndex": index, "BrokerIds": brokers} for index, brokers in assignments or []],
    }


def create(client: Client, *topics: dict[str, Any], validate_only: bool = False, version: int = 7) -> Any:
    request = {"Topics": list(topics), "timeoutMs": 1000, "validateOnly": validate_only}
    made = client.ask("CreateTopics", request, version=version)["Topics"]
    return made[0] if len(topics) == 1 else made


def refused(client: Client, wanted: dict[str, Any]) -> tuple[int, str]:
    answer = create(client, wanted)
    return answer["ErrorCode"], answer["ErrorMessage"]


@pytest.mark.parametrize("version", range(2, 8))
def test_a_topic_is_there_when_the_answer_is(kafka: KafkaHarness, client: Client, version: int) -> None:
    answer = create(client, topic("orders", 3), version=version)
    assert (answer["Name"], answer["ErrorCode"], answer["ErrorMessage"]) == ("orders", 0, None)
    made = kafka.cluster.topics.get("orders")
    assert made is not None
    assert (len(made.partitions), made.replication_factor) == (3, 1)


def test_version_7_tells_the_id(kafka: KafkaHarness, client: Client) -> None:
    answer = create(client, topic("orders"))
    made = kafka.cluster.topics.by_id(answer["TopicId"])
    assert made is not None
    assert made.name == "orders"


@pytest.mark.parametrize("version", [5, 6, 7])
def test_version_5_on_tells_counts_and_configs(client: Client, version: int) -> None:
    answer = create(client, topic("orders", 2, configs={"retention.ms": "5000"}), version=version)
    assert (answer["NumPartitions"], answer["ReplicationFactor"], answer["TopicConfigErrorCode"]) == (2, 1, 0)
    configs = {config["Name"]: config for config in answer["Configs"]}
    assert list(configs) == sorted(configs)
    assert len(configs) == 33
    assert (configs["retention.ms"]["Value"], configs["retention.ms"]["ConfigSource"]) == ("5000", 1)
    assert (configs["cleanup.policy"]["Value"], configs["cleanup.policy"]["ConfigSource"]) == ("delete", 5)


def test_configs_are_an_array_even_when_the_topic_is_refused(client: Client) -> None:
    assert create(client, topic(""))["Configs"] == []


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "ä", "x/y", "n" * 250])
def test_a_bad_name_is_invalid(client: Client, name: str) -> None:
    assert create(client, topic(name))["ErrorCode"] == Error.INVALID_TOPIC_EXCEPTION


def test_the_longest_name_is_fine(client: Client) -> None:
    assert create(client, topic("n" * 249))["ErrorCode"] == 0


def test_a_topic_that_is_there_cannot_be_made_again(client: Client) -> None:
    create(client, topic("orders"))
    assert refused(client, topic("orders")) == (Error.TOPIC_ALREADY_EXISTS, "Topic 'orders' already exists.")


def test_names_that_differ_in_dots_and_underscores_only_collide(client: Client) -> None:
    create(client, topic("a.b"))
    assert refused(client, topic("a_b")) == (17, "Topic 'a_b' collides with existing topic: a.b")


def test_a_name_given_twice_is_refused_once_for_both(kafka: KafkaHarness, client: Client) -> None:
    answers = create(client, topic("twice"), topic("once"), topic("twice"))
    assert [(answer["Name"], answer["ErrorCode"], answer["ErrorMessage"]) for answer in answers] == [
        ("once", 0, None),
        ("twice", Error.INVALID_REQUEST, "Duplicate topic name."),
    ]
    assert kafka.cluster.topics.get("twice") is None


def test_one_bad_topic_does_not_hinder_another(client: Client) -> None:
    answers = create(client, topic("bad", 0), topic("good"))
    assert [answer["ErrorCode"] for answer in answers] == [Error.INVALID_PARTITIONS, 0]


def test_minus_one_takes_the_brokers_defaults(client: Client) -> None:
    answer = create(client, topic("orders", -1, -1))
    assert (answer["ErrorCode"], answer["NumPartitions"], answer["ReplicationFactor"]) == (0, 1, 1)


@pytest.mark.parametrize("count", [0, -2])
def test_there_must_be_a_partition(client: Client, count: int) -> None:
    words = "Number of partitions was set to an invalid non-positive value."
    assert refused(client, topic("orders", count)) == (Error.INVALID_PARTITIONS, words)


@pytest.mark.parametrize("factor", [0, -2])
def test_there_must_be_a_replica(client: Client, factor: int) -> None:
    words = "Replication factor must be larger than 0, or -1 to use the default value."
    assert refused(client, topic("orders", 1, factor)) == (Error.INVALID_REPLICATION_FACTOR, words)


def test_more_replicas_than_brokers_are_refused_with_what_to_do(client: Client) -> None:
    code, words = refused(client, topic("orders", 1, 3))
    assert code == Error.INVALID_REPLICATION_FACTOR
    assert words.startswith("Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be")
    assert "--kafka-brokers 3" in words
    assert "--kafka-any-replication 1" in words


def test_the_lenient_mode_takes_any_replication_factor(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_any_replication=True).connect()
    answer = create(client, topic("orders", 1, 3))
    assert (answer["ErrorCode"], answer["ReplicationFactor"]) == (0, 3)


def test_more_than_10000_partitions_are_too_many_for_a_request(client: Client) -> None:
    answers = create(client, topic("a", 6000), topic("b", 4001))
    assert [(answer["ErrorCode"], answer["ErrorMessage"]) for answer in answers] == [
        (Error.POLICY_VIOLATION, "Excessively large number of partitions per request.")
    ] * 2


def test_brokers_may_be_assigned_by_hand(client: Client) -> None:
    answer = create(client, topic("orders", -1, -1, assignments=[(0, [1]), (1, [1])]))
    assert (answer["ErrorCode"], answer["NumPartitions"], answer["ReplicationFactor"]) == (0, 2, 1)


@pytest.mark.parametrize(
    ("assignments", "words"),
    [
        ([(0, [1]), (0, [1])], "Found multiple manual partition assignments for partition 0"),
        ([(1, [1])], "partitions should be a consecutive 0-based integer sequence"),
        ([(0, [])], "The manual partition assignment includes an empty replica list."),
        ([(0, [1, 1])], "The manual partition assignment includes the broker 1 more than once."),
        ([(0, [7])], "The manual partition assignment includes broker 7, but no such broker is registered."),
    ],
)
def test_a_bad_assignment_is_refused(client: Client, assignments: list[tuple[int, list[int]]], words: str) -> None:
    found = refused(client, topic("orders", -1, -1, assignments=assignments))
    assert found == (Error.INVALID_REPLICA_ASSIGNMENT, words)


def test_assignments_must_have_as_many_brokers_each(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_brokers=2, kafka_any_replication=True).connect()
    assert refused(client, topic("orders", -1, -1, assignments=[(0, [1, 2]), (1, [1])])) == (
        Error.INVALID_REPLICA_ASSIGNMENT,
        (
            "The manual partition assignment includes a partition with 1 replica(s), but this is not consistent with previous "
            "partitions, which have 2 replica(s)."
        ),
    )


def test_as_many_replicas_as_brokers_are_fine(kafka: KafkaHarness, client: Client) -> None:
    kafka.cluster.nodes.append(Node(2, 9093))
    assert create(client, topic("orders", 1, 2))["ErrorCode"] == 0
    assert create(client, topic("assigned", -1, -1, assignments=[(0, [2, 1])]))["ReplicationFactor"] == 2
    assert create(client, topic("more", 1, 3))["ErrorCode"] == Error.INVALID_REPLICATION_FACTOR


@pytest.mark.parametrize(
    ("partitions", "factor", "named"), [(1, -1, "numPartitions was"), (-1, 1, "replication factor was")]
)
def test_an_assignment_forbids_counts(client: Client, partitions: int, factor: int, named: str) -> None:
    code, words = refused(client, topic("orders", partitions, factor, assignments=[(0, [1])]))
    assert (code, words) == (42, f"A manual partition assignment was specified, but {named} not set to -1.")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("foo", "1", "Unknown topic config name: foo"),
        ("retention.ms", "x", "Invalid value x for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
        ("retention.ms", None, "Null value not supported for topic configs: retention.ms"),
        (
            "cleanup.policy",
            "zap",
            "Invalid value zap for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        ("cleanup.policy", "compact,,delete", "Configuration 'cleanup.policy' values must not be empty."),
        (
            "compression.gzip.level",
            "11",
            "Invalid value 11 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        (
            "preallocate",
            "yes",
            "Invalid value yes for configuration preallocate: Expected value to be either true or false",
        ),
        (
            "compression.type",
            "GZIP",
            (
                "Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, "
                "gzip, producer"
            ),
        ),
        ("segment.bytes", "100", "Invalid value 100 for configuration segment.bytes: Value must be at least 1048576"),
        (
            "segment.bytes",
            "99999999999",
            "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT",
        ),
        (
            "remote.storage.enable",
            "true",
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ),
        (
            "leader.replication.throttled.replicas",
            "a:b",
            (
                "Invalid value [a:b] for configuration leader.replication.throttled.replicas: "
                "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: "
                "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
            ),
        ),
    ],
)
def test_a_bad_config_is_refused_in_kafkas_words(client: Client, name: str, value: str | None, words: str) -> None:
    assert refused(client, topic("orders", configs={name: value})) == (Error.INVALID_CONFIG, words)


def test_configs_are_held_against_each_other(client: Client) -> None:
    configs: dict[str, str | None] = {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}
    words = "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"
    assert refused(client, topic("orders", configs=configs)) == (Error.INVALID_CONFIG, words)


@pytest.mark.parametrize("policy", ["", "compact, delete", "compact,compact"])
def test_policies_are_a_list(client: Client, policy: str) -> None:
    assert create(client, topic("orders", configs={"cleanup.policy": policy}))["ErrorCode"] == 0


def test_validate_only_makes_nothing(kafka: KafkaHarness, client: Client) -> None:
    answer = create(client, topic("orders", 2), validate_only=True)
    assert (answer["ErrorCode"], answer["NumPartitions"]) == (0, 2)
    assert kafka.cluster.topics.get("orders") is None


def test_the_metadata_topic_cannot_be_made(client: Client) -> None:
    words = "Creation of internal topic __cluster_metadata is prohibited."
    assert refused(client, topic("__cluster_metadata")) == (Error.INVALID_REQUEST, words)


def test_who_may_not_create_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_authorizer=True).connect()
    assert refused(client, topic("orders")) == (Error.TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")
