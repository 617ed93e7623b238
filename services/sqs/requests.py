"""The requests of SQS as typed dicts: what the wire layer has checked for kind, not for presence or range."""

from __future__ import annotations

from typing import Any, TypedDict

Attributes = dict[str, dict[str, Any]]


class QueueRequest(TypedDict, total=False):
    """Any request about one queue."""

    QueueUrl: str


class CreateQueueRequest(TypedDict, total=False):
    """CreateQueue; `tags` is lower case on the wire."""

    QueueName: str
    Attributes: dict[str, str]
    tags: dict[str, str]


class GetQueueUrlRequest(TypedDict, total=False):
    """GetQueueUrl."""

    QueueName: str
    QueueOwnerAWSAccountId: str


class ListQueuesRequest(TypedDict, total=False):
    """ListQueues."""

    QueueNamePrefix: str
    NextToken: str
    MaxResults: int


class ListDeadLetterSourceQueuesRequest(QueueRequest, total=False):
    """ListDeadLetterSourceQueues."""

    NextToken: str
    MaxResults: int


class GetQueueAttributesRequest(QueueRequest, total=False):
    """GetQueueAttributes."""

    AttributeNames: list[str]


class SetQueueAttributesRequest(QueueRequest, total=False):
    """SetQueueAttributes."""

    Attributes: dict[str, str]


class SendMessageEntry(TypedDict, total=False):
    """What SendMessage and an entry of SendMessageBatch have in common."""

    MessageBody: str
    DelaySeconds: int
    MessageAttributes: Attributes
    MessageSystemAttributes: Attributes
    MessageDeduplicationId: str
    MessageGroupId: str


class SendMessageRequest(SendMessageEntry, QueueRequest, total=False):
    """SendMessage."""


class ReceiveMessageRequest(QueueRequest, total=False):
    """ReceiveMessage; AttributeNames is the older name of MessageSystemAttributeNames."""

    AttributeNames: list[str]
    MessageSystemAttributeNames: list[str]
    MessageAttributeNames: list[str]
    MaxNumberOfMessages: int
    VisibilityTimeout: int
    WaitTimeSeconds: int
    ReceiveRequestAttemptId: str


class DeleteMessageEntry(TypedDict, total=False):
    """What DeleteMessage and an entry of its batch have in common."""

    ReceiptHandle: str


class DeleteMessageRequest(DeleteMessageEntry, QueueRequest, total=False):
    """DeleteMessage."""


class ChangeMessageVisibilityEntry(TypedDict, total=False):
    """What ChangeMessageVisibility and an entry of its batch have in common."""

    ReceiptHandle: str
    VisibilityTimeout: int


class ChangeMessageVisibilityRequest(ChangeMessageVisibilityEntry, QueueRequest, total=False):
    """ChangeMessageVisibility."""


class BatchRequest(QueueRequest, total=False):
    """Any of the three batches; an entry is that of the single operation with an Id."""

    Entries: list[dict[str, Any]]


class TagQueueRequest(QueueRequest, total=False):
    """TagQueue."""

    Tags: dict[str, str]


class UntagQueueRequest(QueueRequest, total=False):
    """UntagQueue."""

    TagKeys: list[str]


class AddPermissionRequest(QueueRequest, total=False):
    """AddPermission."""

    Label: str
    AWSAccountIds: list[str]
    Actions: list[str]


class RemovePermissionRequest(QueueRequest, total=False):
    """RemovePermission."""

    Label: str


class StartMessageMoveTaskRequest(TypedDict, total=False):
    """StartMessageMoveTask."""

    SourceArn: str
    DestinationArn: str
    MaxNumberOfMessagesPerSecond: int


class CancelMessageMoveTaskRequest(TypedDict, total=False):
    """CancelMessageMoveTask."""

    TaskHandle: str


class ListMessageMoveTasksRequest(TypedDict, total=False):
    """ListMessageMoveTasks."""

    SourceArn: str
    MaxResults: int
