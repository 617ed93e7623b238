"""The uniform assignor for members whose subscriptions differ (UniformHeterogeneousAssignmentBuilder).

Topics are given out one after the other, those with most partitions to each subscriber first. Then, topic by topic, partitions go from
the subscribers that have most to those that have least, until no topic can better anything or 16 rounds have gone by.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kafka.groups.assignors import Counts, Subscriber
    from services.kafka.groups.consumer_members import Partitions

_ROUNDS_MAX = 16


def assign_mixed(members: Sequence[Subscriber], counts: Counts) -> dict[str, Partitions]:
    """Assign: balance before stickiness, both as far as the subscriptions let."""
    table = _Table(members, counts)
    table.keep()
    table.fill()
    table.balance()
    result: dict[str, Partitions] = {member.member_id: {} for member in members}
    for topic_id, owners in table.owners.items():
        for index, owner in enumerate(owners):
            result[members[owner].member_id].setdefault(topic_id, set()).add(index)
    return result


class _Table:
    """Who has what while it is worked out. Members are told by their places."""

    def __init__(self, members: Sequence[Subscriber], counts: Counts) -> None:
        self._members = members
        self._subscribers: dict[bytes, list[int]] = {}
        for place, member in enumerate(members):
            for topic_id in member.topics:
                self._subscribers.setdefault(topic_id, []).append(place)
        self._sizes = [0] * len(members)
        self.owners = {topic_id: [-1] * counts[topic_id] for topic_id in self._subscribers}
        self._topics = sorted(
            self._subscribers,
            key=lambda it: (-counts[it] / len(self._subscribers[it]), len(self._subscribers[it]), it),
        )

    def keep(self) -> None:
        """Leave with all members what they have and still subscribe to."""
        for place, member in enumerate(self._members):
            for topic_id, indexes in member.target.items():
                if topic_id in member.topics:
                    for index in indexes:
                        self.owners[topic_id][index] = place
                    self._sizes[place] += len(indexes)

    def fill(self) -> None:
        """Give each partition that nobody has to that subscriber who has least."""
        for topic_id in self._topics:
            least = [(self._sizes[place], place) for place in self._subscribers[topic_id]]
            heapq.heapify(least)
            owners = self.owners[topic_id]
            for index, owner in enumerate(owners):
                if owner == -1:
                    size, place = least[0]
                    heapq.heapreplace(least, (size + 1, place))
                    owners[index] = place
                    self._sizes[place] += 1

    def balance(self) -> None:
        """Move partitions from those who have most to those who have least."""
        topics = [topic_id for topic_id in self._topics if len(self._subscribers[topic_id]) > 1]
        quiet = 0
        for _ in range(_ROUNDS_MAX):
            for topic_id in topics:
                quiet = 0 if self._balance(topic_id) else quiet + 1
                if quiet == len(topics):
                    return

    def _balance(self, topic_id: bytes) -> int:
        """Balance the subscribers of one topic by its own partitions, and tell how many have moved."""
        sizes, owners = self._sizes, self.owners[topic_id]
        held: dict[int, list[int]] = {}
        for index, owner in enumerate(owners):
            held.setdefault(owner, []).append(index)
        most = [(-sizes[place], place) for place in held]
        least = [(sizes[place], place) for place in self._subscribers[topic_id]]
        heapq.heapify(most)
        heapq.heapify(least)
        moved = 0
        while most:
            size, giver = most[0]
            if -size != sizes[giver] or not held[giver]:
                heapq.heappop(most)
                continue
            if least[0][0] != sizes[least[0][1]]:
                heapq.heappop(least)
                continue
            taker = least[0][1]
            if sizes[giver] - sizes[taker] <= 1:
                break
            owners[held[giver].pop()] = taker
            sizes[giver] -= 1
            sizes[taker] += 1
            heapq.heapreplace(most, (-sizes[giver], giver))
            heapq.heapreplace(least, (sizes[taker], taker))
            moved += 1
        return moved
