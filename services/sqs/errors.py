"""AWS's words for Amazon SQS. Each function makes one error; the API page of each operation says when it comes.

The code is the query protocol's (SDKs show it, out of `x-amzn-query-error`), the type is the JSON protocol's (SDKs
choose the exception class by it).
"""

from __future__ import annotations

from emulator.arns import parse_arn
from emulator.errors import AwsError, access_denied, invalid_parameter_value

_PREFIX = "AWS.SimpleQueueService."


def _modelled(name: str, message: str, status: int = 400, code: str | None = None) -> AwsError:
    return AwsError(code or _PREFIX + name, message, status, type=name, modelled=True)


# Queues.


def queue_does_not_exist(*, foreign: bool = False) -> AwsError:
    """No such queue; a caller of another account is not told whether it exists."""
    hint = " or you do not have access to it" if foreign else ""
    return _modelled(
        "QueueDoesNotExist", f"The specified queue does not exist{hint}.", code=_PREFIX + "NonExistentQueue"
    )


def queue_name_exists(attribute: str) -> AwsError:
    """CreateQueue named an existing queue and a value that it does not have."""
    message = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return _modelled("QueueNameExists", message, code="QueueAlreadyExists")


def queue_deleted_recently() -> AwsError:
    """CreateQueue came too soon after DeleteQueue."""
    return _modelled(
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )


def purge_queue_in_progress(name: str) -> AwsError:
    """PurgeQueue came too soon after another one."""
    return _modelled(
        "PurgeQueueInProgress", f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.", 403
    )


def invalid_address(url: str) -> AwsError:
    """A queue URL has no form that a queue URL can have."""
    return _modelled("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404, code="InvalidAddress")


def invalid_queue_name() -> AwsError:
    """A standard queue's name is wrong."""
    return invalid_parameter_value(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    )


def invalid_fifo_queue_name() -> AwsError:
    """A FIFO queue's name is wrong."""
    return invalid_parameter_value(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
        "must end with .fifo suffix and be 1 to 80 in length."
    )


def not_the_owner(action: str, caller: str, queue_arn: str) -> AwsError:
    """The operation is never open to another account, whatever the queue's policy says."""
    action = f"sqs:{action.lower()}"
    arn = parse_arn(queue_arn)
    partition = "aws" if arn is None else arn.partition
    return access_denied(
        f"User: arn:{partition}:iam::{caller}:root is not authorized to perform: {action} on resource: {queue_arn} "
        f"because no resource-based policy allows the {action} action"
    )


# Queue attributes.


def unknown_attribute(name: str) -> AwsError:
    """No attribute has this name, or it cannot be set."""
    return _modelled("InvalidAttributeName", f"Unknown Attribute {name}.", code="InvalidAttributeName")


def fifo_only_attribute(name: str) -> AwsError:
    """A FIFO queue's attribute on a standard queue."""
    return _modelled(
        "InvalidAttributeName",
        f"You can specify the {name} only when FifoQueue is set to true.",
        code="InvalidAttributeName",
    )


def invalid_attribute_value(name: str) -> AwsError:
    """An attribute's value is out of its range or of a wrong kind."""
    return _modelled("InvalidAttributeValue", f"Invalid value for the parameter {name}.", code="InvalidAttributeValue")


def fifo_for_ever() -> AwsError:
    """A FIFO queue cannot become a standard queue."""
    message = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    return _modelled("InvalidAttributeValue", message, code="InvalidAttributeValue")


def two_encryptions() -> AwsError:
    """A KMS key and SQS's own key at once."""
    message = "You can use one type of server-side encryption at one time. You can either enable KMS encryption or SQS encryption."
    return _modelled("InvalidAttributeValue", message, code="InvalidAttributeValue")


# Values of parameters.


def invalid_value(value: object, parameter: str, reason: str) -> AwsError:
    """Refuse a value in AWS's general words."""
    return invalid_parameter_value(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def out_of_range(value: int, parameter: str, low: int, high: int) -> AwsError:
    """A number of ReceiveMessage or ChangeMessageVisibility is out of range."""
    return invalid_value(value, parameter, f"Must be >= {low} and <= {high}, if provided.")


def not_for_this_queue_type(value: object, parameter: str) -> AwsError:
    """A FIFO parameter on a standard queue."""
    return invalid_value(value, parameter, "The request includes a parameter that is not valid for this queue type.")


def delay_on_fifo(value: int) -> AwsError:
    """FIFO queues have no delay per message ("include" is AWS's own slip)."""
    return invalid_value(value, "DelaySeconds", "The request include parameter that is not valid for this queue type.")


def no_deduplication_id() -> AwsError:
    """A FIFO queue without content-based deduplication got a message without an id."""
    return invalid_parameter_value(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


def attempt_not_retryable(attempt_id: str) -> AwsError:
    """A receive attempt cannot be repeated any more."""
    reason = "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
    return invalid_value(attempt_id, "ReceiveRequestAttemptId", reason)


# Messages.


def message_too_long(size_max_bytes: int) -> AwsError:
    """A message is longer than its queue allows."""
    return invalid_parameter_value(
        f"One or more parameters are invalid. Reason: Message must be shorter than {size_max_bytes} bytes."
    )


def invalid_message_contents() -> AwsError:
    """A body or a string attribute has a character that XML 1.0 has not."""
    message = (
        "Invalid characters found. Valid unicode characters are "
        "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )
    return _modelled("InvalidMessageContents", message, code="InvalidMessageContents")


def list_values_unsupported() -> AwsError:
    """StringListValues and BinaryListValues were never implemented."""
    return _modelled(
        "UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."
    )


def too_many_in_flight() -> AwsError:
    """A standard queue has 120,000 messages in flight."""
    return over_limit("Too many messages are currently in flight for this queue. Delete some to continue")


def over_limit(message: str) -> AwsError:
    """A quota is used up."""
    return _modelled("OverLimit", message, 403, code="OverLimit")


def receipt_handle_is_invalid() -> AwsError:
    """No receive of this queue made this receipt handle."""
    return _modelled(
        "ReceiptHandleIsInvalid", "The input receipt handle is invalid.", 404, code="ReceiptHandleIsInvalid"
    )


def receipt_handle_expired(handle: str) -> AwsError:
    """The receipt is no longer good for this queue: FIFO after the visibility timeout, standard after 12 hours."""
    return invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")


def receipt_handle_expired_in_batch() -> AwsError:
    """Say the same of an entry of DeleteMessageBatch, for which AWS has other words."""
    return _modelled("ReceiptHandleIsInvalid", "The receipt handle has expired", 404, code="ReceiptHandleIsInvalid")


def not_available_for_visibility_change(handle: str) -> AwsError:
    """The message is deleted or not in flight."""
    return invalid_value(
        handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change."
    )


def total_visibility_too_long(timeout_s: int) -> AwsError:
    """The message would be in flight for 12 hours or more from its receive."""
    return invalid_value(
        timeout_s, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    )


# Batches.


def empty_batch(entry: str) -> AwsError:
    """A batch without entries; `entry` is the name of the entry's shape."""
    return _modelled("EmptyBatchRequest", f"There should be at least one {entry} in the request.")


def too_many_entries(count: int) -> AwsError:
    """A batch of more than 10."""
    return _modelled(
        "TooManyEntriesInBatchRequest", f"Maximum number of entries per request are 10. You have sent {count}."
    )


def invalid_batch_entry_id() -> AwsError:
    """An entry's id is empty, too long or has a wrong character."""
    message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    return _modelled("InvalidBatchEntryId", message)


def batch_entry_ids_not_distinct(entry_id: str) -> AwsError:
    """Two entries have one id."""
    return _modelled("BatchEntryIdsNotDistinct", f"Id {entry_id} repeated.")


def batch_request_too_long(size_bytes: int, size_max_bytes: int) -> AwsError:
    """All messages of a batch together are too long."""
    return _modelled(
        "BatchRequestTooLong",
        f"Batch requests cannot be longer than {size_max_bytes} bytes. You have sent {size_bytes} bytes.",
    )


# Move tasks.


def resource_not_found(message: str) -> AwsError:
    """A queue or a task of a move does not exist."""
    return _modelled("ResourceNotFoundException", message, 404, code="ResourceNotFoundException")


def task_not_running() -> AwsError:
    """Only a running task can be cancelled."""
    return _modelled(
        "UnsupportedOperation", "A message movement can only be cancelled when the current status is RUNNING."
    )
