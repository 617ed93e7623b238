"""Subscribers that are kept busy: a process that publishes at a steady rate, and receives and deletes what comes to each queue.

    python -m benchmarks.busy <port> <topic ARN> <publishes a second> <queue URL>...

Writes `busy` when each queue has had a message; runs until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import orjson

from benchmarks import queues, topics
from benchmarks.client import HOST, head_of, with_body


async def _main(port: int, topic: str, rate: float, urls: list[str]) -> None:
    ready = [asyncio.Event() for _ in urls]
    consumers = [asyncio.create_task(_consume(port, url, event)) for url, event in zip(urls, ready, strict=True)]
    publisher = asyncio.create_task(_publish(port, topic, rate))
    await asyncio.gather(*(event.wait() for event in ready))
    print("busy", flush=True)
    await asyncio.gather(publisher, *consumers)


async def _publish(port: int, topic: str, rate: float) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    request = with_body(head_of(port, topics.headers()), topics.publish_body(topic))
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await _exchange(reader, writer, request)
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _consume(port: int, url: str, ready: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    receive = queues.body(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    receives = with_body(head_of(port, queues.headers("ReceiveMessage")), receive)
    deletes = head_of(port, queues.headers("DeleteMessage"))
    while True:
        answer: dict[str, Any] = orjson.loads(await _exchange(reader, writer, receives))
        for message in answer.get("Messages", []):
            delete = queues.body(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            await _exchange(reader, writer, with_body(deletes, delete))
            ready.set()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    body = await reader.readexactly(int(length or 0))
    if not head.startswith(b"http/1.1 200"):
        status = head.partition(b"\r\n")[0].decode()
        raise SystemExit(f"busy: {status}")
    return body


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:]))
