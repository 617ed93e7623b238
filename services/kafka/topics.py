"""Topics: their names, ids, partitions and configs, made, found and deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import TOPIC_NAME_MAX
from services.kafka.partition import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.kafka.configs import TopicSettings
    from services.kafka.state import Cluster

_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")
_TABLE = "topics"


@dataclass(slots=True, eq=False)
class Topic:
    """One topic."""

    name: str
    topic_id: bytes
    """16 bytes; a topic that is deleted and made again has another one."""
    replication_factor: int
    first_node: int
    """Which broker leads partition 0, counted from the first; the others follow round-robin."""
    overrides: dict[str, str]
    """Configs that were set on the topic itself."""
    settings: TopicSettings
    """All configs, as they hold; made anew whenever overrides or the broker's defaults change."""
    partitions: list[Partition] = field(default_factory=list)
    internal: bool = False
    next_partition: int = -1
    """Where the last record without a key went that the router brought."""


def check_name(name: str) -> None:
    """Refuse what Kafka refuses (org.apache.kafka.common.internals.Topic.validate). Raises KafkaError INVALID_TOPIC_EXCEPTION."""
    if not name:
        raise _invalid("Topic name is invalid: the empty string is not allowed")
    if name in (".", ".."):
        raise _invalid(f"Topic name is invalid: '{name}' is not allowed")
    if len(name) > TOPIC_NAME_MAX:
        raise _invalid(
            f"Topic name is invalid: the length of '{name}' is longer than the max allowed length {TOPIC_NAME_MAX}"
        )
    if not _LEGAL.fullmatch(name):
        raise _invalid(
            f"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )


def _invalid(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_TOPIC_EXCEPTION, message)


class Topics:
    """The topics of a cluster, by name and by id."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._by_name: dict[str, Topic] = {}
        self._by_id: dict[bytes, Topic] = {}
        self._collisions: dict[str, str] = {}
        """By the name with its dots as underscores: metrics of Kafka cannot tell such names apart, so it refuses the second."""
        self.version = 0
        """Rises with every change that a Metadata answer shows; cached answers are held against it."""
        for name, kept in sorted(cluster.journal.load(_TABLE).items()):
            self._restore(name, kept)

    def get(self, name: str) -> Topic | None:
        """Find a topic by name."""
        return self._by_name.get(name)

    def by_id(self, topic_id: bytes) -> Topic | None:
        """Find a topic by id."""
        return self._by_id.get(topic_id)

    def __iter__(self) -> Iterator[Topic]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def check_new(self, name: str) -> None:
        """Refuse a name that cannot be given to a new topic. Raises KafkaError."""
        check_name(name)
        if name in self._by_name:
            raise KafkaError(Error.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        other = self._collisions.get(_folded(name))
        if other is not None:
            raise _invalid(f"Topic '{name}' collides with existing topic: {other}")

    def create(
        self,
        name: str,
        partitions: int,
        replication_factor: int,
        overrides: Mapping[str, str],
        *,
        internal: bool = False,
    ) -> Topic:
        """Make a topic whose name, counts and configs have been checked."""
        cluster = self._cluster
        topic = Topic(
            name,
            cluster.new_uuid(),
            replication_factor,
            len(self._by_name) % len(cluster.nodes),
            dict(overrides),
            cluster.configs.topic_settings(overrides),
            internal=internal,
        )
        self._enter(topic, partitions)
        self._keep(topic)
        return topic

    def add_partitions(self, topic: Topic, count: int) -> None:
        """Grow a topic to `count` partitions."""
        while len(topic.partitions) < count:
            topic.partitions.append(Partition(self._cluster, topic, len(topic.partitions)))
        self.version += 1
        self._keep(topic)

    def configure(self, topic: Topic, overrides: Mapping[str, str]) -> None:
        """Replace the configs that are set on a topic; they have been checked."""
        topic.overrides = dict(overrides)
        self.refresh(topic)
        self._keep(topic)

    def refresh(self, topic: Topic) -> None:
        """Make a topic's settings anew: its overrides or the broker's defaults have changed."""
        topic.settings = self._cluster.configs.topic_settings(topic.overrides)
        for partition in topic.partitions:
            partition.configured()

    def delete(self, topic: Topic) -> None:
        """Delete a topic: its records, its id, what groups committed to it."""
        del self._by_name[topic.name]
        del self._by_id[topic.topic_id]
        self._collisions.pop(_folded(topic.name), None)
        self.version += 1
        self._cluster.journal.delete(_TABLE, topic.name)
        for partition in topic.partitions:
            partition.delete()
        self._cluster.groups.topic_deleted(topic)
        self._cluster.transactions.topic_deleted(topic)

    def wake_all(self) -> None:
        """Answer every parked fetch."""
        for topic in self:
            for partition in topic.partitions:
                partition.wake()

    def close(self) -> None:
        """Let go of all logs, but keep their files."""
        for topic in self:
            for partition in topic.partitions:
                partition.close()

    def erase(self) -> None:
        """Throw all topics away with their files, without telling groups: everything goes."""
        for topic in self:
            for partition in topic.partitions:
                partition.delete()
        self._by_name.clear()
        self._by_id.clear()

    def _enter(self, topic: Topic, partitions: int) -> None:
        topic.partitions += [Partition(self._cluster, topic, index) for index in range(partitions)]
        self._by_name[topic.name] = topic
        self._by_id[topic.topic_id] = topic
        self._collisions.setdefault(_folded(topic.name), topic.name)
        self.version += 1

    def _keep(self, topic: Topic) -> None:
        self._cluster.journal.put(
            _TABLE,
            topic.name,
            {
                "id": topic.topic_id.hex(),
                "partitions": len(topic.partitions),
                "replication_factor": topic.replication_factor,
                "first_node": topic.first_node,
                "configs": topic.overrides,
                "internal": topic.internal,
            },
        )

    def _restore(self, name: str, kept: Mapping[str, object]) -> None:
        overrides = cast("dict[str, str]", kept["configs"])
        topic = Topic(
            name,
            bytes.fromhex(str(kept["id"])),
            int(str(kept["replication_factor"])),
            int(str(kept["first_node"])),
            overrides,
            self._cluster.configs.topic_settings(overrides),
            internal=bool(kept["internal"]),
        )
        self._enter(topic, int(str(kept["partitions"])))


def _folded(name: str) -> str:
    return name.replace(".", "_")
