"""DescribeConfigs (key 32): values, and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
ON_TOPIC, ON_BROKER, ON_ALL_BROKERS, STATIC, DEFAULT, ON_GROUP = 1, 2, 3, 4, 5, 8
INT, LONG, LIST, BOOLEAN, DOUBLE, STRING = 3, 5, 7, 1, 6, 2


def describe(client: Client, kind: int, name: str, *names: str, version: int = 4, **asked: bool) -> dict[str, Any]:
    """Answer the entries by name."""
    resource = {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": list(names) or None}
    [result] = client.ask("DescribeConfigs", {"Resources": [resource]} | asked, version=version)["Results"]
    assert (result["ErrorCode"], result["ResourceType"], result["ResourceName"]) == (0, kind, name), result
    return {entry["Name"]: entry for entry in result["Configs"]}


def refused(client: Client, kind: int, name: str) -> tuple[int, str]:
    resource = {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": None}
    [result] = client.ask("DescribeConfigs", {"Resources": [resource]})["Results"]
    assert result["Configs"] == []
    return result["ErrorCode"], result["ErrorMessage"]


def put(client: Client, kind: int, resource: str, name: str, value: str) -> None:
    change = {"Name": name, "ConfigOperation": 0, "Value": value}
    request = {"Resources": [{"ResourceType": kind, "ResourceName": resource, "Configs": [change]}]}
    [answer] = client.ask("IncrementalAlterConfigs", request)["Responses"]
    assert answer["ErrorCode"] == 0, answer


def sources(entry: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(synonym["Name"], synonym["Value"], synonym["Source"]) for synonym in entry["Synonyms"]]


@pytest.mark.parametrize("version", range(1, 5))
def test_a_topics_configs_are_all_told(client: Client, version: int) -> None:
    client.create_topic("orders", retention_ms="5000")
    entries = describe(client, TOPIC, "orders", version=version)
    assert len(entries) == 33
    assert (entries["retention.ms"]["Value"], entries["retention.ms"]["ConfigSource"]) == ("5000", ON_TOPIC)
    assert (entries["segment.ms"]["Value"], entries["segment.ms"]["ConfigSource"]) == ("604800000", DEFAULT)
    assert entries["retention.ms"]["Synonyms"] == []


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("cleanup.policy", "delete", LIST),
        ("compression.type", "producer", STRING),
        ("flush.messages", "9223372036854775807", LONG),
        ("max.message.bytes", "1048588", INT),
        ("message.timestamp.before.max.ms", "9223372036854775807", LONG),
        ("message.timestamp.after.max.ms", "3600000", LONG),
        ("min.cleanable.dirty.ratio", "0.5", DOUBLE),
        ("preallocate", "false", BOOLEAN),
        ("retention.bytes", "-1", LONG),
        ("segment.bytes", "1073741824", INT),
    ],
)
def test_defaults_and_types_are_kafkas(client: Client, name: str, value: str, kind: int) -> None:
    client.create_topic("orders")
    entry = describe(client, TOPIC, "orders", name)[name]
    assert (entry["Value"], entry["ConfigType"], entry["ReadOnly"], entry["IsSensitive"]) == (value, kind, False, False)


def test_only_the_configs_that_are_asked_for_are_told(client: Client) -> None:
    client.create_topic("orders")
    assert list(describe(client, TOPIC, "orders", "retention.ms", "nope")) == ["retention.ms"]


def test_synonyms_tell_what_would_hold_otherwise(client: Client) -> None:
    client.create_topic("orders", max_message_bytes="3000")
    put(client, BROKER, "1", "message.max.bytes", "2000")
    put(client, BROKER, "", "message.max.bytes", "4000")
    entry = describe(client, TOPIC, "orders", "max.message.bytes", IncludeSynonyms=True)["max.message.bytes"]
    assert sources(entry) == [
        ("max.message.bytes", "3000", ON_TOPIC),
        ("message.max.bytes", "2000", ON_BROKER),
        ("message.max.bytes", "4000", ON_ALL_BROKERS),
        ("message.max.bytes", "1048588", DEFAULT),
    ]


def test_a_topic_takes_what_is_set_on_brokers(client: Client) -> None:
    client.create_topic("orders")
    put(client, BROKER, "", "log.retention.ms", "88000")
    entry = describe(client, TOPIC, "orders", "retention.ms")["retention.ms"]
    assert (entry["Value"], entry["ConfigSource"]) == ("88000", ON_ALL_BROKERS)
    put(client, BROKER, "1", "log.retention.ms", "77000")
    entry = describe(client, TOPIC, "orders", "retention.ms")["retention.ms"]
    assert (entry["Value"], entry["ConfigSource"]) == ("77000", ON_BROKER)


def test_documentation_is_told_to_those_who_ask(client: Client) -> None:
    client.create_topic("orders")
    assert describe(client, TOPIC, "orders")["file.delete.delay.ms"]["Documentation"] is None
    told = describe(client, TOPIC, "orders", IncludeDocumentation=True)["file.delete.delay.ms"]["Documentation"]
    assert told == "The time to wait before deleting a file from the filesystem"


def test_an_internal_config_is_told_only_where_it_is_set(client: Client) -> None:
    client.create_topic("plain")
    client.create_topic("tiny", internal_segment_bytes="100")
    assert "internal.segment.bytes" not in describe(client, TOPIC, "plain")
    assert describe(client, TOPIC, "tiny")["internal.segment.bytes"]["Value"] == "100"


def test_a_broker_tells_its_own_configs(client: Client) -> None:
    entries = describe(client, BROKER, "1", IncludeSynonyms=True)
    assert (entries["node.id"]["Value"], entries["node.id"]["ConfigSource"], entries["node.id"]["ReadOnly"]) == (
        "1",
        STATIC,
        True,
    )
    assert entries["num.io.threads"]["ReadOnly"] is False
    assert sources(entries["log.retention.hours"]) == [("log.retention.hours", "168", DEFAULT)]
    assert (entries["log.retention.ms"]["Value"], entries["log.retention.ms"]["Synonyms"]) == (None, [])


@pytest.mark.parametrize(("allowed", "value"), [(True, "true"), (False, "false")])
def test_the_setting_for_auto_creation_is_a_static_config(
    kafka_with: Callable[..., KafkaHarness], allowed: bool, value: str
) -> None:
    client = kafka_with(kafka_auto_create_topics=allowed).connect()
    entry = describe(client, BROKER, "1")["auto.create.topics.enable"]
    assert (entry["Value"], entry["ConfigSource"]) == (value, STATIC)


def test_the_empty_name_tells_what_is_set_on_all_brokers(client: Client) -> None:
    assert describe(client, BROKER, "") == {}
    put(client, BROKER, "", "log.retention.ms", "88000")
    put(client, BROKER, "1", "log.retention.ms", "77000")
    entries = describe(client, BROKER, "", IncludeSynonyms=True)
    assert list(entries) == ["log.retention.ms"]
    assert sources(entries["log.retention.ms"]) == [("log.retention.ms", "88000", ON_ALL_BROKERS)]


def test_a_config_that_nobody_knows_may_be_a_secret(client: Client) -> None:
    put(client, BROKER, "1", "custom.x", "secret")
    entry = describe(client, BROKER, "1", "custom.x", IncludeSynonyms=True)["custom.x"]
    assert (entry["Value"], entry["IsSensitive"], sources(entry)) == (None, True, [("custom.x", None, ON_BROKER)])


def test_a_group_has_configs_before_it_is_there(client: Client) -> None:
    entry = describe(client, GROUP, "g", "consumer.session.timeout.ms")["consumer.session.timeout.ms"]
    assert (entry["Value"], entry["ConfigSource"]) == ("45000", DEFAULT)
    put(client, GROUP, "g", "consumer.session.timeout.ms", "50000")
    entries = describe(client, GROUP, "g", "consumer.session.timeout.ms", IncludeSynonyms=True)
    assert sources(entries["consumer.session.timeout.ms"]) == [
        ("consumer.session.timeout.ms", "50000", ON_GROUP),
        ("group.consumer.session.timeout.ms", "45000", DEFAULT),
    ]


def test_client_metrics_have_configs(client: Client) -> None:
    entries = describe(client, CLIENT_METRICS, "m")
    assert {name: entry["Value"] for name, entry in entries.items()} == {
        "interval.ms": "300000",
        "match": "",
        "metrics": "",
    }


def test_no_logger_is_listed(client: Client) -> None:
    assert describe(client, BROKER_LOGGER, "1") == {}


@pytest.mark.parametrize(
    ("kind", "name", "code", "words"),
    [
        (TOPIC, "nobody", 3, Error.UNKNOWN_TOPIC_OR_PARTITION.message),
        (TOPIC, "", 17, "Topic name is invalid: the empty string is not allowed"),
        (BROKER, "9", 42, "Unexpected broker id, expected 1 or empty string, but received 9"),
        (BROKER, "x", 42, "Broker id must be an integer, but it is: x"),
        (BROKER_LOGGER, "", 42, "Broker id must not be empty"),
        (BROKER_LOGGER, "7", 42, "Unexpected broker id, expected 1 but received 7"),
        (GROUP, "", 42, "Group name must not be empty"),
        (CLIENT_METRICS, "", 42, "Client metrics subscription name must not be empty"),
        (99, "x", 42, "Unexpected resource type UNKNOWN for resource x"),
    ],
)
def test_what_is_not_there_is_refused(client: Client, kind: int, name: str, code: int, words: str) -> None:
    assert refused(client, kind, name) == (code, words)


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        (TOPIC, "orders", Error.TOPIC_AUTHORIZATION_FAILED),
        (GROUP, "g", Error.GROUP_AUTHORIZATION_FAILED),
        (BROKER, "1", Error.CLUSTER_AUTHORIZATION_FAILED),
        (CLIENT_METRICS, "m", Error.CLUSTER_AUTHORIZATION_FAILED),
    ],
)
def test_who_may_not_see_is_told_so(kafka_with: Callable[..., KafkaHarness], kind: int, name: str, code: int) -> None:
    assert refused(kafka_with(kafka_authorizer=True).connect(), kind, name)[0] == code
