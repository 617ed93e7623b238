"""The yardstick: reads a JSON body and answers it, on uvicorn with the settings of emulator/server.py. `echo.py PORT`.

A plain ASGI callable without routing, state or checks: what uvicorn and Python give at best to a server that reads and
writes JSON.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson
from uvicorn.config import Config
from uvicorn.server import Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

CONTENT_TYPE = (b"content-type", b"application/x-amz-json-1.0")


async def echo(
    _scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer the body of the request."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    answer = orjson.dumps(orjson.loads(body))
    headers = [CONTENT_TYPE, (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class EchoServer(Server):
    """uvicorn's server, saying when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            print("Ready.", flush=True)


def main() -> None:
    """Serve until SIGTERM."""
    config = Config(
        echo,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        backlog=4096,
        http="httptools",
        lifespan="off",
        log_config=None,
        loop="uvloop",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        ws="none",
    )
    EchoServer(config).run()


if __name__ == "__main__":
    main()
