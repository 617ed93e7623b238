"""Other emulators of SQS to compare with: each fetched once into a folder of its own below ~/.cache/eventyard-bench, never a dependency.

Those in Python get a virtual environment by pip, with the server that they bring; ElasticMQ's jars come by Maven.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import queues
from benchmarks.client import HOST, post
from benchmarks.report import BenchError, NotHereError, say
from benchmarks.servers import READY_WITHIN_S, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FETCH_WITHIN_S = 600
STEP_S = 0.02

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eventyard</groupId>
  <artifactId>bench</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
  </dependencies>
</project>
"""

ELASTICMQ = f"""include classpath("application.conf")
node-address {{ protocol = http, host = "{HOST}", port = PORT, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = PORT, bind-hostname = "{HOST}", sqs-limits = strict }}
rest-stats {{ enabled = false }}
queues {{ }}
"""

QUIET = """<configuration>
  <appender name="ERR" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="ERR"/></root>
</configuration>
"""
"""ElasticMQ logs from warnings on, so that nothing it says costs it time."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another emulator: `fetch` fills its folder, `serve` gives the command and the variables to run it on a port, `told` says where it
    comes from, `sns` whether it has topics, and `warm_ups` how often each operation runs before it counts.
    """

    name: str
    version: str
    told: str
    fetch: Callable[[Peer, Path], None]
    serve: Callable[[Path, int], tuple[Sequence[str | Path], dict[str, str]]]
    sns: bool = True
    warm_ups: int = 2

    def folder(self) -> Path:
        """Give its folder, fetched if need be. Raises NotHereError that says what is missing."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventyard-bench"
        folder = cache / f"{self.name.lower()}-{self.version}"
        done = folder / ".complete"
        if not done.exists():
            say(f"fetching {self.name} {self.version} into {folder}")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.fetch(self, folder)
            done.touch()
        return folder

    def server(self) -> PeerServer:
        """Make its server."""
        folder, port = self.folder(), free_port()
        command, variables = self.serve(folder, port)
        return PeerServer(f"{self.name} {self.version}", command, port, variables)


class PeerServer(Server):
    """A peer's process, ready when it answers ListQueues."""

    def __init__(self, name: str, command: Sequence[str | Path], port: int, variables: dict[str, str]) -> None:
        super().__init__(name, command, port, variables)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while process.poll() is None and time.monotonic() < until:
            try:
                post(self.port, queues.headers("ListQueues"), queues.body())
            except BenchError:
                time.sleep(STEP_S)
            else:
                return
        why = "ended" if process.poll() is not None else f"did not answer within {READY_WITHIN_S} s"
        raise BenchError(f"{self.name} {why}: {self.complaint()}")


def _run(command: Sequence[str | Path], folder: Path) -> None:
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotHereError(f"it was not fetched within {FETCH_WITHIN_S} s") from None
    if ended.returncode:
        lines = [line for line in (ended.stdout + ended.stderr).splitlines() if "error" in line.lower()]
        raise NotHereError(f"it could not be fetched: {(lines or ['no reason was given'])[0][:300]}")


def _by_pip(*requirements: str) -> Callable[[Peer, Path], None]:
    def fetch(peer: Peer, folder: Path) -> None:
        _run([sys.executable, "-m", "venv", folder / "venv"], folder)
        python = folder / "venv" / "bin" / "python"
        wanted = (requirement.format(version=peer.version) for requirement in requirements)
        _run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], folder)

    return fetch


def _by_maven(group: str, artifact: str) -> Callable[[Peer, Path], None]:
    def fetch(peer: Peer, folder: Path) -> None:
        maven = shutil.which("mvn")
        if maven is None or shutil.which("java") is None:
            raise NotHereError("java or mvn is missing")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            Path(work, "pom.xml").write_text(POM.format(group=group, artifact=artifact, version=peer.version))
            copy = "dependency:copy-dependencies"
            _run(
                [maven, "-q", "-B", copy, "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}"], Path(work)
            )

    return fetch


def _ministack(folder: Path, port: int) -> tuple[Sequence[str | Path], dict[str, str]]:
    variables = {"BIND_HOST": HOST, "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    return [folder / "venv" / "bin" / "ministack"], variables


def _moto(folder: Path, port: int) -> tuple[Sequence[str | Path], dict[str, str]]:
    return [folder / "venv" / "bin" / "moto_server", "-H", HOST, "-p", str(port)], {}


def _elasticmq(folder: Path, port: int) -> tuple[Sequence[str | Path], dict[str, str]]:
    config, quiet = folder / "elasticmq.conf", folder / "logback.xml"
    config.write_text(ELASTICMQ.replace("PORT", str(port)))
    quiet.write_text(QUIET)
    options = [f"-Dconfig.file={config}", f"-Dlogback.configurationFile={quiet}"]
    return ["java", *options, "-cp", f"{folder / 'jars'}/*", "org.elasticmq.server.Main"], {}


PEERS = (
    Peer("ministack", "1.5.33", "pip", _by_pip("ministack=={version}"), _ministack),
    Peer("moto", "5.2.5", "pip, moto_server", _by_pip("moto[server]=={version}"), _moto),
    Peer(
        "ElasticMQ",
        "1.7.1",
        "Maven",
        _by_maven("org.elasticmq", "elasticmq-server_2.13"),
        _elasticmq,
        sns=False,
        warm_ups=10,  # Java compiles what runs often
    ),
)
