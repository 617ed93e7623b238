"""The requests of SNS as typed dicts: what the wire layer has checked for kind, not for presence or range."""

from __future__ import annotations

from typing import TypedDict


class Tag(TypedDict):
    """One tag."""

    Key: str
    Value: str


class AttributeValue(TypedDict, total=False):
    """The value of a message attribute."""

    DataType: str
    StringValue: str
    BinaryValue: bytes


Attributes = dict[str, AttributeValue]


class TopicRequest(TypedDict, total=False):
    """Any request about one topic."""

    TopicArn: str


class CreateTopicRequest(TypedDict, total=False):
    """CreateTopic."""

    Name: str
    Attributes: dict[str, str]
    Tags: list[Tag]
    DataProtectionPolicy: str


class SetTopicAttributesRequest(TopicRequest, total=False):
    """SetTopicAttributes."""

    AttributeName: str
    AttributeValue: str


class PageRequest(TypedDict, total=False):
    """A list that comes in pages."""

    NextToken: str


class TopicPageRequest(TopicRequest, PageRequest, total=False):
    """ListSubscriptionsByTopic."""


class SubscribeRequest(TopicRequest, total=False):
    """Subscribe."""

    Protocol: str
    Endpoint: str
    Attributes: dict[str, str]
    ReturnSubscriptionArn: bool


class ConfirmSubscriptionRequest(TopicRequest, total=False):
    """ConfirmSubscription; `AuthenticateOnUnsubscribe` is text on the wire."""

    Token: str
    AuthenticateOnUnsubscribe: str


class SubscriptionRequest(TypedDict, total=False):
    """Any request about one subscription."""

    SubscriptionArn: str


class SetSubscriptionAttributesRequest(SubscriptionRequest, total=False):
    """SetSubscriptionAttributes."""

    AttributeName: str
    AttributeValue: str


class PublishEntry(TypedDict, total=False):
    """What Publish and an entry of PublishBatch have in common."""

    Message: str
    Subject: str
    MessageStructure: str
    MessageAttributes: Attributes
    MessageDeduplicationId: str
    MessageGroupId: str


class PublishRequest(PublishEntry, total=False):
    """Publish: exactly one of TopicArn, TargetArn, PhoneNumber."""

    TopicArn: str
    TargetArn: str
    PhoneNumber: str


class PublishBatchEntry(PublishEntry, total=False):
    """One entry of PublishBatch."""

    Id: str


class PublishBatchRequest(TopicRequest, total=False):
    """PublishBatch."""

    PublishBatchRequestEntries: list[PublishBatchEntry]
