"""Members of classic groups as a client library plays them, on connections of a `KafkaHarness`."""

from __future__ import annotations

import struct
from typing import Any

from services.kafka.configs import BROKER
from services.kafka.groups.offsets import NO_TOPIC_ID
from tests.support.kafka_broker import Client, KafkaHarness, Pending

MEMBER_ID_REQUIRED = 79


def subscription(*topics: str, user_data: bytes = b"") -> bytes:
    """Write what a consumer says when it joins (ConsumerProtocolSubscription version 0)."""
    named = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    return struct.pack(">hi", 0, len(topics)) + named + struct.pack(">i", len(user_data)) + user_data


class Member:
    """One member, with a connection of its own."""

    def __init__(
        self,
        kafka: KafkaHarness,
        group: str = "billing",
        *,
        instance: str | None = None,
        protocols: dict[str, bytes] | None = None,
        protocol_type: str = "consumer",
        session_s: int = 10,
        rebalance_s: int = 60,
        version: int = 9,
        client: Client | None = None,
    ) -> None:
        self.kafka = kafka
        self.client = client or kafka.connect()
        self.group = group
        self.instance = instance
        self.protocols = protocols or {"range": subscription("orders")}
        self.protocol_type = protocol_type
        self.session_s = session_s
        self.rebalance_s = rebalance_s
        self.version = version
        self.member_id = ""
        self.generation = -1
        self.protocol: str | None = None

    def send_join(self, **more: Any) -> Pending:
        """Send one JoinGroup."""
        request = {
            "GroupId": self.group,
            "SessionTimeoutMs": self.session_s * 1000,
            "RebalanceTimeoutMs": self.rebalance_s * 1000,
            "MemberId": self.member_id,
            "GroupInstanceId": self.instance,
            "ProtocolType": self.protocol_type,
            "Protocols": [{"Name": name, "Metadata": said} for name, said in self.protocols.items()],
        }
        return self.client.send("JoinGroup", request | more, version=self.version)

    def join(self) -> Pending:
        """Join, a second time if an id is to be had first."""
        pending = self.send_join()
        if not pending.parked and pending.answer["ErrorCode"] == MEMBER_ID_REQUIRED:
            self.member_id = pending.answer["MemberId"]
            pending = self.send_join()
        return pending

    def joined(self, pending: Pending) -> dict[str, Any]:
        """Take up the answer to a JoinGroup that must have worked."""
        answer = pending.answer
        assert answer["ErrorCode"] == 0, answer
        self.member_id, self.generation = answer["MemberId"], answer["GenerationId"]
        self.protocol = answer["ProtocolName"]
        return answer

    def sync(self, assignments: dict[str, bytes] | None = None, **more: Any) -> Pending:
        """Send a SyncGroup, a leader's with the assignments by member id."""
        request = {
            "GroupId": self.group,
            "GenerationId": self.generation,
            "MemberId": self.member_id,
            "GroupInstanceId": self.instance,
            "ProtocolType": self.protocol_type,
            "ProtocolName": self.protocol,
            "Assignments": [{"MemberId": one, "Assignment": given} for one, given in (assignments or {}).items()],
        }
        return self.client.send("SyncGroup", request | more)

    def heartbeat(self, **more: Any) -> int:
        """Send a Heartbeat and give the error code."""
        request = {
            "GroupId": self.group,
            "GenerationId": self.generation,
            "MemberId": self.member_id,
            "GroupInstanceId": self.instance,
        }
        return int(self.client.ask("Heartbeat", request | more)["ErrorCode"])

    def leave(self) -> int:
        """Leave and give the error code of this very member."""
        said = {"MemberId": self.member_id, "GroupInstanceId": self.instance}
        [row] = self.client.ask("LeaveGroup", {"GroupId": self.group, "Members": [said]})["Members"]
        return int(row["ErrorCode"])

    def commit(self, offset: int, topic: str = "orders", partition: int = 0, **more: Any) -> int:
        """Commit an offset (version 9, by name) and give the error code."""
        said = {"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": ""}
        request = {
            "GroupId": self.group,
            "GenerationIdOrMemberEpoch": self.generation,
            "MemberId": self.member_id,
            "GroupInstanceId": self.instance,
            "Topics": [{"Name": topic, "TopicId": NO_TOPIC_ID, "Partitions": [said]}],
        }
        answer = self.client.ask("OffsetCommit", request | more, version=9)
        return int(answer["Topics"][0]["Partitions"][0]["ErrorCode"])


def stable(kafka: KafkaHarness, *members: Member, assignments: dict[str, bytes] | None = None) -> Member:
    """Let these be the members of a stable generation and give its leader; each is assigned its place in the call: b"0", b"1", ..."""
    joins = [member.join() for member in members]
    kafka.advance(0)
    answers = [member.joined(join) for member, join in zip(members, joins, strict=True)]
    [leader] = [member for member in members if member.member_id == answers[0]["Leader"]]
    given = {member.member_id: str(place).encode() for place, member in enumerate(members)}
    waiting = [member.sync() for member in members if member is not leader]
    waiting.append(leader.sync(given if assignments is None else assignments))
    assert [pending.answer["ErrorCode"] for pending in waiting] == [0] * len(waiting)
    return leader


def committed(
    client: Client, group: str, topic: str = "orders", partition: int = 0, *, stable: bool = False, **more: Any
) -> dict[str, Any]:
    """Fetch what a group has committed for one partition (version 9, by name)."""
    wanted = {"GroupId": group, "Topics": [{"Name": topic, "TopicId": NO_TOPIC_ID, "PartitionIndexes": [partition]}]}
    request = {"Groups": [wanted | more], "RequireStable": stable}
    [found] = client.ask("OffsetFetch", request, version=9)["Groups"]
    assert found["ErrorCode"] == 0, found
    row: dict[str, Any] = found["Topics"][0]["Partitions"][0]
    return row


def group_state(client: Client, group: str) -> str:
    """Give the state of a group as DescribeGroups tells it."""
    [found] = client.ask("DescribeGroups", {"Groups": [group]})["Groups"]
    return str(found["GroupState"])


def make_topic(kafka: KafkaHarness, name: str = "orders", partitions: int = 4) -> bytes:
    """Make a topic and give its id."""
    return kafka.cluster.topics.create(name, partitions, 1, {}).topic_id


def configure(kafka: KafkaHarness, **configs: str) -> None:
    """Set configs of all brokers, of which some cannot be changed by clients: `group_max_size="2"`."""
    kafka.cluster.configs.replace(BROKER, "", {name.replace("_", "."): value for name, value in configs.items()})
