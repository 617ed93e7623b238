"""The log and its obvious twin (model.py) go through the same random histories and must never differ.

A failure names the seed and the step; `History(seed)` replays it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from emulator.log.log import Log
from emulator.log.segment import Entry
from tests.emulator.log.model import LogModel, Tuple

START_MS = 1_767_225_600_000
STEPS = 400
SEGMENT_BYTES = (1, 40, 200, 1500, 1 << 20)
DISORDER_MS = (0, 0, 3, 500)
"""How far the time of an entry may be behind."""


def plain(entries: list[Entry]) -> list[Tuple]:
    return [(entry.offset, entry.count, entry.time_ms, entry.data) for entry in entries]


class History:
    """One random history of a log and of its model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.log = Log(self.random.choice(SEGMENT_BYTES))
        self.model = LogModel()
        self.disorder_ms = self.random.choice(DISORDER_MS)
        self.now_ms = START_MS

    # What may happen. Each method does one thing to both sides and compares what they answer.

    def append(self) -> None:
        for _ in range(self.random.choice((1, 3, 40))):
            self.now_ms += self.random.choice((0, 0, 1, 7))
            time_ms = self.now_ms - self.random.randint(0, self.disorder_ms)
            data = self.random.randbytes(self.random.choice((0, 1, 5, 30, 300)))
            count = self.random.choice((1, 1, 1, 2, 9))
            assert self.log.append(data, time_ms, count) == self.model.append(data, time_ms, count)

    def append_one_of_the_far_future(self) -> None:
        time_ms = self.now_ms + 10_000
        assert self.log.append(b"future", time_ms) == self.model.append(b"future", time_ms, 1)

    def read(self) -> None:
        offset, entries_max, bytes_max = (
            self.an_offset(),
            self.random.choice((0, 1, 7, 500)),
            self.random.choice((0, 50, 1 << 20)),
        )
        assert plain(self.log.read(offset, entries_max, bytes_max)) == self.model.read(offset, entries_max, bytes_max)

    def find_a_time(self) -> None:
        time_ms = self.a_time()
        assert self.log.offset_at(time_ms) == self.model.offset_at(time_ms)

    def find_an_older_one(self) -> None:
        offset, time_ms = self.an_offset(), self.a_time()
        assert self.log.next_older(offset, time_ms) == self.model.next_older(offset, time_ms)

    def expire(self) -> None:
        before_ms = self.a_time()
        assert self.log.expire(before_ms) == self.model.expire(before_ms)

    def truncate(self) -> None:
        offset = self.random.choice((self.an_offset(), self.model.start + 1, self.model.start + 10))
        assert self.log.truncate_before(offset) == self.model.truncate_before(offset)

    def clear(self) -> None:
        self.log.clear()
        self.model.clear()

    def an_offset(self) -> int:
        return self.random.randint(self.model.start - 3, self.model.end + 2)

    def a_time(self) -> int:
        times = [time_ms for _, _, time_ms, _ in self.model.entries] or [self.now_ms]
        return self.random.choice(times) + self.random.choice((-1, 0, 0, 1))

    # What must hold after each step.

    def compare(self) -> None:
        log, model = self.log, self.model
        times = [time_ms for _, _, time_ms, _ in model.entries] or [None]
        assert (log.start_offset, log.end_offset, log.count) == (model.start, model.end, model.end - model.start)
        assert (log.first_time_ms, log.last_time_ms) == (times[0], times[-1])
        assert log.size_bytes == sum(len(data) for *_, data in model.entries)

    def step(self) -> None:
        steps: list[tuple[Callable[[], None], int]] = [
            (self.append, 30),
            (self.append_one_of_the_far_future, 1 if self.disorder_ms else 0),
            (self.read, 20),
            (self.find_a_time, 20),
            (self.find_an_older_one, 20),
            (self.expire, 2),
            (self.truncate, 4),
            (self.clear, 1),
        ]
        (step,) = self.random.choices([step for step, _ in steps], [weight for _, weight in steps])
        step()
        self.compare()


@pytest.mark.parametrize("seed", range(60))
def test_the_log_behaves_like_a_list(seed: int) -> None:
    history = History(seed)
    for step in range(STEPS):
        try:
            history.step()
        except BaseException:
            print(f"seed {seed}, step {step}")
            raise
    assert plain(history.log.read(0, 1 << 30, 1 << 30)) == history.model.entries
