"""Classic groups: what JoinGroup, SyncGroup, Heartbeat, LeaveGroup and commits ask of them (Apache Kafka's ClassicGroup).

The broker does not know what members share: it passes their words to one of them, the leader, and the leader's decision back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from services.kafka.errors import Error, KafkaError
from services.kafka.groups.group import CONSUMER_PROTOCOL, Kind
from services.kafka.groups.members import Member, Protocols
from services.kafka.groups.rebalance import Phase, Rebalance, answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.state import Cluster

_MEMBER_ID_REQUIRED_FROM = 4
"""JoinGroup versions whose clients join twice: first for an id, so that one that gives up leaves no member behind."""
_SKIP_ASSIGNMENT_FROM = 9


class ClassicGroup(Rebalance):
    """One classic group."""

    kind = Kind.CLASSIC

    @classmethod
    def restored(cls, cluster: Cluster, group_id: str, facts: dict[str, Any]) -> ClassicGroup:
        """Make a group again that a former process has kept: its members have gone, its generation goes on."""
        group = cls(cluster, group_id)
        group.protocol_type = facts["protocol_type"]
        group.generation = facts["generation"]
        group.since_ms = facts["empty_since_ms"] or group.since_ms
        group.topics = set() if group.protocol_type == CONSUMER_PROTOCOL else None
        return group

    def facts(self) -> dict[str, Any] | None:
        """Tell what must outlive the process; of a group that only commits, its offsets tell all."""
        if self.protocol_type is None:
            return None
        empty_since_ms = self.since_ms if self.phase is Phase.EMPTY else None
        return {"protocol_type": self.protocol_type, "generation": self.generation, "empty_since_ms": empty_since_ms}

    # What it is

    @property
    def state(self) -> str:
        """Tell the phase."""
        return self.phase.value

    @property
    def listed_protocol_type(self) -> str:
        """Tell what the members are: consumer, connect, ..."""
        return self.protocol_type or ""

    @property
    def is_empty(self) -> bool:
        """Tell whether it is in the state Empty."""
        return self.phase is Phase.EMPTY

    @property
    def member_count(self) -> int:
        """Tell how many members there are."""
        return len(self.members)

    def is_subscribed_to(self, topic: str) -> bool:
        """Tell whether a member reads a topic; while consumers have not said what they read, it may be any."""
        return topic in self.topics if self.topics is not None else self.protocol_type == CONSUMER_PROTOCOL

    def expiry_base_ms(self, commit_ms: int) -> int | None:
        """Tell since when retention counts: since the group is empty, or since the commit where nobody ever joins (KIP-211)."""
        if self.protocol_type is None:
            return commit_ms
        if self.phase is Phase.EMPTY:
            return self.since_ms
        stable = self.phase is Phase.STABLE and self.protocol_type == CONSUMER_PROTOCOL and self.topics is not None
        return commit_ms if stable else None

    def describe(self) -> Response:
        """Tell what DescribeGroups shows; what members say is shown while the group is stable."""
        stable = self.phase is Phase.STABLE
        return {
            "GroupId": self.group_id,
            "GroupState": self.state,
            "ProtocolType": self.protocol_type or "",
            "ProtocolData": (self.protocol or "") if stable else "",
            "Members": [
                {
                    "MemberId": member.member_id,
                    "GroupInstanceId": member.instance_id,
                    "ClientId": member.client_id,
                    "ClientHost": member.client_host,
                    "MemberMetadata": member.metadata(self.protocol) if stable else b"",
                    "MemberAssignment": member.assignment,
                }
                for member in self.members
            ],
        }

    def summary(self) -> dict[str, Any]:
        """Tell what GET /_eventyard/kafka shows."""
        return {
            "generation": self.generation,
            "protocol": self.protocol,
            "leader": self.members.leader,
            "members": [
                {"member_id": member.member_id, "instance_id": member.instance_id, "client_id": member.client_id}
                for member in self.members
            ],
        }

    # Joining

    def join(self, call: Call, request: Request) -> Answer:
        """JoinGroup. Raises KafkaError."""
        member_id = request["MemberId"]
        if not self._has_room(member_id):
            self._turn_away(member_id)
            return {"ErrorCode": Error.GROUP_MAX_SIZE_REACHED}
        if not self._speaks(request["ProtocolType"], [one["Name"] for one in request["Protocols"]]):
            raise KafkaError(Error.INCONSISTENT_GROUP_PROTOCOL)
        if not member_id:
            return self._join_new(call, request)
        if request["GroupInstanceId"] is None and self.members.drop_pending(member_id):
            return self.enter(self._new_member(call, request, member_id), request["ProtocolType"])
        return self._join_again(self.check_member(member_id, request["GroupInstanceId"]), request)

    def _has_room(self, member_id: str) -> bool:
        size_max = self.cluster.configs.group_max_size
        member = self.members.by_id.get(member_id)
        if self.phase is Phase.PREPARING:
            # Those who have joined count, so that the last ones are turned away if the bound was lowered.
            return (member is not None and member.join is not None) or self.members.joining < size_max
        return self.phase is Phase.EMPTY or member is not None or len(self.members) < size_max

    def _turn_away(self, member_id: str) -> None:
        member = self.members.by_id.get(member_id)
        if member is not None:
            self.dismiss(member)
        self.members.drop_pending(member_id)
        self.try_complete_join()

    def _speaks(self, protocol_type: str, names: list[str]) -> bool:
        if self.phase is Phase.EMPTY:
            return bool(protocol_type) and bool(names)
        return protocol_type == self.protocol_type and self.members.speaks(names)

    def _new_member(self, call: Call, request: Request, member_id: str) -> Member:
        return Member(
            member_id,
            request["GroupInstanceId"],
            call.client_id or "",
            f"/{call.peer.host}",
            request["RebalanceTimeoutMs"],
            request["SessionTimeoutMs"],
            _protocols(request),
            is_new=True,
        )

    def _join_new(self, call: Call, request: Request) -> Answer:
        instance_id = request["GroupInstanceId"]
        member_id = f"{call.client_id or '' if instance_id is None else instance_id}-{self.cluster.ids.uuid()}"
        if instance_id in self.members.static_ids:
            return self._replace(call, request, member_id)
        if instance_id is None and call.version >= _MEMBER_ID_REQUIRED_FROM:
            until_ms = self.cluster.clock.now_ms() + request["SessionTimeoutMs"]
            give_up = partial(self._pending_due, member_id)
            self.members.pending[member_id] = self.cluster.clock.call_at(until_ms, give_up)
            return {"ErrorCode": Error.MEMBER_ID_REQUIRED, "MemberId": member_id}
        return self.enter(self._new_member(call, request, member_id), request["ProtocolType"])

    def _pending_due(self, member_id: str) -> None:
        self.members.drop_pending(member_id)
        if self.phase is Phase.PREPARING:
            self.members_left()

    def _join_again(self, member: Member, request: Request) -> Answer:
        if self.phase is Phase.EMPTY:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        leads = member.member_id == self.members.leader
        same = member.protocols == _protocols(request)
        if same and (self.phase is Phase.COMPLETING or (self.phase is Phase.STABLE and not leads)):
            # It has missed the answer to its first request. A leader of a stable group wants a new assignment: topics have changed.
            return self.joined(member, self.listed_members() if leads else [])
        self._update(member, request)
        future = self.park_join(member)
        self.changed()
        return future

    def _update(self, member: Member, request: Request) -> None:
        timeouts = request["RebalanceTimeoutMs"], request["SessionTimeoutMs"]
        self.members.update(member, _protocols(request), *timeouts)

    def _replace(self, call: Call, request: Request, member_id: str) -> Answer:
        """A static member has come back with no id: it takes the place of its former self, whose requests are fenced from now on."""
        instance_id = request["GroupInstanceId"]
        former_id, former_leader = self.members.static_ids[instance_id], self.members.leader
        member = self.members.rename(instance_id, member_id)
        fenced: Response = {"ErrorCode": Error.FENCED_INSTANCE_ID}
        answer(self.members.take_join(member), fenced | {"MemberId": former_id})
        self.answer_sync(member, fenced)
        member.is_new = False
        self.touch(member)
        self._update(member, request)
        if self.phase is Phase.STABLE and self.members.choose_protocol() == self.protocol:
            leads = member_id == self.members.leader
            if call.version >= _SKIP_ASSIGNMENT_FROM:
                return self.joined(member, self.listed_members() if leads else []) | {"SkipAssignment": leads}
            # Older clients cannot be told to skip the assignment, so the leader is not told that it leads.
            return self.joined(member, []) | {"Leader": former_leader}
        future = self.park_join(member)
        self.changed()
        return future

    # Syncing, heartbeats, leaving

    def check_member(self, member_id: str, instance_id: str | None) -> Member:
        """Find a member. Raises KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID."""
        if instance_id is not None:
            known = self.members.static_ids.get(instance_id)
            if known is not None and known != member_id:
                raise KafkaError(Error.FENCED_INSTANCE_ID)
            if known is None:
                raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        member = self.members.by_id.get(member_id)
        if member is None:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        return member

    def _check_generation(self, member_id: str, instance_id: str | None, generation: int) -> Member:
        member = self.check_member(member_id, instance_id)
        if generation != self.generation:
            raise KafkaError(Error.ILLEGAL_GENERATION)
        return member

    def sync(self, call: Call, request: Request) -> Answer:  # noqa: ARG002 - the shape
        """SyncGroup: the leader's tells the assignment, the others' wait for it. Raises KafkaError."""
        member = self._check_generation(request["MemberId"], request["GroupInstanceId"], request["GenerationId"])
        said = (request["ProtocolType"], self.protocol_type), (request["ProtocolName"], self.protocol)
        if any(told is not None and told != held for told, held in said):
            raise KafkaError(Error.INCONSISTENT_GROUP_PROTOCOL)
        if self.phase is Phase.PREPARING:
            raise KafkaError(Error.REBALANCE_IN_PROGRESS)
        self.synced(member)
        if self.phase is Phase.STABLE:
            return self.assigned(member)
        future = self.park_sync(member)
        if member.member_id == self.members.leader:
            self.assign({one["MemberId"]: one["Assignment"] for one in request["Assignments"]})
        return future

    def heartbeat(self, member_id: str, instance_id: str | None, generation: int, now_ms: int) -> None:  # noqa: ARG002
        """Heartbeat. Raises KafkaError; REBALANCE_IN_PROGRESS is one that was heard."""
        self.touch(self._check_generation(member_id, instance_id, generation))
        if self.phase is Phase.PREPARING:
            raise KafkaError(Error.REBALANCE_IN_PROGRESS)

    def leave(self, members: Sequence[tuple[str, str | None]], now_ms: int) -> list[Error]:  # noqa: ARG002 - the shape
        """LeaveGroup."""
        came = [self._leave(member_id, instance_id) for member_id, instance_id in members]
        if Error.NONE in came:
            if self.phase is Phase.PREPARING:
                self.try_complete_join()
            else:
                self.members_left()
        return came

    def _leave(self, member_id: str, instance_id: str | None) -> Error:
        if not member_id:  # an administrator removes an instance
            member_id = self.members.static_ids.get(instance_id, "") if instance_id is not None else ""
        elif self.members.drop_pending(member_id):
            return Error.NONE
        try:
            self.dismiss(self.check_member(member_id, instance_id))
        except KafkaError as refused:
            return refused.error
        return Error.NONE

    # Offsets

    def check_commit(
        self,
        member_id: str,
        instance_id: str | None,
        epoch: int,
        *,
        transactional: bool,
        version: int,  # noqa: ARG002
    ) -> None:
        """Check a commit. Raises KafkaError."""
        if epoch < 0 and self.phase is Phase.EMPTY:
            return  # an administrator, or a consumer that assigns its partitions itself
        if epoch >= 0 or member_id or instance_id is not None:
            self._check_generation(member_id, instance_id, epoch)
        elif not transactional:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        if not transactional and self.phase is Phase.COMPLETING:
            # The generation is right, so it knows that it has to wait for its assignment.
            raise KafkaError(Error.REBALANCE_IN_PROGRESS)

    def committed(self, member_id: str, now_ms: int) -> None:  # noqa: ARG002 - the shape
        """A commit is as good as a heartbeat."""
        member = self.members.by_id.get(member_id)
        if member is not None and self.phase in (Phase.STABLE, Phase.PREPARING):
            self.touch(member)

    def check_offset_delete(self) -> None:
        """Check OffsetDelete. Raises KafkaError."""
        if not self.is_empty and self.protocol_type != CONSUMER_PROTOCOL:
            raise KafkaError(Error.NON_EMPTY_GROUP)

    def check_delete(self) -> None:
        """Check DeleteGroups. Raises KafkaError."""
        if not self.is_empty:
            raise KafkaError(Error.NON_EMPTY_GROUP)

    def removed(self) -> None:
        """The group is gone."""
        self.close()
        self.phase = Phase.DEAD


def _protocols(request: Request) -> Protocols:
    """Read what a member speaks. What it names twice counts once, or it would seem that two members speak it."""
    named: dict[str, bytes] = {}
    for one in request["Protocols"]:
        named.setdefault(one["Name"], one["Metadata"])
    return list(named.items())
