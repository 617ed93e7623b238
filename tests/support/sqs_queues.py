"""What the tests of SQS's queues have in common: attributes, ARNs, and the errors that many of them expect."""

from __future__ import annotations

from typing import Any

from tests.support.errors import Seen

NO_QUEUE = Seen("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400)
NO_FOREIGN_QUEUE = Seen(
    "AWS.SimpleQueueService.NonExistentQueue",
    "The specified queue does not exist or you do not have access to it.",
    400,
)


def attributes_of(sqs: Any, url: str, *names: str) -> dict[str, str]:
    """Read attributes of a queue, by default all."""
    attributes: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names or ["All"]).get(
        "Attributes", {}
    )
    return attributes


def arn_of(sqs: Any, url: str) -> str:
    """Read the ARN of a queue."""
    return attributes_of(sqs, url, "QueueArn")["QueueArn"]


def set_attributes(sqs: Any, url: str, **attributes: str) -> None:
    """Change attributes of a queue."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def invalid_value(message: str) -> Seen:
    """Expect InvalidParameterValue."""
    return Seen("InvalidParameterValue", message, 400)


def unknown_attribute(name: str) -> Seen:
    """Expect that no attribute has this name, or that it cannot be set."""
    return Seen("InvalidAttributeName", f"Unknown Attribute {name}.", 400)


def bad_attribute(name: str) -> Seen:
    """Expect that an attribute's value is refused."""
    return Seen("InvalidAttributeValue", f"Invalid value for the parameter {name}.", 400)


def name_taken(attribute: str) -> Seen:
    """Expect that a queue of the name exists and has another value."""
    message = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return Seen("QueueAlreadyExists", message, 400)


def denied(action: str, queue_arn: str, caller_arn: str) -> Seen:
    """Expect that another account's caller is refused an operation that is its owner's alone."""
    action = f"sqs:{action.lower()}"
    message = (
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {queue_arn} "
        f"because no resource-based policy allows the {action} action"
    )
    return Seen("AccessDenied", message, 403)
