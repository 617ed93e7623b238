"""Every operation over each of its protocols, with requests that are right, nearly right, or empty: both doors answer alike to the byte.

What is sent here is compared when the test has passed, as with every test: see tests/support/twin.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.fuzz import Fuzz, to_form, to_json
from tests.support.fuzz_requests import POOLS, SET_UP
from tests.support.harness import Connection, Harness
from tests.support.routes import ROUTES, SERVICES, Route

CASES = 8
"""For each operation and protocol: an empty request, a right one, and damaged ones."""
BODY_MAX_BYTES = 1 << 20


def send(cloud: Harness, route: Route, request: Any) -> Connection:
    """Send a request as an SDK would, or nearly."""
    model = route.service.model
    headers = {"Authorization": f"Credential=test/20260101/us-east-1/{route.service.name}/aws4_request"}
    if route.protocol == "json":
        headers |= {
            "X-Amz-Target": f"{model.target_prefix}.{route.operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        body = to_json(request)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = to_form(route.operation, model.api_version, request)
    return cloud.open(body=body[:BODY_MAX_BYTES], headers=headers)


def set_up(cloud: Harness) -> dict[str, tuple[str]]:
    """Make one of each; the ARNs and receipt handles that came of it, by the name of the member in small letters."""
    found: dict[str, str] = {}
    for name, operation, given in SET_UP:
        request = {key: found[item[1:]] if str(item)[:1] == "$" else item for key, item in given.items()}
        route = Route(SERVICES[name], SERVICES[name].protocols[0], operation)
        answer = send(cloud, route, request).answer.result(timeout=20)
        assert answer.status == 200, (operation, answer.text)
        found |= dict(re.findall(r'[<"](\w+Arn|ReceiptHandle)"?[>:]"?([^<"]+)', answer.text))
    return {name.lower(): (value,) for name, value in found.items() if name != "TopicArn"}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_an_operation_is_answered_alike_at_both_doors(cloud: Harness, route: Route) -> None:
    pool = POOLS[route.service.name] | set_up(cloud)
    sent = []
    for number in range(CASES):
        seed = f"{route} {number}"
        print(f"seed {seed!r}")
        fuzz = Fuzz(seed, pool)
        request = fuzz.of(route.shape) if number else {}
        for _ in range(min(number - 1, 2)):
            request = fuzz.damage(request, raw=route.protocol == "json")
        sent.append(send(cloud, route, request))
        cloud.advance(0)  # one after the other, but a poll may wait
    cloud.advance(20)  # the longest that a poll waits
    assert all(connection.answer.result(timeout=20).status for connection in sent)
