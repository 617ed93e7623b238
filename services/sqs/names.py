"""Names on the wire: queue names and URLs, and what the query protocol calls things.

botocore's description of SQS knows the JSON protocol only. `amend` puts back the names of the query protocol (version
2012-11-05), from its own last description that had them (botocore 1.31.80).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.identify import host_region

if TYPE_CHECKING:
    from emulator.context import Context

XML_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
FIFO_SUFFIX = ".fifo"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")
_URL = re.compile(r"(?:https?://(?P<host>[^/?#]*))?(?P<path>/[^?#]*)")
_PATH = re.compile(r"(?:/queue/(?P<region>[a-z0-9-]+))?/(?P<account>[0-9]{12})/(?P<name>[^/]+)/?")
_LABEL = r"[a-z]{2}(?:-[a-z]+)+-\d\."
_SERVICE_LABELS = re.compile(rf"^(?:sqs\.{_LABEL}|{_LABEL}queue\.|queue\.|sqs\.)(?=.)")
_LEGACY_HOSTS = {"queue.amazonaws.com": "us-east-1"}
"""Hosts of AWS that mean a region without naming it."""

LIST_MEMBERS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
"""What an entry of a list is called, by the list's shape."""

MAPS = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}
"""What an entry of a map, its key and its value are called, by the map's shape."""


def amend(description: dict[str, Any]) -> None:
    """Give the description the query protocol's names."""
    shapes = description["shapes"]
    for shape, member in LIST_MEMBERS.items():
        shapes[shape]["member"]["locationName"] = member
    for shape, (_, key, value) in MAPS.items():
        shapes[shape]["key"]["locationName"] = key
        shapes[shape]["value"]["locationName"] = value
    for shape in shapes.values():
        for member in shape.get("members", {}).values():
            if member["shape"] in MAPS:
                member["locationName"] = MAPS[member["shape"]][0]


def valid_queue_name(name: str, *, fifo: bool) -> bool:
    """Tell whether a name is good; the suffix of a FIFO queue counts among its 80 characters."""
    return (_FIFO_NAME if fifo else _NAME).fullmatch(name) is not None


class QueueAddress(NamedTuple):
    """What a queue URL says. `region` is None where it says nothing of it."""

    account: str
    name: str
    region: str | None


@functools.lru_cache(maxsize=65_536)
def parse_queue_url(url: str) -> QueueAddress | None:
    """Read a queue URL in any of AWS's and LocalStack's forms. The host counts only for the region in it."""
    found = _URL.fullmatch(url)
    place = _PATH.fullmatch(found["path"]) if found else None
    if found is None or place is None:
        return None
    host = (found["host"] or "").lower()
    region = place["region"] or host_region(host) or _LEGACY_HOSTS.get(host)
    return QueueAddress(place["account"], place["name"], region)


def queue_path_parameters(path: str) -> dict[str, str] | None:
    """Say what a request to a queue's own URL need not say again."""
    return {"QueueUrl": path} if _PATH.fullmatch(path) else None


def queue_url(ctx: Context[Any], account: str, region: str, name: str) -> str:
    """Write a queue's URL in the form that the settings choose, by default with the host by which the caller reached us."""
    settings = ctx.emulator.settings
    scheme, _, host = settings.public_url(ctx.base_url).partition("://")
    strategy = settings.endpoint_strategy
    if strategy != "dynamic":
        host = _SERVICE_LABELS.sub("", host)
    if strategy == "standard":
        host = f"sqs.{region}.{host}"
    elif strategy == "domain":
        host = f"queue.{host}" if region == "us-east-1" else f"{region}.queue.{host}"
    elif strategy == "path":
        return f"{scheme}://{host}/queue/{region}/{account}/{name}"
    return f"{scheme}://{host}/{account}/{name}"
