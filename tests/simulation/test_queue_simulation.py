"""The queue cores and their obvious models (model.py) go through the same random histories and must never differ.

A failure names the seed and the step; `history(kind, seed)` replays it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from emulator.queue.core import QueueCore
from emulator.queue.fifo import FifoQueue, Sent
from emulator.queue.message import Message, Outcome
from emulator.queue.standard import StandardQueue
from tests.simulation.model import FairModel, FifoModel, Item, StandardModel

START_MS = 1_767_225_600_000
S = 1000
HOUR = 3600 * S
VISIBILITIES = (0, 1, 5 * S, 30 * S, 30 * S, 600 * S)


class RefusedError(Exception):
    """What a check of `withdraw` raises."""


class History:
    """One random history of a core and of its model."""

    kinds: dict[str, tuple[type[QueueCore], type[StandardModel]]] = {
        "standard": (StandardQueue, StandardModel),
        "fifo": (FifoQueue, FifoModel),
        "fair": (StandardQueue, FairModel),
    }

    def __init__(self, kind: str, seed: int) -> None:
        self.random = random.Random(f"{kind} {seed}")
        self.kind = kind
        self.now = START_MS
        retention = self.random.choice((60 * S, 1200 * S, 14 * 24 * HOUR))
        in_flight_max = self.random.choice((100, 120_000) if kind == "fair" else (5, 100, 120_000))
        core, model = self.kinds[kind]
        self.core = core(retention_ms=retention, in_flight_max=in_flight_max)
        self.model = model(retention, in_flight_max)
        self.messages: dict[int, Message] = {}
        self.receipts: list[tuple[int, int]] = []
        self.sends = 0
        self.delay = 0

    # What may happen. Each method does one thing to both sides and compares what they answer.

    def send(self) -> None:
        group = self.group()
        delay = self.random.choice((0, 0, 0, 1, 5 * S, 900 * S)) if self.kind == "standard" else self.delay
        if isinstance(self.core, FifoQueue) and isinstance(self.model, FifoModel):
            key = f"key{self.random.randrange(30)}"
            first = self.core.duplicate_of(key, self.now)
            assert (first and first.message_id) == self.model.first_send(self.now, key)
            if first is not None:
                return
            self.core.remember(key, Sent(f"m{self.sends}", None, self.now))
            self.model.sent.append((key, self.now, f"m{self.sends}"))
        self.put(Message(f"m{self.sends}", "body", "md5", self.now, group_id=group), delay)
        self.sends += 1

    def put(self, message: Message, delay: int = 0) -> None:
        before, enqueued = message.receive_count, message.enqueued_ms or self.now
        self.core.add(message, self.now, self.now + delay)
        item = self.model.send(
            self.now, delay, group=message.group_id, sent=message.sent_ms, enqueued=enqueued, before=before
        )
        assert message.seq == item.number
        self.messages[message.seq] = message

    def group(self) -> str | None:
        if self.kind == "fair":
            return self.random.choice(("noisy", "noisy", "noisy", "noisy", "loud", "b", "c", None))
        return f"g{self.random.randrange(4)}" if self.kind == "fifo" else None

    def flood(self) -> None:
        for _ in range(self.random.randrange(80 if self.kind == "fair" else 40)):
            self.send()

    def receive(self) -> None:
        count, visibility = self.random.choice((1, 1, 3, 10)), self.random.choice(VISIBILITIES)
        self.receive_so(count, visibility)

    def receive_many(self) -> None:
        for _ in range(self.random.randrange(8)):
            self.receive_so(10, self.random.choice((30 * S, 600 * S)))

    def receive_so(self, count: int, visibility: int) -> None:
        receives_max = self.random.choice((None, None, None, 1, 3))
        taken = self.core.take(self.now, count, visibility, receives_max)
        got, dead = self.model.take(self.now, count, visibility, receives_max)
        self.same_messages(taken.messages, got)
        self.same_messages(taken.dead, dead)
        assert (self.core.visible, self.core.in_flight, self.core.delayed) == self.model.counts
        for message in taken.dead:
            # A queue may be its own dead-letter queue; on a FIFO queue retention starts anew.
            enqueued = self.now if self.kind == "fifo" else message.enqueued_ms
            self.put(message.moved(enqueued_ms=enqueued))
        self.receipts += [(message.seq, message.receives) for message in taken.messages]
        if self.random.random() < 0.1:
            for message, item in zip(taken.messages, got, strict=True):
                self.core.give_back(message, message.receives, self.now)
                self.model.give_back(item, item.receives)
                self.same_messages([message], [item])

    def same_messages(self, messages: list[Message], items: list[Item]) -> None:
        assert [(message.seq, message.receives, message.receive_count) for message in messages] == [
            (item.number, item.receives, item.receives + item.before) for item in items
        ]

    def withdraw(self) -> None:
        refuse = self.random.random() < 0.5

        def check(_: Message) -> None:
            if refuse:
                raise RefusedError

        expected = self.model.withdraw(self.now, refuse=refuse)
        if expected is not None and refuse:
            with pytest.raises(RefusedError):
                self.core.withdraw(self.now, check)
            return
        message = self.core.withdraw(self.now, check)
        self.same_messages([message] if message else [], [expected] if expected else [])

    def delete(self) -> None:
        if self.receipts:
            number, receive = self.receipt()
            outcome = self.core.delete(number, receive, self.now)
            assert outcome.name == self.model.delete(self.now, number, receive)

    def change_visibility(self) -> None:
        if self.receipts:
            number, receive = self.receipt()
            timeout = self.random.choice((0, 1, 10 * S, HOUR, 12 * HOUR - 1, 12 * HOUR))
            outcome = self.core.change_visibility(number, receive, timeout, self.now)
            assert outcome.name == self.model.change_visibility(self.now, number, receive, timeout)

    def receipt(self) -> tuple[int, int]:
        """Choose a receipt: a late one is likely still good, an early one is likely stale."""
        return self.random.choice(self.receipts[-8:] if self.random.random() < 0.8 else self.receipts)

    def change_delay(self) -> None:
        if isinstance(self.core, FifoQueue) and isinstance(self.model, FifoModel):
            self.delay = self.random.choice((0, 0, 3 * S, 60 * S))
            self.core.set_delay(self.delay, self.now)
            self.model.set_delay(self.now, self.delay)

    def purge(self) -> None:
        self.core.purge()
        self.model.purge()

    def wait(self) -> None:
        """Let time pass: a bit, or up to the very millisecond at which something is due, or to one before it."""
        instants = [self.now + self.random.choice((0, 1, S, 30 * S, 400 * S))]
        instants += [due for due in (self.model.next_due,) if due is not None]
        instants += [min(item.enqueued for item in self.model.items) + self.model.retention] if self.model.items else []
        if isinstance(self.model, FifoModel) and self.model.sent:
            instants.append(self.random.choice(self.model.sent)[1] + 300 * S)
        instant = self.random.choice(instants) - self.random.choice((0, 0, 1))
        self.now = max(self.now, instant)

    # The course of a history.

    def step(self) -> str:
        choices: list[tuple[Callable[[], None], float]] = [
            (self.send, 8),
            (self.receive, 8),
            (self.delete, 5),
            (self.change_visibility, 3),
            (self.wait, 6),
            (self.flood, 1.0 if self.kind == "fair" else 0.2),
            (self.receive_many, 2 if self.kind == "fair" else 0),
            (self.withdraw, 0 if self.kind == "fair" else 0.7),
            (self.change_delay, 0.3),
            (self.purge, 0.05),
        ]
        (action,) = self.random.choices([action for action, _ in choices], [weight for _, weight in choices])
        action()
        # Not each time: nobody need look at a queue for the time in it to pass rightly.
        if self.kind == "fair" or self.random.random() < 0.5:
            self.compare()
        return action.__name__

    def compare(self) -> None:
        core, model = self.core, self.model
        core.settle(self.now)
        model.settle(self.now)
        assert (core.visible, core.in_flight, core.delayed) == model.counts
        assert len(core) == len(model.items)
        assert [message.seq for message in core.peek()] == [item.number for item in model.items]
        self.compare_next_due()
        if model.items:
            upkeep = core.next_upkeep_ms()
            assert upkeep is not None
            assert upkeep <= min(item.enqueued for item in model.items) + model.retention

    def compare_next_due(self) -> None:
        """The end of a message in flight frees its group, so its retention counts; waking a poll for one that is gone is harmless."""
        due = self.core.next_due_ms()
        if not self.model.in_flight:
            assert due == self.model.next_due
            return
        ends = [item.enqueued + self.model.retention for item in self.model.items if item.in_flight]
        assert due is not None
        assert self.now < due <= min([self.model.next_due or due, *ends])

    def drain(self) -> None:
        """In the end nothing is lost: each message that is left comes, in the model's order."""
        self.core.in_flight_max = self.model.in_flight_max = 120_000
        while self.model.items:
            taken = self.core.take(self.now, 10, HOUR)
            got, _ = self.model.take(self.now, 10, HOUR, None)
            self.same_messages(taken.messages, got)
            for message in taken.messages:
                assert self.core.delete(message.seq, message.receives, self.now).name == "DONE"
                assert self.model.delete(self.now, message.seq, message.receives) == "DONE"
            if not got:
                self.now = max(self.now, self.model.next_due or self.now)
        self.compare()
        assert len(self.core) == 0


def history(kind: str, seed: int, steps: int) -> None:
    one = History(kind, seed)
    done: list[str] = []
    try:
        while len(done) < steps:
            done += [one.step()]
        one.drain()
    except Exception as error:
        raise AssertionError(f"{kind} seed {seed} step {len(done)} (after {', '.join(done[-8:])})") from error


@pytest.mark.parametrize("kind", History.kinds)
@pytest.mark.parametrize("seeds", range(6))
def test_a_queue_is_what_its_model_says(kind: str, seeds: int) -> None:
    for seed in range(seeds * 10, seeds * 10 + 10):
        history(kind, seed, 120 if kind == "fair" else 250)


def test_the_histories_of_fair_queues_have_noisy_groups() -> None:
    seen = 0
    for seed in range(20):
        one = History("fair", seed)
        for _ in range(120):
            one.step()
            seen += isinstance(one.model, FairModel) and bool(one.model.noisy)
    assert seen > 100


# What histories have found, told one by one.


def new_message(name: str, group: str | None = None) -> Message:
    return Message(name, "body", "md5", START_MS, group_id=group)


def received(core: QueueCore, now: int, visibility: int = 30 * S, count: int = 10) -> list[str]:
    return [message.message_id for message in core.take(now, count, visibility).messages]


def standard() -> StandardQueue:
    return StandardQueue(retention_ms=HOUR, in_flight_max=120_000)


def test_the_rest_of_a_group_comes_when_its_first_message_was_deleted_while_visible() -> None:
    core = standard()
    for name in ("first", "second"):
        core.add(new_message(name, "group"), START_MS, START_MS)
    (first,) = core.take(START_MS, 1, 5 * S).messages
    later = START_MS + 5 * S
    assert core.delete(first.seq, first.receives, later) is Outcome.DONE
    assert received(core, later) == ["second"]


def test_the_rest_of_a_group_comes_when_its_first_message_expired() -> None:
    core = standard()
    core.add(new_message("first", "group"), START_MS, START_MS)
    core.add(new_message("second", "group"), START_MS + S, START_MS + S)
    assert received(core, START_MS + HOUR) == ["second"]


@pytest.mark.parametrize("looked_at", [True, False])
def test_the_order_is_the_same_whether_or_not_somebody_looked_meanwhile(looked_at: bool) -> None:
    core = standard()
    core.add(new_message("delayed"), START_MS, START_MS + 5 * S)
    if looked_at:
        core.settle(START_MS + 6 * S)
    core.add(new_message("later"), START_MS + 7 * S, START_MS + 7 * S)
    assert received(core, START_MS + 8 * S) == ["delayed", "later"]


def test_what_is_given_back_after_many_receives_takes_its_old_place() -> None:
    core = standard()
    core.add(new_message("old"), START_MS, START_MS)
    for _ in range(3):
        assert received(core, START_MS, 0) == ["old"]
    core.add(new_message("new"), START_MS, START_MS)
    (old,) = core.take(START_MS, 1, 30 * S).messages
    core.give_back(old, old.receives, START_MS)
    assert received(core, START_MS, count=2) == ["old", "new"]


def test_a_message_that_is_given_back_was_never_received() -> None:
    core = standard()
    message = new_message("a")
    core.add(message, START_MS, START_MS)
    (taken,) = core.take(START_MS, 1, 30 * S).messages
    core.give_back(taken, taken.receives, START_MS)
    assert (message.receives, message.receive_count, message.first_received_ms) == (0, 0, None)
    assert (core.visible, core.in_flight) == (1, 0)


def test_the_messages_of_a_purged_queue_cannot_be_given_back() -> None:
    core = standard()
    core.add(new_message("a"), START_MS, START_MS)
    (taken,) = core.take(START_MS, 1, 30 * S).messages
    core.purge()
    core.give_back(taken, taken.receives, START_MS)
    assert (core.visible, core.in_flight, core.delayed, len(core)) == (0, 0, 0, 0)
    assert received(core, START_MS) == []


def test_a_receive_attempt_whose_messages_were_given_back_can_be_repeated() -> None:
    core = FifoQueue(retention_ms=HOUR, in_flight_max=120_000)
    core.add(new_message("a", "group"), START_MS, START_MS)
    (taken,) = core.take(START_MS, 1, 30 * S).messages
    core.note_attempt("attempt", [taken], START_MS)
    core.give_back(taken, taken.receives, START_MS)
    core.forget_attempt("attempt")
    assert core.retry("attempt", START_MS, 30 * S) is None
    assert received(core, START_MS) == ["a"]


def test_a_group_to_which_somebody_sent_a_moment_ago_stays_noisy_when_its_last_message_comes_back() -> None:
    """A hundred of its messages took all the processing time; then one more comes and goes."""
    core = standard()
    for number in range(100):
        core.add(new_message(f"m{number}", "noisy"), START_MS, START_MS)
    for message in [message for _ in range(10) for message in core.take(START_MS, 10, HOUR // 2).messages]:
        core.delete(message.seq, message.receives, START_MS + 299 * S)
    late = START_MS + 299 * S
    core.add(new_message("noisy one", "noisy"), late, late)
    assert received(core, late, 2 * S) == ["noisy one"]
    later = late + 2 * S
    core.settle(later)
    core.add(new_message("quiet one", "quiet"), later, later)
    assert received(core, later) == ["quiet one", "noisy one"]


def test_a_group_is_quiet_again_after_five_minutes_without_a_send_whether_or_not_somebody_looked() -> None:
    core = standard()
    for number in range(42):
        core.add(new_message(f"m{number}", "loud"), START_MS, START_MS)
    for message in [message for _ in range(4) for message in core.take(START_MS, 10, HOUR // 2).messages]:
        core.delete(message.seq, message.receives, START_MS)
    assert core.noisy_groups == 1
    later = START_MS + 300 * S
    core.add(new_message("late", "loud"), later, later)
    core.add(new_message("quiet", "quiet"), later, later)
    assert received(core, later) == ["m40", "m41", "late", "quiet"]
