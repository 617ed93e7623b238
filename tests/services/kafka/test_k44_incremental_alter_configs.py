"""IncrementalAlterConfigs (key 44): single configs of topics, brokers, groups and client metrics.

Codes and words were taken from a running Apache Kafka 4.3.0.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
Change = tuple[str, int, str | None]


def resource(kind: int, name: str, *changes: Change) -> dict[str, Any]:
    configs = [{"Name": key, "ConfigOperation": operation, "Value": value} for key, operation, value in changes]
    return {"ResourceType": kind, "ResourceName": name, "Configs": configs}


def alter(
    client: Client, *resources: dict[str, Any], validate_only: bool = False, version: int = 1
) -> list[tuple[int, str | None]]:
    request = {"Resources": list(resources), "ValidateOnly": validate_only}
    answers = client.ask("IncrementalAlterConfigs", request, version=version)["Responses"]
    return [(answer["ErrorCode"], answer["ErrorMessage"]) for answer in answers]


def overrides(kafka: KafkaHarness, name: str = "orders") -> dict[str, str]:
    topic = kafka.cluster.topics.get(name)
    assert topic is not None
    return topic.overrides


@pytest.fixture
def orders(client: Client) -> Client:
    """A topic that keeps records for 5 s."""
    client.create_topic("orders", retention_ms="5000")
    return client


@pytest.mark.parametrize("version", [0, 1])
def test_a_config_is_set_and_others_stay(kafka: KafkaHarness, orders: Client, version: int) -> None:
    assert alter(orders, resource(TOPIC, "orders", ("segment.ms", SET, "7")), version=version) == [(0, None)]
    assert overrides(kafka) == {"retention.ms": "5000", "segment.ms": "7"}


def test_a_config_holds_at_once(orders: Client) -> None:
    alter(orders, resource(TOPIC, "orders", ("max.message.bytes", SET, "80")))
    assert orders.produce("orders", b"x" * 100)["ErrorCode"] == Error.MESSAGE_TOO_LARGE


def test_a_config_goes_back_to_its_default(kafka: KafkaHarness, orders: Client) -> None:
    assert alter(orders, resource(TOPIC, "orders", ("retention.ms", DELETE, None))) == [(0, None)]
    assert overrides(kafka) == {}


def test_lists_start_from_the_default(kafka: KafkaHarness, orders: Client) -> None:
    alter(orders, resource(TOPIC, "orders", ("cleanup.policy", APPEND, "compact")))
    assert overrides(kafka)["cleanup.policy"] == "delete,compact"
    alter(orders, resource(TOPIC, "orders", ("cleanup.policy", SUBTRACT, "delete")))
    assert overrides(kafka)["cleanup.policy"] == "compact"


def test_what_is_in_a_list_is_not_appended_again(kafka: KafkaHarness, orders: Client) -> None:
    alter(orders, resource(TOPIC, "orders", ("cleanup.policy", APPEND, "delete,compact")))
    assert overrides(kafka)["cleanup.policy"] == "delete,compact"


@pytest.mark.parametrize(("operation", "word"), [(APPEND, "APPEND"), (SUBTRACT, "SUBTRACT")])
@pytest.mark.parametrize("name", ["retention.ms", "foo"])
def test_only_lists_can_be_appended_to(orders: Client, operation: int, word: str, name: str) -> None:
    [found] = alter(orders, resource(TOPIC, "orders", (name, operation, "5")))
    assert found == (Error.INVALID_CONFIG, f"Can't {word} to key {name} because its type is not LIST.")


def test_a_list_cannot_grow_without_end(orders: Client) -> None:
    name = "leader.replication.throttled.replicas"
    first, second = (",".join(f"{number}:1" for number in range(start, start + 3000)) for start in (0, 3000))
    assert alter(orders, resource(TOPIC, "orders", (name, APPEND, first))) == [(0, None)]
    words = "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes."
    assert alter(orders, resource(TOPIC, "orders", (name, APPEND, second))) == [(Error.INVALID_CONFIG, words)]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ([("foo", SET, "1")], 40, "Unknown topic config name: foo"),
        (
            [("retention.ms", SET, "bad")],
            40,
            "Invalid value bad for configuration retention.ms: Not a number of type LONG",
        ),
        ([("retention.ms", SET, None)], 42, "Null value not supported for : retention.ms"),
        ([("retention.ms", SET, "5"), ("retention.ms", SET, "6")], 42, "Error due to duplicate config keys"),
        ([("retention.ms", 9, "5")], 42, "Unknown operations type 9"),
    ],
)
def test_a_bad_change_changes_nothing(
    kafka: KafkaHarness, orders: Client, changes: list[Change], code: int, words: str
) -> None:
    assert alter(orders, resource(TOPIC, "orders", *changes)) == [(code, words)]
    assert overrides(kafka) == {"retention.ms": "5000"}


def test_of_several_changes_all_hold_or_none(kafka: KafkaHarness, orders: Client) -> None:
    alter(orders, resource(TOPIC, "orders", ("segment.ms", SET, "7"), ("foo", SET, "1")))
    assert overrides(kafka) == {"retention.ms": "5000"}


def test_a_bad_resource_does_not_hinder_another(kafka: KafkaHarness, orders: Client) -> None:
    orders.create_topic("other")
    answers = alter(
        orders,
        resource(TOPIC, "orders", ("retention.ms", SET, "bad")),
        resource(TOPIC, "other", ("retention.ms", SET, "9")),
    )
    assert [code for code, _ in answers] == [Error.INVALID_CONFIG, 0]
    assert overrides(kafka, "other") == {"retention.ms": "9"}


def test_deleting_what_nobody_knows_is_fine(orders: Client) -> None:
    assert alter(orders, resource(TOPIC, "orders", ("foo", DELETE, None))) == [(0, None)]


def test_a_resource_that_is_named_twice_is_refused_twice(orders: Client) -> None:
    twice = (Error.INVALID_REQUEST, "Each resource must appear at most once.")
    assert alter(orders, resource(TOPIC, "orders"), resource(TOPIC, "orders")) == [twice, twice]


def test_validate_only_changes_nothing(kafka: KafkaHarness, orders: Client) -> None:
    assert alter(orders, resource(TOPIC, "orders", ("retention.ms", SET, "9")), validate_only=True) == [(0, None)]
    assert overrides(kafka) == {"retention.ms": "5000"}


@pytest.mark.parametrize(
    ("kind", "name", "code", "words"),
    [
        (TOPIC, "nobody", 3, "The topic 'nobody' does not exist."),
        (TOPIC, "", 42, "Default topic resources are not allowed."),
        (GROUP, "", 42, "Default group resources are not allowed."),
        (CLIENT_METRICS, "", 42, "Subscription name can't be empty"),
        (BROKER, "7", 42, "Unexpected broker id, expected 1, but received 7"),
        (BROKER, "x", 42, "Node id must be an integer, but it is: x"),
        (0, "x", 42, "Unknown resource type 0"),
    ],
)
def test_what_is_not_there_is_refused(client: Client, kind: int, name: str, code: int, words: str) -> None:
    assert alter(client, resource(kind, name)) == [(code, words)]


def test_loggers_cannot_be_changed(client: Client) -> None:
    [found] = alter(client, resource(BROKER_LOGGER, "1", ("root", SET, "INFO")))
    assert found == (Error.INVALID_CONFIG, "Logger root does not exist!")


def test_a_brokers_config_holds_for_topics_that_have_none(kafka: KafkaHarness, orders: Client) -> None:
    orders.create_topic("other")
    assert alter(orders, resource(BROKER, "", ("log.retention.ms", SET, "9"))) == [(0, None)]
    settings = {topic.name: topic.settings.retention_ms for topic in kafka.cluster.topics}
    assert settings == {"orders": 5000, "other": 9}


@pytest.mark.parametrize("name", ["", "1"])
def test_a_config_of_the_start_cannot_be_changed(client: Client, name: str) -> None:
    [found] = alter(client, resource(BROKER, name, ("node.id", SET, "3")))
    assert found == (Error.INVALID_REQUEST, "Cannot update these configs dynamically: [node.id]")


def test_a_bad_value_of_a_broker_is_an_invalid_request(client: Client) -> None:
    words = "Invalid value abc for configuration log.retention.ms: Not a number of type LONG"
    assert alter(client, resource(BROKER, "1", ("log.retention.ms", SET, "abc"))) == [(42, words)]


@pytest.mark.parametrize(
    ("name", "value", "accessor", "found"),
    [
        ("auto.create.topics.enable", "false", "auto_create_topics", False),
        ("num.partitions", "4", "num_partitions", 4),
        ("default.replication.factor", "2", "default_replication_factor", 2),
        ("delete.topic.enable", "false", "delete_topics", False),
        ("group.min.session.timeout.ms", "1", "group_min_session_timeout_ms", 1),
        ("group.max.session.timeout.ms", "2", "group_max_session_timeout_ms", 2),
        ("group.initial.rebalance.delay.ms", "3", "group_initial_rebalance_delay_ms", 3),
        ("group.max.size", "5", "group_max_size", 5),
        ("offset.metadata.max.bytes", "6", "offset_metadata_max_bytes", 6),
        ("offsets.retention.minutes", "2", "offsets_retention_ms", 120_000),
        ("transaction.max.timeout.ms", "7", "transaction_max_timeout_ms", 7),
    ],
)
def test_what_this_broker_heeds_can_be_changed_at_run_time(
    kafka: KafkaHarness, client: Client, name: str, value: str, accessor: str, found: object
) -> None:
    assert alter(client, resource(BROKER, "", (name, SET, value))) == [(0, None)]
    assert getattr(kafka.cluster.configs, accessor) == found


def test_a_groups_config_is_kept(kafka: KafkaHarness, client: Client) -> None:
    assert alter(client, resource(GROUP, "g", ("consumer.session.timeout.ms", SET, "50000"))) == [(0, None)]
    assert kafka.cluster.configs.group("g", "consumer.session.timeout.ms") == 50000
    assert kafka.cluster.configs.group("other", "consumer.session.timeout.ms") == 45000


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nope", "1", "Unknown group config name: nope"),
        (
            "consumer.session.timeout.ms",
            "5",
            "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms",
        ),
        (
            "consumer.heartbeat.interval.ms",
            "20000",
            "consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms",
        ),
        (
            "share.isolation.level",
            "x",
            "Invalid value x for configuration share.isolation.level: String must be one of: read_committed, read_uncommitted",
        ),
        (
            "share.auto.offset.reset",
            "never",
            (
                "Invalid value never for configuration share.auto.offset.reset: Invalid value `never` for configuration "
                "share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format "
                "'by_duration:<PnDTnHnMn.nS>'."
            ),
        ),
    ],
)
def test_a_bad_group_config_is_refused(client: Client, name: str, value: str, words: str) -> None:
    assert alter(client, resource(GROUP, "g", (name, SET, value))) == [(Error.INVALID_CONFIG, words)]


@pytest.mark.parametrize("value", ["earliest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S"])
def test_a_share_group_begins_where_it_is_told(kafka: KafkaHarness, client: Client, value: str) -> None:
    assert alter(client, resource(GROUP, "g", ("share.auto.offset.reset", SET, value))) == [(0, None)]
    assert kafka.cluster.configs.group("g", "share.auto.offset.reset") == value


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        (
            "interval.ms",
            "5",
            42,
            "Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)",
        ),
        ("match", "zap=1", 40, "Illegal client matching pattern: zap=1"),
        ("match", "client_id=[", 40, "Illegal client matching pattern: client_id=["),
        ("zap", "1", 42, "Unknown client metrics configuration: zap"),
    ],
)
def test_bad_client_metrics_are_refused(client: Client, name: str, value: str, code: int, words: str) -> None:
    assert alter(client, resource(CLIENT_METRICS, "m", (name, SET, value))) == [(code, words)]


def test_configs_outlive_the_process(kafka_with: Callable[..., KafkaHarness], tmp_path: Path) -> None:
    first = KafkaHarness(data_dir=tmp_path)
    client = first.connect()
    client.create_topic("orders")
    alter(
        client,
        resource(TOPIC, "orders", ("retention.ms", SET, "9")),
        resource(BROKER, "", ("num.partitions", SET, "4")),
        resource(GROUP, "g", ("share.delivery.count.limit", SET, "7")),
    )
    first.close()
    cluster = kafka_with(data_dir=tmp_path).cluster
    topic = cluster.topics.get("orders")
    assert topic is not None
    assert topic.settings.retention_ms == 9
    assert cluster.configs.num_partitions == 4
    assert cluster.configs.group("g", "share.delivery.count.limit") == 7


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        (TOPIC, "orders", Error.TOPIC_AUTHORIZATION_FAILED),
        (GROUP, "g", Error.GROUP_AUTHORIZATION_FAILED),
        (BROKER, "1", Error.CLUSTER_AUTHORIZATION_FAILED),
        (CLIENT_METRICS, "m", Error.CLUSTER_AUTHORIZATION_FAILED),
    ],
)
def test_who_may_not_alter_is_told_so(kafka_with: Callable[..., KafkaHarness], kind: int, name: str, code: int) -> None:
    [found] = alter(kafka_with(kafka_authorizer=True).connect(), resource(kind, name))
    assert found[0] == code
