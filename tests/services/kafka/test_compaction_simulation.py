"""Compaction against a slow twin: a list of all that was ever written, from which it is plain what a compacted topic must still have.

Seeded random runs: plain, idempotent and transactional writes, tombstones, commits, aborts, time passing, a restart now and then. After
every step a reader of committed records must see what the twin allows; a failure names its seed.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from services.kafka.records import read_batch
from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_compaction import BACKOFF_S, DELETE_RETENTION_S, Compacted, Seen

STEPS = 120
KEYS = "abcdef"
PRODUCERS = (1, 2, 3)
IDEMPOTENT = 9


@dataclass
class Written:
    """A record as it was written."""

    seen: Seen
    written_ms: int
    state: str = "committed"


class Twin:
    """Everything that was ever written."""

    def __init__(self) -> None:
        self.records: list[Written] = []
        self.open: dict[int, list[Written]] = {}

    def write(self, base: int, pairs: list[tuple[str, str | None]], now_ms: int, producer_id: int | None) -> None:
        made = [
            Written(Seen(base + place, key.encode(), None if value is None else value.encode()), now_ms)
            for place, (key, value) in enumerate(pairs)
        ]
        self.records += made
        if producer_id is not None:
            for one in made:
                one.state = "open"
            self.open.setdefault(producer_id, []).extend(made)

    def end(self, producer_id: int, *, commit: bool) -> None:
        for one in self.open.pop(producer_id, []):
            one.state = "committed" if commit else "aborted"

    def stable_offset(self, end: int) -> int:
        return min((found[0].seen.offset for found in self.open.values()), default=end)

    def check(self, read: list[Seen], stable: int, clean: int, now_ms: int) -> None:
        """Hold what a reader of committed records has seen against all that was written."""
        committed = [one for one in self.records if one.state == "committed" and one.seen.offset < stable]
        by_offset = {one.seen.offset: one for one in committed}
        assert [seen.offset for seen in read] == sorted({seen.offset for seen in read})
        for seen in read:
            assert by_offset[seen.offset].seen == seen, "what is there was written so, and committed"
        there = {seen.offset for seen in read}
        latest = {one.seen.key: one for one in committed}
        latest_clean = {one.seen.key: one for one in committed if one.seen.offset < clean}
        for one in committed:
            if one.seen.offset in there:
                outdone = one.seen.offset < clean and latest_clean[one.seen.key] is not one
                assert not outdone, f"{one.seen} has been outdone and was compacted"
                continue
            is_latest = latest[one.seen.key] is one
            over = one.seen.value is None and now_ms - one.written_ms >= DELETE_RETENTION_S * 1000
            assert one.seen.offset < clean, f"{one.seen} is gone, but not compacted"
            assert not is_latest or over, f"{one.seen} is gone, but the last of its key"


class Run:
    """One random run."""

    def __init__(self, seed: int, folder: Path | None) -> None:
        self._random = Random(seed)
        self._settings = {} if folder is None else {"data_dir": folder}
        self.kafka = KafkaHarness(**self._settings)
        self.keyed = Compacted(self.kafka, segment_bytes=self._random.choice([100, 300, 1000]))
        self.twin = Twin()
        self._count = 0

    def step(self) -> None:
        action = self._random.choices(
            [self.write, self.write_in_transaction, self.end, self.pass_time, self.pass_long], [6, 5, 4, 4, 1]
        )[0]
        action()

    def pairs(self) -> list[tuple[str, str | None]]:
        self._count += 1
        return [
            (self._random.choice(KEYS), None if self._random.random() < 0.25 else f"v{self._count}")
            for _ in range(self._random.randint(1, 4))
        ]

    def write(self) -> None:
        pairs = self.pairs()
        if self._random.random() < 0.3:
            base = self.keyed.write_as(IDEMPOTENT, *pairs, transactional=False)
        else:
            base = self.keyed.write(*pairs, compression=self._random.choice([0, 0, 1, 3, 4]))
        self.twin.write(base, pairs, self.kafka.now_ms, None)

    def write_in_transaction(self) -> None:
        producer_id, pairs = self._random.choice(PRODUCERS), self.pairs()
        base = self.keyed.write_as(producer_id, *pairs)
        self.twin.write(base, pairs, self.kafka.now_ms, producer_id)

    def end(self) -> None:
        producer_id, commit = self._random.choice(PRODUCERS), self._random.random() < 0.6
        if producer_id in self.twin.open:
            self.keyed.end(producer_id, commit=commit)
            self.twin.end(producer_id, commit=commit)

    def pass_time(self) -> None:
        if self._random.random() < 0.5:
            self.keyed.compact(self._random.randint(1, 2 * BACKOFF_S))
        else:
            self.kafka.advance(self._random.randint(1, BACKOFF_S))
            self.kafka.settle()

    def pass_long(self) -> None:
        self.keyed.compact(DELETE_RETENTION_S + BACKOFF_S)

    def restart(self) -> None:
        then_ms = self.kafka.now_ms
        self.kafka.close()
        self.kafka = self.keyed.kafka = KafkaHarness(**self._settings)
        self.kafka.advance((then_ms - self.kafka.now_ms) / 1000)  # a new clock begins where every clock does
        self.kafka.settle()
        self.keyed.client = self.kafka.connect()

    def close(self) -> None:
        self.kafka.close()

    def check(self) -> None:
        partition = self.keyed.partition
        read, position = self.keyed.read_committed()
        stable = self.twin.stable_offset(partition.high_watermark)
        assert partition.last_stable_offset == stable
        assert position == stable, "a reader gets to the last stable offset"
        clean = self.kafka.cluster.upkeep.clean_offset(partition)
        self.twin.check(read, stable, clean, self.kafka.now_ms)
        assert self.kafka.emulator.tasks.failed == 0
        offset = 0
        for entry in partition.log.entries(0):
            batch = read_batch(entry.data)
            assert batch.base_offset >= offset
            offset = batch.next_offset


@pytest.mark.parametrize("seed", range(25))
def test_what_must_be_there_is_there(seed: int) -> None:
    print(f"seed {seed}")
    with closing(Run(seed, None)) as run:
        for _ in range(STEPS):
            run.step()
            run.check()


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_restart_changes_nothing(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")
    with closing(Run(seed, tmp_path)) as run:
        for number in range(STEPS):
            run.step()
            if number % 40 == 39:
                run.restart()
            run.check()
