"""What Kafka 4.3 holds of several configs together, in its words (LogConfig, GroupConfig, ClientMetricsConfigs)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.kafka.config_definitions import Value

_CLIENT_MATCHES = frozenset(
    {
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    }
)
_GROUP_BOUNDS = (
    ("consumer.heartbeat.interval.ms", "group.consumer.{}.heartbeat.interval.ms"),
    ("consumer.session.timeout.ms", "group.consumer.{}.session.timeout.ms"),
    ("consumer.assignment.interval.ms", "group.consumer.{}.assignment.interval.ms"),
    ("share.heartbeat.interval.ms", "group.share.{}.heartbeat.interval.ms"),
    ("share.session.timeout.ms", "group.share.{}.session.timeout.ms"),
    ("share.record.lock.duration.ms", "group.share.{}.record.lock.duration.ms"),
    ("share.delivery.count.limit", "group.share.{}.delivery.count.limit"),
    ("share.partition.max.record.locks", "group.share.{}.partition.max.record.locks"),
    ("share.assignment.interval.ms", "group.share.{}.assignment.interval.ms"),
)
"""Configs of a group, and the brokers' `min` and `max` that bound them; in the order in which Kafka looks."""


def check_topic_values(values: Mapping[str, Value], before: Mapping[str, str]) -> None:
    """Hold a topic's configs against each other. Raises KafkaError INVALID_CONFIG."""
    least, most = cast("int", values["min.compaction.lag.ms"]), cast("int", values["max.compaction.lag.ms"])
    if least > most:
        raise _invalid(
            f"conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
        )
    if values["remote.storage.enable"]:
        raise _invalid(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
        )
    if before.get("remote.storage.enable") == "true" and not values["remote.log.delete.on.disable"]:
        raise _invalid("It is invalid to disable remote storage without deleting remote data.")


def check_group_values(values: Mapping[str, Value], broker: Mapping[str, Value], given: Mapping[str, str]) -> None:
    """Hold a group's configs against the brokers' bounds. Raises KafkaError INVALID_CONFIG."""
    for name, bounds in _GROUP_BOUNDS:
        if name.endswith("assignment.interval.ms") and name not in given:
            continue
        value = cast("int", values[name])
        if value < cast("int", broker[bounds.format("min")]):
            raise _invalid(f"{name} must be greater than or equal to {bounds.format('min')}")
        if value > cast("int", broker[bounds.format("max")]):
            raise _invalid(f"{name} must be less than or equal to {bounds.format('max')}")
    for kind in ("consumer", "share"):
        session, heartbeat = f"{kind}.session.timeout.ms", f"{kind}.heartbeat.interval.ms"
        if cast("int", values[session]) <= cast("int", values[heartbeat]):
            raise _invalid(f"{session} must be greater than {heartbeat}")


def check_client_metrics(values: Mapping[str, Value]) -> None:
    """Hold client metrics' configs against their bounds. Raises KafkaError INVALID_REQUEST or INVALID_CONFIG."""
    interval_ms = cast("int", values["interval.ms"])
    if not 100 <= interval_ms <= 3_600_000:
        raise KafkaError(
            Error.INVALID_REQUEST,
            f"Invalid value {interval_ms} for interval.ms, interval must be between 100 and 3600000 (1 hour)",
        )
    for pattern in cast("list[str]", values["match"]):
        name, equals, value = pattern.partition("=")
        if not equals or "=" in value or name.strip() not in _CLIENT_MATCHES or not _is_pattern(value.strip()):
            raise _invalid(f"Illegal client matching pattern: {pattern}")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return bool(text)


def _invalid(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_CONFIG, message)
