"""A member of a consumer group (KIP-848): what it subscribes to, what it owns, and how far it is with what it is to own."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.kafka.api.base import Request
    from services.kafka.groups.deadline import Deadline

Partitions = dict[bytes, set[int]]
"""Indexes of partitions by topic id."""
Epochs = dict[bytes, dict[int, int]]
"""By topic id and index: the member epoch at which a member was given the partition."""
Owned = list[tuple[bytes, list[int]]]
"""What a member says it owns."""

JOINING, LEAVING, LEAVING_FOR_NOW = 0, -1, -2
"""Member epochs that say what a member wants; the last one is a static member's, who will be back."""


class Stage(Enum):
    """How far a member is on the way to its target (MemberState)."""

    STABLE = auto()
    """It has what it was to have at its epoch."""
    UNREVOKED = auto()
    """It has been told to give up partitions, and has not said yet that it did."""
    UNRELEASED = auto()
    """It waits for partitions that others have not given up."""


@dataclass(slots=True, eq=False)
class Member:
    """One member."""

    member_id: str
    session: Deadline
    """Ends the membership if nothing is heard."""
    rebalance: Deadline
    """Ends the membership if partitions are not given up."""
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    client_id: str = ""
    client_host: str = ""
    names: frozenset[str] = frozenset()
    """Topics that it subscribes to by name."""
    regex: str = ""
    """RE2; topics that match as a whole are subscribed to as well."""
    assignor: str | None = None
    epoch: int = 0
    previous_epoch: int = -1
    """An answer may be lost: the epoch before is good, too, from a member that owns nothing it should not."""
    stage: Stage = Stage.STABLE
    assigned: Epochs = field(default_factory=dict)
    revoking: Epochs = field(default_factory=dict)

    def is_reconciled_to(self, epoch: int) -> bool:
        """Tell whether it has all that it is to have at this epoch."""
        return self.stage is Stage.STABLE and self.epoch == epoch

    def holds(self) -> Iterator[tuple[bytes, int]]:
        """Go through all partitions that nobody else may have: what it has, and what it has not given up yet."""
        for held in (self.assigned, self.revoking):
            for topic_id, indexes in held.items():
                for index in indexes:
                    yield topic_id, index

    def epoch_of(self, topic_id: bytes, index: int) -> int | None:
        """Tell at which epoch it was given a partition that it has, or is giving up."""
        epoch = self.assigned.get(topic_id, {}).get(index)
        return self.revoking.get(topic_id, {}).get(index) if epoch is None else epoch

    def take_over(self, other: Member) -> None:
        """Become a static member that has left for now, under a new id."""
        self.instance_id, self.rack_id, self.rebalance_timeout_ms = (
            other.instance_id,
            other.rack_id,
            other.rebalance_timeout_ms,
        )
        self.names, self.regex, self.assignor = other.names, other.regex, other.assignor
        self.epoch = self.previous_epoch = 0
        self.stage, self.assigned, self.revoking = other.stage, other.assigned, other.revoking

    def update(self, request: Request, client_id: str, client_host: str) -> None:
        """Take over what a heartbeat says; what is null has not changed."""
        if request["InstanceId"] is not None:
            self.instance_id = request["InstanceId"]
        if request["RackId"] is not None:
            self.rack_id = request["RackId"]
        if request["RebalanceTimeoutMs"] != -1:
            self.rebalance_timeout_ms = request["RebalanceTimeoutMs"]
        if request["ServerAssignor"] is not None:
            self.assignor = request["ServerAssignor"]
        if request["SubscribedTopicNames"] is not None:
            self.names = frozenset(request["SubscribedTopicNames"])
        if request["SubscribedTopicRegex"] is not None:
            self.regex = request["SubscribedTopicRegex"]
        self.client_id, self.client_host = client_id, client_host

    def cancel(self) -> None:
        """End its timers."""
        self.session.cancel()
        self.rebalance.cancel()


def owned_of(request: Request) -> Owned | None:
    """Read what a heartbeat says that the member owns; None: as it was."""
    if request["TopicPartitions"] is None:
        return None
    return [(topic["TopicId"], topic["Partitions"]) for topic in request["TopicPartitions"]]


def is_subset(owned: Owned | None, of: Epochs) -> bool:
    """Tell whether a member owns nothing but these; one that does not tell may own anything."""
    if owned is None:
        return False
    return all(topic_id in of and all(index in of[topic_id] for index in indexes) for topic_id, indexes in owned)


def written(partitions: Mapping[bytes, Iterable[int]]) -> dict[str, list[dict[str, object]]]:
    """Write an assignment as answers to heartbeats do."""
    return {
        "TopicPartitions": [
            {"TopicId": topic_id, "Partitions": sorted(indexes)} for topic_id, indexes in partitions.items()
        ]
    }
