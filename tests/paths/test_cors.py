"""Cross-origin requests: a page of this machine may call from a browser, a page of a foreign site may not, and what it
asked for is not done either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.harness import Answer, Harness

PAGE = "http://localhost:3000"
FOREIGN = "https://example.com"
TARGET = {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"}
PATHS = ("/", "/health", "/_eventyard/health", "/_localstack/info", "/_aws/sqs/messages")

LOCAL_ORIGINS = [
    "http://localhost",
    "https://localhost",
    "http://localhost:3000",
    "https://localhost:65535",
    "http://127.0.0.1",
    "http://127.0.0.1:8080",
    "http://[::1]:5173",
    "http://shop.localhost:3000",
    "https://localhost.localstack.cloud:4566",
    "https://sqs.eu-west-1.localhost.localstack.cloud:4566",
    "https://app.localstack.cloud",
]
FOREIGN_ORIGINS = [
    FOREIGN,
    "http://localhost.example.com",
    "http://example.com:4566",
    "http://evil-localhost:3000",
    "http://localhost:3000.example.com",
    "http://localhost:3000@example.com",
    "http://localhost:3000/path",
    "http://localhost:port",
    "http://127.0.0.1.nip.io",
    "http://192.168.0.1:3000",
    "https://localstack.cloud.example.com",
    "https://localhostxlocalstack.cloud",
    "null",
    "localhost:3000",
]


def listed(cloud: Harness, **headers: str) -> Answer:
    """Call ListQueues as a page does."""
    return cloud.request(headers=TARGET | headers, body=b"{}")


def preflight(cloud: Harness, path: str = "/", **headers: str) -> Answer:
    return cloud.request("OPTIONS", path, headers={"Access-Control-Request-Method": "POST", **headers})


def names(answer: Answer, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers[header].split(",")}


# Who may.


@pytest.mark.parametrize("origin", LOCAL_ORIGINS)
def test_a_page_of_this_machine_may_call_from_any_port(cloud: Harness, origin: str) -> None:
    answer = listed(cloud, Origin=origin)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_site_is_refused_and_learns_nothing(cloud: Harness, origin: str) -> None:
    answer = listed(cloud, Origin=origin)
    assert (answer.status, answer.body) == (403, b"")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_what_a_refused_page_asked_for_is_not_done(cloud: Harness, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    forms = {"Origin": FOREIGN, "Content-Type": "application/x-www-form-urlencoded"}
    assert cloud.request(path="/000000000000/jobs", headers=forms, body=b"Action=DeleteQueue").status == 403
    assert cloud.request("GET", "/000000000000/jobs", query="Action=DeleteQueue", headers=forms).status == 403
    assert cloud.request("POST", "/_eventyard/reset", headers={"Origin": FOREIGN}).status == 403
    assert cloud.request("POST", "/_localstack/state/sqs/reset", headers={"Referer": FOREIGN + "/x"}).status == 403
    assert sqs.list_queues()["QueueUrls"] == [url]


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_page_is_refused_on_every_path(cloud: Harness, path: str) -> None:
    assert cloud.request("GET", path, headers={"Origin": FOREIGN}).status == 403
    assert preflight(cloud, path, Origin=FOREIGN).status == 403


@pytest.mark.parametrize(
    ("referer", "status"),
    [
        (f"{FOREIGN}/page.html", 403),
        (f"{FOREIGN}?q=http://localhost:3000/", 403),
        ("http://localhost.example.com/", 403),
        (f"{PAGE}/page.html?q=1#f", 200),
        ("http://127.0.0.1:8080/", 200),
    ],
)
def test_without_an_origin_the_referer_tells_whose_page_it_is(cloud: Harness, referer: str, status: int) -> None:
    assert listed(cloud, Referer=referer).status == status


def test_the_origin_counts_before_the_referer(cloud: Harness) -> None:
    assert listed(cloud, Origin=PAGE, Referer=FOREIGN).status == 200
    assert listed(cloud, Origin=FOREIGN, Referer=PAGE).status == 403


def test_a_program_that_is_no_page_is_not_asked(cloud: Harness) -> None:
    assert listed(cloud).status == 200


def test_origins_that_the_settings_name_are_allowed_to_the_letter(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(cors_origins=("https://app.example.com", "tauri://localhost"))
    for origin in ("https://app.example.com", "tauri://localhost", PAGE):
        assert listed(cloud, Origin=origin).status == 200
    for origin in ("http://app.example.com", "https://app.example.com:8443", "https://x.app.example.com", FOREIGN):
        assert listed(cloud, Origin=origin).status == 403


def test_without_checks_every_page_may_call(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(cors_checks=False)
    for origin in (FOREIGN, "null", PAGE):
        answer = listed(cloud, Origin=origin)
        assert (answer.status, answer.headers["access-control-allow-origin"] in (origin, "*")) == (200, True)
    assert cloud.request("GET", "/health", headers={"Origin": FOREIGN}).status == 200
    assert listed(cloud, Referer=FOREIGN).status == 200


# What the browser is told.


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_for_every_path(cloud: Harness, path: str) -> None:
    answer = preflight(cloud, path, Origin=PAGE)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert names(answer, "access-control-allow-methods") >= {"get", "post", "put", "delete", "head", "options", "patch"}


def test_a_preflight_allows_what_sdks_send_and_whatever_else_was_asked_for(cloud: Harness) -> None:
    answer = preflight(cloud, Origin=PAGE, **{"Access-Control-Request-Headers": "x-mine, X-Amz-Target"})
    assert names(answer, "access-control-allow-headers") >= {
        "authorization",
        "content-type",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
        "x-amz-user-agent",
        "x-amzn-query-mode",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "x-mine",
    }


def test_a_preflight_does_nothing(cloud: Harness) -> None:
    preflight(cloud, Origin=PAGE, **TARGET)
    preflight(cloud, "/_eventyard/reset", Origin=PAGE)
    assert b'"sqs":"available"' in cloud.request("GET", "/health").body


def test_a_page_may_read_request_ids_and_old_error_codes(cloud: Harness) -> None:
    exposed = names(listed(cloud, Origin=PAGE), "access-control-expose-headers")
    assert exposed >= {"x-amzn-requestid", "x-amzn-query-error"}


def test_a_page_may_send_credentials_as_with_localstack(cloud: Harness) -> None:
    assert listed(cloud, Origin=PAGE).headers["access-control-allow-credentials"] == "true"
    assert preflight(cloud, Origin=PAGE).headers["access-control-allow-credentials"] == "true"


def test_caches_are_told_that_the_answer_depends_on_the_origin(cloud: Harness) -> None:
    assert listed(cloud, Origin=PAGE).headers["vary"] == "Origin"


def test_a_public_page_s_browser_may_reach_into_the_private_network_when_it_asks(cloud: Harness) -> None:
    asked = preflight(cloud, Origin=PAGE, **{"Access-Control-Request-Private-Network": "true"})
    assert asked.headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-private-network" not in preflight(cloud, Origin=PAGE).headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/", {"X-Amz-Target": "AmazonSQS.GetQueueUrl"}, 400),
        ("POST", "/", {"X-Amz-Target": "AmazonSQS.Nonsense"}, 400),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, 501),
        ("GET", "/000000000000/none", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("GET", "/_aws/nothing", {}, 404),
        ("GET", "/_eventyard/nothing", {}, 404),
        ("POST", "/health", {}, 405),
        ("GET", "/health", {}, 200),
        ("GET", "/", {}, 200),
    ],
)
def test_errors_and_admin_answers_can_be_read_by_the_page_as_well(
    cloud: Harness, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = cloud.request(method, path, headers={"Origin": PAGE, **headers}, body=b"{}")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, PAGE)
