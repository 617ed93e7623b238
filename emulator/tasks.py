"""Supervised background work: each task has a name, ends with the server, and a failure is shown, never lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = logging.getLogger(__name__)
_SLICE = 2000
"""How many objects to free before others get their turn."""


class Tasks:
    """The background tasks of one Emulator."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failed = 0
        """How many tasks ended with an exception since the start."""

    def __len__(self) -> int:
        return len(self._running)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the requests. Its exception goes to the log and is counted."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed += 1
            log.error("background task %s failed", task.get_name(), exc_info=error)

    async def stop(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def breathe() -> None:
    """Let others run: for work that is long but never waits."""
    await asyncio.sleep(0)


async def dispose(containers: list[Any]) -> None:
    """Empty big dicts, lists and deques, and lists that stand in them, bit by bit: freeing a million objects at once would hold
    everybody up.
    """
    freed = 0
    for container in containers:
        while container:
            item = container.popitem()[1] if isinstance(container, dict) else container.pop()
            freed += len(item) if isinstance(item, list) else 1
            if freed >= _SLICE:
                freed = 0
                await breathe()
    await breathe()
