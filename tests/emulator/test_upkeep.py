"""Memory comes back from queues that nobody touches any more, and an idle queue costs nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from emulator.clock import ManualClock
from emulator.queue.core import QueueCore
from emulator.queue.fifo import DEDUPLICATION_MS, FifoQueue, Sent
from emulator.queue.message import Message
from emulator.queue.standard import StandardQueue
from emulator.queue.upkeep import PATIENCE_MS, Upkeep

S = 1000
START_MS = 1_767_225_600_000
RETENTION_MS = 3600 * S
DEAD_ENTRIES = 64
"""So few are not worth a sweep."""


class Kept:
    """A queue that only its upkeep looks at."""

    def __init__(self, clock: ManualClock, core: QueueCore) -> None:
        self.clock, self.core = clock, core
        self.upkeep = Upkeep(clock, core)

    def send(self, group: str | None = None) -> Message:
        now_ms = self.clock.now_ms()
        message = Message("m", "body", "d", now_ms, group_id=group)
        self.core.add(message, now_ms, now_ms)
        self.upkeep.watch()
        return message


def run(work: Callable[[Kept], Coroutine[Any, Any, None]], kind: type[QueueCore] = StandardQueue) -> None:
    async def kept() -> None:
        await work(Kept(ManualClock(), kind(retention_ms=RETENTION_MS, in_flight_max=120_000)))

    asyncio.run(kept())


def test_an_empty_queue_has_no_timer() -> None:
    async def work(kept: Kept) -> None:
        kept.upkeep.watch()
        assert kept.clock.timers == 0

    run(work)


def test_a_queue_has_one_timer_however_much_it_holds() -> None:
    async def work(kept: Kept) -> None:
        for _ in range(1000):
            kept.send()
            await kept.clock.advance(1)
        assert kept.clock.timers == 1

    run(work)


def test_expired_messages_are_freed_though_nobody_asks_for_them() -> None:
    async def work(kept: Kept) -> None:
        message = kept.send()
        await kept.clock.advance(RETENTION_MS - 1)
        assert (len(kept.core), message.body) == (1, "body")
        await kept.clock.advance(1)
        assert (len(kept.core), message.body, kept.clock.timers) == (0, "", 0)
        assert kept.core.entries <= DEAD_ENTRIES

    run(work)


def test_each_message_of_a_trickle_is_freed_soon_after_its_end() -> None:
    async def work(kept: Kept) -> None:
        for _ in range(100):
            kept.send()
            await kept.clock.advance(30 * S)
        await kept.clock.advance(RETENTION_MS - 3000 * S + PATIENCE_MS)
        for left in range(100, 0, -1):
            assert len(kept.core) <= left
            await kept.clock.advance(30 * S)
        assert (len(kept.core), kept.clock.timers) == (0, 0)

    run(work)


def test_the_rounds_of_a_busy_queue_are_at_least_a_minute_apart() -> None:
    async def work(kept: Kept) -> None:
        rounds: list[int] = []
        settle = kept.core.settle
        kept.core.settle = lambda now_ms: (rounds.append(now_ms), settle(now_ms))[1]  # type: ignore[method-assign]
        for _ in range(600):
            now_ms = kept.clock.now_ms()
            QueueCore.add(kept.core, Message("m", "b", "d", now_ms), now_ms, now_ms)
            kept.upkeep.watch()
            await kept.clock.advance(S)
        await kept.clock.advance(RETENTION_MS)
        apart = [after - before for before, after in itertools.pairwise(rounds)]
        assert apart
        assert min(apart) >= PATIENCE_MS

    run(work)


def test_a_shorter_retention_brings_the_round_forward() -> None:
    async def work(kept: Kept) -> None:
        kept.send()
        kept.core.retention_ms = 120 * S
        kept.upkeep.watch()
        assert kept.clock.timers == 1
        await kept.clock.advance(120 * S)
        assert len(kept.core) == 0

    run(work)


def test_remembered_deduplication_ids_are_freed_though_nobody_sends() -> None:
    async def work(kept: Kept) -> None:
        assert isinstance(kept.core, FifoQueue)
        message = kept.send("group")
        kept.core.remember("key", Sent("m", "1", kept.clock.now_ms()))
        kept.upkeep.watch()
        kept.core.take(kept.clock.now_ms(), 1, 30 * S)
        kept.core.delete(message.seq, message.receives, kept.clock.now_ms())
        await kept.clock.advance(DEDUPLICATION_MS - 1)
        assert kept.core.entries >= 1
        await kept.clock.advance(RETENTION_MS)
        assert (kept.core.entries, kept.clock.timers) == (0, 0)

    run(work, FifoQueue)


def test_an_emptied_queue_gives_its_timer_up() -> None:
    async def work(kept: Kept) -> None:
        for _ in range(10):
            kept.send()
            (message,) = kept.core.take(kept.clock.now_ms(), 1, 30 * S).messages
            kept.core.delete(message.seq, message.receives, kept.clock.now_ms())
            await kept.clock.advance(S)
        await kept.clock.advance(RETENTION_MS + PATIENCE_MS)
        assert kept.clock.timers == 0
        assert kept.core.entries <= DEAD_ENTRIES

    run(work)


def test_a_stopped_upkeep_sets_no_timer_again() -> None:
    async def work(kept: Kept) -> None:
        kept.send()
        kept.upkeep.stop()
        kept.upkeep.stop()
        assert kept.clock.timers == 0
        kept.send()
        assert kept.clock.timers == 0

    run(work)
