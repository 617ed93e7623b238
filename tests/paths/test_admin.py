"""The admin paths: health, info and reset, under Eventyard's names and under LocalStack's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from emulator import __version__
from tests.support.errors import error_of
from tests.support.harness import Answer, Harness

HEALTH = ("/health", "/_eventyard/health", "/_localstack/health")
RESET = ("/_eventyard/reset", "/_localstack/state/reset")


def parsed(answer: Answer) -> Any:
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


# Health and info.


@pytest.mark.parametrize("path", HEALTH)
def test_health_has_localstack_s_shape(cloud: Harness, path: str) -> None:
    assert parsed(cloud.request("GET", path)) == {
        "services": {
            "events": "available",
            "kafka": "available",
            "sns": "available",
            "sqs": "available",
            "sts": "available",
        },
        "edition": "eventyard",
        "version": __version__,
    }


def test_health_says_running_of_a_service_that_was_used(cloud: Harness, sqs: Any) -> None:
    sqs.list_queues()
    assert parsed(cloud.request("GET", "/health"))["services"] == {
        "events": "available",
        "kafka": "available",
        "sns": "available",
        "sqs": "running",
        "sts": "available",
    }


def test_kafka_without_a_port_is_left_out(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(kafka_port=0)
    assert parsed(cloud.request("GET", "/health"))["services"]["kafka"] == "disabled"
    assert cloud.request("GET", "/_eventyard/kafka").status == 404


def test_health_says_disabled_of_a_service_that_was_left_out(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(services=frozenset({"sqs"}))
    assert parsed(cloud.request("GET", "/health"))["services"] == {
        "events": "disabled",
        "kafka": "disabled",
        "sns": "disabled",
        "sqs": "available",
        "sts": "disabled",
    }


@pytest.mark.parametrize("path", HEALTH)
def test_health_can_be_asked_with_head(cloud: Harness, path: str) -> None:
    assert cloud.request("HEAD", path).status == 200


def test_health_is_asked_without_a_signature_and_with_any(cloud: Harness) -> None:
    signature = "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/s3/aws4_request, Signature=x"
    assert cloud.request("GET", "/health", headers={"Authorization": signature}).status == 200


def test_info_tells_version_and_uptime_by_the_emulator_s_clock(cloud: Harness) -> None:
    cloud.advance(90)
    info = parsed(cloud.request("GET", "/_localstack/info"))
    assert (info["version"], info["edition"], info["is_license_activated"]) == (__version__, "eventyard", False)
    assert (info["uptime"], info["server_time_utc"]) == (90, "2026-01-01T00:01:30.000Z")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", info["session_id"])
    assert set(info) >= {"machine_id", "system", "is_docker"}


# Reset.


@pytest.mark.parametrize("path", RESET)
def test_reset_forgets_all_accounts_and_regions(cloud: Harness, path: str) -> None:
    clients = [
        cloud.client(),
        cloud.client(account="111122223333"),
        cloud.client(account="111122223333", region="eu-west-1"),
    ]
    for client in clients:
        client.create_queue(QueueName="jobs")
    answer = cloud.request("POST", path)
    assert (answer.status, answer.body) == (200, b"")
    assert not [client for client in clients if "QueueUrls" in client.list_queues()]


def test_after_a_reset_a_queue_of_the_same_name_can_be_made_at_once_and_is_new(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="old")
    sqs.create_queue(QueueName="gone")
    sqs.delete_queue(QueueUrl=url.replace("jobs", "gone"))
    cloud.request("POST", "/_eventyard/reset")
    for name in ("jobs", "gone"):
        again = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
        assert "Messages" not in sqs.receive_message(QueueUrl=again)


def test_a_receipt_handle_from_before_a_reset_is_refused(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    cloud.request("POST", "/_eventyard/reset")
    sqs.create_queue(QueueName="jobs")
    assert error_of(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle).code == "ReceiptHandleIsInvalid"


def test_a_parked_long_poll_is_answered_with_nothing_by_a_reset(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    poll = cloud.background(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
    assert not poll.done()
    cloud.request("POST", "/_eventyard/reset")
    assert "Messages" not in poll.result(timeout=20)


def test_a_reset_leaves_no_timer_behind(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    poll = cloud.background(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
    cloud.request("POST", "/_eventyard/reset")
    poll.result(timeout=20)
    assert cloud.run(lambda emulator: emulator.clock.timers) == 0


def test_a_reset_ends_running_move_tasks(cloud: Harness, sqs: Any) -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})
    for n in range(5):
        sqs.send_message(QueueUrl=dead, MessageBody=str(n))
    target = arn.replace("dead", "jobs")
    sqs.start_message_move_task(SourceArn=arn, DestinationArn=target, MaxNumberOfMessagesPerSecond=1)
    cloud.request("POST", "/_eventyard/reset")
    cloud.advance(10)
    assert cloud.run(lambda emulator: (len(emulator.tasks), emulator.tasks.failed)) == (0, 0)


def test_the_state_of_one_service_can_be_reset_alone(cloud: Harness, sqs: Any) -> None:
    sts = cloud.client("sts")
    role = "arn:aws:iam::444455556666:role/deploy"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]["AccessKeyId"]
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert cloud.request("POST", "/_localstack/state/sts/reset").status == 200
    assert sqs.list_queues()["QueueUrls"] == [url]
    identity = cloud.client("sts", account=keys).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::444455556666:root"

    assert cloud.request("POST", "/_localstack/state/sqs/reset").status == 200
    assert "QueueUrls" not in sqs.list_queues()


def test_resetting_a_service_that_does_not_run_says_which_do(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    answer = cloud.request("POST", "/_localstack/state/nope/reset")
    assert answer.status == 404
    assert json.loads(answer.body) == {"message": "no service 'nope' runs here; these do: events, kafka, sns, sqs, sts"}
    assert sqs.list_queues()["QueueUrls"] == [url]


def test_a_service_resets_without_ever_having_been_used(cloud: Harness) -> None:
    assert cloud.request("POST", "/_localstack/state/sqs/reset").status == 200
    assert cloud.request("POST", "/_eventyard/reset").status == 200


# Paths and methods that there are none of.


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_eventyard"),
        ("GET", "/_eventyard/nothing"),
        ("GET", "/_localstack/nothing"),
        ("POST", "/_localstack/state/sqs/nothing"),
        ("GET", "/healthz"),
    ],
)
def test_an_unknown_path_answers_404(cloud: Harness, method: str, path: str) -> None:
    assert cloud.request(method, path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *(("POST", path, {"GET", "HEAD"}) for path in (*HEALTH, "/_localstack/info")),
        *(("GET", path, {"POST"}) for path in (*RESET, "/_localstack/state/sqs/reset")),
    ],
)
def test_a_wrong_method_answers_405_and_names_the_right_ones(
    cloud: Harness, sqs: Any, method: str, path: str, allowed: set[str]
) -> None:
    sqs.create_queue(QueueName="jobs")
    answer = cloud.request(method, path)
    assert (answer.status, set(answer.headers["allow"].split(", "))) == (405, allowed)
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_two_emulators_in_one_process_reset_apart(cloud: Harness, cloud_with: Callable[..., Harness], sqs: Any) -> None:
    sqs.create_queue(QueueName="jobs")
    other = cloud_with()
    assert other.request("POST", "/_eventyard/reset").status == 200
    shown = cloud.request("GET", "/", query="Action=ListQueues&Version=2012-11-05")
    assert b"<QueueUrl>http://localhost:4566/000000000000/jobs</QueueUrl>" in shown.body
