"""The configs of groups: what holds for one group now, of its own configs and the brokers'. Comments name Kafka's configs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from services.kafka.state import Cluster

ASSIGNORS = ("uniform", "range")
"""group.consumer.assignors; the first one is the default."""
_DAY_MS = 86_400_000
_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<days>[-+]?\d+)D)?(?:T(?:(?P<hours>[-+]?\d+)H)?(?:(?P<minutes>[-+]?\d+)M)?"
    r"(?:(?P<seconds>[-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE,
)


class ConsumerSettings(NamedTuple):
    """What holds for a consumer group."""

    session_timeout_ms: int
    """consumer.session.timeout.ms"""
    heartbeat_interval_ms: int
    """consumer.heartbeat.interval.ms"""
    assignment_interval_ms: int
    """consumer.assignment.interval.ms: the assignor runs so often at most; 0 is at once."""
    size_max: int
    """group.consumer.max.size"""
    regex_refresh_interval_ms: int
    """group.consumer.regex.refresh.interval.ms, an internal config: its default."""


class ShareSettings(NamedTuple):
    """What holds for a share group."""

    session_timeout_ms: int
    """share.session.timeout.ms"""
    heartbeat_interval_ms: int
    """share.heartbeat.interval.ms"""
    assignment_interval_ms: int
    """share.assignment.interval.ms"""
    size_max: int
    """group.share.max.size"""


class LockSettings(NamedTuple):
    """What holds for the records that a share group hands out."""

    lock_ms: int
    """share.record.lock.duration.ms"""
    deliveries_max: int
    """share.delivery.count.limit"""
    in_flight_max: int
    """share.partition.max.record.locks"""
    renew_allowed: bool
    """share.renew.acknowledge.enable"""
    read_committed: bool
    """share.isolation.level"""


def consumer_settings(cluster: Cluster, group_id: str) -> ConsumerSettings:
    """Tell what holds for a consumer group now."""
    return ConsumerSettings(
        session_timeout_ms=_number(cluster, group_id, "consumer.session.timeout.ms"),
        heartbeat_interval_ms=_number(cluster, group_id, "consumer.heartbeat.interval.ms"),
        assignment_interval_ms=_number(cluster, group_id, "consumer.assignment.interval.ms"),
        size_max=cast("int", cluster.configs.broker("group.consumer.max.size")),
        regex_refresh_interval_ms=600_000,
    )


def share_settings(cluster: Cluster, group_id: str) -> ShareSettings:
    """Tell what holds for a share group now."""
    return ShareSettings(
        session_timeout_ms=_number(cluster, group_id, "share.session.timeout.ms"),
        heartbeat_interval_ms=_number(cluster, group_id, "share.heartbeat.interval.ms"),
        assignment_interval_ms=_number(cluster, group_id, "share.assignment.interval.ms"),
        size_max=cast("int", cluster.configs.broker("group.share.max.size")),
    )


def lock_settings(cluster: Cluster, group_id: str) -> LockSettings:
    """Tell what holds for the records of a share group now."""
    configs = cluster.configs
    return LockSettings(
        lock_ms=_number(cluster, group_id, "share.record.lock.duration.ms"),
        deliveries_max=_number(cluster, group_id, "share.delivery.count.limit"),
        in_flight_max=_number(cluster, group_id, "share.partition.max.record.locks"),
        renew_allowed=bool(configs.group(group_id, "share.renew.acknowledge.enable")),
        read_committed=str(configs.group(group_id, "share.isolation.level")).lower() == "read_committed",
    )


def share_sessions_max(cluster: Cluster) -> int:
    """Tell how many share sessions a broker takes: group.share.max.share.sessions."""
    return cast("int", cluster.configs.broker("group.share.max.share.sessions"))


def share_reset(cluster: Cluster, group_id: str) -> str | int:
    """Tell where a share group begins: `latest`, `earliest`, or how many ms ago (share.auto.offset.reset, by_duration:PnDTnHnMn.nS)."""
    strategy = str(cluster.configs.group(group_id, "share.auto.offset.reset")).strip()
    kind, _, duration = strategy.partition(":")
    return _duration_ms(duration) if kind.lower() == "by_duration" else kind.lower()


def _duration_ms(text: str) -> int:
    """Read an ISO 8601 duration as Java's Duration does; it has been checked when it was set."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return 0
    whole = sum(
        int(found[name] or 0) * unit_ms
        for name, unit_ms in (("days", _DAY_MS), ("hours", 3_600_000), ("minutes", 60_000))
    )
    total = whole + round(float((found["seconds"] or "0").replace(",", ".")) * 1000)
    return -total if found["sign"] == "-" else total


def _number(cluster: Cluster, group_id: str, name: str) -> int:
    return cast("int", cluster.configs.group(group_id, name))
