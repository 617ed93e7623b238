"""The next step of a member towards its target (CurrentAssignmentBuilder): first it gives up, then it gets what others have given up.

Pure: nothing here changes a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.kafka.groups.consumer_members import Epochs, Member, Owned, Partitions, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet


class Step(NamedTuple):
    """What a member is to be after a heartbeat."""

    stage: Stage
    epoch: int
    assigned: Epochs
    revoking: Epochs


class Goal(NamedTuple):
    """Where a member is to get to."""

    epoch: int
    """The epoch of the target assignment."""
    target: Partitions
    subscribed: AbstractSet[bytes]
    """Ids of the topics that it subscribes to; a target that was made for another subscription does not count."""
    is_taken: Callable[[bytes, int], bool]
    """Tells whether somebody has a partition, or has not given it up yet."""


def next_step(member: Member, goal: Goal, owned: Owned | None, *, subscription_changed: bool) -> Step | None:
    """Tell the next step of a member that owns, as far as it tells, `owned`; None: there is none now."""
    if member.stage is Stage.STABLE:
        if member.epoch != goal.epoch:
            return _advance(member, goal, owned)
        return _narrow(member, goal, owned) if subscription_changed else None
    if member.stage is Stage.UNREVOKED and _owns_any(owned, member.revoking):
        return _narrow(member, goal, owned) if subscription_changed else None
    return _advance(member, goal, owned)


def _owns_any(owned: Owned | None, revoking: Epochs) -> bool:
    """Tell whether a member still has some of what it is to give up; if it does not tell, it has."""
    if owned is None:
        return True
    return any(index in revoking.get(topic_id, ()) for topic_id, indexes in owned for index in indexes)


def _narrow(member: Member, goal: Goal, owned: Owned | None) -> Step | None:
    """Take away at once what it does not subscribe to any more; the new target comes later."""
    kept = {topic_id: epochs for topic_id, epochs in member.assigned.items() if topic_id in goal.subscribed}
    if len(kept) == len(member.assigned):
        return None
    revoking = {topic_id: dict(epochs) for topic_id, epochs in member.revoking.items()}
    for topic_id, epochs in member.assigned.items():
        if topic_id not in kept:
            revoking.setdefault(topic_id, {}).update(epochs)
    if _owns_any(owned, revoking):
        return Step(Stage.UNREVOKED, member.epoch, kept, revoking)
    return Step(member.stage, member.epoch, kept, member.revoking)


def _advance(member: Member, goal: Goal, owned: Owned | None) -> Step:
    """Compare what it has with its target."""
    assigned: Epochs = {}
    revoking: Epochs = {}
    free: list[tuple[bytes, int]] = []
    unreleased = False
    for topic_id in goal.target.keys() | member.assigned.keys():
        target = goal.target.get(topic_id, set()) if topic_id in goal.subscribed else set()
        current = member.assigned.get(topic_id, {})
        kept = {index: epoch for index, epoch in current.items() if index in target}
        lost = {index: epoch for index, epoch in current.items() if index not in target}
        if kept:
            assigned[topic_id] = kept
        if lost:
            revoking[topic_id] = lost
        given_up = member.revoking.get(topic_id, {})
        for index in target - kept.keys():
            if goal.is_taken(topic_id, index) and index not in given_up:
                unreleased = True
            else:
                free.append((topic_id, index))
    if revoking and _owns_any(owned, revoking):
        return Step(Stage.UNREVOKED, member.epoch, assigned, revoking)
    for topic_id, index in free:
        assigned.setdefault(topic_id, {})[index] = goal.epoch
    return Step(Stage.UNRELEASED if unreleased else Stage.STABLE, goal.epoch, assigned, {})
