"""Background work: named, counted when it fails, and cancelled with the server."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import pytest

from emulator.clock import ManualClock, settle
from emulator.tasks import Tasks, breathe, dispose


async def fail() -> None:
    raise LookupError("on purpose")


async def succeed() -> None:
    await breathe()


def test_work_runs_beside_what_started_it_and_leaves_no_trace() -> None:
    async def work() -> None:
        tasks = Tasks()
        done: list[int] = []

        async def note() -> None:
            await breathe()
            done.append(1)

        task = tasks.start("note", note())
        assert (done, len(tasks), task.get_name()) == ([], 1, "note")
        await settle()
        assert (done, len(tasks), tasks.failed) == ([1], 0, 0)

    asyncio.run(work())


def test_a_failure_is_counted_and_shown_with_its_name_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> Tasks:
        tasks = Tasks()
        tasks.start("move messages", fail())
        tasks.start("good", succeed())
        await settle()
        return tasks

    with caplog.at_level(logging.ERROR):
        tasks = asyncio.run(work())
    assert (tasks.failed, len(tasks)) == (1, 0)
    (record,) = caplog.records
    assert record.getMessage() == "background task move messages failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


def test_one_failure_does_not_end_the_others() -> None:
    async def work() -> None:
        clock, tasks = ManualClock(), Tasks()
        other = tasks.start("other", clock.sleep(10))
        tasks.start("bad", fail())
        await clock.advance(9)
        assert not other.done()
        await clock.advance(1)
        assert other.done()
        assert tasks.failed == 1

    asyncio.run(work())


def test_stopping_cancels_all_work_and_waits_for_its_end() -> None:
    async def work() -> None:
        clock, tasks = ManualClock(), Tasks()
        ended: list[str] = []

        async def tidy_up() -> None:
            try:
                await clock.sleep(1000)
            finally:
                await breathe()
                ended.append("tidied up")

        task = tasks.start("tidy", tidy_up())
        tasks.start("never begun", clock.sleep(1000))
        await settle()
        await tasks.stop()
        assert ended == ["tidied up"]
        assert task.cancelled()
        await settle()
        assert (len(tasks), tasks.failed, clock.timers) == (0, 0, 0)

    asyncio.run(work())


def test_work_that_fails_while_it_is_stopped_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> Tasks:
        clock, tasks = ManualClock(), Tasks()

        async def fail_at_the_end() -> None:
            try:
                await clock.sleep(1000)
            finally:
                await fail()

        tasks.start("bad end", fail_at_the_end())
        await settle()
        await tasks.stop()
        await settle()
        return tasks

    assert asyncio.run(work()).failed == 1
    assert "background task bad end failed" in caplog.text


def test_stopping_nothing_is_fine() -> None:
    asyncio.run(Tasks().stop())


def test_big_containers_are_emptied_bit_by_bit() -> None:
    async def work() -> None:
        containers = [dict.fromkeys(range(10_000)), list(range(10_000)), deque(range(10_000)), [], {}]
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await breathe()
                turns += 1

        beside = asyncio.create_task(others())
        await dispose(list(containers))
        assert not any(containers)
        assert turns >= 10
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    asyncio.run(work())
