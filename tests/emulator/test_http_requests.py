"""Requests over HTTP with any method, against a real server: what is sent, and what of the answer is given back."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator

import pytest

from emulator.clock import ManualClock
from emulator.router.delivery import UndeliverableError
from emulator.router.http import ANSWER_MAX_BYTES, HttpAnswer, HttpSender
from tests.support.http_target import Answer, HttpTarget, Raw


@pytest.fixture
def target() -> Iterator[HttpTarget]:
    with HttpTarget() as one:
        yield one


def request(
    target: HttpTarget, method: str = "POST", headers: dict[str, str] | None = None, body: bytes = b"hello"
) -> HttpAnswer:
    """Send one request with a sender of its own."""

    async def work() -> HttpAnswer:
        sender = HttpSender(ManualClock())
        try:
            return await sender.request(method, target.url("/in"), headers or {}, body, 1_000)
        finally:
            await sender.close()

    return asyncio.run(work())


def test_an_answer_has_its_status_its_headers_and_its_body(target: HttpTarget) -> None:
    target.answer(Answer(503, b"busy", (("Retry-After", "5"), ("X-Two", "a"), ("X-Two", "b"))))
    answer = request(target)
    assert (answer.status, answer.body) == (503, b"busy")
    assert (answer.headers["retry-after"], answer.headers["x-two"]) == ("5", "a, b")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_any_method_is_sent(target: HttpTarget, method: str) -> None:
    # The server knows POST only and says so, in its answer's own words.
    assert request(target, method, body=b"").status == 501


@pytest.mark.parametrize("size_bytes", [0, ANSWER_MAX_BYTES, ANSWER_MAX_BYTES + 1, 1_000_000])
def test_a_body_is_cut_where_enough_was_read(target: HttpTarget, size_bytes: int) -> None:
    target.answer(Answer(200, b"x" * size_bytes))
    assert request(target).body == b"x" * min(size_bytes, ANSWER_MAX_BYTES)


def test_a_body_comes_as_it_was_sent(target: HttpTarget) -> None:
    target.answer(Answer(200, b"not gzip", (("Content-Encoding", "gzip"),)))
    assert request(target).body == b"not gzip"


def test_header_values_go_out_in_utf_8(target: HttpTarget) -> None:
    request(target, headers={"X-Key": "kéy"})
    value = target.requests[0].header("X-Key")
    assert value is not None
    assert value.encode("latin-1").decode() == "kéy"


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nY: b"}, {"X": "a\x00"}, {"X y": "a"}, {"X\r\nY": "a"}, {"": "a"}, {"é": "a"}],
    ids=["line break", "zero", "space", "line break in the name", "no name", "letters"],
)
def test_headers_that_http_does_not_allow_are_a_failure(target: HttpTarget, headers: dict[str, str]) -> None:
    with pytest.raises(UndeliverableError) as caught:
        request(target, headers=headers)
    assert (caught.value.code, target.requests) == ("ConnectionFailure", [])


def test_an_answer_without_a_length_ends_with_its_connection(target: HttpTarget) -> None:
    target.answer(Raw(b"HTTP/1.0 200 OK\r\nX: \xff\r\n\r\nthanks"))
    answer = request(target)
    assert (answer.status, answer.body, answer.headers["x"]) == (http.client.OK, b"thanks", "\xff")
