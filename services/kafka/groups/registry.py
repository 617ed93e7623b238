"""All groups of a cluster, of every kind, and the way to their offsets (Apache Kafka's GroupCoordinatorService)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Resource
from services.kafka.errors import Error, KafkaError
from services.kafka.groups import commits
from services.kafka.groups.classic import ClassicGroup
from services.kafka.groups.consumer import ConsumerGroup
from services.kafka.groups.group import Kind
from services.kafka.groups.offsets import Offsets
from services.kafka.groups.share import ShareGroup

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.kafka.acls import Operation
    from services.kafka.api.base import Call, Request, Response
    from services.kafka.groups.group import Group
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

_TABLE = "groups"


class Groups:
    """The groups of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.groups: dict[str, Group] = {}
        self.offsets = Offsets(cluster.journal)
        for group_id, facts in cluster.journal.load(_TABLE).items():
            self.groups[group_id] = _restored(cluster, group_id, facts)
        for group_id in self.offsets.groups() - self.groups.keys():
            self.groups[group_id] = ClassicGroup(cluster, group_id)

    # Finding

    def get(self, group_id: str) -> Group | None:
        """Find a group."""
        return self.groups.get(group_id)

    def find(self, group_id: str, missing: Error) -> Group:
        """Find a group. Raises KafkaError `missing`."""
        group = self.groups.get(group_id)
        if group is None:
            raise KafkaError(missing)
        return group

    def check(self, call: Call, operation: Operation, group_id: str, *, empty_allowed: bool = False) -> None:
        """Check that the caller may do this to a group, and has come to the broker that coordinates it.

        `empty_allowed`: offsets may be kept for the group "", as of old.
        Raises KafkaError GROUP_AUTHORIZATION_FAILED, COORDINATOR_NOT_AVAILABLE, INVALID_GROUP_ID, NOT_COORDINATOR.
        """
        if not call.allowed(operation, Resource.GROUP, group_id):
            raise KafkaError(Error.GROUP_AUTHORIZATION_FAILED)
        self.check_coordinator(call, group_id, empty_allowed=empty_allowed)

    def check_coordinator(self, call: Call, group_id: str, *, empty_allowed: bool = False) -> None:
        """Check that this broker answers for a group now. Raises KafkaError, see `check`."""
        if self._cluster.stopping:
            raise KafkaError(Error.COORDINATOR_NOT_AVAILABLE)
        if not group_id and not empty_allowed:
            raise KafkaError(Error.INVALID_GROUP_ID)
        if self._cluster.coordinator(group_id).node_id != call.peer.node_id:
            raise KafkaError(Error.NOT_COORDINATOR)

    def classic_for_join(self, group_id: str, *, create: bool) -> Group:
        """Find the group that a JoinGroup goes to; `create` it if it does not exist, and in place of an empty consumer group.

        Raises KafkaError UNKNOWN_MEMBER_ID.
        """
        group = self.groups.get(group_id)
        if group is not None and not (group.kind is Kind.CONSUMER and group.is_empty):
            return group
        if not create:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        return self.add(ClassicGroup(self._cluster, group_id))

    # Changing

    def add(self, group: Group) -> Group:
        """Enter a group; in place of an empty one of another kind, whose offsets stay."""
        former = self.groups.get(group.group_id)
        if former is not None:
            former.removed()
        self.groups[group.group_id] = group
        self.keep(group)
        return group

    def keep(self, group: Group) -> None:
        """Write down what must outlive the process of a group."""
        facts = group.facts()
        if facts is None:
            self._cluster.journal.delete(_TABLE, group.group_id)
        else:
            self._cluster.journal.put(_TABLE, group.group_id, {"kind": group.kind.value, **facts})

    def delete(self, group_id: str) -> None:
        """Delete an empty group and all that it has committed. Raises KafkaError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP."""
        group = self.groups.get(group_id)
        if group is None:
            raise KafkaError(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} not found.")
        group.check_delete()
        self.offsets.delete_group(group_id)
        self._remove(group)

    def _remove(self, group: Group) -> None:
        del self.groups[group.group_id]
        self._cluster.journal.delete(_TABLE, group.group_id)
        group.removed()

    def expire(self, now_ms: int) -> None:
        """Forget offsets whose retention is over, and groups that have neither members nor offsets."""
        retention_ms = self._cluster.configs.offsets_retention_ms
        for group in list(self.groups.values()):
            if group.has_offsets and self.offsets.expire(group, now_ms, retention_ms) and group.is_empty:
                self._remove(group)

    def topic_deleted(self, topic: Topic) -> None:
        """A topic is gone, and what was committed for it."""
        self.offsets.delete_topic(topic.name)
        for group in list(self.groups.values()):
            group.topic_deleted(topic.name)

    # Offsets of transactions

    def txn_offset_commit(self, call: Call, request: Request) -> Response:
        """TxnOffsetCommit of a caller who may, in a transaction that the producer may write to."""
        return commits.txn_offset_commit(call, request)

    def end_transaction(self, producer_id: int, group_ids: Collection[str], commit: bool, now_ms: int) -> None:  # noqa: ARG002, FBT001
        """A transaction has ended: what it committed for these groups counts, or is forgotten."""
        self.offsets.end_transaction(producer_id, group_ids, commit=commit)

    # Showing and ending

    def describe_all(self) -> list[dict[str, Any]]:
        """Tell what GET /_eventyard/kafka shows of all groups."""
        return [self._described(group) for _, group in sorted(self.groups.items())]

    def _described(self, group: Group) -> dict[str, Any]:
        offsets = [
            {
                "topic": topic,
                "partition": index,
                "committed_offset": committed.offset,
                "end_offset": None if partition is None else partition.high_watermark,
                "lag": None if partition is None else max(0, partition.high_watermark - committed.offset),
            }
            for topic, partitions in sorted(self.offsets.of(group.group_id).items())
            for index, committed in sorted(partitions.items())
            for partition in [self._cluster.partition(topic, index)]
        ]
        return {
            "group": group.group_id,
            "kind": group.kind.value,
            "state": group.state,
            "protocol_type": group.listed_protocol_type,
            **group.summary(),
            "offsets": offsets,
        }

    def drain(self) -> None:
        """Answer everything that is parked."""
        for group in self.groups.values():
            group.drain()

    def close(self) -> None:
        """Answer everything that is parked, end all timers."""
        for group in self.groups.values():
            group.close()


def _restored(cluster: Cluster, group_id: str, facts: dict[str, Any]) -> Group:
    """Make a group of a former process again."""
    if facts["kind"] == Kind.CONSUMER:
        return ConsumerGroup(cluster, group_id, facts["epoch"])
    if facts["kind"] == Kind.SHARE:
        return ShareGroup(cluster, group_id, facts["epoch"])
    return ClassicGroup.restored(cluster, group_id, facts)
