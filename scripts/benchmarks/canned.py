"""The yardstick of clients: answers each operation with bytes written down before, read from a file. `canned.py PORT FILE`.

It looks at nothing but the length of a request and its X-Amz-Target: what a client library can do at best, whatever answers it.
The file has a JSON object: the operation's target to the whole answer, as text of single bytes (latin-1).
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import cast

import uvloop

TARGET = b"x-amz-target:"
LENGTH = b"content-length:"


class Canned(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit it

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come whole."""
        assert self._transport is not None
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end].lower()
            whole = end + 4 + int(_value(head, LENGTH) or 0)
            if len(self._rest) < whole:
                return
            self._rest = self._rest[whole:]
            self._transport.write(self._answers[_value(head, TARGET)])


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name)[2].split(b"\r\n", 1)[0].strip()


async def main(answers: dict[bytes, bytes]) -> None:
    """Serve until SIGTERM."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(lambda: Canned(answers), "127.0.0.1", int(sys.argv[1]))
    print("Ready.", flush=True)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    written: dict[str, str] = json.loads(Path(sys.argv[2]).read_text())
    uvloop.run(main({target.lower().encode(): answer.encode("latin-1") for target, answer in written.items()}))
