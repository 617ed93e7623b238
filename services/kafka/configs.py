"""Configs as they hold: of topics, brokers, groups and client metrics. What there are is told by config_definitions.py.

A topic's config is the one set on the topic, else the broker's config of that meaning. A broker's is the one set on the broker, else the
one set on all brokers, else that of the settings, else Kafka's default. All brokers are this one process: what is set on one of them
holds, as far as it can be heeded, for all, those with lower ids first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from services.kafka.config_definitions import Definition, Value, read_definitions
from services.kafka.config_rules import check_client_metrics, check_group_values, check_topic_values
from services.kafka.errors import Error, KafkaError
from services.kafka.limits import GROUP_INITIAL_REBALANCE_DELAY_MS
from services.kafka.quotas import Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.kafka.state import Cluster

_TABLE = "configs"
TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
"""Kinds of resources that have configs (org.apache.kafka.common.config.ConfigResource.Type)."""


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """All configs of a topic that mean something here, typed."""

    max_message_bytes: int
    retention_ms: int
    """-1: for ever."""
    retention_bytes: int
    """-1: no bound."""
    segment_bytes: int
    segment_ms: int
    compact: bool
    delete: bool
    log_append_time: bool
    timestamp_before_max_ms: int
    timestamp_after_max_ms: int
    min_compaction_lag_ms: int
    max_compaction_lag_ms: int
    delete_retention_ms: int
    min_cleanable_dirty_ratio: float
    file_delete_delay_ms: int
    compression_type: str
    min_insync_replicas: int


class Configs:
    """The configs of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.definitions = read_definitions()
        self._set: dict[tuple[int, str], dict[str, str]] = {}
        """What was set on brokers ("" for all of them), groups and client metrics; topics keep theirs themselves."""
        for key, values in cluster.journal.load(_TABLE).items():
            kind, _, name = key.partition(":")
            self._set[int(kind), name] = values
        self.quotas = Quotas(cluster.journal)
        self._static = {node.node_id: self._started_with(node.node_id) for node in cluster.nodes}
        self._broker: dict[str, Value] = {}
        self._defaults: TopicSettings | None = None
        self._combine()

    def _started_with(self, node_id: int) -> dict[str, str]:
        """What server.properties would say."""
        cluster, settings = self._cluster, self._cluster.settings
        copies = str(min(3, len(cluster.nodes)))
        port = next(node.port for node in cluster.nodes if node.node_id == node_id)
        protocol = settings.kafka_security.upper()
        folder = "memory" if settings.data_dir is None else str(settings.data_dir / "kafka" / "topics")
        values = {
            "auto.create.topics.enable": "true" if settings.kafka_auto_create_topics else "false",
            "broker.id": str(node_id),
            # With Kafka's own second, who joins soon after another would wait a whole heartbeat, 5 s, for its partitions.
            "group.consumer.assignment.interval.ms": "0",
            "group.initial.rebalance.delay.ms": str(GROUP_INITIAL_REBALANCE_DELAY_MS),
            "group.share.assignment.interval.ms": "0",
            "listeners": f"{protocol}://{settings.host}:{port}",
            "log.dirs": folder,
            "node.id": str(node_id),
            "offsets.topic.replication.factor": copies,
            "process.roles": "broker,controller",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.replication.factor": copies,
        }
        if protocol.startswith("SASL"):
            values["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        if settings.kafka_authorizer:
            values["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        return values

    # What was set.

    def set_on(self, kind: int, name: str) -> dict[str, str]:
        """Tell what was set on a broker ("" for all), a group or client metrics."""
        return self._set.get((kind, name), {})

    def names_of(self, kind: int) -> list[str]:
        """Name the groups or client metrics that something was set on."""
        return sorted(name for of, name in self._set if of == kind)

    def started_with(self, node_id: int) -> dict[str, str]:
        """Tell what came from the settings."""
        return self._static[node_id]

    def replace(self, kind: int, name: str, values: Mapping[str, str]) -> None:
        """Set just these configs on a broker, a group or client metrics; they have been checked."""
        cluster, key = self._cluster, f"{kind}:{name}"
        if values:
            self._set[kind, name] = dict(values)
            cluster.journal.put(_TABLE, key, dict(values))
        else:
            self._set.pop((kind, name), None)
            cluster.journal.delete(_TABLE, key)
        if kind == BROKER:
            self._combine()
            for topic in cluster.topics:
                cluster.topics.refresh(topic)

    def _combine(self) -> None:
        """Work out what holds for brokers."""
        definitions = self.definitions["broker"]
        texts = {name: definition.default for name, definition in definitions.items()}
        nodes = sorted(self._static, reverse=True)
        for node_id in nodes:
            texts |= self._static[node_id]
        texts |= self.set_on(BROKER, "")
        for node_id in nodes:
            texts |= self.set_on(BROKER, str(node_id))
        self._broker = {name: definitions[name].parse(text) for name, text in texts.items() if name in definitions}
        self._defaults = None

    # Topics.

    def topic_settings(self, overrides: Mapping[str, str]) -> TopicSettings:
        """Tell what holds for a topic with these configs of its own; they have been checked."""
        if not overrides and self._defaults is not None:
            return self._defaults
        values = self.topic_values(overrides)
        policies = cast("list[str]", values["cleanup.policy"])
        numbers = cast("dict[str, int]", values)
        settings = TopicSettings(
            max_message_bytes=numbers["max.message.bytes"],
            retention_ms=numbers["retention.ms"],
            retention_bytes=numbers["retention.bytes"],
            segment_bytes=numbers["internal.segment.bytes"] or numbers["segment.bytes"],
            segment_ms=numbers["segment.ms"],
            compact="compact" in policies,
            delete="delete" in policies,
            log_append_time=values["message.timestamp.type"] == "LogAppendTime",
            timestamp_before_max_ms=numbers["message.timestamp.before.max.ms"],
            timestamp_after_max_ms=numbers["message.timestamp.after.max.ms"],
            min_compaction_lag_ms=numbers["min.compaction.lag.ms"],
            max_compaction_lag_ms=numbers["max.compaction.lag.ms"],
            delete_retention_ms=numbers["delete.retention.ms"],
            min_cleanable_dirty_ratio=cast("float", values["min.cleanable.dirty.ratio"]),
            file_delete_delay_ms=numbers["file.delete.delay.ms"],
            compression_type=str(values["compression.type"]),
            min_insync_replicas=numbers["min.insync.replicas"],
        )
        if not overrides:
            self._defaults = settings
        return settings

    def topic_values(self, overrides: Mapping[str, str]) -> dict[str, Value]:
        """Tell every config of a topic with these configs of its own. Raises KafkaError INVALID_CONFIG."""
        values: dict[str, Value] = {}
        for name, definition in self.definitions["topic"].items():
            values[name] = definition.parse(overrides[name]) if name in overrides else self._from_broker(definition)
        return values

    def _from_broker(self, definition: Definition) -> Value:
        for synonym in definition.synonyms:
            value = self._broker.get(synonym)
            if value is not None and not synonym.endswith((".hours", ".minutes")):  # those say what the default says
                return value
        return definition.parse(definition.default)

    def check_topic(self, overrides: Mapping[str, str], before: Mapping[str, str] | None = None) -> None:
        """Refuse configs that a topic cannot have; `before` is what it had. Raises KafkaError INVALID_CONFIG."""
        for name in overrides:
            if name not in self.definitions["topic"]:
                raise KafkaError(Error.INVALID_CONFIG, f"Unknown topic config name: {name}")
        check_topic_values(self.topic_values(overrides), before or {})

    # Groups and client metrics.

    def group(self, group_id: str, name: str) -> int | str | bool:
        """Tell a config of a group, such as consumer.session.timeout.ms: its own, else the brokers'."""
        return cast("int | str | bool", self._group_value(self.set_on(GROUP, group_id), name))

    def _group_value(self, values: Mapping[str, str], name: str) -> Value:
        definition = self.definitions["group"][name]
        if name in values:
            return definition.parse(values[name])
        return self._broker[definition.synonyms[0]] if definition.synonyms else definition.parse(definition.default)

    def group_values(self, values: Mapping[str, str]) -> dict[str, Value]:
        """Tell every config of a group that has these of its own. Raises KafkaError INVALID_CONFIG."""
        return {name: self._group_value(values, name) for name in self.definitions["group"]}

    def check_group(self, values: Mapping[str, str]) -> None:
        """Refuse configs that a group cannot have. Raises KafkaError INVALID_CONFIG."""
        for name in values:
            if name not in self.definitions["group"]:
                raise KafkaError(Error.INVALID_CONFIG, f"Unknown group config name: {name}")
        check_group_values(self.group_values(values), self._broker, values)

    def client_values(self, values: Mapping[str, str]) -> dict[str, Value]:
        """Tell every config of client metrics that have these of their own. Raises KafkaError INVALID_CONFIG."""
        return {
            name: definition.parse(values.get(name, definition.default))
            for name, definition in self.definitions["client"].items()
        }

    def check_client(self, values: Mapping[str, str]) -> None:
        """Refuse configs that client metrics cannot have. Raises KafkaError."""
        for name in values:
            if name not in self.definitions["client"]:
                raise KafkaError(Error.INVALID_REQUEST, f"Unknown client metrics configuration: {name}")
        check_client_metrics(self.client_values(values))

    # Brokers.

    def check_broker(self, values: Mapping[str, str]) -> None:
        """Refuse configs that cannot be set on brokers at run time; names that nobody knows are let through, as by Kafka.

        Raises KafkaError INVALID_REQUEST, which Kafka answers here instead of INVALID_CONFIG (KAFKA-13609).
        """
        definitions = self.definitions["broker"]
        fixed = [name for name in values if name in definitions and not definitions[name].update]
        if fixed:
            raise KafkaError(
                Error.INVALID_REQUEST, f"Cannot update these configs dynamically: [{', '.join(sorted(fixed))}]"
            )
        for name, text in values.items():
            if name in definitions:
                try:
                    definitions[name].parse(text)
                except KafkaError as error:
                    raise KafkaError(Error.INVALID_REQUEST, error.message) from None
        least = values.get("log.cleaner.min.compaction.lag.ms", "0")
        most = values.get("log.cleaner.max.compaction.lag.ms", str(1 << 62))
        if int(least) > int(most):
            raise KafkaError(
                Error.INVALID_REQUEST,
                f"conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})",
            )

    def broker(self, name: str) -> Value:
        """Tell what holds for brokers, by Kafka's name."""
        return self._broker[name]

    def _number(self, name: str) -> int:
        return cast("int", self._broker[name])

    @property
    def auto_create_topics(self) -> bool:
        """auto.create.topics.enable."""
        return self._broker["auto.create.topics.enable"] is True

    @property
    def delete_topics(self) -> bool:
        """delete.topic.enable."""
        return self._broker["delete.topic.enable"] is True

    @property
    def num_partitions(self) -> int:
        """num.partitions."""
        return self._number("num.partitions")

    @property
    def default_replication_factor(self) -> int:
        """default.replication.factor."""
        return self._number("default.replication.factor")

    @property
    def group_initial_rebalance_delay_ms(self) -> int:
        """group.initial.rebalance.delay.ms."""
        return self._number("group.initial.rebalance.delay.ms")

    @property
    def group_min_session_timeout_ms(self) -> int:
        """group.min.session.timeout.ms."""
        return self._number("group.min.session.timeout.ms")

    @property
    def group_max_session_timeout_ms(self) -> int:
        """group.max.session.timeout.ms."""
        return self._number("group.max.session.timeout.ms")

    @property
    def group_max_size(self) -> int:
        """group.max.size."""
        return self._number("group.max.size")

    @property
    def offset_metadata_max_bytes(self) -> int:
        """offset.metadata.max.bytes."""
        return self._number("offset.metadata.max.bytes")

    @property
    def offsets_retention_ms(self) -> int:
        """offsets.retention.minutes, as milliseconds."""
        return self._number("offsets.retention.minutes") * 60_000

    @property
    def transaction_max_timeout_ms(self) -> int:
        """transaction.max.timeout.ms."""
        return self._number("transaction.max.timeout.ms")

    @property
    def transactional_id_expiration_ms(self) -> int:
        """transactional.id.expiration.ms."""
        return self._number("transactional.id.expiration.ms")

    @property
    def producer_id_expiration_ms(self) -> int:
        """producer.id.expiration.ms."""
        return self._number("producer.id.expiration.ms")
