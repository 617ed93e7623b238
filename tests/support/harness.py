"""An Emulator in this process with a clock that stands still, and boto3 clients whose requests go to its ASGI callable.

The emulator runs on an event loop in a thread of its own, as in the server; boto3 signs, serialises and parses as always, only the
socket is left out. `Harness.advance` moves the time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from emulator.app import Emulator
from emulator.certificate import Certificate
from emulator.clock import ManualClock, settle
from emulator.ids import Ids
from emulator.settings import Settings
from services import ALL

T = TypeVar("T")
ENDPOINT = "http://localhost:4566"
DEFAULT_ACCOUNT = "000000000000"


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

    def __init__(self, emulator: Emulator, loop: Loop, scope: dict[str, Any], body: bytes) -> None:
        self._emulator, self._scope, self._body = emulator, scope, body
        self._gone = asyncio.Event()
        self._sent_body = False
        self._status, self._headers, self._parts = 0, [], []
        self._loop = loop
        self.answer: Future[Answer] = loop.start(self._serve())

    async def _serve(self) -> Answer:
        await self._emulator(self._scope, self._receive, self._send)
        return Answer(self._status, self._headers, b"".join(self._parts))

    async def _receive(self) -> dict[str, Any]:
        if not self._sent_body:
            self._sent_body = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._parts.append(message["body"])

    def hang_up(self) -> None:
        """Close the connection as a client that is killed does."""

        async def close() -> None:
            self._gone.set()
            await settle()

        self._loop.run(close())


class Harness:
    """One Emulator for one test."""

    def __init__(self, loop: Loop, clients: Clients, settings: Settings | None = None, seed: int = 1) -> None:
        self._loop = loop
        self._clients = clients
        self.clock = ManualClock()
        self.emulator = Emulator(ALL, settings, clock=self.clock, ids=Ids(seed), certificate=clients.certificate)
        self.emulator.start()
        clients.harness = self

    def close(self) -> None:
        """End the emulator; a failed background task fails the test."""
        self._loop.run(self.emulator.stop())
        assert self.emulator.tasks.failed == 0, "a background task of the emulator failed; its log says why"

    # Time.

    def advance(self, seconds: float) -> None:
        """Move the clock on; all that falls due on the way happens at its own instant."""
        self._loop.run(self.clock.advance(round(seconds * 1000)))

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
        pairs = {"host": "localhost:4566", **{name.lower(): value for name, value in (headers or {}).items()}}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()],
            "scheme": "http",
        }
        return Connection(self.emulator, self._loop, scope, body)

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
        until(lambda: self.run(lambda emulator: emulator.router.deliveries.in_flight) <= hanging)

    @property
    def parked(self) -> int:
        """How many long polls are parked."""

        async def count() -> int:
            return sum(
                len(queue.waiters) for state in self.emulator.storage.states("sqs") for queue in state.queues.values()
            )

        return self._loop.run(count())

    def run(self, work: Callable[[Emulator], T]) -> T:
        """Run a function on the emulator's own loop."""

        async def on_loop() -> T:
            result = work(self.emulator)
            await settle()
            return result

        return self._loop.run(on_loop())


class Clients:
    """boto3 clients, kept over all tests (making one costs more than most tests), that talk to the harness of the moment."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._session = boto3.Session()
        self._made: dict[Any, Any] = {}
        self.harness: Harness | None = None
        self.certificate = Certificate("eventyard", ManualClock().now_ms())
        """One key for all emulators: making one takes longer than most tests."""

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
