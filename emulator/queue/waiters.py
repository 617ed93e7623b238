"""Parked long polls of one queue: the only asyncio in this package.

Nothing polls. A poll that found nothing parks with a way to try again; whoever changes the queue calls `serve`, which
lets the polls try in the order of their coming until one finds nothing. For what time alone brings (a delay or a
visibility timeout that ends) one timer per queue is set, and only while somebody is parked.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.clock import Clock, Timer

T = TypeVar("T")


class Waiter(Generic[T]):
    """One parked poll: `future` gets the yield of `attempt`, or None at the deadline."""

    __slots__ = ("attempt", "deadline", "future")

    def __init__(self, attempt: Callable[[], T | None], future: asyncio.Future[T | None]) -> None:
        self.attempt = attempt
        self.future = future
        self.deadline: Timer | None = None


class Waiters(Generic[T]):
    """The parked polls of one queue, in the order of their coming."""

    def __init__(self, clock: Clock, next_due_ms: Callable[[], int | None]) -> None:
        self._clock = clock
        self._next_due_ms = next_due_ms
        self.parked: OrderedDict[Waiter[T], None] = OrderedDict()
        """In order; while it is empty there is nobody to serve."""
        self._wake: Timer | None = None
        self._serving = False
        self._again = False

    def __len__(self) -> int:
        return len(self.parked)

    def park(self, attempt: Callable[[], T | None], deadline_ms: int) -> Waiter[T]:
        """Let a poll wait until `attempt` yields something, `deadline_ms` comes or `end` is called."""
        waiter = Waiter(attempt, asyncio.get_running_loop().create_future())
        waiter.deadline = self._clock.call_at(deadline_ms, lambda: self._expire(waiter))
        self.parked[waiter] = None
        self._arm()
        return waiter

    def leave(self, waiter: Waiter[T]) -> None:
        """Take a poll out whose client went away."""
        self.parked.pop(waiter, None)
        if waiter.deadline is not None:
            waiter.deadline.cancel()
        if not self.parked:
            self._disarm()

    def serve(self) -> None:
        """Let the parked polls try, after any change of the queue.

        An attempt may itself change queues (it dead-letters), and so come back here through another queue; then the
        outer call goes on.
        """
        if self._serving:
            self._again = True
            return
        self._serving = True
        try:
            self._again = True
            while self.parked and self._again:
                self._again = False
                while self.parked:
                    waiter = next(iter(self.parked))
                    try:
                        result = waiter.attempt()
                    except Exception as error:  # noqa: BLE001 - it is the poll's own, not that of whoever changed the queue
                        self._fail(waiter, error)
                        continue
                    if result is None:
                        break
                    self._finish(waiter, result)
        finally:
            self._serving = False
        self._arm()

    def end(self, error: Exception | None = None) -> None:
        """Answer all parked polls at once: with nothing, or with `error` (the queue was deleted)."""
        while self.parked:
            waiter = next(iter(self.parked))
            if error is None:
                self._finish(waiter, None)
            else:
                self._fail(waiter, error)
        self._disarm()

    def _expire(self, waiter: Waiter[T]) -> None:
        # What becomes visible at this very instant still counts, whichever timer ran first.
        self.serve()
        if waiter in self.parked:
            self._finish(waiter, None)

    def _finish(self, waiter: Waiter[T], result: T | None) -> None:
        self.leave(waiter)
        if not waiter.future.done():
            waiter.future.set_result(result)

    def _fail(self, waiter: Waiter[T], error: Exception) -> None:
        self.leave(waiter)
        if not waiter.future.done():
            waiter.future.set_exception(error)

    def _arm(self) -> None:
        due_ms = self._next_due_ms() if self.parked else None
        if self._wake is not None:
            if self._wake.callback is not None and self._wake.when_ms == due_ms:
                return
            self._disarm()
        if due_ms is not None:
            self._wake = self._clock.call_at(due_ms, self.serve)

    def _disarm(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
