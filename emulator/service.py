"""What a service is: a description that is made once and never changes. All that changes lives in its states
(`ServiceState`).

A service's package builds one `Service`; its operations are the functions that `@operation` marks, in the modules that
the service lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emulator.wire.aws_json import AwsJson
from emulator.wire.constraints import Constraints
from emulator.wire.model import Model
from emulator.wire.query import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from socket import socket
    from types import ModuleType

    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.context import Context, Parked
    from emulator.http import Request, Response
    from emulator.router.router import Envelope
    from emulator.settings import Address, Settings

    Answer = dict[str, Any] | None
    Run = Callable[[Any, Any], Answer | Awaitable[Answer] | Parked]

F = TypeVar("F", bound="Callable[..., Any]")
_MARK = "__aws_operation__"


def operation(name: str) -> Callable[[F], F]:
    """Mark a function as the operation `name`, by AWS's name. Its shape is `(ctx, request) -> answer`, plain or async, or Parked."""

    def mark(function: F) -> F:
        setattr(function, _MARK, name)
        return function

    return mark


class StartError(Exception):
    """The server cannot start: a setting names what is not there or cannot be used. The text is one line and says what to do."""


class Listener(Protocol):
    """What takes connections on a service's own ports."""

    async def close(self) -> None:
        """Take no more, and end those that are there."""


class ServiceState:
    """The state of one service in one account and region. Subclasses hold it; these doors let the engine end what it started."""

    def drain(self) -> None:
        """Answer everything that waits; the server is about to stop."""

    def close(self) -> None:
        """Answer everything that waits and set no more timers; the state is being thrown away."""
        self.drain()

    def stop(self) -> None:
        """Let go of files; the server ends, and what outlives it stays."""


@dataclass(frozen=True)
class Service:
    """One AWS service. `name` is its folder in botocore, which is also its signing name and what SERVICES calls it."""

    name: str
    modules: tuple[ModuleType, ...]
    """The modules whose functions may be operations."""

    new_state: Callable[[Emulator, str, str], ServiceState]
    """Make the empty state of an account and a region."""

    namespace: str = ""
    """The Smithy namespace of the errors that the model lists, for `__type` in JSON."""

    xml_namespace: str | None = None
    """The namespace of XML answers, where the description has lost it."""

    error_detail: bool = False
    """Whether XML errors have an empty `Detail` element; Amazon SQS's do."""

    protocols: tuple[str, ...] = ("json",)
    """json, query: what clients may speak over HTTP; none for a service that only listens on ports of its own."""

    constrained: bool = False
    """Whether AWS's front end holds requests against the constraints of the description (lengths, patterns, ...) before the
    service sees them; the services that came from the query protocol have words of their own instead."""

    hosts: tuple[str, ...] = ()
    """First labels of host names that mean this service."""

    amend: Callable[[dict[str, Any]], None] | None = None
    """Put back into the description what the query protocol needs and it has lost."""

    path_parameters: Callable[[str], dict[str, str] | None] | None = None
    """What the path of a query request says, or None for a path that means nothing."""

    root_only: frozenset[str] = frozenset()
    """Operations that are not valid on a resource's own path."""

    routes: Mapping[str, Callable[[Context[Any], Request], Response]] = field(default_factory=dict)
    """Developer look-ups by path prefix under `/_aws/`: what AWS does not have."""

    deliver: Callable[[Emulator, Arn, Envelope], None] | None = None
    """Take an event that the router brings to one of this service's ARNs."""

    addresses: Callable[[Settings], Sequence[Address]] | None = None
    """Where it listens beside HTTP."""

    listen: Callable[[Emulator, list[socket]], Awaitable[Listener]] | None = None
    """Take connections on those addresses. Raises StartError."""

    greeting: Callable[[Emulator], str] | None = None
    """A line for the banner: what to give to clients that come to those addresses."""

    status: Callable[[Emulator], dict[str, Any]] | None = None
    """What `GET /_eventyard/<name>` shows."""

    explain: Callable[[Emulator, Mapping[str, Any]], list[dict[str, Any]] | None] | None = None
    """Tell what an event would do here and why: `{"event": {...}, "bus" or "subscription" or "topic": ...}`, with `account` and
    `region` where a name needs them. Answers None to a question that is not for this service; raises AwsError."""

    def runs(self, settings: Settings) -> bool:
        """Tell whether the settings want this service: by name, and with ports where it needs some of its own."""
        wanted = settings.services is None or self.name in settings.services
        return wanted and (self.addresses is None or bool(self.addresses(settings)))

    @cached_property
    def model(self) -> Model:
        """AWS's description."""
        return Model(self.name)

    @cached_property
    def operations(self) -> Mapping[str, Run]:
        """The operations that work, by AWS's name. Refuses a name that AWS's description does not have, and a name given twice."""
        found: dict[str, Run] = {}
        for module in self.modules:
            for value in vars(module).values():
                name = getattr(value, _MARK, None)
                if name is None or value.__module__ != module.__name__:
                    continue
                if name not in self.model.operations:
                    raise ValueError(f"{value.__module__}: AWS's model of {self.name} has no operation {name}")
                if name in found:
                    raise ValueError(f"{value.__module__}: operation {name} of {self.name} stands twice")
                found[name] = value
        return found

    @cached_property
    def json(self) -> AwsJson:
        """The JSON protocol, compiled."""
        return AwsJson(self.model, self.namespace)

    @cached_property
    def query(self) -> Query:
        """The query protocol, compiled."""
        model = self.model if self.amend is None else Model(self.name, self.amend)
        return Query(model, self.xml_namespace, error_detail=self.error_detail)

    @cached_property
    def constraints(self) -> Constraints:
        """What the description demands of requests, compiled."""
        return Constraints(self.model)

    def compile(self) -> None:
        """Find the operations, so that a wrong name ends the start. What they take and give is compiled at the first call of each."""
        _ = self.operations
