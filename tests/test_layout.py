"""The rules of the house (docs/architecture.md), held by a test so that nobody has to nag."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = sorted(path for top in ("emulator", "services") for path in (ROOT / top).rglob("*.py"))
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

CLOCK_DOOR = "emulator/clock.py"
CHANCE_DOOR = "emulator/ids.py"
ENVIRONMENT_DOOR = "emulator/settings.py"

PURE = (
    *(f"emulator/queue/{name}.py" for name in ("message", "core", "standard", "fifo", "fair", "lane", "due", "expiry")),
    *(f"emulator/log/{name}.py" for name in ("segment", "log", "store", "reading", "rewrite")),
    *sorted(
        name_of for name_of in (path.relative_to(ROOT).as_posix() for path in (ROOT / "emulator/pattern").rglob("*.py"))
    ),
    "emulator/router/backoff.py",
    "emulator/router/json_path.py",
    "emulator/router/transform.py",
    "emulator/schedule.py",
)
"""Cores that do no I/O and are told the time."""

TIME_NAMES = {
    "time",
    "sleep",
    "monotonic",
    "perf_counter",
    "time_ns",
    "monotonic_ns",
    "now",
    "utcnow",
    "today",
    "call_later",
    "call_at",
}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "deque", "OrderedDict", "Counter", "bytearray"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    """Name every module that a file imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.fixture(params=PRODUCT, ids=name_of)
def source(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_file_has_at_most_500_lines(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= FILE_LINES_MAX


def test_a_function_has_at_most_60_lines(source: Path) -> None:
    functions = [node for node in ast.walk(parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {
        node.name: length
        for node in functions
        if (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not too_long


def test_a_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(parse(source))


def test_no_module_is_a_bag_of_leftovers(source: Path) -> None:
    assert source.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_the_engine_knows_no_service(source: Path) -> None:
    if name_of(source).startswith("emulator/") and name_of(source) != "emulator/__main__.py":
        assert "services" not in {top(module) for module in imports(parse(source))}


def test_a_service_imports_the_engine_and_itself_only(source: Path) -> None:
    parts = source.relative_to(ROOT).parts
    if parts[0] == "services" and len(parts) > 2:
        own = f"services.{parts[1]}"
        foreign = {
            module
            for module in imports(parse(source))
            if top(module) == "services" and not f"{module}.".startswith(own + ".") and module != f"services.{parts[1]}"
        }
        assert not foreign


def test_only_the_clock_reads_time_sleeps_or_sets_timers(source: Path) -> None:
    if name_of(source) == CLOCK_DOOR:
        return
    tree = parse(source)
    assert "time" not in {top(module) for module in imports(tree)}
    for node in ast.walk(tree):
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Attribute)
            or not isinstance(node.func.value, ast.Name)
        ):
            continue
        owner, name = node.func.value.id, node.func.attr
        zero = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        if owner == "asyncio" and name == "sleep" and zero:
            continue  # gives others a turn, takes no time
        assert not (owner in {"time", "datetime", "date", "asyncio", "loop"} and name in TIME_NAMES), (
            f"{owner}.{name} at line {node.lineno}"
        )


def test_only_ids_draws_chance(source: Path) -> None:
    if name_of(source) != CHANCE_DOOR:
        assert not {"random", "secrets", "uuid"} & {top(module) for module in imports(parse(source))}


def test_only_the_settings_read_the_environment(source: Path) -> None:
    if name_of(source) == ENVIRONMENT_DOOR:
        return
    reads = [
        node.lineno
        for node in ast.walk(parse(source))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert not reads


@pytest.mark.parametrize("name", PURE)
def test_a_core_does_no_io_and_is_told_the_time(name: str) -> None:
    allowed = {"__future__", "array", "bisect", "heapq", "collections", "typing", "dataclasses", "enum", "emulator"}
    allowed |= {
        "calendar",
        "datetime",
        "decimal",
        "functools",
        "ipaddress",
        "itertools",
        "math",
        "operator",
        "orjson",
        "re",
    }
    modules = set(imports(parse(ROOT / name)))
    assert {top(module) for module in modules} <= allowed
    assert not [
        module for module in modules if module.startswith(("emulator.clock", "emulator.queue.waiters", "emulator.app"))
    ]


def test_no_module_holds_state_that_changes(source: Path) -> None:
    for node in parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        call = node.value.func.id if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) else ""
        if isinstance(node.value, MUTABLE) or call in MUTABLE_CALLS:
            constant = all(name.strip("_").isupper() for name in names)
            assert constant, f"{names} at line {node.lineno} is a variable of the module; state hangs on an Emulator"
    assert not [node.lineno for node in ast.walk(parse(source)) if isinstance(node, ast.Global)]


def test_starlette_is_only_behind_the_admin_paths(source: Path) -> None:
    if not name_of(source).startswith("emulator/admin/"):
        assert "starlette" not in {top(module) for module in imports(parse(source))}


def test_botocore_is_read_and_not_imported(source: Path) -> None:
    assert not {"botocore", "boto3"} & {top(module) for module in imports(parse(source))}


def test_no_exception_is_swallowed(source: Path) -> None:
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.ExceptHandler) and all(
            isinstance(inner, ast.Pass | ast.Continue) for inner in node.body
        ):
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            assert not broad, f"line {node.lineno}"


def test_every_service_has_the_same_inner_shape() -> None:
    for folder in (ROOT / "services").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            have = {path.stem for path in folder.glob("*.py")}
            assert {"__init__", "state", "errors", "limits"} <= have, folder.name


def test_every_operation_stands_in_one_place_under_the_name_that_aws_gives_it() -> None:
    from services import ALL

    for service in ALL:
        for name, function in service.operations.items():
            # An acronym is one word: CreateSMSSandboxPhoneNumber, create_sms_sandbox_phone_number.
            words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", name)
            assert function.__name__ == "_".join(words).lower()
