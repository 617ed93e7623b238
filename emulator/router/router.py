"""`send`: bring an event to an ARN. Retries and dead letters are delivery.py's, which comes with Amazon SNS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.arns import parse_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator


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


class UndeliverableError(Exception):
    """An event could not be delivered. `code` is AWS's word for dead-letter attributes; `permanent` says that a retry
    cannot help.
    """

    def __init__(self, code: str, message: str, *, permanent: bool = True) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.permanent = permanent


class Router:
    """The roads of one Emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def send(self, arn: str, envelope: Envelope) -> None:
        """Deliver an event through the target service's own door, the same that its public operation uses.

        Raises UndeliverableError when there is no such service or target, or the target refuses.
        """
        target = parse_arn(arn)
        if target is None:
            raise UndeliverableError("InvalidArn", f"{arn!r} is not an ARN")
        service = self._emulator.services.get(target.service)
        if service is None or service.deliver is None:
            raise UndeliverableError("UnsupportedTarget", f"Eventyard delivers nothing to service {target.service!r}")
        service.deliver(self._emulator, target, envelope)
