"""How events flow in the tests of EventBridge: one account in one region, with short words for what is done there."""

from __future__ import annotations

import json
from typing import Any

from tests.support.harness import Harness
from tests.support.sqs_flow import Box

ACCOUNT, REGION = "111122223333", "eu-west-1"
OTHER_ACCOUNT, OTHER_REGION = "444455556666", "ap-southeast-2"
PLACES = ((ACCOUNT, REGION), ("000000000000", "us-east-1"), (OTHER_ACCOUNT, OTHER_REGION))
SHOP = '{"source": ["shop"]}'
"""The pattern of the events that `Place.put` puts."""
NOW = "2026-01-01T00:00:00Z"
"""Where the clock of the tests begins."""


class Place:
    """One account in one region."""

    def __init__(self, cloud: Harness, account: str = ACCOUNT, region: str = REGION) -> None:
        self.account, self.region = account, region
        self.events = cloud.client("events", account=account, region=region)
        self.sqs = cloud.client("sqs", account=account, region=region)
        self.sns = cloud.client("sns", account=account, region=region)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def box(self, name: str = "box", **attributes: Any) -> Box:
        return Box(self.sqs, name, **attributes)

    def bus(self, name: str = "orders") -> str:
        """Make a bus; its ARN."""
        arn: str = self.events.create_event_bus(Name=name)["EventBusArn"]
        return arn

    def rule(
        self, *targets: Box | str | dict[str, Any], name: str = "rule", bus: str = "default", pattern: str = SHOP
    ) -> str:
        """Make a rule with targets, whose ids are 0, 1...; its ARN. A target is a queue, an ARN, or all of it but the id."""
        arn: str = self.events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        entries = [{"Id": str(number)} | _target(one) for number, one in enumerate(targets)]
        if entries:
            answer = self.events.put_targets(Rule=name, EventBusName=bus, Targets=entries)
            assert answer["FailedEntryCount"] == 0, answer
        return arn

    def put(self, detail: Any = None, **entry: Any) -> str:
        """Put one event; its id."""
        [answer] = self.put_all(new_entry(detail, **entry))
        event_id: str = answer["EventId"]
        return event_id

    def put_all(self, *entries: dict[str, Any]) -> list[dict[str, Any]]:
        """Put entries; what each of them was answered."""
        answers: list[dict[str, Any]] = self.events.put_events(Entries=list(entries))["Entries"]
        return answers


def _target(one: Box | str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(one, Box):
        return {"Arn": one.arn}
    return {"Arn": one} if isinstance(one, str) else one


def new_entry(detail: Any = None, **entry: Any) -> dict[str, Any]:
    """Make an entry of PutEvents; `detail` is written as JSON unless it is text."""
    text = detail if isinstance(detail, str) else json.dumps(detail or {})
    return {"Source": "shop", "DetailType": "Order", "Detail": text} | entry


def events_of(box: Box) -> list[dict[str, Any]]:
    """Receive all that is in a queue, as JSON."""
    return [json.loads(body) for body in box.drain()]


def event_of(box: Box) -> dict[str, Any]:
    """Receive the only event that is in a queue."""
    [event] = events_of(box)
    return event


def dead_letters(box: Box) -> list[tuple[Any, dict[str, str]]]:
    """Receive dead letters: each one's body, as JSON, and its attributes, all of which are Strings."""
    found = []
    for message in box.receive(MessageAttributeNames=["All"]):
        attributes = message.get("MessageAttributes", {})
        assert {value["DataType"] for value in attributes.values()} <= {"String"}
        found.append((json.loads(message["Body"]), {name: one["StringValue"] for name, one in attributes.items()}))
    return found


def dead_letter(box: Box) -> tuple[Any, dict[str, str]]:
    """Receive the only dead letter."""
    [one] = dead_letters(box)
    return one


def log_events(cloud: Harness, log_group: str) -> list[dict[str, Any]]:
    """Look up what went to a log group."""
    answer = cloud.request("GET", "/_aws/events/log-groups", query=f"logGroupArn={log_group}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.body)["log_groups"][log_group]
    return found
