"""The real `eventyard` command as a process of its own on a free port: started, waited for, listened to, stopped."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from emulator.settings import ALIASES

SCRIPTS = Path(sysconfig.get_path("scripts"))
EVENTYARD = str(SCRIPTS / "eventyard")
START_MAX_S = 60
STOP_MAX_S = 60
"""Bounds against a hang on a busy machine; they say nothing about speed."""
RUN_MAX_S = 20
"""The same for a command that should not start a server at all."""


def environment(**more: str) -> dict[str, str]:
    """Make the environment of a child: ours, without what would change what Eventyard or an AWS client does."""
    foreign = {source.name for source in ALIASES}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in foreign and not name.startswith(("EVENTYARD_", "AWS_", "PYTHON"))
    }
    return kept | more


class HttpAnswer(NamedTuple):
    """A raw HTTP answer. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Server:
    """A running `eventyard`. Leaving the `with` block stops it."""

    def __init__(
        self,
        *flags: str,
        command: Sequence[str] = (EVENTYARD,),
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.exit_code: int | None = None
        self._ready = threading.Event()
        self._clients: list[Any] = []
        self._session = boto3.Session()
        if not any(text.startswith("--kafka-port") for text in flags) and "EVENTYARD_KAFKA_PORT" not in (
            variables or {}
        ):
            flags = (*flags, "--kafka-port", "0")  # servers of other tests run at the same time
        self.process = subprocess.Popen(
            [*command, *flags],
            cwd=folder,
            env=environment(**(variables or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()
        self._ready.wait(START_MAX_S)
        if "Ready." not in self.out:
            self.close()
            raise AssertionError(f"eventyard did not become ready (exit code {self.exit_code}):\n{self.output}")

    def _read(self, pipe: IO[str], lines: list[str]) -> None:
        for line in pipe:
            lines.append(line.rstrip("\n"))
            if line == "Ready.\n":
                self._ready.set()
        self._ready.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What it says.

    @property
    def output(self) -> str:
        """Everything that it wrote so far, and once it has stopped, everything that it wrote."""
        return "\n".join([*self.out, *self.err])

    @property
    def requests(self) -> list[str]:
        """The log lines of requests."""
        return [line for line in self.err if "AWS " in line and "=>" in line]

    @property
    def url(self) -> str:
        """The URL in the banner."""
        found = re.search(r"at (http://\S+)$", self.out[0])
        assert found is not None, self.out
        return found[1]

    @property
    def kafka(self) -> str:
        """What the banner tells Kafka's clients to use as bootstrap.servers; start it with `--kafka-port free`."""
        found = re.search(r"bootstrap\.servers=(\S+)", "\n".join(self.out))
        assert found is not None, self.out
        return found[1].replace("localhost", "127.0.0.1")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    # Calls.

    def client(self, service: str = "sqs", *, endpoint: str | None = None, **options: Any) -> Any:
        """Make a boto3 client; its retries are off, so that an error shows."""
        client = self._session.client(service, **self._options(endpoint, **options))
        self._clients.append(client)
        return client

    def resource(self, service: str = "sqs", **options: Any) -> Any:
        """Make a boto3 resource."""
        resource = self._session.resource(service, **self._options(None, **options))
        self._clients.append(resource.meta.client)
        return resource

    def _options(
        self,
        endpoint: str | None,
        account: str = "test",
        region: str = "us-east-1",
        connections: int = 10,
        **more: Any,
    ) -> dict[str, Any]:
        return {
            "region_name": region,
            "endpoint_url": endpoint or self.url,
            "aws_access_key_id": account,
            "aws_secret_access_key": "secret",
            "config": Config(retries={"total_max_attempts": 1}, max_pool_connections=connections),
            **more,
        }

    def connect(self, timeout_s: float = 30) -> http.client.HTTPConnection:
        """Open a plain HTTP connection."""
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Send one HTTP request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers or {}))
            return read(connection)
        finally:
            connection.close()

    def reset(self) -> None:
        """Forget all state."""
        assert self.request("POST", "/_eventyard/reset").status == 200

    def turns(self, count: int = 3) -> None:
        """Let the server's loop turn: what it had been sent before has been taken up when this returns."""
        for _ in range(count):
            assert self.request("GET", "/health").status == 200

    # The end.

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end and for all output; returns the exit code."""
        self.exit_code = self.process.wait(STOP_MAX_S)
        for reader in self._readers:
            reader.join(STOP_MAX_S)
        return self.exit_code

    def close(self) -> None:
        """Make sure that nothing is left of it."""
        for client in self._clients:
            client.close()
        try:
            if self.process.poll() is None:
                self.process.terminate()
            self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
        finally:
            for pipe in (self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()


def read(connection: http.client.HTTPConnection) -> HttpAnswer:
    """Read the answer to the request that was sent last."""
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return HttpAnswer(answer.status, headers, answer.read())


def run(*flags: str, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `eventyard` to its end: for what does not start a server."""
    return subprocess.run(
        [EVENTYARD, *flags],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_MAX_S,
        check=False,
    )
