"""What the workers share: what they are told on the command line, and where they end themselves as SIGKILL from outside would.

A worker gives up on any error, and when its consumer was sent back to an older offset than it has done (a group that had to be joined
again while a transaction was open): whoever starts it starts another one, which goes on at what is committed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import NamedTuple

WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""
BATCH = 10
"""Messages in a transaction, at most."""


class Job(NamedTuple):
    """Read `source`, write `target`, as group and transactional id `name`, until `total` messages are done in all."""

    bootstrap: str
    source: str
    target: str
    name: str
    partitions: int
    total: int
    plan: str
    """Where to die: "produced:3" in the third transaction; "commit:3:0.5" half a millisecond after its commit began; "" nowhere."""


def job() -> Job:
    """Read the command line."""
    bootstrap, source, target, name, partitions, total, plan = sys.argv[1:]
    return Job(bootstrap, source, target, name, int(partitions), int(total), plan)


class Death:
    """A worker says where it is; where the plan says so it is killed."""

    def __init__(self, plan: str) -> None:
        point, _, rest = plan.partition(":")
        transaction, _, delay_ms = rest.partition(":")
        self._point = point
        self._transaction = int(transaction or 0)
        self._delay_s = float(delay_ms or 0) / 1000
        self._begun = 0

    def point(self, name: str) -> None:
        """Die here, or a little later while the work goes on, when it is planned."""
        if name == "consumed":
            self._begun += 1
        if (name, self._begun) != (self._point, self._transaction):
            return
        if self._delay_s:
            threading.Timer(self._delay_s, kill).start()
        else:
            kill()


def kill() -> None:
    """End this process at once: nothing is flushed, closed or said to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell(done: int) -> None:
    """Tell the test how many messages are committed."""
    print(done, flush=True)
