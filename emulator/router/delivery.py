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
IN_FLIGHT_CROWD = 256
"""While so many are on their way in all, each subscriber may have one only: connections are file descriptors."""
FAILED_MAX = 1_000
"""Failures that are remembered; the oldest go first."""
TIMER_LATE_MS = 20
"""So late a throttle's timer may come without a loss of pace."""


class UndeliverableError(Exception):
    """An event could not be delivered. `code` is AWS's word for dead-letter attributes; `permanent` says that a retry
    cannot help. `retry_after_ms` is what the target itself asked for: the next attempt comes no sooner, and never if it is negative.
    """

    def __init__(self, code: str, message: str, *, permanent: bool = True, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.permanent = permanent
        self.retry_after_ms = retry_after_ms


class Failure(NamedTuple):
    """What a dead letter says: the last error, how many attempts there were, and whether the retries ran out."""

    code: str
    message: str
    attempts: int
    exhausted: bool
    expired: bool = False
    """Whether it was the age and not the number of attempts that ran out."""


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

    age_max_ms: int | None = None
    """How old a delivery may become: its last attempt is made at that age at the latest."""

    per_second_max: int | None = None
    on_failure: Callable[[Delivery, Failure], None] | None = None
    """Called when a delivery has failed for good."""

    queue: deque[Delivery] = field(default_factory=deque)
    """Those that wait for their turn."""

    members: dict[int, Delivery] = field(default_factory=dict)
    """All that are not done: in the queue, in flight, or waiting for a retry."""

    in_flight: int = 0
    paced_from_ms: int = 0
    paced: int = 0
    """The throttle: when it began to count, and how many it has let go since."""

    timer: Timer | None = None
    closed: str = ""
    """Why nothing goes this way any more; empty while something may."""


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

    def __init__(self, clock: Clock, tasks: Tasks, send: Send) -> None:
        self._clock = clock
        self._tasks = tasks
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
        if lane.closed or (lane.ordered and lane.members):
            delivery = self._new(lane, envelope, message_id)
            if self._enter(delivery):
                lane.queue.append(delivery)
            return
        error = self._try(lane.target, envelope)
        if error is None:
            self.delivered += 1
            return
        delivery = self._new(lane, envelope, message_id)
        delivery.attempts = 1
        if error.permanent:
            self._give_up(delivery, error, exhausted=False)
        elif self._enter(delivery):
            self._retry_later(delivery, error)

    def post(self, lane: Lane, envelope: Envelope, message_id: str, post: Post) -> None:
        """Deliver by `post`, which takes time and raises UndeliverableError, as soon as the lane has room and its throttle allows."""
        delivery = self._new(lane, envelope, message_id, post)
        if self._enter(delivery):
            lane.queue.append(delivery)
            self._pump(lane)

    def refuse(
        self, lane: Lane, envelope: Envelope, message_id: str, error: UndeliverableError, *, dead_letter: bool = True
    ) -> None:
        """Take note of a delivery that failed before it could be tried, for good; without a dead letter where nobody may see it."""
        delivery = self._new(lane, envelope, message_id)
        delivery.attempts = 1
        self._give_up(delivery, error, exhausted=False, dead_letter=dead_letter)

    def close(self, lane: Lane, reason: str) -> None:
        """End a lane: its subscriber is gone, and what waits for it, or comes yet, is abandoned and recorded so."""
        if lane.closed:
            return
        lane.closed = reason
        lane.queue.clear()
        _cancel(lane)
        for delivery in list(lane.members.values()):
            _cancel(delivery)
            self._abandon(delivery)

    def forget(self, service: str, account: str, region: str) -> None:
        """Drop all that comes from one service, account and region, without a record: its state is thrown away."""
        part = f":{service}:{region}:{account}:"
        for delivery in [waiting for waiting in self._waiting.values() if part in waiting.lane.source_arn]:
            delivery.lane.closed = "its state was thrown away"
            delivery.lane.queue.clear()
            _cancel(delivery.lane)
            _cancel(delivery)
            self._leave(delivery)
        kept = [delivery for delivery in self.failed if part not in delivery.lane.source_arn]
        self.failed.clear()
        self.failed.extend(kept)

    # Waiting.

    def _new(self, lane: Lane, envelope: Envelope, message_id: str, post: Post | None = None) -> Delivery:
        return Delivery(next(self._numbers), lane, envelope, message_id, self._clock.now_ms(), post)

    def _enter(self, delivery: Delivery) -> bool:
        """Let a delivery wait, or see to it otherwise where it may not."""
        lane = delivery.lane
        if lane.closed:
            self._abandon(delivery)
            return False
        waiting = len(lane.members)
        if waiting >= LANE_MAX or (len(self._waiting) >= WAITING_MAX and waiting >= LANE_SHARE):
            message = f"{lane.target}: {waiting} deliveries wait for it already"
            self._give_up(delivery, UndeliverableError("TooManyPendingDeliveries", message), exhausted=True)
            return False
        lane.members[delivery.number] = self._waiting[delivery.number] = delivery
        return True

    def _pump(self, lane: Lane) -> None:
        """Start what may start."""
        while lane.queue and not lane.closed:
            alone = lane.ordered or self.in_flight >= IN_FLIGHT_CROWD
            if lane.in_flight >= (1 if alone else IN_FLIGHT_MAX) or (lane.ordered and self._retrying(lane)):
                return
            if not self._slot(lane):
                return
            self._start(lane.queue.popleft())

    def _retrying(self, lane: Lane) -> bool:
        """Whether the head of an ordered lane waits for a retry."""
        return len(lane.members) > len(lane.queue) + lane.in_flight

    def _slot(self, lane: Lane) -> bool:
        """Take a slot of the throttle, or set a timer for the next one."""
        if lane.per_second_max is None:
            return True
        now_ms = self._clock.now_ms()
        due_ms = lane.paced_from_ms - (-lane.paced * 1000 // lane.per_second_max)
        if due_ms > now_ms:
            if lane.timer is None:

                def go_on() -> None:
                    lane.timer = None
                    self._pump(lane)

                lane.timer = self._clock.call_at(due_ms, go_on)
            return False
        if now_ms - due_ms > TIMER_LATE_MS:
            lane.paced_from_ms, lane.paced = now_ms, 0  # slots that nobody took are not saved up
        lane.paced += 1
        return True

    # Trying.

    def _try(self, target: str, envelope: Envelope) -> UndeliverableError | None:
        """Send to an ARN; the error, if it fails."""
        try:
            self._send(target, envelope)
        except UndeliverableError as error:
            return _bare(error)
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not reach the publisher, nor strand the delivery
            return _unexpected(target, bug)
        return None

    def _start(self, delivery: Delivery) -> None:
        delivery.next_ms = None
        age_max_ms = delivery.lane.age_max_ms
        if age_max_ms is not None and self._clock.now_ms() > delivery.created_ms + age_max_ms:
            late = UndeliverableError("Throttled", "The delivery became too old before it was its turn")
            self._leave(delivery)
            self._give_up(delivery, delivery.error or late, exhausted=True, expired=True)
            return
        if delivery.post is None:
            self._tried(delivery, self._try(delivery.lane.target, delivery.envelope))
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
            error = _bare(undeliverable)
        except Exception as bug:  # noqa: BLE001 - as in _try
            error = _unexpected(lane.target, bug)
        finally:
            lane.in_flight -= 1
            self.in_flight -= 1
        if delivery.number in self._waiting:  # else it was abandoned meanwhile
            self._tried(delivery, error)
            self._pump(lane)

    def _tried(self, delivery: Delivery, error: UndeliverableError | None) -> None:
        """See to an attempt that has ended: done, wait for the next one, or give up."""
        delivery.attempts += 1
        if error is None:
            self._leave(delivery)
            self.delivered += 1
            delivery.state = "delivered"
        elif error.permanent:
            self._leave(delivery)
            self._give_up(delivery, error, exhausted=False)
        else:
            self._retry_later(delivery, error)

    def _retry_later(self, delivery: Delivery, error: UndeliverableError) -> None:
        lane, now_ms = delivery.lane, self._clock.now_ms()
        end_ms = None if lane.age_max_ms is None else delivery.created_ms + lane.age_max_ms
        asked_ms = error.retry_after_ms or 0
        # At the end of its age an event has its last attempt, but not where the target asked not to be tried so soon.
        expired = end_ms is not None and (now_ms >= end_ms or now_ms + asked_ms > end_ms)
        delay_ms = lane.backoff.delay_ms(delivery.attempts - 1)
        if delay_ms is None or expired or asked_ms < 0:
            self._leave(delivery)
            self._give_up(delivery, error, exhausted=delay_ms is None or expired, expired=expired)
            return
        delivery.error = error
        delivery.state = "retrying"
        delay_ms = max(delay_ms, asked_ms)
        delivery.next_ms = now_ms + delay_ms if end_ms is None else min(now_ms + delay_ms, end_ms)
        delivery.timer = self._clock.call_at(delivery.next_ms, lambda: self._retry(delivery))

    def _retry(self, delivery: Delivery) -> None:
        delivery.timer = None
        delivery.lane.queue.appendleft(delivery)
        self._pump(delivery.lane)

    # Ending.

    def _leave(self, delivery: Delivery) -> None:
        if self._waiting.pop(delivery.number, None) is not None:
            del delivery.lane.members[delivery.number]

    def _abandon(self, delivery: Delivery) -> None:
        delivery.error = delivery.error or UndeliverableError("Abandoned", delivery.lane.closed)
        self._end(delivery, "abandoned")

    def _give_up(
        self,
        delivery: Delivery,
        error: UndeliverableError,
        *,
        exhausted: bool,
        expired: bool = False,
        dead_letter: bool = True,
    ) -> None:
        """Dead-letter a delivery, and record its end."""
        lane, delivery.error = delivery.lane, error
        failure = Failure(error.code, error.message, delivery.attempts, exhausted, expired)
        state = "failed"
        if lane.dead_letter_arn is not None and dead_letter:
            refusal = self._dead_letter(lane, lane.dead_letter_arn, delivery.envelope, failure)
            if refusal is None:
                state = "dead-lettered"
            else:
                delivery.dead_letter_error = str(refusal)
        self._end(delivery, state)
        if lane.on_failure is not None:
            try:
                lane.on_failure(delivery, failure)
            except Exception:
                log.exception("the failure of a delivery to %s could not be told", lane.target)

    def _dead_letter(self, lane: Lane, arn: str, envelope: Envelope, failure: Failure) -> UndeliverableError | None:
        """Send a dead letter; the error, if that fails too."""
        try:
            letter = envelope if lane.wrap is None else lane.wrap(envelope, failure)
        except Exception as bug:  # noqa: BLE001 - as in _try
            return _unexpected(arn, bug)
        return self._try(arn, letter)

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


def _bare(error: UndeliverableError) -> UndeliverableError:
    """Copy an error without its traceback, which would keep alive what all callers had at hand."""
    return UndeliverableError(error.code, error.message, permanent=error.permanent, retry_after_ms=error.retry_after_ms)


def _unexpected(target: str, bug: Exception) -> UndeliverableError:
    log.error("a delivery to %s failed", target, exc_info=bug)
    return UndeliverableError("InternalError", f"Eventyard failed to deliver: {bug}", permanent=False)


def _cancel(timed: Lane | Delivery) -> None:
    if timed.timer is not None:
        timed.timer.cancel()
        timed.timer = None
