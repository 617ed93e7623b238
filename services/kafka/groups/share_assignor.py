"""The assignor of share groups, `simple`: every partition is read by as many members as need be that all have something to read, and
members keep what they have as far as that lets (org.apache.kafka.coordinator.group.assignor.SimpleAssignor).

Pure, and deterministic in the order of the members.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kafka.groups.assignors import Counts, Subscriber
    from services.kafka.groups.consumer_members import Partitions

Place = tuple[bytes, int]
"""Topic id and index."""


def assign_shared(members: Sequence[Subscriber], counts: Counts) -> dict[str, Partitions]:
    """Assign. Members with different subscriptions share topic by topic."""
    result: dict[str, Partitions] = {member.member_id: {} for member in members}
    if not members:
        return result
    if all(member.topics == members[0].topics for member in members):
        _spread(members, [(topic_id, index) for topic_id, count in counts.items() for index in range(count)], result)
        return result
    for topic_id, count in counts.items():
        subscribers = [member for member in members if topic_id in member.topics]
        _spread(subscribers, [(topic_id, index) for index in range(count)], result)
    return result


def _spread(members: Sequence[Subscriber], places: Sequence[Place], result: dict[str, Partitions]) -> None:
    """Share places among members, so that each place has `sharing` readers at most."""
    if not places or not members:
        return
    sharing = -(-len(members) // len(places))
    total = sharing * len(places)
    wanted = [
        -(-total * (number + 1) // len(members)) + (-total * number // len(members)) for number in range(len(members))
    ]
    readers: dict[Place, set[int]] = {place: set() for place in places}
    held: list[set[Place]] = []
    for number, member in enumerate(members):
        kept = [
            (topic_id, index)
            for topic_id, indexes in member.target.items()
            for index in sorted(indexes)
            if len(readers.get((topic_id, index), range(sharing))) < sharing
        ][: wanted[number]]
        held.append(set(kept))
        for place in kept:
            readers[place].add(number)
    _fill(readers, held, wanted, sharing)
    for number, member in enumerate(members):
        for topic_id, index in held[number]:
            result[member.member_id].setdefault(topic_id, set()).add(index)


def _fill(readers: dict[Place, set[int]], held: list[set[Place]], wanted: list[int], sharing: int) -> None:
    """Give places that want readers to members that want places, in turn."""
    unfilled = deque(number for number, places in enumerate(held) if len(places) < wanted[number])
    for place, of_place in readers.items():
        tries = len(unfilled)
        while len(of_place) < sharing and tries > 0:
            number = unfilled.popleft()
            tries -= 1
            if number in of_place:
                unfilled.append(number)
                continue
            of_place.add(number)
            held[number].add(place)
            if len(held[number]) < wanted[number]:
                unfilled.append(number)
