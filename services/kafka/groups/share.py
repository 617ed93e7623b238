"""Share groups (KIP-932): many members may read one partition, each record goes to one of them at a time and is acknowledged on its own.

This is who is in the group and who reads which partitions. The records are in share_ledger.py and share_partition.py.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from services.kafka.errors import Error, KafkaError
from services.kafka.groups.assignors import Subscriber
from services.kafka.groups.consumer_members import JOINING, Partitions, written
from services.kafka.groups.deadline import Deadline
from services.kafka.groups.group import Group, Kind
from services.kafka.groups.settings import share_settings
from services.kafka.groups.share_assignor import assign_shared
from services.kafka.groups.share_ledger import ShareLedger
from services.kafka.groups.share_sessions import ShareSessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Request, Response
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

log = logging.getLogger("eventyard.kafka")

SHARE_PROTOCOL = "share"
ASSIGNOR = "simple"


@dataclass(slots=True, eq=False)
class ShareMember:
    """One member."""

    member_id: str
    session: Deadline
    """Ends the membership if nothing is heard."""
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    names: frozenset[str] = frozenset()
    epoch: int = 0
    previous_epoch: int = -1
    assigned: Partitions = field(default_factory=dict)


class ShareGroup(Group):
    """One share group."""

    kind = Kind.SHARE

    def __init__(self, cluster: Cluster, group_id: str, epoch: int = 0) -> None:
        super().__init__(cluster, group_id)
        self.epoch = self.target_epoch = epoch
        self.members: dict[str, ShareMember] = {}
        self.ledger = ShareLedger(cluster, group_id)
        self.sessions = ShareSessions()
        self._targets: dict[str, Partitions] = {}
        self._topics_version = -1
        self._known: dict[str, tuple[bytes, int]] = {}
        """Id and number of partitions of each topic that the group reads."""
        self._assigned_ms: int | None = None

    # What it is

    @property
    def state(self) -> str:
        """Tell whether anybody is in it."""
        return "Stable" if self.members else "Empty"

    @property
    def listed_protocol_type(self) -> str:
        """Tell that the members share."""
        return SHARE_PROTOCOL

    @property
    def member_count(self) -> int:
        """Tell how many members there are."""
        return len(self.members)

    @property
    def has_offsets(self) -> bool:
        """Members acknowledge records, they commit no offsets."""
        return False

    def is_subscribed_to(self, topic: str) -> bool:
        """Tell whether a member reads a topic."""
        return any(topic in member.names for member in self.members.values())

    def facts(self) -> dict[str, Any]:
        """Tell what must outlive the process beside the ledger: members have to join again, but no epoch may come twice."""
        return {"epoch": self.epoch}

    # Heartbeats

    def beat(self, request: Request, client_id: str, client_host: str, now_ms: int) -> Response:
        """ShareGroupHeartbeat of a member that joins or is in the group; the request has been checked.

        Raises KafkaError GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH.
        """
        settings = share_settings(self.cluster, self.group_id)
        member_id, epoch = request["MemberId"], request["MemberEpoch"]
        member = self.members.get(member_id)
        if member is None and len(self.members) >= settings.size_max:
            raise KafkaError(
                Error.GROUP_MAX_SIZE_REACHED,
                f"The share group has reached its maximum capacity of {settings.size_max} members.",
            )
        if member is None:
            if epoch != JOINING:
                raise self._unknown(member_id)
            member = self.members[member_id] = ShareMember(
                member_id, Deadline(self.cluster.clock, partial(self._expire, member_id))
            )
        _check_epoch(member, epoch)
        if self._update(member, request, client_id, client_host):
            self._bump()
        if self.target_epoch < self.epoch and self._may_assign(now_ms, settings.assignment_interval_ms):
            self._assign(now_ms)
        had = member.assigned
        self._reconcile(member)
        member.session.put(now_ms + settings.session_timeout_ms)
        answer: Response = {
            "MemberId": member_id,
            "MemberEpoch": member.epoch,
            "HeartbeatIntervalMs": settings.heartbeat_interval_ms,
        }
        if epoch == JOINING or request["SubscribedTopicNames"] is not None or member.assigned != had:
            answer["Assignment"] = written(member.assigned)
        return answer

    def _update(self, member: ShareMember, request: Request, client_id: str, client_host: str) -> bool:
        """Take over what a heartbeat says. Answers whether it, or what happened to topics, calls for a new assignment."""
        before = member.names
        if request["RackId"] is not None:
            member.rack_id = request["RackId"]
        if request["SubscribedTopicNames"] is not None:
            member.names = frozenset(request["SubscribedTopicNames"])
        member.client_id, member.client_host = client_id, client_host
        changed = member.names != before
        if changed or self._topics_version != self.cluster.topics.version:
            changed |= self._refresh()
        return changed

    def _refresh(self) -> bool:
        """Look whether a topic of the group was made, deleted or has got partitions; begin with those that are new."""
        topics = self.cluster.topics
        self._topics_version = topics.version
        names = frozenset().union(*(member.names for member in self.members.values()))
        found = {name: topic for name in names if (topic := topics.get(name)) is not None}
        known = {name: (topic.topic_id, len(topic.partitions)) for name, topic in found.items()}
        if known == self._known:
            return False
        self._known = known
        for topic_id, count in known.values():
            self.ledger.initialize((topic_id, index) for index in range(count))
        return True

    def _bump(self) -> None:
        self.epoch += 1
        if self.cluster.groups.get(self.group_id) is self:
            self.cluster.groups.keep(self)

    # Assigning

    def _may_assign(self, now_ms: int, interval_ms: int) -> bool:
        return self._assigned_ms is None or now_ms >= self._assigned_ms + interval_ms

    def _ids_of(self, member: ShareMember) -> frozenset[bytes]:
        topics = self.cluster.topics
        return frozenset(topic.topic_id for name in member.names if (topic := topics.get(name)) is not None)

    def _assign(self, now_ms: int) -> None:
        counts = {topic_id: count for _, (topic_id, count) in sorted(self._known.items())}
        subscribers = [
            Subscriber(it.member_id, None, self._ids_of(it), self._targets.get(it.member_id, {}))
            for it in self.members.values()
        ]
        self._targets = assign_shared(subscribers, counts)
        self.target_epoch = self.epoch
        self._assigned_ms = now_ms

    def _reconcile(self, member: ShareMember) -> None:
        """Let a member have its target at once: nobody has to give up anything before."""
        subscribed = self._ids_of(member)
        source = self._targets.get(member.member_id, {}) if member.epoch != self.target_epoch else member.assigned
        member.assigned = {topic_id: indexes for topic_id, indexes in source.items() if topic_id in subscribed}
        if member.epoch != self.target_epoch:
            member.previous_epoch, member.epoch = member.epoch, self.target_epoch

    # Leaving

    def depart(self, request: Request) -> Response:
        """ShareGroupHeartbeat of a member that leaves. Raises KafkaError UNKNOWN_MEMBER_ID."""
        member = self.members.get(request["MemberId"])
        if member is None:
            raise self._unknown(request["MemberId"])
        self._remove(member)
        return {"MemberId": member.member_id, "MemberEpoch": request["MemberEpoch"]}

    def _remove(self, member: ShareMember) -> None:
        member.session.cancel()
        del self.members[member.member_id]
        self._targets.pop(member.member_id, None)
        self._refresh()
        self._bump()

    def _expire(self, member_id: str) -> None:
        member = self.members.get(member_id)
        if member is not None:
            log.info("share group %s: member %s is fenced because the member session expired", self.group_id, member_id)
            self._remove(member)

    # Checks

    def _unknown(self, member_id: str) -> KafkaError:
        return KafkaError(Error.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {self.group_id}.")

    def _no_consumers(self) -> KafkaError:
        return KafkaError(Error.GROUP_ID_NOT_FOUND, f"Group {self.group_id} is not a consumer group.")

    def check_commit(
        self,
        member_id: str,  # noqa: ARG002 - the shape
        instance_id: str | None,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        *,
        transactional: bool,  # noqa: ARG002
        version: int,  # noqa: ARG002
    ) -> Callable[[str, int], Error] | None:
        """Nobody commits to a share group. Raises KafkaError GROUP_ID_NOT_FOUND."""
        raise self._no_consumers()

    def check_fetch(self, member_id: str | None, member_epoch: int) -> None:  # noqa: ARG002
        """Nobody commits to a share group. Raises KafkaError GROUP_ID_NOT_FOUND."""
        raise self._no_consumers()

    def check_offset_delete(self) -> None:
        """Nobody commits to a share group. Raises KafkaError GROUP_ID_NOT_FOUND."""
        raise self._no_consumers()

    def check_delete(self) -> None:
        """Check that nobody is a member. Raises KafkaError NON_EMPTY_GROUP."""
        if self.members:
            raise KafkaError(Error.NON_EMPTY_GROUP)

    # Showing and ending

    def describe(self) -> Response:
        """Tell what ShareGroupDescribe shows."""
        return {
            "GroupId": self.group_id,
            "GroupState": self.state,
            "GroupEpoch": self.epoch,
            "AssignmentEpoch": self.target_epoch,
            "AssignorName": ASSIGNOR,
            "Members": [
                {
                    "MemberId": member.member_id,
                    "RackId": member.rack_id,
                    "MemberEpoch": member.epoch,
                    "ClientId": member.client_id,
                    "ClientHost": member.client_host,
                    "SubscribedTopicNames": sorted(member.names),
                    "Assignment": {
                        "TopicPartitions": [
                            {"TopicId": topic.topic_id, "TopicName": topic.name, "Partitions": sorted(indexes)}
                            for topic, indexes in self._named(member.assigned)
                        ]
                    },
                }
                for member in self.members.values()
            ],
        }

    def _named(self, partitions: Partitions) -> list[tuple[Topic, set[int]]]:
        topics = self.cluster.topics
        return [
            (topic, indexes)
            for topic_id, indexes in partitions.items()
            if (topic := topics.by_id(topic_id)) is not None
        ]

    def summary(self) -> dict[str, Any]:
        """Tell what GET /_eventyard/kafka shows."""
        topics = self.cluster.topics
        return {
            "generation": self.epoch,
            "protocol": ASSIGNOR,
            "members": [
                {
                    "member_id": member.member_id,
                    "client_id": member.client_id,
                    "epoch": member.epoch,
                    "partitions": sorted(
                        f"{topic.name}-{index}" for topic, indexes in self._named(member.assigned) for index in indexes
                    ),
                }
                for member in self.members.values()
            ],
            "shared": [
                {
                    "topic": topic.name,
                    "partition": index,
                    "start_offset": state.start_offset,
                    "in_flight": state.in_flight,
                    "lag": topic.partitions[index].high_watermark - state.start_offset - state.done,
                }
                for topic_id, index in sorted(self.ledger.places())
                if (topic := topics.by_id(topic_id)) is not None
                and (state := self.ledger.get((topic_id, index))) is not None
            ],
        }

    def topic_deleted(self, topic: str) -> None:  # noqa: ARG002 - by now its name says nothing
        """Forget the state of partitions that are gone."""
        for topic_id in {topic_id for topic_id, _ in self.ledger.places()}:
            if self.cluster.topics.by_id(topic_id) is None:
                self.ledger.forget_topic(topic_id)

    def removed(self) -> None:
        """The group is gone, and with it what it knew of records."""
        self.close()
        self.ledger.erase()

    def close(self) -> None:
        """End all timers."""
        for member in self.members.values():
            member.session.cancel()
        self.ledger.close()


def _check_epoch(member: ShareMember, epoch: int) -> None:
    """Refuse a member epoch that is neither the member's nor the one before. Raises KafkaError FENCED_MEMBER_EPOCH."""
    if epoch in (JOINING, member.epoch) or (epoch < member.epoch and epoch == member.previous_epoch):
        return
    size = "greater" if epoch > member.epoch else "smaller"
    before = (
        f", and it does not match the previous member epoch ({member.previous_epoch})" if epoch < member.epoch else ""
    )
    raise KafkaError(
        Error.FENCED_MEMBER_EPOCH,
        f"The share group member has a {size} member epoch ({epoch}) than the one known by the group coordinator ({member.epoch})"
        f"{before}. The member must abandon all its partitions and rejoin.",
    )
