"""Subscriptions for the tests of SNS: endpoints of each kind, how to subscribe, and how an endpoint hears that it is asked."""

from __future__ import annotations

import json
from typing import Any

from tests.support.errors import Seen
from tests.support.harness import Harness
from tests.support.sns_topics import ACCOUNT
from tests.support.sqs_messages import make_queue, receive

DAY_S = 24 * 3600
NO_SUBSCRIPTION = Seen("NotFound", "Subscription does not exist", 404)
URL = "http://127.0.0.1:1/hook"
"""Nobody listens there: what SNS sends fails and is tried again."""
MAIL = "a@example.com"
PHONE = "+15550100"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:handle"
STREAM = "arn:aws:firehose:us-east-1:000000000000:deliverystream/events"
ROLE = "arn:aws:iam::000000000000:role/writer"
APP_ENDPOINT = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/shop/6f2b1c3d-0000-4000-8000-0123456789ab"


def queue_arn(name: str = "orders", account: str = ACCOUNT, region: str = "us-east-1") -> str:
    """Write the ARN of a queue, whether it is there or not."""
    return f"arn:aws:sqs:{region}:{account}:{name}"


QUEUE = queue_arn()
FIFO_QUEUE = queue_arn("orders.fifo")


def answer_to_subscribe(
    sns: Any, topic: str, protocol: str = "sqs", endpoint: str = QUEUE, /, **attributes: str
) -> str:
    """Subscribe and give what AWS answers in the place of an ARN."""
    answer: str = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)[
        "SubscriptionArn"
    ]
    return answer


def subscribe(sns: Any, topic: str, protocol: str = "sqs", endpoint: str = QUEUE, /, **attributes: str) -> str:
    """Subscribe and give the ARN, also that of a subscription that is pending."""
    answer = sns.subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
    )
    arn: str = answer["SubscriptionArn"]
    return arn


def make_app_endpoint(sns: Any) -> str:
    """Make a platform application with one endpoint, and give the endpoint's ARN."""
    app = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "secret"})
    arn: str = sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="t")[
        "EndpointArn"
    ]
    return arn


def attributes_of(sns: Any, arn: str) -> dict[str, str]:
    """Read all attributes of a subscription, in AWS's order."""
    attributes: dict[str, str] = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return attributes


def set_attribute(sns: Any, arn: str, name: str, value: str) -> None:
    """Set one attribute of a subscription."""
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def pending(sns: Any, arn: str) -> bool:
    """Tell whether a subscription waits for confirmation."""
    return attributes_of(sns, arn)["PendingConfirmation"] == "true"


def subscriptions_of(sns: Any, topic: str | None = None) -> list[dict[str, str]]:
    """List the caller's subscriptions, or those of a topic: the first page."""
    answer = sns.list_subscriptions() if topic is None else sns.list_subscriptions_by_topic(TopicArn=topic)
    listed: list[dict[str, str]] = answer["Subscriptions"]
    return listed


def token_of(cloud: Harness, arn: str) -> str:
    """Look up what confirms a subscription."""
    answer = cloud.request("GET", f"/_aws/sns/subscription-tokens/{arn}")
    assert answer.status == 200, answer.text
    token: str = json.loads(answer.body)["subscription_token"]
    return token


def mails(cloud: Harness, address: str = MAIL, account: str = ACCOUNT) -> list[dict[str, Any]]:
    """Look up the e-mails that topics of an account sent to an address, the oldest first."""
    answer = json.loads(cloud.request("GET", "/_aws/sns/email-messages", query=f"accountId={account}").body)
    found: list[dict[str, Any]] = answer["email_messages"].get(address, [])
    return found


def make_owned_queue(cloud: Harness, account: str, name: str = "orders") -> str:
    """Make a queue in an account, and give its ARN."""
    make_queue(cloud.client("sqs", account=account), name)
    return queue_arn(name, account)


def letters(cloud: Harness, account: str, name: str = "orders") -> list[dict[str, Any]]:
    """Receive what SNS has sent to a queue, parsed."""
    sqs = cloud.client("sqs", account=account)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return [json.loads(message["Body"]) for message in receive(sqs, url)]
