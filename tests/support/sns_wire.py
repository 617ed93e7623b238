"""Raw calls of SNS, as clients put them on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.support.harness import Answer, Harness
from tests.support.sqs_wire import signed

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
VERSION = "2010-03-31"


def sns_call(
    cloud: Harness,
    action: str | None,
    form: Mapping[str, Any] | None = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    version: str | None = VERSION,
) -> Answer:
    """Call an action: by the form of a POST, or by the URL of a GET; signed unless `headers` say otherwise."""
    fields = {"Action": action, "Version": version, **(form or {})}
    text = urlencode({name: value for name, value in fields.items() if value is not None})
    own = signed(service="sns") if headers is None else dict(headers)
    if method == "GET":
        return cloud.request("GET", "/", query=text, headers=own)
    own["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    return cloud.request(method, "/", body=text.encode(), headers=own)


def members(name: str, *entries: Mapping[str, Any] | str) -> dict[str, Any]:
    """Write a list: `Name.member.1`, or `Name.member.1.Key` where an entry has members."""
    form: dict[str, Any] = {}
    for number, entry in enumerate(entries, 1):
        place = f"{name}.member.{number}"
        form |= {place: entry} if isinstance(entry, str) else {f"{place}.{key}": value for key, value in entry.items()}
    return form


def entries(name: str, **pairs: str) -> dict[str, str]:
    """Write a map: `Name.entry.1.key`, `Name.entry.1.value`."""
    form = {}
    for number, (key, value) in enumerate(pairs.items(), 1):
        form |= {f"{name}.entry.{number}.key": key, f"{name}.entry.{number}.value": value}
    return form
