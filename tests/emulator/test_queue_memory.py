"""What a queue costs does not depend on how much is in it, nor on how many queues there are; what is gone leaves nothing behind.

Nothing here is timed. Effort is counted in byte code instructions; instants count the comparisons inside heapq as well.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NamedTuple

import orjson
import pytest

from emulator.app import Emulator
from emulator.clock import ManualClock, settle
from emulator.ids import Ids
from emulator.queue.core import QueueCore
from emulator.queue.fifo import DEDUPLICATION_MS, FifoQueue, Sent
from emulator.queue.message import Message
from emulator.queue.standard import StandardQueue
from emulator.queue.upkeep import Upkeep
from emulator.queue.waiters import Waiters
from services import ALL

START_MS = 1_767_225_600_000
S = 1000
RETENTION_MS = 4 * 24 * 3600 * S
FEW, MANY = 12, 100_000
SAME = 2
"""A logarithm may make the many this much dearer than the few; anything linear would make them thousands of times dearer."""


class Instant(int):
    """An instant whose comparisons run Python code, so that `effort` sees those inside heapq."""

    __slots__ = ()

    def __add__(self, other: int) -> Instant:
        return Instant(int(self) + other)

    def __sub__(self, other: int) -> Instant:
        return Instant(int(self) - other)

    def __lt__(self, other: int) -> bool:
        return int(self) < int(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(self) == int(other)

    __hash__ = int.__hash__


def effort(work: Callable[[], object]) -> int:
    """Count the byte code instructions that run for `work`."""
    count = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


class Kind(NamedTuple):
    """A kind of queue and how its messages are grouped."""

    name: str
    core: type[QueueCore]
    group: Callable[[int], str | None]


KINDS = [
    Kind("standard", StandardQueue, lambda _: None),
    Kind("standard with a group each", StandardQueue, "g{}".format),
    Kind("standard with one group", StandardQueue, lambda _: "one"),
    Kind("fifo with a group each", FifoQueue, "g{}".format),
    Kind("fifo with one group", FifoQueue, lambda _: "one"),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))


class Bench:
    """A core and a hand that works on it."""

    def __init__(self, kind: Kind, retention_ms: int = RETENTION_MS) -> None:
        self.kind = kind
        self.core = kind.core(retention_ms=retention_ms, in_flight_max=120_000)
        self.now: int = Instant(START_MS)
        self.sent = 0

    def send(self, delay_ms: int = 0, group: str | None = None) -> None:
        self.sent += 1
        name = group or self.kind.group(self.sent)
        self.core.add(Message(f"m{self.sent}", "b", "d", self.now, group_id=name), self.now, self.now + delay_ms)

    def receive(self, visibility_ms: int = 30 * S, count: int = 1) -> list[Message]:
        return self.core.take(self.now, count, visibility_ms).messages

    def delete(self, message: Message) -> None:
        self.core.delete(message.seq, message.receives, self.now)

    def settle(self) -> None:
        self.core.settle(self.now)


# Effort.


@functools.cache
def filled(kind: Kind, count: int) -> Bench:
    """A queue of which a third is in flight, a third delayed, a third visible; one more group, whose name is `free`, is not blocked."""
    bench = Bench(kind)
    for _ in range(count // 3):
        bench.send()
    assert len(bench.receive(12 * 3600 * S - 1, count // 3)) == count // 3
    for _ in range(count // 3):
        bench.send(900 * S)
    for _ in range(count // 3):
        bench.send()
    return bench


def send_receive_delete(bench: Bench) -> None:
    bench.send(group="free")
    for message in bench.receive():
        bench.delete(message)


def change_visibility(bench: Bench) -> None:
    bench.send(group="free")
    (message,) = bench.receive()
    bench.core.change_visibility(message.seq, message.receives, 60 * S, bench.now)
    bench.core.change_visibility(message.seq, message.receives, 0, bench.now)
    bench.delete(bench.receive()[0])


def receive_and_give_back(bench: Bench) -> None:
    bench.send(group="free")
    (message,) = bench.receive()
    bench.core.give_back(message, message.receives, bench.now)
    bench.delete(bench.receive()[0])


def delay_and_timeout(bench: Bench) -> None:
    bench.send(1, group="free")
    bench.now += 1
    (message,) = bench.receive(1)
    bench.now += 1
    bench.settle()
    bench.delete(bench.receive()[0])
    del message


def withdraw(bench: Bench) -> None:
    bench.send(group="free")
    bench.core.withdraw(bench.now, lambda _: None)


def look(bench: Bench) -> None:
    core = bench.core
    _ = (len(core), core.visible, core.in_flight, core.delayed, core.next_due_ms(), core.next_upkeep_ms())


@every_kind
@pytest.mark.parametrize(
    "work", [send_receive_delete, change_visibility, receive_and_give_back, delay_and_timeout, withdraw, look]
)
def test_an_operation_costs_the_same_in_a_full_queue(kind: Kind, work: Callable[[Bench], None]) -> None:
    def cost_in(bench: Bench) -> int:
        work(bench)  # takes up what others left for later
        return effort(lambda: [work(bench) for _ in range(20)])

    few, many = cost_in(filled(kind, FEW)), cost_in(filled(kind, MANY))
    assert many <= SAME * few


@every_kind
def test_purging_costs_the_same_in_a_full_queue(kind: Kind) -> None:
    def purge_of(count: int) -> int:
        bench = Bench(kind)
        for _ in range(count):
            bench.send()
        return effort(bench.core.purge)

    assert purge_of(10_000) < SAME * purge_of(10)


@pytest.mark.parametrize(
    "kind", [KINDS[0], KINDS[1], KINDS[3]], ids=["standard", "standard-with-groups", "fifo-with-groups"]
)
def test_no_deletion_costs_more_than_others_when_the_oldest_message_stays(kind: Kind) -> None:
    def dearest_of(count: int) -> int:
        bench = Bench(kind)
        for _ in range(count):
            bench.send()
        bench.receive(12 * 3600 * S - 1)
        return max(effort(functools.partial(bench.delete, bench.receive()[0])) for _ in range(count - 1))

    assert dearest_of(3000) < SAME * dearest_of(300)


# Dead entries.


def churn(bench: Bench) -> Iterator[None]:
    for _ in range(5000):
        bench.send()
        bench.delete(bench.receive()[0])
        yield


def fill_and_drain(bench: Bench) -> Iterator[None]:
    for _ in range(5000):
        bench.send()
    while messages := bench.receive(count=10):
        for message in messages:
            bench.delete(message)
        yield


def prolong_again_and_again(bench: Bench) -> Iterator[None]:
    bench.send()
    (message,) = bench.receive()
    for _ in range(5000):
        bench.core.change_visibility(message.seq, message.receives, 60 * S, bench.now)
        yield


def prolong_now_and_then(bench: Bench) -> Iterator[None]:
    bench.send()
    (message,) = bench.receive()
    for _ in range(5000):
        bench.now += 1
        bench.core.change_visibility(message.seq, message.receives, 60 * S, bench.now)
        yield


def receive_without_a_timeout(bench: Bench) -> Iterator[None]:
    bench.send()
    for _ in range(5000):
        bench.receive(0)
        yield


def give_back_again_and_again(bench: Bench) -> Iterator[None]:
    bench.send()
    for _ in range(5000):
        (message,) = bench.receive()
        bench.core.give_back(message, message.receives, bench.now)
        yield


def refuse_to_withdraw(bench: Bench) -> Iterator[None]:
    def refuse(_: Message) -> None:
        raise LookupError

    bench.send()
    for _ in range(5000):
        with pytest.raises(LookupError):
            bench.core.withdraw(bench.now, refuse)
        yield


def expire_unread(bench: Bench) -> Iterator[None]:
    for _ in range(5000):
        bench.send()
        bench.now += RETENTION_MS // 10
        bench.settle()
        yield


def time_out_and_delete_late(bench: Bench) -> Iterator[None]:
    for _ in range(5000):
        bench.send()
        (message,) = bench.receive(1)
        bench.now += 1
        bench.settle()
        bench.delete(message if bench.core.deletes_visible else bench.receive()[0])
        yield


def be_noisy_again_and_again(bench: Bench) -> Iterator[None]:
    """A group with much in flight becomes quiet whenever its backlog ends, and noisy with its next message."""
    for _ in range(100):
        bench.send(group="loud")
    for _ in range(10):
        bench.receive(12 * 3600 * S - 1, count=10)
    for _ in range(5000):
        bench.send(group="loud")
        for message in bench.receive():
            bench.delete(message)
        yield


@every_kind
@pytest.mark.parametrize(
    "course",
    [
        churn,
        fill_and_drain,
        prolong_again_and_again,
        prolong_now_and_then,
        receive_without_a_timeout,
        give_back_again_and_again,
        refuse_to_withdraw,
        expire_unread,
        time_out_and_delete_late,
        be_noisy_again_and_again,
    ],
)
def test_what_is_gone_does_not_pile_up(kind: Kind, course: Callable[[Bench], Iterator[None]]) -> None:
    bench = Bench(kind)
    for step, _ in enumerate(course(bench)):
        if step % 50 == 0:
            assert bench.core.entries <= 8 * len(bench.core) + 500, f"after {step} steps"
    assert bench.core.entries <= 8 * len(bench.core) + 500


@every_kind
def test_an_empty_receive_leaves_nothing_behind(kind: Kind) -> None:
    bench = Bench(kind)
    for _ in range(1000):
        assert bench.receive() == []
    assert bench.core.entries == 0


@every_kind
def test_a_purged_queue_holds_nothing(kind: Kind) -> None:
    bench = Bench(kind)
    for _ in range(1000):
        bench.send()
        bench.send(900 * S)
    bench.receive(count=10)
    bench.core.purge()
    assert bench.core.entries == 0


def test_remembered_deduplication_ids_are_forgotten_after_five_minutes() -> None:
    core = FifoQueue(retention_ms=RETENTION_MS, in_flight_max=120_000)
    for number in range(5000):
        core.remember(f"key{number}", Sent(f"m{number}", None, START_MS + number))
    core.settle(START_MS + DEDUPLICATION_MS - 1)
    assert core.entries == 5000
    core.settle(START_MS + DEDUPLICATION_MS + 4998)
    assert core.entries == 1
    core.settle(START_MS + DEDUPLICATION_MS + 4999)
    assert core.entries == 0


def test_remembered_receive_attempts_are_forgotten_after_five_minutes() -> None:
    bench = Bench(KINDS[-1])
    assert isinstance(bench.core, FifoQueue)
    for number in range(1000):
        bench.send()
        messages = bench.receive()
        bench.core.note_attempt(f"attempt{number}", messages, bench.now)
        bench.delete(messages[0])
    bench.now += 300 * S
    bench.settle()
    assert bench.core.entries <= 500


def bodies() -> set[str]:
    """Find the bodies of all messages that anything still holds."""
    return {thing.body for thing in gc.get_objects() if isinstance(thing, Message)}


def test_the_body_of_a_message_that_was_dead_lettered_and_deleted_is_let_go() -> None:
    emulator = Emulator(ALL, clock=ManualClock(), ids=Ids(1))
    emulator.start()
    dead = run(call(emulator, "CreateQueue", QueueName="dead"))["QueueUrl"]
    policy = orjson.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1})
    url = run(call(emulator, "CreateQueue", QueueName="jobs", Attributes={"RedrivePolicy": policy.decode()}))[
        "QueueUrl"
    ]
    run(call(emulator, "SendMessage", QueueUrl=url, MessageBody="a mebibyte"))
    for _ in range(2):
        run(call(emulator, "ReceiveMessage", QueueUrl=url, VisibilityTimeout=0))
    assert "a mebibyte" in bodies()
    (message,) = run(call(emulator, "ReceiveMessage", QueueUrl=dead))["Messages"]
    run(call(emulator, "DeleteMessage", QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"]))
    assert "a mebibyte" not in bodies()


# Many queues, many polls.


async def call(emulator: Emulator, operation: str, **request: Any) -> dict[str, Any]:
    """Make a JSON call of the whole emulator."""
    parts: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": orjson.dumps(request), "more_body": False}

    async def send(message: Any) -> None:
        parts.append(message)

    headers = [(b"host", b"localhost:4566"), (b"x-amz-target", f"AmazonSQS.{operation}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "scheme": "http"}
    await emulator(scope, receive, send)
    assert parts[0]["status"] == 200, parts[1]["body"]
    return orjson.loads(parts[1]["body"] or b"{}")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a call that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the call waits for something")


def emulator_with_queues(count: int) -> Emulator:
    emulator = Emulator(ALL, clock=ManualClock(), ids=Ids(1))
    emulator.start()
    for number in range(count):
        url = run(call(emulator, "CreateQueue", QueueName=f"queue{number}"))["QueueUrl"]
        if number % 2:
            run(call(emulator, "SendMessage", QueueUrl=url, MessageBody="x"))
    return emulator


def test_a_request_costs_the_same_beside_ten_thousand_queues_and_an_idle_queue_sets_no_timer() -> None:
    def request_beside(count: int) -> int:
        emulator = emulator_with_queues(count)
        # An emptied queue may keep its timer until it is due; one that never held anything has none.
        assert emulator.clock.timers == count // 2
        url = "http://localhost:4566/000000000000/queue1"

        def work() -> None:
            run(call(emulator, "SendMessage", QueueUrl=url, MessageBody="y"))
            (message,) = run(call(emulator, "ReceiveMessage", QueueUrl=url))["Messages"]
            run(call(emulator, "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]))

        work()
        return effort(lambda: [work() for _ in range(10)])

    assert request_beside(10_000) < 1.1 * request_beside(10)


def test_a_parked_poll_costs_the_same_beside_ten_thousand_others() -> None:
    async def costs() -> None:
        clock = ManualClock()
        waiters: Waiters[str] = Waiters(clock, lambda: None)
        found: list[str] = []

        def attempt() -> str | None:
            return found.pop() if found else None

        def park_and_leave() -> None:
            waiters.leave(waiters.park(attempt, clock.now_ms() + 20 * S))

        def serve_one() -> None:
            found.append("message")
            waiters.serve()

        def park() -> None:
            waiters.park(attempt, clock.now_ms() + 20 * S)

        costs_by_count = []
        for count in (10, 10_000):
            while len(waiters) < count:
                park()
            costs_by_count.append([effort(work) for work in (park_and_leave, park, serve_one)])
        few, many = costs_by_count
        assert all(after <= SAME * before for before, after in zip(few, many, strict=True))
        assert clock.timers == len(waiters)
        waiters.end()
        await settle()
        assert clock.timers == 0

    asyncio.run(costs())


def test_ten_thousand_polls_that_found_nothing_leave_nothing_behind() -> None:
    async def poll() -> None:
        clock = ManualClock()
        core = StandardQueue(retention_ms=RETENTION_MS, in_flight_max=120_000)
        waiters: Waiters[list[Message]] = Waiters(clock, core.next_due_ms)
        upkeep = Upkeep(clock, core)

        def attempt() -> list[Message] | None:
            return core.take(clock.now_ms(), 10, 30 * S).messages or None

        parked = [waiters.park(attempt, clock.now_ms() + 20 * S) for _ in range(10_000)]
        upkeep.watch()
        assert clock.timers == 10_000
        await clock.advance(20 * S)
        assert all(waiter.future.result() is None for waiter in parked)
        assert (len(waiters), clock.timers, core.entries) == (0, 0, 0)

    asyncio.run(poll())
