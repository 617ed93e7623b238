"""Kafka's own clients for Java play scenarios: tests/clients/kafka/java holds them and what they need; a test judges what they saw."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.scenarios import Seen, is_newer, need, run

FOLDER = Path(__file__).resolve().parents[1] / "clients" / "kafka" / "java"
BUILD = FOLDER / "build"
"""Libraries and classes; not under version control."""
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
SILENT = "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"


def install() -> None:
    """Fetch what the pom names and compile, unless that is done. Skips where Java or Maven is missing."""
    need("Kafka's client for Java", "java", "javac", "mvn")
    pom, libraries, classes = FOLDER / "pom.xml", BUILD / "lib", BUILD / "classes"
    if not is_newer(libraries / "done", pom):
        run(FOLDER, "mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", timeout_s=600)
        (libraries / "done").touch()
    sources = sorted(FOLDER.glob("*.java"))
    if not is_newer(classes / "Play.class", pom, *sources):
        names = [source.name for source in sources]
        run(
            FOLDER, "javac", "-Xlint:all", "-Werror", "-d", str(classes), "-cp", f"{libraries}/*", *names, timeout_s=300
        )


def play(bootstrap: str) -> Seen:
    """Play all scenarios, once all is installed, against the brokers there."""
    path = f"{BUILD / 'classes'}:{BUILD / 'lib'}/*"
    seen: Seen = json.loads(run(FOLDER, "java", *QUICK_START, SILENT, "-cp", path, "Play", bootstrap, timeout_s=240))
    return seen
