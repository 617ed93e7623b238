"""Consumers of the classic protocol for the simulation of groups: they join, assign, read, commit, and lose partitions as they should.

An eager consumer gives everything up before it joins; a cooperative one keeps what it has and tells so, and what it has to give up it
gives up first, then all join again (KIP-429).
"""

from __future__ import annotations

import json
import random
from typing import Any

from tests.support.kafka_broker import KafkaHarness, Pending
from tests.support.kafka_classic import committed, subscription

GROUP, TOPIC = "simulated", "orders"
ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED, FENCED = 22, 25, 27, 79, 82
HEARTBEAT_MS = 3000


class Record:
    """What the whole world has seen: nothing in it may contradict itself."""

    def __init__(self, partitions: int) -> None:
        self.partitions = range(partitions)
        self.owners: dict[tuple[int, int], str] = {}
        """By generation and partition."""
        self.commits = dict.fromkeys(self.partitions, -1)

    def assigned(self, generation: int, who: str, partitions: list[int]) -> None:
        for partition in partitions:
            owner = self.owners.setdefault((generation, partition), who)
            assert owner == who, f"generation {generation}: partition {partition} is {owner}'s and {who}'s"

    def committed(self, partition: int, offset: int, who: str) -> None:
        before = self.commits[partition]
        assert offset >= before, f"{who} sets partition {partition} back from {before} to {offset}"
        self.commits[partition] = offset


class Consumer:
    """One process with one consumer."""

    def __init__(
        self, kafka: KafkaHarness, record: Record, chance: random.Random, instance: str | None, *, cooperative: bool
    ) -> None:
        self.kafka = kafka
        self.record = record
        self.chance = chance
        self.instance = instance
        self.cooperative = cooperative
        self.session_ms = chance.choice((6000, 10_000, 20_000))
        self.rebalance_ms = chance.choice((5000, 15_000, 30_000))
        self.client = kafka.connect()
        self.phase = "idle"
        """idle (about to join), joining, syncing, stable, gone"""
        self.pending: Pending | None = None
        self.given_up: list[Pending] = []
        """Requests whose answers nobody waits for, on connections that still live."""
        self.frozen_until_ms = 0
        self.member_id = ""
        self.generation = -1
        self.owned: dict[int, int] = {}
        """Partitions with the offset at which it goes on."""
        self.owned_since = -1
        """The generation in which it was last assigned anything."""
        self.heartbeat_ms = 0

    def __repr__(self) -> str:
        return f"{self.instance or self.member_id} ({self.phase}, generation {self.generation}, {sorted(self.owned)})"

    # What it does, bit by bit.

    def step(self) -> None:
        """Do the next thing, if it is not frozen and nothing has to be waited for."""
        if self.phase == "gone" or self.kafka.now_ms < self.frozen_until_ms:
            return
        if self.pending is not None:
            if self.pending.parked:
                return
            pending, self.pending = self.pending, None
            (self._joined if self.phase == "joining" else self._synced)(pending.answer)
        elif self.phase == "idle":
            self._join()
        elif self.kafka.now_ms >= self.heartbeat_ms:
            self._heartbeat()
        else:
            self._read()

    def _join(self) -> None:
        if not self.cooperative:
            self._commit()
            if self.phase == "gone":
                return
            self.owned = {}
        said = json.dumps({"owned": sorted(self.owned), "since": self.owned_since}).encode()
        self.phase = "joining"
        self._send_join(subscription(TOPIC, user_data=said))

    def _send_join(self, metadata: bytes) -> None:
        self.pending = self.client.send(
            "JoinGroup",
            {
                "GroupId": GROUP,
                "SessionTimeoutMs": self.session_ms,
                "RebalanceTimeoutMs": self.rebalance_ms,
                "MemberId": self.member_id,
                "GroupInstanceId": self.instance,
                "ProtocolType": "consumer",
                "Protocols": [{"Name": "simulated", "Metadata": metadata}],
            },
        )

    def _joined(self, answer: dict[str, Any]) -> None:
        if answer["ErrorCode"] == MEMBER_ID_REQUIRED:
            self.member_id, self.phase = answer["MemberId"], "idle"
        elif self._is_fine(answer["ErrorCode"]):
            self.member_id, self.generation = answer["MemberId"], answer["GenerationId"]
            leads = answer["Leader"] == self.member_id and not answer["SkipAssignment"]
            self._send_sync(assign(answer["Members"], self.record.partitions) if leads else {})

    def _send_sync(self, assignments: dict[str, list[int]]) -> None:
        self.phase = "syncing"
        self.pending = self.client.send(
            "SyncGroup",
            self._said()
            | {
                "ProtocolType": "consumer",
                "ProtocolName": "simulated",
                "Assignments": [
                    {"MemberId": member_id, "Assignment": json.dumps(given).encode()}
                    for member_id, given in assignments.items()
                ],
            },
        )

    def _said(self) -> dict[str, Any]:
        return {
            "GroupId": GROUP,
            "GenerationId": self.generation,
            "MemberId": self.member_id,
            "GroupInstanceId": self.instance,
        }

    def _synced(self, answer: dict[str, Any]) -> None:
        if not self._is_fine(answer["ErrorCode"]):
            return
        assigned = json.loads(answer["Assignment"] or b"[]")
        self.record.assigned(self.generation, self.instance or self.member_id, assigned)
        self.phase, self.heartbeat_ms = "stable", self.kafka.now_ms + HEARTBEAT_MS
        revoked = self.owned.keys() - set(assigned)
        if revoked:
            self._commit()
        if self.phase != "stable":
            return
        self.owned = {index: self.owned[index] if index in self.owned else self._start(index) for index in assigned}
        self.owned_since = self.generation
        if revoked:
            self.phase = "idle"  # so that others can have them

    def _start(self, partition: int) -> int:
        return max(0, int(committed(self.client, GROUP, TOPIC, partition)["CommittedOffset"]))

    def _heartbeat(self) -> None:
        self.heartbeat_ms = self.kafka.now_ms + HEARTBEAT_MS
        self._is_fine(self.client.ask("Heartbeat", self._said())["ErrorCode"])

    def _read(self) -> None:
        for partition in self.owned:
            self.owned[partition] += self.chance.randrange(4)
        if self.chance.random() < 0.3:
            self._commit()

    def _commit(self) -> None:
        for partition, offset in list(self.owned.items()):
            said = {"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": ""}
            request = {
                "GroupId": GROUP,
                "GenerationIdOrMemberEpoch": self.generation,
                "MemberId": self.member_id,
                "GroupInstanceId": self.instance,
                "Topics": [{"Name": TOPIC, "Partitions": [said]}],
            }
            answer = self.client.ask("OffsetCommit", request, version=9)
            if not self._is_fine(answer["Topics"][0]["Partitions"][0]["ErrorCode"]):
                return
            self.record.committed(partition, offset, repr(self))

    def _is_fine(self, error: int) -> bool:
        """Go on after an answer; all but 0 mean that it has to join again, or has no partitions any more."""
        if error == 0:
            return True
        assert error in (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED), error
        self.phase = "idle"
        if error != REBALANCE_IN_PROGRESS:
            self.owned, self.owned_since = {}, -1
        if error == UNKNOWN_MEMBER_ID:
            self.member_id = ""
        if error == FENCED:
            self.crash()
        return False

    # What befalls it.

    def freeze(self, duration_ms: int) -> None:
        self.frozen_until_ms = self.kafka.now_ms + duration_ms

    def haunt(self) -> None:
        """Send a heartbeat and care for nothing else: the poll loop hangs, the thread behind it goes on."""
        if self.pending is None or not self.pending.parked:
            self.pending = None
            self.client.ask("Heartbeat", self._said())

    def crash(self) -> None:
        self.phase, self.pending, self.owned = "gone", None, {}
        self.client.close()

    def leave(self) -> None:
        said = {"MemberId": self.member_id, "GroupInstanceId": self.instance}
        self.phase, self.owned, self.pending = "gone", {}, None
        self.client.close()
        self.client = self.kafka.connect()
        self.client.ask("LeaveGroup", {"GroupId": GROUP, "Members": [said]})

    def reconnect(self) -> None:
        """Give a parked request up without hanging up, and send it again elsewhere."""
        if self.pending is None or not self.pending.parked:
            return
        self.given_up.append(self.pending)
        self.client = self.kafka.connect()
        self.pending = None
        self.phase = "idle"


def assign(members: list[dict[str, Any]], partitions: range) -> dict[str, list[int]]:
    """Share partitions evenly; who has one keeps it if it may, and nobody gets one that another has not given up yet."""
    claims: dict[int, tuple[int, str]] = {}
    for member in members:
        said = json.loads(member["Metadata"].split(TOPIC.encode(), 1)[1][4:])
        for partition in said["owned"]:
            claims[partition] = max(claims.get(partition, (-2, "")), (said["since"], member["MemberId"]))
    share = -(-len(partitions) // len(members))
    wanted: dict[str, list[int]] = {member["MemberId"]: [] for member in members}
    free = []
    for partition in partitions:
        owner = claims.get(partition, (-1, ""))[1]
        if owner and len(wanted[owner]) < share:
            wanted[owner].append(partition)
        else:
            free.append(partition)
    for partition in free:
        poorest = min(wanted, key=lambda member_id: (len(wanted[member_id]), member_id))
        wanted[poorest].append(partition)
    return {
        member_id: [partition for partition in given if claims.get(partition, (0, member_id))[1] == member_id]
        for member_id, given in wanted.items()
    }
