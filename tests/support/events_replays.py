"""Archives and replays as the tests see them: one account with the bus orders, its archive past, and short words for what is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.app import Emulator
from services.events import dispatch
from services.events.event import Event, make_event, time_text
from services.events.state import Bus, home
from tests.support.errors import Seen
from tests.support.harness import Harness
from tests.support.sqs_flow import Box

ACCOUNT, REGION = "111122223333", "eu-central-1"
PREFIX = f"arn:aws:events:{REGION}:{ACCOUNT}:"
BUS, DEFAULT_BUS, ARCHIVE = f"{PREFIX}event-bus/orders", f"{PREFIX}event-bus/default", f"{PREFIX}archive/past"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_S = 86_400
EVERYTHING = '{"source":["shop"]}'
LIMIT = Seen("LimitExceededException", "The requested resource exceeds the maximum number allowed.", 400)


def not_valid(parameter: str, reason: str) -> Seen:
    return Seen("ValidationException", f"Parameter {parameter} is not valid. Reason: {reason}", 400)


def not_found(message: str) -> Seen:
    return Seen("ResourceNotFoundException", message, 400)


class Gate:
    """Holds replays where they let others have their turn, until they are let on."""

    def __init__(self, cloud: Harness) -> None:
        self._cloud = cloud
        self._held: list[asyncio.Event] = []

    async def breathe(self) -> None:
        event = asyncio.Event()
        self._held.append(event)
        await event.wait()

    def let_on(self) -> None:
        """Let each replay bring one slice more."""
        self._cloud.run(lambda _: self._let_on())

    def _let_on(self) -> None:
        held, self._held = self._held, []
        for event in held:
            event.set()

    def open(self) -> int:
        """Let all replays come to their end; tell how many turns that took."""
        turns = 0
        while self._held:
            self.let_on()
            turns += 1
        return turns


def open_shop(cloud: Harness) -> Any:
    """Get a client of the account, with the bus orders."""
    events = cloud.client("events", account=ACCOUNT, region=REGION)
    events.create_event_bus(Name="orders")
    return events


def put(events: Any, *detail_types: str, bus: str = "orders", **options: Any) -> None:
    """Put an event of each detail type."""
    for detail_type in detail_types:
        entry = {"Source": "shop", "DetailType": detail_type, "Detail": "{}", "EventBusName": bus, **options}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def create_archive(events: Any, name: str = "past", bus: str = BUS, **options: Any) -> dict[str, Any]:
    return events.create_archive(ArchiveName=name, EventSourceArn=bus, **options)


def describe_archive(events: Any, name: str = "past") -> dict[str, Any]:
    shown = events.describe_archive(ArchiveName=name)
    del shown["ResponseMetadata"]
    return shown


def count_of(events: Any, name: str = "past") -> int:
    return describe_archive(events, name)["EventCount"]


def connect(
    events: Any, box: Box, rule: str = "to-box", pattern: str = EVERYTHING, bus: str = "orders", **more: Any
) -> str:
    """Make a rule that sends to a queue; its ARN."""
    arn = events.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)["RuleArn"]
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "box", "Arn": box.arn, **more}])
    return arn


def window(
    name: str = "again",
    *,
    start: datetime = NOW - HOUR,
    end: datetime = NOW + HOUR,
    archive: str = ARCHIVE,
    bus: str = BUS,
    filters: list[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The request that starts a replay."""
    destination = {"Arn": bus} | ({} if filters is None else {"FilterArns": filters})
    return {
        "ReplayName": name,
        "EventSourceArn": archive,
        "EventStartTime": start,
        "EventEndTime": end,
        "Destination": destination,
        **more,
    }


def start_replay(events: Any, name: str = "again", **options: Any) -> dict[str, Any]:
    return events.start_replay(**window(name, **options))


def describe_replay(events: Any, name: str = "again") -> dict[str, Any]:
    shown = events.describe_replay(ReplayName=name)
    del shown["ResponseMetadata"]
    return shown


def state_of(events: Any, name: str = "again") -> str:
    return describe_replay(events, name)["State"]


def types(box: Box) -> list[str]:
    """The detail types of all that is in a queue, in its order."""
    return [json.loads(body)["detail-type"] for body in box.drain()]


def fill(cloud: Harness, number: int, take: Callable[[Emulator, Bus, Event], object] = dispatch.match) -> None:
    """Put many events on the bus orders at once. `take` is what is done with each: by default it goes to the rules right away."""

    def put_all(emulator: Emulator) -> None:
        bus, now_ms = home(emulator, ACCOUNT, REGION).buses["orders"], cloud.now_ms
        for n in range(number):
            event = make_event(
                event_id=str(n),
                source="shop",
                detail_type="order",
                detail={"n": n},
                account=ACCOUNT,
                region=REGION,
                time_ms=now_ms,
                time_text=time_text(now_ms),
                resources=[],
                received_ms=now_ms,
            )
            take(emulator, bus, event)

    cloud.run(put_all)
