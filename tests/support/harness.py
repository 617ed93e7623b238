"""An Emulator in this process with a clock that stands still, and boto3 clients whose requests go as bytes into its fast lane.

The emulator runs on an event loop in a thread of its own, as in the server; boto3 signs, serialises and parses as always, only the
socket is left out. `Harness.advance` moves the time. When a test has passed, all that it did is done again with a twin behind the other
door, and the answers are compared: see twin.py.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import ManualClock
from emulator.fastlane import FastLane
from emulator.protocol import JoinedProtocol
from emulator.settings import Settings
from tests.support.doors import Exchange, rest, write_request
from tests.support.twin import Journal, Player, Recorder, Side, replay

T = TypeVar("T")
ENDPOINT = "http://localhost:4566"
DEFAULT_ACCOUNT = "000000000000"
TARGET_SAFE = "%!$&'()*+,-./:;=?@_~[]"
"""What a request's target has as it is."""
TURNS_OF_AN_ANSWER = 64
"""For so many turns of the loop what a request has started may run before the test goes on."""


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="emulator", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for it."""
        return self.start(work).result(timeout=60)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Answer:
    """A raw HTTP answer."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = {name.decode().lower(): value.decode() for name, value in headers}
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


class Connection:
    """One client's side of one request: it can go away before the answer."""

    def __init__(self, harness: Harness, raw: bytes, method: str) -> None:
        self._harness = harness
        self._exchange: Exchange | None = None
        self._raw, self._method = raw, method
        self.answer: Future[Answer] = Future()

    async def serve(self) -> Answer:
        """Send the request and wait for the answer, and until what it has started is done. On the loop."""
        exchange = self._exchange = self._harness.send(self._raw, self._method)
        await exchange.ended
        await rest(TURNS_OF_AN_ANSWER)
        return Answer(exchange.status, exchange.headers, exchange.body)

    def go(self) -> None:
        """Close the connection. On the loop: a function that is run there does it in its own turn."""
        if self._exchange is not None:
            self._harness.lose(self._exchange.place)

    def hang_up(self) -> None:
        """Close the connection as a client that is killed does."""
        self._harness.run(lambda _: self.go())


class Harness:
    """One Emulator for one test."""

    def __init__(self, loop: Loop, clients: Clients, settings: Settings | None = None, seed: int = 1) -> None:
        self._loop = loop
        self._clients = clients
        self._settings, self._seed = settings, seed
        self._side = Side(FastLane, settings, clients.certificate, seed)
        self._is_replaying = False
        self._journal = Journal(self.clock)
        self.emulator.router.http = Recorder(self.clock, self._journal)
        self.is_twinned = True
        clients.harness = self
        clients.running.append(self)

    @property
    def emulator(self) -> Emulator:
        return self._side.emulator

    @property
    def clock(self) -> ManualClock:
        return self._side.clock

    def close(self) -> None:
        """End the emulator; a failed background task fails the test."""
        self._clients.running.remove(self)
        self._loop.run(self._side.stop())
        assert self.emulator.tasks.failed == 0, "a background task of the emulator failed; its log says why"

    # The twin.

    def untwinned(self, why: str) -> None:
        """Let nothing be done again behind the other door: this test does what cannot be done twice. It is counted and shown."""
        self.is_twinned = False
        self._clients.untwinned.append(why)

    def compare_doors(self) -> int:
        """Do all again with a twin behind the other door, and compare the answers; how many they were. Raises DoorsDifferError."""
        compared = len(self._journal.exchanges)
        if not compared:
            return 0
        first, self._is_replaying = self._side, True
        self._side = Side(JoinedProtocol, self._settings, self._clients.certificate, self._seed, Player)
        try:
            self._loop.run(replay(self._journal, self._side))
        finally:
            self._loop.run(self._side.stop())
            self._side, self._is_replaying = first, False
        return compared

    # Time.

    def advance(self, seconds: float) -> None:
        """Move the clock on; all that falls due on the way happens at its own instant."""

        async def work() -> None:
            self._journal.time_passes = True
            await self.clock.advance(round(seconds * 1000))
            await rest(TURNS_OF_AN_ANSWER)
            self._journal.note()
            self._journal.time_passes = False

        self._loop.run(work())

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    # Calls.

    def client(self, service: str = "sqs", **options: Any) -> Any:
        """Get a boto3 client; `account` and `region` choose whose."""
        return self._clients.get(service, **options)

    def request(
        self,
        method: str = "POST",
        path: str = "/",
        *,
        body: bytes = b"",
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a raw HTTP request."""
        return self.open(method, path, body=body, query=query, headers=headers).answer.result(timeout=60)

    def open(
        self,
        method: str = "POST",
        path: str = "/",
        *,
        body: bytes = b"",
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Connection:
        """Send a raw HTTP request and do not wait for the answer."""
        pairs = dict(headers or {})
        if not any(name.lower() == "host" for name in pairs):
            pairs = {"Host": "localhost:4566", **pairs}
        target = f"{path}?{query}" if query else path
        connection = Connection(self, write_request(method, quote(target, safe=TARGET_SAFE), pairs, body), method)
        if not self._is_replaying:
            connection.answer = self._loop.start(connection.serve())
        return connection

    def send(self, raw: bytes, method: str) -> Exchange:
        """Send a request. On the loop."""
        exchange = self._side.send(raw, method)
        self._journal.note(exchange=exchange)
        return exchange

    def lose(self, place: int) -> None:
        """Close a connection. On the loop."""
        self._side.wires[place].close()

    def background(self, call: Callable[..., T], **arguments: Any) -> Future[T]:
        """Make a call that parks (a long poll) in a thread, and return once the emulator has parked it.

        A call that is answered at once is a finished future.
        """
        future: Future[T] = Future()
        parked = self.parked

        def work() -> None:
            try:
                future.set_result(call(**arguments))
            except BaseException as error:  # noqa: BLE001 - handed to the test
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        until(lambda: self.parked > parked or future.done())
        return future

    def settle_deliveries(self, hanging: int = 0) -> None:
        """Wait until the answers to HTTP deliveries have come and have been seen to, all but those of `hanging` requests."""
        until(lambda: self._look(lambda emulator: emulator.router.deliveries.in_flight) <= hanging)

    @property
    def parked(self) -> int:
        """How many long polls are parked."""

        def count(emulator: Emulator) -> int:
            return sum(
                len(queue.waiters) for state in emulator.storage.states("sqs") for queue in state.queues.values()
            )

        return self._look(count)

    def run(self, work: Callable[[Emulator], T]) -> T:
        """Run a function on the emulator's own loop, and afterwards, for its effects, on that of the twin."""

        async def on_loop() -> T:
            try:
                result = work(self.emulator)
            except Exception as error:
                kind = type(error)
                self._journal.note(lambda side: refused(work, side.emulator, kind))
                raise
            self._journal.note(lambda side: work(side.emulator))
            await rest(TURNS_OF_AN_ANSWER)
            return result

        return self._loop.run(on_loop())

    def _look(self, work: Callable[[Emulator], T]) -> T:
        """Run a function that changes nothing."""

        async def on_loop() -> T:
            result = work(self.emulator)
            await rest(TURNS_OF_AN_ANSWER)
            return result

        return self._loop.run(on_loop())


class Clients:
    """boto3 clients, kept over all tests (making one costs more than most tests), that talk to the harness of the moment."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._session = boto3.Session()
        self._made: dict[Any, Any] = {}
        self.harness: Harness | None = None
        self.running: list[Harness] = []
        """Those of the present test."""
        self.untwinned: list[str] = []
        """Why tests were not done again behind the other door."""
        self.compared = self.twinned = 0
        """How many answers were compared, of how many emulators."""
        self.certificate = Certificate("eventyard", ManualClock().now_ms())
        """One key for all emulators: making one takes longer than most tests."""

    def compare_doors(self) -> None:
        """Do what the present test did again behind the other door, and compare the answers. Raises DoorsDifferError."""
        for one in self.running:
            if one.is_twinned and (compared := one.compare_doors()):
                self.compared += compared
                self.twinned += 1

    def get(
        self,
        service: str,
        *,
        account: str = "test",
        region: str = "us-east-1",
        endpoint: str = ENDPOINT,
        **options: Any,
    ) -> Any:
        key = (service, account, region, endpoint, tuple(sorted(options.items())))
        if key not in self._made:
            client = self._session.client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=account,
                aws_secret_access_key="secret",
                config=Config(retries={"total_max_attempts": 1}),
                **options,
            )
            client.meta.events.register_first("before-send.*.*", self.send)
            self._made[key] = client
        return self._made[key]

    def resource(self, service: str, *, account: str = "test", region: str = "us-east-1") -> Any:
        resource = self._session.resource(
            service,
            region_name=region,
            endpoint_url=ENDPOINT,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
        )
        resource.meta.client.meta.events.register_first("before-send.*.*", self.send)
        return resource

    def send(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a prepared request of botocore in place of the socket."""
        assert self.harness is not None
        url = urlsplit(request.url)
        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
        }
        headers.setdefault("host", url.netloc)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        answer = self.harness.request(request.method, url.path or "/", body=body, query=url.query, headers=headers)
        return AWSResponse(request.url, answer.status, answer.headers, Raw(answer.body))


class Raw:
    """The body of an answer, as botocore reads it from urllib3."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def refused(work: Callable[[Emulator], object], emulator: Emulator, error: type[Exception]) -> None:
    """Run a function that fails."""
    try:
        work(emulator)
    except error:
        return
    raise AssertionError(f"what was {error.__name__} with the first emulator is nothing with its twin")


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait until a condition of another thread holds: for hand-overs between threads only, never for the emulator's time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing happened within {timeout_s} s")
        time.sleep(0.001)


@contextmanager
def harness(loop: Loop, clients: Clients, **settings: Any) -> Iterator[Harness]:
    """Run an emulator for a while."""
    one = Harness(loop, clients, Settings(**settings))
    try:
        yield one
    finally:
        one.close()
