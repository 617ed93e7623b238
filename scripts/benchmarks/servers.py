"""Server processes of the bench: started on a free port, waited for, weighed, and stopped by their own pid."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.report import BenchError, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTYARD = Path(sys.prefix) / "bin" / "eventyard"
ECHO = Path(__file__).with_name("echo.py")
CANNED = Path(__file__).with_name("canned.py")

READY = b"Ready.\n"
READY_WITHIN_S = 30
STOP_WITHIN_S = 20
SETTLE_WITHIN_S = 30
SETTLE_STEP_S = 0.25
SETTLE_SHARE = 0.06
"""A process that used less of a processor than this over a step is at rest (uvicorn ticks ten times a second)."""

SETTINGS = (
    "GATEWAY_LISTEN",
    "DEBUG",
    "LS_LOG",
    "LOCALSTACK_HOST",
    "SERVICES",
    "SNS_CERT_URL_HOST",
    "SQS_ENDPOINT_STRATEGY",
)
"""Variables that the server reads besides EVENTYARD_*; the bench runs it with its defaults."""


class Server:
    """One process, alive inside its `with` block. `started_s` is the time from the spawn until the line `Ready.`."""

    def __init__(
        self, name: str, command: Sequence[str | Path], port: int, variables: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.port = port
        self.kafka_port = 0
        """Where Kafka is spoken, if at all."""
        self.started_s = 0.0
        self._command = command
        self._variables = variables or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    def __enter__(self) -> Self:
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("EVENTYARD_", "PYTHON")) and key not in SETTINGS
        } | dict(self._variables)
        began = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment,
                cwd=tempfile.gettempdir(),
            )
            self._await_ready(self._process)
            self.started_s = time.perf_counter() - began
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        descriptor, said = process.stdout.fileno(), b""
        until = time.monotonic() + READY_WITHIN_S
        while not said.endswith(READY):
            readable, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(descriptor, 65536) if readable else b""
            if not chunk:
                why = "ended before" if readable else f"took more than {READY_WITHIN_S} s until"
                raise BenchError(f"{self.name} {why} the line Ready.: {self.complaint()}")
            said += chunk

    def complaint(self) -> str:
        """Give the end of what the process wrote to stderr."""
        return self.said().strip()[-2000:] or "nothing on stderr"

    def said(self) -> str:
        """Give all that the process wrote to stderr so far."""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def stop(self) -> None:
        """End the process and wait for it; one that does not heed SIGTERM is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.terminate()
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            say(f"{self.name} has not ended {STOP_WITHIN_S} s after SIGTERM and is killed")
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
            self._stderr.close()

    def rss_bytes(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BenchError(f"{self.name} has ended: {self.complaint()}")

    def processor_s(self) -> float:
        """Processor time of all threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self, within_s: float = SETTLE_WITHIN_S) -> None:
        """Wait until the process is at rest: it has done all that it was asked."""
        for _ in range(int(within_s / SETTLE_STEP_S)):
            before = self.processor_s()
            time.sleep(SETTLE_STEP_S)
            if self.processor_s() - before < SETTLE_SHARE * SETTLE_STEP_S:
                return
        raise BenchError(f"{self.name} is still busy {within_s} s after the last request")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def eventyard(*options: str) -> Server:
    """Make the product's server: the console script of the virtual environment, with its defaults but for the options given, and
    without Kafka, whose port is one for all.
    """
    port = free_port()
    return Server("eventyard", [EVENTYARD, "--port", str(port), "--kafka-port", "0", *options], port)


def eventyard_with_kafka(*options: str) -> Server:
    """Make the product's server with Kafka on a port of its own."""
    port, kafka_port = free_port(), free_port()
    server = Server("eventyard", [EVENTYARD, "--port", str(port), "--kafka-port", str(kafka_port), *options], port)
    server.kafka_port = kafka_port
    return server


def echo() -> Server:
    """Make the yardstick."""
    port = free_port()
    return Server("the echo", [sys.executable, "-P", ECHO, str(port)], port)


def canned(answers: Path) -> Server:
    """Make the yardstick of clients, which answers what a file says."""
    port = free_port()
    return Server("the canned answers", [sys.executable, "-P", CANNED, str(port), answers], port)


def profiled() -> Server:
    """Make the product's server, writing to stderr what each import takes."""
    port = free_port()
    command: list[str | Path] = [
        sys.executable,
        "-X",
        "importtime",
        EVENTYARD,
        "--port",
        str(port),
        "--kafka-port",
        "0",
    ]
    return Server("eventyard, profiled", command, port)


def allow_open_files(wanted: int) -> int:
    """Raise the limit of open files, which servers inherit, as far as possible up to `wanted`; answer the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted, max(hard, wanted) if hard != resource.RLIM_INFINITY else hard)
        )
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
