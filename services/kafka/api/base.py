"""What an API is: one function, marked with its key, its name and its versions. `services/kafka/api/__init__.py` lists them all."""

from __future__ import annotations

from asyncio import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from services.kafka.acls import Operation, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.kafka.sasl import Login
    from services.kafka.state import Cluster

Request = dict[str, Any]
"""A decoded request: every field of Kafka's description, those that the version lacks with their default."""
Response = dict[str, Any]
"""Fields that are missing take the description's default, fields that the version lacks are left out."""
Answer = Response | Future[Response] | None
"""A Future parks the connection until it is done (long polls, joins); None means that nothing is sent (acks=0)."""

_MARK = "__kafka_api__"


@dataclass(frozen=True, slots=True)
class Api:
    """One API key as this broker speaks it."""

    key: int
    name: str
    """As Kafka's descriptions name it: `messages/<name>Request.json`."""
    versions: tuple[int, int]
    """The lowest and the highest version that work, both inclusive; just these are advertised."""
    run: Callable[[Call, Request], Answer]
    before_login: bool = False
    """Whether a client that has to log in may call it before it has."""
    raw: Callable[[Call, memoryview, int], Any] | None = None
    """For the hot APIs: takes the undecoded body and its position, answers the encoded one (buffers) instead."""


class Peer(Protocol):
    """What APIs see of the connection that a request came in on."""

    node_id: int
    """The broker that the client dialled."""
    host: str
    """The client's address."""
    principal: str
    """`User:name`; `User:ANONYMOUS` where nobody logs in."""
    listener: str
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    login: Login | None
    """How far the client's login is; None where nobody logs in."""

    def advertised(self, node_id: int) -> tuple[str, int]:
        """Host and port at which this client reaches a broker."""

    def end(self) -> None:
        """Close the connection now."""

    def close_after_answer(self) -> None:
        """Close the connection once the answer to this request is sent."""


@dataclass(slots=True)
class Call:
    """What an API sees of one request, beside the request itself."""

    cluster: Cluster
    peer: Peer
    version: int
    client_id: str | None
    now_ms: int
    apis: Mapping[int, Api]
    """Everything that is spoken here, by key."""

    def allowed(self, operation: Operation, resource: Resource, name: str) -> bool:
        """Tell whether the caller may do this; always, unless an authorizer is switched on."""
        acls = self.cluster.acls
        return not acls.enabled or acls.allows(self.peer.principal, self.peer.host, operation, resource, name)

    def allowed_on_any(self, operation: Operation, resource: Resource) -> bool:
        """Tell whether there is a resource of this kind to which the caller may do this."""
        acls = self.cluster.acls
        return not acls.enabled or acls.allows_any(self.peer.principal, self.peer.host, operation, resource)

    def allowed_on_cluster(self, operation: Operation) -> bool:
        """Tell whether the caller may do this to the cluster as a whole."""
        return self.allowed(operation, Resource.CLUSTER, "kafka-cluster")


def api(
    key: int,
    name: str,
    *,
    versions: tuple[int, int],
    before_login: bool = False,
    raw: Callable[[Call, memoryview, int], Any] | None = None,
) -> Callable[[Callable[[Call, Request], Answer]], Callable[[Call, Request], Answer]]:
    """Mark a function as the API `key`, by Kafka's name."""

    def mark(function: Callable[[Call, Request], Answer]) -> Callable[[Call, Request], Answer]:
        setattr(function, _MARK, Api(key, name, versions, function, before_login, raw))
        return function

    return mark


def api_of(function: Callable[[Call, Request], Answer]) -> Api:
    """Tell what `@api` said of a function."""
    found: Api = getattr(function, _MARK)
    return found
