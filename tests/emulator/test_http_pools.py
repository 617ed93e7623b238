"""Connections by subscriber: one that hangs holds up nobody else, and those of subscribers that are done are closed."""

from __future__ import annotations

import asyncio

import pytest

from emulator.clock import ManualClock
from emulator.router import http
from emulator.router.http import HttpSender
from tests.support.harness import until
from tests.support.http_target import HANG, HttpTarget


def test_a_subscriber_whose_requests_all_hang_does_not_hold_up_another() -> None:
    async def work(hanging: HttpTarget, healthy: HttpTarget) -> None:
        sender = HttpSender(ManualClock())
        posts = [
            asyncio.create_task(sender.post(hanging.url(), {}, b"x", 15_000, subscriber=f"hanging {number % 5}"))
            for number in range(50)
        ]
        await asyncio.to_thread(until, lambda: len(hanging.requests) == 50)
        assert await sender.post(healthy.url(), {}, b"x", 15_000, subscriber="healthy") == 200
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
        await sender.close()

    with HttpTarget() as hanging, HttpTarget() as healthy:
        hanging.answer(*[HANG] * 50)
        asyncio.run(work(hanging, healthy))


def test_only_so_many_subscribers_connections_are_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "POOLS_MAX", 2)

    async def work(target: HttpTarget) -> None:
        sender = HttpSender(ManualClock())
        for name in "abcda":
            assert await sender.post(target.url(), {}, b"x", 15_000, subscriber=name) == 200
        assert list(sender._pools) == ["d", "a"]
        await sender.close()

    with HttpTarget() as target:
        asyncio.run(work(target))


def test_connections_that_are_in_use_are_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "POOLS_MAX", 1)

    async def work(hanging: HttpTarget, healthy: HttpTarget) -> None:
        sender = HttpSender(ManualClock())
        slow = asyncio.create_task(sender.post(hanging.url(), {}, b"x", 15_000, subscriber="slow"))
        await asyncio.to_thread(until, lambda: len(hanging.requests) == 1)
        await sender.post(healthy.url(), {}, b"x", 15_000, subscriber="quick")
        assert hanging.connections == 1
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        await sender.close()

    with HttpTarget() as hanging, HttpTarget() as healthy:
        hanging.answer(*[HANG] * 50)
        asyncio.run(work(hanging, healthy))
