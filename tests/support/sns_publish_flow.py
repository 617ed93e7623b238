"""From Publish to its receivers, for the tests of SNS: who listens, what has come, raw calls that boto3 would refuse to send."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.support.harness import Answer, Harness
from tests.support.sns_subscriptions import subscribe
from tests.support.sqs_flow import Box
from tests.support.sqs_wire import signed

KIBIBYTE = 1_024
MESSAGE_MAX_BYTES = 256 * KIBIBYTE
"""What a topic takes by default."""
LARGEST_BYTES = 1_024 * KIBIBYTE
"""What a topic can be set to take."""


def listen(sns: Any, topic: str, box: Box, /, **attributes: str) -> str:
    """Subscribe a queue and give the subscription's ARN."""
    return subscribe(sns, topic, "sqs", box.arn, **attributes)


def listen_raw(sns: Any, topic: str, box: Box, /, **attributes: str) -> str:
    """Subscribe a queue that wants no envelopes."""
    return listen(sns, topic, box, RawMessageDelivery="true", **attributes)


def message_of(box: Box) -> dict[str, Any]:
    """Receive the only message of a queue, with all its attributes."""
    (message,) = box.receive(MessageAttributeNames=["All"])
    return message


def envelopes(box: Box) -> list[dict[str, Any]]:
    """Receive the envelopes that are in a queue, parsed."""
    return [json.loads(message["Body"]) for message in box.receive()]


def envelope_of(box: Box) -> dict[str, Any]:
    """Receive the only envelope that is in a queue, parsed."""
    (envelope,) = envelopes(box)
    return envelope


def texts_of(box: Box) -> list[str]:
    """Receive the messages inside the envelopes that are in a queue."""
    return [envelope["Message"] for envelope in envelopes(box)]


def form_call(
    cloud: Harness,
    action: str,
    fields: dict[str, str],
    *,
    account: str = "test",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
) -> Answer:
    """Call SNS as clients do on the wire, with nothing checked on the way."""
    form = {"Action": action, "Version": "2010-03-31", **fields}
    content = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return cloud.request(
        "POST",
        "/",
        body=urlencode(form).encode(),
        headers={**content, **signed(account, region, "sns"), **(headers or {})},
    )


# What did not arrive.


def deliveries(cloud: Harness) -> dict[str, Any]:
    """Ask what waits for a retry and what failed for good, the newest first."""
    answer = cloud.request("GET", "/_eventyard/deliveries")
    assert answer.status == 200, answer.text
    shown: dict[str, Any] = json.loads(answer.body)
    return shown


def failures(cloud: Harness) -> list[tuple[str, str, str]]:
    """List the failed deliveries, the oldest first: target, code and message of the error."""
    failed = deliveries(cloud)["failed"][::-1]
    return [(one["target"], one["last_error"]["code"], one["last_error"]["message"]) for one in failed]


def waiting_body(cloud: Harness) -> str:
    """Give the body of the only delivery that waits for a retry."""
    (delivery,) = deliveries(cloud)["pending"]
    body: str = delivery["body"]
    return body
