"""Committed offsets: of every group, by topic and partition; those of open transactions wait beside them (OffsetMetadataManager).

They are kept in two tables of the cluster's journal, so they survive a restart with a data directory. Nothing here knows groups or time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from emulator.storage.journal import Journal
    from services.kafka.groups.group import Group

NO_TOPIC_ID = bytes(16)
_COMMITTED = "offsets"
_PENDING = "pending_offsets"


@dataclass(slots=True)
class Committed:
    """What a group has committed for a partition: the offset at which it will go on."""

    offset: int
    leader_epoch: int
    """-1 if the client did not tell."""
    metadata: str
    commit_ms: int
    expire_ms: int | None
    """An instant that the client itself asked for (OffsetCommit 2-4); None: the broker's retention holds."""
    topic_id: bytes
    sequence: int = 0
    """The order of commits: the end of a transaction does not undo what was committed after it."""


Partitions = dict[int, Committed]
Topics = dict[str, Partitions]


class Offsets:
    """What all groups of a cluster have committed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._groups: dict[str, Topics] = {}
        self._pending: dict[int, dict[str, Topics]] = {}
        """By producer id, then by group."""
        self._open: dict[str, dict[tuple[str, int], set[int]]] = {}
        """By group, then by partition: producers whose open transactions have committed there."""
        self._sequence = 0
        self._restore()

    # Reading

    def groups(self) -> set[str]:
        """Tell all groups that have committed anything, in an open transaction or not."""
        return self._groups.keys() | self._open.keys()

    def of(self, group_id: str) -> Mapping[str, Mapping[int, Committed]]:
        """Tell all that a group has committed, by topic and partition."""
        return self._groups.get(group_id, {})

    def get(self, group_id: str, topic: str, partition: int) -> Committed | None:
        """Tell what a group has committed for a partition."""
        return self._groups.get(group_id, {}).get(topic, {}).get(partition)

    def is_pending(self, group_id: str, topic: str, partition: int) -> bool:
        """Tell whether an open transaction has committed there: nobody knows yet where the group will go on."""
        return (topic, partition) in self._open.get(group_id, {})

    def has_pending(self, group_id: str) -> bool:
        """Tell whether any open transaction has committed for the group."""
        return group_id in self._open

    # Committing

    def commit(self, group_id: str, topic: str, partition: int, committed: Committed) -> None:
        """Note a commit outside of transactions."""
        self._number(committed)
        self._put(group_id, topic, partition, committed)

    def pend(self, producer_id: int, group_id: str, topic: str, partition: int, committed: Committed) -> None:
        """Note a commit of an open transaction; it counts when that is committed."""
        self._number(committed)
        self._pending.setdefault(producer_id, {}).setdefault(group_id, {}).setdefault(topic, {})[partition] = committed
        self._open.setdefault(group_id, {}).setdefault((topic, partition), set()).add(producer_id)
        self._journal.put(_PENDING, f"{producer_id}:{_key(group_id, topic, partition)}", _row(committed))

    def end_transaction(self, producer_id: int, group_ids: Collection[str], *, commit: bool) -> None:
        """Let what a transaction has committed for these groups count, or forget it."""
        for group_id in list(group_ids):
            topics = self._pending.get(producer_id, {}).get(group_id, {})
            waiting = [(topic, index, it) for topic, rows in topics.items() for index, it in rows.items()]
            for topic, partition, committed in waiting:
                self._unpend(producer_id, group_id, topic, partition)
                kept = self.get(group_id, topic, partition)
                if commit and (kept is None or kept.sequence < committed.sequence):
                    self._put(group_id, topic, partition, committed)

    # Forgetting

    def delete(self, group_id: str, topic: str, partition: int) -> None:
        """Forget what a group has committed for a partition, in open transactions too."""
        topics = self._groups.get(group_id, {})
        partitions = topics.get(topic, {})
        if partitions.pop(partition, None) is not None:
            self._journal.delete(_COMMITTED, _key(group_id, topic, partition))
            if not partitions:
                del topics[topic]
            if not topics:
                del self._groups[group_id]
        for producer_id in list(self._open.get(group_id, {}).get((topic, partition), ())):
            self._unpend(producer_id, group_id, topic, partition)

    def delete_group(self, group_id: str) -> None:
        """Forget all that a group has committed."""
        places = {(topic, index) for topic, rows in self.of(group_id).items() for index in rows}
        for topic, partition in places | self._open.get(group_id, {}).keys():
            self.delete(group_id, topic, partition)

    def delete_topic(self, topic: str) -> None:
        """Forget all that was committed for a topic."""
        for group_id in self.groups():
            places = {(topic, index) for index in self.of(group_id).get(topic, ())}
            places |= {place for place in self._open.get(group_id, {}) if place[0] == topic}
            for _, partition in places:
                self.delete(group_id, topic, partition)

    def expire(self, group: Group, now_ms: int, retention_ms: int) -> bool:
        """Forget what a group's rules let go (KIP-211); tells whether nothing is left.

        Partitions that a member reads or an open transaction has committed to stay.
        """
        group_id = group.group_id
        gone = [
            (topic, partition)
            for topic, partitions in self.of(group_id).items()
            if not group.is_subscribed_to(topic)
            for partition, committed in partitions.items()
            if _is_over(group, committed, now_ms, retention_ms) and not self.is_pending(group_id, topic, partition)
        ]
        for topic, partition in gone:
            self.delete(group_id, topic, partition)
        return not self.of(group_id) and not self.has_pending(group_id)

    # Inside

    def _number(self, committed: Committed) -> None:
        self._sequence += 1
        committed.sequence = self._sequence

    def _put(self, group_id: str, topic: str, partition: int, committed: Committed) -> None:
        self._groups.setdefault(group_id, {}).setdefault(topic, {})[partition] = committed
        self._journal.put(_COMMITTED, _key(group_id, topic, partition), _row(committed))

    def _unpend(self, producer_id: int, group_id: str, topic: str, partition: int) -> None:
        self._journal.delete(_PENDING, f"{producer_id}:{_key(group_id, topic, partition)}")
        groups = self._pending[producer_id]
        topics = groups[group_id]
        del topics[topic][partition]
        if not topics[topic]:
            del topics[topic]
        if not topics:
            del groups[group_id]
        if not groups:
            del self._pending[producer_id]
        places = self._open[group_id]
        producers = places[topic, partition]
        producers.remove(producer_id)
        if not producers:
            del places[topic, partition]
        if not places:
            del self._open[group_id]

    def _restore(self) -> None:
        for (group_id, topic, partition), committed in _read(self._journal.load(_COMMITTED)):
            self._groups.setdefault(group_id, {}).setdefault(topic, {})[partition] = committed
            self._sequence = max(self._sequence, committed.sequence)
        for key, kept in self._journal.load(_PENDING).items():
            producer, _, rest = key.partition(":")
            for (group_id, topic, partition), committed in _read({rest: kept}):
                self._pending.setdefault(int(producer), {}).setdefault(group_id, {}).setdefault(topic, {})[
                    partition
                ] = committed
                self._open.setdefault(group_id, {}).setdefault((topic, partition), set()).add(int(producer))
                self._sequence = max(self._sequence, committed.sequence)


def _is_over(group: Group, committed: Committed, now_ms: int, retention_ms: int) -> bool:
    if committed.expire_ms is not None:
        return group.expiry_base_ms(committed.commit_ms) is not None and now_ms >= committed.expire_ms
    since_ms = group.expiry_base_ms(committed.commit_ms)
    return since_ms is not None and now_ms - since_ms >= retention_ms


def _key(group_id: str, topic: str, partition: int) -> str:
    # A partition is a number and a topic has no colon, so that a group may have any.
    return f"{partition}:{topic}:{group_id}"


def _row(committed: Committed) -> list[Any]:
    return [
        committed.offset,
        committed.leader_epoch,
        committed.metadata,
        committed.commit_ms,
        committed.expire_ms,
        committed.topic_id.hex(),
        committed.sequence,
    ]


def _read(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, int], Committed]]:
    for key, row in table.items():
        partition, topic, group_id = key.split(":", 2)
        offset, leader_epoch, metadata, commit_ms, expire_ms, topic_id, sequence = row
        committed = Committed(offset, leader_epoch, metadata, commit_ms, expire_ms, bytes.fromhex(topic_id), sequence)
        yield (group_id, topic, int(partition)), committed
