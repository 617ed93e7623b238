"""FIFO archives and replays: ArchivePolicy of a topic, ReplayPolicy of a subscription. The archive is an `emulator/log`.

While a subscription replays, what is published waits for the replay's end, so that the order holds and nothing is lost or doubled;
then messages come directly again.
Source: the developer guide, "Amazon SNS message archiving and replay for FIFO topics".
"""

from __future__ import annotations

import base64
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.log.log import Log
from emulator.log.replay import Cursor, replay
from emulator.router.delivery import UndeliverableError
from emulator.router.router import Envelope
from emulator.tasks import dispose
from services.sns import errors, limits
from services.sns.message import Notification

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from emulator.app import Emulator
    from emulator.log.segment import Entry
    from services.sns.requests import Attributes
    from services.sns.state import Subscription, Topic

    Take = Callable[[Notification], None]

DAY_MS = 86_400_000


class Archive:
    """The archive of one topic."""

    def __init__(self, emulator: Emulator, retention_days: int) -> None:
        self._emulator = emulator
        self.log = Log()
        self.retention_ms = retention_days * DAY_MS
        self._since_ms = emulator.clock.now_ms()

    def beginning_text(self, now_ms: int) -> str:
        """Write BeginningArchiveTime: from when on messages can be replayed."""
        return self._emulator.clock.iso(max(self._since_ms, now_ms - self.retention_ms))

    def change_retention(self, days: int, now_ms: int) -> None:
        """Keep messages for more days, or for less; what is gone by now stays so."""
        self._since_ms = max(self._since_ms, now_ms - self.retention_ms)
        self.retention_ms = days * DAY_MS
        self.expire(now_ms)

    def expire(self, now_ms: int) -> None:
        """Forget what is older than the retention period."""
        self.log.expire(now_ms - self.retention_ms)

    def keep(self, notification: Notification, now_ms: int) -> None:
        """Archive a message."""
        self.expire(now_ms)
        record = {
            "id": notification.message_id,
            "message": notification.message,
            "timestamp": notification.timestamp,
            "base_url": notification.base_url,
            "texts": notification.texts,
            "subject": notification.subject,
            "attributes": notification.attributes,
            "group_id": notification.group_id,
            "dedup_id": notification.dedup_id,
            "sequence_number": notification.sequence_number,
            "trace_header": notification.trace_header,
        }
        self.log.append(orjson.dumps(record, default=lambda value: base64.b64encode(value).decode()), now_ms)


def read_back(topic: Topic, entry: Entry) -> Notification:
    """Make the message again that an entry of the archive holds."""
    record: dict[str, Any] = orjson.loads(entry.data)
    attributes: Attributes = record["attributes"]
    for value in attributes.values():
        if "BinaryValue" in value:
            value["BinaryValue"] = base64.b64decode(value["BinaryValue"])
    return Notification(
        topic,
        record["id"],
        record["message"],
        record["timestamp"],
        record["base_url"],
        texts=record["texts"],
        subject=record["subject"],
        attributes=attributes,
        group_id=record["group_id"],
        dedup_id=record["dedup_id"],
        sequence_number=record["sequence_number"],
        trace_header=record["trace_header"],
        replayed=True,
    )


# ArchivePolicy.


def check_archive_policy(text: str, prefix: str = "") -> str:
    """Check an ArchivePolicy; `{}` says that there shall be none. Raises InvalidParameter."""
    document = _object(text, "ArchivePolicy", prefix)
    if not document:
        return ""
    _only(document, {"MessageRetentionPeriod"}, "ArchivePolicy", prefix)
    days = document["MessageRetentionPeriod"]
    number = int(days) if isinstance(days, str) and days.isascii() and days.isdigit() and len(days) < 5 else days
    if type(number) is not int or not 1 <= number <= limits.ARCHIVE_DAYS_MAX:
        raise errors.invalid_parameter(
            f"{prefix}ArchivePolicy: MessageRetentionPeriod must be a number of days from 1 to {limits.ARCHIVE_DAYS_MAX}"
        )
    return orjson.dumps({"MessageRetentionPeriod": str(number)}).decode()


def apply_policy(emulator: Emulator, topic: Topic) -> None:
    """Let a changed ArchivePolicy act: begin an archive, change its retention, or throw it away."""
    text = topic.attributes.get("ArchivePolicy")
    if text is None:
        if topic.archive is not None:
            emulator.tasks.start(f"free the archive of {topic.name}", dispose(topic.archive.log.clear()))
            topic.archive = None
        return
    days = int(orjson.loads(text)["MessageRetentionPeriod"])
    if topic.archive is None:
        topic.archive = Archive(emulator, days)
    else:
        topic.archive.change_retention(days, emulator.clock.now_ms())


# ReplayPolicy.


class Window(NamedTuple):
    """From when to when a ReplayPolicy replays; both ends belong to it."""

    start_ms: int
    end_ms: int | None


def check_replay_policy(topic: Topic, text: str, prefix: str = "") -> str:
    """Check a ReplayPolicy; it is kept as it is. Raises InvalidParameter."""
    if not topic.fifo:
        raise errors.invalid_parameter(f"{prefix}ReplayPolicy: only subscriptions of FIFO topics can have one")
    if topic.archive is None:
        raise errors.invalid_parameter(f"{prefix}ReplayPolicy: the topic has no ArchivePolicy")
    document = _object(text, "ReplayPolicy", prefix)
    _only(document, {"PointType", "StartingPoint", "EndingPoint"}, "ReplayPolicy", prefix)
    if document.get("PointType") != "Timestamp":
        raise errors.invalid_parameter(f"{prefix}ReplayPolicy: PointType must be Timestamp")
    window = _window(document, prefix)
    if window.end_ms is not None and window.end_ms < window.start_ms:
        raise errors.invalid_parameter(f"{prefix}ReplayPolicy: EndingPoint must not be before StartingPoint")
    return text


def _window(document: dict[str, Any], prefix: str = "") -> Window:
    end = document.get("EndingPoint")
    start_ms = _instant(document.get("StartingPoint"), "StartingPoint", prefix)
    return Window(start_ms, None if end is None else _instant(end, "EndingPoint", prefix))


def _instant(value: object, name: str, prefix: str) -> int:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None:
        raise errors.invalid_parameter(f"{prefix}ReplayPolicy: {name} must be a timestamp in ISO 8601")
    return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


class Replay:
    """The replay of one subscription. Status: Pending, In progress, Completed, Failed."""

    def __init__(self, emulator: Emulator, subscription: Subscription, text: str) -> None:
        self._emulator = emulator
        self._subscription = subscription
        self._window = _window(orjson.loads(text))
        self._task: asyncio.Task[None] | None = None
        self._held: deque[tuple[int, Notification]] = deque()
        """Messages that were published meanwhile, and when."""

        self.status = "Pending"

    def hold(self, notification: Notification) -> bool:
        """Take a message that was published just now, and say so, where it must not go out directly: it waits for the replay,
        or is not wanted any more because the ending point has passed.
        """
        end_ms = self._window.end_ms
        now_ms = self._emulator.clock.now_ms()
        if end_ms is not None and now_ms > end_ms:
            return True
        if self.status == "In progress":
            if len(self._held) < limits.HELD_MAX:
                self._held.append((now_ms, notification))
            else:
                self._refuse(notification)
            return True
        return False

    def _refuse(self, notification: Notification) -> None:
        """Dead-letter a message for which there is no room."""
        lane = self._subscription.lane
        message = f"{limits.HELD_MAX} messages wait already for the replay to end"
        envelope = Envelope(notification.message, notification.topic.arn, hops=notification.hops + 1)
        refusal = UndeliverableError("TooManyPendingDeliveries", message)
        self._emulator.router.deliveries.refuse(lane, envelope, notification.message_id, refusal)

    def brings(self, published_ms: int) -> bool:
        """Whether a message of that instant comes by this replay, or is not wanted after it."""
        return published_ms >= self._window.start_ms

    def start(self, take: Take, deliver: Take) -> None:
        """Begin to replay beside the requests; each message of the window goes to `take`, then each that had to wait to `deliver`."""
        archive = self._subscription.topic.archive
        last = 0 if archive is None else archive.log.end_offset  # what comes from here on is held
        self.status = "In progress"
        name = f"replay to {self._subscription.arn}"
        self._task = self._emulator.tasks.start(name, self._run(archive, last, take, deliver))

    async def _run(self, archive: Archive | None, last: int, take: Take, deliver: Take) -> None:
        try:
            if archive is not None:
                await self._replay(archive, last, take)
        except Exception:
            self.status = "Failed"
            self._release(deliver)
            raise
        self.status = "Completed"
        self._release(deliver)

    async def _replay(self, archive: Archive, last: int, take: Take) -> None:
        archive.expire(self._emulator.clock.now_ms())
        log, (start_ms, end_ms) = archive.log, self._window
        cursor = Cursor(log.offset_at(start_ms), None if end_ms is None else end_ms + 1)

        def take_entry(entry: Entry) -> None:
            if entry.offset < last and entry.time_ms >= start_ms:
                take(read_back(self._subscription.topic, entry))

        await replay(log, cursor, take_entry)

    def _release(self, deliver: Take) -> None:
        while self._held:
            deliver(self._held.popleft()[1])

    def stop(self) -> list[tuple[int, Notification]]:
        """End the replay where it is, and hand out what had to wait, with the instants of its publishing."""
        self.status = "Completed"
        if self._task is not None:
            self._task.cancel()
        held = list(self._held)
        self._held.clear()
        return held


# Both.


def _object(text: str, name: str, prefix: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise errors.invalid_parameter(f"{prefix}{name}: failed to parse JSON.")
    return document


def _only(document: dict[str, Any], known: set[str], name: str, prefix: str) -> None:
    for key in document:
        if key not in known:
            raise errors.invalid_parameter(f"{prefix}{name}: invalid JSON. Attribute {key} is unknown.")
