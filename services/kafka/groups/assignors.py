"""The assignors of consumer groups that run in the broker: `uniform` (sticky and balanced) and `range` (org.apache.kafka...assignor).

Pure functions of the members and the numbers of partitions. Both are deterministic: members in the order given, topics too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from services.kafka.groups.balancing import assign_mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from services.kafka.groups.consumer_members import Partitions

Counts = dict[bytes, int]
"""Numbers of partitions by topic id; all topics that any member subscribes to."""


class Subscriber(NamedTuple):
    """What an assignor sees of a member."""

    member_id: str
    instance_id: str | None
    topics: AbstractSet[bytes]
    """Ids of topics that there are."""
    target: Mapping[bytes, AbstractSet[int]]
    """What it was to have until now."""


def assign_uniform(members: Sequence[Subscriber], counts: Counts) -> dict[str, Partitions]:
    """Give all members the same number of partitions, give or take one, and leave with each as much as can be of what it has."""
    if not members or not counts:
        return {}
    if any(member.topics != members[0].topics for member in members):
        return assign_mixed(members, counts)
    quota, extras = divmod(sum(counts.values()), len(members))
    taken = {
        (topic_id, index) for member in members for topic_id, indexes in member.target.items() for index in indexes
    }
    unassigned = [
        (topic_id, index)
        for topic_id, count in counts.items()
        for index in range(count)
        if (topic_id, index) not in taken
    ]
    result: dict[str, Partitions] = {}
    unfilled: list[tuple[str, int]] = []
    for place, member in enumerate(members):
        room = quota + 1 if extras else quota
        has_extra = extras > 0
        kept: Partitions = {}
        for topic_id, indexes in member.target.items():
            if topic_id not in counts:
                continue
            stay = sorted(indexes)[:room]
            room -= len(stay)
            if stay:
                kept[topic_id] = set(stay)
            unassigned += [(topic_id, index) for index in sorted(indexes)[len(stay) :]]
        if room and has_extra and len(members) - place > extras:
            room -= 1  # it has no use for the extra one as yet, somebody after it may
            has_extra = False
        if room:
            unfilled.append((member.member_id, room))
        extras -= has_extra
        result[member.member_id] = kept
    rest = iter(unassigned)
    for member_id, room in unfilled:
        for _, (topic_id, index) in zip(range(room), rest, strict=False):
            result[member_id].setdefault(topic_id, set()).add(index)
    return result


def assign_range(members: Sequence[Subscriber], counts: Counts) -> dict[str, Partitions]:
    """Give each member a range of each topic, so that topics with the same number of partitions are split alike.

    Static members come first, in the order of their instance ids, so that each keeps its ranges; then the others by their ids.
    """
    ordered = sorted(members, key=lambda it: (it.instance_id is None, it.instance_id or "", it.member_id))
    subscribers = Counter(topic_id for member in members for topic_id in member.topics)
    shares = {
        topic_id: divmod(count, subscribers[topic_id]) for topic_id, count in counts.items() if topic_id in subscribers
    }
    seen: Counter[bytes] = Counter()
    starts: Counter[bytes] = Counter()
    result: dict[str, Partitions] = {}
    for member in ordered:
        mine = result[member.member_id] = {}
        for topic_id, (quota, extras) in shares.items():
            if topic_id not in member.topics:
                continue
            size = quota + (seen[topic_id] < extras)
            if size:
                mine[topic_id] = set(range(starts[topic_id], starts[topic_id] + size))
            seen[topic_id] += 1
            starts[topic_id] += size
    return result


def assignor(name: str) -> Callable[[Sequence[Subscriber], Counts], dict[str, Partitions]]:
    """Find an assignor by its name, which has been checked."""
    return assign_range if name == "range" else assign_uniform
