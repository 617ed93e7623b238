"""State in memory: gone when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.service import ServiceState


class MemoryStorage:
    """One dict."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, str], ServiceState] = {}

    def state(self, service: str, account: str, region: str, make: Callable[[], ServiceState]) -> ServiceState:
        """Get a state, made when first asked for."""
        key = (service, account, region)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = make()
        return state

    def states(self, service: str | None = None) -> Iterator[ServiceState]:
        """Go through all states, or through those of one service."""
        return (state for (name, _, _), state in list(self._states.items()) if service in (None, name))

    def clear(self, service: str | None = None) -> list[ServiceState]:
        """Forget all states, or those of one service, and hand them out to be closed."""
        keys = [key for key in self._states if service in (None, key[0])]
        return [self._states.pop(key) for key in keys]

    def close(self) -> None:
        """Nothing to let go of."""
