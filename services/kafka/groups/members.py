"""The members of a classic group: who is in it, who leads it, whom it awaits, and what protocols all of them speak.

Nothing here knows time or answers requests. Every question that a join asks is O(1), so that a group of n members settles in O(n).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterator, Sequence

    from emulator.clock import Timer
    from services.kafka.api.base import Response

Protocols = list[tuple[str, bytes]]
"""What a member can speak, best first: name and metadata (a consumer's subscription)."""


@dataclass(slots=True, eq=False)
class Member:
    """One member."""

    member_id: str
    instance_id: str | None
    """group.instance.id; a member that has one is static."""
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: Protocols
    assignment: bytes = b""
    join: Future[Response] | None = None
    """The parked JoinGroup; also after its connection has gone, because nobody tells us."""
    sync: Future[Response] | None = None
    """The parked SyncGroup."""
    is_new: bool = False
    """Whether its first join is not answered yet: it does not know its id, so it cannot send heartbeats."""
    deadline_ms: int = 0
    """When its session ends, unless it is heard of."""
    timer: Timer | None = None
    """Fires at the deadline or before, then looks again: a heartbeat sets no timer."""

    def metadata(self, protocol: str | None) -> bytes:
        """Tell what it says for a protocol."""
        return next((metadata for name, metadata in self.protocols if name == protocol), b"")

    def vote(self, candidates: set[str]) -> str:
        """Choose the protocol that it likes best among those that all members speak."""
        return next(name for name, _ in self.protocols if name in candidates)


@dataclass(slots=True, eq=False)
class Members:
    """All members of a group, in the order in which they came."""

    by_id: dict[str, Member] = field(default_factory=dict)
    static_ids: dict[str, str] = field(default_factory=dict)
    """Member ids by group.instance.id."""
    pending: dict[str, Timer] = field(default_factory=dict)
    """Ids that were handed out with MEMBER_ID_REQUIRED, with the end of the wait for their bearers."""
    unsynced: set[str] = field(default_factory=set)
    """Ids of those that have joined this generation but not sent a SyncGroup."""
    leader: str | None = None
    joining: int = 0
    """How many have a parked JoinGroup."""
    spoken: Counter[str] = field(default_factory=Counter)
    """By protocol: how many members speak it."""

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self.by_id.values()))

    def __contains__(self, member_id: str) -> bool:
        return member_id in self.by_id

    def add(self, member: Member) -> None:
        """Take a member in whose JoinGroup is not parked yet; the first one leads."""
        if member.instance_id is not None:
            self.static_ids[member.instance_id] = member.member_id
        self.by_id[member.member_id] = member
        self.spoken.update(name for name, _ in member.protocols)
        self.leader = self.leader or member.member_id
        self.drop_pending(member.member_id)

    def remove(self, member: Member) -> None:
        """Let a member go whose parked requests have been answered; if it led, the longest-standing one leads now."""
        del self.by_id[member.member_id]
        self.spoken.subtract(name for name, _ in member.protocols)
        if member.instance_id is not None:
            self.static_ids.pop(member.instance_id, None)
        if self.leader == member.member_id:
            self.leader = next(iter(self.by_id), None)
        self.unsynced.discard(member.member_id)
        if member.timer is not None:
            member.timer.cancel()
            member.timer = None

    def rename(self, instance_id: str, member_id: str) -> Member:
        """Give a static member that has come back its new id."""
        member = self.by_id.pop(self.static_ids[instance_id])
        self.by_id[member_id] = member
        self.static_ids[instance_id] = member_id
        if self.leader == member.member_id:
            self.leader = member_id
        if member.member_id in self.unsynced:
            self.unsynced.remove(member.member_id)
            self.unsynced.add(member_id)
        member.member_id = member_id
        return member

    def update(self, member: Member, protocols: Protocols, rebalance_timeout_ms: int, session_timeout_ms: int) -> None:
        """Take over what a member says when it joins again."""
        self.spoken.subtract(name for name, _ in member.protocols)
        member.protocols = protocols
        self.spoken.update(name for name, _ in protocols)
        member.rebalance_timeout_ms = rebalance_timeout_ms
        member.session_timeout_ms = session_timeout_ms

    def park_join(self, member: Member, future: Future[Response]) -> None:
        """Hold a member's JoinGroup until the join phase ends."""
        self.joining += member.join is None
        member.join = future

    def take_join(self, member: Member) -> Future[Response] | None:
        """Hand out a member's JoinGroup to be answered."""
        future, member.join = member.join, None
        self.joining -= future is not None
        return future

    def drop_pending(self, member_id: str) -> bool:
        """Stop waiting for the bearer of an id; tells whether anybody did."""
        timer = self.pending.pop(member_id, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    @property
    def all_joined(self) -> bool:
        """Tell whether nobody is awaited any more in the join phase."""
        return self.joining == len(self.by_id) and not self.pending

    @property
    def rebalance_timeout_ms(self) -> int:
        """Tell the longest rebalance timeout."""
        return max((member.rebalance_timeout_ms for member in self.by_id.values()), default=0)

    def speaks(self, names: Sequence[str]) -> bool:
        """Tell whether all members speak one of these protocols."""
        return any(self.spoken[name] == len(self.by_id) for name in names)

    def elect(self) -> bool:
        """Let one lead who has joined: the leader, if it has. Answers False if nobody has joined."""
        leader = self.by_id.get(self.leader) if self.leader is not None else None
        if leader is not None and leader.join is not None:
            return True
        joined = next((member for member in self.by_id.values() if member.join is not None), None)
        if joined is None:
            return False
        self.leader = joined.member_id
        return True

    def choose_protocol(self) -> str:
        """Let every member vote for its best protocol among those that all speak; the first named wins a tie."""
        candidates = {name for name, count in self.spoken.items() if count == len(self.by_id)}
        votes = Counter(member.vote(candidates) for member in self.by_id.values())
        return max(votes, key=votes.__getitem__)
