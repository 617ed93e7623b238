"""Where state lives. `memory.py` is the default and the only one so far; another one offers the same calls (`Storage`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.service import ServiceState


class Storage(Protocol):
    """All states of all services, by service name, account and region."""

    def get(self, service: str, account: str, region: str) -> ServiceState | None:
        """Find a state."""

    def put(self, service: str, account: str, region: str, state: ServiceState) -> None:
        """Keep a new state."""

    def states(self, service: str | None = None) -> Iterator[ServiceState]:
        """Go through all states, or through those of one service."""

    def clear(self, service: str | None = None) -> list[ServiceState]:
        """Forget all states, or those of one service, and hand them out to be closed."""

    def close(self) -> None:
        """Let go of files and connections."""
