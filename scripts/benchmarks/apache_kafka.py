"""Apache Kafka to compare with: fetched by Maven once, one KRaft node on loopback, formatted anew for each start, its data in memory.

Its own scripts start it with the same options of the JVM. It writes to /dev/shm where that is large enough, so that no disk slows it
down. Without a binding for SLF4J it logs nothing, which costs it nothing either.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.client import HOST
from benchmarks.report import MIB, BenchError, NotHereError, say
from benchmarks.servers import READY_WITHIN_S, STOP_WITHIN_S, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "4.3.0"
JAVA_MIN = 17
HEAP = ("-Xmx1G", "-Xms1G")
"""KAFKA_HEAP_OPTS of bin/kafka-server-start.sh."""
JVM = (
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)
"""KAFKA_JVM_PERFORMANCE_OPTS of bin/kafka-run-class.sh."""

MEMORY_DISK = Path("/dev/shm")
MEMORY_DISK_MIN = 8 * 1024 * MIB
FETCH_WITHIN_S = 600
TOOL_WITHIN_S = 60
STEP_S = 0.005
CLUSTER_ID = "ZXZlbnR5YXJkLWJlbmNoMA"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eventyard</groupId>
  <artifactId>bench</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""

CONFIG = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
log.dirs={folder}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.delete.delay.ms=1000
"""
"""config/server.properties as it is shipped, but for the places, and that the files of deleted topics go after a second, not a minute."""


def fetch() -> Path:
    """Give the folder with Kafka's jars, fetched by Maven if need be. Raises NotHereError that says what is missing."""
    java = shutil.which("java")
    if java is None:
        raise NotHereError("java is missing")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=TOOL_WITHIN_S, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < JAVA_MIN:
        raise NotHereError(f"Java {JAVA_MIN} or later is missing: {told.partition(chr(10))[0] or 'java does not run'}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventyard-bench"
    folder = cache / f"apache-kafka-{VERSION}"
    if not folder.exists():
        _fetch(cache, folder)
    return folder


def _fetch(cache: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotHereError("mvn is missing, which would fetch it")
    say(f"fetching Apache Kafka {VERSION} by Maven into {folder}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        Path(work, "pom.xml").write_text(POM)
        command = [
            maven,
            "-q",
            "-B",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            "-DoutputDirectory=jars",
        ]
        try:
            ended = subprocess.run(
                command, cwd=work, capture_output=True, text=True, timeout=FETCH_WITHIN_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotHereError(f"mvn has not fetched it within {FETCH_WITHIN_S} s") from None
        if ended.returncode:
            lines = [line for line in ended.stdout.splitlines() if line.startswith("[ERROR]")] or [ended.stderr.strip()]
            raise NotHereError(f"mvn could not fetch it: {lines[0][:300]}")
        Path(work, "jars").rename(folder)


class ApacheKafka(Server):
    """One node, ready when it answers; all that it wrote is thrown away with it."""

    def __init__(self, jars: Path, answers: Callable[[int], bool]) -> None:
        super().__init__("Apache Kafka", (), 0)
        self.kafka_port = free_port()
        self._jars, self._answers = jars, answers
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="eventyard-bench-", dir=_disk(), ignore_cleanup_errors=True)
        try:
            config = self._format(Path(self._folder.name))
            self._command = ["java", *HEAP, *JVM, "-cp", f"{self._jars}/*", "kafka.Kafka", config]
            return super().__enter__()
        except BaseException:
            self.stop()
            raise

    def _format(self, folder: Path) -> Path:
        """Write the config and prepare the place for the logs."""
        config = folder / "server.properties"
        config.write_text(
            CONFIG.format(host=HOST, port=self.kafka_port, controller=free_port(), folder=folder / "data")
        )
        tool = ["java", "-cp", f"{self._jars}/*", "kafka.tools.StorageTool"]
        command = [*tool, "format", "--standalone", "-t", CLUSTER_ID, "-c", str(config)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_WITHIN_S, check=False)
        if ended.returncode:
            raise BenchError(f"Apache Kafka's storage could not be formatted: {ended.stderr.strip()[-500:]}")
        return config

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while not self._answers(self.kafka_port):
            if process.poll() is not None or time.monotonic() > until:
                raise BenchError(f"Apache Kafka did not start: {self.complaint()}")
            time.sleep(STEP_S)

    def stop(self) -> None:
        """End the process, at once: nothing that it has is needed any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_WITHIN_S)
        super().stop()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _disk() -> Path | None:
    """Where the logs go: memory if it has room for them."""
    try:
        room = shutil.disk_usage(MEMORY_DISK).free
    except OSError:
        return None
    return MEMORY_DISK if room >= MEMORY_DISK_MIN else None
