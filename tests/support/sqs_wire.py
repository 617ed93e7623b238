"""Raw calls of SQS, as clients put them on the wire, for the tests of the two protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from tests.support.harness import Answer, Harness

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
HOST = "http://localhost:4566"


def signed(account: str = "test", region: str = "us-east-1", service: str = "sqs") -> dict[str, str]:
    """Make the header that says whose call it is."""
    scope = f"{account}/20260101/{region}/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def json_call(
    cloud: Harness,
    operation: str,
    request: Any = None,
    *,
    body: bytes | None = None,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    target: str = "AmazonSQS",
) -> Answer:
    """Call an operation over AWS JSON 1.0."""
    return cloud.request(
        "POST",
        path,
        body=json.dumps(request or {}).encode() if body is None else body,
        headers={
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{target}.{operation}",
            **signed(),
            **(headers or {}),
        },
    )


def query_call(
    cloud: Harness,
    action: str | None,
    parameters: Mapping[str, Any] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
    in_url: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Call an action over the query protocol: parameters in the form of a POST, or in the URL of a GET."""
    form = {"Version": "2012-11-05", **(parameters or {})}
    if action is not None:
        form["Action"] = action
    if method == "GET":
        return cloud.request("GET", path, query=urlencode(form), headers={**signed(), **(headers or {})})
    return cloud.request(
        method,
        path,
        body=urlencode(form).encode(),
        query=urlencode(in_url or {}),
        headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8", **signed(), **(headers or {})},
    )


def document(answer: Answer) -> ET.Element:
    """Parse an XML answer; the namespace is taken off all names."""
    root = ET.fromstring(answer.body)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def tree(element: ET.Element) -> Any:
    """Turn an element into (name, text) or (name, [children])."""
    children = [tree(child) for child in element]
    return element.tag, children or element.text


def result(answer: Answer) -> list[Any]:
    """Give what is in the result element of a good answer."""
    assert answer.status == 200, answer.text
    root = document(answer)
    found = [child for child in root if child.tag != "ResponseMetadata"]
    assert len(found) == 1, answer.text
    return [tree(child) for child in found[0]]


def query_error(answer: Answer) -> tuple[str, str, int]:
    """Give code, message and status of an error of the query protocol."""
    error = document(answer).find("Error")
    assert error is not None, answer.text
    return error.findtext("Code", ""), error.findtext("Message", ""), answer.status


def json_error(answer: Answer) -> tuple[str, str, int]:
    """Give type, query code and status of an error of the JSON protocol."""
    return json.loads(answer.body)["__type"], answer.headers["x-amzn-query-error"], answer.status
