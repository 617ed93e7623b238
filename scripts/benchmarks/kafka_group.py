"""A consumer group whose members are connections of one process: they join, take the leader's word for their partitions and beat."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import uvloop

from benchmarks import kafka_wire as wire
from benchmarks.client import HOST
from benchmarks.kafka_wire import NULL_TEXT, Reader, array, data, int16, int32, text
from benchmarks.report import BenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLE_WITHIN_S = 60
BEAT_EVERY_S = 0.5
"""heartbeat.interval.ms. Members learn of a rebalance by a heartbeat: with the clients' default of 3 s this could be most of the time."""
SESSION_MS = 10_000
REBALANCE_MS = 60_000
REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED = 27, 79
NOT_YET = (14, 15, 16)
"""The coordinator has not come up yet: Apache Kafka makes the topic for the offsets with the first group."""
RETRY_S = 0.1
JOIN_ANEW = (22, REBALANCE_IN_PROGRESS)
"""An old generation, or a rebalance that has begun."""


@dataclass(slots=True)
class Group:
    """A group, and what its members have been given."""

    port: int
    name: str
    topic: str
    partitions: int
    members: int
    given: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of each member that has partitions: the generation and how many."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, member: int, generation: int, partitions: int) -> None:
        """Note what a member has."""
        self.given[member] = (generation, partitions)
        generations = {generation for generation, _ in self.given.values()}
        whole = len(self.given) == self.members and len(generations) == 1
        if whole and sum(count for _, count in self.given.values()) == self.partitions:
            self.settled.set()

    def shares(self, member_ids: Sequence[str]) -> bytes:
        """Divide the partitions as the range assignor does, and write SyncGroup's assignments."""
        count = len(member_ids)
        bounds = pairwise(number * self.partitions // count for number in range(count + 1))
        return array(
            text(member) + data(int16(0) + array([text(self.topic) + array(map(int32, range(*bound)))]) + data(b""))
            for member, bound in zip(sorted(member_ids), bounds, strict=True)
        )


def settle(port: int, name: str, topic: str, partitions: int, members: int) -> float:
    """Let so many members join at once; answer after how many seconds all have their partitions, in one generation."""
    with wire.Wire(port) as connection:
        connection.call(wire.FIND_COORDINATOR, text(name) + b"\0")
    group = Group(port, name, topic, partitions, members)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_settle(group))
    except TimeoutError:
        given = len(group.given)
        raise BenchError(
            f"after {SETTLE_WITHIN_S} s {given} of {members} members have partitions, or not all of one generation"
        ) from None


async def _settle(group: Group) -> float:
    leave = asyncio.Event()
    members = [_Member(group, number, leave) for number in range(group.members)]
    for member in members:
        await member.connect()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(SETTLE_WITHIN_S), asyncio.TaskGroup() as tasks:
            for member in members:
                tasks.create_task(member.run())
            await group.settled.wait()
            took = time.perf_counter() - began
            leave.set()
    except* BenchError as errors:
        raise errors.exceptions[0] from None
    return took


class _Member:
    """One member with a connection of its own."""

    def __init__(self, group: Group, number: int, leave: asyncio.Event) -> None:
        self._group, self._number, self._leave = group, number, leave
        self._id = ""
        self._asked = 0

    async def connect(self) -> None:
        """Connect to the broker, which is the coordinator too."""
        self._reader, self._writer = await asyncio.open_connection(HOST, self._group.port)

    async def run(self) -> None:
        """Be a member until all shall leave."""
        try:
            while not self._leave.is_set():
                generation = await self._join()
                if generation is not None:
                    await self._beat(generation)
            await self._call(wire.LEAVE_GROUP, text(self._group.name) + text(self._id))
        finally:
            self._writer.close()

    async def _join(self) -> int | None:
        """Join and get partitions; answers the generation, or None when there is a new one already."""
        group = self._group
        subscription = int16(0) + array([text(group.topic)]) + data(b"")
        body = text(group.name) + int32(SESSION_MS) + int32(REBALANCE_MS)
        body += text(self._id) + NULL_TEXT + text("consumer") + array([text("range") + data(subscription)])
        answer = await self._call(wire.JOIN_GROUP, body)
        answer.take(4)
        error, generation = answer.number(2), answer.number(4)
        answer.text()
        leader = answer.text()
        self._id = answer.text()
        if error == MEMBER_ID_REQUIRED:
            return await self._join()
        if error in NOT_YET:
            await asyncio.sleep(RETRY_S)
            return None
        _check("JoinGroup", error)
        shares = group.shares(_members(answer)) if leader == self._id else array([])
        head = text(group.name) + int32(generation) + text(self._id) + NULL_TEXT
        answer = await self._call(wire.SYNC_GROUP, head + shares)
        answer.take(4)
        if (error := answer.number(2)) in JOIN_ANEW:
            return None
        _check("SyncGroup", error)
        group.give(self._number, generation, _partitions(answer.data()))
        return generation

    async def _beat(self, generation: int) -> None:
        """Beat until there is to be another generation, or all leave."""
        body = text(self._group.name) + int32(generation) + text(self._id) + NULL_TEXT
        while not self._leave.is_set():
            try:
                async with asyncio.timeout(BEAT_EVERY_S):
                    await self._leave.wait()
            except TimeoutError:
                answer = await self._call(wire.HEARTBEAT, body)
                answer.take(4)
                if (error := answer.number(2)) in JOIN_ANEW and not self._leave.is_set():
                    return
                if error not in JOIN_ANEW:
                    _check("Heartbeat", error)

    async def _call(self, key: int, body: bytes) -> Reader:
        self._asked += 1
        self._writer.write(wire.frame(key, body, self._asked))
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            answer = Reader(await self._reader.readexactly(size))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BenchError(f"a member has lost its connection: {error!r}") from None
        if answer.number(4) != self._asked:
            raise BenchError("a member got the answer to another request")
        return answer


def _members(answer: Reader) -> list[str]:
    """Read the ids of the members, which only the leader is told."""
    found = []
    for _ in range(answer.number(4)):
        found.append(answer.text())
        answer.text()
        answer.data()
    return found


def _partitions(assignment: bytes) -> int:
    """Count the partitions of an assignment to one topic."""
    if not assignment:
        return 0
    reader = Reader(assignment)
    reader.take(6)
    reader.text()
    return reader.number(4)


def _check(what: str, error: int) -> None:
    if error:
        raise BenchError(f"{what}: error {error}")
