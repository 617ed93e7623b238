"""From a request to a call: whose account, which region, which service and operation, and what is answered when that cannot be told."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from emulator.http import Request
from emulator.identify import Call, Directory, Unidentified, host_region
from emulator.ids import Ids, access_key
from emulator.settings import Settings
from services import ALL

FORM = "application/x-www-form-urlencoded; charset=utf-8"
JSON = "application/x-amz-json-1.0"


def directory(*, enabled: tuple[str, ...] = ("sqs", "sts"), **settings: Any) -> Directory:
    return Directory([service for service in ALL if service.name in enabled], ALL, Settings(**settings))


@pytest.fixture(scope="module")
def everything() -> Directory:
    return directory()


def credential(key: str = "test", region: str = "us-east-1", service: str = "sqs") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=0123456789abcdef"
    )


def request(
    method: str = "POST",
    path: str = "/",
    *,
    query: str = "",
    body: bytes = b"",
    host: str = "localhost:4566",
    **headers: str,
) -> Request:
    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(
        method, path, query.encode(), {name.encode(): value.encode("latin-1") for name, value in named.items()}, body
    )


def form(body: str, path: str = "/", **headers: str) -> Request:
    return request(path=path, body=body.encode(), content_type=FORM, **headers)


def called(found: object) -> tuple[str, str]:
    assert isinstance(found, Call), found
    return found.service.name, found.operation


def refused(found: object) -> tuple[str, int]:
    assert isinstance(found, Unidentified), found
    return found.error.code, found.error.status


# Account.


@pytest.mark.parametrize("key", ["123456789012", "000000000001", "999999999999"])
def test_an_access_key_of_12_digits_is_the_account(everything: Directory, key: str) -> None:
    scope = everything.scope(request(authorization=credential(key)))
    assert (scope.access_key, scope.account) == (key, key)


@pytest.mark.parametrize(
    "key",
    [
        "test",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "12345678901",
        "1234567890123",
        "12345678901a",
        "LSIAgarbage",
    ],
)
def test_any_other_access_key_means_the_default_account(everything: Directory, key: str) -> None:
    assert everything.scope(request(authorization=credential(key))).account == "000000000000"


def test_the_default_account_is_the_setting() -> None:
    found = directory(account_id="111122223333")
    assert found.scope(request(authorization=credential("test"))).account == "111122223333"
    assert found.scope(request()).account == "111122223333"


def test_digits_of_another_script_are_no_account(everything: Directory) -> None:
    key = "\xb2" * 12  # superscript two: a digit to Python
    assert key.isdigit()
    assert everything.scope(request(authorization=credential(key))).account == "000000000000"


def test_a_session_key_of_our_sts_carries_its_account(everything: Directory) -> None:
    key = access_key("LSIA", "210987654321", Ids(1))
    assert everything.scope(request(authorization=credential(key))).account == "210987654321"


def test_a_request_without_a_signature_is_of_the_default_account(everything: Directory) -> None:
    assert everything.scope(request()) == ("", "000000000000", "", "")


@pytest.mark.parametrize("header", ["", "Basic dXNlcg==", "AWS4-HMAC-SHA256 Credential=test", "AWS test:signature"])
def test_an_authorization_of_another_kind_is_as_good_as_none(everything: Directory, header: str) -> None:
    assert everything.scope(request(authorization=header)).service == ""


def test_a_presigned_url_says_as_much_as_a_header(everything: Directory) -> None:
    value = quote("123456789012/20260101/eu-west-3/sqs/aws4_request", safe="")
    query = f"Action=ListQueues&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={value}&X-Amz-Signature=00"
    found = everything.identify(request("GET", query=query))
    assert called(found) == ("sqs", "ListQueues")
    assert isinstance(found, Call)
    assert (found.scope.account, found.region) == ("123456789012", "eu-west-3")


def test_the_scopes_that_are_remembered_are_bounded(everything: Directory) -> None:
    for number in range(10_000):
        everything.scope(request(authorization=credential(f"key{number}")))
    assert len(everything._scopes) <= 4096


# Region.


@pytest.mark.parametrize(
    ("host", "scope_region", "region"),
    [
        ("localhost:4566", "eu-north-1", "eu-north-1"),
        ("sqs.eu-west-1.amazonaws.com", "eu-north-1", "eu-north-1"),
        ("sqs.eu-west-1.localhost.localstack.cloud:4566", "", "eu-west-1"),
        ("SQS.EU-WEST-1.amazonaws.com", "", "eu-west-1"),
        ("eu-west-2.queue.amazonaws.com", "", "eu-west-2"),
        ("sqs.us-gov-west-1.amazonaws.com", "", "us-gov-west-1"),
        ("queue.amazonaws.com", "", "us-west-2"),
        ("localhost:4566", "", "us-west-2"),
        ("", "", "us-west-2"),
    ],
)
def test_the_region_is_that_of_the_signature_else_of_the_host_else_the_setting(
    host: str, scope_region: str, region: str
) -> None:
    headers = {"authorization": credential(region=scope_region)} if scope_region else {}
    found = directory(region="us-west-2").identify(request(host=host, x_amz_target="AmazonSQS.ListQueues", **headers))
    assert isinstance(found, Call)
    assert found.region == region


@pytest.mark.parametrize("host", ["localhost", "1.2.3.4:80", "a.b.eu-west-1.c", "[::1]:4566", "eu-west.example", ""])
def test_a_host_without_a_region_in_front_names_none(host: str) -> None:
    assert host_region(host) == ""


# Service and operation, JSON.


def test_a_target_names_service_and_operation(everything: Directory) -> None:
    found = everything.identify(request(x_amz_target="AmazonSQS.SendMessage", content_type=JSON))
    assert called(found) == ("sqs", "SendMessage")
    assert isinstance(found, Call)
    assert found.form is None


@pytest.mark.parametrize("path", ["/", "/123456789012/jobs", "/anything"])
def test_a_target_counts_on_any_path_and_whatever_the_content_type(everything: Directory, path: str) -> None:
    found = everything.identify(request(path=path, x_amz_target="AmazonSQS.ReceiveMessage", content_type=FORM))
    assert called(found) == ("sqs", "ReceiveMessage")


@pytest.mark.parametrize("operation", ["Nonsense", "", "sendMessage", "SendMessage "])
def test_an_operation_that_the_model_lacks_is_invalid(everything: Directory, operation: str) -> None:
    found = everything.identify(request(x_amz_target=f"AmazonSQS.{operation}", authorization=credential()))
    assert refused(found) == ("InvalidAction", 400)
    assert isinstance(found, Unidentified)
    assert found.error.type == "UnknownOperationException"
    assert found.service is not None
    assert (found.service.name, found.json) == ("sqs", True)


@pytest.mark.parametrize(
    ("target", "service"), [("DynamoDB_20120810.ListTables", "dynamodb"), ("Kinesis_20131202.PutRecord", "kinesis")]
)
def test_the_target_of_a_service_that_is_not_emulated_is_told_by_its_name(
    everything: Directory, target: str, service: str
) -> None:
    found = everything.identify(request(x_amz_target=target, authorization=credential(service=service)))
    assert refused(found) == ("NotImplemented", 501)
    assert isinstance(found, Unidentified)
    assert service in found.error.message
    assert "sqs, sts" in found.error.message
    assert (found.service, found.json, found.label) == (None, True, service)


@pytest.mark.parametrize("target", ["", ".", "nonsense", "AmazonSQSSendMessage", "\xff.x"])
def test_a_target_that_names_no_service_is_not_emulated(everything: Directory, target: str) -> None:
    assert refused(everything.identify(request(x_amz_target=target))) == ("NotImplemented", 501)


def test_a_service_that_the_settings_leave_out_is_not_enabled() -> None:
    found = directory(enabled=("sts",)).identify(
        request(x_amz_target="AmazonSQS.ListQueues", authorization=credential(service="sqs"))
    )
    assert refused(found) == ("NotImplemented", 501)
    assert isinstance(found, Unidentified)
    assert found.error.message == ("Service 'sqs' is not enabled. Please check your 'SERVICES' configuration variable.")


# Service and operation, query.


def test_the_signature_names_the_service_of_a_form(everything: Directory) -> None:
    found = everything.identify(form("Action=GetCallerIdentity", authorization=credential(service="sts")))
    assert called(found) == ("sts", "GetCallerIdentity")
    assert isinstance(found, Call)
    assert found.form == {"Action": "GetCallerIdentity"}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ("Action=ListQueues&Version=2012-11-05", {}, ("sqs", "ListQueues")),
        ("Action=GetCallerIdentity&Version=2011-06-15", {}, ("sts", "GetCallerIdentity")),
        ("Action=ListQueues", {"host": "sqs.eu-west-1.amazonaws.com"}, ("sqs", "ListQueues")),
        ("Action=ListQueues", {"host": "eu-west-1.queue.amazonaws.com"}, ("sqs", "ListQueues")),
        ("Action=GetSessionToken", {"host": "STS.amazonaws.com"}, ("sts", "GetSessionToken")),
        ("Action=PurgeQueue", {"path": "/123456789012/jobs"}, ("sqs", "PurgeQueue")),
        ("Action=ListQueues", {}, ("sqs", "ListQueues")),
        ("Action=AssumeRole", {}, ("sts", "AssumeRole")),
    ],
    ids=["version", "version-sts", "host", "second-label", "host-sts", "path", "only-one-has-it", "only-sts-has-it"],
)
def test_a_form_without_a_signature_is_told_by_version_host_path_or_action(
    everything: Directory, body: str, headers: dict[str, str], expected: tuple[str, str]
) -> None:
    assert called(everything.identify(form(body, **headers))) == expected


@pytest.mark.parametrize("host", ["sqs.eu-west-1.amazonaws.com", "eu-west-1.queue.amazonaws.com", "queue.localhost"])
def test_the_host_beats_the_action(everything: Directory, host: str) -> None:
    found = everything.identify(form("Action=GetCallerIdentity", host=host))
    assert refused(found) == ("InvalidAction", 400)
    assert isinstance(found, Unidentified)
    assert found.service is not None
    assert found.service.name == "sqs"


def test_the_signature_beats_version_and_host(everything: Directory) -> None:
    found = everything.identify(
        form("Action=ListQueues&Version=2011-06-15", host="sts.amazonaws.com", authorization=credential(service="sqs"))
    )
    assert called(found) == ("sqs", "ListQueues")


def test_a_get_may_hold_the_call_in_its_url(everything: Directory) -> None:
    found = everything.identify(request("GET", query="Action=ListQueues&QueueNamePrefix=a%20b"))
    assert called(found) == ("sqs", "ListQueues")
    assert isinstance(found, Call)
    assert found.form == {"Action": "ListQueues", "QueueNamePrefix": "a b"}


def test_the_body_beats_the_url(everything: Directory) -> None:
    found = everything.identify(
        request(query="Action=ListQueues&Version=2012-11-05", body=b"Action=GetQueueUrl", content_type=FORM)
    )
    assert called(found) == ("sqs", "GetQueueUrl")


def test_a_queues_own_path_names_the_queue_and_the_form_may_name_another(everything: Directory) -> None:
    path = "/123456789012/jobs"
    own = everything.identify(form("Action=PurgeQueue", path=path))
    other = everything.identify(form("Action=PurgeQueue&QueueUrl=http%3A%2F%2Fh%2F1%2Fother", path=path))
    assert isinstance(own, Call)
    assert isinstance(other, Call)
    assert (own.form or {})["QueueUrl"] == path
    assert (other.form or {})["QueueUrl"] == "http://h/1/other"


@pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
def test_what_concerns_no_queue_is_not_valid_on_a_queues_own_path(everything: Directory, action: str) -> None:
    found = everything.identify(form(f"Action={action}", path="/123456789012/jobs"))
    assert refused(found) == ("InvalidAction", 400)
    assert isinstance(found, Unidentified)
    assert found.error.message == f"The action {action} is not valid for this endpoint."


def test_no_action_on_a_queues_own_path_is_an_unknown_operation(everything: Directory) -> None:
    assert refused(everything.identify(request("GET", "/123456789012/jobs"))) == ("UnknownOperationException", 404)


def test_no_action_in_a_signed_form_is_a_missing_action(everything: Directory) -> None:
    found = everything.identify(form("Version=2012-11-05", authorization=credential()))
    assert refused(found) == ("MissingAction", 400)


@pytest.mark.parametrize("action", ["Nonsense", "listqueues", "GetCallerIdentity"])
def test_an_action_of_no_or_of_another_service_is_invalid(everything: Directory, action: str) -> None:
    found = everything.identify(form(f"Action={action}", authorization=credential(service="sqs")))
    assert refused(found) == ("InvalidAction", 400)
    assert isinstance(found, Unidentified)
    assert found.error.message == f"The action {action} is not valid for this endpoint."
    assert not found.json


def test_an_action_that_aws_has_and_we_lack_is_not_emulated(everything: Directory) -> None:
    found = everything.identify(form("Action=GetFederationToken", authorization=credential(service="sts")))
    assert refused(found) == ("NotImplemented", 501)
    assert isinstance(found, Unidentified)
    assert "GetFederationToken" in found.error.message
    assert (found.label, found.operation) == ("sts", "GetFederationToken")


def test_a_signed_form_for_a_service_that_is_not_emulated_is_told_by_its_name(everything: Directory) -> None:
    found = everything.identify(form("Action=ListTopics", authorization=credential(service="sns")))
    assert refused(found) == ("NotImplemented", 501)
    assert isinstance(found, Unidentified)
    assert "sns" in found.error.message


def test_an_action_that_nobody_has_is_invalid(everything: Directory) -> None:
    assert refused(everything.identify(form("Action=Nonsense"))) == ("InvalidAction", 400)


@pytest.mark.parametrize("body", [b"\xff=1", b"Action=%FF"])
def test_a_form_that_cannot_be_read_is_malformed(everything: Directory, body: bytes) -> None:
    found = everything.identify(request(body=body, content_type=FORM, authorization=credential()))
    assert refused(found) == ("MalformedInput", 400)


@pytest.mark.parametrize(
    "plain",
    [
        request("GET", "/"),
        request("GET", "/favicon.ico"),
        request("POST", "/", body=b'{"a": 1}', content_type="application/json"),
        request("PUT", "/bucket/key", body=b"x"),
    ],
)
def test_a_request_that_is_no_call_is_told(everything: Directory, plain: Request) -> None:
    assert everything.identify(plain) is None


def test_a_call_over_smithy_rpc_is_told_that_it_is_not_emulated_whatever_it_is_signed_for(
    everything: Directory,
) -> None:
    headers = {"smithy_protocol": "rpc-v2-cbor", "content_type": "application/cbor"}
    asked = request(
        path="/service/EventBridgeV2/operation/PutEvents", authorization=credential(service="sqs"), **headers
    )
    found = everything.identify(asked)
    assert refused(found) == ("NotImplemented", 501)
    assert isinstance(found, Unidentified)
    assert (found.service, found.operation, found.label) == (None, "PutEvents", "EventBridgeV2")
