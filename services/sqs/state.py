"""What SQS remembers in one account and one region."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.arns import make_arn, parse_arn
from emulator.queue.fifo import FifoQueue
from emulator.queue.standard import StandardQueue
from emulator.queue.upkeep import Upkeep
from emulator.queue.waiters import Waiters
from emulator.service import ServiceState
from emulator.tasks import dispose
from services.sqs import errors, limits
from services.sqs.names import parse_queue_url

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.clock import Clock
    from emulator.context import Context
    from emulator.queue.message import Message
    from emulator.tasks import Tasks

    SqsContext = Context["SqsState"]


class Redrive(NamedTuple):
    """A redrive policy: where to, and after how many receives."""

    target_arn: str
    receives_max: int


@dataclass(slots=True, eq=False)
class Received:
    """The yield of a receive: the answer, and what to give back when it cannot be delivered."""

    answer: dict[str, Any]
    messages: list[tuple[Message, int]]
    """Each message with the number of this receive."""


@dataclass(slots=True, eq=False)
class Queue:
    """One queue. `attributes` holds AWS's strings; the fields below it are what the hot path needs of them."""

    name: str
    account: str
    region: str
    arn: str
    nonce: int
    """In each receipt handle, so that one of another queue, or of an earlier queue of this name, is told."""

    created_ms: int
    modified_ms: int
    core: StandardQueue | FifoQueue
    fifo: FifoQueue | None
    """The core of a FIFO queue, None for a standard queue."""

    waiters: Waiters[Received]
    upkeep: Upkeep
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    purged_ms: int | None = None

    visibility_ms: int = 0
    delay_ms: int = 0
    wait_ms: int = 0
    message_max_bytes: int = 0
    redrive: Redrive | None = None
    content_based: bool = False
    """ContentBasedDeduplication."""

    per_group: bool = False
    """DeduplicationScope is messageGroup."""

    def put(self, message: Message, now_ms: int, due_ms: int) -> None:
        """Put a message in, visible from `due_ms` on, and wake who waits for it: the last step of all that arrives."""
        self.core.add(message, now_ms, due_ms)
        if self.upkeep.timer is None or self.fifo is not None:
            self.upkeep.watch()
        if self.waiters.parked:
            self.waiters.serve()

    def changed(self) -> None:
        """Let parked long polls try again; call it after any change of the core."""
        if self.waiters.parked:
            self.waiters.serve()

    def purge(self, tasks: Tasks) -> None:
        """Drop all messages now, and free their memory bit by bit."""
        remains = self.core.purge()
        if any(remains):
            tasks.start(f"free the messages of {self.name}", dispose(remains))
        self.changed()

    def end(self, tasks: Tasks, error: Exception | None = None) -> None:
        """Answer what waits, set no more timers and let the messages go: the queue is deleted or forgotten."""
        self.waiters.end(error)
        self.purge(tasks)
        self.upkeep.stop()


def new_queue(name: str, account: str, region: str, *, fifo: bool, clock: Clock, nonce: int) -> Queue:
    """Make an empty queue without attributes."""
    kind = FifoQueue if fifo else StandardQueue
    core = kind(retention_ms=0, in_flight_max=limits.IN_FLIGHT_MAX)
    now_ms = clock.now_ms()
    return Queue(
        name=name,
        account=account,
        region=region,
        arn=make_arn("sqs", region, account, name),
        nonce=nonce,
        created_ms=now_ms,
        modified_ms=now_ms,
        core=core,
        fifo=core if isinstance(core, FifoQueue) else None,
        waiters=Waiters(clock, core.next_due_ms),
        upkeep=Upkeep(clock, core),
    )


@dataclass(slots=True, eq=False)
class MoveTask:
    """One message move task. Status: RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED."""

    handle: str
    source_arn: str
    destination_arn: str | None
    rate_per_s: int | None
    started_ms: int
    to_move: int
    last_seq: int = 0
    """The last message that was in the source at the start."""

    moved: int = 0
    status: str = "RUNNING"
    failure: str | None = None


class SqsState(ServiceState):
    """Queues by name, names that were freed lately, move tasks by their source."""

    def __init__(self, emulator: Emulator, account: str, region: str) -> None:
        self.emulator = emulator
        self.account = account
        self.region = region
        self.queues: dict[str, Queue] = {}
        self.moves: dict[str, list[MoveTask]] = {}
        """By source ARN, newest first."""
        self._deleted: OrderedDict[str, int] = OrderedDict()

    def drain(self) -> None:
        """Answer all parked polls with nothing."""
        for queue in self.queues.values():
            queue.waiters.end()

    def close(self) -> None:
        """Answer all parked polls; end all timers and moves."""
        for queue in self.queues.values():
            queue.end(self.emulator.tasks)
        for tasks in self.moves.values():
            for task in tasks:
                task.status = "CANCELLED"

    def note_deleted(self, name: str, now_ms: int) -> None:
        """Block a name for a minute."""
        self._deleted[name] = now_ms
        self._deleted.move_to_end(name)

    def deleted_recently(self, name: str, now_ms: int) -> bool:
        """Tell whether a name is still blocked; forgets those that no longer are."""
        while self._deleted and next(iter(self._deleted.values())) + limits.RECREATE_WAIT_MS <= now_ms:
            self._deleted.popitem(last=False)
        return name in self._deleted


def find_queue(ctx: SqsContext, url: str | None) -> Queue:
    """Find the queue of a URL, in whatever account it is. Raises QueueDoesNotExist, InvalidAddress."""
    if not url:
        raise errors.queue_does_not_exist()
    address = parse_queue_url(url)
    if address is None:
        raise errors.invalid_address(url)
    account, name, region = address
    state = ctx.find_state(account, region or ctx.region)
    queue = None if state is None else state.queues.get(name)
    if queue is None:
        raise errors.queue_does_not_exist(foreign=account != ctx.account)
    return queue


def find_own_queue(ctx: SqsContext, url: str | None, action: str) -> Queue:
    """Find a queue for an operation that only its owner's account may call. Raises AccessDenied as well."""
    queue = find_queue(ctx, url)
    if queue.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, queue.arn)
    return queue


def queue_by_arn(emulator: Emulator, arn: str) -> Queue | None:
    """Find a queue by its ARN."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sqs":
        return None
    state = emulator.find_state("sqs", parsed.account, parsed.region)
    return state.queues.get(parsed.resource) if isinstance(state, SqsState) else None
