"""What the members of a consumer group subscribe to, by name and by regular expression, and which topics that makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.errors import Error, KafkaError
from services.kafka.groups.re2 import InvalidRegexError, Regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.kafka.groups.consumer_members import Member, Partitions
    from services.kafka.topics import Topics

_NOTHING: frozenset[str] = frozenset()


class Subscriptions:
    """The regular expressions of a group with the topics that match them, and the topics of the group as it knew them last."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._regexes: dict[str, Regex] = {}
        self._matched: dict[str, frozenset[str]] = {}
        self._resolved: tuple[int, int] | None = None
        """Version of the topics, and when."""
        self._seen_version = -1
        self._known: dict[str, tuple[bytes, int]] = {}

    def check(self, pattern: str) -> None:
        """Compile a member's regular expression. Raises KafkaError INVALID_REGULAR_EXPRESSION."""
        if not pattern or pattern in self._regexes:
            return
        try:
            Regex(pattern)
        except InvalidRegexError as error:
            raise KafkaError(
                Error.INVALID_REGULAR_EXPRESSION,
                f"SubscribedTopicRegex `{pattern}` is not a valid regular expression: {error}.",
            ) from error

    def resolve(
        self, members: Iterable[Member], may_describe: Callable[[str], bool], now_ms: int, interval_ms: int
    ) -> bool:
        """Match new regular expressions, and all of them if there are other topics or the interval is over.

        Only topics that the caller may describe are matched, so that nobody learns of others. Answers whether any result has changed.
        """
        wanted = {member.regex for member in members if member.regex}
        for pattern in self._regexes.keys() - wanted:
            del self._regexes[pattern]
            del self._matched[pattern]
        if not wanted:
            return False
        version = self._topics.version
        stale = self._resolved is None or self._resolved[0] != version or now_ms > self._resolved[1] + interval_ms
        todo = wanted if stale else wanted - self._regexes.keys()
        if stale:
            self._resolved = (version, now_ms)
        changed = False
        for pattern in todo:
            regex = self._regexes.setdefault(pattern, Regex(pattern))
            found = frozenset(it.name for it in self._topics if regex.matches(it.name) and may_describe(it.name))
            changed |= self._matched.get(pattern, _NOTHING) != found
            self._matched[pattern] = found
        return changed

    def of(self, member: Member) -> frozenset[str]:
        """Tell all topics that a member subscribes to, whether they exist or not."""
        return member.names | self._matched.get(member.regex, _NOTHING) if member.regex else member.names

    def ids_of(self, member: Member) -> frozenset[bytes]:
        """Tell the ids of the topics that a member subscribes to and that there are."""
        return frozenset(topic.topic_id for name in self.of(member) if (topic := self._topics.get(name)) is not None)

    def partitions_of(self, members: Iterable[Member]) -> dict[bytes, int]:
        """Tell how many partitions each topic has that any of these members subscribes to, in the order of their names."""
        names = sorted(frozenset().union(*(self.of(member) for member in members)))
        found = [topic for name in names if (topic := self._topics.get(name)) is not None]
        return {topic.topic_id: len(topic.partitions) for topic in found}

    @property
    def is_outdated(self) -> bool:
        """Tell whether any topic has changed since `refresh`."""
        return self._topics.version != self._seen_version

    def refresh(self, members: Iterable[Member]) -> bool:
        """Look whether a topic of the group was made, deleted or has got partitions since the last time."""
        self._seen_version = self._topics.version
        names = frozenset().union(*(self.of(member) for member in members))
        known = {
            name: (topic.topic_id, len(topic.partitions))
            for name in names
            if (topic := self._topics.get(name)) is not None
        }
        changed = known != self._known
        self._known = known
        return changed

    def named(self, partitions: Partitions) -> list[dict[str, object]]:
        """Write partitions as describe answers do: with names, without topics that are gone."""
        return [
            {"TopicId": topic_id, "TopicName": topic.name, "Partitions": sorted(indexes)}
            for topic_id, indexes in partitions.items()
            if (topic := self._topics.by_id(topic_id)) is not None and indexes
        ]
