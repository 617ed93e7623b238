"""What scripts/bench makes of its figures: the page that it writes, the ratios, and what it takes for an answer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
Load = Callable[[str], ModuleType]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    monkeypatch.syspath_prepend(SCRIPTS)
    before = set(sys.modules)
    yield lambda name: importlib.import_module(f"benchmarks.{name}")
    for name in set(sys.modules) - before:
        if name.startswith("benchmarks"):
            del sys.modules[name]


@pytest.fixture
def write(bench: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], str]:
    """Write one table of one figure as that command, and give the page."""
    document, report = bench("document"), bench("report")
    monkeypatch.setattr(document, "ROOT", tmp_path)
    monkeypatch.setattr(document, "FILE", tmp_path / "benchmarks.md")

    def written(command: str, figure: str) -> str:
        monkeypatch.setattr(report, "PRINTED", [report.Table("Rates", [["", "a|b"], ["  SendMessage", figure]])])
        document.write(command, busy="load 0.1", date="2026-11-21")
        return (tmp_path / "benchmarks.md").read_text()

    return written


def test_each_command_has_a_section_in_the_order_of_the_page(write: Callable[[str, str], str]) -> None:
    pages = [write(command, "1") for command in ("soak", "sqs", "peers")]
    assert [line for line in pages[-1].splitlines() if line.startswith("## ")] == ["## sqs", "## peers", "## soak"]


def test_a_run_replaces_its_own_section_only(write: Callable[[str, str], str]) -> None:
    write("sqs", "111")
    write("soak", "222")
    page = write("sqs", "333")
    assert "| SendMessage | 333 |" in page
    assert "| SendMessage | 222 |" in page
    assert "111" not in page.replace("2026-11-21", "")


def test_a_section_says_when_and_by_which_command_it_came_about(write: Callable[[str, str], str]) -> None:
    page = write("sqs", "1")
    assert "- Command: `scripts/bench " in page
    assert "- Date: 2026-11-21, commit " in page
    assert "load 0.1 when the run began" in page


def test_a_bar_in_a_head_does_not_end_its_cell(write: Callable[[str, str], str]) -> None:
    assert r"|  | a\|b |" in write("sqs", "1")


def test_every_command_has_its_place_on_the_page(bench: Load) -> None:
    commands = {
        line.split('"')[1]
        for line in (SCRIPTS / "bench").read_text().splitlines()
        if line.startswith("@bench.command(")
    }
    assert commands == set(bench("document").ORDER)


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds(bench: Load) -> None:
    flat = bench("flat")
    base = [flat.Sample(100, 10), flat.Sample(200, 10), flat.Sample(50, 10)]
    own = [flat.Sample(90, 20), flat.Sample(200, 10), flat.Sample(40, 5)]
    figures = flat._figures(base, own)
    assert (figures["per_s"], figures["ratio"], figures["cpu_ratio"]) == (90, 0.9, 1.0)


@pytest.mark.parametrize(
    ("requests", "moved", "fine"), [(100, 100, True), (100, 164, True), (100, 165, False), (100, 99, False)]
)
def test_a_run_whose_messages_did_not_move_is_an_error(bench: Load, requests: int, moved: int, *, fine: bool) -> None:
    side = bench("flat").Side("a side", None, None)
    if fine:
        side.check(requests, moved, 64)
    else:
        with pytest.raises(bench("report").BenchError, match="a side: 100 answers"):
            side.check(requests, moved, 64)


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\ncontent-le", True),
    ],
)
def test_an_answer_is_timed_when_it_is_whole(bench: Load, answer: bytes, *, missing: bool) -> None:
    assert bench("pace").lacking(answer) is missing


def test_a_pause_is_no_longer_than_the_server_worked(bench: Load) -> None:
    timing = bench("pace").Timing(took_ms=[1.0, 30.0, 25.0], busy_ms=[5.0, 0.2, 22.0])
    assert timing.pause_ms() == 22.0


def test_no_new_body_of_a_fifo_lane_has_a_number_of_an_earlier_one(bench: Load) -> None:
    lane = bench("lanes").Lane(None, groups=10)
    assert list(lane._numbers(15)) == list(range(20))
    assert list(lane._numbers(10)) == list(range(20, 30))
