"""What is around the code: the package's description, the scripts, the README, the container files. Read, not run."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import emulator
from emulator.settings import ALIASES, FLAGS, Settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The description of the package."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return found


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


# The package.


def test_the_distribution_has_one_command_and_its_licence(project: dict[str, Any]) -> None:
    assert project["project"]["name"] == "eventyard"
    assert project["project"]["scripts"] == {"eventyard": "eventyard:main"}
    assert project["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "Version 2.0" in (ROOT / "LICENSE").read_text()


def test_the_wheel_holds_every_package_and_module_of_the_product(project: dict[str, Any]) -> None:
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert sorted(wheel) == ["emulator", "eventyard.py", "services"]
    for name in wheel:
        assert (ROOT / name).exists()


def test_the_version_stands_in_one_place(project: dict[str, Any]) -> None:
    assert project["project"]["dynamic"] == ["version"]
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "emulator/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", emulator.__version__)
    assert importlib.metadata.version("eventyard") == emulator.__version__
    places = [
        path.relative_to(ROOT).as_posix()
        for top in ("emulator", "services")
        for path in (ROOT / top).rglob("*.py")
        if re.search(rf"(?<![\d.]){re.escape(emulator.__version__)}(?![\d.])", path.read_text())
    ]
    assert places == ["emulator/__init__.py"]
    assert f'"{emulator.__version__}"' not in (ROOT / "pyproject.toml").read_text()
    assert not [
        name for name in ("Dockerfile", "docker-compose.yml") if emulator.__version__ in (ROOT / name).read_text()
    ]


def test_the_changelog_begins_with_the_present_version() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == emulator.__version__


def test_python_3_11_is_the_oldest_that_is_supported_everywhere(project: dict[str, Any]) -> None:
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert "(3, 11)" in (ROOT / "scripts" / "venv").read_text()


def test_no_client_and_no_test_tool_is_installed_with_the_product(project: dict[str, Any]) -> None:
    names = {re.split(r"[\s<>=;\[]", need)[0].lower() for need in project["project"]["dependencies"]}
    assert not names & {"boto3", "awscli", "pytest", "fastapi", "flask", "requests"}
    extra = {re.split(r"[\s<>=;\[]", need)[0].lower() for need in project["project"]["optional-dependencies"]["test"]}
    assert extra >= {"boto3", "awscli", "pytest", "ruff", "mypy"}


def test_the_javascript_client_is_locked_and_private() -> None:
    folder = ROOT / "tests" / "clients" / "javascript"
    package = json.loads((folder / "package.json").read_text())
    lock = json.loads((folder / "package-lock.json").read_text())
    assert package["private"] is True
    clients = {f"@aws-sdk/client-{name}" for name in ("eventbridge", "sns", "sqs", "sts")}
    assert set(package["devDependencies"]) == {*clients, "@platformatic/kafka", "kafkajs", "sns-validator"}
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]


# The scripts.


@pytest.mark.parametrize(
    "name", ["scripts/serve", "scripts/test", "scripts/check", "scripts/venv", "scripts/coverage", ".ci/run"]
)
def test_a_script_can_be_executed_and_stops_at_its_first_error(name: str) -> None:
    path = ROOT / name
    assert os.access(path, os.X_OK)
    text = path.read_text()
    assert text.startswith(("#!/usr/bin/env bash\n", "#!/usr/bin/env python3\n"))
    if "bash" in text.partition("\n")[0]:
        assert "\nset -euo pipefail\n" in text


def test_everything_in_scripts_can_be_executed() -> None:
    files = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert not [path.name for path in files if not os.access(path, os.X_OK)]


def test_ci_runs_the_two_commands_of_the_readme_and_nothing_more() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert [line.removeprefix("./") for line in lines if "scripts/" in line] == ["scripts/test", "scripts/check"]


@pytest.mark.parametrize("name", ["serve", "test", "check"])
def test_a_script_makes_the_environment_that_it_needs(name: str) -> None:
    assert "scripts/venv" in (ROOT / "scripts" / name).read_text()


def test_the_environment_is_made_with_uv_or_else_with_pip() -> None:
    text = (ROOT / "scripts" / "venv").read_text()
    assert "command -v uv" in text
    assert "uv pip install" in text
    assert "-m pip install" in text


def test_check_looks_at_lint_format_types_and_the_readme() -> None:
    text = (ROOT / "scripts" / "check").read_text()
    for tool in ("ruff check ", "ruff format --check ", "mypy", "scripts/coverage --check"):
        assert tool in text


# The README.


@pytest.mark.parametrize("command", ["./scripts/serve", "./scripts/test"])
def test_the_readme_names_the_two_commands(readme: str, command: str) -> None:
    assert command in readme


def test_the_readme_shows_boto3_the_endpoint_and_the_container(readme: str) -> None:
    assert "```python" in readme
    assert "boto3" in readme
    assert "AWS_ENDPOINT_URL=http://localhost:4566" in readme
    assert "docker compose up" in readme


@pytest.mark.parametrize("name", FLAGS)
def test_the_readme_names_every_setting(readme: str, name: str) -> None:
    assert f"--{name.replace('_', '-')}`" in readme


def test_the_readme_says_that_every_setting_has_a_variable(readme: str) -> None:
    assert "EVENTYARD_*" in readme or "`--log-level` is `EVENTYARD_LOG_LEVEL`" in readme


@pytest.mark.parametrize("name", sorted({source.name for source in ALIASES}))
def test_the_readme_names_every_setting_of_localstack_that_is_understood(readme: str, name: str) -> None:
    assert name in readme


def test_the_readme_s_links_lead_somewhere(readme: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", readme) if not link.startswith(("http", "#", "mailto:"))]
    assert not [link for link in links if not (ROOT / link.partition("#")[0]).exists()]


# The container.


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile: instruction and argument, continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    pairs = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name.upper(), argument.strip()) for name, _, argument in pairs]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(n for n, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def arguments(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for instruction, argument in stage if instruction == name]


def test_the_image_stands_on_a_slim_python() -> None:
    image = final_stage()[0][1].split()[0]
    assert re.fullmatch(r"(?:docker\.io/(?:library/)?)?python:3\.1[1-9](?:\.\d+)?-slim(?:-\w+)?", image)


def test_the_image_runs_as_somebody_else_than_root() -> None:
    users = arguments(final_stage(), "USER")
    assert users
    assert users[-1].partition(":")[0] not in ("", "root", "0")


def test_the_image_checks_its_health_every_second_with_what_python_has() -> None:
    [check] = arguments(final_stage(), "HEALTHCHECK")
    options, _, command = check.partition("CMD")
    assert "--interval=1s" in shlex.split(options)
    assert "python" in command
    assert "4566" in command
    assert "/health" in command
    assert not re.search(r"\b(curl|wget)\b", check)


def test_the_image_installs_nothing_only_to_check_its_health() -> None:
    assert not [line for line in arguments(final_stage(), "RUN") if re.search(r"\b(curl|wget)\b", line)]


def test_the_image_starts_the_server_directly_so_that_signals_reach_it() -> None:
    stage = final_stage()
    [*_, start] = arguments(stage, "ENTRYPOINT") or arguments(stage, "CMD")
    command = json.loads(start)
    assert command[0].rpartition("/")[2] == "eventyard" or command[1:3] == ["-m", "emulator"]


def test_the_server_in_the_image_listens_on_all_addresses_and_says_so() -> None:
    stage = final_stage()
    everything = " ".join(argument for _, argument in stage)
    assert "0.0.0.0" in everything
    assert "4566" in " ".join(arguments(stage, "EXPOSE")).split()


def test_the_image_takes_no_rubbish_from_the_working_copy() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split() if (ROOT / ".dockerignore").exists() else []
    copies = [shlex.split(line) for line in [*arguments(instructions(), "COPY"), *arguments(instructions(), "ADD")]]
    whole = [words for words in copies if "." in words[:-1] or "./" in words[:-1]]
    assert not whole or {".git", ".venv"} <= {name.strip("/") for name in ignored}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The one service of docker-compose.yml."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    [service] = document["services"].values()
    return dict(service)


def test_compose_builds_the_image_from_here(compose: dict[str, Any]) -> None:
    build = compose["build"]
    assert (build if isinstance(build, str) else build["context"]) in (".", "./")


def test_compose_opens_the_ports_of_aws_and_of_kafka(compose: dict[str, Any]) -> None:
    ports = [str(port["target"]) if isinstance(port, dict) else str(port).split(":")[-1] for port in compose["ports"]]
    assert {port.partition("/")[0] for port in ports} == {"4566", "9092"}
    assert str(Settings().port) == "4566"


def test_compose_checks_the_health_of_the_server(compose: dict[str, Any]) -> None:
    check = compose["healthcheck"]
    assert check["interval"] == "1s"
    command = check.get("test", "python")
    words = command if isinstance(command, str) else " ".join(command)
    assert "python" in words
    assert not re.search(r"\b(curl|wget)\b", words)
