"""`docs/benchmarks.md`: the tables of runs that were asked to `--write`, each in a section of its own that says how it came about."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Table

FILE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `scripts/bench <command> --write`; not by hand. Each section replaces the one of the run before. The echo is a bare uvicorn
ASGI application that reads and writes JSON, on the same loop with the same settings; the load comes from a second process on the same
machine, so that a server has at most the processors that are left. Ratios are taken within one run, of rounds that follow each other;
they hold better than rates, which vary with whatever else the machine does. Ratios by processor time compare what a request cost the
server's processor, which notices the neighbours less. Figures that miss their target, or lose against a peer, are shown as they are.
"""
PACKAGES = ("uvicorn", "uvloop", "httptools", "orjson", "boto3", "confluent-kafka")
ORDER = ("quick", "sqs", "boto3", "fanout", "startup", "peers", "soak", "sns", "events", "patterns", "kafka")
_SECTION = re.compile(r"<!-- section (\S+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def write(name: str, *, busy: str, date: str | None) -> None:
    """Put the tables printed so far into the section of that name. The other sections stay as they are."""
    before = FILE.read_text() if FILE.exists() else ""
    sections = dict(_SECTION.findall(before))
    sections[name] = _section(name, report.PRINTED, busy, date or time.strftime("%Y-%m-%d"))
    parts = (f"<!-- section {key} -->\n{sections[key]}<!-- end -->\n" for key in ORDER if key in sections)
    FILE.write_text("\n".join([HEAD, *parts]))
    report.say(f"written to {FILE.relative_to(ROOT)}")


def _section(name: str, tables: Sequence[Table], busy: str, date: str) -> str:
    facts = [
        f"Command: `scripts/bench {' '.join(sys.argv[1:])}`",
        f"Date: {date}, commit {_commit()}",
        f"Machine: {_processor()}, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}; {busy} when the run began",
        f"Versions: Python {platform.python_version()}, {', '.join(_version(one) for one in PACKAGES)}, {_wrk()}, {_java()}",
    ]
    parts = [f"## {name}\n", "\n".join(f"- {fact}" for fact in facts) + "\n", *(_markdown(one) for one in tables)]
    return "\n".join(parts)


def _markdown(one: Table) -> str:
    heads, *rows = ([cell.strip().replace("|", "\\|") for cell in line] for line in one.lines)
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return f"**{one.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _commit() -> str:
    """Name the commit that was measured, and say if more was changed than this page."""
    commit = _told("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = _told("git", "status", "--porcelain", "--untracked-files=no", "--", ".", f":!{FILE.relative_to(ROOT)}")
    return f"{commit} with changes that are not committed" if changed else commit


def _processor() -> str:
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{len(names)} x {names[0].strip()}" if names else platform.machine()


def _memory_gb() -> float:
    found = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) / 1024**2 if found else 0.0


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def _wrk() -> str:
    return " ".join(_told("wrk", "-v").split()[:2]) or "no wrk"


def _java() -> str:
    return _told("java", "-version").partition("\n")[0].replace('"', "") or "no java"


def _told(command: str, *arguments: str) -> str:
    """Give what a program says, on stderr if not on stdout, or nothing where there is none. wrk says its version and fails."""
    found = shutil.which(command)
    if found is None:
        return ""
    told = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return (told.stdout or told.stderr).strip() if command != "git" else told.stdout.strip()
