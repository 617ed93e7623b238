"""Members of consumer groups (KIP-848) as a client library plays them, on connections of a `KafkaHarness`."""

from __future__ import annotations

from typing import Any, cast

from services.kafka.groups.consumer import ConsumerGroup
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import configure

Place = tuple[bytes, int]

INVALID_REQUEST = 42
UNKNOWN_MEMBER_ID, GROUP_ID_NOT_FOUND = 25, 69
FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR, STALE_MEMBER_EPOCH = 110, 111, 112, 113
INVALID_REGULAR_EXPRESSION = 128


def at_once(kafka: KafkaHarness) -> None:
    """Let assignors run whenever there is a reason, not once a second at most."""
    configure(kafka, group_consumer_assignment_interval_ms="0", group_share_assignment_interval_ms="0")


def group_of(kafka: KafkaHarness, group_id: str = "billing") -> ConsumerGroup:
    """Look into the broker."""
    return cast("ConsumerGroup", kafka.cluster.groups.get(group_id))


def places_of(assignment: dict[str, Any] | None) -> set[Place]:
    """Read an assignment."""
    if assignment is None:
        return set()
    return {(topic["TopicId"], index) for topic in assignment["TopicPartitions"] for index in topic["Partitions"]}


def written(places: set[Place]) -> list[dict[str, Any]]:
    """Write partitions as requests do."""
    topics: dict[bytes, list[int]] = {}
    for topic_id, index in sorted(places):
        topics.setdefault(topic_id, []).append(index)
    return [{"TopicId": topic_id, "Partitions": indexes} for topic_id, indexes in topics.items()]


class Consumer:
    """One member. It owns what it was assigned, and says so with the heartbeat after it has heard of a change."""

    def __init__(
        self,
        kafka: KafkaHarness,
        member_id: str,
        *topics: str,
        group: str = "billing",
        instance: str | None = None,
        client: Client | None = None,
        **fields: Any,
    ) -> None:
        self.client = client or kafka.connect()
        self.group = group
        self.member_id = member_id
        self.instance = instance
        self.fields = {"SubscribedTopicNames": list(topics or ("orders",)), "RebalanceTimeoutMs": 60_000, **fields}
        self.epoch = 0
        self.owned: set[Place] = set()
        self.told: set[Place] = set()

    def ask(self, epoch: int, **fields: Any) -> dict[str, Any]:
        """Send a heartbeat as it is."""
        request = {"GroupId": self.group, "MemberId": self.member_id, "MemberEpoch": epoch, **fields}
        return self.client.ask("ConsumerGroupHeartbeat", request, version=1)

    def join(self, **fields: Any) -> dict[str, Any]:
        """Join the group, with nothing."""
        self.owned, self.told = set(), set()
        answer = self.ask(0, **{"InstanceId": self.instance, "TopicPartitions": [], **self.fields, **fields})
        return self.take(answer)

    def beat(self, **fields: Any) -> dict[str, Any]:
        """Send a heartbeat that tells what has changed."""
        if self.owned != self.told:
            fields.setdefault("TopicPartitions", written(self.owned))
            self.told = set(self.owned)
        return self.take(self.ask(self.epoch, InstanceId=self.instance, **fields))

    def leave(self, epoch: int = -1) -> dict[str, Any]:
        """Leave the group."""
        return self.ask(epoch, InstanceId=self.instance)

    def take(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Take up an answer."""
        if answer["ErrorCode"] == 0:
            self.epoch = answer["MemberEpoch"]
            if answer["Assignment"] is not None:
                self.owned = places_of(answer["Assignment"])
        return answer

    @property
    def indexes(self) -> list[int]:
        """The partitions that it owns, of whatever topic."""
        return sorted(index for _, index in self.owned)


def settle(*members: Consumer, rounds: int = 6) -> None:
    """Let all members send heartbeats until nothing moves any more."""
    for _ in range(rounds):
        for member in members:
            answer = member.beat()
            assert answer["ErrorCode"] == 0, answer
