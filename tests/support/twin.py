"""One implementation, two doors: what a test does with its emulator is done again with a twin, behind the other door.

The requests of a test go as bytes into the fast lane. A journal keeps what the emulator met, in order and with the instant of its clock:
requests, clients that went away, functions that were run on it, answers of HTTP servers that it called. When the test has passed, the
journal is played to a second emulator of the same settings and the same seed, on uvicorn's ordinary way through ASGI, and all that the
two have written is compared to the byte, ids included. Servers that the first has called are not called again.

The twin comes when the test is over, so the test's own patches still hold, its time costs the test nothing, and no gate, counter or log
that the test looks at sees anything twice. What a test does with its emulator past the journal (by hand, not through `Harness.run`) the
twin does not do; a test that needs that, or that holds several tasks in one turn of the loop, says so: `@pytest.mark.one_door("why")`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import ManualClock, settle
from emulator.ids import Ids
from emulator.protocol import JoinedProtocol
from emulator.router.http import HttpAnswer, HttpSender
from emulator.settings import Settings
from services import ALL
from tests.support.doors import Exchange, Wire, configure, rest, server_state

TURNS_MAX = 2000
"""An emulator that is not at rest after so many turns of the loop waits for something that no turn brings."""
PATIENCE_S = 5
"""How long an answer is waited for that the other door has given."""
SHOWN_CHARACTERS = 2000


class DoorsDifferError(AssertionError):
    """The two doors did not answer alike."""


Key = tuple[str, str, tuple[tuple[str, str], ...], bytes, int]
"""Of a request to a server: method, URL, headers, body, and how many such there were before."""


class Outcome(NamedTuple):
    """What came of a request to a server: an answer or an error."""

    key: Key
    answer: HttpAnswer | None
    error: Exception | None


class Event(NamedTuple):
    """Something that an emulator met: a request, or what is done again by calling `play`."""

    at_ms: int
    after_timers: bool
    """Whether the timers of its instant came before it."""
    together: bool
    """Whether it came in the same turn of the loop as the one before."""
    play: Callable[[Side], object] | None
    exchange: Exchange | None


@dataclass(slots=True)
class Journal:
    """What the first emulator met."""

    clock: ManualClock
    events: list[Event] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    time_passes: bool = False
    """Whether the clock is being moved."""
    _turn_has_events: bool = False

    def note(self, play: Callable[[Side], object] | None = None, exchange: Exchange | None = None) -> None:
        """Keep a request, or what is done again by calling `play`, or that time has passed."""
        after_timers = self.time_passes or (play is None and exchange is None)
        self.events.append(Event(self.clock.now_ms(), after_timers, self._turn_has_events, play, exchange))
        if exchange is not None:
            self.exchanges.append(exchange)
        if not self._turn_has_events:
            self._turn_has_events = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_has_events = False


class Side:
    """An emulator and its connections, all behind the same door. It is made on the event loop, or before anything runs there."""

    def __init__(
        self,
        protocol: type[JoinedProtocol],
        settings: Settings | None,
        certificate: Certificate,
        seed: int,
        http: Callable[[ManualClock], HttpSender] | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(ALL, settings, clock=self.clock, ids=Ids(seed), certificate=certificate)
        if http is not None:
            self.emulator.router.http = http(self.clock)
        self.emulator.start()
        self.wires: list[Wire] = []
        self._protocol = protocol
        self._config = configure(self.emulator, protocol)
        self._state = server_state()

    def send(self, raw: bytes, method: str = "POST", place: int | None = None) -> Exchange:
        """Send a request on the connection at a place, or on one that is idle, or on a new one."""
        if place is None:
            place = next((number for number, wire in enumerate(self.wires) if wire.is_idle), len(self.wires))
        if place == len(self.wires):
            wire = Wire()
            self.wires.append(wire)
            wire.connect(self._protocol(self._config, self._state, {}))
        exchange = Exchange(raw, method, place)
        self.wires[place].send(exchange)
        return exchange

    async def stop(self) -> None:
        """End it all."""
        for wire in self.wires:
            wire.close()
        await settle()
        await self.emulator.stop()


class Caller(HttpSender):
    """Tells requests to servers apart."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self._counts: Counter[Any] = Counter()

    def _key(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Key:
        one = method, url, tuple(headers.items()), body
        self._counts[one] += 1
        return *one, self._counts[one]


class Recorder(Caller):
    """Calls servers, and keeps in the journal what came of it."""

    def __init__(self, clock: ManualClock, journal: Journal) -> None:
        super().__init__(clock)
        self._journal = journal

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_ms: int,
        *,
        subscriber: str = "",
    ) -> HttpAnswer:
        key = self._key(method, url, headers, body)
        try:
            answer = await super().request(method, url, headers, body, timeout_ms, subscriber=subscriber)
        except Exception as error:
            self._note(Outcome(key, None, error))
            raise
        self._note(Outcome(key, answer, None))
        return answer

    def _note(self, outcome: Outcome) -> None:
        self._journal.note(lambda side: _tell(side, outcome))


class Player(Caller):
    """Calls nobody: its requests end as those of the first emulator did, when the journal comes to that."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self._waiting: dict[Key, asyncio.Future[HttpAnswer]] = {}

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *_: Any, **__: Any
    ) -> HttpAnswer:
        key = self._key(method, url, headers, body)
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            return await answer
        finally:
            del self._waiting[key]

    def tell(self, outcome: Outcome) -> None:
        """End a request."""
        answer = self._waiting.get(outcome.key)
        if answer is None:
            raise DoorsDifferError(
                f"it did not call a server: {_call(outcome.key)}; but: {[*map(_call, self._waiting)]}"
            )
        if outcome.answer is not None:
            answer.set_result(outcome.answer)
        elif outcome.error is not None:
            answer.set_exception(outcome.error)


def _call(key: Key) -> str:
    method, url, _, body, _ = key
    return f"{method} {url} {body[:200]!r}"


def _tell(side: Side, outcome: Outcome) -> None:
    assert isinstance(side.emulator.router.http, Player)
    side.emulator.router.http.tell(outcome)


async def replay(journal: Journal, side: Side) -> None:
    """Let the other side meet what the journal holds, and compare. Raises DoorsDifferError at the first difference."""
    played: list[Exchange] = []
    try:
        for event in list(journal.events):
            await _play(event, side, played)
        await rest(TURNS_MAX)
    except Exception as error:
        compare(journal.exchanges[: len(played)], played)  # what went before may be the reason
        raise DoorsDifferError(f"what the first emulator met could not be done with its twin: {error}") from error
    await _wait(journal.exchanges, played)
    compare(journal.exchanges, played)


async def _play(event: Event, side: Side, played: list[Exchange]) -> None:
    if not event.together:
        await rest(TURNS_MAX)
    ahead_ms = max(0, event.at_ms - side.clock.now_ms())
    if ahead_ms or event.after_timers:
        await side.clock.advance(ahead_ms)
        await rest(TURNS_MAX)
    if event.play is not None:
        event.play(side)
    if event.exchange is not None:
        played.append(side.send(event.exchange.raw, event.exchange.method, event.exchange.place))


async def _wait(first: list[Exchange], second: list[Exchange]) -> None:
    """Let answers come that take a thread's work."""
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while any(one.ended.done() != other.ended.done() for one, other in zip(first, second, strict=True)):
        if asyncio.get_running_loop().time() > deadline_s:
            return
        await asyncio.sleep(0.001)


def compare(first: list[Exchange], second: list[Exchange]) -> None:
    """Hold the answers of one door against those of the other. Raises DoorsDifferError at the first difference."""
    for number, (one, other) in enumerate(zip(first, second, strict=True), 1):
        if (one.written, one.is_last) != (other.written, other.is_last):
            raise DoorsDifferError(
                f"the doors differ at request {number} of {len(first)}, on connection {one.place + 1}:\n"
                f"{_shown(one.raw)}\n\n--- fast lane{_ending(one)}:\n{_shown(one.written)}"
                f"\n\n--- ordinary way{_ending(other)}:\n{_shown(other.written)}"
            )


def _ending(exchange: Exchange) -> str:
    return ", connection closed" if exchange.is_last else ""


def _shown(data: bytes | bytearray) -> str:
    text = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n") or "(nothing)"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}... ({len(data)} bytes)"
