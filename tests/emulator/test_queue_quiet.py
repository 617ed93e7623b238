"""A core remembers until when nothing in it becomes visible and nothing expires, and does not look before. Whatever brings that instant
forward must be told to it: each test leaves a far one behind first.
"""

from __future__ import annotations

from typing import Any

import pytest

from emulator.queue.core import QueueCore
from emulator.queue.fifo import FifoQueue
from emulator.queue.message import Message, Outcome
from emulator.queue.standard import StandardQueue

START_MS = 1_767_225_600_000
S = 1000
HOUR = 3600 * S

every_kind = pytest.mark.parametrize("kind", [StandardQueue, FifoQueue])


def core_of(kind: type[QueueCore]) -> QueueCore:
    """A queue in which nothing happens for an hour."""
    core = kind(retention_ms=HOUR, in_flight_max=120_000)
    put(core, "first")
    core.settle(START_MS)
    return core


def put(core: QueueCore, name: str, now_ms: int = START_MS, delay_ms: int = 0, **known: Any) -> Message:
    message = Message(name, "body", "md5", now_ms, group_id=name if isinstance(core, FifoQueue) else None, **known)
    core.add(message, now_ms, now_ms + delay_ms)
    return message


def names(core: QueueCore) -> list[str]:
    return [message.message_id for message in core.peek()]


def counts(core: QueueCore, now_ms: int) -> tuple[int, int, int]:
    """Let time pass; count what is visible, in flight, delayed."""
    core.settle(now_ms)
    return core.visible, core.in_flight, core.delayed


@every_kind
def test_a_delay_ends_on_time(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    put(core, "delayed", delay_ms=5 * S)
    assert counts(core, START_MS + 5 * S - 1) == (1, 0, 1)
    assert counts(core, START_MS + 5 * S) == (2, 0, 0)


@every_kind
def test_a_shorter_delay_than_those_before_ends_on_time(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    put(core, "long", delay_ms=60 * S)
    put(core, "short", delay_ms=5 * S)
    assert counts(core, START_MS + 5 * S) == (2, 0, 1)


@every_kind
def test_a_visibility_timeout_ends_on_time(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    core.take(START_MS, 1, 30 * S)
    assert counts(core, START_MS + 30 * S - 1) == (0, 1, 0)
    assert counts(core, START_MS + 30 * S) == (1, 0, 0)


@every_kind
def test_a_visibility_timeout_that_was_shortened_ends_on_time(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    (message,) = core.take(START_MS, 1, 1800 * S).messages
    core.settle(START_MS + S)
    assert core.change_visibility(message.seq, message.receives, 2 * S, START_MS + S) is Outcome.DONE
    assert counts(core, START_MS + 3 * S - 1) == (0, 1, 0)
    assert counts(core, START_MS + 3 * S) == (1, 0, 0)


@every_kind
def test_a_visibility_timeout_that_was_prolonged_does_not_end_before(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    (message,) = core.take(START_MS, 1, 30 * S).messages
    core.change_visibility(message.seq, message.receives, 60 * S, START_MS)
    assert counts(core, START_MS + 30 * S) == (0, 1, 0)
    assert counts(core, START_MS + 60 * S) == (1, 0, 0)


@every_kind
def test_what_came_with_an_older_instant_expires_by_that(kind: type[QueueCore]) -> None:
    """A redrive keeps from when retention counts."""
    core = core_of(kind)
    put(core, "old", enqueued_ms=START_MS - 1800 * S)
    core.settle(START_MS + 1800 * S - 1)
    assert names(core) == ["first", "old"]
    core.settle(START_MS + 1800 * S)
    assert names(core) == ["first"]


@every_kind
def test_a_shorter_retention_holds_from_the_next_look(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    core.retention_ms = 60 * S
    core.settle(START_MS + 60 * S - 1)
    assert names(core) == ["first"]
    core.settle(START_MS + 60 * S)
    assert names(core) == []


@every_kind
def test_a_longer_retention_holds_from_the_next_look(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    core.retention_ms = 2 * HOUR
    core.settle(START_MS + 2 * HOUR - 1)
    assert names(core) == ["first"]
    core.settle(START_MS + 2 * HOUR)
    assert names(core) == []


@every_kind
def test_what_comes_after_a_purge_expires_on_time(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    core.purge()
    put(core, "second", START_MS + S)
    core.settle(START_MS + S + HOUR - 1)
    assert names(core) == ["second"]
    core.settle(START_MS + S + HOUR)
    assert names(core) == []


@every_kind
def test_each_of_many_messages_expires_at_its_own_instant(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    for number in range(1, 20):
        put(core, f"m{number}", START_MS + number)
    for number in range(20):
        core.settle(START_MS + HOUR + number)
        assert len(core) == 19 - number


def test_a_repeated_receive_attempt_ends_when_its_new_timeout_says() -> None:
    core = core_of(FifoQueue)
    assert isinstance(core, FifoQueue)
    messages = core.take(START_MS, 1, 1800 * S).messages
    core.note_attempt("attempt", messages, START_MS)
    assert core.retry("attempt", START_MS + S, 5 * S) == messages
    assert counts(core, START_MS + 6 * S - 1) == (0, 1, 0)
    assert counts(core, START_MS + 6 * S) == (1, 0, 0)


def test_a_shorter_delay_of_a_fifo_queue_acts_on_what_is_delayed() -> None:
    core = core_of(FifoQueue)
    assert isinstance(core, FifoQueue)
    put(core, "delayed", delay_ms=900 * S)
    core.set_delay(2 * S, START_MS + S)
    assert counts(core, START_MS + 2 * S - 1) == (0, 0, 2)
    assert counts(core, START_MS + 2 * S) == (2, 0, 0)


@every_kind
def test_messages_that_are_deleted_in_order_leave_no_entry(kind: type[QueueCore]) -> None:
    core = core_of(kind)
    for number in range(40):
        put(core, f"m{number}")
    for message in core.take(START_MS, 41, 30 * S).messages:
        core.delete(message.seq, message.receives, START_MS)
    assert core.entries == 0
