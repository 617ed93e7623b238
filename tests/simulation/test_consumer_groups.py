"""Seeded runs of a consumer group (KIP-848) on a clock moved by hand: members join, leave, crash, are slow to give up, lose answers.

Whatever happens, no partition is owned by two members at once, as these see it themselves, leaving out those that the broker has
fenced and that have not heard of it. And when things calm down, everything is owned, evenly, at one epoch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import configure, make_topic
from tests.support.kafka_consumer import Consumer, Place, group_of, places_of, written

TOPICS = ("orders", "payments")
STEPS = 250
NEVER_MIND = (25, 110)
"""UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH: the member abandons what it has and joins again."""
UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID = 111, 82


class Process(Consumer):
    """A consumer that does not do everything at once."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.assigned: set[Place] = set()
        self.in_group = False
        self.tells_all = False

    def heartbeat(self, chance: random.Random, *, answer_lost: bool) -> None:
        """Send what a client library would send now, and take up the answer, if it comes."""
        if not self.in_group:
            answer = self.ask(0, InstanceId=self.instance, TopicPartitions=[], **self.fields)
        elif self.tells_all:
            answer = self.ask(self.epoch, InstanceId=self.instance, TopicPartitions=written(self.owned), **self.fields)
        elif self.owned != self.told:
            answer = self.ask(self.epoch, InstanceId=self.instance, TopicPartitions=written(self.owned))
        else:
            answer = self.ask(self.epoch, InstanceId=self.instance)
        if answer_lost:
            self.tells_all = True
            return
        self.told, self.tells_all = set(self.owned), False
        self.hear(answer)
        if chance.random() < 0.8:
            self.give_up()

    def hear(self, answer: dict[str, Any]) -> None:
        """Take up an answer: what is new is owned at once, what is to go is not given up yet."""
        if answer["ErrorCode"] in NEVER_MIND:
            self.in_group, self.owned, self.assigned = False, set(), set()
            return
        if answer["ErrorCode"] == UNRELEASED_INSTANCE_ID:
            return
        assert answer["ErrorCode"] == 0, answer
        self.in_group, self.epoch = True, answer["MemberEpoch"]
        if answer["Assignment"] is not None:
            self.assigned = places_of(answer["Assignment"])
            self.owned |= self.assigned

    def give_up(self) -> None:
        """Let go of what was taken away."""
        self.owned &= self.assigned


class Run:
    """One run."""

    def __init__(self, kafka: KafkaHarness, seed: int) -> None:
        self.kafka = kafka
        self.client = kafka.connect()
        self.chance = random.Random(seed)
        self.alike = self.chance.random() < 0.5
        self.processes: list[Process] = []
        self.made = 0
        interval_ms = self.chance.choice(["0", "1000"])
        configure(kafka, group_consumer_assignment_interval_ms=interval_ms)
        for topic in TOPICS:
            make_topic(kafka, topic, self.chance.randint(1, 6))

    def start(self, instance: str | None = None) -> None:
        """Start a process."""
        self.made += 1
        topics = TOPICS if self.alike else self.chance.sample(TOPICS, self.chance.randint(1, 2))
        timeout_ms = self.chance.choice([10_000, 30_000, 300_000])
        fields = {"RebalanceTimeoutMs": timeout_ms}
        self.processes.append(
            Process(self.kafka, f"m{self.made}", *topics, instance=instance, client=self.client, **fields)
        )

    def step(self) -> None:
        """Let something happen."""
        action = self.chance.random()
        if action < 0.08 and len(self.processes) < 7:
            taken = {it.instance for it in self.processes}
            free = [it for it in ("one", "two", "three") if it not in taken]
            self.start(self.chance.choice(free) if free and self.chance.random() < 0.4 else None)
        elif action < 0.11:
            self.change_topics()
        elif action < 0.16 and self.processes:
            gone = self.processes.pop(self.chance.randrange(len(self.processes)))
            if gone.in_group and self.chance.random() < 0.5:  # else it has crashed
                gone.leave(-2 if gone.instance and self.chance.random() < 0.7 else -1)
        elif action < 0.75 and self.processes:
            self.chance.choice(self.processes).heartbeat(self.chance, answer_lost=self.chance.random() < 0.1)
        elif action < 0.85 and self.processes:
            self.chance.choice(self.processes).give_up()
        else:
            self.kafka.advance(self.chance.choice([0.1, 1, 3, 12]))
        self.check()

    def change_topics(self) -> None:
        topics = self.kafka.cluster.topics
        topic = topics.get(self.chance.choice(TOPICS))
        assert topic is not None
        if self.chance.random() < 0.7:
            topics.add_partitions(topic, len(topic.partitions) + 1)
        else:
            topics.delete(topic)
            make_topic(self.kafka, topic.name, self.chance.randint(1, 6))

    def check(self) -> None:
        """No partition has two owners."""
        if self.kafka.cluster.groups.get("billing") is None:
            return
        known = group_of(self.kafka).members
        owners: dict[Place, str] = {}
        for process in self.processes:
            if process.in_group and process.member_id in known:
                for place in process.owned:
                    other = owners.setdefault(place, process.member_id)
                    assert other == process.member_id, f"{other} and {process.member_id} own {place[1]}"

    def calm_down(self) -> None:
        """Let all that live send heartbeats in time, until long after the last session of those that died."""
        if not self.processes:
            self.start()
        for _ in range(25):
            self.kafka.advance(4)
            for process in self.processes:
                process.heartbeat(self.chance, answer_lost=False)
                process.give_up()
                self.check()


@pytest.fixture
def kafka() -> Iterator[KafkaHarness]:
    with KafkaHarness() as one:
        yield one


@pytest.mark.parametrize("seed", range(40))
def test_no_partition_has_two_owners_and_all_have_one_in_the_end(kafka: KafkaHarness, seed: int) -> None:
    print(f"seed {seed}")
    run = Run(kafka, seed)
    run.start()
    for _ in range(STEPS):
        run.step()
    run.calm_down()
    group = group_of(kafka)
    assert (group.state, group.member_count) == ("Stable", len(run.processes))
    assert {process.epoch for process in run.processes} == {group.epoch}
    wanted = set().union(*(process.fields["SubscribedTopicNames"] for process in run.processes))
    everything = {
        (topic.topic_id, index)
        for topic in kafka.cluster.topics
        if topic.name in wanted
        for index in range(len(topic.partitions))
    }
    assert set().union(*(process.owned for process in run.processes)) == everything
    sizes = [len(process.owned) for process in run.processes]
    assert sum(sizes) == len(everything)
    if run.alike:
        assert max(sizes) - min(sizes) <= 1
