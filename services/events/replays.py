"""Replays: StartReplay, DescribeReplay, ListReplays, CancelReplay.

A replay runs beside the requests. It brings the events of its window in the order of their own times, each with the replay's name, to
the rules of the bus from which they were archived.
Source: the user guide, "Archiving and replaying events in Amazon EventBridge", and the API pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import make_arn, parse_arn
from emulator.service import operation
from emulator.tasks import breathe
from services.events import dispatch, errors, limits
from services.events.archives import own_bus
from services.events.pages import page

if TYPE_CHECKING:
    import asyncio

    from emulator.app import Emulator
    from services.events.archives import Archive
    from services.events.state import Bus, EventsContext, EventsState

STARTING, RUNNING, COMPLETED = "STARTING", "RUNNING", "COMPLETED"
CANCELLING, CANCELLED, FAILED = "CANCELLING", "CANCELLED", "FAILED"
ACTIVE = frozenset({STARTING, RUNNING, CANCELLING})
_PAUSE_MS = 100
"""How long a replay waits when a target cannot keep up."""
_REASON_CHARS_MAX = 512


class ReplayRequest(TypedDict):
    """DescribeReplay, CancelReplay."""

    ReplayName: str


class _Destination(TypedDict):
    Arn: str


class Destination(_Destination, total=False):
    """Where a replay goes."""

    FilterArns: list[str]


class _StartReplayRequest(ReplayRequest):
    EventSourceArn: str
    EventStartTime: int
    EventEndTime: int
    Destination: Destination


class StartReplayRequest(_StartReplayRequest, total=False):
    """StartReplay."""

    Description: str


class ListReplaysRequest(TypedDict, total=False):
    """ListReplays."""

    NamePrefix: str
    EventSourceArn: str
    State: str
    NextToken: str
    Limit: int


@dataclass(slots=True, eq=False)
class Replay:
    """One replay."""

    name: str
    arn: str
    archive: Archive
    bus: Bus
    destination: Destination
    start_ms: int
    """The window: events of this time or later ..."""

    end_ms: int
    """... and before this one."""

    started_ms: int
    description: str | None = None
    state: str = STARTING
    reason: str | None = None
    last_ms: int | None = None
    """The own time of the event that came last."""

    ended_ms: int | None = None
    task: asyncio.Task[None] | None = None

    def end(self, state: str, now_ms: int, reason: str | None = None) -> None:
        """Put it into a state in which it stays."""
        self.state, self.ended_ms = state, now_ms
        self.reason = reason[:_REASON_CHARS_MAX] if reason else None
        self.task = None

    def stop(self) -> None:
        """Bring no more events: the state is being thrown away."""
        if self.task is not None:
            self.task.cancel()
            self.task = None


@operation("StartReplay")
def start_replay(ctx: EventsContext, request: StartReplayRequest) -> dict[str, Any]:
    """Begin to replay a window of an archive to its bus.

    Raises ValidationException, ResourceNotFoundException (the bus), ResourceAlreadyExistsException, LimitExceededException.
    """
    name, destination = request["ReplayName"], request["Destination"]
    bus = own_bus(ctx, destination["Arn"], "Destination.Arn")
    archive = _source(ctx, request["EventSourceArn"])
    if archive.source_arn != bus.arn:
        raise errors.not_valid("Destination.Arn", "Cross event bus replay is not permitted.")
    if request["EventStartTime"] >= request["EventEndTime"]:
        raise errors.not_valid("EventEndTime", "EventStartTime must be before EventEndTime.")
    replays = ctx.state.replays
    _forget_old(ctx)
    if name in replays:
        raise errors.replay_exists(name)
    active = sum(replay.state in ACTIVE for replay in replays.values())
    if active >= limits.REPLAYS_ACTIVE_MAX and ctx.emulator.settings.quotas:
        raise errors.limit_exceeded()
    replay = replays[name] = Replay(
        name,
        make_arn("events", ctx.region, ctx.account, f"replay/{name}"),
        archive,
        bus,
        destination,
        request["EventStartTime"],
        request["EventEndTime"],
        ctx.now_ms,
        request.get("Description"),
    )
    replay.task = ctx.emulator.tasks.start(f"replay {name}", _run(ctx.emulator, ctx.state, replay))
    return {"ReplayArn": replay.arn, "State": replay.state, "ReplayStartTime": replay.started_ms}


def _source(ctx: EventsContext, text: str) -> Archive:
    """Find the archive of an ARN. Raises ValidationException."""
    arn = parse_arn(text)
    if arn is None or arn.service != "events" or not arn.resource.startswith("archive/"):
        raise errors.not_valid("EventSourceArn", "Must contain an archive ARN.")
    name = arn.resource.removeprefix("archive/")
    archive = ctx.state.archives.get(name)
    if archive is None or archive.arn != text:
        raise errors.not_valid("EventSourceArn", f"Archive {name} does not exist.")
    return archive


def _forget_old(ctx: EventsContext) -> None:
    """Forget the replays that ended too long ago to be listed."""
    horizon_ms = ctx.now_ms - limits.REPLAY_LISTED_MS
    old = [replay.name for replay in ctx.state.replays.values() if (replay.ended_ms or ctx.now_ms) < horizon_ms]
    for name in old:
        del ctx.state.replays[name]


# Running.


async def _run(emulator: Emulator, state: EventsState, replay: Replay) -> None:
    clock = emulator.clock
    try:
        # What was accepted before the replay is to be archived first; each turn matches one event at least.
        for _ in range(len(state.inbox)):
            await breathe()
        replay.archive.expire(clock.now_ms())
        obstacle = await _bring_all(emulator, state, replay)
    except Exception as bug:
        replay.end(FAILED, clock.now_ms(), f"Eventyard failed to replay: {bug}")
        raise
    if replay.state == CANCELLING:
        replay.end(CANCELLED, clock.now_ms())
    elif obstacle is not None:
        replay.end(FAILED, clock.now_ms(), obstacle)
    else:
        replay.end(COMPLETED, clock.now_ms())


async def _bring_all(emulator: Emulator, state: EventsState, replay: Replay) -> str | None:
    """Bring the events until none is left or the replay is cancelled, or until something is in the way: the answer says what."""
    if replay.state == STARTING:
        replay.state = RUNNING
    found = await replay.archive.find(replay.start_ms, replay.end_ms)
    only = frozenset(replay.destination.get("FilterArns", [])) or None
    done = 0
    for time_ms in sorted(found):
        for offset in found[time_ms]:
            if done >= dispatch.SLICE:
                done = 0
                await _pause(emulator, replay)
            obstacle = _obstacle(state, replay)
            if replay.state != RUNNING or obstacle is not None:
                return obstacle
            event = replay.archive.read(offset, replay.name, emulator.clock.now_ms())
            done += 1
            if event is not None:
                done += dispatch.match(emulator, replay.bus, event, only)
                replay.last_ms = time_ms
    return _obstacle(state, replay)


def _obstacle(state: EventsState, replay: Replay) -> str | None:
    """Tell why a replay cannot go on, or None."""
    if replay.archive.deleted:
        return f"Archive {replay.archive.name} does not exist."
    if state.buses.get(replay.bus.name) is not replay.bus:
        return f"Event bus {replay.bus.name} does not exist."
    return None


async def _pause(emulator: Emulator, replay: Replay) -> None:
    """Let others have their turn; and targets that work off a queue, such as a throttled API destination, get the time to do so."""
    await breathe()
    while replay.state == RUNNING and _behind(replay):
        await emulator.clock.sleep(_PAUSE_MS)


def _behind(replay: Replay) -> bool:
    """Whether a target of the bus has too many deliveries that wait for their turn."""
    only = replay.destination.get("FilterArns")
    return any(
        len(target.lane.queue) >= limits.REPLAY_BACKLOG_MAX
        for rule in replay.bus.rules.values()
        if not only or rule.arn in only
        for target in rule.targets.values()
    )


# Looking and cancelling.


def _find(ctx: EventsContext, name: str) -> Replay:
    _forget_old(ctx)
    replay = ctx.state.replays.get(name)
    if replay is None:
        raise errors.no_replay(name)
    return replay


@operation("DescribeReplay")
def describe_replay(ctx: EventsContext, request: ReplayRequest) -> dict[str, Any]:
    """Show a replay. Raises ResourceNotFoundException."""
    replay = _find(ctx, request["ReplayName"])
    shown = _show(replay) | {"ReplayArn": replay.arn, "Destination": replay.destination}
    if replay.description is not None:
        shown["Description"] = replay.description
    return shown


def _show(replay: Replay) -> dict[str, Any]:
    """Describe a replay as lists do."""
    shown = {
        "ReplayName": replay.name,
        "EventSourceArn": replay.archive.arn,
        "State": replay.state,
        "StateReason": replay.reason,
        "EventStartTime": replay.start_ms,
        "EventEndTime": replay.end_ms,
        "EventLastReplayedTime": replay.last_ms,
        "ReplayStartTime": replay.started_ms,
        "ReplayEndTime": replay.ended_ms,
    }
    return {key: value for key, value in shown.items() if value is not None}


@operation("ListReplays")
def list_replays(ctx: EventsContext, request: ListReplaysRequest) -> dict[str, Any]:
    """List replays by name: all, or by prefix, archive or state. Raises ValidationException."""
    prefix, source_arn, state = request.get("NamePrefix"), request.get("EventSourceArn"), request.get("State")
    if [prefix, source_arn, state].count(None) < 2:
        raise errors.several_filters("ListReplays")
    _forget_old(ctx)
    found = (
        (replay.name, replay)
        for replay in ctx.state.replays.values()
        if replay.name.startswith(prefix or "")
        and source_arn in (None, replay.archive.arn)
        and state in (None, replay.state)
    )
    replays, token = page(found, request.get("NextToken"), request.get("Limit"))
    return {"Replays": [_show(replay) for replay in replays], "NextToken": token}


@operation("CancelReplay")
def cancel_replay(ctx: EventsContext, request: ReplayRequest) -> dict[str, Any]:
    """Stop a replay; what it has brought stays brought. Raises ResourceNotFoundException, IllegalStatusException."""
    replay = _find(ctx, request["ReplayName"])
    if replay.state not in (STARTING, RUNNING):
        raise errors.replay_state(replay.name)
    replay.state = CANCELLING
    return {"ReplayArn": replay.arn, "State": replay.state}
