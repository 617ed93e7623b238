"""What the soak knows of each queue: which messages were sent, which are in flight, which are deleted. Exact: one worker has a queue."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson

from benchmarks import queues
from benchmarks.client import HOST, head_of, with_body
from benchmarks.report import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_WITHIN_S = 30


class SoakError(BenchError):
    """Something was lost, doubled or made up, or a request failed."""


@dataclass(slots=True)
class Tally:
    """The account of the whole run, in messages. Dropped are those that were in a queue when it was deleted or purged."""

    requests: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    deleted: int = 0
    dropped: int = 0
    recreated: int = 0
    longest_ms: float = 0.0


class Line:
    """One connection, one request at a time."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port, self._tally = port, tally
        self._heads: dict[str, bytes] = {}

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def call(
        self, operation: str, headers: Mapping[str, str] | None = None, **parameters: object
    ) -> dict[str, Any]:
        """Make an SQS request, or one with other headers, and give its answer."""
        return self._read(operation, await self.post(operation, headers, queues.body(**parameters)))

    def _read(self, operation: str, answer: bytes) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(answer or b"{}")
        if found.get("Failed") or found.get("FailedEntryCount"):
            raise SoakError(f"{operation}: {str(found)[:300]}")
        return found

    async def post(self, operation: str, headers: Mapping[str, str] | None, body: bytes) -> bytes:
        """Make a request and give the body of its answer. Anything but 200 is an error."""
        head = self._heads.get(operation)
        if head is None:
            head = self._heads[operation] = head_of(self._port, headers or queues.headers(operation))
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._writer.write(with_body(head, body))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            told = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = told.partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0]
            answer = await self._reader.readexactly(int(length or 0))
        if not told.startswith(b"http/1.1 200"):
            raise SoakError(
                f"{operation} was answered {told.splitlines()[0].decode()}: {answer[:300].decode(errors='replace')}"
            )
        self._tally.requests[operation] += 1
        if b'"WaitTimeSeconds":20' not in body:
            self._tally.longest_ms = max(self._tally.longest_ms, 1e3 * (loop.time() - began))
        return answer


@dataclass(slots=True)
class Queue:
    """A queue and the account of it. Bodies are numbers, each used once. What others send to it (a topic, a rule) is not `own`."""

    name: str
    url: str = ""
    own: bool = True
    waiting: set[str] = field(default_factory=set)
    """Sent and not received yet."""
    flying: dict[str, str] = field(default_factory=dict)
    """Received and not deleted: body to receipt handle."""

    @property
    def fifo(self) -> bool:
        """Whether order counts."""
        return self.name.endswith(".fifo")

    def __len__(self) -> int:
        return len(self.waiting) + len(self.flying)

    async def create(self, line: Line) -> None:
        """Make it, empty."""
        attributes = {"VisibilityTimeout": str(queues.VISIBILITY_S)} | ({"FifoQueue": "true"} if self.fifo else {})
        self.url = (await line.call("CreateQueue", QueueName=self.name, Attributes=attributes))["QueueUrl"]

    async def send(self, line: Line, tally: Tally, bodies: list[str]) -> None:
        """Send one message, or a batch."""
        entries: list[dict[str, Any]] = [{"MessageBody": body, **self._group(body)} for body in bodies]
        if len(entries) == 1:
            await line.call("SendMessage", QueueUrl=self.url, **entries[0])
        else:
            numbered = [{"Id": str(number), **entry} for number, entry in enumerate(entries)]
            await line.call("SendMessageBatch", QueueUrl=self.url, Entries=numbered)
        self.expect(tally, bodies)

    def expect(self, tally: Tally, bodies: list[str]) -> None:
        """Take note of what was sent here."""
        self.waiting.update(bodies)
        tally.sent += len(bodies)

    def _group(self, body: str) -> dict[str, Any]:
        return {"MessageGroupId": f"g{int(body) % 7}", "MessageDeduplicationId": body} if self.fifo else {}

    async def receive(self, line: Line, tally: Tally) -> int:
        """Receive up to ten; each must have been sent here, and not have come before."""
        answer = await line.call("ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=queues.BATCH)
        messages = answer.get("Messages", [])
        for message in messages:
            body = message["Body"]
            if body not in self.waiting:
                what = "came twice" if body in self.flying else "was never sent here, or is deleted"
                raise SoakError(f"{self.name}: message {body} {what}")
            self.waiting.remove(body)
            self.flying[body] = message["ReceiptHandle"]
        tally.received += len(messages)
        return len(messages)

    async def delete(self, line: Line, tally: Tally, count: int) -> None:
        """Delete so many of what is in flight."""
        chosen = list(self.flying)[:count]
        if len(chosen) == 1:
            await line.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=self.flying[chosen[0]])
        elif chosen:
            entries: list[dict[str, Any]] = [{"Id": body, "ReceiptHandle": self.flying[body]} for body in chosen]
            await line.call("DeleteMessageBatch", QueueUrl=self.url, Entries=entries)
        for body in chosen:
            del self.flying[body]
        tally.deleted += len(chosen)

    async def release(self, line: Line, tally: Tally) -> None:
        """Make a message visible again at once. Its receive does not count any more."""
        body, handle = self.flying.popitem()
        await line.call("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=0)
        self.waiting.add(body)
        tally.received -= 1

    async def recreate(self, line: Line, tally: Tally) -> None:
        """Delete it with all that is in it, and make it anew under its name: it must be empty."""
        await self.check(line)
        await line.call("DeleteQueue", QueueUrl=self.url)
        self._forget(tally)
        await self.create(line)
        tally.recreated += 1
        await self.check(line)

    async def purge(self, line: Line, tally: Tally) -> None:
        """Empty it."""
        await self.check(line)
        await line.call("PurgeQueue", QueueUrl=self.url)
        self._forget(tally)

    def _forget(self, tally: Tally) -> None:
        tally.dropped += len(self)
        self.waiting.clear()
        self.flying.clear()

    async def check(self, line: Line) -> None:
        """See that the server counts what we count."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = (await line.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names))["Attributes"]
        shown, known = tuple(int(told[name]) for name in names), (len(self.waiting), len(self.flying))
        if shown != known:
            raise SoakError(
                f"{self.name} shows {shown[0]} waiting and {shown[1]} in flight, but there are {known[0]} and {known[1]}"
            )

    async def drain(self, line: Line, tally: Tally) -> None:
        """Receive and delete all that is left; then it must be empty."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while len(self):
                    await self.receive(line, tally)
                    await self.delete(line, tally, queues.BATCH)
        except TimeoutError:
            raise SoakError(
                f"{self.name}: {len(self):,} messages have not come, {min(self.waiting)} among them"
            ) from None
        await self.check(line)
