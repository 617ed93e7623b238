"""Members of share groups (KIP-932) as a client library plays them, on connections of a `KafkaHarness`."""

from __future__ import annotations

from typing import Any, cast

from services.kafka.configs import GROUP
from services.kafka.groups.share import ShareGroup
from tests.support.kafka_broker import Client, KafkaHarness, Pending, read_records
from tests.support.kafka_consumer import Place, places_of

GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
INVALID_RECORD_STATE, SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED = (
    121,
    122,
    123,
    133,
)
Word = tuple[int, int, int] | tuple[int, int, list[int]]
"""First and last offset, and a type for all or one for each."""


def share_group(kafka: KafkaHarness, group_id: str = "sharers") -> ShareGroup:
    """Look into the broker."""
    return cast("ShareGroup", kafka.cluster.groups.get(group_id))


def from_the_start(kafka: KafkaHarness, group_id: str = "sharers", **more: str) -> None:
    """Let the group begin with the earliest records; `more` are further configs of it: `share_isolation_level="read_committed"`."""
    values = {"share.auto.offset.reset": "earliest", **{name.replace("_", "."): value for name, value in more.items()}}
    kafka.cluster.configs.replace(GROUP, group_id, values)


def said(words: dict[Place, list[Word]] | None) -> dict[Place, list[dict[str, Any]]]:
    """Write what is said of records."""
    return {
        place: [
            {
                "FirstOffset": first,
                "LastOffset": last,
                "AcknowledgeTypes": types if isinstance(types, list) else [types],
            }
            for first, last, types in spoken
        ]
        for place, spoken in (words or {}).items()
    }


def by_topic(rows: dict[Place, dict[str, Any]]) -> list[dict[str, Any]]:
    """Write partitions below their topics."""
    topics: dict[bytes, list[dict[str, Any]]] = {}
    for (topic_id, index), row in rows.items():
        topics.setdefault(topic_id, []).append({"PartitionIndex": index, **row})
    return [{"TopicId": topic_id, "Partitions": partitions} for topic_id, partitions in topics.items()]


def answered(answer: dict[str, Any]) -> dict[Place, dict[str, Any]]:
    """Read the partitions of an answer."""
    return {
        (topic["TopicId"], row["PartitionIndex"]): row for topic in answer["Responses"] for row in topic["Partitions"]
    }


def acquired(answer: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Read what was handed out, of one partition: first and last offset, and how often."""
    return [
        (one["FirstOffset"], one["LastOffset"], one["DeliveryCount"])
        for row in answered(answer).values()
        for one in row["AcquiredRecords"]
    ]


def values(answer: dict[str, Any]) -> list[bytes | None]:
    """Read the values of all records that were sent, whether handed out or not."""
    return [record.value for row in answered(answer).values() for record in read_records(row["Records"])]


class Sharer:
    """One member. What it fetches is what it was assigned."""

    def __init__(
        self,
        kafka: KafkaHarness,
        member_id: str,
        *topics: str,
        group: str = "sharers",
        client: Client | None = None,
    ) -> None:
        self.client = client or kafka.connect()
        self.group = group
        self.member_id = member_id
        self.topics = list(topics or ("orders",))
        self.epoch = 0
        self.session_epoch = 0
        self.assigned: set[Place] = set()
        self.session: set[Place] = set()
        """What the broker fetches from for this session."""

    # The group.

    def ask(self, epoch: int, **fields: Any) -> dict[str, Any]:
        """Send a heartbeat as it is."""
        request = {"GroupId": self.group, "MemberId": self.member_id, "MemberEpoch": epoch, **fields}
        return self.client.ask("ShareGroupHeartbeat", request)

    def join(self) -> dict[str, Any]:
        """Join the group."""
        return self._take(self.ask(0, SubscribedTopicNames=self.topics))

    def beat(self, **fields: Any) -> dict[str, Any]:
        """Stay in the group."""
        return self._take(self.ask(self.epoch, **fields))

    def leave(self) -> dict[str, Any]:
        """Leave the group."""
        return self.ask(-1)

    def _take(self, answer: dict[str, Any]) -> dict[str, Any]:
        if answer["ErrorCode"] == 0:
            self.epoch = answer["MemberEpoch"]
            if answer["Assignment"] is not None:
                self.assigned = places_of(answer["Assignment"])
        return answer

    # Records.

    def send_fetch(
        self, words: dict[Place, list[Word]] | None = None, *, session_epoch: int | None = None, **fields: Any
    ) -> Pending:
        """Send a ShareFetch; it names partitions that are new to the session, that go, and that something is said of."""
        epoch = self.session_epoch if session_epoch is None else session_epoch
        if epoch == 0:
            self.session = set()
        batches = said(words)
        fresh = [] if epoch == -1 else sorted(self.assigned - self.session)
        gone = sorted(self.session - self.assigned)
        rows = {place: {"AcknowledgementBatches": batches.get(place, [])} for place in [*fresh, *batches]}
        request = {
            "GroupId": self.group,
            "MemberId": self.member_id,
            "ShareSessionEpoch": epoch,
            "MaxWaitMs": 0,
            "MinBytes": 1,
            "MaxBytes": 1 << 20,
            "MaxRecords": 500,
            "BatchSize": 500,
            "Topics": by_topic(rows),
            "ForgottenTopicsData": [{"TopicId": topic_id, "Partitions": [index]} for topic_id, index in gone],
            **fields,
        }
        self.session_epoch = 0 if epoch == -1 else epoch + 1
        self.session = (self.session | rows.keys()) - set(gone)
        return self.client.send("ShareFetch", request)

    def fetch(self, words: dict[Place, list[Word]] | None = None, **more: Any) -> dict[str, Any]:
        """Fetch without waiting."""
        return self.send_fetch(words, **more).answer

    def acknowledge(
        self, words: dict[Place, list[Word]], *, session_epoch: int | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Say what has come of records."""
        epoch = self.session_epoch if session_epoch is None else session_epoch
        rows = {place: {"AcknowledgementBatches": batches} for place, batches in said(words).items()}
        request = {
            "GroupId": self.group,
            "MemberId": self.member_id,
            "ShareSessionEpoch": epoch,
            "Topics": by_topic(rows),
        }
        self.session_epoch = 0 if epoch == -1 else epoch + 1
        return self.client.ask("ShareAcknowledge", {**request, **fields})
