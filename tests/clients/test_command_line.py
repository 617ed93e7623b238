"""The `eventyard` command as its users type it: help, mistakes, the banner, settings, the log, and foreign packages of the
same names.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator import __version__
from emulator.settings import ALIASES, FLAGS
from tests.support.errors import error_of
from tests.support.server import Server, run

Start = Callable[..., Server]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port


def mistake(*flags: str, **variables: str) -> str:
    """Run a command that must fail, and read its one line."""
    done = run(*flags, **variables)
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("eventyard: ")
    return line.removeprefix("eventyard: ")


# Help and mistakes.


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_flag_and_every_name_of_localstack(flag: str) -> None:
    done = run(flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [name for name in FLAGS if f"--{name.replace('_', '-')} " not in done.stdout]
    assert not [source.name for source in ALIASES if source.name not in done.stdout]


def test_version_prints_the_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"eventyard {__version__}\n", "")


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--port=x", "--port=x: must be a number"),
        ("--port=65536", "--port=65536: must be less than or equal to 65535"),
        ("--account-id=12", "--account-id=12: must be 12 digits"),
        ("--region=nowhere", "--region=nowhere: must be the name of an AWS region, such as eu-west-1"),
        ("--log-level=loud", "--log-level=loud: must be 'debug', 'info', 'warning' or 'error'"),
        ("--services=sqs,nope", "--services=sqs,nope: AWS has no service 'nope'"),
        ("--cors-checks=maybe", "--cors-checks=maybe: must be 1 or 0"),
        ("--public-host=http://example.com/", "--public-host=http://example.com/: "),
        ("--bogus", "No such option"),
        ("--port", "Option '--port' requires an argument"),
        ("extra", "Got unexpected extra argument (extra)"),
    ],
)
def test_a_bad_flag_is_one_clear_line_and_exit_code_2(flag: str, says: str) -> None:
    assert mistake(flag).startswith(says)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENTYARD_PORT", "x"),
        ("GATEWAY_LISTEN", "0.0.0.0:4566:1"),
        ("DEBUG", "perhaps"),
        ("LS_LOG", "loud"),
        ("SERVICES", "nope"),
        ("SQS_ENDPOINT_STRATEGY", "odd"),
        ("DISABLE_CORS_CHECKS", "maybe"),
    ],
)
def test_a_bad_variable_is_named_in_one_clear_line(name: str, value: str) -> None:
    assert mistake(**{name: value}).startswith(f"{name}={value}: ")


def test_a_taken_port_is_one_clear_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        line = mistake("--port", str(port))
    assert line == (f"port {port} on 127.0.0.1 is already in use: end what uses it, or choose another with --port")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64])
def test_a_host_that_does_not_exist_is_one_clear_line(host: str) -> None:
    assert mistake("--host", host, "--port", "0", RES_OPTIONS="timeout:1 attempts:1") == (
        f"cannot listen on {host}: no such host or address"
    )


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    assert mistake("--host", "192.0.2.1", "--port", "0").startswith("cannot listen on 192.0.2.1:0: ")


# The banner.


def test_the_banner_names_the_url_and_what_to_export_and_ends_with_ready(server: Server) -> None:
    assert re.fullmatch(
        rf"Eventyard {re.escape(__version__)}: events, sns, sqs, sts at http://localhost:\d+", server.out[0]
    )
    [export] = [line for line in server.out if "export" in line]
    assert f"AWS_ENDPOINT_URL={server.url} " in export
    assert (server.out[-1], server.out.count("Ready.")) == ("Ready.", 1)


def test_nothing_is_on_stderr_by_default_errors_of_clients_included(start: Start) -> None:
    server = start()
    sqs = server.client("sqs")
    sqs.create_queue(QueueName="jobs")
    error_of(sqs.get_queue_url, QueueName="none")
    assert server.stop() == 0
    assert server.err == []


def test_the_module_can_be_run_as_well(start: Start) -> None:
    server = start(command=(sys.executable, "-m", "emulator"), folder=Path(__file__).resolve().parents[2])
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


# Packages of a user's own.


@pytest.mark.parametrize("shape", ["{}.py", "{}/__init__.py"])
def test_a_user_s_own_packages_of_our_names_are_neither_in_the_way_nor_touched(
    start: Start, tmp_path: Path, shape: str
) -> None:
    for name in ("services", "emulator"):
        foreign = tmp_path / shape.format(name)
        foreign.parent.mkdir(exist_ok=True)
        foreign.write_text(
            f"import pathlib\npathlib.Path(r'{tmp_path}', 'touched').touch()\nraise ImportError('foreign')\n"
        )
    server = start(folder=tmp_path, variables={"PYTHONPATH": str(tmp_path)})
    url = server.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    server.client("sts").get_caller_identity()
    assert server.request("GET", "/health").status == 200
    shown = server.request("GET", f"/_aws/sqs/messages?QueueUrl={url}", headers={"Accept": "application/json"})
    assert shown.status == 200
    assert server.stop() == 0
    assert "Traceback" not in server.output
    assert not (tmp_path / "touched").exists()


# Settings.


def test_account_and_region_come_from_the_environment_where_the_caller_names_none(start: Start) -> None:
    server = start(variables={"EVENTYARD_ACCOUNT_ID": "111122223333", "EVENTYARD_REGION": "eu-west-1"})
    server.request("GET", "/?Action=CreateQueue&QueueName=jobs&Version=2012-11-05")
    shown = server.request("GET", "/111122223333/jobs?Action=GetQueueAttributes&AttributeName.1=QueueArn")
    assert b"arn:aws:sqs:eu-west-1:111122223333:jobs" in shown.body


def test_gateway_listen_takes_several_ports_and_serves_one_world_on_them(start: Start) -> None:
    first, second = free_port(), free_port()
    server = start(port=None, variables={"GATEWAY_LISTEN": f"127.0.0.1:{first},127.0.0.1:{second}"})
    assert server.port == first
    server.client("sqs").create_queue(QueueName="jobs")
    other = server.client("sqs", endpoint=f"http://127.0.0.1:{second}")
    assert other.list_queues()["QueueUrls"] == [f"http://127.0.0.1:{second}/000000000000/jobs"]


def test_a_flag_beats_the_environment(start: Start) -> None:
    port = free_port()
    server = start(port=str(port), variables={"EVENTYARD_PORT": "1", "GATEWAY_LISTEN": "127.0.0.1:2"})
    assert server.port == port


def test_services_leaves_the_others_out(start: Start) -> None:
    server = start(variables={"SERVICES": "sqs"})
    assert server.out[0].startswith(f"Eventyard {__version__}: sqs at ")
    server.client("sqs").create_queue(QueueName="jobs")
    seen = error_of(server.client("sts").get_caller_identity)
    assert seen == (
        "NotImplemented",
        "Service 'sts' is not enabled. Please check your 'SERVICES' configuration variable.",
        501,
    )
    assert json.loads(server.request("GET", "/health").body)["services"] == {
        "events": "disabled",
        "kafka": "disabled",
        "sns": "disabled",
        "sqs": "running",
        "sts": "disabled",
    }


def test_a_service_of_aws_that_is_not_emulated_is_said_and_left_out(start: Start) -> None:
    server = start(variables={"SERVICES": "sqs,s3,dynamodb"})
    server.client("sqs").create_queue(QueueName="jobs")
    assert server.stop() == 0
    assert server.err == ["eventyard: not emulated, so left out: dynamodb, s3"]


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("LOCALSTACK_HOST", "cloud.test:4510", "http://cloud.test:4510/000000000000/jobs"),
        ("LOCALSTACK_HOST", "cloud.test", "http://cloud.test:{port}/000000000000/jobs"),
        ("SQS_ENDPOINT_STRATEGY", "standard", "http://sqs.eu-west-1.localhost:{port}/000000000000/jobs"),
        ("SQS_ENDPOINT_STRATEGY", "domain", "http://eu-west-1.queue.localhost:{port}/000000000000/jobs"),
        ("SQS_ENDPOINT_STRATEGY", "path", "http://localhost:{port}/queue/eu-west-1/000000000000/jobs"),
        ("SQS_ENDPOINT_STRATEGY", "dynamic", "http://localhost:{port}/000000000000/jobs"),
    ],
)
def test_queue_urls_have_the_form_that_localstack_s_variables_ask_for(
    start: Start, name: str, value: str, form: str
) -> None:
    server = start(variables={name: value})
    sqs = server.client("sqs", region="eu-west-1")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert url == form.format(port=server.port)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not ipv6(), reason="this machine has no IPv6 loopback")
def test_the_server_listens_on_ipv6_and_its_banner_names_a_url_that_reaches_it(start: Start) -> None:
    server = start("--host", "::1")
    assert server.client("sqs", endpoint=f"http://[::1]:{server.port}").create_queue(QueueName="jobs")["QueueUrl"] == (
        f"http://[::1]:{server.port}/000000000000/jobs"
    )
    assert "QueueUrls" in server.client("sqs").list_queues()


# The log.


@pytest.fixture
def logged(start: Start) -> Callable[..., tuple[Server, list[str]]]:
    """Make a good call and a bad one, stop; gives the server and the two request ids."""

    def make(*flags: str, **variables: str) -> tuple[Server, list[str]]:
        server = start(*flags, variables=variables)
        sqs = server.client("sqs")
        good = sqs.create_queue(QueueName="jobs")["ResponseMetadata"]["RequestId"]
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
            sqs.get_queue_url(QueueName="none")
        assert server.stop() == 0
        return server, [good, caught.value.response["ResponseMetadata"]["RequestId"]]

    return make


def test_at_info_a_request_is_one_line_with_its_status_its_error_and_its_id(logged: Any) -> None:
    server, (good, bad) = logged("--log-level", "info")
    assert [line.partition(" : ")[2] for line in server.err] == [
        f"AWS sqs.CreateQueue => 200 [{good}]",
        f"AWS sqs.GetQueueUrl => 400 (AWS.SimpleQueueService.NonExistentQueue) [{bad}]",
    ]


def test_as_json_a_request_is_one_object_with_fields(logged: Any) -> None:
    server, (good, bad) = logged("--log-level", "info", "--log-format", "json")
    first, second = map(json.loads, server.err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info",
        "logger": "eventyard.request",
        "message": f"AWS sqs.CreateQueue => 200 [{good}]",
        "service": "sqs",
        "operation": "CreateQueue",
        "status": 200,
        "request_id": good,
    }
    assert (second["operation"], second["status"], second["request_id"]) == ("GetQueueUrl", 400, bad)
    assert second["error"] == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({"DEBUG": "1"}, 2),
        ({"DEBUG": "0"}, 0),
        ({"LS_LOG": "info"}, 2),
        ({"DEBUG": "1", "LS_LOG": "error"}, 0),
        ({"LS_LOG": "info", "EVENTYARD_LOG_LEVEL": "warning"}, 0),
    ],
)
def test_the_log_level_can_come_from_localstack_s_variables(logged: Any, variables: dict[str, str], lines: int) -> None:
    server, _ = logged(**variables)
    assert len(server.requests) == lines


def test_what_a_caller_writes_cannot_forge_a_line_of_the_log(start: Start) -> None:
    server = start("--log-level", "info")
    answer = server.request(
        "GET", "/?Version=2012-11-05&Action=Forged%0A2026-01-01T00:00:00.000Z%20%20INFO%20x%20:%20AWS"
    )
    assert answer.status == 400
    assert server.stop() == 0
    assert len(server.err) == 1
