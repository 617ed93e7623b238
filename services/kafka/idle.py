"""Idle connections are closed after connections.max.idle.ms (10 minutes), as Kafka does it: without a word to the client or the log.

A request costs nothing for it. A connection only notes the instant that it has to ask for anyway, and is looked at again once its time
would be over: whoever has done something since is given a later seat, the others go. There is one timer, whatever the number of
connections, and a look for each of them in 10 minutes.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.clock import Clock, Timer

SEAT_MS = 1000
"""Connections whose time is over in the same second are looked at together, at its end."""


class Watched(Protocol):
    """What a connection shows of itself here."""

    seat: set[Watched] | None
    """Those that are looked at together with this one."""

    def idle_since_ms(self) -> int | None:
        """Tell when it was active last; None while a request is at work or the client is reading answers."""

    def expire(self) -> None:
        """Close it, also when the client does not read."""


class IdleWatch:
    """The connections of a listener, by the second in which they are looked at."""

    def __init__(self, clock: Clock, idle_max_ms: Callable[[], int]) -> None:
        """`idle_max_ms` tells connections.max.idle.ms as it is now; a negative one keeps idle connections for ever."""
        self._clock = clock
        self._idle_max_ms = idle_max_ms
        self._seats: dict[int, set[Watched]] = {}
        self._seconds: list[int] = []
        """The keys of the seats, the earliest first."""
        self._timer: Timer | None = None

    def add(self, connection: Watched) -> None:
        """Begin with a connection, which is active now."""
        self._look_at(connection, self._clock.now_ms() + self._later_ms())

    def remove(self, connection: Watched) -> None:
        """Forget a connection that is closed."""
        if connection.seat is not None:
            connection.seat.discard(connection)
            connection.seat = None

    def close(self) -> None:
        """Close whatever is still open, and look no more."""
        if self._timer is not None:
            self._timer.cancel()
        left = [connection for seat in self._seats.values() for connection in seat]
        self._seats.clear()
        self._seconds.clear()
        for connection in left:
            connection.seat = None
            connection.expire()

    def _later_ms(self) -> int:
        """How long it takes until a connection that is active now is worth a look."""
        idle_max_ms = self._idle_max_ms()
        return max(idle_max_ms, SEAT_MS) if idle_max_ms >= 0 else 600_000

    def _look_at(self, connection: Watched, when_ms: int) -> None:
        second = -(-when_ms // SEAT_MS)
        seat = self._seats.get(second)
        if seat is None:
            seat = self._seats[second] = set()
            heapq.heappush(self._seconds, second)
            if self._timer is None or second * SEAT_MS < self._timer.when_ms:
                self._arm()
        seat.add(connection)
        connection.seat = seat

    def _arm(self) -> None:
        """Set the timer for the earliest seat."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._seconds[0] * SEAT_MS, self._look) if self._seconds else None

    def _look(self) -> None:
        """Close those whose time is over, and give others a later seat."""
        now_ms, idle_max_ms = self._clock.now_ms(), self._idle_max_ms()
        while self._seconds and (self._seconds[0] * SEAT_MS <= now_ms or not self._seats[self._seconds[0]]):
            for connection in self._seats.pop(heapq.heappop(self._seconds)):
                connection.seat = None
                since_ms = connection.idle_since_ms()
                if since_ms is None or idle_max_ms < 0:
                    self._look_at(connection, now_ms + self._later_ms())
                elif since_ms + idle_max_ms > now_ms:
                    self._look_at(connection, since_ms + idle_max_ms)
                else:
                    connection.expire()
        self._arm()
