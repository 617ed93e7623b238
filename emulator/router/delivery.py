"""Deliveries that may fail: the one place that retries, backs off and dead-letters, for all services.

A delivery is tried at once. A failure that a retry may heal waits by its `Backoff`, on the engine's clock; a failure
that none can heal, or the last retry's, goes to the dead-letter queue where there is one, and into the record of
failures (`GET /_eventyard/deliveries`) in any case. Nothing is dropped in silence.

Each subscriber has a `Lane` of its own, so one that fails or hangs holds nobody else up, neither another subscriber nor the
publisher. What waits is bounded: a lane that has `LANE_MAX` deliveries waiting, or its share of `WAITING_MAX`, dead-letters
what comes on top.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from emulator.clock import Clock, Timer
    from emulator.ids import Ids
    from emulator.router.backoff import Backoff
    from emulator.router.router import Envelope
    from emulator.tasks import Tasks

    Send = Callable[[str, Envelope], None]
    Post = Callable[[Envelope], Awaitable[None]]

log = logging.getLogger(__name__)

LANE_MAX = 10_000
"""Deliveries that may wait for one subscriber."""
WAITING_MAX = 100_000
"""Deliveries that may wait in all; beyond it a lane may still have LANE_SHARE of them."""
LANE_SHARE = 100
IN_FLIGHT_MAX = 16
"""Requests at one time to one subscriber."""
FAILED_MAX = 1_000
"""Failures that are remembered; the oldest go first."""


class UndeliverableError(Exception):
    """An event could not be delivered. `code` is AWS's word for dead-letter attributes; `permanent` says that a retry
    cannot help.
    """

    def __init__(self, code: str, message: str, *, permanent: bool = True) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.permanent = permanent


class Failure(NamedTuple):
    """What a dead letter says: the last error, how many attempts there were, and whether the retries ran out."""

    code: str
    message: str
    attempts: int
    exhausted: bool


@dataclass(slots=True, eq=False)
class Lane:
    """The way to one subscriber, and the terms on which it is delivered to. Change its fields as the subscription changes."""

    source_arn: str
    """Whose events: a topic, a rule."""

    subscriber: str
    """For whom: a subscription's ARN, a target's id."""

    target: str
    """Where to: an ARN or a URL."""

    backoff: Backoff
    dead_letter_arn: str | None = None
    wrap: Callable[[Envelope, Failure], Envelope] | None = None
    """Make the dead letter of an event."""

    ordered: bool = False
    """Whether nothing may overtake a delivery that waits for a retry."""

    per_second_max: int | None = None
    on_failure: Callable[[Delivery, Failure], None] | None = None
    """Called when a delivery has failed for good."""

    queue: deque[Delivery] = field(default_factory=deque)
    """Those that wait for their turn."""

    waiting: int = 0
    """All that are not done: in the queue, in flight, or waiting for a retry."""

    in_flight: int = 0
    next_slot_us: int = 0
    """When the throttle lets the next one go, in microseconds."""

    timer: Timer | None = None
    closed: bool = False


@dataclass(slots=True, eq=False)
class Delivery:
    """One delivery that waits or has failed."""

    number: int
    lane: Lane
    envelope: Envelope
    message_id: str
    created_ms: int
    post: Post | None = None
    """How to deliver where it takes time; None sends to the lane's ARN."""

    attempts: int = 0
    next_ms: int | None = None
    error: UndeliverableError | None = None
    timer: Timer | None = None
    state: str = "pending"
    """pending, retrying; and at the end delivered, dead-lettered, failed, abandoned."""

    dead_letter_error: str | None = None
    ended_ms: int | None = None


class Deliveries:
    """All deliveries of one Emulator."""

    def __init__(self, clock: Clock, tasks: Tasks, ids: Ids, send: Send) -> None:
        self._clock = clock
        self._tasks = tasks
        self._ids = ids
        self._send = send
        self._numbers = count(1)
        self._waiting: dict[int, Delivery] = {}
        self.failed: deque[Delivery] = deque(maxlen=FAILED_MAX)
        self.delivered = 0
        self.dead_lettered = 0
        self.lost = 0
        """Failed without a dead-letter queue that would take them."""

        self.in_flight = 0
        """Requests that are on their way right now."""

    @property
    def count(self) -> int:
        """How many deliveries are not done."""
        return len(self._waiting)

    def waiting(self) -> Iterator[Delivery]:
        """Go through the deliveries that are not done, the oldest first."""
        return iter(list(self._waiting.values()))

    # The two ways to deliver.

    def send(self, lane: Lane, envelope: Envelope, message_id: str) -> None:
        """Deliver to the lane's ARN now; what fails is seen to. Costs no more than the delivery itself where that succeeds."""
        if lane.ordered and lane.waiting:
            self._enter(lane, envelope, message_id, None)
            return
        try:
            self._send(lane.target, envelope)
        except UndeliverableError as error:
            delivery = self._enter(lane, envelope, message_id, None, queued=False)
            if delivery is not None:
                self._failed_once(delivery, error)
        else:
            self.delivered += 1

    def post(self, lane: Lane, envelope: Envelope, message_id: str, post: Post) -> None:
        """Deliver by `post`, which takes time and raises UndeliverableError, as soon as the lane has room and its throttle allows."""
        self._enter(lane, envelope, message_id, post)
        self._pump(lane)

    def refuse(self, lane: Lane, envelope: Envelope, message_id: str, error: UndeliverableError) -> None:
        """Take note of a delivery that failed before it could be tried, for good."""
        delivery = Delivery(next(self._numbers), lane, envelope, message_id, self._clock.now_ms(), attempts=1)
        self._give_up(delivery, error, exhausted=False)

    def close(self, lane: Lane, reason: str) -> None:
        """End a lane: its subscriber is gone, and what waits for it is abandoned and recorded so."""
        lane.closed = True
        lane.queue.clear()
        _cancel(lane)
        mine = [each for each in self._waiting.values() if each.lane is lane] if lane.waiting else []
        for delivery in mine:
            _cancel(delivery)
            delivery.error = delivery.error or UndeliverableError("Abandoned", reason)
            self._end(delivery, "abandoned")

    def forget(self, service: str, account: str, region: str) -> None:
        """Drop all that comes from one service, account and region, without a record: its state is thrown away."""
        part = f":{service}:{region}:{account}:"
        for delivery in [waiting for waiting in self._waiting.values() if part in waiting.lane.source_arn]:
            delivery.lane.closed = True
            delivery.lane.queue.clear()
            _cancel(delivery.lane)
            _cancel(delivery)
            del self._waiting[delivery.number]
        kept = [delivery for delivery in self.failed if part not in delivery.lane.source_arn]
        self.failed.clear()
        self.failed.extend(kept)

    # Waiting.

    def _enter(
        self, lane: Lane, envelope: Envelope, message_id: str, post: Post | None, *, queued: bool = True
    ) -> Delivery | None:
        delivery = Delivery(next(self._numbers), lane, envelope, message_id, self._clock.now_ms(), post)
        full = lane.waiting >= LANE_MAX or (len(self._waiting) >= WAITING_MAX and lane.waiting >= LANE_SHARE)
        if full or lane.closed:
            reason = "the subscriber is gone" if lane.closed else f"{lane.waiting} deliveries wait for it already"
            error = UndeliverableError("TooManyPendingDeliveries", f"{lane.target}: {reason}")
            self._give_up(delivery, error, exhausted=True)
            return None
        lane.waiting += 1
        self._waiting[delivery.number] = delivery
        if queued:
            lane.queue.append(delivery)
        return delivery

    def _pump(self, lane: Lane) -> None:
        """Start what may start."""
        while lane.queue and not lane.closed:
            if lane.in_flight >= (1 if lane.ordered else IN_FLIGHT_MAX) or (lane.ordered and self._retrying(lane)):
                return
            if not self._slot(lane):
                return
            self._start(lane.queue.popleft())

    def _retrying(self, lane: Lane) -> bool:
        """Whether the head of an ordered lane waits for a retry."""
        return lane.waiting > len(lane.queue) + lane.in_flight

    def _slot(self, lane: Lane) -> bool:
        """Take a slot of the throttle, or set a timer for the next one."""
        if lane.per_second_max is None:
            return True
        now_us = self._clock.now_ms() * 1000
        if lane.next_slot_us > now_us:
            if lane.timer is None:

                def go_on() -> None:
                    lane.timer = None
                    self._pump(lane)

                lane.timer = self._clock.call_at(-(-lane.next_slot_us // 1000), go_on)
            return False
        lane.next_slot_us = max(now_us, lane.next_slot_us) + 1_000_000 // lane.per_second_max
        return True

    # Trying.

    def _start(self, delivery: Delivery) -> None:
        delivery.next_ms = None
        if delivery.post is None:
            try:
                self._send(delivery.lane.target, delivery.envelope)
            except UndeliverableError as error:
                self._failed_once(delivery, error)
            else:
                self._succeeded(delivery)
            return
        delivery.lane.in_flight += 1
        self.in_flight += 1
        self._tasks.start(f"deliver to {delivery.lane.target}", self._post(delivery, delivery.post))

    async def _post(self, delivery: Delivery, post: Post) -> None:
        lane = delivery.lane
        error: UndeliverableError | None = None
        try:
            await post(delivery.envelope)
        except UndeliverableError as undeliverable:
            error = undeliverable
        except Exception as bug:
            log.exception("a delivery to %s failed", lane.target)
            error = UndeliverableError("InternalError", f"Eventyard failed to deliver: {bug}", permanent=False)
        finally:
            lane.in_flight -= 1
            self.in_flight -= 1
        if delivery.number not in self._waiting:
            return  # abandoned meanwhile
        if error is None:
            self._succeeded(delivery)
        else:
            self._failed_once(delivery, error)
        self._pump(lane)

    def _failed_once(self, delivery: Delivery, error: UndeliverableError) -> None:
        """See to a failed attempt: wait for the next one, or give up."""
        delivery.attempts += 1
        delivery.error = error
        delay_ms = None if error.permanent else delivery.lane.backoff.delay_ms(delivery.attempts - 1)
        if delay_ms is None:
            self._leave(delivery)
            self._give_up(delivery, error, exhausted=not error.permanent)
            return
        delivery.state = "retrying"
        delivery.next_ms = self._clock.now_ms() + delay_ms
        delivery.timer = self._clock.call_at(delivery.next_ms, lambda: self._retry(delivery))

    def _retry(self, delivery: Delivery) -> None:
        delivery.timer = None
        delivery.lane.queue.appendleft(delivery)
        self._pump(delivery.lane)

    # Ending.

    def _succeeded(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        self.delivered += 1
        self._leave(delivery)
        delivery.state = "delivered"

    def _leave(self, delivery: Delivery) -> None:
        if self._waiting.pop(delivery.number, None) is not None:
            delivery.lane.waiting -= 1

    def _give_up(self, delivery: Delivery, error: UndeliverableError, *, exhausted: bool) -> None:
        """Dead-letter a delivery, and record its end."""
        lane, delivery.error = delivery.lane, error
        failure = Failure(error.code, error.message, delivery.attempts, exhausted)
        state = "failed"
        if lane.dead_letter_arn is not None:
            envelope = delivery.envelope if lane.wrap is None else lane.wrap(delivery.envelope, failure)
            try:
                self._send(lane.dead_letter_arn, envelope)
            except UndeliverableError as refusal:
                delivery.dead_letter_error = str(refusal)
            else:
                state = "dead-lettered"
        self._end(delivery, state)
        if lane.on_failure is not None:
            lane.on_failure(delivery, failure)

    def _end(self, delivery: Delivery, state: str) -> None:
        self._leave(delivery)
        delivery.state = state
        delivery.next_ms = None
        delivery.ended_ms = self._clock.now_ms()
        if state == "dead-lettered":
            self.dead_lettered += 1
        else:
            self.lost += 1
        self.failed.append(delivery)

    # Showing.

    def show(self, delivery: Delivery) -> dict[str, Any]:
        """Describe a delivery for people: instants as ISO 8601, the body as it was or would be delivered."""
        lane, error = delivery.lane, delivery.error
        return {
            "id": delivery.number,
            "state": delivery.state,
            "source": lane.source_arn,
            "subscriber": lane.subscriber,
            "target": lane.target,
            "message_id": delivery.message_id,
            "attempts": delivery.attempts,
            "created": self._clock.iso(delivery.created_ms),
            "next_attempt": None if delivery.next_ms is None else self._clock.iso(delivery.next_ms),
            "ended": None if delivery.ended_ms is None else self._clock.iso(delivery.ended_ms),
            "last_error": None if error is None else {"code": error.code, "message": error.message},
            "dead_letter_arn": lane.dead_letter_arn,
            "dead_letter_error": delivery.dead_letter_error,
            "body": delivery.envelope.body,
        }


def _cancel(timed: Lane | Delivery) -> None:
    if timed.timer is not None:
        timed.timer.cancel()
        timed.timer = None
