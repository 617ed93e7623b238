"""`scripts/bench soak`: a mixed load for minutes, with an exact account of each message, and memory that must not grow after the warm-up.

Twelve workers have 25 queues each: standard and FIFO ones, some that a topic or a rule sends to. Each sends, receives, deletes, makes
visible, purges, deletes and recreates, and knows at each moment what must be where. Beside them 20 long polls wait on queues of their own.
"""

from __future__ import annotations

import asyncio
import random
import time
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import orjson
import uvloop

from benchmarks import events, queues, servers, topics
from benchmarks.report import MIB, BenchError, middle, say, table
from benchmarks.soak_yard import Line, Queue, SoakError, Tally
from benchmarks.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.servers import Server

WORKERS = 12
STANDARD, FIFO, SUBSCRIBED = 20, 2, 2
POLLERS = 20
POLL_S = 20
POLL_LATE_S = 2.0
DEPTH_MAX = 60
"""Above it a worker receives more than it sends."""
SAMPLE_S = 1.0
SAY_EVERY_S = 30
WARM_UP_SHARE, REMEMBERED_MINUTES = 0.5, 5
"""Five of ten minutes: as long as FIFO queues remember deduplication ids, which take memory until then."""
WINDOW_SHARE = 0.1
GROWTH_MAX = 0.05
NUMBERS = 1_000_000_000
"""Each worker's messages are numbered from a multiple of this."""
WEIGHTS = {
    "send": 22,
    "send_batch": 14,
    "receive": 34,
    "delete": 16,
    "release": 4,
    "check": 4,
    "publish": 3,
    "put_events": 3,
    "recreate": 1,
    "purge": 0.3,
}


class Worker:
    """Works on its queues until it is told to stop, then empties them."""

    def __init__(self, number: int, server: Server, tally: Tally, seed: int) -> None:
        self._server, self._tally = server, tally
        self._chance = random.Random(seed * WORKERS + number)
        self._numbers = (str(one) for one in count(number * NUMBERS))
        self._name = f"soak-{number}"
        self.own = [Queue(f"{self._name}-{one}") for one in range(STANDARD)]
        self.own += [Queue(f"{self._name}-{one}.fifo") for one in range(FIFO)]
        self.subscribed = [Queue(f"{self._name}-topic-{one}", own=False) for one in range(SUBSCRIBED)]
        self.target = Queue(f"{self._name}-rule", own=False)
        self.queues = [*self.own, *self.subscribed, self.target]
        self._topic = ""

    async def prepare(self) -> None:
        """Make the queues."""
        async with Line(self._server.port, self._tally) as line:
            for queue in self.queues:
                await queue.create(line)

    def connect(self) -> None:
        """Make the topic and the rule; without a loop, as what they reuse has one of its own."""
        known = Topics(self._server.port)
        self._topic = known.create(self._name)
        known.subscribe(self._topic, [queue.url for queue in self.subscribed], raw=True)
        pattern, arn = (
            orjson.dumps({"source": [self._name]}).decode(),
            f"arn:aws:sqs:us-east-1:000000000000:{self.target.name}",
        )
        events.call(self._server, "PutRule", Name=self._name, EventPattern=pattern)
        target = {"Id": "q", "Arn": arn, "InputPath": "$.detail.number"}
        events.call(self._server, "PutTargets", Rule=self._name, Targets=[target])

    async def work(self, stop: asyncio.Event) -> None:
        """Do one thing after the other."""
        doing: dict[str, Callable[[Line], Any]] = {name: getattr(self, f"_{name}") for name in WEIGHTS}
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        async with Line(self._server.port, self._tally) as line:
            while not stop.is_set():
                await doing[self._chance.choices(names, weights)[0]](line)
            # What a topic or a rule sends may still be on its way: drain waits for it.
            for queue in self.queues:
                await queue.drain(line, self._tally)

    def _take(self, number: int) -> list[str]:
        return list(islice(self._numbers, number))

    async def _send(self, line: Line) -> None:
        queue = self._chance.choice(self.own)
        if len(queue) < DEPTH_MAX:
            await queue.send(line, self._tally, self._take(1))

    async def _send_batch(self, line: Line) -> None:
        queue = self._chance.choice(self.own)
        if len(queue) < DEPTH_MAX:
            await queue.send(line, self._tally, self._take(self._chance.randint(2, queues.BATCH)))

    async def _publish(self, line: Line) -> None:
        bodies = self._take(1)
        if max(len(queue) for queue in self.subscribed) > DEPTH_MAX:
            return
        request = topics.body("Publish", TopicArn=self._topic, Message=bodies[0])
        await line.post("Publish", topics.headers(), request)
        for queue in self.subscribed:
            queue.expect(self._tally, bodies)

    async def _put_events(self, line: Line) -> None:
        if len(self.target) > DEPTH_MAX:
            return
        bodies = self._take(self._chance.randint(1, queues.BATCH))
        entries = [{"Source": self._name, "DetailType": "soak", "Detail": f'{{"number":{body}}}'} for body in bodies]
        await line.call("PutEvents", events.headers("PutEvents"), Entries=entries)
        self.target.expect(self._tally, bodies)

    async def _receive(self, line: Line) -> None:
        await self._chance.choice(self.queues).receive(line, self._tally)

    async def _delete(self, line: Line) -> None:
        queue = max(self._chance.sample(self.queues, 3), key=lambda one: len(one.flying))
        await queue.delete(line, self._tally, self._chance.randint(1, queues.BATCH))

    async def _release(self, line: Line) -> None:
        queue = self._chance.choice(self.queues)
        if queue.flying:
            await queue.release(line, self._tally)

    async def _check(self, line: Line) -> None:
        await self._chance.choice(self.own).check(line)

    async def _recreate(self, line: Line) -> None:
        await self._chance.choice(self.own).recreate(line, self._tally)

    async def _purge(self, line: Line) -> None:
        await self._chance.choice(self.own).purge(line, self._tally)


class Poller:
    """A long poll that waits again and again on a queue to which nobody sends; in the end one message must wake it."""

    def __init__(self, number: int) -> None:
        self.queue = Queue(f"idle-{number}")
        self.empty = 0

    async def poll(self, server: Server, tally: Tally) -> None:
        """Wait until a message comes."""
        loop = asyncio.get_running_loop()
        async with Line(server.port, tally) as line:
            while True:
                began = loop.time()
                answer = await line.call("ReceiveMessage", QueueUrl=self.queue.url, WaitTimeSeconds=POLL_S)
                if messages := answer.get("Messages"):
                    await line.call(
                        "DeleteMessage", QueueUrl=self.queue.url, ReceiptHandle=messages[0]["ReceiptHandle"]
                    )
                    return
                self.empty += 1
                waited = loop.time() - began
                if not POLL_S - 0.1 <= waited <= POLL_S + POLL_LATE_S:
                    raise SoakError(f"{self.queue.name}: an empty long poll returned after {waited:.2f} s")


def run(minutes: float, seed: int) -> dict[str, Any]:
    """Run the load, print the account and answer the figures. Raises SoakError at the first thing that is not as it must be."""
    tally, samples = Tally(), list[tuple[float, float]]()
    pollers = [Poller(number) for number in range(POLLERS)]
    say(f"soak: {minutes:g} minutes, seed {seed}")
    with servers.eventyard("--cooldowns", "0") as server:
        workers = [Worker(number, server, tally, seed) for number in range(WORKERS)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_prepare(server, tally, workers, pollers))
        for worker in workers:
            worker.connect()
        idle_mb = server.rss_bytes() / MIB
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_soak(minutes * 60, server, tally, samples, workers, pollers))
        except (OSError, asyncio.IncompleteReadError) as error:  # a TimeoutError is an OSError
            raise BenchError(f"{server.name} does not answer: {error!r}: {server.complaint()}") from None
        if complaint := server.said().strip():
            raise SoakError(f"the server complained: {complaint[-1000:]}")
    return _print(minutes, tally, samples, idle_mb, sum(poller.empty for poller in pollers))


async def _prepare(server: Server, tally: Tally, workers: Sequence[Worker], pollers: Sequence[Poller]) -> None:
    await asyncio.gather(*(worker.prepare() for worker in workers))
    async with Line(server.port, tally) as line:
        for poller in pollers:
            await poller.queue.create(line)


async def _soak(
    seconds: float,
    server: Server,
    tally: Tally,
    samples: list[tuple[float, float]],
    workers: Sequence[Worker],
    pollers: Sequence[Poller],
) -> None:
    stop = asyncio.Event()
    idle = [asyncio.ensure_future(poller.poll(server, tally)) for poller in pollers]
    watch = asyncio.ensure_future(_watch(seconds, stop, server, tally, samples))
    await asyncio.gather(watch, *(worker.work(stop) for worker in workers), _none_failed(idle, stop))
    async with Line(server.port, tally) as line:
        for poller in pollers:
            await line.call("SendMessage", QueueUrl=poller.queue.url, MessageBody="wake up")
        async with asyncio.timeout(POLL_LATE_S):
            await asyncio.gather(*idle)
        for poller in pollers:
            await poller.queue.check(line)
    tally.sent, tally.received, tally.deleted = (
        value + len(pollers) for value in (tally.sent, tally.received, tally.deleted)
    )


async def _none_failed(idle: Sequence[asyncio.Future[Any]], stop: asyncio.Event) -> None:
    """Pass on the error of a long poll that ended before its time."""
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([*idle, stopped], return_when=asyncio.FIRST_COMPLETED)
    for ended in done - {stopped}:
        await ended
        raise SoakError("a long poll got a message that nobody had sent")


async def _watch(
    seconds: float, stop: asyncio.Event, server: Server, tally: Tally, samples: list[tuple[float, float]]
) -> None:
    """Weigh the server each second, say how far it is, and stop the workers in the end."""
    began = said = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        samples.append((elapsed / seconds, server.rss_bytes() / MIB))
        if time.monotonic() - said >= SAY_EVERY_S:
            said = time.monotonic()
            say(f"soak: {elapsed:,.0f} s: {tally.requests.total():,} requests, {samples[-1][1]:.1f} MB")
        await asyncio.sleep(SAMPLE_S)
    stop.set()


def _window(samples: Sequence[tuple[float, float]], first: float) -> float:
    return middle(_within(samples, first) or [samples[-1][1]])


def _within(samples: Sequence[tuple[float, float]], first: float) -> list[float]:
    return [mb for share, mb in samples if first <= share < first + WINDOW_SHARE]


def _rows(tally: Tally, empty_polls: int) -> Iterator[tuple[str, ...]]:
    yield "requests", f"{tally.requests.total():,}", ""
    yield "  that failed", "0", "0"
    yield "messages sent", f"{tally.sent:,}", ""
    yield "  received, each once", f"{tally.received:,}", ""
    yield "  deleted", f"{tally.deleted:,}", ""
    yield "  gone with a deleted or purged queue", f"{tally.dropped:,}", ""
    yield "  lost, doubled or made up", f"{tally.sent - tally.deleted - tally.dropped:,}", "0"
    yield "queues deleted and recreated", f"{tally.recreated:,}", ""
    yield f"long polls that waited {POLL_S} s for nothing", f"{empty_polls:,}", ""
    yield "the longest answer, ms", f"{tally.longest_ms:.1f}", ""


def _print(
    minutes: float, tally: Tally, samples: Sequence[tuple[float, float]], idle_mb: float, empty_polls: int
) -> dict[str, Any]:
    warm, end = _window(samples, WARM_UP_SHARE), _window(samples, 1 - WINDOW_SHARE)
    title = (
        f"Soak: {minutes:g} minutes, {WORKERS * (STANDARD + FIFO + SUBSCRIBED + 1)} queues, {POLLERS} idle long polls"
    )
    table(title, ("", "", "target"), _rows(tally, empty_polls))
    growth = end / warm - 1
    long_enough = WARM_UP_SHARE * minutes >= REMEMBERED_MINUTES
    target = (
        f"<= {100 * GROWTH_MAX:.0f} %"
        if long_enough
        else f"none below {REMEMBERED_MINUTES / WARM_UP_SHARE:.0f} minutes"
    )
    rows = [
        ("with its queues, before the load", f"{idle_mb:.1f}", ""),
        *(
            (f"at {100 * share:.0f} %", f"{_window(samples, share):.1f}", "")
            for share in (0.1, 0.3, WARM_UP_SHARE, 0.7)
        ),
        ("at the end", f"{end:.1f}", ""),
        (f"growth since {100 * WARM_UP_SHARE:.0f} %", f"{100 * growth:+.1f} %", target),
    ]
    table("Memory of the server (RSS, MB)", ("", "", "target"), rows)
    if tally.sent != tally.deleted + tally.dropped:
        raise SoakError("the account does not come out even")
    return {
        "requests": dict(tally.requests),
        "sent": tally.sent,
        "deleted": tally.deleted,
        "dropped": tally.dropped,
        "recreated": tally.recreated,
        "longest_ms": tally.longest_ms,
        "growth": growth,
        "rss_mb": samples,
    }
