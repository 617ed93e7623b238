"""The engine's deliveries beside a clock moved by hand, with targets that work, fail or hang as a test says."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import Any

from emulator.clock import ManualClock, settle
from emulator.router.backoff import PhasedBackoff
from emulator.router.delivery import Deliveries, Lane, UndeliverableError
from emulator.router.router import Envelope
from emulator.tasks import Tasks

S = 1_000
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:queue"
OTHER = "arn:aws:sqs:eu-west-1:111122223333:other"
DEAD = "arn:aws:sqs:eu-west-1:111122223333:dead"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:topic"
URL = "http://localhost/in"
NEVER = PhasedBackoff(min_ms=1, max_ms=1)
ONCE = PhasedBackoff(min_ms=10 * S, max_ms=10 * S, pre=1)
OFTEN = PhasedBackoff(min_ms=10 * S, max_ms=10 * S, pre=1_000)
Outcome = Exception | None


def good() -> None:
    """Make no failure."""


def busy(message: str = "later") -> UndeliverableError:
    """Make a failure that a retry may heal."""
    return UndeliverableError("Busy", message, permanent=False)


def gone() -> UndeliverableError:
    """Make a failure that no retry can heal."""
    return UndeliverableError("Gone", "never")


class Flight:
    """One request on its way."""

    def __init__(self, body: str, at_ms: int) -> None:
        self.body, self.at_ms = body, at_ms
        self.ended = False
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def fly(self) -> None:
        try:
            await self._answer
        finally:
            self.ended = True

    async def land(self, outcome: Outcome = None) -> None:
        """Answer the request, and let the answer be seen to."""
        if outcome is None:
            self._answer.set_result(None)
        else:
            self._answer.set_exception(outcome)
        await settle()


class Rig:
    """Deliveries with a clock that starts at 0, and what they deliver to: all of it works unless `outcomes` says otherwise."""

    def __init__(self) -> None:
        self.clock, self.tasks = ManualClock(0), Tasks()
        self.deliveries = Deliveries(self.clock, self.tasks, self._send)
        self.attempts: list[tuple[int, str, str]] = []
        self.outcomes: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        self.always: dict[str, Callable[[], Outcome]] = {}
        self.flights: list[Flight] = []

    def _send(self, arn: str, envelope: Envelope) -> None:
        self.attempts.append((self.clock.now_ms(), arn, envelope.body))
        outcomes = self.outcomes[arn]
        outcome = outcomes.popleft() if outcomes else self.always.get(arn, good)()
        if outcome is not None:
            raise outcome

    async def _post(self, envelope: Envelope) -> None:
        flight = Flight(envelope.body, self.clock.now_ms())
        self.flights.append(flight)
        await flight.fly()

    def lane(self, target: str = QUEUE, backoff: PhasedBackoff = OFTEN, **terms: Any) -> Lane:
        return Lane(TOPIC, f"{TOPIC}:{target}", target, backoff, **terms)

    def send(self, lane: Lane, *bodies: str) -> None:
        for body in bodies:
            self.deliveries.send(lane, Envelope(body), f"id of {body}")

    async def post(self, lane: Lane, *bodies: str) -> None:
        for body in bodies:
            self.deliveries.post(lane, Envelope(body), f"id of {body}", self._post)
        await settle()

    async def advance(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)

    def tried(self, arn: str = QUEUE) -> list[tuple[int, str]]:
        """When each attempt was made, and with what."""
        return [(at_ms, body) for at_ms, target, body in self.attempts if target == arn]

    def bodies(self, arn: str = QUEUE) -> list[str]:
        return [body for _, body in self.tried(arn)]

    @property
    def flown(self) -> list[str]:
        """What was posted."""
        return [flight.body for flight in self.flights]

    @property
    def failed(self) -> list[tuple[str, str, int]]:
        """The record of failures: body, state, attempts."""
        return [(one.envelope.body, one.state, one.attempts) for one in self.deliveries.failed]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        one = self.deliveries
        return one.count, one.delivered, one.dead_lettered, one.lost


def run(work: Callable[[Rig], Coroutine[Any, Any, None]]) -> None:
    """Run a test on an event loop, and see that nothing of it is left on the way."""

    async def whole() -> None:
        rig = Rig()
        try:
            await work(rig)
        finally:
            await rig.tasks.stop()
        assert (rig.deliveries.in_flight, rig.tasks.failed) == (0, 0)

    asyncio.run(whole())
