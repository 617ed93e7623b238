"""How soon a long poll of any server wakes: two connections made anew for each, as not all peers keep them."""

from __future__ import annotations

import asyncio
import time

import uvloop

from benchmarks import queues
from benchmarks.client import ANSWER_WITHIN_S, HOST, head_of, read_answer, with_body
from benchmarks.report import BenchError

PARK_S, SPREAD_S = 0.05, 0.1
"""How long a poll has until it waits, which slow peers need, and how much longer the last one has: peers that look for messages now and
then are met at all moments.
"""
POLL_S = 10


def wake(port: int, url: str, count: int) -> list[float]:
    """Give the milliseconds from a send until the poll that waits on the queue has returned, so many times. What was received stays in
    flight.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return [runner.run(_wake(port, url, PARK_S + SPREAD_S * number / count)) for number in range(count)]
    except (OSError, asyncio.IncompleteReadError) as error:  # a TimeoutError is an OSError
        raise BenchError(f"a long poll did not wake: {error!r}") from None


async def _wake(port: int, url: str, park_s: float) -> float:
    poll = _request(port, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=POLL_S)
    send = _request(port, "SendMessage", QueueUrl=url, MessageBody=queues.MESSAGE)
    reader, waiter = await asyncio.open_connection(HOST, port)
    sent, sender = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            waiter.write(poll)
            await asyncio.sleep(park_s)
            began = time.perf_counter()
            sender.write(send)
            answer, _ = await read_answer(reader)
            took = time.perf_counter() - began
            await read_answer(sent)
    finally:
        waiter.close()
        sender.close()
    if b'"Messages"' not in answer:
        raise BenchError("a long poll came back empty although a message was sent")
    return 1e3 * took


def _request(port: int, operation: str, **parameters: object) -> bytes:
    return with_body(head_of(port, queues.headers(operation)), queues.body(**parameters))
