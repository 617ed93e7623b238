"""One POST over HTTP, against real servers on this machine: what is sent, what counts as an answer, how long one is waited for."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.certificate import Certificate
from emulator.clock import ManualClock, settle
from emulator.router.delivery import UndeliverableError
from emulator.router.http import ANSWER_MAX_BYTES, HttpSender
from tests.support.harness import until
from tests.support.http_target import HANG, Answer, HttpTarget, Raw

TIMEOUT_MS = 15_000
HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-id": "1"}


class Sender:
    """A sender with a clock that stands still, on a running event loop."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.http = HttpSender(self.clock)

    async def post(self, url: str, body: bytes = b"hello", headers: dict[str, str] = HEADERS) -> int:
        return await self.http.post(url, headers, body, TIMEOUT_MS)

    def start(self, url: str) -> asyncio.Task[int]:
        return asyncio.get_running_loop().create_task(self.post(url))

    async def fail(self, url: str) -> UndeliverableError:
        with pytest.raises(UndeliverableError) as caught:
            await self.post(url)
        return caught.value


def run(work: Callable[[Sender], Coroutine[Any, Any, None]]) -> None:
    """Run a test on an event loop, and see that nothing is left of it."""

    async def whole() -> None:
        sender = Sender()
        try:
            await work(sender)
        finally:
            await sender.http.close()
        await settle()
        assert sender.clock.timers == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(whole())


async def see(condition: Callable[[], bool]) -> None:
    """Wait in another thread until a condition of the server's holds."""
    await asyncio.to_thread(until, condition)


@pytest.fixture
def target() -> Iterator[HttpTarget]:
    with HttpTarget() as one:
        yield one


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a server with a certificate of its own making has."""
    certificate = Certificate("nobody.example", ManualClock().now_ms())
    pem: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem.write_bytes(certificate.private_pem + certificate.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


# What is sent.


def test_a_post_arrives_as_it_was_given(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        assert await sender.post(target.url("/in/box?a=1&b=%20"), "Grüße".encode()) == 200

    run(work)
    (request,) = target.requests
    assert (request.method, request.path, request.text) == ("POST", "/in/box?a=1&b=%20", "Grüße")
    assert request.header("Host") == f"127.0.0.1:{target.port}"
    assert request.header("Content-Length") == "7"
    assert {name: request.header(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"x" * 1_048_576], ids=["none", "binary", "1 MiB"])
def test_a_body_of_any_size_arrives_whole(target: HttpTarget, body: bytes) -> None:
    async def work(sender: Sender) -> None:
        await sender.post(target.url(), body)

    run(work)
    (request,) = target.requests
    assert (request.header("Content-Length"), request.body) == (str(len(body)), body)


def test_a_user_and_password_in_the_url_become_basic_auth(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        await sender.post(target.url(host="us%40er:p%3Ass@127.0.0.1"))
        await sender.post(target.url())

    run(work)
    expected = "Basic " + base64.b64encode(b"us@er:p:ss").decode()
    assert [request.header("Authorization") for request in target.requests] == [expected, None]
    assert {request.header("Host") for request in target.requests} == {f"127.0.0.1:{target.port}"}


def test_a_fragment_is_not_sent(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        await sender.post(target.url("/a?b=c#part"))

    run(work)
    assert target.requests[0].path == "/a?b=c"


def test_the_proxies_of_the_environment_are_not_used(
    target: HttpTarget, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 200

    run(work)


def test_a_cookie_of_an_answer_is_never_sent_back(target: HttpTarget) -> None:
    target.answer(Answer(200, headers=(("Set-Cookie", "session=1; Path=/"),)))

    async def work(sender: Sender) -> None:
        await sender.post(target.url())
        await sender.post(target.url())

    run(work)
    assert [request.header("Cookie") for request in target.requests] == [None, None]


# Answers.


@pytest.mark.parametrize("status", [200, 201, 204, 299, 304, 400, 404, 410, 429, 499, 500, 503, 599])
def test_any_status_is_an_answer(target: HttpTarget, status: int) -> None:
    target.answer(status)

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == status

    run(work)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(target: HttpTarget, status: int) -> None:
    target.answer(Answer(status, headers=(("Location", "/elsewhere"),)))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == status

    run(work)
    assert len(target.requests) == 1


@pytest.mark.parametrize("location", ["", "http://127.0.0.1:1/", "http://[::bad", "http://host:port/", "\xff"])
def test_nobody_looks_where_a_redirect_leads(target: HttpTarget, location: str) -> None:
    target.answer(Answer(302, headers=(("Location", location),)))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 302

    run(work)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "Digest nonsense", "\xff"])
def test_a_challenge_is_an_answer_like_any_other(target: HttpTarget, challenge: str) -> None:
    target.answer(Answer(401, headers=(("WWW-Authenticate", challenge),)))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url(host="user:wrong@127.0.0.1")) == 401

    run(work)
    assert len(target.requests) == 1


def test_the_body_of_an_answer_is_not_decoded(target: HttpTarget) -> None:
    target.answer(Answer(200, b"not gzip", (("Content-Encoding", "gzip"),)))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 200

    run(work)


def test_an_answer_that_ends_with_its_connection_is_good(target: HttpTarget) -> None:
    target.answer(Raw(b"HTTP/1.0 202 Accepted\r\n\r\nthanks"))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 202

    run(work)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,
        b"\x16\x03\x01\x02\x00" * 20,
    ],
    ids=["nothing", "blank", "status", "header", "length", "chunk", "endless header", "TLS"],
)
def test_garbage_is_a_failure_that_a_retry_may_heal(target: HttpTarget, garbage: bytes) -> None:
    target.answer(Raw(garbage))

    async def work(sender: Sender) -> None:
        error = await sender.fail(target.url())
        assert (error.code, error.permanent) == ("ConnectionFailure", False)
        assert error.message.startswith(f"{target.url()}: ")
        assert await sender.post(target.url()) == 200

    run(work)
    assert len(target.requests) == 2


# Connections.


def test_connections_are_used_again(target: HttpTarget) -> None:
    target.answer(Answer(200, b"x" * ANSWER_MAX_BYTES), 503, 404)

    async def work(sender: Sender) -> None:
        for _ in range(4):
            await sender.post(target.url())

    run(work)
    assert [request.connection for request in target.requests] == [1, 1, 1, 1]


@pytest.mark.parametrize("size_bytes", [ANSWER_MAX_BYTES + 1, 20_000_000])
def test_a_huge_answer_is_not_read_to_its_end_and_costs_its_connection(target: HttpTarget, size_bytes: int) -> None:
    target.answer(Answer(200, b"x" * size_bytes))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 200
        assert await sender.post(target.url()) == 200

    run(work)
    assert [request.connection for request in target.requests] == [1, 2]


def test_an_endless_answer_ends_where_enough_was_read(target: HttpTarget) -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    target.answer(Raw(start + b"1000\r\n" + b"x" * 0x1000 + b"\r\n" + b"10000\r\n" + b"x" * 0xFFFF, hang=True))

    async def work(sender: Sender) -> None:
        assert await sender.post(target.url()) == 200
        await see(lambda: target.connections == 0)

    run(work)


def test_a_connection_that_the_server_closed_meanwhile_costs_no_failure(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        await sender.post(target.url())
        target.hang_up()
        await see(lambda: target.connections == 0)
        assert await sender.post(target.url()) == 200

    run(work)
    assert [request.connection for request in target.requests] == [1, 2]


def test_many_posts_at_one_time_have_their_own_answers(target: HttpTarget) -> None:
    target.answer(*[HANG] * 20)

    async def work(sender: Sender) -> None:
        hanging = [sender.start(target.url()) for _ in range(20)]
        await see(lambda: len(target.requests) == 20)
        target.answer(*range(200, 240))
        statuses = await asyncio.gather(*(sender.post(target.url(f"/{number}")) for number in range(40)))
        assert sorted(statuses) == list(range(200, 240))
        assert not any(task.done() for task in hanging)
        target.release()
        done = await asyncio.gather(*hanging, return_exceptions=True)
        assert {type(error) for error in done} == {UndeliverableError}

    run(work)
    assert sorted(request.path for request in target.requests[20:]) == sorted(f"/{number}" for number in range(40))


def test_a_refused_connection_is_a_failure_that_a_retry_may_heal(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/"

    async def work(sender: Sender) -> None:
        error = await sender.fail(url)
        assert (error.code, error.permanent) == ("ConnectionFailure", False)
        assert error.message.startswith(f"{url}: ")

    run(work)


def test_a_self_signed_certificate_for_another_name_is_good_enough(tls: ssl.SSLContext) -> None:
    with HttpTarget(tls=tls) as target:

        async def work(sender: Sender) -> None:
            assert target.url().startswith("https://")
            assert await sender.post(target.url("/in"), b"secret") == 200
            assert await sender.post(target.url("/in"), b"again") == 200

        run(work)
        assert [(request.path, request.body) for request in target.requests] == [("/in", b"secret"), ("/in", b"again")]
        assert {request.connection for request in target.requests} == {1}


def test_tls_with_a_server_that_speaks_none_is_a_failure(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        error = await sender.fail(f"https://127.0.0.1:{target.port}/")
        assert (error.code, error.permanent) == ("ConnectionFailure", False)

    run(work)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://",
        "http:///path",
        "ftp://127.0.0.1/",
        "http://[::1",
        "http://[v1.x]/",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1/\x7f",
        "http://127.0.0.1/\n",
        "http://\u2028/",
        "http://xn--a/",
        "http://a..b/",
        f"http://{'a' * 300}/",
    ],
)
def test_a_url_that_is_none_is_a_failure(url: str) -> None:
    async def work(sender: Sender) -> None:
        error = await sender.fail(url)
        assert (error.code, error.permanent) == ("ConnectionFailure", False)
        assert error.message.startswith(f"{url}: ")

    run(work)


# Time.


@pytest.mark.parametrize(
    "silence",
    [HANG, Raw(b"HTTP/1.1 200 OK\r\n", hang=True), Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", hang=True)],
    ids=["no answer", "half a head", "no body"],
)
def test_a_server_that_keeps_silent_is_given_up_at_the_very_millisecond(target: HttpTarget, silence: Raw) -> None:
    target.answer(silence)

    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await see(lambda: len(target.requests) == 1)
        await sender.clock.advance(TIMEOUT_MS - 1)
        assert not post.done()
        await sender.clock.advance(1)
        with pytest.raises(UndeliverableError) as caught:
            await post
        assert (caught.value.code, caught.value.permanent) == ("Timeout", False)
        assert caught.value.message == f"{target.url()} did not answer within 15 seconds"

    run(work)


def test_the_limit_is_shown_in_seconds_however_short(target: HttpTarget) -> None:
    target.answer(HANG)

    async def work(sender: Sender) -> None:
        post = asyncio.ensure_future(sender.http.post(target.url(), {}, b"", 1_500))
        await see(lambda: len(target.requests) == 1)
        await sender.clock.advance(1_500)
        with pytest.raises(UndeliverableError, match=r"did not answer within 1\.5 seconds$"):
            await post

    run(work)


def test_the_server_sees_that_it_was_given_up(target: HttpTarget) -> None:
    target.answer(HANG)

    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await see(lambda: len(target.requests) == 1)
        await sender.clock.advance(TIMEOUT_MS)
        await see(lambda: target.connections == 0)
        assert isinstance(post.exception(), UndeliverableError)

    run(work)


def test_a_late_answer_is_not_taken_for_that_of_the_next_post(target: HttpTarget) -> None:
    target.answer(HANG, 204)

    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await see(lambda: len(target.requests) == 1)
        await sender.clock.advance(TIMEOUT_MS)
        await asyncio.wait([post])
        assert isinstance(post.exception(), UndeliverableError)
        assert await sender.post(target.url()) == 204

    run(work)
    assert [request.connection for request in target.requests] == [1, 2]


def test_a_post_that_is_cancelled_ends_its_request(target: HttpTarget) -> None:
    target.answer(HANG)

    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await see(lambda: len(target.requests) == 1)
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post
        await see(lambda: target.connections == 0)

    run(work)


def test_a_post_that_is_cancelled_before_it_began_does_no_harm_to_the_next(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await asyncio.sleep(0)
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post
        assert await sender.post(target.url()) == 200

    run(work)
    assert len(target.requests) == 1


def test_a_post_that_is_cancelled_while_it_is_being_given_up_is_cancelled(target: HttpTarget) -> None:
    target.answer(HANG)

    async def work(sender: Sender) -> None:
        post = sender.start(target.url())
        await see(lambda: len(target.requests) == 1)
        sender.clock.call_at(sender.clock.now_ms() + TIMEOUT_MS, post.cancel)
        await sender.clock.advance(TIMEOUT_MS)
        await asyncio.wait([post])
        assert post.cancelled()

    run(work)


def test_closing_the_sender_closes_idle_connections(target: HttpTarget) -> None:
    async def work(sender: Sender) -> None:
        await sender.post(target.url())
        assert target.connections == 1
        await sender.http.close()
        await see(lambda: target.connections == 0)

    run(work)


def test_a_sender_that_never_sent_can_be_closed() -> None:
    async def work(sender: Sender) -> None:
        await sender.http.close()

    run(work)
