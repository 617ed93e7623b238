"""The phases of a classic group: members join, then the leader's assignment is handed out, then all is stable until something changes.

The states, their order and every timer are those of Apache Kafka's GroupMetadataManager ("classicGroup..."). Two things are better
here: a session is one timer that looks at the deadline when it fires, and no parked request is ever left without an answer.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from services.kafka.errors import Error
from services.kafka.groups.group import CONSUMER_PROTOCOL, Group
from services.kafka.groups.members import Member, Members
from services.kafka.groups.subscription import subscribed_topics
from services.kafka.limits import NEW_MEMBER_JOIN_TIMEOUT_MS

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from emulator.clock import Timer
    from services.kafka.api.base import Response
    from services.kafka.state import Cluster


class Phase(StrEnum):
    """States of a classic group, in Kafka's words."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


class Rebalance(Group):
    """A classic group as a state machine; ClassicGroup adds what clients ask of it."""

    def __init__(self, cluster: Cluster, group_id: str) -> None:
        super().__init__(cluster, group_id)
        self.phase = Phase.EMPTY
        self.since_ms = cluster.clock.now_ms()
        """When the phase began."""
        self.members = Members()
        self.generation = 0
        self.protocol_type: str | None = None
        """None until somebody joins: a group that only commits."""
        self.protocol: str | None = None
        """The assignor (of consumers) that this generation has voted for."""
        self.topics: set[str] | None = None
        """What the members read; None if they are no consumers or say it in a way that cannot be read."""
        self._initial = False
        """Whether the join phase is the first one of an empty group, which ends by the clock alone."""
        self._grown = False
        """Whether somebody came during the initial delay, which prolongs it."""
        self._join_timer: Timer | None = None
        self._sync_timer: Timer | None = None

    # Sessions

    def touch(self, member: Member, timeout_ms: int | None = None) -> None:
        """Start a member's session anew. O(1): the timer that is set already will see the new deadline."""
        clock = self.cluster.clock
        member.deadline_ms = clock.now_ms() + (member.session_timeout_ms if timeout_ms is None else timeout_ms)
        if member.timer is not None and member.timer.when_ms > member.deadline_ms:
            member.timer.cancel()
            member.timer = None
        if member.timer is None:
            member.timer = clock.call_at(member.deadline_ms, partial(self._session_due, member))

    def _session_due(self, member: Member) -> None:
        member.timer = None
        if self.cluster.clock.now_ms() < member.deadline_ms:
            member.timer = self.cluster.clock.call_at(member.deadline_ms, partial(self._session_due, member))
        elif member.is_new or (member.join is None and member.sync is None):
            # A parked member cannot send heartbeats, so it is not expected to; its session goes on with the answer. A new one may be a
            # client that has given up and tries again under another id, so its wait is bounded.
            self.dismiss(member)
            self.members_left()

    def dismiss(self, member: Member) -> None:
        """Remove a member; what it has parked is answered, so that it tries again if it lives."""
        gone: Response = {"ErrorCode": Error.UNKNOWN_MEMBER_ID}
        answer(self.members.take_join(member), gone)
        self.answer_sync(member, gone)
        self.members.remove(member)

    def members_left(self) -> None:
        """Go on after members have gone: those who stay share what they had."""
        if self.phase in (Phase.STABLE, Phase.COMPLETING):
            self.prepare()
        elif self.phase is Phase.PREPARING and self.members.all_joined:
            self._complete_join()

    # The join phase

    def park_join(self, member: Member) -> Future[Response]:
        """Hold a member's JoinGroup; one that it sent before has been given up by it."""
        answer(self.members.take_join(member), {"ErrorCode": Error.REBALANCE_IN_PROGRESS, "MemberId": member.member_id})
        future: Future[Response] = asyncio.get_running_loop().create_future()
        self.members.park_join(member, future)
        return future

    def enter(self, member: Member, protocol_type: str) -> Future[Response]:
        """Take a new member in."""
        if self.phase is Phase.PREPARING and self._initial:
            self._grown = True
        if not self.members:
            self.protocol_type = protocol_type
        self.members.add(member)
        future = self.park_join(member)
        self.touch(member, NEW_MEMBER_JOIN_TIMEOUT_MS)
        self.changed()
        return future

    def changed(self) -> None:
        """Rebalance because a member has come or says something new, or see whether that was the last one awaited."""
        if self.phase is Phase.PREPARING:
            self.try_complete_join()
        else:
            self.prepare()

    def prepare(self) -> None:
        """Begin a join phase: wait until all members have joined again, for as long as the slowest asks for."""
        if self.phase is Phase.COMPLETING:
            self._hand_out({}, Error.REBALANCE_IN_PROGRESS)
        self.members.unsynced.clear()
        self._sync_timer = self._set(self._sync_timer, None)
        self._initial = self.phase is Phase.EMPTY
        self._turn(Phase.PREPARING)
        if self._initial:
            delay_ms = self.cluster.configs.group_initial_rebalance_delay_ms
            self._wait_for_more(delay_ms, max(self.members.rebalance_timeout_ms - delay_ms, 0))
        elif self.members.all_joined:
            self._complete_join()
        else:
            self._await_joins()

    def _await_joins(self) -> None:
        self._join_timer = self._set(self._join_timer, self.members.rebalance_timeout_ms, self._complete_join)

    def _wait_for_more(self, delay_ms: int, remaining_ms: int) -> None:
        """Give the members of a new group time to come together: the delay, again after each newcomer, as long as one may join."""
        self._grown = False

        def over() -> None:
            if self._grown and remaining_ms:
                again_ms = min(self.cluster.configs.group_initial_rebalance_delay_ms, remaining_ms)
                self._wait_for_more(again_ms, max(remaining_ms - delay_ms, 0))
            else:
                self._complete_join()

        self._join_timer = self._set(self._join_timer, delay_ms, over)

    def try_complete_join(self) -> None:
        """End the join phase if nobody is awaited any more; the initial one ends by its delay."""
        if self.phase is Phase.PREPARING and not self._initial and self.members.all_joined:
            self._complete_join()

    def _complete_join(self) -> None:
        """Begin the next generation with those who have joined. Static members stay until their session ends."""
        self._join_timer = self._set(self._join_timer, None)
        for member in self.members:
            if member.join is None and member.instance_id is None:
                self.dismiss(member)
        if not self.members.elect() and self.members:
            self._await_joins()
            return
        self._next_generation()
        listed = self.listed_members() if self.members else []
        for member in self.members:
            answer(self.members.take_join(member), self.joined(member, listed))
            self.touch(member)
            member.is_new = False
            self.members.unsynced.add(member.member_id)
        if self.members:
            self._sync_timer = self._set(self._sync_timer, self.members.rebalance_timeout_ms, self._sync_due)

    def _next_generation(self) -> None:
        self.generation += 1
        self.protocol = self.members.choose_protocol() if self.members else None
        self.topics = self._subscribed()
        self._turn(Phase.COMPLETING if self.members else Phase.EMPTY)
        self.cluster.groups.keep(self)

    def _subscribed(self) -> set[str] | None:
        if self.protocol_type != CONSUMER_PROTOCOL:
            return None
        topics: set[str] = set()
        for member in self.members:
            told = subscribed_topics(member.metadata(self.protocol))
            if told is None:
                return None
            topics.update(told)
        return topics

    def listed_members(self) -> list[Response]:
        """Tell the leader who is in the group and what each wants."""
        return [
            {
                "MemberId": member.member_id,
                "GroupInstanceId": member.instance_id,
                "Metadata": member.metadata(self.protocol),
            }
            for member in self.members
        ]

    def joined(self, member: Member, listed: list[Response]) -> Response:
        """Answer a JoinGroup; `listed` goes to the leader alone."""
        return {
            "ErrorCode": Error.NONE,
            "GenerationId": self.generation,
            "ProtocolType": self.protocol_type,
            "ProtocolName": self.protocol,
            "Leader": self.members.leader,
            "MemberId": member.member_id,
            "Members": listed if member.member_id == self.members.leader else [],
        }

    # The sync phase

    def park_sync(self, member: Member) -> Future[Response]:
        """Hold a member's SyncGroup until the leader's has come."""
        self.answer_sync(member, {"ErrorCode": Error.REBALANCE_IN_PROGRESS})
        member.sync = asyncio.get_running_loop().create_future()
        return member.sync

    def synced(self, member: Member) -> None:
        """Note that a member has asked for its assignment; the last one ends the wait for such."""
        self.members.unsynced.discard(member.member_id)
        if not self.members.unsynced:
            self._sync_timer = self._set(self._sync_timer, None)

    def assign(self, assignments: dict[str, bytes]) -> None:
        """Hand out what the leader has decided; now the group is stable."""
        self._hand_out(assignments, Error.NONE)
        self._turn(Phase.STABLE)

    def _hand_out(self, assignments: dict[str, bytes], error: Error) -> None:
        for member in self.members:
            member.assignment = assignments.get(member.member_id, b"")
            if self.answer_sync(member, self.assigned(member) if error is Error.NONE else {"ErrorCode": error}):
                self.touch(member)

    def assigned(self, member: Member) -> Response:
        """Answer a SyncGroup."""
        return {
            "ErrorCode": Error.NONE,
            "ProtocolType": self.protocol_type,
            "ProtocolName": self.protocol,
            "Assignment": member.assignment,
        }

    def answer_sync(self, member: Member, response: Response) -> bool:
        """Answer a parked SyncGroup; tells whether there was one."""
        future, member.sync = member.sync, None
        answer(future, response)
        return future is not None

    def _sync_due(self) -> None:
        """Go on without those who have joined but never asked for their assignment."""
        self._sync_timer = None
        for member in self.members:
            if member.member_id in self.members.unsynced:
                self.dismiss(member)
        self.prepare()

    # Inside

    def _turn(self, phase: Phase) -> None:
        self.phase = phase
        self.since_ms = self.cluster.clock.now_ms()

    def _set(self, timer: Timer | None, delay_ms: int | None, due: Callable[[], None] | None = None) -> Timer | None:
        """Replace a timer; by nothing, without a delay."""
        if timer is not None:
            timer.cancel()
        if delay_ms is None or due is None:
            return None
        return self.cluster.clock.call_at(self.cluster.clock.now_ms() + delay_ms, due)

    def drain(self) -> None:
        """Answer everything that is parked; clients look for the coordinator again and come back."""
        unavailable: Response = {"ErrorCode": Error.COORDINATOR_NOT_AVAILABLE}
        for member in self.members:
            answer(self.members.take_join(member), unavailable | {"MemberId": member.member_id})
            self.answer_sync(member, unavailable)

    def close(self) -> None:
        """Answer everything that is parked, end all timers."""
        self.drain()
        self._join_timer = self._set(self._join_timer, None)
        self._sync_timer = self._set(self._sync_timer, None)
        for member_id in list(self.members.pending):
            self.members.drop_pending(member_id)
        for member in self.members:
            if member.timer is not None:
                member.timer.cancel()
                member.timer = None


def answer(future: Future[Response] | None, response: Response) -> None:
    """Answer a parked request, unless there is none or its connection has gone."""
    if future is not None and not future.done():
        future.set_result(response)
