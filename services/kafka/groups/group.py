"""What every kind of group is to the coordinator (org.apache.kafka.coordinator.group.Group)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.state import Cluster

CONSUMER_PROTOCOL = "consumer"
"""The protocol type of consumers; Connect workers say `connect`, schema registries `sr`."""


class Kind(StrEnum):
    """Kinds of groups, as ListGroups writes them (Group.GroupType)."""

    CLASSIC = "classic"
    CONSUMER = "consumer"
    SHARE = "share"


class Group:
    """One group. Subclasses add members; they call `cluster.groups.keep(self)` when what `facts` tells has changed."""

    kind: Kind
    """Set by the subclass."""

    def __init__(self, cluster: Cluster, group_id: str) -> None:
        self.cluster = cluster
        self.group_id = group_id

    @property
    def state(self) -> str:
        """Tell the state in Kafka's words: Empty, Stable, PreparingRebalance, Assigning, Reconciling, Dead, ..."""
        raise NotImplementedError

    @property
    def listed_protocol_type(self) -> str:
        """Tell what ListGroups says: `consumer` for consumers, `share` for share groups, "" for a group that only commits."""
        raise NotImplementedError

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody is a member: only then it may be deleted, converted and expire."""
        return self.member_count == 0

    @property
    def member_count(self) -> int:
        """Tell how many members there are."""
        raise NotImplementedError

    @property
    def has_offsets(self) -> bool:
        """Tell whether members commit offsets to it; those of share groups do not."""
        return True

    def check_commit(
        self, member_id: str, instance_id: str | None, epoch: int, *, transactional: bool, version: int
    ) -> Callable[[str, int], Error] | None:
        """Check OffsetCommit (or, `transactional`, TxnOffsetCommit) of this member; `epoch` is its generation or member epoch.

        Answers None if every partition may be committed, else what tells of each (topic, partition) whether it may be.
        Raises KafkaError: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH, ...
        `version` is the request's.
        """
        raise NotImplementedError

    def committed(self, member_id: str, now_ms: int) -> None:
        """Note that a member has committed: in classic groups that is a sign of life."""

    def check_fetch(self, member_id: str | None, member_epoch: int) -> None:
        """Check OffsetFetch. Raises KafkaError: UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH; GROUP_ID_NOT_FOUND: answer that nothing is
        committed.
        """

    def check_offset_delete(self) -> None:
        """Check OffsetDelete as a whole; partitions of topics that `is_subscribed_to` are refused one by one. Raises KafkaError
        NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND.
        """

    def check_delete(self) -> None:
        """Check DeleteGroups. Raises KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND."""
        raise NotImplementedError

    def is_subscribed_to(self, topic: str) -> bool:
        """Tell whether a member reads a topic: then its offsets are neither expired nor deleted."""
        raise NotImplementedError

    def expiry_base_ms(self, commit_ms: int) -> int | None:
        """Tell since when the retention of an offset counts that was committed at `commit_ms`; None: it does not expire now."""
        return commit_ms

    def join(self, call: Call, request: Request) -> Answer:  # noqa: ARG002 - the shape
        """JoinGroup. Consumer groups may take members of the classic protocol, others refuse. Raises KafkaError
        INCONSISTENT_GROUP_PROTOCOL.
        """
        raise KafkaError(Error.INCONSISTENT_GROUP_PROTOCOL)

    def sync(self, call: Call, request: Request) -> Answer:  # noqa: ARG002 - the shape
        """SyncGroup. Raises KafkaError UNKNOWN_MEMBER_ID."""
        raise KafkaError(Error.UNKNOWN_MEMBER_ID)

    def heartbeat(self, member_id: str, instance_id: str | None, generation: int, now_ms: int) -> None:  # noqa: ARG002
        """Heartbeat of the classic protocol. Raises KafkaError: REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, ..."""
        raise KafkaError(Error.UNKNOWN_MEMBER_ID)

    def leave(self, members: Sequence[tuple[str, str | None]], now_ms: int) -> list[Error]:  # noqa: ARG002 - the shape
        """LeaveGroup of (member id, instance id): a member or, with an empty member id, an instance. Answers what came of each."""
        return [Error.UNKNOWN_MEMBER_ID for _ in members]

    def topic_deleted(self, topic: str) -> None:
        """A topic is gone; its committed offsets are too."""

    def facts(self) -> dict[str, Any] | None:
        """Tell what must outlive the process, as JSON; None: nothing (its offsets are kept anyhow)."""
        return None

    def summary(self) -> dict[str, Any]:
        """Tell what GET /_eventyard/kafka shows of the members: JSON, with the key `members` at least."""
        raise NotImplementedError

    def removed(self) -> None:
        """The group is gone (deleted, expired or converted): end its timers, answer what is parked."""
        self.close()

    def drain(self) -> None:
        """Answer everything that is parked with a retriable error; the server is about to stop."""

    def close(self) -> None:
        """End all timers, answer everything that is parked."""
        self.drain()
