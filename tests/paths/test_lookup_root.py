"""The root path, and requests that are no AWS call: what a person sees who opens the URL in a browser or mistypes it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.harness import Harness

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_root_says_what_this_is_and_how_to_point_an_sdk_at_it(cloud: Harness, method: str) -> None:
    answer = cloud.request(method, "/", headers={"Host": "my-machine:4570"})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    text = "Eventyard emulates events, kafka, sns, sqs, sts. Set AWS_ENDPOINT_URL=http://my-machine:4570 and use any AWS SDK.\n"
    assert answer.headers["content-length"] == str(len(text))
    assert answer.text == ("" if method == "HEAD" else text)


def test_the_root_names_only_the_services_that_run(cloud_with: Callable[..., Harness]) -> None:
    answer = cloud_with(services=frozenset({"sqs"})).request("GET", "/")
    assert answer.text.startswith("Eventyard emulates sqs. ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("PUT", "/"),
        ("DELETE", "/"),
        ("GET", "/favicon.ico"),
        ("GET", "/index.html"),
        ("GET", "/000000000000"),
        ("GET", "/12/jobs"),
        ("GET", "/_aws"),
        ("GET", "//"),
    ],
)
def test_a_request_that_is_no_aws_call_is_told_so(cloud: Harness, method: str, path: str) -> None:
    answer = cloud.request(method, path)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == (
        "This is no AWS request: it has neither an X-Amz-Target header nor an Action parameter nor a signature.\n"
    )


def test_json_without_a_target_is_no_aws_call(cloud: Harness) -> None:
    answer = cloud.request("POST", "/", body=b'{"QueueName":"jobs"}', headers={"Content-Type": "application/json"})
    assert answer.status == 404
    assert answer.text.startswith("This is no AWS request")


@pytest.mark.parametrize("path", ["/_aws/", "/_aws/nothing", "/_aws/sqs", "/_aws/sqs/messagesx", "/_aws/ses"])
def test_a_developer_look_up_that_there_is_none_of_answers_404(cloud: Harness, path: str) -> None:
    answer = cloud.request("GET", path)
    assert (answer.status, answer.text) == (404, f"Nothing is at {path}\n")


def test_a_look_up_of_a_service_that_does_not_run_answers_404(cloud_with: Callable[..., Harness]) -> None:
    answer = cloud_with(services=frozenset({"sts"})).request("GET", "/_aws/sqs/messages", query="QueueUrl=x")
    assert (answer.status, answer.text) == (404, "Nothing is at /_aws/sqs/messages\n")


def test_a_signed_request_without_an_action_is_an_error_of_its_service(cloud: Harness) -> None:
    answer = cloud.request("GET", "/", headers={"Authorization": SIGNED.format("sqs")})
    assert (answer.status, answer.headers["content-type"]) == (400, "text/xml")
    assert "<Code>MissingAction</Code>" in answer.text


def test_a_queue_s_own_url_without_an_action_answers_404(cloud: Harness) -> None:
    assert cloud.request("GET", "/000000000000/jobs").status == 404


def test_a_signed_request_of_a_service_that_is_not_emulated_is_told_which_are(cloud: Harness) -> None:
    answer = cloud.request("GET", "/bucket/key", headers={"Authorization": SIGNED.format("s3")})
    assert (answer.status, answer.headers["content-type"]) == (501, "text/xml")
    assert "<Code>NotImplemented</Code>" in answer.text
    assert "The service s3 is not emulated by Eventyard. Services that are: events, sns, sqs, sts." in answer.text


@pytest.mark.parametrize(
    ("target", "service"),
    [("DynamoDB_20120810.ListTables", "DynamoDB"), ("Kinesis_20131202.PutRecord", "Kinesis")],
)
def test_a_json_call_of_a_service_that_is_not_emulated_is_told_which_are(
    cloud: Harness, target: str, service: str
) -> None:
    answer = cloud.request(headers={"X-Amz-Target": target}, body=b"{}")
    assert answer.status == 501
    assert json.loads(answer.body) == {
        "__type": "com.amazon.coral.service#NotImplementedException",
        "message": f"The service {service} is not emulated by Eventyard. Services that are: events, sns, sqs, sts.",
    }
    assert len(answer.headers["x-amzn-requestid"]) == 36
