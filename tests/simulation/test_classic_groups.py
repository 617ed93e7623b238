"""Classic groups through random histories: members come, crash, freeze, leave, come back, at any step; the time moves by hand.

What must hold: within a generation a partition has one owner; commits of former generations change nothing, so no offset ever goes back;
when things calm down all that live are in one stable generation that has every partition; and no request is left parked for ever.
A failure names the seed; `History(seed, assignor).run()` replays it.
"""

from __future__ import annotations

import random

import pytest

from tests.simulation.classic_consumers import GROUP, TOPIC, Consumer, Record
from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import committed, make_topic

PARTITIONS = 7
STEPS = 120
CALM_SECONDS = 150
"""Longer than any session and rebalance timeout, twice over."""


class History:
    """One random history of one group."""

    def __init__(self, seed: int, assignor: str) -> None:
        self.chance = random.Random(f"{assignor} {seed}")
        self.cooperative = assignor == "cooperative"
        self.record = Record(PARTITIONS)
        self.members: list[Consumer] = []
        self.gone: list[Consumer] = []
        self.ghost: Consumer | None = None
        """One that sends heartbeats for ever but never joins again."""

    def run(self) -> None:
        with KafkaHarness() as kafka:
            self.kafka = kafka
            self.looker = kafka.connect()
            make_topic(kafka, TOPIC, PARTITIONS)
            timers = kafka.clock.timers
            for _ in range(STEPS):
                self.chance.choices(*zip(*self.happenings(), strict=True))[0]()
                self.pass_time(self.chance.choice((0, 0, 100, 1000, 1000, 4000)))
                self.check_offsets()
            self.calm_down()
            self.check_stable()
            self.check_nothing_is_parked()
            for member in [*self.members, *([] if self.ghost is None else [self.ghost])]:
                member.crash()
            kafka.advance(CALM_SECONDS)
            assert self.described()["GroupState"] == "Empty"
            assert kafka.clock.timers == timers

    # What may happen

    def happenings(self) -> list[tuple[object, int]]:
        return [
            (lambda: None, 20),
            (self.start, 4 if len(self.members) < 6 else 1),
            (self.crash, 2),
            (self.leave, 1),
            (self.freeze, 4),
            (self.reconnect, 2),
            (self.remove_an_instance, 1),
        ]

    def start(self) -> None:
        self.start_as(self.chance.choice((None, None, "a", "b", "c")))  # one that runs already is fenced then

    def start_as(self, instance: str | None) -> None:
        self.members.append(Consumer(self.kafka, self.record, self.chance, instance, cooperative=self.cooperative))

    def someone(self) -> Consumer | None:
        return self.chance.choice(self.members) if self.members else None

    def crash(self) -> None:
        if (member := self.someone()) is not None:
            member.crash()

    def leave(self) -> None:
        if (member := self.someone()) is not None:
            member.leave()

    def freeze(self) -> None:
        if (member := self.someone()) is not None:
            member.freeze(self.chance.choice((2000, 7000, 15_000, 40_000)))

    def reconnect(self) -> None:
        if (member := self.someone()) is not None:
            member.reconnect()

    def remove_an_instance(self) -> None:
        said = {"MemberId": "", "GroupInstanceId": self.chance.choice("abc")}
        self.looker.ask("LeaveGroup", {"GroupId": GROUP, "Members": [said]})

    # How it goes on

    def pass_time(self, duration_ms: int, steps_min: int = 0) -> None:
        self.kafka.advance(duration_ms / 1000)
        self.chance.shuffle(self.members)
        for member in self.members:
            for _ in range(self.chance.randrange(steps_min, 4)):
                member.step()
        self.gone += [member for member in self.members if member.phase == "gone"]
        self.members = [member for member in self.members if member.phase != "gone"]

    def calm_down(self) -> None:
        if self.members and self.chance.random() < 0.5:
            self.ghost = self.members.pop()
        self.start_as(None)  # so that there is a rebalance, which the ghost misses
        for member in self.members:
            member.frozen_until_ms = 0
        for _ in range(CALM_SECONDS):
            self.pass_time(1000, steps_min=1)
            if self.ghost is not None:
                self.ghost.haunt()

    # What must hold

    def described(self) -> dict[str, object]:
        group: dict[str, object] = self.looker.ask("DescribeGroups", {"Groups": [GROUP]})["Groups"][0]
        return group

    def check_offsets(self) -> None:
        partition = self.chance.randrange(PARTITIONS)
        assert committed(self.looker, GROUP, TOPIC, partition)["CommittedOffset"] == self.record.commits[partition]

    def check_stable(self) -> None:
        group = self.described()
        assert group["GroupState"] == "Stable", self.members
        assert sorted(row["MemberId"] for row in group["Members"]) == sorted(m.member_id for m in self.members)
        assert {member.phase for member in self.members} == {"stable"}
        assert len({member.generation for member in self.members}) == 1, self.members
        owned = sorted(partition for member in self.members for partition in member.owned)
        assert owned == list(range(PARTITIONS)), self.members

    def check_nothing_is_parked(self) -> None:
        requests = [pending for member in self.members + self.gone for pending in member.given_up]
        requests += [member.pending for member in self.members if member.pending is not None]
        assert not [pending for pending in requests if pending.parked]


@pytest.mark.parametrize("assignor", ["eager", "cooperative"])
@pytest.mark.parametrize("seed", range(20))
def test_groups_come_to_rest_whatever_happens(seed: int, assignor: str) -> None:
    History(seed, assignor).run()
