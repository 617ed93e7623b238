"""Topics for the tests of SNS: how to make them, read them and fill a page with them, and the refusals that many tests expect."""

from __future__ import annotations

from typing import Any

from tests.support.errors import Seen

ACCOUNT = "000000000000"
REGION = "us-east-1"
NO_TOPIC = Seen("NotFound", "Topic does not exist", 404)


def invalid(reason: str) -> Seen:
    """Say how nearly all of SNS's refusals look."""
    return Seen("InvalidParameter", f"Invalid parameter: {reason}", 400)


def null(member: str) -> Seen:
    """Say how AWS refuses a request that lacks a member."""
    text = (
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    )
    return Seen("ValidationError", text, 400)


def topic_arn(name: str = "orders", account: str = ACCOUNT, region: str = REGION) -> str:
    """Write the ARN of a topic, whether it is there or not."""
    return f"arn:aws:sns:{region}:{account}:{name}"


def make_topic(sns: Any, name: str = "orders", **attributes: str) -> str:
    """Create a standard topic and give its ARN."""
    arn: str = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return arn


def make_fifo_topic(sns: Any, name: str = "orders.fifo", **attributes: str) -> str:
    """Create a FIFO topic and give its ARN."""
    return make_topic(sns, name, FifoTopic="true", **attributes)


def topic_attributes(sns: Any, arn: str) -> dict[str, str]:
    """Read all attributes of a topic, in AWS's order."""
    attributes: dict[str, str] = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return attributes


def set_topic(sns: Any, arn: str, name: str, value: str) -> None:
    """Set one attribute of a topic."""
    sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)


def topics_of(sns: Any) -> list[str]:
    """List the ARNs of the first page of topics."""
    return [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]


def pages_of(sns: Any, operation: str, key: str, **arguments: Any) -> list[list[Any]]:
    """Read all pages of a list."""
    return [page.get(key, []) for page in sns.get_paginator(operation).paginate(**arguments)]


def counts(sns: Any, arn: str) -> tuple[int, int, int]:
    """Tell how many subscriptions of a topic are confirmed, pending and deleted."""
    shown = topic_attributes(sns, arn)
    confirmed, pending, deleted = (int(shown[f"Subscriptions{kind}"]) for kind in ("Confirmed", "Pending", "Deleted"))
    return confirmed, pending, deleted
