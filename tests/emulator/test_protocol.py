"""The head of an answer waits for its body, and never for longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.protocol import JoinedTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.gone = False

    def is_closing(self) -> bool:
        return self.gone

    def write(self, data: Any) -> None:
        self.seen.append(bytes(data))

    def close(self) -> None:
        self.seen.append("close")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def transport(wire: Wire) -> JoinedTransport:
    return JoinedTransport(wire)


def test_head_and_body_go_out_in_one_write(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    assert wire.seen == []
    transport.write(b"{}")
    assert wire.seen == [HEAD + b"{}"]


def test_an_empty_body_lets_the_head_go(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    transport.write(b"")
    assert wire.seen == [HEAD]


def test_a_head_without_a_body_goes_when_the_answer_is_complete(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    transport.flush()
    transport.flush()
    assert wire.seen == [HEAD]


def test_a_head_goes_before_the_connection_is_closed(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    transport.close()
    assert wire.seen == [HEAD, "close"]


def test_what_comes_for_a_client_that_is_gone_goes_nowhere(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    wire.gone = True
    transport.write(b"{}")
    transport.flush()
    assert wire.seen == []


def test_continue_goes_at_once(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.seen == [b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_a_body_that_looks_like_a_head_is_not_kept(wire: Wire, transport: JoinedTransport) -> None:
    transport.write(HEAD)
    transport.write(b"HTTP/1.1 is what the body says")
    transport.write(b", and more")
    assert wire.seen == [HEAD + b"HTTP/1.1 is what the body says", b", and more"]
