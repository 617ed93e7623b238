"""`send`: bring an event to an ARN, once. Retries and dead letters are delivery.py's; HTTP is http.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.arns import parse_arn
from emulator.router.delivery import Deliveries, UndeliverableError
from emulator.router.http import HttpSender

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator

HOPS_MAX = 16


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event on its way. `attributes` are message attributes in SQS's shape: `{name: {DataType, StringValue |
    BinaryValue}}`.
    """

    body: str
    source_arn: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    group_id: str | None = None
    dedup_id: str | None = None
    trace_header: str | None = None
    subject: str | None = None
    original: str | None = None
    """What a dead letter holds, where that is not the body."""

    hops: int = 0
    """How many services it has come through; what goes round in a circle ends at HOPS_MAX."""


class Router:
    """The roads of one Emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.http = HttpSender(emulator.clock)
        self.deliveries = Deliveries(emulator.clock, emulator.tasks, self.send)

    def send(self, arn: str, envelope: Envelope) -> None:
        """Deliver an event through the target service's own door, the same that its public operation uses.

        Raises UndeliverableError when there is no such service or target, when the target refuses, or at the last hop.
        """
        if envelope.hops > HOPS_MAX:
            raise UndeliverableError(
                "TooManyHops", f"The event has come through {HOPS_MAX} services: it goes in a circle"
            )
        target = parse_arn(arn)
        if target is None:
            raise UndeliverableError("InvalidArn", f"{arn!r} is not an ARN")
        service = self._emulator.services.get(target.service)
        if service is None:
            message = f"Eventyard does not emulate {target.service}, so nothing can be delivered to {arn}"
            raise UndeliverableError("ServiceNotEmulated", message, permanent=False)
        if service.deliver is None:
            raise UndeliverableError("UnsupportedTarget", f"Nothing can be delivered to service {target.service}")
        service.deliver(self._emulator, target, envelope)

    async def close(self) -> None:
        """Let go of open connections."""
        await self.http.close()
