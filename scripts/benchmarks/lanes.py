"""The loads that are compared between servers of different size: a lane is one server's queues and what wrk does to them in a round.

A round sends for a while, receives and deletes what that has added, and then does all three in turn: afterwards there is as much as before.
A lane without queues gets a new one for each round, which holds only what is sent meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import queues
from benchmarks.load import TURNS, Load
from benchmarks.queues import BATCH, MESSAGE, MESSAGE_OF_100
from benchmarks.report import BenchError

if TYPE_CHECKING:
    from benchmarks.flat import Side

SEND = "SendMessage"
DRAIN = "ReceiveMessage, DeleteMessage in turn"
TURN = "SendMessage, ReceiveMessage, DeleteMessage in turn"
FIFO_CONNECTIONS = 8
"""Fewer than the groups: a group gives nothing while one of its messages is in flight."""
FIFO_SENDS_PER_S = 40_000
"""More than are sent: each body has a deduplication id of its own, and none is to be used twice."""
FIFO_VISIBILITY_S = 1
"""What a run leaves in flight locks its group for so long."""
LANDED_WITHIN_S = 10
LOST_SHARE = 0.01
"""Of the requests of a run of TURN: so many receives may come back empty."""


@dataclass(slots=True)
class Lane:
    """A server's queues. With groups, one FIFO queue. Deduplication ids are numbers, counted on."""

    side: Side
    urls: list[str] = field(default_factory=list)
    groups: int = 0
    bodies: int = 1
    """wrk is given at least so many bodies to send: with one only it has less to do."""
    _sent: int = 0

    def make(self) -> None:
        """Make the one queue."""
        if self.groups:
            self.urls = self.side.sqs.create(visibility_s=FIFO_VISIBILITY_S, fifo=True)
        else:
            self.urls = self.side.sqs.create()

    def fill(self, messages: int) -> int:
        """Send so many messages of 100 bytes."""
        sqs, label = self.side.sqs, self.side.label
        if self.groups:
            return sqs.fill_groups(self.urls[0], self.groups, self._numbers(messages), label, MESSAGE_OF_100)
        return sqs.fill(self.urls, messages, label, MESSAGE_OF_100)

    def cycle(self, seconds: int, connections: int, *, drain: bool = True) -> None:
        """Run the loads once, and check by the counts of the queues that each did its work. Without `drain` what was sent stays."""
        if made := not self.urls:
            self.make()
        connections = min(connections, FIFO_CONNECTIONS) if self.groups else connections
        side, spare = self.side, 2 * connections
        empty = self._total()
        sent = side.run(SEND, self._sends(seconds), seconds=seconds, connections=connections)
        before = self._total()
        side.check(sent, before - empty, spare)
        if drain:
            before = self._drain(sent - spare, before, seconds, connections)
        requests = side.run(TURN, self._turns(self._bodies(), 0), seconds=seconds, connections=connections)
        self._land()
        self._sent += requests
        if abs(left := self._total() - before) > spare + LOST_SHARE * requests:
            raise BenchError(f"{side.label}: {left:,} messages more than before as many were deleted as sent")
        if made:
            side.sqs.drop(self.urls)
            self.urls = []

    def _drain(self, messages: int, before: int, seconds: int, connections: int) -> int:
        """Receive and delete up to so many, and answer how many are left. It takes twice as long as to send them: two requests for each."""
        turns = self._turns([], 2 * messages)
        requests = self.side.run(DRAIN, turns, seconds=2 * seconds, connections=connections)
        self._land()
        left = self._total()
        self.side.check(requests // 2 - connections, before - left, 2 * connections)
        return left

    def _numbers(self, messages: int) -> range:
        first, self._sent = self._sent, self._sent + -(-messages // BATCH) * BATCH
        return range(first, self._sent)

    def _total(self) -> int:
        return sum(self.side.sqs.counts(self.urls))

    def _sends(self, seconds: int) -> Load:
        if self.groups:
            return queues.send_to_groups(self.urls[0], self.groups, self._numbers(seconds * FIFO_SENDS_PER_S))
        turns = -(-self.bodies // len(self.urls))
        return Load(queues.headers(SEND), self._bodies() * turns)

    def _bodies(self) -> list[bytes]:
        """SendMessage to each queue; the message tells which, counted from 1."""
        group = {"MessageGroupId": "GROUP", "MessageDeduplicationId": "NUMBER"} if self.groups else {}
        numbered = enumerate(self.urls, 1)
        return [queues.body(QueueUrl=url, MessageBody=f"{MESSAGE} queue {one}", **group) for one, url in numbered]

    def _turns(self, sends: list[bytes], limit: int) -> Load:
        receives = [queues.body(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=0) for url in self.urls]
        deletes = [queues.body(QueueUrl=url, ReceiptHandle="HANDLE") for url in self.urls]
        head = f"{len(self.urls)} {self.groups} {self._sent}".encode()
        return Load(queues.headers("ReceiveMessage"), [head, *sends, *receives, *deletes], limit, TURNS)

    def _land(self) -> None:
        """Wait until no group is locked by what the last run left in flight."""
        until = time.monotonic() + LANDED_WITHIN_S
        while self.groups and self.side.sqs.counts(self.urls)[1]:
            if time.monotonic() > until:
                raise BenchError(f"{self.side.label}: messages stay in flight")
            time.sleep(0.1)
