"""The admin API, the one place where Starlette is used; imported at its first request, so that start-up does not pay for it.

| path                                                   | answer                                                       |
|--------------------------------------------------------|--------------------------------------------------------------|
| GET `/health`, `/_eventyard/health`,                   | `{"services": {"sqs": "running"}, "edition", "version"}`;    |
| `/_localstack/health`                                  | `available`: not used yet; `disabled`: left out by SERVICES  |
| GET `/_localstack/info`                                | version, session, uptime                                     |
| POST `/_eventyard/reset`, `/_localstack/state/reset`   | forgets all state of all accounts, 200                       |
| POST `/_localstack/state/<service>/reset`              | forgets the state of one service, 200                        |
| GET `/_eventyard/deliveries`                           | `{"pending": [...], "failed": [...], "counts": {...}}`: what |
|                                                        | waits for a retry and what failed for good, the newest       |
|                                                        | `limit` (100) of each; `source`, `subscriber`, `target`      |
|                                                        | choose by exact text                                         |
| DELETE `/_eventyard/deliveries`                        | forgets the failed ones, 204                                 |
| GET `/_eventyard/kafka`                                | brokers, topics with partitions, groups with their lag       |
| GET `/_eventyard/certificate.pem`                      | the certificate that was made at the start, for Kafka's TLS  |
| POST `/_eventyard/explain`                             | `{"results": [...]}`: why an `event` matches or does not:    |
|                                                        | a `pattern`, every rule of a `bus` (name, of `account` and   |
|                                                        | `region`, or ARN), a `subscription` or all of a `topic`      |
|                                                        | (ARNs; the event is `{"message", "attributes"}`)             |
"""

from __future__ import annotations

import platform
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator import __version__
from emulator.admin import explain
from emulator.errors import AwsError

if TYPE_CHECKING:
    from starlette.requests import Request

    from emulator.app import Emulator
    from emulator.router.delivery import Delivery

EDITION = "eventyard"


class Admin:
    """The handlers of one Emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._in_docker = Path("/.dockerenv").exists()

    async def health(self, _request: Request) -> Response:
        """Tell which services answer, in LocalStack's shape; a service that has state says running."""
        used = {name: any(self._emulator.storage.states(name)) for name in self._emulator.services}
        services = dict.fromkeys(self._emulator.directory.disabled, "disabled")
        services |= {name: "running" if used[name] else "available" for name in sorted(used)}
        return JSONResponse({"services": services, "edition": EDITION, "version": __version__})

    async def info(self, _request: Request) -> Response:
        """Tell what runs here, in LocalStack's shape."""
        emulator = self._emulator
        uptime_s = (emulator.clock.now_ms() - emulator.started_ms) // 1000
        return JSONResponse(
            {
                "version": __version__,
                "edition": EDITION,
                "is_license_activated": False,
                "session_id": emulator.session_id,
                "machine_id": "",
                "system": platform.system().lower(),
                "is_docker": self._in_docker,
                "server_time_utc": emulator.clock.iso(),
                "uptime": uptime_s,
            }
        )

    async def deliveries(self, request: Request) -> Response:
        """Show deliveries that wait and deliveries that failed; DELETE forgets the latter."""
        deliveries = self._emulator.router.deliveries
        if request.method == "DELETE":
            deliveries.failed.clear()
            return Response(status_code=204)
        asked = request.query_params
        limit = asked.get("limit", "100")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 8):
            return JSONResponse({"message": f"limit={limit}: must be a number"}, status_code=400)

        def show(found: list[Delivery]) -> list[dict[str, Any]]:
            chosen = (
                delivery
                for delivery in reversed(found)
                if asked.get("source", delivery.lane.source_arn) == delivery.lane.source_arn
                and asked.get("subscriber", delivery.lane.subscriber) == delivery.lane.subscriber
                and asked.get("target", delivery.lane.target) == delivery.lane.target
            )
            return [deliveries.show(delivery) for delivery in islice(chosen, int(limit))]

        counts = {
            "pending": deliveries.count,
            "in_flight": deliveries.in_flight,
            "delivered": deliveries.delivered,
            "dead_lettered": deliveries.dead_lettered,
            "lost": deliveries.lost,
        }
        return JSONResponse(
            {"pending": show(list(deliveries.waiting())), "failed": show(list(deliveries.failed)), "counts": counts}
        )

    async def explain(self, request: Request) -> Response:
        """Tell why an event matches or does not."""
        try:
            return Response(explain.answer(self._emulator, await request.body()), media_type="application/json")
        except AwsError as error:
            return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)

    async def status(self, request: Request) -> Response:
        """Show what a service tells about itself."""
        service = self._emulator.services[request.url.path.rpartition("/")[2]]
        return JSONResponse({} if service.status is None else service.status(self._emulator))

    async def certificate(self, _request: Request) -> Response:
        """Hand out the certificate that was made at the start, for clients that are to trust it."""
        await self._emulator.certificate.prepare()
        return Response(self._emulator.certificate.pem, media_type="application/x-pem-file")

    async def reset(self, _request: Request) -> Response:
        """Forget all state."""
        self._emulator.reset()
        return Response(status_code=200)

    async def reset_service(self, request: Request) -> Response:
        """Forget the state of one service."""
        name = request.path_params["service"]
        if name not in self._emulator.services:
            known = ", ".join(sorted(self._emulator.services))
            return JSONResponse({"message": f"no service {name!r} runs here; these do: {known}"}, status_code=404)
        self._emulator.reset(name)
        return Response(status_code=200)


def build(emulator: Emulator) -> Starlette:
    """Make the admin application of one Emulator."""
    admin = Admin(emulator)
    health = ("/health", "/_eventyard/health", "/_localstack/health")
    resets = ("/_eventyard/reset", "/_localstack/state/reset")
    return Starlette(
        routes=[
            *(Route(path, admin.health, methods=["GET"]) for path in health),
            Route("/_eventyard/deliveries", admin.deliveries, methods=["GET", "DELETE"]),
            Route("/_eventyard/explain", admin.explain, methods=["POST"]),
            Route("/_localstack/info", admin.info, methods=["GET"]),
            Route("/_eventyard/certificate.pem", admin.certificate, methods=["GET"]),
            *(
                Route(f"/_eventyard/{service.name}", admin.status, methods=["GET"])
                for service in emulator.services.values()
                if service.status is not None
            ),
            *(Route(path, admin.reset, methods=["POST"]) for path in resets),
            Route("/_localstack/state/{service}/reset", admin.reset_service, methods=["POST"]),
        ]
    )
