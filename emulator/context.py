"""What an operation sees of the world: who calls, when, on which state, and the doors to everything else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from emulator.http import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from emulator.app import Emulator
    from emulator.http import Request
    from emulator.identify import Scope
    from emulator.service import ServiceState

_TURNS_OF_A_CLOSE = 5

S = TypeVar("S", bound="ServiceState")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Parked:
    """What an operation returns whose answer is not there yet: a long poll. Nobody runs meanwhile; `future` is all that waits."""

    future: asyncio.Future[Any]
    finish: Callable[[Any], dict[str, Any]]
    """Make the answer of what the future gives. Raises AwsError."""
    abandon: Callable[[], None]
    """The client is gone: wait no more, and take back what came for it meanwhile."""


class Context(Generic[S]):
    """One call. `now_ms` is frozen for its whole length; after an await, ask `emulator.clock` again."""

    __slots__ = (
        "_receive",
        "_service",
        "_state",
        "access_key",
        "account",
        "emulator",
        "now_ms",
        "region",
        "request",
        "request_id",
    )

    def __init__(
        self,
        emulator: Emulator,
        service: str,
        scope: Scope,
        region: str,
        request: Request,
        request_id: str,
        receive: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        self.emulator = emulator
        self._service = service
        self.access_key = scope.access_key
        self.account = scope.account
        self.region = region
        self.request = request
        self.request_id = request_id
        self.now_ms = emulator.clock.now_ms()
        self._receive = receive
        self._state: S | None = None

    @property
    def base_url(self) -> str:
        """The URL by which the caller reached us, up to the path."""
        return self.request.base_url

    @property
    def state(self) -> S:
        """The service's state in the caller's account and region."""
        if self._state is None:
            self._state = self.state_of(self.account, self.region)
        return self._state

    def state_of(self, account: str, region: str) -> S:
        """Reach the same service's state in another account or region, made when it is not there."""
        return cast("S", self.emulator.state(self._service, account, region))

    def find_state(self, account: str, region: str) -> S | None:
        """Look for the same service's state in any account and region; looking makes none."""
        return self.emulator.storage.get(self._service, account, region)  # type: ignore[return-value]  # each call of SQS comes by

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Wait for `future`, but no longer than the client does. Raises ClientGoneError when its connection closes first."""
        if self._receive is None:
            return await future
        watcher = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((watcher, future), return_when=asyncio.FIRST_COMPLETED)
            # A close that the event loop saw in the same turn as the result takes some turns to become known.
            for _ in range(_TURNS_OF_A_CLOSE):
                await asyncio.sleep(0)
                if watcher.done():
                    raise ClientGoneError
            return future.result()
        finally:
            watcher.cancel()

    async def _gone(self) -> None:
        receive = self._receive
        while receive is not None and (await receive())["type"] != "http.disconnect":
            pass
