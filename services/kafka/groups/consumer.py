"""Consumer groups of KIP-848: the broker decides who reads what, and tells each member step by step in the answers to its heartbeats
(Apache Kafka's ConsumerGroup and GroupMetadataManager).

Three epochs: the group's rises whenever members or topics change; the target assignment's follows it when the assignor has run; a
member's follows that when it has given up all that it is not to have any more. A partition moves only after its former owner said that
it has let go of it, or was fenced.
"""

from __future__ import annotations

import base64
import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.errors import Error, KafkaError
from services.kafka.groups.assignors import Subscriber, assignor
from services.kafka.groups.consumer_members import (
    JOINING,
    LEAVING_FOR_NOW,
    Member,
    Owned,
    Partitions,
    Stage,
    is_subset,
    owned_of,
    written,
)
from services.kafka.groups.deadline import Deadline
from services.kafka.groups.group import CONSUMER_PROTOCOL, Group, Kind
from services.kafka.groups.reconciliation import Goal, next_step
from services.kafka.groups.settings import ASSIGNORS, consumer_settings
from services.kafka.groups.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Request, Response
    from services.kafka.state import Cluster

log = logging.getLogger("eventyard.kafka")

_COMMITS_WITH_MEMBER_EPOCH_FROM = 9


class Caller(NamedTuple):
    """Who sends a heartbeat."""

    client_id: str
    host: str
    may_describe: Callable[[str], bool]
    """Tells of a topic whether the caller may know that it exists."""


class ConsumerGroup(Group):
    """One consumer group."""

    kind = Kind.CONSUMER

    def __init__(self, cluster: Cluster, group_id: str, epoch: int = 0) -> None:
        super().__init__(cluster, group_id)
        self.epoch = epoch
        self.target_epoch = epoch
        self.members: dict[str, Member] = {}
        self.targets: dict[str, Partitions] = {}
        """What each member is to have, by member id."""
        self._static_ids: dict[str, str] = {}
        """Member ids by group.instance.id."""
        self._owners: dict[tuple[bytes, int], str] = {}
        """By topic id and index: who has a partition or has not given it up yet."""
        self._subscriptions = Subscriptions(cluster.topics)
        self._assigned_ms: int | None = None

    # What it is

    @property
    def state(self) -> str:
        """Tell how far the group is."""
        if not self.members:
            return "Empty"
        if self.epoch > self.target_epoch:
            return "Assigning"
        reconciled = all(member.is_reconciled_to(self.target_epoch) for member in self.members.values())
        return "Stable" if reconciled else "Reconciling"

    @property
    def listed_protocol_type(self) -> str:
        """Tell that the members are consumers."""
        return CONSUMER_PROTOCOL

    @property
    def member_count(self) -> int:
        """Tell how many members there are."""
        return len(self.members)

    @property
    def assignor_name(self) -> str:
        """Tell which assignor most members want."""
        votes = Counter(member.assignor for member in self.members.values() if member.assignor is not None)
        return votes.most_common(1)[0][0] if votes else ASSIGNORS[0]

    def is_subscribed_to(self, topic: str) -> bool:
        """Tell whether a member reads a topic."""
        return any(topic in self._subscriptions.of(member) for member in self.members.values())

    def facts(self) -> dict[str, Any]:
        """Tell what must outlive the process: members have to join again, but no epoch may come twice."""
        return {"epoch": self.epoch}

    # Heartbeats

    def beat(self, request: Request, caller: Caller, now_ms: int) -> Response:
        """ConsumerGroupHeartbeat of a member that joins or is in the group; the request has been checked.

        Raises KafkaError: GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID,
        INVALID_REGULAR_EXPRESSION. Nothing has changed then.
        """
        settings = consumer_settings(self.cluster, self.group_id)
        member_id = request["MemberId"]
        if len(self.members) >= settings.size_max and member_id not in self.members:
            raise KafkaError(
                Error.GROUP_MAX_SIZE_REACHED,
                f"The consumer group has reached its maximum capacity of {settings.size_max} members.",
            )
        owned = owned_of(request)
        former = self._find(request, owned)
        self._subscriptions.check(request["SubscribedTopicRegex"] or "")
        member = self._enter(member_id or _new_member_id(self.cluster), former)
        before = (member.names, member.regex)
        member.update(request, caller.client_id, caller.host)
        if member.instance_id is not None:
            self._static_ids[member.instance_id] = member.member_id
        subscription_changed = before != (member.names, member.regex)
        if self._must_bump(subscription_changed, caller, now_ms, settings.regex_refresh_interval_ms):
            self._bump()
        if self.target_epoch < self.epoch and self._may_assign(now_ms, settings.assignment_interval_ms):
            self._assign(now_ms)
        had = member.assigned
        self._reconcile(member, owned, now_ms, subscription_changed=subscription_changed)
        member.session.put(now_ms + settings.session_timeout_ms)
        answer: Response = {
            "MemberId": member.member_id,
            "MemberEpoch": member.epoch,
            "HeartbeatIntervalMs": settings.heartbeat_interval_ms,
        }
        if request["MemberEpoch"] == JOINING or _is_full(request) or member.assigned != had:
            answer["Assignment"] = written(member.assigned)
        return answer

    def _find(self, request: Request, owned: Owned | None) -> Member | None:
        """Find the member that a heartbeat is of, or the static one whose place it takes; None: it is new. Raises KafkaError."""
        member_id, epoch, instance_id = request["MemberId"], request["MemberEpoch"], request["InstanceId"]
        if instance_id is None:
            member = self.members.get(member_id)
            if member is None and epoch != JOINING:
                raise self._unknown(member_id)
            if member is not None:
                _check_epoch(member, epoch, owned)
            return member
        static = self._static(instance_id)
        if epoch != JOINING:
            _check_epoch(self._check_static(static, member_id, instance_id), epoch, owned)
        elif static is not None and static.epoch != LEAVING_FOR_NOW:
            raise KafkaError(
                Error.UNRELEASED_INSTANCE_ID,
                f"Static member {member_id} with instance id {instance_id} cannot join the group because the instance id is owned by "
                f"{static.member_id} member.",
            )
        return static if static is not None else self.members.get(member_id)

    def _enter(self, member_id: str, former: Member | None) -> Member:
        """Make the member that joins, in the place of a static one that has left for now if there is one."""
        if former is not None and former.member_id == member_id and former.epoch != LEAVING_FOR_NOW:
            return former
        clock = self.cluster.clock
        member = Member(
            member_id,
            Deadline(clock, partial(self._expire, member_id, "the member session expired")),
            Deadline(clock, partial(self._expire, member_id, "it did not give up its partitions in time")),
        )
        if former is not None:
            member.take_over(former)
            former.cancel()
            del self.members[former.member_id]
            self.targets[member_id] = self.targets.pop(former.member_id, {})
            for place in member.holds():
                self._owners[place] = member_id
        self.members[member_id] = member
        return member

    def _must_bump(self, subscription_changed: bool, caller: Caller, now_ms: int, interval_ms: int) -> bool:  # noqa: FBT001
        """Tell whether what members subscribe to has changed, by what they say or by topics made, grown and deleted.

        No member may be at epoch 0, which means joining: the first one counts even if it subscribes to nothing.
        """
        members = self.members.values()
        rematched = self._subscriptions.resolve(members, caller.may_describe, now_ms, interval_ms)
        bump = subscription_changed or rematched or self.epoch == 0
        if bump or self._subscriptions.is_outdated:
            bump |= self._subscriptions.refresh(members)
        return bump

    def _bump(self) -> None:
        self.epoch += 1
        log.debug("group %s is at epoch %d", self.group_id, self.epoch)
        if self.cluster.groups.get(self.group_id) is self:
            self.cluster.groups.keep(self)

    # Assigning

    def _may_assign(self, now_ms: int, interval_ms: int) -> bool:
        return self._assigned_ms is None or now_ms >= self._assigned_ms + interval_ms

    def _assign(self, now_ms: int) -> None:
        """Let the assignor make the target for the group's present epoch."""
        members = self.members.values()
        subscribers = [
            Subscriber(it.member_id, it.instance_id, self._subscriptions.ids_of(it), self.targets.get(it.member_id, {}))
            for it in members
        ]
        made = assignor(self.assignor_name)(subscribers, self._subscriptions.partitions_of(members))
        self.targets = {member_id: made.get(member_id, {}) for member_id in self.members}
        self.target_epoch = self.epoch
        self._assigned_ms = now_ms

    def _reconcile(self, member: Member, owned: Owned | None, now_ms: int, *, subscription_changed: bool) -> None:
        """Let a member make its next step towards its target."""
        if not subscription_changed and member.is_reconciled_to(self.target_epoch):
            return
        target = self.targets.get(member.member_id, {})
        goal = Goal(self.target_epoch, target, self._subscriptions.ids_of(member), self._is_taken)
        step = next_step(member, goal, owned, subscription_changed=subscription_changed)
        if step is None:
            return
        self._disown(member)
        member.previous_epoch, member.epoch = member.epoch, step.epoch
        member.stage, member.assigned, member.revoking = step.stage, step.assigned, step.revoking
        for place in member.holds():
            self._owners[place] = member.member_id
        if member.stage is Stage.UNREVOKED:
            member.rebalance.put(now_ms + member.rebalance_timeout_ms)
        else:
            member.rebalance.cancel()

    def _is_taken(self, topic_id: bytes, index: int) -> bool:
        return (topic_id, index) in self._owners

    def _disown(self, member: Member) -> None:
        for place in member.holds():
            if self._owners.get(place) == member.member_id:
                del self._owners[place]

    # Leaving

    def depart(self, request: Request) -> Response:
        """ConsumerGroupHeartbeat of a member that leaves, for good or for now. Raises KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID."""
        member_id, instance_id, epoch = request["MemberId"], request["InstanceId"], request["MemberEpoch"]
        if instance_id is None:
            member = self.members.get(member_id)
            if member is None:
                raise self._unknown(member_id)
        else:
            member = self._check_static(self._static(instance_id), member_id, instance_id)
        if instance_id is not None and epoch == LEAVING_FOR_NOW:
            self._leave_for_now(member)
        else:
            self._remove(member)
        return {"MemberId": member_id, "MemberEpoch": epoch}

    def _leave_for_now(self, member: Member) -> None:
        """Keep a static member's partitions for it until its session ends; what it was to give up is given up."""
        self._disown(member)
        member.epoch = LEAVING_FOR_NOW
        member.revoking = {}
        member.assigned = {topic_id: dict.fromkeys(epochs, 0) for topic_id, epochs in member.assigned.items()}
        member.rebalance.cancel()
        for place in member.holds():
            self._owners[place] = member.member_id

    def _remove(self, member: Member) -> None:
        """Let a member go; the others get what it had with their next heartbeats."""
        member.cancel()
        self._disown(member)
        del self.members[member.member_id]
        self.targets.pop(member.member_id, None)
        if member.instance_id is not None:
            self._static_ids.pop(member.instance_id, None)
        self._bump()

    def _expire(self, member_id: str, reason: str) -> None:
        member = self.members.get(member_id)
        if member is not None:
            log.info("group %s: member %s is fenced because %s", self.group_id, member_id, reason)
            self._remove(member)

    # Checks

    def _static(self, instance_id: str) -> Member | None:
        member_id = self._static_ids.get(instance_id)
        return None if member_id is None else self.members.get(member_id)

    def _unknown(self, member_id: str | None) -> KafkaError:
        return KafkaError(Error.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {self.group_id}.")

    def _check_static(self, member: Member | None, member_id: str, instance_id: str) -> Member:
        if member is None:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
        if member.member_id != member_id:
            raise KafkaError(
                Error.FENCED_INSTANCE_ID,
                f"Static member {member_id} with instance id {instance_id} was fenced by member {member.member_id}.",
            )
        return member

    def check_commit(
        self,
        member_id: str,
        instance_id: str | None,
        epoch: int,
        *,
        transactional: bool,
        version: int,
    ) -> Callable[[str, int], Error] | None:
        """Check a commit. A member may be an epoch behind, as long as it has had the partition since the epoch that it names."""
        if epoch < 0 and not self.members:
            return None
        if transactional and epoch == -1 and not member_id and instance_id is None:
            return None
        member = self.members.get(member_id)
        if member is None:
            raise self._unknown(member_id)
        if not transactional and version < _COMMITS_WITH_MEMBER_EPOCH_FROM:
            raise KafkaError(
                Error.UNSUPPORTED_VERSION,
                "OffsetCommit version 9 or above must be used by members using the consumer group protocol",
            )
        if epoch > member.epoch:
            raise KafkaError(
                Error.STALE_MEMBER_EPOCH,
                f"Received member epoch {epoch} is newer than current member epoch {member.epoch}.",
            )
        return None if epoch == member.epoch else partial(self._check_partition, member, epoch)

    def _check_partition(self, member: Member, epoch: int, topic_name: str, index: int) -> Error:
        topic = self.cluster.topics.get(topic_name)
        since = None if topic is None else member.epoch_of(topic.topic_id, index)
        return Error.STALE_MEMBER_EPOCH if since is None or epoch < since else Error.NONE

    def check_fetch(self, member_id: str | None, member_epoch: int) -> None:
        """Check OffsetFetch. Raises KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH."""
        if member_id is None and member_epoch < 0:
            return
        member = self.members.get(member_id) if member_id is not None else None
        if member is None:
            raise self._unknown(member_id)
        if member.epoch != member_epoch:
            raise KafkaError(
                Error.STALE_MEMBER_EPOCH,
                f"The received member epoch {member_epoch} does not match the expected member epoch {member.epoch}.",
            )

    def check_delete(self) -> None:
        """Check DeleteGroups. Raises KafkaError NON_EMPTY_GROUP."""
        if self.members:
            raise KafkaError(Error.NON_EMPTY_GROUP)

    # Showing and ending

    def describe(self) -> Response:
        """Tell what ConsumerGroupDescribe shows."""
        return {
            "GroupId": self.group_id,
            "GroupState": self.state,
            "GroupEpoch": self.epoch,
            "AssignmentEpoch": self.target_epoch,
            "AssignorName": self.assignor_name,
            "Members": [self._described(member) for member in self.members.values()],
        }

    def _described(self, member: Member) -> Response:
        held: Partitions = {}
        for topic_id, index in member.holds():
            held.setdefault(topic_id, set()).add(index)
        target = self.targets.get(member.member_id, {})
        return {
            "MemberId": member.member_id,
            "InstanceId": member.instance_id,
            "RackId": member.rack_id,
            "MemberEpoch": member.epoch,
            "ClientId": member.client_id,
            "ClientHost": member.client_host,
            "SubscribedTopicNames": sorted(member.names),
            "SubscribedTopicRegex": member.regex,
            "Assignment": {"TopicPartitions": self._subscriptions.named(held)},
            "TargetAssignment": {"TopicPartitions": self._subscriptions.named(target)},
            "MemberType": 1,
        }

    def summary(self) -> dict[str, Any]:
        """Tell what GET /_eventyard/kafka shows."""
        return {
            "generation": self.epoch,
            "protocol": self.assignor_name,
            "members": [
                {
                    "member_id": member.member_id,
                    "instance_id": member.instance_id,
                    "client_id": member.client_id,
                    "epoch": member.epoch,
                    "partitions": sorted(
                        f"{topic.name}-{index}"
                        for topic_id, index in member.holds()
                        if (topic := self.cluster.topics.by_id(topic_id)) is not None
                    ),
                }
                for member in self.members.values()
            ],
        }

    def close(self) -> None:
        """End all timers."""
        for member in self.members.values():
            member.cancel()


def _check_epoch(member: Member, epoch: int, owned: Owned | None) -> None:
    """Refuse a member epoch that is not the member's. The one before is good from a member that owns nothing it should not: the
    answer that told of the new one may be lost. Raises KafkaError FENCED_MEMBER_EPOCH.
    """
    if epoch in (JOINING, member.epoch):
        return
    if epoch < member.epoch and epoch == member.previous_epoch and is_subset(owned, member.assigned):
        return
    size = "greater" if epoch > member.epoch else "smaller"
    raise KafkaError(
        Error.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {size} member epoch ({epoch}) than the one known by the group coordinator ({member.epoch}). "
        "The member must abandon all its partitions and rejoin.",
    )


def _is_full(request: Request) -> bool:
    """Tell whether a heartbeat tells everything, as after an error: then its answer does, too."""
    subscribes = request["SubscribedTopicNames"] is not None or request["SubscribedTopicRegex"] is not None
    return request["RebalanceTimeoutMs"] != -1 and subscribes and request["TopicPartitions"] is not None


def _new_member_id(cluster: Cluster) -> str:
    return base64.urlsafe_b64encode(cluster.new_uuid()).decode().rstrip("=")
