"""Configs: the table of Apache Kafka 4.3, and what holds for a topic of all that is set."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.kafka.config_definitions import CONFIG_TYPES, Definition, read_definitions, text_of
from services.kafka.configs import BROKER, Configs
from services.kafka.errors import Error, KafkaError
from tests.support.kafka_broker import KafkaHarness

DEFINITIONS = read_definitions()
ALL = [(kind, definition) for kind, table in DEFINITIONS.items() for definition in table.values()]


@pytest.fixture
def configs(kafka: KafkaHarness) -> Configs:
    """The configs of a cluster with default settings."""
    return kafka.cluster.configs


@pytest.mark.parametrize(("kind", "definition"), ALL, ids=lambda found: getattr(found, "name", found))
def test_every_default_is_a_good_value(kind: str, definition: Definition) -> None:
    assert definition.type in CONFIG_TYPES
    assert definition.documentation
    assert text_of(definition.parse(definition.default)) == definition.default


@pytest.mark.parametrize("kind", ["topic", "group"])
def test_synonyms_are_broker_configs(kind: str) -> None:
    for definition in DEFINITIONS[kind].values():  # type: ignore[index]
        assert set(definition.synonyms) <= DEFINITIONS["broker"].keys()


def test_a_topic_without_configs_has_kafkas_defaults(configs: Configs) -> None:
    settings = configs.topic_settings({})
    assert (settings.retention_ms, settings.retention_bytes) == (604_800_000, -1)
    assert (settings.segment_ms, settings.segment_bytes) == (604_800_000, 1 << 30)
    assert (settings.max_message_bytes, settings.compression_type) == (1_048_588, "producer")
    assert (settings.compact, settings.delete, settings.log_append_time) == (False, True, False)
    assert (settings.timestamp_before_max_ms, settings.timestamp_after_max_ms) == ((1 << 63) - 1, 3_600_000)
    assert (settings.min_compaction_lag_ms, settings.max_compaction_lag_ms) == (0, (1 << 63) - 1)
    assert (settings.delete_retention_ms, settings.min_cleanable_dirty_ratio) == (86_400_000, 0.5)
    assert (settings.file_delete_delay_ms, settings.min_insync_replicas) == (60_000, 1)


@pytest.mark.parametrize(
    ("policy", "compact", "delete"),
    [("compact", True, False), ("delete", False, True), ("compact, delete", True, True), ("", False, False)],
)
def test_the_policies_of_a_topic(configs: Configs, policy: str, compact: bool, delete: bool) -> None:
    settings = configs.topic_settings({"cleanup.policy": policy})
    assert (settings.compact, settings.delete) == (compact, delete)


def test_a_topics_own_config_beats_the_brokers(configs: Configs) -> None:
    configs.replace(BROKER, "", {"log.message.timestamp.type": "LogAppendTime", "log.segment.bytes": "2000000"})
    settings = configs.topic_settings({"message.timestamp.type": "CreateTime"})
    assert (settings.log_append_time, settings.segment_bytes) == (False, 2_000_000)


def test_a_broker_beats_all_brokers_and_the_first_one_the_others(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with()
    configs = kafka.cluster.configs
    configs.replace(BROKER, "", {"message.max.bytes": "1"})
    assert configs.topic_settings({}).max_message_bytes == 1
    configs.replace(BROKER, "1", {"message.max.bytes": "2"})
    assert configs.topic_settings({}).max_message_bytes == 2
    configs.replace(BROKER, "1", {})
    assert configs.topic_settings({}).max_message_bytes == 1


@pytest.mark.parametrize("text", ["7", " 7 ", "+7"])
def test_numbers_are_read_as_java_reads_them(text: str) -> None:
    assert DEFINITIONS["topic"]["retention.ms"].parse(text) == 7


@pytest.mark.parametrize("text", ["", "7.0", "0x7", "1_000", "9223372036854775808", "7 x"])
def test_what_java_does_not_read_is_no_number(text: str) -> None:
    with pytest.raises(KafkaError, match="Not a number of type LONG") as caught:
        DEFINITIONS["topic"]["retention.ms"].parse(text)
    assert caught.value.error == Error.INVALID_CONFIG


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), (" False ", False)])
def test_booleans_are_read_in_any_case(text: str, value: bool) -> None:
    assert DEFINITIONS["topic"]["preallocate"].parse(text) is value


def test_two_clusters_share_nothing(kafka_with: Callable[..., KafkaHarness]) -> None:
    first, second = kafka_with().cluster.configs, kafka_with().cluster.configs
    first.replace(BROKER, "", {"num.partitions": "7"})
    assert (first.num_partitions, second.num_partitions) == (7, 1)
