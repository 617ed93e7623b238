"""State in memory: gone when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.service import ServiceState


class MemoryStorage:
    """One dict."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, str], ServiceState] = {}

    def get(self, service: str, account: str, region: str) -> ServiceState | None:
        """Find a state."""
        return self._states.get((service, account, region))

    def put(self, service: str, account: str, region: str, state: ServiceState) -> None:
        """Keep a new state."""
        self._states[service, account, region] = state

    def states(self, service: str | None = None) -> Iterator[ServiceState]:
        """Go through all states, or through those of one service."""
        return (state for (name, _, _), state in list(self._states.items()) if service in (None, name))

    def clear(self, service: str | None = None) -> list[ServiceState]:
        """Forget all states, or those of one service, and hand them out to be closed."""
        keys = [key for key in self._states if service in (None, key[0])]
        return [self._states.pop(key) for key in keys]

    def close(self) -> None:
        """Nothing to let go of."""
