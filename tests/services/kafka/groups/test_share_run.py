"""Seeded runs of a share group: members fetch, accept, release, reject, die; locks end. No record is with two members at once, each is
handed out five times at most, and in the end every one has been accepted, rejected or given up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import make_topic
from tests.support.kafka_consumer import Place, at_once
from tests.support.kafka_share import ACCEPT, REJECT, RELEASE, Sharer, answered, from_the_start, share_group

LOCK_S = 30
PARTITIONS = 3


@dataclass
class Run:
    """One run. Times are seconds since its beginning."""

    kafka: KafkaHarness
    chance: random.Random
    now_s: int = 0
    made: int = 0
    members: list[Sharer] = field(default_factory=list)
    held: dict[tuple[Place, int], tuple[str, int]] = field(default_factory=dict)
    """Who has a record, and until when."""
    deliveries: dict[tuple[Place, int], int] = field(default_factory=dict)
    over: set[tuple[Place, int]] = field(default_factory=set)
    written: int = 0

    def start(self) -> None:
        self.made += 1
        member = Sharer(self.kafka, f"m{self.made}")
        member.join()
        self.members.append(member)

    def step(self) -> None:
        action = self.chance.random()
        if action < 0.15:
            self.produce()
        elif action < 0.2 and len(self.members) < 5:
            self.start()
        elif action < 0.24 and len(self.members) > 1:
            self.stop(self.members.pop(self.chance.randrange(len(self.members))))
        elif action < 0.6:
            self.fetch(self.chance.choice(self.members))
        elif action < 0.9:
            self.speak(self.chance.choice(self.members), self.chance.choice([ACCEPT, ACCEPT, RELEASE, REJECT]))
        else:
            self.pass_time(self.chance.choice([1, 5, 31]))

    def produce(self) -> None:
        count = self.chance.randint(1, 8)
        index = self.chance.randrange(PARTITIONS)
        self.kafka.connect().produce("orders", *[b"x"] * count, partition=index)
        self.written += count

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.kafka.advance(1)
            self.now_s += 1
            for member in self.members:
                member.beat()
        self.held = {record: until for record, until in self.held.items() if until[1] > self.now_s}

    def fetch(self, member: Sharer) -> None:
        answer = member.fetch(MaxRecords=self.chance.randint(1, 20), ShareAcquireMode=self.chance.randint(0, 1))
        assert answer["ErrorCode"] == 0, answer
        for place, row in answered(answer).items():
            for got in row["AcquiredRecords"]:
                for offset in range(got["FirstOffset"], got["LastOffset"] + 1):
                    self.give(member, (place, offset), got["DeliveryCount"])

    def give(self, member: Sharer, record: tuple[Place, int], count: int) -> None:
        assert record not in self.held, f"{record[1]} is with {self.held[record]}, too"
        assert record not in self.over, f"{record[1]} was done with"
        self.deliveries[record] = self.deliveries.get(record, 0) + 1
        assert count == self.deliveries[record] <= 5
        self.held[record] = (member.member_id, self.now_s + LOCK_S)

    def speak(self, member: Sharer, kind: int) -> None:
        mine = [record for record, (owner, _) in self.held.items() if owner == member.member_id]
        if not mine:
            return
        place, offset = self.chance.choice(mine)
        answer = member.acknowledge({place: [(offset, offset, kind)]})
        assert answered(answer)[place]["ErrorCode"] == 0, answer
        del self.held[place, offset]
        if kind != RELEASE:
            self.over.add((place, offset))

    def stop(self, member: Sharer) -> None:
        """A member closes its session and leaves, or dies: then its locks have to end."""
        if self.chance.random() < 0.5:
            if member.session_epoch:
                closed = set(member.session)
                member.fetch(session_epoch=-1)
                self.held = {
                    it: owner for it, owner in self.held.items() if owner[0] != member.member_id or it[0] not in closed
                }
            member.leave()

    def finish(self) -> None:
        """Let one member accept all that is left."""
        while len(self.members) > 1:
            self.stop(self.members.pop())
        self.pass_time(50)
        [last] = self.members
        for _ in range(2000):
            self.fetch(last)
            words: dict[Place, list[tuple[int, int, int]]] = {}
            for place, offset in sorted(self.held):
                words.setdefault(place, []).append((offset, offset, ACCEPT))
            if not words:
                break
            answer = last.acknowledge({place: list(spoken) for place, spoken in words.items()})
            assert {row["ErrorCode"] for row in answered(answer).values()} == {0}
            self.over |= self.held.keys()
            self.held.clear()


@pytest.mark.parametrize("seed", range(25))
def test_every_record_is_with_one_member_at_a_time_and_done_with_in_the_end(kafka: KafkaHarness, seed: int) -> None:
    print(f"seed {seed}")
    at_once(kafka)
    from_the_start(kafka)
    topic_id = make_topic(kafka, partitions=PARTITIONS)
    run = Run(kafka, random.Random(seed))
    run.start()
    for _ in range(200):
        run.step()
    run.finish()
    given_up = {record for record, count in run.deliveries.items() if count == 5} - run.over
    assert len(run.over | given_up) == run.written
    for index in range(PARTITIONS):
        state = share_group(kafka).ledger.get((topic_id, index))
        partition = kafka.cluster.partition("orders", index)
        assert partition is not None
        assert state is None or (state.start_offset, state.runs) == (partition.high_watermark, [])
