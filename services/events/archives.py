"""Archives: CreateArchive, UpdateArchive, DescribeArchive, ListArchives, DeleteArchive.

An archive is an `emulator/log` that a managed rule on its bus feeds: the user's pattern, and never an event that a replay brings.
Entries have the time at which the event was received, by which the retention counts; the event's own time goes in front of its text.
Source: the user guide, "Archiving and replaying events in Amazon EventBridge", and the API pages.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.arns import make_arn, parse_arn
from emulator.log.log import Log
from emulator.log.replay import Cursor, replay
from emulator.pattern.dialect import EVENTBRIDGE
from emulator.pattern.parse import parse_pattern
from emulator.pattern.tokens import Kind, Tokens
from emulator.service import operation
from emulator.tasks import dispose
from services.events import delivery, errors, limits, rules
from services.events.event import Event, replayed
from services.events.pages import page
from services.events.state import Rule, Target

if TYPE_CHECKING:
    from emulator.log.segment import Entry
    from services.events.state import Bus, EventsContext

DAY_MS = 86_400_000
MANAGED_BY = "prod.vhs.events.aws.internal"
RULE_PREFIX = "Events-Archive-"
NOT_REPLAYED = '"replay-name":[{"exists":false}]'
_HEAD = Struct(">qB")
"""In front of an event's text: its own time in milliseconds, and how many buses and services it had come through."""
_HOPS_MAX = 255
_SCAN_ENTRIES = 1000
"""Entries that are looked at before others get their turn."""


class ArchiveRequest(TypedDict):
    """DescribeArchive, DeleteArchive."""

    ArchiveName: str


class UpdateArchiveRequest(ArchiveRequest, total=False):
    """UpdateArchive."""

    Description: str
    EventPattern: str
    RetentionDays: int
    KmsKeyIdentifier: str


class CreateArchiveRequest(UpdateArchiveRequest):
    """CreateArchive."""

    EventSourceArn: str


class ListArchivesRequest(TypedDict, total=False):
    """ListArchives."""

    NamePrefix: str
    EventSourceArn: str
    State: str
    NextToken: str
    Limit: int


@dataclass(slots=True, eq=False)
class Archive:
    """One archive."""

    name: str
    arn: str
    source_arn: str
    """Of its bus."""

    rule: Rule
    created_ms: int
    settings: dict[str, Any]
    """Description, EventPattern, KmsKeyIdentifier: shown as they were given."""

    retention_days: int = 0
    """0: events stay for ever."""

    state: str = "ENABLED"
    deleted: bool = False
    log: Log = field(default_factory=Log)

    @property
    def size_bytes(self) -> int:
        """How long the texts of its events are together."""
        return self.log.size_bytes - _HEAD.size * self.log.count

    def keep(self, event: Event) -> None:
        """Archive an event that the rule has matched, unless somebody has forced the rule's target away."""
        if not self.rule.targets:
            return
        self.expire(event.received_ms)
        head = _HEAD.pack(event.time_ms, min(event.hops, _HOPS_MAX))
        self.log.append(head + event.text.encode(), event.received_ms)

    def expire(self, now_ms: int) -> None:
        """Forget what is older than the retention period."""
        if self.retention_days:
            self.log.expire(now_ms - self.retention_days * DAY_MS)

    async def find(self, start_ms: int, end_ms: int) -> dict[int, array[int]]:
        """Find the events whose own time is from `start_ms` to before `end_ms`: offsets in the log, in order, by time.

        What is archived while this looks, which it does bit by bit beside the requests, is left out.
        """
        found: dict[int, array[int]] = defaultdict(lambda: array("q"))
        end_offset = self.log.end_offset

        def take(entry: Entry) -> None:
            time_ms, _ = _HEAD.unpack_from(entry.data)
            if start_ms <= time_ms < end_ms and entry.offset < end_offset:
                found[time_ms].append(entry.offset)

        await replay(self.log, Cursor(self.log.start_offset), take, slice_entries=_SCAN_ENTRIES)
        return found

    def read(self, offset: int, replay_name: str, now_ms: int) -> Event | None:
        """Make the event again that is at an offset, as a replay brings it; None if it is gone."""
        entries = self.log.read(offset, 1) if offset >= self.log.start_offset else []
        if not entries:
            return None
        data = entries[0].data
        time_ms, hops = _HEAD.unpack_from(data)
        text = replayed(data[_HEAD.size :].decode(), replay_name)
        return Event(orjson.loads(text), text, time_ms, now_ms, hops=hops)


@operation("CreateArchive")
def create_archive(ctx: EventsContext, request: CreateArchiveRequest) -> dict[str, Any]:
    """Make an archive of a bus, with the rule that feeds it.

    Raises ResourceAlreadyExistsException, ResourceNotFoundException, InvalidEventPatternException, LimitExceededException,
    ValidationException.
    """
    name = request["ArchiveName"]
    bus = own_bus(ctx, request["EventSourceArn"], "EventSourceArn")
    if name in ctx.state.archives:
        raise errors.archive_exists(name)
    rule = Rule(RULE_PREFIX + name, bus, rules.rule_arn(bus, RULE_PREFIX + name), managed_by=MANAGED_BY)
    _set_pattern(rule, request.get("EventPattern"))
    if rule.name in bus.rules:
        raise errors.archive_rule_exists(rule.name)
    if len(bus.rules) >= limits.RULES_MAX and ctx.emulator.settings.quotas:
        raise errors.limit_exceeded()
    arn = make_arn("events", ctx.region, ctx.account, f"archive/{name}")
    archive = Archive(name, arn, bus.arn, rule, ctx.now_ms, {}, request.get("RetentionDays", 0))
    _change_settings(archive, request)
    rule.archive = ctx.state.archives[name] = archive
    _add_target(ctx, archive)
    bus.rules[rule.name] = rule
    rules.enter(ctx, rule)
    return {"ArchiveArn": arn, "State": archive.state, "CreationTime": ctx.now_ms}


def own_bus(ctx: EventsContext, text: str, parameter: str) -> Bus:
    """Find the bus of the caller's account and region that an ARN names. Raises ValidationException, ResourceNotFoundException."""
    arn = parse_arn(text)
    if arn is None or arn.service != "events" or not arn.resource.startswith("event-bus/"):
        raise errors.not_valid(parameter, "Must contain an event bus ARN.")
    name = arn.resource.removeprefix("event-bus/")
    bus = ctx.state.buses.get(name)
    if bus is None or bus.arn != text:
        raise errors.no_bus(name)
    return bus


def _set_pattern(rule: Rule, text: str | None) -> None:
    """Give a managed rule the user's pattern and its own condition. Raises InvalidEventPatternException."""
    if text:
        rules.parse_event_pattern(text)
    rule.pattern_text = _without_replays(text) if text else f"{{{NOT_REPLAYED}}}"
    rule.pattern = parse_pattern(rule.pattern_text, EVENTBRIDGE)


def _without_replays(text: str) -> str:
    """Add to a valid pattern that the event is not replayed. As the last field it holds whatever the pattern says of `replay-name`."""
    tokens = Tokens(text)
    depth = 0
    while True:  # to the end of the object; the pattern language does not look at what follows it
        kind = tokens.advance()
        depth += (kind is Kind.START_OBJECT) - (kind is Kind.END_OBJECT)
        if not depth:
            return f"{text[: tokens.start]},{NOT_REPLAYED}}}"


def _change_settings(archive: Archive, request: UpdateArchiveRequest) -> None:
    """Keep what the request names; empty text takes a setting away."""
    for key in ("Description", "EventPattern", "KmsKeyIdentifier"):
        if key in request:
            archive.settings[key] = request.get(key)
    archive.settings = {key: value for key, value in archive.settings.items() if value}


def _add_target(ctx: EventsContext, archive: Archive) -> None:
    """Give the managed rule the target that AWS shows; what arrives is kept by the archive itself."""
    rule, bus = archive.rule, archive.rule.bus
    template = (
        f'{{"archive-arn": "{archive.arn}:{ctx.emulator.ids.uuid()}", "event": <aws.events.event.json>, '
        '"ingestion-time": <aws.events.event.ingestion-time>}'
    )
    spec: dict[str, Any] = {
        "Id": rule.name,
        "Arn": make_arn("events", bus.region, "", ":"),
        "InputTransformer": {"InputPathsMap": {}, "InputTemplate": template},
    }
    rule.targets[rule.name] = Target(
        rule.name, spec["Arn"], spec, delivery.new_lane(ctx.emulator, rule, rule.name, spec)
    )


@operation("UpdateArchive")
def update_archive(ctx: EventsContext, request: UpdateArchiveRequest) -> dict[str, Any]:
    """Change what is named; what has left the archive stays gone. Raises ResourceNotFoundException, InvalidEventPatternException."""
    archive = _find(ctx, request["ArchiveName"])
    rule = archive.rule
    if "EventPattern" in request:
        _set_pattern(rule, request["EventPattern"])
        rules.enter(ctx, rule)
    archive.expire(ctx.now_ms)
    archive.retention_days = request.get("RetentionDays", archive.retention_days)
    _change_settings(archive, request)
    return {"ArchiveArn": archive.arn, "State": archive.state, "CreationTime": ctx.now_ms}


def _find(ctx: EventsContext, name: str) -> Archive:
    archive = ctx.state.archives.get(name)
    if archive is None:
        raise errors.no_archive(name)
    return archive


@operation("DescribeArchive")
def describe_archive(ctx: EventsContext, request: ArchiveRequest) -> dict[str, Any]:
    """Show an archive. Raises ResourceNotFoundException."""
    archive = _find(ctx, request["ArchiveName"])
    return _show(archive, ctx.now_ms) | {"ArchiveArn": archive.arn} | archive.settings


def _show(archive: Archive, now_ms: int) -> dict[str, Any]:
    """Describe an archive as lists do."""
    archive.expire(now_ms)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": archive.source_arn,
        "State": archive.state,
        "RetentionDays": archive.retention_days,
        "SizeBytes": archive.size_bytes,
        "EventCount": archive.log.count,
        "CreationTime": archive.created_ms,
    }


@operation("ListArchives")
def list_archives(ctx: EventsContext, request: ListArchivesRequest) -> dict[str, Any]:
    """List archives by name: all, or by prefix, bus or state. Raises ValidationException, ResourceNotFoundException (the bus)."""
    prefix, source_arn, state = request.get("NamePrefix"), request.get("EventSourceArn"), request.get("State")
    if [prefix, source_arn, state].count(None) < 2:
        raise errors.several_filters("ListArchives")
    if source_arn is not None:
        own_bus(ctx, source_arn, "EventSourceArn")
    found = (
        (archive.name, archive)
        for archive in ctx.state.archives.values()
        if archive.name.startswith(prefix or "")
        and source_arn in (None, archive.source_arn)
        and state in (None, archive.state)
    )
    archives, token = page(found, request.get("NextToken"), request.get("Limit"))
    return {"Archives": [_show(archive, ctx.now_ms) for archive in archives], "NextToken": token}


@operation("DeleteArchive")
def delete_archive(ctx: EventsContext, request: ArchiveRequest) -> None:
    """Delete an archive with its events and its rule; a replay of it that runs fails. Raises ResourceNotFoundException."""
    archive = _find(ctx, request["ArchiveName"])
    rule = archive.rule
    if rule.bus.rules.get(rule.name) is rule:
        rules.remove(rule)
    rule.targets.clear()
    archive.deleted = True
    del ctx.state.archives[archive.name]
    ctx.emulator.tasks.start(f"free archive {archive.name}", dispose(archive.log.clear()))
